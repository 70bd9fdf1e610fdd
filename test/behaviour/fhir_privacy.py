#!/usr/bin/python3
"""No patient data leaks from FHIR calls: into the server's log at DEBUG5, an error, a notice, a
statistics view, the history or a dump.

Resources, search values and all replies contain a unique word. Only healthlake_last_call() may
return it, to the session and role that made the call. Statements with the word in their text are
not logged either, where the extension can prevent it.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster, bindir  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

MARK = "Zaphodbeeblebrox"
SETTINGS = {"log_min_messages": "debug5", "log_error_verbosity": "verbose", "log_duration": "on",
            "shared_preload_libraries": "healthlake"}
PATIENT = {"resourceType": "Patient", "name": [{"family": MARK}], "active": True}
OUTCOME = {"resourceType": "OperationOutcome", "id": MARK, "issue": [{
    "severity": "error", "code": "invalid", "diagnostics": f"{MARK} is no name",
    "details": {"text": MARK}}]}
ODD = {**OUTCOME, "issue": [{**OUTCOME["issue"][0], "code": f"{MARK} 1"}]}
REPLIES = [{"status": 400, "body": OUTCOME}, {"status": 422, "body": OUTCOME},
           {"status": 409, "body": OUTCOME}, {"status": 412, "body": OUTCOME},
           {"status": 404, "body": OUTCOME}, {"status": 500, "body": OUTCOME},
           {"status": 400, "body": ODD}, {"status": 400, "body": {"message": MARK}},
           {"status": 403, "body": {"message": MARK},
            "headers": {"x-amzn-ErrorType": "SignatureDoesNotMatch"}},
           {"status": 502, "body": f"<html>{MARK}</html>"}, {"status": 200, "body": f"{{{MARK}"},
           {"status": 200, "body": {"resourceType": MARK, "id": MARK}},
           {"status": 409, "headers": {"Location": f"https://example.org/{MARK}"},
            "body": {**OUTCOME, "issue": [{"severity": "error", "code": "duplicate"}]}},
           {"status": 302, "headers": {"Location": f"http://127.0.0.1:1/{MARK}"}, "body": ""},
           {"reset": True, "apply": True}]
CALLS = ["healthlake_fhir_create(resource)", "healthlake_fhir_update(resource)",
         "healthlake_fhir_update(resource, '1')",
         "healthlake_fhir_update_where(resource, criteria)",
         "healthlake_fhir_patch('Patient', 'p1', patch)", "healthlake_fhir_read('Patient', 'p1')",
         "healthlake_fhir_delete('Patient', 'p1')"]
REFUSED = ["healthlake_fhir_create(resource - 'resourceType')",
           "healthlake_fhir_create(jsonb_set(resource, '{id}', '\"/\"'))",
           "healthlake_fhir_update(resource - 'id')",
           "healthlake_fhir_patch('Patient', 'p1', criteria)",
           "healthlake_fhir_read('Patient', criteria ->> 'family' || '?')",
           "healthlake_fhir_update_where(resource, '{}')"]
LITERAL = "'" + json.dumps({**PATIENT, "id": "p1"}) + "'"
SOUGHT = "'" + json.dumps({"family": MARK}) + "'"
DELETION = json.dumps([{"method": "DELETE", "type": "Patient", "id": MARK}])
CREATE = f"SELECT healthlake_fhir_create({LITERAL})"
SEARCH = f"SELECT * FROM healthlake_fhir_search('Patient', {SOUGHT}"
WRITES = [f"healthlake_fhir_create({LITERAL})", f"healthlake_fhir_update({LITERAL})",
          f"healthlake_fhir_update_where({LITERAL}, {SOUGHT})",
          f"healthlake_fhir_patch('Patient', 'p1', '{json.dumps([PATIENT])}')",
          f"healthlake_fhir_delete_where('Patient', {SOUGHT}, max_rows => 1)",
          f"healthlake_fhir_enqueue_create({LITERAL})"]
VIEW = json.dumps({"resource": "Patient", "status": "active", "select": [
    {"column": [{"name": "family", "path": "name.family"}]}]})
# FHIRPath, which reads only its arguments
PATHS = [f"healthlake_fhirpath({LITERAL}, 'name.where(')",
         f"healthlake_fhirpath_text({LITERAL}, 'now()')",
         f"healthlake_fhirpath_exists({LITERAL}, 'name.nothing()')",
         f"healthlake_fhir_view_rows('{VIEW}', jsonb_set({LITERAL}, '{{name,1}}', '{{}}', true)"
         f" || '{{\"name\": [{{\"family\": \"a\"}}, {{\"family\": \"{MARK}\"}}]}}')",
         f"healthlake_fhir_view_columns('{{\"resource\": \"Patient\", \"{MARK}\": 1}}')"]
WAITS = [CREATE, SEARCH + ")", f"SELECT healthlake_fhir_count('Patient', {SOUGHT})",
         f"SELECT * FROM healthlake_fhir_read_many('Patient', ARRAY['p1']) -- {MARK}"]
# statements that fail with an error of the extension, and settings for them
LITERALS = [*((f"SELECT {call}", "transaction_read_only = on") for call in WRITES),
            *((f"SELECT {call}", "") for call in PATHS),
            *((wait, "healthlake.region = ''") for wait in WAITS),
            *((wait, "healthlake.datastore_id = ''") for wait in WAITS),
            *((wait, "statement_timeout = '200ms'") for wait in WAITS),
            (SEARCH + ", page_size => 0)", ""), (SEARCH + ", max_rows => 0)", ""),
            (f"SELECT healthlake_fhir_read('Patient', '{MARK}?')", ""),
            (f"SELECT healthlake_fhir_read('{MARK} 1980-02-29', 'Patient')", ""),
            (f"SELECT (healthlake_fhir_create({LITERAL})).* ORDER BY 1", ""),
            (f"SELECT healthlake_fhir_operation('$x', {LITERAL}, method => 'PUT')", ""),
            (f"SELECT * FROM healthlake_fhir_bundle('{DELETION}', 'batch')", "ROLE clerk")]

tap = Tap()
emulator = client.emulator()
said = []


def run(session, statement):
    """Runs a statement; keeps everything that the client receives except the rows."""
    try:
        with session.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    except psycopg2.Error as caught:
        said.append("\n".join(str(getattr(caught.diag, name)) for name in (
            "message_primary", "message_detail", "message_hint", "context")))
        return None
    finally:
        said.extend(session.notices)
        del session.notices[:]


def configure(session, store=""):
    """Sets the endpoint of a session."""
    for name, value in (("endpoint_url", emulator.http), ("region", "us-east-1"),
                        ("access_key_id", emulator.access_key_id), ("max_attempts", "1"),
                        ("secret_access_key", emulator.secret_access_key),
                        ("datastore_id", store)):
        run(session, f"SET healthlake.{name} = '{value}'")


def prepare(session):
    """Creates a data store, and a table with the resource that the calls send."""
    run(session, "CREATE EXTENSION healthlake")
    run(session, "CREATE ROLE clerk")
    run(session, "GRANT EXECUTE ON FUNCTION healthlake_fhir_bundle TO clerk")
    configure(session)
    store = run(session, "SELECT id FROM healthlake_create_datastore('ward')")[0][0]
    for _ in range(2):
        run(session, f"SELECT healthlake_describe_datastore('{store}')")
    configure(session, store)
    run(session, "CREATE TABLE given (resource jsonb, criteria jsonb, patch jsonb)")
    with session.cursor() as cursor:
        cursor.execute("INSERT INTO given VALUES (%s, %s, %s)", [
            json.dumps({**PATIENT, "id": "p1"}), json.dumps({"family": MARK}),
            json.dumps([{"op": "replace", "path": "/name/0/family", "value": MARK}])])
    return store


def try_all(session):
    """Every call with every reply, and calls that are refused before anything is sent."""
    failed = 0
    for call in CALLS:
        for reply in REPLIES:
            emulator.next(**reply)
            failed += run(session, f"SELECT {call} IS NULL FROM given") is None
        run(session, f"SELECT {call} IS NULL FROM given")
    tap.ok(failed > len(CALLS) * len(REPLIES) // 2, "there are many failed calls", failed)
    for call in REFUSED:
        tap.ok(run(session, f"SELECT {call} FROM given") is None, f"refused: {call}")
    run(session, "BEGIN")
    run(session, "SELECT healthlake_fhir_create(resource) IS NULL FROM given")
    run(session, "ROLLBACK")


@contextmanager
def transaction(session, setting):
    """A transaction with a setting, or with none; it is rolled back."""
    run(session, "BEGIN")
    if setting:
        run(session, f"SET LOCAL {setting}")
    if "timeout" in setting:
        emulator.next(delay=2)
    yield
    run(session, "ROLLBACK")
    run(session, "RESET ROLE")


def try_literals(session):
    """Statements that contain the word and fail."""
    for statement, setting in LITERALS:
        with transaction(session, setting):
            tap.ok(run(session, statement) is None, f"fails: {statement[:45]}… {setting}",
                   said[-1])


def try_nested(session):
    """The same in PL/pgSQL: the CONTEXT of the error, which the client gets, has the statement."""
    for statement, setting in LITERALS:
        with transaction(session, setting):
            perform = "PERFORM" + statement.split(" -- ")[0].removeprefix("SELECT")
            failed = run(session, f"DO $do$ BEGIN {perform}; END $do$") is None
            told = said.pop()
            tap.ok(failed and MARK in told or MARK not in perform,
                   f"fails in a DO: {statement[:45]}… {setting}", told)
    emulator.next(status=200, body={"resourceType": "Bundle", "type": "searchset", "entry": [
        {"search": {"mode": "outcome"}, "resource": OUTCOME}]})
    run(session, f"DO $do$ BEGIN PERFORM {SEARCH.removeprefix('SELECT ')}); END $do$")
    tap.ok("reports issue" in said[-1], "a search warns in a DO", said[-1])
    said.pop()


def try_status(session):
    """A status that is polled has values of the caller in its query."""
    emulator.next(status=202, body={})
    tap.same(run(session, f"SELECT healthlake_fhir_operation('_search', {SOUGHT}, 'GET',"
                          " timeout => '300 ms')"), [({},)],
                          "a status with parameters is not polled")
    emulator.next(status=202, body={}, times=10)
    tap.ok(run(session, f"SELECT healthlake_fhir_operation('jobs/1?family={MARK}', NULL, 'GET',"
                        " timeout => '300 ms', poll_interval => '100 ms')") is None,
           "a path is polled until the timeout", said[-1])
    tap.ok('"jobs/1"' in said[-1], "the error has the path", said[-1])
    emulator.reset()


def try_interrupts(cluster, session):
    """The same calls, cancelled and terminated."""
    pid = session.info.backend_pid
    other = cluster.connect()
    for how in ("cancel", "terminate"):
        for wait in WAITS if how == "cancel" else WAITS[:1]:
            emulator.next(delay=2)
            timer = threading.Timer(0.3, run, (other, f"SELECT pg_{how}_backend({pid})"))
            timer.start()
            tap.ok(run(session, wait) is None, f"{how}: {wait[:45]}…")
            timer.join()
    tap.ok(session.closed, "the session is terminated")


def views(session):
    """Everything that views and the extension's tables show, of this session and others."""
    names = [row[0] for row in run(
        session, "SELECT relname FROM pg_class WHERE relkind IN ('v', 'r') AND (relname LIKE "
        "'pg_stat_%' OR relname LIKE 'healthlake_%') ORDER BY 1")]
    tap.ok(len(names) > 20, "there are views to look at", len(names))
    return "\n".join(str(run(session, f"SELECT * FROM {name}")) for name in names)


def main():
    """All checks, on a separate server."""
    with tempfile.TemporaryDirectory(dir=os.environ["HEALTHLAKE_WORK"]) as folder, \
            Cluster(Path(folder) / "server", settings=SETTINGS) as cluster:
        session = cluster.connect()
        store = prepare(session)
        where = Path(folder) / "server" / "server.log"
        began = where.stat().st_size
        try_all(session)
        try_literals(session)
        try_nested(session)
        try_status(session)
        victim = cluster.connect()
        configure(victim, store)
        try_interrupts(cluster, victim)
        log = where.read_bytes()[began:].decode(errors="replace")
        tap.ok("event=reply" in log and "DEBUG" in log, "the log has the calls")
        tap.ok(MARK not in log, "nothing of a patient in the server's log",
               *[line for line in log.splitlines() if MARK in line][:5])
        told = "\n".join(said)
        tap.ok("expression" in told or "issue code" in told, "the errors report the outcome")
        tap.ok(MARK not in told, "and in messages to the client",
               *[line for line in told.splitlines() if MARK in line][:5])
        tap.ok(MARK not in views(session), "and in views, statistics and history")
        emulator.next(status=400, body=OUTCOME)
        run(session, "SELECT healthlake_fhir_create(resource) FROM given")
        reply = run(session, "SELECT reply::text FROM healthlake_last_call()")[0][0]
        tap.ok(MARK in reply, "the session's own last call has the OperationOutcome")
        dump = subprocess.run([bindir() / "pg_dumpall", "-h", cluster.folder / "socket", "-U",
                               "postgres"], check=True, capture_output=True, text=True).stdout
        tap.ok(dump.count(MARK) == 3 and "healthlake_event" in dump,
               "a dump has it only in the test's own table", dump.count(MARK))
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
