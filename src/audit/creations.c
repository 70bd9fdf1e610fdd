/*
 * creations.c
 *	  Recent requests to create an object of a name.
 *
 * The history is read without a statement, by the index on events that create
 * or delete, with a snapshot that sees what is committed and what this
 * transaction has written. Serializable transactions do not track such a scan:
 * otherwise those that look for different names would fail each other, after
 * they have created something.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit/account.h"
#include "audit/creations.h"
#include "audit/home.h"
#include "audit/store.h"
#include "engine/target.h"
#include "server/pinned.h"

/* What is looked for. */
typedef struct Sought
{
	const HlOperation *operation;
	const char *name;
	const char *client_token; /* NULL: none */
	const char *region;
	const char *endpoint;
	const char *account; /* NULL: not known */
	const char *role;    /* the role that acts */
	bool sees_all;
	TimestampTz since;
} Sought;

/* An event of a creation. */
typedef struct Event
{
	HlCreation *creation;
	const char *token; /* NULL: none */
	int64 call;        /* its number, if it was recorded before; or 0 */
	bool ended;        /* with a certain outcome */
} Event;

/* The events that were read. */
typedef struct Events
{
	List *creations; /* of Event */
	List *deleted;   /* ids */
} Events;

/* ---------------------------------------------------------------- history */

/* A row of the history. */
typedef struct Row
{
	SPITupleTable table; /* of this row */
	HeapTuple tuple;
} Row;

/* A text of a row, palloc'd; NULL if it is null. */
static char *
text_of(const Row *row, const char *column)
{
	bool isnull;
	Datum value = hl_store_value_of(&row->table, 0, column, TEXTOID, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static bool
is_text(const Row *row, const char *column, const char *text)
{
	const char *its = text_of(row, column);

	return its != NULL && strcmp(its, text) == 0;
}

/* Whether a column has a text, or it or the text is not known. */
static bool
may_be_text(const Row *row, const char *column, const char *text)
{
	const char *its = text_of(row, column);

	return its == NULL || text == NULL || strcmp(its, text) == 0;
}

/* Whether the request of a row has the name. */
static bool
has_name(const Row *row, const Sought *sought)
{
	const char *member = sought->operation->search->name;
	JsonbValue name;
	bool isnull;
	Datum value =
		hl_store_value_of(&row->table, 0, "request", JSONBOID, &isnull);
	Jsonb *request = isnull ? NULL : DatumGetJsonbP(value);

	return request != NULL && JB_ROOT_IS_OBJECT(request) &&
		   getKeyJsonValueFromContainer(&request->root, member,
										(int) strlen(member), &name) != NULL &&
		   name.type == jbvString &&
		   name.val.string.len == (int) strlen(sought->name) &&
		   memcmp(name.val.string.val, sought->name, name.val.string.len) == 0;
}

/* Whether an event is one of a creation that is looked for. */
static bool
is_sought(const Row *row, const Sought *sought)
{
	return is_text(row, "region", sought->region) &&
		   may_be_text(row, "endpoint", sought->endpoint) &&
		   may_be_text(row, "account", sought->account) &&
		   has_name(row, sought);
}

/* Whether an event belongs to the role that acts, or may be seen by it. */
static bool
is_mine(const Row *row, const Sought *sought)
{
	const char *outer = text_of(row, "outer_role");

	if (outer == NULL)
		outer = text_of(row, "session_role");
	return sought->sees_all || strcmp(outer, sought->role) == 0 ||
		   is_text(row, "current_role", sought->role);
}

HlCreation *
hl_creations_make(const char *id, const char *token, bool mine,
				  const char *wanted)
{
	HlCreation *creation = palloc0(sizeof(HlCreation));

	creation->id = id;
	creation->mine = mine;
	creation->same =
		token != NULL && wanted != NULL && strcmp(token, wanted) == 0;
	if (mine)
		creation->client_token = token;
	return creation;
}

static Event *
read_event(const Row *row, const Sought *sought)
{
	Event *event = palloc0(sizeof(Event));
	bool isnull;
	Datum call =
		hl_store_value_of(&row->table, 0, "request_id", INT8OID, &isnull);

	event->call = isnull ? 0 : DatumGetInt64(call);
	event->token = text_of(row, "client_token");
	event->ended = is_text(row, "outcome", "succeeded") ||
				   is_text(row, "outcome", "failed");
	event->creation =
		hl_creations_make(text_of(row, "datastore_id"), event->token,
						  is_mine(row, sought), sought->client_token);
	event->creation->since = DatumGetTimestampTz(
		hl_store_value_of(&row->table, 0, "at", TIMESTAMPTZOID, &isnull));
	return event;
}

/*
 * Takes a row, if it is one that counts. An open request of the queue is not
 * in the history, but in its table.
 */
static void
take_row(Events *events, const Row *row, const Sought *sought)
{
	bool calls = is_text(row, "origin", "call");

	if (!is_text(row, "home", hl_home()))
		return;
	if (is_text(row, "kind", "delete") && is_text(row, "outcome", "succeeded"))
		events->deleted =
			lappend(events->deleted, text_of(row, "datastore_id"));
	else if (is_text(row, "kind", "create") &&
			 (calls || text_of(row, "datastore_id") != NULL) &&
			 is_sought(row, sought))
		events->creations = lcons(read_event(row, sought), events->creations);
}

/* The index on events that create or delete; InvalidOid if it was dropped. */
static Oid
index_of(const HlStore *store)
{
	Oid index = get_relname_relid("healthlake_event_created", store->schema);

	return OidIsValid(index) && IndexGetRelation(index, true) == store->events
			   ? index
			   : InvalidOid;
}

/* Reads the recent events that create or delete. */
static Events
read_history(const HlStore *store, const Sought *sought)
{
	Relation table = table_open(store->events, AccessShareLock);
	Oid index = index_of(store);
	Events events = {0};
	SysScanDesc scan;
	ScanKeyData since;
	Row row = {
		.table = {.tupdesc = RelationGetDescr(table), .vals = &row.tuple}};

	ScanKeyInit(&since, (AttrNumber) SPI_fnumber(row.table.tupdesc, "at"),
				BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE,
				TimestampTzGetDatum(sought->since));
	scan = systable_beginscan(table, index, OidIsValid(index), SnapshotSelf, 1,
							  &since);
	while (HeapTupleIsValid(row.tuple = systable_getnext(scan)))
		take_row(&events, &row, sought);
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return events;
}

/* Whether an id was deleted. */
static bool
is_deleted(const Events *events, const char *id)
{
	ListCell *cell;

	foreach (cell, events->deleted)
		if (lfirst(cell) != NULL && strcmp(lfirst(cell), id) == 0)
			return true;
	return false;
}

/*
 * Whether another event has the outcome of a call: its end, or that of a
 * repetition with its token.
 */
static bool
is_known(const Events *events, const Event *event)
{
	ListCell *cell;

	foreach (cell, events->creations)
	{
		const Event *other = lfirst(cell);

		if ((other->ended && event->call != 0 && other->call == event->call) ||
			(other->creation->id != NULL && other->token != NULL &&
			 event->token != NULL && strcmp(other->token, event->token) == 0))
			return true;
	}
	return false;
}

/* Lists the creations of events that may have created something. */
static List *
list_creations(const Events *events)
{
	List *creations = NIL;
	ListCell *cell;

	foreach (cell, events->creations)
	{
		const Event *event = lfirst(cell);
		const char *id = event->creation->id;

		if (id != NULL ? !is_deleted(events, id)
					   : !event->ended && !is_known(events, event))
			creations = lappend(creations, event->creation);
	}
	return creations;
}

/* ------------------------------------------------------------------ queue */

/* A flag of a row. */
static bool
flag_of(uint64 row, const char *column)
{
	bool isnull;
	Datum value = hl_store_value(row, column, BOOLOID, &isnull);

	return !isnull && DatumGetBool(value);
}

static HlCreation *
read_request(uint64 row, const Sought *sought)
{
	bool mine = flag_of(row, "mine");
	bool isnull;
	char *id = (char *) hl_store_text(row, "datastore_id");
	HlCreation *creation = hl_creations_make(
		id, hl_store_text(row, "client_token"), mine, sought->client_token);

	creation->since = hl_store_time(row, "since");
	creation->open = flag_of(row, "open");
	if (mine)
		creation->request =
			DatumGetInt64(hl_store_value(row, "request", INT8OID, &isnull));
	return creation;
}

/* Adds queued requests. Their plan must not be that of a small table. */
static List *
add_requests(List *creations, const HlStore *store, const Sought *sought)
{
	HlParameters parameters = {0};
	int nest_level = hl_pinned_set("enable_seqscan", "off");
	uint64 rows;

	hl_store_add_text(&parameters, sought->operation->search->name);
	hl_store_add_text(&parameters, sought->role);
	hl_store_add(&parameters, BoolGetDatum(sought->sees_all));
	hl_store_add_text(&parameters, sought->operation->name);
	hl_store_add_text(&parameters, sought->name);
	hl_store_add_text(&parameters, sought->region);
	hl_store_add_text(&parameters, sought->endpoint);
	hl_store_add_text(&parameters, sought->account);
	hl_store_add_time(&parameters, sought->since);
	rows = hl_store_run_latest(store, HL_STATEMENT_CREATIONS, &parameters);
	for (uint64 i = 0; i < rows; i++)
		creations = lappend(creations, read_request(i, sought));
	hl_pinned_release(nest_level);
	return creations;
}

/* -------------------------------------------------------------------- all */

List *
hl_creations_find(const HlOperation *operation, const HlCall *call,
				  const char *name, const char *client_token)
{
	const HlStore *store = hl_store_need();
	MemoryContext caller = CurrentMemoryContext;
	Sought sought = {.operation = operation,
					 .name = name,
					 .client_token = client_token,
					 .region = call->region,
					 .endpoint = hl_target_url(call),
					 .account = hl_account_of_settings(),
					 .role = hl_account_client().current_role,
					 .sees_all = hl_account_sees_all(store),
					 .since = TimestampTzPlusMilliseconds(
						 GetCurrentTimestamp(), -HL_CREATIONS_RECENT)};
	Events events;
	List *creations;
	HlStoreStep step;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	MemoryContextSwitchTo(caller);
	hl_store_enter(&step, store);
	events = read_history(store, &sought);
	creations = add_requests(list_creations(&events), store, &sought);
	hl_store_leave(&step);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return creations;
}
