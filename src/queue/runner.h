/*
 * runner.h
 *	  Drains a queue: claims several rows that are due, performs their calls
 *	  concurrently without holding a transaction, snapshot or lock, and records
 *	  the outcomes. A worker and healthlake_run_queue() use the same runner;
 *	  they differ in how they begin and commit transactions.
 */
#ifndef HL_QUEUE_RUNNER_H
#define HL_QUEUE_RUNNER_H

#include "postgres.h"

#include "audit/store.h"
#include "queue/backoff.h"
#include "queue/presence.h"
#include "queue/queued.h"

#define HL_RUNNER_MOST 64

/* Milliseconds after which a runner looks again for what others hold. */
#define HL_RUNNER_LOOK_AGAIN 5000

/* How a runner's transactions begin and end; SPI is connected between. */
typedef struct HlRunnerTransactions
{
	void (*begin)(void);
	void (*commit)(void);
} HlRunnerTransactions;

/* A row that cannot be claimed, and until when it is left alone. */
typedef struct HlShunned
{
	int64 id;
	int64 until; /* by hl_clock_steady_ms() */
} HlShunned;

typedef struct HlRunner
{
	const HlRunnerTransactions *transactions;
	MemoryContext memory; /* of the runner and of its rows */
	MemoryContext round;  /* of one round */
	int64 holder;
	int64 allowance; /* requests that it may still claim */
	HlQueued *rows[HL_RUNNER_MOST];
	int count;
	HlBackoff pace;
	HlShunned shunned[HL_RUNNER_MOST];
	int nshunned;
	char last_role[256]; /* whose turn it was last, cut */
	bool gone;           /* the database has no queue any more */
	bool some_left;      /* the queue is not empty, as last seen */
	bool some_paced;     /* though due, not to be claimed yet, for the pace */
	int64 claim_at;   /* when there may be something, by hl_clock_steady_ms() */
	bool clock_known; /* how far the wall clock is from that: */
	int64 clock_offset;

	int64 succeeded; /* counts of endings */
	int64 failed;
	int64 unknown;
	int64 put_off;
} HlRunner;

/* Makes a runner in CurrentMemoryContext, with a place on the board. */
extern HlRunner *hl_runner_create(const HlRunnerTransactions *transactions,
								  HlPresenceKind kind, int64 allowance);

/*
 * One round: records what has ended, claims what is due, and waits for a reply
 * no longer than most_ms. With nothing in flight it returns at once.
 */
extern void hl_runner_round(HlRunner *runner, long most_ms);

/* Lets a worker look at once for what is due. */
extern void hl_runner_hurry(HlRunner *runner);

/*
 * Whether calls are under way or about to be: all rows but those whose endings
 * could not be recorded, and which are kept for another attempt.
 */
extern bool hl_runner_is_busy(const HlRunner *runner);

/* Milliseconds until there may be something to do, at most so many. */
extern long hl_runner_rest(const HlRunner *runner, long most_ms);

/* The body of healthlake_run_queue(). */
extern Datum hl_runner_call(FunctionCallInfo fcinfo);

#endif
