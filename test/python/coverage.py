"""Sums what test/coverage counted by room.

    coverage.py [--missing] [--least=PERCENT] SUM.json COUNTS.json

COUNTS.json is gcovr's. SUM.json has what earlier runs reached, if it exists, and gets the sum.
With --least it fails where a room has fewer lines reached.
"""

import argparse
import difflib
import json
import re
import sys
from pathlib import Path


def counts_of(entry):
    """The counts of a file's lines, and of their branches; gcovr leaves those out that throw."""
    lines, branches = {}, {}
    for line in entry["lines"]:
        if line.get("gcovr/noncode"):
            continue
        number = str(line["line_number"])
        lines[number] = lines.get(number, 0) + line["count"]
        taken = [branch["count"] for branch in line["branches"] if not branch["throw"]]
        if taken:
            branches[number] = added(branches.get(number, []), taken)
    return {"lines": lines, "branches": branches}


def added(ones, others):
    """Two lists of counts, added; the longer one's length."""
    longer, shorter = sorted((ones, others), key=len, reverse=True)
    return [count + (shorter[at] if at < len(shorter) else 0) for at, count in enumerate(longer)]


def code_of(source):
    """A source's lines without comments: number and text of those that are not empty."""
    blank = re.sub(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', lambda found: found[0]
                   if found[0][0] == '"' else "\n" * found[0].count("\n"), source, flags=re.S)
    return [(str(number), line.strip()) for number, line in enumerate(blank.split("\n"), 1)
            if line.strip()]


def carried(known, source):
    """What was counted on an earlier state of a source, for the lines that are as they were."""
    if known["source"] == source:
        return known
    before, now = code_of(known["source"]), code_of(source)
    blocks = difflib.SequenceMatcher(None, [line for _, line in before],
                                     [line for _, line in now], False).get_matching_blocks()
    numbers = {before[block.a + at][0]: now[block.b + at][0]
               for block in blocks for at in range(block.size)}
    return {kind: {numbers[number]: count for number, count in known[kind].items()
                   if number in numbers} for kind in ("lines", "branches")}


def summed(before, entries):
    """What was reached earlier and now, by file."""
    sums = {}
    for name in sorted({entry["file"] for entry in entries} | set(before)):
        if not Path(name).exists():
            continue
        source = Path(name).read_text(encoding="utf-8")
        sums[name] = {"source": source, "lines": {}, "branches": {}}
        found = [carried(before[name], source)] if name in before else []
        found += [counts_of(entry) for entry in entries if entry["file"] == name]
        for counts in found:
            for number, count in counts["lines"].items():
                sums[name]["lines"][number] = sums[name]["lines"].get(number, 0) + count
            for number, taken in counts["branches"].items():
                sums[name]["branches"][number] = added(
                    sums[name]["branches"].get(number, []), taken)
    return sums


def room_of(name):
    """The room that a source is in."""
    parts = name.split("/")
    return parts[1] if len(parts) > 2 else "(roof)"


def percent(part, whole):
    """A part of a whole, as text."""
    return f"{100 * part / whole:5.1f} %" if whole else "      -"


def show_rooms(sums):
    """Prints a line for each room, and one for all of them; returns the least of the lines."""
    rooms = {}
    for name, counts in sums.items():
        lines = list(counts["lines"].values())
        branches = [count for taken in counts["branches"].values() for count in taken]
        for room in (room_of(name), "(all)"):
            room = rooms.setdefault(room, [0, 0, 0, 0])
            for at, number in enumerate((sum(map(bool, lines)), len(lines),
                                         sum(map(bool, branches)), len(branches))):
                room[at] += number
    print(f"{'room':14} {'lines':>7} {'reached':>8} {'branches':>9} {'reached':>8}")
    for name in sorted(rooms, key=lambda room: (room == "(all)", room)):
        hit, lines, taken, branches = rooms[name]
        print(f"{name:14} {lines:7} {percent(hit, lines):>8} {branches:9} "
              f"{percent(taken, branches):>8}")
    least = min((room for room in rooms if room != "(all)"),
                key=lambda room: rooms[room][0] / rooms[room][1])
    print("# figure: " + " of the lines, ".join(
        [percent(*rooms["(all)"][:2]).strip(), percent(*rooms["(all)"][2:]).strip()])
        + " of the branches; least of the lines: "
        + f"{percent(*rooms[least][:2]).strip()}, in {least}")
    return 100 * rooms[least][0] / rooms[least][1]


def show_missing(sums):
    """Prints the lines that were not reached, by room and file."""
    for name in sorted(sums, key=lambda name: (room_of(name), name)):
        source = Path(name).read_text(encoding="utf-8").splitlines()
        for number, count in sorted(sums[name]["lines"].items(), key=lambda pair: int(pair[0])):
            if count == 0:
                print(f"{name}:{number}: {source[int(number) - 1].strip()}")


def main():
    """Adds, keeps and prints."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--missing", action="store_true")
    arguments.add_argument("--least", type=float, default=0)
    arguments.add_argument("sum", type=Path)
    arguments.add_argument("counts", type=Path)
    given = arguments.parse_args()
    before = json.loads(given.sum.read_text("utf-8")) if given.sum.exists() else {}
    sums = summed(before, json.loads(given.counts.read_text("utf-8"))["files"])
    given.sum.write_text(json.dumps(sums), "utf-8")
    if given.missing:
        show_missing(sums)
    return show_rooms(sums) < given.least


sys.exit(main())
