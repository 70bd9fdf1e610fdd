/*
 * queue.h
 *	  What healthlake_check() reports of the queue: only what is amiss.
 */
#ifndef HL_CHECK_QUEUE_H
#define HL_CHECK_QUEUE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Appends findings, in CurrentMemoryContext. */
extern List *hl_queue_findings(List *findings);

#endif
