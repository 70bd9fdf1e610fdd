/*
 * statements.h
 *	  The SQL on healthlake_request and healthlake_event: a row for each
 *	  HlStatement. "@" stands for the name of the table, "!" for its schema,
 *	  "%" for this home (home.h), "#" for the sequence of the history.
 *	  Statements run as the table's owner, with search_path = pg_catalog,
 *	  pg_temp; see store.h.
 */
#ifndef HL_AUDIT_STATEMENTS_H
#define HL_AUDIT_STATEMENTS_H

#include "postgres.h"

typedef enum HlStatement
{
	HL_STATEMENT_INSERT,
	HL_STATEMENT_LANES,
	HL_STATEMENT_CLAIM,
	HL_STATEMENT_CLAIM_POLLS,
	HL_STATEMENT_PEEK,
	HL_STATEMENT_PEEK_POLLS,
	HL_STATEMENT_MARK,
	HL_STATEMENT_RENEW,
	HL_STATEMENT_SHORTEN_RESTS,
	HL_STATEMENT_SHORTEN_POLLS,
	HL_STATEMENT_CORRECT_TIMES,
	HL_STATEMENT_RECORD,
	HL_STATEMENT_ADOPTED,
	HL_STATEMENT_TWIN,
	HL_STATEMENT_CREATIONS,
	HL_STATEMENT_NOTIFY,
	HL_STATEMENT_SWEEP_FROM,
	HL_STATEMENT_SWEEP,
	HL_STATEMENT_CANCEL,
	HL_STATEMENT_LOCK,
	HL_STATEMENT_LOOK,
	HL_STATEMENT_HOLD,
	HL_STATEMENT_TAKE_OVER,
	HL_STATEMENT_RETRY,
	HL_STATEMENT_EMPTY,
	HL_STATEMENT_LATER,
	HL_STATEMENT_BEFORE,
	HL_STATEMENT_RESOLVE,
	HL_STATEMENT_READ,
	HL_STATEMENT_PURGE,
	HL_STATEMENT_PURGE_EVENTS,
	HL_STATEMENT_FOREIGN,
	HL_STATEMENT_OVERDUE,
	HL_STATEMENT_ADVANCE_IDS,
	HL_STATEMENT_ADOPT_CLASHING,
	HL_STATEMENT_ADOPT_RENUMBER,
	HL_STATEMENT_ADOPT_RETRIES,
	HL_STATEMENT_ADOPT,
	HL_STATEMENT_REQUEST_EVENT,
	HL_STATEMENT_CALL_EVENT,
	HL_STATEMENT_CALL_ENDED,
	HL_STATEMENTS
} HlStatement;

/* A statement, and the types of its parameters. */
typedef struct HlStatementRow
{
	const char *sql;
	int count;
	Oid types[32];
	int options; /* CURSOR_OPT_GENERIC_PLAN, or 0 */
} HlStatementRow;

extern const HlStatementRow hl_statements[HL_STATEMENTS];

#endif
