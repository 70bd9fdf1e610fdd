#!/usr/bin/python3
"""Settings of a session, a role or a database do not affect the requests of others.

Every setting of this PostgreSQL that a role can set is pinned by src/server/pinned.c, or listed
here as harmless; settings of a newer version must be added to one of them. Then a worker and a CALL
send requests although the database and the caller have hostile values of all of them. test/lint
looks after the extension's own settings.
"""

import re
import sys
import threading
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

# affects what is logged, shown or counted; src/server/quiet.c keeps it from the client
TELLING = """application_name backtrace_functions client_encoding compute_query_id
    debug_pretty_print log_* lc_messages lc_monetary lc_numeric lc_time quote_all_identifiers
    stats_fetch_consistency track_* update_process_title trace_* escape_string_warning
    md5_password_warnings"""
# affects the cost of statements
COSTING = """*_cost *_collapse_limit commit_delay commit_siblings constraint_exclusion
    cursor_tuple_fraction default_statistics_target effective_* enable_* geqo* hash_mem_multiplier
    jit_* logical_decoding_work_mem maintenance_* max_parallel_* min_parallel_* parallel_*
    recursive_worktable_factor seed temp_buffers vacuum_* wal_compression work_mem
    backend_flush_after debug_discard_caches gin_pending_list_limit io_* file_copy_method
    debug_logical_replication_streaming"""
# not used by these requests: files, large objects, text search, passwords, DDL, storage
UNUSED = """allow_in_place_tablespaces allow_system_table_mods backslash_quote check_function_bodies
    createrole_self_grant default_table_access_method default_tablespace default_text_search_config
    default_toast_compression default_with_oids dynamic_library_path event_triggers
    extension_control_path lo_compat_privileges local_preload_libraries password_encryption
    session_preload_libraries temp_file_limit temp_tablespaces timezone_abbreviations
    wal_consistency_checking wal_init_zero wal_recycle wal_skip_threshold xmlbinary
    restrict_nonsystem_relation_kind operator_precedence_warning ssl_renegotiation_limit
    icu_validation_level synchronize_seqscans composite_type_mismatch
    extension_destdir output_plugin_libraries vacuum_truncate idle_replication_slot_timeout
    send_abort_for_*"""
# for debugging by superusers, or about the client's connection
OTHER = """deadlock_timeout exit_on_error ignore_checksum_failure ignore_invalid_pages
    ignore_system_indexes max_stack_depth post_auth_delay tcp_* zero_damaged_pages
    client_connection_check_interval jit_debugging_support jit_profiling_support
    transaction_deferrable transaction_isolation transaction_read_only session_authorization
    allow_alter_system debug_deadlocks lo_* unix_socket_* wal_sender_timeout synchronous_commit
    huge_pages gss_* oauth_* scram_iterations is_superuser in_hot_standby
    debug_parallel_query force_parallel_mode"""
HOSTILE = {
    "statement_timeout": "1ms", "lock_timeout": "1ms", "idle_in_transaction_session_timeout": "1ms",
    "idle_session_timeout": "0", "transaction_timeout": "1ms",
    "default_transaction_isolation": "serializable", "default_transaction_deferrable": "on",
    "search_path": "nowhere", "row_security": "off", "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard", "timezone": "Pacific/Kiritimati", "bytea_output": "escape",
    "array_nulls": "off", "standard_conforming_strings": "off", "transform_null_equals": "on",
    "enable_indexscan": "off", "enable_bitmapscan": "off", "plan_cache_mode": "force_custom_plan",
    "synchronous_commit": "off", "exit_on_error": "on", "xmloption": "document",
    "extra_float_digits": "-15", "session_replication_role": "replica",
    "client_min_messages": "debug5", "debug_print_plan": "on", "gin_fuzzy_search_limit": "1"}
CREATE = "SELECT healthlake_enqueue_create_datastore(%s)"
AGE = "UPDATE healthlake_request SET run_after = run_after - interval '61 s' WHERE id = %s"

tap = Tap()


def patterns():
    """The harmless settings, as one regular expression."""
    words = " ".join((TELLING, COSTING, UNUSED, OTHER)).split()
    return re.compile("|".join(f"(?:{re.escape(word)})".replace(r"\*", ".*") for word in words))


def test_list(session):
    """Every setting is pinned or harmless."""
    source = (HERE.parent.parent / "src/server/pinned.c").read_text(encoding="utf-8")
    pinned = set(re.findall(r'^\t\{"([a-z_]+)", "', source, re.M))
    tap.ok(len(pinned) > 20, "the table of pinned settings can be read", len(pinned))
    names = [row[0] for row in session.run(
        "SELECT lower(name) FROM pg_settings WHERE context IN ('user', 'superuser', 'backend',"
        " 'superuser-backend') AND name !~ '^(healthlake|plpgsql)\\.' ORDER BY 1")]
    harmless = patterns()
    tap.same([name for name in names if name not in pinned and not harmless.fullmatch(name)], [],
             f"each of {len(names)} settings is pinned, or known to be harmless")


def test_hostile(cluster, session):
    """Requests are sent despite hostile settings."""
    known = {row[0] for row in session.run("SELECT name FROM pg_settings")}
    hostile = {name: value for name, value in HOSTILE.items() if name in {n.lower() for n in known}}
    session.run("CREATE TABLE enqueued (n int)")
    session.run("CREATE ROLE other")
    for name, value in {**hostile, "role": "other"}.items():
        session.run(f"ALTER DATABASE postgres SET {name} = '{value}'")
    session.run("GRANT ALL ON SCHEMA public TO other")
    session.run("GRANT other TO postgres")
    for number in range(3):
        session.run(CREATE, f"worker {number}")
    session.run("ALTER SYSTEM SET healthlake.worker_databases = 'postgres'")
    session.run("SELECT pg_reload_conf()")
    tap.ok(until(lambda: session.one(OPEN) == 0), "a worker sends with a hostile database",
           cluster.log()[-2000:])
    session.run("ALTER SYSTEM SET healthlake.worker_databases = ''")
    session.run("SELECT pg_reload_conf()")
    session.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'healthlake worker'")
    for name in (*hostile, "role"):
        session.run(f"ALTER DATABASE postgres RESET {name}")
    for number in range(3):
        session.run(CREATE, f"CALL {number}")
    with closing(Session(cluster)) as caller:
        for name, value in hostile.items():
            if name not in ("statement_timeout", "exit_on_error", "search_path",
                            "transaction_timeout"):
                caller.run(f"SET {name} = '{value}'")
        for name in ("transaction_timeout", "statement_timeout"):
            if name in hostile:
                caller.run(f"SET {name} = '200 ms'")
        try:
            caller.run("CALL healthlake_run_queue()")
            said = None
        except psycopg2.Error as error:
            said = str(error)
        tap.same(said, None, "a CALL of a hostile session ends well")
    tap.same(session.one(OPEN), 0, "it has sent the request")
    tap.same(session.run("SELECT state, count(*) FROM healthlake_request GROUP BY 1"),
             [("succeeded", 6)], "all have succeeded")


def test_deciding(cluster, session):
    """Guard rails and timeouts that only the caller has set."""
    for setting in ("required_tags = 'x'", "allowed_regions = 'eu-west-2'",
                    "request_timeout = '1 s'", "require_customer_key = on", "fence = 'other'"):
        with closing(Session(cluster)) as caller:
            caller.run(f"SET healthlake.{setting}")
            tap.same(caller.state("CALL healthlake_run_queue()"), "55000",
                     f"a CALL is refused with {setting} of the session")
    session.run("CREATE ROLE careful LOGIN")
    session.run("SELECT healthlake_grant('careful', 'manage')")
    session.run("ALTER ROLE careful SET healthlake.required_tags = 'x'")
    with closing(Session(cluster, user="careful")) as caller:
        tap.same(caller.state("CALL healthlake_run_queue()"), "55000",
                 "a CALL is refused with required_tags of the role")
    session.run("ALTER ROLE careful RESET healthlake.required_tags")
    session.run("ALTER ROLE careful SET healthlake.max_request_size = '1kB'")
    tags = ", ".join(f'{{"Key": "ward-{number}", "Value": "{"x" * 40}"}}' for number in range(30))
    session.run("SELECT healthlake_enqueue('CreateFHIRDatastore', %s)",
                f'{{"DatastoreTypeVersion": "R4", "Tags": [{tags}]}}')
    with closing(Session(cluster, user="careful")) as caller:
        tap.same(caller.state("CALL healthlake_run_queue()"), "55000",
                 "a CALL is refused with max_request_size of the role")
    session.run("CALL healthlake_run_queue()")
    tap.same(session.run("SELECT DISTINCT state FROM healthlake_request"), [("succeeded",)],
             "which fails no request of another role")


def test_audit(cluster, session):
    """A caller without an audit trail of its own leaves that of the queue."""
    request = session.one(CREATE, "audited")
    with closing(Session(cluster)) as caller:
        caller.run("SET healthlake.audit = off")
        caller.run("SET healthlake.audit_reads = off")
        caller.run("CALL healthlake_run_queue()")
    tap.same(session.run("SELECT event FROM healthlake_event WHERE request_id = %s ORDER BY id",
                         request), [("enqueued",), ("sent",), ("replied",)],
             "a CALL with healthlake.audit = off records what it sends")


def test_nobody(cluster, session):
    """healthlake_check() says that nobody runs a queue with requests that are due."""
    rows = "SELECT detail FROM healthlake_check() WHERE item = 'nobody runs the queue' AND NOT ok"
    session.run(CREATE, "just enqueued")
    tap.same(session.run(rows), [], "a request that is due for less than a minute")
    session.run(AGE.replace("-", "+"), session.one(CREATE, "later"))
    tap.same(session.run(rows), [], "one that is not due")
    session.run(AGE, session.one(CREATE, "late"))
    told = session.run(rows)
    tap.ok(len(told) == 1 and told[0][0].startswith("1 requests"), "one that is due", told)

    def run_queue():
        with closing(Session(cluster)) as caller:
            caller.run("CALL healthlake_run_queue()")

    runner = threading.Thread(target=run_queue)
    runner.start()
    until(lambda: session.one("SELECT count(*) FROM healthlake_request WHERE state = 'running'"))
    tap.same(session.run(rows), [], "a session runs the queue")
    runner.join(30)
    tap.same(session.one(OPEN), 1, "it has sent what was due")
    session.run("SET healthlake.fence = 'other'")
    session.run(AGE, session.one(CREATE, "late"))
    tap.same(len(session.run(rows)), 1, "a request of this fence")
    session.run("RESET healthlake.fence")
    tap.same(session.run(rows), [], "one of another fence")


def hint_of(session, statement):
    """The HINT of an error."""
    try:
        session.run(statement)
    except psycopg2.Error as error:
        return error.diag.message_hint or ""
    return "no error"


def test_hints(cluster):
    """No HINT has a secret put where every role can read it."""
    for setting in ("secret_access_key", "session_token", "access_key_id", "proxy"):
        with closing(Session(cluster)) as caller:
            caller.run(f"SET healthlake.{setting} = 'http://x'")
            for statement in (CREATE.replace("%s", "'x'"), "CALL healthlake_run_queue()"):
                hint = hint_of(caller, statement)
                tap.ok("RESET it here" in hint and "ALTER DATABASE" not in hint,
                       f"the HINT about {setting} of {statement.split()[0]}", hint)
    with closing(Session(cluster)) as caller:
        caller.run("SET healthlake.profile = 'x'")
        hint = hint_of(caller, CREATE.replace("%s", "'x'"))
        tap.ok("ALTER DATABASE" in hint, "the HINT about a setting without a secret", hint)


def main():
    """All checks."""
    emulator = client.emulator()
    emulator.next(operation="CreateFHIRDatastore", delay=1, times="always")
    cluster = queue_cluster.make(emulator, healthlake__autostart_worker="off")
    with cluster, closing(Session(cluster)) as session:
        session.run("CREATE EXTENSION healthlake")
        test_list(session)
        test_hostile(cluster, session)
        test_deciding(cluster, session)
        test_audit(cluster, session)
        test_nobody(cluster, session)
        test_hints(cluster)
    emulator.stop()
    tap.end()


main()
