#!/usr/bin/python3
"""A copy of the database, or a subscriber, never sends the requests that it has received.

There is a database created with the other as its template, and a subscriber to a publication of all
tables. Each searches for waiting requests and ends them as unknown; the publisher's rows are
replicated beside the subscriber's own. A superuser adopts the rest. Also, an owner without LOGIN.
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
    """Enqueues a creation and a tagging."""
    store = emulator.place({"DatastoreName": "there"})[0]
    arn = [one["DatastoreArn"] for one in emulator.stores() if one["DatastoreId"] == store][0]
    session.run(CREATE, "waits")
    session.run(ENQUEUE, TAG, json.dumps({"ResourceARN": arn,
                                          "Tags": [{"Key": "a", "Value": "b"}]}))


def sent(emulator):
    """The number of changes that have arrived."""
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
        tap.same(found, [("requests of another home",)],
                 "template: healthlake_check() reports them")
        copy.run("CALL healthlake_run_queue()")
        tap.same(sent(emulator), Counter(), "template: the copy sends nothing")
        tap.same(Counter(copy.run(STATES.format("<>"))),
                 Counter({("CreateFHIRDatastore", "unknown"): 1, (TAG, "unknown"): 1}),
                 "template: in the copy they are unknown")
        tap.same(copy.run("SELECT DISTINCT error_sqlstate, note ~ 'another cluster or database'"
                          " FROM healthlake_request"), [("38M01", True)],
                 "template: a note says why")
        copy.run(CREATE, "of the copy")
        copy.run("CALL healthlake_run_queue()")
        tap.same(copy.run(STATES.format("=")), [("CreateFHIRDatastore", "succeeded")],
                 "template: the copy sends its own")
    with closing(Session(cluster, dbname="original")) as session:
        session.run("CALL healthlake_run_queue()")
        tap.same(Counter(session.run(STATES.format("="))),
                 Counter({("CreateFHIRDatastore", "succeeded"): 1, (TAG, "succeeded"): 1}),
                 "template: the original sends them")
        tap.same(sent(emulator), Counter({"CreateFHIRDatastore": 2, TAG: 1}),
                 "template: each is sent once")


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
                   "subscriber: the publisher's rows are replicated beside its own")
            tap.same(other.state(CREATE, "another of the subscriber"), None,
                     "subscriber: it can enqueue")
            other.run("CALL healthlake_run_queue()")
            tap.same(sent(emulator), Counter({"CreateFHIRDatastore": 2}),
                     "subscriber: it sends only its own")
            one.run("CALL healthlake_run_queue()")
            tap.same(sent(emulator), Counter({"CreateFHIRDatastore": 3, TAG: 1}),
                     "subscriber: the publisher sends its own, once")
            tap.ok(until(lambda: set(other.run("SELECT state FROM healthlake_request"))
                         == {("succeeded",)}),
                         "subscriber: the publisher's outcomes are replicated")
            other.run("DROP SUBSCRIPTION s")
            home = one.one("SELECT healthlake_home()")
            tap.same(other.one("SELECT healthlake_adopt_requests(%s)", home), 2,
                     "adopted: after a move, a superuser makes them this home's")
            tap.same(other.one("SELECT count(*) = count(DISTINCT id) AND count(*) = 4"
                               " FROM healthlake_request WHERE home = healthlake_home()"), True,
                     "adopted: ids that are in use are replaced")
            tap.same(other.run("SELECT r.operation, e.session_role FROM healthlake_event AS e"
                               " JOIN healthlake_request AS r ON r.id = e.request_id"
                               " AND r.home = e.home WHERE event = 'adopted' AND e.note ="
                               " format('request %%s of home %%s', (SELECT o.request_id FROM"
                               " healthlake_event AS o WHERE o.event = 'enqueued'"
                               " AND o.home = %s AND o.operation = e.operation), %s)"
                               " ORDER BY 1", home, home),
                     [("CreateFHIRDatastore", "postgres"), (TAG, "postgres")],
                     "adopted: the replicated history has the role and the old ids")
            other.run(CREATE, "after that")
            tap.same(other.one("SELECT count(*) FROM healthlake_request"), 5,
                     "adopted: and the next id is free")


def patient(id, language):
    """A resource as JSON."""
    return json.dumps({"resourceType": "Patient", "id": id, "language": language})


def test_order(emulator, cluster):
    """Adopted requests of one resource keep their order, although some of their ids are in use."""
    emulator.reset()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    update = "SELECT healthlake_fhir_enqueue_update(%s, datastore_id => %s)"
    with closing(Session(cluster)) as session:
        session.run("CREATE DATABASE moved")
    with closing(Session(cluster, dbname="moved")) as session:
        session.run("CREATE EXTENSION healthlake")
        arn = emulator.stores()[0]["DatastoreArn"]
        for language in ("first", "old", "mid", None, "new"):
            if language is None:
                session.run(ENQUEUE, TAG, json.dumps({"ResourceARN": arn,
                                                      "Tags": [{"Key": "a", "Value": "b"}]}))
            else:
                session.run(update, patient("a" if language != "first" else "z", language), store)
        session.run("SELECT healthlake_cancel_request(4)")
        session.run("SELECT healthlake_retry_request(4)")
        session.run("SELECT healthlake_cancel_request(6)")
        session.run("SET session_replication_role = replica")
        for table in ("healthlake_request", "healthlake_event"):
            session.run(f"UPDATE {table} SET home = '1/1'")
        session.run("SET session_replication_role = origin")
        for taken in (2, 4):
            session.run(f"ALTER SEQUENCE healthlake_request_id_seq RESTART WITH {taken}")
            session.run(update, patient("b", "own"), store)
        tap.same(session.one("SELECT healthlake_adopt_requests('1/1')"), 6,
                 "order: all requests of the other home are adopted")
        tap.same(session.run("SELECT id, body ->> 'language', state, retry_of FROM "
                             "healthlake_request ORDER BY id"),
                 [(1, "first", "queued", None), (2, "own", "queued", None),
                  (4, "own", "queued", None), (6, None, "cancelled", 9),
                  (7, "old", "queued", None), (8, "mid", "queued", None),
                  (9, None, "cancelled", None), (10, "new", "queued", None)],
                 "order: new ids from the first that is in use on, in the order of the old ones")
        tap.same(session.run("SELECT request_id, note FROM healthlake_event WHERE event = "
                             "'adopted' ORDER BY request_id"),
                 [(new, f"request {old} of home 1/1") for new, old in
                  ((1, 1), (6, 6), (7, 2), (8, 3), (9, 4), (10, 5))],
                 "order: the history has the old id of each")
        session.run("CALL healthlake_run_queue()")
        tap.ok(until(lambda: session.run("CALL healthlake_run_queue()") or session.one(
            "SELECT count(*) FROM healthlake_request WHERE finished_at IS NULL") == 0),
               "order: all are sent")
        sent = [json.loads(entry["body"])["language"]
                for entry in emulator.log(operation="fhir:update") if "Patient/a" in entry["path"]]
        tap.same(sent, ["old", "mid", "new"],
                 "order: an old state of a resource never follows a newer one")


def test_owner(cluster):
    """The owner of the table has no LOGIN: before PostgreSQL 17 no worker starts."""
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
    """All checks."""
    emulator = client.emulator()
    cluster = queue_cluster.make(emulator, **QUIET)
    with cluster:
        test_template(emulator, cluster)
        test_order(emulator, cluster)
        test_owner(cluster)
    test_subscriber(emulator)
    emulator.stop()
    tap.end()


main()
