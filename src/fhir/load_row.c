/*
 * load_row.c
 *	  Reads the resource of a row, without detoasting more of it than
 *	  necessary.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"

#include "fhir/body.h"
#include "fhir/load_row.h"
#include "fhir/types.h"
#include "server/jsonb_text.h"
#include "server/text.h"

/* The maximum bytes that a Bundle adds to a resource. */
#define AROUND 512

/* Records why a row is not sent. */
static void
refuse_row(HlLoadResource *resource, const char *code, const char *element)
{
	resource->code = code;
	resource->expression =
		element == NULL
			? resource->type
			: psprintf("%s.%s",
					   resource->type != NULL ? resource->type : "Resource",
					   element);
}

/* A string member; NULL if it is not a string. */
static const char *
string_member(JsonbContainer *object, const char *name, bool *there)
{
	JsonbValue value;

	*there = getKeyJsonValueFromContainer(object, name, (int) strlen(name),
										  &value) != NULL;
	if (!*there || value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* An object or array member; NULL if it is neither. */
static JsonbContainer *
container_member(JsonbContainer *object, const char *name)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(object, name, (int) strlen(name),
									 &value) == NULL ||
		value.type != jbvBinary)
		return NULL;
	return value.val.binary.data;
}

/* Whether it is tagged as a partial resource. */
static bool
is_subsetted(JsonbContainer *resource)
{
	JsonbContainer *meta = container_member(resource, "meta");
	JsonbContainer *tags = NULL;
	bool there;

	if (meta != NULL && JsonContainerIsObject(meta))
		tags = container_member(meta, "tag");
	if (tags == NULL || !JsonContainerIsArray(tags))
		return false;
	for (uint32 i = 0; i < JsonContainerSize(tags); i++)
	{
		JsonbValue *tag = getIthJsonbValueFromContainer(tags, i);
		const char *code = NULL;

		if (tag->type == jbvBinary &&
			JsonContainerIsObject(tag->val.binary.data))
			code = string_member(tag->val.binary.data, "code", &there);
		if (code != NULL && strcmp(code, "SUBSETTED") == 0)
			return true;
	}
	return false;
}

static void
read_id(HlLoadResource *resource)
{
	bool there;
	const char *id = string_member(&resource->value->root, "id", &there);

	if (id != NULL && hl_fhir_is_id(id))
		resource->id = id;
	else
		refuse_row(resource, there ? "value" : "required", "id");
}

/* The hash of type and id. */
static uint64
key_of(const HlLoadResource *resource)
{
	char *both = psprintf("%s/%s", resource->type, resource->id);

	return hash_bytes_extended((const unsigned char *) both, (int) strlen(both),
							   0);
}

HlLoadResource *
hl_load_row_read(const HlLoadRow *row)
{
	HlLoadResource *resource = palloc0(sizeof(HlLoadResource));
	const char *type = NULL;
	bool there = false;

	resource->place = row->place;
	if (!row->null)
		resource->value = DatumGetJsonbP(row->resource);
	if (row->null || !JB_ROOT_IS_OBJECT(resource->value))
	{
		refuse_row(resource, row->null ? "required" : "structure", NULL);
		return resource;
	}
	type = string_member(&resource->value->root, "resourceType", &there);
	if (type == NULL || !hl_fhir_is_type(type))
	{
		refuse_row(resource, there ? "value" : "required", "resourceType");
		return resource;
	}
	resource->type = type;
	read_id(resource);
	if (resource->id != NULL)
		resource->key = key_of(resource);
	if (resource->code == NULL && is_subsetted(&resource->value->root))
		refuse_row(resource, "business-rule", "meta.tag");
	return resource;
}

void
hl_load_row_write(HlLoadResource *resource)
{
	Jsonb *value = resource->value;
	char *text;

	resource->value = NULL;
	if (hl_jsonb_is_longer(value, HL_BODY_MAX_BYTES))
	{
		refuse_row(resource, "too-long", NULL);
		return;
	}
	text = JsonbToCString(NULL, &value->root, VARSIZE(value));
	resource->json = hl_text_to_utf8_if_valid(text, (int) strlen(text));
	if (resource->json == NULL)
	{
		refuse_row(resource, "structure", NULL);
		return;
	}
	resource->len = strlen(resource->json);
	if (hl_body_levels(resource->json) > HL_BODY_MAX_LEVELS)
		refuse_row(resource, "structure", NULL);
	else if (resource->len + AROUND > HL_BODY_MAX_BYTES)
		refuse_row(resource, "too-long", NULL);
}
