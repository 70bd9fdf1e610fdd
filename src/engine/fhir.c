/*
 * fhir.c
 *	  The protocol of HealthLake's data plane: FHIR's RESTful API, in JSON.
 *
 * https://hl7.org/fhir/R4/http.html. FHIR's errors are OperationOutcomes,
 * whose "diagnostics" and "details" may quote the resource; only their code
 * and expression are used. AWS's own errors (authorization, throttling,
 * unknown data store) are objects with a message, and the header
 * x-amzn-ErrorType.
 */
#include "postgres.h"

#include "aws/protocol.h"
#include "engine/protocol.h"

static void
write_head(const HlCall *call, HlHead *head)
{
	hl_head_add(head, "Accept", "application/fhir+json");
	if (call->bearer != NULL)
		hl_head_add(head, "Authorization", call->bearer);
}

/* Whether a reply with that status may have no body. */
static bool
may_be_empty(int status)
{
	return status == 202 || status == 204;
}

/* A success is a complete JSON object, or empty. */
static HlOutcome
judge(HlCall *call, const HlHttpReply *http)
{
	const HlJsonDocument *document = &call->attempt->document;
	const HlBytes *body = &call->reply.body;
	HlOutcome outcome;

	if (body->len == 0 && (may_be_empty(http->status) ||
						   (http->status == 200 && call->method != NULL &&
							strcmp(call->method, "DELETE") == 0)))
		return HL_OUTCOME_SUCCESS;
	outcome =
		hl_attempt_read_object(call, http, hl_bytes_string(body), body->len);
	if (outcome != HL_OUTCOME_MALFORMED)
		return outcome;
	return hl_attempt_tell(call, HL_OUTCOME_MALFORMED,
						   document->root != NULL ||
								   document->fault == HL_JSON_SYNTAX
							   ? "the reply is not a JSON object"
							   : "the reply cannot be taken over");
}

/* The first issue that is an error. */
static const HlJson *
find_error(const HlJson *outcome)
{
	HlJsonEach each = hl_json_each(hl_json_member(outcome, "issue"));
	const HlJson *issue;

	while ((issue = hl_json_step(&each)) != NULL)
	{
		const char *severity =
			hl_json_string(hl_json_member(issue, "severity"));

		if (strcmp(severity, "error") == 0 || strcmp(severity, "fatal") == 0)
			return issue;
	}
	return hl_json_element(hl_json_member(outcome, "issue"), 0);
}

/* Copies code and expression of an OperationOutcome. */
static void
take_outcome(HlCall *call, const HlJson *outcome)
{
	HlAttempt *attempt = call->attempt;
	const HlJson *issue = find_error(outcome);
	const char *code = hl_json_string(hl_json_member(issue, "code"));
	const char *place =
		hl_json_string(hl_json_element(hl_json_member(issue, "expression"), 0));

	call->reply.diagnosed = true;
	hl_bytes_append_string(&attempt->code,
						   hl_protocol_is_issue_code(code) ? code : "unknown");
	call->reply.code = (char *) hl_bytes_string(&attempt->code);
	if (!hl_protocol_is_path(place))
		return;
	hl_bytes_append_string(&attempt->expression, place);
	call->reply.expression = (char *) hl_bytes_string(&attempt->expression);
}

/*
 * Whether AWS's message may be shown: only that of missing permissions. The
 * message about a signature contains the canonical request with the values of a
 * query, and others may quote what was sent.
 */
static bool
may_be_told(const HlCall *call, const HlHttpReply *http, const char *code)
{
	return (http->status == 401 || http->status == 403) &&
		   call->query == NULL && strstr(code, "Signature") == NULL;
}

/* Reads code and message of AWS's own error; false if it is none. */
static bool
take_error(HlCall *call, const HlHttpReply *http, const HlJson *document)
{
	HlAttempt *attempt = call->attempt;
	HlReply *reply = &call->reply;
	bool coded = hl_attempt_read_error(call, http);

	reply->code = (char *) hl_bytes_string(&attempt->code);
	if (document != NULL && may_be_told(call, http, reply->code))
		reply->message = (char *) hl_bytes_string(&attempt->message);
	/* a server that returns a request id has received the request */
	return coded || document != NULL ||
		   (reply->body.len == 0 && http->request_id[0] != '\0');
}

/* Whether an object is an OperationOutcome. */
static bool
is_outcome(const HlJson *document)
{
	return strcmp(hl_json_string(hl_json_member(document, "resourceType")),
				  "OperationOutcome") == 0;
}

/*
 * Whether an error with an OperationOutcome is AWS's own nevertheless: with
 * status 404 it is about the data store, not about a resource, and with 401 or
 * 403 about the credentials, whose code is the more exact one.
 */
static bool
is_of_aws(const HlHttpReply *http, const HlJson *document)
{
	if (http->status != 401 && http->status != 403 && http->status != 404)
		return false;
	return http->error_type[0] != '\0' ||
		   hl_json_kind(hl_json_member(document, "message")) ==
			   HL_JSON_STRING ||
		   hl_json_kind(hl_json_member(document, "Message")) == HL_JSON_STRING;
}

/*
 * A request that is not implemented, or too large, was not carried out,
 * whichever server says so.
 */
static HlOutcome
explain(HlCall *call, const HlHttpReply *http)
{
	HlAttempt *attempt = call->attempt;
	HlReply *reply = &call->reply;
	const HlJson *document = NULL;
	bool known = true;

	hl_attempt_hide(call, &reply->body);
	if (hl_json_read(&attempt->document, hl_bytes_string(&reply->body),
					 reply->body.len) &&
		hl_json_kind(attempt->document.root) == HL_JSON_OBJECT)
		document = attempt->document.root;
	reply->document = document;
	if (is_outcome(document) && !is_of_aws(http, document))
		take_outcome(call, document);
	else
		known = take_error(call, http, document);
	if (attempt->code.failed || attempt->message.failed ||
		attempt->expression.failed ||
		attempt->document.fault == HL_JSON_NO_MEMORY)
		return hl_attempt_tell(call, HL_OUTCOME_NO_MEMORY, "out of memory");
	if (http->status >= 500 && http->status != 501)
		return HL_OUTCOME_FAULT;
	if (known || http->status == 429)
		return HL_OUTCOME_REFUSED;
	return hl_attempt_tell(
		call, HL_OUTCOME_MALFORMED,
		"the reply is an error, but not one of HealthLake's");
}

const HlProtocol hl_fhir = {
	.counts = true, .write = write_head, .judge = judge, .explain = explain};
