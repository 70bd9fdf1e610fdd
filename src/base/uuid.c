/*
 * uuid.c
 *	  Random UUIDs as text.
 */
#include "base/uuid.h"

void
hl_uuid_write(const unsigned char random[HL_UUID_BYTES],
			  char uuid[HL_UUID_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < HL_UUID_BYTES; i++)
	{
		unsigned char byte = random[i];

		if (i == 6)
			byte = (byte & 0x0f) | 0x40; /* the version */
		if (i == 8)
			byte = (byte & 0x3f) | 0x80; /* the variant */
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*uuid++ = '-';
		*uuid++ = digits[byte >> 4];
		*uuid++ = digits[byte & 0x0f];
	}
	*uuid = '\0';
}
