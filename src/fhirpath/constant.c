/*
 * constant.c
 *	  Reads the constants of paths.
 */
#include "postgres.h"

#include "fhirpath/constant.h"
#include "fhirpath/number.h"
#include "fhirpath/type.h"

/* The types that a view's constant may have. */
static const char *const constant_types[] = {
	"base64Binary", "boolean",     "canonical", "code",        "date",
	"dateTime",     "decimal",     "id",        "instant",     "integer",
	"integer64",    "markdown",    "oid",       "positiveInt", "string",
	"time",         "unsignedInt", "uri",       "url",         "uuid"};

bool
hl_constant_is_name(const char *name, int len)
{
	for (int i = 0; i < len; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') ||
			  (name[i] >= 'A' && name[i] <= 'Z') ||
			  (i > 0 &&
			   ((name[i] >= '0' && name[i] <= '9') || name[i] == '_'))))
			return false;
	return len > 0;
}

/* Whether FHIRPath or SQL on FHIR defines a name. */
static bool
is_reserved(const char *name, int len)
{
	static const char *const names[] = {"resource", "context", "rootResource",
										"rowIndex"};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (strncmp(names[i], name, len) == 0 && names[i][len] == '\0')
			return true;
	return false;
}

/* Whether a value has the form of its type. */
static bool
is_well_written(const HlItem *item)
{
	HlMoment moment;

	if (strcmp(item->type, "boolean") == 0)
		return item->kind == HL_KIND_BOOLEAN;
	if (strcmp(item->type, "decimal") == 0)
		return item->kind == HL_KIND_NUMBER;
	if (strcmp(item->type, "integer") == 0 ||
		strcmp(item->type, "positiveInt") == 0 ||
		strcmp(item->type, "unsignedInt") == 0)
		return item->kind == HL_KIND_NUMBER &&
			   hl_number_is_whole(item->value.val.numeric);
	if (strcmp(item->type, "integer64") == 0)
		return item->kind == HL_KIND_STRING || item->kind == HL_KIND_NUMBER;
	return hl_item_is_text(item) &&
		   (item->kind == HL_KIND_STRING || hl_item_moment(item, &moment));
}

/* Turns a FHIR value into the item of an equal literal. */
static void
make_literal(HlItem *item)
{
	Numeric number;

	item->is_decimal = strcmp(item->type, "decimal") == 0;
	if (strcmp(item->type, "integer64") == 0 && item->kind == HL_KIND_STRING)
	{
		number = hl_number_read(item->value.val.string.val,
								item->value.val.string.len);
		if (number != NULL)
			hl_item_set_number(item, number, false);
	}
	item->is_system = true;
	item->type = NULL;
	/* a literal has no extensions */
	item->parent = NULL;
	item->key = NULL;
	item->keylen = 0;
}

/* Appends the values of value[x] of an object. */
static void
append_values(const HlItem *object, HlItems *out)
{
	for (int i = 0; i < (int) lengthof(constant_types); i++)
	{
		char name[32];
		int before = out->count;
		JsonbValue value;

		snprintf(name, sizeof(name), "value%c%s",
				 pg_toupper((unsigned char) constant_types[i][0]),
				 constant_types[i] + 1);
		/* valueDate is not valueDateTime, which is searched for separately */
		if (getKeyJsonValueFromContainer(object->value.val.binary.data, name,
										 (int) strlen(name), &value) == NULL)
			continue;
		hl_item_member(object, name, (int) strlen(name), out);
		for (int j = before; j < out->count; j++)
		{
			out->items[j].type = constant_types[i];
			if (out->items[j].kind == HL_KIND_STRING)
				out->items[j].kind = hl_type_text_kind(constant_types[i]);
		}
	}
}

const char *
hl_constant_read(const HlItem *item, HlConstant *constant)
{
	hl_items_init(&constant->items);
	constant->name = hl_item_string_of(item, "name", &constant->len);
	if (constant->name == NULL ||
		!hl_constant_is_name(constant->name, constant->len))
		return "name must be letters, digits and underscores, the first one a "
			   "letter";
	if (is_reserved(constant->name, constant->len))
		return "name is FHIRPath's own";
	append_values(item, &constant->items);
	if (constant->items.count != 1)
		return "must have one value[x] of a primitive type";
	if (!is_well_written(&constant->items.items[0]))
		return "value does not have the type in its name";
	make_literal(&constant->items.items[0]);
	return NULL;
}

/* Raises the problem with the constants. */
static void
refuse(const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid constants of a FHIRPath expression"),
					errdetail("%s.", why)));
}

/* Reads an array of constants in the form of a view. */
static void
read_array(Jsonb *document, HlConstants *constants)
{
	for (int i = 0; i < constants->count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&document->root, i);
		HlItem item = {.value = *element, .kind = HL_KIND_OBJECT};
		const char *why;

		if (element->type != jbvBinary ||
			!JsonContainerIsObject(element->val.binary.data))
			refuse("An element of the array is not an object");
		why = hl_constant_read(&item, &constants->all[i]);
		if (why != NULL)
			refuse(psprintf("Constant %d: %s", i, why));
	}
}

/* Reads an object of names and values. */
static void
read_object(Jsonb *document, HlConstants *constants)
{
	JsonbIterator *iterator = JsonbIteratorInit(&document->root);
	HlConstant *constant = constants->all;
	HlItem root;
	JsonbIteratorToken token;
	JsonbValue key;

	hl_item_root(document, &root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		constant->name = key.val.string.val;
		constant->len = key.val.string.len;
		hl_items_init(&constant->items);
		hl_item_member(&root, constant->name, constant->len, &constant->items);
		constant++;
	}
}

HlConstants *
hl_constants_read(Jsonb *document)
{
	HlConstants *constants = palloc0(sizeof(HlConstants));

	if (JB_ROOT_IS_SCALAR(document))
		refuse("They must be an object or an array");
	constants->count = JB_ROOT_COUNT(document);
	constants->all = palloc0((constants->count + 1) * sizeof(HlConstant));
	if (JB_ROOT_IS_ARRAY(document))
		read_array(document, constants);
	else
		read_object(document, constants);
	return constants;
}
