/*
 * shared.c
 *	  Requests shared memory, by one hook for all rooms, and attaches to it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "server/compat.h"
#include "server/shared.h"

static shmem_request_hook_type next_request = NULL;
static Size wanted = 0;

static void
request_memory(void)
{
	if (next_request != NULL)
		next_request();
	RequestAddinShmemSpace(wanted);
}

void
hl_shared_request(Size size)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	if (wanted == 0)
	{
		next_request = shmem_request_hook;
		shmem_request_hook = request_memory;
	}
	wanted = add_size(wanted, MAXALIGN(size));
}

void *
hl_shared_attach(const char *name, Size size)
{
	HlShared *shared;
	bool found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct(name, size, &found);
	if (!found)
	{
		memset(shared, 0, size);
		shared->tranche = hl_compat_new_tranche(name);
		LWLockInitialize(&shared->lock, shared->tranche);
	}
	LWLockRelease(AddinShmemInitLock);
	hl_compat_name_tranche(shared->tranche, name);
	return shared;
}
