/*
 * collection.c
 *	  FHIRPath's functions of collections.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "fhirpath/bodies.h"
#include "fhirpath/compare.h"
#include "fhirpath/number.h"

/* The first argument, evaluated for an item of the input, which is $this. */
static HlTruth
test_item(HlEvaluation *evaluation, const HlInvocation *invocation, int at)
{
	int64 outer = evaluation->index;
	HlTruth truth;

	CHECK_FOR_INTERRUPTS();
	evaluation->index = at;
	truth = hl_evaluate_criterion(evaluation, invocation->node->arguments[0],
								  &invocation->input->items[at]);
	evaluation->index = outer;
	return truth;
}

/* where(criterion) */
void
hl_body_where(HlEvaluation *evaluation, const HlInvocation *invocation,
			  HlItems *out)
{
	for (int i = 0; i < invocation->input->count; i++)
		if (test_item(evaluation, invocation, i) == HL_TRUE)
			hl_items_append(out, &invocation->input->items[i]);
}

/* select(projection) */
void
hl_body_select(HlEvaluation *evaluation, const HlInvocation *invocation,
			   HlItems *out)
{
	int64 outer = evaluation->index;

	for (int i = 0; i < invocation->input->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		evaluation->index = i;
		hl_evaluate(evaluation, invocation->node->arguments[0],
					&invocation->input->items[i], out);
	}
	evaluation->index = outer;
}

/* repeat(projection): applied to its results again, each item once. */
void
hl_body_repeat(HlEvaluation *evaluation, const HlInvocation *invocation,
			   HlItems *out)
{
	const HlNode *projection = invocation->node->arguments[0];
	int64 outer = evaluation->index;
	int first = out->count;
	HlSet set;

	hl_set_init(&set, 16);
	for (int i = 0; i < invocation->input->count + out->count - first; i++)
	{
		HlItems found;
		HlItem item = i < invocation->input->count
						  ? invocation->input->items[i]
						  : out->items[first + i - invocation->input->count];

		CHECK_FOR_INTERRUPTS();
		hl_items_init(&found);
		evaluation->index = i;
		hl_evaluate(evaluation, projection, &item, &found);
		for (int j = 0; j < found.count; j++)
		{
			HlItem *copy = palloc(sizeof(HlItem));

			*copy = found.items[j];
			if (hl_set_add(&set, copy))
				hl_items_append(out, copy);
			else
				pfree(copy);
		}
		hl_items_free(&found);
	}
	evaluation->index = outer;
}

/* exists() and exists(criterion) */
void
hl_body_exists(HlEvaluation *evaluation, const HlInvocation *invocation,
			   HlItems *out)
{
	bool found =
		invocation->node->narguments == 0 && invocation->input->count > 0;

	for (int i = 0; invocation->node->narguments > 0 && !found &&
					i < invocation->input->count;
		 i++)
		found = test_item(evaluation, invocation, i) == HL_TRUE;
	hl_items_append_truth(out, hl_truth_of(found));
}

/* empty() */
void
hl_body_empty(HlEvaluation *evaluation, const HlInvocation *invocation,
			  HlItems *out)
{
	hl_items_append_truth(out, hl_truth_of(invocation->input->count == 0));
}

/* all(criterion) */
void
hl_body_all(HlEvaluation *evaluation, const HlInvocation *invocation,
			HlItems *out)
{
	bool all = true;

	for (int i = 0; all && i < invocation->input->count; i++)
		all = test_item(evaluation, invocation, i) == HL_TRUE;
	hl_items_append_truth(out, hl_truth_of(all));
}

/*
 * Searches a collection of booleans for one: true if it is found, false if not,
 * unknown if another item comes first.
 */
static HlTruth
find_boolean(const HlItems *items, bool value)
{
	for (int i = 0; i < items->count; i++)
	{
		if (items->items[i].kind != HL_KIND_BOOLEAN)
			return HL_UNKNOWN;
		if (items->items[i].value.val.boolean == value)
			return HL_TRUE;
	}
	return HL_FALSE;
}

/* allTrue() and allFalse() */
void
hl_body_all_are(HlEvaluation *evaluation, const HlInvocation *invocation,
				HlItems *out)
{
	bool other = invocation->node->call->variant != HL_TRUE;

	hl_items_append_truth(out,
						  hl_truth_not(find_boolean(invocation->input, other)));
}

/* anyTrue() and anyFalse() */
void
hl_body_any_is(HlEvaluation *evaluation, const HlInvocation *invocation,
			   HlItems *out)
{
	hl_items_append_truth(
		out, find_boolean(invocation->input,
						  invocation->node->call->variant == HL_TRUE));
}

/* count() */
void
hl_body_count(HlEvaluation *evaluation, const HlInvocation *invocation,
			  HlItems *out)
{
	hl_item_set_number(hl_items_add(out),
					   hl_number_of_int64(invocation->input->count), false);
}

/* first(), last(), tail(), skip(n), take(n) */
void
hl_body_slice(HlEvaluation *evaluation, const HlInvocation *invocation,
			  HlItems *out)
{
	int64 begin = 0, end = invocation->input->count, n = 0;

	if (invocation->node->narguments > 0 &&
		!hl_call_integer_argument(evaluation, invocation, 0, &n))
		return;
	switch (invocation->node->call->variant)
	{
		case HL_SLICE_FIRST:
			end = Min(end, 1);
			break;
		case HL_SLICE_LAST:
			begin = Max(end - 1, 0);
			break;
		case HL_SLICE_TAIL:
			begin = 1;
			break;
		case HL_SLICE_SKIP:
			begin = Max(n, 0);
			break;
		default:
			end = Min(end, Max(n, 0));
			break;
	}
	for (int64 i = begin; i < end; i++)
		hl_items_append(out, &invocation->input->items[i]);
}

/* single() */
void
hl_body_single(HlEvaluation *evaluation, const HlInvocation *invocation,
			   HlItems *out)
{
	hl_evaluate_single(invocation->input, "function single()");
	if (invocation->input->count > 0)
		hl_items_append(out, &invocation->input->items[0]);
}

/* distinct() */
void
hl_body_distinct(HlEvaluation *evaluation, const HlInvocation *invocation,
				 HlItems *out)
{
	const HlItems *input = invocation->input;
	HlSet set;

	hl_set_init(&set, input->count);
	for (int i = 0; i < input->count; i++)
		if (hl_set_add(&set, &input->items[i]))
			hl_items_append(out, &input->items[i]);
}

/* isDistinct() */
void
hl_body_is_distinct(HlEvaluation *evaluation, const HlInvocation *invocation,
					HlItems *out)
{
	const HlItems *input = invocation->input;
	bool distinct = true;
	HlSet set;

	hl_set_init(&set, input->count);
	for (int i = 0; distinct && i < input->count; i++)
		distinct = hl_set_add(&set, &input->items[i]);
	hl_items_append_truth(out, hl_truth_of(distinct));
}

/* combine(other) */
void
hl_body_combine(HlEvaluation *evaluation, const HlInvocation *invocation,
				HlItems *out)
{
	for (int i = 0; i < invocation->input->count; i++)
		hl_items_append(out, &invocation->input->items[i]);
	hl_call_argument(evaluation, invocation, 0, out);
}

/* union(other): as the operator | */
void
hl_body_union(HlEvaluation *evaluation, const HlInvocation *invocation,
			  HlItems *out)
{
	HlItems all;
	HlInvocation both = *invocation;

	hl_items_init(&all);
	hl_body_combine(evaluation, invocation, &all);
	both.input = &all;
	hl_body_distinct(evaluation, &both, out);
	hl_items_free(&all);
}

/* The argument as a set; its items must live as long. */
static void
read_set(HlEvaluation *evaluation, const HlInvocation *invocation,
		 HlItems *items, HlSet *set)
{
	hl_items_init(items);
	hl_call_argument(evaluation, invocation, 0, items);
	hl_set_init(set, items->count);
	for (int i = 0; i < items->count; i++)
		hl_set_add(set, &items->items[i]);
}

/* intersect(other), each item once; exclude(other), in order */
void
hl_body_intersect(HlEvaluation *evaluation, const HlInvocation *invocation,
				  HlItems *out)
{
	const HlItems *input = invocation->input;
	bool wanted = invocation->node->call->variant;
	HlItems items;
	HlSet other, seen;

	read_set(evaluation, invocation, &items, &other);
	hl_set_init(&seen, wanted ? input->count : 0);
	for (int i = 0; i < input->count; i++)
		if (hl_set_has(&other, &input->items[i]) == wanted &&
			(!wanted || hl_set_add(&seen, &input->items[i])))
			hl_items_append(out, &input->items[i]);
}

/* subsetOf(other), supersetOf(other) */
void
hl_body_subset(HlEvaluation *evaluation, const HlInvocation *invocation,
			   HlItems *out)
{
	bool superset = invocation->node->call->variant;
	const HlItems *input = invocation->input;
	const HlItems *less;
	bool all = true;
	HlItems items;
	HlSet set;

	read_set(evaluation, invocation, &items, &set);
	less = superset ? &items : input;
	if (superset)
	{
		hl_set_init(&set, input->count);
		for (int i = 0; i < input->count; i++)
			hl_set_add(&set, &input->items[i]);
	}
	for (int i = 0; all && i < less->count; i++)
		all = hl_set_has(&set, &less->items[i]);
	hl_items_append_truth(out, hl_truth_of(all));
}

/* children() */
void
hl_body_children(HlEvaluation *evaluation, const HlInvocation *invocation,
				 HlItems *out)
{
	for (int i = 0; i < invocation->input->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		hl_item_children(&invocation->input->items[i], out);
	}
}

/* descendants() */
void
hl_body_descendants(HlEvaluation *evaluation, const HlInvocation *invocation,
					HlItems *out)
{
	int at = out->count;

	hl_body_children(evaluation, invocation, out);
	for (; at < out->count; at++)
	{
		HlItem item = out->items[at];

		CHECK_FOR_INTERRUPTS();
		hl_item_children(&item, out);
	}
}

/* iif(criterion, true-result [, otherwise-result]) */
void
hl_body_iif(HlEvaluation *evaluation, const HlInvocation *invocation,
			HlItems *out)
{
	const HlNode *node = invocation->node;
	const HlItem *focus =
		hl_evaluate_single(invocation->input, "function iif()");

	if (hl_evaluate_criterion(evaluation, node->arguments[0], focus) == HL_TRUE)
		hl_evaluate(evaluation, node->arguments[1], focus, out);
	else if (node->narguments > 2)
		hl_evaluate(evaluation, node->arguments[2], focus, out);
}

/* not() */
void
hl_body_not(HlEvaluation *evaluation, const HlInvocation *invocation,
			HlItems *out)
{
	hl_items_append_truth(out,
						  hl_truth_not(hl_evaluate_truth(invocation->input)));
}
