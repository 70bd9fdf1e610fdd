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

/* What is recorded; NULL leaves a column as it is, but for errors. */
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
	const char *resource_id; /* of a FHIR resource, which HealthLake gave */
	const char *version_id;  /* that was made of it */
	const char *guard;       /* the version for which it may be sent again */
	TimestampTz run_after;
	TimestampTz first_sent_at;
	TimestampTz unsettled_since;
	bool recorded;
	bool taken_over; /* the row is another runner's by now */
	bool looked;     /* AWS has been searched for it just now */
	bool adopted;    /* and what it has made was found */
	bool throttled;
} HlEnding;

/* What is noted of a request that is not sent again. */
#define HL_QUEUED_NOT_AGAIN                                                    \
	"it may have been carried out, and has no client token with which it "     \
	"could be sent again"

/* The same of a FHIR request of which no read could tell. */
#define HL_QUEUED_NOT_TOLD                                                     \
	"it may have been carried out, and no read could tell whether it was"

/* Makes the ending of a call that has ended; that of a search is yet to read. */
extern void hl_outcome_judge(struct HlQueued *queued);

/* Makes the ending of a call whose reply cannot be judged. */
extern void hl_outcome_lose(struct HlQueued *queued, const char *message);

/* Makes of a final ending that cannot be recorded one that says so. */
extern void hl_outcome_reduce(struct HlQueued *queued, const char *message);

/* Makes an ending without a call: for good, or until another time. */
extern void hl_queued_refuse(struct HlQueued *queued, int sqlstate,
							 const char *message);
extern void hl_queued_put_off(struct HlQueued *queued, int sqlstate,
							  const char *message);

#endif
