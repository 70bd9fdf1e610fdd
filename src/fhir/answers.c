/*
 * answers.c
 *	  Reads the answers to the entries of a batch or a transaction.
 *
 * HealthLake's status is a bare number, while other servers add the reason
 * phrase; a location may be a URL or a path. Nothing is sent to its host: only
 * type, id and version are used.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/timestamp.h"
#include "fhir/answers.h"
#include "fhir/result.h"
#include "fhir/types.h"

/* A list of stored resources of more bytes is not continued. */
#define ENOUGH_STORED 80

/* A string member; NULL if it is missing or not a string. */
static const char *
text_of_member(const HlJson *object, const char *name)
{
	const HlJson *value = hl_json_member(object, name);

	return hl_json_kind(value) == HL_JSON_STRING ? hl_json_string(value) : NULL;
}

/* The status in "201", "201 Created" or 201; 0 if there is none. */
static int
read_status(const HlJson *value)
{
	const char *text = hl_json_string(value);
	int status = 0;

	for (; *text >= '0' && *text <= '9' && status < 1000; text++)
		status = status * 10 + (*text - '0');
	if ((*text != '\0' && *text != ' ') || status < 100 || status > 599)
		return 0;
	return status;
}

/* The identity in a location or a resource; NULL: missing. */
typedef struct Named
{
	const char *type;
	const char *id;
	const char *version;
} Named;

/* Reads Type/id or Type/id/_history/version at the end of a location. */
static Named
read_location(const char *location)
{
	char *type = pstrdup(location);
	char *version = strstr(type, "/_history/");
	char *before;
	char *id;

	if (version != NULL)
	{
		*version = '\0';
		version += strlen("/_history/");
	}
	id = strrchr(type, '/');
	if (id == NULL)
		return (Named){0};
	*id++ = '\0';
	before = strrchr(type, '/');
	if (before != NULL)
		type = before + 1;
	if (!hl_fhir_is_type(type) || !hl_fhir_is_id(id) ||
		(version != NULL && !hl_fhir_is_id(version)))
		return (Named){0};
	return (Named){type, id, version};
}

/* Reads the identity of a resource; its version is optional. */
static Named
read_resource(const HlJson *resource)
{
	const HlJson *meta = hl_json_member(resource, "meta");
	const char *version = text_of_member(meta, "versionId");

	return (Named){text_of_member(resource, "resourceType"),
				   text_of_member(resource, "id"),
				   version != NULL && hl_fhir_is_id(version) ? version : NULL};
}

/*
 * Copies the identity to an answer; false if it is not the requested one, or
 * contradicts another part of the answer.
 */
static bool
take_named(HlFhirAnswer *answer, const HlFhirEntry *asked, const Named *named)
{
	if (strcmp(named->type, answer->type) != 0 ||
		(answer->id != NULL && strcmp(named->id, answer->id) != 0) ||
		(asked->version != NULL && named->version != NULL &&
		 strcmp(named->version, asked->version) != 0))
		return false;
	answer->id = named->id;
	if (answer->version == NULL)
		answer->version = named->version;
	return true;
}

/*
 * Whether the answer to an entry is a searchset or a history: of paths beyond
 * type and id, only _history/version is a resource.
 */
static bool
asks_for_bundle(const HlFhirEntry *asked)
{
	if (strcmp(asked->method, "GET") != 0)
		return false;
	return asked->id == NULL ||
		   (asked->version == NULL &&
			strcspn(asked->url, "?") >
				strlen(asked->type) + 1 + strlen(asked->id));
}

/* Copies the resource; false if it is not the requested one. */
static bool
take_resource(HlFhirAnswer *answer, const HlFhirEntry *asked)
{
	const HlJson *resource = answer->resource;
	const char *updated =
		text_of_member(hl_json_member(resource, "meta"), "lastUpdated");
	Named named = read_resource(resource);

	if (named.type == NULL)
		return false;
	if (asks_for_bundle(asked))
		return strcmp(named.type, "Bundle") == 0;
	if (named.id == NULL || !hl_fhir_is_id(named.id) ||
		!take_named(answer, asked, &named))
		return false;
	if (!answer->dated && updated != NULL)
		answer->dated = hl_timestamp_from_text(updated, strlen(updated),
											   &answer->last_updated);
	return true;
}

/*
 * Whether an answer may have a resource: only a success, and not that of a
 * DELETE, which the role may not have the right to read.
 */
static bool
may_show(const HlFhirAnswer *answer, const HlFhirEntry *asked)
{
	return !hl_answer_failed(answer) && strcmp(asked->method, "DELETE") != 0;
}

/* The outcome of an entry; NULL if it is something else. */
static const HlJson *
read_outcome(const HlJson *outcome)
{
	return hl_fhir_is_a(outcome, "OperationOutcome") ? outcome : NULL;
}

/*
 * Whether an answer has its outcome in the place of the resource, as the reply
 * to a single write may have it.
 */
static bool
is_outcome_of(const HlFhirAnswer *answer, const HlFhirEntry *asked,
			  const HlJson *resource)
{
	return answer->outcome == NULL && strcmp(asked->method, "GET") != 0 &&
		   hl_fhir_is_a(resource, "OperationOutcome");
}

/*
 * Reads a successful answer; false if it is not about the requested resource.
 */
static bool
read_success(HlFhirAnswer *answer, const HlFhirEntry *asked,
			 const HlJson *response)
{
	const char *location = text_of_member(response, "location");
	const char *tag = text_of_member(response, "etag");
	const char *modified = text_of_member(response, "lastModified");
	Named named = {0};

	if (location != NULL && !asks_for_bundle(asked))
		named = read_location(location);
	if (named.type != NULL && !take_named(answer, asked, &named))
		return false;
	if (answer->version == NULL && tag != NULL)
		answer->version = hl_fhir_version_of(tag);
	if (modified != NULL)
		answer->dated = hl_timestamp_from_text(modified, strlen(modified),
											   &answer->last_updated);
	return answer->resource == NULL || take_resource(answer, asked);
}

/* Reads one answer; false if it is invalid. */
static bool
read_answer(HlFhirAnswer *answer, const HlFhirEntry *asked, const HlJson *entry)
{
	const HlJson *response = hl_json_member(entry, "response");
	const HlJson *resource = hl_json_member(entry, "resource");

	answer->status = read_status(hl_json_member(response, "status"));
	if (answer->status == 0)
		return false;
	answer->type = asked->type;
	answer->id = asked->id;
	answer->outcome = read_outcome(hl_json_member(response, "outcome"));
	if (is_outcome_of(answer, asked, resource))
		answer->outcome = resource;
	else if (may_show(answer, asked) && hl_json_kind(resource) != HL_JSON_NULL)
		answer->resource = resource;
	return hl_answer_failed(answer) || read_success(answer, asked, response);
}

HlFhirAnswer *
hl_answers_read(const HlFhirEntries *entries, const HlJson *reply)
{
	const char *kind = text_of_member(reply, "type");
	const HlJson *list = hl_json_member(reply, "entry");
	HlJsonEach each = hl_json_each(list);
	HlFhirAnswer *answers;

	if (!hl_fhir_is_a(reply, "Bundle") || kind == NULL ||
		strcmp(kind, entries->transaction ? "transaction-response"
										  : "batch-response") != 0 ||
		hl_json_len(list) != (size_t) entries->count)
		return NULL;
	answers = palloc0(sizeof(HlFhirAnswer) * Max(entries->count, 1));
	for (int i = 0; i < entries->count; i++)
		if (!read_answer(&answers[i], &entries->entries[i],
						 hl_json_step(&each)) ||
			/* a transaction has no failed entries */
			(entries->transaction && hl_answer_failed(&answers[i])))
			return NULL;
	return answers;
}

bool
hl_answer_failed(const HlFhirAnswer *answer)
{
	return answer->status < 200 || answer->status > 299;
}

char *
hl_answers_list(const HlFhirEntries *entries, const HlFhirAnswer *answers)
{
	StringInfoData list;

	initStringInfo(&list);
	appendStringInfoChar(&list, '[');
	for (int i = 0; i < entries->count; i++)
	{
		const HlFhirEntry *entry = &entries->entries[i];
		const char *id = answers != NULL ? answers[i].id : entry->id;

		/* these characters need no escapes */
		appendStringInfo(&list, "%s\"%s %s%s%s\"", i > 0 ? "," : "",
						 entry->method, entry->type, id != NULL ? "/" : "",
						 id != NULL ? id : "");
	}
	appendStringInfoChar(&list, ']');
	return list.data;
}

char *
hl_answers_stored(const HlFhirEntries *entries, const HlFhirAnswer *answers)
{
	StringInfoData list;
	int others = 0;

	initStringInfo(&list);
	for (int i = 0; i < entries->count; i++)
	{
		const HlFhirAnswer *answer = &answers[i];

		if (strcmp(entries->entries[i].method, "GET") == 0 ||
			hl_answer_failed(answer))
			continue;
		/* once the list is long, or the answer names no resource */
		if (others > 0 || list.len > ENOUGH_STORED || answer->id == NULL)
			others++;
		else
			appendStringInfo(&list, "%s%s/%s", list.len > 0 ? ", " : "",
							 answer->type, answer->id);
	}
	if (list.len == 0)
		return NULL;
	if (others > 0)
		appendStringInfo(&list, " and %d others", others);
	return list.data;
}
