-- The operator's rules: regions, keys, tags, unknown members; for every function.

\ir setup.sql
SELECT no_plan();
SELECT replace(:'emulator_url', '127.0.0.1', 'localhost') AS local_url \gset
SET healthlake.endpoint_url = :'local_url';
-- A statement is refused by a guard rail, with its message.
CREATE FUNCTION is_refused(statement text, expected text) RETURNS text LANGUAGE sql AS $$
	SELECT matches(says(statement), '^42501 ' || expected, left(statement, 100)) $$;

SELECT id, arn FROM healthlake_create_datastore('ward', backup_status => 'ENABLED') \gset
SELECT count(*) AS before FROM emulator_log() \gset

-- Regions

SET healthlake.allowed_regions = 'us-east-1, eu-west-2';
SELECT lives_ok('SELECT * FROM healthlake_list_datastores(region => ''eu-west-2'')', 'an allowed one');
SELECT lives_ok('SELECT * FROM healthlake_list_datastores()', 'the one that is set');
SET healthlake.allowed_regions = '"us-east-1", "eu-west-2"';
SELECT lives_ok('SELECT * FROM healthlake_list_datastores()', 'one that is quoted');
SELECT count(*) AS before FROM emulator_log() \gset
SELECT is_refused(statement, 'AWS region "us-west-2" is not allowed') FROM (VALUES
	('SELECT healthlake_create_datastore(''x'', region => ''us-west-2'')'), ('SELECT * FROM healthlake_list_datastores(region => ''us-west-2'')'),
	('SELECT healthlake_ensure_datastore(''x'', region => ''us-west-2'')'), ('SELECT healthlake_wait_datastore(''x'', region => ''us-west-2'')'),
	('SELECT healthlake_delete_datastore(''x'', ''y'', region => ''us-west-2'')'), ('SELECT healthlake_restore_datastore(''x'', ''y'', region => ''us-west-2'')'),
	('SELECT healthlake_call(''ListFHIRDatastores'', region => ''us-west-2'')'), ('SELECT * FROM healthlake_preview(''ListFHIRDatastores'', region => ''us-west-2'')'),
	('SELECT * FROM healthlake_list_tags(''x'', region => ''us-west-2'')'), ('SELECT * FROM healthlake_list_transformation_jobs(region => ''us-west-2'')')) AS s (statement);
SET healthlake.region = 'us-west-2';
SELECT is_refused('SELECT healthlake_create_datastore(''x'')', 'AWS region "us-west-2" is not allowed');
SELECT is_refused('SELECT healthlake_create_datastore(''{"DatastoreTypeVersion": "R4"}''::jsonb)', 'AWS region "us-west-2" is not allowed');
SET healthlake.region = 'us-east-1';
RESET healthlake.allowed_regions;
SELECT is(count(*), :before::bigint, 'nothing was sent') FROM emulator_log();

-- Regions have one notation, so that they can be compared

SELECT is(says(statement) ~ '^22023 ', true, statement) FROM (VALUES ('SET healthlake.region = ''US-EAST-1'''), ('SET healthlake.allowed_regions = ''us-east-1, US-WEST-2'''),
	('SET healthlake.allowed_regions = ''"Us-west-2"'''), ('SELECT * FROM healthlake_list_datastores(region => ''US-EAST-1'')'), ('SELECT * FROM healthlake_preview(''ListFHIRDatastores'', region => ''US-EAST-1'')')) AS s (statement);

-- Customer managed keys

SET healthlake.require_customer_key = on;
SELECT is_refused(statement, 'a customer managed key is required') FROM (VALUES
	('SELECT healthlake_create_datastore(''x'')'), ('SELECT healthlake_create_datastore(''x'', cmk_type => ''AWS_OWNED_KMS_KEY'')'),
	('SELECT healthlake_create_datastore(''x'', cmk_type => ''AWS_OWNED_KMS_KEY'', kms_key_id => ''alias/k'')'),
	('SELECT healthlake_create_datastore(''{"DatastoreTypeVersion": "R4"}''::jsonb)'), ('SELECT healthlake_ensure_datastore(''x'')'),
	(format('SELECT healthlake_restore_datastore(%L, ''y'')', :'id')), ('SELECT healthlake_call(''CreateFHIRDatastore'', ''{"DatastoreTypeVersion": "R4"}'')'),
	('SELECT * FROM healthlake_preview(''CreateFHIRDatastore'', ''{"DatastoreTypeVersion": "R4"}'')'),
	('SELECT healthlake_create_transformation_profile(''p'', ''CCDA'', starter_profile_name => ''s'')')) AS s (statement);
-- a key in the wrong member is no key
SET healthlake.unknown_members = send;
SELECT is_refused(statement, 'a customer managed key is required') FROM (VALUES
	('SELECT healthlake_create_datastore(''x'', more => ''{"KmsKeyId": "x"}'')'),
	('SELECT healthlake_create_datastore(''{"DatastoreTypeVersion": "R4", "KmsKeyId": "x"}''::jsonb)'),
	('SELECT healthlake_call(''CreateFHIRDatastore'', ''{"DatastoreTypeVersion": "R4", "KmsKeyId": "x"}'')'),
	('SELECT healthlake_create_datastore(''x'', more => ''{"SseConfiguration": {"KmsEncryptionConfig": {"CmkType": "AWS_OWNED_KMS_KEY"}, "KmsKeyId": "x"}, "KmsKeyId": "x"}'')'),
	('SELECT healthlake_create_transformation_profile(''p'', ''CCDA'', starter_profile_name => ''s'', more => ''{"SseConfiguration": {"KmsEncryptionConfig": {"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "x"}}}'')')) AS s (statement);
RESET healthlake.unknown_members;
SELECT is(count(*), :before::bigint, 'nothing was sent') FROM emulator_log();
SELECT lives_ok('SELECT healthlake_create_datastore(''x'', kms_key_id => ''alias/health'')', 'with a key');
SELECT lives_ok('SELECT healthlake_create_datastore(''x'', more => ''{"SseConfiguration": {"KmsEncryptionConfig": {"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "alias/health"}}}'')', 'in more');
SELECT lives_ok('SELECT healthlake_create_transformation_profile(''p'', ''CCDA'', starter_profile_name => ''s'', kms_key_id => ''alias/health'')', 'a profile');
SELECT lives_ok('SELECT * FROM healthlake_list_datastores()', 'what creates nothing needs none');
RESET healthlake.require_customer_key;

-- Tags

SET healthlake.required_tags = 'env, "cost centre"';
SELECT count(*) AS before FROM emulator_log() \gset
SELECT is_refused(statement, 'tag "(env|cost centre)" is required') FROM (VALUES
	('SELECT healthlake_create_datastore(''x'')'), ('SELECT healthlake_create_datastore(''x'', tags => ''{"env": "prod"}'')'),
	('SELECT healthlake_create_datastore(''x'', tags => ''{"env": "", "cost centre": "7"}'')'), ('SELECT healthlake_create_datastore(''x'', tags => ''{"Env": "prod", "cost centre": "7"}'')'),
	('SELECT healthlake_create_datastore(''{"DatastoreTypeVersion": "R4", "Tags": [{"Key": "env", "Value": "prod"}]}''::jsonb)'),
	('SELECT healthlake_ensure_datastore(''x'')'), (format('SELECT healthlake_restore_datastore(%L, ''y'')', :'id')),
	('SELECT healthlake_call(''CreateFHIRDatastore'', ''{"DatastoreTypeVersion": "R4"}'')'), ('SELECT * FROM healthlake_preview(''CreateFHIRDatastore'', ''{"DatastoreTypeVersion": "R4"}'')'),
	('SELECT healthlake_create_transformation_profile(''p'', ''CCDA'', starter_profile_name => ''s'', tags => ''{"env": "prod"}'')'),
	(format('SELECT healthlake_untag_resource(%L, ARRAY[''other'', ''env''])', :'arn')), (format('SELECT healthlake_tag_resource(%L, ''{"env": ""}'')', :'arn')),
	(format('SELECT healthlake_call(''UntagResource'', ''{"ResourceARN": "%s", "TagKeys": ["cost centre"]}'')', :'arn'))) AS s (statement);
SELECT is(count(*), :before::bigint, 'nothing was sent') FROM emulator_log();
SELECT lives_ok('SELECT healthlake_create_datastore(''x'', tags => ''{"env": "prod", "cost centre": "7"}'')', 'with its tags');
SELECT lives_ok('SELECT healthlake_create_transformation_profile(''p'', ''CCDA'', starter_profile_name => ''s'', tags => ''[{"Key": "env", "Value": "prod"}, {"Key": "cost centre", "Value": "7"}]'')', 'a profile');
SELECT lives_ok(format('SELECT healthlake_untag_resource(%L, ARRAY[''other''])', :'arn'), 'another tag may go');
SELECT lives_ok(format('SELECT healthlake_tag_resource(%L, ''{"env": "test"}'')', :'arn'), 'a required one may change');
SELECT lives_ok(format('SELECT healthlake_tag_resource(%L, ''{"other": ""}'')', :'arn'), 'another one may be empty');
RESET healthlake.required_tags;

-- Unknown members

SELECT is(says('SELECT healthlake_create_datastore(''x'', more => ''{"Colour": "red"}'')') ~ '^22023 .*Colour', true, 'refused');
SET healthlake.unknown_members = send;
SELECT is(sent('healthlake_create_datastore(''x'', more => ''{"Colour": "red", "BackupConfiguration": {"Shape": [1, null, {"a": 1.50}]}}'')'),
	'{"DatastoreName": "x", "DatastoreTypeVersion": "R4", "Colour": "red", "BackupConfiguration": {"Shape": [1, null, {"a": 1.50}]}}', 'or sent as they are');
SELECT is(sent('healthlake_call(''CreateFHIRDatastore'', ''{"DatastoreTypeVersion": "R4", "Tomorrow": {}}'')'), '{"DatastoreTypeVersion": "R4", "Tomorrow": {}}', 'by a door');
SELECT is(says('SELECT healthlake_create_datastore(''x'', more => ''{"Colour": "red", "ClientToken": 7}'')') ~ '^22023 .*ClientToken', true, 'known members are checked');
SELECT is(says('SELECT healthlake_create_datastore(''x'', more => ''{"DatastoreName": "y"}'')') ~ '^22023 member DatastoreName is given twice', true, 'a member that is given twice');
RESET healthlake.unknown_members;

-- Privileges to change them

CREATE ROLE healthlake_guarded;
SET ROLE healthlake_guarded;
SELECT is(says(format('SET healthlake.%s = %L', name, value)) ~ '^42501 ', true, name || ' is the operator''s')
  FROM (VALUES ('allowed_regions', 'x'), ('require_customer_key', 'off'), ('required_tags', ''), ('unknown_members', 'send')) AS s (name, value);
RESET ROLE;
DROP ROLE healthlake_guarded;

SELECT * FROM finish();
