/*
 * response.h
 *	  Makes SQL values of a reply: a column takes the member with its SQL name
 *	  in the output's tables, at any depth; a column "properties" takes the
 *	  whole reply. Results live in CurrentMemoryContext.
 */
#ifndef HL_MODEL_RESPONSE_H
#define HL_MODEL_RESPONSE_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"

#include "base/json.h"
#include "model/model.h"

/* A row of the function's result type. */
extern Datum hl_response_row(FunctionCallInfo fcinfo, const HlShape *shape,
							 const HlJson *reply);

/* The values of any columns; reply NULL: all are null. */
extern void hl_response_columns(TupleDesc desc, const HlShape *shape,
								const HlJson *reply, Datum *values,
								bool *nulls);

/*
 * The identifier of the object in a reply, in UTF-8; NULL: none. That of a
 * FHIR resource has the form of FHIR's type id.
 */
extern const char *hl_response_id(const HlShape *shape, const HlJson *reply);

/*
 * The string or the number of the member with that SQL name; NULL or false:
 * none.
 */
extern const char *hl_response_string(const HlShape *shape, const HlJson *reply,
									  const char *name);
extern bool hl_response_int64(const HlShape *shape, const HlJson *reply,
							  const char *name, int64_t *value);

/*
 * The member's value as UTF-8 text: a string, or JSON of other values; or
 * NULL.
 */
extern const char *hl_response_text(const HlShape *shape, const HlJson *reply,
									const char *name);

/* Parses JSON in UTF-8; NULL: malformed. */
extern const HlJson *hl_response_read(const char *utf8);

/*
 * Converts a part of a reply: if the database cannot hold it, *sqlstate is the
 * error, else 0. The conversion must hold nothing that an aborted transaction
 * would have to release.
 */
typedef Datum (*HlConversion)(const void *argument);
extern Datum hl_response_convert(HlConversion convert, const void *argument,
								 int *sqlstate);

/* The whole reply as jsonb. */
extern Datum hl_response_whole(const HlJson *reply);

/* Converts JSON in UTF-8 to jsonb. */
extern Datum hl_response_jsonb(const char *utf8);

/*
 * The same for callers that must not fail: null for NULL and for values that
 * jsonb cannot hold (a number outside the range of numeric, a character that
 * the database encoding lacks).
 */
extern Datum hl_response_jsonb_if_fit(const char *utf8, bool *isnull);

/* The same for a reply; *sqlstate is the error, or 0. */
extern Datum hl_response_whole_if_fit(const HlJson *reply, int *sqlstate);

/* Appends masked JSON, see below. Throws nothing; check bytes->failed. */
extern void hl_response_append_masked(HlBytes *bytes, const HlShape *shape,
									  const HlJson *node);

/*
 * JSON of a value in UTF-8, palloc'd, with members masked that the model marks
 * as sensitive; *has_sensitive (unless NULL) is whether there were any.
 */
extern char *hl_response_masked(const HlShape *shape, const HlJson *node,
								bool *has_sensitive);

#endif
