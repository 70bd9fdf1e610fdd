/*
 * queue.c
 *	  Findings about the queue.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "miscadmin.h"

#include "audit/store.h"
#include "check/check.h"
#include "check/queue.h"
#include "queue/presence.h"
#include "queue/wakeup.h"
#include "server/settings.h"

/* Adds the homes whose requests wait here and are not sent. */
static List *
add_homes(List *findings, const HlStore *store, MemoryContext memory)
{
	HlParameters none = {0};
	HlStoreStep step;
	uint64 rows;

	hl_store_enter(&step, store);
	rows = hl_store_run(store, HL_STATEMENT_FOREIGN, &none);
	hl_store_leave(&step);
	MemoryContextSwitchTo(memory);
	for (uint64 i = 0; i < rows; i++)
		findings = hl_check_add(
			findings, "requests of another home", false,
			psprintf("%s waiting requests were made in cluster and database "
					 "%s; they are searched for and not sent: after pg_upgrade "
					 "or a move, healthlake_adopt_requests() makes them this "
					 "database's",
					 hl_store_text(i, "requests"), hl_store_text(i, "home")));
	return findings;
}

/*
 * Adds that nobody runs the queue. pg_cron runs it once a minute, so what is
 * due for less may be in order.
 */
static List *
add_overdue(List *findings, const HlStore *store, MemoryContext memory)
{
	HlParameters parameters = {0};
	HlStoreStep step;
	uint64 rows;

	/* a standby sends nothing */
	if (RecoveryInProgress())
		return findings;
	hl_store_add_text(&parameters, hl_settings.fence);
	hl_store_enter(&step, store);
	rows = hl_store_run(store, HL_STATEMENT_OVERDUE, &parameters);
	hl_store_leave(&step);
	MemoryContextSwitchTo(memory);
	if (rows == 0 || hl_presence_is_drained(MyDatabaseId))
		return findings;
	return hl_check_add(
		findings, "nobody runs the queue", false,
		psprintf("%s requests have been due for more than a minute: CALL "
				 "healthlake_run_queue(), or set healthlake.worker_databases",
				 hl_store_text(0, "requests")));
}

/* Adds that no worker can run as the owner of the table. */
static List *
add_owner(List *findings, const HlStore *store)
{
	if (hl_wakeup_may_be(store->owner))
		return findings;
	return hl_check_add(
		findings, "queue worker", false,
		psprintf(
			"role \"%s\" owns the table of requests and does not have LOGIN, "
			"so that no worker can start before PostgreSQL 17",
			GetUserNameFromId(store->owner, false)));
}

List *
hl_queue_findings(List *findings)
{
	MemoryContext memory = CurrentMemoryContext;
	const HlStore *store = hl_store_find();

	if (store == NULL)
		return findings;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	findings = add_homes(findings, store, memory);
	findings = add_overdue(findings, store, memory);
	SPI_finish();
	return add_owner(findings, store);
}
