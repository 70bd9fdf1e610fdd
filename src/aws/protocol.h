/*
 * protocol.h
 *	  What awsJson 1.0 puts into the bodies of requests and replies. Works on
 *	  JSON and shapes alone; headers, signing and sending are others'. All
 *	  results go into the caller's HlBytes and HlJsonDocument, which the
 *	  caller frees; a failed HlBytes says that memory ran out.
 */
#ifndef HL_AWS_PROTOCOL_H
#define HL_AWS_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/shape.h"
#include "base/bytes.h"
#include "base/json.h"

#define HL_PROTOCOL_CONTENT_TYPE "application/x-amz-json-1.0"

/*
 * Writes the body of a request that was validated: members in the model's
 * order, then those that the model does not know, as they are; null members
 * left out; timestamps as epoch seconds; an object for a string of JSON as
 * its text. The token, unless NULL, stands where the request has none.
 */
extern void hl_protocol_write_request(HlBytes *body, const HlShape *input,
									  const HlJson *request, const char *token);

/*
 * Reads and checks the body of a success, of which an empty one means {}.
 * Nothing is dropped: members that the shape does not know stay in the
 * document. False and a reason (a few words; it may name a path) where it is
 * no JSON object, lacks a required member or has one of another type.
 */
extern bool hl_protocol_read_reply(HlJsonDocument *document,
								   const HlShape *output, const char *body,
								   size_t len, HlBytes *reason);

/* A reply that is no success; NULL if there is no such thing. */
typedef struct HlErrorReply
{
	int http_status;
	const char *reason_phrase;
	const char *error_type; /* header x-amzn-errortype */
	const char *body;
	size_t len;
} HlErrorReply;

/*
 * Reads AWS's code and message, both made fit to be shown (one line of UTF-8,
 * not endless). The code is the HTTP status where the reply has none; then
 * false. The message may be empty. Without memory the code or the message has
 * failed, and what is returned means nothing.
 */
extern bool hl_protocol_read_error(const HlErrorReply *reply, HlBytes *code,
								   HlBytes *message);

/*
 * Whether an issue of an OperationOutcome may be told of: its code is a word,
 * as all of FHIR's are, and its expression a path of letters, digits and
 * _ . [ ] ( ) $ : - alone, which quotes no value.
 */
extern bool hl_protocol_is_issue_code(const char *code);
extern bool hl_protocol_is_path(const char *expression);

/* A timestamp of a reply, in microseconds since 1970. */
extern bool hl_protocol_timestamp(const HlJson *value, int64_t *micros);

#endif
