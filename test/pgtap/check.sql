-- healthlake_check(): the requirements of a call, exposed secrets, and guard rails that do not bind.

\ir setup.sql
SELECT no_plan();

SELECT is((SELECT array_agg(item) FROM healthlake_check() WHERE NOT ok), NULL, 'all is well');
SELECT set_has('SELECT item FROM healthlake_check()', $$ VALUES ('region'), ('endpoint'), ('credentials'), ('name lookup, connection and TLS'), ('clock'), ('AWS'),
	('secrets in files'), ('secrets in statements'), ('cancelling a name lookup') $$, 'the checked items');
SELECT is(detail, 'us-east-1', 'the region') FROM healthlake_check() WHERE item = 'region';
SELECT is(detail, :'emulator_url' || '/', 'the endpoint') FROM healthlake_check() WHERE item = 'endpoint';
SELECT is(count(*) FILTER (WHERE detail ~ 'wJalr'), 0::bigint, 'no secret is told') FROM healthlake_check();
SELECT is(operation, 'ListFHIRDatastores', 'it reads, and little') FROM emulator_log() ORDER BY n DESC LIMIT 1;

SELECT emulator_next('{"operation": "ListFHIRDatastores", "error": "AccessDeniedException", "message": "Not you."}') \g /dev/null
SELECT is_row(ROW(ok, detail), ROW(false, 'ListFHIRDatastores failed (SQLSTATE 42501, AWS error code AccessDeniedException): Not you.'::text), 'AWS refuses') FROM healthlake_check() WHERE item = 'AWS';
SELECT emulator_set('{"clock": 1000, "tolerance": 3000}') \g /dev/null
SELECT is_row(ROW(ok, detail ~ '^-?(999|1000|1001) seconds off'), ROW(false, true), 'the clock is off') FROM healthlake_check() WHERE item = 'clock';
SELECT emulator_reset() \g /dev/null
SET healthlake.endpoint_url = 'http://127.0.0.1:9';
SELECT is(ok, false, 'nobody is there') FROM healthlake_check() WHERE item = 'name lookup, connection and TLS';
SELECT is(count(*), 0::bigint, 'and nothing is known of AWS') FROM healthlake_check() WHERE item = 'AWS';
SET healthlake.endpoint_url = 'https://localhost:9';
SET healthlake.use_fips_endpoint = on;
SELECT is(ok, false, 'settings that exclude each other') FROM healthlake_check() WHERE item = 'region and endpoint';
RESET healthlake.use_fips_endpoint;
SET healthlake.endpoint_url = :'emulator_url';
SET healthlake.allowed_regions = 'eu-west-2';
SELECT is_row(ROW(ok, detail ~ 'not allowed'), ROW(false, true), 'a region that is not allowed') FROM healthlake_check() WHERE item = 'region and endpoint';
RESET healthlake.allowed_regions;

-- Exposed secrets

CREATE ROLE healthlake_exposed;
ALTER ROLE healthlake_exposed SET healthlake.secret_access_key = 'aSecretThatEveryoneReads';
SELECT matches(detail, '^healthlake\.secret_access_key is in a setting of role healthlake_exposed', 'a role''s setting') FROM healthlake_check() WHERE NOT ok;
ALTER ROLE healthlake_exposed RESET ALL;
CREATE FUNCTION exposed() RETURNS int LANGUAGE sql SET healthlake.session_token = 'aTokenThatEveryoneReads' AS 'SELECT 1';
SELECT matches(detail, '^healthlake\.session_token is in a setting of function public\.exposed\(\)', 'a function''s setting') FROM healthlake_check() WHERE NOT ok;
SELECT is(count(*) FILTER (WHERE detail ~ 'EveryoneReads'), 0::bigint, 'which is not repeated') FROM healthlake_check();
DROP FUNCTION exposed();
CREATE FUNCTION seen() RETURNS SETOF text LANGUAGE sql AS $$ SELECT detail FROM healthlake_check() WHERE item = 'exposed secret' $$;
-- every setting that is masked
CREATE TEMPORARY TABLE secret AS SELECT 'healthlake.' || name AS name, value FROM (VALUES ('access_key_id', 'AKIDEXAMPLE'), ('secret_access_key', 'x'),
	('session_token', 'x'), ('bearer_token', 'x'), ('proxy', 'http://u:p@127.0.0.1:9')) AS s (name, value);
CREATE FUNCTION seen_of(name text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	details text;
BEGIN
	EXECUTE format('ALTER ROLE healthlake_exposed SET %s = %L', name, value);
	SELECT string_agg(detail, ' ') FROM seen() AS detail INTO details;
	EXECUTE format('ALTER ROLE healthlake_exposed RESET %s', name);
	RETURN details;
END
$$;
SELECT is(seen_of(name, value), name || ' is in a setting of role healthlake_exposed, which every role can read', name || ' is looked for') FROM secret;
SELECT is(seen_of('healthlake.proxy', 'http://127.0.0.1:9'), NULL, 'a proxy without a password is none');
SELECT current_setting('server_version_num')::integer >= 150000 AS flags \gset
\if :flags
	LOAD 'healthlake';
	SELECT is((SELECT array_agg(name ORDER BY name) FROM secret), array_agg(name ORDER BY name), 'these are all that are masked')
	  FROM unnest('{access_key_id,secret_access_key,session_token,profile,credentials_file,config_file,role_external_id,bearer_token,proxy,ca_bundle,endpoint_url}'::text[]) AS s (short), LATERAL (SELECT 'healthlake.' || short) AS n (name)
	 WHERE 'NO_SHOW_ALL' = ANY (pg_settings_get_flags(name));
\endif
DROP ROLE healthlake_exposed;

-- Guard rails of roles

CREATE FUNCTION rails() RETURNS SETOF text LANGUAGE sql AS $$ SELECT detail FROM healthlake_check() WHERE NOT ok AND item = 'guard rail' $$;
CREATE ROLE healthlake_group;
ALTER ROLE healthlake_group SET healthlake.audit_reads = 'durable';
SELECT is(array_agg(r)::text, '{"healthlake.audit_reads is set for role healthlake_group, which cannot log in: it binds no session"}', 'a role without LOGIN') FROM rails() AS r;
ALTER ROLE healthlake_group LOGIN;
SELECT is(count(*), 0::bigint, 'a role with LOGIN') FROM rails();
CREATE FUNCTION lent() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
ALTER FUNCTION lent OWNER TO healthlake_group;
SELECT is(array_agg(r)::text, '{"healthlake.audit_reads is set for role healthlake_group, and does not bind its function public.lent(), which runs with the settings of its caller"}', 'with a SECURITY DEFINER function') FROM rails() AS r;
ALTER FUNCTION lent SET healthlake.audit_reads = 'durable';
SELECT is(count(*), 0::bigint, 'that has the setting itself') FROM rails();
ALTER FUNCTION lent RESET ALL;
ALTER ROLE healthlake_group RESET ALL;
ALTER ROLE healthlake_group IN DATABASE postgres SET healthlake.allowed_regions = 'us-east-1';
ALTER ROLE healthlake_group SET healthlake.datastore_id = '0123456789abcdef0123456789abcdef';
SELECT is(count(*), 0::bigint, 'another database, another setting') FROM rails();
ALTER ROLE healthlake_group IN DATABASE postgres RESET ALL;
DROP FUNCTION lent;
DROP ROLE healthlake_group;

-- Roles that can create functions in the extension's schema

CREATE FUNCTION rivals() RETURNS SETOF text LANGUAGE sql AS $$ SELECT detail FROM healthlake_check() WHERE NOT ok AND item = 'extension''s schema' $$;
CREATE ROLE "healthlake rivals";
CREATE ROLE healthlake_rival IN ROLE "healthlake rivals";
GRANT CREATE ON SCHEMA public TO "healthlake rivals";
SELECT is(array_agg(r)::text, '{"role \"healthlake rivals\", healthlake_rival can create functions in schema public: a call may find one of these in place of the extension''s own"}', 'roles that can create functions beside the extension''s') FROM rivals() AS r;
GRANT CREATE ON SCHEMA public TO PUBLIC;
SELECT is(array_agg(r)::text, '{"every role can create functions in schema public: a call may find one of these in place of the extension''s own"}', 'every role') FROM rivals() AS r;
REVOKE CREATE ON SCHEMA public FROM PUBLIC, "healthlake rivals";
SELECT is(count(*), 0::bigint, 'and none') FROM rivals();
DROP ROLE healthlake_rival, "healthlake rivals";

SELECT * FROM finish();
