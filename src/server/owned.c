/*
 * owned.c
 *	  Structs with a callback of their memory context.
 */
#include "postgres.h"

#include "server/owned.h"

void *
hl_owned_create(Size size, MemoryContextCallbackFunction give_back)
{
	Size before = MAXALIGN(sizeof(MemoryContextCallback));
	MemoryContextCallback *callback = palloc0(before + size);

	callback->func = give_back;
	callback->arg = (char *) callback + before;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return callback->arg;
}
