/*
 * call.c
 *	  Performs one operation for SQL.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "portability/instr_time.h"
#include "storage/ipc.h"
#include "utils/elog.h"

#include "aws/validate.h"
#include "base/json.h"
#include "call/ahead.h"
#include "call/call.h"
#include "call/error.h"
#include "call/last_call.h"
#include "call/log.h"
#include "call/portal.h"
#include "call/recent.h"
#include "call/statistics.h"
#include "call/stream.h"
#include "call/transaction.h"
#include "call/untold.h"
#include "engine/target.h"
#include "model/response.h"
#include "server/dropped.h"
#include "server/settings.h"
#include "server/text.h"

/* Before anything is sent. */
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

/* Also makes cursors NO SCROLL, so that none performs the change twice. */
void
hl_call_refuse_change(const HlOperation *operation)
{
	if (operation->changes_something)
		hl_call_refuse_change_by(operation->function);
}

void
hl_call_refuse_change_by(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
	PreventCommandIfParallelMode(function);
	hl_portal_forbid_rerun(function);
}

/* Appends key="value"; the value is UTF-8. */
static void
append_quoted(StringInfo line, const char *key, const char *value)
{
	hl_log_append(line, key, hl_text_from_utf8(value));
}

/*
 * Appends the fields that identify a call and its roles. log_line_prefix has
 * at most the session's role; no escape of it has the current role after SET
 * ROLE.
 */
static void
append_call(StringInfo line, const HlRequest *request, const HlCall *call)
{
	appendStringInfoString(line, " operation=");
	appendStringInfoString(line, request->operation->name);
	append_quoted(line, "client_token", request->client_token);
	append_quoted(line, "name", hl_text_cut(request->name));
	if (request->rest != NULL)
	{
		append_quoted(line, "datastore_id", request->rest->datastore_id);
		append_quoted(line, "resource", request->rest->subject);
	}
	appendStringInfoString(line, " region=");
	appendStringInfoString(line, call->region);
	hl_log_append(line, "session_role", request->session_role);
	hl_log_append(line, "current_role", request->current_role);
	if (request->queue_id != 0)
		appendStringInfo(line, " queue_id=" INT64_FORMAT, request->queue_id);
}

/*
 * The id of the object in a reply; NULL: none. In a FHIR error it would be the
 * id of the OperationOutcome.
 */
static const char *
id_in(const HlRequest *request, const HlReply *reply)
{
	if (request->rest != NULL && reply->outcome != HL_OUTCOME_SUCCESS)
		return NULL;
	return hl_request_id(request, reply->document);
}

/* Appends what was disclosed, if reads are audited. */
static void
append_disclosed(StringInfo line, const HlRequest *request,
				 const HlCallEnd *end)
{
	if (!hl_audit_accounts(request))
		return;
	if (request->rest->parameters != NULL)
		appendStringInfo(line, " parameters=%s", request->rest->parameters);
	if (end->disclosed != NULL)
		appendStringInfo(line, " resources=" INT64_FORMAT,
						 end->disclosed->count);
}

/* Whether the line of a request that only reads is written. */
static bool
is_read_logged(const HlRequest *request)
{
	return hl_audit_accounts(request) &&
		   hl_settings.audit_reads != HL_AUDIT_DURABLE;
}

void
hl_call_log_request(const HlRequest *request, const HlCall *call)
{
	StringInfoData line;

	if (!request->operation->changes_something || !hl_log_is_on())
		return;
	initStringInfo(&line);
	appendStringInfoString(&line, "healthlake event=request");
	append_call(&line, request, call);
	hl_log_write(line.data);
	pfree(line.data);
}

void
hl_call_log_reply(const HlRequest *request, const HlCall *call,
				  const HlCallEnd *end)
{
	const HlReply *reply = &call->reply;
	bool changes = request->operation->changes_something;
	StringInfoData line;

	if ((!changes && !is_read_logged(request)) || !hl_log_is_on())
		return;
	initStringInfo(&line);
	appendStringInfo(&line, "healthlake event=%s outcome=%s sqlstate=%s",
					 changes ? "reply" : "read",
					 hl_last_call_outcome(reply, end->sqlstate),
					 unpack_sql_state(end->sqlstate));
	append_call(&line, request, call);
	append_disclosed(&line, request, end);
	if (changes)
		append_quoted(&line, "id", id_in(request, reply));
	append_quoted(&line, "aws_code", reply->code);
	append_quoted(&line, "request_id", reply->request_id);
	appendStringInfo(
		&line, " http_status=%d attempts=%d duration_ms=" INT64_FORMAT ".%03d",
		reply->http_status, reply->attempts, end->microseconds / 1000,
		(int) (end->microseconds % 1000));
	hl_log_write(line.data);
	pfree(line.data);
}

/*
 * The end of a call: now, unless the call was sent ahead and has ended before.
 */
static HlCallEnd
end_of(int sqlstate, const HlCallRun *run)
{
	instr_time took = run->ended;

	if (INSTR_TIME_IS_ZERO(took))
		INSTR_TIME_SET_CURRENT(took);
	INSTR_TIME_SUBTRACT(took, run->started);
	return (HlCallEnd){.sqlstate = sqlstate,
					   .microseconds = INSTR_TIME_GET_MICROSEC(took)};
}

/*
 * What a call discloses; NULL: it is not accounted for. What was asked counts,
 * whatever the reply has.
 */
static const HlDisclosed *
disclosed_by(const HlRequest *request, const HlReply *reply)
{
	HlDisclosed *disclosed;
	bool shows;

	if (!hl_audit_accounts(request))
		return NULL;
	shows = reply->outcome == HL_OUTCOME_SUCCESS && !request->rest->totals;
	disclosed = palloc(sizeof(HlDisclosed));
	*disclosed = hl_disclosed_read(request, shows ? reply->document : NULL);
	return disclosed;
}

static void
note_last_call(const HlCallRun *run)
{
	hl_last_call_begin(run->request->operation, run->request->client_token);
}

/* The calls in progress; their outcomes are not yet known. */
static dlist_head under_way = DLIST_STATIC_INIT(under_way);

/*
 * The nesting depth of hl_call_watch(): a trigger that runs while the bundles
 * of a load are in flight may make calls.
 */
static int watches = 0;

/* Adds the outcome of a cancelled call to the CONTEXT of the error. */
static void
tell_interrupted(const HlRequest *request, const HlReply *reply)
{
	const char *name = request->operation->name;
	const char *token = request->client_token;

	if (!reply->sent)
		errcontext("HealthLake operation %s, which had not been sent", name);
	else if (!request->operation->changes_something)
		errcontext("HealthLake operation %s", name);
	else if (!reply->may_have_run)
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

/*
 * Adds all calls in progress in a watch to the CONTEXT. Of several calls only
 * those with an unknown outcome are listed; if there are none, one stands for
 * all.
 */
static void
interrupted_context(void *argument)
{
	const int *watch = argument;
	const HlCallRun *any = NULL;
	bool told = false;
	dlist_iter each;

	dlist_foreach(each, &under_way)
	{
		const HlCallRun *run = dlist_container(HlCallRun, node, each.cur);

		if (run->watch != *watch)
			continue;
		any = run;
		if (!run->call->reply.may_have_run)
			continue;
		tell_interrupted(run->request, &run->call->reply);
		told = true;
	}
	if (any != NULL && !told)
		tell_interrupted(any->request, &any->call->reply);
}

/* Logs and records a call that an error with this code interrupts. */
static void
leave_traces(HlCallRun *run, int sqlstate)
{
	const HlRequest *request = run->request;
	HlCall *call = run->call;
	HlCallEnd end = end_of(sqlstate, run);

	end.interrupted = true;
	hl_statistics_count(request->operation, &call->reply, end.microseconds);
	note_last_call(run);
	hl_last_call_end(&call->reply, end.sqlstate);
	hl_recent_end(request, &call->reply);
	hl_call_log_reply(request, call, &end);
	hl_audit_end(run->account, request, call, &end);
}

/*
 * Logs and records all calls in flight in a watch or a nested one. They are
 * taken off the list first: if recording one throws, the memory of the others
 * ends with the error.
 */
static void
leave_all_traces(int watch, int sqlstate)
{
	dlist_head left = DLIST_STATIC_INIT(left);
	dlist_mutable_iter each;

	dlist_foreach_modify(each, &under_way)
	{
		if (dlist_container(HlCallRun, node, each.cur)->watch < watch)
			continue;
		dlist_delete(each.cur);
		dlist_push_tail(&left, each.cur);
	}
	dlist_foreach_modify(each, &left)
		leave_traces(dlist_container(HlCallRun, node, each.cur), sqlstate);
}

/*
 * Called at the end of the session, since PG_CATCH does not see FATAL. The
 * calls are on the stack, or in memory that still exists.
 */
static void
session_ends(int code, Datum unused)
{
	leave_all_traces(0, ERRCODE_ADMIN_SHUTDOWN);
}

static void
note_under_way(HlCallRun *run)
{
	static bool registered = false;

	if (!registered)
		before_shmem_exit(session_ends, (Datum) 0);
	registered = true;
	Assert(watches > 0);
	dlist_push_tail(&under_way, &run->node);
	run->watch = watches;
	run->begun = true;
}

/* Notes a change that may have been made, until the user was told of it. */
static bool
note_change(const HlRequest *request, const HlReply *reply)
{
	return hl_untold_note(request, reply, id_in(request, reply));
}

void
hl_call_warn_unfit(const HlRequest *request, const char *id)
{
	const char *token = request->client_token;

	ereport(WARNING,
			(errmsg("the reply has values that the database cannot hold"),
			 errdetail("AWS has carried out %s%s%s%s%s. The reply is null.",
					   request->operation->name,
					   token != NULL ? ", client token " : "",
					   token != NULL ? hl_text_from_utf8(token) : "",
					   id != NULL ? ", id " : "",
					   id != NULL ? hl_text_from_utf8(id) : ""),
			 errhidecontext(true)));
}

/* A call whose end is to be recorded. */
typedef struct Ended
{
	const HlCallRun *run;
	const HlCallEnd *end;
} Ended;

static void
write_end(const void *argument)
{
	const Ended *ended = argument;
	const HlCallRun *run = ended->run;

	hl_audit_end(run->account, run->request, run->call, ended->end);
}

/* Records the end of a call in the audit trail. */
static void
record(const HlCallRun *run, const HlCallEnd *end, bool changed)
{
	Ended ended = {run, end};

	if (changed && end->sqlstate == 0)
		hl_untold_record(write_end, &ended);
	else
		write_end(&ended);
}

void
hl_call_check_reply(const HlOperation *operation, HlReply *reply)
{
	HlFaults faults = {0};

	if (operation->rest)
		return; /* src/fhir checks those */
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

/* Remembers a change for the WARNING of a rollback. */
static void
remember_change(const HlRequest *request, const HlReply *reply)
{
	const HlOperation *operation = request->operation;
	const char *id = hl_request_id(request, reply->document);
	const char *subject = request->rest != NULL ? request->rest->subject : NULL;
	HlChange change = {.operation = operation,
					   .session_role = request->session_role,
					   .current_role = request->current_role};

	if (!operation->changes_something)
		return;
	change.client_token = hl_text_from_utf8(request->client_token);
	change.name = hl_text_from_utf8(hl_text_cut(request->name));
	change.subject = hl_text_from_utf8(subject);
	change.id = hl_text_from_utf8(id);
	hl_transaction_remember(&change);
}

/* Shortens request_timeout for one call. */
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

/*
 * Whether a request writes one complete resource: PUT Patient/1, POST Patient.
 */
static bool
is_whole(const HlRest *rest)
{
	bool named = strchr(rest->path, '/') != NULL;

	if (strchr(rest->path, '$') != NULL || rest->query != NULL)
		return false;
	return strcmp(rest->method, "PUT") == 0
			   ? named
			   : strcmp(rest->method, "POST") == 0 && !named &&
					 rest->path[0] != '\0';
}

/* Fills in the parts of a request to the data plane. */
static void
fill_rest(HlCall *call, const HlRest *rest)
{
	call->protocol = &hl_fhir;
	call->method = rest->method;
	call->path = psprintf("datastore/%s/r4/%s", rest->datastore_id, rest->path);
	call->query = rest->query;
	call->headers = rest->headers;
	call->nheaders = rest->nheaders;
	call->wanted = rest->wanted;
	call->nwanted = rest->nwanted;
	call->bearer = rest->bearer;
	if (rest->bearer != NULL)
		call->secret = strchr(rest->bearer, ' ') + 1;
	call->repeatable = rest->repeatable;
	call->whole = is_whole(rest);
	call->reply.rest = true;
	call->reply.subject = rest->subject;
}

bool
hl_call_settle(HlCall *call, const HlRequest *request, const char *region,
			   List **notes)
{
	const HlOperation *operation = request->operation;

	call->operation = psprintf("HealthLake.%s", operation->name);
	call->host_prefix = operation->host_prefix;
	call->stream = operation->stream;
	call->body = hl_bytes_string(&request->body);
	call->body_len = request->body.len;
	call->changes = operation->changes_something;
	call->repeatable = operation->idempotent;
	if (request->rest != NULL)
		fill_rest(call, request->rest);
	if (!hl_target_settle(call, region, notes))
		return false;
	if (request->patience > 0)
		shorten(call, request->patience);
	return true;
}

/*
 * Refuses the call of a materialized view that another role refreshes, and the
 * like: what is set for its owner, such as healthlake.audit_reads, is not set
 * in this session.
 */
static void
refuse_restricted(const HlOperation *operation)
{
	if (!InSecurityRestrictedOperation() || GetUserId() == GetOuterUserId())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s cannot be sent within a security-restricted operation "
					"of another role",
					operation->name),
			 errdetail("What is set for role \"%s\", such as "
					   "healthlake.audit_reads, is not set in this session.",
					   GetUserNameFromId(GetUserId(), false)),
			 errhint("Refresh a materialized view as its owner, who logs in "
					 "or is set by SET ROLE.")));
}

/* The checks that no function may bypass: whatever sends passes here. */
void
hl_call_may_send(const HlOperation *operation)
{
	hl_dropped_refuse();
	refuse_restricted(operation);
}

bool
hl_call_prepare(HlCall *call, const HlRequest *request, const char *region)
{
	hl_call_may_send(request->operation);
	return hl_call_settle(call, request, region, NULL);
}

bool
hl_call_start(HlCallRun *run, const HlRequest *request, const char *region)
{
	memset(run, 0, sizeof(*run));
	run->request = request;
	run->call = hl_engine_calls(1);
	run->call->held = true;
	return hl_call_prepare(run->call, request, region);
}

/* Sends a call that has its keys; from now on it may have been sent. */
static void
let_go(HlCallRun *run)
{
	hl_settings_warn_exposed();
	run->account = hl_audit_begin(run->request, run->call);
	INSTR_TIME_SET_CURRENT(run->started);
	if (!run->ahead)
	{
		note_last_call(run);
		hl_call_log_request(run->request, run->call);
		note_under_way(run);
	}
	hl_recent_begin(run->request, run->call);
	run->gone = true;
	hl_engine_go(run->call);
}

bool
hl_ahead_start(HlCallRun *run, const HlRequest *request, const char *region)
{
	HlLimits *limits;

	Assert(!request->operation->changes_something);
	if (!hl_call_start(run, request, region))
		return false;
	/* the caller that needs the reply repeats it, with the usual limits */
	limits = palloc(sizeof(HlLimits));
	*limits = *run->call->limits;
	limits->max_attempts = 1;
	run->call->limits = limits;
	run->ahead = run->several = true;
	(void) hl_engine_step(&run->call, 1, 0);
	if (hl_engine_is_held(run->call))
	{
		let_go(run);
		(void) hl_engine_step(&run->call, 1, 0);
	}
	return true;
}

void
hl_ahead_join(HlCallRun *run)
{
	run->ahead = false;
	/* do not count the time before the reply was needed */
	if (INSTR_TIME_IS_ZERO(run->ended))
		INSTR_TIME_SET_CURRENT(run->started);
	if (run->gone)
		note_under_way(run);
}

void
hl_call_finish(HlCallRun *run)
{
	const HlRequest *request = run->request;
	HlReply *reply = &run->call->reply;
	HlCallEnd end;
	bool changed;

	Assert(run->begun);
	dlist_delete(&run->node);
	changed = note_change(request, reply);
	hl_call_check_reply(request->operation, reply);
	end = end_of(
		reply->outcome == HL_OUTCOME_SUCCESS ? 0 : hl_error_sqlstate(reply),
		run);
	hl_recent_end(request, reply);
	end.disclosed = disclosed_by(request, reply);
	hl_statistics_count(request->operation, reply, end.microseconds);
	if (run->several)
		note_last_call(run);
	hl_last_call_end(reply, end.sqlstate);
	hl_call_log_reply(request, run->call, &end);
	if (reply->outcome == HL_OUTCOME_SUCCESS)
		remember_change(request, reply);
	if (run->account != NULL && end.sqlstate != 0)
		end.message = hl_error_message(request->operation, reply);
	record(run, &end, changed);
}

bool
hl_call_advance(HlCallRun *run)
{
	if (hl_engine_is_held(run->call))
		let_go(run);
	if (!hl_engine_is_done(run->call))
		return false;
	if (run->begun && !run->judged)
		hl_call_finish(run);
	return true;
}

/* Ends, in PG_CATCH, the calls that are in flight in a watch. */
static void
end_interrupted(int watch)
{
	dlist_iter each;

	dlist_foreach(each, &under_way)
	{
		const HlCallRun *run = dlist_container(HlCallRun, node, each.cur);

		if (run->watch >= watch && !hl_untold_is_recording())
			(void) note_change(run->request, &run->call->reply);
	}
	leave_all_traces(watch, geterrcode());
}

void
hl_call_watch(void (*work)(void *), void *argument)
{
	int watch = watches + 1;
	ErrorContextCallback context = {.previous = error_context_stack,
									.callback = interrupted_context,
									.arg = &watch};

	error_context_stack = &context;
	watches = watch;
	PG_TRY();
	{
		work(argument);
	}
	PG_CATCH();
	{
		error_context_stack = context.previous;
		watches = watch - 1;
		end_interrupted(watch);
		PG_RE_THROW();
	}
	PG_END_TRY();
	error_context_stack = context.previous;
	watches = watch - 1;
}

/* Reports the events of a stream to the client, within hl_call_watch(). */
static void
tell_events(HlCall *call)
{
	ErrorContextCallback *watching = error_context_stack;

	/* a NOTICE gets no CONTEXT */
	error_context_stack = watching->previous;
	HOLD_CANCEL_INTERRUPTS(); /* one that comes now gets it afterwards */
	hl_stream_tell(call);
	RESUME_CANCEL_INTERRUPTS();
	error_context_stack = watching;
}

void
hl_call_drive(HlCallRun *run)
{
	do
	{
		(void) hl_engine_step(&run->call, 1, -1);
		if (run->call->stream != NULL)
			tell_events(run->call);
	} while (!hl_call_advance(run));
}

static void
drive(void *argument)
{
	hl_call_drive(argument);
}

const HlReply *
hl_call_try(const HlRequest *request, const char *region)
{
	HlCallRun run;

	hl_call_refuse_change(request->operation);
	if (hl_call_start(&run, request, region))
		hl_call_watch(drive, &run);
	return &run.call->reply;
}

const HlReply *
hl_call_perform(const HlRequest *request, const char *region)
{
	const HlReply *reply = hl_call_try(request, region);

	if (reply->outcome != HL_OUTCOME_SUCCESS)
		hl_error_raise(request->operation, reply, request->client_token);
	return reply;
}
