/*
 * functions.c
 *	  What SQL can call of the queue, and nothing more.
 */
#include "postgres.h"

/* Found by name in the library, whatever else is hidden. */
#pragma GCC visibility push(default)

#include "fmgr.h"

#include "queue/board.h"
#include "queue/enqueue.h"
#include "queue/home.h"
#include "queue/person.h"
#include "queue/runner.h"
#include "queue/store.h"

/* Binds an SQL function to the function that is its body. */
#define BOUND(function, body)                                                  \
	PG_FUNCTION_INFO_V1(function);                                             \
	Datum function(PG_FUNCTION_ARGS)                                           \
	{                                                                          \
		return body(fcinfo);                                                   \
	}

BOUND(healthlake_enqueue, hl_enqueue)
BOUND(healthlake_enqueue_create_datastore, hl_enqueue_create_datastore)
BOUND(healthlake_run_queue, hl_runner_call)
BOUND(healthlake_cancel_request, hl_person_cancel)
BOUND(healthlake_retry_request, hl_person_retry)
BOUND(healthlake_resolve_request, hl_person_resolve)
BOUND(healthlake_wait_request, hl_person_wait)
BOUND(healthlake_purge_requests, hl_person_purge)
BOUND(healthlake_protect_request, hl_store_protect)
BOUND(healthlake_home, hl_home_show)
BOUND(healthlake_adopt_requests, hl_home_adopt)
BOUND(healthlake_protect_event, hl_store_protect_event)

PG_FUNCTION_INFO_V1(healthlake_holds_leases);

/* Whether a holder of leases is still there, for the queue's statements. */
Datum
healthlake_holds_leases(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(hl_board_holds(PG_GETARG_INT64(0)));
}

#pragma GCC visibility pop
