/*
 * pages.c
 *	  Fetches the pages of a list.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "call/call.h"
#include "call/error.h"
#include "call/pages.h"
#include "model/response.h"
#include "server/owned.h"
#include "server/text.h"

struct HlPages
{
	const HlRequest *first; /* validated; later ones differ in their token */
	const char *region;
	bool sized; /* the caller has specified a page size */
	bool over;
	char *token;  /* of the next page; NULL at first */
	char *mark;   /* an earlier token, to detect a cycle */
	uint64 steps; /* tokens since the mark */
	uint64 lap;   /* tokens until the next mark */
};

/* A page's request, whose bytes are freed with the memory of the page. */
typedef struct PageRequest
{
	HlRequest request;
} PageRequest;

static void
page_request_free(void *argument)
{
	hl_bytes_free(&((PageRequest *) argument)->request.body);
}

HlPages *
hl_pages_start(const HlOperation *operation, const char *json, const char *more,
			   const char *region)
{
	HlPages *pages = palloc0(sizeof(HlPages));
	const HlJson *body;

	pages->first = hl_request_make(operation, json, more, true);
	pages->region = region;
	pages->lap = 1;
	body = hl_response_read(hl_bytes_string(&pages->first->body));
	pages->sized = hl_json_member(body, "MaxResults") != NULL;
	if (hl_json_member(body, "NextToken") != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("member NextToken is not allowed in a list of all pages"),
			 errhint("healthlake_call() fetches a single page.")));
	return pages;
}

/* Appends the members that request one page, before the other members. */
static void
append_page(HlBytes *bytes, const HlPages *pages, int64 wanted)
{
	const HlShape *input = pages->first->operation->input;
	const HlMember *size = hl_shape_member(input, "MaxResults", 10);
	const char *rest = hl_bytes_string(&pages->first->body) + 1;

	hl_bytes_append_char(bytes, '{');
	if (size != NULL && !pages->sized && wanted < size->shape->max)
		hl_bytes_format(bytes, "\"MaxResults\":" INT64_FORMAT ",", wanted);
	if (pages->token != NULL)
	{
		hl_bytes_append_string(bytes, "\"NextToken\":");
		hl_json_append_string(bytes, pages->token, strlen(pages->token));
		hl_bytes_append_char(bytes, ',');
	}
	if (rest[0] == '}' && bytes->len > 1)
		bytes->len--; /* removes the last comma */
	hl_bytes_append_string(bytes, rest);
}

HlRequest *
hl_pages_request(HlPages *pages, int64 wanted)
{
	PageRequest *page;

	if (pages->over)
		return NULL;
	page = hl_owned_create(sizeof(PageRequest), page_request_free);
	page->request.operation = pages->first->operation;
	append_page(&page->request.body, pages, wanted);
	if (page->request.body.failed)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return &page->request;
}

/*
 * Whether a token was returned before. Only one earlier token is kept (Brent's
 * algorithm), so a cycle of any length is detected in its second round.
 */
static bool
is_repeated(HlPages *pages, const char *token)
{
	if ((pages->token != NULL && strcmp(token, pages->token) == 0) ||
		(pages->mark != NULL && strcmp(token, pages->mark) == 0))
		return true;
	if (++pages->steps < pages->lap)
		return false;
	if (pages->mark != NULL)
		pfree(pages->mark);
	pages->mark = MemoryContextStrdup(GetMemoryChunkContext(pages), token);
	pages->lap *= 2;
	pages->steps = 0;
	return false;
}

void
hl_pages_take(HlPages *pages, const HlJson *page)
{
	const char *token = hl_json_string(hl_json_member(page, "NextToken"));

	pages->over = token[0] == '\0';
	if (pages->over)
		return;
	if (is_repeated(pages, token))
		ereport(ERROR, (errcode(HL_ERRCODE_MALFORMED),
						errmsg("unusable reply to %s: the token of the next "
							   "page has been used before",
							   pages->first->operation->name)));
	if (pages->token != NULL)
		pfree(pages->token);
	pages->token = MemoryContextStrdup(GetMemoryChunkContext(pages), token);
}

const HlReply *
hl_pages_next(HlPages *pages, int64 wanted)
{
	const HlRequest *request = hl_pages_request(pages, wanted);
	const HlReply *reply;

	if (request == NULL)
		return NULL;
	reply = hl_call_perform(request, pages->region);
	hl_pages_take(pages, reply->document);
	return reply;
}
