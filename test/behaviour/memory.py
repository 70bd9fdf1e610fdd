#!/usr/bin/python3
"""A backend that makes many calls uses no more memory at the end than after the first of them.

A short form of what test/bench/run measures over 100,000 calls: memory and descriptors after
successful calls on a kept connection, over HTTP and TLS; calls with a connection each; calls that
AWS refuses; and calls whose reply is lost.
"""

import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator", "bench")]

import bench  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

LIMIT = 256  # kB: the size of a few memory pages
KEPT = 1  # descriptors: whether the server has closed the last connection yet is chance

tap = Tap()

REFUSED = """
DO $$ BEGIN
    FOR i IN 1 .. %d LOOP
        BEGIN
            PERFORM healthlake_create_datastore('bench');
            RAISE 'it was not refused';
        EXCEPTION WHEN invalid_parameter_value OR SQLSTATE '38M01' THEN
        END;
    END LOOP;
END $$"""


def holds(session, url, what, warm, calls):
    """Makes calls twice; the second time memory must not grow."""
    session.run(f"SET healthlake.endpoint_url = '{url}'")
    session.run(warm)
    memory, descriptors = session.memory(), session.descriptors()
    session.run(calls)
    grown, more = session.memory() - memory, session.descriptors() - descriptors
    tap.ok(grown < LIMIT and more <= KEPT, f"{what}: no memory and no descriptor is lost",
           f"{grown} kB, {more} descriptors more")
    tap.say(f"{grown} kB, {more} descriptors more than before")


def loop(count):
    """Makes a number of successful calls."""
    return f"CALL loop_of_calls({count})"


def main():
    """All kinds of calls."""
    fast = bench.Fast(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
    emulator = client.emulator()
    session = bench.Session(fast)
    holds(session, fast.http, "2,000 calls on a kept connection", loop(500), loop(2000))
    holds(session, fast.https, "2,000 calls over TLS", loop(500), loop(2000))
    session.run("SET healthlake.max_attempts = 1")
    session.run(f"SET healthlake.ca_bundle = '{emulator.ca}'")
    emulator.next(operation="CreateFHIRDatastore", close=True, times="always")
    holds(session, emulator.https, "100 calls, each over TLS of its own", loop(50), loop(100))
    emulator.reset()
    emulator.next(operation="CreateFHIRDatastore", error="ValidationException", times="always")
    holds(session, emulator.http, "300 refusals", REFUSED % 100, REFUSED % 300)
    emulator.reset()
    emulator.next(operation="CreateFHIRDatastore", reset=True, cut=100, times="always")
    holds(session, emulator.http, "300 lost replies", REFUSED % 100, REFUSED % 300)
    fast.stop()
    emulator.stop()
    tap.end()


main()
