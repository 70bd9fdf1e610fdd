/*
 * ahead.h
 *	  Calls that are sent before their replies are needed. Such a call changes
 *	  nothing and is in flight while nobody waits for it; its memory may go at
 *	  any moment, and with it what is in flight. Nothing is told of it then.
 */
#ifndef HL_CALL_AHEAD_H
#define HL_CALL_AHEAD_H

#include "postgres.h"

#include "call/call.h"

/*
 * Starts a call as hl_call_start() does, and sends it once, without waiting:
 * whoever finds that it has not succeeded makes the call anew.
 */
extern bool hl_ahead_start(HlCallRun *run, const HlRequest *request,
						   const char *region);

/* Makes it a call like any other, to be driven to its end. */
extern void hl_ahead_join(HlCallRun *run);

#endif
