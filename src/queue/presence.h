/*
 * presence.h
 *	  The board in shared memory: every worker, every session in
 *	  healthlake_run_queue() and every writer of the audit trail has a place on
 *	  it as long as its process lives. A lease is valid as long as its holder
 *	  has a place. A commit uses the board to wake or start the worker of its
 *	  database. A crash of the server clears the board, and so ends all leases.
 */
#ifndef HL_QUEUE_PRESENCE_H
#define HL_QUEUE_PRESENCE_H

#include "postgres.h"

#include "queue/backoff.h"

#define HL_PRESENCE_PLACES 256

typedef enum HlPresenceKind
{
	HL_PRESENCE_WORKER,  /* drains a queue, and can be woken */
	HL_PRESENCE_SESSION, /* drains it as far as it is due */
	HL_PRESENCE_WRITER   /* writes the audit trail of sessions */
} HlPresenceKind;

/* Requests shared memory; called once, when the library is loaded. */
extern void hl_presence_init(void);

/*
 * Attaches to the board, or creates it; required by the functions below, except
 * hl_presence_join().
 */
extern void hl_presence_attach(void);

/*
 * Takes a place for this process in the database; its number is the holder of
 * its leases. A worker takes over the place that was reserved for it, or keeps
 * its own. Throws 55000 when every place is taken.
 */
extern int64 hl_presence_join(Oid database, HlPresenceKind kind);

/* Ends the leases of the place, which is kept; nothing without one. */
extern void hl_presence_renew(void);

/*
 * Frees the place; the end of the process does so, too. Returns whether it was
 * woken since hl_presence_was_woken(), so that somebody else must look.
 */
extern bool hl_presence_leave(void);

/*
 * Whether a worker or a session drains the queue of the database, or a worker
 * is to come.
 */
extern bool hl_presence_is_drained(Oid database);

/* For a worker: whether so many others of its database precede it. */
extern bool hl_presence_is_surplus(int wanted);

/* For a worker: whether it was woken since the last call. */
extern bool hl_presence_was_woken(void);

/* For a worker: leaves, unless it was woken. */
extern bool hl_presence_leave_unless_woken(void);

/*
 * Wakes the workers of a database. If there are fewer than wanted, reserves a
 * place for one that the caller must start, and returns true. Throws nothing,
 * since it runs in commits.
 */
extern bool hl_presence_wake(Oid database, int wanted);

/* Frees a place that was reserved for a worker that did not start. */
extern void hl_presence_unreserve(Oid database);

/* The pace of a database's queue, which its runners share. */
extern void hl_presence_load_pace(Oid database, HlBackoff *pace);
extern void hl_presence_save_pace(Oid database, const HlBackoff *pace);

/* Whether that holder has a place now, so that its leases are valid. */
extern bool hl_presence_holds(int64 holder);

#endif
