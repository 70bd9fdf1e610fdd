"""The catalogue of faults, first half: the network, HTTP, TLS and proxies.

A row of the table has a name, the fault (a function of a Wire, see fault_server.py), what must
become of it, and the faces and routes that it is tried on. What must become of it is written by one
of the verdicts below; `but` names the faces to which something else happens.
"""

import gzip
import time
import zlib
from collections import namedtuple

import fault_server as server

CHANGES = ("change", "fhir_create", "fhir_update", "fhir_bundle", "stream")
READS = ("read", "fhir_read", "fhir_search")
INSTANCE = ("token", "role", "keys")
PROVIDERS = ("sts", "container", *INSTANCE)
FACES = (*CHANGES, *READS, *PROVIDERS)
UNKNOWN, CREDENTIALS = "38M01", "38X01"


def verdict(reading, changing=UNKNOWN):
    """The result for each face: the SQLSTATE, or None for a success."""
    return {**dict.fromkeys(CHANGES, changing), **dict.fromkeys(READS, reading),
            **dict.fromkeys(PROVIDERS, CREDENTIALS)}


# A change that may have been carried out is unknown, whatever the cause; for reads the
# cause is reported; and without keys nothing is sent.
FINE = dict.fromkeys(FACES)
UNSENT = verdict("38N01", "38N01")
LOST = verdict("38N02")
BROKEN = verdict("38P01")
FAILED = verdict("38S01")
THROTTLED = verdict("38T01", "38T01")


def either(one, other):
    """One of two results, depending on timing or on libcurl's version."""
    return {face: (one[face], other[face]) for face in FACES}


def refused(state):
    """AWS has refused: nothing was carried out."""
    return verdict(state, state)


Kind = namedtuple("Kind", "name fault ends faces routes stage context slow")
TABLE = []


def kind(name, fault, ends, but=None, faces=FACES, routes=("plain", "tls"),
         **more):  # pylint: disable=too-many-arguments
    """A row of the table; slow: it takes until a timeout."""
    for face in (but or {}):
        assert face in FACES, face
    more = {"stage": "reply", "context": "good", "slow": False, **more}
    TABLE.append(Kind(name, fault, {**ends, **(but or {})}, faces, routes, **more))


def said(template):
    """Bytes, then the end of the connection."""
    def fault(wire):
        wire.say(template)
        if hasattr(wire.connection, "unwrap"):
            wire.connection.settimeout(1)
            wire.connection.unwrap()
    return fault


def kept(template):
    """Bytes, and the connection stays."""
    return lambda wire: wire.say(template)


def cut(template, at=None, reset=False):
    """A part of the bytes, then the end, without close_notify or by a reset."""
    def fault(wire):
        wire.send(wire.fill(template)[:at])
        if reset:
            wire.reset()
    return fault


def hang(template=b"", at=None):
    """A part of the bytes, then nothing."""
    def fault(wire):
        wire.send(wire.fill(template)[:at])
        wire.linger()
    return fault


def drip(template, more, pause=0.05):
    """Bytes, then others, slowly, without end."""
    def fault(wire):
        wire.say(template)
        while wire.send(more):
            time.sleep(pause)
    return fault


def flood(template, piece, most=64 << 20):
    """Bytes, then others as fast as possible, up to a number that must not be reached."""
    def fault(wire):
        wire.say(template)
        block = piece * max(1, 65536 // len(piece))
        for _ in range(most // len(block)):
            if not wire.send(block):
                break
    return fault


OK = b"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\n"
SIZED = OK + b"Content-Length: {len}\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"
TEXT = {"token": None, "role": None}  # any text is one of these

# --------------------------------------------------------------- cut at each stage

for end, reset in (("close", False), ("reset", True)):
    for name, at in (("before the reply", 0), ("in HTTP", 3), ("in the version", 8),
                     ("in the status", 11), ("in the status line", 14),
                     ("after the status line", 17), ("in a header's name", 25),
                     ("in a header's value", 36)):
        kind(f"{end} {name}", cut(server.WHOLE, at, reset), LOST)
    kind(f"{end} before the blank line", cut(SIZED[:-2], None, reset), LOST)
    kind(f"{end} in the blank line", cut(SIZED[:-1], None, reset), LOST)
    kind(f"{end} after the head", cut(SIZED, None, reset), LOST)
    kind(f"{end} after a byte of the body", cut(SIZED + b"{", None, reset), LOST)
    kind(f"{end} in the body", cut(SIZED + b"{half}", None, reset), LOST)
    kind(f"{end} before the last byte", cut(server.WHOLE, -1, reset), LOST)
    kind(f"{end} before the first chunk", cut(CHUNKED, None, reset), LOST)
    kind(f"{end} in a chunk's size", cut(CHUNKED + b"{hex}", None, reset), LOST)
    kind(f"{end} in a chunk", cut(CHUNKED + b"{hex}\r\n{half}", None, reset), LOST)
    # its last event has arrived by then
    kind(f"{end} before the last chunk", cut(CHUNKED + b"{chunk}", None, reset), LOST,
         {"stream": None})
    kind(f"{end} in the last chunk", cut(CHUNKED + b"{chunk}0", None, reset), LOST,
         {"stream": None})
    kind(f"{end} once accepted", cut(b"", None, reset), either(LOST, UNSENT), routes=("plain",),
         stage="accept")

kind("refused port", None, UNSENT, faces=("change", "read", "sts", "fhir_read", "fhir_create"),
     routes=("closed",))
kind("cut without a length", cut(OK + b"\r\n{half}"), LOST, TEXT)

# ---------------------------------------------------------------- lengths and chunks

LENGTHS = ("change", "read", "sts", "keys", "fhir_read", "fhir_create", "fhir_search", "stream")
for name, value in (("negative", b"-1"), ("with a sign", b"+{len}"), ("hexadecimal", b"0x{hex}"),
                    ("of two words", b"1 0"), ("of a list", b"{len}, {len}"), ("empty", b""),
                    ("of letters", b"many"), ("of 2^64", b"18446744073709551616"),
                    ("of 2^63-1", b"9223372036854775807"), ("of 9 MiB", b"9437184"),
                    ("with a fraction", b"{len}.0"), ("of 400 digits", b"9" * 400),
                    ("twice, different", b"{len}\r\nContent-Length: {more}"),
                    ("folded", b"\r\n {len}"), ("beside chunks", b"{len}\r\nTransfer-Encoding: "
                                                b"chunked")):
    kind(f"length {name}", kept(OK + b"Content-Length: " + value + b"\r\n\r\n{body}"), BROKEN,
         faces=LENGTHS)
for name, value in (("with zeros before it", b"0000{len}"), ("with blanks", b"   {len} \t"),
                    ("twice, the same", b"{len}\r\nContent-Length: {len}")):
    kind(f"length {name}", kept(OK + b"Content-Length: " + value + b"\r\n\r\n{body}"), FINE)
kind("length too large", cut(OK + b"Content-Length: {more}\r\n\r\n{body}"), LOST, {"stream": None})
kind("length one too small", kept(OK + b"Content-Length: {less}\r\n\r\n{body}"), BROKEN,
     {**TEXT, "read": "38P01"})
kind("length of nothing", kept(OK + b"Content-Length: 0\r\n\r\n"), BROKEN)
kind("no length", said(OK + b"\r\n{body}"), FINE)
kind("length with a NUL", kept(OK + b"Content-Length: {len}\0\r\n\r\n{body}"), BROKEN,
     faces=LENGTHS)

for name, chunks in (("whole", b"{chunk}"), ("of a byte each", b"{bytes}"),
                     ("with capitals", b"{HEX}\r\n{body}\r\n"),
                     ("with an extension", b"{hex};a=b\r\n{body}\r\n"),
                     ("with a quoted extension", b"{hex};a=\"\\\";\"\r\n{body}\r\n"),
                     ("with zeros before the size", b"000000{hex}\r\n{body}\r\n")):
    kind(f"chunks {name}", kept(CHUNKED + chunks + LAST), FINE)
kind("chunks with trailers", kept(CHUNKED + b"{chunk}0\r\nA: b\r\nC: d\r\n\r\n"), FINE)
for name, chunks in (("of no hexadecimal size", b"zz\r\n{body}\r\n"),
                     ("of a negative size", b"-1\r\n{body}\r\n"),
                     ("without a size", b"\r\n{body}\r\n"),
                     ("of 2^68", b"FFFFFFFFFFFFFFFFF\r\n{body}\r\n"),
                     ("that are followed by letters", b"{hex}\r\n{body}XX\r\n")):
    kind(f"chunks {name}", cut(CHUNKED + chunks + LAST), BROKEN,
         {"stream": None} if "letters" in name else None, faces=LENGTHS)
kind("chunks of 2^60", cut(CHUNKED + b"fffffffffffffff\r\n{body}"), LOST, {"stream": None})
kind("chunks without end", flood(CHUNKED, b"1000\r\n" + b" " * 4096 + b"\r\n"), BROKEN)
kind("chunk of 64 MB", flood(CHUNKED + b"4000000\r\n", b" " * 4096), BROKEN)
kind("trailers without end", flood(CHUNKED + b"{chunk}0\r\n", b"A: b\r\n"), BROKEN,
     {"stream": None})
kind("trailer line without end", flood(CHUNKED + b"{chunk}0\r\nA: ", b"b" * 64), BROKEN,
     {"stream": None})
kind("body without end", flood(OK + b"\r\n", b" " * 4096), BROKEN)
for name, coding in (("of a stranger", b"foo"), ("gzip", b"gzip"), ("gzip, chunked",
                                                                    b"gzip, chunked")):
    kind(f"transfer coding {name}", cut(OK + b"Transfer-Encoding: " + coding +
                                        b"\r\n\r\n{chunk}" + LAST), BROKEN,
         faces=("change", "read", "fhir_read", "fhir_create"))

# ----------------------------------------------------------------------- compression

JSONS = ("change", "read", "keys", "container", "fhir_read", "fhir_create", "fhir_update",
         "fhir_search", "fhir_bundle")
for name, coding, content in (
        ("gzip", b"gzip", gzip.compress(b"{}")), ("deflate", b"deflate", zlib.compress(b"{}")),
        ("brotli", b"br", b"\x0b\x00\x80{}\x03"), ("a bomb of gzip", b"gzip", gzip.compress(
            bytes(16 << 20))), ("a bomb of deflate", b"deflate", zlib.compress(bytes(16 << 20)))):
    kind(f"content coding {name}", kept(server.reply(
        content, b"Content-Encoding: " + coding + b"\r\n")), BROKEN, faces=(*JSONS, "sts",
                                                                            "stream"))
kind("content coding gzip of what is plain", kept(OK + b"Content-Encoding: gzip\r\nContent-Length: "
                                                  b"{len}\r\n\r\n{body}"), FINE)

# ---------------------------------------------------------------------------- heads

HEADS = ("change", "read", "sts", "token", "fhir_read", "fhir_create", "stream")
REST = b"Content-Type: {type}\r\nContent-Length: {len}\r\n\r\n{body}"
for name, line in (("without a reason", b"HTTP/1.1 200\r\n"), ("of HTTP/1.0",
                                                               b"HTTP/1.0 200 OK\r\n"),
                   ("with a line feed alone", b"HTTP/1.1 200 OK\n"),
                   ("with bytes above 127", b"HTTP/1.1 200 \xc3\xa9\xff\r\n"),
                   ("with a long reason", b"HTTP/1.1 200 " + b"x" * 50000 + b"\r\n")):
    kind(f"status line {name}", said(line + REST), FINE)
for name, line in (("of HTTP/2", b"HTTP/2 200\r\n"), ("of small letters", b"http/1.1 200 OK\r\n")):
    kind(f"status line {name}", said(line + REST), either(FINE, BROKEN), faces=HEADS)
for name, line in (("of HTTP/3", b"HTTP/3 200\r\n"),
                   ("of HTTP/1.2", b"HTTP/1.2 200 OK\r\n"), ("of HTTP/9.9", b"HTTP/9.9 200 OK\r\n"),
                   ("of ICY", b"ICY 200 OK\r\n"),
                   ("of two digits", b"HTTP/1.1 20 OK\r\n"), ("of four digits",
                                                              b"HTTP/1.1 2000\r\n"),
                   ("of letters", b"HTTP/1.1 abc OK\r\n"), ("without a blank",
                                                            b"HTTP/1.1200 OK\r\n"),
                   ("of status 000", b"HTTP/1.1 000 OK\r\n"), ("of status 099",
                                                               b"HTTP/1.1 099 OK\r\n"),
                   ("after a blank line", b"\r\nHTTP/1.1 200 OK\r\n"),
                   ("after rubbish", b"rubbish\r\nHTTP/1.1 200 OK\r\n"),
                   ("of 200 kB", b"HTTP/1.1 200 " + b"x" * 200000 + b"\r\n")):
    kind(f"status line {name}", said(line + REST), BROKEN, faces=HEADS)
kind("status line without end", flood(b"HTTP/1.1 200 ", b"x" * 64), BROKEN, faces=HEADS)
for name, greeting in (("the body alone", b"{body}"), ("TLS", b"\x15\x03\x03\x00\x02\x02\x28" * 8),
                       ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"), ("SMTP", b"220 ready\r\n"),
                       ("POP3", b"+OK ready\r\n"), ("zeros", bytes(4096)),
                       ("HTML", b"<html><body>busy</body></html>\n")):
    kind(f"in place of HTTP {name}", said(greeting), BROKEN, faces=HEADS)

for name, lines in (("folded", b"A: b\r\n c\r\n\td\r\n"), ("199 of them", b"A: b\r\n" * 190),
                    ("of 60 kB", b"A: " + b"b" * 60000 + b"\r\n"),
                    ("above 127", b"A: \xff\xfe\x80\r\n"), ("with controls",
                                                            b"A: \x01\x02\x7f\r\n"),
                    ("empty", b"A:\r\n"), ("of 100 cookies", b"Set-Cookie: a=b\r\n" * 100),
                    ("with a date of rubbish", b"Date: yesterday\r\n"),
                    ("with a date of 1969", b"Date: Wed, 31 Dec 1969 23:59:59 GMT\r\n"),
                    ("with a date of 9999", b"Date: Fri, 31 Dec 9999 23:59:59 GMT\r\n"),
                    ("with an age", b"Age: 99999999999999999999\r\n"),
                    ("with a location", b"Location: https://elsewhere.invalid/\r\n"),
                    ("with a refresh", b"Refresh: 0; url=https://elsewhere.invalid/\r\n"),
                    ("with an alternative", b"Alt-Svc: h3=\"elsewhere.invalid:443\"\r\n"),
                    ("that upgrade", b"Upgrade: h2c\r\nConnection: Upgrade\r\n"),
                    ("that close", b"Connection: close\r\n")):
    kind(f"headers {name}", kept(OK + lines + b"Content-Length: {len}\r\n\r\n{body}"), FINE)
for name, lines in (("500 of them", b"A: b\r\n" * 500), ("of 90 kB",
                                                         b"A: " + b"b" * 90000 + b"\r\n"),
                    ("of 70 kB in all", (b"A: " + b"b" * 997 + b"\r\n") * 70),
                    ("of 200 kB", b"A: " + b"b" * 200000 + b"\r\n")):
    kind(f"headers {name}", kept(OK + lines + b"Content-Length: {len}\r\n\r\n{body}"), BROKEN,
         faces=HEADS)
kind("headers without end", flood(OK, b"A: b\r\n"), BROKEN)
kind("folded header without end", flood(OK + b"A: b\r\n", b" c\r\n"), BROKEN, faces=HEADS)
kind("header line without end", flood(OK + b"A: ", b"b" * 64), BROKEN, faces=HEADS)

# ------------------------------------------------------------------- other statuses

for status in (100, 102, 103, 150, 199):
    kind(f"status {status} first", kept(b"HTTP/1.1 %d Wait\r\n\r\n" % status + server.WHOLE), FINE)
kind("status 103 fifty times first", kept(b"HTTP/1.1 103 Hint\r\n\r\n" * 50 + server.WHOLE), FINE)
kind("status 100 with a length first", kept(
    b"HTTP/1.1 100 Wait\r\nContent-Length: 5\r\n\r\n" + server.WHOLE), FINE)
kind("status 100 without end", flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), BROKEN)
kind("status 100 alone", cut(b"HTTP/1.1 100 Continue\r\n\r\n"), LOST)
kind("status 101", cut(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"), LOST, faces=HEADS)
NOTHING = {**TEXT, "role": CREDENTIALS, "token": CREDENTIALS}
kind("status 204", kept(b"HTTP/1.1 204 No Content\r\n\r\n"), BROKEN, NOTHING)
for status in (201, 202, 203, 206, 226, 299):
    kind(f"status {status}", kept(b"HTTP/1.1 %d OK\r\n" % status + REST), FINE)
for status in (300, 301, 302, 303, 304, 305, 307, 308, 399, 600, 999):
    kind(f"status {status}", kept(b"HTTP/1.1 %d Elsewhere\r\nLocation: https://elsewhere.invalid/"
                                  b"\r\nContent-Length: 0\r\n\r\n" % status), BROKEN)
PAGE = b"<html><body>a proxy says so</body></html>"
for status in (400, 401, 403, 404, 405, 407, 408, 409, 410, 411, 412, 413, 414, 415, 417, 418, 421,
               422, 426, 431, 451, 499):
    kind(f"status {status} as HTML", kept(server.reply(PAGE, status=b"%d No" % status)), BROKEN,
         faces=("change", "read", "sts", "container", *INSTANCE, "fhir_read", "fhir_create",
                "fhir_update", "fhir_search", "stream"), routes=("plain",))
for status in (500, 502, 503, 504, 505, 507, 508, 511, 520, 522, 598, 599):
    kind(f"status {status} as HTML", kept(server.reply(PAGE, status=b"%d No" % status)), FAILED,
         routes=("plain",))
kind("status 503 of nothing", kept(server.reply(b"", status=b"503 No")), FAILED)
for name, after in (("", b""), (" with a date", b"Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n"),
                    (" with a number", b"Retry-After: 99999999999999999999\r\n"),
                    (" with rubbish", b"Retry-After: soon\r\nx-amz-retry-after: -1\r\n")):
    kind(f"status 429{name}", kept(server.reply(PAGE, after, b"429 Slow")), THROTTLED)

# bytes after the end of a reply; the connection cannot be reused
kind("more behind the length", kept(server.WHOLE + b"more"), FINE)
kind("a second reply behind the first", kept(server.WHOLE + server.WHOLE), FINE)
kind("more behind the last chunk", kept(CHUNKED + b"{chunk}" + LAST + b"more"), FINE)
kind("closed in spite of keep-alive", cut(OK + b"Connection: keep-alive\r\nContent-Length: {len}"
                                          b"\r\n\r\n{body}"), FINE)

# ----------------------------------------------------------------------------- slow

SLOW = ("change", "read", "sts", "fhir_read", "fhir_create", "stream")
for name, fault in (
        ("silence after the request", hang()), ("silence in the status line", hang(b"HTTP/1.1 2")),
        ("silence in the head", hang(OK)), ("silence after the head", hang(SIZED)),
        ("silence in the body", hang(SIZED + b"{half}")),
        ("silence before a chunk", hang(CHUNKED)),
        ("silence in a chunk", hang(CHUNKED + b"{hex}\r\n{half}")),
        ("silence after an interim reply", hang(b"HTTP/1.1 100 Continue\r\n\r\n")),
        ("a dripping status line", drip(b"HTTP/1.1 200 ", b"x")),
        ("dripping headers", drip(OK, b"A: b\r\n", 0.02)),
        ("a dripping body", drip(OK + b"Content-Length: 60000\r\n\r\n", b" ")),
        ("dripping chunks", drip(CHUNKED, b"1\r\n \r\n")),
        ("dripping interim replies", drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
        ("a chunk's extension without end", flood(CHUNKED + b"1;", b"x" * 64, 1 << 40))):
    kind(name, fault, LOST, faces=SLOW, slow=True)
kind("silence once accepted", hang(), LOST, faces=SLOW, routes=("plain",), stage="accept",
     slow=True)
