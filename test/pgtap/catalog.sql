-- The objects of CREATE EXTENSION in the catalogs, and attacks before it.

\ir setup.sql
SELECT no_plan();

CREATE TEMPORARY TABLE member AS
	SELECT classid, objid, pg_describe_object(classid, objid, 0) AS said
	  FROM pg_depend AS d, pg_extension AS e
	 WHERE e.extname = 'healthlake' AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
	   AND d.deptype = 'e';
CREATE TEMPORARY TABLE routine AS
	SELECT p.*, p.oid::regprocedure::text AS said FROM pg_proc AS p JOIN member ON objid = p.oid
	 WHERE classid = 'pg_proc'::regclass;

-- Every object

SELECT cmp_ok(count(*), '>', 3::bigint, 'there are objects') FROM member;
SELECT is(coalesce(obj_description(objid, classid::regclass::name), '') <> '', true, said || ' is commented')
  FROM member WHERE classid <> 'pg_class'::regclass AND said !~ '\[\]$'
   -- PostgreSQL 18 counts the row types of tables and views, too
   AND objid NOT IN (SELECT reltype FROM pg_class WHERE relkind IN ('r', 'v')) ORDER BY said;
SELECT is(coalesce(obj_description(objid, 'pg_class'), '') <> '', true, said || ' is commented')
  FROM member JOIN pg_class AS c ON c.oid = objid WHERE classid = 'pg_class'::regclass AND c.relkind NOT IN ('c', 'i') ORDER BY said;
SELECT is(count(*), 3::bigint, 'sequences, too') FROM member JOIN pg_class AS c ON c.oid = objid WHERE classid = 'pg_class'::regclass AND c.relkind = 'S';
SELECT is(array_agg(DISTINCT indexrelid::regclass::text)::text, NULL, 'no upgrade of a locale changes the order of lanes')
  FROM pg_index, unnest(indcollation) AS one WHERE indexrelid IN ('healthlake_request_due'::regclass, 'healthlake_request_polled'::regclass, 'healthlake_request_pkey'::regclass, 'healthlake_request_retry'::regclass) AND one NOT IN (0, '"C"'::regcollation);
SELECT is(coalesce(col_description(a.attrelid, a.attnum), '') <> '', true, c.relname || '.' || a.attname)
  FROM member JOIN pg_class AS c ON c.oid = objid JOIN pg_attribute AS a ON attrelid = c.oid
 WHERE classid = 'pg_class'::regclass AND attnum > 0 AND NOT attisdropped AND c.relkind IN ('r', 'v');
-- objects that depend on a table are no members themselves
CREATE TEMPORARY TABLE part AS
	SELECT 'pg_policy'::regclass AS classid, p.oid AS objid, polname AS name FROM pg_policy AS p JOIN member ON objid = polrelid
	UNION ALL
	SELECT 'pg_trigger'::regclass, t.oid, tgname FROM pg_trigger AS t JOIN member ON objid = tgrelid WHERE NOT tgisinternal
	UNION ALL
	SELECT 'pg_class'::regclass, indexrelid, relname FROM pg_index AS i JOIN member ON objid = indrelid JOIN pg_class AS c ON c.oid = indexrelid
	UNION ALL
	SELECT 'pg_constraint'::regclass, c.oid, conname FROM pg_constraint AS c JOIN member ON objid = conrelid;
SELECT is(count(DISTINCT classid), 4::bigint, 'there are policies, triggers, indexes and constraints') FROM part;
SELECT is(coalesce(obj_description(objid, classid::regclass::name), '') <> '', true, name || ' is commented')
  FROM part WHERE classid IN ('pg_policy'::regclass, 'pg_trigger'::regclass) ORDER BY name;
SELECT is(array_agg(said)::text, NULL, 'every name starts with healthlake_') FROM
	(SELECT proname AS name, said FROM routine
	 UNION ALL
	 SELECT ltrim(typname, '_'), m.said FROM member AS m JOIN pg_type ON objid = pg_type.oid
	  WHERE classid = 'pg_type'::regclass
	 UNION ALL
	 SELECT relname, m.said FROM member AS m JOIN pg_class ON objid = pg_class.oid
	  WHERE classid = 'pg_class'::regclass
	 UNION ALL
	 SELECT name, name FROM part) AS named
 WHERE name NOT LIKE 'healthlake\_%';
SELECT is_row(ROW(extrelocatable, extconfig::regclass[]::text, extcondition::text), ROW(false, '{healthlake_event,healthlake_event_id_seq,healthlake_request,healthlake_request_id_seq}', '{"","","WHERE finished_at IS NOT NULL",""}'),
	'not relocatable; a dump has what is finished') FROM pg_extension WHERE extname = 'healthlake';
SELECT is_row(ROW(superuser, trusted), ROW(true, false), 'for a superuser to create')
  FROM pg_available_extension_versions WHERE name = 'healthlake' AND installed;

-- Rights

-- functions that read only their arguments may be executed by PUBLIC; the one that creates a view has no
-- more privileges than its caller
SELECT is(array_agg(DISTINCT proname ORDER BY proname)::text, '{healthlake_fhir_column,healthlake_fhir_create_view,healthlake_fhir_view,healthlake_fhir_view_columns,healthlake_fhir_view_rows,healthlake_fhirpath,healthlake_fhirpath_boolean,healthlake_fhirpath_date,healthlake_fhirpath_exists,healthlake_fhirpath_integer,healthlake_fhirpath_numeric,healthlake_fhirpath_text,healthlake_fhirpath_timestamptz}',
	'no other function is granted to PUBLIC') FROM routine
 WHERE proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0);
SELECT is_row(ROW(provolatile, proparallel, prosecdef), ROW('i'::"char", 's'::"char", false), said || ' is pure')
  FROM routine WHERE proacl IS NULL AND proname <> 'healthlake_fhir_create_view';
SELECT is(array_agg(c.relname)::text, NULL, 'no table, no sequence') FROM member JOIN pg_class AS c ON objid = c.oid
 WHERE classid = 'pg_class'::regclass AND EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0);
-- a stranger's column of a type would block DROP EXTENSION, and for a table its alteration
SELECT is(array_agg(t.typname)::text, NULL, 'no type') FROM member AS m JOIN pg_type AS t ON t.oid = m.objid OR t.typrelid = m.objid AND m.classid = 'pg_class'::regclass
 WHERE m.classid IN ('pg_type'::regclass, 'pg_class'::regclass) AND t.typelem = 0
	AND EXISTS (SELECT FROM aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) WHERE grantee = 0);
SELECT is(count(*) > 20, true, 'of ' || count(*)) FROM member AS m JOIN pg_type AS t ON t.oid = m.objid OR t.typrelid = m.objid AND m.classid = 'pg_class'::regclass
 WHERE m.classid IN ('pg_type'::regclass, 'pg_class'::regclass) AND t.typelem = 0;
SELECT is(array_agg(DISTINCT grantee::regrole)::text, '{' || (SELECT extowner::regrole FROM pg_extension
	WHERE extname = 'healthlake') || '}', 'nothing to anybody but the owner') FROM routine, aclexplode(proacl);
SELECT is(array_agg(DISTINCT grantee::regrole)::text, '{' || (SELECT extowner::regrole FROM pg_extension
	WHERE extname = 'healthlake') || '}', 'nor of tables, views and sequences') FROM member JOIN pg_class AS c ON objid = c.oid, aclexplode(coalesce(relacl, acldefault('r', relowner)))
 WHERE classid = 'pg_class'::regclass;
SELECT is(array_agg(c.relname)::text, NULL, 'every table has row security') FROM member JOIN pg_class AS c ON objid = c.oid
 WHERE classid = 'pg_class'::regclass AND relkind = 'r' AND NOT relrowsecurity;
-- otherwise PostgreSQL refuses UPDATE and DELETE under a publication FOR ALL TABLES
SELECT is(array_agg(c.relname)::text, NULL, 'every table has a replica identity') FROM member JOIN pg_class AS c ON objid = c.oid
 WHERE classid = 'pg_class'::regclass AND relkind = 'r' AND relreplident <> 'f'
   AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND CASE relreplident WHEN 'd' THEN indisprimary WHEN 'i' THEN indisreplident END);
SELECT is(array_agg(c.relname ORDER BY c.relname)::text, '{healthlake_audit,healthlake_created_datastores,healthlake_left_behind,healthlake_stuck_requests}', 'views that read the table are barriers')
  FROM member JOIN pg_class AS c ON objid = c.oid WHERE classid = 'pg_class'::regclass AND relkind = 'v' AND 'security_barrier=true' = ANY (reloptions);
SELECT is(array_agg(said)::text, NULL, 'no SECURITY DEFINER without a search_path') FROM routine
 WHERE prosecdef AND NOT EXISTS (SELECT FROM unnest(proconfig) AS c WHERE c LIKE 'search\_path=pg\_catalog, pg\_temp');

-- How functions are declared

-- another role's function of exactly the types of a call would win over a polymorphic one
SELECT is(array_agg(said)::text, NULL, 'no function is polymorphic') FROM routine, unnest(proargtypes) AS a (type) JOIN pg_type AS t ON t.oid = a.type WHERE t.typtype = 'p' AND t.typname <> 'internal';

SELECT is_row(ROW(provolatile, proparallel, procost, proisstrict, prosecdef, proleakproof),
	ROW('v'::"char", 'u'::"char", 1000000::real, false, false, false), said || ' is declared as what calls AWS')
  FROM routine WHERE proname = 'healthlake_create_datastore' ORDER BY said;
SELECT is_row(ROW(provolatile, proparallel IN ('r', 'u')), ROW('v'::"char", true), said || ' is a session''s')
  FROM routine WHERE proname = 'healthlake_last_call';
SELECT is(count(*), 2::bigint, 'creating has two forms') FROM routine WHERE proname = 'healthlake_create_datastore';
-- the other volatile functions read, wait, or have the same effect however often they are called
SELECT is(array_agg(DISTINCT proname ORDER BY proname)::text, '{' || array_to_string(ARRAY[
	'healthlake_check', 'healthlake_describe_datastore', 'healthlake_describe_datastores',
	'healthlake_describe_export_job', 'healthlake_describe_import_job', 'healthlake_describe_transformation_job',
	'healthlake_fhir_capabilities', 'healthlake_fhir_count', 'healthlake_fhir_create_view', 'healthlake_fhir_everything',
	'healthlake_fhir_history', 'healthlake_fhir_read', 'healthlake_fhir_read_many', 'healthlake_fhir_search',
	'healthlake_fhir_validate', 'healthlake_get_transformation_profile', 'healthlake_grant', 'healthlake_holds_leases',
	'healthlake_last_call', 'healthlake_list_datastores', 'healthlake_list_export_jobs', 'healthlake_list_import_jobs',
	'healthlake_list_tags', 'healthlake_list_transformation_jobs', 'healthlake_list_transformation_profile_versions',
	'healthlake_list_transformation_profiles', 'healthlake_operation_statistics', 'healthlake_operations', 'healthlake_preview',
	'healthlake_reset_statistics', 'healthlake_revoke', 'healthlake_wait_datastore', 'healthlake_wait_export_job',
	'healthlake_wait_import_job', 'healthlake_wait_request', 'healthlake_wait_transformation_job'], ',') || '}',
	'what changes something has the support function') FROM routine
 WHERE provolatile = 'v' AND prokind = 'f' AND prorettype <> 'trigger'::regtype
   AND prosupport <> 'healthlake_support'::regproc;
SELECT is(proargnames::text, '{name,type_version,kms_key_id,cmk_type,preload_data_type,client_token,tags,authorization_strategy,fine_grained_authorization_enabled,identity_provider_metadata,idp_lambda_arn,analytics_status,nlp_status,default_profiles,backup_status,backup_type,backup_retention_period_in_days,backup_tags_enabled,region,more}',
	'its arguments') FROM routine WHERE proname = 'healthlake_create_datastore' AND pronargs > 1;
SELECT is(proargtypes::regtype[]::text, '{text,text,text,text,text,text,jsonb,text,boolean,jsonb,text,text,text,text[],text,text,integer,boolean,text,jsonb}',
	'and their types') FROM (SELECT array_agg(t::regtype ORDER BY n) AS proargtypes FROM routine,
		unnest(proargtypes) WITH ORDINALITY AS a (t, n)
	 WHERE proname = 'healthlake_create_datastore' AND pronargs > 1) AS f;
SELECT is(pronargdefaults, 19::smallint, 'all but the name have defaults') FROM routine
 WHERE proname = 'healthlake_create_datastore' AND pronargs > 1;
SELECT is(array_agg(proallargtypes::regtype[]::text || proargnames::text)::text,
	'{"{text,text,text,text,text,jsonb,\"timestamp with time zone\"}{operation,client_token,aws_request_id,outcome,sqlstate,reply,at}"}',
	'the last call''s columns') FROM routine WHERE proname = 'healthlake_last_call';
SELECT is(array_agg(attname || ' ' || atttypid::regtype ORDER BY attnum)::text,
	'{"id text","arn text","status text","endpoint text"}', 'the row of a data store')
  FROM pg_attribute WHERE attrelid = 'healthlake_datastore'::regclass AND attnum > 0;
SELECT throws_ok('SELECT healthlake_support(NULL)', NULL, NULL, 'the support function is not for SQL to call')
 WHERE EXISTS (SELECT FROM routine WHERE proname = 'healthlake_support');

-- In a schema of its own, under a hostile search_path

DROP EXTENSION healthlake;
CREATE SCHEMA hostile;
CREATE TYPE hostile.text AS ENUM ('hostile');
CREATE DOMAIN hostile.jsonb AS integer;
CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 1/0; SELECT pg_catalog.now() $$;
CREATE FUNCTION hostile.date_trunc(pg_catalog.text, timestamptz) RETURNS timestamptz LANGUAGE sql AS $$ SELECT 1/0; SELECT $2 $$;
CREATE FUNCTION hostile.current_setting(pg_catalog.text, boolean) RETURNS pg_catalog.text LANGUAGE sql AS $$ SELECT 'x'::pg_catalog.text $$;
CREATE FUNCTION hostile.yes(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION hostile.yes(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR hostile.= (FUNCTION = hostile.yes, LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text);
CREATE OPERATOR hostile.<> (FUNCTION = hostile.yes, LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text);
CREATE OPERATOR hostile.< (FUNCTION = hostile.yes, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE SCHEMA apart;
SET search_path = hostile, pg_catalog, public;
CREATE EXTENSION healthlake SCHEMA apart;
CREATE TABLE public.made AS SELECT store.arn, call.operation
  FROM apart.healthlake_create_datastore('x'::pg_catalog.text) AS store, apart.healthlake_last_call() AS call;
RESET search_path;
CREATE TEMPORARY TABLE foe AS
	SELECT oid FROM pg_type WHERE typnamespace = 'hostile'::regnamespace
	UNION ALL SELECT oid FROM pg_proc WHERE pronamespace = 'hostile'::regnamespace
	UNION ALL SELECT oid FROM pg_operator WHERE oprnamespace = 'hostile'::regnamespace;
SELECT is(array_agg(pg_describe_object(classid, objid, objsubid))::text, NULL, 'a hostile search_path changes no type, function or operator') FROM pg_depend
 WHERE refobjid IN (SELECT oid FROM foe) AND objid NOT IN (SELECT oid FROM foe);
SET search_path = hostile, pg_catalog, public;
CREATE ROLE healthlake_granted;
SELECT apart.healthlake_grant('healthlake_granted', 'audit'::pg_catalog.text) \g /dev/null
RESET search_path;
SELECT is(has_table_privilege('healthlake_granted', 'apart.healthlake_audit', 'SELECT'), true, 'nor what is granted');
DROP OWNED BY healthlake_granted;
DROP ROLE healthlake_granted;
SELECT matches(arn, '^arn:', 'nor what the functions do') FROM made;
SELECT is(operation, 'CreateFHIRDatastore', 'nor the last call') FROM made;
SELECT throws_ok('ALTER EXTENSION healthlake SET SCHEMA public', '0A000', NULL, 'it stays in its schema');
DROP EXTENSION healthlake;

-- Existing objects are not taken over

CREATE SCHEMA taken;
CREATE FUNCTION taken.healthlake_last_call() RETURNS text LANGUAGE sql AS $$ SELECT 'hostile' $$;
SELECT throws_ok('CREATE EXTENSION healthlake SCHEMA taken', '42723', NULL, 'a function of our name stops the installation');
DROP FUNCTION taken.healthlake_last_call();
CREATE TYPE taken.healthlake_datastore AS (id text);
SELECT throws_ok('CREATE EXTENSION healthlake SCHEMA taken', '42710', NULL, 'so does a type');
DROP TYPE taken.healthlake_datastore;
CREATE TABLE taken.healthlake_request (id bigint);
SELECT throws_ok('CREATE EXTENSION healthlake SCHEMA taken', '42P07', NULL, 'so does a table of requests');
DROP TABLE taken.healthlake_request;
CREATE VIEW taken.healthlake_audit AS SELECT 1 AS id;
SELECT throws_ok('CREATE EXTENSION healthlake SCHEMA taken', '42P07', NULL, 'so does a view');
DROP VIEW taken.healthlake_audit;
CREATE TABLE taken.healthlake_datastore (id text);
SELECT ok(sqlstate IN ('42710', '42P07'), 'and a table') FROM raised('CREATE EXTENSION healthlake SCHEMA taken');
SELECT is(count(*), 0::bigint, 'nothing is half installed') FROM pg_extension WHERE extname = 'healthlake';

SELECT * FROM finish();
