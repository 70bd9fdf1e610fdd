/*
 * location.h
 *	  The resource that a reply's Location names. Only its type, id and version
 *	  are taken, off its end and strictly checked: no host or path of a reply's
 *	  is ever asked.
 */
#ifndef HL_FHIR_LOCATION_H
#define HL_FHIR_LOCATION_H

#include "postgres.h"

typedef struct HlFhirLocation
{
	char *type;
	char *id;
	char *version; /* NULL: it names none */
} HlFhirLocation;

/*
 * Reads [any base]/Type/id or Type/id/_history/version; false for what is none.
 * The strings are palloc'd.
 */
extern bool hl_fhir_location(const char *location, HlFhirLocation *named);

#endif
