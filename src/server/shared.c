/*
 * shared.c
 *	  Asking for shared memory: one hook for all who want some.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

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
