/*
 * answers.h
 *	  The answers of AWS to the entries of a batch or a transaction. A batch
 *	  succeeds whatever the outcomes of its entries: each answer has that of
 *	  one.
 */
#ifndef HL_FHIR_ANSWERS_H
#define HL_FHIR_ANSWERS_H

#include "postgres.h"

#include "base/json.h"
#include "fhir/entries.h"

/* Missing strings are NULL. It points into the entries and the reply. */
typedef struct HlFhirAnswer
{
	int status; /* HTTP status */
	const char *type;
	const char *id;
	const char *version;
	bool dated;
	int64 last_updated; /* microseconds since 1970 */
	const HlJson *outcome;
	const HlJson *resource; /* if the entry has succeeded */
} HlFhirAnswer;

/*
 * Reads the reply to these entries, in their order. NULL if it is invalid: an
 * entry has no answer, or that of another resource, or a transaction has a
 * failed entry. Lives in CurrentMemoryContext.
 */
extern HlFhirAnswer *hl_answers_read(const HlFhirEntries *entries,
									 const HlJson *reply);

/*
 * The interactions of the entries, as a JSON array for the audit trail: "PUT
 * Patient/1". With answers (or NULL) created resources have their ids.
 */
extern char *hl_answers_list(const HlFhirEntries *entries,
							 const HlFhirAnswer *answers);

/*
 * Type and id of the resources that the entries have changed, the first ones
 * and the number of the others; NULL: none, or no reply names any.
 */
extern char *hl_answers_stored(const HlFhirEntries *entries,
							   const HlFhirAnswer *answers);

/* Whether an answer is a failure: its status is not 2xx. */
extern bool hl_answer_failed(const HlFhirAnswer *answer);

#endif
