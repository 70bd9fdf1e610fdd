/*
 * once.h
 *	  One call for each row of (f(...)).*, which PostgreSQL expands to a copy
 *	  of the call for each column. The first copy performs the operation, the
 *	  others return its reply. A reply is kept in the memory of the current row
 *	  and freed with it. If copies would not be computed for the same row, the
 *	  planner support function raises an error; see planner.h.
 */
#ifndef HL_CALL_ONCE_H
#define HL_CALL_ONCE_H

#include "postgres.h"

#include "fmgr.h"

/*
 * Returns the result of another copy of this call for the same row; false if
 * there is none, so that the operation must be performed.
 */
extern bool hl_once_take(FunctionCallInfo fcinfo, Datum *result);

/* Keeps the result of the call, with fcinfo->isnull, for its copies. */
extern void hl_once_keep(FunctionCallInfo fcinfo, Datum result);

#endif
