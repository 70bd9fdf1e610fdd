/*
 * rows.c
 *	  Returns a list as a set of rows.
 */
#include "postgres.h"

#include "funcapi.h"

#include "model/rows.h"

static void
rows_start(FunctionCallInfo fcinfo, HlCollect collect)
{
	FuncCallContext *calls = SRF_FIRSTCALL_INIT();
	MemoryContext caller = MemoryContextSwitchTo(calls->multi_call_memory_ctx);
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	calls->tuple_desc = BlessTupleDesc(desc);
	calls->user_fctx = collect(fcinfo);
	MemoryContextSwitchTo(caller);
}

Datum
hl_rows_next(FunctionCallInfo fcinfo, HlCollect collect, HlRow row)
{
	FuncCallContext *calls;
	Datum result;

	if (SRF_IS_FIRSTCALL())
		rows_start(fcinfo, collect);
	calls = SRF_PERCALL_SETUP();
	if (calls->call_cntr >= (uint64) list_length(calls->user_fctx))
		SRF_RETURN_DONE(calls);
	/* SRF_RETURN_NEXT increments the counter before it evaluates this */
	result = row(fcinfo, calls->tuple_desc,
				 list_nth(calls->user_fctx, (int) calls->call_cntr));
	SRF_RETURN_NEXT(calls, result);
}
