/*
 * bytes.c
 *	  A growing run of bytes.
 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Moves to a larger block, and wipes the old one if it is secret. */
static bool
bytes_grow(HlBytes *bytes, size_t size)
{
	char *data = malloc(size);

	if (data == NULL)
		return false;
	if (bytes->data != NULL)
	{
		memcpy(data, bytes->data, bytes->len);
		if (bytes->secret)
			explicit_bzero(bytes->data, bytes->size);
		free(bytes->data);
	}
	bytes->data = data;
	bytes->size = size;
	return true;
}

/* Clears the bytes and keeps the memory. */
static void
empty(HlBytes *bytes)
{
	if (bytes->data != NULL && bytes->secret)
		explicit_bzero(bytes->data, bytes->size);
	if (bytes->data != NULL)
		bytes->data[0] = '\0';
	bytes->len = 0;
}

/* Makes room for len more bytes and the zero byte after them. */
static bool
bytes_reserve(HlBytes *bytes, size_t len)
{
	size_t needed = bytes->len + len + 1;
	size_t size = bytes->size < 64 ? 64 : bytes->size;

	if (bytes->failed)
		return false;
	if (needed <= len)
		bytes->failed = true;
	while (!bytes->failed && size < needed)
		size = size > needed / 2 ? size * 2 : needed;
	if (!bytes->failed && size > bytes->size && !bytes_grow(bytes, size))
		bytes->failed = true;
	if (bytes->failed)
		empty(bytes);
	return !bytes->failed;
}

void
hl_bytes_append_slowly(HlBytes *bytes, const void *data, size_t len)
{
	if (!bytes_reserve(bytes, len))
		return;
	if (len > 0)
		memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
	bytes->data[bytes->len] = '\0';
}

void
hl_bytes_format(HlBytes *bytes, const char *format, ...)
{
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (len < 0)
		bytes->failed = true;
	if (len < 0 || !bytes_reserve(bytes, (size_t) len))
		return;
	va_start(arguments, format);
	vsnprintf(bytes->data + bytes->len, (size_t) len + 1, format, arguments);
	va_end(arguments);
	bytes->len += (size_t) len;
}

const char *
hl_bytes_string(const HlBytes *bytes)
{
	return bytes->data ? bytes->data : "";
}

void
hl_bytes_reset(HlBytes *bytes)
{
	empty(bytes);
	bytes->failed = false;
}

void
hl_bytes_free(HlBytes *bytes)
{
	if (bytes->data != NULL && bytes->secret)
		explicit_bzero(bytes->data, bytes->size);
	free(bytes->data);
	*bytes = (HlBytes){.secret = bytes->secret};
}

void
hl_bytes_wipe(HlBytes *bytes)
{
	bytes->secret = true;
	hl_bytes_free(bytes);
}
