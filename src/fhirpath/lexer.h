/*
 * lexer.h
 *	  The tokens of FHIRPath. A token points into the path, which outlives it;
 *	  the value of a string or a delimited identifier is unescaped and
 *	  palloc'd. A lexical error is returned as a value; nothing is thrown.
 */
#ifndef HL_FHIRPATH_LEXER_H
#define HL_FHIRPATH_LEXER_H

#include "postgres.h"

typedef enum HlTokenKind
{
	HL_TOKEN_END,
	HL_TOKEN_IDENTIFIER, /* including keywords, which may name elements */
	HL_TOKEN_DELIMITED,  /* `an identifier` */
	HL_TOKEN_STRING,
	HL_TOKEN_INTEGER,
	HL_TOKEN_DECIMAL,
	HL_TOKEN_DATE,     /* without the @; DateTimes contain a T */
	HL_TOKEN_TIME,     /* without the @T */
	HL_TOKEN_VARIABLE, /* $this, $index and so on, without the $ */
	HL_TOKEN_CONSTANT, /* %name, without the % */
	HL_TOKEN_SYMBOL
} HlTokenKind;

typedef struct HlToken
{
	HlTokenKind kind;
	const char *text; /* its value */
	int len;
	int begin; /* byte offsets in the path */
	int end;
} HlToken;

/* A fault in a path or a view, and its position. */
typedef struct HlFault
{
	int sqlstate; /* 0: none */
	int position; /* in characters of the path, from 1; or 0 */
	char message[200];
} HlFault;

typedef struct HlLexer
{
	const char *text;
	int len;
	int at;
	HlToken token; /* the current one */
	HlFault *fault;
} HlLexer;

/* Records the first fault and its position. */
extern void hl_fault_set(HlLexer *lexer, int sqlstate, int at,
						 const char *format, ...) pg_attribute_printf(4, 5);

/* Reads the next token; false if there is a fault. */
extern bool hl_lexer_next(HlLexer *lexer);

/* Whether the current token is this symbol, or this word undelimited. */
extern bool hl_lexer_is(const HlLexer *lexer, const char *text);

#endif
