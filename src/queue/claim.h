/*
 * claim.h
 *	  Which rows a runner takes, and when it looks again. The requests of a role
 *	  that are of one kind are a lane, and so are the polls of a role: roles
 *	  take turns, and within a lane the oldest comes first. What is due and what
 *	  can be claimed is one question: a lane that gives less than it was asked
 *	  for has nothing more, whoever holds the rest of it.
 */
#ifndef HL_QUEUE_CLAIM_H
#define HL_QUEUE_CLAIM_H

#include "queue/runner.h"

/* How many rows may be claimed now. */
extern int hl_claim_room(const HlRunner *runner);

/*
 * Claims rows into the runner; gives how many, and notes when to look again.
 * In a transaction, as nobody in particular.
 */
extern int hl_claim(HlRunner *runner, const HlStore *store);

/*
 * Lets rests end in time that a clock set back since has made too long; looks
 * only where it was set back, or first. As above.
 */
extern void hl_claim_shorten_rests(HlRunner *runner, const HlStore *store);

/*
 * Marks the claimed rows as sent that must not be sent twice and whose calls
 * are held, having their keys; one that was taken over loses its call. To be
 * committed, and then sent at once. As above.
 */
extern void hl_claim_mark(HlRunner *runner, const HlStore *store);

#endif
