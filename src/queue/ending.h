/*
 * ending.h
 *	  An ending: what is recorded of a claimed request when its call is over,
 *	  or when it is not sent. It lives in the memory of its request.
 */
#ifndef HL_QUEUE_ENDING_H
#define HL_QUEUE_ENDING_H

#include "postgres.h"

#include "datatype/timestamp.h"

struct HlQueued;

/* What is recorded; NULL leaves a column unchanged, except for errors. */
typedef struct HlEnding
{
	const char *state;    /* NULL: nothing is known yet */
	const char *response; /* JSON in UTF-8 */
	const char *datastore_id;
	const char *job_id;
	int sqlstate; /* 0: no error */
	const char *code;
	const char *message;
	const char *request_id;
	const char *account;
	const char *endpoint;
	const char *note;
	const char *resource_id; /* of a FHIR resource, assigned by HealthLake */
	const char *version_id;  /* of the FHIR resource that was written */
	const char *guard;       /* the version for which it may be sent again */
	TimestampTz run_after;
	TimestampTz first_sent_at;
	TimestampTz unsettled_since;
	bool recorded;
	bool taken_over; /* another runner has claimed the row */
	bool looked;     /* AWS was just searched for it */
	bool adopted;    /* and the result of the request was found */
	bool throttled;
} HlEnding;

/* The note on a request that is not sent again. */
#define HL_QUEUED_NOT_AGAIN                                                    \
	"it may have been carried out, and has no client token with which it "     \
	"could be sent again"

/* The same for a FHIR request whose outcome no read could determine. */
#define HL_QUEUED_NOT_TOLD                                                     \
	"it may have been carried out, and no read could tell whether it was"

/* Makes the ending of a call that has ended; a search reads its reply later. */
extern void hl_outcome_judge(struct HlQueued *queued);

/* Makes the ending of a call whose reply cannot be judged. */
extern void hl_outcome_lose(struct HlQueued *queued, const char *message);

/* Replaces a final ending that cannot be recorded by one that says so. */
extern void hl_outcome_reduce(struct HlQueued *queued, const char *message);

/* Makes an ending without a call: a final one, or one with another attempt. */
extern void hl_queued_refuse(struct HlQueued *queued, int sqlstate,
							 const char *message);
extern void hl_queued_put_off(struct HlQueued *queued, int sqlstate,
							  const char *message);

#endif
