/*
 * load.c
 *	  The loop of a load: batches in flight, and a commit for each that ends.
 *
 * While replies are awaited, the transaction of the CALL is empty. A batch of
 * PUTs may be sent again if its end was not recorded.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "audit/store.h"
#include "call/error.h"
#include "fhir/bundle.h"
#include "fhir/load.h"
#include "fhir/load_queue.h"
#include "fhir/resource.h"
#include "fhir/result.h"
#include "server/clock.h"
#include "server/notice.h"
#include "server/settings.h"
#include "server/wait.h"

/* Milliseconds between two reports of the progress. */
#define TELL_EVERY 10000

/*
 * The maximum number of passes of a CALL, for tables that change permanently.
 */
#define MOST_PASSES 10

/* A batch with a portion in flight. */
typedef struct LoadFlight
{
	HlLoadBatch *batch;
	MemoryContext memory;
	HlFhirEntries entries;
	HlFhirRequest *request;
	HlCallRun run;
} LoadFlight;

typedef struct Loading
{
	const HlFhirPlace *place;
	HlLoadSource *source;
	HlLoadRecord *record;
	HlLoadQueue *queue;
	MemoryContext memory;
	int most;
	LoadFlight **flights;
	HlCall **calls;
	int nflights;
	int64 sent;  /* in this CALL, as the next */
	int64 vague; /* replies with validation issues of no entry */
	int64 told_at;
} Loading;

/* ---------------------------------------------------------------- flights */

/* Sends the next portion of a batch. */
static void
start_flight(Loading *loading, HlLoadBatch *batch)
{
	MemoryContext memory = AllocSetContextCreate(
		loading->memory, "healthlake load request", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	LoadFlight *flight = palloc0(sizeof(LoadFlight));
	bool settled;

	batch->flying = true;
	flight->batch = batch;
	flight->memory = memory;
	flight->request =
		hl_bundle_request(loading->place, &flight->entries,
						  hl_load_batch_write(batch, &flight->entries));
	settled = hl_call_start(&flight->run, &flight->request->request,
							flight->request->region);
	flight->run.several = flight->run.judged = true;
	if (!settled)
		hl_error_raise(flight->request->request.operation,
					   &flight->run.call->reply, NULL);
	loading->flights[loading->nflights++] = flight;
	MemoryContextSwitchTo(caller);
}

/*
 * Whether a portion was rejected because of its contents, and not because of
 * the role. Its halves are sent then; sending resources again that were stored
 * is harmless.
 */
static bool
is_for_contents(const HlReply *reply, const HlLoadBatch *batch)
{
	return reply->outcome == HL_OUTCOME_REFUSED &&
		   (!reply->may_have_run || batch->asked > 1) &&
		   ((reply->diagnosed &&
			 (reply->http_status == 400 || reply->http_status == 422)) ||
			reply->http_status == 413);
}

/* Ends the load if AWS does not accept a batch after all attempts. */
static void
check_tries(const HlLoadBatch *batch)
{
	if (batch->tries >= hl_settings.max_attempts)
		ereport(
			ERROR,
			(errcode(batch->busy_status == 429 ? HL_ERRCODE_THROTTLED
											   : HL_ERRCODE_SERVICE),
			 errmsg("AWS currently does not accept %d resources", batch->nleft),
			 errdetail("Entries failed with HTTP status %d, %d times in a row.",
					   batch->busy_status, batch->tries),
			 errhint("CALL healthlake_fhir_load again later; it continues "
					 "where it stopped.")));
}

static void
take_reply(LoadFlight *flight)
{
	HlReply *reply = &flight->run.call->reply;
	HlFhirAnswer *answers =
		hl_bundle_judge(flight->request, &flight->entries, reply);

	if (flight->run.begun)
		hl_call_finish(&flight->run);
	if (answers != NULL)
		hl_load_batch_take(flight->batch, answers, hl_fhir_has_issues(reply));
	else if (is_for_contents(reply, flight->batch))
		hl_load_batch_divide(flight->batch, reply->http_status, reply->code,
							 reply->expression);
	else
		hl_error_raise(flight->request->request.operation, reply, NULL);
	check_tries(flight->batch);
}

/* Commits; nothing read from the database may be used after it. */
static void
commit_step(void)
{
	SPI_commit();
	hl_wait_exit_if_orphaned();
}

/* Reports the progress from time to time. */
static void
tell_progress(Loading *loading)
{
	if (!hl_clock_is_past(loading->told_at, TELL_EVERY))
		return;
	loading->told_at = hl_clock_steady_ms();
	hl_notice_tell(psprintf("healthlake_fhir_load: " INT64_FORMAT
							" resources stored so far",
							loading->sent));
}

/* Records a batch that has ended, and commits. */
static void
record_batch(Loading *loading, HlLoadBatch *batch)
{
	MemoryContext caller = MemoryContextSwitchTo(loading->queue->scratch);

	loading->sent += batch->taken;
	loading->vague += batch->vague;
	PushActiveSnapshot(GetTransactionSnapshot());
	hl_load_queue_end(loading->queue, batch);
	PopActiveSnapshot();
	commit_step();
	tell_progress(loading);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(loading->queue->scratch);
}

/* Removes a flight that has ended from those in flight. */
static void
land_flight(Loading *loading, int at)
{
	LoadFlight *flight = loading->flights[at];
	HlLoadBatch *batch = flight->batch;

	loading->flights[at] = loading->flights[--loading->nflights];
	MemoryContextDelete(flight->memory);
	batch->flying = false;
	if (batch->nleft == 0)
	{
		record_batch(loading, batch);
		return;
	}
	loading->queue->waiting++;
	/* the audit trail may have written an event */
	commit_step();
}

/* Advances all flights until one has ended or the timeout. */
static void
step_flights(Loading *loading, long most_ms)
{
	for (int i = 0; i < loading->nflights; i++)
		loading->calls[i] = loading->flights[i]->run.call;
	(void) hl_engine_step(loading->calls, loading->nflights, most_ms);
	for (int i = loading->nflights - 1; i >= 0; i--)
	{
		LoadFlight *flight = loading->flights[i];
		MemoryContext caller = MemoryContextSwitchTo(flight->memory);
		bool ended = hl_call_advance(&flight->run);

		if (ended)
			take_reply(flight);
		MemoryContextSwitchTo(caller);
		if (ended)
			land_flight(loading, i);
	}
	/*
	 * the audit trail may have assigned a transaction id, which would hold
	 * back VACUUM
	 */
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		commit_step();
}

/* ------------------------------------------------------------------- pass */

/*
 * The first batch that may be sent now; NULL: none. Then sets the milliseconds
 * until there is one, or -1 if a reply must come first.
 */
static HlLoadBatch *
find_due(const Loading *loading, long *rest)
{
	int64 now = hl_clock_steady_ms();
	dlist_iter each;

	*rest = -1;
	dlist_foreach(each, &loading->queue->batches)
	{
		HlLoadBatch *batch = dlist_container(HlLoadBatch, node, each.cur);

		if (batch->flying || batch->over)
			continue;
		if (batch->due <= now)
			return batch;
		if (*rest < 0 || batch->due - now < *rest)
			*rest = (long) (batch->due - now);
	}
	return NULL;
}

/* Starts flights as far as allowed; returns the time of find_due(). */
static long
start_flights(Loading *loading)
{
	HlLoadBatch *batch;
	long rest = -1;

	while (loading->nflights < loading->most &&
		   (batch = find_due(loading, &rest)) != NULL)
	{
		loading->queue->waiting--;
		if (batch->nleft > 0)
			start_flight(loading, batch);
		else
			record_batch(loading, batch);
	}
	return rest;
}

/* Reads the next rows, in a separate transaction. */
static void
read_rows(Loading *loading)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	hl_load_queue_fill(loading->queue);
	PopActiveSnapshot();
	commit_step();
}

/* Whether a pass has nothing left to read or to wait for. */
static bool
is_over(const Loading *loading)
{
	const HlLoadQueue *queue = loading->queue;

	return loading->nflights == 0 && queue->waiting == 0 &&
		   (queue->at_end || queue->rewritten);
}

/* Sends everything of a pass; false if there was nothing to send. */
static bool
run_pass(Loading *loading)
{
	bool any;

	PushActiveSnapshot(GetTransactionSnapshot());
	any = hl_load_queue_begin(loading->queue);
	PopActiveSnapshot();
	commit_step();
	while (!is_over(loading))
	{
		long rest;

		if (hl_load_queue_wants(loading->queue))
			read_rows(loading);
		rest = start_flights(loading);
		if (loading->nflights > 0)
			step_flights(loading, rest);
		else if (rest > 0)
			hl_wait_rest(rest, HL_WAIT_POLL);
	}
	return any;
}

/* ------------------------------------------------------------------- load */

/* The files now, which live as long as the record. */
static HlLoadFiles *
look_at_files(const Loading *loading)
{
	MemoryContext caller = MemoryContextSwitchTo(loading->record->memory);
	HlLoadFiles *files = hl_load_source_files(loading->source);

	MemoryContextSwitchTo(caller);
	return files;
}

/* Begins the next pass, or the same again if rows have moved. */
static void
begin_pass(Loading *loading, bool again)
{
	HlLoadFiles *files;

	PushActiveSnapshot(GetTransactionSnapshot());
	files = look_at_files(loading);
	if (again)
		hl_load_record_restart(loading->record, files);
	else
		hl_load_record_pass(loading->record, hl_load_seen_now(), files);
	PopActiveSnapshot();
	commit_step();
}

/* Begins a pass, unless an interrupted one can be continued. */
static void
resume_pass(Loading *loading)
{
	const HlLoadRecord *record = loading->record;

	if (record->seeing == NULL || record->finished)
		begin_pass(loading, false);
}

/* Ends a load whose last pass could not be completed. */
static void
refuse_rewritten(const Loading *loading)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
					errmsg("%s was rewritten in the last of %d passes over it",
						   hl_load_source_name(loading->source), MOST_PASSES),
					errhint("CALL healthlake_fhir_load again while it is not "
							"truncated, refreshed, clustered or the like.")));
}

/* Runs passes until one finds nothing; within hl_call_watch(). */
static void
run_passes(void *argument)
{
	Loading *loading = argument;
	int passes = 1;

	resume_pass(loading);
	while (run_pass(loading) && passes++ < MOST_PASSES)
		begin_pass(loading, loading->queue->rewritten);
	if (loading->queue->rewritten)
		refuse_rewritten(loading);
}

/* Warns of resources that were stored with validation issues. */
static void
warn_issues(const Loading *loading)
{
	int64 issues = loading->record->issues;
	int64 vague = loading->vague;

	if (issues == 0 && vague == 0)
		return;
	ereport(WARNING,
			(errmsg("HealthLake has stored resources of %s with validation "
					"issues",
					hl_load_source_name(loading->source)),
			 vague > 0
				 ? errdetail(INT64_FORMAT
							 " of them are in healthlake_fhir_load_error, with "
							 "a status from 200 to 299. " INT64_FORMAT
							 " replies do not name the resources.",
							 issues, vague)
				 : errdetail(INT64_FORMAT
							 " of them are in healthlake_fhir_load_error, with "
							 "a status from 200 to 299.",
							 issues),
			 errhint("healthlake_fhir_validate() reports all issues of a "
					 "resource.")));
}

static void
finish_load(Loading *loading)
{
	const HlLoadRecord *record = loading->record;

	PushActiveSnapshot(GetTransactionSnapshot());
	hl_load_record_finish(loading->record);
	PopActiveSnapshot();
	commit_step();
	ereport(
		NOTICE,
		(errmsg("healthlake_fhir_load: " INT64_FORMAT
				" resources of %s stored, " INT64_FORMAT " rows refused",
				loading->sent, hl_load_source_name(loading->source),
				record->refused),
		 record->refused > 0
			 ? errdetail("The refused rows are in healthlake_fhir_load_error.")
			 : 0));
	warn_issues(loading);
}

/*
 * Takes a lock that keeps other sessions from the same load. It is a session
 * lock, which lasts beyond this transaction, and is released by an abort, too.
 */
static LOCKTAG
hold_load(const HlLoadRecord *record, const HlLoadSource *source)
{
	Oid table = get_relname_relid("healthlake_fhir_load_progress",
								  hl_store_need()->schema);
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, table, (uint32) record->id, 0);
	if (LockAcquire(&tag, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
						errmsg("another session is loading %s",
							   hl_load_source_name(source))));
	return tag;
}

static int
batch_size_of(const HlArguments *arguments)
{
	Datum value;
	int size;

	if (!hl_arguments_value(arguments, "batch_size", &value))
		(void) hl_fhir_needed(arguments, "batch_size");
	size = DatumGetInt32(value);
	if (size < 1 || size > HL_ENTRIES_MOST_BATCH)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be from 1 to %d",
							   "batch_size", HL_ENTRIES_MOST_BATCH)));
	return size;
}

/*
 * Whether all is sent, whatever an earlier CALL has sent: that was of another
 * column, which had the name then, or under row security.
 */
static bool
begins_anew(const Loading *loading, const HlArguments *arguments)
{
	Datum value;

	return (hl_arguments_value(arguments, "restart", &value) &&
			DatumGetBool(value)) ||
		   loading->record->seeing == NULL ||
		   loading->record->column != hl_load_source_column(loading->source);
}

/* Finds the table, the column and the progress of an earlier load. */
static LOCKTAG
prepare_load(Loading *loading, const HlArguments *arguments)
{
	const char *column = hl_fhir_needed(arguments, "resource_column");
	Datum value;
	Oid relation;
	LOCKTAG tag;

	if (!hl_arguments_value(arguments, "source", &value))
		(void) hl_fhir_needed(arguments, "source");
	relation = DatumGetObjectId(value);
	loading->place = hl_fhir_place(arguments);
	loading->source = hl_load_source_open(relation, column);
	loading->record =
		hl_load_record_find(relation, column, loading->place->datastore_id);
	tag = hold_load(loading->record, loading->source);
	if (begins_anew(loading, arguments))
		hl_load_record_forget(loading->record,
							  hl_load_source_column(loading->source));
	else
		hl_load_record_take_back(loading->record);
	loading->queue = hl_load_queue_create(loading->source, loading->record,
										  batch_size_of(arguments));
	loading->most = loading->queue->most;
	loading->flights = palloc(sizeof(LoadFlight *) * loading->most);
	loading->calls = palloc(sizeof(HlCall *) * loading->most);
	loading->told_at = hl_clock_steady_ms();
	return tag;
}

Datum
hl_load_call(FunctionCallInfo fcinfo)
{
	MemoryContext caller = CurrentMemoryContext;
	Loading loading = {0};
	LOCKTAG tag;

	hl_call_refuse_atomic(fcinfo, "healthlake_fhir_load()",
						  "CALL it on its own.");
	hl_call_refuse_change_by("healthlake_fhir_load");
	loading.memory = AllocSetContextCreate(PortalContext, "healthlake load",
										   ALLOCSET_DEFAULT_SIZES);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect_ext failed");
	MemoryContextSwitchTo(loading.memory);
	PushActiveSnapshot(GetTransactionSnapshot());
	tag = prepare_load(&loading, hl_arguments_read(fcinfo));
	PopActiveSnapshot();
	commit_step();
	hl_call_watch(run_passes, &loading);
	finish_load(&loading);
	LockRelease(&tag, ExclusiveLock, true);
	SPI_finish();
	MemoryContextDelete(loading.memory);
	MemoryContextSwitchTo(caller);
	PG_RETURN_VOID();
}
