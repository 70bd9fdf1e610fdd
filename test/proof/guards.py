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

A test is ended as soon as it has said what it must. A guard that is proved is not proved again as
long as its row, the files that it is taken out of and its test are the same but for comments:
HEALTHLAKE_PROVED is a folder with a file for each. So a run goes on where another has stopped, and
a run of all adds up what runs of parts have found.
"""
import ast
import contextlib
import hashlib
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
        self.row = row
        if (self.fails is None) == (self.says is None):
            self.faults.append("it needs one of fails and says")

    def program(self, root):
        """The test."""
        part, _, name = self.test.partition("/")
        return root / "test" / (part if part == "lint" else f"{part}/{name}{SUFFIXES[part]}")

    def digest(self, root):
        """What it is proved by: another value where the row, a file of it or the test differ."""
        paths = sorted({root / edit["file"] for edit in self.edits} | {self.program(root)})
        whole = hashlib.sha256(json.dumps(self.row, sort_keys=True).encode())
        for path in paths:
            whole.update(hashlib.sha256(essence(path).encode()).digest())
        return whole.hexdigest()[:16]

    def wanted(self):
        """A regular expression for the line that the test must say."""
        return re.compile(rf"^not ok\b.*(?:{self.fails})" if self.fails is not None
                          else rf"^.*(?:{self.says}).*$", re.M)

    def look(self, root):
        """What of it is not as the table says."""
        faults = list(self.faults)
        if not self.program(root).exists():
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
        wanted = self.wanted()
        if self.fails is not None:
            if not re.search(rf"^ok\b.*(?:{self.fails})", sound, re.M):
                return False, "no such check passes with the guard in place"
        elif wanted.search(sound):
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


def essence(path):
    """The text of a file without what only people read: comments, and how it is laid out."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = None
        return ast.dump(tree)
    if path.suffix == ".c":
        text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    elif path.suffix == ".sql":
        text = re.sub(r"^\s*--.*$", "", text, flags=re.M)
    return " ".join(text.split())


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

    def install(self, log):
        """Builds and installs the extension; sessions that are still to come load it."""
        version = os.environ["HEALTHLAKE_PG_VERSION"]
        return run(["make", "-s", "-j2", "CC=gcc", "all", "install",
                    f"PG_CONFIG=/usr/lib/postgresql/{version}/bin/pg_config",
                    f"DESTDIR={self.inside / 'tree'}"], log)

    def run(self, test, limit, wanted=None):
        """Builds what a test needs and runs it, until it has said what is wanted; what it said."""
        part, _, name = test.partition("/")
        self.runs += 1
        path = self.inside / "log" / f"{self.runs}.log"
        with open(path, "w", encoding="utf-8") as log:
            if part == "unit":
                built = run(["make", "-s", "-j2", f"test/{test}"], log)
            else:
                built = part == "lint" or self.install(log)
            if not built:
                log.write("Bail out! it cannot be built\n")
            elif part in ("unit", "lint"):
                run([f"test/{test}"], log, limit, wanted=wanted)
            else:
                self.run_on_server(part, name, log, limit, wanted)
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

    def run_on_server(self, part, name, log, limit, wanted):
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
                log, limit, wanted=wanted, PGDATABASE=database, HEALTHLAKE_WORK=str(work), **more)
        end_strays(work)
        shutil.rmtree(work, ignore_errors=True)


def end_strays(folder):
    """Ends what a test has left: one that was ended itself leaves its servers."""
    subprocess.run(["bash", "-c", '. test/throwaway.sh; throwaway_end_strays "$1"', "-", folder],
                   cwd=ROOT, check=False)


def run(command, log, limit=600, detached=False, wanted=None, **more):
    """Runs a command, until the limit or the wanted line; whether it was content."""
    log.flush()
    end = time.monotonic() + limit
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **more}, stdout=log, stderr=log,
                          stdin=subprocess.DEVNULL, start_new_session=True) as process:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(min(0.5, limit) if wanted else limit)
            if process.poll() is None and wanted and wanted.search(whole_lines(log.name)):
                break
            if process.poll() is None and time.monotonic() > end:
                log.write(f"Bail out! no end after {limit} s\n")
                break
        with contextlib.suppress(ProcessLookupError):
            if not detached:
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode == 0


def whole_lines(path):
    """What a log has, less a line that is still being written."""
    return Path(path).read_bytes().rpartition(b"\n")[0].decode(errors="replace")


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


class Proved:
    """The guards that are proved, by their digests; nothing is kept without a folder."""

    def __init__(self, anew):
        folder = os.environ.get("HEALTHLAKE_PROVED")
        self.folder = Path(folder) if folder else None
        self.anew = anew

    def find(self, guard):
        """The check that failed without a guard, if that is known."""
        path = self.folder and self.folder / guard.digest(ROOT)
        return path.read_text(encoding="utf-8") \
            if path and path.exists() and not self.anew else None

    def keep(self, guard, why):
        """Remembers it."""
        if self.folder:
            (self.folder / guard.digest(ROOT)).write_text(why, encoding="utf-8")


def prove(bench, guard, sound):
    """Takes a guard out and runs its test."""
    before = guard.take_out(ROOT)
    try:
        log = bench.run(guard.test, guard.limit, guard.wanted())
    finally:
        for path, text in before.items():
            path.write_text(text, encoding="utf-8")
    return guard.judge(log, sound)


def prove_all(guards, proved):
    """The table; whether each test failed as it should."""
    bench = Bench()
    sound = {}
    good = earlier = 0
    print("| guard | taken out | test that must fail | did | which check failed | s |")
    print("|---|---|---|---|---|---|")
    for guard in sorted(guards, key=lambda guard: guard.test):
        started = time.monotonic()
        failed, why, took = True, proved.find(guard), "earlier"
        if why is None:
            if guard.test not in sound:
                sound[guard.test] = run_sound(bench, guard.test)
                started = time.monotonic()
            failed, why = prove(bench, guard, sound[guard.test])
            took = f"{time.monotonic() - started:.0f}"
            if failed:
                proved.keep(guard, why)
        good += failed
        earlier += took == "earlier"
        print(f"| {guard.words} | {guard.taken()} | {guard.test} | {'yes' if failed else 'NO'} "
              f"| {why} | {took} |")
    print(f"\n{good} passed, {len(guards) - good} failed"
          + (f"; {earlier} of them in an earlier run, with the same lines and tests"
             if earlier else ""))
    return good == len(guards)


def run_sound(bench, test):
    """What a test says with all guards in place."""
    log = bench.run(test, 600)
    if re.search(r"^(not ok|Bail out!)", log, re.M):
        print(f"test {test} fails with all guards in place", file=sys.stderr)
    return log


def choose(guards, arguments):
    """Those that have one of the words, and of them a share, as 1/2: whole tests of it."""
    words = [word for word in arguments if not word.startswith("--")]
    found = [guard for guard in guards if not words or any(
        word in f"{guard.words} {guard.test} {guard.taken()}" for word in words)]
    tests = sorted({guard.test for guard in found},
                   key=lambda test: (-sum(guard.test == test for guard in found), test))
    shares = [word.removeprefix("--share=").split("/") for word in arguments
              if word.startswith("--share=")]
    for number, count in shares:
        found = [guard for guard in found
                 if tests.index(guard.test) % int(count) == int(number) - 1]
    return found


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
    return 0 if prove_all(choose(guards, arguments[1:]), Proved("--anew" in arguments)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
