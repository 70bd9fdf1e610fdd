#!/usr/bin/python3
"""The fault catalogue: what a server, a network or a proxy may do, and what must become of it.

Each kind of the table is played to each of its faces, plain, behind TLS or through a proxy. Held:
the SQLSTATE that the table has, the token where the outcome is unknown, that the next call works,
and that it ends in time. Then the worst kinds 200 times: no descriptor more, and no memory.

Without arguments a choice of the kinds; --long plays all of them to all of their faces.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import fault_fhir  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import
import fault_kinds  # noqa: E402  pylint: disable=wrong-import-position
import fault_replies  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import
import fault_tls  # noqa: E402  pylint: disable=wrong-import-position
from certificate import Authority  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position
from fault_server import Server  # noqa: E402  pylint: disable=wrong-import-position
from fault_session import Session, environment_of  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

LONG = "--long" in sys.argv or bool(os.environ.get("HEALTHLAKE_TEST_LONG"))
REPETITIONS = 200
QUICK, SLOW = 10.0, 20.0  # seconds; test machines may be busy
# the kinds that use most resources, and would leak most
WORST = ["body without end", "headers without end", "status 100 without end", "close in a chunk",
         "reset in the body", "JSON: a million objects", "JSON: a million names",
         "content coding a bomb of gzip", "STS: a million elements", "stream: 10,000 events",
         "resource: a number of 9,000 digits", "a proxy with a refusal without end",
         "after its 200 a proxy says rubbish", "TLS 1.3 demands a certificate",
         "an expired certificate", "a forged record below TLS in place of a reply"]

tap = Tap()


def play(session, kind, face, route):
    """Plays a fault; returns the SQLSTATE, the seconds, and the deviations."""
    faults = []
    way = {"tunnel": "tls", "closed": "plain"}.get(route, route)
    session.go(route, face)
    session.server.arm(face if kind.stage == "reply" else None, kind.fault, kind.stage, way,
                       kind.context)
    state, error, took = session.run(face)
    tokens = list(session.server.seen)
    played = session.server.played > 0 or kind.context != "good" or route == "closed"
    session.server.arm()
    wanted = kind.ends[face]
    if state not in (wanted if isinstance(wanted, tuple) else (wanted,)):
        said = error and f"{error.diag.message_primary} {error.diag.message_detail}"
        faults.append(f"it ended in {state}, not in {wanted}: {said}")
    if not played:
        faults.append("it was not played")
    if state == "38M01" and face in ("change", "fhir_create") and tokens and \
            tokens[0] not in (error.diag.message_detail or ""):
        faults.append(f"the token {tokens[0]} is not told: {error.diag.message_detail}")
    if took > (SLOW if kind.slow else QUICK):
        faults.append(f"it took {took:.1f} s")
    if route == "closed":
        session.go("plain", face)
    else:
        session.go(route, face)
    after, error, _ = session.run(face)
    if after is not None:
        faults.append(f"the next call ends in {after}: {error.diag.message_primary}")
    return state, took, faults


def cases(slow):
    """The cases, by route and face."""
    chosen = [(kind, face, route) for at, kind in enumerate(fault_kinds.TABLE)
              if kind.slow == slow for route in kind.routes for face in kind.faces
              if LONG or is_chosen(at, kind, face, route)]
    return sorted((one for one in chosen if not (one[2] != "plain" and one[1] in (
        "container", *fault_kinds.INSTANCE))), key=lambda one: (one[2], one[1]))


def is_chosen(at, kind, face, route):
    """Whether a case is part of the short form: each 17th kind, to one face or two."""
    faces = [one for one in kind.faces if one in ("change", "fhir_create")] or list(kind.faces)
    return at % 17 == (7 if kind.slow else 5) and route == kind.routes[at % len(kind.routes)] and \
        face in (kind.faces[at % len(kind.faces)], faces[0])


class Player(threading.Thread):
    """Plays cases until none is left, in a separate session."""

    def __init__(self, session, queue, told):
        super().__init__(daemon=True)
        self.session, self.queue, self.told = session, queue, told

    def run(self):
        while True:
            try:
                kind, face, route = self.queue.pop(0)
            except IndexError:
                return
            self.told.append((kind, face, route, *play(self.session, kind, face, route)))


def tell(told):
    """One check for each kind, and the figures."""
    found, faces = {}, Counter()
    for kind, face, route, state, _, faults in told:
        found.setdefault(kind.name, []).extend(f"{face}, {route}: {fault}" for fault in faults)
        faces[(face, state)] += 1
    for name in sorted(found):
        tap.ok(not found[name], name, *found[name])
    quick = [one[4] for one in told if not one[0].slow]
    slow = [one[4] for one in told if one[0].slow]
    for face in fault_kinds.FACES:
        tap.say(f"{face}: " + ", ".join(f"{count} {state or 'succeeded'}" for (of, state), count in
                                        sorted(faces.items(), key=str) if of == face))
    held = sum(not faults for faults in found.values())
    tap.say(f"figure: {held} of {len(found)} kinds held in {len(told)} cases; a call ends after "
            f"{statistics.median(quick) * 1000:.1f} ms (p50) and {max(quick) * 1000:.0f} ms (max), "
            f"one that hangs {max(slow, default=0) * 1000:.0f} ms (max) at a limit of 1 s")


def repeat(session, names):
    """Repeats the worst kinds: no memory or descriptor is lost."""
    session.cursor.execute("SET healthlake.request_timeout = '10s'")
    grown, more = [], []
    for name in names:
        kind = next(kind for kind in fault_kinds.TABLE if kind.name == name)
        face, route = kind.faces[0], kind.routes[0]
        for _ in range(20):  # permanent caches are filled by then
            play(session, kind, face, route)
        before, memory = session.descriptors(), session.memory()
        for _ in range(REPETITIONS):
            play(session, kind, face, route)
        more.append(session.descriptors() - before)
        grown.append(session.memory() - memory)
        tap.ok(more[-1] <= 0, f"{name}: no descriptor more", more[-1])
        tap.ok(grown[-1] < 512, f"{name}: no memory more", f"{grown[-1]} kB")
    tap.say(f"figure: {REPETITIONS} repetitions of each of the {len(names)} worst kinds: at most "
            f"{max(grown)} kB and {max(more)} descriptors more")


def main():
    """All chosen cases."""
    folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    authority = Authority(folder)
    contexts = fault_tls.contexts(authority)
    servers = [Server(contexts) for _ in range(8 if LONG else 5)]
    with Cluster(Path(folder) / "server", environment=environment_of(servers[0])) as cluster:
        with cluster.connect() as session, session.cursor() as cursor:
            cursor.execute("CREATE EXTENSION healthlake")
        sessions = [Session(cluster, server, authority.ca) for server in servers]
        told = []
        # mixes hanging kinds with others
        slow, quick = cases(True), cases(False)
        count = len(slow) + len(quick)
        players = [Player(session, slow, told) for session in sessions[1:]]
        players.append(Player(sessions[0], quick, told))
        for player in players:
            player.start()
        for player in players:
            player.join()
        tap.same(len(told), count, "all cases were played")
        tell(told)
        if LONG:
            repeat(sessions[0], WORST)
        log = cluster.log()
        tap.ok("terminated by signal" not in log and "PANIC" not in log, "no process has crashed")
    tap.end()


main()
