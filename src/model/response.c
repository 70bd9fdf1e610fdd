/*
 * response.c
 *	  From the JSON of a reply to SQL values.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "aws/protocol.h"
#include "model/fhir_operations.h"
#include "model/jsonb.h"
#include "model/response.h"
#include "server/clock.h"
#include "server/owned.h"
#include "server/text.h"

#define MASK "****************"

/* Finds the value of the member with that SQL name, at any depth. */
static const HlJson *
value_of(const HlShape *shape, const HlJson *node, const char *name,
		 const HlShape **found)
{
	for (int i = 0; i < shape->nmembers; i++)
	{
		const HlMember *member = &shape->members[i];
		const HlJson *value = hl_json_member(node, member->name);

		if (member->sql_name != NULL && strcmp(member->sql_name, name) == 0)
		{
			*found = member->shape;
			return value;
		}
		if (member->sql_name == NULL &&
			(member->shape->kind == HL_KIND_STRUCTURE ||
			 member->shape->kind == HL_KIND_UNION))
			value = value_of(member->shape, value, name, found);
		else
			continue;
		if (*found != NULL)
			return value;
	}
	return NULL;
}

const char *
hl_response_string(const HlShape *shape, const HlJson *reply, const char *name)
{
	const HlShape *found = NULL;
	const HlJson *value = value_of(shape, reply, name, &found);

	return hl_json_kind(value) == HL_JSON_STRING ? hl_json_string(value) : NULL;
}

bool
hl_response_int64(const HlShape *shape, const HlJson *reply, const char *name,
				  int64_t *value)
{
	const HlShape *found = NULL;

	return hl_json_int64(value_of(shape, reply, name, &found), value);
}

const char *
hl_response_text(const HlShape *shape, const HlJson *reply, const char *name)
{
	const HlShape *found = NULL;
	const HlJson *value = value_of(shape, reply, name, &found);
	HlBytes bytes = {0};
	const char *text;

	if (hl_json_kind(value) == HL_JSON_NULL)
		return NULL;
	if (hl_json_kind(value) == HL_JSON_STRING)
		return hl_json_string(value);
	hl_json_append_node(&bytes, value);
	text = hl_text_take(&bytes);
	return text;
}

/* A document that is freed with the memory context. */
typedef struct ReadHere
{
	HlJsonDocument document;
} ReadHere;

static void
read_here_free(void *argument)
{
	hl_json_free(&((ReadHere *) argument)->document);
}

const HlJson *
hl_response_read(const char *utf8)
{
	ReadHere *here = hl_owned_create(sizeof(ReadHere), read_here_free);

	if (!hl_json_read(&here->document, utf8, strlen(utf8)))
		hl_text_refuse_memory(here->document.fault == HL_JSON_NO_MEMORY);
	return here->document.root;
}

/* Whether a text has the form of FHIR's type id (FHIR R4, Data Types). */
static bool
is_resource_id(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
							  "wxyz0123456789-.");

	return len > 0 && len <= 64 && text[len] == '\0';
}

const char *
hl_response_id(const HlShape *shape, const HlJson *reply)
{
	static const char *const names[] = {"id", "job_id", "profile_id"};

	const char *id = NULL;

	for (size_t i = 0; id == NULL && i < lengthof(names); i++)
		id = hl_response_string(shape, reply, names[i]);
	/* ids are logged; other text of a resource may be personal data */
	if (id != NULL &&
		shape == hl_fhir_operations[HL_FHIR_READ_RESOURCE].output &&
		!is_resource_id(id))
		return NULL;
	return id;
}

Datum
hl_response_jsonb(const char *utf8)
{
	char *text = hl_text_value_from_utf8(utf8, (int) strlen(utf8));

	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
}

Datum
hl_response_convert(HlConversion convert, const void *argument, int *sqlstate)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile Datum result = (Datum) 0;

	*sqlstate = 0;
	PG_TRY();
	{
		result = convert(argument);
	}
	PG_CATCH();
	{
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION &&
			ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		*sqlstate = geterrcode();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
	}
	PG_END_TRY();
	return result;
}

static Datum
convert_text(const void *utf8)
{
	return hl_response_jsonb(utf8);
}

static Datum
convert_node(const void *node)
{
	return hl_jsonb_of(node);
}

Datum
hl_response_jsonb_if_fit(const char *utf8, bool *isnull)
{
	int sqlstate;
	Datum result;

	*isnull = utf8 == NULL;
	if (*isnull)
		return (Datum) 0;
	result = hl_response_convert(convert_text, utf8, &sqlstate);
	*isnull = sqlstate != 0;
	return result;
}

/* Appends a value without the members that the model marks as sensitive. */
static void
append_masked(HlBytes *bytes, const HlShape *shape, const HlJson *node,
			  bool *has_sensitive)
{
	HlJsonEach each = hl_json_each(node);
	HlJsonKind kind = hl_json_kind(node);
	const HlJson *value;
	const char *separator = "";

	if (shape != NULL && shape->sensitive && kind != HL_JSON_NULL)
	{
		hl_json_append_string(bytes, MASK, strlen(MASK));
		*has_sensitive = true;
		return;
	}
	if (kind != HL_JSON_OBJECT && kind != HL_JSON_ARRAY)
	{
		hl_json_append_node(bytes, node);
		return;
	}
	hl_bytes_append_char(bytes, kind == HL_JSON_OBJECT ? '{' : '[');
	while ((value = hl_json_step(&each)) != NULL)
	{
		const HlMember *member = NULL;

		hl_bytes_append_string(bytes, separator);
		separator = ",";
		if (kind == HL_JSON_OBJECT)
		{
			hl_json_append_string(bytes, each.name, each.name_len);
			hl_bytes_append_char(bytes, ':');
		}
		if (kind == HL_JSON_OBJECT && shape != NULL && shape->nmembers > 0)
			member = hl_shape_member(shape, each.name, each.name_len);
		append_masked(bytes,
					  member != NULL  ? member->shape
					  : shape != NULL ? shape->element
									  : NULL,
					  value, has_sensitive);
	}
	hl_bytes_append_char(bytes, kind == HL_JSON_OBJECT ? '}' : ']');
}

void
hl_response_append_masked(HlBytes *bytes, const HlShape *shape,
						  const HlJson *node)
{
	bool found = false;

	append_masked(bytes, shape, node, &found);
}

char *
hl_response_masked(const HlShape *shape, const HlJson *node,
				   bool *has_sensitive)
{
	HlBytes bytes = {0};
	bool found = false;
	char *json;

	append_masked(&bytes, shape, node, &found);
	json = hl_text_take(&bytes);
	if (has_sensitive != NULL)
		*has_sensitive = found;
	return json;
}

/* The text of a node: the string itself, or its JSON. */
static char *
node_text(const HlJson *node)
{
	HlBytes bytes = {0};
	char *text;

	if (hl_json_kind(node) == HL_JSON_STRING ||
		hl_json_kind(node) == HL_JSON_NUMBER)
		return hl_text_value_from_utf8(hl_json_string(node),
									   (int) hl_json_len(node));
	hl_json_append_node(&bytes, node);
	text = hl_text_take(&bytes);
	return hl_text_value_from_utf8(text, (int) strlen(text));
}

Datum
hl_response_whole(const HlJson *reply)
{
	return hl_jsonb_of(reply);
}

Datum
hl_response_whole_if_fit(const HlJson *reply, int *sqlstate)
{
	return hl_response_convert(convert_node, reply, sqlstate);
}

static Datum
node_text_array(const HlJson *node)
{
	int count = (int) hl_json_len(node);
	Datum *elements = palloc0(sizeof(Datum) * (count + 1));
	bool *nulls = palloc0(sizeof(bool) * (count + 1));
	HlJsonEach each = hl_json_each(node);
	const HlJson *element;
	int dimensions[] = {count};
	int bounds[] = {1};

	for (int i = 0; (element = hl_json_step(&each)) != NULL; i++)
	{
		nulls[i] = hl_json_kind(element) == HL_JSON_NULL;
		if (!nulls[i])
			elements[i] = CStringGetTextDatum(node_text(element));
	}
	if (count == 0)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	return PointerGetDatum(construct_md_array(elements, nulls, 1, dimensions,
											  bounds, TEXTOID, -1, false,
											  TYPALIGN_INT));
}

/* A node as jsonb; a string that contains JSON becomes that JSON. */
static Datum
node_jsonb(const HlJson *node)
{
	if (hl_json_kind(node) != HL_JSON_STRING ||
		hl_response_read(hl_json_string(node)) == NULL)
		return hl_response_whole(node);
	return hl_response_jsonb(hl_json_string(node));
}

/* A node as timestamptz; null if it is out of range. */
static Datum
node_timestamp(const HlJson *node, bool *null)
{
	int64_t micros = 0;

	*null = !hl_protocol_timestamp(node, &micros) ||
			!IS_VALID_TIMESTAMP((Timestamp) micros - HL_CLOCK_EPOCH_SHIFT);
	return TimestampTzGetDatum((TimestampTz) micros - HL_CLOCK_EPOCH_SHIFT);
}

/* A node as a value of the column's type; null if that is not possible. */
static Datum
node_value(const HlJson *node, Oid type, bool *null)
{
	int64 number = 0;
	double real = 0;

	*null = hl_json_kind(node) == HL_JSON_NULL;
	if (*null)
		return (Datum) 0;
	switch (type)
	{
		case TEXTOID:
			return CStringGetTextDatum(node_text(node));
		case BOOLOID:
			return BoolGetDatum(hl_json_kind(node) == HL_JSON_TRUE);
		case INT4OID:
			*null = !hl_json_int64(node, &number) || number > PG_INT32_MAX ||
					number < PG_INT32_MIN;
			return Int32GetDatum((int32) number);
		case INT8OID:
			*null = !hl_json_int64(node, &number);
			return Int64GetDatum(number);
		case FLOAT8OID:
			*null = !hl_json_double(node, &real);
			return Float8GetDatum(real);
		case TIMESTAMPTZOID:
			return node_timestamp(node, null);
		case TEXTARRAYOID:
			return node_text_array(node);
		case JSONBOID:
			return node_jsonb(node);
		default:
			elog(ERROR, "column type %u is not supported", type);
	}
}

/*
 * The part of a reply that becomes a row: describing operations wrap it in one
 * structure, listing ones return it directly. A reply with other members
 * beside that structure is used as a whole, so that nothing is lost.
 */
static const HlJson *
innermost(const HlShape *shape, const HlJson *reply)
{
	const HlMember *only = shape->nmembers == 1 ? &shape->members[0] : NULL;

	if (only == NULL || only->shape->kind != HL_KIND_STRUCTURE ||
		hl_json_len(reply) != 1)
		return reply;
	return hl_json_member(reply, only->name);
}

void
hl_response_columns(TupleDesc desc, const HlShape *shape, const HlJson *reply,
					Datum *values, bool *nulls)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		const HlShape *found = NULL;
		const HlJson *value =
			value_of(shape, reply, NameStr(column->attname), &found);

		if (strcmp(NameStr(column->attname), "properties") == 0)
			value = innermost(shape, reply);
		values[i] = node_value(value, column->atttypid, &nulls[i]);
	}
}

Datum
hl_response_row(FunctionCallInfo fcinfo, const HlShape *shape,
				const HlJson *reply)
{
	TupleDesc desc;
	Datum *values;
	bool *nulls;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values = palloc0(sizeof(Datum) * desc->natts);
	nulls = palloc0(sizeof(bool) * desc->natts);
	hl_response_columns(desc, shape, reply, values, nulls);
	return HeapTupleGetDatum(
		heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
