/*
 * requests.h
 *	  What people and applications do with queued requests: wait for one,
 *	  cancel, retry or resolve it, and purge old ones. Each function acts on
 *	  the caller's own rows, or on all rows for a superuser and the tables'
 *	  owner. Whoever may read healthlake_audit may also wait for all.
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

/* Throws 38W01 when the time is over, 42704 for a row that does not exist. */
extern Datum hl_requests_wait(FunctionCallInfo fcinfo);

#endif
