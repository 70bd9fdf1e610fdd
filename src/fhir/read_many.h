/*
 * read_many.h
 *	  Reads many resources of a type by their ids, at most
 *	  healthlake.max_concurrency at a time, and returns a row for each, in the
 *	  order of the ids. All ids are checked before the first is sent.
 */
#ifndef HL_FHIR_READ_MANY_H
#define HL_FHIR_READ_MANY_H

#include "postgres.h"

#include "fmgr.h"

/* healthlake_fhir_read_many(type, ids, …) */
extern Datum hl_fhir_read_many(FunctionCallInfo fcinfo);

#endif
