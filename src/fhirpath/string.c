/*
 * string.c
 *	  FHIRPath's functions of strings. There are no regular expressions.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/formatting.h"

#include "fhirpath/bodies.h"
#include "fhirpath/number.h"

/* The maximum length of a text that a function may create, in bytes. */
#define TEXT_MAX (16 * 1024 * 1024)

/* Part of a string that is owned elsewhere. */
typedef struct Text
{
	const char *at;
	int len;
} Text;

/* The text of a string item. */
static Text
text_of(const HlItem *item)
{
	return (Text){item->value.val.string.val, item->value.val.string.len};
}

/* The input, if it is one string; otherwise false. */
static bool
input_text(const HlInvocation *invocation, Text *text)
{
	const HlItem *item =
		hl_evaluate_single(invocation->input, invocation->node->call->name);

	if (item == NULL || !hl_item_is_text(item))
		return false;
	*text = text_of(item);
	return true;
}

/* The input and one string argument. */
static bool
two_texts(HlEvaluation *evaluation, const HlInvocation *invocation, Text *text,
		  Text *argument)
{
	HlItem item;

	if (!input_text(invocation, text) ||
		!hl_call_text_argument(evaluation, invocation, 0, &item))
		return false;
	*argument = text_of(&item);
	return true;
}

/* Limits the length of texts, which functions can increase exponentially. */
static void
check_length(int64 len)
{
	hl_items_check_memory(0);
	if (len > TEXT_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a string in a FHIRPath expression is too long"),
						errdetail("At most %d bytes are allowed.", TEXT_MAX)));
}

/* Whether an offset is the start of a character; in UTF-8 every match is. */
static bool
is_aligned(Text text, int offset)
{
	int at = 0;

	if (GetDatabaseEncoding() == PG_UTF8 ||
		pg_database_encoding_max_length() == 1)
		return true;
	while (at < offset)
		at += pg_mblen(text.at + at);
	return at == offset;
}

/* The offset of a text in another, from an offset on; -1: not found. */
static int
find_text(Text text, Text wanted, int from)
{
	const char *found;

	CHECK_FOR_INTERRUPTS();
	while ((found = memmem(text.at + from, text.len - from, wanted.at,
						   wanted.len)) != NULL)
	{
		if (is_aligned(text, (int) (found - text.at)))
			return (int) (found - text.at);
		from = (int) (found - text.at) + 1;
	}
	return -1;
}

/* Appends a text as an item. */
static void
append_text(HlItems *out, const char *at, int len)
{
	hl_item_set_string(hl_items_add(out), at, len);
}

/* join([separator]): an empty string for no items. */
void
hl_body_join(HlEvaluation *evaluation, const HlInvocation *invocation,
			 HlItems *out)
{
	HlItem separator;
	StringInfoData joined;
	bool first = true;

	hl_item_set_string(&separator, "", 0);
	if (invocation->node->narguments > 0 &&
		!hl_call_text_argument(evaluation, invocation, 0, &separator))
		return;
	initStringInfo(&joined);
	for (int i = 0; i < invocation->input->count; i++)
	{
		const HlItem *item = &invocation->input->items[i];
		char *text = hl_item_to_text(item);

		CHECK_FOR_INTERRUPTS();
		if (item->kind == HL_KIND_NOTHING)
			continue;
		if (text == NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("function join() of FHIRPath expressions "
								   "joins strings, not complex values")));
		check_length((int64) joined.len + strlen(text) +
					 separator.value.val.string.len);
		if (!first)
			appendBinaryStringInfo(&joined, separator.value.val.string.val,
								   separator.value.val.string.len);
		appendStringInfoString(&joined, text);
		pfree(text);
		first = false;
	}
	append_text(out, joined.data, joined.len);
}

/* startsWith(prefix), endsWith(suffix), contains(substring) */
void
hl_body_test_text(HlEvaluation *evaluation, const HlInvocation *invocation,
				  HlItems *out)
{
	Text text, wanted;
	int offset;
	bool found;

	if (!two_texts(evaluation, invocation, &text, &wanted))
		return;
	switch (invocation->node->call->variant)
	{
		case HL_TEST_STARTS:
			found = wanted.len <= text.len &&
					memcmp(text.at, wanted.at, wanted.len) == 0;
			break;
		case HL_TEST_ENDS:
			offset = text.len - wanted.len;
			found = offset >= 0 &&
					memcmp(text.at + offset, wanted.at, wanted.len) == 0 &&
					is_aligned(text, offset);
			break;
		default:
			found = find_text(text, wanted, 0) >= 0;
			break;
	}
	hl_items_append_truth(out, hl_truth_of(found));
}

/* indexOf(substring), in characters from 0; -1 if it is not found */
void
hl_body_index_of(HlEvaluation *evaluation, const HlInvocation *invocation,
				 HlItems *out)
{
	Text text, wanted;
	int offset;

	if (!two_texts(evaluation, invocation, &text, &wanted))
		return;
	offset = find_text(text, wanted, 0);
	hl_item_set_number(
		hl_items_add(out),
		hl_number_of_int64(offset < 0 ? -1
									  : pg_mbstrlen_with_len(text.at, offset)),
		false);
}

/* The length in bytes of a number of characters, at most the whole text. */
static int
bytes_of(Text text, int64 characters)
{
	int at = 0;

	if (characters >= text.len)
		return text.len;
	while (characters-- > 0 && at < text.len)
		at += pg_mblen(text.at + at);
	return Min(at, text.len);
}

/* substring(start [, length]) */
void
hl_body_substring(HlEvaluation *evaluation, const HlInvocation *invocation,
				  HlItems *out)
{
	int64 start, length = PG_INT32_MAX;
	Text text;
	int skipped;

	if (!input_text(invocation, &text) ||
		!hl_call_integer_argument(evaluation, invocation, 0, &start))
		return;
	if (invocation->node->narguments > 1 &&
		!hl_call_integer_argument(evaluation, invocation, 1, &length))
		length = PG_INT32_MAX;
	skipped = bytes_of(text, Max(start, 0));
	if (start < 0 || skipped >= text.len)
		return;
	text.at += skipped;
	text.len -= skipped;
	append_text(out, text.at, bytes_of(text, Max(length, 0)));
}

/* upper() and lower() */
void
hl_body_change_case(HlEvaluation *evaluation, const HlInvocation *invocation,
					HlItems *out)
{
	Text text;
	char *changed;

	if (!input_text(invocation, &text))
		return;
	check_length(text.len);
	changed = (invocation->node->call->variant ? str_toupper : str_tolower)(
		text.at, text.len, DEFAULT_COLLATION_OID);
	append_text(out, changed, (int) strlen(changed));
}

/* length(), in characters */
void
hl_body_length(HlEvaluation *evaluation, const HlInvocation *invocation,
			   HlItems *out)
{
	Text text;

	if (input_text(invocation, &text))
		hl_item_set_number(
			hl_items_add(out),
			hl_number_of_int64(pg_mbstrlen_with_len(text.at, text.len)), false);
}

/* The parts of a text between separators, one after the other. */
static bool
next_part(Text text, Text separator, int *from, Text *part)
{
	int end;

	if (*from < 0)
		return false;
	end = separator.len > 0
			  ? find_text(text, separator, *from)
			  : *from + (*from < text.len ? pg_mblen(text.at + *from) : 0);
	if (separator.len == 0 && end >= text.len)
		end = -1; /* an empty separator: each character is a part */
	part->at = text.at + *from;
	part->len = (end < 0 ? text.len : end) - *from;
	*from = end < 0 ? -1 : end + separator.len;
	return true;
}

/* replace(pattern, substitution); an empty pattern is around all characters */
void
hl_body_replace(HlEvaluation *evaluation, const HlInvocation *invocation,
				HlItems *out)
{
	Text text, pattern, part;
	HlItem substitution;
	Text instead;
	StringInfoData changed;
	int from = 0;

	if (!two_texts(evaluation, invocation, &text, &pattern) ||
		!hl_call_text_argument(evaluation, invocation, 1, &substitution))
		return;
	instead = text_of(&substitution);
	initStringInfo(&changed);
	if (pattern.len == 0)
		appendBinaryStringInfo(&changed, instead.at, instead.len);
	while (next_part(text, pattern, &from, &part))
	{
		check_length((int64) changed.len + part.len + instead.len);
		appendBinaryStringInfo(&changed, part.at, part.len);
		if (from >= 0 || (pattern.len == 0 && part.len > 0))
			appendBinaryStringInfo(&changed, instead.at, instead.len);
	}
	append_text(out, changed.data, changed.len);
}

/* Whether a character is blank. */
static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* trim() */
void
hl_body_trim(HlEvaluation *evaluation, const HlInvocation *invocation,
			 HlItems *out)
{
	Text text;

	if (!input_text(invocation, &text))
		return;
	while (text.len > 0 && is_blank(text.at[text.len - 1]))
		text.len--;
	while (text.len > 0 && is_blank(text.at[0]))
	{
		text.at++;
		text.len--;
	}
	append_text(out, text.at, text.len);
}

/* split(separator) */
void
hl_body_split(HlEvaluation *evaluation, const HlInvocation *invocation,
			  HlItems *out)
{
	Text text, separator, part;
	int from = 0;

	if (!two_texts(evaluation, invocation, &text, &separator))
		return;
	while (next_part(text, separator, &from, &part))
		append_text(out, part.at, part.len);
}
