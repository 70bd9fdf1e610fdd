"""A server whose queue goes to an emulator: settings are the server's, as workers need them.

    with queue_cluster.start(emulator) as cluster:
        session = cluster.connect()
"""

import os
import tempfile
import time
from contextlib import closing

import psycopg2
from cluster import Cluster

# how many requests are not finished; how many there are in each state
OPEN = "SELECT count(*) FROM healthlake_request WHERE finished_at IS NULL"
STATES = "SELECT state, count(*) FROM healthlake_request GROUP BY 1"


def settings(emulator, **more):
    """What the configuration file says; a name without a dot in it may be PostgreSQL's own."""
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
    """A server that is yet to be started; healthlake__fence="a" sets healthlake.fence."""
    folder = folder or tempfile.mkdtemp(dir=os.environ.get("HEALTHLAKE_WORK"))
    return Cluster(folder, environment, settings(emulator, **more), segment)


class Session:
    """A session that is asked with one line."""

    def __init__(self, cluster, **where):
        self.session = cluster.connect(**where)
        self.cursor = self.session.cursor()

    def run(self, statement, *values):
        """Runs a statement; gives its rows, or nothing."""
        self.cursor.execute(statement, values or None)
        return self.cursor.fetchall() if self.cursor.description else None

    def one(self, statement, *values):
        """The first column of the first row."""
        return self.run(statement, *values)[0][0]

    def state(self, statement, *values):
        """The SQLSTATE of a statement; None where it succeeds."""
        try:
            self.run(statement, *values)
        except psycopg2.Error as error:
            return error.pgcode
        return None

    def close(self):
        """Ends the session."""
        self.session.close()


def ask(cluster, statement, *values, **where):
    """Asks in a session of its own; None where the server is not there, or goes meanwhile."""
    try:
        with closing(Session(cluster, **where)) as session:
            return session.run(statement, *values)
    except psycopg2.DatabaseError as fault:
        # a connection that ends without a word is an error without an SQLSTATE
        if fault.pgcode is not None and not isinstance(fault, psycopg2.OperationalError):
            raise
        return None


def until(question, seconds=20, every=0.05):
    """Asks until the answer is yes, or the time is over; the last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(every)
