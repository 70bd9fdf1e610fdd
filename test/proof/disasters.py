#!/usr/bin/python3
"""What the queue makes of disasters: each request is carried out once, or is told as unknown.

A worker that is stopped in the middle of its requests, past its lease, and goes on when others
have taken them. With HEALTHLAKE_TEST_LONG=1 the lease is as long as it really is, and there is
more: a table that cannot grow in the middle of sending, a disk that is full, a clock that steps by
hours and days (Debian's faketime), and a server that is restored from a base backup and its archive
to the moment before the sending.
"""

import ctypes
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster, bindir  # noqa: E402  pylint: disable=wrong-import-position
from mixed import BLIND, DELETE, NO_TOKEN, ROWS, TAG, Mixed  # noqa: E402  pylint: disable=C0413
from queue_cluster import OPEN, Session, ask, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

LONG = bool(os.environ.get("HEALTHLAKE_TEST_LONG"))
SEGMENT = 1024 * 1024
DISK = 96 * 1024 * 1024  # bytes
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000  # linux/sched.h
REQUESTS = 440
DELAY = 0.1
PATIENCE = 300
WORKERS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'healthlake worker'"
# as if the lease had expired; the long form waits for that
OVER = """UPDATE healthlake_request SET lease_until = clock_timestamp() - interval '1 second'
    WHERE state = 'running'"""
UNDER_WAY = """SELECT (reference ->> 'n')::int FROM healthlake_request
    WHERE finished_at IS NULL AND attempts > 0"""
FAKETIME = "/usr/lib/*-linux-gnu/faketime/libfaketimeMT.so.1"

tap = Tap()
table = []


class Case:
    """A disaster: its requests, and the server that sends them."""

    def __init__(self, emulator, what, environment=None, count=REQUESTS, first=None, **more):
        # pylint: disable=too-many-arguments
        self.what = what
        self.emulator = emulator
        emulator.reset()
        self.requests = Mixed(emulator, random.Random(what), count)
        if first:
            self.requests.slow(first, once=True)
        self.requests.slow(DELAY)
        self.count = count
        self.cluster = queue_cluster.make(
            emulator, environment, healthlake__datastore_id=self.requests.clinic,
            healthlake__request_timeout="5s", **{"healthlake__worker_databases": "postgres",
                                                 **more})

    def create_extension(self):
        """Creates the extension in the running server."""
        with closing(Session(self.cluster)) as session:
            session.run("CREATE EXTENSION healthlake")

    def enqueue(self):
        """Enqueues all requests in one transaction, and waits until some were sent."""
        with closing(Session(self.cluster)) as session:
            session.run("BEGIN")
            for number in range(self.count):
                session.run(*self.requests.enqueue(number))
            session.run("COMMIT")

    def under_way(self, count):
        """Waits until a number of requests has arrived."""
        return self.emulator.log(0, None, count=count, wait=30)

    def finish(self, cluster=None, spared=(), again=()):
        """Waits until all is over, and holds the rows against what has arrived.

        Kinds that may be sent again are those that change nothing a second time. Requests that
        are spared may be unknown although they have a token.
        """
        cluster = cluster or self.cluster
        over = until(lambda: ask(cluster, OPEN) == [(0,)], PATIENCE, 0.1)
        rows = ask(cluster, ROWS) or []
        effects = self.requests.effects()
        twice = [(row[:3], effects[row[0]]) for row in rows
                 if effects[row[0]] > 1 and row[1] not in again]
        unknown = [row for row in rows if row[2] == "unknown"]
        what = self.what
        tap.ok(over, f"{what}: every request comes to an end",
               ask(cluster, "SELECT * FROM healthlake_stuck_requests LIMIT 3"),
               cluster.log()[-1500:])
        tap.same(sorted(row[0] for row in rows), list(range(self.count)), f"{what}: none is lost")
        tap.same(twice, [], f"{what}: none has had its effect twice")
        # what has been deleted before cannot be deleted
        tap.same([row for row in rows if row[2] not in ("succeeded", "unknown")
                  and (row[1], row[2]) != (*again[:1], "failed")], [],
                 f"{what}: each has succeeded, or is unknown")
        tap.same([row for row in unknown if row[1] not in (*NO_TOKEN, *BLIND)
                  and row[0] not in spared], [],
                 f"{what}: what has a token, or can be looked for, is never unknown")
        tap.same([row[:3] for row in rows if row[2] == "succeeded" and effects[row[0]] < 1], [],
                 f"{what}: each that has succeeded has had its effect")
        kinds = Counter(row[1] for row in unknown)
        more = f", {sum(effects[row[0]] > 1 for row in rows)} sent again" if again else ""
        table.append(f"figure: {what}: {len(rows)} requests, {self.count - len(rows)} lost, "
                     f"{len(twice)} twice, {len(unknown)} unknown {dict(kinds) or ''}{more}")


# ------------------------------------------------------------ a stopped worker

def rests(session, pid):
    """Whether a worker only waits for replies, so that it holds no lock."""
    return session.run("SELECT wait_event_type = 'Extension' AND backend_xmin IS NULL"
                       " FROM pg_stat_activity WHERE pid = %s", pid) == [(True,)]


def stopped(emulator):
    """A worker is stopped past its lease, another sends its requests, and then it continues."""
    case = Case(emulator, "a worker that is stopped", healthlake__worker_databases="",
                count=11, first=10)
    with case.cluster as cluster:
        case.create_extension()
        case.enqueue()
        case.under_way(10)
        with closing(Session(cluster)) as session:
            pid = session.one(WORKERS)
            tap.ok(until(lambda: rests(session, pid), 8), f"{case.what}: it waits for replies",
                   session.run("SELECT * FROM pg_stat_activity WHERE pid = %s", pid))
            os.kill(pid, signal.SIGSTOP)
            held = session.one("SELECT count(*) FROM healthlake_request WHERE state = 'running'")
            took = time.monotonic()
            if not LONG:
                session.run(OVER)
            until(lambda: session.run("CALL healthlake_run_queue()") or session.one(OPEN) == 0,
                  PATIENCE, 0.3)
            took = time.monotonic() - took
            before = session.run("SELECT * FROM healthlake_request ORDER BY id")
            os.kill(pid, signal.SIGCONT)
            until(lambda: session.run(WORKERS) == [], 20)
            tap.ok(held > 0 and before == session.run(
                "SELECT * FROM healthlake_request ORDER BY id"),
                   f"{case.what}: of the {held} that it had, it changes none when it goes on")
            if LONG:
                tap.ok(took > 120, f"{case.what}: nobody takes them before its lease is over", took)
        case.finish()


# -------------------------------------------------------------- a full disk

def limit(cluster, size):
    """Limits the size of files of the server's processes."""
    for pid in cluster.left():
        with suppress(OSError, ValueError):
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def swell(session):
    """Makes the table of requests larger than a WAL segment."""
    while session.one("SELECT pg_relation_size('healthlake_request')") <= SEGMENT:
        session.run("UPDATE healthlake_request SET run_after = run_after + interval '1 us'")


def full(emulator):
    """The table cannot grow during sending; then there is space again."""
    case = Case(emulator, "no space for the table", segment=1, healthlake__worker_databases="",
                healthlake__autostart_worker="off")
    with case.cluster as cluster:
        case.create_extension()
        case.enqueue()
        with closing(Session(cluster)) as old, closing(Session(cluster)) as session:
            # an old snapshot prevents VACUUM from freeing space
            old.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
            old.run("SELECT count(*) FROM healthlake_request")
            swell(session)
            session.run("SET healthlake.autostart_worker = on")
            session.run("SELECT healthlake_enqueue_create_datastore('wakes', run_after => now()"
                        " + interval '1 hour')")
            case.under_way(5)
            limit(cluster, SEGMENT)
            tap.ok(until(lambda: "could not extend file" in cluster.log()),
                   f"{case.what}: the server says so", cluster.log()[-1500:])
            time.sleep(5)
            before = len(emulator.log())
            time.sleep(1)
            tap.ok(len(emulator.log()) - before <= 2, f"{case.what}: what cannot be claimed is not"
                   " sent", [entry["operation"] for entry in emulator.log(before)])
            limit(cluster, resource.RLIM_INFINITY)
            session.run("SELECT healthlake_cancel_request(max(id)) FROM healthlake_request")
            session.run("SET session_replication_role = replica")
            session.run("DELETE FROM healthlake_request WHERE state = 'cancelled'")
            old.run("ROLLBACK")
            until(lambda: session.run("CALL healthlake_run_queue()") or session.one(OPEN) == 0,
                  PATIENCE, 0.3)
        tap.ok("PANIC" not in cluster.log(), f"{case.what}: and goes on")
        case.finish()


def mount_disk(folder, size):
    """Mounts a file system of its own, in memory, which this process and its children see.

    unshare(2) makes the namespaces, in which an ordinary user may mount(2).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0:
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
        if libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0,
                      f"size={size},mode=0700".encode()) == 0:
            return
    raise OSError(ctypes.get_errno(), "no file system can be mounted")


def fill(folder):
    """Writes a file until there is no space for another byte; returns it."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1024 * 1024, 4096, 1):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
    return filler


def full_disk(emulator):
    """No space on the server's disk; it goes on, or is restarted, when there is space."""
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
    (folder / "cluster").mkdir()
    mount_disk(folder / "cluster", DISK)
    case = Case(emulator, "a disk that is full", folder=folder, segment=1)
    with case.cluster as cluster:
        case.create_extension()
        case.enqueue()
        case.under_way(20)
        filler = fill(folder / "cluster")
        found = until(lambda: "No space left on device" in cluster.log(), 30)
        tap.ok(found, f"{case.what}: the server says so", cluster.log()[-1000:])
        time.sleep(5)
        tap.ok(ask(cluster, OPEN) in (None, []) or ask(cluster, OPEN)[0][0] > 0,
               f"{case.what}: requests are still open")
        filler.unlink()
        if not until(lambda: ask(cluster, OPEN), 5):
            cluster.stop()
            cluster.start()
        tap.say(f"{case.what}: PANIC {cluster.log().count('PANIC')} times, "
                f"no space {cluster.log().count('No space left on device')} times")
        case.finish()


# ------------------------------------------------------------------ the clock

def clock(emulator):
    """The wall clock is changed by hours and days, in both directions, during sending."""
    found = sorted(Path("/").glob(FAKETIME.lstrip("/")))
    if not found:
        tap.skip("a clock that steps", "libfaketime is not installed: Debian's package faketime")
        return
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
    file = folder / "offset"
    file.write_text("+0\n", "ascii")
    environment = {**os.environ, "LD_PRELOAD": str(found[0]), "FAKETIME_NO_CACHE": "1",
                   "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                   "DONT_FAKE_MONOTONIC": "1"}
    case = Case(emulator, "a clock that steps", environment)
    emulator.state(tolerance=10 ** 9)
    with case.cluster as cluster:
        case.create_extension()
        case.enqueue()
        steps, old = 0, set()
        for number, step in enumerate(("+2h", "-3h", "+1d", "-1d", "+10m", "-30d", "+0")):
            case.under_way(15 + 30 * number)
            (folder / "new").write_text(step + "\n", "ascii")
            (folder / "new").rename(file)
            time.sleep(0.5)
            shown = ask(cluster, "SELECT extract(epoch FROM clock_timestamp())::float")
            steps += abs(shown[0][0] - time.time()) > 300
            if number % 2 == 0:  # a step forwards: a token is older than an hour, by that clock
                old |= {row[0] for row in ask(cluster, UNDER_WAY)}
        tap.same(steps, 6, f"{case.what}: the server's does")
        case.finish(spared=old)


# ---------------------------------------------------------------- restoring

def restored(emulator, forgotten=False, fence=False):
    """A server is restored to the time before all requests were sent successfully."""
    what = "restored to before the sending" + ", with tokens forgotten" * forgotten + (
        ", with a fence" * fence)
    archive = Path(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
    case = Case(emulator, what, archive_mode="on", archive_command=f"cp %p {archive}/%f",
                healthlake__worker_databases="", healthlake__autostart_worker="off")
    with case.cluster as cluster:
        case.create_extension()
        copy = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
        subprocess.run([bindir() / "pg_basebackup", "-h", cluster.folder / "socket", "-U",
                        "postgres", "-D", Path(copy) / "cluster", "-c", "fast", "--no-sync",
                        "--no-manifest"], check=True, stdout=subprocess.DEVNULL)
        case.enqueue()
        with closing(Session(cluster)) as session:
            session.run("SELECT pg_create_restore_point('before')")
            session.run("SET client_min_messages = error")
            until(lambda: session.run("CALL healthlake_run_queue()") or session.one(OPEN) == 0,
                  PATIENCE)
            tap.same(session.run("SELECT DISTINCT state FROM healthlake_request"),
                     [("succeeded",)], f"{what}: all was sent and has succeeded")
            session.run("SELECT pg_switch_wal()")
            until(lambda: session.one("SELECT archived_count > 0 AND last_archived_wal >="
                                      " pg_walfile_name(pg_current_wal_lsn() - 1)"
                                      " FROM pg_stat_archiver"), 20)
    if forgotten:
        emulator.state(token_lifetime=0)
    second = take_copy(case.cluster, copy, archive)
    with second:
        until(lambda: ask(second, "SELECT pg_is_in_recovery()") == [(False,)], PATIENCE)
        tap.same(ask(second, "SELECT DISTINCT state FROM healthlake_request"), [("queued",)],
                 f"{what}: in the restored server nothing was")
        before = len(emulator.log())
        if fence:
            second.configure("healthlake.fence = 'restored'")
        second.configure("healthlake.worker_databases = 'postgres'")
        second.stop(signal.SIGINT)
        second.start()
        if fence:
            until(lambda: ask(second, WORKERS))
            time.sleep(3)
            tap.same(emulator.log(before), [], f"{what}: nothing is sent")
        else:
            case.finish(second, again=(DELETE, TAG))


def take_copy(origin, folder, archive):
    """A server from a base backup that recovers to the restore point."""
    second = object.__new__(Cluster)
    second.folder = Path(folder)
    second.environment, second.process = origin.environment, None
    (second.folder / "socket").mkdir(mode=0o700)
    second.configure(f"unix_socket_directories = '{second.folder}/socket'\n"
                     f"restore_command = 'cp {archive}/%f %p'\narchive_mode = off\n"
                     "recovery_target_name = 'before'\nrecovery_target_action = 'promote'")
    (second.folder / "cluster" / "recovery.signal").touch()
    return second


def main():
    """All disasters."""
    emulator = client.emulator()
    stopped(emulator)
    if LONG:
        full(emulator)
        full_disk(emulator)
        clock(emulator)
        restored(emulator)
        restored(emulator, forgotten=True)
        restored(emulator, fence=True)
    for line in table:
        tap.say(line)
    emulator.stop()
    tap.end()


main()
