/*
 * fuzz_eventstream.c
 *	  Reads arbitrary bytes as an event stream, and as the headers and payloads
 *	  of messages with correct lengths and checksums, which random input would
 *	  hardly have. The result must not depend on the size of the pieces, and
 *	  everything that is returned must lie within the stream.
 */
#include <stdlib.h>
#include <string.h>

#include "aws/eventstream.h"

#include "event_message.h"
#include "fuzz.h"

/* Messages of the input: two lengths, the headers and the payload of each. */
static void
make_messages(HlBytes *stream, const uint8_t *data, size_t size)
{
	while (size >= 2)
	{
		size_t start = stream->len;
		size_t headers_len = data[0] < size - 2 ? data[0] : size - 2;
		size_t len = headers_len + data[1];

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		add_number(stream, (uint32_t) len + 16, 4);
		add_number(stream, (uint32_t) headers_len, 4);
		add_number(stream, slow_crc(stream->data + start, 8), 4);
		hl_bytes_append(stream, data, len);
		add_number(stream, slow_crc(stream->data + start, stream->len - start),
				   4);
		data += len;
		size -= len;
	}
}

/* A checksum of a message. */
static uint64_t
look_at(const HlEventStream *stream, const HlEventMessage *message)
{
	const char *end = stream->bytes.data + stream->bytes.len;
	uint64_t sum = slow_crc(message->payload, message->payload_len);
	HlEventHeader header;
	size_t offset = 0;

	must(message->payload + message->payload_len + 4 == end);
	while (hl_eventstream_header(message, &offset, &header))
	{
		must(header.name_len > 0 && header.name > stream->bytes.data &&
			 header.name + header.name_len < message->payload);
		must(header.len == 0 || header.bytes + header.len <= message->payload);
		sum = sum * 31 + slow_crc(header.name, header.name_len) + header.type +
			  (uint64_t) header.number + slow_crc(header.bytes, header.len);
	}
	must(offset == message->headers_len);
	return sum;
}

/* Reads a stream in pieces; returns a checksum of its messages. */
static uint64_t
read_in_pieces(const HlBytes *bytes, size_t size)
{
	HlEventStream stream = {0};
	HlEventMessage message;
	HlEventStep step = HL_EVENT_STEP_MORE;
	uint64_t sum = 0;

	for (size_t at = 0; at < bytes->len; at += size)
	{
		size_t len = bytes->len - at < size ? bytes->len - at : size;
		const char *data = bytes->data + at;

		while ((step = hl_eventstream_read(&stream, &data, &len, &message)) ==
			   HL_EVENT_STEP_MESSAGE)
			sum = sum * 31 + 1 + look_at(&stream, &message);
		must(step != HL_EVENT_STEP_NO_MEMORY);
		must(len == 0 || step == HL_EVENT_STEP_BROKEN);
		must((stream.reason != NULL) == (step == HL_EVENT_STEP_BROKEN));
		must(stream.bytes.len <= HL_EVENTSTREAM_MAX_MESSAGE);
	}
	sum =
		sum * 31 + (stream.reason != NULL ? strlen(stream.reason)
										  : hl_eventstream_is_within(&stream));
	hl_eventstream_free(&stream);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HlBytes stream = {0};
	size_t piece;

	if (size < 2)
		return 0;
	piece = data[1] + 1;
	if (data[0] & 1)
		make_messages(&stream, data + 2, size - 2);
	else
		hl_bytes_append(&stream, data + 2, size - 2);
	if (stream.len > 0)
		must(read_in_pieces(&stream, piece) ==
			 read_in_pieces(&stream, stream.len));
	hl_bytes_free(&stream);
	return 0;
}
