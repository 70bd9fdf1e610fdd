#!/usr/bin/python3
"""healthlake_fhir_bundle: what a rollback, a cancel and the audit trail report."""

import json
import re
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from session import configure, run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

STORE = "0123456789abcdef0123456789abcdef"
MARK = "PHI-7f3a"
SENDS = "SELECT ordinal, status, type, id FROM healthlake_fhir_bundle(%s, %s)"

tap = Tap()
emulator = client.emulator()
emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})


def connect(cluster):
    """A session whose calls go to the emulator."""
    return configure(cluster.connect(), emulator, datastore_id=STORE)


def entries(*ids, **more):
    """PUTs of patients, a creation, and a search; all contain the mark."""
    resource = {"resourceType": "Patient", "name": [{"family": MARK}]}
    made = [{"method": "PUT", "url": f"Patient/{id}", "resource": {**resource, "id": id}, **more}
            for id in ids]
    return json.dumps([*made, {"method": "POST", "url": "Patient", "resource": resource},
                       {"method": "GET", "url": f"Patient?family={MARK}"}])


def test_rollback(cluster):
    """A rollback reports what it does not undo."""
    session = connect(cluster)
    session.autocommit = False
    rows = run(session, SENDS, entries("a", "b"), "transaction")
    tap.same([(row[1], row[2]) for row in rows],
             [(201, "Patient")] * 3 + [(200, "Patient")], "a transaction is carried out")
    made = f"Patient/a, Patient/b, Patient/{rows[2][3]}"
    session.rollback()
    tap.ok(any("AWS has carried out ProcessBundle of transaction of 1 GET, 1 POST, 2 PUT: "
               f"{made} although" in one for one in session.notices),
           "a rollback reports what it has changed", session.notices)
    line = [one for one in cluster.log().splitlines()
            if "healthlake event=rollback operation=ProcessBundle" in one]
    tap.ok(len(line) == 1 and f'id="{made}"' in line[0], "in the log, too", line)
    del session.notices[:]
    run(session, SENDS, entries(*(f"patient-{number}" for number in range(20))), "transaction")
    session.rollback()
    tap.ok(any("Patient/patient-0, Patient/patient-1, " in one and re.search(
        r"Patient/patient-\d+ and 1\d others although", one) for one in session.notices),
           "of many the first ones", session.notices)
    del session.notices[:]
    run(session, SENDS, json.dumps([{"method": "PUT", "url": "Patient/a", "ifMatch": "99",
                                     "resource": {"resourceType": "Patient", "id": "a"}}]), "batch")
    session.rollback()
    tap.ok(any("AWS has carried out ProcessBundle of batch of 1 PUT although" in one
               for one in session.notices), "the id of the reply is not told", session.notices)
    session.autocommit = True
    run(session, "SET healthlake.audit = 'on'")
    rows = run(session, SENDS, entries("a"), "batch")
    (request,), = run(session, "SELECT request FROM healthlake_event WHERE event = 'replied'")
    tap.same(request["entries"], ["PUT Patient/a", f"POST Patient/{rows[1][3]}", "GET Patient"],
             "the audit trail has each entry")


def test_refused(cluster):
    """Bundles that the extension or AWS refuses."""
    session = connect(cluster)
    for what, given in (("a stale version", entries("a", ifMatch="77")),
                        ("an id that differs", entries("a", url="Patient/z")),
                        ("a wrong type", entries("a", method="PUTT"))):
        error = tap.raises(psycopg2.Error, lambda g=given: run(session, SENDS, g, "transaction"),
                           f"{what} is refused")
        tap.ok(MARK not in str(error) and "Bundle.entry[0]" in str(error),
               "the error has the number of the entry and quotes nothing", error)


def test_named(cluster):
    """A reply with an invalid id."""
    session = connect(cluster)
    run(session, "SET healthlake.audit = 'on'")
    session.autocommit = False
    named = {"resourceType": "Bundle", "id": f"{MARK} <&>", "type": "batch-response",
             "entry": [{"response": {"status": "200"}}]}
    emulator.next({"operation": "fhir:bundle", "status": 200, "body": named},
                  {"operation": "fhir:operation", "status": 200, "body": {
                      "resourceType": "Patient", "id": f"{MARK}, born 1980-02-29"}})
    run(session, SENDS, '[{"method": "DELETE", "url": "Patient/a"}]', "batch")
    run(session, "SELECT healthlake_fhir_operation('Patient/$member-match', '{}')")
    tap.same(run(session, "SELECT operation FROM healthlake_event AS e WHERE e::text ~ %s", MARK),
             [], "only valid ids are in the history")
    session.rollback()
    tap.same([one for one in session.notices if MARK in one], [], "nor in what a rollback says")


def test_issues(cluster):
    """Resources that are stored with validation issues."""
    session = connect(cluster)
    header = {"headers": {"x-amzn-healthlake-validation-issues": "true"}, "apply": True}
    for call, name in (("update", "Patient/issues"), ("create", "Patient"), ("bundle", "batch of")):
        given = {"resourceType": "Patient", "id": "issues", "name": [{"family": MARK}]}
        if call == "bundle":
            given = [{"method": "PUT", "url": "Patient/issues", "resource": given}]
        emulator.next({"operation": f"fhir:{call}", **header})
        del session.notices[:]
        with session.cursor() as cursor:
            more = ", 'batch'" if call == "bundle" else ""
            cursor.execute(f"SELECT * FROM healthlake_fhir_{call}(%s{more})", [json.dumps(given)])
        tap.ok(any(one.startswith(f"WARNING:  HealthLake has stored {name}") and
                   "with validation issues" in one and MARK not in one
                   for one in session.notices), f"a WARNING after {call}", session.notices)


def test_cancel(cluster):
    """A cancel while AWS does not answer."""
    session, watch, raised = connect(cluster), connect(cluster), []
    emulator.next(operation="fhir:bundle", silence=True)
    seen = emulator.state()["requests"]
    # PostgreSQL logs the text of a cancelled statement
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
    tap.ok("outcome is unknown" in str(raised[0]), "its error says that the outcome is unknown")


def main():
    """All checks."""
    with tempfile.TemporaryDirectory() as folder, \
            Cluster(Path(folder) / "one", settings={"log_min_messages": "debug5"}) as cluster:
        run(cluster.connect(), "CREATE EXTENSION healthlake")
        test_rollback(cluster)
        test_refused(cluster)
        test_named(cluster)
        test_issues(cluster)
        test_cancel(cluster)
        tap.ok(MARK not in cluster.log(), "the log at DEBUG5 contains no part of a resource")
    tap.end()


main()
