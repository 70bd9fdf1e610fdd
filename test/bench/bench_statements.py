"""What whole statements cost: a session's first, a long list, a queue; bench.py prints it."""

import os
import platform
import re
import statistics
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import others
from cluster import Cluster

KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CREATE = "SELECT healthlake_create_datastore('bench')"
LISTED = 100_000
QUEUED = 2_000


def one_line(*command):
    """The first line that a program prints; "" where there is none."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or [""])[0]


def name_machine(session, sdk):
    """Lines that say what is measured, and where."""
    with session.connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    system = re.search('PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text("utf-8"))
    boto3 = one_line("/usr/bin/python3", "-c", "import boto3; print(boto3.__version__)")
    rivals = [f"boto3 {boto3}"]
    if sdk is not None:
        rivals.append(f"AWS SDK for JavaScript {sdk[1]}, node {one_line('node', '--version')}")
    http = others.create(session, "http")
    rivals.append(f"pgsql-http {http}" if http else "no pgsql-http, which this Debian lacks")
    return ["What calls cost beside other clients that send and get the same bytes.", "",
            f"Made by `test/bench/run` on {time.strftime('%Y-%m-%d', time.gmtime())}, on "
            f"{os.cpu_count()} processors ({model[1] if model else platform.machine()}), of which "
            f"both sides use one; {system[1] if system else 'Linux'}, Linux {platform.release()}. "
            f"PostgreSQL {version}, {one_line('curl', '--version').split(' (')[0]}, "
            f"{one_line('openssl', 'version').split(' (')[0]}, {', '.join(rivals)}.", "",
            *(["All of them had a real-time priority, since the machine had other work too.", ""]
              if os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR) else []),
            "The other side is a program that answers with bytes that were written before. Figures "
            "are medians, with the quartiles in brackets; ratios are medians of ratios within a "
            "round. The server writes without waiting for its disk."]


def hash_authorities(folder, own):
    """A hashed folder of the distribution's authorities, and the test's own."""
    hashed = Path(folder) / "hashed"
    hashed.mkdir()
    for path in Path("/etc/ssl/certs").glob("*.pem"):
        (hashed / path.name).symlink_to(path)
    (hashed / "own.pem").symlink_to(own)
    subprocess.run(["openssl", "rehash", hashed], check=True, stderr=subprocess.DEVNULL)
    return hashed


def timed(cursor, statement):
    """The milliseconds of a statement."""
    began = time.monotonic()
    cursor.execute(statement)
    return (time.monotonic() - began) * 1e3


def first_calls(cluster, fast, hashed, rounds):
    """Of many sessions: the least program, the first call, the second, one after DISCARD ALL."""
    found = [[], [], [], []]
    for _ in range(rounds):
        found[0].append(fast.measure(fast.program, "first", fast.https + "/", hashed)[0])
        session = cluster.connect()
        session.autocommit = True
        with session.cursor() as cursor:
            found[1].append(timed(cursor, CREATE))
            found[2].append(timed(cursor, CREATE))
            # secrets of the session's own: the connection goes with them
            cursor.execute(f"SET healthlake.access_key_id = '{KEY[0]}'")
            cursor.execute(f"SET healthlake.secret_access_key = '{KEY[1]}'")
            cursor.execute("DISCARD ALL")
            found[3].append(timed(cursor, CREATE))
        session.close()
    return found


def first_call(report, fast, rounds):
    """The first call of a session, over TLS, with the authorities of a distribution."""
    folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    hashed = hash_authorities(folder, fast.ca)
    rows, bars = [], []
    for preload, name in (("healthlake", "preloaded"), ("", "not preloaded")):
        with Cluster(Path(folder) / name, settings=settings_of(
                fast, fast.https, **{"shared_preload_libraries": preload,
                                     "healthlake.ca_bundle": str(hashed)})) as cluster:
            with cluster.connect() as session, session.cursor() as cursor:
                cursor.execute("CREATE EXTENSION healthlake")
            found = first_calls(cluster, fast, hashed, rounds)
        ratio = statistics.median(one / least for least, one in zip(found[0], found[1]))
        if not bars:
            rows.append(("the least C program", *(report.spread(found[0]), "", "")))
            bars.append(("the least C program", statistics.median(found[0])))
        rows.append((f"healthlake, {name}: {ratio:.2f} times that",
                     *(report.spread(one) for one in found[1:])))
        bars.append((f"healthlake, {name}", statistics.median(found[1])))
    report.say("## The first call of a session", "", "Over TLS, with a hashed folder of the "
               "distribution's authorities; milliseconds as the client sees them. After DISCARD "
               "ALL a connection is opened again, and no authority is read.")
    report.table(("client", "first", "second", "first after DISCARD ALL"), rows)
    report.bars("first-call", "The first call of a session, over TLS", "ms", bars)


def peak(session):
    """The most memory that a backend has had, in kB."""
    status = Path(f"/proc/{session.pid}/status").read_text("ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1))


def lists(report, session, fast, rounds=3):
    """All of many data stores, in pages of 100."""
    statement = ("SELECT count(*) FROM (SELECT healthlake_list_datastores(max_rows => {})"
                 " OFFSET 0) AS found")
    session.calls(fast.http, 1000, statement)
    before = peak(session)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(session.calls(fast.http, LISTED, statement)[0] * LISTED / 1e3)
        theirs.append(fast.measure("/usr/bin/python3", "-c", others.LIST, fast.http, fast.ca,
                                   str(LISTED), *KEY))
    rows = [("healthlake_list_datastores()", report.spread(ours),
             f"{LISTED / statistics.median(ours) * 1e3:.0f}")]
    bars = [("healthlake", statistics.median(ours))]
    if None not in theirs:
        theirs = [one[0] for one in theirs]
        rows.append(("boto3, page after page", report.spread(theirs),
                     f"{LISTED / statistics.median(theirs) * 1e3:.0f}"))
        bars.append(("boto3, page after page", statistics.median(theirs)))
    report.say(f"## A list of {LISTED} data stores", "", "In pages of 100; in the target list the "
               f"backend takes {peak(session) - before} kB more than for a list of 1,000.")
    report.table(("client", "ms", "a second"), rows)
    report.bars("list", f"A list of {LISTED} data stores", "ms", bars)


def settings_of(fast, url, **more):
    """A server's, for calls to the fast one."""
    return {"healthlake.region": "us-east-1", "healthlake.access_key_id": KEY[0],
            "healthlake.secret_access_key": KEY[1], "healthlake.ca_bundle": str(fast.ca),
            "healthlake.endpoint_url": url, "log_min_messages": "fatal", "jit": "off", **more}


def queue(report, fast, rounds=3):
    """Requests that are enqueued, sent and recorded."""
    put, sent = [], []
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))) / "queue"
    with Cluster(folder, settings=settings_of(
            fast, fast.http, **{"shared_preload_libraries": "healthlake",
                                "healthlake.autostart_worker": "off",
                                "healthlake.max_concurrency": "16"})) as cluster, \
            closing(cluster.connect()) as session, session.cursor() as cursor:
        session.autocommit = True
        cursor.execute("CREATE EXTENSION healthlake")
        for number in range(rounds):
            put.append(timed(cursor, "SELECT count(healthlake_enqueue_create_datastore('bench "
                             f"{number} ' || i)) FROM generate_series(1, {QUEUED}) AS i"))
            sent.append(timed(cursor, "CALL healthlake_run_queue()"))
        cursor.execute("SELECT count(*) FROM healthlake_request WHERE state = 'succeeded'")
        done = cursor.fetchone()[0]
    report.say("## The queue", "", f"{QUEUED} requests enqueued in a transaction, then sent by "
               "`CALL healthlake_run_queue()`, 16 in flight; "
               f"{done} of {rounds * QUEUED} succeeded.")
    report.table(("step", "ms", "a second"),
                 [(name, report.spread(found), f"{QUEUED / statistics.median(found) * 1e3:.0f}")
                  for name, found in (("enqueue", put), ("send and record", sent))])
