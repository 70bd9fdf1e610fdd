/*
 * worker.c
 *	  A background worker of the queue: what it does between the rounds of the
 *	  runner.
 *
 * A worker runs as the owner of the table; InvalidOid would be the bootstrap
 * superuser. The launcher is connected to no database and cannot know the
 * owner, so it starts a scout, which finds the owner and starts the worker.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "queue/presence.h"
#include "queue/runner.h"
#include "queue/wakeup.h"
#include "server/background.h"
#include "server/clock.h"
#include "server/compat.h"
#include "server/pinned.h"
#include "server/settings.h"
#include "server/wait.h"
#include "worker/worker.h"

/*
 * Milliseconds between two checks whether another process wants the database.
 */
#define TICK 250

/* Milliseconds that calls in flight may then continue. */
#define GRACE 300

/* Milliseconds that a worker waits after an error. */
#define REST 5000

static void
worker_begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

/* Commits, and reports statistics, so that autovacuum runs. */
static void
worker_commit(void)
{
	SPI_finish();
	CommitTransactionCommand();
	(void) pgstat_report_stat(false);
}

static const HlRunnerTransactions worker_transactions = {
	worker_begin, worker_commit, AbortOutOfAnyTransaction,
	AbortOutOfAnyTransaction};

/* Sets the activity in pg_stat_activity. */
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
 * Exits, since another process wants the database. If requests are left, a
 * successor is started, which waits until the database is free again.
 */
static void
make_room(bool some_left, const HlWorkerOrders *orders)
{
	some_left |= hl_presence_leave();
	if (some_left && !orders->stays && hl_presence_wake(MyDatabaseId, 1) &&
		!hl_wakeup_start(orders))
		hl_presence_unreserve(MyDatabaseId);
	proc_exit(0);
}

/* Leaves a database that is wanted; calls in flight get a short time to end. */
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

/* Periodic tasks. */
static void
take_tick(HlRunner *runner, const HlWorkerOrders *orders)
{
	static int64 last = 0;
	int64 now = hl_clock_steady_ms();

	/* shorter than the wait of a round, or only every other tick would count */
	if (now - last < TICK / 2)
		return;
	last = now;
	show_activity(runner);
	/* it sends no more requests, and exits when those in flight have ended */
	if (orders->stays && hl_presence_is_surplus(hl_settings.worker_count))
		runner->allowance = 0;
	if (hl_background_database_is_wanted())
		leave_database(runner, orders);
}

/* Whether a worker has nothing left to do. */
static bool
is_over(const HlRunner *runner, const HlWorkerOrders *orders)
{
	if (runner->gone)
		return true;
	if (runner->allowance == 0)
		return runner->count == 0;
	return !orders->stays && runner->count == 0 && !runner->some_left &&
		   hl_presence_leave_unless_woken();
}

static void
work(HlRunner *runner, const HlWorkerOrders *orders)
{
	for (;;)
	{
		if (hl_presence_was_woken())
			hl_runner_hurry(runner);
		hl_runner_round(runner, TICK);
		if (is_over(runner, orders))
			return;
		take_tick(runner, orders);
		hl_background_rest(hl_runner_rest(runner, TICK), HL_WAIT_QUEUE);
	}
}

/* The memory of a run, and of its transfers. */
static MemoryContext run_memory = NULL;

static void
forget_run(void)
{
	MemoryContextSwitchTo(TopMemoryContext);
	if (run_memory != NULL)
		MemoryContextDelete(run_memory);
	run_memory = NULL;
}

/* Works in a memory context of its own. */
static void
work_once(const HlWorkerOrders *orders)
{
	run_memory = AllocSetContextCreate(TopMemoryContext, "healthlake queue",
									   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(run_memory);
	work(hl_runner_create(&worker_transactions, HL_PRESENCE_WORKER,
						  PG_INT64_MAX),
		 orders);
	forget_run();
}

/*
 * Reports an error as a session does, and releases everything except the
 * worker's place. Its leases end; but no other worker is started while this
 * one waits.
 */
static void
recover(void)
{
	HOLD_INTERRUPTS();
	EmitErrorReport();
	AbortOutOfAnyTransaction();
	forget_run();
	FlushErrorState();
	hl_presence_renew();
	RESUME_INTERRUPTS();
}

/* Waits after an error, without blocking DDL. */
static void
rest_after_error(const HlWorkerOrders *orders)
{
	int64 until = hl_clock_steady_ms() + REST;

	while (hl_clock_steady_ms() < until)
	{
		hl_background_rest(TICK, HL_WAIT_QUEUE);
		if (hl_background_database_is_wanted())
			make_room(true, orders);
	}
}

/* Continues after errors, since rows must not wait for the next enqueue. */
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
	if (!OidIsValid(orders->owner) || !hl_wakeup_start(orders))
		hl_presence_unreserve(orders->database);
}

void
healthlake_worker_main(Datum argument)
{
	HlWorkerOrders orders;

	memcpy(&orders, MyBgworkerEntry->bgw_extra, sizeof(HlWorkerOrders));
	hl_background_set_signals();
	BackgroundWorkerInitializeConnectionByOid(orders.database, orders.owner,
											  HL_COMPAT_ANY_ROLE);
	hl_pinned_worker();
	SetConfigOption("application_name", hl_wakeup_type(&orders), PGC_USERSET,
					PGC_S_OVERRIDE);
	hl_presence_attach();
	if (!OidIsValid(orders.owner))
		scout(&orders);
	else
		keep_working(&orders);
	proc_exit(0);
}
