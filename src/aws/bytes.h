/*
 * bytes.h
 *	  A growing run of bytes in malloc'd memory, always followed by a zero
 *	  byte. Running out of memory is remembered in "failed", empties the run
 *	  and makes every later append do nothing, so that a writer checks once, at
 *	  its end, and nobody takes a part of a text for the whole.
 *	  Whoever declares an HlBytes (zeroed) frees it: hl_bytes_free(), or
 *	  hl_bytes_wipe() where the bytes are or may hold a secret.
 */
#ifndef HL_AWS_BYTES_H
#define HL_AWS_BYTES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct HlBytes
{
	char *data; /* NULL while nothing was appended */
	size_t len;
	size_t size;
	bool secret; /* wipe what growing leaves behind */
	bool failed;
} HlBytes;

extern void hl_bytes_append(HlBytes *bytes, const void *data, size_t len);
extern void hl_bytes_append_string(HlBytes *bytes, const char *string);
extern void hl_bytes_append_char(HlBytes *bytes, char c);
extern void hl_bytes_format(HlBytes *bytes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The bytes as a string: never NULL. */
extern const char *hl_bytes_string(const HlBytes *bytes);

/* Keeps the memory, forgets the bytes (wiped where they are secret). */
extern void hl_bytes_reset(HlBytes *bytes);
extern void hl_bytes_free(HlBytes *bytes);
extern void hl_bytes_wipe(HlBytes *bytes);

#endif
