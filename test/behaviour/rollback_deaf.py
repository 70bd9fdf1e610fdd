#!/usr/bin/python3
"""Rollbacks of many changes, and a client that does not read what it is told of them.

The backend must not wait for such a client while it rolls back: interrupts are held off then, so
that nothing could end it, and its locks are not released yet. That holds for a timeout, ROLLBACK,
an exception of PL/pgSQL and what follows it, the end of the session and a shutdown of the server.
The log has a line for each change. A client that reads is told of the first hundred, and how many
there are more.
"""

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import Session, until  # noqa: E402  pylint: disable=C0413
from session import read_on, without_reading  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

MANY = 600  # their WARNINGs are more than a socket takes
TOLD = 100  # of one rollback
PATIENCE = 30  # seconds for the changes, on a busy machine
ONE = """healthlake_tag_resource('arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/'
    || {store}, '{{"a": "b"}}')"""
CHANGES = "SELECT count(*) FROM (SELECT {one} FROM generate_series(1, {many})) s"
# the changes are rolled back, and the locks of the transaction stay
CAUGHT = """DO $$BEGIN
    LOCK TABLE held;
    BEGIN
        PERFORM {one} FROM generate_series(1, {many});
        RAISE EXCEPTION 'no';
    EXCEPTION WHEN raise_exception THEN
    END;
    {then}
END$$"""
# the same in many subtransactions
LOOP = """DO $$BEGIN
    LOCK TABLE held;
    FOR i IN 1..{many} LOOP
        BEGIN
            PERFORM {one};
            RAISE EXCEPTION 'no';
        EXCEPTION WHEN raise_exception THEN
        END;
    END LOOP;
    {then}
END$$"""
# the client is told as much as a socket takes, and the last number is in a sequence
NOTICES = """DO $$BEGIN
    FOR i IN 1..{many} LOOP
        RAISE NOTICE '%', i;
        PERFORM pg_catalog.nextval('told');
    END LOOP;
END$$"""
STATE = "SELECT coalesce(wait_event, state) FROM pg_stat_activity WHERE application_name = %s"
LOCKS = """SELECT count(*) FROM pg_locks WHERE relation = 'held'::regclass AND granted"""
LINE = "healthlake event=rollback operation=TagResource"

tap = Tap()


def deaf(cluster, name, statement, options=""):
    """Has a statement of whose result nothing is read."""
    return without_reading(cluster.where(application_name=name, options=options), statement)


class Notices:
    """The messages of a session; a list would be cut to the last fifty."""

    def __init__(self, session):
        self.texts = []
        session.notices = self

    def append(self, text):
        """Called by psycopg2."""
        self.texts.append(text)


class Deaf:
    """The checks, in one server."""

    def __init__(self, cluster, store):
        self.cluster = cluster
        self.texts = {"one": ONE.format(store=f"'{store}'"), "many": MANY}
        self.lines = 0

    def text(self, template, **more):
        """A statement."""
        return template.format(**self.texts, **more)

    def ask(self, statement, *values):
        """The first column of the first row of a query in another session, or None."""
        rows = queue_cluster.ask(self.cluster, statement, *values)
        return rows[0][0] if rows else None

    def logged(self, what):
        """Whether the log has a line for each change, since the last time."""
        until(lambda: self.cluster.log().count(LINE) - self.lines >= MANY, PATIENCE)
        lines = self.cluster.log().count(LINE)
        tap.same(lines - self.lines, MANY, f"{what}: the log has a line for each change")
        self.lines = lines

    def ends(self, name, what):
        """A backend that is terminated once ends."""
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE application_name = %s", name)
        gone = until(lambda: self.ask(STATE, name) is None, 10)
        tap.ok(gone, f"{what}: pg_terminate_backend() ends it", self.ask(STATE, name))
        return gone

    def idle(self):
        """A timeout rolls back."""
        with deaf(self.cluster, "idle", f"BEGIN; LOCK TABLE held; {self.text(CHANGES)}",
                  "-c idle_in_transaction_session_timeout=1s"):
            until(lambda: self.ask(STATE, "idle") in ("ClientRead", "ClientWrite"), PATIENCE)
            tap.ok(until(lambda: self.ask(STATE, "idle") is None, PATIENCE),
                   "idle: idle_in_transaction_session_timeout ends the session",
                   self.ask(STATE, "idle"))
            tap.same(self.ask(LOCKS), 0, "idle: no lock is held")
            self.logged("idle")

    def rollback(self):
        """ROLLBACK, and the next statement in the same message."""
        for name, end in (("rollback", "ROLLBACK"), ("error", "SELECT 1 / 0")):
            with deaf(self.cluster, name,
                      f"BEGIN; LOCK TABLE held; {self.text(CHANGES)}; {end}"):
                tap.ok(until(lambda: self.ask(LOCKS) == 0 and self.cluster.log().count(LINE)
                             >= self.lines + MANY, PATIENCE), f"{name}: no lock is held",
                       self.ask(STATE, name))
                self.logged(name)
                self.ends(name, name)

    def caught(self):
        """PL/pgSQL catches the error; then it waits, or raises another one, or commits."""
        for name, template in (("exception", CAUGHT), ("exceptions", LOOP)):
            with deaf(self.cluster, name, self.text(template, then="PERFORM pg_sleep(60);")):
                tap.same(until(lambda: self.ask(STATE, name) == "PgSleep", PATIENCE), True,
                         f"{name}: PL/pgSQL goes on")
                self.logged(name)
                self.ends(name, name)
            for what, then in (("an error", "PERFORM 1 / 0;"), ("a commit", "")):
                with deaf(self.cluster, name, self.text(template, then=then)):
                    self.logged(f"{name}, {what}")
                    tap.ok(until(lambda: self.ask(LOCKS) == 0, 5),
                           f"{name}, {what}: no lock is held", self.ask(STATE, name))
                    self.ends(name, f"{name}, {what}")

    def told(self):
        """A client that reads."""
        with closing(Session(self.cluster)) as session:
            heard = Notices(session.session)
            session.run(f"BEGIN; {self.text(CHANGES)}")
            session.run("ROLLBACK")
            notices = heard.texts
            ours = [one for one in notices if "although its transaction was rolled back" in one]
            tap.same((len(ours), len(notices)), (TOLD, TOLD + 1),
                     "told: a client that reads has a WARNING for each of the first hundred")
            tap.ok(notices and f"AWS has carried out {MANY - TOLD} more changes" in notices[-1]
                   and "The server's log names them." in notices[-1],
                   "told: and one that says how many there are more", notices[-1:])
            self.logged("told")
            del notices[:]
            session.run(self.text(LOOP, then=""))
            tap.same(len(notices), MANY, "told: and each of as many subtransactions has one")
            self.logged("told, subtransactions")

    def late(self):
        """A client that reads in the end has all messages, in their order."""
        with deaf(self.cluster, "late", self.text(CAUGHT, then="PERFORM 1 / 0;")) as session:
            heard = Notices(session)
            until(lambda: self.ask(STATE, "late") == "ClientWrite", PATIENCE)
            said = str(read_on(session))
            tap.ok("division by zero" in said, "late: a client that reads late has the error", said)
            tap.same(len(heard.texts), TOLD + 1, "late: after the WARNINGs")
            self.logged("late")

    def wakeup(self):
        """A commit tells that no worker could be started."""
        with closing(Session(self.cluster)) as session:
            session.run("SELECT setval('told', 1, false)")
        with deaf(self.cluster, "full", self.text(NOTICES).replace(str(MANY), "1000000")):
            until(lambda: self.ask(STATE, "full") == "ClientWrite")
            room = self.ask("SELECT last_value FROM told")
        tap.ok(until(lambda: self.ask(STATE, "full") is None), "wakeup: a client is gone")
        tap.ok(1 < room < 100000, "wakeup: so many notices fit a socket", room)
        notices = self.text(NOTICES).replace(str(MANY), str(room))
        with deaf(self.cluster, "wakeup", f"{notices}; BEGIN; LOCK TABLE held;"
                  " DO $$BEGIN PERFORM healthlake_enqueue_create_datastore('x'); END$$; COMMIT",
                  "-c healthlake.autostart_worker=on"):
            until(lambda: self.ask("SELECT count(*) FROM healthlake_request") == 1, PATIENCE)
            tap.same((self.ask("SELECT count(*) FROM healthlake_request"), self.ask(LOCKS)), (1, 0),
                     "wakeup: a commit ends although a client is not told of it")
            self.ends("wakeup", "wakeup")

    def stop(self):
        """A fast shutdown."""
        with deaf(self.cluster, "idle", f"BEGIN; {self.text(CHANGES)}"), \
                deaf(self.cluster, "sleeps", self.text(CAUGHT, then="PERFORM pg_sleep(600);")):
            until(lambda: self.ask(STATE, "idle") in ("ClientRead", "ClientWrite"), PATIENCE)
            until(lambda: self.ask(STATE, "sleeps") == "PgSleep", PATIENCE)
            try:
                self.cluster.stop(signal.SIGINT)
                ended = True
            except subprocess.TimeoutExpired:
                ended = False
            tap.ok(ended, "stop: a fast shutdown ends the server")


def main():
    """All checks."""
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    cluster = queue_cluster.make(emulator, healthlake__autostart_worker="off",
                                 max_worker_processes="1")
    with cluster:
        with closing(Session(cluster)) as session:
            session.run("CREATE EXTENSION healthlake")
            session.run("CREATE TABLE held ()")
            session.run("CREATE SEQUENCE told")
        checks = Deaf(cluster, store)
        for check in (checks.idle, checks.rollback, checks.caught, checks.told, checks.late,
                      checks.wakeup, checks.stop):
            check()
    emulator.stop()
    tap.end()


main()
