/*
 * ahead.c
 *	  Calls with their own memory, sent before their replies are needed.
 *
 * Such a read is the only transfer that stays in flight when we return to the
 * executor. It belongs to its memory context, which is deleted with the query,
 * however the query ends. If the reader is slow the transfer may time out; then
 * the call is made again when its reply is needed.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "call/ahead.h"

HlAhead *
hl_ahead_create(MemoryContext parent)
{
	MemoryContext memory = AllocSetContextCreate(parent, "healthlake page",
												 ALLOCSET_DEFAULT_SIZES);
	HlAhead *call = MemoryContextAllocZero(memory, sizeof(HlAhead));

	call->memory = memory;
	return call;
}

void
hl_ahead_free(HlAhead **call)
{
	if (*call != NULL)
		MemoryContextDelete((*call)->memory);
	*call = NULL;
}

void
hl_ahead_send(HlAhead *call, const HlRequest *request, const char *region,
			  bool ahead)
{
	MemoryContext caller = MemoryContextSwitchTo(call->memory);

	call->ahead = ahead;
	call->settled = ahead ? hl_ahead_start(&call->run, request, region)
						  : hl_call_start(&call->run, request, region);
	MemoryContextSwitchTo(caller);
}

void
hl_ahead_go_on(HlAhead *call)
{
	if (!call->settled || hl_engine_is_done(call->run.call))
		return;
	(void) hl_engine_step(&call->run.call, 1, 0);
	if (hl_engine_is_done(call->run.call))
		INSTR_TIME_SET_CURRENT(call->run.ended);
}

static void
drive_call(void *argument)
{
	HlAhead *call = argument;

	/* only now: an interrupt cancels the calls of the watch that it ends */
	if (call->ahead)
		hl_ahead_join(&call->run);
	hl_call_drive(&call->run);
}

/* Whether another attempt would get the same reply. */
static bool
is_final(const HlReply *reply)
{
	return reply->outcome == HL_OUTCOME_SUCCESS || reply->too_large ||
		   (reply->outcome == HL_OUTCOME_REFUSED && !reply->passing);
}

bool
hl_ahead_await(HlAhead *call)
{
	MemoryContext caller = MemoryContextSwitchTo(call->memory);

	if (call->settled)
		hl_call_watch(drive_call, call);
	MemoryContextSwitchTo(caller);
	return !call->ahead || is_final(&call->run.call->reply);
}

HlAhead *
hl_ahead_take(HlAhead **ahead)
{
	HlAhead *call = *ahead;

	*ahead = NULL;
	if (call != NULL && !hl_ahead_await(call))
		hl_ahead_free(&call);
	return call;
}
