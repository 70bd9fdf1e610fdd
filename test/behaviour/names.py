#!/usr/bin/python3
"""The owner of a database gives the name of the extension's schema to another one.

Statements of the extension run as the owner of its tables, who is a superuser here. One that waits
for a lock meanwhile (VACUUM FULL, which is allowed to the owner of the database, holds such a lock)
looks its names up again, and must not read the view that has a table's name then.
"""

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
from session import run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

STORE = "0123456789abcdef0123456789abcdef"
PATIENCE = 60
EVIL = """CREATE SCHEMA own; CREATE SEQUENCE own.ran; SELECT nextval('own.ran');
    CREATE FUNCTION own.evil(anyelement) RETURNS anyelement LANGUAGE plpgsql AS
        $$ BEGIN PERFORM nextval('own.ran'); RETURN $1; END $$;
    CREATE FUNCTION own.evil() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM nextval('own.ran'); RETURN NEW; END $$"""
VIEW = "CREATE VIEW public.{0} AS SELECT {1}"
TABLE = """CREATE TABLE public.{0} AS SELECT {1} LIMIT 0; CREATE UNIQUE INDEX ON public.{0}
        (source, resource_column, datastore_id, "current_role");
    CREATE TRIGGER evil BEFORE INSERT ON public.{0} FOR EACH ROW EXECUTE FUNCTION own.evil()"""
COLUMNS = """SELECT string_agg(format('own.evil(NULL::%%s) AS %%I',
        format_type(atttypid, atttypmod), attname), ', ' ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"""

tap = Tap()
emulator = client.emulator()


def connect(cluster):
    """A superuser's session."""
    session = cluster.connect(dbname="shared")
    run(session, "SET client_min_messages = warning")
    return session


def begin_again(cluster):
    """A database that another role owns, with the extension in its schema public."""
    session = cluster.connect()
    run(session, "DROP DATABASE IF EXISTS shared WITH (FORCE)")
    run(session, "CREATE DATABASE shared OWNER host")
    session = connect(cluster)
    run(session, "CREATE EXTENSION healthlake")
    run(session, "CREATE TABLE own_table (resource jsonb)")
    run(session, "INSERT INTO own_table VALUES ('{\"resourceType\": \"Patient\", \"id\": \"p\"}')")
    emulator.reset()
    emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})


def waits_for_lock(session):
    """Whether a statement waits for a lock."""
    return run(session, "SELECT count(*) FROM pg_locks WHERE NOT granted AND database ="
                        " (SELECT oid FROM pg_database WHERE datname = 'shared')") == [(1,)]


def attack(cluster, what, table, statement, before=None, decoy=VIEW):  # pylint: disable=R0913
    """Runs a statement that waits for a lock on a table while the schema is renamed."""
    begin_again(cluster)
    session, holder, host = connect(cluster), connect(cluster), cluster.connect(dbname="shared")
    if before:
        run(session, before)
    columns = run(holder, COLUMNS, f"public.{table}")[0][0]
    run(host, f"SET SESSION AUTHORIZATION host; {EVIL}")
    run(holder, f"BEGIN; LOCK TABLE public.{table}")
    raised = []

    def work():
        try:
            run(session, statement)
        except psycopg2.Error as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    begin = time.monotonic()
    while not waits_for_lock(cluster.connect()) and time.monotonic() - begin < PATIENCE:
        time.sleep(0.01)
    run(host, f"""BEGIN; ALTER SCHEMA public RENAME TO away; CREATE SCHEMA public;
        {decoy.format(table, columns)}; COMMIT""")
    run(holder, "COMMIT")
    thread.join(PATIENCE)
    for error in raised:
        tap.say(str(error).strip())
    tap.same([error.pgcode for error in raised], ["55000"], f"{what} reads no other relation")
    tap.same(run(host, "SELECT nextval('own.ran')"), [(2,)], "and nothing of its owner's has run")


def test_types(cluster):
    """The owner of a table of the extension alters the type of a column."""
    begin_again(cluster)
    session, owner = connect(cluster), connect(cluster)
    run(session, "CALL healthlake_fhir_load('own_table')")
    run(owner, """ALTER TABLE healthlake_fhir_load_progress OWNER TO host;
        SET SESSION AUTHORIZATION host;
        ALTER TABLE healthlake_fhir_load_progress ALTER place TYPE bigint USING 4096""")
    code = None
    try:
        run(session, "CALL healthlake_fhir_load('own_table')")
    except psycopg2.Error as error:
        tap.say(str(error).strip())
        code = error.pgcode
    tap.same(code, "42804", "a column of another type is an error")


def main():
    """All checks."""
    enqueue = "SELECT healthlake_enqueue_create_datastore('ward')"
    settings = {"autostart_worker": "off", "datastore_id": STORE, "region": "us-east-1",
                "endpoint_url": emulator.http, "access_key_id": emulator.access_key_id,
                "secret_access_key": emulator.secret_access_key}
    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder) / "one", settings={
            "shared_preload_libraries": "healthlake", **{
                f"healthlake.{name}": value for name, value in settings.items()}}) as cluster:
        run(cluster.connect(), "CREATE ROLE host LOGIN")
        attack(cluster, "a first statement", "healthlake_request",
               "SELECT healthlake_cancel_request(1)")
        attack(cluster, "a kept statement", "healthlake_request",
               "SELECT healthlake_cancel_request(2)",
               f"{enqueue}; {enqueue}; SELECT healthlake_cancel_request(1)")
        attack(cluster, "a load's statement", "healthlake_fhir_load_progress",
               "CALL healthlake_fhir_load('own_table')", decoy=TABLE)
        test_types(cluster)
    tap.end()


main()
