#!/usr/bin/python3
"""Runs SQL on FHIR's published tests, or others in their format, in a session of a server.

    suite.py [--report FILE] PATH…      files of tests, or folders of such files

Each test is named when it fails; the last line is "N passed, N failed". The report is in the format
of the suite's own (test_report.json). A test's rows may come in any order, their columns may not.
Run by test/fhir/suite, which has a server ready.
"""

import argparse
import json
import sys
from pathlib import Path

import psycopg2

ROWS = "SELECT healthlake_fhir_view_rows(%s, r) FROM jsonb_array_elements(%s) AS r"
COLUMNS = "SELECT name FROM healthlake_fhir_view_columns(%s)"


def sorted_rows(rows):
    """Rows in an order of their own; numbers are compared by their values."""
    return sorted(json.dumps(row, sort_keys=True) for row in plain(rows))


def plain(value):
    """A value whose whole numbers are integers."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(element) for element in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def ask(session, statement, *values):
    """The first column of a statement's rows, and the error that it raised."""
    with session.cursor() as cursor:
        try:
            cursor.execute(statement, [json.dumps(value) for value in values])
            return [row[0] for row in cursor], None
        except psycopg2.Error as error:
            return None, f"{error.pgcode} {error.diag.message_primary}"


def judge(session, test, resources):
    """Why a test fails, or None."""
    rows, error = ask(session, ROWS, test["view"], resources)
    if test.get("expectError"):
        # what is wrong with a view is found without a resource
        rows, error = (rows, error) if error else ask(session, COLUMNS, test["view"])
        return None if error else f"an error was expected, got {rows}"
    if error:
        return error
    names, error = ask(session, COLUMNS, test["view"])
    if error:
        return error
    if any(list(sorted(row)) != sorted(names) for row in rows):
        return f"the rows have other columns than {names}"
    if "expectColumns" in test and names != test["expectColumns"]:
        return f"columns: got {names}, expected {test['expectColumns']}"
    if "expectCount" in test and len(rows) != test["expectCount"]:
        return f"{len(rows)} rows, expected {test['expectCount']}"
    if "expect" in test and sorted_rows(rows) != sorted_rows(test["expect"]):
        return f"got {json.dumps(rows)}, expected {json.dumps(test['expect'])}"
    return None


def find_files(paths):
    """The files that the paths name, in order."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(path.glob("**/*.json"))
        else:
            yield path


def run_file(session, path):
    """The report of one file, and why its tests failed."""
    suite, results, failures = json.loads(path.read_text(encoding="utf-8")), [], []
    if not isinstance(suite, dict) or "tests" not in suite:
        return None, []
    for test in suite["tests"]:
        why = judge(session, test, suite.get("resources", []))
        result = {"passed": why is None}
        if why:
            result["reason"] = why
            failures.append(f"{path.name}: {test['title']}: {why}")
        results.append({"name": test["title"], "result": result})
    return {"tests": results}, failures


def main():
    """Runs all files; the status is 1 where a test fails or there is none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", default="test_report.json")
    parser.add_argument("paths", nargs="+")
    arguments = parser.parse_args()
    session = psycopg2.connect("")
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS healthlake")
    report, failed, count = {}, 0, 0
    for path in find_files(arguments.paths):
        tests, failures = run_file(session, path)
        if tests is None:
            continue
        name = path.name if path.name not in report else str(path)
        report[name] = tests
        count += len(tests["tests"])
        failed += len(failures)
        for test in tests["tests"]:
            print("ok" if test["result"]["passed"] else "FAILED", f"{path.stem}: {test['name']}")
        for failure in failures:
            print(f"# {failure}")
    Path(arguments.report).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"{count - failed} passed, {failed} failed")
    return failed != 0 or count == 0


sys.exit(main())
