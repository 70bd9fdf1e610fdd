"""The emulator from a test: started as a child that cannot outlive it, told and asked.

    with client.Emulator() as emulator:
        emulator.next(operation="CreateFHIRDatastore", error="ThrottlingException")
        ...
        assert [entry["attempt"] for entry in emulator.log()] == [1, 2]

client.emulator() takes the one that HEALTHLAKE_EMULATOR names, where test/run has
started one, and else starts its own.
"""

import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

PROGRAM = Path(__file__).with_name("emulator.py")


class Emulator:
    """An emulator: a child of this process, or a running one."""

    def __init__(self, url=None, *options):
        self.child = None
        if url is None:
            self.ready = self.start(options)
        else:
            self.ready = {"http": url, "https": os.environ.get("HEALTHLAKE_EMULATOR_TLS"),
                          "ca": os.environ.get("HEALTHLAKE_EMULATOR_CA")}
        self.http = self.ready["http"]
        self.https = self.ready["https"]
        self.ca = self.ready["ca"]
        self.access_key_id = self.ready.get("access_key_id", "AKIDEXAMPLE")
        self.secret_access_key = self.ready.get("secret_access_key",
                                                "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

    def start(self, options):
        """Starts the child and waits until it is ready."""
        self.child = subprocess.Popen(
            [sys.executable, str(PROGRAM), "--until-stdin-closes", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError(f"the emulator ended with {self.child.wait()} before it was ready")
        return json.loads(line)

    def stop(self):
        """Ends the child, if there is one."""
        if self.child is not None:
            self.child.stdin.close()
            self.child.wait(10)
            self.child.stdout.close()
            self.child = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def ask(self, method, door, said=None, timeout=60):
        """Sends an order to the control door; returns the result."""
        connection = http.client.HTTPConnection(urlsplit(self.http).netloc, timeout=timeout)
        try:
            body = None if said is None else json.dumps(said)
            connection.request(method, "/_emulator/" + door, body)
            reply = connection.getresponse()
            content = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 200:
            raise ValueError(content["error"])
        return content

    def next(self, *steps, **step):
        """Scripts answers: one by keywords, or several as dicts."""
        return self.ask("POST", "next", [*steps, step] if step else list(steps))

    def pending(self):
        """The scripted steps that no request has taken yet."""
        return self.ask("GET", "next")

    def all_taken(self, seconds=10):
        """Waits until requests have taken all scripted steps; False if they have not in time."""
        end = time.monotonic() + seconds
        while self.pending():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def log(self, since=0, operation=None, count=0, wait=0):
        """Requests after number `since`; waits up to `wait` seconds for `count` of them."""
        query = {"since": since, "count": count, "wait": wait}
        if operation:
            query["operation"] = operation
        return self.ask("GET", "log?" + urlencode(query), timeout=wait + 60)

    def state(self, **settings):
        """Counts and settings, after changing some."""
        return self.ask("POST", "state", settings) if settings else self.ask("GET", "state")

    def stores(self):
        """Every data store."""
        return self.ask("GET", "stores")

    def versions(self):
        """Every version of every FHIR resource, the oldest first."""
        return self.ask("GET", "versions")

    def write(self, *versions):
        """Writes versions of FHIR resources like another client."""
        return self.ask("POST", "versions", list(versions))

    def place(self, *stores):
        """Creates data stores without a request; returns their ids."""
        return self.ask("POST", "stores", list(stores))

    def place_resources(self, datastore_id, resources):
        """Puts FHIR resources into a data store without a request."""
        self.ask("POST", "versions", [{"store": datastore_id, "resource": one}
                                      for one in resources])

    def resources(self, store):
        """The resources of a data store: {"Patient/1": {"version": 2, "resource": {...}}}."""
        return self.ask("GET", "resources?" + urlencode({"store": store}), timeout=300)

    def key(self, id, secret, token=None, expires=None):
        """Adds an access key."""
        return self.ask("POST", "keys", {"id": id, "secret": secret, "token": token,
                                         "expires": expires})

    def reset(self):
        """Resets the emulator to the state after its start."""
        return self.ask("POST", "reset", {})


def emulator():
    """The emulator of this test run, or one of its own; reset."""
    url = os.environ.get("HEALTHLAKE_EMULATOR")
    found = Emulator(url or None)
    found.reset()
    return found
