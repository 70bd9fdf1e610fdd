/*
 * audit.c
 *	  What is written of a call, and when.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "api/call.h"
#include "api/error.h"
#include "client/settings.h"
#include "engine/target.h"
#include "client/text.h"
#include "queue/account.h"
#include "queue/audit.h"
#include "queue/enqueue.h"
#include "queue/entry.h"
#include "queue/link.h"

/* Of a call that is under way. */
typedef struct Account
{
	bool durable;
	HlEntryPlace place; /* on: of the row */
	uint64 serial;      /* durable: what the writer knows it by */
} Account;

/* The durable call that is under way; 0: there is none. */
static uint64 open_serial = 0;

/* Says who asks. */
static void
describe_client(HlEntry *entry)
{
	HlClient who = hl_account_client();

	entry->fields[HL_ENTRY_SESSION_ROLE] = who.session_role;
	entry->fields[HL_ENTRY_CURRENT_ROLE] = who.current_role;
	entry->fields[HL_ENTRY_CLIENT_ADDR] = who.address;
	entry->fields[HL_ENTRY_APPLICATION_NAME] = who.application;
}

/* Says what is asked, where. */
static void
describe_request(HlEntry *entry, const HlRequest *request, const HlCall *call)
{
	entry->fields[HL_ENTRY_OPERATION] = request->operation->name;
	entry->fields[HL_ENTRY_KIND] = hl_operation_kind(request->operation);
	entry->fields[HL_ENTRY_REQUEST] = hl_account_request(request);
	entry->fields[HL_ENTRY_CLIENT_TOKEN] =
		hl_text_from_utf8(request->client_token);
	entry->fields[HL_ENTRY_REGION] = call->region;
	entry->fields[HL_ENTRY_ENDPOINT] = hl_target_url(call);
	entry->fields[HL_ENTRY_FENCE] = hl_settings.fence;
	entry->fields[HL_ENTRY_ACCOUNT] = hl_enqueue_account();
}

/* In a word, what became of a call. */
static const char *
state_of(const HlReply *reply, const HlCallEnd *end)
{
	if (end->sqlstate == 0)
		return "succeeded";
	return reply->may_have_run ? "unknown" : "failed";
}

/* Says what every end has. */
static void
describe_end(HlEntry *entry, const HlReply *reply, const HlCallEnd *end)
{
	entry->fields[HL_ENTRY_STATE] = state_of(reply, end);
	if (end->sqlstate != 0)
		entry->fields[HL_ENTRY_SQLSTATE] =
			pstrdup(unpack_sql_state(end->sqlstate));
	entry->fields[HL_ENTRY_CODE] = hl_text_from_utf8(reply->code);
	entry->fields[HL_ENTRY_AWS_REQUEST_ID] =
		hl_text_from_utf8(reply->request_id);
	entry->fields[HL_ENTRY_ATTEMPTS] = psprintf("%d", reply->attempts);
	entry->fields[HL_ENTRY_MICROSECONDS] =
		psprintf(INT64_FORMAT, end->microseconds);
	entry->fields[HL_ENTRY_SENT] = reply->sent ? "t" : NULL;
}

/* Says what a reply says. */
static void
describe_reply(HlEntry *entry, const HlRequest *request, const HlReply *reply)
{
	HlNamed it;

	if (reply->outcome != HL_OUTCOME_SUCCESS)
	{
		entry->fields[HL_ENTRY_MESSAGE] =
			hl_error_message(request->operation, reply);
		return;
	}
	it = hl_account_of_reply(request->operation, reply);
	entry->fields[HL_ENTRY_DATASTORE_ID] = it.datastore_id;
	entry->fields[HL_ENTRY_JOB_ID] = it.job_id;
	entry->fields[HL_ENTRY_ACCOUNT] = it.account;
	entry->fields[HL_ENTRY_RESPONSE] = it.response;
}

/* Begins a row of the caller's transaction. */
static void
insert(const HlStore *store, const HlEntry *entry, HlEntryPlace *place)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	hl_entry_insert(store, entry, 0, place);
	SPI_finish();
}

/* Completes it. */
static void
complete(const HlEntry *entry, const HlEntryPlace *place)
{
	const HlStore *store = hl_store_need();

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (!hl_entry_end(store, entry, place))
		elog(ERROR, "row " INT64_FORMAT " of the audit trail has gone",
			 place->id);
	SPI_finish();
}

/* The transaction, or subtransaction, that the call is part of. */
static char *
transaction_now(void)
{
	return psprintf(UINT64_FORMAT,
					U64FromFullTransactionId(GetCurrentFullTransactionId()));
}

/* Before anything is sent. */
static void *
begins(const HlRequest *request, const HlCall *call)
{
	const HlStore *store =
		hl_settings.audit == HL_AUDIT_OFF ? NULL : hl_store_find();
	HlEntry entry = {0};
	Account *account;

	if (store == NULL)
		return NULL;
	account = palloc0(sizeof(Account));
	account->durable = hl_settings.audit == HL_AUDIT_DURABLE;
	describe_request(&entry, request, call);
	describe_client(&entry);
	if (account->durable)
	{
		entry.fields[HL_ENTRY_TRANSACTION] = transaction_now();
		account->serial = hl_link_begin(store->owner, &entry);
		open_serial = account->serial;
	}
	else
		insert(store, &entry, &account->place);
	return account;
}

/* In the midst of an error: a row of the transaction's goes with that. */
static void
is_interrupted(const Account *account, const HlReply *reply,
			   const HlCallEnd *end)
{
	HlEntry entry = {0};

	if (!account->durable)
		return;
	describe_end(&entry, reply, end);
	entry.fields[HL_ENTRY_MESSAGE] =
		!reply->sent ? "the call was interrupted before anything was sent"
		: reply->may_have_run
			? "the call was interrupted before its outcome was known"
			: "the call was interrupted";
	hl_link_end_at_once(account->serial, &entry);
}

/* When its outcome is as certain as it gets. */
static void
ends(void *opaque, const HlRequest *request, const HlCall *call,
	 const HlCallEnd *end)
{
	const Account *account = opaque;
	HlEntry entry = {0};

	open_serial = 0;
	if (end->interrupted)
	{
		is_interrupted(account, &call->reply, end);
		return;
	}
	describe_end(&entry, &call->reply, end);
	describe_reply(&entry, request, &call->reply);
	if (account->durable)
		hl_link_end(account->serial, &entry);
	else
		complete(&entry, &account->place);
}

/*
 * When a transaction or a part of it is undone: a call that is open then was
 * cut off by an error around it, be it for want of memory.
 */
static void
abandon(void)
{
	HlEntry entry = {0};

	if (open_serial == 0)
		return;
	entry.fields[HL_ENTRY_STATE] = "unknown";
	entry.fields[HL_ENTRY_SQLSTATE] = "38M01";
	entry.fields[HL_ENTRY_MESSAGE] =
		"the call was interrupted before its outcome was recorded";
	entry.fields[HL_ENTRY_ATTEMPTS] = "1";
	entry.fields[HL_ENTRY_SENT] = "t";
	hl_link_end_at_once(open_serial, &entry);
	open_serial = 0;
}

/* When a transaction ends. */
static void
transaction_ends(XactEvent event, void *unused)
{
	if (event == XACT_EVENT_ABORT)
		abandon();
}

/* When a subtransaction ends. */
static void
subtransaction_ends(SubXactEvent event, SubTransactionId mine,
					SubTransactionId parent, void *unused)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		abandon();
}

static const HlCallWitness witness = {begins, ends};

/* Becomes the witness. */
void
hl_audit_init(void)
{
	hl_call_witness = &witness;
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}
