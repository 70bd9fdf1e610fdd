/*
 * events.h
 *	  Reads replies that are event streams. The reply of a call whose "stream"
 *	  is set is parsed as it arrives, and the protocol calls hl_events_judge().
 *	  The events become a list in the reply's document, each an object with one
 *	  member: {"AgentResponse": [{"TextMessageEvent": ...}]}. Parsed data
 *	  belongs to the attempt and is freed with the call.
 */
#ifndef HL_ENGINE_EVENTS_H
#define HL_ENGINE_EVENTS_H

#include "postgres.h"

#include "aws/eventstream.h"
#include "engine/engine.h"
#include "http/http.h"

/* The events of an attempt that were read so far. */
typedef struct HlEvents
{
	HlEventStream stream;
	size_t read;       /* bytes read of the body */
	int64 messages;    /* complete messages of any type */
	bool ended;        /* the final event was read */
	HlOutcome failure; /* outcome of an error event; NONE: none */
	const char *fault; /* why the stream is invalid; or NULL */
	HlBytes members;   /* of the reply, from its initial response */
	HlBytes list;      /* the events as JSON, one on each line */
	size_t seen;       /* bytes of the list returned by hl_events_next() */
	HlBytes code;      /* of the error event */
	HlBytes message;
	HlJsonDocument document; /* of one event */
} HlEvents;

/* Resets the state at the beginning of an attempt. */
extern void hl_events_begin(HlEvents *events);
extern void hl_events_free(HlEvents *events);

/* Reads new bytes of a body; true if a message was completed. */
extern bool hl_events_read(const HlCall *call, const HlBytes *body);

/* Whether reading has ended, by the final event or a fault. */
extern bool hl_events_are_over(const HlCall *call);

/* The outcome of an attempt with a status from 200 to 299. */
extern HlOutcome hl_events_judge(HlCall *call, const HlHttpReply *http);

/*
 * The next new event of a call, in flight or done: an object with one member,
 * valid until the next call of this function; NULL: none.
 */
extern const HlJson *hl_events_next(HlCall *call);

#endif
