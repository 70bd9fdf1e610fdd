-- A role that may create data stores: what has to be granted, step by step.

\ir setup.sql
SELECT no_plan();

CREATE ROLE healthlake_clerk;
CREATE ROLE healthlake_other;
-- Without grants

SET ROLE healthlake_clerk;
SELECT is(message_of('SELECT healthlake_create_datastore(''x'')'),
	'42501 permission denied for function healthlake_create_datastore', 'a new role may not create');
SELECT is(message_of('SELECT healthlake_create_datastore(''{"DatastoreTypeVersion": "R4"}''::jsonb)'),
	'42501 permission denied for function healthlake_create_datastore', 'in neither form');
SELECT is(message_of('SELECT * FROM healthlake_last_call()'),
	'42501 permission denied for function healthlake_last_call', 'nor ask for the last call');
RESET ROLE;

-- One form, then the other

GRANT EXECUTE ON FUNCTION healthlake_create_datastore(jsonb) TO healthlake_clerk;
SET ROLE healthlake_clerk;
SELECT is(message_of('SELECT healthlake_create_datastore(''{"DatastoreTypeVersion": "R4"}''::jsonb)'), NULL,
	'with EXECUTE on a form it may');
SELECT is(message_of('SELECT healthlake_create_datastore(''x'')'),
	'42501 permission denied for function healthlake_create_datastore', 'not by the other form');
RESET ROLE;
DO $$
BEGIN
	EXECUTE (SELECT string_agg(format('GRANT EXECUTE ON FUNCTION %s TO healthlake_clerk', oid::regprocedure), ';')
		FROM pg_proc WHERE proname IN ('healthlake_create_datastore', 'healthlake_last_call'));
END $$;
SET ROLE healthlake_clerk;
SELECT is(message_of('SELECT healthlake_create_datastore(''x'')'), NULL, 'with EXECUTE on both, by both');
SELECT is(message_of('SELECT (healthlake_create_datastore(''x'')).*'), NULL, 'expanded, too: the support function needs no grant');
SELECT is(outcome, 'succeeded', 'and the last call') FROM healthlake_last_call();

-- It uses the server's keys, and cannot read or replace them

SELECT is(message_of('SHOW healthlake.secret_access_key'),
	CASE WHEN current_setting('server_version_num')::integer >= 160000
		THEN '42501 permission denied to examine "healthlake.secret_access_key"'
		ELSE '42501 must be superuser or have privileges of pg_read_all_settings to examine "healthlake.secret_access_key"' END,
	'it cannot read the secret');
SELECT matches(message_of('SET healthlake.endpoint_url = ''https://evil.example''' ), '^42501', 'nor send it elsewhere');
SELECT matches(message_of('SET healthlake.ca_bundle = ''/tmp/ca.pem'''), '^42501', 'nor choose whom to trust');
SELECT matches(message_of('SET healthlake.proxy = ''http://evil.example'''), '^42501', 'nor call through another role');
SELECT is(message_of('SET healthlake.region = ''us-west-2'''), NULL, 'but it can choose the region');
RESET healthlake.region;
RESET ROLE;
SET healthlake.region = 'us-east-1';

-- Other roles may not call, except through its own SECURITY DEFINER function

SET ROLE healthlake_other;
SELECT is(message_of('SELECT healthlake_create_datastore(''x'')'),
	'42501 permission denied for function healthlake_create_datastore', 'another role may not');
RESET ROLE;
GRANT CREATE ON SCHEMA public TO healthlake_clerk;
SET ROLE healthlake_clerk;
CREATE FUNCTION public.create_ward(ward text) RETURNS text LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp AS $$ SELECT id FROM healthlake_create_datastore('ward ' || ward) $$;
RESET ROLE;
SET ROLE healthlake_other;
SELECT is(message_of('SELECT create_ward(''7'')'), NULL, 'except by a function that is made for it');
RESET ROLE;
SELECT is(body ->> 'DatastoreName', 'ward 7', 'which says what is created') FROM emulator_log() ORDER BY n DESC LIMIT 1;

-- Revoked

REVOKE EXECUTE ON FUNCTION healthlake_create_datastore(jsonb) FROM healthlake_clerk;
SET ROLE healthlake_clerk;
SELECT is(message_of('SELECT healthlake_create_datastore(''{"DatastoreTypeVersion": "R4"}''::jsonb)'),
	'42501 permission denied for function healthlake_create_datastore', 'revoked privileges are gone');
RESET ROLE;

-- A plan from before the revocation

SET plan_cache_mode = force_generic_plan;
SET ROLE healthlake_clerk;
PREPARE kept AS SELECT healthlake_create_datastore('x');
EXECUTE kept \g /dev/null
RESET ROLE;
DO $$
BEGIN
	EXECUTE (SELECT string_agg(format('REVOKE EXECUTE ON FUNCTION %s FROM healthlake_clerk', oid::regprocedure), ';')
		FROM pg_proc WHERE proname IN ('healthlake_create_datastore', 'healthlake_last_call'));
END $$;
SET ROLE healthlake_clerk;
SELECT is(message_of('EXECUTE kept'), '42501 permission denied for function healthlake_create_datastore',
	'does not outlive the right');
RESET ROLE;

-- The last call is visible only to the role that made it

SELECT is(operation, NULL, 'the login sees nothing of the call of a role that it had SET') FROM healthlake_last_call();
SELECT is(message_of('SELECT healthlake_create_datastore(''x'')'), NULL, 'it makes one of its own');
SELECT is(operation, 'CreateFHIRDatastore', 'which it sees') FROM healthlake_last_call();
GRANT EXECUTE ON FUNCTION healthlake_last_call() TO healthlake_other;
SET SESSION AUTHORIZATION healthlake_other;
CREATE TEMPORARY TABLE seen AS SELECT operation FROM healthlake_last_call();
RESET SESSION AUTHORIZATION;
SELECT is(operation, NULL, 'of which another session user sees nothing') FROM seen;

DROP FUNCTION create_ward(text);
REVOKE ALL ON SCHEMA public FROM healthlake_clerk;
DROP OWNED BY healthlake_clerk, healthlake_other;
DROP ROLE healthlake_clerk, healthlake_other;

SELECT * FROM finish();
