"""Messages of application/vnd.amazon.eventstream as bytes."""

import base64
import json
import struct
import uuid
from binascii import crc32

CONTENT_TYPE = "application/vnd.amazon.eventstream"


class Milliseconds(int):
    """A header value that is a timestamp, in milliseconds since 1970."""


def header(name, value):
    """A header of the type that the value has; integers may be (value, number of bytes)."""
    name = name.encode()
    head = bytes([len(name)]) + name
    size = 4
    if isinstance(value, tuple):
        value, size = value
    if isinstance(value, bool):
        return head + (b"\0" if value else b"\1")
    if isinstance(value, Milliseconds):
        return head + b"\x08" + struct.pack("!q", value)
    if isinstance(value, int):
        return head + bytes([2 + (1, 2, 4, 8).index(size)]) + value.to_bytes(size, "big",
                                                                           signed=True)
    if isinstance(value, uuid.UUID):
        return head + b"\x09" + value.bytes
    kind, content = (b"\x07", value.encode()) if isinstance(value, str) else (b"\x06", value)
    return head + kind + struct.pack("!H", len(content)) + content


def frame(headers, payload):
    """A message with encoded headers."""
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    prelude += struct.pack("!I", crc32(prelude))
    message = prelude + headers + payload
    return message + struct.pack("!I", crc32(message))


def message(headers, payload=b""):
    """A message: headers by their names, and the payload."""
    return frame(b"".join(header(*one) for one in headers.items()), payload)


def event(name, payload):
    """An event, or the initial response, with a payload of JSON."""
    return message({":message-type": "event", ":event-type": name,
                    ":content-type": "application/json"}, written(payload))


def exception(name, payload):
    """An exception of the model."""
    return message({":message-type": "exception", ":exception-type": name,
                    ":content-type": "application/json"}, written(payload))


def error(code, text):
    """An error outside the model."""
    return message({":message-type": "error", ":error-code": code, ":error-message": text})


def written(payload):
    """A payload; strings are used unchanged."""
    if isinstance(payload, str):
        return payload.encode("utf-8", "surrogatepass")
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def events_of(member, reply):
    """The messages of a reply, one of whose members is a list of events."""
    yield event("initial-response", {name: value for name, value in reply.items()
                                     if name != member})
    for one in reply[member]:
        for name, payload in one.items():
            yield event(name, payload)


FIELDS = {"event", "exception", "error", "payload", "message", "bytes_base64", "spoil", "cut",
          "pause", "times"}


class Scripted:
    """A scripted message, or several equal ones."""

    def __init__(self, said):
        if set(said) - FIELDS:
            raise ValueError(f"a message has no {', '.join(sorted(set(said) - FIELDS))}; "
                             "it has: " + ", ".join(sorted(FIELDS)))
        self.pause = float(said.get("pause") or 0)
        self.times = int(said.get("times", 1))
        self.content = self.made(said)[:said.get("cut")]

    @staticmethod
    def made(said):
        """The message's bytes."""
        payload = said.get("payload", {})
        if "bytes_base64" in said:
            content = base64.b64decode(said["bytes_base64"])
        elif "exception" in said:
            content = exception(said["exception"], payload)
        elif "error" in said:
            content = error(said["error"], said.get("message", ""))
        else:
            content = event(said["event"], payload)
        return spoilt(content, {"prelude": 8, "message": len(content) - 1}.get(said.get("spoil")))


def spoilt(content, at):
    """Bytes with one changed byte."""
    if at is None:
        return content
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]


def chunked(messages):
    """A chunked body with a chunk for each message."""
    return b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in [*messages, b""])


def scripted(said):
    """The body of a script's messages, and the pauses in it: offset and seconds."""
    body, pauses = [], []
    offset = 0
    for one in map(Scripted, said):
        chunk = b"%x\r\n%b\r\n" % (len(one.content), one.content) if one.content else b""
        body.append(chunk * one.times)
        if one.pause:
            pauses += [(offset + number * len(chunk), one.pause) for number in range(one.times)]
        offset += len(body[-1])
    return b"".join(body) + b"0\r\n\r\n", pauses
