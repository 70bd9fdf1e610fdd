/*
 * read_many.c
 *	  A window that moves over ids. Each read has memory of its own, which goes
 *	  when its row has been made; rows wait for those before them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "call/error.h"
#include "fhir/read.h"
#include "fhir/read_many.h"
#include "fhir/resource.h"
#include "fhir/result.h"
#include "fhir/types.h"
#include "model/response.h"
#include "server/settings.h"
#include "server/text.h"

/* A read on its way. */
typedef struct Reading
{
	HlCallRun run;
	MemoryContext memory; /* of the call */
	int index;
} Reading;

typedef struct Readings
{
	const HlFhirPlace *place;
	const char *type;
	int count;
	char **ids;
	HeapTuple *rows; /* that wait for those before them */
	int next;        /* to be started */
	int given;
	Reading **flights; /* that are under way, at most so many */
	HlCall **calls;    /* theirs */
	int nflights;
	int most;
	TupleDesc desc;
	Tuplestorestate *store;
} Readings;

/* Takes the ids, and refuses those that are none. */
static void
take_ids(Readings *all, const HlArguments *arguments)
{
	ArrayType *array;
	Datum *elements;
	bool *nulls;
	Datum value;

	if (!hl_arguments_value(arguments, "ids", &value))
		(void) hl_fhir_needed(arguments, "ids");
	array = DatumGetArrayTypeP(value);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &all->count);
	all->ids = palloc(sizeof(char *) * Max(all->count, 1));
	all->rows = palloc0(sizeof(HeapTuple) * Max(all->count, 1));
	for (int i = 0; i < all->count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain nulls", "ids"),
					 errhidestmt(true)));
		all->ids[i] = TextDatumGetCString(elements[i]);
		hl_fhir_check_id(all->ids[i]);
	}
}

/* Begins a set of rows, which may go to disk. */
static void
begin_readings(Readings *all, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *set = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller;
	TupleDesc desc;

	if (set == NULL || !IsA(set, ReturnSetInfo) ||
		(set->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot "
						"accept a set")));
	caller = MemoryContextSwitchTo(set->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	all->desc = CreateTupleDescCopy(desc);
	all->store = tuplestore_begin_heap(
		(set->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	MemoryContextSwitchTo(caller);
	set->returnMode = SFRM_Materialize;
	set->setResult = all->store;
	set->setDesc = all->desc;
}

/* Makes a success that is no such resource what it is. */
static void
check_resource(const Readings *all, const char *id, HlReply *reply)
{
	if (reply->outcome != HL_OUTCOME_SUCCESS ||
		hl_fhir_is_it(reply->document, all->type, id, NULL))
		return;
	reply->outcome = HL_OUTCOME_MALFORMED;
	reply->network =
		pstrdup("the reply is not the resource that was asked for");
}

/* Makes the row of a read that has ended. */
static HeapTuple
reading_row(const Readings *all, const Reading *reading)
{
	HlReply *reply = &reading->run.call->reply;
	Datum values[6] = {Int32GetDatum(reading->index + 1),
					   CStringGetTextDatum(all->ids[reading->index]),
					   Int32GetDatum(reply->http_status)};
	bool nulls[6] = {false, false, reply->http_status == 0, true, true, true};
	int unfit = 0;

	check_resource(all, all->ids[reading->index], reply);
	if (reply->outcome == HL_OUTCOME_SUCCESS)
	{
		values[3] = hl_response_whole_if_fit(reply->document, &unfit);
		nulls[3] = unfit != 0;
		if (unfit != 0)
		{
			values[4] = CStringGetTextDatum(unpack_sql_state(unfit));
			values[5] = CStringGetTextDatum("the resource has a value that the "
											"database cannot hold");
		}
		nulls[4] = nulls[5] = unfit == 0;
	}
	else if (!hl_fhir_is_missing(reply, all->type))
	{
		values[4] =
			CStringGetTextDatum(unpack_sql_state(hl_error_sqlstate(reply)));
		values[5] = CStringGetTextDatum(
			hl_error_message(reading->run.request->operation, reply));
		nulls[4] = nulls[5] = false;
	}
	return heap_form_tuple(all->desc, values, nulls);
}

/* Takes a read that has ended out of the window. */
static void
land_reading(Readings *all, int place)
{
	Reading *reading = all->flights[place];
	MemoryContext caller = MemoryContextSwitchTo(reading->memory);
	HeapTuple row = reading_row(all, reading);

	MemoryContextSwitchTo(caller);
	all->rows[reading->index] = heap_copytuple(row);
	all->flights[place] = all->flights[--all->nflights];
	MemoryContextDelete(reading->memory);
	while (all->given < all->count && all->rows[all->given] != NULL)
	{
		tuplestore_puttuple(all->store, all->rows[all->given]);
		heap_freetuple(all->rows[all->given]);
		all->given++;
	}
}

/* Begins the next read. */
static void
start_reading(Readings *all)
{
	MemoryContext memory = AllocSetContextCreate(
		CurrentMemoryContext, "healthlake call", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	Reading *reading = palloc0(sizeof(Reading));
	const HlFhirRequest *request =
		hl_fhir_read_request(all->place, all->type, all->ids[all->next], NULL);
	bool settled =
		hl_call_start(&reading->run, &request->request, request->region);

	reading->run.several = true;
	reading->memory = memory;
	reading->index = all->next++;
	all->flights[all->nflights++] = reading;
	MemoryContextSwitchTo(caller);
	if (!settled)
		land_reading(all, all->nflights - 1);
}

/* Moves all reads on that are under way. */
static void
advance_readings(Readings *all)
{
	for (int i = 0; i < all->nflights; i++)
		all->calls[i] = all->flights[i]->run.call;
	(void) hl_engine_step(all->calls, all->nflights, -1);
	for (int i = all->nflights - 1; i >= 0; i--)
	{
		Reading *reading = all->flights[i];
		MemoryContext caller = MemoryContextSwitchTo(reading->memory);
		bool ended = hl_call_advance(&reading->run);

		MemoryContextSwitchTo(caller);
		if (ended)
			land_reading(all, i);
	}
}

/* Makes all reads. */
static void
read_all(void *argument)
{
	Readings *all = argument;

	while (all->given < all->count)
	{
		while (all->next < all->count && all->nflights < all->most)
			start_reading(all);
		if (all->nflights > 0)
			advance_readings(all);
	}
}

Datum
hl_fhir_read_many(FunctionCallInfo fcinfo)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	Readings all = {.place = hl_fhir_place(arguments),
					.most = hl_settings.max_concurrency};

	all.type = hl_fhir_needed(arguments, "type");
	hl_fhir_check_type(all.type);
	take_ids(&all, arguments);
	begin_readings(&all, fcinfo);
	all.flights = palloc(sizeof(Reading *) * all.most);
	all.calls = palloc(sizeof(HlCall *) * all.most);
	hl_call_watch(read_all, &all);
	return (Datum) 0;
}
