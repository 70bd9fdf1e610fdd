"""A session of the test's server whose calls go to the emulator."""

import psycopg2


def connect(emulator):
    """
    Connects; each statement is its own transaction. The endpoint is the emulator's by name, since
    a host prefix cannot stand before an address, and a failed attempt is not repeated.
    """
    session = psycopg2.connect("")
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
