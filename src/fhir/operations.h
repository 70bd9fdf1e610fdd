/*
 * operations.h
 *	  The requests of the FHIR functions as rows, for whoever looks for the IAM
 *	  action that a function needs.
 */
#ifndef HL_FHIR_OPERATIONS_H
#define HL_FHIR_OPERATIONS_H

#include "postgres.h"

#include "fmgr.h"

/* The next row of healthlake_fhir_operations(). */
extern Datum hl_fhir_operations_next(FunctionCallInfo fcinfo);

#endif
