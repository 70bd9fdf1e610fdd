-- What each role can see of requests and do with them: the superuser, a role for each word of
-- healthlake_grant(), and one without grants, like PUBLIC.

\ir queue_setup.sql
SELECT no_plan();

CREATE TEMPORARY TABLE who AS SELECT n, what, CASE what WHEN 'superuser' THEN session_user ELSE 'healthlake_may_' || what END AS role
  FROM unnest(ARRAY['superuser', 'read', 'create', 'manage', 'delete', 'audit', 'nothing']) WITH ORDINALITY AS w (what, n);
SELECT format('CREATE ROLE %I', role) FROM who WHERE n > 1 \gexec
SELECT healthlake_grant(role::regrole, what) FROM who WHERE n BETWEEN 2 AND 6 \g /dev/null

-- Whether a role can run a statement. Its effects are rolled back.
CREATE FUNCTION can(role text, statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	found boolean;
BEGIN
	EXECUTE format('SET SESSION AUTHORIZATION %I', role);
	IF statement ~ '^SELECT count' THEN
		EXECUTE statement INTO found;
	ELSE
		EXECUTE statement;
	END IF;
	RAISE EXCEPTION USING ERRCODE = CASE WHEN found THEN 'DID02' WHEN found IS NULL THEN 'DID01' ELSE 'DID00' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE NOT IN ('42501', '55P02', 'DID00');
END
$$;

-- A request of each role.
INSERT INTO healthlake_request (operation, request, request_hash, state, origin, region, session_role, "current_role", timeline, run_after)
SELECT CASE what WHEN 'manage' THEN 'TagResource' ELSE 'CreateFHIRDatastore' END, jsonb_build_object('DatastoreName', 'of ' || what), '', 'queued', 'queue', 'us-east-1', role, role, 1, '2999-01-01' FROM who;
INSERT INTO healthlake_event (home, event, origin, session_role, "current_role") SELECT healthlake_home(), 'enqueued', 'queue', role, role FROM who;

CREATE TEMPORARY TABLE wanted (n integer GENERATED ALWAYS AS IDENTITY, what text, statement text, superuser text, read text, "create" text, manage text, delete text, audit text, nothing text);
INSERT INTO wanted (what, statement, superuser, read, "create", manage, delete, audit, nothing) VALUES
	('sees its own rows', 'SELECT count(*) > 0 FROM healthlake_request WHERE "current_role" = current_user', 'x', '-', 'x', 'x', 'x', 'x', '-'),
	('sees the rows of others', 'SELECT count(*) > 0 FROM healthlake_request WHERE "current_role" <> current_user', 'x', '-', '-', '-', '-', 'x', '-'),
	('sees its own events', 'SELECT count(*) > 0 FROM healthlake_event WHERE "current_role" = current_user', 'x', '-', 'x', 'x', 'x', 'x', '-'),
	('sees the events of others', 'SELECT count(*) > 0 FROM healthlake_event WHERE "current_role" <> current_user', 'x', '-', '-', '-', '-', 'x', '-'),
	('INSERT of an event', 'INSERT INTO healthlake_event (home, event, origin, session_role, "current_role") VALUES ('''', ''sent'', ''call'', '''', '''')', 'x', '-', '-', '-', '-', '-', '-'),
	('UPDATE of an event', 'UPDATE healthlake_event SET note = ''x''', 'x', '-', '-', '-', '-', '-', '-'),
	('DELETE of an event', 'DELETE FROM healthlake_event', 'x', '-', '-', '-', '-', '-', '-'),
	('INSERT', 'INSERT INTO healthlake_request (operation, request, request_hash, state, origin, region, session_role, "current_role", timeline) VALUES ('''', ''{}'', '''', ''queued'', ''queue'', '''', '''', '''', 1)', 'x', '-', '-', '-', '-', '-', '-'),
	('UPDATE', 'UPDATE healthlake_request SET note = ''x''', 'x', '-', '-', '-', '-', '-', '-'),
	('DELETE', 'DELETE FROM healthlake_request', 'x', '-', '-', '-', '-', '-', '-'),
	('TRUNCATE', 'TRUNCATE healthlake_request', 'x', '-', '-', '-', '-', '-', '-'),
	('LOCK', 'LOCK healthlake_request IN ACCESS EXCLUSIVE MODE', 'x', '-', '-', '-', '-', '-', '-'),
	('a trigger of its own', 'CREATE TRIGGER healthlake_t BEFORE INSERT ON healthlake_request EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'x', '-', '-', '-', '-', '-', '-'),
	('nextval', 'SELECT nextval(''healthlake_request_id_seq'')', 'x', '-', '-', '-', '-', '-', '-'),
	('setval', 'SELECT setval(''healthlake_request_id_seq'', 1)', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_enqueue', 'SELECT healthlake_enqueue(NULL, ''{}'')', 'x', '-', 'x', 'x', 'x', '-', '-'),
	('… a creation', 'SELECT healthlake_enqueue(''CreateFHIRDatastore'', ''{"DatastoreTypeVersion": "R4"}'')', 'x', '-', 'x', '-', '-', '-', '-'),
	('… a change', 'SELECT healthlake_enqueue(''TagResource'', ''{"ResourceARN": "arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/x", "Tags": []}'')', 'x', '-', '-', 'x', '-', '-', '-'),
	('… a deletion', 'SELECT healthlake_enqueue(''DeleteFHIRDatastore'', ''{"DatastoreId": "x"}'')', 'x', '-', '-', '-', 'x', '-', '-'),
	('healthlake_enqueue_create_datastore', 'SELECT healthlake_enqueue_create_datastore(''x'')', 'x', '-', 'x', '-', '-', '-', '-'),
	('healthlake_fhir_enqueue', 'SELECT healthlake_fhir_enqueue(''DELETE'', ''Patient/1'', datastore_id => repeat(''0'', 32))', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_fhir_enqueue_create', 'SELECT healthlake_fhir_enqueue_create(''{"resourceType": "Patient"}'', datastore_id => repeat(''0'', 32))', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_fhir_enqueue_update', 'SELECT healthlake_fhir_enqueue_update(''{"resourceType": "Patient", "id": "1"}'', datastore_id => repeat(''0'', 32))', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_fhir_enqueue_patch', 'SELECT healthlake_fhir_enqueue_patch(''Patient'', ''1'', ''[]'', datastore_id => repeat(''0'', 32))', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_fhir_enqueue_delete', 'SELECT healthlake_fhir_enqueue_delete(''Patient'', ''1'', datastore_id => repeat(''0'', 32))', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_fhir_enqueue_bundle', 'SELECT healthlake_fhir_enqueue_bundle(''[{"method": "DELETE", "url": "Patient/1"}]'', datastore_id => repeat(''0'', 32))', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_cancel_request', 'SELECT healthlake_cancel_request(0)', 'x', '-', 'x', 'x', 'x', '-', '-'),
	('healthlake_retry_request', 'SELECT healthlake_retry_request(0)', 'x', '-', 'x', 'x', 'x', '-', '-'),
	('healthlake_wait_request', 'SELECT healthlake_wait_request(0)', 'x', '-', 'x', 'x', 'x', '-', '-'),
	('healthlake_resolve_request', 'SELECT healthlake_resolve_request(0, ''failed'', ''x'')', 'x', '-', '-', 'x', '-', '-', '-'),
	('healthlake_run_queue', 'CALL healthlake_run_queue()', 'x', '-', '-', 'x', '-', '-', '-'),
	('healthlake_adopt_requests', 'SELECT healthlake_adopt_requests(''1/1'')', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_purge_requests', 'SELECT healthlake_purge_requests(''1 day'')', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_operation_statistics', 'SELECT healthlake_operation_statistics()', 'x', 'x', '-', '-', '-', 'x', '-'),
	('healthlake_reset_statistics', 'SELECT healthlake_reset_statistics()', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_protect_request', 'SELECT healthlake_protect_request()', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_protect_event', 'SELECT healthlake_protect_event()', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_holds_leases', 'SELECT healthlake_holds_leases(1)', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_home', 'SELECT healthlake_home()', 'x', '-', '-', '-', '-', '-', '-'),
	('healthlake_audit', 'SELECT FROM healthlake_audit', 'x', '-', '-', '-', '-', 'x', '-'),
	('healthlake_created_datastores', 'SELECT FROM healthlake_created_datastores', 'x', '-', '-', '-', '-', 'x', '-'),
	('healthlake_stuck_requests', 'SELECT FROM healthlake_stuck_requests', 'x', '-', '-', '-', '-', 'x', '-'),
	('healthlake_left_behind', 'SELECT FROM healthlake_left_behind', 'x', '-', '-', '-', '-', 'x', '-'),
	('healthlake_statistics', 'SELECT FROM healthlake_statistics', 'x', 'x', '-', '-', '-', 'x', '-'),
	('change of a view', 'UPDATE healthlake_audit SET note = ''x''', 'x', '-', '-', '-', '-', '-', '-'),
	('SET healthlake.audit', 'SET healthlake.audit = off', 'x', '-', '-', '-', '-', '-', '-'),
	('SET healthlake.audit_retention', 'SET healthlake.audit_retention = ''1 day''', 'x', '-', '-', '-', '-', '-', '-'),
	('SET healthlake.autostart_worker', 'SET healthlake.autostart_worker = on', 'x', '-', '-', '-', '-', '-', '-'),
	('SET healthlake.fence', 'SET healthlake.fence = ''x''', 'x', '-', '-', '-', '-', '-', '-'),
	('SET healthlake.tag_requests', 'SET healthlake.tag_requests = on', 'x', '-', '-', '-', '-', '-', '-'),
	('SET healthlake.max_concurrency', 'SET healthlake.max_concurrency = 2', 'x', 'x', 'x', 'x', 'x', 'x', 'x'),
	('SET healthlake.worker_databases', 'SET healthlake.worker_databases = ''x''', '-', '-', '-', '-', '-', '-', '-'),
	('SET healthlake.worker_count', 'SET healthlake.worker_count = 2', '-', '-', '-', '-', '-', '-', '-');

CREATE TEMPORARY TABLE tried AS SELECT w.n, w.what, who.n AS column, CASE WHEN can(who.role, w.statement) THEN 'x' ELSE '-' END AS got,
	to_jsonb(w) ->> who.what AS want FROM wanted AS w, who;
SELECT is(string_agg(got, ' ' ORDER BY t.column), string_agg(want, ' ' ORDER BY t.column), what) FROM tried AS t GROUP BY n, what ORDER BY n;
SELECT diag(format('%-36s', '') || string_agg(format('%-10s', what), '' ORDER BY n)) FROM who;
SELECT diag(format('%-36s', what) || string_agg(format('%-10s', got), '' ORDER BY t.column)) FROM tried AS t GROUP BY n, what ORDER BY n;
SELECT is(array_agg(p.proname::text ORDER BY p.proname)::text, NULL, 'every function of the queue has been tried') FROM pg_proc AS p
 WHERE p.proname ~ '^healthlake_.*(request|queue|statistics|leases|home|event)' AND NOT EXISTS (SELECT FROM wanted WHERE what = p.proname);
SELECT is(array_agg(c.relname::text ORDER BY c.relname)::text, NULL, 'and every view') FROM pg_class AS c
 WHERE c.relname ~ '^healthlake_' AND c.relkind = 'v' AND NOT EXISTS (SELECT FROM wanted WHERE what = c.relname);

-- A foreign column of the row type would prevent the owner from altering or dropping the table

CREATE FUNCTION as_stranger(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL ROLE healthlake_may_nothing;
	EXECUTE statement;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
CREATE SCHEMA healthlake_own AUTHORIZATION healthlake_may_nothing;
SELECT is(as_stranger(format('CREATE TABLE healthlake_own.t (r %s)', type)), '42501', 'no column of type ' || type)
  FROM (SELECT c.oid::regclass::text || suffix AS type FROM pg_class AS c, unnest('{"",[]}'::text[]) AS suffix WHERE c.relname ~ '^healthlake_' AND c.relkind IN ('r', 'v', 'c')) AS t;
DROP SCHEMA healthlake_own;
SET ROLE healthlake_may_create;
SELECT is(sqlstate, '42704', 'a function that gives the type can be called all the same') FROM raised('SELECT state FROM healthlake_wait_request(0)');
SELECT is((raised(statement)).sqlstate, NULL, statement || ' can, too') FROM unnest(ARRAY['SELECT status FROM healthlake_create_datastore(''typed'')', 'SELECT (healthlake_create_datastore(''typed'')).id',
	'DO $do$ DECLARE r public.healthlake_datastore; BEGIN r := public.healthlake_create_datastore(''typed''); END $do$']) AS statement;
RESET ROLE;

-- Advisory locks of other roles do not block healthlake_ensure_datastore()

SELECT healthlake_ensure_datastore('locked name') \g /dev/null
BEGIN;
SELECT healthlake_ensure_datastore('locked name') \g /dev/null
SELECT is(array_agg(objsubid NOT IN (1, 2))::text, '{t}', 'its lock is none that SQL can name') FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
COMMIT;

-- Whose requests can be handled

CREATE ROLE healthlake_may_both;
GRANT healthlake_may_manage, healthlake_may_audit TO healthlake_may_both;
SELECT id AS others FROM healthlake_request WHERE "current_role" = 'healthlake_may_delete' \gset
SELECT id AS mine FROM healthlake_request WHERE "current_role" = 'healthlake_may_manage' \gset
CREATE FUNCTION as_role(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	EXECUTE format('SET SESSION AUTHORIZATION %I', role);
	BEGIN
		EXECUTE statement INTO said;
	EXCEPTION WHEN OTHERS THEN
		said := SQLSTATE || ' ' || SQLERRM;
	END;
	RESET SESSION AUTHORIZATION;
	RETURN said;
END
$$;
SELECT is(as_role(role, format(statement, id)), want, format('%s: %s', role, format(statement, what))) FROM (VALUES (:others, 'another''s'), (:mine, 'mine')) AS r (id, what),
	(VALUES ('healthlake_may_manage', 'SELECT healthlake_wait_request(%s, ''1 ms'')', '42704 request %s does not exist', '38W01 request %s is not finished after the time allowed'),
		('healthlake_may_manage', 'SELECT healthlake_retry_request(%s)', '42704 request %s does not exist', '55000 request %s cannot be retried: its state is queued'),
		('healthlake_may_manage', 'SELECT healthlake_cancel_request(%s)', '42704 request %s does not exist', 'true')) AS c (role, statement, other, own),
	LATERAL (SELECT format(CASE what WHEN 'mine' THEN own ELSE other END, id)) AS w (want);
UPDATE healthlake_request SET state = 'unknown' WHERE id = :others;
SELECT is(as_role('healthlake_may_manage', format('SELECT healthlake_resolve_request(%s, ''failed'', ''x'')', :others)), format('42704 request %s does not exist', :others), 'another''s is not for everyone to resolve');
-- 'audit' is a right to see: a role that sees all requests changes none of others
UPDATE healthlake_request SET operation = 'TagResource' WHERE id = :others;
SELECT is(as_role('healthlake_may_both', format('SELECT healthlake_%s', call)), format('42704 request %s does not exist', :others), 'nor for a role that sees them all: ' || call)
  FROM unnest(ARRAY[format('resolve_request(%s, ''failed'', ''x'')', :others), format('retry_request(%s)', :others), format('cancel_request(%s)', :others)]) AS call;
SELECT is(state, 'unknown', 'it is as it was') FROM healthlake_request WHERE id = :others;
UPDATE healthlake_request SET state = 'failed', finished_at = now() WHERE id = :others;
SELECT is(as_role('healthlake_may_both', format('SELECT healthlake_retry_request(%s)', :others)), format('42704 request %s does not exist', :others), 'nor is one that has failed');
SELECT is(as_role('healthlake_may_both', format('SELECT (healthlake_wait_request(%s)).state', :others)), 'failed', 'which it may wait for');
SET session_replication_role = replica;
UPDATE healthlake_request SET state = 'unknown', finished_at = NULL, operation = 'DeleteFHIRDatastore' WHERE id = :others;
RESET session_replication_role;
UPDATE healthlake_request SET outer_role = 'healthlake_may_both' WHERE id = :others;
SELECT is(as_role('healthlake_may_both', format('SELECT healthlake_%s', call)), '42501 permission denied for operation DeleteFHIRDatastore', 'one''s own is not, if one may not do the same: ' || call)
  FROM unnest(ARRAY[format('resolve_request(%s, ''failed'', ''x'')', :others), format('retry_request(%s)', :others)]) AS call;
UPDATE healthlake_request SET outer_role = 'healthlake_may_delete' WHERE id = :others;
SELECT session_user AS superuser \gset
SELECT is(as_role(:'superuser', format('SELECT healthlake_resolve_request(%s, ''failed'', ''x'')', :others)), 'true', 'but for a superuser');
SELECT is(resolved_by, :'superuser', 'who is known by name') FROM healthlake_request WHERE id = :others;
SELECT is_row(ROW(event, outcome, session_role, outer_role, "current_role", note), ROW('resolved'::text, 'failed'::text, session_user::text, session_user::text, session_user::text, 'x'::text), 'in the history, too')
  FROM healthlake_event WHERE request_id = :others;
SELECT is_row(ROW(event, outer_role), ROW('cancelled'::text, 'healthlake_may_manage'::text), 'as whoever cancels') FROM healthlake_event WHERE request_id = :mine;
SELECT is(as_role('healthlake_may_both', 'SELECT count(DISTINCT "current_role") FROM healthlake_request'), '7', 'members of the role see all');

-- A role owns rows by either of their roles

INSERT INTO healthlake_request (operation, request, request_hash, state, origin, region, session_role, "current_role", timeline, run_after)
VALUES ('x', '{}', '', 'queued', 'queue', 'us-east-1', 'healthlake_may_create', 'healthlake_may_delete', 1, '2999-01-01');
SELECT is(as_role(role, 'SELECT count(*) FROM healthlake_request WHERE operation = ''x'''), want, role) FROM (VALUES ('healthlake_may_create', '1'), ('healthlake_may_delete', '1'), ('healthlake_may_manage', '0')) AS r (role, want);

-- Pools that log in as one role and SET ROLE: a role owns what it has created

CREATE ROLE healthlake_may_pool;
CREATE ROLE healthlake_may_a;
CREATE ROLE healthlake_may_b;
CREATE ROLE healthlake_may_wrap;
GRANT healthlake_may_a, healthlake_may_b TO healthlake_may_pool;
SELECT healthlake_grant(role::regrole, 'create') FROM unnest(ARRAY['healthlake_may_a', 'healthlake_may_b', 'healthlake_may_wrap']) AS role \g /dev/null
GRANT SELECT ON healthlake_event TO healthlake_may_a, healthlake_may_b;
CREATE FUNCTION wrapped(name text) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$ SELECT healthlake_enqueue_create_datastore(name, run_after => '2999-01-01') $$;
CREATE FUNCTION wrapped_cancel(id bigint) RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$ SELECT healthlake_cancel_request(id) $$;
ALTER FUNCTION wrapped OWNER TO healthlake_may_wrap;
ALTER FUNCTION wrapped_cancel OWNER TO healthlake_may_wrap;
-- What a tenant can see and do with this login role.
CREATE FUNCTION as_tenant(login text, tenant text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	IF login IS NOT NULL THEN
		EXECUTE format('SET SESSION AUTHORIZATION %I', login);
	END IF;
	EXECUTE format('SET ROLE %I', tenant);
	BEGIN
		EXECUTE statement INTO said;
	EXCEPTION WHEN OTHERS THEN
		said := SQLSTATE;
	END;
	RESET ROLE;
	RESET SESSION AUTHORIZATION;
	RETURN said;
END
$$;
SELECT as_tenant('healthlake_may_pool', 'healthlake_may_a', 'SELECT healthlake_enqueue_create_datastore(''pooled'', run_after => ''2999-01-01'')') AS pooled,
	as_tenant('healthlake_may_pool', 'healthlake_may_a', 'SELECT wrapped(''wrapped'')') AS wrapped, session_user AS superuser \gset
SELECT is_row(ROW(session_role, outer_role, "current_role"), ROW('healthlake_may_pool'::text, 'healthlake_may_a'::text, 'healthlake_may_wrap'::text), 'a wrapper is the current role, and the tenant the outer one') FROM healthlake_request WHERE id = :wrapped;
SELECT is(as_tenant(login, tenant, 'SELECT count(*) FROM ' || rows), want, format('%s as %s: %s', tenant, login, rows))
  FROM (VALUES ('healthlake_may_pool'), (NULL)) AS l (login), (VALUES ('healthlake_may_a', '2'), ('healthlake_may_b', '0'), ('healthlake_may_wrap', '1')) AS t (tenant, want),
	unnest(ARRAY['healthlake_request WHERE request ->> ''DatastoreName'' ~ ''ed$''', 'healthlake_event WHERE request ->> ''DatastoreName'' ~ ''ed$''']) AS rows
 WHERE (login IS NULL OR tenant <> 'healthlake_may_wrap') AND (tenant <> 'healthlake_may_wrap' OR rows ~ 'request WHERE');
SELECT is(as_tenant(login, 'healthlake_may_b', format('SELECT healthlake_cancel_request(%s)', id)), '42704', 'another tenant cancels nothing') FROM (VALUES ('healthlake_may_pool'), (NULL)) AS l (login), unnest(ARRAY[:pooled, :wrapped]) AS id;
-- A function, a trigger or a materialized view reaches its owner's rows, not those of whoever uses it
CREATE FUNCTION wrapped_rows() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
	SELECT string_agg(request ->> 'DatastoreName', ' ' ORDER BY id) FROM healthlake_request WHERE request ->> 'DatastoreName' ~ 'ed$'
$$;
CREATE FUNCTION wrapped_events() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
	SELECT string_agg(DISTINCT request ->> 'DatastoreName', ' ') FROM healthlake_event WHERE request ->> 'DatastoreName' ~ 'ed$'
$$;
CREATE FUNCTION wrapped_wait(id bigint) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$ SELECT state FROM healthlake_wait_request(id, '1 ms') $$;
CREATE FUNCTION wrapped_retry(id bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$ SELECT healthlake_retry_request(id) $$;
CREATE FUNCTION wrapped_last() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$ SELECT operation FROM healthlake_last_call() $$;
ALTER FUNCTION wrapped_rows OWNER TO healthlake_may_wrap;
ALTER FUNCTION wrapped_events OWNER TO healthlake_may_wrap;
ALTER FUNCTION wrapped_wait OWNER TO healthlake_may_wrap;
ALTER FUNCTION wrapped_retry OWNER TO healthlake_may_wrap;
ALTER FUNCTION wrapped_last OWNER TO healthlake_may_wrap;
GRANT SELECT ON healthlake_event TO healthlake_may_wrap;
SELECT is(as_tenant(login, 'healthlake_may_a', statement), want, format('as %s: %s', coalesce(login, 'a superuser'), statement))
  FROM (VALUES ('healthlake_may_pool'), (NULL)) AS l (login),
	(VALUES ('SELECT wrapped_rows()', 'wrapped'), ('SELECT wrapped_events()', 'wrapped'),
		(format('SELECT wrapped_wait(%s)', :pooled), '42704'), (format('SELECT wrapped_retry(%s)', :pooled), '42704'),
		(format('SELECT wrapped_cancel(%s)', :pooled), '42704'), (format('SELECT wrapped_wait(%s)', :wrapped), '38W01')) AS s (statement, want);
SELECT healthlake_enqueue_create_datastore('of a superuser, gathered', run_after => '2999-01-01') \g /dev/null
CREATE MATERIALIZED VIEW gathered AS
	SELECT request ->> 'DatastoreName' AS name FROM healthlake_request WHERE request ->> 'DatastoreName' ~ 'ed$'
	UNION SELECT request ->> 'DatastoreName' FROM healthlake_event WHERE request ->> 'DatastoreName' ~ 'ed$' WITH NO DATA;
ALTER MATERIALIZED VIEW gathered OWNER TO healthlake_may_wrap;
REFRESH MATERIALIZED VIEW gathered;
SELECT is(array_agg(name)::text, '{wrapped}', 'a materialized view that a superuser refreshes has its owner''s rows') FROM gathered;
SELECT is(as_tenant('healthlake_may_pool', 'healthlake_may_a', format('SELECT wrapped_cancel(%s)', :wrapped)), 'true', 'a wrapper does');
SELECT is(as_tenant(NULL, 'healthlake_may_a', format('SELECT healthlake_cancel_request(%s)', :pooled)), 'true', 'and the tenant itself');

-- The last call, likewise

CREATE FUNCTION last_of(tenant text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	EXECUTE format('SET ROLE %I', tenant);
	said := (SELECT operation FROM healthlake_last_call());
	RESET ROLE;
	RETURN said;
END
$$;
SELECT healthlake_grant('healthlake_may_pool', 'create') \g /dev/null
SET SESSION AUTHORIZATION healthlake_may_pool;
SET ROLE healthlake_may_a;
SELECT id FROM healthlake_create_datastore('of a') \g /dev/null
SELECT is(operation, 'CreateFHIRDatastore', 'a tenant has its last call') FROM healthlake_last_call();
SELECT is(wrapped_last(), NULL, 'another role''s function has not');
SET ROLE healthlake_may_b;
SELECT is(operation, NULL, 'another of the same login has not') FROM healthlake_last_call();
RESET ROLE;
SELECT is(operation, NULL, 'nor has the login') FROM healthlake_last_call();
RESET SESSION AUTHORIZATION;

-- A leaky condition receives no rows of other roles

CREATE FUNCTION tell(request jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	IF request ->> 'DatastoreName' <> 'of create' THEN
		RAISE EXCEPTION 'told';
	END IF;
	RETURN true;
END
$$;
SELECT is(as_role('healthlake_may_create', 'SELECT count(*) FROM healthlake_request WHERE tell(request)'), '2', 'row security is evaluated first');

-- Privileges that are checked before sending are those on the extension's functions

CREATE ROLE healthlake_may_once;
GRANT EXECUTE ON FUNCTION healthlake_enqueue_create_datastore TO healthlake_may_once;
SELECT emulator_reset() \g /dev/null
SET ROLE healthlake_may_once;
SELECT healthlake_enqueue_create_datastore('allowed') AS allowed \gset
RESET ROLE;
CREATE FUNCTION healthlake_enqueue_create_datastore() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
REVOKE EXECUTE ON FUNCTION healthlake_enqueue_create_datastore() FROM PUBLIC;
CALL drain(:allowed);
SELECT is(state, 'succeeded', 'a stranger''s function that nobody may execute refuses nobody') FROM healthlake_request WHERE id = :allowed;
DROP FUNCTION healthlake_enqueue_create_datastore();
SET ROLE healthlake_may_once;
SELECT healthlake_enqueue_create_datastore('revoked') AS revoked \gset
RESET ROLE;
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM healthlake_may_once', oid::regprocedure) FROM pg_proc WHERE proname = 'healthlake_enqueue_create_datastore' \gexec
CREATE FUNCTION healthlake_enqueue_create_datastore() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
CREATE FUNCTION healthlake_create_datastore() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
CALL drain(:revoked);
SELECT is(state || ' ' || error_sqlstate, 'failed 42501', 'and one that everybody may execute lets no revoked role through') FROM healthlake_request WHERE id = :revoked;
SELECT is(count(*), 1::bigint, 'so one was sent') FROM emulator_log();
DROP FUNCTION healthlake_enqueue_create_datastore();
DROP FUNCTION healthlake_create_datastore();

-- Revoked

REVOKE SELECT ON healthlake_audit FROM healthlake_may_audit;
SELECT is(as_role('healthlake_may_audit', 'SELECT count(*) FROM healthlake_request'), '1', 'without the view it is its own rows again');

SELECT format('DROP OWNED BY %I; DROP ROLE %I', rolname, rolname) FROM pg_roles WHERE rolname ~ '^healthlake_may_' \gexec

SELECT * FROM finish();
