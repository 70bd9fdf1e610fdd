/*
 * same.c
 *	  Comparing what is stored with what was written.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "fhir/same.h"

static bool is_equal(const HlJson *one, const HlJson *other);

/* Servers may write a number in another form: 1.50 as 1.5. */
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
