"""Parses a request to a data store: the place, the interaction and the parameters."""

import re
from urllib.parse import parse_qsl, unquote

PREFIX = "/datastore/"
BY_METHOD = {
    "base": {"POST": "bundle"},
    "metadata": {"GET": "capabilities"},
    "type": {"GET": "search", "POST": "create", "PUT": "update-where", "DELETE": "delete-where"},
    "search": {"POST": "search", "GET": "search"},
    "resource": {"GET": "read", "PUT": "update", "PATCH": "patch", "DELETE": "delete"},
    "history": {"GET": "history"},
    "version": {"GET": "vread"},
    "operation": {"GET": "operation", "POST": "operation"},
    "job": {"GET": "job", "DELETE": "job"},
}


def place_of(segments):
    """The kind of place of a path below the base."""
    last, count = segments[-1], len(segments)
    if last.startswith("$") and count <= 3:
        return "operation"
    if last == "_history" and count in (1, 2, 3):
        return "history"
    if count == 1:
        return {"": "base", "metadata": "metadata"}.get(last, "type")
    if count == 2:
        return "search" if last == "_search" else "job" \
            if segments[0] in ("Transaction", "export") else "resource"
    return "version" if count == 4 and segments[2] == "_history" else None


def pairs_of(query):
    """The parameters of a URL, decoded once; a plus sign is not a blank."""
    pairs = [piece.partition("=") for piece in query.split("&") if piece]
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


class Interaction:
    """A parsed request."""

    def __init__(self, request):
        _, _, rest = request.path[len(PREFIX) - 1:].partition("/")
        self.store_id, _, below = rest.partition("/")
        version, _, below = below.partition("/")
        self.request = request
        self.segments = [unquote(part) for part in below.split("/")]
        place = place_of(self.segments) if version == "r4" else None
        self.place = place
        self.name = BY_METHOD.get(place, {}).get(request.method)
        self.pairs = pairs_of(request.query)
        if place == "search":
            self.pairs += parse_qsl(request.body.decode("utf-8", "replace"),
                                    keep_blank_values=True)
        self.kind = self.segments[0]
        self.id = self.segments[1] if len(self.segments) > 1 else None

    def field(self, name):
        """A header, or None."""
        return self.request.fields.get(name)

    def conditions(self):
        """If-Match and If-None-Match."""
        return self.field("if-match"), self.field("if-none-match")

    def prefers(self, what):
        """Whether the Prefer header asks for this."""
        return what in re.split(r"[,;]\s*", self.field("prefer") or "")

    def value(self, name):
        """The last value of a parameter, or None."""
        return next((value for one, value in reversed(self.pairs) if one == name), None)
