#!/usr/bin/python3
"""A clock that is set back by an hour does not affect waits."""

import mmap
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:1] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from client import Emulator  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import Session, until  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

HOUR = 3600
IMPORT = """SELECT healthlake_enqueue('StartFHIRImportJob', jsonb_build_object(
    'DatastoreId', %s, 'InputDataConfig', '{"S3Uri": "s3://bucket/in/"}'::jsonb,
    'DataAccessRoleArn', 'arn:aws:iam::123456789012:role/import',
    'JobOutputDataConfig', '{"S3Configuration": {"S3Uri": "s3://bucket/out/",
    "KmsKeyId": "alias/health"}}'::jsonb))"""
LIST = "SELECT count(*) FROM healthlake_list_datastores()"
STATE = "SELECT state FROM healthlake_request WHERE id = %s"
BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = %s"

OLD, OURS, ANOTHERS = ('{"resourceType": "Patient", "id": "p1", "gender": "%s"}' % gender
                       for gender in ("unknown", "male", "other"))

tap = Tap()


class Clock:
    """The server's wall clock, which a preloaded library provides."""

    def __init__(self, path):
        path.write_bytes(bytes(8))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8)
        self.offset = 0

    def set_back(self):
        """Sets the clock back by one more hour."""
        self.offset -= HOUR
        self.map[:] = struct.pack("q", self.offset)


def make_database(cluster, name):
    """Creates a database with the extension."""
    with closing(Session(cluster)) as session:
        session.run(f"CREATE DATABASE {name}")
    with closing(Session(cluster, dbname=name)) as session:
        session.run("CREATE EXTENSION healthlake")


def test_drop(cluster, clock, what, kind, begin):
    """An idle process leaves a database that another process wants."""
    make_database(cluster, what)
    with closing(Session(cluster, dbname=what)) as session:
        begin(session)
    with closing(Session(cluster)) as session:
        tap.ok(until(lambda: session.one(BACKENDS, what, kind) > 0), f"{what}: it exists")
        clock.set_back()
        tap.same(session.state(f"DROP DATABASE {what}"), None,
                 f"{what}: it leaves a database that is being dropped")


def test_rest(cluster, clock, emulator):
    """A throttled request is sent again after its delay."""
    emulator.next(operation="StartFHIRImportJob", error="ThrottlingException", times=3)
    with closing(Session(cluster)) as session:
        id = session.one(IMPORT, emulator.place({"DatastoreName": "rests"})[0])
        tap.ok(until(lambda: session.one("SELECT attempts FROM healthlake_request WHERE id = %s",
                                         id) >= 2, 30), "it waits for the retry")
        clock.set_back()
        tap.ok(until(lambda: session.one(STATE, id) == "succeeded", 60),
               "the delay is not an hour longer", session.one(STATE, id))


def state_of(cluster, clock, seconds, statement, *settings):
    """The SQLSTATE of a statement during which the clock is set back, in a list; an empty one if
    it does not end."""
    ended = []

    def work():
        with closing(Session(cluster)) as session:
            for setting in settings:
                session.run(f"SET {setting}")
            ended.append(session.state(statement))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    time.sleep(seconds)
    clock.set_back()
    thread.join(60)
    return ended


def test_wait(cluster, clock, what, statement):
    """A wait ends after its timeout."""
    tap.same(state_of(cluster, clock, 1, statement), ["38W01"], f"{what} ends after its timeout")


def test_program(cluster, clock, folder):
    """A program that gives credentials is ended after the time allowed."""
    config = folder / "config"
    config.write_text("[default]\ncredential_process = /usr/bin/sleep 600\n")
    config.chmod(0o600)
    ended = state_of(cluster, clock, 2, LIST, "healthlake.credential_sources = 'profile'",
                     "healthlake.request_timeout = '4s'")
    tap.same(ended, ["38X01"], "credential_process is ended after the time allowed")


def make_rows(session, emulator, what):
    """A write and a creation that may have been carried out: the write was not, the creation was.
    AWS knows its token no more."""
    emulator.reset()
    emulator.state(tolerance=100 * HOUR, token_lifetime=0)
    store = emulator.place({"DatastoreName": f"times of a {what}"})[0]
    session.run(f"SET healthlake.datastore_id = '{store}'")
    session.run(f"SELECT healthlake_fhir_update('{OLD}')")
    emulator.next(operation="fhir:update", status=200, cut=60)
    emulator.next(operation="CreateFHIRDatastore", apply=True, cut=60)
    return [session.one(f"SELECT healthlake_fhir_enqueue_update('{OURS}')"),
            session.one(f"SELECT healthlake_enqueue_create_datastore('{what}')")]


def count(session, ids, condition):
    """How many of the requests are so."""
    return session.one(f"SELECT count(*) FROM healthlake_request WHERE id = ANY (%s) AND "
                       f"{condition}", ids)


def test_times(cluster, emulator, worker):
    """Times of attempts by a clock that was hours ahead are not relied on, by a worker that
    is there and knows of nothing, nor by a run that begins, which corrects them."""
    what = "worker" if worker else "run"
    with closing(Session(cluster)) as session:
        session.run("SET client_min_messages = error")
        ids = make_rows(session, emulator, what)
        if not worker:
            session.run("CALL healthlake_run_queue()")
        tap.ok(until(lambda: count(session, ids, "error_sqlstate = '38M01'") == 2),
               f"{what}: a write and a creation are of unknown outcome")
        session.run("""UPDATE healthlake_request SET run_after = now() + '3 s'::interval,
            first_sent_at = first_sent_at + '12 h'::interval,
            unsettled_since = unsettled_since + '12 h'::interval WHERE id = ANY (%s)""", ids)
        session.run(f"SELECT healthlake_fhir_update('{ANOTHERS}')")
        before = len(emulator.log())
        tap.ok(until(lambda: (worker or session.run("CALL healthlake_run_queue()") or True)
                     and count(session, ids, "finished_at IS NULL") == 0, 20),
               f"{what}: they end", session.run("SELECT * FROM healthlake_request"))
        made = len(emulator.log()) - before
        tap.ok(made < 6, f"{what}: after a few requests", made)
        tap.same(session.one(STATE, ids[0]), "unknown", f"{what}: another has written since")
        tap.same(session.one("SELECT healthlake_fhir_read('Patient', 'p1') ->> 'gender'"), "other",
                 f"{what}: and is not overwritten")
        state = session.one(STATE, ids[1])
        tap.ok(state in ("unknown", "succeeded") if worker else state == "succeeded",
               f"{what}: the creation is searched for", state)
        tap.same(len([one for one in emulator.stores() if one["DatastoreName"] == what]), 1,
                 f"{what}: and is not repeated")


def test_failure(cluster, clock, emulator):
    """A permanent failure to get keys is cached for seconds only."""
    with closing(Session(cluster)) as session:
        session.run("SET healthlake.role_arn = 'arn:aws:iam::123456789012:role/importer'")
        session.run(f"SET healthlake.sts_endpoint_url = '{emulator.http}'")
        emulator.next(operation="AssumeRole", error="AccessDenied", status=403)
        tap.same(session.state(LIST), "38X01", "a role cannot be assumed")
        clock.set_back()
        tap.ok(until(lambda: session.state(LIST) is None, 20),
               "now it can: the failure is not cached an hour longer")


def main():
    """All checks, on one server."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEALTHLAKE_WORK")) as folder, \
            Emulator() as emulator:
        library = Path(folder) / "clock_shim.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "clock_shim.c",
                        "-ldl"], check=True)
        clock = Clock(Path(folder) / "offset")
        environment = {**os.environ, "LD_PRELOAD": str(library),
                       "CLOCK_SHIM": str(Path(folder) / "offset"),
                       "AWS_CONFIG_FILE": str(Path(folder) / "config")}
        emulator.state(tolerance=100 * HOUR, settle_after_describes=1000)
        with queue_cluster.make(emulator, environment, healthlake__worker_databases="worker",
                                healthlake__allow_credential_process="on") \
                as cluster:
            with closing(Session(cluster)) as session:
                session.run("CREATE EXTENSION healthlake")
                later = session.one("""SELECT healthlake_enqueue_create_datastore('later',
                    run_after => now() + '1 day'::interval)""")
            store = emulator.place({"DatastoreName": "waits", "DatastoreStatus": "CREATING"})[0]
            test_wait(cluster, clock, "healthlake_wait_request()",
                      f"SELECT healthlake_wait_request({later}, '4 s')")
            test_wait(cluster, clock, "healthlake_wait_datastore()",
                      f"SELECT healthlake_wait_datastore('{store}', 'ACTIVE', '4 s', '100 ms')")
            test_failure(cluster, clock, emulator)
            test_program(cluster, clock, Path(folder))
            test_rest(cluster, clock, emulator)
            test_times(cluster, emulator, True)
            cluster.configure("healthlake.autostart_worker = off")
            with closing(Session(cluster)) as session:
                session.run("SELECT pg_reload_conf()")
                until(lambda: session.one(BACKENDS, "postgres", "healthlake worker") == 0)
            test_times(cluster, emulator, False)
            cluster.configure("healthlake.autostart_worker = on")
            test_drop(cluster, clock, "worker", "healthlake worker", lambda session: None)
            test_drop(cluster, clock, "writer", "healthlake audit writer", lambda session: (
                session.run("SET healthlake.audit = durable"),
                session.run("SELECT healthlake_create_datastore('audited')")))
    tap.end()


main()
