/*
 * insert.h
 *	  Inserts a call's event into the history without a statement, as logical
 *	  replication's apply worker does; whatever could prevent that is checked
 *	  before anything is sent. If the table was altered so that it needs the
 *	  executor (triggers, rules, further constraints, defaults, expressions),
 *	  the statement in statements.c is used instead.
 */
#ifndef HL_AUDIT_INSERT_H
#define HL_AUDIT_INSERT_H

#include "audit/event.h"
#include "audit/store.h"

/*
 * Locks the history and its indexes until the transaction ends, and takes an
 * id; 0: use the statement instead. Throws if the table is gone, or cannot
 * accept an event of a call.
 */
extern int64 hl_insert_begin(const HlStore *store);

/*
 * Inserts an event of a call with that id, as the store's owner. False: the
 * table has been altered since, and nothing was inserted.
 */
extern bool hl_insert_add(const HlStore *store, int64 id, const HlEvent *event);

#endif
