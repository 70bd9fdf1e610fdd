/*
 * adopt.c
 *	  healthlake_adopt_requests(): rows of another home become this one's.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"

#include "audit/event.h"
#include "audit/home.h"
#include "audit/store.h"
#include "queue/adopt.h"
#include "queue/wakeup.h"

/* Rows that have got another id, in the order of both. */
typedef struct Renumbered
{
	uint64 count;
	int64 *before;
	int64 *after;
} Renumbered;

static int64
id_in(SPITupleTable *rows, uint64 row)
{
	bool isnull;

	return DatumGetInt64(hl_store_value_of(rows, row, "id", INT8OID, &isnull));
}

/*
 * Gives the rows whose id is taken here, and those that must not come before
 * them, new ids. The order in which one statement would take them for several
 * rows is not promised.
 */
static Renumbered
renumber(const HlStore *store, Datum home, const HlParameters *parameters)
{
	Renumbered it = {
		.count = hl_store_run(store, HL_STATEMENT_ADOPT_CLASHING, parameters)};
	SPITupleTable *rows = SPI_tuptable;

	it.before = MemoryContextAllocHuge(CurrentMemoryContext,
									   (it.count + 1) * sizeof(int64));
	it.after = MemoryContextAllocHuge(CurrentMemoryContext,
									  (it.count + 1) * sizeof(int64));
	for (uint64 i = 0; i < it.count; i++)
	{
		HlParameters one = {0};

		it.before[i] = id_in(rows, i);
		hl_store_add(&one, home);
		hl_store_add(&one, Int64GetDatum(it.before[i]));
		(void) hl_store_alter(store, HL_STATEMENT_ADOPT_RENUMBER, &one);
		it.after[i] = id_in(SPI_tuptable, 0);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_freetuptable(rows);
	return it;
}

/* The id that a row had before. */
static int64
former_id(const Renumbered *it, int64 id)
{
	uint64 low = 0;
	uint64 high = it->count;

	while (low < high)
	{
		uint64 middle = low + (high - low) / 2;

		if (it->after[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < it->count && it->after[low] == id ? it->before[low] : id;
}

/* Makes rows this home's and records that; returns their number. */
static uint64
adopt_rows(const HlStore *store, const HlParameters *parameters,
		   const Renumbered *renumbered)
{
	HlClient who = hl_account_client();
	const char *home = TextDatumGetCString(parameters->values[0]);
	uint64 count = hl_store_alter(store, HL_STATEMENT_ADOPT, parameters);
	SPITupleTable *rows = SPI_tuptable;
	HlRequestEvent *events = MemoryContextAllocHuge(
		CurrentMemoryContext, sizeof(HlRequestEvent) * (count + 1));

	for (uint64 i = 0; i < count; i++)
	{
		int64 id = id_in(rows, i);

		events[i] = (HlRequestEvent){
			.id = id,
			.event = "adopted",
			.note = psprintf("request " INT64_FORMAT " of home %s",
							 former_id(renumbered, id), home),
			.microseconds = -1};
	}
	hl_event_add_requests(store, &who, events, (int) count);
	SPI_freetuptable(rows);
	return count;
}

/*
 * Makes the rows of another home this one's. The sequence goes on behind the
 * ids of both, so that no new id is one of theirs. The lock keeps others from
 * taking ids.
 */
static uint64
adopt(const HlStore *store, Datum home)
{
	HlParameters both = {0};
	HlParameters one = {0};
	HlStoreStep step;
	Renumbered renumbered;
	uint64 count;

	LockRelationOid(store->table, ShareRowExclusiveLock);
	hl_store_add(&both, home);
	hl_store_add(&both, Int32GetDatum((int) GetWALInsertionTimeLine()));
	hl_store_add(&one, home);
	hl_store_enter(&step, store);
	(void) hl_store_run(store, HL_STATEMENT_ADVANCE_IDS, &one);
	renumbered = renumber(store, home, &one);
	(void) hl_store_alter(store, HL_STATEMENT_ADOPT_RETRIES, &one);
	count = adopt_rows(store, &both, &renumbered);
	hl_store_leave(&step);
	return count;
}

/* Only a superuser may adopt, since this server sends what is adopted. */
static void
refuse_adopting(void)
{
	PreventCommandIfReadOnly("healthlake_adopt_requests");
	PreventCommandDuringRecovery("healthlake_adopt_requests");
	if (!superuser())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be superuser to adopt requests")));
}

Datum
hl_adopt_requests(FunctionCallInfo fcinfo)
{
	const HlStore *store;
	uint64 count = 0;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", "home")));
	refuse_adopting();
	store = hl_store_need();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (strcmp(text_to_cstring(PG_GETARG_TEXT_PP(0)), hl_home()) != 0)
		count = adopt(store, PG_GETARG_DATUM(0));
	SPI_finish();
	if (count > 0)
		hl_wakeup_want(store);
	PG_RETURN_INT64((int64) count);
}
