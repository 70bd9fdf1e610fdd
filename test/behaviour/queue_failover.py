#!/usr/bin/python3
"""A queue that is copied to other servers: in any case there is one data store for each request.

A standby is promoted while the primary sends, the old primary comes back beside it, or a base
backup is started as a clone. Each server has its own access key, so that the emulator's log shows
which has sent what; a table shows the results. Also: rows with an expired token, a dump, and the
mode in which pg_upgrade starts a server.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster, bindir, die_with_parent  # noqa: E402  pylint: disable=C0413
from queue_cluster import OPEN, STATES, Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "CreateFHIRDatastore"
LIST = "ListFHIRDatastores"
PUBLISH = "PublishDataTransformationProfile"
ENQUEUE = "SELECT healthlake_enqueue_create_datastore(%s)"
MANY = "SELECT count(healthlake_enqueue_create_datastore(%s || i)) FROM generate_series(1, %s) i"
PROCESSES = """SELECT count(*) FROM pg_stat_activity
    WHERE backend_type IN ('healthlake worker', 'healthlake launcher')"""
# as if it had been sent two hours ago, without an outcome
AGE = """UPDATE healthlake_request SET state = 'running', run_after = now(),
    requested_at = now() - interval '2 hours', first_sent_at = now() - interval '2 hours',
    unsettled_since = now() - interval '2 hours' WHERE id = %s"""
# as if it had not been processed for longer
GIVEN_UP = """UPDATE healthlake_request SET finished_at = now() - interval '3 hours'
    WHERE state = 'unknown' AND request ->> 'DatastoreName' = 'pair'"""

tap = Tap()
table = []


class Copy(Cluster):
    """A server from a base backup of another, with its own socket and access key."""

    def __init__(self, origin, key, standby=False, **more):
        # pylint: disable=super-init-not-called
        self.folder = Path(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
        self.environment = origin.environment
        self.process = None
        (self.folder / "socket").mkdir(mode=0o700)
        subprocess.run(
            [bindir() / "pg_basebackup", "-h", origin.folder / "socket", "-U", "postgres", "-D",
             self.folder / "cluster", "-c", "fast", "-X", "stream", "--no-sync", "--no-manifest",
             *(["-R"] if standby else [])], check=True, stdout=subprocess.DEVNULL)
        self.set(unix_socket_directories=self.folder / "socket", healthlake__access_key_id=key,
                 **more)

    def set(self, **more):
        """Appends settings to the configuration file; the last one counts."""
        self.configure("\n".join(f"{name.replace('__', '.')} = '{value}'"
                                 for name, value in more.items()))


def make(emulator, key, **more):
    """A server with the extension, still without a worker, and its first session."""
    emulator.key(key, emulator.secret_access_key)
    cluster = queue_cluster.make(emulator, healthlake__access_key_id=key, **more)
    session = Session(cluster.start())
    session.run("CREATE EXTENSION healthlake")
    return cluster, session


def key_of(entry):
    """The access key that signed a request."""
    said = dict((name.lower(), value) for name, value in entry["headers"])
    return said["authorization"].partition("Credential=")[2].partition("/")[0]


def member(entry, name):
    """A member of a request."""
    return json.loads(entry["body"]).get(name)


class Sendings:
    """The requests of one case in the emulator's log: sender, request, number."""

    def __init__(self, emulator):
        self.entries = [entry for entry in emulator.log() if entry["operation"] in (CREATE, LIST)]
        self.names = Counter(store["DatastoreName"] for store in emulator.stores())
        self.by_name = defaultdict(Counter)
        self.tokens = defaultdict(set)
        for entry in self.entries:
            if entry["operation"] == CREATE:
                name = member(entry, "DatastoreName")
                self.by_name[name][key_of(entry)] += 1
                self.tokens[name].add(member(entry, "ClientToken"))

    def count(self, operation, key):
        """The number of requests of an operation that a server has sent."""
        return sum(entry["operation"] == operation and key_of(entry) == key
                   for entry in self.entries)

    def before_create(self, key):
        """Whether a server has searched for each name before it sent the creation."""
        looked = set()
        for entry in self.entries:
            if key_of(entry) == key and entry["operation"] == LIST:
                looked.add((member(entry, "Filter") or {}).get("DatastoreName"))
            elif key_of(entry) == key and member(entry, "DatastoreName") not in looked:
                return False
        return True

    def both(self):
        """The number of requests that several servers have sent."""
        return sum(len(keys) > 1 for keys in self.by_name.values())

    def tell(self, what, wanted, first, second):
        """Adds a line to the table; each name must have one data store, and one token."""
        again = sum(sum(keys.values()) - 1 for keys in self.by_name.values())
        table.append((what, wanted, sum(self.names.values()), self.count(CREATE, first),
                      self.count(CREATE, second), self.both(), again,
                      self.count(LIST, first), self.count(LIST, second)))
        twice = [name for name, count in self.names.items() if count > 1]
        tap.ok(len(self.names) == wanted and not twice,
               f"{what}: {wanted} requests, one data store each",
               f"{len(self.names)} names, more than one of {twice}")
        tap.same(max(map(len, self.tokens.values())), 1, f"{what}: one token for each request")


def print_table():
    """Prints the table of all cases."""
    heads = ("case", "requests", "stores", "sent by A", "sent by B", "by both", "repeats",
             "lists of A", "lists of B")
    tap.say("A is the first server, B its copy; 'by both': requests that A and B have sent")
    width = max(len(line[0]) for line in table)
    for line in (heads, *table):
        tap.say(f"{line[0]:{width}}  " + "  ".join(f"{cell:>10}" for cell in line[1:]))


def promote(standby):
    """Promotes a standby; returns a session."""
    session = Session(standby)
    session.run("SELECT pg_promote()")
    return session


def caught_up(primary, standby):
    """Waits until the standby has replayed everything."""
    position = primary.one("SELECT pg_current_wal_flush_lsn()")
    return until(lambda: standby.one("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", position))


def drained(session, seconds=40):
    """Waits until every request is finished; returns the states."""
    until(lambda: session.one(OPEN) == 0, seconds)
    return dict(session.run(STATES))


def drain_here(session, seconds=20):
    """Runs the queue until every request is finished; returns the states."""
    def call():
        session.run("CALL healthlake_run_queue()")
        return session.one(OPEN) == 0
    until(call, seconds, 0.2)
    return dict(session.run(STATES))


# ------------------------------------------------------------------ failover

def promoted(emulator, comes_back):
    """A standby is promoted while the primary sends; the old primary is dead, or comes back."""
    what = "promoted, the old primary " + ("comes back" if comes_back else "is dead")
    emulator.reset()
    emulator.key("AKIDSECOND", emulator.secret_access_key)
    emulator.next(operation=CREATE, delay=0.3, times="always")
    primary, session = make(emulator, "AKIDFIRST", healthlake__max_concurrency=4,
                            healthlake__worker_databases="postgres")
    standby = Copy(primary, "AKIDSECOND", standby=True).start()
    watcher = Session(standby)
    tap.same(watcher.one(PROCESSES), 0, f"{what}: a standby has neither launcher nor worker")
    tap.same(watcher.state("CALL healthlake_run_queue()"), "25006",
             f"{what}: a CALL does not send on a standby")
    tap.same(watcher.state("SELECT healthlake_enqueue_create_datastore('x')"), "25006",
             f"{what}: a standby cannot enqueue")
    session.run(MANY, "clinic ", 40)
    emulator.log(operation=CREATE, count=14, wait=30)
    primary.kill()
    began = Sendings(emulator).count(CREATE, "AKIDFIRST")
    tap.ok(14 <= began < 40, f"{what}: the primary had sent some, and not all", f"{began} sent")
    second = promote(standby)
    if comes_back:
        session = Session(primary.start())
    states = drained(second)
    tap.same(states, {"succeeded": 40}, f"{what}: all of the new primary's rows succeed")
    if comes_back:
        tap.same(drained(session), {"succeeded": 40},
                 f"{what}: all of the old primary's rows succeed")
    tap.ok(until(lambda: second.one(PROCESSES) >= 2), f"{what}: promotion has started a worker")
    sent = Sendings(emulator)
    sent.tell(what, 40, "AKIDFIRST", "AKIDSECOND")
    tap.ok(sent.before_create("AKIDSECOND"), f"{what}: it searched for each before it sent it")
    same_stores(emulator, second, what)
    if comes_back:
        same_stores(emulator, session, what + ", on the old one")
    tap.say(f"{what}: notes of the new primary: " + str(second.run(
        "SELECT coalesce(note, 'none'), count(*) FROM healthlake_request GROUP BY 1")))
    primary.stop()
    standby.stop()


def same_stores(emulator, session, what):
    """Each row must have the id of the data store with its name."""
    there = {(store["DatastoreName"], store["DatastoreId"]) for store in emulator.stores()}
    rows = set(session.run("SELECT request ->> 'DatastoreName', datastore_id"
                           " FROM healthlake_request WHERE state = 'succeeded'"))
    tap.ok(rows <= there, f"{what}: each row has the id of its data store", rows - there)


def left_in_flight(emulator):
    """Rows in every state at the death of the primary, one by one."""
    what = "without a fence"
    emulator.reset()
    emulator.key("AKIDSECOND", emulator.secret_access_key)
    primary, session = make(emulator, "AKIDFIRST", healthlake__max_concurrency=1,
                            healthlake__autostart_worker="off")
    standby = Copy(primary, "AKIDSECOND", standby=True)
    standby.start()
    ids = {name: session.one(ENQUEUE, name) for name in ("done", "made", "lost", "unseen", "new")}
    session.run("CALL healthlake_run_queue(1)")
    # after some bytes: without any, libcurl repeats the request on a kept connection
    emulator.next(operation=CREATE, reset=True, cut=20, apply=True)
    emulator.next(operation=CREATE, reset=True, cut=20)
    session.run("CALL healthlake_run_queue(2)")
    tap.same(dict(session.run("SELECT id, state FROM healthlake_request"))[ids["lost"]],
             "running", f"{what}: two replies are lost")
    caught_up(session, Session(standby))
    standby.stop()
    session.run("CALL healthlake_run_queue(1)")
    tap.same(sorted(store["DatastoreName"] for store in emulator.stores()),
             ["done", "made", "unseen"],
             f"{what}: the primary continues to send, and the standby lags")
    primary.kill()
    standby.set(healthlake__worker_databases="")
    standby.start()
    before = len(emulator.log())
    second = promote(standby)
    second.run("UPDATE healthlake_request SET run_after = now() WHERE finished_at IS NULL")
    tap.same(drain_here(second), {"succeeded": 5}, f"{what}: all succeed on the new primary")
    sent = Sendings(emulator)
    sent.tell(what, 5, "AKIDFIRST", "AKIDSECOND")
    tap.ok(sent.before_create("AKIDSECOND"), f"{what}: each was searched for before it was sent")
    tap.same({member(entry, "Filter")["DatastoreName"] for entry in emulator.log(before, LIST)},
             {"made", "lost", "unseen", "new"},
             f"{what}: rows of the older timeline were searched for")
    tap.same({member(entry, "DatastoreName") for entry in emulator.log(before, CREATE)},
             {"lost", "new"}, f"{what}: those that were not found were sent")
    notes = dict(second.run("SELECT request ->> 'DatastoreName', note FROM healthlake_request"))
    tap.same({name for name, note in notes.items() if note == "found by its name and time"},
             {"made", "unseen"}, f"{what}: those that were found were adopted, with a note")
    same_stores(emulator, second, what)
    second.run(ENQUEUE, "later")
    second.run("CALL healthlake_run_queue()")
    tap.ok("later" not in {member(entry, "Filter")["DatastoreName"]
                           for entry in emulator.log(before, LIST)},
           f"{what}: requests enqueued after the promotion are not searched for")
    standby.stop()


def cloned(emulator):
    """A base backup is started with the configuration of the original, which still runs."""
    what = "a clone beside its original"
    emulator.reset()
    emulator.key("AKIDSECOND", emulator.secret_access_key)
    emulator.next(operation=CREATE, delay=0.2, times="always")
    primary, session = make(emulator, "AKIDFIRST", healthlake__max_concurrency=4,
                            healthlake__worker_databases="postgres")
    session.run("SELECT count(healthlake_enqueue_create_datastore('clinic ' || i,"
                " run_after => now() + '3 s')) FROM generate_series(1, 40) i")
    clone = Copy(primary, "AKIDSECOND")
    second = Session(clone.start())
    tap.same(drained(session), {"succeeded": 40}, f"{what}: the original finishes all")
    tap.same(drained(second), {"succeeded": 40}, f"{what}: and so does the clone")
    sent = Sendings(emulator)
    sent.tell(what, 40, "AKIDFIRST", "AKIDSECOND")
    tap.ok(sent.both() > 0, f"{what}: both have sent some")
    same_stores(emulator, session, what)
    same_stores(emulator, second, what + ", on the clone")
    primary.stop()
    clone.stop()


def old_clone(emulator):
    """A base backup is started long after the original has sent its requests."""
    what = "a clone of hours ago"
    emulator.reset()
    emulator.key("AKIDSECOND", emulator.secret_access_key)
    primary, session = make(emulator, "AKIDFIRST", healthlake__autostart_worker="off")
    session.run(MANY, "clinic ", 3)
    session.run("UPDATE healthlake_request SET requested_at = now() - interval '2 hours',"
                " run_after = now() - interval '2 hours'")
    clone = Copy(primary, "AKIDSECOND")
    session.run("CALL healthlake_run_queue()")
    emulator.state(token_lifetime=0)
    session.run(ENQUEUE, "newer")
    second = Session(clone.start())
    tap.same(drain_here(second), {"succeeded": 3}, f"{what}: its rows succeed")
    drain_here(session)
    sent = Sendings(emulator)
    sent.tell(what, 4, "AKIDFIRST", "AKIDSECOND")
    tap.same(sent.count(CREATE, "AKIDSECOND"), 0, f"{what}: it found all and sent nothing")
    same_stores(emulator, second, what)
    primary.stop()
    clone.stop()


def twins(emulator):
    """Two requests for one name: the data store of the first is not assigned to the second."""
    what = "two of one name"
    emulator.reset()
    emulator.key("AKIDSECOND", emulator.secret_access_key)
    primary, session = make(emulator, "AKIDFIRST", healthlake__max_concurrency=1,
                            healthlake__autostart_worker="off")
    ids = [session.one(ENQUEUE, "twin") for _ in range(2)]
    emulator.next(operation=CREATE, reset=True, apply=True)
    session.run("CALL healthlake_run_queue(1)")
    standby = Copy(primary, "AKIDSECOND", standby=True).start()
    caught_up(session, Session(standby))
    primary.kill()
    second = promote(standby)
    # the second is sent before the first, which waits for its retry
    tap.same(drain_here(second), {"succeeded": 2}, f"{what}: both succeed")
    stores = {store["DatastoreId"] for store in emulator.stores()}
    rows = second.run("SELECT datastore_id FROM healthlake_request WHERE id = ANY(%s)", ids)
    tap.same(({id for id, in rows}, len(stores)), (stores, 2),
             f"{what}: each has its own data store")
    standby.stop()


# --------------------------------------------------------------------- fence

def fenced(emulator, standby):
    """Another fence: only requests that a user takes over are sent."""
    what = "fence, " + ("promoted" if standby else "cloned")
    emulator.reset()
    emulator.key("AKIDSECOND", emulator.secret_access_key)
    primary, session = make(emulator, "AKIDFIRST", healthlake__fence="a",
                            healthlake__max_concurrency=1, healthlake__autostart_worker="off")
    made, new, left = (session.one(ENQUEUE, name) for name in ("made", "new", "left"))
    emulator.next(operation=CREATE, reset=True, apply=True)
    session.run("CALL healthlake_run_queue(1)")
    copy = Copy(primary, "AKIDSECOND", standby=standby, healthlake__fence="b",
                healthlake__worker_databases="postgres").start()
    if standby:
        caught_up(session, Session(copy))
        primary.kill()
    second = promote(copy) if standby else Session(copy)
    tap.ok(until(lambda: second.one(PROCESSES) == 2), f"{what}: there is a worker")
    second.run("CALL healthlake_run_queue()")
    second.run(ENQUEUE, "own")
    tap.ok(until(lambda: second.one("SELECT count(*) FROM healthlake_request"
                                    " WHERE state = 'succeeded'") == 1),
           f"{what}: it sends its own requests")
    time.sleep(1.5)
    tap.same(sent_names(emulator, "AKIDSECOND"), ["own"], f"{what}: it never sends those of 'a'")
    tap.same(second.run("SELECT id, state FROM healthlake_request WHERE fence = 'a' ORDER BY 1"),
             [(made, "running"), (new, "queued"), (left, "queued")], f"{what}: those stay")
    tap.same(second.run("SELECT id, reason FROM healthlake_stuck_requests ORDER BY 1"),
             [(id, "it belongs to a server with another fence") for id in (made, new, left)],
             f"{what}: healthlake_stuck_requests says so")
    take_over(emulator, second, what, {"made": made, "new": new})
    tap.same(second.one("SELECT state FROM healthlake_request WHERE id = %s", left), "queued",
             f"{what}: the others stay")
    if not standby:
        session.run("UPDATE healthlake_request SET run_after = now() WHERE finished_at IS NULL")
        tap.same(drain_here(session), {"succeeded": 3},
                 f"{what}: their own server continues to send")
        Sendings(emulator).tell(what, 4, "AKIDFIRST", "AKIDSECOND")
    else:
        Sendings(emulator).tell(what + ", one left alone", 3, "AKIDFIRST", "AKIDSECOND")
    same_stores(emulator, second, what)
    primary.stop()
    copy.stop()


def sent_names(emulator, key):
    """The names of the data stores that a server has requested."""
    return sorted(member(entry, "DatastoreName") for entry in emulator.log(0, CREATE)
                  if key_of(entry) == key)


def take_over(emulator, second, what, ids):
    """A user lets the other server take requests over."""
    before = len(emulator.log())
    for name, id in ids.items():
        tap.same(second.one("SELECT healthlake_retry_request(%s)", id), id,
                 f"{what}: request {name} is taken over")
        until(lambda: second.one("SELECT state FROM healthlake_request WHERE id = %s",
                                 id) == "succeeded")
    tap.same(second.run("SELECT state, fence, note FROM healthlake_request WHERE id = ANY(%s)"
                        " ORDER BY id", list(ids.values())),
             [("succeeded", "b", "found by its name and time"), ("succeeded", "b", None)],
             f"{what}: an existing data store is adopted, the other request is sent")
    asked = [(entry["operation"], (member(entry, "Filter") or entry) and
              (member(entry, "DatastoreName") or member(entry, "Filter")["DatastoreName"]))
             for entry in emulator.log(before) if key_of(entry) == "AKIDSECOND"]
    tap.same(asked, [(LIST, "made"), (LIST, "new"), (CREATE, "new")],
             f"{what}: each is searched for first")


# ---------------------------------------------------------------- old tokens

class Old:
    """Requests whose token is considered expired, on one server."""

    def __init__(self, emulator, session):
        self.emulator = emulator
        self.session = session

    def run(self, id):
        """Makes a request old and runs the queue: state, note, SQLSTATE, message."""
        self.session.run(AGE, id)
        return self.again()(id)

    def again(self):
        """Runs the queue; returns a query's result for a row."""
        self.session.run("CALL healthlake_run_queue()")
        return lambda id: self.session.run(
            "SELECT state, note, error_sqlstate, error_message, datastore_id, job_id"
            " FROM healthlake_request WHERE id = %s", id)[0]

    def place(self, name, **more):
        """Creates a data store of this name; returns its id."""
        return self.emulator.place({"DatastoreName": name, "DatastoreTypeVersion": "R4",
                                    **more})[0]

    def sent(self, operation):
        """The number of requests of an operation."""
        return len(self.emulator.log(0, operation))


def old_stores(old):
    """Data stores: found, found twice, not found, distinguished by a tag."""
    session = old.session
    found = session.one(ENQUEUE, "found")
    place = old.place("found")
    old.place("found", CreatedAt=time.time() - 86400)
    old.place("found by half")
    tap.same(old.run(found)[:2] + (old.again()(found)[4],),
             ("succeeded", "found by its name and time", place),
             "old: found by name and time, it is adopted; an older one of that name is not")
    rival = session.one(ENQUEUE, "found")
    tap.same(old.run(rival)[0], "unknown", "old: a data store of another request is not adopted")
    ambiguous = session.one(ENQUEUE, "twice")
    for _ in range(2):
        old.place("twice")
    state, _, sqlstate, message, id, _ = old.run(ambiguous)
    tap.same((state, sqlstate, id), ("unknown", "38M01", None), "old: found twice, it is unknown")
    tap.ok("2 of AWS's data stores could be" in message, "old: and the row says why", message)
    pair = [session.one(ENQUEUE, "pair") for _ in range(2)]
    old.place("pair")
    session.run(AGE, pair[0])
    states = [old.run(pair[1])[:5:2], old.again()(pair[0])[:5:2]]
    tap.same(states, [("unknown", "38M01", None)] * 2,
             "old: what either of two requests may have created is assigned to neither")
    message = old.again()(pair[0])[3]
    tap.ok("another request of the same name" in message, "old: and the row says why", message)
    for statement in ("SET session_replication_role = replica", GIVEN_UP,
                      "RESET session_replication_role"):
        session.run(statement)
    tap.same(old.run(session.one(ENQUEUE, "pair"))[0], "succeeded",
             "old: a request that was abandoned before does not count")
    strayed = session.one(ENQUEUE, "strayed")
    session.run("UPDATE healthlake_request SET endpoint = 'https://elsewhere/' WHERE id = %s",
                strayed)
    before = old.sent(LIST)
    tap.same(old.run(strayed)[:3:2] + (old.sent(LIST) - before,), ("unknown", "55000", 0),
             "old: a request that was sent to another endpoint is not searched for here")
    missing = session.one(ENQUEUE, "missing")
    state, _, sqlstate, message, _, _ = old.run(missing)
    tap.same((state, sqlstate), ("unknown", "38M01"), "old: not found, it is unknown")
    tap.ok("no data store was found" in message, "old: and the row says why", message)
    tap.same(old.sent(CREATE), 0, "old: nothing was sent")
    return ambiguous, missing


def old_tagged(old):
    """A tag identifies the data store."""
    session = old.session
    session.run("SET healthlake.tag_requests = on")
    tagged = session.one(ENQUEUE, "tagged")
    tag = session.one("SELECT request #>> '{Tags,0,Value}' FROM healthlake_request WHERE id = %s",
                      tagged)
    old.place("tagged", Tags=[{"Key": "healthlake:request", "Value": "another"}])
    place = old.place("tagged", Tags=[{"Key": "ward", "Value": "7"},
                                      {"Key": "healthlake:request", "Value": tag}])
    old.place("tagged")
    state, note, _, _, id, _ = old.run(tagged)
    tap.same((state, note, id), ("succeeded", "found by its tag", place),
             "old: the tag identifies one of three data stores of a name")
    absent = session.one(ENQUEUE, "tagged")
    session.run("RESET healthlake.tag_requests")
    tap.same(old.run(absent)[0], "unknown", "old: without a data store with the tag it is unknown")
    session.run("SELECT healthlake_resolve_request(%s, 'cancelled', 'none')", absent)


def old_by_worker(old):
    """A worker looks, whose memory of SPI goes with each of its transactions."""
    session = old.session
    session.run("SET healthlake.tag_requests = on")
    tagged = session.one(ENQUEUE, "tagged for a worker")
    session.run("RESET healthlake.tag_requests")
    tag = session.one("SELECT request #>> '{Tags,0,Value}' FROM healthlake_request WHERE id = %s",
                      tagged)
    for value in ("another", tag, "a third"):
        old.place("tagged for a worker", Tags=[{"Key": "healthlake:request", "Value": value}])
    named = session.one(ENQUEUE, "named for a worker")
    old.place("named for a worker")
    twice = session.one(ENQUEUE, "twice for a worker")
    for _ in range(2):
        old.place("twice for a worker")
    for id in (tagged, named, twice):
        session.run(AGE, id)
    session.run("SET healthlake.autostart_worker = on")
    wakes = session.one("SELECT healthlake_enqueue_create_datastore('x',"
                        " run_after => '2100-01-01')")
    until(lambda: session.one("SELECT count(*) FROM healthlake_request WHERE finished_at IS NULL"
                              " AND id = ANY(%s)", [tagged, named, twice]) == 0)
    tap.same(session.run("SELECT state, note, response IS NOT NULL"
                         " FROM healthlake_request WHERE id = ANY(%s) ORDER BY id",
                         [tagged, named, twice]),
             [("succeeded", "found by its tag", True),
              ("succeeded", "found by its name and time", True),
              ("unknown", None, False)],
             "old: a worker finds as much")
    session.run("RESET healthlake.autostart_worker")
    session.run("SELECT healthlake_cancel_request(%s)", wakes)
    session.run("SELECT healthlake_resolve_request(%s, 'cancelled', 'none')", twice)
    tap.ok(until(lambda: session.one("SELECT count(*) FROM pg_stat_activity"
                                     " WHERE backend_type = 'healthlake worker'") == 0),
           "old: and leaves")


def old_jobs(old):
    """Jobs, by their names, and requests without a name."""
    session = old.session
    store = old.place("with jobs")
    role = "arn:aws:iam::123456789012:role/jobs"
    s3 = {"S3Uri": "s3://bucket/out", "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/k"}
    common = {"DatastoreId": store, "DataAccessRoleArn": role}
    jobs = {"StartFHIRImportJob": {**common, "InputDataConfig": {"S3Uri": "s3://bucket/in"},
                                   "JobOutputDataConfig": {"S3Configuration": s3}},
            "StartFHIRExportJob": {**common, "OutputDataConfig": {"S3Configuration": s3}}}
    for operation, request in jobs.items():
        for name in ("nightly", None):
            asked = {**request, "JobName": name} if name else request
            id = enqueue(session, operation, asked)
            old.emulator.next(operation=operation, reset=True, cut=20, apply=True)
            session.run("CALL healthlake_run_queue()")
            before = old.sent(operation)
            state, note, _, message, _, job = old.run(id)
            wanted = ("succeeded", "found by its name and time", True) if name else \
                ("unknown", None, False)
            tap.same((state, note, job is not None), wanted,
                     f"old: {operation} {'with' if name else 'without'} a name")
            tap.same(old.sent(operation), before, "old: and it is not sent again")
            if not name:
                tap.ok("no name to search for" in message, "old: the row says why", message)
    update = enqueue(session, "DeleteFHIRDatastore", {"DatastoreId": store})
    state, _, sqlstate, message, _, _ = old.run(update)
    tap.same((state, sqlstate), ("unknown", "38M01"),
             "old: an operation whose result cannot be searched for")
    tap.ok("no name to search for" in message, "old: the row says why", message)
    tap.same(old.sent("DeleteFHIRDatastore"), 0, "old: it is not sent")


def enqueue(session, operation, request):
    """Enqueues a request; its id."""
    return session.one("SELECT healthlake_enqueue(%s, %s::jsonb)", operation,
                       json.dumps(request))


def resolved(old, ambiguous, missing):
    """Functions for requests of unknown outcome."""
    session = old.session
    one = "SELECT {} FROM healthlake_request WHERE id = %s"
    tap.same(session.state("SELECT healthlake_resolve_request(%s, 'queued', 'x')", missing),
             "22023", "unknown: it cannot be resolved to be sent")
    whole = session.run(one.format("*"), missing)
    again = session.one("SELECT healthlake_retry_request(%s)", missing)
    tap.same(session.one(one.format("retry_of"), again), missing, "unknown: retry makes a new row")
    tap.same(old.again()(again)[0], "unknown",
             "unknown: the retry searches again and finds nothing")
    tap.same(old.sent(CREATE), 0, "unknown: nothing is sent")
    tap.same(session.state("SELECT healthlake_retry_request(%s)", missing), "55000",
             "unknown: the first cannot be retried twice")
    tap.same(session.run(one.format("*"), missing), whole, "unknown: the first is unchanged")
    missing = session.one("SELECT healthlake_retry_request(%s)", again)
    place = old.place("missing")
    state, note, _, _, id, _ = old.again()(missing)
    tap.same((state, note, id), ("succeeded", "found by its name and time", place),
             "unknown: an existing data store is adopted")
    tap.same(session.state("SELECT healthlake_resolve_request(%s, 'succeeded', 'x')", missing),
             "55000", "unknown: a known outcome cannot be resolved")
    before = session.run(one.format("finished_at, duration"), ambiguous)
    tap.same(session.one("SELECT healthlake_resolve_request(%s, 'succeeded', 'seen in the console',"
                         " %s)", ambiguous, '{"DatastoreId": "%032d"}' % 7), True,
             "unknown: a user records the outcome")
    tap.same(session.run(one.format("state, note, resolved_by, resolved_at IS NOT NULL,"
                                    " datastore_id, response ->> 'DatastoreId'"), ambiguous),
             [("succeeded", "seen in the console", "postgres", True, "%032d" % 7, "%032d" % 7)],
             "unknown: the row has the role and the outcome")
    tap.same(session.run(one.format("finished_at, duration"), ambiguous), before,
             "unknown: the row has the time of the end")
    tap.same(session.state("SELECT healthlake_retry_request(%s)", ambiguous), "55000",
             "unknown: a success cannot be retried")
    tap.same(session.state("UPDATE healthlake_request SET note = '' WHERE id = %s", ambiguous),
             "55000", "unknown: and not changed, even by a superuser")


def recent(old):
    """Within the hour the token suffices."""
    id = old.session.one(ENQUEUE, "recent")
    old.session.run(AGE.replace("2 hours", "50 minutes"), id)
    before = old.sent(LIST)
    tap.same(old.again()(id)[0], "succeeded", "50 minutes old: it is sent again")
    tap.same((old.sent(LIST) - before, old.sent(CREATE)), (0, 1),
             "50 minutes old: without a search")


def reloaded(session, fence):
    """Waits until the session has the fence of the configuration, which no session may change."""
    session.run("SELECT pg_reload_conf()")
    tap.ok(until(lambda: session.one("SHOW healthlake.fence") == fence), f"the fence is '{fence}'")


def same_fence(old):
    """After a failover with one fence on both nodes: requests whose mark was not replicated."""
    session = old.session
    session.run("ALTER SYSTEM SET healthlake.fence = 'pair'")
    reloaded(session, "pair")
    made = session.one(ENQUEUE, "with a token")
    store = old.place("to be tagged")
    published = enqueue(session, PUBLISH, {"ProfileId": "0" * 32, "SourceFormat": "CCDA"})
    tagged = enqueue(session, "TagResource", {
        "ResourceARN": f"arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/{store}",
        "Tags": [{"Key": "ward", "Value": "7"}]})
    session.run("UPDATE healthlake_request SET timeline = timeline + 1 WHERE id = ANY(%s)",
                [made, published, tagged])
    before = old.sent(LIST)
    row = old.again()
    tap.same((row(made)[0], old.sent(LIST) - before), ("succeeded", 0),
             "one fence: with a token it is sent without a search")
    state, note, sqlstate, message, _, _ = row(published)
    tap.same((state, sqlstate, old.sent(PUBLISH)), ("unknown", "38M01", 0),
             "one fence: without a token it is not sent, since the old primary may have sent it")
    tap.ok("no name to search for" in message, "one fence: the row says why", message, note)
    tap.same((row(tagged)[0], old.sent("TagResource")), ("succeeded", 1),
             "one fence: an idempotent request is sent")
    session.run("ALTER SYSTEM RESET healthlake.fence")
    reloaded(session, "")


def old_rows(emulator):
    """All checks of rows with an old token."""
    emulator.reset()
    cluster, session = make(emulator, emulator.access_key_id, healthlake__autostart_worker="off")
    old = Old(emulator, session)
    ambiguous, missing = old_stores(old)
    old_tagged(old)
    old_by_worker(old)
    resolved(old, ambiguous, missing)
    old_jobs(old)
    recent(old)
    same_fence(old)
    return cluster, session


def looking(emulator, cluster):
    """A slow search blocks no other process."""
    Session(cluster).run("CREATE DATABASE doomed")
    session = Session(cluster, dbname="doomed")
    session.run("CREATE EXTENSION healthlake")
    for number in range(8):
        session.run(AGE, session.one(ENQUEUE, f"looked for {number}"))
        emulator.place({"DatastoreName": f"looked for {number}", "DatastoreTypeVersion": "R4"})
    emulator.next(operation=LIST, delay=0.7, times="always")
    before = len(emulator.log())
    session.run("SET healthlake.autostart_worker = on")
    session.run("SELECT healthlake_enqueue_create_datastore('x', run_after => '2100-01-01')")
    emulator.log(before, LIST, count=3, wait=20)
    watcher = Session(cluster)
    seen = []
    for _ in range(20):
        seen += watcher.run(
            "SELECT backend_xid::text, backend_xmin::text, (SELECT string_agg(mode, ' ')"
            " FROM pg_locks l WHERE l.pid = a.pid AND locktype = 'relation')"
            " FROM pg_stat_activity a WHERE backend_type = 'healthlake worker'")
        time.sleep(0.02)
    tap.say("while looking: xid, xmin, locks on relations: " + str(Counter(seen)))
    tap.ok(seen and all(line[:2] == (None, None) for line in seen),
           "a search holds no snapshot", Counter(seen))
    session.close()
    began = time.monotonic()
    state = watcher.state("DROP DATABASE doomed")
    took = time.monotonic() - began
    tap.ok(state is None and took < 3, "a search does not block DROP DATABASE",
           f"{state} after {took:.1f} s")
    tap.say(f"DROP DATABASE beside a worker that looks, 0.7 s each: {took:.1f} s")
    emulator.reset()


def at_once(emulator, cluster):
    """AWS is searched for several rows at the same time."""
    session = Session(cluster)
    emulator.next(operation=LIST, delay=0.5, times="always")
    for number in range(8):
        session.run(AGE, session.one(ENQUEUE, f"sought {number}"))
        emulator.place({"DatastoreName": f"sought {number}", "DatastoreTypeVersion": "R4"})
    session.run("SET healthlake.max_concurrency = 8")
    began = time.monotonic()
    session.run("CALL healthlake_run_queue()")
    took = time.monotonic() - began
    tap.same(session.run("SELECT state, count(*) FROM healthlake_request"
                         " WHERE request ->> 'DatastoreName' ~ '^sought' GROUP BY 1"),
             [("succeeded", 8)], "eight are searched for and found")
    tap.ok(took < 2, "the searches are concurrent", f"{took:.1f} s")
    tap.say(f"8 searches of 0.5 s with 8 in flight: {took:.1f} s")
    session.close()
    emulator.reset()


def beside(emulator, cluster):
    """During a slow search other requests are sent."""
    session = Session(cluster)
    before = len(emulator.log())
    emulator.next(operation=LIST, delay=4)
    sought = session.one(ENQUEUE, "long sought")
    session.run(AGE, sought)
    session.run("SET healthlake.autostart_worker = on")
    session.run(ENQUEUE, "wakes")
    emulator.log(before, LIST, count=1, wait=20)
    quick = session.one(ENQUEUE, "quick")
    state = "SELECT state FROM healthlake_request WHERE id = %s"
    tap.ok(until(lambda: session.one(state, quick) == "succeeded", 3),
           "beside a search another request is sent and recorded")
    tap.same(session.one(state, sought), "running", "the search continues")
    tap.ok(until(lambda: session.one(state, sought) == "unknown", 10), "the search ends")
    session.run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE backend_type = 'healthlake worker'")
    session.close()
    emulator.reset()


# ---------------------------------------------------------- dump and upgrade

def dumped(emulator, cluster, session):
    """A dump contains finished requests; nothing is sent where it is restored."""
    session.run(MANY, "not to be dumped ", 5)
    session.run("CREATE DATABASE restored")
    command = (f"'{bindir()}/pg_dump' -h '{cluster.folder}/socket' -U postgres postgres |"
               f" '{bindir()}/psql' -Xq -v ON_ERROR_STOP=1 -h '{cluster.folder}/socket'"
               " -U postgres restored")
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    tap.same((done.returncode, "ERROR" in done.stdout), (0, False), "a dump is restored")
    before = len(emulator.log())
    there = Session(cluster, dbname="restored")
    finished = "SELECT * FROM healthlake_request WHERE finished_at IS NOT NULL ORDER BY id"
    tap.same(there.run("SELECT * FROM healthlake_request ORDER BY id"), session.run(finished),
             "dump: it has the finished requests unchanged, and no others")
    session.one("SELECT healthlake_enqueue_create_datastore('next', run_after => '2100-01-01')")
    last = session.one("SELECT max(id) FROM healthlake_request")
    tap.same(there.one("SELECT healthlake_enqueue_create_datastore('n',"
                       " run_after => '2100-01-01')"), last,
             "dump: its sequence continues")
    there.run("SET healthlake.autostart_worker = on")
    there.run("SELECT healthlake_enqueue_create_datastore('m', run_after => '2100-01-01')")
    there.run("CALL healthlake_run_queue()")
    time.sleep(1)
    tap.same(len(emulator.log()), before, "dump: nothing is sent there")
    cluster.stop()


def upgraded(emulator):
    """During pg_upgrade there is no worker."""
    emulator.reset()
    cluster, session = make(emulator, emulator.access_key_id,
                            healthlake__worker_databases="postgres")
    tap.ok(until(lambda: session.one(PROCESSES) == 2), "upgrade: before it, there is a worker")
    session.run("CHECKPOINT")
    session.close()
    cluster.stop()
    with open(cluster.folder / "server.log", "ab") as log:
        cluster.process = subprocess.Popen(  # pylint: disable=consider-using-with,W1509
            [bindir() / "postgres", "-b", "-D", cluster.folder / "cluster"], stdout=log,
            stderr=log, stdin=subprocess.DEVNULL, env=cluster.environment,
            preexec_fn=die_with_parent)
    session = until(lambda: attempt(cluster))
    id = session.one(ENQUEUE, "upgrade")
    time.sleep(6)
    tap.same(session.one(PROCESSES), 0, "upgrade: there is neither launcher nor worker")
    tap.same(session.one("SELECT state FROM healthlake_request WHERE id = %s", id), "queued",
             "upgrade: a commit starts none")
    tap.same(emulator.log(), [], "upgrade: nothing is sent")
    cluster.stop()


def attempt(cluster):
    """A session, or None if the server does not accept connections yet."""
    try:
        return Session(cluster)
    except psycopg2.OperationalError:
        return None


def main():
    """All cases."""
    emulator = client.emulator()
    promoted(emulator, False)
    promoted(emulator, True)
    cloned(emulator)
    old_clone(emulator)
    left_in_flight(emulator)
    twins(emulator)
    fenced(emulator, True)
    fenced(emulator, False)
    cluster, session = old_rows(emulator)
    looking(emulator, cluster)
    at_once(emulator, cluster)
    beside(emulator, cluster)
    dumped(emulator, cluster, session)
    upgraded(emulator)
    print_table()
    tap.end()


main()
