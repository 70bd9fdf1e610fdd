/*
 * delete_where.h
 *	  Deletes the resources that a search finds: first all ids are fetched and
 *	  counted, then the resources are deleted one by one, so that only counted
 *	  ones are deleted.
 */
#ifndef HL_FHIR_DELETE_WHERE_H
#define HL_FHIR_DELETE_WHERE_H

#include "postgres.h"

#include "fmgr.h"

extern Datum hl_delete_where(FunctionCallInfo fcinfo);

#endif
