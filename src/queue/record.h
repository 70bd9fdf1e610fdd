/*
 * record.h
 *	  Writes the endings of requests into their rows: all in one statement, and
 *	  one by one if that fails, so that a row that cannot be written affects no
 *	  other. Such a row becomes "unknown", or stays with the runner, which
 *	  records it later and does not send it again.
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
