#!/usr/bin/python3
"""Patroni with etcd and two nodes: the leader changes repeatedly while the queue is busy.

Switchovers, a leader that is killed, a node that dies with its Patroni, and a Patroni that dies
alone, so that two primaries run beside each other; the old leader is rewound by pg_rewind. Two
clients enqueue requests of all kinds all along. In the end each request that the leader has is
finished, none has had its effect twice, and only those whose outcome cannot be found out are
unknown. With synchronous replication none is lost that was acknowledged; without it a dead leader
takes those with it that had not reached the other, and the table says how many.
"""

import os
import random
import sys
import tempfile
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
from patroni import Patroni, missing_program  # noqa: E402  pylint: disable=C0413
from queue_cluster import OPEN, Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap, skip_all  # noqa: E402  pylint: disable=wrong-import-position

MOST, WRITERS, PAUSE = 10000, 3, 0.1
DELAY = 0.15
ROUNDS = ("switch_over", "kill_leader", "kill_leader", "switch_over", "kill_node", "kill_leader",
          "kill_watch", "switch_over", "kill_leader", "kill_node", "kill_watch", "kill_leader")
WORDS = {"switch_over": "switchover", "kill_leader": "leader killed", "kill_node": "node killed",
         "kill_watch": "two primaries"}

tap = Tap()
table = []


class Writers:
    """Clients that enqueue continuously, and record the server's answers."""

    def __init__(self, patroni, requests, repeat):
        self.patroni = patroni
        self.requests = requests
        self.repeat = repeat  # whether a missing request is enqueued again
        self.lock = threading.Lock()
        self.next = 0
        self.over = False
        self.acknowledged = {}  # the time of each, by number
        self.in_doubt = set()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(WRITERS)]

    def take(self):
        """The number of the next request."""
        with self.lock:
            self.next += 1
            return self.next - 1

    def run(self):
        """One client."""
        session = None
        while not self.over and self.next < MOST - WRITERS:
            session = self.enqueue(session, self.take())
            time.sleep(PAUSE)

    def enqueue(self, session, number):
        """Enqueues a request, and determines whether it exists; returns the session if it lives."""
        doubt = False
        end = time.monotonic() + 180
        while time.monotonic() < end:
            try:
                session = session or Session(self.patroni)
                if doubt and session.one("SELECT count(*) FROM healthlake_request"
                                         " WHERE reference ->> 'n' = %s", str(number)):
                    break
                if doubt and not self.repeat:
                    self.in_doubt.add(number)
                    return session
                session.run(*self.requests.enqueue(number))
                break
            except psycopg2.Error as error:
                # a server that is a standby by now has certainly not committed it
                doubt = doubt or error.pgcode != "25006"
                session = self.leave(session)
                time.sleep(0.2)
        self.acknowledged[number] = time.monotonic()
        return session

    @staticmethod
    def leave(session):
        """Closes a session that may be dead."""
        if session:
            session.close()


def settings(emulator, requests, key, mode):
    """The settings of a node's server."""
    emulator.key(key, emulator.secret_access_key)
    return queue_cluster.settings(
        emulator, healthlake__access_key_id=key, healthlake__datastore_id=requests.clinic,
        healthlake__worker_databases="postgres", healthlake__request_timeout="5s",
        # the same of both nodes
        healthlake__fence="pair" if mode == "synchronous" else "")


def play(patroni):
    """Runs all rounds; returns the times without a leader."""
    times = []
    for what in ROUNDS:
        time.sleep(3)
        began = time.monotonic()
        before = getattr(patroni, what)()
        other = patroni.other(before)
        patroni.wait_for_lead(other)
        took = time.monotonic() - began
        whole = until(patroni.is_whole, 180, 0.2)
        times.append((what, took, began, time.monotonic()))
        tap.ok(whole, f"{WORDS[what]}: {other.name} leads after {took:.0f} s, and "
               f"{before.name} follows", patroni.nodes[0].log()[-2000:],
               patroni.nodes[1].log()[-2000:])
    return times


def compare(mode, requests, writers, rows, times):
    """Compares the clients' records, the received requests and the rows."""
    effects = requests.effects()
    there = Counter(row[0] for row in rows)
    lost = set(writers.acknowledged) - set(there)
    beside = {n for n in lost for what, _, began, end in times
              if what == "kill_watch" and began <= writers.acknowledged[n] <= end}
    twice = [(n, requests.kinds[n], count) for n, count in effects.items() if count > 1]
    unknown = [row for row in rows if row[2] == "unknown"]
    tap.same([n for n, count in there.items() if count > 1], [], f"{mode}: no request is twice")
    tap.same(twice, [], f"{mode}: none has had its effect twice")
    tap.same([row for row in rows if row[2] not in ("succeeded", "unknown")][:5], [],
             f"{mode}: each has succeeded, or is unknown")
    tap.same([row for row in unknown if row[1] not in (*NO_TOKEN, *BLIND)][:5], [],
             f"{mode}: what has a token, or can be looked for, is never unknown")
    tap.same([row[:3] for row in rows if row[2] == "succeeded" and effects[row[0]] < 1][:5], [],
             f"{mode}: each that has succeeded has had its effect")
    if mode == "synchronous":
        tap.same(sorted(lost), [], f"{mode}: none that was acknowledged is lost")
    counts = Counter(what for what, *_ in times)
    rounds = ", ".join(f"{count} {WORDS[what]}" for what, count in counts.items())
    table.append(
        f"figure: {mode}: {len(times)} rounds ({rounds}), {writers.next} requests, "
        f"{len(rows)} rows in the end, {len(lost)} acknowledged and lost ({len(beside)} where "
        f"there were two primaries; {sum(effects[n] > 0 for n in lost)} were carried out), "
        f"{len(writers.in_doubt)} never acknowledged and not there "
        f"({sum(effects[n] > 0 for n in writers.in_doubt)} carried out), "
        f"{len(twice)} twice, {len(unknown)} unknown")
    table.append("  without a leader: " + ", ".join(f"{WORDS[what]} {took:.1f} s"
                                                    for what, took, *_ in times))
    for kind in KINDS:
        mine = [row for row in rows if row[1] == kind]
        doubt = [row for row in mine if row[2] == "unknown"]
        table.append(f"  {kind:34} {len(mine):4} rows, {len(doubt):3} unknown, of which "
                     f"{sum(effects[row[0]] > 0 for row in doubt)} were carried out")


def run(emulator, mode):
    """All rounds with one kind of replication."""
    emulator.reset()
    requests = Mixed(emulator, random.Random(mode), MOST)
    requests.slow(DELAY)
    folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    nodes = [settings(emulator, requests, key, mode) for key in ("AKIDFIRST", "AKIDSECOND")]
    with Patroni(folder, mode == "synchronous", nodes) as patroni:
        with closing(Session(patroni)) as session:
            session.run("CREATE EXTENSION healthlake")
        writers = Writers(patroni, requests, mode == "synchronous")
        for thread in writers.threads:
            thread.start()
        times = play(patroni)
        writers.over = True
        for thread in writers.threads:
            thread.join(200)
        leader = patroni.leader()
        over = until(lambda: leader.ask(OPEN) == 0, 400, 0.5)
        with closing(Session(leader)) as session:
            rows = session.run(ROWS)
            stuck = session.run("SELECT operation, state, reason FROM healthlake_stuck_requests"
                                " WHERE state <> 'unknown' LIMIT 5")
        tap.ok(over, f"{mode}: every request comes to an end", stuck)
        compare(mode, requests, writers, rows, times)


def main():
    """Both kinds of replication."""
    missing = missing_program()
    if missing:
        skip_all(f"there is no {missing}")
    if not os.environ.get("HEALTHLAKE_TEST_LONG"):
        skip_all("a cluster of Patroni takes minutes: HEALTHLAKE_TEST_LONG=1, or test/proof/ha")
    emulator = client.emulator()
    for mode in sys.argv[1:] or ("asynchronous", "synchronous"):
        run(emulator, mode)
    for line in table:
        tap.say(line)
    emulator.stop()
    tap.end()


main()
