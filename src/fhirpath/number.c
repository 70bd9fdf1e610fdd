/*
 * number.c
 *	  Arithmetic of FHIRPath by PostgreSQL's numeric.
 */
#include "postgres.h"

#if PG_VERSION_NUM >= 190000
#include "nodes/miscnodes.h"
#endif
#include "utils/builtins.h"

#include "fhirpath/number.h"

/*
 * The largest operand of a calculation, in bytes (about 1200 digits).
 * Multiplication takes quadratic time and cannot be cancelled.
 */
#define SIZE_MAX_CALCULATED 600

/* The maximum digits after the point of a boundary. */
#define BOUNDARY_DIGITS_MAX 31

Numeric
hl_number_of_int64(int64 value)
{
	return int64_to_numeric(value);
}

bool
hl_number_is_whole(Numeric number)
{
	Datum value = NumericGetDatum(number);

	return !numeric_is_nan(number) && !numeric_is_inf(number) &&
		   DatumGetBool(DirectFunctionCall2(
			   numeric_eq, value,
			   DirectFunctionCall2(numeric_trunc, value, Int32GetDatum(0))));
}

/* Numbers with more than 18 digits are not converted. */
bool
hl_number_to_int64(Numeric number, int64 *value)
{
	static const int64 most = INT64CONST(1000000000000000000);
	Datum bound = NumericGetDatum(int64_to_numeric(most));
	Datum absolute = DirectFunctionCall1(numeric_abs, NumericGetDatum(number));

	if (!hl_number_is_whole(number) ||
		!DatumGetBool(DirectFunctionCall2(numeric_lt, absolute, bound)))
		return false;
	*value = DatumGetInt64(
		DirectFunctionCall1(numeric_int8, NumericGetDatum(number)));
	return true;
}

/* Refuses numbers whose calculation would take too long. */
static void
check_size(Numeric number)
{
	if (VARSIZE_ANY(number) > SIZE_MAX_CALCULATED)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a number has too many digits to calculate "
							   "with in FHIRPath expressions")));
}

/* Removes trailing zeros of a division. */
static Numeric
trim(Numeric number)
{
	return DatumGetNumeric(
		DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(number)));
}

/* An operation of numeric; sets failure.error_occurred instead of throwing. */
#if PG_VERSION_NUM >= 190000
typedef ErrorSaveContext Failure;
#define NO_FAILURE                                                             \
	{                                                                          \
		.type = T_ErrorSaveContext                                             \
	}
#define CALCULATE(operation, left, right)                                      \
	numeric_##operation##_safe((left), (right), (Node *) &failure)
#else
typedef struct
{
	bool error_occurred;
} Failure;
#define NO_FAILURE                                                             \
	{                                                                          \
		.error_occurred = false                                                \
	}
#define CALCULATE(operation, left, right)                                      \
	numeric_##operation##_opt_error((left), (right), &failure.error_occurred)
#endif

Numeric
hl_number_calculate(HlOperator operator, Numeric left, Numeric right)
{
	Failure failure = NO_FAILURE;
	Numeric result;

	check_size(left);
	check_size(right);
	switch (operator)
	{
		case HL_OPERATOR_ADD:
			result = CALCULATE(add, left, right);
			break;
		case HL_OPERATOR_SUBTRACT:
			result = CALCULATE(sub, left, right);
			break;
		case HL_OPERATOR_MULTIPLY:
			result = CALCULATE(mul, left, right);
			break;
		case HL_OPERATOR_MOD:
			result = CALCULATE(mod, left, right);
			break;
		default:
			result = CALCULATE(div, left, right);
			if (failure.error_occurred)
				return NULL;
			if (operator== HL_OPERATOR_DIVIDE)
				return trim(result);
			return DatumGetNumeric(DirectFunctionCall2(numeric_div_trunc,
													   NumericGetDatum(left),
													   NumericGetDatum(right)));
	}
	return failure.error_occurred ? NULL : result;
}

Numeric
hl_number_negate(Numeric number)
{
	return hl_number_apply(numeric_uminus, number);
}

Numeric
hl_number_apply(PGFunction function, Numeric number)
{
	check_size(number);
	return DatumGetNumeric(
		DirectFunctionCall1(function, NumericGetDatum(number)));
}

Numeric
hl_number_round(Numeric number, int digits)
{
	check_size(number);
	return DatumGetNumeric(DirectFunctionCall2(
		numeric_round, NumericGetDatum(number), Int32GetDatum(digits)));
}

/* A digit times a power of ten. */
static Numeric
power_of_ten(int digit, int exponent)
{
	char text[32];

	snprintf(text, sizeof(text), "%de%d", digit, exponent);
	return DatumGetNumeric(
		DirectFunctionCall3(numeric_in, CStringGetDatum(text),
							ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* Whether the absolute value of a number is less than a power of ten. */
static bool
is_below(Datum number, int exponent)
{
	return DatumGetBool(DirectFunctionCall2(
		numeric_lt, DirectFunctionCall1(numeric_abs, number),
		NumericGetDatum(power_of_ten(1, exponent))));
}

/* The time that this takes is linear, so a number may have any size. */
Numeric
hl_number_fit(Numeric number, int precision, int scale)
{
	Datum value = NumericGetDatum(number);

	if (!is_below(value, precision - scale))
		return NULL;
	value = DirectFunctionCall2(numeric_round, value, Int32GetDatum(scale));
	return is_below(value, precision - scale) ? DatumGetNumeric(value) : NULL;
}

/* Rounds down or up to "digits" after the point. */
static Numeric
round_toward(Numeric number, bool high, int digits)
{
	Datum rounded = DirectFunctionCall2(numeric_round, NumericGetDatum(number),
										Int32GetDatum(digits));
	PGFunction beyond = high ? numeric_lt : numeric_gt;

	if (!DatumGetBool(
			DirectFunctionCall2(beyond, rounded, NumericGetDatum(number))))
		return DatumGetNumeric(rounded);
	return DatumGetNumeric(
		DirectFunctionCall2(high ? numeric_add : numeric_sub, rounded,
							NumericGetDatum(power_of_ten(1, -digits))));
}

Numeric
hl_number_boundary(Numeric number, bool high, int digits)
{
	int scale = DatumGetInt32(
		DirectFunctionCall1(numeric_scale, NumericGetDatum(number)));
	Numeric bound;

	check_size(number);
	if (digits > BOUNDARY_DIGITS_MAX || scale > BOUNDARY_DIGITS_MAX)
		return NULL;
	bound = DatumGetNumeric(DirectFunctionCall2(
		high ? numeric_add : numeric_sub, NumericGetDatum(number),
		NumericGetDatum(power_of_ten(5, -scale - 1))));
	return digits < 0 ? bound : round_toward(bound, high, digits);
}

Numeric
hl_number_read(const char *text, int len)
{
	int at = 0, digits = 0, point = -1;

	if (len > 0 && (text[0] == '-' || text[0] == '+'))
		at++;
	for (int i = at; i < len; i++)
		if (text[i] >= '0' && text[i] <= '9')
			digits++;
		else if (text[i] == '.' && point < 0 && digits > 0)
			point = i;
		else
			return NULL;
	if (digits == 0 || len > 100 || point == len - 1)
		return NULL;
	return DatumGetNumeric(
		DirectFunctionCall3(numeric_in, CStringGetDatum(pnstrdup(text, len)),
							ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}
