/*
 * create.h
 *	  Creates SQL views for ViewDefinitions. Results are palloc'd.
 */
#ifndef HL_FHIRPATH_CREATE_H
#define HL_FHIRPATH_CREATE_H

#include "postgres.h"

#include "fmgr.h"

#include "fhirpath/view.h"

/* The columns of a view as a column definition list: id text, family text. */
extern char *hl_create_column_list(const HlView *view);

/* The body of healthlake_fhir_create_view(). */
extern Datum hl_create_view(FunctionCallInfo fcinfo);

#endif
