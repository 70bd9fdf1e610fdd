/*
 * cast.c
 *	  Items as SQL values.
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "fhirpath/cast.h"
#include "fhirpath/number.h"

#define NO_TYPMOD (-1)

/* FHIR's types that are not text, and those of FHIRPath. */
static const struct
{
	const char *name;
	Oid oid;
} fhir_types[] = {
	{"boolean", BOOLOID},         {"integer", INT4OID},
	{"positiveInt", INT4OID},     {"unsignedInt", INT4OID},
	{"integer64", INT8OID},       {"decimal", NUMERICOID},
	{"instant", TIMESTAMPTZOID},  {"System.Boolean", BOOLOID},
	{"System.Integer", INT4OID},  {"System.Decimal", NUMERICOID},
	{"System.String", TEXTOID},   {"System.Date", TEXTOID},
	{"System.DateTime", TEXTOID}, {"System.Time", TEXTOID},
};

/* What an ansi/type tag may say; the number of its arguments at most. */
static const struct
{
	const char *name;
	Oid oid;
	int arguments;
} tag_types[] = {
	{"BIGINT", INT8OID, 0},
	{"BOOLEAN", BOOLOID, 0},
	{"CHAR VARYING", VARCHAROID, 1},
	{"CHAR", BPCHAROID, 1},
	{"CHARACTER LARGE OBJECT", TEXTOID, 0},
	{"CHARACTER VARYING", VARCHAROID, 1},
	{"CHARACTER", BPCHAROID, 1},
	{"CLOB", TEXTOID, 0},
	{"DATE", DATEOID, 0},
	{"DEC", NUMERICOID, 2},
	{"DECIMAL", NUMERICOID, 2},
	{"DOUBLE PRECISION", FLOAT8OID, 0},
	{"FLOAT", FLOAT8OID, 0},
	{"INT", INT4OID, 0},
	{"INTEGER", INT4OID, 0},
	{"NUMERIC", NUMERICOID, 2},
	{"REAL", FLOAT4OID, 0},
	{"SMALLINT", INT2OID, 0},
	{"TEXT", TEXTOID, 0},
	{"TIME WITHOUT TIME ZONE", TIMEOID, 0},
	{"TIME", TIMEOID, 0},
	{"TIMESTAMP WITH TIME ZONE", TIMESTAMPTZOID, 0},
	{"TIMESTAMP WITHOUT TIME ZONE", TIMESTAMPOID, 0},
	{"TIMESTAMP", TIMESTAMPOID, 0},
	{"VARCHAR", VARCHAROID, 1},
};

/* The SQL type of a FHIR type, by its name or URI. */
HlSqlType
hl_cast_type_of(const char *name, int len)
{
	HlSqlType type = {TEXTOID, NO_TYPMOD};
	const char *slash = memrchr(name, '/', len);

	if (slash != NULL)
	{
		len -= (int) (slash + 1 - name);
		name = slash + 1;
	}
	for (int i = 0; i < (int) lengthof(fhir_types); i++)
		if (strncmp(fhir_types[i].name, name, len) == 0 &&
			fhir_types[i].name[len] == '\0')
		{
			type.oid = fhir_types[i].oid;
			return type;
		}
	if (len > 0 && name[0] >= 'A' && name[0] <= 'Z')
		type.oid = JSONBOID;
	return type;
}

/* Reads the arguments of a tag's type, "(10, 2)"; false if they are none. */
static bool
read_arguments(const char *text, int *arguments, int *count)
{
	*count = 0;
	if (*text == '\0')
		return true;
	do
	{
		char *end;
		long value = strtol(text + 1, &end, 10);

		if (*count == 2 || end == text + 1 || value < 0 || value > 10485760)
			return false;
		arguments[(*count)++] = (int) value;
		text = end + strspn(end, " ");
	} while (*text == ',');
	return text[0] == ')' && text[1] == '\0';
}

/* The typmod that a type has with arguments; false if it has none. */
static bool
set_typmod(HlSqlType *type, const int *arguments, int count)
{
	type->typmod = NO_TYPMOD;
	if (type->oid == BPCHAROID && count == 0)
		type->typmod = 1 + VARHDRSZ; /* CHAR is CHAR(1) */
	if (count == 0)
		return true;
	if (type->oid != NUMERICOID)
	{
		type->typmod = arguments[0] + VARHDRSZ;
		return arguments[0] > 0;
	}
	type->typmod =
		((arguments[0] << 16) | (count > 1 ? arguments[1] : 0)) + VARHDRSZ;
	return arguments[0] > 0 && arguments[0] <= 1000 &&
		   (count == 1 || arguments[1] <= arguments[0]);
}

/* The SQL type that an ansi/type tag names; false if it is none of ours. */
bool
hl_cast_type_of_tag(const char *tag, int len, HlSqlType *type)
{
	char name[64];
	int arguments[2], count, n = 0;
	char *rest;

	for (int i = 0; i < len; i++)
	{
		char c = tag[i] == '\t' ? ' ' : pg_ascii_toupper(tag[i]);

		if (n == sizeof(name) - 1)
			return false;
		if (c != ' ' || (n > 0 && name[n - 1] != ' '))
			name[n++] = c;
	}
	while (n > 0 && name[n - 1] == ' ')
		n--;
	name[n] = '\0';
	rest = name + strcspn(name, "(");
	if (!read_arguments(rest, arguments, &count))
		return false;
	while (rest > name && rest[-1] == ' ')
		rest--;
	for (int i = 0; i < (int) lengthof(tag_types); i++)
		if (strlen(tag_types[i].name) == (size_t) (rest - name) &&
			memcmp(tag_types[i].name, name, rest - name) == 0)
		{
			type->oid = tag_types[i].oid;
			return count <= tag_types[i].arguments &&
				   set_typmod(type, arguments, count);
		}
	return false;
}

/* A text, varchar or bpchar; too long is NULL. */
static bool
cast_text(const HlItem *item, HlSqlType type, Datum *value)
{
	const char *text;
	int len;

	if (hl_item_is_text(item))
	{
		text = item->value.val.string.val;
		len = item->value.val.string.len;
	}
	else
	{
		text = hl_item_to_text(item);
		if (text == NULL)
			return false;
		len = (int) strlen(text);
	}
	if (type.typmod >= VARHDRSZ &&
		pg_mbstrlen_with_len(text, len) > type.typmod - VARHDRSZ)
		return false;
	*value = PointerGetDatum(cstring_to_text_with_len(text, len));
	if (type.oid == BPCHAROID)
		*value = DirectFunctionCall3(bpchar, *value, Int32GetDatum(type.typmod),
									 BoolGetDatum(true));
	return true;
}

/*
 * A bigint of the full range, which hl_number_to_int64() does not have. FHIR's
 * JSON writes an integer64 as a string.
 */
static bool
cast_bigint(const HlItem *item, Datum *value)
{
	Numeric number = NULL;
	int64 whole;
	char *text;

	if (item->kind == HL_KIND_NUMBER)
		number = item->value.val.numeric;
	else if (item->kind == HL_KIND_STRING)
		number = hl_number_read(item->value.val.string.val,
								item->value.val.string.len);
	if (number == NULL || !hl_number_is_whole(number))
		return false;
	text = DatumGetCString(DirectFunctionCall1(
		numeric_out, DirectFunctionCall2(numeric_trunc, NumericGetDatum(number),
										 Int32GetDatum(0))));
	errno = 0;
	whole = strtoll(text, NULL, 10);
	*value = Int64GetDatum(whole);
	return errno == 0;
}

/* A whole number within bounds. */
static bool
cast_integer(const HlItem *item, Oid type, Datum *value)
{
	int64 number;

	if (type == INT8OID)
		return cast_bigint(item, value);
	if (item->kind != HL_KIND_NUMBER)
		return false;
	if (!hl_number_to_int64(item->value.val.numeric, &number))
		return false;
	if (type == INT2OID)
	{
		*value = Int16GetDatum((int16) number);
		return number >= PG_INT16_MIN && number <= PG_INT16_MAX;
	}
	*value = Int32GetDatum((int32) number);
	return number >= PG_INT32_MIN && number <= PG_INT32_MAX;
}

/* A numeric, rounded to its typmod; NULL if that is too small. */
static bool
cast_numeric(const HlItem *item, int32 typmod, Datum *value)
{
	int precision, scale;
	char bound[1024];
	Datum absolute;

	if (item->kind != HL_KIND_NUMBER)
		return false;
	*value = NumericGetDatum(item->value.val.numeric);
	if (typmod == NO_TYPMOD)
	{
		*value = datumCopy(*value, false, -1);
		return true;
	}
	precision = (typmod - VARHDRSZ) >> 16;
	scale = (typmod - VARHDRSZ) & 0xffff;
	*value = NumericGetDatum(hl_number_round(item->value.val.numeric, scale));
	snprintf(bound, sizeof(bound), "1e%d", precision - scale);
	absolute = DirectFunctionCall1(numeric_abs, *value);
	return DatumGetBool(DirectFunctionCall2(
		numeric_lt, absolute,
		DirectFunctionCall3(numeric_in, CStringGetDatum(bound),
							ObjectIdGetDatum(InvalidOid),
							Int32GetDatum(NO_TYPMOD))));
}

/* A float; out of range is NULL. */
static bool
cast_float(const HlItem *item, Oid type, Datum *value)
{
	double number;

	if (item->kind != HL_KIND_NUMBER)
		return false;
	number = DatumGetFloat8(DirectFunctionCall1(
		numeric_float8_no_overflow, NumericGetDatum(item->value.val.numeric)));
	if (type == FLOAT8OID)
	{
		*value = Float8GetDatum(number);
		return !isinf(number);
	}
	*value = Float4GetDatum((float4) number);
	return !isinf((float4) number);
}

/* A date, timestamp or time; a partial one is NULL. */
static bool
cast_moment(const HlItem *item, Oid type, Datum *value)
{
	HlItem as = *item;
	HlMoment moment;
	DateADT date;
	Timestamp stamp;
	TimeADT time;

	if (type == TIMEOID && item->kind == HL_KIND_STRING)
		as.kind = HL_KIND_TIME;
	if (!hl_item_moment(&as, &moment))
		return false;
	switch (type)
	{
		case DATEOID:
			if (!hl_moment_to_date(&moment, &date))
				return false;
			*value = DateADTGetDatum(date);
			return true;
		case TIMEOID:
			if (!hl_moment_to_time(&moment, &time))
				return false;
			*value = TimeADTGetDatum(time);
			return true;
		default:
			if (!hl_moment_to_timestamp(&moment, &stamp))
				return false;
			*value = TimestampGetDatum(stamp);
			return true;
	}
}

/* An item as a value of a type; false if it is NULL. */
bool
hl_cast_item(const HlItem *item, HlSqlType type, Datum *value)
{
	if (item->kind == HL_KIND_NOTHING)
		return false;
	switch (type.oid)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return cast_text(item, type, value);
		case BOOLOID:
			*value = BoolGetDatum(item->kind == HL_KIND_BOOLEAN &&
								  item->value.val.boolean);
			return item->kind == HL_KIND_BOOLEAN;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return cast_integer(item, type.oid, value);
		case NUMERICOID:
			return cast_numeric(item, type.typmod, value);
		case FLOAT4OID:
		case FLOAT8OID:
			return cast_float(item, type.oid, value);
		case JSONBOID:
			*value = JsonbPGetDatum(hl_item_to_jsonb(item));
			return true;
		default:
			return cast_moment(item, type.oid, value);
	}
}

/* The type of arrays of a type. */
Oid
hl_cast_array_of(Oid type)
{
	return get_array_type(type);
}

/* An array of a collection's items; those that cannot be cast are NULL. */
Datum
hl_cast_array(const HlItems *items, HlSqlType type)
{
	Datum *values = palloc(Max(items->count, 1) * sizeof(Datum));
	bool *nulls = palloc(Max(items->count, 1) * sizeof(bool));
	int dims[1] = {items->count}, bounds[1] = {1};
	int16 len;
	bool by_value;
	char align;

	get_typlenbyvalalign(type.oid, &len, &by_value, &align);
	for (int i = 0; i < items->count; i++)
		nulls[i] = !hl_cast_item(&items->items[i], type, &values[i]);
	if (items->count == 0)
		return PointerGetDatum(construct_empty_array(type.oid));
	return PointerGetDatum(construct_md_array(values, nulls, 1, dims, bounds,
											  type.oid, len, by_value, align));
}
