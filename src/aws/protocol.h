/*
 * protocol.h
 *	  The bodies of requests and replies in awsJson 1.0. It works on JSON and
 *	  shapes only. Results are written into the caller's HlBytes and
 *	  HlJsonDocument, which the caller frees; a failed HlBytes means out of
 *	  memory.
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
 * Writes the body of a validated request: members in the model's order, then
 * unknown ones unchanged; null members are omitted; timestamps are epoch
 * seconds; an object for a member of JSON text is written as its text. The
 * token, unless NULL, is used where the request has none.
 */
extern void hl_protocol_write_request(HlBytes *body, const HlShape *input,
									  const HlJson *request, const char *token);

/*
 * Reads and checks the body of a success; an empty one means {}. Unknown
 * members stay in the document. False, and a reason of a few words (it may
 * name a path), if it is no JSON object, or a required member is missing or
 * has another type.
 */
extern bool hl_protocol_read_reply(HlJsonDocument *document,
								   const HlShape *output, const char *body,
								   size_t len, HlBytes *reason);

/* A reply that is not a success. Strings that are missing are NULL. */
typedef struct HlErrorReply
{
	int http_status;
	const char *reason_phrase;
	const char *error_type; /* header x-amzn-errortype */
	const char *body;
	size_t len;
} HlErrorReply;

/*
 * Reads AWS's code and message, both as one line of UTF-8 of limited length.
 * False if the reply has no code; then the code is the HTTP status. The
 * message may be empty. If code or message has failed, memory was missing and
 * the result means nothing.
 */
extern bool hl_protocol_read_error(const HlErrorReply *reply, HlBytes *code,
								   HlBytes *message);

/*
 * Whether code and expression of an OperationOutcome's issue may be shown: the
 * code must be a word, as FHIR's are, and the expression a path of letters,
 * digits and _ . [ ] ( ) $ : - only, which cannot quote a value.
 */
extern bool hl_protocol_is_issue_code(const char *code);
extern bool hl_protocol_is_path(const char *expression);

/*
 * Reads a timestamp of a reply, in microseconds since 1970; false: it is none.
 */
extern bool hl_protocol_timestamp(const HlJson *value, int64_t *micros);

#endif
