#!/usr/bin/python3
"""The tables of operations are those that test/model-generate makes, and no other place names an
operation; they agree with AWS's model, and test/model-diff sees when they do not."""

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "test" / "python"))

from tap import Tap  # noqa: E402

PROGRAM = ROOT / "test" / "model-diff"
GENERATOR = ROOT / "test" / "model-generate"
MODEL = ROOT / "test" / "emulator" / "model.json"

loader = SourceFileLoader("model_diff", str(PROGRAM))
model_diff = module_from_spec(spec_from_loader("model_diff", loader))
loader.exec_module(model_diff)


def run(path):
    """The output lines and the status of the program."""
    done = subprocess.run([PROGRAM, path], stdout=subprocess.PIPE, encoding="utf-8", check=False)
    return done.stdout.splitlines(), done.returncode


def generated(path):
    """Whether the tables equal the generator's output for a model."""
    return subprocess.run([GENERATOR, "--check", path], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def named(operations):
    """Places in code that name an operation by a string."""
    name = re.compile(rf"""["'{{,](?:{'|'.join(operations)})["'}},]""")
    files = [*ROOT.glob("src/**/*.[ch]"), *ROOT.glob("sql/*.sql")]
    return [f"{path.relative_to(ROOT)}: {line.strip()}" for path in files
            if path.name != "model_tables.c"
            for line in path.read_text(encoding="utf-8").splitlines() if name.search(line)]


def add_operation(model):
    model["operations"]["CloneFHIRDatastore"] = model["operations"]["CreateFHIRDatastore"]


def change_shape(name, **traits):
    """A change that gives a shape other traits."""
    return lambda model: model["shapes"][name].update(traits)


def change_member(of, member, **traits):
    """A change that adds a member, or gives it other traits."""
    return lambda model: model["shapes"][of]["members"].setdefault(member, {}).update(traits)


# Changes of a model, and a line of the expected output.
CHANGES = [
    (add_operation, "missing: operation CloneFHIRDatastore"),
    (lambda model: model["operations"].pop("TagResource"), "extra: operation TagResource"),
    (lambda model: model["operations"]["TagResource"].update(readonly=True),
     "different: TagResource: changes something is true, in the model null"),
    (lambda model: model["operations"]["PublishDataTransformationProfile"].update(idempotent=True),
     "different: PublishDataTransformationProfile: idempotent is null, in the model true"),
    (lambda model: model["operations"]["TagResource"].update(requestcompression={}),
     "missing: TagResource: trait requestcompression"),
    (lambda model: model["operations"]["UntagResource"].update(endpoint={"hostPrefix": "tags."}),
     'different: UntagResource: host prefix is null, in the model "tags."'),
    (lambda model: model["metadata"].update(jsonVersion="1.1"),
     'different: metadata: jsonVersion is "1.0", in the model "1.1"'),
    (change_member("Tag", "Colour", shape="TagValue"), "missing: Tag: member Colour"),
    (lambda model: model["shapes"]["Tag"]["members"].pop("Value"), "extra: Tag: member Value"),
    (change_member("Tag", "Value", shape="TagKey"),
     'different: Tag.Value: shape is "TagValue", in the model "TagKey"'),
    (change_member("Tag", "Value", locationName="value"), "missing: Tag.Value: trait locationName"),
    (change_member("RestoreFHIRDatastoreRequest", "ClientToken", idempotencyToken=False),
     "different: RestoreFHIRDatastoreRequest.ClientToken: idempotencyToken is true, "
     "in the model false"),
    (change_shape("Tag", required=["Key"]),
     "different: Tag.Value: required is true, in the model false"),
    (change_shape("DatastoreName", min=2), "different: DatastoreName: min is 1, in the model 2"),
    (change_shape("DatastoreName", sensitive=True),
     "different: DatastoreName: sensitive is null, in the model true"),
    (change_shape("MaxResults", type="long"),
     'different: MaxResults: type is "integer", in the model "long"'),
    (change_shape("InputDataConfig", union=False),
     "different: InputDataConfig: union is true, in the model false"),
    (change_shape("DateTime", timestampFormat="iso8601"),
     "missing: DateTime: trait timestampFormat"),
    (change_shape("TagKeyList", member={"shape": "TagValue"}),
     'different: TagKeyList: member: shape is "TagKey", in the model "TagValue"'),
    (change_member("ListTagsForResourceRequest", "NextToken", shape="NextToken"),
     "missing: ListTagsForResourceRequest: member NextToken"),
]


def compare_with_botocore(tap):
    """Prints the differences to the installed botocore's model; they are no failures."""
    try:
        import botocore
    except ImportError:
        tap.skip("botocore's model is compared", "python3-botocore is not there")
        return
    folder = Path(botocore.__file__).parent / "data" / "healthlake"
    models = sorted(folder.glob("*/service-2.json*"))
    lines, status = run(models[-1]) if models else ([f"no model in {folder}"], 2)
    tap.ok(status in (0, 1), f"the model of botocore {botocore.__version__} is compared", *lines)
    for line in lines:
        tap.say(f"botocore {botocore.__version__}: {line}")


def main():
    tap = Tap()
    lines, status = run(str(MODEL))
    tap.ok(status == 0, f"the tables agree with {MODEL.name}", *lines)
    if os.environ.get("HEALTHLAKE_MODEL"):
        # AWS changes its model every month: differences are printed, but are no failures
        lines, status = run(os.environ["HEALTHLAKE_MODEL"])
        tap.ok(status in (0, 1), "a newer model is compared", *lines)
        for line in lines:
            tap.say(f"newer model: {line}")
    compare_with_botocore(tap)
    model = json.loads(MODEL.read_text(encoding="utf-8"))
    tap.ok(generated(MODEL), "the tables are the output of test/model-generate")
    places = named(model["operations"])
    tap.ok(not places, "no other file has an operation's name as a string", *places)
    tables = model_diff.read_tables()
    for change, expected in CHANGES:
        changed = copy.deepcopy(model)
        change(changed)
        lines = list(model_diff.compare_models(tables, changed))
        tap.ok(expected in lines, expected, *lines)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(changed, file)
        file.flush()
        tap.ok(not generated(file.name), "another model gives other tables")
        tap.same(run(file.name)[1], 1, "differences have a separate exit status")
        file.seek(0)
        file.truncate()
        file.write("[]")
        file.flush()
        tap.same(run(file.name)[1], 2, "an invalid model has one, too")
    tap.end()


if __name__ == "__main__":
    main()
