/*
 * protocol.h
 *	  The interface of a protocol: how the head of an attempt is written, how a
 *	  success is judged, and what an error says. Each protocol has its own
 *	  file. What they allocate belongs to the attempt and is replaced by the
 *	  next one.
 */
#ifndef HL_ENGINE_PROTOCOL_H
#define HL_ENGINE_PROTOCOL_H

#include "engine/attempt.h"

#define HL_PROTOCOL_HEADERS 8

/* Header lines in the order in which they are sent; all are signed. */
typedef struct HlHead
{
	int count;
	HlHeader headers[HL_PROTOCOL_HEADERS + 8];
} HlHead;

struct HlProtocol
{
	bool counts; /* tells AWS the invocation and the attempt */
	bool secret; /* its replies are: they are wiped */

	/* Adds the header lines of the protocol. */
	void (*write)(const HlCall *call, HlHead *head);

	/* The outcome of an attempt with a status from 200 to 299. */
	HlOutcome (*judge)(HlCall *call, const HlHttpReply *http);

	/* The outcome of one with a status from 400 to 599. */
	HlOutcome (*explain)(HlCall *call, const HlHttpReply *http);
};

/* Sets the limits of a provider's call anew, in CurrentMemoryContext. */
extern void hl_engine_limit(HlCall *call, const HlProviderRequest *request,
							const HlLimits *limits);

extern void hl_head_add(HlHead *head, const char *name, const char *value);

/* Sets a message of our own for a reply. */
extern HlOutcome hl_attempt_tell(HlCall *call, HlOutcome outcome,
								 const char *text);

/*
 * Masks in a server's message what no reply may repeat: the session token,
 * which AWS repeats when a signature does not match.
 */
extern void hl_attempt_hide(const HlCall *call, HlBytes *said);

#endif
