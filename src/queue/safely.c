/*
 * safely.c
 *	  Subtransactions.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/resowner.h"

#include "queue/safely.h"

/* Class 57: somebody wants this statement, or this process, to end. */
bool
hl_safely_concerns_process(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) ==
		   ERRCODE_OPERATOR_INTERVENTION;
}

ErrorData *
hl_safely_take_error(MemoryContext memory)
{
	ErrorData *error;

	MemoryContextSwitchTo(memory);
	error = CopyErrorData();
	if (hl_safely_concerns_process(error))
		PG_RE_THROW();
	FlushErrorState();
	return error;
}

/* Does work in a subtransaction; the error that undid it, or NULL. */
ErrorData *
hl_safely(const HlStore *store, void (*work)(void *), void *argument)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;
	HlStoreStep step;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		hl_store_enter(&step, store);
		work(argument);
		hl_store_leave(&step);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		error = hl_safely_take_error(caller);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return error;
}
