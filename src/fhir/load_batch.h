/*
 * load_batch.h
 *	  A part of a load: rows that are sent together, and their outcomes. A
 *	  batch that AWS rejects as a whole is sent in smaller parts, until the
 *	  rejected resource is alone. Resources that AWS cannot take now are sent
 *	  again later.
 */
#ifndef HL_FHIR_LOAD_BATCH_H
#define HL_FHIR_LOAD_BATCH_H

#include "postgres.h"

#include "lib/ilist.h"
#include "nodes/pg_list.h"

#include "fhir/answers.h"
#include "fhir/load_record.h"

typedef struct HlLoadBatch
{
	dlist_node node;
	MemoryContext memory; /* of the batch and all that is in it */
	HlLoadResource **resources;
	int count;
	size_t bytes;
	HlLoadPlace last; /* of the rows that it stands for */
	List *refusals;   /* HlLoadRefusal */
	int64 taken;      /* by AWS */
	bool over;        /* and recorded */

	HlLoadResource **left; /* still to be sent */
	int nleft;
	int portion;     /* how many of them at once */
	int asked;       /* are under way */
	bool flying;     /* and not ended */
	int tries;       /* in a row that brought nothing */
	int busy_status; /* that the last of these had */
	int64 due;       /* not before, by hl_clock_steady_ms() */
} HlLoadBatch;

/* Makes an empty batch in a context of its own. */
extern HlLoadBatch *hl_load_batch_create(MemoryContext parent, int most);

/* Adds a copy of a resource, which is sent or was refused here. */
extern void hl_load_batch_add(HlLoadBatch *batch,
							  const HlLoadResource *resource);

/* Makes it ready to be sent. */
extern void hl_load_batch_close(HlLoadBatch *batch);

/* The Bundle of the next portion, in CurrentMemoryContext; and its entries. */
extern char *hl_load_batch_write(HlLoadBatch *batch, HlFhirEntries *entries);

/* Takes AWS's answers to the portion. */
extern void hl_load_batch_take(HlLoadBatch *batch, const HlFhirAnswer *answers);

/*
 * AWS rejected the portion as a whole because of its contents: the next one is
 * smaller, or its only resource is the rejected one.
 */
extern void hl_load_batch_divide(HlLoadBatch *batch, int status,
								 const char *code, const char *expression);

#endif
