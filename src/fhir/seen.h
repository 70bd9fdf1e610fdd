/*
 * seen.h
 *	  The set of resources that a search has returned. Resources can move
 *	  between pages, and a repeated search finds those that were returned
 *	  before. It takes at most 64 bytes for each resource, in the
 *	  CurrentMemoryContext of hl_seen_create(), also while it grows.
 */
#ifndef HL_FHIR_SEEN_H
#define HL_FHIR_SEEN_H

#include "postgres.h"

typedef struct HlSeen HlSeen;

extern HlSeen *hl_seen_create(void);

/*
 * Adds a resource in a role ('m': match, 'i': included); false: already there.
 */
extern bool hl_seen_add(HlSeen *seen, char role, const char *type,
						const char *id);

#endif
