/*
 * load_batch.c
 *	  Portions of a batch, and their answers.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "aws/protocol.h"
#include "fhir/load_batch.h"
#include "server/clock.h"
#include "server/random.h"
#include "server/text.h"

/* The first and the longest delay, in milliseconds. */
#define FIRST_REST 100
#define LONGEST_REST 20000

HlLoadBatch *
hl_load_batch_create(MemoryContext parent, int most)
{
	MemoryContext memory = AllocSetContextCreate(parent, "healthlake load",
												 ALLOCSET_DEFAULT_SIZES);
	HlLoadBatch *batch = MemoryContextAllocZero(memory, sizeof(HlLoadBatch));

	batch->memory = memory;
	batch->resources =
		MemoryContextAlloc(memory, sizeof(HlLoadResource *) * most);
	return batch;
}

/* Copies a text. */
static const char *
keep_text(const char *text)
{
	return text == NULL ? NULL : pstrdup(text);
}

static void
note_issue(HlLoadBatch *batch, const HlLoadResource *resource, int status,
		   const char *code, const char *expression)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->memory);
	HlLoadIssue *issue = palloc(sizeof(HlLoadIssue));

	*issue =
		(HlLoadIssue){resource, status, keep_text(code), keep_text(expression)};
	batch->issues = lappend(batch->issues, issue);
	MemoryContextSwitchTo(caller);
}

void
hl_load_batch_add(HlLoadBatch *batch, const HlLoadResource *resource)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->memory);
	HlLoadResource *copy = palloc(sizeof(HlLoadResource));

	*copy = *resource;
	copy->type = keep_text(resource->type);
	copy->id = keep_text(resource->id);
	copy->json = resource->code == NULL ? keep_text(resource->json) : NULL;
	batch->last = resource->place;
	if (resource->code != NULL)
		note_issue(batch, copy, 0, resource->code, resource->expression);
	else
	{
		batch->resources[batch->count++] = copy;
		batch->bytes += resource->len;
	}
	MemoryContextSwitchTo(caller);
}

void
hl_load_batch_close(HlLoadBatch *batch)
{
	size_t size = sizeof(HlLoadResource *) * Max(batch->count, 1);

	batch->left = MemoryContextAlloc(batch->memory, size);
	memcpy(batch->left, batch->resources,
		   sizeof(HlLoadResource *) * batch->count);
	batch->nleft = batch->portion = batch->count;
}

/* Appends the entry that puts a resource. */
static void
append_put(HlBytes *bytes, const HlLoadResource *resource)
{
	/* these characters need no escapes */
	hl_bytes_format(bytes,
					"{\"request\":{\"method\":\"PUT\",\"url\":\"%s/%s\"}",
					resource->type, resource->id);
	hl_bytes_append_string(bytes, ",\"resource\":");
	hl_bytes_append(bytes, resource->json, resource->len);
	hl_bytes_append_char(bytes, '}');
}

char *
hl_load_batch_write(HlLoadBatch *batch, HlFhirEntries *entries)
{
	HlBytes bytes = {0};

	batch->asked = Min(batch->portion, batch->nleft);
	entries->transaction = false;
	entries->count = batch->asked;
	entries->entries = palloc0(sizeof(HlFhirEntry) * batch->asked);
	hl_bytes_append_string(
		&bytes, "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[");
	for (int i = 0; i < batch->asked; i++)
	{
		const HlLoadResource *resource = batch->left[i];

		entries->entries[i].method = "PUT";
		entries->entries[i].type = resource->type;
		entries->entries[i].id = resource->id;
		if (i > 0)
			hl_bytes_append_char(&bytes, ',');
		append_put(&bytes, resource);
	}
	hl_bytes_append_string(&bytes, "]}");
	return hl_text_take(&bytes);
}

/* Whether a later attempt may succeed. */
static bool
may_pass(int status)
{
	return status == 429 || status >= 500;
}

/*
 * Removes the portion from the resources that are left, except those that are
 * sent again.
 */
static void
keep_left(HlLoadBatch *batch, int again)
{
	int rest = batch->nleft - batch->asked;

	memmove(batch->left + again, batch->left + batch->asked,
			sizeof(HlLoadResource *) * rest);
	batch->nleft = again + rest;
	batch->asked = 0;
}

/*
 * Delays a batch that AWS cannot take now, with exponential backoff and jitter.
 */
static void
rest_first(HlLoadBatch *batch)
{
	int64 rest = (int64) FIRST_REST << Min(batch->tries, 10);

	batch->tries++;
	batch->due =
		hl_clock_steady_ms() +
		(int64) (Min(rest, LONGEST_REST) * (0.5 + hl_random_fraction() / 2));
}

/*
 * The first issue of an OperationOutcome that is more than an information; NULL
 * if it has none.
 */
static const HlJson *
first_warning(const HlJson *outcome)
{
	HlJsonEach each = hl_json_each(hl_json_member(outcome, "issue"));
	const HlJson *issue;

	while ((issue = hl_json_step(&each)) != NULL)
	{
		const char *severity =
			hl_json_string(hl_json_member(issue, "severity"));

		if (strcmp(severity, "warning") == 0 ||
			strcmp(severity, "error") == 0 || strcmp(severity, "fatal") == 0)
			return issue;
	}
	return NULL;
}

/* The issue for which a resource was refused; NULL if it is not given. */
static const HlJson *
main_issue(const HlJson *outcome)
{
	const HlJson *warning = first_warning(outcome);

	return warning != NULL
			   ? warning
			   : hl_json_element(hl_json_member(outcome, "issue"), 0);
}

/* The code of an issue; NULL if it has none. */
static const char *
code_of(const HlJson *issue)
{
	const HlJson *code = hl_json_member(issue, "code");

	if (hl_json_kind(code) != HL_JSON_STRING)
		return NULL;
	return hl_protocol_is_issue_code(hl_json_string(code))
			   ? hl_json_string(code)
			   : "unknown";
}

/*
 * The expression of an issue; NULL if it has none, or one that may quote a
 * value.
 */
static const char *
path_of(const HlJson *issue)
{
	const char *path =
		hl_json_string(hl_json_element(hl_json_member(issue, "expression"), 0));

	return hl_protocol_is_path(path) ? path : NULL;
}

/* Records the issue of an entry; NULL: one that AWS does not describe. */
static void
note_entry(HlLoadBatch *batch, int i, int status, const HlJson *issue)
{
	note_issue(batch, batch->left[i], status, code_of(issue), path_of(issue));
}

/* Records which resources were stored with validation issues. */
static void
note_warnings(HlLoadBatch *batch, const HlFhirAnswer *answers, bool issues)
{
	int before = list_length(batch->issues);

	for (int i = 0; i < batch->asked; i++)
	{
		const HlJson *warning = first_warning(answers[i].outcome);

		if (!hl_answer_failed(&answers[i]) &&
			(warning != NULL || (issues && batch->asked == 1)))
			note_entry(batch, i, answers[i].status, warning);
	}
	if (issues && list_length(batch->issues) == before)
		batch->vague++;
}

void
hl_load_batch_take(HlLoadBatch *batch, const HlFhirAnswer *answers, bool issues)
{
	int again = 0;

	note_warnings(batch, answers, issues);
	for (int i = 0; i < batch->asked; i++)
	{
		const HlFhirAnswer *answer = &answers[i];

		if (!hl_answer_failed(answer))
			batch->taken++;
		else if (may_pass(answer->status))
		{
			batch->busy_status = answer->status;
			batch->left[again++] = batch->left[i];
		}
		else
			note_entry(batch, i, answer->status, main_issue(answer->outcome));
	}
	if (again < batch->asked)
		batch->tries = 0;
	keep_left(batch, again);
	batch->portion = Min(batch->portion * 2, batch->count);
	if (again > 0)
		rest_first(batch);
}

void
hl_load_batch_divide(HlLoadBatch *batch, int status, const char *code,
					 const char *expression)
{
	if (batch->asked > 1)
	{
		batch->portion = batch->asked / 2;
		batch->asked = 0;
		return;
	}
	note_issue(batch, batch->left[0], status, code, expression);
	keep_left(batch, 0);
}
