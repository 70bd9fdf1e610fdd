/*
 * worker.h
 *	  Background workers that drain queues. Those that a commit starts leave
 *	  when the queue is empty; those that the launcher starts stay.
 */
#ifndef HL_WORKER_WORKER_H
#define HL_WORKER_WORKER_H

#include "postgres.h"

/* The entry of the process, which the postmaster finds by its name. */
#pragma GCC visibility push(default)
extern void healthlake_worker_main(Datum argument);
#pragma GCC visibility pop

#endif
