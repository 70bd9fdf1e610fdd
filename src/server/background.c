/*
 * background.c
 *	  Shared by the background workers of all rooms.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "server/background.h"

void
hl_background_fill(BackgroundWorker *worker, const char *function,
				   const char *type)
{
	memset(worker, 0, sizeof(BackgroundWorker));
	worker->bgw_flags =
		BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker->bgw_library_name, "healthlake", BGW_MAXLEN);
	strlcpy(worker->bgw_function_name, function, BGW_MAXLEN);
	strlcpy(worker->bgw_type, type, BGW_MAXLEN);
	strlcpy(worker->bgw_name, type, BGW_MAXLEN);
}

void
hl_background_set_signals(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	/* a new worker ignores SIGHUP until here */
	ProcessConfigFile(PGC_SIGHUP);
}

void
hl_background_rest(long milliseconds, HlWaitReason reason)
{
	hl_wait_rest(milliseconds, reason);
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* Tries the lock that CREATE and DROP DATABASE hold or wait for. */
static bool
lock_is_refused(void)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, false, true) ==
		LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, RowExclusiveLock, false);
	return false;
}

bool
hl_background_database_is_wanted(void)
{
	bool wanted;

	StartTransactionCommand();
	wanted = lock_is_refused();
	CommitTransactionCommand();
	return wanted;
}
