#!/usr/bin/python3
"""Processes whose postmaster is killed while a commit before a sending waits for a standby.

The wait ends then, although no standby has the commit. A standby that is promoted would send the
request as one that was never sent, so the process must not send it.
"""

import os
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

ROLE = "arn:aws:iam::123456789012:role/importer"
# what has a condition is sent on a kept connection, and so without waiting for anything
PATCH = """SELECT healthlake_fhir_enqueue_patch('Patient', %s,
    '[{"op": "add", "path": "/active", "value": true}]', if_match => '1')"""
WAITING = """SELECT pid FROM pg_stat_activity
    WHERE backend_type = 'healthlake worker' AND wait_event = 'SyncRep'"""

tap = Tap()


def missing_standby(session):
    """Has each commit from now on wait for a standby that there is not."""
    session.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    session.run("SELECT pg_reload_conf()")


def test_worker(emulator):
    """The second request is marked when its keys have come, which is without a standby."""
    emulator.reset()
    store = emulator.place({"DatastoreName": "ward"})[0]
    emulator.place_resources(store, [{"resourceType": "Patient", "id": id} for id in ("p1", "p2")])
    cluster = queue_cluster.make(
        emulator, {**os.environ, "AWS_ENDPOINT_URL_STS": emulator.http},
        healthlake__datastore_id=store, healthlake__role_arn=ROLE,
        healthlake__worker_databases="postgres")
    with cluster, closing(Session(cluster)) as session:
        session.run("CREATE EXTENSION healthlake")
        session.run(PATCH, "p1")
        tap.ok(until(lambda: session.one(OPEN) == 0), "a request leaves a connection")
        emulator.next(operation="AssumeRole", delay=3.0)
        session.run("ALTER SYSTEM SET healthlake.role_session_name = 'another'")
        session.run("SELECT pg_reload_conf()")
        time.sleep(0.3)
        session.run(PATCH, "p2")
        tap.ok(until(lambda: len(emulator.log(operation="AssumeRole")) == 2),
               "another one waits for its keys")
        missing_standby(session)
        waits = until(lambda: session.run(WAITING))
        tap.ok(waits, "its mark waits for a missing standby")
        cluster.kill()
        worker = Path(f"/proc/{waits[0][0]}")
        tap.ok(until(lambda: not worker.exists()), "the worker ends with the postmaster")
        time.sleep(0.5)
        tap.same(len(emulator.log(operation="fhir:patch")), 1, "and does not send it")


def test_load(emulator):
    """A load goes on with the next bundle after a commit."""
    emulator.reset()
    store = emulator.place({"DatastoreName": "ward"})[0]
    cluster = queue_cluster.make(emulator, healthlake__datastore_id=store)
    with cluster, closing(Session(cluster)) as session, closing(Session(cluster)) as other:
        session.run("CREATE EXTENSION healthlake")
        session.run("CREATE TABLE patient AS SELECT jsonb_build_object('resourceType', 'Patient',"
                    " 'id', 'p' || i) AS resource FROM generate_series(1, 20) AS i")
        session.run("SET healthlake.max_concurrency = 1")
        emulator.next(operation="fhir:bundle", delay=1.0, times="always")
        calls = threading.Thread(target=session.state, args=(
            "CALL healthlake_fhir_load('patient', batch_size => 1)",))
        calls.start()
        tap.ok(until(lambda: len(emulator.log(operation="fhir:bundle")) == 2), "a load sends")
        missing_standby(other)
        waits = until(lambda: other.run("SELECT pid FROM pg_stat_activity"
                                        " WHERE wait_event = 'SyncRep'"))
        tap.ok(waits, "its commit waits for a missing standby")
        sent = len(emulator.log(operation="fhir:bundle"))
        cluster.kill()
        backend = Path(f"/proc/{waits[0][0]}")
        tap.ok(until(lambda: not backend.exists()), "the session ends with the postmaster")
        calls.join()
        time.sleep(0.5)
        tap.same(len(emulator.log(operation="fhir:bundle")), sent, "and sends no other bundle")


def main():
    """All of it."""
    emulator = client.emulator()
    test_worker(emulator)
    test_load(emulator)
    emulator.stop()
    tap.end()


main()
