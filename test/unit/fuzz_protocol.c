/*
 * fuzz_protocol.c
 *	  Arbitrary bytes as a request and as a reply: a valid request is written
 *	  as a body that is valid; an error reply always has a code and a message
 *	  that can be shown.
 */
#include <stdlib.h>
#include <string.h>

#include "aws/protocol.h"
#include "aws/validate.h"
#include "base/utf8.h"

#include "fuzz.h"

#define LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))

static const HlShape Any;

static const HlShape String = {
	.name = "String", .kind = HL_KIND_STRING, .has_min = true, .min = 1};
static const HlShape Boolean = {.name = "Boolean", .kind = HL_KIND_BOOLEAN};
static const HlShape Double = {.name = "Double", .kind = HL_KIND_DOUBLE};
static const HlShape Long = {
	.name = "Long", .kind = HL_KIND_LONG, .has_min = true, .min = 1};
static const HlShape Time = {.name = "Time", .kind = HL_KIND_TIMESTAMP};
static const HlShape List = {
	.name = "List", .kind = HL_KIND_LIST, .element = &Any};
static const HlShape Map = {
	.name = "Map", .kind = HL_KIND_MAP, .key = &String, .element = &Time};

static const HlMember choice[] = {
	{"s", NULL, &String},
	{"a", NULL, &Any},
};
static const HlShape Choice = {.name = "Choice",
							   .kind = HL_KIND_UNION,
							   .members = choice,
							   .nmembers = LENGTH(choice)};

/* One-letter names, which the fuzzer can guess. */
static const HlMember any[] = {
	{"s", "string", &String, .required = true},
	{"k", NULL, &String, .idempotency_token = true},
	{"b", NULL, &Boolean},
	{"d", NULL, &Double},
	{"l", NULL, &Long},
	{"t", NULL, &Time},
	{"e", NULL, &List},
	{"m", NULL, &Map},
	{"u", NULL, &Choice},
	{"j", NULL, &String, .form = HL_FORM_JSON_TEXT},
};
static const HlShape Any = {.name = "Any",
							.kind = HL_KIND_STRUCTURE,
							.members = any,
							.nmembers = LENGTH(any)};

/* Checks that a text is one line of UTF-8, and not too long. */
static void
must_be_clean(const HlBytes *text, size_t longest)
{
	size_t i = 0;

	if (text->len > longest || text->failed)
		abort();
	while (i < text->len)
	{
		int step = hl_utf8_length(text->data + i, text->len - i);

		if (step == 0 || (unsigned char) text->data[i] < 0x20)
			abort();
		i += (size_t) step;
	}
}

/* Faults have a path and a text, both UTF-8. */
static void
check_faults(const HlFaults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
	{
		const HlFault *fault = &faults->list[i];

		if (fault->path == NULL || fault->text == NULL ||
			fault->path[0] == '\0' || fault->text[0] == '\0')
			abort();
	}
}

/* The body must be JSON, and as valid as the request. */
static void
check_body(const HlBytes *body, bool valid)
{
	HlJsonDocument document = {.max_depth = 40};
	HlFaults faults = {0};
	HlBytes again = {0};

	if (!hl_json_read(&document, body->data, body->len))
		abort();
	if (hl_validate(&faults, document.root, &Any, false) != valid && valid)
		abort();
	hl_protocol_write_request(&again, &Any, document.root, NULL);
	if (valid && strcmp(again.data, body->data) != 0)
		abort();
	hl_bytes_free(&again);
	hl_faults_free(&faults);
	hl_json_free(&document);
}

/* The bytes as a request. */
static void
try_request(const char *text, size_t len)
{
	HlJsonDocument document = {.max_depth = 20};
	HlFaults faults = {0};
	HlBytes body = {0};

	if (hl_json_read(&document, text, len))
	{
		bool valid = hl_validate(&faults, document.root, &Any, false);

		check_faults(&faults);
		hl_protocol_write_request(&body, &Any, document.root, "token");
		check_body(&body, valid);
	}
	hl_bytes_free(&body);
	hl_faults_free(&faults);
	hl_json_free(&document);
}

/* The bytes as the body of a success. */
static void
try_reply(const char *text, size_t len)
{
	HlJsonDocument document = {0};
	HlBytes reason = {0};

	if (hl_protocol_read_reply(&document, &Any, text, len, &reason) !=
		(reason.len == 0))
		abort();
	hl_bytes_free(&reason);
	hl_json_free(&document);
}

/* The bytes as the body of an error, and as its header. */
static void
try_error(const char *text, size_t len)
{
	HlBytes header = {0};
	HlErrorReply reply = {.http_status = 400, .body = text, .len = len};
	HlBytes code = {0};
	HlBytes message = {0};

	hl_bytes_append(&header, text, len);
	if (len % 2 == 0)
		reply.error_type = reply.reason_phrase = hl_bytes_string(&header);
	hl_protocol_read_error(&reply, &code, &message);
	must_be_clean(&code, 128);
	must_be_clean(&message, 8192 + 3);
	if (code.len == 0)
		abort();
	hl_bytes_free(&header);
	hl_bytes_free(&code);
	hl_bytes_free(&message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_request((const char *) data, size);
	try_reply((const char *) data, size);
	try_error((const char *) data, size);
	return 0;
}
