/*
 * json.h
 *	  JSON as in RFC 8259, without extensions: read into a document that owns
 *	  all its memory, and written compactly as UTF-8. An HlJsonDocument starts
 *	  zeroed, with its options set, and ends in hl_json_free(), also after a
 *	  failure; nodes and strings live as long as the document. A missing node
 *	  is NULL, which every function accepts as JSON null.
 */
#ifndef HL_BASE_JSON_H
#define HL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define HL_JSON_DEFAULT_DEPTH 144
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
	HL_JSON_ZERO,      /* \u0000, not allowed in PostgreSQL's text */
	HL_JSON_SURROGATE, /* half of a surrogate pair */
	HL_JSON_TOO_DEEP,
	HL_JSON_TOO_LARGE,
	HL_JSON_NO_MEMORY
} HlJsonFault;

typedef struct HlJson HlJson;

typedef struct HlJsonDocument
{
	/* options, set before reading; zero is the default */
	bool secret;   /* wipe the text when it is freed */
	bool lenient;  /* replace invalid characters by U+FFFD or ? */
	int max_depth; /* of nested arrays and objects */
	int max_nodes; /* of values and member names */
	HlJson *root;  /* NULL unless reading succeeded */
	HlJsonFault fault;
	const char *reason; /* a few words, static; "" on success */
	size_t offset;      /* of the fault, in bytes */
	char *text;         /* strings and numbers, zero-terminated */
	size_t text_size;
} HlJsonDocument;

/* Iterates over the elements of an array or the members of an object. */
typedef struct HlJsonEach
{
	const char *name; /* of the current member; NULL in an array */
	size_t name_len;
	const HlJson *next;
	uint32_t left;
	bool named;
} HlJsonEach;

/* False: see fault, which tells a syntax error from missing memory. */
extern bool hl_json_read(HlJsonDocument *document, const char *text, size_t len)
	__attribute__((warn_unused_result));
extern void hl_json_free(HlJsonDocument *document);

extern HlJsonKind hl_json_kind(const HlJson *node);

/* The text of a string, or a number as written; "" for other kinds. */
extern const char *hl_json_string(const HlJson *node);

/* The length in bytes, or the number of elements or members. */
extern size_t hl_json_len(const HlJson *node);
extern bool hl_json_int64(const HlJson *node, int64_t *value);
extern bool hl_json_double(const HlJson *node, double *value);

extern const HlJson *hl_json_member(const HlJson *node, const char *name);
extern const HlJson *hl_json_element(const HlJson *node, size_t i);
extern HlJsonEach hl_json_each(const HlJson *node);
extern const HlJson *hl_json_step(HlJsonEach *each); /* NULL: the end */

extern void hl_json_append_string(HlBytes *bytes, const char *string,
								  size_t len);
extern void hl_json_append_node(HlBytes *bytes, const HlJson *node);

/* Appends a string member to an object that is begun; NULL appends none. */
extern void hl_json_append_member(HlBytes *bytes, const char *name,
								  const char *value);

#endif
