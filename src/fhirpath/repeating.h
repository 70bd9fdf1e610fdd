/*
 * repeating.h
 *	  Which elements of FHIR R4 may be there several times, generated from its
 *	  StructureDefinitions by test/fhir/repeating.py. The tables are static.
 */
#ifndef HL_FHIRPATH_REPEATING_H
#define HL_FHIRPATH_REPEATING_H

#include "postgres.h"

/* One row: a type of resources or the name of an element, and its lists. */
typedef struct HlRepeating
{
	const char *parent;
	const char *children; /* each with a blank before and behind */
} HlRepeating;

/* By their parents, as bytes order them. */
extern const HlRepeating hl_repeating[];
extern const int hl_repeating_count;

/* Whether an element of a resource, or of an element, may be a list. */
extern bool hl_repeating_has(const char *parent, int parentlen,
							 const char *name, int len);

#endif
