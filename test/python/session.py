"""A session of the test's server whose calls go to the emulator."""

import os
import sys

import psycopg2


def open_session():
    """
    Connects to the server that test/run has started, and to no other: one of a person's own could
    send requests with its own credentials to an endpoint of its own.
    """
    if not os.environ.get("HEALTHLAKE_WORK"):
        print("1..0 # SKIP it needs the server of test/run")
        sys.exit(0)
    return psycopg2.connect("")


def connect(emulator):
    """
    Connects; each statement is its own transaction. The endpoint is the emulator's by name, since
    a host prefix cannot stand before an address, and a failed attempt is not repeated.
    """
    session = open_session()
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS healthlake")
        for name, value in (("endpoint_url", emulator.http.replace("127.0.0.1", "localhost")),
                            ("region", "us-east-1"), ("max_attempts", "1"),
                            ("access_key_id", emulator.access_key_id),
                            ("secret_access_key", emulator.secret_access_key)):
            cursor.execute(f"SET healthlake.{name} = %s", [value])
    del session.notices[:]
    return session
