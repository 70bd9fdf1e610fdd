/*
 * log.c
 *	  Lines for the server's log.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "call/log.h"

bool
hl_log_is_on(void)
{
	return message_level_is_interesting(LOG_SERVER_ONLY);
}

/* The letter of a short escape; 0 if there is none. */
static char
letter_of(char c)
{
	static const char marks[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *mark = strchr(marks, c);

	return mark == NULL ? '\0' : letters[mark - marks];
}

/* The number of bytes before the first one that must be escaped. */
static int
plain_length(const char *value)
{
	const char *end = value;

	while ((unsigned char) *end >= ' ' && *end != '"' && *end != '\\')
		end++;
	return (int) (end - value);
}

void
hl_log_append(StringInfo line, const char *key, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfoChar(line, ' ');
	appendStringInfoString(line, key);
	appendStringInfoString(line, "=\"");
	for (;;)
	{
		int plain = plain_length(value);

		appendBinaryStringInfo(line, value, plain);
		value += plain;
		if (*value == '\0')
			break;
		if (letter_of(*value) == '\0')
			appendStringInfo(line, "\\u%04x", (unsigned char) *value);
		else
			appendStringInfo(line, "\\%c", letter_of(*value));
		value++;
	}
	appendStringInfoChar(line, '"');
}

void
hl_log_write(const char *line)
{
	/* ereport() may process interrupts, which must not come in between */
	HOLD_INTERRUPTS();
	ereport(LOG_SERVER_ONLY, (errmsg_internal("%s", line), errhidestmt(true),
							  errhidecontext(true)));
	RESUME_INTERRUPTS();
}
