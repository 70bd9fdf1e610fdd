#!/usr/bin/python3
"""Prints the instructions of a warm call, in all and by room. Argument: how many calls.

Run by test/bench/instructions. A second argument names a folder that keeps callgrind's files.
"""

import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

import bench  # noqa: E402  pylint: disable=wrong-import-position
import bench_fhir  # noqa: E402  pylint: disable=wrong-import-position
import callgrind  # noqa: E402  pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402  pylint: disable=wrong-import-position

CREATE = "healthlake_create_datastore('counted')"
WAYS = {"audit off": ("SET healthlake.audit = off", CREATE),
        "audit on": ("SET healthlake.audit = on", CREATE),
        "FHIR read": (f"SET healthlake.datastore_id = '{bench_fhir.STORE}'",
                      "healthlake_fhir_read('Observation', 'o1')")}


def measure(folder, calls, kept=None):
    """What callgrind counts, against the server that answers fast."""
    fast = bench.Fast(folder)
    cluster = Cluster(Path(folder) / "counted", settings={
        "shared_preload_libraries": "healthlake", "log_min_messages": "log"})
    with cluster:
        cluster.connect().cursor().execute("CREATE EXTENSION healthlake")
        cluster.stop(2)
    counts = callgrind.count(cluster, fast.http, WAYS, calls, kept or folder)
    fast.stop()
    return counts


def rooms_by_size(counts):
    """The rooms, the largest first."""
    return sorted(set().union(*counts.values()),
                  key=lambda room: -max(count.get(room, 0) for count in counts.values()))


def main():
    """A table."""
    folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    counts = measure(folder, int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
    print(f"{'instructions a warm call':26}" + "".join(f"{way:>12}" for way in counts))
    print(f"{'all':26}" + "".join(f"{sum(count.values()):12.0f}" for count in counts.values()))
    for room in rooms_by_size(counts):
        print(f"{room:26}" + "".join(f"{count.get(room, 0):12.0f}" for count in counts.values()))


if __name__ == "__main__":
    main()
