/*
 * operations.h
 *	  The requests of the FHIR functions as rows, to find the IAM actions that
 *	  a function requires.
 */
#ifndef HL_FHIR_OPERATIONS_H
#define HL_FHIR_OPERATIONS_H

#include "postgres.h"

#include "fmgr.h"

/* The next row of healthlake_fhir_operations(). */
extern Datum hl_fhir_operations_next(FunctionCallInfo fcinfo);

#endif
