#!/usr/bin/python3
"""Queued FHIR requests of one resource are sent in order, one after the other; others in parallel.

Several workers send updates and bundles of a few resources, some of which HealthLake refuses. The
emulator's log shows which requests were in flight at the same time. A retry never replaces newer
data by older, whenever whoever enqueues the newer, or retries, commits.
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

RUN = "CALL healthlake_run_queue()"
UPDATE = "SELECT healthlake_fhir_enqueue_update(%s)"
RETRY = "SELECT healthlake_retry_request(%s)"
STATE = "SELECT state FROM healthlake_request WHERE id = %s"
END = "SELECT state, error_sqlstate, error_message FROM healthlake_request WHERE id = %s"
BUNDLE = "SELECT healthlake_fhir_enqueue_bundle(%s)"
FORGET = ("SET session_replication_role = replica; DELETE FROM healthlake_request;"
          "RESET session_replication_role")
NEAR = OPEN + " AND run_after < '2100-01-01'"
OVERTAKEN = "the later request %s of the same resource was sent before this retry"

tap = Tap()


def patient(id, number):
    """A resource with the number of its request."""
    return {"resourceType": "Patient", "id": id, "language": f"n{number}"}


def enqueue(session, dice):
    """Enqueues updates of all resources in turn, and sometimes a bundle of two."""
    session.run("BEGIN")
    number = 0
    for _ in range(ROUNDS):
        for id in dice.sample(PATIENTS, len(PATIENTS)):
            number += 1
            if dice.random() < 0.2:
                pair = [id, dice.choice([one for one in PATIENTS if one != id])]
                session.run(BUNDLE, bundle(*pair, number=number))
            else:
                session.run(UPDATE, json.dumps(patient(id, number)))
    session.run("COMMIT")
    return number


def under_way(log):
    """The requests of each resource: number, arrival, and earliest time of the reply."""
    sendings = defaultdict(list)
    for entry in log:
        number = re.search(r'"language": "n(\d+)"', entry["body"])
        ids = set(re.findall(r'"id": "(p\w+)"', entry["body"]))
        for id in ids:
            sendings[id].append((int(number.group(1)), entry["time"], entry["time"] + DELAY))
    return sendings


def check(log):
    """Requests of a resource are sent in order; those of different resources in parallel."""
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
    tap.ok(most >= 4, f"other resources are written in parallel: up to {most} at a time")


def fails(emulator, session, id, number):
    """An update that HealthLake refuses; its id."""
    emulator.next({"operation": "fhir:update", "status": 422, "error": "invariant"})
    request = session.one(UPDATE, json.dumps(patient(id, number)))
    session.run(RUN)
    return request


def check_retry(emulator, cluster, session):
    """Retries beside a later request of the resource, either of which is not committed yet."""
    first = fails(emulator, session, "again", 1)
    emulator.next({"operation": "fhir:update", "status": 422, "error": "invariant"})
    again = session.one(RETRY, first)
    session.run(RUN)
    last = session.one(RETRY, again)
    session.run(RUN)
    tap.same([session.one(STATE, id) for id in (first, again, last)],
             ["failed", "failed", "succeeded"], "a retry of a retry is none of its own past")
    for what, order in (("enqueued", (UPDATE, RETRY)), ("retried", (RETRY, UPDATE))):
        first = fails(emulator, session, what, 1)
        values = {UPDATE: json.dumps(patient(what, 2)), RETRY: first}
        with closing(Session(cluster)) as other:
            other.run("BEGIN")
            made = {order[0]: other.one(order[0], values[order[0]]),
                    order[1]: session.one(order[1], values[order[1]])}
            if order[1] == UPDATE:
                session.run(RUN)
            other.run("COMMIT")
        session.run(RUN)
        tap.same(session.one(STATE, made[UPDATE]), "succeeded", f"{what} in secret: the newer data")
        tap.same(session.run(END, made[RETRY]),
                 [("failed", "55000", OVERTAKEN % made[UPDATE])],
                 f"{what} in secret: are not followed by the older")
        tap.same(session.state(RETRY, made[RETRY]), "55000", f"{what} in secret: nor later")
    both = [fails(emulator, session, "both", number) for number in (1, 2)]
    last = [row[0] for row in session.run("SELECT healthlake_retry_request(id) FROM"
                                          " unnest(%s) AS id ORDER BY id", both)]
    session.run(RUN)
    tap.same([session.one(STATE, id) for id in last], ["succeeded", "succeeded"],
             "the retries of two that failed keep their order")
    tap.same(session.state(RETRY, both[0]), "55000", "and neither is retried again")
    session.run(FORGET)


def bundle(*ids, number=0):
    """A transaction that writes these patients."""
    return json.dumps([{"method": "PUT", "url": f"Patient/{id}", "resource": patient(id, number)}
                       for id in ids])


def enqueue_hot(session, updates=12):
    """Bundles that write one resource, then updates of it."""
    session.run("BEGIN")
    for number in range(1, 13):
        session.run(BUNDLE, bundle("phot", f"pown{number}", number=number))
    for number in range(13, 13 + updates):
        session.run(UPDATE, json.dumps(patient("phot", number)))
    session.run("COMMIT")


def check_hot(emulator, session, run, who):
    """The order does not depend on a search of an index that may leave rows out."""
    since = len(emulator.log())
    enqueue_hot(session)
    run()
    tap.ok(until(lambda: session.one(NEAR) == 0), f"{who}: all are sent")
    sent = [number for number, _, _ in sorted(under_way(emulator.log(since=since))["phot"],
                                              key=lambda one: one[1])]
    tap.same(sent, list(range(1, 25)), f"{who}: none overtakes those that an index has not found")


def check_fuzzy(emulator, cluster, session):
    """gin_fuzzy_search_limit of a session and of the database."""
    session.run("SELECT count(healthlake_fhir_enqueue_update(jsonb_build_object('resourceType',"
                " 'Patient', 'id', 'far' || i), run_after => '2100-01-01'))"
                " FROM generate_series(1, 2000) AS i")
    session.run("ANALYZE healthlake_request")
    with closing(Session(cluster)) as caller:
        caller.run("SET gin_fuzzy_search_limit = 1")
        check_hot(emulator, session, lambda: caller.run(RUN), "a CALL")
        failed = [fails(emulator, session, "phot", number) for number in range(100, 120)]
        enqueue_hot(session, updates=0)
        session.run(RUN)
        session.run("SELECT gin_clean_pending_list('healthlake_request_resources')")
        caller.run("SET enable_seqscan = off")
        tap.same({caller.state(RETRY, id) for id in failed}, {"55000"},
                 "nor does a retry, in the session that asks for it")

    def work():
        session.run("ALTER SYSTEM SET healthlake.worker_databases = 'postgres'")
        session.run("SELECT pg_reload_conf()")

    session.run("ALTER DATABASE postgres SET gin_fuzzy_search_limit = 1")
    check_hot(emulator, session, work, "a worker")
    session.run("ALTER DATABASE postgres RESET gin_fuzzy_search_limit")
    session.run("ALTER SYSTEM SET healthlake.worker_databases = ''")
    session.run("SELECT pg_reload_conf()")
    session.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'healthlake worker'")
    session.run(FORGET)


def main():
    """Enqueues requests, then starts several workers."""
    emulator = client.emulator()
    store = emulator.place({"DatastoreName": "clinic"})[0]
    cluster = queue_cluster.make(
        emulator, healthlake__datastore_id=store, healthlake__autostart_worker="off",
        healthlake__worker_count=str(WORKERS), healthlake__max_concurrency="4",
        healthlake__worker_databases="")
    with cluster, closing(Session(cluster)) as session:
        session.run("CREATE EXTENSION healthlake")
        check_retry(emulator, cluster, session)
        check_fuzzy(emulator, cluster, session)
        since = len(emulator.log())
        for operation in ("fhir:update", "fhir:bundle"):
            emulator.next({"operation": operation, "about": '"n17"', "status": 422,
                           "error": "invariant", "delay": DELAY},
                          {"operation": operation, "delay": DELAY, "times": "always"})
        number = enqueue(session, random.Random(7))
        began = time.monotonic()
        session.run("ALTER SYSTEM SET healthlake.worker_databases = 'postgres'")
        session.run("SELECT pg_reload_conf()")
        until(lambda: session.one(OPEN) == 0, 60, 0.2)
        tap.say(f"{number} requests took {time.monotonic() - began:.1f} s")
        tap.same(session.run("SELECT state, count(*)::int FROM healthlake_request "
                             "GROUP BY 1 ORDER BY 1"),
                 [("failed", 1), ("succeeded", number - 1)],
                 "a failed request does not block later ones")
        check(emulator.log(since=since))
    emulator.stop()
    tap.end()


main()
