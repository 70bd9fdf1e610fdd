/*
 * awsjson.c
 *	  The protocol of HealthLake's control plane: awsJson 1.0.
 *
 * https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
 */
#include "postgres.h"

#include "aws/protocol.h"
#include "engine/protocol.h"

static void
write_head(const HlCall *call, HlHead *head)
{
	hl_head_add(head, "X-Amz-Target", call->operation);
	hl_head_add(head, "Content-Type", HL_PROTOCOL_CONTENT_TYPE);
}

/* Whether a body is only whitespace, which stands for {}. */
static bool
is_blank(const HlBytes *body)
{
	for (size_t i = 0; i < body->len; i++)
		if (strchr(" \t\r\n", body->data[i]) == NULL || body->data[i] == '\0')
			return false;
	return true;
}

/*
 * A success is a complete JSON object. If the reply has no length, only the
 * JSON shows whether it was truncated.
 */
static HlOutcome
judge(HlCall *call, const HlHttpReply *http)
{
	const HlJsonDocument *document = &call->attempt->document;
	const HlBytes *body = &call->reply.body;
	bool empty = http->framed && is_blank(body);
	HlOutcome outcome;
	char text[200];

	if (call->stream != NULL)
		return hl_events_judge(call, http);
	outcome =
		hl_attempt_read_object(call, http, empty ? "{}" : hl_bytes_string(body),
							   empty ? 2 : body->len);
	if (outcome != HL_OUTCOME_MALFORMED)
		return outcome;
	if (document->root != NULL)
		return hl_attempt_tell(call, HL_OUTCOME_MALFORMED,
							   "the reply is not a JSON object");
	snprintf(text, sizeof(text), "the reply %s: %s, at byte %zu",
			 document->fault == HL_JSON_SYNTAX ? "is not JSON"
											   : "cannot be taken over",
			 document->reason ? document->reason : "", document->offset);
	return hl_attempt_tell(call, HL_OUTCOME_MALFORMED, text);
}

static HlOutcome
explain(HlCall *call, const HlHttpReply *http)
{
	HlAttempt *attempt = call->attempt;
	HlReply *reply = &call->reply;
	bool coded, read;

	hl_attempt_hide(call, &reply->body);
	coded = hl_attempt_read_error(call, http);
	read = hl_json_read(&attempt->document, hl_bytes_string(&reply->body),
						reply->body.len);
	if (attempt->code.failed || attempt->message.failed ||
		attempt->document.fault == HL_JSON_NO_MEMORY)
		return hl_attempt_tell(call, HL_OUTCOME_NO_MEMORY, "out of memory");
	reply->code = (char *) hl_bytes_string(&attempt->code);
	reply->message = (char *) hl_bytes_string(&attempt->message);
	if (read && hl_json_kind(attempt->document.root) == HL_JSON_OBJECT)
		reply->document = attempt->document.root;
	if (http->status >= 500)
		return HL_OUTCOME_FAULT;
	/*
	 * whichever server reports that the request is too large has not carried
	 * it out
	 */
	if (coded || reply->document != NULL || http->status == 429)
		return HL_OUTCOME_REFUSED;
	return hl_attempt_tell(call, HL_OUTCOME_MALFORMED,
						   "the reply is an error, but not one of AWS's");
}

const HlProtocol hl_awsjson = {
	.counts = true, .write = write_head, .judge = judge, .explain = explain};
