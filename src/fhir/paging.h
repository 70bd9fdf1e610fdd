/*
 * paging.h
 *	  A search, a history or $everything, entry by entry over all its pages.
 *	  The next page is in flight while one is read. No entry is returned twice,
 *	  even if the search must be repeated because the token of a page was
 *	  refused, or because a page was too large.
 *
 *	  An HlPaging lives in the CurrentMemoryContext of hl_paging_start(). A
 *	  page has its own memory, which is released when the next one is read; a
 *	  transfer in flight is aborted with the memory.
 */
#ifndef HL_FHIR_PAGING_H
#define HL_FHIR_PAGING_H

#include "postgres.h"

#include "aws/searchset.h"
#include "fhir/request.h"
#include "model/response.h"

/* The request; its strings must live as long as the paging. */
typedef struct HlPagingPlan
{
	const HlFhirPlace *place;
	HlFhirName first;    /* the operation of the first request */
	HlFhirName further;  /* the operation of further requests */
	const char *method;  /* of the first request: POST, or GET */
	const char *path;    /* the path below the data store */
	const char *form;    /* the parameters, without _count */
	const char *subject; /* type, or type/id; or NULL */
	int page_size;       /* from 1 to 100 */
	int64 most;          /* maximum number of matches */
	bool strict;         /* Prefer: handling=strict */
	bool versions;       /* a history: versions are separate entries */
} HlPagingPlan;

typedef struct HlPaging HlPaging;

extern HlPaging *hl_paging_start(const HlPagingPlan *plan);

/*
 * Returns the next entry, a match or an included one, which is valid until the
 * next call; false at the end. Throws what the requests throw, and 38P01 for a
 * link outside of the data store and for a resource that is too large.
 */
extern bool hl_paging_next(HlPaging *paging, HlEntry *entry);

/* Converts a part of that entry; throws 38P01 if the database cannot hold it.
 */
extern Datum hl_paging_take(const HlPaging *paging, HlConversion convert,
							const void *argument);

#endif
