"""A server on loopback with faults, one at a time.

It plays HealthLake (both planes), STS, instance metadata and a container's endpoint, on three
ports: plain, behind TLS, and as a proxy. arm() names a fault and the face that it is for; any other
request gets a good answer. A fault is a function of a Wire, which it sends bytes to. It returns
True where the connection is to be kept.
"""

import contextlib
import json
import re
import socket
import ssl
import struct
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "emulator"))

import eventstream  # noqa: E402  pylint: disable=wrong-import-position

ID = "0123456789abcdef0123456789abcdef"
KEYS = {"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "secret", "Token": "token",
        "Expiration": "2999-01-01T00:00:00Z", "Code": "Success"}
STS = ("<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"
       "<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/fault/x</Arn>"
       "</AssumedRoleUser><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>"
       "<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
       "<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>"
       "</AssumeRoleResponse>")
PATIENT = {"resourceType": "Patient", "id": "p1",
           "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00Z"}}
JSON, FHIR = "application/json", "application/fhir+json"

# the good answer for each face
GOOD = {
    "change": {"DatastoreId": ID, "DatastoreArn": f"arn:aws:healthlake:us-east-1:123456789012:"
               f"datastore/fhir/{ID}", "DatastoreStatus": "CREATING",
               "DatastoreEndpoint": "https://healthlake.us-east-1.amazonaws.com/r4/"},
    "read": {"DatastoreProperties": {
        "DatastoreId": ID, "DatastoreArn": f"arn:aws:healthlake:us-east-1:123456789012:datastore/"
        f"fhir/{ID}", "DatastoreStatus": "ACTIVE", "DatastoreTypeVersion": "R4",
        "CreatedAt": 1700000000.5, "DatastoreEndpoint":
        f"https://healthlake.us-east-1.amazonaws.com/datastore/{ID}/r4/"}},
    "sts": STS, "token": "metadata-token", "role": "fault", "keys": KEYS, "container": KEYS,
    "fhir_read": PATIENT, "fhir_create": PATIENT, "fhir_update": PATIENT,
    "fhir_search": {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [
        {"resource": PATIENT, "search": {"mode": "match"}}]},
    "fhir_bundle": {"resourceType": "Bundle", "type": "transaction-response", "entry": [
        {"response": {"status": "200", "location": "Patient/p1/_history/1", "etag": "W/\"1\""}}]},
    "stream": b"".join([
        eventstream.event("TextMessageEvent", {"Message": "Hello"}),
        eventstream.event("EndOfOutputEvent", {"FinalResponseMessage": "Done", "Options": [],
                                               "ConversationId": "c"})]),
}


def good_body(face):
    """The body of a good answer."""
    body = GOOD[face]
    if isinstance(body, dict):
        body = json.dumps(body)
    return body.encode() if isinstance(body, str) else body


def face_of(line, headers, body):
    """The face of a request."""
    target = headers.get("x-amz-target", "").rpartition(".")[2]
    method, _, path = line.partition(" ")
    if target:
        return {"CreateFHIRDatastore": "change", "UpdateProfileWithAgent": "stream"}.get(target,
                                                                                         "read")
    if b"Action=AssumeRole" in body:
        return "sts"
    for start, face in (("/latest/api/token", "token"), ("/container", "container"),
                        ("/latest/meta-data/iam/security-credentials/ ", "role"),
                        ("/latest/meta-data/iam/security-credentials/", "keys")):
        if path.startswith(start):
            return face
    if method == "POST":
        return "fhir_search" if "/_search" in path else \
            "fhir_bundle" if re.search(r"/r4/? ", path) else "fhir_create"
    return "fhir_update" if method == "PUT" else \
        "fhir_search" if "page=" in path else "fhir_read"


class Wire:
    """A connection during a fault: sends bytes, whether they are read or not."""

    def __init__(self, server, connection, face=None, raw=None):
        self.server = server
        self.connection = connection
        self.raw = raw or connection  # below TLS
        self.face = face
        self.body = good_body(face) if face else b""

    def fill(self, template):
        """A template's bytes: {body}, its {type} and {len}, and the same in chunks."""
        kind = eventstream.CONTENT_TYPE if self.face == "stream" else \
            FHIR if self.face and self.face.startswith("fhir") else JSON
        number, half = len(self.body), len(self.body) // 2
        for name, value in (
                (b"{type}", kind.encode()), (b"{len}", b"%d" % number), (b"{hex}", b"%x" % number),
                (b"{HEX}", b"%X" % number), (b"{more}", b"%d" % (number + 10)),
                (b"{less}", b"%d" % (number - 1)), (b"{half}", self.body[:half]),
                (b"{chunk}", b"%x\r\n%b\r\n" % (number, self.body)),
                (b"{bytes}", b"".join(b"1\r\n%c\r\n" % one for one in self.body)),
                (b"{body}", self.body)):
            template = template.replace(name, value)
        return template

    def send(self, data):
        """Sends bytes unchanged; False if the client has disconnected."""
        try:
            self.connection.sendall(data)
        except OSError:
            return False
        return True

    def say(self, template):
        """Sends the bytes of a template."""
        return self.send(self.fill(template))

    def reset(self):
        """Resets the connection."""
        with contextlib.suppress(OSError):
            self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def linger(self):
        """Waits until the client disconnects."""
        with contextlib.suppress(OSError, ValueError):
            self.connection.settimeout(20)
            while self.connection.recv(65536):
                pass


def reply(body, head=b"", status=b"200 OK"):
    """A complete answer as a template."""
    return b"HTTP/1.1 %b\r\nContent-Type: {type}\r\n%bContent-Length: %d\r\n\r\n%b" % (
        status, head, len(body), body)


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nContent-Length: {len}\r\n\r\n{body}"


def be_good(wire):
    """The good answer."""
    return wire.say(WHOLE)


class Server:
    """The three ports, and the fault that is armed."""

    def __init__(self, contexts):
        self.contexts = contexts  # TLS contexts by name, including "good"
        self.fault = self.face = self.way = None
        self.stage = "reply"
        self.context = "good"
        self.open = set()
        self.lock = threading.Lock()
        self.seen = []  # tokens of the requests for the face since arm()
        self.played = 0  # the number of faults played
        self.ports = {}
        for way in ("plain", "tls", "proxy"):
            listening = socket.create_server(("127.0.0.1", 0), backlog=128)
            self.ports[way] = listening.getsockname()[1]
            threading.Thread(target=self.listen, args=(listening, way), daemon=True).start()

    def url(self, way):
        """The URL of a route."""
        return f"http{'s' if way == 'tls' else ''}://127.0.0.1:{self.ports[way]}"

    def arm(self, face=None, fault=None, stage="reply", way=None, context="good"):
        """Chooses the fault for a face, else none; stage: accept, hello, secured or reply."""
        self.fault, self.face, self.way, self.stage, self.context = fault, face, way, stage, context
        self.seen, self.played = [], 0
        if stage != "reply" or context != "good" or way == "proxy":
            self.drop()

    def drop(self):
        """Closes what clients have kept."""
        with self.lock:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def listen(self, listening, way):
        """Starts a thread for each connection."""
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=self.attend, args=(connection, way), daemon=True).start()

    def attend(self, connection, way):
        """Serves one connection."""
        with self.lock:
            self.open.add(connection)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            {"plain": self.serve, "tls": self.secure, "proxy": self.relay}[way](connection)
        except (OSError, ssl.SSLError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.discard(connection)
            connection.close()

    def armed(self, stage, way):
        """The armed fault, if it applies to this stage and route."""
        if self.stage != stage or self.way != way:
            return None
        self.played += self.fault is not None
        return self.fault

    def secure(self, raw):
        """TLS, then HTTP."""
        fault = self.armed("accept", "tls") or self.armed("hello", "tls")
        if fault:
            if self.stage == "hello":
                raw.recv(65536)
            fault(Wire(self, raw, raw=raw))
            return
        with raw.dup() as below, self.contexts[self.context].wrap_socket(
                raw, server_side=True) as connection:
            with self.lock:
                self.open.add(below)
            try:
                fault = self.armed("secured", "tls")
                if fault:
                    fault(Wire(self, connection, raw=below))
                else:
                    self.serve(connection, below, "tls")
            finally:
                with self.lock:
                    self.open.discard(below)

    def relay(self, raw):
        """A proxy: CONNECT, then bytes in both directions."""
        fault = self.armed("accept", "proxy")
        if fault:
            fault(Wire(self, raw))
            return
        head = self.read_head(raw)[0]
        if head is None:
            return
        fault = self.armed("reply", "proxy")
        if fault:
            fault(Wire(self, raw))
            return
        raw.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.secure(raw)

    @staticmethod
    def read_head(connection):
        """The head of a request and the bytes after it."""
        received = b""
        while b"\r\n\r\n" not in received:
            more = connection.recv(65536)
            if not more:
                return None, b""
            received += more
        head, _, rest = received.partition(b"\r\n\r\n")
        return head.decode("latin-1"), rest

    def serve(self, connection, raw=None, way="plain"):
        """Requests, one after the other."""
        if way == "plain" and self.armed("accept", way):
            self.fault(Wire(self, connection))
            return
        while True:
            head, body = self.read_head(connection)
            if head is None:
                return
            line, *fields = head.split("\r\n")
            headers = {name.lower(): value.strip()
                       for name, _, value in (field.partition(":") for field in fields)}
            while len(body) < int(headers.get("content-length", 0)):
                more = connection.recv(65536)
                if not more:
                    return
                body += more
            face = face_of(line, headers, body)
            fault = self.armed("reply", way) if face == self.face else None
            if face == self.face:
                token = re.search(rb'"ClientToken": ?"([^"]+)"', body)
                self.seen.append(token[1].decode() if token else
                                 headers.get("x-amz-fhir-idempotency-key"))
            if not (fault or be_good)(Wire(self, connection, face, raw)):
                return
