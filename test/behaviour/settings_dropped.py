"""If PostgreSQL drops a setting when the library is loaded, no call is made without it.

Before the library is loaded any user can set anything under "healthlake.". For a refused value
PostgreSQL only raises a WARNING, and the default remains: another region, or no guard rail. Every
setting is tried in the client's startup options, in a session, in settings of a role and a
database, and in the configuration file; without preloading, with session_preload_libraries, and
with shared_preload_libraries.
"""

import os
import sys
import time
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

# for the configuration file: compatible values that differ from the defaults
FILE = {"region": "us-east-1", "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "allowed_regions": "us-east-1, us-west-2", "required_tags": "env", "max_attempts": "1",
        "audit": "off", "fence": "here"}
# a value that a client might want, and an invalid one
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
SERVERS = {"worker_databases", "worker_count", "allow_credential_process"}
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
    """A startup option for libpq's "options"."""
    return f"-c healthlake.{name}=" + value.replace("\\", "\\\\").replace(" ", "\\ ")


class Check:
    """All checks, on one server after the other."""

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
        """A session of an ordinary role in which some statements were run."""
        with closing(Session(cluster, **{"user": "plain", **where})) as session:
            for statement in statements:
                session.run(statement)
            yield session

    def fails(self, session, statement=CREATE):
        """The SQLSTATE and message of a statement; None if it succeeds."""
        try:
            session.run(statement)
        except psycopg2.Error as error:
            return error.pgcode, error.diag.message_primary
        return None

    def blocked(self, session, name, what, statement=CREATE):
        """Checks that a call is refused with the setting's name, and sends nothing."""
        before = len(self.emulator.log())
        said = self.fails(session, statement)
        self.ok(said is not None and said[0] == "55000" and f'"healthlake.{name}"' in said[1],
                what, said)
        self.same(len(self.emulator.log()), before, f"{what}, and nothing is sent")

    def advises(self, session, name):
        """Checks that the HINT of a refused call says only what this role can do."""
        try:
            session.run(CREATE)
            hint = None
        except psycopg2.Error as error:
            hint = error.diag.message_hint
        self.ok(hint is not None and "RESET ALL" in hint and
                ("or RESET it" in hint) == (name in FREE),
                f"{name}: the HINT can be followed", hint)
        if name not in FREE:
            self.same((self.fails(session, f"RESET healthlake.{name}") or "?")[0],
                      "55P02" if name in SERVERS else "42501", f"{name} cannot be RESET alone")

    # ------------------------------------------------------------- startup options ---

    def client_options(self, cluster):
        """Startup options of a client, before the library is loaded."""
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
                          f"{name}: healthlake_last_call() works")
                rows = dict((item, (ok, detail)) for item, ok, detail in
                            session.run("SELECT * FROM healthlake_check()"))
                self.ok(rows.get("settings", (True, ""))[0] is False and
                        f'"healthlake.{name}"' in rows["settings"][1] and "AWS" not in rows,
                        f"{name}: healthlake_check() works", rows)
            if bad is not None:
                with self.session(cluster, options=option(name, bad), user="postgres") as session:
                    self.blocked(session, name, f"a bad {name} from a superuser's client")
                    session.run("DISCARD ALL")
                    self.blocked(session, name, f"{name} is the file's, which DISCARD ALL hides")
        with self.session(cluster, options=option("required_tags", "")) as session:
            for door in DOORS:
                self.blocked(session, "required_tags", door, door)
            self.same(session.state("SELECT * FROM healthlake_preview('ListFHIRDatastores')"), None,
                      "healthlake_preview() works")
        with self.session(cluster, options=option("max_attempts", "0")) as session:
            session.state(CREATE)
            session.run("RESET healthlake.max_attempts")
            self.blocked(session, "max_attempts", "RESET gives the default, not the file's value")
        with self.session(cluster, options=option("max_concurrency", "0")) as session:
            session.state(CREATE)
            session.run("RESET healthlake.max_concurrency")
            self.same(self.fails(session), None, "RESET of a setting that is in no file")
        with self.session(cluster, options=option("regoin", "x")) as session:
            self.blocked(session, "regoin", "a name that is none, from the client")
            session.run("DISCARD ALL")
            self.same(self.fails(session), None, "calls work after DISCARD ALL")

    # ------------------------------------------------------------------ a session's ---

    def session_values(self, cluster):
        """Values that a session has SET before its first call."""
        for name, (wish, bad) in WISHES.items():
            value = bad if name in FREE else wish
            for cure in ("DISCARD ALL", "RESET ALL",
                         *(["RESET healthlake." + name, f"SET healthlake.{name} = '{wish}'"]
                           if name in FREE else [])):
                with self.session(cluster, f"SET healthlake.{name} = '{value}'") as session:
                    self.blocked(session, name, f"{name} that the session has SET")
                    self.blocked(session, name, f"{name} the second time")
                    self.advises(session, name)
                    session.run(cure)
                    self.same(self.fails(session), None, f"{name} after {cure}")
        with self.session(cluster, "SET healthlake.region = 'us-west-2 '") as session:
            for door in DOORS:
                self.blocked(session, "region", door, door)
        with self.session(cluster, "SET healthlake.regoin = 'us-west-2'") as session:
            self.blocked(session, "regoin", "a mistyped name")
            session.run("RESET ALL")
            self.same(self.fails(session), None, "calls work after RESET ALL")
        with self.session(cluster, "SET healthlake.regoin = 'x'", "RESET healthlake.regoin",
                          "SET healthlake.region = ' '", "RESET healthlake.region") as session:
            self.same(self.fails(session), None, "a value that was RESET before")

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
        """ALTER ROLE and ALTER DATABASE in a session that has not loaded the library."""
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
        """Values of the configuration file must not be ignored either."""
        with self.server(f"{self.how}, a bad file", healthlake__allowed_regions="us east",
                         healthlake__regoin="x", **self.preload) as cluster:
            with self.session(cluster) as session:
                self.blocked(session, "allowed_regions", "a bad value")
                session.run("DISCARD ALL")
                self.blocked(session, "allowed_regions", "after DISCARD ALL")
                details = [row[0] for row in session.run(
                    "SELECT detail FROM healthlake_check() WHERE item = 'settings' AND NOT ok")]
                self.ok(len(details) == 2 and any("regoin" in detail for detail in details),
                        "healthlake_check() names both", details)
        self.ok("regoin" in cluster.log(), "the log has a warning of the unknown name")
        with self.server(f"{self.how}, an unknown name", healthlake__regoin="x",
                         **self.preload) as cluster:
            with self.session(cluster) as session:
                self.same(self.fails(session), None,
                          "an unknown name in a file does not prevent calls")

    def cures(self, settled):
        """What permits calls again after a bad value in the configuration file."""
        bad = "healthlake.allowed_regions = 'us_east_1'"
        good = "healthlake.allowed_regions = 'us-east-1'"
        with self.server(f"{self.how.partition(',')[0]}, a bad value that is cured",
                         **{**self.preload, "healthlake__allowed_regions": "us_east_1"}) as cluster:
            with self.session(cluster) as session:
                self.blocked(session, "allowed_regions", "a bad value")
                try:
                    session.run(CREATE)
                except psycopg2.Error as error:
                    self.ok("restart" in (error.diag.message_hint or ""), "the HINT says how",
                            error.diag.message_hint)
                self.replace(cluster, bad, "")
                self.blocked(session, "allowed_regions", "a bad value that was removed")
            with self.session(cluster) as session:
                if settled:
                    self.blocked(session, "allowed_regions", "it, in a new session")
                else:
                    self.same(self.fails(session), None, "a new session makes calls")
            self.replace(cluster, "", good)
            with self.session(cluster) as session:
                self.same(self.fails(session), None, "a valid value and a reload")
            self.replace(cluster, good, bad)
            cluster.stop()
            cluster.start()
            with self.session(cluster) as session:
                self.blocked(session, "allowed_regions", "a bad value, once more")
                self.replace(cluster, bad, good)
                self.same(self.fails(session), None,
                          "a valid value and a reload, in the same session")
            self.replace(cluster, good, bad)
            cluster.stop()
            cluster.start()
            self.replace(cluster, bad, "")
            cluster.stop()
            cluster.start()
            with self.session(cluster) as session:
                self.same(self.fails(session), None, "removal and a restart")

    @staticmethod
    def replace(cluster, old, new):
        """Replaces a line of the configuration, or adds one, and reloads it."""
        path = cluster.folder / "cluster" / "postgresql.conf"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, new) if old else f"{text}\n{new}\n", encoding="utf-8")
        with closing(Session(cluster)) as session:
            session.run("SELECT pg_reload_conf()")
            time.sleep(0.5)

    def reloaded(self):
        """Faults of the configuration file that a reload has found."""
        lines = ("healthlake.regoin = 'us-east-1'", "healthlake.max_attempts = 99",
                 "healthlake.secret_access_key = ' hush'", "Healthlake.Audit = 'maybe'")
        with self.server(f"{self.how.partition(',')[0]}, reloaded", **self.preload) as cluster:
            rows = "SELECT ok, detail FROM healthlake_check() WHERE item = 'configuration file'"
            with self.session(cluster, user="postgres") as admin, self.session(cluster) as plain:
                self.same(self.fails(admin), None, "a call")
                self.same(admin.run(rows), [], "no row without a fault")
                self.replace(cluster, "", "\n".join(lines))
                found = admin.run(rows)
                self.same([row[0] for row in found], [False] * 4, "a row for each fault")
                for line in lines:
                    self.ok(any(f'"{line.split()[0]}"' in row[1] for row in found),
                            f"a row names {line.split()[0]}", found)
                self.ok("hush" not in str(found), "no row has a secret", found)
                self.same(plain.run(rows), [], "an ordinary role has no such row")
                admin.run("GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO plain")
                self.same(plain.run(rows), [], "nor one that may not read the view")
                admin.run("GRANT SELECT ON pg_file_settings TO plain")
                self.same(len(plain.run(rows)), 4, "a role that may read pg_file_settings has")

    def not_preloaded(self, name, **preload):
        """A server whose sessions load the library at first use."""
        self.preload = preload
        with self.server(name, **preload) as cluster:
            self.client_options(cluster)
            if not preload:
                self.session_values(cluster)
                self.transactions(cluster)
                self.stored_values(cluster)  # a session with the library refuses to store them
        self.file_values()
        if not preload:
            self.cures(settled=False)
            self.reloaded()

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
                                f"{name} = {value} from the client is refused at connection", error)
        self.file_values()
        self.cures(settled=True)
        self.reloaded()

    def keys_of_previews(self):
        """A preview for which keys would have to be requested: only where a call would be made."""
        preview = "SELECT url FROM healthlake_preview('ListFHIRDatastores')"
        hidden = preview.replace("url", "headers->>'Authorization' ~ 'Credential=[*]+/[0-9]+/',"
                                 " headers->>'X-Amz-Security-Token' ~ '^[*]+$'")
        with self.server("a role", healthlake__sts_endpoint_url=self.emulator.https,
                         healthlake__role_arn="arn:aws:iam::123456789012:role/a") as cluster:
            for name, wish in (("sts_endpoint_url", "https://127.0.0.1:1"), ("required_tags", "")):
                with self.session(cluster, options=option(name, wish)) as session:
                    before = len(self.emulator.log())
                    self.same(session.state(hidden), None, f"a preview without the file's {name}")
                    self.same(session.run(hidden), [(True, True)], "has the mask for keys")
                    self.same(len(self.emulator.log()), before, "and requests none")
            with self.session(cluster, user="postgres") as session:
                for function in ("preview('ListFHIRDatastores')", "check()"):
                    session.run(f"CREATE MATERIALIZED VIEW shown AS SELECT * FROM"
                                f" healthlake_{function} WITH NO DATA;"
                                " ALTER MATERIALIZED VIEW shown OWNER TO plain")
                    before = len(self.emulator.log())
                    said = self.fails(session, "REFRESH MATERIALIZED VIEW shown")
                    self.ok(said is not None and said[0] == "0A000",
                            f"{function} in another role's restricted operation", said)
                    self.same(len(self.emulator.log()), before,
                              f"{function} there requests no keys")
                    session.run("DROP MATERIALIZED VIEW shown")
            with self.session(cluster) as session:
                self.same(self.fails(session, preview), None, "a preview with all settings")
                self.same([one["operation"] for one in self.emulator.log()[-1:]], ["AssumeRole"],
                          "requests keys")

    def run(self):
        """All checks."""
        with closing(open_session()) as session:
            cursor = session.cursor()
            cursor.execute("LOAD 'healthlake'; SELECT name FROM pg_settings"
                           " WHERE name LIKE 'healthlake.%'")
            names = {name.split(".")[1] for name, in cursor.fetchall()}
        self.tap.ok(names <= set(WISHES), "every setting is tried", names - set(WISHES))
        self.not_preloaded("none")
        self.not_preloaded("session", session_preload_libraries="healthlake")
        self.preloaded()
        self.keys_of_previews()
        self.tap.end()


if not os.environ.get("HEALTHLAKE_WORK"):
    speech.skip_all("it needs the server of test/run")
Check().run()
