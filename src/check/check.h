/*
 * check.h
 *	  Checks whether a call from this session would work: one row for each
 *	  thing that a call requires, and one for each place where a secret is
 *	  exposed. No row contains a secret.
 */
#ifndef HL_CHECK_CHECK_H
#define HL_CHECK_CHECK_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/pg_list.h"

/* Adds a row; the detail must live as long as the list. */
extern List *hl_check_add(List *findings, const char *item, bool ok,
						  const char *detail);

/* The next row (item, ok, detail) of healthlake_check(). */
extern Datum hl_check_next(FunctionCallInfo fcinfo);

#endif
