/*
 * percent.c
 *	  Tests of base/percent.c.
 */
#include "base/percent.h"
#include "tap.h"

/* Checks the first byte of a text, and what is left of it. */
static void
takes(const char *text, int expected, const char *rest)
{
	const char *next = text;
	int c = hl_percent_take(&next, text + strlen(text));

	ok(c == expected, "%s: %d, expected %d", text, c, expected);
	is(next, rest, text);
}

static void
test_reading(void)
{
	const char text[] = "%41";
	const char *next = text;

	takes("ab", 'a', "b");
	takes("\xc3\xa4", 0xc3, "\xa4");
	takes("+", '+', "");
	takes("%41b", 'A', "b");
	takes("%2F%2f", '/', "%2f");
	takes("%2f", '/', "");
	takes("%aF", 0xaf, "");
	takes("%ff", 0xff, "");
	takes("%00x", 0, "x");
	takes("%2541", '%', "41");
	takes("%", -1, "");
	takes("%4", -1, "4");
	takes("%4g", -1, "4g");
	takes("%g4", -1, "g4");
	takes("%%41", -1, "%41");
	takes("% 1", -1, " 1");
	takes("%-1", -1, "-1");
	takes("%0x", -1, "0x");
	ok(hl_percent_take(&next, text + 2) == -1, "it reads nothing at the end");
	is(next, "41", "nor behind it");
}

/* Every byte is encoded so that reading gives it again. */
static void
test_writing(void)
{
	HlBytes bytes = {0};

	hl_percent_append_string(&bytes, "aZ0-._~/ %\xc3\xa4");
	is(hl_bytes_string(&bytes), "aZ0-._~%2F%20%25%C3%A4", "a string");
	for (int c = 0; c < 256; c++)
	{
		const char *next;

		hl_bytes_reset(&bytes);
		hl_percent_append(&bytes, (unsigned char) c);
		next = hl_bytes_string(&bytes);
		ok(hl_percent_take(&next, next + bytes.len) == c && *next == '\0',
		   "byte %d: %s", c, hl_bytes_string(&bytes));
	}
	hl_bytes_free(&bytes);
}

int
main(void)
{
	test_reading();
	test_writing();
	return tap_end();
}
