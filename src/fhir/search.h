/*
 * search.h
 *	  The search functions of SQL: the next row of a search, of a history or of
 *	  $everything, and counting.
 */
#ifndef HL_FHIR_SEARCH_H
#define HL_FHIR_SEARCH_H

#include "postgres.h"

#include "fmgr.h"

#include "fhir/paging.h"
#include "model/arguments.h"

extern Datum hl_search_next(FunctionCallInfo fcinfo);
extern Datum hl_search_everything_next(FunctionCallInfo fcinfo);
extern Datum hl_search_history_next(FunctionCallInfo fcinfo);
extern Datum hl_search_count(FunctionCallInfo fcinfo);
extern Datum hl_search_escape(FunctionCallInfo fcinfo);

/*
 * The plan of a search of the type in the arguments by parameters, with pages
 * of 100 and without a limit.
 */
extern HlPagingPlan *hl_search_plan(const HlArguments *arguments,
									const HlJson *parameters);

/* The argument "parameters". */
extern const HlJson *hl_search_parameters(const HlArguments *arguments);

#endif
