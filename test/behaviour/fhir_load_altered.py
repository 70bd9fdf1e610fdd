#!/usr/bin/python3
"""healthlake_fhir_load() of a table whose owner alters it, or gives its name to something else.

The load reads the table that it began with, or ends with an error: no view with functions of its
owner, and no value of another type.
"""

import os
import signal
import subprocess
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
from session import connect_to_load, run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

STORE = "0123456789abcdef0123456789abcdef"
ROWS = 60
PATIENCE = 60

# whoever runs it leaves a trace
EVIL = """CREATE FUNCTION {0}.evil(jsonb) RETURNS jsonb LANGUAGE plpgsql AS
    $$ BEGIN PERFORM nextval('public.ran'); RETURN $1; END $$"""
VIEW = """CREATE VIEW {0}.t AS SELECT ctid, tableoid, xmin, {1}.evil(resource) AS resource, n, raw
    FROM {1}.{2}"""

tap = Tap()
emulator = client.emulator()


def build_shim(folder):
    """Builds the library that stops processes."""
    shim = Path(folder) / "step_shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-o", shim, HERE / "step_shim.c"],
                   check=True)
    return shim


def connect(cluster, role=None):
    """A session that has one request in flight at a time."""
    return connect_to_load(cluster, emulator, STORE, role)


def stored():
    """The number of resources in the data store."""
    return len(emulator.resources(STORE))


class Load:
    """A load of m.t in the background, of which the first bundle has been sent."""

    def __init__(self, cluster, role=None):
        emulator.reset()
        emulator.place({"DatastoreId": STORE, "DatastoreName": "ward",
                        "DatastoreTypeVersion": "R4"})
        self.owner = cluster.connect()
        run(self.owner, f"""DROP SCHEMA IF EXISTS m, m2, away CASCADE;
            CREATE SCHEMA m; GRANT ALL ON SCHEMA m TO owner, loader; {EVIL.format("m")};
            ALTER SEQUENCE ran RESTART; SELECT nextval('ran');
            SET ROLE owner;
            CREATE TABLE m.t (resource jsonb, n int8, raw bytea);
            INSERT INTO m.t SELECT jsonb_build_object('resourceType', 'Patient', 'id', 'p' || i),
                12345, decode(repeat('60', 200), 'hex') FROM generate_series(1, {ROWS}) AS i;
            GRANT SELECT ON m.t TO loader; RESET ROLE""")
        emulator.next(operation="fhir:bundle", delay=0.2, times=20)
        self.raised = []
        self.session = connect(cluster, role)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()
        emulator.log(0, "fhir:bundle", count=1, wait=PATIENCE)

    def work(self):
        """Runs the CALL."""
        try:
            run(self.session, "CALL healthlake_fhir_load('m.t', batch_size => 1)")
        except psycopg2.Error as error:
            self.raised.append(error)

    def alter(self, *statements):
        """Alters something in a transaction."""
        run(self.owner, f"BEGIN; {'; '.join(statements)}; COMMIT")

    def end(self):
        """Waits for the end; the SQLSTATE of an error."""
        self.thread.join(PATIENCE)
        for error in self.raised:
            tap.say(str(error).strip())
        return self.raised[0].pgcode if self.raised else None


def recorded(session):
    """The stored resources that the load has recorded."""
    return run(session, "SELECT sum(sent) FROM healthlake_fhir_load_progress")[0][0]


def check_error(cluster, what, code, *statements):
    """What the owner does ends the load with an error, and what was stored is recorded."""
    load = Load(cluster, "loader")
    run(load.owner, "DELETE FROM healthlake_fhir_load_progress WHERE finished_at IS NOT NULL"
                    " OR source NOT IN (SELECT oid FROM pg_class)")
    load.alter(*statements)
    tap.same(load.end(), code, f"{what} ends the load as {code}")
    watch = cluster.connect()
    tap.ok(0 < stored() < ROWS, "after some resources", stored())
    tap.ok(0 < recorded(watch) <= stored(), "which are recorded")
    tap.same(run(watch, "SELECT nextval('ran')"), [(2,)], "and nothing of the owner's has run")


def test_columns(cluster):
    """The name of the column becomes another's."""
    rename = ("ALTER TABLE m.t RENAME resource TO was", "ALTER TABLE m.t RENAME {} TO resource")
    check_error(cluster, "a column of int8", "42804", rename[0], rename[1].format("n"),
                "UPDATE m.t SET resource = resource + 1")
    check_error(cluster, "a column of bytea", "42804", rename[0], rename[1].format("raw"),
                "UPDATE m.t SET resource = resource || '\\x00'")
    check_error(cluster, "a column of text", "42804",
                "ALTER TABLE m.t ALTER resource TYPE text")
    check_error(cluster, "a dropped column", "42703", "ALTER TABLE m.t DROP resource")
    check_error(cluster, "another column of jsonb", "55000", rename[0],
                "ALTER TABLE m.t ADD resource jsonb DEFAULT '{\"resourceType\": \"Patient\"}'")
    check_error(cluster, "a dropped table", "42P01", "DROP TABLE m.t CASCADE")
    check_error(cluster, "a right that is taken away", "42501", "REVOKE ALL ON m.t FROM loader")
    if load_version(cluster) < 160000:
        check_error(cluster, "a table that becomes a view", "42809",
                    "CREATE TABLE m.u AS SELECT * FROM m.t", "TRUNCATE m.t",
                    'CREATE RULE "_RETURN" AS ON SELECT TO m.t DO INSTEAD'
                    " SELECT m.evil(resource) AS resource, n, raw FROM m.u")


def load_version(cluster):
    """The version of the server."""
    return cluster.connect().server_version


def check_end(cluster, what, *statements):
    """What the owner does leaves the load with its table, whose last row is stored."""
    for role in (None, "loader"):
        load = Load(cluster, role)
        load.alter(*statements)
        tap.same(load.end(), None, f"{what}: the load of {role or 'a superuser'} ends well")
        tap.same(stored(), ROWS, "with all rows of its table")
        tap.same(run(cluster.connect(), "SELECT nextval('ran')"), [(2,)],
                 "and nothing of the owner's has run")


def test_names(cluster):
    """The name of the table becomes a view's."""
    check_end(cluster, "a view with the name of the table", "ALTER TABLE m.t RENAME TO t2",
              VIEW.format("m", "m", "t2"), "GRANT SELECT ON m.t TO loader")
    check_end(cluster, "a schema with the name of the table's", "ALTER SCHEMA m RENAME TO m2",
              "CREATE SCHEMA m", VIEW.format("m", "m2", "t"),
              "GRANT ALL ON SCHEMA m TO loader", "GRANT SELECT ON m.t TO loader")


def race(cluster, stop, what, code, *decoy):
    """The name of the schema becomes another's between the lock and the analysis."""
    load = Load(cluster)
    run(load.owner, "CREATE SCHEMA m2")
    for statement in decoy:
        run(load.owner, statement)
    # so that no name is in the cache of the session
    load.alter("ALTER SCHEMA m RENAME TO away", "ALTER SCHEMA away RENAME TO m")
    stop.write_text("before read 0\n", encoding="ascii")
    begin = time.monotonic()
    while stop.exists() and time.monotonic() - begin < PATIENCE:
        time.sleep(0.01)
    tap.ok(not stop.exists(), "the load is stopped before it reads")
    load.alter("ALTER SCHEMA m RENAME TO away", "ALTER SCHEMA m2 RENAME TO m")
    os.kill(load.session.info.backend_pid, signal.SIGCONT)
    tap.same(load.end(), code, f"{what} that has the name then is not read")
    tap.ok(all(one["resource"]["id"].startswith("p")
               for one in emulator.resources(STORE).values()), "no row of it is stored")
    tap.same(run(cluster.connect(), "SELECT nextval('ran')"), [(2,)],
             "and nothing of the owner's has run")
    return load.raised


def test_race(cluster, stop):
    """Names that change while a statement is made."""
    race(cluster, stop, "a view", "55000", VIEW.format("m2", "m", "t"))
    race(cluster, stop, "a table", "55000",
         "CREATE TABLE m2.t AS SELECT jsonb_build_object('resourceType',"
         f" 'Patient', 'id', 'x' || i) AS resource FROM generate_series(1, {ROWS}) AS i")
    raised = race(cluster, stop, "nothing", "42P01")
    tap.ok(all("FROM m.t" in error.diag.internal_query and not error.diag.statement_position
               for error in raised), "the position of an error is one in the load's statement")


def test_policies(cluster):
    """A policy may read a view, with the rights of who loads."""
    load = Load(cluster, "loader")
    run(load.owner, "CREATE TABLE m.who (name name); CREATE VIEW m.mine AS SELECT * FROM m.who;"
                    "INSERT INTO m.who VALUES ('loader'); GRANT SELECT ON m.mine TO loader")
    load.alter("CREATE POLICY mine ON m.t USING (EXISTS (SELECT FROM m.mine AS w"
               " WHERE w.name = current_user))", "ALTER TABLE m.t ENABLE ROW LEVEL SECURITY")
    tap.same(load.end(), None, "a policy with a view is applied")
    tap.same(stored(), ROWS, "and allows all rows")


def main():
    """All checks."""
    with tempfile.TemporaryDirectory() as folder:
        stop = Path(folder) / "stop"
        with Cluster(Path(folder) / "one", environment={
                "LD_PRELOAD": str(build_shim(folder)), "HEALTHLAKE_STOP": str(stop)}) as cluster:
            run(cluster.connect(), """CREATE EXTENSION healthlake; CREATE ROLE owner;
                CREATE ROLE loader; SELECT healthlake_grant('loader', 'fhir_write');
                CREATE SEQUENCE ran; GRANT ALL ON SEQUENCE ran TO PUBLIC""")
            test_columns(cluster)
            test_names(cluster)
            test_policies(cluster)
            test_race(cluster, stop)
    tap.end()


main()
