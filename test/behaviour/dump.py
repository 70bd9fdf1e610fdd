"""pg_dump by the owner of the database, who is no superuser, as in doc/high-availability.md."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python")]

import tap as speech  # noqa: E402 pylint: disable=wrong-import-position
from cluster import Cluster, bindir  # noqa: E402 pylint: disable=wrong-import-position


def dump(cluster, user, *options):
    """Runs pg_dump; returns whether it succeeds, and its output."""
    done = subprocess.run([bindir() / "pg_dump", "-h", cluster.where()["host"], "-U", user,
                           *options, "hospital"], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def main():
    """All checks."""
    tap = speech.Tap()
    with Cluster(Path(os.environ["HEALTHLAKE_WORK"]) / "server") as cluster:
        with closing(cluster.connect()) as session:
            session.cursor().execute("CREATE ROLE owner LOGIN; CREATE ROLE dumper LOGIN BYPASSRLS")
            session.cursor().execute("CREATE DATABASE hospital OWNER owner")
        with closing(cluster.connect(dbname="hospital")) as session:
            session.cursor().execute("CREATE EXTENSION healthlake; CREATE TABLE ward (name text);"
                                     "GRANT SELECT ON ALL TABLES IN SCHEMA public TO dumper;"
                                     "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO dumper")
        with closing(cluster.connect(dbname="hospital", user="owner")) as session:
            session.cursor().execute("CREATE TABLE bed (name text); GRANT SELECT ON bed TO dumper")
        told = dump(cluster, "postgres")
        tap.ok(told[0] and "COPY public.healthlake_request" in told[1], "a superuser dumps it")
        told = dump(cluster, "dumper")
        tap.ok(told[0] and "COPY public.healthlake_request" in told[1],
               "so does a role with BYPASSRLS and SELECT", told)
        told = dump(cluster, "owner", "-T", "ward")
        tap.ok(not told[0] and "healthlake_" in told[1], "the owner cannot", told)
        told = dump(cluster, "owner", "-T", "ward", "--exclude-table-data=*.healthlake_*")
        tap.ok(told[0] and "CREATE EXTENSION" in told[1] and "COPY public.bed" in told[1] and
               "COPY public.healthlake" not in told[1], "unless the rows are left out", told)
    tap.end()


if not os.environ.get("HEALTHLAKE_WORK"):
    speech.skip_all("it needs the server of test/run")
main()
