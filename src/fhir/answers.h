/*
 * answers.h
 *	  What AWS answers to the entries of a batch or a transaction. A batch
 *	  succeeds whatever became of its entries: each answer tells that of one.
 */
#ifndef HL_FHIR_ANSWERS_H
#define HL_FHIR_ANSWERS_H

#include "postgres.h"

#include "base/json.h"
#include "fhir/entries.h"

/* NULL if there is none of it; points into entries and reply. */
typedef struct HlFhirAnswer
{
	int status; /* HTTP's */
	const char *type;
	const char *id;
	const char *version;
	bool dated;
	int64 last_updated; /* microseconds since 1970 */
	const HlJson *outcome;
	const HlJson *resource; /* of a success */
} HlFhirAnswer;

/*
 * Reads the reply to these entries, in their order; NULL if it is none: an
 * entry has no answer, or one of another resource, or a transaction has a
 * failure. Lives in CurrentMemoryContext.
 */
extern HlFhirAnswer *hl_answers_read(const HlFhirEntries *entries,
									 const HlJson *reply);

/*
 * What the entries do, as a JSON array for the audit trail: "PUT Patient/1".
 * With answers (NULL: none yet) what was created has its id.
 */
extern char *hl_answers_list(const HlFhirEntries *entries,
							 const HlFhirAnswer *answers);

/* Whether an answer is a failure: its status is not 2xx. */
extern bool hl_answer_failed(const HlFhirAnswer *answer);

#endif
