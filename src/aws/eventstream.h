/*
 * eventstream.h
 *	  Messages of the type application/vnd.amazon.eventstream: a prelude (two
 *	  lengths and their CRC-32), headers, a payload and the CRC-32 of it all.
 *	  Bytes are handed over as they come, in pieces of any size; no more than
 *	  one message is kept. Whoever declares an HlEventStream (zeroed) frees it
 *	  with hl_eventstream_free().
 *
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 */
#ifndef HL_AWS_EVENTSTREAM_H
#define HL_AWS_EVENTSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define HL_EVENTSTREAM_CONTENT_TYPE "application/vnd.amazon.eventstream"
#define HL_EVENTSTREAM_MAX_MESSAGE (1024 * 1024)
#define HL_EVENTSTREAM_MAX_HEADERS_LEN (128 * 1024)
#define HL_EVENTSTREAM_MAX_HEADERS 100

/* With the numbers that stand for them on the wire. */
typedef enum HlEventHeaderType
{
	HL_EVENT_HEADER_TRUE,
	HL_EVENT_HEADER_FALSE,
	HL_EVENT_HEADER_BYTE,
	HL_EVENT_HEADER_SHORT,
	HL_EVENT_HEADER_INTEGER,
	HL_EVENT_HEADER_LONG,
	HL_EVENT_HEADER_BYTES,
	HL_EVENT_HEADER_STRING,
	HL_EVENT_HEADER_TIMESTAMP, /* milliseconds since 1970 */
	HL_EVENT_HEADER_UUID
} HlEventHeaderType;

/* Neither the name nor the bytes are ended by a zero. */
typedef struct HlEventHeader
{
	const char *name;
	size_t name_len;
	HlEventHeaderType type;
	int64_t number;    /* where the type is a number; 0 elsewhere */
	const char *bytes; /* of byte arrays, strings (UTF-8) and UUIDs */
	size_t len;
} HlEventHeader;

/* Points into the stream, until the next reading. */
typedef struct HlEventMessage
{
	const char *headers;
	size_t headers_len;
	const char *payload;
	size_t payload_len;
} HlEventMessage;

typedef struct HlEventStream
{
	HlBytes bytes;      /* of the message at hand, as far as it has come */
	size_t length;      /* of all of it; 0: its prelude has not come yet */
	bool given;         /* it was handed out, and is forgotten next */
	uint32_t crc;       /* of the bytes so far */
	const char *reason; /* why nothing more is read, in a few words; or NULL */
} HlEventStream;

typedef enum HlEventStep
{
	HL_EVENT_STEP_MORE,    /* all bytes were taken, and no message is whole */
	HL_EVENT_STEP_MESSAGE, /* there may be more in the bytes that are left */
	HL_EVENT_STEP_BROKEN,  /* for good: see the stream's reason */
	HL_EVENT_STEP_NO_MEMORY
} HlEventStep;

/* Takes bytes up to the end of a message, and moves *data and *len past them. */
extern HlEventStep hl_eventstream_read(HlEventStream *stream, const char **data,
									   size_t *len, HlEventMessage *message);

/* Whether a message has begun and is not whole. */
extern bool hl_eventstream_is_within(const HlEventStream *stream);
extern void hl_eventstream_free(HlEventStream *stream);

/* The header at an offset (0: the first), which is moved on; false: no more. */
extern bool hl_eventstream_header(const HlEventMessage *message, size_t *offset,
								  HlEventHeader *header);

/* Whether the message has a header of that name which is this string. */
extern bool hl_eventstream_says(const HlEventMessage *message, const char *name,
								const char *value);

/* The header of that name, if it is a string. */
extern bool hl_eventstream_string(const HlEventMessage *message,
								  const char *name, HlEventHeader *header);

#endif
