"""A log of requests and replies, for tests."""

import base64
import json
import re
import threading
import time
from collections import deque

ATTEMPT = re.compile(r"attempt=(\d+)")
ANSWER_LIMIT = 4096


def as_text(content):
    """Bytes as text if they are UTF-8; else None and base64."""
    try:
        return content.decode("utf-8"), None
    except UnicodeDecodeError:
        return None, base64.b64encode(content).decode()


class Entry:
    """A request; it is logged before its reply is sent."""

    __slots__ = ("n", "time", "request", "connection", "tls", "service", "operation",
                 "signature", "texts", "status", "code", "body", "scripted", "applied",
                 "ended", "seconds", "started")

    def __init__(self, request, wire, service, operation):
        self.n = 0
        self.time = time.time()
        self.started = time.monotonic()
        self.request = request
        self.connection = wire.number
        self.tls = wire.tls
        self.service = service
        self.operation = operation
        self.signature = None
        self.texts = None
        self.status = None
        self.code = None
        self.body = None
        self.scripted = False
        self.applied = False
        self.ended = None
        self.seconds = None

    def answered(self, reply, scripted, applied):
        """Records the reply."""
        self.scripted = scripted
        self.applied = applied
        if reply is not None:
            self.status = reply.status
            self.code = reply.code
            self.body = reply.body[:ANSWER_LIMIT]

    def finished(self, ended):
        """Records how sending has ended."""
        self.ended = ended
        self.seconds = round(time.monotonic() - self.started, 6)

    def shown_body(self):
        """The beginning of the answer's body as text; of an event stream, with zeros, base64."""
        if self.body is None:
            return None
        if b"\0" in self.body:
            return base64.b64encode(self.body).decode()
        return self.body.decode("utf-8", "replace")

    def shown(self):
        """The entry as JSON."""
        request = self.request
        body, encoded = as_text(request.body)
        attempt = ATTEMPT.search(request.fields.get("amz-sdk-request", ""))
        entry = {
            "n": self.n, "time": self.time, "connection": self.connection, "tls": self.tls,
            "service": self.service, "operation": self.operation,
            "attempt": int(attempt.group(1)) if attempt else None,
            "method": request.method, "path": request.target, "version": request.version,
            "headers": [list(header) for header in request.headers], "body": body,
            "signature": self.signature,
            "answer": {"status": self.status, "code": self.code,
                       "body": self.shown_body(),
                       "scripted": self.scripted, "applied": self.applied,
                       "ended": self.ended, "seconds": self.seconds},
        }
        if encoded is not None:
            entry["body_base64"] = encoded
        if self.texts is not None:
            entry["canonical_request"], entry["string_to_sign"] = self.texts
        return entry


class RequestLog:
    """The last requests, numbered from 1 in the order of their arrival."""

    def __init__(self, limit):
        self.entries = deque(maxlen=limit)
        self.count = 0
        self.arrival = threading.Condition()

    def add(self, entry):
        """Adds a request, and wakes waiting threads."""
        with self.arrival:
            self.count += 1
            entry.n = self.count
            self.entries.append(entry)
            self.arrival.notify_all()
        return entry

    def clear(self, limit):
        """Removes all entries, and counts from 1 again."""
        with self.arrival:
            self.entries = deque(maxlen=limit)
            self.count = 0

    def resize(self, limit):
        """Sets the number of entries to keep."""
        with self.arrival:
            self.entries = deque(self.entries, maxlen=limit)

    def since(self, number, operation=None, count=0, wait=0):
        """The entries after a number; waits until there are enough, or the time is over."""
        end = time.monotonic() + wait
        with self.arrival:
            while True:
                found = [entry for entry in self.entries if entry.n > number
                         and operation in (None, entry.operation)]
                left = end - time.monotonic()
                if len(found) >= count or left <= 0:
                    return found
                self.arrival.wait(left)


def lines(entries):
    """Entries as a JSON array, one on each line."""
    return "[" + ",\n".join(json.dumps(entry.shown(), ensure_ascii=False)
                            for entry in entries) + "]\n"
