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
	int losses;       /* only those with so many lost commits */
} Record;

/* After so many lost commits an ending has a transaction of its own. */
#define ALONE 2

bool
hl_record_is_due(const HlQueued *queued)
{
	return queued->ending.state != NULL && !queued->ending.recorded &&
		   queued->held_until <= hl_clock_steady_ms();
}

void
hl_record_count(HlRunner *runner, const HlQueued *queued)
{
	const char *state = queued->ending.state;

	if (queued->ending.taken_over)
		ereport(LOG_SERVER_ONLY,
				(errmsg("healthlake request " INT64_FORMAT
						" was taken over by another worker or session",
						queued->id)));
	else if (strcmp(state, "succeeded") == 0)
		runner->succeeded++;
	else if (strcmp(state, "failed") == 0)
		runner->failed++;
	else if (strcmp(state, "unknown") == 0)
		runner->unknown++;
	else
		runner->put_off++;
}

void
hl_record_lost(HlQueued *queued)
{
	queued->ending.recorded = false;
	queued->losses++;
	if (queued->losses > ALONE)
		queued->held_until = hl_clock_steady_ms() + HL_RUNNER_LOOK_AGAIN;
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
is_answered(const HlQueued *queued)
{
	const HlEnding *ending = &queued->ending;

	if (is_final(ending))
		return true;
	switch (ending->sqlstate)
	{
		case 0: /* put off, or carried out */
			return ending->response != NULL;
		case HL_ERRCODE_THROTTLED:
		case HL_ERRCODE_NOT_SENT:
		case HL_ERRCODE_CREDENTIALS:
			return false;
		default:
			return queued->has_left;
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
		return is_answered(queued) ? "replied" : NULL;
	if (ending->datastore_id != NULL || ending->job_id != NULL ||
		ending->adopted)
		return "adopted";
	return is_final(ending) ? "interrupted" : NULL;
}

/* What the history is told of it beside. */
static const char *
note_of(const HlQueued *queued)
{
	const HlEnding *ending = &queued->ending;

	return ending->note == NULL && !queued->polls && !queued->looks &&
				   !queued->has_left
			   ? "this attempt was not sent"
			   : ending->note;
}

/*
 * Whether the history has a "sent" that counts for the next attempt, since
 * nothing ends it. One with a token was recorded when it was claimed. What was
 * put off between its attempts may have been carried out.
 */
static bool
is_announced(const HlQueued *queued)
{
	bool announced = queued->announced ||
					 (!queued->polls && !queued->looks && !queued->careful);

	return announced && event_of(queued) == NULL &&
		   !(queued->ending.sqlstate == 0 && hl_queued_is_begun(queued));
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
				.note = note_of(queued),
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
	hl_store_add(&row, BoolGetDatum(is_announced(queued)));
	if (hl_store_run(record->store, HL_STATEMENT_RECORD, &row) == 0)
		queued->ending.taken_over = true;
	else if (is_final(&queued->ending) && queued->losses == 0)
		announce(record->store, queued);
	return !queued->ending.taken_over;
}

/* Whether an ending is one of those that are written in this transaction. */
static bool
is_meant(const Record *record, const HlQueued *queued)
{
	return hl_record_is_due(queued) && queued->losses == record->losses;
}

/* Writes the endings that are meant. Runs in hl_safely(). */
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

		if (meant && is_meant(record, queued) && write_one(record, queued))
			written[count++] = queued;
	}
	tell_ended(record->store, written, count);
}

/* Notes that an ending was written. */
static void
settle(HlQueued *queued)
{
	queued->ending.recorded = true;
	queued->held_until = 0;
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
		ereport(LOG_SERVER_ONLY,
				(errmsg("the end of healthlake request " INT64_FORMAT
						" cannot be recorded: %s",
						queued->id, error->message)));
		if (is_final(&queued->ending))
		{
			hl_ending_reduce(queued, error->message);
			error = hl_safely(record->store, write_due, record);
		}
	}
	if (error == NULL)
		settle(queued);
	else
	{
		queued->ending = ending;
		queued->held_until = hl_clock_steady_ms() + HL_RUNNER_LOOK_AGAIN;
	}
}

/* The ending that is due of which the most commits were lost. */
static HlQueued *
find_most_lost(const HlRunner *runner)
{
	HlQueued *found = NULL;

	for (int i = 0; i < runner->count; i++)
		if (hl_record_is_due(runner->rows[i]) &&
			(found == NULL || runner->rows[i]->losses > found->losses))
			found = runner->rows[i];
	return found;
}

bool
hl_record_is_again(const HlRunner *runner)
{
	const HlQueued *most_lost = find_most_lost(runner);

	return most_lost != NULL && most_lost->losses > 0;
}

void
hl_record(HlRunner *runner, const HlStore *store)
{
	Record record = {.runner = runner, .store = store};
	HlQueued *most_lost = find_most_lost(runner);
	bool together;

	if (most_lost == NULL)
		return;
	record.losses = most_lost->losses;
	if (record.losses >= ALONE)
	{
		write_singly(&record, most_lost);
		return;
	}
	together = hl_safely(store, write_due, &record) == NULL;
	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];

		if (!is_meant(&record, queued))
			continue;
		if (together)
			settle(queued);
		else
			write_singly(&record, queued);
	}
}
