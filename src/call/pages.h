/*
 * pages.h
 *	  The pages of a list, fetched until AWS returns no further token. A token
 *	  that is returned a second time is an error, since the list would never
 *	  end. The pages live in the CurrentMemoryContext of the start, a page in
 *	  that of its fetching.
 */
#ifndef HL_CALL_PAGES_H
#define HL_CALL_PAGES_H

#include "postgres.h"

#include "base/json.h"
#include "model/request.h"

typedef struct HlPages HlPages;

/*
 * Begins with the request of the first page, as for hl_request_make(). A page
 * size in "more" is respected; a token there is refused (22023).
 */
extern HlPages *hl_pages_start(const HlOperation *operation, const char *json,
							   const char *more, const char *region);

/*
 * The same in two steps, for callers that send the request themselves: the
 * request of the next page (NULL: there is none), which lives in
 * CurrentMemoryContext, and then AWS's reply. Throws 38P01 for a token that
 * repeats.
 */
extern HlRequest *hl_pages_request(HlPages *pages, int64 wanted);
extern void hl_pages_take(HlPages *pages, const HlJson *page);

/*
 * Fetches the next page, of no more items than are wanted; NULL when there is
 * none. Throws what the call throws, and 38P01 for a token that repeats.
 */
extern const HlJson *hl_pages_next(HlPages *pages, int64 wanted);

#endif
