#!/usr/bin/python3
"""A warm call takes no more instructions than are recorded, and a tenth.

test/bench/instructions.json has counts of callgrind's, with the versions that they hold for; there
is nothing to compare with others. OpenSSL's are not compared: they depend on the processor.
HEALTHLAKE_TEST_LONG=1 prints what is to be recorded.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python"), str(ROOT / "test" / "bench")]

from tap import Tap, skip_all  # noqa: E402  pylint: disable=wrong-import-position

RECORD = ROOT / "test" / "bench" / "instructions.json"
CALLS = 5
MOST = 1.10

tap = Tap()


def told(*command):
    """The output of a program."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def versions():
    """The versions of the counted software."""
    return {"postgresql": told("pg_config", "--version").split()[1].partition(".")[0],
            "libcurl": told("curl-config", "--version").split()[1],
            "gcc": told("gcc", "-dumpversion").strip(),
            "libc": platform.libc_ver()[1], "processor": platform.machine()}


def compared(count):
    """The instructions of a call, without OpenSSL's."""
    return round(sum(number for room, number in count.items() if room != "OpenSSL"))


def rooms_of(count):
    """The instructions by room, in a line."""
    return ", ".join(f"{room} {number:.0f}" for room, number in
                     sorted(count.items(), key=lambda item: -item[1]) if number >= 500)


def main():
    """Counts, if there is a record to compare with."""
    here = versions()
    records = json.loads(RECORD.read_text("ascii"))
    recorded = [record["counts"] for record in records if record["versions"] == here]
    long = os.environ.get("HEALTHLAKE_TEST_LONG") == "1"
    if os.environ.get("HEALTHLAKE_COVERAGE") or os.environ.get("HEALTHLAKE_SANITIZE"):
        skip_all("this build does more than the one that is recorded")
    if not shutil.which("valgrind"):
        skip_all("there is no valgrind")
    if not recorded and not long:
        skip_all(f"nothing is recorded for {here}")
    import instructions  # pylint: disable=import-outside-toplevel
    folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    counts = instructions.measure(folder, CALLS)
    if long:
        record = {way: compared(count) for way, count in counts.items()}
        tap.say(re.sub(r"\s+", " ", json.dumps({"versions": here, "counts": record})))
    for way, most in recorded[0].items() if recorded else ():
        number = compared(counts[way])
        tap.ok(number <= most * MOST, f"{way}: {MOST} times what is recorded, at most",
               f"{number} instructions, {most} are recorded; if that is how it is to be, record "
               f"it in {RECORD.relative_to(ROOT)}: {rooms_of(counts[way])}")
    tap.ok(bool(counts), "warm calls can be counted")
    tap.end()


if __name__ == "__main__":
    main()
