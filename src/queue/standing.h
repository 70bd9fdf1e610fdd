/*
 * standing.h
 *	  What healthlake_check() says of the queue, where something is amiss.
 */
#ifndef HL_QUEUE_STANDING_H
#define HL_QUEUE_STANDING_H

/* Has healthlake_check() ask; called once, when the library is loaded. */
extern void hl_standing_init(void);

#endif
