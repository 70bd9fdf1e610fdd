/*
 * same.c
 *	  Compares a stored resource with what was written.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "fhir/same.h"
#include "model/response.h"
#include "server/arrays.h"

static bool is_equal(const HlJson *one, const HlJson *other);

/* A server may return a number in another notation: 1.5 for 1.50. */
static bool
is_equal_number(const HlJson *one, const HlJson *other)
{
	double a, b;

	return strcmp(hl_json_string(one), hl_json_string(other)) == 0 ||
		   (hl_json_double(one, &a) && hl_json_double(other, &b) && a == b);
}

static bool
is_equal_array(const HlJson *one, const HlJson *other)
{
	HlJsonEach a = hl_json_each(one);
	HlJsonEach b = hl_json_each(other);
	const HlJson *element;

	if (hl_json_len(one) != hl_json_len(other))
		return false;
	while ((element = hl_json_step(&a)) != NULL)
		if (!is_equal(element, hl_json_step(&b)))
			return false;
	return true;
}

/* Whether an object has all members of another, except some. */
static bool
has_members(const HlJson *object, const HlJson *other, const char *const *less)
{
	HlJsonEach each = hl_json_each(other);
	const HlJson *value;

	while ((value = hl_json_step(&each)) != NULL)
	{
		bool left_out = false;

		for (int i = 0; less[i] != NULL; i++)
			left_out |= strcmp(less[i], each.name) == 0;
		if (!left_out && !is_equal(hl_json_member(object, each.name), value))
			return false;
	}
	return true;
}

static bool
is_equal(const HlJson *one, const HlJson *other)
{
	static const char *const nothing[] = {NULL};

	check_stack_depth();
	if (hl_json_kind(one) != hl_json_kind(other))
		return false;
	switch (hl_json_kind(one))
	{
		case HL_JSON_NUMBER:
			return is_equal_number(one, other);
		case HL_JSON_STRING:
			return strcmp(hl_json_string(one), hl_json_string(other)) == 0;
		case HL_JSON_ARRAY:
			return is_equal_array(one, other);
		case HL_JSON_OBJECT:
			return hl_json_len(one) == hl_json_len(other) &&
				   has_members(one, other, nothing);
		default:
			return true;
	}
}

bool
hl_fhir_is_stored(const HlJson *stored, const HlJson *written)
{
	static const char *const servers[] = {"meta", NULL};
	static const char *const versions[] = {"versionId", "lastUpdated", NULL};

	return hl_json_kind(stored) == HL_JSON_OBJECT &&
		   hl_json_kind(written) == HL_JSON_OBJECT &&
		   has_members(stored, written, servers) &&
		   has_members(written, stored, servers) &&
		   has_members(hl_json_member(stored, "meta"),
					   hl_json_member(written, "meta"), versions);
}

/* ------------------------------------------------------------- with its meta */

/* The resource without the member at a path of one or two names. */
static Datum
without(Datum resource, const char *first, const char *second)
{
	Datum names[2];
	int count = 1;

	names[0] = CStringGetTextDatum(first);
	if (second != NULL)
		names[count++] = CStringGetTextDatum(second);
	return DirectFunctionCall2(jsonb_delete_path, resource,
							   PointerGetDatum(hl_arrays_text(names, count)));
}

/* A member of a resource that is an object; NULL: it has none. */
static const JsonbContainer *
object_in(Datum resource, const char *name)
{
	JsonbValue value;
	Jsonb *json = DatumGetJsonbP(resource);

	if (getKeyJsonValueFromContainer(&json->root, name, (int) strlen(name),
									 &value) == NULL ||
		value.type != jbvBinary ||
		!JsonContainerIsObject(value.val.binary.data))
		return NULL;
	return value.val.binary.data;
}

/*
 * A resource without what HealthLake adds to it. Whatever else has the name
 * "meta" is left: a path into an array must be of numbers.
 */
static Datum
as_written(Datum resource)
{
	if (object_in(resource, "meta") == NULL)
		return resource;
	resource = without(resource, "meta", "versionId");
	resource = without(resource, "meta", "lastUpdated");
	return JsonContainerSize(object_in(resource, "meta")) == 0
			   ? without(resource, "meta", NULL)
			   : resource;
}

/* Whether jsonb is an object, from which paths can be deleted. */
static bool
is_object(Datum json)
{
	return JB_ROOT_IS_OBJECT(DatumGetJsonbP(json));
}

bool
hl_fhir_is_same(Jsonb *written, const char *stored)
{
	bool isnull;
	Datum one = PointerGetDatum(written);
	Datum other = hl_response_jsonb_if_fit(stored, &isnull);

	if (isnull || !is_object(one) || !is_object(other))
		return false;
	one = as_written(one);
	other = as_written(other);
	return compareJsonbContainers(&DatumGetJsonbP(one)->root,
								  &DatumGetJsonbP(other)->root) == 0;
}
