/*
 * send.c
 *	  Makes a call of a claimed row. Settings, privileges and guard rails may
 *	  have changed since it was enqueued, so all of them are checked again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "audit/account.h"
#include "call/call.h"
#include "call/door.h"
#include "engine/target.h"
#include "model/response.h"
#include "queue/enqueue.h"
#include "queue/fhir_queued.h"
#include "queue/queued.h"
#include "queue/safely.h"
#include "queue/search.h"
#include "server/text.h"

/* Whether a role may have an operation performed. */
bool
hl_queued_permits(const HlStore *store, const HlOperation *operation,
				  const char *request, Oid role)
{
	if (operation->rest)
		return hl_fhir_permits(store, request, role);
	if (hl_door_lets(store->extension, store->schema, operation->function,
					 role))
		return true;
	/* this one is a right to create, as far as it goes by the queue */
	return operation == &hl_operations[HL_OPERATION_CREATE_FHIR_DATASTORE] &&
		   hl_door_lets(store->extension, store->schema,
						"healthlake_enqueue_create_datastore", role);
}

/* Whether the role that has asked for it may still do so. */
static bool
is_permitted(const HlQueued *queued, const HlStore *store)
{
	Oid role = get_role_oid(queued->role, true);

	return OidIsValid(role) &&
		   hl_queued_permits(store, queued->operation, queued->request, role);
}

/* The member of the token as JSON; NULL: the operation has none. */
static char *
token_member(const HlQueued *queued)
{
	const HlMember *member = hl_operation_token(queued->operation);

	if (member == NULL || queued->client_token == NULL)
		return NULL;
	return hl_request_member(member->name, queued->client_token);
}

/* Appends a member with a string in it, where there is a string. */
static void
append_string(HlBytes *bytes, const char *name, const char *value)
{
	if (value == NULL)
		return;
	hl_bytes_format(bytes, "%s\"%s\":", bytes->len > 1 ? "," : "", name);
	hl_json_append_string(bytes, value, strlen(value));
}

/* The request that asks after what the row has made. */
static HlRequest *
make_poll(const HlQueued *queued)
{
	const HlOperation *describe = queued->goal->operation;
	HlBytes bytes = {0};
	char *json;

	hl_bytes_append_char(&bytes, '{');
	if (hl_shape_member(describe->input, "DatastoreId", 11) != NULL)
		append_string(&bytes, "DatastoreId", queued->datastore_id);
	append_string(&bytes, "JobId", queued->job_id);
	hl_bytes_append_char(&bytes, '}');
	json = hl_text_take(&bytes);
	return hl_request_make(describe, json, NULL, false);
}

/* The request that the row holds. */
static HlRequest *
make_sending(const HlQueued *queued)
{
	return hl_request_make(
		queued->operation,
		hl_text_to_utf8(queued->request, (int) strlen(queued->request)),
		token_member(queued), false);
}

/* What is to be sent for the row now; NULL: nothing, for it has its ending. */
static HlRequest *
make_request(HlQueued *queued, const HlStore *store)
{
	HlRequest *request;

	if (queued->looks)
		request = hl_fhir_is_queued(queued) ? hl_fhir_look(queued, store)
											: hl_queued_look(queued, store);
	else if (hl_fhir_is_queued(queued))
		request = hl_fhir_sending(queued);
	else
		request = queued->polls ? make_poll(queued) : make_sending(queued);
	if (request == NULL)
		return NULL;
	request->queue_id = queued->id;
	request->session_role = queued->session_role;
	request->current_role = queued->role;
	return request;
}

/*
 * Keeps the engine to one attempt, as the next one is the row's. A search, of
 * many requests, may try each again.
 */
static void
limit_attempts(const HlQueued *queued, HlCall *call)
{
	HlLimits *limits = palloc(sizeof(HlLimits));

	*limits = *call->limits;
	if (!queued->looks)
		limits->max_attempts = 1;
	call->limits = limits;
	/* libcurl, too, repeats by itself what is not on a fresh connection */
	if (!queued->looks && !queued->polls)
		call->repeatable = hl_queued_is_repeatable(queued);
}

/* Says where it would go, if that is not where it was to go. */
static const char *
strayed(const HlQueued *queued, const HlCall *call)
{
	char *account = hl_account_of_settings();
	char *url = hl_target_url(call);

	if (queued->endpoint != NULL && strcmp(url, queued->endpoint) != 0)
		return psprintf("it was enqueued for endpoint \"%s\", and this server "
						"would send it to \"%s\"",
						queued->endpoint, url);
	if (account != NULL && queued->account != NULL &&
		strcmp(account, queued->account) != 0)
		return psprintf("it was enqueued for AWS account %s, and this server "
						"would send it to account %s",
						queued->account, account);
	return NULL;
}

/* Makes the call, or the ending; may throw what the row is to be told. */
static void
make_call(HlQueued *queued, const HlStore *store)
{
	HlCall *call;
	const char *why = NULL;

	if (!queued->polls && !queued->looks && !is_permitted(queued, store))
	{
		hl_queued_refuse(queued, ERRCODE_INSUFFICIENT_PRIVILEGE,
						 psprintf("role \"%s\" may no longer perform %s",
								  queued->role, queued->operation->name));
		return;
	}
	queued->sent = make_request(queued, store);
	if (queued->sent == NULL)
		return;
	call = hl_engine_calls(1);
	if (hl_call_prepare(call, queued->sent, queued->region))
	{
		limit_attempts(queued, call);
		why = strayed(queued, call);
		queued->ending.endpoint = hl_target_url(call);
	}
	if (why != NULL)
	{
		hl_queued_refuse(queued, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, why);
		return;
	}
	call->held = true;
	queued->call = call;
	if (call->reply.outcome == HL_OUTCOME_NONE)
		return;
	hl_outcome_judge(queued);
	queued->call = NULL;
}

/* Whether an error says something of the request, and not of the server. */
static bool
is_of_request(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_EXTERNAL_ROUTINE_EXCEPTION:
			return true;
		default:
			return false;
	}
}

/* Makes an ending of an error that preparing has thrown. */
static void
take_error(HlQueued *queued)
{
	ErrorData *error;

	MemoryContextSwitchTo(queued->memory);
	error = CopyErrorData();
	if (hl_safely_concerns_process(error))
		PG_RE_THROW();
	FlushErrorState();
	queued->call = NULL;
	/* what a setting forbids, or memory, may be there again another time */
	if (queued->looks || !is_of_request(error->sqlerrcode) ||
		error->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE)
		hl_queued_put_off(queued, error->sqlerrcode, error->message);
	else
		hl_queued_refuse(queued, error->sqlerrcode, error->message);
}

/* Makes the call in a subtransaction, whose abort gives back what is held. */
static void
go_on_safely(HlQueued *queued, const HlStore *store)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(queued->memory);
	PG_TRY();
	{
		make_call(queued, store);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		RollbackAndReleaseCurrentSubTransaction();
		take_error(queued);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
}

/* Prepares a claimed row. */
void
hl_queued_prepare(HlQueued *queued, const HlStore *store)
{
	MemoryContext caller = MemoryContextSwitchTo(queued->memory);

	if (queued->operation == NULL)
		hl_queued_refuse(queued, ERRCODE_INVALID_PARAMETER_VALUE,
						 psprintf("operation \"%s\" does not exist",
								  queued->operation_name));
	else if (!queued->intact)
		hl_queued_refuse(queued, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						 "the request is not what was enqueued");
	else
		go_on_safely(queued, store);
	MemoryContextSwitchTo(caller);
}
