/*
 * lookup.c
 *	  Looking for what a request has made.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/pages.h"
#include "api/response.h"
#include "aws/protocol.h"
#include "client/text.h"
#include "queue/account.h"
#include "queue/enqueue.h"
#include "queue/lookup.h"
#include "queue/queued.h"

/* How far AWS's clock may be from this one, in seconds. */
#define SKEW 300

/* So long a token is relied on, in milliseconds; HOUR of statements.c. */
#define RELIANCE (58 * 60 * 1000)

#define EPOCH_SHIFT                                                            \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* Where what an operation makes is listed, by AWS's names of members. */
typedef struct Place
{
	const char *operation;
	const char *list;
	const char *name;  /* of what is made, in the request and in an item */
	const char *id;    /* in an item */
	const char *since; /* the list's filter by time */
	const char *made;  /* when, in an item */
	const char *wrap;  /* what the filters are in; NULL: the request itself */
} Place;

static const Place places[] = {
	{"CreateFHIRDatastore", "ListFHIRDatastores", "DatastoreName",
	 "DatastoreId", "CreatedAfter", "CreatedAt", "Filter"},
	{"RestoreFHIRDatastore", "ListFHIRDatastores", "DatastoreName",
	 "DatastoreId", "CreatedAfter", "CreatedAt", "Filter"},
	{"StartFHIRImportJob", "ListFHIRImportJobs", "JobName", "JobId",
	 "SubmittedAfter", "SubmitTime"},
	{"StartFHIRExportJob", "ListFHIRExportJobs", "JobName", "JobId",
	 "SubmittedAfter", "SubmitTime"},
	{"StartDataTransformationJob", "ListDataTransformationJobs", "JobName",
	 "JobId", "SubmittedAfter", "SubmitTime"},
};

/* A search under way. */
typedef struct Search
{
	HlQueued *queued;
	const HlStore *store;
	const Place *place;
	const HlJson *request;
	const char *name; /* NULL: it has none */
	const char *tag;  /* that it was given; NULL: none */
	int64 since;      /* seconds of 1970 */
	int matches;
	const HlJson *match;
} Search;

/* Where to look for what the operation makes; NULL: nowhere. */
static const Place *
place_of(const HlOperation *operation)
{
	for (size_t i = 0; i < lengthof(places); i++)
		if (strcmp(places[i].operation, operation->name) == 0)
			return &places[i];
	return NULL;
}

/* A string of an object; NULL where there is none. */
static const char *
string_of(const HlJson *object, const char *member)
{
	const HlJson *value = hl_json_member(object, member);

	return hl_json_kind(value) == HL_JSON_STRING ? hl_json_string(value) : NULL;
}

/* The value of our tag among some; NULL where there is none. */
static const char *
tag_of(const HlJson *tags)
{
	HlJsonEach each = hl_json_each(tags);
	const HlJson *tag;

	while ((tag = hl_json_step(&each)) != NULL)
		if (strcmp(hl_json_string(hl_json_member(tag, "Key")),
				   HL_REQUEST_TAG) == 0)
			return string_of(tag, "Value");
	return NULL;
}

/* Appends a filter by a string. */
static void
append_filter(HlBytes *bytes, const char *name, const char *value)
{
	if (value == NULL)
		return;
	hl_bytes_format(bytes, ",\"%s\":", name);
	hl_json_append_string(bytes, value, strlen(value));
}

/* The request of the list, with all filters that it takes. */
static char *
list_request(const Search *search, const HlOperation *list)
{
	const Place *place = search->place;
	const HlShape *input = list->input;
	HlBytes bytes = {0};
	char *json;

	if (place->wrap != NULL)
	{
		input = hl_shape_member(input, place->wrap, strlen(place->wrap))->shape;
		hl_bytes_format(&bytes, "{\"%s\":", place->wrap);
	}
	hl_bytes_format(&bytes, "{\"%s\":" INT64_FORMAT, place->since,
					search->since);
	if (hl_shape_member(input, place->name, strlen(place->name)) != NULL)
		append_filter(&bytes, place->name, search->name);
	if (hl_shape_member(input, "DatastoreId", 11) != NULL)
		append_filter(&bytes, "DatastoreId",
					  string_of(search->request, "DatastoreId"));
	hl_bytes_append_string(&bytes, place->wrap != NULL ? "}}" : "}");
	json = pstrdup(hl_bytes_string(&bytes));
	hl_bytes_free(&bytes);
	return json;
}

/* Whether another row already has it. */
static bool
is_adopted(const Search *search, const char *id)
{
	HlParameters parameters = {0};
	HlStoreStep step;
	bool isnull;
	bool adopted;

	hl_store_enter(&step, search->store);
	hl_store_add(&parameters, Int64GetDatum(search->queued->id));
	hl_store_add_text(&parameters, hl_text_from_utf8(id));
	(void) hl_store_run(search->store, HL_STATEMENT_ADOPTED, &parameters);
	adopted = DatumGetBool(hl_store_value(0, "adopted", &isnull));
	hl_store_leave(&step);
	return adopted;
}

/* Whether another row that is not settled asks for the same name. */
static bool
has_twin(const Search *search)
{
	HlParameters parameters = {0};
	HlStoreStep step;
	bool isnull;
	bool twin;

	hl_store_enter(&step, search->store);
	hl_store_add(&parameters, Int64GetDatum(search->queued->id));
	hl_store_add_text(&parameters, search->queued->operation->name);
	hl_store_add_text(&parameters, search->place->name);
	hl_store_add_text(&parameters, hl_text_from_utf8(search->name));
	(void) hl_store_run(search->store, HL_STATEMENT_TWIN, &parameters);
	twin = DatumGetBool(hl_store_value(0, "twin", &isnull));
	hl_store_leave(&step);
	return twin;
}

/* Whether a data store bears the tag of this request. */
static bool
has_tag(const Search *search, const HlJson *item)
{
	const char *arn = string_of(item, "DatastoreArn");
	HlBytes bytes = {0};
	HlPages *pages;
	const HlJson *page;
	const char *tag;
	char *json;

	hl_bytes_append_string(&bytes, "{\"ResourceARN\":");
	hl_json_append_string(&bytes, arn == NULL ? "" : arn,
						  arn ? strlen(arn) : 0);
	hl_bytes_append_char(&bytes, '}');
	json = pstrdup(hl_bytes_string(&bytes));
	hl_bytes_free(&bytes);
	pages = hl_pages_start(hl_operation_find("ListTagsForResource"), json, NULL,
						   search->queued->region);
	page = hl_pages_next(pages, PG_INT64_MAX);
	tag = page == NULL ? NULL : tag_of(hl_json_member(page, "Tags"));
	return tag != NULL && strcmp(tag, search->tag) == 0;
}

/* Whether an item may be what the request has made. */
static bool
is_match(const Search *search, const HlJson *item)
{
	const Place *place = search->place;
	const char *name = string_of(item, place->name);
	const char *id = string_of(item, place->id);
	int64_t made;

	if (id == NULL ||
		!hl_protocol_timestamp(hl_json_member(item, place->made), &made) ||
		made / USECS_PER_SEC < search->since)
		return false;
	if (search->name != NULL &&
		(name == NULL || strcmp(name, search->name) != 0))
		return false;
	if (is_adopted(search, id))
		return false;
	return search->tag == NULL || has_tag(search, item);
}

/* Counts what matches in a page, and keeps one. */
static void
search_page(Search *search, const HlJson *list)
{
	HlJsonEach each = hl_json_each(list);
	const HlJson *item;

	while ((item = hl_json_step(&each)) != NULL)
		if (is_match(search, item))
		{
			search->matches++;
			search->match = item;
		}
}

/* Goes through the whole list. */
static void
search_list(Search *search)
{
	const HlOperation *list = hl_operation_find(search->place->list);
	HlPages *pages = hl_pages_start(list, list_request(search, list), NULL,
									search->queued->region);
	const HlJson *page;

	while ((page = hl_pages_next(pages, PG_INT64_MAX)) != NULL)
		search_page(search, hl_json_member(page, list->pages));
}

/* What the operation would have answered, out of an item of the list. */
static char *
answer_of(const Search *search)
{
	const HlShape *output = search->queued->operation->output;
	HlBytes bytes = {0};
	char *json;

	hl_bytes_append_char(&bytes, '{');
	for (int i = 0; i < output->nmembers; i++)
	{
		const char *name = output->members[i].name;
		const HlJson *value = hl_json_member(search->match, name);

		if (hl_json_kind(value) == HL_JSON_NULL)
			value = hl_json_member(search->request, name);
		if (hl_json_kind(value) == HL_JSON_NULL)
			continue;
		hl_bytes_format(&bytes, "%s\"%s\":", bytes.len > 1 ? "," : "", name);
		hl_json_append_node(&bytes, value);
	}
	hl_bytes_append_char(&bytes, '}');
	json = pstrdup(hl_bytes_string(&bytes));
	hl_bytes_free(&bytes);
	return json;
}

/* The ending of what was found. */
static void
adopt(Search *search)
{
	HlQueued *queued = search->queued;
	const char *id =
		hl_text_from_utf8(string_of(search->match, search->place->id));
	const char *arn = string_of(search->match, "DatastoreArn");

	hl_queued_put_off(queued, 0, NULL);
	queued->ending.state = queued->goal != NULL ? "running" : "succeeded";
	queued->ending.run_after = GetCurrentTimestamp();
	queued->ending.unsettled_since = HL_NO_TIME;
	if (queued->ending.first_sent_at == HL_NO_TIME)
		queued->ending.first_sent_at = queued->earliest;
	queued->ending.looked = true;
	queued->ending.response = answer_of(search);
	queued->ending.account = hl_account_of_arn(arn);
	if (strcmp(search->place->id, "JobId") == 0)
		queued->ending.job_id = id;
	else
		queued->ending.datastore_id = id;
	queued->ending.note =
		search->tag != NULL ? "found by its tag" : "found by its name and time";
}

/* The ending where nothing tells what became of the sending. */
static void
leave_unknown(HlQueued *queued, const char *message)
{
	hl_queued_put_off(queued, MAKE_SQLSTATE('3', '8', 'M', '0', '1'), message);
	queued->ending.state = "unknown";
	queued->ending.looked = true;
}

/* Whether the token still names whatever any sending of it has made. */
static bool
is_recent(const HlQueued *queued)
{
	TimestampTz since = hl_queued_is_unsettled(queued) ? queued->unsettled_since
													   : queued->earliest;

	return !TimestampDifferenceExceeds(since, GetCurrentTimestamp(), RELIANCE);
}

/* The ending where it may be sent now. */
static void
let_go_out(HlQueued *queued)
{
	hl_queued_put_off(queued, 0, NULL);
	queued->ending.state = "queued";
	/* a sending without an outcome goes on to count, but for mere reading */
	if (!queued->operation->changes_something)
		queued->ending.unsettled_since = HL_NO_TIME;
	queued->ending.run_after = GetCurrentTimestamp();
	queued->ending.looked = true;
}

/* Makes the ending of a search. */
static void
conclude(Search *search)
{
	HlQueued *queued = search->queued;
	const char *made = queued->operation->creates;

	if (made == NULL)
		made = "job";
	/* of twins only the token tells which has made what was found */
	if (is_recent(queued) &&
		(search->matches != 1 || (search->tag == NULL && has_twin(search))))
		let_go_out(queued);
	else if (search->matches == 1)
		adopt(search);
	else if (search->matches > 1)
		leave_unknown(queued,
					  psprintf("outcome of %s is unknown: %d of AWS's %ss "
							   "could be what it has made",
							   queued->operation->name, search->matches, made));
	else if (hl_queued_is_unsettled(queued))
		leave_unknown(queued, psprintf("outcome of %s is unknown: no %s was "
									   "found that it has made",
									   queued->operation->name, made));
	else
		let_go_out(queued);
}

/* Concludes without a search: there is no way to find what it has made. */
static void
conclude_blindly(HlQueued *queued)
{
	const HlOperation *operation = queued->operation;

	if (!operation->changes_something ||
		(operation->idempotent && is_recent(queued)))
		let_go_out(queued);
	else if (hl_queued_is_unsettled(queued) || !operation->idempotent)
		leave_unknown(queued, psprintf("outcome of %s is unknown, and there is "
									   "no name to look for",
									   queued->operation->name));
	else
		let_go_out(queued);
}

/* Looks for what a request has made. */
void
hl_queued_look(HlQueued *queued, const HlStore *store)
{
	TimestampTz since =
		hl_queued_is_unsettled(queued) && queued->first_sent_at != HL_NO_TIME
			? queued->first_sent_at
			: queued->earliest;
	Search search = {.queued = queued,
					 .store = store,
					 .place = place_of(queued->operation),
					 .since = (since + EPOCH_SHIFT) / USECS_PER_SEC - SKEW};

	if (search.place != NULL)
	{
		search.request = hl_response_read(
			hl_text_to_utf8(queued->request, (int) strlen(queued->request)));
		search.name = string_of(search.request, search.place->name);
		search.tag = tag_of(hl_json_member(search.request, "Tags"));
	}
	if (search.name == NULL && search.tag == NULL)
	{
		conclude_blindly(queued);
		return;
	}
	search_list(&search);
	conclude(&search);
}
