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

/* UTF-8. What refuses a row is one of FHIR's issue types, and where it is. */
typedef struct HlLoadResource
{
	HlLoadPlace place;
	const char *type; /* NULL: none that is valid */
	const char *id;   /* likewise */
	const char *code; /* NULL: nothing refuses it */
	const char *expression;
	const char *json; /* NULL until it is written */
	size_t len;
	uint64 key; /* of type and id: equal ones have equal keys */
	Jsonb *value;
} HlLoadResource;

/* Reads type and id; refuses a resource that cannot be put. */
extern HlLoadResource *hl_load_row_read(const HlLoadRow *row);

/* Writes its JSON, or refuses one that is too large to be sent. */
extern void hl_load_row_write(HlLoadResource *resource);

#endif
