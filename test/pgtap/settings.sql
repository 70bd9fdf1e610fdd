-- The parameters: list, privileges, and masking of secrets.

-- Before anything else, since DISCARD ALL drops pgTAP's temporary tables.
\set QUIET 1
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
\ir emulator.sql
SET healthlake.region = 'eu-west-1';
SET healthlake.secret_access_key = 'given early';
CREATE EXTENSION healthlake;
CREATE TABLE discarded AS SELECT current_setting('healthlake.region') AS early_region,
	current_setting('healthlake.secret_access_key') AS early_secret;
ALTER TABLE discarded ADD call_before text, ADD call_after text, ADD changed bigint, ADD secrets text,
	ADD sqlstate_after text;
SET healthlake.endpoint_url = :'emulator_url';
SET healthlake.access_key_id = 'AKIDEXAMPLE';
SET healthlake.secret_access_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
SET healthlake.session_token = '';
SET healthlake.max_attempts = 1;
SELECT healthlake_create_datastore('x') IS NOT NULL \g /dev/null
UPDATE discarded SET call_before = (SELECT operation FROM healthlake_last_call());
DISCARD ALL;
UPDATE discarded SET call_after = (SELECT operation FROM healthlake_last_call()),
	changed = (SELECT count(*) FROM pg_settings WHERE name LIKE 'healthlake.%' AND source <> 'default'),
	secrets = current_setting('healthlake.access_key_id') || current_setting('healthlake.secret_access_key')
		|| current_setting('healthlake.session_token');
SET healthlake.endpoint_url = :'emulator_url';
SET healthlake.region = 'us-east-1';
DO $$
DECLARE
	state text;
BEGIN
	BEGIN
		PERFORM healthlake_create_datastore('x');
	EXCEPTION WHEN OTHERS THEN
		state := SQLSTATE;
	END;
	UPDATE discarded SET sqlstate_after = state;
END $$;

\ir setup.sql
SELECT no_plan();
SELECT current_setting('server_version_num')::integer >= 150000 AS grants \gset
RESET ALL;
SET client_min_messages = warning;

-- List

CREATE TEMPORARY TABLE wanted (name text, standard text, context text);
INSERT INTO wanted VALUES
	('region', '', 'user'),
	('allowed_regions', '', 'superuser'), ('endpoint_url', '', 'superuser'),
	('use_fips_endpoint', 'off', 'superuser'), ('use_dualstack_endpoint', 'off', 'superuser'),
	('ca_bundle', '', 'superuser'),
	('require_customer_key', 'off', 'superuser'), ('required_tags', '', 'superuser'),
	('unknown_members', 'error', 'superuser'), ('max_response_size', '8192', 'superuser'), ('max_request_size', '1024', 'superuser'),
	('audit', 'on', 'superuser'), ('audit_retention', '6 years', 'superuser'), ('fence', '', 'superuser'),
	('autostart_worker', 'on', 'superuser'), ('tag_requests', 'off', 'superuser'),
	('worker_databases', '', 'sighup'), ('worker_count', '1', 'sighup'), ('max_concurrency', '10', 'user'),
	('connect_timeout', '3100', 'user'), ('request_timeout', '30000', 'user'), ('max_attempts', '3', 'user');
SELECT is_row(ROW(coalesce(s.boot_val, ''), s.context), ROW(w.standard, w.context), 'healthlake.' || w.name)
  FROM wanted AS w LEFT JOIN pg_settings AS s ON s.name = 'healthlake.' || w.name;
SELECT is(count(*), 0::bigint, 'every one is described') FROM pg_settings
 WHERE name LIKE 'healthlake.%' AND coalesce(short_desc, '') !~ '\.$';
SELECT is(unit, 'ms', name || ' is a time') FROM pg_settings WHERE name ~ '^healthlake\..*_timeout$' ORDER BY name;
SELECT is_row(ROW(min_val, max_val), ROW('1', '10'), 'max_attempts has bounds')
  FROM pg_settings WHERE name = 'healthlake.max_attempts';

SELECT is(count(*), 0::bigint, 'pg_settings does not list the credentials') FROM pg_settings
 WHERE name IN ('healthlake.access_key_id', 'healthlake.secret_access_key', 'healthlake.session_token', 'healthlake.proxy');

\if :grants
	SELECT is(array_to_string(pg_settings_get_flags('healthlake.' || name), ' '), 'NO_SHOW_ALL NOT_IN_SAMPLE', 'the flags of ' || name)
	  FROM unnest('{access_key_id,secret_access_key,session_token,proxy}'::text[]) AS name;
\endif

-- Masks

SET healthlake.access_key_id = 'AKIDEXAMPLE';
SET healthlake.secret_access_key = 'wJalrXUtnFEMI';
SET healthlake.session_token = 'FwoGZXIvYXdzE';
SELECT is(current_setting('healthlake.access_key_id'), '****************MPLE', 'the key id but for its end');
SELECT is(current_setting('healthlake.secret_access_key'), '****************', 'nothing of the secret');
SELECT is(current_setting('healthlake.session_token'), '****************', 'nothing of the token');
SELECT is(count(*), 0::bigint, 'nothing in pg_settings') FROM pg_settings
 WHERE concat(setting, boot_val, reset_val) ~ 'wJalrXUtnFEMI|FwoGZXIvYXdzE|AKIDEXAMPLE';
SELECT is(count(*), 0::bigint, 'nor in pg_show_all_settings()') FROM pg_show_all_settings()
 WHERE concat(setting, boot_val, reset_val) ~ 'wJalrXUtnFEMI|FwoGZXIvYXdzE|AKIDEXAMPLE';
SET healthlake.access_key_id = 'short';
SELECT is(current_setting('healthlake.access_key_id'), '****************', 'nothing of a short key id');
SET healthlake.proxy = 'http://user:password@proxy.example:3128';
SELECT is(current_setting('healthlake.proxy'), 'http://****************@proxy.example:3128', 'nothing of a proxy''s user');
-- what precedes :// is a scheme only if it has a scheme's characters (RFC 3986, 3.1)
SELECT is(set_config('healthlake.proxy', value, false), shown, 'SHOW of ' || value)
  FROM (VALUES ('user:topsecret://x@127.0.0.1:9', '****************@127.0.0.1:9'), ('user:pw@127.0.0.1:9', '****************@127.0.0.1:9'),
	('://topsecret@127.0.0.1:9', '****************@127.0.0.1:9'), ('1top://secret@127.0.0.1:9', '****************@127.0.0.1:9'),
	('top_secret://x@127.0.0.1:9', '****************@127.0.0.1:9'), ('socks5h://u:p@127.0.0.1:9', 'socks5h://****************@127.0.0.1:9'),
	('http://u:p://x@y@127.0.0.1:9', 'http://****************@127.0.0.1:9'), (repeat('a', 600) || '://u:p@127.0.0.1:9', '****************@127.0.0.1:9')) AS v (value, shown);
SET healthlake.proxy = 'http://user:password@proxy.example:3128';

-- A mask is refused as a value

SET healthlake.bearer_token = 'aTokenOfMine';
CREATE TEMPORARY TABLE masked AS SELECT name FROM unnest('{access_key_id,secret_access_key,session_token,bearer_token,proxy}'::text[]) AS name;
SELECT is(r.sqlstate || ' ' || r.message, '22023 a masked value cannot be set as a credential', 'set_config() with what current_setting() gave: ' || name)
  FROM masked, raised(format($$ SELECT set_config('healthlake.%s', current_setting('healthlake.%1$s'), false) $$, name)) AS r;
CREATE ROLE healthlake_copied;
SELECT is(r.sqlstate, '22023', 'ALTER ROLE SET FROM CURRENT: ' || name)
  FROM masked, raised(format('ALTER ROLE healthlake_copied SET healthlake.%I FROM CURRENT', name)) AS r;
SELECT is(count(*), 0::bigint, 'no mask is stored') FROM pg_db_role_setting WHERE setrole = 'healthlake_copied'::regrole;
DROP ROLE healthlake_copied;
SELECT is(r.sqlstate, '22023', 'a mask as a part of a proxy: ' || value)
  FROM unnest('{http://****************@proxy.example:3128,****************@127.0.0.1:9,http://user:****************@127.0.0.1:9}'::text[]) AS value,
	raised(format('SET healthlake.proxy = %L', value)) AS r;
CREATE FUNCTION holder() RETURNS void LANGUAGE sql AS 'SELECT';
SELECT is(sqlstate, '22023', 'SET FROM CURRENT') FROM
	raised('ALTER FUNCTION holder() SET healthlake.secret_access_key FROM CURRENT; SELECT holder()');
SELECT is(current_setting('healthlake.secret_access_key'), '****************', 'the secret is as it was');

-- Keys with additional characters

SELECT is(r.sqlstate, '22023', 'refused: ' || quote_literal(value))
  FROM unnest('{access_key_id,secret_access_key,session_token}'::text[]) AS name,
	unnest(ARRAY[' hunter2', 'hunter2 ', E'hunter2\n', E'hun\nter2', E'\thunter2']) AS value,
	raised(format('SET healthlake.%I = %L', name, value)) AS r;

-- Errors quote no secret

SELECT is(count(*), 0::bigint, 'a refused value is not quoted') FROM
	unnest(ARRAY['SET healthlake.secret_access_key = ''****************hunter2''',
		'SET healthlake.secret_access_key = ''hunter2 ''',
		'SET healthlake.proxy = ''http://user:hunter2@a b''',
		'SET healthlake.endpoint_url = ''http://user:hunter2@example.com/''',
		'SET healthlake.endpoint_url = ''ftp://hunter2''']) AS statement,
	raised(statement) AS r WHERE r.sqlstate IS DISTINCT FROM '22023' OR concat(r.message, r.detail, r.hint) ~ 'hunter2';

-- Values

SELECT is(r.sqlstate, '22023', 'refused: ' || setting)
  FROM unnest(ARRAY['region = ''us east''', 'region = ''a.b''', 'region = ''us-east-1/''', 'max_attempts = 0',
	'max_attempts = 11', 'connect_timeout = 0', 'request_timeout = ''-1s''', 'request_timeout = 30', 'request_timeout = ''999ms''', 'max_response_size = 0', 'max_request_size = 0',
	'allowed_regions = ''us-east-1, a b''', 'allowed_regions = ''us-east-1,,''', 'unknown_members = maybe',
	'endpoint_url = ''example.com''', 'endpoint_url = ''http://example.com''', 'endpoint_url = ''https://''',
	'endpoint_url = ''https://example.com/?a=b''', 'use_fips_endpoint = maybe', 'audit = perhaps', 'audit_retention = ''6''',
	'audit_retention = ''6 hours''', 'audit_retention = ''-1 years''', 'audit_retention = ''6 years ago''', 'audit_retention = ''''',
	'max_concurrency = 0', 'max_concurrency = 65']) AS setting,
	raised('SET healthlake.' || setting) AS r;
SELECT is_row(ROW(r.sqlstate, r.detail), ROW('22023', refused.detail), 'refused with a reason: ' || setting)
  FROM (VALUES ('datastore_id = ''ward''', 'The id of a data store has 32 hexadecimal digits in lower case.'),
	('datastore_id = ''../0123456789abcdef0123456789ab''', 'The id of a data store has 32 hexadecimal digits in lower case.'),
	('allowed_datastores = ''0123456789abcdef0123456789abcdef, ward''', 'Ids of data stores have 32 hexadecimal digits in lower case and are separated by commas.'),
	('credential_sources = ''environment, cloud''', 'The sources are settings, environment, profile, web_identity, container, metadata and sso.'),
	('credential_sources = ''''', 'The sources are settings, environment, profile, web_identity, container, metadata and sso.'),
	('role_arn = ''ward''', 'A role is named by its ARN, such as arn:aws:iam::123456789012:role/ward.'),
	('role_arn = ''arn:aws:iam::123456789012:role/a ward''', 'A role is named by its ARN, such as arn:aws:iam::123456789012:role/ward.'),
	('role_session_name = ''a ward''', 'The name has 2 to 64 letters, digits and characters of _+=,.@-.'),
	('required_tags = ''env,,team''', 'Keys of tags are separated by commas; one with a comma or a blank in it is double-quoted.')) AS refused (setting, detail),
	raised('SET healthlake.' || setting) AS r;
SELECT is(r.sqlstate, NULL, 'accepted: ' || setting)
  FROM unnest(ARRAY['region = ''us-east-1''', 'region = ''''', 'max_attempts = 10', 'connect_timeout = ''5s''',
	'max_response_size = ''1MB''', 'max_request_size = ''2MB''', 'allowed_regions = ''us-east-1, us-west-2''', 'allowed_regions = ''''',
	'endpoint_url = ''https://example.com''', 'endpoint_url = ''https://example.com/base/path''',
	'endpoint_url = ''http://127.0.0.1:8080''', 'endpoint_url = ''http://localhost''', 'endpoint_url = ''http://[::1]:1''',
	'endpoint_url = ''''', 'unknown_members = send', 'required_tags = ''env, team''',
	'audit = durable', 'audit = on', 'audit_retention = ''90 days''', 'audit_retention = ''1 year''', 'audit_retention = ''0 days''',
	'fence = ''a''', 'fence = ''''', 'max_concurrency = 64']) AS setting,
	raised('SET healthlake.' || setting) AS r;
SELECT is((raised('SET healthlake.no_such_thing = 1')).sqlstate,
	CASE WHEN current_setting('server_version_num')::integer >= 150000 THEN '42602' END,
	'an unknown parameter of ours is refused');

-- The state after DISCARD ALL, as recorded at the beginning

SELECT is_row(ROW(call_before, call_after), ROW('CreateFHIRDatastore', NULL::text),
	'DISCARD ALL forgets the last call') FROM discarded;
SELECT is_row(ROW(changed, secrets), ROW(0::bigint, ''), 'and every parameter') FROM discarded;
SELECT is(sqlstate_after, '38X01', 'so that there are no keys to call with') FROM discarded;

-- Values that were set before the library was loaded

SELECT is_row(ROW(early_region, early_secret), ROW('eu-west-1', '****************'),
	'a setting from before the library is honoured') FROM discarded;

-- Roles

CREATE ROLE healthlake_plain;
SET ROLE healthlake_plain;
SELECT is(r.sqlstate, '42501', 'a plain role cannot set ' || name)
  FROM unnest('{allowed_datastores,require_bearer_token,access_key_id,secret_access_key,session_token,allowed_regions,endpoint_url,use_fips_endpoint,ca_bundle,proxy,require_customer_key,required_tags,unknown_members,max_response_size,max_request_size,audit,audit_retention,fence,autostart_worker,tag_requests}'::text[]) AS name,
	raised(format('SET healthlake.%I TO DEFAULT', name)) AS r;
SELECT is(r.sqlstate, NULL, 'but it can set ' || setting)
  FROM unnest('{datastore_id='''',bearer_token=''abc=='',region=''us-east-1'',connect_timeout=5000,request_timeout=1000,max_attempts=1,max_concurrency=2}'::text[]) AS setting,
	raised('SET healthlake.' || setting) AS r;
SELECT is(r.sqlstate, '42501', 'nor can it read ' || name)
  FROM unnest('{access_key_id,secret_access_key,session_token,proxy}'::text[]) AS name,
	raised(format('SHOW healthlake.%I', name)) AS r;
RESET ROLE;
\if :grants
	GRANT SET ON PARAMETER healthlake.access_key_id TO healthlake_plain;
	SET ROLE healthlake_plain;
	SELECT is(sqlstate, NULL, 'unless it was granted SET') FROM raised('SET healthlake.access_key_id = ''AKIDOTHER''');
	RESET ROLE;
	REVOKE SET ON PARAMETER healthlake.access_key_id FROM healthlake_plain;
\endif
DROP ROLE healthlake_plain;

-- Allowed regions

SET healthlake.endpoint_url = :'emulator_url';
SET healthlake.region = 'us-east-1';
SET healthlake.access_key_id = 'AKIDEXAMPLE';
SET healthlake.secret_access_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
RESET healthlake.session_token;
RESET healthlake.proxy;
RESET healthlake.required_tags;
SET healthlake.unknown_members = error;
SET healthlake.allowed_regions = 'us-east-1, eu-west-2';
SELECT emulator_reset() \g /dev/null
SELECT is(sqlstate, '42501', 'an argument beyond healthlake.allowed_regions')
  FROM raised($$ SELECT healthlake_create_datastore('x', region => 'us-west-2') $$);
SET healthlake.region = 'us-west-2';
SELECT is(sqlstate, '42501', 'a setting beyond it') FROM raised($$ SELECT healthlake_create_datastore('x') $$);
SELECT is(sqlstate, '42501', 'in both forms')
  FROM raised($$ SELECT healthlake_create_datastore('{"DatastoreTypeVersion": "R4"}'::jsonb) $$);
SELECT is(count(*), 0::bigint, 'nothing was sent') FROM emulator_log();
SELECT is(sqlstate, NULL, 'one within it')
  FROM raised($$ SELECT healthlake_create_datastore('x', region => 'eu-west-2') $$);
RESET healthlake.allowed_regions;

-- Guard rails

SET healthlake.require_customer_key = on;
SELECT is(sqlstate, '42501', 'a key of the customer''s is required')
  FROM raised($$ SELECT healthlake_create_datastore('x', region => 'us-east-1') $$);
SELECT is(sqlstate, NULL, 'and given')
  FROM raised($$ SELECT healthlake_create_datastore('x', region => 'us-east-1', kms_key_id => 'alias/a') $$);
RESET healthlake.require_customer_key;
SET healthlake.required_tags = 'env, team';
SELECT is(sqlstate, '42501', 'tags are required')
  FROM raised($$ SELECT healthlake_create_datastore('x', tags => '{"env": "a"}') $$);
SELECT is(sqlstate, '42501', 'with a value')
  FROM raised($$ SELECT healthlake_create_datastore('x', tags => '{"env": "a", "team": ""}') $$);
SELECT is(sqlstate, NULL, 'and given')
  FROM raised($$ SELECT healthlake_create_datastore('x', tags => '{"env": "a", "team": "b"}') $$);
RESET healthlake.required_tags;

SELECT * FROM finish();
