/*
 * link.h
 *	  Connects a session to the process that writes the durable audit trail of
 *	  its database. One process serves all sessions of a database; the first
 *	  that needs it starts it, and it exits when it was not needed for a while.
 */
#ifndef HL_AUDIT_LINK_H
#define HL_AUDIT_LINK_H

#include "audit/event.h"

/* A call that the writer knows. */
typedef struct HlLinkCall
{
	uint64 serial; /* 0: none */
	int64 id;      /* of its event "sent" */
} HlLinkCall;

/*
 * Returns when the event has been committed, as the owner of the table. Throws
 * the writer's error, 55000 if no writer can be started, or an interrupt.
 */
extern HlLinkCall hl_link_begin(Oid owner, const HlEvent *event);

/*
 * Returns when the end has been committed; otherwise warns, or throws with
 * "must". Holds interrupts meanwhile, since the outcome must not be lost. The
 * writer may be another one than that of the beginning.
 */
extern void hl_link_end(Oid owner, const HlLinkCall *call, const HlEvent *event,
						bool must);

/* Reports the end, and neither waits nor throws. */
extern void hl_link_end_at_once(const HlLinkCall *call, const HlEvent *event);

/* Called if the session ends while it waits for the answer to a beginning. */
extern void hl_link_withdraw(void);

#endif
