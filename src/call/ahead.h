/*
 * ahead.h
 *	  Calls that are sent before their replies are needed, such as the next
 *	  page while one is read. Such a call changes nothing. It is attempted
 *	  once; if it has not succeeded when its reply is needed, the caller makes
 *	  it again as if nothing had been sent. Its memory, and the transfer with
 *	  it, may be released at any time; then the call is neither logged nor
 *	  reported.
 */
#ifndef HL_CALL_AHEAD_H
#define HL_CALL_AHEAD_H

#include "postgres.h"

#include "call/call.h"

/* A reader advances what is in flight after this many rows or entries. */
#define HL_AHEAD_INTERVAL 16

/*
 * Starts a call as hl_call_start() does and sends its only attempt, without
 * waiting. False if there are no credentials yet; then nothing was sent.
 */
extern bool hl_ahead_start(HlCallRun *run, const HlRequest *request,
						   const char *region);

/* Makes it an ordinary call, within hl_call_watch(), before it is driven. */
extern void hl_ahead_join(HlCallRun *run);

/* A call, sent ahead or not, with the memory of its request and its reply. */
typedef struct HlAhead
{
	MemoryContext memory;
	HlCallRun run;
	bool settled; /* there are credentials */
	bool ahead;   /* it was sent before its reply was needed */
} HlAhead;

/* Lives in a child of parent, until that is deleted or hl_ahead_free(). */
extern HlAhead *hl_ahead_create(MemoryContext parent);

/* Releases a call and sets the pointer to NULL; *call may be NULL. */
extern void hl_ahead_free(HlAhead **call);

/* Sends the request now; with ahead it does not wait for anything. */
extern void hl_ahead_send(HlAhead *call, const HlRequest *request,
						  const char *region, bool ahead);

/* Advances what is in flight, without waiting. */
extern void hl_ahead_go_on(HlAhead *call);

/*
 * Waits for the reply. False if the call was sent ahead and its failure may be
 * temporary; then the caller must make it again.
 */
extern bool hl_ahead_await(HlAhead *call);

/*
 * Waits for what was sent ahead, sets the pointer to NULL and returns the call.
 * NULL if nothing was sent ahead, or hl_ahead_await() returned false.
 */
extern HlAhead *hl_ahead_take(HlAhead **ahead);

#endif
