/*
 * runner.c
 *	  Claim, call, record.
 *
 *	  A round is: one short transaction that records what has ended and claims
 *	  what is due; another that makes calls of what was claimed, which writes
 *	  nothing; then waiting, outside of any transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/timestamp.h"

#include "api/call.h"
#include "api/error.h"
#include "api/statistics.h"
#include "client/compat.h"
#include "client/settings.h"
#include "client/wait.h"
#include "queue/enqueue.h"
#include "queue/event.h"
#include "queue/runner.h"
#include "queue/step.h"
#include "queue/worker.h"

/* Milliseconds that a lease is longer than what is done under it. */
#define LEASE_MARGIN (2 * 60 * 1000)

/* Looks again after so long for what others hold. */
#define LOOK_AGAIN 5000

/* Makes a runner. */
HlRunner *
hl_runner_create(const HlRunnerTransactions *transactions, HlBoardKind kind,
				 int64 allowance)
{
	HlRunner *runner = palloc0(sizeof(HlRunner));

	runner->transactions = transactions;
	runner->memory = CurrentMemoryContext;
	runner->round = AllocSetContextCreate(runner->memory, "healthlake round",
										  ALLOCSET_DEFAULT_SIZES);
	runner->allowance = allowance;
	runner->holder = hl_board_join(MyDatabaseId, kind);
	return runner;
}

/*
 * What is sent must not be forgotten by a crash: a claim that is lost leaves a
 * request that was sent and whose row says that it was not.
 */
static void
commit_durably(void)
{
	if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF)
		(void) set_config_option("synchronous_commit", "local", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
								 false);
}

/* Begins a transaction; false, and none, where the queue has gone. */
static bool
begin(HlRunner *runner, const HlStore **store)
{
	runner->transactions->begin();
	commit_durably();
	*store = hl_store_find();
	runner->gone = *store == NULL;
	if (runner->gone)
		runner->transactions->commit();
	MemoryContextSwitchTo(runner->round);
	return !runner->gone;
}

/* Ends it. */
static void
commit(HlRunner *runner)
{
	runner->transactions->commit();
	MemoryContextSwitchTo(runner->round);
}

/* ----------------------------------------------------------------- record */

/* Counts an ending, for whoever asked for the run. */
static void
count_ending(HlRunner *runner, const HlQueued *queued)
{
	const char *state = queued->ending.state;

	if (strcmp(state, "succeeded") == 0)
		runner->succeeded++;
	else if (strcmp(state, "failed") == 0)
		runner->failed++;
	else if (strcmp(state, "unknown") == 0)
		runner->unknown++;
	else
		runner->put_off++;
}

/* Whether an ending is the end of the row. */
static bool
is_final(const HlEnding *ending)
{
	return strcmp(ending->state, "queued") != 0 &&
		   strcmp(ending->state, "running") != 0;
}

/* What an ending says of the sending: succeeded, failed or unknown. */
static const char *
outcome_of(const HlEnding *ending)
{
	if (ending->sqlstate == 0)
		return "succeeded";
	return strcmp(ending->state, "unknown") == 0 ||
				   ending->unsettled_since != HL_NO_TIME
			   ? "unknown"
			   : "failed";
}

/* Whether AWS has got it, as far as is known, or will not get it at all. */
static bool
is_answered(const HlEnding *ending)
{
	switch (ending->sqlstate)
	{
		case 0: /* put off, or carried out */
			return is_final(ending) || ending->response != NULL;
		case HL_ERRCODE_THROTTLED:
		case HL_ERRCODE_NOT_SENT:
		case HL_ERRCODE_CREDENTIALS:
			return is_final(ending);
		default:
			return true;
	}
}

/* What the history is told of an ending; polls and searches are not in it. */
static const char *
event_of(const HlQueued *queued)
{
	const HlEnding *ending = &queued->ending;

	if (queued->polls)
		return NULL;
	if (!queued->looks)
		return is_answered(ending) ? "replied" : NULL;
	if (ending->datastore_id != NULL || ending->job_id != NULL)
		return "adopted";
	return is_final(ending) ? "interrupted" : NULL;
}

/* Tells the history how requests have ended. */
static void
tell_ended(const HlStore *store, HlQueued *const *rows, int count)
{
	HlRequestEvent events[HL_RUNNER_MOST];
	int told = 0;

	for (int i = 0; i < count; i++)
	{
		const HlQueued *queued = rows[i];
		const char *event = event_of(queued);

		if (event != NULL)
			events[told++] = (HlRequestEvent){
				.id = queued->id,
				.event = event,
				.home = queued->home,
				.outcome = outcome_of(&queued->ending),
				.note = queued->ending.note,
				.microseconds =
					queued->microseconds > 0 ? queued->microseconds : -1};
	}
	hl_event_add_requests(store, NULL, events, told);
}

/* Writes one ending into its row, and announces it when that is final. */
static bool
record(HlRunner *runner, const HlStore *store, const HlQueued *queued)
{
	HlParameters row = {0};
	HlParameters id = {0};

	hl_store_add(&row, Int64GetDatum(queued->id));
	hl_store_add(&row, Int64GetDatum(runner->holder));
	hl_queued_add_ending(&row, queued);
	if (hl_store_run(store, HL_STATEMENT_RECORD, &row) == 0)
	{
		ereport(LOG, (errmsg("healthlake request " INT64_FORMAT
							 " was taken over by another",
							 queued->id)));
		return false;
	}
	count_ending(runner, queued);
	if (!is_final(&queued->ending))
		return true;
	hl_store_add(&id, Int64GetDatum(queued->id));
	(void) hl_store_run(store, HL_STATEMENT_NOTIFY, &id);
	SPI_freetuptable(SPI_tuptable);
	return true;
}

/* Records all that has ended, within a transaction. */
static void
record_ended(HlRunner *runner, const HlStore *store)
{
	HlQueued *recorded[HL_RUNNER_MOST];
	int count = 0;

	for (int i = 0; i < runner->count; i++)
		if (runner->rows[i]->ending.state != NULL &&
			record(runner, store, runner->rows[i]))
			recorded[count++] = runner->rows[i];
	tell_ended(store, recorded, count);
}

/* Forgets what has been recorded; true: something was. */
static bool
forget_ended(HlRunner *runner)
{
	int kept = 0;
	int before = runner->count;

	for (int i = 0; i < before; i++)
	{
		HlQueued *queued = runner->rows[i];

		if (queued->ending.state == NULL)
		{
			runner->rows[kept++] = queued;
			continue;
		}
		hl_pace_learn(&runner->pace, queued);
		MemoryContextDelete(queued->memory);
	}
	runner->count = kept;
	return kept < before;
}

/* Whether something waits to be recorded. */
static bool
some_ended(const HlRunner *runner)
{
	for (int i = 0; i < runner->count; i++)
		if (runner->rows[i]->ending.state != NULL)
			return true;
	return false;
}

/* ------------------------------------------------------------------ claim */

/* How many rows may be claimed now. */
static int
room(const HlRunner *runner)
{
	int most = Min(hl_settings.max_concurrency, HL_RUNNER_MOST);
	int free = Max(most - runner->count, 0);

	return (int) Min((int64) free, runner->allowance);
}

/* How long a claim is to hold: for getting keys, and for the request. */
static Datum
lease_length(void)
{
	Interval *length = palloc0(sizeof(Interval));
	int64 requests = 1 + hl_settings.max_attempts;

	length->time =
		(requests * hl_settings.request_timeout + LEASE_MARGIN) * 1000;
	return IntervalPGetDatum(length);
}

/* Tells the history what is about to be sent. */
static void
tell_sent(const HlStore *store, HlQueued *const *rows, int count)
{
	HlRequestEvent events[HL_RUNNER_MOST];
	int told = 0;

	for (int i = 0; i < count; i++)
		if (!rows[i]->polls && !rows[i]->looks)
			events[told++] = (HlRequestEvent){.id = rows[i]->id,
											  .event = "sent",
											  .home = rows[i]->home,
											  .microseconds = -1};
	hl_event_add_requests(store, NULL, events, told);
}

/* Claims rows of some kinds; gives how many. */
static int
claim_kinds(HlRunner *runner, const HlStore *store, const char *kinds, int most)
{
	HlParameters claim = {0};
	uint64 rows;

	hl_store_add_text(&claim, hl_settings.fence);
	hl_store_add(&claim, Int32GetDatum(most));
	hl_store_add(&claim, Int64GetDatum(runner->holder));
	hl_store_add(&claim, Int32GetDatum(hl_compat_timeline()));
	hl_store_add(&claim, TimestampTzGetDatum(PgStartTime));
	hl_store_add(&claim, lease_length());
	hl_store_add_text(&claim, kinds);
	rows = hl_store_run(store, HL_STATEMENT_CLAIM, &claim);
	for (uint64 i = 0; i < rows; i++)
	{
		HlQueued *queued = hl_queued_read(i, runner->memory);

		runner->rows[runner->count++] = queued;
		if (!queued->looks)
			runner->allowance--;
	}
	SPI_freetuptable(SPI_tuptable);
	tell_sent(store, runner->rows + runner->count - rows, (int) rows);
	return (int) rows;
}

/* Claims what is due, creations only as fast as AWS takes them. */
static int
claim_due(HlRunner *runner, const HlStore *store)
{
	TimestampTz now = GetCurrentTimestamp();
	const char *kinds = hl_pace_kinds(&runner->pace, now);
	int claimed = 0;

	if (strcmp(kinds, "creates") == 0)
	{
		claimed = claim_kinds(runner, store, kinds, 1);
		if (claimed > 0)
			hl_pace_spend(&runner->pace, now);
		kinds = "others";
	}
	if (room(runner) > 0)
		claimed += claim_kinds(runner, store, kinds, room(runner));
	return claimed;
}

/* Finds out when there will be something to claim. */
static void
look_ahead(HlRunner *runner, const HlStore *store)
{
	HlParameters parameters = {0};
	TimestampTz now = GetCurrentTimestamp();
	bool isnull;
	Datum due;

	hl_store_add_text(&parameters, hl_settings.fence);
	(void) hl_store_run(store, HL_STATEMENT_NEXT_DUE, &parameters);
	runner->some_left = DatumGetBool(hl_store_value(0, "some", &isnull));
	due = hl_store_value(0, "due", &isnull);
	SPI_freetuptable(SPI_tuptable);
	runner->some_due = !isnull && DatumGetTimestampTz(due) <= now;
	runner->claim_at = TimestampTzPlusMilliseconds(now, LOOK_AGAIN);
	if (!isnull && DatumGetTimestampTz(due) < runner->claim_at)
		runner->claim_at = DatumGetTimestampTz(due);
	if (runner->pace.gap > 0 && runner->claim_at < runner->pace.next_at)
		runner->claim_at = Min(runner->pace.next_at,
							   TimestampTzPlusMilliseconds(now, LOOK_AGAIN));
}

/* Whether it is time to look for rows to claim. */
static bool
is_claiming(const HlRunner *runner)
{
	return room(runner) > 0 && runner->claim_at <= GetCurrentTimestamp();
}

/* Records and claims in one transaction; gives how many were claimed. */
static int
record_and_claim(HlRunner *runner)
{
	bool ended = some_ended(runner);
	const HlStore *store;
	HlStoreStep step;
	int wanted;
	int claimed = 0;

	if (!ended && !is_claiming(runner))
		return 0;
	if (ended)
		healthlake_step("before record");
	if (!begin(runner, &store))
		return 0;
	hl_store_enter(&step, store);
	record_ended(runner, store);
	hl_store_leave(&step);
	if (forget_ended(runner))
		runner->claim_at = GetCurrentTimestamp();
	wanted = room(runner);
	healthlake_step("before claim");
	hl_store_enter(&step, store);
	if (wanted > 0)
		claimed = claim_due(runner, store);
	if (claimed < wanted)
		look_ahead(runner, store);
	hl_store_leave(&step);
	commit(runner);
	if (ended)
		healthlake_step("after record");
	return claimed;
}

/* ------------------------------------------------------------------- call */

/* Whether there is something to do for a row before anything is awaited. */
static bool
is_fresh(const HlQueued *queued)
{
	return queued->call == NULL && queued->ending.state == NULL;
}

/* Whether there is time enough to send it before somebody else may claim it. */
static bool
lease_suffices(const HlQueued *queued)
{
	return TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
										   queued->lease_until) >
		   hl_settings.request_timeout;
}

/* Whether there is some such row. */
static bool
some_fresh(const HlRunner *runner)
{
	for (int i = 0; i < runner->count; i++)
		if (is_fresh(runner->rows[i]))
			return true;
	return false;
}

/*
 * Whether a search is over, so that the next one must see what it has found:
 * the others wait for the next round.
 */
static bool
ends_search(const HlQueued *queued)
{
	return queued->looks &&
		   (queued->ending.state != NULL || queued->heard != NULL);
}

/* Makes the calls of what was claimed, and the next one of each search. */
static void
prepare_claimed(HlRunner *runner)
{
	const HlStore *store;

	if (!begin(runner, &store))
		return;
	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];

		if (!is_fresh(queued))
			continue;
		hl_queued_prepare(queued, store);
		if (queued->call != NULL && !lease_suffices(queued))
			hl_queued_put_off(queued, 0, NULL);
		if (queued->ending.state != NULL)
			queued->call = NULL;
		if (ends_search(queued))
			break;
	}
	commit(runner);
}

/* Notes, just before its first byte, that a call goes out. */
static void
note_start(HlQueued *queued)
{
	INSTR_TIME_SET_CURRENT(queued->started);
	hl_call_log_request(queued->sent, queued->call);
}

/* Notes that a call has ended, and how. */
static void
note_end(HlQueued *queued)
{
	HlReply *reply = &queued->call->reply;
	HlCallEnd end = {0};
	instr_time now;

	if (reply->sent)
		healthlake_step("after reply");
	hl_queued_judge(queued);
	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, queued->started);
	end.microseconds = INSTR_TIME_GET_MICROSEC(now);
	queued->microseconds = end.microseconds;
	end.sqlstate =
		reply->outcome == HL_OUTCOME_SUCCESS ? 0 : hl_error_sqlstate(reply);
	hl_call_log_reply(queued->sent, queued->call, &end);
	hl_statistics_count(queued->sent->operation, reply, end.microseconds);
	queued->call = NULL;
	/* a search goes on with another call */
	if (queued->looks)
		INSTR_TIME_SET_ZERO(queued->started);
}

/* Collects what is in flight, or waits for its keys. */
static int
collect_calls(HlRunner *runner, HlCall **calls)
{
	int count = 0;

	for (int i = 0; i < runner->count; i++)
		if (runner->rows[i]->call != NULL)
			calls[count++] = runner->rows[i]->call;
	return count;
}

/* Lets those go that have their keys. */
static void
start_calls(HlRunner *runner)
{
	bool starts = false;

	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];

		if (queued->call == NULL || !hl_engine_is_held(queued->call))
			continue;
		note_start(queued);
		hl_engine_go(queued->call);
		starts = true;
	}
	if (starts)
		healthlake_step("before send");
}

/* Whether a byte of some call has left that has no reply yet. */
static bool
some_sent(HlCall *const *calls, int count)
{
	for (int i = 0; i < count; i++)
		if (calls[i]->reply.sent && calls[i]->reply.outcome == HL_OUTCOME_NONE)
			return true;
	return false;
}

/* Waits for replies. */
static void
drive_calls(HlRunner *runner, long most_ms)
{
	HlCall *calls[HL_RUNNER_MOST];
	int count = collect_calls(runner, calls);

	if (count == 0)
		return;
	start_calls(runner);
	(void) hl_engine_step(calls, count, most_ms);
	if (some_sent(calls, count))
		healthlake_step("after send");
	for (int i = 0; i < runner->count; i++)
		if (runner->rows[i]->call != NULL &&
			runner->rows[i]->call->reply.outcome != HL_OUTCOME_NONE)
			note_end(runner->rows[i]);
}

/* One round. */
void
hl_runner_round(HlRunner *runner, long most_ms)
{
	MemoryContext caller = MemoryContextSwitchTo(runner->round);

	if (record_and_claim(runner) > 0)
		healthlake_step("after claim");
	if (!runner->gone && some_fresh(runner))
		prepare_claimed(runner);
	if (!runner->gone)
		drive_calls(runner, some_ended(runner) ? 0 : most_ms);
	MemoryContextReset(runner->round);
	MemoryContextSwitchTo(caller);
}

/* Marks what sessions have left behind that are gone. */
void
hl_runner_sweep(const HlStore *store)
{
	HlParameters parameters = {0};
	HlStoreStep step;

	hl_store_enter(&step, store);
	(void) hl_store_run(store, HL_STATEMENT_SWEEP, &parameters);
	hl_store_leave(&step);
}

/* Lets it look at once. */
void
hl_runner_hurry(HlRunner *runner)
{
	runner->claim_at = 0;
}

/* How long there is nothing to claim. */
long
hl_runner_rest(const HlRunner *runner, long most_ms)
{
	return Min(TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
											   runner->claim_at),
			   most_ms);
}

/* --------------------------------------------------- healthlake_run_queue */

/* A transaction of a CALL is there already. */
static void
call_begin(void)
{
}

static const HlRunnerTransactions call_transactions = {call_begin, SPI_commit};

/* At the end of the run, whether it is regular or not. */
static void
leave_board(void *unused)
{
	hl_board_leave();
}

/* The number of requests to be sent at most. */
static int64
allowance_of(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		return PG_INT64_MAX;
	if (PG_GETARG_INT32(0) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be at least 1", "max_requests")));
	return PG_GETARG_INT32(0);
}

/* Whether there is more to do now: what is due may have to wait its turn. */
static bool
is_draining(const HlRunner *runner)
{
	if (runner->gone)
		return false;
	return runner->count > 0 || is_claiming(runner) ||
		   (runner->some_due && runner->pace.gap > 0 && room(runner) > 0);
}

/* Drains what is due. */
static void
run_due(HlRunner *runner)
{
	runner->some_left = true;
	do
	{
		hl_runner_round(runner, LOOK_AGAIN);
		if (runner->count == 0 && is_draining(runner))
			hl_wait_rest(hl_runner_rest(runner, LOOK_AGAIN), HL_WAIT_QUEUE);
	} while (is_draining(runner));
}

/* Tells what became of the requests. */
static void
tell_counts(const HlRunner *runner)
{
	ereport(NOTICE, (errmsg("healthlake_run_queue: " INT64_FORMAT
							" succeeded, " INT64_FORMAT " failed, " INT64_FORMAT
							" unknown, " INT64_FORMAT " to be continued",
							runner->succeeded, runner->failed, runner->unknown,
							runner->put_off)));
}

/* Runs the queue in this session. */
Datum
hl_runner_call(FunctionCallInfo fcinfo)
{
	MemoryContext caller = CurrentMemoryContext;
	int64 allowance = allowance_of(fcinfo);
	MemoryContext memory;
	MemoryContextCallback *leave;
	HlRunner *runner;

	hl_call_refuse_atomic(fcinfo, "healthlake_run_queue()",
						  "CALL it on its own.");
	PreventCommandDuringRecovery("healthlake_run_queue");
	PreventCommandIfReadOnly("healthlake_run_queue");
	hl_enqueue_refuse_session(hl_store_need()->owner, "healthlake_run_queue()");
	memory = AllocSetContextCreate(PortalContext, "healthlake queue",
								   ALLOCSET_DEFAULT_SIZES);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect_ext failed");
	MemoryContextSwitchTo(memory);
	leave = palloc0(sizeof(MemoryContextCallback));
	leave->func = leave_board;
	MemoryContextRegisterResetCallback(memory, leave);
	runner = hl_runner_create(&call_transactions, HL_BOARD_SESSION, allowance);
	run_due(runner);
	tell_counts(runner);
	if (runner->some_left && !runner->gone)
		hl_worker_want(hl_store_find());
	SPI_finish();
	MemoryContextDelete(memory);
	MemoryContextSwitchTo(caller);
	PG_RETURN_VOID();
}
