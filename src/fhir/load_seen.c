/*
 * load_seen.c
 *	  Snapshots that are kept beyond their transactions. The xmin of a row may
 *	  be that of a subtransaction, so the list of transactions in progress
 *	  includes these; if there are too many, all that had not ended at the time
 *	  count as in progress.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "lib/stringinfo.h"
#include "utils/snapmgr.h"

#include "fhir/load_source.h"

struct HlLoadSeen
{
	uint64 xmin; /* all below have ended */
	uint64 xmax; /* all from here on have not begun */
	int count;
	uint64 *running; /* in progress, between them */
};

/* Adds the epoch to a transaction id, derived from that of the next id. */
static uint64
full_number(TransactionId xid)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint64 epoch = EpochFromFullTransactionId(next);

	if (xid > XidFromFullTransactionId(next) && epoch > 0)
		epoch--;
	return epoch << 32 | xid;
}

static int
compare_numbers(const void *one, const void *other)
{
	uint64 a = *(const uint64 *) one;
	uint64 b = *(const uint64 *) other;

	return a < b ? -1 : a > b;
}

/*
 * Appends the transactions in progress in a snapshot, sorted, as the last part
 * of the text.
 */
static void
append_running(StringInfo text, Snapshot snapshot)
{
	int total = (int) snapshot->xcnt + snapshot->subxcnt;
	uint64 *numbers = palloc(sizeof(uint64) * Max(total, 1));
	uint64 before = 0;

	for (int i = 0; i < total; i++)
		numbers[i] =
			full_number(i < (int) snapshot->xcnt
							? snapshot->xip[i]
							: snapshot->subxip[i - (int) snapshot->xcnt]);
	qsort(numbers, total, sizeof(uint64), compare_numbers);
	for (int i = 0; i < total; i++)
		if (numbers[i] != before && numbers[i] < full_number(snapshot->xmax))
		{
			appendStringInfo(text, "%s" UINT64_FORMAT, before ? "," : "",
							 numbers[i]);
			before = numbers[i];
		}
	pfree(numbers);
}

char *
hl_load_seen_now(void)
{
	Snapshot snapshot = GetTransactionSnapshot();
	uint64 xmin = full_number(snapshot->xmin);
	uint64 xmax = full_number(snapshot->xmax);
	StringInfoData text;

	initStringInfo(&text);
	if (snapshot->suboverflowed || snapshot->takenDuringRecovery)
	{
		appendStringInfo(&text, UINT64_FORMAT ":" UINT64_FORMAT ":", xmin,
						 xmin);
		return text.data;
	}
	appendStringInfo(&text, UINT64_FORMAT ":" UINT64_FORMAT ":", xmin, xmax);
	append_running(&text, snapshot);
	return text.data;
}

HlLoadSeen *
hl_load_seen_read(const char *text)
{
	HlLoadSeen *seen = palloc0(sizeof(HlLoadSeen));
	char *at;

	seen->running = palloc(sizeof(uint64) * (strlen(text) / 2 + 1));
	seen->xmin = strtoull(text, &at, 10);
	seen->xmax = strtoull(at + 1, &at, 10);
	while (*at != '\0' && at[1] != '\0')
		seen->running[seen->count++] = strtoull(at + 1, &at, 10);
	return seen;
}

bool
hl_load_is_newer(const HlLoadSeen *seen, TransactionId xmin)
{
	uint64 number;

	if (!TransactionIdIsNormal(xmin))
		return false;
	/* older ones can no longer be told from newer ones */
	if (U64FromFullTransactionId(ReadNextFullTransactionId()) - seen->xmin >
		MaxTransactionId / 2)
		return true;
	number = full_number(xmin);
	if (number < seen->xmin || number >= seen->xmax)
		return number >= seen->xmax;
	return bsearch(&number, seen->running, seen->count, sizeof(uint64),
				   compare_numbers) != NULL;
}
