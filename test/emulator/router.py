"""Routes a request: to its service, through the script, into the log, and back."""

import email.utils
from functools import lru_cache

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
        """Answers a request; returns whether the connection stays open."""
        service = next(one for one in self.services if one.claims(request))
        exchange = Exchange(self, service, request, connection)
        exchange.verify(self.verifier)
        self.log.add(exchange.entry)
        exchange.answer()
        return exchange.send()


class Exchange:
    """A request and its reply."""

    def __init__(self, router, service, request, connection):
        self.settings = router.settings
        self.service = service
        self.request = request
        self.connection = connection
        self.operation = service.operation(request)
        self.step = router.script.take(self.operation, request)
        self.entry = Entry(request, connection, service.name, self.operation)
        self.now = self.settings.now()
        if self.step is not None and self.step.clock is not None:
            self.now += self.step.clock - self.settings.clock
        self.caller = None
        self.refusal = None
        self.reply = None
        self.delivery = wire.PLAIN

    def verify(self, verifier):
        """Determines who has signed the request, or why it is refused."""
        if not self.service.signed(self.operation):
            return
        try:
            self.caller = verifier.check(self.request, self.service.name, self.now,
                                         self.service.tolerance)
            self.entry.signature = "ok"
        except signature.Refusal as refusal:
            self.refusal = refusal
            self.entry.signature = refusal.answer(self.service.protocol)[1]
            if refusal.canonical:
                self.entry.texts = (refusal.canonical, refusal.to_sign)
            if not self.settings.verify:
                self.refusal = None
                self.caller = signature.Caller(signature.Key("anonymous", ""),
                                               self.settings.instance_region, self.service.name)

    def answer(self):
        """Performs the operation, the step, or both."""
        step = self.step
        applied = False
        if step is None or step.applies:
            applied = self.perform()
        if step is not None:
            for version in step.said.get("then", ()):
                self.service.place(**version)
            self.delivery = step.delivery
            self.reply = step.reply(self.service) or step.dress(
                self.reply or self.service.success(b"{}"))
        unseen = self.delivery.silence or self.delivery.raw is not None
        self.entry.answered(None if unseen else self.reply, step is not None, applied)

    def perform(self):
        """Lets the service answer; returns whether the request was carried out."""
        if self.refusal is not None:
            status, code = self.refusal.answer(self.service.protocol)
            self.reply = self.service.failure(status, code, self.refusal.message)
            return False
        self.reply = self.service.perform(self.operation, self.request, self.caller, self.now)
        return self.reply.status < 300

    def send(self):
        """Sends the reply and records how that ended; returns whether the connection stays open."""
        last = self.request.wants_close()
        try:
            ended = self.connection.send(self.reply, self.delivery, http_date(int(self.now)), last,
                                         self.entry.finished)
        except OSError:
            ended = "left"
        self.entry.finished(ended)
        if ended == "sent" and not (last or self.delivery.close or self.delivery.raw is not None):
            return True
        self.connection.close(ended)
        return False


@lru_cache(maxsize=4)
def http_date(second):
    """The time as an HTTP date."""
    return email.utils.formatdate(second, usegmt=True)
