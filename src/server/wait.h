/*
 * wait.h
 *	  How a backend waits: for a descriptor, its latch and the death of the
 *	  postmaster at once, in one set of events that is kept for its life.
 *	  Errors of interrupts are thrown from here.
 */
#ifndef HL_SERVER_WAIT_H
#define HL_SERVER_WAIT_H

#include "postgres.h"

/* An HlWait of http/http.h; epoll_fd must be the same at every call. */
/* What a process of the extension waits for. */
typedef enum HlWaitReason
{
	HL_WAIT_REPLY, /* of AWS */
	HL_WAIT_POLL,  /* until it is time to ask again */
	HL_WAIT_QUEUE, /* for requests */
	HL_WAIT_WRITER /* of the audit trail */
} HlWaitReason;

/* Its name in pg_stat_activity, as WaitLatch() takes it. */
extern uint32 hl_wait_event(HlWaitReason reason);

extern void hl_wait_for(void *context, int epoll_fd, long timeout_ms);

/* Sleeps so long, or until the latch is set; throws at an interrupt. */
extern void hl_wait_rest(long milliseconds, HlWaitReason reason);

#endif
