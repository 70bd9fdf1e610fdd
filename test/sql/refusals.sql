-- Tests without an endpoint: requests that are refused before anything is sent, and previews.
\set ECHO none
\getenv tests PG_ABS_SRCDIR
\set closed :tests '/pgtap/closed.sql'
\i :closed
SET healthlake.region = 'us-east-1';
SET healthlake.access_key_id = 'AKIDEXAMPLE';
SET healthlake.secret_access_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
SET healthlake.max_attempts = 1;
\set ECHO all
CREATE EXTENSION healthlake;
-- faults, all at once
SELECT healthlake_create_datastore('{"DatastoreName": ""}'::jsonb);
SELECT healthlake_create_datastore('{"datastore_name": "x", "DatastoreTypeVersion": "R4"}'::jsonb);
SELECT healthlake_create_datastore('{"DatastoreTypeVersion": "R4", "DatastoreName": 7,
	"Tags": [{"Key": "", "Value": null}, "env"], "BackupConfiguration": {"RetentionPeriodInDays": 0}}'::jsonb);
SELECT healthlake_create_datastore('{}'::jsonb);
SELECT healthlake_create_datastore('[]'::jsonb);
SELECT healthlake_create_datastore('{"DatastoreTypeVersion": "R4"}');
SELECT healthlake_create_datastore(NULL::text);
SELECT healthlake_create_datastore(request => NULL);
SELECT healthlake_create_datastore('ward 7', cmk_type => 'CUSTOMER_MANAGED_KMS_KEY');
SELECT healthlake_create_datastore('ward 7', backup_retention_period_in_days => 0, tags => '{"env": 1}');
SELECT healthlake_create_datastore('ward 7', more => '{"DatastoreName": "ward 8"}');
SELECT healthlake_create_datastore('ward 7', more => '{"Colour": "green"}');
SELECT healthlake_call('createfhirdatastore');
SELECT (healthlake_create_datastore('ward 7')).* ORDER BY id;
-- invalid settings
SET healthlake.region = 'us east';
SET healthlake.region = 'US-EAST-1';
SELECT healthlake_create_datastore('ward 7', region => 'moon/1');
SET healthlake.endpoint_url = 'http://user:password@example.com';
SET healthlake.secret_access_key = '****************';
-- guard rails
SET healthlake.allowed_regions = 'eu-west-2';
SELECT healthlake_create_datastore('ward 7');
SET healthlake.allowed_regions = '';
SET healthlake.required_tags = 'env';
SELECT healthlake_create_datastore('ward 7');
SET healthlake.required_tags = '';
SET healthlake.require_customer_key = on;
SELECT healthlake_create_datastore('ward 7');
SET healthlake.require_customer_key = off;
-- previews
SELECT body, headers ->> 'X-Amz-Target' AS target
  FROM healthlake_preview('CreateFHIRDatastore', '{"DatastoreName": "ward 7", "DatastoreTypeVersion": "R4", "ClientToken": "t"}');
SELECT operation, argument, member FROM healthlake_operations() WHERE operation = 'TagResource';
-- the queue refuses settings of a session, and read-only transactions change nothing
SELECT healthlake_enqueue_create_datastore('ward 7');
BEGIN READ ONLY;
SELECT healthlake_create_datastore('ward 7');
ROLLBACK;
-- nothing is sent to a closed port
\set VERBOSITY sqlstate
SELECT healthlake_create_datastore('ward 7');
\set VERBOSITY default
SELECT operation, outcome, sqlstate FROM healthlake_last_call();
-- roles
CREATE ROLE regress_healthlake_clerk;
SET ROLE regress_healthlake_clerk;
SELECT healthlake_create_datastore('ward 7');
SET healthlake.secret_access_key = 'x';
RESET ROLE;
SELECT healthlake_grant('regress_healthlake_clerk', 'read', 'create');
SELECT has_function_privilege('regress_healthlake_clerk', 'healthlake_create_datastore(jsonb)', 'EXECUTE');
SELECT healthlake_revoke('regress_healthlake_clerk', 'read', 'create');
DROP ROLE regress_healthlake_clerk;
DROP EXTENSION healthlake;
