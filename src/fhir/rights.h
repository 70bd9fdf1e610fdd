/*
 * rights.h
 *	  Privileges of functions with several effects: each effect requires its
 *	  own word of healthlake_grant().
 */
#ifndef HL_FHIR_RIGHTS_H
#define HL_FHIR_RIGHTS_H

#include "postgres.h"

#include "audit/store.h"

/* Rights on resources; each is a word of healthlake_grant(). */
typedef enum HlFhirWord
{
	HL_FHIR_MAY_READ = 1,
	HL_FHIR_MAY_WRITE = 2,
	HL_FHIR_MAY_DELETE = 4
} HlFhirWord;

/* Whether the current user has that right. */
extern bool hl_fhir_may(HlFhirWord word);

/* Throws 42501 if the current user lacks one of these words (or'ed). */
extern void hl_fhir_need_words(int words);

/*
 * Whether a role may make a deferred write: its request in the form of
 * deferred.h, and each entry of a bundle.
 */
extern bool hl_fhir_permits(const HlStore *store, const char *request,
							Oid role);

#endif
