/*
 * rows.h
 *	  Returns a list as the rows of a set.
 */
#ifndef HL_MODEL_ROWS_H
#define HL_MODEL_ROWS_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/* Collects the list, once, in memory that lives as long as the set. */
typedef List *(*HlCollect)(FunctionCallInfo fcinfo);

/* Makes a row of an element, in the memory of the call. */
typedef Datum (*HlRow)(FunctionCallInfo fcinfo, TupleDesc desc,
					   const void *thing);

/* The body of a set-returning function: the next row, or the end. */
extern Datum hl_rows_next(FunctionCallInfo fcinfo, HlCollect collect,
						  HlRow row);

#endif
