/*
 * disclosed.c
 *	  The resources in a reply, and the patients of a call.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "audit/asked.h"
#include "audit/disclosed.h"
#include "audit/names.h"
#include "aws/searchset.h"

/* The state of reading a reply. */
typedef struct Reading
{
	int64 count;
	HlNames resources;
	HlNames patients;
} Reading;

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
			(void) hl_names_add_referred(&reading->patients,
										 hl_json_string(part));
	}
}

/* Adds a resource, of which only type and id may be known. */
static void
add_resource(Reading *reading, const char *type, const char *id,
			 const HlJson *resource)
{
	reading->count++;
	if (hl_names_is_type(type) && hl_names_is_id(id))
	{
		if (reading->resources.count < HL_DISCLOSED_MOST)
			hl_names_add_resource(&reading->resources, type, id);
		if (strcmp(type, "Patient") == 0)
			hl_names_add(&reading->patients, id);
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
 * Reads a reply that may contain resources. An OperationOutcome, or an object
 * without a type, is no resource, but the caller gets its references.
 */
static void
read_resource(Reading *reading, const HlJson *resource)
{
	const char *type = hl_json_string(hl_json_member(resource, "resourceType"));

	check_stack_depth();
	if (hl_json_kind(resource) != HL_JSON_OBJECT)
		return;
	if (type[0] == '\0' || strcmp(type, "OperationOutcome") == 0)
		add_patients(reading, resource);
	else if (strcmp(type, "Bundle") == 0)
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
hl_disclosed_read(const HlRequest *request, const HlJson *reply)
{
	Reading reading = {0};

	read_resource(&reading, reply);
	hl_asked_add(&reading.patients, request);
	return (HlDisclosed){.count = reading.count,
						 .overflow = reading.patients.overflow,
						 .resources = hl_names_finish(&reading.resources),
						 .patients = hl_names_finish(&reading.patients)};
}
