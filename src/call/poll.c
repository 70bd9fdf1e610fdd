/*
 * poll.c
 *	  Polls for a target state.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/timestamp.h"

#include "call/call.h"
#include "call/error.h"
#include "call/poll.h"
#include "model/arguments.h"
#include "model/response.h"
#include "model/target_states.h"
#include "server/clock.h"
#include "server/text.h"
#include "server/wait.h"

/*
 * The minimum timeout of a poll in milliseconds, even after the wait's
 * timeout.
 */
#define LEAST_PATIENCE 1000

/* The state of a wait. */
typedef struct Waiting
{
	const HlOperation *operation;
	const HlTargetStates *goal;
	const char *json; /* the request */
	const char *more;
	const char *region;
	const char *id;
	int64 deadline;       /* by hl_clock_steady_ms() */
	long interval;        /* milliseconds */
	char *status;         /* the previous one; NULL at first */
	char *trouble;        /* the failure of the last poll; NULL: none */
	char *seen;           /* the last reply, if a deletion is awaited */
	MemoryContext memory; /* of the wait */
	MemoryContext round;  /* of a poll */
} Waiting;

/* The target states of an operation. */
static const HlTargetStates *
goal_of(const HlOperation *operation, const char *status)
{
	const HlTargetStates *goal = hl_target_states_find(operation, status);

	if (goal != NULL)
		return goal;
	if (status == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", "status")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must be ACTIVE or DELETED", "status")));
}

int64
hl_poll_milliseconds(const HlArguments *arguments, const char *name)
{
	Interval *span = hl_arguments_interval(arguments, name);
	int64 days;

	if (span == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", name)));
	days = (int64) span->month * DAYS_PER_MONTH + span->day;
	if (days < 0 || days > INT_MAX / SECS_PER_DAY / 1000 * 1000 ||
		span->time < 0 || days * USECS_PER_DAY + span->time < 1000)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be at least a "
							   "millisecond and at most %d days",
							   name, INT_MAX / SECS_PER_DAY / 1000 * 1000)));
	return (days * USECS_PER_DAY + span->time) / 1000;
}

/*
 * Begins a wait. Everything that it needs is copied, since transactions may end
 * meanwhile.
 */
static Waiting *
waiting_start(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	MemoryContext memory = AllocSetContextCreate(
		PortalContext != NULL ? PortalContext : CurrentMemoryContext,
		"healthlake wait", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	Waiting *waiting = palloc0(sizeof(Waiting));
	const char *id = hl_arguments_text(arguments, "job_id");

	waiting->operation = operation;
	waiting->goal = goal_of(operation, hl_arguments_text(arguments, "status"));
	waiting->json = hl_arguments_request(arguments, operation);
	waiting->more = hl_arguments_json(arguments, "more", operation);
	waiting->region = hl_arguments_text(arguments, "region");
	waiting->id = id != NULL ? id : hl_arguments_text(arguments, "id");
	if (waiting->id == NULL)
		waiting->id = "";
	waiting->interval =
		(long) Min(hl_poll_milliseconds(arguments, "poll_interval"), INT_MAX);
	waiting->deadline =
		hl_clock_steady_ms() + hl_poll_milliseconds(arguments, "timeout");
	waiting->memory = memory;
	waiting->round = AllocSetContextCreate(memory, "healthlake poll",
										   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(caller);
	return waiting;
}

/* Replaces a string that is kept for the duration of the wait. */
static void
keep(const Waiting *waiting, char **kept, const char *text)
{
	if (*kept != NULL)
		pfree(*kept);
	*kept = text == NULL ? NULL : MemoryContextStrdup(waiting->memory, text);
}

/* Whether a poll has told the status. */
static bool
was_reached(const Waiting *waiting)
{
	return waiting->status != NULL && waiting->status[0] != '\0';
}

/* Reports the progress of a job; false if it has none. */
static bool
tell_share(const Waiting *waiting, const HlJson *reply, const char *status)
{
	const HlShape *output = waiting->operation->output;
	const HlProgress *progress = waiting->goal->progress;
	int64_t total = 0;
	int64_t done = 0;
	int64_t errors = 0;

	if (progress == NULL ||
		!hl_response_int64(output, reply, progress->total, &total))
		return false;
	(void) hl_response_int64(output, reply, progress->done, &done);
	(void) hl_response_int64(output, reply, progress->errors, &errors);
	ereport(
		NOTICE,
		(errmsg("%s \"%s\" is %s: " INT64_FORMAT " of " INT64_FORMAT
				" %s %s (%d%%), errors: " INT64_FORMAT,
				waiting->goal->noun, waiting->id, status, (int64) done,
				(int64) total, progress->units, progress->done_word,
				total > 0 ? (int) (done * 100.0 / total) : 0, (int64) errors)));
	return true;
}

/* Reports a new state, and the progress of a job if there is some. */
static void
tell_progress(Waiting *waiting, const HlJson *reply, const char *status)
{
	if (!tell_share(waiting, reply, status) &&
		(waiting->status == NULL || strcmp(waiting->status, status) != 0))
		ereport(NOTICE, (errmsg("%s \"%s\" is %s", waiting->goal->noun,
								waiting->id, status)));
	keep(waiting, &waiting->status, status);
}

/* Raises that the target state can no longer be reached. */
static void
raise_failed(const Waiting *waiting, const HlJson *reply, const char *status)
{
	const HlShape *output = waiting->operation->output;
	const char *category = hl_response_string(output, reply, "error_category");
	const char *cause = hl_response_string(output, reply, "error_message");

	if (cause == NULL)
		cause = hl_response_string(output, reply, "message");
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("%s \"%s\" is %s%s%s", waiting->goal->noun, waiting->id, status,
				cause ? ": " : "", cause ? hl_text_line(cause) : ""),
		 category ? errdetail("AWS error category %s.", hl_text_line(category))
				  : 0));
}

/*
 * Whether a failure may be temporary. An endpoint that was never reached is
 * considered wrong; one that was reached before will be reached again.
 */
static bool
may_pass(const Waiting *waiting, const HlReply *reply)
{
	switch (hl_error_sqlstate(reply))
	{
		case HL_ERRCODE_THROTTLED:
		case HL_ERRCODE_SERVICE:
		case HL_ERRCODE_LOST:
			return true;
		case HL_ERRCODE_NOT_SENT:
			return was_reached(waiting);
		default:
			return false;
	}
}

/* Keeps the failure of the last poll for the error after the timeout. */
static void
keep_trouble(Waiting *waiting, const HlReply *reply)
{
	const char *said = reply->message != NULL ? reply->message : reply->network;

	keep(waiting, &waiting->trouble,
		 psprintf("SQLSTATE %s: %s", unpack_sql_state(hl_error_sqlstate(reply)),
				  said == NULL ? "" : hl_text_line(said)));
}

/*
 * The last description of a data store, with the status DELETED, in place of
 * the reply that it no longer exists.
 */
static const HlReply *
seen_and_gone(Waiting *waiting, const HlReply *reply)
{
	HlReply *gone = palloc(sizeof(HlReply));
	const HlJson *seen = hl_response_read(waiting->seen);
	HlJsonEach each = hl_json_each(hl_json_member(seen, "DatastoreProperties"));
	const HlJson *value;
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"DatastoreProperties\":{"
								  "\"DatastoreStatus\":\"DELETED\"");
	while ((value = hl_json_step(&each)) != NULL)
	{
		HlBytes bytes = {0};

		if (strcmp(each.name, "DatastoreStatus") == 0)
			continue;
		hl_json_append_string(&bytes, each.name, each.name_len);
		hl_bytes_append_char(&bytes, ':');
		hl_json_append_node(&bytes, value);
		appendStringInfo(&json, ",%s", hl_text_take(&bytes));
	}
	appendStringInfoString(&json, "}}");
	ereport(NOTICE, (errmsg("%s \"%s\" is %s", waiting->goal->noun, waiting->id,
							"DELETED"),
					 errdetail("AWS no longer knows it.")));
	*gone = (HlReply){.outcome = HL_OUTCOME_SUCCESS,
					  .document = hl_response_read(json.data),
					  .request_id = reply->request_id,
					  .attempts = reply->attempts};
	return gone;
}

/* After a failed poll, the wait continues, ends or throws. */
static const HlReply *
take_failure(Waiting *waiting, const HlReply *reply)
{
	if (waiting->seen != NULL &&
		hl_error_sqlstate(reply) == ERRCODE_UNDEFINED_OBJECT)
		return seen_and_gone(waiting, reply);
	if (!may_pass(waiting, reply))
		hl_error_raise(waiting->operation, reply, NULL);
	keep_trouble(waiting, reply);
	return NULL;
}

static const HlReply *
take_success(Waiting *waiting, const HlReply *reply)
{
	const HlJson *document = reply->document;
	const char *status =
		hl_response_string(waiting->operation->output, document, "status");

	status = status == NULL ? "" : hl_text_line(status);
	tell_progress(waiting, document, status);
	keep(waiting, &waiting->trouble, NULL);
	if (hl_target_states_judge(waiting->goal, status) == HL_TARGET_REACHED)
		return reply;
	if (hl_target_states_judge(waiting->goal, status) == HL_TARGET_MISSED)
		raise_failed(waiting, document, status);
	if (waiting->goal->gone_is_good)
	{
		HlBytes bytes = {0};

		hl_json_append_node(&bytes, document);
		keep(waiting, &waiting->seen, hl_text_take(&bytes));
	}
	return NULL;
}

/* Polls once; returns the reply when the wait is over, otherwise NULL. */
static const HlReply *
poll_once(Waiting *waiting)
{
	HlRequest *request =
		hl_request_make(waiting->operation, waiting->json, waiting->more, true);
	const HlReply *reply;

	request->patience =
		Max(waiting->deadline - hl_clock_steady_ms(), LEAST_PATIENCE);
	reply = hl_call_try(request, waiting->region);
	if (reply->outcome == HL_OUTCOME_SUCCESS)
		return take_success(waiting, reply);
	return take_failure(waiting, reply);
}

static void
raise_over(const Waiting *waiting)
{
	ereport(ERROR, (errcode(HL_ERRCODE_WAIT_OVER),
					errmsg("%s \"%s\" is still %s after the time allowed",
						   waiting->goal->noun, waiting->id,
						   was_reached(waiting) ? waiting->status : "unknown"),
					waiting->trouble ? errdetail("The last poll failed with %s",
												 waiting->trouble)
									 : 0,
					errhint("Increase \"timeout\", or wait again.")));
}

/* Sleeps until the next poll; raises an error if the time is over. */
static void
sleep_between(const Waiting *waiting)
{
	int64 now = hl_clock_steady_ms();
	int64 due = Min(now + waiting->interval, waiting->deadline);

	if (now >= waiting->deadline)
		raise_over(waiting);
	for (; now < due; now = hl_clock_steady_ms())
		hl_wait_rest((long) (due - now), HL_WAIT_POLL);
}

Datum
hl_poll_wait(FunctionCallInfo fcinfo, const HlOperation *describe)
{
	MemoryContext caller = CurrentMemoryContext;
	Waiting *waiting = waiting_start(fcinfo, describe);
	const HlReply *reply;
	Datum row;

	MemoryContextSwitchTo(waiting->round);
	while ((reply = poll_once(waiting)) == NULL)
	{
		MemoryContextReset(waiting->round);
		sleep_between(waiting);
	}
	MemoryContextSwitchTo(caller);
	row = hl_error_row(describe, reply, fcinfo, describe->output,
					   reply->document);
	MemoryContextDelete(waiting->memory);
	return row;
}

/* Waits with a transaction for each poll, and none while it sleeps. */
Datum
hl_poll_await(FunctionCallInfo fcinfo, const HlOperation *describe)
{
	MemoryContext caller = CurrentMemoryContext;
	Waiting *waiting;

	hl_call_refuse_atomic(fcinfo, "a procedure that waits",
						  "CALL it on its own, or use the function of the "
						  "same name with \"wait\".");
	waiting = waiting_start(fcinfo, describe);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect_ext failed");
	for (;;)
	{
		bool over;

		MemoryContextSwitchTo(waiting->round);
		over = poll_once(waiting) != NULL;
		MemoryContextReset(waiting->round);
		SPI_commit();
		if (over)
			break;
		sleep_between(waiting);
	}
	SPI_finish();
	MemoryContextDelete(waiting->memory);
	MemoryContextSwitchTo(caller);
	PG_RETURN_VOID();
}
