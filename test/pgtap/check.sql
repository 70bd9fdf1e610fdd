-- healthlake_check(): what a call needs, and where secrets are exposed.

\ir setup.sql
SELECT no_plan();

SELECT is((SELECT array_agg(item) FROM healthlake_check() WHERE NOT ok), NULL, 'all is well');
SELECT set_has('SELECT item FROM healthlake_check()', $$ VALUES ('region'), ('endpoint'), ('credentials'), ('name lookup, connection and TLS'), ('clock'), ('AWS'),
	('secrets in files'), ('secrets in statements'), ('cancelling a name lookup') $$, 'what is looked at');
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
DROP ROLE healthlake_exposed;

SELECT * FROM finish();
