/*
 * lexer.c
 *	  The tokens of FHIRPath, by the grammar of its specification.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "fhirpath/lexer.h"

void
hl_fault_set(HlLexer *lexer, int sqlstate, int at, const char *format, ...)
{
	HlFault *fault = lexer->fault;
	va_list arguments;

	if (fault->sqlstate != 0)
		return;
	fault->sqlstate = sqlstate;
	fault->position = pg_mbstrlen_with_len(lexer->text, at) + 1;
	va_start(arguments, format);
	vsnprintf(fault->message, sizeof(fault->message), format, arguments);
	va_end(arguments);
}

/* The character at an offset from the current one; 0 at the end. */
static char
peek(const HlLexer *lexer, int ahead)
{
	return lexer->at + ahead < lexer->len ? lexer->text[lexer->at + ahead]
										  : '\0';
}

/* Whether a character may begin an identifier. */
static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Whether a character is a digit. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Skips blanks and comments; false if a comment does not end. */
static bool
skip_blanks(HlLexer *lexer)
{
	while (lexer->at < lexer->len)
	{
		char c = peek(lexer, 0);

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			lexer->at++;
		else if (c == '/' && peek(lexer, 1) == '/')
			while (lexer->at < lexer->len && peek(lexer, 0) != '\n' &&
				   peek(lexer, 0) != '\r')
				lexer->at++;
		else if (c == '/' && peek(lexer, 1) == '*')
		{
			int begin = lexer->at;

			lexer->at += 2;
			while (lexer->at < lexer->len &&
				   (peek(lexer, 0) != '*' || peek(lexer, 1) != '/'))
				lexer->at++;
			if (lexer->at >= lexer->len)
			{
				hl_fault_set(lexer, ERRCODE_SYNTAX_ERROR, begin,
							 "unterminated comment");
				return false;
			}
			lexer->at += 2;
		}
		else
			return true;
	}
	return true;
}

/* Reads the four digits of \uXXXX; false, and nothing is read: they are none. */
static bool
read_hex(HlLexer *lexer, pg_wchar *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++)
	{
		char c = peek(lexer, i);
		int digit = is_digit(c)              ? c - '0'
					: (c >= 'a' && c <= 'f') ? c - 'a' + 10
					: (c >= 'A' && c <= 'F') ? c - 'A' + 10
											 : -1;

		if (digit < 0)
			return false;
		*code = *code * 16 + digit;
	}
	lexer->at += 4;
	return true;
}

/* Whether the database encoding has all characters. */
static bool
may_say(pg_wchar code)
{
	return code < 0x80 || GetDatabaseEncoding() == PG_UTF8;
}

/* Reads what follows \u, with the second half of a surrogate pair. */
static bool
read_unicode(HlLexer *lexer, StringInfo value)
{
	unsigned char character[MAX_UNICODE_EQUIVALENT_STRING + 1];
	pg_wchar code, second;

	if (!read_hex(lexer, &code))
	{
		appendStringInfoChar(value, 'u');
		return true;
	}
	if (is_utf16_surrogate_first(code))
	{
		if (peek(lexer, 0) != '\\' || peek(lexer, 1) != 'u')
			return false;
		lexer->at += 2;
		if (!read_hex(lexer, &second) || !is_utf16_surrogate_second(second))
			return false;
		code = surrogate_pair_to_codepoint(code, second);
	}
	else if (is_utf16_surrogate_second(code))
		return false; /* half of a surrogate pair */
	if (!is_valid_unicode_codepoint(code) || !may_say(code))
		return false;
	pg_unicode_to_server(code, character);
	appendStringInfoString(value, (char *) character);
	return true;
}

/*
 * Reads an escape after its backslash, which is ignored before anything else;
 * false if it is no character.
 */
static bool
read_escape(HlLexer *lexer, StringInfo value)
{
	static const char from[] = "'\"`\\/rntf";
	static const char to[] = "'\"`\\/\r\n\t\f";
	char c = peek(lexer, 0);
	const char *found = c == '\0' ? NULL : strchr(from, c);

	if (found == NULL && c != 'u')
		return true;
	lexer->at++;
	if (c == 'u')
		return read_unicode(lexer, value);
	appendStringInfoChar(value, to[found - from]);
	return true;
}

/* Reads the text between two quotes; the current character is the first. */
static bool
read_quoted(HlLexer *lexer, HlTokenKind kind)
{
	char quote = peek(lexer, 0);
	StringInfoData value;

	initStringInfo(&value);
	lexer->at++;
	while (lexer->at < lexer->len && peek(lexer, 0) != quote)
	{
		if (peek(lexer, 0) != '\\')
		{
			int len = pg_mblen(lexer->text + lexer->at);

			len = Min(len, lexer->len - lexer->at);
			appendBinaryStringInfo(&value, lexer->text + lexer->at, len);
			lexer->at += len;
			continue;
		}
		lexer->at++;
		if (!read_escape(lexer, &value))
		{
			hl_fault_set(lexer, ERRCODE_SYNTAX_ERROR, lexer->token.begin,
						 "invalid escape sequence");
			return false;
		}
	}
	if (lexer->at >= lexer->len)
	{
		hl_fault_set(lexer, ERRCODE_SYNTAX_ERROR, lexer->token.begin,
					 "unterminated quoted text");
		return false;
	}
	lexer->at++;
	lexer->token.kind = kind;
	lexer->token.text = value.data;
	lexer->token.len = value.len;
	return true;
}

/* Reads an identifier or keyword. */
static void
read_identifier(HlLexer *lexer, HlTokenKind kind)
{
	lexer->token.kind = kind;
	lexer->token.text = lexer->text + lexer->at;
	while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0)))
		lexer->at++;
	lexer->token.len = (int) (lexer->text + lexer->at - lexer->token.text);
}

/* Reads a number: a point belongs to it if a digit follows. */
static void
read_number(HlLexer *lexer)
{
	lexer->token.kind = HL_TOKEN_INTEGER;
	lexer->token.text = lexer->text + lexer->at;
	while (is_digit(peek(lexer, 0)))
		lexer->at++;
	if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1)))
	{
		lexer->token.kind = HL_TOKEN_DECIMAL;
		lexer->at++;
		while (is_digit(peek(lexer, 0)))
			lexer->at++;
	}
	lexer->token.len = (int) (lexer->text + lexer->at - lexer->token.text);
}

/* Whether a character belongs to a date or time at this position. */
static bool
is_moment(const HlLexer *lexer, bool with_zone)
{
	char c = peek(lexer, 0);

	if (c == '.') /* a fraction, or the point before a function */
		return is_digit(peek(lexer, 1));
	return is_digit(c) || c == ':' || c == '-' || c == 'T' ||
		   (with_zone && (c == '+' || c == 'Z'));
}

/* Reads @2014-01-25T14:30:14.559+01:00 or @T14:30, without interpreting it. */
static bool
read_moment(HlLexer *lexer)
{
	bool is_time = peek(lexer, 1) == 'T';

	lexer->at += is_time ? 2 : 1;
	lexer->token.kind = is_time ? HL_TOKEN_TIME : HL_TOKEN_DATE;
	lexer->token.text = lexer->text + lexer->at;
	while (lexer->at < lexer->len && is_moment(lexer, !is_time) &&
		   !(is_time && peek(lexer, 0) == '-'))
		lexer->at++;
	lexer->token.len = (int) (lexer->text + lexer->at - lexer->token.text);
	if (lexer->token.len > 0 && is_digit(lexer->token.text[0]))
		return true;
	hl_fault_set(lexer, ERRCODE_SYNTAX_ERROR, lexer->token.begin,
				 "invalid date or time");
	return false;
}

/* Reads %name, %`name` or %'name'. */
static bool
read_constant(HlLexer *lexer)
{
	lexer->at++;
	if (peek(lexer, 0) == '`' || peek(lexer, 0) == '\'')
		return read_quoted(lexer, HL_TOKEN_CONSTANT);
	read_identifier(lexer, HL_TOKEN_CONSTANT);
	if (lexer->token.len > 0 && !is_digit(lexer->token.text[0]))
		return true;
	hl_fault_set(lexer, ERRCODE_SYNTAX_ERROR, lexer->token.begin,
				 "a constant's name is missing after %%");
	return false;
}

/* Reads one of the symbols, the longer ones first. */
static bool
read_symbol(HlLexer *lexer)
{
	static const char *const symbols[] = {
		"<=", ">=", "!=", "!~", "<", ">", "=", "~", "+", "-", "*",
		"/",  "&",  "|",  ".",  ",", "(", ")", "[", "]", "{", "}"};

	for (int i = 0; i < (int) lengthof(symbols); i++)
	{
		int len = (int) strlen(symbols[i]);

		if (lexer->len - lexer->at >= len &&
			memcmp(lexer->text + lexer->at, symbols[i], len) == 0)
		{
			lexer->token.kind = HL_TOKEN_SYMBOL;
			lexer->token.text = symbols[i];
			lexer->token.len = len;
			lexer->at += len;
			return true;
		}
	}
	hl_fault_set(lexer, ERRCODE_SYNTAX_ERROR, lexer->at,
				 "syntax error at or near \"%.*s\"",
				 Min(pg_mblen(lexer->text + lexer->at), lexer->len - lexer->at),
				 lexer->text + lexer->at);
	return false;
}

/* Reads the token that begins here. */
static bool
read_token(HlLexer *lexer)
{
	char c = peek(lexer, 0);

	if (lexer->at >= lexer->len)
	{
		lexer->token.kind = HL_TOKEN_END;
		return true;
	}
	if (is_letter(c))
	{
		read_identifier(lexer, HL_TOKEN_IDENTIFIER);
		return true;
	}
	if (is_digit(c))
	{
		read_number(lexer);
		return true;
	}
	switch (c)
	{
		case '\'':
		case '"':
			return read_quoted(lexer, HL_TOKEN_STRING);
		case '`':
			return read_quoted(lexer, HL_TOKEN_DELIMITED);
		case '@':
			return read_moment(lexer);
		case '%':
			return read_constant(lexer);
		case '$':
			lexer->at++;
			read_identifier(lexer, HL_TOKEN_VARIABLE);
			return true;
		default:
			return read_symbol(lexer);
	}
}

bool
hl_lexer_next(HlLexer *lexer)
{
	bool found;

	CHECK_FOR_INTERRUPTS();
	found = skip_blanks(lexer);
	lexer->token.begin = lexer->at;
	lexer->token.text = "";
	lexer->token.len = 0;
	found = found && read_token(lexer);
	lexer->token.end = lexer->at;
	return found;
}

bool
hl_lexer_is(const HlLexer *lexer, const char *text)
{
	return (lexer->token.kind == HL_TOKEN_SYMBOL ||
			lexer->token.kind == HL_TOKEN_IDENTIFIER) &&
		   lexer->token.len == (int) strlen(text) &&
		   memcmp(lexer->token.text, text, lexer->token.len) == 0;
}
