#!/usr/bin/python3
"""Kills at random: clients enqueue, workers and sometimes a CALL send, and all of them are killed.

Each client knows what it has committed: after a lost connection at COMMIT it checks. In the end
there is exactly one data store for each committed request. Then the naive way runs under the same
kills: a call in the client's transaction, repeated until it commits; it creates data stores that
are not recorded. queue_kills.py SEED repeats a run.
"""

import json
import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, ask, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "CreateFHIRDatastore"
REQUESTS = 1000
KILLS = 110
NAIVE_REQUESTS = 300
NAIVE_KILLS = 33
CLIENTS = 4
DELAY = 0.05
# the victims, in percent
VICTIMS = {"client": 25, "client at COMMIT": 20, "worker": 30, "CALL": 10, "postmaster": 15}
NAIVE_VICTIMS = {"client": 60, "client at COMMIT": 25, "postmaster": 15}
ENQUEUE = "SELECT healthlake_enqueue_create_datastore(%s, reference => %s, until => %s)"
STATUS = "SELECT pg_xact_status(%s::text::xid8)"
# clients do not print the messages of a dying server
QUIET = "-c client_min_messages=error"
ROWS = """SELECT reference ->> 'n', request ->> 'DatastoreName', client_token, state, datastore_id,
    attempts FROM healthlake_request"""

tap = Tap()


class Shared:
    """The state that the killer and the clients of a run share."""

    def __init__(self, cluster, requests, kills):
        self.cluster = cluster
        self.requests = requests
        self.kills = kills
        self.killed = Counter()
        self.lock = threading.Lock()
        self.numbers = 0
        self.committed = set()
        self.undone = set()
        self.over = False
        # an order to be killed at COMMIT, which one client takes, and its completion
        self.at_commit = threading.Semaphore(0)
        self.dead = threading.Event()

    def kill(self, pid, kind):
        """Kills a process if it still exists."""
        if self.cluster.kill_process(pid):
            with self.lock:
                self.killed[kind] += 1

    def next_number(self):
        """A new number for a request."""
        with self.lock:
            self.numbers += 1
            return self.numbers

    def is_ahead(self):
        """Whether requests are ahead of kills."""
        share = self.killed.total() / self.kills
        return len(self.committed) > self.requests * share + 2 * CLIENTS

    def settle(self, numbers, committed):
        """Records the outcome of a transaction."""
        with self.lock:
            (self.committed if committed else self.undone).update(numbers)


class Client(threading.Thread):
    """Enqueues, and commits or rolls back, through all crashes of its server."""

    def __init__(self, shared, seed):
        super().__init__(daemon=True)
        self.shared = shared
        self.dice = random.Random(seed)
        self.session = None
        self.uncertain = 0

    def run(self):
        while len(self.shared.committed) < self.shared.requests:
            if self.shared.is_ahead():
                time.sleep(0.01)
                continue
            self.work()
        if self.session:
            self.session.close()

    def connect(self):
        """Connects as soon as the server accepts connections."""
        while self.session is None:
            try:
                self.session = Session(self.shared.cluster, options=QUIET)
            except psycopg2.OperationalError:
                time.sleep(0.02)
        return self.session

    def commit(self):
        """Commits; sometimes the backend is killed meanwhile."""
        if self.shared.at_commit.acquire(blocking=False):
            threading.Timer(self.dice.random() * 0.0008, self.die, [
                self.session.session.info.backend_pid]).start()
        self.session.run("COMMIT")

    def die(self, pid):
        """Kills the committing backend, and lets the killer continue."""
        try:
            self.shared.kill(pid, "client at COMMIT")
        finally:
            self.shared.dead.set()

    def work(self):
        """Runs one transaction, and records its outcome."""
        numbers = [self.shared.next_number() for _ in range(self.dice.randint(1, 3))]
        wanted = self.dice.random() > 0.15
        sent, xid = False, None
        try:
            session = self.connect()
            session.run("BEGIN")
            for number in numbers:
                goal = "ACTIVE" if self.dice.random() < 0.1 else None
                session.run(ENQUEUE, f"store-{number}", json.dumps({"n": number}), goal)
                time.sleep(self.dice.random() * 0.06)
            xid = session.one("SELECT pg_current_xact_id()::text")
            sent = wanted
            if wanted:
                self.commit()
            else:
                session.run("ROLLBACK")
        except psycopg2.Error:
            self.session = None
            if sent:
                self.uncertain += 1
            self.shared.settle(numbers, sent and self.look(numbers, xid))
            return
        self.shared.settle(numbers, sent)

    def find(self, numbers):
        """The number of existing rows of a transaction."""
        return self.session.one(
            "SELECT count(*) FROM healthlake_request WHERE reference ->> 'n' = ANY (%s)",
            [str(number) for number in numbers])

    def look(self, numbers, xid):
        """Whether the rows exist, after a COMMIT without an answer."""
        while True:
            try:
                # a killed backend may have committed without being visible to others yet
                if self.connect().state(STATUS, xid) is None and \
                        self.session.one(STATUS, xid) == "in progress":
                    time.sleep(0.02)
                    continue
                found = self.find(numbers)
            except psycopg2.Error:
                self.session = None
                continue
            if found not in (0, len(numbers)):
                raise AssertionError(f"{found} of {len(numbers)} rows of a transaction are there")
            return found > 0


class Naive(Client):
    """Makes the call in its transaction, and repeats that until it has committed."""

    def work(self):
        number = self.shared.next_number()
        while True:
            xid, sent = None, False
            try:
                session = self.connect()
                session.run("BEGIN")
                xid = session.one("SELECT pg_current_xact_id()::text")
                session.run("INSERT INTO clinic SELECT %s, id FROM healthlake_create_datastore(%s)",
                            number, f"store-{number}")
                sent = True
                self.commit()
                break
            except psycopg2.Error:
                self.session = None
                if sent and self.look([number], xid):
                    break
        self.shared.settle([number], True)

    def find(self, numbers):
        return self.session.one("SELECT count(*) FROM clinic WHERE n = %s", numbers[0])


class Caller(threading.Thread):
    """Runs CALL healthlake_run_queue() at times."""

    def __init__(self, shared, seed):
        super().__init__(daemon=True)
        self.shared = shared
        self.dice = random.Random(seed)
        self.runs = 0

    def run(self):
        while not self.shared.over:
            time.sleep(self.dice.random() * 2)
            try:
                session = Session(self.shared.cluster, options=QUIET)
                session.run("CALL healthlake_run_queue(20)")
                session.close()
                self.runs += 1
            except psycopg2.Error:
                pass


def victims(cluster, kind):
    """The processes of a kind."""
    wanted = {"client": lambda title: "[local]" in title and "CALL" not in title,
              "worker": lambda title: title.startswith("postgres: healthlake "),
              "CALL": lambda title: "[local] CALL" in title}[kind]
    return [pid for pid, title in cluster.children() if wanted(title)]


def kill_one(shared, dice, kinds):
    """Kills a process after a while."""
    kind = dice.choices(list(kinds), list(kinds.values()))[0]
    time.sleep(dice.expovariate(1 / 0.15))
    if kind == "postmaster":
        shared.cluster.kill()
        shared.killed[kind] += 1
        shared.cluster.start()
        return
    if kind == "client at COMMIT":
        shared.dead.clear()
        shared.at_commit.release()
        # a client that has taken the order is killed before the next kill; perhaps none has
        if not shared.dead.wait(2) and not shared.at_commit.acquire(blocking=False):
            shared.dead.wait()
        return
    found = until(lambda: victims(shared.cluster, kind), 2, 0.01)
    if found:
        shared.kill(dice.choice(found), kind)


def kill_all_along(shared, dice, kinds):
    """Kills until there were enough kills and requests."""
    end = time.monotonic() + 400
    while shared.killed.total() < shared.kills and time.monotonic() < end:
        kill_one(shared, dice, kinds)


def told(counter):
    """Formats counts."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items()))


def start(emulator, *statements):
    """A server with the extension, and a slow emulator."""
    emulator.reset()
    emulator.state(log_limit=100000)
    emulator.next(operation=CREATE, delay=DELAY, times="always")
    cluster = queue_cluster.make(emulator, healthlake__worker_databases="postgres",
                                 healthlake__worker_count="2", autovacuum="on")
    session = Session(cluster.start())
    for statement in ("CREATE EXTENSION healthlake", *statements):
        session.run(statement)
    session.close()
    return cluster


def compare(shared, rows, stores):
    """Compares committed requests, rows and data stores."""
    numbers = Counter(int(row[0]) for row in rows)
    tap.same(sorted(shared.committed - set(numbers)), [], "no committed request is lost")
    tap.same(sorted(set(numbers) - shared.committed), [],
             "there is no request that was not committed")
    tap.same([n for n, count in numbers.items() if count > 1], [], "no request exists twice")
    states = Counter(row[3] for row in rows)
    tap.same(dict(states), {"succeeded": len(rows)}, "every request has succeeded")
    tokens = Counter(store["Request"]["ClientToken"] for store in stores)
    names = Counter(store["DatastoreName"] for store in stores)
    tap.same([token for token in tokens if tokens[token] > 1], [], "no token has two data stores")
    tap.same(names, Counter(row[1] for row in rows), "one data store for each request, by name")
    tap.same(set(tokens), {row[2] for row in rows}, "one data store for each request, by token")
    ids = {store["DatastoreId"]: store["Request"]["ClientToken"] for store in stores}
    tap.same([row for row in rows if ids.get(row[4]) != row[2]], [], "each row has its data store")


def test_queue(emulator, seed):
    """The queue under kills."""
    dice = random.Random(seed)
    cluster = start(emulator)
    shared = Shared(cluster, REQUESTS, KILLS)
    clients = [Client(shared, dice.random()) for _ in range(CLIENTS)]
    caller = Caller(shared, dice.random())
    began = time.monotonic()
    for thread in (*clients, caller):
        thread.start()
    kill_all_along(shared, dice, VICTIMS)
    for thread in clients:
        thread.join(60)
    lasted = time.monotonic() - began
    shared.over = True
    until(lambda: ask(cluster, OPEN) == [(0,)], 60)
    rows = ask(cluster, ROWS) or []
    stores = emulator.stores()
    sent = sum(entry["operation"] == CREATE for entry in emulator.log())
    tap.say(f"{shared.killed.total()} kills ({told(shared.killed)}) in {lasted:.0f} s, "
            f"all done {time.monotonic() - began - lasted:.1f} s later")
    tap.say(f"{len(shared.committed)} requests committed, {len(shared.undone)} rolled back "
            f"or lost with their session; {sum(one.uncertain for one in clients)} sessions died at "
            f"COMMIT; {caller.runs} CALLs came to their end")
    tap.say(f"{len(rows)} rows, {sent} requests sent, {len(stores)} data stores")
    tap.ok(shared.killed.total() >= 100 and len(shared.committed) >= REQUESTS,
           f"at least 100 kills over {REQUESTS} requests")
    compare(shared, rows, stores)
    caller.join(10)
    cluster.stop()


def test_naive(emulator, seed):
    """Calls in the client's transaction, under the same kills."""
    dice = random.Random(seed)
    cluster = start(emulator, "CREATE TABLE clinic (n int PRIMARY KEY, datastore text)")
    shared = Shared(cluster, NAIVE_REQUESTS, NAIVE_KILLS)
    clients = [Naive(shared, dice.random()) for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    kill_all_along(shared, dice, NAIVE_VICTIMS)
    for thread in clients:
        thread.join(60)
    kept = {row[0] for row in ask(cluster, "SELECT datastore FROM clinic")}
    stores = {store["DatastoreId"] for store in emulator.stores()}
    extra = len(stores - kept)
    share = round(extra * 1000 / max(len(kept), 1))
    tap.say(f"the naive way: {shared.killed.total()} kills ({told(shared.killed)}), {len(kept)} "
            f"rows, {len(stores)} data stores, {extra} of which nobody knows")
    tap.say(f"the naive way makes {share} data stores too many in 1,000 requests with "
            f"{round(shared.killed.total() * 1000 / max(len(kept), 1))} kills")
    tap.ok(kept <= stores and extra > 0, "the naive way creates data stores that are not recorded")
    cluster.stop()


def main():
    """Both ways, with the same random seed."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(10 ** 6)
    tap.say(f"seed {seed}")
    emulator = client.emulator()
    test_queue(emulator, seed)
    test_naive(emulator, seed)
    emulator.stop()
    tap.end()


main()
