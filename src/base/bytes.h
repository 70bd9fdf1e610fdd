/*
 * bytes.h
 *	  A growing run of bytes in malloc'd memory, always followed by a zero
 *	  byte. Running out of memory is remembered in "failed", empties the run
 *	  and makes every later append do nothing, so that a writer checks once, at
 *	  its end, and nobody takes a part of a text for the whole.
 *	  Whoever declares an HlBytes (zeroed) frees it: hl_bytes_free(), or
 *	  hl_bytes_wipe() where the bytes are or may hold a secret.
 */
#ifndef HL_BASE_BYTES_H
#define HL_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct HlBytes
{
	char *data; /* NULL while nothing was appended */
	size_t len;
	size_t size;
	bool secret; /* wipe what growing leaves behind */
	bool failed;
} HlBytes;

/* Makes room first; for hl_bytes_append() and hl_bytes_append_char() alone. */
extern void hl_bytes_append_slowly(HlBytes *bytes, const void *data,
								   size_t len);

/* Adds bytes at the end. Inline: a signed request is some 170 appends. */
static inline void
hl_bytes_append(HlBytes *bytes, const void *data, size_t len)
{
	if (bytes->failed || bytes->size - bytes->len <= len)
	{
		hl_bytes_append_slowly(bytes, data, len);
		return;
	}
	if (len > 0)
		memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
	bytes->data[bytes->len] = '\0';
}

/* Adds a zero-terminated string at the end. */
static inline void
hl_bytes_append_string(HlBytes *bytes, const char *string)
{
	hl_bytes_append(bytes, string, strlen(string));
}

/* Adds one byte at the end. */
static inline void
hl_bytes_append_char(HlBytes *bytes, char c)
{
	if (bytes->failed || bytes->size - bytes->len <= 1)
	{
		hl_bytes_append_slowly(bytes, &c, 1);
		return;
	}
	bytes->data[bytes->len++] = c;
	bytes->data[bytes->len] = '\0';
}

extern void hl_bytes_format(HlBytes *bytes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The bytes as a string: never NULL. */
extern const char *hl_bytes_string(const HlBytes *bytes);

/* Keeps the memory, forgets the bytes (wiped where they are secret). */
extern void hl_bytes_reset(HlBytes *bytes);
extern void hl_bytes_free(HlBytes *bytes);
extern void hl_bytes_wipe(HlBytes *bytes);

#endif
