/*
 * claim.h
 *	  Which rows a runner claims, and when it looks again. The requests of one
 *	  role and kind are a lane, and so are the polls of a role. Roles take
 *	  turns, and within a lane the oldest row comes first.
 *
 *	  The query for due rows and the claim must agree: a lane that returns
 *	  fewer rows than requested counts as empty until the next look, whoever
 *	  holds the rest. Otherwise a runner would spin on rows that another
 *	  session has locked.
 */
#ifndef HL_QUEUE_CLAIM_H
#define HL_QUEUE_CLAIM_H

#include "queue/runner.h"

/* How many rows may be claimed now. */
extern int hl_claim_room(const HlRunner *runner);

/*
 * Claims rows into the runner; returns their number, and notes when to look
 * again. In a transaction, as any user.
 */
extern int hl_claim(HlRunner *runner, const HlStore *store);

/*
 * Shortens waiting times that are too long because the clock was set back, and
 * corrects the times of attempts that are later than now. Runs its statements
 * only after that, and at the first call. As above.
 */
extern void hl_claim_shorten_rests(HlRunner *runner, const HlStore *store);

/*
 * Whether a row must not be sent twice, and its call has its keys: it is marked
 * as sent before.
 */
extern bool hl_claim_needs_mark(const HlQueued *queued);

/*
 * Marks these rows. One that another runner has claimed since loses its call,
 * and so does one that cannot be marked. Commit this, and then send at once. As
 * above.
 */
extern void hl_claim_mark(HlRunner *runner, const HlStore *store);

/* Puts a row off that cannot be marked. */
extern void hl_claim_set_aside(HlQueued *queued, const char *why);

/*
 * Renews the lease of a row that is searched for, if little of it is left, since
 * a search of many pages lasts. If it fails, the old lease holds. As above.
 */
extern void hl_claim_renew(const HlRunner *runner, const HlStore *store,
						   HlQueued *queued);

#endif
