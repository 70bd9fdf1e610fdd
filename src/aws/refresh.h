/*
 * refresh.h
 *	  When credentials are renewed: the windows shared by AWS's SDKs since
 *	  2026. Arithmetic only. Times are microseconds, of the wall clock, by
 *	  which credentials expire, or of a steady clock, by which retries are
 *	  scheduled.
 */
#ifndef HL_AWS_REFRESH_H
#define HL_AWS_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

typedef enum HlRefreshNeed
{
	HL_REFRESH_NONE,
	HL_REFRESH_ADVISED,  /* one attempt; the current ones stay usable */
	HL_REFRESH_MANDATORY /* they have expired, or expire within a minute */
} HlRefreshNeed;

typedef struct HlLease
{
	bool expires;
	int64_t fetched_at;
	int64_t expires_at;
	bool stable;      /* usable after expiry if no others can be had */
	bool refused;     /* AWS has rejected them as expired */
	int64_t retry_at; /* steady clock; 0: no attempt has failed */
} HlLease;

extern HlRefreshNeed hl_refresh_need(const HlLease *lease, int64_t now,
									 int64_t steady);

/*
 * Whether the current credentials may be used after renewing them has failed.
 */
extern bool hl_refresh_may_serve(const HlLease *lease, int64_t now);

/* The time of the next attempt after a failure; random is from 0 to 1. */
extern int64_t hl_refresh_retry_at(int64_t steady, double random);

/* The time until which a permanent failure is cached; random is from 0 to 1. */
extern int64_t hl_refresh_forget_at(int64_t steady, double random);

#endif
