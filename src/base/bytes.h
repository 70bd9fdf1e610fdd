/*
 * bytes.h
 *	  A growing run of bytes in malloc'd memory, always followed by a zero
 *	  byte. Running out of memory sets "failed", empties the run and turns
 *	  every later append into a no-op, so that a writer checks once at its end
 *	  and a truncated text is never used. So a length noted before an append
 *	  may be larger than the one after it, and "data" may be NULL. An HlBytes
 *	  starts zeroed and ends in hl_bytes_free(), or in hl_bytes_wipe() if it
 *	  may hold a secret.
 */
#ifndef HL_BASE_BYTES_H
#define HL_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct HlBytes
{
	char *data; /* NULL: nothing was appended yet */
	size_t len;
	size_t size;
	bool secret; /* wipe the old block when it grows */
	bool failed;
} HlBytes;

/* The slow path: makes room first. Only for the two functions below. */
extern void hl_bytes_append_slowly(HlBytes *bytes, const void *data,
								   size_t len);

/* Appends bytes. Inline, since a signed request takes some 170 appends. */
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

static inline void
hl_bytes_append_string(HlBytes *bytes, const char *string)
{
	hl_bytes_append(bytes, string, strlen(string));
}

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

/* The bytes as a string; "" if there are none, never NULL. */
extern const char *hl_bytes_string(const HlBytes *bytes);

/* The last byte; zero if there is none, as after a failure. */
static inline char
hl_bytes_last(const HlBytes *bytes)
{
	return bytes->len > 0 ? bytes->data[bytes->len - 1] : '\0';
}

/* Removes what follows the first bytes, unless a failure has removed them. */
static inline void
hl_bytes_cut(HlBytes *bytes, size_t len)
{
	if (bytes->len <= len)
		return;
	bytes->len = len;
	bytes->data[len] = '\0';
}

/* Removes the bytes (wiped if they are secret) and keeps the memory. */
extern void hl_bytes_reset(HlBytes *bytes);
extern void hl_bytes_free(HlBytes *bytes);
extern void hl_bytes_wipe(HlBytes *bytes);

#endif
