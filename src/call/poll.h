/*
 * poll.h
 *	  Waits until something has reached a target state, by polling a describing
 *	  operation. A function waits within its statement and holds its snapshot;
 *	  a procedure commits between two polls and holds nothing while it sleeps.
 *	  Both can be cancelled immediately.
 */
#ifndef HL_CALL_POLL_H
#define HL_CALL_POLL_H

#include "postgres.h"

#include "fmgr.h"

#include "model/arguments.h"
#include "model/model.h"

/*
 * Polls until the state that the arguments ask for, and gives the last row.
 * Throws 55000 with AWS's cause when that state can no longer come, 38W01
 * when the time is over, and what the call itself throws; trouble that may
 * pass (throttling, the network, a fault of AWS's) is waited out.
 */
extern Datum hl_poll_wait(FunctionCallInfo fcinfo, const HlOperation *describe);

/* The same for a procedure. Throws 2D000 where it may not commit. */
extern Datum hl_poll_await(FunctionCallInfo fcinfo,
						   const HlOperation *describe);

/*
 * An argument that is an interval, in milliseconds. Throws 22004 for NULL and
 * 22023 for one that is none to wait for.
 */
extern int64 hl_poll_milliseconds(const HlArguments *arguments,
								  const char *name);

#endif
