/*
 * statistics.h
 *	  Counts the calls of each operation with their outcomes and times, for the
 *	  session and, if the library is preloaded, for the cluster. The counters
 *	  contain no names, tokens or bodies. Those of the cluster are in shared
 *	  memory and are lost at a restart or crash. Adding to them takes no lock
 *	  and cannot fail.
 */
#ifndef HL_CALL_STATISTICS_H
#define HL_CALL_STATISTICS_H

#include "postgres.h"

#include "fmgr.h"

#include "aws/outcome.h"
#include "model/model.h"

/* Requests shared memory; called once, when the library is loaded. */
extern void hl_statistics_init(void);

/*
 * Counts a call that has ended or was interrupted. The operation is one of
 * hl_operations; the time is from before its first attempt to its end.
 */
extern void hl_statistics_count(const HlOperation *operation,
								const HlReply *reply, int64 microseconds);

/* The next row of healthlake_operation_statistics(). */
extern Datum hl_statistics_rows(FunctionCallInfo fcinfo);

/* Resets the counters of this session and those of the cluster. */
extern Datum hl_statistics_reset(FunctionCallInfo fcinfo);

#endif
