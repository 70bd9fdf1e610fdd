"""The catalogue of faults: what whole replies say. fault_kinds.py says what a row is."""

import json

import fault_server as server
from fault_kinds import BROKEN, CREDENTIALS, FINE, JSONS, THROTTLED, UNKNOWN, kind, refused

PLANE = ("change", "read")
RESOURCES = ("fhir_read", "fhir_create", "fhir_update")
FHIR = (*RESOURCES, "fhir_search", "fhir_bundle")
PLAIN = {"routes": ("plain",)}


def answer(content, status=b"200 OK", head=b""):
    """A complete reply with this body."""
    content = json.dumps(content) if isinstance(content, (dict, list)) else content
    content = content.encode() if isinstance(content, str) else content

    def fault(wire):
        return wire.send(wire.fill(server.reply(b"", head, status)).replace(
            b"Content-Length: 0", b"Content-Length: %d" % len(content)) + content)
    return fault


def changed(*path, **more):
    """
    The good reply with a changed member: its path, and `to` the value; by default it is removed.
    """
    def fault(wire):
        whole = json.loads(wire.body)
        at = whole
        for name in path[:-1]:
            at = at[name]
        if "to" in more:
            at[path[-1]] = more["to"]
        else:
            del at[path[-1]]
        return answer(whole)(wire)
    return fault


def spliced(old, new):
    """The good reply with changed bytes."""
    return lambda wire: answer(wire.body.replace(old, new))(wire)


# --------------------------------------------------------------- AWS's error codes

CODES = {
    "22023": ["ValidationException"], "42501": ["AccessDeniedException", "AccessDenied",
                                                "UnauthorizedException"],
    "42704": ["ResourceNotFoundException"], "55006": ["ConflictException"],
    "55000": ["FailedDependencyException"], "38Q01": ["ServiceQuotaExceededException"],
    "38U01": ["NotImplementedOperationException"], "38S01": ["InternalServerException"],
    "38X01": ["UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
              "AuthFailure", "InvalidToken", "MissingAuthenticationToken", "IncompleteSignature",
              "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired",
              "SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed",
              "RequestExpired", "RequestInTheFuture"],
    "38T01": ["BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException",
              "PriorRequestNotComplete", "ProvisionedThroughputExceededException",
              "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown",
              "ThrottledException", "Throttling", "ThrottlingException",
              "TooManyRequestsException", "TransactionInProgressException"],
    "38000": ["RequestTimeout", "RequestTimeoutException", "NobodyKnowsException"]}
for state, codes in CODES.items():
    for code in codes:
        kind(f"code {code}", answer({"__type": code, "message": "No."}, b"400 No"), refused(state),
             faces=PLANE, **PLAIN)
for name, body, head, state in (
        ("with a namespace", {"__type": "a.b#ConflictException"}, b"", "55006"),
        ("with a URL", {"__type": "ConflictException:http://x/"}, b"", "55006"),
        ("with both", {"__type": "a.b#ConflictException:http://x/"}, b"", "55006"),
        ("in a header", {}, b"x-amzn-ErrorType: ConflictException\r\n", "55006"),
        ("in a header with a URL", {}, b"X-AMZN-ERRORTYPE: ConflictException:http://x/\r\n",
         "55006"),
        ("in a header of HTML", server.STS, b"x-amzn-ErrorType: ConflictException\r\n", "55006"),
        ("as code", {"code": "ConflictException"}, b"", "55006"),
        ("as Code", {"Code": "ConflictException"}, b"", "55006"),
        ("in both places", {"__type": "ConflictException"},
         b"x-amzn-ErrorType: ValidationException\r\n", "55006"),
        ("in the query's header", {"__type": "ConflictException"},
         b"x-amzn-query-error: ValidationException;Sender\r\n", "55006"),
        ("that is a number", {"__type": 7}, b"", "38000"),
        ("that is null", {"__type": None}, b"", "38000"), ("that is empty", {"__type": ""}, b"",
                                                           "38000"),
        ("that is an object", {"__type": {"a": 1}}, b"", "38000"),
        ("of 10 kB", {"__type": "x" * 10000}, b"", "38000"),
        # an invalid byte is removed from the code
        ("with a NUL", {"__type": "Conflict\0Exception"}, b"", "55006"),
        ("in invalid UTF-8", b'{"__type":"Conflict\xff"}', b"", "38000"),
        ("with controls", {"__type": "Conflict\x1b[2JException"}, b"", "38000"),
        ("beyond ASCII", {"__type": "Ausnahme\u00e4\U0001f525"}, b"", "38000"),
        ("that formats", {"__type": "%s%n%s%n", "message": "%s%n%s%n"}, b"", "38000"),
        ("of nothing but marks", {"__type": "#:,"}, b"", "38000"),
        ("that is not there", {}, b"", "38000"),
        ("without a message", {"__type": "ConflictException"}, b"", "55006"),
        ("with a number for a message", {"__type": "ConflictException", "message": 7}, b"",
         "55006"),
        ("with a message of 1 MB", {"__type": "ConflictException", "message": "x" * (1 << 20)}, b"",
         "55006"),
        ("with a message of NULs", {"__type": "ConflictException", "message": "a\0b\0"}, b"",
         "55006"),
        ("with a message of half a character",
         b'{"__type":"ConflictException","message":"\\ud800"}',
         b"", "55006")):
    kind(f"code {name}", answer(body, b"400 No", head), refused(state), faces=PLANE, **PLAIN)
for name, body in (("an array", b"[1]"), ("null", b"null"), ("a string", b'"x"'), ("nothing", b""),
                   ("text", b"it did not work"),
                   ("a cut object", b'{"__type":"Conf')):
    kind(f"an error that is {name}", answer(body, b"400 No"), BROKEN,
         faces=("change", "read", "fhir_read", "fhir_update"), **PLAIN)
kind("status 500 with a refusal's code", answer({"__type": "ValidationException"}, b"500 Oh"),
     {"change": UNKNOWN, "read": "22023"}, faces=PLANE, **PLAIN)
kind("status 503 with a throttle's code", answer({"__type": "ThrottlingException"}, b"503 Slow"),
     {"change": UNKNOWN, "read": "38T01"}, faces=PLANE, **PLAIN)
kind("status 429 with a refusal's code", answer({"__type": "ValidationException"}, b"429 Slow"),
     THROTTLED, faces=PLANE, **PLAIN)
kind("status 403 of another's clock", answer(
    {"__type": "InvalidSignatureException"}, b"403 No", b"Date: Fri, 31 Dec 9999 23:59:59 GMT\r\n"),
     refused(CREDENTIALS), faces=PLANE, **PLAIN)

# ------------------------------------------------------------- JSON of all kinds

for name, body in (
        ("HTML", b"<html></html>"), ("nothing", b""), ("blanks", b" \r\n\t "), ("null", b"null"),
        ("true", b"true"), ("a number", b"7"), ("a string", b'"x"'), ("an array", b"[]"),
        ("an array of objects", b"[{}]"), ("an empty object", b"{}"), ("half an object", b'{"a":'),
        ("two objects", b"{}{}"), ("an object and rubbish", b"{}x"), ("a NUL", b"{}\0"),
        ("a NUL and more", b'{}\0{"a":1}'), ("NULs", bytes(64)), ("UTF-16", "{}".encode("utf-16")),
        ("single quotes", b"{'a':1}"), ("a comment", b"{/**/}"), ("a comma too many", b'{"a":1,}'),
        ("NaN", b'{"a":NaN}'), ("Infinity", b'{"a":-Infinity}'), ("a number with a zero",
                                                                  b'{"a":01}'),
        ("a number with a sign", b'{"a":+1}'), ("a tab in a string", b'{"a":"\t"}'),
        ("half a character", b'{"a":"\xc3"}'), ("an overlong character", b'{"a":"\xc0\x80"}'),
        ("a surrogate's bytes", b'{"a":"\xed\xa0\x80"}'), ("LATIN1", b'{"a":"\xe9"}'),
        ("a wrong escape", b'{"a":"\\x"}'), ("half an escape", b'{"a":"\\u12'),
        ("a million arrays", b'{"a":' + b"[" * 1000000), ("a million closed arrays",
                                                          b"[" * 1000000 + b"]" * 1000000),
        ("a million objects", b'{"a":' * 1000000 + b"1" + b"}" * 1000000),
        ("a million names", b"{" + b",".join(b'"%d":0' % n for n in range(1000000)) + b"}"),
        ("a digit a million times", b'{"a":' + b"9" * 1000000 + b"}x")):
    kind(f"JSON: {name}", answer(body), BROKEN, faces=JSONS, **PLAIN)
for name, old, new in (
        ("a byte order mark", b"{", b"\xef\xbb\xbf{"), ("an escaped NUL", b'"}', b'\\u0000"}'),
        ("half of a pair", b'"}', b'\\ud800"}')):
    kind(f"JSON: {name}", spliced(old, new), BROKEN, faces=("change",), **PLAIN)
for name, more in (
        ("an unknown member", b'{"Nobody":{"knows":[1,2]},'), ("a large number", b'{"a":1e400,'),
        ("digits", b'{"a":' + b"9" * 50000 + b","), ("a string of 50 kB", b'{"a":"' + b"x" * 50000
                                                     + b'",'),
        ("a pair of surrogates", b'{"a":"\\ud83d\\ude00",'), ("a name of nothing", b'{"":1,'),
        ("a name twice", b'{"a":1,"a":2,'), ("blanks", b" \n\t{ \r\n"), ("a null", b'{"a":null,'),
        ("a member of 100 arrays", b'{"a":' + b"[" * 100 + b"]" * 100 + b","),
        ("AWS's __type", b'{"__type":"x",')):
    # jsonb holds no number of that size, and a database in UTF8 all the rest
    kind(f"JSON with {name}", lambda wire, more=more: answer(more + wire.body[1:])(wire), FINE,
         faces=("change", "keys", "container"), **PLAIN)
for name, fault in (
        ("no id", changed("DatastoreId")), ("a null id", changed("DatastoreId", to=None)),
        ("a number for an id", changed("DatastoreId", to=7)),
        ("an object for an id", changed("DatastoreId", to={})),
        ("no status", changed("DatastoreStatus")), ("an array for a status", changed(
            "DatastoreStatus", to=["CREATING"])), ("a boolean for a URL", changed(
                "DatastoreEndpoint", to=True))):
    kind(f"creation: {name}", fault, BROKEN, faces=("change",), **PLAIN)
kind("creation: an unknown status", changed("DatastoreStatus", to="SINGING"), FINE,
     faces=("change",), **PLAIN)
OF = "DatastoreProperties"
for name, fault in (
        ("nothing", changed(OF)), ("null", changed(OF, to=None)), ("an array", changed(OF, to=[])),
        ("a string", changed(OF, to="x")), ("no id", changed(OF, "DatastoreId")),
        ("a boolean for a date", changed(OF, "CreatedAt", to=True)),
        ("a word for a date", changed(OF, "CreatedAt", to="yesterday")),
        ("an array for a date", changed(OF, "CreatedAt", to=[1])),
        ("a date of 1e300", changed(OF, "CreatedAt", to=1e300)),
        ("a date before all", changed(OF, "CreatedAt", to=-1e15)),
        ("a date of the year 300000", changed(OF, "CreatedAt", to=9.4e12)),
        ("the 30th of February", changed(OF, "CreatedAt", to="2026-02-30T00:00:00Z")),
        ("a word for an object", changed(OF, "SseConfiguration", to="x")),
        ("a number for a name", changed(OF, "DatastoreName", to=7))):
    kind(f"description: {name}", fault, BROKEN, faces=("read",), **PLAIN)
for name, date in (("seconds", 1700000000), ("a negative number", -1), ("microseconds", 1.000001),
                   ("an exponent", 1.7e9), ("a number as text", "1700000000"),
                   ("ISO 8601", "2026-01-01T00:00:00.5+01:00"),
                   ("RFC 822", "Thu, 01 Jan 2026 00:00:00 GMT"), ("null", None)):
    kind(f"description: a date of {name}", changed(OF, "CreatedAt", to=date), FINE, faces=("read",),
         **PLAIN)

# ------------------------------------------------------------------------ keys

for name, body in (
        ("an error", {"Code": "Failed", "Message": "no"}), ("no key", {**server.KEYS,
                                                                       "AccessKeyId": None}),
        ("an empty key", {**server.KEYS, "AccessKeyId": ""}),
        ("a number for a key", {**server.KEYS, "AccessKeyId": 7}),
        ("no secret", {**server.KEYS, "SecretAccessKey": None}),
        ("no token", {**server.KEYS, "Token": None}),
        ("a key with a line end", {**server.KEYS, "AccessKeyId": "A\r\nX: y"}),
        ("a key with a NUL", {**server.KEYS, "AccessKeyId": "A\0B"}),
        ("a token beyond ASCII", {**server.KEYS, "Token": "\u00e9"}),
        ("no expiration", {**server.KEYS, "Expiration": None}),
        ("a past expiration", {**server.KEYS, "Expiration": "2020-01-01T00:00:00Z"}),
        ("a number for an expiration", {**server.KEYS, "Expiration": 1700000000}),
        ("a word for an expiration", {**server.KEYS, "Expiration": "tomorrow"}),
        ("the 30th of February", {**server.KEYS, "Expiration": "2026-02-30T00:00:00Z"}),
        ("keys in an array", [server.KEYS])):
    kind(f"keys: {name}", answer(body), refused(CREDENTIALS), faces=("keys", "container"), **PLAIN)
kind("keys: another code", answer({**server.KEYS, "Code": "Fine"}), refused(CREDENTIALS),
     faces=("keys",), **PLAIN)
kind("keys: 70 kB", answer({**server.KEYS, "x": "y" * 70000}), refused(CREDENTIALS),
     faces=("keys", "container"), **PLAIN)
for name, body in (("a blank line", b"\r\n"), ("a path", b"../x"), ("a query", b"x?y"), ("a NUL",
                                                                                         b"\0"),
                   ("HTML", b"<html>"), ("129 letters", b"x" * 129), ("bytes above 127",
                                                                      b"\xc3\xa9")):
    kind(f"a role's name: {name}", answer(body), refused(CREDENTIALS), faces=("role",), **PLAIN)
kind("a role's name: the first of two", answer(b"fault\nother"), FINE, faces=("role",), **PLAIN)
for name, body in (("a line end", b"a\r\nb"), ("a NUL", b"a\0b"), ("70 kB", b"x" * 70000)):
    kind(f"a metadata token: {name}", answer(body), refused(CREDENTIALS), faces=("token",), **PLAIN)

# -------------------------------------------------------------------- STS's XML

XML = server.STS.encode()
for name, body in (
        ("nothing", b""), ("text", b"x"), ("JSON", b"{}"), ("an empty element", b"<a/>"),
        ("half", XML[:200]), ("all but its last byte", XML[:-1]), ("a DTD", b"<!DOCTYPE a>" + XML),
        ("an entity", b"<!DOCTYPE a [<!ENTITY b \"c\">]>" + XML.replace(b">token<", b">&b;<")),
        ("a billion laughs", b"<!DOCTYPE a [<!ENTITY b \"" + b"c" * 999 + b"\">]><a>" +
         b"&b;" * 9999 + b"</a>"), ("an unknown entity", XML.replace(b">token<", b">&nbsp;<")),
        ("a NUL", XML.replace(b">token<", b">to\0ken<")),
        ("an escaped NUL", XML.replace(b">token<", b">&#0;<")),
        ("a surrogate", XML.replace(b">token<", b">&#xd800;<")),
        ("invalid UTF-8", XML.replace(b">token<", b">\xff<")),
        ("crossed tags", XML.replace(b"</Credentials></AssumeRoleResult>",
                                     b"</AssumeRoleResult></Credentials>")),
        ("an open tag", XML.replace(b"</SessionToken>", b"")),
        ("a million elements", b"<a>" * 1000000), ("another's root", XML.replace(b"AssumeRoleRes",
                                                                                 b"Other")),
        ("no key", XML.replace(b"AccessKeyId>", b"Nothing>")),
        ("an empty key", XML.replace(b"ASIAEXAMPLE", b"")),
        ("no token", XML.replace(b"SessionToken>", b"Nothing>")),
        ("no expiration", XML.replace(b"Expiration>", b"Nothing>")),
        ("a word for an expiration", XML.replace(b"2999-01-01T00:00:00Z", b"tomorrow")),
        ("a past expiration", XML.replace(b"2999", b"1999")),
        # the parser accepts no comments and no CDATA, which STS does not send
        ("a comment", b"<!-- c -->" + XML),
        ("CDATA", XML.replace(b">token<", b"><![CDATA[token]]><")),
        ("an error with 200", b"<ErrorResponse><Error><Code>x</Code></Error></ErrorResponse>")):
    kind(f"STS: {name}", answer(body), refused(CREDENTIALS), faces=("sts",), **PLAIN)
for name, body in (("a declaration", b"<?xml version=\"1.0\"?>\n" + XML),
                   ("entities", XML.replace(b">token<", b">&#116;oke&#x6e;&amp;&lt;<"))):
    kind(f"STS: {name}", answer(body), FINE, faces=("sts",), **PLAIN)
for status, code in ((400, "ValidationError"), (403, "AccessDenied"), (403, "ExpiredToken"),
                     (400, "Throttling"), (400, "IDPCommunicationError"), (403, "x" * 9999),
                     (400, "&#x1b;[2J"), (500, "InternalFailure")):
    kind(f"STS: {status} {code[:22]}", answer(
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>No.</Message>"
        "</Error></ErrorResponse>", b"%d No" % status), refused(CREDENTIALS), faces=("sts",),
         **PLAIN)
