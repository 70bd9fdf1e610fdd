/*
 * call.c
 *	  The table of FHIRPath's functions. Those without an implementation are
 *	  known and refused by name, like all that are not in the table: they need
 *	  a network, the clock, StructureDefinitions, regular expressions or
 *	  quantities.
 */
#include "postgres.h"

#include "fhirpath/bodies.h"
#include "fhirpath/number.h"

#define ITEMS HL_GIVES_ITEMS
#define SAME HL_GIVES_SAME
#define ITEM HL_GIVES_ITEM
#define BOOLEAN HL_GIVES_BOOLEAN

/* Sorted by name, in byte order. */
static const HlCall calls[] = {
	{"abs", 0, 0, ITEM, false, hl_body_number, HL_NUMBER_ABS},
	{"all", 1, 1, BOOLEAN, false, hl_body_all, 0},
	{"allFalse", 0, 0, BOOLEAN, false, hl_body_all_are, HL_FALSE},
	{"allTrue", 0, 0, BOOLEAN, false, hl_body_all_are, HL_TRUE},
	{"anyFalse", 0, 0, BOOLEAN, false, hl_body_any_is, HL_FALSE},
	{"anyTrue", 0, 0, BOOLEAN, false, hl_body_any_is, HL_TRUE},
	{"as", 1, 1, ITEM, true, hl_body_as, 0},
	{"ceiling", 0, 0, ITEM, false, hl_body_number, HL_NUMBER_CEILING},
	{"children", 0, 0, ITEMS, false, hl_body_children, 0},
	{"combine", 1, 1, ITEMS, false, hl_body_combine, 0},
	{"contains", 1, 1, BOOLEAN, false, hl_body_test_text, HL_TEST_CONTAINS},
	{"convertsToBoolean", 0, 0, BOOLEAN, false, hl_body_converts,
	 HL_KIND_BOOLEAN},
	{"convertsToDate", 0, 0, BOOLEAN, false, hl_body_converts, HL_KIND_DATE},
	{"convertsToDateTime", 0, 0, BOOLEAN, false, hl_body_converts,
	 HL_KIND_DATETIME},
	{"convertsToDecimal", 0, 0, BOOLEAN, false, hl_body_converts,
	 HL_KIND_NUMBER},
	{"convertsToInteger", 0, 0, BOOLEAN, false, hl_body_converts,
	 HL_KIND_OBJECT},
	{"convertsToString", 0, 0, BOOLEAN, false, hl_body_converts,
	 HL_KIND_STRING},
	{"convertsToTime", 0, 0, BOOLEAN, false, hl_body_converts, HL_KIND_TIME},
	{"count", 0, 0, ITEM, false, hl_body_count, 0},
	{"descendants", 0, 0, ITEMS, false, hl_body_descendants, 0},
	{"distinct", 0, 0, SAME, false, hl_body_distinct, 0},
	{"empty", 0, 0, BOOLEAN, false, hl_body_empty, 0},
	{"endsWith", 1, 1, BOOLEAN, false, hl_body_test_text, HL_TEST_ENDS},
	{"exclude", 1, 1, SAME, false, hl_body_intersect, false},
	{"exists", 0, 1, BOOLEAN, false, hl_body_exists, 0},
	{"extension", 1, 1, ITEMS, false, hl_body_extension, 0},
	{"first", 0, 0, ITEM, false, hl_body_slice, HL_SLICE_FIRST},
	{"floor", 0, 0, ITEM, false, hl_body_number, HL_NUMBER_FLOOR},
	{"getReferenceKey", 0, 1, SAME, true, hl_body_reference_key, 0},
	{"getResourceKey", 0, 1, SAME, true, hl_body_resource_key, 0},
	{"getValue", 0, 0, ITEM, false, hl_body_get_value, 0},
	{"hasValue", 0, 0, BOOLEAN, false, hl_body_has_value, 0},
	{"highBoundary", 0, 1, ITEM, false, hl_body_boundary, true},
	{"iif", 2, 3, ITEMS, false, hl_body_iif, 0},
	{"indexOf", 1, 1, ITEM, false, hl_body_index_of, 0},
	{"intersect", 1, 1, SAME, false, hl_body_intersect, true},
	{"is", 1, 1, BOOLEAN, true, hl_body_is, 0},
	{"isDistinct", 0, 0, BOOLEAN, false, hl_body_is_distinct, 0},
	{"join", 0, 1, ITEM, false, hl_body_join, 0},
	{"last", 0, 0, ITEM, false, hl_body_slice, HL_SLICE_LAST},
	{"length", 0, 0, ITEM, false, hl_body_length, 0},
	{"lowBoundary", 0, 1, ITEM, false, hl_body_boundary, false},
	{"lower", 0, 0, ITEM, false, hl_body_change_case, false},
	{"not", 0, 0, BOOLEAN, false, hl_body_not, 0},
	{"ofType", 1, 1, SAME, true, hl_body_of_type, 0},
	{"repeat", 1, 1, ITEMS, false, hl_body_repeat, 0},
	{"replace", 2, 2, ITEM, false, hl_body_replace, 0},
	{"round", 0, 1, ITEM, false, hl_body_round, 0},
	{"select", 1, 1, ITEMS, false, hl_body_select, 0},
	{"single", 0, 0, ITEM, false, hl_body_single, 0},
	{"skip", 1, 1, SAME, false, hl_body_slice, HL_SLICE_SKIP},
	{"split", 1, 1, ITEMS, false, hl_body_split, 0},
	{"startsWith", 1, 1, BOOLEAN, false, hl_body_test_text, HL_TEST_STARTS},
	{"subsetOf", 1, 1, BOOLEAN, false, hl_body_subset, false},
	{"substring", 1, 2, ITEM, false, hl_body_substring, 0},
	{"supersetOf", 1, 1, BOOLEAN, false, hl_body_subset, true},
	{"tail", 0, 0, SAME, false, hl_body_slice, HL_SLICE_TAIL},
	{"take", 1, 1, SAME, false, hl_body_slice, HL_SLICE_TAKE},
	{"toBoolean", 0, 0, ITEM, false, hl_body_convert, HL_KIND_BOOLEAN},
	{"toDate", 0, 0, ITEM, false, hl_body_convert, HL_KIND_DATE},
	{"toDateTime", 0, 0, ITEM, false, hl_body_convert, HL_KIND_DATETIME},
	{"toDecimal", 0, 0, ITEM, false, hl_body_convert, HL_KIND_NUMBER},
	{"toInteger", 0, 0, ITEM, false, hl_body_convert, HL_KIND_OBJECT},
	{"toString", 0, 0, ITEM, false, hl_body_convert, HL_KIND_STRING},
	{"toTime", 0, 0, ITEM, false, hl_body_convert, HL_KIND_TIME},
	{"trim", 0, 0, ITEM, false, hl_body_trim, 0},
	{"truncate", 0, 0, ITEM, false, hl_body_number, HL_NUMBER_TRUNCATE},
	{"union", 1, 1, ITEMS, false, hl_body_union, 0},
	{"upper", 0, 0, ITEM, false, hl_body_change_case, true},
	{"where", 1, 1, SAME, false, hl_body_where, 0},
};

const HlCall *
hl_call_find(const char *name, int len)
{
	int low = 0, high = lengthof(calls) - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = strncmp(calls[middle].name, name, len);

		if (order == 0 && calls[middle].name[len] != '\0')
			order = 1;
		if (order == 0)
			return &calls[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

void
hl_call_argument(HlEvaluation *evaluation, const HlInvocation *invocation,
				 int at, HlItems *out)
{
	hl_evaluate(evaluation, invocation->node->arguments[at], invocation->focus,
				out);
}

bool
hl_call_text_argument(HlEvaluation *evaluation, const HlInvocation *invocation,
					  int at, HlItem *text)
{
	HlItems items;
	const HlItem *item;

	hl_items_init(&items);
	hl_call_argument(evaluation, invocation, at, &items);
	item = hl_evaluate_single(&items, invocation->node->call->name);
	if (item == NULL || !hl_item_is_text(item))
		return false;
	*text = *item;
	hl_items_free(&items);
	return true;
}

bool
hl_call_integer_argument(HlEvaluation *evaluation,
						 const HlInvocation *invocation, int at, int64 *value)
{
	HlItems items;
	const HlItem *item;

	hl_items_init(&items);
	hl_call_argument(evaluation, invocation, at, &items);
	item = hl_evaluate_single(&items, invocation->node->call->name);
	if (item == NULL || item->kind != HL_KIND_NUMBER ||
		!hl_number_to_int64(item->value.val.numeric, value))
		return false;
	hl_items_free(&items);
	return true;
}
