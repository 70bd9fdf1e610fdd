/*
 * model.c
 *	  Checks the consistency of the tables of operations and shapes, and dumps
 *	  them, so that test/model-diff can compare them with AWS's model.
 */
#include "model/model.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/json.h"
#include "tap.h"

#define MOST_SHAPES 500
#define LONGEST_IDENTIFIER 63 /* of PostgreSQL */

/* All shapes that the operations reach. */
static const HlShape *shapes[MOST_SHAPES];
static int nshapes = 0;

/* Collects a shape and all shapes within it, each once. */
static void
collect(const HlShape *shape)
{
	for (int i = 0; i < nshapes; i++)
		if (shapes[i] == shape)
			return;
	if (nshapes == MOST_SHAPES)
		abort();
	shapes[nshapes++] = shape;
	if (shape->stream)
		shape = shape->element; /* which the model does not have */
	for (int i = 0; i < shape->nmembers; i++)
		collect(shape->members[i].shape);
	if (shape->element != NULL)
		collect(shape->element);
	if (shape->key != NULL)
		collect(shape->key);
}

/* Collects the shapes of all operations. */
static void
collect_all(void)
{
	for (int i = 0; i < hl_operations_count; i++)
	{
		collect(hl_operations[i].input);
		collect(hl_operations[i].output);
	}
}

/* Adds "name": before a value, and a comma before all but the first. */
static void
append_name(HlBytes *json, const char *name)
{
	char last = json->data[json->len - 1];

	if (last != '{' && last != '[')
		hl_bytes_append_char(json, ',');
	hl_json_append_string(json, name, strlen(name));
	hl_bytes_append_char(json, ':');
}

/* Adds a member that is a string; none for NULL. */
static void
append_text(HlBytes *json, const char *name, const char *text)
{
	if (text == NULL)
		return;
	append_name(json, name);
	hl_json_append_string(json, text, strlen(text));
}

/* Adds a member that is true; none for false. */
static void
append_true(HlBytes *json, const char *name, bool value)
{
	if (!value)
		return;
	append_name(json, name);
	hl_bytes_append_string(json, "true");
}

/* Adds {"shape": name}. */
static void
append_reference(HlBytes *json, const char *name, const HlShape *shape)
{
	if (shape == NULL)
		return;
	append_name(json, name);
	hl_bytes_append_char(json, '{');
	append_text(json, "shape", shape->name);
	hl_bytes_append_char(json, '}');
}

/* Adds the names of required members. */
static void
append_required(HlBytes *json, const HlShape *shape)
{
	const char *separator = "";

	append_name(json, "required");
	hl_bytes_append_char(json, '[');
	for (int i = 0; i < shape->nmembers; i++)
	{
		const char *name = shape->members[i].name;

		if (!shape->members[i].required)
			continue;
		hl_bytes_append_string(json, separator);
		hl_json_append_string(json, name, strlen(name));
		separator = ",";
	}
	hl_bytes_append_char(json, ']');
}

/* Adds a structure's members, with their SQL properties. */
static void
append_members(HlBytes *json, const HlShape *shape)
{
	append_name(json, "members");
	hl_bytes_append_char(json, '{');
	for (int i = 0; i < shape->nmembers; i++)
	{
		const HlMember *member = &shape->members[i];

		append_name(json, member->name);
		hl_bytes_append_char(json, '{');
		append_text(json, "shape", member->shape->name);
		append_true(json, "idempotencyToken", member->idempotency_token);
		append_text(json, "sql", member->sql_name);
		hl_bytes_append_char(json, '}');
	}
	hl_bytes_append_char(json, '}');
}

/* Adds a shape. */
static void
append_shape(HlBytes *json, const HlShape *shape)
{
	static const char *const types[] = {
		"string",    "integer",   "long",      "double", "boolean",
		"timestamp", "structure", "structure", "list",   "map"};
	bool map = shape->kind == HL_KIND_MAP;
	bool stream = shape->stream;

	append_name(json, shape->name);
	hl_bytes_append_char(json, '{');
	append_true(json, "eventstream", stream);
	if (stream)
		shape = shape->element;
	append_text(json, "type", types[shape->kind]);
	append_true(json, "union", shape->kind == HL_KIND_UNION && !stream);
	append_true(json, "sensitive", shape->sensitive);
	if (shape->has_min)
	{
		append_name(json, "min");
		hl_bytes_format(json, "%" PRId64, shape->min);
	}
	if (shape->has_max)
	{
		append_name(json, "max");
		hl_bytes_format(json, "%" PRId64, shape->max);
	}
	append_reference(json, map ? "value" : "member", shape->element);
	append_reference(json, "key", shape->key);
	if (strcmp(types[shape->kind], "structure") == 0)
	{
		append_required(json, shape);
		append_members(json, shape);
	}
	hl_bytes_append_char(json, '}');
}

/* Adds an operation. */
static void
append_operation(HlBytes *json, const HlOperation *operation)
{
	append_name(json, operation->name);
	hl_bytes_append_char(json, '{');
	append_text(json, "function", operation->function);
	append_reference(json, "input", operation->input);
	append_reference(json, "output", operation->output);
	append_text(json, "hostPrefix", operation->host_prefix);
	append_true(json, "changes_something", operation->changes_something);
	append_true(json, "idempotent", operation->idempotent);
	append_text(json, "creates", operation->creates);
	append_text(json, "pages", operation->pages);
	hl_bytes_append_char(json, '}');
}

/* Prints the tables. */
static int
dump(void)
{
	HlBytes json = {0};

	hl_bytes_append_string(&json, "{\"operations\":{");
	for (int i = 0; i < hl_operations_count; i++)
		append_operation(&json, &hl_operations[i]);
	hl_bytes_append_string(&json, "},\"shapes\":{");
	for (int i = 0; i < nshapes; i++)
		append_shape(&json, shapes[i]);
	printf("%s}}\n", hl_bytes_string(&json));
	hl_bytes_free(&json);
	return 0;
}

/* Whether a name needs no quotes in SQL. */
static bool
is_identifier(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= LONGEST_IDENTIFIER && name[0] >= 'a' &&
		   name[0] <= 'z' &&
		   strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") == len;
}

/* The fault of a structure's members; NULL: none. */
static const char *
fault_of_members(const HlShape *shape)
{
	for (int i = 0; i < shape->nmembers; i++)
	{
		const HlMember *member = &shape->members[i];

		if (member->name == NULL || member->shape == NULL)
			return "a member has no name or no shape";
		if (hl_shape_member(shape, member->name, strlen(member->name)) !=
			member)
			return "a member is there twice";
		if (member->sql_name != NULL && !is_identifier(member->sql_name))
			return "an SQL name needs quotation marks";
		if (member->idempotency_token && member->shape->kind != HL_KIND_STRING)
			return "a token is no string";
		if (member->form == HL_FORM_TAGS &&
			member->shape->kind != HL_KIND_LIST &&
			member->shape->kind != HL_KIND_MAP)
			return "tags are neither a list nor a map";
	}
	return NULL;
}

/* The fault of a shape; NULL: none. */
static const char *
fault_of_shape(const HlShape *shape)
{
	bool structure =
		shape->kind == HL_KIND_STRUCTURE || shape->kind == HL_KIND_UNION;
	bool map = shape->kind == HL_KIND_MAP;

	if (shape->name == NULL)
		return "it has no name";
	if (!structure && shape->nmembers > 0)
		return "it has members";
	if ((shape->element != NULL) != (map || shape->kind == HL_KIND_LIST))
		return "what it contains is missing, or too much";
	if ((shape->key != NULL) != map)
		return "its key is missing, or too much";
	if (shape->has_min && shape->has_max && shape->min > shape->max)
		return "its bounds are the wrong way round";
	for (int i = 0; i < nshapes; i++)
		if (shapes[i] != shape && strcmp(shapes[i]->name, shape->name) == 0)
			return "another has its name";
	return fault_of_members(shape);
}

/* Counts the SQL names within a structure, flattened. */
static int
count_sql_name(const HlShape *shape, const char *name)
{
	int count = 0;

	for (int i = 0; i < shape->nmembers; i++)
	{
		const HlMember *member = &shape->members[i];

		if (member->sql_name == NULL)
			count += count_sql_name(member->shape, name);
		else if (strcmp(member->sql_name, name) == 0)
			count++;
	}
	return count;
}

/* An SQL name of two members of a structure; NULL: none. */
static const char *
find_ambiguous(const HlShape *whole, const HlShape *shape)
{
	const char *ambiguous = NULL;

	for (int i = 0; ambiguous == NULL && i < shape->nmembers; i++)
	{
		const HlMember *member = &shape->members[i];

		if (member->sql_name == NULL)
			ambiguous = find_ambiguous(whole, member->shape);
		else if (count_sql_name(whole, member->sql_name) != 1)
			ambiguous = member->sql_name;
	}
	return ambiguous;
}

/* The member of an operation's output that is a stream; NULL if none is. */
static const HlMember *
stream_of(const HlOperation *operation)
{
	for (int i = 0; i < operation->output->nmembers; i++)
		if (operation->output->members[i].shape->stream)
			return &operation->output->members[i];
	return NULL;
}

/* Whether a stream has an event of that name. */
static bool
has_event(const HlMember *stream, const char *name)
{
	return hl_shape_member(stream->shape->element, name, strlen(name)) != NULL;
}

/* The fault of an operation's event stream; NULL: none. */
static const char *
fault_of_stream(const HlOperation *operation)
{
	const HlMember *member = stream_of(operation);
	const HlStream *stream = operation->stream;

	if ((member != NULL) != (stream != NULL))
		return "its event stream is not read, or there is none";
	if (stream == NULL)
		return NULL;
	if (strcmp(member->name, stream->member) != 0 ||
		member->shape->kind != HL_KIND_LIST ||
		member->shape->element->kind != HL_KIND_UNION)
		return "its event stream is elsewhere";
	if (!has_event(member, stream->end) || !has_event(member, stream->failure))
		return "its event stream ends with no event";
	for (const HlEventText *text = stream->told; text->event != NULL; text++)
		if (!has_event(member, text->event))
			return "an event that is told is none";
	for (const char *const *idle = stream->idle; *idle != NULL; idle++)
		if (!has_event(member, *idle))
			return "an event that says nothing is none";
	return NULL;
}

/* The fault of an operation; NULL: none. */
static const char *
fault_of_operation(const HlOperation *operation)
{
	const HlMember *token = hl_operation_token(operation);
	const HlMember *pages =
		operation->pages ? hl_shape_member(operation->output, operation->pages,
										   strlen(operation->pages))
						 : NULL;

	if (hl_operation_find(operation->name) != operation)
		return "another has its name";
	if (!is_identifier(operation->function) ||
		strncmp(operation->function, "healthlake_", 11) != 0)
		return "its function's name is not healthlake_...";
	if (!operation->changes_something && !operation->idempotent)
		return "what only reads can be repeated";
	if (token != NULL && !operation->idempotent)
		return "what has a token can be repeated";
	if (operation->pages != NULL &&
		(pages == NULL || pages->shape->kind != HL_KIND_LIST ||
		 !hl_shape_member(operation->input, "NextToken", 9) ||
		 !hl_shape_member(operation->output, "NextToken", 9)))
		return "its pages cannot be followed";
	if (operation->pages == NULL &&
		hl_shape_member(operation->output, "NextToken", 9) != NULL)
		return "its pages are not followed";
	return fault_of_stream(operation);
}

/* Checks all shapes and operations. */
static int
check(void)
{
	for (int i = 0; i < nshapes; i++)
	{
		const char *fault = fault_of_shape(shapes[i]);

		ok(fault == NULL, "shape %s%s%s", shapes[i]->name, fault ? ": " : "",
		   fault ? fault : "");
	}
	for (int i = 0; i < hl_operations_count; i++)
	{
		const HlOperation *operation = &hl_operations[i];
		const char *fault = fault_of_operation(operation);
		const char *twice = find_ambiguous(operation->input, operation->input);

		ok(fault == NULL, "operation %s%s%s", operation->name,
		   fault ? ": " : "", fault ? fault : "");
		ok(twice == NULL, "%s: each argument is one member%s%s",
		   operation->function, twice ? ": " : "", twice ? twice : "");
		twice = find_ambiguous(operation->output, operation->output);
		ok(twice == NULL, "%s: each column is one member%s%s",
		   operation->function, twice ? ": " : "", twice ? twice : "");
	}
	ok(hl_operation_find("createfhirdatastore") == NULL &&
		   hl_operation_find("") == NULL,
	   "operations are found by their names, letter for letter");
	return tap_end();
}

int
main(int argc, char **argv)
{
	collect_all();
	return argc > 1 && strcmp(argv[1], "--dump") == 0 ? dump() : check();
}
