/*
 * eventstream.c
 *	  Parses messages of an event stream.
 *
 * A message, all numbers being big-endian:
 *
 *	  length of the message, length of its headers (4 bytes each)
 *	  CRC-32 of these two
 *	  headers: length of the name (1 byte), name, type (1 byte), value
 *	  payload
 *	  CRC-32 of everything before
 */
#include "aws/eventstream.h"

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

#define PRELUDE_LEN 12
#define CRC_LEN 4
#define UUID_LEN 16

/*
 * CRC-32 as in Ethernet and zlib, four bits at a time; the table has the
 * remainders of the sixteen values of four bits, lowest bit first.
 */
static uint32_t
add_to_crc(uint32_t crc, const char *data, size_t len)
{
	static const uint32_t remainders[] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

	crc = ~crc;
	for (size_t i = 0; i < len; i++)
	{
		crc ^= (unsigned char) data[i];
		crc = (crc >> 4) ^ remainders[crc & 15];
		crc = (crc >> 4) ^ remainders[crc & 15];
	}
	return ~crc;
}

/* Reads a big-endian number of "size" bytes. */
static uint64_t
read_unsigned(const char *bytes, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++)
		number = (number << 8) | (unsigned char) bytes[i];
	return number;
}

/* The same, in two's complement. */
static int64_t
read_signed(const char *bytes, size_t len)
{
	int unused = 64 - (int) len * 8;

	return (int64_t) (read_unsigned(bytes, len) << unused) >> unused;
}

/* The size of a value of fixed size; -1 if the value has a length. */
static int
fixed_size(HlEventHeaderType type)
{
	switch (type)
	{
		case HL_EVENT_HEADER_TRUE:
		case HL_EVENT_HEADER_FALSE:
			return 0;
		case HL_EVENT_HEADER_BYTE:
			return 1;
		case HL_EVENT_HEADER_SHORT:
			return 2;
		case HL_EVENT_HEADER_INTEGER:
			return 4;
		case HL_EVENT_HEADER_LONG:
		case HL_EVENT_HEADER_TIMESTAMP:
			return 8;
		case HL_EVENT_HEADER_UUID:
			return UUID_LEN;
		default:
			return -1;
	}
}

/* Reads the value of a header; returns its number of bytes, or -1. */
static int
read_header_value(HlEventHeader *header, const char *bytes, size_t left)
{
	int size = fixed_size(header->type);
	int prefix = size < 0 ? 2 : 0;

	if (left < (size_t) prefix)
		return -1;
	if (size < 0)
		size = (int) read_unsigned(bytes, 2);
	if (left - (size_t) prefix < (size_t) size)
		return -1;
	if (prefix > 0 || header->type == HL_EVENT_HEADER_UUID)
	{
		header->bytes = bytes + prefix;
		header->len = (size_t) size;
	}
	else if (size > 0)
		header->number = read_signed(bytes, (size_t) size);
	return prefix + size;
}

/*
 * Reads the header at the start; returns its number of bytes, or 0 if it is
 * malformed.
 */
static size_t
read_event_header(HlEventHeader *header, const char *bytes, size_t left)
{
	size_t name_len = left > 0 ? (unsigned char) bytes[0] : 0;
	int value_len;

	*header = (HlEventHeader){0};
	if (name_len == 0 || left < name_len + 2 ||
		(unsigned char) bytes[1 + name_len] > HL_EVENT_HEADER_UUID)
		return 0;
	header->name = bytes + 1;
	header->name_len = name_len;
	header->type = (HlEventHeaderType) bytes[1 + name_len];
	value_len =
		read_header_value(header, bytes + name_len + 2, left - name_len - 2);
	return value_len < 0 ? 0 : name_len + 2 + (size_t) value_len;
}

bool
hl_eventstream_header(const HlEventMessage *message, size_t *offset,
					  HlEventHeader *header)
{
	size_t len = read_event_header(header, message->headers + *offset,
								   message->headers_len - *offset);

	*offset += len;
	return len > 0;
}

static bool
is_utf8(const char *bytes, size_t len)
{
	while (len > 0)
	{
		int step = hl_utf8_length(bytes, len);

		if (step == 0)
			return false;
		bytes += step;
		len -= (size_t) step;
	}
	return true;
}

/* Whether two headers have the same name. */
static bool
is_same_name(const HlEventHeader *one, const HlEventHeader *other)
{
	return one->name_len == other->name_len &&
		   memcmp(one->name, other->name, one->name_len) == 0;
}

/* The problem with the headers of a message; NULL if there is none. */
static const char *
fault_of_headers(const HlEventMessage *message)
{
	HlEventHeader headers[HL_EVENTSTREAM_MAX_HEADERS];
	size_t offset = 0;

	for (int count = 0; offset < message->headers_len; count++)
	{
		HlEventHeader *header = &headers[count];

		if (count == HL_EVENTSTREAM_MAX_HEADERS)
			return "a message has too many headers";
		if (!hl_eventstream_header(message, &offset, header))
			return "a message has a malformed header";
		if (!is_utf8(header->name, header->name_len) ||
			(header->type == HL_EVENT_HEADER_STRING &&
			 !is_utf8(header->bytes, header->len)))
			return "a message has a header that is not UTF-8";
		for (int i = 0; i < count; i++)
			if (is_same_name(header, &headers[i]))
				return "a message has a header twice";
	}
	return NULL;
}

bool
hl_eventstream_string(const HlEventMessage *message, const char *name,
					  HlEventHeader *header)
{
	HlEventHeader sought = {.name = name, .name_len = strlen(name)};
	size_t offset = 0;

	while (hl_eventstream_header(message, &offset, header))
		if (is_same_name(header, &sought))
			return header->type == HL_EVENT_HEADER_STRING;
	return false;
}

bool
hl_eventstream_says(const HlEventMessage *message, const char *name,
					const char *value)
{
	HlEventHeader header;

	return hl_eventstream_string(message, name, &header) &&
		   header.len == strlen(value) &&
		   memcmp(header.bytes, value, header.len) == 0;
}

/* Ends a stream permanently. */
static bool
break_off(HlEventStream *stream, const char *reason)
{
	stream->reason = reason;
	return false;
}

/* Reads a prelude, which contains the lengths of the rest. */
static bool
read_prelude(HlEventStream *stream)
{
	const char *prelude = stream->bytes.data;
	uint64_t length = read_unsigned(prelude, 4);
	uint64_t headers_len = read_unsigned(prelude + 4, 4);

	if (read_unsigned(prelude + 8, CRC_LEN) != add_to_crc(0, prelude, 8))
		return break_off(stream,
						 "the checksum of a message's prelude is wrong");
	if (length > HL_EVENTSTREAM_MAX_MESSAGE ||
		headers_len > HL_EVENTSTREAM_MAX_HEADERS_LEN)
		return break_off(stream, "a message is larger than allowed");
	if (length < PRELUDE_LEN + CRC_LEN ||
		headers_len > length - PRELUDE_LEN - CRC_LEN)
		return break_off(stream,
						 "the lengths in a message's prelude contradict "
						 "each other");
	stream->length = (size_t) length;
	return true;
}

/* Returns the complete message. */
static bool
read_message(HlEventStream *stream, HlEventMessage *message)
{
	const char *data = stream->bytes.data;
	const char *crc = data + stream->length - CRC_LEN;
	size_t headers_len = (size_t) read_unsigned(data + 4, 4);
	const char *fault;

	if (read_unsigned(crc, CRC_LEN) != stream->crc)
		return break_off(stream, "the checksum of a message is wrong");
	message->headers = data + PRELUDE_LEN;
	message->headers_len = headers_len;
	message->payload = data + PRELUDE_LEN + headers_len;
	message->payload_len = (size_t) (crc - message->payload);
	fault = fault_of_headers(message);
	return fault == NULL || break_off(stream, fault);
}

/* Collects bytes up to a number; true if they are complete. */
static bool
fill(HlEventStream *stream, size_t wanted, const char **data, size_t *len)
{
	size_t before = stream->bytes.len;
	size_t step = wanted - before < *len ? wanted - before : *len;
	size_t summed = stream->length > 0 ? stream->length - CRC_LEN : wanted;

	hl_bytes_append(&stream->bytes, *data, step);
	if (stream->bytes.failed)
		return false;
	if (before < summed)
		stream->crc =
			add_to_crc(stream->crc, *data,
					   step < summed - before ? step : summed - before);
	*data += step;
	*len -= step;
	return stream->bytes.len == wanted;
}

/* Begins the next message after one was returned. */
static void
forget_given(HlEventStream *stream)
{
	if (!stream->given)
		return;
	hl_bytes_reset(&stream->bytes);
	stream->length = 0;
	stream->crc = 0;
	stream->given = false;
}

HlEventStep
hl_eventstream_read(HlEventStream *stream, const char **data, size_t *len,
					HlEventMessage *message)
{
	bool whole;

	forget_given(stream);
	if (stream->reason != NULL)
		return HL_EVENT_STEP_BROKEN;
	whole = stream->length > 0 || fill(stream, PRELUDE_LEN, data, len);
	if (whole && stream->length == 0)
		whole = read_prelude(stream);
	if (whole)
		whole = fill(stream, stream->length, data, len);
	if (whole)
		whole = stream->given = read_message(stream, message);
	if (stream->bytes.failed)
		return HL_EVENT_STEP_NO_MEMORY;
	if (stream->reason != NULL)
		return HL_EVENT_STEP_BROKEN;
	return whole ? HL_EVENT_STEP_MESSAGE : HL_EVENT_STEP_MORE;
}

bool
hl_eventstream_is_within(const HlEventStream *stream)
{
	return stream->bytes.len > 0 && !stream->given;
}

void
hl_eventstream_free(HlEventStream *stream)
{
	hl_bytes_free(&stream->bytes);
	*stream = (HlEventStream){0};
}
