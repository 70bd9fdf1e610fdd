/*
 * list.c
 *	  Pages as rows.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/memutils.h"

#include "call/list.h"
#include "call/pages.h"
#include "model/arguments.h"
#include "model/response.h"
#include "server/text.h"

/* Where a list has got to; lives as long as the set does. */
typedef struct Listing
{
	const HlMember *items; /* the output's list */
	HlPages *pages;
	MemoryContext page; /* the page at hand, and nothing else */
	HlJsonEach each;
	int64 left; /* rows that may still be given */
} Listing;

/* Finds the list among an output's members. */
static const HlMember *
items_of(const HlShape *output)
{
	for (int i = 0; i < output->nmembers; i++)
		if (output->members[i].shape->kind == HL_KIND_LIST)
			return &output->members[i];
	elog(ERROR, "output %s has no list", output->name);
}

/* The number of rows that the caller wants at most. */
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

/* Fetches the next page into the memory of the one before, if there is one. */
static bool
fetch_page(Listing *listing)
{
	MemoryContext caller;
	const HlJson *page;

	MemoryContextReset(listing->page);
	caller = MemoryContextSwitchTo(listing->page);
	page = hl_pages_next(listing->pages, listing->left);
	listing->each = hl_json_each(hl_json_member(page, listing->items->name));
	MemoryContextSwitchTo(caller);
	return page != NULL;
}

/* Begins a list: nothing of the arguments is looked at again. */
static Listing *
listing_start(FunctionCallInfo fcinfo, const HlOperation *operation,
			  MemoryContext memory)
{
	MemoryContext caller = MemoryContextSwitchTo(memory);
	const HlArguments *arguments = hl_arguments_read(fcinfo);
	Listing *listing = palloc0(sizeof(Listing));
	const char *more = hl_arguments_text(arguments, "more");

	listing->items = items_of(operation->output);
	listing->pages = hl_pages_start(
		operation, hl_arguments_request(arguments, operation),
		more == NULL ? NULL : hl_text_to_utf8(more, (int) strlen(more)),
		hl_arguments_text(arguments, "region"));
	listing->left = rows_wanted(arguments);
	listing->page = AllocSetContextCreate(memory, "healthlake page",
										  ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(caller);
	return listing;
}

/* Gives the next row, or the end. */
Datum
hl_list_next(FunctionCallInfo fcinfo, const HlOperation *operation)
{
	FuncCallContext *calls;
	Listing *listing;
	const HlJson *item = NULL;

	if (SRF_IS_FIRSTCALL())
	{
		calls = SRF_FIRSTCALL_INIT();
		calls->user_fctx =
			listing_start(fcinfo, operation, calls->multi_call_memory_ctx);
	}
	calls = SRF_PERCALL_SETUP();
	listing = calls->user_fctx;
	while (listing->left > 0 && (item = hl_json_step(&listing->each)) == NULL &&
		   fetch_page(listing))
		;
	if (item == NULL)
		SRF_RETURN_DONE(calls);
	listing->left--;
	SRF_RETURN_NEXT(
		calls, hl_response_row(fcinfo, listing->items->shape->element, item));
}
