/*
 * shared.h
 *	  Shared memory of the extension. Without preloading it is taken from the
 *	  reserve that PostgreSQL has for extensions.
 */
#ifndef HL_SERVER_SHARED_H
#define HL_SERVER_SHARED_H

#include "postgres.h"

#include "storage/lwlock.h"

/* What memory that has a lock begins with. */
typedef struct HlShared
{
	LWLock lock;
	int tranche;
} HlShared;

/*
 * Requests memory at server start; called by _PG_init(). Does nothing if the
 * library is not preloaded.
 */
extern void hl_shared_request(Size size);

/*
 * Attaches to the memory of a name, which begins with HlShared. At first all
 * the rest of it is zero.
 */
extern void *hl_shared_attach(const char *name, Size size);

#endif
