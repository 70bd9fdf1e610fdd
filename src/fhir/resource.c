/*
 * resource.c
 *	  Resources as jsonb.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "fhir/resource.h"
#include "fhir/types.h"
#include "server/text.h"

/* A member of an object; NULL: missing. */
static JsonbValue *
find_member(JsonbContainer *object, const char *name)
{
	if (!JsonContainerIsObject(object))
		return NULL;
	return getKeyJsonValueFromContainer(object, name, (int) strlen(name), NULL);
}

char *
hl_fhir_member(JsonbContainer *object, const char *name)
{
	const JsonbValue *value = find_member(object, name);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* Whether a list of codings contains SUBSETTED. */
static bool
has_subsetted(JsonbContainer *tags)
{
	uint32 count = JsonContainerIsArray(tags) ? JsonContainerSize(tags) : 0;

	for (uint32 i = 0; i < count; i++)
	{
		const JsonbValue *tag = getIthJsonbValueFromContainer(tags, i);
		const char *code = tag->type == jbvBinary
							   ? hl_fhir_member(tag->val.binary.data, "code")
							   : NULL;

		if (code != NULL && strcmp(code, "SUBSETTED") == 0)
			return true;
	}
	return false;
}

/* Whether a resource is tagged as a partial one. */
static bool
is_part(Jsonb *json)
{
	const JsonbValue *meta = find_member(&json->root, "meta");
	const JsonbValue *tags;

	if (meta == NULL || meta->type != jbvBinary)
		return false;
	tags = find_member(meta->val.binary.data, "tag");
	return tags != NULL && tags->type == jbvBinary &&
		   has_subsetted(tags->val.binary.data);
}

static void
refuse_resource(const char *what, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s %s", what, why)));
}

HlFhirResource *
hl_fhir_resource_of(Jsonb *json, const char *what)
{
	HlFhirResource *resource = palloc0(sizeof(HlFhirResource));
	bool identified = find_member(&json->root, "id") != NULL;

	resource->json = json;
	resource->type = hl_fhir_member(&json->root, "resourceType");
	resource->id = hl_fhir_member(&json->root, "id");
	if (resource->type == NULL)
		refuse_resource(what, "must be a FHIR resource, with a resourceType");
	hl_fhir_check_type(resource->type);
	if (identified && resource->id == NULL)
		refuse_resource(what, "has an id that is not a string");
	if (identified)
		hl_fhir_check_id(resource->id);
	if (is_part(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is a partial resource (tag SUBSETTED)", what),
				 errdetail("Writing it would lose the rest of the resource."),
				 errhint("Read the resource with healthlake_fhir_read().")));
	return resource;
}

HlFhirResource *
hl_fhir_resource(const HlArguments *arguments, const char *argument)
{
	Datum value;

	if (!hl_arguments_value(arguments, argument, &value))
		(void) hl_fhir_needed(arguments, argument);
	return hl_fhir_resource_of(DatumGetJsonbP(value),
							   psprintf("argument \"%s\"", argument));
}

const char *
hl_fhir_needed(const HlArguments *arguments, const char *argument)
{
	const char *text = hl_arguments_text(arguments, argument);

	if (text == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", argument)));
	return text;
}
