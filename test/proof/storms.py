#!/usr/bin/python3
"""Storms of cancels, terminations and timeouts, at random moments of calls that hang in every way.

Several sessions call a fault server that plays the hanging kinds of the catalogue, and are struck
meanwhile; once with processors that have nothing else to do, once with more work than processors.
Then the postmaster is killed, databases are dropped, and clients vanish, beside calls that hang.
How long each took is a table. Held: PostgreSQL's own SQLSTATE, the token of what was sent, that a
session works afterwards, and neither descriptors nor memory more.

Without arguments some thirty strikes; --long makes 10,000.
"""

import contextlib
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import fault_fhir  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import
import fault_kinds  # noqa: E402  pylint: disable=wrong-import-position
import fault_tls  # noqa: E402  pylint: disable=wrong-import-position
from certificate import Authority  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from fault_server import Server  # noqa: E402  pylint: disable=wrong-import-position
from fault_session import Session, environment_of  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

LONG = "--long" in sys.argv or bool(os.environ.get("HEALTHLAKE_TEST_LONG"))
STRIKES = 10000 if LONG else 30
SESSIONS = 8 if LONG else 3
OTHERS = 40 if LONG else 1  # kills of the postmaster, DROP DATABASE, vanished clients
LONGEST_WAIT = 0.06
# on a busy machine
MEDIAN, WORST = 1.0, 15.0
# operations with a token
TOKENED = {"change": "SELECT healthlake_create_datastore('fault', client_token => '{}')",
           "fhir_create": "SELECT healthlake_fhir_create('{{\"resourceType\": \"Patient\"}}', "
                          "'{}')"}
WAYS = {"cancel": signal.SIGINT, "terminate": signal.SIGTERM, "statement_timeout": None}

tap = Tap()


class Striker(threading.Thread):
    """A session that is interrupted repeatedly."""

    def __init__(self, storm, number, count):
        super().__init__(daemon=True)
        self.storm, self.count = storm, count
        self.random = random.Random(number)
        self.server = Server(storm.contexts)
        self.session = None
        self.observer = storm.cluster.connect().cursor()
        self.times = {way: [] for way in WAYS}
        self.faults = []

    def connect(self):
        """Connects, with timeouts of a minute."""
        self.session = Session(self.storm.cluster, self.server, self.storm.authority.ca)
        for name in ("request_timeout", "connect_timeout"):
            self.session.cursor.execute(f"SET healthlake.{name} = '60s'")

    def run(self):
        self.connect()
        for _ in range(self.count):
            kind, face, route = self.random.choice(self.storm.cases)
            way = self.random.choice(list(WAYS))
            try:
                self.strike(kind, face, route, way)
            except psycopg2.Error as error:
                # a statement_timeout of 1 ms would also cancel the statement that resets it
                if error.pgcode != "57014":
                    self.faults.append(f"{kind.name}, {face}, {route}, {way}: {error}")
                self.connect()
        self.check()

    def strike(self, kind, face, route, way):
        """One call, and its end."""
        session = self.session
        session.go(route, face)
        self.server.arm(face if kind.stage == "reply" else None, kind.fault, kind.stage,
                        {"tunnel": "tls"}.get(route, route), kind.context)
        wait = self.random.random() ** 2 * LONGEST_WAIT
        if way == "statement_timeout":
            wait = max(1, int(wait * 1000)) / 1000
            session.cursor.execute(f"SET statement_timeout = {wait * 1000:.0f}")
            state, error, took = session.run(face)
            self.end(kind, way, state, error, took - wait)
            session.cursor.execute("RESET statement_timeout")
            return
        struck, sent, token = [], [], str(uuid.uuid4())

        def hit():
            self.watch()  # a cancel before the statement has no effect
            sent.extend(self.server.seen)
            struck.append(time.monotonic())
            os.kill(session.pid, WAYS[way])

        timer = threading.Timer(wait, hit)
        timer.start()
        statement = TOKENED[face].format(token) if face in TOKENED else None
        state, error, _ = session.run(face, statement)
        ended = time.monotonic()
        timer.join()
        self.end(kind, way, state, error, ended - struck[0])
        if way == "terminate":
            session.connection.close()
            self.connect()
        elif token in sent and token not in (error.diag.context or ""):
            self.faults.append(f"{kind.name}, {way}: without the token: {error.diag.context}")

    def watch(self):
        """Waits until the statement has begun."""
        for _ in range(5000):
            self.observer.execute("SELECT state FROM pg_stat_activity WHERE pid = %s",
                                  [self.session.pid])
            if self.observer.fetchone() == ("active",):
                break
            time.sleep(0.001)

    def end(self, kind, way, state, error, took):  # pylint: disable=too-many-arguments
        """Records the end of a call, and the time since the interrupt."""
        self.times[way].append(took)
        own = ("57P01", None) if way == "terminate" else ("57014",)
        if error is None or state not in own:
            self.faults.append(f"{kind.name}, {way}: it ended in {state}: {error}")
        if took > WORST:
            self.faults.append(f"{kind.name}, {way}: it took {took:.1f} s")

    def check(self):
        """Checks that the session works and has lost nothing, and that no call hangs."""
        self.server.arm()
        session = self.session
        for face, route in (("read", "plain"), ("read", "tls"), ("sts", "plain")):
            session.go(route, face)
            if (state := session.run(face)[0]) is not None:
                self.faults.append(f"the last call ends in {state}")
        before, memory = session.descriptors(), None
        for number in range(40 if LONG else 4):
            kind, face, route = self.random.choice(self.storm.cases)
            self.strike(kind, face, route, "cancel")
            memory = session.memory() if number == 19 else memory
        self.server.arm()
        session.go("plain", "read")
        session.run("read")
        if session.descriptors() > before + 1:
            self.faults.append(f"{session.descriptors() - before} descriptors more")
        if memory is not None and session.memory() - memory > 1024:
            self.faults.append(f"{session.memory() - memory} kB more")
        session.connection.close()


class Storm:
    """The server and the hanging calls."""

    def __init__(self, cluster, authority, contexts):
        self.cluster, self.authority, self.contexts = cluster, authority, contexts
        self.cases = [(kind, face, route) for kind in fault_kinds.TABLE if kind.slow
                      for route in kind.routes for face in kind.faces
                      if kind.name != "stream: silence after its end"]
        self.rows = []

    def blow(self, load, count):
        """Runs a storm, and prints its rows of the table."""
        strikers = [Striker(self, number, count // SESSIONS) for number in range(SESSIONS)]
        for striker in strikers:
            striker.start()
        for striker in strikers:
            striker.join()
        faults = [fault for striker in strikers for fault in striker.faults]
        tap.ok(not faults, f"{count} strikes, {load}: each ends as it should", *faults[:10])
        for way in WAYS:
            self.add(f"{way}", load, [took for striker in strikers for took in striker.times[way]])

    def add(self, what, load, times):
        """A row of the table."""
        if not times:
            return
        times = sorted(max(0.0, took) for took in times)
        self.rows.append((what, load, len(times), statistics.median(times),
                          times[int(len(times) * 0.99)], times[-1]))
        tap.ok(self.rows[-1][3] < MEDIAN, f"{what}, {load}: in the middle at once", times)

    def hang(self, count):
        """Sessions that hang, each in a different way."""
        hanging = []
        for kind, face, route in random.Random(count).sample(self.cases, count):
            striker = Striker(self, 0, 0)
            striker.connect()
            striker.session.go(route, face)
            striker.server.arm(face if kind.stage == "reply" else None, kind.fault, kind.stage,
                               {"tunnel": "tls"}.get(route, route), kind.context)
            threading.Thread(target=striker.session.run, args=(face,), daemon=True).start()
            hanging.append(striker)
        time.sleep(0.2)
        return hanging

    def kill_postmaster(self):
        """After the postmaster is killed, the backends exit."""
        times = []
        for _ in range(OTHERS):
            hanging = self.hang(4)
            began = time.monotonic()
            self.cluster.kill()
            times += [when_gone(striker.session.pid) - began for striker in hanging]
            self.cluster.start()
        self.add("postmaster killed", "idle", times)

    def drop_databases(self):
        """DROP DATABASE of another database, which waits for every backend."""
        hanging, times = self.hang(4), []
        cursor = self.cluster.connect().cursor()
        for _ in range(OTHERS):
            cursor.execute("CREATE DATABASE other")
            began = time.monotonic()
            cursor.execute("DROP DATABASE other")
            times.append(time.monotonic() - began)
        self.terminate(hanging)
        self.add("DROP DATABASE", "idle", times)

    def lose_clients(self):
        """A client vanishes; PostgreSQL checks for it each 50 ms."""
        times = []
        for _ in range(OTHERS):
            hanging = self.hang(4)
            began = time.monotonic()
            for striker in hanging:
                with socket.socket(fileno=os.dup(striker.session.connection.fileno())) as wire:
                    wire.shutdown(socket.SHUT_RDWR)
            times += [when_gone(striker.session.pid) - began for striker in hanging]
        self.add("client vanished", "idle", times)

    @staticmethod
    def terminate(hanging):
        """Terminates the hanging sessions."""
        for striker in hanging:
            with contextlib.suppress(ProcessLookupError):
                os.kill(striker.session.pid, signal.SIGTERM)


def when_gone(pid, limit=30):
    """The time at which a process has ended."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            break
        if stat.rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.001)
    return time.monotonic()


@contextlib.contextmanager
def busy():
    """Keeps all processors busy."""
    work = [subprocess.Popen([sys.executable, "-c",  # pylint: disable=consider-using-with
                              "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n"
                              "    sum(range(100000))"]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for process in work:
            process.kill()
            process.wait()


def main():
    """All storms."""
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
    authority = Authority(folder)
    contexts = fault_tls.contexts(authority)
    with Cluster(folder / "server", environment=environment_of(Server(contexts)), settings={
            "client_connection_check_interval": "50ms", "max_connections": "60",
            "shared_preload_libraries": "healthlake"}) as cluster:
        with cluster.connect() as session, session.cursor() as cursor:
            cursor.execute("CREATE EXTENSION healthlake")
        storm = Storm(cluster, authority, contexts)
        storm.blow("idle", STRIKES // 2)
        with busy():
            storm.blow("busy", STRIKES // 2)
        storm.drop_databases()
        storm.lose_clients()
        storm.kill_postmaster()
        log = cluster.log()
        tap.ok("terminated by signal" not in log and "PANIC" not in log, "no process crashes")
    tap.say("| what | processors | times | p50, ms | p99, ms | max, ms |")
    for what, load, count, *times in storm.rows:
        tap.say(f"| {what} | {load} | {count} | " +
                " | ".join(f"{took * 1000:.1f}" for took in times) + " |")
    tap.say("figure: ended after (p50 / p99 / max, ms) " + "; ".join(
        f"{what}, {load}: {' / '.join(f'{took * 1000:.1f}' for took in times)} ({count} times)"
        for what, load, count, *times in storm.rows))
    tap.end()


main()
