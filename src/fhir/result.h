/*
 * result.h
 *	  The result of a write as a row of healthlake_fhir_result, and the parts
 *	  of replies that rows of this room contain.
 */
#ifndef HL_FHIR_RESULT_H
#define HL_FHIR_RESULT_H

#include "postgres.h"

#include "fmgr.h"

#include "aws/outcome.h"
#include "datatype/timestamp.h"

typedef struct HlFhirResult
{
	const char *type; /* strings in UTF-8; NULL: null */
	const char *id;
	const char *version_id;
	bool existed;
	const HlJson *issues;   /* an OperationOutcome; NULL: none */
	const HlJson *resource; /* as stored; NULL: it is not known */
} HlFhirResult;

/* The row of a result, as the function's result type has it. */
extern Datum hl_fhir_result_row(FunctionCallInfo fcinfo,
								const HlFhirResult *result);

/*
 * JSON of a reply as a column. After a change, pass lost: a value that the
 * database cannot store is null then, and sets it. Without it, it throws.
 */
extern Datum hl_fhir_result_json(const HlJson *json, bool *null, bool *lost);

/* Warns of that. */
extern void hl_fhir_result_warn(bool lost);

/* Whether a reply is a resource of that type. */
extern bool hl_fhir_is_a(const HlJson *document, const char *type);

/* The id that a resource says it has; "": none that is a string. */
extern const char *hl_fhir_id(const HlJson *resource);

/* The version that a resource says it is; NULL: it does not. */
extern const char *hl_fhir_version(const HlJson *resource);

/* Whether a reply is that resource, in that version where both tell (or NULL). */
extern bool hl_fhir_is_it(const HlJson *document, const char *type,
						  const char *id, const char *version);

/* When a resource says it was last changed; false: it does not. */
extern bool hl_fhir_last_updated(const HlJson *resource, TimestampTz *at);

/* The version in an ETag, palloc'd: 2 of W/"2"; NULL: it is none. */
extern char *hl_fhir_version_of(const char *etag);

#endif
