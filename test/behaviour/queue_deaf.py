#!/usr/bin/python3
"""A client of healthlake_run_queue() that does not read what it is sent.

A backend that has to send something to such a client waits for it without end. It must hold nothing
then for which others wait, whatever makes it send something: settings of the client, messages of a
trigger, a cancel, a termination. What it is sent says nothing of the requests of other roles. The
same applies to a client that is told why a request cannot be retried, or resolved. The log says
that a runner waits for another one that claims, or has met a deadlock there.
"""

import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, until  # noqa: E402  pylint: disable=C0413
from session import read_on, without_reading  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

MARK = "Mustermann-4711"
PLANS = "-c client_min_messages=log -c debug_print_plan=on"
CHATTY = f"{PLANS} -c debug_print_parse=on -c debug_print_rewritten=on"
# sessions of these names are slow, loud or faulty when they claim or record FHIR requests
TRIGGER = """
CREATE FUNCTION public.drag() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who text := pg_catalog.current_setting('application_name');
    claims bool := NEW.state = 'running' AND OLD.state = 'queued';
BEGIN
    IF NEW.kind <> 'fhir' THEN
        IF claims AND NEW.request ->> 'DatastoreName' = 'poison' THEN
            RAISE EXCEPTION 'not this one';
        END IF;
        RETURN NEW;
    END IF;
    IF claims AND who = 'slow' OR who = 'late' AND NEW.state = 'succeeded' THEN
        EXECUTE 'SELECT pg_catalog.pg_sleep(60) /*' || pg_catalog.repeat('x', 3000000) || '*/';
    ELSIF claims AND who = 'loud' THEN
        RAISE INFO '%', pg_catalog.repeat('x', 3000000);
    ELSIF claims AND who = 'first' THEN
        -- the other one is to find the deadlock
        PERFORM pg_catalog.set_config('deadlock_timeout', '30s', true);
        PERFORM FROM public.healthlake_request WHERE resource_id = 'held' FOR UPDATE;
    ELSIF who = 'second' AND NEW.state = 'succeeded' THEN
        PERFORM pg_catalog.pg_advisory_xact_lock(10);
    ELSIF who = 'faulty' AND NEW.state <> 'running' OR who = 'broken' AND NOT claims THEN
        RAISE EXCEPTION 'not even %', NEW.body;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER drag BEFORE UPDATE ON healthlake_request FOR EACH ROW EXECUTE FUNCTION public.drag()
"""
PRINTED = ("parse tree", "rewritten parse tree", "plan")
LOCKED = """SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND granted
    AND (classid, objid, objsubid) = ('pg_class'::regclass, 'healthlake_request'::regclass, 1)"""
HELD = """SELECT count(*) FROM healthlake_request WHERE state = 'running'
    AND healthlake_holds_leases(lease_holder)"""
WAITS = "cannot be claimed while another worker or session claims them: "
WHO = """SELECT pid FROM pg_stat_activity WHERE application_name = %s AND wait_event = %s"""

tap = Tap()


def enqueue(session, count=3):
    """Requests of another role, of both planes."""
    for number in range(count):
        session.run("SELECT healthlake_fhir_enqueue_update(jsonb_build_object('resourceType',"
                    " 'Patient', 'id', gen_random_uuid(), 'name', jsonb_build_array("
                    "jsonb_build_object('family', %s::text))))", f"{MARK}-{number}")
    session.run("SELECT healthlake_enqueue_create_datastore('other')")


def hears(session):
    """Reads what there is; the SQLSTATE of an error, which a connection that is lost has not."""
    error = read_on(session)
    return "no error" if error is None else error.pgcode


@contextmanager
def deaf(cluster, name, options="", statement="CALL healthlake_run_queue()"):
    """Has a statement of whose result nothing is read; waits until its server process is gone."""
    where = cluster.where(user="bob", application_name=name, options=options)
    try:
        with without_reading(where, statement) as session:
            yield session
    finally:
        # a CALL whose client is gone takes what the next check queues, too
        with closing(Session(cluster)) as other:
            until(lambda: other.one("SELECT count(*) FROM pg_stat_activity"
                                    " WHERE application_name = %s", name) == 0, 20)


def drains(session, what):
    """A second CALL sends what is left, which does not take long."""
    began = time.monotonic()
    session.run("SET statement_timeout = '20 s'")
    until(lambda: session.one(LOCKED) == 0, 5)
    tap.same(session.one(LOCKED), 0, f"{what}: no lock is held")
    free = session.one(LOCKED) == 0
    said = session.state("CALL healthlake_run_queue()") if free else "waits"
    tap.same((said, session.one(OPEN)), (None, 0), f"{what}: another CALL sends the rest")
    tap.say(f"{what}: {time.monotonic() - began:.1f} s")


def test_chatty(cluster, session):
    """Settings of the client that have the server tell it everything."""
    enqueue(session, 12)
    with deaf(cluster, "chatty", PLANS):
        until(lambda: session.one(OPEN) == 0 or session.run(WHO, "chatty", "ClientWrite"), 20)
        drains(session, "chatty")


def test_loud(cluster, session):
    """A message that no setting keeps from the client."""
    enqueue(session)
    with deaf(cluster, "loud"):
        until(lambda: session.one(OPEN) == 0 or session.run(WHO, "loud", "ClientWrite"), 20)
        drains(session, "loud")


def test_ended(cluster, session):
    """An error, and the end of the session, with a CONTEXT that no socket takes at once."""
    for function in ("pg_cancel_backend", "pg_terminate_backend"):
        enqueue(session)
        with deaf(cluster, "slow") as caller:
            found = until(lambda: session.run(WHO, "slow", "PgSleep"), 20)
            tap.ok(found, f"{function}: a claim is under way")
            session.run(f"SELECT {function}(%s)", found[0][0])
            drains(session, function)
            wanted = "57014" if function == "pg_cancel_backend" else None
            tap.same(hears(caller), wanted, f"{function}: the client is told")


def test_in_flight(cluster, session, emulator):
    """An error of a later round frees the requests in flight, before it is told."""
    emulator.next({"operation": "CreateFHIRDatastore", "delay": 60})
    enqueue(session, 1)
    with deaf(cluster, "late"):
        found = until(lambda: session.run(WHO, "late", "PgSleep"), 20)
        held = session.one(HELD)
        session.run("SELECT pg_cancel_backend(%s)", found[0][0])
        tap.same(until(lambda: bool(session.run(WHO, "late", "ClientWrite")), 10), True,
                 "in flight: a client does not read an error")
        tap.same((held, until(lambda: session.one(HELD) == 0, 10)), (2, True),
                 "in flight: and whoever has failed holds no request")
    session.run("UPDATE healthlake_request SET run_after = clock_timestamp()"
                " WHERE finished_at IS NULL")
    drains(session, "in flight")


@contextmanager
def claiming(cluster, session, *names):
    """While one runner claims for long, another has creations to send; what ends the claim."""
    with deaf(cluster, "slow"):
        found = until(lambda: session.run(WHO, "slow", "PgSleep"), 20)
        for name in names:
            session.run("SELECT healthlake_enqueue_create_datastore(%s)", name)
        with deaf(cluster, "other"):
            yield lambda: session.run("SELECT pg_terminate_backend(%s)", found[0][0])


def is_made(session, name):
    """How many data stores of the name are made, at last."""
    return until(lambda: session.one(
        "SELECT count(*) FROM healthlake_request WHERE kind = 'create'"
        " AND state = 'succeeded' AND request ->> 'DatastoreName' = %s", name), 20)


def test_stuck_beside(cluster, session):
    """While somebody claims, a request that cannot be claimed does not stop others of its kind."""
    enqueue(session, 1)
    with claiming(cluster, session, "poison", "beside") as end:
        tap.same(is_made(session, "beside"), 1,
                 "beside: a request that cannot be claimed leaves others alone")
        end()
        session.run("SELECT healthlake_cancel_request(id) FROM healthlake_request"
                    " WHERE request ->> 'DatastoreName' = 'poison'")
    drains(session, "beside")


def test_refused(cluster, session, emulator):
    """A request that is being sent, and that somebody wants to retry, or to resolve."""
    for function in ("healthlake_retry_request(%s)",
                     "healthlake_resolve_request(%s, 'failed', 'x')"):
        emulator.next(operation="CreateFHIRDatastore", delay=3)
        with closing(Session(cluster, user="bob")) as bob:
            id = bob.one("SELECT healthlake_enqueue_create_datastore('mine')")
        call = (function % id).replace("'", "''")
        with deaf(cluster, "runner"):
            until(lambda: session.run(WHO, "runner", "Extension")
                  or session.run(WHO, "runner", "HealthlakeReply"))
            with deaf(cluster, "asker", "", f"DO $$BEGIN EXECUTE 'SELECT {call} /*' ||"
                      " repeat('x', 3000000) || '*/'; END$$"):
                tap.ok(until(lambda: session.run(WHO, "asker", "ClientWrite")),
                       f"{function}: it is refused")
                tap.same((session.one(OPEN), until(lambda: session.one(OPEN) == 0, 10)), (1, True),
                         f"{function}: the end of the request is recorded")


def test_deadlock(cluster, session):
    """Somebody who claims waits for a row that another records, who waits for the turn to claim."""
    update = "SELECT healthlake_fhir_enqueue_update(%s)"
    run = (cluster, "CALL healthlake_run_queue()")
    found = f"{WAITS}deadlock detected"
    before = cluster.log().count(found)
    with closing(Session(cluster)) as holder:
        holder.run("SELECT pg_advisory_lock(10)")
        session.run(update, '{"resourceType": "Patient", "id": "held"}')
        runners = [threading.Thread(target=queue_cluster.ask, args=run,
                                    kwargs={"application_name": name})
                   for name in ("second", "first")]
        runners[0].start()
        tap.ok(until(lambda: session.run(WHO, "second", "advisory")), "deadlock: one records")
        session.run(update, '{"resourceType": "Patient", "id": "next"}')
        runners[1].start()
        tap.ok(until(lambda: session.run(WHO, "first", "transactionid")),
               "deadlock: another claims, and waits for that")
        holder.run("SELECT pg_advisory_unlock(10)")
        for runner in runners:
            runner.join()
    tap.same(cluster.log().count(found) - before, 1, "deadlock: the log says")
    tap.same(session.run("SELECT state FROM healthlake_request WHERE resource_id = ANY (%s)",
                         ["held", "next"]), [("succeeded",)] * 2, "deadlock: and both are sent")


def test_other_work(cluster, session):
    """While somebody claims, for however long, others send what need not wait for that."""
    enqueue(session)
    found = f"{WAITS}canceling statement due to lock timeout"
    before = cluster.log().count(found)
    with claiming(cluster, session, "more") as end:
        tap.same(is_made(session, "more"), 1, "another runner sends other requests")
        tap.same(session.one(LOCKED), 1, "while the claim is under way")
        time.sleep(1)
        tap.same(cluster.log().count(found) - before, 1,
                 "the log says what they wait for, and does not repeat it")
        end()
        tap.same(until(lambda: session.one(OPEN) == 0), True, "and those once it is over")


def settles(session):
    """Whether the queue is empty, after so many CALLs."""
    return until(lambda: session.state("CALL healthlake_run_queue()") is None
                 and session.one(OPEN) == 0)


def heard(session):
    """What a CALL tells its client."""
    del session.session.notices[:]
    session.run("CALL healthlake_run_queue()")
    return [one.split(":")[0] for one in session.session.notices], "".join(session.session.notices)


def test_heard(cluster, session):
    """What a client is told."""
    enqueue(session, 5)
    with closing(Session(cluster, user="bob", options=CHATTY)) as bob:
        kinds, told = heard(bob)
        tap.ok("healthlake_run_queue: 6 succeeded, 0 failed" in told, "a client is told the counts",
               told[:2000])
        tap.same(kinds, ["LOG", "LOG", "NOTICE"], "and what PostgreSQL makes of the CALL itself")
    tap.same([cluster.log().count(f"LOG:  {what}:") for what in PRINTED], [1, 1, 0],
             "the log has no plans, which have the values of others' requests")
    enqueue(session)
    with closing(Session(cluster, user="bob", options="-c client_min_messages=log",
                         application_name="faulty")) as bob:
        told = heard(bob)[1]
    tap.ok(MARK not in told and "cannot be recorded" not in told,
           "nor of the faults of others' requests", told[:2000])
    tap.ok("cannot be recorded: not even" in cluster.log(), "which are in the log")
    tap.same(settles(session), True, "and pass")
    enqueue(session)
    with closing(Session(cluster, user="bob", application_name="broken")) as bob:
        told = heard(bob)[1]
    tap.ok(MARK not in told and "cannot be marked" not in told, "nor of others", told[:2000])
    tap.same(settles(session), True, "and others send the rest")


def main():
    """All checks."""
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    cluster = queue_cluster.make(emulator, healthlake__datastore_id=store,
                                 healthlake__autostart_worker="off", log_statement="none",
                                 deadlock_timeout="20ms",
                                 log_min_error_statement="panic")
    with cluster, closing(Session(cluster)) as session:
        session.run("CREATE EXTENSION healthlake")
        session.run("CREATE ROLE bob LOGIN")
        session.run("SELECT healthlake_grant('bob', 'manage', 'create')")
        session.run(TRIGGER)
        test_chatty(cluster, session)
        test_loud(cluster, session)
        test_ended(cluster, session)
        test_refused(cluster, session, emulator)
        test_deadlock(cluster, session)
        test_other_work(cluster, session)
        test_stuck_beside(cluster, session)
        test_in_flight(cluster, session, emulator)
        test_heard(cluster, session)
    emulator.stop()
    tap.end()


main()
