/*
 * retry.h
 *	  Whether to try again, and when: AWS's "standard" retry mode with the
 *	  constants of 2026, and the correction of a wrong clock. Arithmetic only:
 *	  times and random numbers are arguments, nothing is allocated.
 */
#ifndef HL_AWS_RETRY_H
#define HL_AWS_RETRY_H

#include "aws/sigv4.h"
#include "http/http.h"

typedef enum HlVerdict
{
	HL_VERDICT_SUCCESS,
	HL_VERDICT_TERMINAL, /* trying again would not help */
	HL_VERDICT_TRANSIENT,
	HL_VERDICT_THROTTLING
} HlVerdict;

/* Judges one attempt; code is AWS's error code, or NULL. */
extern HlVerdict hl_retry_judge(HlTransport transport, int status,
								const char *code);

/*
 * Milliseconds to wait before the attempt after this one (the first is 1).
 * jitter is a random number from 0 to 1. hint_ms is what the server asked
 * for, or -1; it is heard within bounds.
 */
extern int64_t hl_retry_delay(HlVerdict verdict, int attempt, double jitter,
							  int64_t hint_ms);

/* What the server asked for in milliseconds, or -1. now: seconds of 1970. */
extern int64_t hl_retry_hint(const char *amz_retry_after,
							 const char *retry_after, int64_t now);

/* Tokens that attempts after the first cost, so that storms die down. */
#define HL_QUOTA_FULL 500

typedef struct HlQuota
{
	int tokens; /* HL_QUOTA_FULL to begin with */
} HlQuota;

/* Takes what a further attempt costs; 0 if there is not enough. */
extern int hl_quota_take(HlQuota *quota, HlVerdict verdict);

/* Gives back after a success what its last attempt cost (0: it was first). */
extern void hl_quota_give(HlQuota *quota, int cost);

/* Reads a date of HTTP in any of its three forms: seconds of 1970. */
extern bool hl_http_date(const char *text, int64_t *seconds);

/* One signed attempt, for the comparison of clocks; microseconds of 1970. */
typedef struct HlClockReading
{
	const char *code; /* AWS's error code, or NULL */
	const char *date; /* the reply's headers, "" where missing */
	const char *age;
	int64_t sent_at; /* by the uncorrected clock */
	int64_t received_at;
	int64_t offset; /* what was added to that clock when signing */
} HlClockReading;

/*
 * Tells whether the clock was why an attempt was refused: a better offset, with
 * which the next request can be signed.
 */
extern bool hl_clock_skewed(const HlClockReading *reading, int64_t *offset);

/* The offset, or 0 if a request could not be signed now with it. */
extern int64_t hl_clock_usable(int64_t now, int64_t offset);

#endif
