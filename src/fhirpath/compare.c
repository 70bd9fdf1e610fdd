/*
 * compare.c
 *	  Equality, order and sets of items.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/numeric.h"

#include "fhirpath/compare.h"

/*
 * The maximum number of items in a collection for ~, which ignores the order.
 */
#define EQUIVALENT_MAX 1000

/* Whether a string is certainly not a date of unknown type. */
static bool
is_plain(const HlItem *item)
{
	return item->kind == HL_KIND_STRING &&
		   (item->is_system || item->type != NULL);
}

/* Compares two texts by their code points (in UTF-8). */
static int
compare_texts(const HlItem *one, const HlItem *other)
{
	int len = Min(one->value.val.string.len, other->value.val.string.len);
	int order =
		memcmp(one->value.val.string.val, other->value.val.string.val, len);

	if (order == 0)
		order = one->value.val.string.len - other->value.val.string.len;
	return order < 0 ? -1 : order > 0;
}

/* Compares two numbers. */
static int
compare_numbers(const HlItem *one, const HlItem *other)
{
	return DatumGetInt32(DirectFunctionCall2(
		numeric_cmp, NumericGetDatum(one->value.val.numeric),
		NumericGetDatum(other->value.val.numeric)));
}

/* A number member of an object; NULL if there is none. */
static Numeric
number_of(const HlItem *item, const char *name)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(item->value.val.binary.data, name,
									 (int) strlen(name), &value) == NULL ||
		value.type != jbvNumeric)
		return NULL;
	return value.val.numeric;
}

/* Whether an object looks like a Quantity. */
static bool
is_quantity(const HlItem *item)
{
	return item->kind == HL_KIND_OBJECT && number_of(item, "value") != NULL;
}

/* Whether a string member of two objects is the same, or missing in both. */
static bool
same_member(const HlItem *one, const HlItem *other, const char *name)
{
	int len, otherlen;
	const char *text = hl_item_string_of(one, name, &len);
	const char *othertext = hl_item_string_of(other, name, &otherlen);

	if (text == NULL || othertext == NULL)
		return text == othertext;
	return len == otherlen && memcmp(text, othertext, len) == 0;
}

/* Compares two objects; quantities of different units cannot be compared. */
static HlTruth
equal_objects(const HlItem *one, const HlItem *other)
{
	if (compareJsonbContainers(one->value.val.binary.data,
							   other->value.val.binary.data) == 0)
		return HL_TRUE;
	if (is_quantity(one) && is_quantity(other) &&
		!(same_member(one, other, "code") && same_member(one, other, "unit") &&
		  same_member(one, other, "system")))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("comparing quantities of different units is "
							   "not supported in FHIRPath expressions")));
	return HL_FALSE;
}

/*
 * Whether two texts, at least one of unknown type, are compared as moments:
 * both have the form of one, and one has at least a day, since "2012" and
 * "2012-05" may be codes.
 */
static bool
are_moments(const HlItem *one, const HlItem *other, HlMoment *moments)
{
	if (!hl_item_moment(one, &moments[0]) ||
		!hl_item_moment(other, &moments[1]))
		return false;
	return moments[0].precision >= HL_PRECISION_DAY ||
		   moments[1].precision >= HL_PRECISION_DAY;
}

static HlTruth
equal_texts(const HlItem *one, const HlItem *other)
{
	bool same = compare_texts(one, other) == 0;
	bool known = one->kind != HL_KIND_STRING || other->kind != HL_KIND_STRING;
	HlMoment moments[2];

	if (is_plain(one) || is_plain(other))
		return hl_truth_of(same && !known);
	if (same)
		return HL_TRUE;
	if (known ? hl_item_moment(one, &moments[0]) &&
					hl_item_moment(other, &moments[1])
			  : are_moments(one, other, moments))
		return hl_moment_equal(&moments[0], &moments[1]);
	/* an invalid date is unknown; a text that is no date differs */
	return one->kind != HL_KIND_STRING && other->kind != HL_KIND_STRING
			   ? HL_UNKNOWN
			   : HL_FALSE;
}

HlTruth
hl_compare_equal(const HlItem *one, const HlItem *other)
{
	if (one->kind == HL_KIND_NOTHING || other->kind == HL_KIND_NOTHING)
		return HL_UNKNOWN;
	if (hl_item_is_text(one) && hl_item_is_text(other))
		return equal_texts(one, other);
	if (one->kind != other->kind)
		return HL_FALSE;
	switch (one->kind)
	{
		case HL_KIND_BOOLEAN:
			return hl_truth_of(one->value.val.boolean ==
							   other->value.val.boolean);
		case HL_KIND_NUMBER:
			return hl_truth_of(compare_numbers(one, other) == 0);
		default:
			return equal_objects(one, other);
	}
}

HlTruth
hl_compare_all_equal(const HlItems *one, const HlItems *other)
{
	HlTruth all = HL_TRUE;

	if (one->count == 0 || other->count == 0)
		return HL_UNKNOWN;
	if (one->count != other->count)
		return HL_FALSE;
	for (int i = 0; i < one->count; i++)
	{
		HlTruth truth = hl_compare_equal(&one->items[i], &other->items[i]);

		CHECK_FOR_INTERRUPTS();
		if (truth == HL_FALSE)
			return HL_FALSE;
		if (truth == HL_UNKNOWN)
			all = HL_UNKNOWN;
	}
	return all;
}

bool
hl_compare_order(const HlItem *one, const HlItem *other, int *order)
{
	HlMoment moments[2];

	if (is_quantity(one) || is_quantity(other))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("ordering quantities is not supported in "
							   "FHIRPath expressions"),
						errhint("Compare their values.")));
	if (one->kind == HL_KIND_NUMBER && other->kind == HL_KIND_NUMBER)
	{
		*order = compare_numbers(one, other);
		return true;
	}
	if (!hl_item_is_text(one) || !hl_item_is_text(other))
		return false;
	if (!is_plain(one) && !is_plain(other) &&
		hl_item_moment(one, &moments[0]) && hl_item_moment(other, &moments[1]))
		return hl_moment_compare(&moments[0], &moments[1], order);
	if (one->kind != HL_KIND_STRING || other->kind != HL_KIND_STRING)
		return false;
	*order = compare_texts(one, other);
	return true;
}

/* A string in the form that ~ compares. */
typedef struct Folded
{
	char *text; /* NULL: not yet made */
	int len;
} Folded;

/* Makes the form of a string: in lower case, runs of blanks as one. */
static void
fold_text(const HlItem *item, Folded *folded)
{
	char *text, *to;

	if (folded->text != NULL)
		return;
	hl_items_check_memory(item->value.val.string.len);
	text = to = str_tolower(item->value.val.string.val,
							item->value.val.string.len, DEFAULT_COLLATION_OID);
	for (char *from = text; *from; from++)
	{
		bool blank = *from == ' ' || (*from >= '\t' && *from <= '\r');

		if (!blank)
			*to++ = *from;
		else if (to == text || to[-1] != ' ')
			*to++ = ' ';
	}
	folded->text = text;
	folded->len = (int) (to - text);
}

/*
 * Whether two numbers are equal when rounded to the less precise one. Zeros at
 * the end do not count as precision.
 */
static bool
equivalent_numbers(const HlItem *one, const HlItem *other)
{
	Datum a = NumericGetDatum(one->value.val.numeric);
	Datum b = NumericGetDatum(other->value.val.numeric);
	Datum scale = Int32GetDatum(
		Min(DatumGetInt32(DirectFunctionCall1(numeric_min_scale, a)),
			DatumGetInt32(DirectFunctionCall1(numeric_min_scale, b))));
	bool same;

	a = DirectFunctionCall2(numeric_round, a, scale);
	b = DirectFunctionCall2(numeric_round, b, scale);
	same = DatumGetBool(DirectFunctionCall2(numeric_eq, a, b));
	pfree(DatumGetPointer(a));
	pfree(DatumGetPointer(b));
	return same;
}

/* Whether two items are equivalent, which is never unknown. */
static bool
equivalent_items(const HlItem *one, const HlItem *other, Folded *folded,
				 Folded *otherfolded)
{
	CHECK_FOR_INTERRUPTS();
	if (one->kind == HL_KIND_OBJECT && other->kind == HL_KIND_OBJECT &&
		compareJsonbContainers(one->value.val.binary.data,
							   other->value.val.binary.data) != 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("equivalence of complex values is not supported "
							   "in FHIRPath expressions")));
	if (one->kind == HL_KIND_NUMBER && other->kind == HL_KIND_NUMBER)
		return equivalent_numbers(one, other);
	if (one->kind == HL_KIND_STRING && other->kind == HL_KIND_STRING)
	{
		fold_text(one, folded);
		fold_text(other, otherfolded);
		return folded->len == otherfolded->len &&
			   memcmp(folded->text, otherfolded->text, folded->len) == 0;
	}
	return hl_compare_equal(one, other) == HL_TRUE;
}

/* Frees the forms of a collection's strings. */
static void
free_folded(Folded *folded, int count)
{
	for (int i = 0; i < count; i++)
		if (folded[i].text != NULL)
			pfree(folded[i].text);
	pfree(folded);
}

/*
 * Whether each item has one of its own that is equivalent to it. The form of a
 * string is made once, not for each comparison.
 */
static bool
are_equivalent(const HlItems *one, const HlItems *other, Folded *folded,
			   Folded *others)
{
	bool *taken = palloc0(one->count + 1);
	int i;

	for (i = 0; i < one->count; i++)
	{
		int j = 0;

		while (j < other->count &&
			   (taken[j] || !equivalent_items(&one->items[i], &other->items[j],
											  &folded[i], &others[j])))
			j++;
		if (j == other->count)
			break;
		taken[j] = true;
	}
	pfree(taken);
	return i == one->count;
}

bool
hl_compare_equivalent(const HlItems *one, const HlItems *other)
{
	Folded *folded, *others;
	bool same;

	if (one->count != other->count)
		return false;
	if (one->count > EQUIVALENT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many items for the operator \"~\" of "
						"FHIRPath expressions"),
				 errdetail("At most %d items are allowed.", EQUIVALENT_MAX)));
	folded = palloc0((one->count + 1) * sizeof(Folded));
	others = palloc0((one->count + 1) * sizeof(Folded));
	same = are_equivalent(one, other, folded, others);
	free_folded(folded, one->count);
	free_folded(others, one->count);
	return same;
}

/* A hash of an object: of its scalars and keys, in jsonb's order. */
static uint32
hash_object(JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue value;
	uint32 hash = 0;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		if (token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM)
			JsonbHashScalarValue(&value, &hash);
		else
			hash = hash_combine(hash, token);
	}
	return hash;
}

/* A hash that is the same for items that are equal. */
static uint32
hash_item(const HlItem *item)
{
	HlMoment moment;
	uint32 hash = item->kind;

	switch (item->kind)
	{
		case HL_KIND_NOTHING:
			return 0;
		case HL_KIND_OBJECT:
			return hash_object(item->value.val.binary.data);
		case HL_KIND_BOOLEAN:
		case HL_KIND_NUMBER:
			JsonbHashScalarValue(&item->value, &hash);
			return hash;
		default:
			if (hl_item_moment(item, &moment))
				return hl_moment_hash(&moment);
			return hash_bytes((unsigned char *) item->value.val.string.val,
							  item->value.val.string.len);
	}
}

void
hl_set_init(HlSet *set, int expected)
{
	set->size = 16;
	while (set->size < (uint32) expected * 2)
		set->size *= 2;
	set->count = 0;
	set->places = palloc0(set->size * sizeof(*set->places));
	set->hashes = palloc(set->size * sizeof(*set->hashes));
}

/* Whether two items are the same in a set. */
static bool
same_item(const HlItem *one, const HlItem *other)
{
	if (one->kind == HL_KIND_NOTHING && other->kind == HL_KIND_NOTHING)
		return one->parent == other->parent && one->index == other->index &&
			   one->keylen == other->keylen &&
			   memcmp(one->key, other->key, one->keylen) == 0;
	if (one->kind == HL_KIND_OBJECT && other->kind == HL_KIND_OBJECT)
		return compareJsonbContainers(one->value.val.binary.data,
									  other->value.val.binary.data) == 0;
	return hl_compare_equal(one, other) == HL_TRUE;
}

/* The slot of an item, or the free one for it. */
static uint32
find_place(const HlSet *set, const HlItem *item, uint32 hash)
{
	uint32 at = hash & (set->size - 1);

	while (set->places[at] != NULL &&
		   !(set->hashes[at] == hash && same_item(set->places[at], item)))
	{
		CHECK_FOR_INTERRUPTS();
		at = (at + 1) & (set->size - 1);
	}
	return at;
}

/* Doubles a set's room. */
static void
grow_set(HlSet *set)
{
	HlSet larger;

	hl_set_init(&larger, (int) set->size);
	for (uint32 i = 0; i < set->size; i++)
		if (set->places[i] != NULL)
		{
			uint32 at = set->hashes[i] & (larger.size - 1);

			while (larger.places[at] != NULL)
				at = (at + 1) & (larger.size - 1);
			larger.places[at] = set->places[i];
			larger.hashes[at] = set->hashes[i];
		}
	larger.count = set->count;
	pfree(set->places);
	pfree(set->hashes);
	*set = larger;
}

bool
hl_set_add(HlSet *set, const HlItem *item)
{
	uint32 hash = murmurhash32(hash_item(item));
	uint32 at;

	CHECK_FOR_INTERRUPTS();
	if (set->count * 2 >= set->size)
		grow_set(set);
	at = find_place(set, item, hash);
	if (set->places[at] != NULL)
		return false;
	set->places[at] = item;
	set->hashes[at] = hash;
	set->count++;
	return true;
}

bool
hl_set_has(const HlSet *set, const HlItem *item)
{
	uint32 hash = murmurhash32(hash_item(item));

	CHECK_FOR_INTERRUPTS();
	return set->places[find_place(set, item, hash)] != NULL;
}
