#!/usr/bin/python3
"""What a session, a role or a database has SET does not decide about the requests of others.

Every setting of this PostgreSQL that a role may have is pinned by src/server/pinned.c, or is
listed here as harmless: one that a newer version brings has to be put into either. Then a worker
and a CALL send requests although the database and the caller have hostile values of all of them.
"""

import re
import sys
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "emulator")]

import psycopg2  # noqa: E402  pylint: disable=wrong-import-position
import client  # noqa: E402  pylint: disable=wrong-import-position
import queue_cluster  # noqa: E402  pylint: disable=wrong-import-position
from queue_cluster import OPEN, Session, until  # noqa: E402  pylint: disable=C0413
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position

# what changes what is logged, shown or counted, and what a client is told
TELLING = """application_name backtrace_functions client_encoding client_min_messages
    compute_query_id debug_pretty_print debug_print_parse debug_print_plan debug_print_rewritten
    log_* lc_messages lc_monetary lc_numeric lc_time quote_all_identifiers stats_fetch_consistency
    track_* update_process_title trace_* escape_string_warning md5_password_warnings
    debug_print_raw_parse"""
# what makes a statement cost more or less
COSTING = """*_cost *_collapse_limit commit_delay commit_siblings constraint_exclusion
    cursor_tuple_fraction default_statistics_target effective_* enable_* geqo* hash_mem_multiplier
    jit_* logical_decoding_work_mem maintenance_* max_parallel_* min_parallel_* parallel_*
    recursive_worktable_factor seed temp_buffers vacuum_* wal_compression work_mem
    backend_flush_after debug_discard_caches gin_* io_* file_copy_method
    debug_logical_replication_streaming"""
# what such a request does not use: files, large objects, text search, passwords, DDL, storage
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
# what only a superuser may set, for finding faults, or that ends with the client's connection
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
    "extra_float_digits": "-15", "session_replication_role": "replica"}
CREATE = "SELECT healthlake_enqueue_create_datastore(%s)"

tap = Tap()


def patterns():
    """What is harmless, as one expression."""
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
    """Requests go out all the same."""
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
    tap.same(session.one(OPEN), 0, "and has sent")
    tap.same(session.run("SELECT state, count(*) FROM healthlake_request GROUP BY 1"),
             [("succeeded", 6)], "all have succeeded")


def test_deciding(cluster, session):
    """Guard rails and timeouts of the caller's own."""
    for setting in ("required_tags = 'x'", "allowed_regions = 'eu-west-2'",
                    "request_timeout = '1 s'", "require_customer_key = on"):
        with closing(Session(cluster)) as caller:
            caller.run(f"SET healthlake.{setting}")
            tap.same(caller.state("CALL healthlake_run_queue()"), "55000",
                     f"a CALL is refused with {setting} of the session's")
    session.run("CREATE ROLE careful LOGIN")
    session.run("SELECT healthlake_grant('careful', 'manage')")
    session.run("ALTER ROLE careful SET healthlake.required_tags = 'x'")
    with closing(Session(cluster, user="careful")) as caller:
        tap.same(caller.state("CALL healthlake_run_queue()"), "55000",
                 "and with required_tags of its role's")


def main():
    """All of it."""
    emulator = client.emulator()
    emulator.next(operation="CreateFHIRDatastore", delay=1, times="always")
    cluster = queue_cluster.make(emulator, healthlake__autostart_worker="off")
    with cluster, closing(Session(cluster)) as session:
        session.run("CREATE EXTENSION healthlake")
        test_list(session)
        test_hostile(cluster, session)
        test_deciding(cluster, session)
    emulator.stop()
    tap.end()


main()
