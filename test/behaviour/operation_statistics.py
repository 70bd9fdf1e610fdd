#!/usr/bin/python3
"""Statistics of a session, and of a cluster that preloads the library.

With preloading, the calls of two sessions are added up, also from different databases,
concurrently, and after they have ended; each session has its own sums, too. A crash or a restart
resets those of the cluster. Without preloading there are no cluster sums.
"""

import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "SELECT healthlake_create_datastore('x')"
LIST = "SELECT count(*) FROM healthlake_list_datastores()"
SESSIONS, CALLS = 4, 50  # concurrent sessions

tap = Tap()
emulator = client.emulator()


def server(**settings):
    """A server whose sessions call the emulator; not started yet."""
    given = {"endpoint_url": emulator.http, "region": "us-east-1", "max_attempts": "1",
             "access_key_id": emulator.access_key_id,
             "secret_access_key": emulator.secret_access_key}
    return Cluster(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")), settings={
        **{f"healthlake.{name}": value for name, value in given.items()}, **settings})


def run(session, statement):
    """The rows of a statement."""
    with session.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def failing(session, statement, **step):
    """Runs a statement that fails with the emulator's answer."""
    emulator.next(**step)
    try:
        run(session, statement)
    except psycopg2.Error as error:
        return error.pgcode
    return None


def sums(session, scope):
    """The counts of a scope: of each operation, calls, errors, unknown, retries, throttles."""
    return {row[0]: row[1:] for row in run(
        session, "SELECT operation, calls, errors, unknown, retries, throttles "
        f"FROM healthlake_statistics WHERE scope = '{scope}'")}


def times(session, scope, operation):
    """The times of an operation: total, mean, maximum."""
    return run(session, "SELECT total_time, mean_time, max_time FROM healthlake_statistics "
               f"WHERE scope = '{scope}' AND operation = '{operation}'")[0]


def call_often(cluster):
    """Makes concurrent calls in several sessions."""
    def calls():
        with closing(cluster.connect()) as session:
            for _ in range(CALLS):
                run(session, LIST)
    threads = [threading.Thread(target=calls) for _ in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def two_sessions(cluster):
    """Sessions in two databases, which end."""
    one, other = cluster.connect(), cluster.connect(dbname="other")
    tap.same(sums(one, "cluster"), {}, "after a start there is no row")
    for _ in range(2):
        run(one, CREATE)
    run(other, CREATE)
    tap.same(failing(other, CREATE, error="ThrottlingException"), "38T01", "one call is throttled")
    tap.same(failing(other, CREATE, error="InternalServerException"), "38M01",
             "one call has an unknown outcome")
    emulator.next(error="ThrottlingException")
    run(one, "SET healthlake.max_attempts = 2")
    run(one, LIST)
    tap.same(sums(one, "session"), {"CreateFHIRDatastore": (2, 0, 0, 0, 0),
                                    "ListFHIRDatastores": (1, 0, 0, 1, 1)},
             "a session has its own calls")
    tap.same(sums(other, "session"), {"CreateFHIRDatastore": (3, 2, 1, 0, 1)},
             "another session has its own")
    both = {"CreateFHIRDatastore": (5, 2, 1, 0, 1), "ListFHIRDatastores": (1, 0, 0, 1, 1)}
    tap.same(sums(one, "cluster"), both, "the cluster has the calls of both")
    tap.same(sums(other, "cluster"), both, "in both databases")
    mine, others, all_of_it = (times(session, scope, "CreateFHIRDatastore") for session, scope in
                               ((one, "session"), (other, "session"), (one, "cluster")))
    tap.ok(abs(mine[0] + others[0] - all_of_it[0]) < 0.01,
           "times are added up", mine, others, all_of_it)
    tap.ok(abs(all_of_it[1] - all_of_it[0] / 5) < 0.01, "the mean is computed", all_of_it)
    tap.same(all_of_it[2], max(mine[2], others[2]), "the maximum is that of both")
    one.close()
    other.close()
    with closing(cluster.connect()) as session:
        tap.same(sums(session, "cluster"), both, "the sums outlive the sessions")
        tap.same(sums(session, "session"), {}, "a new session has no sums")


def many_sessions(cluster):
    """No call is lost when several are counted concurrently."""
    with closing(cluster.connect()) as session:
        run(session, LIST)
        run(session, "SELECT healthlake_reset_statistics()")
        tap.same((sums(session, "session"), sums(session, "cluster")), ({}, {}),
                 "a reset affects the session and the cluster")
        call_often(cluster)
        tap.same(sums(session, "cluster"),
                 {"ListFHIRDatastores": (SESSIONS * CALLS, 0, 0, 0, 0)},
                 "concurrent calls are all counted")


def crash(cluster):
    """A backend crashes, and PostgreSQL restarts with new shared memory."""
    ready = "ready to accept connections"
    before = cluster.log().count(ready)
    with closing(cluster.connect()) as session:
        os.kill(session.info.backend_pid, signal.SIGKILL)
        try:
            run(session, "SELECT pg_sleep(10)")
        except psycopg2.Error:
            pass
    for _ in range(200):
        # before that a new session would be terminated with all others
        if cluster.log().count(ready) > before:
            return cluster.connect()
        time.sleep(0.05)
    raise RuntimeError("no server: " + cluster.log())


def main():
    """A server that preloads the library, and one that does not."""
    cluster = server(shared_preload_libraries="healthlake")
    with cluster:
        with closing(cluster.connect()) as session:
            run(session, "CREATE DATABASE other")
            run(session, "CREATE EXTENSION healthlake")
        with closing(cluster.connect(dbname="other")) as session:
            run(session, "CREATE EXTENSION healthlake")
        two_sessions(cluster)
        many_sessions(cluster)
        with closing(crash(cluster)) as session:
            tap.same(sums(session, "cluster"), {}, "a crash resets the cluster's sums")
            run(session, LIST)
            tap.same(sums(session, "cluster"), {"ListFHIRDatastores": (1, 0, 0, 0, 0)},
                     "afterwards calls are counted again")
    with cluster, closing(cluster.connect()) as session:
        tap.same(sums(session, "cluster"), {}, "a restart resets them, too")
    cluster = server()
    with cluster, closing(cluster.connect()) as session:
        run(session, "SET client_min_messages = error; CREATE EXTENSION healthlake")
        run(session, LIST)
        tap.same((sums(session, "session"), sums(session, "cluster")),
                 ({"ListFHIRDatastores": (1, 0, 0, 0, 0)}, {}),
                 "without preloading a session has sums, and the cluster has none")
        run(session, "SELECT healthlake_reset_statistics()")
        tap.same(sums(session, "session"), {}, "the session's sums can be reset")
    tap.end()


main()
