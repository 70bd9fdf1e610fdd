"""The resources of one data store: versions, history, idempotency keys, pages."""

import base64
import copy
import os
import re
import time
import uuid

ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class Trouble(Exception):
    """A FHIR fault: an HTTP status and an OperationOutcome."""

    def __init__(self, status, code, text, expression=None, headers=()):
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.expression = expression
        self.headers = list(headers)

    def outcome(self):
        """The OperationOutcome."""
        issue = {"severity": "error", "code": self.code, "diagnostics": self.text}
        if self.expression:
            issue["expression"] = [self.expression]
        return {"resourceType": "OperationOutcome", "issue": [issue]}


class Version:
    """A version of a resource; a deletion has no resource."""

    __slots__ = ("kind", "id", "number", "resource", "at", "method")

    def __init__(self, kind, id, number, resource, at, method):
        self.kind = kind
        self.id = id
        self.number = number
        self.resource = resource
        self.at = at
        self.method = method

    def headers(self):
        """ETag and Last-Modified."""
        return [("ETag", f'W/"{self.number}"'),
                ("Last-Modified", time.strftime("%a, %d %b %Y %H:%M:%S GMT",
                                                time.gmtime(self.at)))]

    def location(self):
        """The path of this version below the base."""
        return f"{self.kind}/{self.id}/_history/{self.number}"


def instant(seconds):
    """A time as FHIR's instant, with milliseconds."""
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + \
        f".{int((seconds - whole) * 1000):03}Z"


class Resources:
    """The contents of a data store."""

    def __init__(self, settings):
        self.settings = settings
        self.versions = {}
        self.changes = []
        self.keys = {}
        self.pages = {}
        self.jobs = {}

    def snapshot(self):
        """The state to which `restore` returns."""
        return ({place: list(known) for place, known in self.versions.items()},
                list(self.changes), dict(self.keys))

    def restore(self, snapshot):
        """Restores a snapshot."""
        self.versions, self.changes, self.keys = snapshot

    def latest(self, kind, id):
        """The newest version, deleted or not, or None."""
        known = self.versions.get((kind, id))
        return known[-1] if known else None

    def current(self, kind, id):
        """The newest version; raises 404 and 410."""
        found = self.latest(kind, id)
        if found is None:
            raise Trouble(404, "not-found", f"Resource {kind}/{id} is not known")
        if found.resource is None:
            raise Trouble(410, "deleted", f"Resource {kind}/{id} was deleted")
        return found

    def version(self, kind, id, number):
        """One version; raises 404 and 410."""
        for known in self.versions.get((kind, id), ()):
            if str(known.number) == number:
                if known.resource is None:
                    raise Trouble(410, "deleted", f"Resource {kind}/{id} was deleted")
                return known
        raise Trouble(404, "not-found", f"Version {number} of {kind}/{id} is not known")

    def put(self, kind, id, resource, now, method):
        """Stores a new version."""
        before = self.latest(kind, id)
        number = before.number + 1 if before else 1
        if resource is not None:
            resource = copy.deepcopy(resource)
            resource["id"] = id
            meta = resource.get("meta")
            resource["meta"] = {**(meta if isinstance(meta, dict) else {}),
                                "versionId": str(number), "lastUpdated": instant(now)}
        made = Version(kind, id, number, resource, now, method)
        self.versions.setdefault((kind, id), []).append(made)
        self.changes.append(made)
        return made

    def create(self, kind, resource, now, key=None, id=None):
        """A new resource, once for each key."""
        if key is not None:
            if not is_uuid(key):
                raise Trouble(400, "invalid", "The idempotency key is not a UUID")
            if key in self.keys:
                raise Trouble(409, "duplicate", "A request with this idempotency key was made "
                              "before", headers=[("Location", "/".join(self.keys[key]))])
        made = self.put(kind, id or str(uuid.uuid4()), resource, now, "POST")
        if key is not None:
            self.keys[key] = (kind, made.id)
        return made

    def update(self, kind, id, resource, now, conditions):
        """A new version under the client's id; the version before, and the new one."""
        if not ID.fullmatch(id):
            raise Trouble(400, "invalid", "The id is not valid")
        if resource.get("id") != id:
            raise Trouble(400, "invalid", "The id of the resource and of the URL differ")
        before = self.latest(kind, id)
        self.hold(before, conditions)
        return before, self.put(kind, id, resource, now, "PUT")

    def delete(self, kind, id, now, conditions):
        """Deletes a resource; None if there was none."""
        before = self.latest(kind, id)
        if before is None or before.resource is None:
            return None
        self.hold(before, conditions)
        return self.put(kind, id, None, now, "DELETE")

    @staticmethod
    def hold(before, conditions):
        """Raises 412 if If-Match or If-None-Match does not hold."""
        match, none_match = conditions
        if none_match == "*" and before is not None:
            raise Trouble(412, "conflict", "The resource exists")
        if match is None:
            return
        number = before.number if before is not None and before.resource is not None else None
        if match != f'W/"{number}"':
            raise Trouble(412, "conflict", "The version is not the current one")

    def searchable(self, kind, now):
        """The resources of a type that a search sees: recent changes are missing."""
        until = now - self.settings.fhir_search_lag
        for (one, _), known in list(self.versions.items()):
            last = known[-1]
            if one == kind and last.resource is not None and last.at <= until:
                yield last

    def history(self, now, kind=None, id=None):
        """Versions, the newest first; recent ones are missing if a setting says so."""
        until = now - self.settings.fhir_history_lag
        return [one for one in reversed(self.changes) if one.at <= until
                and kind in (None, one.kind) and id in (None, one.id)]

    # Pages

    def token(self, what, count, start):
        """A page token: base64 with == at the end, valid only for this _count."""
        made = base64.b64encode(os.urandom(40)).decode()
        self.pages[made] = (what, count, start, time.monotonic())
        return made

    def page(self, token, what, count):
        """The offset of a token's page, and the parameters."""
        asked, bound, start, made = self.pages.get(token, (None, None, None, 0))
        lifetime = self.settings.fhir_page_token_lifetime
        late = lifetime is not None and time.monotonic() > made + lifetime
        if asked is None or late or bound != count or asked[0] != what:
            raise Trouble(400, "invalid", "Invalid pagination token")
        return asked, start


def is_uuid(text):
    """Whether a text is a UUID in its usual form."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
