/*
 * text.c
 *	  Text between the database's encoding and UTF-8.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "client/text.h"

/* Replaces what is not ASCII, one question mark for each character. */
static char *
ascii_of(const char *utf8)
{
	char *ascii = pstrdup(utf8);
	char *out = ascii;

	for (const char *in = utf8; *in != '\0'; in++)
	{
		if (!IS_HIGHBIT_SET(*in))
			*out++ = *in;
		else if (((unsigned char) *in & 0xc0) == 0xc0)
			*out++ = '?';
	}
	*out = '\0';
	return ascii;
}

/* Gives text that can go into a message, whatever came from outside. */
const char *
hl_text_from_utf8(const char *utf8)
{
	int len = (int) strlen(utf8);

	if (GetDatabaseEncoding() == PG_UTF8 &&
		pg_verify_mbstr(PG_UTF8, utf8, len, true))
		return utf8;
	return ascii_of(utf8);
}

/* Gives a value in the database's encoding. */
char *
hl_text_value_from_utf8(const char *utf8, int len)
{
	char *text = pg_any_to_server(utf8, len, PG_UTF8);

	return text == utf8 ? pnstrdup(utf8, len) : text;
}

/* Gives UTF-8 of a value in the database's encoding. */
char *
hl_text_to_utf8(const char *text, int len)
{
	char *utf8 = pg_server_to_any(text, len, PG_UTF8);

	if (utf8 == text)
		utf8 = pnstrdup(text, len);
	if (!pg_verify_mbstr(PG_UTF8, utf8, (int) strlen(utf8), true))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("request is not valid in encoding UTF-8"),
						errhint("AWS takes UTF-8 alone; a database of encoding "
								"SQL_ASCII must hold UTF-8 for it.")));
	return utf8;
}
