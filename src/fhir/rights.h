/*
 * rights.h
 *	  Rights of doors through which several things can be done: whoever comes
 *	  through one needs the word of healthlake_grant() for each of them.
 */
#ifndef HL_FHIR_RIGHTS_H
#define HL_FHIR_RIGHTS_H

#include "postgres.h"

/* What one may do with resources, each a word of healthlake_grant(). */
typedef enum HlFhirWord
{
	HL_FHIR_MAY_READ = 1,
	HL_FHIR_MAY_WRITE = 2,
	HL_FHIR_MAY_DELETE = 4
} HlFhirWord;

/* Refuses (42501) the current user who lacks one of these, or'ed. */
extern void hl_fhir_need_words(int words);

#endif
