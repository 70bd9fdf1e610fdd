#!/usr/bin/python3
"""What a call costs, beside a bare libcurl loop and boto3 that send and get the same bytes.

Ends with what requests of FHIR's cost; the status is 1 where these are above their limits.

Run by test/bench/run, which has a server ready. One round after the other, each with all three,
so that whatever else the machine does falls on all of them; the middle of the rounds is told.
Arguments: rounds, calls a round, calls for the memory; "fhir" in place of the last: FHIR alone.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

import bench_fhir  # noqa: E402  pylint: disable=wrong-import-position
from session import open_session  # noqa: E402  pylint: disable=wrong-import-position

KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

ROWS = "SELECT count(healthlake_create_datastore('bench')) FROM generate_series(1, {})"

BOTO3 = """
import sys, time, boto3, botocore.config
url, ca, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = boto3.client("healthlake", region_name="us-east-1", endpoint_url=url, verify=ca,
                      aws_access_key_id=sys.argv[4], aws_secret_access_key=sys.argv[5])
for i in range(-count // 10, count):
    if i == 0:
        began, busy = time.monotonic(), time.process_time()
    client.create_fhir_datastore(DatastoreName="bench", DatastoreTypeVersion="R4")
print((time.monotonic() - began) / count * 1e6, (time.process_time() - busy) / count * 1e6)
"""

THREADS = """
import sys, time, boto3, botocore.config
from concurrent.futures import ThreadPoolExecutor
url, ca, count, most = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[6])
client = boto3.client("healthlake", region_name="us-east-1", endpoint_url=url, verify=ca,
                      aws_access_key_id=sys.argv[4], aws_secret_access_key=sys.argv[5],
                      config=botocore.config.Config(max_pool_connections=most))
def describe(_):
    client.describe_fhir_datastore(DatastoreId="c1cbeeac03514069f5dcaa110f206385")
with ThreadPoolExecutor(most) as pool:
    list(pool.map(describe, range(most)))
    began = time.monotonic()
    list(pool.map(describe, range(count)))
    print((time.monotonic() - began) * 1e3)
"""

DESCRIBES = ("SELECT count(*) FILTER (WHERE sqlstate IS NULL)"
             " FROM healthlake_describe_datastores("
             "array_fill('c1cbeeac03514069f5dcaa110f206385'::text, ARRAY[{}]))")


class Fast:
    """The fast server, built and started: one reply to everything, over HTTP and TLS."""

    def __init__(self, folder, latency=0):
        self.program = Path(folder) / "bench"
        self.ca = Path(folder) / "bench.pem"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE",
                        f"-I{HERE.parent / 'unit'}", "-o", self.program, HERE / "bench.c",
                        HERE / "server.c", "-lcurl", "-lssl", "-lcrypto", "-lpthread"], check=True)
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [self.program, "serve", self.ca, str(latency)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        plain, tls = self.process.stdout.readline().split()
        self.http = f"http://127.0.0.1:{plain}"
        self.https = f"https://localhost:{tls}"
        self.ca.chmod(0o644)

    def stop(self):
        """Ends the server."""
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def bare(self, url, count, path="/"):
        """What a call of libcurl alone costs: microseconds, and those of the CPU."""
        return self.measure(self.program, "loop", url + path, self.ca, str(count))

    def boto3(self, url, count):
        """What a call of boto3 costs; None where there is none."""
        return self.measure("/usr/bin/python3", "-c", BOTO3, url, self.ca, str(count), *KEY)

    def fan(self, url, count, most):
        """The milliseconds of many describes by curl_multi, and by boto3 in threads."""
        return (self.measure(self.program, "fan", url + "/", self.ca, str(count), str(most))[0],
                self.measure("/usr/bin/python3", "-c", THREADS, url, self.ca, str(count), *KEY,
                             str(most)))

    @staticmethod
    def measure(*command):
        """Runs a loop that prints both; None where it cannot run."""
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode != 0:
            return None
        return tuple(float(number) for number in done.stdout.split())


class Session:
    """A session that calls the fast server; what its backend costs and holds."""

    def __init__(self, fast):
        self.connection = open_session()
        self.connection.autocommit = True
        self.pid = self.connection.info.backend_pid
        os.sched_setaffinity(self.pid, os.sched_getaffinity(0))
        self.run(f"""
            SET client_min_messages = error;
            CREATE EXTENSION IF NOT EXISTS healthlake;
            SET healthlake.region = 'us-east-1';
            SET healthlake.access_key_id = '{KEY[0]}';
            SET healthlake.secret_access_key = '{KEY[1]}';
            SET healthlake.ca_bundle = '{fast.ca}';
            CREATE OR REPLACE PROCEDURE loop_of_calls(count integer) LANGUAGE plpgsql AS $$
                BEGIN
                    FOR i IN 1 .. count LOOP
                        PERFORM healthlake_create_datastore('bench');
                        IF i % 10 = 0 THEN
                            COMMIT;
                        END IF;
                    END LOOP;
                END $$""")

    def run(self, statement):
        """Runs statements."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement)

    def calls(self, url, count, statement="CALL loop_of_calls({})"):
        """Makes calls; what each cost: microseconds, and those of the CPU."""
        self.run(f"SET healthlake.endpoint_url = '{url}'")
        began, busy = time.monotonic(), self.busy()
        self.run(statement.format(count))
        return ((time.monotonic() - began) / count * 1e6, (self.busy() - busy) / count / 1e3)

    def busy(self):
        """The nanoseconds that the backend has had of a CPU."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text(encoding="ascii").split()[0])

    def descriptors(self):
        """How many descriptors the backend has, less those of PostgreSQL's own tables and logs."""
        folder = Path(f"/proc/{self.pid}/fd")
        return sum(not re.search(r"/(base|global|pg_\w+)/", os.readlink(descriptor))
                   for descriptor in folder.iterdir())

    def memory(self):
        """The backend's own memory, in kB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"RssAnon:\s+(\d+)", status).group(1))


def compare(fast, session, url, rounds, count):
    """One table: bare libcurl, SQL with and without what it keeps of calls, boto3."""
    rows = {"bare libcurl": [], "SQL": [], "SQL and its two log lines": [],
            "the same in PL/pgSQL": [], "SQL, log lines, audit": [], "SQL, log lines, durable": [],
            "boto3": []}
    for number in range(rounds):
        rows["bare libcurl"].append(fast.bare(url, count))
        session.run("SET log_min_messages = fatal; SET healthlake.audit = off")
        session.calls(url, count // 10)
        rows["SQL"].append(session.calls(url, count, ROWS))
        session.run("RESET log_min_messages")
        rows["SQL and its two log lines"].append(session.calls(url, count, ROWS))
        rows["the same in PL/pgSQL"].append(session.calls(url, count))
        session.run("SET healthlake.audit = on")
        rows["SQL, log lines, audit"].append(session.calls(url, count, ROWS))
        session.run("SET healthlake.audit = durable")
        rows["SQL, log lines, durable"].append(session.calls(url, max(count // 10, 20), ROWS))
        if number < 3:
            rows["boto3"].append(fast.boto3(url, max(count // 10, 20)))
    print(f"{'':26}{'us a call':>10}{'times bare':>12}{'us of CPU':>12}{'times bare':>12}")
    for name, costs in rows.items():
        if costs[0] is None:
            print(f"{name:26} not there")
            continue
        told = f"{name:26}"
        for part, width in ((0, 10), (1, 12)):
            ratios = [cost[part] / bare[part] for cost, bare in zip(costs, rows["bare libcurl"])]
            told += (f"{statistics.median(cost[part] for cost in costs):{width}.1f}"
                     f"{statistics.median(ratios):12.2f}")
        print(told)


def hold(session, url, count):
    """What many calls leave behind in the backend."""
    session.calls(url, 1000)
    memory, descriptors = session.memory(), session.descriptors()
    session.run("SET log_min_messages = fatal; RESET healthlake.audit")
    each = session.calls(url, count)[0]
    print(f"{count} calls ({each:.0f} us each): {session.memory() - memory} kB, "
          f"{session.descriptors() - descriptors} descriptors more than before")


def fan_out(session, fast, rounds, count=200):
    """Many describes, some in flight: ours and boto3's time by that of curl_multi."""
    print(f"{count:>9} at a time {'curl_multi ms':>14}{'SQL, times':>12}{'boto3, times':>14}")
    for most in (1, 4, 16, 64):
        session.run(f"SET healthlake.max_concurrency = {most}")
        session.calls(fast.http, most, DESCRIBES)
        bare, ours, theirs = [], [], []
        for number in range(rounds):
            alone, boto3 = fast.fan(fast.http, count, most)
            bare.append(alone)
            ours.append(session.calls(fast.http, count, DESCRIBES)[0] * count / 1e3 / alone)
            if number < 3 and boto3 is not None:
                theirs.append(boto3[0] / alone)
        print(f"{most:>19} {statistics.median(bare):>14.1f}{statistics.median(ours):>12.3f}"
              f"{statistics.median(theirs) if theirs else float('nan'):>14.2f}")


def of_operations(session, fast, slow, rounds, count, many):
    """The control plane's part of the report."""
    for name, url in (("HTTP", fast.http), ("TLS", fast.https)):
        print(f"-- {name}, one backend, one kept connection: {rounds} rounds of {count} calls")
        compare(fast, session, url, rounds, count)
    print("-- what is left")
    hold(session, fast.http, many)
    hold(session, fast.https, many // 10)
    print("-- fan-out at 20 ms")
    fan_out(session, slow, rounds)


def main():
    """The whole report."""
    rounds, count = (int(argument) for argument in sys.argv[1:3])
    # one processor for both sides of all: to wake another one costs more than a call
    processor = {min(os.sched_getaffinity(0))}
    os.sched_setaffinity(0, processor)
    fast, slow = (Fast(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")), latency)
                  for latency in (0, 20))
    session = Session(fast)
    if sys.argv[3] != "fhir":
        of_operations(session, fast, slow, rounds, count, int(sys.argv[3]))
    print("-- FHIR")
    held = bench_fhir.report(session, Session(fast), fast, slow, rounds)
    fast.stop()
    slow.stop()
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
