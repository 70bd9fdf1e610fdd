/*
 * stream.h
 *	  Operations whose reply is an event stream: its texts are sent to the
 *	  client as they arrive, and its events are returned as rows. The texts may
 *	  be sensitive and are never logged.
 */
#ifndef HL_CALL_STREAM_H
#define HL_CALL_STREAM_H

#include "postgres.h"

#include "fmgr.h"

#include "engine/engine.h"
#include "model/model.h"

/* Sends the client, as NOTICEs, the texts of events since the last call. */
extern void hl_stream_tell(HlCall *call);

/*
 * The body of a set-returning function: performs the operation at its first
 * call, and returns the next event, or the end. The column "event" is AWS's
 * name of the event; heartbeats and unknown events have no row.
 */
extern Datum hl_stream_next(FunctionCallInfo fcinfo,
							const HlOperation *operation);

#endif
