/*
 * backoff.c
 *	  Rests and gaps.
 *
 *	  The pace is kept in shared memory for each database, so that its workers
 *	  share it and the next CALL knows of it. Nothing is spaced until AWS
 *	  throttles. Then requests of that kind keep the gap of AWS's documented
 *	  quota; a wider one where AWS throttles even so. After a number of accepted
 *	  requests a narrower gap is tried, unless AWS has throttled at such a gap
 *	  within the last hour. Kinds of which AWS allows no more than one a second
 *	  begin with a round of two requests, and with one more for each that is
 *	  accepted: a burst would be throttled whole.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "queue/backoff.h"
#include "server/clock.h"
#include "server/random.h"

#define LEAST_REST 1000
#define LEAST_POLL 1000

/* A gap is narrowed after so many accepted requests, to this part of it. */
#define PATIENCE 6
#define NARROWER 0.8

/* What a gap is widened by, where the quota's is not wide enough, and to. */
#define WIDER 1.25
#define WIDEST (10 * 60 * 1000)

/* So long nothing of a slow kind is sent before it begins with a round anew. */
#define IDLE 5000

/* Below this gap there is none. */
#define NO_GAP 20

/*
 * So long a gap at which AWS throttled is not tried again, and nothing is known
 * of the pace of a kind of which nothing was sent.
 */
#define MEMORY (60 * 60 * 1000)

/* How many requests of a slow kind go out at first, and until when in rounds. */
#define FIRST_WINDOW 2
#define LAST_ROUND 16

/*
 * Milliseconds between two requests by the quotas that AWS documents for an
 * account ("Endpoints and quotas" of HealthLake); a guess for update and tag,
 * for which it names none, and for FHIR, where it depends on the sizes.
 */
static const struct
{
	const char *kind;
	int gap;
} quotas[HL_BACKOFF_KINDS] = {
	{"create", 60 * 1000}, {"delete", 60 * 1000},
	{"update", 1000},      {"tag", 100},
	{"import", 40},        {"export", 1000},
	{"read", 100},         {"transformation", 1000},
	{"fhir", 20},          {"", 1000},
};

/* The index of a kind; unknown ones share the last. */
static int
kind_number(const char *kind)
{
	for (int i = 0; i < HL_BACKOFF_KINDS; i++)
		if (strcmp(quotas[i].kind, kind) == 0)
			return i;
	return HL_BACKOFF_KINDS - 1;
}

long
hl_backoff_poll(const HlQueued *queued)
{
	long since = TimestampDifferenceMilliseconds(queued->sending_since,
												 GetCurrentTimestamp());

	return Max(Min(since / 4, HL_BACKOFF_LONGEST_POLL), LEAST_POLL);
}

long
hl_backoff_rest(const HlQueued *queued)
{
	int failures = queued->attempts + queued->failed_looks;
	int doublings = Max(Min(failures - 1, 20), 0);
	long rest = Min((long) LEAST_REST << doublings, HL_BACKOFF_LONGEST_REST);

	if (queued->polls)
		return hl_backoff_poll(queued);
	return (long) (rest * (1 + hl_random_fraction()) / 2);
}

/* Whether AWS would throttle a burst of this kind. */
static bool
is_slow(int number)
{
	return quotas[number].gap >= 1000;
}

/*
 * Takes the pace of a kind out of the table, or starts a new one, also in place
 * of one that is too old.
 */
static HlKindBackoff *
pace_of(HlBackoff *pace, int number)
{
	HlKindBackoff *it = &pace->kinds[number];

	if (it->window != 0 && hl_clock_steady_ms() - it->used_at > MEMORY)
		*it = (HlKindBackoff){0};
	/* what was accepted a while ago says nothing of a burst now */
	if (is_slow(number) && it->gap == 0 &&
		hl_clock_steady_ms() - it->used_at > IDLE)
		it->window = FIRST_WINDOW;
	if (it->window == 0)
		it->window = is_slow(number) ? FIRST_WINDOW : PG_INT32_MAX;
	return it;
}

int
hl_backoff_room(HlBackoff *pace, const char *kind, int in_flight)
{
	const HlKindBackoff *it = pace_of(pace, kind_number(kind));

	/* at first in rounds: what is refused of one is known before the next */
	if (it->gap == 0 && it->window < LAST_ROUND && in_flight > 0)
		return 0;
	if (it->gap == 0)
		return Max(it->window - in_flight, 0);
	return hl_clock_steady_ms() >= it->next_at ? 1 : 0;
}

/* When the next one may be claimed; without a gap, when a reply has arrived. */
int64
hl_backoff_next(const HlBackoff *pace, const char *kind)
{
	const HlKindBackoff *it = &pace->kinds[kind_number(kind)];

	return it->gap == 0 ? PG_INT64_MAX : it->next_at;
}

void
hl_backoff_spend(HlBackoff *pace, const char *kind)
{
	HlKindBackoff *it = pace_of(pace, kind_number(kind));

	it->used_at = hl_clock_steady_ms();
	it->next_at = it->used_at + (int64) it->gap;
}

/* The kind by which a request is paced; a poll is a read. */
const char *
hl_backoff_kind(const HlQueued *queued)
{
	if (queued->polls)
		return "read";
	return queued->kind;
}

/* The gap to use after AWS has throttled at this one. */
static double
wider_gap(const HlKindBackoff *pace, int quota)
{
	if (pace->good > pace->gap)
		return pace->good;
	if (pace->gap < quota)
		return quota;
	return Min(pace->gap * WIDER, WIDEST);
}

static void
widen(HlKindBackoff *pace, int quota, int64 now)
{
	double wider = wider_gap(pace, quota);

	pace->throttled = Max(pace->throttled, pace->gap);
	pace->gap = wider;
	pace->accepted = 0;
	pace->next_at = now + (int64) pace->gap;
	pace->widened_at = now;
}

/* Narrows the gap once it has worked for long enough. */
static void
narrow(HlKindBackoff *pace, int64 now)
{
	double next = pace->gap * NARROWER;

	if (now - pace->widened_at > MEMORY)
		pace->throttled = 0;
	if (pace->gap == 0 || ++pace->accepted < PATIENCE ||
		next <= pace->throttled)
		return;
	pace->good = pace->gap;
	pace->accepted = 0;
	pace->gap = next < NO_GAP ? 0 : next;
}

/*
 * A request that was accepted: the next one waits from its sending on, and a
 * little longer, since one may be quicker on its way than the other.
 */
static void
accept(HlKindBackoff *pace, int64 sent_at, int64 now)
{
	double late = Min((double) (now - sent_at), pace->gap / 10);

	if (pace->window < PG_INT32_MAX)
		pace->window++;
	if (pace->gap > 0)
		pace->next_at =
			Max(pace->next_at, sent_at + (int64) (pace->gap + late));
	narrow(pace, now);
}

void
hl_backoff_learn(HlBackoff *pace, const HlQueued *queued)
{
	int number = kind_number(hl_backoff_kind(queued));
	HlKindBackoff *it = pace_of(pace, number);

	if (queued->looks || queued->sent_at == 0)
		return;
	/* what went out before the gap grew says nothing of it */
	if (queued->ending.throttled && queued->sent_at >= it->widened_at)
		widen(it, quotas[number].gap, hl_clock_steady_ms());
	else if (!queued->ending.throttled && queued->ending.request_id != NULL)
		accept(it, queued->sent_at, hl_clock_steady_ms());
}
