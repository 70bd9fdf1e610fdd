#!/usr/bin/python3
"""What a claim costs, whose turn it is, and how fast a kind of request goes out.

A row that another session has locked spins nobody. One that is claimed between another runner's
snapshot and lock is claimed once. Neither future nor finished rows cost a
claim anything: its plans read no more buffers than on an empty table. Roles take turns. What AWS
throttles goes out at the pace of its quota. HEALTHLAKE_TEST_LONG=1 takes 100,000 future and
1,000,000 finished rows, measures times and CPU, and five creations at one a minute.
"""

import json
import os
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
# rows as enqueueing would have made them, put there at once
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
    """Seconds of CPU that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def empty(session):
    """Empties the table, which a trigger protects."""
    session.run("SET session_replication_role = replica")
    session.run("TRUNCATE healthlake_request")
    session.run("RESET session_replication_role")


# ------------------------------------------------------------------- locks

def test_lock(cluster, session):
    """A row that somebody else has locked."""
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
    """Enqueues a request and waits until the worker has sent it; seconds from the commit."""
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
    """How many buffers reads of the table and its indexes have touched so far."""
    session.run("SELECT pg_stat_clear_snapshot()")
    return session.one("""SELECT heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit
        FROM pg_statio_all_tables WHERE relname = 'healthlake_request'""")


def touched(session):
    """Buffers of one request's way through CALL healthlake_run_queue()."""
    session.run("CALL healthlake_run_queue()")
    time.sleep(1.2)  # statistics are told at most once a second
    session.run("SELECT pg_stat_force_next_flush()")
    before = buffers(session)
    for number in range(10):
        session.run("SELECT healthlake_enqueue_create_datastore(%s)", f"touched {number}")
        session.run("CALL healthlake_run_queue()")
    session.run("SELECT pg_stat_force_next_flush()")
    return (buffers(session) - before) / 10


def test_cost(session):
    """What rows that are not due cost a claim."""
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
    tap.ok("Seq Scan on healthlake_request" not in plan, "and reads no whole table", plan)


def test_times(cluster, session):
    """Times and CPU, with many rows and with none."""
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
    """What one runner has in flight says so, and no other sends it."""
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
             [("succeeded", None)], "two runners: and then its outcome is certain")


# the function of the claim, which has a runner of this name wait for a lock of the test's
WAITING_CLAIM = """ALTER FUNCTION healthlake_holds_leases RENAME TO holds_leases_at_once;
    CREATE FUNCTION healthlake_holds_leases(holder int8) RETURNS bool LANGUAGE plpgsql AS $$
    BEGIN
        IF pg_catalog.current_setting('application_name') OPERATOR(pg_catalog.=) 'late' THEN
            PERFORM pg_catalog.pg_advisory_lock(10), pg_catalog.pg_advisory_unlock(10);
        END IF;
        RETURN public.holds_leases_at_once(holder);
    END $$"""
# a row whose runner is no more: whoever claims asks whether it is there
ABANDON = """UPDATE healthlake_request SET state = 'running', lease_holder = 1,
    lease_until = now() + '1 h'::interval WHERE request ->> 'DatastoreName' = 'abandoned'"""
WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def test_between(emulator, cluster, session):
    """A row that one runner claims between another's snapshot and the other's lock."""
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
        tap.ok(until(lambda: session.one(WAITS) == 1), "between: one runner has its snapshot")
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


# ------------------------------------------------------------------- turns

def test_turns(emulator, cluster, session):
    """One role's many requests keep another's few waiting for no longer than a round."""
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
    tap.ok(order, "turns: a role's own go out in their order")


# -------------------------------------------------------------------- pace

def test_pace(emulator, session, operation, every):
    """Five requests of an operation of which AWS takes one in so many seconds."""
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
             [("succeeded", 5)], f"{operation}: five at one in {every} s succeed")
    tap.ok(answers.count(400) <= 2, f"{operation}: {answers.count(400)} are throttled")
    tap.ok(took <= max(every, 1) * 4 * 1.1 + 1, f"{operation}: it takes {took:.1f} s")


def main():
    """All of it."""
    emulator = client.emulator()
    cluster = queue_cluster.make(emulator, healthlake__worker_databases="postgres",
                                 shared_buffers="256MB", max_wal_size="4GB")
    with closing(Session(cluster.start())) as session:
        session.run("CREATE EXTENSION healthlake")
        test_lock(cluster, session)
        test_cost(session)
        if LONG:
            test_times(cluster, session)
            session.run("ALTER SYSTEM SET healthlake.worker_databases = ''")
            session.run("SELECT pg_reload_conf()")
            session.run(f"SELECT pg_terminate_backend(pid) FROM ({WORKER}) AS w")
        test_runners(emulator, cluster, session)
        test_between(emulator, cluster, session)
        test_turns(emulator, cluster, session)
        # less than the second of its quota, as clients and servers hurry and dawdle
        test_pace(emulator, session, EXPORT, 0.9)
        if LONG:
            test_pace(emulator, session, CREATE, 60)
    cluster.stop()
    emulator.stop()
    tap.end()


main()
