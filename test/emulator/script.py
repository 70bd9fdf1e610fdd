"""Answers that a test wants next, in place of what the emulator would say.

A step waits for its operation (or for any), and, where it says what about, for a request
that has this text in its target or its body; it is taken so many times. What it
says about the answer (status, body, error, http_garbage, silence, reset) replaces
it, and then the operation is performed only when `apply` asks for it; what it
says about the way of the reply (delay, drip, cut, close, clock, headers) goes
with the reply that there would have been. What it says about events is the
messages of a stream; `then` is what somebody else writes before the reply.
"""

import base64
import json
import threading

import eventstream
from wire import Delivery

FIELDS = {"operation", "times", "status", "headers", "body", "body_base64", "repeat", "error",
          "message", "delay", "silence", "drip", "cut", "reset", "apply", "close", "clock",
          "chunked", "http_garbage", "http_garbage_base64", "events", "about",
          "then"}
REPLACING = {"status", "body", "body_base64", "error", "http_garbage", "http_garbage_base64",
             "silence", "reset", "events"}
SERVER_FAULTS = {"InternalServerException": 500, "InternalFailure": 500,
                 "NotImplementedOperationException": 501, "ServiceUnavailable": 503,
                 "ServiceUnavailableException": 503}


class Step:
    """One scripted answer."""

    def __init__(self, said):
        if not isinstance(said, dict):
            raise ValueError("a step is an object")
        unknown = set(said) - FIELDS
        if unknown:
            raise ValueError(f"a step has no {', '.join(sorted(unknown))}; it has: "
                             + ", ".join(sorted(FIELDS)))
        self.said = said
        self.operation = said.get("operation")
        self.about = said.get("about")
        times = said.get("times", 1)
        self.left = None if times in (None, "always") else int(times)
        self.replaces = any(said.get(name) not in (None, False) for name in REPLACING)
        self.applies = said.get("apply", not self.replaces)
        self.clock = said.get("clock")
        self.body = self.given_body()
        self.events, pauses = None, None
        if said.get("events") is not None:
            self.events, pauses = eventstream.scripted(said["events"])
        self.headers = said.get("headers") or []
        if isinstance(self.headers, dict):
            self.headers = list(self.headers.items())
        self.headers = [(str(name), str(value)) for name, value in self.headers]
        self.delivery = Delivery(
            delay=float(said.get("delay") or 0), silence=bool(said.get("silence")),
            drip=self.given_drip(), cut=said.get("cut"), reset=bool(said.get("reset")),
            close=bool(said.get("close")), raw=self.given_garbage(), pauses=pauses)

    def fits(self, operation, request):
        """Whether it applies to this request; a connection is not yet a request."""
        if self.operation not in (None, operation) or \
                (operation == "@connect" and self.operation != operation):
            return False
        return self.about is None or request is not None and (
            self.about in request.target or self.about.encode() in request.body)

    def given_body(self):
        """The body of the step, or None."""
        if self.said.get("body_base64") is not None:
            body = base64.b64decode(self.said["body_base64"])
        elif self.said.get("body") is None:
            return None
        elif isinstance(self.said["body"], str):
            body = self.said["body"].encode("utf-8", "surrogatepass")
        else:
            body = json.dumps(self.said["body"]).encode()
        return body * int(self.said.get("repeat", 1))

    def given_drip(self):
        """How the reply is slowed down, or None; true and a number are short forms."""
        drip = self.said.get("drip")
        if drip is True:
            return {"bytes": 1, "seconds": 0.1}
        if isinstance(drip, (int, float)) and drip:
            return {"bytes": 1, "seconds": drip}
        return drip or None

    def given_garbage(self):
        """Bytes to send instead of HTTP, or None."""
        if self.said.get("http_garbage_base64") is not None:
            return base64.b64decode(self.said["http_garbage_base64"])
        if self.said.get("http_garbage") is not None:
            return self.said["http_garbage"].encode("utf-8", "surrogatepass")
        return None

    def reply(self, service):
        """The reply of the step, or None."""
        said = self.said
        if said.get("error") is not None:
            status = said.get("status") or SERVER_FAULTS.get(said["error"], 400)
            reply = service.failure(status, said["error"], said.get("message"))
        elif self.events is not None:
            reply = service.streamed(self.events)
        elif said.get("status") is not None or self.body is not None:
            reply = service.success(b"" if self.body is None else self.body)
            reply.status = said.get("status") or 200
        else:
            return None
        if self.body is not None:
            reply.body = self.body
        return self.dress(reply)

    def dress(self, reply):
        """The reply with the step's headers, which replace those of the same name."""
        named = {name.lower() for name, _ in self.headers}
        reply.headers = [header for header in reply.headers
                         if header[0].lower() not in named] + self.headers
        if self.said.get("chunked"):
            reply.headers.append(("Transfer-Encoding", "chunked"))
            reply.body = chunks(reply.body, int(self.said["chunked"]))
        return reply


def chunks(body, size):
    """A body in chunks of a number of bytes."""
    parts = [body[start:start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])


class Script:
    """The pending steps."""

    def __init__(self):
        self.steps = []
        self.lock = threading.Lock()

    def add(self, said):
        """Adds one step or a list of them; all or none."""
        steps = [Step(one) for one in (said if isinstance(said, list) else [said])]
        with self.lock:
            self.steps.extend(steps)
        return len(steps)

    def take(self, operation, request=None):
        """The first step for this request, or None."""
        if not self.steps:
            return None
        with self.lock:
            for step in self.steps:
                if step.fits(operation, request):
                    if step.left is not None:
                        step.left -= 1
                        if step.left <= 0:
                            self.steps.remove(step)
                    return step
        return None

    def clear(self):
        """Forgets all steps."""
        with self.lock:
            self.steps = []

    def shown(self):
        """The pending steps as JSON."""
        with self.lock:
            return [{**step.said, "times": "always" if step.left is None else step.left}
                    for step in self.steps]
