/*
 * query.c
 *	  The protocol of STS: a form, with a reply in XML.
 *
 * https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 */
#include "postgres.h"

#include "aws/sts.h"
#include "engine/protocol.h"

static void
write_head(const HlCall *call, HlHead *head)
{
	hl_head_add(head, "Content-Type", HL_STS_CONTENT_TYPE);
}

/* The provider reads the XML. */
static HlOutcome
judge(HlCall *call, const HlHttpReply *http)
{
	return HL_OUTCOME_SUCCESS;
}

/*
 * A reply may contain secrets, so only an error of STS's own format is shown.
 */
static HlOutcome
explain(HlCall *call, const HlHttpReply *http)
{
	HlAttempt *attempt = call->attempt;
	HlReply *reply = &call->reply;

	bool read =
		hl_sts_read_error(hl_bytes_string(&reply->body), reply->body.len,
						  &attempt->code, &attempt->message);

	if (attempt->code.failed || attempt->message.failed)
		return hl_attempt_tell(call, HL_OUTCOME_NO_MEMORY, "out of memory");
	if (read)
	{
		hl_attempt_hide(call, &attempt->code);
		hl_attempt_hide(call, &attempt->message);
		reply->code = (char *) hl_bytes_string(&attempt->code);
		reply->message = (char *) hl_bytes_string(&attempt->message);
	}
	if (http->status >= 500)
		return HL_OUTCOME_FAULT;
	if (reply->code != NULL || http->status == 429)
		return HL_OUTCOME_REFUSED;
	return hl_attempt_tell(call, HL_OUTCOME_MALFORMED,
						   "the reply is an error, but not one of STS's");
}

const HlProtocol hl_query = {.counts = true,
							 .secret = true,
							 .write = write_head,
							 .judge = judge,
							 .explain = explain};
