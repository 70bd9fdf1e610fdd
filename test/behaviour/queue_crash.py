#!/usr/bin/python3
"""A queue whose runner dies, at each point of a round: a worker, or a session that runs CALL.

step_shim.c replaces the extension's healthlake_step() and kills its own process at the point that a
file names. The server restarts, and a preloaded worker finishes: there is one data store, or one
job, for each request. A table shows the results.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, ask, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

POINTS = ["before claim", "after claim", "before send", "after send", "after reply",
          "before record", "after record"]
CREATE = "CreateFHIRDatastore"
IMPORT = "StartFHIRImportJob"
ENQUEUE = "SELECT healthlake_enqueue_create_datastore(%s, until => %s)"
ENQUEUE_JOB = f"SELECT healthlake_enqueue('{IMPORT}', %s, until => 'COMPLETED')"
ROWS = """SELECT state, client_token, request ->> 'DatastoreName', request ->> 'JobName',
    datastore_id, job_id FROM healthlake_request ORDER BY id"""
CREATES = 5
# seconds; only a failing run waits that long
PATIENCE = 90
# a low concurrency, so that there are requests before, during and after sending
SETTINGS = {"healthlake__autostart_worker": "off", "healthlake__max_concurrency": "3"}

tap = Tap()


def build_shim(folder):
    """Builds the library that kills processes."""
    shim = Path(folder) / "step_shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-o", shim, HERE / "step_shim.c"],
                   check=True)
    return shim


class Case:
    """One death: a separate database, its requests, and their outcomes."""

    def __init__(self, cluster, emulator, death):
        self.cluster = cluster
        self.emulator = emulator
        self.who, self.point, self.passes = death
        self.database = f"{self.who}_{self.point}_{self.passes}".replace(" ", "_").lower()
        self.file = cluster.folder / "die"
        self.deaths = self.killed()

    def killed(self):
        """The number of killed processes of the server so far."""
        return self.cluster.log().count("was terminated by signal 9")

    def ask(self, statement):
        """Runs a query in a new session; None if the server does not accept connections."""
        return ask(self.cluster, statement, dbname=self.database)

    def go_to(self, databases):
        """Sets the databases of workers."""
        with closing(Session(self.cluster)) as session:
            session.run(f"ALTER SYSTEM SET healthlake.worker_databases = '{databases}'")
            session.run("SELECT pg_reload_conf()")

    def enqueue(self):
        """Enqueues all kinds of requests in one transaction."""
        job = {"JobName": "job", "DatastoreId": self.emulator.place({"DatastoreName": "there"})[0],
               "InputDataConfig": {"S3Uri": "s3://bucket/in/"},
               "DataAccessRoleArn": "arn:aws:iam::123456789012:role/import",
               "JobOutputDataConfig": {"S3Configuration": {
                   "S3Uri": "s3://bucket/out/", "KmsKeyId": "alias/health"}}}
        with closing(Session(self.cluster, dbname=self.database)) as session:
            session.run("BEGIN")
            for number in range(CREATES):
                session.run(ENQUEUE, f"store-{number}", "ACTIVE" if number == 1 else None)
            session.run(ENQUEUE_JOB, json.dumps(job))
            session.run("COMMIT")

    def die(self):
        """Sends the requests until the death; returns whether there was exactly one."""
        self.file.write_text(f"{self.point} {self.passes}\n", encoding="ascii")
        if self.who == "CALL":
            self.ask("CALL healthlake_run_queue()")
            self.go_to_patiently()
        else:
            self.go_to(self.database)
        died = until(lambda: not self.file.exists(), PATIENCE)
        return died and until(lambda: self.killed() > self.deaths, PATIENCE)

    def go_to_patiently(self):
        """Starts a worker here, after the server has restarted."""
        def there():
            try:
                self.go_to(self.database)
            except psycopg2.OperationalError:
                return False
            return True
        until(there)

    def finish(self):
        """Waits until the worker is done; the rows."""
        until(lambda: self.ask(OPEN) == [(0,)], PATIENCE)
        return self.ask(ROWS) or []

    def leave(self):
        """Ends this case's workers and drops its database."""
        self.go_to("")
        with closing(Session(self.cluster)) as session:
            session.run(f"DROP DATABASE {self.database} WITH (FORCE)")


def sendings(emulator):
    """The requests that change something."""
    return [entry for entry in emulator.log() if entry["operation"] in (CREATE, IMPORT)]


def started_jobs(entries):
    """The ids of the jobs that the emulator has started."""
    replies = [json.loads(entry["answer"]["body"]) for entry in entries
               if entry["operation"] == IMPORT and entry["answer"]["status"] == 200]
    return {reply["JobId"] for reply in replies}


def faults_of(rows, stores, jobs):
    """The deviations from the expected results."""
    made = [store for store in stores if "ClientToken" in store["Request"]]
    tokens = Counter(store["Request"]["ClientToken"] for store in made)
    ids = {store["DatastoreName"]: store["DatastoreId"] for store in made}
    faults = [f"{count} data stores for a token" for count in tokens.values() if count != 1]
    if sorted(store["DatastoreName"] for store in made) != [f"store-{n}" for n in range(CREATES)]:
        faults.append(f"data stores: {[store['DatastoreName'] for store in made]}")
    if len(rows) != CREATES + 1:
        faults.append(f"{len(rows)} rows")
    for state, token, name, job, datastore, job_id in rows:
        if state != "succeeded":
            faults.append(f"{name or job} is {state}")
        if name and (tokens[token] != 1 or ids.get(name) != datastore):
            faults.append(f"{name} is not the data store of its row")
        if job and jobs != {job_id}:
            faults.append(f"jobs {jobs}, and the row has {job_id}")
    return faults


def run_case(cluster, emulator, death):
    """One death, and its line of the table."""
    emulator.reset()
    emulator.next(operation=CREATE, delay=0.1, times="always")
    emulator.next(operation=IMPORT, delay=0.1, times="always")
    case = Case(cluster, emulator, death)
    with closing(Session(cluster)) as session:
        session.run(f"CREATE DATABASE {case.database} TEMPLATE made")
    case.enqueue()
    began = time.monotonic()
    died = case.die()
    rows = case.finish()
    took = time.monotonic() - began
    sent = sendings(emulator)
    stores = emulator.stores()
    jobs = started_jobs(sent)
    faults = faults_of(rows, stores, jobs)
    succeeded = sum(row[0] == "succeeded" for row in rows)
    tap.say(f"{case.point:<13} | {case.who:<6} | {case.passes + 1:>4} | {len(sent):>4} | "
            f"{len(stores) - 1:>6} | {len(jobs):>4} | {succeeded:>9} of {len(rows)} | {took:.1f} s")
    tap.ok(died and not faults, f"{case.who} dies {case.point}, the {['1st', '2nd'][case.passes]}"
           " time: one data store and job a request", f"died: {died}", *faults,
           *([cluster.log()[-6000:]] if faults else []))
    case.leave()


def main():
    """All points, a worker and a CALL, at the first and the second time."""
    folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    shim = build_shim(folder)
    emulator = client.emulator()
    cluster = queue_cluster.make(
        emulator, {"LD_PRELOAD": str(shim), "HEALTHLAKE_DIE": f"{folder}/server/die"},
        f"{folder}/server", **SETTINGS)
    with cluster:
        with closing(Session(cluster)) as session:
            session.run("CREATE DATABASE made")
        with closing(Session(cluster, dbname="made")) as session:
            session.run("CREATE EXTENSION healthlake")
        tap.say("point         | who    | time | sent | stores | jobs | succeeded      | until all")
        for point in POINTS:
            for who in ("worker", "CALL"):
                for passes in (0, 1):
                    run_case(cluster, emulator, (who, point, passes))
        tap.ok('"healthlake launcher" (PID' not in cluster.log(),
               "the launcher works although no client has connected since the restart")
    emulator.stop()
    tap.end()


main()
