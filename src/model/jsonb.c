/*
 * jsonb.c
 *	  Converts parsed JSON to jsonb.
 *
 * The results and errors are those of jsonb's input function for the same
 * text, which need not be written and parsed again.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "model/jsonb.h"
#include "server/jsonb_builder.h"

/* A string in the database's encoding; it may point into the document. */
static void
set_string(JsonbValue *value, const char *utf8, size_t len)
{
	char *string = pg_any_to_server(utf8, (int) len, PG_UTF8);

	value->type = jbvString;
	value->val.string.val = string;
	value->val.string.len = string == utf8 ? (int) len : (int) strlen(string);
	if (value->val.string.len > JENTRY_OFFLENMASK)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("string too long to represent as jsonb string"),
						errdetail("Due to an implementation restriction, "
								  "jsonb strings cannot exceed %d bytes.",
								  JENTRY_OFFLENMASK)));
}

/* A number, which numeric parses as it was written. */
static void
set_number(JsonbValue *value, const char *text)
{
	value->type = jbvNumeric;
	value->val.numeric = DatumGetNumeric(
		DirectFunctionCall3(numeric_in, CStringGetDatum(text),
							ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

static void
set_scalar(JsonbValue *value, const HlJson *node)
{
	switch (hl_json_kind(node))
	{
		case HL_JSON_STRING:
			set_string(value, hl_json_string(node), hl_json_len(node));
			break;
		case HL_JSON_NUMBER:
			set_number(value, hl_json_string(node));
			break;
		case HL_JSON_TRUE:
		case HL_JSON_FALSE:
			value->type = jbvBool;
			value->val.boolean = hl_json_kind(node) == HL_JSON_TRUE;
			break;
		default:
			value->type = jbvNull;
	}
}

/* Adds a node as an element or a value, with everything in it. */
static void
push(HlJsonbBuilder *builder, JsonbIteratorToken place, const HlJson *node)
{
	bool object = hl_json_kind(node) == HL_JSON_OBJECT;
	HlJsonEach each = hl_json_each(node);
	const HlJson *value;
	JsonbValue pushed;

	if (!object && hl_json_kind(node) != HL_JSON_ARRAY)
	{
		set_scalar(&pushed, node);
		hl_jsonb_push(builder, place, &pushed);
		return;
	}
	check_stack_depth();
	hl_jsonb_push(builder, object ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY, NULL);
	while ((value = hl_json_step(&each)) != NULL)
	{
		if (object)
		{
			set_string(&pushed, each.name, each.name_len);
			hl_jsonb_push(builder, WJB_KEY, &pushed);
		}
		push(builder, object ? WJB_VALUE : WJB_ELEM, value);
	}
	hl_jsonb_push(builder, object ? WJB_END_OBJECT : WJB_END_ARRAY, NULL);
}

Datum
hl_jsonb_of(const HlJson *node)
{
	HlJsonbBuilder builder = {0};
	JsonbValue scalar;

	if (hl_json_kind(node) == HL_JSON_OBJECT ||
		hl_json_kind(node) == HL_JSON_ARRAY)
	{
		push(&builder, WJB_ELEM, node);
		return JsonbPGetDatum(JsonbValueToJsonb(builder.result));
	}
	set_scalar(&scalar, node);
	return JsonbPGetDatum(JsonbValueToJsonb(&scalar));
}
