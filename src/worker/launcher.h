/*
 * launcher.h
 *	  The process that, with the library preloaded, keeps workers there for the
 *	  databases of healthlake.worker_databases: after a restart and a failover,
 *	  too. It is in no database, so that it is in nobody's way, and cannot know
 *	  who owns the queue; so it starts a scout, which starts the worker.
 */
#ifndef HL_WORKER_LAUNCHER_H
#define HL_WORKER_LAUNCHER_H

#include "postgres.h"

/* Registers it; called once, when the library is loaded. */
extern void hl_launcher_init(void);

/* Where the process begins; found by name in the library. */
#pragma GCC visibility push(default)
extern void healthlake_launcher_main(Datum argument);
#pragma GCC visibility pop

#endif
