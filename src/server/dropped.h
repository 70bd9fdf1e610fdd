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

/* Records the placeholders; called before the parameters are defined. */
extern void hl_dropped_note(void);

/* Finds the dropped ones; called after they are defined. Raises nothing. */
extern void hl_dropped_find(void);

/* Records a RESET of a setting; NULL: of all settings. */
extern void hl_dropped_forget(const char *name);

/* Raises 55000 if calls are refused. */
extern void hl_dropped_refuse(void);

/* A sentence (char *) for each that was not corrected, palloc'd. */
extern List *hl_dropped_list(void);

/* Whether hl_dropped_refuse() would raise. */
extern bool hl_dropped_blocks(void);

#endif
