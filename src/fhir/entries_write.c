/*
 * entries_write.c
 *	  Writes entries as a Bundle, and rewrites them for the queue.
 */
#include "postgres.h"

#include "common/base64.h"

#include "fhir/body.h"
#include "fhir/entries.h"
#include "fhir/links.h"
#include "fhir/types.h"
#include "model/request.h"
#include "model/response.h"
#include "server/text.h"

/* ------------------------------------------------------- fit for the queue */

/* Turns a POST into a PUT with a new id, which creates once. */
static void
settle_entry(HlFhirEntry *entry, int at)
{
	if (strcmp(entry->method, "POST") != 0)
		return;
	if (hl_fhir_is_written_once(entry->type))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("Bundle.entry[%d] cannot be enqueued: HealthLake assigns "
					"the id of %s",
					at, entry->type),
			 errhint(
				 "Enqueue it separately by healthlake_fhir_enqueue_create(), "
				 "which uses an idempotency key.")));
	entry->method = "PUT";
	entry->id = hl_request_token();
	entry->given_id = true;
	entry->url = psprintf("%s/%s", entry->type, entry->id);
	entry->if_none_match = "*";
}

/* Refuses two entries with the fullUrl of one that gets an id. */
static void
check_full_url(const HlFhirEntries *entries, int at)
{
	const HlFhirEntry *entry = &entries->entries[at];

	for (int i = 0; i < entries->count; i++)
	{
		const HlFhirEntry *other = &entries->entries[i];

		if (i != at && entry->given_id && entry->full_url != NULL &&
			other->full_url != NULL &&
			hl_links_are_same(entry->full_url, other->full_url))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("Bundle.entry[%d] cannot be enqueued: its fullUrl "
							"is that of another entry",
							at)));
	}
}

/* A text without blanks and line breaks, which base64 may contain. */
static char *
without_blanks(const char *text)
{
	char *copy = palloc(strlen(text) + 1);
	char *to = copy;

	for (; *text != '\0'; text++)
		if (strchr(" \t\r\n", *text) == NULL)
			*to++ = *text;
	*to = '\0';
	return copy;
}

/* A patch in a Binary as the array that it is, if it is one. */
static void
open_patch(HlFhirEntry *entry)
{
	const HlJson *data = hl_json_member(entry->resource, "data");
	const char *base64;
	char *text;
	int size;
	int len;
	const HlJson *patch;

	if (strcmp(entry->method, "PATCH") != 0 ||
		hl_json_kind(data) != HL_JSON_STRING ||
		strcmp(hl_json_string(hl_json_member(entry->resource, "resourceType")),
			   "Binary") != 0)
		return;
	base64 = without_blanks(hl_json_string(data));
	size = pg_b64_dec_len((int) strlen(base64));
	text = palloc(size + 1);
	len = pg_b64_decode(base64, (int) strlen(base64), (void *) text, size);
	if (len < 0)
		return;
	text[len] = '\0';
	patch = hl_response_read(text);
	if (hl_json_kind(patch) == HL_JSON_ARRAY)
		entry->resource = patch;
}

void
hl_entries_settle(HlFhirEntries *entries)
{
	for (int i = 0; i < entries->count; i++)
	{
		settle_entry(&entries->entries[i], i);
		open_patch(&entries->entries[i]);
	}
	for (int i = 0; i < entries->count; i++)
		check_full_url(entries, i);
	entries->settled = true;
}

/* ---------------------------------------------------------------- writing */

/* Appends a JSON Patch as a Bundle can contain it; frees the bytes. */
static void
append_patch(HlBytes *bytes, HlBytes *patch)
{
	char *text = hl_text_take(patch);
	int len = pg_b64_enc_len((int) strlen(text));
	char *encoded = palloc(len + 1);

	len = pg_b64_encode((void *) text, (int) strlen(text), encoded, len);
	if (len < 0)
		elog(ERROR, "could not encode a patch");
	hl_bytes_append_string(bytes,
						   "{\"resourceType\":\"Binary\",\"contentType\":"
						   "\"application/json-patch+json\",\"data\":\"");
	hl_bytes_append(bytes, encoded, len);
	hl_bytes_append_string(bytes, "\"}");
}

/* Raises that the links of an entry cannot be replaced. */
static void
refuse_links(const HlFhirEntries *entries, const HlFhirEntry *entry,
			 const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("Bundle.entry[%d] cannot be enqueued: %s",
					(int) (entry - entries->entries), reason),
			 errhint("PUT the resource that it refers to under an id of your "
					 "own, and refer to it as type/id.")));
}

static void
append_resource(HlBytes *bytes, const HlFhirEntries *entries,
				const HlFhirEntry *entry)
{
	HlBytes json = {0};
	const char *fault = NULL;

	if (entries->settled)
		fault = hl_links_append(&json, entries, entry);
	else
		hl_json_append_node(&json, entry->resource);
	if (fault != NULL)
	{
		hl_bytes_free(&json);
		hl_bytes_free(bytes);
		refuse_links(entries, entry, fault);
	}
	if (hl_json_kind(entry->resource) == HL_JSON_ARRAY)
		append_patch(bytes, &json);
	else
		hl_bytes_append_string(bytes, hl_text_take(&json));
}

/* Appends a string member, unless it is NULL. */
static void
append_text(HlBytes *bytes, const char *lead, const char *text)
{
	if (text == NULL)
		return;
	hl_bytes_append_string(bytes, lead);
	hl_json_append_string(bytes, text, strlen(text));
}

static void
append_entry(HlBytes *bytes, const HlFhirEntries *entries,
			 const HlFhirEntry *entry)
{
	/* an entry with its own id needs no fullUrl */
	const char *name = entry->given_id ? NULL : entry->full_url;

	append_text(bytes, "{\"request\":{\"method\":", entry->method);
	append_text(bytes, ",\"url\":", entry->url);
	append_text(bytes, ",\"ifMatch\":", entry->if_match);
	append_text(bytes, ",\"ifNoneMatch\":", entry->if_none_match);
	hl_bytes_append_char(bytes, '}');
	append_text(bytes, ",\"fullUrl\":", name);
	if (entry->resource != NULL)
	{
		hl_bytes_append_string(bytes, ",\"resource\":");
		append_resource(bytes, entries, entry);
	}
	hl_bytes_append_char(bytes, '}');
}

char *
hl_entries_write(const HlFhirEntries *entries)
{
	HlBytes bytes = {0};
	size_t len;
	char *json;

	hl_bytes_append_string(&bytes, "{\"resourceType\":\"Bundle\",\"type\":\"");
	hl_bytes_append_string(&bytes,
						   entries->transaction ? "transaction" : "batch");
	hl_bytes_append_string(&bytes, "\",\"entry\":[");
	for (int i = 0; i < entries->count; i++)
	{
		if (i > 0)
			hl_bytes_append_char(&bytes, ',');
		append_entry(&bytes, entries, &entries->entries[i]);
	}
	hl_bytes_append_string(&bytes, "]}");
	len = bytes.len;
	json = hl_text_take(&bytes);
	if (len > HL_BODY_MAX_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the Bundle is larger than 5 MB"),
						errdetail("It has %zu bytes.", len),
						errhint("Send it in parts.")));
	return json;
}
