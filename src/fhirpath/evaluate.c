/*
 * evaluate.c
 *	  Evaluates parsed paths over a document in place.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "fhirpath/call.h"
#include "fhirpath/compare.h"
#include "fhirpath/evaluate.h"
#include "fhirpath/number.h"

/* The maximum length of a text that an expression may create, in bytes. */
#define TEXT_MAX (16 * 1024 * 1024)

const HlItem *
hl_evaluate_single(const HlItems *items, const char *what)
{
	if (items->count > 1)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
						errmsg("a single value was expected in a FHIRPath "
							   "expression, by %s",
							   what),
						errdetail("There are %d.", items->count)));
	if (items->count == 0 || items->items[0].kind == HL_KIND_NOTHING)
		return NULL;
	return &items->items[0];
}

HlTruth
hl_evaluate_truth(const HlItems *items)
{
	const HlItem *item = hl_evaluate_single(items, "a boolean operation");

	if (item == NULL)
		return HL_UNKNOWN;
	/* FHIRPath's singleton evaluation: an item that is no boolean is true */
	return item->kind == HL_KIND_BOOLEAN ? hl_truth_of(item->value.val.boolean)
										 : HL_TRUE;
}

HlTruth
hl_evaluate_criterion(HlEvaluation *evaluation, const HlNode *node,
					  const HlItem *focus)
{
	HlItems items;
	HlTruth truth;

	hl_items_init(&items);
	hl_evaluate(evaluation, node, focus, &items);
	truth = hl_evaluate_truth(&items);
	hl_items_free(&items);
	return truth;
}

const HlConstant *
hl_constant_find(const HlConstants *constants, const char *name, int len)
{
	for (int i = 0; constants != NULL && i < constants->count; i++)
		if (constants->all[i].len == len &&
			memcmp(constants->all[i].name, name, len) == 0)
			return &constants->all[i];
	return NULL;
}

void
hl_constants_check(const HlConstants *constants, const HlPath *path)
{
	for (const HlNode *node = path->constants; node; node = node->next)
		if (node->kind == HL_NODE_CONSTANT &&
			hl_constant_find(constants, node->name, node->len) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("constant \"%%%.*s\" of a FHIRPath expression is "
							"not defined",
							node->len, node->name)));
}

/* Appends the values of a constant. */
static void
evaluate_constant(HlEvaluation *evaluation, const HlNode *node, HlItems *out)
{
	const HlConstant *constant =
		hl_constant_find(evaluation->constants, node->name, node->len);

	for (int i = 0; constant != NULL && i < constant->items.count; i++)
		hl_items_append(out, &constant->items.items[i]);
}

/*
 * Whether the first word of a path is the type of its context: "Patient" in
 * "Patient.name".
 */
static bool
names_context(const HlNode *node, const HlItem *focus)
{
	HlTypeName type = {node->name, node->len, false, false};
	HlTruth truth;

	if (!node->is_first || node->name[0] < 'A' || node->name[0] > 'Z')
		return false;
	truth = hl_type_matches(focus, &type);
	if (truth == HL_UNKNOWN && hl_type_known(node->name, node->len) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("type \"%.*s\" at the beginning of a FHIRPath "
						"expression is not supported here",
						node->len, node->name),
				 errdetail("Whether an element is of this type cannot be known "
						   "without StructureDefinitions.")));
	return truth == HL_TRUE;
}

/* Appends the values of a member of the context, or of the previous part. */
static void
evaluate_member(HlEvaluation *evaluation, const HlNode *node,
				const HlItem *focus, HlItems *out)
{
	HlItems input;

	if (node->input == NULL)
	{
		if (focus == NULL)
			return;
		if (names_context(node, focus))
			hl_items_append(out, focus);
		else
			hl_item_member(focus, node->name, node->len, out);
		return;
	}
	hl_items_init(&input);
	hl_evaluate(evaluation, node->input, focus, &input);
	for (int i = 0; i < input.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		hl_item_member(&input.items[i], node->name, node->len, out);
	}
	hl_items_free(&input);
}

/* Calls a function with its input. */
static void
evaluate_call(HlEvaluation *evaluation, const HlNode *node, const HlItem *focus,
			  HlItems *out)
{
	HlItems input;
	HlInvocation invocation = {node, focus, &input};

	hl_items_init(&input);
	if (node->input != NULL)
		hl_evaluate(evaluation, node->input, focus, &input);
	else if (focus != NULL)
		hl_items_append(&input, focus);
	hl_items_check_memory(0);
	node->call->body(evaluation, &invocation, out);
	hl_items_free(&input);
}

/* input[index]. */
static void
evaluate_indexer(HlEvaluation *evaluation, const HlNode *node,
				 const HlItem *focus, HlItems *out)
{
	HlItems input, at;
	const HlItem *item;
	int64 index;

	hl_items_init(&input);
	hl_items_init(&at);
	hl_evaluate(evaluation, node->input, focus, &input);
	hl_evaluate(evaluation, node->arguments[0], focus, &at);
	item = hl_evaluate_single(&at, "an index");
	if (item != NULL && item->kind == HL_KIND_NUMBER &&
		hl_number_to_int64(item->value.val.numeric, &index) && index >= 0 &&
		index < input.count)
		hl_items_append(out, &input.items[index]);
	hl_items_free(&input);
	hl_items_free(&at);
}

/* + or - before an operand. */
static void
evaluate_sign(HlEvaluation *evaluation, const HlNode *node, const HlItem *focus,
			  HlItems *out)
{
	HlItems input;
	const HlItem *item;

	hl_items_init(&input);
	hl_evaluate(evaluation, node->input, focus, &input);
	item = hl_evaluate_single(&input, "a sign");
	if (item != NULL && item->kind == HL_KIND_NUMBER)
		hl_item_set_number(hl_items_add(out),
						   node->kind == HL_NODE_NEGATE
							   ? hl_number_negate(item->value.val.numeric)
							   : item->value.val.numeric,
						   hl_item_is_decimal(item));
	hl_items_free(&input);
}

/* The operators is and as, which use the bodies of the functions. */
static void
evaluate_type(HlEvaluation *evaluation, const HlNode *node, const HlItem *focus,
			  HlItems *out)
{
	static const HlCall *is, *as;
	HlItems input;
	HlInvocation invocation = {node, focus, &input};

	if (is == NULL)
	{
		as = hl_call_find("as", 2);
		is = hl_call_find("is", 2);
	}
	hl_items_init(&input);
	hl_evaluate(evaluation, node->input, focus, &input);
	(node->kind == HL_NODE_IS ? is : as)->body(evaluation, &invocation, out);
	hl_items_free(&input);
}

/* Three-valued and, or, xor, implies of two truths. */
static HlTruth
combine_truths(HlOperator operator, HlTruth left, HlTruth right)
{
	switch (operator)
	{
		case HL_OPERATOR_AND:
			if (left == HL_FALSE || right == HL_FALSE)
				return HL_FALSE;
			return left == HL_TRUE && right == HL_TRUE ? HL_TRUE : HL_UNKNOWN;
		case HL_OPERATOR_OR:
			if (left == HL_TRUE || right == HL_TRUE)
				return HL_TRUE;
			return left == HL_FALSE && right == HL_FALSE ? HL_FALSE
														 : HL_UNKNOWN;
		case HL_OPERATOR_XOR:
			if (left == HL_UNKNOWN || right == HL_UNKNOWN)
				return HL_UNKNOWN;
			return hl_truth_of(left != right);
		default:
			return combine_truths(HL_OPERATOR_OR, hl_truth_not(left), right);
	}
}

/* and, or, xor, implies: the right side is evaluated only if it matters. */
static HlTruth
evaluate_logic(HlEvaluation *evaluation, const HlNode *node,
			   const HlItem *focus)
{
	HlTruth left = hl_evaluate_criterion(evaluation, node->input, focus);

	if (node->operator== HL_OPERATOR_AND && left == HL_FALSE)
		return HL_FALSE;
	if (node->operator== HL_OPERATOR_OR && left == HL_TRUE)
		return HL_TRUE;
	if (node->operator== HL_OPERATOR_IMPLIES && left == HL_FALSE)
		return HL_TRUE;
	return combine_truths(
		node->operator, left,
		hl_evaluate_criterion(evaluation, node->arguments[0], focus));
}

/* Whether one item is in a collection. */
static HlTruth
is_member(const HlItems *item, const HlItems *collection)
{
	const HlItem *single;

	if (item->count > 0 && collection->count == 0)
		return HL_FALSE;
	single = hl_evaluate_single(item, "a membership test");
	if (single == NULL)
		return HL_UNKNOWN;
	for (int i = 0; i < collection->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (hl_compare_equal(single, &collection->items[i]) == HL_TRUE)
			return HL_TRUE;
	}
	return HL_FALSE;
}

/* <, >, <= and >=. */
static HlTruth
compare_order(HlOperator operator, const HlItems * left, const HlItems *right)
{
	const HlItem *one, *other;
	int order;

	if (left->count == 0 || right->count == 0)
		return HL_UNKNOWN;
	one = hl_evaluate_single(left, "a comparison");
	other = hl_evaluate_single(right, "a comparison");
	if (one == NULL || other == NULL || !hl_compare_order(one, other, &order))
		return HL_UNKNOWN;
	switch (operator)
	{
		case HL_OPERATOR_LESS:
			return hl_truth_of(order < 0);
		case HL_OPERATOR_GREATER:
			return hl_truth_of(order > 0);
		case HL_OPERATOR_LESS_EQUAL:
			return hl_truth_of(order <= 0);
		default:
			return hl_truth_of(order >= 0);
	}
}

/* Appends all items that are in either collection, each once. */
static void
append_union(const HlItems *left, const HlItems *right, HlItems *out)
{
	HlSet set;

	hl_set_init(&set, left->count + right->count);
	for (int i = 0; i < left->count; i++)
		if (hl_set_add(&set, &left->items[i]))
			hl_items_append(out, &left->items[i]);
	for (int i = 0; i < right->count; i++)
		if (hl_set_add(&set, &right->items[i]))
			hl_items_append(out, &right->items[i]);
	pfree(set.places);
	pfree(set.hashes);
}

/* Appends two texts as one. */
static void
append_concatenation(const HlItem *left, const HlItem *right, HlItems *out)
{
	int first = left ? left->value.val.string.len : 0;
	int second = right ? right->value.val.string.len : 0;
	char *text;

	if (first > TEXT_MAX - second)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a string in a FHIRPath expression is too long"),
						errdetail("At most %d bytes are allowed.", TEXT_MAX)));
	hl_items_check_memory(first + second);
	text = palloc(first + second + 1);
	if (left != NULL)
		memcpy(text, left->value.val.string.val, first);
	if (right != NULL)
		memcpy(text + first, right->value.val.string.val, second);
	hl_item_set_string(hl_items_add(out), text, first + second);
}

/* Arithmetic, + of strings, and &. */
static void
append_calculation(HlOperator operator, const HlItems * left,
				   const HlItems *right, HlItems *out)
{
	const HlItem *one, *other;
	bool both;
	Numeric result;

	if (operator!=
		HL_OPERATOR_CONCATENATE &&(left->count == 0 || right->count == 0))
		return;
	one = hl_evaluate_single(left, "an operator");
	other = hl_evaluate_single(right, "an operator");
	both = one != NULL && other != NULL;
	hl_items_check_memory(0);
	if (operator== HL_OPERATOR_CONCATENATE ||(operator== HL_OPERATOR_ADD &&
											  both && hl_item_is_text(one)))
	{
		if ((one == NULL || hl_item_is_text(one)) &&
			(other == NULL || hl_item_is_text(other)))
			append_concatenation(one, other, out);
		return;
	}
	if (!both || one->kind != HL_KIND_NUMBER || other->kind != HL_KIND_NUMBER)
		return;
	result = hl_number_calculate(operator, one->value.val.numeric,
								 other->value.val.numeric);
	if (result != NULL)
		hl_item_set_number(hl_items_add(out), result,
											  operator== HL_OPERATOR_DIVIDE ||
												  hl_item_is_decimal(one) ||
												  hl_item_is_decimal(other));
}

/* Appends the result of a binary operator. */
static void
append_operation(HlOperator operator, const HlItems * left,
				 const HlItems *right, HlItems *out)
{
	switch (operator)
	{
		case HL_OPERATOR_EQUAL:
			hl_items_append_truth(out, hl_compare_all_equal(left, right));
			break;
		case HL_OPERATOR_UNEQUAL:
			hl_items_append_truth(
				out, hl_truth_not(hl_compare_all_equal(left, right)));
			break;
		case HL_OPERATOR_EQUIVALENT:
			hl_items_append_truth(
				out, hl_truth_of(hl_compare_equivalent(left, right)));
			break;
		case HL_OPERATOR_INEQUIVALENT:
			hl_items_append_truth(
				out, hl_truth_of(!hl_compare_equivalent(left, right)));
			break;
		case HL_OPERATOR_IN:
			hl_items_append_truth(out, is_member(left, right));
			break;
		case HL_OPERATOR_CONTAINS:
			hl_items_append_truth(out, is_member(right, left));
			break;
		case HL_OPERATOR_UNION:
			append_union(left, right, out);
			break;
		case HL_OPERATOR_LESS:
		case HL_OPERATOR_GREATER:
		case HL_OPERATOR_LESS_EQUAL:
		case HL_OPERATOR_GREATER_EQUAL:
			hl_items_append_truth(out, compare_order(operator, left, right));
			break;
		default:
			append_calculation(operator, left, right, out);
			break;
	}
}

/* Any binary operator. */
static void
evaluate_binary(HlEvaluation *evaluation, const HlNode *node,
				const HlItem *focus, HlItems *out)
{
	HlItems left, right;

	if (node->operator<= HL_OPERATOR_AND)
	{
		hl_items_append_truth(out, evaluate_logic(evaluation, node, focus));
		return;
	}
	hl_items_init(&left);
	hl_items_init(&right);
	hl_evaluate(evaluation, node->input, focus, &left);
	hl_evaluate(evaluation, node->arguments[0], focus, &right);
	append_operation(node->operator, & left, &right, out);
	hl_items_free(&left);
	hl_items_free(&right);
}

/* Appends an index, unless it is -1. */
static void
append_index(int64 index, HlItems *out)
{
	if (index >= 0)
		hl_item_set_number(hl_items_add(out), hl_number_of_int64(index), false);
}

/*
 * Appends the resource that the context is in; "whole": the one that contains
 * that, if it is a contained resource.
 */
static void
append_resource(const HlEvaluation *evaluation, bool whole, HlItems *out)
{
	HlItem resource, container;

	if (evaluation->context == NULL)
	{
		hl_items_append(out, &evaluation->resource);
		return;
	}
	hl_item_resource(&evaluation->resource, evaluation->context, &resource,
					 &container);
	hl_items_append(out, whole ? &container : &resource);
}

/* Evaluates a node without kept results. */
static void
evaluate_node(HlEvaluation *evaluation, const HlNode *node, const HlItem *focus,
			  HlItems *out)
{
	switch (node->kind)
	{
		case HL_NODE_LITERAL:
			hl_items_append(out, &node->literal);
			break;
		case HL_NODE_EMPTY:
			break;
		case HL_NODE_THIS:
			if (focus != NULL)
				hl_items_append(out, focus);
			break;
		case HL_NODE_INDEX:
			append_index(evaluation->index, out);
			break;
		case HL_NODE_CONTEXT:
			if (evaluation->context != NULL)
				hl_items_append(out, evaluation->context);
			break;
		case HL_NODE_RESOURCE:
		case HL_NODE_ROOT_RESOURCE:
			append_resource(evaluation, node->kind == HL_NODE_ROOT_RESOURCE,
							out);
			break;
		case HL_NODE_ROW_INDEX:
			append_index(evaluation->row_index, out);
			break;
		case HL_NODE_CONSTANT:
			evaluate_constant(evaluation, node, out);
			break;
		case HL_NODE_MEMBER:
			evaluate_member(evaluation, node, focus, out);
			break;
		case HL_NODE_CALL:
			evaluate_call(evaluation, node, focus, out);
			break;
		case HL_NODE_INDEXER:
			evaluate_indexer(evaluation, node, focus, out);
			break;
		case HL_NODE_NEGATE:
		case HL_NODE_PLUS:
			evaluate_sign(evaluation, node, focus, out);
			break;
		case HL_NODE_IS:
		case HL_NODE_AS:
			evaluate_type(evaluation, node, focus, out);
			break;
		case HL_NODE_BINARY:
			evaluate_binary(evaluation, node, focus, out);
			break;
	}
}

void
hl_evaluate(HlEvaluation *evaluation, const HlNode *node, const HlItem *focus,
			HlItems *out)
{
	HlItems *kept;

	check_stack_depth();
	if (node->slot == 0 || evaluation->slots == NULL ||
		focus != evaluation->context)
	{
		evaluate_node(evaluation, node, focus, out);
		return;
	}
	kept = &evaluation->slots->values[node->slot - 1];
	if (!evaluation->slots->known[node->slot - 1])
	{
		evaluate_node(evaluation, node, focus, kept);
		evaluation->slots->known[node->slot - 1] = true;
	}
	for (int i = 0; i < kept->count; i++)
		hl_items_append(out, &kept->items[i]);
}
