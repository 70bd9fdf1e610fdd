/*
 * runner.c
 *	  The runner's round: one short transaction records the endings and claims
 *	  what is due; a second one, which writes nothing, makes calls of the
 *	  claimed rows; then the runner waits for replies outside of any
 *	  transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/timestamp.h"

#include "call/call.h"
#include "call/error.h"
#include "call/statistics.h"
#include "queue/claim.h"
#include "queue/enqueue.h"
#include "queue/record.h"
#include "queue/runner.h"
#include "queue/safely.h"
#include "queue/step.h"
#include "queue/wakeup.h"
#include "server/clock.h"
#include "server/compat.h"
#include "server/pinned.h"
#include "server/settings.h"
#include "server/wait.h"

HlRunner *
hl_runner_create(const HlRunnerTransactions *transactions, HlPresenceKind kind,
				 int64 allowance)
{
	HlRunner *runner = palloc0(sizeof(HlRunner));

	runner->transactions = transactions;
	runner->memory = CurrentMemoryContext;
	runner->round = AllocSetContextCreate(runner->memory, "healthlake round",
										  ALLOCSET_DEFAULT_SIZES);
	runner->allowance = allowance;
	runner->holder = hl_presence_join(MyDatabaseId, kind);
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

/*
 * A deferred trigger that somebody has put on the table must raise in the
 * subtransaction of its row, and not at the commit of all.
 */
static void
check_at_once(void)
{
	ConstraintsSetStmt *statement = makeNode(ConstraintsSetStmt);

	AfterTriggerSetState(statement);
}

/*
 * Begins a transaction; returns false, without one, if the extension was
 * dropped.
 */
static bool
begin(HlRunner *runner, const HlStore **store)
{
	runner->transactions->begin();
	commit_durably();
	check_at_once();
	*store = hl_store_find();
	runner->gone = *store == NULL;
	if (runner->gone)
		runner->transactions->commit();
	MemoryContextSwitchTo(runner->round);
	return !runner->gone;
}

static void
commit(HlRunner *runner)
{
	runner->transactions->commit();
	MemoryContextSwitchTo(runner->round);
}

/*
 * Sets the rows aside that were recorded, which makes room for others; returns
 * whether there were any.
 */
static bool
set_recorded_aside(HlRunner *runner)
{
	int kept = 0;

	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];

		if (!queued->ending.recorded)
		{
			runner->rows[kept++] = queued;
			continue;
		}
		hl_backoff_learn(&runner->pace, queued);
		runner->recorded[runner->nrecorded++] = queued;
	}
	runner->count = kept;
	return runner->nrecorded > 0;
}

/* Frees the rows whose endings have been committed. */
static void
forget_recorded(HlRunner *runner)
{
	for (int i = 0; i < runner->nrecorded; i++)
	{
		hl_record_count(runner, runner->recorded[i]);
		MemoryContextDelete(runner->recorded[i]->memory);
	}
	runner->nrecorded = 0;
}

static bool
some_ended(const HlRunner *runner)
{
	for (int i = 0; i < runner->count; i++)
		if (hl_record_is_due(runner->rows[i]))
			return true;
	return false;
}

bool
hl_runner_is_busy(const HlRunner *runner)
{
	for (int i = 0; i < runner->count; i++)
		if (runner->rows[i]->held_until == 0)
			return true;
	return false;
}

static bool
is_claiming(const HlRunner *runner)
{
	return hl_claim_room(runner) > 0 &&
		   runner->claim_at <= hl_clock_steady_ms();
}

/* Records the endings; rows that could not be recorded are kept. */
static void
record_ended(HlRunner *runner, const HlStore *store)
{
	hl_record(runner, store);
	if (set_recorded_aside(runner))
		runner->claim_at = 0;
}

/* Gives up the last rows of the runner, whose claim was not committed. */
static void
drop_claimed(HlRunner *runner, int claimed)
{
	for (; claimed > 0; claimed--)
	{
		HlQueued *queued = runner->rows[--runner->count];

		if (!queued->looks)
			runner->allowance++;
		MemoryContextDelete(queued->memory);
	}
	runner->claim_at = hl_clock_steady_ms() + HL_RUNNER_LOOK_AGAIN;
}

/* Takes the rows back whose endings were not committed. */
static void
take_recorded_back(HlRunner *runner)
{
	for (int i = 0; i < runner->nrecorded; i++)
	{
		hl_record_lost(runner->recorded[i]);
		runner->rows[runner->count++] = runner->recorded[i];
	}
	runner->nrecorded = 0;
}

/*
 * Commits endings and claims. A commit can fail, such as by a full queue of
 * notifications; the endings are kept then, since nobody else knows what has
 * become of the requests, and recorded again. Without anything to keep, the
 * error is thrown. Returns the number of claimed rows.
 */
static int
commit_round(HlRunner *runner, int claimed)
{
	PG_TRY();
	{
		commit(runner);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(runner->round);
		error = CopyErrorData();
		if (hl_safely_concerns_process(error) ||
			(runner->nrecorded == 0 && runner->count == claimed))
			PG_RE_THROW();
		FlushErrorState();
		runner->transactions->recover();
		MemoryContextSwitchTo(runner->round);
		ereport(LOG, (errmsg("the ends of %d healthlake requests cannot be "
							 "committed: %s",
							 runner->nrecorded, error->message)));
		drop_claimed(runner, claimed);
		take_recorded_back(runner);
		return 0;
	}
	PG_END_TRY();
	hl_presence_save_pace(MyDatabaseId, &runner->pace);
	forget_recorded(runner);
	return claimed;
}

/* Records and claims in one transaction; returns the number of claimed rows. */
static int
record_and_claim(HlRunner *runner)
{
	bool ended = some_ended(runner);
	bool again = ended && hl_record_is_again(runner);
	const HlStore *store;
	int claimed = 0;

	if (!ended && !is_claiming(runner))
		return 0;
	if (ended)
		healthlake_step("before record");
	if (!begin(runner, &store))
		return 0;
	hl_claim_shorten_rests(runner, store);
	hl_presence_load_pace(MyDatabaseId, &runner->pace);
	if (ended)
		record_ended(runner, store);
	healthlake_step("before claim");
	if (is_claiming(runner) && !again)
		claimed = hl_claim(runner, store);
	claimed = commit_round(runner, claimed);
	if (ended)
		healthlake_step("after record");
	return claimed;
}

/* ------------------------------------------------------------------- call */

/* Whether a row has neither a call nor an ending yet. */
static bool
is_fresh(const HlQueued *queued)
{
	return queued->call == NULL && queued->ending.state == NULL;
}

/* Whether the lease lasts until the call is certainly over. */
static bool
lease_suffices(const HlQueued *queued)
{
	return TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
										   queued->lease_until) >
		   hl_settings.request_timeout;
}

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

/* Makes the calls of claimed rows, and the next call of each search. */
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

/* Called directly before the first byte of a call. */
static void
note_start(HlQueued *queued)
{
	INSTR_TIME_SET_CURRENT(queued->started);
	queued->sent_at = hl_clock_steady_ms();
	hl_call_log_request(queued->sent, queued->call);
}

/*
 * Judges a reply. What that throws, such as a lack of memory, concerns this row
 * alone: its outcome is not known then.
 */
static void
judge_safely(HlQueued *queued)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		hl_outcome_judge(queued);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(queued->memory);
		error = CopyErrorData();
		if (hl_safely_concerns_process(error))
			PG_RE_THROW();
		FlushErrorState();
		hl_outcome_lose(queued, error->message);
		MemoryContextSwitchTo(caller);
	}
	PG_END_TRY();
}

/* Called when a call has ended. */
static void
note_end(HlQueued *queued)
{
	HlReply *reply = &queued->call->reply;
	HlCallEnd end = {0};
	instr_time now;

	if (reply->sent)
		healthlake_step("after reply");
	judge_safely(queued);
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

/* Collects the calls that are in flight or wait for their keys. */
static int
collect_calls(HlRunner *runner, HlCall **calls)
{
	int count = 0;

	for (int i = 0; i < runner->count; i++)
		if (runner->rows[i]->call != NULL)
			calls[count++] = runner->rows[i]->call;
	return count;
}

/* Whether a call has its keys and waits to be sent. */
static bool
is_ready(const HlQueued *queued)
{
	return queued->call != NULL && hl_engine_is_held(queued->call);
}

/*
 * Marks as sent what must not be sent twice, now that it has its keys: between
 * this commit and the first byte there is nothing to wait for.
 */
static void
mark_ready(HlRunner *runner)
{
	const HlStore *store;
	bool some = false;

	for (int i = 0; i < runner->count; i++)
		if (is_ready(runner->rows[i]))
		{
			/* to get the keys may have taken a while */
			if (!lease_suffices(runner->rows[i]))
			{
				hl_queued_put_off(runner->rows[i], 0, NULL);
				runner->rows[i]->call = NULL;
			}
			else
				some |= runner->rows[i]->careful;
		}
	if (!some || !begin(runner, &store))
		return;
	hl_claim_mark(runner, store);
	commit(runner);
}

/* Sends the calls that have their keys. */
static void
start_calls(HlRunner *runner)
{
	bool starts = false;

	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];

		if (!is_ready(queued))
			continue;
		note_start(queued);
		hl_engine_go(queued->call);
		starts = true;
	}
	if (starts)
		healthlake_step("before send");
}

/* Whether some call was sent and has no reply yet. */
static bool
some_sent(HlCall *const *calls, int count)
{
	for (int i = 0; i < count; i++)
		if (calls[i]->reply.sent && calls[i]->reply.outcome == HL_OUTCOME_NONE)
			return true;
	return false;
}

static void
drive_calls(HlRunner *runner, long most_ms)
{
	HlCall *calls[HL_RUNNER_MOST];
	int count;

	mark_ready(runner);
	count = collect_calls(runner, calls);
	if (count == 0 || runner->gone)
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

void
hl_runner_hurry(HlRunner *runner)
{
	runner->claim_at = 0;
}

long
hl_runner_rest(const HlRunner *runner, long most_ms)
{
	int64 next = runner->claim_at;

	if (hl_runner_is_busy(runner))
		return 0;
	for (int i = 0; i < runner->count; i++)
		next = Min(next, runner->rows[i]->held_until);
	return (long) Max(Min(next - hl_clock_steady_ms(), most_ms), 0);
}

/* --------------------------------------------------- healthlake_run_queue */

/* In a CALL, a transaction is open already. */
static void
call_begin(void)
{
}

/*
 * Commits, which begins the next one: that is to have none of the session's
 * settings from the first moment on, since replies are awaited in it and
 * transaction_timeout would end it.
 */
static void
call_commit(void)
{
	SPI_commit();
	hl_pinned_transaction();
}

/* After a commit that failed, SPI has begun another transaction. */
static void
call_recover(void)
{
	hl_pinned_transaction();
}

static const HlRunnerTransactions call_transactions = {call_begin, call_commit,
													   call_recover};

static void
leave_board(void *unused)
{
	hl_presence_leave();
}

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

/* Whether there is more to send now, or later because of the pace. */
static bool
is_draining(const HlRunner *runner)
{
	if (runner->gone)
		return false;
	return hl_runner_is_busy(runner) || is_claiming(runner) ||
		   (runner->some_paced && hl_claim_room(runner) > 0);
}

static void
run_due(HlRunner *runner)
{
	runner->some_left = true;
	do
	{
		hl_runner_round(runner, HL_RUNNER_LOOK_AGAIN);
		if (!hl_runner_is_busy(runner) && is_draining(runner))
			hl_wait_rest(hl_runner_rest(runner, HL_RUNNER_LOOK_AGAIN),
						 HL_WAIT_QUEUE);
	} while (is_draining(runner));
}

static void
tell_counts(const HlRunner *runner)
{
	ereport(NOTICE, (errmsg("healthlake_run_queue: " INT64_FORMAT
							" succeeded, " INT64_FORMAT " failed, " INT64_FORMAT
							" unknown, " INT64_FORMAT " to be continued",
							runner->succeeded, runner->failed, runner->unknown,
							runner->put_off)));
}

/* The session's settings must not affect the requests of other roles. */
static void
refuse_deciding(Oid owner)
{
	const char *setting = hl_settings_deciding(GetSessionUserId() == owner);

	if (setting != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot use the session's own setting of \"%s\"",
						"healthlake_run_queue()", setting),
				 errdetail("It would affect the requests of other roles."),
				 errhint("Set it in the configuration file or by ALTER "
						 "DATABASE, or RESET it here.")));
}

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
	refuse_deciding(hl_store_need()->owner);
	memory = AllocSetContextCreate(PortalContext, "healthlake queue",
								   ALLOCSET_DEFAULT_SIZES);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect_ext failed");
	MemoryContextSwitchTo(memory);
	leave = palloc0(sizeof(MemoryContextCallback));
	leave->func = leave_board;
	MemoryContextRegisterResetCallback(memory, leave);
	/* the first one has its isolation level, and a snapshot, already */
	call_commit();
	runner =
		hl_runner_create(&call_transactions, HL_PRESENCE_SESSION, allowance);
	run_due(runner);
	tell_counts(runner);
	/* whoever called goes on in a transaction with the session's settings */
	SPI_commit();
	if (runner->some_left && !runner->gone)
		hl_wakeup_want(hl_store_find());
	SPI_finish();
	MemoryContextDelete(memory);
	MemoryContextSwitchTo(caller);
	PG_RETURN_VOID();
}
