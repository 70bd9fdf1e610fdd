"""Counts, by callgrind, the instructions of warm calls in a single-user backend, room by room.

A count holds on a busy machine, where times do not. Calls are made by one statement, in a loop
that is no part of a client's: of two such statements, one with more calls, the difference counts,
so neither the statement's parsing nor the backend's start nor the first call is in it.
"""

import collections
import re
import subprocess
from pathlib import Path

from cluster import bindir

KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
MARK = "SELECT healthlake_home()"  # callgrind starts a new file there
CALLS = "SELECT count({}) FROM generate_series(1, {})"
WARM = 3


def room_of(library, source):
    """The room of a function: a folder of the extension, a library, or the server."""
    name = library.rsplit("/", 1)[-1]
    if name.startswith("healthlake"):
        found = re.search(r"src/(?:(\w+)/)?\w+\.[ch]$", source)
        return f"src/{found[1] or ''}" if found else "src/"
    for start, room in (("libcurl", "libcurl"), ("libssl", "OpenSSL"), ("libcrypto", "OpenSSL"),
                        ("postgres", "PostgreSQL")):
        if name.startswith(start):
            return room
    return "libc and others"


def rooms_in(path):
    """The instructions in an output file of callgrind, by room."""
    rooms, names = collections.Counter(), {"ob": {}, "fl": {}}
    current, called = {"ob": "", "fl": ""}, False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            found = re.match(r"(c?)(ob|fl|fi|fe)=(?:(\(\d+\)) ?)?(.*)", line)
            if found:
                kind = "ob" if found[2] == "ob" else "fl"
                if found[4] and found[3]:
                    names[kind][found[3]] = found[4]
                if not found[1] and found[2] in ("ob", "fl"):
                    current[kind] = names[kind].get(found[3], found[4])
            elif line.startswith("calls="):
                called = True
            elif re.match(r"[+*\-0-9]", line):
                if not called:
                    rooms[room_of(current["ob"], current["fl"])] += int(line.split()[-1])
                called = False
    return rooms


def count(cluster, url, ways, calls, folder):
    """The instructions of a warm call by room, for each way: a name, what is SET, and the call.

    The server of the cluster must be down, with the extension in its database.
    """
    statements = [f"SET healthlake.endpoint_url = '{url}'", "SET healthlake.region = 'us-east-1'",
                  f"SET healthlake.access_key_id = '{KEY[0]}'",
                  f"SET healthlake.secret_access_key = '{KEY[1]}'", "SET jit = off"]
    for setting, call in ways.values():
        few, more = CALLS.format(call, WARM), CALLS.format(call, WARM + calls)
        statements += [setting, few, few, MARK, few, MARK, more, MARK]
    out = Path(folder) / "callgrind"
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
         "--dump-before=healthlake_home", bindir() / "postgres", "--single", "-D",
         cluster.folder / "cluster", "postgres"], input="\n".join(statements) + "\n", text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0 or re.search("ERROR|FATAL", done.stdout):
        raise RuntimeError("callgrind failed: " + done.stdout[-2000:])
    counts = {}
    for number, way in enumerate(ways):
        # 1: everything before; then, for each way, few calls and more of them
        few, more = (rooms_in(f"{out}.{3 * number + at}") for at in (2, 3))
        counts[way] = {room: (more[room] - few[room]) / calls for room in more}
    return counts
