/*
 * create.h
 *	  Creation of a resource whose id AWS assigns, with an idempotency key that
 *	  makes a repetition safe.
 */
#ifndef HL_FHIR_CREATE_H
#define HL_FHIR_CREATE_H

#include "postgres.h"

#include "fmgr.h"

/* healthlake_fhir_create(resource, idempotency_key, validation, …) */
extern Datum hl_fhir_create(FunctionCallInfo fcinfo);

#endif
