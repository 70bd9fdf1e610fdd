#!/usr/bin/python3
"""Two sessions change the same request at the same time: it comes out as if one had been first.

The second waits for the first to commit, and is then refused or fails with 40001, in READ COMMITTED
and in REPEATABLE READ with a snapshot from before. No request is resolved and retried, and none is
retried, taken over or adopted twice.
"""

import json
import sys
import threading
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

ACTIONS = {
    "resolve": "SELECT healthlake_resolve_request({id}, 'succeeded', 'I have looked')",
    "retry": "SELECT healthlake_retry_request({id})",
    "cancel": "SELECT healthlake_cancel_request({id})",
    "purge": "SELECT healthlake_purge_requests('0')",
    "adopt": "SELECT healthlake_adopt_requests('1/1')",
}
REFUSED = ("55000", "40001")
# the state before, the two in their order, and what may become of the second: an SQLSTATE or None
PAIRS = [
    ("unknown", "resolve", "retry", REFUSED),
    ("unknown", "retry", "resolve", REFUSED),
    ("unknown", "resolve", "resolve", REFUSED),
    ("unknown", "retry", "retry", REFUSED),
    ("failed", "retry", "retry", REFUSED),
    ("failed", "retry", "purge", (None, "40001")),
    ("failed", "purge", "retry", ("42704", "40001")),
    ("queued", "cancel", "cancel", REFUSED),
    ("fenced", "retry", "cancel", REFUSED),
    # what was cancelled can be retried, if it has no body
    ("fenced", "cancel", "retry", (None, *REFUSED)),
    ("fenced", "retry", "retry", REFUSED),
    ("foreign", "adopt", "adopt", (None, "40001")),
]
STATES = {
    "unknown": "state = 'unknown', finished_at = now(), run_after = NULL",
    "failed": "state = 'failed', finished_at = now(), run_after = NULL",
    "queued": "state = 'queued'",
    "fenced": "fence = 'other'",
    "foreign": "home = '1/1'",
}
# what must not be, whichever was first
WRONG = {
    "is resolved and retried": """SELECT r.id FROM healthlake_request AS r
        JOIN healthlake_request AS n ON n.retry_of = r.id WHERE r.resolved_at IS NOT NULL""",
    "has two events of a kind": """SELECT request_id FROM healthlake_event
        WHERE event IN ('retried', 'resolved', 'cancelled', 'adopted')
        GROUP BY request_id, event HAVING count(*) > 1""",
    "is taken over after it has ended": """SELECT r.id FROM healthlake_request AS r
        JOIN healthlake_event AS e ON e.request_id = r.id WHERE e.event = 'retried'
        AND e.note ~ '^taken over' AND r.state = 'cancelled'""",
}

tap = Tap()


def prepare(session, kind, state):
    """An empty queue but for one request in that state; its id."""
    session.run("SET session_replication_role = replica")
    session.run("DELETE FROM healthlake_request")
    session.run("DELETE FROM healthlake_event")
    if kind == "fhir":
        id = session.one("SELECT healthlake_fhir_enqueue_update(%s)",
                         json.dumps({"resourceType": "Patient", "id": "a"}))
    else:
        id = session.one("SELECT healthlake_enqueue_create_datastore('x')")
    session.run(f"UPDATE healthlake_request SET {STATES[state]} WHERE id = %s", id)
    session.run("SET session_replication_role = origin")
    return id


def race(watch, one, other, level, statements):
    """
    Performs the second statement while the first one's transaction is open, and after a look at the
    table; its SQLSTATE.
    """
    answers = []
    pid = other.one("SELECT pg_backend_pid()")

    def perform():
        answers.append(other.state(statements[1]))

    other.run(f"BEGIN ISOLATION LEVEL {level}")
    other.run("SELECT count(*) FROM healthlake_request")
    one.run("BEGIN")
    one.run(statements[0])
    thread = threading.Thread(target=perform)
    thread.start()
    until(lambda: answers or watch.one(
        "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", pid))
    one.run("COMMIT")
    thread.join()
    other.run("COMMIT")
    return answers[0]


def check(cluster, kind, level):
    """All pairs."""
    with closing(Session(cluster)) as watch, closing(Session(cluster)) as one, \
            closing(Session(cluster)) as other:
        for state, first, second, allowed in PAIRS:
            id = prepare(watch, kind, state)
            found = race(watch, one, other, level,
                         [ACTIONS[which].format(id=id) for which in (first, second)])
            wrong = {what: watch.run(query) for what, query in WRONG.items()}
            tap.same((found if found not in allowed else "as allowed", wrong),
                     ("as allowed", {what: [] for what in WRONG}),
                     f"{kind}, {level}: {second} after {first} of what is {state} ({found})")


def check_in_flight(cluster, emulator):
    """While a request is in flight, nobody else ends it; once adopted, its runner lets it go."""
    with closing(Session(cluster)) as watch, closing(Session(cluster)) as other:
        for state, operation in (("queued", "CreateFHIRDatastore"),
                                 ("foreign", "ListFHIRDatastores")):
            id = prepare(watch, "control", state)
            emulator.next({"operation": operation, "delay": 3})
            before = len(emulator.log(operation="CreateFHIRDatastore"))
            thread = threading.Thread(target=other.run, args=("CALL healthlake_run_queue()",))
            thread.start()
            until(lambda: watch.one("SELECT lease_holder IS NOT NULL FROM healthlake_request"))
            if state == "queued":
                tap.same([watch.state(ACTIONS[act].format(id=id)) for act in
                          ("cancel", "retry", "resolve")], ["55000"] * 3,
                         "in flight: it can be neither cancelled nor retried nor resolved")
            else:
                watch.run(ACTIONS["adopt"])
                tap.same(watch.run("SELECT home = healthlake_home(), lease_holder, lease_until "
                                   "FROM healthlake_request"), [(True, None, None)],
                         "in flight: what is adopted is its runner's no more")
            thread.join()
            until(lambda: other.run("CALL healthlake_run_queue()") or watch.one(
                "SELECT finished_at IS NOT NULL FROM healthlake_request"))
            tap.same((watch.run("SELECT state FROM healthlake_request"),
                      len(emulator.log(operation="CreateFHIRDatastore")) - before),
                     ([("succeeded",)], 1), f"in flight: {state}, it is sent once in the end")


def check_messages(cluster):
    """The second is told what the first has made of the request."""
    with closing(Session(cluster)) as watch, closing(Session(cluster)) as one, \
            closing(Session(cluster)) as other:
        for first, second, text in (
                ("resolve", "retry", "cannot be retried: its state is succeeded"),
                ("retry", "resolve", "has been retried as request"),
                ("retry", "retry", "has been retried as request")):
            id = prepare(watch, "fhir", "unknown")
            other.run("CREATE OR REPLACE FUNCTION pg_temp.says(act text) RETURNS text LANGUAGE "
                      "plpgsql AS $$ BEGIN EXECUTE act; RETURN 'done'; "
                      "EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END $$")
            answers = []
            one.run("BEGIN")
            one.run(ACTIONS[first].format(id=id))
            thread = threading.Thread(target=lambda: answers.append(other.one(
                "SELECT pg_temp.says(%s)", ACTIONS[second].format(id=id))))  # noqa: B023
            thread.start()
            until(lambda: answers or watch.one(  # noqa: B023
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
            one.run("COMMIT")
            thread.join()
            tap.ok(text in answers[0], f"{second} after {first}: {answers[0]}")


def main():
    """All pairs of both planes, in both isolation levels."""
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    cluster = queue_cluster.make(emulator, healthlake__datastore_id=store,
                                 healthlake__autostart_worker="off")
    with cluster:
        with closing(Session(cluster)) as session:
            session.run("CREATE EXTENSION healthlake")
        for kind in ("fhir", "control"):
            for level in ("READ COMMITTED", "REPEATABLE READ"):
                check(cluster, kind, level)
        check_messages(cluster)
        check_in_flight(cluster, emulator)
    emulator.stop()
    tap.end()


main()
