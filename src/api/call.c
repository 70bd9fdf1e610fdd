/*
 * call.c
 *	  One operation performed for SQL.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "portability/instr_time.h"
#include "storage/ipc.h"
#include "utils/elog.h"

#include "api/call.h"
#include "api/error.h"
#include "api/last_call.h"
#include "api/portal.h"
#include "api/response.h"
#include "api/statistics.h"
#include "api/transaction.h"
#include "aws/json.h"
#include "aws/validate.h"
#include "client/dropped.h"
#include "client/settings.h"
#include "engine/target.h"
#include "client/text.h"

const HlCallWitness *hl_call_witness = NULL;

/* Refuses a CALL that may not commit, before anything is asked. */
void
hl_call_refuse_atomic(FunctionCallInfo fcinfo, const char *what,
					  const char *hint)
{
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("%s cannot be called within a transaction block", what),
				 errhint("%s", hint)));
}

/*
 * Refuses a change where PostgreSQL itself may change nothing, and sees to it
 * that no cursor makes it twice.
 */
void
hl_call_refuse_change(const HlOperation *operation)
{
	if (!operation->changes_something)
		return;
	PreventCommandIfReadOnly(operation->function);
	PreventCommandDuringRecovery(operation->function);
	PreventCommandIfParallelMode(operation->function);
	hl_portal_forbid_rerun(operation->function);
}

/* Appends key="value" with the value as a JSON string: one line, whatever. */
static void
append_quoted(StringInfo line, const char *key, const char *value)
{
	HlBytes bytes = {0};

	if (value == NULL)
		return;
	hl_json_append_string(&bytes, value, strlen(value));
	/* a line without a value is better than an error after the call */
	appendStringInfo(line, " %s=%s", key,
					 bytes.failed ? "\"\""
								  : hl_text_from_utf8(hl_bytes_string(&bytes)));
	hl_bytes_free(&bytes);
}

/* Appends key="name", in the encoding of the database as names are. */
static void
append_name(StringInfo line, const char *key, const char *name)
{
	appendStringInfo(line, " %s=\"", key);
	for (; *name != '\0'; name++)
		if (*name == '"' || *name == '\\')
			appendStringInfo(line, "\\%c", *name);
		else if ((unsigned char) *name < ' ')
			appendStringInfo(line, "\\u%04x", *name);
		else
			appendStringInfoChar(line, *name);
	appendStringInfoChar(line, '"');
}

/*
 * The part of a log line that says who has it done. log_line_prefix has the
 * session's role at most, and nothing has the current one after SET ROLE.
 */
static void
append_roles(StringInfo line, const HlRequest *request)
{
	append_name(line, "session_role", request->session_role);
	append_name(line, "current_role", request->current_role);
}

/* The part of a log line that says which call it speaks of. */
static void
append_call(StringInfo line, const HlRequest *request, const HlCall *call)
{
	appendStringInfo(line, " operation=%s", request->operation->name);
	if (request->client_token != NULL)
		append_quoted(line, "client_token", request->client_token);
	append_quoted(line, "name", hl_text_cut(request->name));
	appendStringInfo(line, " region=%s", call->region);
	append_roles(line, request);
	if (request->queue_id != 0)
		appendStringInfo(line, " queue_id=" INT64_FORMAT, request->queue_id);
}

/* Writes a line to the server's log, and to nobody else. */
static void
write_log(const char *line)
{
	/* ereport() looks for interrupts: none may come between what is told */
	HOLD_INTERRUPTS();
	ereport(LOG_SERVER_ONLY, (errmsg_internal("%s", line), errhidestmt(true),
							  errhidecontext(true)));
	RESUME_INTERRUPTS();
}

/* Logs a change before it is sent. */
void
hl_call_log_request(const HlRequest *request, const HlCall *call)
{
	StringInfoData line;

	if (!request->operation->changes_something)
		return;
	initStringInfo(&line);
	appendStringInfoString(&line, "healthlake event=request");
	append_call(&line, request, call);
	write_log(line.data);
	pfree(line.data);
}

/* Logs what became of a change. */
void
hl_call_log_reply(const HlRequest *request, const HlCall *call,
				  const HlCallEnd *end)
{
	const HlReply *reply = &call->reply;
	StringInfoData line;

	if (!request->operation->changes_something)
		return;
	initStringInfo(&line);
	appendStringInfo(&line, "healthlake event=reply outcome=%s sqlstate=%s",
					 hl_last_call_outcome(reply, end->sqlstate),
					 unpack_sql_state(end->sqlstate));
	append_call(&line, request, call);
	append_quoted(&line, "id",
				  hl_response_id(request->operation->output, reply->document));
	append_quoted(&line, "aws_code", reply->code);
	append_quoted(&line, "request_id", reply->request_id);
	appendStringInfo(&line, " http_status=%d attempts=%d duration_ms=%.3f",
					 reply->http_status, reply->attempts,
					 end->microseconds / 1000.0);
	write_log(line.data);
	pfree(line.data);
}

/* How a call that has ended just now did so. */
static HlCallEnd
end_of(int sqlstate, instr_time started)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, started);
	return (HlCallEnd){.sqlstate = sqlstate,
					   .microseconds = INSTR_TIME_GET_MICROSEC(now)};
}

/* Has an account of a change opened; NULL: nobody keeps any. */
static void *
begin_account(const HlRequest *request, const HlCall *call)
{
	if (hl_call_witness == NULL || !request->operation->changes_something)
		return NULL;
	return hl_call_witness->begins(request, call);
}

/* Has it closed. */
static void
end_account(void *account, const HlRequest *request, const HlCall *call,
			const HlCallEnd *end)
{
	if (account != NULL)
		hl_call_witness->ends(account, request, call, end);
}

/* What a context callback needs to tell of a call that was interrupted. */
typedef struct Interrupted
{
	const HlRequest *request;
	const HlCall *call;
} Interrupted;

/* Tells, in the CONTEXT of a cancel, what became of the call. */
static void
interrupted_context(void *argument)
{
	const Interrupted *interrupted = argument;
	const char *name = interrupted->request->operation->name;
	const char *token = interrupted->request->client_token;

	if (!interrupted->call->reply.sent)
		errcontext("HealthLake operation %s, of which nothing had been sent",
				   name);
	else if (!interrupted->request->operation->changes_something)
		errcontext("HealthLake operation %s", name);
	else if (!interrupted->call->reply.may_have_run)
		errcontext("HealthLake operation %s, which AWS had not carried out",
				   name);
	else if (token == NULL)
		errcontext("HealthLake operation %s, which had been sent: its outcome "
				   "is unknown",
				   name);
	else
		errcontext("HealthLake operation %s with client token \"%s\", which "
				   "had been sent: its outcome is unknown",
				   name, token);
}

/* A call that is under way; request NULL: there is none. */
static struct
{
	const HlRequest *request;
	HlCall *call;
	void *account;
	instr_time started;
} under_way;

/* Leaves the traces of a call that is interrupted by an error of that code. */
static void
leave_traces(int sqlstate)
{
	const HlRequest *request = under_way.request;
	HlCall *call = under_way.call;
	HlCallEnd end = end_of(sqlstate, under_way.started);

	under_way.request = NULL;
	end.interrupted = true;
	hl_statistics_count(request->operation, &call->reply, end.microseconds);
	hl_last_call_end(&call->reply, end.sqlstate);
	hl_call_log_reply(request, call, &end);
	end_account(under_way.account, request, call, &end);
}

/*
 * At the end of the session: PG_CATCH sees no FATAL. The call is on the stack
 * below.
 */
static void
session_ends(int code, Datum unused)
{
	if (under_way.request != NULL)
		leave_traces(ERRCODE_ADMIN_SHUTDOWN);
}

/* Notes that a call is under way. */
static void
note_under_way(HlCall *call, const HlRequest *request, void *account,
			   instr_time started)
{
	static bool registered = false;

	if (!registered)
		before_shmem_exit(session_ends, (Datum) 0);
	registered = true;
	under_way.call = call;
	under_way.account = account;
	under_way.started = started;
	under_way.request = request;
}

/* The last change that this backend may have made: no memory is needed. */
static struct
{
	uint64 count;
	const HlOperation *operation;
	char client_token[129];
	char id[129];
} last_change;

/* Notes that a change may have been made. */
static void
note_change(const HlRequest *request, const HlReply *reply)
{
	const HlOperation *operation = request->operation;
	const char *id = hl_response_id(operation->output, reply->document);
	bool made = reply->may_have_run || reply->outcome == HL_OUTCOME_SUCCESS;

	if (!operation->changes_something || !made)
		return;
	last_change.count++;
	last_change.operation = operation;
	strlcpy(last_change.client_token,
			request->client_token != NULL ? request->client_token : "",
			sizeof(last_change.client_token));
	strlcpy(last_change.id, id != NULL ? id : "", sizeof(last_change.id));
}

uint64
hl_call_changes(void)
{
	return last_change.count;
}

/* Drivers repeat a statement that ended in class 53: not one with a change. */
void
hl_call_retell(uint64 before)
{
	const char *token = last_change.client_token;

	if (last_change.count == before || geterrcode() != ERRCODE_OUT_OF_MEMORY)
		return;
	FlushErrorState();
	ereport(
		ERROR,
		(errcode(HL_ERRCODE_UNKNOWN_OUTCOME),
		 errmsg("outcome of %s is unknown: out of memory",
				last_change.operation->name),
		 errdetail("Operation %s%s%s%s%s. Reason: out of memory (SQLSTATE "
				   "53200).",
				   last_change.operation->name,
				   token[0] != '\0' ? ", client token " : "", token,
				   last_change.id[0] != '\0' ? ", id " : "", last_change.id),
		 errhint("Look up the present state before you repeat the call.")));
}

/* Runs the call; an interrupt leaves its traces before it goes on. */
static void
run_to_its_end(HlCall *call, const HlRequest *request, void *account,
			   instr_time started)
{
	Interrupted interrupted = {request, call};
	ErrorContextCallback context = {.previous = error_context_stack,
									.callback = interrupted_context,
									.arg = &interrupted};

	error_context_stack = &context;
	note_under_way(call, request, account, started);
	PG_TRY();
	{
		hl_engine_run(call, 1);
	}
	PG_CATCH();
	{
		error_context_stack = context.previous;
		note_change(request, &call->reply);
		leave_traces(geterrcode());
		PG_RE_THROW();
	}
	PG_END_TRY();
	under_way.request = NULL;
	error_context_stack = context.previous;
}

/* Turns a success that lacks what it must have into what it is. */
void
hl_call_check_reply(const HlOperation *operation, HlReply *reply)
{
	HlFaults faults = {0};

	if (reply->outcome == HL_OUTCOME_SUCCESS &&
		!hl_validate_reply(&faults, reply->document, operation->output))
	{
		reply->outcome =
			faults.failed ? HL_OUTCOME_NO_MEMORY : HL_OUTCOME_MALFORMED;
		reply->may_have_run = operation->changes_something;
		reply->network =
			faults.failed ? "out of memory" : pstrdup(faults.list[0].text);
	}
	hl_faults_free(&faults);
}

/* Remembers, for a rollback, that a change stays. */
static void
remember_change(const HlRequest *request, const HlReply *reply)
{
	const HlOperation *operation = request->operation;
	const char *id = hl_response_id(operation->output, reply->document);
	StringInfoData sentence;
	StringInfoData line;

	if (!operation->changes_something)
		return;
	initStringInfo(&sentence);
	if (operation->creates != NULL && id != NULL)
		appendStringInfo(&sentence, "%s \"%s\" exists", operation->creates,
						 hl_text_from_utf8(id));
	else
		appendStringInfo(&sentence, "AWS has carried out %s", operation->name);
	if (request->client_token != NULL)
		appendStringInfo(&sentence, " (client token \"%s\")",
						 hl_text_from_utf8(request->client_token));
	initStringInfo(&line);
	appendStringInfo(&line, "healthlake event=rollback operation=%s",
					 operation->name);
	append_quoted(&line, "client_token", request->client_token);
	append_quoted(&line, "name", hl_text_cut(request->name));
	append_quoted(&line, "id", id);
	append_roles(&line, request);
	hl_transaction_remember(sentence.data, line.data);
}

/* Keeps a call to less time than the settings allow it. */
static void
shorten(HlCall *call, int64 patience)
{
	HlLimits *limits = palloc(sizeof(HlLimits));

	*limits = *call->limits;
	limits->max_attempts = (int) Max(Min(patience / limits->request_timeout_ms,
										 (int64) limits->max_attempts),
									 1);
	limits->request_timeout_ms =
		(int) Min(patience, (int64) limits->request_timeout_ms);
	call->limits = limits;
}

/* Makes a call of a request and finds out where it goes. */
bool
hl_call_settle(HlCall *call, const HlRequest *request, const char *region,
			   List **notes)
{
	const HlOperation *operation = request->operation;

	call->operation = psprintf("HealthLake.%s", operation->name);
	call->host_prefix = operation->host_prefix;
	call->body = hl_bytes_string(&request->body);
	call->body_len = request->body.len;
	call->changes = operation->changes_something;
	call->repeatable = operation->idempotent;
	if (!hl_target_settle(call, region, notes))
		return false;
	if (request->patience > 0)
		shorten(call, request->patience);
	return true;
}

/* The same for a call that is to be sent: by every door it comes through here. */
bool
hl_call_prepare(HlCall *call, const HlRequest *request, const char *region)
{
	hl_dropped_refuse();
	return hl_call_settle(call, request, region, NULL);
}

/* Performs an operation, and leaves it to the caller what to make of it. */
const HlReply *
hl_call_try(const HlRequest *request, const char *region)
{
	const HlOperation *operation = request->operation;
	HlCall *call = hl_engine_calls(1);
	HlReply *reply = &call->reply;
	instr_time started;
	void *account;
	HlCallEnd end;

	hl_call_refuse_change(operation);
	if (!hl_call_prepare(call, request, region) || !hl_engine_get_keys(call))
		return reply;
	hl_settings_warn_exposed();

	account = begin_account(request, call);
	INSTR_TIME_SET_CURRENT(started);
	hl_last_call_begin(operation, request->client_token);
	hl_call_log_request(request, call);
	run_to_its_end(call, request, account, started);
	note_change(request, reply);
	hl_call_check_reply(operation, reply);
	end = end_of(
		reply->outcome == HL_OUTCOME_SUCCESS ? 0 : hl_error_sqlstate(reply),
		started);
	hl_statistics_count(operation, reply, end.microseconds);
	hl_last_call_end(reply, end.sqlstate);
	hl_call_log_reply(request, call, &end);
	if (reply->outcome == HL_OUTCOME_SUCCESS)
		remember_change(request, reply);
	end_account(account, request, call, &end);
	return reply;
}

/* Performs an operation that must succeed. */
const HlReply *
hl_call_perform(const HlRequest *request, const char *region)
{
	const HlReply *reply = hl_call_try(request, region);

	if (reply->outcome != HL_OUTCOME_SUCCESS)
		hl_error_raise(request->operation, reply, request->client_token);
	return reply;
}
