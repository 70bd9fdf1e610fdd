/*
 * adopt.c
 *	  healthlake_adopt_requests(): rows of another home become this one's.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"

#include "audit/event.h"
#include "audit/home.h"
#include "audit/store.h"
#include "queue/adopt.h"
#include "queue/wakeup.h"

/* Adopts rows by a statement and records that; returns their number. */
static uint64
adopt_rows(const HlStore *store, HlStatement statement,
		   const HlParameters *parameters)
{
	HlClient who = hl_account_client();
	const char *home = TextDatumGetCString(parameters->values[0]);
	uint64 count = hl_store_alter(store, statement, parameters);
	SPITupleTable *rows = SPI_tuptable;
	HlRequestEvent *events = palloc(sizeof(HlRequestEvent) * Max(count, 1));
	bool isnull;

	for (uint64 i = 0; i < count; i++)
		events[i] = (HlRequestEvent){
			.id = DatumGetInt64(hl_store_value(i, "id", &isnull)),
			.event = "adopted",
			.note = psprintf("request " INT64_FORMAT " of home %s",
							 DatumGetInt64(hl_store_value(i, "old", &isnull)),
							 home),
			.microseconds = -1};
	hl_event_add_requests(store, &who, events, (int) count);
	SPI_freetuptable(rows);
	return count;
}

/*
 * Makes the rows of another home this one's. An id that is taken here is
 * replaced by a new one, and the sequence goes on behind all of them, so that
 * no enqueueing meets them later. The lock keeps others from taking ids.
 */
static uint64
adopt(const HlStore *store, Datum home)
{
	HlParameters both = {0};
	HlParameters one = {0};
	HlStoreStep step;
	uint64 count;

	LockRelationOid(store->table, ShareRowExclusiveLock);
	hl_store_add(&both, home);
	hl_store_add(&both, Int32GetDatum((int) GetWALInsertionTimeLine()));
	hl_store_add(&one, home);
	hl_store_enter(&step, store);
	(void) hl_store_run(store, HL_STATEMENT_ADVANCE_IDS, &one);
	(void) hl_store_alter(store, HL_STATEMENT_ADOPT_RETRIES, &one);
	count = adopt_rows(store, HL_STATEMENT_ADOPT_CLASHING, &both);
	count += adopt_rows(store, HL_STATEMENT_ADOPT, &both);
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
