#!/usr/bin/python3
"""Each fuzz target, from its corpus in the repository, for a number of executions; a table.

    fuzz.py [--long] [--grow] [TARGET…]     ground: all targets of the ground floor

With --long a million executions of each target, else ten thousand; --grow puts what was found on
the way, made as small as possible, into test/unit/corpus. test/run has each target run for five
seconds from the same corpora.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
UNIT = ROOT / "test" / "unit"
sys.path[:0] = [str(UNIT), str(ROOT / "test" / "python")]

from cluster import Cluster, bindir  # noqa: E402  pylint: disable=wrong-import-position
import corpus  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap, skip_all  # noqa: E402  pylint: disable=wrong-import-position

LONG = "--long" in sys.argv or bool(os.environ.get("HEALTHLAKE_TEST_LONG"))
RUNS = 1000000 if LONG else 10000
SHARES = os.cpu_count() or 1
LARGEST = 200  # bytes kept in the repository for a target
# the input of each target
READS = {
    "fuzz_reply": "replies and their headers", "fuzz_dates": "dates, Age, Retry-After",
    "fuzz_sigv4": "the signer, with any path and query", "fuzz_eventstream": "event streams",
    "fuzz_sts": "XML of STS", "fuzz_profile": "config and credentials files",
    "fuzz_json": "JSON", "fuzz_endpoint": "URLs of endpoints, regions",
    "fuzz_protocol": "requests and replies of the control plane", "fuzz_link": "links in replies",
    "fuzz_searchset": "pages of searches, parameters", "fuzz_issued": "issued keys, command lines"}
# in a backend, started by a script and a function
INSIDE = {"fuzz_sql": "requests, settings, bundles and their replies through SQL",
          "fhirpath": "FHIRPath and ViewDefinitions"}

tap = Tap()


def compiler():
    """The newest clang."""
    names = {path.name for folder in os.environ["PATH"].split(":")
             for path in Path(folder).glob("clang*") if re.fullmatch(r"clang(-\d+)?", path.name)}
    return max(names, key=lambda name: int(name.partition("-")[2] or 0), default=None)


def make(*what):
    """Builds; returns the output if that failed."""
    done = subprocess.run(["make", "-s", f"-j{SHARES}", f"FUZZ_CC={compiler()}", *what], cwd=ROOT,
                          text=True, capture_output=True, check=False)
    return done.stdout + done.stderr if done.returncode else None


class Sql:
    """A cluster in which an instrumented library replaces the extension."""

    function = ("CREATE FUNCTION healthlake_fuzz(text[]) RETURNS void LANGUAGE c AS "
                f"'{ROOT}/test/proof/fuzz_sql', 'healthlake_fuzz'")
    library = f"{ROOT}/test/proof/fuzz_sql.so"

    def __init__(self, folder):
        self.cluster = Cluster(folder / "server", settings={
            "healthlake.endpoint_url": "http://127.0.0.1:1", "healthlake.region": "us-east-1",
            "healthlake.access_key_id": "AKIDEXAMPLE", "healthlake.secret_access_key": "secret",
            "healthlake.max_attempts": "1", "healthlake.datastore_id": "0" * 32,
            "healthlake.autostart_worker": "off", "healthlake.audit": "off",
            "log_min_messages": "panic"})
        with self.cluster:
            cursor = self.cluster.connect().cursor()
            cursor.execute("CREATE EXTENSION healthlake")
            cursor.execute("UPDATE pg_proc SET probin = %s WHERE probin LIKE %s",
                           [self.library, "%libdir/healthlake"])
            # a process cannot load both
            self.cluster.connect().cursor().execute(self.function)

    def run(self, options):
        """Runs libFuzzer; returns its status and output."""
        array = ", ".join(f"'{option}'" for option in options)
        done = subprocess.run(
            [bindir() / "postgres", "--single", "-D", self.cluster.folder / "cluster", "postgres"],
            input=f"SELECT healthlake_fuzz(ARRAY[{array}]);\n", stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False, encoding="utf-8", errors="replace",
            env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true"})
        return done.returncode or (0 if "Done " in done.stdout else 1), done.stdout


def run(target, folder, seed):
    """Runs a share of the executions; returns their number, the coverage and the status."""
    found = folder / "found"
    found.mkdir(exist_ok=True)
    options = [f"-runs={RUNS // shares_of(target)}", f"-seed={seed}", "-timeout=60",
               f"-artifact_prefix={folder}/", "-print_final_stats=1", str(found),
               str(folder / "seeds")]
    if target in INSIDE:
        status, said = Sql(folder).run(["-max_len=400", "-rss_limit_mb=0", *options])
    else:
        done = subprocess.run([UNIT / target, "-max_len=4096", *options], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, encoding="utf-8",
                              errors="replace")
        status, said = done.returncode, done.stdout
    count = re.search(r"stat::number_of_executed_units: *(\d+)", said)
    covered = re.findall(r"cov: (\d+)", said)
    return (int(count[1]) if count else 0, int(covered[-1]) if covered else 0,
            None if status == 0 else said[-3000:])


def shares_of(target):
    """The number of parallel runs."""
    return 1 if target in INSIDE else SHARES


def fuzz_paths():
    """The target of FHIRPath has a script of its own."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, ROOT / "test/behaviour/fhirpath_fuzz.py", str(RUNS)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    held = done.returncode == 0 and f"{RUNS} inputs end as they should" in done.stdout
    tap.ok(held, "fhirpath: nothing found", done.stdout[-3000:])
    tap.say(f"| fhirpath | {INSIDE['fhirpath']} | the cases of test/fhir | {RUNS} | "
            f"{time.monotonic() - began:.0f} | |")
    return RUNS


def grow(target, folder):
    """Adds inputs with new coverage to the repository's file."""
    small = folder / "small"
    small.mkdir()
    options = ["-merge=1", "-max_len=512", str(small), str(folder / "seeds"), str(folder / "found")]
    if target in INSIDE:  # there is no separate process for merging
        for path in [*(folder / "seeds").iterdir(), *(folder / "found").iterdir()]:
            shutil.copy(path, small)
    else:
        subprocess.run([UNIT / target, *options], check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    for path in sorted(small.iterdir(), key=lambda path: path.stat().st_size)[LARGEST:]:
        path.unlink()
    corpus.close_corpus(target, small)


def fuzz(target, folder):
    """A target: a line of the table."""
    corpus.open_corpus(target, folder / "seeds")
    seeds = len(list((folder / "seeds").iterdir()))
    began = time.monotonic()
    number = shares_of(target)
    with ThreadPoolExecutor(number) as pool:
        shares = list(pool.map(lambda seed: run(target, folder, seed), range(1, number + 1)))
    took = time.monotonic() - began
    count = sum(share[0] for share in shares)
    faults = [share[2] for share in shares if share[2]]
    tap.ok(not faults and count >= RUNS // number * number, f"{target}: nothing found", *faults,
           *(f"{path.name}: {path.read_bytes()!r}" for path in folder.glob("*-*")))
    tap.say(f"| {target} | {(READS | INSIDE)[target]} | {seeds} | {count} | {took:.0f} | "
            f"{max(share[1] for share in shares)} |")
    if "--grow" in sys.argv:
        grow(target, folder)
    return count


def main():
    """All targets, or those that are named."""
    if make("fuzz_possible"):
        skip_all("there is no clang with libFuzzer")
    named = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    units = sorted(path.stem for path in UNIT.glob("fuzz_*.c"))
    targets = [target for name in named or ["ground", *INSIDE]
               for target in (units if name == "ground" else [name])]
    tap.same(sorted(set(units) ^ set(READS)), [], "each target has a description")
    said = make(*(f"test/unit/{target}" for target in targets if target in units),
                *("test/proof/fuzz_sql.so" for target in targets if target == "fuzz_sql"))
    if not tap.ok(not said, "the targets are built", said):
        sys.exit(1)
    counts = []
    tap.say("| target | reads | corpus | executions | s | edges |")
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEALTHLAKE_WORK")) as folder:
        for target in targets:
            counts.append(fuzz_paths() if target == "fhirpath" else
                          fuzz(target, Path(folder) / target))
    tap.say(f"figure: {len(counts)} targets, {min(counts):,} executions each at least: "
            f"{'nothing' if not tap.failed else 'something'} found")
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


sys.exit(main())
