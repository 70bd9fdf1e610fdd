#!/usr/bin/python3
"""Many calls in one statement: how many are in flight, and their records when the statement ends
early.
"""

import os
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from session import configure, run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

MANY = ("SELECT ordinal FROM healthlake_call_many('CreateFHIRDatastore', ARRAY(SELECT"
        " jsonb_build_object('DatastoreName', %s || i, 'DatastoreTypeVersion', 'R4')"
        " FROM generate_series(1, %s) i))")
ENDS = ("SELECT e.event, e.outcome, e.error_code, count(*) FROM healthlake_event s"
        " LEFT JOIN healthlake_event e ON e.request_id = s.id"
        " AND e.event IN ('replied', 'interrupted')"
        " WHERE s.event = 'sent' AND s.request ->> 'DatastoreName' LIKE %s"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2")

tap = Tap()
emulator = client.emulator()


def connect(cluster, audit):
    """A session whose calls go to the emulator, four at a time."""
    return configure(cluster.connect(), emulator, max_attempts="1", max_concurrency="4",
                     audit=audit)


def until(holds, seconds=10):
    """Waits for a condition; returns whether it holds."""
    begin = time.monotonic()
    while not holds() and time.monotonic() - begin < seconds:
        time.sleep(0.02)
    return holds()


def interrupt(cluster, watch, name, how, state):
    """Four calls without an answer, ended in one of several ways."""
    session = connect(cluster, "durable")
    seen = len(emulator.log())
    emulator.next(operation="CreateFHIRDatastore", silence=True, times=4)
    told = []

    def call():
        try:
            run(session, MANY, name, 10)
        except psycopg2.Error as error:
            told.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    tap.ok(until(lambda: len(emulator.log()) == seen + 4), f"{name}: four are in flight")
    time.sleep(0.2)
    log = emulator.log()[seen:]
    tap.same(len(log), 4, f"{name}: and no more")
    run(watch, f"SELECT {how}(%s)", session.info.backend_pid)
    begin = time.monotonic()
    thread.join()
    tap.ok(time.monotonic() - begin < 4, f"{name}: the statement ends at once")
    until(lambda: sum(row[3] for row in run(watch, ENDS, name + "%") if row[0]) == 4)
    tap.same(run(watch, ENDS, name + "%"), [("interrupted", "unknown", state, 4)],
             f"{name}: the audit trail has one end for each, and nothing else")
    tokens = {re.search('"ClientToken": *"([^"]+)"', entry["body"]).group(1) for entry in log}
    if state == "57014":
        tap.same(set(re.findall('client token "([^"]+)"', told[0].diag.context)), tokens,
                 f"{name}: the error's context has the token of each")
        tap.same(run(session, MANY, "after ", 9), [(i,) for i in range(1, 10)],
                 f"{name}: the next statement works")
    session.close()


def test_window(session):
    """At most four calls are in flight, and a slow one does not block the others."""
    seen = len(emulator.log())
    emulator.next(operation="CreateFHIRDatastore", delay=1.5)
    emulator.next(operation="CreateFHIRDatastore", delay=0.02, times=299)
    begin = time.monotonic()
    rows = run(session, MANY, "window ", 300)
    spent = time.monotonic() - begin
    tap.same(rows, [(i,) for i in range(1, 301)], "300 rows, in the order of the requests")
    tap.same(len(emulator.log()) - seen, 300, "one request each")
    tap.say(f"300 calls, one of 1.5 s, in {spent:.1f} s")
    tap.ok(spent < 1.5 + 299 * 0.02, "the others continue beside the slow one", spent)


def test_refused(session):
    """One fault in thousands of requests: nothing is sent."""
    seen = len(emulator.log())
    try:
        run(session, "SELECT count(*) FROM healthlake_call_many('DescribeFHIRDatastore',"
            " ARRAY(SELECT CASE WHEN i % 5000 = 0 THEN '{}' ELSE '{\"DatastoreId\": \"x\"}' END"
            "::jsonb FROM generate_series(1, 10000) i))")
        tap.ok(False, "10,000 requests with two faults are refused")
    except psycopg2.Error as error:
        tap.same((error.pgcode, re.findall(r"Request (\d+):", error.diag.message_detail)),
                 ("22004", ["5000", "10000"]), "both faults of 10,000 requests are reported")
    tap.same(len(emulator.log()), seen, "and nothing was sent")


def test_same_token(session):
    """Requests with the same token create one data store."""
    rows = run(session, "SELECT count(*), count(DISTINCT response ->> 'DatastoreId') FROM"
               " healthlake_call_many('CreateFHIRDatastore', array_fill(%s::jsonb, ARRAY[8]))",
               '{"DatastoreName": "twin", "DatastoreTypeVersion": "R4", "ClientToken": "twin"}')
    tap.same(rows, [(8, 1)], "eight requests with one token create one data store")


def main():
    """All checks, on a separate server."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEALTHLAKE_WORK")) as folder:
        with Cluster(Path(folder) / "server") as cluster:
            watch = connect(cluster, "off")
            with watch.cursor() as cursor:
                cursor.execute("CREATE EXTENSION healthlake")
            interrupt(cluster, watch, "cancelled ", "pg_cancel_backend", "57014")
            interrupt(cluster, watch, "terminated ", "pg_terminate_backend", "57P01")
            session = connect(cluster, "on")
            test_window(session)
            test_refused(session)
            test_same_token(session)
            tap.same(re.findall("PANIC|TRAP|XX000", cluster.log()), [], "nothing odd in the log")
    tap.end()


main()
