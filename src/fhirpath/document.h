/*
 * document.h
 *	  A resource as an argument, decompressed once for all columns that read
 *	  it; PostgreSQL would decompress it again for each function call. The last
 *	  one is kept until the backend ends, in its own memory context, and is
 *	  valid until the next call.
 */
#ifndef HL_FHIRPATH_DOCUMENT_H
#define HL_FHIRPATH_DOCUMENT_H

#include "postgres.h"

#include "utils/jsonb.h"

extern Jsonb *hl_document_of(Datum argument);

#endif
