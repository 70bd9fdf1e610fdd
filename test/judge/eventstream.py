#!/usr/bin/python3
"""Event streams in random pieces, read by botocore's parser and by the extension's.

Streams of random messages, whole, cut, with a bit turned over, or with a header that is none in a
message whose checksums are right. Both read the same messages before they find the fault, and both
find it. (botocore takes a value that ends before its length for a shorter one, and a header
without a name; those are no headers here, and test/unit/eventstream has them.) HEALTHLAKE_SEED is
another seed.
"""

import os
import random
import struct
import subprocess
import sys
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / name) for name in ("python", "emulator")]

import eventstream  # noqa: E402
from tap import Tap, skip_all  # noqa: E402

try:
    import botocore
    from botocore.eventstream import EventStreamBuffer
except ImportError:
    skip_all("python3-botocore is not there")

DRIVER = ROOT / "test" / "unit" / "eventstream"
COUNT = 400
NAMES = [":event-type", ":message-type", ":content-type", "x", "größe", "a" * 255, "𝄞"]
BAD_HEADERS = {
    "a type that is none": b"\x01z\x0a",
    "an integer that is cut": b"\x01z\x04\x00\x00",
    "no type": b"\x02zz",
    "a string that is not UTF-8": b"\x01z\x07\x00\x02\xc3\x28",
    "a name that is not UTF-8": b"\x02\xff\xfe\x00",
    "a header twice": eventstream.header("z", True) + eventstream.header("z", "again"),
}
KINDS = {"byte": 1, "short": 2, "integer": 4, "long": 8}


class Maker:
    """Generates streams; the same ones from the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self):
        """A header's value of any type."""
        kind = self.random.choice(["true", "false", *KINDS, "bytes", "string", "time", "uuid"])
        if kind in ("true", "false"):
            return kind == "true"
        if kind in KINDS:
            bits = KINDS[kind] * 8 - 1
            return self.random.choice([0, -1, 2**bits - 1, -2**bits]), KINDS[kind]
        if kind == "bytes":
            return self.random.randbytes(self.random.choice([0, 1, 300]))
        if kind == "string":
            return "".join(self.random.choices("abc \n\0ß字𝄞", k=self.random.choice([0, 3, 2000])))
        if kind == "time":
            return eventstream.Milliseconds(self.random.choice([0, -1, 1700000000123, 2**63 - 1]))
        return uuid.UUID(bytes=self.random.randbytes(16))

    def headers(self):
        """The headers of a message, as bytes."""
        names = self.random.sample(NAMES, self.random.randint(0, len(NAMES)))
        return b"".join(eventstream.header(name, self.value()) for name in names)

    def message(self):
        """A valid message."""
        size = self.random.choice([0, 2, 17, 500, 9000])
        return eventstream.frame(self.headers(), self.random.randbytes(size))

    def stream(self, fault):
        """A stream with a fault, or none."""
        messages = [self.message() for _ in range(self.random.randint(1, 6))]
        if fault in BAD_HEADERS:
            at = self.random.randrange(len(messages))
            messages[at] = eventstream.frame(self.headers() + BAD_HEADERS[fault], b"{}")
        stream = bytearray(b"".join(messages))
        if fault == "a bit turned over":
            stream[self.random.randrange(len(stream))] ^= 1 << self.random.randrange(8)
        if fault == "cut":
            del stream[self.random.randrange(1, len(stream)):]
        return bytes(stream)

    def pieces(self, stream):
        """The stream in pieces, of one byte each, of a few, or of many."""
        most = self.random.choice([1, 5, 100, 5000, 50000])
        pieces, at = [], 0
        while at < len(stream):
            size = self.random.randint(1, most)
            pieces.append(stream[at:at + size])
            at += size
        return pieces


def wrote(name, value):
    """A header in the driver's format, without the type, which botocore does not keep."""
    number = int(value) if isinstance(value, int) and not isinstance(value, bool) else 0
    content = value.encode() if isinstance(value, str) else value
    return name.encode().hex(), number, content.hex() if isinstance(content, bytes) else ""


def botocore_reads(pieces):
    """The messages that botocore finds, and how the stream ends."""
    buffer, messages = EventStreamBuffer(), []
    try:
        for piece in pieces:
            buffer.add_data(piece)
            for one in buffer:
                messages.append(([wrote(*header) for header in one.headers.items()],
                                 one.payload.hex()))
    except Exception as fault:  # pylint: disable=broad-except
        return messages, f"broken: {type(fault).__name__}"
    return messages, "cut" if buffer._data else "whole"  # pylint: disable=protected-access


def read_line(line):
    """A message in the driver's format."""
    *headers, payload = line.split(" ")
    found = []
    for text in headers:
        name, _, number, content = text.split(":")
        found.append((name, int(number), content))
    return found, payload


def ours_read(streams):
    """The messages of the extension's parser, and how each stream ends."""
    given = b"".join(struct.pack("!I", len(pieces)) + b"".join(
        struct.pack("!I", len(piece)) + piece for piece in pieces) for pieces in streams)
    done = subprocess.run([DRIVER, "--read"], input=given, stdout=subprocess.PIPE, check=True)
    messages = []
    for line in done.stdout.decode().splitlines():
        if line.startswith("= "):
            yield messages, line[2:]
            messages = []
        else:
            messages.append(read_line(line))


def is_same(ours, theirs):
    """Whether both read the same messages and have the same end."""
    end = theirs[1] if theirs[1] in ("cut", "whole") else "broken"
    own = ours[1] if ours[1] in ("cut", "whole") else "broken"
    return ours[0] == theirs[0] and own == end


def main():
    """All kinds of streams."""
    tap = Tap()
    subprocess.run(["make", "-s", "-C", ROOT, "test/unit/eventstream"], check=True,
                   stdout=sys.stderr)
    tap.say(f"botocore {botocore.__version__}")
    maker = Maker(int(os.environ.get("HEALTHLAKE_SEED", "20261129")))
    for fault in ("whole", "cut", "a bit turned over", *BAD_HEADERS):
        count = COUNT if fault in ("whole", "cut", "a bit turned over") else COUNT // 10
        streams = [maker.pieces(maker.stream(fault)) for _ in range(count)]
        theirs = [botocore_reads(pieces) for pieces in streams]
        ours = list(ours_read(streams))
        wrong = [(b"".join(pieces).hex(), *sides) for pieces, *sides in
                 zip(streams, ours, theirs) if not is_same(*sides)]
        tap.ok(len(ours) == count and not wrong, f"{count} streams: {fault}", wrong[:1])
        ends = {end.split(":")[0] for _, end in theirs}
        wanted = {"whole": "whole", "cut": "cut"}.get(fault, "broken")
        tap.ok(wanted in ends, f"{fault}: such streams were among them", ends)
    tap.end()


if __name__ == "__main__":
    main()
