#!/usr/bin/python3
"""A marked value of a patient's, sought wherever the server writes something.

It is in bodies, in search values and in what AWS answers, and is given as a bind parameter, as
the documentation advises. It is sought in the server's log at DEBUG5, pg_stat_* (pg_stat_statements
too), EXPLAIN, every field of every error and notice, the extension's tables, a dump, and the WAL
of the calls. A second word, planted in each of these places, shows that the search finds it.
"""

import ctypes
import ctypes.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster, bindir  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

MARK = "Zaphodbeeblebrox"   # the patient's value
PLANT = "Trillianmcmillan"  # the control value
STORE = "0123456789abcdef0123456789abcdef"
FIELDS = b"SVCMDHPpqWstcdnFLR"  # fields of an error, by libpq's names
BODY = {"resourceType": "Patient", "name": [{"family": MARK}], "gender": "male"}
OUTCOME = {"resourceType": "OperationOutcome", "id": "x", "issue": [{
    "severity": "error", "code": "invalid", "diagnostics": f"{MARK} is no name",
    "details": {"text": MARK}, "expression": ["Patient.name"]}]}
LIBPQ = ctypes.CDLL(ctypes.util.find_library("pq"))
NOTICE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
for name in ("PQconnectdb", "PQexecParams", "PQexec"):
    getattr(LIBPQ, name).restype = ctypes.c_void_p
for name in ("PQresultErrorField", "PQgetvalue"):
    getattr(LIBPQ, name).restype = ctypes.c_char_p

tap = Tap()
emulator = client.emulator()
said = []


class Session:
    """A session that passes values as bind parameters, by libpq."""

    def __init__(self, cluster):
        where = " ".join(f"{key}='{value}'" for key, value in cluster.where().items())
        self.connection = ctypes.c_void_p(LIBPQ.PQconnectdb(where.encode()))
        self.receiver = NOTICE(lambda _, result: self.keep(result))
        LIBPQ.PQsetNoticeReceiver(self.connection, self.receiver, None)
        self.pid = int(self.run("SELECT pg_backend_pid()")[0][0])

    @staticmethod
    def keep(result):
        """Keeps every field of an error or a notice."""
        found = [LIBPQ.PQresultErrorField(ctypes.c_void_p(result), field) for field in FIELDS]
        said.extend(field.decode("utf-8", "replace") for field in found if field)

    def run(self, statement, *values):
        """The rows of a statement; None if it fails."""
        given = [value.encode() if isinstance(value, str) else json.dumps(value).encode()
                 for value in values]
        result = ctypes.c_void_p(LIBPQ.PQexecParams(
            self.connection, statement.encode(), len(given), None,
            (ctypes.c_char_p * len(given))(*given), None, None, 0))
        status = LIBPQ.PQresultStatus(result)
        if status not in (1, 2):
            self.keep(result.value)
        rows = None if status not in (1, 2) else [
            [(LIBPQ.PQgetvalue(result, row, column) or b"").decode("utf-8", "replace")
             for column in range(LIBPQ.PQnfields(result))]
            for row in range(LIBPQ.PQntuples(result))]
        LIBPQ.PQclear(result)
        return rows


CRITERIA = {"family": MARK}
PATCH = [{"op": "replace", "path": "/name/0/family", "value": MARK}]
BUNDLE = [{"method": "PUT", "url": "Patient/b1", "resource": {**BODY, "id": "b1"}},
          {"method": "GET", "url": f"Patient?family={MARK}"}]
CALLS = [
    ("SELECT id FROM healthlake_fhir_create($1)", BODY),
    ("SELECT id FROM healthlake_fhir_update($1)", {**BODY, "id": "p1"}),
    ("SELECT id FROM healthlake_fhir_update_where($1, $2)", BODY, {"gender": "male"}),
    ("SELECT id FROM healthlake_fhir_patch('Patient', 'p1', $1)", PATCH),
    ("SELECT healthlake_fhir_read('Patient', 'p1') IS NULL",),
    ("SELECT id FROM healthlake_fhir_read_many('Patient', '{p1,p2}')",),
    ("SELECT id FROM healthlake_fhir_search('Patient', $1)", CRITERIA),
    ("SELECT healthlake_fhir_count('Patient', $1)", CRITERIA),
    ("SELECT id FROM healthlake_fhir_everything('p1')",),
    ("SELECT id FROM healthlake_fhir_history('Patient', 'p1')",),
    ("SELECT status FROM healthlake_fhir_bundle($1, 'batch')", BUNDLE),
    ("SELECT severity FROM healthlake_fhir_validate($1)", BODY),
    ("SELECT healthlake_fhir_operation('Patient/p1/$everything', $1, 'GET') IS NULL", CRITERIA),
    ("SELECT healthlake_fhirpath_text($1, 'name.family') IS NULL", BODY),
    ("SELECT healthlake_fhirpath_text($1, 'name.where(')", BODY),
    ("SELECT healthlake_fhir_delete_where('Patient', $1, 10)", CRITERIA)]
REPLIES = [{"status": 400, "body": OUTCOME}, {"status": 404, "body": OUTCOME},
           {"status": 500, "body": OUTCOME}, {"status": 200, "body": f"{{{MARK}"},
           {"status": 409, "body": OUTCOME}, {"status": 403, "body": OUTCOME}]


def call_all(session):
    """Makes every call with success and with every failure, and with two ways of auditing reads."""
    count = 0
    for way in ("on", "durable"):
        session.run(f"SET healthlake.audit_reads = {way}")
        for statement, *values in CALLS:
            for reply in (REPLIES if way == "on" and "fhirpath" not in statement else []):
                emulator.next(**reply)
                session.run(statement, *values)
            if way == "on":
                said.append(str(session.run("EXPLAIN (ANALYZE, BUFFERS) " + statement, *values)))
            count += session.run(statement, *values) is not None
    session.run("BEGIN")
    session.run(CALLS[0][0], BODY)
    session.run("ROLLBACK")
    return count


def views(session):
    """The contents of the statistics and the extension's tables."""
    found = session.run("SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class"
                        " AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE relkind IN"
                        " ('v', 'r', 'p') AND (relname LIKE 'pg_stat%' OR relname LIKE"
                        " 'healthlake_%') AND relname <> 'pg_statistic' ORDER BY 1")
    return {name: str(session.run(f"SELECT * FROM {name}")) for (name,) in found}


def watch_running(cluster, watch):
    """What other sessions see of a running call."""
    session = Session(cluster)
    emulator.next(operation="fhir:search", delay=1.5)
    thread = threading.Thread(target=session.run, args=CALLS[6])
    thread.start()
    time.sleep(0.5)
    seen = views(watch)
    thread.join()
    return seen


def wal_of(cluster):
    """The bytes of the WAL segments."""
    folder = cluster.folder / "cluster" / "pg_wal"
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())


def dump_of(cluster):
    """A dump of the database."""
    return subprocess.run([bindir() / "pg_dump", "-h", cluster.folder / "socket", "-U", "postgres",
                           "postgres"], check=True, capture_output=True, text=True).stdout


def queue_some(session):
    """Enqueues a request that succeeds, and one that fails and is purged."""
    tap.ok(session.run("SELECT healthlake_fhir_enqueue_create($1)", BODY), "one is enqueued")
    session.run("CALL healthlake_run_queue()")
    emulator.next(operation="fhir:update", status=422, body=OUTCOME)
    session.run("SELECT healthlake_fhir_enqueue_create($1)", BODY)
    session.run("CALL healthlake_run_queue()")
    states = session.run("SELECT string_agg(state, ' ' ORDER BY id) FROM healthlake_request")
    tap.same(states, [["succeeded failed"]], "one has succeeded, one has failed")


def plant(session):
    """Writes the control word to each of the places."""
    session.run(f"SELECT '{PLANT}'::int")
    session.run(f"SET application_name = '{PLANT}'")
    session.run(f"CREATE TABLE planted AS SELECT '{PLANT}' AS word")
    said.extend(str(session.run(f"EXPLAIN (VERBOSE) SELECT '{PLANT}'")).split("\n"))


def settings():
    """Logs everything except values, as the documentation advises."""
    library = subprocess.check_output([os.environ.get("PG_CONFIG", "pg_config"), "--pkglibdir"],
                                      text=True).strip()
    has = Path(library, "pg_stat_statements.so").exists()
    preload = "healthlake, pg_stat_statements" if has else "healthlake"
    return has, {"shared_preload_libraries": preload, "log_min_messages": "debug5",
                 "log_error_verbosity": "verbose", "log_statement": "all",
                 "log_min_duration_statement": "0", "log_parameter_max_length": "0",
                 "track_activity_query_size": "4096", "wal_level": "logical",
                 **{f"healthlake.{name}": value for name, value in (
                     ("endpoint_url", emulator.http), ("region", "us-east-1"),
                     ("access_key_id", emulator.access_key_id), ("max_attempts", "1"),
                     ("secret_access_key", emulator.secret_access_key), ("datastore_id", STORE),
                     ("autostart_worker", "off"), ("audit_retention", "0 days"))}}


def places(cluster, seen, watch):
    """Every place and its contents; the views now and during the calls."""
    found = {f"{name} (meanwhile)": text for name, text in seen.items()}
    found.update(views(watch))
    found.update({"the log": cluster.log(), "errors, notices and plans": "\n".join(said)})
    return found


def main():
    """All checks, on a separate server whose output is searched."""
    emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})
    has_statements, given = settings()
    with tempfile.TemporaryDirectory(dir=os.environ["HEALTHLAKE_WORK"]) as folder, \
            Cluster(Path(folder) / "server", settings=given) as cluster:
        session, watch = Session(cluster), Session(cluster)
        session.run("CREATE EXTENSION healthlake")
        if has_statements:
            session.run("CREATE EXTENSION pg_stat_statements")
        tap.ok(call_all(session) > 2 * len(CALLS) - 6, "the calls succeed", *said[-8:])
        seen = watch_running(cluster, watch)
        tap.ok(any("healthlake_fhir_search" in text for text in seen.values()),
               "a running call is seen")
        wal = wal_of(cluster)
        found = places(cluster, seen, watch)
        tap.ok(not has_statements or "healthlake_fhir_create($1)" in
               found["public.pg_stat_statements"], "pg_stat_statements has the calls")
        tap.ok("DEBUG" in found["the log"] and "event=read" in found["the log"], "so has the log")
        places_with = [place for place, text in found.items() if MARK in text]
        tap.same(places_with, [], f"nothing of a patient in {len(found)} places")
        for place in places_with:
            at = found[place].index(MARK)
            tap.say(f"{place}: {found[place][max(at - 200, 0):at + 40]!r}")
        tap.ok(MARK.encode() not in wal and b"Patient/_search" in wal,
               "nor in the WAL, which contains the records of the reads")
        queue_some(session)
        tap.ok(dump_of(cluster).count(MARK) >= 1, "a dump has the body of a request that failed")
        session.run("SELECT healthlake_purge_requests('0 days')")
        dump = dump_of(cluster)
        tap.ok(MARK not in dump and "healthlake_request" in dump,
               "none after it is purged, and none of what has succeeded", *said[-4:])
        plant(session)
        found = places(cluster, {}, watch)
        tap.same([place for place in ("the log", "pg_catalog.pg_stat_activity",
                                      "errors, notices and plans")
                  if PLANT not in found[place]], [], "the control word is found there")
        tap.ok(not has_statements or PLANT in found["public.pg_stat_statements"],
               "in pg_stat_statements")
        tap.ok(PLANT.encode() in wal_of(cluster) and PLANT in dump_of(cluster),
               "in the WAL and in a dump")
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
