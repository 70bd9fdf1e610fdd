"""The service's model: validation of requests, and sample replies.

Reads model.json (botocore's layout). A request is checked the way the service
checks it: types first (SerializationException), then every constraint at once
(ValidationException with AWS's sentences). A sample makes a value of any shape,
for replies that have every member.
"""

import json
import re
import sys
import unicodedata
from functools import lru_cache
from pathlib import Path

ASCII_CLASSES = {"L": "A-Za-z", "Z": " ", "N": "0-9", "M": ""}

# Sample values for shapes that do not determine one.
SAMPLES = {
    "AmazonResourceName": "arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/" + "0" * 32,
    "BoundedLengthString": "text",
    "DataTransformationIamRoleArn": "arn:aws:iam::123456789012:role/transform",
    "DataTransformationS3Uri": "s3://bucket/path/",
    "DatastoreArn": "arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/" + "0" * 32,
    "EncryptionKeyID": "arn:aws:kms:us-east-1:123456789012:key/"
                       "1234abcd-12ab-34cd-56ef-1234567890ab",
    "IamRoleArn": "arn:aws:iam::123456789012:role/import",
    "LambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:introspect",
    "ProfileIdString": "0123456789abcdef" * 2,
    "S3Uri": "s3://bucket/path/",
    "SampleDataS3Uri": "s3://bucket/path/",
}

TIMESTAMP_SAMPLE = 1700000000.123


class NotSerializable(Exception):
    """A body whose JSON has another type than its shape."""


@lru_cache(maxsize=None)
def unicode_class(name):
    """The code points of a Unicode category as ranges for a character class."""
    ranges, start = [], None
    for code in range(sys.maxunicode + 2):
        inside = code <= sys.maxunicode and unicodedata.category(chr(code))[0] == name
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            ranges.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = None
    return "".join(ranges)


@lru_cache(maxsize=None)
def compiled(pattern, ascii_only):
    """A pattern of the model, written for Java, for Python's re."""
    classes = ASCII_CLASSES.get if ascii_only else unicode_class
    text = pattern.replace(r"[\P{M}\p{M}]", r"[\s\S]").replace(r"\p{ASCII}", r"[\x00-\x7f]")
    text = re.sub(r"\\p\{(\w)\}", lambda match: classes(match.group(1)), text)
    return re.compile(text.replace("a-zA-Z0-9-_", "a-zA-Z0-9_-"), re.ASCII)


def matches(pattern, text):
    """Whether the whole text matches the model's pattern."""
    return compiled(pattern, text.isascii()).fullmatch(text) is not None


def lower_first(name):
    """A member's name in AWS's validation messages."""
    return name[:1].lower() + name[1:]


def shown(value):
    """A value in AWS's messages."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={shown(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(shown(part) for part in value) + "]"
    return str(value)


class Model:
    """The operations and shapes of one service."""

    def __init__(self, path=None):
        path = path or Path(__file__).with_name("model.json")
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        self.document = document
        self.metadata = document["metadata"]
        self.operations = document["operations"]
        self.shapes = document["shapes"]

    def input_shape(self, operation):
        """The name of the operation's input shape."""
        return self.operations[operation]["input"]["shape"]

    def output_shape(self, operation):
        """The name of the operation's output shape."""
        return self.operations[operation]["output"]["shape"]

    def stream_member(self, operation):
        """The member of the operation's output that is an event stream, or None."""
        members = self.shapes[self.output_shape(operation)]["members"]
        return next((name for name, reference in members.items()
                     if self.shapes[reference["shape"]].get("eventstream")), None)

    def check(self, operation, body):
        """All of AWS's validation messages for this body; empty if it is valid."""
        name = self.input_shape(operation)
        self.check_types(body, name, "")
        faults = []
        self.constrain(body, name, "", faults)
        return faults

    # Types: the service stops at the first wrong one.

    def check_types(self, value, name, path):
        """Raises NotSerializable if the JSON type does not fit the shape."""
        shape = self.shapes[name]
        check = getattr(self, "type_" + shape["type"])
        check(value, shape, path)

    def type_structure(self, value, shape, path):
        """An object; unknown members are ignored, as AWS does."""
        if not isinstance(value, dict):
            raise NotSerializable("Unexpected value type in payload" if not path else
                                  f"Start of structure or map found where expected at '{path}'")
        for member, reference in shape["members"].items():
            if value.get(member) is not None:
                self.check_types(value[member], reference["shape"], f"{path}/{member}")

    def type_list(self, value, shape, path):
        """An array without nulls."""
        if not isinstance(value, list):
            raise NotSerializable(f"Expected list or null at '{path}'")
        for index, element in enumerate(value):
            self.check_types(element, shape["member"]["shape"], f"{path}/{index}")

    def type_map(self, value, shape, path):
        """An object whose values all have the shape."""
        if not isinstance(value, dict):
            raise NotSerializable(f"Expected map or null at '{path}'")
        for key, part in value.items():
            self.check_types(part, shape["value"]["shape"], f"{path}/{key}")

    @staticmethod
    def type_string(value, _shape, path):
        """Text, never converted."""
        if not isinstance(value, str):
            kind = {bool: "TRUE_VALUE" if value else "FALSE_VALUE", dict: "START_OBJECT",
                    list: "START_ARRAY"}.get(type(value), "NUMBER_VALUE")
            raise NotSerializable(f"{kind} can not be converted to a String at '{path}'")

    @staticmethod
    def type_boolean(value, _shape, path):
        """true or false."""
        if not isinstance(value, bool):
            raise NotSerializable(f"{type(value).__name__.upper()}_VALUE can not be converted "
                                  f"to a Boolean at '{path}'")

    @staticmethod
    def type_integer(value, _shape, path):
        """A number without a fraction."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise NotSerializable(f"{type(value).__name__.upper()}_VALUE can not be converted "
                                  f"to an Integer at '{path}'")

    type_long = type_integer

    @staticmethod
    def type_double(value, _shape, path):
        """A number."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise NotSerializable(f"Number expected at '{path}'")

    @staticmethod
    def type_timestamp(value, _shape, path):
        """Seconds since 1970, with or without a fraction."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise NotSerializable(f"{type(value).__name__.upper()}_VALUE can not be converted "
                                  f"to milliseconds since epoch at '{path}'")

    # Constraints: all violations are reported together.

    def constrain(self, value, name, path, faults):
        """Adds the violations of a value with the right type."""
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            self.constrain_structure(value, shape, path, faults)
        elif kind == "list":
            self.constrain_length(value, shape, path, faults)
            for index, element in enumerate(value, 1):
                self.constrain(element, shape["member"]["shape"], f"{path}.{index}.member", faults)
        elif kind == "map":
            self.constrain_length(value, shape, path, faults)
            for key, part in value.items():
                self.constrain(key, shape["key"]["shape"], f"{path}.{key}.key", faults)
                self.constrain(part, shape["value"]["shape"], f"{path}.{key}.value", faults)
        elif kind == "string":
            self.constrain_length(value, shape, path, faults)
            self.constrain_text(value, shape, path, faults)
        elif kind in ("integer", "long", "double"):
            self.constrain_number(value, shape, path, faults)

    def constrain_structure(self, value, shape, path, faults):
        """Checks required members, unions, and each member."""
        for member in shape.get("required", ()):
            if value.get(member) is None:
                where = f"{path}.{lower_first(member)}" if path else lower_first(member)
                faults.append(f"Value null at '{where}' failed to satisfy constraint: "
                              "Member must not be null")
        if shape.get("union") and sum(part is not None for part in value.values()) != 1:
            faults.append(f"Value at '{path}' failed to satisfy constraint: "
                          "Exactly one member of the union must be set")
        for member, reference in shape["members"].items():
            if value.get(member) is not None:
                where = f"{path}.{lower_first(member)}" if path else lower_first(member)
                self.constrain(value[member], reference["shape"], where, faults)

    @staticmethod
    def fault(value, shape, path, constraint):
        """AWS's sentence; a sensitive value is not repeated."""
        text = "Value" if shape.get("sensitive") else f"Value '{shown(value)}'"
        return f"{text} at '{path}' failed to satisfy constraint: Member must {constraint}"

    def constrain_length(self, value, shape, path, faults):
        """A string's, list's or map's size."""
        size = len(value)
        if "min" in shape and size < shape["min"]:
            faults.append(self.fault(value, shape, path, "have length greater than or equal to "
                                     f"{shape['min']}"))
        if "max" in shape and size > shape["max"]:
            faults.append(self.fault(value, shape, path, "have length less than or equal to "
                                     f"{shape['max']}"))

    def constrain_text(self, value, shape, path, faults):
        """A string's set of values, or its pattern."""
        if "enum" in shape and value not in shape["enum"]:
            faults.append(self.fault(value, shape, path, "satisfy enum value set: "
                                     f"[{', '.join(shape['enum'])}]"))
        if "pattern" in shape and not matches(shape["pattern"], value):
            faults.append(self.fault(value, shape, path, "satisfy regular expression pattern: "
                                     f"^{shape['pattern']}$"))

    def constrain_number(self, value, shape, path, faults):
        """A number's bounds."""
        if "min" in shape and value < shape["min"]:
            faults.append(self.fault(value, shape, path, "have value greater than or equal to "
                                     f"{shape['min']}"))
        if "max" in shape and value > shape["max"]:
            faults.append(self.fault(value, shape, path, "have value less than or equal to "
                                     f"{shape['max']}"))

    # Replies

    def fill(self, value, name):
        """The value with a sample for every member of its shape that it lacks."""
        shape = self.shapes[name]
        if shape.get("eventstream"):
            return [{event: self.fill(part, shape["members"][event]["shape"])
                     for event, part in one.items()} for one in value]
        if shape["type"] == "list" and isinstance(value, list):
            return [self.fill(element, shape["member"]["shape"]) for element in value]
        if shape["type"] != "structure" or not isinstance(value, dict):
            return value
        if shape.get("union"):
            return {member: self.fill(part, shape["members"][member]["shape"])
                    for member, part in value.items()}
        return {member: self.fill(value[member], reference["shape"]) if member in value
                else self.sample(reference["shape"])
                for member, reference in shape["members"].items()}

    def strip(self, value, name):
        """The value with only the required members of its shape."""
        shape = self.shapes[name]
        if shape.get("eventstream"):
            return [{event: self.strip(part, shape["members"][event]["shape"])
                     for event, part in one.items()} for one in value]
        if shape["type"] == "list" and isinstance(value, list):
            return [self.strip(element, shape["member"]["shape"]) for element in value]
        if shape["type"] != "structure" or shape.get("union") or not isinstance(value, dict):
            return value
        return {member: self.strip(value[member], shape["members"][member]["shape"])
                for member in shape.get("required", ()) if member in value}

    def sample(self, name):
        """A value that the shape allows."""
        shape = self.shapes[name]
        kind = shape["type"]
        if name in SAMPLES:
            return SAMPLES[name]
        if kind == "structure":
            members = list(shape["members"].items())[:1 if shape.get("union") else None]
            return {member: self.sample(reference["shape"]) for member, reference in members}
        if kind == "list":
            return [self.sample(shape["member"]["shape"])]
        if kind == "map":
            return {self.sample(shape["key"]["shape"]): self.sample(shape["value"]["shape"])}
        if kind == "string":
            return shape["enum"][0] if "enum" in shape else "sample"
        if kind == "timestamp":
            return TIMESTAMP_SAMPLE
        return {"boolean": True, "double": 1.5}.get(kind, max(1, shape.get("min", 1)))
