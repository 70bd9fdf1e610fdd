#!/usr/bin/python3
"""Queued FHIR requests of one resource go one after the other, in order; others beside them.

Several workers send updates and bundles of a few resources, some of which HealthLake refuses.
The log of what arrived says what was under way when.
"""

import json
import random
import re
import sys
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

PATIENTS = [f"p{number}" for number in range(12)]
ROUNDS = 8
WORKERS = 3
DELAY = 0.02

tap = Tap()


def patient(id, number):
    """A resource that says which request it is of."""
    return {"resourceType": "Patient", "id": id, "language": f"n{number}"}


def enqueue(session, dice):
    """Updates of all in turns, and now and then a bundle of two."""
    session.run("BEGIN")
    number = 0
    for _ in range(ROUNDS):
        for id in dice.sample(PATIENTS, len(PATIENTS)):
            number += 1
            if dice.random() < 0.2:
                pair = [id, dice.choice([one for one in PATIENTS if one != id])]
                session.run("SELECT healthlake_fhir_enqueue_bundle(%s)", json.dumps([
                    {"method": "PUT", "url": f"Patient/{one}", "resource": patient(one, number)}
                    for one in pair]))
            else:
                session.run("SELECT healthlake_fhir_enqueue_update(%s)",
                            json.dumps(patient(id, number)))
    session.run("COMMIT")
    return number


def under_way(log):
    """What was sent for each resource: number, begin, and when its reply left at the earliest."""
    sendings = defaultdict(list)
    for entry in log:
        number = re.search(r'"language": "n(\d+)"', entry["body"])
        ids = set(re.findall(r'"id": "(p\d+)"', entry["body"]))
        for id in ids:
            sendings[id].append((int(number.group(1)), entry["time"], entry["time"] + DELAY))
    return sendings


def check(log):
    """One after the other for each resource, in order; several at a time in all."""
    sendings = under_way(log)
    late, beside = [], []
    for id, sent in sendings.items():
        sent.sort(key=lambda one: one[1])
        late += [(id, one, next) for one, next in zip(sent, sent[1:]) if next[0] < one[0]]
        beside += [(id, one, next) for one, next in zip(sent, sent[1:]) if next[1] < one[2]]
    tap.same(late[:3], [], "requests of one resource arrive in the order of their ids")
    tap.same(beside[:3], [], "each when the one before has its reply")
    times = sorted({(entry["time"], entry["time"] + DELAY) for entry in log})
    most = max(sum(begin <= at < end for begin, end in times) for at, _ in times)
    tap.ok(most >= 4, f"others are sent beside them: up to {most} at a time")


def main():
    """Enqueues while nobody sends; then several workers do."""
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    for operation in ("fhir:update", "fhir:bundle"):
        emulator.next({"operation": operation, "about": '"n17"', "status": 422,
                       "error": "invariant", "delay": DELAY},
                      {"operation": operation, "delay": DELAY, "times": "always"})
    cluster = queue_cluster.make(
        emulator, healthlake__datastore_id=store, healthlake__autostart_worker="off",
        healthlake__worker_count=str(WORKERS), healthlake__max_concurrency="4",
        healthlake__worker_databases="")
    with cluster, closing(Session(cluster)) as session:
        session.run("CREATE EXTENSION healthlake")
        number = enqueue(session, random.Random(7))
        began = time.monotonic()
        session.run("ALTER SYSTEM SET healthlake.worker_databases = 'postgres'")
        session.run("SELECT pg_reload_conf()")
        until(lambda: session.one(OPEN) == 0, 60, 0.2)
        tap.say(f"{number} requests took {time.monotonic() - began:.1f} s")
        tap.same(session.run("SELECT state, count(*)::int FROM healthlake_request "
                             "GROUP BY 1 ORDER BY 1"),
                 [("failed", 1), ("succeeded", number - 1)],
                 "one that has failed holds back none")
        check(emulator.log())
    emulator.stop()
    tap.end()


main()
