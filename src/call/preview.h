/*
 * preview.h
 *	  Shows the request of a call without sending it.
 */
#ifndef HL_CALL_PREVIEW_H
#define HL_CALL_PREVIEW_H

#include "postgres.h"

#include "fmgr.h"

#include "model/model.h"

/* The row (url, headers, body) of healthlake_preview(), secrets masked. */
extern Datum hl_preview_row(FunctionCallInfo fcinfo,
							const HlOperation *operation);

#endif
