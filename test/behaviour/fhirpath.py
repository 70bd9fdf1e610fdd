#!/usr/bin/python3
"""FHIRPath in a complete server: dump and restore, upgrade, parallel plans, hostile input, memory.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python")]

from cluster import Cluster, bindir  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import Session  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

VIEW = {"resource": "Patient", "name": "people",
        "constant": [{"name": "use", "valueCode": "it's"}],
        "where": [{"path": "name.exists()"}, {"path": "active"}],
        "select": [{"column": [
            {"name": "id", "path": "getResourceKey()", "type": "id", "description": "The key"},
            {"name": "born", "path": "birthDate",
             "tag": [{"name": "ansi/type", "value": "DATE"}]},
            {"name": "given", "path": "name.given", "type": "string", "collection": True},
            {"name": "meta", "path": "meta", "type": "Meta"}]},
                   {"forEach": "name", "column": [
                       {"name": "family", "path": "family", "type": "string"},
                       {"name": "usual", "path": "use = %use", "type": "boolean"}]}]}
PEOPLE = """INSERT INTO clinic.patient (resource) SELECT jsonb_build_object(
    'resourceType', 'Patient', 'id', 'p' || n, 'active', true,
    'birthDate', '19' || 50 + n % 50 || '-01-02', 'name',
    jsonb_build_array(jsonb_build_object('family', 'F' || n, 'given', '["a", "b"]'::jsonb),
                      jsonb_build_object('use', 'it''s', 'family', 'G' || n)))
    FROM generate_series(1, {}) AS n"""
SETUP = ("CREATE SCHEMA lake", "CREATE SCHEMA clinic", "CREATE EXTENSION healthlake SCHEMA lake",
         "CREATE TABLE clinic.patient (resource jsonb, id text GENERATED ALWAYS AS "
         "(lake.healthlake_fhirpath_text(resource, 'id')) STORED)",
         "CREATE INDEX born ON clinic.patient "
         "(lake.healthlake_fhirpath_date(resource, 'birthDate'))",
         "CREATE INDEX families ON clinic.patient USING gin "
         "((resource -> 'name')) WHERE lake.healthlake_fhirpath_exists(resource, 'name')")
ROWS = "SELECT count(*), sum(hashtext(v::text)::bigint) FROM clinic.people AS v"
PLAN = ("SET enable_seqscan = off; SET search_path = pg_catalog; "
        "EXPLAIN SELECT id FROM clinic.people WHERE born = '1970-01-02'")
STATEMENT = "SELECT count(*) FROM lake.healthlake_fhirpath(%s, %s)"

tap = Tap()


def timed(session, statement, *values):
    """The SQLSTATE of a statement, and the seconds that it took."""
    begin = time.monotonic()
    return session.state(statement, *values), time.monotonic() - begin


def dump(cluster, database):
    """The dump of a database, without lines that differ in each run."""
    done = subprocess.run([bindir() / "pg_dump", "-d", database], capture_output=True, text=True,
                          env=cluster_environment(cluster), check=True)
    return "\n".join(line for line in done.stdout.splitlines()
                     if not line.startswith(("\\restrict", "\\unrestrict")))


def cluster_environment(cluster):
    """The environment with which PostgreSQL's programs connect to the server."""
    where = cluster.where()
    return {**os.environ, "PGHOST": where["host"], "PGUSER": where["user"]}


def restore(cluster, text, database):
    """Restores a dump into a new database; returns the output of psql."""
    with closing(Session(cluster)) as session:
        session.run(f"CREATE DATABASE {database}")
    done = subprocess.run([bindir() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database],
                          input=text, capture_output=True, text=True, check=False,
                          env=cluster_environment(cluster))
    return done.returncode, done.stderr


def facts(cluster, database):
    """The facts that must be equal in a database and its restored dump."""
    with closing(Session(cluster, dbname=database)) as session:
        rows = session.run(ROWS)
        comment = session.run("SELECT obj_description('clinic.people'::regclass)::jsonb")[0][0]
        column = session.run("SELECT col_description('clinic.people'::regclass, 1)")[0][0]
        keys = session.run("SELECT count(*) FROM clinic.patient WHERE id = resource ->> 'id'")
        plan = "\n".join(row[0] for row in session.run(PLAN))
    return {"rows": rows, "comment": comment, "column": column, "keys": keys,
            "index": "Index Scan" in plan and "born" in plan}


def check_dump(cluster):
    """Restores a dump of a database with views, indexes and generated columns."""
    with closing(Session(cluster)) as session:
        for statement in SETUP:
            session.run(statement)
        session.run(PEOPLE.format(1000))
        session.run("SELECT lake.healthlake_fhir_create_view('clinic.people', %s, "
                    "'clinic.patient')", json.dumps(VIEW))
    before = facts(cluster, "postgres")
    tap.same((before["rows"][0][0], before["comment"], before["column"], before["keys"],
              before["index"]), (2000, VIEW, "The key", [(1000,)], True), "before: a view, used")
    text = dump(cluster, "postgres")
    tap.same(restore(cluster, text, "restored"), (0, ""), "the dump is restored without messages")
    tap.same(facts(cluster, "restored"), before, "everything is as it was")
    tap.same(dump(cluster, "restored"), text, "a second dump is equal")


def check_upgrade(cluster):
    """The same after an upgrade of the extension to a version with another number."""
    shared = subprocess.check_output([bindir() / "pg_config", "--sharedir"], text=True).strip()
    script = Path(shared) / "extension" / "healthlake--1.0--1.0.test.sql"
    before = facts(cluster, "postgres")
    script.write_text("-- nothing\n", encoding="ascii")
    try:
        with closing(Session(cluster)) as session:
            session.run("ALTER EXTENSION healthlake UPDATE TO '1.0.test'")
    finally:
        script.unlink()
    tap.same(facts(cluster, "postgres"), before, "an upgrade changes nothing")
    tap.same(restore(cluster, dump(cluster, "postgres"), "upgraded"), (0, ""),
             "a dump after the upgrade is restored")
    tap.same(facts(cluster, "upgraded"), before, "and everything is as it was")


def check_parallel(cluster):
    """Parallel plans are chosen, and return the same rows as serial ones."""
    with closing(Session(cluster)) as session:
        session.run(PEOPLE.format(20000))
        session.run("CREATE STATISTICS clinic.types ON (resource ->> 'resourceType') "
                    "FROM clinic.patient")
        session.run("ANALYZE clinic.patient")
        session.run("SET max_parallel_workers_per_gather = 0")
        serial = session.run(ROWS)
        session.run("SET max_parallel_workers_per_gather = 2")
        session.run("SET min_parallel_table_scan_size = 0")
        plan = "\n".join(row[0] for row in session.run("EXPLAIN " + ROWS))
        tap.ok("Gather" in plan and "Parallel Seq Scan" in plan, "a parallel plan", plan)
        tap.same(session.run(ROWS), serial, "gives the same rows")


def check_hostile(cluster):
    """Hostile input takes limited time, or can be cancelled immediately."""
    with closing(Session(cluster)) as session:
        many = json.dumps({"a": [f"x{n}" for n in range(150000)],
                           "b": [f"y{n}" for n in range(150000)]})
        deep = '{"a":' * 3000 + "1" + "}" * 3000
        same = json.dumps({"a": [{"v": {"w": [n]}} for n in range(50000)]})
        for what, document, path, wanted in (
                ("a path of 1 MB", "{}", "a." * 500000 + "a", "54000"),
                ("100,000 parentheses", "{}", "(" * 60000, "54001"),
                ("a chain of 30,000 members", deep, "a" + ".a" * 29999, "54001"),
                ("30,000 additions", "{}", "1" + "+1" * 29999, "54001"),
                ("a union of 300,000 strings", many, "a | b", None),
                ("distinct of 300,000 strings", many, "a.combine(b).distinct()", None),
                ("distinct of 50,000 objects", same, "a.distinct()", None),
                ("descendants of 3,000 levels", deep, "descendants()", None),
                ("repeat of 3,000 levels", deep, "repeat(a)", None)):
            state, seconds = timed(session, STATEMENT, document, path)
            tap.ok(state == wanted and seconds < 30, f"{what}: limited",
                   f"{state}, {seconds:.1f} s")
        session.run("SET statement_timeout = '300ms'")
        for what, path in (("a quadratic search", "a.where($this in %resource.b)"),
                           ("a quadratic product", "a.where(%resource.b.where($this = 'z'))"),
                           ("equality in a product", "a.select(%resource.b = %resource.b)")):
            state, seconds = timed(session, STATEMENT, many, path)
            tap.ok(state == "57014" and seconds < 5, f"{what}: cancelled at once",
                   f"{state}, {seconds:.1f} s")
        state, seconds = timed(
            session, "SELECT count(*) FROM lake.healthlake_fhir_view_rows(%s, %s)", json.dumps(
                {"resource": "P", "select": [{"forEach": "a", "column": [
                    {"name": "x", "path": "$this"}]}, {"forEach": "b", "column": [
                        {"name": "y", "path": "$this"}]}]}),
            json.dumps({"resourceType": "P", **json.loads(many)}))
        tap.ok(state == "57014" and seconds < 5, "a product of rows: cancelled at once",
               f"{state}, {seconds:.1f} s")


def check_peaks(cluster):
    """What a resource makes of memory is limited, also if a few kilobytes of it are much text."""
    digits = ("('{\"resourceType\": \"P\", \"given\": [1' || repeat(', 1e131000', 20000) ||"
              " ']}')::jsonb")
    words = ("(SELECT jsonb_build_object('a', jsonb_agg(w ORDER BY n), 'b', jsonb_agg(w ORDER BY"
             " n DESC)) FROM (SELECT n, repeat(chr(97 + n % 26), 3000) || n FROM"
             " generate_series(1, 500) AS n) AS w (n, w))")
    nested = "(repeat('{\"a\":', 200) || to_jsonb(repeat('x', 1000000)) || repeat('}', 200))::jsonb"
    view = json.dumps({"resource": "P", "select": [{"column": [
        {"name": "x", "path": "given", "type": "string", "collection": True}]}]})
    both = json.dumps({"resource": "P", "select": [{"unionAll": [
        {"column": [{"name": "x", "path": "id", "type": "string", "collection": True}]},
        {"column": [{"name": "x", "path": "given", "collection": True}]}]}]})
    for what, statement, wanted, most in (
            ("a column of texts",
             f"SELECT count(x) FROM lake.healthlake_fhir_view('{view}', {digits}) AS v(x text[])",
             "54000", 600),
            ("a column of integers", "SELECT count(x) FROM lake.healthlake_fhir_view("
             f"replace('{view}', '\"string\"', '\"integer64\"')::jsonb, {digits}) AS v(x bigint[])",
             None, 150),
            ("the same in JSON",
             f"SELECT count(v) FROM lake.healthlake_fhir_view_rows('{view}', {digits}) AS v",
             "54000", 600),
            ("a type that is adopted",
             f"SELECT count(x) FROM lake.healthlake_fhir_view('{both}', {digits}) AS v(x text[])",
             "54000", 600),
            ("numbers that become strings", "SELECT count(v) FROM lake.healthlake_fhirpath("
             f"{digits}, 'given.select($this.toString())') AS v", "54000", 800),
            ("items within each other",
             f"SELECT count(v) FROM lake.healthlake_fhirpath({nested}, 'descendants()') AS v",
             None, 150),
            ("equivalence in another order",
             f"SELECT lake.healthlake_fhirpath_boolean({words}, 'a ~ b')", None, 150)):
        with closing(Session(cluster)) as session:
            pid = session.run("SELECT pg_backend_pid()")[0][0]
            state, seconds = timed(session, statement)
            tap.ok(state == wanted and peak(pid) < most, f"{what}: memory is limited",
                   f"{state}, {peak(pid)} MB, {seconds:.1f} s")


def peak(pid):
    """The most memory that a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def resident(pid):
    """The private memory of a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def check_memory(cluster):
    """The memory of a statement does not grow with its rows."""
    with closing(Session(cluster)) as session:
        pid = session.run("SELECT pg_backend_pid()")[0][0]
        session.run("SET max_parallel_workers_per_gather = 0")
        for limit in (1000, 60000):
            session.run("SELECT count(id), count(born), count(given), count(family) FROM (SELECT "
                        "p.* FROM clinic.people AS p, generate_series(1, 3) LIMIT %s) AS v", limit)
            before = before if limit > 1000 else resident(pid)
        tap.ok(resident(pid) - before < 20, "memory does not grow with the rows",
               f"{before:.1f} MB, then {resident(pid):.1f} MB")


def main():
    """All checks, on a separate server."""
    folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    with Cluster(folder) as cluster:
        check_dump(cluster)
        check_upgrade(cluster)
        check_parallel(cluster)
        check_hostile(cluster)
        check_peaks(cluster)
        check_memory(cluster)
    tap.end()


main()
