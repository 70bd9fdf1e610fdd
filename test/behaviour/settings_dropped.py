"""A setting that PostgreSQL drops when the library is loaded lets no call go out without it.

Before the library is loaded anyone may set anything under "healthlake.". What is then refused is
only a WARNING to PostgreSQL, and the default remains: another region, no guard rail. Every setting
is tried from the client's startup options, in a session, in a role's and a database's settings
and in the configuration file, without preloading, with session_preload_libraries and with
shared_preload_libraries.
"""

import os
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python"), str(ROOT / "test" / "emulator")]

import client  # noqa: E402 pylint: disable=wrong-import-position
import tap as speech  # noqa: E402 pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402 pylint: disable=wrong-import-position
from session import open_session  # noqa: E402 pylint: disable=wrong-import-position
from queue_cluster import Session  # noqa: E402 pylint: disable=wrong-import-position

# for the configuration file: what differs from the default, and goes well together
FILE = {"region": "us-east-1", "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "allowed_regions": "us-east-1, us-west-2", "required_tags": "env", "max_attempts": "1",
        "audit": "off", "fence": "here"}
# a value that a client could wish for, and one that nobody may set
WISHES = {"access_key_id": ("AKIDOTHER", " AKID"), "secret_access_key": ("other", " other"),
          "session_token": ("other", " other"), "profile": ("other", None),
          "credentials_file": ("/tmp/other", None), "config_file": ("/tmp/other", None),
          "credential_sources": ("environment", "nowhere"),
          "role_arn": ("arn:aws:iam::123456789012:role/other", "other"),
          "role_external_id": ("other", None), "role_session_name": ("other", "a b"),
          "sts_endpoint_url": ("https://127.0.0.1:1", "ftp://x"),
          "endpoint_url": ("https://127.0.0.1:1", "ftp://x"), "ca_bundle": ("/tmp/other", None),
          "proxy": ("http://127.0.0.1:1", "a b"), "allowed_regions": ("", "a b"),
          "required_tags": ("", "a,,b"), "fence": ("there", None), "worker_databases": ("a", "a,,"),
          "audit_retention": ("0 days", "6"), "max_response_size": ("1MB", "0"),
          "max_request_size": ("2MB", "0"),
          "worker_count": ("2", "0"), "require_customer_key": ("on", "maybe"),
          "use_fips_endpoint": ("on", "maybe"), "use_dualstack_endpoint": ("on", "maybe"),
          "allow_credential_process": ("on", "maybe"), "autostart_worker": ("off", "maybe"),
          "tag_requests": ("on", "maybe"), "unknown_members": ("send", "maybe"),
          "audit": ("durable", "maybe"), "audit_reads": ("log", "maybe"),
          "region": ("us-west-2", "us-west-2 "),
          "connect_timeout": ("5s", "0"), "request_timeout": ("20s", "1ms"),
          "max_attempts": ("2", "0"), "max_concurrency": ("2", "0"),
          "datastore_id": ("0123456789abcdef0123456789abcdef", "x"),
          "allowed_datastores": ("0123456789abcdef0123456789abcdef", "x"),
          "require_bearer_token": ("on", "maybe")}
FREE = {"region", "connect_timeout", "request_timeout", "max_attempts", "max_concurrency",
        "datastore_id"}
CREATE = "SELECT id FROM healthlake_create_datastore('x', tags => '{\"env\": \"a\"}')"
DOORS = (CREATE, "SELECT * FROM healthlake_list_datastores()",
         "SELECT healthlake_call('ListFHIRDatastores')",
         "SELECT healthlake_describe_datastore('x')", "SELECT healthlake_wait_datastore('x')",
         "CALL healthlake_await_datastore('x')",
         "SELECT healthlake_ensure_datastore('x', tags => '{\"env\": \"a\"}')",
         "SELECT healthlake_enqueue('ListFHIRDatastores', '{}')",
         "SELECT healthlake_enqueue_create_datastore('x', tags => '{\"env\": \"a\"}')",
         "CALL healthlake_run_queue()")


def option(name, value):
    """A startup option, as libpq's "options" takes it."""
    return f"-c healthlake.{name}=" + value.replace("\\", "\\\\").replace(" ", "\\ ")


class Check:
    """All of it, on one server after the other."""

    def __init__(self):
        self.tap = speech.Tap()
        self.emulator = client.emulator()
        self.how = ""
        self.servers = 0
        self.preload = {}

    def ok(self, holds, what, *why):
        """A check of this server's."""
        self.tap.ok(holds, f"{self.how}: {what}", *why)

    def same(self, got, wanted, what):
        """A check of this server's."""
        self.tap.same(got, wanted, f"{self.how}: {what}")

    @contextmanager
    def server(self, name, **more):
        """A server with the library preloaded in some way, or not."""
        self.how = name
        ours = {**FILE, "endpoint_url": self.emulator.https, "ca_bundle": self.emulator.ca}
        given = {f"healthlake.{key}": value for key, value in ours.items()}
        given.update({key.replace("__", "."): value for key, value in more.items()})
        self.servers += 1
        with Cluster(Path(os.environ["HEALTHLAKE_WORK"]) / str(self.servers),
                     settings=given) as cluster:
            with closing(Session(cluster)) as session:
                session.run("CREATE EXTENSION healthlake; CREATE ROLE plain LOGIN;"
                            " SELECT healthlake_grant('plain', word) FROM unnest("
                            "ARRAY['read', 'create', 'manage', 'audit']) AS word")
            yield cluster

    @contextmanager
    def session(self, cluster, *statements, **where):
        """A plain role's session in which some statements were run."""
        with closing(Session(cluster, **{"user": "plain", **where})) as session:
            for statement in statements:
                session.run(statement)
            yield session

    def fails(self, session, statement=CREATE):
        """The SQLSTATE and message of a statement; None where it succeeds."""
        try:
            session.run(statement)
        except psycopg2.Error as error:
            return error.pgcode, error.diag.message_primary
        return None

    def blocked(self, session, name, what, statement=CREATE):
        """A call that is refused with the setting's name, and sends nothing."""
        before = len(self.emulator.log())
        said = self.fails(session, statement)
        self.ok(said is not None and said[0] == "55000" and f'"healthlake.{name}"' in said[1],
                what, said)
        self.same(len(self.emulator.log()), before, f"{what}, and nothing is sent")

    # ------------------------------------------------------------- startup options ---

    def client_options(self, cluster):
        """What a client says when it connects, with a library that is not there yet."""
        for name, (wish, bad) in WISHES.items():
            if name in FREE:
                with self.session(cluster, options=option(name, wish)) as session:
                    self.same(self.fails(session), None, f"{name} from the client is honoured")
                with self.session(cluster, options=option(name, bad)) as session:
                    self.blocked(session, name, f"a bad {name} from the client")
                    session.run(f"SET healthlake.{name} = '{wish}'")
                    self.same(self.fails(session), None, f"{name} is set properly")
                continue
            with self.session(cluster, options=option(name, wish)) as session:
                self.blocked(session, name, f"{name} is the superuser's")
                for statement in ("RESET ALL", "DISCARD ALL"):
                    session.run(statement)
                self.blocked(session, name, f"{name} remains so, RESET or not")
                self.same(session.state("SELECT * FROM healthlake_last_call()"), None,
                          f"{name}: last_call answers")
                rows = dict((item, (ok, detail)) for item, ok, detail in
                            session.run("SELECT * FROM healthlake_check()"))
                self.ok(rows.get("settings", (True, ""))[0] is False and
                        f'"healthlake.{name}"' in rows["settings"][1] and "AWS" not in rows,
                        f"{name}: check answers", rows)
            if bad is not None:
                with self.session(cluster, options=option(name, bad), user="postgres") as session:
                    self.blocked(session, name, f"a bad {name} from a superuser's client")
                    session.run("DISCARD ALL")
                    self.blocked(session, name, f"{name} is the file's, which DISCARD ALL hides")
        with self.session(cluster, options=option("required_tags", "")) as session:
            for door in DOORS:
                self.blocked(session, "required_tags", door, door)
            self.same(session.state("SELECT * FROM healthlake_preview('ListFHIRDatastores')"), None,
                      "preview answers")
        with self.session(cluster, options=option("max_attempts", "0")) as session:
            session.state(CREATE)
            session.run("RESET healthlake.max_attempts")
            self.blocked(session, "max_attempts", "RESET gives the default, not the file's value")
        with self.session(cluster, options=option("max_concurrency", "0")) as session:
            session.state(CREATE)
            session.run("RESET healthlake.max_concurrency")
            self.same(self.fails(session), None, "RESET of what no file has")
        with self.session(cluster, options=option("regoin", "x")) as session:
            self.blocked(session, "regoin", "a name that is none, from the client")
            session.run("DISCARD ALL")
            self.same(self.fails(session), None, "DISCARD ALL leaves it behind")

    # ------------------------------------------------------------------ a session's ---

    def session_values(self, cluster):
        """What a session has SET before it called anything."""
        for name, (wish, bad) in WISHES.items():
            value = bad if name in FREE else wish
            for cure in ("DISCARD ALL", "RESET ALL",
                         *(["RESET healthlake." + name, f"SET healthlake.{name} = '{wish}'"]
                           if name in FREE else [])):
                with self.session(cluster, f"SET healthlake.{name} = '{value}'") as session:
                    self.blocked(session, name, f"{name} that the session has SET")
                    self.blocked(session, name, f"{name} the second time")
                    session.run(cure)
                    self.same(self.fails(session), None, f"{name} after {cure}")
        with self.session(cluster, "SET healthlake.region = 'us-west-2 '") as session:
            for door in DOORS:
                self.blocked(session, "region", door, door)
        with self.session(cluster, "SET healthlake.regoin = 'us-west-2'") as session:
            self.blocked(session, "regoin", "a mistyped name")
            session.run("RESET ALL")
            self.same(self.fails(session), None, "which RESET ALL leaves behind")
        with self.session(cluster, "SET healthlake.regoin = 'x'", "RESET healthlake.regoin",
                          "SET healthlake.region = ' '", "RESET healthlake.region") as session:
            self.same(self.fails(session), None, "what was RESET before")

    def transactions(self, cluster):
        """Values that belong to transactions."""
        good, bad = "healthlake.region = 'us-west-2'", "healthlake.region = 'us-west-2 '"
        for what, statements in (
                ("SET LOCAL", ("BEGIN", f"SET LOCAL {bad}")),
                ("SET in a block", ("BEGIN", f"SET {bad}")),
                ("a good one below", (f"SET {good}", "BEGIN", f"SET LOCAL {bad}")),
                ("a good one in the same block", ("BEGIN", f"SET {good}", f"SET LOCAL {bad}")),
                ("a bad one below", (f"SET {bad}", "BEGIN", f"SET LOCAL {good}")),
                ("a bad one masked", ("BEGIN", f"SET {bad}", f"SET LOCAL {good}"))):
            with self.session(cluster, *statements) as session:
                self.blocked(session, "region", what)
                session.run("ROLLBACK")
                session.run("RESET healthlake.region")
                self.same(self.fails(session), None, f"{what}, after RESET")
        for what, statements in (
                ("good SET LOCAL", ("BEGIN", f"SET LOCAL {good}")),
                ("good SET", (f"SET {good}", "BEGIN")),
                ("good ones stacked", (f"SET {good}", "BEGIN", f"SET {good}", f"SET LOCAL {good}",
                                       "SAVEPOINT a", f"SET LOCAL {good}")),
                ("a bad one rolled back", ("BEGIN", f"SET {bad}", "ROLLBACK"))):
            with self.session(cluster, *statements) as session:
                self.same(self.fails(session), None, what)

    # ------------------------------------------------------- roles', databases', files' ---

    def stored_values(self, cluster):
        """ALTER ROLE and ALTER DATABASE by one whose session has not loaded the library."""
        for what, alter in (("the role's", "ALTER ROLE plain"),
                            ("the database's", "ALTER DATABASE postgres"),
                            ("everybody's", "ALTER ROLE ALL"),
                            ("both's", "ALTER ROLE plain IN DATABASE postgres")):
            for name, value, reset in (("region", "us-west-2 ", False),
                                       ("max_concurrency", "0", True),
                                       ("required_tags", "a,,b", False),
                                       ("allowed_regions", "a b", False), ("regoin", "x", None)):
                with self.session(cluster, user="postgres") as session:
                    session.run(f"{alter} SET healthlake.{name} = '{value}'")
                with self.session(cluster) as session:
                    self.blocked(session, name, f"{what} {name}")
                    session.run("RESET ALL")
                    if reset is False:
                        self.blocked(session, name, f"{what} {name}: RESET gives a default")
                    else:
                        self.same(self.fails(session), None, f"{what} {name} after RESET ALL")
                with self.session(cluster, user="postgres") as session:
                    session.run(f"{alter} RESET healthlake.{name}")

    def file_values(self):
        """What the configuration file has is not to be ignored either."""
        with self.server(f"{self.how}, a bad file", healthlake__allowed_regions="us east",
                         healthlake__regoin="x", **self.preload) as cluster:
            with self.session(cluster) as session:
                self.blocked(session, "allowed_regions", "a bad value")
                session.run("DISCARD ALL")
                self.blocked(session, "allowed_regions", "after DISCARD ALL")
                details = [row[0] for row in session.run(
                    "SELECT detail FROM healthlake_check() WHERE item = 'settings' AND NOT ok")]
                self.ok(len(details) == 2 and any("regoin" in detail for detail in details),
                        "check names both", details)
        self.ok("regoin" in cluster.log(), "the log has a warning of the unknown name")
        with self.server(f"{self.how}, an unknown name", healthlake__regoin="x",
                         **self.preload) as cluster:
            with self.session(cluster) as session:
                self.same(self.fails(session), None, "an unknown name in a file stops nobody")

    def not_preloaded(self, name, **preload):
        """A server whose sessions load the library after they have begun."""
        self.preload = preload
        with self.server(name, **preload) as cluster:
            self.client_options(cluster)
            if not preload:
                self.session_values(cluster)
                self.transactions(cluster)
                self.stored_values(cluster)  # a session with the library refuses to store them
        self.file_values()

    def preloaded(self):
        """A server that knows the settings before a client connects."""
        self.preload = {"shared_preload_libraries": "healthlake"}
        with self.server("shared", **self.preload) as cluster:
            for name, (wish, bad) in WISHES.items():
                for value in (wish, bad):
                    try:
                        with self.session(cluster, options=option(name, value or wish)) as session:
                            self.ok(name in FREE and value == wish and
                                    self.fails(session) is None, f"{name} = {value} is honoured")
                    except psycopg2.OperationalError as error:
                        self.ok((name not in FREE or value == bad) and "FATAL" in str(error),
                                f"{name} = {value} from the client ends the connection", error)
        self.file_values()

    def run(self):
        """Everything."""
        with closing(open_session()) as session:
            cursor = session.cursor()
            cursor.execute("LOAD 'healthlake'; SELECT name FROM pg_settings"
                           " WHERE name LIKE 'healthlake.%'")
            names = {name.split(".")[1] for name, in cursor.fetchall()}
        self.tap.ok(names <= set(WISHES), "every setting is tried", names - set(WISHES))
        self.not_preloaded("none")
        self.not_preloaded("session", session_preload_libraries="healthlake")
        self.preloaded()
        self.tap.end()


if not os.environ.get("HEALTHLAKE_WORK"):
    speech.skip_all("it needs the server of test/run")
Check().run()
