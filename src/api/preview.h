/*
 * preview.h
 *	  What a call would send, without sending it.
 */
#ifndef HL_API_PREVIEW_H
#define HL_API_PREVIEW_H

#include "postgres.h"

#include "fmgr.h"

#include "api/model.h"

/* The row (url, headers, body) of healthlake_preview(), secrets masked. */
extern Datum hl_preview_row(FunctionCallInfo fcinfo,
							const HlOperation *operation);

#endif
