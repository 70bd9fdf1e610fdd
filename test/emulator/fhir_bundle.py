"""Batches and transactions."""

import base64
import json
import uuid

import wire
from fhir_interaction import PREFIX, Interaction
from fhir_store import Trouble

LIMITS = {"batch": 500, "transaction": 100}


class Inner:
    """An entry as a request, with the attributes that Interaction reads."""

    def __init__(self, path, said, resource, outer):
        self.scheme = outer.scheme
        self.method = said["method"]
        self.target = path + said["url"].lstrip("/")
        self.path, _, self.query = self.target.partition("?")
        if self.method == "PATCH" and resource and resource.get("resourceType") == "Binary":
            self.body = base64.b64decode(resource["data"])
        else:
            self.body = b"" if resource is None else json.dumps(resource).encode()
        self.fields = {"content-type": "application/fhir+json",
                       "host": outer.fields.get("host", ""),
                       "prefer": outer.fields.get("prefer", "")}
        for member, name in (("ifMatch", "if-match"), ("ifNoneMatch", "if-none-match")):
            if said.get(member):
                self.fields[name] = said[member]


def performed(service, asked, bundle, limit=None):
    """The response to a Bundle; a transaction is carried out completely or not at all."""
    kind = bundle.get("type") if isinstance(bundle, dict) else None
    if kind not in LIMITS or bundle.get("resourceType") != "Bundle":
        raise Trouble(400, "invalid", "The body is not a Bundle of type batch or transaction")
    entries = bundle.get("entry") or []
    if len(entries) > (limit or LIMITS[kind]):
        raise Trouble(422, "too-costly", f"A {kind} has at most {limit or LIMITS[kind]} entries")
    for number, entry in enumerate(entries):
        if not isinstance(entry.get("request"), dict) or \
                not {"method", "url"} <= set(entry["request"]):
            raise Trouble(400, "required", "An entry has no request", f"Bundle.entry[{number}]")
    if kind == "batch":
        told = [outcome_of(busy(service) or run(service, asked, entry)) for entry in entries]
    else:
        told = transact(service, asked, entries)
    return {"resourceType": "Bundle", "id": str(uuid.uuid4()), "type": kind + "-response",
            "entry": told}


def busy(service):
    """The reply to an entry that is throttled, as often as a setting says; else None."""
    if service.settings.fhir_busy_entries <= 0:
        return None
    service.settings.fhir_busy_entries -= 1
    return service.failure(429, "throttled", "There is too much to do")


def transact(service, asked, entries):
    """Performs all entries in order; the first failure undoes the others."""
    before = asked.resources.snapshot()
    entries, ids = settled(entries)
    told = []
    for number, (entry, id) in enumerate(zip(entries, ids)):
        reply = run(service, asked, entry, id)
        if reply.status >= 400:
            asked.resources.restore(before)
            issue = json.loads(reply.body)["issue"][0]
            raise Trouble(reply.status, issue["code"], issue["diagnostics"],
                          f"Bundle.entry[{number}]")
        told.append(outcome_of(reply))
    return told


def settled(entries):
    """Entries with resolved references to urn:uuid:, and the ids of created resources."""
    names, ids = {}, []
    for entry in entries:
        creates = entry["request"]["method"] == "POST"
        ids.append(str(uuid.uuid4()) if creates else None)
        if entry.get("fullUrl", "").startswith("urn:uuid:"):
            names[entry["fullUrl"]] = f"{entry['request']['url']}/{ids[-1]}" if creates \
                else entry["request"]["url"]
    return [{**entry, "resource": renamed(entry.get("resource"), names)}
            for entry in entries], ids


def renamed(value, names):
    """A value with resolved references."""
    if isinstance(value, list):
        return [renamed(one, names) for one in value]
    if isinstance(value, dict):
        return {name: names.get(one, one) if name == "reference" and isinstance(one, str)
                else renamed(one, names) for name, one in value.items()}
    return value


def run(service, asked, entry, id=None):
    """Performs one entry as a separate request."""
    path = f"{PREFIX}{asked.store_id}/r4/"
    request = Inner(path, entry["request"], entry.get("resource"), asked.request)
    inner = Interaction(request)
    inner.now, inner.resources = asked.now, asked.resources
    if inner.name in ("bundle", "operation", "job", "capabilities"):
        return service.failure(400, "not-supported", "An entry cannot ask for this")
    if inner.name == "create" and id is not None:
        return create(service, inner, id)
    return service.answer(inner, f"fhir:{inner.name}")


def create(service, inner, id):
    """Creates a resource with the id that references in the transaction already have."""
    try:
        service.check(inner)
        made = inner.resources.create(inner.kind, service.resource(inner), inner.now, id=id)
    except Trouble as fault:
        reply = service.failure(fault.status, fault.code, fault.text)
        return wire.Reply(reply.status, reply.headers, reply.body, fault.code)
    return service.give_version(made, 201)


def outcome_of(reply):
    """An entry of the response: the status number, and the location of the resource."""
    fields = {name.lower(): value for name, value in reply.headers}
    response = {"status": str(reply.status)}
    content = json.loads(reply.body) if reply.body else None
    if reply.status >= 400:
        response["outcome"] = content
        return {"response": response}
    if "etag" in fields:
        response["etag"] = fields["etag"]
        response["location"] = (f"{content['resourceType']}/{content['id']}/_history/"
                                f"{content['meta']['versionId']}")
        response["lastModified"] = content["meta"]["lastUpdated"]
    return {"response": response, **({"resource": content} if content else {})}
