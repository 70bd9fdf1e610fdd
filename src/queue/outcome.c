/*
 * outcome.c
 *	  From a reply to what is recorded, and whether it is sent again.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/account.h"
#include "call/call.h"
#include "call/error.h"
#include "credentials/credentials.h"
#include "model/response.h"
#include "queue/backoff.h"
#include "queue/fhir_queued.h"
#include "queue/queued.h"
#include "server/text.h"

#define HTTP_PRECONDITION_FAILED 412

/* So long after its creation a data store may be unknown to AWS's readers. */
#define SETTLING_TIME (5 * 60 * 1000)

/*
 * Restores the row's record of attempts if this claim sent nothing, or had no
 * effect.
 */
static void
unsend(HlQueued *queued)
{
	queued->ending.first_sent_at = queued->first_sent_at;
	queued->ending.unsettled_since = queued->unsettled_since;
}

/* Begins an ending with what was known when the row was claimed. */
static HlEnding *
begin_ending(HlQueued *queued, const char *state)
{
	HlEnding *ending = &queued->ending;

	*ending = (HlEnding){.state = state,
						 .endpoint = ending->endpoint,
						 .run_after = GetCurrentTimestamp(),
						 .first_sent_at = queued->sending_since,
						 .unsettled_since = HL_NO_TIME};
	return ending;
}

void
hl_queued_refuse(HlQueued *queued, int sqlstate, const char *message)
{
	HlEnding *ending = begin_ending(
		queued, hl_queued_is_unsettled(queued) ? "unknown" : "failed");

	unsend(queued);
	ending->sqlstate = sqlstate;
	ending->message = message;
}

void
hl_queued_put_off(HlQueued *queued, int sqlstate, const char *message)
{
	bool begun = queued->polls || hl_queued_is_unsettled(queued);
	HlEnding *ending = begin_ending(queued, begun ? "running" : "queued");

	unsend(queued);
	ending->sqlstate = sqlstate;
	ending->message = message;
	ending->run_after =
		TimestampTzPlusMilliseconds(ending->run_after, hl_backoff_rest(queued));
}

/* Notes the parts of a reply that do not depend on its meaning. */
static void
note_reply(HlQueued *queued)
{
	const HlReply *reply = &queued->call->reply;
	HlEnding *ending = &queued->ending;

	ending->request_id = hl_text_from_utf8(reply->request_id);
	ending->throttled = reply->throttled;
	if (reply->outcome == HL_OUTCOME_SUCCESS)
		return;
	ending->sqlstate = hl_error_sqlstate(reply);
	ending->code = hl_text_from_utf8(reply->code);
	ending->message = hl_error_message(queued->sent->operation, reply);
}

/* Notes the ids in a reply. */
static void
note_identity(HlQueued *queued)
{
	const HlReply *reply = &queued->call->reply;
	HlNamed it = hl_account_of_reply(queued->sent->operation, reply);
	HlEnding *ending = &queued->ending;

	ending->datastore_id = it.datastore_id;
	ending->job_id = it.job_id;
	ending->account = it.account;
	if (reply->document != NULL)
		ending->response = hl_response_masked(queued->sent->operation->output,
											  reply->document, NULL);
}

/* AWS has carried out the request. */
static void
judge_done(HlQueued *queued)
{
	HlEnding *ending =
		begin_ending(queued, queued->goal != NULL ? "running" : "succeeded");

	note_reply(queued);
	ending->sqlstate = 0;
	ending->code = ending->message = NULL;
	if (hl_fhir_is_queued(queued))
		hl_fhir_note(queued, &queued->call->reply);
	else
		note_identity(queued);
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
 * Whether a sending that may have been carried out goes on: it is repeated, or
 * looked for.
 */
static bool
may_go_on(const HlQueued *queued)
{
	if (hl_fhir_is_queued(queued))
		return hl_fhir_is_recoverable(queued);
	return hl_queued_is_repeatable(queued);
}

/* The note on a request that is not repeated. */
static const char *
note_of_lost(const HlQueued *queued)
{
	return hl_fhir_is_queued(queued) ? HL_QUEUED_NOT_TOLD : HL_QUEUED_NOT_AGAIN;
}

/*
 * Since when a sending is without a certain outcome. A resource is read after
 * each such sending, anything else is searched for by its first one.
 */
static TimestampTz
unsettled_since(const HlQueued *queued)
{
	if (hl_fhir_is_queued(queued) && queued->careful)
		return GetCurrentTimestamp();
	return hl_queued_is_unsettled(queued) ? queued->unsettled_since
										  : queued->sending_since;
}

/* It is unknown whether AWS has carried out the request. */
static void
judge_unknown(HlQueued *queued)
{
	bool again = may_go_on(queued);
	HlEnding *ending = begin_ending(queued, again ? "running" : "unknown");

	note_reply(queued);
	if (!again)
		ending->note = note_of_lost(queued);
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
	HlEnding *ending = begin_ending(queued, "running");

	note_reply(queued);
	ending->first_sent_at = queued->first_sent_at;
	if (hl_fhir_is_queued(queued) && queued->careful)
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
 * refused, too.
 */
static bool
was_never_valid(const HlQueued *queued, int sqlstate)
{
	return sqlstate == ERRCODE_INVALID_PARAMETER_VALUE &&
		   (!hl_fhir_is_queued(queued) || queued->call->whole);
}

/*
 * Whether a refusal is of the version that a look has found, which the request
 * does not name: another has written since, or a copy of this server.
 */
static bool
is_overtaken(const HlQueued *queued)
{
	return hl_fhir_is_queued(queued) && queued->guard != NULL &&
		   queued->call->reply.http_status == HTTP_PRECONDITION_FAILED;
}

/* AWS has certainly not carried out the request. */
static void
judge_not_done(HlQueued *queued)
{
	const HlReply *reply = &queued->call->reply;
	int sqlstate = hl_error_sqlstate(reply);

	if (hl_fhir_is_queued(queued) && hl_fhir_is_done(queued, reply))
		judge_done(queued);
	else if (may_pass(sqlstate))
	{
		hl_queued_put_off(queued, 0, NULL);
		note_reply(queued);
	}
	else if (is_overtaken(queued) || (hl_queued_is_unsettled(queued) &&
									  !was_never_valid(queued, sqlstate)))
		judge_refused_after_unknown(queued);
	else
	{
		begin_ending(queued, "failed");
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
		begin_ending(queued, verdict == HL_TARGET_REACHED  ? "succeeded"
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
	ending->message = psprintf(
		"%s is %s%s%s", queued->goal->noun, hl_text_from_utf8(state),
		cause == NULL ? "" : ": ", cause ? hl_text_from_utf8(cause) : "");
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
	HlEnding *ending = begin_ending(queued, "running");

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
	else if (gone &&
			 TimestampDifferenceExceeds(queued->sending_since,
										GetCurrentTimestamp(), SETTLING_TIME))
		ending->state = "failed";
}

void
hl_outcome_lose(HlQueued *queued, const char *message)
{
	const HlReply *reply = &queued->call->reply;
	bool done = reply->outcome == HL_OUTCOME_SUCCESS || reply->may_have_run;
	bool lost = done && !queued->looks && !queued->polls;

	if (lost)
		queued->unsettled_since = unsettled_since(queued);
	hl_queued_put_off(queued, MAKE_SQLSTATE('3', '8', 'M', '0', '1'), message);
	queued->ending.first_sent_at = queued->sending_since;
	if (!lost || may_go_on(queued))
		return;
	queued->ending.state = "unknown";
	queued->ending.note = note_of_lost(queued);
}

/*
 * Leaves out what AWS has said, of which something cannot be stored; the log
 * has the request id and what the reply named.
 */
void
hl_outcome_reduce(HlQueued *queued, const char *message)
{
	MemoryContext caller = MemoryContextSwitchTo(queued->memory);
	HlEnding *ending = &queued->ending;

	*ending = (HlEnding){
		.state = "unknown",
		.sqlstate = MAKE_SQLSTATE('3', '8', 'M', '0', '1'),
		.message = psprintf("its outcome (%s) could not be recorded: %s",
							ending->state, message),
		.note = "the server's log has the outcome of the call",
		.run_after = ending->run_after,
		.first_sent_at = ending->first_sent_at,
		.unsettled_since = ending->first_sent_at};
	MemoryContextSwitchTo(caller);
}

void
hl_outcome_judge(HlQueued *queued)
{
	MemoryContext caller = MemoryContextSwitchTo(queued->memory);
	HlReply *reply = &queued->call->reply;
	bool success;

	hl_call_check_reply(queued->sent->operation, reply);
	if (hl_fhir_is_queued(queued) && !queued->looks)
		hl_fhir_check(queued, reply);
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
