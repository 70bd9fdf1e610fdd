"""Secrets do not leak: into the server's log at DEBUG5, an error, a view, a plan or a dump.

A server receives secret keys, session tokens and proxy passwords in every possible way. All its
output is searched for them, for the keys derived from them, and for signatures. The only exception
is the text of a SET statement. The statements of doc/credentials.md on who can read a secret are
verified. After DISCARD ALL the memory of a backend is searched, and that of the process that writes
the audit trail.
"""

import hashlib
import hmac
import json
import os
import random
import re
import string
import subprocess
import sys
import time
from collections import deque
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python"), str(ROOT / "test" / "emulator")]

import client  # noqa: E402 pylint: disable=wrong-import-position
import tap as speech  # noqa: E402 pylint: disable=wrong-import-position
from cluster import Cluster, bindir  # noqa: E402 pylint: disable=wrong-import-position

CREATE = "SELECT * FROM healthlake_create_datastore('ward 7')"
LOUD = """
log_min_messages = debug5
log_min_error_statement = debug5
log_statement = all
log_duration = on
log_connections = on
log_error_verbosity = verbose
healthlake.max_attempts = 1
healthlake.region = 'us-east-1'
"""
# statements that contain a secret, if statements are logged
TYPED = re.compile(r"(LOG:  (00000: )?statement|STATEMENT): +"
                   r"(SET|ALTER ROLE reader SET) healthlake\.")
REPLIES = [{"error": "AccessDeniedException", "message": "no"}, {"error": "ThrottlingException"},
           {"status": 500, "body": "{}"}, {"status": 200, "body": "[]"}, {"http_garbage": "what?"},
           {"cut": 0}, {"reset": True}, {"error": "ExpiredTokenException"}]


def invent(length):
    """A new secret."""
    return "".join(random.SystemRandom().choice(string.ascii_letters) for _ in range(length))


def derived_key(secret):
    """Today's signing key."""
    key = ("AWS4" + secret).encode()
    for part in (time.strftime("%Y%m%d", time.gmtime()), "us-east-1", "healthlake", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


class Identity:
    """Credentials that the emulator knows."""

    def __init__(self, emulator, token=False):
        self.id = "AKID" + invent(12).upper()
        self.secret = invent(40)
        self.token = invent(200) if token else None
        emulator.key(self.id, self.secret, self.token)

    def settings(self):
        """The credentials as settings: names and values."""
        return {"healthlake.access_key_id": self.id, "healthlake.secret_access_key": self.secret,
                "healthlake.session_token": self.token or ""}

    def lines(self):
        """The credentials as lines of a configuration file."""
        return "\n".join(f"{name} = '{value}'" for name, value in self.settings().items())

    def type(self, cursor):
        """Sets the credentials in a session."""
        for name, value in self.settings().items():
            cursor.execute(f"SET {name} = '{value}'")

    def secrets(self):
        """The secret texts."""
        key = derived_key(self.secret)
        return [text for text in (self.secret, self.secret[16:], self.token,
                                  self.token and self.token[100:], key.hex(), repr(key)[2:-1])
                if text]


class Check:
    """All checks: output is collected, and searched at the end."""

    def __init__(self):
        self.tap = speech.Tap()
        self.emulator = client.emulator()
        self.heard = []
        self.identities = []

    def identity(self, **how):
        """New credentials, whose secrets are searched for from now on."""
        self.identities.append(Identity(self.emulator, **how))
        return self.identities[-1]

    @staticmethod
    @contextmanager
    def session(server, **changes):
        """A session that receives all messages."""
        with closing(server.connect(**changes)) as connection:
            connection.notices = deque()  # psycopg2 keeps the last fifty notices in a list
            connection.cursor().execute("SET client_min_messages = debug5")
            yield connection

    def ask(self, connection, statement):
        """Runs a statement and collects all output; returns its rows, or its SQLSTATE."""
        cursor = connection.cursor()
        try:
            cursor.execute(statement)
            answer = cursor.fetchall() if cursor.description else []
            self.heard.append(repr(answer))
        except psycopg2.Error as caught:
            answer = caught.pgcode
            diagnostics = caught.diag
            self.heard += [str(getattr(diagnostics, name)) for name in dir(diagnostics)
                           if not name.startswith("_")]
        self.heard += connection.notices
        connection.notices.clear()
        return answer

    def to_emulator(self):
        """The configuration lines for the emulator."""
        return (f"healthlake.endpoint_url = '{self.emulator.https}'\n"
                f"healthlake.ca_bundle = '{self.emulator.ca}'")

    # ------------------------------------------------------------- what is done ---

    def fail_in_every_way(self, connection, token=None):
        """Calls that AWS or the network refuses."""
        for step in REPLIES:
            self.emulator.next(**step)
            self.ask(connection, CREATE)
        self.emulator.next(error="InvalidSignatureException", message=(
            "The Canonical String for this request should have been\n'POST\n/\n\n"
            f"host:localhost\nx-amz-security-token:{token}\n'"))
        told = self.ask(connection, CREATE)
        self.tap.same(told, "38X01", "a signature that AWS refuses")
        self.ask(connection, "SELECT * FROM healthlake_last_call()")
        for setting in ("endpoint_url = 'https://127.0.0.1:1'", "ca_bundle = ''",
                        "region = ''", "use_fips_endpoint = on"):
            self.ask(connection, f"SET healthlake.{setting}")
            self.ask(connection, CREATE)
            self.ask(connection, f"RESET healthlake.{setting.split(' ')[0]}")
        self.ask(connection, "SELECT * FROM healthlake_create_datastore('{}'::jsonb)")
        self.emulator.next(silence=True)
        self.ask(connection, "SET healthlake.request_timeout = '1s'")
        self.tap.same(self.ask(connection, CREATE), "38M01", "a lost reply")
        self.ask(connection, "RESET healthlake.request_timeout")
        self.emulator.next(silence=True)
        self.ask(connection, "SET statement_timeout = '200ms'")
        self.tap.same(self.ask(connection, CREATE), "57014", "a call that is cancelled")
        self.ask(connection, "RESET statement_timeout")

    def look_everywhere(self, connection):
        """Views and commands that show settings."""
        names = "access_key_id secret_access_key session_token proxy".split()
        for statement in ("SHOW ALL", "SELECT * FROM pg_settings", "SELECT * FROM pg_stat_activity",
                          "SELECT * FROM pg_show_all_settings()",
                          "SELECT * FROM pg_backend_memory_contexts",
                          f"EXPLAIN (VERBOSE, SETTINGS) {CREATE}",
                          f"EXPLAIN (ANALYZE, VERBOSE, SETTINGS) {CREATE}",
                          "SELECT * FROM healthlake_last_call()",
                          "SELECT * FROM pg_prepared_statements",
                          "SELECT * FROM healthlake_check()",
                          "SELECT * FROM healthlake_preview('CreateFHIRDatastore')",
                          "SELECT * FROM healthlake_preview('CreateFHIRDatastore',"
                          " '{\"DatastoreTypeVersion\": \"R4\"}')",
                          *(f"SHOW healthlake.{name}" for name in names),
                          *(f"SELECT current_setting('healthlake.{name}')" for name in names),
                          "SET healthlake.secret_access_key FROM CURRENT",
                          "CREATE OR REPLACE FUNCTION copied() RETURNS void LANGUAGE sql"
                          " SET healthlake.secret_access_key FROM CURRENT AS ''",
                          "SELECT * FROM pg_proc WHERE proconfig IS NOT NULL",
                          "SELECT * FROM pg_db_role_setting"):
            self.ask(connection, statement)

    def typed_session(self, server):
        """A session sets keys: right ones, wrong ones, temporary ones, the password of a proxy."""
        mine, temporary, wrong = self.identity(), self.identity(token=True), self.identity()
        with self.session(server) as connection:
            cursor = connection.cursor()
            mine.type(cursor)
            self.tap.ok(isinstance(self.ask(connection, CREATE), list), "keys that were SET")
            temporary.type(cursor)
            self.tap.ok(isinstance(self.ask(connection, CREATE), list), "temporary keys")
            self.look_everywhere(connection)
            self.fail_in_every_way(connection, temporary.token)
            cursor.execute(f"SET healthlake.secret_access_key = '{wrong.secret}'")
            self.tap.same(self.ask(connection, CREATE), "38X01", "a wrong secret")
            for url in ("http://user:{}@127.0.0.1:1", "http://user:{}@127.0.0.1:99999",
                        "none://user:{}@127.0.0.1:1", "http://user:{}@[::1", "user:{}@"):
                cursor.execute(f"SET healthlake.proxy = '{url.format(wrong.secret)}'")
                self.tap.same(self.ask(connection, CREATE), "38N01", f"a proxy: {url}")
                self.look_everywhere(connection)
            self.tap.same(self.ask(connection, f"SET healthlake.proxy = 'a b:{wrong.secret}'"),
                          "22023", "a proxy that is refused")

    def connecting_session(self, server):
        """Keys in the connection options: after DISCARD ALL the session still has them."""
        mine = self.identity(token=True)
        options = " ".join(f"-c {name}={value}" for name, value in mine.settings().items())
        with self.session(server, options=options) as connection:
            self.tap.ok(isinstance(self.ask(connection, CREATE), list),
                        "keys in the connection options")
            self.look_everywhere(connection)
            connection.cursor().execute("DISCARD ALL")
            self.tap.ok(isinstance(self.ask(connection, CREATE), list),
                        "DISCARD ALL resets to them")

    def after_discard(self, server):
        """A pooled session: what the next client sees, and what remains in memory."""
        mine = self.identity(token=True)
        with self.session(server) as connection:
            mine.type(connection.cursor())
            for _ in range(3):
                self.ask(connection, CREATE)
            before = self.find_in_memory(connection.info.backend_pid, mine)
            connection.cursor().execute("DISCARD ALL")
            after = self.find_in_memory(connection.info.backend_pid, mine)
            self.tap.same(self.ask(connection, "SELECT operation FROM healthlake_last_call()"),
                          [(None,)], "after DISCARD ALL there is no last call")
            self.tap.same(self.ask(connection, CREATE), "38X01",
                          "after DISCARD ALL there are no keys")
        if before is None:
            for what in self.traces(mine):
                self.tap.skip(f"{what} in memory", "this system forbids reading a process's memory")
            return
        for what, count in after.items():
            self.tap.ok(before[what] > 0 or "header" in what, f"{what} was in memory", before)
            self.tap.same(count, 0, f"{what} is not, after DISCARD ALL")

    def received_keys(self, server):
        """Keys that STS issues, received over TLS: what remains of them."""
        mine, issued = self.identity(), self.identity(token=True)
        members = {"AccessKeyId": issued.id, "SecretAccessKey": issued.secret,
                   "SessionToken": issued.token, "Expiration": "2999-01-01T00:00:00Z"}
        keys = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
        with self.session(server) as connection:
            mine.type(connection.cursor())
            self.ask(connection, f"SET healthlake.sts_endpoint_url = '{self.emulator.https}'")
            self.ask(connection, "SET healthlake.role_arn = 'arn:aws:iam::123456789012:role/ward'")
            self.emulator.next(operation="AssumeRole", status=200, body=(
                '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                f"<AssumeRoleResult><Credentials>{keys}</Credentials></AssumeRoleResult>"
                "</AssumeRoleResponse>"))
            self.tap.ok(isinstance(self.ask(connection, CREATE), list), "keys that STS issues")
            before = self.find_in_memory(connection.info.backend_pid, issued)
            connection.cursor().execute("DISCARD ALL")
            after = self.find_in_memory(connection.info.backend_pid, issued)
        if before is None:
            self.tap.skip("issued keys", "this system forbids reading a process's memory")
            return
        self.tap.ok(before["the secret's end"] > 0, "they were in memory", before)
        self.tap.same(after, dict.fromkeys(after, 0), "they are not, after DISCARD ALL")

    def audited_session(self, server):
        """A durable audit trail: its rows, and the process that writes them."""
        mine = self.identity(token=True)
        with self.session(server) as connection:
            mine.type(connection.cursor())
            self.ask(connection, "SET healthlake.audit = durable")
            self.tap.ok(isinstance(self.ask(connection, CREATE), list), "a durable audit trail")
            self.fail_in_every_way(connection, mine.token)
            for view in ("healthlake_request", "healthlake_audit", "healthlake_left_behind",
                         "healthlake_created_datastores", "healthlake_stuck_requests"):
                self.ask(connection, f"SELECT * FROM {view}")
            (pid,), = self.ask(connection, "SELECT pid FROM pg_stat_activity"
                               " WHERE backend_type = 'healthlake audit writer'")
            counts = self.find_in_memory(pid, mine)
            if counts is None:
                self.tap.skip("its writer", "this system forbids reading a process's memory")
            else:
                self.tap.same(sum(counts.values()), 0, "its writer's memory contains no secret")

    @staticmethod
    def traces(mine):
        """Secrets in the formats that the extension has in memory."""
        return {"the secret's end": mine.secret[24:].encode(),
                "the signing key": derived_key(mine.secret)[16:],
                "the token in a header": f"Security-Token: {mine.token[:60]}".encode(),
                "the token's beginning": mine.token[16:80].encode()}

    def find_in_memory(self, pid, mine):
        """The number of occurrences in a process's memory; None if it cannot be read."""
        counts = dict.fromkeys(self.traces(mine), 0)
        folder = Path("/proc") / str(pid)
        try:
            with open(folder / "maps", encoding="utf-8") as maps, \
                    open(folder / "mem", "rb", 0) as memory:
                for line in maps:
                    # shared memory has the text of the last statement
                    if line.split()[1][0] != "r" or line.split()[1][3] == "s" or "[v" in line:
                        continue
                    start, end = (int(part, 16) for part in line.split()[0].split("-"))
                    memory.seek(start)
                    content = memory.read(end - start)
                    for what, trace in self.traces(mine).items():
                        counts[what] += content.count(trace)
        except PermissionError:
            return None
        return counts

    def plain_role(self, server):
        """A role without privileges, and one that may read all settings."""
        with self.session(server) as connection:
            connection.cursor().execute("CREATE ROLE plain LOGIN; CREATE ROLE reader LOGIN;"
                                        "GRANT pg_read_all_settings TO reader")
        for role, wanted in (("plain", "42501"), ("reader", [("****************",)])):
            with self.session(server, user=role) as connection:
                self.tap.same(self.ask(connection, "SHOW healthlake.secret_access_key"), wanted,
                              f"the output of SHOW for {role}")
                self.tap.same(self.ask(connection, "SELECT * FROM pg_file_settings"), "42501",
                              f"{role} cannot read the configuration file")
                self.look_everywhere(connection)

    def exposed_role_setting(self, server):
        """ALTER ROLE … SET: every role can read it, as doc/credentials.md says."""
        mine = Identity(self.emulator)
        with self.session(server) as connection:
            self.ask(connection, "ALTER ROLE reader SET healthlake.secret_access_key"
                     f" = '{mine.secret}'")
        with self.session(server, user="plain") as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT setconfig::text FROM pg_db_role_setting")
            self.tap.ok(mine.secret in cursor.fetchone()[0],
                        "ALTER ROLE SET is readable for every role, as doc/credentials.md says")
        self.tap.ok(mine.secret in self.dump(server), "a dump contains it, too")
        with self.session(server) as connection:
            self.ask(connection, "ALTER ROLE reader RESET healthlake.secret_access_key")

    @staticmethod
    def dump(server):
        """The output of pg_dumpall."""
        return subprocess.check_output([bindir() / "pg_dumpall", "-h", server.where()["host"],
                                        "-U", "postgres"], text=True)

    @staticmethod
    def server(name, settings):
        """A server that is not started yet."""
        cluster = Cluster(Path(os.environ["HEALTHLAKE_WORK"]) / name)
        cluster.configure(f"log_line_prefix = '%m [%p] %q%u@%d '\n{LOUD}{settings}")
        return cluster

    def loud_server(self):
        """A server that preloads the library and logs as much as possible."""
        mine = self.identity(token=True)
        server = self.server("loud", f"{self.to_emulator()}\n{mine.lines()}\n"
                             "shared_preload_libraries = 'healthlake'")
        with server:
            with self.session(server) as connection:
                self.ask(connection, "CREATE EXTENSION healthlake")
                self.tap.ok(isinstance(self.ask(connection, CREATE), list),
                            "keys of the configuration file")
                self.look_everywhere(connection)
                self.fail_in_every_way(connection, mine.token)
            self.typed_session(server)
            self.connecting_session(server)
            self.plain_role(server)
            self.exposed_role_setting(server)
            self.audited_session(server)
            dump = self.dump(server)
            for state in ("succeeded", "failed", "unknown"):
                self.tap.ok(re.search(rf"\tCreateFHIRDatastore\t.*\t{state}\t", dump),
                            f"the dump has calls that have {state}".replace("have unk", "are unk"))
            self.heard.append(dump)
        self.search("at DEBUG5", server)
        server.configure(f"healthlake.access_key_id = ''\nhealthlake.secret_access_key = ''\n"
                         "healthlake.session_token = ''")
        with server:
            self.after_discard(server)
            self.received_keys(server)
            new = Identity(self.emulator)
            server.configure(f"healthlake.secret_access_key = '{new.secret}'")
            with self.session(server) as connection:
                connection.cursor().execute("SELECT pg_reload_conf()")
            end = time.monotonic() + 5
            while new.secret not in server.log() and time.monotonic() < end:
                time.sleep(0.1)
            self.tap.ok(new.secret in server.log(),
                        "a reload logs the changed value, as doc/credentials.md says")
        self.search("after DISCARD ALL", server)

    def bare_server(self):
        """A server that does not preload the library."""
        mine = Identity(self.emulator)
        server = self.server("bare", f"{self.to_emulator()}\n{mine.lines()}")
        with server:
            with self.session(server) as connection:
                connection.cursor().execute(
                    "CREATE EXTENSION healthlake; CREATE ROLE plain LOGIN;"
                    "GRANT EXECUTE ON FUNCTION healthlake_create_datastore(jsonb) TO plain")
            with self.session(server, user="plain") as connection:
                cursor = connection.cursor()
                cursor.execute("SHOW healthlake.secret_access_key")
                self.tap.same(cursor.fetchone()[0], mine.secret,
                              "without preloading every role can SHOW it, as documented")
                # before the library is loaded a role can set settings that it may not set
                # afterwards
                for name, value in (("endpoint_url", "https://127.0.0.1:1"),
                                    ("proxy", "http://127.0.0.1:1")):
                    cursor.execute(f"SET healthlake.{name} = '{value}'")
                create = ("SELECT id FROM healthlake_create_datastore("
                          "'{\"DatastoreTypeVersion\": \"R4\"}'::jsonb)")
                self.tap.same(self.ask(connection, create), "55000",
                              "an ordinary role cannot redirect requests")
                cursor.execute("RESET ALL")
                answer = self.ask(connection, create)
                self.tap.ok(isinstance(answer, list),
                            "without that setting requests go to the right endpoint",
                            answer)
                self.tap.same(sum(text.startswith("WARNING") and "read by every role" in text
                                  for text in self.heard), 1, "a warning reports it once")
                self.tap.same(self.ask(connection, "SHOW healthlake.secret_access_key"), "42501",
                              "and can no longer read the secret")
        self.identities.append(mine)
        self.search("without preloading", server)

    # --------------------------------------------------------- what came of it ---

    def search(self, when, server):
        """Searches all output for every secret."""
        log = server.log().splitlines()
        signatures = set()
        for entry in self.emulator.log():
            signatures |= set(re.findall(r"Signature=([0-9a-f]{64})", json.dumps(entry)))
        self.tap.ok(len(log) > 100 and self.heard and signatures,
                    f"{when}: there is much to search", len(log), len(self.heard), len(signatures))
        secrets = {text: "a secret" for identity in self.identities for text in identity.secrets()}
        secrets.update(dict.fromkeys(signatures, "a signature"))
        for place, texts in (("the log", log), ("what clients saw", self.heard)):
            found = [f"{secrets[secret]}: {text[:300]}" for text in texts for secret in secrets
                     if secret in text and not TYPED.search(text)]
            self.tap.same(found[:5], [], f"{when}: no secret is in {place}")

    def run(self):
        """All checks."""
        self.loud_server()
        self.heard.clear()
        self.bare_server()
        self.tap.end()


if not os.environ.get("HEALTHLAKE_WORK"):
    speech.skip_all("it needs the server of test/run")
Check().run()
