/*
 * item.c
 *	  Values of a jsonb document in place. What jsonb's functions would copy
 *	  or allocate is read here from the document's own layout, which jsonb.h
 *	  describes.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "fhirpath/definition.h"
#include "fhirpath/item.h"
#include "fhirpath/number.h"
#include "fhirpath/type.h"

/* A walk over a container's entries. */
typedef struct Walk
{
	JsonbContainer *container;
	char *base;
	uint32 offset;
	int at;
} Walk;

/*
 * The most that an evaluation may take, in bytes: the memory context of the
 * call, which is reset for each row.
 */
#define MEMORY_MAX (INT64CONST(512) * 1024 * 1024)

void
hl_items_check_memory(Size more)
{
	CHECK_FOR_INTERRUPTS();
	if ((int64) MemoryContextMemAllocated(CurrentMemoryContext, false) >
		MEMORY_MAX - (int64) more)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a FHIRPath expression takes too much memory")));
}

/* Makes an empty collection. */
void
hl_items_init(HlItems *items)
{
	items->items = items->few;
	items->count = 0;
	items->size = lengthof(items->few);
}

/* Frees the array of a collection that has outgrown its initial space. */
void
hl_items_free(HlItems *items)
{
	if (items->items != items->few)
		pfree(items->items);
}

/* Makes room for twice as many. */
static void
items_grow(HlItems *items)
{
	int size = items->size * 4;

	if (items->count >= HL_ITEMS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a FHIRPath collection has too many items"),
				 errdetail("At most %d items are allowed.", HL_ITEMS_MAX)));
	hl_items_check_memory(size * sizeof(HlItem));
	if (items->items == items->few)
	{
		items->items = palloc(size * sizeof(HlItem));
		memcpy(items->items, items->few, sizeof(items->few));
	}
	else
		items->items = repalloc(items->items, size * sizeof(HlItem));
	items->size = size;
}

/* Appends an item to be filled in; 54000 if there are too many. */
HlItem *
hl_items_add(HlItems *items)
{
	if (items->count == items->size)
		items_grow(items);
	return &items->items[items->count++];
}

void
hl_items_append(HlItems *items, const HlItem *item)
{
	*hl_items_add(items) = *item;
}

/* Initializes an item that does not belong to a document. */
static void
set_computed(HlItem *item, HlKind kind, enum jbvType type)
{
	item->value.type = type;
	item->parent = NULL;
	item->key = item->owner = item->type = NULL;
	item->keylen = item->ownerlen = 0;
	item->index = -1;
	item->kind = kind;
	item->is_system = true;
	item->is_decimal = false;
}

/* Makes an item of a text, which must live as long. */
void
hl_item_set_string(HlItem *item, const char *text, int len)
{
	set_computed(item, HL_KIND_STRING, jbvString);
	item->value.val.string.val = unconstify(char *, text);
	item->value.val.string.len = len;
}

void
hl_item_set_number(HlItem *item, Numeric number, bool is_decimal)
{
	set_computed(item, HL_KIND_NUMBER, jbvNumeric);
	item->value.val.numeric = number;
	item->is_decimal = is_decimal;
}

void
hl_item_set_boolean(HlItem *item, bool value)
{
	set_computed(item, HL_KIND_BOOLEAN, jbvBool);
	item->value.val.boolean = value;
}

/* Appends a boolean, or nothing if it is unknown. */
void
hl_items_append_truth(HlItems *items, HlTruth truth)
{
	if (truth != HL_UNKNOWN)
		hl_item_set_boolean(hl_items_add(items), truth == HL_TRUE);
}

void
hl_items_keep_values(HlItems *items)
{
	int kept = 0;

	for (int i = 0; i < items->count; i++)
		if (items->items[i].kind != HL_KIND_NOTHING)
			items->items[kept++] = items->items[i];
	items->count = kept;
}

/* The kind of a value whose type is known or not. */
static HlKind
kind_of(const JsonbValue *value, const char *type)
{
	switch (value->type)
	{
		case jbvBool:
			return HL_KIND_BOOLEAN;
		case jbvNumeric:
			return HL_KIND_NUMBER;
		case jbvString:
			return type ? hl_type_text_kind(type) : HL_KIND_STRING;
		case jbvBinary:
			return HL_KIND_OBJECT;
		default:
			return HL_KIND_NOTHING;
	}
}

bool
hl_item_root(Jsonb *document, HlItem *item)
{
	JsonbValue scalar;

	set_computed(item, HL_KIND_OBJECT, jbvBinary);
	item->is_system = false;
	if (JB_ROOT_IS_OBJECT(document))
	{
		item->value.val.binary.data = &document->root;
		item->value.val.binary.len = VARSIZE(document) - VARHDRSZ;
		return true;
	}
	if (!JB_ROOT_IS_SCALAR(document) ||
		!JsonbExtractScalar(&document->root, &scalar))
		return false;
	item->value = scalar;
	item->kind = kind_of(&scalar, NULL);
	return true;
}

/* Begins a walk over the elements of an array or the keys of an object. */
static void
walk_begin(Walk *walk, JsonbContainer *container)
{
	int count = JsonContainerSize(container);

	walk->container = container;
	walk->base =
		(char *) &container
			->children[JsonContainerIsObject(container) ? count * 2 : count];
	walk->offset = 0;
	walk->at = 0;
}

/* Reads the next entry; the caller knows their number. */
static void
walk_next(Walk *walk, JsonbValue *value)
{
	JEntry entry = walk->container->children[walk->at++];
	uint32 begin = walk->offset;
	char *at = walk->base + begin;

	JBE_ADVANCE_OFFSET(walk->offset, entry);
	if (JBE_ISSTRING(entry))
	{
		value->type = jbvString;
		value->val.string.val = at;
		value->val.string.len = walk->offset - begin;
	}
	else if (JBE_ISNUMERIC(entry))
	{
		value->type = jbvNumeric;
		value->val.numeric = (Numeric) (walk->base + INTALIGN(begin));
	}
	else if (JBE_ISBOOL(entry))
	{
		value->type = jbvBool;
		value->val.boolean = JBE_ISBOOL_TRUE(entry);
	}
	else if (JBE_ISNULL(entry))
		value->type = jbvNull;
	else
	{
		value->type = jbvBinary;
		value->val.binary.data =
			(JsonbContainer *) (walk->base + INTALIGN(begin));
		value->val.binary.len = walk->offset - INTALIGN(begin);
	}
}

/* Reads the next entry of an object's keys. */
static const char *
walk_key(Walk *walk, int *len)
{
	JEntry entry = walk->container->children[walk->at++];
	const char *key = walk->base + walk->offset;
	uint32 begin = walk->offset;

	JBE_ADVANCE_OFFSET(walk->offset, entry);
	*len = (int) (walk->offset - begin);
	return key;
}

/* Whether an object is a resource. */
static bool
is_resource(JsonbContainer *container)
{
	JsonbValue value;

	return JsonContainerIsObject(container) &&
		   getKeyJsonValueFromContainer(container, "resourceType", 12,
										&value) != NULL &&
		   value.type == jbvString;
}

/*
 * Finds the entry of a container that a position is in; false if it is in none.
 * is_contained tells whether it is a list of contained resources, or, of a
 * list, is left alone.
 */
static bool
find_around(JsonbContainer *container, const char *position, JsonbValue *value,
			bool *is_contained)
{
	Walk keys, walk;
	int count = JsonContainerSize(container);

	walk_begin(&walk, container);
	keys = walk;
	for (int i = 0; JsonContainerIsObject(container) && i < count; i++)
	{
		int len;

		walk_key(&walk, &len);
	}
	for (int i = 0; i < count; i++)
	{
		int len = 0;
		const char *key =
			JsonContainerIsObject(container) ? walk_key(&keys, &len) : NULL;

		walk_next(&walk, value);
		if (value->type != jbvBinary ||
			position < (char *) value->val.binary.data ||
			position >= (char *) value->val.binary.data + value->val.binary.len)
			continue;
		if (key != NULL)
			*is_contained = len == 9 && memcmp(key, "contained", 9) == 0;
		return true;
	}
	return false;
}

void
hl_item_resource(const HlItem *root, const HlItem *item, HlItem *resource,
				 HlItem *container)
{
	char *position = item->kind == HL_KIND_OBJECT
						 ? (char *) item->value.val.binary.data
						 : (char *) item->parent;
	JsonbValue value = root->value;
	bool is_contained = false;

	*resource = *container = *root;
	if (root->kind != HL_KIND_OBJECT || position == NULL)
		return;
	while (position != (char *) value.val.binary.data &&
		   find_around(value.val.binary.data, position, &value, &is_contained))
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_resource(value.val.binary.data))
			continue;
		*container = *resource;
		set_computed(resource, HL_KIND_OBJECT, jbvBinary);
		resource->is_system = false;
		resource->value = value;
		if (!is_contained)
			*container = *resource;
	}
}

/* The object beside a primitive that contains its extensions: "_birthDate". */
static JsonbContainer *
find_shadow(const HlItem *item)
{
	char small[64];
	char *name = small;
	JsonbValue value;
	JsonbContainer *found = NULL;

	if (item->parent == NULL || item->keylen < 1)
		return NULL;
	if (item->keylen >= (int) sizeof(small))
		name = palloc(item->keylen + 1);
	name[0] = '_';
	memcpy(name + 1, item->key, item->keylen);
	if (getKeyJsonValueFromContainer(item->parent, name, item->keylen + 1,
									 &value) &&
		value.type == jbvBinary)
		found = value.val.binary.data;
	if (name != small)
		pfree(name);
	if (found != NULL && item->index >= 0 && JsonContainerIsArray(found))
	{
		JsonbValue *element = getIthJsonbValueFromContainer(found, item->index);

		found = element != NULL && element->type == jbvBinary
					? element->val.binary.data
					: NULL;
	}
	return found != NULL && JsonContainerIsObject(found) ? found : NULL;
}

/* The object of an item, or of its extensions if it is a primitive; or NULL. */
JsonbContainer *
hl_item_container(const HlItem *item)
{
	if (item->kind != HL_KIND_OBJECT)
		return find_shadow(item);
	return item->value.val.binary.data;
}

/* Makes a number of an integer64, which FHIR's JSON writes as a string. */
static void
read_integer64(HlItem *item)
{
	Numeric number =
		hl_number_read(item->value.val.string.val, item->value.val.string.len);

	if (number == NULL || !hl_number_is_whole(number))
		return;
	item->value.type = jbvNumeric;
	item->value.val.numeric = number;
	item->kind = HL_KIND_NUMBER;
}

/* Appends one value of a member, unless it is null without extensions. */
static void
append_value(HlItems *out, const HlItem *place, const JsonbValue *value)
{
	HlItem *item;

	if (value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data))
		return; /* FHIR has no arrays in arrays */
	if (value->type == jbvNull && find_shadow(place) == NULL)
		return;
	item = hl_items_add(out);
	*item = *place;
	item->value = *value;
	item->kind = kind_of(value, place->type);
	if (item->kind == HL_KIND_STRING && place->type != NULL &&
		strcmp(place->type, "integer64") == 0)
		read_integer64(item);
}

/* Appends a member's value or, where it is an array, its elements. */
static void
append_member(HlItems *out, HlItem *place, const JsonbValue *value)
{
	JsonbValue element;
	Walk walk;
	int count;

	place->index = -1;
	if (value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
	{
		append_value(out, place, value);
		return;
	}
	count = JsonContainerSize(value->val.binary.data);
	walk_begin(&walk, value->val.binary.data);
	for (int i = 0; i < count; i++)
	{
		walk_next(&walk, &element);
		place->index = i;
		append_value(out, place, &element);
	}
}

/* Sets the position of the items of an item's member, for append_member(). */
static void
set_place(HlItem *place, const HlItem *item, JsonbContainer *parent,
		  const char *key, int len)
{
	set_computed(place, HL_KIND_NOTHING, jbvNull);
	place->is_system = false;
	place->parent = parent;
	place->key = key;
	place->keylen = len;
	place->owner = item->type ? item->type : item->key;
	place->ownerlen = item->type ? (int) strlen(item->type) : item->keylen;
}

const char *
hl_item_owner(const HlItem *item, int *len)
{
	JsonbValue value;

	if (item->parent != NULL &&
		getKeyJsonValueFromContainer(item->parent, "resourceType", 12,
									 &value) != NULL &&
		value.type == jbvString)
	{
		*len = value.val.string.len;
		return value.val.string.val;
	}
	*len = item->ownerlen;
	return item->owner ? item->owner : "";
}

const char *
hl_item_choice_type(const HlItem *item)
{
	const char *owner = NULL, *type;
	int len;

	if (item->type != NULL || item->key == NULL)
		return item->type;
	for (int i = 1; i < item->keylen; i++)
	{
		type = hl_type_of_choice(item->key + i, item->keylen - i);
		if (type == NULL)
			continue;
		if (owner == NULL)
			owner = hl_item_owner(item, &len);
		if (hl_definition_has_choice(owner, len, item->key, i))
			return type;
	}
	return NULL;
}

/* Appends an element that has only extensions, as null. */
static void
append_shadow(HlItems *out, HlItem *place, const JsonbValue *shadow)
{
	JsonbValue nothing = {.type = jbvNull};

	place->index = -1;
	if (!JsonContainerIsArray(shadow->val.binary.data))
		append_value(out, place, &nothing);
	else
		for (int i = 0; i < (int) JsonContainerSize(shadow->val.binary.data);
			 i++)
		{
			place->index = i;
			append_value(out, place, &nothing);
		}
}

/* Whether a member has the form of a choice's value: one of its type. */
static bool
is_choice_value(const JsonbValue *value, const char *type)
{
	if (value->type != jbvBinary)
		return hl_type_is_primitive(type);
	return JsonContainerIsObject(value->val.binary.data) &&
		   !hl_type_is_primitive(type);
}

/*
 * Appends the value of a choice under one of its names, or its extensions if it
 * has only those ("_valueString"). Returns false if it is no value of the choice.
 */
static bool
append_choice(HlItem *place, const char *name, int len, bool hidden,
			  HlItems *out)
{
	JsonbValue value;
	const char *owner;
	int ownerlen;

	place->type = hl_type_of_choice(place->key + len, place->keylen - len);
	if (place->type == NULL)
		return false;
	getKeyJsonValueFromContainer(place->parent, place->key - hidden,
								 place->keylen + hidden, &value);
	owner = hl_item_owner(place, &ownerlen);
	if (!hl_definition_has_choice(owner, ownerlen, name, len))
		return false;
	if (hidden)
	{
		JsonbValue plain;

		if (value.type != jbvBinary ||
			!JsonContainerIsObject(value.val.binary.data) ||
			!hl_type_is_primitive(place->type) ||
			getKeyJsonValueFromContainer(place->parent, place->key,
										 place->keylen, &plain) != NULL)
			return false;
		append_shadow(out, place, &value);
		return true;
	}
	if (!is_choice_value(&value, place->type))
		return false;
	append_member(out, place, &value);
	return true;
}

/*
 * Searches for a member of an item under another name: as a choice of types
 * ("value" as "valueQuantity"), or with only extensions ("_birthDate").
 */
static void
append_other(const HlItem *item, JsonbContainer *parent, const char *name,
			 int len, HlItems *out)
{
	int count = JsonContainerSize(parent);
	HlItem place;
	JsonbValue value;
	Walk walk;

	walk_begin(&walk, parent);
	for (int i = 0; i < count; i++)
	{
		int keylen;
		const char *text = walk_key(&walk, &keylen);
		int hidden = keylen > 0 && text[0] == '_';
		int more = keylen - hidden - len;

		if (more < 0 || (more == 0 && !hidden) ||
			memcmp(text + hidden, name, len) != 0)
			continue;
		set_place(&place, item, parent, text + hidden, len + more);
		if (more > 0)
		{
			if (append_choice(&place, name, len, hidden, out))
				return;
			continue;
		}
		getKeyJsonValueFromContainer(parent, text, keylen, &value);
		if (value.type != jbvBinary)
			continue;
		append_shadow(out, &place, &value);
		return;
	}
}

void
hl_item_member(const HlItem *item, const char *name, int len, HlItems *out)
{
	JsonbContainer *container = hl_item_container(item);
	HlItem place;
	JsonbValue value;

	if (container == NULL || JsonContainerSize(container) == 0)
		return;
	if (getKeyJsonValueFromContainer(container, name, len, &value) == NULL)
	{
		append_other(item, container, name, len, out);
		return;
	}
	set_place(&place, item, container, name, len);
	append_member(out, &place, &value);
}

/* Whether an object has a member of this name. */
static bool
has_member(JsonbContainer *container, const char *name, int len)
{
	JsonbValue value;

	return getKeyJsonValueFromContainer(container, name, len, &value) != NULL;
}

void
hl_item_children(const HlItem *item, HlItems *out)
{
	JsonbContainer *container = hl_item_container(item);
	int count = container ? JsonContainerSize(container) : 0;
	HlItem place;
	JsonbValue value;
	Walk walk;

	if (count == 0)
		return;
	walk_begin(&walk, container);
	for (int i = 0; i < count; i++)
	{
		int len;
		const char *name = walk_key(&walk, &len);

		if (len == 12 && memcmp(name, "resourceType", 12) == 0)
			continue;
		getKeyJsonValueFromContainer(container, name, len, &value);
		if (len > 0 && name[0] == '_')
		{
			if (has_member(container, name + 1, len - 1) ||
				value.type != jbvBinary)
				continue;
			set_place(&place, item, container, name + 1, len - 1);
			append_shadow(out, &place, &value);
			continue;
		}
		set_place(&place, item, container, name, len);
		append_member(out, &place, &value);
	}
}

const char *
hl_item_string_of(const HlItem *item, const char *name, int *len)
{
	JsonbValue value;

	if (item->kind != HL_KIND_OBJECT ||
		getKeyJsonValueFromContainer(item->value.val.binary.data, name,
									 (int) strlen(name), &value) == NULL ||
		value.type != jbvString)
		return NULL;
	*len = value.val.string.len;
	return value.val.string.val;
}

bool
hl_item_is_decimal(const HlItem *item)
{
	const char *type;

	if (item->is_system)
		return item->is_decimal;
	type = hl_item_choice_type(item);
	if (type != NULL)
		return strcmp(type, "decimal") == 0;
	return DatumGetInt32(DirectFunctionCall1(
			   numeric_scale, NumericGetDatum(item->value.val.numeric))) > 0;
}

bool
hl_item_is_text(const HlItem *item)
{
	return item->kind >= HL_KIND_STRING && item->kind <= HL_KIND_TIME;
}

bool
hl_item_moment(const HlItem *item, HlMoment *moment)
{
	const char *text = item->value.val.string.val;
	int len = item->value.val.string.len;

	if (!hl_item_is_text(item))
		return false;
	if (item->kind != HL_KIND_TIME && hl_moment_read_date(text, len, moment))
		return true;
	if (item->kind != HL_KIND_TIME && item->kind != HL_KIND_STRING)
		return false;
	/* "12" is a time only if the type is known */
	return (item->kind == HL_KIND_TIME || len >= 5) &&
		   hl_moment_read_time(text, len, moment);
}

/* An item as a document of its own. */
Jsonb *
hl_item_to_jsonb(const HlItem *item)
{
	JsonbValue value = item->value;

	return JsonbValueToJsonb(&value);
}

char *
hl_item_to_text(const HlItem *item)
{
	switch (item->kind)
	{
		case HL_KIND_NOTHING:
		case HL_KIND_OBJECT:
			return NULL;
		case HL_KIND_BOOLEAN:
			return pstrdup(item->value.val.boolean ? "true" : "false");
		case HL_KIND_NUMBER:
			return DatumGetCString(DirectFunctionCall1(
				numeric_out, NumericGetDatum(item->value.val.numeric)));
		default:
			return pnstrdup(item->value.val.string.val,
							item->value.val.string.len);
	}
}
