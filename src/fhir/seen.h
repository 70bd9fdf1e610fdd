/*
 * seen.h
 *	  The set of resources that a search has returned. Resources can move
 *	  between pages, and a search that starts again finds those that it has
 *	  returned before. It takes at most 64 bytes for each resource, in the
 *	  CurrentMemoryContext of the creation, also while it grows.
 */
#ifndef HL_FHIR_SEEN_H
#define HL_FHIR_SEEN_H

#include "postgres.h"

typedef struct HlSeen HlSeen;

extern HlSeen *hl_seen_create(void);

/* Adds a resource in a role ('m' for a match); false: it was there. */
extern bool hl_seen_add(HlSeen *seen, char role, const char *type,
						const char *id);

#endif
