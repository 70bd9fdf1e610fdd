/*
 * planner.h
 *	  What PostgreSQL's planner may not do with a call that changes something:
 *	  compute the copies of (f(...)).* apart from each other, so that they
 *	  cannot have one reply, or compute a call for no row. Owns nothing.
 */
#ifndef HL_CALL_PLANNER_H
#define HL_CALL_PLANNER_H

#include "postgres.h"

#include "nodes/nodes.h"

/*
 * Answers the request that the planner makes of a function's support function:
 * always with NULL, "nothing to say". Throws 0A000 before anything is sent.
 */
extern Node *hl_planner_support(Node *request);

#endif
