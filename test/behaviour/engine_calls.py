#!/usr/bin/python3
"""Hundreds of calls of different targets and roles in one run of the engine.

How many are in flight, what a rest holds up, what ends them all. One statement of the extension's
has one target and one role, so test/engine/calls.c makes the calls.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python"), str(ROOT / "test" / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
from client import Emulator  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

TARGET = ROOT / "test" / "engine" / "calls.so"
DESCRIBE = "DescribeFHIRDatastore"
ROLES = [f"arn:aws:iam::123456789012:role/reader{i}" for i in range(5)]
FOUND = "400 ResourceNotFoundException"  # no data store is there, which is an answer
DELAY = 0.1

tap = Tap()


def run(session, endpoints, roles, count):
    """The outcomes of a run, counted."""
    with session.cursor() as cursor:
        cursor.execute("SELECT engine_calls(%s::text[], %s::text[], %s)",
                       (endpoints, roles, count))
        return Counter(cursor.fetchone()[0])


def make(session, statement):
    """Runs a statement that gives nothing."""
    with session.cursor() as cursor:
        cursor.execute(statement)


def most_at_once(entries, seconds):
    """How many requests were in flight together: each is so for these seconds at least."""
    begins = sorted(entry["time"] for entry in entries)
    return max(sum(1 for other in begins if begin - seconds < other <= begin)
               for begin in begins)


def test_mixed(session, emulators):
    """300 calls at three endpoints by five roles, of which sixteen are in flight."""
    for emulator in emulators:
        emulator.next(operation=DESCRIBE, delay=DELAY, times="always")
    begin = time.monotonic()
    tap.same(run(session, [emulator.http for emulator in emulators], ROLES, 300),
             Counter({FOUND: 300}), "300 calls of one run are answered")
    spent = time.monotonic() - begin
    logs = [emulator.log(operation=DESCRIBE) for emulator in emulators]
    tap.same([len(log) for log in logs], [100, 100, 100], "a hundred at each endpoint")
    most = most_at_once([entry for log in logs for entry in log], 0.9 * DELAY)
    tap.same(most, 16, "as many are in flight as healthlake.max_concurrency says, and no more")
    tap.say(f"300 calls in {spent:.1f} s")
    tap.same([len(emulator.log(operation="AssumeRole")) for emulator in emulators], [5] * 3,
             "each STS is asked once for each role")
    keys = Counter(header[1].split("Credential=")[1].split("/")[0] for log in logs
                   for entry in log for header in entry["headers"]
                   if header[0].lower() == "authorization")
    tap.same(sorted(keys.values()), [20] * 15, "each call is signed by its own role")
    for emulator in emulators:
        emulator.reset()


def test_rest(session, emulator):
    """A call that rests before its second attempt leaves its place to others."""
    make(session, "SET healthlake.max_concurrency = 1")
    make(session, "SET healthlake.max_attempts = 2")
    emulator.next(operation=DESCRIBE, status=503, body={"__type": "ServiceUnavailableException"},
                  headers={"x-amz-retry-after": "1500"})
    tap.same(run(session, [emulator.http], [], 10), Counter({FOUND: 10}),
             "one call of ten is throttled, and all are answered")
    tap.same([entry["attempt"] for entry in emulator.log(operation=DESCRIBE)], [1] * 10 + [2],
             "the others are sent while it rests")
    make(session, "SET healthlake.max_attempts = 1")
    make(session, "SET healthlake.max_concurrency = 16")
    emulator.reset()


def test_unreachable(session, emulator):
    """A call that ends at once gives its place to the next one at once."""
    make(session, "SET statement_timeout = '20s'")
    begin = time.monotonic()
    tap.same(run(session, ["https://127.0.0.1:1"], [], 300), Counter({"0 -": 300}),
             "300 calls end when they are started")
    tap.ok(time.monotonic() - begin < 5, "nothing is waited for", time.monotonic() - begin)
    begin = time.monotonic()
    outcomes = run(session, [emulator.ready["closed"], "http://127.0.0.1:1"], [], 300)
    spent = time.monotonic() - begin
    tap.same(outcomes, Counter({"0 -": 300}), "300 calls are refused by closed ports")
    tap.ok(spent < 5, "none waits for what has ended", spent)
    begin = time.monotonic()
    outcomes = run(session, [emulator.ready["closed"], emulator.http], [], 300)
    tap.same(outcomes, Counter({"0 -": 150, FOUND: 150}), "beside them others are answered")
    tap.ok(time.monotonic() - begin < 10, "at once, too", time.monotonic() - begin)
    make(session, "RESET statement_timeout")
    emulator.reset()


def test_cancel(session, watch, emulator, mute):
    """A cancel ends all: those in flight, those that wait for keys, and those for a place."""
    emulator.next(operation=DESCRIBE, silence=True, times="always")
    mute.next(operation="AssumeRole", silence=True, times="always")
    told = []

    def call():
        try:
            run(session, [emulator.http, mute.http], ROLES[:1], 300)
        except psycopg2.Error as error:
            told.append(error.pgcode)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    tap.same(len(emulator.log(operation=DESCRIBE, count=16, wait=10)), 16,
             "sixteen are in flight while others wait for STS")
    begin = time.monotonic()
    with watch.cursor() as cursor:
        cursor.execute("SELECT pg_cancel_backend(%s)", [session.info.backend_pid])
    thread.join(20)
    tap.same(told, ["57014"], "the statement is cancelled")
    tap.ok(time.monotonic() - begin < 4, "at once", time.monotonic() - begin)
    time.sleep(0.3)
    tap.same(len(emulator.log(operation=DESCRIBE)), 16, "and nothing is sent after it")
    emulator.reset()
    make(session, "RESET healthlake.role_arn")
    tap.same(run(session, [emulator.http], [], 20), Counter({FOUND: 20}), "the next run works")


def main():
    """On a server of its own."""
    done = subprocess.run(["make", "-s", "test/engine/calls.so"], cwd=ROOT, text=True,
                          capture_output=True, check=False)
    if done.returncode:
        tap.ok(False, "the library is built", done.stderr)
        tap.end()
        return
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEALTHLAKE_WORK")) as folder, \
            Emulator() as first, Emulator() as second, Emulator() as third:
        settings = {"healthlake.region": "us-east-1", "healthlake.max_concurrency": "16",
                    "healthlake.access_key_id": first.access_key_id,
                    "healthlake.secret_access_key": first.secret_access_key,
                    "healthlake.max_attempts": "1"}
        with Cluster(Path(folder) / "server", settings=settings) as cluster:
            session, watch = cluster.connect(), cluster.connect()
            make(session, "CREATE FUNCTION engine_calls(text[], text[], int) RETURNS text[]"
                          f" LANGUAGE c AS '{TARGET}', 'engine_calls'")
            test_mixed(session, [first, second, third])
            make(session, "RESET healthlake.role_arn")
            test_rest(session, first)
            test_unreachable(session, first)
            test_cancel(session, watch, first, second)
    tap.end()


main()
