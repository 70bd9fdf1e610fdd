#!/usr/bin/python3
"""Creations whose replies are lost, while their senders are killed at random.

Some replies are lost after HealthLake has carried the request out, others before. First workers
send queued creations, then sessions create resources directly: after a lost session, or an error
with the key, the call is repeated with the key. In the end there is one version of each resource.
"""

import json
import os
import random
import re
import sys
import threading
import time
import uuid
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

LONG = bool(os.environ.get("HEALTHLAKE_TEST_LONG"))
CREATES, KILLS = (1000, 100) if LONG else (120, 8)
DIRECT_CREATES, DIRECT_KILLS = (1000, 100) if LONG else (60, 4)
SESSIONS = 4
PATIENCE = 900 if LONG else 90
WORKERS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'healthlake worker'"
CREATORS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'creator'"

tap = Tap()


def lose(emulator, dice, operation, creates):
    """Scripts lost replies, some after the request was carried out and some before."""
    steps = []
    for number in dice.sample(range(creates), creates // 5):
        steps.append({"operation": operation, "about": f'"patient-{number}"', "cut": 60,
                      "status": 200, "apply": dice.random() < 0.6})
    emulator.next(*steps, {"operation": operation, "delay": 0.06, "times": "always"})


def enqueue(cluster):
    """Enqueues all requests, a hundred in each transaction."""
    with closing(Session(cluster)) as session:
        session.run("SET client_min_messages = error")
        for first in range(0, CREATES, 100):
            session.run("BEGIN")
            for number in range(first, min(first + 100, CREATES)):
                session.run("SELECT healthlake_fhir_enqueue_create(%s)", json.dumps(
                    {"resourceType": "Patient", "id": f"patient-{number}", "active": True}))
            session.run("COMMIT")


def kill_one(cluster, dice, whom):
    """Kills one of these processes or the postmaster; returns whether there was one."""
    if dice.random() < 0.1:
        cluster.kill()
        cluster.start()
        return True
    found = ask(cluster, whom)
    return bool(found) and cluster.kill_process(dice.choice(found)[0])


def storm(cluster, dice, whom, most, over):
    """Kills until there were enough kills or nothing is left to be sent; returns their number."""
    kills, end = 0, time.monotonic() + PATIENCE
    while kills < most and time.monotonic() < end and not over():
        time.sleep(dice.random() * 0.2)
        kills += kill_one(cluster, dice, whom)
    return kills


def queued(cluster, emulator, dice):
    """Queued creations, and workers that are killed."""
    def over():
        return ask(cluster, OPEN) == [(0,)]
    lose(emulator, dice, "fhir:update", CREATES)
    began = time.monotonic()
    enqueue(cluster)
    kills = storm(cluster, dice, WORKERS, KILLS, over)
    tap.same(kills, KILLS, "the workers were killed often enough")
    tap.ok(until(over, PATIENCE, 0.3), "all requests are finished")
    states = ask(cluster, "SELECT state, count(*)::int FROM healthlake_request GROUP BY 1")
    attempts = ask(cluster, "SELECT sum(attempts)::int FROM healthlake_request")[0][0]
    made = Counter(one["id"] for one in emulator.versions())
    tap.say(f"figure: queued: {kills} kills, {CREATES} creations, {attempts} attempts, "
            f"{time.monotonic() - began:.0f} s")
    tap.same(states, [("succeeded", CREATES)], "all have succeeded")
    tap.same((len(made), set(made.values())), (CREATES, {1}),
             "each resource exists with one version")
    tap.same(ask(cluster, "SELECT count(*) FROM healthlake_request WHERE body IS NOT NULL"),
             [(0,)], "no row has kept the body")


class Creators:
    """Sessions that create resources directly, each until it succeeds."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.numbers = list(range(DIRECT_CREATES))
        self.ends = Counter()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(SESSIONS)]

    def work(self):
        """Creates one resource after the other."""
        while True:
            with self.lock:
                if not self.numbers:
                    return
                number = self.numbers.pop()
            key = str(uuid.uuid4())
            while key is not None:
                key = self.attempt(number, key)

    def attempt(self, number, key):
        """Makes one call; returns the key for its repetition: that of the error, or its own."""
        told, end = key, "38M01"
        try:
            with closing(Session(self.cluster, application_name="creator")) as session:
                existed = session.one("SELECT existed FROM healthlake_fhir_create(%s, %s)",
                                      json.dumps({"resourceType": "Patient",
                                                  "language": f"patient-{number}"}), key)
            told, end = None, "existed" if existed else "created"
        except psycopg2.Error as error:
            if error.pgcode == "38M01":
                told = re.search("idempotency_key => '(.{36})'", error.diag.message_hint)[1]
            elif isinstance(error, psycopg2.OperationalError) or error.pgcode is None:
                end = "no session"
                time.sleep(0.02)
            else:
                told, end = None, error.pgcode
        with self.lock:
            self.ends[end] += 1
        return told


def direct(cluster, emulator, dice):
    """Creations by sessions that are killed, repeated with their keys."""
    emulator.reset()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    with closing(Session(cluster)) as session:
        session.run(f"ALTER SYSTEM SET healthlake.datastore_id = '{store}'")
        session.run("SELECT pg_reload_conf()")
    lose(emulator, dice, "fhir:create", DIRECT_CREATES)
    began, creators = time.monotonic(), Creators(cluster)
    for thread in creators.threads:
        thread.start()
    kills = storm(cluster, dice, CREATORS, DIRECT_KILLS, lambda: not creators.numbers)
    for thread in creators.threads:
        thread.join(PATIENCE)
    made = Counter(one["resource"]["language"] for one in emulator.versions())
    tap.say(f"figure: by sessions: {kills} kills, {DIRECT_CREATES} creations, "
            + "".join(f"{count} times {end}, " for end, count in sorted(creators.ends.items()))
            + f"{time.monotonic() - began:.0f} s")
    tap.same(kills, DIRECT_KILLS, "the sessions were killed often enough")
    tap.ok(creators.ends["created"] + creators.ends["existed"] == DIRECT_CREATES
           and not creators.ends.keys() - {"created", "existed", "38M01", "no session"},
           "each session has created all its resources", creators.ends)
    tap.same((len(made), set(made.values())), (DIRECT_CREATES, {1}),
             "each resource was created once, however often the call was repeated")


def main():
    """All checks."""
    seed = sys.argv[1] if len(sys.argv) > 1 else str(time.time_ns() % 1000000)
    dice = random.Random(seed)
    tap.say(f"seed {seed}")
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    cluster = queue_cluster.make(
        emulator, healthlake__datastore_id=store, healthlake__worker_databases="postgres",
        healthlake__worker_count="2", healthlake__max_concurrency="4",
        healthlake__request_timeout="5s")
    with cluster:
        with closing(Session(cluster)) as session:
            session.run("CREATE EXTENSION healthlake")
        queued(cluster, emulator, dice)
        direct(cluster, emulator, dice)
    emulator.stop()
    tap.end()


main()
