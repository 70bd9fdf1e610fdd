#!/usr/bin/python3
"""The table of guards is true, and two of them prove themselves; test/proof/guards proves all.

Each line that the table takes out must be there once, and each test that it names; then a guard of
the ground floor is taken out of a copy of the sources, and its test must fail for that reason.
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
    """Builds a program of test/unit from the lowest room alone and runs it; what it prints."""
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
    """Every line that is taken out is there once, every test is there."""
    faults = [f"{guard.words}: {fault}" for guard in table for fault in guard.look(guards.ROOT)]
    tap.ok(not faults, f"{len(table)} guards are where the table says", *faults)
    words = [guard.words for guard in table]
    tap.same(sorted({word for word in words if words.count(word) > 1}), [], "each has its words")


def check_proof(table):
    """Some guards are taken out."""
    source = Path(os.environ["HEALTHLAKE_WORK"]) / "source"
    for folder in ("src/base", "test/unit"):
        shutil.copytree(guards.ROOT / folder, source / folder,
                        ignore=shutil.ignore_patterns("build", "cases"))
    chosen = [guard for guard in table if guard.words in PROVED]
    tap.same(len(chosen), len(PROVED), "those that are proved here are in the table")
    sound = {test: run(source, test) for test in {guard.test for guard in chosen}}
    for guard in chosen:
        before = guard.take_out(source)
        failed, why = guard.judge(run(source, guard.test), sound[guard.test])
        for path, text in before.items():
            path.write_text(text, encoding="utf-8")
        tap.ok(failed, f"without the guard \"{guard.words}\" {guard.test} fails", why)


def main():
    """The table, and two proofs."""
    table = guards.read()
    check_table(table)
    check_proof(table)
    tap.end()


main()
