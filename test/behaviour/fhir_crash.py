#!/usr/bin/python3
"""A worker that dies at each point of sending FHIR requests: each request is carried out once.

step_shim.c replaces the extension's healthlake_step() and kills its own process at the point that a
file names. The server restarts, and a worker finishes: a creation, an update, a patch, a deletion
and a bundle have each created one version. A table shows the results.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, ask, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

POINTS = ["before claim", "after claim", "before send", "after send", "after reply",
          "before record", "after record"]
PASSES = (0, 1) if os.environ.get("HEALTHLAKE_TEST_LONG") else (0,)
PATIENCE = 60
SETTINGS = {"healthlake__autostart_worker": "off", "healthlake__max_concurrency": "3"}
ROWS = """SELECT reference ->> 'case', state, body IS NULL FROM healthlake_request
    WHERE reference ->> 'death' = %s"""

tap = Tap()


def patient(id):
    """A resource."""
    return {"resourceType": "Patient", "id": id, "active": True}


def requests(death):
    """The enqueued requests by name: a statement and its values."""
    bundle = [{"method": "POST", "url": "Patient", "fullUrl": "urn:uuid:1",
               "resource": {"resourceType": "Patient", "language": f"posted-{death}"}},
              {"method": "PUT", "url": f"Patient/bundle-{death}",
               "resource": patient(f"bundle-{death}")}]
    return {
        "create": ("_create(%s", json.dumps(patient(f"create-{death}"))),
        "update": ("_update(%s, if_match => '1'", json.dumps(patient(f"update-{death}"))),
        "patch": ("_patch('Patient', %s, '[{\"op\": \"add\", \"path\": \"/active\", "
                  "\"value\": true}]', if_match => '1'", f"patch-{death}"),
        "delete": ("_delete('Patient', %s", f"delete-{death}"),
        "bundle": ("_bundle(%s", json.dumps(bundle)),
    }


def enqueue(cluster, emulator, store, death):
    """Enqueues one of each kind in one transaction."""
    emulator.write(*({"store": store, "ago": 3600, "resource": {
        "resourceType": "Patient", "id": f"{kind}-{death}"}}
                     for kind in ("update", "patch", "delete")))
    with closing(Session(cluster)) as session:
        session.run("BEGIN")
        for kind, (call, value) in requests(death).items():
            session.run(f"SELECT healthlake_fhir_enqueue{call}, reference => jsonb_build_object("
                        "'case', %s::text, 'death', %s::text))", value, kind, death)
        session.run("COMMIT")


def work(cluster, database):
    """Sets the databases of workers; the session may end if a worker dies meanwhile."""
    def told():
        try:
            with closing(Session(cluster)) as session:
                session.run(f"ALTER SYSTEM SET healthlake.worker_databases = '{database}'")
                session.run("SELECT pg_reload_conf()")
        except psycopg2.OperationalError:
            return False
        return True
    until(told, PATIENCE)


def made(emulator, death):
    """The methods that have created versions, by case."""
    found = {}
    for one in emulator.versions():
        posted = (one["resource"] or {}).get("language") == f"posted-{death}"
        if posted or one["id"].endswith(f"-{death}"):
            case = "posted" if posted else one["id"].partition("-")[0]
            found.setdefault(case, []).append(one["method"])
    return found


def faults_of(rows, versions):
    """The deviations from the expected results."""
    wanted = {"create": ["PUT"], "update": ["PUT", "PUT"], "patch": ["PUT", "PATCH"],
              "delete": ["PUT", "DELETE"], "bundle": ["PUT"], "posted": ["PUT"]}
    faults = [f"{case}: {versions.get(case)}" for case, methods in wanted.items()
              if versions.get(case) != methods]
    for case, state, emptied in rows:
        # the outcome of a patch cannot be derived from its version
        if state != "succeeded" and (case, state) != ("patch", "unknown"):
            faults.append(f"{case} is {state}")
        if state == "succeeded" and not emptied:
            faults.append(f"{case} has kept its body")
    return faults + [f"{len(rows)} rows"] * (len(rows) != 5)


class Deaths:
    """All deaths of one server."""

    def __init__(self, cluster, emulator, store):
        self.cluster = cluster
        self.emulator = emulator
        self.store = store

    def die(self, point, passes):
        """One death, and its line of the table."""
        death = f"{point} {passes}".replace(" ", "")
        killed = self.cluster.log().count("was terminated by signal 9")
        file = self.cluster.folder / "die"
        enqueue(self.cluster, self.emulator, self.store, death)
        began, before = time.monotonic(), len(self.emulator.log())
        file.write_text(f"{point} {passes}\n", encoding="ascii")
        work(self.cluster, "postgres")
        died = until(lambda: not file.exists() and self.cluster.log().count(
            "was terminated by signal 9") > killed, PATIENCE)
        until(lambda: ask(self.cluster, OPEN) == [(0,)], PATIENCE)
        until(lambda: ask(self.cluster, "SELECT 1"), PATIENCE)
        rows = ask(self.cluster, ROWS, death)
        faults = faults_of(rows, made(self.emulator, death))
        states = ", ".join(f"{case} {state}" for case, state, _ in rows)
        tap.say(f"{point:<13} | {len(self.emulator.log()) - before:>4} | "
                f"{time.monotonic() - began:>4.1f} s | {states}")
        tap.ok(died and not faults, f"a worker dies {point}, time {passes + 1}: each once",
               f"died: {died}", *faults)
        work(self.cluster, "")


def main():
    """Deaths at all points."""
    folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    shim = Path(folder) / "step_shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-o", shim, HERE / "step_shim.c"],
                   check=True)
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    for operation in ("update", "patch", "delete", "bundle"):
        emulator.next(operation=f"fhir:{operation}", delay=0.05, times="always")
    cluster = queue_cluster.make(
        emulator, {"LD_PRELOAD": str(shim), "HEALTHLAKE_DIE": f"{folder}/server/die"},
        f"{folder}/server", healthlake__datastore_id=store, **SETTINGS)
    with cluster:
        with closing(Session(cluster)) as session:
            session.run("CREATE EXTENSION healthlake")
        deaths = Deaths(cluster, emulator, store)
        tap.say("point         | sent | until all | states")
        for point in POINTS:
            for passes in PASSES:
                deaths.die(point, passes)
        tap.say(f"figure: {tap.count - tap.failed} of {tap.count} deaths, at {len(POINTS)} points")
    emulator.stop()
    tap.end()


main()
