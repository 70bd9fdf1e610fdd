/*
 * load_batch.h
 *	  A part of a load: rows that are sent together, and their outcomes. A
 *	  batch that AWS rejects as a whole is sent in smaller portions, until the
 *	  rejected resource is alone. Resources that AWS cannot accept now are sent
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
	MemoryContext memory; /* of the batch and its contents */
	HlLoadResource **resources;
	int count;
	size_t bytes;
	HlLoadPlace last; /* of the rows of this batch */
	List *issues;     /* HlLoadIssue */
	int64 taken;      /* stored by AWS */
	int64 vague;      /* replies with validation issues of no entry */
	bool over;        /* all is sent and answered */

	HlLoadResource **left; /* still to be sent */
	int nleft;
	int portion;     /* resources in the next request */
	int asked;       /* resources in the current request */
	bool flying;     /* a request is in flight */
	int tries;       /* consecutive attempts without a success */
	int busy_status; /* HTTP status of the last of these */
	int64 due;       /* earliest time of the next, hl_clock_steady_ms() */
} HlLoadBatch;

/*
 * Creates an empty batch of at most "most" resources, in its own memory
 * context.
 */
extern HlLoadBatch *hl_load_batch_create(MemoryContext parent, int most);

/* Adds a copy of a resource, to be sent, or already refused (code is set). */
extern void hl_load_batch_add(HlLoadBatch *batch,
							  const HlLoadResource *resource);

/* Completes the batch, so that it can be sent. */
extern void hl_load_batch_close(HlLoadBatch *batch);

/*
 * Writes the Bundle of the next portion and fills in its entries, in
 * CurrentMemoryContext.
 */
extern char *hl_load_batch_write(HlLoadBatch *batch, HlFhirEntries *entries);

/*
 * Processes AWS's answers to the portion; issues: something in it was stored
 * with validation issues.
 */
extern void hl_load_batch_take(HlLoadBatch *batch, const HlFhirAnswer *answers,
							   bool issues);

/*
 * AWS rejected the portion as a whole because of its contents: the next one is
 * smaller, or its only resource is the rejected one.
 */
extern void hl_load_batch_divide(HlLoadBatch *batch, int status,
								 const char *code, const char *expression);

#endif
