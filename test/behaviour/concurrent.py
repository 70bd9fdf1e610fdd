#!/usr/bin/python3
"""Two sessions change one row at a time: how many data stores that creates.

PostgreSQL computes an UPDATE's values again when it finds that the row has changed meanwhile.
doc/transactions.md says so, and how to have one call nevertheless. Both are tested here.
"""

import sys
import threading
import time
from pathlib import Path

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


def wait_for_lock(cursor, pid):
    """Waits until a backend waits for another."""
    for _ in range(600):
        cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", (pid,))
        if cursor.fetchone()[0]:
            return
        time.sleep(0.02)
    raise RuntimeError("nobody waits")


def names_asked(emulator, here, there, *statements):
    """The names of the data stores that statements create while their row is being renamed."""
    emulator.reset()
    here.execute("BEGIN; UPDATE ward SET name = 'renamed' WHERE key = 1")
    thread = threading.Thread(target=lambda: [there.execute(one) for one in statements])
    thread.start()
    wait_for_lock(here, there.connection.info.backend_pid)
    here.execute("COMMIT")
    thread.join()
    here.execute("UPDATE ward SET name = 'ward 7'")
    return [store["DatastoreName"] for store in emulator.stores()]


def main():
    """The statement as it is, after a lock, and as a trigger."""
    emulator = client.emulator()
    here, there = connect(emulator), connect(emulator)
    here.execute("CREATE TABLE ward (key integer PRIMARY KEY, name text, id text, beds integer);"
                 "INSERT INTO ward VALUES (1, 'ward 7')")
    tap.same(names_asked(emulator, here, there, FILL), ["ward 7", "renamed"],
             "an UPDATE of a row that is being changed is computed twice")
    tap.same(names_asked(emulator, here, there, "BEGIN; SELECT FROM ward WHERE key = 1 FOR UPDATE",
                         FILL, "COMMIT"), ["renamed"], "of a row that is locked first: once")
    here.execute(TRIGGER)
    tap.same(names_asked(emulator, here, there, "UPDATE ward SET beds = 7 WHERE key = 1"),
             ["renamed"], "a BEFORE trigger runs once")
    tap.end()


main()
