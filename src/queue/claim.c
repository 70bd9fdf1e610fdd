/*
 * claim.c
 *	  Lanes, and what is claimed from them.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/event.h"
#include "queue/claim.h"
#include "queue/plane.h"
#include "queue/safely.h"
#include "server/arrays.h"
#include "server/clock.h"
#include "server/pinned.h"
#include "server/random.h"
#include "server/settings.h"

/* Milliseconds that a lease is longer than what is done under it. */
#define LEASE_MARGIN (2 * 60 * 1000)

/* So long a row is left alone that could not be claimed, in milliseconds. */
#define PENANCE (5 * 60 * 1000)

/* So long others are waited for that claim, and so long until the next try. */
#define TURN 100

/* Between two complaints of a runner, in milliseconds: it tries again soon. */
#define COMPLAINTS (60 * 1000)

/*
 * How many times as long as what is asked for the first page of a lane is, how
 * many times as long as that the next, and how long at most.
 */
#define FIRST_PAGE 2
#define NEXT_PAGE 8
#define LONGEST_PAGE 10000

/* So far the clock is set back before anything is made of it. */
#define SET_BACK 100

/* A lane, as one statement has seen it. */
typedef struct Lane
{
	const char *role;
	const char *kind;
	bool polls;
	TimestampTz first; /* when its first row is due */
	TimestampTz next;  /* when another is that is not due yet; HL_NO_TIME */
	bool open;         /* it may give more */
} Lane;

/* All lanes, by role, and what is claimed from them. */
typedef struct Claim
{
	HlRunner *runner;
	const HlStore *store;
	TimestampTz now;
	Lane *lanes;
	int nlanes;
	const Lane *lane; /* that is asked */
	int most;         /* rows that it is asked for */
	int claimed;      /* by all of it */
	bool waits;       /* for others that claim requests that go in turn */
	bool barred;      /* has waited in vain */
} Claim;

/* What is done with rows of a lane: they are claimed, or the first is found. */
typedef struct Errand
{
	HlStatement polls;
	HlStatement sends;
	HlStatement in_turn;
	void (*add)(HlParameters *); /* NULL: no further parameters */
	void (*take)(Claim *, uint64);
} Errand;

/*
 * A part of the rows of a lane: those that no other one of it precedes. Where
 * thousands of requests write one resource, whose turn it is is asked for one of
 * them.
 */
typedef struct Turns
{
	int size;
	bool last;
	TimestampTz after; /* the page before ends with this row */
	int64 after_id;
	Datum *homes;
	Datum *ids;
	int count;
} Turns;

int
hl_claim_room(const HlRunner *runner)
{
	int most = Min(hl_settings.max_concurrency, HL_RUNNER_MOST);
	int free = Max(most - runner->count, 0);

	return (int) Min((int64) free, runner->allowance);
}

/* ------------------------------------------------------------------ lanes */

static void
read_lanes(Claim *claim)
{
	HlParameters parameters = {0};
	bool isnull;
	HlStoreStep step;

	hl_store_enter(&step, claim->store);
	hl_store_add_text(&parameters, hl_settings.fence);
	hl_store_add(&parameters, TimestampTzGetDatum(claim->now));
	claim->nlanes =
		(int) hl_store_run(claim->store, HL_STATEMENT_LANES, &parameters);
	MemoryContextSwitchTo(claim->runner->round);
	claim->lanes = palloc(sizeof(Lane) * Max(claim->nlanes, 1));
	for (int i = 0; i < claim->nlanes; i++)
	{
		Lane *lane = &claim->lanes[i];

		lane->role = pstrdup(hl_store_text(i, "role"));
		lane->kind = pstrdup(hl_store_text(i, "kind"));
		lane->polls =
			DatumGetBool(hl_store_value(i, "polls", BOOLOID, &isnull));
		lane->first = hl_store_time(i, "first");
		lane->next = hl_store_time(i, "next");
		lane->open = lane->first <= claim->now;
	}
	SPI_freetuptable(SPI_tuptable);
	hl_store_leave(&step);
}

/* The kind by which a lane is paced. */
static const char *
pace_kind(const Lane *lane)
{
	return lane->polls ? "read" : lane->kind;
}

/*
 * The number of claimed rows with the pace of a lane; searches are not paced.
 */
static int
count_in_flight(const HlRunner *runner, const Lane *lane)
{
	int count = 0;

	for (int i = 0; i < runner->count; i++)
		count += !runner->rows[i]->looks &&
				 strcmp(hl_backoff_kind(runner->rows[i]), pace_kind(lane)) == 0;
	return count;
}

/* How many rows the pace allows to claim from a lane. */
static int
pace_room(const Claim *claim, const Lane *lane)
{
	return hl_backoff_room(&claim->runner->pace, pace_kind(lane),
						   count_in_flight(claim->runner, lane));
}

/* Whether one runner at a time claims from a lane. */
static bool
goes_in_turn(const Lane *lane)
{
	return !lane->polls && hl_plane_of(lane->kind)->is_in_turn;
}

/* Whether others keep this runner from claiming from a lane. */
static bool
is_barred(const Claim *claim, const Lane *lane)
{
	return claim->barred && goes_in_turn(lane);
}

/* Whether rows can be claimed from a lane now. */
static bool
is_giving(const Claim *claim, const Lane *lane)
{
	return lane->open && !is_barred(claim, lane) && pace_room(claim, lane) > 0;
}

/* ------------------------------------------------------------------ claim */

/*
 * How long a claim is to hold: for getting keys, and for the request.
 */
static Datum
lease_length(void)
{
	Interval *length = palloc0(sizeof(Interval));
	int64 requests = 1 + hl_settings.max_attempts;

	length->time =
		(requests * hl_settings.request_timeout + LEASE_MARGIN) * 1000;
	return IntervalPGetDatum(length);
}

/* A number that no claim has had before. */
static Datum
make_claim(void)
{
	int64 number;

	hl_random_need(&number, sizeof(number));
	return Int64GetDatum(number);
}

/*
 * Adds the parameters that select the rows of the lane, without those that are
 * left alone and those in hand, which a table made anew may have again.
 */
static void
add_lane(HlParameters *parameters, const Claim *claim, int most)
{
	const HlRunner *runner = claim->runner;
	Datum skipped[2 * HL_RUNNER_MOST];
	int count = 0;

	for (int i = 0; i < runner->nshunned; i++)
		skipped[count++] = Int64GetDatum(runner->shunned[i].id);
	for (int i = 0; i < runner->count; i++)
		skipped[count++] = Int64GetDatum(runner->rows[i]->id);
	hl_store_add_text(parameters, hl_settings.fence);
	hl_store_add(parameters, Int32GetDatum(most));
	hl_store_add(parameters, Int64GetDatum(runner->holder));
	hl_store_add_text(parameters, claim->lane->role);
	hl_store_add_text(parameters, claim->lane->kind);
	hl_store_add(parameters, TimestampTzGetDatum(claim->now));
	hl_store_add(parameters, PointerGetDatum(hl_arrays_int8(skipped, count)));
}

/*
 * Records in the history what is about to be sent, unless it was recorded for an
 * attempt before that was not. A request without a token is recorded when it is
 * marked.
 */
static void
tell_sent(const HlStore *store, HlQueued *const *rows, int count, bool careful)
{
	HlRequestEvent events[HL_RUNNER_MOST];
	int told = 0;

	for (int i = 0; i < count; i++)
		if (!rows[i]->polls && !rows[i]->looks && !rows[i]->announced &&
			rows[i]->careful == careful)
			events[told++] = (HlRequestEvent){.id = rows[i]->id,
											  .event = "sent",
											  .home = rows[i]->home,
											  .microseconds = -1};
	hl_event_add_requests(store, NULL, events, told);
}

/*
 * Asks the lane for rows. Whose turn it is is asked for each of them, which must
 * not read the whole table for each because it was small once.
 */
static uint64
run_by_index(const Claim *claim, HlStatement statement,
			 const HlParameters *parameters)
{
	int nest_level = hl_pinned_set("enable_seqscan", "off");
	uint64 rows = hl_store_run(claim->store, statement, parameters);

	hl_pinned_release(nest_level);
	return rows;
}

/*
 * Keeps others from claiming requests that go in turn until this transaction is
 * over. Whose turn it is is seen by what others have claimed and committed: an
 * earlier one that is committed only now would go beside a later one. Whoever
 * claims may be stopped, or wait for a standby: it is not waited for long, and
 * what does not go in turn is sent.
 */
static void
claim_alone(Claim *claim)
{
	int nest_level;

	if (!goes_in_turn(claim->lane))
		return;
	nest_level = hl_pinned_set("lock_timeout", psprintf("%d", TURN));
	claim->waits = true;
	LockDatabaseObject(RelationRelationId, claim->store->table, 1,
					   ExclusiveLock);
	claim->waits = false;
	hl_pinned_release(nest_level);
}

/* ---------------------------------------------------------------- in turn */

/* Reads the next page. */
static void
turn_page(const Claim *claim, Turns *page)
{
	HlParameters parameters = {0};
	uint64 rows;
	bool isnull;

	add_lane(&parameters, claim, page->size);
	hl_store_add(&parameters, TimestampTzGetDatum(page->after));
	hl_store_add(&parameters, Int64GetDatum(page->after_id));
	rows = run_by_index(claim, HL_STATEMENT_PAGE, &parameters);
	page->last = rows < (uint64) page->size;
	page->size = Min(page->size * NEXT_PAGE, LONGEST_PAGE);
	page->homes = palloc(sizeof(Datum) * Max(rows, 1));
	page->ids = palloc(sizeof(Datum) * Max(rows, 1));
	page->count = 0;
	for (uint64 i = 0; i < rows; i++)
	{
		page->after_id =
			DatumGetInt64(hl_store_value(i, "id", INT8OID, &isnull));
		page->after = DatumGetTimestampTz(
			hl_store_value(i, "run_after", TIMESTAMPTZOID, &isnull));
		if (!DatumGetBool(hl_store_value(i, "leads", BOOLOID, &isnull)))
			continue;
		page->homes[page->count] =
			CStringGetTextDatum(hl_store_text(i, "home"));
		page->ids[page->count++] = Int64GetDatum(page->after_id);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Does an errand for so many of some rows of a page. */
static int
run_listed(Claim *claim, const Errand *errand, int most, const Turns *page)
{
	HlParameters parameters = {0};
	uint64 rows;

	add_lane(&parameters, claim, most);
	if (errand->add != NULL)
		errand->add(&parameters);
	hl_store_add(&parameters,
				 PointerGetDatum(hl_arrays_text(page->homes, page->count)));
	hl_store_add(&parameters,
				 PointerGetDatum(hl_arrays_int8(page->ids, page->count)));
	rows = run_by_index(claim, errand->in_turn, &parameters);
	errand->take(claim, rows);
	return (int) rows;
}

/*
 * Does an errand for rows whose turn it is, as many as there are of those asked
 * for. No more rows than these are asked whose turn it is, unless it is not
 * theirs, or somebody has locked them.
 */
static void
run_in_turn(Claim *claim, const Errand *errand)
{
	Turns page = {.size = claim->most * FIRST_PAGE,
				  .after = DT_NOBEGIN,
				  .after_id = PG_INT64_MIN};
	int left = claim->most;

	while (left > 0 && !page.last)
	{
		int length = left;
		Turns part;

		turn_page(claim, &page);
		for (int i = 0; left > 0 && i < page.count; i += part.count)
		{
			part = (Turns){.homes = page.homes + i, .ids = page.ids + i};
			part.count = Min(length, page.count - i);
			left -= run_listed(claim, errand, left, &part);
			length = Min(length * NEXT_PAGE, LONGEST_PAGE);
		}
	}
}

/* Does an errand for rows of the lane. */
static void
run_errand(Claim *claim, const Errand *errand)
{
	HlParameters parameters = {0};

	if (goes_in_turn(claim->lane))
	{
		run_in_turn(claim, errand);
		return;
	}
	add_lane(&parameters, claim, claim->most);
	if (errand->add != NULL)
		errand->add(&parameters);
	errand->take(
		claim,
		run_by_index(claim, claim->lane->polls ? errand->polls : errand->sends,
					 &parameters));
}

/* ------------------------------------------------------------ claimed rows */

/* Adds what is written into claimed rows. */
static void
add_claim(HlParameters *parameters)
{
	hl_store_add(parameters, Int32GetDatum((int) GetWALInsertionTimeLine()));
	hl_store_add(parameters, TimestampTzGetDatum(PgStartTime));
	hl_store_add(parameters, lease_length());
	hl_store_add(parameters, make_claim());
}

/* Takes rows that were claimed into the runner. */
static void
take_claimed(Claim *claim, uint64 rows)
{
	HlRunner *runner = claim->runner;

	/* a child of the table may have a row again */
	if (rows > (uint64) (HL_RUNNER_MOST - runner->count))
		elog(ERROR, "more requests were claimed than asked for");
	for (uint64 i = 0; i < rows; i++)
	{
		HlQueued *queued = hl_queued_read(i, runner->memory);

		runner->rows[runner->count++] = queued;
		claim->claimed++;
		if (!queued->looks)
			runner->allowance--;
	}
	SPI_freetuptable(SPI_tuptable);
	tell_sent(claim->store, runner->rows + runner->count - rows, (int) rows,
			  false);
}

/* Claims rows of the lane. Runs in hl_safely(). */
static void
claim_rows(void *argument)
{
	static const Errand errand = {HL_STATEMENT_CLAIM_POLLS, HL_STATEMENT_CLAIM,
								  HL_STATEMENT_CLAIM_IN_TURN, add_claim,
								  take_claimed};
	Claim *claim = argument;

	claim_alone(claim);
	run_errand(claim, &errand);
}

/* Claims rows, or none if that fails; then returns the error. */
static ErrorData *
try_claim(Claim *claim)
{
	HlRunner *runner = claim->runner;
	int64 allowance = runner->allowance;
	int claimed = claim->claimed;
	int count = runner->count;
	ErrorData *error;

	claim->waits = false;
	error = hl_safely(claim->store, claim_rows, claim);
	if (error == NULL)
		return NULL;
	/* nor is it any row's fault if others are waited for in a circle */
	claim->barred |= claim->waits;
	while (runner->count > count)
		MemoryContextDelete(runner->rows[--runner->count]->memory);
	claim->claimed = claimed;
	runner->allowance = allowance;
	return error;
}

/* Leaves a row alone. */
static void
shun(Claim *claim, uint64 rows)
{
	HlRunner *runner = claim->runner;
	bool isnull;

	if (rows == 0)
		return;
	runner->shunned[runner->nshunned].id =
		DatumGetInt64(hl_store_value(0, "id", INT8OID, &isnull));
	runner->shunned[runner->nshunned++].until = hl_clock_steady_ms() + PENANCE;
	SPI_freetuptable(SPI_tuptable);
}

/* Finds the first row of the lane. Runs in hl_safely(). */
static void
find_first(void *argument)
{
	static const Errand errand = {HL_STATEMENT_PEEK_POLLS, HL_STATEMENT_PEEK,
								  HL_STATEMENT_PEEK_IN_TURN, NULL, shun};

	run_errand(argument, &errand);
}

/*
 * Claims rows one by one where they cannot be claimed together, and leaves
 * alone for a while what cannot be claimed at all, so that the rows behind it
 * have their turn.
 */
static void
claim_singly(Claim *claim, int most)
{
	HlRunner *runner = claim->runner;

	claim->most = 1;
	for (int i = 0; i < most && runner->nshunned < HL_RUNNER_MOST; i++)
	{
		int before = runner->nshunned;
		ErrorData *error = try_claim(claim);

		if (error == NULL)
			continue;
		if (is_barred(claim, claim->lane) ||
			hl_safely(claim->store, find_first, claim) != NULL ||
			runner->nshunned == before)
			return;
		ereport(
			LOG_SERVER_ONLY,
			(errmsg("healthlake request " INT64_FORMAT " cannot be claimed: %s",
					runner->shunned[before].id, error->message)));
	}
}

/*
 * Says why rows of the lane could not be claimed, where no row was to blame that
 * is left alone. It may happen ten times a second.
 */
static void
complain(const Claim *claim, const ErrorData *error)
{
	int64 now = hl_clock_steady_ms();

	if (now < claim->runner->complain_at)
		return;
	claim->runner->complain_at = now + COMPLAINTS;
	ereport(LOG_SERVER_ONLY,
			(is_barred(claim, claim->lane)
				 ? errmsg("healthlake requests cannot be claimed while another "
						  "worker or session claims them: %s",
						  error->message)
				 : errmsg("healthlake requests cannot be claimed: %s",
						  error->message)));
}

static void
ask_lane(Claim *claim, Lane *lane, int most)
{
	int before = claim->claimed;
	int shunned = claim->runner->nshunned;
	ErrorData *error;

	claim->lane = lane;
	claim->most = Min(most, pace_room(claim, lane));
	most = claim->most;
	error = try_claim(claim);
	if (error != NULL && !is_barred(claim, lane))
		claim_singly(claim, most);
	if (error != NULL && claim->runner->nshunned == shunned)
		complain(claim, error);
	if (!is_barred(claim, lane))
		lane->open = claim->claimed - before == most;
	if (claim->claimed > before)
		hl_backoff_spend(&claim->runner->pace, pace_kind(lane));
}

/*
 * Orders lanes by role, beginning with the role whose turn it is; within a
 * role, the oldest first.
 */
static int
compare_lanes(const void *a, const void *b, void *argument)
{
	const Lane *one = a;
	const Lane *other = b;
	const char *last = argument;
	bool one_waits = strcmp(one->role, last) <= 0;
	bool other_waits = strcmp(other->role, last) <= 0;
	int order = strcmp(one->role, other->role);

	if (one_waits != other_waits)
		return one_waits ? 1 : -1;
	if (order != 0)
		return order;
	return one->first < other->first ? -1 : one->first > other->first;
}

/*
 * The number of lanes, from this one on, that belong to its role and are open.
 */
static int
count_of_role(const Claim *claim, int first)
{
	int count = 0;

	for (int i = first;
		 i < claim->nlanes &&
		 strcmp(claim->lanes[i].role, claim->lanes[first].role) == 0;
		 i++)
		count += is_giving(claim, &claim->lanes[i]);
	return count;
}

/* The number of roles with an open lane. */
static int
count_roles(const Claim *claim)
{
	const char *last = NULL;
	int count = 0;

	for (int i = 0; i < claim->nlanes; i++)
	{
		const Lane *lane = &claim->lanes[i];

		if (!is_giving(claim, lane) ||
			(last != NULL && strcmp(last, lane->role) == 0))
			continue;
		last = lane->role;
		count++;
	}
	return count;
}

/* Gives each role an equal share of the room, which its lanes share equally. */
static void
give_turns(Claim *claim)
{
	HlRunner *runner = claim->runner;
	int share = Max(hl_claim_room(runner) / Max(count_roles(claim), 1), 1);
	const char *role = NULL;
	int left = 0;
	int lanes = 0;

	for (int i = 0; i < claim->nlanes && hl_claim_room(runner) > 0; i++)
	{
		Lane *lane = &claim->lanes[i];
		int before = claim->claimed;

		if (!is_giving(claim, lane))
			continue;
		if (role == NULL || strcmp(role, lane->role) != 0)
		{
			role = lane->role;
			left = share;
			lanes = count_of_role(claim, i);
		}
		if (left == 0)
			continue;
		ask_lane(claim, lane,
				 Min(Max(left / Max(lanes--, 1), 1), hl_claim_room(runner)));
		left -= Min(claim->claimed - before, left);
		strlcpy(runner->last_role, role, sizeof(runner->last_role));
	}
}

/* ------------------------------------------------------------- what is next */

/* Converts a timestamp to the steady clock. */
static int64
steady(TimestampTz now, TimestampTz then)
{
	return hl_clock_steady_ms() + TimestampDifferenceMilliseconds(now, then);
}

/* When the next row of a lane can be claimed. */
static int64
next_of_lane(Claim *claim, const Lane *lane)
{
	TimestampTz due = lane->first > claim->now ? lane->first : lane->next;

	if (lane->open && is_barred(claim, lane))
		return hl_clock_steady_ms() + TURN;
	if (lane->open && pace_room(claim, lane) > 0)
		return 0;
	if (lane->open)
		return hl_backoff_next(&claim->runner->pace, pace_kind(lane));
	return due == HL_NO_TIME ? PG_INT64_MAX : steady(claim->now, due);
}

/* Sets the time of the next look. */
static void
look_ahead(Claim *claim)
{
	HlRunner *runner = claim->runner;
	int64 next = hl_clock_steady_ms() + HL_RUNNER_LOOK_AGAIN;

	runner->some_left = claim->nlanes > 0;
	runner->some_paced = false;
	for (int i = 0; i < claim->nlanes; i++)
	{
		const Lane *lane = &claim->lanes[i];

		next = Min(next, next_of_lane(claim, lane));
		runner->some_paced |= lane->open && !is_giving(claim, lane);
	}
	runner->claim_at = next;
}

/*
 * Lets rows that could not be claimed be claimed again once their time is over.
 */
static void
forgive(HlRunner *runner)
{
	int kept = 0;

	for (int i = 0; i < runner->nshunned; i++)
		if (runner->shunned[i].until > hl_clock_steady_ms())
			runner->shunned[kept++] = runner->shunned[i];
	runner->nshunned = kept;
}

int
hl_claim(HlRunner *runner, const HlStore *store)
{
	Claim claim = {
		.runner = runner, .store = store, .now = GetCurrentTimestamp()};
	int before;

	forgive(runner);
	read_lanes(&claim);
	qsort_arg(claim.lanes, claim.nlanes, sizeof(Lane), compare_lanes,
			  pstrdup(runner->last_role));
	do
	{
		before = claim.claimed;
		give_turns(&claim);
	} while (claim.claimed > before && hl_claim_room(runner) > 0);
	look_ahead(&claim);
	return claim.claimed;
}

/* ------------------------------------------------------------------- clock */

/* A step of the system clock back. */
typedef struct SetBack
{
	TimestampTz now;
	int64 by; /* milliseconds; 0: not known */
} SetBack;

/*
 * Whether the system clock was set back since the last call; true for the
 * first.
 */
static bool
was_set_back(HlRunner *runner, SetBack *step)
{
	int64 before;
	int64 offset;

	/* both clocks at one moment, as far as the system allows */
	for (int i = 0; i < 5; i++)
	{
		before = hl_clock_steady_ms();
		step->now = GetCurrentTimestamp();
		offset = step->now / 1000 - before;
		if (hl_clock_steady_ms() - before < SET_BACK / 4)
			break;
	}
	step->by = runner->clock_known ? runner->clock_offset - offset : 0;
	if (runner->clock_known && step->by <= SET_BACK)
	{
		runner->clock_offset = offset;
		return false;
	}
	runner->clock_known = true;
	runner->clock_offset = offset;
	return true;
}

/*
 * Corrects a time that is later than now. If it is not known by how much the
 * clock was wrong, it becomes so old that nothing relies on it.
 */
static void
correct(TimestampTz *time, const SetBack *step)
{
	if (*time <= step->now)
		return;
	*time -= step->by * 1000;
	if (step->by == 0 || *time > step->now)
		*time = step->now - USECS_PER_DAY;
}

/* Corrects the times of the rows in hand, and of those in the table. */
static void
correct_times(HlRunner *runner, const HlStore *store, const SetBack *step)
{
	HlParameters parameters = {0};
	Interval by = {.time = step->by * 1000};

	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];

		correct(&queued->first_sent_at, step);
		correct(&queued->unsettled_since, step);
		correct(&queued->sending_since, step);
		correct(&queued->ending.first_sent_at, step);
		correct(&queued->ending.unsettled_since, step);
	}
	if (step->by == 0)
		hl_store_add_null(&parameters);
	else
		hl_store_add(&parameters, IntervalPGetDatum(&by));
	(void) hl_store_run(store, HL_STATEMENT_CORRECT_TIMES, &parameters);
}

void
hl_claim_shorten_rests(HlRunner *runner, const HlStore *store)
{
	SetBack back;
	TimestampTz now;
	HlParameters rests = {0};
	HlParameters polls = {0};
	HlStoreStep step;

	if (!was_set_back(runner, &back))
		return;
	now = back.now;
	hl_store_add(&rests, TimestampTzGetDatum(now));
	hl_store_add(&rests, TimestampTzGetDatum(TimestampTzPlusMilliseconds(
							 now, HL_BACKOFF_LONGEST_REST + SET_BACK)));
	hl_store_add(&polls, TimestampTzGetDatum(now));
	hl_store_add(&polls, TimestampTzGetDatum(TimestampTzPlusMilliseconds(
							 now, HL_BACKOFF_LONGEST_POLL + SET_BACK)));
	hl_store_enter(&step, store);
	(void) hl_store_run(store, HL_STATEMENT_SHORTEN_RESTS, &rests);
	(void) hl_store_run(store, HL_STATEMENT_SHORTEN_POLLS, &polls);
	correct_times(runner, store, &back);
	hl_store_leave(&step);
}

/* ------------------------------------------------------------------- renew */

/* A row whose lease is to be renewed. */
typedef struct Renewal
{
	const HlRunner *runner;
	const HlStore *store;
	HlQueued *queued;
} Renewal;

/* Runs in hl_safely(). */
static void
renew(void *argument)
{
	Renewal *renewal = argument;
	HlParameters row = {0};

	hl_store_add_text(&row, renewal->queued->home);
	hl_store_add(&row, Int64GetDatum(renewal->queued->id));
	hl_store_add(&row, Int64GetDatum(renewal->runner->holder));
	hl_store_add(&row, Int64GetDatum(renewal->queued->claim));
	hl_store_add(&row, lease_length());
	if (hl_store_run(renewal->store, HL_STATEMENT_RENEW, &row) != 1)
		return;
	renewal->queued->lease_until = hl_store_time(0, "lease_until");
	SPI_freetuptable(SPI_tuptable);
}

void
hl_claim_renew(const HlRunner *runner, const HlStore *store, HlQueued *queued)
{
	Renewal renewal = {.runner = runner, .store = store, .queued = queued};
	int64 left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
												 queued->lease_until);

	if (left <
		(int64) (1 + hl_settings.max_attempts) * hl_settings.request_timeout)
		(void) hl_safely(store, renew, &renewal);
}

/* -------------------------------------------------------------------- mark */

/* Rows that are marked together. */
typedef struct Marking
{
	HlRunner *runner;
	const HlStore *store;
	HlQueued *queued; /* NULL: all */
} Marking;

bool
hl_claim_needs_mark(const HlQueued *queued)
{
	return queued->careful && queued->call != NULL &&
		   hl_engine_is_held(queued->call);
}

/* Marks one row as sent; false if another runner has claimed it since. */
static bool
mark(HlRunner *runner, const HlStore *store, HlQueued *queued)
{
	HlParameters row = {0};

	hl_store_add_text(&row, queued->home);
	hl_store_add(&row, Int64GetDatum(queued->id));
	hl_store_add(&row, Int64GetDatum(runner->holder));
	hl_store_add(&row, Int64GetDatum(queued->claim));
	if (hl_store_run(store, HL_STATEMENT_MARK, &row) == 1)
	{
		queued->sending_since = hl_store_time(0, "first_sent_at");
		SPI_freetuptable(SPI_tuptable);
		return true;
	}
	queued->call = NULL;
	hl_ending_put_off(queued, 0, NULL);
	return false;
}

/*
 * Marks rows, and tells the history of those that were not sent yet. Runs in
 * hl_safely().
 */
static void
mark_rows(void *argument)
{
	const Marking *marking = argument;
	HlRunner *runner = marking->runner;
	HlQueued *marked[HL_RUNNER_MOST];
	int count = 0;

	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];

		if ((marking->queued == NULL || marking->queued == queued) &&
			hl_claim_needs_mark(queued) && mark(runner, marking->store, queued))
			marked[count++] = queued;
	}
	tell_sent(marking->store, marked, count, true);
}

void
hl_claim_set_aside(HlQueued *queued, const char *why)
{
	MemoryContext caller = MemoryContextSwitchTo(queued->memory);

	ereport(LOG_SERVER_ONLY, (errmsg("healthlake request " INT64_FORMAT
									 " cannot be marked as sent: %s",
									 queued->id, why)));
	queued->call = NULL;
	hl_ending_put_off(queued, 0,
					  psprintf("it cannot be marked as sent: %s", why));
	MemoryContextSwitchTo(caller);
}

void
hl_claim_mark(HlRunner *runner, const HlStore *store)
{
	Marking marking = {.runner = runner, .store = store};

	if (hl_safely(store, mark_rows, &marking) == NULL)
		return;
	for (int i = 0; i < runner->count; i++)
	{
		ErrorData *error;

		marking.queued = runner->rows[i];
		if (!hl_claim_needs_mark(marking.queued))
			continue;
		error = hl_safely(store, mark_rows, &marking);
		if (error != NULL)
			hl_claim_set_aside(marking.queued, error->message);
	}
}
