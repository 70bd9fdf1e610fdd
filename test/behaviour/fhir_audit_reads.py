#!/usr/bin/python3
"""healthlake.audit_reads: the lines in the server's log, and that "durable" neither sends a request
nor returns a resource without a row.

The tests cover rollbacks, cancels, ended sessions, errors, locks, no slot for a writer, a writer
that has exited when the reply arrives, a read-only transaction, and a standby.
"""

import json
import os
import re
import signal
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
from session import configure, run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

STORE = "0123456789abcdef0123456789abcdef"
READ = "SELECT healthlake_fhir_read('Patient', %s) ->> 'id'"
PATCH = """SELECT healthlake_fhir_patch('Patient', 'p1',
    '[{"op": "add", "path": "/active", "value": true}]')"""
SEARCH = "SELECT id FROM healthlake_fhir_search('Patient', %s, page_size => 2)"
ROWS = ("SELECT s.request ->> 'resource', coalesce(e.event, 'running'), e.outcome,"
        " e.resource_count, e.resources, e.patients, s.transaction IS NULL"
        " FROM healthlake_event AS s"
        " LEFT JOIN healthlake_event AS e ON e.request_id = s.id AND e.id <> s.id"
        " WHERE s.event = 'sent' AND s.id > %s ORDER BY s.id, e.id")
MARK = "Zaphodbeeblebrox"
PEOPLE = [{"resourceType": "Patient", "id": f"p{i}", "gender": "male", "name": [{"family": MARK}]}
          for i in range(1, 6)]

tap = Tap()
emulator = client.emulator()


def fails(session, statement, *values):
    """The error of a statement; None if it succeeds."""
    try:
        run(session, statement, *values)
    except psycopg2.Error as error:
        return error
    return None


def connect(cluster, mode, **changes):
    """A session with that value of healthlake.audit_reads."""
    return configure(cluster.connect(**changes), emulator, max_attempts="1", datastore_id=STORE,
                     audit_reads=mode)


def last_id(session):
    """The id of the last event."""
    return run(session, "SELECT coalesce(max(id), 0) FROM healthlake_event")[0][0]


def wait_for(look, wanted, seconds=20):
    """
    Repeats look() until it returns the wanted value or the time is over; returns the last value.
    """
    end = time.monotonic() + seconds
    while (found := look()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return found


def lines(cluster, session):
    """The log's lines of the reads of a session."""
    pid = session.info.backend_pid
    return re.findall(rf"\[{pid}\] LOG:  .*(healthlake event=read .*)", cluster.log())


def test_log(cluster):
    """Each request has a line, with names but no values."""
    session = connect(cluster, "log")
    run(session, READ, "p1")
    found = lines(cluster, session)
    tap.ok(len(found) == 1 and re.fullmatch(
        'healthlake event=read outcome=succeeded sqlstate=00000 operation=ReadResource'
        f' datastore_id="{STORE}"'
        ' resource="Patient/p1" region=us-east-1 session_role="postgres" current_role="postgres"'
        r' resources=1 request_id="[0-9a-f-]+" http_status=200 attempts=1 duration_ms=[0-9.]+',
        found[0]), "a read has a line", *found)
    run(session, SEARCH, json.dumps({"family": MARK, "gender": "male"}))
    found = lines(cluster, session)[1:]
    tap.same([re.findall(r"operation=(\w+).* parameters=(\S+) resources=(\d+)", line)
              for line in found],
             [[("SearchWithPost", '["family","gender"]', "2")],
              [("SearchWithGet", '["family","gender"]', "2")],
              [("SearchWithGet", '["family","gender"]', "1")]], "each page has one")
    emulator.next(status=400, body={"resourceType": "OperationOutcome", "issue": [
        {"severity": "error", "code": "invalid", "diagnostics": MARK}]})
    fails(session, SEARCH, json.dumps({"family": MARK}))
    tap.ok("outcome=failed sqlstate=22023" in lines(cluster, session)[-1], "an error has one")
    emulator.next(silence=True)
    run(session, "SET statement_timeout = '300ms'")
    fails(session, READ, "p1")
    tap.ok("outcome=failed sqlstate=57014" in lines(cluster, session)[-1],
           "a cancelled read has one",
           lines(cluster, session)[-1])
    tap.same(run(session, "SELECT count(*) FROM healthlake_event"), [(0,)], "none has a row")
    session = connect(cluster, "on")
    run(session, "BEGIN")
    run(session, READ, "p1")
    run(session, "ROLLBACK")
    tap.same((len(lines(cluster, session)), last_id(session)), (1, 0),
             "with audit_reads = on a rollback does not remove the line")
    session = connect(cluster, "off")
    run(session, READ, "p1")
    tap.same(lines(cluster, session), [], "with audit_reads = off there is no line")


def test_durable(cluster):
    """What is committed, and when."""
    session = connect(cluster, "durable")
    run(session, "BEGIN READ ONLY")
    tap.same(run(session, READ, "p1"), [("p1",)], "durable reads in a read-only transaction")
    run(session, "ROLLBACK")
    tap.same(run(session, ROWS, 0), [("Patient/p1", "replied", "succeeded", 1, ["Patient/p1"],
                                      ["p1"], True)], "a rollback leaves its row")
    tap.same(lines(cluster, session), [], "with durable there is no line in the log")
    last = last_id(session)
    run(session, SEARCH, json.dumps({"gender": "male"}))
    tap.same([row[3:5] for row in run(session, ROWS, last)],
             [(2, ["Patient/p1", "Patient/p2"]), (2, ["Patient/p3", "Patient/p4"]),
              (1, ["Patient/p5"])], "each page has its rows")
    last = last_id(session)
    run(session, "SELECT * FROM healthlake_fhir_read_many('Patient', '{p1,p2,nobody}')")
    tap.same(sorted(row[:4] for row in run(session, ROWS, last)),
             [("Patient/nobody", "replied", "failed", 0), ("Patient/p1", "replied", "succeeded", 1),
              ("Patient/p2", "replied", "succeeded", 1)], "each of many reads has its rows")
    last = last_id(session)
    emulator.next(status=500, body="")
    tap.same(fails(session, READ, "p1").pgcode, "38S01", "a read fails")
    tap.same([row[1:4] for row in run(session, ROWS, last)], [("replied", "failed", 0)],
             "its row has the failure")


def test_interrupts(cluster):
    """Reads that are cancelled, or whose session ends."""
    watch = connect(cluster, "off")
    for how, wanted in (("cancel", ("interrupted", "failed")),
                        ("terminate", ("interrupted", "failed")),
                        ("kill", ("interrupted", "unknown"))):
        session = connect(cluster, "durable")
        last = last_id(watch)
        seen = len(emulator.log())
        emulator.next(operation="fhir:read", silence=True)
        thread = threading.Thread(target=fails, args=(session, READ, "p1"))
        thread.start()
        wait_for(lambda: len(emulator.log()) > seen, True)
        tap.same([row[1] for row in run(watch, ROWS, last)], ["running"],
                 f"{how}: the request has a row while it runs")
        if how == "kill":
            os.kill(session.info.backend_pid, signal.SIGKILL)
        else:
            run(watch, f"SELECT pg_{how}_backend(%s)", session.info.backend_pid)
        thread.join()
        if how == "kill":
            watch = None
            while watch is None:
                try:
                    watch = connect(cluster, "durable")
                except psycopg2.OperationalError:
                    time.sleep(0.1)
            run(watch, READ, "p2")  # its writer completes the events of the crashed server
        tap.same(wait_for(lambda: [row[1:3] for row in run(watch, ROWS, last)][0], wanted),
                 wanted, f"{how}: its end is recorded")
    # complete calls are not recorded as interrupted
    tap.same(run(watch, "SELECT count(*) FROM healthlake_event AS e WHERE event <> 'sent'"
                        " GROUP BY request_id HAVING count(*) > 1"), [],
             "each has one end: no rollback undoes a read")


def test_refused(cluster):
    """Without the first row nothing is sent; without the second no resource is returned."""
    session = connect(cluster, "durable")
    locker = connect(cluster, "off")
    run(locker, "BEGIN")
    run(locker, "LOCK TABLE healthlake_event")
    seen = len(emulator.log())
    error = fails(session, READ, "p1")
    tap.same((error and error.pgcode, len(emulator.log())), ("55P03", seen),
             "the history is locked")
    run(locker, "ROLLBACK")
    run(locker, "ALTER TABLE healthlake_event ADD CONSTRAINT closed"
                " CHECK (event <> 'replied') NOT VALID")
    error = fails(session, READ, "p1")
    tap.same((error and error.pgcode, len(emulator.log())), ("23514", seen + 1),
             "a row that is refused when the reply comes")
    tap.ok(error and "withheld" in error.diag.message_detail and MARK not in str(error),
           "the resource is withheld", error and error.diag.message_detail)
    tap.same(getattr(fails(session, SEARCH, "{}"), "pgcode", None), "23514",
             "so is a page of a search")
    error = fails(session, "SELECT * FROM healthlake_fhir_read_many('Patient', '{p1}')")
    tap.same(error and error.pgcode,
             "23514", "so is one of many reads")
    error = fails(session, PATCH)
    tap.ok(error and error.pgcode == "38M01" and "has carried out" in str(error) and
           MARK not in str(error), "so is the resource that a change returns", error)
    run(locker, "ALTER TABLE healthlake_event DROP CONSTRAINT closed;"
                "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RETURN NULL; END $$;"
                "CREATE TRIGGER swallow BEFORE INSERT ON healthlake_event FOR EACH ROW"
                " WHEN (NEW.event = 'replied') EXECUTE FUNCTION swallow()")
    error = fails(session, READ, "p1")
    tap.same(error and error.pgcode, "09000", "so does a trigger that drops the row")
    run(locker, "DROP TRIGGER swallow ON healthlake_event; DROP FUNCTION swallow")
    tap.same(run(session, READ, "p1"), [("p1",)], "otherwise the resource is returned")


def test_successor(cluster):
    """A writer is replaced while a read is in flight."""
    slow, other = connect(cluster, "durable"), connect(cluster, "durable")
    seen, last, told = len(emulator.log()), last_id(other), []
    emulator.next(operation="fhir:read", delay=4)
    thread = threading.Thread(target=lambda: told.append(run(slow, READ, "p1")))
    thread.start()
    wait_for(lambda: len(emulator.log()) > seen, True)
    run(other, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
               " WHERE backend_type = 'healthlake audit writer'")
    run(other, READ, "p2")
    wait_for(lambda: run(other, ROWS, last)[0][1], "interrupted", 3)
    thread.join()
    tap.same(told, [[("p1",)]], "a read succeeds although its writer ends")
    tap.ok(("Patient/p1", "replied", "succeeded", 1, ["Patient/p1"], ["p1"], True)
           in run(other, ROWS, last), "and the next one records what it has disclosed",
           run(other, ROWS, last))


def test_late_lock(cluster):
    """A writer that is stopped while requests are in flight, and a lock that is not released."""
    locker = connect(cluster, "off")
    sessions = [connect(cluster, "durable"), connect(cluster, "durable")]
    # the message about its end is larger than the queue
    large = {**PEOPLE[0], "link": [{"type": "seealso", "other": {
        "reference": f"Patient/{number:064}"}} for number in range(2000)]}
    told, threads = {}, []
    for session, given in zip(sessions, ({}, {"status": 200, "body": large})):
        seen = len(emulator.log())
        emulator.next(operation="fhir:read", delay=2, **given)
        threads.append(threading.Thread(target=lambda session=session: told.update(
            {session: fails(session, READ, "p1")}), daemon=True))
        threads[-1].start()
        wait_for(lambda seen=seen: len(emulator.log()) > seen, True)
    run(locker, "BEGIN")
    run(locker, "LOCK TABLE healthlake_event IN SHARE MODE")
    writer = run(locker, "SELECT pid FROM pg_stat_activity"
                         " WHERE backend_type = 'healthlake audit writer'")[0][0]
    os.kill(writer, signal.SIGSTOP)
    try:
        for thread in threads:
            thread.join(30)
    finally:
        os.kill(writer, signal.SIGCONT)
    for session, words in zip(sessions, ("cannot write", "does not read")):
        error = told.get(session)
        tap.ok(error and error.pgcode == "55P03" and "withheld" in error.diag.message_detail,
               f"the wait for a writer that {words} is limited", error)
    run(locker, "ROLLBACK")
    for session, thread in zip(sessions, threads):
        thread.join()
        tap.same(run(session, READ, "p1"), [("p1",)], "the session continues to work")


def test_last_call(cluster):
    """A failure whose reply contains a resource."""
    session = connect(cluster, "durable")
    emulator.next(status=404, body={"resourceType": "Patient", "id": "p1", "active": True})
    fails(session, READ, "p1")
    tap.same(run(session, "SELECT reply FROM healthlake_last_call()"), [(None,)],
             "the resource is not in healthlake_last_call()")


def test_no_writer(folder):
    """A server that has no slot for a writer."""
    with Cluster(Path(folder) / "full", settings={"max_worker_processes": "0"}) as cluster:
        admin = cluster.connect()
        run(admin, "CREATE EXTENSION healthlake")
        session = connect(cluster, "durable")
        seen = len(emulator.log())
        error = fails(session, READ, "p1")
        tap.same((error.pgcode, len(emulator.log())), ("55000", seen),
                 "no slot for a writer: nothing is sent")
        tap.same(run(connect(cluster, "on"), READ, "p1"), [("p1",)],
                 "audit_reads = on needs no slot")


def test_standby(folder):
    """A standby, where no row can be written."""
    cluster = Cluster(Path(folder) / "standby")
    with cluster:
        run(cluster.connect(), "CREATE EXTENSION healthlake; CHECKPOINT")
    (cluster.folder / "cluster" / "standby.signal").touch()
    with cluster:
        seen = len(emulator.log())
        for mode in ("on", "durable"):
            session = connect(cluster, mode)
            error = fails(session, READ, "p1")
            tap.same((error.pgcode, error.diag.message_primary),
                     ("25006", "ReadResource cannot be recorded during recovery"),
                     f"a standby refuses with {mode}")
            tap.ok("= log" in error.diag.message_hint, "the hint names the mode that works")
        tap.same(len(emulator.log()), seen, "nothing was sent")
        session = connect(cluster, "log")
        tap.same((run(session, READ, "p1"), len(lines(cluster, session))), ([("p1",)], 1),
                 "with audit_reads = log it can read")


def main():
    """All checks, on separate servers."""
    emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})
    emulator.place_resources(STORE, PEOPLE)
    with tempfile.TemporaryDirectory(dir=os.environ["HEALTHLAKE_WORK"]) as folder:
        with Cluster(Path(folder) / "server") as cluster:
            run(cluster.connect(), "CREATE EXTENSION healthlake")
            test_log(cluster)
            test_durable(cluster)
            test_interrupts(cluster)
            test_refused(cluster)
            test_successor(cluster)
            test_late_lock(cluster)
            test_last_call(cluster)
            tap.ok(MARK not in cluster.log(), "no value is in the log")
        test_no_writer(folder)
        test_standby(folder)
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
