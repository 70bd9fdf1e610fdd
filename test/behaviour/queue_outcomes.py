#!/usr/bin/python3
"""Outcomes that are lost, and outcomes that cannot be recorded.

A request without a client token is sent once, however its runner ends: a restart, a terminated
worker, a kill. Only requests that were in flight then are unknown. A row whose end cannot be
recorded, or that cannot be claimed, does not prevent others from being sent and recorded, and is
not sent repeatedly.
"""

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, ask, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE, PUBLISH, TAG = ("CreateFHIRDatastore", "PublishDataTransformationProfile", "TagResource")
ENQUEUE = "SELECT healthlake_enqueue(%s, %s)"
WORKER = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'healthlake worker'"
PROFILE = {"ProfileId": "0" * 32, "SourceFormat": "CCDA"}
PUBLISHED = {**PROFILE, "Version": 1, "TargetFormat": "FHIR_R4", "LastUpdatedAt": 1700000000}
DELAY = 5
LONG = 12  # on a busy machine it takes seconds until all are sent and the worker is gone

tap = Tap()


def tagging(store):
    """A request that tags a data store: without a token, not repeated here."""
    return {"ResourceARN": store["DatastoreArn"], "Tags": [{"Key": "ward", "Value": "7"}]}


def sent(emulator, operation):
    """The number of requests of an operation that have arrived."""
    return sum(entry["operation"] == operation for entry in emulator.log())


def states(cluster):
    """The number of requests by operation and state."""
    return Counter(ask(cluster, "SELECT operation, state FROM healthlake_request") or [])


def empty(session):
    """Empties the table, which a trigger protects."""
    session.run("SET session_replication_role = replica")
    session.run("TRUNCATE healthlake_request")
    session.run("RESET session_replication_role")


def finish(cluster, seconds=40):
    """Waits until all requests are finished; returns whether they are."""
    return until(lambda: ask(cluster, OPEN) == [(0,)], seconds)


# ----------------------------------------------------------- sent only once

def restart(cluster, _):
    """A fast restart, which terminates the worker while its requests are in flight."""
    cluster.stop(signal.SIGINT)
    cluster.start()


def terminate(_, session):
    """An administrator terminates the worker."""
    session.run(f"SELECT pg_terminate_backend(pid) FROM ({WORKER}) AS w")


def kill(cluster, session):
    """The worker is killed, and the server with it."""
    os.kill(session.one(WORKER), signal.SIGKILL)
    until(lambda: ask(cluster, "SELECT 1") == [(1,)])


def in_flight(emulator, cluster, end):
    """A runner ends while requests without a token are in flight."""
    emulator.reset()
    place = emulator.place({"DatastoreName": "there"})[0]
    store = [one for one in emulator.stores() if one["DatastoreId"] == place][0]
    for operation in (PUBLISH, TAG, CREATE):
        emulator.next(operation=operation, delay=LONG, times="always",
                      **({"status": 200, "body": PUBLISHED} if operation == PUBLISH else {}))
    session = Session(cluster)
    empty(session)
    session.run("BEGIN")
    for operation, request in ((PUBLISH, PROFILE), (TAG, tagging(store)),
                               (CREATE, {"DatastoreName": "new", "DatastoreTypeVersion": "R4"})):
        session.run(ENQUEUE, operation, json.dumps(request))
    session.run(ENQUEUE + " FROM generate_series(1, 1)", PUBLISH, json.dumps(PROFILE))
    session.run("SELECT healthlake_enqueue(%s, %s, run_after => now() + '8 s')", TAG,
                json.dumps(tagging(store)))
    session.run("COMMIT")
    until(lambda: sent(emulator, PUBLISH) == 2 and sent(emulator, TAG) == 1
          and sent(emulator, CREATE) == 1)
    end(cluster, session)
    return finish(cluster, 80)


def test_once(emulator, cluster):
    """A request without a token is sent once, however the worker ends."""
    for end in (restart, terminate, kill):
        name = end.__name__
        ended = in_flight(emulator, cluster, end)
        tap.ok(ended, f"{name}: all requests are finished", states(cluster))
        tap.same((sent(emulator, PUBLISH), sent(emulator, TAG)), (2, 2),
                 f"{name}: a request without a token is sent once")
        tap.same(states(cluster), Counter({(PUBLISH, "unknown"): 2, (TAG, "unknown"): 1,
                                           (TAG, "succeeded"): 1, (CREATE, "succeeded"): 1}),
                 f"{name}: only requests in flight are unknown")
        tap.same(len([one for one in emulator.stores() if one["DatastoreName"] == "new"]), 1,
                 f"{name}: a request with a token is carried out once")
        notes = ask(cluster, "SELECT DISTINCT error_sqlstate, note ~ 'no client token'"
                    " FROM healthlake_request WHERE state = 'unknown'")
        tap.same(notes, [("38M01", True)], f"{name}: a note says why")


def test_timeout(emulator, cluster):
    """statement_timeout does not affect the requests that a CALL has in flight."""
    emulator.reset()
    emulator.next(operation=PUBLISH, delay=DELAY, status=200, body=PUBLISHED, times="always")
    with closing(Session(cluster)) as session:
        empty(session)
        session.run("ALTER SYSTEM SET healthlake.worker_databases = ''")
        session.run("ALTER SYSTEM SET healthlake.autostart_worker = off")
        session.run("SELECT pg_reload_conf()")
        session.run(f"SELECT pg_terminate_backend(pid) FROM ({WORKER}) AS w")
        until(lambda: not session.run(WORKER))
        time.sleep(0.5)
        session.run(ENQUEUE, PUBLISH, json.dumps(PROFILE))
        session.run("SET statement_timeout = '1 s'")
        tap.same(session.state("CALL healthlake_run_queue()"), None,
                 "CALL: a statement_timeout does not end it")
        tap.same(session.state("SELECT pg_sleep(3)"), "57014", "CALL: it holds for the next one")
        session.run("RESET statement_timeout")
    tap.same((sent(emulator, PUBLISH), dict(states(cluster))), (1, {(PUBLISH, "succeeded"): 1}),
             "CALL: it is sent once, and has succeeded")


# -------------------------------------------------- what cannot be recorded

def enqueue_some(session, odd):
    """Enqueues requests, one of which fails to be recorded."""
    for name in ("a", "b", odd, "c", "d"):
        session.run("SELECT healthlake_enqueue_create_datastore(%s)", name)


def by_name(cluster):
    """The outcome of each request."""
    return dict(ask(cluster, "SELECT request ->> 'DatastoreName', state FROM healthlake_request")
                or [])


def test_long_id(emulator, cluster):
    """A reply with an id of 9,600 characters, which no index can hold."""
    emulator.reset()
    body = {"DatastoreId": "x" * 9600, "DatastoreArn": "arn:aws:healthlake:us-east-1:123456789012:"
            "datastore/fhir/x", "DatastoreStatus": "CREATING", "DatastoreEndpoint": "https://x/"}
    long_id = "".join(chr(97 + (i * i * 7919 // 13) % 26) for i in range(9600))
    emulator.next(operation=CREATE, status=200, body={**body, "DatastoreId": long_id}, times=2)
    with closing(Session(cluster)) as session:
        empty(session)
        said = session.state("SELECT healthlake_create_datastore('long')")
        tap.same(said, "38M01", "long id: a call says that its outcome is unknown, not 54000")
        enqueue_some(session, "odd")
        session.run("CALL healthlake_run_queue(5)")
        found = Counter(by_name(cluster).values())
        tap.same(found["succeeded"], 4, "long id: the others are recorded")
        tap.same(sent(emulator, CREATE), 6, "long id: each was sent once so far")
        until(lambda: session.run("CALL healthlake_run_queue()") is None
              and session.one(OPEN) == 0, 20, 0.5)
        tap.same(Counter(by_name(cluster).values())["succeeded"], 5,
                 "long id: with its token it succeeds another time")


def test_trigger(emulator, cluster, event, name):
    """A trigger that raises for one row: at its end, or whenever it is updated."""
    emulator.reset()
    with closing(Session(cluster)) as session:
        empty(session)
        session.run(f"""CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.request ->> 'DatastoreName' = 'odd' AND {event} THEN
                RAISE EXCEPTION 'not this one'; END IF; RETURN NULL; END $$""")
        session.run("""CREATE CONSTRAINT TRIGGER bad AFTER UPDATE ON healthlake_request
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bad()"""
                    if name == "deferred" else
                    """CREATE TRIGGER bad AFTER UPDATE ON healthlake_request
                    FOR EACH ROW EXECUTE FUNCTION bad()""")
        enqueue_some(session, "odd")
        began = time.monotonic()
        tap.same(session.state("CALL healthlake_run_queue()"), None, f"{name}: the CALL ends")
        tap.ok(time.monotonic() - began < 10, f"{name}: soon")
        found = by_name(cluster)
        tap.same([found[key] for key in "abcd"], ["succeeded"] * 4,
                 f"{name}: all others are recorded")
        tap.ok(sent(emulator, CREATE) <= 5, f"{name}: nothing is sent twice")
        session.run("DROP TRIGGER bad ON healthlake_request")
        session.run("DROP FUNCTION bad()")
        return found["odd"]


def test_held(emulator, cluster):
    """A worker keeps an end that it cannot record, and does not send the request again."""
    emulator.reset()
    with closing(Session(cluster)) as session:
        empty(session)
        session.run("""CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF OLD.state = 'running' THEN RAISE EXCEPTION 'not now'; END IF;
            RETURN NULL; END $$""")
        session.run("""CREATE TRIGGER bad AFTER UPDATE ON healthlake_request
            FOR EACH ROW EXECUTE FUNCTION bad()""")
        session.run("ALTER SYSTEM SET healthlake.worker_databases = 'postgres'")
        session.run("SELECT pg_reload_conf()")
        session.run("SELECT healthlake_enqueue_create_datastore('held')")
        until(lambda: sent(emulator, CREATE) == 1)
        time.sleep(7)
        pid = session.one(WORKER)
        spent = cpu(pid)
        time.sleep(6)
        tap.ok(cpu(pid) - spent < 0.6, "held: the worker does not spin", cpu(pid) - spent)
        tap.same(sent(emulator, CREATE), 1, "held: it is not sent again")
        session.run("DROP TRIGGER bad ON healthlake_request")
        tap.ok(finish(cluster), "held: the end is recorded when that is possible")
        tap.same((by_name(cluster), sent(emulator, CREATE)), ({"held": "succeeded"}, 1),
                 "held: with AWS's reply")


def cpu(pid):
    """Seconds of CPU that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    """All checks."""
    emulator = client.emulator()
    # commits that are not yet durable are lost by a kill
    cluster = queue_cluster.make(emulator, healthlake__worker_databases="postgres",
                                 synchronous_commit="off", wal_writer_delay="10s")
    with closing(Session(cluster.start())) as session:
        session.run("CREATE EXTENSION healthlake")
    test_once(emulator, cluster)
    test_timeout(emulator, cluster)
    test_long_id(emulator, cluster)
    odd = test_trigger(emulator, cluster, "NEW.state = 'succeeded'", "at its end")
    tap.same(odd, "unknown", "at its end: that one is unknown")
    odd = test_trigger(emulator, cluster, "true", "at any update")
    tap.same(odd, "queued", "at any update: that one waits")
    odd = test_trigger(emulator, cluster, "NEW.state = 'succeeded'", "deferred")
    tap.same(odd, "unknown", "deferred: that one is unknown")
    test_held(emulator, cluster)
    cluster.stop()
    emulator.stop()
    tap.end()


main()
