/*
 * ahead.h
 *	  Calls that are sent before their replies are needed: the next page, while
 *	  one is read. Such a call changes nothing, and is a hint and no more: it is
 *	  sent once, and where it has not succeeded whoever needs its reply makes the
 *	  call anew, as if nothing had been sent. It is in flight while nobody waits
 *	  for it; its memory may go at any moment, and with it what is in flight.
 *	  Nothing is told of it then.
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

/* Makes it a call like any other, within hl_call_watch(), to be driven. */
extern void hl_ahead_join(HlCallRun *run);

/* A call, ahead or not, and the memory of it, its request and its reply. */
typedef struct HlAhead
{
	MemoryContext memory;
	HlCallRun run;
	bool settled; /* there are credentials */
	bool ahead;   /* it was sent before its reply was needed */
} HlAhead;

/* Makes one, whose memory goes with the parent, or before by the second. */
extern HlAhead *hl_ahead_create(MemoryContext parent);
extern void hl_ahead_free(HlAhead **call); /* NULL: there is none */

/* Sends it now; ahead: without waiting. */
extern void hl_ahead_send(HlAhead *call, const HlRequest *request,
						  const char *region, bool ahead);

/* Advances what is in flight, without waiting. */
extern void hl_ahead_go_on(HlAhead *call);

/*
 * Waits for the reply; false: it was sent ahead, has failed in a way that may
 * be temporary, and must be made again.
 */
extern bool hl_ahead_await(HlAhead *call);

#endif
