/*
 * worker.h
 *	  Background workers that drain queues. A transaction that enqueued starts
 *	  one for its database when it commits, and that leaves when the queue is
 *	  empty; with the library preloaded a launcher keeps some there for each
 *	  database of healthlake.worker_databases.
 */
#ifndef HL_QUEUE_WORKER_H
#define HL_QUEUE_WORKER_H

#include "queue/store.h"

/* Registers the launcher and the callbacks; called when the library loads. */
extern void hl_worker_init(void);

/* Has a worker woken, or started, when this transaction commits. */
extern void hl_worker_want(const HlStore *store);

/* Where the processes begin; found by name in the library. */
#pragma GCC visibility push(default)
extern void healthlake_launcher_main(Datum argument);
extern void healthlake_worker_main(Datum argument);
#pragma GCC visibility pop

#endif
