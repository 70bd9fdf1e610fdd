#!/usr/bin/python3
"""The cost of a claim, turns of roles, and the rate of throttled requests.

A row that another session has locked must not make a runner spin. What is in flight for a row is
not recorded as that of another. A row that is claimed between the
snapshot and the lock of another runner is claimed once. Future and finished rows cost a claim
nothing: it reads no more buffers than on an empty table. Roles take turns. Throttled requests are
sent at the rate of their quota. HEALTHLAKE_TEST_LONG=1 takes 100,000 future and 1,000,000 finished
rows, measures times and CPU, and sends five creations at one a minute.
"""

import json
import os
import re
import statistics
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

CREATE, EXPORT = "CreateFHIRDatastore", "StartFHIRExportJob"
LONG = bool(os.environ.get("HEALTHLAKE_TEST_LONG"))
FUTURE, FINISHED = (100000, 1000000) if LONG else (10000, 50000)
WORKER = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'healthlake worker'"
# rows like those of an enqueue function, inserted by one statement
FILL = """INSERT INTO healthlake_request (operation, kind, request, client_token, request_hash,
    origin, state, region, endpoint, session_role, "current_role", run_after, timeline, {columns})
    SELECT 'CreateFHIRDatastore', 'create', r, i::text, sha256(convert_to(r::text, 'UTF8')),
    'queue', {values} FROM generate_series(1, %s) AS i,
    LATERAL (SELECT jsonb_build_object('DatastoreName', 'x' || i, 'DatastoreTypeVersion', 'R4'))
    AS q (r)"""
FUTURE_ROWS = FILL.format(columns="reference", values="""'queued', 'us-east-1', NULL, 'postgres',
    'postgres', now() + '10 years'::interval + i * '1 s'::interval, 1, NULL""")
FINISHED_ROWS = FILL.format(
    columns="finished_at, response, datastore_id, attempts", values="""'succeeded', 'us-east-1',
    NULL, 'postgres', 'postgres', now() - '1 day'::interval, 1, now() - i * '1 s'::interval,
    '{}', md5(i::text), 1""")

tap = Tap()


def cpu(pid):
    """The CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """The memory of a process of its own, in kB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1])


def empty(session):
    """Empties the table, which a trigger protects."""
    session.run("SET session_replication_role = replica")
    session.run("TRUNCATE healthlake_request")
    session.run("RESET session_replication_role")


# ------------------------------------------------------------------- locks

def test_lock(cluster, session):
    """A row that another session has locked."""
    empty(session)
    session.run("SELECT healthlake_enqueue_create_datastore('locked', run_after => now() + '2 s')")
    with closing(Session(cluster)) as other:
        other.run("BEGIN")
        other.run("SELECT healthlake_cancel_request(id) FROM healthlake_request")
        time.sleep(3)
        pid = session.one(WORKER)
        before = cpu(pid)
        time.sleep(4)
        spent = cpu(pid) - before
        tap.ok(spent < 0.4, f"a locked row: the worker had {spent:.2f} s of CPU in 4 s")
        began = time.monotonic()
        tap.same(session.state("CALL healthlake_run_queue()"), None, "a locked row: a CALL ends")
        tap.ok(time.monotonic() - began < 4, "a locked row: before long")
        session.run("SELECT healthlake_enqueue_create_datastore('another')")
        tap.ok(until(lambda: session.one(
            "SELECT state FROM healthlake_request WHERE request ->> 'DatastoreName' = 'another'")
            == "succeeded"), "a locked row: others are sent")
        other.run("ROLLBACK")
    tap.ok(until(lambda: session.one(OPEN) == 0), "a locked row: it is sent once it is free")


# -------------------------------------------------------------------- cost

def enqueue_and_wait(session, name):
    """
    Enqueues a request and waits until the worker has sent it; returns the seconds from the commit.
    """
    id = session.one("SELECT healthlake_enqueue_create_datastore(%s)", name)
    began = time.monotonic()
    while session.one("SELECT finished_at IS NULL FROM healthlake_request"
                      " WHERE home = healthlake_home() AND id = %s", id):
        time.sleep(0.002)
    return time.monotonic() - began


def measure(session, count):
    """The median time of a request and the worker's CPU for each, in milliseconds."""
    pid = session.one(WORKER)
    times = []
    for number in range(10):
        enqueue_and_wait(session, f"warm {number}")
    before = cpu(pid)
    for number in range(count):
        times.append(enqueue_and_wait(session, f"timed {number}"))
    return statistics.median(times) * 1000, (cpu(pid) - before) / count * 1000


def buffers(session):
    """The number of buffers of the table and its indexes read so far."""
    session.run("SELECT pg_stat_clear_snapshot()")
    return session.one("""SELECT heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit
        FROM pg_statio_all_tables WHERE relname = 'healthlake_request'""")


def touched(session):
    """The buffers that one request takes in CALL healthlake_run_queue()."""
    session.run("CALL healthlake_run_queue()")
    time.sleep(1.2)  # statistics are reported at most once a second
    session.run("SELECT pg_stat_force_next_flush()")
    before = buffers(session)
    for number in range(10):
        session.run("SELECT healthlake_enqueue_create_datastore(%s)", f"touched {number}")
        session.run("CALL healthlake_run_queue()")
    session.run("SELECT pg_stat_force_next_flush()")
    return (buffers(session) - before) / 10


def test_cost(session):
    """The cost for a claim of rows that are not due."""
    empty(session)
    session.run("ALTER SYSTEM SET healthlake.autostart_worker = off")
    session.run("ALTER SYSTEM SET healthlake.worker_databases = ''")
    session.run("SELECT pg_reload_conf()")
    session.run(f"SELECT pg_terminate_backend(pid) FROM ({WORKER}) AS w")
    until(lambda: not session.run(WORKER))
    without = touched(session)
    session.run(FUTURE_ROWS, FUTURE)
    session.run(FINISHED_ROWS, FINISHED)
    session.run("VACUUM ANALYZE healthlake_request")
    beside = touched(session)
    tap.ok(beside < without * 1.5 + 40,
           f"a request touches {without:.0f} buffers, and {beside:.0f} beside {FUTURE:,} future "
           f"and {FINISHED:,} finished rows")
    times = []
    for _ in range(5):
        began = time.monotonic()
        session.run("SELECT count(*) FROM healthlake_stuck_requests")
        times.append(time.monotonic() - began)
    tap.ok(min(times) < 0.05, f"healthlake_stuck_requests takes {min(times) * 1000:.1f} ms")
    plan = "\n".join(row[0] for row in session.run(
        "EXPLAIN SELECT * FROM healthlake_stuck_requests"))
    tap.ok("Seq Scan on healthlake_request" not in plan, "it has no sequential scan", plan)


def test_times(cluster, session):
    """Time and CPU, with many rows and with none."""
    session.run("ALTER SYSTEM SET healthlake.worker_databases = 'postgres'")
    session.run("SELECT pg_reload_conf()")
    until(lambda: ask(cluster, WORKER))
    beside = measure(session, 200)
    empty(session)
    alone = measure(session, 200)
    tap.say(f"a request takes {alone[0]:.2f} ms and {alone[1]:.2f} ms of the worker's CPU in an "
            f"empty table; {beside[0]:.2f} and {beside[1]:.2f} beside {FUTURE:,} future and "
            f"{FINISHED:,} finished rows")
    tap.ok(beside[0] <= alone[0] * 1.2, "at most 1.2 times the time")
    tap.ok(beside[1] <= alone[1] * 1.2, "at most 1.2 times the CPU")


# ----------------------------------------------------------------- runners

def test_runners(emulator, cluster, session):
    """A request in flight is marked, and no other runner sends it."""
    empty(session)
    emulator.reset()
    emulator.next(operation=CREATE, delay=2, times="always")
    session.run("SELECT healthlake_enqueue_create_datastore('held')")
    first = threading.Thread(target=ask, args=(cluster, "CALL healthlake_run_queue()"))
    first.start()
    until(emulator.log)
    tap.same(session.run("SELECT state, first_sent_at <= now(), unsettled_since <= now(),"
                         " lease_until > now() FROM healthlake_request"),
             [("running", True, True, True)], "two runners: the row may have been sent, it says")
    tap.same(session.state("CALL healthlake_run_queue()"), None, "two runners: the second ends")
    first.join()
    tap.same([entry["operation"] for entry in emulator.log()], [CREATE],
             "two runners: what the first has in flight is sent once")
    tap.same(session.run("SELECT state, unsettled_since FROM healthlake_request"),
             [("succeeded", None)], "two runners: afterwards its outcome is certain")


# a function in the claim that makes a runner with this name wait for the test's lock
WAITING_CLAIM = """ALTER FUNCTION healthlake_holds_leases RENAME TO holds_leases_at_once;
    CREATE FUNCTION healthlake_holds_leases(holder int8) RETURNS bool LANGUAGE plpgsql AS $$
    BEGIN
        IF pg_catalog.current_setting('application_name') OPERATOR(pg_catalog.=) 'late' THEN
            PERFORM pg_catalog.pg_advisory_lock(10), pg_catalog.pg_advisory_unlock(10);
        END IF;
        RETURN public.holds_leases_at_once(holder);
    END $$"""
# a row whose runner has ended: a claim checks whether it exists
ABANDON = """UPDATE healthlake_request SET state = 'running', lease_holder = 1,
    lease_until = now() + '1 h'::interval WHERE request ->> 'DatastoreName' = 'abandoned'"""
WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def test_between(emulator, cluster, session):
    """A row that one runner claims between the snapshot and the lock of another."""
    empty(session)
    emulator.reset()
    emulator.next(operation=CREATE, delay=2, times="always")
    session.run("SELECT healthlake_enqueue_create_datastore(n) FROM (VALUES ('abandoned'),"
                " ('free')) AS v (n)")
    session.run(f"SET session_replication_role = replica; {ABANDON};"
                f"RESET session_replication_role; {WAITING_CLAIM}")
    with closing(Session(cluster)) as holder:
        holder.run("SELECT pg_advisory_lock(10)")
        runners = [threading.Thread(target=ask, args=(cluster, "CALL healthlake_run_queue()"),
                                    kwargs={"application_name": name}) for name in ("late", "a")]
        runners[0].start()
        tap.ok(until(lambda: session.one(WAITS) == 1), "between: the first runner has its snapshot")
        runners[1].start()
        tap.ok(until(lambda: len(emulator.log()) == 2), "between: another has claimed both rows")
        holder.run("SELECT pg_advisory_unlock(10)")
        runners[0].join()
        tap.same(len(emulator.log()), 2, "between: the first claims neither")
        runners[1].join()
    tap.same([entry["operation"] for entry in emulator.log()], [CREATE] * 2,
             "between: each is sent once")
    session.run("DROP FUNCTION healthlake_holds_leases; ALTER FUNCTION holds_leases_at_once"
                " RENAME TO healthlake_holds_leases")


# ------------------------------------------------------------------- tables

def test_remade(emulator, session, how, statement):
    """A call in flight whose row is gone, and another row of its id, which the same worker claims:
    what the call has made is not recorded as another's. The other is of another kind, since a
    second creation would wait for the first."""
    session.run("SET session_replication_role = replica")
    session.run("TRUNCATE healthlake_request RESTART IDENTITY")
    emulator.reset()
    arn = "arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/" + \
        emulator.place({"DatastoreName": "tagged"})[0]
    emulator.next({"operation": CREATE, "delay": 6}, {"operation": "TagResource", "delay": 12})
    old = session.one("SELECT healthlake_enqueue_create_datastore('old')")
    until(lambda: emulator.log())
    session.run(statement)
    session.run("RESET session_replication_role")
    tap.same(session.one("SELECT healthlake_enqueue('TagResource', jsonb_build_object("
                         "'ResourceARN', %s, 'Tags', jsonb_build_array("
                         "jsonb_build_object('Key', 'a', 'Value', 'b'))))", arn),
             old, f"{how}: another request has the id of one that is in flight")
    if how == "dropped":  # in the same table, an id that is in hand waits
        tap.ok(until(lambda: emulator.log(operation="TagResource"), 5),
               f"{how}: and is sent meanwhile")
    until(lambda: session.one(OPEN) == 0, 40)
    tap.same(session.run("SELECT operation, state, response FROM healthlake_request"),
             [("TagResource", "succeeded", {})], f"{how}: it has what was made for it")
    tap.same(len(emulator.log(operation="TagResource")), 1, f"{how}: and was sent once")


# ------------------------------------------------------------------- rounds

def test_failing(emulator, cluster, session):
    """A claim that fails in the transaction that records an ending."""
    empty(session)
    emulator.reset()
    emulator.next({"operation": CREATE, "delay": 3})
    session.run("SELECT healthlake_enqueue_create_datastore('known')")
    with closing(Session(cluster)) as other:
        runner = threading.Thread(target=other.state, args=("CALL healthlake_run_queue()",))
        runner.start()
        until(lambda: emulator.log())
        session.run("ALTER TABLE healthlake_request RENAME fence TO fenced")
        runner.join()
        session.run("ALTER TABLE healthlake_request RENAME fenced TO fence")
    tap.same(session.run("SELECT state, attempts, lease_holder FROM healthlake_request"),
             [("succeeded", 1, None)], "a claim that fails: the reply is recorded")


# ---------------------------------------------------------------- searches

def test_search(emulator, cluster, session):
    """A list of many large pages is read page by page, and not to its end; meanwhile the row is
    the runner's."""
    empty(session)
    emulator.reset()
    emulator.next({"operation": CREATE, "status": 200, "cut": 60}, *({
        "operation": "ListFHIRDatastores", "status": 200, "body": {
            "DatastorePropertiesList": [], "NextToken": f"t{number}", "Pad": "x" * 4000000}}
        for number in range(24)))
    with closing(Session(cluster)) as other:
        other.run("SET client_min_messages = error")
        session.run("SELECT healthlake_enqueue_create_datastore('searched')")
        other.run("CALL healthlake_run_queue()")
        session.run("""UPDATE healthlake_request SET run_after = now(),
            first_sent_at = first_sent_at - '2 h'::interval,
            unsettled_since = unsettled_since - '2 h'::interval""")
        pid = other.one("SELECT pg_backend_pid()")
        before = peak = memory(pid)
        runner = threading.Thread(target=other.run, args=("CALL healthlake_run_queue()",))
        runner.start()
        while runner.is_alive():
            peak = max(peak, memory(pid))
            time.sleep(0.02)
    tap.ok(peak - before < 50000, f"a search takes {peak - before} kB for pages of 4 MB")
    made = len(emulator.log(operation="ListFHIRDatastores"))
    tap.ok(16 < made < 20, "it ends after some pages", made)
    tap.same(session.run("SELECT state, note LIKE 'the search has ended after % pages%'"
                         " FROM healthlake_request"), [("unknown", True)], "and says so")


# ------------------------------------------------------------------- turns

def test_turns(emulator, cluster, session):
    """The many requests of one role delay the few of another by at most one round."""
    empty(session)
    emulator.reset()
    emulator.next(operation="TagResource", delay=0.1, times="always")
    store = emulator.place({"DatastoreName": "there"})[0]
    arn = [one["DatastoreArn"] for one in emulator.stores() if one["DatastoreId"] == store][0]
    for role in ("many", "few"):
        session.run(f"CREATE ROLE {role} LOGIN")
        session.run("SELECT healthlake_grant(%s, 'manage')", role)
    request = json.dumps({"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "b"}]})
    for role, count in (("many", 200), ("few", 5)):
        with closing(Session(cluster, user=role)) as other:
            other.run("SELECT count(healthlake_enqueue('TagResource', %s))"
                      " FROM generate_series(1, %s)", request, count)
    session.run("SET healthlake.max_concurrency = 4")
    session.run("CALL healthlake_run_queue()")
    session.run("RESET healthlake.max_concurrency")
    behind = session.one("""SELECT count(*) FROM healthlake_request WHERE session_role = 'many'
        AND first_sent_at < (SELECT max(first_sent_at) FROM healthlake_request
        WHERE session_role = 'few')""")
    tap.ok(behind <= 20, f"turns: {behind} of the many requests go before the last of the few")
    order = session.one("""SELECT bool_and(first_sent_at >= before) FROM (SELECT first_sent_at,
        lag(first_sent_at) OVER (PARTITION BY session_role ORDER BY id) AS before
        FROM healthlake_request) AS o""")
    tap.ok(order, "turns: requests of one role are sent in order")


# -------------------------------------------------------------------- pace

def test_pace(emulator, session, operation, every):
    """Five requests of an operation with a quota of one request in some seconds."""
    empty(session)
    emulator.reset()
    emulator.state(quotas={operation: every})
    store = emulator.place({"DatastoreName": "there"})[0]
    request = {"DatastoreTypeVersion": "R4", "DatastoreName": "paced"}
    if operation == EXPORT:
        request = {"DatastoreId": store,
                   "DataAccessRoleArn": "arn:aws:iam::123456789012:role/export",
                   "OutputDataConfig": {"S3Configuration": {"S3Uri": "s3://bucket/out/",
                                                          "KmsKeyId": "alias/health"}}}
    session.run("SELECT count(healthlake_enqueue(%s, %s)) FROM generate_series(1, 5)", operation,
                json.dumps(request))
    began = time.monotonic()
    while session.one(OPEN) > 0 and time.monotonic() < began + every * 20:
        session.run("CALL healthlake_run_queue()")
        time.sleep(0.05)
    took = time.monotonic() - began
    answers = [entry["answer"]["status"] for entry in emulator.log()
               if entry["operation"] == operation]
    tap.same(session.run("SELECT state, count(*) FROM healthlake_request GROUP BY 1"),
             [("succeeded", 5)], f"{operation}: five requests succeed at one in {every} s")
    tap.ok(answers.count(400) <= 2, f"{operation}: {answers.count(400)} are throttled")
    tap.ok(took <= max(every, 1) * 4 * 1.1 + 1, f"{operation}: it takes {took:.1f} s")


def main():
    """All checks."""
    emulator = client.emulator()
    cluster = queue_cluster.make(emulator, healthlake__worker_databases="postgres",
                                 shared_buffers="256MB", max_wal_size="4GB")
    with closing(Session(cluster.start())) as session:
        session.run("CREATE EXTENSION healthlake")
        test_lock(cluster, session)
        test_remade(emulator, session, "dropped", "BEGIN; DROP EXTENSION healthlake CASCADE; "
                    "CREATE EXTENSION healthlake; COMMIT")
        test_remade(emulator, session, "emptied", "TRUNCATE healthlake_request RESTART IDENTITY")
        test_cost(session)
        if LONG:
            test_times(cluster, session)
            session.run("ALTER SYSTEM SET healthlake.worker_databases = ''")
            session.run("SELECT pg_reload_conf()")
            session.run(f"SELECT pg_terminate_backend(pid) FROM ({WORKER}) AS w")
        test_runners(emulator, cluster, session)
        test_between(emulator, cluster, session)
        test_failing(emulator, cluster, session)
        test_search(emulator, cluster, session)
        test_turns(emulator, cluster, session)
        # slightly less than the second of the quota, since times vary
        test_pace(emulator, session, EXPORT, 0.9)
        if LONG:
            test_pace(emulator, session, CREATE, 60)
    cluster.stop()
    emulator.stop()
    tap.end()


main()
