/*
 * memory.c
 *	  The ground floor's readers and writers when memory runs out: the test
 *	  takes them in with an allocator of its own, and lets one allocation
 *	  after the other fail. Nothing may crash, leak or be taken for a success.
 */
#include <stdlib.h>
#include <string.h>

static int allocations_left = -1; /* -1: as many as they like */

/* Whether this allocation may succeed. */
static int
may_allocate(void)
{
	if (allocations_left > 0)
		allocations_left--;
	return allocations_left != 0;
}

/* malloc, as long as it may. */
static void *
scarce_malloc(size_t size)
{
	return may_allocate() ? malloc(size) : NULL;
}

/* realloc, as long as it may. */
static void *
scarce_realloc(void *memory, size_t size)
{
	return may_allocate() ? realloc(memory, size) : NULL;
}

/* calloc, as long as it may. */
static void *
scarce_calloc(size_t count, size_t size)
{
	return may_allocate() ? calloc(count, size) : NULL;
}

/* strdup, as long as it may; for libcurl. */
static char *
scarce_strdup(const char *text)
{
	return may_allocate() ? strdup(text) : NULL;
}

#define malloc scarce_malloc
#define realloc scarce_realloc
#define calloc scarce_calloc

#include "base/bytes.c"
#include "base/calendar.c"
#include "base/percent.c"
#include "base/scan.c"
#include "base/utf8.c"
#include "aws/shape.c"

/* Names that more than one file uses for its own. */
#define take json_take
#include "base/json.c"
#undef take

#define take timestamp_take
#include "base/timestamp.c"
#undef take

#define report validate_report
#include "aws/validate.c"
#undef report
#include "aws/protocol.c"

#define append_name sigv4_append_name
#include "aws/sigv4.c"
#undef append_name

#define is_blank profile_is_blank
#define Reader ProfileReader
#include "aws/profile.c"
#undef is_blank
#undef Reader

#include "aws/eventstream.c"
#include "aws/endpoint.c"
#include "aws/link.c"

#undef malloc
#undef realloc
#undef calloc

#include "tap.h"

static const HlShape Text = {.name = "Text", .kind = HL_KIND_STRING};
static const HlShape Texts = {
	.name = "Texts", .kind = HL_KIND_LIST, .element = &Text};
static const HlMember members[] = {
	{"Name", "name", &Text, .required = true},
	{"List", "list", &Texts},
	{"Text", "text", &Text, .form = HL_FORM_JSON_TEXT},
};
static const HlShape All = {.name = "All",
							.kind = HL_KIND_STRUCTURE,
							.members = members,
							.nmembers = 3};

/* Reads and writes; true if all of it went well. */
static bool
write_body(void)
{
	static const char text[] = "{\"Name\":\"a\",\"List\":[\"b\"],\"Text\":"
							   "{\"c\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,"
							   "17,18,19,20,21,22,23,24,25,26,27,28,29,30]}}";
	HlJsonDocument document = {.secret = true};
	HlBytes body = {.secret = true};
	bool fine = hl_json_read(&document, text, sizeof(text) - 1);

	if (!fine && document.fault != HL_JSON_NO_MEMORY)
		ok(0, "a text is refused for another reason");
	if (fine)
		hl_protocol_write_request(&body, &All, document.root, "token");
	fine = fine && !body.failed && body.len > 100;
	hl_bytes_wipe(&body);
	hl_json_free(&document);
	return fine;
}

/* Finds faults; true if all of them were found. */
static bool
find_faults(void)
{
	static const char text[] = "{\"Nam\":1,\"List\":[1,2,3,4,5,6,7,8,9,null]}";
	HlJsonDocument document = {0};
	HlFaults faults = {0};
	bool fine = hl_json_read(&document, text, sizeof(text) - 1);

	if (fine && hl_validate(&faults, document.root, &All, false))
		ok(0, "a request with faults is never valid");
	fine = fine && !faults.failed && faults.count == 12;
	hl_faults_free(&faults);
	hl_json_free(&document);
	return fine;
}

/* Reads a good reply; true if it could be read. */
static bool
read_reply(void)
{
	static const char text[] = "{\"Name\":\"a\",\"List\":[\"b\",null]}";
	HlJsonDocument document = {0};
	HlBytes reason = {0};
	bool fine = hl_protocol_read_reply(&document, &All, text, sizeof(text) - 1,
									   &reason);

	hl_bytes_free(&reason);
	hl_json_free(&document);
	return fine;
}

/* Reads an error; true if its code and message are whole. */
static bool
read_error(void)
{
	static const char text[] = "{\"__type\":\"ns#X\",\"Message\":\"m\"}";
	HlErrorReply reply = {
		.http_status = 400, .body = text, .len = sizeof(text) - 1};
	HlBytes code = {0};
	HlBytes message = {0};
	bool fine = hl_protocol_read_error(&reply, &code, &message) &&
				strcmp(hl_bytes_string(&code), "X") == 0 &&
				strcmp(hl_bytes_string(&message), "m") == 0;

	hl_bytes_free(&code);
	hl_bytes_free(&message);
	return fine;
}

/* Signs a request; true if it is signed, and as it should be. */
static bool
sign_request(void)
{
	HlHeader headers[] = {{"Host", "example.com"}};
	HlSigv4Request request = {.method = "POST",
							  .path = "/a//b/../c%20d",
							  .query = "b=2&a=1&%C3%A9=3",
							  .headers = headers,
							  .nheaders = 1};
	HlSigv4Credentials credentials = {"AKIDEXAMPLE", "a secret", "a token"};
	HlSigv4Scope scope = {"eu-west-2", "healthlake", 1700000000};
	HlSigv4Keys keys = {0};
	HlSigv4Signed result = {0};
	HlSigv4Outcome outcome =
		hl_sigv4_sign(&keys, &request, &credentials, &scope, &result);

	if (outcome != HL_SIGV4_OK && outcome != HL_SIGV4_NO_MEMORY)
		ok(0, "a request is refused for another reason");
	hl_sigv4_wipe_keys(&keys);
	hl_sigv4_wipe_signed(&result);
	return outcome == HL_SIGV4_OK;
}

/* Reads profiles; true if all of them are there. */
static bool
read_profiles(void)
{
	static const char text[] =
		"[profile a]\nkey = 1234567890123456789012345678901234567890\n"
		"  continued 1234567890123456789012345678901234567890\n"
		"nested =\n  x = 1\n[services b]\n[default]\na = b\n";
	HlProfiles profiles = {0};
	HlBytes value = {0};
	bool fine =
		hl_profile_read(&profiles, HL_PROFILE_CONFIG, text, sizeof(text) - 1);

	if (!fine && strcmp(profiles.reason, "out of memory") != 0)
		ok(0, "profiles are refused for another reason");
	if (fine &&
		!hl_profile_nested_value(&profiles.profiles[0], "nested", "x", &value))
		fine = false;
	fine = fine && profiles.count == 3 && !value.failed;
	hl_bytes_wipe(&value);
	hl_profile_wipe(&profiles);
	return fine;
}

/* Reads a message of an event stream, byte by byte; true if it is whole. */
static bool
read_event(void)
{
	/* the header 0123456789 is true */
	static const char text[] =
		"\x00\x00\x00\x8e\x00\x00\x00\x0c\x62\x42\x9d\xb1\x0a"
		"0123456789\0"
		"{\"Message\":\"01234567890123456789012345678901234567890123456"
		"78901234567890123456789012345678901234567890123456789\"}"
		"\xa2\xb0\x2e\x62";
	HlEventStream stream = {0};
	HlEventMessage message;
	HlEventStep step = HL_EVENT_STEP_MORE;

	for (size_t i = 0; i < sizeof(text) - 1 && step == HL_EVENT_STEP_MORE; i++)
	{
		const char *data = text + i;
		size_t len = 1;

		step = hl_eventstream_read(&stream, &data, &len, &message);
	}
	if (step == HL_EVENT_STEP_BROKEN)
		ok(0, "a message is refused: %s", stream.reason);
	hl_eventstream_free(&stream);
	return step == HL_EVENT_STEP_MESSAGE;
}

/* Reads a link; true if it is all there. */
static bool
read_link(void)
{
	static const HlTarget target = {.authority = "proxy.example", .path = "/"};
	HlLinkBase base = {.target = &target,
					   .region = "us-east-1",
					   .datastore_id = "0123456789abcdef0123456789abcdef"};
	HlLink link = {0};
	HlLinkOutcome outcome = hl_link_read(
		&base,
		"https://proxy.example/datastore/0123456789abcdef0123456789abcdef/r4/"
		"Observation/0123456789abcdef0123456789abcdef/_history/1?_count=100&"
		"page=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd==",
		&link);
	bool whole = outcome == HL_LINK_OK;

	if (whole)
		whole = link.path.len == 55 && link.query.len == 84;
	else
		ok(outcome == HL_LINK_NO_MEMORY, "a link is not taken for a bad one");
	hl_link_free(&link);
	return whole;
}

/* Reads the URL of an endpoint; true if it is whole. */
static bool
read_endpoint(void)
{
	HlEndpoint endpoint;
	HlEndpointOutcome outcome =
		hl_endpoint_read_url("https://Proxy.example:8443/a%20b", &endpoint);

	if (outcome == HL_ENDPOINT_OK)
		return strcmp(endpoint.url, "https://proxy.example:8443/a%20b/") == 0;
	ok(outcome == HL_ENDPOINT_NO_MEMORY, "a URL is not taken for a bad one");
	return false;
}

/* Lets the first allocation fail, then the second, until none is left. */
static void
run_short(bool (*work)(void), const char *name)
{
	int n = 0;

	do
	{
		allocations_left = ++n;
	} while (!work() && n < 10000);
	allocations_left = -1;
	ok(n > 2 && n < 10000 && work(), "%s: %d allocations, each failed once",
	   name, n - 1);
}

int
main(void)
{
	curl_global_init_mem(CURL_GLOBAL_DEFAULT, scarce_malloc, free,
						 scarce_realloc, scarce_strdup, scarce_calloc);
	run_short(write_body, "writing a request");
	run_short(find_faults, "finding faults");
	run_short(read_reply, "reading a reply");
	run_short(read_error, "reading an error");
	run_short(sign_request, "signing a request");
	run_short(read_profiles, "reading profiles");
	run_short(read_event, "reading an event");
	run_short(read_link, "reading a link");
	run_short(read_endpoint, "reading an endpoint");
	return tap_end();
}
