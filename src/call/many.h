/*
 * many.h
 *	  Many requests of one operation as one statement: at most
 *	  healthlake.max_concurrency of them are in flight at a time, and a row
 *	  each tells what became of it, in the order of the requests.
 *
 *	  All are checked before the first is sent, and what is refused here is one
 *	  error that names every fault. What AWS or the network refuses is a row.
 */
#ifndef HL_CALL_MANY_H
#define HL_CALL_MANY_H

#include "postgres.h"

#include "fmgr.h"

#include "model/model.h"

/* Performs the argument "requests", an array of jsonb. */
extern Datum hl_many_call(FunctionCallInfo fcinfo,
						  const HlOperation *operation);

/* Describes what the argument "ids" names, with the columns of a reply. */
extern Datum hl_many_describe(FunctionCallInfo fcinfo,
							  const HlOperation *operation);

#endif
