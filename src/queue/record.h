/*
 * record.h
 *	  Writes into their rows how requests have ended: all together, and where
 *	  that fails each by itself, so that one row that cannot be written hurts no
 *	  other. That one becomes unknown, or is kept in the runner's hands for
 *	  another attempt, and is not sent again meanwhile.
 */
#ifndef HL_QUEUE_RECORD_H
#define HL_QUEUE_RECORD_H

#include "queue/runner.h"

/* Whether a row has an ending that is to be written now. */
extern bool hl_record_is_due(const HlQueued *queued);

/*
 * Writes those; sets "recorded" in the endings of what need not be kept any
 * more. In a transaction, as nobody in particular.
 */
extern void hl_record(HlRunner *runner, const HlStore *store);

#endif
