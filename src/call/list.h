/*
 * list.h
 *	  A list operation as a set of rows, page by page. After half of the first
 *	  page, the next page is fetched while one is read. At most two pages are
 *	  in memory, and a LIMIT above the call stops the fetching.
 */
#ifndef HL_CALL_LIST_H
#define HL_CALL_LIST_H

#include "postgres.h"

#include "fmgr.h"

#include "model/model.h"

/*
 * The body of a set-returning function: returns the next row. An argument
 * "max_rows" limits the rows, and the size of the pages.
 */
extern Datum hl_list_next(FunctionCallInfo fcinfo,
						  const HlOperation *operation);

#endif
