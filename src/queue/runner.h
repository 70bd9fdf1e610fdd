/*
 * runner.h
 *	  What drains a queue: claims rows that are due, several at a time, makes
 *	  their calls at once with no transaction, snapshot or lock held, and
 *	  records how they ended. A worker and healthlake_run_queue() are the same
 *	  runner with another way to begin and to commit a transaction.
 */
#ifndef HL_QUEUE_RUNNER_H
#define HL_QUEUE_RUNNER_H

#include "postgres.h"

#include "queue/board.h"
#include "queue/pace.h"
#include "queue/queued.h"
#include "queue/store.h"

#define HL_RUNNER_MOST 64

/* How a runner's transactions begin and end; SPI is connected between. */
typedef struct HlRunnerTransactions
{
	void (*begin)(void);
	void (*commit)(void);
} HlRunnerTransactions;

typedef struct HlRunner
{
	const HlRunnerTransactions *transactions;
	MemoryContext memory; /* of the runner and of its rows */
	MemoryContext round;  /* of one round */
	int64 holder;
	int64 allowance; /* requests that it may still claim */
	HlQueued *rows[HL_RUNNER_MOST];
	int count;
	HlPace pace;
	bool gone;            /* the database has no queue any more */
	bool some_left;       /* the queue is not empty, as last seen */
	bool some_due;        /* though not to be claimed yet, for the pace */
	TimestampTz claim_at; /* when there may be something to claim */

	int64 succeeded; /* counts of endings */
	int64 failed;
	int64 unknown;
	int64 put_off;
} HlRunner;

/* Makes a runner in CurrentMemoryContext, with a place on the board. */
extern HlRunner *hl_runner_create(const HlRunnerTransactions *transactions,
								  HlBoardKind kind, int64 allowance);

/*
 * One round: records what has ended, claims what is due, and waits for a reply
 * no longer than most_ms. With nothing in flight it returns at once.
 */
extern void hl_runner_round(HlRunner *runner, long most_ms);

/* Marks calls whose sessions are gone as unknown; in a transaction. */
extern void hl_runner_sweep(const HlStore *store);

/* Lets a worker look at once for what is due. */
extern void hl_runner_hurry(HlRunner *runner);

/* Milliseconds until there may be something to claim, at most so many. */
extern long hl_runner_rest(const HlRunner *runner, long most_ms);

/* The body of healthlake_run_queue(). */
extern Datum hl_runner_call(FunctionCallInfo fcinfo);

#endif
