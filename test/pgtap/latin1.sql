-- A database of encoding LATIN1: AWS gets UTF-8, the database what it can hold,
-- or a clean error.

\ir setup.sql
SELECT current_database() AS home, current_database() || '_latin1' AS other \gset
CREATE DATABASE :"other" TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
\c :"other"
\ir setup.sql
SET client_encoding = 'UTF8';
SELECT no_plan();
SELECT is(sent($$ healthlake_create_datastore('Süd') $$) ->> 'DatastoreName', 'Süd', 'a name');
SELECT is(encode(convert_to(body_text, 'UTF8'), 'escape') ~ 'S\\303\\274d', true, 'is UTF-8 on the wire') FROM emulator_log();
SELECT is(sent($$ healthlake_create_datastore('{"DatastoreName": "Süd", "DatastoreTypeVersion": "R4"}'::jsonb) $$) ->> 'DatastoreName',
	'Süd', 'so it is in jsonb');
SELECT is(sent($$ healthlake_create_datastore('x', tags => '{"ä": "ö"}') $$) -> 'Tags', '[{"Key": "ä", "Value": "ö"}]', 'and in tags');
SELECT emulator_next('{"status": 400, "body_base64": "eyJfX3R5cGUiOiJDb25mbGljdEV4Y2VwdGlvbiIsIm1lc3NhZ2UiOiJTw7xkIOWwjyJ9"}') \g /dev/null
SELECT is_row(ROW(sqlstate, message), ROW('55006', 'AWS refused CreateFHIRDatastore: Süd ?'),
	'a message with a character that LATIN1 lacks') FROM raised($$ SELECT healthlake_create_datastore('x') $$);
SELECT emulator_next('{"error": "ConflictException", "message": "Süd"}') \g /dev/null
SELECT is((raised($$ SELECT healthlake_create_datastore('x') $$)).message, 'AWS refused CreateFHIRDatastore: Süd',
	'a message that LATIN1 can hold');
SELECT emulator_next('{"status": 200, "body_base64": "eyJEYXRhc3RvcmVJZCI6ICLlsI8iLCAiRGF0YXN0b3JlQXJuIjogImIiLCAiRGF0YXN0b3JlU3RhdHVzIjogImMiLCAiRGF0YXN0b3JlRW5kcG9pbnQiOiAiZCJ9"}') \g /dev/null
SELECT is((raised($$ SELECT healthlake_create_datastore('x', client_token => 'latin') $$)).sqlstate, '22P05',
	'a value that LATIN1 lacks is not changed into another');
SELECT is_row(ROW(outcome, client_token, reply), ROW('succeeded', 'latin', NULL::jsonb), 'the last call has its token') FROM healthlake_last_call();
SELECT * FROM finish();

\c :"home"
DROP DATABASE :"other";
