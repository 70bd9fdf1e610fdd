/*
 * pace.c
 *	  Rests and gaps.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "queue/pace.h"

#define LEAST_REST 1000
#define LONGEST_REST (5 * 60 * 1000)
#define LEAST_POLL 1000
#define LONGEST_POLL (30 * 1000)
#define LEAST_GAP 500
#define LONGEST_GAP (60 * 1000)

/* Below this gap there is none. */
#define NO_GAP 25

/* A random number from 0 to 1. */
static double
jitter(void)
{
	uint32 number = 0;

	(void) pg_strong_random(&number, sizeof(number));
	return number / (double) PG_UINT32_MAX;
}

/* How long until the next attempt. */
long
hl_pace_rest(const HlQueued *queued)
{
	int doublings = Max(Min(queued->attempts - 1, 20), 0);
	long rest = Min((long) LEAST_REST << doublings, LONGEST_REST);

	return (long) (rest * (1 - jitter() / 2));
}

/* How long until the next poll. */
long
hl_pace_poll(const HlQueued *queued)
{
	long since = TimestampDifferenceMilliseconds(queued->sending_since,
												 GetCurrentTimestamp());

	return Max(Min(since / 4, LONGEST_POLL), LEAST_POLL);
}

/* Widens the gap. */
static void
widen(HlPace *pace)
{
	pace->gap = Min(Max(pace->gap * 2, LEAST_GAP), LONGEST_GAP);
	pace->next_at =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), pace->gap);
	INSTR_TIME_SET_CURRENT(pace->widened);
}

/* Learns from an ending. */
void
hl_pace_learn(HlPace *pace, const HlQueued *queued)
{
	if (queued->operation == NULL || queued->operation->creates == NULL ||
		queued->polls || queued->looks)
		return;
	/* what went out before the gap grew says nothing of it */
	if (INSTR_TIME_GET_MICROSEC(queued->started) <
		INSTR_TIME_GET_MICROSEC(pace->widened))
		return;
	if (queued->ending.throttled)
		widen(pace);
	else if (queued->ending.sqlstate == 0)
		pace->gap = pace->gap * 4 / 5 < NO_GAP ? 0 : pace->gap * 4 / 5;
}

/* Which kinds may be claimed. */
const char *
hl_pace_kinds(const HlPace *pace, TimestampTz now)
{
	if (pace->gap == 0)
		return "all";
	return now < pace->next_at ? "others" : "creates";
}

/* Notes that a creation goes out. */
void
hl_pace_spend(HlPace *pace, TimestampTz now)
{
	pace->next_at = TimestampTzPlusMilliseconds(now, pace->gap);
}
