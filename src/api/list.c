/*
 * list.c
 *	  Pages as rows.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/memutils.h"

#include "api/arguments.h"
#include "api/call.h"
#include "api/error.h"
#include "api/list.h"
#include "api/response.h"
#include "client/text.h"

/* Where a list has got to; lives as long as the set does. */
typedef struct Listing
{
	const HlOperation *operation;
	const HlMember *items; /* the output's list */
	const char *json;      /* the request without its page */
	const char *more;
	const char *region;
	char *token;        /* of the page to come; NULL: there is none */
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
	int64 rows = text == NULL ? PG_INT64_MAX : strtoi64(text, NULL, 10);

	if (rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be at least 1", "max_rows")));
	return rows;
}

/* The members that make a request ask for a page. */
static char *
page_members(const Listing *listing)
{
	const HlShape *input = listing->operation->input;
	const HlMember *size = hl_shape_member(input, "MaxResults", 10);
	HlBytes bytes = {0};
	char *json;

	hl_bytes_append_char(&bytes, '{');
	if (size != NULL && listing->left < size->shape->max)
		hl_bytes_format(&bytes, "\"MaxResults\":" INT64_FORMAT, listing->left);
	if (listing->token != NULL)
	{
		hl_bytes_append_string(&bytes, bytes.len > 1 ? "," : "");
		hl_bytes_append_string(&bytes, "\"NextToken\":");
		hl_json_append_string(&bytes, listing->token, strlen(listing->token));
	}
	hl_bytes_append_char(&bytes, '}');
	json = pstrdup(hl_bytes_string(&bytes));
	hl_bytes_free(&bytes);
	return json;
}

/* Takes the token of the page after this one; one that repeats never ends. */
static void
take_token(Listing *listing, MemoryContext memory, const HlJson *page)
{
	const char *token = hl_json_string(hl_json_member(page, "NextToken"));

	if (listing->token != NULL && strcmp(token, listing->token) == 0)
		ereport(ERROR, (errcode(HL_ERRCODE_MALFORMED),
						errmsg("unusable reply to %s: the token of the next "
							   "page is the one of this page",
							   listing->operation->name)));
	if (listing->token != NULL)
		pfree(listing->token);
	listing->token =
		token[0] == '\0' ? NULL : MemoryContextStrdup(memory, token);
}

/* Fetches the next page into the memory of the one before. */
static void
fetch_page(Listing *listing, MemoryContext memory)
{
	MemoryContext caller;
	HlRequest *request;
	const HlReply *reply;

	MemoryContextReset(listing->page);
	caller = MemoryContextSwitchTo(listing->page);
	request =
		hl_request_make(listing->operation, listing->json, listing->more, true);
	request =
		hl_request_make(listing->operation, hl_bytes_string(&request->body),
						page_members(listing), true);
	reply = hl_call_perform(request, listing->region);
	take_token(listing, memory, reply->document);
	listing->each =
		hl_json_each(hl_json_member(reply->document, listing->items->name));
	MemoryContextSwitchTo(caller);
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

	listing->operation = operation;
	listing->items = items_of(operation->output);
	listing->json = hl_arguments_request(arguments, operation);
	listing->more =
		more == NULL ? NULL : hl_text_to_utf8(more, (int) strlen(more));
	listing->region = hl_arguments_text(arguments, "region");
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
		listing =
			listing_start(fcinfo, operation, calls->multi_call_memory_ctx);
		calls->user_fctx = listing;
		fetch_page(listing, calls->multi_call_memory_ctx);
	}
	calls = SRF_PERCALL_SETUP();
	listing = calls->user_fctx;
	while (listing->left > 0 && (item = hl_json_step(&listing->each)) == NULL &&
		   listing->token != NULL)
		fetch_page(listing, calls->multi_call_memory_ctx);
	if (item == NULL)
		SRF_RETURN_DONE(calls);
	listing->left--;
	SRF_RETURN_NEXT(
		calls, hl_response_row(fcinfo, listing->items->shape->element, item));
}
