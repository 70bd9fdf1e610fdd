/*
 * read.h
 *	  Reads of resources by their ids, which see the latest writes, unlike
 *	  searches.
 */
#ifndef HL_FHIR_READ_H
#define HL_FHIR_READ_H

#include "postgres.h"

#include "fhir/request.h"

/* healthlake_fhir_read(type, id, version_id, datastore_id, region) */
extern Datum hl_fhir_read(FunctionCallInfo fcinfo);

/* A request for a resource, or for a version of it; NULL: the current one. */
extern HlFhirRequest *hl_fhir_read_request(const HlFhirPlace *place,
										   const char *type, const char *id,
										   const char *version);

/*
 * Whether a reply says that a resource does not exist or was deleted: its type
 * is one of FHIR, and it has an OperationOutcome. Without one the reply is
 * about the data store or the type.
 */
extern bool hl_fhir_is_missing(const HlReply *reply, const char *type);

#endif
