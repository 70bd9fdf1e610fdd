/*
 * jsonb_text.c
 *	  Writes jsonb as JSON, unless that is too long.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "server/jsonb_text.h"
#include "server/text.h"

/* The length of a string as JSON, without its quotes. */
static size_t
string_len(const char *string, int len)
{
	size_t all = len;

	for (int i = 0; i < len; i++)
		if (string[i] == '"' || string[i] == '\\')
			all++;
		else if ((unsigned char) string[i] < ' ')
			all += strchr("\b\f\n\r\t", string[i]) != NULL ? 1 : 5;
	return all;
}

/* The minimum length of a part of jsonb as JSON. */
static size_t
part_len(JsonbIteratorToken token, const JsonbValue *value)
{
	size_t len;
	char *digits;

	if (token != WJB_KEY && token != WJB_ELEM && token != WJB_VALUE)
		return 1;
	switch (value->type)
	{
		case jbvString:
			return string_len(value->val.string.val, value->val.string.len) + 2;
		case jbvNumeric:
			digits = DatumGetCString(DirectFunctionCall1(
				numeric_out, NumericGetDatum(value->val.numeric)));
			len = strlen(digits);
			pfree(digits);
			return len;
		default:
			return strlen("null");
	}
}

/*
 * How many bytes of a text in the database's encoding may become one in UTF-8:
 * EUC_TW and MULE_INTERNAL have characters that are shorter there.
 */
static int
shrinking(void)
{
	return GetDatabaseEncoding() == PG_UTF8 ||
				   pg_database_encoding_max_length() == 1
			   ? 1
			   : 2;
}

bool
hl_jsonb_is_longer(Jsonb *json, size_t most)
{
	JsonbIterator *iterator = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue value;
	size_t len = 0;

	most *= shrinking();
	while (len <= most &&
		   (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		len += part_len(token, &value);
	}
	return len > most;
}

char *
hl_jsonb_text(Jsonb *json, size_t most)
{
	char *text;
	char *utf8;

	if (hl_jsonb_is_longer(json, most))
		return NULL;
	text = JsonbToCString(NULL, &json->root, VARSIZE(json));
	CHECK_FOR_INTERRUPTS();
	utf8 = hl_text_to_utf8(text, (int) strlen(text));
	pfree(text);
	CHECK_FOR_INTERRUPTS();
	return utf8;
}
