#!/usr/bin/python3
"""Searches in whole processes: memory, cancels, pages in flight, and no patient data in a log.

A page is in flight between two rows. However the query ends then (an error, a cancel, a closed
cursor, a savepoint, the end of the session), no descriptor may be lost, and the next call of the
session must work.
"""

import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import psycopg2  # noqa: E402
import client  # noqa: E402
from cluster import Cluster, opened  # noqa: E402
from tap import Tap  # noqa: E402

STORE = "0123456789abcdef0123456789abcdef"
LONG = os.environ.get("HEALTHLAKE_TEST_LONG")
RESOURCES = 100_000 if LONG else 6_000
MARK = "Zebulon-Marked"

tap = Tap()
emulator = client.emulator()


def place(count, size=0):
    """Creates a data store with a number of patients."""
    emulator.reset()
    emulator.place({"DatastoreId": STORE, "DatastoreName": "search"})
    for start in range(0, count, 2000):
        emulator.place_resources(STORE, (
            {"resourceType": "Patient", "id": f"p{number:06}", "active": number % 2 == 0,
             "text": {"status": "generated", "div": "x" * size}}
            for number in range(start, min(start + 2000, count))))


def settings():
    """The settings of a session that calls the emulator."""
    return {"endpoint_url": emulator.http, "region": "us-east-1", "max_attempts": "1",
            "datastore_id": STORE, "access_key_id": emulator.access_key_id,
            "secret_access_key": emulator.secret_access_key}


def caller_session(cluster, **changes):
    """A session that calls the emulator."""
    session = cluster.connect()
    for name, value in {**settings(), **changes}.items():
        run(session, f"SET healthlake.{name} = '{value}'")
    return session


def run(session, statement, arguments=None):
    """Runs a statement; its rows, if it has any."""
    with session.cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchall() if cursor.description else None


def fails(session, statement):
    """The error that a statement ends in."""
    try:
        run(session, statement)
    except psycopg2.Error as error:
        return error
    return None


def status(session, name):
    """A line of the backend's status, in kB."""
    text = Path(f"/proc/{session.info.backend_pid}/status").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith(name)).split()[1])


def sockets(session):
    """How many connections the backend has."""
    return sum(name.startswith("socket:") for name in opened(session.info.backend_pid))


def search_all(cluster):
    """A long search takes no more memory than a short one, except for the returned ids."""
    place(RESOURCES, 500)
    with closing(caller_session(cluster)) as session:
        count = ("SELECT count(*), count(DISTINCT (r).id) FROM "
                 "(SELECT healthlake_fhir_search('Patient'%s) AS r OFFSET 0) AS s")
        run(session, count % ", max_rows => 2000")
        before = status(session, "VmHWM")
        began = time.monotonic()
        tap.same(run(session, "SELECT count(*) FROM (SELECT healthlake_fhir_search('Patient'))"
                     " AS s"), [(RESOURCES,)], "every resource is returned once")
        seconds = time.monotonic() - began
        grown = status(session, "VmHWM") - before
        allowed = 512 + RESOURCES * 64 // 1024
        tap.ok(grown <= allowed, "a long search only takes memory for its ids",
               f"{grown} kB, {allowed} are allowed")
        tap.say(f"{RESOURCES} resources, {seconds:.1f} s, {grown} kB more")
        tap.same(run(session, count % ""), [(RESOURCES, RESOURCES)],
                 "and no resource is returned twice")


def in_advance(cluster):
    """The next page is requested while one is read, and not before half of the first is read."""
    place(600)
    with closing(caller_session(cluster)) as session:
        run(session, "BEGIN; DECLARE c CURSOR FOR SELECT healthlake_fhir_search('Patient')")
        for rows, pages in ((30, 1), (30, 2), (45, 3), (60, 3), (40, 4)):
            run(session, f"FETCH {rows} FROM c")
            arrived = len(emulator.log(count=pages, wait=5))
            tap.same(arrived, pages, f"{rows} rows more: {pages} pages are requested")
        run(session, "COMMIT")


def end_in(session, way, search):
    """Ends a search in one of five ways while a page is in flight."""
    if way == 0:
        error = fails(session, f"SELECT 1 / (id <> 'p000090')::int FROM ({search}) AS s")
        return error is not None and error.pgcode == "22012"
    if way == 1:
        run(session, f"BEGIN; DECLARE c CURSOR FOR {search}")
        run(session, "FETCH 90 FROM c")
        run(session, "CLOSE c; COMMIT")
    elif way == 2:
        run(session, f"BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR {search}")
        run(session, "FETCH 90 FROM c")
        run(session, "ROLLBACK TO s; COMMIT")
    elif way == 3:
        run(session, f"{search} LIMIT 90")
    else:
        run(session, "DO $$ BEGIN PERFORM 1 / (id <> 'p000090')::int FROM "
            f"({search}) AS s; EXCEPTION WHEN division_by_zero THEN NULL; END $$")
    return True


def in_flight(cluster):
    """Ends of queries while a page is in flight."""
    place(600)
    search = "SELECT (healthlake_fhir_search('Patient')).id AS id"
    failed = []
    with closing(caller_session(cluster)) as session:
        for number in range(40):
            if number == 15:
                memory, connections = status(session, "RssAnon"), sockets(session)
            emulator.next({"operation": "fhir:search", "delay": 0},
                          {"operation": "fhir:search", "silence": True})
            if not end_in(session, number % 5, search) or not emulator.all_taken() or \
                    run(session, "SELECT healthlake_fhir_count('Patient')") != [(600,)]:
                failed.append(number % 5)
        grown = status(session, "RssAnon") - memory
        tap.same(failed, [], "queries end in five ways while a page is in flight")
        tap.ok(sockets(session) <= connections, "no connection is left",
               f"{connections} before, {sockets(session)} after")
        tap.ok(grown < 512, "no memory is lost", f"{grown} kB")
        tap.same(run(session, "SELECT count(*) FROM healthlake_fhir_search('Patient')"), [(600,)],
                 "the next search works")


def late_reader(cluster):
    """A page that timed out before it was needed is requested again."""
    place(300)
    with closing(caller_session(cluster, request_timeout="1s")) as session:
        emulator.next({"operation": "fhir:search", "delay": 0},
                      {"operation": "fhir:search", "silence": True})
        run(session, "BEGIN; DECLARE c CURSOR FOR SELECT (healthlake_fhir_search('Patient')).id")
        got = run(session, "FETCH 80 FROM c")
        time.sleep(1.3)
        got += run(session, "FETCH ALL FROM c")
        run(session, "COMMIT")
        tap.same(len(set(got)), 300, "a slow reader gets every row")


def nested(cluster):
    """Calls between the rows of a search do not disturb the page in flight."""
    place(300)
    with closing(caller_session(cluster)) as session:
        rows = run(session, "SELECT count(DISTINCT s.id), count(DISTINCT t.id) FROM "
                   "(SELECT (healthlake_fhir_search('Patient')).id OFFSET 0) AS s, LATERAL "
                   "healthlake_fhir_search('Patient', jsonb_build_object('_id', s.id)) AS t")
        tap.same(rows, [(300, 300)], "a search for each row of a search")
        rows = run(session, "SELECT count(*) FROM (SELECT healthlake_fhir_search('Patient')) AS a,"
                   " (SELECT healthlake_fhir_search('Patient', page_size => 30)) AS b")
        tap.same(rows, [(90_000,)], "two interleaved searches")


def cancel(cluster):
    """A cancel ends a search at once, whichever page it waits for."""
    place(300)
    with closing(caller_session(cluster)) as session:
        for skipped, where in ((0, "the first page"), (1, "a page that was in flight")):
            emulator.next(*({"operation": "fhir:search", "delay": 0} for _ in range(skipped)),
                          {"operation": "fhir:search", "silence": True})
            began = time.monotonic()
            timer = threading.Timer(0.5, os.kill, (session.info.backend_pid, signal.SIGINT))
            timer.start()
            error = fails(session, "SELECT count(*) FROM healthlake_fhir_search('Patient')")
            took = time.monotonic() - began
            timer.join()
            tap.same(error.pgcode if error else None, "57014", f"a cancel ends {where}")
            tap.ok(took < 4.5, "at once", took)
            tap.same(run(session, "SELECT count(*) FROM healthlake_fhir_search('Patient')"),
                     [(300,)], "and the next search works")


def no_phi(cluster):
    """Searched values and found resources are in no log, error or view."""
    place(10)
    emulator.place_resources(STORE, [{"resourceType": "Patient", "id": "marked",
                                      "name": [{"family": MARK}]}])
    with closing(caller_session(cluster)) as session, closing(cluster.connect()) as other:
        run(session, "SET log_min_messages = debug5; SET log_error_verbosity = verbose;"
            "SET debug_print_plan = off; SET log_min_error_statement = error")
        rows = None
        for number in range(2):
            if number == 1:
                emulator.next({"operation": "fhir:search", "status": 400, "body": {
                    "resourceType": "OperationOutcome", "issue": [
                        {"severity": "error", "code": "value", "diagnostics": MARK,
                         "details": {"text": MARK}}]}})
            # the value is not in the statement's text: the server composes it
            half = MARK.partition("-")
            statement = (f"SELECT count(*) FROM healthlake_fhir_search('Patient', "
                         f"jsonb_build_object('family', '{half[0]}' || '-' || '{half[2]}'))")
            error = None
            try:
                rows = run(session, statement)
            except psycopg2.Error as caught:
                error = caught
            if number == 0:
                tap.same(rows, [(1,)], "the resource is found")
            else:
                told = " ".join(filter(None, (error.diag.message_primary,
                                              error.diag.message_detail, error.diag.message_hint,
                                              error.diag.context)))
                tap.same(error.pgcode, "22023", "a refused value is an error")
                tap.ok(MARK not in told, "the error does not quote it", told)
        emulator.next({"operation": "fhir:search", "body": {
            "resourceType": "Bundle", "entry": [
                {"resource": {"resourceType": "OperationOutcome", "issue": [
                    {"severity": "warning", "code": "informational", "diagnostics": MARK,
                     "details": {"text": MARK}}]}, "search": {"mode": "outcome"}}]}})
        del session.notices[:]
        run(session, "SELECT count(*) FROM healthlake_fhir_search('Patient')")
        tap.same([notice.strip() for notice in session.notices if notice.startswith("WARNING")],
                 ['WARNING:  HealthLake reports issue "informational" with the search'],
                 "an OperationOutcome is a warning with its code only")
        plan = run(session, "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM healthlake_fhir_search("
                   "'Patient', jsonb_build_object('family', 'Zebulon' || '-Marked'))")
        seen = str(run(other, "SELECT s.* FROM pg_stat_activity AS s WHERE pid <> "
                       "pg_backend_pid()")) + str(run(
                           other, "SELECT * FROM healthlake_operation_statistics()"))
        tap.ok(MARK not in seen and "healthlake_fhir_search" in str(plan),
               "no view shows it", seen)
    log = cluster.log()
    tap.ok("DEBUG:  " in log and MARK not in log, "and not the log at DEBUG5",
           f"{len(log)} bytes", *(line for line in log.splitlines() if MARK in line))


def main():
    """All checks, on a separate server."""
    folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    with Cluster(folder, settings={"shared_preload_libraries": "healthlake"}) as cluster:
        with closing(cluster.connect()) as session:
            run(session, "CREATE EXTENSION healthlake")
        for part in (in_advance, in_flight, late_reader, nested, cancel, search_all, no_phi):
            part(cluster)
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
