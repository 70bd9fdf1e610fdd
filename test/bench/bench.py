#!/usr/bin/python3
"""What a call costs, beside a bare libcurl loop and others that send and get the same bytes.

Ends with what requests of FHIR's cost; the status is 1 where these are above their limits.

Run by test/bench/run, which has a server ready. One round after the other, each with all of them,
so that whatever else the machine does falls on all; the middle of the rounds is told, and the
quartiles. Arguments: rounds, calls a round, calls for the memory ("fhir": FHIR alone), and a
folder for the report and its plots.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

import bench_fhir  # noqa: E402  pylint: disable=wrong-import-position
import bench_statements  # noqa: E402  pylint: disable=wrong-import-position
import others  # noqa: E402  pylint: disable=wrong-import-position
import report as told  # noqa: E402  pylint: disable=wrong-import-position
from session import open_session  # noqa: E402  pylint: disable=wrong-import-position

KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

ROWS = "SELECT count(healthlake_create_datastore('bench')) FROM generate_series(1, {})"

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
        return self.measure("/usr/bin/python3", "-c", others.BOTO3, url, self.ca, str(count), *KEY)

    def node(self, sdk, url, count):
        """What a call of AWS's SDK for JavaScript costs."""
        os.environ["NODE_EXTRA_CA_CERTS"] = str(self.ca)
        return self.measure("node", sdk[0] / "bench.mjs", url, str(count), *KEY)

    def fan(self, url, count, most):
        """The milliseconds of many describes by curl_multi, and by boto3 in threads."""
        return (self.measure(self.program, "fan", url + "/", self.ca, str(count), str(most))[0],
                self.measure("/usr/bin/python3", "-c", others.THREADS, url, self.ca, str(count),
                             *KEY, str(most)))

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
        # a statement of many calls is expensive enough to be compiled, which is no part of a call
        self.run(f"""
            SET client_min_messages = error;
            SET jit = off;
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


def ways_of(fast, session, url, sdk):
    """What is compared: name, how much less of it, and what makes so many calls."""
    body = '{"DatastoreName": "bench", "DatastoreTypeVersion": "R4"}'
    peers = {"boto3": (10, lambda count: fast.boto3(url, count))}
    if sdk is not None:
        peers["SDK for JavaScript"] = (10, lambda count: fast.node(sdk, url, count))
    if others.create(session, "plpython3u", "DROP FUNCTION IF EXISTS bench_boto3;"
                     + others.PLPYTHON):
        peers["PL/Python with boto3"] = (10, lambda count: session.calls(
            url, count, f"SELECT count(bench_boto3('{url}', '{fast.ca}', '{KEY[0]}', '{KEY[1]}'))"
            " FROM generate_series(1, {})"))
    if others.create(session, "http") and url.startswith("http:"):
        peers["pgsql-http, unsigned"] = (1, lambda count: session.calls(
            url, count, f"SELECT count(http_post('{url}/', '{body}', 'application/json'))"
            " FROM generate_series(1, {})"))

    def ours(settings, statement=ROWS):
        def measure(count):
            session.run(settings)
            session.calls(url, max(count // 10, 3), statement)
            return session.calls(url, count, statement)
        return measure

    return {"bare libcurl, unsigned": (1, lambda count: fast.bare(url, count)),
            "healthlake, no audit, no log": (1, ours(
                "SET log_min_messages = fatal; SET healthlake.audit = off")),
            "healthlake, no audit": (1, ours("RESET log_min_messages; SET healthlake.audit = off")),
            "healthlake, audit, no log": (1, ours(
                "SET log_min_messages = fatal; SET healthlake.audit = on")),
            "healthlake, audit (default)": (1, ours(
                "RESET log_min_messages; SET healthlake.audit = on")),
            "healthlake, PL/pgSQL": (1, ours("RESET log_min_messages; SET healthlake.audit = on",
                                             "CALL loop_of_calls({})")),
            "healthlake, durable audit": (10, ours(
                "RESET log_min_messages; SET healthlake.audit = durable")), **peers}


def compare(report, fast, session, name, url, rounds, count, sdk):
    """One table: bare libcurl, the extension with and without what it keeps of calls, others."""
    ways = ways_of(fast, session, url, sdk)
    costs = {way: [] for way in ways}
    for number in range(rounds):
        for way, (less, measure) in ways.items():
            # what takes long is measured in a few rounds alone
            if less == 1 or number < 3:
                costs[way].append(measure(max(count // less, 20)))
    bare = costs["bare libcurl, unsigned"]
    rows, bars = [], []
    for way, found in costs.items():
        if found[0] is None:
            continue
        times, busy = [one[0] for one in found], [one[1] for one in found]
        ratios = [[one[part] / other[part] for one, other in zip(found, bare)] for part in (0, 1)]
        rows.append((way, told.spread(times), f"{told.middle(ratios[0]):.2f}",
                     told.number_of(told.middle(busy)), f"{told.middle(ratios[1]):.2f}"))
        bars.append((way, told.middle(times)))
    report.say(f"## A call over {name}", "", f"One backend, one kept connection; {rounds} rounds of"
               f" {count} calls. Microseconds a call, and those of the caller's processor.")
    report.table(("client", "µs a call", "times bare", "µs of CPU", "times bare"), rows)
    report.bars(f"call-{name.lower()}", f"A call over {name}", "µs", bars)


def hold(session, name, url, count):
    """What many calls leave behind in the backend: a row."""
    session.run("SET log_min_messages = fatal; RESET healthlake.audit")
    session.calls(url, 1000)
    memory, descriptors = session.memory(), session.descriptors()
    each = session.calls(url, count)[0]
    return (f"{count} calls over {name}", f"{each:.0f}", f"{session.memory() - memory}",
            f"{session.descriptors() - descriptors}")


def fan_out(report, session, fast, rounds, count=200):
    """Many describes, some in flight: ours and boto3's time by that of curl_multi."""
    rows, bars = [], []
    for most in (1, 4, 16, 64):
        session.run(f"SET healthlake.max_concurrency = {most}")
        session.calls(fast.http, most, DESCRIBES)
        bare, ours, theirs = [], [], []
        for number in range(rounds):
            alone, boto3 = fast.fan(fast.http, count, most)
            bare.append(alone)
            ours.append(session.calls(fast.http, count, DESCRIBES)[0] * count / 1e3)
            if number < 3 and boto3 is not None:
                theirs.append(boto3[0])
        ratio = told.middle([one / alone for one, alone in zip(ours, bare)])
        rows.append((most, told.spread(bare), told.spread(ours), f"{ratio:.3f}",
                     told.spread(theirs) if theirs else ""))
        if most == 16:
            bars = [("bare curl_multi", told.middle(bare)), ("healthlake", told.middle(ours)),
                    *([("boto3, threads", told.middle(theirs))] if theirs else [])]
    report.say(f"## {count} describes at 20 ms", "", "Milliseconds, by how many are in flight.")
    report.table(("in flight", "curl_multi", "healthlake", "times curl_multi", "boto3, threads"),
                 rows)
    report.bars("fan-out", f"{count} describes at 20 ms, 16 in flight", "ms", bars)


def of_operations(report, session, fast, slow, rounds, count, many):
    """The control plane's part of the report."""
    sdk = others.install_node_sdk()
    report.say("# Benchmarks", "", *bench_statements.name_machine(session, sdk))
    for name, url in (("HTTP", fast.http), ("TLS", fast.https)):
        compare(report, fast, session, name, url, rounds, count, sdk)
    bench_statements.first_call(report, fast, rounds)
    fan_out(report, session, slow, min(rounds, 7))
    bench_statements.lists(report, session, fast)
    bench_statements.queue(report, fast)
    report.say("## What many calls leave behind", "", "In one backend, after 1,000 others.")
    report.table(("calls", "µs a call", "kB more", "descriptors more"),
                 (hold(session, "HTTP", fast.http, many),
                  hold(session, "TLS", fast.https, many // 10)))


def of_instructions(report):
    """What callgrind counts, room by room."""
    import instructions  # pylint: disable=import-outside-toplevel
    counts = instructions.measure(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")), 50)
    report.say("## Instructions of a warm call", "", "Counted by valgrind's callgrind, where a "
               "processor without instructions for SHA-256 is emulated.")
    report.table(("where", *counts), [("all", *(f"{sum(count.values()):.0f}"
                                                for count in counts.values()))] +
                 [(room, *(f"{count.get(room, 0):.0f}" for count in counts.values()))
                  for room in instructions.rooms_by_size(counts)])


def main():
    """The whole report."""
    rounds, count = (int(argument) for argument in sys.argv[1:3])
    report = told.Report(sys.argv[4] if len(sys.argv) > 4 else None)
    # one processor for both sides of all: to wake another one costs more than a call
    processor = {min(os.sched_getaffinity(0))}
    os.sched_setaffinity(0, processor)
    fast, slow = (Fast(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")), latency)
                  for latency in (0, 20))
    session = Session(fast)
    if sys.argv[3] != "fhir":
        of_operations(report, session, fast, slow, rounds, count, int(sys.argv[3]))
        of_instructions(report)
        report.write()
    print("-- FHIR")
    held = bench_fhir.report(session, Session(fast), fast, slow, min(rounds, 7))
    fast.stop()
    slow.stop()
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
