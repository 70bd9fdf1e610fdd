/*
 * wait.h
 *	  How a backend waits: for a descriptor, its latch and the death of the
 *	  postmaster, in one wait event set that is kept until it ends. Errors of
 *	  interrupts are thrown from here.
 */
#ifndef HL_SERVER_WAIT_H
#define HL_SERVER_WAIT_H

#include "postgres.h"

/* What a process of the extension waits for. */
typedef enum HlWaitReason
{
	HL_WAIT_REPLY, /* of AWS */
	HL_WAIT_POLL,  /* until the next poll */
	HL_WAIT_QUEUE, /* for requests */
	HL_WAIT_WRITER /* of the audit trail */
} HlWaitReason;

/* Its name in pg_stat_activity, as WaitLatch() takes it. */
extern uint32 hl_wait_event(HlWaitReason reason);

/* An HlWait of http/http.h; epoll_fd must be the same at every call. */
extern void hl_wait_for(void *context, int epoll_fd, long timeout_ms);

/* An HlAsk: whether a wait would throw now. Throws nothing. */
extern bool hl_wait_is_over(void *context);

/* Sleeps so long, or until the latch is set; throws at an interrupt. */
extern void hl_wait_rest(long milliseconds, HlWaitReason reason);

/*
 * Call it after a commit on which a sending depends. Exits if the postmaster
 * died while the commit waited for a standby: the wait ends without one then,
 * and raises no interrupt (SyncRepWaitForLSN() in replication/syncrep.c).
 * Nothing may be sent, since a standby that is promoted does not know of it.
 */
extern void hl_wait_exit_if_orphaned(void);

#endif
