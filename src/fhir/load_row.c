/*
 * load_row.c
 *	  Reads the resource of a row, without detoasting more of it than
 *	  necessary.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "fhir/body.h"
#include "fhir/load_row.h"
#include "fhir/types.h"
#include "server/text.h"

/* The maximum bytes that a Bundle adds to a resource. */
#define AROUND 512

/* Jsonb up to this size, in bytes, is never too large to be written as JSON. */
#define SMALL 8192

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

/* The length of a string as JSON, without its quotes. */
static size_t
string_len(const char *string, int len)
{
	size_t all = len;

	for (int i = 0; i < len; i++)
		if (string[i] == '"' || string[i] == '\\')
			all++;
		else if ((unsigned char) string[i] < ' ')
			all += strchr("\b\f\n\r\t", string[i]) != NULL ? 1 : 5;
	return all;
}

/* The minimum length of a part of jsonb as JSON. */
static size_t
part_len(JsonbIteratorToken token, const JsonbValue *value)
{
	size_t len;
	char *digits;

	if (token != WJB_KEY && token != WJB_ELEM && token != WJB_VALUE)
		return 1;
	switch (value->type)
	{
		case jbvString:
			return string_len(value->val.string.val, value->val.string.len) + 2;
		case jbvNumeric:
			digits = DatumGetCString(DirectFunctionCall1(
				numeric_out, NumericGetDatum(value->val.numeric)));
			len = strlen(digits);
			pfree(digits);
			return len;
		default:
			return strlen("null");
	}
}

/*
 * Whether large jsonb is too large as JSON. It must not be written to find
 * out: a number of ten bytes may have a hundred thousand digits.
 */
static bool
is_too_long(Jsonb *json)
{
	JsonbIterator *iterator = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue value;
	size_t len = 0;

	if (VARSIZE(json) < SMALL)
		return false;
	while (len <= HL_BODY_MAX_BYTES &&
		   (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		len += part_len(token, &value);
	}
	return len > HL_BODY_MAX_BYTES;
}

void
hl_load_row_write(HlLoadResource *resource)
{
	Jsonb *value = resource->value;
	char *text;

	resource->value = NULL;
	if (is_too_long(value))
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
