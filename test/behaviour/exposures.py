"""Verifies doc/credentials.md on who can read a secret, and that healthlake_check() reports the
same.

It covers configuration files of every mode, with the library preloaded everywhere, only in
sessions, or not at all; settings of roles and databases; the texts of statements; and the password
of a proxy.
"""

import os
import sys
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "test" / "python"), str(ROOT / "test" / "emulator")]

import client  # noqa: E402 pylint: disable=wrong-import-position
import tap as speech  # noqa: E402 pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402 pylint: disable=wrong-import-position
from queue_cluster import Session  # noqa: E402 pylint: disable=wrong-import-position

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEYS = f"healthlake.access_key_id = 'AKIDEXAMPLE'\nhealthlake.secret_access_key = '{SECRET}'\n"
PROXY = "http://user:hunter2@127.0.0.1:1"


class Check:
    """All checks, on one server after the other."""

    def __init__(self):
        self.tap = speech.Tap()
        self.emulator = client.emulator()
        self.servers = 0

    @contextmanager
    def server(self, libraries, lines=""):
        """A server whose configuration file only it can read."""
        self.servers += 1
        cluster = Cluster(Path(os.environ["HEALTHLAKE_WORK"]) / str(self.servers), settings={
            **libraries, "healthlake.endpoint_url": self.emulator.https,
            "healthlake.ca_bundle": self.emulator.ca, "healthlake.region": "us-east-1",
            "healthlake.max_attempts": "1"})
        (cluster.folder / "cluster" / "more").mkdir()
        cluster.configure(lines)
        with cluster:
            with closing(Session(cluster)) as session:
                session.run("CREATE EXTENSION healthlake; CREATE ROLE auditor LOGIN;"
                            " CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor;"
                            " SELECT healthlake_grant('auditor', 'audit')")
            yield cluster

    @staticmethod
    def found(cluster, item, user="postgres", before=()):
        """The result of healthlake_check() for an item: ok, and the details."""
        with closing(Session(cluster, user=user)) as session:
            for statement in before:
                session.run(statement)
            rows = session.run("SELECT ok, detail FROM healthlake_check() WHERE item = %s", item)
        return all(ok for ok, _ in rows), " ".join(detail for _, detail in rows)

    def tells(self, cluster, well, pattern, what, **how):
        """Checks that healthlake_check() reports an item."""
        item = how.pop("item", "secrets in files")
        ok, details = self.found(cluster, item, **how)
        self.tap.ok(ok is well and pattern in details, what, item, ok, details)
        self.tap.ok(SECRET not in details and "hunter2" not in details, f"{what}, without it")

    def files(self):
        """Modes of configuration files."""
        everywhere = {"shared_preload_libraries": "healthlake"}
        with self.server(everywhere, KEYS + "include_dir 'more'") as cluster:
            own = cluster.folder / "cluster" / "postgresql.conf"
            more = cluster.folder / "cluster" / "more"
            for user in ("postgres", "auditor"):
                own.chmod(0o600)
                self.tells(cluster, True, "none", f"a private file, to {user}", user=user)
                for mode in (0o640, 0o644, 0o604):
                    own.chmod(mode)
                    self.tells(cluster, False, f"mode {mode:04o}", f"{mode:o}, to {user}",
                               user=user)
            own.chmod(0o600)
            (more / "proxy.conf").write_text(f"healthlake.proxy = '{PROXY}'\n", encoding="utf-8")
            (more / "proxy.conf").chmod(0o644)
            self.tells(cluster, False, "proxy.conf", "a proxy's password in a file of its own")
            (more / "proxy.conf").write_text("healthlake.proxy = 'http://127.0.0.1:1'\n",
                                             encoding="utf-8")
            self.tells(cluster, True, "none", "a proxy without a password is no secret")
        for name in ("session_token", "bearer_token"):
            with self.server(everywhere, f"healthlake.{name} = '{SECRET}'") as cluster:
                own = cluster.folder / "cluster" / "postgresql.conf"
                for user in ("postgres", "auditor"):
                    own.chmod(0o644)
                    self.tells(cluster, False, "mode 0644", f"{name}, to {user}", user=user)
                    own.chmod(0o600)
                    self.tells(cluster, True, "none", f"{name}, private, to {user}", user=user)
        with self.server(everywhere, f"healthlake.proxy = '{PROXY}'") as cluster:
            (cluster.folder / "cluster" / "postgresql.conf").chmod(0o644)
            for user in ("postgres", "auditor"):
                self.tells(cluster, False, "mode 0644", f"a proxy, to {user}", user=user)
        for libraries in ({}, {"session_preload_libraries": "healthlake"}):
            with self.server(libraries, KEYS) as cluster:
                self.tells(cluster, False, "shared_preload_libraries",
                           f"a private file with {libraries}")

    def proxy(self):
        """The password of a proxy in the configuration file."""
        with self.server({"shared_preload_libraries": "healthlake"},
                         f"healthlake.proxy = '{PROXY}'") as cluster:
            for user in ("monitor", "postgres"):
                with closing(Session(cluster, user=user)) as session:
                    shown = session.run("SELECT s::text FROM pg_settings s")
                    shown += session.run("SELECT s::text FROM pg_show_all_settings() s")
                    shown += session.run("SHOW ALL") + session.run("SHOW healthlake.proxy")
                    self.tap.ok(shown and "hunter2" not in str(shown),
                                f"{user} does not see a proxy's password")
        with self.server({}, f"healthlake.proxy = '{PROXY}'") as cluster:
            self.tells(cluster, False, "shared_preload_libraries",
                       "a proxy's password without preloading")

    def catalogs(self):
        """ALTER ROLE and ALTER DATABASE."""
        with self.server({"shared_preload_libraries": "healthlake"}) as cluster:
            for alter, where in (("ALTER ROLE auditor", "role auditor"),
                                 ("ALTER DATABASE postgres", "database postgres"),
                                 ("ALTER ROLE auditor IN DATABASE postgres",
                                  "role and database auditor, postgres")):
                for name, value in (("secret_access_key", SECRET), ("bearer_token", SECRET),
                                    ("proxy", PROXY)):
                    with closing(Session(cluster)) as session:
                        session.run(f"{alter} SET healthlake.{name} = '{value}'")
                    self.tells(cluster, False, f"healthlake.{name} is in a setting of {where}",
                               f"{alter} SET {name}", item="exposed secret")
                    with closing(Session(cluster)) as session:
                        session.run(f"{alter} RESET healthlake.{name}")

    def statements(self):
        """Where the text of a statement is kept."""
        typed = f"SET healthlake.secret_access_key = '{SECRET}'"
        item = "secrets in statements"
        with self.server({"shared_preload_libraries": "healthlake"}) as cluster:
            self.tells(cluster, True, "pg_stat_activity", "no pg_stat_statements", item=item)
            with closing(Session(cluster)) as session, closing(Session(cluster)) as other, \
                    closing(Session(cluster, user="monitor")) as monitor:
                session.run(typed)
                texts = "SELECT query FROM pg_stat_activity WHERE query LIKE 'SET healthlake.%'"
                for who, reader in (("its own role", other), ("pg_monitor", monitor)):
                    self.tap.ok(SECRET in str(reader.run(texts)),
                                f"{who} can read the text in pg_stat_activity, as documented")
                session.run("SELECT 1")
                self.tap.same(monitor.run(texts), [], "until the next statement of the session")
        with self.server({"shared_preload_libraries": "healthlake, pg_stat_statements"}) as cluster:
            with closing(Session(cluster)) as session:
                session.run("CREATE SCHEMA stat; CREATE EXTENSION pg_stat_statements SCHEMA stat;"
                            " GRANT USAGE ON SCHEMA stat TO monitor, auditor")
                session.run("SET healthlake.secret_access_key = ''")
            self.tells(cluster, True, "pg_stat_statements", "none is kept", item=item)
            with closing(Session(cluster)) as session:
                session.run(typed)
            kept = self.kept_text(cluster)
            self.tells(cluster, not kept, "pg_stat_statements", "one that is kept", item=item)
            self.tells(cluster, True, "pg_stat_statements", "one that another role cannot see",
                       item=item, user="auditor")
            self.forms(cluster, kept)

    def forms(self, cluster, kept):
        """The statements with a secret."""
        item = "secrets in statements"
        for statement, secret in (
                (f"SET healthlake.bearer_token = '{SECRET}'", kept),
                (f"SET healthlake.session_token TO '{SECRET}'", kept),
                (f"SET LOCAL \"healthlake\".\"bearer_token\" = '{SECRET}'", kept),
                (f"SET healthlake.bearer_token=E'{SECRET}'", kept),
                (f"SET healthlake.proxy = '{PROXY}'", kept),
                (f"DO $$BEGIN PERFORM set_config('healthlake.bearer_token', '{SECRET}', true);"
                 " END$$", True),
                ("SET healthlake.proxy = 'http://127.0.0.1:1'", False),
                ("SET healthlake.bearer_token = DEFAULT", False),
                ("SET healthlake.bearer_token TO ''", False),
                ("DO $$BEGIN PERFORM current_setting('healthlake.bearer_token', true); END$$",
                 False)):
            with closing(Session(cluster)) as session:
                session.run("SELECT stat.pg_stat_statements_reset()")
                session.run(statement)
            self.tells(cluster, not secret, "pg_stat_statements", statement[:50], item=item)

    def kept_text(self, cluster):
        """
        Whether this version of PostgreSQL keeps the value; doc/credentials.md says that some do.
        """
        with closing(Session(cluster, user="monitor")) as session:
            kept = SECRET in str(session.run("SELECT query FROM stat.pg_stat_statements"))
            version = session.one("SELECT current_setting('server_version_num')::int")
        self.tap.same(kept, version < 180000, "pg_stat_statements keeps the value before 18")
        return kept

    def run(self):
        """All checks."""
        self.files()
        self.proxy()
        self.catalogs()
        self.statements()
        self.tap.end()


if not os.environ.get("HEALTHLAKE_WORK"):
    speech.skip_all("it needs the server of test/run")
Check().run()
