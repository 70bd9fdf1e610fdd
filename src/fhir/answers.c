/*
 * answers.c
 *	  HealthLake's status is a bare number, and others add its reason; a
 *	  location may be an URL or a path. Whatever host it names, nothing is sent
 *	  there: only type, id and version are taken from it.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/timestamp.h"
#include "fhir/answers.h"
#include "fhir/result.h"
#include "fhir/types.h"

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

/* Takes type, id and version from a location, if it has all of them. */
static void
take_location(HlFhirAnswer *answer, const char *location)
{
	char *parts = pstrdup(location);
	char *history = strstr(parts, "/_history/");
	char *id;
	char *type;

	if (history == NULL)
		return;
	*history = '\0';
	id = strrchr(parts, '/');
	if (id == NULL)
		return;
	*id++ = '\0';
	type = strrchr(parts, '/');
	type = type == NULL ? parts : type + 1;
	history += strlen("/_history/");
	if (!hl_fhir_is_type(type) || !hl_fhir_is_id(id) || !hl_fhir_is_id(history))
		return;
	answer->type = type;
	answer->id = id;
	answer->version = history;
}

/* Takes type, id and version from the resource, if nothing else has them. */
static void
take_resource(HlFhirAnswer *answer)
{
	const HlJson *meta = hl_json_member(answer->resource, "meta");
	const char *type = text_of_member(answer->resource, "resourceType");
	const char *id = text_of_member(answer->resource, "id");
	const char *version = text_of_member(meta, "versionId");
	const char *updated = text_of_member(meta, "lastUpdated");

	if (answer->id == NULL && type != NULL && id != NULL &&
		hl_fhir_is_type(type) && hl_fhir_is_id(id))
	{
		answer->type = type;
		answer->id = id;
	}
	if (answer->id == NULL || id == NULL || strcmp(answer->id, id) != 0)
		return;
	if (answer->version == NULL)
		answer->version = version;
	if (!answer->dated && updated != NULL)
		answer->dated = hl_timestamp_from_text(updated, strlen(updated),
											   &answer->last_updated);
}

/* Reads one answer; false if it is invalid. */
static bool
read_answer(HlFhirAnswer *answer, const HlFhirEntry *asked, const HlJson *entry)
{
	const HlJson *response = hl_json_member(entry, "response");
	const char *location = text_of_member(response, "location");
	const char *tag = text_of_member(response, "etag");
	const char *modified = text_of_member(response, "lastModified");

	answer->status = read_status(hl_json_member(response, "status"));
	if (answer->status == 0)
		return false;
	answer->type = asked->type;
	answer->id = asked->id;
	answer->outcome = hl_json_member(response, "outcome");
	answer->resource = hl_json_member(entry, "resource");
	if (hl_answer_failed(answer))
		return true;
	if (location != NULL)
		take_location(answer, location);
	if (answer->version == NULL && tag != NULL)
		answer->version = hl_fhir_version_of(tag);
	if (modified != NULL)
		answer->dated = hl_timestamp_from_text(modified, strlen(modified),
											   &answer->last_updated);
	if (asked->id != NULL || hl_entry_word(asked) != HL_FHIR_MAY_READ)
		take_resource(answer);
	return true;
}

HlFhirAnswer *
hl_answers_read(const HlFhirEntries *entries, const HlJson *reply)
{
	const char *type = text_of_member(reply, "resourceType");
	const char *kind = text_of_member(reply, "type");
	const HlJson *list = hl_json_member(reply, "entry");
	HlJsonEach each = hl_json_each(list);
	HlFhirAnswer *answers;

	if (type == NULL || strcmp(type, "Bundle") != 0 || kind == NULL ||
		strcmp(kind, entries->transaction ? "transaction-response"
										  : "batch-response") != 0 ||
		hl_json_len(list) != (size_t) entries->count)
		return NULL;
	answers = palloc0(sizeof(HlFhirAnswer) * Max(entries->count, 1));
	for (int i = 0; i < entries->count; i++)
		if (!read_answer(&answers[i], &entries->entries[i],
						 hl_json_step(&each)))
			return NULL;
	return answers;
}

bool
hl_answer_failed(const HlFhirAnswer *answer)
{
	return answer->status >= 400;
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

		/* of these characters none needs an escape */
		appendStringInfo(&list, "%s\"%s %s%s%s\"", i > 0 ? "," : "",
						 entry->method, entry->type, id != NULL ? "/" : "",
						 id != NULL ? id : "");
	}
	appendStringInfoChar(&list, ']');
	return list.data;
}
