#!/usr/bin/python3
"""The recipes of doc/queue.md with the real pg_cron, in both of its ways to run a job.

There are two servers without workers of the extension: pg_cron starts background workers on one,
and connects to a socket on the other. On each, a role that may only enqueue inserts clinics; a role
with the words manage and audit has scheduled the queue and the write-back; and a session LISTENs.
Both run in parallel, since pg_cron before 1.5 has no schedule shorter than a minute.
"""

import os
import re
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
import tap as speech  # noqa: E402  pylint: disable=wrong-import-position
from cluster import bindir  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import Session, until  # noqa: E402  pylint: disable=wrong-import-position

PAGE = (HERE.parent.parent / "doc" / "queue.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.M | re.S)
JOBS = dict(re.findall(r"cron\.schedule\('([\w ]+)', '[^']*', '([^']*)'\)", PAGE))
A_MINUTE = 75  # plus a margin


def recipe(first):
    """The statement in doc/queue.md with this beginning, including its body."""
    block = next(block for block in BLOCKS if first in block)
    return re.match(r".*?;\n(?=\n|\Z)", block[block.index(first):], re.S)[0]


class Clinics:
    """A server, and the results of its pg_cron."""

    def __init__(self, emulator, way, seconds, **settings):
        self.emulator = emulator
        self.way = way
        self.schedule = "1 second" if seconds else "* * * * *"
        self.patience = 20 if seconds else A_MINUTE
        folder = tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
        self.cluster = queue_cluster.make(
            emulator, folder=folder, shared_preload_libraries="healthlake, pg_cron",
            healthlake__autostart_worker="off", cron__database_name="postgres",
            cron__host=f"{folder}/socket", **settings)
        self.facts = {}
        self.fault = None

    def run(self):
        """Runs in a thread; the main thread reports failures."""
        try:
            with self.cluster:
                self.prepare()
                self.work()
        except Exception as fault:  # pylint: disable=broad-except
            self.fault = fault

    def prepare(self):
        """Creates the extension, the roles, the recipes and the jobs."""
        owner = Session(self.cluster)
        owner.run("CREATE EXTENSION healthlake; CREATE EXTENSION pg_cron")
        for role, words in (("clinic_app", ()), ("clinic_jobs", ("manage", "audit"))):
            owner.run(f"CREATE ROLE {role} LOGIN")
            for word in words:
                owner.run("SELECT healthlake_grant(%s, %s)", role, word)
        for first in ("CREATE TABLE clinic (", "CREATE FUNCTION want_datastore()",
                      "CREATE TRIGGER want_datastore", "CREATE PROCEDURE write_back_datastores()"):
            owner.run(recipe(first))
        owner.run("GRANT EXECUTE ON FUNCTION healthlake_enqueue_create_datastore TO clinic_app;"
                  "GRANT INSERT, SELECT ON clinic TO clinic_app;"
                  "GRANT UPDATE, SELECT ON clinic TO clinic_jobs;"
                  "GRANT USAGE ON SCHEMA cron TO clinic_jobs")
        jobs = Session(self.cluster, user="clinic_jobs")
        for name in ("queue", "write back"):
            jobs.run("SELECT cron.schedule(%s, %s, %s)", name, self.schedule, JOBS[name])

    def work(self):
        """Inserts clinics, and waits for their data stores."""
        owner, app = Session(self.cluster), Session(self.cluster, user="clinic_app")
        listening = self.cluster.connect(user="clinic_app")
        listening.cursor().execute("LISTEN healthlake")
        app.run("BEGIN; INSERT INTO clinic (name) VALUES (%s); ROLLBACK", f"{self.way} dream")
        for name in ("north", "south"):
            app.run("INSERT INTO clinic (name) VALUES (%s)", f"{self.way} {name}")
        self.facts["waited"] = owner.one(
            "SELECT count(*) FROM healthlake_request WHERE state = 'queued'")
        until(lambda: owner.one("SELECT bool_and(first_sent_at IS NOT NULL AND"
                                " lease_holder IS NULL) FROM healthlake_request"), self.patience)
        self.facts["sent by the job"] = owner.one(
            "SELECT count(*) FROM healthlake_request WHERE state IN ('running', 'succeeded')")
        if self.patience == A_MINUTE:  # the next runs are minutes away
            until(lambda: owner.run("CALL healthlake_run_queue()") or owner.one(
                "SELECT bool_and(finished_at IS NOT NULL) FROM healthlake_request"), 20, 0.5)
        until(lambda: owner.one("SELECT bool_and(state = 'succeeded') FROM clinic"),
              self.patience)
        listening.poll()
        self.facts["told"] = sorted(int(note.payload) for note in listening.notifies)
        self.facts["ids"] = [row[0] for row in owner.run(
            "SELECT id FROM healthlake_request ORDER BY id")]
        self.facts["clinics"] = owner.run("SELECT name, state, datastore_id, fault FROM clinic")
        self.facts["roles"] = owner.run(
            'SELECT DISTINCT session_role, "current_role" FROM healthlake_request')
        self.facts["runs"] = owner.run(
            "SELECT DISTINCT username, command, status, return_message"
            " FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')")


def judge(tap, clinics, stores):
    """Checks one server."""
    way, facts = clinics.way, clinics.facts
    if not tap.ok(clinics.fault is None, f"{way}: the recipes run", repr(clinics.fault),
                  clinics.cluster.log()[-3000:]):
        return
    tap.same(facts["waited"], 2, f"{way}: an INSERT does not wait")
    tap.same(facts["sent by the job"], 2, f"{way}: the job sends as the granted role")
    mine = {store["DatastoreName"]: store["DatastoreId"] for store in stores
            if store["DatastoreName"].startswith(f"{way} ")}
    tap.same(sorted(facts["clinics"]), [(name, "succeeded", store, None)
                                        for name, store in sorted(mine.items())],
             f"{way}: every clinic has its data store")
    tap.same(sorted(store["DatastoreName"] for store in stores
                    if store["DatastoreName"].startswith(f"{way} ")),
             [f"{way} north", f"{way} south"],
             f"{way}: each has one, and rolled-back ones have none")
    tap.same(facts["told"], facts["ids"], f"{way}: a listening session is notified of each, once")
    tap.same(facts["roles"], [("clinic_app", "clinic_app")], f"{way}: the role of each is known")
    tap.same({row[:3] for row in facts["runs"]},
             {("clinic_jobs", JOBS[name], "succeeded") for name in ("queue", "write back")},
             f"{way}: no run of a job fails")
    tap.say(f"{way}: {facts['runs']}")


def main():
    """Both ways, in parallel."""
    control = next((bindir().parents[3]).glob(
        f"share/postgresql/{bindir().parent.name}/extension/pg_cron.control"), None)
    if control is None:
        speech.skip_all(f"postgresql-{bindir().parent.name}-cron is not installed: the recipes "
                        "for pg_cron are not tested")
    version = re.search(r"default_version = '(\d+)\.(\d+)", control.read_text(encoding="utf-8"))
    seconds = (int(version[1]), int(version[2])) >= (1, 5)
    tap = speech.Tap()
    emulator = client.emulator()
    servers = [Clinics(emulator, "workers", seconds, cron__use_background_workers="on"),
               Clinics(emulator, "socket", seconds, cron__use_background_workers="off")]
    threads = [threading.Thread(target=server.run) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stores = emulator.stores()
    for server in servers:
        judge(tap, server, stores)
    tap.end()


main()
