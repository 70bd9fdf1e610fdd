/*
 * fhir_look.h
 *	  After a sending of a FHIR request whose outcome is unknown, a read tells
 *	  what became of it.
 */
#ifndef HL_QUEUE_FHIR_LOOK_H
#define HL_QUEUE_FHIR_LOOK_H

#include "queue/queued.h"

/*
 * Begins a look, or continues it with the reply in queued->heard, like
 * hl_search_look() in search.h.
 */
extern HlRequest *hl_fhir_look(HlQueued *queued, const HlStore *store);

#endif
