/*
 * requests.h
 *	  What a person, or an application, does with requests of the queue: waits
 *	  for one, cancels it, has it tried again, says what became of it, and
 *	  deletes old ones. Each acts on rows of the caller's own, or on any row
 *	  for whoever may read healthlake_audit.
 */
#ifndef HL_QUEUE_REQUESTS_H
#define HL_QUEUE_REQUESTS_H

#include "postgres.h"

#include "fmgr.h"

/* The bodies of the SQL functions of these names. */
extern Datum hl_requests_cancel(FunctionCallInfo fcinfo);
extern Datum hl_requests_retry(FunctionCallInfo fcinfo);
extern Datum hl_requests_resolve(FunctionCallInfo fcinfo);
extern Datum hl_requests_purge(FunctionCallInfo fcinfo);

/* Throws 38W01 when the time is over, 42704 for a row that is not there. */
extern Datum hl_requests_wait(FunctionCallInfo fcinfo);

#endif
