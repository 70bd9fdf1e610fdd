/*
 * claim.c
 *	  Lanes, and what is claimed from them.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/event.h"
#include "queue/claim.h"
#include "queue/fhir_queued.h"
#include "queue/safely.h"
#include "server/clock.h"
#include "server/settings.h"

/* Milliseconds that a lease is longer than what is done under it. */
#define LEASE_MARGIN (2 * 60 * 1000)

/* So long a row is left alone that could not be claimed, in milliseconds. */
#define PENANCE (5 * 60 * 1000)

/* So far the clock is set back before anything is made of it. */
#define SET_BACK 2000

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
} Claim;

int
hl_claim_room(const HlRunner *runner)
{
	int most = Min(hl_settings.max_concurrency, HL_RUNNER_MOST);
	int free = Max(most - runner->count, 0);

	return (int) Min((int64) free, runner->allowance);
}

/* ------------------------------------------------------------------ lanes */

/* A timestamp column of a row; HL_NO_TIME for null. */
static TimestampTz
time_of(uint64 row, const char *column)
{
	bool isnull;
	Datum value = hl_store_value(row, column, &isnull);

	return isnull ? HL_NO_TIME : DatumGetTimestampTz(value);
}

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
		lane->polls = DatumGetBool(hl_store_value(i, "polls", &isnull));
		lane->first = time_of(i, "first");
		lane->next = time_of(i, "next");
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

/* Whether rows can be claimed from a lane now. */
static bool
is_giving(const Claim *claim, const Lane *lane)
{
	return lane->open && pace_room(claim, lane) > 0;
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

/* Adds the parameters that select the rows of the lane. */
static void
add_lane(HlParameters *parameters, const Claim *claim)
{
	const HlRunner *runner = claim->runner;
	Datum shunned[HL_RUNNER_MOST];

	for (int i = 0; i < runner->nshunned; i++)
		shunned[i] = Int64GetDatum(runner->shunned[i].id);
	hl_store_add_text(parameters, hl_settings.fence);
	hl_store_add(parameters, Int32GetDatum(claim->most));
	hl_store_add(parameters, Int64GetDatum(runner->holder));
	hl_store_add_text(parameters, claim->lane->role);
	hl_store_add_text(parameters, claim->lane->kind);
	hl_store_add(parameters, TimestampTzGetDatum(claim->now));
	hl_store_add(parameters,
				 PointerGetDatum(construct_array(
					 shunned, runner->nshunned, INT8OID, sizeof(int64),
					 FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
}

/*
 * Records in the history what is about to be sent. A request without a token is
 * recorded when it is marked.
 */
static void
tell_sent(const HlStore *store, HlQueued *const *rows, int count, bool careful)
{
	HlRequestEvent events[HL_RUNNER_MOST];
	int told = 0;

	for (int i = 0; i < count; i++)
		if (!rows[i]->polls && !rows[i]->looks && rows[i]->careful == careful)
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
	int nest_level = NewGUCNestLevel();
	uint64 rows;

	(void) set_config_option("enable_seqscan", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	rows = hl_store_run(claim->store, statement, parameters);
	AtEOXact_GUC(true, nest_level);
	return rows;
}

/*
 * Keeps others from claiming FHIR requests until this transaction is over. Who
 * is in turn is seen by what others have claimed and committed: an earlier one
 * that is committed only now would go beside a later one.
 */
static void
claim_alone(const Claim *claim)
{
	if (!claim->lane->polls && strcmp(claim->lane->kind, HL_FHIR_KIND) == 0)
		LockDatabaseObject(RelationRelationId, claim->store->table, 1,
						   ExclusiveLock);
}

/* Claims rows of the lane. Runs in hl_safely(). */
static void
claim_rows(void *argument)
{
	Claim *claim = argument;
	HlRunner *runner = claim->runner;
	HlParameters parameters = {0};
	uint64 rows;

	add_lane(&parameters, claim);
	hl_store_add(&parameters, Int32GetDatum((int) GetWALInsertionTimeLine()));
	hl_store_add(&parameters, TimestampTzGetDatum(PgStartTime));
	hl_store_add(&parameters, lease_length());
	claim_alone(claim);
	rows = run_by_index(claim,
						claim->lane->polls ? HL_STATEMENT_CLAIM_POLLS
										   : HL_STATEMENT_CLAIM,
						&parameters);
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

/* Claims rows, or none if that fails; then returns the error. */
static ErrorData *
try_claim(Claim *claim)
{
	HlRunner *runner = claim->runner;
	int64 allowance = runner->allowance;
	int claimed = claim->claimed;
	int count = runner->count;
	ErrorData *error = hl_safely(claim->store, claim_rows, claim);

	if (error == NULL)
		return NULL;
	while (runner->count > count)
		MemoryContextDelete(runner->rows[--runner->count]->memory);
	claim->claimed = claimed;
	runner->allowance = allowance;
	return error;
}

/* Finds the first row of the lane. */
static void
find_first(void *argument)
{
	Claim *claim = argument;
	HlRunner *runner = claim->runner;
	HlParameters parameters = {0};
	bool isnull;

	add_lane(&parameters, claim);
	if (run_by_index(claim,
					 claim->lane->polls ? HL_STATEMENT_PEEK_POLLS
										: HL_STATEMENT_PEEK,
					 &parameters) == 0)
		return;
	runner->shunned[runner->nshunned].id =
		DatumGetInt64(hl_store_value(0, "id", &isnull));
	runner->shunned[runner->nshunned++].until = hl_clock_steady_ms() + PENANCE;
	SPI_freetuptable(SPI_tuptable);
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
		if (hl_safely(claim->store, find_first, claim) != NULL ||
			runner->nshunned == before)
			return;
		ereport(LOG, (errmsg("healthlake request " INT64_FORMAT
							 " cannot be claimed: %s",
							 runner->shunned[before].id, error->message)));
	}
}

static void
ask_lane(Claim *claim, Lane *lane, int most)
{
	int before = claim->claimed;

	claim->lane = lane;
	claim->most = Min(most, pace_room(claim, lane));
	most = claim->most;
	if (try_claim(claim) != NULL)
		claim_singly(claim, most);
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
		runner->some_paced |= lane->open && pace_room(claim, lane) == 0;
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

/*
 * Whether the system clock was set back since the last call; true for the
 * first.
 */
static bool
was_set_back(HlRunner *runner)
{
	int64 offset = GetCurrentTimestamp() / 1000 - hl_clock_steady_ms();
	bool back =
		!runner->clock_known || offset < runner->clock_offset - SET_BACK;

	runner->clock_known = true;
	runner->clock_offset = offset;
	return back;
}

void
hl_claim_shorten_rests(HlRunner *runner, const HlStore *store)
{
	TimestampTz now = GetCurrentTimestamp();
	HlParameters rests = {0};
	HlParameters polls = {0};
	HlStoreStep step;

	if (!was_set_back(runner))
		return;
	hl_store_add(&rests, TimestampTzGetDatum(now));
	hl_store_add(&rests, TimestampTzGetDatum(TimestampTzPlusMilliseconds(
							 now, HL_BACKOFF_LONGEST_REST + SET_BACK)));
	hl_store_add(&polls, TimestampTzGetDatum(now));
	hl_store_add(&polls, TimestampTzGetDatum(TimestampTzPlusMilliseconds(
							 now, HL_BACKOFF_LONGEST_POLL + SET_BACK)));
	hl_store_enter(&step, store);
	(void) hl_store_run(store, HL_STATEMENT_SHORTEN_RESTS, &rests);
	(void) hl_store_run(store, HL_STATEMENT_SHORTEN_POLLS, &polls);
	hl_store_leave(&step);
}

/* -------------------------------------------------------------------- mark */

/* Marks one row as sent; false if another runner has claimed it since. */
static bool
mark(HlRunner *runner, const HlStore *store, HlQueued *queued)
{
	HlParameters row = {0};

	hl_store_add_text(&row, queued->home);
	hl_store_add(&row, Int64GetDatum(queued->id));
	hl_store_add(&row, Int64GetDatum(runner->holder));
	if (hl_store_run(store, HL_STATEMENT_MARK, &row) == 1)
	{
		queued->sending_since = time_of(0, "first_sent_at");
		SPI_freetuptable(SPI_tuptable);
		return true;
	}
	queued->call = NULL;
	hl_queued_put_off(queued, 0, NULL);
	return false;
}

void
hl_claim_mark(HlRunner *runner, const HlStore *store)
{
	HlQueued *marked[HL_RUNNER_MOST];
	HlStoreStep step;
	int count = 0;

	hl_store_enter(&step, store);
	for (int i = 0; i < runner->count; i++)
	{
		HlQueued *queued = runner->rows[i];

		if (queued->careful && queued->call != NULL &&
			hl_engine_is_held(queued->call) && mark(runner, store, queued))
			marked[count++] = queued;
	}
	tell_sent(store, marked, count, true);
	hl_store_leave(&step);
}
