#!/usr/bin/python3
"""Requests of the data plane, judged by npm's fhir-kit-client, where node and npm are there.

That client and SQL make the same calls, each against an emulator that holds the same. Of each
call the methods, paths, decoded pairs of query and form, JSON bodies, FHIR's headers and statuses
must be equal. AWS's signer for JavaScript signs theirs; botocore verifies each of our signatures.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import oracle  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
from session import connect  # noqa: E402  pylint: disable=wrong-import-position
import npm  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

PACKAGES = {"fhir-kit-client": "2.0.3", "@smithy/signature-v4": "5.7.5",
            "@aws-crypto/sha256-js": "5.2.0"}
NODE = 20
STORE = "0123456789abcdef0123456789abcdef"
HEADERS = ("accept", "content-type", "if-match", "if-none-match", "prefer",
           "x-amz-fhir-idempotency-key", "x-amzn-healthlake-fhir-validation-level")
TOKEN = "abc.DEF-123~_+/=="
ODD = "a+b c=d&e%2B;\u00e4/?#\u65e5"
MADE = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b")  # an id that the data store has assigned
SINCE = "2020-02-29T12:34:56.789Z"

PATIENT = {"resourceType": "Patient",
           "name": [{"family": "Aalto", "given": ["\u00c4ino", "\"x\"\\"]}],
           "birthDate": "1980-04-01", "active": True, "multipleBirthInteger": 2}
KEYS = [f"c0ffee00-0000-4000-8000-00000000000{number}" for number in range(3)]
JSON_PATCH = [{"op": "add", "path": "/active", "value": False}]
PATH_PATCH = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
    {"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Patient.active"},
    {"name": "value", "valueBoolean": True}]}]}
PARAMETERS = {"resourceType": "Parameters", "parameter": [{"name": "a", "valueString": ODD}]}


def entry(method, url, resource=None, **more):
    """An entry of a Bundle; members that begin with "if" belong to its request."""
    request = {"method": method, "url": url,
               **{name: more.pop(name) for name in list(more) if name.startswith("if")}}
    return {**more, "request": request, **({"resource": resource} if resource else {})}


def bundle(kind, *entries):
    """A Bundle."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


BATCH = bundle("batch", entry("PUT", "Patient/b1", {**PATIENT, "id": "b1"}),
               entry("GET", "Patient/nobody"), entry("DELETE", "Patient/b1"))
BUNDLE = bundle("transaction", entry("PUT", "Patient/b2", {**PATIENT, "id": "b2"}, ifNoneMatch="*"),
                entry("PUT", "Patient/fresh", {**PATIENT, "id": "fresh"}, ifMatch='W/"3"'))
URN = bundle("transaction", entry("POST", "Patient", PATIENT, fullUrl="urn:uuid:" + KEYS[0]),
             entry("POST", "Observation", {"resourceType": "Observation", "status": "final",
                                           "subject": {"reference": "urn:uuid:" + KEYS[0]}},
                   fullUrl="urn:uuid:" + KEYS[1]))

# the SQL calls, by their names in fhir_kit_client.mjs
CALLS = {
    "capabilities": ("capabilities()",),
    "read": ("read('Patient', 'p1')",),
    "read of nobody": ("read('Patient', 'nobody')",),
    "read of an old version": ("read('Patient', 'p1', '1')",),
    "read of several": ("read_many('Patient', '{p1,p2,page1}')",),
    "read with a bearer token": ("read('Patient', 'p1')",),
    "creation": ("create(%s, %s)", PATIENT, KEYS[0]),
    "creation once more": ("create(%s, %s)", PATIENT, KEYS[0]),
    "creation of what is never changed": ("create(%s, %s)", {"resourceType": "AuditEvent"},
                                          KEYS[1]),
    "creation with a level": ("create(%s, %s, 'structure-only')", PATIENT, KEYS[2]),
    "update": ("update(%s)", {**PATIENT, "id": "p1"}),
    "update that creates": ("update(%s)", {**PATIENT, "id": "fresh"}),
    "update of a version": ("update(%s, '1')", {**PATIENT, "id": "fresh"}),
    "update of a stale version": ("update(%s, 'W/\"1\"')", {**PATIENT, "id": "fresh"}),
    "update of what is new": ("update(%s, only_new => true)", {**PATIENT, "id": "fresher"}),
    "update of what is not new": ("update(%s, only_new => true)", {**PATIENT, "id": "fresher"}),
    "update with a level": ("update(%s, validation => 'strict')", {**PATIENT, "id": "fresh"}),
    "conditional update": ("update_where(%s, %s)", PATIENT, {"identifier": "urn:mrn|77"}),
    "conditional update by several": ("update_where(%s, %s)", PATIENT, {
        "family:exact": ODD, "birthdate": ["ge1980", "lt1990"]}),
    "JSON Patch": ("patch('Patient', 'p2', %s)", JSON_PATCH),
    "JSON Patch of a version": ("patch('Patient', 'p2', %s, '2')", JSON_PATCH),
    "FHIRPath Patch": ("patch('Patient', 'p2', %s)", PATH_PATCH),
    "deletion": ("delete('Patient', 'p3')",),
    "read of what was deleted": ("read('Patient', 'p3')",),
    "deletion of a version": ("delete('Patient', 'p4', '1')",),
    "deletion of nobody": ("delete('Patient', 'nobody')",),
    "search of all": ("search('Patient')",),
    "search by values of all kinds": ("search('Patient', %s)", {
        "family": "Aalto", "active": True, "birthdate": "1980-04-01"}),
    "search by this and that": ("search('Patient', %s)", {
        "birthdate": ["ge1980-01-01", "lt1990-01-01"], "gender": "male,female"}),
    "search by a code of a system": ("search('Observation', %s)", {
        "code:not": "http://loinc.org|8867-4", "subject:Patient.family": "Aalto"}),
    "search by odd signs": ("search('Patient', %s)", {"name:contains": [ODD, "\U0001f9ea?"]}),
    "search sorted and cut": ("search('Patient', %s)", {
        "_sort": ["-birthdate", "family"], "_elements": ["id", "name"]}),
    "search with what belongs to it": ("search('Observation', %s)", {
        "_include": "Observation:subject", "_revinclude": "Provenance:target"}),
    "search page by page": ("search('Patient', %s, page_size => 2)", {"family:exact": "Page"}),
    "search that is lenient": ("search('Patient', %s, strict => false)", {"famly": "Aalto"}),
    "count": ("count('Patient', %s)", {"gender": "female"}),
    "everything": ("everything('p1')",),
    "everything of some": (f"everything('p1', '2020-02-29', '2021-01-01', '{SINCE}',"
                           " '{Patient,Observation}')",),
    "history": ("history('Patient', 'p1')",),
    "history of a type": (f"history('Patient', since => '{SINCE}')",),
    "history of all": ("history()",),
    "batch": ("bundle(%s, 'batch')", BATCH),
    "transaction": ("bundle(%s)", BUNDLE),
    "transaction with new references": ("bundle(%s)", URN),
    "validation": ("validate(%s)", PATIENT),
    "validation by a profile": ("validate(%s, 'http://example.org/StructureDefinition/p')",
                                PATIENT),
    "operation": ("operation('Patient/$member-match', %s)", PARAMETERS),
    "operation of a resource": ("operation('Group/g1/$member-add', %s)", PARAMETERS),
    "operation by GET": ("operation('ValueSet/$expand', %s, 'GET')",
                         {"url": "http://example.org/vs|1", "filter": ODD}),
}

tap = Tap()
emulator = client.emulator()


def begin_anew():
    """Creates the data store with the same contents each time."""
    emulator.reset()
    emulator.place({"DatastoreId": STORE, "DatastoreName": "judged"})
    emulator.place_resources(STORE, [
        {"resourceType": "Patient", "id": id, "gender": "female"}
        for id in ("p1", "p1", "p2", "p3", "p4")] + [
            {"resourceType": "Patient", "id": f"page{number}", "name": [{"family": "Page"}]}
            for number in range(5)] + [
                {"resourceType": "Observation", "id": "o1", "status": "final",
                 "subject": {"reference": "Patient/p1"}}])


def theirs(folder):
    """The requests of fhir-kit-client by call, with the last status."""
    begin_anew()
    given = {"http": emulator.http, "store": STORE, "token": TOKEN, "odd": ODD, "since": SINCE,
             "keys": {"accessKeyId": emulator.access_key_id,
                      "secretAccessKey": emulator.secret_access_key},
             "patient": PATIENT, "key": KEYS, "bundle": BUNDLE, "urnBundle": URN, "batch": BATCH,
             "jsonPatch": JSON_PATCH, "pathPatch": PATH_PATCH, "parameters": PARAMETERS}
    done = subprocess.run(
        ["node", HERE / "fhir_kit_client.mjs", folder, json.dumps(given)], capture_output=True,
        text=True, timeout=120, check=False)
    if done.returncode:
        tap.say(done.stderr)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    log = {one["n"]: one for one in emulator.log()}
    return {one["name"]: [log[n] for n in range(one["first"], one["last"] + 1)] for one in told}


def ours():
    """The requests of SQL by call."""
    begin_anew()
    session = connect(emulator)
    sent = {}
    with session.cursor() as cursor:
        cursor.execute(f"SET healthlake.datastore_id = '{STORE}'")
        for name, (call, *values) in CALLS.items():
            seen = emulator.state()["requests"]
            cursor.execute("SET healthlake.bearer_token = %s",
                           [TOKEN if "token" in name else ""])
            try:
                cursor.execute(f"SELECT * FROM healthlake_fhir_{call}", [
                    one if isinstance(one, str) else json.dumps(one) for one in values] or None)
            except psycopg2.Error:
                pass  # shown by the status of the reply
            sent[name] = emulator.log(seen)
    session.close()
    return sent


def shown(request):
    """The parts of a request that must be equal: not its notation and signature."""
    headers = {name.lower(): value for name, value in request["headers"]}
    told = {name: headers[name] for name in HEADERS if name in headers}
    if headers.get("authorization", "").startswith("Bearer"):
        told["authorization"] = headers["authorization"]
    path, _, query = request["path"].partition("?")
    body = request["body"] or None
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        body = sorted(parse_qsl(body, keep_blank_values=True, strict_parsing=True))
    elif body is not None:
        body = json.loads(body)
    pairs = [(name, "its token" if name == "page" else value)
             for name, value in parse_qsl(query, keep_blank_values=True)]
    return {"method": request["method"], "path": MADE.sub("its id", path),
            "query": sorted(pairs), "body": body, "headers": told,
            "status": request["answer"]["status"]}


def main():
    """Compares call by call."""
    folder = npm.install("fhir-kit-client", PACKAGES, NODE)
    them, us = theirs(folder), ours()
    tap.same(list(them), list(CALLS), f"{len(CALLS)} calls are made by both")
    for name in CALLS:
        pair = [[shown(one) for one in sent[name]] for sent in (us, them)]
        if name == "read of several":  # at the same time
            pair = [sorted(sent, key=lambda one: one["path"]) for sent in pair]
        tap.same(*pair, f"{name}: {len(us[name])} requests")
    signed = [one for sent in us.values() for one in sent if one["signature"] == "ok"]
    wrong = [one["path"] for one in signed if not oracle.has_its_signature(emulator, one)]
    tap.ok(not wrong and len(signed) > len(CALLS), f"{len(signed)} signatures are botocore's",
           *wrong)
    tap.say(f"figure: {len(CALLS)} calls, {len(signed)} signatures, {tap.failed} differences")
    emulator.stop()
    tap.end()


main()
