#!/usr/bin/python3
"""Kills at random over requests of all kinds, with and without client tokens.

Creations, imports, deletions, taggings and publications are enqueued; workers, sessions that CALL
and the whole server are killed all along, and workers are terminated. In the end no request is
lost, none has had its effect twice, and each one of unknown outcome was in flight at a kill.
HEALTHLAKE_TEST_LONG=1 makes it 100 kills over 1,000 requests. queue_kills_mixed.py SEED repeats a
run's dice.
"""

import json
import os
import random
import signal
import sys
import threading
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

CREATE, DELETE, TAG = "CreateFHIRDatastore", "DeleteFHIRDatastore", "TagResource"
PUBLISH, IMPORT = "PublishDataTransformationProfile", "StartFHIRImportJob"
REQUESTS, KILLS = (1000, 100) if os.environ.get("HEALTHLAKE_TEST_LONG") else (150, 15)
DELAY = 0.1
VICTIMS = {"worker": 40, "terminated worker": 25, "CALL": 20, "postmaster": 15}
ENQUEUE = "SELECT healthlake_enqueue(%s, %s, reference => %s)"
ROWS = """SELECT (reference ->> 'n')::int, operation, state, client_token, job_id,
    extract(epoch FROM first_sent_at)::float, error_message FROM healthlake_request"""

tap = Tap()


class Requests:
    """Makes requests that are told apart by a number in each."""

    def __init__(self, emulator, dice):
        self.dice = dice
        count = REQUESTS
        self.stores = emulator.place(*[{"DatastoreName": f"there-{n}"} for n in range(count)])
        self.arn = {store["DatastoreId"]: store["DatastoreArn"] for store in emulator.stores()}

    def make(self, number):
        """An operation and its request."""
        store = self.stores[number]
        kind = self.dice.choice([CREATE, CREATE, DELETE, TAG, TAG, PUBLISH, PUBLISH, IMPORT])
        return kind, {
            CREATE: {"DatastoreName": f"new-{number}", "DatastoreTypeVersion": "R4"},
            DELETE: {"DatastoreId": store},
            TAG: {"ResourceARN": self.arn[store], "Tags": [{"Key": "n", "Value": str(number)}]},
            PUBLISH: {"ProfileId": f"{number:032d}", "SourceFormat": "CCDA"},
            IMPORT: {"JobName": f"job-{number}", "DatastoreId": store,
                     "InputDataConfig": {"S3Uri": "s3://bucket/in/"},
                     "DataAccessRoleArn": "arn:aws:iam::123456789012:role/import",
                     "JobOutputDataConfig": {"S3Configuration": {
                         "S3Uri": "s3://bucket/out/", "KmsKeyId": "alias/health"}}},
        }[kind]


def number_of(entry, arns):
    """The number of the request that has arrived."""
    body = json.loads(entry["body"])
    operation = entry["operation"]
    if operation == TAG:
        return int(body["Tags"][0]["Value"])
    if operation == PUBLISH:
        return int(body["ProfileId"])
    if operation == DELETE:
        return arns.index(body["DatastoreId"])
    return int(body["DatastoreName" if operation == CREATE else "JobName"].rpartition("-")[2])


class Killer:
    """Kills, and remembers when."""

    def __init__(self, cluster, dice):
        self.cluster = cluster
        self.dice = dice
        self.counts = Counter()
        self.times = []
        self.over = False

    def victims(self, kind):
        """Processes of a kind."""
        wanted = (lambda title: "[local] CALL" in title) if kind == "CALL" else (
            lambda title: "healthlake worker" in title)
        return [pid for pid, title in self.cluster.children() if wanted(title)]

    def kill_one(self):
        """Kills somebody while something is in flight."""
        kind = self.dice.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        time.sleep(self.dice.expovariate(1 / 0.2))
        began = time.time()
        if kind == "postmaster":
            self.cluster.kill()
            self.times.append((began, time.time()))
            self.counts[kind] += 1
            self.cluster.start()
            return
        found = until(lambda: self.victims(kind), 2, 0.01)
        if not found:
            return
        pid = self.dice.choice(found)
        if not self.cluster.kill_process(
                pid, signal.SIGTERM if kind == "terminated worker" else signal.SIGKILL):
            return
        self.times.append((began, time.time()))
        self.counts[kind] += 1


class Caller(threading.Thread):
    """CALLs healthlake_run_queue() all the time."""

    def __init__(self, killer):
        super().__init__(daemon=True)
        self.killer = killer

    def run(self):
        while not self.killer.over:
            time.sleep(0.05)
            try:
                session = Session(self.killer.cluster,
                                  options="-c client_min_messages=error")
                session.run("CALL healthlake_run_queue(20)")
                session.close()
            except psycopg2.Error:
                pass


def enqueue_all(cluster, requests, killer):
    """Enqueues all of them, with kills between; the operations by number."""
    made, number = {}, 0
    while number < REQUESTS:
        if number > REQUESTS * (len(killer.times) + 1) / KILLS:
            time.sleep(0.02)
            continue
        operation, request = requests.make(number)
        try:
            with closing(Session(cluster)) as session:
                if session.one("SELECT count(*) FROM healthlake_request"
                               " WHERE reference ->> 'n' = %s", str(number)) == 0:
                    session.run(ENQUEUE, operation, json.dumps(request),
                                json.dumps({"n": number, "operation": operation}))
                found = session.one("SELECT operation FROM healthlake_request"
                                    " WHERE reference ->> 'n' = %s", str(number))
        except psycopg2.Error:
            time.sleep(0.05)
            continue
        made[number] = found
        number += 1
    return made


def in_flight_at_kill(sent_at, kills):
    """Whether a request whose sending began then can have been cut off by a kill."""
    return any(began - DELAY - 2 <= sent_at <= ended + 0.5 for began, ended in kills)


def compare(emulator, requests, made, rows, killer):
    """Holds what was enqueued, what has arrived and what the rows say against each other."""
    arrived = Counter()
    for entry in emulator.log():
        if entry["operation"] not in (CREATE, DELETE, TAG, PUBLISH, IMPORT):
            continue
        arrived[(entry["operation"], number_of(entry, requests.stores))] += 1
    tap.same(sorted(row[0] for row in rows), sorted(made), "no request is lost, and none is twice")
    without = [key for key, count in arrived.items()
               if key[0] in (DELETE, TAG, PUBLISH) and count > 1]
    tap.same(without, [], "what has no client token has arrived once")
    names = Counter(store["DatastoreName"] for store in emulator.stores())
    tap.same([name for name, count in names.items() if count > 1], [],
             "no creation has made two data stores")
    jobs = {}
    for entry in emulator.log():
        if entry["operation"] == IMPORT and entry["answer"] and entry["answer"]["status"] == 200:
            jobs.setdefault(number_of(entry, requests.stores), set()).add(
                json.loads(entry["answer"]["body"])["JobId"])
    tap.same([n for n, ids in jobs.items() if len(ids) > 1], [], "no import has started two jobs")
    states = Counter((row[1], row[2]) for row in rows)
    tap.same([key for key in states if key[1] not in ("succeeded", "unknown")], [],
             "each has succeeded, or is unknown")
    unknown = [row for row in rows if row[2] == "unknown"]
    tap.same([row for row in unknown if row[3] is not None], [],
             "with a token none is unknown")
    tap.same([row for row in unknown if not in_flight_at_kill(row[5], killer.times)], [],
             "each that is unknown was in flight at a kill")
    succeeded = [row for row in rows if row[2] == "succeeded"]
    tap.same([row[:3] for row in succeeded if arrived[(row[1], row[0])] == 0], [],
             "each that has succeeded has arrived")
    lost = [row[:3] for row in rows if row[1] == CREATE and names[f"new-{row[0]}"] != 1]
    tap.same(lost, [], "each creation has its data store")
    tap.say(f"{len(killer.times)} kills ({dict(killer.counts)}) over {len(rows)} requests")
    tap.say(", ".join(f"{count} {operation} {state}"
                      for (operation, state), count in sorted(states.items())))
    tap.say(f"{len(unknown)} unknown, {len(killer.times)} kills, "
            f"{sum(arrived.values())} requests arrived")


def main():
    """The storm."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(10 ** 6)
    tap.say(f"seed {seed}")
    dice = random.Random(seed)
    emulator = client.emulator()
    emulator.state(log_limit=100000)
    requests = Requests(emulator, dice)
    published = {"ProfileId": "0" * 32, "SourceFormat": "CCDA", "Version": 1,
                 "TargetFormat": "FHIR_R4", "LastUpdatedAt": 1700000000}
    for operation in (CREATE, DELETE, TAG, IMPORT):
        emulator.next(operation=operation, delay=DELAY, times="always")
    emulator.next(operation=PUBLISH, delay=DELAY, status=200, body=published, times="always")
    cluster = queue_cluster.make(emulator, healthlake__worker_databases="postgres",
                                 healthlake__worker_count="2", autovacuum="on")
    with closing(Session(cluster.start())) as session:
        session.run("CREATE EXTENSION healthlake")
    killer = Killer(cluster, dice)
    caller = Caller(killer)
    caller.start()
    made = {}
    enqueuer = threading.Thread(
        target=lambda: made.update(enqueue_all(cluster, requests, killer)), daemon=True)
    enqueuer.start()
    end = time.monotonic() + 500
    while len(killer.times) < KILLS and time.monotonic() < end:
        killer.kill_one()
    enqueuer.join(120)
    until(lambda: ask(cluster, OPEN) == [(0,)], 120)
    killer.over = True
    tap.ok(len(killer.times) >= KILLS and len(made) == REQUESTS,
           f"{KILLS} kills over {REQUESTS} requests", f"{len(killer.times)} {len(made)}")
    compare(emulator, requests, made, ask(cluster, ROWS) or [], killer)
    caller.join(10)
    cluster.stop()
    emulator.stop()
    tap.end()


main()
