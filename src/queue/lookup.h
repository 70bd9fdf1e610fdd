/*
 * lookup.h
 *	  Before a request is sent again that AWS may have carried out long ago, or
 *	  for another server, AWS is searched for what it has made: a data store by
 *	  its name and time, and by the tag that healthlake.tag_requests adds; a
 *	  job by its name.
 */
#ifndef HL_QUEUE_LOOKUP_H
#define HL_QUEUE_LOOKUP_H

#include "queue/queued.h"

/*
 * Makes the ending: what was found is adopted. What was not leaves the outcome
 * unknown, unless nothing had been sent as far as this row knows: then the
 * request may be sent. In a transaction, with SPI connected; takes requests.
 */
extern void hl_queued_look(HlQueued *queued, const HlStore *store);

#endif
