/*
 * adopt.h
 *	  Assigns requests that were made in another cluster or database to this
 *	  one, after pg_upgrade or a move. Only a superuser may do that.
 */
#ifndef HL_QUEUE_ADOPT_H
#define HL_QUEUE_ADOPT_H

#include "postgres.h"

#include "fmgr.h"

/*
 * The body of healthlake_adopt_requests(home): returns the number of rows,
 * which this server then searches for or sends.
 */
extern Datum hl_adopt_requests(FunctionCallInfo fcinfo);

#endif
