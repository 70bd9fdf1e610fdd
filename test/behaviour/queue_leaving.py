#!/usr/bin/python3
"""A worker that is woken while it leaves a database that another session wants.

step_shim.c stops the worker at the end of its last round. Meanwhile a request is enqueued, and the
database is used as a template. The worker makes room, and the request is sent by a successor.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, until  # noqa: E402  pylint: disable=wrong-import-position
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

WORKER = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'healthlake worker'"
WANTS = """SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND granted
    AND classid = 'pg_database'::regclass AND mode IN ('ShareLock', 'ExclusiveLock')"""

tap = Tap()


def is_stopped(pid):
    """Whether a process is stopped."""
    status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return status.rpartition(")")[2].split()[0] == "T"


def enqueue(cluster, name):
    """Enqueues in a session that ends."""
    with closing(Session(cluster, dbname="wanted")) as session:
        session.run("SELECT healthlake_enqueue_create_datastore(%s)", name)


def main():
    """The one case."""
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK")))
    shim = folder / "step_shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-o", shim, HERE / "step_shim.c"],
                   check=True)
    emulator = client.emulator()
    cluster = queue_cluster.make(
        emulator, {"LD_PRELOAD": str(shim), "HEALTHLAKE_STOP": f"{folder}/stop"},
        f"{folder}/server")
    with cluster, closing(Session(cluster)) as session:
        session.run("CREATE DATABASE wanted")
        with closing(Session(cluster, dbname="wanted")) as other:
            other.run("CREATE EXTENSION healthlake")
        (folder / "stop").write_text("after record 0\n", "ascii")
        enqueue(cluster, "first")
        until(lambda: session.run(WORKER))
        pid = session.one(WORKER)
        tap.ok(until(lambda: is_stopped(pid)), "the worker is at the end of its last round")
        enqueue(cluster, "second")
        copying = threading.Thread(target=lambda: session.state(
            "CREATE DATABASE copy TEMPLATE wanted"))
        copying.start()
        with closing(Session(cluster)) as other:
            tap.ok(until(lambda: other.one(WANTS) > 0), "another session wants the database")
            time.sleep(0.3)
            os.kill(pid, signal.SIGCONT)
            copying.join()
        with closing(Session(cluster, dbname="wanted")) as other:
            tap.ok(until(lambda: other.one(OPEN) == 0, 20), "a successor sends what was enqueued",
                   other.run("SELECT state FROM healthlake_request ORDER BY id"))
    emulator.stop()
    tap.end()


main()
