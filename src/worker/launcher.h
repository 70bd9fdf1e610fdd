/*
 * launcher.h
 *	  The process that keeps workers running for the databases of
 *	  healthlake.worker_databases if the library is preloaded, also after a
 *	  restart or a failover. It is connected to no database, so that it blocks
 *	  no DDL on one. Therefore it cannot read who owns the queue, and starts a
 *	  scout, which starts the worker.
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
