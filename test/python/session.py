"""Sessions of the test's server whose calls go to the emulator."""

import os
import select
import sys
from contextlib import contextmanager

import psycopg2
import psycopg2.extensions


def open_session():
    """
    Connects to the server that test/run has started. Skips the test if there is none: another
    server could have credentials and an endpoint of its own, and send requests there.
    """
    if not os.environ.get("HEALTHLAKE_WORK"):
        print("1..0 # SKIP it needs the server of test/run")
        sys.exit(0)
    return psycopg2.connect("")


def connect(emulator):
    """
    Connects in autocommit mode. The endpoint is a host name, since a host prefix cannot be added
    to an IP address. A failed attempt is not repeated.
    """
    session = open_session()
    session.autocommit = True
    run(session, "CREATE EXTENSION IF NOT EXISTS healthlake")
    configure(session, emulator, max_attempts="1",
              endpoint_url=emulator.http.replace("127.0.0.1", "localhost"))
    del session.notices[:]
    return session


def configure(session, emulator, **settings):
    """Sets the endpoint and the keys of the emulator, and further settings of the extension."""
    for name, value in {"endpoint_url": emulator.http, "region": "us-east-1",
                        "access_key_id": emulator.access_key_id,
                        "secret_access_key": emulator.secret_access_key, **settings}.items():
        run(session, "SELECT set_config(%s, %s, false)", f"healthlake.{name}", value)
    return session


def run(session, statement, *values):
    """Executes a statement; its rows, or an empty list if it returns no set."""
    with session.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def read_on(session):
    """Reads what a connection that does not wait has; its error, or None."""
    try:
        while (state := session.poll()) != psycopg2.extensions.POLL_OK:
            reads = state == psycopg2.extensions.POLL_READ
            select.select([session] if reads else [], [] if reads else [session], [], 5)
    except psycopg2.Error as error:
        return error
    return None


@contextmanager
def without_reading(where, statement):
    """A connection, by its parameters, that has a statement carried out and reads no result."""
    session = psycopg2.connect(**where, async_=1)
    try:
        read_on(session)
        cursor = session.cursor()  # psycopg2 has only a weak reference to it
        cursor.execute(statement)
        yield session
    finally:
        session.close()


def connect_to_load(cluster, emulator, store, role=None):
    """Connects to a server of the test's own, for loads with one request in flight at a time."""
    session = configure(cluster.connect(), emulator, datastore_id=store, max_concurrency="1")
    run(session, "SET client_min_messages = warning")
    if role:
        run(session, f"SET ROLE {role}")
    return session
