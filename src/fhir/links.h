/*
 * links.h
 *	  Links between the resources of a transaction, replaced as a server
 *	  replaces them that assigns the ids (FHIR R4, http.html, transaction).
 *
 *	  A link is replaced if it is the fullUrl of an entry, whole or before a #,
 *	  in a reference, in an element of type uri, url, oid or uuid, and in href
 *	  and src of a narrative. A relative one is resolved against the fullUrl of
 *	  its own entry. Canonical and conditional references stay as they are, and
 *	  so does a URL that is the canonical one of the resource itself.
 */
#ifndef HL_FHIR_LINKS_H
#define HL_FHIR_LINKS_H

#include "postgres.h"

#include "fhir/entries.h"

/*
 * Appends the resource of an entry, or its JSON Patch, with links replaced and
 * with the entry's id, if it was given one. Returns why that is not possible,
 * a static text without any value, or NULL.
 */
extern const char *hl_links_append(HlBytes *bytes, const HlFhirEntries *entries,
								   const HlFhirEntry *entry);

/* Whether two entries have the same fullUrl. */
extern bool hl_links_are_same(const char *one, const char *other);

#endif
