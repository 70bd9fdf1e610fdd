/*
 * transaction.c
 *	  What a rollback does not undo.
 *
 *	  The callbacks run while the transaction is being aborted: all text is
 *	  made beforehand, in the transaction's own memory, and nothing here looks
 *	  at a catalog. An ERROR on the way to a commit would be a PANIC, so only
 *	  the step before PREPARE raises one.
 */
#include "postgres.h"

#include "access/xact.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "api/transaction.h"

/* One change, and the innermost transaction it still belongs to. */
typedef struct Change
{
	SubTransactionId subtransaction;
	const char *sentence;
	const char *log;
} Change;

/* In order of happening; in TopTransactionContext, gone with it. */
static List *changes = NIL;

/* Says of one change that it stays, though what it belonged to is undone. */
static void
warn_of(const Change *change, const char *undone)
{
	ereport(
		WARNING_CLIENT_ONLY,
		(errmsg("%s although its %s was rolled back", change->sentence, undone),
		 errdetail("What AWS has done is not undone by a rollback.")));
	ereport(LOG_SERVER_ONLY, (errmsg("%s", change->log), errhidestmt(true),
							  errhidecontext(true)));
}

/* Says it of all changes when the transaction ends in a rollback. */
static void
transaction_ends(XactEvent event, void *unused)
{
	List *ended = changes;
	ListCell *cell;

	if (event == XACT_EVENT_PRE_PREPARE && changes != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that has changed "
						"something in AWS HealthLake"),
				 errdetail("Its rollback in another session could not say "
						   "what stays.")));
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE ||
		event == XACT_EVENT_PARALLEL_PRE_COMMIT)
		return;
	changes = NIL;
	if (event == XACT_EVENT_ABORT)
		foreach (cell, ended)
			warn_of(lfirst(cell), "transaction");
}

/* Does the same for a savepoint, and hands on what it has committed. */
static void
subtransaction_ends(SubXactEvent event, SubTransactionId mine,
					SubTransactionId parent, void *unused)
{
	List *kept = NIL;
	ListCell *cell;
	MemoryContext caller;

	if (changes == NIL ||
		(event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB))
		return;
	caller = MemoryContextSwitchTo(TopTransactionContext);
	foreach (cell, changes)
	{
		Change *change = lfirst(cell);

		if (change->subtransaction == mine && event == SUBXACT_EVENT_ABORT_SUB)
		{
			warn_of(change, "subtransaction");
			continue;
		}
		if (change->subtransaction == mine)
			change->subtransaction = parent;
		kept = lappend(kept, change);
	}
	changes = kept;
	MemoryContextSwitchTo(caller);
}

/* Registers the callbacks. */
void
hl_transaction_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}

/* Remembers a change. */
void
hl_transaction_remember(const char *sentence, const char *log)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	Change *change = palloc(sizeof(Change));

	change->subtransaction = GetCurrentSubTransactionId();
	change->sentence = pstrdup(sentence);
	change->log = pstrdup(log);
	changes = lappend(changes, change);
	MemoryContextSwitchTo(caller);
}
