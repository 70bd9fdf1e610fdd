/*
 * dropped.h
 *	  Values and names under "healthlake." that were set before the library was
 *	  loaded and that PostgreSQL dropped when it was. A call without them could
 *	  go to another region or bypass a guard rail, so a session for which one
 *	  of them is relevant makes no call. The records live as long as the
 *	  process.
 */
#ifndef HL_SERVER_DROPPED_H
#define HL_SERVER_DROPPED_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Before the parameters are defined: notes the placeholders. */
extern void hl_dropped_note(void);

/* After they are defined: finds those that were dropped. Raises nothing. */
extern void hl_dropped_find(void);

/* Notes a RESET of one setting; NULL: of all of them. */
extern void hl_dropped_forget(const char *name);

/* Raises 55000 if calls are refused. */
extern void hl_dropped_refuse(void);

/* A sentence (char *) for each that was not corrected, palloc'd. */
extern List *hl_dropped_list(void);

/* Whether hl_dropped_refuse() would raise. */
extern bool hl_dropped_blocks(void);

#endif
