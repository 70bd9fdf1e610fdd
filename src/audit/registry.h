/*
 * registry.h
 *	  The processes that write the durable audit trail of each database, and
 *	  the sessions that wait for them, in shared memory. A session registers
 *	  the handle of a segment with two queues, to which the writer attaches.
 *	  Entries are removed with their processes, and all of them by a crash.
 */
#ifndef HL_AUDIT_REGISTRY_H
#define HL_AUDIT_REGISTRY_H

#include "postgres.h"

#include "storage/dsm.h"

/* Requests shared memory; called once, when the library is loaded. */
extern void hl_registry_init(void);

/*
 * Registers a session's segment for the writer of its database, and wakes that.
 * False: the list is full. "start": there is no writer, and the caller must
 * start one, for which a place is reserved.
 */
extern bool hl_registry_enlist(dsm_handle handle, bool *start);

/* Removes this session's segments from the list. */
extern void hl_registry_withdraw(void);

/* Frees the place of a writer that did not start. */
extern void hl_registry_unreserve(void);

/* Whether this database has a writer, or one that is starting. */
extern bool hl_registry_is_served(void);

/* For a writer: takes its place; false: there is another. Throws 55000. */
extern bool hl_registry_open(void);

/* For a writer: the first waiting segment not yet attached to; 0: none. */
extern dsm_handle hl_registry_next(void);

/* For a writer: removes a segment that it has attached to, or that is gone. */
extern void hl_registry_taken(dsm_handle handle);

/* For a writer: leaves, unless a session waits and "anyway" is false. */
extern bool hl_registry_close(bool anyway);

/*
 * Whether calls of this database may be without an end, such as after a start
 * of the server. Returns true once, and again after it was marked.
 */
extern bool hl_registry_needs_sweep(void);
extern void hl_registry_mark_unswept(void);

#endif
