/*
 * many.c
 *	  A window that moves over the requests.
 *
 *	  Each call has memory of its own, which goes when its row has been made;
 *	  rows wait for those before them. An error ends all that is under way:
 *	  what of it may have changed something is told in the error's context.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "call/call.h"
#include "call/error.h"
#include "call/many.h"
#include "model/arguments.h"
#include "model/response.h"
#include "server/text.h"

/*
 * Calls that exist at a time: ten thousand would take memory for nothing. How
 * many of them are in flight is the engine's to bound.
 */
#define WINDOW 256

/* A request on its way. */
typedef struct Flight
{
	HlCallRun run;
	MemoryContext memory; /* of the call */
	int index;
} Flight;

typedef struct Many
{
	FunctionCallInfo fcinfo;
	const HlArguments *arguments;
	const char *region;
	bool describes;
	int count;
	HlRequest **requests;
	HeapTuple *rows; /* that wait for those before them */
	int next;        /* to be started */
	int given;
	Flight *flights[WINDOW]; /* that are under way */
	HlCall *calls[WINDOW];   /* theirs */
	int nflights;
	TupleDesc desc;
	Tuplestorestate *store;
} Many;

/* ----------------------------------------------------------------- checks */

/* What is wrong with the requests. */
typedef struct Faults
{
	int count;
	int sqlstate; /* of all, or 22023 */
	StringInfoData lines;
	char *hint; /* of the first that has one */
} Faults;

/* Adds what is wrong with a request. */
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

/* Whether an error is a request's own, and others may be looked at yet. */
static bool
is_fault(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_DATA_EXCEPTION ||
		   sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE;
}

/*
 * Makes a request, or notes what is wrong with it; NULL then. Checking holds
 * nothing that an error would have to give back.
 */
static HlRequest *
check_request(Faults *faults, int ordinal, const HlOperation *operation,
			  const char *json)
{
	MemoryContext caller = CurrentMemoryContext;
	HlRequest *volatile request = NULL;

	PG_TRY();
	{
		request = hl_request_make(operation, json, NULL, false);
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

/* Raises what is wrong, all of it. */
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

/* The JSON of an element of the argument, in UTF-8. */
static const char *
json_of(const Many *many, Datum element)
{
	Jsonb *json;
	char *string;

	if (many->describes)
	{
		string = TextDatumGetCString(element);
		return hl_request_member("DatastoreId",
								 hl_text_to_utf8(string, (int) strlen(string)));
	}
	json = DatumGetJsonbP(element);
	string = JsonbToCString(NULL, &json->root, VARSIZE(json));
	return hl_text_to_utf8(string, (int) strlen(string));
}

/* Takes the elements of the array that the argument of that name is. */
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

/* Makes all requests, before the first is sent. */
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
	many->rows = palloc0(sizeof(HeapTuple) * Max(many->count, 1));
	for (int i = 0; i < many->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			add_fault(&faults, i + 1, &null_fault);
		else
			many->requests[i] = check_request(&faults, i + 1, operation,
											  json_of(many, elements[i]));
	}
	refuse_faults(&faults, operation, many->count);
}

/* ------------------------------------------------------------------- rows */

/* Begins a set of rows, which may go to disk. */
static void
begin_rows(Many *many)
{
	ReturnSetInfo *set = (ReturnSetInfo *) many->fcinfo->resultinfo;
	MemoryContext caller;
	TupleDesc desc;

	if (set == NULL || !IsA(set, ReturnSetInfo) ||
		(set->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot "
						"accept a set")));
	caller = MemoryContextSwitchTo(set->econtext->ecxt_per_query_memory);
	if (get_call_result_type(many->fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	many->desc = CreateTupleDescCopy(desc);
	many->store = tuplestore_begin_heap(
		(set->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	MemoryContextSwitchTo(caller);
	set->returnMode = SFRM_Materialize;
	set->setResult = many->store;
	set->setDesc = many->desc;
}

/* A column that tells of the call. */
static Datum
own_column(const Flight *flight, const char *name, bool *null)
{
	const HlRequest *request = flight->run.request;
	const HlReply *reply = &flight->run.call->reply;
	bool failed = reply->outcome != HL_OUTCOME_SUCCESS;
	const char *text = NULL;

	*null = false;
	if (strcmp(name, "ordinal") == 0)
		return Int32GetDatum(flight->index + 1);
	if (strcmp(name, "attempts") == 0)
		return Int32GetDatum(reply->attempts);
	if (strcmp(name, "response") == 0 && !failed)
		return hl_response_whole(reply->document);
	if (strcmp(name, "client_token") == 0)
		text = hl_text_from_utf8(request->client_token);
	else if (strcmp(name, "aws_request_id") == 0)
		text = hl_text_from_utf8(reply->request_id);
	else if (strcmp(name, "sqlstate") == 0 && failed)
		text = unpack_sql_state(hl_error_sqlstate(reply));
	else if (strcmp(name, "error_code") == 0 && failed)
		text = hl_text_from_utf8(reply->code);
	else if (strcmp(name, "message") == 0 && failed)
		text = hl_error_message(request->operation, reply);
	*null = text == NULL;
	return *null ? (Datum) 0 : CStringGetTextDatum(text);
}

/* Makes the row of a call that has ended. */
static HeapTuple
make_row(const Many *many, const Flight *flight)
{
	const HlReply *reply = &flight->run.call->reply;
	const HlOperation *operation = flight->run.request->operation;
	int natts = many->desc->natts;
	Datum *values = palloc0(sizeof(Datum) * natts);
	bool *nulls = palloc0(sizeof(bool) * natts);

	if (many->describes)
		hl_response_columns(
			many->desc, operation->output,
			reply->outcome == HL_OUTCOME_SUCCESS ? reply->document : NULL,
			values, nulls);
	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(many->desc, i);
		bool last = i >= natts - 2;

		if (!many->describes || i == 0 || last)
			values[i] = own_column(flight, NameStr(column->attname), &nulls[i]);
	}
	return heap_form_tuple(many->desc, values, nulls);
}

/* Gives the rows that wait for none any more. */
static void
give_rows(Many *many)
{
	while (many->given < many->count && many->rows[many->given] != NULL)
	{
		tuplestore_puttuple(many->store, many->rows[many->given]);
		heap_freetuple(many->rows[many->given]);
		many->given++;
	}
}

/* ---------------------------------------------------------------- flights */

/* Takes a call that has ended out of the window. */
static void
land(Many *many, int place)
{
	Flight *flight = many->flights[place];
	MemoryContext caller = MemoryContextSwitchTo(flight->memory);
	HeapTuple row = make_row(many, flight);

	MemoryContextSwitchTo(caller);
	many->rows[flight->index] = heap_copytuple(row);
	many->flights[place] = many->flights[--many->nflights];
	MemoryContextDelete(flight->memory);
	give_rows(many);
}

/* Makes the call of the next request. */
static void
start_next(Many *many)
{
	MemoryContext memory = AllocSetContextCreate(
		CurrentMemoryContext, "healthlake call", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	Flight *flight = palloc0(sizeof(Flight));
	bool settled =
		hl_call_start(&flight->run, many->requests[many->next], many->region);

	flight->run.several = true;
	flight->memory = memory;
	flight->index = many->next++;
	many->flights[many->nflights++] = flight;
	MemoryContextSwitchTo(caller);
	if (!settled)
		land(many, many->nflights - 1);
}

/* Moves all calls on that are under way. */
static void
advance_flights(Many *many)
{
	for (int i = 0; i < many->nflights; i++)
		many->calls[i] = many->flights[i]->run.call;
	(void) hl_engine_step(many->calls, many->nflights, -1);
	for (int i = many->nflights - 1; i >= 0; i--)
	{
		Flight *flight = many->flights[i];
		MemoryContext caller = MemoryContextSwitchTo(flight->memory);
		bool ended = hl_call_advance(&flight->run);

		MemoryContextSwitchTo(caller);
		if (ended)
			land(many, i);
	}
}

/* Makes all calls. */
static void
make_calls(void *argument)
{
	Many *many = argument;

	while (many->given < many->count)
	{
		while (many->next < many->count && many->nflights < WINDOW)
			start_next(many);
		if (many->nflights > 0)
			advance_flights(many);
	}
}

/*
 * Refuses changes in a SELECT list: (f(...)).* would be a call for each column
 * there. Only a function in FROM is asked for its whole set.
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

/* Makes the calls of an array and gives their rows. */
static Datum
perform(FunctionCallInfo fcinfo, const HlOperation *operation, const char *name,
		bool describes)
{
	Many many = {.fcinfo = fcinfo, .describes = describes};

	refuse_copies(fcinfo, operation);
	hl_call_refuse_change(operation);
	begin_rows(&many);
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
