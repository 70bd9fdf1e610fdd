/*
 * statistics.c
 *	  Counters and sums of each operation.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "call/statistics.h"
#include "model/rows.h"
#include "server/shared.h"

typedef enum Counter
{
	CALLS,
	ERRORS,
	UNKNOWN,
	RETRIES,
	THROTTLES,
	TOTAL_TIME, /* in microseconds, like the next one */
	MAX_TIME,
	COUNTERS
} Counter;

/* The sums of one operation. */
typedef struct Sums
{
	pg_atomic_uint64 of[COUNTERS];
} Sums;

/* The scope of the sums: an array with an element for each operation. */
typedef struct Scope
{
	const char *name;
	Sums *sums; /* NULL: not kept */
} Scope;

static Scope scopes[] = {{"session", NULL}, {"cluster", NULL}};
static Scope *const session = &scopes[0];
static Scope *const cluster = &scopes[1];

static shmem_startup_hook_type next_startup = NULL;

/* One row: a snapshot of the sums. */
typedef struct Line
{
	const char *scope;
	const char *operation;
	uint64 of[COUNTERS];
} Line;

static Size
sums_size(void)
{
	return mul_size(sizeof(Sums), (Size) hl_operation_total());
}

/* Initializes the counters of an array in fresh memory. */
static void
sums_start(Sums *sums)
{
	for (int i = 0; i < hl_operation_total(); i++)
		for (int counter = 0; counter < COUNTERS; counter++)
			pg_atomic_init_u64(&sums[i].of[counter], 0);
}

/*
 * Attaches to the shared memory; called again when the server restarts after a
 * crash.
 */
static void
statistics_startup(void)
{
	bool found;

	if (next_startup != NULL)
		next_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	cluster->sums =
		ShmemInitStruct("healthlake statistics", sums_size(), &found);
	if (!found)
		sums_start(cluster->sums);
	LWLockRelease(AddinShmemInitLock);
}

/* Requests shared memory if the library is being preloaded. */
void
hl_statistics_init(void)
{
	session->sums = MemoryContextAlloc(TopMemoryContext, sums_size());
	sums_start(session->sums);
	if (!process_shared_preload_libraries_in_progress)
		return;
	hl_shared_request(sums_size());
	next_startup = shmem_startup_hook;
	shmem_startup_hook = statistics_startup;
}

static void
raise_to(pg_atomic_uint64 *longest, uint64 time)
{
	uint64 known = pg_atomic_read_u64(longest);

	while (known < time &&
		   !pg_atomic_compare_exchange_u64(longest, &known, time))
		;
}

static void
add_call(Sums *sums, const HlReply *reply, uint64 time)
{
	pg_atomic_fetch_add_u64(&sums->of[CALLS], 1);
	if (reply->outcome != HL_OUTCOME_SUCCESS)
		pg_atomic_fetch_add_u64(&sums->of[ERRORS], 1);
	if (reply->may_have_run)
		pg_atomic_fetch_add_u64(&sums->of[UNKNOWN], 1);
	if (reply->attempts > 1)
		pg_atomic_fetch_add_u64(&sums->of[RETRIES], reply->attempts - 1);
	if (reply->throttles > 0)
		pg_atomic_fetch_add_u64(&sums->of[THROTTLES], reply->throttles);
	pg_atomic_fetch_add_u64(&sums->of[TOTAL_TIME], (int64) time);
	raise_to(&sums->of[MAX_TIME], time);
}

void
hl_statistics_count(const HlOperation *operation, const HlReply *reply,
					int64 microseconds)
{
	uint64 time = (uint64) Max(microseconds, 0);
	int place = hl_operation_place(operation);

	Assert(place >= 0 && place < hl_operation_total());
	for (size_t i = 0; i < lengthof(scopes); i++)
		if (scopes[i].sums != NULL)
			add_call(&scopes[i].sums[place], reply, time);
}

/* Adds a row for each operation of a scope that was called. */
static List *
add_lines(List *lines, const Scope *scope)
{
	for (int i = 0; scope->sums != NULL && i < hl_operation_total(); i++)
	{
		Line *line = palloc(sizeof(Line));

		line->scope = scope->name;
		line->operation = hl_operation_at(i)->name;
		for (int counter = 0; counter < COUNTERS; counter++)
			line->of[counter] = pg_atomic_read_u64(&scope->sums[i].of[counter]);
		if (line->of[CALLS] > 0)
			lines = lappend(lines, line);
	}
	return lines;
}

static List *
all_lines(FunctionCallInfo fcinfo)
{
	List *lines = NIL;

	for (size_t i = 0; i < lengthof(scopes); i++)
		lines = add_lines(lines, &scopes[i]);
	return lines;
}

static Datum
milliseconds(double microseconds)
{
	return Float8GetDatum(microseconds / 1000.0);
}

static Datum
line_row(FunctionCallInfo fcinfo, TupleDesc desc, const void *thing)
{
	const Line *line = thing;
	double total = (double) line->of[TOTAL_TIME];
	Datum values[] = {CStringGetTextDatum(line->scope),
					  CStringGetTextDatum(line->operation),
					  UInt64GetDatum(line->of[CALLS]),
					  UInt64GetDatum(line->of[ERRORS]),
					  UInt64GetDatum(line->of[UNKNOWN]),
					  UInt64GetDatum(line->of[RETRIES]),
					  UInt64GetDatum(line->of[THROTTLES]),
					  milliseconds(total),
					  milliseconds(total / (double) line->of[CALLS]),
					  milliseconds((double) line->of[MAX_TIME])};
	bool nulls[lengthof(values)] = {false};

	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

Datum
hl_statistics_rows(FunctionCallInfo fcinfo)
{
	return hl_rows_next(fcinfo, all_lines, line_row);
}

/* Resets all counters; a call that ends meanwhile may be counted in part. */
Datum
hl_statistics_reset(FunctionCallInfo fcinfo)
{
	for (size_t scope = 0; scope < lengthof(scopes); scope++)
		for (int i = 0; scopes[scope].sums != NULL && i < hl_operation_total();
			 i++)
			for (int counter = 0; counter < COUNTERS; counter++)
				pg_atomic_write_u64(&scopes[scope].sums[i].of[counter], 0);
	PG_RETURN_VOID();
}
