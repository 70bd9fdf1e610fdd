/*
 * ending.c
 *	  Endings that no reply has made.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "call/error.h"
#include "queue/backoff.h"
#include "queue/queued.h"

/*
 * Restores the row's record of attempts if this claim sent nothing, or had no
 * effect.
 */
static void
unsend(HlQueued *queued)
{
	queued->ending.first_sent_at = queued->first_sent_at;
	queued->ending.unsettled_since = queued->unsettled_since;
	queued->ending.looked_before = queued->looked;
	queued->ending.failed_looks = queued->failed_looks;
	queued->ending.unusable_looks = queued->unusable_looks;
}

HlEnding *
hl_ending_begin(HlQueued *queued, const char *state)
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
hl_ending_refuse(HlQueued *queued, int sqlstate, const char *message)
{
	HlEnding *ending = hl_ending_begin(
		queued, hl_queued_is_unsettled(queued) ? "unknown" : "failed");

	unsend(queued);
	ending->sqlstate = sqlstate;
	ending->message = message;
}

void
hl_ending_put_off(HlQueued *queued, int sqlstate, const char *message)
{
	bool begun = queued->polls || hl_queued_is_unsettled(queued);
	HlEnding *ending = hl_ending_begin(queued, begun ? "running" : "queued");

	unsend(queued);
	if (queued->looks && sqlstate != 0)
	{
		ending->failed_looks++;
		ending->unusable_looks =
			sqlstate == HL_ERRCODE_MALFORMED ? queued->unusable_looks + 1 : 0;
	}
	ending->sqlstate = sqlstate;
	ending->message = message;
	ending->run_after =
		TimestampTzPlusMilliseconds(ending->run_after, hl_backoff_rest(queued));
}

/* The ending where nothing tells what became of the sending. */
void
hl_ending_leave_unknown(HlQueued *queued, const char *message)
{
	hl_ending_put_off(queued, MAKE_SQLSTATE('3', '8', 'M', '0', '1'), message);
	queued->ending.state = "unknown";
	queued->ending.looked = true;
}

/* The ending of what another cluster or database may have sent, or send yet. */
void
hl_ending_leave_to_others(HlQueued *queued)
{
	hl_ending_leave_unknown(
		queued, psprintf("outcome of %s is unknown: it was made in another "
						 "cluster or database",
						 queued->operation->name));
	queued->ending.note = "it was made in another cluster or database, and "
						  "was not sent from here";
}

/*
 * The ending where it may be sent now, unless that is for others to do. One that
 * was let go before, and comes back without having been sent, rests.
 */
void
hl_ending_let_go_out(HlQueued *queued)
{
	if (hl_queued_is_foreign(queued))
	{
		hl_ending_leave_to_others(queued);
		return;
	}
	hl_ending_put_off(queued, 0, NULL);
	queued->ending.state = "queued";
	/* a sending without an outcome goes on to count, but for mere reading */
	if (!queued->operation->changes_something)
		queued->ending.unsettled_since = HL_NO_TIME;
	if (!queued->looked)
		queued->ending.run_after = GetCurrentTimestamp();
	queued->ending.looked = true;
}

/*
 * Leaves out what AWS has said, of which something cannot be stored; the log
 * has the request id and what the reply named.
 */
void
hl_ending_reduce(HlQueued *queued, const char *message)
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
