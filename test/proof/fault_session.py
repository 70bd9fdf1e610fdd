"""A session whose calls go to a fault server, with a call for each face."""

import os
import re
import socket
import time
from pathlib import Path

import psycopg2
import psycopg2.extras

import fault_kinds
from cluster import opened
from fault_server import ID

READ = f"SELECT status FROM healthlake_describe_datastore('{ID}')"
STATEMENTS = {
    **dict.fromkeys((*fault_kinds.PROVIDERS, "profile"), READ), "read": READ,
    "change": "SELECT id FROM healthlake_create_datastore('fault')",
    "fhir_read": "SELECT healthlake_fhir_read('Patient', 'p1')",
    "fhir_create": "SELECT id FROM healthlake_fhir_create('{\"resourceType\": \"Patient\"}')",
    "fhir_update": "SELECT id FROM healthlake_fhir_update("
                   "'{\"resourceType\": \"Patient\", \"id\": \"p1\"}')",
    "fhir_search": "SELECT count(*) FROM healthlake_fhir_search('Patient')",
    "fhir_bundle": "SELECT count(*) FROM healthlake_fhir_bundle('[{\"method\": \"PUT\", \"url\": "
                   "\"Patient/p1\", \"resource\": {\"resourceType\": \"Patient\", \"id\": \"p1\"}}"
                   "]')",
    "stream": f"SELECT count(*) FROM healthlake_update_profile_with_agent('{ID}', 'hello')"}

# columns of jsonb are not decoded
psycopg2.extras.register_default_jsonb(loads=str, globally=True)

CLOSED = socket.socket()  # a closed port
CLOSED.bind(("127.0.0.1", 0))


def environment_of(server):
    """The environment of a PostgreSQL server whose metadata services are a fault server's."""
    return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url("plain"),
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url("plain") + "/container"}


class Session:
    """A session whose calls go to a fault server of its own."""

    def __init__(self, cluster, server, ca):
        self.server = server
        self.connection = cluster.connect()  # each statement is its own transaction
        self.pid = self.connection.info.backend_pid
        self.cursor = self.connection.cursor()
        self.route = self.face = self.rows = None
        # under valgrind a handshake takes a second
        limit = "4s" if os.environ.get("HEALTHLAKE_VALGRIND") else "1s"
        for name, value in (("region", "us-east-1"), ("max_attempts", "1"), ("ca_bundle", ca),
                            ("datastore_id", ID), ("request_timeout", limit),
                            ("connect_timeout", limit), ("allowed_regions", "")):
            self.cursor.execute(f"SET healthlake.{name} = %s", [str(value)])
        self.cursor.execute("SET client_min_messages = error")

    def go(self, route, face):
        """Sets the route of the calls to a face."""
        sources = {"container": "container", "profile": "profile",
                   **dict.fromkeys(fault_kinds.INSTANCE, "metadata")}
        if (route, face) != (self.route, self.face) or face in sources or face == "sts":
            tls = route in ("tls", "proxy", "tunnel")
            url = self.server.url("tls" if tls else "plain")
            if route == "closed":
                url = f"http://127.0.0.1:{CLOSED.getsockname()[1]}"
            values = {"endpoint_url": url if face != "sts" else self.server.url("plain"),
                      "sts_endpoint_url": url, "proxy": self.server.url("proxy")
                      if route in ("proxy", "tunnel") else "",
                      "role_arn": "arn:aws:iam::123456789012:role/fault" if face == "sts" else "",
                      "access_key_id": "" if face in sources else "AKIDEXAMPLE",
                      "secret_access_key": "" if face in sources else "secret",
                      # setting this discards kept keys
                      "credential_sources": sources.get(face, "settings")}
            self.cursor.execute("; ".join(f"SET healthlake.{name} = '{value}'"
                                          for name, value in values.items()))
            self.route, self.face = route, face

    def run(self, face, statement=None):
        """Makes a call; returns SQLSTATE, error and seconds."""
        began = time.monotonic()
        error = self.rows = None
        try:
            self.cursor.execute(statement or STATEMENTS[face])
            self.rows = self.cursor.fetchall()
        except psycopg2.Error as caught:
            error = caught
        return error and error.pgcode, error, time.monotonic() - began

    def descriptors(self):
        """The number of the backend's descriptors, without those of PostgreSQL's files."""
        return sum("/base/" not in name and "/pg_wal/" not in name for name in opened(self.pid))

    def memory(self):
        """The backend's own memory, in kB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"RssAnon:\s+(\d+)", status).group(1))
