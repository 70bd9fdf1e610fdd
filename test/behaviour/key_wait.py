#!/usr/bin/python3
"""Calls that wait for credentials: beside others in flight, many for one request to STS.

The queue is what makes many calls at once. Each row stands for a call; STS answers late.
"""

import os
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:1] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from client import Emulator  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, STATES, Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "CreateFHIRDatastore"
ROLE = "arn:aws:iam::123456789012:role/importer"
ENQUEUE = "SELECT healthlake_enqueue_create_datastore(%s)"
MANY = """SELECT count(healthlake_enqueue_create_datastore('clinic ' || i))
    FROM generate_series(1, 200) i"""

tap = Tap()


def server(emulator, **more):
    """A server whose calls assume a role, and whose worker starts by itself."""
    settings = {"healthlake__role_arn": ROLE, "healthlake__max_concurrency": "64", **more}
    return queue_cluster.make(emulator, {**os.environ, "AWS_ENDPOINT_URL_STS": emulator.http},
                              **settings)


def test_beside(emulator):
    """A reply that comes while another row waits for its keys is recorded at once."""
    with server(emulator) as cluster:
        session = Session(cluster)
        session.run("CREATE EXTENSION healthlake")
        emulator.next(operation=CREATE, delay=3.0)
        session.run(ENQUEUE, "first")
        tap.ok(until(lambda: emulator.log(operation=CREATE), 20), "the first row is in flight")
        # other keys from now on: the second row has to wait for STS
        emulator.next(operation="AssumeRole", delay=10.0)
        session.run("ALTER SYSTEM SET healthlake.role_session_name = 'another'")
        session.run("SELECT pg_reload_conf()")
        time.sleep(0.3)
        session.run(ENQUEUE, "second")
        tap.ok(until(lambda: len(emulator.log(operation="AssumeRole")) == 2, 20),
               "the second row waits for STS")
        tap.ok(until(lambda: session.one("SELECT state FROM healthlake_request ORDER BY id LIMIT 1")
                     == "succeeded", 30), "the first one succeeds meanwhile")
        tap.same(session.one(OPEN), 1, "while the second one waits")
        late = session.one("""SELECT extract(epoch FROM finished_at - first_sent_at)::float8
            FROM healthlake_request ORDER BY id LIMIT 1""") - 3.0
        tap.say(f"recorded {1000 * late:.0f} ms after the reply was due")
        tap.ok(late < 1.0, "it is recorded when its reply has come, not when STS answers", late)
        tap.ok(until(lambda: session.run(STATES) == [("succeeded", 2)], 30), "both succeed")


def test_many(emulator):
    """Two hundred calls that need one role's expired keys make one request to STS."""
    with server(emulator) as cluster:
        session = Session(cluster)
        session.run("CREATE EXTENSION healthlake")
        session.run(ENQUEUE, "first")
        tap.ok(until(lambda: session.run(STATES) == [("succeeded", 1)], 30), "one row has keys")
        before = len(emulator.log(operation="AssumeRole"))
        headers = {name.lower(): value for name, value
                   in dict(emulator.log(operation=CREATE)[-1]["headers"]).items()}
        emulator.state(expired_tokens=[headers["x-amz-security-token"]])
        tap.same(session.one(MANY), 200, "200 rows are enqueued")
        tap.ok(until(lambda: dict(session.run(STATES)).get("succeeded") == 201, 120),
               "all succeed", session.run(STATES))
        tap.same(len(emulator.log(operation="AssumeRole")) - before, 1,
                 "and their keys took one request to STS")
        stores = Counter(store["DatastoreName"] for store in emulator.stores())
        tap.same((len(stores), max(stores.values())), (201, 1), "one data store each")


def test_transaction_timeout(emulator):
    """No transaction is open while STS is waited for (PostgreSQL 17's transaction_timeout)."""
    with server(emulator) as cluster:
        session = Session(cluster)
        session.run("CREATE EXTENSION healthlake")
        if session.session.server_version < 170000:
            tap.skip("transaction_timeout", "PostgreSQL is older than 17")
            return
        session.run("ALTER DATABASE postgres SET transaction_timeout = '500ms'")
        emulator.next(operation="AssumeRole", delay=1.0)
        session.run(MANY)
        tap.ok(until(lambda: session.run(STATES) == [("succeeded", 200)], 120),
               "a queue whose STS takes a second empties", session.run(STATES))
        tap.ok("transaction timeout" not in cluster.log(), "and no worker is ended")


for test in (test_beside, test_many, test_transaction_timeout):
    with Emulator() as running:
        test(running)
tap.end()
