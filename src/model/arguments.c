/*
 * arguments.c
 *	  Writes SQL arguments as the JSON of a request.
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/json.h"
#include "model/arguments.h"
#include "model/response.h"
#include "server/clock.h"
#include "server/text.h"

/* How many names of constants are kept, and how many entries one may have. */
#define NAMED 64
#define TRIED 8

/* The state of the walk over the shapes of a request. */
typedef struct Binding
{
	const HlArguments *arguments;
	const HlOperation *operation;
	StringInfo json;
} Binding;

/* Keeps the catalog's data of the function in the given memory. */
static HlArguments *
arguments_of_function(const FmgrInfo *flinfo, MemoryContext memory)
{
	MemoryContext caller = MemoryContextSwitchTo(memory);
	HlArguments *arguments = palloc0(sizeof(HlArguments));
	HeapTuple tuple =
		SearchSysCache1(PROCOID, ObjectIdGetDatum(flinfo->fn_oid));
	char *modes;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", flinfo->fn_oid);
	arguments->count =
		get_func_arg_info(tuple, &arguments->types, &arguments->names, &modes);
	arguments->named = palloc0(sizeof(HlArgumentNamed) * NAMED);
	ReleaseSysCache(tuple);
	MemoryContextSwitchTo(caller);
	return arguments;
}

HlArguments *
hl_arguments_read(FunctionCallInfo fcinfo)
{
	HlArguments *arguments = fcinfo->flinfo->fn_extra;

	/*
	 * a set-returning function uses fn_extra itself, and reads the arguments
	 * once
	 */
	if (fcinfo->flinfo->fn_retset)
		arguments = arguments_of_function(fcinfo->flinfo, CurrentMemoryContext);
	else if (arguments == NULL)
		fcinfo->flinfo->fn_extra = arguments =
			arguments_of_function(fcinfo->flinfo, fcinfo->flinfo->fn_mcxt);
	arguments->fcinfo = fcinfo;
	return arguments;
}

/* Compares a name with those of the arguments; -1: it is none of them. */
static int
find_name(const HlArguments *arguments, const char *name)
{
	int count = Min(arguments->count, arguments->fcinfo->nargs);

	for (int i = 0; i < count; i++)
		if (strcmp(arguments->names[i], name) == 0)
			return i;
	return -1;
}

/* The entry of a constant: its own, an unused one, or one to be replaced. */
static HlArgumentNamed *
entry_of(const HlArguments *arguments, const char *name)
{
	uintptr_t first = (uintptr_t) name >> 2;
	HlArgumentNamed *named;

	for (int i = 0; i < TRIED; i++)
	{
		named = &arguments->named[(first + i) % NAMED];
		if (named->name == name || named->name == NULL)
			break;
	}
	return named;
}

/* The position of an argument that is not NULL; -1 if there is none. */
static int
position_of(const HlArguments *arguments, const char *name)
{
	HlArgumentNamed *named;

	if (name == NULL)
		return -1;
	named = entry_of(arguments, name);
	if (named->name != name)
		*named = (HlArgumentNamed){name, find_name(arguments, name)};
	return named->position < 0 ||
				   arguments->fcinfo->args[named->position].isnull
			   ? -1
			   : named->position;
}

const char *
hl_arguments_text(const HlArguments *arguments, const char *name)
{
	int i = position_of(arguments, name);
	Oid output;
	bool varlena;

	if (i < 0)
		return NULL;
	getTypeOutputInfo(arguments->types[i], &output, &varlena);
	return OidOutputFunctionCall(output, arguments->fcinfo->args[i].value);
}

Interval *
hl_arguments_interval(const HlArguments *arguments, const char *name)
{
	int i = position_of(arguments, name);

	if (i < 0 || arguments->types[i] != INTERVALOID)
		return NULL;
	return DatumGetIntervalP(arguments->fcinfo->args[i].value);
}

bool
hl_arguments_value(const HlArguments *arguments, const char *name, Datum *value)
{
	int i = position_of(arguments, name);

	if (i >= 0)
		*value = arguments->fcinfo->args[i].value;
	return i >= 0;
}

char *
hl_arguments_json(const HlArguments *arguments, const char *name,
				  const HlOperation *operation)
{
	Datum value;

	return hl_arguments_value(arguments, name, &value)
			   ? hl_request_text(operation, DatumGetJsonbP(value))
			   : NULL;
}

/* Appends a string in the database's encoding as a JSON string. */
static void
append_text(StringInfo json, const char *text, int len)
{
	char *utf8 = hl_text_to_utf8(text, len);
	HlBytes bytes = {0};

	hl_json_append_string(&bytes, utf8, strlen(utf8));
	appendStringInfoString(json, hl_text_take(&bytes));
	pfree(utf8);
}

/* Appends a text[] as a list of strings; NULL elements become null. */
static void
append_text_array(StringInfo json, ArrayType *array)
{
	Datum *elements;
	bool *nulls;
	int count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &count);
	appendStringInfoChar(json, '[');
	for (int i = 0; i < count; i++)
	{
		text *element = nulls[i] ? NULL : DatumGetTextPP(elements[i]);

		if (i > 0)
			appendStringInfoChar(json, ',');
		if (element == NULL)
			appendStringInfoString(json, "null");
		else
			append_text(json, VARDATA_ANY(element), VARSIZE_ANY_EXHDR(element));
	}
	appendStringInfoChar(json, ']');
}

/* Appends a timestamp as seconds since 1970. */
static void
append_timestamp(StringInfo json, TimestampTz value, const char *argument)
{
	int64 milliseconds;
	int64 epoch = HL_CLOCK_EPOCH_SHIFT / 1000;

	if (TIMESTAMP_NOT_FINITE(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a finite time", argument)));
	milliseconds = value / 1000 - (value % 1000 < 0 ? 1 : 0) + epoch;
	appendStringInfo(json, "%s" INT64_FORMAT ".%03d",
					 milliseconds < 0 ? "-" : "",
					 (int64) (llabs(milliseconds) / 1000),
					 (int) (llabs(milliseconds) % 1000));
}

/* Appends an object of tags as AWS's list of keys and values. */
static void
append_tag_list(HlBytes *bytes, const HlJson *object)
{
	HlJsonEach each = hl_json_each(object);
	const HlJson *value;

	hl_bytes_append_char(bytes, '[');
	while ((value = hl_json_step(&each)) != NULL)
	{
		hl_bytes_append_string(bytes, bytes->len == 1 ? "" : ",");
		hl_bytes_append_string(bytes, "{\"Key\":");
		hl_json_append_string(bytes, each.name, each.name_len);
		hl_bytes_append_string(bytes, ",\"Value\":");
		hl_json_append_node(bytes, value);
		hl_bytes_append_char(bytes, '}');
	}
	hl_bytes_append_char(bytes, ']');
}

/* Whether each element of a list is an object with a string "Key". */
static bool
has_keys(const HlJson *list)
{
	HlJsonEach each = hl_json_each(list);
	const HlJson *tag;

	while ((tag = hl_json_step(&each)) != NULL)
		if (hl_json_kind(hl_json_member(tag, "Key")) != HL_JSON_STRING)
			return false;
	return true;
}

/* Appends a list of keys and values as an object. */
static void
append_tag_map(HlBytes *bytes, const HlJson *list)
{
	HlJsonEach each = hl_json_each(list);
	const HlJson *tag;

	hl_bytes_append_char(bytes, '{');
	while ((tag = hl_json_step(&each)) != NULL)
	{
		const HlJson *key = hl_json_member(tag, "Key");

		hl_bytes_append_string(bytes, bytes->len == 1 ? "" : ",");
		hl_json_append_string(bytes, hl_json_string(key), hl_json_len(key));
		hl_bytes_append_char(bytes, ':');
		hl_json_append_node(bytes, hl_json_member(tag, "Value"));
	}
	hl_bytes_append_char(bytes, '}');
}

/* Appends jsonb, with tags in the notation of the member. */
static void
append_jsonb(const Binding *binding, Jsonb *value, const HlMember *member)
{
	char *utf8 = hl_request_text(binding->operation, value);
	const HlJson *tags = NULL;
	HlBytes bytes = {0};

	if (member->form == HL_FORM_TAGS)
		tags = hl_response_read(utf8);
	if (tags != NULL && member->shape->kind == HL_KIND_LIST &&
		JB_ROOT_IS_OBJECT(value))
		append_tag_list(&bytes, tags);
	else if (tags != NULL && member->shape->kind == HL_KIND_MAP &&
			 JB_ROOT_IS_ARRAY(value) && !JB_ROOT_IS_SCALAR(value) &&
			 has_keys(tags))
		append_tag_map(&bytes, tags);
	else
	{
		appendStringInfoString(binding->json, utf8);
		return;
	}
	appendStringInfoString(binding->json, hl_text_take(&bytes));
}

/* Appends the value of an argument as JSON by its SQL type. */
static void
append_argument(const Binding *binding, int i, const HlMember *member)
{
	const HlArguments *arguments = binding->arguments;
	Datum value = arguments->fcinfo->args[i].value;
	text *string;

	switch (arguments->types[i])
	{
		case TEXTOID:
			string = DatumGetTextPP(value);
			append_text(binding->json, VARDATA_ANY(string),
						VARSIZE_ANY_EXHDR(string));
			break;
		case BOOLOID:
			appendStringInfoString(binding->json,
								   DatumGetBool(value) ? "true" : "false");
			break;
		case INT4OID:
			appendStringInfo(binding->json, "%d", DatumGetInt32(value));
			break;
		case INT8OID:
			appendStringInfo(binding->json, INT64_FORMAT, DatumGetInt64(value));
			break;
		case TIMESTAMPTZOID:
			append_timestamp(binding->json, DatumGetTimestampTz(value),
							 arguments->names[i]);
			break;
		case TEXTARRAYOID:
			append_text_array(binding->json, DatumGetArrayTypeP(value));
			break;
		case JSONBOID:
			append_jsonb(binding, DatumGetJsonbP(value), member);
			break;
		default:
			elog(ERROR, "argument \"%s\" has a type that is not supported",
				 arguments->names[i]);
	}
}

/* Whether an argument is given for the member or for one below it. */
static bool
is_given(const Binding *binding, const HlMember *member)
{
	if (member->sql_name != NULL)
		return position_of(binding->arguments, member->sql_name) >= 0;
	if (member->shape->kind != HL_KIND_STRUCTURE &&
		member->shape->kind != HL_KIND_UNION)
		return false;
	for (int i = 0; i < member->shape->nmembers; i++)
		if (is_given(binding, &member->shape->members[i]))
			return true;
	return false;
}

/* Whether a structure is valid without members. */
static bool
can_be_empty(const HlShape *shape)
{
	if (shape->kind == HL_KIND_UNION)
		return shape->nmembers == 1 && can_be_empty(shape->members[0].shape);
	if (shape->kind != HL_KIND_STRUCTURE)
		return false;
	for (int i = 0; i < shape->nmembers; i++)
		if (shape->members[i].required)
			return false;
	return true;
}

/* Finds the member that implies a value of its sibling. */
static const HlMember *
implied_by(const HlShape *shape, const HlMember *member)
{
	for (int i = 0; member->implied != NULL && i < shape->nmembers; i++)
		if (strcmp(shape->members[i].name, member->implied_by) == 0)
			return &shape->members[i];
	return NULL;
}

/* Refuses an implied value without the member that implies it. */
static void
refuse_implied_alone(const Binding *binding, const HlShape *shape,
					 const HlMember *member)
{
	const HlMember *sibling = implied_by(shape, member);
	const char *value;

	if (sibling == NULL || is_given(binding, sibling))
		return;
	value = hl_arguments_text(binding->arguments, member->sql_name);
	if (value != NULL && strcmp(value, member->implied) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null when \"%s\" is %s",
						sibling->sql_name, member->sql_name, value)));
}

static void append_structure(const Binding *binding, const HlShape *shape);

static void
append_name(const Binding *binding, const HlMember *member,
			const char *separator)
{
	appendStringInfoString(binding->json, separator);
	appendStringInfoChar(binding->json, '"');
	appendStringInfoString(binding->json, member->name);
	appendStringInfoString(binding->json, "\":");
}

/*
 * Appends an implied value, or an empty structure, for a member without an
 * argument; false if neither applies.
 */
static bool
append_unasked(const Binding *binding, const HlShape *shape,
			   const HlMember *member, const char *separator)
{
	const HlMember *sibling = implied_by(shape, member);

	if (sibling != NULL && is_given(binding, sibling))
	{
		append_name(binding, member, separator);
		appendStringInfo(binding->json, "\"%s\"", member->implied);
		return true;
	}
	if (member->sql_name != NULL || !can_be_empty(member->shape) ||
		!(member->required || shape->kind == HL_KIND_UNION))
		return false;
	append_name(binding, member, separator);
	append_structure(binding, member->shape);
	return true;
}

/* Appends a structure with the members whose arguments are given. */
static void
append_structure(const Binding *binding, const HlShape *shape)
{
	const char *separator = "";

	appendStringInfoChar(binding->json, '{');
	for (int i = 0; i < shape->nmembers; i++)
	{
		const HlMember *member = &shape->members[i];

		refuse_implied_alone(binding, shape, member);
		if (!is_given(binding, member))
		{
			if (append_unasked(binding, shape, member, separator))
				separator = ",";
			continue;
		}
		append_name(binding, member, separator);
		separator = ",";
		if (member->sql_name != NULL)
			append_argument(binding,
							position_of(binding->arguments, member->sql_name),
							member);
		else
			append_structure(binding, member->shape);
	}
	appendStringInfoChar(binding->json, '}');
}

/*
 * An uncast literal is passed as "name", not as the request in jsonb: without
 * this check its text would become the name of a data store.
 */
static void
refuse_name(const HlArguments *arguments)
{
	const char *name = hl_arguments_text(arguments, "name");

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", "name"),
						errhint("To create a data store without a name, pass a "
								"request in jsonb.")));
	while (isspace((unsigned char) *name))
		name++;
	if (*name == '{' || *name == '[')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" looks like a request in JSON", "name"),
				 errhint("Write the literal with ::jsonb, or as "
						 "request => '...'.")));
}

char *
hl_arguments_request(const HlArguments *arguments, const HlOperation *operation)
{
	StringInfoData json;
	Binding binding = {arguments, operation, &json};

	if (operation->creates != NULL)
		refuse_name(arguments);
	initStringInfo(&json);
	append_structure(&binding, operation->input);
	return json.data;
}

HlRequest *
hl_arguments_make(const HlArguments *arguments, const HlOperation *operation)
{
	const char *more = hl_arguments_json(arguments, "more", operation);

	return hl_request_make(
		operation, hl_arguments_request(arguments, operation), more, true);
}
