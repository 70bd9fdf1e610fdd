/*
 * refresh.h
 *	  When credentials are fetched again: the windows that AWS's SDKs share
 *	  since 2026. Arithmetic only; times are microseconds: of the wall clock,
 *	  by which credentials end, or of a steady one, by which this server rests.
 */
#ifndef HL_AWS_REFRESH_H
#define HL_AWS_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

typedef enum HlRefreshNeed
{
	HL_REFRESH_NONE,
	HL_REFRESH_ADVISED,  /* one try; what is there will do */
	HL_REFRESH_MANDATORY /* they end within the minute, or have ended */
} HlRefreshNeed;

typedef struct HlLease
{
	bool expires;
	int64_t fetched_at;
	int64_t expires_at;
	bool stable;      /* may be used past their end, where nobody has others */
	bool refused;     /* AWS says that they have ended, whatever the clock */
	int64_t retry_at; /* not before, steady; 0: no attempt has failed */
} HlLease;

extern HlRefreshNeed hl_refresh_need(const HlLease *lease, int64_t now,
									 int64_t steady);

/* Whether what is there may still be used, once fetching others has failed. */
extern bool hl_refresh_may_serve(const HlLease *lease, int64_t now);

/* When to try again after a failure, by the steady clock; random is from 0 to 1. */
extern int64_t hl_refresh_retry_at(int64_t steady, double random);

/* How long a failure that cannot get better is remembered. */
extern int64_t hl_refresh_forget_at(int64_t steady, double random);

#endif
