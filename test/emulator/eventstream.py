"""Messages of application/vnd.amazon.eventstream as bytes."""

import struct
import uuid
from binascii import crc32

CONTENT_TYPE = "application/vnd.amazon.eventstream"


class Milliseconds(int):
    """A header's value that is a point in time, since 1970."""


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
    """A message of headers that are bytes already."""
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    prelude += struct.pack("!I", crc32(prelude))
    message = prelude + headers + payload
    return message + struct.pack("!I", crc32(message))


def message(headers, payload=b""):
    """A message: headers by their names, and the payload."""
    return frame(b"".join(header(*one) for one in headers.items()), payload)
