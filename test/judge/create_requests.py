#!/usr/bin/python3
"""What CreateFHIRDatastore sends, beside what boto3 sends for the same members.

A table of requests, and random ones from the model. Each that botocore accepts is sent
by boto3, by the jsonb form and, where named arguments can say it, by the typed form:
the bodies and the signed headers that reach the emulator must be the same, and so must
what comes of it. What botocore's validator refuses must be refused with the same paths,
and nothing may be sent.
"""

import json
import random
import re
import sys
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "emulator")]

import oracle  # noqa: E402
import psycopg2  # noqa: E402
import psycopg2.extras  # noqa: E402
from botocore import exceptions as failures  # noqa: E402
from client import emulator as find_emulator  # noqa: E402
from session import open_session  # noqa: E402
from tap import Tap  # noqa: E402

SEED = 20261123
RANDOM_ACCEPTED = 300
RANDOM_REFUSED = 300
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:introspect:7"
METADATA = {"issuer": "https://ehr.example", "scopes": ["launch/patient", "system/*.read"],
            "note": "Zürich \"7\" \\ 病房", "empty": {}, "n": [1, 2.5, True, None]}
VARYING = {"x-amz-date", "authorization"}

tap = Tap()


def sse(**config):
    """A request with a key."""
    return {"SseConfiguration": {"KmsEncryptionConfig": config}}


def smart(**config):
    """A request with an identity provider."""
    return {"IdentityProviderConfiguration": config}


def tags(*pairs):
    """A request with tags."""
    return {"Tags": [{"Key": key, "Value": value} for key, value in pairs]}


EVERYTHING = {
    "DatastoreName": "ward 7",
    **sse(CmkType="CUSTOMER_MANAGED_KMS_KEY", KmsKeyId=KEY), **tags(("env", "prod"), ("team", "")),
    **smart(AuthorizationStrategy="SMART_ON_FHIR", FineGrainedAuthorizationEnabled=True,
            Metadata=json.dumps(METADATA), IdpLambdaArn=LAMBDA),
    "PreloadDataConfig": {"PreloadDataType": "SYNTHEA"},
    "AnalyticsConfiguration": {"Status": "ENABLED"}, "NlpConfiguration": {"Status": "DISABLED"},
    "ProfileConfiguration": {"DefaultProfiles": ["us-core-6.1.0", "carin-bb-2.0.0"]},
    "BackupConfiguration": {"Status": "ENABLED", "BackupType": "CONTINUOUS",
                            "RetentionPeriodInDays": 30, "BackupTagsEnabled": True},
}

# Accepted by botocore; the replies are compared, too. Each but the first
# also has DatastoreTypeVersion R4, and a name if it has none.
ACCEPTED = [
    {"DatastoreName": None},
    {"DatastoreName": "x"},
    {"DatastoreName": "Zürich, Station 7"},
    {"DatastoreName": "病房 7 Ωμέγα Ёлка"},
    {"DatastoreName": "a\u0301 \u00a0 \u2003 \U0001d538 \U00020000"},
    {"DatastoreName": "\U0001f3e5 <&> \u2028 \x7f"},
    {"DatastoreName": "quote \" backslash \\ slash / tab \t newline \n return \r bell \x07"},
    {"DatastoreName": "'; DROP TABLE ward; --"},
    {"DatastoreName": " blanks "},
    {"DatastoreName": "x" * 256},
    {"DatastoreName": "x" * 257},
    {"DatastoreName": "%s {} $1 \\u0041"},
    {"DatastoreTypeVersion": "R5"},
    {"DatastoreTypeVersion": ""},
    {"ClientToken": "token-1"},
    {"ClientToken": "x" * 64},
    {"ClientToken": "not a token: ünïcode"},
    sse(CmkType="CUSTOMER_MANAGED_KMS_KEY", KmsKeyId=KEY),
    sse(CmkType="AWS_OWNED_KMS_KEY"),
    sse(CmkType="CUSTOMER_MANAGED_KMS_KEY"),
    sse(CmkType="AWS_OWNED_KMS_KEY", KmsKeyId="alias/health"),
    sse(CmkType="SOMETHING_NEW", KmsKeyId="odd key"),
    {"PreloadDataConfig": {"PreloadDataType": "SYNTHEA"}},
    {"PreloadDataConfig": {"PreloadDataType": "other"}},
    {"Tags": []},
    tags(("env", "prod")),
    tags(("env", "")),
    tags(("a", "1"), ("b", "2"), ("ключ", "значение")),
    tags(("same", "1"), ("same", "2")),
    tags(*((f"key{number}", "x" * number) for number in range(60))),
    tags(("k" * 129, "v" * 257)),
    smart(AuthorizationStrategy="AWS_AUTH"),
    smart(AuthorizationStrategy="SMART_ON_FHIR_V1", FineGrainedAuthorizationEnabled=False),
    smart(AuthorizationStrategy="SMART_ON_FHIR", FineGrainedAuthorizationEnabled=True,
          Metadata=json.dumps(METADATA), IdpLambdaArn=LAMBDA),
    smart(AuthorizationStrategy="SMART_ON_FHIR", Metadata=""),
    smart(AuthorizationStrategy="SMART_ON_FHIR", Metadata="no JSON at all \u0007"),
    smart(AuthorizationStrategy="SMART_ON_FHIR", Metadata="{}"),
    smart(AuthorizationStrategy="SMART_ON_FHIR", IdpLambdaArn="x" * 49),
    {"AnalyticsConfiguration": {"Status": "ENABLED"}},
    {"AnalyticsConfiguration": {}},
    {"NlpConfiguration": {"Status": "ENABLED"}},
    {"NlpConfiguration": {}},
    {"ProfileConfiguration": {"DefaultProfiles": []}},
    {"ProfileConfiguration": {"DefaultProfiles": ["us-core", "", "Ω"]}},
    {"ProfileConfiguration": {}},
    {"BackupConfiguration": {}},
    {"BackupConfiguration": {"Status": "ENABLED"}},
    {"BackupConfiguration": {"RetentionPeriodInDays": 1}},
    {"BackupConfiguration": {"RetentionPeriodInDays": 2147483647}},
    {"BackupConfiguration": {"Status": "DISABLED", "BackupType": "CONTINUOUS",
                             "RetentionPeriodInDays": 7, "BackupTagsEnabled": False}},
    EVERYTHING,
    {**EVERYTHING, **smart(AuthorizationStrategy="SMART_ON_FHIR"), "ClientToken": "everything"},
]

# Refused by botocore. These are complete requests.
R4 = {"DatastoreTypeVersion": "R4"}
REFUSED = [
    {},
    {"DatastoreName": "ward 7"},
    {"DatastoreTypeVersion": 4},
    {"DatastoreTypeVersion": True},
    {"DatastoreTypeVersion": ["R4"]},
    {**R4, "DatastoreName": ""},
    {**R4, "DatastoreName": 7},
    {**R4, "DatastoreName": {"a": "b"}},
    {**R4, "datastoreName": "x"},
    {**R4, "Name": "x", "Tag": []},
    {**R4, "ClientToken": ""},
    {**R4, "ClientToken": 1.5},
    {**R4, "Tags": {"env": "prod"}},
    {**R4, "Tags": "env"},
    {**R4, "Tags": [{}]},
    {**R4, "Tags": ["env"]},
    {**R4, "Tags": [{"Key": "a", "Value": "b"}, {"Key": "a"}, {"Value": "b"}]},
    {**R4, "Tags": [{"Key": "", "Value": ""}]},
    {**R4, "Tags": [{"Key": 1, "Value": 2, "Colour": "red"}]},
    {**R4, "SseConfiguration": {}},
    {**R4, "SseConfiguration": "AWS_OWNED_KMS_KEY"},
    {**R4, **sse()},
    {**R4, **sse(KmsKeyId=KEY)},
    {**R4, **sse(CmkType="CUSTOMER_MANAGED_KMS_KEY", KmsKeyId="")},
    {**R4, **sse(CmkType=[], KmsKeyId={})},
    {**R4, "PreloadDataConfig": {}},
    {**R4, "PreloadDataConfig": {"PreloadDataType": False}},
    {**R4, **smart()},
    {**R4, **smart(FineGrainedAuthorizationEnabled=True)},
    {**R4, **smart(AuthorizationStrategy="AWS_AUTH", FineGrainedAuthorizationEnabled="true")},
    {**R4, **smart(AuthorizationStrategy="AWS_AUTH", FineGrainedAuthorizationEnabled=1)},
    {**R4, **smart(AuthorizationStrategy="AWS_AUTH", IdpLambdaArn="arn:aws:lambda")},
    {**R4, **smart(AuthorizationStrategy="AWS_AUTH", Metadata=["issuer"])},
    {**R4, **smart(AuthorizationStrategy="AWS_AUTH", Metadata=1)},
    {**R4, "AnalyticsConfiguration": {"Status": 1}},
    {**R4, "AnalyticsConfiguration": {"status": "ENABLED"}},
    {**R4, "NlpConfiguration": []},
    {**R4, "ProfileConfiguration": {"DefaultProfiles": "us-core"}},
    {**R4, "ProfileConfiguration": {"DefaultProfiles": ["us-core", 6.1, {}]}},
    {**R4, "BackupConfiguration": {"RetentionPeriodInDays": 0}},
    {**R4, "BackupConfiguration": {"RetentionPeriodInDays": -1}},
    {**R4, "BackupConfiguration": {"RetentionPeriodInDays": 7.5}},
    {**R4, "BackupConfiguration": {"RetentionPeriodInDays": 7.0}},
    {**R4, "BackupConfiguration": {"RetentionPeriodInDays": "7"}},
    {**R4, "BackupConfiguration": {"BackupTagsEnabled": "yes", "Status": None or 5,
                                   "Days": 7}},
    {"DatastoreName": "", "ClientToken": "", "Tags": [{"Key": ""}], **sse(KmsKeyId=""),
     "Unknown": 1, "BackupConfiguration": {"RetentionPeriodInDays": 0}},
]


# Refused by the typed form: its SQL arguments, SQLSTATE, and texts in the error.
TYPED_REFUSED = [
    ("NULL", "22004", "name|DatastoreName"),
    ("''", "22023", "name|DatastoreName"),
    ("' {\"DatastoreName\": \"x\"}'", "22023", "name"),
    ("'[]'", "22023", "name"),
    ("'x', client_token => ''", "22023", "client_token|ClientToken"),
    ("'x', cmk_type => 'CUSTOMER_MANAGED_KMS_KEY'", "22004", "kms_key_id|KmsKeyId"),
    ("'x', kms_key_id => ''", "22023", "kms_key_id|KmsKeyId"),
    ("'x', tags => '\"env\"'", "22023", "tags|Tags"),
    ("'x', tags => '[{\"Key\": \"env\"}]'", "22004", r"Tags\[0\]\.Value"),
    ("'x', tags => '{\"env\": 7}'", "22023", r"tags|Tags\[0\]\.Value"),
    ("'x', tags => '{\"\": \"empty\"}'", "22023", r"tags|Tags\[0\]\.Key"),
    ("'x', fine_grained_authorization_enabled => true", "22004",
     "authorization_strategy|AuthorizationStrategy"),
    ("'x', identity_provider_metadata => '{}'", "22004",
     "authorization_strategy|AuthorizationStrategy"),
    ("'x', authorization_strategy => 'AWS_AUTH', identity_provider_metadata => '[1]'", "22023",
     "identity_provider_metadata|Metadata"),
    ("'x', authorization_strategy => 'AWS_AUTH', idp_lambda_arn => 'arn'", "22023",
     "idp_lambda_arn|IdpLambdaArn"),
    ("'x', default_profiles => ARRAY['us-core', NULL]", "22004",
     "default_profiles|DefaultProfiles"),
    ("'x', backup_retention_period_in_days => 0", "22023",
     "backup_retention_period_in_days|RetentionPeriodInDays"),
    ("'x', more => '{\"Unknown\": 1}'", "22023", "Unknown"),
    ("'x', more => '{\"DatastoreName\": \"y\"}'", "22023", "DatastoreName"),
    ("'x', more => '[]'", "22023", "more"),
    ("'x', region => 'us-east-1.example.com'", "22023", "region"),
    ("'', tags => '[{\"Key\": \"\"}]', backup_retention_period_in_days => -1", "22023",
     r"(?s)(?=.*name|.*DatastoreName)(?=.*Tags\[0\]\.Key)(?=.*Tags\[0\]\.Value)"
     r"(?=.*RetentionPeriodInDays)"),
]


def label(request):
    """A request as a line."""
    text = json.dumps(request, ensure_ascii=True)
    return text if len(text) <= 110 else text[:107] + "..."


# The ways to make the call


class Asker:
    """A way to create a data store, with its request and result."""

    seen = 0  # the last request of the log that was read

    def __init__(self, emulator):
        self.emulator = emulator

    def sent(self):
        """The requests since the last call."""
        log = self.emulator.log(since=Asker.seen)
        if log:
            Asker.seen = log[-1]["n"]
        return log

    def ask(self, request):
        """Makes the call; returns the result and its single request."""
        result = self.call(request)
        log = self.sent()
        return result, log[0] if len(log) == 1 else f"{len(log)} requests"


class Boto(Asker):
    """boto3."""

    def __init__(self, emulator, tls=False, **changes):
        super().__init__(emulator)
        self.lake = oracle.client(emulator, tls, **changes)

    def call(self, request):
        """The reply's four members, or AWS's code."""
        try:
            told = self.lake.create_fhir_datastore(**request)
        except failures.ClientError as caught:
            return caught.response["Error"]["Code"]
        return tuple(told[name] for name in ("DatastoreId", "DatastoreArn", "DatastoreStatus",
                                             "DatastoreEndpoint"))


class Sql(Asker):
    """The jsonb form."""

    def __init__(self, emulator, connection):
        super().__init__(emulator)
        self.connection = connection

    def statement(self, request):
        """The call as SQL, and its parameters."""
        return ("SELECT id, arn, status, endpoint FROM healthlake_create_datastore(%s::jsonb)",
                [json.dumps(request)])

    def call(self, request):
        """The row, or AWS's code in the error's DETAIL."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(*self.statement(request))
                return cursor.fetchone()
        except psycopg2.Error as caught:
            code = re.search(r"\b([A-Z]\w+Exception)\b", caught.diag.message_detail or "")
            return code.group(1) if code else f"{caught.pgcode}: {caught}"


class Typed(Sql):
    """The form with named arguments."""

    tags_as_object = False

    def can_say(self, request):
        """Whether named arguments can express this request."""
        key = request.get("SseConfiguration", {}).get("KmsEncryptionConfig", {})
        metadata = request.get("IdentityProviderConfiguration", {}).get("Metadata", "{}")
        nested = [value for value in request.values() if isinstance(value, dict)]
        names = [tag["Key"] for tag in request.get("Tags", [])]
        if "DatastoreName" not in request or {} in nested or not is_object(metadata):
            return False
        if request["DatastoreName"].lstrip()[:1] in ("{", "["):
            return False  # looks like a request in JSON, and is refused
        if self.tags_as_object and len(set(names)) < len(names):
            return False
        return key.get("CmkType") != "CUSTOMER_MANAGED_KMS_KEY" or "KmsKeyId" in key

    def arguments(self, request):
        """The members as arguments, without missing ones."""
        key = request.get("SseConfiguration", {}).get("KmsEncryptionConfig", {})
        idp = request.get("IdentityProviderConfiguration", {})
        backup = request.get("BackupConfiguration", {})
        given = request.get("Tags")
        if given is not None and self.tags_as_object:
            given = {tag["Key"]: tag["Value"] for tag in given}
        found = {
            "name": request["DatastoreName"], "type_version": request["DatastoreTypeVersion"],
            "kms_key_id": key.get("KmsKeyId"), "cmk_type": key.get("CmkType"),
            "preload_data_type": request.get("PreloadDataConfig", {}).get("PreloadDataType"),
            "client_token": request.get("ClientToken"),
            "tags": None if given is None else psycopg2.extras.Json(given),
            "authorization_strategy": idp.get("AuthorizationStrategy"),
            "fine_grained_authorization_enabled": idp.get("FineGrainedAuthorizationEnabled"),
            "identity_provider_metadata": psycopg2.extras.Json(json.loads(idp["Metadata"]))
            if "Metadata" in idp else None,
            "idp_lambda_arn": idp.get("IdpLambdaArn"),
            "analytics_status": request.get("AnalyticsConfiguration", {}).get("Status"),
            "nlp_status": request.get("NlpConfiguration", {}).get("Status"),
            "default_profiles": request.get("ProfileConfiguration", {}).get("DefaultProfiles"),
            "backup_status": backup.get("Status"), "backup_type": backup.get("BackupType"),
            "backup_retention_period_in_days": backup.get("RetentionPeriodInDays"),
            "backup_tags_enabled": backup.get("BackupTagsEnabled"),
        }
        return {name: value for name, value in found.items() if value is not None}

    def statement(self, request):
        """The call as SQL, and its parameters."""
        casts = {"tags": "::jsonb", "identity_provider_metadata": "::jsonb",
                 "default_profiles": "::text[]"}
        given = self.arguments(request)
        listed = ", ".join(f"{name} => %s{casts.get(name, '')}" for name in given)
        return (f"SELECT id, arn, status, endpoint FROM healthlake_create_datastore({listed})",
                list(given.values()))


class TypedWithObject(Typed):
    """The same with tags as {"key": "value"}."""

    tags_as_object = True


def is_object(text):
    """Whether a text is a JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


# Comparisons


def body_of(entry, made_up):
    """The body, without a generated token, whose form is checked."""
    body = json.loads(entry["body"])
    if made_up:
        token = body.pop("ClientToken")
        if str(uuid.UUID(token)) != token or uuid.UUID(token).version != 4:
            return f"the token {token} is no UUIDv4"
    return body


def loosened(body):
    """The body with Metadata parsed."""
    idp = body.get("IdentityProviderConfiguration", {})
    if "Metadata" in idp:
        idp["Metadata"] = json.loads(idp["Metadata"])
    return body


def signed_headers(entry):
    """The signed headers, in the order of signing."""
    headers = {name.lower(): value for name, value in entry["headers"]}
    names = re.search(r"SignedHeaders=([^,]+)", headers["authorization"]).group(1).split(";")
    credential = re.search(r"Credential=([^,]+)", headers["authorization"]).group(1)
    return [(name, "..." if name in VARYING else headers[name]) for name in names] + \
        [("credential", credential)]


def faults_in(asker, wanted, wanted_result, request):
    """The differences between boto3's request and another."""
    result, entry = asker.ask(request)
    if not isinstance(entry, dict):
        return [f"reached the emulator: {entry}, result: {result}"]
    made_up = "ClientToken" not in request
    bodies = [body_of(wanted, made_up), body_of(entry, made_up)]
    if isinstance(asker, Typed):
        bodies = [loosened(body) for body in bodies]
    faults = []
    for what, one, other in (("body", *bodies),
                             ("signed headers", signed_headers(wanted), signed_headers(entry)),
                             ("signature", wanted["signature"], entry["signature"]),
                             ("path", wanted["path"], entry["path"])):
        if one != other:
            faults.append(f"{what}: boto3: {one!r}\n{what}: here:  {other!r}")
    same = wanted_result == result if isinstance(wanted_result, str) or not made_up else \
        isinstance(result, tuple) and result[2] == "CREATING"
    if not same:
        faults.append(f"result: boto3: {wanted_result!r}\nresult: here:  {result!r}")
    return faults


def check_accepted(request, boto, askers):
    """One request that botocore sends."""
    result, wanted = boto.ask(request)
    for asker in askers:
        what = f"{type(asker).__name__}: {label(request)}"
        if not isinstance(asker, Typed) or asker.can_say(request):
            faults = faults_in(asker, wanted, result, request)
            tap.ok(not faults, what, *faults)


# Refusals


def paths_of(caught):
    """The paths in botocore's error, and whether members are only missing."""
    paths, only_missing = set(), True
    for line in str(caught).splitlines()[1:]:
        match = re.match(r'(Missing required|Unknown) parameter in (.+?): "([^"]*)"', line)
        if match:
            outside = "" if match.group(2) == "input" else match.group(2) + "."
            paths.add(outside + match.group(3))
            only_missing &= match.group(1) == "Missing required"
        else:
            paths.add(re.match(r"Invalid (?:type|value|length) for parameter (\S+), ",
                               line).group(1))
            only_missing = False
    return paths, only_missing


def refusal(connection, request):
    """SQLSTATE and text of an SQL error; None and the row if there is none."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM healthlake_create_datastore(%s::jsonb)",
                           [json.dumps(request)])
            return None, str(cursor.fetchone())
    except psycopg2.Error as caught:
        return caught.pgcode, f"{caught.diag.message_primary}\n{caught.diag.message_detail or ''}"


def check_refused(request, boto, sql):
    """One request that botocore's validator refuses."""
    try:
        boto.lake.create_fhir_datastore(**request)
        tap.ok(False, f"botocore refuses {label(request)}")
        return
    except failures.ParamValidationError as caught:
        wanted, only_missing = paths_of(caught)
        words = str(caught)
    state, text = refusal(sql.connection, request)
    named = set(re.findall(r'"((?:[^"\\]|\\.)*)"', re.sub(r'\(did you mean "[^"]*"\?\)', "", text)))
    faults = []
    if state != ("22004" if only_missing else "22023"):
        faults.append(f"SQLSTATE {state}")
    if not wanted <= named:
        faults.append(f"paths that are not named: {sorted(wanted - named)}")
    if named - wanted:
        faults.append(f"paths that are named besides: {sorted(named - wanted)}")
    if sql.sent():
        faults.append("it was sent")
    tap.ok(not faults, f"refused: {label(request)}", *faults, words, "", text)


def check_typed_refused(sql, arguments, wanted, names):
    """One call of the typed form that is refused before anything is sent."""
    try:
        with sql.connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM healthlake_create_datastore({arguments})")
            state, text = None, str(cursor.fetchone())
    except psycopg2.Error as caught:
        state, text = caught.pgcode, str(caught)
    sent = sql.sent()
    tap.ok(state == wanted and re.search(names, text) and not sent,
           f"refused: healthlake_create_datastore({arguments})", state, text,
           f"{len(sent)} requests sent")


# Random requests


class Chance:
    """Generates requests from the model's shapes, with a fixed seed."""

    texts = ("x", "ward 7", "Zürich", "病房", "\U0001f3e5", "a\"b\\c/d", "\t\n\x01", "null", "{}",
             "R4", "ENABLED", "alias/health", " ", "é" * 50, "x" * 300, "'", "%", "\u2028", "\x7f")

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.shapes = oracle.DOCUMENT["shapes"]

    def text(self, shape):
        """A string that botocore accepts: long enough, with any contents."""
        if "enum" in shape and self.random.random() < 0.8:
            return self.random.choice(shape["enum"])
        text = self.random.choice(self.texts)
        while len(text) < shape.get("min", 0):
            text += self.random.choice(self.texts)
        return text

    def value(self, name):
        """A value of a shape that botocore accepts."""
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            required = shape.get("required", ())
            return {member: self.value(reference["shape"])
                    for member, reference in shape["members"].items()
                    if member in required or self.random.random() < 0.5}
        if kind == "list":
            return [self.value(shape["member"]["shape"])
                    for _ in range(self.random.choice((0, 1, 2, 5)))]
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "integer":
            return self.random.choice((shape.get("min", -5), 7, 30, 2**31 - 1))
        return self.text(shape)

    def places(self, value, name, path=()):
        """Every place in a value: its path and its shape's name."""
        yield path, name
        shape = self.shapes[name]
        if isinstance(value, dict):
            for member, part in value.items():
                yield from self.places(part, shape["members"][member]["shape"], (*path, member))
        elif isinstance(value, list):
            for index, part in enumerate(value):
                yield from self.places(part, shape["member"]["shape"], (*path, index))

    def spoil(self, request):
        """Makes one place of a request invalid, if possible."""
        path, name = self.random.choice(list(self.places(
            request, "CreateFHIRDatastoreRequest")))
        shape = self.shapes[name]
        outside = request
        for step in path[:-1]:
            outside = outside[step]
        inside = outside[path[-1]] if path else request
        way = self.random.choice(("type", "remove", "unknown", "short"))
        if way == "unknown" and isinstance(inside, dict):
            inside["Unknown" + str(self.random.randrange(10))] = self.random.choice((1, "x", {}))
        elif way == "remove" and isinstance(inside, dict) and shape.get("required"):
            inside.pop(self.random.choice(shape["required"]), None)
        elif way == "short" and path and shape.get("min", 0) > 0:
            outside[path[-1]] = {"string": "", "integer": 0}[shape["type"]]
        elif way == "type" and path:
            outside[path[-1]] = self.wrong(shape, name)

    def wrong(self, shape, name):
        """A value of another type; for Metadata, a JSON object is valid."""
        kinds = {"structure": ["x", 1, True, []], "list": ["x", 1, {}, False],
                 "string": [1, True, 2.5, [], ["x"]], "boolean": ["true", 1, 0, {}],
                 "integer": ["7", 7.5, 1e3, {}, []]}[shape["type"]]
        if shape["type"] == "string" and name != "ConfigurationMetadata":
            kinds.append({"a": "b"})
        return self.random.choice(kinds)


def is_refused(lake, request):
    """Whether botocore's validator refuses a request."""
    model = lake.meta.service_model.operation_model("CreateFHIRDatastore").input_shape
    return oracle.botocore.validate.ParamValidator().validate(
        {"ClientToken": "x", **request}, model).has_errors()


# All checks


def connect(emulator, **settings):
    """A session that calls the emulator."""
    connection = open_session()
    connection.autocommit = True
    connection.set_client_encoding("UTF8")
    with connection.cursor() as cursor:
        cursor.execute("SET client_min_messages = warning")
        cursor.execute("CREATE EXTENSION IF NOT EXISTS healthlake")
        for name, value in {"endpoint_url": emulator.http, "region": "us-east-1",
                            "access_key_id": emulator.access_key_id,
                            "secret_access_key": emulator.secret_access_key,
                            **settings}.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [f"healthlake.{name}", value])
    return connection


def check_table(boto, askers):
    """Checks the tables."""
    for members in ACCEPTED:
        request = {"DatastoreTypeVersion": "R4", "DatastoreName": "ward", **members}
        if request["DatastoreName"] is None:
            del request["DatastoreName"]
        check_accepted(request, boto, askers)
    for request in REFUSED:
        check_refused(request, boto, askers[0])
    for refused in TYPED_REFUSED:
        check_typed_refused(askers[0], *refused)


def check_random(boto, askers):
    """Random requests; only failures are reported."""
    chance = Chance(SEED)
    accepted = refused = 0
    while accepted < RANDOM_ACCEPTED:
        request = chance.value("CreateFHIRDatastoreRequest")
        request.pop("ClientToken", None)
        check_accepted(request, boto, askers[:2])
        accepted += 1
    while refused < RANDOM_REFUSED:
        request = chance.value("CreateFHIRDatastoreRequest")
        for _ in range(chance.random.choice((1, 1, 2, 4))):
            try:
                chance.spoil(request)
            except KeyError:
                pass  # a place within one that was made invalid before
        if is_refused(boto.lake, request):
            check_refused(request, boto, askers[0])
            refused += 1


def check_nulls(boto, sql):
    """A JSON null is a missing member, which botocore refuses."""
    bare = {"DatastoreTypeVersion": "R4", "DatastoreName": "nulls"}
    result, wanted = boto.ask(bare)
    for extra in ({"Tags": None}, {"SseConfiguration": None}, {"ClientToken": None},
                  {name: None for name in EVERYTHING if name not in bare}):
        _, entry = sql.ask({**bare, **extra})
        tap.same(body_of(entry, True) if isinstance(entry, dict) else entry,
                 body_of(wanted, True), f"null is absent: {label(extra)}")
    del result


def check_metadata(boto, sql):
    """Metadata may be an object, which is sent as its text."""
    bare = {"DatastoreTypeVersion": "R4", "DatastoreName": "metadata"}
    _, wanted = boto.ask({**bare, **smart(AuthorizationStrategy="SMART_ON_FHIR",
                                          Metadata=json.dumps(METADATA))})
    _, entry = sql.ask({**bare, **smart(AuthorizationStrategy="SMART_ON_FHIR",
                                        Metadata=METADATA)})
    tap.same(loosened(body_of(entry, True)), loosened(body_of(wanted, True)),
             "Metadata as an object")


def check_key_alone(boto, typed):
    """A key without a type is a customer managed key."""
    _, wanted = boto.ask({"DatastoreTypeVersion": "R4", "DatastoreName": "key",
                          **sse(CmkType="CUSTOMER_MANAGED_KMS_KEY", KmsKeyId=KEY)})
    _, entry = typed.ask({"DatastoreTypeVersion": "R4", "DatastoreName": "key",
                          **sse(KmsKeyId=KEY)})
    tap.same(body_of(entry, True), body_of(wanted, True), "only kms_key_id")


def check_token(emulator):
    """A session token is signed like by boto3."""
    token = "IQoJb3JpZ2luX2VjEXAMPLE//token+with/odd=characters=="
    boto = Boto(emulator, aws_session_token=token)
    connection = connect(emulator, session_token=token)
    check_accepted({"DatastoreTypeVersion": "R4", "DatastoreName": "token"}, boto,
                   [Sql(emulator, connection), Typed(emulator, connection)])
    connection.close()


def check_tls(emulator):
    """Over TLS the same is sent."""
    connection = connect(emulator, endpoint_url=emulator.https, ca_bundle=emulator.ca)
    check_accepted({"DatastoreName": "tls", **EVERYTHING, **R4}, Boto(emulator, True),
                   [Sql(emulator, connection), Typed(emulator, connection)])
    connection.close()


def check_own_headers(sql):
    """Headers of an SDK besides the signed ones."""
    _, entry = sql.ask({"DatastoreTypeVersion": "R4"})
    headers = {name.lower(): value for name, value in entry["headers"]}
    tap.ok(uuid.UUID(headers["amz-sdk-invocation-id"]).version == 4, "amz-sdk-invocation-id")
    tap.same(headers["amz-sdk-request"], "attempt=1; max=3", "amz-sdk-request")
    tap.ok(re.match(r"\S*healthlake\S*/\S+ ", headers["user-agent"]), "user-agent",
           headers["user-agent"])
    tap.ok(not {"accept", "expect", "transfer-encoding"} & set(headers),
           "no header that libcurl would add", headers)
    tap.same(headers["content-length"], str(len(entry["body"].encode())), "content-length")


def main():
    """All checks, against one emulator."""
    tap.say(oracle.VERSIONS)
    emulator = find_emulator()
    connection = connect(emulator)
    boto, sql = Boto(emulator), Sql(emulator, connection)
    typed = Typed(emulator, connection)
    askers = [sql, typed, TypedWithObject(emulator, connection)]
    check_table(boto, askers)
    check_nulls(boto, sql)
    check_metadata(boto, sql)
    check_key_alone(boto, typed)
    check_token(emulator)
    check_tls(emulator)
    check_own_headers(sql)
    check_random(boto, askers)
    connection.close()
    emulator.reset()
    emulator.stop()
    tap.end()


main()
