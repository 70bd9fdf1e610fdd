"""The catalogue of faults: FHIR and event streams. fault_kinds.py says what a row is."""

import eventstream
import fault_server as server
from fault_kinds import (BROKEN, FAILED, FINE, LOST, THROTTLED, UNKNOWN, cut, hang, kind,
                         refused)
from fault_replies import FHIR, PLAIN, RESOURCES, answer, changed

KEYED = ("fhir_create",)


def issue(code, severity="error"):
    """An OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": [
        {"severity": severity, "code": code, "diagnostics": "Mustermann",
         "expression": ["Patient"]}]}


# ------------------------------------------------------------------------ statuses

GONE = {"fhir_read": None}  # a missing resource is not an error of a read
for status, code, state, but in (
        (400, "invalid", "22023", {}), (422, "invariant", "22023", {}), (401, "login", "38X01", {}),
        (403, "forbidden", "42501", {}), (404, "not-found", "42704", GONE),
        (410, "deleted", "42704", GONE), (409, "conflict", "55006", {}),
        (412, "conflict", "38V01", {}), (412, "multiple-matches", "21000", {}),
        (413, "too-long", "54000", {}), (405, "processing", "38U01", {}),
        (415, "processing", "38U01", {}), (400, "not-supported", "38U01", {}),
        (501, "processing", "38U01", {}), (429, "throttled", "38T01", {}), (418, "processing",
                                                                            "38000", {})):
    kind(f"FHIR: {status} {code}", answer(issue(code), b"%d No" % status), {
        **refused(state), **but}, faces=FHIR, **PLAIN)
for status in (500, 502, 503, 504, 599):
    kind(f"FHIR: {status} exception", answer(issue("exception"), b"%d No" % status), FAILED,
         faces=FHIR, **PLAIN)
for status, code, state in (
        (400, "ValidationException", "22023"), (403, "AccessDeniedException", "42501"),
        (403, "IncompleteSignatureException", "38X01"), (403, "SignatureDoesNotMatch", "38X01"),
        (403, "ExpiredTokenException", "38X01"), (404, "ResourceNotFoundException", "42704"),
        (409, "ConflictException", "55006"), (401, "Nobody", "38X01"),
        (400, "ServiceQuotaExceededException", "38Q01"), (400, "Nobody", "22023")):
    kind(f"FHIR: {status} {code} of AWS", answer(
        {"message": "No."}, b"%d No" % status, b"x-amzn-ErrorType: %b\r\n" % code.encode()),
         refused(state), faces=FHIR, **PLAIN)
kind("FHIR: 429 of AWS", answer({"message": "No."}, b"429 No"), THROTTLED, faces=FHIR, **PLAIN)
kind("FHIR: 400 ThrottlingException of AWS", answer(
    {"message": "No."}, b"400 No", b"x-amzn-ErrorType: ThrottlingException\r\n"), THROTTLED,
     faces=FHIR, **PLAIN)
# only the documented text, an empty reply with a request id, and one without
kind("FHIR: 404 with a message", answer({"message": "No."}, b"404 No"), refused("42704"),
     faces=FHIR,
     **PLAIN)
kind("FHIR: 403 of nothing with an id", answer(b"", b"403 No", b"x-amzn-RequestId: x\r\n"),
     refused("42501"), faces=FHIR, **PLAIN)
kind("FHIR: 404 of nothing", answer(b"", b"404 No"), BROKEN, faces=FHIR, **PLAIN)
for name, outcome in (("no issue", {"resourceType": "OperationOutcome"}),
                      ("null issues", {"resourceType": "OperationOutcome", "issue": None}),
                      ("an issue of a number", {"resourceType": "OperationOutcome", "issue": [7]}),
                      ("an issue without a code", {"resourceType": "OperationOutcome",
                                                   "issue": [{"severity": "error"}]}),
                      ("a code of rubbish", issue("<script>\n")),
                      ("10,000 issues", {"resourceType": "OperationOutcome",
                                         "issue": issue("invalid")["issue"] * 10000})):
    kind(f"FHIR: 400 with {name}", answer(outcome, b"400 No"), refused("22023"), faces=FHIR,
         **PLAIN)
HERE = f"https://healthlake.us-east-1.amazonaws.com/datastore/{server.ID}/r4/"
kind("FHIR: 409 duplicate", answer(issue("duplicate"), b"409 No", b"Location: %bPatient/p1\r\n" %
                                   HERE.encode()), FINE, faces=KEYED, **PLAIN)
for name, location in (
        ("without a location", b""), ("elsewhere",
                                      b"Location: https://elsewhere.invalid/Patient/p1\r\n"),
        ("of another type", b"Location: %bGroup/p1\r\n" % HERE.encode()),
        ("of another store", b"Location: %bPatient/p1\r\n" % HERE.replace("0", "1").encode()),
        ("with dots", b"Location: %b../Patient/p1\r\n" % HERE.encode())):
    kind(f"FHIR: 409 duplicate {name}", answer(issue("duplicate"), b"409 No", location),
         refused(UNKNOWN), faces=KEYED, **PLAIN)

# ----------------------------------------------------------------------- resources

for name, fault in (
        ("another type", changed("resourceType", to="Group")), ("no type", changed("resourceType")),
        ("no id", changed("id")), ("a number for an id", changed("id", to=7)),
        ("an id that is none", changed("id", to="../x")), ("an id of 65 letters", changed(
            "id", to="x" * 65)),
        ("a Bundle", answer({"resourceType": "Bundle"})), ("an array", answer([server.PATIENT]))):
    kind(f"resource: {name}", fault, BROKEN, faces=RESOURCES, **PLAIN)
# it tells that the write is done; the id is known, if HealthLake does not assign it
kind("resource: an OperationOutcome", answer(issue("informational", "information")), BROKEN,
     {"fhir_update": None}, faces=RESOURCES, **PLAIN)
kind("resource: another id", changed("id", to="p2"), BROKEN, {"fhir_create": None}, faces=RESOURCES,
     **PLAIN)
for name, fault in (
        ("no meta", changed("meta")), ("a null meta", changed("meta", to=None)),
        ("an array for meta", changed("meta", to=[])),
        ("a number for a version", changed("meta", "versionId", to=7)),
        ("a version that is none", changed("meta", "versionId", to="../x")),
        ("a word for a date", changed("meta", "lastUpdated", to="yesterday")),
        ("an unknown member", changed("nobody", to={"knows": 1}))):
    kind(f"resource: {name}", fault, FINE, faces=RESOURCES, **PLAIN)
for name, number in (("a number of 1e400", b"1e400"), ("a number of 9,000 digits", b"9" * 9000),
                     ("a number of 1e200000", b"1e200000")):
    # done is done: a reply that jsonb cannot hold is no failure of a change
    kind(f"resource: {name}", answer(b'{"resourceType":"Patient","id":"p1","x":%b}' % number),
         FINE if "2000" not in name else {**FINE, "fhir_read": "38P01"}, faces=RESOURCES,
         **PLAIN)
kind("resource: an escaped NUL", answer(b'{"resourceType":"Patient","id":"p1","x":"\\u0000"}'),
     BROKEN, faces=RESOURCES, **PLAIN)
for name, tag in (("of rubbish", b"x"), ("of nothing", b""), ("without quotes", b"W/1"),
                  ("of 10 kB", b"W/\"" + b"1" * 10000 + b"\"")):
    kind(f"resource: a tag {name}", lambda wire, tag=tag: answer(wire.body, head=b"ETag: %b\r\n" %
                                                                 tag)(wire), FINE, faces=RESOURCES,
         **PLAIN)
kind("resource: 202", answer(b"", b"202 Later"), BROKEN, faces=FHIR, **PLAIN)

# ------------------------------------------------------------------------ searches

SEARCH = {"faces": ("fhir_search",), **PLAIN}
for name, fault in (
        ("no bundle", answer(server.PATIENT)),
        ("an entry of a number", changed("entry", to=[7])), ("an object for entries",
                                                             changed("entry", to={})),
        ("an entry without a resource", changed("entry", to=[{}])),
        ("a null resource", changed("entry", to=[{"resource": None}])),
        ("a resource without a type", changed("entry", to=[{"resource": {"id": "x"}}]))):
    kind(f"search: {name}", fault, BROKEN, **SEARCH)
for name, fault in (
        ("another type of bundle", changed("type", to="batch")), ("no entries", changed("entry")),
        ("null entries", changed("entry", to=None)),
        ("a word for a total", changed("total", to="many")), ("the same one twice", changed(
            "entry", to=server.GOOD["fhir_search"]["entry"] * 2)),
        ("an unknown mode", changed("entry", 0, "search", "mode", to="guess")),
        ("a warning", changed("entry", to=[{"resource": issue("incomplete", "warning"),
                                            "search": {"mode": "outcome"}}]))):
    kind(f"search: {name}", fault, FINE, **SEARCH)
for name, link in (
        ("elsewhere", "https://elsewhere.invalid/r4/Patient?page=x"), ("of another scheme",
                                                                      "file:///etc/passwd"),
        ("with a user", f"https://user@healthlake.us-east-1.amazonaws.com/datastore/{server.ID}/r4/"
         "Patient?page=x"), ("with dots", HERE + "../../Patient?page=x"),
        ("with escaped dots", HERE + "%2e%2e/Patient?page=x"),
        ("of another store", HERE.replace("0", "1") + "Patient?page=x"), ("of nothing", ""),
        ("with a line end", HERE + "Patient?page=x\r\nA: b"), ("of 100 kB", HERE + "Patient?page=" +
                                                              "x" * 100000)):
    kind(f"search: a link {name}", changed("link", to=[{"relation": "next", "url": link}]),
         {"fhir_search": "38P01"}, **SEARCH)
kind("search: a link that goes round", changed("link", to=[
    {"relation": "next", "url": HERE + "Patient?_count=100&page=round"}]), {"fhir_search": "38P01"},
     **SEARCH)
kind("search: a link of a number", changed("link", to=[{"relation": "next", "url": 7}]), BROKEN,
     **SEARCH)

# ------------------------------------------------------------------------- bundles

BUNDLE = {"faces": ("fhir_bundle",), **PLAIN}
for name, fault in (
        ("another type", changed("type", to="batch-response")), ("no entries", changed("entry")),
        ("one entry too many", changed("entry", to=server.GOOD["fhir_bundle"]["entry"] * 2)),
        ("no status", changed("entry", to=[{"response": {}}])),
        ("a status of letters", changed("entry", 0, "response", "status", to="fine")),
        ("a status of 2000", changed("entry", 0, "response", "status", to="2000")),
        ("a status of 302", changed("entry", 0, "response", "status", to="302")),
        ("a status of 422", changed("entry", 0, "response", "status", to="422")),
        ("a status of 199", changed("entry", 0, "response", "status", to="199")),
        ("the place of another", changed("entry", 0, "response", "location",
                                         to="Patient/p2/_history/1")),
        ("the place of another type", changed("entry", 0, "response", "location",
                                              to="Group/p1/_history/1")),
        ("another resource", changed("entry", 0, "resource", to={**server.PATIENT, "id": "p2"})),
        ("a number for a resource", changed("entry", 0, "resource", to=7)),
        ("a null entry", changed("entry", to=[None])), ("a resource", answer(server.PATIENT))):
    kind(f"bundle: {name}", fault, refused(UNKNOWN), **BUNDLE)
for name, fault in (
        ("a status with its reason", changed("entry", 0, "response", "status", to="200 OK")),
        ("a number for a status", changed("entry", 0, "response", "status", to=200)),
        ("a location elsewhere", changed("entry", 0, "response", "location",
                                         to="https://elsewhere.invalid/x")),
        ("a location of rubbish", changed("entry", 0, "response", "location", to="\n//")),
        ("a tag of rubbish", changed("entry", 0, "response", "etag", to="x"))):
    kind(f"bundle: {name}", fault, FINE, **BUNDLE)

# ------------------------------------------------------------------ event streams

STREAM = {"faces": ("stream",), **PLAIN}
TEXT = eventstream.event("TextMessageEvent", {"Message": "Hello"})
END = eventstream.event("EndOfOutputEvent", {"FinalResponseMessage": "Done", "Options": [],
                                             "ConversationId": "c"})
WHOLE = TEXT + END


def spoilt(at):
    """A stream with one changed byte."""
    return answer(eventstream.spoilt(WHOLE, at))


for name, fault in (
        ("nothing", answer(b"")), ("JSON", answer(b"{}")), ("HTML", answer(b"<html></html>")),
        ("a wrong checksum of a prelude", spoilt(8)), ("a wrong length", spoilt(3)),
        ("a wrong length of headers", spoilt(7)), ("a wrong header", spoilt(14)),
        ("a wrong payload", spoilt(len(TEXT) - 6)), ("a wrong checksum", spoilt(len(TEXT) - 1)),
        ("no end", answer(TEXT)), ("half an event", answer(WHOLE[:-9])), ("a cut prelude", answer(
            TEXT + END[:7])), ("zeros", answer(bytes(4096))), ("a frame of 4 GB", answer(
                b"\xff" * 12 + bytes(64))), ("a frame of 15 bytes",
                                             answer(b"\0\0\0\x0f" + bytes(11))),
        ("a frame of 2 MB", answer(eventstream.event("TextMessageEvent",
                                                     {"Message": "x" * (2 << 20)}))),
        ("a payload of no JSON", answer(eventstream.event("TextMessageEvent", "x") + END)),
        ("a payload of an array", answer(eventstream.event("TextMessageEvent", "[1]") + END)),
        ("a header of no type", answer(eventstream.frame(b"\x01a\x63", b"") + END)),
        ("a header that is cut", answer(eventstream.frame(b"\x0c:event", b"") + END)),
        ("an exception of the service", answer(eventstream.exception("internalServerException",
                                                                     {"Message": "no"}))),
        ("an exception of nobody", answer(eventstream.exception("nobody", {}))),
        ("an error outside the model", answer(eventstream.error("InternalError", "no"))),
        ("an error without a code", answer(eventstream.message({":message-type": "error"}))),
        ("a connection that closes", cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                         b"%x\r\n%b\r\n" % (len(TEXT), TEXT)))):
    kind(f"stream: {name}", fault, refused(UNKNOWN), **STREAM)
for name, body in (
        ("heartbeats", eventstream.event("HeartbeatEvent", {}) * 99 + WHOLE),
        ("an unknown event", eventstream.event("NobodyEvent", {"a": 1}) + WHOLE),
        ("an unknown message", eventstream.message({":message-type": "song"}) + WHOLE),
        ("an initial response", eventstream.event("initial-response", {"a": 1}) + WHOLE),
        ("an event without a payload", eventstream.event("HeartbeatEvent", "") + WHOLE),
        ("headers of each type", eventstream.message(
            {"a": True, "b": (1, 1), "c": (1, 2), "d": 1, "e": (1, 8), "f": b"x"}) + WHOLE),
        ("more after its end", WHOLE + b"rubbish"), ("10,000 events", TEXT * 10000 + END)):
    kind(f"stream: {name}", answer(body), FINE, **STREAM)
kind("stream: throttled", answer(eventstream.exception("throttlingException", {"message": "no"})),
     refused("38T01"), **STREAM)
kind("stream: refused", answer(eventstream.exception("validationException", {"message": "no"})),
     refused("22023"), **STREAM)
kind("stream: silence after an event", hang(b"HTTP/1.1 200 OK\r\n\r\n" + TEXT), LOST, slow=True,
     **STREAM)
kind("stream: silence after its end", hang(b"HTTP/1.1 200 OK\r\n\r\n" + WHOLE), FINE, slow=True,
     **STREAM)
