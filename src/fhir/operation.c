/*
 * operation.c
 *	  FHIR operations by their paths, and the wait for asynchronous ones.
 *
 * A reply of status 202 has the URL of the status, which is polled until it is
 * final. Every error meanwhile has that URL in its CONTEXT, since the
 * operation continues in AWS, and a GET on it resumes the wait.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "aws/link.h"
#include "call/door.h"
#include "call/error.h"
#include "call/poll.h"
#include "call/untold.h"
#include "engine/target.h"
#include "fhir/body.h"
#include "fhir/operation.h"
#include "fhir/parameters.h"
#include "fhir/request.h"
#include "fhir/resource.h"
#include "fhir/result.h"
#include "fhir/types.h"
#include "server/clock.h"
#include "server/text.h"
#include "server/wait.h"

#define HTTP_ACCEPTED 202

/* Operations that only read; any other operation by POST changes something. */
static const char *const reading[] = {"$validate",  "$expand",     "$lookup",
									  "$translate", "$everything", "$document",
									  NULL};
static const char *const deleting[] = {"$purge", "$erase", "$bulk-delete",
									   NULL};

/* Operations that start a job, by any method. */
static const char *const exporting[] = {"$export", "$davinci-data-export",
										NULL};

/*
 * Whether a list contains a name, ignoring case, since servers may ignore it.
 */
static bool
is_among(const char *const *list, const char *name)
{
	for (; name != NULL && *list != NULL; list++)
		if (pg_strcasecmp(*list, name) == 0)
			return true;
	return false;
}

/* A call of the function. */
typedef struct Operation
{
	const HlFhirPlace *place;
	const char *method;
	char *path;           /* below the base of the data store */
	char *query;          /* NULL: none */
	const char *name;     /* with its dollar; NULL: the path of a status */
	Jsonb *body;          /* NULL: none */
	HlFhirName operation; /* the operation of the request */
	int64 deadline;       /* by hl_clock_steady_ms() */
	long interval;        /* milliseconds */
	bool parametrised;    /* the argument "parameters" is not empty */
	const char *status;   /* path and query of the status; NULL: unknown */
	const char *told;     /* the status in messages, without a caller's query */
} Operation;

/* -------------------------------------------------------------------- path */

static void
refuse_path(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid path of an operation: %s", why),
			 errhint("The path is relative to the data store, such as "
					 "Patient/$member-match, or the path of a status.")));
}

/* Splits a path into segments; returns their number. */
static int
split_path(const char *path, char **segments, int most)
{
	char *rest = pstrdup(path);
	int count = 0;

	for (; rest != NULL; count++)
	{
		if (count == most)
			return most + 1;
		segments[count] = strsep(&rest, "/");
	}
	return count;
}

/*
 * Whether a path without an operation is a path of resources. Its type need
 * not be one of FHIR R4, since the server may have more; only "Transaction" is
 * AWS's path of the status of an asynchronous Bundle. A deletion may meet a
 * server that ignores case.
 */
static bool
is_of_resources(const char *method, const char *segment)
{
	size_t len = strspn(segment, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
								 "abcdefghijklmnopqrstuvwxyz");

	if (strcmp(method, "GET") == 0 && strcmp(segment, "Transaction") == 0)
		return false;
	if (strcmp(method, "DELETE") == 0 && hl_fhir_is_listed_as(segment))
		return true;
	return segment[0] >= 'A' && segment[0] <= 'Z' && segment[len] == '\0';
}

/* Finds the operation in a path, and checks the segments before it. */
static void
read_segments(Operation *operation)
{
	char *segments[4];
	int count = split_path(operation->path, segments, 3);
	const char *last = count <= 3 ? segments[count - 1] : "";

	if (last[0] == '$')
	{
		if (count > 1)
			hl_fhir_check_type(segments[0]);
		if (count > 2)
			hl_fhir_check_id(segments[1]);
		operation->name = last;
	}
	else if (strchr(operation->path, '$') != NULL)
		refuse_path("an operation is the last part of it");
	else if (strcmp(operation->method, "POST") == 0)
		refuse_path("it has no operation");
	else if (is_of_resources(operation->method, segments[0]))
		refuse_path("it is that of a resource");
}

/* Splits a link of a caller or a reply into path and query. */
static void
keep_place(const HlLinkBase *base, const char *text, char **path, char **query)
{
	HlLink link = {0};
	HlLinkOutcome outcome = hl_link_read(base, text, &link);
	const char *reason = link.reason;

	*path = outcome == HL_LINK_OK ? hl_text_take(&link.path) : NULL;
	*query = link.query.len > 0 ? hl_text_take(&link.query) : NULL;
	hl_link_free(&link);
	hl_text_refuse_memory(outcome == HL_LINK_NO_MEMORY);
	if (outcome == HL_LINK_REFUSED)
		refuse_path(reason);
}

/* ---------------------------------------------------------------- argument */

static const char *
method_of(const HlArguments *arguments)
{
	static const char *const methods[] = {"POST", "GET", "DELETE"};
	const char *method = hl_fhir_needed(arguments, "method");

	for (size_t i = 0; i < lengthof(methods); i++)
		if (pg_strcasecmp(method, methods[i]) == 0)
			return methods[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must be POST, GET or DELETE", "method")));
}

/* Reads the argument "parameters": the body, or the query of a GET. */
static void
take_parameters(Operation *operation, const HlArguments *arguments)
{
	char *form;
	Datum value;

	if (!hl_arguments_value(arguments, "parameters", &value))
		return;
	operation->parametrised = true;
	if (strcmp(operation->method, "POST") == 0)
	{
		operation->body = DatumGetJsonbP(value);
		return;
	}
	if (strcmp(operation->method, "DELETE") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be null when \"%s\" is DELETE",
						"parameters", "method")));
	form = hl_parameters_form(hl_parameters_read(DatumGetJsonbP(value)), false);
	if (form[0] != '\0')
		operation->query = operation->query == NULL
							   ? form
							   : psprintf("%s&%s", operation->query, form);
}

/*
 * Refuses a query that asks for another method, which some servers heed: the
 * right to the operation is that of its method. The query's names are
 * normalized.
 */
static void
refuse_other_method(const char *query)
{
	static const char name[] = "_method";

	for (; query != NULL; query = strchr(query, '&'))
	{
		query += *query == '&';
		if (pg_strncasecmp(query, name, strlen(name)) == 0 &&
			query[strlen(name)] == '=')
			refuse_path("its query has a method");
	}
}

/* Reads and checks all arguments. */
static void
read_operation(Operation *operation, const HlArguments *arguments)
{
	const char *path = hl_fhir_needed(arguments, "path");
	HlLinkBase base = {.region = "", .datastore_id = ""};

	operation->method = method_of(arguments);
	if (path[0] == '/' || strchr(path, ':') != NULL)
		refuse_path("it must not begin with a slash or have a colon");
	base.target = &(HlTarget){.authority = "", .path = "/"};
	keep_place(&base, hl_text_to_utf8(path, (int) strlen(path)),
			   &operation->path, &operation->query);
	read_segments(operation);
	take_parameters(operation, arguments);
	refuse_other_method(operation->query);
	operation->interval =
		(long) Min(hl_poll_milliseconds(arguments, "poll_interval"), INT_MAX);
	operation->deadline =
		hl_clock_steady_ms() + hl_poll_milliseconds(arguments, "timeout");
}

/* ------------------------------------------------------------------ rights */

/* The functions that stand for a right. */
#define READS "healthlake_fhir_search"
#define WRITES "healthlake_fhir_create"
#define DELETES "healthlake_fhir_delete_where"

/*
 * Whether a path without an operation is that of a job's status, and not one
 * of resources, such as _history, also for a server that ignores case. The
 * status of a Bundle has the answers to its entries.
 */
static bool
is_of_job(const Operation *operation)
{
	const char *path = operation->path;
	char *type = pnstrdup(path, strcspn(path, "/"));

	return operation->name == NULL && strcmp(operation->method, "GET") == 0 &&
		   path[0] >= 'a' && path[0] <= 'z' && type[0] != '\0' &&
		   pg_strcasecmp(type, "Transaction") != 0 &&
		   !hl_fhir_is_listed_as(type);
}

/*
 * Whether a request by DELETE is one to cancel a job, by the path that AWS
 * gives to the status of an export. Any other path may be one of resources, to
 * a server that reads it in its own way.
 */
static bool
cancels(const Operation *operation)
{
	return operation->name == NULL &&
		   strncmp(operation->path, "export/", strlen("export/")) == 0;
}

/* The function on which EXECUTE is required; NULL: that of a search. */
static const char *
right_of(const Operation *operation)
{
	const char *name = operation->name;

	if (is_among(deleting, name))
		return DELETES;
	if (strcmp(operation->method, "DELETE") == 0)
		return cancels(operation) ? WRITES : DELETES;
	if (is_among(exporting, name))
		return WRITES;
	if (strcmp(operation->method, "GET") == 0 || is_among(reading, name))
		return NULL;
	return WRITES;
}

/*
 * Checks the privilege for the operation, and refuses changes in read-only
 * transactions: reading requires the right to search, deleting the right to
 * delete, and anything else the right to write. A job may be awaited by whoever
 * may have started it.
 */
static void
check_right(FunctionCallInfo fcinfo, Operation *operation)
{
	const char *changing = right_of(operation);
	const HlOperation *row;

	operation->operation =
		changing == NULL ? HL_FHIR_QUERY_OPERATION : HL_FHIR_CHANGE_OPERATION;
	row = &hl_fhir_operations[operation->operation];
	if (!is_of_job(operation) ||
		(!hl_door_has(fcinfo, WRITES) && !hl_door_has(fcinfo, DELETES)))
		hl_door_need(fcinfo, row, changing == NULL ? READS : changing);
	hl_call_refuse_change(row);
}

/* -------------------------------------------------------------------- wait */

/* Adds the path of the status to the CONTEXT of an error. */
static void
status_context(void *argument)
{
	const Operation *operation = argument;

	errcontext("waiting for the status at \"%s\"", operation->told);
}

static void
refuse_to_wait(const Operation *operation)
{
	bool linked = strcmp(operation->told, operation->status) == 0;

	ereport(ERROR,
			(errcode(HL_ERRCODE_WAIT_OVER),
			 errmsg("the operation at \"%s\" is still in progress",
					operation->told),
			 linked
				 ? errhint("To continue waiting, call "
						   "healthlake_fhir_operation('%s', method => 'GET').",
						   operation->status)
				 : errhint("To continue waiting, repeat the call.")));
}

/* Whether a later poll may succeed after this failure. */
static bool
may_pass(const HlReply *reply)
{
	return reply->throttled || reply->outcome == HL_OUTCOME_NOT_SENT ||
		   reply->outcome == HL_OUTCOME_LOST ||
		   reply->outcome == HL_OUTCOME_TIMED_OUT ||
		   reply->outcome == HL_OUTCOME_FAULT;
}

/* Polls the status once; returns true, with the reply, when it is final. */
static bool
poll_status(const Operation *operation, const HlReply **reply)
{
	char *path = pstrdup(operation->status);
	char *query = strchr(path, '?');
	HlFhirRequest *request;

	if (query != NULL)
		*query++ = '\0';
	request =
		hl_fhir_request(operation->place, HL_FHIR_QUERY_OPERATION, "GET", path);
	request->rest.query = query;
	request->rest.asked = operation->path;
	request->rest.criteria = operation->query != NULL ? operation->query : "";
	request->request.patience =
		Max(operation->deadline - hl_clock_steady_ms(), 1000);
	*reply = hl_fhir_try(request);
	if ((*reply)->outcome == HL_OUTCOME_SUCCESS)
		return (*reply)->http_status != HTTP_ACCEPTED;
	if (!may_pass(*reply))
		hl_error_raise(request->request.operation, *reply, NULL);
	return false;
}

/* Polls the status until it is final. */
static const HlReply *
wait_for_end(const Operation *operation)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext round = AllocSetContextCreate(caller, "healthlake poll",
												ALLOCSET_DEFAULT_SIZES);
	const HlReply *reply;

	for (;;)
	{
		int64 left = operation->deadline - hl_clock_steady_ms();

		if (left <= 0)
			refuse_to_wait(operation);
		hl_wait_rest((long) Min((int64) operation->interval, left),
					 HL_WAIT_POLL);
		MemoryContextReset(round);
		MemoryContextSwitchTo(round);
		if (poll_status(operation, &reply))
			break;
		MemoryContextSwitchTo(caller);
	}
	MemoryContextSwitchTo(caller);
	return reply;
}

/* Finds the status that a reply links to; false if it does not. */
static bool
find_status(Operation *operation, const HlReply *reply)
{
	const char *location = reply->headers[HL_FHIR_CONTENT_LOCATION];
	HlCall *call;
	HlLinkBase base;
	HlLink link = {0};
	HlLinkOutcome outcome;

	if (reply->http_status != HTTP_ACCEPTED)
		return false;
	if (location == NULL || location[0] == '\0')
	{
		if (operation->name != NULL || operation->parametrised)
			return false;
		operation->told = operation->path;
		operation->status =
			operation->query == NULL
				? operation->path
				: psprintf("%s?%s", operation->path, operation->query);
		return true;
	}
	call = hl_engine_calls(1);
	hl_target_address(call, operation->place->region);
	base = (HlLinkBase){.target = call->target,
						.region = call->region,
						.datastore_id = operation->place->datastore_id};
	outcome = hl_link_read(&base, location, &link);
	hl_text_refuse_memory(outcome == HL_LINK_NO_MEMORY);
	if (outcome == HL_LINK_REFUSED)
		ereport(
			ERROR,
			(errcode(HL_ERRCODE_MALFORMED),
			 errmsg("unusable reply to %s: the link to its status cannot "
					"be followed: %s",
					hl_fhir_operations[operation->operation].name, link.reason),
			 errdetail("AWS has accepted the operation.")));
	operation->status = hl_text_take(&link.path);
	if (link.query.len > 0)
		operation->status =
			psprintf("%s?%s", operation->status, hl_text_take(&link.query));
	operation->told = operation->status;
	return true;
}

/* Waits for an operation that AWS performs asynchronously. */
static const HlReply *
wait_for_status(Operation *operation)
{
	ErrorContextCallback context = {.previous = error_context_stack,
									.callback = status_context,
									.arg = operation};
	const HlReply *reply;

	error_context_stack = &context;
	hl_untold_note_told(); /* the CONTEXT has its status */
	reply = wait_for_end(operation);
	error_context_stack = context.previous;
	return reply;
}

static const HlReply *
send_operation(const Operation *operation)
{
	HlFhirRequest *request =
		hl_fhir_request(operation->place, operation->operation,
						operation->method, operation->path);

	request->rest.query = operation->query;
	if (operation->query != NULL)
		request->rest.parameters = hl_parameters_names(operation->query);
	if (operation->body != NULL)
		hl_fhir_request_body(request, HL_FHIR_JSON,
							 hl_body_json(request->request.operation,
										  operation->body, HL_BODY_MAX_BYTES));
	if (is_among(exporting, operation->name))
		hl_fhir_request_header(request, "Prefer", "respond-async");
	return hl_fhir_perform(request);
}

Datum
hl_operation_call(FunctionCallInfo fcinfo)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	Operation operation = {0};
	const HlReply *reply;
	bool changes;
	bool lost = false;
	Datum result;

	read_operation(&operation, arguments);
	check_right(fcinfo, &operation);
	operation.place = hl_fhir_place(arguments);
	reply = send_operation(&operation);
	if (find_status(&operation, reply))
		reply = wait_for_status(&operation);
	changes = hl_fhir_operations[operation.operation].changes_something;
	result = hl_fhir_result_json(reply->document, &fcinfo->isnull, &lost);
	if (lost && !changes)
		hl_error_refuse(&hl_fhir_operations[operation.operation], reply,
						HL_ERROR_UNFIT);
	hl_fhir_result_warn(lost);
	return result;
}
