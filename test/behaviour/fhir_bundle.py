#!/usr/bin/python3
"""healthlake_fhir_bundle: what a rollback, a cancel and the audit trail tell."""

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
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

STORE = "0123456789abcdef0123456789abcdef"
MARK = "PHI-7f3a"
SENDS = "SELECT ordinal, status, type, id FROM healthlake_fhir_bundle(%s, %s)"

tap = Tap()
emulator = client.emulator()
emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})


def run(session, statement, *values):
    """The rows of a statement."""
    with session.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def connect(cluster):
    """A session whose calls go to the emulator."""
    session = cluster.connect()
    for name, value in {"endpoint_url": emulator.http, "region": "us-east-1",
                        "access_key_id": emulator.access_key_id, "datastore_id": STORE,
                        "secret_access_key": emulator.secret_access_key}.items():
        run(session, "SELECT set_config(%s, %s, false)", f"healthlake.{name}", value)
    return session


def entries(*ids, **more):
    """PUTs of patients, a creation, and a search, all with the mark in them."""
    resource = {"resourceType": "Patient", "name": [{"family": MARK}]}
    made = [{"method": "PUT", "url": f"Patient/{id}", "resource": {**resource, "id": id}, **more}
            for id in ids]
    return json.dumps([*made, {"method": "POST", "url": "Patient", "resource": resource},
                       {"method": "GET", "url": f"Patient?family={MARK}"}])


def test_rollback(cluster):
    """A rollback says what it does not undo."""
    session = connect(cluster)
    session.autocommit = False
    rows = run(session, SENDS, entries("a", "b"), "transaction")
    tap.same([(row[1], row[2]) for row in rows],
             [(201, "Patient")] * 3 + [(200, "Patient")], "a transaction is done")
    session.rollback()
    tap.ok(any("AWS has carried out ProcessBundle of transaction of 1 GET, 1 POST, 2 PUT" in one
               for one in session.notices), "a rollback says so", session.notices)
    tap.ok("healthlake event=rollback operation=ProcessBundle" in cluster.log(), "in the log, too")
    session.autocommit = True
    run(session, "SET healthlake.audit = 'on'")
    rows = run(session, SENDS, entries("a"), "batch")
    (request,), = run(session, "SELECT request FROM healthlake_event WHERE event = 'replied'")
    tap.same(request["entries"], ["PUT Patient/a", f"POST Patient/{rows[1][3]}", "GET Patient"],
             "the audit trail tells of each entry")


def test_refused(cluster):
    """What is refused, here and there."""
    session = connect(cluster)
    for what, given in (("a stale version", entries("a", ifMatch="77")),
                        ("an id that differs", entries("a", url="Patient/z")),
                        ("a wrong type", entries("a", method="PUTT"))):
        error = tap.raises(psycopg2.Error, lambda g=given: run(session, SENDS, g, "transaction"),
                           f"{what} is refused")
        tap.ok(MARK not in str(error) and "Bundle.entry[0]" in str(error),
               "by the number of the entry and nothing of it", error)


def test_named(cluster):
    """A reply with an id that is none."""
    session = connect(cluster)
    run(session, "SET healthlake.audit = 'on'")
    session.autocommit = False
    named = {"resourceType": "Bundle", "id": f"{MARK} <&>", "type": "batch-response",
             "entry": [{"response": {"status": "200"}}]}
    emulator.next({"operation": "fhir:bundle", "status": 200, "body": named},
                  {"operation": "fhir:operation", "status": 200, "body": {
                      "resourceType": "Parameters", "id": f"{MARK}, born 1980-02-29"}})
    run(session, SENDS, '[{"method": "DELETE", "url": "Patient/a"}]', "batch")
    run(session, "SELECT healthlake_fhir_operation('Patient/$member-match', '{}')")
    tap.same(run(session, "SELECT operation FROM healthlake_event AS e WHERE e::text ~ %s", MARK),
             [], "nothing that is no id is in the history")
    session.rollback()
    tap.same([one for one in session.notices if MARK in one], [], "nor in what a rollback says")


def test_cancel(cluster):
    """A cancel while AWS is silent."""
    session, watch, raised = connect(cluster), connect(cluster), []
    emulator.next(operation="fhir:bundle", silence=True)
    seen = emulator.state()["requests"]
    # PostgreSQL logs the statement of a cancel, with what stands in it
    run(session, "CREATE TEMPORARY TABLE given AS SELECT %s::jsonb AS e", entries("a"))

    def work():
        try:
            run(session, SENDS.replace("%s, %s", "(SELECT e FROM given), 'batch'"))
        except psycopg2.Error as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    emulator.log(seen, "fhir:bundle", count=1, wait=20)
    run(watch, "SELECT pg_cancel_backend(%s)", session.info.backend_pid)
    thread.join(10)
    tap.same([one.pgcode for one in raised], ["57014"], "a cancel ends the call")
    tap.ok("outcome is unknown" in str(raised[0]), "and says that the outcome is unknown")


def main():
    """All checks."""
    with tempfile.TemporaryDirectory() as folder, \
            Cluster(Path(folder) / "one", settings={"log_min_messages": "debug5"}) as cluster:
        run(cluster.connect(), "CREATE EXTENSION healthlake")
        test_rollback(cluster)
        test_refused(cluster)
        test_named(cluster)
        test_cancel(cluster)
        tap.ok(MARK not in cluster.log(), "nothing of a resource is in the log, even at DEBUG5")
    tap.end()


main()
