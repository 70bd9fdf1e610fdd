/*
 * door.c
 *	  Operations by name.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "call/call.h"
#include "call/door.h"
#include "call/error.h"
#include "model/arguments.h"
#include "model/response.h"
#include "server/compat.h"
#include "server/text.h"

/*
 * The extension's functions of a name, with all argument lists. In a schema
 * where other roles can create functions, theirs must not count.
 */
static FuncCandidateList
candidates(Oid extension, Oid schema, const char *function)
{
	List *name = list_make2(makeString(get_namespace_name(schema)),
							makeString(pstrdup(function)));
	FuncCandidateList all = hl_compat_candidates(name);
	FuncCandidateList *link = &all;

	while (*link != NULL)
		if (OidIsValid(extension) &&
			getExtensionOfObject(ProcedureRelationId, (*link)->oid) ==
				extension)
			link = &(*link)->next;
		else
			*link = (*link)->next;
	return all;
}

/* The candidates in the extension of the calling function. */
static FuncCandidateList
candidates_beside(FunctionCallInfo fcinfo, const char *function)
{
	Oid called = fcinfo->flinfo->fn_oid;

	return candidates(getExtensionOfObject(ProcedureRelationId, called),
					  get_func_namespace(called), function);
}

static bool
may_execute(FuncCandidateList function, Oid role)
{
	for (; function != NULL; function = function->next)
		if (hl_compat_may_execute(function->oid, role))
			return true;
	return false;
}

bool
hl_door_lets(Oid extension, Oid schema, const char *function, Oid role)
{
	return may_execute(candidates(extension, schema, function), role);
}

/* The variant of an operation's function that has arguments. */
Oid
hl_door_function(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	FuncCandidateList function = candidates_beside(fcinfo, operation->function);
	Oid found = InvalidOid;
	int most = -1;

	for (; function != NULL; function = function->next)
		if (function->nargs > most)
		{
			found = function->oid;
			most = function->nargs;
		}
	return found;
}

bool
hl_door_has(FunctionCallInfo fcinfo, const char *function)
{
	return may_execute(candidates_beside(fcinfo, function), GetUserId());
}

void
hl_door_need(FunctionCallInfo fcinfo, const HlOperation *operation,
			 const char *function)
{
	if (!hl_door_has(fcinfo, function))
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for operation %s", operation->name),
			 errhint("EXECUTE on function %s is also required.", function)));
}

const HlOperation *
hl_door_enter(FunctionCallInfo fcinfo)
{
	const char *name =
		hl_arguments_text(hl_arguments_read(fcinfo), "operation");
	const HlOperation *operation = name ? hl_operation_find(name) : NULL;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "operation")));
	if (operation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("operation \"%s\" does not exist", hl_text_clip(name)),
				 errhint("healthlake_operations() lists the operations by "
						 "their AWS names, such as CreateFHIRDatastore.")));
	hl_door_need(fcinfo, operation, operation->function);
	return operation;
}

HlRequest *
hl_door_request(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	const char *text =
		hl_arguments_json(hl_arguments_read(fcinfo), "request", operation);

	return hl_request_make(operation, text != NULL ? text : "{}", NULL, false);
}

/* The reply as jsonb; if jsonb cannot store it, a change is not rolled back. */
static Datum
reply_of(FunctionCallInfo fcinfo, const HlRequest *request,
		 const HlReply *reply)
{
	const HlOperation *operation = request->operation;
	const char *id = hl_response_id(operation->output, reply->document);
	int unfit = 0;
	Datum value;

	if (!operation->changes_something)
		return hl_error_whole(operation, reply);
	value = hl_response_whole_if_fit(reply->document, &unfit);
	fcinfo->isnull = unfit != 0;
	if (unfit != 0)
		hl_call_warn_unfit(request, id);
	return value;
}

Datum
hl_door_call(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	HlRequest *request = hl_door_request(fcinfo, operation);
	const HlReply *reply = hl_call_perform(
		request, hl_arguments_text(hl_arguments_read(fcinfo), "region"));

	return reply_of(fcinfo, request, reply);
}
