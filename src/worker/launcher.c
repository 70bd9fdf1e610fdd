/*
 * launcher.c
 *	  Starts the workers of databases.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "utils/backend_status.h"
#include "utils/fmgroids.h"
#include "utils/varlena.h"

#include "queue/presence.h"
#include "queue/wakeup.h"
#include "server/background.h"
#include "server/catalog.h"
#include "server/settings.h"
#include "worker/launcher.h"

/* Milliseconds between two checks for missing workers. */
#define LAUNCH 5000
#define IDLE (60 * 1000)

void
hl_launcher_init(void)
{
	BackgroundWorker launcher;

	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	hl_background_fill(&launcher, "healthlake_launcher_main",
					   "healthlake launcher");
	launcher.bgw_restart_time = LAUNCH / 1000;
	RegisterBackgroundWorker(&launcher);
}

/*
 * The database of a name; InvalidOid if it does not exist. Reads without an
 * index, which a process without a database cannot open when the server has
 * just started.
 */
static Oid
find_database(const char *name)
{
	ScanKeyData key;

	ScanKeyInit(&key, Anum_pg_database_datname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	return hl_catalog_oid(DatabaseRelationId, InvalidOid, &key,
						  Anum_pg_database_oid);
}

/* Starts the missing workers of a database, one at a time. */
static void
keep_workers(const char *name)
{
	HlWorkerOrders orders = {.database = find_database(name), .stays = true};

	if (OidIsValid(orders.database) &&
		hl_presence_wake(orders.database, hl_settings.worker_count) &&
		!hl_wakeup_start(&orders))
		hl_presence_unreserve(orders.database);
}

static void
keep_all_workers(void)
{
	List *names = NIL;
	ListCell *cell;

	StartTransactionCommand();
	if (SplitIdentifierString(pstrdup(hl_settings.worker_databases), ',',
							  &names))
		foreach (cell, names)
			keep_workers(lfirst(cell));
	CommitTransactionCommand();
}

/* The launcher is connected to no database, so that it blocks no DDL on one. */
void
healthlake_launcher_main(Datum argument)
{
	hl_background_set_signals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	hl_presence_attach();
	pgstat_report_appname("healthlake launcher");
	for (;;)
	{
		bool idle = hl_settings.worker_databases[0] == '\0';

		if (!idle)
			keep_all_workers();
		hl_background_rest(idle ? IDLE : LAUNCH, HL_WAIT_QUEUE);
	}
}
