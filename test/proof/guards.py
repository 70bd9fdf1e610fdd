"""Takes guards out of the sources, one at a time, and looks whether a test notices.

test/proof/guards is the way to start it. guards.toml has a table for each guard:

    words   what it guards against
    file    where it is
    take    the text that is taken out; blanks and line ends count as one blank
    put     what comes in its place; nothing, unless given
    also    more of the same: a list of tables with file, take and put
    test    the test that must fail then, as test/run names it
    fails   a regular expression: the check of that test which must fail
    says    in place of it, one for a line that the test prints only then
    limit   seconds after which a hanging test is ended
"""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SUFFIXES = {"unit": ".c", "pgtap": ".sql", "sql": ".sql", "judge": ".py", "behaviour": ".py",
            "proof": ".py"}
KEYS = {"words", "file", "take", "put", "also", "test", "fails", "says", "limit"}
# what is left without its only caller is no error here
QUIET = "-Wno-unused -Wno-unused-parameter -Wno-unused-function -Wno-unused-variable" \
    " -Wno-unused-const-variable -Wno-unused-but-set-variable -Wno-type-limits" \
    " -Wno-empty-body -Wno-misleading-indentation"
LIMIT = 300


class Guard:
    """A row of the table."""

    def __init__(self, row):
        self.faults = [f"unknown key {key}" for key in set(row) - KEYS]
        self.words = row["words"]
        self.edits = [row, *row.get("also", [])]
        self.test = row["test"]
        self.fails = row.get("fails")
        self.says = row.get("says")
        self.limit = row.get("limit", LIMIT)
        if (self.fails is None) == (self.says is None):
            self.faults.append("it needs one of fails and says")

    def look(self, root):
        """What of it is not as the table says."""
        part, _, name = self.test.partition("/")
        faults = list(self.faults)
        if self.test != "lint" and not (root / "test" / part / (name + SUFFIXES[part])).exists():
            faults.append(f"there is no test {self.test}")
        for edit in self.edits:
            path = root / edit["file"]
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            found = len(pattern_of(edit).findall(text))
            if found != 1:
                faults.append(f"{edit['file']} has {found} times: {edit['take']}")
        return faults

    def take_out(self, root):
        """Takes it out; the former texts, to be put back."""
        before = {}
        for edit in self.edits:
            path = root / edit["file"]
            text = path.read_text(encoding="utf-8")
            before.setdefault(path, text)
            path.write_text(pattern_of(edit).sub(lambda _: edit.get("put", ""), text),  # noqa: B023
                            encoding="utf-8")
        return before

    def taken(self):
        """What is taken out, for a table."""
        return "<br>".join(
            f"`{edit['file']}`: `{' '.join(edit['take'].split())}`"
            + (f" → `{' '.join(edit['put'].split())}`" if edit.get("put") else "")
            for edit in self.edits).replace("|", "\\|")

    def judge(self, log, sound):
        """Whether a test failed as it should, and the line that says so; sound: its log before."""
        if re.search(r"^Bail out!.*cannot be built", log, re.M):
            return False, "it cannot be built"
        if self.fails is not None:
            wanted = re.compile(rf"^not ok\b.*(?:{self.fails})", re.M)
            if not re.search(rf"^ok\b.*(?:{self.fails})", sound, re.M):
                return False, "no such check passes with the guard in place"
        else:
            wanted = re.compile(rf"^.*(?:{self.says}).*$", re.M)
            if wanted.search(sound):
                return False, "the test says so with the guard in place, too"
        found = wanted.search(log)
        if found:
            line = log[found.start():].split("\n", 1)[0]
            return True, re.sub(r"^not ok \d+ - ", "", line)[:110].replace("|", "\\|")
        failed = re.findall(r"^(?:not ok|Bail out!).*$", log, re.M)
        if not failed and not re.search(r"^1\.\.\d", log, re.M):
            failed = re.findall(r"^.*ERROR.*$", log, re.M)[-1:] or ["it ended early"]
        return False, ("it failed otherwise: " + "; ".join(failed[:3]))[:300] if failed \
            else "the test passed"


def pattern_of(edit):
    """A regular expression for what is taken out, however it is broken into lines."""
    return re.compile(r"\s+".join(map(re.escape, edit["take"].split())))


def read():
    """The table."""
    with open(HERE / "guards.toml", "rb") as file:
        return [Guard(row) for row in tomllib.load(file)["guard"]]


class Bench:
    """Where tests run: the folder and the server that test/proof/guards has made."""

    def __init__(self):
        self.inside = Path(os.environ["HEALTHLAKE_INSIDE"])
        self.runs = 0

    def build(self, log):
        """Builds and installs the extension; sessions that are still to come load it."""
        version = os.environ["HEALTHLAKE_PG_VERSION"]
        make = ["make", "-s", "-j2", "CC=gcc",
                f"PG_CONFIG=/usr/lib/postgresql/{version}/bin/pg_config"]
        return (run(make, log) and
                run([*make, "install", f"DESTDIR={self.inside / 'tree'}"], log))

    def run(self, test, limit):
        """Builds what a test needs and runs it; what it printed."""
        part, _, name = test.partition("/")
        self.runs += 1
        path = self.inside / "log" / f"{self.runs}.log"
        with open(path, "w", encoding="utf-8") as log:
            if part == "unit":
                built = run(["make", "-s", "-j2", f"test/{test}"], log)
            else:
                built = part == "lint" or self.build(log)
            if not built:
                log.write("Bail out! it cannot be built\n")
            elif part in ("unit", "lint"):
                run([f"test/{test}"], log, limit)
            else:
                self.run_on_server(part, name, log, limit)
        return path.read_text(encoding="utf-8", errors="replace")

    def serve(self, log):
        """Starts the server with a cluster that no test has used."""
        cluster = self.inside / "cluster"
        control = [f"{os.environ['HEALTHLAKE_BINDIR']}/pg_ctl", "-D", str(cluster), "-w", "-s"]
        if cluster.exists():
            run([*control, "-m", "immediate", "stop"], log)
            shutil.rmtree(cluster)
        shutil.copytree(self.inside / "template", cluster)
        told = Path(os.environ["HEALTHLAKE_SERVER_LOG"])
        told.unlink(missing_ok=True)
        run([*control, "-l", str(told), "start"], log, detached=True)

    def run_on_server(self, part, name, log, limit):
        """Runs a test in a database of its own, beside an emulator that knows nothing."""
        database = f"guards_{self.runs}"
        work = self.inside / "scratch" / database
        work.mkdir()
        self.serve(log)
        run(["psql", "-Xq", "-c", f"CREATE DATABASE {database}"], log)
        with emulator(work) as more:
            run({"sql": ["make", "-s", "installcheck", f"REGRESS={name}"],
                 "pgtap": ["psql", "-XqAt", "-P", "pager=off", "-v", "ON_ERROR_ROLLBACK=1", "-v",
                           "ON_ERROR_STOP=1", "-f", f"test/pgtap/{name}.sql"]
                 }.get(part, ["/usr/bin/python3", f"test/{part}/{name}.py"]),
                log, limit, PGDATABASE=database, HEALTHLAKE_WORK=str(work), **more)
        shutil.rmtree(work, ignore_errors=True)


def run(command, log, limit=600, detached=False, **more):
    """Runs a command, until the limit, and ends what it leaves; whether it was content."""
    log.flush()
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **more}, stdout=log, stderr=log,
                          stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            log.write(f"Bail out! no end after {limit} s\n")
        with contextlib.suppress(ProcessLookupError):
            if not detached:
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode == 0


@contextlib.contextmanager
def emulator(work):
    """The emulator, and the variables by which tests know it."""
    with open(work / "emulator.log", "w", encoding="utf-8") as log, subprocess.Popen(
            ["/usr/bin/python3", "test/emulator/emulator.py", "--port", "0", "--tls-port", "0",
             "--directory", str(work)], cwd=ROOT, stdout=subprocess.PIPE, stderr=log,
            stdin=subprocess.DEVNULL, text=True) as process:
        ready = json.loads(process.stdout.readline())
        try:
            yield {"HEALTHLAKE_EMULATOR": ready["http"], "HEALTHLAKE_EMULATOR_TLS": ready["https"],
                   "HEALTHLAKE_EMULATOR_CA": ready["ca"]}
        finally:
            process.terminate()


def prove(bench, guard, sound):
    """Takes a guard out and runs its test."""
    before = guard.take_out(ROOT)
    try:
        log = bench.run(guard.test, guard.limit)
    finally:
        for path, text in before.items():
            path.write_text(text, encoding="utf-8")
    return guard.judge(log, sound)


def prove_all(guards):
    """The table; whether each test failed as it should."""
    bench = Bench()
    sound = {}
    good = 0
    print("| guard | taken out | test that must fail | did | which check failed | s |")
    print("|---|---|---|---|---|---|")
    for guard in sorted(guards, key=lambda guard: guard.test):
        if guard.test not in sound:
            log = sound[guard.test] = bench.run(guard.test, 600)
            if re.search(r"^(not ok|Bail out!)", log, re.M):
                print(f"test {guard.test} fails with all guards in place", file=sys.stderr)
        started = time.monotonic()
        failed, why = prove(bench, guard, sound[guard.test])
        good += failed
        print(f"| {guard.words} | {guard.taken()} | {guard.test} | {'yes' if failed else 'NO'} "
              f"| {why} | {time.monotonic() - started:.0f} |")
    print(f"\n{good} passed, {len(guards) - good} failed")
    return good == len(guards)


def look_at_all(guards):
    """Whether the table is true of the sources."""
    good = True
    for guard in guards:
        for fault in guard.look(ROOT):
            good = False
            print(f"{guard.words}: {fault}")
    print(f"{len(guards)} guards")
    return good


def main(arguments):
    """All that was asked for."""
    if arguments == ["--flags"]:
        print(QUIET)
        return 0
    guards = read()
    if not look_at_all(guards):
        return 1
    if arguments[:1] != ["--long"]:
        return 0
    words = arguments[1:]
    return 0 if prove_all([guard for guard in guards if not words or any(
        word in f"{guard.words} {guard.test} {guard.taken()}" for word in words)]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
