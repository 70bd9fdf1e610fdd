/*
 * home.h
 *	  The home of a request: the cluster, by its system identifier, and the
 *	  database in which it was made. A row that was copied elsewhere, by a copy
 *	  of the database, logical replication, a restore or pg_upgrade, is
 *	  searched for and never sent, until a superuser adopts it.
 */
#ifndef HL_AUDIT_HOME_H
#define HL_AUDIT_HOME_H

#include "postgres.h"

#include "fmgr.h"

/* The size of the longest home with its zero byte. */
#define HL_HOME_SIZE 32

/*
 * The home of requests that are made in this database; lives for the backend.
 */
extern const char *hl_home(void);

/* The body of healthlake_home(). */
extern Datum hl_home_show(FunctionCallInfo fcinfo);

#endif
