/*
 * transaction.c
 *	  Changes that a rollback does not undo.
 *
 * The callbacks run while the transaction is being aborted: their texts are
 * composed of strings that were converted before and are kept, packed, in the
 * memory of the transaction, and they read no catalog. An ERROR during a
 * commit would be a PANIC, so only the callback before PREPARE raises one.
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "call/log.h"
#include "call/transaction.h"
#include "server/noblock.h"

/* The number of strings that differ between changes, in this order. */
#define STRINGS 4

/* The number of changes of a rollback of which the client is told one by one. */
#define MAX_TOLD 100

/* Roles, shared by consecutive changes. */
typedef struct Roles
{
	const char *session_role;
	const char *current_role;
} Roles;

/* A change, and the innermost subtransaction to which it belongs. */
typedef struct Change
{
	SubTransactionId subtransaction;
	const HlOperation *operation;
	const Roles *roles;
	char packed[FLEXIBLE_ARRAY_MEMBER]; /* see pack() */
} Change;

/*
 * The changes, oldest first, in TopTransactionContext. Those of the innermost
 * subtransaction are consecutive at the end.
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

/*
 * The size of packed strings: for each a byte that tells whether it is NULL,
 * and the string.
 */
static Size
packed_size(const char *const *strings)
{
	Size size = STRINGS;

	for (int i = 0; i < STRINGS; i++)
		if (strings[i] != NULL)
			size += strlen(strings[i]) + 1;
	return size;
}

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

/* Unpacks a change. */
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

/* Appends the change as a sentence without a period. */
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
	/* a type, or a Bundle, of which the id lists what it has changed */
	if (subject != NULL && change->id != NULL && strchr(subject, '/') == NULL)
		appendStringInfo(sentence, "%s%s",
						 strchr(subject, ' ') == NULL ? "/" : ": ", change->id);
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

/* Logs a change that remains after its rollback. */
static void
log_change(const Change *kept)
{
	HlChange change = change_of(kept);
	StringInfoData text;

	initStringInfo(&text);
	append_line(&text, &change);
	ereport(LOG_SERVER_ONLY, (errmsg_internal("%s", text.data),
							  errhidestmt(true), errhidecontext(true)));
	pfree(text.data);
}

/* Reports it to the client. */
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
	pfree(text.data);
}

static void
warn_of_more(int count, const char *undone)
{
	ereport(WARNING_CLIENT_ONLY,
			(errmsg("AWS has carried out %d more changes although their %s was "
					"rolled back",
					count, undone),
			 errdetail("A rollback does not undo changes in AWS."),
			 errhint("The server's log names them.")));
}

/*
 * Reports all changes from a place in the list on: in the log first, since a
 * client that does not read must keep none of them from it. Interrupts are held
 * off, and the locks of the transaction are not released yet.
 */
static void
report_from(List *list, int first, const char *undone)
{
	int end = list_length(list);
	int told = Min(end, first + MAX_TOLD);

	for (int i = first; i < end; i++)
		log_change(list_nth(list, i));
	for (int i = first; i < told && hl_noblock_begin(); i++)
		warn_of(list_nth(list, i), undone);
	if (told < end && hl_noblock_begin())
		warn_of_more(end - told, undone);
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
		report_from(ended, 0, "transaction");
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

/*
 * The same for a savepoint; when it is released, its changes belong to the
 * parent.
 */
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
		report_from(changes, first, "subtransaction");
		changes = list_truncate(changes, first);
	}
}

void
hl_transaction_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}

bool
hl_transaction_is_changed(void)
{
	return changes != NIL;
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
