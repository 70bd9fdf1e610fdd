/*
 * names.h
 *	  What the names of a statement are, whenever PostgreSQL looks them up: when
 *	  the statement is prepared, and again before an execution if a catalog has
 *	  changed since, or while it waited for a lock.
 */
#ifndef HL_SERVER_NAMES_H
#define HL_SERVER_NAMES_H

#include "postgres.h"

/* A statement, and the schema of its relations and functions. */
typedef struct HlNames
{
	const char *sql;
	Oid schema;
	const struct HlNames *outer;
} HlNames;

/* Registers the check; called when the library is loaded. */
extern void hl_names_init(void);

/*
 * In between, an analysis of the statement throws 55000 if a relation or a
 * function in it is in neither the schema nor pg_catalog. The second function
 * must be called after an error, too.
 */
extern void hl_names_begin(HlNames *names, const char *sql, Oid schema);
extern void hl_names_end(const HlNames *names);

#endif
