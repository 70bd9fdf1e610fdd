/*
 * utf8.c
 *	  Reads and writes UTF-8.
 */
#include "base/utf8.h"

int
hl_utf8_length(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *) text;
	int needed = len == 0 ? 0 : s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : 3;

	if (needed == 3 && s[0] >= 0xF0)
		needed = 4;
	if (needed <= 1)
		return needed;
	if (len < (size_t) needed || s[0] < 0xC2 || s[0] > 0xF4 ||
		(s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
		(s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	for (int i = 1; i < needed; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	return needed;
}

int
hl_utf8_put(char *text, uint32_t point)
{
	static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
	int len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

	for (int i = len - 1; i > 0; i--, point >>= 6)
		text[i] = (char) (0x80 | (point & 0x3F));
	text[0] = (char) (leads[len] | point);
	return len;
}
