#!/usr/bin/python3
"""Reads and searches for what a request has done: they fail, at growing distances.

A request whose reply was lost is looked for again and again. Each failure doubles the pause, up to
five minutes, and healthlake_stuck_requests shows the request. A look that cannot be finished
because of what the request itself contains ends it as unknown, so that a person can resolve it.
One that fails for any other reason goes on for ever, but a person can end the request, as long as
nobody is looking.
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

LOST = {"cut": 60}  # carried out, and the reply was lost
UPDATE = "SELECT healthlake_fhir_enqueue_update(%s)"
CREATE = "SELECT healthlake_enqueue_create_datastore('searched for')"
RUN = "CALL healthlake_run_queue()"
DUE = """UPDATE healthlake_request SET run_after = clock_timestamp()
    WHERE id = %s AND finished_at IS NULL"""
AGE = """UPDATE healthlake_request SET run_after = clock_timestamp(),
    requested_at = requested_at - '2 hours'::interval,
    first_sent_at = first_sent_at - '2 hours'::interval,
    unsettled_since = unsettled_since - '2 hours'::interval WHERE id = %s"""
REST = """SELECT CASE WHEN finished_at IS NULL
    THEN extract(epoch FROM run_after - clock_timestamp())::float END
    FROM healthlake_request WHERE id = %s"""
STUCK = "SELECT reason FROM healthlake_stuck_requests WHERE id = %s"
ROW = """SELECT state, attempts, failed_looks, error_sqlstate
    FROM healthlake_request WHERE id = %s"""
WHY = "what has become of it cannot be found out: see its error, or look, then call " \
    "healthlake_resolve_request()"
END = "SELECT state, error_sqlstate, error_message FROM healthlake_request WHERE id = %s"
SEARCH = "outcome of UpdateResource is unknown: the search for it failed:"
RESOLVE = "SELECT healthlake_resolve_request(%s, 'succeeded', 'seen')"

HELD = "SELECT lease_holder IS NOT NULL FROM healthlake_request WHERE id = %s"
LATE = "UPDATE healthlake_request SET lease_until = now() - '1 s'::interval WHERE id = %s"
RESOLVED = """SELECT state, finished_at IS NOT NULL, lease_holder, resolved_by,
    (SELECT count(*)::int FROM healthlake_event WHERE request_id = r.id AND event = 'resolved')
    FROM healthlake_request AS r WHERE id = %s"""

tap = Tap()


def fail(session, id, times):
    """Looks so many times, whenever it is due; the seconds that it waits after each."""
    pauses = []
    for _ in range(times):
        session.run(DUE, id)
        session.run(RUN)
        pauses.append(session.one(REST, id))
    return pauses


def check_failing(session, emulator, what, id, operation, error):
    """Looks that fail, and in the end one that does not."""
    session.run(RUN)
    tap.same(session.one("SELECT unsettled_since IS NOT NULL FROM healthlake_request WHERE id = %s",
                         id), True, f"{what}: its reply was lost")
    session.run(AGE, id)
    before = len(emulator.log(operation=operation))
    emulator.next({"operation": operation, "status": 422 if error == "invalid" else 403,
                   "error": error, "times": 11})
    pauses = fail(session, id, 2)
    tap.same(session.run(STUCK, id), [], f"{what}: two failures are not told")
    pauses += fail(session, id, 9)
    longest = [min(2 ** number, 300) for number in range(11)]
    # half of a pause is by chance
    tap.ok(None not in pauses and
           all(most / 2 - 1 < one <= most for one, most in zip(pauses, longest)),
           f"{what}: each failure doubles the pause, up to five minutes", pauses)
    tap.same(len(emulator.log(operation=operation)) - before, 11, f"{what}: each time once")
    tap.same(session.run(STUCK, id), [(WHY,)],
             f"{what}: healthlake_stuck_requests shows it")
    tap.same(session.run(ROW, id), [("running", 1, 11, "22023" if error == "invalid" else "42501")],
             f"{what}: the row counts what has failed, apart from the attempts")
    session.run(DUE, id)
    session.run(RUN)
    tap.same(session.run(ROW, id), [("succeeded", 1, 0, None)], f"{what}: until one does not fail")


def deep(id, levels):
    """A resource with nested extensions."""
    inner, outer = '"extension": [{"url": "x"', "}]"
    return (f'{{"resourceType": "Patient", "id": "{id}", ' + ", ".join([inner] * (levels // 2))
            + outer * (levels // 2) + "}")


def lose(session, emulator, body):
    """Sends an update whose reply is lost; its id."""
    emulator.next({"operation": "fhir:update", **LOST})
    id = session.one(UPDATE, body)
    session.run(RUN)
    return id


def check_contents(session, emulator):
    """A body, and a stored resource, that are nested too deeply for whoever looks."""
    id = lose(session, emulator, deep("deep", 2))
    # which is refused when it is enqueued
    session.run("UPDATE healthlake_request SET body = b.body, body_sha256 ="
                " sha256(convert_to(b.body::text, 'UTF8')) FROM (SELECT %s::jsonb AS body) AS b"
                " WHERE id = %s", deep("deep", 1200), id)
    session.run("SET max_stack_depth = '100kB'")
    session.run(DUE, id)
    session.run(RUN)
    session.run("RESET max_stack_depth")
    tap.same(session.run(END, id), [("unknown", "38M01", f"{SEARCH} stack depth limit exceeded")],
             "contents: if a request itself does not allow a look, it is unknown, with the reason")
    tap.same(session.one(RESOLVE, id), True, "contents: and can be resolved")
    id = lose(session, emulator, deep("deeper", 2))
    emulator.next({"operation": "fhir:read", "status": 200, "body": deep("deeper", 200),
                   "times": 15})
    waits = session.one(UPDATE, json.dumps({"resourceType": "Patient", "id": "deeper"}))
    for _ in range(14):
        session.run(DUE, id)
        session.run(RUN)
    tap.same(session.run(ROW, id), [("running", 1, 14, "38P01")],
             "contents: a reply that cannot be used may be another's, such as a proxy's")
    session.run(DUE, id)
    session.run(RUN)
    tap.same(session.run(END, id), [
        ("unknown", "38M01",
         f"{SEARCH} unusable reply to ReadResource: the reply cannot be taken over")],
             "contents: but after fifteen of them the request is unknown")
    session.run(RUN)
    tap.same(session.run(ROW, waits), [("succeeded", 1, 0, None)],
             "contents: and no longer holds back those behind it")
    tap.same(session.one(RESOLVE, id), True, "contents: and can be resolved, too")


def check_mixed(session, emulator):
    """Other failures are not counted with replies that cannot be used."""
    id = lose(session, emulator, json.dumps({"resourceType": "Patient", "id": "mixed"}))
    for number in range(17):
        emulator.next({"operation": "fhir:read", "error": "forbidden"} if number < 15 else
                      {"operation": "fhir:read", "status": 200, "body": "<html>"})
        session.run(DUE, id)
        session.run(RUN)
    tap.same(session.run(ROW, id), [("running", 1, 17, "38P01")],
             "mixed: after an outage, some pages of a proxy do not end a request")


def check_alternating(session, emulator):
    """Failures of changing kinds, which are failures all the same."""
    id = lose(session, emulator, json.dumps({"resourceType": "Patient", "id": "alternating"}))
    pauses = []
    for number in range(8):
        emulator.next({"operation": "fhir:read", "error": "forbidden"} if number % 2 else
                      {"operation": "fhir:read", "status": 200, "body": "<html>"})
        pauses += fail(session, id, 1)
    tap.ok(pauses[-1] > 2 ** 7 / 2 - 1, "alternating: the pause grows", pauses)
    session.run(AGE, id)
    tap.same(session.run(STUCK, id), [(WHY,)], "alternating: and it is shown")


def begin_look(cluster, emulator, session, id, step):
    """A session that looks, and whose reply takes a while."""
    emulator.next({**step, "delay": 3})
    session.run(DUE, id)
    before = len(emulator.log(operation=step["operation"]))
    runner = threading.Thread(target=queue_cluster.ask, args=(cluster, RUN))
    runner.start()
    until(lambda: len(emulator.log(operation=step["operation"])) > before)
    return runner


def check_resolving(cluster, emulator, session, what, id, step):
    """A look that fails for ever, and a person who knows better."""
    session.run(AGE, id)
    tap.same(session.state(RESOLVE, id), "55000", f"{what}: nobody resolves what is not looked for")
    emulator.next({**step, "times": 3})
    fail(session, id, 3)
    runner = begin_look(cluster, emulator, session, id, step)
    tap.same(session.state(RESOLVE, id), "55000", f"{what}: nor what somebody is looking for")
    tap.same(session.one(HELD, id), True, f"{what}: who still has it")
    runner.join()
    session.run(DUE, id)
    before = len(emulator.log())
    with closing(Session(cluster)) as other:
        other.run("BEGIN")
        tap.same(other.one(RESOLVE, id), True, f"{what}: between two looks, a person resolves it")
        session.run(RUN)
        other.run("COMMIT")
        session.run(RUN)
    tap.same(len(emulator.log()) - before, 0, f"{what}: which ends the looks")
    tap.same(session.run(RESOLVED, id), [("succeeded", True, None, "postgres", 1)],
             f"{what}: and says so")


def check_late(cluster, emulator, session, id, step):
    """A runner whose lease has ended, and whose look succeeds when the request is resolved."""
    session.run(AGE, id)
    emulator.next(step)
    fail(session, id, 1)
    runner = begin_look(cluster, emulator, session, id, {"operation": step["operation"]})
    session.run(LATE, id)
    tap.same(session.one(RESOLVE.replace("succeeded", "failed"), id), True,
             "late: what a runner has no more is resolved")
    runner.join()
    tap.same(session.run(RESOLVED, id), [("failed", True, None, "postgres", 1)],
             "late: and what it finds changes nothing")


def check_resolved(cluster, emulator, session):
    """Reads, searches and polls that fail for ever."""
    read = {"operation": "fhir:read", "status": 403, "error": "forbidden"}
    search = {"operation": "ListFHIRDatastores", "status": 403, "error": "AccessDeniedException"}
    check_resolving(cluster, emulator, session, "resolved read",
                    lose(session, emulator, '{"resourceType": "Patient", "id": "c"}'), read)
    check_late(cluster, emulator, session,
               lose(session, emulator, '{"resourceType": "Patient", "id": "d"}'), read)
    emulator.next({"operation": "CreateFHIRDatastore", **LOST})
    id = session.one(CREATE)
    session.run(RUN)
    check_resolving(cluster, emulator, session, "resolved search", id, search)
    id = session.one("SELECT healthlake_enqueue_create_datastore('polled', until => 'ACTIVE')")
    session.run(RUN)
    tap.same(session.state(RESOLVE, id), "55000", "resolved poll: nobody resolves what is polled")
    emulator.next({"operation": "DescribeFHIRDatastore", "status": 403,
                   "error": "AccessDeniedException"})
    session.run(DUE, id)
    session.run(RUN)
    tap.same(session.one(RESOLVE, id), True, "resolved poll: but what cannot be polled")


def check_poll(cluster, session):
    """A poll that a setting forbids waits as long as any other."""
    id = session.one("SELECT healthlake_enqueue_create_datastore('polled', until => 'ACTIVE')")
    session.run(RUN)
    session.run("UPDATE healthlake_request SET first_sent_at = first_sent_at - '1 hour'::interval"
                " WHERE id = %s", id)
    session.run("ALTER SYSTEM SET healthlake.use_fips_endpoint = on")
    session.run("SELECT pg_reload_conf()")
    with closing(Session(cluster)) as other:
        until(lambda: other.one("SHOW healthlake.use_fips_endpoint") == "on")
        session.run(DUE, id)
        other.run(RUN)
        tap.same(other.run(ROW, id), [("running", 1, 0, "55000")], "poll: a setting forbids it")
        rest = other.one(REST, id)
        tap.ok(rest > 5, f"poll: the next is in {rest:.1f} s")


def main():
    """All checks, on one server."""
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    cluster = queue_cluster.make(emulator, healthlake__datastore_id=store,
                                 healthlake__autostart_worker="off")
    with cluster, closing(Session(cluster)) as session:
        session.run("CREATE EXTENSION healthlake")
        emulator.next({"operation": "fhir:update", **LOST})
        id = session.one(UPDATE, json.dumps({"resourceType": "Patient", "id": "a"}))
        check_failing(session, emulator, "read", id, "fhir:read", "forbidden")
        emulator.next({"operation": "fhir:update", **LOST})
        id = session.one(UPDATE, json.dumps({"resourceType": "Patient", "id": "b"}))
        check_failing(session, emulator, "invalid", id, "fhir:read", "invalid")
        emulator.next({"operation": "CreateFHIRDatastore", **LOST})
        check_failing(session, emulator, "search", session.one(CREATE), "ListFHIRDatastores",
                      "AccessDeniedException")
        check_contents(session, emulator)
        check_mixed(session, emulator)
        check_alternating(session, emulator)
        check_resolved(cluster, emulator, session)
        check_poll(cluster, session)
    emulator.stop()
    tap.end()


main()
