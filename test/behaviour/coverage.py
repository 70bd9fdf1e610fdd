#!/usr/bin/python3
"""What test/coverage preloads into servers counts each line as often as it was reached, in whatever
way a process ends, and also if a signal ends it while it writes its counters.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python")]

from tap import Tap, skip_all  # noqa: E402  pylint: disable=wrong-import-position

# Two files that count. The program ends as its argument says; at SIGQUIT as a server's process.
PROGRAM = r"""
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <stdlib.h>

extern void other(void);

static void
quit(int number)
{
	_exit(2);
}

int
main(int count, char **words)
{
	struct sigaction action = {.sa_handler = quit};

	sigaction(SIGQUIT, &action, NULL);
	other(); /* counted */
	if (strcmp(words[1], "exit") == 0)
		exit(0);
	if (strcmp(words[1], "_exit") == 0)
		_exit(0);
	kill(getpid(), SIGKILL);
}
"""
OTHER = """
void
other(void)
{
	static volatile int sum = 0;

	sum += 1; /* counted */
}
"""

tap = Tap()


def build(folder):
    """The library and the program."""
    (folder / "program.c").write_text(PROGRAM, encoding="utf-8")
    (folder / "other.c").write_text(OTHER, encoding="utf-8")
    for words in (["-shared", "-fPIC", "-o", "coverage.so", ROOT / "test" / "coverage.c", "-ldl"],
                  ["-O0", "--coverage", "-c", "program.c"], ["-O0", "--coverage", "-c", "other.c"],
                  ["--coverage", "-rdynamic", "-Wl,-u,__gcov_dump", "-o", "program", "program.o",
                   "other.o"]):
        subprocess.run(["gcc", *words], cwd=folder, check=True)


def start(folder, how):
    """Starts the program."""
    environment = {**os.environ, "LD_PRELOAD": str(folder / "coverage.so")}
    return subprocess.Popen([folder / "program", how], cwd=folder, env=environment)


def counts(folder):
    """How often gcov says that the two lines were reached."""
    told = subprocess.run(["gcov", "-t", "program.gcda", "other.gcda"], cwd=folder, text=True,
                          capture_output=True, check=True).stdout
    return [int(count) for count in re.findall(r"^ *(\d+)\*?:.*/\* counted \*/", told, re.M)]


def until_it_waits(process, file):
    """Waits until a process waits for the lock of a file."""
    wanted = rf"-> POSIX .* {process.pid} \S+:{file.stat().st_ino} "
    end = time.monotonic() + 60
    while not re.search(wanted, Path("/proc/locks").read_text("ascii")):
        if time.monotonic() > end or process.poll() is not None:
            raise RuntimeError(f"it does not wait for {file.name}")
        time.sleep(0.001)


def quit_at(folder, file):
    """Ends a process at the moment at which it is about to add to this file."""
    with open(file, "r+b") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        with start(folder, "exit") as process:
            until_it_waits(process, file)
            process.send_signal(signal.SIGQUIT)
            # a handler that does interrupt it waits for this file too, or for none
            fcntl.lockf(held, fcntl.LOCK_UN)
            return process.wait(60)


def main():
    """All checks."""
    if not shutil.which("gcc") or not shutil.which("gcov"):
        skip_all("there is no gcc with gcov")
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEALTHLAKE_WORK")) as name:
        folder = Path(name)
        build(folder)
        for number, (how, status) in enumerate((("exit", 0), ("_exit", 0), ("kill", -9)), 1):
            with start(folder, how) as process:
                tap.same(process.wait(60), status, f"a process ends by {how}")
            tap.same(counts(folder), [number, number], "its lines are counted once")
        for number, file in enumerate(("program.gcda", "other.gcda"), 4):
            tap.same(quit_at(folder, folder / file), 2,
                     f"a process is told to quit when it has come to {file}")
            tap.same(counts(folder), [number, number], "its lines are counted once")
    tap.end()


main()
