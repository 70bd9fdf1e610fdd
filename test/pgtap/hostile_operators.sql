-- User-defined operators must not run in a statement of the extension: neither one that it
-- executes, nor in its views, triggers and policies. There is one for each pair of types and each name
-- that such a statement could use, also implicitly (NULLIF, IN, IS DISTINCT FROM,
-- CASE, BETWEEN, ANY); all precede those of pg_catalog in the path, and are in the extension's schema.

\ir queue_setup.sql

CREATE SCHEMA hostile;
CREATE SEQUENCE hostile.ran;
DO $$
DECLARE
	types text[] := '{oid,int2,int4,int8,text,name,varchar,"\"char\"",bool,timestamptz,timestamp,interval,jsonb,json,regclass,regproc,regprocedure,regrole,regnamespace,regtype,inet,xid,xid8,tid,bytea,numeric,float8,"text[]","\"char\"[]","oid[]",aclitem}';
	pair record;
BEGIN
	FOR pair IN SELECT format('%s,%s', a, b) AS both, a, b FROM unnest(types) AS a, unnest(types) AS b LOOP
		EXECUTE format('CREATE FUNCTION hostile.yes(%s) RETURNS bool LANGUAGE sql AS $f$ SELECT pg_catalog.nextval(''hostile.ran''); SELECT true $f$', pair.both);
		EXECUTE format('CREATE FUNCTION hostile.same(%s) RETURNS %s LANGUAGE sql AS $f$ SELECT pg_catalog.nextval(''hostile.ran''); SELECT $1 $f$', pair.both, pair.a);
		EXECUTE (SELECT string_agg(format('CREATE OPERATOR hostile.%s (FUNCTION = hostile.%s, LEFTARG = %s, RIGHTARG = %s)', name, body, pair.a, pair.b), ';')
			FROM (VALUES ('=', 'yes'), ('<>', 'yes'), ('<', 'yes'), ('>', 'yes'), ('<=', 'yes'), ('>=', 'yes'), ('~', 'yes'), ('!~', 'yes'),
				('~~', 'yes'), ('@>', 'yes'), ('<@', 'yes'), ('?', 'yes'), ('||', 'same'), ('+', 'same'), ('-', 'same'), ('*', 'same'), ('->', 'same'), ('->>', 'same')) AS o (name, body));
	END LOOP;
END $$;

-- They would run.
SET search_path = hostile, pg_catalog, public;
SELECT nullif(1::oid, 0), 1 IN (2, 3), 'a' || 'b' \g /dev/null
RESET search_path;
SELECT is_called AS by_hand FROM hostile.ran \gset

-- All functions of the extension, in a database whose sessions and workers have that path
DROP EXTENSION healthlake;
-- also functions of the same names, for those that the extension's SQL text calls
CREATE FUNCTION pg_temp.overload(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	types text;
BEGIN
	FOREACH types IN ARRAY '{VARIADIC int8[],VARIADIC text[],anyelement,int4,numeric,"int8, VARIADIC int8[]"}'::text[] LOOP
		EXECUTE format('CREATE FUNCTION hostile.%I(%s) RETURNS text LANGUAGE sql AS $f$ SELECT pg_catalog.nextval(''hostile.ran'')::pg_catalog.text $f$', name, types);
	END LOOP;
END $$;
SELECT pg_temp.overload(name) FROM unnest('{healthlake_home,healthlake_support,healthlake_protect_event,healthlake_protect_request}'::text[]) AS name \g /dev/null
CREATE EXTENSION healthlake SCHEMA hostile;
SELECT pg_temp.overload('healthlake_holds_leases') \g /dev/null
CREATE TEMPORARY TABLE foe AS
	SELECT oid FROM pg_proc AS p WHERE pronamespace = 'hostile'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
	UNION ALL SELECT oid FROM pg_operator WHERE oprnamespace = 'hostile'::regnamespace;
SELECT coalesce(array_agg(pg_describe_object(classid, objid, objsubid))::text, 'none') AS meant FROM pg_depend
 WHERE refobjid IN (SELECT oid FROM foe) AND objid NOT IN (SELECT oid FROM foe) \gset
CREATE ROLE healthlake_hostile;
SELECT emulator_set('{"settle_after_seconds": 0}') \g /dev/null
SELECT id AS store FROM hostile.healthlake_create_datastore('ward') \gset
ALTER DATABASE :"DBNAME" SET search_path = hostile, pg_catalog, public;
ALTER DATABASE :"DBNAME" SET healthlake.autostart_worker = on;
\c
ALTER SEQUENCE hostile.ran RESTART;
SELECT healthlake_check() \g /dev/null
SELECT is_called AS by_check FROM hostile.ran \gset
SELECT healthlake_grant('healthlake_hostile', 'read', 'create', 'manage', 'delete', 'audit') \g /dev/null
SELECT healthlake_revoke('healthlake_hostile', 'create', 'audit') \g /dev/null
SELECT is_called AS by_grant FROM hostile.ran \gset
SELECT healthlake_operations() \g /dev/null
SELECT healthlake_preview('ListFHIRDatastores') \g /dev/null
SELECT healthlake_call('ListFHIRDatastores') \g /dev/null
SELECT healthlake_list_datastores() \g /dev/null
SELECT healthlake_ensure_datastore('ward') \g /dev/null
SELECT healthlake_wait_datastore(:'store', poll_interval => '0.1 s') \g /dev/null
SET healthlake.audit = on;
SELECT healthlake_create_datastore('on') \g /dev/null
SET healthlake.audit = durable;
SELECT healthlake_create_datastore('durable') \g /dev/null
BEGIN;
SELECT healthlake_create_datastore('left behind') \g /dev/null
ROLLBACK;
SELECT is_called AS by_call FROM hostile.ran \gset
SELECT healthlake_enqueue_create_datastore('sent by a worker') AS request \gset
SELECT healthlake_wait_request(:request) \g /dev/null
SELECT healthlake_enqueue_create_datastore('never sent', run_after => '2999-01-01') AS request \gset
SELECT healthlake_cancel_request(:request) \g /dev/null
SELECT healthlake_retry_request(:request) \g /dev/null
CALL healthlake_run_queue();
SELECT healthlake_purge_requests('1 day') \g /dev/null
SELECT is_called AS by_queue FROM hostile.ran \gset
TABLE healthlake_request \g /dev/null
TABLE healthlake_audit \g /dev/null
TABLE healthlake_created_datastores \g /dev/null
TABLE healthlake_stuck_requests \g /dev/null
TABLE healthlake_left_behind \g /dev/null
TABLE healthlake_statistics \g /dev/null
SET ROLE healthlake_hostile;
TABLE healthlake_request \g /dev/null
RESET ROLE;
SELECT is_called AS by_views FROM hostile.ran \gset
ALTER DATABASE :"DBNAME" RESET search_path;
SET search_path = "$user", public;
SELECT no_plan();
SELECT is(:'by_hand'::text, 't', 'the operators do run where the path leads to them');
SELECT is(:'meant'::text, 'none', 'no view, trigger or policy means one of them');
SELECT is(:'by_check'::text, 'f', 'none ran in healthlake_check()');
SELECT is(:'by_grant'::text, 'f', 'nor in healthlake_grant() and healthlake_revoke()');
SELECT is(:'by_call'::text, 'f', 'nor in a call that is audited');
SELECT is(:'by_queue'::text, 'f', 'nor in the queue');
SELECT is(:'by_views'::text, 'f', 'nor in views and policies');
DROP OWNED BY healthlake_hostile;
DROP ROLE healthlake_hostile;

SELECT * FROM finish();
