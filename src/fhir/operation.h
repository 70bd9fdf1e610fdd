/*
 * operation.h
 *	  FHIR operations (such as $member-match) by their paths, including those
 *	  that AWS performs asynchronously.
 */
#ifndef HL_FHIR_OPERATION_H
#define HL_FHIR_OPERATION_H

#include "postgres.h"

#include "fmgr.h"

extern Datum hl_operation_call(FunctionCallInfo fcinfo);
extern Datum hl_operation_validate_next(FunctionCallInfo fcinfo);
extern Datum hl_operation_capabilities_next(FunctionCallInfo fcinfo);

#endif
