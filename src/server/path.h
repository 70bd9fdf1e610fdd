/*
 * path.h
 *	  Statements of ours run with search_path = pg_catalog, pg_temp, whatever
 *	  the session's is: by another path, an operator or a function that
 *	  somebody else has made could run with the caller's rights. Also those
 *	  whose names are all qualified need it, since NULLIF, IN, IS DISTINCT FROM,
 *	  CASE and BETWEEN look their operators up by the path.
 */
#ifndef HL_SERVER_PATH_H
#define HL_SERVER_PATH_H

#include "postgres.h"

/*
 * Pins the path; gives what hl_path_release() needs. An error in between
 * restores the path with its (sub)transaction.
 */
extern int hl_path_pin(void);

/* The path is again what it was. */
extern void hl_path_release(int nest_level);

#endif
