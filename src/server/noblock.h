/*
 * noblock.h
 *	  Messages from a place where the backend must not wait for its client:
 *	  while a transaction ends, interrupts are held off, so that nothing ends a
 *	  wait for a client that does not read, and locks are held.
 *
 *	  The messages wait in PostgreSQL's send buffer, which grows for them, and are
 *	  sent as soon as the backend may wait. As long as some of them are left, no
 *	  other message that PostgreSQL sends while interrupts are held off waits
 *	  for the client either, nor does an error: it is sent before the
 *	  transaction and its locks end.
 */
#ifndef HL_SERVER_NOBLOCK_H
#define HL_SERVER_NOBLOCK_H

#include "postgres.h"

/*
 * Call it before each message, while interrupts are held off. Returns whether
 * it can be sent: not where the client is not at a socket of this process, or
 * has not read very much of what it was sent this way.
 */
extern bool hl_noblock_begin(void);

#endif
