/*
 * refresh.c
 *	  The time windows for renewing credentials.
 */
#include "aws/refresh.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)

/* Credentials of a process are not used in their last seconds. */
#define UNSTABLE_MARGIN (10 * SECOND)

/* How long before their end credentials should be renewed, by lifetime. */
static int64_t
advisory_window(int64_t lifetime)
{
	if (lifetime <= 20 * MINUTE)
		return 5 * MINUTE;
	return lifetime < 90 * MINUTE ? 15 * MINUTE : 60 * MINUTE;
}

HlRefreshNeed
hl_refresh_need(const HlLease *lease, int64_t now, int64_t steady)
{
	int64_t left = lease->expires_at - now;

	if (lease->refused)
		return HL_REFRESH_MANDATORY;
	if (!lease->expires)
		return HL_REFRESH_NONE;
	if (!lease->stable)
		return left <= UNSTABLE_MARGIN ? HL_REFRESH_MANDATORY : HL_REFRESH_NONE;
	if (steady < lease->retry_at)
		return HL_REFRESH_NONE;
	if (left <= MINUTE)
		return HL_REFRESH_MANDATORY;
	return left <= advisory_window(lease->expires_at - lease->fetched_at)
			   ? HL_REFRESH_ADVISED
			   : HL_REFRESH_NONE;
}

bool
hl_refresh_may_serve(const HlLease *lease, int64_t now)
{
	return !lease->refused && (lease->stable || !lease->expires ||
							   lease->expires_at - now > UNSTABLE_MARGIN);
}

/* Five to ten minutes after a failure. */
int64_t
hl_refresh_retry_at(int64_t steady, double random)
{
	return steady + 300 * SECOND + (int64_t) (random * 300 * SECOND);
}

/* One to five seconds after a failure that is final. */
int64_t
hl_refresh_forget_at(int64_t steady, double random)
{
	return steady + SECOND + (int64_t) (random * 4 * SECOND);
}
