/*
 * statements.c
 *	  The statements.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"

#include "audit/statements.h"

/* A client token is considered valid for an hour, less the time of sending. */
#define HOUR " '58 minutes'::interval "

/* Rows to be sent or searched for, and rows to be polled. */
#define TO_SEND                                                                \
	" state = ANY ('{queued,running}') AND run_after IS NOT NULL"              \
	" AND response IS NULL "
#define TO_POLL                                                                \
	" state = ANY ('{queued,running}') AND run_after IS NOT NULL"              \
	" AND response IS NOT NULL "

/*
 * Rows without a lease. The board must be asked after the row was read: a list
 * of holders made before would lack one that has just claimed it.
 */
#define FREE                                                                   \
	" (lease_holder IS NULL OR lease_until < clock_timestamp()"                \
	" OR NOT !.healthlake_holds_leases(lease_holder)) "

/* The role that a request belongs to. */
#define ROLE " coalesce(outer_role, session_role) "

/*
 * Whether row o comes before row q of the same resource. Rows of another fence
 * are sent by another server, or not at all. The role does not matter: what one
 * puts off must not replace what another has written since. An index on home or
 * data store, which all may share, does not serve this comparison.
 */
#define COMES_FIRST                                                            \
	" (o.state <> 'running', o.id) < (q.state <> 'running', q.id)"             \
	" AND (o.home, o.fence, o.datastore_id)"                                   \
	" IS NOT DISTINCT FROM (q.home, q.fence, q.datastore_id)"                  \
	" AND o.state = ANY ('{queued,running}')) "

/*
 * Rows that no other row precedes. Requests of one FHIR resource are sent in
 * order: those that may have been sent first, then by id. A bundle writes
 * several resources.
 */
#define IN_TURN                                                                \
	" (NOT EXISTS (SELECT FROM @ AS o"                                         \
	" WHERE o.resource_id = q.resource_id"                                     \
	" AND o.resource_type = q.resource_type AND" COMES_FIRST                   \
	"AND NOT EXISTS (SELECT FROM @ AS o WHERE o.resources &&"                  \
	" ARRAY[q.resource_type || '/' || q.resource_id] AND" COMES_FIRST          \
	"AND NOT EXISTS (SELECT FROM unnest(q.resources) AS u (resource),"         \
	" @ AS o WHERE o.resource_id = split_part(u.resource, '/', 2)"             \
	" AND o.resource_type = split_part(u.resource, '/', 1) AND" COMES_FIRST    \
	"AND NOT EXISTS (SELECT FROM @ AS o WHERE o.resources && q.resources "     \
	"AND" COMES_FIRST ") "

/*
 * Due rows of a lane that may be claimed, without those that the runner holds.
 */
#define OF_LANE                                                                \
	" fence = $1 AND" ROLE "= $4 AND run_after <= $6"                          \
	" AND lease_holder IS DISTINCT FROM $3 AND id <> ALL ($7) AND" FREE

/* Those of them that are sent, not polled, and those of a list. */
#define SENT_OF_LANE TO_SEND "AND" OF_LANE "AND kind = $5"
#define LISTED(homes, ids)                                                     \
	" AND (home, id) IN (SELECT * FROM unnest(" homes ", " ids ")) "

/*
 * What a claim makes of a row. A time later than now, after the clock was set
 * back, is none. A request that must not be sent twice is marked as sent by
 * HL_STATEMENT_MARK directly before; if it is found marked, it is not sent, except
 * a FHIR request whose resource was read since. A server of another timeline may
 * have sent a copy of the row. With a fence that was the previous primary, whose
 * last commits may be lost; a client token compensates for a lost mark.
 */
#define DUE                                                                    \
	"WITH due AS MATERIALIZED ("                                               \
	"SELECT home, id, first_sent_at, unsettled_since, announced, earliest,"    \
	" careful, false AS polls,"                                                \
	" (CASE WHEN careful THEN unsettled_since IS NOT NULL"                     \
	" AND NOT (kind = 'fhir' AND looked)"                                      \
	" ELSE unsettled_since NOT BETWEEN now() -" HOUR                           \
	"AND clock_timestamp() END"                                                \
	" OR home <> " HERE                                                        \
	" OR timeline = 0 OR (($1 = '' OR careful) AND timeline <> $8)"            \
	" OR ((timeline <> $8 OR coalesce(looked_at, earliest) < $9)"              \
	" AND coalesce(looked_at, earliest) NOT BETWEEN now() -" HOUR              \
	"AND clock_timestamp())) IS TRUE AS looks"                                 \
	" FROM @ AS q, LATERAL (SELECT CASE WHEN attempts = 0"                     \
	" THEN greatest(requested_at, run_after)"                                  \
	" ELSE requested_at END,"                                                  \
	" client_token IS NULL AND kind <> 'read') AS e (earliest, careful)"       \
	" WHERE" SENT_OF_LANE

/*
 * How a claim changes the row. A "sent" of the history stays the row's where
 * nothing is sent yet; if the end of what is sent is not recorded, the next
 * sending has one of its own.
 */
#define TAKE                                                                   \
	" ORDER BY run_after, id LIMIT $2 FOR UPDATE OF q SKIP LOCKED)"            \
	" UPDATE @ AS r SET state = 'running', lease_holder = $3, claim = $11,"    \
	" lease_until = clock_timestamp() + $10,"                                  \
	" attempts = r.attempts + CASE WHEN looks THEN 0 ELSE 1 END,"              \
	" first_sent_at = CASE WHEN looks OR careful THEN r.first_sent_at"         \
	" ELSE coalesce(r.first_sent_at, clock_timestamp()) END,"                  \
	" unsettled_since = CASE WHEN looks OR careful THEN r.unsettled_since"     \
	" ELSE coalesce(r.unsettled_since, clock_timestamp()) END,"                \
	" announced = r.announced AND (looks OR careful)"                          \
	" FROM due WHERE (r.home, r.id) = (due.home, due.id)" CLAIMED

#define PEEK " ORDER BY run_after, id LIMIT least($2, 1) FOR UPDATE SKIP LOCKED"

/* The columns that a runner reads of a claimed row. */
#define CLAIMED                                                                \
	" RETURNING r.home, r.id, r.claim, r.operation, r.kind,"                   \
	" r.request::text AS request, r.client_token, r.request_hash ="            \
	" sha256(convert_to(r.request::text, 'UTF8')) AND r.body_sha256"           \
	" IS NOT DISTINCT FROM sha256(convert_to(r.body::text, 'UTF8')) AS "       \
	"intact,"                                                                  \
	" r.body::text AS body, r.resource_type, r.resource_id, r.guard,"          \
	" r.until, r.response::text AS response, r.datastore_id, r.job_id,"        \
	" r.region, r.endpoint, r.account, r.session_role, r.\"current_role\","    \
	" r.attempts, r.error_sqlstate, r.error_code, r.error_message, r.looked,"  \
	" r.failed_looks, r.unusable_looks, r.retry_of IS NOT NULL AS retries,"    \
	" due.announced, due.earliest, due.first_sent_at AS was_sent,"             \
	" due.unsettled_since AS was_unsettled, r.unsettled_since,"                \
	" r.first_sent_at, r.lease_until, due.polls, due.looks, due.careful"

/* This database of this cluster. */
#define HERE "'%'"

/* Open rows that were sent, and whose last search or poll has failed. */
#define FRUITLESS                                                              \
	" finished_at IS NULL AND state = 'running' AND (failed_looks > 0"         \
	" OR (response IS NOT NULL AND error_sqlstate IS NOT NULL)) "

/*
 * The place of a row among the requests of its resource: the id of the first
 * request that it retries, or its own.
 */
#define PLACE(row)                                                             \
	"(WITH RECURSIVE f AS (SELECT " row ".id, " row ".retry_of UNION ALL"      \
	" SELECT p.id, p.retry_of FROM f JOIN @ AS p"                              \
	" ON p.home = " HERE " AND p.id = f.retry_of)"                             \
	" SELECT min(least(f.id, f.retry_of)) FROM f)"

/* Rows of a role, or all; the parameters: the role that acts, all. */
#define MINE                                                                   \
	" (coalesce(outer_role, session_role) = $2 OR \"current_role\" = $2 OR "   \
	"$3) "

/*
 * Whether an id was given to a request here, which may be deleted but in the
 * history, or in its retry.
 */
#define IN_USE(number)                                                         \
	" (EXISTS (SELECT FROM @ AS m WHERE m.home = " HERE " AND m.id = " number  \
	") OR EXISTS (SELECT FROM @ AS m WHERE m.home = " HERE                     \
	" AND m.retry_of = " number                                                \
	") OR EXISTS (SELECT FROM !.healthlake_event AS m WHERE m.home = " HERE    \
	" AND m.request_id = " number " AND m.origin = 'queue')) "

/*
 * Whether row e is a final end of a call, after which no other may be
 * inserted. A call that a writer has recorded as interrupted may still have a
 * reply: reads have no transaction that would show that their session lives.
 */
#define IS_ENDED_BY(event)                                                     \
	" e.event <> 'sent'"                                                       \
	" AND (e.event = 'rolled_back') = (" event " = 'rolled_back')"             \
	" AND NOT (e.event = 'interrupted' AND " event " = 'replied') "

/* The event with which a state ends. */
#define IS_END(state)                                                          \
	" " state " = ANY ('{succeeded,failed,cancelled,unknown}') "

/*
 * A time that is not later than now: a day ago, if it is not known by how much
 * the clock was set back, so that nothing relies on it.
 */
#define CORRECTED(time)                                                        \
	"CASE WHEN " time " <= clock_timestamp() OR " time " IS NULL THEN " time   \
	" WHEN " time " - $1 <= clock_timestamp() THEN " time " - $1"              \
	" ELSE clock_timestamp() - '1 day'::interval END"

/* clang-format off */
const HlStatementRow hl_statements[HL_STATEMENTS] = {
	[HL_STATEMENT_INSERT] =
		{"INSERT INTO @ (operation, kind, request, client_token, request_hash,"
		 " state, reference, until, region, endpoint, run_after, fence,"
		 " timeline, account, session_role, outer_role, \"current_role\","
		 " client_addr, application_name, datastore_id, resource_type,"
		 " resource_id, resources, body, body_sha256, home)"
		 " VALUES ($1, $2, $3, $4, sha256(convert_to($3::text, 'UTF8')),"
		 " 'queued', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
		 " $16::inet, $17, coalesce($18, $3 ->> 'DatastoreId'), $19, $20, $21,"
		 " $22, sha256(convert_to($22::text, 'UTF8')), " HERE ")"
		 " RETURNING id",
		 22,
		 {TEXTOID, TEXTOID, JSONBOID, TEXTOID, JSONBOID, TEXTOID, TEXTOID,
		  TEXTOID, TIMESTAMPTZOID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID,
		  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID,
		  JSONBOID}},
	/*
	 * Parameters: fence, now. A row for each lane, found by skipping from one
	 * to the next.
	 */
	[HL_STATEMENT_LANES] =
		{"WITH RECURSIVE sends AS ("
		 "(SELECT" ROLE "AS role, kind, run_after FROM @"
		 " WHERE" TO_SEND "AND fence = $1"
		 " ORDER BY" ROLE ", kind, run_after LIMIT 1)"
		 " UNION ALL SELECT n.* FROM sends, LATERAL ("
		 "SELECT" ROLE "AS role, kind, run_after FROM @"
		 " WHERE" TO_SEND "AND fence = $1 AND (" ROLE ", kind) >"
		 " (sends.role, sends.kind)"
		 " ORDER BY" ROLE ", kind, run_after LIMIT 1) AS n),"
		 " polls AS ("
		 "(SELECT" ROLE "AS role, run_after FROM @"
		 " WHERE" TO_POLL "AND fence = $1"
		 " ORDER BY" ROLE ", run_after LIMIT 1)"
		 " UNION ALL SELECT n.* FROM polls, LATERAL ("
		 "SELECT" ROLE "AS role, run_after FROM @"
		 " WHERE" TO_POLL "AND fence = $1 AND" ROLE "> polls.role"
		 " ORDER BY" ROLE ", run_after LIMIT 1) AS n)"
		 " SELECT role, kind, false AS polls, run_after AS first,"
		 " (SELECT run_after FROM @ WHERE" TO_SEND "AND fence = $1"
		 " AND" ROLE "= l.role AND kind = l.kind"
		 " AND run_after > $2 ORDER BY run_after LIMIT 1) AS next"
		 " FROM sends AS l"
		 " UNION ALL"
		 " SELECT role, '', true, run_after,"
		 " (SELECT run_after FROM @ WHERE" TO_POLL "AND fence = $1"
		 " AND" ROLE "= l.role"
		 " AND run_after > $2 ORDER BY run_after LIMIT 1)"
		 " FROM polls AS l",
		 2,
		 {TEXTOID, TIMESTAMPTZOID}},
	/*
	 * Parameters: fence, maximum, holder, role, kind, now, ids to skip,
	 * timeline, server start, lease, claim.
	 */
	[HL_STATEMENT_CLAIM] =
		{DUE TAKE,
		 11,
		 {TEXTOID, INT4OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
		  INT8ARRAYOID, INT4OID, TIMESTAMPTZOID, INTERVALOID, INT8OID}},
	/* Further parameters: home and id of each row that may be claimed. */
	[HL_STATEMENT_CLAIM_IN_TURN] =
		{DUE LISTED("$12", "$13") "AND" IN_TURN TAKE,
		 13,
		 {TEXTOID, INT4OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
		  INT8ARRAYOID, INT4OID, TIMESTAMPTZOID, INTERVALOID, INT8OID,
		  TEXTARRAYOID, INT8ARRAYOID}},
	/*
	 * The next rows of a lane, without those that another one of them precedes,
	 * as IN_TURN means it: that need not be asked for each. Parameters: the first
	 * seven of HL_STATEMENT_CLAIM, and behind which row to begin.
	 */
	[HL_STATEMENT_PAGE] =
		{"SELECT home, id, run_after, bool_and(leads) AS leads FROM ("
		 "SELECT q.home, q.id, q.run_after, n.name IS NULL OR q.id ="
		 " coalesce(min(q.id) FILTER (WHERE q.state = 'running') OVER same,"
		 " min(q.id) OVER same) AS leads"
		 " FROM (SELECT * FROM @ AS q WHERE" SENT_OF_LANE
		 " AND (run_after, id) > ($8, $9)"
		 " ORDER BY run_after, id LIMIT $2) AS q LEFT JOIN LATERAL"
		 " (SELECT q.resource_type || '/' || q.resource_id"
		 " UNION ALL SELECT unnest(q.resources)) AS n (name) ON true"
		 " WINDOW same AS (PARTITION BY q.home, q.datastore_id,"
		 " n.name COLLATE \"C\")) AS p"
		 " GROUP BY home, id, run_after ORDER BY run_after, id",
		 9,
		 {TEXTOID, INT4OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
		  INT8ARRAYOID, TIMESTAMPTZOID, INT8OID}},
	[HL_STATEMENT_CLAIM_POLLS] =
		{"WITH due AS MATERIALIZED ("
		 "SELECT home, id, first_sent_at, unsettled_since, announced,"
		 " requested_at AS earliest, false AS careful, true AS polls,"
		 " false AS looks FROM @ AS q"
		 " WHERE" TO_POLL "AND" OF_LANE
		 /* the parameters are those of HL_STATEMENT_CLAIM */
		 "AND $5 = '' AND $8 <> 0 AND $9 IS NOT NULL"
		 " ORDER BY run_after, id LIMIT $2 FOR UPDATE OF q SKIP LOCKED)"
		 " UPDATE @ AS r SET state = 'running', lease_holder = $3, claim = $11,"
		 " lease_until = clock_timestamp() + $10"
		 " FROM due WHERE (r.home, r.id) = (due.home, due.id)" CLAIMED,
		 11,
		 {TEXTOID, INT4OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
		  INT8ARRAYOID, INT4OID, TIMESTAMPTZOID, INTERVALOID, INT8OID}},
	/* the row that a claim would take; parameters as above */
	[HL_STATEMENT_PEEK] =
		{"SELECT id FROM @ AS q WHERE" SENT_OF_LANE PEEK,
		 7,
		 {TEXTOID, INT4OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
		  INT8ARRAYOID}},
	[HL_STATEMENT_PEEK_IN_TURN] =
		{"SELECT id FROM @ AS q WHERE" SENT_OF_LANE LISTED("$8", "$9")
		 "AND" IN_TURN PEEK,
		 9,
		 {TEXTOID, INT4OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
		  INT8ARRAYOID, TEXTARRAYOID, INT8ARRAYOID}},
	[HL_STATEMENT_PEEK_POLLS] =
		{"SELECT id FROM @ AS q WHERE" TO_POLL "AND" OF_LANE "AND $5 = ''" PEEK,
		 7,
		 {TEXTOID, INT4OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
		  INT8ARRAYOID}},
	/*
	 * Parameters: home, id, holder, claim. A holder may have claimed the row
	 * twice, or another row of that id: the claim tells.
	 */
	[HL_STATEMENT_MARK] =
		{"UPDATE @ SET unsettled_since = clock_timestamp(), looked = false,"
		 " announced = false,"
		 " first_sent_at = coalesce(first_sent_at, clock_timestamp())"
		 " WHERE home = $1 AND id = $2 AND lease_holder = $3 AND claim = $4"
		 " AND state = 'running' RETURNING first_sent_at",
		 4,
		 {TEXTOID, INT8OID, INT8OID, INT8OID}},
	/* Parameters: now, and the latest end of a delay. */
	[HL_STATEMENT_SHORTEN_RESTS] =
		{"UPDATE @ SET run_after = $1 WHERE" TO_SEND
		 "AND attempts > 0 AND run_after > $2 AND" FREE,
		 2,
		 {TIMESTAMPTZOID, TIMESTAMPTZOID}},
	[HL_STATEMENT_SHORTEN_POLLS] =
		{"UPDATE @ SET run_after = $1 WHERE" TO_POLL
		 "AND run_after > $2 AND" FREE,
		 2,
		 {TIMESTAMPTZOID, TIMESTAMPTZOID}},
	/* Parameters: home, id, holder, claim, lease. */
	[HL_STATEMENT_RENEW] =
		{"UPDATE @ SET lease_until = clock_timestamp() + $5"
		 " WHERE home = $1 AND id = $2 AND lease_holder = $3 AND claim = $4"
		 " AND state = 'running' RETURNING lease_until",
		 5,
		 {TEXTOID, INT8OID, INT8OID, INT8OID, INTERVALOID}},
	/*
	 * Parameter: by how much the clock was set back, or null. Corrects times
	 * that are later than now. What was recorded a moment ago by another runner
	 * is not: the clock is read after the row.
	 */
	[HL_STATEMENT_CORRECT_TIMES] =
		{"UPDATE @ SET first_sent_at = " CORRECTED("first_sent_at") ","
		 " unsettled_since = " CORRECTED("unsettled_since")
		 " WHERE" TO_SEND "AND attempts > 0"
		 " AND (first_sent_at > clock_timestamp()"
		 " OR unsettled_since > clock_timestamp()) AND" FREE,
		 1,
		 {INTERVALOID}},
	[HL_STATEMENT_RECORD] =
		{"UPDATE @ SET state = $3, response = coalesce($4, response),"
		 " datastore_id = coalesce($5, datastore_id),"
		 " job_id = coalesce($6, job_id), error_sqlstate = $7,"
		 " error_code = $8, error_message = $9,"
		 " aws_request_id = coalesce($10, aws_request_id),"
		 " account = coalesce($11, account), run_after = $12,"
		 " first_sent_at = $13, unsettled_since = $14,"
		 " looked_at = CASE WHEN $15 THEN c.time ELSE looked_at END,"
		 " looked = $15 OR $23,"
		 " failed_looks = CASE WHEN $15 THEN 0 ELSE $25 END,"
		 " unusable_looks = CASE WHEN $15 THEN 0 ELSE $26 END,"
		 " timeline = CASE WHEN $15 THEN $16 ELSE timeline END,"
		 " note = coalesce($17, note), endpoint = coalesce(endpoint, $18),"
		 " lease_until = NULL, lease_holder = NULL,"
		 " finished_at = CASE WHEN" IS_END("$3") "THEN c.time END,"
		 " duration = CASE WHEN" IS_END("$3") "THEN c.time - $13 END,"
		 " resource_id = coalesce(resource_id, $20), version_id = $21,"
		 " guard = coalesce($22, guard), announced = $27,"
		 " body = CASE WHEN $3 <> 'succeeded' THEN body END"
		 " FROM (SELECT clock_timestamp() OFFSET 0) AS c (time)"
		 " WHERE home = $19 AND id = $1 AND lease_holder = $2 AND claim = $24"
		 " AND state = 'running'",
		 27,
		 {INT8OID, INT8OID, TEXTOID, JSONBOID, TEXTOID, TEXTOID, TEXTOID,
		  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
		  TIMESTAMPTZOID, BOOLOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
		  TEXTOID, TEXTOID, BOOLOID, INT8OID, INT4OID, INT4OID, BOOLOID}},
	/*
	 * Parameters: id, what was found, home. A manually inserted row has no
	 * kind.
	 */
	[HL_STATEMENT_ADOPTED] =
		{"SELECT EXISTS (SELECT FROM @ WHERE (home, id) <> ($3, $1)"
		 " AND ((datastore_id = $2 AND kind = ANY ('{create,\"\"}'))"
		 " OR job_id = $2))"
		 " OR EXISTS (SELECT FROM !.healthlake_event"
		 " WHERE (home = $3 AND request_id = $1 AND origin = 'queue')"
		 " IS NOT TRUE AND ((datastore_id = $2 AND kind = 'create')"
		 " OR job_id = $2)) AS adopted",
		 3,
		 {INT8OID, TEXTOID, TEXTOID}},
	/*
	 * Parameters: id, operation, member and its value, the time since which it
	 * may have been sent, home. Each part of the unsettled rows has an index.
	 */
	[HL_STATEMENT_TWIN] =
		{"SELECT EXISTS (SELECT FROM @ AS r WHERE (home, id) <> ($6, $1)"
		 " AND ((" TO_SEND ") OR (" TO_POLL ") OR (state = 'unknown'"
		 " AND (finished_at IS NULL OR finished_at >= $5)))"
		 " AND operation = $2 AND request ->> $3 = $4"
		 /* the retry of a request searches instead of it */
		 " AND NOT EXISTS (SELECT FROM @ AS n"
		 " WHERE n.home = r.home AND n.retry_of = r.id)) AS twin",
		 6,
		 {INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID}},
	/*
	 * Parameters: the member that is the name, the role that acts, whether it
	 * sees all, operation, name, region, endpoint, account, time. Requests that
	 * will create, or may have created since then, an object of that name. The
	 * last two of the target are not always known before a request is sent.
	 */
	[HL_STATEMENT_CREATIONS] =
		{"SELECT datastore_id, client_token,"
		 " coalesce(finished_at, first_sent_at, requested_at) AS since,"
		 " state <> 'unknown' AS open, id AS request," MINE "AS mine"
		 " FROM @ AS r WHERE ((" TO_SEND ") OR (" TO_POLL ")"
		 " OR (state = 'unknown'"
		 " AND (finished_at IS NULL OR finished_at >= $9)))"
		 " AND (kind = 'create' OR (kind = '' AND operation = $4))"
		 " AND home = " HERE " AND request ->> $1 = $5 AND region = $6"
		 " AND (endpoint = $7) IS NOT FALSE AND (account = $8) IS NOT FALSE"
		 /* the retry of a request stands for it */
		 " AND NOT EXISTS (SELECT FROM @ AS n"
		 " WHERE n.home = r.home AND n.retry_of = r.id) ORDER BY r.id",
		 9,
		 {TEXTOID, TEXTOID, BOOLOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
		  TEXTOID, TIMESTAMPTZOID}},
	[HL_STATEMENT_NOTIFY] = {"SELECT pg_notify('healthlake', $1::text)",
							 1,
							 {INT8OID}},
	/* Parameters: id, number. The first of so many events before that one. */
	[HL_STATEMENT_SWEEP_FROM] =
		{"SELECT min(id) AS id FROM (SELECT id FROM !.healthlake_event"
		 " WHERE id < $1 ORDER BY id DESC LIMIT $2) AS e",
		 2,
		 {INT8OID, INT4OID}},
	/*
	 * Parameters: home, the first id, and the one behind the last. The last
	 * event of calls without an end, and of calls whose transaction was, or
	 * may yet be, rolled back without a record of it. They were begun by an
	 * event with one of these ids.
	 */
	[HL_STATEMENT_SWEEP] =
		{"SELECT DISTINCT ON (s.id) e.*"
		 " FROM !.healthlake_event AS s JOIN !.healthlake_event AS e"
		 " ON e.request_id = s.request_id AND e.home = s.home"
		 " AND e.origin = 'call',"
		 " LATERAL (SELECT CASE WHEN s.transaction"
		 " < pg_snapshot_xmax(pg_current_snapshot())"
		 " THEN pg_xact_status(s.transaction) ELSE 'in progress' END)"
		 " AS x (status)"
		 " WHERE s.id >= $2 AND s.id < $3"
		 " AND s.home = $1 AND s.origin = 'call' AND s.event = 'sent'"
		 " AND NOT EXISTS (SELECT FROM !.healthlake_event AS o"
		 " WHERE o.request_id = s.request_id AND o.home = s.home"
		 " AND o.origin = 'call' AND (o.event = 'rolled_back'"
		 /* reads, which a rollback does not undo, have no transaction */
		 " OR (o.event <> 'sent' AND (o.outcome = 'failed'"
		 " OR s.transaction IS NULL"
		 " OR coalesce(x.status, 'committed') = 'committed'))))"
		 " ORDER BY s.id, e.event = 'sent', e.event = 'interrupted'",
		 3,
		 {TEXTOID, INT8OID, INT8OID}},
	[HL_STATEMENT_CANCEL] =
		{"UPDATE @ SET state = 'cancelled', finished_at = clock_timestamp(),"
		 " body = NULL"
		 " WHERE home = " HERE " AND id = (SELECT id FROM @"
		 " WHERE home = " HERE " AND id = $1 AND" MINE
		 " AND state = 'queued' AND response IS NULL"
		 " AND unsettled_since IS NULL FOR UPDATE SKIP LOCKED)",
		 3,
		 {INT8OID, TEXTOID, BOOLOID}},
	/*
	 * Until the end of the transaction nobody else changes the request. What
	 * refers to it is only seen by the next statement. An open one is never
	 * locked: its runner would wait with all that it sends, even for a client
	 * that does not read why it was refused.
	 */
	[HL_STATEMENT_LOCK] = {"SELECT id FROM @ WHERE home = " HERE
						   " AND id = $1 AND finished_at IS NOT NULL AND" MINE
						   "FOR UPDATE",
						   3,
						   {INT8OID, TEXTOID, BOOLOID}},
	/* the state of a request before a user changes it */
	[HL_STATEMENT_LOOK] =
		{"SELECT operation, kind, state, fence, finished_at IS NOT NULL AS finished,"
		 " unsettled_since IS NOT NULL OR response IS NOT NULL AS begun,"
		 " (SELECT n.id FROM @ AS n WHERE n.home = r.home"
		 " AND n.retry_of = r.id) AS retried_as, request::text AS request,"
		 " body IS NULL AND body_sha256 IS NOT NULL AS emptied"
		 " FROM @ AS r WHERE home = " HERE " AND id = $1 AND" MINE,
		 3,
		 {INT8OID, TEXTOID, BOOLOID}},
	/*
	 * An open request that nobody may ever learn the outcome of, unless somebody
	 * is about to: a runner that has it is not waited for. A runner whose lease
	 * is over does not find it any more to record what it has found.
	 */
	[HL_STATEMENT_HOLD] = {"SELECT id FROM @ WHERE home = " HERE
						   " AND id = $1 AND" MINE "AND" FRUITLESS "AND" FREE
						   "FOR UPDATE SKIP LOCKED",
						   3,
						   {INT8OID, TEXTOID, BOOLOID}},
	/*
	 * Parameters: id, fence. Assigns an open request of another fence to this
	 * one.
	 */
	[HL_STATEMENT_TAKE_OVER] =
		{"UPDATE @ SET fence = $2, timeline = 0, run_after = clock_timestamp(),"
		 " lease_holder = NULL, lease_until = NULL"
		 " WHERE home = " HERE " AND id = (SELECT id FROM @"
		 " WHERE home = " HERE " AND id = $1 AND finished_at IS NULL"
		 " AND fence <> $2 AND" FREE "FOR UPDATE SKIP LOCKED)",
		 2,
		 {INT8OID, TEXTOID}},
	/*
	 * Parameters: id, fence, timeline, token. A failed request is repeated
	 * with another token; one of unknown outcome is searched for with its own.
	 */
	[HL_STATEMENT_RETRY] =
		{"INSERT INTO @ (operation, request, client_token, request_hash, state,"
		 " origin, retry_of, reference, until, attempts, datastore_id, account,"
		 " region, endpoint, session_role, outer_role, \"current_role\","
		 " client_addr, application_name, run_after, first_sent_at,"
		 " unsettled_since, looked_at, fence, timeline, kind, resource_type,"
		 " resource_id, resources, body, body_sha256, guard, home)"
		 " SELECT operation, request,"
		 " CASE WHEN over AND client_token IS NOT NULL THEN $4"
		 " ELSE client_token END, request_hash, 'queued', 'queue', id,"
		 " reference, until, CASE WHEN over THEN 0 ELSE attempts END,"
		 " CASE WHEN kind = 'fhir' THEN datastore_id"
		 " ELSE request ->> 'DatastoreId' END,"
		 " CASE WHEN NOT over THEN account END,"
		 " region, CASE WHEN NOT over THEN endpoint END, session_role,"
		 " outer_role, \"current_role\", client_addr, application_name,"
		 " clock_timestamp(), CASE WHEN NOT over THEN CASE"
		 " WHEN first_sent_at > clock_timestamp()"
		 " THEN clock_timestamp() - '1 day'::interval ELSE first_sent_at END"
		 " END,"
		 " CASE WHEN NOT over THEN least(unsettled_since,"
		 " clock_timestamp() - '1 hour'::interval) END,"
		 " CASE WHEN over THEN clock_timestamp() WHEN kind <> 'fhir'"
		 " THEN looked_at END, $2,"
		 " CASE WHEN over THEN $3 WHEN fence <> $2 THEN 0 ELSE timeline END,"
		 " kind, resource_type, resource_id, resources, body, body_sha256,"
		 " CASE WHEN NOT over THEN guard END, home"
		 " FROM @ AS r, LATERAL (SELECT state <> 'unknown') AS o (over)"
		 " WHERE home = " HERE " AND id = $1 AND state = ANY ('{failed,cancelled,unknown}')"
		 " AND (body_sha256 IS NULL OR body IS NOT NULL)"
		 " ON CONFLICT (home, retry_of) WHERE retry_of IS NOT NULL DO NOTHING"
		 " RETURNING id",
		 4,
		 {INT8OID, TEXTOID, INT4OID, TEXTOID}},
	/*
	 * Parameter: id. The retry has the body now. A request without one is
	 * updated, too, so that a transaction that does not see the retry, in
	 * REPEATABLE READ, cannot change it.
	 */
	[HL_STATEMENT_EMPTY] = {"UPDATE @ SET body = NULL WHERE home = " HERE
							" AND id = $1",
							1,
							{INT8OID}},
	/*
	 * Parameter: id. A later request of its FHIR resource that was sent, or
	 * will be; if it is open, requests that wait for it do not count. A retry,
	 * of either, has the place of the first request that it retries.
	 */
	[HL_STATEMENT_LATER] =
		{"WITH r AS MATERIALIZED (SELECT q.*, q.resource_type || '/' ||"
		 " q.resource_id AS resource, " PLACE("q") " AS place"
		 " FROM @ AS q WHERE q.home = " HERE " AND q.id = $1),"
		 " o AS (SELECT o.* FROM r JOIN @ AS o ON o.resource_id = r.resource_id"
		 " AND o.resource_type = r.resource_type UNION ALL"
		 " SELECT o.* FROM r JOIN @ AS o ON o.resources && ARRAY[r.resource]"
		 " UNION ALL SELECT o.* FROM r JOIN @ AS o ON o.resources && r.resources"
		 " UNION ALL SELECT o.* FROM r, unnest(r.resources) AS u (resource)"
		 " JOIN @ AS o ON o.resource_id = split_part(u.resource, '/', 2)"
		 " AND o.resource_type = split_part(u.resource, '/', 1))"
		 " SELECT o.id FROM r JOIN o ON o.id > r.place AND o.home = r.home"
		 " AND " PLACE("o") " > r.place"
		 " AND o.datastore_id = r.datastore_id AND o.state = ANY"
		 " ('{queued,running,succeeded,unknown}')"
		 " AND (r.finished_at IS NOT NULL OR o.finished_at IS NOT NULL"
		 " OR o.fence <> r.fence) ORDER BY o.id LIMIT 1",
		 1,
		 {INT8OID}},
	/*
	 * Parameters: home, id, type and id of a resource. The result of the last
	 * request before this one, for which this one waited.
	 */
	[HL_STATEMENT_BEFORE] =
		{"SELECT o.version_id, o.operation = 'DeleteResource' AS deletes"
		 " FROM @ AS q JOIN @ AS o ON o.id < q.id AND o.home = q.home"
		 " AND o.datastore_id = q.datastore_id AND o.state = 'succeeded'"
		 " AND o.finished_at >= q.requested_at"
		 " WHERE q.home = $1 AND q.id = $2 AND o.resource_type = $3"
		 " AND o.resource_id = $4 ORDER BY o.id DESC LIMIT 1",
		 4,
		 {TEXTOID, INT8OID, TEXTOID, TEXTOID}},
	/*
	 * Parameters: …, state, note, response, role. If the request is open,
	 * HL_STATEMENT_HOLD has locked it.
	 */
	[HL_STATEMENT_RESOLVE] =
		{"UPDATE @ SET state = $4, note = $5, body = NULL, response = coalesce($6,"
		 " response), datastore_id = coalesce($6 ->> 'DatastoreId',"
		 " datastore_id), job_id = coalesce($6 ->> 'JobId', job_id),"
		 " resolved_by = $7, resolved_at = clock_timestamp(),"
		 " finished_at = coalesce(finished_at, clock_timestamp()),"
		 " duration = coalesce(duration, clock_timestamp() - first_sent_at),"
		 " lease_holder = NULL, lease_until = NULL"
		 " WHERE home = " HERE " AND id = (SELECT r.id FROM @ AS r"
		 " WHERE r.home = " HERE " AND r.id = $1 AND" MINE
		 "AND (state = 'unknown' OR finished_at IS NULL) AND NOT EXISTS (SELECT FROM @ AS n"
		 " WHERE n.home = r.home AND n.retry_of = r.id) FOR UPDATE)",
		 7,
		 {INT8OID, TEXTOID, BOOLOID, TEXTOID, TEXTOID, JSONBOID, TEXTOID}},
	[HL_STATEMENT_READ] =
		{"SELECT r AS whole, r.state, r.finished_at IS NOT NULL AS finished,"
		 " xmin FROM @ AS r WHERE r.home = " HERE " AND r.id = $1"
		 " AND" MINE,
		 3,
		 {INT8OID, TEXTOID, BOOLOID}},
	[HL_STATEMENT_PURGE] =
		{"DELETE FROM @ AS r WHERE finished_at < now() - $1 AND (state <> 'unknown'"
		 " OR EXISTS (SELECT FROM @ AS n WHERE n.home = r.home"
		 " AND n.retry_of = r.id))",
		 1,
		 {INTERVALOID}},
	/* by the calendar, since months and years have different lengths */
	[HL_STATEMENT_PURGE_EVENTS] =
		{"DELETE FROM !.healthlake_event"
		 " WHERE at < least(now() - $1, now() - $2::interval)",
		 2,
		 {INTERVALOID, TEXTOID}},
	/* the homes of open requests, and their number */
	[HL_STATEMENT_FOREIGN] =
		{"SELECT home, count(*) AS requests FROM @ WHERE" TO_SEND
		 "AND home <> " HERE " GROUP BY home ORDER BY home",
		 0},
	/* Parameter: the fence. */
	[HL_STATEMENT_OVERDUE] =
		{"SELECT count(*) AS requests FROM @ WHERE home = " HERE
		 " AND state = ANY ('{queued,running}') AND fence = $1"
		 " AND run_after < clock_timestamp() - interval '1 minute'"
		 " HAVING count(*) > 0",
		 1,
		 {TEXTOID}},
	/*
	 * Parameter: a home. Advances the sequence beyond the ids of both homes.
	 * The name of the schema must not be in a literal, which an apostrophe in
	 * it would end.
	 */
	[HL_STATEMENT_ADVANCE_IDS] =
		{"SELECT setval(s.tableoid::regclass, m.id)"
		 " FROM (SELECT max(id) FROM @ WHERE home = ANY (ARRAY[" HERE
		 ", $1])) AS m (id), !.healthlake_request_id_seq AS s"
		 " WHERE m.id > s.last_value",
		 1,
		 {TEXTOID}},
	/*
	 * Parameter: a home. The requests that will get another id, in the order
	 * of their ids: those whose id is in use, and, since the ids tell the order
	 * of FHIR requests, all of these behind the first such one.
	 */
	[HL_STATEMENT_ADOPT_CLASHING] =
		{"SELECT r.id FROM @ AS r WHERE r.home = $1 AND (" IN_USE("r.id")
		 " OR (r.kind = 'fhir' AND r.id > (SELECT min(c.id) FROM @ AS c"
		 " WHERE c.home = $1 AND c.kind = 'fhir' AND" IN_USE("c.id") ")))"
		 " ORDER BY r.id",
		 1,
		 {TEXTOID}},
	/* Parameters: a home, id. The next id for a request, also in its retry. */
	[HL_STATEMENT_ADOPT_RENUMBER] =
		{"WITH r AS (UPDATE @ SET id = DEFAULT WHERE home = $1 AND id = $2"
		 " RETURNING id), n AS (UPDATE @ AS n SET retry_of = r.id FROM r"
		 " WHERE n.home = $1 AND n.retry_of = $2) SELECT id FROM r",
		 2,
		 {TEXTOID, INT8OID}},
	/*
	 * Parameter: a home. Retries of requests that are no more there, and whose
	 * id is another's here.
	 */
	[HL_STATEMENT_ADOPT_RETRIES] =
		{"UPDATE @ AS r SET retry_of = NULL WHERE home = $1"
		 " AND NOT EXISTS (SELECT FROM @ AS o WHERE o.home = $1"
		 " AND o.id = r.retry_of) AND" IN_USE("r.retry_of"),
		 1,
		 {TEXTOID}},
	/*
	 * Parameters: a home, timeline. A runner that searches for one of them does
	 * not find it any more to record what it has found, and others need not
	 * wait until its lease ends.
	 */
	[HL_STATEMENT_ADOPT] =
		{"UPDATE @ AS r SET home = " HERE ", timeline = $2,"
		 " lease_holder = NULL, lease_until = NULL WHERE home = $1"
		 " RETURNING r.id",
		 2,
		 {TEXTOID, INT4OID}},
	/*
	 * Parameters: base of ids; home and id of the request, event, outcome,
	 * note, duration; the acting client, or nulls.
	 */
	[HL_STATEMENT_REQUEST_EVENT] =
		{"INSERT INTO !.healthlake_event (id, home, request_id, event, origin,"
		 " operation, kind, request, client_token, region, endpoint, account,"
		 " datastore_id, job_id, session_role, outer_role, \"current_role\","
		 " client_addr, application_name, outcome, aws_request_id, error_code,"
		 " error_message, attempts, duration, note)"
		 " SELECT $1 + nextval(#), r.home, r.id, $4, 'queue', r.operation,"
		 " r.kind, r.request, r.client_token, r.region, r.endpoint, r.account,"
		 " r.datastore_id, r.job_id, coalesce($8, r.session_role),"
		 " coalesce($9, r.outer_role), coalesce($10, r.\"current_role\"),"
		 " CASE WHEN $13 THEN $11::inet ELSE r.client_addr END,"
		 " CASE WHEN $13 THEN $12 ELSE r.application_name END, $5,"
		 " CASE WHEN $14 THEN r.aws_request_id END,"
		 " CASE WHEN $14 THEN coalesce(r.error_code, r.error_sqlstate) END,"
		 " CASE WHEN $14 THEN r.error_message END, r.attempts, $7, $6"
		 " FROM @ AS r WHERE r.home = $2 AND r.id = $3",
		 14,
		 {INT8OID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, INTERVALOID,
		  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID},
		 CURSOR_OPT_GENERIC_PLAN},
	/*
	 * Parameters: base of ids, home, then the columns. A call has one end,
	 * even if it is reported twice.
	 */
	[HL_STATEMENT_CALL_EVENT] =
		{"WITH next AS MATERIALIZED (SELECT $1 + nextval(#) AS id)"
		 " INSERT INTO !.healthlake_event (id, home, request_id, event, origin,"
		 " operation, kind, request, client_token, region, endpoint, account,"
		 " datastore_id, job_id, transaction, session_role, outer_role,"
		 " \"current_role\", client_addr, application_name, outcome,"
		 " aws_request_id, error_code, error_message, attempts, duration, note,"
		 " resource_count, resources, patients)"
		 " SELECT next.id, $2, CASE WHEN $4 = 'sent' THEN next.id"
		 " ELSE $3::int8 END, $4,"
		 " CASE WHEN $4 = 'purged' THEN 'queue' ELSE 'call' END,"
		 " $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::xid8, $15, $16, $17,"
		 " $18::inet, $19, $20, $21, $22, $23, $24::int4, $25::interval, $26,"
		 " $27::int8, $28::text[], $29::text[] FROM next"
		 " WHERE $3 IS NULL OR NOT EXISTS (SELECT FROM !.healthlake_event AS e"
		 " WHERE e.request_id = $3::int8 AND e.origin = 'call' AND e.home = $2"
		 " AND" IS_ENDED_BY("$4") ")"
		 " RETURNING id",
		 29,
		 {INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID,
		  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
		  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
		  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
		  TEXTOID},
		 CURSOR_OPT_GENERIC_PLAN},
	/*
	 * Parameters: home, id of the request, event. Whether there is such an
	 * end.
	 */
	[HL_STATEMENT_CALL_ENDED] =
		{"SELECT 1 FROM !.healthlake_event AS e"
		 " WHERE e.request_id = $2::int8 AND e.origin = 'call' AND e.home = $1"
		 " AND" IS_ENDED_BY("$3") "LIMIT 1",
		 3,
		 {TEXTOID, TEXTOID, TEXTOID}},
};
/* clang-format on */
