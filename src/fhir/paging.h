/*
 * paging.h
 *	  A search, a history or $everything, entry by entry over all its pages.
 *	  The next page is in flight while one is read. What has been given is not
 *	  given again, also where the search must begin anew: a page's token that
 *	  is refused, or a page that is too large.
 *
 *	  All lives in the CurrentMemoryContext of the start, a page in memory of
 *	  its own that goes when the next one is read; with that memory goes what
 *	  is in flight.
 */
#ifndef HL_FHIR_PAGING_H
#define HL_FHIR_PAGING_H

#include "postgres.h"

#include "aws/searchset.h"
#include "fhir/request.h"

/* The request; its strings must live as long as the paging. */
typedef struct HlPagingPlan
{
	const HlFhirPlace *place;
	HlFhirName first;    /* the operation of the first request */
	HlFhirName further;  /* that of the pages after it */
	const char *method;  /* of the first request: POST, or GET */
	const char *path;    /* its path below the data store */
	const char *form;    /* its parameters, less the size of the pages */
	const char *subject; /* the type, or type/id, it is about; NULL: neither */
	int page_size;       /* from 1 to 100 */
	int64 most;          /* matches that are wanted */
	bool strict;         /* refuse parameters that the server does not know */
	bool versions;       /* a history: each version is an entry of its own */
} HlPagingPlan;

typedef struct HlPaging HlPaging;

extern HlPaging *hl_paging_start(const HlPagingPlan *plan);

/*
 * Returns the next entry, a match or an included one, which lives until the
 * next call; false: there is none. Throws what the requests throw, and 38P01
 * for a link that leads elsewhere and for a resource that is too large.
 */
extern bool hl_paging_next(HlPaging *paging, HlEntry *entry);

#endif
