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
	const HlJson *resource; /* as stored; NULL: unknown */
	const char *modified;   /* the header Last-Modified; NULL: none */
	bool hidden;            /* the role may not read it: it gets null */
} HlFhirResult;

/* The row of a result, in the function's result type. */
extern Datum hl_fhir_result_row(FunctionCallInfo fcinfo,
								const HlFhirResult *result);

/*
 * JSON of a reply as a column: a value that the database cannot store becomes
 * null, and *lost is set.
 */
extern Datum hl_fhir_result_json(const HlJson *json, bool *null, bool *lost);

/* Warns if lost is true. */
extern void hl_fhir_result_warn(bool lost);

/* Whether a reply is a resource of that type. */
extern bool hl_fhir_is_a(const HlJson *document, const char *type);

/* The id of a resource; "": missing, or not a string. */
extern const char *hl_fhir_id(const HlJson *resource);

/* meta.versionId of a resource; NULL: missing. */
extern const char *hl_fhir_version(const HlJson *resource);

/*
 * Whether a reply is that resource, and that version (NULL: any), if it has
 * one.
 */
extern bool hl_fhir_is_it(const HlJson *document, const char *type,
						  const char *id, const char *version);

/* meta.lastUpdated of a resource; false: missing. */
extern bool hl_fhir_last_updated(const HlJson *resource, TimestampTz *at);

/* The time in a header Last-Modified; false: missing or malformed. */
extern bool hl_fhir_modified(const char *header, TimestampTz *at);

/* Whether a resource was stored although it has validation issues. */
extern bool hl_fhir_has_issues(const HlReply *reply);

/* Warns of that. */
extern void hl_fhir_result_warn_issues(const HlReply *reply);

/* The version in an ETag, palloc'd: 2 of W/"2"; NULL: invalid. */
extern char *hl_fhir_version_of(const char *etag);

#endif
