/*
 * outcome.c
 *	  Replies, and what they mean for the row.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "call/error.h"
#include "call/recorded.h"
#include "credentials/credentials.h"
#include "model/response.h"
#include "queue/backoff.h"
#include "queue/outcome.h"
#include "queue/plane.h"
#include "server/text.h"

#define HTTP_PRECONDITION_FAILED 412

/* Notes the parts of a reply that do not depend on its meaning. */
static void
note_reply(HlQueued *queued)
{
	const HlReply *reply = &queued->call->reply;
	HlEnding *ending = &queued->ending;

	ending->request_id = hl_text_line(reply->request_id);
	ending->throttled = reply->throttled;
	if (reply->outcome == HL_OUTCOME_SUCCESS)
		return;
	ending->sqlstate = hl_error_sqlstate(reply);
	ending->code = hl_text_line(reply->code);
	ending->message = hl_error_message(queued->sent->operation, reply);
}

/* AWS has carried out the request. */
static void
judge_done(HlQueued *queued)
{
	HlEnding *ending =
		hl_ending_begin(queued, queued->goal != NULL ? "running" : "succeeded");

	note_reply(queued);
	ending->sqlstate = 0;
	ending->code = ending->message = NULL;
	queued->plane->note(queued);
	if (queued->goal != NULL)
		ending->run_after = TimestampTzPlusMilliseconds(ending->run_after,
														HL_BACKOFF_FIRST_POLL);
}

/* Whether the error may be temporary. */
static bool
may_pass(int sqlstate)
{
	return sqlstate == HL_ERRCODE_THROTTLED || sqlstate == HL_ERRCODE_SERVICE ||
		   sqlstate == HL_ERRCODE_LOST || sqlstate == HL_ERRCODE_NOT_SENT ||
		   sqlstate == HL_ERRCODE_CREDENTIALS ||
		   sqlstate == HL_ERRCODE_MALFORMED ||
		   sqlstate == ERRCODE_OUT_OF_MEMORY;
}

/*
 * Whether a read follows each sending of unknown outcome. Anything else is
 * searched for, by its first one.
 */
static bool
is_read_each_time(const HlQueued *queued)
{
	return queued->plane->reads && queued->careful;
}

/* Since when a sending is without a certain outcome. */
static TimestampTz
unsettled_since(const HlQueued *queued)
{
	if (is_read_each_time(queued))
		return GetCurrentTimestamp();
	return hl_queued_is_unsettled(queued) ? queued->unsettled_since
										  : queued->sending_since;
}

/* It is unknown whether AWS has carried out the request. */
static void
judge_unknown(HlQueued *queued)
{
	bool again = queued->plane->is_recoverable(queued);
	HlEnding *ending = hl_ending_begin(queued, again ? "running" : "unknown");

	note_reply(queued);
	if (!again)
		ending->note = queued->plane->lost;
	ending->unsettled_since = unsettled_since(queued);
	ending->run_after =
		TimestampTzPlusMilliseconds(ending->run_after, hl_backoff_rest(queued));
}

/*
 * A refusal, when an earlier sending may have been carried out, or one by a
 * copy of this server: only that of an invalid request says something of that
 * one, too. Else it is looked for.
 */
static void
judge_refused_after_unknown(HlQueued *queued)
{
	HlEnding *ending = hl_ending_begin(queued, "running");

	note_reply(queued);
	ending->first_sent_at = queued->first_sent_at;
	if (is_read_each_time(queued))
	{
		ending->unsettled_since = GetCurrentTimestamp();
		ending->run_after = TimestampTzPlusMilliseconds(
			ending->run_after, hl_backoff_rest(queued));
		return;
	}
	ending->unsettled_since =
		Min(queued->unsettled_since,
			TimestampTzPlusMilliseconds(ending->run_after,
										-(SECS_PER_HOUR * 1000)));
}

/*
 * Whether AWS refuses the request as invalid, so that an earlier attempt was
 * refused, too. That attempt may have made a patch or a bundle not fit.
 */
static bool
was_never_valid(const HlQueued *queued, int sqlstate)
{
	return sqlstate == ERRCODE_INVALID_PARAMETER_VALUE &&
		   (queued->call->whole || !queued->call->reply.rest);
}

/*
 * Whether a refusal is of the version that a look has found, which the request
 * does not name: another has written since, or a copy of this server.
 */
static bool
is_overtaken(const HlQueued *queued)
{
	return queued->guard != NULL &&
		   queued->call->reply.http_status == HTTP_PRECONDITION_FAILED;
}

/* AWS has certainly not carried out the request. */
static void
judge_not_done(HlQueued *queued)
{
	const HlReply *reply = &queued->call->reply;
	int sqlstate = hl_error_sqlstate(reply);

	if (queued->plane->is_done(queued))
		judge_done(queued);
	else if (may_pass(sqlstate))
	{
		hl_ending_put_off(queued, 0, NULL);
		note_reply(queued);
	}
	else if (is_overtaken(queued) || (hl_queued_is_unsettled(queued) &&
									  !was_never_valid(queued, sqlstate)))
		judge_refused_after_unknown(queued);
	else
	{
		hl_ending_begin(queued, "failed");
		note_reply(queued);
	}
}

/* A poll has returned the state of the data store or job. */
static void
judge_state(HlQueued *queued)
{
	const HlShape *output = queued->sent->operation->output;
	const HlJson *document = queued->call->reply.document;
	const char *state = hl_response_string(output, document, "status");
	HlTargetVerdict verdict =
		hl_target_states_judge(queued->goal, state == NULL ? "" : state);
	HlEnding *ending =
		hl_ending_begin(queued, verdict == HL_TARGET_REACHED  ? "succeeded"
								: verdict == HL_TARGET_MISSED ? "failed"
															  : "running");
	const char *cause = hl_response_string(output, document, "error_message");

	note_reply(queued);
	ending->response = hl_response_masked(output, document, NULL);
	ending->run_after =
		TimestampTzPlusMilliseconds(ending->run_after, hl_backoff_poll(queued));
	if (verdict != HL_TARGET_MISSED)
		return;
	ending->sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
	ending->message =
		psprintf("%s is %s%s%s", queued->goal->noun, hl_text_line(state),
				 cause == NULL ? "" : ": ", cause ? hl_text_line(cause) : "");
}

/*
 * A poll has failed, which says nothing about the data store or job unless it
 * is gone.
 */
static void
judge_lost_sight(HlQueued *queued)
{
	bool gone =
		hl_error_sqlstate(&queued->call->reply) == ERRCODE_UNDEFINED_OBJECT;
	HlEnding *ending = hl_ending_begin(queued, "running");

	note_reply(queued);
	ending->run_after =
		TimestampTzPlusMilliseconds(ending->run_after, hl_backoff_poll(queued));
	if (gone && queued->goal->gone_is_good)
	{
		ending->state = "succeeded";
		ending->sqlstate = 0;
		ending->code = ending->message = NULL;
		ending->note = "AWS no longer knows it";
	}
	else if (gone && TimestampDifferenceExceeds(queued->sending_since,
												GetCurrentTimestamp(),
												HL_RECORDED_SETTLING_TIME))
		ending->state = "failed";
}

/* Has what was sent count as unsettled, whatever the row said before. */
static void
unsettle(HlQueued *queued)
{
	queued->unsettled_since = unsettled_since(queued);
	queued->looked = false;
}

void
hl_outcome_keep(HlQueued *queued)
{
	if (!queued->call->reply.may_have_run)
		return;
	unsettle(queued);
	if (queued->first_sent_at == HL_NO_TIME)
		queued->first_sent_at = queued->sending_since;
}

void
hl_outcome_lose(HlQueued *queued, const char *message)
{
	const HlReply *reply = &queued->call->reply;
	bool done = reply->outcome == HL_OUTCOME_SUCCESS || reply->may_have_run;
	bool lost = done && !queued->looks && !queued->polls;

	if (lost)
		unsettle(queued);
	hl_ending_put_off(queued, MAKE_SQLSTATE('3', '8', 'M', '0', '1'), message);
	queued->ending.first_sent_at = queued->sending_since;
	if (!lost || queued->plane->is_recoverable(queued))
		return;
	queued->ending.state = "unknown";
	queued->ending.note = queued->plane->lost;
}

void
hl_outcome_judge(HlQueued *queued)
{
	MemoryContext caller = MemoryContextSwitchTo(queued->memory);
	HlReply *reply = &queued->call->reply;
	bool success;

	queued->plane->check(queued);
	/* whatever is kept of these credentials is of no use any more */
	if (reply->outcome != HL_OUTCOME_SUCCESS &&
		hl_error_sqlstate(reply) == HL_ERRCODE_CREDENTIALS)
		(void) hl_credentials_forget();
	success = reply->outcome == HL_OUTCOME_SUCCESS;
	if (queued->looks)
		queued->heard = reply;
	else if (queued->polls && success)
		judge_state(queued);
	else if (queued->polls)
		judge_lost_sight(queued);
	else if (success)
		judge_done(queued);
	else if (reply->may_have_run)
		judge_unknown(queued);
	else
		judge_not_done(queued);
	MemoryContextSwitchTo(caller);
}
