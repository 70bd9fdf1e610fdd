"""A PostgreSQL server of a test's own: with the settings and the environment that it names.

    with Server("own", "shared_preload_libraries = 'healthlake'") as server:
        with server.connect(user="somebody") as connection: ...

It lies in HEALTHLAKE_WORK, runs the programs in HEALTHLAKE_BINDIR, listens on a socket alone, and
is stopped at the end of the block.
"""

import os
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2

BINDIR = Path(os.environ.get("HEALTHLAKE_BINDIR", ""))
WORK = Path(os.environ.get("HEALTHLAKE_WORK", ""))
STANDARD = """
listen_addresses = ''
unix_socket_permissions = 0700
fsync = off
shared_buffers = 16MB
max_connections = 20
timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
"""


class Server:
    """A cluster, running."""

    def __init__(self, name, settings="", environment=()):
        self.data = WORK / name
        self.log = WORK / f"{name}.log"
        self.environment = {**os.environ, **dict(environment)}
        self.run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-sync")
        self.configure(f"{STANDARD}\nunix_socket_directories = '{WORK}'\n{settings}")

    def run(self, program, *arguments):
        """Runs one of the server's programs; what it printed."""
        done = subprocess.run([str(BINDIR / program), *map(str, arguments)], text=True,
                              env=self.environment, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}: {done.stdout}")
        return done.stdout

    def configure(self, lines):
        """Adds lines to postgresql.conf; they hold from the next start or reload on."""
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(f"\n{lines}\n")

    def start(self):
        """Starts it; its log is what it writes to stderr."""
        with open(self.log, "a", encoding="utf-8") as log:
            done = subprocess.run(
                [str(BINDIR / "pg_ctl"), "-D", str(self.data), "-w", "-s", "start"],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
        if done.returncode:
            raise RuntimeError(f"the server did not start: {self.told()}")

    def stop(self):
        """Stops it, if it runs."""
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "-D", self.data, "-w", "-s", "-m", "fast", "stop")

    def restart(self):
        """Stops and starts it."""
        self.stop()
        self.start()

    def told(self):
        """Its log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def where(self, **changes):
        """How to reach it: what psycopg2 and, by its names, libpq take."""
        return {"host": str(WORK), "port": 5432, "user": "postgres", "dbname": "postgres",
                **changes}

    def connect(self, **changes):
        """A session for a with block, in which each statement is a transaction."""
        connection = psycopg2.connect(**self.where(**changes))
        connection.autocommit = True
        return closing(connection)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
