/*
 * link.h
 *	  A session's way to the process that writes its durable audit trail: it
 *	  is started at the first change, ends with the session or when it has had
 *	  nothing to do for a while, and is then started again when needed.
 */
#ifndef HL_QUEUE_LINK_H
#define HL_QUEUE_LINK_H

#include "queue/entry.h"

/*
 * Returns when the entry has been committed, which is done as that owner of
 * the table; gives the number by which its end is told. Throws what kept the
 * writer from it, 55000 where none can be started; an interrupt, too.
 */
extern uint64 hl_link_begin(Oid owner, const HlEntry *entry);

/* Returns when the end has been committed, or warns that it is not. */
extern void hl_link_end(uint64 serial, const HlEntry *entry);

/* Tells the end, and neither waits nor throws. */
extern void hl_link_end_at_once(uint64 serial, const HlEntry *entry);

#endif
