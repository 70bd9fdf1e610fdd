-- Errors in psql.
\set ECHO none
\getenv tests PG_ABS_SRCDIR
\set session :tests '/pgtap/session.sql'
\i :session
SET healthlake.region = '';
SET healthlake.access_key_id = '';
SET healthlake.secret_access_key = '';
\set ECHO all
CREATE EXTENSION healthlake;
-- missing settings
SELECT healthlake_create_datastore('ward 7');
SET healthlake.region = 'us-east-1';
SELECT healthlake_create_datastore('ward 7');
SET healthlake.access_key_id = 'AKIDEXAMPLE';
SELECT healthlake_create_datastore('ward 7');
SET healthlake.secret_access_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
-- errors of AWS and of the network
SET healthlake.endpoint_url = 'http://127.0.0.1:1';
\set VERBOSITY sqlstate
SELECT healthlake_create_datastore('ward 7');
\set VERBOSITY default
SET healthlake.endpoint_url = :'emulator_url';
SELECT emulator_next(jsonb_agg(step || '{"headers": {"x-amzn-RequestId": "8d4f0e4e-0001-4000-8000-000000000000"}}'))
  FROM jsonb_array_elements('[
	{"error": "AccessDeniedException", "message": "User is not authorized to perform: healthlake:CreateFHIRDatastore"},
	{"error": "ConflictException", "message": "The client token was used before"},
	{"error": "ThrottlingException"},
	{"error": "ServiceQuotaExceededException", "message": "Too many data stores"},
	{"error": "ExpiredTokenException", "message": "The security token included in the request is expired"},
	{"error": "SomethingNewException", "message": "Something new"},
	{"error": "InternalServerException", "message": "Internal failure"},
	{"status": 200, "body": {"DatastoreId": "00112233445566778899aabbccddeeff"}},
	{"status": 200, "body": "<html></html>"}]') AS step \g /dev/null
PREPARE ward AS SELECT healthlake_create_datastore('ward 7', client_token => 'my-token');
EXECUTE ward;
EXECUTE ward;
EXECUTE ward;
EXECUTE ward;
EXECUTE ward;
EXECUTE ward;
EXECUTE ward;
EXECUTE ward;
EXECUTE ward;
\echo :SQLSTATE
BEGIN READ ONLY;
EXECUTE ward;
ROLLBACK;
SET client_min_messages = error;
SELECT emulator_reset() \g /dev/null
BEGIN;
SELECT count(*) FROM healthlake_create_datastore('ward 7');
PREPARE TRANSACTION 'healthlake';
RESET client_min_messages;
CREATE ROLE regress_healthlake_clerk;
SET ROLE regress_healthlake_clerk;
SELECT healthlake_create_datastore('ward 7');
SET healthlake.secret_access_key = 'x';
RESET ROLE;
DROP ROLE regress_healthlake_clerk;
