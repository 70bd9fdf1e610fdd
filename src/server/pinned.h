/*
 * pinned.h
 *	  Settings of PostgreSQL that a session, a role or a database may change,
 *	  and that must not affect the requests of others: every runner of a queue
 *	  uses the values of one table. test/behaviour/queue_settings.py lists the
 *	  settings that are harmless.
 */
#ifndef HL_SERVER_PINNED_H
#define HL_SERVER_PINNED_H

/* For a worker, once, when it has connected. */
extern void hl_pinned_worker(void);

/*
 * For a session in a CALL, at the beginning of each transaction, which has no
 * snapshot yet; they hold as long as it. No timeout of the statement's or the
 * transaction's ends it any more.
 */
extern void hl_pinned_transaction(void);

#endif
