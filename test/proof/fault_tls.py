"""The catalogue of faults: TLS and proxies. fault_kinds.py says what a row is."""

import ssl
import subprocess

import fault_server as server
from fault_kinds import (BROKEN, CHUNKED, FINE, LOST, OK, SIZED, UNSENT, cut, drip, flood, hang,
                         kept, kind, said)

FACES = ("change", "read", "sts", "fhir_read", "fhir_create", "stream")
TLS = {"faces": FACES, "routes": ("tls",)}
PROXY = {"faces": ("change", "read", "fhir_read", "fhir_create"), "routes": ("proxy",)}
TUNNEL = {**PROXY, "routes": ("tunnel",)}


def contexts(authority):
    """The TLS contexts by name; authority: of the emulator's certificate.py."""
    folder = authority.directory
    from certificate import ELSEWHERE, EXPIRED, HERE  # pylint: disable=import-outside-toplevel

    def context(chain, **more):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(chain, more.pop("key", authority.key))
        for name, value in more.items():
            setattr(made, name, value)
        return made

    good = authority.certify("good", HERE)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", folder / "own-key.pem",
                    "-out", folder / "own.pem", "-subj", "/CN=localhost", "-addext",
                    f"subjectAltName={HERE}"], check=True, capture_output=True)
    found = {
        "good": context(good), "elsewhere": context(authority.certify("elsewhere", ELSEWHERE)),
        "expired": context(authority.certify("expired", HERE, EXPIRED)),
        "self-signed": context(folder / "own.pem", key=folder / "own-key.pem"),
        "1.2": context(good, maximum_version=ssl.TLSVersion.TLSv1_2),
        "1.3": context(good, minimum_version=ssl.TLSVersion.TLSv1_3),
        "demand 1.2": context(good, maximum_version=ssl.TLSVersion.TLSv1_2,
                              verify_mode=ssl.CERT_REQUIRED),
        "demand 1.3": context(good, minimum_version=ssl.TLSVersion.TLSv1_3,
                              verify_mode=ssl.CERT_REQUIRED),
        "1.1": context(good, maximum_version=ssl.TLSVersion.TLSv1_1,
                       minimum_version=ssl.TLSVersion.TLSv1),
        "h2": context(good), "none": context(good, maximum_version=ssl.TLSVersion.TLSv1_2)}
    for name in ("demand 1.2", "demand 1.3"):
        found[name].load_verify_locations(authority.ca)
    found["1.1"].set_ciphers("ALL:@SECLEVEL=0")
    found["h2"].set_alpn_protocols(["h2"])
    found["none"].set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")  # the key is of another type
    return found


def alert(code, level=2):
    """A record that is an alert."""
    return b"\x15\x03\x03\x00\x02" + bytes([level, code])


def below(data):
    """Sends bytes below TLS, then ends the connection."""
    def fault(wire):
        wire.raw.sendall(data)
    return fault


# ------------------------------------------------------------------ the handshake

for end, reset in (("close", False), ("reset", True)):
    kind(f"TLS {end} once accepted", cut(b"", None, reset), UNSENT, stage="accept", **TLS)
    kind(f"TLS {end} after the hello", cut(b"", None, reset), UNSENT, stage="hello", **TLS)
    kind(f"TLS {end} in the server's hello", cut(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03",
                                                 None, reset), UNSENT, stage="hello", **TLS)
for name, data in (
        ("HTTP in place of TLS", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        ("SSH in place of TLS", b"SSH-2.0-OpenSSH_9.2\r\n"), ("zeros in place of TLS", bytes(4096)),
        ("a record of 65,535 bytes", b"\x16\x03\x03\xff\xff" + bytes(65535)),
        ("an empty record", b"\x16\x03\x03\x00\x00"), ("a record of no type",
                                                       b"\x99\x03\x03\x00\x01\x00"),
        ("SSL 2", b"\x80\x2e\x01\x03\x01" + bytes(64)),
        ("a record of TLS 9", b"\x16\x09\x09\x00\x05\x02\x00\x00\x01\x00"),
        ("application data first", b"\x17\x03\x03\x00\x05hello"),
        ("a certificate first", b"\x16\x03\x03\x00\x07\x0b\x00\x00\x03\x00\x00\x00"),
        ("a client's hello", b"\x16\x03\x01\x00\x04\x01\x00\x00\x00"),
        ("a change of cipher first", b"\x14\x03\x03\x00\x01\x01" * 40)):
    kind(name, cut(data), UNSENT, stage="hello", **TLS)
for name, code in (("handshake_failure", 40), ("bad_certificate", 42), ("internal_error", 80),
                   ("protocol_version", 70), ("unrecognized_name", 112), ("unknown", 255)):
    kind(f"alert {name}", cut(alert(code)), UNSENT, stage="hello", **TLS)
kind("alert close_notify", cut(alert(0, 1)), UNSENT, stage="hello", **TLS)
kind("warnings without end", flood(b"", alert(90, 1), 1 << 20), UNSENT, stage="hello", **TLS)
for name, context in (("a name that is another's", "elsewhere"), ("an expired certificate",
                                                                  "expired"),
                      ("a self-signed certificate", "self-signed"), ("TLS 1.1 alone", "1.1"),
                      ("no shared cipher", "none"), ("TLS 1.2 demands a certificate",
                                                     "demand 1.2")):
    kind(name, server.be_good, UNSENT, context=context, **TLS)
# the client has completed the handshake and sent before the server checks its certificate
kind("TLS 1.3 demands a certificate", server.be_good, LOST, context="demand 1.3", **TLS)
for name, context in (("TLS 1.2 alone", "1.2"), ("TLS 1.3 alone", "1.3"), ("HTTP/2 alone", "h2")):
    kind(name, server.be_good, FINE, context=context, **TLS)
kind("TLS silence once accepted", hang(), UNSENT, stage="accept", slow=True, **TLS)
kind("TLS silence after the hello", hang(), UNSENT, stage="hello", slow=True, **TLS)
kind("a dripping handshake", drip(b"\x16\x03\x03\x40\x00", b"\x02"), UNSENT, stage="hello",
     slow=True, **TLS)

# ------------------------------------------------------------------ after it

for end, reset in (("close", False), ("reset", True)):
    kind(f"TLS {end} after the handshake", cut(b"", None, reset), LOST, stage="secured", **TLS)
for name, data in (("rubbish", b"rubbish" * 99), ("HTTP", b"HTTP/1.1 200 OK\r\n\r\n"),
                   ("an alert", alert(80)), ("a forged record",
                                             b"\x17\x03\x03\x00\x20" + bytes(32))):
    kind(f"{name} below TLS in place of a reply", below(data), LOST, **TLS)
kind("rubbish below TLS in a reply", lambda wire: (wire.say(SIZED + b"{half}"),
                                                   below(b"rubbish" * 99)(wire)) and None, LOST,
     **TLS)
kind("TLS silence after the handshake", hang(), LOST, stage="secured", slow=True, **TLS)
kind("a whole reply without close_notify", cut(server.WHOLE), FINE, **TLS)
kind("chunks without close_notify", cut(CHUNKED + b"{chunk}0\r\n\r\n"), FINE, **TLS)
kind("a body without length and close_notify", cut(OK + b"\r\n{half}"), LOST, **TLS)

# ------------------------------------------------------------------ proxies

for status in (b"301 Moved\r\nLocation: http://elsewhere.invalid/", b"400 Bad", b"403 Forbidden",
               b"404 Not", b"407 Who\r\nProxy-Authenticate: Basic realm=\"x\"",
               b"407 Who\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"y\"",
               b"407 Who\r\nProxy-Authenticate: Negotiate", b"429 Slow", b"500 Oh", b"502 Bad",
               b"503 Later", b"504 Late", b"600 What", b"101 Switching"):
    kind(f"a proxy's status {status.split(chr(13).encode())[0].decode()} "
         f"{status.rpartition(b': ')[2].split()[0].decode() if b': ' in status else ''}".strip(),
         said(b"HTTP/1.1 " + status + b"\r\nContent-Length: 4\r\n\r\nbusy"), UNSENT, **PROXY)
for name, fault in (
        ("that closes once accepted", cut(b"")), ("that resets", cut(b"", None, True)),
        ("that is none", said(b"220 ready\r\n")), ("that says zeros", said(bytes(4096))),
        ("that cuts its status", cut(b"HTTP/1.1 2")), ("that cuts its head",
                                                       cut(b"HTTP/1.1 200 OK\r\nA: ")),
        ("with headers without end", flood(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n")),
        ("with a header line without end", flood(b"HTTP/1.1 200 OK\r\nA: ", b"b" * 64)),
        ("with interim replies without end", flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
        ("with a refusal without end", flood(b"HTTP/1.1 502 Bad\r\n\r\n", b"x" * 4096)),
        ("with a refusal of 2^63-1", cut(b"HTTP/1.1 502 Bad\r\nContent-Length: "
                                         b"9223372036854775807\r\n\r\nx")),
        ("with a refusal of bad chunks", cut(b"HTTP/1.1 502 Bad\r\nTransfer-Encoding: chunked"
                                             b"\r\n\r\nzz\r\n"))):
    kind(f"a proxy {name}", fault, UNSENT, **PROXY)
AGREED = b"HTTP/1.1 200 Connection established\r\n\r\n"
for name, fault in (
        ("closes", cut(AGREED)), ("resets", cut(AGREED, None, True)),
        ("says rubbish", said(AGREED + b"rubbish" * 99)),
        ("answers itself", said(AGREED + server.reply(b"{}"))),
        ("sends an alert", said(AGREED + alert(40))),
        ("sends a body", said(AGREED[:-2] + b"Content-Length: 4\r\n\r\nbody")),
        ("sends chunks", said(AGREED[:-2] + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0"
                              b"\r\n\r\n")),
        ("is silent", hang(AGREED))):
    kind(f"after its 200 a proxy {name}", fault, UNSENT, slow=name == "is silent", **PROXY)
for name, head in (("of 2^63-1", b"Content-Length: 9223372036854775807\r\n\r\n"),
                   ("of a chunk of 2^63-1", b"Transfer-Encoding: chunked\r\n\r\n"
                                            b"7fffffffffffffff\r\n")):
    # libcurl reads it byte by byte, and does not return meanwhile
    kind(f"a proxy with a refusal {name} that comes", flood(
        b"HTTP/1.1 407 Who\r\n" + head, b"x" * 4096, 1 << 40), UNSENT, slow=True, **PROXY)
kind("a silent proxy", hang(), UNSENT, slow=True, **PROXY)
kind("a dripping proxy", drip(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n", 0.02), UNSENT, slow=True,
     **PROXY)
for name, context in (("another's certificate", "elsewhere"), ("a certificate of its own",
                                                               "self-signed")):
    kind(f"a tunnel to {name}", server.be_good, UNSENT, context=context, **TUNNEL)
kind("a tunnel that is fine", server.be_good, FINE, **TUNNEL)
for end, reset in (("close", False), ("reset", True)):
    kind(f"a tunnel: {end} after the handshake", cut(b"", None, reset), LOST, stage="secured",
         **TUNNEL)
    kind(f"a tunnel: {end} after the request", cut(b"", None, reset), LOST, **TUNNEL)
    kind(f"a tunnel: {end} in the body", cut(SIZED + b"{half}", None, reset), LOST, **TUNNEL)
kind("a tunnel: a demand for the client's certificate", server.be_good, LOST, context="demand 1.3",
     **TUNNEL)
kind("a tunnel: chunks that are none", kept(CHUNKED + b"zz\r\n"), BROKEN, **TUNNEL)
