/*
 * poll.h
 *	  Waits for a target state by polling a describing operation. A function
 *	  waits within its statement and holds its snapshot; a procedure commits
 *	  between two polls and holds nothing while it sleeps. Both can be
 *	  cancelled immediately.
 */
#ifndef HL_CALL_POLL_H
#define HL_CALL_POLL_H

#include "postgres.h"

#include "fmgr.h"

#include "model/arguments.h"
#include "model/model.h"

/*
 * Polls until the state in the arguments is reached, and returns the last row.
 * Throws 55000 with AWS's cause if it can no longer be reached, 38W01 after
 * the timeout, and what the call itself throws; after temporary errors
 * (throttling, the network, a server error) it continues to poll.
 */
extern Datum hl_poll_wait(FunctionCallInfo fcinfo, const HlOperation *describe);

/* The same for a procedure. Throws 2D000 if it cannot commit. */
extern Datum hl_poll_await(FunctionCallInfo fcinfo,
						   const HlOperation *describe);

/*
 * An interval argument in milliseconds. Throws 22004 for NULL and 22023 if it
 * is out of range.
 */
extern int64 hl_poll_milliseconds(const HlArguments *arguments,
								  const char *name);

#endif
