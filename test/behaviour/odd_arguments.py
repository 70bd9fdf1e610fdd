#!/usr/bin/python3
"""Every function, called with unusual arguments: the error is one of the extension or of AWS, never
an internal one, and the session continues to work.
"""

import hashlib
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("python", "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import session as session_of  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

COUNT = 120
RANDOM = random.Random(20261123)
TEXTS = ["NULL", "''", "'x'", "'us-east-1'", "'ACTIVE'", "'ß\U0001d11e'", "repeat('x', 100000)",
         "E'\\t\\n\"\\\\'", "'{\"a\": 1}'", "'[]'", "'CreateFHIRDatastore'", "'%s%n'",
         "md5('store')", "'Patient'", "'Patient/p1'", "'$everything'", "'p1'", "'..'"]
JSON = ["NULL", "'null'", "'{}'", "'[]'", "'\"x\"'", "'1e400'", "'{\"\": {}}'", "'[null]'",
        "'{\"DatastoreId\": \"x\"}'", "'{\"a\": null, \"b\": [1, {\"c\": \"\\u00df\"}]}'",
        "'[{\"Key\": \"k\", \"Value\": \"v\"}]'", "'[{\"Key\": 1}]'", "'{\"NextToken\": \"x\"}'",
        "'{\"MaxResults\": 5}'", "'{\"resourceType\": \"Patient\", \"id\": \"p1\"}'",
        "'{\"resourceType\": 1, \"id\": []}'", "'{\"family\": [\"a,b\", 1]}'",
        "'[{\"method\": \"PUT\", \"url\": \"Patient/p1\", \"resource\": {}}]'",
        "'[{\"op\": \"remove\", \"path\": \"/a\"}]'",
        "('{\"a\":' || repeat('[', 5000) || repeat(']', 5000) || '}')"]
VALUES = {
    "text": TEXTS, "jsonb": JSON, "boolean": ["NULL", "true", "false"],
    "integer": ["NULL", "0", "-1", "1", "7", "2147483647", "-2147483648"],
    "bigint": ["NULL", "0", "-1", "1", "9223372036854775807", "-9223372036854775808"],
    "jsonb[]": ["NULL", "'{}'", "'{NULL}'", "'{{1,2},{3,4}}'", "ARRAY['{}', 'null', '[]']",
                """ARRAY['{"DatastoreId": "x"}', '{"DatastoreId": 1}']""",
                """ARRAY['{"DatastoreId": "x"}', '{"DatastoreId": "y"}']"""],
    "text[]": ["NULL", "'{}'", "'{x}'", "'{NULL}'", "'{{a,b},{c,d}}'", "'[5:6]={a,b}'"],
    "timestamp with time zone": ["NULL", "'infinity'", "'-infinity'", "'4713-01-01 BC'",
                                 "'294276-12-31'", "now()", "'epoch'"],
    "interval": ["NULL", "'0'", "'-1 s'", "'1 ms'", "'20 ms'", "'178000000 years'", "'1 mon -1 s'"],
    "regclass": ["NULL", "'pg_class'", "0::regclass", "4294967295::oid::regclass"],
    "date": ["NULL", "'infinity'", "'4713-01-01 BC'", "'5874897-12-31'", "'2026-11-29'"],
    "uuid": ["NULL", "'00000000-0000-0000-0000-000000000000'", "gen_random_uuid()"],
    "name": ["NULL", "''", "'x'", "'resource'", "repeat('x', 100)"],
    "character varying": TEXTS, "smallint": ["NULL", "0", "-1", "32767"],
    "numeric": ["NULL", "'NaN'", "0", "1e400", "'-Infinity'"],
    "real": ["NULL", "'NaN'", "'-infinity'", "1e-40"],
    "double precision": ["NULL", "'NaN'", "'infinity'", "1e-320"],
    "regrole": ["NULL", "current_user::regrole", "0::regrole", "4294967295::oid::regrole"],
}
# what any type has, and any array
NOTHING, ARRAYS = ["NULL"], ["NULL", "'{}'", "'{NULL}'", "'{{NULL},{NULL}}'"]

tap = Tap()


def connect(emulator):
    """A session that calls the emulator."""
    session = session_of.connect(emulator)
    with session.cursor() as cursor:
        cursor.execute("SET statement_timeout = '2s'")
        cursor.execute("SELECT set_config('healthlake.datastore_id', md5('store'), false)")
    return session


def values_of(type_):
    """Odd values of a type."""
    return VALUES.get(type_, ARRAYS if type_.endswith("[]") else NOTHING)


def statement(name, kind, arguments, required):
    """A call with some of its arguments."""
    given = [f"{argument} => {RANDOM.choice(values_of(of))}::{of}"
             for number, (argument, of) in enumerate(arguments)
             if number < required or RANDOM.random() < 0.3]
    if kind == "p":
        return f"CALL {name}({', '.join(given)})"
    return f"SELECT * FROM {name}({', '.join(given)})"


def main():
    """All functions."""
    emulator = client.emulator()
    emulator.state(settle_after_seconds=0)
    emulator.place({"DatastoreId": "x", "DatastoreName": "x"})
    emulator.place({"DatastoreId": hashlib.md5(b"store").hexdigest(), "DatastoreName": "store"})
    session = connect(emulator)
    with session.cursor() as cursor:
        cursor.execute("""
            SELECT proname, prokind::text, pronargs - pronargdefaults, proargnames[1:pronargs],
                (SELECT array_agg(format_type(t, NULL) ORDER BY n)
                 FROM unnest(proargtypes) WITH ORDINALITY AS a (t, n))
            FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid
            WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
              AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'healthlake')
              AND pronargs > 0 AND prorettype <> 'internal'::regtype
            ORDER BY p.oid::regprocedure::text""")
        functions = cursor.fetchall()
    for name, kind, required, names, types in functions:
        odd = []
        for _ in range(COUNT):
            text = statement(name, kind, list(zip(names, types)), required)
            try:
                with session.cursor() as cursor:
                    cursor.execute(text)
            except psycopg2.Error as caught:
                if caught.pgcode is None or caught.pgcode.startswith(("XX", "53", "58", "08")):
                    odd.append(f"{caught.pgcode} {text[:300]}: {str(caught)[:300]}")
                if session.closed:
                    session = connect(emulator)
        tap.ok(not odd, f"{name}({', '.join(types)[:60]})", *odd[:5])
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
