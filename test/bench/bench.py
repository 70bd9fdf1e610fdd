#!/usr/bin/python3
"""What a call costs, beside a bare libcurl loop and boto3 that send and get the same bytes.

Run by test/bench/run, which has a server ready. One round after the other, each with all three,
so that whatever else the machine does falls on all of them; the middle of the rounds is told.
Arguments: rounds, calls a round, calls for the memory.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg2

HERE = Path(__file__).resolve().parent
KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

BOTO3 = """
import sys, time, boto3, botocore.config
url, ca, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = boto3.client("healthlake", region_name="us-east-1", endpoint_url=url, verify=ca,
                      aws_access_key_id=sys.argv[4], aws_secret_access_key=sys.argv[5])
for i in range(-count // 10, count):
    if i == 0:
        began = time.monotonic()
    client.create_fhir_datastore(DatastoreName="bench", DatastoreTypeVersion="R4")
print((time.monotonic() - began) / count * 1e6)
"""


class Fast:
    """The fast server, built and started: one reply to everything, over HTTP and TLS."""

    def __init__(self, folder):
        self.program = Path(folder) / "bench"
        self.ca = Path(folder) / "bench.pem"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE",
                        f"-I{HERE.parent / 'unit'}", "-o", self.program, HERE / "bench.c",
                        "-lcurl", "-lssl", "-lcrypto", "-lpthread"], check=True)
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [self.program, "serve", self.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        plain, tls = self.process.stdout.readline().split()
        self.http = f"http://127.0.0.1:{plain}"
        self.https = f"https://localhost:{tls}"
        self.ca.chmod(0o644)

    def stop(self):
        """Ends the server."""
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def bare(self, url, count):
        """Microseconds a call of libcurl alone."""
        return float(subprocess.check_output([self.program, "loop", url + "/", self.ca,
                                              str(count)]))

    def boto3(self, url, count):
        """Microseconds a call of boto3; None where there is none."""
        done = subprocess.run(["/usr/bin/python3", "-c", BOTO3, url, self.ca, str(count), *KEY],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        return float(done.stdout) if done.returncode == 0 else None


class Session:
    """A session that calls the fast server; what its backend costs and holds."""

    def __init__(self, fast):
        self.connection = psycopg2.connect("")
        self.connection.autocommit = True
        self.pid = self.connection.info.backend_pid
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

    def calls(self, url, count):
        """Makes calls; microseconds for each."""
        self.run(f"SET healthlake.endpoint_url = '{url}'")
        began = time.monotonic()
        self.run(f"CALL loop_of_calls({count})")
        return (time.monotonic() - began) / count * 1e6

    def descriptors(self):
        """How many descriptors the backend has."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory(self):
        """The backend's own memory, in kB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"RssAnon:\s+(\d+)", status).group(1))


def compare(fast, session, url, rounds, count):
    """One table: bare libcurl, SQL with and without its log lines, boto3."""
    bare, quiet, logged, boto3 = [], [], [], []
    for _ in range(rounds):
        bare.append(fast.bare(url, count))
        session.run("SET log_min_messages = fatal")
        session.calls(url, count // 10)
        quiet.append(session.calls(url, count))
        session.run("RESET log_min_messages")
        logged.append(session.calls(url, count))
    boto3.append(fast.boto3(url, max(count // 20, 20)))
    middle = statistics.median(bare)
    print(f"bare libcurl              {middle:8.1f} us a call")
    for name, times in (("SQL", quiet), ("SQL and its two log lines", logged),
                        ("boto3", boto3)):
        if times[0] is None:
            print(f"{name:25} not there")
            continue
        time_middle = statistics.median(times)
        print(f"{name:25} {time_middle:8.1f} us a call, {time_middle / middle:5.2f} times bare")
    ratios = ", ".join(f"{sql / one:.2f}" for sql, one in zip(quiet, bare))
    print(f"each round's ratio        {ratios}")


def hold(session, url, count):
    """What many calls leave behind in the backend."""
    session.calls(url, 1000)
    memory, descriptors = session.memory(), session.descriptors()
    session.run("SET log_min_messages = fatal")
    each = session.calls(url, count)
    print(f"{count} calls ({each:.0f} us each): {session.memory() - memory} kB, "
          f"{session.descriptors() - descriptors} descriptors more than before")


def main():
    """The whole report."""
    rounds, count, many = (int(argument) for argument in sys.argv[1:4])
    fast = Fast(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
    session = Session(fast)
    for name, url in (("HTTP", fast.http), ("TLS", fast.https)):
        print(f"-- {name}, one backend, one kept connection: {rounds} rounds of {count} calls")
        compare(fast, session, url, rounds, count)
    print("-- what is left")
    hold(session, fast.http, many)
    hold(session, fast.https, many // 10)
    fast.stop()


if __name__ == "__main__":
    main()
