"""HTTP/1.1 on a socket: reads requests, writes replies, and fails on demand.

Written by hand rather than on http.server because a reply should cost
microseconds: whole benchmarks are measured against this loop, and because a
test needs the headers exactly as they were sent and replies cut at any byte.
"""

import select
import socket
import struct
import time
from http import HTTPStatus

HEAD_LIMIT = 256 * 1024
BODY_LIMIT = 256 * 1024 * 1024
LAST_PIECE = 16 * 1024  # the size that fits into a socket's buffer

REASONS = {status.value: status.phrase for status in HTTPStatus}


class BadRequest(Exception):
    """The input is no HTTP request that can be answered."""


class Fault(Exception):
    """An error reply of a service: AWS's code, its message and the HTTP status."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class Request:
    """A received request."""

    __slots__ = ("method", "target", "path", "query", "version", "headers",
                 "fields", "body", "scheme")

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        try:
            self.method, self.target, self.version = lines[0].split(" ")
        except ValueError:
            raise BadRequest(f"no request line: {lines[0][:80]!r}") from None
        self.path, _, self.query = self.target.partition("?")
        self.headers = []
        self.fields = {}
        self.body = b""
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise BadRequest(f"no header: {line[:80]!r}")
            value = value.strip(" \t")
            self.headers.append((name, value))
            name = name.lower()
            if name in self.fields:
                value = self.fields[name] + "," + value
            self.fields[name] = value

    def wants_close(self):
        """Whether the client closes the connection after this request."""
        option = self.fields.get("connection", "").lower()
        return option == "close" or (self.version == "HTTP/1.0" and option != "keep-alive")


class Reply:
    """A reply before it is encoded."""

    __slots__ = ("status", "headers", "body", "code")

    def __init__(self, status, headers, body, code=None):
        self.status = status
        self.headers = headers
        self.body = body
        self.code = code

    def head(self, date, close=False):
        """The head of the reply; headers that are set are not added again."""
        given = {name.lower() for name, _ in self.headers}
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}"]
        if "date" not in given:
            lines.append("Date: " + date)
        lines.extend(f"{name}: {value}" for name, value in self.headers)
        if "content-length" not in given and "transfer-encoding" not in given:
            lines.append(f"Content-Length: {len(self.body)}")
        if close and "connection" not in given:
            lines.append("Connection: close")
        lines.append("\r\n")
        return "\r\n".join(lines).encode("latin-1", "replace")


class Delivery:
    """How a reply is delivered, or not."""

    __slots__ = ("delay", "silence", "drip", "cut", "reset", "close", "raw", "pauses")

    def __init__(self, delay=0, silence=False, drip=None, cut=None, reset=False,
                 close=False, raw=None, pauses=None):
        self.delay = delay
        self.silence = silence
        self.drip = drip
        self.cut = cut
        self.reset = reset
        self.close = close
        self.raw = raw
        self.pauses = pauses


PLAIN = Delivery()


class Wire:
    """A connection with its read buffer."""

    def __init__(self, sock, number, tls):
        self.sock = sock
        self.number = number
        self.tls = tls
        self.buffer = b""
        self.requests = 0

    def more(self):
        """Reads available bytes; false at the end of the stream."""
        got = self.sock.recv(65536)
        self.buffer += got
        return bool(got)

    def read(self):
        """The next request, or None if the client has disconnected."""
        end = self.buffer.find(b"\r\n\r\n")
        while end < 0:
            if len(self.buffer) > HEAD_LIMIT:
                raise BadRequest("head too large")
            if not self.more():
                return None
            end = self.buffer.find(b"\r\n\r\n")
        request = Request(self.buffer[:end])
        request.scheme = "https" if self.tls else "http"
        self.buffer = self.buffer[end + 4:]
        if request.fields.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in request.fields.get("transfer-encoding", "").lower():
            request.body = self.read_chunks()
        elif "content-length" in request.fields:
            request.body = self.read_bytes(self.length(request))
        self.requests += 1
        return request

    @staticmethod
    def length(request):
        """The length of the request's body."""
        text = request.fields["content-length"]
        if not text.isdecimal() or int(text) > BODY_LIMIT:
            raise BadRequest(f"bad Content-Length: {text[:40]}")
        return int(text)

    def read_bytes(self, count):
        """Reads an exact number of bytes."""
        if len(self.buffer) < count:
            parts = [self.buffer]
            missing = count - len(self.buffer)
            while missing > 0:
                got = self.sock.recv(min(missing, 1 << 20))
                if not got:
                    raise BadRequest("the request ended early")
                parts.append(got)
                missing -= len(got)
            self.buffer = b"".join(parts)
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read_line(self):
        """One line of a chunked body."""
        while b"\r\n" not in self.buffer:
            if len(self.buffer) > HEAD_LIMIT or not self.more():
                raise BadRequest("the chunked body ended early")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def read_chunks(self):
        """Reads a chunked body, without its trailers."""
        body = b""
        while True:
            try:
                size = int(self.read_line().split(b";")[0], 16)
            except ValueError:
                raise BadRequest("bad chunk size") from None
            if size == 0:
                break
            body += self.read_bytes(size)
            self.read_line()
        while self.read_line():
            pass
        return body

    def wait_for_leave(self, seconds=None):
        """Waits until the client disconnects; false after the timeout."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if end is None else max(0, end - time.monotonic())
            if not select.select([self.sock], [], [], left)[0]:
                return False
            try:
                if not self.more():
                    return True
            except OSError:
                return True

    def send(self, reply, delivery, date, last, note):
        """Writes the reply; returns how that ended: sent, cut, reset, silence or left.

        A client that has the whole reply must find its end noted: note(how) is called
        before the last piece is on the way.
        """
        if delivery is PLAIN:
            self.hand_over(reply.head(date, last) + reply.body, note, "sent")
            return "sent"
        if delivery.delay and self.wait_for_leave(delivery.delay):
            return "left"
        if delivery.silence:
            self.wait_for_leave()
            return "left"
        head = b"" if delivery.raw is not None else reply.head(date, last or delivery.close)
        body = reply.body if delivery.raw is None else delivery.raw
        how = "reset" if delivery.reset else "sent" if delivery.cut is None else "cut"
        if how != "sent":
            head, body = b"", (head + body)[:delivery.cut or 0]
        elif delivery.pauses:
            return self.pause(head, body, delivery.pauses, note)
        return self.drip(head, body, delivery.drip, note, how)

    def hand_over(self, content, note, how):
        """Writes the last bytes of a reply."""
        rest = max(0, len(content) - LAST_PIECE)
        if rest:
            self.sock.sendall(content[:rest])
        note(how)
        self.sock.sendall(content[rest:])

    def pause(self, head, body, pauses, note):
        """Writes head and body, with pauses before some offsets of the body."""
        start, before = 0, head
        for offset, seconds in pauses:
            self.sock.sendall(before + body[start:offset])
            start, before = offset, b""
            if self.wait_for_leave(seconds):
                return "left"
        self.hand_over(before + body[start:], note, "sent")
        return "sent"

    def drip(self, head, body, drip, note, how):
        """Writes head and body, the body in pieces if specified."""
        if drip and drip.get("head"):
            head, body = b"", head + body
        if not drip or not body:
            self.hand_over(head + body, note, how)
            return how
        size, pause = int(drip.get("bytes", 1)), float(drip.get("seconds", 0.1))
        if head:
            self.sock.sendall(head)
        for start in range(0, len(body), size):
            if self.wait_for_leave(pause):
                return "left"
            if start + size >= len(body):
                note(how)
            self.sock.sendall(body[start:start + size])
        return how

    def close(self, how):
        """Closes the connection: with RST, without close_notify, or properly."""
        if how == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif self.tls and how == "sent":
            self.say_farewell()
        elif how == "cut" and not self.tls:
            self.sock.shutdown(socket.SHUT_WR)
        self.sock.close()

    def say_farewell(self):
        """Sends close_notify, and waits shortly for the client's."""
        try:
            self.sock.settimeout(0.2)
            self.sock.unwrap()
        except OSError:
            pass
