#!/usr/bin/python3
"""What each of the 26 operations sends, and what is refused before it: judged by botocore.

For each operation twenty random valid requests made from the model and as many spoiled ones, all
through healthlake_call(): the body that reaches the emulator is the one that botocore writes (as
JSON; timestamps to the second), what botocore's validator refuses is refused with the same paths,
and nothing is sent. Two differences are deliberate: metadata may be an object, and
StartDataTransformationJob's token may be left out. Besides, healthlake_operations() has the
members of the model, and the names that AWS's CLI makes of them.
HEALTHLAKE_SEED is another seed.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / name) for name in ("python", "emulator", "judge")]

import oracle  # noqa: E402
import psycopg2  # noqa: E402
import validator  # noqa: E402
from botocore import xform_name  # noqa: E402
from botocore.model import ServiceModel  # noqa: E402
from botocore.serialize import create_serializer  # noqa: E402
from client import emulator as find_emulator  # noqa: E402
from session import open_session  # noqa: E402
from tap import Tap  # noqa: E402

COUNT = 20
TOKENS_OF_OURS = ["ClientToken"]  # generated although the model does not require it
AWS_SAYS_NO = "55006"  # the emulator answers every request with a ConflictException
REFUSED_HERE = ("22023", "22004")


def paths_of(request, shape):
    """The paths that botocore refuses; empty if it accepts."""
    return {path if kind not in ("missing", "unknown") else
            member if path == "input" else f"{path}.{member}"
            for kind, path, member in validator.judge_faults(request, shape)}


def with_metadata_as_text(request):
    """The request with an object replaced by its text, which botocore does not do."""
    config = request.get("IdentityProviderConfiguration")
    if isinstance(config, dict) and isinstance(config.get("Metadata"), dict):
        text = json.dumps(config["Metadata"], separators=(",", ":"))
        return {**request, "IdentityProviderConfiguration": {**config, "Metadata": text}}
    return request


class Caller:
    """Calls operations from SQL, and reads the sent requests."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.connection = open_session()
        self.connection.autocommit = True
        self.seen = 0
        with self.connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS healthlake")
            for name, value in (("endpoint_url", emulator.http.replace("127.0.0.1", "localhost")),
                                ("region", "us-east-1"), ("max_attempts", "1"),
                                ("access_key_id", emulator.access_key_id),
                                ("secret_access_key", emulator.secret_access_key)):
                cursor.execute(f"SET healthlake.{name} = %s", [value])

    def call(self, operation, request):
        """The SQLSTATE, the error's detail, and the bodies that were sent."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute("SELECT healthlake_call(%s, %s::jsonb)",
                               [operation, json.dumps(request)])
            state, detail = "00000", ""
        except psycopg2.Error as caught:
            state, detail = caught.pgcode, caught.diag.message_detail or ""
        log = self.emulator.log(since=self.seen)
        if log:
            self.seen = log[-1]["n"]
        return state, detail, [json.loads(entry["body"]) for entry in log]

    def rows(self, statement):
        """The rows of a statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


class Judge:
    """Compares the handling of a request by SQL and by botocore."""

    def __init__(self, caller):
        self.caller = caller
        self.model = ServiceModel(oracle.DOCUMENT)
        self.serializer = create_serializer(self.model.metadata["protocol"], False)

    def difference(self, operation, request):
        """Whether botocore accepts the request, and the difference of SQL ("": none)."""
        shape = operation.input_shape
        theirs = with_metadata_as_text(validator.without_null_members(request, shape))
        token = [name for name in {*operation.idempotent_members, *TOKENS_OF_OURS}
                 if name in shape.members and name not in theirs]
        theirs.update({name: validator.TOKEN for name in token})
        paths = paths_of(theirs, shape)
        state, detail, bodies = self.caller.call(operation.name, request)
        if paths:
            return False, self.refusal(paths, state, detail, bodies)
        if state != AWS_SAYS_NO or len(bodies) != 1:
            return True, f"SQLSTATE {state}, {len(bodies)} requests: {detail}"
        wanted = json.loads(self.serializer.serialize_to_request(theirs, operation)["body"])
        for name in token:
            bodies[0][name] = wanted[name]
        ours, wanted = (validator.whole_seconds(body, shape) for body in (bodies[0], wanted))
        return True, "" if ours == wanted else f"body {ours}, botocore's {wanted}"

    @staticmethod
    def refusal(paths, state, detail, bodies):
        """The difference between a refusal and botocore's."""
        if bodies:
            return f"botocore refuses {sorted(paths)}; {len(bodies)} requests were sent"
        if state not in REFUSED_HERE:
            return f"SQLSTATE {state}: {detail}"
        missing = [path for path in paths if f"\n{path}: " not in f"\n{detail}"]
        if missing:
            return f"{missing} not in {detail!r}"
        if not any("\n" in path for path in paths) and len(detail.splitlines()) != len(paths):
            return f"botocore: {sorted(paths)}, here: {detail!r}"
        return ""


def differences_of(judge, operation, generator, spoiled):
    """The first difference in twenty valid requests, or in twenty refused ones."""
    count = 0
    while count < COUNT:
        request = generator.structure(operation.input_shape)
        if spoiled:
            request = generator.spoil(request, operation.input_shape)
        valid, difference = judge.difference(operation, request)
        if difference:
            return [json.dumps(request, ensure_ascii=True), difference]
        count += valid != spoiled
    return []


def leaves_of(shape, path=""):
    """The paths of members that are not structures."""
    for name, member in shape.members.items():
        here = f"{path}{name}"
        if member.type_name == "structure":
            yield from leaves_of(member, here + ".")
        else:
            yield here


def judge_names(tap, judge):
    """Compares the table of members with the model."""
    rows = judge.caller.rows("SELECT operation, member, cli_option FROM healthlake_operations()")
    wanted = {(name, leaf, "--" + xform_name(leaf.split(".")[0], "-"))
              for name in judge.model.operation_names
              for leaf in leaves_of(judge.model.operation_model(name).input_shape)}
    tap.same(sorted(set(rows) - wanted), [], "healthlake_operations() has only the model's members")
    tap.same(sorted(wanted - set(rows)), [], "and all of them")


def main():
    """All operations."""
    tap = Tap()
    emulator = find_emulator()
    emulator.next(error="ConflictException", times="always")
    judge = Judge(Caller(emulator))
    generator = validator.Generator(int(os.environ.get("HEALTHLAKE_SEED", "20261123")))
    tap.say(oracle.VERSIONS)
    for name in judge.model.operation_names:
        operation = judge.model.operation_model(name)
        for spoiled in (False, True):
            differences = differences_of(judge, operation, generator, spoiled)
            tap.ok(not differences, f"{name}: {COUNT} {'spoiled' if spoiled else 'valid'} requests",
                   *differences)
    judge_names(tap, judge)
    emulator.stop()
    tap.end()


if __name__ == "__main__":
    main()
