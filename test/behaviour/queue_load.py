#!/usr/bin/python3
"""A queue of 10,000 requests: throughput, held resources, and bloat.

The endpoint is implemented in this file, since the emulator's threads would be the bottleneck: it
answers everything after a fixed time, or throttles creations above a rate. Times are printed; the
checks hold on a busy machine, too.
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
# replaces this folder, whose concurrent.py would hide the module that asyncio imports
sys.path[:1] = [str(HERE.parent / "python")]

import asyncio  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "CreateFHIRDatastore"
LATENCY = 0.05
MANY = """SELECT count(healthlake_enqueue_create_datastore('clinic ' || i))
    FROM generate_series(1, %s) i"""
WORKER = "SELECT {} FROM pg_stat_activity WHERE backend_type = 'healthlake worker'"
RUNS = ((1, 60), (4, 300), (16, 1000), (64, 1000), (64, 10000))

tap = Tap()


# ------------------------------------------------------------------ endpoint

class Endpoint(asyncio.Protocol):
    """A connection of the endpoint: keeps it, and answers each request after the latency."""

    tokens, log = {}, []
    latency, rate = LATENCY, 0
    bucket = [0.0, 0.0]

    def connection_made(self, transport):
        """A client has connected."""
        self.transport, self.held = transport, b""

    def data_received(self, data):
        """Bytes have arrived: answers each complete request."""
        self.held += data
        while True:
            head, found, rest = self.held.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            length = int(length.group(1)) if length else 0
            if not found or len(rest) < length:
                return
            self.held = rest[length:]
            self.take(head, rest[:length])

    def take(self, head, body):
        """Takes one request."""
        if head.startswith(b"GET"):
            self.reply(200, json.dumps({"log": self.log, "tokens": len(self.tokens)}))
        elif head.startswith(b"PUT"):
            said = json.loads(body)
            Endpoint.latency, Endpoint.rate = said["latency"], said["rate"]
            self.tokens.clear()
            self.log.clear()
            self.reply(200, "{}")
        else:
            operation = re.search(rb"HealthLake\.(\w+)", head).group(1).decode()
            status, text = self.answer(operation, body)
            self.log.append((time.time(), operation, status))
            asyncio.get_running_loop().call_later(self.latency, self.reply, status, text)

    def answer(self, operation, body):
        """The answer: one data store for each token, or throttling."""
        if operation != CREATE:
            return 200, "{}"
        if self.rate and not self.admits():
            return 400, '{"__type": "ThrottlingException", "message": "Rate exceeded"}'
        token = json.loads(body)["ClientToken"]
        id = self.tokens.setdefault(token, f"{len(self.tokens):032x}")
        arn = f"arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/{id}"
        return 200, json.dumps({"DatastoreId": id, "DatastoreArn": arn,
                                "DatastoreStatus": "CREATING", "DatastoreEndpoint":
                                f"https://healthlake.us-east-1.amazonaws.com/datastore/{id}/r4/"})

    @classmethod
    def admits(cls):
        """A token bucket with the rate's capacity."""
        left, then = cls.bucket
        now = time.monotonic()
        left = min(cls.rate, left + (now - then) * cls.rate)
        cls.bucket = [left - 1 if left >= 1 else left, now]
        return left >= 1

    def reply(self, status, text):
        """Sends an answer."""
        head = (f"HTTP/1.1 {status} X\r\nContent-Type: application/x-amz-json-1.0\r\n"
                f"x-amzn-RequestId: r\r\nContent-Length: {len(text)}\r\n\r\n")
        self.transport.write((head + text).encode())


async def serve():
    """The endpoint's process; it ends with its standard input."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Endpoint, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


class Service:
    """The endpoint, as seen by a test."""

    def __init__(self):
        self.child = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, __file__, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        self.http = f"http://127.0.0.1:{int(self.child.stdout.readline())}"
        self.access_key_id, self.secret_access_key = "AKIDLOAD", "secret"

    def ask(self, said=None):
        """Returns its log, or resets it with new settings."""
        request = urllib.request.Request(self.http, said and json.dumps(said).encode(),
                                         method="PUT" if said else "GET")
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def set(self, latency=LATENCY, rate=0):
        """Resets it, with a latency and a rate of creations (0: unlimited)."""
        self.ask({"latency": latency, "rate": rate})

    def log(self, operation, status):
        """The times at which requests of an operation were answered with a status."""
        return [at for at, name, said in self.ask()["log"] if (name, said) == (operation, status)]

    def stop(self):
        """Stops the endpoint."""
        self.child.stdin.close()
        self.child.wait(10)
        self.child.stdout.close()


# ---------------------------------------------------------------- throughput

class Process:
    """A process in /proc."""

    def __init__(self, pid):
        self.folder = Path("/proc") / str(pid)

    def memory(self):
        """The private memory, in kB."""
        status = (self.folder / "status").read_text(encoding="utf-8")
        return int(re.search(r"RssAnon:\s*(\d+)", status).group(1))

    def seconds(self):
        """The CPU time, in seconds."""
        fields = (self.folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def reconfigure(session, **settings):
    """Sets settings of the server, and waits until the worker has them."""
    for name, value in settings.items():
        session.run(f"ALTER SYSTEM SET {name.replace('__', '.')} = '{value}'")
    session.run("SELECT pg_reload_conf()")
    time.sleep(0.6)


def drain(session, seconds=120):
    """Waits until all is finished; returns whether it is."""
    return until(lambda: session.one(OPEN) == 0, seconds, 0.2)


def run(session, service, concurrency, count):
    """Sends requests with a concurrency; returns requests per second, and CPU ms per request."""
    service.set()
    reconfigure(session, healthlake__max_concurrency=concurrency)
    last = session.one("SELECT coalesce(max(id), 0) FROM healthlake_request")
    worker = Process(session.one(WORKER.format("pid")))
    busy = worker.seconds()
    session.run(MANY, count)
    done = drain(session)
    busy = worker.seconds() - busy
    states = dict(session.run("SELECT state, count(*) FROM healthlake_request WHERE id > %s"
                              " GROUP BY 1", last))
    seconds = float(session.one("SELECT extract(epoch FROM max(finished_at) - min(first_sent_at))"
                                " FROM healthlake_request WHERE id > %s", last))
    tap.ok(done and states == {"succeeded": count}, f"{count} requests, {concurrency} at a time",
           states)
    tap.same((len(service.log(CREATE, 200)), service.ask()["tokens"]), (count, count),
             "each was sent once")
    return count / seconds, busy / count * 1000


def throughput(session, service):
    """Throughput, and the memory of the worker after 1,000 and after 10,000."""
    rates = {}
    lines = []
    worker = Process(session.one(WORKER.format("pid")))
    for concurrency, count in RUNS:
        before = worker.memory()
        rates[concurrency], cost = run(session, service, concurrency, count)
        lines.append((concurrency, count, rates[concurrency], concurrency / LATENCY, cost))
    grown = worker.memory() - before
    tap.say(f"replies after {LATENCY * 1000:.0f} ms")
    tap.say("%9s %9s %9s %9s %17s" % ("in flight", "requests", "a second", "at most",
                                      "CPU ms a request"))
    for line in lines:
        tap.say("%9d %9d %9.0f %9.0f %17.2f" % line)
    tap.ok(rates[4] > 2 * rates[1], "4 at a time are more than twice as fast as 1", rates)
    tap.ok(rates[16] > 1.5 * rates[4], "16 at a time are more than 1.5 times as fast as 4", rates)
    tap.ok(rates[64] > 0.8 * rates[16], "64 at a time are no slower than 16", rates)
    tap.ok(grown < 1024, "10,000 requests take no more memory than 1,000", f"{grown} kB more")
    tap.say(f"memory of the worker: {before} kB after the 1,000, {grown} kB more after 10,000")


# --------------------------------------------------------------------- bloat

KINDS = """SELECT regexp_replace(pg_get_indexdef(indexrelid), '.*USING', '') AS what,
    pg_relation_size(indexrelid) / 1024 FROM pg_index WHERE indrelid = '{0}'::regclass
    UNION ALL SELECT 'table', pg_relation_size('{0}'::regclass) / 1024"""


def bloat(session):
    """Sizes after autovacuum, compared with those of a freshly filled table."""
    clean = until(lambda: session.one(
        "SELECT n_dead_tup < 1000 AND autovacuum_count > 0 FROM pg_stat_user_tables"
        " WHERE relname = 'healthlake_request'"), 30, 0.5)
    tap.ok(clean, "autovacuum runs and removes dead rows", session.run(
        "SELECT n_dead_tup, autovacuum_count FROM pg_stat_user_tables"
        " WHERE relname = 'healthlake_request'"))
    session.run("CREATE TABLE fresh (LIKE healthlake_request INCLUDING ALL)"
                " WITH (fillfactor = 70)")
    session.run("INSERT INTO fresh OVERRIDING SYSTEM VALUE SELECT * FROM healthlake_request")
    fresh = dict(session.run(KINDS.format("fresh")))
    sizes = dict(session.run(KINDS.format("healthlake_request")))
    tap.say(f"{'kB':>8} {'fresh':>8}")
    for what, size in sizes.items():
        tap.say(f"{size:8} {fresh[what]:8}  {what[:70]}")
        tap.ok(size <= 3 * fresh[what] + 1024, f"no bloat in {what.strip()[:60]}",
               f"{size} kB, a fresh one {fresh[what]} kB")
    tap.say("dead rows, updates, of these HOT, autovacuums: " + str(session.run(
        "SELECT n_dead_tup, n_tup_upd, n_tup_hot_upd, autovacuum_count"
        " FROM pg_stat_user_tables WHERE relname = 'healthlake_request'")[0]))
    session.run("DROP TABLE fresh")
    again(session)


def again(session):
    """Further requests reuse the space of the first."""
    session.run("VACUUM healthlake_request")
    before = session.one("SELECT pg_relation_size('healthlake_request')")
    rows = session.one("SELECT count(*) FROM healthlake_request")
    session.run(MANY, 2000)
    drain(session)
    after = session.one("SELECT pg_relation_size('healthlake_request')")
    tap.ok(after - before < 3 * 2000 / rows * before,
           "2,000 more requests add no more than their size",
           f"{before} bytes with {rows} rows, {after} after 2,000 more")


# ------------------------------------------------------------ held snapshots

def held(cluster, session, service):
    """While replies are awaited, worker and CALL hold no transaction, snapshot or lock."""
    service.set(latency=1.5)
    reconfigure(session, healthlake__max_concurrency=8)
    session.run("SELECT healthlake_enqueue_create_datastore('held ' || i)"
                " FROM generate_series(1, 8) i")
    until(lambda: len(service.log(CREATE, 200)) == 8)
    session.run("SET healthlake.autostart_worker = off")
    session.run("BEGIN")
    session.run("SELECT healthlake_enqueue_create_datastore('called ' || i)"
                " FROM generate_series(1, 8) i")
    session.run("COMMIT")
    seen = sample(cluster, session)
    tap.ok(len(seen) >= 10, "the sessions were observed while replies were awaited", len(seen))
    tap.same([line for line in seen if line[1] is not None or line[2] is not None or line[3]], [],
             "neither has an xid, an xmin or a lock on a relation")
    tap.same({line[0] for line in seen}, {"worker", "call"}, "both worker and CALL were observed")
    texts = {line[4:] for line in seen}
    tap.say("\n".join(sorted(map(str, texts))))
    tap.ok(any("requests in flight" in text[1] for text in texts),
           "pg_stat_activity shows the worker's activity", texts)
    tap.ok(all(text[0] for text in texts), "pg_stat_activity shows its wait event", texts)
    drain(session)
    session.run("RESET healthlake.autostart_worker")
    idle = [("waiting for requests", "healthlake worker", "idle")]
    until(lambda: session.run(WORKER.format("query, application_name, state")) == idle)
    tap.same(session.run(WORKER.format("query, application_name, state")), idle,
             "that of an idle worker, too")


def sample(cluster, session):
    """Observes worker and CALL while both have requests in flight; returns the rows seen."""
    seen = []
    command = ["psql", "-Xq", "-h", str(cluster.folder / "socket"), "-U", "postgres", "-d",
               "postgres", "-c", "CALL healthlake_run_queue()"]
    with subprocess.Popen(command, env={**os.environ, "PGAPPNAME": "caller"},
                          stderr=subprocess.DEVNULL):
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            seen += session.run(
                "SELECT CASE backend_type WHEN 'client backend' THEN 'call' ELSE 'worker' END,"
                " backend_xid::text, backend_xmin::text, EXISTS (SELECT FROM pg_locks l"
                " WHERE l.pid = a.pid AND locktype = 'relation'), wait_event, query"
                " FROM pg_stat_activity a WHERE (backend_type = 'healthlake worker'"
                " OR application_name = 'caller') AND wait_event IS NOT NULL")
            time.sleep(0.05)
    return seen


# ---------------------------------------------------------------- throttling

def throttled(session, service):
    """AWS accepts few creations a second: they use the quota, and delay nothing else."""
    service.set(rate=4)
    reconfigure(session, healthlake__max_concurrency=10)
    last = session.one("SELECT max(id) FROM healthlake_request")
    session.run("SELECT healthlake_enqueue_create_datastore('spaced ' || i)"
                " FROM generate_series(1, 40) i")
    session.run("SELECT healthlake_enqueue('TagResource', jsonb_build_object('ResourceARN',"
                " 'arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/' || repeat('0', 32),"
                " 'Tags', '[{\"Key\": \"ward\", \"Value\": \"7\"}]'::jsonb))"
                " FROM generate_series(1, 40)")
    done = ("SELECT count(*) FROM healthlake_request WHERE operation = 'TagResource'"
            " AND state = 'succeeded' AND id > %s")
    tap.ok(until(lambda: session.one(done, last) == 40, 20),
           "throttled: other operations continue")
    pid = session.one(WORKER.format("pid"))
    before, spent = len(service.log(CREATE, 200) + service.log(CREATE, 400)), cpu(pid)
    time.sleep(10)
    after = len(service.log(CREATE, 200) + service.log(CREATE, 400))
    tap.ok(service.log(CREATE, 400) and after - before <= 1, "throttled: creations keep the quota's"
           f" pace: {after - before} in 10 s, after {before}")
    tap.ok(cpu(pid) - spent < 1, f"throttled: the worker has had {cpu(pid) - spent:.2f} s of CPU"
           " in these")


def cpu(pid):
    """Seconds of CPU that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    """All checks, on one server."""
    service = Service()
    cluster = queue_cluster.make(
        service, healthlake__worker_databases="postgres", autovacuum="on",
        autovacuum_naptime="1s", autovacuum_vacuum_cost_delay="0", shared_buffers="64MB",
        synchronous_commit="on")
    session = Session(cluster.start())
    session.run("CREATE EXTENSION healthlake")
    until(lambda: session.run(WORKER.format("pid")))
    began = time.monotonic()
    throughput(session, service)
    bloat(session)
    held(cluster, session, service)
    throttled(session, service)
    tap.say(f"{time.monotonic() - began:.0f} s in all")
    cluster.stop()
    service.stop()
    tap.end()


if sys.argv[1:] == ["serve"]:
    asyncio.run(serve())
else:
    main()
