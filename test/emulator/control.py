"""The control requests of the emulator, under /_emulator/; they are not logged."""

import json
from urllib.parse import parse_qs

import requestlog
import wire

PREFIX = "/_emulator/"


class Control:
    """Handles the control requests of tests."""

    def __init__(self, server):
        self.server = server
        self.doors = {
            ("POST", "next"): self.take_steps, ("GET", "next"): self.show_steps,
            ("GET", "log"): self.show_log, ("POST", "reset"): self.reset,
            ("GET", "state"): self.show_state, ("POST", "state"): self.change_state,
            ("GET", "stores"): self.show_stores, ("POST", "stores"): self.add_stores,
            ("POST", "keys"): self.add_keys, ("GET", "versions"): self.show_versions,
            ("POST", "versions"): self.add_versions,
            ("GET", "resources"): self.show_resources,
        }

    def handle(self, request):
        """The reply to a control request."""
        door = self.doors.get((request.method, request.path[len(PREFIX):]))
        if door is None:
            known = ", ".join(f"{method} {PREFIX}{name}" for method, name in self.doors)
            return answer(404, {"error": f"there are: {known}"})
        query = {name: values[-1] for name, values in parse_qs(request.query).items()}
        try:
            said = json.loads(request.body) if request.body else {}
            return door(said, query)
        except (ValueError, TypeError, KeyError) as fault:
            return answer(400, {"error": f"{type(fault).__name__}: {fault}"})

    def take_steps(self, said, _query):
        """POST next: scripted answers."""
        return answer(200, {"added": self.server.script.add(said)})

    def show_steps(self, _said, _query):
        """GET next: scripted answers that no request has taken yet."""
        return answer(200, self.server.script.shown())

    def show_log(self, _said, query):
        """GET log: requests; ?since=N, ?operation=X, and ?count=N&wait=S to wait for some."""
        entries = self.server.log.since(int(query.get("since", 0)), query.get("operation"),
                                        int(query.get("count", 0)), float(query.get("wait", 0)))
        return answer(200, requestlog.lines(entries))

    def reset(self, _said, _query):
        """POST reset: the state after the start."""
        self.server.reset()
        return answer(200, {})

    def show_state(self, _said, _query):
        """GET state: counts and settings."""
        return answer(200, self.server.state())

    def change_state(self, said, _query):
        """POST state: settings."""
        self.server.change(said)
        return answer(200, self.server.state())

    def show_stores(self, _said, _query):
        """GET stores: every data store with all its data."""
        return answer(200, self.server.healthlake.shown_stores(self.server.settings.now()))

    def add_stores(self, said, _query):
        """POST stores: creates data stores without a request, or changes some."""
        added = self.server.healthlake.place_stores(said, self.server.settings.now())
        return answer(200, added)

    def show_versions(self, _said, _query):
        """GET versions: every version of every FHIR resource, in order of creation."""
        return answer(200, self.server.fhir.shown())

    def add_versions(self, said, _query):
        """POST versions: {"store": ..., "resource": {...}, "ago": seconds}, or a list."""
        for one in said if isinstance(said, list) else [said]:
            self.server.fhir.place(**one)
        return answer(200, {})

    def show_resources(self, _said, query):
        """GET resources: the resources of a data store by type/id; ?store=ID."""
        return answer(200, self.server.fhir.shown_resources(query["store"]))

    def add_keys(self, said, _query):
        """POST keys: {"id": ..., "secret": ..., "token": ..., "expires": ...}, or a list."""
        for key in said if isinstance(said, list) else [said]:
            self.server.add_key(**key)
        return answer(200, {})


def answer(status, content):
    """A reply of JSON."""
    body = content if isinstance(content, str) else json.dumps(content) + "\n"
    return wire.Reply(status, [("Content-Type", "application/json")], body.encode())
