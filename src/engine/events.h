/*
 * events.h
 *	  Reads replies that are event streams: the reply of a call whose "stream"
 *	  is set is parsed as it arrives, and the protocol judges it by
 *	  hl_events_judge(). The events become a list in the reply's document, each
 *	  an object with one member: {"AgentResponse": [{"TextMessageEvent":
 *	  ...}]}. The parsed data belongs to the attempt and is freed with the
 *	  call.
 */
#ifndef HL_ENGINE_EVENTS_H
#define HL_ENGINE_EVENTS_H

#include "postgres.h"

#include "aws/eventstream.h"
#include "engine/engine.h"
#include "http/http.h"

/* Of an attempt, as far as it has been read. */
typedef struct HlEvents
{
	HlEventStream stream;
	size_t read;       /* bytes of the body */
	int64 messages;    /* that came whole, whatever is in them */
	bool ended;        /* with the event that ends the stream */
	HlOutcome failure; /* what an error in it comes to; NONE: there is none */
	const char *fault; /* why it is not a valid stream, in words; or NULL */
	HlBytes members;   /* of the reply, from an initial response */
	HlBytes list;      /* the events as JSON, one a line */
	size_t seen;       /* bytes of the list */
	HlBytes code;      /* of the error; AWS's */
	HlBytes message;
	HlJsonDocument document; /* of one event */
} HlEvents;

/* Begins an attempt: nothing has been read. */
extern void hl_events_begin(HlEvents *events);
extern void hl_events_free(HlEvents *events);

/* Reads what is new in a body; true: some message is. */
extern bool hl_events_read(const HlCall *call, const HlBytes *body);

/* Whether nothing more is to be read, because of the end or a fault. */
extern bool hl_events_are_over(const HlCall *call);

/* The outcome of an attempt with a status from 200 to 299. */
extern HlOutcome hl_events_judge(HlCall *call, const HlHttpReply *http);

/*
 * The next new event of a call, in flight or done: an object with one member,
 * valid until the next call of this function; NULL: there is none.
 */
extern const HlJson *hl_events_next(HlCall *call);

#endif
