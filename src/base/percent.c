/*
 * percent.c
 *	  Percent-encoding.
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

/* The value of a hexadecimal digit; -1 for other characters. */
static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
hl_percent_take(const char **text, const char *end)
{
	const char *digits = *text + 1;
	int c = (unsigned char) **text;

	*text = digits;
	if (c != '%')
		return c;
	if (end - digits < 2 || digit_value(digits[0]) < 0 ||
		digit_value(digits[1]) < 0)
		return -1;
	*text = digits + 2;
	return digit_value(digits[0]) * 16 + digit_value(digits[1]);
}
