#!/usr/bin/python3
"""Workers that are killed at random while they send queued creations, whose replies get lost.

A part of all replies is lost after HealthLake has carried the request out, another part before.
In the end there is one version of each resource. HEALTHLAKE_TEST_LONG=1 makes it 1,000 creations
and 100 kills; fhir_kills.py SEED repeats a run's dice.
"""

import json
import os
import random
import sys
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

LONG = bool(os.environ.get("HEALTHLAKE_TEST_LONG"))
CREATES, KILLS = (1000, 100) if LONG else (120, 8)
PATIENCE = 900 if LONG else 90
WORKERS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'healthlake worker'"

tap = Tap()


def lose(emulator, dice):
    """Has replies get lost, some after the request was carried out and some before."""
    steps = []
    for number in dice.sample(range(CREATES), CREATES // 5):
        steps.append({"operation": "fhir:update", "about": f'"patient-{number}"', "cut": 60,
                      "status": 200, "apply": dice.random() < 0.6})
    emulator.next(*steps, {"operation": "fhir:update", "delay": 0.06, "times": "always"})


def enqueue(cluster):
    """Enqueues all of them, a hundred in a transaction."""
    with closing(Session(cluster)) as session:
        session.run("SET client_min_messages = error")
        for first in range(0, CREATES, 100):
            session.run("BEGIN")
            for number in range(first, min(first + 100, CREATES)):
                session.run("SELECT healthlake_fhir_enqueue_create(%s)", json.dumps(
                    {"resourceType": "Patient", "id": f"patient-{number}", "active": True}))
            session.run("COMMIT")


def kill_one(cluster, dice):
    """Kills a worker, or the postmaster and all; whether there was one."""
    if dice.random() < 0.1:
        cluster.kill()
        cluster.start()
        return True
    found = ask(cluster, WORKERS)
    return bool(found) and cluster.kill_process(dice.choice(found)[0])


def storm(cluster, dice):
    """Kills until it is enough, or nothing is left to be sent; how many."""
    kills, end = 0, time.monotonic() + PATIENCE
    while kills < KILLS and time.monotonic() < end and ask(cluster, OPEN) != [(0,)]:
        time.sleep(dice.random() * 0.2)
        kills += kill_one(cluster, dice)
    return kills


def over(cluster):
    """Whether all requests are finished."""
    try:
        return ask(cluster, OPEN) == [(0,)]
    except psycopg2.Error:
        return False


def main():
    """The storm, and what it has left."""
    seed = sys.argv[1] if len(sys.argv) > 1 else str(time.time_ns() % 1000000)
    dice = random.Random(seed)
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    cluster = queue_cluster.make(
        emulator, healthlake__datastore_id=store, healthlake__worker_databases="postgres",
        healthlake__worker_count="2", healthlake__max_concurrency="4",
        healthlake__request_timeout="5s")
    with cluster:
        with closing(Session(cluster)) as session:
            session.run("CREATE EXTENSION healthlake")
        lose(emulator, dice)
        began = time.monotonic()
        enqueue(cluster)
        kills = storm(cluster, dice)
        tap.same(kills, KILLS, "there were so many kills")
        tap.ok(until(lambda: over(cluster), PATIENCE, 0.3), "all requests come to an end")
        states = ask(cluster, "SELECT state, count(*)::int FROM healthlake_request GROUP BY 1")
        attempts = ask(cluster, "SELECT sum(attempts)::int FROM healthlake_request")[0][0]
        made = Counter(one["id"] for one in emulator.versions())
        tap.say(f"seed {seed}: {kills} kills, {CREATES} creations, {attempts} attempts, "
                f"{time.monotonic() - began:.0f} s")
        tap.same(states, [("succeeded", CREATES)], "all have succeeded")
        tap.same((len(made), set(made.values())), (CREATES, {1}),
                 "each resource was made, and has one version")
        tap.same(ask(cluster, "SELECT count(*) FROM healthlake_request WHERE body IS NOT NULL"),
                 [(0,)], "no row has kept its body")
    emulator.stop()
    tap.end()


main()
