/*
 * load_read.c
 *	  Makes, checks and executes the statement that reads a part of a table.
 *
 * SPI would analyze a statement again at its execution if a catalog has
 * changed meanwhile. Renaming a schema takes no lock on its tables, so a name
 * may be another relation's then, such as a view with its owner's functions
 * (compare CVE-2024-7348). Here nothing is looked up by name after the check.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "fhir/load_read.h"
#include "server/path.h"
#include "server/step.h"

/* 19: a parameter for EXPLAIN. Before 18: that a plan is executed once. */
#if PG_VERSION_NUM >= 190000
#define PLAN_EXPLAINS_NOTHING , NULL
#else
#define PLAN_EXPLAINS_NOTHING
#endif
#if PG_VERSION_NUM >= 180000
#define RUN_ONCE
#else
#define RUN_ONCE , true
#endif

/* The columns of the statement. */
enum
{
	PLACE,
	PART,
	XMIN,
	RESOURCE,
	COLUMNS
};

/* Receives the rows of the statement. */
typedef struct PartReceiver
{
	DestReceiver as;
	HlLoadPart *part;
} PartReceiver;

/* ------------------------------------------------------------------ table */

void
hl_load_read_check_kind(Relation relation)
{
	char kind = relation->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_MATVIEW)
		ereport(
			ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("\"%s\" is not a table", RelationGetRelationName(relation)),
			 errdetail("A load that can continue after an interruption "
					   "requires rows that are stored."),
			 errhint("Load from a table or a materialized view.")));
}

Relation
hl_load_read_open(Oid relation, LOCKMODE lock)
{
	Relation table = try_relation_open(relation, lock);

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	return table;
}

/* The number of a column; refuses one that does not contain resources. */
static AttrNumber
find_column(Relation relation, const char *column)
{
	AttrNumber number = get_attnum(RelationGetRelid(relation), column);

	if (number <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of relation \"%s\" does not "
							   "exist",
							   column, RelationGetRelationName(relation))));
	if (getBaseType(get_atttype(RelationGetRelid(relation), number)) !=
		JSONBOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of relation \"%s\" is not jsonb",
							   column, RelationGetRelationName(relation))));
	return number;
}

const char *
hl_load_read_find(HlLoadTable *table, Oid relation, const char *column)
{
	Relation opened = hl_load_read_open(relation, AccessShareLock);
	const char *name;

	hl_load_read_check_kind(opened);
	*table = (HlLoadTable){.relation = relation,
						   .column = find_column(opened, column),
						   .column_name = pstrdup(column)};
	name = quote_qualified_identifier(
		get_namespace_name(RelationGetNamespace(opened)),
		RelationGetRelationName(opened));
	relation_close(opened, NoLock);
	return name;
}

static void
refuse_changed(const HlLoadTable *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("column \"%s\" of relation with OID %u was replaced during "
					"the load",
					table->column_name, table->relation),
			 errhint("CALL healthlake_fhir_load again to load the column that "
					 "has this name now.")));
}

/* -------------------------------------------------------------- statement */

/*
 * The statement for blocks of the table, which has another name than at the
 * beginning if it was renamed, and is locked until the transaction ends.
 */
static char *
make_statement(const HlLoadTable *table, BlockNumber first, BlockNumber end)
{
	HlLoadTable now;
	const char *name =
		hl_load_read_find(&now, table->relation, table->column_name);

	return psprintf("SELECT ctid, tableoid, xmin, %s FROM %s WHERE ctid "
					"OPERATOR(pg_catalog.>=) '(%u,0)'::pg_catalog.tid AND ctid "
					"OPERATOR(pg_catalog.<) '(%u,0)'::pg_catalog.tid",
					quote_identifier(table->column_name), name, first, end);
}

/* Whether a column of the analyzed statement is that column of its table. */
static bool
is_column(const Query *query, int at, AttrNumber column)
{
	TargetEntry *entry = list_nth_node(TargetEntry, query->targetList, at);
	Var *var = (Var *) entry->expr;

	return IsA(var, Var) && var->varno == 1 && var->varlevelsup == 0 &&
		   var->varattno == column;
}

/* Whether an analyzed statement reads the table itself, and its column. */
static bool
reads_table(const HlLoadTable *table, const Query *query)
{
	RangeTblEntry *read = linitial_node(RangeTblEntry, query->rtable);

	return list_length(query->rtable) == 1 && read->rtekind == RTE_RELATION &&
		   read->relid == table->relation &&
		   list_length(query->targetList) == COLUMNS &&
		   is_column(query, PLACE, SelfItemPointerAttributeNumber) &&
		   is_column(query, PART, TableOidAttributeNumber) &&
		   is_column(query, XMIN, MinTransactionIdAttributeNumber) &&
		   is_column(query, RESOURCE, table->column);
}

/*
 * PostgreSQL's own guard against views and foreign tables, in versions that
 * have it. Policies of the table may use them.
 */
static void
restrict_relations(const HlLoadTable *table)
{
	const char *setting = "restrict_nonsystem_relation_kind";

	if (GetConfigOption(setting, true, false) != NULL &&
		check_enable_rls(table->relation, InvalidOid, true) != RLS_ENABLED)
		(void) set_config_option(setting, "view, foreign-table", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
}

/* Plans the statement; all its names are looked up in here, once. */
static PlannedStmt *
plan_statement(const HlLoadTable *table, const char *sql)
{
	RawStmt *parsed = linitial_node(RawStmt, pg_parse_query(sql));
	List *queries =
		pg_analyze_and_rewrite_fixedparams(parsed, sql, NULL, 0, NULL);

	if (list_length(queries) != 1 ||
		!reads_table(table, linitial_node(Query, queries)))
		refuse_changed(table);
	return pg_plan_query(linitial_node(Query, queries), sql, 0,
						 NULL PLAN_EXPLAINS_NOTHING);
}

/* ------------------------------------------------------------------- rows */

/* Checks the types of the result, whose values are read as these. */
static void
begin_rows(DestReceiver *self, int operation, TupleDesc result)
{
	static const Oid types[COLUMNS] = {
		[PLACE] = TIDOID, [PART] = OIDOID, [XMIN] = XIDOID};

	(void) self;
	(void) operation;
	for (int i = 0; i < COLUMNS; i++)
	{
		Oid type = TupleDescAttr(result, i)->atttypid;

		if (i == RESOURCE ? getBaseType(type) != JSONBOID : type != types[i])
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column %d of a table's part has type %s",
								   i + 1, format_type_be(type))));
	}
}

/* Copies a row; a large value stays in TOAST. */
static bool
take_row(TupleTableSlot *slot, DestReceiver *self)
{
	HlLoadPart *part = ((PartReceiver *) self)->part;
	MemoryContext caller = MemoryContextSwitchTo(part->memory);
	HlLoadRow *row;

	if (part->count == part->room)
	{
		part->room *= 2;
		part->rows = repalloc_huge(part->rows, sizeof(HlLoadRow) * part->room);
	}
	row = &part->rows[part->count++];
	slot_getallattrs(slot);
	row->place.tid = *(ItemPointer) DatumGetPointer(slot->tts_values[PLACE]);
	row->place.part = DatumGetObjectId(slot->tts_values[PART]);
	row->xmin = DatumGetTransactionId(slot->tts_values[XMIN]);
	row->null = slot->tts_isnull[RESOURCE];
	row->resource = row->null
						? (Datum) 0
						: datumCopy(slot->tts_values[RESOURCE], false, -1);
	MemoryContextSwitchTo(caller);
	return true;
}

static void
end_rows(DestReceiver *self)
{
	(void) self;
}

/* Executes a plan with the caller's privileges, which are checked here. */
static void
execute_plan(PlannedStmt *plan, const char *sql, HlLoadPart *part)
{
	PartReceiver receiver = {.as = {.receiveSlot = take_row,
									.rStartup = begin_rows,
									.rShutdown = end_rows,
									.rDestroy = end_rows,
									.mydest = DestNone},
							 .part = part};
	QueryDesc *query =
		CreateQueryDesc(plan, sql, GetActiveSnapshot(), InvalidSnapshot,
						&receiver.as, NULL, NULL, 0);

	ExecutorStart(query, 0);
	ExecutorRun(query, ForwardScanDirection, 0 RUN_ONCE);
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
}

static HlLoadPart *
make_part(void)
{
	MemoryContext memory = AllocSetContextCreate(
		CurrentMemoryContext, "healthlake load part", ALLOCSET_DEFAULT_SIZES);
	HlLoadPart *part = MemoryContextAllocZero(memory, sizeof(HlLoadPart));

	part->memory = memory;
	part->room = 64;
	part->rows = MemoryContextAlloc(memory, sizeof(HlLoadRow) * part->room);
	return part;
}

/* Error context callback: a position is one in the statement, as SPI says. */
static void
place_error(void *sql)
{
	int position = geterrposition();

	if (position <= 0)
		return;
	errposition(0);
	internalerrposition(position);
	internalerrquery(sql);
}

/* Makes, checks and executes the statement. */
static void
read_part(const HlLoadTable *table, char *sql, HlLoadPart *part)
{
	ErrorContextCallback context = {
		.previous = error_context_stack, .callback = place_error, .arg = sql};

	error_context_stack = &context;
	restrict_relations(table);
	healthlake_step("before read");
	execute_plan(plan_statement(table, sql), sql, part);
	error_context_stack = context.previous;
}

HlLoadPart *
hl_load_read(const HlLoadTable *table, BlockNumber first, BlockNumber end)
{
	HlLoadPart *part = make_part();
	MemoryContext memory = AllocSetContextCreate(
		CurrentMemoryContext, "healthlake load plan", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	int nest_level = hl_path_pin();

	read_part(table, make_statement(table, first, end), part);
	hl_path_release(nest_level);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(memory);
	return part;
}
