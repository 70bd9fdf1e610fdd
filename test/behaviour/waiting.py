#!/usr/bin/python3
"""What a wait reports, and everything that can end it.

A wait can be ended by a cancel, by statement_timeout, by its own timeout even without an answer, by
CREATE_FAILED, by DELETED, or by an error; throttling does not end it. A procedure holds no snapshot
while it sleeps. Also, sessions that ensure the same name concurrently, and while AWS's list
is late.
"""

import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import session as session_of  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

PROMPT = 1.0  # seconds; an immediate end takes a few milliseconds
LONG = "timeout => '1 hour', poll_interval => '30 s'"
QUICK = "timeout => '1 hour', poll_interval => '20 ms'"

tap = Tap()
emulator = client.emulator()


def connect():
    """A session in autocommit mode that calls the emulator."""
    session = session_of.connect(emulator)
    with session.cursor() as cursor:
        cursor.execute("SET client_min_messages = notice")
    return session


def run(session, statement):
    """The rows, the error and the duration in seconds of a statement."""
    del session.notices[:]
    start = time.monotonic()
    rows, error = None, None
    try:
        with session.cursor() as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
    except psycopg2.Error as caught:
        error = caught
    return rows, error, time.monotonic() - start


class Running(threading.Thread):
    """A statement that runs in a thread."""

    def __init__(self, session, statement):
        super().__init__(daemon=True)
        self.session = session
        self.statement = statement
        self.outcome = None
        self.start()

    def run(self):
        self.outcome = run(self.session, self.statement)

    def end(self, seconds=20):
        """The outcome."""
        self.join(seconds)
        return self.outcome or (None, None, seconds)


def notices(session):
    """The messages to the session, without their level."""
    return [line.split(":", 1)[1].strip() for line in session.notices
            if line.startswith("NOTICE")]


def polls(operation="DescribeFHIRDatastore"):
    """The number of polls."""
    return len(emulator.log(operation=operation))


def wait_until(holds, seconds=20):
    """Waits for a condition; returns whether it holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.01)
    return False


def place(name, status):
    """Creates a data store whose status does not change."""
    emulator.place({"DatastoreId": name, "DatastoreName": name, "DatastoreStatus": status})


def endings(session):
    """Cancel, statement_timeout, its own timeout."""
    for kind in ("SELECT healthlake_wait_datastore", "CALL healthlake_await_datastore"):
        emulator.reset()
        place("slow", "CREATING")
        waiting = Running(session, f"{kind}('slow', {LONG})")
        wait_until(lambda: polls() == 1)
        time.sleep(0.2)
        start = time.monotonic()
        session.cancel()
        _, error, _ = waiting.end()
        tap.ok(error is not None and error.pgcode == "57014" and
               time.monotonic() - start < PROMPT, f"{kind}: cancelled at once", error)
        tap.same(notices(session), ['data store "slow" is CREATING'], "it had reported the status")
        tap.same(run(session, "SELECT 1")[0], [(1,)], "the session continues to work")
        run(session, "SET statement_timeout = '300ms'")
        _, error, seconds = run(session, f"{kind}('slow', {LONG})")
        tap.ok(error is not None and error.pgcode == "57014" and 0.2 < seconds < 0.3 + PROMPT,
               f"{kind}: ended by statement_timeout", error, seconds)
        run(session, "RESET statement_timeout")
        _, error, seconds = run(
            session, f"{kind}('slow', timeout => '300 ms', poll_interval => '30 s')")
        tap.ok(error is not None and error.pgcode == "38W01" and 0.2 < seconds < 0.3 + PROMPT,
               f"{kind}: ended by its own timeout, before the next poll", error, seconds)
        emulator.next(operation="DescribeFHIRDatastore", silence=True, times="always")
        _, error, seconds = run(
            session, f"{kind}('slow', timeout => '300 ms', poll_interval => '10 ms')")
        tap.ok(error is not None and error.pgcode == "38W01" and seconds < 3.5,
               f"{kind}: also if there is no answer", error, seconds)


def causes(session):
    """CREATE_FAILED, DELETED, an error, and temporary throttling."""
    emulator.reset()
    emulator.state(settle_after_describes=3, create_fails={
        "ErrorMessage": "The key is disabled.", "ErrorCategory": "NON_RETRYABLE_ERROR"})
    made = run(session, "SELECT id FROM healthlake_create_datastore('failing')")[0][0][0]
    _, error, _ = run(session, f"SELECT healthlake_wait_datastore('{made}', {QUICK})")
    tap.ok(error.pgcode == "55000" and "is CREATE_FAILED: The key is disabled." in str(error) and
           error.diag.message_detail == "AWS error category NON_RETRYABLE_ERROR.",
           "CREATE_FAILED ends it, with AWS's cause", error)
    tap.same(notices(session), [f'data store "{made}" is {status}' for status in
                                ("CREATING", "CREATE_FAILED")], "each status is reported once")
    tap.same(polls(), 4, "after four polls")

    emulator.reset()
    place("doomed", "CREATING")
    waiting = Running(session, f"SELECT healthlake_wait_datastore('doomed', {QUICK})")
    wait_until(lambda: polls() > 2)
    place("doomed", "DELETED")
    _, error, _ = waiting.end()
    tap.ok(error is not None and error.pgcode == "55000" and "is DELETED" in str(error),
           "DELETED ends it", error)

    place("mine", "CREATING")
    waiting = Running(session, f"SELECT healthlake_wait_datastore('mine', {QUICK})")
    wait_until(lambda: polls() > 10)
    emulator.next(operation="DescribeFHIRDatastore", error="AccessDeniedException", message="No.")
    _, error, _ = waiting.end()
    tap.ok(error is not None and error.pgcode == "42501", "an error of AWS ends it", error)

    waiting = Running(session, f"SELECT (healthlake_wait_datastore('mine', {QUICK})).status")
    before = polls()
    wait_until(lambda: polls() > before + 2)
    emulator.next({"operation": "DescribeFHIRDatastore", "error": "ThrottlingException",
                   "times": 5},
                  {"operation": "DescribeFHIRDatastore", "error": "InternalServerException"},
                  {"operation": "DescribeFHIRDatastore", "cut": 0, "status": 200})
    wait_until(lambda: not emulator.pending())
    place("mine", "ACTIVE")
    rows, error, _ = waiting.end()
    tap.same(rows, [("ACTIVE",)], "throttling, a server error and a lost connection do not end it")


def progress(session):
    """The progress of imports, exports and transformations."""
    emulator.reset()
    emulator.state(settle_after_seconds=0)
    store = run(session, "SELECT id FROM healthlake_create_datastore('ward')")[0][0][0]
    profile = run(session, "SELECT profile_id FROM healthlake_create_transformation_profile("
                  "'p', 'CCDA', starter_profile_name => 's')")[0][0][0]
    emulator.state(settle_after_seconds=None, settle_after_describes=2,
                   job_outcome="COMPLETED_WITH_ERRORS")
    rest = "'s3://bucket/out/', 'alias/health', 'arn:aws:iam::123456789012:role/healthlake')"
    job = run(session, f"SELECT job_id FROM healthlake_start_import_job('{store}', "
              f"'s3://bucket/in/', {rest}")[0][0][0]
    for kind in ("SELECT healthlake_wait_import_job", "CALL healthlake_await_import_job"):
        run(session, f"{kind}('{store}', '{job}', {QUICK})")
        told = [f'import job "{job}" is {status}: {done} of 1000 resources imported ({share}%), '
                f"errors: {errors}" for status, done, share, errors in (
                    ("SUBMITTED", 0, 0, 0), ("SUBMITTED", 0, 0, 0), ("IN_PROGRESS", 500, 50, 0),
                    ("IN_PROGRESS", 500, 50, 0), ("COMPLETED_WITH_ERRORS", 999, 99, 1))]
        tap.same(notices(session), told if kind.startswith("SELECT") else told[-1:],
                 f"{kind}: progress at each poll")
    job = run(session, f"SELECT job_id FROM healthlake_start_export_job('{store}', {rest}")[0][0][0]
    run(session, f"SELECT healthlake_wait_export_job('{store}', '{job}', {QUICK})")
    tap.same(notices(session), [f'export job "{job}" is {status}' for status in
                                ("SUBMITTED", "IN_PROGRESS", "COMPLETED_WITH_ERRORS")],
             "an export reports each status once")
    job = run(session, "SELECT job_id FROM healthlake_start_transformation_job("
              f"'{profile}', 's3://bucket/in/', {rest}")[0][0][0]
    run(session, f"SELECT healthlake_wait_transformation_job('{job}', {QUICK})")
    tap.same(notices(session)[-1:], [f'transformation job "{job}" is COMPLETED_WITH_ERRORS: '
                                     "9 of 10 files converted (90%), errors: 1"],
             "a transformation reports its files")
    place("going", "DELETING")
    emulator.next({"operation": "DescribeFHIRDatastore", "apply": True},
                  {"operation": "DescribeFHIRDatastore", "error": "ResourceNotFoundException"})
    run(session, f"SELECT healthlake_wait_datastore('going', 'DELETED', {QUICK})")
    tap.same(notices(session), ['data store "going" is DELETING', 'data store "going" is DELETED\n'
                                "DETAIL:  AWS no longer knows it."],
             "a data store that AWS no longer knows is reported as deleted")


def what_is_held(watcher, pid):
    """backend_xmin, backend_xid, and the number of locks of the waiting session."""
    return run(watcher, "SELECT backend_xmin IS NULL, backend_xid IS NULL, "
               f"(SELECT count(*) FROM pg_locks WHERE pid = {pid} "
               "AND locktype <> 'virtualxid') FROM pg_stat_activity "
               f"WHERE pid = {pid}")[0]


def snapshots(session, watcher):
    """A procedure holds nothing while it sleeps; a function holds its statement's snapshot."""
    emulator.reset()
    place("slow", "CREATING")
    pid = session.get_backend_pid()
    for kind, free in (("CALL healthlake_await_datastore", True),
                       ("SELECT healthlake_wait_datastore", False)):
        before = polls()
        waiting = Running(session, f"{kind}('slow', {LONG})")
        wait_until(lambda: polls() > before)  # pylint: disable=cell-var-from-loop
        time.sleep(0.3)
        held = what_is_held(watcher, pid)
        if free:
            tap.same(held, [(True, True, 0)], "a sleeping procedure holds no snapshot and no lock")
        else:
            tap.same(held[0][0], False, "a sleeping function holds a snapshot")
        session.cancel()
        waiting.end()
    place("slow", "ACTIVE")
    tap.same(run(session, "CALL healthlake_await_datastore('slow')")[1], None,
             "the procedure succeeds")
    run(session, "BEGIN")
    error = run(session, "CALL healthlake_await_datastore('slow')")[1]
    tap.same(error.pgcode, "2D000", "it cannot be called in a transaction block")
    run(session, "ROLLBACK")


def memory_of(session):
    """The size of the backend's memory contexts, in bytes."""
    return int(run(session, "SELECT sum(total_bytes) FROM pg_backend_memory_contexts")[0][0][0])


def many_polls(session):
    """A wait with many polls uses no more memory than one with few."""
    emulator.reset()
    place("slow", "CREATING")
    used = []
    for kind in ("SELECT healthlake_wait_datastore", "CALL healthlake_await_datastore"):
        peak = []
        for count in (20, 400):
            before = polls()
            waiting = Running(session, f"{kind}('slow', timeout => '1 hour', "
                              "poll_interval => '1 ms')")
            wait_until(lambda: polls() >= before + count, 60)  # pylint: disable=W0640
            peak.append(resident(session.get_backend_pid()))
            session.cancel()
            waiting.end()
        tap.ok(peak[1] - peak[0] < 512, f"{kind}: 400 polls take no more memory than 20", peak)
        used.append(memory_of(session))
    tap.ok(abs(used[1] - used[0]) < 262144, "no memory is lost", used)


def resident(pid):
    """The memory of a process, in kB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("Private_Dirty")).split()[1])


def ensuring():
    """Sessions that ensure the same name concurrently."""
    for round_number in range(3):
        emulator.reset()
        emulator.next(operation="CreateFHIRDatastore", apply=True, delay=0.3, times="always")
        name = f"same {round_number}"
        sessions = [connect() for _ in range(4)]
        running = [Running(session, f"SELECT * FROM healthlake_ensure_datastore('{name}')")
                   for session in sessions]
        outcomes = [each.end() for each in running]
        rows = [rows[0] for rows, _, _ in outcomes if rows]
        tap.same((len(rows), len({row[0] for row in rows}), sorted(row[4] for row in rows)),
                 (4, 1, [False, False, False, True]), "four sessions get the same data store")
        tap.same(len(emulator.stores()), 1, "only one exists")
        for session in sessions:
            session.close()
    emulator.reset()
    first, second = connect(), connect()
    run(first, "BEGIN")
    run(first, "SELECT healthlake_ensure_datastore('held')")
    waiting = Running(second, "SELECT healthlake_ensure_datastore('held')")
    time.sleep(0.3)
    tap.ok(waiting.is_alive(), "the second one waits for the first one's transaction")
    second.cancel()
    tap.same(waiting.end()[1].pgcode, "57014", "it can be cancelled")
    tap.same(run(second, "SELECT created FROM healthlake_ensure_datastore('other')")[0], [(True,)],
             "another name does not wait")
    run(first, "ROLLBACK")
    tap.same(run(second, "SELECT created FROM healthlake_ensure_datastore('held')")[0], [(False,)],
             "a data store that a rollback left is found")


def ensuring_blindly():
    """Sessions with older snapshots, while AWS's lists lack what was created."""
    emulator.reset()
    emulator.next(operation="ListFHIRDatastores", body={"DatastorePropertiesList": []},
                  times="always")
    for level in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"):
        first, second = connect(), connect()
        ensure = f"SELECT id, created FROM healthlake_ensure_datastore('late {level}')"
        for session in (first, second):
            run(session, f"BEGIN ISOLATION LEVEL {level}")
            run(session, "SELECT count(*) FROM pg_class")
        created = run(first, ensure)[0]
        waiting = Running(second, ensure)
        time.sleep(0.1)
        run(first, "COMMIT")
        tap.same(waiting.end()[0], [(created[0][0], False)] if created else "created",
                 f"{level}: a session finds what another has just created")
        tap.same(run(second, "COMMIT")[1], None, f"{level}: and commits")
        first.close()
        second.close()


def main():
    """All checks."""
    with connect() as session, session.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS healthlake")
    session, watcher = connect(), connect()
    endings(session)
    causes(session)
    progress(session)
    snapshots(session, watcher)
    many_polls(session)
    ensuring()
    ensuring_blindly()
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
