/*
 * cast.c
 *	  Converts items to SQL values.
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
#include "utils/float.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "fhirpath/cast.h"
#include "fhirpath/number.h"

#define NO_TYPMOD (-1)

/* The types of FHIR and FHIRPath that are not text in SQL. */
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

/*
 * The types of an ansi/type tag, and the maximum number of their arguments.
 * Those without an OID are known, but not supported. Binary types are text, as
 * base64Binary is: what is read is its form in base64.
 */
static const struct
{
	const char *name;
	Oid oid;
	int arguments;
} tag_types[] = {
	{"ARRAY", InvalidOid, 2},
	{"BIGINT", INT8OID, 0},
	{"BINARY LARGE OBJECT", BYTEAOID, 1},
	{"BINARY VARYING", BYTEAOID, 1},
	{"BINARY", BYTEAOID, 1},
	{"BLOB", BYTEAOID, 1},
	{"BOOLEAN", BOOLOID, 0},
	{"CHAR LARGE OBJECT", TEXTOID, 1},
	{"CHAR VARYING", VARCHAROID, 1},
	{"CHAR", BPCHAROID, 1},
	{"CHARACTER LARGE OBJECT", TEXTOID, 1},
	{"CHARACTER VARYING", VARCHAROID, 1},
	{"CHARACTER", BPCHAROID, 1},
	{"CLOB", TEXTOID, 1},
	{"DATE", DATEOID, 0},
	{"DEC", NUMERICOID, 2},
	{"DECFLOAT", InvalidOid, 1},
	{"DECIMAL", NUMERICOID, 2},
	{"DOUBLE PRECISION", FLOAT8OID, 0},
	{"FLOAT", FLOAT8OID, 1},
	{"INT", INT4OID, 0},
	{"INTEGER", INT4OID, 0},
	{"MULTISET", InvalidOid, 2},
	{"NATIONAL CHAR VARYING", VARCHAROID, 1},
	{"NATIONAL CHAR", BPCHAROID, 1},
	{"NATIONAL CHARACTER LARGE OBJECT", TEXTOID, 1},
	{"NATIONAL CHARACTER VARYING", VARCHAROID, 1},
	{"NATIONAL CHARACTER", BPCHAROID, 1},
	{"NCHAR LARGE OBJECT", TEXTOID, 1},
	{"NCHAR VARYING", VARCHAROID, 1},
	{"NCHAR", BPCHAROID, 1},
	{"NCLOB", TEXTOID, 1},
	{"NUMERIC", NUMERICOID, 2},
	{"REAL", FLOAT4OID, 0},
	{"REF", InvalidOid, 2},
	{"ROW", InvalidOid, 2},
	{"SMALLINT", INT2OID, 0},
	{"TEXT", TEXTOID, 0},
	{"TIME WITH TIME ZONE", TIMETZOID, 1},
	{"TIME WITHOUT TIME ZONE", TIMEOID, 1},
	{"TIME", TIMEOID, 1},
	{"TIMESTAMP WITH TIME ZONE", TIMESTAMPTZOID, 1},
	{"TIMESTAMP WITHOUT TIME ZONE", TIMESTAMPOID, 1},
	{"TIMESTAMP", TIMESTAMPOID, 1},
	{"VARBINARY", BYTEAOID, 1},
	{"VARCHAR", VARCHAROID, 1},
	{"XML", InvalidOid, 2},
};

/* The longest that varchar has, and the most digits of a second. */
#define LENGTH_MAX 10485760
#define DIGITS_MAX 6

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

/* The factor of a length: K, M or G. */
static int64
read_factor(char **text)
{
	static const char letters[] = "KMG";
	const char *at = **text ? strchr(letters, **text) : NULL;

	if (at == NULL)
		return 1;
	++*text;
	return INT64CONST(1) << (10 * (at - letters + 1));
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
		int64 value = strtol(text + 1, &end, 10);

		if (*count == 2 || end == text + 1 || value < 0 || value > PG_INT32_MAX)
			return false;
		value *= read_factor(&end);
		arguments[(*count)++] = (int) Min(value, PG_INT32_MAX);
		text = end + strspn(end, " ");
	} while (*text == ',');
	return text[0] == ')' && text[1] == '\0';
}

/* Sets precision and scale of a numeric; false if there are no such. */
static bool
set_numeric(HlSqlType *type, const int *arguments, int count)
{
	int scale = count > 1 ? arguments[1] : 0;

	type->typmod = ((arguments[0] << 16) | scale) + VARHDRSZ;
	return arguments[0] > 0 && arguments[0] <= 1000 && scale <= arguments[0];
}

/* Sets the type that arguments make of one; false if there is none. */
static bool
set_arguments(HlSqlType *type, const int *arguments, int count)
{
	int length = count > 0 ? arguments[0] : type->oid == BPCHAROID ? 1 : -1;

	type->typmod = NO_TYPMOD;
	if (type->oid == BYTEAOID)
	{
		type->oid = TEXTOID;
		return length != 0;
	}
	if (length < 0)
		return true;
	switch (type->oid)
	{
		case NUMERICOID:
			return set_numeric(type, arguments, count);
		case FLOAT8OID:
			if (length <= 24)
				type->oid = FLOAT4OID;
			return length > 0 && length <= 53;
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			type->typmod = Min(length, DIGITS_MAX);
			return true;
		case TEXTOID:
			if (length > LENGTH_MAX)
				return true;
			type->oid = VARCHAROID;
			break;
		default:
			break;
	}
	type->typmod = length + VARHDRSZ;
	return length > 0 && length <= LENGTH_MAX;
}

/* Copies a tag in upper case, its words between single blanks. */
static bool
copy_tag(const char *tag, int len, char *name, int size)
{
	int n = 0;

	for (int i = 0; i < len; i++)
	{
		char c = tag[i] == '\t' ? ' ' : pg_ascii_toupper(tag[i]);

		if (n == size - 1 || c == '\0')
			return false;
		if (c != ' ' || (n > 0 && name[n - 1] != ' '))
			name[n++] = c;
	}
	while (n > 0 && name[n - 1] == ' ')
		n--;
	name[n] = '\0';
	return true;
}

/*
 * Moves the arguments of a type, which may stand between its words, out of its
 * name; false if a parenthesis is missing.
 */
static bool
split_tag(char *name, char *arguments)
{
	char *begin = strchr(name, '('), *end, *rest;

	arguments[0] = '\0';
	if (begin == NULL)
		return true;
	end = strchr(begin, ')');
	if (end == NULL)
		return false;
	memcpy(arguments, begin, end + 1 - begin);
	arguments[end + 1 - begin] = '\0';
	rest = end + 1;
	while (begin > name && begin[-1] == ' ')
		begin--;
	memmove(begin, rest, strlen(rest) + 1);
	return true;
}

int
hl_cast_type_of_tag(const char *tag, int len, HlSqlType *type)
{
	char name[80], text[80];
	int arguments[2], count;

	if (!copy_tag(tag, len, name, sizeof(name)) || !split_tag(name, text))
		return ERRCODE_INVALID_PARAMETER_VALUE;
	if (strncmp(name, "INTERVAL", 8) == 0 &&
		(name[8] == '\0' || name[8] == ' '))
		return ERRCODE_FEATURE_NOT_SUPPORTED;
	for (int i = 0; i < (int) lengthof(tag_types); i++)
	{
		if (strcmp(tag_types[i].name, name) != 0)
			continue;
		type->oid = tag_types[i].oid;
		if (type->oid == InvalidOid)
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		return read_arguments(text, arguments, &count) &&
					   count <= tag_types[i].arguments &&
					   set_arguments(type, arguments, count)
				   ? 0
				   : ERRCODE_INVALID_PARAMETER_VALUE;
	}
	return ERRCODE_INVALID_PARAMETER_VALUE;
}

/* A text, varchar or bpchar; false if it is too long. */
static bool
make_text(const char *text, int len, HlSqlType type, Datum *value)
{
	if (type.typmod >= VARHDRSZ &&
		pg_mbstrlen_with_len(text, len) > type.typmod - VARHDRSZ)
		return false;
	*value = PointerGetDatum(cstring_to_text_with_len(text, len));
	if (type.oid == BPCHAROID)
		*value = DirectFunctionCall3(bpchar, *value, Int32GetDatum(type.typmod),
									 BoolGetDatum(true));
	return true;
}

/* The same of an item; NULL if it is too long. */
static bool
cast_text(const HlItem *item, HlSqlType type, Datum *value)
{
	char *text;
	bool fits;

	if (hl_item_is_text(item))
		return make_text(item->value.val.string.val, item->value.val.string.len,
						 type, value);
	text = hl_item_to_text(item);
	if (text == NULL)
		return false;
	fits = make_text(text, (int) strlen(text), type, value);
	pfree(text); /* of a number it may be long */
	return fits;
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
	bool fits;

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
	fits = errno == 0;
	pfree(text); /* it may be long */
	return fits;
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
	Numeric number = item->value.val.numeric;

	if (item->kind != HL_KIND_NUMBER)
		return false;
	if (typmod == NO_TYPMOD)
	{
		*value = datumCopy(NumericGetDatum(number), false, -1);
		return true;
	}
	typmod -= VARHDRSZ;
	number = hl_number_fit(number, typmod >> 16, typmod & 0xffff);
	*value = NumericGetDatum(number);
	return number != NULL;
}

/* A float; NULL if it is out of range. */
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

/* A time, without a zone at UTC. */
static bool
cast_time(const HlMoment *moment, HlSqlType type, Datum *value)
{
	TimeTzADT *zoned;
	TimeADT time;

	if (!hl_moment_to_time(moment, &time))
		return false;
	AdjustTimeForTypmod(&time, type.typmod);
	*value = TimeADTGetDatum(time);
	if (type.oid == TIMEOID)
		return true;
	zoned = palloc0(sizeof(TimeTzADT));
	zoned->time = time;
	*value = TimeTzADTPGetDatum(zoned);
	return true;
}

/* A date, timestamp or time; NULL if it is partial. */
static bool
cast_moment(const HlItem *item, HlSqlType type, Datum *value)
{
	HlItem as = *item;
	HlMoment moment;
	DateADT date;
	Timestamp stamp;

	if ((type.oid == TIMEOID || type.oid == TIMETZOID) &&
		item->kind == HL_KIND_STRING)
		as.kind = HL_KIND_TIME;
	if (!hl_item_moment(&as, &moment))
		return false;
	switch (type.oid)
	{
		case DATEOID:
			if (!hl_moment_to_date(&moment, &date))
				return false;
			*value = DateADTGetDatum(date);
			return true;
		case TIMEOID:
		case TIMETZOID:
			return cast_time(&moment, type, value);
		default:
			if (!hl_moment_to_timestamp(&moment, &stamp))
				return false;
			/* rounds as for a time: both count microseconds */
			AdjustTimeForTypmod(&stamp, type.typmod);
			*value = TimestampGetDatum(stamp);
			return true;
	}
}

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
			return cast_moment(item, type, value);
	}
}

/* A float as the number that its text is. */
static void
set_float(HlItem *result, PGFunction out, Datum value)
{
	hl_item_set_number(
		result,
		DatumGetNumeric(DirectFunctionCall3(
			numeric_in, DirectFunctionCall1(out, value),
			ObjectIdGetDatum(InvalidOid), Int32GetDatum(NO_TYPMOD))),
		true);
}

/* A text, or a date or time as JSON writes it, with zones at UTC. */
static void
set_text(HlItem *result, HlSqlType type, Datum value)
{
	static const int utc = 0;
	char *out;

	if (type.oid == TEXTOID || type.oid == VARCHAROID || type.oid == BPCHAROID)
		out = TextDatumGetCString(value);
	else
		out = JsonEncodeDateTime(NULL, value, type.oid,
								 type.oid == TIMESTAMPTZOID ? &utc : NULL);
	hl_item_set_string(result, out, (int) strlen(out));
}

bool
hl_cast_to_item(const HlItem *item, HlSqlType type, HlItem *result)
{
	Datum value;

	if (!hl_cast_item(item, type, &value))
		return false;
	*result = *item;
	switch (type.oid)
	{
		case BOOLOID:
		case JSONBOID:
			break;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			hl_item_set_number(
				result,
				int64_to_numeric(type.oid == INT2OID   ? DatumGetInt16(value)
								 : type.oid == INT4OID ? DatumGetInt32(value)
													   : DatumGetInt64(value)),
				false);
			break;
		case NUMERICOID:
			hl_item_set_number(result, DatumGetNumeric(value), true);
			break;
		case FLOAT4OID:
			set_float(result, float4out, value);
			break;
		case FLOAT8OID:
			set_float(result, float8out, value);
			break;
		case TEXTOID:
			if (!hl_item_is_text(item))
				set_text(result, type, value);
			break;
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			/* without a precision the text is this moment, too */
			if (type.typmod != NO_TYPMOD)
				set_text(result, type, value);
			break;
		default:
			set_text(result, type, value);
			break;
	}
	return true;
}

Oid
hl_cast_array_of(Oid type)
{
	return get_array_type(type);
}

Datum
hl_cast_array(const HlItems *items, HlSqlType type)
{
	Datum *values = palloc(Max(items->count, 1) * sizeof(Datum));
	bool *nulls = palloc(Max(items->count, 1) * sizeof(bool));
	int dims[1] = {items->count}, bounds[1] = {1};
	int16 len;
	bool by_value;
	char align;
	Size size = 0;

	get_typlenbyvalalign(type.oid, &len, &by_value, &align);
	for (int i = 0; i < items->count; i++)
	{
		nulls[i] = !hl_cast_item(&items->items[i], type, &values[i]);
		if (!nulls[i])
			size += datumGetSize(values[i], by_value, len);
		hl_items_check_memory(size); /* that of the array */
	}
	if (items->count == 0)
		return PointerGetDatum(construct_empty_array(type.oid));
	return PointerGetDatum(construct_md_array(values, nulls, 1, dims, bounds,
											  type.oid, len, by_value, align));
}
