/*
 * change.h
 *	  Updates, patches and deletions of a resource with a known id, and the
 *	  update of the resource that a search finds.
 */
#ifndef HL_FHIR_CHANGE_H
#define HL_FHIR_CHANGE_H

#include "postgres.h"

#include "fmgr.h"

/* healthlake_fhir_update(resource, if_match, only_new, validation, …) */
extern Datum hl_fhir_update(FunctionCallInfo fcinfo);

/* healthlake_fhir_update_where(resource, parameters, …) */
extern Datum hl_fhir_update_where(FunctionCallInfo fcinfo);

/* healthlake_fhir_patch(type, id, patch, if_match, …) */
extern Datum hl_fhir_patch(FunctionCallInfo fcinfo);

/* healthlake_fhir_delete(type, id, if_match, …) */
extern Datum hl_fhir_delete(FunctionCallInfo fcinfo);

#endif
