/*
 * paging.c
 *	  The pages of a FHIR search, read one after the other.
 *
 * While one page is read, the request for the next may be in flight: see
 * call/ahead.h.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "aws/link.h"
#include "call/ahead.h"
#include "call/error.h"
#include "fhir/paging.h"
#include "fhir/parameters.h"
#include "fhir/result.h"
#include "fhir/seen.h"
#include "server/owned.h"
#include "server/settings.h"
#include "server/text.h"

struct HlPaging
{
	HlPagingPlan plan;
	MemoryContext memory;
	HlSeen *seen;
	const char *names; /* of the parameters, for the audit trail */
	int64 left;        /* matches that are still wanted */
	int size;          /* _count of the requests; halved by begin_again() */

	/* reset by begin_again() */
	bool linked;   /* the next page is requested by path and query */
	bool progress; /* a new match was returned */
	uint64 pages;
	char *path; /* of the link to the next page */
	char *query;
	char *mark;   /* path and query of an earlier link, to detect a cycle */
	uint64 steps; /* links since the mark */
	uint64 lap;   /* links until the next mark */

	bool over;      /* the current page is the last one */
	HlAhead *page;  /* the current page; NULL: none */
	HlAhead *ahead; /* in flight; NULL: none */
	HlSearchset set;
	uint32 entries; /* of the current page */
	uint32 matches;
	uint32 given;
	char warned[65]; /* the code of the last reported issue */
};

HlPaging *
hl_paging_start(const HlPagingPlan *plan)
{
	HlPaging *paging = palloc0(sizeof(HlPaging));

	paging->plan = *plan;
	paging->memory = CurrentMemoryContext;
	paging->seen = hl_seen_create();
	paging->names = hl_parameters_names(plan->form);
	paging->left = plan->most;
	paging->size = (int) Min((int64) plan->page_size, plan->most);
	paging->lap = 1;
	return paging;
}

/* ---------------------------------------------------------------- requests */

static HlFhirRequest *
first_request(const HlPaging *paging)
{
	const HlPagingPlan *plan = &paging->plan;
	HlFhirRequest *request =
		hl_fhir_request(plan->place, plan->first, plan->method, plan->path);
	char count[12];
	char *form;

	snprintf(count, sizeof(count), "%d", paging->size);
	form = hl_parameters_add(plan->form, "_count", count);
	if (strcmp(plan->method, "GET") == 0)
		request->rest.query = form;
	else
		hl_fhir_request_body(request, HL_FHIR_FORM, form);
	if (plan->strict)
		hl_fhir_request_header(request, "Prefer", "handling=strict");
	return request;
}

/* The request of the next page, with path and query exactly as in the link. */
static HlFhirRequest *
linked_request(const HlPaging *paging)
{
	const HlPagingPlan *plan = &paging->plan;
	HlFhirRequest *request =
		hl_fhir_request(plan->place, plan->further, "GET", paging->path);

	if (paging->query[0] != '\0')
		request->rest.query = paging->query;
	request->rest.asked = plan->path;
	return request;
}

/* Sends the request of the next page; with ahead it does not wait. */
static HlAhead *
start_page(HlPaging *paging, bool ahead)
{
	HlAhead *page = hl_ahead_create(paging->memory);
	MemoryContext caller = MemoryContextSwitchTo(page->memory);
	HlFhirRequest *request;

	request = paging->linked ? linked_request(paging) : first_request(paging);
	request->rest.subject = paging->plan.subject;
	request->rest.parameters = paging->names;
	request->rest.criteria = paging->plan.form;
	MemoryContextSwitchTo(caller);
	hl_ahead_send(page, &request->request, request->region, ahead);
	return page;
}

/*
 * Uses the reply that is in flight, if it succeeds; otherwise sends the
 * request.
 */
static HlAhead *
take_page(HlPaging *paging)
{
	HlAhead *page = hl_ahead_take(&paging->ahead);

	if (page != NULL)
		return page;
	page = start_page(paging, false);
	(void) hl_ahead_await(page);
	return page;
}

/* ------------------------------------------------------------------- links */

/* Whether a link is the marked one. A path has no question mark. */
static bool
is_mark(const HlPaging *paging, const HlLink *link)
{
	size_t len = link->path.len;

	return strncmp(paging->mark, hl_bytes_string(&link->path), len) == 0 &&
		   paging->mark[len] == '?' &&
		   strcmp(paging->mark + len + 1, hl_bytes_string(&link->query)) == 0;
}

/*
 * Whether that link was returned before. Only one earlier link is kept (Brent's
 * algorithm), so a cycle of any length is detected in its second round.
 */
static bool
is_circle(HlPaging *paging, const HlLink *link)
{
	MemoryContext caller;
	bool used = (paging->linked &&
				 strcmp(hl_bytes_string(&link->path), paging->path) == 0 &&
				 strcmp(hl_bytes_string(&link->query), paging->query) == 0) ||
				(paging->mark != NULL && is_mark(paging, link));

	if (used || ++paging->steps < paging->lap)
		return used;
	if (paging->mark != NULL)
		pfree(paging->mark);
	caller = MemoryContextSwitchTo(paging->memory);
	paging->mark = psprintf("%s?%s", hl_bytes_string(&link->path),
							hl_bytes_string(&link->query));
	MemoryContextSwitchTo(caller);
	paging->lap *= 2;
	paging->steps = 0;
	return false;
}

static void refuse_page(const HlAhead *page, const char *why)
	__attribute__((noreturn));

static void
refuse_page(const HlAhead *page, const char *why)
{
	hl_error_refuse(page->run.request->operation, &page->run.call->reply, why);
}

Datum
hl_paging_take(const HlPaging *paging, HlConversion convert,
			   const void *argument)
{
	const HlAhead *page = paging->page;

	return hl_error_convert(page->run.request->operation,
							&page->run.call->reply, convert, argument);
}

static void
keep_link(HlPaging *paging, const HlLink *link)
{
	if (paging->path != NULL)
		pfree(paging->path);
	if (paging->query != NULL)
		pfree(paging->query);
	paging->path = paging->query = NULL;
	paging->path =
		MemoryContextStrdup(paging->memory, hl_bytes_string(&link->path));
	paging->query =
		MemoryContextStrdup(paging->memory, hl_bytes_string(&link->query));
	paging->linked = true;
}

/* Frees a parsed link when the memory of the page is released. */
static void
free_link(void *link)
{
	hl_link_free(link);
}

/*
 * Reads the link of the next page. A link to another host or data store is
 * refused.
 */
static void
take_link(HlPaging *paging, const HlAhead *page)
{
	const HlCall *call = page->run.call;
	HlLinkBase base = {.target = call->target,
					   .region = call->region,
					   .datastore_id = paging->plan.place->datastore_id};
	MemoryContext caller = MemoryContextSwitchTo(page->memory);
	HlLink *link = hl_owned_create(sizeof(HlLink), free_link);
	HlLinkOutcome outcome;

	MemoryContextSwitchTo(caller);
	paging->over = paging->set.next[0] == '\0';
	if (paging->over)
		return;
	outcome = hl_link_read(&base, paging->set.next, link);
	hl_text_refuse_memory(outcome == HL_LINK_NO_MEMORY);
	if (outcome == HL_LINK_REFUSED)
		refuse_page(page,
					psprintf("the link to the next page cannot be followed: %s",
							 link->reason));
	if (is_circle(paging, link))
		refuse_page(page, "the link to the next page has been used before");
	keep_link(paging, link);
}

/* ------------------------------------------------------------------- pages */

/* Raises the failure of a page. */
static void
raise_page(HlPaging *paging, const HlAhead *page)
{
	const HlReply *reply = &page->run.call->reply;

	if (reply->too_large)
		ereport(ERROR, (errcode(HL_ERRCODE_MALFORMED),
						errmsg("a page of one resource is larger than "
							   "healthlake.max_response_size"),
						errdetail("Operation %s, page size %d. "
								  "healthlake.max_response_size is %d kB.",
								  page->run.request->operation->name,
								  paging->size, hl_settings.max_response_size),
						errhint("Raise healthlake.max_response_size.")));
	hl_error_raise(page->run.request->operation, reply, NULL);
}

/*
 * Begins the search again if that may help: with half the page size after a
 * page that is too large, or after the token of a page was refused. A second
 * refusal without a new resource in between is an error.
 */
static void
begin_again(HlPaging *paging, const HlAhead *page)
{
	const HlReply *reply = &page->run.call->reply;
	bool refused = paging->linked && paging->progress &&
				   reply->outcome == HL_OUTCOME_REFUSED &&
				   (reply->http_status == 400 || reply->http_status == 404 ||
					reply->http_status == 410);
	bool large = reply->too_large && paging->size > 1;

	if (!refused && !large)
		raise_page(paging, page);
	if (large)
		paging->size /= 2;
	paging->linked = false;
	paging->progress = false;
	paging->over = false;
	paging->pages = 0;
	paging->steps = 0;
	paging->lap = 1;
	if (paging->mark != NULL)
		pfree(paging->mark);
	paging->mark = NULL;
}

static void
count_entries(HlPaging *paging)
{
	HlSearchset set = paging->set;
	HlEntry entry;

	paging->entries = paging->matches = paging->given = 0;
	while (hl_searchset_step(&set, &entry))
	{
		paging->entries++;
		paging->matches += entry.mode == HL_ENTRY_MATCH;
	}
}

static void
read_page(HlPaging *paging, HlAhead *page)
{
	paging->page = page;
	paging->pages++;
	if (!hl_searchset_read(&paging->set, page->run.call->reply.document))
		refuse_page(page, paging->set.fault);
	if (paging->plan.first == HL_FHIR_SEARCH_WITH_POST)
		paging->set.type = paging->plan.subject;
	count_entries(paging);
	take_link(paging, page);
}

/* Fetches the next page; false if there is none. */
static bool
fetch_page(HlPaging *paging)
{
	hl_ahead_free(&paging->page);
	while (!paging->over)
	{
		HlAhead *page = take_page(paging);

		if (page->run.call->reply.outcome == HL_OUTCOME_SUCCESS)
		{
			read_page(paging, page);
			return true;
		}
		begin_again(paging, page);
		hl_ahead_free(&page);
	}
	return false;
}

/*
 * Whether the next page may be requested before it is needed: only after half
 * of the first page was read, since callers that want a few rows take them from
 * there, and not if reads are audited: a row for a page that is never returned
 * would record a disclosure that did not take place.
 */
static bool
may_look_ahead(const HlPaging *paging)
{
	return hl_settings.audit_reads == HL_AUDIT_OFF && paging->page != NULL &&
		   !paging->over && paging->linked &&
		   paging->left > (int64) paging->matches &&
		   (paging->pages > 1 || paging->given >= paging->entries / 2);
}

/* Requests the next page, and advances what is in flight. */
static void
look_ahead(HlPaging *paging)
{
	if (paging->ahead != NULL)
	{
		if (paging->given % HL_AHEAD_INTERVAL == 0)
			hl_ahead_go_on(paging->ahead);
	}
	else if (may_look_ahead(paging))
		paging->ahead = start_page(paging, true);
}

/* ----------------------------------------------------------------- entries */

/* Whether a text looks like a FHIR code; other text could be patient data. */
static bool
is_issue_code(const char *code)
{
	size_t len = strspn(code, "abcdefghijklmnopqrstuvwxyz-");

	return len > 0 && len < 65 && code[len] == '\0';
}

/* Reports the issues of a search: only their codes, each once. */
static void
warn_of_issues(HlPaging *paging, const HlJson *outcome)
{
	HlJsonEach each = hl_json_each(hl_json_member(outcome, "issue"));
	const HlJson *issue;

	while ((issue = hl_json_step(&each)) != NULL)
	{
		const char *code = hl_json_string(hl_json_member(issue, "code"));

		if (!is_issue_code(code))
			code = "unknown";
		if (strcmp(code, paging->warned) == 0)
			continue;
		strlcpy(paging->warned, code, sizeof(paging->warned));
		ereport(WARNING, (errmsg("HealthLake reports issue \"%s\" with the "
								 "search",
								 code)));
	}
}

/* Whether an entry was not returned before; remembers it. */
static bool
is_new(HlPaging *paging, const HlEntry *entry)
{
	char role = entry->mode == HL_ENTRY_MATCH ? 'm' : 'i';
	char *id;
	bool added;

	if (entry->type[0] == '\0' || entry->id[0] == '\0')
		return true;
	if (!paging->plan.versions)
		return hl_seen_add(paging->seen, role, entry->type, entry->id);
	if (entry->version_id[0] == '\0')
		return true;
	id = psprintf("%s/%s", entry->id, entry->version_id);
	added = hl_seen_add(paging->seen, role, entry->type, id);
	pfree(id);
	return added;
}

/* Whether an entry is to be returned. */
static bool
is_wanted(HlPaging *paging, const HlEntry *entry)
{
	paging->given++;
	if (entry->mode == HL_ENTRY_OUTCOME)
	{
		warn_of_issues(paging, entry->resource);
		return false;
	}
	if (entry->mode == HL_ENTRY_MATCH && paging->left == 0)
		return false;
	if (!is_new(paging, entry))
		return false;
	if (entry->mode == HL_ENTRY_MATCH)
	{
		paging->left--;
		paging->progress = true;
	}
	return true;
}

bool
hl_paging_next(HlPaging *paging, HlEntry *entry)
{
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		look_ahead(paging);
		if (paging->page != NULL)
		{
			while (hl_searchset_step(&paging->set, entry))
				if (is_wanted(paging, entry))
					return true;
		}
		if (paging->left == 0 || !fetch_page(paging))
			return false;
	}
}
