#!/usr/bin/python3
"""What is marked as sent directly before its first byte, and what happens to it meanwhile.

A row that cannot be marked is put off: the others are sent, and calls in flight get their
replies. A row whose lease has ended while others were marked is left to the runner that has
claimed it since, and so is one whose lease has ended when it would be sent again with new
credentials. A reply that has arrived meanwhile counts. An attempt that has not left the server
is counted with the next one in the history. CALL healthlake_run_queue() tries again to
record an outcome that it knows.
"""

import json
import os
import signal
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, ask, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE, PATCH, UPDATE = "CreateFHIRDatastore", "fhir:patch", "fhir:update"
RUN = "CALL healthlake_run_queue()"
ROLE = "arn:aws:iam::123456789012:role/queue"
PATCHES = """SELECT healthlake_fhir_enqueue_patch('Patient', %s,
    '[{"op": "add", "path": "/language", "value": "de"}]')"""
STATES = "SELECT resource_id, state FROM healthlake_request WHERE resource_id IS NOT NULL"
ATTEMPTS = "SELECT attempts, error_sqlstate, error_message FROM healthlake_request" \
    " WHERE resource_id = 'b'"
EVENTS = """SELECT string_agg(event || coalesce(' ' || outcome, ''), ', ' ORDER BY id)
    FROM healthlake_event WHERE request_id = %s"""
# raises for one event, as a constraint of an auditor's may
REFUSE = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF {condition} THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON healthlake_event
    FOR EACH ROW EXECUTE FUNCTION refuse()"""
# a lease of five seconds instead of minutes, and a mark that takes longer
SLOW = """CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.claim IS DISTINCT FROM OLD.claim THEN
        NEW.lease_until = clock_timestamp() + '5 s'::interval;
    ELSIF NEW.unsettled_since IS DISTINCT FROM OLD.unsettled_since
        AND NEW.kind = 'fhir' AND NEW.state = 'running' THEN
        PERFORM pg_advisory_xact_lock(10);
    END IF; RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE UPDATE ON healthlake_request
    FOR EACH ROW EXECUTE FUNCTION slow()"""
DROP = """DROP FUNCTION IF EXISTS refuse CASCADE; DROP FUNCTION IF EXISTS slow CASCADE"""

tap = Tap()


def empty(emulator, session):
    """Removes all requests, and the triggers; what the emulator has stays."""
    session.run(DROP)
    session.run("SET session_replication_role = replica")
    session.run("TRUNCATE healthlake_request, healthlake_event")
    session.run("RESET session_replication_role")
    emulator.next({"operation": "none"})


def sent(emulator, operation, since=0):
    """The number of requests of an operation that have arrived."""
    return len(emulator.log(since=since, operation=operation))


def update(session, *ids):
    """Enqueues updates."""
    for id in ids:
        session.run("SELECT healthlake_fhir_enqueue_update(%s)",
                    json.dumps({"resourceType": "Patient", "id": id}))


def run_beside(cluster):
    """A CALL in a session of its own, that has begun."""
    runner = threading.Thread(target=ask, args=(cluster, RUN))
    runner.start()
    return runner


def test_poisoned(emulator, cluster, session):
    """A row whose event "sent" is refused, beside a request in flight."""
    empty(emulator, session)
    update(session, "a")
    session.run(RUN)
    emulator.next(operation=PATCH, delay=2.5)
    session.run(REFUSE.format(
        condition="NEW.event = 'sent' AND NEW.request ->> 'path' = 'Patient/b'"))
    session.run(PATCHES, "a")
    runner = run_beside(cluster)
    until(lambda: sent(emulator, PATCH) == 1)
    since = len(emulator.log())
    update(session, "b", "c", "d")
    tap.same(session.state(RUN), None, "poisoned: a CALL ends well")
    tap.same(sent(emulator, UPDATE, since), 2, "poisoned: the others are sent")
    found = dict(session.run(STATES + " AND request ->> 'method' IS DISTINCT FROM 'PATCH'"))
    tap.same([found.get(id) for id in "bcd"], ["queued", "succeeded", "succeeded"],
             "poisoned: it waits")
    tap.same(session.run(ATTEMPTS),
             [(1, None, "it cannot be marked as sent: not this one")], "poisoned: and says why")
    runner.join()
    # the runner with a request in flight meets it, too
    emulator.next(operation=PATCH, delay=2.5)
    session.run(PATCHES, "a")
    session.run("UPDATE healthlake_request SET run_after = now() + '1.5 s'::interval"
                " WHERE state = 'queued' AND resource_id = 'b'")
    since = len(emulator.log())
    began = time.monotonic()
    tap.same(session.state(RUN), None, "poisoned: a CALL with a request in flight ends well")
    tap.ok(time.monotonic() - began < 20, "poisoned: and soon")
    tap.same(session.run("SELECT state, count(*)::int FROM healthlake_request GROUP BY 1"
                         " ORDER BY 1"), [("queued", 1), ("succeeded", 5)],
             "poisoned: what was in flight has its reply")
    session.run(DROP)
    session.run("UPDATE healthlake_request SET run_after = now() WHERE state = 'queued'")
    session.run(RUN)
    tap.same(session.one(OPEN), 0, "poisoned: it is sent when that is possible")


def test_late(emulator, cluster, session):
    """A creation whose lease ends while a patch beside it is marked."""
    empty(emulator, session)
    session.run(SLOW)
    since = len(emulator.log())
    with closing(Session(cluster)) as other:
        other.run("SELECT pg_advisory_lock(10)")
        session.run("SELECT healthlake_enqueue_create_datastore('late')")
        session.run(PATCHES, "a")
        runner = run_beside(cluster)
        until(lambda: session.one("SELECT count(*) FROM pg_locks"
                                  " WHERE locktype = 'advisory' AND NOT granted") == 1)
        tap.same(sent(emulator, CREATE, since), 0, "late: it waits for the mark")
        time.sleep(5.5)
        session.run(RUN)
        tap.same(sent(emulator, CREATE, since), 1, "late: another runner sends it meanwhile")
        other.run("SELECT pg_advisory_unlock(10)")
        runner.join()
    until(lambda: session.run(RUN) is None and session.one(OPEN) == 0)
    tap.same((sent(emulator, CREATE, since), sent(emulator, PATCH, since)), (1, 1),
             "late: and nothing is sent twice")
    tap.same(session.run("SELECT state, count(*)::int FROM healthlake_request GROUP BY 1"),
             [("succeeded", 2)], "late: both have succeeded")


def test_waiting(emulator, cluster, session):
    """A reply that arrives while the runner waits for a lock, for longer than request_timeout."""
    empty(emulator, session)
    session.run(SLOW.replace("NEW.kind = 'fhir'", "NEW.resource_id = 'b'"))
    emulator.next(operation=PATCH, delay=1)
    with closing(Session(cluster)) as other:
        other.run("SELECT pg_advisory_lock(10)")
        session.run("SELECT healthlake_fhir_enqueue_update(%s, run_after => now() + '0.7 s')",
                    json.dumps({"resourceType": "Patient", "id": "b"}))
        session.run(PATCHES, "a")
        runner = run_beside(cluster)
        tap.ok(until(lambda: session.one("SELECT count(*) FROM pg_locks"
                                         " WHERE locktype = 'advisory' AND NOT granted") == 1),
               "waiting: for a lock")
        time.sleep(4)
        other.run("SELECT pg_advisory_unlock(10)")
        runner.join()
    tap.same(dict(session.run(STATES))["a"], "succeeded", "waiting: a reply is not late meanwhile")


def expire(emulator, operation, delay):
    """The next request of an operation is refused because the credentials have expired."""
    emulator.next(operation=operation, error="ExpiredTokenException", delay=delay)


def renew_late(emulator, cluster, session, operation, what):
    """A runner that is stopped until its lease is over, and has a reply by which it would renew its
    credentials and send the request again; the number of requests that it sends."""
    since = len(emulator.log())
    expire(emulator, operation, 1)
    runner = threading.Thread(target=ask, args=(cluster, RUN),
                              kwargs={"application_name": what})
    runner.start()
    until(lambda: sent(emulator, operation, since) == 1)
    pid = session.one("SELECT pid FROM pg_stat_activity WHERE application_name = %s", what)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(5.5)
    session.run(RUN)
    others = sent(emulator, operation, since) - 1
    os.kill(pid, signal.SIGCONT)
    runner.join()
    return others, sent(emulator, operation, since) - others


def check_resent(emulator, cluster, session):
    """A creation that libcurl has sent twice, on a connection that has died, before it is refused
    and then put off."""
    with closing(Session(cluster)) as other:
        session.run("SELECT healthlake_enqueue_create_datastore('before')")
        other.run(RUN)
        since = len(emulator.log())
        emulator.next({"operation": CREATE, "reset": True})
        expire(emulator, CREATE, 1)
        id = session.one("SELECT healthlake_enqueue_create_datastore('resent')")
        pid = other.one("SELECT pg_backend_pid()")
        runner = threading.Thread(target=other.run, args=(RUN,))
        runner.start()
        until(lambda: sent(emulator, CREATE, since) == 2)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(5.5)
        os.kill(pid, signal.SIGCONT)
        runner.join()
    tap.same((sent(emulator, CREATE, since), session.run(
        "SELECT state, unsettled_since IS NOT NULL FROM healthlake_request WHERE id = %s", id)),
             (2, [("running", True)]), "renewed: what may have been carried out is not forgotten")


def test_renewed(emulator, cluster, session):
    """Credentials that AWS reports as expired, and that are renewed."""
    empty(emulator, session)
    session.run(f"ALTER SYSTEM SET healthlake.role_arn = '{ROLE}'")
    session.run("SELECT pg_reload_conf()")
    until(lambda: session.one("SHOW healthlake.role_arn") == ROLE)
    session.run(SLOW)
    expire(emulator, PATCH, 0)
    session.run(PATCHES, "a")
    since = len(emulator.log())
    session.run(RUN)
    tap.same(sent(emulator, PATCH, since), 2, "renewed: the request is sent again at once")
    tap.same(session.run("SELECT event, outcome FROM healthlake_event ORDER BY id"),
             [("enqueued", None), ("sent", None), ("replied", "succeeded")],
             "renewed: which is one sending for the history")
    session.run(PATCHES, "a")
    tap.same(renew_late(emulator, cluster, session, PATCH, "patch"), (0, 1),
             "renewed: a patch that another runner has taken meanwhile is not sent again")
    tap.same(session.run("SELECT state, attempts FROM healthlake_request ORDER BY id"),
             [("succeeded", 1), ("unknown", 1)], "renewed: it is what the other has found")
    session.run("SELECT healthlake_enqueue_create_datastore('renewed')")
    tap.same(renew_late(emulator, cluster, session, CREATE, "create"), (1, 1),
             "renewed: nor is a creation, which the other sends")
    tap.same(session.run("SELECT state, attempts FROM healthlake_request WHERE kind = 'create'"),
             [("succeeded", 2)], "renewed: and which has its data store")
    check_resent(emulator, cluster, session)
    session.run("ALTER SYSTEM RESET healthlake.role_arn")
    session.run("SELECT pg_reload_conf()")
    until(lambda: session.one("SHOW healthlake.role_arn") == "")


def forbid(session, forbidden):
    """Has the settings exclude each other, so that nothing can be sent; or no longer."""
    session.run("ALTER SYSTEM SET healthlake.use_fips_endpoint = %s", "on" if forbidden else "off")
    session.run("SELECT pg_reload_conf()")
    until(lambda: session.one("SHOW healthlake.use_fips_endpoint") == ("on", "off")[not forbidden])


def try_again(session, times):
    """Runs the queue so often, without the time between."""
    for _ in range(times):
        session.run("UPDATE healthlake_request SET run_after = clock_timestamp()"
                    " WHERE finished_at IS NULL")
        session.run(RUN)


def check_unsent(emulator, session, what, enqueue, wanted):
    """A request that cannot be sent three times, and then can."""
    since = len(emulator.log())
    id = enqueue()
    forbid(session, True)
    try_again(session, 3)
    tap.same((len(emulator.log()) - since, session.run(
        "SELECT state, error_sqlstate FROM healthlake_request WHERE id = %s", id)),
             (0, [("queued", "55000")]), f"unsent: {what} is put off")
    forbid(session, False)
    try_again(session, 1)
    tap.same(session.one(EVENTS, id), wanted, f"unsent: {what} has one sending in the history")


def test_unsent(emulator, cluster, session):
    """The history of attempts that have not left the server."""
    empty(emulator, session)
    check_unsent(emulator, session, "a creation",
                 lambda: session.one("SELECT healthlake_enqueue_create_datastore('unsent')"),
                 "enqueued, sent, replied succeeded")
    check_unsent(emulator, session, "a patch", lambda: session.one(PATCHES, "a"),
                 "enqueued, sent, replied succeeded")
    emulator.next({"operation": CREATE, "error": "InternalServerException"})
    id = session.one("SELECT healthlake_enqueue_create_datastore('broken')")
    session.run(RUN)
    forbid(session, True)
    try_again(session, 3)
    forbid(session, False)
    emulator.next({"operation": CREATE, "delay": 5})
    with closing(Session(cluster)) as other:
        since = len(emulator.log())
        runner = threading.Thread(target=other.state, args=(RUN,))
        session.run("UPDATE healthlake_request SET run_after = clock_timestamp()"
                    " WHERE finished_at IS NULL")
        runner.start()
        until(lambda: sent(emulator, CREATE, since))
        session.run("SELECT pg_terminate_backend(%s)", other.session.get_backend_pid())
        runner.join()
    try_again(session, 1)
    tap.same(session.one(EVENTS, id), "enqueued, sent, replied unknown, sent, sent,"
             " replied succeeded", "unsent: what was interrupted is sent, and so is its repetition")
    session.run("CREATE ROLE former; SELECT healthlake_grant('former', 'create')")
    session.run("SET ROLE former")
    id = session.one("SELECT healthlake_enqueue('CreateFHIRDatastore',"
                     """ '{"DatastoreTypeVersion": "R4"}')""")
    session.run("RESET ROLE; DROP OWNED BY former; DROP ROLE former")
    session.run(RUN)
    tap.same(session.run("SELECT outcome, error_code, note FROM healthlake_event"
                         " WHERE request_id = %s AND event = 'replied'", id),
             [("failed", "42501", "this attempt was not sent")], "unsent: the end says so")


def test_kept(emulator, session, seconds, what):
    """An outcome that cannot be recorded for some seconds; the end of the CALL's message."""
    empty(emulator, session)
    until_then = session.one("SELECT clock_timestamp() + %s * '1 s'::interval", seconds)
    session.run(REFUSE.format(condition="NEW.event = 'replied' AND"
                              f" clock_timestamp() < '{until_then}'"))
    session.run(PATCHES, "a")
    del session.session.notices[:]
    began = time.monotonic()
    tap.same(session.state(RUN), None, f"{what}: the CALL ends")
    tap.ok(time.monotonic() - began < 15, f"{what}: soon")
    return session.session.notices[-1].partition(": ")[2].strip().partition(": ")[2]


def main():
    """All checks."""
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    cluster = queue_cluster.make(
        emulator, {**os.environ, "AWS_ENDPOINT_URL_STS": emulator.http},
        healthlake__datastore_id=store, healthlake__autostart_worker="off",
        healthlake__worker_databases="", healthlake__request_timeout="3s")
    with cluster, closing(Session(cluster)) as session:
        session.run("CREATE EXTENSION healthlake")
        test_poisoned(emulator, cluster, session)
        test_late(emulator, cluster, session)
        test_waiting(emulator, cluster, session)
        test_renewed(emulator, cluster, session)
        test_unsent(emulator, cluster, session)
        tap.same(test_kept(emulator, session, 3, "for a moment"),
                 "1 succeeded, 0 failed, 0 unknown, 0 to be continued",
                 "for a moment: an outcome is recorded")
        tap.same(test_kept(emulator, session, 60, "for long"),
                 "0 succeeded, 0 failed, 0 unknown, 0 to be continued, 1 not recorded",
                 "for long: it is not kept a secret")
    emulator.stop()
    tap.end()


main()
