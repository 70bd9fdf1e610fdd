"""A server whose queue uses an emulator. The settings are in its configuration, as workers require.

    with queue_cluster.start(emulator) as cluster:
        session = cluster.connect()
"""

import os
import tempfile
import time
from contextlib import closing

import psycopg2
from cluster import Cluster

# the number of unfinished requests; the number in each state
OPEN = "SELECT count(*) FROM healthlake_request WHERE finished_at IS NULL"
STATES = "SELECT state, count(*) FROM healthlake_request GROUP BY 1"


def settings(emulator, **more):
    """The lines of the configuration file; names without a dot are PostgreSQL's settings."""
    url = emulator.http.replace("127.0.0.1", "localhost")
    ours = {"endpoint_url": url, "region": "us-east-1", "max_attempts": 1,
            "access_key_id": emulator.access_key_id,
            "secret_access_key": emulator.secret_access_key}
    given = {f"healthlake.{name}": value for name, value in ours.items()}
    given["shared_preload_libraries"] = "healthlake"
    given["max_prepared_transactions"] = "10"
    for name, value in more.items():
        given[name.replace("__", ".")] = value
    return given


def make(emulator, environment=None, folder=None, segment=16, **more):
    """A server that is not started yet; healthlake__fence="a" sets healthlake.fence."""
    folder = folder or tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    return Cluster(folder, environment, settings(emulator, **more), segment)


class Session:
    """A session with short functions for queries."""

    def __init__(self, cluster, **where):
        self.session = cluster.connect(**where)
        self.cursor = self.session.cursor()

    def run(self, statement, *values):
        """Runs a statement; returns its rows, or None."""
        self.cursor.execute(statement, values or None)
        return self.cursor.fetchall() if self.cursor.description else None

    def one(self, statement, *values):
        """The first column of the first row."""
        return self.run(statement, *values)[0][0]

    def state(self, statement, *values):
        """The SQLSTATE of a statement; None if it succeeds."""
        try:
            self.run(statement, *values)
        except psycopg2.Error as error:
            return error.pgcode
        return None

    def close(self):
        """Closes the session."""
        self.session.close()


def ask(cluster, statement, *values, **where):
    """Runs a query in a new session; None if there is no connection, or it is lost."""
    try:
        with closing(Session(cluster, **where)) as session:
            return session.run(statement, *values)
    except psycopg2.DatabaseError as fault:
        # a lost connection is an error without an SQLSTATE
        if fault.pgcode is not None and not isinstance(fault, psycopg2.OperationalError):
            raise
        return None


def until(question, seconds=20, every=0.05):
    """Repeats a condition until it is true or the time is over; returns the last result."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(every)
