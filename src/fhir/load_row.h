/*
 * load_row.h
 *	  A resource of a table row as a load sends it, or the reason why it cannot
 *	  be sent. Lives in CurrentMemoryContext.
 */
#ifndef HL_FHIR_LOAD_ROW_H
#define HL_FHIR_LOAD_ROW_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "fhir/load_source.h"

/*
 * Strings are UTF-8. The reason of a refusal is a FHIR issue type (code), with
 * the path of the element (expression).
 */
typedef struct HlLoadResource
{
	HlLoadPlace place;
	const char *type; /* NULL: missing or invalid */
	const char *id;   /* NULL: missing or invalid */
	const char *code; /* NULL: not refused */
	const char *expression;
	const char *json; /* set by hl_load_row_write() */
	size_t len;
	uint64 key; /* hash of type and id */
	Jsonb *value;
} HlLoadResource;

/* Reads type and id; refuses a resource that cannot be written by PUT. */
extern HlLoadResource *hl_load_row_read(const HlLoadRow *row);

/* Writes its JSON, or refuses a resource that is too large. */
extern void hl_load_row_write(HlLoadResource *resource);

#endif
