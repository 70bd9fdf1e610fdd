#!/usr/bin/python3
"""Thousands of queued bundles that write one resource, beside requests that have to do with none.

Each bundle has a patient of its own, and all have the same organization. Whose turn it is takes a
moment to find out, so that neither the bundles nor anything else wait for that; and they are sent
in order, also behind one that is not due, and where another session has the first of them.
"""

import json
import re
import sys
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import Session  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

BUNDLES = 5000
LIMIT = 4  # seconds for three requests; it was more than half a minute
RUN = "CALL healthlake_run_queue(%s)"
ENQUEUE = """SELECT count(healthlake_fhir_enqueue_bundle(jsonb_build_array(
    jsonb_build_object('method', 'PUT', 'url', 'Organization/h1',
        'resource', '{"resourceType": "Organization", "id": "h1"}'::jsonb),
    jsonb_build_object('method', 'PUT', 'url', 'Patient/n' || i, 'resource',
        jsonb_build_object('resourceType', 'Patient', 'id', 'n' || i))))) FROM
    generate_series(%s, %s) AS i"""
FIRST = "SELECT min(id) FROM healthlake_request WHERE resources IS NOT NULL AND state = 'queued'"
REST = "UPDATE healthlake_request SET run_after = {} WHERE id = ({})"

tap = Tap()


def numbers(emulator, since):
    """The numbers of the bundles that have arrived."""
    return [int(re.search(r'"id": "n(\d+)"', entry["body"]).group(1))
            for entry in emulator.log(since=since) if "Organization" in entry["body"]]


def check(emulator, session, what, count, wanted):
    """Sends some requests; the bundles among them, and the time."""
    since = len(emulator.log())
    began = time.monotonic()
    session.run(RUN, count)
    took = time.monotonic() - began
    tap.same((numbers(emulator, since), len(emulator.log()) - since), (wanted, count),
             f"{what}: what is sent")
    tap.ok(took < LIMIT, f"{what}: it takes {took:.2f} s")


def update(session, id):
    """Enqueues the update of a patient."""
    session.run("SELECT healthlake_fhir_enqueue_update(%s)",
                json.dumps({"resourceType": "Patient", "id": id}))


def main():
    """Enqueues the bundles, and sends a few of them at a time."""
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    cluster = queue_cluster.make(
        emulator, healthlake__datastore_id=store, healthlake__autostart_worker="off",
        healthlake__worker_databases="")
    with cluster, closing(Session(cluster)) as session:
        session.run("CREATE EXTENSION healthlake")
        session.run(ENQUEUE, 1, BUNDLES)
        check(emulator, session, "bundles", 2, [1, 2])
        session.run("SELECT healthlake_enqueue_create_datastore('beside')")
        check(emulator, session, "a creation", 3, [3, 4])
        update(session, "free")
        update(session, f"n{BUNDLES}")
        session.run("ANALYZE healthlake_request")
        check(emulator, session, "an update behind them", 4, [5, 6, 7])
        session.run(REST.format("now() + '1 h'::interval", FIRST))
        update(session, "free")
        check(emulator, session, "the first is not due", 1, [])
        session.run(REST.format("now() - '1 h'::interval", FIRST))
        with closing(Session(cluster)) as other:
            other.run("BEGIN")
            other.run(f"SELECT FROM healthlake_request WHERE id = ({FIRST}) FOR UPDATE")
            update(session, "free")
            check(emulator, session, "the first is locked", 1, [])
        check(emulator, session, "in order", 5, [8, 9, 10, 11, 12])
    emulator.stop()
    tap.end()


main()
