/*
 * location.h
 *	  The resource that the Location header of a reply names. Only its type, id
 *	  and version are used; a location outside of the request's data store is
 *	  ignored.
 */
#ifndef HL_FHIR_LOCATION_H
#define HL_FHIR_LOCATION_H

#include "postgres.h"

#include "engine/engine.h"

typedef struct HlFhirLocation
{
	char *type;
	char *id;
	char *version; /* NULL: it names none */
} HlFhirLocation;

/*
 * Reads the location, Type/id or Type/id/_history/version below the base of the
 * data store, in a reply to that call; false for others and NULL. The strings
 * are palloc'd.
 */
extern bool hl_fhir_location(const HlCall *call, const char *datastore_id,
							 const char *location, HlFhirLocation *named);

#endif
