-- The lines in the server's log about changes, in a machine-readable form: key=value.
-- It needs UTF8.

\ir setup.sql
\getenv log HEALTHLAKE_SERVER_LOG
\if :{?log}
\else
	SELECT plan(1);
	SELECT pass('the log # SKIP HEALTHLAKE_SERVER_LOG is not set');
	\q
\endif
SELECT no_plan();

-- The lines of this session that begin with healthlake, without their prefix. Other sessions
-- may have logged bytes that are not UTF-8.
CREATE TEMPORARY TABLE log_file AS SELECT :'log' AS path;
CREATE FUNCTION lines() RETURNS TABLE (n bigint, event text, line text) LANGUAGE sql AS $$
	SELECT n, substring(line FROM 'event=(\w+)'),
		convert_from(convert_to(substring(line FROM 'LOG:  (healthlake .*)$'), 'LATIN1'), 'UTF8')
	  FROM log_file, regexp_split_to_table(convert_from(pg_read_binary_file(path), 'LATIN1'), '\n')
		WITH ORDINALITY AS t (line, n)
	 WHERE line LIKE '%[' || pg_backend_pid() || ']%LOG:  healthlake %'
$$;
CREATE FUNCTION last_line(event text) RETURNS text LANGUAGE sql AS $$
	SELECT line FROM lines() WHERE lines.event = last_line.event ORDER BY n DESC LIMIT 1 $$;

SELECT healthlake_create_datastore('ward 7', client_token => 'my-token') IS NOT NULL \g /dev/null
SELECT is(string_agg(event, ', ' ORDER BY n), 'request, reply', 'a line before sending and one after') FROM lines();
SELECT is(last_line('request'), format('healthlake event=request operation=CreateFHIRDatastore client_token="my-token" name="ward 7" region=us-east-1 session_role="%1$s" current_role="%1$s"', session_user),
	'before: operation, token, name, region');
SELECT matches(last_line('reply'), '^healthlake event=reply outcome=succeeded sqlstate=00000 operation=CreateFHIRDatastore client_token="my-token" name="ward 7" region=us-east-1 session_role="[^"]+" current_role="[^"]+" id="[0-9a-f]{32}" request_id="[0-9a-f-]{36}" http_status=200 attempts=1 duration_ms=[0-9]+\.[0-9]{3}$',
	'after: what came of it');

SELECT emulator_next('{"error": "ConflictException", "message": "No.\nhealthlake event=forged"}') \g /dev/null
SELECT is(sqlstate, '55006', 'a refusal') FROM raised($$ SELECT healthlake_create_datastore('x') $$);
SELECT matches(last_line('reply'), ' outcome=failed sqlstate=55006 .* aws_code="ConflictException" .*http_status=400 attempts=1 ',
	'is in the log');
SELECT emulator_next('{"error": "InternalServerException"}') \g /dev/null
SELECT is(sqlstate, '38M01', 'an unknown outcome') FROM raised($$ SELECT healthlake_create_datastore('x') $$);
SELECT matches(last_line('reply'), ' outcome=unknown sqlstate=38M01 ', 'too');

-- A name cannot forge a line

SELECT count(*) FROM raised($$ SELECT healthlake_create_datastore(E'a"b\n2026-01-01 LOG:  healthlake event=forged é \x01') $$) \g /dev/null
SELECT ok(position('name="a\"b\n2026-01-01 LOG:  healthlake event=forged é \u0001"' IN last_line('request')) > 0,
	'a name is quoted as JSON quotes it');
SELECT is(count(*), 0::bigint, 'so that no line is forged') FROM lines() WHERE event = 'forged';

-- External text is truncated at 256 bytes, between characters; ids and tokens are complete

SELECT count(*) FROM raised(format($$ SELECT healthlake_create_datastore('a' || repeat('é', 126) || 'bcd', client_token => %L) $$, repeat('t', 300))) \g /dev/null
SELECT ok(position('name="a' || repeat('é', 126) || 'bcd"' IN last_line('request')) > 0, 'a name of 256 bytes is whole');
SELECT ok(position('client_token="' || repeat('t', 300) || '"' IN last_line('reply')) > 0, 'so is a token of any length');
SELECT emulator_next(jsonb_build_object('error', repeat('E', 2000))) \g /dev/null
SELECT count(*) FROM raised($$ SELECT healthlake_create_datastore(repeat('é', 129)) $$) \g /dev/null
SELECT ok(position('name="' || repeat('é', 126) || '..."' IN last_line('request')) > 0, 'one of 258 bytes is cut');
SELECT ok(position('name="' || repeat('é', 126) || '..."' IN last_line('reply')) > 0, 'in the reply''s line, too');
SELECT ok(length(substring(last_line('reply') FROM ' aws_code="(E+)"')) BETWEEN 1 AND 256, 'and so is AWS''s code');

-- A rollback

SELECT count(*) AS before FROM lines() WHERE event = 'rollback' \gset
SET client_min_messages = error;
BEGIN;
SELECT id FROM healthlake_create_datastore('a', client_token => 'token-a') \gset
SAVEPOINT s;
SELECT healthlake_create_datastore('b', client_token => 'token-b') IS NOT NULL \g /dev/null
ROLLBACK TO s;
ROLLBACK;
SET client_min_messages = warning;
SELECT is(count(*), 2::bigint, 'a line for each data store that stays') FROM lines()
 WHERE event = 'rollback' AND line ~ 'token-[ab]';
SELECT is(last_line('rollback'), format('healthlake event=rollback operation=CreateFHIRDatastore client_token="token-a" name="a" id="%1$s" session_role="%2$s" current_role="%2$s"', :'id', session_user),
	'with its id, token and name, whatever the client wants to see');

-- Missing values

SELECT count(*) AS before FROM lines() \gset
SELECT is(sqlstate, '22023', 'a request that is not sent') FROM raised($$ SELECT healthlake_create_datastore('') $$);
SELECT is(count(*), :before::bigint, 'is not logged') FROM lines();
SELECT healthlake_create_datastore('x', authorization_strategy => 'AWS_AUTH',
	identity_provider_metadata => '{"client_secret": "hunter2"}') IS NOT NULL \g /dev/null
SELECT is(count(*), 0::bigint, 'no line has a body, a key or a signature') FROM lines()
 WHERE line ~ 'hunter2|wJalrXUtnFEMI|AKIDEXAMPLE|AWS4-HMAC|Signature';

SELECT * FROM finish();
