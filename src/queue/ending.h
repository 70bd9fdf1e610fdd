/*
 * ending.h
 *	  An ending: what is recorded of a claimed request when its call is over,
 *	  or when it is not sent. It lives in the memory of its request. Each step
 *	  of the queue may make one; none asks another step for it.
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
	bool taken_over;    /* another runner has claimed the row */
	bool looked;        /* AWS was just searched for it */
	bool looked_before; /* or was before, and nothing was sent since */
	int failed_looks;   /* in succession; of no use where it was looked */
	int unusable_looks; /* likewise */
	bool adopted;       /* the result of the request was found */
	bool throttled;
} HlEnding;

/* The note on a request that is not sent again. */
#define HL_ENDING_NOT_AGAIN                                                    \
	"it may have been carried out, and has no client token with which it "     \
	"could be sent again"

/* Begins an ending with what was known when the row was claimed. */
extern HlEnding *hl_ending_begin(struct HlQueued *queued, const char *state);

/* Makes an ending without a call: a final one, or one with another attempt. */
extern void hl_ending_refuse(struct HlQueued *queued, int sqlstate,
							 const char *message);
extern void hl_ending_put_off(struct HlQueued *queued, int sqlstate,
							  const char *message);

/*
 * Makes the ending of a search: the outcome remains unknown; or the request may
 * be sent now, unless that is for another cluster or database to do.
 */
extern void hl_ending_leave_unknown(struct HlQueued *queued,
									const char *message);
extern void hl_ending_leave_to_others(struct HlQueued *queued);
extern void hl_ending_let_go_out(struct HlQueued *queued);

/* Replaces a final ending that cannot be recorded by one that says so. */
extern void hl_ending_reduce(struct HlQueued *queued, const char *message);

#endif
