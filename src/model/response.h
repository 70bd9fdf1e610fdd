/*
 * response.h
 *	  Makes SQL values of a reply: a column takes the member with its name in
 *	  the output's tables, at any depth; a column "properties" takes the whole
 *	  reply. Results live in CurrentMemoryContext.
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

/* The same as values of any columns; reply NULL: all are null. */
extern void hl_response_columns(TupleDesc desc, const HlShape *shape,
								const HlJson *reply, Datum *values,
								bool *nulls);

/*
 * The identifier of what the reply speaks of, in UTF-8; NULL: it has none. That
 * of a resource has the form of an id.
 */
extern const char *hl_response_id(const HlShape *shape, const HlJson *reply);

/* The string, or the number, of the member with that SQL name, if any. */
extern const char *hl_response_string(const HlShape *shape, const HlJson *reply,
									  const char *name);
extern bool hl_response_int64(const HlShape *shape, const HlJson *reply,
							  const char *name, int64_t *value);

/* The member's value as text, UTF-8: a string's own, or JSON; NULL: none. */
extern const char *hl_response_text(const HlShape *shape, const HlJson *reply,
									const char *name);

/* JSON in UTF-8, read into CurrentMemoryContext; NULL if it is none. */
extern const HlJson *hl_response_read(const char *utf8);

/* A reply as jsonb, just as it came. */
extern Datum hl_response_whole(const HlJson *reply);

/* JSON in UTF-8 as jsonb. */
extern Datum hl_response_jsonb(const char *utf8);

/*
 * The same where a failure would lose more than the JSON: null for NULL and
 * for what jsonb cannot hold (a number beyond numeric, a character that the
 * database lacks). Throws no other trouble of the text's.
 */
extern Datum hl_response_jsonb_if_fit(const char *utf8, bool *isnull);

/* The same of a reply; sqlstate says why it does not fit, and is 0 if it does. */
extern Datum hl_response_whole_if_fit(const HlJson *reply, int *sqlstate);

/* Adds such JSON; throws nothing, and leaves it to the bytes to have failed. */
extern void hl_response_append_masked(HlBytes *bytes, const HlShape *shape,
									  const HlJson *node);

/*
 * JSON of that shape in UTF-8, palloc'd, with what the model marks as
 * sensitive masked; has_sensitive (or NULL) says whether something was.
 */
extern char *hl_response_masked(const HlShape *shape, const HlJson *node,
								bool *has_sensitive);

#endif
