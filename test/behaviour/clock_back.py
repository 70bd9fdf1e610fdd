#!/usr/bin/python3
"""A clock that is set back by an hour: whatever waits goes on as if nothing had been."""

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

tap = Tap()


class Clock:
    """The server's wall clock, by the preloaded library."""

    def __init__(self, path):
        path.write_bytes(bytes(8))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8)
        self.offset = 0

    def set_back(self):
        """By one more hour."""
        self.offset -= HOUR
        self.map[:] = struct.pack("q", self.offset)


def make_database(cluster, name):
    """A database with the extension."""
    with closing(Session(cluster)) as session:
        session.run(f"CREATE DATABASE {name}")
    with closing(Session(cluster, dbname=name)) as session:
        session.run("CREATE EXTENSION healthlake")


def test_drop(cluster, clock, what, kind, begin):
    """A process that waits for nothing leaves a database that is wanted."""
    make_database(cluster, what)
    with closing(Session(cluster, dbname=what)) as session:
        begin(session)
    with closing(Session(cluster)) as session:
        tap.ok(until(lambda: session.one(BACKENDS, what, kind) > 0), f"{what}: it is there")
        clock.set_back()
        tap.same(session.state(f"DROP DATABASE {what}"), None,
                 f"{what}: it leaves a database that is dropped")


def test_rest(cluster, clock, emulator):
    """A request that rests after being throttled is sent when it has rested."""
    emulator.next(operation="StartFHIRImportJob", error="ThrottlingException", times=3)
    with closing(Session(cluster)) as session:
        id = session.one(IMPORT, emulator.place({"DatastoreName": "rests"})[0])
        tap.ok(until(lambda: session.one("SELECT attempts FROM healthlake_request WHERE id = %s",
                                         id) >= 2, 30), "it rests")
        clock.set_back()
        tap.ok(until(lambda: session.one(STATE, id) == "succeeded", 60),
               "a rest is not an hour longer", session.one(STATE, id))


def test_wait(cluster, clock, what, statement):
    """A wait ends after the time allowed."""
    ended = []

    def wait():
        with closing(Session(cluster)) as session:
            ended.append(session.state(statement))

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    time.sleep(1)
    clock.set_back()
    thread.join(60)
    tap.same(ended, ["38W01"], f"{what} ends after the time allowed")


def test_failure(cluster, clock, emulator):
    """A failure to get keys that was final is forgotten within seconds."""
    with closing(Session(cluster)) as session:
        session.run("SET healthlake.role_arn = 'arn:aws:iam::123456789012:role/importer'")
        session.run(f"SET healthlake.sts_endpoint_url = '{emulator.http}'")
        emulator.next(operation="AssumeRole", error="AccessDenied", status=403)
        tap.same(session.state(LIST), "38X01", "a role that may not be assumed")
        clock.set_back()
        tap.ok(until(lambda: session.state(LIST) is None, 20),
               "and may be now: a failure is not remembered an hour longer")


def main():
    """All of them, on one server."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEALTHLAKE_WORK")) as folder, \
            Emulator() as emulator:
        library = Path(folder) / "clock_shim.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "clock_shim.c",
                        "-ldl"], check=True)
        clock = Clock(Path(folder) / "offset")
        environment = {**os.environ, "LD_PRELOAD": str(library),
                       "CLOCK_SHIM": str(Path(folder) / "offset")}
        emulator.state(tolerance=100 * HOUR, settle_after_describes=1000)
        with queue_cluster.make(emulator, environment, healthlake__worker_databases="worker") \
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
            test_rest(cluster, clock, emulator)
            test_drop(cluster, clock, "worker", "healthlake worker", lambda session: None)
            test_drop(cluster, clock, "writer", "healthlake audit writer", lambda session: (
                session.run("SET healthlake.audit = durable"),
                session.run("SELECT healthlake_create_datastore('audited')")))
    tap.end()


main()
