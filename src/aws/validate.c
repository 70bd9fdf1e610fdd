/*
 * validate.c
 *	  Walks a request along its shape and collects the faults, in the order of
 *	  botocore's validate.py. One difference is deliberate: true and false are
 *	  not accepted as numbers.
 */
#include "aws/validate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "base/utf8.h"

#define LONGEST_QUOTE 128 /* bytes of a quoted name */
#define LONGEST_NAME 64   /* bytes of a name that is compared */
#define DEEPEST_LOOK 4    /* levels searched for a misplaced member */

/* The state of the walk. */
typedef struct Walk
{
	HlFaults *faults;
	HlBytes path; /* empty at the request itself */
	bool allow_unknown;
	bool reply; /* check only types and required members */
} Walk;

static void validate_value(Walk *walk, const HlJson *value,
						   const HlShape *shape, HlForm form);

/* Appends a name, truncated if it is too long for a message. */
static void
append_name(HlBytes *bytes, const char *name, size_t len)
{
	size_t kept = len <= LONGEST_QUOTE ? len : 0;

	while (kept < len)
	{
		int step = hl_utf8_length(name + kept, len - kept);

		if (step == 0 || kept + (size_t) step > LONGEST_QUOTE)
			break;
		kept += (size_t) step;
	}
	hl_bytes_append(bytes, name, kept);
	if (kept < len)
		hl_bytes_append_string(bytes, "...");
}

/* Descends to a member, or a map's value; returns the argument of leave(). */
static size_t
enter_member(Walk *walk, const char *name, size_t len)
{
	size_t outside = walk->path.len;

	if (outside > 0)
		hl_bytes_append_char(&walk->path, '.');
	append_name(&walk->path, name, len);
	return outside;
}

/* Truncates the path to this length. */
static void
leave(Walk *walk, size_t outside)
{
	hl_bytes_cut(&walk->path, outside);
}

/* Copies the collected text; NULL if out of memory. */
static char *
keep(HlFaults *faults, HlBytes *bytes)
{
	hl_bytes_append(bytes, "", 0);
	if (bytes->failed)
	{
		faults->failed = true;
		hl_bytes_free(bytes);
	}
	return bytes->data;
}

/* A copy of the path as botocore writes it. */
static char *
keep_path(Walk *walk)
{
	HlBytes copy = {0};

	hl_bytes_append_string(
		&copy, walk->path.len == 0 ? "input" : hl_bytes_string(&walk->path));
	return keep(walk->faults, &copy);
}

/* Adds a fault at the current path; NULL if it is only counted. */
static HlFault *
add_fault(Walk *walk, HlFaultKind kind)
{
	HlFaults *faults = walk->faults;
	HlFault *list = faults->list;

	if (faults->count >= HL_FAULTS_KEPT || walk->path.failed)
	{
		faults->more++;
		faults->failed |= walk->path.failed;
		return NULL;
	}
	if (faults->count == faults->room)
	{
		list = realloc(list, (faults->room * 2 + 8) * sizeof(HlFault));
		if (list == NULL)
		{
			faults->more++;
			faults->failed = true;
			return NULL;
		}
		faults->list = list;
		faults->room = faults->room * 2 + 8;
	}
	list += faults->count++;
	*list = (HlFault){.kind = kind, .path = keep_path(walk)};
	return list;
}

/* Begins a sentence about the current value. */
static void
append_subject(const Walk *walk, HlBytes *text)
{
	if (walk->path.len == 0)
		hl_bytes_append_string(text, walk->reply ? "the reply" : "the request");
	else
		hl_bytes_format(text, "\"%s\"", walk->path.data);
}

/* Adds a fault whose sentence begins with the current value. */
__attribute__((format(printf, 3, 4))) static void
report(Walk *walk, HlFaultKind kind, const char *format, ...)
{
	HlFault *fault = add_fault(walk, kind);
	HlBytes text = {0};
	char wrong[160];
	va_list arguments;

	if (fault == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(wrong, sizeof(wrong), format, arguments);
	va_end(arguments);
	append_subject(walk, &text);
	hl_bytes_format(&text, " %s", wrong);
	fault->text = keep(walk->faults, &text);
}

static const char *
kind_in_words(const HlJson *value)
{
	static const char *const words[] = {"null",     "a boolean", "a boolean",
										"a number", "a string",  "an array",
										"an object"};

	return words[hl_json_kind(value)];
}

/* Adds that a value has the wrong type. */
static void
report_type(Walk *walk, const HlJson *value, const char *expected)
{
	report(walk, HL_FAULT_TYPE, "must be %s, not %s", expected,
		   kind_in_words(value));
}

/* Adds that a length is too small. */
static void
report_length(Walk *walk, const HlShape *shape, size_t len, const char *unit)
{
	if (shape->has_min && (int64_t) len < shape->min && !walk->reply)
		report(walk, HL_FAULT_MINIMUM,
			   "must have at least %" PRId64 " %s%s, not %zu", shape->min, unit,
			   shape->min == 1 ? "" : "s", len);
}

/*
 * Adds that an id in a reply is longer than AWS's are: ids of data stores and
 * jobs are stored in indexed columns, which limit the length.
 */
static void
report_long_id(Walk *walk, const HlShape *shape, size_t len)
{
	size_t name_len = strlen(shape->name);

	if (!walk->reply || !shape->has_max || (int64_t) len <= shape->max ||
		name_len < 2 || strcmp(shape->name + name_len - 2, "Id") != 0)
		return;
	report(walk, HL_FAULT_TYPE,
		   "must have at most %" PRId64 " characters, not %zu", shape->max,
		   len);
}

/* Whether a member is set; null is the same as missing. */
static bool
is_set(const HlJson *value)
{
	return hl_json_kind(value) != HL_JSON_NULL;
}

/* Adds "A, B, C" for the members of a shape. */
static void
append_members(HlBytes *text, const HlShape *shape)
{
	for (int i = 0; i < shape->nmembers; i++)
		hl_bytes_format(text, "%s%s", i > 0 ? ", " : "",
						shape->members[i].name);
}

/* Folds a name for comparison: without case, underscores and hyphens. */
static void
fold_name(char folded[LONGEST_NAME + 1], const char *name)
{
	int len = 0;

	for (; *name != '\0' && len < LONGEST_NAME; name++)
		if (*name != '_' && *name != '-')
			folded[len++] = *name >= 'A' && *name <= 'Z'
								? (char) (*name + ('a' - 'A'))
								: *name;
	folded[len] = '\0';
}

/* The Levenshtein distance of two names. */
static int
name_distance(const char *a, const char *b)
{
	int costs[LONGEST_NAME + 1];
	int len = (int) strlen(b);

	for (int j = 0; j <= len; j++)
		costs[j] = j;
	for (int i = 1; a[i - 1] != '\0'; i++)
	{
		int diagonal = costs[0];

		costs[0] = i;
		for (int j = 1; j <= len; j++)
		{
			int changed = diagonal + (a[i - 1] != b[j - 1]);
			int fewer = (costs[j] < costs[j - 1] ? costs[j] : costs[j - 1]) + 1;

			diagonal = costs[j];
			costs[j] = changed < fewer ? changed : fewer;
		}
	}
	return costs[len];
}

/*
 * The distance of a member's names from a folded one; SQL's name counts only if
 * equal.
 */
static int
member_distance(const HlMember *member, const char *folded)
{
	char name[LONGEST_NAME + 1];

	fold_name(name, member->sql_name ? member->sql_name : "");
	if (name[0] != '\0' && strcmp(name, folded) == 0)
		return 0;
	fold_name(name, member->name);
	return name_distance(folded, name);
}

/* The nearest member, if it is near enough for a typing error. */
static const HlMember *
nearest_member(const HlShape *shape, const char *folded)
{
	int nearest = (int) strlen(folded) / 3 + 1;
	const HlMember *found = NULL;

	for (int i = 0; i < shape->nmembers; i++)
	{
		int distance = member_distance(&shape->members[i], folded);

		if (distance < nearest)
		{
			nearest = distance;
			found = &shape->members[i];
		}
	}
	return found;
}

/* Finds a member of that name at a deeper level, and appends its path. */
static bool
append_deeper_member(HlBytes *text, const HlShape *shape, const char *folded,
					 int levels)
{
	for (int i = 0; levels > 0 && i < shape->nmembers; i++)
	{
		const HlMember *member = &shape->members[i];
		size_t len = text->len;

		hl_bytes_format(text, "%s%s", len > 0 ? "." : "", member->name);
		if (member_distance(member, folded) == 0 ||
			append_deeper_member(text, member->shape, folded, levels - 1))
			return true;
		if (text->failed)
			return false;
		hl_bytes_cut(text, len);
	}
	return false;
}

/* The member that was probably meant by a name; NULL if there is none. */
static char *
suggest_member(HlFaults *faults, const HlShape *shape, const char *name)
{
	char folded[LONGEST_NAME + 1];
	const HlMember *member;
	HlBytes text = {0};

	fold_name(folded, name);
	member = nearest_member(shape, folded);
	if (member != NULL)
		hl_bytes_append_string(&text, member->name);
	else if (!append_deeper_member(&text, shape, folded, DEEPEST_LOOK))
	{
		hl_bytes_free(&text);
		return NULL;
	}
	return keep(faults, &text);
}

/* Adds that a required member is missing. */
static void
report_missing(Walk *walk, const HlMember *member)
{
	HlFault *fault = add_fault(walk, HL_FAULT_MISSING);
	HlBytes name = {0};
	HlBytes text = {0};
	size_t outside;

	if (fault == NULL)
		return;
	hl_bytes_append_string(&name, member->name);
	fault->member = keep(walk->faults, &name);
	outside = enter_member(walk, member->name, strlen(member->name));
	hl_bytes_format(&text, "required member \"%s\" is missing",
					hl_bytes_string(&walk->path));
	leave(walk, outside);
	fault->text = keep(walk->faults, &text);
}

/* Adds that a shape has no such member, and lists its members. */
static void
report_unknown(Walk *walk, const HlShape *shape, const HlJsonEach *each)
{
	HlFault *fault = add_fault(walk, HL_FAULT_UNKNOWN);
	HlBytes name = {0};
	HlBytes text = {0};
	size_t outside;

	if (fault == NULL)
		return;
	hl_bytes_append(&name, each->name, each->name_len);
	fault->member = keep(walk->faults, &name);
	fault->suggestion = suggest_member(walk->faults, shape, each->name);
	outside = enter_member(walk, each->name, each->name_len);
	hl_bytes_format(&text, "unknown member \"%s\"",
					hl_bytes_string(&walk->path));
	leave(walk, outside);
	if (fault->suggestion != NULL)
		hl_bytes_format(&text, " (did you mean \"%s\"?)", fault->suggestion);
	hl_bytes_append_string(
		&text, shape->nmembers > 0 ? "; the known members are " : "");
	append_members(&text, shape);
	fault->text = keep(walk->faults, &text);
}

/* Checks that a union has one member set, whatever its name. */
static void
validate_union(Walk *walk, const HlJson *value, const HlShape *shape)
{
	HlJsonEach each = hl_json_each(value);
	const HlJson *child;
	HlFault *fault;
	HlBytes text = {0};
	int set = 0;

	while ((child = hl_json_step(&each)) != NULL)
		set += is_set(child);
	if (set == 1)
		return;
	fault = add_fault(walk, HL_FAULT_UNION);
	if (fault == NULL)
		return;
	append_subject(walk, &text);
	hl_bytes_format(&text, " must have exactly one of its members (");
	append_members(&text, shape);
	hl_bytes_format(&text, "), not %d", set);
	fault->text = keep(walk->faults, &text);
}

/*
 * Checks that all required members are set. A missing token is generated, so it
 * is never reported.
 */
static void
validate_required(Walk *walk, const HlJson *value, const HlShape *shape)
{
	for (int i = 0; i < shape->nmembers; i++)
	{
		const HlMember *member = &shape->members[i];

		if (member->required && !member->idempotency_token &&
			!is_set(hl_json_member(value, member->name)))
			report_missing(walk, member);
	}
}

/* Checks that the shape knows all members. */
static void
validate_known(Walk *walk, const HlJson *value, const HlShape *shape)
{
	HlJsonEach each = hl_json_each(value);
	const HlJson *child;

	while ((child = hl_json_step(&each)) != NULL)
		if (is_set(child) && !hl_shape_member(shape, each.name, each.name_len))
			report_unknown(walk, shape, &each);
}

/* Checks a structure, then its members. */
static void
validate_structure(Walk *walk, const HlJson *value, const HlShape *shape)
{
	if (hl_json_kind(value) != HL_JSON_OBJECT)
	{
		report_type(walk, value, "an object");
		return;
	}
	if (shape->kind == HL_KIND_UNION && !walk->reply)
		validate_union(walk, value, shape);
	validate_required(walk, value, shape);
	if (!walk->allow_unknown)
		validate_known(walk, value, shape);
	for (int i = 0; i < shape->nmembers; i++)
	{
		const HlMember *member = &shape->members[i];
		const HlJson *child = hl_json_member(value, member->name);
		size_t outside;

		if (!is_set(child))
			continue;
		outside = enter_member(walk, member->name, strlen(member->name));
		validate_value(walk, child, member->shape, member->form);
		leave(walk, outside);
	}
}

/* Checks a value that cannot be missing. */
static void
validate_inner(Walk *walk, const HlJson *value, const HlShape *shape)
{
	if (is_set(value))
		validate_value(walk, value, shape, HL_FORM_PLAIN);
	else if (!walk->reply)
		report(walk, HL_FAULT_NULL, "must not be null");
}

/* Checks a list and its elements. */
static void
validate_list(Walk *walk, const HlJson *value, const HlShape *shape)
{
	HlJsonEach each = hl_json_each(value);
	const HlJson *element;

	if (hl_json_kind(value) != HL_JSON_ARRAY)
	{
		report_type(walk, value, "an array");
		return;
	}
	report_length(walk, shape, hl_json_len(value), "element");
	for (size_t i = 0; (element = hl_json_step(&each)) != NULL; i++)
	{
		size_t outside = walk->path.len;

		hl_bytes_format(&walk->path, "[%zu]", i);
		validate_inner(walk, element, shape->element);
		leave(walk, outside);
	}
}

static size_t
count_characters(const char *string, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += (string[i] & 0xC0) != 0x80;
	return count;
}

/* Checks the name of a map's value. */
static void
validate_key(Walk *walk, const HlShape *key, const HlJsonEach *each)
{
	size_t outside = walk->path.len;

	if (key == NULL)
		return;
	hl_bytes_append_string(&walk->path, outside > 0 ? " (key: " : "(key: ");
	append_name(&walk->path, each->name, each->name_len);
	hl_bytes_append_char(&walk->path, ')');
	report_length(walk, key, count_characters(each->name, each->name_len),
				  "character");
	leave(walk, outside);
}

/* Checks a map's keys and values, not their number. */
static void
validate_map(Walk *walk, const HlJson *value, const HlShape *shape)
{
	HlJsonEach each = hl_json_each(value);
	const HlJson *child;

	if (hl_json_kind(value) != HL_JSON_OBJECT)
	{
		report_type(walk, value, "an object");
		return;
	}
	while ((child = hl_json_step(&each)) != NULL)
	{
		size_t outside;

		validate_key(walk, shape->key, &each);
		outside = enter_member(walk, each.name, each.name_len);
		validate_inner(walk, child, shape->element);
		leave(walk, outside);
	}
}

/* Checks a string; a member of JSON text may also be given as JSON. */
static void
validate_string(Walk *walk, const HlJson *value, const HlShape *shape,
				HlForm form)
{
	bool json = form == HL_FORM_JSON_TEXT;

	if (json && hl_json_kind(value) == HL_JSON_OBJECT)
		return;
	if (hl_json_kind(value) == HL_JSON_STRING)
	{
		size_t len =
			count_characters(hl_json_string(value), hl_json_len(value));

		report_length(walk, shape, len, "character");
		report_long_id(walk, shape, len);
	}
	else
		report_type(walk, value, json ? "a string or an object" : "a string");
}

/* Checks an integer: no fraction, no exponent, and in range. */
static void
validate_integer(Walk *walk, const HlJson *value, const HlShape *shape)
{
	const char *token = hl_json_string(value);
	int64_t integer;

	if (hl_json_kind(value) != HL_JSON_NUMBER)
		report_type(walk, value, "an integer");
	else if (token[strspn(token, "-0123456789")] != '\0')
		report(walk, HL_FAULT_TYPE, "must be an integer");
	else if (!hl_json_int64(value, &integer))
		report(walk, HL_FAULT_TYPE, "must be an integer of at most 64 bits");
	else if (shape->has_min && integer < shape->min && !walk->reply)
		report(walk, HL_FAULT_MINIMUM,
			   "must be at least %" PRId64 ", not %" PRId64, shape->min,
			   integer);
}

/* Checks a number; JSON writes NaN and infinity as strings. */
static void
validate_double(Walk *walk, const HlJson *value, const HlShape *shape)
{
	const char *string = hl_json_string(value);
	double number;

	if (hl_json_kind(value) == HL_JSON_STRING &&
		(strcmp(string, "NaN") == 0 || strcmp(string, "Infinity") == 0 ||
		 strcmp(string, "-Infinity") == 0))
		return;
	if (!hl_json_double(value, &number))
		report_type(walk, value, "a number");
	else if (shape->has_min && number < (double) shape->min && !walk->reply)
		report(walk, HL_FAULT_MINIMUM, "must be at least %" PRId64, shape->min);
}

/* Checks a point in time, a number or a text. */
static void
validate_timestamp(Walk *walk, const HlJson *value)
{
	HlJsonKind kind = hl_json_kind(value);
	const char *text = hl_json_string(value);
	size_t len = hl_json_len(value);
	int64_t micros;

	if (kind == HL_JSON_NUMBER && !hl_timestamp_from_number(text, len, &micros))
		report(walk, HL_FAULT_TYPE, "must be within the years 1 to 9999");
	else if (kind == HL_JSON_STRING &&
			 !hl_timestamp_from_text(text, len, &micros))
		report(walk, HL_FAULT_TYPE,
			   "must be a timestamp, such as 2026-11-23T15:08:00Z");
	else if (kind != HL_JSON_NUMBER && kind != HL_JSON_STRING)
		report_type(walk, value, "a timestamp");
}

static void
validate_value(Walk *walk, const HlJson *value, const HlShape *shape,
			   HlForm form)
{
	switch (shape->kind)
	{
		case HL_KIND_STRING:
			validate_string(walk, value, shape, form);
			break;
		case HL_KIND_INTEGER:
		case HL_KIND_LONG:
			validate_integer(walk, value, shape);
			break;
		case HL_KIND_DOUBLE:
			validate_double(walk, value, shape);
			break;
		case HL_KIND_BOOLEAN:
			if (hl_json_kind(value) != HL_JSON_TRUE &&
				hl_json_kind(value) != HL_JSON_FALSE)
				report_type(walk, value, "a boolean");
			break;
		case HL_KIND_TIMESTAMP:
			validate_timestamp(walk, value);
			break;
		case HL_KIND_STRUCTURE:
		case HL_KIND_UNION:
			validate_structure(walk, value, shape);
			break;
		case HL_KIND_LIST:
			validate_list(walk, value, shape);
			break;
		case HL_KIND_MAP:
			validate_map(walk, value, shape);
			break;
	}
}

/* Walks a request or reply; returns whether it is valid. */
static bool
walk_document(Walk *walk, const HlJson *value, const HlShape *shape)
{
	size_t before = walk->faults->count + walk->faults->more;

	validate_value(walk, value, shape, HL_FORM_PLAIN);
	hl_bytes_free(&walk->path);
	return walk->faults->count + walk->faults->more == before &&
		   !walk->faults->failed;
}

bool
hl_validate(HlFaults *faults, const HlJson *request, const HlShape *shape,
			bool allow_unknown)
{
	Walk walk = {.faults = faults, .allow_unknown = allow_unknown};

	return walk_document(&walk, request, shape);
}

bool
hl_validate_reply(HlFaults *faults, const HlJson *reply, const HlShape *shape)
{
	Walk walk = {.faults = faults, .allow_unknown = true, .reply = true};

	return walk_document(&walk, reply, shape);
}

void
hl_faults_free(HlFaults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
	{
		free(faults->list[i].path);
		free(faults->list[i].member);
		free(faults->list[i].suggestion);
		free(faults->list[i].text);
	}
	free(faults->list);
	*faults = (HlFaults){0};
}
