"""Sums gcovr's JSON by room: rooms.py SUMMARY.json; the total is the last line."""

import json
import sys


def percent(part, whole):
    """A part of a whole, as text."""
    return f"{100 * part / whole:5.1f} %" if whole else "      -"


def main(path):
    """Prints a line for each folder below src, and one for all of it."""
    with open(path, encoding="utf-8") as file:
        files = json.load(file)["files"]
    rooms = {}
    for entry in files:
        parts = entry["filename"].split("/")
        room = parts[1] if len(parts) > 2 else "(roof)"
        for name in (room, "(all)"):
            sums = rooms.setdefault(name, [0, 0, 0, 0])
            for at, key in enumerate(("line_covered", "line_total",
                                      "branch_covered", "branch_total")):
                sums[at] += entry[key]
    print(f"{'room':14} {'lines':>7} {'reached':>8} {'branches':>9} {'reached':>8}")
    for name in sorted(rooms, key=lambda room: (room == "(all)", room)):
        hit, lines, taken, branches = rooms[name]
        print(f"{name:14} {lines:7} {percent(hit, lines):>8} {branches:9} "
              f"{percent(taken, branches):>8}")


main(sys.argv[1])
