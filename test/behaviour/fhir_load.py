#!/usr/bin/python3
"""healthlake_fhir_load: a table is loaded completely, whatever interrupts the load.

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
from session import configure, run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

LONG = os.environ.get("HEALTHLAKE_TEST_LONG") == "1"
ROWS = 1000000 if LONG else 20000
KILLS = 20 if LONG else 4
STORE = "0123456789abcdef0123456789abcdef"
REPORT = ("SELECT type, id, status, code FROM healthlake_fhir_load_error"
          " WHERE source = %s::regclass ORDER BY 1, 2, 3, 4")

tap = Tap()
emulator = client.emulator()


def connect(cluster, **settings):
    """A session whose calls go to the emulator."""
    session = configure(cluster.connect(), emulator,
                        **{"datastore_id": STORE, "max_concurrency": "8", **settings})
    run(session, "SET client_min_messages = warning")
    return session


def begin_again():
    """Creates an empty data store."""
    emulator.reset()
    emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})


def stored():
    """The resources of the data store, without the meta that it adds."""
    found = emulator.resources(STORE)
    for one in found.values():
        one["resource"].pop("meta", None)
    return found


def wanted(session, table):
    """The resources to be stored: of rows with the same id the last one."""
    rows = run(session, f"SELECT resource FROM {table} WHERE resource ->> 'id' IS NOT NULL"
                        " AND resource ->> 'resourceType' <> 'AuditEvent' ORDER BY ctid")
    return {f"{row['resourceType']}/{row['id']}": row for (row,) in rows}


def compare(session, table, what):
    """Compares the data store with the table."""
    have = {place: one["resource"] for place, one in stored().items()}
    want = wanted(session, table)
    odd = [place for place in have.keys() | want.keys() if have.get(place) != want.get(place)]
    tap.ok(not odd, what, f"{len(odd)} of {len(want)} differ, such as {sorted(odd)[:5]}")


def make_table(session, name, rows):
    """A table without a primary key: some rows without an id, some of a type that AWS refuses."""
    run(session, f"CREATE TABLE {name} (resource jsonb)")
    run(session, f"""INSERT INTO {name} SELECT CASE
            WHEN i %% 997 = 0 THEN jsonb_build_object('resourceType', 'Patient', 'n', i)
            WHEN i %% 499 = 0 THEN jsonb_build_object('resourceType', 'AuditEvent', 'id', 'a' || i)
            ELSE jsonb_build_object('resourceType', 'Patient', 'id', 'p' || i, 'n', i) END
        FROM generate_series(1, %s) AS i""", rows)


def refused(rows):
    """The expected errors of such a table."""
    ids = [(None if i % 997 == 0 else i) for i in range(1, rows + 1)
           if i % 997 == 0 or i % 499 == 0]
    return sorted([("Patient", None, None, "required") if i is None else
                   ("AuditEvent", f"a{i}", 405, "not-supported") for i in ids], key=str)


def call(session, table, *more):
    """Runs one CALL."""
    run(session, f"CALL healthlake_fhir_load('{table}'{''.join(', ' + one for one in more)})")


def last_request():
    """The number of the last request that arrived."""
    return emulator.state()["requests"]


def call_and_kill(cluster, table, bundles, postmaster):
    """
    Runs a CALL and kills its backend or the postmaster after some bundles; returns whether it was
    killed.
    """
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
    for _ in range(600):  # all sessions end when a backend is killed
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
        # a row that was sent, and one that was not; an update moves the first to the table's end
        run(session, "UPDATE crashed SET resource = resource || jsonb_build_object('changed', %s)"
                     " WHERE resource ->> 'id' IN (%s, %s)", n, f"p{n + 1}", f"p{ROWS - n - 1}")
    tap.same(killed, KILLS, "each kill was during a load")
    before, last = last_request(), time.monotonic()
    call(session, "crashed")
    now = time.monotonic()
    tap.say(f"figure: {ROWS} rows, {killed} kills, {now - begin:.0f} s; the last call took"
            f" {now - last:.0f} s for {last_request() - before} bundles")
    compare(session, "crashed", f"{ROWS} rows are stored as in the table after {KILLS} kills")
    tap.same(sorted(run(session, REPORT, "crashed"), key=str), refused(ROWS),
             "the refused rows are reported")
    seen = last_request()
    call(session, "crashed")
    tap.same(last_request(), seen, "another call has nothing to send")


def patient(id, **more):
    """A resource."""
    return json.dumps({"resourceType": "Patient", **({"id": id} if id else {}), **more})


def fill(session, table, *resources):
    """Creates a table of these resources."""
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
    """Rows with the same id, and rows that are added or changed after a load."""
    begin_again()
    session = connect(cluster, audit="durable")
    fill(session, "twice", *(patient(f"p{n % 7}", n=n) for n in range(40)))
    emulator.next(operation="fhir:bundle", delay=0.05, times="always")
    call(session, "twice", "batch_size => 3")
    compare(session, "twice", "of rows with the same id the last one is stored")
    tap.ok(all(len({id for id, _ in bundle}) == len(bundle) <= 3 for bundle in bundles()),
           "no bundle has an id twice, or more than batch_size entries")
    for id in range(7):
        sent = [n for bundle in bundles() for one, n in bundle if one == f"p{id}"]
        tap.ok(sent == sorted(sent) and len(sent) == len(set(sent)), f"p{id} is sent in order")
    tap.same(run(session, "SELECT event, outcome, request -> 'entries' ->> 0 LIKE 'PUT Patient%%',"
                          " count(*) = %s FROM healthlake_event GROUP BY 1, 2, 3 ORDER BY 1 DESC",
                 len(bundles())),
             [("sent", None, True, True), ("replied", "succeeded", True, True)],
             "the audit trail has each bundle with its resources")
    seen = last_request()
    run(session, "INSERT INTO twice VALUES (%s), (%s)", patient("new", n=1), patient(None))
    run(session, "UPDATE twice SET resource = resource || '{\"n\": 100}'"
                 " WHERE resource ->> 'n' = '37'")
    call(session, "twice")
    tap.same(sorted({id for bundle in bundles(seen) for id, _ in bundle}), ["new", "p2"],
             "another call sends the new and changed rows")
    compare(session, "twice", "with the rows of the same id in order")
    run(session, "DELETE FROM twice WHERE resource ->> 'n' = '100'")
    run(session, "VACUUM FULL twice")
    seen = last_request()
    call(session, "twice")
    tap.same(bundles(seen), [], "a rewritten table has nothing new")
    call(session, "twice", "restart => true")
    compare(session, "twice", "a restart sends all of it")
    tap.same(run(session, REPORT, "twice"), [("Patient", None, None, "required")],
             "the report has the row without an id once")
    run(session, "UPDATE twice SET resource = resource || '{\"id\": \"named\"}'"
                 " WHERE resource ->> 'id' IS NULL")
    call(session, "twice")
    tap.same(run(session, REPORT, "twice"), [], "and not any more when it has one")
    tap.same(run(session, "SELECT finished_at IS NOT NULL, sent > 0 FROM"
                          " healthlake_fhir_load_progress WHERE source = 'twice'::regclass"),
             [(True, True)], "the progress says that it is finished")


def test_published(cluster):
    """A publication of all tables prevents neither loads nor requests."""
    begin_again()
    session = connect(cluster)
    fill(session, "published", patient("p1"), patient(None),
         '{"resourceType": "AuditEvent", "id": "a"}')
    run(session, "ALTER TABLE published REPLICA IDENTITY FULL")
    run(session, "CREATE PUBLICATION everything FOR ALL TABLES")
    call(session, "published")
    run(session, "UPDATE published SET resource = resource || '{\"id\": \"named\"}'"
                 " WHERE resource ->> 'id' IS NULL")
    call(session, "published")
    compare(session, "published", "a published table is loaded")
    tap.same(run(session, REPORT, "published"), [("AuditEvent", "a", 405, "not-supported")],
             "the report loses what is stored later")
    call(session, "published", "restart => true")
    tap.same(run(session, REPORT, "published"), [("AuditEvent", "a", 405, "not-supported")],
             "and by a restart what it had")
    other = cluster.connect()
    run(other, "SET healthlake.region = 'us-east-1'")
    run(other, "SELECT healthlake_cancel_request(healthlake_enqueue_create_datastore('x'))")
    tap.same(run(other, "SELECT healthlake_purge_requests('0 days')"), [(1,)],
             "requests are cancelled and purged")
    run(session, "DROP PUBLICATION everything")


def test_refusals(cluster):
    """Resources that AWS does not accept now, in part, or at all."""
    begin_again()
    session = connect(cluster, max_attempts="4")
    fill(session, "odd", *(patient(f"p{n}") for n in range(30)), "1", "{}", patient(".."),
         '{"resourceType": "Ward", "id": "w"}', '{"resourceType": "AuditEvent", "id": "a"}',
         patient("cut", meta={"tag": [{"code": "SUBSETTED"}]}))
    run(session, "INSERT INTO odd VALUES (NULL), (jsonb_build_object('resourceType', 'Patient',"
                 " 'id', 'large', 'text', repeat('x', 5300000)))")
    # a few kilobytes of jsonb, with more digits than a text can have
    run(session, "WITH RECURSIVE doubled(n, digits) AS (SELECT 0, to_jsonb(array_fill("
                 "'1e131000'::numeric, ARRAY[50])) UNION ALL SELECT n + 1, digits || digits"
                 " FROM doubled WHERE n < 8) INSERT INTO odd SELECT jsonb_build_object("
                 "'resourceType', 'Patient', 'id', 'digits', 'x', digits) FROM doubled"
                 " WHERE n = 8")
    for levels in (128, 129):
        run(session, "INSERT INTO odd VALUES (jsonb_build_object('resourceType', 'Patient',"
                     " 'id', 'deep' || %s, 'x', (repeat('[', %s - 1) || repeat(']', %s - 1))"
                     "::jsonb))", levels, levels, levels)
    emulator.state(fhir_busy_entries=25)
    emulator.next(operation="fhir:bundle", status=413, body="")
    call(session, "odd", "batch_size => 10")
    have = stored()
    tap.same(sorted(have), sorted(["Patient/deep128"] + [f"Patient/p{n}" for n in range(30)]),
             "throttled resources are stored later")
    tap.ok(all(one["version"] == 1 for one in have.values()), "once")
    tap.same(sorted(run(session, REPORT, "odd"), key=str),
             sorted([(None, None, None, "structure"), (None, None, None, "required"),
                     (None, None, None, "required"), (None, None, None, "value"),
                     ("Patient", None, None, "value"), ("AuditEvent", "a", 405, "not-supported"),
                     ("Patient", "cut", None, "business-rule"),
                     ("Patient", "digits", None, "too-long"),
                     ("Patient", "deep129", None, "structure"),
                     ("Patient", "large", None, "too-long")], key=str), "the others are reported")
    begin_again()
    emulator.state(fhir_busy_entries=1000000)
    error = tap.raises(psycopg2.Error, lambda: call(session, "odd", "restart => true"),
                       "permanent throttling ends the load")
    tap.same(error.pgcode, "38T01", "with the SQLSTATE of throttling")
    emulator.state(fhir_busy_entries=0)
    call(session, "odd")
    tap.same(len(stored()), 31, "another call goes on")
    emulator.next(operation="fhir:bundle", error="AccessDeniedException", message="no", status=403)
    error = tap.raises(psycopg2.Error, lambda: call(session, "odd", "restart => true"),
                       "without the permission to write there is an error")
    tap.same(error.pgcode, "42501", "and no reported rows")
    emulator.next(operation="fhir:bundle", apply=True, reset=True, times=2)
    call(session, "odd")
    tap.same(len(stored()), 31, "a lost reply does no harm")


def test_reasons(cluster):
    """The report has only parts of AWS's reasons that quote no values."""
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
             "codes and paths, but no values")
    begin_again()
    refusal = {"resourceType": "OperationOutcome", "issue": [{"severity": "error",
                                                              "code": "invalid"}]}
    emulator.next({"operation": "fhir:bundle", "apply": True, "reset": True},
                  {"operation": "fhir:bundle", "status": 400, "body": refusal})
    call(session, "reasons", "restart => true")
    tap.same(sorted(stored()), [f"Patient/p{n}" for n in range(4)],
             "after a lost reply and a refusal the halves are sent")


def answered(*entries):
    """A step that answers a bundle with these entries."""
    return {"operation": "fhir:bundle", "status": 200, "body": {
        "resourceType": "Bundle", "type": "batch-response", "entry": entries}}


def test_issues(cluster):
    """Resources that are stored with validation issues are reported."""
    begin_again()
    session = connect(cluster)
    fill(session, "issues", *(patient(f"p{n}") for n in range(5)))

    def told(severity, **more):
        return {"resourceType": "OperationOutcome", "issue": [
            {"severity": "information", "code": "informational"},
            {"severity": severity, "diagnostics": "Smith", **more}]}

    def entry(**response):
        return {"response": {"status": "200", **response}}

    header = {"headers": {"x-amzn-healthlake-validation-issues": "true"}}
    # in the response, in the place of the resource, of a failure, with a value, and none
    emulator.next({**answered(
        entry(outcome=told("warning", code="invariant", expression=["Patient.contact"])),
        {**entry(), "resource": told("error", code="code-invalid", expression=["Patient.gender"])},
        {"response": {"status": "422", "outcome": told("error", code="value")}},
        entry(outcome=told("warning", code="Mr. Smith", expression=["Patient.where(id='Smith')"])),
        entry(outcome=told("information", code="informational"))), **header})
    del session.notices[:]
    run(session, "SET client_min_messages = notice")
    call(session, "issues")
    tap.same(run(session, "SELECT id, status, code, expression FROM healthlake_fhir_load_error"
                          " WHERE source = 'issues'::regclass ORDER BY id"),
             [("p0", 200, "invariant", "Patient.contact"),
              ("p1", 200, "code-invalid", "Patient.gender"),
              ("p2", 422, "value", None), ("p3", 200, "unknown", None)],
             "with the first issue that is more than an information")
    tap.same(session.notices,
             ["NOTICE:  healthlake_fhir_load: 4 resources of public.issues stored, 1 rows"
              " refused\nDETAIL:  The refused rows are in healthlake_fhir_load_error.\n",
              "WARNING:  HealthLake has stored resources of public.issues with validation issues\n"
              "DETAIL:  3 of them are in healthlake_fhir_load_error, with a status from 200 to"
              " 299.\n"
              "HINT:  healthlake_fhir_validate() reports all issues of a resource.\n"],
             "and a WARNING has their number")
    run(session, "SET client_min_messages = warning")
    for size, want, said in ((5, [], "299. 1 replies do not name the resources"),
                             (1, [(f"p{n}", 201, None) for n in range(5)], "  5 of them")):
        emulator.next({"operation": "fhir:bundle", "apply": True, "times": "always", **header})
        del session.notices[:]
        call(session, "issues", "restart => true", f"batch_size => {size}")
        emulator.reset()
        begin_again()
        tap.same(run(session, "SELECT id, status, code FROM healthlake_fhir_load_error"
                              " WHERE source = 'issues'::regclass ORDER BY id"), want,
                 f"of a bundle of {size} with the header alone")
        tap.ok(len(session.notices) == 1 and said in session.notices[0] and
               ("replies" in session.notices[0]) == (size > 1),
               "the WARNING says what is known", session.notices)
    call(session, "issues", "restart => true")
    tap.same(run(session, REPORT, "issues"), [], "later ones without issues have none")


def test_answers(cluster):
    """Only stored resources are counted as stored."""
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
                          " WHERE source = 'answers'::regclass"), [(1,)], "it is not counted")
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
             [(0,)], "the history has the resources of the requests only")


def test_tables(cluster):
    """Partitioned tables and views, privileges, and transactions in which a load is refused."""
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
    tap.same(len(stored()), 1000, "a materialized view is loaded, too, by its column")
    run(session, "CREATE VIEW shown AS SELECT * FROM parts")
    for what, code, *more in (("shown", "42809"), ("parts", "42703", "'none'"),
                              ("parts", "42804", "'n'"), ("parts", "22023", "batch_size => 0"),
                              ("parts", "22004", "batch_size => NULL"),
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
    """The right to write, SELECT on the table, and row security."""
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
             "a role sees only its own loads")
    run(session, "RESET ROLE")


def test_interrupts(cluster):
    """A cancel, and two loads of the same table."""
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
    tap.same(error.pgcode, "55006", "while the first is in progress")
    run(watch, "SELECT pg_cancel_backend(%s)", session.info.backend_pid)
    begin = time.monotonic()
    thread.join(20)
    tap.ok(time.monotonic() - begin < 5, "a cancel ends it at once")
    tap.same([one.pgcode for one in raised], ["57014"], "with the SQLSTATE of a cancel")
    emulator.ask("POST", "reset", {})
    emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})
    call(session, "slow")
    tap.same(len(stored()), 50, "another call goes on")
    tap.ok("PHI-MARK" not in cluster.log(), "the log contains no part of a resource")


def test_memory(cluster):
    """A load of many batches takes no more memory at its end than at its beginning."""
    begin_again()
    session = connect(cluster)
    run(session, """CREATE TABLE used (n serial, bytes bigint);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO public.used (bytes) SELECT sum(used_bytes) FROM pg_backend_memory_contexts;
            RETURN NULL; END $$;
        CREATE TRIGGER note AFTER UPDATE ON healthlake_fhir_load_progress
            FOR EACH STATEMENT EXECUTE FUNCTION note();
        CREATE TABLE many AS SELECT jsonb_build_object('resourceType', 'Patient', 'id',
            CASE WHEN i % 2 = 0 THEN 'p' || i END) AS resource FROM generate_series(1, 20000) AS i
        """)
    call(session, "many", "batch_size => 50")
    run(session, "DROP TRIGGER note ON healthlake_fhir_load_progress")
    used = [row[0] for row in run(session, "SELECT bytes FROM used ORDER BY n")]
    quarter = len(used) // 4
    tap.ok(quarter > 50, "there are many batches", len(used))
    # medians, since batches in flight come and go; at the end there are fewer
    first, last = (sorted(used[begin:begin + quarter])[quarter // 2]
                   for begin in (quarter // 2, len(used) - quarter - quarter // 2))
    tap.ok(last - first < 196608, "the last of many batches takes no more memory", last - first)


def main():
    """All checks."""
    with tempfile.TemporaryDirectory() as folder, \
            Cluster(Path(folder) / "one", settings={"max_wal_size": "4GB"}) as cluster:
        run(cluster.connect(), "CREATE EXTENSION healthlake")
        test_order(cluster)
        test_published(cluster)
        test_refusals(cluster)
        test_reasons(cluster)
        test_issues(cluster)
        test_answers(cluster)
        test_tables(cluster)
        test_memory(cluster)
        test_interrupts(cluster)
        test_kills(cluster)
    tap.end()


main()
