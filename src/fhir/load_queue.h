/*
 * load_queue.h
 *	  Stands between the table and the requests of a load: makes batches of
 *	  rows, and advances the place up to which all rows are done when batches
 *	  end.
 *
 *	  A resource is never in two unfinished batches, so that rows of one
 *	  resource are sent in their order.
 */
#ifndef HL_FHIR_LOAD_QUEUE_H
#define HL_FHIR_LOAD_QUEUE_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "fhir/load_batch.h"
#include "fhir/load_source.h"

typedef struct HlLoadQueue
{
	HlLoadSource *source;
	HlLoadRecord *record;
	MemoryContext memory;
	MemoryContext scratch;
	int batch_size;
	int most;           /* batches that are made ready at a time */
	HTAB *wanted;       /* keys that this pass sends; NULL: all */
	HTAB *busy;         /* keys in batches that are not over */
	uint64 blocking;    /* the key that must be over first; 0: none */
	bool at_end;        /* of the pass */
	bool rewritten;     /* the table's files are others: places do not hold */
	dlist_head batches; /* that are not committed, in order */
	int kept;           /* how many these are */
	int waiting;        /* of them, not begun */
} HlLoadQueue;

/* Makes the queue of a load in CurrentMemoryContext. */
extern HlLoadQueue *hl_load_queue_create(HlLoadSource *source,
										 HlLoadRecord *record, int batch_size);

/*
 * Prepares a pass, in a transaction with a snapshot; false: there is nothing to
 * do.
 */
extern bool hl_load_queue_begin(HlLoadQueue *queue);

/* Makes batches of rows, likewise, as many as are needed and fit. */
extern bool hl_load_queue_wants(const HlLoadQueue *queue);
extern void hl_load_queue_fill(HlLoadQueue *queue);

/* Records a batch that has been sent, in a transaction; frees it. */
extern void hl_load_queue_end(HlLoadQueue *queue, HlLoadBatch *batch);

#endif
