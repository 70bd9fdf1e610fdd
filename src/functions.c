/*
 * functions.c
 *	  The SQL-callable functions. A typed function of an operation is one line:
 *	  its arguments and its row are found by name in the tables of
 *	  model_tables.c.
 */
#include "postgres.h"

/* Exported, although other symbols are hidden. */
#pragma GCC visibility push(default)

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "audit/home.h"
#include "audit/store.h"
#include "call/call.h"
#include "call/datastore.h"
#include "call/door.h"
#include "call/error.h"
#include "call/grant.h"
#include "call/last_call.h"
#include "call/list.h"
#include "call/many.h"
#include "call/once.h"
#include "call/operations.h"
#include "call/planner.h"
#include "call/poll.h"
#include "call/preview.h"
#include "call/statistics.h"
#include "call/stream.h"
#include "call/untold.h"
#include "call/update.h"
#include "check/check.h"
#include "fhir/bundle.h"
#include "fhir/change.h"
#include "fhir/create.h"
#include "fhir/delete_where.h"
#include "fhir/load.h"
#include "fhir/operation.h"
#include "fhir/operations.h"
#include "fhir/read.h"
#include "fhir/read_many.h"
#include "fhir/search.h"
#include "model/arguments.h"
#include "model/request.h"
#include "model/response.h"
#include "queue/adopt.h"
#include "queue/enqueue.h"
#include "queue/fhir_enqueue.h"
#include "queue/presence.h"
#include "queue/requests.h"
#include "queue/runner.h"
#include "server/text.h"

static Datum
row_of(FunctionCallInfo fcinfo, const HlRequest *request, const char *region)
{
	const HlShape *output = request->operation->output;
	const HlReply *reply = hl_call_perform(request, region);

	if (output->nmembers == 0)
		PG_RETURN_VOID();
	/* an error after a change is reported as one by perform_guarded() */
	if (request->operation->changes_something)
		return hl_response_row(fcinfo, output, reply->document);
	return hl_error_row(request->operation, reply, fcinfo, output,
						reply->document);
}

/* Performs an operation with SQL's arguments after a check. */
static Datum
call_checked(FunctionCallInfo fcinfo, const HlOperation *operation,
			 void (*check)(const HlArguments *, const HlRequest *))
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	HlRequest *request = hl_arguments_make(arguments, operation);

	if (check != NULL)
		check(arguments, request);
	return row_of(fcinfo, request, hl_arguments_text(arguments, "region"));
}

static Datum
call_with_arguments(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	return call_checked(fcinfo, operation, NULL);
}

/* Deletes a data store after its name was confirmed. */
static Datum
delete_confirmed(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	return call_checked(fcinfo, operation, hl_datastore_confirm);
}

/* Updates only the specified properties of a data store. */
static Datum
update_completed(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);

	return row_of(fcinfo, hl_update_make(arguments, operation),
				  hl_arguments_text(arguments, "region"));
}

/* Restores a data store, and warns of properties that are not copied. */
static Datum
restore_compared(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	return call_checked(fcinfo, operation, hl_datastore_compare_source);
}

static Datum
call_with_jsonb(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	HlRequest *request;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", "request")));
	request = hl_request_make(operation,
							  hl_request_text(operation, PG_GETARG_JSONB_P(0)),
							  NULL, false);
	return row_of(fcinfo, request, NULL);
}

typedef Datum (*Form)(FunctionCallInfo fcinfo, const HlOperation *operation);

/* The arguments of perform(): one of the two functions. */
typedef struct Performance
{
	const HlOperation *operation;
	Form form; /* NULL: function is set */
	Datum (*function)(FunctionCallInfo fcinfo);
	bool once;
} Performance;

static Datum
perform_once(FunctionCallInfo fcinfo, const Performance *what)
{
	Datum result;

	if (what->once && hl_once_take(fcinfo, &result))
		return result;
	result = what->form != NULL ? what->form(fcinfo, what->operation)
								: what->function(fcinfo);
	if (what->once)
		hl_once_keep(fcinfo, result);
	return result;
}

/* The same; an error after a change reports the change. */
static Datum
perform_guarded(FunctionCallInfo fcinfo, const Performance *what)
{
	MemoryContext caller = CurrentMemoryContext;
	HlUntold untold;
	Datum result;

	hl_untold_begin(&untold);
	PG_TRY();
	{
		result = perform_once(fcinfo, what);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		hl_untold_end(&untold);
		hl_untold_retell(&untold);
		PG_RE_THROW();
	}
	PG_END_TRY();
	hl_untold_end(&untold);
	return result;
}

static Datum
call_guarded(FunctionCallInfo fcinfo, const HlOperation *operation, Form form)
{
	return perform_guarded(
		fcinfo, &(Performance){.operation = operation, .form = form});
}

/* Performs it once for all copies of the call in a row. */
static Datum
call_operation(FunctionCallInfo fcinfo, const HlOperation *operation, Form form)
{
	return perform_guarded(
		fcinfo,
		&(Performance){.operation = operation, .form = form, .once = true});
}

static Datum
call_for_row(FunctionCallInfo fcinfo, HlOperationName name, Form form)
{
	return call_operation(fcinfo, &hl_operations[name], form);
}

/* The definition of an SQL-callable function whose body is an expression. */
#define FUNCTION(function, expression)                                         \
	PG_FUNCTION_INFO_V1(function);                                             \
	Datum function(PG_FUNCTION_ARGS)                                           \
	{                                                                          \
		return expression;                                                     \
	}

/*
 * Keeps the statement out of the log, whatever is thrown or reported. The
 * errors of src/fhir do not do that themselves. In a function or a DO the
 * CONTEXT has the statement, too; it is still sent to the client.
 */
static void
hide_statement(void *unused)
{
	errhidestmt(true);
	errhidecontext(true);
}

/* The same for statements that may contain a resource or a search. */
#define FHIR_FUNCTION(function, expression)                                    \
	PG_FUNCTION_INFO_V1(function);                                             \
	Datum function(PG_FUNCTION_ARGS)                                           \
	{                                                                          \
		ErrorContextCallback hiding = {.previous = error_context_stack,        \
									   .callback = hide_statement};            \
		Datum result;                                                          \
                                                                               \
		error_context_stack = &hiding;                                         \
		result = expression;                                                   \
		error_context_stack = hiding.previous;                                 \
		return result;                                                         \
	}

/* Binds SQL functions to operations, by the form that the functions have. */
#define TYPED(function, name)                                                  \
	FUNCTION(function, call_for_row(fcinfo, name, call_with_arguments))
#define UNTYPED(function, name)                                                \
	FUNCTION(function, call_for_row(fcinfo, name, call_with_jsonb))
#define LISTED(function, name)                                                 \
	FUNCTION(function, hl_list_next(fcinfo, &hl_operations[name]))
#define STREAMED(function, name)                                               \
	FUNCTION(function,                                                         \
			 call_guarded(fcinfo, &hl_operations[name], hl_stream_next))
#define WAITED(function, name)                                                 \
	FUNCTION(function, call_for_row(fcinfo, name, hl_poll_wait))
#define AWAITED(function, name)                                                \
	FUNCTION(function, hl_poll_await(fcinfo, &hl_operations[name]))

TYPED(healthlake_create_datastore, HL_OPERATION_CREATE_FHIR_DATASTORE)
UNTYPED(healthlake_create_datastore_jsonb, HL_OPERATION_CREATE_FHIR_DATASTORE)
FUNCTION(healthlake_update_datastore,
		 call_for_row(fcinfo, HL_OPERATION_UPDATE_FHIR_DATASTORE,
					  update_completed))
FUNCTION(healthlake_restore_datastore,
		 call_for_row(fcinfo, HL_OPERATION_RESTORE_FHIR_DATASTORE,
					  restore_compared))
FUNCTION(healthlake_delete_datastore,
		 call_for_row(fcinfo, HL_OPERATION_DELETE_FHIR_DATASTORE,
					  delete_confirmed))
FUNCTION(healthlake_ensure_datastore,
		 call_for_row(fcinfo, HL_OPERATION_CREATE_FHIR_DATASTORE,
					  hl_datastore_ensure))
TYPED(healthlake_describe_datastore, HL_OPERATION_DESCRIBE_FHIR_DATASTORE)
LISTED(healthlake_list_datastores, HL_OPERATION_LIST_FHIR_DATASTORES)
TYPED(healthlake_tag_resource, HL_OPERATION_TAG_RESOURCE)
TYPED(healthlake_untag_resource, HL_OPERATION_UNTAG_RESOURCE)
LISTED(healthlake_list_tags, HL_OPERATION_LIST_TAGS_FOR_RESOURCE)
TYPED(healthlake_start_import_job, HL_OPERATION_START_FHIR_IMPORT_JOB)
TYPED(healthlake_describe_import_job, HL_OPERATION_DESCRIBE_FHIR_IMPORT_JOB)
LISTED(healthlake_list_import_jobs, HL_OPERATION_LIST_FHIR_IMPORT_JOBS)
TYPED(healthlake_start_export_job, HL_OPERATION_START_FHIR_EXPORT_JOB)
TYPED(healthlake_describe_export_job, HL_OPERATION_DESCRIBE_FHIR_EXPORT_JOB)
LISTED(healthlake_list_export_jobs, HL_OPERATION_LIST_FHIR_EXPORT_JOBS)
TYPED(healthlake_create_transformation_profile,
	  HL_OPERATION_CREATE_DATA_TRANSFORMATION_PROFILE)
TYPED(healthlake_get_transformation_profile,
	  HL_OPERATION_GET_DATA_TRANSFORMATION_PROFILE)
LISTED(healthlake_list_transformation_profiles,
	   HL_OPERATION_LIST_DATA_TRANSFORMATION_PROFILES)
LISTED(healthlake_list_transformation_profile_versions,
	   HL_OPERATION_LIST_DATA_TRANSFORMATION_PROFILE_VERSIONS)
TYPED(healthlake_publish_transformation_profile,
	  HL_OPERATION_PUBLISH_DATA_TRANSFORMATION_PROFILE)
TYPED(healthlake_update_transformation_profile,
	  HL_OPERATION_UPDATE_DATA_TRANSFORMATION_PROFILE)
STREAMED(healthlake_update_profile_with_agent,
		 HL_OPERATION_UPDATE_PROFILE_WITH_AGENT)
TYPED(healthlake_delete_transformation_profile,
	  HL_OPERATION_DELETE_DATA_TRANSFORMATION_PROFILE)
TYPED(healthlake_start_transformation_job,
	  HL_OPERATION_START_DATA_TRANSFORMATION_JOB)
TYPED(healthlake_describe_transformation_job,
	  HL_OPERATION_DESCRIBE_DATA_TRANSFORMATION_JOB)
LISTED(healthlake_list_transformation_jobs,
	   HL_OPERATION_LIST_DATA_TRANSFORMATION_JOBS)
WAITED(healthlake_wait_datastore, HL_OPERATION_DESCRIBE_FHIR_DATASTORE)
AWAITED(healthlake_await_datastore, HL_OPERATION_DESCRIBE_FHIR_DATASTORE)
WAITED(healthlake_wait_import_job, HL_OPERATION_DESCRIBE_FHIR_IMPORT_JOB)
AWAITED(healthlake_await_import_job, HL_OPERATION_DESCRIBE_FHIR_IMPORT_JOB)
WAITED(healthlake_wait_export_job, HL_OPERATION_DESCRIBE_FHIR_EXPORT_JOB)
AWAITED(healthlake_await_export_job, HL_OPERATION_DESCRIBE_FHIR_EXPORT_JOB)
WAITED(healthlake_wait_transformation_job,
	   HL_OPERATION_DESCRIBE_DATA_TRANSFORMATION_JOB)
AWAITED(healthlake_await_transformation_job,
		HL_OPERATION_DESCRIBE_DATA_TRANSFORMATION_JOB)

PG_FUNCTION_INFO_V1(healthlake_call);

Datum
healthlake_call(PG_FUNCTION_ARGS)
{
	return call_operation(fcinfo, hl_door_enter(fcinfo), hl_door_call);
}

FUNCTION(healthlake_call_many,
		 call_guarded(fcinfo, hl_door_enter(fcinfo), hl_many_call))
FUNCTION(healthlake_describe_datastores,
		 call_guarded(fcinfo,
					  &hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE],
					  hl_many_describe))
FHIR_FUNCTION(healthlake_support, PointerGetDatum(hl_planner_support(
									  (Node *) PG_GETARG_POINTER(0))))
FUNCTION(healthlake_operations, hl_operations_next(fcinfo))
FUNCTION(healthlake_preview, hl_preview_row(fcinfo, hl_door_enter(fcinfo)))
FUNCTION(healthlake_grant, hl_grant(fcinfo))
FUNCTION(healthlake_revoke, hl_grant_revoke(fcinfo))
FUNCTION(healthlake_version, CStringGetTextDatum(HEALTHLAKE_VERSION))
FUNCTION(healthlake_check, hl_check_next(fcinfo))
FUNCTION(healthlake_operation_statistics, hl_statistics_rows(fcinfo))
FUNCTION(healthlake_reset_statistics, hl_statistics_reset(fcinfo))
FUNCTION(healthlake_last_call, hl_last_call_row(fcinfo))

static Datum
fhir_guarded(FunctionCallInfo fcinfo, Datum (*fhir)(FunctionCallInfo fcinfo))
{
	return perform_guarded(fcinfo, &(Performance){.function = fhir});
}

/* Performs it once for all copies of the call in a row. */
static Datum
fhir_for_row(FunctionCallInfo fcinfo, Datum (*fhir)(FunctionCallInfo fcinfo))
{
	return perform_guarded(fcinfo,
						   &(Performance){.function = fhir, .once = true});
}

FHIR_FUNCTION(healthlake_fhir_operations, hl_fhir_operations_next(fcinfo))
FHIR_FUNCTION(healthlake_fhir_read, hl_fhir_read(fcinfo))
FHIR_FUNCTION(healthlake_fhir_read_many, hl_fhir_read_many(fcinfo))
FHIR_FUNCTION(healthlake_fhir_create, fhir_for_row(fcinfo, hl_fhir_create))
FHIR_FUNCTION(healthlake_fhir_search, hl_search_next(fcinfo))
FHIR_FUNCTION(healthlake_fhir_count, hl_search_count(fcinfo))
FHIR_FUNCTION(healthlake_fhir_escape, hl_search_escape(fcinfo))
FHIR_FUNCTION(healthlake_fhir_everything, hl_search_everything_next(fcinfo))
FHIR_FUNCTION(healthlake_fhir_history, hl_search_history_next(fcinfo))
FHIR_FUNCTION(healthlake_fhir_delete_where,
			  fhir_for_row(fcinfo, hl_delete_where))
FHIR_FUNCTION(healthlake_fhir_operation,
			  fhir_for_row(fcinfo, hl_operation_call))
FHIR_FUNCTION(healthlake_fhir_validate, hl_operation_validate_next(fcinfo))
FHIR_FUNCTION(healthlake_fhir_capabilities,
			  hl_operation_capabilities_next(fcinfo))
FHIR_FUNCTION(healthlake_fhir_bundle, fhir_guarded(fcinfo, hl_bundle_call))
FHIR_FUNCTION(healthlake_fhir_load, hl_load_call(fcinfo))
FHIR_FUNCTION(healthlake_fhir_update, fhir_for_row(fcinfo, hl_fhir_update))
FHIR_FUNCTION(healthlake_fhir_update_where,
			  fhir_for_row(fcinfo, hl_fhir_update_where))
FHIR_FUNCTION(healthlake_fhir_patch, fhir_for_row(fcinfo, hl_fhir_patch))
FHIR_FUNCTION(healthlake_fhir_delete, fhir_for_row(fcinfo, hl_fhir_delete))

/* Changes the queue once for all copies of the call in a row. */
static Datum
queue_for_row(FunctionCallInfo fcinfo, Datum (*change)(FunctionCallInfo fcinfo))
{
	return perform_once(fcinfo,
						&(Performance){.function = change, .once = true});
}

FUNCTION(healthlake_enqueue, queue_for_row(fcinfo, hl_enqueue))
FUNCTION(healthlake_enqueue_create_datastore,
		 queue_for_row(fcinfo, hl_enqueue_create_datastore))
FHIR_FUNCTION(healthlake_fhir_enqueue, queue_for_row(fcinfo, hl_fhir_enqueue))
FHIR_FUNCTION(healthlake_fhir_enqueue_create,
			  queue_for_row(fcinfo, hl_fhir_enqueue_create))
FHIR_FUNCTION(healthlake_fhir_enqueue_update,
			  queue_for_row(fcinfo, hl_fhir_enqueue_update))
FHIR_FUNCTION(healthlake_fhir_enqueue_patch,
			  queue_for_row(fcinfo, hl_fhir_enqueue_patch))
FHIR_FUNCTION(healthlake_fhir_enqueue_delete,
			  queue_for_row(fcinfo, hl_fhir_enqueue_delete))
FHIR_FUNCTION(healthlake_fhir_enqueue_bundle,
			  queue_for_row(fcinfo, hl_fhir_enqueue_bundle))
FUNCTION(healthlake_run_queue, hl_runner_call(fcinfo))
FUNCTION(healthlake_cancel_request, queue_for_row(fcinfo, hl_requests_cancel))
FUNCTION(healthlake_retry_request, queue_for_row(fcinfo, hl_requests_retry))
FUNCTION(healthlake_resolve_request, queue_for_row(fcinfo, hl_requests_resolve))
FUNCTION(healthlake_wait_request, hl_requests_wait(fcinfo))
FUNCTION(healthlake_purge_requests, queue_for_row(fcinfo, hl_requests_purge))
FUNCTION(healthlake_adopt_requests, queue_for_row(fcinfo, hl_adopt_requests))
FUNCTION(healthlake_home, hl_home_show(fcinfo))
FUNCTION(healthlake_protect_request, hl_store_protect(fcinfo))
FUNCTION(healthlake_protect_event, hl_store_protect_event(fcinfo))
FUNCTION(healthlake_holds_leases,
		 BoolGetDatum(hl_presence_holds(PG_GETARG_INT64(0))))

#pragma GCC visibility pop
