/*
 * truth.h
 *	  FHIRPath's three-valued logic: an empty collection is unknown.
 */
#ifndef HL_FHIRPATH_TRUTH_H
#define HL_FHIRPATH_TRUTH_H

#include "postgres.h"

typedef enum HlTruth
{
	HL_FALSE,
	HL_TRUE,
	HL_UNKNOWN
} HlTruth;

/* Converts a bool. */
static inline HlTruth
hl_truth_of(bool value)
{
	return value ? HL_TRUE : HL_FALSE;
}

/* Negates; unknown stays unknown. */
static inline HlTruth
hl_truth_not(HlTruth truth)
{
	return truth == HL_UNKNOWN ? HL_UNKNOWN : hl_truth_of(truth == HL_FALSE);
}

#endif
