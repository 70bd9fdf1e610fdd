/*
 * number.h
 *	  Arithmetic of FHIRPath by PostgreSQL's numeric. Results are palloc'd;
 *	  NULL if FHIRPath has no result: a division by zero, an overflow.
 */
#ifndef HL_FHIRPATH_NUMBER_H
#define HL_FHIRPATH_NUMBER_H

#include "postgres.h"

#include "utils/numeric.h"

#include "fhirpath/parse.h"

extern Numeric hl_number_of_int64(int64 value);

/* Whether a number is whole and fits. */
extern bool hl_number_to_int64(Numeric number, int64 *value);
extern bool hl_number_is_whole(Numeric number);

/* +, -, *, /, div, mod. */
extern Numeric hl_number_calculate(HlOperator operator, Numeric left,
								   Numeric right);
extern Numeric hl_number_negate(Numeric number);

/* A function of one number, as PostgreSQL has it (numeric_abs). */
extern Numeric hl_number_apply(PGFunction function, Numeric number);

/* Rounded to so many digits. */
extern Numeric hl_number_round(Numeric number, int digits);

/* The least or greatest number that is rounded to this; digits -1: all. */
extern Numeric hl_number_boundary(Numeric number, bool high, int digits);

/* Reads a number as FHIR writes it; NULL if it is none. */
extern Numeric hl_number_read(const char *text, int len);

#endif
