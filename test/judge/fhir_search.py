#!/usr/bin/python3
"""Searches over several pages: botocore computes the same signature for each request."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "emulator")]

import oracle  # noqa: E402
import client  # noqa: E402
from session import connect  # noqa: E402
from tap import Tap  # noqa: E402

STORE = "0123456789abcdef0123456789abcdef"

tap = Tap()
emulator = client.emulator()


def search():
    """Makes searches, histories and $everything in a session."""
    emulator.place({"DatastoreId": STORE, "DatastoreName": "search"})
    emulator.place_resources(STORE, ({"resourceType": "Patient", "id": f"p{number:06}",
                                      "active": True} for number in range(250)))
    session = connect(emulator)
    with session.cursor() as cursor:
        cursor.execute(f"SET healthlake.datastore_id = '{STORE}'")
        for call in (
                """healthlake_fhir_search('Patient', '{"active": true, "_sort": ["-_id"],
                "name:contains": ["a+b c=d", "\u00e4&"]}')""",
                "healthlake_fhir_search('Patient', page_size => 60)",
                "healthlake_fhir_everything('p000001', '2020-01-01', types => '{Patient}')",
                "healthlake_fhir_history()", "healthlake_fhir_count('Patient')",
                """healthlake_fhir_operation('Patient/$member-match', '{"a": "\u00e4"}')"""):
            cursor.execute(f"SELECT count(*) FROM {call}")


def main():
    """Compares every request."""
    search()
    wrong, padded = [], 0
    entries = [entry for entry in emulator.log() if entry["operation"].startswith("fhir:")]
    for entry in entries:
        if not oracle.has_its_signature(emulator, entry):
            wrong.append((entry["method"], entry["path"]))
        query = urlsplit(entry["path"]).query
        padded += "page=" in query and query.endswith("%3D%3D")
    tap.same(wrong, [], f"{len(entries)} signatures are botocore's")
    tap.ok(padded >= 6, "including tokens that end with ==", f"{padded}")
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
