/*
 * rights.h
 *	  Privileges of functions through which several things can be done: each of
 *	  them requires its own word of healthlake_grant().
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

/* Refuses (42501) the current user without one of these, or'ed. */
extern void hl_fhir_need_words(int words);

#endif
