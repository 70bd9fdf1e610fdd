#!/usr/bin/python3
"""The table of guards is correct, and two guards are proved here; test/proof/guards proves all.

Each line that the table removes must exist once, and so must each test that it names. Then a guard
of the ground floor is removed from a copy of the sources, and its test must fail for that reason.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "proof")]

import guards  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

PROVED = ("nesting is limited", "invalid UTF-8 is refused")

tap = Tap()


def run(source, test):
    """Builds a program of test/unit from the lowest room only, and runs it; returns its output."""
    program = source / "program"
    built = subprocess.run(
        ["cc", "-g", "-std=gnu11", "-D_GNU_SOURCE", f"-I{source / 'src'}",
         f"-I{source / 'test/unit'}", "-o", program, source / "test" / f"{test}.c",
         *sorted((source / "src/base").glob("*.c")), "-lcrypto", "-lm"],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if built.returncode != 0:
        return "Bail out! it cannot be built\n" + built.stdout
    return subprocess.run([program], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", errors="replace").stdout


def check_table(table):
    """Each removed line exists once, and each test exists."""
    faults = [f"{guard.words}: {fault}" for guard in table for fault in guard.look(guards.ROOT)]
    tap.ok(not faults, f"{len(table)} guards are at the places in the table", *faults)
    words = [guard.words for guard in table]
    tap.same(sorted({word for word in words if words.count(word) > 1}), [],
             "each has a description")


def check_proof(table):
    """Removes some guards."""
    source = Path(os.environ["HEALTHLAKE_WORK"]) / "source"
    for folder in ("src/base", "test/unit"):
        shutil.copytree(guards.ROOT / folder, source / folder,
                        ignore=shutil.ignore_patterns("build", "cases"))
    chosen = [guard for guard in table if guard.words in PROVED]
    tap.same(len(chosen), len(PROVED), "the guards that are proved here are in the table")
    sound = {test: run(source, test) for test in {guard.test for guard in chosen}}
    for guard in chosen:
        before = guard.take_out(source)
        failed, why = guard.judge(run(source, guard.test), sound[guard.test])
        for path, text in before.items():
            path.write_text(text, encoding="utf-8")
        tap.ok(failed, f"without the guard \"{guard.words}\" {guard.test} fails", why)


def main():
    """Checks the table, and proves two guards."""
    table = guards.read()
    check_table(table)
    check_proof(table)
    tap.end()


main()
