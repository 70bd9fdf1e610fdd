/*
 * jsonb_builder.h
 *	  Builds a jsonb value part by part, with the same interface for every
 *	  version of PostgreSQL.
 */
#ifndef HL_SERVER_JSONB_BUILDER_H
#define HL_SERVER_JSONB_BUILDER_H

#include "postgres.h"

#include "utils/jsonb.h"

/*
 * Starts zeroed. "result" is set when the outermost container has ended.
 * PostgreSQL 19 has its own struct.
 */
#if PG_VERSION_NUM >= 190000
typedef JsonbInState HlJsonbBuilder;
#define hl_jsonb_push(builder, token, value)                                   \
	pushJsonbValue((builder), (token), (value))
#else
typedef struct
{
	JsonbParseState *parents;
	JsonbValue *result;
} HlJsonbBuilder;
#define hl_jsonb_push(builder, token, value)                                   \
	((void) ((builder)->result =                                               \
				 pushJsonbValue(&(builder)->parents, (token), (value))))
#endif

#endif
