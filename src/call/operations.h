/*
 * operations.h
 *	  The tables of model_tables.c as rows, to find the SQL name of a member
 *	  that AWS's documentation mentions, or the reverse.
 */
#ifndef HL_CALL_OPERATIONS_H
#define HL_CALL_OPERATIONS_H

#include "postgres.h"

#include "fmgr.h"

/* The next row of healthlake_operations(): one for each argument. */
extern Datum hl_operations_next(FunctionCallInfo fcinfo);

#endif
