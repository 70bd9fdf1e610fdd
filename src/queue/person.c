/*
 * person.c
 *	  Requests in the hands of people.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "api/error.h"
#include "api/portal.h"
#include "api/request.h"
#include "client/compat.h"
#include "client/settings.h"
#include "client/wait.h"
#include "queue/person.h"
#include "queue/store.h"
#include "queue/worker.h"

/* Milliseconds between two looks at a request, at first and at most. */
#define FIRST_LOOK 50
#define LONGEST_LOOK 1000

/* A statement about one row, as the current user may see it. */
typedef struct Touch
{
	const HlStore *store;
	HlStoreStep step;
	HlParameters parameters;
} Touch;

/* Raises that an argument is NULL. */
static void
refuse_null(FunctionCallInfo fcinfo, int position, const char *name)
{
	if (PG_ARGISNULL(position))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", name)));
}

/* Whether the current user sees every row. */
static bool
sees_all(const HlStore *store)
{
	Oid audit = get_relname_relid("healthlake_audit", store->schema);

	return OidIsValid(audit) &&
		   pg_class_aclcheck(audit, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

/* Begins a statement about a row: id and whose rows it may be. */
static void
touch_begin(Touch *touch, int64 id)
{
	touch->store = hl_store_need();
	touch->parameters.count = 0;
	hl_store_add(&touch->parameters, Int64GetDatum(id));
	hl_store_add_text(&touch->parameters,
					  GetUserNameFromId(GetSessionUserId(), false));
	hl_store_add_text(&touch->parameters,
					  GetUserNameFromId(GetUserId(), false));
	hl_store_add(&touch->parameters, BoolGetDatum(sees_all(touch->store)));
}

/* Runs it as the owner; gives how many rows it was about. */
static uint64
touch_run(Touch *touch, HlStatement statement)
{
	uint64 count;

	hl_store_enter(&touch->step, touch->store);
	count = hl_store_alter(touch->store, statement, &touch->parameters);
	hl_store_leave(&touch->step);
	return count;
}

/* Announces that a row has come to its end, as the queue does. */
static void
announce(const HlStore *store, int64 id)
{
	HlParameters parameters = {0};
	HlStoreStep step;

	hl_store_add(&parameters, Int64GetDatum(id));
	hl_store_enter(&step, store);
	(void) hl_store_run(store, HL_STATEMENT_NOTIFY, &parameters);
	hl_store_leave(&step);
}

/* Connects to SPI, where rows may be written. */
static void
connect_to_write(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
	hl_portal_forbid_rerun(function);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

/* Cancels a request of which nothing was sent. */
Datum
hl_person_cancel(FunctionCallInfo fcinfo)
{
	Touch touch;
	bool done;

	refuse_null(fcinfo, 0, "id");
	connect_to_write("healthlake_cancel_request");
	touch_begin(&touch, PG_GETARG_INT64(0));
	done = touch_run(&touch, HL_STATEMENT_CANCEL) > 0;
	if (done)
		announce(touch.store, PG_GETARG_INT64(0));
	SPI_finish();
	PG_RETURN_BOOL(done);
}

/* Has a request tried again. */
Datum
hl_person_retry(FunctionCallInfo fcinfo)
{
	Touch touch;
	bool done;

	refuse_null(fcinfo, 0, "id");
	connect_to_write("healthlake_retry_request");
	touch_begin(&touch, PG_GETARG_INT64(0));
	hl_store_add_text(&touch.parameters, hl_settings.fence);
	hl_store_add(&touch.parameters, Int32GetDatum(hl_compat_timeline()));
	hl_store_add_text(&touch.parameters, hl_request_token());
	done = touch_run(&touch, HL_STATEMENT_RETRY) > 0;
	if (done)
		hl_worker_want(touch.store);
	SPI_finish();
	PG_RETURN_BOOL(done);
}

/* Refuses an end that a request cannot have. */
static const char *
check_state(FunctionCallInfo fcinfo)
{
	const char *state = text_to_cstring(PG_GETARG_TEXT_PP(1));

	if (strcmp(state, "succeeded") != 0 && strcmp(state, "failed") != 0 &&
		strcmp(state, "cancelled") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be succeeded, failed or "
							   "cancelled",
							   "state")));
	return state;
}

/* Adds the response, which is an object of AWS's members. */
static void
add_response(FunctionCallInfo fcinfo, HlParameters *parameters)
{
	if (PG_ARGISNULL(3))
	{
		hl_store_add_null(parameters);
		return;
	}
	if (!JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(3)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a JSON object", "response")));
	hl_store_add(parameters, PG_GETARG_DATUM(3));
}

/* Says what became of a request of unknown outcome. */
Datum
hl_person_resolve(FunctionCallInfo fcinfo)
{
	Touch touch;
	bool done;

	refuse_null(fcinfo, 0, "id");
	refuse_null(fcinfo, 1, "state");
	refuse_null(fcinfo, 2, "note");
	connect_to_write("healthlake_resolve_request");
	touch_begin(&touch, PG_GETARG_INT64(0));
	hl_store_add_text(&touch.parameters, check_state(fcinfo));
	hl_store_add(&touch.parameters, PG_GETARG_DATUM(2));
	add_response(fcinfo, &touch.parameters);
	hl_store_add_text(&touch.parameters,
					  GetUserNameFromId(GetSessionUserId(), false));
	done = touch_run(&touch, HL_STATEMENT_RESOLVE) > 0;
	if (done)
		announce(touch.store, PG_GETARG_INT64(0));
	SPI_finish();
	PG_RETURN_BOOL(done);
}

/* Deletes what is older than both the caller and the audit want it. */
Datum
hl_person_purge(FunctionCallInfo fcinfo)
{
	const HlStore *store;
	HlParameters parameters = {0};
	HlStoreStep step;
	uint64 count;

	refuse_null(fcinfo, 0, "older_than");
	connect_to_write("healthlake_purge_requests");
	store = hl_store_need();
	hl_store_add(&parameters, PG_GETARG_DATUM(0));
	hl_store_add_text(&parameters, hl_settings.audit_retention);
	hl_store_enter(&step, store);
	count = hl_store_alter(store, HL_STATEMENT_PURGE, &parameters);
	hl_store_leave(&step);
	SPI_finish();
	PG_RETURN_INT64((int64) count);
}

/* ------------------------------------------------------------------- wait */

/* Refuses to wait where the end could not be seen. */
static void
refuse_to_wait(int64 id)
{
	bool isnull;
	TransactionId xmin =
		DatumGetTransactionId(hl_store_value(0, "xmin", &isnull));

	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the end of a request cannot be seen in a transaction "
						"of this isolation level"),
				 errhint("Wait in a READ COMMITTED transaction.")));
	if (TransactionIdIsCurrentTransactionId(xmin))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("request " INT64_FORMAT
							   " is not sent before this transaction commits",
							   id),
						errhint("Commit, and then wait.")));
}

/* Looks at the request; gives the row if it is over, else NULL. */
static HeapTuple
look_at(int64 id, MemoryContext memory)
{
	Touch touch;
	bool isnull;
	HeapTuple row = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	touch_begin(&touch, id);
	hl_store_enter(&touch.step, touch.store);
	if (hl_store_run(touch.store, HL_STATEMENT_READ, &touch.parameters) == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("request " INT64_FORMAT " does not exist", id)));
	hl_store_leave(&touch.step);
	if (DatumGetBool(hl_store_value(0, "finished", &isnull)))
	{
		HeapTupleHeader whole =
			DatumGetHeapTupleHeader(hl_store_value(0, "whole", &isnull));
		HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(whole),
							   .t_data = whole};
		MemoryContext caller = MemoryContextSwitchTo(memory);

		row = heap_copytuple(&tuple);
		MemoryContextSwitchTo(caller);
	}
	else
		refuse_to_wait(id);
	SPI_finish();
	return row;
}

/* When the wait is over. */
static TimestampTz
deadline_of(FunctionCallInfo fcinfo)
{
	return DatumGetTimestampTz(DirectFunctionCall2(
		timestamptz_pl_interval, TimestampTzGetDatum(GetCurrentTimestamp()),
		PG_GETARG_DATUM(1)));
}

/* Sleeps until the next look; raises when there is no time for it. */
static void
sleep_for(long milliseconds, int64 id, TimestampTz deadline)
{
	TimestampTz now = GetCurrentTimestamp();

	if (now >= deadline)
		ereport(ERROR, (errcode(HL_ERRCODE_WAIT_OVER),
						errmsg("request " INT64_FORMAT
							   " is not finished after the time allowed",
							   id),
						errhint("Give a longer \"timeout\", or wait again.")));
	milliseconds =
		Min(milliseconds, TimestampDifferenceMilliseconds(now, deadline) + 1);
	hl_wait_rest(milliseconds, HL_WAIT_POLL);
}

/* Waits until a request is over. */
Datum
hl_person_wait(FunctionCallInfo fcinfo)
{
	MemoryContext caller = CurrentMemoryContext;
	long milliseconds = FIRST_LOOK;
	TimestampTz deadline;
	HeapTuple row;
	int64 id;

	refuse_null(fcinfo, 0, "id");
	refuse_null(fcinfo, 1, "timeout");
	id = PG_GETARG_INT64(0);
	deadline = deadline_of(fcinfo);
	while ((row = look_at(id, caller)) == NULL)
	{
		sleep_for(milliseconds, id, deadline);
		milliseconds = Min(milliseconds * 2, LONGEST_LOOK);
	}
	return HeapTupleGetDatum(row);
}
