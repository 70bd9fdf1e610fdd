#!/usr/bin/python3
"""Many calls in one statement are sent in the order given, and few of their rows wait in memory.

A row is returned when those of all calls before it are. So a call must not be left behind by later
ones, and later ones must not go far ahead of one that is slow.
"""

import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator", "bench")]

import client  # noqa: E402  pylint: disable=wrong-import-position
from bench_fhir import peak  # noqa: E402  pylint: disable=wrong-import-position
from session import connect, run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

STORE = "0123456789abcdef0123456789abcdef"
MOST = 4  # in flight
LATE = 64  # places: arrivals are in order but for a few, as the emulator's threads compete
SIZE = 200000  # bytes of a large resource
LIMIT = 32000  # kB that a statement may need beside its replies
READ = ("SELECT ordinal FROM healthlake_fhir_read_many('Patient', ARRAY(SELECT 'p' || i"
        " FROM generate_series(1, %s) AS i))")
CALL = ("SELECT ordinal FROM healthlake_call_many('DescribeFHIRDatastore', ARRAY(SELECT"
        " jsonb_build_object('DatastoreId', lpad(to_hex(i), 32, '0'))"
        " FROM generate_series(1, %s) AS i))")
DESCRIBE = ("SELECT ordinal FROM healthlake_describe_datastores(ARRAY(SELECT"
            " lpad(to_hex(i), 32, '0') FROM generate_series(1, %s) AS i))")

tap = Tap()
emulator = client.emulator()


class Session:
    """A backend of its own."""

    def __init__(self):
        self.connection = connect(emulator)
        self.pid = self.connection.info.backend_pid
        run(self.connection, f"SET healthlake.max_concurrency = {MOST}; SET work_mem = '1MB'")
        run(self.connection, f"SET healthlake.datastore_id = '{STORE}'")

    def call(self, statement, count):
        """Makes many calls, whose rows must be in order."""
        tap.same(run(self.connection, statement, count), [(i,) for i in range(1, count + 1)],
                 "the rows are in the order given")


def begin_again():
    """Creates an empty data store."""
    emulator.reset()
    emulator.place({"DatastoreId": STORE, "DatastoreName": "ward", "DatastoreTypeVersion": "R4"})


def arrived(operation, number):
    """The numbers of the calls that arrived, in their order."""
    return [number(entry) for entry in emulator.log(0, operation)]


def id_read(entry):
    """The number of a resource that is read."""
    return int(entry["path"].rpartition("/p")[2])


def id_described(entry):
    """The number of a data store that is described."""
    return int(entry["body"].rpartition('"DatastoreId":')[2].strip(' "}'), 16)


def test_order(session, what, statement, operation, number):
    """The order in which calls arrive."""
    begin_again()
    session.call(statement, 600)
    order = arrived(operation, number)
    tap.same(sorted(order), list(range(1, 601)), f"{what}: each is sent once")
    late = [(place, one) for place, one in enumerate(order, 1) if abs(place - one) > LATE]
    tap.ok(len(late) <= 10, f"{what}: they are sent in the order given", len(late), late[:10])


def place_large(count):
    """Places large resources in the data store."""
    for first in range(1, count + 1, 20):
        emulator.place_resources(STORE, [
            {"resourceType": "Patient", "id": f"p{i}", "language": f"{i:08}" * (SIZE // 8)}
            for i in range(first, min(first + 20, count + 1))])


def test_memory():
    """What the rows of large resources take."""
    begin_again()
    place_large(300)
    for what, slow in (("in time", 0), ("after a slow one", 2)):
        session = Session()
        session.call(READ, 8)
        before = peak(session)
        if slow:
            emulator.next(operation="fhir:read", delay=slow)
        session.call(READ, 300)
        grown = peak(session) - before
        tap.say(f"300 rows of {SIZE} bytes {what}: {grown} kB more than eight of them")
        tap.ok(grown < LIMIT, f"rows {what} take little memory", f"{grown} kB")


def test_ahead(session):
    """How far other calls go ahead of a slow one: far, if their rows are small."""
    begin_again()
    emulator.next(operation="fhir:read", delay=6)
    thread = threading.Thread(target=session.call, args=(READ, 600), daemon=True)
    thread.start()
    thread.join(3)
    ahead = len(emulator.log(0, "fhir:read"))
    # the slow one is the first that arrives, of the first few
    tap.ok(200 <= ahead <= 256 + MOST, "other calls go ahead of a slow one, but not too far", ahead)
    thread.join()


def main():
    """All checks."""
    session = Session()
    test_order(session, "healthlake_fhir_read_many", READ, "fhir:read", id_read)
    test_order(session, "healthlake_call_many", CALL, "DescribeFHIRDatastore", id_described)
    test_order(session, "healthlake_describe_datastores", DESCRIBE, "DescribeFHIRDatastore",
               id_described)
    test_ahead(session)
    test_memory()
    tap.end()


main()
