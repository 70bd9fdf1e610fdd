/*
 * number.h
 *	  Arithmetic of FHIRPath by PostgreSQL's numeric. Results are palloc'd.
 *	  NULL means that FHIRPath has no result: after a division by zero or an
 *	  overflow.
 */
#ifndef HL_FHIRPATH_NUMBER_H
#define HL_FHIRPATH_NUMBER_H

#include "postgres.h"

#include "utils/numeric.h"

#include "fhirpath/parse.h"

extern Numeric hl_number_of_int64(int64 value);

/* Converts an integer; false if it has a fraction or is out of range. */
extern bool hl_number_to_int64(Numeric number, int64 *value);
extern bool hl_number_is_whole(Numeric number);

/* +, -, *, /, div, mod. */
extern Numeric hl_number_calculate(HlOperator operator, Numeric left,
								   Numeric right);
extern Numeric hl_number_negate(Numeric number);

/* Applies a function of PostgreSQL to a number, such as numeric_abs. */
extern Numeric hl_number_apply(PGFunction function, Numeric number);

/* Rounds to "digits" after the point. */
extern Numeric hl_number_round(Numeric number, int digits);

/*
 * Rounds to a precision and scale of SQL; NULL: too large, also if it has more
 * digits than calculations allow.
 */
extern Numeric hl_number_fit(Numeric number, int precision, int scale);

/*
 * The smallest or largest number that is rounded to this one, with "digits"
 * after the point (-1: all).
 */
extern Numeric hl_number_boundary(Numeric number, bool high, int digits);

/* Parses a number in FHIR's notation; NULL: malformed. */
extern Numeric hl_number_read(const char *text, int len);

#endif
