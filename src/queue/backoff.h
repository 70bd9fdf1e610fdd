/*
 * backoff.h
 *	  The rate of the queue: how long a request waits for its next attempt, how
 *	  often a target state is polled, and how far apart requests of a kind are
 *	  sent once AWS has throttled them. Intervals are milliseconds; points in
 *	  time are those of hl_clock_steady_ms().
 */
#ifndef HL_QUEUE_BACKOFF_H
#define HL_QUEUE_BACKOFF_H

#include "queue/queued.h"

/* The first poll is early, since small data stores and jobs are ready soon. */
#define HL_BACKOFF_FIRST_POLL 1000

/* The longest time between two attempts, and between two polls. */
#define HL_BACKOFF_LONGEST_REST (5 * 60 * 1000)
#define HL_BACKOFF_LONGEST_POLL (30 * 1000)

/*
 * How long until the next attempt or search: 1 s, doubled to 5 min, less a
 * random part. A poll has its own time.
 */
extern long hl_backoff_rest(const HlQueued *queued);

/* How long until the next poll: a quarter of the time so far, 1 to 30 s. */
extern long hl_backoff_poll(const HlQueued *queued);

/* The pace of one kind. */
typedef struct HlKindBackoff
{
	double gap;       /* between two requests; 0: none */
	double good;      /* the last gap at which several were accepted */
	double throttled; /* the widest gap at which AWS throttled; 0: none */
	int accepted;     /* in a row, at this gap */
	int window;       /* of requests in flight; 0: not begun */
	int64 next_at;
	int64 used_at;    /* when the last one was claimed */
	int64 widened_at; /* when AWS last throttled */
} HlKindBackoff;

#define HL_BACKOFF_KINDS 10

/* The pace of a queue; a zeroed one has no limit. */
typedef struct HlBackoff
{
	HlKindBackoff kinds[HL_BACKOFF_KINDS];
} HlBackoff;

/*
 * How many requests of a kind may be claimed now, with so many of them in
 * flight. A poll has the kind "read".
 */
extern int hl_backoff_room(HlBackoff *pace, const char *kind, int in_flight);

/* When the next one may be claimed after hl_backoff_room() returned 0. */
extern int64 hl_backoff_next(const HlBackoff *pace, const char *kind);

/* Notes that requests of a kind have been claimed. */
extern void hl_backoff_spend(HlBackoff *pace, const char *kind);

/* Learns from an ending. */
extern void hl_backoff_learn(HlBackoff *pace, const HlQueued *queued);

/* The kind by which a claimed request is paced. */
extern const char *hl_backoff_kind(const HlQueued *queued);

#endif
