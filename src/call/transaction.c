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

#include "call/transaction.h"

/* One change, and the innermost transaction it still belongs to. */
typedef struct Change
{
	SubTransactionId subtransaction;
	const char *sentence;
	const char *log;
} Change;

/*
 * In order of happening; in TopTransactionContext, gone with it. Those of the
 * innermost subtransaction are at the end, next to each other.
 */
static List *changes = NIL;

/* Says of one change that it stays, though what it belonged to is undone. */
static void
warn_of(const Change *change, const char *undone)
{
	ereport(
		WARNING_CLIENT_ONLY,
		(errmsg("%s although its %s was rolled back", change->sentence, undone),
		 errdetail("What AWS has done is not undone by a rollback.")));
	ereport(LOG_SERVER_ONLY, (errmsg_internal("%s", change->log),
							  errhidestmt(true), errhidecontext(true)));
}

/* Says it of all changes from a place in the list on. */
static void
warn_from(List *list, int first, const char *undone)
{
	for (int i = first; i < list_length(list); i++)
		warn_of(list_nth(list, i), undone);
}

/* Ends the transaction: in a rollback with a warning of each change. */
static void
transaction_ends(XactEvent event, void *unused)
{
	List *ended = changes;

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
		warn_from(ended, 0, "transaction");
}

/* Where the changes of the innermost subtransaction begin in the list. */
static int
first_of(SubTransactionId mine)
{
	int first = list_length(changes);

	while (first > 0 &&
		   ((Change *) list_nth(changes, first - 1))->subtransaction == mine)
		first--;
	return first;
}

/* Does the same for a savepoint, and hands on what it has committed. */
static void
subtransaction_ends(SubXactEvent event, SubTransactionId mine,
					SubTransactionId parent, void *unused)
{
	int first = first_of(mine);

	if (event == SUBXACT_EVENT_COMMIT_SUB)
		for (int i = first; i < list_length(changes); i++)
			((Change *) list_nth(changes, i))->subtransaction = parent;
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		warn_from(changes, first, "subtransaction");
		changes = list_truncate(changes, first);
	}
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
