/*
 * last_call.c
 *	  The session's last call.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "call/last_call.h"
#include "credentials/credentials.h"
#include "model/response.h"
#include "server/dropped.h"
#include "server/settings.h"
#include "server/text.h"

/* Strings in UTF-8, as they were received, in the record's own memory. */
typedef struct LastCall
{
	MemoryContext memory;
	Oid outer_user; /* the role of SET ROLE, else the login role */
	Oid current_user;
	const char *operation;
	const HlOperation *of;
	const char *client_token;
	const char *request_id;
	const char *outcome;
	int sqlstate;
	const char *reply;
	TimestampTz at;
} LastCall;

static LastCall last_call;
static ProcessUtility_hook_type next_utility = NULL;

static void
last_call_forget(void)
{
	if (last_call.memory != NULL)
		MemoryContextReset(last_call.memory);
	last_call = (LastCall){.memory = last_call.memory};
}

/* Copies a string into the record; NULL stays NULL. */
static const char *
last_call_keep(const char *string)
{
	return string == NULL ? NULL
						  : MemoryContextStrdup(last_call.memory, string);
}

void
hl_last_call_begin(const HlOperation *operation, const char *client_token)
{
	if (last_call.memory == NULL)
		last_call.memory = AllocSetContextCreate(
			TopMemoryContext, "healthlake last call", ALLOCSET_SMALL_SIZES);
	last_call_forget();
	last_call.outer_user = GetOuterUserId();
	last_call.current_user = GetUserId();
	last_call.operation = operation->name;
	last_call.of = operation;
	last_call.client_token = last_call_keep(client_token);
	last_call.at = GetCurrentTimestamp();
}

const char *
hl_last_call_outcome(const HlReply *reply, int sqlstate)
{
	if (reply->may_have_run)
		return "unknown";
	return sqlstate == 0 ? "succeeded" : "failed";
}

/*
 * Whether the bytes of a reply can be kept as they are: no sensitive members,
 * and not composed of events.
 */
static bool
is_its_document(const HlReply *reply)
{
	return reply->outcome == HL_OUTCOME_SUCCESS && !reply->rest &&
		   last_call.of->stream == NULL && reply->body.len > 0 &&
		   reply->body.data[0] == '{' &&
		   !hl_shape_is_sensitive(last_call.of->output);
}

/*
 * Writes the reply's document into the record, as well-formed JSON with
 * sensitive members masked.
 */
static void
last_call_keep_reply(const HlReply *reply)
{
	const HlJson *document = reply->document;
	HlBytes bytes = {0};

	if (is_its_document(reply))
	{
		last_call.reply = last_call_keep(reply->body.data);
		return;
	}
	if (hl_shape_is_sensitive(last_call.of->output))
		hl_response_append_masked(&bytes, last_call.of->output, document);
	else
		hl_json_append_node(&bytes, document);
	if (!bytes.failed)
		last_call.reply = last_call_keep(hl_bytes_string(&bytes));
	hl_bytes_free(&bytes);
}

/*
 * Whether a reply is kept. Of the data plane only OperationOutcomes are:
 * resources may be many and large, and reading them may have to be audited. A
 * failure may also contain a resource.
 */
static bool
is_to_be_kept(const HlReply *reply)
{
	const HlJson *type;

	if (!reply->rest)
		return true;
	if (reply->outcome == HL_OUTCOME_SUCCESS)
		return false;
	type = hl_json_member(reply->document, "resourceType");
	return type == NULL ||
		   strcmp(hl_json_string(type), "OperationOutcome") == 0;
}

void
hl_last_call_end(const HlReply *reply, int sqlstate)
{
	last_call.outcome = hl_last_call_outcome(reply, sqlstate);
	last_call.sqlstate = sqlstate;
	last_call.request_id = last_call_keep(reply->request_id);
	if (reply->document != NULL && is_to_be_kept(reply))
		last_call_keep_reply(reply);
}

/*
 * Whether the role that acts made the call. A function of another role's acts
 * as its owner, to whom the calls of those who use it do not belong.
 */
static bool
is_mine(const LastCall *call)
{
	return call->outer_user == GetUserId() || call->current_user == GetUserId();
}

/* Returns the record to the role that made the call, and nulls to others. */
Datum
hl_last_call_row(FunctionCallInfo fcinfo)
{
	const LastCall *call = &last_call;
	TupleDesc desc;
	Datum values[7] = {0};
	bool nulls[7];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	memset(nulls, true, sizeof(nulls));
	if (call->operation != NULL && is_mine(call))
	{
		const char *texts[] = {call->operation, call->client_token,
							   call->request_id, call->outcome,
							   unpack_sql_state(call->sqlstate)};

		for (int i = 0; i < (int) lengthof(texts); i++)
		{
			nulls[i] = texts[i] == NULL;
			if (!nulls[i])
				values[i] = CStringGetTextDatum(hl_text_from_utf8(texts[i]));
		}
		values[5] = hl_response_jsonb_if_fit(call->reply, &nulls[5]);
		nulls[6] = false;
		values[6] = TimestampTzGetDatum(call->at);
	}
	return HeapTupleGetDatum(
		heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* What a statement of the session does to what this library keeps. */
typedef struct Effect
{
	bool discards;       /* DISCARD ALL */
	bool resets;         /* RESET, RESET ALL, SET TO DEFAULT or DISCARD ALL */
	const char *setting; /* the one that is reset; NULL: all */
} Effect;

/*
 * Reads the effect of a statement. The result has no pointer into it: the code
 * of a DO can free the plan that contains the statement, by DEALLOCATE and
 * ROLLBACK.
 */
static Effect
effect_of(const Node *statement)
{
	const VariableSetStmt *set = (const VariableSetStmt *) statement;
	Effect effect = {0};

	if (IsA(statement, DiscardStmt))
		effect.discards = effect.resets =
			((const DiscardStmt *) statement)->target == DISCARD_ALL;
	else if (IsA(statement, VariableSetStmt) && !set->is_local)
		effect.resets = set->kind == VAR_RESET || set->kind == VAR_RESET_ALL ||
						set->kind == VAR_SET_DEFAULT;
	if (effect.resets && !effect.discards && set->kind != VAR_RESET_ALL)
		effect.setting = pstrdup(set->name);
	return effect;
}

/* Forgets what a session has left, before the next client uses it. */
static void
forget_session(bool had_secrets)
{
	last_call_forget();
	had_secrets |= hl_credentials_forget();
	if (had_secrets)
		hl_engine_forget();
	else
		hl_engine_forget_keys();
}

/* Clears the record at DISCARD ALL, which poolers send between two clients. */
static void
last_call_utility(PlannedStmt *statement, const char *query, bool read_only,
				  ProcessUtilityContext context, ParamListInfo parameters,
				  QueryEnvironment *environment, DestReceiver *destination,
				  QueryCompletion *completion)
{
	ProcessUtility_hook_type next =
		next_utility != NULL ? next_utility : standard_ProcessUtility;
	Effect effect = effect_of(statement->utilityStmt);
	bool had_secrets = false;

	/* otherwise it is refused, and the settings are still needed */
	if (effect.discards && context == PROCESS_UTILITY_TOPLEVEL &&
		!IsTransactionBlock())
		had_secrets = hl_settings_wipe();
	next(statement, query, read_only, context, parameters, environment,
		 destination, completion);
	/* what was passed may be freed now */
	if (effect.resets)
		hl_dropped_forget(effect.setting);
	if (effect.discards)
		forget_session(had_secrets);
}

void
hl_last_call_init(void)
{
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = last_call_utility;
}
