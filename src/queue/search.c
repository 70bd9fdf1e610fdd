/*
 * search.c
 *	  Looking for what a request has made.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/account.h"
#include "aws/protocol.h"
#include "call/error.h"
#include "call/pages.h"
#include "model/response.h"
#include "queue/enqueue.h"
#include "queue/plane.h"
#include "queue/search.h"
#include "server/clock.h"
#include "server/text.h"

/* How far AWS's clock may be from this one, in seconds. */
#define SKEW 300

/* So long a token is relied on, in milliseconds; HOUR of statements.c. */
#define RELIANCE (58 * 60 * 1000)

/*
 * So long a list is read, and so many items of it are kept; one that is longer
 * tells nothing.
 */
#define MOST_PAGES 1000
#define MOST_BYTES (64 * 1024 * 1024)
#define MOST_KEPT 100

/* A search under way: the list is read, then the tags of what may be it. */
typedef struct HlSearch
{
	HlQueued *queued;
	const HlListing *place;
	const HlJson *request;
	const char *name; /* NULL: it has none */
	const char *tag;  /* that it was given; NULL: none */
	int64 since;      /* seconds of 1970 */
	HlPages *pages;
	int count;        /* of pages that were read */
	int64 bytes;      /* of these */
	bool too_long;    /* the list is, and was not read to its end */
	List *candidates; /* items by name and time whose tags are not known */
	List *matches;    /* items that may be it as far as AWS says */
} HlSearch;

/* A string of an object; NULL if there is none. */
static const char *
string_of(const HlJson *object, const char *member)
{
	const HlJson *value = hl_json_member(object, member);

	return hl_json_kind(value) == HL_JSON_STRING ? hl_json_string(value) : NULL;
}

/* The value of our tag among some; NULL if there is none. */
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
list_request(const HlSearch *search, const HlOperation *list)
{
	const HlListing *place = search->place;
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
	json = hl_text_take(&bytes);
	return json;
}

/* Whether another row already has it. */
static bool
is_adopted(const HlSearch *search, const HlStore *store, const HlJson *item)
{
	HlParameters parameters = {0};
	HlStoreStep step;
	bool isnull;
	bool adopted;

	hl_store_enter(&step, store);
	hl_store_add(&parameters, Int64GetDatum(search->queued->id));
	hl_store_add_text(&parameters,
					  hl_text_from_utf8(string_of(item, search->place->id)));
	hl_store_add_text(&parameters, search->queued->home);
	(void) hl_store_run(store, HL_STATEMENT_ADOPTED, &parameters);
	adopted = DatumGetBool(hl_store_value(0, "adopted", BOOLOID, &isnull));
	hl_store_leave(&step);
	return adopted;
}

/*
 * Whether another row that is not settled asks for the same name, and was not
 * given up before anything that is in question can have been made.
 */
static bool
has_twin(const HlSearch *search, const HlStore *store)
{
	TimestampTz since =
		(search->since - SKEW) * USECS_PER_SEC - HL_CLOCK_EPOCH_SHIFT;
	HlParameters parameters = {0};
	HlStoreStep step;
	bool isnull;
	bool twin;

	hl_store_enter(&step, store);
	hl_store_add(&parameters, Int64GetDatum(search->queued->id));
	hl_store_add_text(&parameters, search->queued->operation->name);
	hl_store_add_text(&parameters, search->place->name);
	hl_store_add_text(&parameters, hl_text_from_utf8(search->name));
	hl_store_add_time(&parameters, since);
	hl_store_add_text(&parameters, search->queued->home);
	(void) hl_store_run(store, HL_STATEMENT_TWIN, &parameters);
	twin = DatumGetBool(hl_store_value(0, "twin", BOOLOID, &isnull));
	hl_store_leave(&step);
	return twin;
}

/* Whether an item may be what the request has made, by its name and time. */
static bool
is_candidate(const HlSearch *search, const HlJson *item)
{
	const HlListing *place = search->place;
	const char *name = string_of(item, place->name);
	int64_t made;

	if (string_of(item, place->id) == NULL ||
		!hl_protocol_timestamp(hl_json_member(item, place->made), &made) ||
		made / USECS_PER_SEC < search->since)
		return false;
	return search->name == NULL ||
		   (name != NULL && strcmp(name, search->name) == 0);
}

/* A copy of an item, as the page that it is in is forgotten. */
static void *
keep(const HlJson *item)
{
	HlBytes bytes = {0};

	hl_json_append_node(&bytes, item);
	return (void *) hl_response_read(hl_text_take(&bytes));
}

/* Whether no more is read of the list. */
static bool
is_enough(const HlSearch *search)
{
	return search->count >= MOST_PAGES || search->bytes > MOST_BYTES ||
		   list_length(search->matches) + list_length(search->candidates) >
			   MOST_KEPT;
}

/* Reads a page of the list. */
static void
read_page(HlSearch *search, const HlStore *store, const HlJson *page)
{
	HlJsonEach each;
	const HlJson *item;

	hl_pages_take(search->pages, page);
	each = hl_json_each(
		hl_json_member(page, search->queued->sent->operation->pages));
	while ((item = hl_json_step(&each)) != NULL && !is_enough(search))
	{
		if (!is_candidate(search, item))
			continue;
		if (search->tag == NULL)
			search->matches = lappend(search->matches, keep(item));
		/* what another row has need not be asked for its tags */
		else if (!is_adopted(search, store, item))
			search->candidates = lappend(search->candidates, keep(item));
	}
	search->too_long |= item != NULL;
}

/* Reads the tags of the first candidate. */
static void
read_tags(HlSearch *search, const HlJson *reply)
{
	const char *tag = tag_of(hl_json_member(reply, "Tags"));

	if (tag != NULL && strcmp(tag, search->tag) == 0)
		search->matches =
			lappend(search->matches, linitial(search->candidates));
	search->candidates = list_delete_first(search->candidates);
}

/* Reads what AWS has answered. */
static void
read_reply(HlSearch *search, const HlStore *store, const HlReply *reply)
{
	const HlOperation *operation = search->queued->sent->operation;

	if (reply->outcome != HL_OUTCOME_SUCCESS)
		hl_error_raise(operation, reply, NULL);
	if (operation == search->place->list)
	{
		search->count++;
		search->bytes += reply->body.len;
		read_page(search, store, reply->document);
	}
	else
		read_tags(search, reply->document);
}

/* The request for the tags of a data store. */
static HlRequest *
tags_request(const HlJson *item)
{
	const char *arn = string_of(item, "DatastoreArn");

	return hl_request_make(
		&hl_operations[HL_OPERATION_LIST_TAGS_FOR_RESOURCE],
		hl_request_member("ResourceARN", arn == NULL ? "" : arn), NULL, false);
}

/* What is to be asked next; NULL: all is known. */
static HlRequest *
next_request(HlSearch *search)
{
	HlRequest *request = hl_pages_request(search->pages, PG_INT64_MAX);

	search->too_long |= request != NULL && is_enough(search);
	if (search->too_long)
		return NULL;
	if (request != NULL || search->candidates == NIL)
		return request;
	return tags_request(linitial(search->candidates));
}

/* What the operation would have answered, out of an item of the list. */
static char *
answer_of(const HlSearch *search)
{
	const HlShape *output = search->queued->operation->output;
	HlBytes bytes = {0};
	char *json;

	hl_bytes_append_char(&bytes, '{');
	for (int i = 0; i < output->nmembers; i++)
	{
		const char *name = output->members[i].name;
		const HlJson *value = hl_json_member(linitial(search->matches), name);

		if (hl_json_kind(value) == HL_JSON_NULL)
			value = hl_json_member(search->request, name);
		if (hl_json_kind(value) == HL_JSON_NULL)
			continue;
		hl_bytes_format(&bytes, "%s\"%s\":", bytes.len > 1 ? "," : "", name);
		hl_json_append_node(&bytes, value);
	}
	hl_bytes_append_char(&bytes, '}');
	json = hl_text_take(&bytes);
	return json;
}

/* The ending of what was found. */
static void
adopt(HlSearch *search)
{
	HlQueued *queued = search->queued;
	const char *id = hl_text_from_utf8(
		string_of(linitial(search->matches), search->place->id));
	const char *arn = string_of(linitial(search->matches), "DatastoreArn");

	hl_ending_put_off(queued, 0, NULL);
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

/* Whether the token still names whatever any sending of it has made. */
static bool
is_recent(const HlQueued *queued)
{
	TimestampTz since = hl_queued_is_unsettled(queued) ? queued->unsettled_since
													   : queued->earliest;

	return hl_queued_is_recent(since, RELIANCE);
}

/* Drops what another row has. */
static void
drop_adopted(HlSearch *search, const HlStore *store)
{
	ListCell *cell;

	foreach (cell, search->matches)
		if (is_adopted(search, store, lfirst(cell)))
			search->matches = foreach_delete_current(search->matches, cell);
}

/* What may be found, in AWS's words. */
static const char *
made_by(const HlQueued *queued)
{
	const char *made = queued->operation->creates;

	return made == NULL ? "job" : made;
}

/* The ending where more than one thing, or more than one row, is in question. */
static void
leave_ambiguous(const HlSearch *search)
{
	HlQueued *queued = search->queued;
	const char *name = queued->operation->name;

	if (list_length(search->matches) > 1)
		hl_ending_leave_unknown(
			queued,
			psprintf("outcome of %s is unknown: %d of AWS's %ss "
					 "could be what it has made",
					 name, list_length(search->matches), made_by(queued)));
	else
		hl_ending_leave_unknown(queued,
								psprintf("outcome of %s is unknown: another "
										 "request of the same name could have "
										 "made the %s that was found",
										 name, made_by(queued)));
}

/* The ending where AWS's list is too long to be read. */
static void
leave_unread(const HlSearch *search)
{
	HlQueued *queued = search->queued;

	hl_ending_leave_unknown(
		queued, psprintf("outcome of %s is unknown: AWS lists too much to find "
						 "the %s that it has made",
						 queued->operation->name, made_by(queued)));
	queued->ending.note = psprintf(
		"the search has ended after %d pages, " INT64_FORMAT
		" bytes and %d possible finds",
		search->count, search->bytes,
		list_length(search->matches) + list_length(search->candidates));
}

/*
 * Makes the ending of a search. A twin is looked for before its result is: it
 * is one, or has ended by then.
 */
static void
conclude(HlSearch *search, const HlStore *store)
{
	HlQueued *queued = search->queued;
	bool twin = search->tag == NULL && search->matches != NIL &&
				has_twin(search, store);

	drop_adopted(search, store);
	/* of twins only the token tells which has made what was found */
	if (is_recent(queued) &&
		(twin || search->too_long || list_length(search->matches) != 1))
		hl_ending_let_go_out(queued);
	else if (search->too_long)
		leave_unread(search);
	else if (list_length(search->matches) > 1 ||
			 (twin && search->matches != NIL))
		leave_ambiguous(search);
	else if (search->matches != NIL)
		adopt(search);
	else if (hl_queued_is_unsettled(queued))
		hl_ending_leave_unknown(
			queued, psprintf("outcome of %s is unknown: no %s was "
							 "found that it has made",
							 queued->operation->name, made_by(queued)));
	else
		hl_ending_let_go_out(queued);
}

void
hl_search_conclude_blindly(HlQueued *queued)
{
	const HlOperation *operation = queued->operation;

	if (hl_queued_is_foreign(queued))
		hl_ending_leave_to_others(queued);
	else if (!operation->changes_something ||
			 (queued->plane->is_repeatable(queued) && is_recent(queued)))
		hl_ending_let_go_out(queued);
	else if (hl_queued_is_unsettled(queued) || !operation->idempotent)
	{
		hl_ending_leave_unknown(
			queued,
			psprintf(
				"outcome of %s is unknown, and there is no name to search for",
				queued->operation->name));
		if (!queued->plane->is_repeatable(queued))
			queued->ending.note = HL_ENDING_NOT_AGAIN;
	}
	else
		hl_ending_let_go_out(queued);
}

/* Begins a search; NULL: there is nothing to search for. */
static HlSearch *
begin_search(HlQueued *queued)
{
	HlSearch *search = palloc0(sizeof(HlSearch));
	const HlOperation *list;
	TimestampTz since =
		hl_queued_is_unsettled(queued) && queued->first_sent_at != HL_NO_TIME
			? queued->first_sent_at
			: queued->earliest;

	search->queued = queued;
	search->place = queued->operation->search;
	search->since = (since + HL_CLOCK_EPOCH_SHIFT) / USECS_PER_SEC - SKEW;
	if (search->place == NULL)
		return NULL;
	search->request = hl_response_read(
		hl_text_to_utf8(queued->request, (int) strlen(queued->request)));
	search->name = string_of(search->request, search->place->name);
	search->tag = tag_of(hl_json_member(search->request, "Tags"));
	if (search->name == NULL && search->tag == NULL)
		return NULL;
	list = search->place->list;
	search->pages =
		hl_pages_start(list, list_request(search, list), NULL, queued->region);
	return search;
}

/* Goes on with looking for what a request has made. */
HlRequest *
hl_search_look(HlQueued *queued, const HlStore *store)
{
	HlRequest *request;

	if (queued->search == NULL)
		queued->search = begin_search(queued);
	else
		read_reply(queued->search, store, queued->heard);
	queued->heard = NULL;
	if (queued->search == NULL)
	{
		hl_search_conclude_blindly(queued);
		return NULL;
	}
	request = next_request(queued->search);
	if (request == NULL)
		conclude(queued->search, store);
	return request;
}
