/*
 * entries_write.c
 *	  Entries as the JSON of a Bundle, and made fit for the queue before.
 */
#include "postgres.h"

#include "common/base64.h"
#include "lib/stringinfo.h"

#include "base/uuid.h"
#include "fhir/entries.h"
#include "fhir/request.h"
#include "fhir/types.h"
#include "server/random.h"
#include "server/text.h"

/* ------------------------------------------------------- fit for the queue */

static char *
make_id(void)
{
	unsigned char random[HL_UUID_BYTES];
	char *id = palloc(HL_UUID_SIZE);

	if (!hl_random_bytes(random, sizeof(random)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate random values")));
	hl_uuid_write(random, id);
	return id;
}

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
	entry->id = make_id();
	entry->given_id = true;
	entry->url = psprintf("%s/%s", entry->type, entry->id);
	entry->if_none_match = "*";
}

void
hl_entries_settle(HlFhirEntries *entries)
{
	for (int i = 0; i < entries->count; i++)
		settle_entry(&entries->entries[i], i);
	entries->settled = true;
}

/* ---------------------------------------------------------------- writing */

/*
 * The entry that a reference names by its fullUrl; NULL if there is none. Only
 * URNs are looked up, since other URLs may refer to existing resources.
 */
static const char *
find_name(const HlFhirEntries *entries, const char *reference)
{
	if (strncmp(reference, "urn:", 4) != 0)
		return NULL;
	for (int i = 0; i < entries->count; i++)
	{
		const HlFhirEntry *entry = &entries->entries[i];

		if (entry->full_url != NULL && entry->id != NULL &&
			strcmp(entry->full_url, reference) == 0)
			return psprintf("%s/%s", entry->type, entry->id);
	}
	return NULL;
}

static void append_renamed(HlBytes *bytes, const HlFhirEntries *entries,
						   const HlJson *node);

/* Appends a member of an object, with its name. */
static void
append_member(HlBytes *bytes, const HlFhirEntries *entries,
			  const HlJsonEach *each, const HlJson *value)
{
	const char *found = NULL;

	if (strcmp(each->name, "reference") == 0 &&
		hl_json_kind(value) == HL_JSON_STRING)
		found = find_name(entries, hl_json_string(value));
	hl_json_append_string(bytes, each->name, each->name_len);
	hl_bytes_append_char(bytes, ':');
	if (found != NULL)
		hl_json_append_string(bytes, found, strlen(found));
	else
		append_renamed(bytes, entries, value);
}

/*
 * Appends a value with resolved references. The recursion is limited by the
 * nesting that JSON input may have.
 */
static void
append_renamed(HlBytes *bytes, const HlFhirEntries *entries, const HlJson *node)
{
	HlJsonEach each = hl_json_each(node);
	bool object = hl_json_kind(node) == HL_JSON_OBJECT;
	const char *separator = "";
	const HlJson *value;

	if (!object && hl_json_kind(node) != HL_JSON_ARRAY)
	{
		hl_json_append_node(bytes, node);
		return;
	}
	hl_bytes_append_char(bytes, object ? '{' : '[');
	while ((value = hl_json_step(&each)) != NULL)
	{
		hl_bytes_append_string(bytes, separator);
		separator = ",";
		if (object)
			append_member(bytes, entries, &each, value);
		else
			append_renamed(bytes, entries, value);
	}
	hl_bytes_append_char(bytes, object ? '}' : ']');
}

/* Appends a resource with another id. */
static void
append_with_id(HlBytes *bytes, const HlFhirEntries *entries,
			   const HlFhirEntry *entry)
{
	HlJsonEach each = hl_json_each(entry->resource);
	const HlJson *value;

	hl_bytes_append_string(bytes, "{\"id\":");
	hl_json_append_string(bytes, entry->id, strlen(entry->id));
	while ((value = hl_json_step(&each)) != NULL)
	{
		if (strcmp(each.name, "id") == 0)
			continue;
		hl_bytes_append_char(bytes, ',');
		append_member(bytes, entries, &each, value);
	}
	hl_bytes_append_char(bytes, '}');
}

/* Appends a JSON Patch as a Bundle can contain it. */
static void
append_patch(HlBytes *bytes, const HlJson *patch)
{
	HlBytes json = {0};
	char *text;
	char *encoded;
	int len;

	hl_json_append_node(&json, patch);
	text = hl_text_take(&json);
	len = pg_b64_enc_len((int) strlen(text));
	encoded = palloc(len + 1);
	len = pg_b64_encode((void *) text, (int) strlen(text), encoded, len);
	if (len < 0)
		elog(ERROR, "could not encode a patch");
	hl_bytes_append_string(bytes,
						   "{\"resourceType\":\"Binary\",\"contentType\":"
						   "\"application/json-patch+json\",\"data\":\"");
	hl_bytes_append(bytes, encoded, len);
	hl_bytes_append_string(bytes, "\"}");
}

static void
append_resource(HlBytes *bytes, const HlFhirEntries *entries,
				const HlFhirEntry *entry)
{
	if (entry->given_id)
		append_with_id(bytes, entries, entry);
	else if (hl_json_kind(entry->resource) == HL_JSON_ARRAY)
		append_patch(bytes, entry->resource);
	else if (entries->settled)
		append_renamed(bytes, entries, entry->resource);
	else
		hl_json_append_node(bytes, entry->resource);
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
	/* the name of what has an address now would be a second one */
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
	if (len > HL_FHIR_MAX_BODY)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the Bundle is larger than 5 MB"),
						errdetail("It has %zu bytes.", len),
						errhint("Send it in parts.")));
	return json;
}
