/*
 * type.c
 *	  The names of FHIR's types.
 */
#include "postgres.h"

#include <ctype.h>

#include "utils/builtins.h"

#include "fhirpath/definition.h"
#include "fhirpath/type.h"

/* The types of choice elements in R3 to R6, and their base types. */
static const struct
{
	const char *name;
	const char *parent;
} types[] = {
	{"Address", "Element"},
	{"Age", "Quantity"},
	{"Annotation", "Element"},
	{"Attachment", "Element"},
	{"Availability", "Element"},
	{"CodeableConcept", "Element"},
	{"CodeableReference", "Element"},
	{"Coding", "Element"},
	{"ContactDetail", "Element"},
	{"ContactPoint", "Element"},
	{"Contributor", "Element"},
	{"Count", "Quantity"},
	{"DataRequirement", "Element"},
	{"Distance", "Quantity"},
	{"Dosage", "Element"},
	{"Duration", "Quantity"},
	{"Expression", "Element"},
	{"ExtendedContactDetail", "Element"},
	{"Extension", "Element"},
	{"HumanName", "Element"},
	{"Identifier", "Element"},
	{"Meta", "Element"},
	{"MonetaryComponent", "Element"},
	{"Money", "Element"},
	{"Narrative", "Element"},
	{"ParameterDefinition", "Element"},
	{"Period", "Element"},
	{"Quantity", "Element"},
	{"Range", "Element"},
	{"Ratio", "Element"},
	{"RatioRange", "Element"},
	{"Reference", "Element"},
	{"RelatedArtifact", "Element"},
	{"RelativeTime", "Element"},
	{"SampledData", "Element"},
	{"Signature", "Element"},
	{"SimpleQuantity", "Quantity"},
	{"Timing", "Element"},
	{"TriggerDefinition", "Element"},
	{"UsageContext", "Element"},
	{"VirtualServiceDetail", "Element"},
	{"base64Binary", "Element"},
	{"boolean", "Element"},
	{"canonical", "uri"},
	{"code", "string"},
	{"date", "Element"},
	{"dateTime", "Element"},
	{"decimal", "Element"},
	{"id", "string"},
	{"instant", "Element"},
	{"integer", "Element"},
	{"integer64", "Element"},
	{"markdown", "string"},
	{"oid", "uri"},
	{"positiveInt", "integer"},
	{"string", "Element"},
	{"time", "Element"},
	{"unsignedInt", "integer"},
	{"uri", "Element"},
	{"url", "uri"},
	{"uuid", "uri"},
};

/* Compares a name of known length with a static one. */
static bool
same_name(const char *name, int len, const char *known)
{
	return strncmp(known, name, len) == 0 && known[len] == '\0';
}

/* The index of a type in the table, or -1. */
static int
find_type(const char *name, int len)
{
	int low = 0, high = lengthof(types) - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = strncmp(types[middle].name, name, len);

		if (order == 0 && types[middle].name[len] != '\0')
			order = 1;
		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return -1;
}

const char *
hl_type_known(const char *name, int len)
{
	int at = len > 0 && len < 32 ? find_type(name, len) : -1;

	return at < 0 ? NULL : types[at].name;
}

const char *
hl_type_of_choice(const char *suffix, int len)
{
	char name[32];
	const char *type;

	if (len < 2 || len >= (int) sizeof(name) || suffix[0] < 'A' ||
		suffix[0] > 'Z')
		return NULL;
	type = hl_type_known(suffix, len);
	if (type != NULL)
		return type;
	memcpy(name, suffix, len);
	name[0] += 'a' - 'A';
	return hl_type_known(name, len);
}

bool
hl_type_is_primitive(const char *type)
{
	return type[0] >= 'a' && type[0] <= 'z';
}

HlKind
hl_type_text_kind(const char *type)
{
	if (strcmp(type, "date") == 0)
		return HL_KIND_DATE;
	if (strcmp(type, "dateTime") == 0 || strcmp(type, "instant") == 0)
		return HL_KIND_DATETIME;
	if (strcmp(type, "time") == 0)
		return HL_KIND_TIME;
	return HL_KIND_STRING;
}

/* Whether a known type is another, or derived from it. */
static bool
is_kind_of(const char *type, const char *name, int len)
{
	while (!same_name(name, len, type))
	{
		int at = find_type(type, (int) strlen(type));

		if (at < 0)
			return false;
		type = types[at].parent;
	}
	return true;
}

/* Whether a literal or computed item is of a System type. */
static bool
is_system_type(const HlItem *item, const char *name, int len)
{
	static const char *const names[] = {
		[HL_KIND_BOOLEAN] = "Boolean", [HL_KIND_STRING] = "String",
		[HL_KIND_DATE] = "Date",       [HL_KIND_DATETIME] = "DateTime",
		[HL_KIND_TIME] = "Time",
	};

	if (same_name(name, len, "Any"))
		return true;
	if (item->kind == HL_KIND_NUMBER)
		return same_name(name, len,
						 hl_item_is_decimal(item) ? "Decimal" : "Integer");
	return item->kind != HL_KIND_NOTHING && item->kind != HL_KIND_OBJECT &&
		   same_name(name, len, names[item->kind]);
}

/* Whether a resource has a type: its own, or a base type. */
static HlTruth
match_resource(const HlItem *item, const HlTypeName *type, const char *own,
			   int ownlen)
{
	bool is_domain = strncmp(own, "Bundle", ownlen) != 0 &&
					 strncmp(own, "Binary", ownlen) != 0 &&
					 strncmp(own, "Parameters", ownlen) != 0;

	if (type->len == ownlen && memcmp(type->name, own, ownlen) == 0)
		return HL_TRUE;
	return hl_truth_of(
		same_name(type->name, type->len, "Resource") ||
		(is_domain && same_name(type->name, type->len, "DomainResource")));
}

/* The answer for an element whose name does not tell its type. */
static HlTruth
match_untyped(const HlItem *item, const HlTypeName *type, const char *known)
{
	bool is_primitive = hl_type_is_primitive(known);

	switch (item->kind)
	{
		case HL_KIND_OBJECT:
			return is_primitive ? HL_FALSE : HL_UNKNOWN;
		case HL_KIND_BOOLEAN:
			return hl_truth_of(strcmp(known, "boolean") == 0);
		case HL_KIND_NUMBER:
			return strcmp(known, "decimal") == 0 ||
						   is_kind_of(known, "integer", 7) ||
						   strcmp(known, "integer64") == 0
					   ? HL_UNKNOWN
					   : HL_FALSE;
		default:
			return is_primitive && strcmp(known, "boolean") != 0 &&
						   strcmp(known, "decimal") != 0 &&
						   !is_kind_of(known, "integer", 7) &&
						   strcmp(known, "integer64") != 0
					   ? HL_UNKNOWN
					   : HL_FALSE;
	}
}

/* Whether an element is a String of System: the id of any, an extension's url. */
static bool
is_system_string(const HlItem *item)
{
	const char *owner;
	int len;

	if (item->kind != HL_KIND_STRING || item->key == NULL)
		return false;
	if (same_name(item->key, item->keylen, "id"))
		return true;
	if (!same_name(item->key, item->keylen, "url"))
		return false;
	owner = hl_item_owner(item, &len);
	return same_name(owner, len, "extension") ||
		   same_name(owner, len, "modifierExtension");
}

HlTruth
hl_type_matches(const HlItem *item, const HlTypeName *type)
{
	const char *known, *own;
	int ownlen;

	if (!item->is_system && !type->is_fhir && is_system_string(item) &&
		is_system_type(item, type->name, type->len))
		return HL_TRUE;
	if (item->is_system)
		return hl_truth_of(!type->is_fhir &&
						   is_system_type(item, type->name, type->len));
	if (type->is_system)
		return HL_FALSE;
	own = hl_item_string_of(item, "resourceType", &ownlen);
	if (own != NULL)
		return match_resource(item, type, own, ownlen);
	known = hl_item_choice_type(item);
	if (known != NULL)
		return hl_truth_of(is_kind_of(known, type->name, type->len));
	/* an object without resourceType is no resource */
	if (hl_definition_is_resource(type->name, type->len))
		return HL_FALSE;
	if (same_name(type->name, type->len, "Element"))
		return HL_TRUE;
	known = hl_type_known(type->name, type->len);
	if (known == NULL) /* an unknown complex type */
		return item->kind == HL_KIND_OBJECT && type->len > 0 &&
					   !hl_type_is_primitive(type->name)
				   ? HL_UNKNOWN
				   : HL_FALSE;
	return match_untyped(item, type, known);
}
