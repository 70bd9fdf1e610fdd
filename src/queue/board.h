/*
 * board.h
 *	  Who works on queues, in shared memory: every worker, every session in
 *	  healthlake_run_queue() and every writer of the audit trail has a place
 *	  there as long as it lives. A lease counts as long as its holder has a
 *	  place, and a commit wakes, or starts, the worker of its database through
 *	  it. The places go with their processes, and all at once with a crash.
 */
#ifndef HL_QUEUE_BOARD_H
#define HL_QUEUE_BOARD_H

#include "postgres.h"

#include "queue/pace.h"

#define HL_BOARD_PLACES 256

typedef enum HlBoardKind
{
	HL_BOARD_WORKER,  /* drains a queue, and can be woken */
	HL_BOARD_SESSION, /* drains it as far as it is due */
	HL_BOARD_WRITER   /* keeps the audit trail of a session */
} HlBoardKind;

/* Asks for the memory; called once, when the library is loaded. */
extern void hl_board_init(void);

/* Finds the board, or puts it up; what follows needs it, but for joining. */
extern void hl_board_attach(void);

/*
 * Takes a place for this process in the database; its number is the holder of
 * its leases. A worker takes over the place that was reserved for it. Throws
 * 55000 when every place is taken.
 */
extern int64 hl_board_join(Oid database, HlBoardKind kind);

/* Gives the place back; the end of the process does, too. */
extern void hl_board_leave(void);

/* For a worker: whether somebody has woken it since it last asked. */
extern bool hl_board_was_woken(void);

/* For a worker: leaves, unless somebody has woken it. */
extern bool hl_board_leave_unless_woken(void);

/*
 * Wakes the workers of a database, of which there may be so many. True: there
 * are fewer, and a place is reserved for one that the caller is to start.
 * Throws nothing: it runs in commits.
 */
extern bool hl_board_wake(Oid database, int wanted);

/* Gives up a place that was reserved for a worker that did not start. */
extern void hl_board_unreserve(Oid database);

/* The pace of a database's queue, which its runners share. */
extern void hl_board_load_pace(Oid database, HlPace *pace);
extern void hl_board_save_pace(Oid database, const HlPace *pace);

/* Whether that holder has a place now, so that its leases count. */
extern bool hl_board_holds(int64 holder);

#endif
