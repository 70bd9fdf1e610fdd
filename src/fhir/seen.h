/*
 * seen.h
 *	  The set of resources that a search has given already. Data moves between
 *	  pages, and a search that begins again meets what it has given before.
 *	  At most 64 bytes for each resource, in CurrentMemoryContext of the
 *	  creation, also while the set grows.
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
