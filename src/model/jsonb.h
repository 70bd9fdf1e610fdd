/*
 * jsonb.h
 *	  Jsonb of JSON that has been read, in CurrentMemoryContext. Throws what
 *	  jsonb's input throws: a number beyond numeric (22003), a character that the
 *	  database lacks (22P05), too much of something (54000).
 */
#ifndef HL_MODEL_JSONB_H
#define HL_MODEL_JSONB_H

#include "postgres.h"

#include "base/json.h"

extern Datum hl_jsonb_of(const HlJson *node);

#endif
