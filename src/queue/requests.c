/*
 * requests.c
 *	  Requests in the hands of people.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
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

#include "audit/event.h"
#include "audit/store.h"
#include "call/error.h"
#include "call/poll.h"
#include "call/portal.h"
#include "model/arguments.h"
#include "model/request.h"
#include "queue/enqueue.h"
#include "queue/plane.h"
#include "queue/requests.h"
#include "queue/wakeup.h"
#include "server/clock.h"
#include "server/settings.h"
#include "server/wait.h"

/* Milliseconds between two looks at a request, at first and at most. */
#define FIRST_LOOK 50
#define LONGEST_LOOK 1000

/* A statement about one row, as the current user may see it. */
typedef struct Touch
{
	const HlStore *store;
	HlStoreStep step;
	HlClient who;
	int64 id;
	HlParameters parameters;
} Touch;

/* What a request is, before anything is done about it. */
typedef struct Found
{
	const char *operation;
	const char *kind;
	const char *request;
	const char *state;
	const char *fence;
	const char *retried_as; /* the id of its retry; NULL: it has none */
	bool finished;
	bool begun;   /* it may have been sent */
	bool emptied; /* the body, without which it cannot be sent, is gone */
} Found;

static void
refuse_null(FunctionCallInfo fcinfo, int position, const char *name)
{
	if (PG_ARGISNULL(position))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", name)));
}

/*
 * Whether the current user may change the requests of every role: as a
 * superuser or the tables' owner, whom row security does not limit either. To
 * see them is another right, which is granted to whoever audits.
 */
static bool
handles_all(const HlStore *store)
{
	return has_privs_of_role(GetUserId(), store->owner);
}

/*
 * Begins a statement on a row with its id and the role that acts, whose rows
 * it finds; all: it finds those of every role. In a function or a materialized
 * view of another role's that is its owner, who must not reach the rows of
 * whoever uses it.
 */
static void
touch_begin(Touch *touch, int64 id, bool (*all)(const HlStore *))
{
	touch->store = hl_store_need();
	touch->who = hl_account_client();
	touch->id = id;
	touch->parameters.count = 0;
	hl_store_add(&touch->parameters, Int64GetDatum(id));
	hl_store_add_text(&touch->parameters, touch->who.current_role);
	hl_store_add(&touch->parameters, BoolGetDatum(all(touch->store)));
}

/*
 * Raises the same error for a row that does not exist and for one of another
 * role.
 */
static void
raise_missing(int64 id)
{
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("request " INT64_FORMAT " does not exist", id)));
}

static bool
flag_of(const char *column)
{
	bool isnull;
	Datum value = hl_store_value(0, column, BOOLOID, &isnull);

	return !isnull && DatumGetBool(value);
}

/* Reads the row, as its owner from here on; raises 42704 if there is none. */
static Found
touch_look(Touch *touch)
{
	hl_store_enter(&touch->step, touch->store);
	if (hl_store_run(touch->store, HL_STATEMENT_LOOK, &touch->parameters) == 0)
		raise_missing(touch->id);
	return (Found){.operation = hl_store_text(0, "operation"),
				   .kind = hl_store_text(0, "kind"),
				   .request = hl_store_text(0, "request"),
				   .state = hl_store_text(0, "state"),
				   .fence = hl_store_text(0, "fence"),
				   .retried_as = hl_store_text(0, "retried_as"),
				   .finished = flag_of("finished"),
				   .begun = flag_of("begun"),
				   .emptied = flag_of("emptied")};
}

/*
 * Reads the row when nobody else can change it any more, if it is finished. If
 * it has changed since the snapshot of the transaction, PostgreSQL raises 40001.
 */
static Found
touch_hold(Touch *touch)
{
	for (;;)
	{
		Found found;
		bool held;

		hl_store_enter(&touch->step, touch->store);
		held = hl_store_run(touch->store, HL_STATEMENT_LOCK,
							&touch->parameters) > 0;
		hl_store_leave(&touch->step);
		found = touch_look(touch);
		if (held || !found.finished)
			return found;
		/* it was finished in between */
		hl_store_leave(&touch->step);
	}
}

/* Records in the history what was done to the row, and by whom. */
static void
touch_tell(const Touch *touch, const char *event, const char *outcome,
		   const char *note)
{
	HlRequestEvent what = {.id = touch->id,
						   .event = event,
						   .outcome = outcome,
						   .note = note,
						   .microseconds = -1};

	hl_event_add_requests(touch->store, &touch->who, &what, 1);
}

/* Sends the NOTIFY of a finished row, as the queue does. */
static void
announce(const Touch *touch)
{
	HlParameters parameters = {0};

	hl_store_add(&parameters, Int64GetDatum(touch->id));
	(void) hl_store_run(touch->store, HL_STATEMENT_NOTIFY, &parameters);
}

/* Connects to SPI, if the transaction may write. */
static void
connect_to_write(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
	hl_portal_forbid_rerun(function);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

/*
 * Requires EXECUTE on the operation's function, whoever enqueued the request.
 */
static void
refuse_without_right(const Touch *touch, const Found *found)
{
	const HlPlane *plane = hl_plane_of(found->kind);
	const HlOperation *operation = plane->find(found->operation);

	if (operation == NULL || plane->permits(touch->store, operation,
											found->request, touch->step.user))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for operation %s", operation->name),
			 errhint("EXECUTE on function %s is also required.",
					 operation->function)));
}

/* ----------------------------------------------------------------- cancel */

/* Raises the reason why a request cannot be cancelled. */
static void
refuse_to_cancel(int64 id, const Found *found)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 found->finished ? errmsg("request " INT64_FORMAT
									  " is finished: its state is %s",
									  id, found->state)
			 : found->begun || strcmp(found->state, "queued") != 0
				 ? errmsg("request " INT64_FORMAT " may have been sent", id)
				 : errmsg("request " INT64_FORMAT
						  " is being processed by another session",
						  id),
			 errdetail("Only a request of which certainly nothing was sent can "
					   "be cancelled.")));
}

Datum
hl_requests_cancel(FunctionCallInfo fcinfo)
{
	Touch touch;
	Found found;

	refuse_null(fcinfo, 0, "id");
	connect_to_write("healthlake_cancel_request");
	touch_begin(&touch, PG_GETARG_INT64(0), handles_all);
	found = touch_look(&touch);
	if (hl_store_alter(touch.store, HL_STATEMENT_CANCEL, &touch.parameters) ==
		0)
		refuse_to_cancel(touch.id, &found);
	touch_tell(&touch, "cancelled", NULL, NULL);
	announce(&touch);
	hl_store_leave(&touch.step);
	SPI_finish();
	PG_RETURN_BOOL(true);
}

/* ------------------------------------------------------------------ retry */

/* Raises the reason why a request cannot be retried. */
static void
refuse_to_retry(int64 id, const Found *found)
{
	if (found->retried_as != NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("request " INT64_FORMAT
							   " has been retried as request %s",
							   id, found->retried_as),
						errhint("Retry that one, if it has failed.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("request " INT64_FORMAT " cannot be retried: its state is "
					"%s",
					id, found->state),
			 errdetail("A request can be retried when it has failed, was "
					   "cancelled, or is of unknown outcome.")));
}

/* Whether it has ended without success. */
static bool
is_over(const Found *found)
{
	return found->finished && strcmp(found->state, "succeeded") != 0;
}

/* Refuses a request whose body was removed. */
static void
refuse_emptied(int64 id, const Found *found)
{
	if (!found->emptied)
		return;
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("request " INT64_FORMAT
						   " cannot be retried: its body was removed",
						   id),
					errdetail("The body is kept until a request has succeeded "
							  "or was cancelled, resolved or retried.")));
}

/* Refuses a retry that would overwrite newer data of a FHIR resource. */
static void
refuse_overtaken(const Touch *touch)
{
	HlParameters parameters = {0};

	hl_store_add(&parameters, Int64GetDatum(touch->id));
	if (hl_store_run(touch->store, HL_STATEMENT_LATER, &parameters) == 0)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("request " INT64_FORMAT " cannot be retried: the later request "
				"%s writes the same resource",
				touch->id, hl_store_text(0, "id")),
		 errdetail("A retry would replace newer data by older."),
		 errhint("Enqueue the current state of the resource instead.")));
}

/* Moves an open request of another fence to this one; returns its id. */
static int64
take_over(Touch *touch, const Found *found)
{
	HlParameters parameters = {0};

	hl_store_add(&parameters, Int64GetDatum(touch->id));
	hl_store_add_text(&parameters, hl_settings.fence);
	refuse_overtaken(touch);
	if (hl_store_run(touch->store, HL_STATEMENT_TAKE_OVER, &parameters) == 0)
		refuse_to_retry(touch->id, found);
	touch_tell(touch, "retried", NULL,
			   psprintf("taken over from fence \"%s\"", found->fence));
	return touch->id;
}

/* Removes the body, which the retry has now. */
static void
empty(const Touch *touch)
{
	HlParameters parameters = {0};

	hl_store_add(&parameters, Int64GetDatum(touch->id));
	(void) hl_store_alter(touch->store, HL_STATEMENT_EMPTY, &parameters);
}

/* Enqueues a new request in place of a finished one; returns its id. */
static int64
make_again(Touch *touch, const Found *found)
{
	HlParameters parameters = {0};
	HlRequestEvent enqueued = {.event = "enqueued", .microseconds = -1};
	bool isnull;

	hl_store_add(&parameters, Int64GetDatum(touch->id));
	hl_store_add_text(&parameters, hl_settings.fence);
	hl_store_add(&parameters, Int32GetDatum((int) GetWALInsertionTimeLine()));
	hl_store_add_text(&parameters, hl_request_token());
	if (found->retried_as == NULL && is_over(found))
	{
		refuse_emptied(touch->id, found);
		refuse_overtaken(touch);
	}
	if (found->retried_as != NULL ||
		hl_store_run(touch->store, HL_STATEMENT_RETRY, &parameters) == 0)
		refuse_to_retry(touch->id, found);
	enqueued.id = DatumGetInt64(hl_store_value(0, "id", INT8OID, &isnull));
	enqueued.note = psprintf("retry of request " INT64_FORMAT, touch->id);
	empty(touch);
	touch_tell(touch, "retried", NULL,
			   psprintf("as request " INT64_FORMAT, enqueued.id));
	hl_event_add_requests(touch->store, NULL, &enqueued, 1);
	return enqueued.id;
}

Datum
hl_requests_retry(FunctionCallInfo fcinfo)
{
	Touch touch;
	Found found;
	int64 id;

	refuse_null(fcinfo, 0, "id");
	connect_to_write("healthlake_retry_request");
	touch_begin(&touch, PG_GETARG_INT64(0), handles_all);
	found = touch_hold(&touch);
	refuse_without_right(&touch, &found);
	if (!found.finished && strcmp(found.fence, hl_settings.fence) != 0)
		id = take_over(&touch, &found);
	else
		id = make_again(&touch, &found);
	hl_store_leave(&touch.step);
	hl_wakeup_want(touch.store);
	SPI_finish();
	PG_RETURN_INT64(id);
}

/* ---------------------------------------------------------------- resolve */

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

/* Refuses a response that is not an object of AWS's members. */
static void
check_response(FunctionCallInfo fcinfo)
{
	if (!PG_ARGISNULL(3) && !JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(3)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a JSON object", "response")));
}

/* Raises the reason why a request cannot be resolved. */
static void
refuse_to_resolve(int64 id, const Found *found)
{
	if (found->retried_as != NULL)
		refuse_to_retry(id, found);
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("request " INT64_FORMAT " cannot be resolved: its state is %s",
				id, found->state),
		 errdetail("A request can be resolved when its state is unknown, or "
				   "when its last search or poll has failed and nobody is "
				   "processing it.")));
}

/*
 * Takes an open request from the runners until the end of the transaction, if
 * it is one that can be resolved. It is locked after all that may be refused.
 */
static bool
hold_open(Touch *touch)
{
	return hl_store_run(touch->store, HL_STATEMENT_HOLD, &touch->parameters) >
		   0;
}

Datum
hl_requests_resolve(FunctionCallInfo fcinfo)
{
	Touch touch;
	Found found;
	const char *state;

	refuse_null(fcinfo, 0, "id");
	refuse_null(fcinfo, 1, "state");
	refuse_null(fcinfo, 2, "note");
	connect_to_write("healthlake_resolve_request");
	state = check_state(fcinfo);
	check_response(fcinfo);
	hl_enqueue_refuse_large("note", PG_GETARG_DATUM(2));
	if (!PG_ARGISNULL(3))
		hl_enqueue_refuse_large("response", PG_GETARG_DATUM(3));
	touch_begin(&touch, PG_GETARG_INT64(0), handles_all);
	found = touch_hold(&touch);
	refuse_without_right(&touch, &found);
	if (!found.finished && strcmp(found.state, "unknown") != 0 &&
		!hold_open(&touch))
		refuse_to_resolve(touch.id, &found);
	hl_store_add_text(&touch.parameters, state);
	hl_store_add(&touch.parameters, PG_GETARG_DATUM(2));
	if (PG_ARGISNULL(3))
		hl_store_add_null(&touch.parameters);
	else
		hl_store_add(&touch.parameters, PG_GETARG_DATUM(3));
	hl_store_add_text(&touch.parameters, touch.who.outer_role);
	if (hl_store_alter(touch.store, HL_STATEMENT_RESOLVE, &touch.parameters) ==
		0)
		refuse_to_resolve(touch.id, &found);
	touch_tell(&touch, "resolved", state,
			   text_to_cstring(PG_GETARG_TEXT_PP(2)));
	announce(&touch);
	hl_store_leave(&touch.step);
	SPI_finish();
	PG_RETURN_BOOL(true);
}

/* ------------------------------------------------------------------ purge */

/* Records in the history what was deleted, and by whom. */
static void
tell_purge(const HlStore *store, const HlClient *who, uint64 requests,
		   uint64 events)
{
	HlEvent event = {0};

	event.fields[HL_EVENT_EVENT] = "purged";
	event.fields[HL_EVENT_NOTE] = psprintf(
		UINT64_FORMAT " requests, " UINT64_FORMAT " events", requests, events);
	hl_event_set_client(&event, who);
	(void) hl_event_add(store, &event);
}

/*
 * A negative age, such as by a wrong sign, would delete everything. An older
 * one than this is before the first timestamp.
 */
static void
refuse_age(const Interval *age)
{
	static const Interval zero = {0};
	const int32 years = 4000;
	const int64 most = (int64) years * 366 * USECS_PER_DAY;

	if (age->month > years * MONTHS_PER_YEAR || age->day > years * 366 ||
		age->time > most)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be at most %d years",
							   "older_than", years)));

	if (DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(age),
										  IntervalPGetDatum(&zero))) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be negative", "older_than")));
}

Datum
hl_requests_purge(FunctionCallInfo fcinfo)
{
	HlClient who = hl_account_client();
	const HlStore *store;
	HlParameters requests = {0};
	HlParameters events = {0};
	HlStoreStep step;
	uint64 count;

	refuse_null(fcinfo, 0, "older_than");
	refuse_age(PG_GETARG_INTERVAL_P(0));
	connect_to_write("healthlake_purge_requests");
	store = hl_store_need();
	hl_store_add(&requests, PG_GETARG_DATUM(0));
	hl_store_add(&events, PG_GETARG_DATUM(0));
	hl_store_add_text(&events, hl_settings.audit_retention);
	hl_store_enter(&step, store);
	count = hl_store_alter(store, HL_STATEMENT_PURGE, &requests);
	tell_purge(store, &who, count,
			   hl_store_alter(store, HL_STATEMENT_PURGE_EVENTS, &events));
	hl_store_leave(&step);
	SPI_finish();
	PG_RETURN_INT64((int64) count);
}

/* ------------------------------------------------------------------- wait */

/* Refuses to wait in a transaction whose snapshot would never show the end. */
static void
refuse_to_wait(int64 id)
{
	bool isnull;
	TransactionId xmin =
		DatumGetTransactionId(hl_store_value(0, "xmin", XIDOID, &isnull));

	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("cannot wait for a request in a transaction of "
							   "this isolation level"),
						errhint("Wait in a READ COMMITTED transaction.")));
	if (TransactionIdIsCurrentTransactionId(xmin))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("request " INT64_FORMAT
							   " is not sent before this transaction commits",
							   id),
						errhint("Commit, and then wait.")));
}

/* Reads the request; returns the row if it is finished, otherwise NULL. */
static HeapTuple
look_at(int64 id, MemoryContext memory)
{
	Touch touch;
	bool isnull;
	HeapTuple row = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	touch_begin(&touch, id, hl_account_sees_all);
	hl_store_enter(&touch.step, touch.store);
	if (hl_store_run(touch.store, HL_STATEMENT_READ, &touch.parameters) == 0)
		raise_missing(id);
	hl_store_leave(&touch.step);
	if (DatumGetBool(hl_store_value(0, "finished", BOOLOID, &isnull)))
	{
		HeapTupleHeader whole = DatumGetHeapTupleHeader(hl_store_value(
			0, "whole", get_rel_type_id(touch.store->table), &isnull));
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

/* The end of the wait, by hl_clock_steady_ms(). */
static int64
deadline_of(FunctionCallInfo fcinfo)
{
	return hl_clock_steady_ms() +
		   hl_poll_milliseconds(hl_arguments_read(fcinfo), "timeout");
}

/* Sleeps until the next look; raises an error if the time is over. */
static void
sleep_for(long milliseconds, int64 id, int64 deadline)
{
	int64 left = deadline - hl_clock_steady_ms();

	if (left <= 0)
		ereport(ERROR, (errcode(HL_ERRCODE_WAIT_OVER),
						errmsg("request " INT64_FORMAT
							   " is not finished after the time allowed",
							   id),
						errhint("Increase \"timeout\", or wait again.")));
	hl_wait_rest((long) Min((int64) milliseconds, left), HL_WAIT_POLL);
}

Datum
hl_requests_wait(FunctionCallInfo fcinfo)
{
	MemoryContext caller = CurrentMemoryContext;
	long milliseconds = FIRST_LOOK;
	int64 deadline;
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
