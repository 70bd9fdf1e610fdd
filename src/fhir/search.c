/*
 * search.c
 *	  Searches as rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "call/error.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "aws/protocol.h"
#include "fhir/parameters.h"
#include "fhir/resource.h"
#include "fhir/result.h"
#include "fhir/search.h"
#include "fhir/types.h"
#include "model/response.h"
#include "server/clock.h"
#include "server/text.h"

#define LARGEST_PAGE 100

/* The state of a search; lives as long as the set-returning call. */
typedef struct Rows
{
	HlPaging *paging;
	TupleDesc desc;
	HlEntry entry; /* the current one */
} Rows;

/* A function that begins a set of rows. */
typedef HlPaging *(*Beginning)(const HlArguments *arguments);

/* -------------------------------------------------------------------- rows */

/* A string of an entry; null if it has none. */
static Datum
entry_text(const char *string, bool *null)
{
	*null = string[0] == '\0';
	return *null ? (Datum) 0
				 : CStringGetTextDatum(
					   hl_text_value_from_utf8(string, (int) strlen(string)));
}

/* A timestamp of an entry; null if it is out of range. */
static Datum
entry_time(const HlJson *node, bool *null)
{
	int64_t micros = 0;

	*null = !hl_protocol_timestamp(node, &micros) ||
			!IS_VALID_TIMESTAMP((Timestamp) micros - HL_CLOCK_EPOCH_SHIFT);
	return TimestampTzGetDatum((TimestampTz) micros - HL_CLOCK_EPOCH_SHIFT);
}

static Datum
entry_column(const HlEntry *entry, const char *name, bool *null)
{
	*null = false;
	if (strcmp(name, "type") == 0)
		return entry_text(entry->type, null);
	if (strcmp(name, "id") == 0)
		return entry_text(entry->id, null);
	if (strcmp(name, "version_id") == 0)
		return entry_text(entry->version_id, null);
	if (strcmp(name, "last_updated") == 0)
		return entry_time(entry->last_updated, null);
	if (strcmp(name, "mode") == 0)
		return entry_text(entry->mode == HL_ENTRY_INCLUDE ? "include" : "match",
						  null);
	if (strcmp(name, "deleted") == 0)
		return BoolGetDatum(entry->deleted);
	*null = entry->resource == NULL;
	return *null ? (Datum) 0 : hl_response_whole(entry->resource);
}

/* The row of the current entry. */
static Datum
convert_row(const void *argument)
{
	const Rows *rows = argument;
	const HlEntry *entry = &rows->entry;
	TupleDesc desc = rows->desc;
	Datum *values = palloc0(sizeof(Datum) * desc->natts);
	bool *nulls = palloc0(sizeof(bool) * desc->natts);

	for (int i = 0; i < desc->natts; i++)
		values[i] = entry_column(
			entry, NameStr(TupleDescAttr(desc, i)->attname), &nulls[i]);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

static Rows *
begin_set(FunctionCallInfo fcinfo, Beginning begin, MemoryContext memory)
{
	MemoryContext caller = MemoryContextSwitchTo(memory);
	Rows *rows = palloc0(sizeof(Rows));
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rows->desc = BlessTupleDesc(CreateTupleDescCopy(desc));
	rows->paging = begin(hl_arguments_read(fcinfo));
	MemoryContextSwitchTo(caller);
	return rows;
}

static Datum
set_next(FunctionCallInfo fcinfo, Beginning begin)
{
	FuncCallContext *calls;
	Rows *rows;

	if (SRF_IS_FIRSTCALL())
	{
		calls = SRF_FIRSTCALL_INIT();
		calls->user_fctx =
			begin_set(fcinfo, begin, calls->multi_call_memory_ctx);
	}
	calls = SRF_PERCALL_SETUP();
	rows = calls->user_fctx;
	if (!hl_paging_next(rows->paging, &rows->entry))
		SRF_RETURN_DONE(calls);
	SRF_RETURN_NEXT(calls, hl_paging_take(rows->paging, convert_row, rows));
}

/* --------------------------------------------------------------- arguments */

static int64
most_of(const HlArguments *arguments)
{
	Datum value;

	if (!hl_arguments_value(arguments, "max_rows", &value))
		return PG_INT64_MAX;
	if (DatumGetInt64(value) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be at least 1", "max_rows")));
	return DatumGetInt64(value);
}

static int
page_size_of(const HlArguments *arguments)
{
	Datum value;
	int size = LARGEST_PAGE;

	if (hl_arguments_value(arguments, "page_size", &value))
		size = DatumGetInt32(value);
	if (size < 1 || size > LARGEST_PAGE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be between 1 and %d",
							   "page_size", LARGEST_PAGE)));
	return size;
}

/* The day of a timestamp in UTC. */
static DateADT
day_of(TimestampTz at)
{
	TimestampTz day = at / USECS_PER_DAY;

	return (DateADT) (at % USECS_PER_DAY < 0 ? day - 1 : day);
}

/* Whether FHIR can write a date: the years 1 to 9999. */
static bool
is_in_range(DateADT date)
{
	return date >= date2j(1, 1, 1) - POSTGRES_EPOCH_JDATE &&
		   date < date2j(10000, 1, 1) - POSTGRES_EPOCH_JDATE;
}

/* Adds a timestamp or date argument in UTC, if it is given. */
static char *
add_time(char *form, const char *parameter, const HlArguments *arguments,
		 const char *name, Oid type)
{
	char text[MAXDATELEN + 2];
	Datum value;
	bool finite;
	bool valid;

	if (!hl_arguments_value(arguments, name, &value))
		return form;
	finite = type == DATEOID
				 ? !DATE_NOT_FINITE(DatumGetDateADT(value))
				 : !TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(value));
	if (!finite)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be a finite time", name)));
	valid = type == DATEOID ? is_in_range(DatumGetDateADT(value))
							: is_in_range(day_of(DatumGetTimestampTz(value)));
	if (!valid)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be within the years 1 "
							   "to 9999",
							   name)));
	/* in UTC, as Z: a plus sign could be lost in a URL */
	(void) JsonEncodeDateTime(text, value,
							  type == DATEOID ? DATEOID : TIMESTAMPOID, NULL);
	if (type != DATEOID)
		strlcat(text, "Z", sizeof(text));
	return hl_parameters_add(form, parameter, text);
}

const HlJson *
hl_search_parameters(const HlArguments *arguments)
{
	Datum value;

	return hl_parameters_read(
		hl_arguments_value(arguments, "parameters", &value)
			? DatumGetJsonbP(value)
			: NULL);
}

HlPagingPlan *
hl_search_plan(const HlArguments *arguments, const HlJson *parameters)
{
	HlPagingPlan *plan = palloc0(sizeof(HlPagingPlan));
	const char *type = hl_fhir_needed(arguments, "type");

	hl_fhir_check_type(type);
	plan->place = hl_fhir_place(arguments);
	plan->first = HL_FHIR_SEARCH_WITH_POST;
	plan->further = HL_FHIR_SEARCH_WITH_GET;
	plan->method = "POST";
	plan->path = psprintf("%s/_search", type);
	plan->form = hl_parameters_form(parameters, true);
	plan->subject = type;
	plan->page_size = LARGEST_PAGE;
	plan->most = PG_INT64_MAX;
	plan->strict = true;
	return plan;
}

/* -------------------------------------------------------------- beginnings */

static HlPaging *
begin_search(const HlArguments *arguments)
{
	HlPagingPlan *plan =
		hl_search_plan(arguments, hl_search_parameters(arguments));
	Datum strict;

	plan->page_size = page_size_of(arguments);
	plan->most = most_of(arguments);
	if (hl_arguments_value(arguments, "strict", &strict))
		plan->strict = DatumGetBool(strict);
	return hl_paging_start(plan);
}

Datum
hl_search_next(FunctionCallInfo fcinfo)
{
	return set_next(fcinfo, begin_search);
}

static char *
add_types(char *form, const HlArguments *arguments)
{
	StringInfoData joined;
	Datum *elements;
	bool *nulls;
	int count;
	Datum value;

	if (!hl_arguments_value(arguments, "types", &value))
		return form;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &count);
	if (count == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must not be empty", "types")));
	initStringInfo(&joined);
	for (int i = 0; i < count; i++)
	{
		char *type;

		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("argument \"%s\" must not contain nulls",
								   "types")));
		type = TextDatumGetCString(elements[i]);
		hl_fhir_check_type(type);
		appendStringInfo(&joined, "%s%s", i > 0 ? "," : "", type);
	}
	return hl_parameters_add(form, "_type", joined.data);
}

static HlPaging *
begin_everything(const HlArguments *arguments)
{
	HlPagingPlan plan = {.first = HL_FHIR_SEARCH_EVERYTHING,
						 .further = HL_FHIR_SEARCH_EVERYTHING,
						 .method = "GET",
						 .page_size = LARGEST_PAGE};
	const char *id = hl_fhir_needed(arguments, "patient_id");
	char *form = pstrdup("");

	hl_fhir_check_id(id);
	plan.place = hl_fhir_place(arguments);
	plan.subject = psprintf("Patient/%s", id);
	plan.path = psprintf("Patient/%s/$everything", id);
	form = add_time(form, "start", arguments, "start_date", DATEOID);
	form = add_time(form, "end", arguments, "end_date", DATEOID);
	form = add_time(form, "_since", arguments, "since", TIMESTAMPTZOID);
	plan.form = add_types(form, arguments);
	plan.most = most_of(arguments);
	return hl_paging_start(&plan);
}

Datum
hl_search_everything_next(FunctionCallInfo fcinfo)
{
	return set_next(fcinfo, begin_everything);
}

/* Begins a history of the data store, of a type or of a resource. */
static HlPaging *
begin_history(const HlArguments *arguments)
{
	HlPagingPlan plan = {.first = HL_FHIR_GET_FULL_HISTORY,
						 .method = "GET",
						 .path = "_history",
						 .page_size = LARGEST_PAGE,
						 .versions = true};
	const char *type = hl_arguments_text(arguments, "type");
	const char *id = hl_arguments_text(arguments, "id");

	if (type == NULL && id != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null when \"%s\" is given",
						"type", "id")));
	if (type != NULL)
	{
		hl_fhir_check_type(type);
		plan.first = HL_FHIR_GET_HISTORY_BY_RESOURCE_TYPE;
		plan.subject = type;
	}
	if (id != NULL)
	{
		hl_fhir_check_id(id);
		plan.first = HL_FHIR_GET_HISTORY_BY_RESOURCE_ID;
		plan.subject = psprintf("%s/%s", type, id);
	}
	if (plan.subject != NULL)
		plan.path = psprintf("%s/_history", plan.subject);
	plan.further = plan.first;
	plan.place = hl_fhir_place(arguments);
	plan.form =
		add_time(pstrdup(""), "_since", arguments, "since", TIMESTAMPTZOID);
	plan.most = most_of(arguments);
	return hl_paging_start(&plan);
}

Datum
hl_search_history_next(FunctionCallInfo fcinfo)
{
	return set_next(fcinfo, begin_history);
}

/* ---------------------------------------------------------------- counting */

/* Refuses _total, which a count sets itself. */
static void
refuse_uncounted(const HlJson *parameters)
{
	if (hl_json_member(parameters, "_total") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("search parameter \"%s\" cannot be given", "_total")));
}

Datum
hl_search_count(FunctionCallInfo fcinfo)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	const HlJson *parameters = hl_search_parameters(arguments);
	HlPagingPlan *plan = hl_search_plan(arguments, parameters);
	HlFhirRequest *request;
	const HlReply *reply;
	HlSearchset set;
	char *form;

	refuse_uncounted(parameters);
	request = hl_fhir_request(plan->place, plan->first, "POST", plan->path);
	request->rest.subject = plan->subject;
	request->rest.parameters = hl_parameters_names(plan->form);
	request->rest.criteria = plan->form;
	request->rest.totals = true;
	form = hl_parameters_add(plan->form, "_total", "accurate");
	hl_fhir_request_body(request, HL_FHIR_FORM,
						 hl_parameters_add(form, "_count", "1"));
	hl_fhir_request_header(request, "Prefer", "handling=strict");
	reply = hl_fhir_perform(request);
	if (!hl_searchset_read(&set, reply->document) || set.total < 0)
		hl_error_refuse(request->request.operation, reply, "it has no total");
	PG_RETURN_INT64(set.total);
}

Datum
hl_search_escape(FunctionCallInfo fcinfo)
{
	PG_RETURN_TEXT_P(hl_parameters_escape(PG_GETARG_TEXT_PP(0)));
}
