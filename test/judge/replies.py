#!/usr/bin/python3
"""What is read of each operation's replies: judged by botocore's parser.

For each operation whose reply is a document, random replies made from the model's shape, with
members that nobody knows and members that are null: what healthlake_call() gives of the members
that the model has is what botocore's parser gives. Streams have test/judge/agent_stream.
HEALTHLAKE_SEED is another seed.
"""

import datetime
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / name) for name in ("python", "emulator", "judge")]

import oracle  # noqa: E402
import psycopg2  # noqa: E402
import validator  # noqa: E402
from botocore.model import ServiceModel  # noqa: E402
from botocore.parsers import create_parser  # noqa: E402
from client import emulator as find_emulator  # noqa: E402
from session import connect  # noqa: E402
from tap import Tap  # noqa: E402

COUNT = 5
TIMES = [0, -315619200, 1700000000, 1700000000.75]


class Generator(validator.Generator):
    """Generates replies; times are numbers, as in HealthLake's protocol."""

    def time(self):
        return self.random.choice(TIMES)

    def reply(self, shape):
        """A reply, perhaps with unknown members."""
        made = self.structure(shape)
        if self.random.random() < 0.5:
            made["Unknown"] = self.wrong()
        absent = [name for name in shape.members
                  if name not in made and name not in shape.metadata.get("required", [])]
        if absent and self.random.random() < 0.5:
            made[self.random.choice(absent)] = None
        return made


def known(value, shape):
    """The known part of a value in one notation: times as numbers, no nulls."""
    kind = shape.type_name
    if kind == "timestamp":
        return value.timestamp() if isinstance(value, datetime.datetime) else float(value)
    if kind in ("double", "float"):
        return float(value)
    if kind == "structure":
        return {name: known(member, shape.members[name]) for name, member in value.items()
                if name in shape.members and member is not None}
    if kind == "list":
        return [known(element, shape.member) for element in value]
    if kind == "map":
        return {name: known(element, shape.value) for name, element in value.items()}
    return value


def valid_request(generator, shape):
    """A random valid request."""
    while True:
        request = generator.structure(shape)
        if not list(validator.judge_faults(validator.without_null_members(request, shape), shape)):
            return request


def differences_of(emulator, cursor, parser, generator, operation):
    """The first difference in some replies."""
    shape = operation.output_shape
    requests = validator.Generator(generator.random.random())
    replies = [generator.reply(shape) for _ in range(COUNT)]
    emulator.next(*({"operation": operation.name, "body": reply} for reply in replies))
    for reply in replies:
        body = json.dumps(reply).encode()
        theirs = parser.parse({"status_code": 200, "headers": {}, "body": body}, shape)
        wanted = known(theirs, shape)
        try:
            cursor.execute("SELECT healthlake_call(%s, %s::jsonb)::text", [
                operation.name, json.dumps(valid_request(requests, operation.input_shape))])
            ours = known(json.loads(cursor.fetchone()[0]), shape)
        except psycopg2.Error as caught:
            ours = f"{caught.pgcode} {caught}"
        if ours != wanted:
            return [f"reply {body.decode()}", f"here {ours}", f"botocore {wanted}"]
    return []


def main():
    """All operations except those with a streamed reply."""
    tap = Tap()
    emulator = find_emulator()
    model = ServiceModel(oracle.DOCUMENT)
    parser = create_parser(model.metadata["protocol"])
    generator = Generator(int(os.environ.get("HEALTHLAKE_SEED", "20261123")))
    tap.say(oracle.VERSIONS)
    streams = []
    with connect(emulator).cursor() as cursor:
        for name in model.operation_names:
            operation = model.operation_model(name)
            if operation.has_event_stream_output:
                streams.append(name)
                continue
            differences = differences_of(emulator, cursor, parser, generator, operation)
            tap.ok(not differences, f"{name}: {COUNT} replies", *differences)
    tap.same(streams, ["UpdateProfileWithAgent"], "the others have a streamed reply")
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
