#!/usr/bin/python3
"""Random requests of every operation, judged by botocore's validator and serializer.

For each operation of the model twenty valid requests and as many spoiled ones: the body that is
written is the one that botocore writes, and what botocore refuses is refused, for the same
reasons at the same paths.

The deliberate difference: true and false are no numbers here, while Python takes True for 1.
(Besides, integers have at most 64 bits, and of the texts that dateutil takes for a time, such as
"Tue", only those of ISO 8601 and RFC 822 are timestamps.) Two more are allowed for below: a null
member is an absent one, and timestamps keep their milliseconds.
"""

import copy
import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test" / "python"))

from tap import Tap, skip_all  # noqa: E402

try:
    from botocore.model import ServiceModel
    from botocore.serialize import create_serializer
    from botocore.validate import ParamValidator
except ImportError:
    skip_all("python3-botocore is not there")

DRIVER = ROOT / "test" / "unit" / "protocol"
SEED = 20261123
COUNT = 20
TOKEN = "00000000-0000-4000-8000-000000000000"
LETTERS = "abcXYZ 019-_.:/=+%@äß€字𝄞\"\\\n\t\x01\x7f"
TIMES = ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05+01:30", "2024-01-02 03:04:05",
         "2024-01-02T03:04:05.678Z", "2024-01-02", "20240102T030405Z",
         "Tue, 02 Jan 2024 03:04:05 GMT", "1700000000", "1700000000.25"]
NUMBERS = ["integer", "long", "float", "double", "timestamp"]
WRONG = [7, 1.5, "text", "", [], ["x"], {}, {"x": 1}, False]
KINDS = {"missing required field": "missing", "unknown field": "unknown", "invalid type": "type",
         "invalid range": "minimum", "invalid length": "minimum", "empty input": "union",
         "more than one input": "union"}


class Generator:
    """Generates requests of a shape and makes them invalid; the same ones from the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def wrong(self, shape=None):
        """A value that the shape probably does not allow; not False if Python treats it as 0."""
        wrong = copy.deepcopy(self.random.choice(WRONG))
        if wrong is False and shape and shape.type_name in NUMBERS:
            return "text"
        return wrong

    def text(self, shape):
        least = shape.metadata.get("min", 0)
        length = least + self.random.choice([0, 0, 1, 5, 30])
        if "enum" in shape.metadata and self.random.random() < 0.5:
            return self.random.choice(shape.metadata["enum"])
        return "".join(self.random.choices(LETTERS, k=length))

    def number(self, shape):
        least = shape.metadata.get("min", -2**63)
        return self.random.choice([least, least + 1, max(least, 7), 2**53 + 1, 2**63 - 1])

    def time(self):
        return self.random.choice(TIMES + [0, -315619200, 1700000000, 1700000000.75])

    def structure(self, shape):
        members = {}
        names = list(shape.members)
        if shape.metadata.get("union"):
            names = [self.random.choice(names)]
        odds = self.random.choice([0, 0.3, 0.7, 1])
        self.random.shuffle(names)
        for name in names:
            if shape.metadata.get("union") or name in shape.metadata.get("required", []) or \
                    self.random.random() < odds:
                members[name] = self.value(shape.members[name])
        return members

    def value(self, shape):
        """A value that the shape allows."""
        kind = shape.type_name
        size = self.random.choice([0, 1, 1, 3])
        if kind == "structure":
            return self.structure(shape)
        if kind == "list":
            least = shape.metadata.get("min", 0)
            return [self.value(shape.member) for _ in range(max(least, size))]
        if kind == "map":
            return {self.text(shape.key): self.value(shape.value) for _ in range(size)}
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "timestamp":
            return self.time()
        if kind in ("double", "float"):
            return self.random.choice([0.5, -1e300, 7])
        return self.text(shape) if kind == "string" else self.number(shape)

    def places(self, value, shape, container=None, key=None):
        """Every value in a request, with its place."""
        yield value, shape, container, key
        if shape.type_name == "structure" and isinstance(value, dict):
            for name in value:
                if name in shape.members:
                    yield from self.places(value[name], shape.members[name], value, name)
        elif shape.type_name == "list" and isinstance(value, list):
            for i, element in enumerate(value):
                yield from self.places(element, shape.member, value, i)
        elif shape.type_name == "map" and isinstance(value, dict):
            for name in value:
                yield from self.places(value[name], shape.value, value, name)

    def spoil_structure(self, value, shape):
        missing = [name for name in shape.metadata.get("required", []) if name in value]
        absent = [name for name in shape.members if name not in value]
        choice = self.random.random()
        if choice < 0.4 and missing:
            name = self.random.choice(missing)
            value.pop(name)
            if self.random.random() < 0.5:
                value[name] = None
        elif choice < 0.8 or not absent:
            name = self.random.choice(["Unknown", "unknown.dotted", "", "ünbekannt", "Keyy"])
            value[name] = self.wrong()
        elif shape.metadata.get("union"):
            name = self.random.choice(absent)
            value[name] = self.value(shape.members[name])
        else:
            name = self.random.choice(absent)
            value[name] = self.wrong(shape.members[name])
        if shape.metadata.get("union") and self.random.random() < 0.3:
            value.clear()

    def spoil(self, request, input_shape):
        """Makes a request invalid in one to three ways (by chance it may stay valid)."""
        for _ in range(self.random.randint(1, 3)):
            value, shape, container, key = self.random.choice(
                list(self.places(request, input_shape)))
            least = shape.metadata.get("min")
            choice = self.random.random()
            if isinstance(value, dict) and shape.type_name == "structure" and choice < 0.7:
                self.spoil_structure(value, shape)
            elif container is None:
                self.spoil_structure(value, shape)
            elif isinstance(value, dict) and shape.type_name == "map" and choice < 0.5:
                value[""] = self.wrong()
            elif isinstance(value, list) and choice < 0.3:
                value.append(None)
            elif least and choice < 0.6 and shape.type_name == "string":
                container[key] = self.text(shape)[:least - 1]
            elif least is not None and choice < 0.6 and shape.type_name in ("integer", "long"):
                container[key] = least - 1
            elif shape.type_name == "timestamp":
                container[key] = self.random.choice(["no time", "", [], {}, "2024-13-01"])
            else:
                container[key] = self.wrong(shape)
        return request


def without_null_members(value, shape):
    """The request without members that are null, which botocore would refuse."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {name: without_null_members(member, shape.members[name])
                if name in shape.members else member
                for name, member in value.items() if member is not None}
    if shape.type_name == "list" and isinstance(value, list):
        return [without_null_members(element, shape.member) for element in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: without_null_members(element, shape.value) for key, element in value.items()}
    return value


def whole_seconds(value, shape):
    """A body with timestamps truncated to seconds, like older versions of botocore."""
    if shape.type_name == "timestamp":
        return math.floor(value)
    if shape.type_name == "structure":
        return {name: whole_seconds(member, shape.members[name])
                for name, member in value.items()}
    if shape.type_name == "list":
        return [whole_seconds(element, shape.member) for element in value]
    if shape.type_name == "map":
        return {key: whole_seconds(element, shape.value) for key, element in value.items()}
    return value


def judge_faults(request, shape):
    """The faults that botocore finds, as (kind, path, member)."""
    report = ParamValidator().validate(request, shape)
    faults = set()
    for reason, name, details in report._errors:  # pylint: disable=protected-access
        member = details.get("required_name", details.get("unknown_param", ""))
        path = report._get_name(name)  # pylint: disable=protected-access
        faults.add((KINDS[reason], path, member))
    return faults


def our_faults(answer):
    """The faults of the extension; a null in a list or map is a wrong type for botocore."""
    return {(fault["kind"].replace("null", "type"), fault["path"], fault["member"])
            for fault in answer["faults"]}


class Judge:
    """Validates requests on both sides."""

    def __init__(self, path):
        self.model = ServiceModel(json.loads(Path(path).read_text(encoding="utf-8")))
        self.serializer = create_serializer(self.model.metadata["protocol"], False)
        self.driver = subprocess.Popen([DRIVER, "--model", path, "--stdin"], encoding="utf-8",
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, operation, request):
        """The extension's answer."""
        asked = {"operation": operation.name, "params": request, "token": TOKEN}
        self.driver.stdin.write(json.dumps(asked) + "\n")
        self.driver.stdin.flush()
        return json.loads(self.driver.stdout.readline())

    def difference(self, operation, request):
        """Whether the request is valid, and the difference between both sides ("": none)."""
        shape = operation.input_shape
        theirs = without_null_members(request, shape)
        for name in operation.idempotent_members:
            theirs.setdefault(name, TOKEN)
        answer = self.ask(operation, request)
        expected = judge_faults(theirs, shape)
        got = our_faults(answer)
        if got != expected:
            return not expected, (f"faults {sorted(got - expected)} are ours alone, "
                                  f"{sorted(expected - got)} botocore's")
        if expected:
            return False, ""
        body = json.loads(self.serializer.serialize_to_request(theirs, operation)["body"])
        body = whole_seconds(body, shape)
        ours = whole_seconds(answer["body"], shape)
        return True, "" if ours == body else f"body {ours}, botocore's {body}"

    def close(self):
        """Stops the driver; returns its status."""
        self.driver.stdin.close()
        return self.driver.wait()


def judge_requests(judge, operation, generator, spoiled):
    """The differences in twenty valid requests, or in twenty refused ones."""
    differences = []
    count = 0
    while count < COUNT and not differences:
        request = generator.structure(operation.input_shape)
        if spoiled:
            request = generator.spoil(request, operation.input_shape)
        valid, difference = judge.difference(operation, request)
        if difference or (not valid and not spoiled):
            differences.append(f"{json.dumps(request, ensure_ascii=False)}: {difference}")
        count += valid != spoiled
    return differences


def main():
    subprocess.run(["make", "-s", "-C", ROOT, "test/unit/protocol"], check=True,
                   stdout=sys.stderr)
    path = os.environ.get("HEALTHLAKE_MODEL") or str(ROOT / "test" / "emulator" / "model.json")
    tap = Tap()
    judge = Judge(path)
    generator = Generator(SEED)
    for name in judge.model.operation_names:
        operation = judge.model.operation_model(name)
        for spoiled in (False, True):
            differences = judge_requests(judge, operation, generator, spoiled)
            tap.ok(not differences, f"{name}: {COUNT} {'spoiled' if spoiled else 'valid'} requests",
                   *differences)
    operation = judge.model.operation_model("ListFHIRDatastores")
    _, difference = judge.difference(operation, {"MaxResults": True})
    tap.ok("('type', 'MaxResults', '')" in difference, "only botocore accepts true as an integer",
           difference)
    tap.same(judge.close(), 0, "the driver exits with status 0")
    tap.end()


if __name__ == "__main__":
    main()
