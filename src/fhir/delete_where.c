/*
 * delete_where.c
 *	  Deleting what a search finds.
 *
 * HealthLake's own conditional delete finds and deletes in one request, and
 * what it finds may be more than anybody meant. Here the ids are known before
 * the first resource goes.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "aws/form.h"
#include "call/error.h"
#include "fhir/delete_where.h"
#include "fhir/parameters.h"
#include "fhir/search.h"
#include "fhir/types.h"
#include "server/text.h"

/* A deletion under way. */
typedef struct Deletion
{
	const HlFhirPlace *place;
	const char *type;
	int64 most;
	List *ids;
	int64 gone; /* resources that they have deleted */
} Deletion;

/* Refuses a search that selects everything, which may be a mistake. */
static void
refuse_no_criterion(const HlJson *parameters)
{
	if (!hl_form_has_criterion(parameters))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("search parameters must have a criterion"),
				 errdetail("Parameters such as _sort and _include select "
						   "nothing.")));
}

/* Refuses _summary: with count, for example, the search would return no ids. */
static void
refuse_summary(const HlJson *parameters)
{
	if (hl_json_member(parameters, "_summary") != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("search parameter \"%s\" cannot be given",
							   "_summary")));
}

/* The plan of a search that returns only ids. */
static HlPagingPlan *
plan_of(const HlArguments *arguments, int64 most)
{
	const HlJson *parameters = hl_search_parameters(arguments);
	HlPagingPlan *plan;

	refuse_no_criterion(parameters);
	refuse_summary(parameters);
	plan = hl_search_plan(arguments, parameters);
	if (hl_json_member(parameters, "_elements") == NULL)
		plan->form = hl_parameters_add(plan->form, "_elements", "id");
	plan->most = most + 1;
	return plan;
}

static void
find_ids(Deletion *deletion, const HlPagingPlan *plan)
{
	MemoryContext memory = AllocSetContextCreate(
		CurrentMemoryContext, "healthlake search", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	HlPaging *paging = hl_paging_start(plan);
	HlEntry entry;

	while (hl_paging_next(paging, &entry))
	{
		if (entry.mode != HL_ENTRY_MATCH)
			continue;
		if (strcmp(entry.type, deletion->type) != 0 || !hl_fhir_is_id(entry.id))
			ereport(ERROR, (errcode(HL_ERRCODE_MALFORMED),
							errmsg("unusable reply to SearchWithPost: an entry "
								   "is not a resource of type %s",
								   deletion->type)));
		MemoryContextSwitchTo(caller);
		deletion->ids = lappend(deletion->ids, pstrdup(entry.id));
		MemoryContextSwitchTo(memory);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(memory);
}

static void
refuse_too_many(const Deletion *deletion)
{
	if (list_length(deletion->ids) > deletion->most)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("more than " INT64_FORMAT " resources of type %s match",
						deletion->most, deletion->type),
				 errdetail("Nothing was deleted.")));
}

/* Whether a reply says that a resource does not exist. */
static bool
was_not_there(const HlReply *reply)
{
	return reply->outcome == HL_OUTCOME_REFUSED && !reply->may_have_run &&
		   reply->diagnosed &&
		   (reply->http_status == 404 || reply->http_status == 410);
}

static void
delete_one(Deletion *deletion, const char *id)
{
	HlFhirRequest *request =
		hl_fhir_request(deletion->place, HL_FHIR_DELETE_RESOURCE, "DELETE",
						hl_fhir_path(deletion->type, id));
	const HlReply *reply = hl_fhir_try(request);

	if (reply->outcome != HL_OUTCOME_SUCCESS && !was_not_there(reply))
		hl_error_raise(request->request.operation, reply, NULL);
	deletion->gone += reply->outcome == HL_OUTCOME_SUCCESS;
}

/* Adds the progress to the CONTEXT of an error. */
static void
deletion_context(void *argument)
{
	const Deletion *deletion = argument;

	errcontext("deleting resources of type %s: " INT64_FORMAT
			   " of %d had been deleted",
			   deletion->type, deletion->gone, list_length(deletion->ids));
}

static void
delete_all(Deletion *deletion)
{
	ErrorContextCallback context = {.previous = error_context_stack,
									.callback = deletion_context,
									.arg = deletion};
	MemoryContext memory = AllocSetContextCreate(
		CurrentMemoryContext, "healthlake deletion", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	ListCell *cell;

	error_context_stack = &context;
	foreach (cell, deletion->ids)
	{
		CHECK_FOR_INTERRUPTS();
		delete_one(deletion, lfirst(cell));
		MemoryContextReset(memory);
	}
	error_context_stack = context.previous;
	MemoryContextSwitchTo(caller);
}

Datum
hl_delete_where(FunctionCallInfo fcinfo)
{
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	Deletion deletion = {0};
	HlPagingPlan *plan;
	Datum most;

	hl_call_refuse_change_by("healthlake_fhir_delete_where");
	if (!hl_arguments_value(arguments, "max_rows", &most))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "max_rows")));
	deletion.most = DatumGetInt32(most);
	if (deletion.most < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be at least 1", "max_rows")));
	plan = plan_of(arguments, deletion.most);
	deletion.place = plan->place;
	deletion.type = plan->subject;
	find_ids(&deletion, plan);
	refuse_too_many(&deletion);
	delete_all(&deletion);
	PG_RETURN_INT64(deletion.gone);
}
