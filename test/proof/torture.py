#!/usr/bin/python3
"""Memory that fails in a backend, one allocation after the other, whatever is done at the time.

The nth malloc, calloc or realloc of the extension and of libcurl, of OpenSSL, or of all of them
fails: alone, with two more, or for good until the statement has ended. Over HTTP and TLS, on a
first call and on a kept connection, for both planes, event streams, STS, instance metadata and
containers; then in each function that enqueues, in a run of the queue and in the writer of durable
audit. Held: no crash, no hang, no leak, a whole reply or none, the SQLSTATE, and that the next call
works.

Without arguments a choice; --long lets each of the first 120 allocations fail in every way, and
then a choice of OpenSSL's thousands in a handshake.
"""

import mmap
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import eventstream  # noqa: E402  pylint: disable=wrong-import-position
import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import fault_tls  # noqa: E402  pylint: disable=wrong-import-position
from certificate import Authority  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from fault_kinds import (CHANGES, FACES, INSTANCE, PROVIDERS,  # noqa: E402  pylint: disable=C0413
                         READS)
from fault_server import GOOD, ID, WHOLE, Server  # noqa: E402  pylint: disable=C0413
from fault_session import Session, environment_of  # noqa: E402  pylint: disable=C0413
from tap import Tap, skip_all  # noqa: E402  pylint: disable=wrong-import-position

LONG = "--long" in sys.argv or bool(os.environ.get("HEALTHLAKE_TEST_LONG"))
OURS, SERVERS, OPENSSL = 1, 2, 4
WHO = {OURS: "the extension and libcurl", OPENSSL: "OpenSSL", OURS | OPENSSL: "all of them"}
RUNS = {1: "alone", 3: "with two more", 1 << 30: "for good"}
TOKENED = ("change", "fhir_create")
SEEN = re.compile("though it was sent|without the token")
ISSUED = (*PROVIDERS, "profile")  # faces that get their keys again each time
PROFILE = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n"
GOOD["stream"] = eventstream.event("TextMessageEvent", {"Message": "x" * 50000}) + GOOD["stream"]
PATIENT = '{"resourceType": "Patient", "id": "p1"}'
BUNDLE = ('[{"method": "PUT", "url": "Patient/p1", "resource": ' + PATIENT + '}]')
STORE = f"datastore_id => '{ID}'"
ENQUEUES = {
    "healthlake_enqueue": "('DeleteFHIRDatastore', '{\"DatastoreId\": \"" + ID + "\"}')",
    "healthlake_enqueue_create_datastore": "('x', tags => '{\"a\": \"b\"}')",
    "healthlake_fhir_enqueue": f"('PUT', 'Patient/p1', '{PATIENT}', headers => "
                               f"'{{\"If-Match\": \"W/\\\"1\\\"\"}}', {STORE})",
    "healthlake_fhir_enqueue_bundle": f"('{BUNDLE}', {STORE})",
    "healthlake_fhir_enqueue_create": f"('{PATIENT}', {STORE})",
    "healthlake_fhir_enqueue_delete": f"('Patient', 'p1', {STORE})",
    "healthlake_fhir_enqueue_patch": "('Patient', 'p1', '[{\"op\": \"remove\", \"path\": "
                                     f"\"/active\"}}]', {STORE})",
    "healthlake_fhir_enqueue_update": f"('{PATIENT}', if_match => '1', {STORE})"}

tap = Tap()


def in_pieces(wire):
    """The good answer, of which the first bytes are read before more memory is needed for it."""
    whole = wire.fill(WHOLE)
    for at in range(0, len(whole), 6000):
        if not wire.send(whole[at:at + 6000]):
            return False
        time.sleep(0.003)
    return True


class Memory:
    """The counters of the preloaded library, test/behaviour/scarce_memory.c."""

    def __init__(self, folder):
        self.path, self.library = folder / "counters", folder / "scarce_memory.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library,
                        HERE.parent / "behaviour" / "scarce_memory.c", "-ldl"], check=True)
        self.path.write_bytes(bytes(20))
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 20)

    def fail(self, pid, who, which, many):
        """Lets the nth allocation of a process fail, and some after it."""
        self.map[:] = struct.pack("5i", pid, who, which, 0, many)

    def stop(self):
        """Stops failing; returns the number of failures."""
        failed = struct.unpack("5i", self.map[:])[3]
        self.map[:] = bytes(20)
        return failed


class Torture:
    """Sweeps over the allocations of calls, and the results."""

    def __init__(self, cluster, server, memory, authority):
        self.cluster, self.server, self.memory = cluster, server, memory
        self.authority = authority
        self.statements = self.lost = 0
        self.states = Counter()

    def session(self, route, face):
        """A session whose calls to a face use a route."""
        session = Session(self.cluster, self.server, self.authority.ca)
        session.cursor.execute("SET healthlake.request_timeout = '10s'")
        session.cursor.execute("SET healthlake.connect_timeout = '10s'")
        session.cursor.execute("SET statement_timeout = '60s'")
        session.go(route, face)
        return session

    def judge(self, face, who, state, error, seen):
        """The fault of a statement's end; None if there is none."""
        said = error and f"{error.diag.message_primary} {error.diag.message_detail}"
        sent = face in CHANGES and bool(seen)
        own = ("38N01",) if not sent else ()
        if face in READS:
            own += ("38N02",)
        if face in ISSUED:
            own += ("38X01", "38N02")
        if state == "53200":
            return f"{said}: though it was sent" if sent else None
        if state == "38M01" and face == "stream" and who == OURS and "memory" not in said:
            return f"{said}: it is memory that lacks"
        if state == "38M01" and face in CHANGES:
            told = face not in TOKENED or not seen or seen[0] in said
            return None if told else f"{said}: without the token {seen[0]}"
        # OpenSSL's lack of memory is a failed connection
        return None if who & OPENSSL and state in own else f"{state}: {said}"

    def once(self, session, face, who, which, many):
        """Runs a statement; returns the number of failed allocations, and the fault."""
        expected = session.expected
        self.server.arm(face, in_pieces if face == "stream" else None, way=session.route)
        self.memory.fail(session.pid, who, which, many)
        state, error, took = session.run(face)
        failed = self.memory.stop()
        rows = session.rows
        if state is not None:
            time.sleep(0.003)  # an abandoned request may still arrive
        seen = list(self.server.seen)
        self.server.arm()
        self.statements += 1
        self.states[state or "succeeded"] += 1
        if state is None:
            fault = None if rows == expected else f"it gave {rows}, not {expected}"
        else:
            fault = self.judge(face, who, state, error, seen)
        if took > 20:
            fault = f"it took {took:.0f} s"
        return failed, fault and f"allocation {which}: {fault}"

    def sweep(self, face, route, who, many, first):  # pylint: disable=too-many-arguments
        """Lets one allocation after the other fail; first: each in a new backend."""
        session = self.session(route, face)
        for _ in range(20):  # some connections are kept
            session.run(face)
        session.expected = expected = session.rows
        descriptors, grown, wrong = session.descriptors(), None, []
        which, step = 1, 1
        while True:
            if first:
                session.connection.close()
                session = self.session(route, face)
                session.expected = expected
            elif face in ISSUED:
                session.go(route, face)  # discards kept keys
            failed, fault = self.once(session, face, who, which, many)
            for _ in range(0 if first else 3):
                # an abandoned request may arrive only now
                if fault and SEEN.search(fault) and not session.connection.closed:
                    session.go(route, face)
                    session.run(face)
                    failed, fault = self.once(session, face, who, which, many)
            if fault:
                wrong.append(fault)
            if not failed or session.connection.closed:
                break
            session.go(route, face)
            state, error, _ = session.run(face)
            if first and who & OPENSSL and state in (
                    "53200", "38X01" if face in ISSUED else "38N01"):
                self.lost += 1  # what OpenSSL begins once, it does not begin again
            elif state is not None or session.rows != expected:
                wrong.append(f"allocation {which}: the next call ends in {state}: {error}")
            if which == 20:
                grown = session.memory()
            every = which <= 120 if LONG else face == "stream"  # few of which are for its bytes
            step = 1 if every else max(1, which // (40 if LONG else 8))
            which += step
        if not first and session.descriptors() > descriptors:
            wrong.append(f"{session.descriptors() - descriptors} descriptors more")
        if not first and grown and session.memory() - grown > 1024:
            wrong.append(f"{session.memory() - grown} kB more")
        crashed = session.connection.closed and "the session has ended"
        session.connection.close()
        when = "a first call" if first else "a kept connection"
        tap.ok(not wrong and not crashed and which > 1, f"{face}, {route}, {when}: the {which - 1} "
               f"allocations of {WHO[who]} fail {RUNS[many]}", crashed or "", *wrong[:6])


def calls(torture):
    """All faces, or some."""
    for face in (*FACES, "profile") if LONG else (
            "change", "sts", "fhir_create", "profile", "stream"):
        plain = face in ("container", "profile", *INSTANCE)
        for route in ("plain",) if plain or not LONG else ("plain", "tls"):
            for who in (OURS,) if route == "plain" and not LONG else WHO:
                for many in RUNS if LONG else (1,):
                    torture.sweep(face, route, who, many, False)
    for face in ("change", "fhir_read", "sts") if LONG else ():
        for route in ("plain", "tls"):
            for who, many in ((OURS, 1), (OURS, 1 << 30), (OPENSSL, 1), (OPENSSL | OURS, 1 << 30)):
                torture.sweep(face, route, who, many, True)


def enqueuer(torture):
    """A session without settings of its own, which a queued request could not use."""
    session = Session(torture.cluster, torture.server, torture.authority.ca)
    session.cursor.execute("RESET ALL; SET client_min_messages = error")
    return session


def enqueue(torture):
    """Each function that enqueues: it does, or says that memory lacks."""
    session = enqueuer(torture)
    for name, arguments in ENQUEUES.items():
        statement = f"SELECT {name}{arguments}"
        for many in RUNS if LONG else (1, 1 << 30):
            states, which, failed = Counter(), 0, 1
            state, error, _ = session.run(None, statement)
            while state is None and failed and not session.connection.closed:
                which += 1
                torture.memory.fail(session.pid, OURS, which, many)
                ended = session.run(None, statement)[0]
                failed = torture.memory.stop()
                states[ended or "succeeded"] += 1
                torture.statements += 1
            tap.ok(state is None and not failed and set(states) <= {"succeeded", "53200"},
                   f"{name}: the {which - 1} allocations of the extension fail {RUNS[many]}",
                   dict(states), error or "")
            if session.connection.closed:
                time.sleep(3)
                session = enqueuer(torture)
    session.cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE '%enqueue%' AND "
                           "pronamespace = 'public'::regnamespace AND prorettype <> 'trigger'"
                           "::regtype ORDER BY 1")
    known = {name for name, in session.cursor.fetchall()}
    tap.ok(known == set(ENQUEUES), "no function that enqueues is left out", known ^ set(ENQUEUES))
    session.cursor.execute("DELETE FROM healthlake_request")
    session.connection.close()


class Queue:
    """Requests that are kept, and a session that runs them."""

    def __init__(self, torture):
        self.torture = torture
        self.session = torture.cluster.connect()
        self.cursor = self.session.cursor()
        self.cursor.execute("SET client_min_messages = error; SET statement_timeout = '60s'")
        self.pid = self.session.info.backend_pid

    def run(self):
        """Runs the queue; the SQLSTATE in which that ended."""
        try:
            self.cursor.execute("CALL healthlake_run_queue()")
        except psycopg2.Error as error:
            return error.pgcode
        return None

    def one(self, statement):
        """The first row."""
        self.cursor.execute(statement)
        return self.cursor.fetchone()

    def sweep(self, enqueue, what, many):
        """One allocation of a run after the other fails."""
        memory, states, which = self.torture.memory, Counter(), 1
        self.torture.server.arm("fhir_update" if "fhir" in enqueue else "change")
        self.run()
        while True:
            self.one(enqueue)
            memory.fail(self.pid, OURS | OPENSSL, which, many)
            state = self.run()
            failed = memory.stop()
            self.torture.statements += 1
            states[state or "succeeded"] += 1
            if not failed:
                break
            which += 1 if LONG else 1 + which // 4
        end = time.monotonic() + 120
        while self.one("SELECT count(*) FROM healthlake_request WHERE state IN ('queued', "
                       "'running')")[0] and time.monotonic() < end:
            self.run()
            time.sleep(0.1)
        self.cursor.execute("SELECT state, error_sqlstate, error_message, count(*) FROM "
                            "healthlake_request GROUP BY 1, 2, 3 ORDER BY 1")
        rows = self.cursor.fetchall()
        tap.ok(set(states) <= {"succeeded", "53200"} and which > 1, f"{what}: the {which - 1} "
               f"allocations of a run fail {RUNS[many]}", dict(states))
        wrong = [row for row in rows if row[0] not in ("succeeded", "unknown")]
        tap.ok(not wrong, f"{what}: and each of the rows has succeeded, or is unknown", *rows)
        tap.say(f"{what}: {[(row[0], row[1], row[3]) for row in rows]}, runs {dict(states)}")


def queue(torture):
    """The queue, for both planes."""
    runs = Queue(torture)
    for enqueue, what in (("SELECT healthlake_enqueue_create_datastore('x')", "a queued creation"),
                          ("SELECT healthlake_fhir_enqueue_update('{\"resourceType\": \"Patient\", "
                           f"\"id\": \"p1\"}}', datastore_id => '{ID}')", "a queued update")):
        for many in RUNS if LONG else (1,):
            runs.sweep(enqueue, what, many)


def durable(torture):
    """The writer of durable audit, while a call waits for its rows."""
    wrong, which = [], 1
    session = torture.session("plain", "change")
    session.cursor.execute("SET healthlake.audit = 'durable'")
    session.run("change")
    session.expected = session.rows
    for which in range(1, 120 if LONG else 8):
        session.cursor.execute("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE "
                               "'healthlake%writer%'")
        found = session.cursor.fetchone()
        torture.server.arm("change")
        torture.memory.fail(found[0] if found else 0, OURS | SERVERS, which, 1)
        state, error, took = session.run("change")
        torture.memory.stop()
        torture.statements += 1
        seen = list(torture.server.seen)
        fault = state and torture.judge("change", OURS, state, error, seen)
        if fault or took > 20:
            wrong.append(f"allocation {which}, {took:.1f} s: {fault}")
        state, error, _ = session.run("change")
        if state is not None:
            wrong.append(f"allocation {which}: the next call ends in {state}: {error}")
    tap.ok(not wrong, f"durable audit: {which} allocations of its writer fail alone", *wrong[:6])


def main():
    """All of it."""
    if "address" in os.environ.get("HEALTHLAKE_SANITIZE", ""):
        skip_all("the sanitizer has its own malloc")
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
    authority, memory = Authority(folder), Memory(folder)
    server = Server(fault_tls.contexts(authority))
    (folder / "credentials").write_text(PROFILE)
    (folder / "credentials").chmod(0o600)
    with Cluster(folder / "server", environment={
            **environment_of(server), "LD_PRELOAD": str(memory.library),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
            "SCARCE_MEMORY": str(memory.path)}, settings={
                "healthlake.endpoint_url": server.url("plain"), "healthlake.region": "us-east-1",
                "healthlake.access_key_id": "AKIDEXAMPLE", "healthlake.max_attempts": "1",
                "healthlake.secret_access_key": "secret", "healthlake.autostart_worker": "off",
                "shared_preload_libraries": "healthlake"}) as cluster:
        with cluster.connect() as session, session.cursor() as cursor:
            cursor.execute("CREATE EXTENSION healthlake")
        torture = Torture(cluster, server, memory, authority)
        calls(torture)
        enqueue(torture)
        queue(torture)
        durable(torture)
        log = cluster.log()
        crashed = [line for line in log.splitlines() if "terminated by signal" in line
                   or "PANIC" in line or "TRAP" in line]
        tap.ok(not crashed, "no process crashes", *crashed[:5])
    if torture.lost:
        tap.say(f"{torture.lost} sessions whose OpenSSL could not begin send nothing any more")
    tap.say(f"figure: {torture.statements:,} statements and runs with an allocation that fails: "
            + ", ".join(f"{count:,} {state}" for state, count in torture.states.most_common())
            + f"; {len(crashed)} crashes")
    tap.end()


main()
