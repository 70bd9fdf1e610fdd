"""Searches: matching, order, and included resources."""

import calendar
import re

from fhir_store import Trouble
from fhir_types import RESULT, parameters

DATE = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(\d{4})(?:-(\d\d)(?:-(\d\d)"
                  r"(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?")


def values_at(element, path):
    """All values at a dotted path, through lists."""
    found = [element]
    for name in path.split("."):
        below = []
        for one in found:
            value = one.get(name) if isinstance(one, dict) else None
            below.extend(value if isinstance(value, list) else [] if value is None else [value])
        found = below
    return found


def split(text, separator=","):
    """The alternatives of a value; a backslash escapes."""
    return [re.sub(r"\\(.)", r"\1", part)
            for part in re.split(r"(?<!\\)" + re.escape(separator), text)]


def span(text, plain=False):
    """The prefix of a date, and the range of seconds that it covers."""
    match = DATE.fullmatch(text)
    if not match or (plain and match[1]):
        raise Trouble(400, "invalid", "The value is not a date")
    prefix, year, month, day, hour, minute, second, part, zone = match.groups()
    numbers = [int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0),
               int(second or 0)]
    start = calendar.timegm((*numbers, 0, 0, 0)) + float(part or 0)
    if zone and zone != "Z":
        shift = int(zone[1:3]) * 3600 + int(zone[4:]) * 60
        start += shift if zone[0] == "-" else -shift
    if month is None:
        end = calendar.timegm((numbers[0] + 1, 1, 1, 0, 0, 0, 0, 0, 0))
    elif day is None:
        years, index = divmod(numbers[1], 12)
        end = calendar.timegm((numbers[0] + years, index + 1, 1, 0, 0, 0, 0, 0, 0))
    else:
        end = start + (86400 if hour is None else 60 if second is None else
                       1 if part is None else 10 ** -(len(part) - 1))
    return prefix or "eq", start, end


def spans_of(element):
    """The seconds that a date, an instant or a Period covers."""
    if isinstance(element, dict):
        start = span(element["start"], True)[1] if "start" in element else float("-inf")
        end = span(element["end"], True)[2] if "end" in element else float("inf")
        return start, end
    return span(element, True)[1:]


def date_matches(element, wanted, _modifier):
    """FHIR's comparison of ranges."""
    prefix, low, high = span(wanted)
    start, end = spans_of(element)
    inside = low <= start and end <= high
    return {"eq": inside, "ne": not inside, "gt": end > high, "lt": start < low,
            "ge": end > high or inside, "le": start < low or inside,
            "sa": start >= high, "eb": end <= low}[prefix]


def codes_of(element):
    """Pairs of system and code in an element."""
    if isinstance(element, bool):
        return [(None, "true" if element else "false")]
    if isinstance(element, str):
        return [(None, element)]
    if "coding" in element:
        return [(one.get("system"), one.get("code")) for one in element["coding"]]
    return [(element.get("system"), element.get("code", element.get("value")))]


def token_matches(element, wanted, _modifier):
    """A code, system|code, |code or system|."""
    system, bar, code = wanted.rpartition("|")
    return any((not code or code == has) and
               (not bar or (system or None) == of or not isinstance(element, dict))
               for of, has in codes_of(element))


def string_matches(element, wanted, modifier):
    """Case-sensitive, as HealthLake's searches are."""
    if modifier == "exact":
        return element == wanted
    return wanted in element if modifier == "contains" else element.startswith(wanted)


def reference_matches(element, wanted, modifier):
    """Type/id, or only the id; a modifier may specify the type."""
    reference = element.get("reference", "")
    if "/" in wanted:
        return reference == wanted or reference.endswith("/" + wanted)
    kind, _, id = reference.rpartition("/")
    return id == wanted and modifier in (None, kind.rpartition("/")[2])


MATCHERS = {"date": date_matches, "token": token_matches, "string": string_matches,
            "reference": reference_matches,
            "uri": lambda element, wanted, _modifier: element == wanted}


class Search:
    """One search of a type; the query's parameters are checked here."""

    def __init__(self, resources, kind, pairs, strict, now):
        self.resources = resources
        self.kind = kind
        self.now = now
        self.known = parameters(kind)
        self.criteria = []
        self.result = {}
        for name, value in pairs:
            if name.partition(":")[0] in RESULT:
                self.result.setdefault(name.partition(":")[0], []).append(value)
            elif self.find(name, strict):
                self.criteria.append((name, value))
        if "_elements" in self.result and "_summary" in self.result:
            raise Trouble(400, "invalid", "_elements and _summary cannot be combined")

    def find(self, name, strict):
        """Whether a parameter is known; unknown ones are an error with handling=strict."""
        if re.split(r"[:.]", name)[0] in self.known:
            return True
        if strict:
            raise Trouble(400, "not-supported", f"Unknown search parameter '{name}'")
        return False

    def matches(self):
        """The resources that meet all criteria, in order."""
        found = [one.resource for one in self.resources.searchable(self.kind, self.now)
                 if all(self.meets(one.resource, *pair) for pair in self.criteria)]
        keys = [key for text in self.result.get("_sort", ()) for key in text.split(",")]
        if len(keys) > 5:
            raise Trouble(400, "invalid", "_sort takes at most five keys")
        for key in reversed(keys):
            _, paths = self.known.get(key.lstrip("-"), (None, None))
            if paths is None:
                raise Trouble(400, "not-supported", f"Cannot sort by '{key}'")
            found.sort(key=lambda one, paths=paths: min(
                (str(value) for path in paths for value in values_at(one, path)), default=""),
                reverse=key.startswith("-"))
        return found

    def meets(self, resource, name, text):
        """Whether a resource meets one criterion."""
        name, chained, rest = name.partition(".")
        name, _, modifier = name.partition(":")
        kind, paths = self.known[name]
        elements = [one for path in paths for one in values_at(resource, path)]
        if chained:
            return any(self.meets_chained(one, modifier, rest, text) for one in elements)
        if modifier == "missing":
            return (not elements) == (text == "true")
        hit = any(MATCHERS[kind](one, wanted, modifier or None)
                  for wanted in split(text) for one in elements)
        return hit != (modifier == "not")

    def meets_chained(self, element, kind, name, text):
        """Whether the resource that a reference leads to meets a criterion."""
        target = self.target(element)
        if target is None or kind not in ("", target.kind):
            return False
        return Search(self.resources, target.kind, [(name, text)], True, self.now).meets(
            target.resource, name, text)

    def target(self, element):
        """The version of a referenced resource, or None."""
        found = self.resources.latest(*(["", *element.get("reference", "").split("/")][-2:]))
        return found if found is not None and found.resource is not None else None

    def included(self, page):
        """The resources that _include and _revinclude add for these matches."""
        brought = {}
        for text in self.result.get("_include", ()):
            for resource in page:
                for one in self.references(resource, text):
                    found = self.target(one)
                    if found is not None:
                        brought[found.kind, found.id] = found.resource
        wanted = {f"{one['resourceType']}/{one['id']}" for one in page}
        for text in self.result.get("_revinclude", ()):
            for found in self.resources.searchable(text.split(":")[0], self.now):
                if any(one.get("reference") in wanted
                       for one in self.references(found.resource, text)):
                    brought[found.kind, found.id] = found.resource
        return [one for (kind, id), one in brought.items() if f"{kind}/{id}" not in wanted]

    @staticmethod
    def references(resource, text):
        """The references of a resource by a parameter Type:parameter."""
        kind, _, name = text.partition(":")
        name = name.split(":")[0]
        known = parameters(kind).get(name)
        if known is None or known[0] != "reference":
            raise Trouble(400, "not-supported", f"Unknown reference '{text}'")
        if resource["resourceType"] != kind:
            return []
        return [one for path in known[1] for one in values_at(resource, path)]

    def shown(self, resource):
        """The resource, or the requested part of it, tagged as such."""
        names = {part for text in self.result.get("_elements", ()) for part in text.split(",")}
        if self.result.get("_summary", ["false"])[-1] == "text":
            names = {"text"}
        if not names:
            return resource
        cut = {name: value for name, value in resource.items()
               if name in names | {"resourceType", "id", "meta"}}
        tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
               "code": "SUBSETTED"}
        cut["meta"] = {**resource["meta"], "tag": [*resource["meta"].get("tag", ()), tag]}
        return cut
