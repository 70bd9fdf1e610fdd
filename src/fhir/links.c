/*
 * links.c
 *	  Replaces the links between the resources of a transaction.
 */
#include "postgres.h"

#include "fhir/links.h"
#include "fhir/types.h"
#include "server/text.h"

#define VERSION_PART "/_history/"

/* The length of a fullUrl against which relative links are resolved. */
#define LONGEST_URL 2048

/* The state of writing a resource. */
typedef struct Linking
{
	const HlFhirEntries *entries;
	const HlFhirEntry *entry;
	const bool *targets; /* of entries: links to it are replaced */
	char *root;          /* of its fullUrl, before type/id; NULL: it has none */
	const char *fault;   /* NULL: none */
} Linking;

/* The place of a value: its name, and that of the object that has it. */
typedef struct Place
{
	const char *owner; /* the type, for members of a resource */
	const char *name;
} Place;

/*
 * The elements of R4 with the type uri, url, oid or uuid. Elements of other
 * types that have the same names cannot contain a URL.
 */
static const char *const link_names[] = {"address",
										 "authority",
										 "authorizationUrl",
										 "code",
										 "contentReference",
										 "defaultValueOid",
										 "defaultValueUri",
										 "defaultValueUrl",
										 "defaultValueUuid",
										 "definition",
										 "definitionUri",
										 "derivedFromUri",
										 "detail",
										 "endpoint",
										 "eventUri",
										 "fixedOid",
										 "fixedUri",
										 "fixedUrl",
										 "fixedUuid",
										 "fullUrl",
										 "identifier",
										 "implicitRules",
										 "instantiates",
										 "instantiatesUri",
										 "issuer",
										 "jurisdiction",
										 "link",
										 "location",
										 "moduleUri",
										 "nameUrl",
										 "onlineInformation",
										 "patternOid",
										 "patternUri",
										 "patternUrl",
										 "patternUuid",
										 "policy",
										 "property",
										 "protocol",
										 "reference",
										 "relativePath",
										 "rendering",
										 "source",
										 "sourceUri",
										 "system",
										 "target",
										 "targetUri",
										 "type",
										 "uri",
										 "url",
										 "valueOid",
										 "valueUri",
										 "valueUrl",
										 "valueUuid",
										 NULL};

/*
 * Those of them that are canonical, or the name of an extension, as
 * owner.name.
 */
static const char *const other_names[] = {"CapabilityStatement.instantiates",
										  "codeSystem.uri",
										  "constraint.source",
										  "dependsOn.system",
										  "dependsOn.uri",
										  "extension.url",
										  "messaging.definition",
										  "modifierExtension.url",
										  "operation.definition",
										  "searchParam.definition",
										  "structure.url",
										  "supportedMessage.definition",
										  "unmapped.url",
										  NULL};

/* ------------------------------------------------------------------ targets */

static bool
is_urn(const char *link)
{
	return pg_strncasecmp(link, "urn:", 4) == 0;
}

bool
hl_links_are_same(const char *one, const char *other)
{
	/* hexadecimal digits in either case are the same UUID */
	if (pg_strncasecmp(one, "urn:uuid:", 9) == 0)
		return pg_strcasecmp(one, other) == 0;
	return strcmp(one, other) == 0;
}

/* The place of type/id at the end of a URL; NULL if it does not end so. */
static const char *
find_end(const char *url)
{
	const char *id = strrchr(url, '/');
	const char *type = id;
	char *copy;

	if (id == NULL || strstr(url, "://") == NULL)
		return NULL;
	while (type > url && type[-1] != '/')
		type--;
	copy = pnstrdup(type, id - type);
	return hl_fhir_is_type(copy) && hl_fhir_is_id(id + 1) ? type : NULL;
}

/*
 * Whether links to an entry are replaced: it gets an id, or its fullUrl does
 * not have the id that it is stored under. Other URLs stay valid.
 */
static bool
is_target(const HlFhirEntry *entry)
{
	const char *end;

	if (entry->full_url == NULL || entry->id == NULL)
		return false;
	if (entry->given_id || is_urn(entry->full_url))
		return true;
	end = find_end(entry->full_url);
	return end != NULL &&
		   strcmp(end, psprintf("%s/%s", entry->type, entry->id)) != 0;
}

static const HlFhirEntry *
find_target(const Linking *linking, const char *url)
{
	for (int i = 0; i < linking->entries->count; i++)
	{
		const HlFhirEntry *entry = &linking->entries->entries[i];

		if (linking->targets[i] && hl_links_are_same(entry->full_url, url))
			return entry;
	}
	return NULL;
}

/* Whether a resource has that canonical URL, wherever it is stored. */
static bool
is_named(const HlFhirEntry *entry, const char *url)
{
	return strcmp(hl_json_string(hl_json_member(entry->resource, "url")),
				  url) == 0;
}

/* Whether a resource is given in that version. */
static bool
has_version(const HlFhirEntry *entry, const char *version)
{
	const HlJson *meta = hl_json_member(entry->resource, "meta");

	return strcmp(hl_json_string(hl_json_member(meta, "versionId")), version) ==
		   0;
}

/* A link without its fragment, and absolute; NULL if it can match no entry. */
static char *
absolute(const Linking *linking, const char *link)
{
	int len = (int) strcspn(link, "#");

	if (len == 0 || memchr(link, '?', len) != NULL)
		return NULL;
	if (is_urn(link) || strstr(link, "://") != NULL)
		return pnstrdup(link, len);
	if (linking->root == NULL || link[0] == '/')
		return NULL;
	return psprintf("%s%.*s", linking->root, len, link);
}

/* Cuts the version off a URL; NULL if it has none. */
static const char *
cut_version(char *url)
{
	char *version = strstr(url, VERSION_PART);

	if (version == NULL)
		return NULL;
	*version = '\0';
	return version + strlen(VERSION_PART);
}

/*
 * The entry that a link leads to, whose fullUrl is lost; NULL: the link stays.
 * A reference cannot be a canonical URL.
 */
static const HlFhirEntry *
follow(Linking *linking, const char *link, bool is_reference)
{
	char *url = absolute(linking, link);
	const char *version = url == NULL ? NULL : cut_version(url);
	const HlFhirEntry *entry = url == NULL ? NULL : find_target(linking, url);

	if (entry != NULL && !is_reference && is_named(entry, url))
		entry = NULL;
	if (entry != NULL && version != NULL)
	{
		if (has_version(entry, version))
			linking->fault = "it has a link to a version of a resource, which "
							 "gets another version";
		entry = NULL;
	}
	if (url != NULL)
		pfree(url);
	return entry;
}

/* Appends what replaces a link to an entry. */
static void
append_link(HlBytes *bytes, const HlFhirEntry *entry, const char *link)
{
	hl_bytes_format(bytes, "%s/%s%s", entry->type, entry->id,
					link + strcspn(link, "#"));
}

/* ---------------------------------------------------------------- narrative */

/* A position in an XHTML text. */
typedef struct Narrative
{
	const char *at;
	bool in_tag;
} Narrative;

/* Moves behind a text, or to the end. */
static void
skip_past(Narrative *it, const char *text)
{
	const char *found = strstr(it->at, text);

	it->at = found != NULL ? found + strlen(text) : it->at + strlen(it->at);
}

/* Moves into the next tag, or to the end. */
static void
enter_tag(Narrative *it)
{
	skip_past(it, "<");
	if (strncmp(it->at, "!--", 3) == 0)
		skip_past(it, "-->");
	else if (strncmp(it->at, "![CDATA[", 8) == 0)
		skip_past(it, "]]>");
	else if (*it->at == '?')
		skip_past(it, "?>");
	else
		it->in_tag = true;
}

/* Reads a name in a tag, and its quoted value; false if it has none. */
static bool
read_attribute(Narrative *it, const char **name, size_t *name_len,
			   const char **value, size_t *len)
{
	static const char blanks[] = " \t\r\n";
	const char *c = it->at + strspn(it->at, blanks);
	const char *end;

	*name = c;
	*name_len = strcspn(c, " \t\r\n=<>/\"'");
	c += *name_len;
	it->at = c + (*name_len == 0 && *c != '\0');
	it->in_tag = c[0] != '>' || *name_len > 0;
	c += strspn(c, blanks);
	if (*name_len == 0 || *c != '=')
		return false;
	c++;
	c += strspn(c, blanks);
	if (*c != '"' && *c != '\'')
		return false;
	end = strchr(c + 1, *c);
	*value = c + 1;
	*len = end != NULL ? (size_t) (end - *value) : strlen(*value);
	it->at = end != NULL ? end + 1 : *value + *len;
	return end != NULL;
}

/* Finds the next href or src; false: there is none. */
static bool
next_link(Narrative *it, const char **value, size_t *len)
{
	while (*it->at != '\0')
	{
		const char *name;
		size_t name_len;

		if (!it->in_tag)
			enter_tag(it);
		else if (read_attribute(it, &name, &name_len, value, len) &&
				 ((name_len == 4 && strncmp(name, "href", 4) == 0) ||
				  (name_len == 3 && strncmp(name, "src", 3) == 0)))
			return true;
	}
	return false;
}

/* The character of a reference such as &amp; or &#x2f;, or 0. */
static char
character_of(const char *reference)
{
	static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;",
										"&apos;"};
	char *end;
	unsigned long code;

	for (int i = 0; i < (int) lengthof(names); i++)
		if (strncmp(reference, names[i], strlen(names[i])) == 0)
			return "&<>\"'"[i];
	if (reference[1] != '#')
		return '\0';
	code = reference[2] == 'x' ? strtoul(reference + 3, &end, 16)
							   : strtoul(reference + 2, &end, 10);
	return *end == ';' && code < 0x80 ? (char) code : '\0';
}

/* A value of XHTML without the references to ASCII characters. */
static char *
plain_value(char *value)
{
	char *to = value;

	for (const char *from = value; *from != '\0'; from++)
	{
		char meant = *from == '&' ? character_of(from) : '\0';

		*to++ = meant != '\0' ? meant : *from;
		if (meant != '\0')
			from += strcspn(from, ";");
	}
	*to = '\0';
	return value;
}

/* Appends a narrative, an XHTML text. */
static void
append_narrative(HlBytes *bytes, Linking *linking, const char *text)
{
	Narrative it = {.at = text};
	HlBytes changed = {0};
	const char *value;
	size_t len;

	while (next_link(&it, &value, &len))
	{
		char *link = pnstrdup(value, len);
		bool escaped = strchr(link, '&') != NULL;
		const HlFhirEntry *entry = follow(linking, plain_value(link), false);

		if (entry != NULL)
		{
			hl_bytes_append(&changed, text, value - text);
			append_link(&changed, entry, link);
			text = value + len;
		}
		if (entry != NULL && escaped)
			linking->fault = "a link in its narrative is written with escapes";
		pfree(link);
	}
	hl_bytes_append_string(&changed, text);
	hl_json_append_string(bytes, hl_bytes_string(&changed), changed.len);
	bytes->failed |= changed.failed;
	hl_bytes_free(&changed);
}

/* ------------------------------------------------------------------- values */

/* Whether the string at a place may be a link. */
static bool
is_link(const Place *place)
{
	size_t len = strlen(place->owner);

	for (int i = 0; other_names[i] != NULL; i++)
		if (strncmp(other_names[i], place->owner, len) == 0 &&
			other_names[i][len] == '.' &&
			strcmp(other_names[i] + len + 1, place->name) == 0)
			return false;
	return hl_text_is_listed(link_names, place->name);
}

static void
append_string(HlBytes *bytes, Linking *linking, const Place *place,
			  const HlJson *node)
{
	const char *text = hl_json_string(node);
	const HlFhirEntry *entry = NULL;
	HlBytes link = {0};

	if (strcmp(place->name, "div") == 0)
	{
		append_narrative(bytes, linking, text);
		return;
	}
	if (is_link(place))
		entry = follow(linking, text, strcmp(place->name, "reference") == 0);
	/* a FHIRPath Patch can set a reference by a string of any meaning */
	else if (strcmp(place->name, "valueString") == 0 &&
			 strcmp(linking->entry->method, "PATCH") == 0 &&
			 follow(linking, text, true) != NULL)
		linking->fault = "its patch has a link as a string";
	if (entry == NULL)
	{
		hl_json_append_node(bytes, node);
		return;
	}
	append_link(&link, entry, text);
	hl_json_append_string(bytes, hl_bytes_string(&link), link.len);
	bytes->failed |= link.failed;
	hl_bytes_free(&link);
}

/*
 * Appends a value. The recursion is limited by the nesting that JSON input may
 * have.
 */
static void
append_value(HlBytes *bytes, Linking *linking, Place place, const HlJson *node)
{
	HlJsonEach each = hl_json_each(node);
	bool object = hl_json_kind(node) == HL_JSON_OBJECT;
	const char *comma = "";
	const HlJson *value;

	if (hl_json_kind(node) == HL_JSON_STRING)
		append_string(bytes, linking, &place, node);
	else if (!object && hl_json_kind(node) != HL_JSON_ARRAY)
		hl_json_append_node(bytes, node);
	else
	{
		const char *type = hl_json_string(hl_json_member(node, "resourceType"));
		const char *owner = type[0] != '\0' ? type : place.name;

		hl_bytes_append_char(bytes, object ? '{' : '[');
		while ((value = hl_json_step(&each)) != NULL)
		{
			hl_bytes_append_string(bytes, comma);
			comma = ",";
			if (object)
			{
				hl_json_append_string(bytes, each.name, each.name_len);
				hl_bytes_append_char(bytes, ':');
				place = (Place){owner, each.name};
			}
			append_value(bytes, linking, place, value);
		}
		hl_bytes_append_char(bytes, object ? '}' : ']');
	}
}

/* Appends a resource, with the id that its entry was given. */
static void
append_resource(HlBytes *bytes, Linking *linking)
{
	const HlFhirEntry *entry = linking->entry;
	HlJsonEach each = hl_json_each(entry->resource);
	const HlJson *value;

	hl_bytes_append_string(bytes, "{\"id\":");
	hl_json_append_string(bytes, entry->id, strlen(entry->id));
	while ((value = hl_json_step(&each)) != NULL)
	{
		if (strcmp(each.name, "id") == 0)
			continue;
		hl_bytes_append_char(bytes, ',');
		hl_json_append_string(bytes, each.name, each.name_len);
		hl_bytes_append_char(bytes, ':');
		append_value(bytes, linking, (Place){entry->type, each.name}, value);
	}
	hl_bytes_append_char(bytes, '}');
}

/* -------------------------------------------------------------------- patch */

/* Cuts the last segment that is a name off a JSON Pointer; "": none. */
static const char *
cut_name(char *pointer)
{
	char *slash;

	while ((slash = strrchr(pointer, '/')) != NULL)
	{
		*slash = '\0';
		if (slash[1 + strspn(slash + 1, "0123456789-")] != '\0')
			return slash + 1;
	}
	return "";
}

/* Appends an operation of a JSON Patch: its path is the place of its value. */
static void
append_operation(HlBytes *bytes, Linking *linking, const HlJson *operation)
{
	char *pointer = pstrdup(hl_json_string(hl_json_member(operation, "path")));
	Place place = {.name = cut_name(pointer)};
	HlJsonEach each = hl_json_each(operation);
	const char *comma = "";
	const HlJson *value;

	place.owner = cut_name(pointer);
	if (place.owner[0] == '\0')
		place.owner = linking->entry->type;
	hl_bytes_append_char(bytes, '{');
	while ((value = hl_json_step(&each)) != NULL)
	{
		hl_bytes_append_string(bytes, comma);
		comma = ",";
		hl_json_append_string(bytes, each.name, each.name_len);
		hl_bytes_append_char(bytes, ':');
		if (strcmp(each.name, "value") == 0)
			append_value(bytes, linking, place, value);
		else
			hl_json_append_node(bytes, value);
	}
	hl_bytes_append_char(bytes, '}');
}

static void
append_operations(HlBytes *bytes, Linking *linking)
{
	HlJsonEach each = hl_json_each(linking->entry->resource);
	const char *comma = "";
	const HlJson *operation;

	hl_bytes_append_char(bytes, '[');
	while ((operation = hl_json_step(&each)) != NULL)
	{
		hl_bytes_append_string(bytes, comma);
		comma = ",";
		if (hl_json_kind(operation) == HL_JSON_OBJECT)
			append_operation(bytes, linking, operation);
		else
			hl_json_append_node(bytes, operation);
	}
	hl_bytes_append_char(bytes, ']');
}

/* The part of a fullUrl before type/id; NULL: it has no type/id. */
static char *
root_of(const char *full_url)
{
	const char *end = NULL;

	/* it is copied for each relative link */
	if (full_url != NULL && strlen(full_url) <= LONGEST_URL)
		end = find_end(full_url);
	return end == NULL ? NULL : pnstrdup(full_url, end - full_url);
}

const char *
hl_links_append(HlBytes *bytes, const HlFhirEntries *entries,
				const HlFhirEntry *entry)
{
	bool *targets = palloc0(sizeof(bool) * entries->count);
	Linking linking = {.entries = entries,
					   .entry = entry,
					   .targets = targets,
					   .root = root_of(entry->full_url)};

	for (int i = 0; i < entries->count; i++)
		targets[i] = is_target(&entries->entries[i]);
	if (hl_json_kind(entry->resource) == HL_JSON_ARRAY)
		append_operations(bytes, &linking);
	else if (entry->given_id)
		append_resource(bytes, &linking);
	else
		append_value(bytes, &linking, (Place){entry->type, ""},
					 entry->resource);
	return linking.fault;
}
