/*
 * line.c
 *	  External text as part of a message.
 */
#include "base/line.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

static const char dots[] = "...";

/*
 * What stands for the character at the start of a text; sets the number of
 * bytes that it has in the text and in the line.
 */
static const char *
shown(const char *text, size_t len, size_t *step, size_t *bytes)
{
	int length = hl_utf8_length(text, len);
	unsigned char c = (unsigned char) text[0];
	/* U+0080 to U+009F are control characters of terminals, too */
	bool control = (length == 1 && (c < 0x20 || c == 0x7F)) ||
				   (length == 2 && c == 0xC2 && (unsigned char) text[1] < 0xA0);

	*step = length == 0 ? 1 : (size_t) length;
	*bytes = length == 0 || control ? 1 : *step;
	return length == 0 ? "?" : control ? " " : text;
}

/* Whether a text is printable ASCII, which is copied as it is. */
static bool
is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) (text[i] - ' ') > '~' - ' ')
			return false;
	return true;
}

void
hl_line_append(HlBytes *line, const char *text, size_t len, size_t longest)
{
	size_t step;
	size_t bytes;

	if (len <= longest && is_plain(text, len))
	{
		hl_bytes_append(line, text, len);
		return;
	}
	for (size_t i = 0; i < len; i += step)
	{
		const char *character = shown(text + i, len - i, &step, &bytes);

		if (i + step > longest)
		{
			hl_bytes_append_string(line, dots);
			return;
		}
		hl_bytes_append(line, character, bytes);
	}
}

void
hl_line_copy(char *line, size_t size, const char *text, size_t len)
{
	size_t end = 0; /* of the line that the dots can follow */
	size_t at = 0;
	size_t step;
	size_t bytes;

	if (len < size && is_plain(text, len))
	{
		memcpy(line, text, len);
		line[len] = '\0';
		return;
	}
	for (size_t i = 0; i < len; i += step)
	{
		const char *character = shown(text + i, len - i, &step, &bytes);

		if (at + bytes >= size)
		{
			memcpy(line + end, dots, sizeof(dots));
			return;
		}
		memcpy(line + at, character, bytes);
		at += bytes;
		if (at + sizeof(dots) <= size)
			end = at;
	}
	line[at] = '\0';
}
