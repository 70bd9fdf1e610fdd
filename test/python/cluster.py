"""A separate PostgreSQL server for tests that cannot use the shared one.

    with Cluster(folder, environment={"LD_PRELOAD": "shim.so"}) as cluster:
        session = cluster.connect()

It is a child process that ends with its parent, and listens only on a socket in its folder.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg2

PR_SET_PDEATHSIG = 1


def bindir():
    """The folder of the server's programs."""
    config = os.environ.get("PG_CONFIG", "pg_config")
    return Path(subprocess.check_output([config, "--bindir"], text=True).strip())


def die_with_parent():
    """Runs in the child: it gets an immediate shutdown when the test ends in any way."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def waits(pid):
    """The kernel function in which a process waits."""
    try:
        return Path(f"/proc/{pid}/wchan").read_text("ascii")
    except OSError:
        return "no call that can be seen"


def opened(pid):
    """The open files of a process."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(os.readlink(entry))
    return found


class Cluster:
    """A server that can be killed and restarted."""

    def __init__(self, folder, environment=None, settings=None, segment=16):
        self.folder = Path(folder)
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        (self.folder / "socket").mkdir(mode=0o700, parents=True)
        encoding = os.environ.get("HEALTHLAKE_TEST_ENCODING") or "UTF8"
        subprocess.run([bindir() / "initdb", "-D", self.folder / "cluster", "-U", "postgres",
                        "--auth=trust", "-E", encoding,
                        f"--locale={'C.UTF-8' if encoding == 'UTF8' else 'C'}", "--no-sync",
                        f"--wal-segsize={segment}"],
                       check=True, stdout=subprocess.DEVNULL)
        given = {"listen_addresses": "", "unix_socket_directories": self.folder / "socket",
                 "fsync": "off", "shared_buffers": "16MB", "max_connections": "30",
                 "autovacuum": "off", "log_line_prefix": "[%p] ", **(settings or {})}
        with open(self.folder / "cluster" / "postgresql.conf", "a", encoding="utf-8") as file:
            for name, value in given.items():
                file.write(f"{name} = '{value}'\n")

    def start(self):
        """Starts the server and waits until it accepts connections."""
        self.outlive()
        environment = dict(self.environment)
        if counts := os.environ.get("HEALTHLAKE_PRELOAD"):  # test/coverage's
            environment["LD_PRELOAD"] = ":".join(
                filter(None, (counts, environment.get("LD_PRELOAD"))))
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with,W1509
                [bindir() / "postgres", "-D", self.folder / "cluster"], env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)
        for _ in range(600):
            try:
                self.connect().close()
                return self
            except psycopg2.OperationalError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError("no server: " + self.log())

    def log(self):
        """The server's log."""
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def configure(self, lines):
        """Adds lines to postgresql.conf, for the next start or reload."""
        with open(self.folder / "cluster" / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(f"\n{lines}\n")

    def where(self, **changes):
        """The connection parameters for libpq."""
        return {"host": str(self.folder / "socket"), "user": "postgres", "dbname": "postgres",
                **changes}

    def connect(self, **changes):
        """A session in autocommit mode, of a superuser by default."""
        session = psycopg2.connect(**self.where(**changes))
        session.autocommit = True
        return session

    def kill(self):
        """Kills the postmaster; its children notice that and exit."""
        self.process.kill()
        self.process.wait()

    @staticmethod
    def kill_process(pid, how=signal.SIGKILL):
        """Kills a process of the server; returns whether it existed.

        Waits until the postmaster has noticed. If it was killed before, no process would
        wake those that wait for a lock of the dead one: LWLocks do not watch the postmaster.
        """
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            return False
        end = time.monotonic() + 5
        while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
            time.sleep(0.001)
        return True

    def children(self):
        """The server's processes: pid and title."""
        found = []
        try:
            pid = self.process.pid
            pids = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        except OSError:
            return found
        for pid in pids:
            try:
                title = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            found.append((int(pid), title))
        return found

    def left(self):
        """The processes in the server's folder: pid and title."""
        home, found = str((self.folder / "cluster").resolve()), {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(process / "cwd") == home:
                    title = (process / "cmdline").read_bytes()
                    found[int(process.name)] = title.decode("utf-8", "replace").strip("\0 ")
            except OSError:
                continue
        return found

    def outlive(self):
        """Waits until the children of a killed postmaster have exited.

        One is ended: PostgreSQL's startup process spends a minute on asking a checkpointer for
        a checkpoint that has left before it (RequestCheckpoint, postmaster/checkpointer.c).
        """
        end = time.monotonic() + 20
        while left := self.left():
            for pid, title in left.items():
                if title.startswith("postgres: startup"):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            if time.monotonic() > end:
                raise RuntimeError("outlives its postmaster: " + "; ".join(
                    f"{title} in {waits(pid)}" for pid, title in left.items()))
            time.sleep(0.02)

    def stop(self, how=signal.SIGQUIT):
        """Shuts the server down; immediately by default."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
