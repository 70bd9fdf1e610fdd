/*
 * operation.h
 *	  FHIR's operations ($member-match and its like) by their paths, also those
 *	  that AWS performs while nobody waits, and what is known of a store's own
 *	  capabilities and of a resource's validity.
 */
#ifndef HL_FHIR_OPERATION_H
#define HL_FHIR_OPERATION_H

#include "postgres.h"

#include "fmgr.h"

extern Datum hl_operation_call(FunctionCallInfo fcinfo);
extern Datum hl_operation_validate_next(FunctionCallInfo fcinfo);
extern Datum hl_operation_capabilities_next(FunctionCallInfo fcinfo);

#endif
