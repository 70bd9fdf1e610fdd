/*
 * jsonb.h
 *	  Converts parsed JSON to jsonb in CurrentMemoryContext. Throws what
 *	  jsonb's input throws: a number outside the range of numeric (22003), a
 *	  character that the database encoding lacks (22P05), a size limit (54000).
 */
#ifndef HL_MODEL_JSONB_H
#define HL_MODEL_JSONB_H

#include "postgres.h"

#include "base/json.h"

extern Datum hl_jsonb_of(const HlJson *node);

#endif
