#!/usr/bin/python3
"""Two sessions change one row, or lock it: how many data stores and queued requests that makes.

PostgreSQL computes the values of an UPDATE again when it finds that the row was changed meanwhile,
and locks the rows of SELECT ... FOR UPDATE after it has computed their columns.
doc/transactions.md describes that, and how to make only one call. Both are tested here.
"""

import sys
import threading
import time
from pathlib import Path

import psycopg2

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
from session import open_session  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

FILL = "UPDATE ward SET id = (healthlake_create_datastore(name)).id WHERE key = 1"
TRIGGER = """
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.id := (healthlake_create_datastore(NEW.name)).id;
    RETURN NEW;
END $$;
CREATE TRIGGER fill BEFORE UPDATE OF beds ON ward FOR EACH ROW EXECUTE FUNCTION fill();
"""

WRAPPER = """
CREATE FUNCTION ordered(name text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS
$$ SELECT healthlake_enqueue_create_datastore(name, run_after => 'tomorrow') $$;
"""
ORDER = "healthlake_enqueue_create_datastore(name, run_after => 'tomorrow')"
ANSWER = " UPDATE ward SET request = queued.request FROM queued WHERE queued.key = ward.key"
# statements that enqueue for ward 7 while it is renamed: SQLSTATE, rows and names of what is queued
ORDERS = (
    ("an UPDATE that enqueues fails, and nothing is queued",
     f"UPDATE ward SET request = {ORDER} WHERE key = 1 RETURNING request", "40001", 0, []),
    ("so does one by an SQL function that is not inlined",
     "UPDATE ward SET request = ordered(name) WHERE key = 1", "40001", 0, []),
    ("and one by a subquery",
     f"UPDATE ward SET request = (SELECT {ORDER}) WHERE key = 1", "40001", 0, []),
    ("and a condition",
     f"UPDATE ward SET beds = 7 WHERE key = 1 AND {ORDER} > 0", "40001", 0, []),
    ("a row that does not match any more is not updated, but queued",
     f"UPDATE ward SET request = {ORDER} WHERE key = 1 AND name = 'ward 7'", None, 0, ["ward 7"]),
    ("RETURNING enqueues once",
     f"UPDATE ward SET beds = 7 WHERE key = 1 RETURNING {ORDER}", None, 1, ["renamed"]),
    ("not for a row that does not match any more",
     f"UPDATE ward SET beds = 7 WHERE key = 1 AND name = 'ward 7' RETURNING {ORDER}", None, 0, []),
    ("the rows of an UPDATE enqueue once",
     f"WITH u AS (UPDATE ward SET beds = 7 WHERE key = 1 RETURNING name) SELECT {ORDER} FROM u",
     None, 1, ["renamed"]),
    ("not for a row that does not match any more",
     "WITH u AS (UPDATE ward SET beds = 7 WHERE key = 1 AND name = 'ward 7' RETURNING name)"
     f" SELECT {ORDER} FROM u", None, 0, []),
    ("rows that a CTE has locked are updated, with one request each",
     "WITH locked AS MATERIALIZED (SELECT key, name FROM ward WHERE key = 1 FOR UPDATE),"
     f" queued AS MATERIALIZED (SELECT key, {ORDER} AS request FROM locked)" + ANSWER,
     None, 1, ["renamed"]),
    ("not a row that does not match any more", "WITH locked AS MATERIALIZED"
     " (SELECT key, name FROM ward WHERE key = 1 AND name = 'ward 7' FOR UPDATE),"
     f" queued AS MATERIALIZED (SELECT key, {ORDER} AS request FROM locked)" + ANSWER,
     None, 0, []),
    ("SELECT FOR UPDATE is refused",
     f"SELECT {ORDER} FROM ward WHERE key = 1 FOR UPDATE", "0A000", 0, []),
)
# the recipe of doc/transactions.md
TAKE = """WITH job AS MATERIALIZED (
    SELECT key, name FROM ward WHERE id IS NULL ORDER BY key LIMIT 1 FOR UPDATE SKIP LOCKED)
SELECT job.key, store.id FROM job, LATERAL healthlake_create_datastore(job.name) AS store"""

tap = Tap()


def connect(emulator):
    """A session that can call the emulator, and its cursor."""
    session = open_session()
    session.autocommit = True
    cursor = session.cursor()
    cursor.execute("CREATE EXTENSION IF NOT EXISTS healthlake")
    for name, value in {"endpoint_url": emulator.http, "region": "us-east-1",
                        "access_key_id": emulator.access_key_id,
                        "secret_access_key": emulator.secret_access_key}.items():
        cursor.execute(f"SELECT set_config('healthlake.{name}', %s, false)", (value,))
    return cursor


def wait_for_lock(cursor, pid, thread):
    """Waits until a backend waits for another, or the thread that uses it has ended."""
    for _ in range(600):
        if not thread.is_alive():
            return
        cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", (pid,))
        if cursor.fetchone()[0]:
            return
        time.sleep(0.02)
    raise RuntimeError("nobody waits")


def meanwhile(here, there, *statements):
    """
    Performs statements while another session renames their row, and commits once they wait.
    Returns the SQLSTATE of the last, and the number of its rows.
    """
    said = []

    def perform():
        try:
            for statement in statements:
                there.execute(statement)
            said.extend([None, max(there.rowcount, 0)])
        except psycopg2.Error as error:
            said.extend([error.pgcode, 0])

    here.execute("BEGIN; UPDATE ward SET name = 'renamed' WHERE key = 1")
    thread = threading.Thread(target=perform)
    thread.start()
    wait_for_lock(here, there.connection.info.backend_pid, thread)
    here.execute("COMMIT")
    thread.join()
    here.execute("UPDATE ward SET name = 'ward 7' WHERE key = 1")
    return said


def names_asked(emulator, here, there, *statements):
    """The SQLSTATE of statements, and the data stores that they create."""
    emulator.reset()
    state = meanwhile(here, there, *statements)[0]
    return [state, *(store["DatastoreName"] for store in emulator.stores())]


def check_orders(here):
    """Statements that enqueue: they fail, or queue one request for the row."""
    session = open_session()
    session.autocommit = True
    there = session.cursor()
    there.execute("SET healthlake.autostart_worker = off; SET healthlake.region = 'us-east-1'")
    here.execute(WRAPPER)
    for what, statement, state, rows, names in ORDERS:
        said = meanwhile(here, there, statement)
        there.execute("SELECT request ->> 'DatastoreName' FROM healthlake_request"
                      " WHERE state = 'queued' ORDER BY id")
        tap.same([*said, *(row[0] for row in there.fetchall())], [state, rows, *names],
                 f"{what}: {statement[:60]}")
        there.execute("SELECT healthlake_cancel_request(id) FROM healthlake_request"
                      " WHERE state = 'queued'")
    there.execute("SET default_transaction_isolation = 'repeatable read'")
    tap.same(meanwhile(here, there, ORDERS[0][1]), ["40001", 0], "REPEATABLE READ fails, too")
    there.execute("SELECT count(*) FROM healthlake_request WHERE state = 'queued'")
    tap.same(there.fetchone()[0], 0, "and nothing is queued")
    session.close()


def check_locked(emulator, here, there):
    """The recipe for rows that other sessions have locked."""
    here.execute("INSERT INTO ward VALUES (2, 'ward 8'), (3, 'ward 9')")
    here.execute("BEGIN; SELECT FROM ward WHERE key < 3 FOR UPDATE")
    emulator.reset()
    there.execute(TAKE)
    tap.same([row[0] for row in there.fetchall()], [3], "a row that is not locked is taken")
    tap.same([store["DatastoreName"] for store in emulator.stores()], ["ward 9"],
             "and has a data store, and only that one")
    here.execute("COMMIT; DELETE FROM ward WHERE key > 1")
    tap.same(names_asked(emulator, here, there, TAKE.replace(" SKIP LOCKED", "")),
             [None, "renamed"], "a row that is locked late has one data store")


def main():
    """An UPDATE, an UPDATE of a locked row, and a trigger."""
    emulator = client.emulator()
    here, there = connect(emulator), connect(emulator)
    here.execute("CREATE TABLE ward (key integer PRIMARY KEY, name text, id text, beds integer,"
                 " request bigint);"
                 "INSERT INTO ward VALUES (1, 'ward 7')")
    tap.same(names_asked(emulator, here, there, FILL), ["38M01", "ward 7"],
             "an UPDATE of a row that is being changed makes no second call")
    tap.ok(any("although its transaction was rolled back" in notice
               for notice in there.connection.notices), "and warns of the first",
           there.connection.notices)
    tap.same(names_asked(emulator, here, there, f"DO $$ BEGIN {FILL}; END $$"),
             ["38M01", "ward 7"], "so it is in PL/pgSQL")
    tap.same(names_asked(emulator, here, there, "BEGIN; SELECT FROM ward WHERE key = 1 FOR UPDATE",
                         FILL, "COMMIT"), [None, "renamed"],
             "an UPDATE of a row that was locked first, once")
    here.execute("UPDATE ward SET id = NULL")
    check_locked(emulator, here, there)
    check_orders(here)
    here.execute(TRIGGER)
    tap.same(names_asked(emulator, here, there, "UPDATE ward SET beds = 7 WHERE key = 1"),
             [None, "renamed"], "a BEFORE trigger runs once")
    tap.end()


main()
