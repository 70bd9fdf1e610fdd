/*
 * pinned.c
 *	  The table of pinned settings, and how it is applied.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/guc.h"
#include "utils/timeout.h"

#include "server/pinned.h"

/* A setting that this version of PostgreSQL does not have is skipped. */
static const struct
{
	const char *name;
	const char *value;
} pinned[] = {
	/* role and search path */
	{"role", "none"},
	{"search_path", "pg_catalog, pg_temp"},
	{"row_security", "on"},
	{"session_replication_role", "origin"},
	{"restrict_nonsystem_relation_kind", ""},
	/* transactions */
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_deferrable", "off"},
	{"exit_on_error", "off"},
	/* messages to the client, and values of others' requests in the log */
	{"client_min_messages", "error"},
	{"debug_print_raw_parse", "off"},
	{"debug_print_parse", "off"},
	{"debug_print_rewritten", "off"},
	{"debug_print_plan", "off"},
	/* timeouts */
	{"statement_timeout", "0"},
	{"lock_timeout", "0"},
	{"transaction_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
	{"idle_session_timeout", "0"},
	/* formats */
	{"datestyle", "ISO, MDY"},
	{"intervalstyle", "postgres"},
	{"timezone", "UTC"},
	{"bytea_output", "hex"},
	{"extra_float_digits", "1"},
	{"xmloption", "content"},
	{"array_nulls", "on"},
	{"standard_conforming_strings", "on"},
	{"transform_null_equals", "off"},
	/* a search of a GIN index returns all it finds */
	{"gin_fuzzy_search_limit", "0"},
	/* planning: short statements that use indexes */
	{"enable_bitmapscan", "on"},
	{"enable_indexscan", "on"},
	{"enable_seqscan", "on"},
	{"enable_sort", "on"},
	{"enable_nestloop", "on"},
	{"plan_cache_mode", "auto"},
	{"jit", "off"},
	{"force_parallel_mode", "off"},
	{"debug_parallel_query", "off"},
	{"max_parallel_workers_per_gather", "0"},
};

/* Whether this version has the setting, with another value. */
static bool
differs(int i)
{
	const char *value = GetConfigOption(pinned[i].name, true, false);

	return value != NULL && strcmp(value, pinned[i].value) != 0;
}

/*
 * Sets them for the life of the process: no later value has precedence over
 * this source.
 */
void
hl_pinned_worker(void)
{
	for (size_t i = 0; i < lengthof(pinned); i++)
		if (GetConfigOption(pinned[i].name, true, false) != NULL)
			SetConfigOption(pinned[i].name, pinned[i].value, PGC_SUSET,
							PGC_S_OVERRIDE);
}

/* Disarms timeouts that were armed before they were set. */
static void
disarm_timeouts(void)
{
	if (get_timeout_active(STATEMENT_TIMEOUT))
		disable_timeout(STATEMENT_TIMEOUT, false);
#if PG_VERSION_NUM >= 170000
	if (get_timeout_active(TRANSACTION_TIMEOUT))
		disable_timeout(TRANSACTION_TIMEOUT, false);
#endif
}

/*
 * Sets them for a transaction, whose role does not matter, since statements run
 * as the owner of the table.
 */
void
hl_pinned_transaction(void)
{
	for (size_t i = 0; i < lengthof(pinned); i++)
		if (strcmp(pinned[i].name, "role") != 0 && differs(i))
			(void) set_config_option(pinned[i].name, pinned[i].value, PGC_SUSET,
									 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
									 false);
	if (XactIsoLevel != XACT_READ_COMMITTED)
		(void) set_config_option("transaction_isolation", "read committed",
								 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
								 true, 0, false);
	disarm_timeouts();
}

int
hl_pinned_set(const char *name, const char *value)
{
	int nest_level = NewGUCNestLevel();

	hl_pinned_set_too(name, value);
	return nest_level;
}

void
hl_pinned_set_too(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
hl_pinned_release(int nest_level)
{
	AtEOXact_GUC(true, nest_level);
}
