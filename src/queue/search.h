/*
 * search.h
 *	  Searches AWS before a request is sent again that may have been carried
 *	  out more than an hour ago or by another server. A data store is found by
 *	  its name and time, or by the tag that healthlake.tag_requests adds; a job
 *	  by its name.
 */
#ifndef HL_QUEUE_SEARCH_H
#define HL_QUEUE_SEARCH_H

#include "queue/queued.h"

/*
 * Begins a search, or continues it with the reply in queued->heard: returns the
 * request to be sent next, or makes the ending and returns NULL. If the search
 * finds the result of the request, the row gets it. If not, the outcome is
 * unknown, unless the row has no record of an attempt: then the request may be
 * sent. In a transaction, with SPI connected and in the row's memory; throws
 * the failure of a request of the search.
 */
extern HlRequest *hl_search_look(HlQueued *queued, const HlStore *store);

/* Makes the ending where there is nothing to search for. */
extern void hl_search_conclude_blindly(HlQueued *queued);

#endif
