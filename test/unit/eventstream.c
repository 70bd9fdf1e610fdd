/*
 * eventstream.c
 *	  Tests of aws/eventstream.c. With --read it prints what streams on standard
 *	  input hold, for test/judge/eventstream.py: a stream is the number of its
 *	  pieces, then each piece after its length; numbers have four bytes, the
 *	  highest first.
 */
#include "aws/eventstream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "event_message.h"
#include "tap.h"

/* Appends a message with these encoded headers. */
static void
add_message(HlBytes *stream, const HlBytes *headers, const char *payload,
			size_t payload_len)
{
	size_t start = stream->len;

	add_number(stream, headers->len + payload_len + 16, 4);
	add_number(stream, headers->len, 4);
	add_number(stream, slow_crc(stream->data + start, 8), 4);
	hl_bytes_append(stream, headers->data, headers->len);
	hl_bytes_append(stream, payload, payload_len);
	add_number(stream, slow_crc(stream->data + start, stream->len - start), 4);
}

/* Appends a header up to its value. */
static void
add_name(HlBytes *headers, const char *name, int type)
{
	add_number(headers, strlen(name), 1);
	hl_bytes_append_string(headers, name);
	add_number(headers, (uint64_t) type, 1);
}

/* Appends a header that is a string. */
static void
add_string(HlBytes *headers, const char *name, const char *value)
{
	add_name(headers, name, HL_EVENT_HEADER_STRING);
	add_number(headers, strlen(value), 2);
	hl_bytes_append_string(headers, value);
}

/* The result of a stream: its messages, and how and why it ended. */
typedef struct Seen
{
	int messages;
	HlEventStep last;
	bool within;
	const char *reason;
} Seen;

/* Reads a stream in pieces of a size. */
static Seen
read_in_pieces(const HlBytes *bytes, size_t size)
{
	HlEventStream stream = {0};
	HlEventMessage message;
	Seen seen = {.last = HL_EVENT_STEP_MORE};

	for (size_t at = 0; at < bytes->len; at += size)
	{
		size_t len = bytes->len - at < size ? bytes->len - at : size;
		/* a copy, so that reading beyond its end is detected */
		char *piece = malloc(len);
		const char *data = piece;

		memcpy(piece, bytes->data + at, len);
		while ((seen.last = hl_eventstream_read(
					&stream, &data, &len, &message)) == HL_EVENT_STEP_MESSAGE)
			seen.messages++;
		free(piece);
	}
	seen.within = hl_eventstream_is_within(&stream);
	seen.reason = stream.reason;
	hl_eventstream_free(&stream);
	return seen;
}

/* Checks that a stream is refused, in pieces of any size. */
static void
refuses(const HlBytes *stream, const char *reason, const char *name)
{
	for (size_t size = 1; size <= stream->len; size = size * 7 + 1)
	{
		Seen seen = read_in_pieces(stream, size);

		if (seen.messages != 0 || seen.last != HL_EVENT_STEP_BROKEN ||
			seen.reason == NULL || strcmp(seen.reason, reason) != 0)
		{
			is(seen.reason, reason, name);
			return;
		}
	}
	ok(1, "%s", name);
}

/* A message without headers and payload, from Smithy's documentation. */
static void
check_smallest(void)
{
	static const char smallest[] = {
		0,    0,           0,           0x10,        0,    0,
		0,    0,           0x05,        (char) 0xc2, 0x48, (char) 0xeb,
		0x7d, (char) 0x98, (char) 0xc8, (char) 0xff};
	HlBytes stream = {0};
	Seen seen;

	hl_bytes_append(&stream, smallest, sizeof(smallest));
	seen = read_in_pieces(&stream, 16);
	ok(seen.messages == 1 && !seen.within, "the smallest message");
	hl_bytes_append(&stream, smallest, sizeof(smallest));
	for (size_t size = 1; size <= 32; size++)
	{
		seen = read_in_pieces(&stream, size);
		if (seen.messages != 2 || seen.within || seen.reason != NULL)
			break;
	}
	ok(seen.messages == 2 && !seen.within, "two, in pieces of any size");
	stream.len -= 1;
	seen = read_in_pieces(&stream, 5);
	ok(seen.messages == 1 && seen.within && seen.last == HL_EVENT_STEP_MORE,
	   "one and a cut one");
	hl_bytes_free(&stream);
}

/* Reads one message; bytes and stream belong to the caller. */
static bool
read_one(HlEventStream *stream, const HlBytes *bytes, HlEventMessage *message)
{
	const char *data = bytes->data;
	size_t len = bytes->len;

	return hl_eventstream_read(stream, &data, &len, message) ==
			   HL_EVENT_STEP_MESSAGE &&
		   len == 0;
}

/* Headers of every type, with their extremes. */
static void
add_every_type(HlBytes *headers)
{
	add_name(headers, "yes", HL_EVENT_HEADER_TRUE);
	add_name(headers, "no", HL_EVENT_HEADER_FALSE);
	add_name(headers, "byte", HL_EVENT_HEADER_BYTE);
	add_number(headers, 0x80, 1);
	add_name(headers, "short", HL_EVENT_HEADER_SHORT);
	add_number(headers, 0x8000, 2);
	add_name(headers, "integer", HL_EVENT_HEADER_INTEGER);
	add_number(headers, 0x7fffffff, 4);
	add_name(headers, "long", HL_EVENT_HEADER_LONG);
	add_number(headers, UINT64_C(0x8000000000000000), 8);
	add_name(headers, "bytes", HL_EVENT_HEADER_BYTES);
	add_number(headers, 3, 2);
	hl_bytes_append(headers, "\xff\0\xfe", 3);
	add_string(headers, "string", "gr\xc3\xbc\xc3\x9f");
	add_name(headers, "timestamp", HL_EVENT_HEADER_TIMESTAMP);
	add_number(headers, UINT64_C(1700000000123), 8);
	add_name(headers, "uuid", HL_EVENT_HEADER_UUID);
	hl_bytes_append(headers, "0123456789abcdef", 16);
}

static void
check_types(void)
{
	static const int64_t numbers[] = {
		0, 0, -128, -32768, INT32_MAX, INT64_MIN, 0, 0, INT64_C(1700000000123),
		0};
	HlBytes headers = {0};
	HlBytes bytes = {0};
	HlEventStream stream = {0};
	HlEventMessage message;
	HlEventHeader header;
	size_t offset = 0;
	int count = 0;
	bool right = true;

	add_every_type(&headers);
	add_message(&bytes, &headers, "{}", 2);
	if (!ok(read_one(&stream, &bytes, &message), "headers of every type"))
		return;
	while (hl_eventstream_header(&message, &offset, &header))
	{
		right &= header.type == (HlEventHeaderType) count &&
				 header.number == numbers[count];
		count++;
	}
	ok(right && count == 10, "their types and numbers");
	ok(hl_eventstream_string(&message, "string", &header) && header.len == 6,
	   "a string by its name");
	ok(!hl_eventstream_string(&message, "bytes", &header) && header.len == 3 &&
		   memcmp(header.bytes, "\xff\0\xfe", 3) == 0,
	   "bytes are no string");
	ok(!hl_eventstream_string(&message, "uuid", &header) && header.len == 16,
	   "nor is a UUID");
	ok(!hl_eventstream_string(&message, "strin", &header) &&
		   !hl_eventstream_says(&message, "string", "gr"),
	   "names and values are compared whole");
	ok(message.payload_len == 2 && memcmp(message.payload, "{}", 2) == 0,
	   "the payload");
	hl_eventstream_free(&stream);
	hl_bytes_free(&headers);
	hl_bytes_free(&bytes);
}

/* A message whose only header's bytes are these. */
static void
refuses_header(const char *bytes, size_t len, const char *reason,
			   const char *name)
{
	HlBytes headers = {0};
	HlBytes stream = {0};

	hl_bytes_append(&headers, bytes, len);
	add_message(&stream, &headers, "", 0);
	refuses(&stream, reason, name);
	hl_bytes_free(&headers);
	hl_bytes_free(&stream);
}

#define REFUSES_HEADER(bytes, reason, name)                                    \
	refuses_header(bytes, sizeof(bytes) - 1, reason, name)
#define MALFORMED "a message has a malformed header"

static void
check_headers(void)
{
	HlBytes many = {0};
	char name[] = "a0";

	REFUSES_HEADER("\0", MALFORMED, "a header without a name");
	REFUSES_HEADER("\5name", MALFORMED, "a name that is cut");
	REFUSES_HEADER("\4name", MALFORMED, "no type");
	REFUSES_HEADER("\4name\12", MALFORMED, "a type that is none");
	REFUSES_HEADER("\4name\xff", MALFORMED, "another one");
	REFUSES_HEADER("\1a\4\1\2\3", MALFORMED, "an integer that is cut");
	REFUSES_HEADER("\1a\7\0", MALFORMED, "a length that is cut");
	REFUSES_HEADER("\1a\7\0\5word", MALFORMED, "a string that is cut");
	REFUSES_HEADER("\1a\11"
				   "0123456789abcde",
				   MALFORMED, "a UUID that is cut");
	REFUSES_HEADER("\1a\0\1", MALFORMED, "something after the last header");
	REFUSES_HEADER("\1a\0\1a\1", "a message has a header twice",
				   "a header twice");
	REFUSES_HEADER("\1a\7\0\1\xff", "a message has a header that is not UTF-8",
				   "a string that is not UTF-8");
	REFUSES_HEADER("\1\xc3\1", "a message has a header that is not UTF-8",
				   "a name that is not UTF-8");
	for (int i = 0; i <= HL_EVENTSTREAM_MAX_HEADERS; i++)
	{
		name[0] = (char) ('a' + i / 10);
		name[1] = (char) ('0' + i % 10);
		add_name(&many, name, HL_EVENT_HEADER_TRUE);
	}
	refuses_header(many.data, many.len, "a message has too many headers",
				   "too many headers");
	hl_bytes_free(&many);
}

/* A stream with only a prelude and its CRC. */
static void
refuses_prelude(uint64_t length, uint64_t headers_len, const char *reason,
				const char *name)
{
	HlBytes stream = {0};

	add_number(&stream, length, 4);
	add_number(&stream, headers_len, 4);
	add_number(&stream, slow_crc(stream.data, 8), 4);
	refuses(&stream, reason, name);
	hl_bytes_free(&stream);
}

#define TOO_LARGE "a message is larger than allowed"
#define CONTRADICTING "the lengths in a message's prelude contradict each other"

static void
check_preludes(void)
{
	refuses_prelude(0, 0, CONTRADICTING, "a length of nothing");
	refuses_prelude(15, 0, CONTRADICTING, "less than a prelude");
	refuses_prelude(16, 1, CONTRADICTING, "more headers than message");
	refuses_prelude(0xffffffff, 0, TOO_LARGE, "four gigabytes");
	refuses_prelude(HL_EVENTSTREAM_MAX_MESSAGE + 1, 0, TOO_LARGE,
					"one byte too many");
	refuses_prelude(HL_EVENTSTREAM_MAX_MESSAGE,
					HL_EVENTSTREAM_MAX_HEADERS_LEN + 1, TOO_LARGE,
					"headers that are too long");
}

/* Every flipped bit of a message is detected. */
static void
check_bits(void)
{
	HlBytes headers = {0};
	HlBytes stream = {0};
	size_t unnoticed = 0;

	add_string(&headers, ":event-type", "TextMessageEvent");
	add_message(&stream, &headers, "{\"Message\":\"hello\"}", 19);
	for (size_t bit = 0; bit < stream.len * 8; bit++)
	{
		stream.data[bit / 8] ^= (char) (1 << bit % 8);
		unnoticed += read_in_pieces(&stream, 9).messages != 0;
		stream.data[bit / 8] ^= (char) (1 << bit % 8);
	}
	ok(unnoticed == 0, "no bit can be turned over unnoticed");
	ok(read_in_pieces(&stream, 9).messages == 1, "it is read as it was");
	stream.data[stream.len - 1] ^= 1;
	refuses(&stream, "the checksum of a message is wrong", "the last CRC");
	stream.data[stream.len - 1] ^= 1;
	stream.data[8] ^= 1;
	refuses(&stream, "the checksum of a message's prelude is wrong",
			"the first CRC");
	hl_bytes_free(&headers);
	hl_bytes_free(&stream);
}

/* The largest message, and the memory for it. */
static void
check_largest(void)
{
	HlBytes headers = {0};
	HlBytes stream = {0};
	char *payload = calloc(1, HL_EVENTSTREAM_MAX_MESSAGE - 16);
	Seen seen;

	add_message(&stream, &headers, payload, HL_EVENTSTREAM_MAX_MESSAGE - 16);
	seen = read_in_pieces(&stream, 4099);
	ok(seen.messages == 1, "the largest message");
	hl_bytes_free(&stream);
	free(payload);
}

/* --------------------------------------------------------- for the judge -- */

/* Reads a number of standard input; false at its end. */
static bool
take_number(uint32_t *number)
{
	unsigned char bytes[4];

	if (fread(bytes, 1, 4, stdin) != 4)
		return false;
	*number = (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 |
			  (uint32_t) bytes[2] << 8 | bytes[3];
	return true;
}

/* Prints bytes as hexadecimal digits. */
static void
print_bytes(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", (unsigned char) bytes[i]);
}

/* Prints a message on a line. */
static void
print_message(const HlEventMessage *message)
{
	HlEventHeader header;
	size_t offset = 0;

	while (hl_eventstream_header(message, &offset, &header))
	{
		print_bytes(header.name, header.name_len);
		printf(":%d:%" PRId64 ":", (int) header.type, header.number);
		print_bytes(header.bytes, header.len);
		printf(" ");
	}
	print_bytes(message->payload, message->payload_len);
	printf("\n");
}

/* Reads one stream of standard input and prints what it holds. */
static void
print_stream(uint32_t pieces)
{
	HlEventStream stream = {0};
	HlEventMessage message;
	uint32_t size;

	while (pieces-- > 0 && take_number(&size))
	{
		char *piece = malloc(size);
		const char *data = piece;
		size_t len = fread(piece, 1, size, stdin);

		while (hl_eventstream_read(&stream, &data, &len, &message) ==
			   HL_EVENT_STEP_MESSAGE)
			print_message(&message);
		free(piece);
	}
	printf("= %s\n", stream.reason != NULL               ? stream.reason
					 : hl_eventstream_is_within(&stream) ? "cut"
														 : "whole");
	hl_eventstream_free(&stream);
}

int
main(int argc, char **argv)
{
	uint32_t pieces;

	if (argc > 1 && strcmp(argv[1], "--read") == 0)
	{
		while (take_number(&pieces))
			print_stream(pieces);
		return 0;
	}
	check_smallest();
	check_types();
	check_headers();
	check_preludes();
	check_bits();
	check_largest();
	return tap_end();
}
