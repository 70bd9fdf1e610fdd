/*
 * percent.c
 *	  Writing percent-encoded text.
 */
#include "base/percent.h"

bool
hl_percent_is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		   (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
		   c == '~';
}

void
hl_percent_append(HlBytes *bytes, unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF";
	char escape[3] = {'%', digits[c >> 4], digits[c & 15]};

	if (hl_percent_is_unreserved(c))
		hl_bytes_append_char(bytes, (char) c);
	else
		hl_bytes_append(bytes, escape, sizeof(escape));
}

void
hl_percent_append_string(HlBytes *bytes, const char *string)
{
	for (; *string != '\0'; string++)
		hl_percent_append(bytes, (unsigned char) *string);
}
