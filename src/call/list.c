/*
 * list.c
 *	  The pages of a list operation, returned as the rows of one set.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/memutils.h"

#include "call/ahead.h"
#include "call/error.h"
#include "call/list.h"
#include "call/pages.h"
#include "model/arguments.h"
#include "model/response.h"
#include "server/text.h"

/* The state of a list; lives as long as the set-returning call. */
typedef struct Listing
{
	const HlOperation *operation;
	const HlMember *items; /* the output's list */
	const char *region;
	HlPages *pages;
	MemoryContext memory;
	HlAhead *page;  /* being returned; NULL: none */
	HlAhead *ahead; /* in flight; NULL: none */
	HlJsonEach each;
	uint64 count; /* pages received */
	int64 size;   /* rows of the current page */
	int64 given;  /* rows of the current page that were returned */
	int64 left;   /* rows that may still be returned */
} Listing;

/* Finds the list among the members of an output. */
static const HlMember *
items_of(const HlShape *output)
{
	for (int i = 0; i < output->nmembers; i++)
		if (output->members[i].shape->kind == HL_KIND_LIST)
			return &output->members[i];
	elog(ERROR, "output %s has no list", output->name);
}

static int64
rows_wanted(const HlArguments *arguments)
{
	const char *text = hl_arguments_text(arguments, "max_rows");
	int64 rows = text == NULL ? PG_INT64_MAX : strtoll(text, NULL, 10);

	if (rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be at least 1", "max_rows")));
	return rows;
}

/*
 * Sends the request for the next page; with ahead it does not wait for
 * credentials or the reply. NULL if there is no next page.
 */
static HlAhead *
start_page(Listing *listing, int64 wanted, bool ahead)
{
	HlAhead *page = hl_ahead_create(listing->memory);
	MemoryContext caller = MemoryContextSwitchTo(page->memory);
	const HlRequest *request = hl_pages_request(listing->pages, wanted);

	MemoryContextSwitchTo(caller);
	if (request == NULL)
		hl_ahead_free(&page);
	else
		hl_ahead_send(page, request, listing->region, ahead);
	return page;
}

/*
 * Uses the reply that is in flight, if it succeeds; otherwise sends a request.
 */
static HlAhead *
take_page(Listing *listing)
{
	HlAhead *page = hl_ahead_take(&listing->ahead);

	if (page != NULL)
		return page;
	page = start_page(listing, listing->left, false);
	if (page != NULL)
		(void) hl_ahead_await(page);
	return page;
}

/* Fetches the next page and frees the current one. */
static bool
fetch_page(Listing *listing)
{
	const HlReply *reply;
	const HlJson *items;

	hl_ahead_free(&listing->page);
	listing->page = take_page(listing);
	if (listing->page == NULL)
		return false;
	reply = &listing->page->run.call->reply;
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		hl_error_raise(listing->operation, reply, NULL);
	hl_pages_take(listing->pages, reply->document);
	items = hl_json_member(reply->document, listing->items->name);
	listing->each = hl_json_each(items);
	listing->size = (int64) hl_json_len(items);
	listing->given = 0;
	listing->count++;
	return true;
}

/*
 * Whether the next page may be requested before it is needed: only after half
 * of the first page was read, since callers that want a few rows take them from
 * there, and only if the current page has fewer rows than are wanted.
 */
static bool
may_look_ahead(const Listing *listing)
{
	return listing->given < listing->size &&
		   listing->left > listing->size - listing->given &&
		   (listing->count > 1 || listing->given >= listing->size / 2);
}

/* Requests the next page, and advances what is in flight. */
static void
look_ahead(Listing *listing)
{
	if (listing->ahead != NULL)
	{
		if (listing->given % HL_AHEAD_INTERVAL == 0)
			hl_ahead_go_on(listing->ahead);
	}
	else if (may_look_ahead(listing))
		listing->ahead = start_page(
			listing, listing->left - (listing->size - listing->given), true);
}

/* Reads the arguments, once for all rows, and prepares the first request. */
static Listing *
listing_start(FunctionCallInfo fcinfo, const HlOperation *operation,
			  MemoryContext memory)
{
	MemoryContext caller = MemoryContextSwitchTo(memory);
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	Listing *listing = palloc0(sizeof(Listing));
	const char *more = hl_arguments_json(arguments, "more", operation);

	listing->operation = operation;
	listing->items = items_of(operation->output);
	listing->region = hl_arguments_text(arguments, "region");
	listing->memory = memory;
	listing->pages =
		hl_pages_start(operation, hl_arguments_request(arguments, operation),
					   more, listing->region);
	listing->left = rows_wanted(arguments);
	MemoryContextSwitchTo(caller);
	return listing;
}

/* Advances to the next item; NULL at the end. */
static const HlJson *
next_item(Listing *listing)
{
	const HlJson *item = NULL;

	while (listing->left > 0)
	{
		look_ahead(listing);
		item = hl_json_step(&listing->each);
		if (item != NULL || !fetch_page(listing))
			break;
	}
	if (item == NULL)
		return NULL;
	listing->given++;
	listing->left--;
	return item;
}

Datum
hl_list_next(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	FuncCallContext *calls;
	Listing *listing;
	const HlJson *item;

	if (SRF_IS_FIRSTCALL())
	{
		calls = SRF_FIRSTCALL_INIT();
		calls->user_fctx =
			listing_start(fcinfo, operation, calls->multi_call_memory_ctx);
	}
	calls = SRF_PERCALL_SETUP();
	listing = calls->user_fctx;
	item = next_item(listing);
	if (item == NULL)
		SRF_RETURN_DONE(calls);
	SRF_RETURN_NEXT(calls,
					hl_error_row(operation, &listing->page->run.call->reply,
								 fcinfo, listing->items->shape->element, item));
}
