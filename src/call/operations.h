/*
 * operations.h
 *	  The tables of model_tables.c as rows, for whoever looks for the SQL name of
 *	  a member that a page of AWS's documentation speaks of, or the reverse.
 */
#ifndef HL_CALL_OPERATIONS_H
#define HL_CALL_OPERATIONS_H

#include "postgres.h"

#include "fmgr.h"

/* The next row of healthlake_operations(): one for each argument. */
extern Datum hl_operations_next(FunctionCallInfo fcinfo);

#endif
