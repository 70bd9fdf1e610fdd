/*
 * once.h
 *	  One call for one row of (f(...)).*, which PostgreSQL expands to a copy
 *	  of the call for each column: the first copy performs the operation, the
 *	  others take its reply. A reply is kept in the memory of the row at hand
 *	  and is forgotten with it. The functions that change something also ask
 *	  hl_once_support() by the planner, since for them more calls than one
 *	  are more than a waste.
 */
#ifndef HL_API_ONCE_H
#define HL_API_ONCE_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/nodes.h"

/*
 * Gives what another copy of this call has returned for the same row; false
 * if there is none, and the operation is to be performed.
 */
extern bool hl_once_take(FunctionCallInfo fcinfo, Datum *result);

/* Keeps what the call returns (fcinfo->isnull with it) for its copies. */
extern void hl_once_keep(FunctionCallInfo fcinfo, Datum result);

/*
 * Answers the planner's question to a function's support function: throws
 * 0A000 where copies of one call would be performed apart from each other.
 */
extern Node *hl_once_support(Node *request);

#endif
