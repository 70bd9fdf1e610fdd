/*
 * event_message.h
 *	  Builds messages of event streams: the numbers on the wire, and a simple
 *	  checksum.
 */
#ifndef EVENT_MESSAGE_H
#define EVENT_MESSAGE_H

#include <stdint.h>

#include "base/bytes.h"

/* CRC-32 bit by bit, to verify the table. */
static uint32_t
slow_crc(const char *data, size_t len)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < len; i++)
	{
		crc ^= (unsigned char) data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* Appends a big-endian number of a size. */
static void
add_number(HlBytes *bytes, uint64_t number, int len)
{
	while (len-- > 0)
		hl_bytes_append_char(bytes, (char) (number >> (len * 8)));
}

#endif
