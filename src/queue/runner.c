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
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/timestamp.h"

#include "call/call.h"
#include "call/error.h"
#include "call/statistics.h"
#include "queue/claim.h"
#include "queue/enqueue.h"
#include "queue/outcome.h"
#include "queue/record.h"
#include "queue/runner.h"
#include "queue/safely.h"
#include "queue/send.h"
#include "queue/wakeup.h"
#include "server/clock.h"
#include "server/compat.h"
#include "server/pinned.h"
#include "server/quiet.h"
#include "server/settings.h"
#include "server/step.h"
#include "server/wait.h"

/* So long a CALL tries to record what it knows, in milliseconds. */
#define PATIENCE (2 * HL_RUNNER_LOOK_AGAIN)

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
 * Gives up all rows: their table was dropped, and what another one has under
 * their ids is not theirs.
 */
static void
give_up_rows(HlRunner *runner)
{
	for (int i = 0; i < runner->count; i++)
	{
		ereport(LOG_SERVER_ONLY,
				(errmsg("healthlake request " INT64_FORMAT
						" is given up, since its table was dropped",
						runner->rows[i]->id)));
		MemoryContextDelete(runner->rows[i]->memory);
	}
	runner->count = 0;
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
	else if (runner->table != (*store)->table)
	{
		give_up_rows(runner);
		runner->table = (*store)->table;
	}
	MemoryContextSwitchTo(runner->round);
	return !runner->gone;
}

static void
commit(HlRunner *runner)
{
	runner->transactions->commit();
	hl_wait_exit_if_orphaned();
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

		if (runner->nrecorded == 0 && runner->count == claimed)
			PG_RE_THROW();
		error = hl_safely_take_error(runner->round);
		runner->transactions->recover();
		MemoryContextSwitchTo(runner->round);
		ereport(LOG_SERVER_ONLY,
				(errmsg("the ends of %d healthlake requests cannot be "
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

/* What is done before endings are recorded, or after it. */
typedef struct Beside
{
	HlRunner *runner;
	const HlStore *store;
} Beside;

/* Runs in hl_safely(). */
static void
shorten_rests(void *argument)
{
	Beside *beside = argument;

	hl_claim_shorten_rests(beside->runner, beside->store);
}

/* Runs in hl_safely(). */
static void
claim(void *argument)
{
	Beside *beside = argument;

	(void) hl_claim(beside->runner, beside->store);
}

/*
 * Does something in the transaction that records endings, without undoing these
 * if it fails. With nothing to keep, the error is thrown.
 */
static void
do_beside(HlRunner *runner, const HlStore *store, void (*work)(void *))
{
	Beside beside = {.runner = runner, .store = store};
	int count = runner->count;
	ErrorData *error = hl_safely(store, work, &beside);

	if (error == NULL)
		return;
	drop_claimed(runner, runner->count - count);
	if (runner->nrecorded == 0 && runner->count == 0)
		ReThrowError(error);
	runner->clock_known = false;
	ereport(
		LOG_SERVER_ONLY,
		(errmsg("healthlake requests cannot be claimed: %s", error->message)));
}

/*
 * Begins the transaction that records endings. If it cannot find the table, the
 * endings are kept for another round. With nothing to keep, the error is thrown.
 */
static bool
begin_recording(HlRunner *runner, const HlStore **store)
{
	volatile bool begun = false; /* gcc 15 sees a jump past its assignment */

	PG_TRY();
	{
		begun = begin(runner, store);
	}
	PG_CATCH();
	{
		ErrorData *error;

		if (runner->count == 0)
			PG_RE_THROW();
		error = hl_safely_take_error(runner->round);
		runner->transactions->abort();
		MemoryContextSwitchTo(runner->round);
		ereport(LOG_SERVER_ONLY,
				(errmsg("healthlake requests cannot be claimed or "
						"recorded: %s",
						error->message)));
		runner->claim_at = hl_clock_steady_ms() + HL_RUNNER_LOOK_AGAIN;
		for (int i = 0; i < runner->count; i++)
			if (hl_record_is_due(runner->rows[i]))
				runner->rows[i]->held_until = runner->claim_at;
	}
	PG_END_TRY();
	return begun;
}

/* Records and claims in one transaction; returns the number of claimed rows. */
static int
record_and_claim(HlRunner *runner)
{
	bool ended = some_ended(runner);
	bool again = ended && hl_record_is_again(runner);
	const HlStore *store;
	int count;
	int claimed;

	if (!ended && !is_claiming(runner))
		return 0;
	if (ended)
		healthlake_step("before record");
	if (!begin_recording(runner, &store))
		return 0;
	do_beside(runner, store, shorten_rests);
	hl_presence_load_pace(MyDatabaseId, &runner->pace);
	if (ended)
		record_ended(runner, store);
	healthlake_step("before claim");
	count = runner->count;
	if (is_claiming(runner) && !again)
		do_beside(runner, store, claim);
	claimed = commit_round(runner, runner->count - count);
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
		ErrorData *error = hl_safely_take_error(queued->memory);

		hl_outcome_lose(queued, error->message);
		MemoryContextSwitchTo(caller);
	}
	PG_END_TRY();
}

/* Puts a row off, whose call is not sent. */
static void
put_off(HlQueued *queued)
{
	hl_ending_put_off(queued, 0, NULL);
	queued->call = NULL;
}

/*
 * Makes the call of a row, or its ending: one that could not be prepared has
 * its reply already.
 */
static void
prepare(const HlRunner *runner, HlQueued *queued, const HlStore *store)
{
	hl_send_prepare(queued, store);
	if (queued->call != NULL && queued->looks)
		hl_claim_renew(runner, store, queued);
	if (queued->call == NULL)
		return;
	if (queued->call->reply.outcome != HL_OUTCOME_NONE)
	{
		judge_safely(queued);
		queued->call = NULL;
	}
	else if (!lease_suffices(queued))
		put_off(queued);
}

/*
 * Does work in a transaction of its own, without losing what is in flight and
 * what is to be recorded if it fails; then returns the error.
 */
static ErrorData *
try_transaction(HlRunner *runner, void (*work)(HlRunner *, const HlStore *))
{
	ErrorData *volatile error = NULL;
	volatile bool ends = false;

	PG_TRY();
	{
		const HlStore *store;

		if (begin(runner, &store))
		{
			work(runner, store);
			ends = true;
			commit(runner);
		}
	}
	PG_CATCH();
	{
		error = hl_safely_take_error(runner->round);
		if (ends)
			runner->transactions->recover();
		else
			runner->transactions->abort();
		MemoryContextSwitchTo(runner->round);
	}
	PG_END_TRY();
	return error;
}

/* Makes the calls of claimed rows, and the next call of each search. */
static void
prepare_fresh(HlRunner *runner, const HlStore *store)
{
	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];

		if (!is_fresh(queued))
			continue;
		prepare(runner, queued, store);
		if (ends_search(queued))
			break;
	}
}

/* Whether the call of a row has not begun. */
static bool
is_unsent(const HlQueued *queued)
{
	return queued->ending.state == NULL &&
		   (queued->call == NULL || !hl_queued_is_begun(queued));
}

/*
 * Prepares what is fresh. If that fails, what was not sent is put off: a lease
 * that was renewed may not be.
 */
static void
prepare_claimed(HlRunner *runner)
{
	ErrorData *error = try_transaction(runner, prepare_fresh);

	if (error == NULL)
		return;
	ereport(
		LOG_SERVER_ONLY,
		(errmsg("healthlake requests cannot be prepared: %s", error->message)));
	for (int i = 0; i < runner->count; i++)
		if (is_unsent(runner->rows[i]))
			put_off(runner->rows[i]);
}

/* Called directly before the first byte of a call. */
static void
note_start(HlQueued *queued)
{
	INSTR_TIME_SET_CURRENT(queued->started);
	queued->sent_at = hl_clock_steady_ms();
	hl_call_log_request(queued->sent, queued->call);
}

/* Called when a call has ended. */
static void
note_end(HlQueued *queued)
{
	HlReply *reply = &queued->call->reply;
	HlCallEnd end = {0};
	instr_time now;

	queued->has_left = reply->sent;
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
 * Puts off what is ready and whose lease may end before the call: to get the
 * keys, the first or those with which it is sent again, or to mark others, may
 * have taken a while, and another runner may have claimed it since.
 */
static void
put_off_late(HlRunner *runner)
{
	for (int i = 0; i < runner->count; i++)
		if (is_ready(runner->rows[i]) && !lease_suffices(runner->rows[i]))
			put_off(runner->rows[i]);
}

/*
 * Keeps what the attempts of a call that is to be sent again may have done, for
 * the case that it is not.
 */
static void
keep_unsettled(HlRunner *runner)
{
	for (int i = 0; i < runner->count; i++)
		if (is_ready(runner->rows[i]))
			hl_outcome_keep(runner->rows[i]);
}

static bool
some_to_mark(const HlRunner *runner)
{
	for (int i = 0; i < runner->count; i++)
		if (hl_claim_needs_mark(runner->rows[i]))
			return true;
	return false;
}

/*
 * Marks as sent what must not be sent twice, now that it has its keys: between
 * this commit and the first byte there is nothing to wait for. What cannot be
 * marked is put off. What was sent and refused, because the credentials had
 * expired, is marked again, since only the row tells whether it is still this
 * runner's.
 */
static void
mark_ready(HlRunner *runner)
{
	ErrorData *error;

	keep_unsettled(runner);
	put_off_late(runner);
	if (!some_to_mark(runner))
		return;
	error = try_transaction(runner, hl_claim_mark);
	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];

		if (!hl_claim_needs_mark(queued))
			continue;
		if (error != NULL)
			hl_claim_set_aside(queued, error->message);
		else
			queued->announced = true;
	}
	put_off_late(runner);
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
		/* sent again with new credentials, it is the same call */
		if (!hl_queued_is_begun(queued))
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

/*
 * In a CALL, a transaction is open already. Nothing is sent to the client until
 * it ends: other runners and roles wait for its locks.
 */
static void
call_begin(void)
{
	hl_quiet_begin();
}

/*
 * When a transaction has ended, SPI has begun the next: that is to have none of
 * the session's settings from the first moment on, since replies are awaited in
 * it and transaction_timeout would end it.
 */
static void
call_ended(void)
{
	hl_quiet_end();
	hl_pinned_transaction();
}

static void
call_commit(void)
{
	SPI_commit();
	call_ended();
}

/* Ends a transaction in which something has failed, and begins the next. */
static void
call_abort(void)
{
	while (IsSubTransaction())
		RollbackAndReleaseCurrentSubTransaction();
	SPI_rollback();
	call_ended();
}

static const HlRunnerTransactions call_transactions = {call_begin, call_commit,
													   call_ended, call_abort};

static void
leave_board(void *unused)
{
	(void) hl_presence_leave();
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

/*
 * Whether the CALL still tries to record endings that could not be recorded,
 * which nobody else knows. It gives up after a few seconds, unlike a worker.
 */
static bool
keeps_trying(HlRunner *runner)
{
	int64 now = hl_clock_steady_ms();

	if (runner->gone || runner->count == 0)
		runner->patience_until = 0;
	else if (runner->patience_until == 0)
		runner->patience_until = now + PATIENCE;
	return now < runner->patience_until;
}

static void
run_due(HlRunner *runner)
{
	bool goes_on;

	runner->some_left = true;
	do
	{
		hl_runner_round(runner, HL_RUNNER_LOOK_AGAIN);
		goes_on = is_draining(runner) || keeps_trying(runner);
		if (!hl_runner_is_busy(runner) && goes_on)
			hl_wait_rest(hl_runner_rest(runner, HL_RUNNER_LOOK_AGAIN),
						 HL_WAIT_QUEUE);
	} while (goes_on);
}

/*
 * A message to a client that does not read may last: the runner has left the
 * board by then, and its rows are free.
 */
static void
tell_counts(const HlRunner *runner)
{
	char left[40] = "";

	if (runner->count > 0)
		snprintf(left, sizeof(left), ", %d not recorded", runner->count);
	ereport(NOTICE, (errmsg("healthlake_run_queue: " INT64_FORMAT
							" succeeded, " INT64_FORMAT " failed, " INT64_FORMAT
							" unknown, " INT64_FORMAT " to be continued%s",
							runner->succeeded, runner->failed, runner->unknown,
							runner->put_off, left)));
}

/*
 * Throws an error once its transaction has ended, since PostgreSQL sends it to
 * the client before it does that. Nor does an interrupt come in between. An
 * error on the way to that is sent, though.
 */
static void
run_to_end(HlRunner *runner)
{
	PG_TRY();
	{
		run_due(runner);
	}
	PG_CATCH();
	{
		ErrorData *error;

		HOLD_INTERRUPTS();
		hl_quiet_end();
		MemoryContextSwitchTo(runner->memory);
		error = CopyErrorData();
		FlushErrorState();
		call_abort();
		/* the client may not read the error: the rows are free by then */
		leave_board(NULL);
		RESUME_INTERRUPTS();
		/* when it was raised, nothing was sent to the client */
		error->output_to_client = whereToSendOutput == DestRemote;
		ReThrowError(error);
	}
	PG_END_TRY();
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
				 errhint("%s", hl_settings_place(setting))));
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
	run_to_end(runner);
	/* whoever called goes on in a transaction with the session's settings */
	SPI_commit();
	leave_board(NULL);
	tell_counts(runner);
	if (runner->some_left && !runner->gone)
		hl_wakeup_want(hl_store_find());
	SPI_finish();
	MemoryContextDelete(memory);
	MemoryContextSwitchTo(caller);
	PG_RETURN_VOID();
}
