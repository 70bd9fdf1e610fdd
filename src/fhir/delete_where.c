/*
 * delete_where.c
 *	  Deletes the resources that a search finds.
 *
 * HealthLake's own conditional delete finds and deletes in one request, and
 * may find more than intended. Here ids and versions are known before the
 * first resource is deleted, and resources that were changed since are not
 * deleted.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "aws/form.h"
#include "call/error.h"
#include "call/untold.h"
#include "call/window.h"
#include "fhir/delete_where.h"
#include "fhir/parameters.h"
#include "fhir/read.h"
#include "fhir/search.h"
#include "fhir/types.h"
#include "server/settings.h"
#include "server/text.h"

/* The state of a deletion. */
typedef struct Deletion
{
	const HlFhirPlace *place;
	const char *type;
	int64 most;
	List *victims; /* of Victim */
	int64 gone;    /* number of deleted resources */
	int64 changed; /* changed since the search, and not deleted */
	HlFlight *failed;
} Deletion;

/* A resource that was found. */
typedef struct Victim
{
	char *id;
	char *version; /* NULL: unknown */
} Victim;

/* Refuses a search that selects everything, which may be a mistake. */
static void
refuse_no_criterion(const HlJson *parameters)
{
	hl_parameters_refuse_unselective(parameters);
	if (!hl_form_has_criterion(parameters))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("search parameters must have a criterion"),
				 errdetail("Parameters such as _sort and _include select "
						   "nothing.")));
}

/* Refuses parameters that omit ids or versions, such as _summary=count. */
static void
refuse_parts(const HlJson *parameters)
{
	static const char *const names[] = {"_summary", "_elements"};

	for (size_t i = 0; i < lengthof(names); i++)
		if (hl_json_member(parameters, names[i]) != NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("search parameter \"%s\" cannot be given",
								   names[i])));
}

/* The plan of a search that returns only ids and versions. */
static HlPagingPlan *
plan_of(const HlArguments *arguments, int64 most)
{
	const HlJson *parameters = hl_search_parameters(arguments);
	HlPagingPlan *plan;

	refuse_no_criterion(parameters);
	refuse_parts(parameters);
	plan = hl_search_plan(arguments, parameters);
	plan->form = hl_parameters_add(plan->form, "_elements", "id,meta");
	plan->most = most + 1;
	return plan;
}

static void
add_victim(Deletion *deletion, const HlEntry *entry)
{
	Victim *victim = palloc0(sizeof(Victim));

	victim->id = pstrdup(entry->id);
	if (hl_fhir_is_id(entry->version_id))
		victim->version = pstrdup(entry->version_id);
	deletion->victims = lappend(deletion->victims, victim);
}

static void
find_victims(Deletion *deletion, const HlPagingPlan *plan)
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
		add_victim(deletion, &entry);
		MemoryContextSwitchTo(memory);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(memory);
}

static void
refuse_too_many(const Deletion *deletion)
{
	if (list_length(deletion->victims) > deletion->most)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("more than " INT64_FORMAT " resources of type %s match",
						deletion->most, deletion->type),
				 errdetail("Nothing was deleted.")));
}

/* Whether a reply says that a resource does not exist. */
static bool
was_not_there(const Deletion *deletion, const HlReply *reply)
{
	return !reply->may_have_run && hl_fhir_is_missing(reply, deletion->type);
}

/* Whether a reply says that a resource is not the version any more. */
static bool
has_changed(const HlReply *reply)
{
	return reply->outcome == HL_OUTCOME_REFUSED && !reply->may_have_run &&
		   reply->http_status == 412;
}

/* Begins the deletion of a resource, on condition that it is unchanged. */
static void
start_deletion(const Deletion *deletion, HlFlight *flight)
{
	MemoryContext caller = MemoryContextSwitchTo(flight->memory);
	const Victim *victim = list_nth(deletion->victims, flight->index);
	HlFhirRequest *request =
		hl_fhir_request(deletion->place, HL_FHIR_DELETE_RESOURCE, "DELETE",
						hl_fhir_path(deletion->type, victim->id));

	if (victim->version != NULL)
		hl_fhir_request_header(request, "If-Match",
							   psprintf("W/\"%s\"", victim->version));
	hl_window_start(flight, &request->request, request->region);
	MemoryContextSwitchTo(caller);
}

/* Processes the end of a deletion; the first failure is kept, to be raised. */
static void
land_deletion(Deletion *deletion, HlWindow *window, HlFlight *flight)
{
	const HlReply *reply = &flight->run.call->reply;
	bool gone = reply->outcome == HL_OUTCOME_SUCCESS;
	bool changed = has_changed(reply);

	deletion->gone += gone;
	deletion->changed += changed;
	if (!gone && !changed && !was_not_there(deletion, reply) &&
		deletion->failed == NULL)
	{
		deletion->failed = flight;
		hl_window_keep(window, flight);
		return;
	}
	hl_window_give(window, flight, NULL);
}

/* Adds the progress to the CONTEXT of an error. */
static void
deletion_context(void *argument)
{
	const Deletion *deletion = argument;

	errcontext("deleting resources of type %s: " INT64_FORMAT
			   " of %d had been deleted",
			   deletion->type, deletion->gone, list_length(deletion->victims));
}

/*
 * Deletes several at a time. After a failure none is started any more, and
 * those in flight are awaited, so that their outcomes are known.
 */
static void
delete_all(void *argument)
{
	Deletion *deletion = argument;
	HlWindow *window = hl_window_open(NULL, list_length(deletion->victims));
	HlFlight *flight;

	do
	{
		while (deletion->failed == NULL &&
			   hl_window_in_flight(window) < hl_settings.max_concurrency &&
			   (flight = hl_window_next(window)) != NULL)
			start_deletion(deletion, flight);
		hl_window_step(window);
		while ((flight = hl_window_ended(window)) != NULL)
			land_deletion(deletion, window, flight);
	} while (hl_window_in_flight(window) > 0 ||
			 (deletion->failed == NULL && !hl_window_is_over(window)));
}

/* Raises the failure, or warns of resources that were not deleted. */
static void
judge_deletions(const Deletion *deletion)
{
	if (deletion->failed != NULL)
	{
		hl_untold_note_told(); /* the CONTEXT has their number */
		hl_error_raise(deletion->failed->run.request->operation,
					   &deletion->failed->run.call->reply, NULL);
	}
	if (deletion->changed > 0)
		ereport(WARNING,
				(errmsg(INT64_FORMAT " resources of type %s have changed since "
									 "the search and were not deleted",
						deletion->changed, deletion->type),
				 errhidecontext(true)));
}

static void
delete_victims(Deletion *deletion)
{
	ErrorContextCallback context = {.previous = error_context_stack,
									.callback = deletion_context,
									.arg = deletion};

	error_context_stack = &context;
	hl_call_watch(delete_all, deletion);
	judge_deletions(deletion);
	error_context_stack = context.previous;
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
	find_victims(&deletion, plan);
	refuse_too_many(&deletion);
	if (deletion.victims != NIL)
		delete_victims(&deletion);
	PG_RETURN_INT64(deletion.gone);
}
