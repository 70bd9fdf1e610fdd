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
	const char *type;
	const char *id;
	const char *version; /* or NULL */
} HlFhirLocation;

/*
 * Reads the location, Type/id or Type/id/_history/version below the base of
 * the data store, in a reply to that call; false for other locations and for
 * NULL. The strings are palloc'd.
 */
extern bool hl_fhir_location(const HlCall *call, const char *datastore_id,
							 const char *location, HlFhirLocation *named);

/*
 * The resource that a successful write has stored, if the reply has an
 * OperationOutcome in its place: from the headers and what the write named (id
 * NULL: HealthLake assigns it). False if it has none, or if they contradict
 * each other or do not tell the id.
 */
extern bool hl_fhir_location_stored(const HlCall *call,
									const char *datastore_id, const char *type,
									const char *id, HlFhirLocation *named);

#endif
