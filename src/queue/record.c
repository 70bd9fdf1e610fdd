/*
 * record.c
 *	  Endings on their way into the table.
 */
#include "postgres.h"

#include "executor/spi.h"

#include "audit/event.h"
#include "call/error.h"
#include "queue/record.h"
#include "queue/safely.h"
#include "server/clock.h"

/* What is written: an ending of one row, or all that are due. */
typedef struct Record
{
	HlRunner *runner;
	const HlStore *store;
	HlQueued *queued; /* NULL: all */
} Record;

bool
hl_record_is_due(const HlQueued *queued)
{
	return queued->ending.state != NULL && !queued->ending.recorded &&
		   queued->held_until <= hl_clock_steady_ms();
}

/* Counts an ending for the NOTICE of healthlake_run_queue(). */
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

/* Whether an ending finishes the row. */
static bool
is_final(const HlEnding *ending)
{
	return strcmp(ending->state, "queued") != 0 &&
		   strcmp(ending->state, "running") != 0;
}

/* The outcome for the history: succeeded, failed or unknown. */
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

/* Whether the attempt has ended with a reply, or the request without one. */
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

/*
 * What the history is told of an ending. Polls and searches are not in it, but
 * for a poll that ends in failure what AWS had accepted: the reply before has
 * been told as a success.
 */
static const char *
event_of(const HlQueued *queued)
{
	const HlEnding *ending = &queued->ending;

	if (queued->polls)
		return is_final(ending) && ending->sqlstate != 0 ? "replied" : NULL;
	if (!queued->looks)
		return is_answered(ending) ? "replied" : NULL;
	if (ending->datastore_id != NULL || ending->job_id != NULL ||
		ending->adopted)
		return "adopted";
	return is_final(ending) ? "interrupted" : NULL;
}

/* Records in the history how requests have ended. */
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

/* Sends the NOTIFY of a finished row of this home. */
static void
announce(const HlStore *store, const HlQueued *queued)
{
	HlParameters id = {0};

	if (hl_queued_is_foreign(queued))
		return;
	hl_store_add(&id, Int64GetDatum(queued->id));
	(void) hl_store_run(store, HL_STATEMENT_NOTIFY, &id);
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Writes one ending into its row, and announces it when that is final; false:
 * the row is no more this runner's.
 */
static bool
write_one(Record *record, HlQueued *queued)
{
	HlParameters row = {0};

	queued->ending.taken_over = false;
	hl_store_add(&row, Int64GetDatum(queued->id));
	hl_store_add(&row, Int64GetDatum(record->runner->holder));
	hl_queued_add_ending(&row, queued);
	if (hl_store_run(record->store, HL_STATEMENT_RECORD, &row) == 0)
		queued->ending.taken_over = true;
	else if (is_final(&queued->ending))
		announce(record->store, queued);
	return !queued->ending.taken_over;
}

/* Writes the endings that are due. Runs in hl_safely(). */
static void
write_due(void *argument)
{
	Record *record = argument;
	HlRunner *runner = record->runner;
	HlQueued *written[HL_RUNNER_MOST];
	int count = 0;

	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];
		bool meant = record->queued == NULL || record->queued == queued;

		if (meant && hl_record_is_due(queued) && write_one(record, queued))
			written[count++] = queued;
	}
	tell_ended(record->store, written, count);
}

/* Notes that an ending was written. */
static void
settle(HlRunner *runner, HlQueued *queued)
{
	queued->ending.recorded = true;
	queued->held_until = 0;
	if (queued->ending.taken_over)
		ereport(LOG, (errmsg("healthlake request " INT64_FORMAT
							 " was taken over by another worker or session",
							 queued->id)));
	else
		count_ending(runner, queued);
}

/*
 * Writes an ending by itself; where it cannot be written, one that says so;
 * where not even that can be, it is kept.
 */
static void
write_singly(Record *record, HlQueued *queued)
{
	HlEnding ending = queued->ending;
	ErrorData *error;

	record->queued = queued;
	error = hl_safely(record->store, write_due, record);
	if (error != NULL)
	{
		ereport(LOG, (errmsg("the end of healthlake request " INT64_FORMAT
							 " cannot be recorded: %s",
							 queued->id, error->message)));
		if (is_final(&queued->ending))
		{
			hl_outcome_reduce(queued, error->message);
			error = hl_safely(record->store, write_due, record);
		}
	}
	if (error == NULL)
		settle(record->runner, queued);
	else
	{
		queued->ending = ending;
		queued->held_until = hl_clock_steady_ms() + HL_RUNNER_LOOK_AGAIN;
	}
}

void
hl_record(HlRunner *runner, const HlStore *store)
{
	Record record = {.runner = runner, .store = store};
	bool together = hl_safely(store, write_due, &record) == NULL;

	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];

		if (!hl_record_is_due(queued))
			continue;
		if (together)
			settle(runner, queued);
		else
			write_singly(&record, queued);
	}
}
