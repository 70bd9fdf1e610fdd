/*
 * disclosed.c
 *	  The resources in a reply, and their patients.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "audit/disclosed.h"
#include "aws/searchset.h"

#define WORD 64 /* the longest type, or id */

/* Names that are listed once each. */
typedef struct Names
{
	HTAB *known;
	StringInfoData array;
	int count;
	int most;
} Names;

/* A reply that is being read. */
typedef struct Reading
{
	int64 count;
	Names resources;
	Names patients;
} Reading;

/* ------------------------------------------------------------------- names */

/* The length of an id at this place; 0 if there is none, or it is too long. */
static size_t
id_len(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
							  "wxyz0123456789.-");

	return len > WORD ? 0 : len;
}

/* Whether a whole text is an id or a type. */
static bool
is_id(const char *text)
{
	size_t len = id_len(text);

	return len > 0 && text[len] == '\0';
}

static bool
is_type(const char *text)
{
	return text[0] >= 'A' && text[0] <= 'Z' && is_id(text) &&
		   strpbrk(text, ".-0123456789") == NULL;
}

/* Adds a name once; names contain neither quotes nor backslashes. */
static void
add_name(Names *names, const char *name)
{
	bool found;

	if (names->known == NULL)
	{
		HASHCTL control = {.keysize = 2 * WORD + 2,
						   .entrysize = 2 * WORD + 2,
						   .hcxt = CurrentMemoryContext};

		names->known = hash_create("healthlake disclosed", 128, &control,
								   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
		initStringInfo(&names->array);
	}
	if (names->count == names->most)
		return;
	(void) hash_search(names->known, name, HASH_ENTER, &found);
	if (found)
		return;
	appendStringInfo(&names->array, "%s\"%s\"", names->count == 0 ? "{" : ",",
					 name);
	names->count++;
}

/* The array of all names; NULL if there is none. */
static const char *
finish_names(Names *names)
{
	if (names->count == 0)
		return NULL;
	hash_destroy(names->known);
	appendStringInfoChar(&names->array, '}');
	return names->array.data;
}

/* --------------------------------------------------------------- resources */

/* Adds the patient of a reference: Patient/1, or the end of a URL. */
static void
add_referred(Reading *reading, const char *reference)
{
	const char *at = reference;
	char id[WORD + 1];
	size_t len;

	while ((at = strstr(at, "Patient/")) != NULL && at != reference &&
		   at[-1] != '/')
		at++;
	if (at == NULL)
		return;
	at += strlen("Patient/");
	len = id_len(at);
	if (len == 0 || strchr("/?#|", at[len]) == NULL)
		return;
	memcpy(id, at, len);
	id[len] = '\0';
	add_name(&reading->patients, id);
}

/* Adds all patients to which a part of a resource refers. */
static void
add_patients(Reading *reading, const HlJson *node)
{
	HlJsonEach each = hl_json_each(node);
	const HlJson *part;

	check_stack_depth();
	while ((part = hl_json_step(&each)) != NULL)
	{
		HlJsonKind kind = hl_json_kind(part);

		if (kind == HL_JSON_ARRAY || kind == HL_JSON_OBJECT)
			add_patients(reading, part);
		else if (kind == HL_JSON_STRING && each.name != NULL &&
				 strcmp(each.name, "reference") == 0)
			add_referred(reading, hl_json_string(part));
	}
}

/* Adds a resource, of which only type and id may be known. */
static void
add_resource(Reading *reading, const char *type, const char *id,
			 const HlJson *resource)
{
	if (reading->count++ >= HL_DISCLOSED_RESOURCES)
		return;
	if (is_type(type) && is_id(id))
	{
		add_name(&reading->resources, psprintf("%s/%s", type, id));
		if (strcmp(type, "Patient") == 0)
			add_name(&reading->patients, id);
	}
	add_patients(reading, resource);
}

static void read_resource(Reading *reading, const HlJson *resource);

/*
 * Reads the entries of a Bundle, even if they are malformed, since the caller
 * gets the complete reply. A deleted resource is only named.
 */
static void
read_bundle(Reading *reading, const HlJson *bundle)
{
	HlSearchset set = {.each = hl_json_each(hl_json_member(bundle, "entry"))};
	HlEntry entry;

	while (hl_searchset_step(&set, &entry))
		if (entry.resource != NULL)
			read_resource(reading, entry.resource);
		else if (entry.deleted && entry.id[0] != '\0')
			add_resource(reading, entry.type, entry.id, NULL);
}

/* Reads the resources in the output of an operation. */
static void
read_parameters(Reading *reading, const HlJson *parameters)
{
	HlJsonEach each = hl_json_each(parameters);
	const HlJson *part;

	while ((part = hl_json_step(&each)) != NULL)
	{
		if (hl_json_kind(part) != HL_JSON_OBJECT)
			continue;
		read_resource(reading, hl_json_member(part, "resource"));
		read_parameters(reading, hl_json_member(part, "part"));
	}
}

/*
 * Reads a reply that may contain resources; an OperationOutcome contains none.
 */
static void
read_resource(Reading *reading, const HlJson *resource)
{
	const char *type = hl_json_string(hl_json_member(resource, "resourceType"));

	check_stack_depth();
	if (hl_json_kind(resource) != HL_JSON_OBJECT || type[0] == '\0' ||
		strcmp(type, "OperationOutcome") == 0)
		return;
	if (strcmp(type, "Bundle") == 0)
		read_bundle(reading, resource);
	else if (strcmp(type, "Parameters") == 0)
	{
		read_parameters(reading, hl_json_member(resource, "parameter"));
		add_patients(reading, resource);
	}
	else
		add_resource(reading, type,
					 hl_json_string(hl_json_member(resource, "id")), resource);
}

HlDisclosed
hl_disclosed_read(const HlJson *reply)
{
	Reading reading = {.resources = {.most = HL_DISCLOSED_RESOURCES},
					   .patients = {.most = HL_DISCLOSED_PATIENTS}};

	read_resource(&reading, reply);
	return (HlDisclosed){.count = reading.count,
						 .resources = finish_names(&reading.resources),
						 .patients = finish_names(&reading.patients)};
}
