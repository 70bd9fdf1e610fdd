-- Where another role may create functions in the extension's schema, one of its overloads may match a
-- call better than the extension's own function does, even if the call names the schema. No view that
-- healthlake_fhir_create_view() creates may call one, nor any that a dump of it would create. The owner of
-- the schema chooses its name.

\ir setup.sql
SELECT no_plan();

CREATE ROLE healthlake_overloader;
GRANT CREATE ON SCHEMA public TO healthlake_overloader;
CREATE SEQUENCE ran;
GRANT USAGE ON SEQUENCE ran TO PUBLIC;
CREATE DOMAIN plain AS jsonb;
CREATE DOMAIN nested AS plain;
CREATE TABLE overloaded (resource jsonb, plain plain, nested nested);
INSERT INTO overloaded SELECT r, r, r FROM (SELECT '{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"given": ["x", "y"], "family": "A"}, {"family": "B"}]}'::jsonb) AS r (r);
\set columns '(SELECT jsonb_agg(jsonb_build_object(\'name\', \'c\' || row_number, \'path\', CASE WHEN many THEN \'name.given\' ELSE \'name.given.first()\' END, \'type\', fhir, \'collection\', many, \'tag\', CASE WHEN tag IS NULL THEN \'[]\' ELSE jsonb_build_array(jsonb_build_object(\'name\', \'ansi/type\', \'value\', tag)) END)) FROM (SELECT *, row_number() OVER () FROM (VALUES (\'string\', NULL), (\'boolean\', NULL), (\'integer\', NULL), (\'integer64\', NULL), (\'decimal\', NULL), (\'instant\', NULL), (\'HumanName\', NULL), (\'date\', \'DATE\'), (\'decimal\', \'REAL\'), (\'decimal\', \'FLOAT\'), (\'decimal\', \'DECIMAL(4,1)\'), (\'integer\', \'SMALLINT\'), (\'string\', \'VARCHAR(9)\'), (\'string\', \'CHAR(9)\'), (\'time\', \'TIME\'), (\'time\', \'TIME(3) WITH TIME ZONE\'), (\'dateTime\', \'TIMESTAMP\'), (\'dateTime\', \'TIMESTAMP(3) WITH TIME ZONE\')) AS t (fhir, tag), (VALUES (false), (true)) AS m (many)) AS c)'

-- Overloads of each function that a view may call: of the types of the arguments, of those of the columns,
-- polymorphic, variadic.

SET ROLE healthlake_overloader;
DO $$
DECLARE
	sql_types text[] := '{text,bool,int2,int4,int8,numeric,float4,float8,date,time,timetz,timestamp,timestamptz,varchar,bpchar,jsonb}';
	types text[];
	first text;
	one record;
	extra text;
BEGIN
	types := sql_types || ARRAY(SELECT t || '[]' FROM unnest(sql_types) AS t);
	FOR one IN SELECT proname, prorettype::regtype::text AS result, pronargs FROM pg_proc WHERE proname ~ '^healthlake_fhir(path.*|_view|_view_rows|_column)$' AND pronamespace = 'public'::regnamespace GROUP BY 1, 2, 3 LOOP
		FOREACH first IN ARRAY types || '{plain,nested,anyelement}'::text[] LOOP
			FOREACH extra IN ARRAY '{text,jsonb,varchar,plain,nested,anyelement,"VARIADIC text[]","VARIADIC jsonb[]","jsonb, jsonb","jsonb, plain","jsonb, nested","jsonb, VARIADIC jsonb[]"}'::text[] LOOP
				BEGIN
					EXECUTE format('CREATE FUNCTION public.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN PERFORM nextval(''ran''); RETURN%s; END $f$', one.proname, first, extra,
						CASE WHEN one.proname ~ '_view' THEN 'SETOF record' WHEN one.proname ~ '_column' THEN first ELSE one.result END, CASE WHEN one.proname !~ '_view' THEN ' NULL' END);
				EXCEPTION WHEN duplicate_function OR invalid_function_definition THEN NULL;
				END;
			END LOOP;
		END LOOP;
	END LOOP;
END $$;
RESET ROLE;
SELECT is(count(*) > 1000, true, 'a role makes ' || count(*) || ' overloads') FROM pg_proc WHERE proowner = 'healthlake_overloader'::regrole;

-- What a view calls, and which of it is not the extension's

CREATE FUNCTION foreign_calls(view regclass) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(DISTINCT pg_describe_object(d.refclassid, d.refobjid, 0), ', ')
	  FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
	 WHERE r.ev_class = view AND d.refclassid <> 'pg_class'::regclass AND NOT EXISTS
		(SELECT FROM pg_depend AS e WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e')
$$;
SELECT healthlake_fhir_create_view('over_' || source, jsonb_build_object('resource', 'Patient', 'select', jsonb_build_array(jsonb_build_object('column', :columns),
		'{"forEach": "name", "column": [{"name": "family", "path": "family"}]}'::jsonb), 'where', '[{"path": "active"}, {"path": "name.exists()"}]'::jsonb), 'overloaded', source)
  FROM unnest('{resource,plain,nested}'::name[]) AS source \g /dev/null
SELECT is(foreign_calls(v::regclass), NULL, v || ' calls none of them') FROM unnest('{over_resource,over_plain,over_nested}'::text[]) AS v;
SELECT is(count(*), 36::bigint, 'of as many types as there are') FROM (SELECT FROM pg_attribute WHERE attrelid = 'over_resource'::regclass AND attnum BETWEEN 1 AND 36) AS a;
SELECT is(array_agg(v.family ORDER BY v.family)::text, '{A,A,A,B,B,B}', 'their rows') FROM (TABLE over_resource UNION ALL TABLE over_plain UNION ALL TABLE over_nested) AS v WHERE c2 = '{x,y}';

-- The text that a dump has of each

DO $$
DECLARE
	v text;
BEGIN
	FOREACH v IN ARRAY '{over_resource,over_plain,over_nested}'::text[] LOOP
		EXECUTE format('CREATE VIEW again_%s AS %s', v, pg_get_viewdef(v::regclass));
	END LOOP;
END $$;
SELECT is(foreign_calls(('again_' || v)::regclass), NULL, v || ' calls none of them when it is restored') FROM unnest('{over_resource,over_plain,over_nested}'::text[]) AS v;
SELECT is(is_called, false, 'none ran') FROM ran;

-- An overload with a default makes the call ambiguous.

SET ROLE healthlake_overloader;
CREATE FUNCTION healthlake_fhirpath_text(jsonb, text, int DEFAULT 0) RETURNS text LANGUAGE sql AS 'SELECT nextval(''ran'')::text';
RESET ROLE;
SELECT is(sqlstate, '42725', 'an overload with a default is not called') FROM raised($$SELECT healthlake_fhir_create_view('ambiguous', '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id", "type": "id"}]}]}', 'overloaded')$$);
SELECT is(to_regclass('ambiguous'), NULL, 'and there is no view');
DROP FUNCTION healthlake_fhirpath_text(jsonb, text, int);

-- A function that the extension has lost

ALTER EXTENSION healthlake DROP FUNCTION healthlake_fhirpath_text(jsonb, text);
SELECT is_row(ROW(r.sqlstate, r.message, to_regclass('lost')), ROW('55000'::text, 'view "lost" would use function healthlake_fhirpath_text(jsonb,text)'::text, NULL::regclass), 'what it has lost is in no view')
  FROM raised($$SELECT healthlake_fhir_create_view('lost', '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id", "type": "id"}]}]}', 'overloaded')$$) AS r;
ALTER EXTENSION healthlake ADD FUNCTION healthlake_fhirpath_text(jsonb, text);
SELECT is(sqlstate, NULL, 'what it has, is') FROM raised($$SELECT healthlake_fhir_create_view('found', '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id", "type": "id"}]}]}', 'overloaded')$$);

-- A table that is another one when the view is created

CREATE TABLE renamed (resource jsonb);
CREATE FUNCTION rename_it() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE renamed RENAME TO away; CREATE TABLE renamed (resource jsonb); END $$;
CREATE EVENT TRIGGER rename_it ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION rename_it();
SELECT is_row(ROW(r.sqlstate, r.message, to_regclass('other')), ROW('55000'::text, 'view "other" would use table renamed'::text, NULL::regclass), 'nor is another table')
  FROM raised($$SELECT healthlake_fhir_create_view('other', '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}]}]}', 'renamed')$$) AS r;
DROP EVENT TRIGGER rename_it;

-- The name of the schema, which its owner may change, is no SQL text.

DROP EXTENSION healthlake CASCADE;
CREATE SCHEMA owned AUTHORIZATION healthlake_overloader;
CREATE EXTENSION healthlake SCHEMA owned;
ALTER SCHEMA owned RENAME TO "it's";
SELECT is(says('SELECT "it''s".healthlake_adopt_requests(''1/1'')'), '', 'requests are adopted in a schema with a quotation mark in its name');
SELECT is(says('SELECT * FROM "it''s".healthlake_check()'), '', 'what is checked');
SELECT is(says('SELECT "it''s".healthlake_grant(''healthlake_overloader'', ''read'')'), '', 'rights are granted');
SELECT is(says('SELECT "it''s".healthlake_purge_requests(''1 day'')'), '', 'requests are purged');
SELECT is(says($$SELECT "it's".healthlake_fhir_create_view('quoted', '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}, {"name": "b", "path": "name.given", "collection": true}]}]}', 'overloaded')$$), '', 'and views are created');

DROP OWNED BY healthlake_overloader CASCADE;
DROP ROLE healthlake_overloader;

SELECT * FROM finish();
