#!/usr/bin/python3
"""pg_upgrade transfers the whole queue: nothing is sent meanwhile, and everything once afterwards.

The new cluster has another system identifier, so a superuser adopts the requests first.

The upgrade is to a new server of the same version, as in PostgreSQL's own tests: pg_upgrade handles
the extension and its table in the same way for another version.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from cluster import bindir  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import Session, until  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "CreateFHIRDatastore"
ENQUEUE = "SELECT healthlake_enqueue_create_datastore(%s)"
ROWS = "SELECT (to_jsonb(r) - 'home')::text FROM healthlake_request AS r {} ORDER BY id"
FINISHED = ROWS.format("WHERE finished_at IS NOT NULL AND request ->> 'DatastoreName' ~ '^done'")
# both servers have a worker whenever that is permitted
SETTINGS = {"healthlake__worker_databases": "postgres", "healthlake__autostart_worker": "off"}

tap = Tap()


def make(emulator):
    """A server to be upgraded, with requests in every state."""
    cluster = queue_cluster.make(emulator, **{**SETTINGS, "healthlake__worker_databases": ""})
    with closing(Session(cluster.start())) as session:
        for statement in ("CREATE ROLE nurse LOGIN", "CREATE SCHEMA lake",
                          "CREATE EXTENSION healthlake SCHEMA lake",
                          "ALTER DATABASE postgres SET search_path = lake, public",
                          "GRANT USAGE ON SCHEMA lake TO nurse",
                          "SELECT lake.healthlake_grant('nurse', 'create')"):
            session.run(statement)
    with closing(Session(cluster)) as session:
        for name in ("done 1", "done 2"):
            session.run(ENQUEUE, name)
        session.run("CALL healthlake_run_queue()")
        session.run(ENQUEUE, "lost")
        # after some bytes: without any, libcurl repeats the request on a kept connection
        emulator.next(operation=CREATE, reset=True, cut=20, apply=True)
        session.run("CALL healthlake_run_queue(1)")
        for name in ("new 1", "new 2"):
            session.run(ENQUEUE, name)
        states = dict(session.run("SELECT state, count(*) FROM healthlake_request GROUP BY 1"))
        tap.same(states, {"succeeded": 2, "running": 1, "queued": 2}, "before: all states")
    return cluster


def rows(cluster, what=ROWS.format("")):
    """The rows of the queue as text."""
    with closing(Session(cluster)) as session:
        return session.run(what)


def upgrade(old, new):
    """Runs pg_upgrade; returns its status and output."""
    done = subprocess.run(
        [bindir() / "pg_upgrade", "-b", bindir(), "-B", bindir(), "-d", old.folder / "cluster",
         "-D", new.folder / "cluster", "-s", new.folder / "socket", "-U", "postgres"],
        cwd=new.folder, env=old.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def adopt(cluster):
    """Adopts the requests in the new cluster."""
    with closing(Session(cluster)) as session:
        homes = [row[0] for row in session.run("SELECT DISTINCT home FROM healthlake_request")]
        tap.ok(len(homes) == 1 and homes != [session.one("SELECT healthlake_home()")],
               "they belong to another cluster", str(homes))
        session.run("GRANT EXECUTE ON FUNCTION healthlake_adopt_requests TO nurse")
        adoption = "SELECT healthlake_adopt_requests(%s)"
        with closing(Session(cluster, user="nurse")) as nurse:
            tap.same(nurse.state(adoption, homes[0]), "42501", "only a superuser adopts them")
        tap.same(session.one(adoption, homes[0]), 5, "a superuser adopts all of them")
        tap.same(session.one(adoption, homes[0]), 0, "once")


def look(cluster):
    """Privileges after the upgrade."""
    with closing(Session(cluster, user="nurse")) as session:
        tap.same([session.state(statement) for statement in (
            "SELECT count(*) FROM healthlake_request", "DELETE FROM healthlake_request",
            "SELECT healthlake_enqueue_create_datastore('n', run_after => '2100-01-01')",
            "CALL healthlake_run_queue()")], [None, "42501", None, "42501"],
                 "after: privileges are unchanged")
        tap.same(session.one("SELECT count(*) FROM healthlake_request"), 1,
                 "after: row security is unchanged")
    with closing(Session(cluster)) as session:
        tap.same(session.state("UPDATE healthlake_request SET note = '' WHERE state = 'succeeded'"),
                 "55000", "after: finished rows are protected")
        tap.same(session.state("DROP EXTENSION healthlake"), None, "after: it can be dropped")
        tap.same(session.one("SELECT to_regclass('lake.healthlake_request')"), None,
                 "after: its table is dropped, too")


def main():
    """All checks."""
    emulator = client.emulator()
    old = make(emulator)
    before, finished = rows(old), rows(old, FINISHED)
    old.stop(signal.SIGINT)  # pg_upgrade requires these
    # from here on a worker would start if it was permitted
    old.configure("healthlake.worker_databases = 'postgres'")
    new = queue_cluster.make(emulator, {**os.environ}, **SETTINGS)
    since = len(emulator.log())
    status, said = upgrade(old, new)
    tap.same(status, 0, "pg_upgrade succeeds")
    if status != 0:
        tap.say(said)
    tap.same(len(emulator.log()), since, "nothing is sent meanwhile")
    new.configure("healthlake.worker_databases = ''")
    with new:
        tap.same(rows(new), before, "the queue is unchanged")
        adopt(new)
        new.stop(signal.SIGINT)
        new.configure("healthlake.worker_databases = 'postgres'")
        new.start()
        tap.ok(until(lambda: all(row[0] == "succeeded" for row in rows(
            new, "SELECT state FROM healthlake_request"))), "a worker continues with it")
        tap.same(rows(new, FINISHED), finished, "finished rows are unchanged")
        tap.same(Counter(store["DatastoreName"] for store in emulator.stores()),
                 Counter(["done 1", "done 2", "lost", "new 1", "new 2"]),
                 "each request has one data store")
        look(new)
    emulator.stop()
    tap.end()


main()
