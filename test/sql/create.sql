-- Creating data stores in psql. The replies are scripted, so that ids are constant.
\set ECHO none
\getenv tests PG_ABS_SRCDIR
\set session :tests '/pgtap/session.sql'
\i :session
\set ECHO all
CREATE EXTENSION healthlake;
SELECT emulator_next('{"times": 4, "status": 200, "headers": {"x-amzn-RequestId": "8d4f0e4e-0001-4000-8000-000000000000"},
	"body": {"DatastoreId": "00112233445566778899aabbccddeeff",
		"DatastoreArn": "arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/00112233445566778899aabbccddeeff",
		"DatastoreStatus": "CREATING",
		"DatastoreEndpoint": "https://healthlake.us-east-1.amazonaws.com/datastore/00112233445566778899aabbccddeeff/r4/"}}') \g /dev/null
SELECT healthlake_create_datastore('ward 7');
\x on
SELECT * FROM healthlake_create_datastore('ward 7', tags => '{"env": "prod"}');
SELECT (healthlake_create_datastore('ward 7', client_token => 'my-token')).*;
SELECT operation, client_token, aws_request_id, outcome, sqlstate, reply ->> 'DatastoreId' AS id
  FROM healthlake_last_call();
\x off
SELECT id, status FROM healthlake_create_datastore('{"DatastoreName": "ward 7", "DatastoreTypeVersion": "R4"}'::jsonb);
-- one request for each of these
SELECT body ->> 'DatastoreName' AS name, body -> 'Tags' AS tags, status FROM emulator_log();
-- statements that PostgreSQL would call twice for a row
SELECT (healthlake_create_datastore('ward 7')).* ORDER BY id;
SELECT (healthlake_create_datastore((SELECT 'ward 7'))).*;
SELECT healthlake_create_datastore('ward 7'), generate_series(1, 2);
