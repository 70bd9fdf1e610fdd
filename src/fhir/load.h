/*
 * load.h
 *	  A table of resources into a data store: PUTs in batches, several at once.
 *
 *	  A load is a sequence of passes. The first sends every row; each further
 *	  one those that came after the beginning of the one before, until there are
 *	  none. Each batch that has ended is committed, so that a load which was
 *	  interrupted goes on where it was, and a batch whose end was not recorded is
 *	  sent again, which leaves the same.
 */
#ifndef HL_FHIR_LOAD_H
#define HL_FHIR_LOAD_H

#include "postgres.h"

#include "fmgr.h"

/* The body of healthlake_fhir_load(). */
extern Datum hl_load_call(FunctionCallInfo fcinfo);

#endif
