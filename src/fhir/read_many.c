/*
 * read_many.c
 *	  Reads many resources.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "call/error.h"
#include "call/window.h"
#include "fhir/read.h"
#include "fhir/read_many.h"
#include "fhir/resource.h"
#include "fhir/result.h"
#include "fhir/types.h"
#include "model/response.h"
#include "server/rowset.h"
#include "server/text.h"

typedef struct Readings
{
	const HlFhirPlace *place;
	const char *type;
	int count;
	char **ids;
	ReturnSetInfo *set;
} Readings;

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
	for (int i = 0; i < all->count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain nulls", "ids")));
		all->ids[i] = TextDatumGetCString(elements[i]);
		hl_fhir_check_id(all->ids[i]);
	}
}

/* Turns a success with another resource into a failure. */
static void
check_resource(const Readings *all, const char *id, HlReply *reply)
{
	if (reply->outcome != HL_OUTCOME_SUCCESS ||
		hl_fhir_is_it(reply->document, all->type, id, NULL))
		return;
	hl_error_spoil(reply, "the reply is not the requested resource");
}

static Datum
convert_resource(const void *document)
{
	return hl_response_whole(document);
}

static HeapTuple
reading_row(const Readings *all, const HlFlight *reading)
{
	HlReply *reply = &reading->run.call->reply;
	Datum values[6] = {Int32GetDatum(reading->index + 1),
					   CStringGetTextDatum(all->ids[reading->index]),
					   Int32GetDatum(reply->http_status)};
	bool nulls[6] = {false, false, reply->http_status == 0, true, true, true};

	check_resource(all, all->ids[reading->index], reply);
	if (reply->outcome == HL_OUTCOME_SUCCESS)
		values[3] =
			hl_error_try(reply, convert_resource, reply->document, &nulls[3]);
	if (reply->outcome == HL_OUTCOME_SUCCESS)
		return heap_form_tuple(all->set->setDesc, values, nulls);
	if (!hl_fhir_is_missing(reply, all->type))
	{
		values[4] =
			CStringGetTextDatum(unpack_sql_state(hl_error_sqlstate(reply)));
		values[5] = CStringGetTextDatum(
			hl_error_message(reading->run.request->operation, reply));
		nulls[4] = nulls[5] = false;
	}
	return heap_form_tuple(all->set->setDesc, values, nulls);
}

static void
land_reading(const Readings *all, HlWindow *window, HlFlight *reading)
{
	MemoryContext caller = MemoryContextSwitchTo(reading->memory);
	HeapTuple row = reading_row(all, reading);

	MemoryContextSwitchTo(caller);
	hl_window_give(window, reading, row);
}

static void
start_reading(const Readings *all, HlFlight *reading)
{
	MemoryContext caller = MemoryContextSwitchTo(reading->memory);
	const HlFhirRequest *request = hl_fhir_read_request(
		all->place, all->type, all->ids[reading->index], NULL);

	hl_window_start(reading, &request->request, request->region);
	MemoryContextSwitchTo(caller);
}

static void
read_all(void *argument)
{
	const Readings *all = argument;
	HlWindow *window = hl_window_open(all->set, all->count);
	HlFlight *reading;

	while (!hl_window_is_over(window))
	{
		while ((reading = hl_window_next(window)) != NULL)
			start_reading(all, reading);
		hl_window_step(window);
		while ((reading = hl_window_ended(window)) != NULL)
			land_reading(all, window, reading);
	}
}

Datum
hl_fhir_read_many(FunctionCallInfo fcinfo)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	Readings all = {.place = hl_fhir_place(arguments)};

	all.type = hl_fhir_needed(arguments, "type");
	hl_fhir_check_type(all.type);
	take_ids(&all, arguments);
	all.set = hl_rowset_begin(fcinfo);
	hl_call_watch(read_all, &all);
	return (Datum) 0;
}
