/*
 * load.h
 *	  Loads a table of resources into a data store, by concurrent batches of
 *	  PUTs.
 *
 *	  A load is a sequence of passes. The first sends every row; each further
 *	  one sends the rows that are newer than the snapshot of the previous pass,
 *	  until there are none. Progress is committed after each batch, so an
 *	  interrupted load continues where it stopped. A batch whose end was not
 *	  recorded is sent again, with the same result.
 */
#ifndef HL_FHIR_LOAD_H
#define HL_FHIR_LOAD_H

#include "postgres.h"

#include "fmgr.h"

/* The body of healthlake_fhir_load(). */
extern Datum hl_load_call(FunctionCallInfo fcinfo);

#endif
