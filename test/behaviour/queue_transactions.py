#!/usr/bin/python3
"""The queue with every end of a transaction, a database and a server.

Transactions are rolled back, to a savepoint or by an exception, retried, prepared, or lose their
client: there is a data store for what was committed, and none for the rest. Workers start without
preloading, and block neither DROP DATABASE and similar statements nor a shutdown.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, STATES, Session, ask, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "CreateFHIRDatastore"
ENQUEUE = "SELECT healthlake_enqueue_create_datastore(%s)"
A = "SELECT healthlake_enqueue_create_datastore('a')"
B = "SELECT healthlake_enqueue_create_datastore('b')"
WORKERS = """SELECT count(*) FROM pg_stat_activity
    WHERE backend_type = 'healthlake worker' AND datname = current_database()"""
# beside a request that never gets a reply
AT_ONCE = 4.0
# the extension's schema, also after it was renamed
PATH = "-c search_path=public,elsewhere"
# short timeouts and retention
SETTINGS = {"healthlake__audit_retention": "0 days", "healthlake__request_timeout": "4s"}

tap = Tap()

# what, statements (those after "!" fail), and the data stores that are there afterwards
CASES = [
    ("ROLLBACK", ["BEGIN", A, "ROLLBACK"], ""),
    ("COMMIT", ["BEGIN", A, "COMMIT"], "a"),
    ("ROLLBACK TO what came later", ["BEGIN", A, "SAVEPOINT s", B, "ROLLBACK TO s", "COMMIT"], "a"),
    ("ROLLBACK TO what came first", ["BEGIN", "SAVEPOINT s", A, "ROLLBACK TO s", B, "COMMIT"], "b"),
    ("ROLLBACK TO all there was", ["BEGIN", "SAVEPOINT s", A, "ROLLBACK TO s", "COMMIT"], ""),
    ("RELEASE", ["BEGIN", "SAVEPOINT s", A, "RELEASE s", "COMMIT"], "a"),
    ("ROLLBACK TO after RELEASE", ["BEGIN", "SAVEPOINT s", "SAVEPOINT t", A, "RELEASE t",
                                   "ROLLBACK TO s", "COMMIT"], ""),
    ("ROLLBACK TO after RELEASE, and more", ["BEGIN", "SAVEPOINT s", "SAVEPOINT t", A, "RELEASE t",
                                             "ROLLBACK TO s", B, "COMMIT"], "b"),
    ("an error", ["BEGIN", A, "!SELECT 1 / 0", "COMMIT"], ""),
    ("an error after a savepoint", ["BEGIN", A, "SAVEPOINT s", B, "!SELECT 1 / 0", "ROLLBACK TO s",
                                    "COMMIT"], "a"),
    ("an error in the statement that enqueues",
     ["!SELECT healthlake_enqueue_create_datastore('a'), 1 / (random() * 0)::int"], ""),
    ("an exception that PL/pgSQL catches", [
        f"DO $$BEGIN BEGIN PERFORM ({A}); RAISE 'no'; "
        f"EXCEPTION WHEN OTHERS THEN PERFORM ({B}); END; END$$"], "b"),
    ("an exception that nobody catches", [f"!DO $$BEGIN PERFORM ({A}); RAISE 'no'; END$$"], ""),
    ("COMMIT and ROLLBACK in a DO", [
        f"DO $$BEGIN PERFORM ({A}); COMMIT; PERFORM ({B}); ROLLBACK; END$$"], "a"),
    ("a deferred constraint that fails at COMMIT", [
        "CREATE TABLE one (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)", "BEGIN", A,
        "INSERT INTO one VALUES (1), (1)", "!COMMIT", "DROP TABLE one"], ""),
    ("several statements in one message", [f"BEGIN; {A}; {B}; COMMIT"], "ab"),
]


class Place:
    """A database with the extension, and the emulator of its queue."""

    def __init__(self, cluster, emulator, name="postgres", **more):
        emulator.reset()
        self.cluster = cluster
        self.emulator = emulator
        self.name = name
        if name != "postgres":
            with closing(Session(cluster)) as session:
                session.run(f"CREATE DATABASE {name}")
        with closing(self.session()) as session:
            session.run("CREATE EXTENSION IF NOT EXISTS healthlake")
        if more:
            emulator.next(operation=CREATE, **more)

    def where(self):
        """The name of the database, and the schema of the functions."""
        return {"dbname": self.name, "options": PATH}

    def session(self):
        """Opens a session."""
        return Session(self.cluster, **self.where())

    def ask(self, statement, *values):
        """Runs a statement in a new session; None without a connection."""
        return ask(self.cluster, statement, *values, **self.where())

    def finish(self, seconds=20):
        """Waits until the queue is empty; returns whether it is."""
        return until(lambda: self.ask(OPEN) == [(0,)], seconds)

    def empty(self):
        """Removes all requests and data stores."""
        self.ask("SELECT healthlake_purge_requests('0')")
        self.emulator.reset()

    def stores(self):
        """The number of data stores of each name."""
        return Counter(store["DatastoreName"] for store in self.emulator.stores())

    def fly(self):
        """Enqueues a request, and waits until it was sent."""
        since = len(self.emulator.log())
        self.ask(ENQUEUE, "flying")
        self.emulator.log(since=since, operation=CREATE, count=1, wait=20)

    def has_worker(self):
        """Whether there is a worker."""
        return self.ask(WORKERS) != [(0,)]


def test_cases(place):
    """Transactions with different ends."""
    for what, statements, names in CASES:
        place.empty()
        with closing(place.session()) as session:
            for statement in statements:
                fails = statement.startswith("!")
                state = session.state(statement.lstrip("!"))
                if (state is not None) != fails:
                    tap.say(f"{statement}: {state}")
        done = place.finish()
        tap.ok(done and place.stores() == Counter(names), f"{what}: {len(names)} data stores",
               f"done: {done}, stores: {dict(place.stores())}, wanted: {names}")


def test_no_preloading(place):
    """A worker is started by a commit, and exits."""
    place.emulator.next(operation=CREATE, delay=0.6)
    tap.same(place.ask("SHOW shared_preload_libraries"), [("",)], "nothing is preloaded")
    with closing(place.session()) as session:
        for last in ("ROLLBACK", "COMMIT"):
            for statement in ("BEGIN", A, last):
                session.run(statement)
            came = until(lambda: session.one(WORKERS), 0.5 if last == "ROLLBACK" else 10)
            tap.same(came, 0 if last == "ROLLBACK" else 1, f"workers that start after {last}")
        began = time.monotonic()
        gone = until(lambda: session.one(WORKERS) == 0)
        tap.ok(gone and place.finish(), "the worker exits when nothing is left")
        tap.say(f"it left {time.monotonic() - began:.2f} s after it had been seen, 0.6 s of which "
                "AWS took")


def retry(place, isolation, number, counts):
    """A client that increments a counter and enqueues, and repeats that until it has committed."""
    with closing(place.session()) as session:
        for turn in range(8):
            while True:
                try:
                    session.run(f"BEGIN ISOLATION LEVEL {isolation}")
                    session.run(ENQUEUE, f"{number}-{turn}")
                    session.run("SELECT n FROM counter")
                    session.run("UPDATE counter SET n = n + 1")
                    session.run("COMMIT")
                    break
                except psycopg2.extensions.TransactionRollbackError:
                    counts["retries"] += 1
                    session.run("ROLLBACK")


def test_serialization(place):
    """Serialization failures, retried by the client."""
    place.ask("CREATE TABLE counter AS SELECT 0 AS n")
    for isolation in ("REPEATABLE READ", "SERIALIZABLE"):
        place.empty()
        counts = Counter()
        threads = [threading.Thread(target=retry, args=(place, isolation, number, counts))
                   for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done = place.finish()
        wanted = Counter(f"{number}-{turn}" for number in range(4) for turn in range(8))
        tap.ok(done and place.stores() == wanted and counts["retries"] > 0,
               f"{isolation} with retries: 32 data stores", f"{done} {place.stores()}")
        tap.say(f"{isolation}: {counts['retries']} transactions failed and were retried")


def test_serializable_by_default(place):
    """A database whose transactions are serializable by default."""
    place.empty()
    place.ask(f"ALTER DATABASE {place.name} SET default_transaction_isolation = 'serializable'")
    place.ask("SELECT healthlake_enqueue_create_datastore('d-' || i) FROM generate_series(1, 30) i")
    with closing(place.session()) as session:
        said = session.state("CALL healthlake_run_queue()")
    done = place.finish(4)
    tap.ok(done and len(place.stores()) == 30 and said in (None, "40001"),
           "default_transaction_isolation = serializable does not stop a worker",
           f"done: {done}, {len(place.stores())} stores, the CALL: {said}")
    place.ask(f"ALTER DATABASE {place.name} RESET default_transaction_isolation")


def prepare(place, name, word):
    """Prepares a transaction that has enqueued."""
    with closing(place.session()) as session:
        for statement in ("BEGIN", f"SELECT healthlake_enqueue_create_datastore('{name}')",
                          f"PREPARE TRANSACTION '{word}'"):
            session.run(statement)


def restart(place, how):
    """Restarts the server after a shutdown or a kill."""
    if how == "killed":
        place.cluster.kill()
    else:
        place.cluster.stop(signal.SIGINT)
    place.cluster.start()


def test_prepared(place):
    """PREPARE TRANSACTION, ended by another session, or after a restart."""
    for how in ("at once", "after a shutdown", "after a kill"):
        place.empty()
        prepare(place, "c", "committed")
        prepare(place, "r", "rolled back")
        if how != "at once":
            restart(place, "killed" if how == "after a kill" else "stopped")
        tap.same((place.ask(STATES), place.stores()), ([], Counter()),
                 f"PREPARE TRANSACTION sends nothing, {how}")
        place.ask("ROLLBACK PREPARED 'rolled back'")
        place.ask("COMMIT PREPARED 'committed'")
        waits = place.ask(STATES)
        place.ask(B)
        done = place.finish()
        tap.ok(waits == [("queued", 1)] and done and place.stores() == Counter("cb"),
               f"COMMIT PREPARED, {how}: the row waits for the next one, then 1 data store each; "
               "ROLLBACK PREPARED: none", f"{waits} {done} {place.stores()}")


def vanish(place, name, cut):
    """
    A client that disconnects after it has sent COMMIT, or part of it; returns its backend's pid.
    """
    session = place.session()
    session.run("BEGIN")
    session.run(ENQUEUE, name)
    pid = session.session.info.backend_pid
    message = b"Q" + struct.pack("!i", 4 + len(b"COMMIT\0")) + b"COMMIT\0"
    with socket.socket(fileno=os.dup(session.session.fileno())) as wire:
        wire.sendall(message[:cut])
        wire.shutdown(socket.SHUT_RDWR)
    session.close()
    return pid


LATE = """
    CREATE SEQUENCE commits;
    CREATE TABLE late (id bigint);
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('public.commits') <= 2 THEN RAISE 'not now'; END IF;
            RETURN NULL;
        END$$;
    CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION fail();
    CREATE FUNCTION defer() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            SET CONSTRAINTS ALL DEFERRED;
            INSERT INTO public.late VALUES (NEW.id);
            RETURN NULL;
        END$$;
    CREATE TRIGGER defer AFTER UPDATE ON healthlake_request FOR EACH ROW
        WHEN (NEW.state = 'succeeded') EXECUTE FUNCTION defer()"""


def test_late(place):
    """A failed COMMIT loses no outcome: nothing is sent again."""
    with closing(place.session()) as session:
        session.run(LATE)
        for by in ("a worker", "a CALL"):
            place.empty()
            session.run("SELECT setval('commits', 1, false)")
            session.run(f"SET healthlake.autostart_worker = {by != 'a CALL'}")
            session.run("SELECT healthlake_enqueue_create_datastore('late ' || i)"
                        " FROM generate_series(1, 3) i")
            if by == "a CALL":
                until(lambda: session.one(WORKERS) == 0)
                session.run("CALL healthlake_run_queue()")
            tap.ok(until(lambda: session.run(STATES) == [("succeeded", 3)]),
                   f"{by} whose commits fail records what it has sent", session.run(STATES))
            tap.same((session.one("SELECT last_value > 2 FROM commits"),
                      len(place.emulator.log(operation=CREATE))), (True, 3),
                     f"{by}: two commits have failed, and each request is sent once")
            tap.same((session.one("SELECT max(attempts) FROM healthlake_request"),
                      session.one("SELECT count(*) FROM healthlake_event WHERE event = 'replied'")),
                     (1, 3), f"{by}: the history has one reply of each")
        session.run("DROP TABLE late; DROP FUNCTION fail; DROP SEQUENCE commits;"
                    "DROP FUNCTION defer CASCADE")


def test_vanishing(place):
    """A client that vanishes at COMMIT."""
    place.empty()
    pids = [vanish(place, f"whole-{n}", None) for n in range(10)]
    pids += [vanish(place, f"part-{n}", 7) for n in range(10)]
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    done = place.finish()
    rows = Counter(name for name, in
                   place.ask("SELECT request ->> 'DatastoreName' FROM healthlake_request"))
    wanted = Counter(f"whole-{n}" for n in range(10))
    tap.ok(done and rows == wanted and place.stores() == wanted,
           "10 clients vanish with COMMIT on the way, 10 before: 10 data stores",
           f"{done} {rows} {place.stores()}")


def test_no_slot(emulator):
    """No worker can be started."""
    cluster = queue_cluster.make(emulator, **SETTINGS, shared_preload_libraries="",
                                 max_worker_processes="1")
    with cluster:
        place = Place(cluster, emulator)
        with closing(place.session()) as session:
            session.run(A)
            said = "".join(session.session.notices)
            tap.ok("WARNING:  no background worker could be started" in said,
                   "no slot for a worker: a WARNING at COMMIT", said)
            tap.same((session.run(STATES), place.stores()), ([("queued", 1)], Counter()),
                     "the row waits")
            session.run("CALL healthlake_run_queue()")
        tap.same((place.ask(STATES), place.stores()), ([("succeeded", 1)], Counter("a")),
                 "CALL healthlake_run_queue() sends it")


def shut_down(cluster, how):
    """Shuts the server down; returns the seconds."""
    began = time.monotonic()
    cluster.stop(how)
    return time.monotonic() - began


def test_number(place):
    """The configured number of workers, also after an error and after it was reduced."""
    until(place.has_worker)
    place.emulator.next(operation=CREATE, silence=True)
    place.fly()
    with closing(place.session()) as session:
        session.run("SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                    " WHERE backend_type = 'healthlake worker'")
        tap.ok(until(lambda: session.one(OPEN) == 0),
               "a worker that was cancelled sends again what it had in flight")
        most = until(lambda: session.one(WORKERS) > 1, 2)
        tap.ok(not most, "no other worker is started beside it")
        for count in (2, 1):
            session.run(f"ALTER SYSTEM SET healthlake.worker_count = {count}")
            session.run("SELECT pg_reload_conf()")
            tap.ok(until(lambda wanted=count: session.one(WORKERS) == wanted),
                   f"{count} workers if {count} are configured", session.one(WORKERS))
    place.empty()


def test_shutdown(emulator):
    """Smart and fast shutdown, with calls in flight and without."""
    cluster = queue_cluster.make(emulator, **SETTINGS, healthlake__worker_databases="postgres")
    with cluster:
        test_number(Place(cluster, emulator))
        for word, how in (("smart", signal.SIGTERM), ("fast", signal.SIGINT)):
            for flying in (False, True):
                place = Place(cluster, emulator, **({"silence": True} if flying else {}))
                until(place.has_worker)
                if flying:
                    place.fly()
                took = shut_down(cluster, how)
                cluster.start()
                place.ask(A)
                done = place.finish()
                wanted = Counter(["a", "flying"] if flying else ["a"])
                tap.ok(took < AT_ONCE and done and place.stores() == wanted,
                       f"{word} shutdown, {'a call in flight' if flying else 'an idle worker'}: "
                       "less than a second, and the queue goes on",
                       f"{took:.2f} s, {done}, {place.stores()}")
                tap.say(f"{word} shutdown, {'in flight' if flying else 'idle'}: {took:.2f} s")
                place.empty()


def run_ddl(place, statement):
    """
    Runs a statement in the database where it is allowed; returns the seconds and the SQLSTATE.
    """
    inside = "EXTENSION" in statement or "SCHEMA" in statement
    with closing(place.session() if inside else Session(place.cluster)) as session:
        began = time.monotonic()
        state = session.state(statement)
        return time.monotonic() - began, state


# the statement, and the database of the queue afterwards; None: none
DDL = [
    ("DROP DATABASE {name}", None),
    ("CREATE DATABASE {name}_copy TEMPLATE {name}", "{name}"),
    ("ALTER DATABASE {name} RENAME TO {name}_now", "{name}_now"),
    ("DROP EXTENSION healthlake", None),
    ("ALTER EXTENSION healthlake UPDATE TO '1.0x'", "{name}"),
    ("ALTER SCHEMA public RENAME TO elsewhere", "{name}"),
]


def test_ddl(cluster, emulator, kind):
    """Statements that need exclusive access to a database or the extension."""
    for number, (statement, after) in enumerate(DDL):
        name = f"{kind}_{number}"
        flying = kind != "idle"
        place = Place(cluster, emulator, name, **({"silence": True} if flying else {}))
        if flying:
            place.fly()
        else:
            place.ask(A)
            place.finish()
            until(place.has_worker)
        took, state = run_ddl(place, statement.format(name=name))
        tap.say(f"{statement.format(name=name)}, {kind}: {took:.2f} s")
        tap.ok(state is None and took < AT_ONCE, f"{statement} is not blocked, {kind}",
               f"{state}, {took:.2f} s")
        if after is not None:
            place.name = after.format(name=name)
            go_on(place, statement, flying)
        elif "EXTENSION" in statement:
            come_back(place, statement, kind)


def come_back(place, statement, kind):
    """A worker must exit if there is no queue, and start if there is one again."""
    tap.ok(until(lambda: not place.has_worker(), 8), f"{statement}: the worker exits, {kind}")
    place.ask("CREATE EXTENSION healthlake")
    place.ask(ENQUEUE, "again")
    done = place.finish(10)
    tap.ok(done and place.stores()["again"] == 1,
           f"CREATE EXTENSION again: the queue continues, {kind}")


def go_on(place, statement, flying):
    """The queue must continue where it is now."""
    wanted = Counter(["flying"] if flying else ["a"])
    done = place.finish(10)
    tap.ok(done and place.stores() == wanted, f"{statement}: existing requests are sent once",
           f"{done} {place.stores()} {place.ask(STATES)}")
    with closing(place.session()) as session:
        session.run(ENQUEUE, "later")
    done = until(lambda: place.stores()["later"] == 1, 10)
    tap.ok(done and place.stores() == wanted + Counter(["later"]),
           f"{statement}: the queue continues", str(place.stores()))


def test_copied(cluster, emulator):
    """A database that is copied with requests in it."""
    place = Place(cluster, emulator, "origin")
    with closing(place.session()) as session:
        session.run("LOAD 'healthlake'")
        session.run("SET healthlake.autostart_worker = off")
        session.run("SELECT healthlake_enqueue_create_datastore('c-' || i) "
                    "FROM generate_series(1, 5) i")
    with closing(Session(cluster)) as session:
        session.run("CREATE DATABASE clone TEMPLATE origin")
    place.ask("CALL healthlake_run_queue()")
    emulator.state(token_lifetime=0)
    place.name = "clone"
    place.ask("CALL healthlake_run_queue()")
    tap.same((place.ask(STATES), place.stores()),
             ([("succeeded", 5)], Counter(f"c-{i}" for i in range(1, 6))),
             "CREATE DATABASE ... TEMPLATE with requests in it: 1 data store each")
    tap.same(place.ask("SELECT note, count(*) FROM healthlake_request GROUP BY 1"),
             [("found by its name and time", 5)], "the copy has searched before it sent")


def test_searching(cluster, emulator):
    """A database is dropped while its worker searches AWS, which does not answer."""
    place = Place(cluster, emulator, "searching")
    emulator.next(operation="ListFHIRDatastores", silence=True)
    with closing(place.session()) as session:
        session.run("LOAD 'healthlake'")
        session.run("SET healthlake.autostart_worker = off")
        session.run(A)
        session.run("""UPDATE healthlake_request SET first_sent_at = now() - '2 h'::interval,
            unsettled_since = now() - '2 h'::interval""")
    place.ask(B)
    tap.ok(until(lambda: emulator.log(operation="ListFHIRDatastores"), 10), "AWS is searched")
    took, state = run_ddl(place, "DROP DATABASE searching")
    tap.ok(state is None and took < AT_ONCE, "a search does not block DROP DATABASE",
           f"{state}, {took:.2f} s")
    tap.say(f"DROP DATABASE, the worker searches AWS: {took:.2f} s")


def test_no_credentials(emulator):
    """Missing credentials: rows that need the same keys wait for one attempt."""
    settings = {**SETTINGS, "healthlake__request_timeout": "1s",
                "healthlake__autostart_worker": "off",
                "healthlake__role_arn": "arn:aws:iam::123456789012:role/importer"}
    environment = {**os.environ, "AWS_ENDPOINT_URL_STS": emulator.http}
    with queue_cluster.make(emulator, environment, **settings) as cluster:
        place = Place(cluster, emulator)
        emulator.next(operation="AssumeRole", silence=True, times="always")
        for _ in range(2):
            place.ask(A)
        # at the first COMMIT of the run after an end
        ended = "SELECT count(*) FROM healthlake_request WHERE error_sqlstate = '38X01'"
        run = threading.Thread(target=place.ask, args=("CALL healthlake_run_queue()",), daemon=True)
        began = time.monotonic()
        run.start()
        tap.ok(until(lambda: place.ask(ended) != [(0,)], 30), "no credentials are issued")
        took = time.monotonic() - began
        tap.ok(until(lambda: place.ask(ended) == [(2,)], 30), "no row waits longer")
        tap.ok(len(emulator.log(operation="AssumeRole")) <= 3, "one attempt served both")
        tap.say(f"no credentials: recorded after {took:.1f} s")
        run.join(60)
        tap.same(place.ask(STATES), [("queued", 2)], "both will be tried again")
        tap.same(emulator.log(operation=CREATE), [], "nothing was sent")


def test_failing(cluster, emulator):
    """A worker that fails repeatedly."""
    place = Place(cluster, emulator, "failing")
    place.ask("ALTER TABLE healthlake_request RENAME lease_until TO lease")
    place.ask(A)
    until(lambda: "lease_until" in cluster.log())
    time.sleep(0.3)
    took, state = run_ddl(place, "DROP DATABASE failing")
    tap.ok(state is None and took < AT_ONCE, "a failing worker does not block DROP DATABASE",
           f"{state}, {took:.2f} s")
    tap.say(f"DROP DATABASE, the worker rests after an error: {took:.2f} s")


def write_update():
    """Writes the script of a small update of the extension."""
    config = os.environ["PG_CONFIG"]
    share = subprocess.check_output([config, "--sharedir"], text=True).strip()
    script = Path(share) / "extension" / "healthlake--1.0--1.0x.sql"
    script.write_text("ALTER TABLE @extschema@.healthlake_request ADD more pg_catalog.text;\n",
                      encoding="ascii")
    return script


def test_all_ddl(emulator):
    """Dynamic workers with a call in flight, and preloaded workers that are idle."""
    with queue_cluster.make(emulator, **SETTINGS, shared_preload_libraries="") as cluster:
        test_ddl(cluster, emulator, "flying")
        test_failing(cluster, emulator)
        test_copied(cluster, emulator)
        test_searching(cluster, emulator)
    names = ",".join(f"idle_{number}" for number in range(len(DDL)))
    with queue_cluster.make(emulator, **SETTINGS, healthlake__worker_databases=names) as cluster:
        test_ddl(cluster, emulator, "idle")


def main():
    """All checks."""
    emulator = client.emulator()
    with queue_cluster.make(emulator, **SETTINGS, shared_preload_libraries="") as cluster:
        place = Place(cluster, emulator)
        test_no_preloading(place)
        test_cases(place)
        test_serialization(place)
        test_late(place)
        test_serializable_by_default(place)
        test_vanishing(place)
        test_prepared(place)
    test_no_slot(emulator)
    test_no_credentials(emulator)
    test_shutdown(emulator)
    script = write_update()
    try:
        test_all_ddl(emulator)
    finally:
        script.unlink()
    emulator.stop()
    tap.end()


main()
