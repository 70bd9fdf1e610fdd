#!/usr/bin/python3
"""Hundreds of calls with different targets and roles in one run of the engine: how many are in
flight, what a delay before a retry blocks, and what ends all calls. And headers that no function
of the extension would send. A statement of the extension has one target and one role, so
test/engine/calls.c makes the calls.
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
FOUND = "400 ResourceNotFoundException"  # there is no data store, so the answer is an error
DELAY = 0.1

tap = Tap()


def run(session, endpoints, roles, count):
    """The outcomes of a run, counted."""
    with session.cursor() as cursor:
        cursor.execute("SELECT engine_calls(%s::text[], %s::text[], %s)",
                       (endpoints, roles, count))
        return Counter(cursor.fetchone()[0])


def make(session, statement):
    """Runs a statement without a result."""
    with session.cursor() as cursor:
        cursor.execute(statement)


def most_at_once(entries, seconds):
    """The maximum number of requests in flight, if each takes at least these seconds."""
    begins = sorted(entry["time"] for entry in entries)
    return max(sum(1 for other in begins if begin - seconds < other <= begin)
               for begin in begins)


def test_mixed(session, emulators):
    """300 calls to three endpoints by five roles, with sixteen in flight."""
    for emulator in emulators:
        emulator.next(operation=DESCRIBE, delay=DELAY, times="always")
    begin = time.monotonic()
    tap.same(run(session, [emulator.http for emulator in emulators], ROLES, 300),
             Counter({FOUND: 300}), "300 calls of one run are answered")
    spent = time.monotonic() - begin
    logs = [emulator.log(operation=DESCRIBE) for emulator in emulators]
    tap.same([len(log) for log in logs], [100, 100, 100], "a hundred at each endpoint")
    most = most_at_once([entry for log in logs for entry in log], 0.9 * DELAY)
    tap.same(most, 16, "the number in flight is healthlake.max_concurrency")
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
    """A call that waits for its retry frees its place for others."""
    make(session, "SET healthlake.max_concurrency = 1")
    make(session, "SET healthlake.max_attempts = 2")
    emulator.next(operation=DESCRIBE, status=503, body={"__type": "ServiceUnavailableException"},
                  headers={"x-amz-retry-after": "1500"})
    tap.same(run(session, [emulator.http], [], 10), Counter({FOUND: 10}),
             "one call of ten is throttled, and all are answered")
    tap.same([entry["attempt"] for entry in emulator.log(operation=DESCRIBE)], [1] * 10 + [2],
             "the others are sent while it waits")
    make(session, "SET healthlake.max_attempts = 1")
    make(session, "SET healthlake.max_concurrency = 16")
    emulator.reset()


def test_unreachable(session, emulator):
    """A call that fails immediately frees its place immediately."""
    make(session, "SET statement_timeout = '20s'")
    begin = time.monotonic()
    tap.same(run(session, ["https://127.0.0.1:1"], [], 300), Counter({"0 -": 300}),
             "300 calls fail when they are started")
    tap.ok(time.monotonic() - begin < 5, "without a wait", time.monotonic() - begin)
    begin = time.monotonic()
    outcomes = run(session, [emulator.ready["closed"], "http://127.0.0.1:1"], [], 300)
    spent = time.monotonic() - begin
    tap.same(outcomes, Counter({"0 -": 300}), "300 calls are refused by closed ports")
    tap.ok(spent < 5, "none waits for a call that has ended", spent)
    begin = time.monotonic()
    outcomes = run(session, [emulator.ready["closed"], emulator.http], [], 300)
    tap.same(outcomes, Counter({"0 -": 150, FOUND: 150}), "other calls are answered beside them")
    tap.ok(time.monotonic() - begin < 10, "also without a wait", time.monotonic() - begin)
    make(session, "RESET statement_timeout")
    emulator.reset()


def test_cancel(session, watch, emulator, mute):
    """A cancel ends all calls: in flight, waiting for keys, and waiting for a place."""
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


def test_heads(session, emulator):
    """Whether a call is signed or not, impossible headers and too many are not sent."""
    emulator.reset()

    def head(signed, *headers):
        with session.cursor() as cursor:
            cursor.execute("SELECT engine_head(%s::text[], %s::text[], %s)", (
                [name for name, _ in headers], [value for _, value in headers], signed))
            return cursor.fetchone()[0]

    make(session, f"SET healthlake.endpoint_url = '{emulator.http}'")
    for signed, how, status in ((True, "signed", "200 -"), (False, "unsigned", "400 -")):
        tap.same(head(signed, ("X-A", "b\tc \u00e9")), status, f"{how}: a header with a tab")
        tap.same(head(signed, *((f"X-{n}", "") for n in range(13))), status,
                 f"{how}: as many headers as there is room for")
        emulator.reset()
        for name, value in (("X-A", "b\r\nX-Evil: 1"), ("X-A", "b\nX-Evil: 1"), ("X-A", "b\r"),
                            ("X-A", "\x01"), ("X-A", "b\x7f"), ("X-A\r\nX-Evil", "b"),
                            ("X-A: b\nX-Evil", "c"), ("X A", "b"), ("X-A:", "b"), ("", "b"),
                            ("X-A", "b\r\n\r\nDELETE / HTTP/1.1\r\nHost: localhost\r\nX: y")):
            tap.same(head(signed, (name, value)), "0 a header has an impossible name or value",
                     f"{how}: {name!r}: {value!r}")
        for count in (14, 17, 25, 64, 3000):
            tap.same(head(signed, *((f"X-{n}", "v") for n in range(count))),
                     "0 the request has too many headers", f"{how}: {count} headers")
        tap.same(len(emulator.log()), 0, f"{how}: none of that was sent")
    emulator.reset()


def main():
    """All checks, on a separate server."""
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
            make(session, "CREATE FUNCTION engine_head(text[], text[], boolean) RETURNS text"
                          f" LANGUAGE c AS '{TARGET}', 'engine_head'")
            test_heads(session, first)
            test_mixed(session, [first, second, third])
            make(session, "RESET healthlake.role_arn")
            test_rest(session, first)
            test_unreachable(session, first)
            test_cancel(session, watch, first, second)
    tap.end()


main()
