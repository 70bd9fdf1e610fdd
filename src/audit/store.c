/*
 * store.c
 *	  Access to the table of requests as its owner.
 */
#include "postgres.h"

#include "access/gin.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit/home.h"
#include "audit/statements.h"
#include "audit/store.h"
#include "server/catalog.h"
#include "server/names.h"
#include "server/path.h"
#include "server/pinned.h"

/*
 * A kept plan. A trigger of the statement may call the extension, which may
 * run the statement again, or alter its table so that another plan is needed:
 * a plan in use is freed afterwards.
 */
typedef struct KeptPlan
{
	SPIPlanPtr plan;
	const char *sql;
	int runs;     /* executions in progress */
	bool retired; /* no longer kept */
} KeptPlan;

/* The last result of hl_store_find(), and the plans for that table. */
static HlStore found;
static KeptPlan *plans[HL_STATEMENTS];
static bool altering = false;

/* The schema of an extension, for which there is no syscache. */
static Oid
schema_of(Oid extension)
{
	ScanKeyData key;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	return hl_catalog_oid(ExtensionRelationId, ExtensionOidIndexId, &key,
						  Anum_pg_extension_extnamespace);
}

/* The owner of a table; InvalidOid if there is none. */
static Oid
owner_of(Oid table)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* Frees a plan that is no longer kept, unless it is under way. */
static void
free_retired(KeptPlan *kept)
{
	if (!kept->retired || kept->runs > 0)
		return;
	SPI_freeplan(kept->plan);
	pfree((char *) kept->sql);
	pfree(kept);
}

/* Stops keeping a plan. */
static void
retire_plan(HlStatement statement)
{
	KeptPlan *kept = plans[statement];

	if (kept == NULL)
		return;
	plans[statement] = NULL;
	kept->retired = true;
	free_retired(kept);
}

/* Forgets the plans of a table that no longer exists. */
static void
forget_plans(void)
{
	for (int i = 0; i < HL_STATEMENTS; i++)
		retire_plan(i);
}

/* Keeps the names of the table and its schema as long as the plans. */
static void
name_store(HlStore *store)
{
	char *schema = get_namespace_name(store->schema);

	store->schema_name =
		MemoryContextStrdup(TopMemoryContext, quote_identifier(schema));
	store->name = MemoryContextStrdup(
		TopMemoryContext,
		quote_qualified_identifier(schema, "healthlake_request"));
}

/* Finds the history, which is required. */
static void
look_up_history(HlStore *store)
{
	store->events = get_relname_relid("healthlake_event", store->schema);
	store->event_ids =
		get_relname_relid("healthlake_event_id_seq", store->schema);
	if (!OidIsValid(store->events) || !OidIsValid(store->event_ids))
		store->table = InvalidOid;
}

static void
look_up(void)
{
	HlStore store = {.extension = get_extension_oid("healthlake", true)};

	if (OidIsValid(store.extension))
		store.schema = schema_of(store.extension);
	if (OidIsValid(store.schema))
		store.table = get_relname_relid("healthlake_request", store.schema);
	if (OidIsValid(store.table))
		look_up_history(&store);
	if (OidIsValid(store.table))
		name_store(&store);
	forget_plans();
	found = store;
}

/* Whether the schema still has the name under which it was found. */
static bool
is_named(const HlStore *store)
{
	const char *schema = get_namespace_name(store->schema);

	return schema != NULL &&
		   strcmp(quote_identifier(schema), store->schema_name) == 0;
}

/* Finds the store; looks it up again only if the table has changed. */
const HlStore *
hl_store_find(void)
{
	Oid owner = OidIsValid(found.table) ? owner_of(found.table) : InvalidOid;

	if (!OidIsValid(owner) || !is_named(&found))
	{
		look_up();
		owner = OidIsValid(found.table) ? owner_of(found.table) : InvalidOid;
	}
	found.owner = owner;
	return OidIsValid(owner) ? &found : NULL;
}

const HlStore *
hl_store_need(void)
{
	const HlStore *store = hl_store_find();

	if (store == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("extension \"%s\" has no table of requests in "
							   "this database",
							   "healthlake"),
						errhint("Run ALTER EXTENSION healthlake UPDATE.")));
	return store;
}

void
hl_store_enter(HlStoreStep *step, const HlStore *store)
{
	GetUserIdAndSecContext(&step->user, &step->context);
	SetUserIdAndSecContext(store->owner, step->context |
											 SECURITY_LOCAL_USERID_CHANGE |
											 SECURITY_NOFORCE_RLS);
	step->nest_level = hl_path_pin();
	/* a session may have it, and its requests would lose their order */
	if (GinFuzzySearchLimit != 0)
		hl_pinned_set_too("gin_fuzzy_search_limit", "0");
}

void
hl_store_leave(const HlStoreStep *step)
{
	hl_path_release(step->nest_level);
	SetUserIdAndSecContext(step->user, step->context);
}

void
hl_store_add(HlParameters *parameters, Datum value)
{
	if (parameters->count == (int) lengthof(parameters->values))
		elog(ERROR, "a statement has more than %d parameters",
			 parameters->count);
	parameters->nulls[parameters->count] = ' ';
	parameters->values[parameters->count++] = value;
}

void
hl_store_add_null(HlParameters *parameters)
{
	hl_store_add(parameters, (Datum) 0);
	parameters->nulls[parameters->count - 1] = 'n';
}

void
hl_store_add_text(HlParameters *parameters, const char *text)
{
	if (text == NULL)
		hl_store_add_null(parameters);
	else
		hl_store_add(parameters, CStringGetTextDatum(text));
}

void
hl_store_add_time(HlParameters *parameters, TimestampTz time)
{
	if (time == HL_NO_TIME)
		hl_store_add_null(parameters);
	else
		hl_store_add(parameters, TimestampTzGetDatum(time));
}

static char *
text_of(const HlStore *store, const char *sql)
{
	StringInfoData text;

	initStringInfo(&text);
	for (; *sql != '\0'; sql++)
		if (*sql == '@')
			appendStringInfoString(&text, store->name);
		else if (*sql == '!')
			appendStringInfoString(&text, store->schema_name);
		else if (*sql == '%')
			appendStringInfoString(&text, hl_home());
		else if (*sql == '#')
			appendStringInfo(&text, "'%u'::regclass", store->event_ids);
		else
			appendStringInfoChar(&text, *sql);
	return text.data;
}

/* Prepares a statement whose names are those of the store. */
static SPIPlanPtr
prepare(const HlStore *store, const HlStatementRow *row, const char *sql)
{
	SPIPlanPtr volatile plan = NULL;
	HlNames names;

	hl_names_begin(&names, sql, store->schema);
	PG_TRY();
	{
		plan = SPI_prepare_cursor(sql, row->count, (Oid *) row->types,
								  row->options);
	}
	PG_FINALLY();
	{
		hl_names_end(&names);
	}
	PG_END_TRY();
	return plan;
}

static KeptPlan *
plan_of(const HlStore *store, HlStatement statement)
{
	const HlStatementRow *row = &hl_statements[statement];
	MemoryContext caller = CurrentMemoryContext;
	SPIPlanPtr plan;
	KeptPlan *kept = plans[statement];
	char *sql;

	if (kept != NULL)
		return kept;
	sql = text_of(store, row->sql);
	plan = prepare(store, row, sql);
	MemoryContextSwitchTo(caller);
	if (plan == NULL)
		elog(ERROR, "could not prepare statement %d", (int) statement);
	kept = MemoryContextAllocZero(TopMemoryContext, sizeof(KeptPlan));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep statement %d", (int) statement);
	kept->plan = plan;
	kept->sql = MemoryContextStrdup(TopMemoryContext, sql);
	plans[statement] = kept;
	return kept;
}

/* Prepares a statement, again if its table has changed. */
void
hl_store_plan(const HlStore *store, HlStatement statement)
{
	if (SPI_plan_is_valid(plan_of(store, statement)->plan))
		return;
	retire_plan(statement);
	(void) plan_of(store, statement);
}

static void
end_run(KeptPlan *kept)
{
	kept->runs--;
	free_retired(kept);
}

/*
 * Executes a plan, which is not freed meanwhile. Snapshot NULL: the one that
 * the transaction has for its next statement.
 */
static int
execute(const HlStore *store, KeptPlan *kept, const HlParameters *parameters,
		Snapshot snapshot)
{
	HlNames names;
	volatile int result = 0;

	kept->runs++;
	hl_names_begin(&names, kept->sql, store->schema);
	PG_TRY();
	{
		result = SPI_execute_snapshot(kept->plan, (Datum *) parameters->values,
									  parameters->nulls, snapshot,
									  InvalidSnapshot, false, true, 0);
	}
	PG_FINALLY();
	{
		hl_names_end(&names);
		end_run(kept);
	}
	PG_END_TRY();
	return result;
}

/* Runs a statement with a snapshot, or NULL. */
static uint64
run_with(const HlStore *store, HlStatement statement,
		 const HlParameters *parameters, Snapshot snapshot)
{
	MemoryContext caller = CurrentMemoryContext;
	bool bare = !ActiveSnapshotSet();
	int result;

	if (parameters->count != hl_statements[statement].count)
		elog(ERROR, "statement %d has other parameters", (int) statement);
	if (bare)
		PushActiveSnapshot(GetTransactionSnapshot());
	result = execute(store, plan_of(store, statement), parameters, snapshot);
	if (result < 0)
		elog(ERROR, "statement %d failed: %s", (int) statement,
			 SPI_result_code_string(result));
	if (bare)
		PopActiveSnapshot();
	/* SPI leaves its own behind, which SPI_finish() frees (_SPI_begin_call) */
	MemoryContextSwitchTo(caller);
	return SPI_processed;
}

uint64
hl_store_run(const HlStore *store, HlStatement statement,
			 const HlParameters *parameters)
{
	return run_with(store, statement, parameters, InvalidSnapshot);
}

uint64
hl_store_run_latest(const HlStore *store, HlStatement statement,
					const HlParameters *parameters)
{
	return run_with(store, statement, parameters, GetLatestSnapshot());
}

uint64
hl_store_alter(const HlStore *store, HlStatement statement,
			   const HlParameters *parameters)
{
	uint64 count;

	altering = true;
	PG_TRY();
	{
		count = hl_store_run(store, statement, parameters);
	}
	PG_FINALLY();
	{
		altering = false;
	}
	PG_END_TRY();
	return count;
}

const char *
hl_store_text(uint64 row, const char *column)
{
	int number = SPI_fnumber(SPI_tuptable->tupdesc, column);

	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number);
}

Datum
hl_store_value_of(const SPITupleTable *rows, uint64 row, const char *column,
				  Oid type, bool *isnull)
{
	int number = SPI_fnumber(rows->tupdesc, column);

	if (SPI_gettypeid(rows->tupdesc, number) != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of a table of extension \"%s\" is not "
						"of type %s",
						column, "healthlake", format_type_be(type))));
	return SPI_getbinval(rows->vals[row], rows->tupdesc, number, isnull);
}

Datum
hl_store_value(uint64 row, const char *column, Oid type, bool *isnull)
{
	return hl_store_value_of(SPI_tuptable, row, column, type, isnull);
}

TimestampTz
hl_store_time(uint64 row, const char *column)
{
	bool isnull;
	Datum value = hl_store_value(row, column, TIMESTAMPTZOID, &isnull);

	return isnull ? HL_NO_TIME : DatumGetTimestampTz(value);
}

/* Refuses changes to finished rows, except by the extension's functions. */
Datum
hl_store_protect(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	bool open = true;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this function can only be called as a trigger")));
	if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		SPI_getbinval(trigger->tg_trigtuple, trigger->tg_relation->rd_att,
					  SPI_fnumber(trigger->tg_relation->rd_att, "finished_at"),
					  &open);
	else
		open = false;
	if (!open && !altering)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("finished requests cannot be altered"),
			 errhint(
				 "Use healthlake_resolve_request(), healthlake_retry_request() "
				 "or healthlake_purge_requests().")));
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event)
							   ? trigger->tg_newtuple
							   : trigger->tg_trigtuple);
}

/* Refuses changes to the history, except the deletions of a purge. */
Datum
hl_store_protect_event(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this function can only be called as a trigger")));
	if (!altering || !TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the history cannot be altered"),
						errhint("healthlake_purge_requests() deletes what "
								"healthlake.audit_retention no longer "
								"keeps.")));
	return PointerGetDatum(trigger->tg_trigtuple);
}
