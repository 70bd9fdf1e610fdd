"""The way of one request: to its service, past the script, into the log, and back."""

import email.utils

import signature
import wire
from requestlog import Entry


class Router:
    """Knows the services; every request that is not control goes through here."""

    def __init__(self, settings, log, script, verifier, services):
        self.settings = settings
        self.log = log
        self.script = script
        self.verifier = verifier
        self.services = services

    def handle(self, request, connection):
        """Answers one request; true when the connection goes on."""
        service = next(one for one in self.services if one.claims(request))
        operation = service.operation(request)
        step = self.script.take(operation)
        now = self.settings.now() if step is None or step.clock is None else \
            self.settings.now() - self.settings.clock + step.clock
        entry = Entry(request, connection, service.name, operation)
        refusal = caller = None
        if service.signed(operation):
            try:
                caller = self.verifier.check(request, service.name, now, service.tolerance)
                entry.signature = "ok"
            except signature.Refusal as caught:
                refusal = caught
                entry.signature = caught.answer(service.protocol)[1]
                if caught.canonical:
                    entry.texts = (caught.canonical, caught.to_sign)
        self.log.add(entry)
        return self.answer(connection, service, entry, (step, caller, refusal, now))

    def answer(self, connection, service, entry, circumstances):
        """Performs the operation or the step, and sends what comes of it."""
        step, caller, refusal, now = circumstances
        request = entry.request
        reply, applied = None, False
        if step is None or step.applies:
            reply, applied = self.perform(service, entry, caller, refusal, now)
        if step is not None:
            given = step.reply(service)
            reply = given if given is not None else step.dress(reply) if reply is not None else \
                service.success(b"{}")
        delivery = wire.PLAIN if step is None else step.delivery
        entry.answered(None if delivery.raw is not None or delivery.silence else reply,
                       step is not None, applied)
        return self.send(connection, entry, reply, delivery, (now, request.wants_close()))

    def perform(self, service, entry, caller, refusal, now):
        """What the service says, and whether it let the request in."""
        if refusal is not None and self.settings.verify:
            status, code = refusal.answer(service.protocol)
            return service.failure(status, code, refusal.message), False
        if caller is None and service.signed(entry.operation):
            caller = signature.Caller(signature.Key("anonymous", ""), "us-east-1", service.name)
        reply = service.perform(entry.operation, entry.request, caller, now)
        return reply, reply.status < 300

    @staticmethod
    def send(connection, entry, reply, delivery, circumstances):
        """Sends, notes how that ended, and closes where it should."""
        now, last = circumstances
        try:
            ended = connection.send(reply, delivery, http_date(now), last)
        except OSError:
            ended = "left"
        entry.finished(ended)
        if ended != "sent":
            connection.close(ended)
            return False
        if last or delivery.close or delivery.raw is not None:
            connection.close(ended)
            return False
        return True


class DateCache:
    """The Date header's text, made once a second."""

    second = None
    text = None


def http_date(now):
    """The time as HTTP writes it."""
    second = int(now)
    if DateCache.second != second:
        DateCache.text = email.utils.formatdate(second, usegmt=True)
        DateCache.second = second
    return DateCache.text
