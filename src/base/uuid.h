/*
 * uuid.h
 *	  Random UUIDs (RFC 9562, version 4), as AWS's own clients make them for
 *	  tokens and invocations. The randomness is the caller's.
 */
#ifndef HL_BASE_UUID_H
#define HL_BASE_UUID_H

#define HL_UUID_BYTES 16
#define HL_UUID_SIZE 37 /* of the text, with the zero byte at its end */

/* Writes the UUID that the random bytes make. */
extern void hl_uuid_write(const unsigned char random[HL_UUID_BYTES],
						  char uuid[HL_UUID_SIZE]);

#endif
