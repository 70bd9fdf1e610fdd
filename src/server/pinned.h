/*
 * pinned.h
 *	  Settings of PostgreSQL that a session, a role or a database may change,
 *	  and that must not affect the requests of others: every runner of a queue
 *	  uses the values of one table. test/behaviour/queue_settings.py lists the
 *	  settings that are harmless.
 */
#ifndef HL_SERVER_PINNED_H
#define HL_SERVER_PINNED_H

/*
 * Sets a setting that anybody may set, for statements of the extension; returns
 * what hl_pinned_release() needs. An error in between restores it with its
 * (sub)transaction.
 */
extern int hl_pinned_set(const char *name, const char *value);
extern void hl_pinned_release(int nest_level);

/* Sets another, which is restored with the last one that was set. */
extern void hl_pinned_set_too(const char *name, const char *value);

/* For a worker: call it once, after it has connected. */
extern void hl_pinned_worker(void);

/*
 * For a session in a CALL: call it at the beginning of each transaction,
 * before there is a snapshot; the settings last as long as the transaction.
 * Also disarms the timeouts of statement and transaction.
 */
extern void hl_pinned_transaction(void);

#endif
