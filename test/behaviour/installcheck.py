"""Commands that a user can run without the test's server send nothing: make installcheck passes,
the others stop.

The configuration of a fresh server leads to an endpoint, a proxy and an STS that count connections.
"""

import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python")]

import tap as speech  # noqa: E402 pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402 pylint: disable=wrong-import-position


class Listener:
    """A listening port that counts connections and sends nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.visits = 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        """Accepts connections and closes them."""
        while True:
            connection, _ = self.socket.accept()
            self.visits += 1
            connection.close()


class Check:
    """All checks, with one server."""

    def __init__(self, listener, cluster):
        self.tap = speech.Tap()
        self.listener = listener
        where = cluster.where()
        self.environment = {
            **{name: value for name, value in os.environ.items()
               if not name.startswith(("HEALTHLAKE_", "PG")) or name == "HEALTHLAKE_BINDIR"},
            "PGHOST": where["host"], "PGUSER": "postgres", "PGDATABASE": "postgres",
            "PG_CONFIG": os.environ.get("PG_CONFIG", "pg_config")}

    def run(self, what, *command, stdin=None):
        """Runs a program as a user would; checks its status, and that no connection arrives."""
        done = subprocess.run(command, cwd=ROOT, env=self.environment, stdin=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=120)
        self.tap.same(self.listener.visits, 0, f"{what}: no connection arrives")
        return done.returncode, done.stdout

    def installcheck(self):
        """make installcheck, and the tests that it leaves out."""
        make = ("make", "-s", "installcheck", f"PG_CONFIG={self.environment['PG_CONFIG']}")
        status, told = self.run("make installcheck", *make)
        self.tap.same(status, 0, "make installcheck passes by itself")
        self.tap.ok(status == 0, "its output says so", told)
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        given = set(re.findall(r"^REGRESS = (.*)", makefile, re.M)[0].split())
        others = {path.stem for path in (ROOT / "test" / "sql").glob("*.sql")} - given
        self.tap.ok(others, "there are tests that need the emulator", given)
        for name in sorted(others):
            status, told = self.run(f"REGRESS={name}", *make, f"REGRESS={name}")
            self.tap.ok(status != 0, f"{name} stops without the emulator", told)
        for name in ("regression.diffs", "regression.out"):
            (ROOT / name).unlink(missing_ok=True)

    def scripts(self):
        """Each file for psql."""
        for path in sorted((ROOT / "test" / "pgtap").glob("*.sql")) + [ROOT / "test" / "demo.sql"]:
            status, told = self.run(path.name, "psql", "-X", "-f", str(path))
            self.tap.ok(path.name == "closed.sql" or
                        "ERROR" in told,
                        f"{path.name} stops without the emulator", status, told[-500:])
        with open(ROOT / "test" / "demo.sql", encoding="utf-8") as script:
            status, _ = self.run("psql <demo.sql", "psql", "-X", "-a", stdin=script)
        self.tap.ok(status != 0, "so does one that psql reads from a pipe")

    def programs(self):
        """Each Python program that connects to the server in its environment."""
        for path in sorted((ROOT / "test").rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            # test/fhir only computes, and calls nothing that sends
            if path.name != "session.py" and path.parent.name != "fhir" and \
                    path != Path(__file__).resolve():
                self.tap.ok('psycopg2.connect("")' not in text,
                            f"{path.name} opens its session by open_session()")
            if re.search(r"open_session\(|session_of\.connect\(|from session import connect\b",
                         text) and path.parent.name in (
                    "behaviour", "judge") and path != Path(__file__).resolve():
                status, told = self.run(path.name, sys.executable, str(path))
                self.tap.ok(status == 0 and "SKIP" in told, f"{path.name} is skipped",
                            status, told[-500:])


def main():
    """All checks."""
    listener = Listener()
    settings = {"healthlake.endpoint_url": listener.url,
                "healthlake.sts_endpoint_url": listener.url, "healthlake.proxy": listener.url,
                "healthlake.region": "eu-west-2",
                "healthlake.role_arn": "arn:aws:iam::123456789012:role/ward",
                "healthlake.access_key_id": "AKIDOWN", "healthlake.secret_access_key": "own"}
    with Cluster(Path(os.environ["HEALTHLAKE_WORK"]) / "server", settings=settings) as cluster:
        check = Check(listener, cluster)
        check.installcheck()
        check.scripts()
        check.programs()
        with socket.create_connection(listener.socket.getsockname()):
            pass
        check.tap.ok(listener.visits <= 1, "the listener counts")
    check.tap.end()


if not os.environ.get("HEALTHLAKE_WORK"):
    speech.skip_all("it needs the server of test/run")
main()
