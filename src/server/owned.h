/*
 * owned.h
 *	  Structs that own resources outside of memory contexts: malloc'd memory,
 *	  handles, secrets. The function that releases them is registered before
 *	  there is anything to own, so that an error between two lines leaks
 *	  nothing.
 */
#ifndef HL_SERVER_OWNED_H
#define HL_SERVER_OWNED_H

#include "postgres.h"

/*
 * Creates a zeroed struct in CurrentMemoryContext. When the context is reset
 * or deleted, give_back is called with it. It must not be passed to pfree().
 */
extern void *hl_owned_create(Size size,
							 MemoryContextCallbackFunction give_back);

#endif
