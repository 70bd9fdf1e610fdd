#!/usr/bin/python3
"""Calls that wait for credentials: other calls continue, and calls that need the same keys share a
request to STS.

The queue makes many concurrent calls; each row stands for a call, and STS answers late.
"""

import json
import os
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

HERE = Path(__file__).resolve().parent
sys.path[:1] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from client import Emulator  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, STATES, Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "CreateFHIRDatastore"
ROLE = "arn:aws:iam::123456789012:role/importer"
ENQUEUE = "SELECT healthlake_enqueue_create_datastore(%s)"
BESIDE = 20
FEW = """SELECT count(healthlake_enqueue_create_datastore('clinic ' || i))
    FROM generate_series(1, %s) i"""
MANY = """SELECT count(healthlake_enqueue_create_datastore('clinic ' || i))
    FROM generate_series(1, 200) i"""

tap = Tap()


def server(emulator, **more):
    """A server whose calls assume a role, and whose worker starts at the first commit."""
    settings = {"healthlake__role_arn": ROLE, "healthlake__max_concurrency": "64", **more}
    return queue_cluster.make(emulator, {**os.environ, "AWS_ENDPOINT_URL_STS": emulator.http},
                              **settings)


def lateness(emulator, session):
    """The milliseconds from each reply to its record, in ascending order."""
    replied = {json.loads(one["body"])["DatastoreName"]: one["time"] + one["answer"]["seconds"]
               for one in emulator.log(operation=CREATE)}
    ends = session.run("""SELECT request ->> 'DatastoreName',
        extract(epoch FROM finished_at)::float8
        FROM healthlake_request WHERE state = 'succeeded'""")
    return sorted(1000 * (end - replied[name]) for name, end in ends)


def test_beside(emulator):
    """Replies that arrive while another row waits for its keys are recorded immediately."""
    with server(emulator) as cluster:
        session = Session(cluster)
        session.run("CREATE EXTENSION healthlake")
        # the queue increases its concurrency after each success
        session.run(FEW, BESIDE)
        tap.ok(until(lambda: session.one(OPEN) == 0, 20), f"{BESIDE} rows succeed")
        alone = lateness(emulator, session)
        session.run("SELECT healthlake_purge_requests('0 s')")
        emulator.next(*({"operation": CREATE, "delay": 2.0 + 0.05 * number}
                        for number in range(BESIDE)))
        session.run(FEW, BESIDE)
        tap.ok(until(lambda: len(emulator.log(operation=CREATE)) == 2 * BESIDE, 20),
               f"{BESIDE} more are in flight")
        asked = len(emulator.log(operation="AssumeRole"))
        # from now on other keys are needed: the next row waits for STS
        emulator.next(operation="AssumeRole", delay=10.0)
        session.run("ALTER SYSTEM SET healthlake.role_session_name = 'another'")
        session.run("SELECT pg_reload_conf()")
        time.sleep(0.3)
        session.run(ENQUEUE, "last")
        tap.ok(until(lambda: len(emulator.log(operation="AssumeRole")) > asked, 20),
               "another row waits for STS")
        tap.ok(until(lambda: session.one(OPEN) == 1, 30), "the rows in flight succeed meanwhile",
               session.run(STATES))
        tap.same(emulator.log(operation="AssumeRole")[-1]["answer"]["ended"], None,
                 "while STS has not answered")
        late = lateness(emulator, session)
        tap.say(f"recorded after the reply, in ms: {statistics.median(late):.1f} in the median, "
                f"{late[-1]:.1f} at most; {statistics.median(alone):.1f} and {alone[-1]:.1f} "
                "where no row waits for keys")
        # the machine may be busy: a few late rows do not change the median
        tap.ok(statistics.median(late) < 100 + statistics.median(alone),
               "half of them are recorded within 100 ms of their replies", late)
        tap.ok(late[-1] < 1000 + alone[-1], "all of them within a second", late)
        tap.ok(until(lambda: session.one(OPEN) == 0, 30), "all succeed")


def test_many(emulator):
    """Two hundred calls that need the expired keys of one role make one request to STS."""
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
                 "there was one request to STS")
        stores = Counter(store["DatastoreName"] for store in emulator.stores())
        tap.same((len(stores), max(stores.values())), (201, 1), "each row has one data store")


def test_transaction_timeout(emulator):
    """No transaction is open during the wait for STS (PostgreSQL 17's transaction_timeout)."""
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
               "a queue with a slow STS is processed", session.run(STATES))
        tap.ok("transaction timeout" not in cluster.log(), "no worker is terminated")


def test_first_goes(emulator):
    """The wait outlives the call that began it, and has the largest limits of its calls."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("AWS_")}
    environment.update(AWS_ENDPOINT_URL_STS=emulator.http, AWS_EC2_METADATA_DISABLED="true",
                       MALLOC_PERTURB_="85",
                       AWS_CONTAINER_CREDENTIALS_FULL_URI=emulator.http + "/container/credentials")
    emulator.state(page_size=4)
    for number in range(12):
        emulator.place({"DatastoreName": f"clinic {number}"})
    with queue_cluster.make(emulator, environment, healthlake__role_arn=ROLE,
                            healthlake__access_key_id="", healthlake__secret_access_key="",
                            healthlake__max_attempts="3") as cluster:
        session = Session(cluster)
        session.run("CREATE EXTENSION healthlake")

        def begin(name, **fault):
            """A list whose next page, sent ahead, begins a wait for other keys."""
            session.run("BEGIN")
            for cursor in ("one", "other"):
                session.run(f"DECLARE {cursor} CURSOR FOR "
                            "SELECT (healthlake_list_datastores()).name")
                session.run(f"FETCH 1 FROM {cursor}")
            session.run(f"SET healthlake.role_session_name = '{name}'")
            asked = len(emulator.log(operation="container:credentials"))
            emulator.next(operation="container:credentials", delay=1.0, **fault)
            session.run("FETCH 2 FROM one")
            tap.ok(until(lambda: len(emulator.log(operation="container:credentials")) > asked),
                   f"{name}: a page that is sent ahead begins the wait")

        name = "second-to-none"
        begin(name)
        session.run("FETCH 2 FROM other")
        session.run("CLOSE one")
        # reuse the memory of the ended call
        text = ", ".join(["repeat('x', 500 + i)"] * 20)
        session.run(" UNION ALL ".join([f"SELECT {text} FROM generate_series(1, 2) i"] * 60))
        session.run("SET healthlake.role_session_name = 'third-in-line'")
        session.run("DECLARE another CURSOR FOR SELECT (healthlake_list_datastores()).name")
        session.run("FETCH 3 FROM another")
        tap.same(len(session.run("FETCH ALL FROM other")), 9, "the first of two calls is cancelled")
        names = [parse_qs(one["body"])["RoleSessionName"][0]
                 for one in emulator.log(operation="AssumeRole")]
        tap.same(sorted(names), ["postgres", name, "third-in-line"],
                 "the role is assumed with each name, as it was set")
        session.run("COMMIT")
        begin("fourth")
        emulator.next(operation="AssumeRole", status=500, body="")
        tap.same(session.state("SELECT count(*) FROM healthlake_list_datastores()"), None,
                 "a call that joins the wait of a page repeats a failed request")
        session.run("COMMIT")
        begin("fifth", status=500, body="")
        tap.same(session.state("SELECT count(*) FROM healthlake_list_datastores()"), None,
                 "also if the request was in flight when it joined")
        session.run("COMMIT")


for test in (test_first_goes, test_beside, test_many, test_transaction_timeout):
    with Emulator() as running:
        test(running)
tap.end()
