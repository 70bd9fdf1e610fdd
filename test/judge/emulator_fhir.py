#!/usr/bin/python3
"""The emulator's FHIR API, used by a client that signs with botocore."""

import http.client
import json
import sys
import uuid
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "emulator")]

import oracle  # noqa: E402, F401
from botocore.auth import SigV4Auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402
from client import Emulator  # noqa: E402
from tap import Tap  # noqa: E402

tap = Tap()
FHIR = "application/fhir+json"
KEY = "x-amz-fhir-idempotency-key"


class Answer:
    """A reply: its status, its headers by lower-case name, and its JSON."""

    def __init__(self, reply):
        self.status = reply.status
        self.headers = {name.lower(): value for name, value in reply.getheaders()}
        body = reply.read()
        self.json = json.loads(body) if body else None

    def code(self):
        """The code of the outcome's first issue, or AWS's error code."""
        if self.json and "issue" in self.json:
            return self.json["issue"][0]["code"]
        return self.headers.get("x-amzn-errortype")

    def ids(self, mode="match"):
        """The ids of a searchset's entries of this mode."""
        return [one["resource"]["id"] for one in self.json["entry"]
                if one["search"]["mode"] == mode]

    def next(self):
        """Path and query of the next page, or None."""
        for link in self.json["link"]:
            if link["relation"] == "next":
                parts = urlsplit(link["url"])
                return f"{parts.path}?{parts.query}"
        return None


def encoded(target):
    """A path whose query is decoded once and encoded again, as AWS signs it."""
    path, mark, query = target.partition("?")
    pairs = [piece.partition("=") for piece in query.split("&") if piece]
    return path + mark + "&".join("=".join(quote(unquote(part), safe="") for part in (name, value))
                                  for name, _, value in pairs)


class Client:
    """Signs with botocore and sends exactly the text that was signed."""

    def __init__(self, emulator, store):
        self.netloc = urlsplit(emulator.http).netloc
        self.base = f"/datastore/{store}/r4/"
        self.signer = SigV4Auth(Credentials(emulator.access_key_id, emulator.secret_access_key),
                                "healthlake", "us-east-1")

    def send(self, method, path, content=None, form=None, signed=True, raw=False, **headers):
        """One request below the base, or at a path that begins with a slash."""
        target = path if path.startswith("/") else self.base + path
        target = target if raw else encoded(target)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        body = None
        if form is not None:
            body = form
            headers["content-type"] = "application/x-www-form-urlencoded"
        elif content is not None:
            body = json.dumps(content)
            headers.setdefault("content-type", FHIR)
        request = AWSRequest(method, f"http://{self.netloc}{target}", headers=headers,
                             data=body)
        if signed:
            self.signer.add_auth(request)
        connection = http.client.HTTPConnection(self.netloc, timeout=30)
        try:
            connection.request(method, target, body, dict(request.headers.items()))
            return Answer(connection.getresponse())
        finally:
            connection.close()


def patient(family="Nunez", **members):
    """A patient."""
    return {"resourceType": "Patient", "name": [{"family": family, "given": ["Ana"]}],
            "gender": "female", "birthDate": "1980-04-01", **members}


def single_resources(lake):
    """Create, read, update, patch and delete, with versions and conditions."""
    made = lake.send("POST", "Patient", patient(id="mine"))
    place = f"Patient/{made.json['id']}"
    tap.ok(made.status == 201 and made.json["id"] != "mine" and "location" not in made.headers
           and made.json["meta"]["versionId"] == "1" and made.headers["etag"] == 'W/"1"',
           "create returns a new id, version 1 and no Location")
    tap.same(lake.send("GET", place).json, made.json, "read returns what was stored")
    changed = lake.send("PUT", place, {**made.json, "active": True}, If_Match='W/"1"')
    tap.same((changed.status, changed.headers["etag"]), (200, 'W/"2"'), "update with If-Match")
    stale = lake.send("PUT", place, made.json, If_Match='W/"1"')
    tap.same(stale.status, 412, "a stale If-Match is refused")
    tap.same(lake.send("PUT", place, made.json, If_None_Match="*").status, 412,
             "If-None-Match: * is refused where there is one")
    tap.same(lake.send("PUT", "Patient/p1", patient(id="p1"), If_None_Match="*").status, 201,
             "a client's id is created by PUT")
    tap.same(lake.send("PUT", "Patient/p1", patient(id="p2")).status, 400,
             "a body with another id is refused")
    patch = [{"op": "test", "path": "/gender", "value": "female"},
             {"op": "replace", "path": "/name/0/family", "value": "Ortiz"},
             {"op": "add", "path": "/name/0/given/-", "value": "Maria"},
             {"op": "remove", "path": "/birthDate"}]
    patched = lake.send("PATCH", place, patch, content_type="application/json-patch+json")
    tap.ok(patched.json["name"] == [{"family": "Ortiz", "given": ["Ana", "Maria"]}]
           and "birthDate" not in patched.json and patched.headers["etag"] == 'W/"3"', "patch")
    tap.same(lake.send("PATCH", place, patch).status, 422, "a patch whose test fails")
    tap.same(lake.send("GET", place + "/_history/1").json, made.json, "vread")
    past = lake.send("GET", place + "/_history")
    tap.same([one["response"]["etag"] for one in past.json["entry"]],
             ['W/"3"', 'W/"2"', 'W/"1"'], "history, the newest first")
    tap.same(lake.send("DELETE", place).status, 204, "delete")
    tap.same(lake.send("GET", place).status, 410, "a deleted resource is gone")
    tap.same(lake.send("GET", "Patient/none").status, 404,
             "a resource that never existed is not found")
    tap.same(lake.send("PUT", place, made.json, If_None_Match="*").status, 412,
             "a deleted id cannot be created")
    event = lake.send("POST", "AuditEvent", {"resourceType": "AuditEvent"}).json
    tap.same(lake.send("PUT", f"AuditEvent/{event['id']}", event).status, 405,
             "an AuditEvent cannot be updated")


def idempotency(lake):
    """The idempotency key."""
    key = str(uuid.uuid4())
    first = lake.send("POST", "Patient", patient("Once"), **{KEY: key})
    again = lake.send("POST", "Patient", patient("Once"), **{KEY: key})
    tap.ok(again.status == 409 and again.code() == "duplicate"
           and again.headers["location"].endswith(f"{lake.base}Patient/{first.json['id']}"),
           "a second POST with the key is 409, with the first's Location")
    tap.same(len(lake.send("GET", "Patient?family=Once").ids()), 1, "nothing was created")
    tap.same(lake.send("POST", "Patient", patient(), **{KEY: "no-uuid"}).status, 400,
             "a key that is no UUID is refused")


def pages(lake):
    """Page tokens: raw padding, bound to _count."""
    for number in range(5):
        lake.send("PUT", f"Patient/page{number}", patient("Page", id=f"page{number}"))
    first = lake.send("POST", "Patient/_search", form="family%3Aexact=Page&_count=2")
    link = first.next()
    tap.ok(first.json["total"] == 5 and len(first.ids()) == 2 and link.endswith("==")
           and "Page" not in link, "page 1 counts all, its link has raw padding and no value")
    tap.same(lake.send("GET", link, raw=True).code(), "SignatureDoesNotMatch",
             "a link that is signed literally is refused")
    found, seen = first.ids(), 1
    while link:
        page = lake.send("GET", link)
        found, seen, link = found + page.ids(), seen + 1, page.next()
    tap.same((found, seen), ([f"page{number}" for number in range(5)], 3),
             "an encoded one is accepted, and all pages return each once")
    token = quote(first.next().partition("page=")[2], safe="")
    tap.same(lake.send("GET", f"Patient?_count=3&page={token}").status, 400,
             "a token is bound to _count")
    tap.same(lake.send("GET", f"Patient?page={token}").status, 400, "and invalid without it")
    tap.same(lake.send("GET", "Patient?_count=0").status, 400, "_count=0 is refused")


def searches(lake):
    """Parameters, modifiers and included resources."""
    lake.send("PUT", "Patient/s1", patient("Smith", id="s1", birthDate="1985",
                                           identifier=[{"system": "urn:mrn", "value": "7"}]))
    lake.send("PUT", "Patient/s2", patient("smith", id="s2", gender="male"))
    lake.send("PUT", "Observation/o1", {
        "resourceType": "Observation", "id": "o1", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": "Patient/s1"}, "effectiveDateTime": "2026-03-04T05:06:07Z"})
    for query, wanted in (
            ("Patient?family=Smi", ["s1"]), ("Patient?family:contains=mith", ["s1", "s2"]),
            ("Patient?family:exact=Smi", []), ("Patient?identifier=urn:mrn%7C7", ["s1"]),
            ("Patient?identifier=urn:other%7C7", []), ("Patient?_id=s1,s2", ["s1", "s2"]),
            ("Patient?_id=s1,s2&gender:not=female", ["s2"]),
            ("Patient?_id=s1,s2&_sort=-birthdate", ["s1", "s2"]),
            ("Patient?_id=s1,s2&birthdate=ge1985", ["s1"]),
            ("Patient?_id=s1,s2&birthdate=lt1981&birthdate=ge1980-04-01", ["s2"]),
            ("Patient?_id=s1,s2&identifier:missing=true", ["s2"]),
            ("Observation?subject=Patient/s1", ["o1"]), ("Observation?patient=s1", ["o1"]),
            ("Observation?subject:Patient.family=Smith", ["o1"]),
            ("Observation?code=8867-4&date=2026-03", ["o1"]), ("Observation?date=gt2027", [])):
        tap.same(lake.send("GET", query).ids(), wanted, query)
    both = lake.send("GET", "Observation?_id=o1&_include=Observation:subject")
    tap.ok(both.ids() == ["o1"] and both.ids("include") == ["s1"] and both.json["total"] == 1,
           "_include adds the patient and does not count it")
    both = lake.send("GET", "Patient?_id=s1&_revinclude=Observation:patient")
    tap.same(both.ids("include"), ["o1"], "_revinclude")
    cut = lake.send("GET", "Patient?_id=s1&_elements=gender").json["entry"][0]["resource"]
    tap.ok(cut["meta"]["tag"][0]["code"] == "SUBSETTED" and "name" not in cut, "_elements")
    wrong = lake.send("GET", "Patient?famly=Smith", Prefer="handling=strict")
    tap.same((wrong.status, wrong.code()), (400, "not-supported"), "an unknown parameter, strict")
    tap.same(lake.send("GET", "Patient?famly=x&_id=s1").ids(), ["s1"], "and lenient")


def bundles(lake):
    """Transactions and batches."""
    urn = f"urn:uuid:{uuid.uuid4()}"

    def entry(method, url, resource=None, **more):
        return {"request": {"method": method, "url": url}, **more,
                **({"resource": resource} if resource else {})}

    def bundle(kind, *entries):
        return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}
    seen = {"resourceType": "Observation", "status": "final", "code": {"text": "pulse"},
            "subject": {"reference": urn}}
    done = lake.send("POST", "", bundle("transaction", entry("POST", "Observation", seen),
                                        entry("POST", "Patient", patient("Both"), fullUrl=urn)))
    told = [one["response"] for one in done.json["entry"]]
    tap.same([one["status"] for one in told], ["201", "201"], "a transaction, bare statuses")
    pulse = lake.send("GET", told[0]["location"]).json
    tap.same(pulse["subject"]["reference"], told[1]["location"].partition("/_history")[0],
             "urn:uuid: references are resolved")
    failed = lake.send("POST", "", bundle(
        "transaction", entry("PUT", "Patient/t1", patient(id="t1")),
        entry("PUT", "Patient/t2", patient(id="other"))))
    tap.ok(failed.status == 400
           and failed.json["issue"][0]["expression"] == ["Bundle.entry[1]"]
           and lake.send("GET", "Patient/t1").status == 404,
           "a failed transaction names the entry and changes nothing")
    mixed = lake.send("POST", "", bundle(
        "batch", entry("PUT", "Patient/t1", patient(id="t1")), entry("GET", "Patient/t9"),
        entry("DELETE", "Patient/t1")))
    tap.same([one["response"]["status"] for one in mixed.json["entry"]], ["201", "404", "204"],
             "a batch is 200 for any entries")
    many = [entry("PUT", f"Patient/n{number}", patient(id=f"n{number}"))
            for number in range(101)]
    tap.same(lake.send("POST", "", bundle("transaction", *many)).status, 422,
             "101 entries are too many for a transaction")
    later = lake.send("POST", "", bundle("transaction", *many), Prefer="respond-async")
    path = urlsplit(later.headers["content-location"]).path
    polls = [lake.send("GET", path) for _ in range(2)]
    tap.ok(later.status == 202 and [one.status for one in polls] == [202, 200]
           and len(polls[1].json["entry"]) == 101, "it is done at a later poll")


def operations(lake):
    """metadata, $everything, $validate."""
    told = lake.send("GET", "metadata").json
    tap.ok(told["resourceType"] == "CapabilityStatement"
           and "Patient" in [one["type"] for one in told["rest"][0]["resource"]], "metadata")
    tap.same(lake.send("GET", "Patient/s1/$everything").ids(), ["o1", "s1"], "$everything")
    wrong = lake.send("POST", "Patient/$validate", {"resourceType": "Observation"})
    tap.same((wrong.status, wrong.json["issue"][0]["severity"]), (200, "error"), "$validate")


def refusals(lake, emulator):
    """Authentication, missing things, and scripts."""
    tap.same(lake.send("GET", "Patient/s1", signed=False).status, 401, "unsigned is 401")
    stranger = Client(emulator, lake.base.split("/")[2])
    stranger.signer.credentials = Credentials(emulator.access_key_id, "wrong")
    refused = stranger.send("GET", "Patient/s1")
    tap.ok(refused.status == 403 and refused.code() == "SignatureDoesNotMatch"
           and "message" in refused.json, "a wrong signature is 403, with a message in JSON")
    nowhere = Client(emulator, "0" * 32).send("GET", "Patient/s1")
    tap.same((nowhere.status, nowhere.code()), (404, "ResourceNotFoundException"),
             "a missing data store")
    unknown = lake.send("GET", "Patiens/s1")
    tap.same((unknown.status, unknown.code()), (404, "not-found"), "an invalid type")
    tap.same(lake.send("POST", "Patient", patient(), content_type="text/plain").status, 415,
             "another media type")
    tap.same(lake.send("POST", "Patient", patient(note="x" * 5300000)).status, 413,
             "more than 5 MB")
    emulator.next(operation="fhir:read", error="ThrottlingException")
    emulator.next(operation="fhir:read", error="transient", status=503)
    emulator.next(operation="fhir:create", apply=True, status=500, body="")
    tap.same([lake.send("GET", "Patient/s1").status for _ in range(3)], [429, 503, 200],
             "scripted faults, then the answer")
    key = str(uuid.uuid4())
    tap.same([lake.send("POST", "Patient", patient(), **{KEY: key}).status for _ in range(2)],
             [500, 409], "a creation whose reply was lost was carried out")
    emulator.state(fhir_link_base="https://elsewhere.example")
    tap.ok(lake.send("GET", "Patient?_count=1").json["link"][1]["url"].startswith(
        "https://elsewhere.example/datastore/"), "links have the base that a test sets")
    emulator.state(fhir_link_base=None, fhir_search_lag=60)
    lake.send("PUT", "Patient/s1", patient("Smith", id="s1"))
    tap.ok(lake.send("GET", "Patient?_id=s1").ids() == []
           and lake.send("GET", "Patient/s1").status == 200,
           "search lags: a change is not found yet, although it can be read")


def main():
    """All checks, on one data store."""
    with Emulator() as emulator:
        store = emulator.place({"DatastoreName": "clinic"})[0]
        lake = Client(emulator, store)
        for part in (single_resources, idempotency, pages, searches, bundles, operations):
            with tap.check(part.__doc__):
                part(lake)
        with tap.check(refusals.__doc__):
            refusals(lake, emulator)
    tap.end()


main()
