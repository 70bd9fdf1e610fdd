/*
 * bundle.h
 *	  Batches and transactions for SQL: validated, sent as one request, and
 *	  returned as a row for each entry.
 */
#ifndef HL_FHIR_BUNDLE_H
#define HL_FHIR_BUNDLE_H

#include "postgres.h"

#include "fmgr.h"

#include "fhir/answers.h"
#include "fhir/request.h"

/*
 * Makes the request of a Bundle, whose JSON the caller has written. Several
 * may be in flight. The caller must call hl_bundle_judge() before
 * hl_call_finish().
 */
extern HlFhirRequest *hl_bundle_request(const HlFhirPlace *place,
										const HlFhirEntries *entries,
										const char *json);

/*
 * Reads the answers of a success; NULL, with a failure in the reply, if they
 * are malformed.
 */
extern HlFhirAnswer *hl_bundle_judge(HlFhirRequest *request,
									 const HlFhirEntries *entries,
									 HlReply *reply);

/* The body of healthlake_fhir_bundle(). */
extern Datum hl_bundle_call(FunctionCallInfo fcinfo);

#endif
