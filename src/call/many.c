/*
 * many.c
 *	  Many requests of one operation.
 *
 * An error ends all calls in progress; its CONTEXT lists those that may have
 * changed something.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "call/call.h"
#include "call/error.h"
#include "call/many.h"
#include "call/window.h"
#include "model/arguments.h"
#include "model/response.h"
#include "server/rowset.h"
#include "server/text.h"

typedef struct Many
{
	const HlArguments *arguments;
	const char *region;
	bool describes;
	int count;
	HlRequest **requests;
	ReturnSetInfo *set;
} Many;

/* ----------------------------------------------------------------- checks */

/* The faults of all requests. */
typedef struct Faults
{
	int count;
	int sqlstate; /* if all have the same; else 22023 */
	StringInfoData lines;
	char *hint; /* of the first fault that has one */
} Faults;

static void
add_fault(Faults *faults, int ordinal, const ErrorData *error)
{
	if (faults->count++ > 0)
		appendStringInfoChar(&faults->lines, '\n');
	appendStringInfo(&faults->lines, "Request %d: %s", ordinal, error->message);
	if (error->detail != NULL)
		appendStringInfo(&faults->lines, "\n%s", error->detail);
	if (faults->count == 1)
		faults->sqlstate = error->sqlerrcode;
	else if (faults->sqlstate != error->sqlerrcode)
		faults->sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
	if (faults->hint == NULL && error->hint != NULL)
		faults->hint = error->hint;
}

/*
 * Whether an error concerns only its request, so that the others can still be
 * checked.
 */
static bool
is_fault(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_DATA_EXCEPTION ||
		   sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE;
}

/* The JSON of an element of the argument, in UTF-8. */
static const char *
json_of(const Many *many, const HlOperation *operation, Datum element)
{
	char *string;

	if (!many->describes)
		return hl_request_text(operation, DatumGetJsonbP(element));
	string = TextDatumGetCString(element);
	return hl_request_member("DatastoreId",
							 hl_text_to_utf8(string, (int) strlen(string)));
}

/*
 * Makes a request, or records its fault and returns NULL. The code in PG_TRY
 * holds nothing that an error would have to release.
 */
static HlRequest *
check_request(Faults *faults, int ordinal, const HlOperation *operation,
			  const Many *many, Datum element)
{
	MemoryContext caller = CurrentMemoryContext;
	HlRequest *volatile request = NULL;

	PG_TRY();
	{
		request = hl_request_make(operation, json_of(many, operation, element),
								  NULL, false);
	}
	PG_CATCH();
	{
		if (!is_fault(geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		add_fault(faults, ordinal, CopyErrorData());
		FlushErrorState();
	}
	PG_END_TRY();
	return request;
}

/* Raises one error with all faults. */
static void
refuse_faults(const Faults *faults, const HlOperation *operation, int count)
{
	if (faults->count > 0)
		ereport(ERROR, (errcode(faults->sqlstate),
						errmsg("%d of %d requests for %s cannot be sent",
							   faults->count, count, operation->name),
						errdetail("%s", faults->lines.data),
						faults->hint ? errhint("%s", faults->hint) : 0));
}

static void
take_elements(Many *many, const char *name, Datum **elements, bool **nulls)
{
	ArrayType *array;
	Datum value;

	if (!hl_arguments_value(many->arguments, name, &value))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", name)));
	array = DatumGetArrayTypeP(value);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have one dimension", name)));
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
					  elements, nulls, &many->count);
}

/* Makes all requests before the first is sent. */
static void
make_requests(Many *many, const HlOperation *operation, const char *name)
{
	static const ErrorData null_fault = {.sqlerrcode =
											 ERRCODE_NULL_VALUE_NOT_ALLOWED,
										 .message = (char *) "it is null"};
	Faults faults = {0};
	Datum *elements;
	bool *nulls;

	take_elements(many, name, &elements, &nulls);
	initStringInfo(&faults.lines);
	many->requests = palloc(sizeof(HlRequest *) * Max(many->count, 1));
	for (int i = 0; i < many->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			add_fault(&faults, i + 1, &null_fault);
		else
			many->requests[i] =
				check_request(&faults, i + 1, operation, many, elements[i]);
	}
	refuse_faults(&faults, operation, many->count);
}

/* ------------------------------------------------------------------- rows */

/* A row in the making. */
typedef struct Row
{
	const HlRequest *request;
	HlReply *reply;
	int ordinal;
	TupleDesc desc;
	Datum *values;
	bool *nulls;
	Datum response; /* of healthlake_call_many() */
	bool no_response;
} Row;

static Datum
convert_response(const void *argument)
{
	return hl_response_whole(((const Row *) argument)->reply->document);
}

static Datum
convert_columns(const void *argument)
{
	const Row *row = argument;

	hl_response_columns(row->desc, row->request->operation->output,
						row->reply->document, row->values, row->nulls);
	return (Datum) 0;
}

static void
take_columns(Row *row)
{
	bool unfit = false;

	(void) hl_error_try(row->reply, convert_columns, row, &unfit);
	if (unfit)
		memset(row->nulls, true, sizeof(bool) * row->desc->natts);
}

/* The reply to a change that the database cannot hold is null, no failure. */
static void
take_response_of_change(Row *row)
{
	const HlJson *document = row->reply->document;
	int unfit = 0;

	row->response = hl_response_whole_if_fit(document, &unfit);
	row->no_response = unfit != 0;
	if (unfit != 0)
		hl_call_warn_unfit(
			row->request,
			hl_response_id(row->request->operation->output, document));
}

/* Converts a reply; what the database cannot hold is the failure of a read. */
static void
take_reply(const Many *many, Row *row)
{
	memset(row->nulls, true, sizeof(bool) * row->desc->natts);
	row->no_response = true;
	if (row->reply->outcome != HL_OUTCOME_SUCCESS)
		return;
	if (many->describes)
		take_columns(row);
	else if (row->request->operation->changes_something)
		take_response_of_change(row);
	else
		row->response =
			hl_error_try(row->reply, convert_response, row, &row->no_response);
}

/* A column about the call itself. */
static Datum
own_column(const Row *row, const char *name, bool *null)
{
	const HlReply *reply = row->reply;
	bool failed = reply->outcome != HL_OUTCOME_SUCCESS;
	const char *text = NULL;

	*null = false;
	if (strcmp(name, "ordinal") == 0)
		return Int32GetDatum(row->ordinal);
	if (strcmp(name, "attempts") == 0)
		return Int32GetDatum(reply->attempts);
	if (strcmp(name, "response") == 0)
	{
		*null = row->no_response;
		return row->response;
	}
	if (strcmp(name, "client_token") == 0)
		text = hl_text_from_utf8(row->request->client_token);
	else if (strcmp(name, "aws_request_id") == 0)
		text = hl_text_from_utf8(reply->request_id);
	else if (strcmp(name, "sqlstate") == 0 && failed)
		text = unpack_sql_state(hl_error_sqlstate(reply));
	else if (strcmp(name, "error_code") == 0 && failed)
		text = hl_text_from_utf8(reply->code);
	else if (strcmp(name, "message") == 0 && failed)
		text = hl_error_message(row->request->operation, reply);
	*null = text == NULL;
	return *null ? (Datum) 0 : CStringGetTextDatum(text);
}

static HeapTuple
make_row(const Many *many, const HlFlight *flight)
{
	TupleDesc desc = many->set->setDesc;
	int natts = desc->natts;
	Row row = {.request = flight->run.request,
			   .reply = &flight->run.call->reply,
			   .ordinal = flight->index + 1,
			   .desc = desc,
			   .values = palloc0(sizeof(Datum) * natts),
			   .nulls = palloc(sizeof(bool) * natts)};

	take_reply(many, &row);
	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		bool last = i >= natts - 2;

		if (!many->describes || i == 0 || last)
			row.values[i] =
				own_column(&row, NameStr(column->attname), &row.nulls[i]);
	}
	return heap_form_tuple(desc, row.values, row.nulls);
}

/* Adds the row of a call that has ended. */
static void
land(const Many *many, HlWindow *window, HlFlight *flight)
{
	MemoryContext caller = MemoryContextSwitchTo(flight->memory);
	HeapTuple row = make_row(many, flight);

	MemoryContextSwitchTo(caller);
	hl_window_give(window, flight, row);
}

static void
make_calls(void *argument)
{
	const Many *many = argument;
	HlWindow *window = hl_window_open(many->set, many->count);
	HlFlight *flight;

	while (!hl_window_is_over(window))
	{
		while ((flight = hl_window_next(window)) != NULL)
			hl_window_start(flight, many->requests[flight->index],
							many->region);
		hl_window_step(window);
		while ((flight = hl_window_ended(window)) != NULL)
			land(many, window, flight);
	}
}

/*
 * Refuses changes in a SELECT list, where (f(...)).* would be a call for each
 * column. Only for a function in FROM materialize mode is preferred.
 */
static void
refuse_copies(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	const ReturnSetInfo *set = (const ReturnSetInfo *) fcinfo->resultinfo;

	if (operation->changes_something && set != NULL &&
		IsA(set, ReturnSetInfo) &&
		(set->allowedModes & SFRM_Materialize_Preferred) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("healthlake_call_many cannot perform %s in a SELECT "
						"list",
						operation->name),
				 errhint("Call it in FROM: SELECT * FROM "
						 "healthlake_call_many(...).")));
}

static Datum
perform(FunctionCallInfo fcinfo, const HlOperation *operation, const char *name,
		bool describes)
{
	Many many = {.describes = describes};

	refuse_copies(fcinfo, operation);
	hl_call_refuse_change(operation);
	many.set = hl_rowset_begin(fcinfo);
	many.arguments = hl_arguments_read(fcinfo);
	many.region = hl_arguments_text(many.arguments, "region");
	make_requests(&many, operation, name);
	hl_call_watch(make_calls, &many);
	return (Datum) 0;
}

Datum
hl_many_call(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	return perform(fcinfo, operation, "requests", false);
}

Datum
hl_many_describe(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	return perform(fcinfo, operation, "ids", true);
}
