/*
 * events.c
 *	  Replies that are event streams.
 *
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 */
#include "postgres.h"

#include "aws/protocol.h"
#include "engine/events.h"
#include "engine/protocol.h"
#include "server/text.h"

#define INITIAL_RESPONSE "initial-response"

void
hl_events_free(HlEvents *events)
{
	hl_eventstream_free(&events->stream);
	hl_bytes_free(&events->members);
	hl_bytes_free(&events->list);
	hl_bytes_free(&events->code);
	hl_bytes_free(&events->message);
	hl_json_free(&events->document);
}

void
hl_events_begin(HlEvents *events)
{
	hl_events_free(events);
	*events = (HlEvents){0};
}

/* Parses an event's payload, which is an object; empty means {}. */
static const HlJson *
read_payload(HlEvents *events, const HlEventMessage *message)
{
	HlJsonDocument *document = &events->document;
	bool empty = message->payload_len == 0;

	hl_json_free(document);
	*document = (HlJsonDocument){0};
	if (hl_json_read(document, empty ? "{}" : message->payload,
					 empty ? 2 : message->payload_len) &&
		hl_json_kind(document->root) == HL_JSON_OBJECT)
		return document->root;
	if (document->fault == HL_JSON_NO_MEMORY)
		events->failure = HL_OUTCOME_NO_MEMORY;
	else
		events->fault = "an event in the reply is not a JSON object";
	return NULL;
}

/* Copies the members of the reply that are not events. */
static void
take_initial_response(HlEvents *events, const HlStream *stream,
					  const HlJson *payload)
{
	HlJsonEach each = hl_json_each(payload);
	const HlJson *value;

	while ((value = hl_json_step(&each)) != NULL)
	{
		if (strcmp(each.name, stream->member) == 0)
			continue;
		hl_json_append_string(&events->members, each.name, each.name_len);
		hl_bytes_append_char(&events->members, ':');
		hl_json_append_node(&events->members, value);
		hl_bytes_append_char(&events->members, ',');
	}
}

/*
 * Records an error. Its message is sanitized like that of other replies; NULL
 * stands for one that only the client may see.
 */
static void
take_error(HlEvents *events, const HlStream *stream, const char *code,
		   const HlJson *message)
{
	HlBytes body = {0};
	HlErrorReply error = {.error_type =
							  code[0] != '\0' ? code : "UnknownError"};

	hl_bytes_append_string(&body, "{\"message\":");
	hl_json_append_node(&body, hl_json_kind(message) == HL_JSON_STRING ? message
																	   : NULL);
	hl_bytes_append_char(&body, '}');
	error.body = hl_bytes_string(&body);
	error.len = body.len;
	hl_protocol_read_error(&error, &events->code, &events->message);
	events->failure =
		hl_text_is_listed(stream->refusals, hl_bytes_string(&events->code))
			? HL_OUTCOME_REFUSED
			: HL_OUTCOME_FAULT;
	if (body.failed || events->code.failed || events->message.failed)
		events->failure = HL_OUTCOME_NO_MEMORY;
	hl_bytes_free(&body);
}

static void
add_event(HlEvents *events, const HlMember *event, const HlJson *payload)
{
	if (events->list.len > 0)
		hl_bytes_append_string(&events->list, ",\n");
	hl_bytes_format(&events->list, "{\"%s\":", event->name);
	hl_json_append_node(&events->list, payload);
	hl_bytes_append_char(&events->list, '}');
}

/* Adds an event to the list; unknown ones are ignored. */
static void
take_event(HlEvents *events, const HlStream *stream,
		   const HlEventMessage *message)
{
	HlEventHeader type;
	const HlMember *event;
	const HlJson *payload;
	bool initial =
		events->messages == 1 &&
		hl_eventstream_says(message, ":event-type", INITIAL_RESPONSE);

	if (!hl_eventstream_string(message, ":event-type", &type))
		return;
	event = hl_shape_member(stream->event, type.bytes, type.len);
	if (event == NULL && !initial)
		return;
	payload = read_payload(events, message);
	if (payload == NULL)
		return;
	if (initial)
	{
		take_initial_response(events, stream, payload);
		return;
	}
	add_event(events, event, payload);
	events->ended = strcmp(event->name, stream->end) == 0;
	if (strcmp(event->name, stream->failure) == 0)
		take_error(events, stream,
				   hl_json_string(hl_json_member(payload, stream->code)), NULL);
}

/*
 * Records an exception of the model, which has the name of a member of the
 * stream.
 */
static void
take_exception(HlEvents *events, const HlStream *stream,
			   const HlEventMessage *message)
{
	HlEventHeader type;
	HlBytes code = {0};
	const HlJson *payload = read_payload(events, message);
	const HlJson *said = hl_json_member(payload, "message");

	if (hl_eventstream_string(message, ":exception-type", &type))
		hl_bytes_append(&code, type.bytes, type.len);
	if (code.len > 0)
		code.data[0] = pg_ascii_toupper((unsigned char) code.data[0]);
	if (hl_json_kind(said) == HL_JSON_NULL)
		said = hl_json_member(payload, "Message");
	/* it is an exception even without a payload */
	events->fault = NULL;
	take_error(events, stream, hl_bytes_string(&code), said);
	hl_bytes_free(&code);
}

/* Records an error outside of the model, which is in the headers. */
static void
take_unmodeled_error(HlEvents *events, const HlStream *stream,
					 const HlEventMessage *message)
{
	HlJsonDocument document = {0};
	HlBytes code = {0};
	HlBytes text = {0};
	HlEventHeader header;

	if (hl_eventstream_string(message, ":error-code", &header))
		hl_bytes_append(&code, header.bytes, header.len);
	if (hl_eventstream_string(message, ":error-message", &header))
		hl_json_append_string(&text, header.bytes, header.len);
	take_error(events, stream, hl_bytes_string(&code),
			   hl_json_read(&document, hl_bytes_string(&text), text.len)
				   ? document.root
				   : NULL);
	hl_json_free(&document);
	hl_bytes_free(&text);
	hl_bytes_free(&code);
}

static void
take_message(HlEvents *events, const HlStream *stream,
			 const HlEventMessage *message)
{
	events->messages++;
	if (hl_eventstream_says(message, ":message-type", "exception"))
		take_exception(events, stream, message);
	else if (hl_eventstream_says(message, ":message-type", "error"))
		take_unmodeled_error(events, stream, message);
	else
		take_event(events, stream, message);
	if (events->list.failed || events->members.failed)
		events->failure = HL_OUTCOME_NO_MEMORY;
}

bool
hl_events_are_over(const HlCall *call)
{
	const HlEvents *events = &call->attempt->events;

	return events->ended || events->failure != HL_OUTCOME_NONE ||
		   events->fault != NULL;
}

bool
hl_events_read(const HlCall *call, const HlBytes *body)
{
	HlEvents *events = &call->attempt->events;
	int64 before = events->messages;
	const char *data;
	size_t left;
	HlEventStep step = HL_EVENT_STEP_MESSAGE;
	HlEventMessage message;

	if (hl_events_are_over(call))
		return false;
	/* a body that could not grow is empty, whatever was read of it */
	if (body->failed || body->len < events->read)
	{
		events->failure = HL_OUTCOME_NO_MEMORY;
		return false;
	}
	data = hl_bytes_string(body) + events->read;
	left = body->len - events->read;
	while (step == HL_EVENT_STEP_MESSAGE && !hl_events_are_over(call))
	{
		step = hl_eventstream_read(&events->stream, &data, &left, &message);
		if (step == HL_EVENT_STEP_MESSAGE)
			take_message(events, call->stream, &message);
	}
	events->read = body->len;
	if (step == HL_EVENT_STEP_BROKEN)
		events->fault = events->stream.reason;
	if (step == HL_EVENT_STEP_NO_MEMORY)
		events->failure = HL_OUTCOME_NO_MEMORY;
	return events->messages > before;
}

/* Writes the body of the equivalent reply without a stream. */
static bool
write_body(HlBytes *body, HlEvents *events, const HlStream *stream)
{
	hl_bytes_free(body);
	hl_bytes_append_char(body, '{');
	hl_bytes_append(body, events->members.data, events->members.len);
	hl_bytes_format(body, "\"%s\":[", stream->member);
	hl_bytes_append(body, events->list.data, events->list.len);
	hl_bytes_append_string(body, "]}");
	return !body->failed;
}

/* Returns the events of a complete stream. */
static HlOutcome
give_events(HlCall *call)
{
	HlAttempt *attempt = call->attempt;
	HlReply *reply = &call->reply;

	if (write_body(&reply->body, &attempt->events, call->stream) &&
		hl_json_read(&attempt->document, reply->body.data, reply->body.len))
	{
		reply->document = attempt->document.root;
		return HL_OUTCOME_SUCCESS;
	}
	if (!reply->body.failed && attempt->document.fault != HL_JSON_NO_MEMORY)
		return hl_attempt_tell(call, HL_OUTCOME_MALFORMED,
							   "the reply has too many events");
	return hl_attempt_tell(call, HL_OUTCOME_NO_MEMORY, "out of memory");
}

static HlOutcome
give_error(HlCall *call)
{
	HlAttempt *attempt = call->attempt;
	const HlEvents *events = &attempt->events;

	hl_bytes_append(&attempt->code, events->code.data, events->code.len);
	hl_bytes_append(&attempt->message, events->message.data,
					events->message.len);
	hl_attempt_hide(call, &attempt->message);
	if (attempt->code.failed || attempt->message.failed)
		return hl_attempt_tell(call, HL_OUTCOME_NO_MEMORY, "out of memory");
	call->reply.code = (char *) hl_bytes_string(&attempt->code);
	call->reply.message = (char *) hl_bytes_string(&attempt->message);
	return events->failure;
}

HlOutcome
hl_events_judge(HlCall *call, const HlHttpReply *http)
{
	HlAttempt *attempt = call->attempt;
	HlEvents *events = &attempt->events;

	/* however the connection ended afterwards */
	if (hl_events_are_over(call))
		attempt->transport = HL_TRANSPORT_OK;
	if (events->failure == HL_OUTCOME_NO_MEMORY)
		return hl_attempt_tell(call, HL_OUTCOME_NO_MEMORY, "out of memory");
	if (events->failure != HL_OUTCOME_NONE)
		return give_error(call);
	if (events->ended)
		return give_events(call);
	hl_bytes_free(&call->reply.body);
	if (events->fault != NULL && events->messages == 0 &&
		strncmp(http->content_type, HL_EVENTSTREAM_CONTENT_TYPE,
				strlen(HL_EVENTSTREAM_CONTENT_TYPE)) != 0)
		return hl_attempt_tell(call, HL_OUTCOME_MALFORMED,
							   "the reply is not an event stream");
	if (events->fault != NULL)
		return hl_attempt_tell(call, HL_OUTCOME_MALFORMED, events->fault);
	attempt->transport = HL_TRANSPORT_LOST;
	return hl_attempt_tell(call, HL_OUTCOME_LOST,
						   "the event stream was cut off before its end");
}

const HlJson *
hl_events_next(HlCall *call)
{
	HlEvents *events = &call->attempt->events;
	const char *line = hl_bytes_string(&events->list) + events->seen;
	const char *end;
	size_t len;

	if (events->list.len <= events->seen)
		return NULL;
	/* JSON strings contain no line ends */
	end = strchr(line, '\n');
	len = end == NULL ? events->list.len - events->seen
					  : (size_t) (end - line) - 1;
	events->seen += len + 2;
	hl_json_free(&events->document);
	events->document = (HlJsonDocument){0};
	return hl_json_read(&events->document, line, len) ? events->document.root
													  : NULL;
}
