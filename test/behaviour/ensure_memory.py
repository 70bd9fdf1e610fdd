#!/usr/bin/python3
"""What a server that preloads the library remembers of creations that its history does not have.

A call of unknown outcome, one that lasts, one that is cancelled and one that is rolled back, each
with healthlake.audit = off and on, keep another session's healthlake_ensure_datastore() from
creating a second data store while AWS's list is late.
"""

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

PAIR = ("SELECT FROM healthlake_call_many('CreateFHIRDatastore', ARRAY(SELECT"
        " jsonb_build_object('DatastoreName', 'pair ' || i, 'DatastoreTypeVersion', 'R4')"
        " FROM generate_series(1, 2) i))")
CREATE = "SELECT id FROM healthlake_create_datastore(%s)"
LATE = {"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": []}}

tap = Tap()
emulator = client.emulator()


def run(session, statement, *values):
    """The rows of a statement, or its SQLSTATE."""
    try:
        with session.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []
    except psycopg2.Error as error:
        return error.pgcode


def ensure(session, name):
    """Ensures a name while AWS's list has nothing."""
    emulator.next(LATE)
    return run(session, "SELECT id, created FROM healthlake_ensure_datastore(%s)", name)


def check(first, second, audit):
    """The calls of one session, as another one learns of them."""
    for session in (first, second):
        run(session, f"SET healthlake.audit = {audit}")
    emulator.next(operation="CreateFHIRDatastore", apply=True, http_garbage="x")
    tap.same((run(first, CREATE, f"lost {audit}"), ensure(second, f"lost {audit}")),
             ("38M01", "38M01"), f"{audit}: a call of unknown outcome")
    seen = len(emulator.log())
    emulator.next(operation="CreateFHIRDatastore", silence=True)
    thread = threading.Thread(target=run, args=(first, CREATE, f"slow {audit}"))
    thread.start()
    while len(emulator.log()) == seen:
        time.sleep(0.01)
    tap.same(ensure(second, f"slow {audit}"), "38M01", f"{audit}: one that lasts")
    first.cancel()
    thread.join()
    tap.same(ensure(second, f"slow {audit}"), "38M01", f"{audit}: one that is cancelled")
    run(first, "BEGIN")
    made = run(first, CREATE, f"undone {audit}")
    tap.same(ensure(second, f"undone {audit}"), [(made[0][0], False)],
             f"{audit}: one of a transaction that has not ended")
    run(first, "ROLLBACK")
    tap.same(ensure(second, f"undone {audit}"), [(made[0][0], False)],
             f"{audit}: and that is rolled back")


def check_pair(first, second):
    """Two replies at once, of which the first cannot be recorded."""
    run(second, "ALTER TABLE healthlake_event ADD CONSTRAINT doomed"
        " CHECK (request ->> 'DatastoreName' <> 'pair 1')")
    seen = len(emulator.log())
    emulator.next(operation="CreateFHIRDatastore", delay=0.5, times=2)
    told = []
    thread = threading.Thread(target=lambda: told.append(run(first, PAIR)))
    thread.start()
    while len(emulator.log()) < seen + 2:
        time.sleep(0.01)
    os.kill(first.info.backend_pid, signal.SIGSTOP)
    time.sleep(1)
    os.kill(first.info.backend_pid, signal.SIGCONT)
    thread.join()
    tap.same(told, ["38M01"], "a call that cannot be recorded ends another")
    for number in (1, 2):
        made = ensure(second, f"pair {number}")
        tap.same(made[0][1] if isinstance(made, list) else made, False,
                 f"the data store {number} of both is found")
    run(second, "ALTER TABLE healthlake_event DROP CONSTRAINT doomed")


def main():
    """All checks, on a separate server."""
    given = {"endpoint_url": emulator.http, "region": "us-east-1", "max_attempts": "1",
             "access_key_id": emulator.access_key_id,
             "secret_access_key": emulator.secret_access_key}
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEALTHLAKE_WORK")) as folder:
        with Cluster(Path(folder) / "server", settings={
                **{f"healthlake.{name}": value for name, value in given.items()},
                "shared_preload_libraries": "healthlake"}) as cluster:
            sessions = [cluster.connect() for _ in range(2)]
            run(sessions[0], "CREATE EXTENSION healthlake")
            for audit in ("off", "on"):
                check(*sessions, audit)
            check_pair(*sessions)
            for number in range(70):
                run(sessions[0], CREATE, f"number {number}")
            tap.same(ensure(sessions[1], "number 69")[0][1], False, "the last ones are remembered")
    tap.end()


main()
