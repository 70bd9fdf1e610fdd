#!/usr/bin/python3
"""FHIRPath and ViewDefinitions under libFuzzer, inside a backend.

    fhirpath_fuzz.py [RUNS]      20,000 unless told; the seeds are the paths of test/fhir/cases

The fuzz target is a library that a single-user backend loads, so that PostgreSQL's memory, errors,
jsonb and numeric are the real ones. What an input raises must be an SQLSTATE that
doc/reference.md has.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python")]

from cluster import bindir  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap, skip_all  # noqa: E402  pylint: disable=wrong-import-position

TARGET = ROOT / "test" / "fhir" / "fuzz.so"
RUNS = sys.argv[1] if len(sys.argv) > 1 else "20000"
FUNCTION = "CREATE FUNCTION fuzz(text[]) RETURNS void LANGUAGE c AS '{}', 'fhirpath_fuzz';\n"

tap = Tap()


def make(target):
    """Builds a target of the Makefile with the newest clang; returns the output, or None."""
    programs = [path.name for folder in os.environ["PATH"].split(":")
                for path in Path(folder).glob("clang*")]
    compilers = [name for name in programs if re.fullmatch(r"clang(-\d+)?", name)]
    if not compilers:
        return "there is no clang"
    newest = max(compilers, key=lambda name: int(name.partition("-")[2] or 0))
    done = subprocess.run(["make", "-s", f"FUZZ_CC={newest}", target], cwd=ROOT, text=True,
                          capture_output=True, check=False)
    return done.stderr + done.stdout if done.returncode else None


def paths_of(value):
    """All paths of a view, at any depth."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name in ("path", "forEach", "forEachOrNull") and isinstance(member, str):
                yield member
            else:
                yield from paths_of(member)
    elif isinstance(value, list):
        for element in value:
            yield from paths_of(element)


def write_seeds(folder):
    """Writes a file for each test of the project's cases, with its paths, one on each line."""
    folder.mkdir()
    count = 0
    for path in sorted((ROOT / "test" / "fhir" / "cases").glob("*.json")):
        for test in json.loads(path.read_text(encoding="utf-8"))["tests"]:
            count += 1
            text = chr(ord("0") + count % 12) + "\n".join(paths_of(test["view"]))
            (folder / f"seed{count}").write_text(text, encoding="utf-8")


def run(folder):
    """Runs libFuzzer in a single-user backend; returns the output."""
    subprocess.run([bindir() / "initdb", "-D", folder / "cluster", "-U", "postgres", "-E", "UTF8",
                    "--locale=C.UTF-8", "--auth=trust", "--no-sync"], check=True,
                   stdout=subprocess.DEVNULL)
    options = [f"-runs={RUNS}", "-seed=1", "-max_len=300", "-timeout=60", "-rss_limit_mb=0",
               f"-dict={ROOT / 'test' / 'fhir' / 'fuzz.dict'}",
               f"-artifact_prefix={folder}/", str(folder / "corpus")]
    array = ", ".join(f"'{option}'" for option in options)
    done = subprocess.run([bindir() / "postgres", "--single", "-D", folder / "cluster", "postgres"],
                          input=FUNCTION.format(TARGET) + f"SELECT fuzz(ARRAY[{array}]);\n",
                          stderr=subprocess.STDOUT, stdout=subprocess.PIPE, check=False,
                          encoding="utf-8", errors="replace")
    return done.stdout


def main():
    """Builds, seeds and runs the target, and checks libFuzzer's last lines."""
    if make("fuzz_possible"):
        skip_all("there is no clang with libFuzzer")
    said = make("test/fhir/fuzz.so")
    if not tap.ok(not said, "the fuzz target is built", said):
        tap.end()
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
    try:
        write_seeds(folder / "corpus")
        said = run(folder)
        tap.ok(f"Done {RUNS} runs" in said,
               f"{RUNS} inputs end without an unexpected error", said[-3000:])
        for path in folder.glob("crash-*"):
            tap.say(f"{path.name}: {path.read_bytes()!r}")
    finally:
        shutil.rmtree(folder, True)
    tap.end()


main()
