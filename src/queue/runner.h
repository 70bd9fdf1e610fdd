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

/* Milliseconds after which a runner looks again for rows that others hold. */
#define HL_RUNNER_LOOK_AGAIN 5000

/*
 * How a runner's transactions begin and end; SPI is connected between.
 */
typedef struct HlRunnerTransactions
{
	void (*begin)(void);
	void (*commit)(void);
	void (*recover)(void); /* after a commit that failed */
	void (*abort)(void);   /* after an error */
} HlRunnerTransactions;

/* A row that could not be claimed, and when it may be tried again. */
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
	Oid table;       /* of the rows */
	int64 allowance; /* requests that it may still claim */
	HlQueued *rows[HL_RUNNER_MOST];
	int count;
	HlQueued *recorded[HL_RUNNER_MOST]; /* in a transaction not yet committed */
	int nrecorded;
	HlBackoff pace;
	HlShunned shunned[HL_RUNNER_MOST];
	int nshunned;
	char last_role[256]; /* the role whose turn it was last, truncated */
	bool gone;           /* the extension was dropped */
	bool some_left;      /* the queue is not empty, as last seen */
	bool some_paced; /* rows are due that the pace, or others, do not allow to
						claim yet */
	int64 patience_until; /* of a CALL that keeps endings; 0: it has none */
	int64 claim_at;       /* when to look for rows, by hl_clock_steady_ms() */
	int64 complain_at;    /* when to say again that rows cannot be claimed */
	bool clock_known;     /* how far the wall clock is from that: */
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

/* Lets a worker look for due rows immediately. */
extern void hl_runner_hurry(HlRunner *runner);

/*
 * Whether there are rows other than those whose endings could not be recorded
 * yet.
 */
extern bool hl_runner_is_busy(const HlRunner *runner);

/* Milliseconds until there may be something to do, at most so many. */
extern long hl_runner_rest(const HlRunner *runner, long most_ms);

/* The body of healthlake_run_queue(). */
extern Datum hl_runner_call(FunctionCallInfo fcinfo);

#endif
