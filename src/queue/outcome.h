/*
 * outcome.h
 *	  From a reply to what is recorded, and whether the request is sent again.
 */
#ifndef HL_QUEUE_OUTCOME_H
#define HL_QUEUE_OUTCOME_H

#include "queue/queued.h"

/*
 * Makes the ending of a call that has ended. The reply to a search becomes
 * queued->heard, and the search goes on.
 */
extern void hl_outcome_judge(HlQueued *queued);

/*
 * Notes that an attempt of a call that has not ended may have been carried out.
 */
extern void hl_outcome_keep(HlQueued *queued);

/* Makes the ending of a call whose reply cannot be judged. */
extern void hl_outcome_lose(HlQueued *queued, const char *message);

#endif
