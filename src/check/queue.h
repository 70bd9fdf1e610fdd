/*
 * queue.h
 *	  The rows of healthlake_check() about the queue: only problems.
 */
#ifndef HL_CHECK_QUEUE_H
#define HL_CHECK_QUEUE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Appends findings, in CurrentMemoryContext. */
extern List *hl_queue_findings(List *findings);

#endif
