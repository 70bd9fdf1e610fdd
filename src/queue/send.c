/*
 * send.c
 *	  From a claimed row to a call.
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
#include "call/error.h"
#include "engine/target.h"
#include "model/response.h"
#include "queue/plane.h"
#include "queue/safely.h"
#include "queue/send.h"
#include "server/text.h"

/* So many searches in succession may have replies that cannot be used. */
#define MOST_UNUSABLE 15

/* Whether the role that has asked for it may still do so. */
static bool
is_permitted(const HlQueued *queued, const HlStore *store)
{
	Oid role = get_role_oid(queued->role, true);

	return OidIsValid(role) && queued->plane->permits(store, queued->operation,
													  queued->request, role);
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
		hl_json_append_member(&bytes, "DatastoreId", queued->datastore_id);
	hl_json_append_member(&bytes, "JobId", queued->job_id);
	hl_bytes_append_char(&bytes, '}');
	json = hl_text_take(&bytes);
	return hl_request_make(describe, json, NULL, false);
}

/* What is to be sent for the row now; NULL: nothing, for it has its ending. */
static HlRequest *
make_request(HlQueued *queued, const HlStore *store)
{
	HlRequest *request;

	if (queued->looks)
	{
		queued->concluding = true;
		request = queued->plane->look(queued, store);
		queued->concluding = false;
	}
	else if (queued->polls)
		request = make_poll(queued);
	else
		request = queued->plane->make(queued);
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
		call->repeatable = queued->plane->is_repeatable(queued);
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

/*
 * The memory of the next call: a search forgets the page before it, which it
 * has read.
 */
static MemoryContext
call_memory(HlQueued *queued)
{
	if (!queued->looks)
		return queued->memory;
	if (queued->page != NULL)
		MemoryContextDelete(queued->page);
	queued->page = AllocSetContextCreate(queued->memory, "healthlake look",
										 ALLOCSET_SMALL_SIZES);
	return queued->page;
}

/*
 * The later request of the resource that was sent before a retry; NULL: none.
 * When it was retried, whoever enqueued that one may not have committed, or it
 * did not exist, and the retry was committed only after that one was sent. Now
 * it is seen: requests of a resource are claimed one after the other.
 */
static const char *
overtaken_by(const HlQueued *queued, const HlStore *store)
{
	HlParameters parameters = {0};
	const char *id = NULL;
	HlStoreStep step;

	if (!queued->retries || !queued->plane->is_in_turn)
		return NULL;
	hl_store_enter(&step, store);
	hl_store_add(&parameters, Int64GetDatum(queued->id));
	if (hl_store_run(store, HL_STATEMENT_LATER, &parameters) > 0)
		id = hl_store_text(0, "id");
	hl_store_leave(&step);
	return id;
}

/* Refuses what must not be sent any more; returns whether it did. */
static bool
refuse(HlQueued *queued, const HlStore *store)
{
	const char *later;

	if (!is_permitted(queued, store))
	{
		hl_ending_refuse(queued, ERRCODE_INSUFFICIENT_PRIVILEGE,
						 psprintf("role \"%s\" may no longer perform %s",
								  queued->role, queued->operation->name));
		return true;
	}
	later = overtaken_by(queued, store);
	if (later == NULL)
		return false;
	hl_ending_refuse(queued, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					 psprintf("the later request %s of the same resource was "
							  "sent before this retry",
							  later));
	return true;
}

static void
refuse_altered(HlQueued *queued)
{
	hl_ending_refuse(queued, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					 "the request is not what was enqueued");
}

/* Makes the call, or the ending; may throw what the row is to be told. */
static void
make_call(HlQueued *queued, const HlStore *store)
{
	HlCall *call;
	const char *why = NULL;
	bool prepared;

	if (!queued->plane->is_whole(queued))
	{
		refuse_altered(queued);
		return;
	}
	if (!queued->polls && !queued->looks && refuse(queued, store))
		return;
	queued->sent = make_request(queued, store);
	if (queued->sent == NULL)
		return;
	MemoryContextSwitchTo(call_memory(queued));
	call = hl_engine_calls(1);
	prepared = hl_call_prepare(call, queued->sent, queued->region);
	if (prepared)
		limit_attempts(queued, call);
	MemoryContextSwitchTo(queued->memory);
	if (prepared)
	{
		why = strayed(queued, call);
		queued->ending.endpoint = hl_target_url(call);
	}
	if (why != NULL)
	{
		hl_ending_refuse(queued, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, why);
		return;
	}
	call->held = call->held_again = true;
	queued->call = call;
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

/*
 * Whether a search has failed because of what the request, or what was found,
 * contains, so that it would always fail, and nobody could end the request.
 */
static bool
is_of_contents(const HlQueued *queued, int sqlstate)
{
	int category = ERRCODE_TO_CATEGORY(sqlstate);

	/* otherwise the error is the reply */
	return queued->concluding &&
		   (queued->heard == NULL ||
			queued->heard->outcome == HL_OUTCOME_SUCCESS) &&
		   (category == ERRCODE_DATA_EXCEPTION ||
			category == ERRCODE_PROGRAM_LIMIT_EXCEEDED);
}

/*
 * Whether it cannot be expected that a search succeeds some day. A reply that
 * cannot be used may come from something else between here and AWS, or be of a
 * resource that is never usable.
 */
static bool
is_hopeless(const HlQueued *queued, int sqlstate)
{
	return is_of_contents(queued, sqlstate) ||
		   (queued->looks && sqlstate == HL_ERRCODE_MALFORMED &&
			queued->unusable_looks + 1 >= MOST_UNUSABLE);
}

/* Makes an ending of an error that preparing has thrown. */
static void
take_error(HlQueued *queued)
{
	ErrorData *error = hl_safely_take_error(queued->memory);

	queued->call = NULL;
	if (is_hopeless(queued, error->sqlerrcode))
		hl_ending_leave_unknown(
			queued,
			psprintf("outcome of %s is unknown: the search for it failed: %s",
					 queued->operation->name, error->message));
	/* what a setting forbids, or memory, may be there again another time */
	else if (queued->looks || !is_of_request(error->sqlerrcode) ||
			 error->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE)
		hl_ending_put_off(queued, error->sqlerrcode, error->message);
	else
		hl_ending_refuse(queued, error->sqlerrcode, error->message);
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

void
hl_send_prepare(HlQueued *queued, const HlStore *store)
{
	MemoryContext caller = MemoryContextSwitchTo(queued->memory);

	if (queued->operation == NULL)
		hl_ending_refuse(queued, ERRCODE_INVALID_PARAMETER_VALUE,
						 psprintf("operation \"%s\" does not exist",
								  queued->operation_name));
	else if (!queued->intact)
		refuse_altered(queued);
	else
		go_on_safely(queued, store);
	MemoryContextSwitchTo(caller);
}
