#!/usr/bin/python3
"""healthlake_fhir_load() sends each row that an earlier CALL could not see, though the row is old.

A partition is attached, or a table inherits; row security hid the row; another column has the name
now; the table was rewritten while it was read. What was sent before is not sent again, unless row
security applies.
"""

import json
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from session import connect_to_load, run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

STORE = "0123456789abcdef0123456789abcdef"
PATIENCE = 60
FILL = ("INSERT INTO {} SELECT jsonb_build_object('resourceType', 'Patient', 'id', '{}' || i), {}"
        " FROM generate_series(1, {}) AS i")
ERRORS = ("SELECT id, code FROM healthlake_fhir_load_error WHERE source = %s::regclass"
          " ORDER BY 1, 2")

tap = Tap()
emulator = client.emulator()


def connect(cluster, role=None):
    """A session that has one request in flight at a time."""
    return connect_to_load(cluster, emulator, STORE, role)


def begin_again():
    """Creates an empty data store."""
    emulator.reset()
    emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})


def last_request():
    """The number of the last request that arrived."""
    return emulator.state()["requests"]


def sent_since(seen):
    """The ids that were sent after a request."""
    return sorted({one["resource"]["id"] for entry in emulator.log(seen, "fhir:bundle")
                   for one in json.loads(entry["body"])["entry"]})


def call(session, table, *more):
    """Runs a CALL; returns the ids that it has sent."""
    seen = last_request()
    run(session, f"CALL healthlake_fhir_load('{table}'{''.join(', ' + one for one in more)})")
    return sent_since(seen)


def ids(prefix, count):
    """The ids of FILL."""
    return sorted(f"{prefix}{i}" for i in range(1, count + 1))


class Slow:
    """A CALL in the background, a row at a time, of which the first bundle has been sent."""

    def __init__(self, session, table, rows=1, delay=0.1):
        self.session, self.raised, self.seen = session, None, last_request()
        emulator.next(operation="fhir:bundle", delay=delay, times=30)
        self.thread = threading.Thread(target=self.work, args=(table,), daemon=True)
        self.thread.start()
        emulator.log(self.seen, "fhir:bundle", count=rows, wait=PATIENCE)

    def work(self, table):
        """Runs the CALL."""
        try:
            run(self.session, f"CALL healthlake_fhir_load('{table}', batch_size => 1)")
        except psycopg2.Error as error:
            self.raised = error

    def end(self):
        """Waits for the end; the ids that were sent."""
        self.thread.join(PATIENCE)
        return sent_since(self.seen)


def make_parts(owner, name):
    """A partitioned table with one partition, and another that is not attached."""
    run(owner, f"CREATE TABLE {name} (resource jsonb, n int) PARTITION BY LIST (n)")
    for n in (1, 2):
        run(owner, f"CREATE TABLE {name}{n} (resource jsonb, n int)")
        run(owner, FILL.format(f"{name}{n}", "abc"[n], n, 10))
    run(owner, f"ALTER TABLE {name} ATTACH PARTITION {name}1 FOR VALUES IN (1)")


def test_attached(cluster):
    """Partitions that are attached and detached between two CALLs."""
    begin_again()
    session = connect(cluster)
    make_parts(session, "parts")
    tap.same(call(session, "parts"), ids("b", 10), "a partition is loaded")
    attach = "ALTER TABLE parts ATTACH PARTITION parts{0} FOR VALUES IN ({0})"
    run(session, attach.format(2))
    tap.same(call(session, "parts"), ids("c", 10), "rows of one that is attached then are sent")
    tap.same(call(session, "parts"), [], "once")
    run(session, "ALTER TABLE parts DETACH PARTITION parts1")
    tap.same(call(session, "parts"), [], "nothing is sent for one that is detached")
    run(session, FILL.format("parts1", "d", 1, 3))
    run(session, attach.format(1))
    tap.same(call(session, "parts"), sorted(ids("b", 10) + ids("d", 3)), "it comes back")
    run(session, "CREATE TABLE parts3 PARTITION OF parts FOR VALUES IN (3)")
    run(session, FILL.format("parts", "e", 3, 3))
    tap.same(call(session, "parts"), ids("e", 3), "a new partition is sent")
    run(session, "VACUUM FULL parts3")
    tap.same(call(session, "parts"), [], "a rewritten one is not")
    run(session, "CREATE TABLE ancestor (resource jsonb, n int)")
    run(session, FILL.format("ancestor", "f", 1, 2))
    tap.same(call(session, "ancestor"), ids("f", 2), "a table is loaded")
    run(session, "CREATE TABLE heir (resource jsonb, n int)")
    run(session, FILL.format("heir", "g", 1, 2))
    tap.same(call(session, "heir"), ids("g", 2), "and another")
    run(session, "ALTER TABLE heir INHERIT ancestor")
    tap.same(call(session, "ancestor"), ids("g", 2), "rows of one that inherits then are sent")


def test_attached_meanwhile(cluster):
    """A partition that is attached, or taken away for a while, during a CALL."""
    owner = cluster.connect()
    for later in (False, True):
        begin_again()
        session, name = connect(cluster), f"during{int(later)}"
        make_parts(owner, name)
        if later:
            call(session, name)
            run(owner, FILL.format(name, "new", 1, 5))
        load = Slow(session, name)
        run(owner, f"ALTER TABLE {name} ATTACH PARTITION {name}2 FOR VALUES IN (2)")
        tap.ok(set(ids("c", 10)) <= set(load.end()),
               f"a partition that is attached during {'a later' if later else 'the first'} pass")
        tap.same(call(session, name), [], "is not sent again")
    begin_again()
    session = connect(cluster)
    make_parts(owner, "shifted")
    run(owner, "ALTER TABLE shifted ATTACH PARTITION shifted2 FOR VALUES IN (2)")
    load = Slow(session, "shifted")
    run(owner, "ALTER TABLE shifted DETACH PARTITION shifted2")
    emulator.log(load.seen, "fhir:bundle", count=6, wait=PATIENCE)
    run(owner, "ALTER TABLE shifted ATTACH PARTITION shifted2 FOR VALUES IN (2)")
    tap.ok(set(ids("c", 10)) <= set(load.end()), "one that is away for a while is sent")


def make_ward(owner):
    """A table with the rows of two tenants."""
    run(owner, """CREATE TABLE ward (resource jsonb, tenant text);
        GRANT SELECT ON ward TO loader; ALTER TABLE ward ENABLE ROW LEVEL SECURITY;
        CREATE POLICY mine ON ward USING (tenant = current_setting('app.tenant', true))""")
    for tenant in ("a", "b"):
        run(owner, FILL.format("ward", tenant, f"'{tenant}'", 10))
        run(owner, "INSERT INTO ward VALUES ('{\"resourceType\": \"Patient\"}', %s)", tenant)


def test_policies(cluster):
    """Row security hides rows from one CALL, and not from another."""
    owner = cluster.connect()
    make_ward(owner)
    begin_again()
    session = connect(cluster, "loader")
    for tenant in ("a", "b", "a"):
        run(session, f"SET app.tenant = '{tenant}'")
        tap.same(call(session, "ward"), ids(tenant, 10), f"the rows of tenant {tenant} are sent")
        tap.same(run(session, ERRORS, "ward"), [(None, "required")], "one is reported")
    run(owner, "ALTER POLICY mine ON ward USING (true)")
    tap.same(call(session, "ward"), sorted(ids("a", 10) + ids("b", 10)),
             "a policy is made wider, and the others are sent, too")
    run(owner, "ALTER POLICY mine ON ward USING (tenant = 'a')")
    tap.same(call(session, "ward"), ids("a", 10), "and narrower")
    run(owner, "ALTER TABLE ward DISABLE ROW LEVEL SECURITY")
    tap.same(call(session, "ward"), sorted(ids("a", 10) + ids("b", 10)),
             "without row security all are sent")
    tap.same(run(session, ERRORS, "ward"), [(None, "required")] * 2, "the others are reported")
    tap.same(call(session, "ward"), [], "once")
    run(owner, FILL.format("ward", "c", "'c'", 1))
    tap.same(call(session, "ward"), ids("c", 1), "and then new ones")
    tap.same(run(session, ERRORS, "ward"), [(None, "required")] * 2, "none is reported twice")


def test_policies_meanwhile(cluster):
    """An interrupted CALL under row security, and row security that begins or ends during one."""
    owner = cluster.connect()
    run(owner, "DROP TABLE ward")
    make_ward(owner)
    begin_again()
    session = connect(cluster, "loader")
    run(session, "SET app.tenant = 'b'")
    load = Slow(session, "ward", 5)
    run(owner, "SELECT pg_cancel_backend(%s)", session.info.backend_pid)
    load.end()
    tap.same(load.raised and load.raised.pgcode, "57014", "a load of tenant b is interrupted")
    begin_again()
    run(session, "SET app.tenant = 'a'")
    tap.same(call(session, "ward"), ids("a", 10), "and all rows of tenant a are sent")
    for begins in (True, False):
        session = connect(cluster, "loader")
        run(session, "SET app.tenant = 'a'")
        run(owner, f"ALTER TABLE ward {'DISABLE' if begins else 'ENABLE'} ROW LEVEL SECURITY")
        load = Slow(session, "ward", 3)
        run(owner, f"ALTER TABLE ward {'ENABLE' if begins else 'DISABLE'} ROW LEVEL SECURITY")
        sent = set(load.end())
        run(owner, "ALTER TABLE ward DISABLE ROW LEVEL SECURITY")
        sent |= set(call(session, "ward"))
        tap.same(sorted(sent), sorted(ids("a", 10) + ids("b", 10)),
                 f"row security {'begins' if begins else 'ends'} meanwhile: no row is lost")
        begin_again()
        run(owner, "DELETE FROM healthlake_fhir_load_progress")
    run(owner, "ALTER TABLE ward ENABLE ROW LEVEL SECURITY")
    session = connect(cluster, "loader")
    run(session, "SET app.tenant = 'a'")
    load = Slow(session, "ward", 3)
    run(owner, FILL.format("ward", "new", "'a'", 10))
    # the first pass sends those, too
    emulator.log(load.seen, "fhir:bundle", count=23, wait=PATIENCE)
    run(owner, "ALTER TABLE ward DISABLE ROW LEVEL SECURITY")
    sent = set(load.end()) | set(call(session, "ward"))
    tap.same(sorted(sent), sorted(ids("a", 10) + ids("b", 10) + ids("new", 10)),
             "row security ends in a later pass: no row is lost")
    begin_again()
    run(owner, "DELETE FROM ward WHERE resource ->> 'id' LIKE 'new%'")
    run(owner, "DELETE FROM healthlake_fhir_load_progress")
    load = Slow(session, "ward", 3, 0.3)
    for done, count in (("ENABLE", 9), ("DISABLE", 0)):
        run(owner, f"ALTER TABLE ward {done} ROW LEVEL SECURITY")
        emulator.log(load.seen, "fhir:bundle", count=count, wait=PATIENCE)
    tap.same(sorted(set(load.end())), sorted(ids("a", 10) + ids("b", 10)),
             "row security is there for a while: no row is lost")


def test_columns(cluster):
    """Another column gets the name, without a new version of any row."""
    begin_again()
    session = connect(cluster)
    run(session, "CREATE TABLE renamed (resource jsonb, other jsonb)")
    for prefix in ("a", "b"):
        column = "resource" if prefix == "a" else "other"
        run(session, f"INSERT INTO renamed ({column}) SELECT jsonb_build_object('resourceType',"
                     f" 'Patient', 'id', '{prefix}' || i) FROM generate_series(1, 5) AS i")
    tap.same(call(session, "renamed"), ids("a", 5), "a column is loaded")
    rename = ("BEGIN; ALTER TABLE renamed RENAME resource TO was;"
              " ALTER TABLE renamed RENAME other TO resource; COMMIT")
    run(session, rename)
    tap.same(call(session, "renamed"), ids("b", 5), "another column has its name, and is sent")
    tap.same(run(session, ERRORS, "renamed"), [(None, "required")] * 5,
             "what is reported is of that column")
    tap.same(call(session, "renamed"), [], "once")
    run(session, "ALTER TABLE renamed DROP resource")
    run(session, "ALTER TABLE renamed ADD resource jsonb DEFAULT"
                 " '{\"resourceType\": \"Patient\", \"id\": \"c1\"}'")
    tap.same(call(session, "renamed"), ["c1"], "a new column with a default is sent")


def test_rewritten(cluster):
    """A table that is rewritten whenever the load has recorded something is never loaded."""
    begin_again()
    session = connect(cluster)
    run(session, """CREATE TABLE base (resource jsonb, n int);
        CREATE FUNCTION refresh() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF current_setting('app.stable', true) IS DISTINCT FROM 'on' THEN
                REFRESH MATERIALIZED VIEW public.fleeting; END IF;
            RETURN NULL; END $$""")
    run(session, FILL.format("base", "a", 1, 20))
    run(session, """CREATE MATERIALIZED VIEW fleeting AS SELECT * FROM base;
        CREATE TRIGGER refresh AFTER UPDATE OF place ON healthlake_fhir_load_progress
            FOR EACH STATEMENT EXECUTE FUNCTION refresh()""")
    error = tap.raises(psycopg2.Error, lambda: call(session, "fleeting", "batch_size => 1"),
                       "a table that is rewritten again and again ends the load with an error")
    tap.same(error and error.pgcode, "55006", "as 55006")
    tap.same(run(session, "SELECT finished_at FROM healthlake_fhir_load_progress"
                          " WHERE source = 'fleeting'::regclass"), [(None,)], "it is not finished")
    run(session, "SET app.stable = on")
    tap.same(call(session, "fleeting"), ids("a", 20), "another call sends all rows")
    run(session, "DROP TRIGGER refresh ON healthlake_fhir_load_progress")


def main():
    """All checks."""
    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder) / "one") as cluster:
        run(cluster.connect(), """CREATE EXTENSION healthlake; CREATE ROLE loader;
            SELECT healthlake_grant('loader', 'fhir_write')""")
        test_attached(cluster)
        test_attached_meanwhile(cluster)
        test_policies(cluster)
        test_policies_meanwhile(cluster)
        test_columns(cluster)
        test_rewritten(cluster)
    tap.end()


main()
