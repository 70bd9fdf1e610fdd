/*
 * eventstream.h
 *	  Messages of the type application/vnd.amazon.eventstream: a prelude (two
 *	  lengths and their CRC-32), headers, a payload and the CRC-32 of
 *	  everything before. The bytes are passed as they arrive, in pieces of any
 *	  size; at most one message is kept. An HlEventStream starts zeroed and
 *	  ends in hl_eventstream_free().
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

/* The values are those on the wire. */
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

/* Name and bytes are not zero-terminated; they point into the message. */
typedef struct HlEventHeader
{
	const char *name;
	size_t name_len;
	HlEventHeaderType type;
	int64_t number;    /* of the number types; otherwise 0 */
	const char *bytes; /* of byte arrays, strings (UTF-8) and UUIDs */
	size_t len;
} HlEventHeader;

/* Points into the stream, and is valid until the next hl_eventstream_read(). */
typedef struct HlEventMessage
{
	const char *headers;
	size_t headers_len;
	const char *payload;
	size_t payload_len;
} HlEventMessage;

typedef struct HlEventStream
{
	HlBytes bytes;      /* of the current message, as far as received */
	size_t length;      /* of the message; 0: the prelude is incomplete */
	bool given;         /* it was returned; the next read discards it */
	uint32_t crc;       /* of the bytes so far */
	const char *reason; /* why the stream is broken, a static text; or NULL */
} HlEventStream;

typedef enum HlEventStep
{
	HL_EVENT_STEP_MORE,    /* all bytes were read; no message is complete */
	HL_EVENT_STEP_MESSAGE, /* the rest of the bytes may have more */
	HL_EVENT_STEP_BROKEN,  /* permanently: see the stream's reason */
	HL_EVENT_STEP_NO_MEMORY
} HlEventStep;

/*
 * Reads to the end of a message, and moves *data and *len past what was read.
 */
extern HlEventStep hl_eventstream_read(HlEventStream *stream, const char **data,
									   size_t *len, HlEventMessage *message);

/* Whether a message has begun and is incomplete. */
extern bool hl_eventstream_is_within(const HlEventStream *stream);
extern void hl_eventstream_free(HlEventStream *stream);

/* Reads the header at *offset (0: the first), and advances it; false: none. */
extern bool hl_eventstream_header(const HlEventMessage *message, size_t *offset,
								  HlEventHeader *header);

/* Whether the message has a string header of that name and value. */
extern bool hl_eventstream_says(const HlEventMessage *message, const char *name,
								const char *value);

/* Finds a string header by its name; false if there is none. */
extern bool hl_eventstream_string(const HlEventMessage *message,
								  const char *name, HlEventHeader *header);

#endif
