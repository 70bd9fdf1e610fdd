/*
 * load_queue.h
 *	  Connects the table and the requests of a load: makes batches of rows, and
 *	  advances the place up to which all rows are done when batches end.
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
	int most;           /* maximum number of waiting batches */
	HTAB *wanted;       /* keys of this pass; NULL: all */
	HTAB *busy;         /* keys of unfinished batches */
	uint64 blocking;    /* key of the next row, if it is busy; else 0 */
	bool at_end;        /* of the table */
	bool rewritten;     /* the table was rewritten: places are invalid */
	dlist_head batches; /* batches that are not committed, in order */
	int kept;           /* the number of these */
	int waiting;        /* of these, not yet started */
} HlLoadQueue;

/* Creates the queue of a load in CurrentMemoryContext. */
extern HlLoadQueue *hl_load_queue_create(HlLoadSource *source,
										 HlLoadRecord *record, int batch_size);

/*
 * Prepares a pass, in a transaction with a snapshot; false: there is nothing
 * to send.
 */
extern bool hl_load_queue_begin(HlLoadQueue *queue);

/*
 * Whether batches are needed; makes batches, in a transaction with a snapshot.
 */
extern bool hl_load_queue_wants(const HlLoadQueue *queue);
extern void hl_load_queue_fill(HlLoadQueue *queue);

/* Records a batch that is done, in a transaction, and frees it. */
extern void hl_load_queue_end(HlLoadQueue *queue, HlLoadBatch *batch);

#endif
