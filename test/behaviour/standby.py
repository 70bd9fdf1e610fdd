#!/usr/bin/python3
"""A standby can read, and changes nothing, neither in AWS nor in its tables.

A server is started as a standby without a primary, asked to create a data store in every way, and
then promoted.
"""

import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

REQUEST = """'{"DatastoreTypeVersion": "R4"}'::jsonb"""
WAYS = [
    "SELECT healthlake_create_datastore('x')",
    "SELECT (healthlake_create_datastore('x')).*",
    "SELECT * FROM healthlake_create_datastore('x')",
    f"SELECT healthlake_create_datastore({REQUEST})",
    f"SELECT healthlake_call('CreateFHIRDatastore', {REQUEST})",
    "DO $$ BEGIN PERFORM healthlake_create_datastore('x'); END $$",
]

tap = Tap()


def configure(session, emulator):
    """Sets the emulator's endpoint and keys; returns the cursor."""
    cursor = session.cursor()
    for name, value in {"endpoint_url": emulator.http, "region": "us-east-1", "max_attempts": "1",
                        "access_key_id": emulator.access_key_id,
                        "secret_access_key": emulator.secret_access_key}.items():
        cursor.execute(f"SELECT set_config('healthlake.{name}', %s, false)", (value,))
    return cursor


def state_of(cursor, statement):
    """The SQLSTATE of a statement; None if it succeeds."""
    try:
        cursor.execute(statement)
    except psycopg2.Error as error:
        return error.pgcode
    return None


def main():
    """All checks."""
    emulator = client.emulator()
    folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    cluster = Cluster(folder)
    with cluster:
        session = cluster.connect()
        session.cursor().execute("CREATE EXTENSION healthlake; CHECKPOINT")
        session.close()
    (Path(folder) / "cluster" / "standby.signal").touch()
    with cluster:
        cursor = configure(cluster.connect(), emulator)
        cursor.execute("SELECT pg_is_in_recovery()")
        tap.same(cursor.fetchone(), (True,), "the server is a standby")
        for way in WAYS:
            tap.same(state_of(cursor, way), "25006", way)
        tap.same(emulator.log(), [], "nothing was sent")
        tap.same(state_of(cursor, "SELECT * FROM healthlake_list_datastores()"), None,
                 "reads are allowed")
        tap.same(len(emulator.log()), 1, "the read was sent")
        cursor.execute("SELECT operation, outcome FROM healthlake_last_call()")
        tap.same(cursor.fetchone(), ("ListFHIRDatastores", "succeeded"),
                 "healthlake_last_call() has the call")
        cursor.execute("SELECT pg_promote()")
        cursor = configure(cluster.connect(), emulator)
        tap.same(state_of(cursor, WAYS[0]), None, "after the promotion it can create")
        tap.same(len(emulator.stores()), 1, "one data store")
    tap.end()


main()
