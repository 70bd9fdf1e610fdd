#!/usr/bin/python3
"""A ViewDefinition gives the same in all ways in which it can be evaluated.

    fhirpath_ways.py [VIEWS [SEED]]     150 random views, each of several resources

The ways are healthlake_fhir_view(), healthlake_fhir_view_rows() and a view that
healthlake_fhir_create_view() makes: the same rows, or the same SQLSTATE. The resources are as
documents may be and FHIR does not allow: arrays and objects where none belong, nulls in arrays,
extensions beside nothing, names that FHIR does not know. Only where the first two raise an error
for these may a created view have a value, the first, or null: its columns are plain expressions.
"""

import json
import random
import sys
from collections import Counter
from pathlib import Path

import psycopg2

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python")]

from session import open_session, run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

VIEWS = int(sys.argv[1]) if len(sys.argv) > 1 else 150
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
RESOURCES = 12

NAMES = ("status", "birthDate", "active", "name", "family", "given", "note", "text", "meta",
         "profile", "code", "coding", "period", "start", "valueQuantity", "valueString",
         "valueInteger", "unknown", "rank", "contained", "extension")
TYPES = ("string", "code", "boolean", "integer", "decimal", "date", "instant", "integer64",
         "HumanName", "Quantity", "Coding")
TAGS = ("DATE", "TIMESTAMP WITH TIME ZONE", "VARCHAR(3)", "NUMERIC(4,1)", "SMALLINT", "REAL",
        "TIME", "TEXT", "BOOLEAN", "BIGINT")
CONSTANTS = [{"name": "s", "valueString": "a'\\b"}, {"name": "n", "valueDecimal": 2},
             {"name": "i", "valueInteger": -3}, {"name": "d", "valueDate": "2020-02"},
             {"name": "t", "valueDateTime": "2020"}, {"name": "b", "valueBoolean": False},
             {"name": "l", "valueInteger64": "7"},
             {"name": "e", "valueString": "x", "_valueString": {"extension": [{"url": "u"}]}}]

# by hand: what was found once
CASES = [
    ("a list with two values", "name.family", "string",
     {"name": [{"family": "A"}, {"family": "B"}]}),
    ("null in an array", "meta.profile", "string",
     {"meta": {"profile": [None, "q2"], "_profile": [{"id": "x"}, None]}}),
    ("an element with only extensions", "note.text", "string",
     {"note": [{"_text": {"id": "x"}}, {"text": "b"}]}),
    ("an array where there is none", "status", "code", {"status": ["a", "b"]}),
    ("an array of complex values", "period.start", "string",
     {"period": [{"start": "2020"}, {"start": "2021"}]}),
    ("an array of a choice", "value.ofType(string)", "string", {"valueString": ["a", "b"]}),
    ("an unknown element", "unknown", "string", {"unknown": [1, 2]}),
    ("an array with one value", "status", "code", {"status": ["a"]}),
    ("a reference in an array", "subject.getReferenceKey(Patient)", "id",
     {"subject": [{"reference": "Patient/1"}, {"reference": "Patient/2"}]}),
    ("a complex value as text", "name.first()", None, {"name": [{"family": "F"}]}),
    ("a complex value as a string", "name", "string", {"name": [{"family": "F"}]}),
    ("complex values as a string", "name", "string", {"name": [{"family": "F"}, {}]}),
    ("an empty object", "name", None, {"name": [{}]}),
    ("a comment", "status // the status", "code", {"status": ["a", "b"]}),
    ("a comment after names", "name.given // all", "string", {"name": [{"given": ["a", "b"]}]}),
    ("a decimal constant", "%n is Decimal", "boolean", {}),
    ("extensions of a constant", "%e.extension.url", "string", {}),
    ("the type's name", "Patient.status", "code", {"status": ["a", "b"]}),
    ("the whole resource", "$this", None, {}),
    ("%context", "%context.status", "code", {"status": ["a", "b"]}),
]

STRICT = {"a list with two values", "a comment after names", "null in an array",
          "an element with only extensions"}
# what FHIR's definitions exclude, and complex values in columns without a type
EXCLUDED = {"21000", "22023"}

tap = Tap()
chance = random.Random(SEED)


def scalar():
    """A primitive value, of any type."""
    return chance.choice(["a", "abcd", "", "2020", "2020-02", "2020-02-03", "12:30:00", "7",
                          "2020-02-03T04:05:06.789Z", True, False, 0, 3, -1.50, 70000, 12345.67,
                          2 ** 40])


def value(depth):
    """Any value of a member."""
    how = chance.randrange(8)
    if how < 3 or depth == 0:
        return scalar()
    if how == 3:
        return [chance.choice([None, scalar()]) for _ in range(chance.randrange(4))]
    if how == 4:
        return chance.choice([None, {}, [], [None], [[]], [["a"]], [{}]])
    if how == 5:
        return [members(depth - 1) for _ in range(chance.randrange(3))]
    return members(depth - 1)


def shadow(beside):
    """What may stand beside a primitive under its name with an underscore."""
    extended = {"extension": [{"url": "u", "valueString": "x"}]}
    if isinstance(beside, list):
        return [chance.choice([None, extended, {"id": "x"}]) for _ in range(len(beside) + 1)]
    return chance.choice([extended, {"id": "x"}, {}, None, [extended]])


def members(depth):
    """An object with some of the names."""
    made = {}
    for name in chance.sample(NAMES, chance.randrange(1, 6)):
        made[name] = value(depth)
        if chance.random() < 0.25:
            made["_" + name] = shadow(made[name])
        if chance.random() < 0.1:
            made.pop(name)
    return made


def resource():
    """A resource, usually of the views' type."""
    made = {**members(3), "resourceType": chance.choice(["Patient"] * 9 + ["Group"])}
    if chance.random() < 0.7:
        made["id"] = "p1"
    return made


def path():
    """A path that is likely to give something."""
    text = chance.choice(NAMES + ("id", "$this", "value", "getResourceKey()", "Patient.name",
                                  "%context", "%resource"))
    for _ in range(chance.randrange(3)):
        text += "." + chance.choice(NAMES + (
            "value", "first()", "where($this.exists())", "ofType(string)", "ofType(Quantity)",
            "extension('u').value", "exists()", "count()", "toString()", "last()", "tail()",
            "children()", "distinct()", "hasValue()", "getValue()", "select($this)", "single()",
            "join(',')", "iif(exists(), 'x')", "is(Decimal)"))
    if chance.random() < 0.15:
        text += chance.choice([" = ", " & ", " + ", " | ", " ~ ", " / ", " is Decimal or "]) + \
            chance.choice(["%s", "%n", "%i", "%d", "%t", "%b", "%l", "'a'", "3", "1.50", "{}"])
    return text + (" // end" if chance.random() < 0.05 else "")


def column(name):
    """A column, with or without a type."""
    made = {"name": name, "path": path()}
    how = chance.randrange(10)
    if how < 5:
        made["type"] = chance.choice(TYPES)
    elif how < 7:
        made["tag"] = [{"name": "ansi/type", "value": chance.choice(TAGS)}]
    if chance.random() < 0.2:
        made["collection"] = True
    return made


def view():
    """A view of a few columns, sometimes with an iteration, a union and a condition."""
    select = [{"column": [column(f"c{n}") for n in range(chance.randrange(1, 4))]}]
    if chance.random() < 0.3:
        way = chance.choice(["forEach", "forEachOrNull", "repeat"])
        inner = chance.choice(NAMES)
        select.append({way: [inner] if way == "repeat" else inner, "column": [column("e")]})
    if chance.random() < 0.15:
        select.append({"unionAll": [{"column": [column("u")]}, {"column": [column("u")]}]})
    made = {"resource": "Patient", "constant": CONSTANTS, "select": select}
    if chance.random() < 0.2:
        made["where"] = [{"path": path() + chance.choice(["", ".exists()", " = 'a'"])}]
    return made


def ask(cursor, statement, *values):
    """The rows of a statement in JSON, in an order of their own; or the SQLSTATE."""
    try:
        cursor.execute(statement, values)
        return sorted((row[0] for row in cursor), key=json.dumps)
    except psycopg2.Error as error:
        return error.pgcode


class Ways:
    """The ways of evaluation of one view."""

    def __init__(self, cursor, definition):
        self.cursor, self.definition = cursor, json.dumps(definition)
        cursor.execute("DROP TABLE IF EXISTS one CASCADE")  # with its dead rows
        cursor.execute("CREATE TABLE one (resource jsonb)")
        cursor.execute("INSERT INTO one VALUES ('{}')")
        cursor.execute("SELECT name, type FROM healthlake_fhir_view_columns(%s)",
                       [self.definition])
        self.columns = cursor.fetchall()
        cursor.execute("SELECT healthlake_fhir_create_view('made', %s, 'one')", [self.definition])

    def results(self, document):
        """The results for a resource: of the view, its rows, and the created view."""
        listed = ", ".join(f"{name} {type_}" for name, type_ in self.columns)
        document = json.dumps(document)
        self.cursor.execute("UPDATE one SET resource = %s", [document])
        return (ask(self.cursor, "SELECT to_jsonb(v) FROM healthlake_fhir_view(%s, %s) AS "
                    f"v({listed})", self.definition, document),
                ask(self.cursor, "SELECT to_jsonb(v) FROM healthlake_fhir_view_rows(%s, %s) AS r,"
                    f" jsonb_to_record(r) AS v({listed})", self.definition, document),
                ask(self.cursor, "SELECT to_jsonb(made) FROM made"))


def are_same(by_view, by_rows, by_created):
    """Whether the ways agree."""
    return by_view == by_rows and (by_created == by_view or isinstance(by_view, str)
                                   and by_view in EXCLUDED)


def check_cases(cursor):
    """Checks the cases by hand, each as a column and as a collection."""
    for what, text, type_, document in CASES:
        for collection in (False, True):
            one = {"name": "c", "path": text, "collection": collection}
            if type_:
                one["type"] = type_
            ways = Ways(cursor, {"resource": "Patient", "constant": CONSTANTS,
                                 "select": [{"column": [one]}]})
            by_view, by_rows, by_created = ways.results({"resourceType": "Patient", **document})
            tap.ok(by_view == by_rows == by_created if what in STRICT
                   else are_same(by_view, by_rows, by_created),
                   f"{what} is the same in all ways{', in a collection' * collection}",
                   f"view {by_view}", f"rows {by_rows}", f"created {by_created}")


def check_random(cursor):
    """Compares the ways of random views."""
    counts, shown = Counter(), 0
    for _ in range(VIEWS):
        definition = view()
        try:
            ways = Ways(cursor, definition)
        except psycopg2.Error as error:
            counts[f"no view: {error.pgcode}"] += 1
            continue
        for _ in range(RESOURCES):
            document = resource()
            by_view, by_rows, by_created = ways.results(document)
            same = are_same(by_view, by_rows, by_created)
            counts["different" if not same else by_view if isinstance(by_view, str)
                   else "rows" if by_view else "no rows"] += 1
            if not same and shown < 10:
                shown += 1
                tap.say(f"{json.dumps(definition['select'])} {definition.get('where')}\n"
                        f"  of {json.dumps(document)}\n  view {by_view}\n  rows {by_rows}\n"
                        f"  created {by_created}")
    tap.say(f"seed {SEED}: " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    tap.same(counts["different"], 0, f"{VIEWS} random views are the same in all ways")
    tap.ok(counts["rows"] > VIEWS, "many have rows")


def main():
    """Runs all, and leaves nothing behind."""
    session = open_session()
    session.autocommit = True
    run(session, "CREATE EXTENSION IF NOT EXISTS healthlake")
    with session.cursor() as cursor:
        cursor.execute("SET client_min_messages = error; SET timezone = UTC")
        check_cases(cursor)
        check_random(cursor)
    run(session, "DROP TABLE one CASCADE")
    tap.end()


main()
