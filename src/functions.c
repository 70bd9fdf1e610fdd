/*
 * functions.c
 *	  What SQL can call. A typed function of an operation is one line: its
 *	  arguments and its row are found by name in the tables of api/model.c.
 */
#include "postgres.h"

/* Found by name in the library, whatever else is hidden. */
#pragma GCC visibility push(default)

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "api/arguments.h"
#include "api/call.h"
#include "api/last_call.h"
#include "api/once.h"
#include "api/request.h"
#include "api/response.h"
#include "client/text.h"

/* Performs an operation with SQL's arguments and gives its row. */
static Datum
call_with_arguments(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	const char *json = hl_arguments_request(arguments, operation);
	const char *more = hl_arguments_text(arguments, "more");
	const char *region = hl_arguments_text(arguments, "region");
	HlRequest *request = hl_request_make(
		operation, json,
		more == NULL ? NULL : hl_text_to_utf8(more, (int) strlen(more)), true);
	const HlReply *reply = hl_call_perform(request, region);

	return hl_response_row(fcinfo, operation->output, reply->document);
}

/* Performs an operation with a request in jsonb and gives its row. */
static Datum
call_with_jsonb(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	Jsonb *json;
	char *text;
	HlRequest *request;
	const HlReply *reply;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", "request")));
	json = PG_GETARG_JSONB_P(0);
	text = JsonbToCString(NULL, &json->root, VARSIZE(json));
	request = hl_request_make(
		operation, hl_text_to_utf8(text, (int) strlen(text)), NULL, false);
	reply = hl_call_perform(request, NULL);
	return hl_response_row(fcinfo, operation->output, reply->document);
}

typedef Datum (*Form)(FunctionCallInfo fcinfo, const HlOperation *operation);

/* Performs an operation once for all copies of its call in a row. */
static Datum
call_for_row(FunctionCallInfo fcinfo, const char *name, Form form)
{
	const HlOperation *operation = hl_operation_find(name);
	Datum result;

	if (!operation->changes_something)
		return form(fcinfo, operation);
	if (!hl_once_take(fcinfo, &result))
	{
		result = form(fcinfo, operation);
		hl_once_keep(fcinfo, result);
	}
	return result;
}

/* Binds a typed SQL function to its operation. */
#define TYPED(function, operation)                                             \
	PG_FUNCTION_INFO_V1(function);                                             \
	Datum function(PG_FUNCTION_ARGS)                                           \
	{                                                                          \
		return call_for_row(fcinfo, operation, call_with_arguments);           \
	}

/* Binds the form of an operation that takes its request as jsonb. */
#define UNTYPED(function, operation)                                           \
	PG_FUNCTION_INFO_V1(function);                                             \
	Datum function(PG_FUNCTION_ARGS)                                           \
	{                                                                          \
		return call_for_row(fcinfo, operation, call_with_jsonb);               \
	}

TYPED(healthlake_create_datastore, "CreateFHIRDatastore")
UNTYPED(healthlake_create_datastore_jsonb, "CreateFHIRDatastore")

PG_FUNCTION_INFO_V1(healthlake_support);

/* Tells the planner what it may not do with the functions that change. */
Datum
healthlake_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(hl_once_support((Node *) PG_GETARG_POINTER(0)));
}

PG_FUNCTION_INFO_V1(healthlake_last_call);

/* Gives what became of the session's last call. */
Datum
healthlake_last_call(PG_FUNCTION_ARGS)
{
	return hl_last_call_row(fcinfo);
}

#pragma GCC visibility pop
