/*
 * background.h
 *	  Shared by the background workers of all rooms.
 */
#ifndef HL_SERVER_BACKGROUND_H
#define HL_SERVER_BACKGROUND_H

#include "postgres.h"

#include "postmaster/bgworker.h"

#include "server/wait.h"

/*
 * Fills in a worker that is connected to a database and never restarted.
 * function is looked up by its name in the library; type is shown as
 * backend_type in pg_stat_activity.
 */
extern void hl_background_fill(BackgroundWorker *worker, const char *function,
							   const char *type);

/* Installs the signal handlers and reads the configuration once. */
extern void hl_background_set_signals(void);

/* Waits for the latch or the timeout; reloads the configuration on SIGHUP. */
extern void hl_background_rest(long milliseconds, HlWaitReason reason);

/*
 * Whether another session holds or awaits a lock on the database as a whole,
 * as DROP DATABASE does. Call it outside of transactions.
 */
extern bool hl_background_database_is_wanted(void);

#endif
