/*
 * audit.c
 *	  What is recorded of a call, and when.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "audit/account.h"
#include "audit/audit.h"
#include "audit/event.h"
#include "audit/insert.h"
#include "audit/link.h"
#include "audit/names.h"
#include "audit/registry.h"
#include "engine/target.h"
#include "model/response.h"
#include "server/settings.h"
#include "server/text.h"

/* The audit of a call in progress. */
struct HlAuditAccount
{
	Oid owner;
	int64 id;        /* on: the id of the event; 0: a statement inserts it */
	HlLinkCall call; /* durable: the writer's name of it */
	bool reads;      /* it only reads */
	bool withholds;  /* its reply is withheld until it is recorded */
	HlEvent event;   /* the fields that both events have */
};

/*
 * A durable call whose end was not yet reported to the writer. It is in
 * TopMemoryContext, since the memory of an aborted transaction is gone. So the
 * HlAuditAccount has no pointer to it, and finds it by the serial number of
 * the call.
 */
typedef struct Open
{
	dlist_node node;
	SubTransactionId subtransaction; /* the innermost one of the call */
	HlLinkCall call;
	HlEvent event;
	char *text; /* holds its strings */
} Open;

static dlist_head opens = DLIST_STATIC_INIT(opens);

/* The data store that a request refers to; NULL if it has none. */
static const char *
datastore_of(const char *request)
{
	const HlJson *id;

	/* most requests have none, and need not be parsed */
	if (strstr(request, "\"DatastoreId\"") == NULL)
		return NULL;
	id = hl_json_member(hl_response_read(request), "DatastoreId");
	return hl_json_kind(id) == HL_JSON_STRING
			   ? hl_text_from_utf8(hl_json_string(id))
			   : NULL;
}

/* Describes the request and its target. */
static void
describe_request(HlEvent *event, const HlRequest *request, const HlCall *call)
{
	HlClient who = hl_account_client();

	hl_event_set_client(event, &who);
	event->fields[HL_EVENT_OPERATION] = request->operation->name;
	event->fields[HL_EVENT_KIND] = hl_operation_kind(request->operation);
	event->fields[HL_EVENT_REQUEST] = hl_account_request(request);
	event->fields[HL_EVENT_CLIENT_TOKEN] =
		hl_text_from_utf8(request->client_token);
	event->fields[HL_EVENT_REGION] = call->region;
	event->fields[HL_EVENT_ENDPOINT] = hl_target_url(call);
	event->fields[HL_EVENT_ACCOUNT] = hl_account_of_settings();
	event->fields[HL_EVENT_DATASTORE_ID] =
		request->rest != NULL ? request->rest->datastore_id
							  : datastore_of(event->fields[HL_EVENT_REQUEST]);
}

/* Adds the transaction, if its rollback is to be recorded. */
static void
describe_transaction(HlEvent *event)
{
	event->fields[HL_EVENT_TRANSACTION] = psprintf(
		UINT64_FORMAT, U64FromFullTransactionId(GetCurrentFullTransactionId()));
}

/* Adds what was disclosed. */
static void
describe_disclosed(HlEvent *event, const HlDisclosed *disclosed)
{
	if (disclosed == NULL)
		return;
	event->fields[HL_EVENT_RESOURCE_COUNT] =
		psprintf(INT64_FORMAT, disclosed->count);
	event->fields[HL_EVENT_RESOURCES] = disclosed->resources;
	event->fields[HL_EVENT_PATIENTS] = disclosed->patients;
	if (disclosed->overflow)
		event->fields[HL_EVENT_NOTE] = "the reply was withheld: it names more "
									   "patients than can be recorded";
}

/* Withholds a reply of which not every patient is recorded. */
static void
refuse_overflow(const HlRequest *request, const HlDisclosed *disclosed)
{
	if (disclosed != NULL && disclosed->overflow)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the reply to %s names more than %d patients",
						request->operation->name, HL_NAMES_MOST),
				 errdetail("It is withheld: healthlake.audit_reads requires "
						   "that each is recorded."),
				 errhint("Ask for fewer resources at once.")));
}

/* Adds what every end has. */
static void
describe_end(HlEvent *event, const HlReply *reply, const HlCallEnd *end)
{
	event->fields[HL_EVENT_OUTCOME] = end->sqlstate == 0    ? "succeeded"
									  : reply->may_have_run ? "unknown"
															: "failed";
	event->fields[HL_EVENT_ERROR_CODE] =
		end->sqlstate == 0    ? NULL
		: reply->code != NULL ? hl_text_line(reply->code)
							  : pstrdup(unpack_sql_state(end->sqlstate));
	event->fields[HL_EVENT_AWS_REQUEST_ID] = hl_text_line(reply->request_id);
	event->fields[HL_EVENT_ATTEMPTS] = psprintf("%d", reply->attempts);
	event->fields[HL_EVENT_DURATION] =
		psprintf(INT64_FORMAT " microseconds", end->microseconds);
}

static void
describe_reply(HlEvent *event, const HlRequest *request, const HlReply *reply,
			   const HlCallEnd *end)
{
	HlNamed it;

	if (reply->outcome != HL_OUTCOME_SUCCESS)
	{
		event->fields[HL_EVENT_ERROR_MESSAGE] = end->message;
		return;
	}
	if (request->rest != NULL)
	{
		/* the id of what was created */
		if (request->operation->changes_something)
			event->fields[HL_EVENT_REQUEST] = hl_account_rest(
				request->rest, hl_request_id(request, reply->document));
		return;
	}
	it = hl_account_of_reply(request->operation, reply);
	if (it.datastore_id != NULL)
		event->fields[HL_EVENT_DATASTORE_ID] = it.datastore_id;
	event->fields[HL_EVENT_JOB_ID] = it.job_id;
	if (it.account != NULL)
		event->fields[HL_EVENT_ACCOUNT] = it.account;
}

/* Prepares the statement for an event, or executes it. */
static void
use_statement(const HlStore *store, const HlEvent *event)
{
	HlStoreStep step;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	hl_store_enter(&step, store);
	if (event == NULL)
		hl_event_prepare(store);
	else
		(void) hl_event_add(store, event);
	hl_store_leave(&step);
	SPI_finish();
}

/*
 * Prepares an event in the caller's transaction, so that whatever prevents its
 * insertion is found before anything is sent.
 */
static void
begin_event(HlAuditAccount *account, const HlStore *store)
{
	account->id = hl_insert_begin(store);
	if (account->id == 0)
		use_statement(store, NULL);
}

/* Inserts an event in the caller's transaction. */
static void
write_event(const HlAuditAccount *account)
{
	const HlStore *store = hl_store_need();

	if (account->id == 0 || !hl_insert_add(store, account->id, &account->event))
		use_statement(store, &account->event);
}

/* Called if the session ends while it waits for the writer. */
static void
session_ends(int code, Datum unused)
{
	hl_link_withdraw();
}

/* Called when the session has ended: no writer has to attach to it any more. */
static void
session_is_gone(int code, Datum unused)
{
	hl_registry_withdraw();
}

/*
 * Keeps the data for the end of an interrupted call. A procedure may commit
 * during a call, so it outlives the transaction.
 */
static void
keep_open(HlAuditAccount *account)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	Open *open = palloc0(sizeof(Open));
	StringInfoData text;

	initStringInfo(&text);
	hl_event_write(&text, &account->event);
	hl_event_read(&open->event, text.data, text.len);
	open->text = text.data;
	open->call = account->call;
	open->subtransaction = GetCurrentSubTransactionId();
	dlist_push_tail(&opens, &open->node);
	MemoryContextSwitchTo(caller);
}

/* Frees a call that was removed from the list. */
static void
forget_open(Open *open)
{
	pfree(open->text);
	pfree(open);
}

/* Removes a call that has ended; false if abandon() has recorded its end. */
static bool
close_open(const HlLinkCall *call)
{
	dlist_iter each;

	dlist_foreach(each, &opens)
	{
		Open *open = dlist_container(Open, node, each.cur);

		if (open->call.serial != call->serial)
			continue;
		dlist_delete(&open->node);
		forget_open(open);
		return true;
	}
	return false;
}

/* Waits until the writer has committed that a call is about to be sent. */
static void
begin_durable(HlAuditAccount *account)
{
	static bool registered = false;
	HlEvent sent = account->event;

	if (!registered)
	{
		before_shmem_exit(session_ends, (Datum) 0);
		on_shmem_exit(session_is_gone, (Datum) 0);
	}
	registered = true;

	sent.fields[HL_EVENT_EVENT] = "sent";
	sent.fields[HL_EVENT_ATTEMPTS] = "1";
	account->call = hl_link_begin(account->owner, &sent);
	account->event.fields[HL_EVENT_REQUEST_ID] =
		psprintf(INT64_FORMAT, account->call.id);
	keep_open(account);
}

bool
hl_audit_accounts(const HlRequest *request)
{
	return hl_settings.audit_reads != HL_AUDIT_OFF && request->rest != NULL &&
		   request->rest->discloses;
}

/* How a request is recorded: as a change, as a disclosure, or as both. */
static int
way_of(const HlRequest *request)
{
	int way = request->operation->changes_something ? hl_settings.audit
													: HL_AUDIT_OFF;

	return hl_audit_accounts(request) ? Max(way, hl_settings.audit_reads) : way;
}

/* Refuses a read that cannot be recorded. */
static void
refuse_unrecorded(const HlRequest *request, bool durable)
{
	bool standby = RecoveryInProgress();

	if (standby || (XactReadOnly && !durable))
		ereport(
			ERROR,
			(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
			 errmsg("%s cannot be recorded %s", request->operation->name,
					standby ? "during recovery" : "in a read-only transaction"),
			 errdetail(
				 "Nothing was sent: healthlake.audit_reads requires a row "
				 "in the audit trail."),
			 standby ? errhint("With healthlake.audit_reads = log a line in "
							   "the server's log is enough.")
					 : errhint("With healthlake.audit_reads = durable the row "
							   "is written by another process.")));
}

/*
 * Called before anything is sent. Raises an error if the event could not be
 * inserted later, because of a lock or because the table was altered.
 */
HlAuditAccount *
hl_audit_begin(const HlRequest *request, const HlCall *call)
{
	int way = way_of(request);
	bool durable = way == HL_AUDIT_DURABLE;
	bool reads = !request->operation->changes_something;
	const HlStore *store;
	HlAuditAccount *account;

	if (way < HL_AUDIT_ON)
		return NULL;
	if (reads)
		refuse_unrecorded(request, durable);
	store = durable || reads ? hl_store_need() : hl_store_find();
	if (store == NULL)
		return NULL;
	account = palloc0(sizeof(HlAuditAccount));
	account->owner = store->owner;
	account->reads = reads;
	account->withholds = hl_audit_accounts(request);
	describe_request(&account->event, request, call);
	if (!reads || !durable)
		describe_transaction(&account->event);
	if (durable)
		begin_durable(account);
	else
		begin_event(account, store);
	return account;
}

/*
 * Records an interrupted call, while an error is handled or the session ends.
 */
static void
is_interrupted(const HlAuditAccount *account, const HlReply *reply,
			   const HlCallEnd *end)
{
	HlEvent event = account->event;

	describe_end(&event, reply, end);
	event.fields[HL_EVENT_EVENT] = "interrupted";
	event.fields[HL_EVENT_ERROR_MESSAGE] =
		!reply->sent ? "the call was interrupted before anything was sent"
		: reply->may_have_run
			? "the call was interrupted before its outcome was known"
			: "the call was interrupted";
	hl_link_end_at_once(&account->call, &event);
}

/*
 * Called when the outcome is as certain as possible. In the caller's
 * transaction a failed change is not recorded, since its error would undo the
 * event; a failed read need not raise an error.
 */
void
hl_audit_end(HlAuditAccount *account, const HlRequest *request,
			 const HlCall *call, const HlCallEnd *end)
{
	bool durable;

	if (account == NULL)
		return;
	durable = account->call.serial != 0;
	if (durable && !close_open(&account->call))
		return;
	if (end->interrupted)
	{
		if (durable)
			is_interrupted(account, &call->reply, end);
		return;
	}
	if (!durable && !account->reads && end->sqlstate != 0)
		return;
	account->event.fields[HL_EVENT_EVENT] = "replied";
	describe_end(&account->event, &call->reply, end);
	describe_reply(&account->event, request, &call->reply, end);
	describe_disclosed(&account->event, end->disclosed);
	if (durable)
		hl_link_end(account->owner, &account->call, &account->event,
					account->withholds);
	else
		write_event(account);
	refuse_overflow(request, end->disclosed);
}

/* Records the end of a call that an error interrupted. */
static void
abandon(Open *open)
{
	HlEvent event = open->event;

	dlist_delete(&open->node);
	event.fields[HL_EVENT_EVENT] = "interrupted";
	event.fields[HL_EVENT_OUTCOME] = "unknown";
	event.fields[HL_EVENT_ERROR_CODE] = "38M01";
	event.fields[HL_EVENT_ERROR_MESSAGE] =
		"the call was interrupted before its outcome was recorded";
	event.fields[HL_EVENT_ATTEMPTS] = "1";
	hl_link_end_at_once(&open->call, &event);
	forget_open(open);
}

/*
 * When a transaction is aborted or the session ends, calls that are open were
 * interrupted, for example for lack of memory.
 */
static void
transaction_ends(XactEvent event, void *unused)
{
	if (event != XACT_EVENT_ABORT)
		return;
	while (!dlist_is_empty(&opens))
		abandon(dlist_head_element(Open, node, &opens));
}

/*
 * When a subtransaction ends, calls from outside of it continue: those of a
 * load are in flight while a trigger of the user catches an error.
 */
static void
subtransaction_ends(SubXactEvent event, SubTransactionId mine,
					SubTransactionId parent, void *unused)
{
	dlist_mutable_iter each;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	dlist_foreach_modify(each, &opens)
	{
		Open *open = dlist_container(Open, node, each.cur);

		if (open->subtransaction != mine)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			abandon(open);
		else
			open->subtransaction = parent;
	}
}

void
hl_audit_init(void)
{
	hl_registry_init();
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}
