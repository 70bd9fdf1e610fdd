/*
 * analysis.h
 *	  Properties of a path that are known before it is evaluated.
 */
#ifndef HL_FHIRPATH_ANALYSIS_H
#define HL_FHIRPATH_ANALYSIS_H

#include "postgres.h"

#include "fhirpath/parse.h"

/* The FHIR type of all results of a path, or NULL. */
extern const char *hl_analysis_type(const HlNode *node, int *len);

/* Whether a path returns a boolean or nothing for every document. */
extern bool hl_analysis_is_boolean(const HlNode *node);

/*
 * Whether a path returns at most one item for a type of resources, as far as
 * FHIR's definitions show.
 */
extern bool hl_analysis_is_single(const HlNode *node, const char *resource,
								  int len);

/*
 * Whether a path returns only primitive values: no complex ones, and no
 * elements that have only extensions.
 */
extern bool hl_analysis_is_computed(const HlNode *node);

/*
 * Assigns the same slot to equal nodes of paths, if they depend only on the
 * context; counts from *nslots.
 */
extern void hl_analysis_share(HlPath **paths, int npaths, int *nslots);

#endif
