/*
 * conversion.c
 *	  FHIRPath's functions of numbers, their boundaries and those of dates,
 *	  and its conversions.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "fhirpath/bodies.h"
#include "fhirpath/definition.h"
#include "fhirpath/number.h"

/* The input if it is one number; otherwise NULL. */
static Numeric
input_number(const HlInvocation *invocation)
{
	const HlItem *item =
		hl_evaluate_single(invocation->input, invocation->node->call->name);

	return item != NULL && item->kind == HL_KIND_NUMBER
			   ? item->value.val.numeric
			   : NULL;
}

/* abs(), ceiling(), floor(), truncate() */
void
hl_body_number(HlEvaluation *evaluation, const HlInvocation *invocation,
			   HlItems *out)
{
	static const PGFunction functions[] = {
		[HL_NUMBER_ABS] = numeric_abs,
		[HL_NUMBER_CEILING] = numeric_ceil,
		[HL_NUMBER_FLOOR] = numeric_floor,
	};
	int variant = invocation->node->call->variant;
	Numeric number = input_number(invocation);

	if (number != NULL)
		hl_item_set_number(
			hl_items_add(out),
			variant == HL_NUMBER_TRUNCATE
				? hl_number_calculate(HL_OPERATOR_DIV, number,
									  hl_number_of_int64(1))
				: hl_number_apply(functions[variant], number),
			variant == HL_NUMBER_ABS &&
				hl_item_is_decimal(&invocation->input->items[0]));
}

/* round([precision]) */
void
hl_body_round(HlEvaluation *evaluation, const HlInvocation *invocation,
			  HlItems *out)
{
	Numeric number = input_number(invocation);
	int64 digits = 0;

	if (number == NULL ||
		(invocation->node->narguments > 0 &&
		 !hl_call_integer_argument(evaluation, invocation, 0, &digits)) ||
		digits < 0)
		return;
	hl_item_set_number(hl_items_add(out),
					   hl_number_round(number, (int) Min(digits, 100)), true);
}

/* Whether an item has the type date, and is not a dateTime without a time. */
static bool
is_date(const HlItem *item)
{
	const char *type, *owner;
	int len;

	if (item->kind != HL_KIND_STRING || item->key == NULL)
		return item->kind == HL_KIND_DATE;
	type = hl_item_choice_type(item);
	if (type != NULL)
		return strcmp(type, "date") == 0;
	owner = hl_item_owner(item, &len);
	return hl_definition_has_date(owner, len, item->key, item->keylen);
}

/*
 * Appends the boundary of a date, dateTime or time. A date has at most eight
 * digits, a dateTime 17.
 */
static void
append_moment(const HlItem *item, bool high, int64 digits, HlItems *out)
{
	char *text = palloc(HL_MOMENT_SIZE);
	HlMoment moment;
	int most;

	if (!hl_item_moment(item, &moment))
		return;
	most = moment.is_time ? 9 : is_date(item) && !moment.has_clock ? 8 : 17;
	if (digits < 0)
		digits = most;
	if (digits > most || !hl_moment_boundary(&moment, high, (int) digits, text))
		return;
	hl_item_set_string(hl_items_add(out), text, (int) strlen(text));
	out->items[out->count - 1].kind = moment.is_time ? HL_KIND_TIME
									  : digits > 8   ? HL_KIND_DATETIME
													 : HL_KIND_DATE;
}

/* Appends the boundary of a period: of its start or of its end. */
static void
append_period(const HlItem *period, bool high, int64 digits, HlItems *out)
{
	HlItems ends;

	hl_items_init(&ends);
	hl_item_member(period, high ? "end" : "start", high ? 3 : 5, &ends);
	if (ends.count == 1 && ends.items[0].kind == HL_KIND_STRING)
	{
		ends.items[0].kind = HL_KIND_DATETIME;
		append_moment(&ends.items[0], high, digits, out);
	}
	hl_items_free(&ends);
}

/* lowBoundary([precision]), highBoundary([precision]) */
void
hl_body_boundary(HlEvaluation *evaluation, const HlInvocation *invocation,
				 HlItems *out)
{
	const HlItem *item =
		hl_evaluate_single(invocation->input, invocation->node->call->name);
	bool high = invocation->node->call->variant;
	int64 digits = -1;

	if (item == NULL)
		return;
	if (invocation->node->narguments > 0 &&
		(!hl_call_integer_argument(evaluation, invocation, 0, &digits) ||
		 digits < 0 || digits > 31))
		return;
	if (item->kind == HL_KIND_NUMBER)
	{
		Numeric bound =
			hl_number_boundary(item->value.val.numeric, high, (int) digits);

		if (bound != NULL)
			hl_item_set_number(hl_items_add(out), bound, true);
	}
	else if (item->kind == HL_KIND_OBJECT)
		append_period(item, high, digits, out);
	else if (!item->is_system || item->kind != HL_KIND_STRING)
		append_moment(item, high, digits, out);
}

/* Whether a string is one of some words, in any case. */
static bool
is_word(const HlItem *item, const char *const *words)
{
	for (; *words != NULL; words++)
		if (item->value.val.string.len == (int) strlen(*words) &&
			pg_strncasecmp(item->value.val.string.val, *words,
						   item->value.val.string.len) == 0)
			return true;
	return false;
}

/* toBoolean() of an item; unknown if it is none. */
static HlTruth
to_boolean(const HlItem *item)
{
	static const char *const yes[] = {"true", "t",   "yes", "y",
									  "1",    "1.0", NULL};
	static const char *const no[] = {"false", "f", "no", "n", "0", "0.0", NULL};
	int64 value;

	if (item->kind == HL_KIND_BOOLEAN)
		return hl_truth_of(item->value.val.boolean);
	if (item->kind == HL_KIND_NUMBER)
		return hl_number_to_int64(item->value.val.numeric, &value) &&
					   (value == 0 || value == 1)
				   ? hl_truth_of(value == 1)
				   : HL_UNKNOWN;
	if (item->kind != HL_KIND_STRING)
		return HL_UNKNOWN;
	return is_word(item, yes)  ? HL_TRUE
		   : is_word(item, no) ? HL_FALSE
							   : HL_UNKNOWN;
}

/* toDecimal() or toInteger() of an item; NULL if it is none. */
static Numeric
to_number(const HlItem *item, bool whole)
{
	Numeric number = NULL;
	int64 value;

	if (item->kind == HL_KIND_BOOLEAN)
		number = hl_number_of_int64(item->value.val.boolean);
	else if (item->kind == HL_KIND_NUMBER)
		number = item->value.val.numeric;
	else if (item->kind == HL_KIND_STRING &&
			 !(whole && memchr(item->value.val.string.val, '.',
							   item->value.val.string.len)))
		number = hl_number_read(item->value.val.string.val,
								item->value.val.string.len);
	if (number == NULL || !whole)
		return number;
	return hl_number_to_int64(number, &value) && value >= PG_INT32_MIN &&
				   value <= PG_INT32_MAX
			   ? hl_number_of_int64(value)
			   : NULL;
}

/* toDate(), toDateTime() or toTime() of an item. */
static bool
to_moment(const HlItem *item, HlKind kind, HlItem *result)
{
	HlItem as = *item;
	const char *clock;
	HlMoment moment;
	int len = item->value.val.string.len;

	if (!hl_item_is_text(item))
		return false;
	as.kind = kind;
	if (!hl_item_moment(&as, &moment))
		return false;
	clock = memchr(item->value.val.string.val, 'T', len);
	if (kind == HL_KIND_DATE && clock != NULL)
		len = (int) (clock - item->value.val.string.val);
	hl_item_set_string(result, item->value.val.string.val, len);
	result->kind = kind;
	return true;
}

/* Converts an item to a kind; HL_KIND_OBJECT stands for integers. */
static bool
convert(const HlItem *item, HlKind kind, HlItem *result)
{
	Numeric number;
	HlTruth truth;
	char *text;

	switch (kind)
	{
		case HL_KIND_BOOLEAN:
			truth = to_boolean(item);
			hl_item_set_boolean(result, truth == HL_TRUE);
			return truth != HL_UNKNOWN;
		case HL_KIND_NUMBER:
		case HL_KIND_OBJECT:
			number = to_number(item, kind == HL_KIND_OBJECT);
			if (number != NULL)
				hl_item_set_number(result, number, kind == HL_KIND_NUMBER);
			return number != NULL;
		case HL_KIND_STRING:
			text = hl_item_to_text(item);
			if (text != NULL)
				hl_item_set_string(result, text, (int) strlen(text));
			return text != NULL;
		default:
			return to_moment(item, kind, result);
	}
}

/* toBoolean(), toInteger() and the like */
void
hl_body_convert(HlEvaluation *evaluation, const HlInvocation *invocation,
				HlItems *out)
{
	const HlItem *item =
		hl_evaluate_single(invocation->input, invocation->node->call->name);
	HlItem result;

	if (item != NULL &&
		convert(item, (HlKind) invocation->node->call->variant, &result))
		hl_items_append(out, &result);
}

/* convertsToBoolean(), convertsToInteger() and the like */
void
hl_body_converts(HlEvaluation *evaluation, const HlInvocation *invocation,
				 HlItems *out)
{
	const HlItem *item =
		hl_evaluate_single(invocation->input, invocation->node->call->name);
	HlItem result;

	if (item != NULL)
		hl_items_append_truth(
			out, hl_truth_of(convert(
					 item, (HlKind) invocation->node->call->variant, &result)));
}
