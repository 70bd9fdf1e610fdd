#!/usr/bin/python3
"""What fails while a change is recorded never hides the change: 38M01 with its token and its id,
also if a trigger on the audit trail makes calls, and if other calls follow.
"""

import re
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from session import configure, run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "SELECT id FROM healthlake_create_datastore(%s, client_token => %s)"
TRIGGER = """CREATE OR REPLACE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.event = '{event}' AND NEW.request::text LIKE '%"{name}"%' THEN
        {work}
        RAISE EXCEPTION 'the trigger fails' USING ERRCODE = '40001';
    END IF;
    RETURN NEW;
    END $$"""
READS = "PERFORM count(*) FROM healthlake_list_datastores();"
CREATES = "PERFORM id FROM healthlake_create_datastore('inner', client_token => 'of-the-trigger');"
BULK = 300

tap = Tap()
emulator = client.emulator()


def fails(session, statement, *values):
    """The SQLSTATE of a statement, and all that its error says."""
    try:
        run(session, statement, *values)
    except psycopg2.Error as caught:
        return caught.pgcode, f"{caught} {caught.diag.message_detail} {caught.diag.context}"
    return "00000", ""


def test_nested(session):
    """A trigger that makes calls, and fails, while a change is recorded."""
    run(session, "SET healthlake.audit = 'on'")
    run(session, TRIGGER.format(event="none", name="none", work=""))
    run(session, """CREATE TRIGGER fails BEFORE INSERT ON healthlake_event
        FOR EACH ROW EXECUTE FUNCTION fails()""")
    for what, work in (("nothing", ""), ("a read", READS), ("a change", CREATES),
                       ("several calls", CREATES + READS)):
        token = f"outer-{what.replace(' ', '-')}"
        run(session, TRIGGER.format(event="replied", name="outer", work=work))
        code, told = fails(session, CREATE, "outer", token)
        tap.ok(code == "38M01", f"a trigger that calls {what} does not hide the change", told)
        ids = [one["DatastoreId"] for one in emulator.stores() if one["DatastoreName"] == "outer"]
        tap.ok(f"client token {token}, id {ids[-1]}" in told and "could not be recorded" in told,
               f"and the error has token and id of that change, not of {what}", told)
    run(session, TRIGGER.format(event="none", name="none", work=""))
    tap.same(fails(session, CREATE, "after", "after")[0], "00000", "the next call succeeds")


def test_many(session):
    """A call that cannot begin, after others of healthlake_call_many have succeeded."""
    run(session, "SET healthlake.audit = durable")
    run(session, TRIGGER.format(event="sent", name="bulk 290", work=""))
    (store,), = run(session, "SELECT arn FROM healthlake_create_datastore('tagged')")
    before = len(emulator.log(operation="TagResource"))
    code, told = fails(session, """SELECT count(*) FROM healthlake_call_many('TagResource',
        ARRAY(SELECT jsonb_build_object('ResourceARN', %s, 'Tags', jsonb_build_array(
              jsonb_build_object('Key', 'number', 'Value', 'bulk ' || i)))
              FROM generate_series(1, %s) AS i))""", store, BULK)
    # a call begins as soon as one of the first 256 has ended
    tap.ok(len(emulator.log(operation="TagResource")) - before > BULK - 290,
           "of many requests some are carried out")
    tap.ok(code == "38M01", "one that is refused after them does not hide them", told)
    tap.ok(re.search(r"It is the last of \d\d+ changes", told) and "the trigger fails" in told,
           "the error has their number, and the reason", told)


with tempfile.TemporaryDirectory() as folder:
    with Cluster(Path(folder) / "data", settings={"max_worker_processes": "8"}) as server:
        maker = server.connect()
        run(maker, "CREATE EXTENSION healthlake")
        for test in (test_nested, test_many):
            test(configure(server.connect(), emulator, max_attempts="1"))
emulator.stop()
tap.end()
