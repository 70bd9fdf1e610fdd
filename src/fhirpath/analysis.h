/*
 * analysis.h
 *	  Properties of a path that are known before it is evaluated. Nothing is
 *	  kept.
 */
#ifndef HL_FHIRPATH_ANALYSIS_H
#define HL_FHIRPATH_ANALYSIS_H

#include "postgres.h"

#include "fhirpath/parse.h"

/* The FHIR type that a path always gives, or NULL. */
extern const char *hl_analysis_type(const HlNode *node, int *len);

/* Whether a path gives a boolean or nothing, whatever the document. */
extern bool hl_analysis_is_boolean(const HlNode *node);

/*
 * Whether a path gives one item at most, as far as FHIR's definitions of a
 * type of resources tell.
 */
extern bool hl_analysis_is_single(const HlNode *node, const char *resource,
								  int len);

/*
 * Gives equal nodes of paths, as far as they depend on the context alone, the
 * same slot; counts from *nslots.
 */
extern void hl_analysis_share(HlPath **paths, int npaths, int *nslots);

#endif
