/*
 * protocol.h
 *	  The interface of a protocol: how the head of an attempt is written, how a
 *	  success is judged, and how an error is read. Each protocol has its own
 *	  file. What its functions allocate belongs to the attempt and is replaced
 *	  by the next one.
 */
#ifndef HL_ENGINE_PROTOCOL_H
#define HL_ENGINE_PROTOCOL_H

#include "engine/attempt.h"

#define HL_HEAD_HEADERS 16

/* Header lines in the order in which they are sent; all are signed. */
typedef struct HlHead
{
	int count;
	bool crowded; /* there were more */
	HlHeader headers[HL_HEAD_HEADERS];
} HlHead;

struct HlProtocol
{
	bool counts; /* sends amz-sdk-invocation-id and amz-sdk-request */
	bool secret; /* its replies contain secrets, and are wiped */

	/* Adds the header lines of the protocol. */
	void (*write)(const HlCall *call, HlHead *head);

	/* The outcome of an attempt with a status from 200 to 299. */
	HlOutcome (*judge)(HlCall *call, const HlHttpReply *http);

	/* The outcome of one with a status from 400 to 599. */
	HlOutcome (*explain)(HlCall *call, const HlHttpReply *http);
};

/*
 * Replaces the limits of a provider's call by a copy in CurrentMemoryContext
 * that has the request's timeout and size.
 */
extern void hl_engine_limit(HlCall *call, const HlProviderRequest *request,
							const HlLimits *limits);

extern void hl_head_add(HlHead *head, const char *name, const char *value);

/* Sets the reply's "network" to a copy of the text, and returns the outcome. */
extern HlOutcome hl_attempt_tell(HlCall *call, HlOutcome outcome,
								 const char *text);

/*
 * Reads the body of a success, a JSON object, into the reply's document. If it
 * is none, the outcome is MALFORMED, without a message, or LOST if the reply
 * has no length and so may have been truncated.
 */
extern HlOutcome hl_attempt_read_object(HlCall *call, const HlHttpReply *http,
										const char *text, size_t len);

/*
 * Reads code and message of AWS's own error, from headers and body; masks the
 * session token in the message. False if it is none.
 */
extern bool hl_attempt_read_error(HlCall *call, const HlHttpReply *http);

/*
 * Masks the session token in a server's message: AWS quotes it when a signature
 * does not match.
 */
extern void hl_attempt_hide(const HlCall *call, HlBytes *said);

#endif
