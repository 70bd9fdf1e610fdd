/*
 * transaction.c
 *	  What a rollback does not undo.
 *
 *	  The callbacks run while the transaction is being aborted: what they say
 *	  is made of strings that are converted beforehand and kept, packed, in the
 *	  transaction's own memory, and nothing here looks at a catalog. An ERROR
 *	  on the way to a commit would be a PANIC, so only the step before PREPARE
 *	  raises one.
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "call/log.h"
#include "call/transaction.h"

/* The strings that may differ from one change to the next, in this order. */
#define STRINGS 4

/* Who has changes made: shared by those that follow each other. */
typedef struct Roles
{
	const char *session_role;
	const char *current_role;
} Roles;

/* One change, and the innermost transaction it still belongs to. */
typedef struct Change
{
	SubTransactionId subtransaction;
	const HlOperation *operation;
	const Roles *roles;
	char packed[FLEXIBLE_ARRAY_MEMBER]; /* see pack() */
} Change;

/*
 * In order of happening; in TopTransactionContext, gone with it. Those of the
 * innermost subtransaction are at the end, next to each other.
 */
static List *changes = NIL;

static bool
are_same(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other
										: strcmp(one, other) == 0;
}

/* The roles of the last change if they are the same, or a copy of these. */
static const Roles *
share_roles(const HlChange *change)
{
	const Roles *last =
		changes != NIL ? ((Change *) llast(changes))->roles : NULL;
	Roles *roles;

	if (last != NULL && are_same(last->session_role, change->session_role) &&
		are_same(last->current_role, change->current_role))
		return last;
	roles = palloc0(sizeof(Roles));
	if (change->session_role != NULL)
		roles->session_role = pstrdup(change->session_role);
	if (change->current_role != NULL)
		roles->current_role = pstrdup(change->current_role);
	return roles;
}

/* What strings take: of each a byte that says whether it is there, and it. */
static Size
packed_size(const char *const *strings)
{
	Size size = STRINGS;

	for (int i = 0; i < STRINGS; i++)
		if (strings[i] != NULL)
			size += strlen(strings[i]) + 1;
	return size;
}

/* Packs them. */
static void
pack(char *to, const char *const *strings)
{
	for (int i = 0; i < STRINGS; i++)
	{
		*to++ = strings[i] != NULL;
		if (strings[i] != NULL)
			to = stpcpy(to, strings[i]) + 1;
	}
}

/* Gives them again. */
static void
unpack(const char *from, const char **strings)
{
	for (int i = 0; i < STRINGS; i++)
	{
		bool there = *from++;

		strings[i] = there ? from : NULL;
		if (there)
			from += strlen(from) + 1;
	}
}

/* A change as it was remembered. */
static HlChange
change_of(const Change *kept)
{
	const char *strings[STRINGS];

	unpack(kept->packed, strings);
	return (HlChange){.operation = kept->operation,
					  .client_token = strings[0],
					  .name = strings[1],
					  .subject = strings[2],
					  .id = strings[3],
					  .session_role = kept->roles->session_role,
					  .current_role = kept->roles->current_role};
}

/* What AWS has carried out, as a sentence without its period. */
static void
append_sentence(StringInfo sentence, const HlChange *change)
{
	const HlOperation *operation = change->operation;
	const char *subject = change->subject;

	if (operation->creates != NULL && change->id != NULL)
		appendStringInfo(sentence, "%s \"%s\" exists", operation->creates,
						 change->id);
	else
		appendStringInfo(sentence, "AWS has carried out %s", operation->name);
	if (subject != NULL)
		appendStringInfo(sentence, " of %s", subject);
	if (subject != NULL && change->id != NULL && strchr(subject, '/') == NULL)
		appendStringInfo(sentence, "/%s", change->id);
	if (change->client_token != NULL)
		appendStringInfo(sentence, " (client token \"%s\")",
						 change->client_token);
}

/* Appends the fields of the log line. */
static void
append_line(StringInfo line, const HlChange *change)
{
	appendStringInfo(line, "healthlake event=rollback operation=%s",
					 change->operation->name);
	hl_log_append(line, "client_token", change->client_token);
	hl_log_append(line, "name", change->name);
	hl_log_append(line, "resource", change->subject);
	hl_log_append(line, "id", change->id);
	hl_log_append(line, "session_role", change->session_role);
	hl_log_append(line, "current_role", change->current_role);
}

/* Reports a change that remains after its rollback. */
static void
warn_of(const Change *kept, const char *undone)
{
	HlChange change = change_of(kept);
	StringInfoData text;

	initStringInfo(&text);
	append_sentence(&text, &change);
	ereport(WARNING_CLIENT_ONLY,
			(errmsg("%s although its %s was rolled back", text.data, undone),
			 errdetail("A rollback does not undo changes in AWS.")));
	resetStringInfo(&text);
	append_line(&text, &change);
	ereport(LOG_SERVER_ONLY, (errmsg_internal("%s", text.data),
							  errhidestmt(true), errhidecontext(true)));
	pfree(text.data);
}

/* Reports all changes from a place in the list on. */
static void
warn_from(List *list, int first, const char *undone)
{
	for (int i = first; i < list_length(list); i++)
		warn_of(list_nth(list, i), undone);
}

/* Forgets the changes; in a rollback reports each of them first. */
static void
transaction_ends(XactEvent event, void *unused)
{
	List *ended = changes;

	if (event == XACT_EVENT_PRE_PREPARE && changes != NIL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot PREPARE a transaction that has changed "
							   "something in AWS HealthLake"),
						errdetail("Its rollback in another session could not "
								  "report what remains in AWS.")));
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE ||
		event == XACT_EVENT_PARALLEL_PRE_COMMIT)
		return;
	changes = NIL;
	if (event == XACT_EVENT_ABORT)
		warn_from(ended, 0, "transaction");
}

/* The first change of the innermost subtransaction. */
static int
first_of(SubTransactionId mine)
{
	int first = list_length(changes);

	while (first > 0 &&
		   ((Change *) list_nth(changes, first - 1))->subtransaction == mine)
		first--;
	return first;
}

/* The same for a savepoint; on release, its changes belong to the parent. */
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

void
hl_transaction_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}

void
hl_transaction_remember(const HlChange *change)
{
	const char *const strings[STRINGS] = {change->client_token, change->name,
										  change->subject, change->id};
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	Change *kept = palloc(offsetof(Change, packed) + packed_size(strings));

	kept->subtransaction = GetCurrentSubTransactionId();
	kept->operation = change->operation;
	kept->roles = share_roles(change);
	pack(kept->packed, strings);
	changes = lappend(changes, kept);
	MemoryContextSwitchTo(caller);
}
