/*
 * registry.c
 *	  Writers, and sessions that wait for them.
 *
 * Without preloading, the shared memory is taken from the reserve that
 * PostgreSQL has for extensions. An LWLock protects it; nothing throws while
 * it is held.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/timestamp.h"

#include "audit/registry.h"
#include "server/clock.h"
#include "server/shared.h"

/* The maximum numbers of databases with writers, and of waiting sessions. */
#define WRITERS 64
#define WAITING 128

/* Milliseconds after which a starting writer is considered failed. */
#define PATIENCE 10000

typedef struct Writer
{
	Oid database;      /* InvalidOid: free */
	int pid;           /* 0: none, or one that is starting */
	int64 reserved_at; /* by hl_clock_steady_ms(); 0: none is starting */
	bool swept;
} Writer;

typedef struct Waiting
{
	Oid database; /* InvalidOid: free */
	int pid;
	dsm_handle handle;
} Waiting;

typedef struct Registry
{
	HlShared shared;
	Writer writers[WRITERS];
	Waiting waiting[WAITING];
} Registry;

static Registry *registry = NULL;

void
hl_registry_init(void)
{
	hl_shared_request(sizeof(Registry));
}

static void
lock_registry(void)
{
	if (registry == NULL)
		registry =
			hl_shared_attach("healthlake audit writers", sizeof(Registry));
	LWLockAcquire(&registry->shared.lock, LW_EXCLUSIVE);
}

static void
unlock_registry(void)
{
	LWLockRelease(&registry->shared.lock);
}

/*
 * The entry of this database, or one that can be used for it; NULL if there is
 * none. An entry without a writer is kept for its data as long as others are
 * free.
 */
static Writer *
writer_of_database(void)
{
	Writer *free = NULL;

	for (int i = 0; i < WRITERS; i++)
	{
		Writer *writer = &registry->writers[i];

		if (writer->database == MyDatabaseId)
			return writer;
		if (free == NULL ||
			(OidIsValid(free->database) && !OidIsValid(writer->database)))
			if (writer->pid == 0 && writer->reserved_at == 0)
				free = writer;
	}
	if (free != NULL)
		*free = (Writer){.database = MyDatabaseId};
	return free;
}

/* Whether there is a writer, or one that is starting. */
static bool
is_served(const Writer *writer)
{
	return writer->pid != 0 ||
		   (writer->reserved_at != 0 &&
			!hl_clock_is_past(writer->reserved_at, PATIENCE));
}

/* Sets the latch of a process, if it still exists. */
static void
wake_process(int pid)
{
	PGPROC *proc = pid == 0 ? NULL : BackendPidGetProc(pid);

	if (proc != NULL)
		SetLatch(&proc->procLatch);
}

/* A place in the list; NULL if there is none. */
static Waiting *
find_waiting(Oid database, dsm_handle handle)
{
	for (int i = 0; i < WAITING; i++)
		if (registry->waiting[i].database == database &&
			(!OidIsValid(database) || registry->waiting[i].handle == handle))
			return &registry->waiting[i];
	return NULL;
}

bool
hl_registry_enlist(dsm_handle handle, bool *start)
{
	Waiting *waiting;
	Writer *writer;
	int pid = 0;

	lock_registry();
	waiting = find_waiting(InvalidOid, 0);
	writer = waiting == NULL ? NULL : writer_of_database();
	*start = writer != NULL && !is_served(writer);
	if (writer != NULL)
	{
		*waiting = (Waiting){
			.database = MyDatabaseId, .pid = MyProcPid, .handle = handle};
		pid = writer->pid;
	}
	if (*start)
		writer->reserved_at = hl_clock_steady_ms();
	unlock_registry();
	wake_process(pid);
	return writer != NULL;
}

void
hl_registry_withdraw(void)
{
	lock_registry();
	for (int i = 0; i < WAITING; i++)
		if (registry->waiting[i].pid == MyProcPid)
			registry->waiting[i] = (Waiting){0};
	unlock_registry();
}

void
hl_registry_unreserve(void)
{
	Writer *writer;

	lock_registry();
	writer = writer_of_database();
	if (writer != NULL)
		writer->reserved_at = 0;
	unlock_registry();
}

bool
hl_registry_is_served(void)
{
	Writer *writer;
	bool served;

	lock_registry();
	writer = writer_of_database();
	served = writer != NULL && is_served(writer);
	unlock_registry();
	return served;
}

static void
close_at_exit(int code, Datum unused)
{
	if (code != 0)
		hl_registry_mark_unswept();
	(void) hl_registry_close(true);
}

bool
hl_registry_open(void)
{
	Writer *writer;
	bool opened;

	before_shmem_exit(close_at_exit, (Datum) 0);
	lock_registry();
	writer = writer_of_database();
	opened = writer != NULL && writer->pid == 0;
	if (opened)
	{
		writer->pid = MyProcPid;
		writer->reserved_at = 0;
	}
	unlock_registry();
	return opened;
}

dsm_handle
hl_registry_next(void)
{
	dsm_handle handle = 0;

	lock_registry();
	for (int i = 0; i < WAITING && handle == 0; i++)
		if (registry->waiting[i].database == MyDatabaseId)
			handle = registry->waiting[i].handle;
	unlock_registry();
	return handle;
}

void
hl_registry_taken(dsm_handle handle)
{
	Waiting *waiting;

	lock_registry();
	waiting = find_waiting(MyDatabaseId, handle);
	if (waiting != NULL)
		*waiting = (Waiting){0};
	unlock_registry();
}

bool
hl_registry_close(bool anyway)
{
	bool closed = true;
	Writer *writer;

	lock_registry();
	writer = writer_of_database();
	for (int i = 0; i < WAITING && !anyway; i++)
		if (registry->waiting[i].database == MyDatabaseId)
			closed = false;
	if (closed && writer != NULL && writer->pid == MyProcPid)
		writer->pid = 0;
	unlock_registry();
	return closed;
}

bool
hl_registry_needs_sweep(void)
{
	Writer *writer;
	bool needs;

	lock_registry();
	writer = writer_of_database();
	needs = writer != NULL && !writer->swept;
	if (writer != NULL)
		writer->swept = true;
	unlock_registry();
	return needs;
}

void
hl_registry_mark_unswept(void)
{
	Writer *writer;

	lock_registry();
	writer = writer_of_database();
	if (writer != NULL)
		writer->swept = false;
	unlock_registry();
}
