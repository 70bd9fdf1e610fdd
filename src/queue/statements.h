/*
 * statements.h
 *	  What is done to healthlake_request, as SQL: a row for each HlStatement.
 *	  "@" stands for the table's name, "!" for its schema's, "%" for this
 *	  home, see home.h, "#" for the sequence of the history. They run as the
 *	  table's owner, with search_path = pg_catalog,
 *	  pg_temp; see store.h.
 */
#ifndef HL_QUEUE_STATEMENTS_H
#define HL_QUEUE_STATEMENTS_H

#include "postgres.h"

#include "queue/store.h"

/* A statement, and the types of its parameters. */
typedef struct HlStatementRow
{
	const char *sql;
	int count;
	Oid types[32];
} HlStatementRow;

extern const HlStatementRow hl_statements[HL_STATEMENTS];

#endif
