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

/* Whether a row has an ending that can be recorded now. */
extern bool hl_record_is_due(const HlQueued *queued);

/*
 * Records those endings; sets "recorded" in each that need not be kept any
 * longer than to the commit. In a transaction, as any user. What a commit has
 * lost is recorded by itself, without NOTIFY; what several have, alone.
 */
extern void hl_record(HlRunner *runner, const HlStore *store);

/* Whether it will record what a commit has lost: then nothing else is done. */
extern bool hl_record_is_again(const HlRunner *runner);

/* Logs and counts an ending that has been committed. */
extern void hl_record_count(HlRunner *runner, const HlQueued *queued);

/* Notes that the commit of an ending has failed. */
extern void hl_record_lost(HlQueued *queued);

#endif
