/*
 * pace.h
 *	  How fast the queue goes: how long a request rests in its row, how often
 *	  what was made is asked after, and how creations are spaced once AWS has
 *	  said that they come too fast. Times in milliseconds.
 */
#ifndef HL_QUEUE_PACE_H
#define HL_QUEUE_PACE_H

#include "queue/queued.h"

/* The first poll comes early: small things are there soon. */
#define HL_PACE_FIRST_POLL 1000

/* How long until the next attempt: 1 s, doubled to 5 min, less a random part. */
extern long hl_pace_rest(const HlQueued *queued);

/* How long until the next poll: a quarter of the time so far, 1 to 30 s. */
extern long hl_pace_poll(const HlQueued *queued);

/* The pace of creations, of one runner; zeroed is no limit. */
typedef struct HlPace
{
	long gap; /* between two creations; 0: none */
	TimestampTz next_at;
	instr_time widened; /* when the gap last grew */
} HlPace;

/* Learns from an ending: throttled doubles the gap, a success narrows it. */
extern void hl_pace_learn(HlPace *pace, const HlQueued *queued);

/* Which kinds may be claimed now, as HL_STATEMENT_CLAIM takes it. */
extern const char *hl_pace_kinds(const HlPace *pace, TimestampTz now);

/* Notes that a creation has been claimed. */
extern void hl_pace_spend(HlPace *pace, TimestampTz now);

#endif
