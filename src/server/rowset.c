/*
 * rowset.c
 *	  Sets of rows in a tuplestore.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#include "server/rowset.h"

ReturnSetInfo *
hl_rowset_begin(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *set = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller;
	TupleDesc desc;

	if (set == NULL || !IsA(set, ReturnSetInfo) ||
		(set->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot "
						"accept a set")));
	caller = MemoryContextSwitchTo(set->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	set->setDesc = CreateTupleDescCopy(desc);
	set->setResult = tuplestore_begin_heap(
		(set->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	set->returnMode = SFRM_Materialize;
	MemoryContextSwitchTo(caller);
	return set;
}
