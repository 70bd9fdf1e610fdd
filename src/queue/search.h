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
 * Begins a search, or goes on with the reply that is queued->heard: gives the
 * request that is to be sent next, or makes the ending and gives NULL. What was
 * found is adopted. What was not leaves the outcome unknown, unless nothing had
 * been sent as far as this row knows: then the request may be sent. In a
 * transaction, with SPI connected and in the row's memory; throws what a
 * request of the search has failed of.
 */
extern HlRequest *hl_queued_look(HlQueued *queued, const HlStore *store);

/*
 * Endings of a search: nothing tells what became of the sending; it may be sent
 * now, unless that is for another cluster or database to do; or it is one of
 * these, where there is nothing to search for.
 */
extern void hl_queued_leave_unknown(HlQueued *queued, const char *message);
extern void hl_queued_let_go_out(HlQueued *queued);
extern void hl_queued_conclude_blindly(HlQueued *queued);

#endif
