#!/usr/bin/python3
"""Triggers of the user that run while bundles of a load are in flight: they catch errors, raise
them, and change settings."""

import json
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from session import configure, run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

STORE = "0123456789abcdef0123456789abcdef"

tap = Tap()
emulator = client.emulator()


def connect(cluster):
    """A session whose calls go to the emulator, four at a time."""
    session = configure(cluster.connect(), emulator, datastore_id=STORE, max_concurrency="4",
                        audit="durable")
    run(session, "SET client_min_messages = warning")
    return session


def prepare(session, table, count, trigger, kind="TRIGGER", when=""):
    """A slow data store, a table, and a trigger on the progress of the load."""
    emulator.reset()
    emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})
    emulator.next(operation="fhir:bundle", delay=0.05, times="always")
    run(session, f"CREATE TABLE {table} (resource jsonb)")
    run(session, f"INSERT INTO {table} SELECT jsonb_build_object('resourceType', 'Patient',"
                 " 'id', 'p' || i) FROM generate_series(1, %s) i", count)
    run(session, f"CREATE FUNCTION {table}_step() RETURNS trigger LANGUAGE plpgsql AS"
                 f" $$ BEGIN {trigger} RETURN NULL; END $$")
    run(session, "DROP TRIGGER IF EXISTS step ON healthlake_fhir_load_progress")
    run(session, f"CREATE {kind} step AFTER INSERT OR UPDATE ON healthlake_fhir_load_progress"
                 f" {when} FOR EACH ROW EXECUTE FUNCTION {table}_step()")
    return run(session, "SELECT coalesce(max(id), 0) FROM healthlake_event")[0][0]


def ends(session, last):
    """The ends of the bundles that were sent after an event."""
    return run(session, "SELECT e.event, e.outcome, count(*) FROM healthlake_event s"
                        " LEFT JOIN healthlake_event e ON e.request_id = s.id AND e.id <> s.id"
                        " WHERE s.event = 'sent' AND s.request ? 'entries' AND s.id > %s"
                        " GROUP BY 1, 2 ORDER BY 1, 2", last)


def load(session, table):
    """One CALL, with a bundle for each resource."""
    run(session, f"CALL healthlake_fhir_load('{table}', batch_size => 1)")


def test_caught(cluster):
    """A subtransaction is rolled back while calls from outside of it are in flight."""
    session = connect(cluster)
    last = prepare(session, "caught", 40,
                   "BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN END;")
    load(session, "caught")
    tap.same(len(emulator.resources(STORE)), 40, "a trigger may catch an error")
    tap.same(ends(session, last), [("replied", "succeeded", 40)],
             "the audit trail has the end of each bundle, once")


def test_call_caught(cluster):
    """The trigger makes a call itself and catches its error."""
    session = connect(cluster)
    run(session, "ALTER TABLE healthlake_event ADD CONSTRAINT few"
                 " CHECK (operation <> 'CreateFHIRDatastore') NOT VALID")
    last = prepare(session, "called", 40, """
        SET LOCAL healthlake.audit = 'on';
        BEGIN PERFORM public.healthlake_create_datastore('ward');
        EXCEPTION WHEN SQLSTATE '38M01' THEN
            INSERT INTO public.caught_calls VALUES ('38M01');
        END;
        SET LOCAL healthlake.audit = 'durable';""")
    run(session, "CREATE TABLE caught_calls (code text)")
    load(session, "called")
    run(session, "ALTER TABLE healthlake_event DROP CONSTRAINT few")
    tap.ok(run(session, "SELECT count(*) >= 40 FROM caught_calls")[0][0],
           "a trigger may catch the error of its own call")
    tap.same(len(emulator.resources(STORE)), 40, "all bundles arrive")
    tap.same(ends(session, last), [("replied", "succeeded", 40)], "and their ends are recorded")


def test_renamed(cluster):
    """A setting that events contain changes, which frees the string that it had."""
    session = connect(cluster)
    last = prepare(session, "renamed", 40,
                   "PERFORM set_config('application_name',"
                   " repeat(chr(65 + NEW.sent::int % 26), 60), false);")
    load(session, "renamed")
    tap.same(ends(session, last), [("replied", "succeeded", 40)],
             "a trigger may change the application's name")
    # compared in the server: freed memory is no valid text
    count, differ = run(session, "SELECT count(DISTINCT s.application_name), count(*) FILTER"
                                 " (WHERE s.application_name <> r.application_name)"
                                 " FROM healthlake_event s JOIN healthlake_event r"
                                 " ON r.request_id = s.id AND r.id <> s.id WHERE s.id > %s",
                        last)[0]
    tap.ok(count > 1, "which its events show")
    tap.same(differ, 0, "and both events of a call have the name of its beginning")


def ended(session, last):
    """The number of ends of each kind, after the writer has written the last."""
    for _ in range(100):
        found = {(event, outcome): count for event, outcome, count in ends(session, last)}
        if (None, None) not in found:
            break
        time.sleep(0.1)
    return found


def test_commit(cluster):
    """A commit that fails while bundles are in flight."""
    session = connect(cluster)
    last = prepare(session, "deferred", 40,
                   "IF NEW.sent >= 10 THEN RAISE division_by_zero; END IF;",
                   "CONSTRAINT TRIGGER", "DEFERRABLE INITIALLY DEFERRED")
    error = tap.raises(psycopg2.Error, lambda: load(session, "deferred"), "a commit fails")
    tap.same(error.pgcode, "22012", "the load raises its error")
    tap.same(run(session, "SELECT 1"), [(1,)], "the session continues to work")
    found = ended(session, last)
    tap.same(set(found), {("replied", "succeeded"), ("interrupted", "unknown")},
             "each bundle in flight was interrupted")
    tap.same(sum(found.values()),
             run(session, "SELECT count(*) FROM healthlake_event WHERE event = 'sent'"
                          " AND request ? 'entries' AND id > %s", last)[0][0], "once")


def main():
    """All checks."""
    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder) / "one") as cluster:
        run(cluster.connect(), "CREATE EXTENSION healthlake")
        test_caught(cluster)
        test_call_caught(cluster)
        test_renamed(cluster)
        test_commit(cluster)
    tap.end()


main()
