/*
 * delete_where.h
 *	  Deleting what a search finds: the ids first, all of them, and then each
 *	  by itself, so that nothing goes but what was counted.
 */
#ifndef HL_FHIR_DELETE_WHERE_H
#define HL_FHIR_DELETE_WHERE_H

#include "postgres.h"

#include "fmgr.h"

extern Datum hl_delete_where(FunctionCallInfo fcinfo);

#endif
