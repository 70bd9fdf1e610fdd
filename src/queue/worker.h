/*
 * worker.h
 *	  Background workers that drain queues. A transaction that enqueued starts
 *	  one for its database when it commits, and that leaves when the queue is
 *	  empty; those that the launcher starts stay.
 */
#ifndef HL_QUEUE_WORKER_H
#define HL_QUEUE_WORKER_H

#include "postgres.h"

#include "postmaster/bgworker.h"

#include "client/wait.h"
#include "queue/store.h"

/* What a worker is told; fits into bgw_extra. */
typedef struct HlWorkerOrders
{
	Oid database;
	Oid owner;  /* InvalidOid: it is a scout, which finds the owner */
	bool stays; /* when the queue is empty */
} HlWorkerOrders;

/* Registers what starts them; called once, when the library is loaded. */
extern void hl_worker_init(void);

/* Has a worker woken, or started, when this transaction commits. */
extern void hl_worker_want(const HlStore *store);

/* Whether a worker can be this role: before 17 it must be able to log in. */
extern bool hl_worker_may_be(Oid role);

/* Starts one; false: there is no slot. Throws nothing: it runs in commits. */
extern bool hl_worker_start(const HlWorkerOrders *orders);

/* What all of our processes have in common: entry, signals, rest. */
extern void hl_worker_fill(BackgroundWorker *worker, const char *function,
						   const char *type);
extern void hl_worker_set_signals(void);
extern void hl_worker_rest(long milliseconds, HlWaitReason reason);

/* Whether somebody wants the database as a whole; outside of transactions. */
extern bool hl_worker_database_is_wanted(void);

/* Where the process begins; found by name in the library. */
#pragma GCC visibility push(default)
extern void healthlake_worker_main(Datum argument);
#pragma GCC visibility pop

#endif
