/*
 * worker.h
 *	  Background workers that drain queues. A worker started by a commit exits
 *	  when the queue is empty; one started by the launcher stays.
 */
#ifndef HL_WORKER_WORKER_H
#define HL_WORKER_WORKER_H

#include "postgres.h"

/* The entry of the process, which the postmaster finds by its name. */
#pragma GCC visibility push(default)
extern void healthlake_worker_main(Datum argument);
#pragma GCC visibility pop

#endif
