#!/usr/bin/python3
"""Requests that a copy of the database, or a subscriber, has got: it never sends them.

A database that was created from another as its template, and a subscriber to a publication of all
tables. Each searches for what waits and ends it as unknown; the publisher's rows come in beside
rows of the subscriber's own. A superuser adopts what is left. And a role that may not log in.
"""

import json
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

TAG = "TagResource"
ENQUEUE = "SELECT healthlake_enqueue(%s, %s)"
CREATE = "SELECT healthlake_enqueue_create_datastore(%s)"
STATES = """SELECT operation, state FROM healthlake_request
    WHERE home {} healthlake_home()"""
QUIET = {"healthlake__autostart_worker": "off"}

tap = Tap()


def enqueue(session, emulator):
    """A creation and a tagging."""
    store = emulator.place({"DatastoreName": "there"})[0]
    arn = [one["DatastoreArn"] for one in emulator.stores() if one["DatastoreId"] == store][0]
    session.run(CREATE, "waits")
    session.run(ENQUEUE, TAG, json.dumps({"ResourceARN": arn,
                                          "Tags": [{"Key": "a", "Value": "b"}]}))


def sent(emulator):
    """How many changes have arrived."""
    return Counter(entry["operation"] for entry in emulator.log()
                   if entry["operation"] in ("CreateFHIRDatastore", TAG))


def test_template(emulator, cluster):
    """CREATE DATABASE ... TEMPLATE."""
    emulator.reset()
    with closing(Session(cluster)) as session:
        session.run("CREATE DATABASE original")
    with closing(Session(cluster, dbname="original")) as session:
        session.run("CREATE EXTENSION healthlake")
        enqueue(session, emulator)
    with closing(Session(cluster)) as session:
        session.run("CREATE DATABASE copy TEMPLATE original")
    with closing(Session(cluster, dbname="copy")) as copy:
        found = copy.run("SELECT item FROM healthlake_check() WHERE NOT ok AND item ~ 'home'")
        tap.same(found, [("requests of another home",)], "template: healthlake_check() tells")
        copy.run("CALL healthlake_run_queue()")
        tap.same(sent(emulator), Counter(), "template: the copy sends nothing")
        tap.same(Counter(copy.run(STATES.format("<>"))),
                 Counter({("CreateFHIRDatastore", "unknown"): 1, (TAG, "unknown"): 1}),
                 "template: there they are unknown")
        tap.same(copy.run("SELECT DISTINCT error_sqlstate, note ~ 'another cluster or database'"
                          " FROM healthlake_request"), [("38M01", True)],
                 "template: a note says why")
        copy.run(CREATE, "of the copy")
        copy.run("CALL healthlake_run_queue()")
        tap.same(copy.run(STATES.format("=")), [("CreateFHIRDatastore", "succeeded")],
                 "template: its own are sent")
    with closing(Session(cluster, dbname="original")) as session:
        session.run("CALL healthlake_run_queue()")
        tap.same(Counter(session.run(STATES.format("="))),
                 Counter({("CreateFHIRDatastore", "succeeded"): 1, (TAG, "succeeded"): 1}),
                 "template: the original sends them")
        tap.same(sent(emulator), Counter({"CreateFHIRDatastore": 2, TAG: 1}),
                 "template: each once")


def test_subscriber(emulator):
    """Logical replication of all tables."""
    emulator.reset()
    publisher = queue_cluster.make(emulator, wal_level="logical", **QUIET)
    subscriber = queue_cluster.make(emulator, wal_level="logical", **QUIET)
    with publisher, subscriber:
        with closing(Session(publisher)) as one, closing(Session(subscriber)) as other:
            for session in (one, other):
                session.run("CREATE EXTENSION healthlake")
            other.run(CREATE, "of the subscriber")
            one.run("CREATE PUBLICATION p FOR TABLE healthlake_request, healthlake_event")
            other.run(f"CREATE SUBSCRIPTION s CONNECTION 'host={publisher.folder}/socket"
                      " user=postgres dbname=postgres' PUBLICATION p")
            enqueue(one, emulator)
            tap.ok(until(lambda: other.one("SELECT count(*) FROM healthlake_request") == 3),
                   "subscriber: the publisher's rows come in beside its own")
            tap.same(other.state(CREATE, "another of the subscriber"), None,
                     "subscriber: it enqueues")
            other.run("CALL healthlake_run_queue()")
            tap.same(sent(emulator), Counter({"CreateFHIRDatastore": 2}),
                     "subscriber: it sends its own alone")
            one.run("CALL healthlake_run_queue()")
            tap.same(sent(emulator), Counter({"CreateFHIRDatastore": 3, TAG: 1}),
                     "subscriber: the publisher sends its own, once")
            tap.ok(until(lambda: set(other.run("SELECT state FROM healthlake_request"))
                         == {("succeeded",)}), "subscriber: and what it has told arrives")
            other.run("DROP SUBSCRIPTION s")
            home = one.one("SELECT healthlake_home()")
            tap.same(other.one("SELECT healthlake_adopt_requests(%s)", home), 2,
                     "adopted: after a move, a superuser makes them this home's")
            tap.same(other.one("SELECT count(*) = count(DISTINCT id) AND count(*) = 4"
                               " FROM healthlake_request WHERE home = healthlake_home()"), True,
                     "adopted: ids that were taken are new ones")
            tap.same(other.run("SELECT r.operation, e.session_role FROM healthlake_event AS e"
                               " JOIN healthlake_request AS r ON r.id = e.request_id"
                               " AND r.home = e.home WHERE event = 'adopted' AND e.note ="
                               " format('request %%s of home %%s', (SELECT o.request_id FROM"
                               " healthlake_event AS o WHERE o.event = 'enqueued'"
                               " AND o.home = %s AND o.operation = e.operation), %s)"
                               " ORDER BY 1", home, home),
                     [("CreateFHIRDatastore", "postgres"), (TAG, "postgres")],
                     "adopted: the history, which came too, says who did it and what they were")
            other.run(CREATE, "after that")
            tap.same(other.one("SELECT count(*) FROM healthlake_request"), 5,
                     "adopted: and the next id is free")


def test_owner(cluster):
    """A role that may not log in owns the table: no worker starts before 17."""
    with closing(Session(cluster)) as session:
        session.run("CREATE EXTENSION healthlake")
        session.run("CREATE ROLE keeper NOLOGIN")
        for table in ("healthlake_request", "healthlake_event"):
            session.run(f"ALTER TABLE {table} OWNER TO keeper")
        before17 = session.session.server_version < 170000
        session.run("SET healthlake.autostart_worker = on")
        del session.session.notices[:]
        session.run(CREATE, "waits for nobody")
        told = any("no background worker can start" in text for text in session.session.notices)
        tap.same(told, before17, "owner without LOGIN: enqueueing warns")
        found = session.one("SELECT count(*) FROM healthlake_check() WHERE item = 'queue worker'")
        tap.same(found == 1, before17, "owner without LOGIN: healthlake_check() says so")


def main():
    """All of it."""
    emulator = client.emulator()
    cluster = queue_cluster.make(emulator, **QUIET)
    with cluster:
        test_template(emulator, cluster)
        test_owner(cluster)
    test_subscriber(emulator)
    emulator.stop()
    tap.end()


main()
