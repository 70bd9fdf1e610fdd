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
	HL_TOKEN_IDENTIFIER, /* keywords too: they may name elements */
	HL_TOKEN_DELIMITED,  /* `an identifier` */
	HL_TOKEN_STRING,
	HL_TOKEN_INTEGER,
	HL_TOKEN_DECIMAL,
	HL_TOKEN_DATE,     /* without its @; DateTimes have a T in them */
	HL_TOKEN_TIME,     /* without its @T */
	HL_TOKEN_VARIABLE, /* $this and the like, without the $ */
	HL_TOKEN_CONSTANT, /* %name, without the % */
	HL_TOKEN_SYMBOL
} HlTokenKind;

typedef struct HlToken
{
	HlTokenKind kind;
	const char *text; /* what it means */
	int len;
	int begin; /* where it is in the path, as offsets of bytes */
	int end;
} HlToken;

/* What is wrong with a path or a view, and where. */
typedef struct HlFault
{
	int sqlstate; /* 0 if nothing is */
	int position; /* the character in the path, counted from 1; or 0 */
	char message[200];
} HlFault;

typedef struct HlLexer
{
	const char *text;
	int len;
	int at;
	HlToken token; /* the present one */
	HlFault *fault;
} HlLexer;

/* Remembers the first fault, with the place where it is. */
extern void hl_fault_set(HlLexer *lexer, int sqlstate, int at,
						 const char *format, ...) pg_attribute_printf(4, 5);

/* Reads the next token; false if there is a fault. */
extern bool hl_lexer_next(HlLexer *lexer);

/* Whether the present token is this symbol, or this word undelimited. */
extern bool hl_lexer_is(const HlLexer *lexer, const char *text);

#endif
