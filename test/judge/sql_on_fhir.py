#!/usr/bin/python3
"""SQL on FHIR's published tests, and the project's own in their format, by test/fhir/suite.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python")]

from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

tap = Tap()


def run(folder, what):
    """Runs the tests of a folder: one check each, and one for the command's own words."""
    report = Path(os.environ.get("HEALTHLAKE_WORK", ".")) / f"{what}.json"
    done = subprocess.run([sys.executable, ROOT / "test" / "fhir" / "suite.py", "--report", report,
                           folder], capture_output=True, text=True, check=False)
    if not report.exists():
        tap.ok(False, f"{what}: there is a report", done.stdout, done.stderr)
        return
    results = json.loads(report.read_text(encoding="utf-8"))
    count = failed = 0
    for file, tests in sorted(results.items()):
        for test in tests["tests"]:
            passed = test["result"]["passed"]
            tap.ok(passed, f"{what}: {file}: {test['name']}", test["result"].get("reason"))
            count, failed = count + 1, failed + (not passed)
    tap.same(done.stdout.splitlines()[-1], f"{count - failed} passed, {failed} failed",
             f"{what}: the last line sums it up")
    tap.ok(count > 0, f"{what}: there are tests")


def main():
    """The project's own cases, then the published ones where they are."""
    run(ROOT / "test" / "fhir" / "cases", "own")
    published = Path(os.environ.get("HEALTHLAKE_CASES", "/nonexistent")) / "sql-on-fhir"
    if published.is_dir():
        run(published, "published")
    else:
        tap.skip("published", "there is no sql-on-fhir in HEALTHLAKE_CASES")
    tap.end()


main()
