/*
 * path.h
 *	  Sets search_path = pg_catalog, pg_temp for a statement of the extension.
 *	  With another path, an operator or a function of another role could run
 *	  with the caller's privileges. This is also needed if all names are
 *	  qualified, since NULLIF, IN, IS DISTINCT FROM, CASE and BETWEEN look up
 *	  their operators by the path.
 */
#ifndef HL_SERVER_PATH_H
#define HL_SERVER_PATH_H

#include "postgres.h"

/*
 * Pins the path; returns what hl_path_release() needs. An error in between
 * restores the path with its (sub)transaction.
 */
extern int hl_path_pin(void);

/* Restores the path. */
extern void hl_path_release(int nest_level);

#endif
