/*
 * pages.h
 *	  The pages of a list, fetched until AWS returns no further token. A token
 *	  that is returned a second time is an error, since the list would never
 *	  end. An HlPages lives in the CurrentMemoryContext of hl_pages_start(), a
 *	  page in that of its fetching.
 */
#ifndef HL_CALL_PAGES_H
#define HL_CALL_PAGES_H

#include "postgres.h"

#include "base/json.h"
#include "engine/engine.h"
#include "model/request.h"

typedef struct HlPages HlPages;

/*
 * Begins with the request of the first page, as for hl_request_make(). A page
 * size in "more" is respected; a token there is refused (22023).
 */
extern HlPages *hl_pages_start(const HlOperation *operation, const char *json,
							   const char *more, const char *region);

/*
 * The next page in two steps, for callers that send the request themselves:
 * the request (NULL: there is no next page), which lives in
 * CurrentMemoryContext, and then AWS's reply. Throws 38P01 for a repeated
 * token.
 */
extern HlRequest *hl_pages_request(HlPages *pages, int64 wanted);
extern void hl_pages_take(HlPages *pages, const HlJson *page);

/*
 * Fetches the next page, of at most "wanted" items; NULL: there is none.
 * Throws what the call throws, and 38P01 for a repeated token.
 */
extern const HlReply *hl_pages_next(HlPages *pages, int64 wanted);

#endif
