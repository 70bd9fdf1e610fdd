"""HealthLake's FHIR REST API over the data stores of the emulator."""

import json
import threading
import uuid

import fhir_bundle
import wire
from fhir_interaction import PREFIX, Interaction
from fhir_patch import patched
from fhir_search import Search
from fhir_store import ID, Resources, Trouble, instant
from fhir_types import NEVER_CHANGED, NEVER_STORED, TYPES, parameters
from resources import request_id

CONTENT_TYPE = "application/fhir+json"
BODY_LIMIT = 5 * 1024 * 1024
JSON_TYPES = ("application/fhir+json", "application/json", "application/json-patch+json")


class Fhir:
    """The service: finds store and interaction, performs it, and writes the reply."""

    name = "healthlake"
    protocol = "fhir"
    tolerance = None

    def __init__(self, settings, healthlake):
        self.settings = settings
        self.healthlake = healthlake
        self.lock = threading.RLock()
        self.reset()

    def reset(self):
        """Forgets every resource."""
        with self.lock:
            self.kept = {}

    def shown(self):
        """Every version, the oldest first."""
        with self.lock:
            return [{"store": store, "type": one.kind, "id": one.id, "version": one.number,
                     "method": one.method, "resource": one.resource}
                    for store, resources in self.kept.items() for one in resources.changes]

    def place(self, store, resource, ago=0):
        """Adds a version of another client, written a number of seconds ago."""
        with self.lock:
            self.kept.setdefault(store, Resources(self.settings)).put(
                resource["resourceType"], resource["id"], resource, self.settings.now() - ago,
                "PUT")

    def shown_resources(self, store_id):
        """The resources of a data store that are not deleted, with their versions."""
        with self.lock:
            kept = self.kept.get(store_id)
            return {f"{kind}/{id}": {"version": known[-1].number, "resource": known[-1].resource}
                    for (kind, id), known in (kept.versions.items() if kept else ())
                    if known[-1].resource is not None}

    # Called by the router

    @staticmethod
    def claims(request):
        """All paths below that of a data store."""
        return request.path.startswith(PREFIX)

    @staticmethod
    def signed(_operation):
        """Every request is signed."""
        return True

    @staticmethod
    def operation(request):
        """The name of the interaction in steps, such as fhir:read."""
        return f"fhir:{Interaction(request).name or 'unknown'}"

    @staticmethod
    def success(body):
        """A reply of status 200."""
        return wire.Reply(200, [("x-amzn-RequestId", request_id()),
                                ("Content-Type", CONTENT_TYPE)], body)

    @classmethod
    def failure(cls, status, code, message):
        """AWS's own error for a code that begins with a capital, else an OperationOutcome."""
        reply = cls.success(b"")
        reply.code = code
        if not code[:1].isupper():
            said = Trouble(status, code, message or "").outcome()
        else:
            if code == "ThrottlingException" and status == 400:
                status = 429
            reply.headers = [reply.headers[0], ("Content-Type", "application/json"),
                             ("x-amzn-ErrorType", code)]
            said = {"message": message}
        reply.status = status
        reply.body = json.dumps(said, ensure_ascii=False).encode()
        return reply

    def perform(self, operation, request, caller, now):
        """The reply to a request that was let in."""
        asked = Interaction(request)
        asked.now = now
        store = self.healthlake.stores.get(asked.store_id)
        if store is None or store.region != caller.region or \
                store.life.look(now, counts=False) not in ("ACTIVE", "UPDATING"):
            return self.failure(404, "ResourceNotFoundException",
                                f"Data store {asked.store_id} was not found.")
        with self.lock:
            asked.resources = self.kept.setdefault(store.id, Resources(self.settings))
            return self.answer(asked, operation)

    def answer(self, asked, operation):
        """Performs an interaction; faults become OperationOutcomes."""
        asked.base = self.base(asked)
        try:
            self.check(asked)
            name = operation.partition(":")[2].replace("-", "_")
            return getattr(self, "operate" if name == "operation" else name)(asked)
        except Trouble as fault:
            reply = self.failure(fault.status, fault.code, fault.text)
            reply.body = json.dumps(fault.outcome()).encode()
            reply.headers += [(name, asked.base + value) for name, value in fault.headers]
            return reply

    def base(self, asked):
        """The beginning of links: this data store, or a test's setting."""
        host = self.settings.fhir_link_base or \
            f"{asked.request.scheme}://{asked.request.fields.get('host', '')}"
        return f"{host}{PREFIX}{asked.store_id}/r4/"

    @staticmethod
    def check(asked):
        """Checks the method, the type, and the size and media type of the body."""
        request = asked.request
        if asked.place is None:
            raise Trouble(404, "not-found", "There is nothing at this path")
        if asked.name is None:
            raise Trouble(405, "not-supported", f"{request.method} is not supported here")
        if asked.kind and asked.place not in ("base", "metadata", "job") and \
                asked.kind[0] not in "$_" and asked.kind not in TYPES:
            raise Trouble(404, "not-found", f"Unknown resource type '{asked.kind}'")
        if len(request.body) > BODY_LIMIT:
            raise Trouble(413, "too-long", "The body is larger than 5 MB")
        media = (asked.field("content-type") or "").partition(";")[0].strip().lower()
        wanted = ("application/x-www-form-urlencoded",) if asked.place == "search" else JSON_TYPES
        if request.body and media not in wanted:
            raise Trouble(415, "not-supported", f"Content-Type '{media}' is not supported")

    # Replies

    def give(self, content, status=200, headers=()):
        """A reply with this content."""
        body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
        reply = self.success(body)
        reply.status = status
        reply.headers += list(headers)
        return reply

    def give_version(self, version, status=200):
        """A reply with a version; a creation has no Location, as HealthLake's has none."""
        return self.give(version.resource, status, version.headers())

    @staticmethod
    def body(asked):
        """The body as JSON."""
        try:
            return json.loads(asked.request.body.decode("utf-8"))
        except (ValueError, RecursionError):
            raise Trouble(400, "structure", "The body is not JSON") from None

    def resource(self, asked):
        """The body as a resource of the URL's type."""
        resource = self.body(asked)
        if not isinstance(resource, dict) or resource.get("resourceType") != asked.kind or \
                asked.kind in NEVER_STORED:
            raise Trouble(400, "invalid", "The body is not a resource of the URL's type")
        return resource

    @staticmethod
    def refuse_unchanging(asked):
        """Raises for a type that cannot be changed."""
        if asked.kind in NEVER_CHANGED:
            raise Trouble(405, "not-supported", f"{asked.kind} can be created and read alone")

    # Single resources

    def read(self, asked):
        """GET type/id"""
        return self.give_version(asked.resources.current(asked.kind, asked.id))

    def vread(self, asked):
        """GET type/id/_history/version"""
        return self.give_version(asked.resources.version(asked.kind, asked.id,
                                                         asked.segments[3]))

    def create(self, asked):
        """POST type"""
        made = asked.resources.create(asked.kind, self.resource(asked), asked.now,
                                      asked.field("x-amz-fhir-idempotency-key"))
        return self.give_version(made, 201)

    def update(self, asked):
        """PUT type/id"""
        self.refuse_unchanging(asked)
        before, made = asked.resources.update(asked.kind, asked.id, self.resource(asked),
                                              asked.now, asked.conditions())
        return self.give_version(made, 200 if before and before.resource else 201)

    def patch(self, asked):
        """PATCH type/id with a JSON Patch"""
        self.refuse_unchanging(asked)
        before = asked.resources.current(asked.kind, asked.id)
        asked.resources.hold(before, asked.conditions())
        resource = patched(before.resource, self.body(asked))
        if resource.get("resourceType") != asked.kind or resource.get("id") != asked.id:
            raise Trouble(422, "invariant", "A patch cannot change type or id")
        return self.give_version(asked.resources.put(asked.kind, asked.id, resource, asked.now,
                                                     "PATCH"))

    def delete(self, asked):
        """DELETE type/id"""
        self.refuse_unchanging(asked)
        gone = asked.resources.delete(asked.kind, asked.id, asked.now, asked.conditions())
        if gone is None and self.settings.fhir_delete_missing == 404:
            raise Trouble(404, "not-found", f"Resource {asked.kind}/{asked.id} is not known")
        return self.give(None, 204 if gone else self.settings.fhir_delete_missing)

    def found_alone(self, asked):
        """The id of the one match of a conditional interaction, or None."""
        search = Search(asked.resources, asked.kind, asked.pairs,
                        asked.prefers("handling=strict"), asked.now)
        if not search.criteria or search.result:
            raise Trouble(400, "invalid", "A conditional interaction needs search criteria alone")
        found = search.matches()
        if len(found) > 1:
            raise Trouble(412, "multiple-matches", "Several resources match")
        return found[0]["id"] if found else None

    def update_where(self, asked):
        """PUT type?criteria"""
        self.refuse_unchanging(asked)
        resource, id = self.resource(asked), self.found_alone(asked)
        if id is None:
            made = asked.resources.create(asked.kind, resource, asked.now, id=resource.get("id"))
            return self.give_version(made, 201)
        if resource.get("id", id) != id:
            raise Trouble(409, "conflict", "The id of the resource is another one's")
        made = asked.resources.put(asked.kind, id, resource, asked.now, "PUT")
        return self.give_version(made)

    def delete_where(self, asked):
        """DELETE type?criteria"""
        self.refuse_unchanging(asked)
        id = self.found_alone(asked)
        if id is None:
            raise Trouble(404, "not-found", "No resource matches")
        asked.resources.delete(asked.kind, id, asked.now, (None, None))
        return self.give(None, 204)

    # Bundles of results

    def count(self, asked):
        """_count, from 1 to 100."""
        text = asked.value("_count") or "100"
        if not text.isdecimal() or not 1 <= int(text) <= 100:
            raise Trouble(400, "invalid", "_count must be between 1 and 100")
        return int(text)

    def paged(self, asked, what, kind, find):
        """One page; `find` gives its entries, the total to tell, and how many there are."""
        count, token = self.count(asked), asked.value("page")
        if token is not None and asked.request.method != "GET":
            raise Trouble(400, "invalid", "Pages are fetched by GET")
        start, pairs = 0, asked.pairs
        strict = asked.prefers("handling=strict")
        if token is not None:
            (_, pairs, strict), start = asked.resources.page(token, what, count)
        entries, counted, in_all = find(pairs, strict, start, count)
        bundle = {"resourceType": "Bundle", "id": str(uuid.uuid4()), "type": kind,
                  "link": [{"relation": "self", "url": asked.base + what}]}
        if counted is not None:
            bundle["total"] = counted
        if start + count < in_all:
            made = asked.resources.token((what, pairs, strict), count, start + count)
            bundle["link"].append({"relation": "next",
                                   "url": f"{asked.base}{what}?_count={count}&page={made}"})
        bundle["entry"] = entries
        return self.give(bundle)

    def search(self, asked):
        """GET type?parameters and POST type/_search"""
        if asked.place == "search" and asked.request.query:
            raise Trouble(400, "invalid", "Parameters are in the URL or in the form")
        if asked.kind in NEVER_STORED | {"Binary"}:
            raise Trouble(400, "not-supported", f"{asked.kind} cannot be searched")

        def find(pairs, strict, start, count):
            search = Search(asked.resources, asked.kind, pairs, strict, asked.now)
            found = search.matches()
            page = found[start:start + count]
            entries = [self.entry(asked, search.shown(one), "match") for one in page] + \
                [self.entry(asked, one, "include") for one in search.included(page)]
            uncounted = search.result.get("_total") == ["none"]
            return entries, None if uncounted else len(found), len(found)
        return self.paged(asked, asked.kind, "searchset", find)

    @staticmethod
    def entry(asked, resource, mode):
        """An entry of a searchset."""
        return {"fullUrl": f"{asked.base}{resource['resourceType']}/{resource['id']}",
                "resource": resource, "search": {"mode": mode}}

    def history(self, asked):
        """GET _history of an instance, a type or everything"""
        where = asked.segments[:-1]
        kind, id = [*where, None, None][:2]
        if id is not None and asked.resources.latest(kind, id) is None:
            raise Trouble(404, "not-found", f"Resource {kind}/{id} is not known")

        def find(pairs, _strict, start, count):
            since = dict(pairs).get("_since", "")
            found = [one for one in asked.resources.history(asked.now, kind, id)
                     if instant(one.at) >= since]
            page = [self.past(asked, one) for one in found[start:start + count]]
            return page, len(found), len(found)
        return self.paged(asked, "/".join(asked.segments), "history", find)

    @staticmethod
    def past(asked, version):
        """An entry of a history."""
        created = version.number == 1
        entry = {"fullUrl": f"{asked.base}{version.kind}/{version.id}",
                 "request": {"method": version.method, "url": f"{version.kind}/{version.id}"},
                 "response": {"status": "201" if created else "204" if version.resource is None
                              else "200", "etag": f'W/"{version.number}"',
                              "lastModified": instant(version.at)}}
        if version.resource is not None:
            entry["resource"] = version.resource
        return entry

    # The base

    def bundle(self, asked):
        """POST of a batch or a transaction"""
        bundle = self.body(asked)
        if not asked.prefers("respond-async"):
            return self.give(fhir_bundle.performed(self, asked, bundle))
        job = str(uuid.uuid4())
        asked.resources.jobs[job] = bundle
        return self.give(None, 202, [("Content-Location", f"{asked.base}Transaction/{job}")])

    def job(self, asked):
        """GET of an asynchronous transaction: in progress at the first poll, done at the second"""
        jobs = asked.resources.jobs
        if asked.id not in jobs:
            raise Trouble(404, "not-found", "There is no such transaction")
        kept = jobs[asked.id]
        if asked.request.method == "DELETE":
            del jobs[asked.id]
            return self.give(None, 202)
        if isinstance(kept, wire.Reply):
            return kept
        if not kept.pop("seen", False):
            kept["seen"] = True
            return self.give(None, 202)
        if asked.kind == "export":
            jobs[asked.id] = self.give({"transactionTime": instant(asked.now), "output": [],
                                        "requiresAccessToken": True, "error": []})
            return jobs[asked.id]
        try:
            jobs[asked.id] = self.give(fhir_bundle.performed(self, asked, kept, 500))
        except Trouble as fault:
            jobs[asked.id] = self.give(fault.outcome(), fault.status)
        return jobs[asked.id]

    def capabilities(self, _asked):
        """GET metadata"""
        def told(kind):
            some = ["create", "read"] if kind in NEVER_CHANGED else [
                "create", "read", "vread", "update", "patch", "delete", "history-instance",
                "search-type"]
            return {"type": kind, "interaction": [{"code": one} for one in some],
                    "searchParam": [{"name": name, "type": what} for name, (what, _)
                                    in parameters(kind).items()]}
        kinds = sorted(TYPES - NEVER_STORED)
        return self.give({"resourceType": "CapabilityStatement", "status": "active",
                          "kind": "instance", "fhirVersion": "4.0.1", "format": ["json"],
                          "rest": [{"mode": "server", "resource": [told(one) for one in kinds]}]})

    # Operations

    def operate(self, asked):
        """An operation of a type or of a resource"""
        known = {"$everything": self.everything, "$validate": self.validate,
                 "$export": self.export, "$member-match": self.member_match,
                 "$purge": self.purge}
        if asked.segments[-1] not in known:
            raise Trouble(404, "not-supported", f"Unknown operation '{asked.segments[-1]}'")
        return known[asked.segments[-1]](asked)

    def everything(self, asked):
        """GET Patient/id/$everything"""
        asked.resources.current(asked.kind, asked.id)
        reference = f"{asked.kind}/{asked.id}"

        def find(pairs, _strict, start, count):
            kinds = dict(pairs).get("_type")
            since = dict(pairs).get("_since", "")
            found = []
            for kind, id in sorted(asked.resources.versions):
                last = asked.resources.latest(kind, id)
                inside = last.resource is not None and (
                    f"{kind}/{id}" == reference or any(
                        isinstance(last.resource.get(name), dict) and
                        last.resource[name].get("reference") == reference
                        for name in ("subject", "patient")))
                if inside and instant(last.at) >= since and \
                        (kinds is None or kind in kinds.split(",")):
                    found.append(last.resource)
            page = [self.entry(asked, one, "match") for one in found[start:start + count]]
            return page, len(found), len(found)
        return self.paged(asked, "/".join(asked.segments), "searchset", find)

    def export(self, asked):
        """POST $export: a job, whose status is at export/JOB"""
        if not asked.prefers("respond-async"):
            raise Trouble(400, "invalid", "$export wants Prefer: respond-async")
        job = str(uuid.uuid4())
        asked.resources.jobs[job] = {}
        return self.give(None, 202, [("Content-Location", f"{asked.base}export/{job}")])

    def member_match(self, asked):
        """POST Patient/$member-match: returns its input"""
        return self.give(self.body(asked))

    def purge(self, asked):
        """POST Patient/id/$purge: a job that is named only in JSON"""
        asked.resources.current(asked.kind, asked.id)
        asked.resources.versions.pop((asked.kind, asked.id))
        return self.give({"jobId": str(uuid.uuid4())})

    def validate(self, asked):
        """POST type/$validate: always 200"""
        resource = self.body(asked)
        if isinstance(resource, dict) and resource.get("resourceType") == "Parameters":
            resource = next((one.get("resource") for one in resource.get("parameter", ())
                             if one.get("name") == "resource"), None)
        good = isinstance(resource, dict) and resource.get("resourceType") == asked.kind and \
            ("id" not in resource or ID.fullmatch(str(resource["id"])) is not None)
        outcome = Trouble(200, "informational" if good else "invalid", "All OK" if good else
                          "The resource is not valid").outcome()
        outcome["issue"][0]["severity"] = "information" if good else "error"
        return self.give(outcome)
