/*
 * uuid.h
 *	  Random UUIDs (RFC 9562, version 4), as AWS's own clients generate them
 *	  for client tokens and invocations. The caller supplies the random bytes.
 */
#ifndef HL_BASE_UUID_H
#define HL_BASE_UUID_H

#define HL_UUID_BYTES 16
#define HL_UUID_SIZE 37 /* of the text, with its zero byte */

/* Writes the UUID of 16 random bytes. */
extern void hl_uuid_write(const unsigned char random[HL_UUID_BYTES],
						  char uuid[HL_UUID_SIZE]);

#endif
