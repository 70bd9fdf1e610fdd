/*
 * wakeup.h
 *	  Wakes the worker of this database's queue, or starts one, when a
 *	  transaction commits that has enqueued something.
 */
#ifndef HL_QUEUE_WAKEUP_H
#define HL_QUEUE_WAKEUP_H

#include "postgres.h"

#include "audit/store.h"

/* The orders of a worker; they must fit into bgw_extra. */
typedef struct HlWorkerOrders
{
	Oid database;
	Oid owner;  /* InvalidOid for a scout, which finds the owner */
	bool stays; /* when the queue is empty */
} HlWorkerOrders;

/* Registers the transaction callbacks; called once by _PG_init(). */
extern void hl_wakeup_init(void);

/*
 * Requests a worker at the commit of this transaction, unless the first
 * subtransaction that requested it is rolled back.
 */
extern void hl_wakeup_want(const HlStore *store);

/* Whether a worker can run as this role: before 17 it needs LOGIN. */
extern bool hl_wakeup_may_be(Oid role);

/*
 * Starts a worker; false: max_worker_processes are all in use. Throws nothing,
 * since it runs in commits.
 */
extern bool hl_wakeup_start(const HlWorkerOrders *orders);

/* The worker's name in pg_stat_activity. */
extern const char *hl_wakeup_type(const HlWorkerOrders *orders);

#endif
