/*
 * protocol_bodies.c
 *	  The bodies of requests, and the results of replies: valid, invalid and
 *	  unusual ones.
 */
#include "aws/protocol.h"
#include "base/utf8.h"

#include <stdlib.h>

#include "tap.h"

#define LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))

static const HlShape String = {.name = "String", .kind = HL_KIND_STRING};
static const HlShape Boolean = {.name = "Boolean", .kind = HL_KIND_BOOLEAN};
static const HlShape Double = {.name = "Double", .kind = HL_KIND_DOUBLE};
static const HlShape Long = {
	.name = "Long", .kind = HL_KIND_LONG, .has_min = true, .min = 1};
static const HlShape Time = {.name = "Time", .kind = HL_KIND_TIMESTAMP};
static const HlShape Times = {
	.name = "Times", .kind = HL_KIND_LIST, .element = &Time};

static const HlMember inner[] = {
	{"A", NULL, &String, .required = true},
	{"B", NULL, &Time},
};
static const HlShape Inner = {.name = "Inner",
							  .kind = HL_KIND_STRUCTURE,
							  .members = inner,
							  .nmembers = LENGTH(inner)};
static const HlShape Inners = {
	.name = "Inners", .kind = HL_KIND_LIST, .element = &Inner};
static const HlShape Map = {
	.name = "Map", .kind = HL_KIND_MAP, .key = &String, .element = &Inner};

static const HlMember choice[] = {
	{"Left", NULL, &String},
	{"Right", NULL, &Inner},
};
static const HlShape Choice = {.name = "Choice",
							   .kind = HL_KIND_UNION,
							   .members = choice,
							   .nmembers = LENGTH(choice)};

static const HlMember members[] = {
	{"Id", "id", &String, .required = true},
	{"Token", "token", &String, .required = true, .idempotency_token = true},
	{"Count", "count", &Long},
	{"Ratio", "ratio", &Double},
	{"On", "on", &Boolean},
	{"At", "at", &Time},
	{"Times", NULL, &Times},
	{"Inner", NULL, &Inner},
	{"Inners", NULL, &Inners},
	{"Map", NULL, &Map},
	{"Choice", NULL, &Choice},
	{"Text", NULL, &String, .form = HL_FORM_JSON_TEXT},
};
static const HlShape All = {.name = "All",
							.kind = HL_KIND_STRUCTURE,
							.members = members,
							.nmembers = LENGTH(members)};
static const HlShape Nothing = {.name = "Nothing", .kind = HL_KIND_STRUCTURE};

/* A body as the name of a test, on one line. */
static const char *
named(const char *body)
{
	static char name[128];
	size_t len = 0;

	for (; body != NULL && *body != '\0' && len < sizeof(name) - 1; body++)
		name[len++] = *body < ' ' || *body == '#' ? '.' : *body;
	name[len] = '\0';
	return body ? name : "no body";
}

/* Requests as JSON, and their bodies. */
static const struct
{
	const char *request;
	const char *token;
	const char *body;
} written[] = {
	{"{}", NULL, "{}"},
	{"{\"Id\":null,\"Inner\":null,\"New\":null}", NULL, "{}"},
	{"{\"Id\":\"\",\"Inners\":[],\"Map\":{},\"Inner\":{}}", NULL,
	 "{\"Id\":\"\",\"Inner\":{},\"Inners\":[],\"Map\":{}}"},
	{"{\"Id\":\"\\u00e4\\n\\\"\\/\\uD834\\uDD1E\"}", NULL,
	 "{\"Id\":\"\xC3\xA4\\n\\\"/\xF0\x9D\x84\x9E\"}"},
	{"{}", "t-1", "{\"Token\":\"t-1\"}"},
	{"{\"Token\":null,\"Id\":\"x\"}", "t-1",
	 "{\"Id\":\"x\",\"Token\":\"t-1\"}"},
	{"{\"Token\":\"mine\"}", "t-1", "{\"Token\":\"mine\"}"},
	{"{\"Token\":\"\"}", "t-1", "{\"Token\":\"\"}"},
	{"{\"Inner\":{\"Token\":null}}", "t-1", "{\"Token\":\"t-1\",\"Inner\":{}}"},
	{"{\"On\":true,\"Ratio\":-1.50e3,\"Count\":9223372036854775807}", NULL,
	 "{\"Count\":9223372036854775807,\"Ratio\":-1.50e3,\"On\":true}"},
	{"{\"Ratio\":\"NaN\"}", NULL, "{\"Ratio\":\"NaN\"}"},
	{"{\"At\":1700000000}", NULL, "{\"At\":1700000000}"},
	{"{\"At\":1700000000.7500}", NULL, "{\"At\":1700000000.75}"},
	{"{\"At\":\"2024-01-02T03:04:05.678901+00:00\"}", NULL,
	 "{\"At\":1704164645.678}"},
	{"{\"At\":\"1959-12-31 23:00:00-01\"}", NULL, "{\"At\":-315619200}"},
	{"{\"Times\":[0,\"1970-01-02\"],\"Inner\":{\"B\":\"1970-01-01T00:01Z\"}}",
	 NULL, "{\"Times\":[0,86400],\"Inner\":{\"B\":60}}"},
	{"{\"Map\":{\"k\":{\"B\":\"1970-01-01\",\"A\":null},\"\":{}}}", NULL,
	 "{\"Map\":{\"k\":{\"B\":0},\"\":{}}}"},
	{"{\"Choice\":{\"Left\":null,\"Right\":{\"A\":\"a\"}}}", NULL,
	 "{\"Choice\":{\"Right\":{\"A\":\"a\"}}}"},
	{"{\"Text\":\"{\\\"a\\\": 1}\"}", NULL, "{\"Text\":\"{\\\"a\\\": 1}\"}"},
	{"{\"Text\":{\"a\": [1, null, \"\\\"\"]}}", NULL,
	 "{\"Text\":\"{\\\"a\\\":[1,null,\\\"\\\\\\\"\\\"]}\"}"},
	{"{\"Zoo\":{\"a\":null,\"b\":[ 1 ]},\"Id\":\"x\",\"Inner\":{\"C\":1,"
	 "\"A\":\"a\"}}",
	 NULL,
	 "{\"Id\":\"x\",\"Inner\":{\"A\":\"a\",\"C\":1},\"Zoo\":{\"a\":null,"
	 "\"b\":[1]}}"},
	{"{\"Id\":\"first\",\"Id\":\"last\"}", NULL, "{\"Id\":\"last\"}"},
	{"null", "t-1", "{\"Token\":\"t-1\"}"},
	/* values that were not validated are written unchanged */
	{"{\"Id\":[{}],\"At\":\"soon\",\"Inner\":7,\"Map\":[]}", NULL,
	 "{\"Id\":[{}],\"At\":\"soon\",\"Inner\":7,\"Map\":[]}"},
	{"[8]", "t-1", "[8]"},
};

/* Requests become the right bodies, byte for byte. */
static void
test_written(void)
{
	for (int i = 0; i < LENGTH(written); i++)
	{
		HlJsonDocument document = {0};
		HlBytes body = {0};

		(void) !hl_json_read(&document, written[i].request,
							 strlen(written[i].request));
		hl_protocol_write_request(&body, &All, document.root, written[i].token);
		is(hl_bytes_string(&body), written[i].body, named(written[i].request));
		hl_bytes_free(&body);
		hl_json_free(&document);
	}
}

/* Bodies of successes, and their faults ("": none). */
static const struct
{
	const char *body;
	const char *reason;
} replies[] = {
	{"{\"Id\":\"x\"}", ""},
	{" {\"Id\":\"x\",\"__type\":\"y\",\"New\":{\"Newer\":[null]}} ", ""},
	{"{\"Id\":\"x\",\"Count\":0,\"Ratio\":\"-Infinity\",\"On\":null}", ""},
	{"{\"Id\":\"\",\"At\":1.7E9,\"Times\":[0,\"1970-01-01T00:00:00Z\",null]}",
	 ""},
	{"{\"Id\":\"\",\"At\":\"Tue, 29 Apr 2014 18:30:38 GMT\"}", ""},
	{"{\"Id\":\"\",\"Inners\":[null,{\"A\":\"\"}],\"Map\":{\"a\":null}}", ""},
	{"{\"Id\":\"\",\"Choice\":{\"Newest\":1,\"__type\":\"x\"}}", ""},
	{"{\"Id\":\"\",\"Choice\":{}}", ""},
	{"", "required member \"Id\" is missing"},
	{" \n", "required member \"Id\" is missing"},
	{"{}", "required member \"Id\" is missing"},
	{"{\"Id\":null}", "required member \"Id\" is missing"},
	{"{\"Id\":7}", "\"Id\" must be a string, not a number"},
	{"{\"Id\":\"\",\"Count\":1.5}", "\"Count\" must be an integer"},
	{"{\"Id\":\"\",\"Count\":\"1\"}",
	 "\"Count\" must be an integer, not a string"},
	{"{\"Id\":\"\",\"Inners\":[{\"A\":\"\"},{}]}",
	 "required member \"Inners[1].A\" is missing"},
	{"{\"Id\":\"\",\"Map\":{\"k\":{\"A\":true}}}",
	 "\"Map.k.A\" must be a string, not a boolean"},
	{"{\"Id\":\"\",\"At\":\"soon\"}",
	 "\"At\" must be a timestamp, such as 2026-11-23T15:08:00Z"},
	{"[]", "the reply must be an object, not an array"},
	{"null", "the reply must be an object, not null"},
	{"\"x\"", "the reply must be an object, not a string"},
	{"<html>", "a value is expected, at byte 0"},
	{"{\"Id\":\"x\"", "it ends too early, at byte 9"},
	{"{\"Id\":\"x\"}}", "nothing may follow the value, at byte 10"},
	{"{\"Id\":\"\\u0000\"}", "\\u0000 cannot be kept in a text, at byte 7"},
	{"{\"Id\":\"\xFF\"}", "it is not valid UTF-8, at byte 7"},
};

/* Replies are accepted or refused, and no part is dropped. */
static void
test_replies(void)
{
	HlJsonDocument document = {0};
	HlBytes reason = {0};
	const HlJson *value;

	for (int i = 0; i < LENGTH(replies); i++)
	{
		bool fine;

		hl_bytes_reset(&reason);
		fine = hl_protocol_read_reply(&document, &All, replies[i].body,
									  strlen(replies[i].body), &reason);
		is(hl_bytes_string(&reason), replies[i].reason, named(replies[i].body));
		if (fine != (replies[i].reason[0] == '\0'))
			ok(false, "the outcome agrees with the reason");
	}
	ok(hl_protocol_read_reply(&document, &Nothing, NULL, 0, &reason) &&
		   hl_json_kind(document.root) == HL_JSON_OBJECT,
	   "no body where nothing is required is an empty object");
	hl_protocol_read_reply(&document, &All, "{\"Id\":\"\",\"New\":[1]}", 19,
						   &reason);
	value = hl_json_element(hl_json_member(document.root, "New"), 0);
	is(hl_json_string(value), "1", "a member that AWS adds is there");
	hl_json_free(&document);
	hl_bytes_free(&reason);
}

/* Error replies: code and message. */
static const struct
{
	int status;
	const char *phrase;
	const char *type;
	const char *body;
	const char *code;
	const char *message;
} errors[] = {
	{400, "Bad Request", NULL, "{\"__type\":\"X\",\"Message\":\"m\"}", "X",
	 "m"},
	{400, NULL, NULL, "{\"__type\":\"ns#X\",\"message\":\"m\"}", "X", "m"},
	{400, NULL, NULL, "{\"__type\":\"ns#X:http://u/\"}", "X", ""},
	{400, NULL, NULL, "{\"__type\":\"X:http://x#y\"}", "X", ""},
	{400, NULL, NULL, "{\"__type\":\"a#b#X,more\"}", "X", ""},
	{400, NULL, "H:http://u", "{}", "H", ""},
	{400, NULL, "H", "{\"__type\":\"X\",\"code\":\"C\"}", "X", ""},
	{400, NULL, "H", "{\"code\":\"ns#C\"}", "C", ""},
	{400, NULL, "H", "{\"Code\":\"C\"}", "C", ""},
	{400, NULL, NULL, "{\"__type\":\"#\",\"CODE\":\"C\"}", "C", ""},
	{400, NULL, "ns#", "{\"__type\":\"\",\"code\":\"\"}", "400", ""},
	{400, "Bad Request", NULL, "", "400", "Bad Request"},
	{400, NULL, NULL, NULL, "400", ""},
	{400, "Bad Request", "X", "{}", "X", "Bad Request"},
	/* the order of messages */
	{400, NULL, NULL, "{\"Message\":\"M\",\"message\":\"m\"}", "400", "m"},
	{400, NULL, NULL, "{\"Message\":\"M\",\"message\":null}", "400", "M"},
	{400, NULL, NULL, "{\"Message\":\"M\",\"message\":\"\"}", "400", "M"},
	{400, NULL, NULL, "{\"errorMessage\":\"E\",\"Message\":7}", "400", "E"},
	{400, "Bad Request", "X", "{\"__type\":\"X\",\"message\":\"\"}", "X",
	 "Bad Request"},
	{400, "Bad Request", NULL, "{\"__type\":\"X\",\"Reason\":\"r\"}", "X",
	 "{\"__type\":\"X\",\"Reason\":\"r\"}"},
	{400, "Bad Request", NULL, "{\"Message\":{\"a\":1}}", "400",
	 "{\"Message\":{\"a\":1}}"},
	/* unusual JSON */
	{400, NULL, "H", "{\"__type\":7,\"code\":[],\"message\":\"m\"}", "H", "m"},
	{400, NULL, NULL, "[1]", "400", "[1]"},
	{400, NULL, NULL, "null", "400", "null"},
	{400, NULL, NULL, "\"text\"", "400", "\"text\""},
	{400, NULL, NULL, "{\"__type\":\"X\"", "400", "{\"__type\":\"X\""},
	{400, NULL, NULL, "{\"__type\":\"X\",\"Message\":\"a\\u0000\\uD800b\xFF\"}",
	 "X",
	 "a\xEF\xBF\xBD\xEF\xBF\xBD"
	 "b?"},
	{400, NULL, NULL, "{\"__type\":\"X\",\"Message\":\"two\\nlines\\u007f\"}",
	 "X", "two lines "},
	{400, NULL, "sp ace\x01\xFF", "{}", "space", ""},
	/* no JSON */
	{403, "Forbidden", NULL, "no \xFF\x01\r\n way", "403", "no ?    way"},
	{503, "Service Unavailable", NULL, "<html><body>", "503",
	 "Service Unavailable"},
	{503, "Service Unavailable", NULL, "\n<!DOCTYPE html>", "503",
	 "Service Unavailable"},
	{503, NULL, NULL, "<html>", "503", "<html>"},
	{502, "Bad Gateway", NULL, "<?xml?><Error/>", "502", "<?xml?><Error/>"},
};

/* Every error reply has a code, and a message if possible. */
static void
test_errors(void)
{
	for (int i = 0; i < LENGTH(errors); i++)
	{
		HlErrorReply reply = {.http_status = errors[i].status,
							  .reason_phrase = errors[i].phrase,
							  .error_type = errors[i].type,
							  .body = errors[i].body,
							  .len =
								  errors[i].body ? strlen(errors[i].body) : 0};
		HlBytes code = {0};
		HlBytes message = {0};
		bool found = hl_protocol_read_error(&reply, &code, &message);
		const char *name = named(errors[i].body);

		is(hl_bytes_string(&code), errors[i].code, name);
		is(hl_bytes_string(&message), errors[i].message, name);
		if (found == (errors[i].code[0] == '4' || errors[i].code[0] == '5'))
			ok(false, "whether there was a code is told");
		hl_bytes_free(&code);
		hl_bytes_free(&message);
	}
}

/* Messages are limited, whatever a server sends. */
static void
test_endless(void)
{
	HlBytes body = {0};
	HlBytes code = {0};
	HlBytes message = {0};
	HlErrorReply reply = {.http_status = 400};

	hl_bytes_append_string(&body, "{\"__type\":\"");
	for (int i = 0; i < 100000; i++)
		hl_bytes_append_char(&body, 'X');
	hl_bytes_append_string(&body, "\",\"Message\":\"");
	for (int i = 0; i < 100000; i++)
		hl_bytes_append_string(&body, "\xE2\x82\xAC");
	reply.body = body.data;
	reply.len = body.len;
	hl_protocol_read_error(&reply, &code, &message);
	ok(message.len <= 1024 + 3 && code.len == 3, "a cut body is cut short");
	hl_bytes_append_string(&body, "\"}");
	reply.body = body.data;
	reply.len = body.len;
	hl_bytes_reset(&code);
	hl_bytes_reset(&message);
	hl_protocol_read_error(&reply, &code, &message);
	ok(code.len == 128, "a code is cut");
	ok(message.len == 8190 + 3 && hl_utf8_length(message.data + 8187, 3) == 3,
	   "a message is cut between two characters");
	hl_bytes_reset(&body);
	hl_bytes_reset(&code);
	for (int i = 0; i < 100000; i++)
		hl_bytes_append_string(&body, "{\"__type\":");
	reply.body = body.data;
	reply.len = body.len;
	ok(!hl_protocol_read_error(&reply, &code, &message),
	   "100,000 levels are no error reply");
	hl_bytes_free(&body);
	hl_bytes_free(&code);
	hl_bytes_free(&message);
}

int
main(void)
{
	test_written();
	test_replies();
	test_errors();
	test_endless();
	return tap_end();
}
