/*
 * json.c
 *	  Tests of the JSON reader and writer: RFC 8259, and hostile input.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "tap.h"

/* Valid texts, and their compact form. */
static const struct
{
	const char *text;
	const char *written;
} accepted[] = {
	{"null", "null"},
	{" true ", "true"},
	{"\t\r\n false\n", "false"},
	{"0", "0"},
	{"-0", "-0"},
	{"-0.0e-0", "-0.0e-0"},
	{"1E+2", "1E+2"},
	{"123456789012345678901234567890", "123456789012345678901234567890"},
	{"\"\"", "\"\""},
	{"[]", "[]"},
	{"{}", "{}"},
	{" [ ] ", "[]"},
	{" { } ", "{}"},
	{"[[],{},[[]],\"\"]", "[[],{},[[]],\"\"]"},
	{"[1 , 2,3]", "[1,2,3]"},
	{"{\"a\" : {\"b\" : [null]} , \"c\":\"d\"}",
	 "{\"a\":{\"b\":[null]},\"c\":\"d\"}"},
	{"{\"\":0}", "{\"\":0}"},
	{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
	{"\"\\u0041\\u00e4\\u20AC\\uD834\\udd1e\"", "\"A\xC3\xA4\xE2\x82\xAC"
												"\xF0\x9D\x84\x9E\""},
	{"\"\\u0001\\u001F\x7F\"", "\"\\u0001\\u001f\x7F\""},
	{"\"\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xEF\xBF\xBF \xF0\x90\x80\x80 "
	 "\xF4\x8F\xBF\xBF\"",
	 "\"\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xEF\xBF\xBF \xF0\x90\x80\x80 "
	 "\xF4\x8F\xBF\xBF\""},
	{"\"\\uFFFF\"", "\"\xEF\xBF\xBF\""},
	{"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"},
};

/* Invalid texts, with fault and position. */
static const struct
{
	const char *text;
	size_t len; /* 0: up to the zero byte */
	HlJsonFault fault;
	size_t offset;
} refused[] = {
	{"", 0, HL_JSON_SYNTAX, 0},
	{"   ", 0, HL_JSON_SYNTAX, 3},
	{"nul", 0, HL_JSON_SYNTAX, 0},
	{"nulll", 0, HL_JSON_SYNTAX, 4},
	{"True", 0, HL_JSON_SYNTAX, 0},
	{"NaN", 0, HL_JSON_SYNTAX, 0},
	{"Infinity", 0, HL_JSON_SYNTAX, 0},
	{"-Infinity", 0, HL_JSON_SYNTAX, 1},
	{"-", 0, HL_JSON_SYNTAX, 1},
	{"+1", 0, HL_JSON_SYNTAX, 0},
	{"01", 0, HL_JSON_SYNTAX, 1},
	{"-01", 0, HL_JSON_SYNTAX, 2},
	{".5", 0, HL_JSON_SYNTAX, 0},
	{"1.", 0, HL_JSON_SYNTAX, 2},
	{"1.e5", 0, HL_JSON_SYNTAX, 2},
	{"1e", 0, HL_JSON_SYNTAX, 2},
	{"1e+", 0, HL_JSON_SYNTAX, 3},
	{"0x1", 0, HL_JSON_SYNTAX, 1},
	{"1 2", 0, HL_JSON_SYNTAX, 2},
	{"[1,]", 0, HL_JSON_SYNTAX, 3},
	{"[,1]", 0, HL_JSON_SYNTAX, 1},
	{"[1 2]", 0, HL_JSON_SYNTAX, 3},
	{"[1", 0, HL_JSON_SYNTAX, 2},
	{"[", 0, HL_JSON_SYNTAX, 1},
	{"]", 0, HL_JSON_SYNTAX, 0},
	{"[}", 0, HL_JSON_SYNTAX, 1},
	{"{]", 0, HL_JSON_SYNTAX, 1},
	{"{", 0, HL_JSON_SYNTAX, 1},
	{"{\"a\"}", 0, HL_JSON_SYNTAX, 4},
	{"{\"a\":}", 0, HL_JSON_SYNTAX, 5},
	{"{\"a\":1,}", 0, HL_JSON_SYNTAX, 7},
	{"{\"a\" 1}", 0, HL_JSON_SYNTAX, 5},
	{"{a:1}", 0, HL_JSON_SYNTAX, 1},
	{"{1:1}", 0, HL_JSON_SYNTAX, 1},
	{"{\"a\":1 \"b\":2}", 0, HL_JSON_SYNTAX, 7},
	{"{}{}", 0, HL_JSON_SYNTAX, 2},
	{"{} x", 0, HL_JSON_SYNTAX, 3},
	{"{}\0", 3, HL_JSON_SYNTAX, 2},
	{"{\"a\0\":1}", 8, HL_JSON_SYNTAX, 3},
	{"[1,\0]", 5, HL_JSON_SYNTAX, 3},
	{"// no", 0, HL_JSON_SYNTAX, 0},
	{"'a'", 0, HL_JSON_SYNTAX, 0},
	{"\xEF\xBB\xBF{}", 0, HL_JSON_SYNTAX, 0},
	{"\xC2\xA0{}", 0, HL_JSON_SYNTAX, 0},
	{"\"a", 0, HL_JSON_SYNTAX, 2},
	{"\"a\\", 0, HL_JSON_SYNTAX, 3},
	{"\"\\x\"", 0, HL_JSON_SYNTAX, 1},
	{"\"\\\0\"", 4, HL_JSON_SYNTAX, 1},
	{"\"\\U0041\"", 0, HL_JSON_SYNTAX, 1},
	{"\"\\u004\"", 0, HL_JSON_SYNTAX, 1},
	{"\"\\u00g1\"", 0, HL_JSON_SYNTAX, 1},
	{"\"\\u12", 0, HL_JSON_SYNTAX, 1},
	{"\"\n\"", 0, HL_JSON_SYNTAX, 1},
	{"\"\x1F\"", 0, HL_JSON_SYNTAX, 1},
	{"\"ab\\u0000\"", 0, HL_JSON_ZERO, 3},
	{"{\"\\u0000\":1}", 0, HL_JSON_ZERO, 2},
	{"\"\\uD834\"", 0, HL_JSON_SURROGATE, 1},
	{"\"\\uDD1E\"", 0, HL_JSON_SURROGATE, 1},
	{"\"\\uD834\\uD834\"", 0, HL_JSON_SURROGATE, 1},
	{"\"\\uD834\\u0041\"", 0, HL_JSON_SURROGATE, 1},
	{"\"\\uD834\\n\"", 0, HL_JSON_SURROGATE, 1},
	{"\"\\uD834\\uDD1", 0, HL_JSON_SURROGATE, 1},
	{"\"\x80\"", 0, HL_JSON_ENCODING, 1},
	{"\"\xC1\xBF\"", 0, HL_JSON_ENCODING, 1},
	{"\"\xC3\"", 0, HL_JSON_ENCODING, 1},
	{"\"a\xE2\x82\"", 0, HL_JSON_ENCODING, 2},
	{"\"\xE0\x9F\xBF\"", 0, HL_JSON_ENCODING, 1},
	{"\"\xED\xA0\x80\"", 0, HL_JSON_ENCODING, 1},
	{"\"\xF0\x8F\xBF\xBF\"", 0, HL_JSON_ENCODING, 1},
	{"\"\xF4\x90\x80\x80\"", 0, HL_JSON_ENCODING, 1},
	{"\"\xF5\x80\x80\x80\"", 0, HL_JSON_ENCODING, 1},
	{"\"\xFF\"", 0, HL_JSON_ENCODING, 1},
	{"\"\xE2\x82", 0, HL_JSON_ENCODING, 1},
};

/* Shows a text on one line. */
static const char *
shown(const char *text, size_t len)
{
	static HlBytes bytes;

	hl_bytes_reset(&bytes);
	for (size_t i = 0; i < len; i++)
		if (text[i] >= 0x20 && text[i] < 0x7F && text[i] != '#')
			hl_bytes_append_char(&bytes, text[i]);
		else
			hl_bytes_format(&bytes, "<%02X>", (unsigned char) text[i]);
	return hl_bytes_string(&bytes);
}

/* A copy at the end of its memory, so that reading past it is detected. */
static char *
exact_copy(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	memcpy(copy, text, len);
	return copy;
}

/* Valid JSON is read, and written as expected. */
static void
test_accepted(void)
{
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
	{
		size_t len = strlen(accepted[i].text);
		char *text = exact_copy(accepted[i].text, len);
		HlJsonDocument document = {0};
		HlBytes bytes = {0};

		(void) !hl_json_read(&document, text, len);
		hl_json_append_node(&bytes, document.root);
		ok(document.root != NULL && document.fault == HL_JSON_FINE &&
			   strcmp(hl_bytes_string(&bytes), accepted[i].written) == 0,
		   "read and write %s", shown(text, len));
		hl_json_free(&document);
		hl_bytes_free(&bytes);
		free(text);
	}
}

/* Invalid JSON is refused with the right fault and position. */
static void
test_refused(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
	{
		size_t len = refused[i].len ? refused[i].len : strlen(refused[i].text);
		char *text = exact_copy(refused[i].text, len);
		HlJsonDocument document = {0};
		bool read = hl_json_read(&document, text, len);

		ok(!read && document.root == NULL && document.reason[0] != '\0' &&
			   document.fault == refused[i].fault &&
			   document.offset == refused[i].offset,
		   "refuse %s: %s at %zu", shown(text, len), document.reason,
		   document.offset);
		hl_json_free(&document);
		free(text);
	}
}

/* Every truncated text is refused, without reading past its end. */
static void
test_truncated(void)
{
	static const char text[] =
		"{\"a\":[1.5e3,\"\\uD834\\uDD1E\xE2\x82\xAC\",{\"b\":true}]}";
	int refusals = 0;

	for (size_t len = 0; len < sizeof(text) - 1; len++)
	{
		char *copy = exact_copy(text, len);
		HlJsonDocument document = {0};

		refusals += !hl_json_read(&document, copy, len);
		hl_json_free(&document);
		free(copy);
	}
	ok(refusals == sizeof(text) - 1, "every truncated text is refused");
}

/* Reads a text that must be JSON. */
static HlJsonDocument
must_read(const char *text)
{
	HlJsonDocument document = {0};

	if (!hl_json_read(&document, text, strlen(text)))
		printf("Bail out! %s: %s\n", text, document.reason);
	return document;
}

/* Members and elements are found; of duplicate names the last one. */
static void
test_access(void)
{
	HlJsonDocument document = must_read(
		"{\"a\":[10,[20,21],30],\"b\":{\"a\":\"inner\"},\"a\\u0001\":null,"
		"\"b\":\"last\",\"t\":true,\"f\":false}");
	const HlJson *root = document.root;
	const HlJson *list = hl_json_member(root, "a");
	HlJsonEach each = hl_json_each(root);
	const HlJson *child;
	HlBytes names = {0};

	ok(hl_json_kind(root) == HL_JSON_OBJECT && hl_json_len(root) == 6,
	   "an object knows how many members it has");
	ok(hl_json_kind(list) == HL_JSON_ARRAY && hl_json_len(list) == 3,
	   "an array knows how many elements it has");
	is(hl_json_string(hl_json_element(list, 2)), "30", "element 2");
	is(hl_json_string(hl_json_element(hl_json_element(list, 1), 1)), "21",
	   "element 1 of element 1");
	ok(hl_json_element(list, 3) == NULL && hl_json_element(root, 0) == NULL,
	   "no such element, and no element of an object");
	is(hl_json_string(hl_json_member(root, "b")), "last",
	   "the last of two members with one name counts");
	ok(hl_json_member(root, "c") == NULL && hl_json_member(list, "a") == NULL,
	   "no such member, and no member of an array");
	ok(hl_json_kind(hl_json_member(root, "t")) == HL_JSON_TRUE &&
		   hl_json_kind(hl_json_member(root, "f")) == HL_JSON_FALSE,
	   "true and false");
	while ((child = hl_json_step(&each)) != NULL)
		hl_bytes_format(&names, "%s/%zu/%d ", each.name, each.name_len,
						hl_json_kind(child));
	is(hl_bytes_string(&names), "a/1/5 b/1/6 a\x01/2/0 b/1/4 t/1/2 f/1/1 ",
	   "a walk over an object");
	each = hl_json_each(hl_json_element(list, 0));
	ok(hl_json_step(&each) == NULL, "a walk over a number ends at once");
	ok(hl_json_kind(NULL) == HL_JSON_NULL && hl_json_len(NULL) == 0 &&
		   hl_json_member(NULL, "a") == NULL &&
		   hl_json_element(NULL, 0) == NULL && *hl_json_string(NULL) == '\0',
	   "a node that is not there is null");
	hl_bytes_free(&names);
	hl_json_free(&document);
}

/* Integers are exact, doubles are the nearest. */
static void
test_numbers(void)
{
	static const struct
	{
		const char *text;
		bool exact;
		int64_t value;
	} cases[] = {
		{"0", true, 0},
		{"-0", true, 0},
		{"-1", true, -1},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9007199254740993", true, INT64_C(9007199254740993)},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0},
		{"99999999999999999999999", false, 0},
		{"1.0", false, 0},
		{"1e2", false, 0},
		{"\"1\"", false, 0},
		{"true", false, 0},
		{"null", false, 0},
	};
	HlJsonDocument document;
	double number = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		int64_t value = 0;
		bool exact;

		document = must_read(cases[i].text);
		exact = hl_json_int64(document.root, &value);
		ok(exact == cases[i].exact && value == cases[i].value,
		   "%s is %s integer: %" PRId64, cases[i].text, exact ? "an" : "no",
		   value);
		hl_json_free(&document);
	}
	document = must_read("[-1.25e2,\"1\",1e999]");
	ok(hl_json_double(hl_json_element(document.root, 0), &number) &&
		   number == -125.0,
	   "a double");
	ok(!hl_json_double(hl_json_element(document.root, 1), &number),
	   "a string is no double");
	ok(hl_json_double(hl_json_element(document.root, 2), &number) &&
		   isinf(number),
	   "a number beyond every double is infinite");
	hl_json_free(&document);
}

/* Makes a text that repeats its middle n times. */
static void
repeat(HlBytes *bytes, const char *first, const char *middle, int n)
{
	hl_bytes_reset(bytes);
	hl_bytes_append_string(bytes, first);
	for (int i = 0; i < n; i++)
		hl_bytes_append_string(bytes, middle);
}

/* Limits hold at their exact values. */
static void
test_limits(void)
{
	HlBytes text = {0};
	HlJsonDocument document = {0};

	repeat(&text, "", "[", 144);
	for (int i = 0; i < 144; i++)
		hl_bytes_append_char(&text, ']');
	ok(hl_json_read(&document, text.data, text.len), "144 levels are read");
	document.max_depth = 127;
	ok(!hl_json_read(&document, text.data, text.len) &&
		   document.fault == HL_JSON_TOO_DEEP && document.offset == 127,
	   "a limit of 127 levels holds");
	document.max_depth = 0;
	repeat(&text, "", "[", 1000000);
	ok(!hl_json_read(&document, text.data, text.len) &&
		   document.fault == HL_JSON_TOO_DEEP && document.offset == 144,
	   "a million levels are refused at the 145th");
	document.max_depth = 2000000;
	repeat(&text, "", "{\"a\":", 1000000);
	ok(!hl_json_read(&document, text.data, text.len) &&
		   document.fault == HL_JSON_TOO_DEEP,
	   "no caller can ask for a million levels");
	document.max_nodes = 4;
	ok(hl_json_read(&document, "[1,2,3]", 7), "four values are read");
	ok(!hl_json_read(&document, "[1,2,3,4]", 9) &&
		   document.fault == HL_JSON_TOO_LARGE && document.root == NULL,
	   "a limit of four values holds");
	ok(!hl_json_read(&document, "{\"a\":1,\"b\":2}", 13) &&
		   document.fault == HL_JSON_TOO_LARGE,
	   "names of members count");
	ok(hl_json_read(&document, "7", 1) && document.fault == HL_JSON_FINE &&
		   document.reason[0] == '\0',
	   "a document can be used again after a failure");
	ok(!hl_json_read(&document, NULL, 0), "no text at all is refused");
	hl_json_free(&document);
	hl_bytes_free(&text);
}

/* Seconds that reading a text takes. */
static double
seconds_to_read(const HlBytes *text, HlJsonDocument *document)
{
	struct timespec before;
	struct timespec after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	(void) !hl_json_read(document, text->data, text->len);
	clock_gettime(CLOCK_MONOTONIC, &after);
	return (double) (after.tv_sec - before.tv_sec) +
		   (double) (after.tv_nsec - before.tv_nsec) / 1e9;
}

/* Large texts of the worst kinds take linear time. */
static void
test_bombs(void)
{
	static const struct
	{
		const char *first;
		const char *middle;
		const char *last;
		int n;
	} bombs[] = {
		{"{\"a\":0", ",\"a\":0", "}", 300000},
		{"[0", ",0", "]", 1000000},
		{"[{}", ",{\"a\":[{}]}", "]", 200000},
		{"\"", "\\u00e4", "\"", 300000},
		{"\"", "\\uD834\\uDD1E", "\"", 200000},
		{"1", "0", "", 2000000},
		{"[", "[]],[", "]", 1000},
		{"", " ", "1", 2000000},
	};
	HlBytes text = {0};
	HlJsonDocument document = {0};

	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++)
	{
		double seconds;
		const HlJson *found = NULL;

		repeat(&text, bombs[i].first, bombs[i].middle, bombs[i].n);
		hl_bytes_append_string(&text, bombs[i].last);
		seconds = seconds_to_read(&text, &document);
		for (int n = 0; n < 10; n++)
			found = hl_json_member(document.root, "a");
		ok(seconds < 2.0, "%zu bytes of %s: in time%s", text.len,
		   shown(bombs[i].middle, strlen(bombs[i].middle)),
		   found ? ", and the last member is found" : "");
	}
	hl_json_free(&document);
	hl_bytes_free(&text);
}

/* In lenient mode invalid characters are replaced. */
static void
test_lenient(void)
{
	static const char text[] = "{\"message\":\"a\\u0000b\\uD800c\xFF"
							   "d\xC3\",\"code\":\"X\"}";
	HlJsonDocument document = {.lenient = true};

	ok(hl_json_read(&document, text, sizeof(text) - 1), "lenient reading");
	is(hl_json_string(hl_json_member(document.root, "message")),
	   "a\xEF\xBF\xBD"
	   "b\xEF\xBF\xBD"
	   "c?d?",
	   "what cannot be kept is replaced");
	is(hl_json_string(hl_json_member(document.root, "code")), "X",
	   "and the rest is there");
	ok(!hl_json_read(&document, "{\"a\":}", 6), "but JSON it must be");
	hl_json_free(&document);
}

/*
 * Strings are scanned by eight bytes: each byte is detected at each position.
 */
static void
test_every_place(void)
{
	int wrong = 0;

	for (int c = 1; c < 256; c++)
		for (size_t at = 0; at < 20; at++)
		{
			/* with a byte of 128 or more beside it, which may hide it */
			char string[] = "abcdefgh\xC3\xA4ijklmnopqrst";
			HlJsonDocument document = {.lenient = true};
			HlBytes text = {0};

			string[at < 8 ? at : at + 2] = (char) c;
			hl_json_append_string(&text, string, strlen(string));
			if (!hl_json_read(&document, text.data, text.len))
				wrong++;
			else if (c < 128)
				wrong += strcmp(hl_json_string(document.root), string) != 0;
			text.data[1 + (at < 8 ? at : at + 2)] = '\n';
			wrong += hl_json_read(&document, text.data, text.len);
			hl_json_free(&document);
			hl_bytes_free(&text);
		}
	ok(wrong == 0, "a string is read as it was written: %d are not", wrong);
}

/* Freeing a secret document wipes it. */
static void
test_secret(void)
{
	HlJsonDocument document = {.secret = true};

	(void) !hl_json_read(&document, "{\"key\":\"wJalr\"}", 15);
	is(hl_json_string(hl_json_member(document.root, "key")), "wJalr",
	   "a secret document is read like any other");
	hl_json_free(&document);
	ok(document.text == NULL && document.root == NULL && document.secret,
	   "and is empty after it was freed");
	hl_json_free(&document);
}

int
main(void)
{
	test_accepted();
	test_refused();
	test_truncated();
	test_access();
	test_numbers();
	test_limits();
	test_bombs();
	test_lenient();
	test_every_place();
	test_secret();
	return tap_end();
}
