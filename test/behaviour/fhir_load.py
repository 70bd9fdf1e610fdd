#!/usr/bin/python3
"""healthlake_fhir_load: a table arrives whole, whatever interrupts the loading of it.

HEALTHLAKE_TEST_LONG=1 loads 1,000,000 resources with 20 kills.
"""

import json
import os
import random
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
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

LONG = os.environ.get("HEALTHLAKE_TEST_LONG") == "1"
ROWS = 1000000 if LONG else 20000
KILLS = 20 if LONG else 4
STORE = "0123456789abcdef0123456789abcdef"
REPORT = ("SELECT type, id, status, code FROM healthlake_fhir_load_error"
          " WHERE source = %s::regclass ORDER BY 1, 2, 3, 4")

tap = Tap()
emulator = client.emulator()


def run(session, statement, *values):
    """The rows of a statement."""
    with session.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def connect(cluster, **settings):
    """A session whose calls go to the emulator."""
    session = cluster.connect()
    for name, value in {"endpoint_url": emulator.http, "region": "us-east-1",
                        "access_key_id": emulator.access_key_id,
                        "secret_access_key": emulator.secret_access_key,
                        "datastore_id": STORE, "max_concurrency": "8", **settings}.items():
        run(session, "SELECT set_config(%s, %s, false)", f"healthlake.{name}", value)
    run(session, "SET client_min_messages = warning")
    return session


def begin_again():
    """An empty data store."""
    emulator.reset()
    emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})


def stored():
    """What the data store holds, less what it adds itself."""
    found = emulator.resources(STORE)
    for one in found.values():
        one["resource"].pop("meta", None)
    return found


def wanted(session, table):
    """What is to be stored: of rows with the same id the last one."""
    rows = run(session, f"SELECT resource FROM {table} WHERE resource ->> 'id' IS NOT NULL"
                        " AND resource ->> 'resourceType' <> 'AuditEvent' ORDER BY ctid")
    return {f"{row['resourceType']}/{row['id']}": row for (row,) in rows}


def compare(session, table, what):
    """The data store against the table."""
    have = {place: one["resource"] for place, one in stored().items()}
    want = wanted(session, table)
    odd = [place for place in have.keys() | want.keys() if have.get(place) != want.get(place)]
    tap.ok(not odd, what, f"{len(odd)} of {len(want)} differ, such as {sorted(odd)[:5]}")


def make_table(session, name, rows):
    """A table without a key: some rows without id, some of a type that AWS refuses to change."""
    run(session, f"CREATE TABLE {name} (resource jsonb)")
    run(session, f"""INSERT INTO {name} SELECT CASE
            WHEN i %% 997 = 0 THEN jsonb_build_object('resourceType', 'Patient', 'n', i)
            WHEN i %% 499 = 0 THEN jsonb_build_object('resourceType', 'AuditEvent', 'id', 'a' || i)
            ELSE jsonb_build_object('resourceType', 'Patient', 'id', 'p' || i, 'n', i) END
        FROM generate_series(1, %s) AS i""", rows)


def refused(rows):
    """The report of such a table."""
    ids = [(None if i % 997 == 0 else i) for i in range(1, rows + 1)
           if i % 997 == 0 or i % 499 == 0]
    return sorted([("Patient", None, None, "required") if i is None else
                   ("AuditEvent", f"a{i}", 405, "not-supported") for i in ids], key=str)


def call(session, table, *more):
    """One CALL, to its end or its error."""
    run(session, f"CALL healthlake_fhir_load('{table}'{''.join(', ' + one for one in more)})")


def last_request():
    """The number of the last request that arrived."""
    return emulator.state()["requests"]


def call_and_kill(cluster, table, bundles, postmaster):
    """A CALL whose backend, or the postmaster, is killed after so many bundles; True: it was."""
    session, before = connect(cluster), last_request()
    pid = session.info.backend_pid
    ended = []

    def work():
        try:
            call(session, table)
            ended.append("finished")
        except psycopg2.Error:
            ended.append("killed")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while not ended and last_request() < before + bundles:
        time.sleep(0.01)
    if not ended and postmaster:
        cluster.kill()
        cluster.start()
    elif not ended:
        cluster.kill_process(pid)
    thread.join()
    for _ in range(600):  # all sessions end with a backend that is killed
        try:
            run(cluster.connect(), "SELECT 1")
            break
        except psycopg2.Error:
            time.sleep(0.05)
    return ended == ["killed"]


def test_kills(cluster):
    """Killed backends and postmasters, and a table that changes in between."""
    begin_again()
    session = connect(cluster)
    make_table(session, "crashed", ROWS)
    chance, killed, begin = random.Random(7), 0, time.monotonic()
    for n in range(KILLS):
        bundles = chance.randint(1, ROWS // 100 // KILLS // 2)
        killed += call_and_kill(cluster, "crashed", bundles, n % 4 == 3)
        session = connect(cluster)
        # a row that was sent, and one that was not; the first moves to the table's end
        run(session, "UPDATE crashed SET resource = resource || jsonb_build_object('changed', %s)"
                     " WHERE resource ->> 'id' IN (%s, %s)", n, f"p{n + 1}", f"p{ROWS - n - 1}")
    tap.same(killed, KILLS, "each kill was in the middle of a load")
    before, last = last_request(), time.monotonic()
    call(session, "crashed")
    now = time.monotonic()
    tap.say(f"figure: {ROWS} rows, {killed} kills, {now - begin:.0f} s; the last call took"
            f" {now - last:.0f} s for {last_request() - before} bundles")
    compare(session, "crashed", f"{ROWS} rows are stored as in the table after {KILLS} kills")
    tap.same(sorted(run(session, REPORT, "crashed"), key=str), refused(ROWS),
             "the refused ones are the report")
    seen = last_request()
    call(session, "crashed")
    tap.same(last_request(), seen, "another call has nothing to send")


def patient(id, **more):
    """A resource."""
    return json.dumps({"resourceType": "Patient", **({"id": id} if id else {}), **more})


def fill(session, table, *resources):
    """A new table of these."""
    run(session, f"DROP TABLE IF EXISTS {table}")
    run(session, f"CREATE TABLE {table} (resource jsonb)")
    with session.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES (%s)", [(one,) for one in resources])


def bundles(since=0):
    """The entries of each bundle that arrived, as (id, n)."""
    return [[(one["resource"]["id"], one["resource"].get("n"))
             for one in json.loads(entry["body"])["entry"]]
            for entry in emulator.log(since, "fhir:bundle")]


def test_order(cluster):
    """Rows of the same id, and rows that come or change after a load."""
    begin_again()
    session = connect(cluster, audit="durable")
    fill(session, "twice", *(patient(f"p{n % 7}", n=n) for n in range(40)))
    emulator.next(operation="fhir:bundle", delay=0.05, times="always")
    call(session, "twice", "batch_size => 3")
    compare(session, "twice", "of rows with the same id the last one is stored")
    tap.ok(all(len({id for id, _ in bundle}) == len(bundle) <= 3 for bundle in bundles()),
           "no bundle has an id twice, or more entries than asked for")
    for id in range(7):
        sent = [n for bundle in bundles() for one, n in bundle if one == f"p{id}"]
        tap.ok(sent == sorted(sent) and len(sent) == len(set(sent)), f"p{id} is sent in order")
    tap.same(run(session, "SELECT event, outcome, request -> 'entries' ->> 0 LIKE 'PUT Patient%%',"
                          " count(*) = %s FROM healthlake_event GROUP BY 1, 2, 3 ORDER BY 1 DESC",
                 len(bundles())),
             [("sent", None, True, True), ("replied", "succeeded", True, True)],
             "the audit trail has each bundle and what it put")
    seen = last_request()
    run(session, "INSERT INTO twice VALUES (%s), (%s)", patient("new", n=1), patient(None))
    run(session, "UPDATE twice SET resource = resource || '{\"n\": 100}'"
                 " WHERE resource ->> 'n' = '37'")
    call(session, "twice")
    tap.same(sorted({id for bundle in bundles(seen) for id, _ in bundle}), ["new", "p2"],
             "another call sends what is new or changed")
    compare(session, "twice", "with the rows of the same id in order")
    run(session, "DELETE FROM twice WHERE resource ->> 'n' = '100'")
    run(session, "VACUUM FULL twice")
    seen = last_request()
    call(session, "twice")
    tap.same(bundles(seen), [], "a table that is rewritten has nothing new")
    call(session, "twice", "restart => true")
    compare(session, "twice", "a restart sends all of it")
    tap.same(run(session, REPORT, "twice"), [("Patient", None, None, "required")],
             "the report has the row without an id once")
    run(session, "UPDATE twice SET resource = resource || '{\"id\": \"named\"}'"
                 " WHERE resource ->> 'id' IS NULL")
    call(session, "twice")
    tap.same(run(session, REPORT, "twice"), [], "and no more when it has one")
    tap.same(run(session, "SELECT finished_at IS NOT NULL, sent > 0 FROM"
                          " healthlake_fhir_load_progress WHERE source = 'twice'::regclass"),
             [(True, True)], "the progress says that it is finished")


def test_refusals(cluster):
    """What AWS does not take now, takes in part, or takes not at all."""
    begin_again()
    session = connect(cluster, max_attempts="4")
    fill(session, "odd", *(patient(f"p{n}") for n in range(30)), "1", "{}", patient(".."),
         '{"resourceType": "Ward", "id": "w"}', '{"resourceType": "AuditEvent", "id": "a"}',
         patient("cut", meta={"tag": [{"code": "SUBSETTED"}]}))
    run(session, "INSERT INTO odd VALUES (NULL), (jsonb_build_object('resourceType', 'Patient',"
                 " 'id', 'large', 'text', repeat('x', 5300000)))")
    # a few kilobytes of jsonb, and more digits than a text can have
    run(session, "WITH RECURSIVE doubled(n, digits) AS (SELECT 0, to_jsonb(array_fill("
                 "'1e131000'::numeric, ARRAY[50])) UNION ALL SELECT n + 1, digits || digits"
                 " FROM doubled WHERE n < 8) INSERT INTO odd SELECT jsonb_build_object("
                 "'resourceType', 'Patient', 'id', 'digits', 'x', digits) FROM doubled"
                 " WHERE n = 8")
    emulator.state(fhir_busy_entries=25)
    emulator.next(operation="fhir:bundle", status=413, body="")
    call(session, "odd", "batch_size => 10")
    have = stored()
    tap.same(sorted(have), sorted(f"Patient/p{n}" for n in range(30)),
             "what was too much at first is stored")
    tap.ok(all(one["version"] == 1 for one in have.values()), "once")
    tap.same(sorted(run(session, REPORT, "odd"), key=str),
             sorted([(None, None, None, "structure"), (None, None, None, "required"),
                     (None, None, None, "required"), (None, None, None, "value"),
                     ("Patient", None, None, "value"), ("AuditEvent", "a", 405, "not-supported"),
                     ("Patient", "cut", None, "business-rule"),
                     ("Patient", "digits", None, "too-long"),
                     ("Patient", "large", None, "too-long")], key=str), "the rest is the report")
    begin_again()
    emulator.state(fhir_busy_entries=1000000)
    error = tap.raises(psycopg2.Error, lambda: call(session, "odd", "restart => true"),
                       "what AWS never takes ends the load")
    tap.same(error.pgcode, "38T01", "as throttled")
    emulator.state(fhir_busy_entries=0)
    call(session, "odd")
    tap.same(len(stored()), 30, "another call goes on")
    emulator.next(operation="fhir:bundle", error="AccessDeniedException", message="no", status=403)
    error = tap.raises(psycopg2.Error, lambda: call(session, "odd", "restart => true"),
                       "who may not write gets an error")
    tap.same(error.pgcode, "42501", "and no report")
    emulator.next(operation="fhir:bundle", apply=True, reset=True, times=2)
    call(session, "odd")
    tap.same(len(stored()), 30, "a lost reply is no trouble")


def test_reasons(cluster):
    """Of why AWS refuses a resource the report has what quotes nothing."""
    begin_again()
    session = connect(cluster)
    fill(session, "reasons", *(patient(f"p{n}") for n in range(4)))
    emulator.next(operation="fhir:bundle", status=200, body={
        "resourceType": "Bundle", "type": "batch-response", "entry": [
            {"response": {"status": "422", "outcome": {
                "resourceType": "OperationOutcome",
                "issue": [{"severity": "error", "code": code, "expression": [expression]}]}}}
            for code, expression in (("value", "Patient.name[0].ofType(x).$this:a-b_c"),
                                     ("value", "Patient.name.where(family='Smith')"),
                                     ("Mr. Smith", "Patient.name\nSmith"),
                                     ("value", "Patient.name" + ".given" * 50))]})
    call(session, "reasons")
    tap.same(run(session, "SELECT id, status, code, expression FROM healthlake_fhir_load_error"
                          " WHERE source = 'reasons'::regclass ORDER BY id"),
             [("p0", 422, "value", "Patient.name[0].ofType(x).$this:a-b_c"),
              ("p1", 422, "value", None), ("p2", 422, "unknown", None), ("p3", 422, "value", None)],
             "words and paths, and no values")
    begin_again()
    refusal = {"resourceType": "OperationOutcome", "issue": [{"severity": "error",
                                                              "code": "invalid"}]}
    emulator.next({"operation": "fhir:bundle", "apply": True, "reset": True},
                  {"operation": "fhir:bundle", "status": 400, "body": refusal})
    call(session, "reasons", "restart => true")
    tap.same(sorted(stored()), [f"Patient/p{n}" for n in range(4)],
             "a refusal after a lost reply has the halves sent")


def answered(*entries):
    """A step that answers a bundle with these entries."""
    return {"operation": "fhir:bundle", "status": 200, "body": {
        "resourceType": "Bundle", "type": "batch-response", "entry": entries}}


def test_answers(cluster):
    """What is not stored is not counted as stored."""
    begin_again()
    session = connect(cluster, audit="durable")
    fill(session, "answers", *(patient(f"p{n}") for n in range(3)))
    emulator.next(answered({"response": {"status": "302", "location": "Patient/p0"}},
                           {"response": {"status": "101"}},
                           {"response": {"status": "200"}, "resource": json.loads(patient("p2"))}))
    call(session, "answers")
    tap.same(run(session, REPORT, "answers"),
             [("Patient", "p0", 302, None), ("Patient", "p1", 101, None)],
             "a status other than 2xx is no success")
    tap.same(run(session, "SELECT sent FROM healthlake_fhir_load_progress"
                          " WHERE source = 'answers'::regclass"), [(1,)], "and not counted as one")
    for what, entry in (("another resource", {"resource": json.loads(patient("else"))}),
                        ("the place of another", {"location": "Patient/else/_history/1"})):
        one = {"response": {"status": "200"}}
        other = {"response": {"status": "200", **{name: value for name, value in entry.items()
                                                  if name == "location"}},
                 **{name: value for name, value in entry.items() if name == "resource"}}
        emulator.next(answered(one, one, other))
        error = tap.raises(psycopg2.Error, lambda: call(session, "answers", "restart => true"),
                           f"{what} ends the load")
        tap.same(error.pgcode, "38M01", "with an unknown outcome")
        call(session, "answers")
        compare(session, "answers", "and the next call stores all")
    tap.same(run(session, "SELECT count(*) FROM healthlake_event AS e WHERE e::text ~ 'else'"),
             [(0,)], "the history has what was put, and nothing else")


def test_tables(cluster):
    """Tables that are no plain ones, rights, and places where a load cannot be."""
    begin_again()
    session = connect(cluster)
    run(session, "CREATE TABLE parts (resource jsonb, n int) PARTITION BY LIST (n)")
    for n in range(3):
        run(session, f"CREATE TABLE parts_{n} PARTITION OF parts FOR VALUES IN ({n})")
    run(session, "INSERT INTO parts SELECT jsonb_build_object('resourceType', 'Patient', 'id',"
                 " 'p' || i, 'n', i), i % 3 FROM generate_series(1, 3000) i")
    call(session, "parts")
    tap.same(len(stored()), 3000, "a partitioned table is loaded")
    run(session, "CREATE MATERIALIZED VIEW seen AS SELECT resource AS r FROM parts WHERE n = 1")
    begin_again()
    call(session, "seen", "'r'")
    tap.same(len(stored()), 1000, "a materialized view, too, with its column")
    run(session, "CREATE VIEW shown AS SELECT * FROM parts")
    for what, code, *more in (("shown", "42809"), ("parts", "42703", "'none'"),
                              ("parts", "42804", "'n'"), ("parts", "22023", "batch_size => 0"),
                              ("parts", "22023", "batch_size => 501"),
                              ("parts", "22004", "resource_column => NULL")):
        error = tap.raises(psycopg2.Error, lambda w=what, m=more: call(session, w, *m),
                           f"{what} {more} is refused")
        tap.same(error.pgcode, code, f"as {code}")
    error = tap.raises(psycopg2.Error, lambda: run(
        session, "DO $$ BEGIN CALL healthlake_fhir_load('parts'); EXCEPTION WHEN division_by_zero"
                 " THEN NULL; END $$"), "in a subtransaction it is refused")
    tap.same(error.pgcode, "2D000", "before anything is sent")
    test_rights(session)


def test_rights(session):
    """The right to write, that to read the table, and its row security."""
    run(session, "CREATE ROLE loader")
    run(session, "CREATE TABLE ward (resource jsonb, mine boolean)")
    run(session, "INSERT INTO ward SELECT jsonb_build_object('resourceType', 'Patient', 'id',"
                 " 'p' || i), i <= 5 FROM generate_series(1, 10) i")
    run(session, "ALTER TABLE ward ENABLE ROW LEVEL SECURITY")
    run(session, "CREATE POLICY mine ON ward USING (mine)")
    begin_again()
    run(session, "SET ROLE loader")
    for done in (None, "SELECT healthlake_grant('loader', 'fhir_write')"):
        if done:
            run(session, "RESET ROLE")
            run(session, done)
            run(session, "SET ROLE loader")
        error = tap.raises(psycopg2.Error, lambda: call(session, "ward"), "without a right")
        tap.same(error.pgcode, "42501", "it is refused")
    run(session, "RESET ROLE")
    run(session, "GRANT SELECT ON ward TO loader")
    run(session, "SET ROLE loader")
    call(session, "ward")
    tap.same(len(stored()), 5, "the caller's rows are loaded, and no others")
    tap.same(run(session, "SELECT count(*) FROM healthlake_fhir_load_progress"), [(1,)],
             "a role sees its own loads alone")
    run(session, "RESET ROLE")


def test_interrupts(cluster):
    """A cancel, and two sessions with the same table."""
    begin_again()
    session, watch = connect(cluster), connect(cluster)
    fill(session, "slow", *(patient(f"p{n}", secret="PHI-MARK") for n in range(50)))
    emulator.next(operation="fhir:bundle", silence=True, times="always")
    raised = []

    def work():
        try:
            call(session, "slow", "batch_size => 10")
        except psycopg2.Error as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    emulator.log(0, "fhir:bundle", count=5, wait=20)
    tap.same(run(watch, "SELECT backend_xid, backend_xmin FROM pg_stat_activity WHERE pid = %s",
                 session.info.backend_pid), [(None, None)], "it waits without a transaction")
    error = tap.raises(psycopg2.Error, lambda: call(watch, "slow"), "a second load is refused")
    tap.same(error.pgcode, "55006", "while the first is under way")
    run(watch, "SELECT pg_cancel_backend(%s)", session.info.backend_pid)
    begin = time.monotonic()
    thread.join(20)
    tap.ok(time.monotonic() - begin < 5, "a cancel ends it at once")
    tap.same([one.pgcode for one in raised], ["57014"], "as a cancel")
    emulator.ask("POST", "reset", {})
    emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})
    call(session, "slow")
    tap.same(len(stored()), 50, "another call goes on")
    tap.ok("PHI-MARK" not in cluster.log(), "nothing of a resource is in the log")


def main():
    """All checks."""
    with tempfile.TemporaryDirectory() as folder, \
            Cluster(Path(folder) / "one", settings={"max_wal_size": "4GB"}) as cluster:
        run(cluster.connect(), "CREATE EXTENSION healthlake")
        test_order(cluster)
        test_refusals(cluster)
        test_reasons(cluster)
        test_answers(cluster)
        test_tables(cluster)
        test_interrupts(cluster)
        test_kills(cluster)
    tap.end()


main()
