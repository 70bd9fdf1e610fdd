/*
 * retry.h
 *	  Whether and when to retry: the "standard" retry mode of AWS's SDKs with
 *	  the constants of 2026, and the correction of a wrong clock. Arithmetic
 *	  only: times and random numbers are arguments; nothing is allocated.
 */
#ifndef HL_AWS_RETRY_H
#define HL_AWS_RETRY_H

#include "aws/sigv4.h"
#include "http/http.h"

typedef enum HlVerdict
{
	HL_VERDICT_SUCCESS,
	HL_VERDICT_TERMINAL, /* another attempt would not help */
	HL_VERDICT_TRANSIENT,
	HL_VERDICT_THROTTLING
} HlVerdict;

/* Classifies an attempt. code is AWS's error code, or NULL. */
extern HlVerdict hl_retry_judge(HlTransport transport, int status,
								const char *code);

/*
 * The delay in milliseconds before the next attempt; attempt is the number of
 * the last one, from 1. jitter is a random number from 0 to 1. hint_ms is the
 * delay that the server requested, or -1; it is limited to sensible bounds.
 */
extern int64_t hl_retry_delay(HlVerdict verdict, int attempt, double jitter,
							  int64_t hint_ms);

/*
 * The delay that the server requested, in milliseconds, or -1. now is in
 * seconds since 1970.
 */
extern int64_t hl_retry_hint(const char *amz_retry_after,
							 const char *retry_after, int64_t now);

/* The retry quota: each retry costs tokens, which limits retry storms. */
#define HL_QUOTA_FULL 500

typedef struct HlQuota
{
	int tokens; /* initially HL_QUOTA_FULL */
} HlQuota;

/*
 * Takes the cost of another attempt and returns it; 0 if there is not enough.
 */
extern int hl_quota_take(HlQuota *quota, HlVerdict verdict);

/*
 * Returns the cost of the last attempt after a success (0: it was the first).
 */
extern void hl_quota_give(HlQuota *quota, int cost);

/*
 * Reads an HTTP date in any of its three forms (RFC 9110, section 5.6.7), as
 * seconds since 1970.
 */
extern bool hl_http_date(const char *text, int64_t *seconds);

/* The clock readings of one signed attempt, in microseconds since 1970. */
typedef struct HlClockReading
{
	const char *code; /* AWS's error code, or NULL */
	const char *date; /* headers of the reply; "": missing */
	const char *age;
	int64_t sent_at; /* by the uncorrected clock */
	int64_t received_at;
	int64_t offset; /* added to that clock when it was signed */
} HlClockReading;

/*
 * Whether an attempt was refused because of the clock. True: *offset is the
 * one with which the next request must be signed.
 */
extern bool hl_clock_skewed(const HlClockReading *reading, int64_t *offset);

/* The offset, or 0 if it leads to a time that cannot be signed. */
extern int64_t hl_clock_usable(int64_t now, int64_t offset);

#endif
