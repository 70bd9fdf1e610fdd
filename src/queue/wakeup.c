/*
 * wakeup.c
 *	  Has a database's queue drained when a transaction commits.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/syscache.h"

#include "queue/presence.h"
#include "queue/wakeup.h"
#include "server/background.h"
#include "server/noblock.h"
#include "server/settings.h"

/* The worker that this transaction wants. */
static struct
{
	bool wanted;
	SubTransactionId subtransaction;
	Oid owner;
} want;

const char *
hl_wakeup_type(const HlWorkerOrders *orders)
{
	return OidIsValid(orders->owner) ? "healthlake worker" : "healthlake scout";
}

bool
hl_wakeup_start(const HlWorkerOrders *orders)
{
	BackgroundWorker worker;

	hl_background_fill(&worker, "healthlake_worker_main",
					   hl_wakeup_type(orders));
	snprintf(worker.bgw_name, BGW_MAXLEN, "%s for database %u",
			 hl_wakeup_type(orders), orders->database);
	memcpy(worker.bgw_extra, orders, sizeof(HlWorkerOrders));
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* Wakes the worker of this database, or starts one, after a commit. */
static void
start_wanted(void)
{
	HlWorkerOrders orders = {.database = MyDatabaseId, .owner = want.owner};
	int wanted = hl_settings.autostart_worker && !IsBinaryUpgrade ? 1 : 0;

	if (!hl_presence_wake(MyDatabaseId, wanted) || hl_wakeup_start(&orders))
		return;
	hl_presence_unreserve(MyDatabaseId);
	/* the transaction still holds its locks */
	ereport(hl_noblock_begin() ? WARNING : LOG_SERVER_ONLY,
			(errmsg("no background worker could be started for the queue of "
					"healthlake"),
			 errdetail("All slots of max_worker_processes are in use."),
			 errhint("The requests are sent when another one is enqueued, or "
					 "by CALL healthlake_run_queue().")));
}

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

bool
hl_wakeup_may_be(Oid role)
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
	if (!hl_settings.autostart_worker || hl_wakeup_may_be(owner))
		return;
	ereport(
		WARNING,
		(errmsg("no background worker can start for the queue of "
				"healthlake"),
		 errdetail(
			 "Role \"%s\" owns the table of requests and does not have LOGIN.",
			 GetUserNameFromId(owner, false)),
		 errhint("Use ALTER ROLE ... LOGIN, or CALL healthlake_run_queue().")));
}

/* The outermost subtransaction that asked decides whether it happens. */
void
hl_wakeup_want(const HlStore *store)
{
	hl_presence_attach();
	if (want.wanted || store == NULL) /* the extension has just been dropped */
		return;
	want.wanted = true;
	want.subtransaction = GetCurrentSubTransactionId();
	want.owner = store->owner;
	warn_of_owner(store->owner);
}

void
hl_wakeup_init(void)
{
	hl_presence_init();
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}
