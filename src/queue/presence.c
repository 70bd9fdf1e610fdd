/*
 * presence.c
 *	  Places in shared memory.
 *
 *	  Without preloading the memory comes out of the reserve that PostgreSQL
 *	  leaves for such (as for contrib/pg_prewarm's worker); with preloading it
 *	  is asked for. A lock guards it, which nothing below holds for longer than
 *	  a walk over the places.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"

#include "queue/presence.h"
#include "server/clock.h"
#include "server/random.h"
#include "server/shared.h"

/* A worker that has not come after so many milliseconds does not come. */
#define PATIENCE 10000

typedef struct Place
{
	int64 holder; /* 0: free, or reserved */
	Oid database; /* InvalidOid: free */
	HlPresenceKind kind;
	int pid;
	bool woken;
	int64 reserved_at; /* by hl_clock_steady_ms(); 0: it is not */
} Place;

/* The pace of a database's queue. */
typedef struct Pacing
{
	Oid database; /* InvalidOid: free */
	int64 used_at;
	HlBackoff pace;
} Pacing;

/* Paces are kept for so many databases; the least recently used one goes. */
#define PACINGS 32

typedef struct Board
{
	HlShared shared;
	Place places[HL_PRESENCE_PLACES];
	Pacing pacings[PACINGS];
} Board;

static Board *board = NULL;
static Place *mine = NULL;

void
hl_presence_init(void)
{
	hl_shared_request(sizeof(Board));
}

void
hl_presence_attach(void)
{
	if (board == NULL)
		board = hl_shared_attach("healthlake board", sizeof(Board));
}

/* Whether a place is reserved for a worker that may still start. */
static bool
is_reserved(const Place *place, int64 now)
{
	return place->holder == 0 && place->database != InvalidOid &&
		   now - place->reserved_at <= PATIENCE;
}

static bool
is_free(const Place *place, int64 now)
{
	return place->holder == 0 && !is_reserved(place, now);
}

/* A place for this process; NULL if all are taken. The lock is held. */
static Place *
find_place(Oid database, HlPresenceKind kind, int64 now)
{
	Place *free = NULL;

	for (int i = 0; i < HL_PRESENCE_PLACES; i++)
	{
		Place *place = &board->places[i];

		if (kind == HL_PRESENCE_WORKER && is_reserved(place, now) &&
			place->database == database)
			return place;
		if (free == NULL && is_free(place, now))
			free = place;
	}
	return free;
}

static void
leave_at_exit(int code, Datum unused)
{
	(void) hl_presence_leave();
}

/* A number that no holder has had before, also after a crash. */
static int64
make_holder(void)
{
	int64 holder;

	hl_random_need(&holder, sizeof(holder));
	return (holder & PG_INT64_MAX) | 1;
}

int64
hl_presence_join(Oid database, HlPresenceKind kind)
{
	static bool registered = false;
	int64 holder = make_holder();
	int64 now = hl_clock_steady_ms();

	hl_presence_attach();
	if (!registered)
		before_shmem_exit(leave_at_exit, (Datum) 0);
	registered = true;
	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	if (mine == NULL)
		mine = find_place(database, kind, now);
	if (mine != NULL)
		*mine = (Place){.holder = holder,
						.database = database,
						.kind = kind,
						.pid = MyProcPid};
	LWLockRelease(&board->shared.lock);
	if (mine == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg(
				 "too many sessions and workers are using healthlake queues"),
			 errdetail("At most %d are allowed.", HL_PRESENCE_PLACES)));
	return holder;
}

void
hl_presence_renew(void)
{
	int64 holder = make_holder();

	if (mine == NULL)
		return;
	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	mine->holder = holder;
	LWLockRelease(&board->shared.lock);
}

bool
hl_presence_leave(void)
{
	bool woken;

	if (mine == NULL)
		return false;
	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	woken = mine->woken;
	*mine = (Place){0};
	LWLockRelease(&board->shared.lock);
	mine = NULL;
	return woken;
}

bool
hl_presence_is_drained(Oid database)
{
	int64 now = hl_clock_steady_ms();
	bool found = false;

	hl_presence_attach();
	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	for (int i = 0; i < HL_PRESENCE_PLACES; i++)
	{
		const Place *place = &board->places[i];

		found |= place->database == database &&
				 place->kind != HL_PRESENCE_WRITER && !is_free(place, now);
	}
	LWLockRelease(&board->shared.lock);
	return found;
}

bool
hl_presence_is_surplus(int wanted)
{
	int before = 0;

	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	for (const Place *place = board->places; place < mine; place++)
		before += place->holder != 0 && place->database == mine->database &&
				  place->kind == HL_PRESENCE_WORKER;
	LWLockRelease(&board->shared.lock);
	return before >= wanted;
}

bool
hl_presence_was_woken(void)
{
	bool woken;

	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	woken = mine->woken;
	mine->woken = false;
	LWLockRelease(&board->shared.lock);
	return woken;
}

bool
hl_presence_leave_unless_woken(void)
{
	bool woken;

	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	woken = mine->woken;
	if (!woken)
		*mine = (Place){0};
	LWLockRelease(&board->shared.lock);
	if (!woken)
		mine = NULL;
	return !woken;
}

/*
 * Marks the workers of a database as woken, counts them with those that are
 * to come, and lists the processes to be told. The lock is held.
 */
static int
mark_woken(Oid database, int64 now, int *pids, int *npids)
{
	int count = 0;

	*npids = 0;
	for (int i = 0; i < HL_PRESENCE_PLACES; i++)
	{
		Place *place = &board->places[i];

		if (place->database != database || is_free(place, now) ||
			place->kind != HL_PRESENCE_WORKER)
			continue;
		count++;
		place->woken = true;
		if (place->holder != 0)
			pids[(*npids)++] = place->pid;
	}
	return count;
}

/* Sets the latch of a process, if it still exists. */
static void
set_latch_of(int pid)
{
	PGPROC *proc = BackendPidGetProc(pid);

	if (proc != NULL)
		SetLatch(&proc->procLatch);
}

bool
hl_presence_wake(Oid database, int wanted)
{
	int pids[HL_PRESENCE_PLACES];
	int npids;
	int64 now = hl_clock_steady_ms();
	Place *place = NULL;

	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	if (mark_woken(database, now, pids, &npids) < wanted)
	{
		place = find_place(InvalidOid, HL_PRESENCE_SESSION, now);
		if (place != NULL)
			*place = (Place){.database = database,
							 .kind = HL_PRESENCE_WORKER,
							 .reserved_at = now};
	}
	LWLockRelease(&board->shared.lock);
	for (int i = 0; i < npids; i++)
		set_latch_of(pids[i]);
	return place != NULL;
}

void
hl_presence_unreserve(Oid database)
{
	int64 now = hl_clock_steady_ms();
	Place *place;

	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	place = find_place(database, HL_PRESENCE_WORKER, now);
	if (place != NULL && place->database == database)
		*place = (Place){0};
	LWLockRelease(&board->shared.lock);
}

/* The slot for the pace of a database. The lock is held. */
static Pacing *
find_pacing(Oid database)
{
	Pacing *oldest = &board->pacings[0];

	for (int i = 0; i < PACINGS; i++)
	{
		Pacing *it = &board->pacings[i];

		if (it->database == database)
			return it;
		if (it->used_at < oldest->used_at)
			oldest = it;
	}
	*oldest = (Pacing){.database = database};
	return oldest;
}

void
hl_presence_load_pace(Oid database, HlBackoff *pace)
{
	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	*pace = find_pacing(database)->pace;
	LWLockRelease(&board->shared.lock);
}

void
hl_presence_save_pace(Oid database, const HlBackoff *pace)
{
	Pacing *it;

	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	it = find_pacing(database);
	it->pace = *pace;
	it->used_at = hl_clock_steady_ms();
	LWLockRelease(&board->shared.lock);
}

bool
hl_presence_holds(int64 holder)
{
	bool found = false;

	hl_presence_attach();
	LWLockAcquire(&board->shared.lock, LW_EXCLUSIVE);
	for (int i = 0; i < HL_PRESENCE_PLACES && !found; i++)
		found = board->places[i].holder == holder;
	LWLockRelease(&board->shared.lock);
	return found && holder != 0;
}
