#!/usr/bin/python3
"""healthlake.audit = durable records a change regardless of the transaction that made it.

The tests cover rollbacks of every kind, cancels, sessions that are terminated or killed during a
call, writers that are terminated or killed, locks on the history, and no free slot for a writer.
They check the events afterwards, and that nothing was sent if its event could not be written. Also,
"on" must not make serializable transactions fail each other, and a long history no call wait.
"""

import os
import random
import re
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

CREATE = "SELECT id FROM healthlake_create_datastore(%s)"
ENSURE = "SELECT id, created FROM healthlake_ensure_datastore(%s)"
ROW = ("SELECT coalesce(e.outcome, 'running'), e.error_code, EXISTS (SELECT"
       " FROM healthlake_event AS r WHERE r.request_id = s.id AND r.event = 'rolled_back'),"
       " e.datastore_id, s.client_token, e.attempts"
       " FROM healthlake_event AS s LEFT JOIN healthlake_event AS e"
       " ON e.request_id = s.id AND e.event IN ('replied', 'interrupted')"
       " WHERE s.event = 'sent' AND s.request ->> 'DatastoreName' = %s ORDER BY s.id DESC LIMIT 1")
WRITERS = ("SELECT pid FROM pg_stat_activity WHERE backend_type = 'healthlake audit writer'"
           " AND datname = current_database() ORDER BY backend_start")
RANDOM = random.Random(20261126)
SILENT = {"operation": "CreateFHIRDatastore", "silence": True}

tap = Tap()
emulator = client.emulator()


def wait_until(holds, seconds=10):
    """Waits for a condition; returns the seconds, or None after the timeout."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if holds():
            return time.monotonic() - begin
        time.sleep(0.02)
    return None


class Session:
    """A session whose calls go to the emulator."""

    def __init__(self, cluster, audit="durable", **changes):
        self.connection = cluster.connect(**changes)
        self.pid = self.connection.info.backend_pid
        for name, value in (("endpoint_url", emulator.http), ("region", "us-east-1"),
                            ("access_key_id", emulator.access_key_id),
                            ("secret_access_key", emulator.secret_access_key),
                            ("max_attempts", "1"), ("audit", audit)):
            self.run("SELECT set_config(%s, %s, false)", f"healthlake.{name}", value)

    def run(self, statement, *values):
        """The rows of a statement; none where it gives none."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def fails(self, statement, *values):
        """The SQLSTATE of a statement; "lost" if the session ended."""
        try:
            self.run(statement, *values)
        except psycopg2.Error as error:
            return error.pgcode or "lost"
        return None

    def begin(self, statement, *values):
        """Runs a statement in a thread, which keeps its SQLSTATE."""
        thread = threading.Thread(target=lambda: setattr(
            thread, "told", self.fails(statement, *values)), daemon=True)
        thread.start()
        return thread

    def close(self):
        """Closes the session."""
        self.connection.close()


class Check:
    """A server, with a session that observes the others."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.watch = None
        self.look()

    def look(self):
        """Opens another observing session, which only reads."""
        self.watch = Session(self.cluster, audit="off")

    def row(self, name):
        """The record of the data store of that name: outcome, error code, whether it was rolled
        back, id, token and attempts; None: no event "sent"."""
        return next(iter(self.watch.run(ROW, name)), None)

    def writers(self):
        """The processes that write audit trails in this database."""
        return [pid for (pid,) in self.watch.run(WRITERS)]

    def end_of(self, name, seconds=10):
        """The final state and the SQLSTATE of a row."""
        wait_until(lambda: (self.row(name) or ("running",))[0] != "running", seconds)
        return (self.row(name) or (None, None))[:2]

    def silent_call(self, session, name):
        """Starts a call without an answer; returns its thread and its token."""
        seen = len(emulator.log())
        emulator.next(**SILENT)
        thread = session.begin(CREATE, name)
        wait_until(lambda: len(emulator.log()) > seen)
        log = emulator.log()
        token = re.search('"ClientToken": *"([^"]+)"', log[-1]["body"]).group(1)
        return thread, token

    # ----------------------------------------------------------- what is kept ---

    def kept(self):
        """A successful call, and failed ones."""
        session = Session(self.cluster)
        tap.same(self.writers(), [], "no writer is started before the first change")
        begin = time.monotonic()
        made = session.run(CREATE, "first")[0][0]
        first = time.monotonic() - begin
        tap.same(self.row("first")[:4], ("succeeded", None, False, made), "a call is recorded")
        tap.same(len(self.writers()), 1, "by a writer")
        times = []
        for number in range(20):
            begin = time.monotonic()
            session.run(CREATE, f"next {number}")
            times.append(time.monotonic() - begin)
        tap.say(f"first call {first * 1000:.1f} ms, then {sorted(times)[10] * 1000:.1f} ms")
        tap.same(self.watch.run("SELECT event, outcome, count(*) FROM healthlake_event"
                                " GROUP BY 1, 2 ORDER BY 1"),
                 [("replied", "succeeded", 21), ("sent", None, 21)], "each call has two events")
        tap.same(self.watch.run("SELECT count(*) FROM healthlake_request"), [(0,)],
                 "and no row in healthlake_request")
        tap.same(self.watch.run(
            "SELECT session_role, outer_role, current_role::text = \"current_role\","
            " application_name, client_addr FROM healthlake_event"
            " WHERE request ->> 'DatastoreName' = 'first'"),
            [("postgres", "postgres", True, "", None)] * 2,
            "the roles are the session's, not the writer's")
        tap.same(self.watch.run("SELECT application_name, state FROM pg_stat_activity"
                                " WHERE backend_type = 'healthlake audit writer'"),
                 [("healthlake audit writer", "idle")], "pg_stat_activity shows the wait")
        emulator.next(error="ConflictException")
        tap.same(session.fails(CREATE, "refused"), "55006", "AWS refuses a call")
        tap.same(self.row("refused")[:2], ("failed", "ConflictException"),
                 "the refused call is recorded, too")
        session.run("SET healthlake.request_timeout = '1s'")
        emulator.next(**SILENT)
        tap.same(session.fails(CREATE, "lost"), "38M01", "a reply is lost")
        session.run("RESET healthlake.request_timeout")
        tap.same(self.row("lost")[:2], ("unknown", "38M01"), "the outcome is unknown")
        wait_until(lambda: self.row("lost")[2], 3)
        tap.same([self.row(name)[2] for name in ("refused", "lost")], [False, True],
                 "its rollback is recorded if AWS may have carried it out")
        large = "x" * 300000
        session.run("SET healthlake.unknown_members = send")
        session.fails("SELECT healthlake_create_datastore('large', more => %s)",
                      f'{{"Unknown": "{large}"}}')
        tap.ok(self.row("large") is not None,
               "a request may be larger than the queue in shared memory")
        tap.same(session.fails(CREATE, "after"), None, "the next call works")
        first = self.writers()
        session.close()
        session = Session(self.cluster)
        tap.same(session.fails(CREATE, "another session"), None, "another session's call")
        tap.same(self.writers(), first, "the same writer serves another session")
        session.close()

    def left_behind(self):
        """The names of the data stores that rolled-back transactions have left."""
        return {name for (name,) in self.watch.run("SELECT name FROM healthlake_left_behind")}

    def rollbacks(self):
        """All ways in which a transaction is rolled back."""
        session = Session(self.cluster)
        session.run("BEGIN")
        session.run(CREATE, "rollback")
        session.run("ROLLBACK")
        tap.ok(wait_until(lambda: "rollback" in self.left_behind(), 2.5) is not None,
               "a rollback is recorded soon")
        session.run("BEGIN; SAVEPOINT a")
        session.run(CREATE, "savepoint")
        session.run("ROLLBACK TO a")
        session.run(CREATE, "kept")
        session.run("SAVEPOINT b")
        session.run(CREATE, "released")
        session.run("RELEASE b")
        tap.ok(wait_until(lambda: self.row("savepoint")[2], 2) is not None,
               "ROLLBACK TO is recorded before the transaction ends")
        tap.same([self.row(name)[2] for name in ("kept", "released")], [False, False],
                 "an open transaction has no record of a rollback")
        session.run("COMMIT")
        session.run("BEGIN; SAVEPOINT a")
        session.run(CREATE, "released then rolled back")
        session.run("RELEASE a; ROLLBACK")
        session.run("DO $$ BEGIN PERFORM healthlake_create_datastore('exception');"
                    " RAISE EXCEPTION 'x'; EXCEPTION WHEN raise_exception THEN END $$")
        gone = ("rollback", "savepoint", "released then rolled back", "exception")
        tap.ok(wait_until(lambda: all(self.row(name)[2] for name in gone), 2.5) is not None,
               "each rollback is recorded", [self.row(name) for name in gone])
        tap.same([self.row(name)[0] for name in gone], ["succeeded"] * 4, "for successful calls")
        tap.same(self.left_behind() & {*gone, "kept", "released"}, set(gone),
                 "healthlake_left_behind contains exactly these")
        tap.same(self.watch.run("SELECT bool_and(requested_at = s.at) FROM healthlake_left_behind"
                                " AS l JOIN healthlake_event AS s ON s.event = 'sent'"
                                " AND s.request_id = l.id"), [(True,)],
                 "with the time of the call, not of the rollback")
        for name in gone:
            session.run("SELECT healthlake_delete_datastore(%s, %s)", self.row(name)[3], name)
        tap.same(self.left_behind() & set(gone), set(), "until the data stores are deleted")
        tap.same([self.row(name)[2] for name in ("kept", "released")], [False, False],
                 "committed transactions are not recorded as rolled back")
        session.run("BEGIN")
        session.run(CREATE, "session ends")
        session.close()
        tap.ok(wait_until(lambda: self.row("session ends")[2], 2) is not None,
               "the transaction of a vanished client is recorded as rolled back")
        tap.same(self.watch.run("SELECT rolled_back FROM healthlake_created_datastores"
                                " WHERE region = 'us-east-1'"), [(5,)],
                 "healthlake_created_datastores counts them")

    # ------------------------------------------------------------- interrupts ---

    def interrupts(self):
        """Calls that end before AWS has answered."""
        session = Session(self.cluster)
        session.run("SET statement_timeout = '500ms'")
        thread, token = self.silent_call(session, "timeout")
        tap.same(self.row("timeout")[0], "running", "a call in flight is recorded as running")
        thread.join()
        tap.same((thread.told, *self.end_of("timeout")), ("57014", "unknown", "57014"),
                 "after statement_timeout the outcome is unknown")
        tap.same(self.row("timeout")[4:], (token, 1), "the event has the token that was sent")
        session.run("RESET statement_timeout")
        tap.same(session.fails(CREATE, "after timeout"), None, "the next call works")
        thread, token = self.silent_call(session, "cancel")
        self.watch.run("SELECT pg_cancel_backend(%s)", session.pid)
        thread.join()
        tap.same((thread.told, *self.end_of("cancel"), self.row("cancel")[4]),
                 ("57014", "unknown", "57014", token), "a cancel, too")
        session.run("SET healthlake.endpoint_url = 'http://127.0.0.1:1'")
        session.fails(CREATE, "nobody")
        tap.same(self.row("nobody")[:2], ("failed", "38N01"),
                 "a call that reached no server has failed")
        session.run("SELECT set_config('healthlake.endpoint_url', %s, false)", emulator.http)
        thread, token = self.silent_call(session, "terminate")
        self.watch.run("SELECT pg_terminate_backend(%s)", session.pid)
        thread.join()
        tap.same((*self.end_of("terminate"), self.row("terminate")[4]), ("unknown", "57P01", token),
                 "a session is terminated")
        lines = [line for line in self.cluster.log().splitlines()
                 if f'client_token="{token}"' in line]
        tap.same([re.search(r"event=(\w+)( outcome=\w+ sqlstate=\w+)?", line).group(1, 2)
                  for line in lines],
                 [("request", None), ("reply", " outcome=unknown sqlstate=57P01")],
                 "its call has both lines in the log")
        tap.same([re.search(r'session_role="(\w+)" current_role="(\w+)"', line).groups()
                  for line in lines], [("postgres", "postgres")] * 2, "both lines have the roles")
        tap.ok(wait_until(lambda: self.row("terminate")[2], 2) is not None,
               "its call is recorded as rolled back")
        session.close()

    def many_interrupts(self):
        """Calls that are interrupted at random moments: each sent request has its row."""
        session = Session(self.cluster)
        emulator.reset()
        told = []
        for number in range(400):
            # a timeout that is late may end the next statement
            while session.fails(f"SET statement_timeout = {RANDOM.randint(1, 5)}"):
                pass
            told.append(session.fails(CREATE, f"any moment {number}"))
            while session.fails("RESET statement_timeout"):
                pass
        tap.say({state: told.count(state) for state in set(told)})
        tap.same(session.fails(CREATE, "any moment"), None, "calls were interrupted")
        rows = "SELECT client_token, max(outcome) FROM healthlake_event" \
            " WHERE request ->> 'DatastoreName' LIKE 'any moment%' GROUP BY 1"
        wait_until(lambda: None not in dict(self.watch.run(rows)).values())
        rows = dict(self.watch.run(rows))
        sent = {re.search('"ClientToken": *"([^"]+)"', entry["body"]).group(1)
                for entry in emulator.log()}
        tap.same(sent - set(rows), set(), "each sent request has a row")
        tap.same({rows.get(token) for token in sent} - {"succeeded", "unknown"}, set(),
                 "no such row says that it has failed")
        tap.same(set(rows.values()) - {"succeeded", "unknown", "failed"}, set(),
                 "each call has an end")
        session.close()

    def locks(self):
        """Nothing is sent while events cannot be written."""
        session, other = Session(self.cluster), Session(self.cluster)
        session.run(CREATE, "before lock")
        seen = len(emulator.log())
        session.run("BEGIN; LOCK TABLE healthlake_event IN ACCESS EXCLUSIVE MODE")
        begin = time.monotonic()
        thread = session.begin(CREATE, "own lock")
        time.sleep(2.5)
        second = other.begin(CREATE, "behind a lock")
        thread.join()
        took = time.monotonic() - begin
        tap.same(thread.told, "55P03", "the session itself holds a lock on the history")
        tap.ok(4 < took < 8, "the call fails after some time", took)
        session.run("ROLLBACK")
        begin = time.monotonic()
        second.join()
        tap.same(second.told, None, "another session's call goes on")
        tap.ok(time.monotonic() - begin < 2,
               "the blocked call is refused afterwards", time.monotonic() - begin)
        tap.same(self.row("own lock"), None, "a refused call has no event")
        tap.same(len(emulator.log()), seen + 1, "and nothing was sent")
        other.run("BEGIN; LOCK TABLE healthlake_event IN ACCESS EXCLUSIVE MODE")
        session.run("SET statement_timeout = '500ms'")
        begin = time.monotonic()
        tap.same(session.fails(CREATE, "cancelled wait"), "57014", "waiting can be cancelled")
        tap.ok(time.monotonic() - begin < 2, "at once", time.monotonic() - begin)
        other.run("ROLLBACK")
        tap.same(len(emulator.log()), seen + 1, "nothing was sent")
        session.run("RESET statement_timeout")
        tap.same(session.fails(CREATE, "after lock"), None, "the next call works")
        tap.same(self.row("cancelled wait"), None, "a cancelled call has no event")
        thread, _ = self.silent_call(session, "locked end")
        other.run("BEGIN; LOCK TABLE healthlake_event IN ACCESS EXCLUSIVE MODE")
        self.watch.run("SELECT pg_cancel_backend(%s)", session.pid)
        thread.join()
        time.sleep(6)
        other.run("ROLLBACK")
        tap.same(self.end_of("locked end"), ("unknown", "57014"),
                 "an end that could not be written is written later")
        self.called_away(session, other)
        session.close()
        other.close()

    def called_away(self, session, other):
        """A cancel, or a terminated session, while the reply waits for a locked history."""
        for what, function in (("cancel", "cancel"), ("end", "terminate")):
            seen = len(emulator.log())
            emulator.next(operation="CreateFHIRDatastore", delay=1.0)
            del session.connection.notices[:]
            thread = session.begin(CREATE, f"locked {what}")
            wait_until(lambda seen=seen: len(emulator.log()) > seen)
            other.run("BEGIN; LOCK TABLE healthlake_event IN ACCESS EXCLUSIVE MODE")
            wait_until(lambda seen=seen: emulator.log()[seen]["answer"].get("ended"))
            time.sleep(0.5)
            begin = time.monotonic()
            self.watch.run(f"SELECT pg_{function}_backend(%s)", session.pid)
            thread.join()
            took = time.monotonic() - begin
            tap.ok(took < 2, f"a {what} does not wait for the locked history", f"{took:.1f} s")
            tap.ok(thread.told in {"cancel": ("57014",), "end": ("57P01", "lost")}[what],
                   f"a {what} is reported", thread.told)
            if what == "cancel":
                tap.ok(any("not recorded in the audit trail yet" in one
                           for one in session.connection.notices),
                       "with a WARNING", session.connection.notices)
            other.run("ROLLBACK")
            tap.same(self.end_of(f"locked {what}"), ("succeeded", None),
                     f"the reply is recorded after a {what} nevertheless")

    def one_bad_row(self):
        """A batch that fails is written row by row."""
        setup = self.cluster.connect()
        setup.cursor().execute(
            "CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF NEW.request ->> 'DatastoreName' LIKE 'bad%' THEN"
            " RAISE 'bad' USING ERRCODE = 'P0BAD'; END IF; RETURN NEW; END $$;"
            "CREATE TRIGGER healthlake_bad BEFORE INSERT ON healthlake_event"
            " FOR EACH ROW EXECUTE FUNCTION bad()")
        sessions = [Session(self.cluster) for _ in range(8)]
        sessions[0].run("BEGIN; LOCK TABLE healthlake_event IN ACCESS EXCLUSIVE MODE")
        names = [f"{'bad' if number % 3 == 0 else 'good'} {number}" for number in range(1, 8)]
        threads = [session.begin(CREATE, name) for session, name in zip(sessions[1:], names)]
        time.sleep(1)
        sessions[0].run("ROLLBACK")
        for thread in threads:
            thread.join()
        tap.same({name: thread.told for name, thread in zip(names, threads)},
                 {name: "P0BAD" if name.startswith("bad") else None for name in names},
                 "of a batch, only the event that cannot be written refuses its call")
        setup.cursor().execute("DROP TRIGGER healthlake_bad ON healthlake_event; DROP FUNCTION bad")
        setup.close()
        for session in sessions:
            session.close()

    def hostile_database(self):
        """ALTER DATABASE SET does not affect the writer."""
        session = Session(self.cluster)
        self.watch.run("CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                       " IF NEW.request ->> 'DatastoreName' = 'bad' THEN"
                       " RAISE 'bad' USING ERRCODE = 'P0BAD'; END IF; RETURN NEW; END $$;"
                       "CREATE TRIGGER healthlake_bad BEFORE INSERT ON healthlake_event"
                       " FOR EACH ROW EXECUTE FUNCTION bad();"
                       "ALTER DATABASE postgres SET exit_on_error = on")
        for pid in self.writers():
            self.watch.run("SELECT pg_terminate_backend(%s)", pid)
        wait_until(lambda: not self.writers())
        tap.same(session.fails(CREATE, "bad"), "P0BAD",
                 "exit_on_error of a database does not end its writer")
        self.watch.run("ALTER DATABASE postgres RESET exit_on_error;"
                       "DROP TRIGGER healthlake_bad ON healthlake_event; DROP FUNCTION bad")
        session.close()

    def no_table(self):
        """Nothing is sent if the history table is missing."""
        setup = self.cluster.connect()
        setup.cursor().execute("ALTER TABLE healthlake_event RENAME TO healthlake_gone")
        session, seen = Session(self.cluster), len(emulator.log())
        tap.same(session.fails(CREATE, "no table"), "55000",
                 "without the table durable refuses calls")
        tap.same(len(emulator.log()), seen, "and nothing is sent")
        setup.cursor().execute("ALTER TABLE healthlake_gone RENAME TO healthlake_event")
        tap.same(session.fails(CREATE, "a table"), None, "with the table it works again")
        setup.close()
        session.close()

    # ---------------------------------------------------------------- writers ---

    def writers_end(self):
        """Writers that are terminated."""
        session = Session(self.cluster)
        session.run(CREATE, "one writer")
        first = self.writers()[-1]
        self.watch.run("SELECT pg_terminate_backend(%s)", first)
        wait_until(lambda: first not in self.writers())
        tap.same(session.fails(CREATE, "another writer"), None, "a writer was terminated")
        tap.ok(self.writers() and first not in self.writers(), "another one was started")
        tap.same(self.row("another writer")[0], "succeeded", "it records calls")
        emulator.next(operation="CreateFHIRDatastore", apply=True, delay=2)
        thread = session.begin(CREATE, "writer ends")
        wait_until(lambda: self.row("writer ends"))
        self.watch.run("SELECT pg_terminate_backend(%s)", self.writers()[-1])
        thread.join()
        tap.same(thread.told, None, "a call succeeds although its writer ends")
        tap.same([notice for notice in session.connection.notices if "audit" in notice], [],
                 "without a warning")
        tap.same((self.row("writer ends")[0], self.row("writer ends")[3] is not None),
                 ("succeeded", True), "the next writer keeps its id")
        session.run("BEGIN")
        session.run(CREATE, "writer ends before the rollback")
        self.watch.run("SELECT pg_terminate_backend(%s)", self.writers()[-1])
        wait_until(lambda: not self.writers())
        tap.same(session.fails(CREATE, "yet another writer"), None, "a writer has a successor")
        session.run("ROLLBACK")
        tap.ok(wait_until(lambda: self.row("writer ends before the rollback")[2], 5) is not None,
               "which records rollbacks of calls that the first has recorded")
        session.close()

    def writer_waits(self):
        """Writers that are terminated during an endless wait."""
        session = Session(self.cluster)
        self.watch.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        self.watch.run("SELECT pg_reload_conf()")
        calls = []
        stuck = WRITERS.replace("ORDER", "AND wait_event = 'SyncRep' ORDER")

        def is_stuck():
            if not calls or not calls[-1].is_alive():
                calls.append(session.begin(CREATE, "no standby"))
            return self.watch.run(stuck)

        tap.ok(wait_until(is_stuck) is not None, "a writer waits for a missing synchronous standby")
        tap.same(self.watch.run("SELECT pg_terminate_backend(%s, 4000)", self.writers()[0]),
                 [(True,)], "and ends when it is told to")
        self.watch.run("ALTER SYSTEM RESET synchronous_standby_names")
        self.watch.run("SELECT pg_reload_conf()")
        calls[-1].join()
        tap.same(calls[-1].told, None, "its call continues with the next writer")
        given = {"endpoint_url": emulator.http, "region": "us-east-1", "audit": "durable",
                 "access_key_id": emulator.access_key_id,
                 "secret_access_key": emulator.secret_access_key}
        setting = "".join(f" PERFORM set_config('healthlake.{name}', '{value}', true);"
                          for name, value in given.items())
        session.run("CREATE FUNCTION inner_call() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                    f"{setting} PERFORM public.healthlake_create_datastore('inner');"
                    " RETURN NEW; END $$;"
                    "CREATE TRIGGER inner_call BEFORE INSERT ON healthlake_event FOR EACH ROW"
                    " WHEN (NEW.request ->> 'DatastoreName' = 'outer')"
                    " EXECUTE FUNCTION inner_call()")
        session.run("SET statement_timeout = '8s'")
        tap.same(session.fails(CREATE, "outer"), "0A000", "a writer does not wait for itself")
        for pid in self.writers():  # if it waits, it has locked the table
            self.watch.run("SELECT pg_terminate_backend(%s, 4000)", pid)
        session.run("RESET statement_timeout; DROP TRIGGER inner_call ON healthlake_event;"
                    "DROP FUNCTION inner_call")
        session.close()

    def crowd(self):
        """More sessions than places in the list of waiting sessions."""
        late = Session(self.cluster)
        late.run(CREATE, "before the crowd")
        writer = self.writers()[-1]
        crowd = [Session(self.cluster) for _ in range(128)]
        os.kill(writer, signal.SIGSTOP)
        try:
            calls = [session.begin(CREATE, "crowd") for session in crowd]
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY (%s)" \
                " AND state = 'active' AND wait_event_type = 'Extension'"
            pids = [session.pid for session in crowd]
            wait_until(lambda: self.watch.run(waiting, pids) == [(128,)], 30)
            one = Session(self.cluster)
            one.run("SET statement_timeout = '500ms'")
            tap.same(one.fails(CREATE, "no place"), "57014", "waiting for a place can be cancelled")
            self.watch.run("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS u (pid)", pids)
            for call in calls:
                call.join()
        finally:
            os.kill(writer, signal.SIGCONT)
        one.run("SET statement_timeout = '10s'")
        tap.same(one.fails(CREATE, "a place"), None, "and the session has one later")
        for session in (late, one):
            session.close()

    def slots(self):
        """Many concurrent sessions with few slots, or none."""
        sessions = [Session(self.cluster) for _ in range(30)]
        seen = len(emulator.log())
        told = []

        def call(session, number):
            told.extend(session.fails(CREATE, f"slot {number} {i}") for i in range(3))

        threads = [threading.Thread(target=call, args=pair) for pair in zip(sessions, range(30))]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tap.say(f"90 calls of 30 sessions: {time.monotonic() - begin:.2f} s")
        tap.same((len(told), set(told)), (90, {None}), "90 calls of 30 sessions all succeed")
        tap.same(len(emulator.log()) - seen, 90, "all are sent")
        tap.same(len(self.writers()), 1, "by one writer")
        tap.same(self.watch.run("SELECT event, count(*) FROM healthlake_event WHERE request"
                                " ->> 'DatastoreName' LIKE 'slot %' GROUP BY 1 ORDER BY 1"),
                 [("replied", 90), ("sent", 90)], "and have their events")
        for session in sessions:
            session.close()
        self.no_slots()

    def no_slots(self):
        """Without a slot nothing is sent."""
        self.watch.run("SELECT pg_terminate_backend(%s)", self.writers()[-1])
        wait_until(lambda: not self.writers())
        takers = []
        for number in range(8):
            name = f"taker{number}"
            self.watch.run(f"CREATE DATABASE {name}")
            setup = self.cluster.connect(dbname=name)
            setup.cursor().execute("CREATE EXTENSION healthlake")
            setup.close()
            takers.append(Session(self.cluster, dbname=name))
        told = [session.fails(CREATE, "taker") for session in takers]
        session, seen = Session(self.cluster), len(emulator.log())
        tap.same((told[0], told[-1], session.fails(CREATE, "no slot")), (None, "55000", "55000"),
                 "without a slot a change is refused")
        tap.same(len(emulator.log()), seen, "and nothing is sent")
        on = Session(self.cluster, audit="on")
        tap.same(on.fails(CREATE, "no slot needed"), None, "audit = on needs no slot")
        on.close()
        for taker in takers:
            taker.close()
        for number in range(8):
            self.watch.run(f"DROP DATABASE taker{number}")
        tap.same(session.fails(CREATE, "a slot"), None, "a writer frees its slot")
        session.close()

    def databases(self):
        """A writer does not block DDL on the database."""
        for number, statement in enumerate(("CREATE DATABASE copy TEMPLATE wards",
                                            "ALTER DATABASE wards RENAME TO other",
                                            "DROP DATABASE other")):
            if number == 0:
                self.watch.run("CREATE DATABASE wards")
                setup = self.cluster.connect(dbname="wards")
                setup.cursor().execute("CREATE EXTENSION healthlake")
                setup.close()
            name = "other" if number == 2 else "wards"
            session = Session(self.cluster, dbname=name)
            if number == 2:  # not even by an end that cannot be written
                session.run("CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS"
                            " $$ BEGIN RAISE 'bad'; END $$;"
                            "CREATE TRIGGER bad BEFORE INSERT ON healthlake_event FOR EACH ROW"
                            " WHEN (NEW.event <> 'sent') EXECUTE FUNCTION bad()")
            session.run("BEGIN")
            session.run(CREATE, "w")
            session.close()
            begin = time.monotonic()
            tap.same(self.watch.fails(statement), None, statement)
            took = time.monotonic() - begin
            tap.ok(took < 4, "CREATE DATABASE … TEMPLATE is not blocked", f"{took:.2f} s")
        session = Session(self.cluster, dbname="copy")
        tap.same(session.run("SELECT event FROM healthlake_event ORDER BY id"),
                 [("sent",), ("replied",), ("rolled_back",)],
                 "the copy has the events, with the rollback")
        session.run(CREATE, "w")
        begin = time.monotonic()
        tap.same(self.watch.fails("DROP DATABASE copy WITH (FORCE)"), None, "DROP … WITH (FORCE)")
        tap.ok(time.monotonic() - begin < 4, "ends session and writer",
               f"{time.monotonic() - begin:.2f} s")
        session.close()

    def extension(self):
        """DROP and CREATE EXTENSION while there is a writer."""
        session = Session(self.cluster)
        session.run(CREATE, "before drop")
        session.run("BEGIN; DROP EXTENSION healthlake; CREATE EXTENSION healthlake")
        tap.same(session.fails(CREATE, "uncommitted"), "55P03",
                 "calls are refused while the new table is not committed")
        session.run("ROLLBACK")
        session.run("DROP EXTENSION healthlake")
        session.run("CREATE EXTENSION healthlake")
        tap.same(session.fails(CREATE, "after drop"), None, "they work when it is committed")
        tap.same(self.row("after drop")[0], "succeeded", "by the same writer")
        session.close()

    # ------------------------------------------------------------------ kills ---

    def kill(self, name, victim):
        """Kills a process during a call with SIGKILL."""
        session = Session(self.cluster)
        session.run(CREATE, name + " before")
        thread, token = self.silent_call(session, name)
        os.kill(session.pid if victim == "session" else self.writers()[-1], signal.SIGKILL)
        thread.join()
        session.close()
        self.watch.close()
        tap.ok(wait_until(self.comes_back, 30) is not None, f"{name}: the server comes back")
        tap.same(self.row(name)[0], "running", "no writer has completed the record yet")
        session = Session(self.cluster)
        tap.same(session.fails(CREATE, name + " after"), None, "the next change works")
        tap.same(self.end_of(name) + self.row(name)[4:5], ("unknown", "38M01", token),
                 "the interrupted call is recorded as unknown")
        tap.same(self.row(name + " before")[0], "succeeded", "completed calls are unchanged")
        session.close()

    def comes_back(self):
        """Whether the server accepts connections again."""
        try:
            self.look()
        except psycopg2.Error:
            return False
        return True

    # ------------------------------------------------------------- get or create ---

    def ensure(self):
        """healthlake_ensure_datastore() after an unknown outcome, with late lists."""
        session = Session(self.cluster)
        late = {"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": []}}
        emulator.next(late, {"operation": "CreateFHIRDatastore", "apply": True,
                             "http_garbage": "x"})
        tap.same(session.fails(ENSURE, "ensured"), "38M01", "a reply is lost")
        token = self.row("ensured")[4]
        for other in (session, Session(self.cluster, audit="off")):
            emulator.next(late)
            tap.same(other.fails(ENSURE, "ensured"), "38M01", "nothing is created meanwhile")
        emulator.next(late, late)
        made = session.run(ENSURE.replace("%s", "%s, client_token => %s"), "ensured", token)
        tap.same(session.run(ENSURE, "ensured"), [(made[0][0], False)],
                 "with its token the outcome is known")
        tap.same([store["DatastoreId"] for store in emulator.stores()
                  if store["DatastoreName"] == "ensured"], [made[0][0]], "there is one")
        session.run("BEGIN")
        emulator.next(late)
        made = session.run(ENSURE, "rolled back")
        session.run("ROLLBACK")
        wait_until(lambda: self.row("rolled back")[2])
        emulator.next(late)
        tap.same(session.run(ENSURE, "rolled back"), [(made[0][0], False)],
                 "what a rollback left is found")
        session.close()

    # ------------------------------------------------------------------- "on" ---

    def serializable(self):
        """Overlapping serializable transactions with audit = on."""
        pair = [Session(self.cluster, audit="on") for _ in range(2)]
        failed = []
        for number in range(20):
            for session in pair:
                session.run("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM pg_class")
            for session in pair:
                failed.append(session.fails(CREATE, f"serializable {number}"))
            for session in pair:
                failed.append(session.fails("COMMIT"))
        tap.same(set(failed), {None}, "serializable transactions do not fail each other")
        tap.same(self.watch.run("SELECT count(*) FROM healthlake_event WHERE outcome = 'succeeded'"
                                " AND request ->> 'DatastoreName' LIKE 'serializable %'"), [(40,)],
                 "and have their events")
        for number in range(5):
            for session in pair:
                session.run("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM pg_class")
            for which, session in enumerate(pair):
                failed.append(session.fails(ENSURE, f"look {number} {which}"))
            for session in pair:
                failed.append(session.fails("COMMIT"))
        tap.same(set(failed), {None}, "nor do those that look into the history")
        for session in pair:
            session.close()

    def nested(self):
        """A trigger calls the extension during the statement that fired it."""
        self.watch.run("CREATE FUNCTION nest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                       " IF pg_catalog.pg_trigger_depth() < 3 THEN"
                       " GRANT SELECT ON public.healthlake_event TO PUBLIC;"
                       " REVOKE SELECT ON public.healthlake_event FROM PUBLIC;"
                       " PERFORM public.healthlake_create_datastore("
                       "'in ' || (NEW.request ->> 'DatastoreName')); END IF;"
                       " RETURN NEW; END $$;"
                       "CREATE TRIGGER nest BEFORE INSERT ON healthlake_event"
                       " FOR EACH ROW EXECUTE FUNCTION nest()")
        session = Session(self.cluster, audit="on")
        for number in range(3):
            tap.same(session.fails(CREATE, f"nested {number}"), None,
                     "a plan that a trigger invalidates is completed")
        tap.same(self.watch.run(
            "SELECT count(*) FROM healthlake_event WHERE outcome = 'succeeded'"
            " AND request ->> 'DatastoreName' LIKE '%nested %'"), [(9,)],
            "all calls have their events")
        self.watch.run("DROP TRIGGER nest ON healthlake_event; DROP FUNCTION nest")
        session.close()

    def stop(self):
        """A fast shutdown during calls."""
        session = Session(self.cluster)
        thread, token = self.silent_call(session, "shutdown")
        begin = time.monotonic()
        self.cluster.stop(signal.SIGINT)
        tap.ok(time.monotonic() - begin < 5, "a fast shutdown does not wait for calls",
               f"{time.monotonic() - begin:.1f} s")
        thread.join()
        self.cluster.start()
        self.look()
        tap.same((self.row("shutdown")[0], self.row("shutdown")[4]), ("unknown", token),
                 "interrupted calls are recorded as unknown")

    def sweep(self):
        """A new writer serves sessions while it looks for calls without an end in a history."""
        self.watch.run("INSERT INTO healthlake_event (id, home, request_id, event, origin,"
                       " operation, kind, transaction, session_role, \"current_role\", outcome)"
                       " SELECT 2 * i + e, healthlake_home(), 2 * i,"
                       " CASE e WHEN 0 THEN 'sent' ELSE 'replied' END, 'call',"
                       " 'CreateFHIRDatastore', 'create', pg_current_xact_id(), 'x', 'x',"
                       " CASE e WHEN 1 THEN 'succeeded' END"
                       " FROM generate_series(1, 100000) AS i, generate_series(0, 1) AS e"
                       " WHERE i > 1 OR e = 0")
        session = Session(self.cluster)
        tap.same({session.fails(CREATE, f"served {number}") for number in range(10)}, {None},
                 "calls succeed beside a sweep")
        end = "SELECT id FROM healthlake_event WHERE request_id = 2 AND event = 'interrupted'" \
            " AND outcome = 'unknown'"
        tap.ok(wait_until(lambda: self.watch.run(end), 30) is not None,
               "the oldest call without an end is found")
        tap.ok(self.watch.run(f"SELECT count(*) > 3 FROM healthlake_event WHERE id < ({end})"
                              " AND event = 'sent' AND request ->> 'DatastoreName'"
                              " LIKE 'served %'")[0][0],
               "calls did not wait until the whole history was read")
        tap.same(self.watch.run("SELECT count(*) FROM healthlake_event WHERE request_id <= 200000"
                                " AND event NOT IN ('sent', 'replied')"), [(1,)],
                 "calls with an end get no other")
        session.close()

    def run(self):
        """All checks."""
        self.kept()
        self.rollbacks()
        self.interrupts()
        self.many_interrupts()
        self.locks()
        self.one_bad_row()
        self.no_table()
        self.hostile_database()
        self.writers_end()
        self.writer_waits()
        self.crowd()
        self.slots()
        self.databases()
        self.extension()
        self.ensure()
        self.serializable()
        self.nested()
        self.kill("a session is killed", "session")
        self.kill("a writer is killed", "writer")
        self.stop()
        self.sweep()


def main():
    """All checks, on a separate server."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEALTHLAKE_WORK")) as folder:
        with Cluster(Path(folder) / "server", settings={"max_connections": 200}) as cluster:
            cluster.connect().cursor().execute("CREATE EXTENSION healthlake")
            Check(cluster).run()
            tap.same(re.findall("PANIC|TRAP|XX000", cluster.log()), [], "nothing odd in the log")
    tap.end()


main()
