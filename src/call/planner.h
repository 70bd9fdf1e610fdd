/*
 * planner.h
 *	  Refuses plans that PostgreSQL must not make for a call that changes
 *	  something: plans that compute the copies of (f(...)).* separately, so
 *	  that they cannot share a reply, and plans that compute a call for no row
 *	  or for a row that is computed again: under SELECT FOR UPDATE, in WHEN
 *	  MATCHED of MERGE, and in the actions of a rule.
 */
#ifndef HL_CALL_PLANNER_H
#define HL_CALL_PLANNER_H

#include "postgres.h"

#include "nodes/nodes.h"

/*
 * Handles a request of the planner to the support function: always returns NULL
 * (not supported), or throws 0A000.
 */
extern Node *hl_planner_support(Node *request);

#endif
