/*
 * searchset.c
 *	  Reads a page of a FHIR search or history.
 */
#include "aws/searchset.h"

#include <string.h>

/* The text of a member; "" if it is not a string. */
static const char *
text_of(const HlJson *node, const char *name)
{
	const HlJson *member = hl_json_member(node, name);

	return hl_json_kind(member) == HL_JSON_STRING ? hl_json_string(member) : "";
}

/* An object or array member; NULL if it is something else. */
static const HlJson *
part_of_kind(const HlJson *node, const char *name, HlJsonKind kind)
{
	const HlJson *member = hl_json_member(node, name);

	return hl_json_kind(member) == kind ? member : NULL;
}

/* Whether a member is an array or missing. */
static bool
is_list(const HlJson *node, const char *name)
{
	HlJsonKind kind = hl_json_kind(hl_json_member(node, name));

	return kind == HL_JSON_ARRAY || kind == HL_JSON_NULL;
}

/* Finds the link of the next page; false if it has no URL. */
static bool
find_next(const HlJson *page, const char **next)
{
	HlJsonEach each = hl_json_each(part_of_kind(page, "link", HL_JSON_ARRAY));
	const HlJson *link;

	*next = "";
	while ((link = hl_json_step(&each)) != NULL)
		if (strcmp(text_of(link, "relation"), "next") == 0)
		{
			*next = text_of(link, "url");
			return (*next)[0] != '\0';
		}
	return true;
}

/* Whether an entry has a resource, or at least the URL of one. */
static bool
is_entry(const HlJson *entry)
{
	const HlJson *resource = hl_json_member(entry, "resource");

	if (hl_json_kind(resource) != HL_JSON_NULL)
		return text_of(resource, "resourceType")[0] != '\0';
	return part_of_kind(entry, "request", HL_JSON_OBJECT) != NULL ||
		   part_of_kind(entry, "response", HL_JSON_OBJECT) != NULL;
}

/*
 * Whether all entries are valid: an invalid one must not be dropped silently.
 */
static bool
are_entries(const HlJson *page)
{
	HlJsonEach each = hl_json_each(hl_json_member(page, "entry"));
	const HlJson *entry;

	while ((entry = hl_json_step(&each)) != NULL)
		if (!is_entry(entry))
			return false;
	return true;
}

/* The problem with a page; NULL if there is none. */
static const char *
find_fault(HlSearchset *set, const HlJson *page)
{
	if (strcmp(text_of(page, "resourceType"), "Bundle") != 0)
		return "it is not a Bundle";
	if (!is_list(page, "entry") || !are_entries(page))
		return "it has an entry that is not a resource";
	if (!is_list(page, "link") || !find_next(page, &set->next))
		return "the link to the next page has no address";
	return NULL;
}

bool
hl_searchset_read(HlSearchset *set, const HlJson *page)
{
	memset(set, 0, sizeof(*set));
	set->next = "";
	set->total = -1;
	set->fault = find_fault(set, page);
	if (set->fault != NULL)
		return false;
	if (!hl_json_int64(hl_json_member(page, "total"), &set->total) ||
		set->total < 0)
		set->total = -1;
	set->each = hl_json_each(part_of_kind(page, "entry", HL_JSON_ARRAY));
	return true;
}

/*
 * The mode of an entry. FHIR does not require one: without it, the type tells,
 * since a search finds resources of one type, and an OperationOutcome is never
 * stored.
 */
static HlEntryMode
mode_of(const HlSearchset *set, const HlJson *node, const HlEntry *entry)
{
	const char *mode = text_of(hl_json_member(node, "search"), "mode");

	if (strcmp(mode, "match") == 0)
		return HL_ENTRY_MATCH;
	if (strcmp(mode, "include") == 0)
		return HL_ENTRY_INCLUDE;
	if (strcmp(mode, "outcome") == 0)
		return HL_ENTRY_OUTCOME;
	if (set->type != NULL && strcmp(entry->type, set->type) == 0)
		return HL_ENTRY_MATCH;
	if (strcmp(entry->type, "OperationOutcome") == 0)
		return HL_ENTRY_OUTCOME;
	return set->type == NULL ? HL_ENTRY_MATCH : HL_ENTRY_INCLUDE;
}

/* Copies a run of bytes if it is short enough for a word. */
static void
copy_word(char word[HL_ENTRY_WORD], const char *text, size_t len)
{
	if (len >= HL_ENTRY_WORD)
		len = 0;
	memcpy(word, text, len);
	word[len] = '\0';
}

/* The length of a path segment. */
static size_t
segment_len(const char *text)
{
	return strcspn(text, "/?");
}

/*
 * Reads type and id from the URL of an entry without a resource: "Patient/p1",
 * an absolute URL of it, or one of its versions.
 */
static void
take_place(HlEntry *entry, const char *url)
{
	const char *before = NULL; /* the previous segment */
	const char *segment = url;

	for (;;)
	{
		size_t len = segment_len(segment);
		const char *next = segment + len;

		if (strncmp(segment, "_history", len) == 0 && len == 8)
			return;
		if (before != NULL)
			copy_word(entry->words[0], before, segment_len(before));
		copy_word(entry->words[1], segment, len);
		if (*next != '/')
			return;
		before = segment;
		segment = next + 1;
	}
}

/* Reads the version from an ETag, W/"3". */
static void
take_version(HlEntry *entry, const char *etag)
{
	const char *quote = strchr(etag, '"');

	if (quote != NULL)
		copy_word(entry->words[2], quote + 1, strcspn(quote + 1, "\""));
}

/* Fills in an entry from its resource. */
static void
fill_from_resource(HlEntry *entry)
{
	const HlJson *meta = hl_json_member(entry->resource, "meta");

	entry->type = text_of(entry->resource, "resourceType");
	entry->id = text_of(entry->resource, "id");
	entry->version_id = text_of(meta, "versionId");
	entry->last_updated = hl_json_member(meta, "lastUpdated");
}

/* Fills in an entry that has only a URL. */
static void
fill_from_request(HlEntry *entry, const HlJson *node)
{
	const char *url = text_of(hl_json_member(node, "request"), "url");
	const HlJson *response = hl_json_member(node, "response");

	take_place(entry, url[0] != '\0' ? url : text_of(node, "fullUrl"));
	take_version(entry, text_of(response, "etag"));
	entry->type = entry->words[0];
	entry->id = entry->words[1];
	entry->version_id = entry->words[2];
	entry->last_updated = hl_json_member(response, "lastModified");
}

/* Whether an entry of a history is a deletion. */
static bool
is_deletion(const HlJson *node, const HlJson *resource)
{
	const char *method = text_of(hl_json_member(node, "request"), "method");
	const char *status = text_of(hl_json_member(node, "response"), "status");

	return strcmp(method, "DELETE") == 0 ||
		   (resource == NULL &&
			(strncmp(status, "204", 3) == 0 || strncmp(status, "410", 3) == 0));
}

bool
hl_searchset_step(HlSearchset *set, HlEntry *entry)
{
	const HlJson *node = hl_json_step(&set->each);

	memset(entry, 0, sizeof(*entry));
	if (node == NULL)
		return false;
	entry->resource = part_of_kind(node, "resource", HL_JSON_OBJECT);
	if (entry->resource != NULL)
		fill_from_resource(entry);
	else
		fill_from_request(entry, node);
	entry->mode = mode_of(set, node, entry);
	entry->deleted = is_deletion(node, entry->resource);
	return true;
}
