/*
 * insert.c
 *	  Inserts a row into the history and its indexes.
 *
 * The required properties of the table are determined once, and again whenever
 * its relcache entry, or that of one of its indexes, has changed. No
 * user-defined code runs here: the expressions of the table and its indexes
 * must consist of built-in functions.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "audit/home.h"
#include "audit/insert.h"
#include "model/response.h"
#include "server/compat.h"

#define MOST_INDEXES 16

/* What a row has besides the fields of an event. */
typedef enum Further
{
	ID = HL_EVENT_FIELDS,
	HOME,
	AT,
	ORIGIN,
	COLUMNS
} Further;

/* The properties of the table, valid until it changes. */
static struct
{
	bool valid;          /* nothing has changed since */
	bool allowed;        /* the owner may insert */
	bool plain;          /* rows can be inserted here */
	uint64 changes;      /* number of relcache invalidations */
	const char *missing; /* a NOT NULL column without a value */
	Oid table;
	Oid owner;
	Oid ids;
	AttrNumber numbers[COLUMNS]; /* the attribute number of each column */
	MemoryContext memory;        /* of the following members */
	EState *state;
	ResultRelInfo *target;
	int nindexes;
	Oid indexes[MOST_INDEXES];
} shape;

/* Invalidation callback: a relation has changed, or any may have. */
static void
relation_changes(Datum unused, Oid relation)
{
	bool mine = relation == InvalidOid || relation == shape.table ||
				relation == shape.ids;

	for (int i = 0; i < shape.nindexes && !mine; i++)
		mine = relation == shape.indexes[i];
	if (!mine)
		return;
	shape.changes++;
	shape.valid = false;
}

/* ------------------------------------------------- properties of the table */

/* The name and type of a column in the install script. */
static const char *
name_of(int column)
{
	static const char *const names[] = {"id", "home", "at", "origin"};

	return column < HL_EVENT_FIELDS ? hl_event_columns[column]
									: names[column - HL_EVENT_FIELDS];
}

static Oid
type_of(int column)
{
	switch (column)
	{
		case ID:
		case HL_EVENT_REQUEST_ID:
		case HL_EVENT_RESOURCE_COUNT:
			return INT8OID;
		case AT:
			return TIMESTAMPTZOID;
		case HL_EVENT_REQUEST:
			return JSONBOID;
		case HL_EVENT_TRANSACTION:
			return XID8OID;
		case HL_EVENT_CLIENT_ADDR:
			return INETOID;
		case HL_EVENT_ATTEMPTS:
			return INT4OID;
		case HL_EVENT_DURATION:
			return INTERVALOID;
		case HL_EVENT_RESOURCES:
		case HL_EVENT_PATIENTS:
			return TEXTARRAYOID;
		default:
			return TEXTOID;
	}
}

/* Whether every event of a call has a value in this column. */
static bool
is_always_given(int column)
{
	return column == ID || column == HOME || column == AT || column == ORIGIN ||
		   column == HL_EVENT_EVENT || column == HL_EVENT_SESSION_ROLE ||
		   column == HL_EVENT_CURRENT_ROLE;
}

/* The event's column of an attribute; COLUMNS for one that was added. */
static int
column_of(Form_pg_attribute attribute)
{
	int column = 0;

	while (column < COLUMNS &&
		   strcmp(name_of(column), NameStr(attribute->attname)) != 0)
		column++;
	return column;
}

/* Whether a column has the default of "at". */
static bool
has_clock_as_default(Relation table, AttrNumber number)
{
	Node *value = build_column_default(table, number);

	return value != NULL && IsA(value, FuncExpr) &&
		   castNode(FuncExpr, value)->funcid == F_CLOCK_TIMESTAMP;
}

/* Whether one of the extension's columns is as it was created. */
static bool
is_as_made(Relation table, Form_pg_attribute attribute, int column)
{
	return attribute->atttypid == type_of(column) &&
		   attribute->atttypmod == -1 &&
		   (!attribute->attnotnull || is_always_given(column)) &&
		   attribute->attidentity != ATTRIBUTE_IDENTITY_ALWAYS &&
		   attribute->attgenerated == '\0' &&
		   (column != AT || has_clock_as_default(table, attribute->attnum));
}

/* Whether an added column may be null. */
static bool
may_be_null(Form_pg_attribute attribute)
{
	return !attribute->attnotnull && !attribute->atthasdef &&
		   attribute->attidentity == '\0' && attribute->attgenerated == '\0' &&
		   get_typtype(attribute->atttypid) != TYPTYPE_DOMAIN;
}

/* Finds each column; returns whether all exist and are as they were created. */
static bool
find_columns(Relation table)
{
	TupleDesc columns = RelationGetDescr(table);
	int found = 0;

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(columns, i);
		int column = column_of(attribute);

		if (attribute->attisdropped ||
			(column == COLUMNS && may_be_null(attribute)))
			continue;
		if (column == COLUMNS && attribute->attnotnull &&
			!attribute->atthasdef && attribute->attidentity == '\0' &&
			attribute->attgenerated == '\0')
			shape.missing =
				MemoryContextStrdup(shape.memory, NameStr(attribute->attname));
		if (column == COLUMNS || !is_as_made(table, attribute, column))
			return false;
		shape.numbers[column] = attribute->attnum;
		found++;
	}
	return found == COLUMNS;
}

/* For check_functions_in_node(): whether a function is user-defined. */
static bool
is_own_function(Oid function, void *unused)
{
	return function >= FirstNormalObjectId;
}

/* Whether an expression contains a user-defined function or type. */
static bool
has_own_function(Node *node, void *unused)
{
	if (node == NULL)
		return false;
	return check_functions_in_node(node, is_own_function, NULL) ||
		   IsA(node, CoerceToDomain) ||
		   expression_tree_walker(node, has_own_function, NULL);
}

/* Whether an expression is constant, and executes no user-defined code. */
static bool
is_fixed(Node *expression)
{
	return !has_own_function(expression, NULL) &&
		   !contain_mutable_functions(expression);
}

/*
 * Whether an expression reads only "event" and "origin", and is otherwise
 * constant.
 */
static bool
is_of_constants(Node *expression)
{
	Bitmapset *columns = NULL;
	int at = -1;

	if (!is_fixed(expression))
		return false;
	pull_varattnos(expression, 1, &columns);
	while ((at = bms_next_member(columns, at)) >= 0)
	{
		int number = at + FirstLowInvalidHeapAttributeNumber;

		if (number != shape.numbers[HL_EVENT_EVENT] &&
			number != shape.numbers[ORIGIN])
			return false;
	}
	return true;
}

static void
set_value(TupleTableSlot *row, int column, Datum value)
{
	row->tts_values[shape.numbers[column] - 1] = value;
	row->tts_isnull[shape.numbers[column] - 1] = false;
}

static TupleTableSlot *
make_row(Relation table)
{
	TupleTableSlot *row = table_slot_create(table, NULL);

	memset(row->tts_isnull, true,
		   sizeof(bool) * RelationGetDescr(table)->natts);
	return row;
}

/*
 * Whether every CHECK constraint accepts all events of calls. A constraint that
 * reads only columns with the same value in all events is evaluated once.
 */
static bool
passes_checks(Relation table)
{
	const TupleConstr *constraints = RelationGetDescr(table)->constr;
	ExprContext *context = GetPerTupleExprContext(shape.state);
	TupleTableSlot *row;
	bool passes = true;

	if (constraints == NULL || constraints->num_check == 0)
		return true;
	row = make_row(table);
	set_value(row, HL_EVENT_EVENT, CStringGetTextDatum("replied"));
	set_value(row, ORIGIN, CStringGetTextDatum("call"));
	ExecStoreVirtualTuple(row);
	context->ecxt_scantuple = row;
	for (int i = 0; i < constraints->num_check && passes; i++)
	{
		Node *check = stringToNode(constraints->check[i].ccbin);

		if (!hl_compat_is_enforced(&constraints->check[i]))
			continue;
		passes =
			is_of_constants(check) &&
			ExecCheck(ExecPrepareExpr((Expr *) check, shape.state), context);
	}
	context->ecxt_scantuple = NULL;
	ExecDropSingleTupleTableSlot(row);
	return passes;
}

/* Whether inserting into an index executes no user-defined code. */
static bool
is_plain_index(Relation index, const IndexInfo *about)
{
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
		if (index->rd_opfamily[i] >= FirstNormalObjectId)
			return false;
	return index->rd_rel->relam < FirstNormalObjectId &&
		   index->rd_index->indimmediate && about->ii_Expressions == NIL &&
		   about->ii_ExclusionOps == NULL &&
		   is_fixed((Node *) about->ii_Predicate);
}

/* Reads the indexes; returns whether all can be inserted into here. */
static bool
find_indexes(Relation table)
{
	ResultRelInfo *target = makeNode(ResultRelInfo);
	bool plain;

	InitResultRelInfo(target, table, 1, NULL, 0);
	ExecOpenIndices(target, false);
	plain = target->ri_NumIndices <= MOST_INDEXES;
	for (int i = 0; i < target->ri_NumIndices && plain; i++)
	{
		Relation index = target->ri_IndexRelationDescs[i];

		plain = is_plain_index(index, target->ri_IndexRelationInfo[i]);
		shape.indexes[i] = RelationGetRelid(index);
		shape.nindexes = i + 1;
	}
	ExecCloseIndices(target);
	shape.target = target;
	return plain;
}

/* Whether an INSERT statement would do more than insert. */
static bool
has_more_to_do(Relation table)
{
	const TriggerDesc *triggers = table->trigdesc;

	return table->rd_rules != NULL ||
		   (triggers != NULL && (triggers->trig_insert_before_row ||
								 triggers->trig_insert_after_row ||
								 triggers->trig_insert_instead_row ||
								 triggers->trig_insert_before_statement ||
								 triggers->trig_insert_after_statement));
}

/* Whether the owner of the store may insert, which can be revoked. */
static bool
is_allowed(const HlStore *store)
{
	return pg_class_aclcheck(store->events, store->owner, ACL_INSERT) ==
			   ACLCHECK_OK &&
		   pg_class_aclcheck(store->event_ids, store->owner,
							 ACL_USAGE | ACL_UPDATE) == ACLCHECK_OK;
}

/* Whether a row can be inserted into the table without the executor. */
static bool
is_plain(Relation table)
{
	if (table->rd_rel->relkind != RELKIND_RELATION ||
		table->rd_rel->relispartition || has_more_to_do(table))
		return false;
	return find_columns(table) && passes_checks(table) && find_indexes(table);
}

/* Examines the table. A concurrent change invalidates the result. */
static void
look(const HlStore *store, Relation table)
{
	static bool registered = false;
	MemoryContext caller = CurrentMemoryContext;
	uint64 changes = shape.changes;

	if (!registered)
		CacheRegisterRelcacheCallback(relation_changes, (Datum) 0);
	registered = true;
	shape.valid = shape.plain = false;
	shape.missing = NULL;
	shape.nindexes = 0;
	if (shape.memory != NULL)
		MemoryContextDelete(shape.memory);
	shape.memory = NULL;
	shape.memory = AllocSetContextCreate(TopMemoryContext, "healthlake history",
										 ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(shape.memory);
	shape.state = CreateExecutorState();
	MemoryContextSwitchTo(shape.state->es_query_cxt);
	shape.table = store->events;
	shape.ids = store->event_ids;
	shape.owner = store->owner;
	shape.allowed = is_allowed(store);
	shape.plain = is_plain(table);
	shape.valid = changes == shape.changes;
	MemoryContextSwitchTo(caller);
}

static void
look_if_changed(const HlStore *store, Relation table)
{
	if (!shape.valid || shape.table != store->events ||
		shape.ids != store->event_ids || shape.owner != store->owner)
		look(store, table);
}

/* ---------------------------------------------------------------- inserting */

int64
hl_insert_begin(const HlStore *store)
{
	Relation table = try_relation_open(store->events, RowExclusiveLock);
	if (table == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the history \"%s\" does not exist",
							   "healthlake_event")));
	look_if_changed(store, table);
	table_close(table, NoLock);
	if (!shape.allowed)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s", "healthlake_event"),
				 errdetail("The owner of \"%s\" must be allowed to "
						   "insert into the history.",
						   "healthlake_request")));
	if (shape.missing != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("column \"%s\" of the history must have a value, and "
						"healthlake has none for it",
						shape.missing),
				 errhint("Give the column a default.")));
	if (!shape.plain)
		return 0;
	for (int i = 0; i < shape.nindexes; i++)
		LockRelationOid(shape.indexes[i], RowExclusiveLock);
	return hl_event_id(nextval_internal(store->event_ids, false));
}

static Datum
value_of(HlEventField field, const char *text, bool *isnull)
{
	Interval *interval;

	switch (field)
	{
		case HL_EVENT_REQUEST_ID:
		case HL_EVENT_RESOURCE_COUNT:
			return Int64GetDatum(strtoll(text, NULL, 10));
		case HL_EVENT_REQUEST:
			return hl_response_jsonb_if_fit(text, isnull);
		case HL_EVENT_TRANSACTION:
			return FullTransactionIdGetDatum(
				FullTransactionIdFromU64(strtoull(text, NULL, 10)));
		case HL_EVENT_CLIENT_ADDR:
			return DirectFunctionCall1(inet_in, CStringGetDatum(text));
		case HL_EVENT_ATTEMPTS:
			return Int32GetDatum(atoi(text));
		case HL_EVENT_DURATION: /* "N microseconds" */
			interval = palloc0(sizeof(Interval));
			interval->time = strtoll(text, NULL, 10);
			return IntervalPGetDatum(interval);
		case HL_EVENT_RESOURCES:
		case HL_EVENT_PATIENTS:
			return OidInputFunctionCall(F_ARRAY_IN, unconstify(char *, text),
										TEXTOID, -1);
		default:
			return CStringGetTextDatum(text);
	}
}

static TupleTableSlot *
row_of_event(Relation table, int64 id, const HlEvent *event)
{
	TupleTableSlot *row = make_row(table);

	for (int i = 0; i < HL_EVENT_FIELDS; i++)
	{
		bool isnull = event->fields[i] == NULL;
		Datum value =
			isnull ? (Datum) 0 : value_of(i, event->fields[i], &isnull);

		if (!isnull)
			set_value(row, i, value);
	}
	set_value(row, ID, Int64GetDatum(id));
	set_value(row, HOME, CStringGetTextDatum(hl_home()));
	set_value(row, AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	set_value(row, ORIGIN, CStringGetTextDatum("call"));
	return ExecStoreVirtualTuple(row);
}

/* Whether an index has rows like this one, by its predicate. */
static bool
takes_row(IndexInfo *about, TupleTableSlot *row)
{
	ExprContext *context = GetPerTupleExprContext(shape.state);

	if (about->ii_Predicate == NIL)
		return true;
	if (about->ii_PredicateState == NULL)
		about->ii_PredicateState =
			ExecPrepareQual(about->ii_Predicate, shape.state);
	context->ecxt_scantuple = row;
	return ExecQual(about->ii_PredicateState, context);
}

/*
 * Inserts the index entries of a row. An index is opened only if the row meets
 * its predicate: most are partial, and opening one takes longer than
 * evaluating the predicate.
 */
static void
add_to_indexes(Relation table, TupleTableSlot *row)
{
	ResultRelInfo *target = shape.target;

	target->ri_RelationDesc = table;
	for (int i = 0; i < shape.nindexes; i++)
	{
		IndexInfo *about = target->ri_IndexRelationInfo[i];

		target->ri_IndexRelationDescs[i] = NULL;
		if (!takes_row(about, row))
			continue;
		target->ri_IndexRelationDescs[i] =
			index_open(shape.indexes[i], RowExclusiveLock);
		/*
		 * the access method's cache must not be used after the index is closed
		 */
		about->ii_AmCache = NULL;
		about->ii_Context = CurrentMemoryContext;
	}
	(void) hl_compat_insert_index_tuples(target, row, shape.state);
	for (int i = 0; i < shape.nindexes; i++)
	{
		Relation index = target->ri_IndexRelationDescs[i];

		if (index == NULL)
			continue;
		hl_compat_end_index_insert(index, target->ri_IndexRelationInfo[i]);
		index_close(index, NoLock);
	}
	ResetPerTupleExprContext(shape.state);
}

/* Inserts an event; a snapshot is active. */
static void
insert_row(Relation table, int64 id, const HlEvent *event)
{
	TupleTableSlot *row = row_of_event(table, id, event);

	simple_table_tuple_insert(table, row);
	add_to_indexes(table, row);
	ExecDropSingleTupleTableSlot(row);
	CommandCounterIncrement();
}

bool
hl_insert_add(const HlStore *store, int64 id, const HlEvent *event)
{
	bool bare = !ActiveSnapshotSet();
	/* a procedure may have committed meanwhile, which releases the locks */
	Relation table = table_open(store->events, RowExclusiveLock);
	Oid user;
	int context;

	look_if_changed(store, table);
	if (shape.valid && shape.plain)
	{
		GetUserIdAndSecContext(&user, &context);
		SetUserIdAndSecContext(store->owner,
							   context | SECURITY_LOCAL_USERID_CHANGE);
		if (bare)
			PushActiveSnapshot(GetTransactionSnapshot());
		insert_row(table, id, event);
		if (bare)
			PopActiveSnapshot();
		SetUserIdAndSecContext(user, context);
	}
	else
		id = 0;
	table_close(table, NoLock);
	return id != 0;
}
