#!/usr/bin/python3
"""What a view of ten columns costs, beside hand-written SQL and npm's fhirpath.

Run by test/fhir/bench, which has a server ready. Arguments: resources, rounds. Each round runs
everything once, so that whatever else the machine does falls on all; the middle is told.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import psycopg2

HERE = Path(__file__).resolve().parent
COUNT, ROUNDS = int(sys.argv[1]), int(sys.argv[2])
SAMPLE = 5000  # resources that JavaScript flattens

SETUP = """
CREATE EXTENSION healthlake;
CREATE TABLE observation (resource jsonb);
INSERT INTO observation SELECT jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n,
    'status', 'final', 'meta', '{"versionId": "1", "lastUpdated": "2024-01-01T00:00:00Z", "profile":
    ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-vital-signs"]}'::jsonb,
    'category', '[{"coding": [{"system":
    "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs",
    "display": "Vital Signs"}], "text": "Vital Signs"}]'::jsonb,
    'code', '{"coding": [{"system": "http://loinc.org", "code": "85354-9", "display":
    "Blood pressure panel with all children optional"}], "text": "Blood pressure"}'::jsonb,
    'subject', jsonb_build_object('reference', 'Patient/p' || n %% 1000, 'display', 'Somebody'),
    'encounter', jsonb_build_object('reference', 'Encounter/e' || n %% 5000),
    'effectiveDateTime', '2024-03-0' || 1 + n %% 9 || 'T12:00:00Z',
    'issued', '2024-03-0' || 1 + n %% 9 || 'T12:00:00.123Z',
    'performer', '[{"reference": "Practitioner/1", "display": "Dr. Somebody Else"}]'::jsonb,
    'valueQuantity', jsonb_build_object('value', 60.5 + n %% 100, 'unit', 'mm[Hg]', 'system',
        'http://unitsofmeasure.org', 'code', 'mm[Hg]'),
    'interpretation', '[{"coding": [{"system":
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "N",
    "display": "Normal"}]}]'::jsonb,
    'component', '[{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6", "display":
    "Systolic blood pressure"}]}, "valueQuantity": {"value": 107, "unit": "mmHg"}}, {"code":
    {"coding": [{"system": "http://loinc.org", "code": "8462-4", "display":
    "Diastolic blood pressure"}]}, "valueQuantity": {"value": 60, "unit": "mmHg"}}]'::jsonb,
    'note', '[{"text": "A note of some length, so that the size is the one asked for."}]'::jsonb)
FROM generate_series(1, %s) AS n;
CREATE STATISTICS observation_type ON (resource ->> 'resourceType') FROM observation;

CREATE VIEW by_hand AS SELECT resource ->> 'id' AS id,
    split_part(jsonb_path_query_first(resource, '$.subject.reference') #>> '{}', '/', 2)
        AS patient_id,
    resource ->> 'status' AS status,
    jsonb_path_query_first(resource, '$.code.coding[0].code') #>> '{}' AS code,
    jsonb_path_query_first(resource, '$.code.coding[0].display') #>> '{}' AS display,
    jsonb_path_query_first(resource, '$.category[0].coding[0].code') #>> '{}' AS category,
    resource ->> 'effectiveDateTime' AS effective,
    jsonb_path_query_first(resource, '$.valueQuantity.value')::numeric AS value,
    jsonb_path_query_first(resource, '$.valueQuantity.unit') #>> '{}' AS unit,
    jsonb_path_query_first(resource, '$.component[*] ? (@.code.coding[*].code == "8480-6")
        .valueQuantity.value')::numeric AS systolic
FROM observation WHERE resource ->> 'resourceType' = 'Observation';
"""
COLUMNS = (("id", "getResourceKey()", "id"),
           ("patient_id", "subject.getReferenceKey(Patient)", "id"),
           ("status", "status", "code"), ("code", "code.coding.first().code", "code"),
           ("display", "code.coding.first().display", "string"),
           ("category", "category.first().coding.first().code", "code"),
           ("effective", "effective.ofType(dateTime)", "dateTime"),
           ("value", "value.ofType(Quantity).value", "decimal"),
           ("unit", "value.ofType(Quantity).unit", "string"),
           ("systolic", "component.where(code.coding.exists(code = '8480-6')).first()"
            ".value.ofType(Quantity).value", "decimal"))
VIEW = {"resource": "Observation", "select": [{"column": [
    {"name": name, "path": path, "type": kind} for name, path, kind in COLUMNS]}]}
LIST = ", ".join(f"{name} {'numeric' if kind == 'decimal' else 'text'}"
                 for name, _, kind in COLUMNS)


def folder():
    """Where npm's fhirpath is, of the version that the reference runner has; or None."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    place = Path(home) / "healthlake-test" / "fhirpath-bench"
    if not shutil.which("npm"):
        return None
    place.mkdir(parents=True, exist_ok=True)
    (place / "package.json").write_text("{}\n", encoding="ascii")
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                           "--loglevel=error", "fhirpath@3.9.0"], cwd=place, check=False)
    return None if done.returncode else place


def measure(cursor, statement, workers=0):
    """The seconds of a statement whose rows are made and thrown away."""
    cursor.execute(f"SET max_parallel_workers_per_gather = {workers}")
    cursor.execute(f"EXPLAIN (ANALYZE, TIMING off) {statement}")
    plan = "\n".join(row[0] for row in cursor)
    return float(re.search(r"Execution Time: ([\d.]+)", plan)[1]) / 1000, plan


def javascript(cursor, place):
    """The seconds that JavaScript takes for as many resources, of a sample."""
    cursor.execute("SELECT resource FROM observation LIMIT %s", [SAMPLE])
    lines = [json.dumps([path for _, path, _ in COLUMNS])]
    lines += [json.dumps(row[0]) for row in cursor]
    done = subprocess.run(["node", HERE / "bench.mjs", place], input="\n".join(lines) + "\n",
                          text=True, capture_output=True, check=True)
    return float(done.stdout) / SAMPLE * COUNT


def main():
    """Measures in rounds and prints the middle of each."""
    session = psycopg2.connect("")
    session.autocommit = True
    cursor = session.cursor()
    cursor.execute(SETUP % COUNT)
    cursor.execute("VACUUM ANALYZE observation")
    cursor.execute("SELECT healthlake_fhir_create_view('by_view', %s, 'observation')",
                   [json.dumps(VIEW)])
    cursor.execute("SELECT avg(length(resource::text))::int FROM observation")
    print(f"{COUNT} Observations of {cursor.fetchone()[0]} bytes, a view of ten columns")
    cursor.execute("(TABLE by_hand EXCEPT TABLE by_view) UNION ALL "
                   "(TABLE by_view EXCEPT TABLE by_hand) LIMIT 1")
    if cursor.fetchone():
        sys.exit("the columns differ")
    lateral = cursor.mogrify(f"SELECT v.* FROM observation, healthlake_fhir_view(%s, resource) "
                             f"AS v({LIST})", [json.dumps(VIEW)]).decode()
    what = {"hand-written SQL": ("TABLE by_hand", 0), "the created view": ("TABLE by_view", 0),
            "healthlake_fhir_view()": (lateral, 0), "the created view, parallel": (
                "TABLE by_view", 2)}
    times = {name: [] for name in what}
    place, times["npm's fhirpath"] = folder(), []
    for _ in range(ROUNDS):
        for name, (statement, workers) in what.items():
            seconds, plan = measure(cursor, statement, workers)
            times[name].append(seconds)
            if workers and "Gather" not in plan:
                sys.exit(f"no parallel plan:\n{plan}")
        if place:
            times["npm's fhirpath"].append(javascript(cursor, place))
    hand = statistics.median(times["hand-written SQL"])
    for name, seconds in times.items():
        if seconds:
            middle = statistics.median(seconds)
            print(f"{name:28} {middle:8.2f} s, {middle / hand:6.2f} times hand-written SQL")


main()
