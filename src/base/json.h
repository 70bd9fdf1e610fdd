/*
 * json.h
 *	  JSON as RFC 8259 has it, and not a byte more: read into a document that
 *	  owns all its memory, and written compactly as UTF-8. Whoever declares an
 *	  HlJsonDocument (zeroed, then its limits) frees it with hl_json_free(),
 *	  also after a failure; nodes and strings live as long as the document.
 *	  A node that is not there is NULL, and every function takes it for null.
 */
#ifndef HL_BASE_JSON_H
#define HL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define HL_JSON_DEFAULT_DEPTH 128
#define HL_JSON_GREATEST_DEPTH 1000
#define HL_JSON_DEFAULT_NODES (4 * 1024 * 1024) /* 16 bytes each */

typedef enum HlJsonKind
{
	HL_JSON_NULL,
	HL_JSON_FALSE,
	HL_JSON_TRUE,
	HL_JSON_NUMBER,
	HL_JSON_STRING,
	HL_JSON_ARRAY,
	HL_JSON_OBJECT
} HlJsonKind;

typedef enum HlJsonFault
{
	HL_JSON_FINE,
	HL_JSON_SYNTAX,
	HL_JSON_ENCODING,  /* not UTF-8 */
	HL_JSON_ZERO,      /* \u0000, which no text of PostgreSQL can hold */
	HL_JSON_SURROGATE, /* half of a surrogate pair */
	HL_JSON_TOO_DEEP,
	HL_JSON_TOO_LARGE,
	HL_JSON_NO_MEMORY
} HlJsonFault;

typedef struct HlJson HlJson;

typedef struct HlJsonDocument
{
	/* set before reading; zeros will do */
	bool secret;   /* wipe the text when it is freed */
	bool lenient;  /* put U+FFFD or ? where a string cannot be kept */
	int max_depth; /* of arrays and objects within each other */
	int max_nodes; /* of values and member names */
	HlJson *root;  /* NULL unless it was read whole */
	HlJsonFault fault;
	const char *reason; /* a few words, "" where all is well */
	size_t offset;      /* where in the text, in bytes */
	char *text;         /* the strings and numbers, each ended by a zero */
	size_t text_size;
} HlJsonDocument;

/* Going through the elements of an array or the members of an object. */
typedef struct HlJsonEach
{
	const char *name; /* of the member at hand; NULL in an array */
	size_t name_len;
	const HlJson *next;
	uint32_t left;
	bool named;
} HlJsonEach;

/* False also where memory is missing, which document->fault tells apart. */
extern bool hl_json_read(HlJsonDocument *document, const char *text, size_t len)
	__attribute__((warn_unused_result));
extern void hl_json_free(HlJsonDocument *document);

extern HlJsonKind hl_json_kind(const HlJson *node);

/* A string, or a number as it was written; "" for anything else. */
extern const char *hl_json_string(const HlJson *node);

/* Its bytes; or how many elements or members there are. */
extern size_t hl_json_len(const HlJson *node);
extern bool hl_json_int64(const HlJson *node, int64_t *value);
extern bool hl_json_double(const HlJson *node, double *value);

extern const HlJson *hl_json_member(const HlJson *node, const char *name);
extern const HlJson *hl_json_element(const HlJson *node, size_t i);
extern HlJsonEach hl_json_each(const HlJson *node);
extern const HlJson *hl_json_step(HlJsonEach *each); /* NULL at the end */

extern void hl_json_append_string(HlBytes *bytes, const char *string,
								  size_t len);
extern void hl_json_append_node(HlBytes *bytes, const HlJson *node);

#endif
