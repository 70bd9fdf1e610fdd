"""JSON Patch (RFC 6902) for PATCH."""

import copy

from fhir_store import Trouble


def steps_of(pointer):
    """A JSON Pointer's steps."""
    if pointer and not pointer.startswith("/"):
        raise Trouble(400, "invalid", "A path must begin with a slash")
    return [one.replace("~1", "/").replace("~0", "~") for one in pointer.split("/")[1:]]


def place(document, steps, adding=False):
    """The container and the key that the steps lead to."""
    for step in steps[:-1]:
        document = below(document, step)
    last = steps[-1] if steps else None
    if isinstance(document, list):
        last = len(document) if last == "-" and adding else index(last)
        if last > len(document) - (0 if adding else 1):
            raise Trouble(422, "invariant", "The path leads nowhere")
    elif not isinstance(document, dict) or (not adding and last not in document):
        raise Trouble(422, "invariant", "The path leads nowhere")
    return document, last


def index(text):
    """A place in an array."""
    if text is None or not text.isdecimal():
        raise Trouble(400, "invalid", "The path's index is no number")
    return int(text)


def below(document, step):
    """The value one step further down."""
    container, key = place(document, [step])
    return container[key]


def add(document, pointer, value):
    """The operation add."""
    container, key = place(document, steps_of(pointer), adding=True)
    if isinstance(container, list):
        container.insert(key, value)
    else:
        container[key] = value


def remove(document, pointer):
    """The operation remove; what was removed."""
    container, key = place(document, steps_of(pointer))
    return container.pop(key)


def value_at(document, pointer):
    """A copy of the value at a pointer."""
    container, key = place(document, steps_of(pointer))
    return copy.deepcopy(container[key])


def patched(resource, patch):
    """The patched resource; the argument is not changed."""
    if not isinstance(patch, list):
        raise Trouble(400, "not-supported", "The emulator knows JSON Patch alone")
    resource = copy.deepcopy(resource)
    for one in patch:
        try:
            what, pointer = one["op"], one["path"]
            if what == "remove":
                remove(resource, pointer)
            elif what == "replace":
                remove(resource, pointer)
                add(resource, pointer, one["value"])
            elif what == "add":
                add(resource, pointer, one["value"])
            elif what == "copy":
                add(resource, pointer, value_at(resource, one["from"]))
            elif what == "move":
                add(resource, pointer, remove(resource, one["from"]))
            elif what != "test":
                raise Trouble(400, "invalid", "The patch has an unknown operation")
            elif value_at(resource, pointer) != one["value"]:
                raise Trouble(422, "invariant", "A test of the patch failed")
        except (KeyError, TypeError, AttributeError):
            raise Trouble(400, "invalid", "The patch is not a JSON Patch") from None
    return resource
