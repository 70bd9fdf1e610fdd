#!/usr/bin/python3
"""PgBouncer before a server: what doc/pools.md says of session and of transaction pooling.

Each pool has one session of the server, so that two clients certainly share it. What each client
has sent, and as whom, is what the emulator's log tells. Then a crowd: clients of three tenants
call, enqueue, roll back and are cancelled, each FHIR request with a bearer token of its own.
HEALTHLAKE_TEST_LONG=1 makes it 4,000 transactions in each way of pooling instead of 60.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from cluster import bindir, die_with_parent  # noqa: E402  pylint: disable=C0413
from queue_cluster import OPEN, Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap, skip_all  # noqa: E402  pylint: disable=wrong-import-position

LONG = bool(os.environ.get("HEALTHLAKE_TEST_LONG"))
TRANSACTIONS, CLIENTS, CANCELS = (4000, 8, 200) if LONG else (60, 4, 3)
CREATE = "CreateFHIRDatastore"
WORDS = ("create", "read", "manage", "fhir_read", "fhir_write")
TENANTS = ("tenant_a", "tenant_b", "tenant_c")
ENQUEUE = "SELECT healthlake_enqueue_create_datastore(%s)"
CALL = "SELECT (healthlake_create_datastore(%s)).id"
LAST = "SELECT operation FROM healthlake_last_call()"
READ = "SELECT healthlake_fhir_read('Patient', 'p1') ->> 'id'"
GONE = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
CONFIGURATION = """[databases]
session = host={socket} dbname=postgres pool_mode=session pool_size=1
transaction = host={socket} dbname=postgres pool_mode=transaction pool_size=1
session_crowd = host={socket} dbname=postgres pool_mode=session pool_size=3
transaction_crowd = host={socket} dbname=postgres pool_mode=transaction pool_size=3
[pgbouncer]
listen_port = 6432
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
admin_users = postgres
server_reset_query = DISCARD ALL
max_prepared_statements = 20
"""

tap = Tap()
table = []


class Pooler:
    """PgBouncer, with the connection interface of a server."""

    def __init__(self, program, cluster):
        self.folder = Path(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
        said = subprocess.check_output([program, "--version"], text=True).split()[1]
        self.version = tuple(int(part) for part in said.split(".")[:2])
        text = CONFIGURATION.format(socket=cluster.folder / "socket", folder=self.folder)
        if not self.keeps_statements():
            text = text.replace("max_prepared_statements", ";max_prepared_statements")
        (self.folder / "pgbouncer.ini").write_text(text, encoding="ascii")
        (self.folder / "users").write_text('"postgres" ""\n"app" ""\n', encoding="ascii")
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with,W1509
                [program, self.folder / "pgbouncer.ini"], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, preexec_fn=die_with_parent)
        if not until(self.answers):
            raise RuntimeError(self.said())

    def keeps_statements(self):
        """Whether it supports the protocol's prepared statements in transaction pooling."""
        return self.version >= (1, 21)

    def where(self, **changes):
        """The connection parameters for libpq."""
        return {"host": str(self.folder), "port": 6432, "user": "app", **changes}

    def connect(self, **changes):
        """A client of a pool, in autocommit mode."""
        session = psycopg2.connect(**self.where(**changes))
        session.autocommit = True
        return session

    def answers(self):
        """Whether it accepts clients."""
        with suppress(psycopg2.OperationalError):
            self.connect(dbname="pgbouncer", user="postgres").close()
            return True
        return False

    def order(self, command):
        """Runs a command of its console."""
        with closing(Session(self, dbname="pgbouncer", user="postgres")) as console:
            return console.run(command)

    def said(self):
        """Its log."""
        return (self.folder / "log").read_text("utf-8")

    def stop(self):
        """Stops it immediately."""
        self.process.terminate()
        self.process.wait(20)


class Log:
    """The requests at the emulator since the last call."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.seen = 0

    def new(self, operation=None):
        """Requests, the oldest first."""
        found = self.emulator.log(self.seen)
        self.seen += len(found)
        return [entry for entry in found if operation in (None, entry["operation"])]

    def signers(self, operation=None):
        """The key or token of each request."""
        return [identity(entry) for entry in self.new(operation)]


def identity(entry):
    """The bearer token of a request, or the access key."""
    said = dict((name.lower(), value) for name, value in entry["headers"])["authorization"]
    if said.startswith("Bearer "):
        return said
    return said.partition("Credential=")[2].partition("/")[0]


def name_of(entry):
    """The name of the data store in a request."""
    return json.loads(entry["body"])["DatastoreName"]


# --------------------------------------------------------- both pooling modes

def hang(emulator, pooler, database):
    """A client whose call gets no answer, in a thread; returns the client and its result."""
    emulator.next(operation=CREATE, silence=True)
    before = len(emulator.log())
    hanging, ended = Session(pooler, dbname=database), []

    def call():
        ended.append(hanging.state(CALL, "hangs"))
        ended.append(time.monotonic())

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    emulator.log(before, CREATE, count=1, wait=20)
    return hanging, thread, ended


def test_cancel(emulator, pooler, database):
    """A cancel goes through the pool to the calling session, and to no other."""
    times, good = [], 0
    for _ in range(CANCELS):
        hanging, thread, ended = hang(emulator, pooler, database)
        began = time.monotonic()
        hanging.session.cancel()
        thread.join(20)
        times.append(ended[1] - began if ended[:1] == ["57014"] else 20)
        good += hanging.one("SELECT 1")
        hanging.close()
    times.sort()
    tap.ok(times[-1] < 5 and good == CANCELS,
           f"{database}: {CANCELS} hanging calls are cancelled through the pool", times, good)
    table.append(f"figure: {database}: {CANCELS} cancels through the pool, p50 "
                 f"{times[len(times) // 2] * 1000:.1f} ms, max {times[-1] * 1000:.1f} ms")


def test_vanished(emulator, cluster, pooler, database):
    """A client disconnects during a call: the pool closes the session, which ends.

    PostgreSQL looks for its client, here the pool, every client_connection_check_interval.
    """
    emulator.next(operation=CREATE, silence=True)
    before = len(emulator.log())
    with subprocess.Popen([bindir() / "psql", "-Xqc", CALL % "'vanishes'", "-h", pooler.folder,
                           "-p", "6432", "-U", "app", database],
                          stdin=subprocess.DEVNULL) as leaving:
        emulator.log(before, CREATE, count=1, wait=20)
        with closing(Session(cluster)) as watcher:
            pid = watcher.one("SELECT pid FROM pg_stat_activity WHERE query ~ 'vanishes'"
                              " AND pid <> pg_backend_pid() AND state = 'active'")
            leaving.kill()
            tap.ok(until(lambda: watcher.one(GONE, pid) == 0, 15),
                   f"{database}: the session of a client that vanished ends",
                   watcher.run("SELECT pid, state, query, wait_event FROM pg_stat_activity"
                               " WHERE pid = %s", pid), pooler.said()[-1500:])


def test_startup(pooler, database):
    """Startup options do not pass through the pool."""
    try:
        with closing(Session(pooler, dbname=database,
                             options="-c healthlake.region=eu-west-1")) as one:
            got = one.one("SELECT current_setting('healthlake.region')")
    except psycopg2.OperationalError as error:
        got = "unsupported startup parameter" in str(error) and "refused"
    tap.ok(got in ("refused", "us-east-1"), f"{database}: PGOPTIONS are refused or not passed on",
           got)


def test_reconnect(cluster, pooler, database):
    """ALTER ROLE affects later sessions: RECONNECT starts new ones."""
    region = "SELECT current_setting('healthlake.region')"
    with closing(Session(cluster)) as owner:
        with closing(Session(pooler, dbname=database)) as one:
            one.one(region)
        owner.run("ALTER ROLE app SET healthlake.region = 'eu-west-1'")
        with closing(Session(pooler, dbname=database)) as one:
            before = one.one(region)
        pooler.order("RECONNECT")
        with closing(Session(pooler, dbname=database)) as one:
            after = one.one(region)
        owner.run("ALTER ROLE app RESET healthlake.region")
    pooler.order("RECONNECT")
    tap.same((before, after), ("us-east-1", "eu-west-1"),
             f"{database}: ALTER ROLE holds from RECONNECT on")


# ------------------------------------------------------------ session pooling

def test_session(emulator, pooler, log):
    """One client after the other in one session: nothing remains of the first."""
    first = Session(pooler, dbname="session")
    pid = first.one("SELECT pg_backend_pid()")
    for name, value in (("access_key_id", "AKIDCLIENT"),
                        ("secret_access_key", emulator.secret_access_key),
                        ("region", "us-west-2"), ("datastore_id", "0" * 32)):
        first.run(f"SET healthlake.{name} = '{value}'")
    first.run("PREPARE mine AS SELECT 1")
    first.run(CALL, "first")
    first.run("SET healthlake.bearer_token = 'token-of-the-first'")
    first.run("SET ROLE tenant_a")
    first.close()
    second = Session(pooler, dbname="session")
    tap.same(second.one("SELECT pg_backend_pid()"), pid, "session: the second has the same session")
    tap.same(second.run("""SELECT current_user::text, current_setting('healthlake.region'),
        current_setting('healthlake.datastore_id') = %s""", emulator.stores()[0]["DatastoreId"]),
             [("app", "us-east-1", True)],
             "session: role and settings of the first are gone")
    tap.same(second.one(LAST), None, "session: and its last call")
    tap.same(second.state("EXECUTE mine"), "26000", "session: and what it has prepared")
    second.run(CALL, "second")
    second.run(READ)
    tap.same([(name_of(entry) if entry["operation"] == CREATE else "read", identity(entry))
              for entry in log.new()],
             [("first", "AKIDCLIENT"), ("second", emulator.access_key_id),
              ("read", emulator.access_key_id)],
             "session: each has sent its own once, with its own credentials")
    second.close()


def test_left_open(cluster, pooler):
    """A client disconnects in its transaction: it is rolled back, and the log reports it."""
    leaving = Session(pooler, dbname="session")
    leaving.run("BEGIN")
    leaving.run(CALL, "left open")
    leaving.run(ENQUEUE, "never asked for")
    leaving.close()
    tap.ok(until(lambda: any("event=rollback" in line and '"left open"' in line
                             for line in cluster.log().splitlines())),
           "session: a transaction that was left open is rolled back, and logged with its name")
    with closing(Session(cluster)) as owner:
        tap.same(owner.one("SELECT count(*) FROM healthlake_request"), 0,
                 "session: and its request was never there")


# -------------------------------------------------------- transaction pooling

def two(pooler):
    """Two clients of one session."""
    return [Session(pooler, dbname="transaction") for _ in range(2)]


def test_left_behind(emulator, pooler, log):
    """The next client has what SET has left: the reason for the page's advice."""
    first, second = two(pooler)
    tap.same(len({one.one("SELECT pg_backend_pid()") for one in (first, second)}), 1,
             "transaction: two clients share a session")
    first.run("SET healthlake.region = 'us-west-2'")
    tap.same(second.one("SELECT current_setting('healthlake.region')"), "us-west-2",
             "transaction: what one SETs, the next has")
    first.run("RESET healthlake.region")
    first.run("SET healthlake.access_key_id = 'AKIDCLIENT'")
    first.run(f"SET healthlake.secret_access_key = '{emulator.secret_access_key}'")
    second.run(CALL, "by another key")
    tap.same(log.signers(), ["AKIDCLIENT"], "transaction: a credential, too")
    tap.same(second.state(ENQUEUE, "not by another key"), "55000",
             "transaction: with which nothing is enqueued")
    first.run("PREPARE mine AS SELECT 1")
    tap.same(second.one("EXECUTE mine"), 1, "transaction: PREPARE is the session's")
    second.run("DISCARD ALL")
    tap.same((first.one(LAST), first.state("EXECUTE mine")), (None, "26000"),
             "transaction: DISCARD ALL removes all that")
    first.run(CALL, "by the server key")
    tap.same(log.signers(), [emulator.access_key_id],
             "transaction: and the next call has the server's key")
    first.close()
    second.close()


def test_local(emulator, pooler, log):
    """SET LOCAL holds for one transaction: region, bearer token, role."""
    first, second = two(pooler)
    for number in (1, 2):
        first.run("BEGIN")
        first.run(f"SET LOCAL healthlake.bearer_token = 'token-{number}'")
        tap.same(first.one(READ), "p1", f"transaction: a read with token {number}")
        first.run("COMMIT")
        second.run(READ)
    first.run("BEGIN")
    first.run("SET LOCAL healthlake.bearer_token = 'token-3'")
    first.run(READ)
    tap.same(first.state("SELECT 1 / 0"), "22012", "transaction: one that fails")
    first.run("ROLLBACK")
    second.run(READ)
    key = emulator.access_key_id
    tap.same(log.signers(), ["Bearer token-1", key, "Bearer token-2", key, "Bearer token-3", key],
             "transaction: each token goes out in its transaction, and in no other")
    first.run("BEGIN")
    first.run("SET LOCAL ROLE tenant_a")
    first.run(CALL, "of a tenant")
    first.run(ENQUEUE, "kept")
    tap.same(first.one(LAST), CREATE, "transaction: the last call, in its transaction")
    first.run("COMMIT")
    second.run("BEGIN")
    second.run("SET LOCAL ROLE tenant_b")
    tap.same((second.one(LAST), second.one("SELECT count(*) FROM healthlake_request")), (None, 0),
             "transaction: another tenant sees neither call nor request")
    second.run("COMMIT")
    first.run(CALL, "of app")
    tap.same(second.one(LAST), CREATE,
             "transaction: another client of the same role sees the call of the session")
    second.run("DISCARD ALL")
    first.close()
    second.close()


def test_statements(emulator, pooler, log):
    """Statements with several transactions, and messages at the end of one."""
    first, second = two(pooler)
    first.run("BEGIN")
    first.run(CALL, "rolled back")
    first.run("ROLLBACK")
    tap.ok(any("rolled back" in notice for notice in first.session.notices),
           "transaction: the client that rolls back is warned", first.session.notices)
    first.run("LISTEN healthlake")
    log.new()
    ids = [second.one(ENQUEUE, f"called {number}") for number in range(5)]
    emulator.next(operation=CREATE, delay=0.05, times=5)
    second.run("CALL healthlake_run_queue()")
    first.session.poll()
    tap.same(sorted(name_of(entry) for entry in log.new(CREATE) if "called" in entry["body"]),
             [f"called {number}" for number in range(5)],
             "transaction: a CALL of healthlake_run_queue() sends each once")
    tap.same(second.one("SELECT state FROM healthlake_wait_request(%s)", ids[4]), "succeeded",
             "transaction: healthlake_wait_request() tells of the end")
    tap.same(first.session.notifies, [], "transaction: LISTEN does not")
    tap.same(second.state("CALL healthlake_await_datastore(%s, 'ACTIVE', '10 s', '100 ms')",
                          second.one(CALL, "awaited")), None,
             "transaction: an await procedure commits between its polls")
    first.run("UNLISTEN *")
    first.close()
    second.close()


def test_prepared(emulator, pooler, log):
    """Statements that drivers prepare by the protocol, in several clients."""
    if not pooler.keeps_statements():
        tap.skip("transaction: statements that are prepared by the protocol",
                 "PgBouncer keeps them from 1.21 on")
        return
    script = pooler.folder / "script"
    script.write_text("\\set n random(1, 1000000000)\n"
                      "SELECT (healthlake_create_datastore('prepared ' || :n)).id;\n", "ascii")
    emulator.next(operation=CREATE, delay=0.002, times=40)
    done = subprocess.run(
        [bindir() / "pgbench", "-n", "-M", "prepared", "-c", "4", "-t", "10", "-f", script,
         "-h", pooler.folder, "-p", "6432", "-U", "app", "transaction_crowd"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    sent = [name for name in map(name_of, log.new(CREATE)) if name.startswith("prepared")]
    tap.same((done.returncode, len(sent)), (0, 40),
             "transaction: statements that are prepared by the protocol send once each")


# ---------------------------------------------------------------- the crowd

class Client(threading.Thread):
    """A client of a pool: transactions of every kind, for one tenant after the other."""

    def __init__(self, pooler, mode, number, count):
        super().__init__(daemon=True)
        self.pooler = pooler
        self.mode = mode
        self.number = number
        self.count = count
        self.dice = random.Random(number)
        self.asked = []  # (kind, what, tenant, token, end)

    def run(self):
        session = None
        for turn in range(self.count):
            if session is None or self.mode == "session" and turn % 5 == 0:
                if session:
                    session.close()
                session = Session(self.pooler, dbname=f"{self.mode}_crowd")
            self.transaction(session, f"{self.mode}-{self.number}-{turn}")
        session.close()

    def transaction(self, session, what):
        """Runs one transaction: tenant, statement, and end."""
        kind = self.dice.choice(["call", "enqueue", "write", "outbox"])
        how = self.dice.choices(["COMMIT", "ROLLBACK", "cancel"], [80, 12, 8])[0]
        tenant = self.dice.choice(TENANTS)
        token = f"token-{what}" if kind == "write" else None
        local = "LOCAL " if self.mode == "transaction" else ""
        statement, value = {
            "call": (CALL, what), "enqueue": (ENQUEUE, what),
            "write": ("SELECT healthlake_fhir_update(%s)", patient(what)),
            "outbox": ("SELECT healthlake_fhir_enqueue_create(%s)", patient(what))}[kind]
        try:
            session.run("BEGIN")
            session.run(f"SET {local}ROLE {tenant}")
            if token:
                session.run(f"SET {local}healthlake.bearer_token = '{token}'")
            if how == "cancel":
                threading.Timer(self.dice.random() * 0.03, cancel, [session.session]).start()
            session.run(statement, value)
            if how == "cancel":
                session.run("SELECT pg_sleep(0.2)")  # the cancel arrives here at the latest
            session.run("ROLLBACK" if how == "ROLLBACK" else "COMMIT")
            end = "COMMIT" if how == "cancel" else how  # the cancel came too early
        except psycopg2.errors.QueryCanceled:
            session.run("ROLLBACK")
            end = "cancel"  # by any client: see the notes of PgBouncer 1.19
        if self.mode == "session":
            session.run("RESET ROLE; RESET healthlake.bearer_token")
        self.asked.append((kind, what, tenant, token, end))


def cancel(session):
    """Cancels a session's statement, which may have ended."""
    with suppress(psycopg2.Error):
        session.cancel()


def patient(id):
    """A resource."""
    return json.dumps({"resourceType": "Patient", "id": id, "active": True})


def judge(mode, asked, sent, rows):
    """Compares the clients' actions, the received requests and the rows."""
    faults, counts = [], Counter()
    for kind, what, tenant, token, end in asked:
        who = sent.get(what, [])
        at_once = kind in ("call", "write")
        wanted = (0, 1) if at_once and end == "cancel" else (int(at_once or end == "COMMIT"),)
        counts["sent"] += len(who)
        counts["twice"] += len(who) > 1
        counts["as another"] += any(one != (f"Bearer {token}" if token else "key") for one in who)
        kept = not at_once and end == "COMMIT"
        counts["lost"] += len(who) < min(wanted)
        if len(who) not in wanted or rows.get(what) != (
                (tenant, "succeeded") if kept else None):
            faults.append((kind, what, tenant, end, who, rows.get(what)))
    tap.same(faults[:5], [], f"{mode}: of {len(asked)} transactions each has sent what it asked "
             "for, once, and the others nothing")
    tap.same((counts["twice"], counts["as another"], counts["lost"]), (0, 0, 0),
             f"{mode}: nothing twice, as another or lost")
    ends = Counter(one[4] for one in asked)
    table.append(f"figure: {mode}: {len(asked)} transactions of {CLIENTS} clients on 3 sessions "
                 f"({ends['ROLLBACK']} rolled back, {ends['cancel']} cancelled): "
                 f"{counts['sent']} sent, {counts['twice']} twice, {counts['as another']} as "
                 f"another, {counts['lost']} lost")


def test_crowd(emulator, cluster, pooler, mode):
    """All kinds of transactions concurrently."""
    emulator.state(log_limit=100000)
    before = len(emulator.log())
    clients = [Client(pooler, mode, number, TRANSACTIONS // CLIENTS)
               for number in range(CLIENTS)]
    for one in clients:
        one.start()
    for one in clients:
        one.join(500)
    with closing(Session(cluster)) as owner:
        owner.run("SET client_min_messages = error")
        until(lambda: owner.run("CALL healthlake_run_queue()") or owner.one(OPEN) == 0, 120)
        rows = dict((row[0], row[1:]) for row in owner.run(
            "SELECT coalesce(resource_id, request ->> 'DatastoreName'), outer_role, state"
            " FROM healthlake_request"))
    sent = {}
    for entry in emulator.log(before):
        what = name_of(entry) if entry["operation"] == CREATE else \
            entry["path"].rpartition("/")[2]
        who = identity(entry)
        sent.setdefault(what, []).append("key" if who == emulator.access_key_id else who)
    asked = [one for client_ in clients for one in client_.asked]
    tap.same(len(asked), TRANSACTIONS // CLIENTS * CLIENTS, f"{mode}: all clients came through")
    judge(mode, asked, sent, rows)


def prepare(emulator, cluster):
    """Creates the extension, a login role, and its tenants."""
    emulator.key("AKIDCLIENT", emulator.secret_access_key)
    with closing(Session(cluster)) as owner:
        owner.run("CREATE EXTENSION healthlake; CREATE ROLE app LOGIN")
        for role in TENANTS:
            owner.run(f"CREATE ROLE {role}; GRANT {role} TO app")
        for role in ("app", *TENANTS):
            owner.run("SELECT healthlake_grant(%s, VARIADIC %s)", role, list(WORDS))
        for name in ("access_key_id", "secret_access_key"):
            owner.run(f"GRANT SET ON PARAMETER healthlake.{name} TO app")


def main():
    """All statements of the page."""
    program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not program:
        skip_all("there is no pgbouncer")
    emulator = client.emulator()
    emulator.state(verify=False)  # it does not check bearer tokens
    store = emulator.place({"DatastoreName": "clinic"})[0]
    emulator.place_resources(store, [json.loads(patient("p1"))])
    cluster = queue_cluster.make(emulator, healthlake__datastore_id=store,
                                 healthlake__autostart_worker="off",
                                 client_connection_check_interval="200ms")
    with cluster:
        prepare(emulator, cluster)
        pooler = Pooler(program, cluster)
        table.append("figure: PgBouncer " + ".".join(map(str, pooler.version)))
        log = Log(emulator)
        test_session(emulator, pooler, log)
        test_left_open(cluster, pooler)
        log.new()
        test_left_behind(emulator, pooler, log)
        test_local(emulator, pooler, log)
        test_statements(emulator, pooler, log)
        test_prepared(emulator, pooler, log)
        for mode in ("session", "transaction"):
            test_startup(pooler, mode)
            test_reconnect(cluster, pooler, mode)
            test_cancel(emulator, pooler, mode)
            test_vanished(emulator, cluster, pooler, mode)
            test_crowd(emulator, cluster, pooler, mode)
        pooler.stop()
    for line in table:
        tap.say(line)
    emulator.stop()
    tap.end()


main()
