/*
 * text.c
 *	  Converts text between the database encoding and UTF-8.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

#include "base/line.h"
#include "server/text.h"

/* The maximum length in bytes of an external string in a log line. */
#define LOGGED_BYTES 256

/* Replaces each character that is not ASCII by a question mark. */
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

/*
 * Converts character by character; a character that cannot be converted becomes
 * a question mark.
 */
static char *
converted(const char *utf8, int len, Oid conversion)
{
	int encoding = GetDatabaseEncoding();
	char *text = palloc((Size) len * MAX_CONVERSION_GROWTH + 1);
	char *out = text;

	while (len > 0)
	{
		int bytes = pg_utf_mblen((const unsigned char *) utf8);

		if (pg_do_encoding_conversion_buf(
				conversion, PG_UTF8, encoding, (unsigned char *) utf8, bytes,
				(unsigned char *) out, bytes * MAX_CONVERSION_GROWTH + 1,
				true) != bytes)
			strcpy(out, "?");
		out += strlen(out);
		utf8 += bytes;
		len -= bytes;
	}
	*out = '\0';
	return text;
}

const char *
hl_text_from_utf8(const char *utf8)
{
	int len = utf8 == NULL ? 0 : (int) strlen(utf8);
	Oid conversion;

	if (utf8 == NULL)
		return NULL;
	if (!pg_verify_mbstr(PG_UTF8, utf8, len, true))
		return ascii_of(utf8);
	if (GetDatabaseEncoding() == PG_UTF8)
		return utf8;
	conversion = IsTransactionState()
					 ? FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding())
					 : InvalidOid;
	return OidIsValid(conversion) ? converted(utf8, len, conversion)
								  : ascii_of(utf8);
}

char *
hl_text_value_from_utf8(const char *utf8, int len)
{
	char *text = pg_any_to_server(utf8, len, PG_UTF8);

	return text == utf8 ? pnstrdup(utf8, len) : text;
}

/* Truncates a text between characters, if it is too long. */
static const char *
cut(const char *text, int encoding)
{
	static const char mark[] = "...";
	size_t len = text == NULL ? 0 : strlen(text);
	int kept;

	if (len <= LOGGED_BYTES)
		return text;
	kept = pg_encoding_mbcliplen(encoding, text, LOGGED_BYTES,
								 LOGGED_BYTES - (int) strlen(mark));
	return psprintf("%.*s%s", kept, text, mark);
}

const char *
hl_text_cut(const char *utf8)
{
	return cut(utf8, PG_UTF8);
}

const char *
hl_text_line(const char *utf8)
{
	HlBytes line = {0};

	if (utf8 == NULL)
		return NULL;
	hl_line_append(&line, utf8, strlen(utf8), HL_LINE_LONGEST);
	return hl_text_from_utf8(hl_text_take(&line));
}

const char *
hl_text_clip(const char *text)
{
	return cut(text, GetDatabaseEncoding());
}

char *
hl_text_to_utf8(const char *text, int len)
{
	char *utf8 = unconstify(char *, text);

	if (GetDatabaseEncoding() != PG_SQL_ASCII)
		utf8 = pg_server_to_any(text, len, PG_UTF8);
	if (utf8 == text)
		utf8 = pnstrdup(text, len);
	if (!pg_verify_mbstr(PG_UTF8, utf8, (int) strlen(utf8), true))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("request is not valid in encoding UTF-8"),
				 errhint("AWS accepts only UTF-8; in a database with encoding "
						 "SQL_ASCII, the text must be UTF-8.")));
	return utf8;
}

/* Converts text; NULL if it cannot be converted. */
static char *
convert_to_utf8(const char *text, int len)
{
	int encoding = GetDatabaseEncoding();
	Oid conversion = FindDefaultConversionProc(encoding, PG_UTF8);
	Size room = (Size) len * MAX_CONVERSION_GROWTH + 1;
	char *utf8;

	if (!OidIsValid(conversion))
		return NULL;
	utf8 = MemoryContextAllocHuge(CurrentMemoryContext, room);
	if (pg_do_encoding_conversion_buf(
			conversion, encoding, PG_UTF8, (unsigned char *) text, len,
			(unsigned char *) utf8, (int) Min(room, (Size) INT_MAX),
			true) != len)
		return NULL;
	return utf8;
}

char *
hl_text_to_utf8_if_valid(const char *text, int len)
{
	int encoding = GetDatabaseEncoding();
	char *utf8 = encoding == PG_UTF8 || encoding == PG_SQL_ASCII
					 ? pnstrdup(text, len)
					 : convert_to_utf8(text, len);

	if (utf8 == NULL ||
		!pg_verify_mbstr(PG_UTF8, utf8, (int) strlen(utf8), true))
		return NULL;
	return utf8;
}

void
hl_text_refuse_memory(bool failed)
{
	if (failed)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

char *
hl_text_take(HlBytes *bytes)
{
	bool failed = bytes->failed;
	char *text = NULL;

	/* the bytes are freed even if palloc throws */
	if (!failed)
		text = MemoryContextAllocExtended(CurrentMemoryContext, bytes->len + 1,
										  MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
	if (text != NULL)
		memcpy(text, hl_bytes_string(bytes), bytes->len + 1);
	hl_bytes_free(bytes);
	hl_text_refuse_memory(text == NULL);
	return text;
}

bool
hl_text_is_listed(const char *const *list, const char *word)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}
