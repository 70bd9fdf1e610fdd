#!/usr/bin/python3
"""Lists of 10,000 data stores over 100 pages: every row is returned, memory does not grow, and one
page is requested in advance.

Also operations with a host prefix, and AWS's setting that disables it.
"""

import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster, opened  # noqa: E402  pylint: disable=wrong-import-position
from session import open_session  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

STORES = 10_000
PAGES = 100
LIMIT = 512  # kB that a hundred pages may take more than ten

tap = Tap()
emulator = client.emulator()


def settings(endpoint):
    """The settings of a session that calls the emulator."""
    return {"endpoint_url": endpoint, "region": "us-east-1", "max_attempts": "1",
            "access_key_id": emulator.access_key_id,
            "secret_access_key": emulator.secret_access_key}


def connect():
    """A session that calls the emulator."""
    session = open_session()
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS healthlake")
        for name, value in settings(emulator.http).items():
            cursor.execute(f"SET healthlake.{name} = %s", [value])
    return session


def rows_of(session, statement):
    """The rows of a statement."""
    with session.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def requests_of(session, statement):
    """The rows of a statement, and the number of its requests."""
    before = emulator.log()[-1]["n"] if emulator.log() else 0
    rows = rows_of(session, statement)
    return rows, len(emulator.log(since=before))


def peak(session):
    """The peak memory of the backend, in kB."""
    with open(f"/proc/{session.get_backend_pid()}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1])


def place_stores():
    """Creates ten thousand data stores."""
    made = [{"DatastoreId": f"{number:032x}", "DatastoreName": f"ward {number:05}",
             "CreatedAt": 1700000000 + number} for number in range(STORES)]
    for start in range(0, STORES, 1000):
        emulator.place(*made[start:start + 1000])


def all_rows(session):
    """Every row is returned once, in order, and memory does not grow."""
    call = "(healthlake_list_datastores(%s)).id"
    count = "SELECT count(*), count(DISTINCT id), min(id), max(id) FROM (SELECT %s AS id) AS rows"
    wanted = [(STORES, STORES, f"{0:032x}", f"{STORES - 1:032x}")]
    rows_of(session, count % (call % "max_rows => 1000"))
    small = peak(session)
    rows, requests = requests_of(session, count % (call % ""))
    tap.same((rows, requests), (wanted, PAGES), "10,000 rows in 100 requests")
    tap.ok(peak(session) - small < LIMIT, "100 pages take no more memory than 10",
           f"{peak(session) - small} kB")
    tap.say(f"{peak(session) - small} kB more")
    rows, requests = requests_of(
        session, "SELECT count(*), count(DISTINCT id), min(id), max(id) "
        "FROM healthlake_list_datastores()")
    tap.same((rows, requests), (wanted, PAGES), "the same in FROM")
    rows = rows_of(session, "SELECT bool_and(name = 'ward ' || lpad(n::text, 5, '0') AND "
                   "created_at = to_timestamp(1700000000 + n) AND status = 'ACTIVE' AND "
                   "properties ->> 'DatastoreId' = id AND arn LIKE '%/' || id) FROM (SELECT *, "
                   "('x' || right(id, 8))::bit(32)::int AS n FROM healthlake_list_datastores()) s")
    tap.same(rows, [(True,)], "each row is complete")


def few_requests(session):
    """No unnecessary pages, except one in flight when the list is closed."""
    for statement, least, most in (
            ("SELECT healthlake_list_datastores() LIMIT 50", 1, 1),
            ("SELECT * FROM healthlake_list_datastores(max_rows => 5)", 1, 1),
            ("SELECT healthlake_list_datastores() LIMIT 100", 1, 2),
            ("SELECT healthlake_list_datastores() LIMIT 101", 2, 3),
            ("SELECT * FROM healthlake_list_datastores(max_rows => 700)", 4, 4),
            ("SELECT EXISTS (SELECT healthlake_list_datastores())", 1, 1)):
        requests = requests_of(session, statement)[1]
        tap.ok(least <= requests <= most, statement, f"{requests} requests")
        # a request in flight may arrive after the list was closed
        emulator.log(count=most, wait=0.2)


def end_in(session, way, listing):
    """Ends a list in one of four ways while a page is in flight."""
    if way == 0:
        rows_of(session, f"{listing} LIMIT 90")
    elif way == 1:
        rows_of(session, f"BEGIN; DECLARE c CURSOR FOR {listing}; FETCH 90 FROM c")
        rows_of(session, "CLOSE c; SELECT 1")
        rows_of(session, "COMMIT; SELECT 1")
    elif way == 2:
        rows_of(session, f"BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR {listing}; FETCH 90 FROM c")
        rows_of(session, "ROLLBACK TO s; COMMIT; SELECT 1")
    else:
        rows_of(session, "DO $$ BEGIN PERFORM 1 / (number <> 90)::int FROM (SELECT *, "
                f"row_number() OVER () AS number FROM ({listing}) AS l) AS s; EXCEPTION WHEN "
                "division_by_zero THEN NULL; END $$; SELECT 1")


def sockets(session):
    """The number of the backend's sockets."""
    return sum(name.startswith("socket:") for name in opened(session.get_backend_pid()))


def in_flight(session):
    """Nothing is lost if a list ends while a page is in flight."""
    listing = "SELECT (healthlake_list_datastores()).id"
    failed, before = [], None
    for number in range(8):
        if number == 4:
            before = sockets(session)
        emulator.next({"operation": "ListFHIRDatastores", "delay": 0, "apply": True},
                      {"operation": "ListFHIRDatastores", "silence": True})
        end_in(session, number % 4, listing)
        # afterwards nothing is in flight that could take the next step
        whole = "SELECT 1 FROM healthlake_list_datastores(max_rows => 250)"
        if not emulator.all_taken() or len(rows_of(session, whole)) != 250:
            failed.append(number % 4)
    tap.same(failed, [], "lists end in four ways while a page is in flight")
    tap.ok(sockets(session) <= before, "no connection is left",
           f"{before} before, {sockets(session)} after")
    emulator.next({"operation": "ListFHIRDatastores", "delay": 0, "apply": True},
                  {"operation": "ListFHIRDatastores", "silence": True})
    rows_of(session, "SET healthlake.request_timeout = '1s'; SELECT 1")
    rows_of(session, f"BEGIN; DECLARE c CURSOR FOR {listing}; FETCH 90 FROM c")
    time.sleep(1.3)
    tap.same(len(rows_of(session, "FETCH 1000 FROM c")), 1000,
             "a page that timed out before it was needed is requested again")
    rows_of(session, "COMMIT; RESET healthlake.request_timeout; SELECT 1")


def interrupted():
    """A cancel while a page that was sent ahead is awaited reports the call."""
    told = "SELECT operation, sqlstate FROM healthlake_last_call()"
    session = connect()
    for _ in range(2):
        emulator.next({"operation": "ListFHIRDatastores", "delay": 0, "apply": True},
                      {"operation": "ListFHIRDatastores", "silence": True})
        error = None
        try:
            rows_of(session, "SET statement_timeout = '1s'; "
                    "SELECT count(*) FROM healthlake_list_datastores()")
        except psycopg2.Error as raised:
            error = raised
            session.rollback()
        tap.same(error.pgcode if error else None, "57014", "the second page is cancelled")
        tap.ok(error and "ListFHIRDatastores" in (error.diag.context or ""),
               "the CONTEXT has the operation", error and error.diag.context)
        rows_of(session, "RESET statement_timeout; SELECT 1")
        tap.same(rows_of(session, told), [("ListFHIRDatastores", "57014")],
                 "healthlake_last_call() has the call")
        tap.ok(emulator.all_taken(), "the request was sent")
    pid = session.info.backend_pid
    session.close()
    tap.ok(gone(pid), "the session ends")
    session = connect()
    tap.same(len(rows_of(session, "SELECT 1 FROM healthlake_list_datastores(max_rows => 250)")),
             250, "the server continues to run")
    session.close()


def gone(pid):
    """Whether a process ends within some time."""
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


def transient(session):
    """A page that was sent ahead is repeated like any other."""
    for fault in ({"status": 400, "body": {"__type": "RequestTimeoutException"}},
                  {"status": 503}):
        emulator.next({"operation": "ListFHIRDatastores", "delay": 0, "apply": True},
                      {"operation": "ListFHIRDatastores", **fault})
        rows_of(session, "SET healthlake.max_attempts = 3; SELECT 1")
        whole = "SELECT 1 FROM healthlake_list_datastores(max_rows => 250)"
        tap.same(len(rows_of(session, whole)), 250, f"{fault['status']} is repeated")
    rows_of(session, "SET healthlake.max_attempts = 1; SELECT 1")


def many_lists(session):
    """Lists lose no memory, within a statement and across statements."""
    emulator.reset()
    emulator.place(*({"DatastoreName": str(number)} for number in range(10)))
    for _ in range(3):
        rows_of(session, "SELECT 1 FROM healthlake_list_datastores(max_rows => 5)")
    before = peak(session)
    for _ in range(200):
        rows_of(session, "SELECT 1 FROM healthlake_list_datastores(max_rows => 5)")
    tap.ok(peak(session) - before < LIMIT, "200 lists take no more than a few",
           f"{peak(session) - before} kB")
    rows_of(session, "SELECT healthlake_list_datastores(max_rows => 1) "
            "FROM generate_series(1, 20)")
    before = peak(session)
    rows_of(session, "SELECT count(*) FROM generate_series(1, 2000), LATERAL "
            "(SELECT healthlake_list_datastores(max_rows => 1)) AS each")
    tap.ok(peak(session) - before < LIMIT, "nor do 2,000 in one statement",
           f"{peak(session) - before} kB")


def own_hosts():
    """The host prefix of data transformation, and a server whose environment disables it."""
    given = {f"healthlake.{name}": value for name, value in settings(
        emulator.http.replace("127.0.0.1", "localhost")).items()}
    given["shared_preload_libraries"] = "healthlake"
    for switch, host in (("", "datatransformation.localhost"), ("true", "localhost"),
                         ("TRUE", "localhost"), ("false", "datatransformation.localhost")):
        environment = {"AWS_DISABLE_HOST_PREFIX_INJECTION": switch} if switch else {}
        folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
        with Cluster(folder, environment, given) as cluster, \
                closing(cluster.connect()) as session:
            rows_of(session, "CREATE EXTENSION healthlake; SELECT 1")
            emulator.reset()
            rows_of(session, "SELECT count(*) FROM healthlake_list_transformation_jobs()")
            rows_of(session, "SELECT count(*) FROM healthlake_list_datastores()")
            hosts = [dict((name.lower(), value) for name, value in entry["headers"])["host"]
                     .split(":")[0] for entry in emulator.log()]
            tap.same(hosts, [host, "localhost"],
                     f"AWS_DISABLE_HOST_PREFIX_INJECTION={switch or '(not set)'}")


def main():
    """All checks."""
    session = connect()
    place_stores()
    all_rows(session)
    few_requests(session)
    in_flight(session)
    interrupted()
    transient(session)
    many_lists(session)
    own_hosts()
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
