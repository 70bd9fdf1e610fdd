#!/usr/bin/python3
"""Kills at random with requests of all kinds, of the control plane and of FHIR.

Creations, imports, deletions, taggings and publications are enqueued, and FHIR creates, updates,
patches, deletions and bundles. Workers, sessions that run CALL and the whole server are killed all
the time, and workers are terminated. In the end no request is lost, none was carried out twice, and
each one of unknown outcome was in flight at a kill. HEALTHLAKE_TEST_LONG=1 makes 200 kills over
2,000 requests, with a table. queue_kills_mixed.py SEED repeats a run.
"""

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
from mixed import BLIND, KINDS, NO_TOKEN, ROWS, Mixed  # noqa: E402  pylint: disable=C0413
from queue_cluster import OPEN, Session, ask, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

REQUESTS, KILLS = (2000, 200) if os.environ.get("HEALTHLAKE_TEST_LONG") else (150, 15)
DELAY = 0.1
VICTIMS = {"worker": 40, "terminated worker": 25, "CALL": 20, "postmaster": 15}

tap = Tap()


class Killer:
    """Kills processes, and records the times."""

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
        """Kills a process while something is in flight."""
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
    """Runs CALL healthlake_run_queue() continuously."""

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
    """Enqueues all requests, with kills in between; returns their number."""
    number = 0
    while number < REQUESTS:
        if number > REQUESTS * (len(killer.times) + 1) / KILLS:
            time.sleep(0.02)
            continue
        try:
            with closing(Session(cluster)) as session:
                if session.one("SELECT count(*) FROM healthlake_request"
                               " WHERE reference ->> 'n' = %s", str(number)) == 0:
                    session.run(*requests.enqueue(number))
        except psycopg2.Error:
            time.sleep(0.05)
            continue
        number += 1
    return number


def in_flight_at_kill(sent_at, kills):
    """Whether a request that was sent at this time may have been interrupted by a kill."""
    return any(began - DELAY - 2 <= sent_at <= ended + 0.5 for began, ended in kills)


def compare(requests, rows, killer):
    """Compares the enqueued requests, the received ones and the rows."""
    effects = requests.effects()
    tap.same(sorted(row[0] for row in rows), list(range(REQUESTS)),
             "no request is lost, and none exists twice")
    tap.same([(number, requests.kinds[number], count) for number, count in effects.items()
              if count > 1], [],
             "none was carried out twice, and none without a token was sent twice")
    tap.same([row for row in rows if row[2] not in ("succeeded", "unknown")], [],
             "each has succeeded, or is unknown")
    unknown = [row for row in rows if row[2] == "unknown"]
    tap.same([row for row in unknown if row[1] not in (*NO_TOKEN, *BLIND)], [],
             "a request that can be searched for, or has a token, is never unknown")
    tap.same([row for row in unknown if not in_flight_at_kill(row[3], killer.times)], [],
             "each unknown request was in flight at a kill")
    tap.same([row[:3] for row in rows if row[2] == "succeeded" and effects[row[0]] != 1], [],
             "each succeeded request was carried out once")
    tell(rows, effects, killer)
    tap.say(f"figure: {len(killer.times)} kills over {len(rows)} requests of {len(KINDS)} kinds: "
            f"{REQUESTS - len(rows)} lost, {sum(count > 1 for count in effects.values())} twice, "
            f"{len(unknown)} unknown")


def tell(rows, effects, killer):
    """Prints the table."""
    tap.say(f"{len(killer.times)} kills ({dict(killer.counts)}) over {len(rows)} requests")
    tap.say("kind                                rows succeeded unknown "
            " (of these carried out)  twice")
    for kind in sorted(KINDS):
        mine = [row for row in rows if row[1] == kind]
        unknown = [row for row in mine if row[2] == "unknown"]
        tap.say(f"{kind:34} {len(mine):5} {sum(row[2] == 'succeeded' for row in mine):9} "
                f"{len(unknown):7} {sum(effects[row[0]] >= 1 for row in unknown):22} "
                f"{sum(effects[row[0]] > 1 for row in mine):6}")


def main():
    """All checks."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(10 ** 6)
    tap.say(f"seed {seed}")
    dice = random.Random(seed)
    emulator = client.emulator()
    requests = Mixed(emulator, dice, REQUESTS)
    requests.slow(DELAY)
    cluster = queue_cluster.make(emulator, healthlake__worker_databases="postgres",
                                 healthlake__datastore_id=requests.clinic,
                                 healthlake__worker_count="2", autovacuum="on")
    with closing(Session(cluster.start())) as session:
        session.run("CREATE EXTENSION healthlake")
    killer = Killer(cluster, dice)
    caller = Caller(killer)
    caller.start()
    made = []
    enqueuer = threading.Thread(
        target=lambda: made.append(enqueue_all(cluster, requests, killer)), daemon=True)
    enqueuer.start()
    end = time.monotonic() + 1000
    while len(killer.times) < KILLS and time.monotonic() < end:
        killer.kill_one()
    enqueuer.join(300)
    until(lambda: ask(cluster, OPEN) == [(0,)], 300)
    killer.over = True
    tap.ok(len(killer.times) >= KILLS and made == [REQUESTS],
           f"{KILLS} kills over {REQUESTS} requests", f"{len(killer.times)} {made}")
    compare(requests, ask(cluster, ROWS) or [], killer)
    caller.join(10)
    cluster.stop()
    emulator.stop()
    tap.end()


main()
