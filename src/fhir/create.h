/*
 * create.h
 *	  Creation of a resource whose id AWS makes, by a key that makes its
 *	  repetition harmless.
 */
#ifndef HL_FHIR_CREATE_H
#define HL_FHIR_CREATE_H

#include "postgres.h"

#include "fmgr.h"

/* healthlake_fhir_create(resource, idempotency_key, validation, …) */
extern Datum hl_fhir_create(FunctionCallInfo fcinfo);

#endif
