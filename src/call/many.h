/*
 * many.h
 *	  Many requests of one operation in one statement: at most
 *	  healthlake.max_concurrency of them are in flight, and each has a row with
 *	  its result, in the order of the requests.
 *
 *	  All requests are validated before the first is sent, and one error lists
 *	  all faults. A failure of AWS or the network is a row.
 */
#ifndef HL_CALL_MANY_H
#define HL_CALL_MANY_H

#include "postgres.h"

#include "fmgr.h"

#include "model/model.h"

/* Performs the argument "requests", an array of jsonb. */
extern Datum hl_many_call(FunctionCallInfo fcinfo,
						  const HlOperation *operation);

/*
 * Describes the objects in the argument "ids"; rows have the reply's columns.
 */
extern Datum hl_many_describe(FunctionCallInfo fcinfo,
							  const HlOperation *operation);

#endif
