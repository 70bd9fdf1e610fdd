/*
 * worker.c
 *	  Starting workers, and what they do between two rounds.
 *
 *	  A worker is the table's owner: InvalidOid would be the bootstrap
 *	  superuser. The launcher is in no database and cannot know the owner, so
 *	  it starts a scout, which finds the owner and starts the worker.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "executor/spi.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "client/clock.h"
#include "client/compat.h"
#include "client/settings.h"
#include "client/wait.h"
#include "queue/board.h"
#include "queue/pinned.h"
#include "queue/runner.h"
#include "queue/worker.h"

/* So often a worker looks whether its database is wanted by somebody. */
#define TICK 250

/* So long calls in flight may go on when it is. */
#define GRACE 300

/* So long a worker rests after an error. */
#define REST 5000

/* The worker that this transaction wants. */
static struct
{
	bool wanted;
	SubTransactionId subtransaction;
	Oid owner;
} want;

/* ------------------------------------------------------------- starting */

/* Fills in what all of our processes have in common. */
void
hl_worker_fill(BackgroundWorker *worker, const char *function, const char *type)
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

/* What a worker calls itself. */
static const char *
type_of(const HlWorkerOrders *orders)
{
	return OidIsValid(orders->owner) ? "healthlake worker" : "healthlake scout";
}

/* Starts a worker; false: there is no slot. Throws nothing. */
bool
hl_worker_start(const HlWorkerOrders *orders)
{
	BackgroundWorker worker;

	hl_worker_fill(&worker, "healthlake_worker_main", type_of(orders));
	snprintf(worker.bgw_name, BGW_MAXLEN, "%s for database %u", type_of(orders),
			 orders->database);
	memcpy(worker.bgw_extra, orders, sizeof(HlWorkerOrders));
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* Wakes the worker of this database, or starts one, after a commit. */
static void
start_wanted(void)
{
	HlWorkerOrders orders = {.database = MyDatabaseId, .owner = want.owner};
	int wanted = hl_settings.autostart_worker && !IsBinaryUpgrade ? 1 : 0;

	if (!hl_board_wake(MyDatabaseId, wanted) || hl_worker_start(&orders))
		return;
	hl_board_unreserve(MyDatabaseId);
	ereport(WARNING,
			(errmsg("no background worker could be started for the queue of "
					"healthlake"),
			 errdetail("All slots of max_worker_processes are taken."),
			 errhint("The requests wait for the next one that is enqueued, or "
					 "for CALL healthlake_run_queue().")));
}

/* When a transaction ends. */
static void
transaction_ends(XactEvent event, void *unused)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	if (event == XACT_EVENT_COMMIT && want.wanted)
		start_wanted();
	want.wanted = false;
}

/* When a subtransaction ends: what it has enqueued may be gone. */
static void
subtransaction_ends(SubXactEvent event, SubTransactionId mine,
					SubTransactionId parent, void *unused)
{
	if (!want.wanted || want.subtransaction != mine)
		return;
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		want.subtransaction = parent;
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		want.wanted = false;
}

/* Whether a worker may be this role: before 17 it must be able to log in. */
bool
hl_worker_may_be(Oid role)
{
#if PG_VERSION_NUM >= 170000
	return true;
#else
	HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool may = false;

	if (HeapTupleIsValid(tuple))
	{
		may = ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;
		ReleaseSysCache(tuple);
	}
	return may;
#endif
}

/* Says that the worker that is wanted will not come. */
static void
warn_of_owner(Oid owner)
{
	if (!hl_settings.autostart_worker || hl_worker_may_be(owner))
		return;
	ereport(WARNING,
			(errmsg("no background worker can start for the queue of "
					"healthlake"),
			 errdetail("Role \"%s\" owns the table of requests and may not log "
					   "in.",
					   GetUserNameFromId(owner, false)),
			 errhint("ALTER ROLE ... LOGIN, or CALL healthlake_run_queue().")));
}

/* Has a worker started at the commit; the outermost wish is the lasting one. */
void
hl_worker_want(const HlStore *store)
{
	hl_board_attach();
	if (want.wanted)
		return;
	want.wanted = true;
	want.subtransaction = GetCurrentSubTransactionId();
	want.owner = store->owner;
	warn_of_owner(store->owner);
}

/* Registers the callbacks. */
void
hl_worker_init(void)
{
	hl_board_init();
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}

/* ---------------------------------------------------------------- worker */

/* The handlers that all of our processes have. */
void
hl_worker_set_signals(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	/* PostgreSQL lets a new worker ignore a SIGHUP until here */
	ProcessConfigFile(PGC_SIGHUP);
}

/* Waits for a signal, a wake-up or the end of time. */
void
hl_worker_rest(long milliseconds, HlWaitReason reason)
{
	hl_wait_rest(milliseconds, reason);
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* A worker's transactions. */
static void
worker_begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

/* Ends one, and tells what it has changed, so that autovacuum comes. */
static void
worker_commit(void)
{
	SPI_finish();
	CommitTransactionCommand();
	(void) pgstat_report_stat(false);
}

static const HlRunnerTransactions worker_transactions = {worker_begin,
														 worker_commit};

/* Whether the lock on the database can be had, in a transaction. */
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

/* Whether somebody holds, or waits for, the database as a whole. */
bool
hl_worker_database_is_wanted(void)
{
	bool wanted;

	StartTransactionCommand();
	wanted = lock_is_refused();
	CommitTransactionCommand();
	return wanted;
}

/* Shows in pg_stat_activity what the worker does. */
static void
show_activity(const HlRunner *runner)
{
	char text[80];

	if (!hl_runner_is_busy(runner))
	{
		pgstat_report_activity(
			STATE_IDLE, runner->some_left ? "waiting for requests to be due"
										  : "waiting for requests");
		return;
	}
	snprintf(text, sizeof(text), "%d requests in flight", runner->count);
	pgstat_report_activity(STATE_RUNNING, text);
}

/*
 * Makes room for whoever wants the database. The next one waits at the door
 * until it is free again.
 */
static void
make_room(bool some_left, const HlWorkerOrders *orders)
{
	hl_board_leave();
	if (some_left && !orders->stays && hl_board_wake(MyDatabaseId, 1) &&
		!hl_worker_start(orders))
		hl_board_unreserve(MyDatabaseId);
	proc_exit(0);
}

/* Leaves a database that is wanted: what is in flight gets a moment. */
static void
leave_database(HlRunner *runner, const HlWorkerOrders *orders)
{
	int64 until = hl_clock_steady_ms() + GRACE;

	runner->allowance = 0;
	while (hl_runner_is_busy(runner) && !runner->gone &&
		   hl_clock_steady_ms() < until)
		hl_runner_round(runner, TICK / 5);
	make_room(runner->some_left, orders);
}

/* What is done now and then, whatever else there is to do. */
static void
take_tick(HlRunner *runner, const HlWorkerOrders *orders)
{
	static int64 last = 0;
	int64 now = hl_clock_steady_ms();

	/* less than what a round waits, or every other one would count */
	if (now - last < TICK / 2)
		return;
	last = now;
	show_activity(runner);
	if (hl_worker_database_is_wanted())
		leave_database(runner, orders);
}

/* Whether a worker has nothing left to do. */
static bool
is_over(const HlRunner *runner, const HlWorkerOrders *orders)
{
	if (runner->gone)
		return true;
	return !orders->stays && runner->count == 0 && !runner->some_left &&
		   hl_board_leave_unless_woken();
}

/* Works until there is nothing left to do. */
static void
work(HlRunner *runner, const HlWorkerOrders *orders)
{
	for (;;)
	{
		if (hl_board_was_woken())
			hl_runner_hurry(runner);
		hl_runner_round(runner, TICK);
		if (is_over(runner, orders))
			return;
		take_tick(runner, orders);
		hl_worker_rest(hl_runner_rest(runner, TICK), HL_WAIT_QUEUE);
	}
}

/* What a run needs, and with what its transfers go. */
static MemoryContext run_memory = NULL;

/* Lets go of a run. */
static void
forget_run(void)
{
	MemoryContextSwitchTo(TopMemoryContext);
	if (run_memory != NULL)
		MemoryContextDelete(run_memory);
	run_memory = NULL;
}

/* Works in memory of its own. */
static void
work_once(const HlWorkerOrders *orders)
{
	run_memory = AllocSetContextCreate(TopMemoryContext, "healthlake queue",
									   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(run_memory);
	work(hl_runner_create(&worker_transactions, HL_BOARD_WORKER, PG_INT64_MAX),
		 orders);
	forget_run();
}

/* Reports an error as a session would, and lets go of everything. */
static void
recover(void)
{
	HOLD_INTERRUPTS();
	EmitErrorReport();
	AbortOutOfAnyTransaction();
	forget_run();
	FlushErrorState();
	hl_board_leave();
	RESUME_INTERRUPTS();
}

/* Rests after an error, in nobody's way. */
static void
rest_after_error(const HlWorkerOrders *orders)
{
	int64 until = hl_clock_steady_ms() + REST;

	while (hl_clock_steady_ms() < until)
	{
		hl_worker_rest(TICK, HL_WAIT_QUEUE);
		if (hl_worker_database_is_wanted())
			make_room(true, orders);
	}
}

/* Works on through errors: rows must not wait for the next enqueueing. */
static void
keep_working(const HlWorkerOrders *orders)
{
	bool failed = true;

	while (failed)
	{
		PG_TRY();
		{
			work_once(orders);
			failed = false;
		}
		PG_CATCH();
		{
			recover();
		}
		PG_END_TRY();
		if (failed)
			rest_after_error(orders);
	}
}

/* Finds the owner of the queue, and starts the worker. */
static void
scout(HlWorkerOrders *orders)
{
	const HlStore *store;

	StartTransactionCommand();
	store = hl_store_find();
	if (store != NULL)
		orders->owner = store->owner;
	CommitTransactionCommand();
	if (!OidIsValid(orders->owner) || !hl_worker_start(orders))
		hl_board_unreserve(orders->database);
}

/* The worker of a database. */
void
healthlake_worker_main(Datum argument)
{
	HlWorkerOrders orders;

	memcpy(&orders, MyBgworkerEntry->bgw_extra, sizeof(HlWorkerOrders));
	hl_worker_set_signals();
	BackgroundWorkerInitializeConnectionByOid(orders.database, orders.owner,
											  HL_COMPAT_ANY_ROLE);
	hl_pinned_worker();
	SetConfigOption("application_name", type_of(&orders), PGC_USERSET,
					PGC_S_OVERRIDE);
	hl_board_attach();
	if (!OidIsValid(orders.owner))
		scout(&orders);
	else
		keep_working(&orders);
	proc_exit(0);
}
