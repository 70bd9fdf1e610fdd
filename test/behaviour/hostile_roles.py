#!/usr/bin/python3
"""What a role with few privileges, or none, tries on a server that preloads the library."""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

from cluster import Cluster, bindir  # noqa: E402  pylint: disable=wrong-import-position
from session import run  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

tap = Tap()


def send_prepared(cluster, statement):
    """Sends a statement by the extended protocol, under a name; whether the session lives on."""
    script = cluster.folder / "prepared.sql"
    script.write_text(statement + "\n", encoding="utf-8")
    done = subprocess.run(
        [bindir() / "pgbench", "-n", "-M", "prepared", "-t", "1", "-c", "1", "-f", script,
         "-h", str(cluster.folder / "socket"), "-U", "stranger", "postgres"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode == 0, done.stdout


def test_freed_statement(cluster):
    """A statement that frees its own parse tree, and has the memory written again."""
    for size in (100, 300, 600):
        lives, told = send_prepared(cluster, "DO $$ DECLARE i int; BEGIN EXECUTE 'DEALLOCATE ALL';"
                                    " ROLLBACK; FOR i IN 1..200 LOOP EXECUTE format('PREPARE q%s"
                                    f" AS SELECT %L', i, repeat('A', {size})); END LOOP; END $$;")
        tap.ok(lives, f"a statement frees its own tree, with strings of {size} bytes", told)
    tap.ok("was terminated by signal" not in cluster.log(), "no backend crashes", cluster.log())


def main():
    """All checks."""
    with tempfile.TemporaryDirectory() as folder, \
            Cluster(Path(folder) / "one",
                    settings={"shared_preload_libraries": "healthlake"}) as cluster:
        run(cluster.connect(), "CREATE ROLE stranger LOGIN")
        test_freed_statement(cluster)
    tap.end()


main()
