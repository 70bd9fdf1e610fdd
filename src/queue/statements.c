/*
 * statements.c
 *	  The statements.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "queue/statements.h"

/* A token is relied on for an hour; a sending takes its part of it. */
#define HOUR " '58 minutes'::interval "

/* Rows that the queue is not done with. */
#define OPEN " state = ANY ('{queued,running}') AND origin = 'queue' "

/*
 * Rows that nobody holds. Who is there must be asked when the row has been
 * seen: a list made before would lack one who has just come and claimed it.
 */
#define FREE                                                                   \
	" (lease_holder IS NULL OR lease_until < clock_timestamp()"                \
	" OR NOT !.healthlake_holds_leases(lease_holder)) "

/* This database of this cluster. */
#define HERE "'%'"

/* Rows of which a copy may have been sent elsewhere; $4 is the timeline. */
#define ELSEWHERE " timeline <> $4 "

/* Rows of a role, or all; the parameters: session role, current role, all. */
#define MINE " (session_role = $2 OR \"current_role\" = $3 OR $4) "

/* What a state is the end of. */
#define IS_END(state)                                                          \
	" " state " = ANY ('{succeeded,failed,cancelled,unknown}') "

#define CREATES " ANY ('{CreateFHIRDatastore,RestoreFHIRDatastore}') "

/* SQL reads better in lines of its own. */
/* clang-format off */
const HlStatementRow hl_statements[HL_STATEMENTS] = {
	[HL_STATEMENT_INSERT] =
		{"INSERT INTO @ (operation, request, client_token, request_hash, state,"
		 " origin, reference, until, region, endpoint, \"current_role\","
		 " run_after, fence, timeline, account, first_sent_at, lease_holder,"
		 " session_role, client_addr, application_name, transaction,"
		 " datastore_id, home, kind)"
		 " VALUES ($1, $2, $3, sha256(convert_to($2::text, 'UTF8')), $4, $5,"
		 " $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18::inet,"
		 " $19, $20::xid8, $2 ->> 'DatastoreId', " HERE ", $21)"
		 " RETURNING id, ctid::text AS place",
		 21,
		 {TEXTOID,        JSONBOID, TEXTOID, TEXTOID, TEXTOID,
		  JSONBOID,       TEXTOID,  TEXTOID, TEXTOID, TEXTOID,
		  TIMESTAMPTZOID, TEXTOID,  INT4OID, TEXTOID, TIMESTAMPTZOID,
		  INT8OID,        TEXTOID,  TEXTOID, TEXTOID, TEXTOID,
		  TEXTOID}},
	/* fence, most, holder, timeline, server's start, lease, kinds */
	[HL_STATEMENT_CLAIM] =
		{"WITH due AS MATERIALIZED ("
		 "SELECT home, id, first_sent_at, unsettled_since, earliest,"
		 " response IS NOT NULL AS polls,"
		 " (response IS NULL AND (unsettled_since < now() -" HOUR
		 " OR home <> " HERE
		 " OR timeline = 0 OR ($1 = '' AND" ELSEWHERE ")"
		 " OR ((" ELSEWHERE "OR coalesce(looked_at, earliest) < $5)"
		 " AND coalesce(looked_at, earliest) < now() -" HOUR
		 "))) IS TRUE AS looks"
		 " FROM @ AS q, LATERAL (SELECT CASE WHEN attempts = 0"
		 " THEN greatest(requested_at, run_after)"
		 " ELSE requested_at END) AS e (earliest)"
		 " WHERE" OPEN "AND fence = $1"
		 " AND run_after <= clock_timestamp() AND" FREE
		 /* what a runner holds it has in hand, be the lease over or not */
		 "AND lease_holder IS DISTINCT FROM $3 "
		 "AND ($7 = 'all' OR ($7 = 'creates') = (operation =" CREATES
		 "AND response IS NULL))"
		 " ORDER BY run_after, id LIMIT $2 FOR UPDATE OF q SKIP LOCKED)"
		 " UPDATE @ AS r SET state = 'running', lease_holder = $3,"
		 " lease_until = clock_timestamp() + $6,"
		 " attempts = r.attempts + CASE WHEN polls OR looks THEN 0 ELSE 1 END,"
		 " first_sent_at = CASE WHEN polls OR looks THEN r.first_sent_at"
		 " ELSE coalesce(r.first_sent_at, clock_timestamp()) END,"
		 " unsettled_since = CASE WHEN polls OR looks THEN r.unsettled_since"
		 " ELSE coalesce(r.unsettled_since, clock_timestamp()) END"
		 " FROM due WHERE (r.home, r.id) = (due.home, due.id)"
		 " RETURNING r.home, r.id, r.operation, r.request::text AS request,"
		 " r.client_token, r.request_hash ="
		 " sha256(convert_to(r.request::text, 'UTF8')) AS intact,"
		 " r.until, r.response::text AS response, r.datastore_id, r.job_id,"
		 " r.region, r.endpoint, r.account, r.\"current_role\", r.attempts,"
		 " due.earliest, due.first_sent_at AS was_sent,"
		 " due.unsettled_since AS was_unsettled, r.unsettled_since,"
		 " r.first_sent_at, r.lease_until, due.polls, due.looks",
		 7,
		 {TEXTOID, INT4OID, INT8OID, INT4OID, TIMESTAMPTZOID, INTERVALOID,
		  TEXTOID}},
	[HL_STATEMENT_RECORD] =
		{"UPDATE @ SET state = $3, response = coalesce($4, response),"
		 " datastore_id = coalesce($5, datastore_id),"
		 " job_id = coalesce($6, job_id), error_sqlstate = $7,"
		 " error_code = $8, error_message = $9,"
		 " aws_request_id = coalesce($10, aws_request_id),"
		 " account = coalesce($11, account), run_after = $12,"
		 " first_sent_at = $13, unsettled_since = $14,"
		 " looked_at = CASE WHEN $15 THEN c.time ELSE looked_at END,"
		 " timeline = CASE WHEN $15 THEN $16 ELSE timeline END,"
		 " note = coalesce($17, note), endpoint = coalesce(endpoint, $18),"
		 " lease_until = NULL, lease_holder = NULL,"
		 " finished_at = CASE WHEN" IS_END("$3") "THEN c.time END,"
		 " duration = CASE WHEN" IS_END("$3") "THEN c.time - $13 END"
		 " FROM (SELECT clock_timestamp() OFFSET 0) AS c (time)"
		 " WHERE home = $19 AND id = $1 AND lease_holder = $2"
		 " AND state = 'running'",
		 19,
		 {INT8OID, INT8OID, TEXTOID, JSONBOID, TEXTOID, TEXTOID, TEXTOID,
		  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
		  TIMESTAMPTZOID, BOOLOID, INT4OID, TEXTOID, TEXTOID, TEXTOID}},
	/* fence */
	[HL_STATEMENT_NEXT_DUE] =
		{"SELECT (SELECT run_after FROM @ WHERE" OPEN "AND fence = $1"
		 " AND" FREE " ORDER BY run_after, id LIMIT 1) AS due,"
						   " EXISTS (SELECT FROM @ WHERE" OPEN
						   "AND fence = $1) AS some",
		 1,
		 {TEXTOID}},
	[HL_STATEMENT_ADOPTED] = {"SELECT EXISTS (SELECT FROM @ WHERE"
							  " (home, id) <> ($3, $1) AND ((datastore_id = $2 AND operation =" CREATES
							  ") OR job_id = $2)) AS adopted",
							  3,
							  {INT8OID, TEXTOID, TEXTOID}},
	/* id, operation, member and its value, since when it may have been sent */
	[HL_STATEMENT_TWIN] = {"SELECT EXISTS (SELECT FROM @ WHERE"
						   " (home, id) <> ($6, $1) AND state = ANY ('{queued,running,unknown}')"
						   " AND operation = $2 AND request ->> $3 = $4"
						   " AND (finished_at IS NULL OR finished_at >= $5))"
						   " AS twin",
						   6,
						   {INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
							TEXTOID}},
	[HL_STATEMENT_NOTIFY] = {"SELECT pg_notify('healthlake', $1::text)",
							 1,
							 {INT8OID}},
	[HL_STATEMENT_SWEEP] =
		{"UPDATE @ SET state = 'unknown', finished_at = clock_timestamp(),"
		 " error_sqlstate = '38M01', lease_holder = NULL,"
		 " error_message = 'the session or the server ended before the outcome"
		 " was known'"
		 " WHERE origin = 'call' AND state = 'running' AND run_after IS NULL"
		 " AND NOT !.healthlake_holds_leases(lease_holder)",
		 0},
	/* id, place and what became of it */
	[HL_STATEMENT_END_CALL] =
		{"UPDATE @ SET state = $3, response = $4,"
		 " datastore_id = coalesce($5, datastore_id), job_id = $6,"
		 " error_sqlstate = $7, error_code = $8, error_message = $9,"
		 " aws_request_id = $10, account = coalesce($11, account),"
		 " attempts = $12, duration = $13, finished_at = clock_timestamp(),"
		 " lease_holder = NULL, first_sent_at = CASE WHEN $14 THEN"
		 " first_sent_at END WHERE ctid = $2::tid AND id = $1",
		 14,
		 {INT8OID, TEXTOID, TEXTOID, JSONBOID, TEXTOID, TEXTOID, TEXTOID,
		  TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, INTERVALOID, BOOLOID}},
	[HL_STATEMENT_CANCEL] =
		{"UPDATE @ SET state = 'cancelled', finished_at = clock_timestamp()"
		 " WHERE home = " HERE " AND id = (SELECT id FROM @"
		 " WHERE home = " HERE " AND id = $1 AND" MINE
		 " AND origin = 'queue' AND state = 'queued' AND response IS NULL"
		 " AND unsettled_since IS NULL FOR UPDATE SKIP LOCKED)",
		 4,
		 {INT8OID, TEXTOID, TEXTOID, BOOLOID}},
	/* …, fence, timeline, token; "over": it begins anew, as another request */
	[HL_STATEMENT_RETRY] =
		{"WITH old AS MATERIALIZED (SELECT *,"
		 " state = ANY ('{failed,cancelled}') AS over"
		 " FROM @ WHERE home = " HERE " AND id = $1 AND" MINE
		 "AND origin = 'queue'"
		 " AND state <> 'succeeded' AND" FREE "FOR UPDATE SKIP LOCKED)"
		 " UPDATE @ AS r SET fence = $5, run_after = clock_timestamp(),"
		 " state = CASE WHEN old.finished_at IS NULL THEN old.state"
		 " ELSE 'queued' END,"
		 " finished_at = NULL, duration = NULL, note = NULL,"
		 " lease_holder = NULL, lease_until = NULL,"
		 " resolved_by = NULL, resolved_at = NULL,"
		 " client_token = CASE WHEN old.over AND old.client_token IS NOT NULL"
		 " THEN $7 ELSE old.client_token END,"
		 " attempts = CASE WHEN old.over THEN 0 ELSE old.attempts END,"
		 " endpoint = CASE WHEN NOT old.over THEN old.endpoint END,"
		 " account = CASE WHEN NOT old.over THEN old.account END,"
		 " datastore_id = CASE WHEN old.over THEN old.request ->> 'DatastoreId'"
		 " ELSE old.datastore_id END,"
		 " response = CASE WHEN NOT old.over THEN old.response END,"
		 " job_id = CASE WHEN NOT old.over THEN old.job_id END,"
		 " error_sqlstate = CASE WHEN NOT old.over THEN old.error_sqlstate END,"
		 " error_code = CASE WHEN NOT old.over THEN old.error_code END,"
		 " error_message = CASE WHEN NOT old.over THEN old.error_message END,"
		 " first_sent_at = CASE WHEN NOT old.over THEN old.first_sent_at END,"
		 " unsettled_since = CASE WHEN old.over THEN NULL"
		 " WHEN old.state = 'unknown' THEN least(old.unsettled_since,"
		 " clock_timestamp() - '1 hour'::interval)"
		 " ELSE old.unsettled_since END,"
		 " looked_at = CASE WHEN old.over THEN clock_timestamp()"
		 " ELSE old.looked_at END,"
		 " timeline = CASE WHEN old.over THEN $6"
		 " WHEN old.fence <> $5 THEN 0 ELSE old.timeline END"
		 " FROM old WHERE (r.home, r.id) = (old.home, old.id)",
		 7,
		 {INT8OID, TEXTOID, TEXTOID, BOOLOID, TEXTOID, INT4OID, TEXTOID}},
	/* …, state, note, response, who */
	[HL_STATEMENT_RESOLVE] =
		{"UPDATE @ SET state = $5, note = $6, response = coalesce($7,"
		 " response), datastore_id = coalesce($7 ->> 'DatastoreId',"
		 " datastore_id), job_id = coalesce($7 ->> 'JobId', job_id),"
		 " resolved_by = $8, resolved_at = clock_timestamp()"
		 " WHERE home = " HERE " AND id = $1 AND" MINE "AND state = 'unknown'",
		 8,
		 {INT8OID, TEXTOID, TEXTOID, BOOLOID, TEXTOID, TEXTOID, JSONBOID,
		  TEXTOID}},
	[HL_STATEMENT_READ] =
		{"SELECT r AS whole, r.state, r.finished_at IS NOT NULL AS finished,"
		 " xmin FROM @ AS r WHERE r.home = " HERE " AND r.id = $1"
		 " AND" MINE,
		 4,
		 {INT8OID, TEXTOID, TEXTOID, BOOLOID}},
	[HL_STATEMENT_PURGE] =
		{"DELETE FROM @ WHERE finished_at < now() - greatest($1,"
		 " $2::interval) AND state <> 'unknown'",
		 2,
		 {INTERVALOID, TEXTOID}},
	[HL_STATEMENT_ROLLED_BACK] =
		{"UPDATE @ SET rolled_back = $2 WHERE home = " HERE " AND id = $1",
		 2,
		 {INT8OID, BOOLOID}},
	/* a home: ids go on behind its own and this one's */
	[HL_STATEMENT_ADVANCE_IDS] =
		{"SELECT setval('!.healthlake_request_id_seq'::regclass, m.id)"
		 " FROM (SELECT max(id) FROM @ WHERE home = ANY (ARRAY[" HERE
		 ", $1])) AS m (id), !.healthlake_request_id_seq AS s"
		 " WHERE m.id > s.last_value",
		 1,
		 {TEXTOID}},
	/* a home, timeline */
	[HL_STATEMENT_ADOPT_CLASHING] =
		{"UPDATE @ AS r SET home = " HERE ", id = DEFAULT, timeline = $2"
		 " WHERE home = $1 AND EXISTS (SELECT FROM @ AS m"
		 " WHERE m.home = " HERE " AND m.id = r.id)",
		 2,
		 {TEXTOID, INT4OID}},
	[HL_STATEMENT_ADOPT] =
		{"UPDATE @ SET home = " HERE ", timeline = $2 WHERE home = $1",
		 2,
		 {TEXTOID, INT4OID}},
};
/* clang-format on */
