/*
 * line.c
 *	  Tests of base/line.c.
 */
#include "base/line.h"
#include "tap.h"

/* Appends a text with a limit, and copies it to an array of a size. */
static void
becomes(const char *text, size_t longest, const char *appended, size_t size,
		const char *copied)
{
	HlBytes line = {0};
	char array[64];

	memset(array, '#', sizeof(array));
	hl_line_append(&line, text, strlen(text), longest);
	is(hl_bytes_string(&line), appended, text);
	hl_line_copy(array, size, text, strlen(text));
	is(array, copied, "copied");
	ok(array[size] == '#', "and nothing behind it");
	hl_bytes_free(&line);
}

int
main(void)
{
	becomes("", 8, "", 8, "");
	becomes("a line", 8, "a line", 8, "a line");
	becomes("a\r\nb\tc\x7f\x1b[2J", 64, "a  b c  [2J", 32, "a  b c  [2J");
	becomes("\xc2\x85"
			"a\xc2\x9b",
			8, " a ", 8, " a ");
	becomes("\xff"
			"a\xc3",
			8, "?a?", 8, "?a?");
	becomes("abcdefg", 7, "abcdefg", 8, "abcdefg");
	becomes("abcdefgh", 7, "abcdefg...", 8, "abcd...");
	becomes("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 7,
			"\xc3\xa4\xc3\xa4\xc3\xa4...", 8, "\xc3\xa4\xc3\xa4...");
	becomes("abc\xf0\x9f\x98\x80"
			"defgh",
			5, "abc...", 9, "abc...");
	becomes("abcd", 3, "abc...", 4, "...");
	return tap_end();
}
