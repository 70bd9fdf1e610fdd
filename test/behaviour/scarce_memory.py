#!/usr/bin/python3
"""Lack of memory is reported as such, and never attributed to the request.

During a statement one allocation after the other fails: first those of the extension, then those of
PostgreSQL. The statement must succeed, or fail with 53200 and nothing sent, or, if it changes
something and was sent, with 38M01 and the token, since drivers repeat statements that fail with
class 53.
"""

import json
import mmap
import os
import re
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap, skip_all  # noqa: E402  pylint: disable=wrong-import-position

EXTENSION, SERVER = 1, 2
TAGS = '{"a": "b", "c": "d"}'
# name, statement, whether it changes something, and the emulator's step
CASES = [
    ("a creation", "SELECT (healthlake_create_datastore('x', tags => '" + TAGS + "')).id", True,
     None),
    ("a creation in FROM", "SELECT id FROM healthlake_create_datastore('x', preload_data_type => "
     "'SYNTHEA')", True, None),
    ("a creation by its name", "SELECT healthlake_call('CreateFHIRDatastore', "
     "'{\"DatastoreTypeVersion\": \"R4\"}')", True, None),
    ("a listing", "SELECT count(*) FROM healthlake_list_datastores()", False, None),
    ("a preview", "SELECT (healthlake_preview('CreateFHIRDatastore', "
     "'{\"DatastoreTypeVersion\": \"R4\", \"Tags\": [{\"Key\": \"a\", \"Value\": \"b\"}]}')).body",
     False, None),
    ("a conflict", "SELECT healthlake_create_datastore('x')", True,
     {"error": "ConflictException", "message": "No."}),
]

tap = Tap()
emulator = client.emulator()


class Memory:
    """The counters of the preloaded library."""

    def __init__(self, path):
        path.write_bytes(bytes(20))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 20)

    def fail(self, pid, kind, which):
        """Lets the nth allocation fail."""
        self.map[:] = struct.pack("5i", pid, kind, which, 0, 1)

    def stop(self):
        """Stops failing; returns whether an allocation has failed."""
        failed = struct.unpack("5i", self.map[:])[3]
        self.map[:] = bytes(20)
        return failed > 0


def connect(cluster):
    """A session that has made a call, so that caches are filled."""
    session = cluster.connect()
    with session.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM healthlake_list_datastores()")
    return session


def run(session, statement):
    """The result of a statement: rows or None, SQLSTATE, and message."""
    try:
        with session.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall(), None, ""
    except psycopg2.Error as error:
        said = error.diag
        return None, error.pgcode, f"{said.message_primary} {said.message_detail}"


# tokens of ended statements: the emulator may log a request whose client has closed the
# connection after the next statement has begun
over = set()


def judge(case, result, usual, warnings):
    """The fault of a statement's result; None if there is none."""
    name, _, changes, _ = case
    rows, state, said = result
    logged = [json.loads(entry["body"]).get("ClientToken") for entry in emulator.log()]
    tokens = [token for token in logged if token not in over]
    told = re.search("client token ([0-9a-f-]{36})", said)
    over.update(token for token in tokens if token)
    if told:
        over.add(told[1])
    if state == usual or (usual is None and rows is not None):
        wanted = "preview" not in name or rows[0][0] is not None
        return None if wanted else "a silent NULL"
    if state == "53200":
        # a request that AWS has refused may be repeated; after the function has returned, the
        # executor's
        # errors are its own, and the WARNING of the rollback reports the change
        if not tokens or not changes or usual or any(tokens[-1] in text for text in warnings):
            return None
        return f"{said}: though it was sent"
    if state == "38M01" and changes:
        # libcurl may run out of memory when it is ready to send, before it has sent
        return None if told and set(tokens) <= {told[1]} else f"{said}: not the token {tokens}"
    return f"{state} {said}"


def sweep(cluster, memory, case, kind, step, most):
    """Lets one allocation after the other fail; returns the results and the faults."""
    states, wrong, which = Counter(), [], 1
    session = connect(cluster)
    usual = None if case[3] is None else "55006"
    while which <= most:
        emulator.reset()
        if case[3]:
            emulator.next(case[3])
        pid = session.info.backend_pid
        del session.notices[:]
        memory.fail(pid, kind, which)
        result = run(session, case[1])
        failed = memory.stop()
        if not failed:
            break
        states[result[1] or "succeeded"] += 1
        fault = judge(case, result, usual, session.notices if kind == SERVER else [])
        if fault:
            wrong.append(f"allocation {which}: {fault}")
        if session.closed or result[1] in ("XX000", None) and result[0] is None:
            session = connect(cluster)
        which += step
    session.close()
    return states, wrong, which


def main():
    """All cases, for both allocators."""
    if "address" in os.environ.get("HEALTHLAKE_SANITIZE", ""):
        skip_all("the sanitizer has its own malloc")
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEALTHLAKE_WORK")) as folder:
        library = Path(folder) / "scarce_memory.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library,
                        HERE / "scarce_memory.c", "-ldl"], check=True)
        memory = Memory(Path(folder) / "counters")
        cluster = Cluster(Path(folder) / "server", environment={
            "LD_PRELOAD": str(library), "SCARCE_MEMORY": str(Path(folder) / "counters")}, settings={
                "healthlake.endpoint_url": emulator.http, "healthlake.region": "us-east-1",
                "healthlake.access_key_id": emulator.access_key_id,
                "healthlake.secret_access_key": emulator.secret_access_key,
                "healthlake.max_attempts": "1", "shared_preload_libraries": "healthlake"})
        with cluster:
            with cluster.connect() as session, session.cursor() as cursor:
                cursor.execute("CREATE EXTENSION healthlake")
            for case in CASES:
                for kind, who in ((EXTENSION, "the extension"), (SERVER, "PostgreSQL")):
                    states, wrong, count = sweep(cluster, memory, case, kind, 1, 2000)
                    tap.ok(not wrong and count > 1, f"{case[0]}: each of {count - 1} allocations "
                           f"of {who} fails once", *wrong[:8])
                    tap.say(dict(states))
            log = cluster.log()
            tap.ok("signal 11" not in log and "terminated by" not in log, "no process crashes")
    emulator.stop()
    tap.end()


main()
