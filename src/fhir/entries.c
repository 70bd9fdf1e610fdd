/*
 * entries.c
 *	  Reads and checks entries. Errors have the number of the entry, and quote
 *	  no part of it.
 */
#include "postgres.h"

#include "aws/form.h"
#include "fhir/body.h"
#include "fhir/entries.h"
#include "fhir/resource.h"
#include "fhir/types.h"
#include "model/fhir_operations.h"
#include "model/response.h"
#include "server/text.h"

/*
 * The maximum length of what entries are read from, in bytes: not all of it is
 * sent, so it may have more than a body.
 */
#define MOST_BYTES (4 * HL_BODY_MAX_BYTES)

/* The state of reading. */
typedef struct Reading
{
	HlFhirEntries *entries;
	int at;
	bool bundled; /* the entries are in the form of a Bundle */
} Reading;

/* Raises the fault of an entry. */
static void refuse_entry(const Reading *reading, const char *reason,
						 const char *hint) __attribute__((noreturn));

static void
refuse_entry(const Reading *reading, const char *reason, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("Bundle.entry[%d] cannot be sent: %s", reading->at, reason),
			 hint != NULL ? errhint("%s", hint) : 0));
}

/* A string member; NULL if it is not a string. */
static const char *
string_of(const HlJson *object, const char *name)
{
	const HlJson *value = hl_json_member(object, name);

	return hl_json_kind(value) == HL_JSON_STRING ? hl_json_string(value) : NULL;
}

/* Whether an object has a member that is not null. */
static bool
has_member(const HlJson *object, const char *name)
{
	return hl_json_kind(hl_json_member(object, name)) != HL_JSON_NULL;
}

/* ------------------------------------------------------------------- URLs */

/* Copies a path up to a slash, and advances behind it. */
static const char *
next_segment(const char **path)
{
	const char *end;
	const char *segment;

	if (*path == NULL)
		return NULL;
	end = strchrnul(*path, '/');
	segment = pnstrdup(*path, end - *path);
	*path = *end == '/' ? end + 1 : NULL;
	return segment;
}

/* Refuses characters that a query cannot contain. */
static void
check_query(const Reading *reading, const char *query)
{
	for (const char *c = query; *c != '\0'; c++)
		if ((unsigned char) *c <= ' ' || *c == '#' || *c == 0x7f)
			refuse_entry(reading, "the query of its URL is not valid",
						 "Characters like blanks are written with %.");
}

/* Splits the URL of an entry, and checks its parts. */
static void
read_url(const Reading *reading, HlFhirEntry *entry)
{
	const char *query = strchr(entry->url, '?');
	const char *path =
		query == NULL ? entry->url : pnstrdup(entry->url, query - entry->url);
	const char *history;

	entry->type = next_segment(&path);
	entry->id = next_segment(&path);
	history = next_segment(&path);
	entry->version = next_segment(&path);
	if (!hl_fhir_is_type(entry->type))
		refuse_entry(reading, "its URL does not begin with a resource type",
					 "A URL is written as type, type/id or type?query.");
	if (entry->id != NULL && !hl_fhir_is_id(entry->id))
		refuse_entry(reading, "the id in its URL is not valid", NULL);
	if (path != NULL || (history != NULL && strcmp(history, "_history") != 0) ||
		(entry->version != NULL && !hl_fhir_is_id(entry->version)))
		refuse_entry(reading, "its URL leads to no resource",
					 "A URL is written as type, type/id or type?query.");
	if (history != NULL && strcmp(entry->method, "GET") != 0)
		refuse_entry(reading, "a version can only be read", NULL);
	if (query == NULL)
		return;
	entry->query = query + 1;
	check_query(reading, entry->query);
}

/* Refuses a URL that does not fit the method. */
static void
check_place(const Reading *reading, const HlFhirEntry *entry)
{
	const char *method = entry->method;

	if (strcmp(method, "POST") == 0 &&
		(entry->id != NULL || entry->query != NULL))
		refuse_entry(reading, "the URL of a POST must be a resource type",
					 NULL);
	if (strcmp(method, "DELETE") == 0 && entry->id == NULL)
		refuse_entry(reading, "a DELETE needs type and id",
					 "healthlake_fhir_delete_where() deletes what a search "
					 "finds, and counts it first.");
	if (strcmp(method, "PATCH") == 0 && entry->id == NULL)
		refuse_entry(reading, "a PATCH needs type and id", NULL);
	if (strcmp(method, "PUT") == 0 && entry->id == NULL &&
		(entry->query == NULL || entry->query[0] == '\0'))
		refuse_entry(reading, "a PUT needs type and id", NULL);
	if (strcmp(method, "PUT") == 0 && entry->id == NULL &&
		!hl_form_query_selects(entry->query))
		refuse_entry(reading,
					 "the query of a PUT must have criteria, each with a value",
					 "Commas separate alternatives, and none may be empty.");
	if (strcmp(method, "PUT") == 0 && entry->id == NULL &&
		reading->entries->transaction)
		refuse_entry(
			reading,
			"HealthLake does not support a conditional PUT in a transaction",
			"Send it in a batch, or find the id first.");
	if (strcmp(method, "GET") != 0 && entry->id != NULL && entry->query != NULL)
		refuse_entry(reading, "a URL with an id has no query", NULL);
}

/* ------------------------------------------------------------- conditions */

/* A version for If-Match, given as 2, '2' or W/"2"; NULL if it is invalid. */
static const char *
entity_tag(const HlJson *value)
{
	const char *text = hl_json_string(value);
	size_t len = strlen(text);
	char *version;

	if (hl_json_kind(value) != HL_JSON_STRING &&
		hl_json_kind(value) != HL_JSON_NUMBER)
		return NULL;
	if (len > 4 && strncmp(text, "W/\"", 3) == 0 && text[len - 1] == '"')
		version = pnstrdup(text + 3, len - 4);
	else
		version = pstrdup(text);
	return hl_fhir_is_id(version) ? psprintf("W/\"%s\"", version) : NULL;
}

/*
 * Reads the conditions of an entry, and refuses those that do not apply to it.
 */
static void
read_conditions(const Reading *reading, HlFhirEntry *entry,
				const HlJson *request)
{
	bool puts = strcmp(entry->method, "PUT") == 0;

	if (has_member(request, "ifNoneExist"))
		refuse_entry(
			reading, "HealthLake knows no ifNoneExist",
			"A PUT with an id that is made of the key, and ifNoneMatch "
			"*, creates a resource once.");
	if (has_member(request, "ifModifiedSince"))
		refuse_entry(reading, "HealthLake knows no ifModifiedSince", NULL);
	if (has_member(request, "ifMatch"))
	{
		entry->if_match = entity_tag(hl_json_member(request, "ifMatch"));
		if (entry->if_match == NULL)
			refuse_entry(reading, "ifMatch is not a version",
						 "It is a version like 2 or W/\"2\".");
		if (!puts && strcmp(entry->method, "PATCH") != 0 &&
			strcmp(entry->method, "DELETE") != 0)
			refuse_entry(reading, "ifMatch is for PUT, PATCH and DELETE", NULL);
	}
	if (has_member(request, "ifNoneMatch"))
	{
		entry->if_none_match = string_of(request, "ifNoneMatch");
		if (!puts || entry->id == NULL || entry->if_none_match == NULL ||
			strcmp(entry->if_none_match, "*") != 0)
			refuse_entry(reading, "ifNoneMatch is * and for PUT with an id",
						 NULL);
	}
}

/* -------------------------------------------------------------- resources */

/* Whether a resource is partial: writing it would lose the rest. */
static bool
is_cut(const HlJson *resource)
{
	const HlJson *tags =
		hl_json_member(hl_json_member(resource, "meta"), "tag");
	HlJsonEach each = hl_json_each(tags);
	const HlJson *tag;

	while ((tag = hl_json_step(&each)) != NULL)
		if (strcmp(hl_json_string(hl_json_member(tag, "code")), "SUBSETTED") ==
			0)
			return true;
	return false;
}

/* Checks the resource of a POST or PUT. */
static void
check_stored(const Reading *reading, const HlFhirEntry *entry)
{
	const HlJson *resource = entry->resource;
	const char *type = string_of(resource, "resourceType");
	const char *id = string_of(resource, "id");

	if (type == NULL)
		refuse_entry(reading, "its resource has no resourceType", NULL);
	if (strcmp(type, entry->type) != 0)
		refuse_entry(reading, "its resource is of another type than its URL",
					 NULL);
	if (has_member(resource, "id") && (id == NULL || !hl_fhir_is_id(id)))
		refuse_entry(reading, "the id of its resource is not valid", NULL);
	if (entry->id != NULL && (id == NULL || strcmp(id, entry->id) != 0))
		refuse_entry(reading, "its resource has not the id of its URL", NULL);
	if (is_cut(resource))
		refuse_entry(reading, "its resource is tagged SUBSETTED",
					 "It is a part of a resource, and the rest would be lost. "
					 "Read it whole first.");
}

/* Checks the patch of a PATCH. */
static void
check_patch(const Reading *reading, const HlFhirEntry *entry)
{
	const char *type = string_of(entry->resource, "resourceType");

	if (hl_json_kind(entry->resource) == HL_JSON_ARRAY)
		return;
	if (type == NULL ||
		(strcmp(type, "Binary") != 0 && strcmp(type, "Parameters") != 0))
		refuse_entry(reading, "its patch is not valid",
					 "A JSON Patch is an array or a Binary, a FHIRPath Patch "
					 "a Parameters resource.");
}

static void
read_resource(const Reading *reading, HlFhirEntry *entry, const HlJson *given)
{
	bool wants = strcmp(entry->method, "GET") != 0 &&
				 strcmp(entry->method, "DELETE") != 0;

	if (!has_member(given, "resource"))
	{
		if (wants)
			refuse_entry(reading, "it has no resource", NULL);
		return;
	}
	if (!wants)
		refuse_entry(reading, "GET and DELETE have no resource", NULL);
	entry->resource = hl_json_member(given, "resource");
	if (strcmp(entry->method, "PATCH") == 0)
		check_patch(reading, entry);
	else if (hl_json_kind(entry->resource) != HL_JSON_OBJECT)
		refuse_entry(reading, "its resource is not an object", NULL);
	else
		check_stored(reading, entry);
}

/* ---------------------------------------------------------------- entries */

/*
 * Refuses unknown members: a condition with a misspelled name would be
 * ignored.
 */
static void
check_members(const Reading *reading, const HlJson *object,
			  const char *const *known)
{
	HlJsonEach each = hl_json_each(object);

	if (hl_json_kind(object) != HL_JSON_OBJECT)
		refuse_entry(reading, "it is not an object", NULL);
	while (hl_json_step(&each) != NULL)
		if (!hl_text_is_listed(known, each.name))
			refuse_entry(reading, "it has a member that has no meaning",
						 reading->bundled
							 ? "See Bundle.entry in FHIR R4."
							 : "There are method, url, resource, fullUrl, "
							   "ifMatch and ifNoneMatch.");
}

static const char *
read_method(const Reading *reading, const HlJson *request)
{
	static const char *const methods[] = {"GET",   "POST",   "PUT",
										  "PATCH", "DELETE", NULL};
	const char *method = string_of(request, "method");

	for (int i = 0; method != NULL && methods[i] != NULL; i++)
		if (strcmp(method, methods[i]) == 0)
			return methods[i];
	refuse_entry(reading, "its method is none",
				 "The methods are GET, POST, PUT, PATCH and DELETE.");
}

static void
read_entry(const Reading *reading, const HlJson *given)
{
	static const char *const own[] = {
		"method",      "url",         "resource",        "fullUrl", "ifMatch",
		"ifNoneMatch", "ifNoneExist", "ifModifiedSince", NULL};
	static const char *const outer[] = {
		"id",       "extension", "modifierExtension", "link",     "fullUrl",
		"resource", "search",    "request",           "response", NULL};
	static const char *const inner[] = {
		"id",      "extension",   "modifierExtension", "method",          "url",
		"ifMatch", "ifNoneMatch", "ifNoneExist",       "ifModifiedSince", NULL};
	HlFhirEntry *entry = &reading->entries->entries[reading->at];
	const HlJson *request = given;

	check_members(reading, given, reading->bundled ? outer : own);
	if (reading->bundled)
	{
		request = hl_json_member(given, "request");
		if (hl_json_kind(request) == HL_JSON_NULL)
			refuse_entry(reading, "it has no request", NULL);
		check_members(reading, request, inner);
	}
	entry->method = read_method(reading, request);
	entry->url = string_of(request, "url");
	if (entry->url == NULL)
		refuse_entry(reading, "it has no url", NULL);
	entry->full_url = string_of(given, "fullUrl");
	read_url(reading, entry);
	check_place(reading, entry);
	read_conditions(reading, entry, request);
	read_resource(reading, entry, given);
}

/* The array of entries in the argument. */
static const HlJson *
find_entries(const HlJson *given, const char *type)
{
	const char *own = string_of(given, "type");

	if (hl_json_kind(given) == HL_JSON_ARRAY)
		return given;
	if (hl_json_kind(given) != HL_JSON_OBJECT ||
		strcmp(hl_json_string(hl_json_member(given, "resourceType")),
			   "Bundle") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" is neither an array nor a "
							   "Bundle",
							   "entries")));
	if (own == NULL || strcmp(own, type) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the Bundle is not of type %s", type),
						errhint("Argument \"type\" must be the type of the "
								"Bundle: batch or transaction.")));
	return hl_json_member(given, "entry");
}

/* Whether a Bundle type is a transaction; throws for types that are neither. */
static bool
is_transaction(const char *type)
{
	if (strcmp(type, "transaction") != 0 && strcmp(type, "batch") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be batch or transaction",
							   "type")));
	return type[0] == 't';
}

/* Refuses more entries than AWS allows. */
static void
check_count(const HlFhirEntries *entries)
{
	int most = entries->transaction ? HL_ENTRIES_MOST_TRANSACTION
									: HL_ENTRIES_MOST_BATCH;

	if (entries->count > most)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a %s has at most %d entries, not %d",
							   entries->transaction ? "transaction" : "batch",
							   most, entries->count)));
}

HlFhirEntries *
hl_entries_read(Jsonb *given, const char *type)
{
	HlFhirEntries *entries = palloc0(sizeof(HlFhirEntries));
	Reading reading = {.entries = entries};
	const HlOperation *operation = &hl_fhir_operations[HL_FHIR_PROCESS_BUNDLE];
	char *text = hl_body_json(operation, given, MOST_BYTES);
	const HlJson *json;
	HlJsonEach each;
	const HlJson *entry;

	entries->transaction = is_transaction(type);
	json = hl_response_read(text);
	if (json == NULL)
		hl_body_check(operation, text, true);
	reading.bundled = hl_json_kind(json) == HL_JSON_OBJECT;
	json = find_entries(json, type);
	entries->count = (int) hl_json_len(json);
	check_count(entries);
	entries->entries = palloc0(sizeof(HlFhirEntry) * Max(entries->count, 1));
	each = hl_json_each(json);
	for (; (entry = hl_json_step(&each)) != NULL; reading.at++)
		read_entry(&reading, entry);
	return entries;
}

/* ------------------------------------------------------ what they are for */

HlFhirWord
hl_entry_word(const HlFhirEntry *entry)
{
	if (strcmp(entry->method, "GET") == 0)
		return HL_FHIR_MAY_READ;
	if (strcmp(entry->method, "DELETE") == 0)
		return HL_FHIR_MAY_DELETE;
	return HL_FHIR_MAY_WRITE;
}

int
hl_entries_words(const HlFhirEntries *entries)
{
	int words = 0;

	for (int i = 0; i < entries->count; i++)
		words |= hl_entry_word(&entries->entries[i]);
	return words;
}

bool
hl_entries_are_repeatable(const HlFhirEntries *entries)
{
	for (int i = 0; i < entries->count; i++)
	{
		const HlFhirEntry *entry = &entries->entries[i];

		if (hl_entry_word(entry) == HL_FHIR_MAY_READ)
			continue;
		if (entry->id == NULL || strcmp(entry->method, "PATCH") == 0)
			return false;
		/*
		 * in a batch each entry has its own answer, which would be a failure
		 * the second time
		 */
		if (!entries->transaction &&
			(entry->if_match != NULL || entry->if_none_match != NULL ||
			 strcmp(entry->method, "DELETE") == 0))
			return false;
	}
	return true;
}

char *
hl_entries_methods(const HlFhirEntries *entries)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "PATCH",
										  "DELETE"};
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < (int) lengthof(methods); i++)
	{
		int count = 0;

		for (int n = 0; n < entries->count; n++)
			count += strcmp(entries->entries[n].method, methods[i]) == 0;
		if (count > 0)
			appendStringInfo(&text, "%s%d %s", text.len > 0 ? ", " : "", count,
							 methods[i]);
	}
	return text.data;
}
