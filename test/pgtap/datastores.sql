-- Data stores after their creation: described, updated, restored, deleted.

\ir setup.sql
SELECT no_plan();

SELECT emulator_tell('stores', jsonb_build_object('DatastoreId', md5('full'), 'DatastoreName', 'full',
	'CreatedAt', 1700000000.123, 'SseConfiguration', '{"KmsEncryptionConfig": {"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/1"}}'::jsonb,
	'PreloadDataConfig', '{"PreloadDataType": "SYNTHEA"}'::jsonb,
	'IdentityProviderConfiguration', '{"AuthorizationStrategy": "SMART_ON_FHIR", "FineGrainedAuthorizationEnabled": true, "Metadata": "{\"issuer\": \"https://ehr.example\"}", "IdpLambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:introspect"}'::jsonb,
	'ProfileConfiguration', '{"DefaultProfiles": ["us-core", "ünïcode"]}'::jsonb,
	'BackupConfiguration', '{"Status": "ENABLED"}'::jsonb,
	'BackupStatusInfo', '{"Configuration": {"Status": "ENABLED", "BackupType": "CONTINUOUS", "RetentionPeriodInDays": 30, "BackupTagsEnabled": true}, "BackupEnabledAt": 1700000001, "EarliestRestorePoint": "2023-11-14T22:13:22Z", "LatestRestorePoint": "Tue, 14 Nov 2023 22:13:23 GMT", "ScheduledPermanentDeletionTime": 1.700000004e9}'::jsonb,
	'ErrorCause', '{"ErrorMessage": "it is small", "ErrorCategory": "RETRYABLE_ERROR"}'::jsonb,
	'NewMember', '{"added": "tomorrow"}'::jsonb)) \g /dev/null

-- Described

CREATE TEMPORARY TABLE found AS SELECT * FROM healthlake_describe_datastore(md5('full'));
SELECT is((SELECT array_agg(key) FROM jsonb_each(to_jsonb(found)) WHERE value = 'null'), NULL, 'every column has a value') FROM found;
SELECT is_row(ROW(id, name, status, type_version, cmk_type, kms_key_id, preload_data_type),
	ROW(md5('full'), 'full'::text, 'ACTIVE'::text, 'R4'::text, 'CUSTOMER_MANAGED_KMS_KEY'::text, 'arn:aws:kms:us-east-1:123456789012:key/1'::text, 'SYNTHEA'::text),
	'texts') FROM found;
SELECT is(created_at, '2023-11-14 22:13:20.123+00'::timestamptz, 'a time in seconds since 1970, with its fraction') FROM found;
SELECT is(earliest_restore_point, '2023-11-14 22:13:22+00'::timestamptz, 'one in ISO 8601') FROM found;
SELECT is(latest_restore_point, '2023-11-14 22:13:23+00'::timestamptz, 'one in RFC 822') FROM found;
SELECT is(scheduled_permanent_deletion_time, '2023-11-14 22:13:24+00'::timestamptz, 'one with an exponent') FROM found;
SELECT is(identity_provider_metadata, '{"issuer": "https://ehr.example"}', 'metadata is the JSON that it holds') FROM found;
SELECT is(default_profiles, ARRAY['us-core', 'ünïcode'], 'a list of strings is an array') FROM found;
SELECT is_row(ROW(fine_grained_authorization_enabled, backup_retention_period_in_days, backup_tags_enabled),
	ROW(true, 30, true), 'booleans and numbers') FROM found;
SELECT is(properties #>> '{NewMember,added}', 'tomorrow', 'a member that AWS adds is in properties') FROM found;
SELECT is((SELECT to_jsonb(l) FROM healthlake_list_datastores() AS l), to_jsonb(found), 'a list gives the same row') FROM found;
SELECT is(sqlstate, '42704', 'one that is not there') FROM raised('SELECT healthlake_describe_datastore(md5(''nobody''))');
SELECT is(says('SELECT healthlake_describe_datastore(NULL)'),
	'22004 invalid request for DescribeFHIRDatastore: required member "DatastoreId" is missing | DatastoreId (argument "id"): required member "DatastoreId" is missing.',
	'NULL is told by the argument''s name');
SELECT is(id, md5('full'), 'an id given in more instead') FROM healthlake_describe_datastore(NULL, more => jsonb_build_object('DatastoreId', md5('full')));

-- Unusual times

CREATE FUNCTION created_at(value jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM emulator_next(jsonb_build_object('operation', 'DescribeFHIRDatastore', 'body', jsonb_build_object('DatastoreProperties',
		(SELECT properties FROM found) || jsonb_build_object('CreatedAt', value))));
	RETURN (SELECT coalesce(created_at::text, 'null') FROM healthlake_describe_datastore('x'));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(created_at('0'), '1970-01-01 00:00:00+00', 'the epoch');
SELECT is(created_at('-1.5'), '1969-12-31 23:59:58.5+00', 'before it');
SELECT is(created_at('253402300799'), '9999-12-31 23:59:59+00', 'far away');

SELECT is(created_at('1e300'), '38P01', 'further away than any time');
SELECT is(created_at('null'), 'null', 'no time');
SELECT is(created_at('"yesterday"'), '38P01', 'no time at all');
SELECT is(created_at('{}'), '38P01', 'another type');

-- Updated

SELECT is_row(ROW(id, status, nlp_status), ROW(md5('full'), 'UPDATING'::text, 'ENABLED'::text), 'an update tells the whole row')
  FROM healthlake_update_datastore(md5('full'), 'renamed', nlp_status => 'ENABLED');
SELECT is((SELECT body FROM emulator_log() WHERE operation = 'UpdateFHIRDatastore'),
	jsonb_build_object('DatastoreId', md5('full'), 'DatastoreName', 'renamed', 'NlpConfiguration', '{"Status": "ENABLED"}'::jsonb),
	'and sends what was given');
SELECT is(says(format('SELECT healthlake_update_datastore(%L, ''again'')', md5('full'))) ~ '^55006 ', true, 'one on its way is in use');
SELECT is(status, 'ACTIVE', 'then it is there again') FROM healthlake_wait_datastore(md5('full'), poll_interval => '10 ms');
SELECT is(sent('healthlake_update_datastore(''x'', analytics_status => ''a'', nlp_status => ''b'', default_profiles => ''{c}'',
	authorization_strategy => ''d'', fine_grained_authorization_enabled => false, identity_provider_metadata => ''{"e": 1}'',
	idp_lambda_arn => repeat(''f'', 49), backup_status => ''g'', backup_type => ''h'', backup_retention_period_in_days => 7,
	backup_tags_enabled => true, more => ''{"DatastoreName": "i"}'')'),
	jsonb_build_object('DatastoreId', 'x', 'DatastoreName', 'i', 'AnalyticsConfiguration', '{"Status": "a"}'::jsonb,
	'NlpConfiguration', '{"Status": "b"}'::jsonb, 'ProfileConfiguration', '{"DefaultProfiles": ["c"]}'::jsonb,
	'IdentityProviderConfiguration', jsonb_build_object('AuthorizationStrategy', 'd', 'FineGrainedAuthorizationEnabled', false,
	'Metadata', '{"e":1}', 'IdpLambdaArn', repeat('f', 49)), 'BackupConfiguration',
	'{"Status": "g", "BackupType": "h", "RetentionPeriodInDays": 7, "BackupTagsEnabled": true}'::jsonb), 'every argument has its place');

-- A missing argument changes nothing, although AWS replaces a structure as a whole

SELECT emulator_reset() \g /dev/null
SELECT emulator_set('{"settle_after_describes": 0}') \g /dev/null
SELECT id FROM healthlake_create_datastore('smart', authorization_strategy => 'SMART_ON_FHIR',
	fine_grained_authorization_enabled => true, identity_provider_metadata => '{"issuer": "a", "n": 1.50}',
	idp_lambda_arn => 'arn:aws:lambda:us-east-1:123456789012:function:introspect', default_profiles => '{us-core}',
	backup_status => 'ENABLED', backup_type => 'CONTINUOUS', backup_retention_period_in_days => 30, backup_tags_enabled => true) \gset smart_
CREATE FUNCTION configured(id text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', authorization_strategy, fine_grained_authorization_enabled, identity_provider_metadata, split_part(idp_lambda_arn, ':', 7),
		default_profiles, backup_status, backup_type, backup_retention_period_in_days, backup_tags_enabled)
	  FROM healthlake_describe_datastore(id) $$;
CREATE FUNCTION updates() RETURNS TABLE (body jsonb) LANGUAGE sql AS $$
	SELECT body FROM emulator_log() WHERE operation = 'UpdateFHIRDatastore' ORDER BY n DESC LIMIT 1 $$;
CREATE FUNCTION asked(since bigint DEFAULT 0) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(replace(operation, 'FHIRDatastore', ''), ' ' ORDER BY n) FROM emulator_log(since) $$;
SELECT is(configured(:'smart_id'), 'SMART_ON_FHIR t {"n": 1.50, "issuer": "a"} introspect {us-core} ENABLED CONTINUOUS 30 t', 'a data store with everything');
SELECT is(status, 'UPDATING', 'its metadata is changed') FROM healthlake_update_datastore(:'smart_id', identity_provider_metadata => '{"issuer": "b"}');
SELECT is(operation, 'UpdateFHIRDatastore', 'the last call is the update') FROM healthlake_last_call();
SELECT is(configured(:'smart_id'), 'SMART_ON_FHIR t {"issuer": "b"} introspect {us-core} ENABLED CONTINUOUS 30 t', 'and nothing else');
SELECT is(body -> 'IdentityProviderConfiguration', '{"AuthorizationStrategy": "SMART_ON_FHIR", "FineGrainedAuthorizationEnabled": true, "Metadata": "{\"issuer\":\"b\"}",
	"IdpLambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:introspect"}', 'because the rest was sent along') FROM updates();
SELECT ok(NOT body ?| '{DatastoreName,ProfileConfiguration,BackupConfiguration,AnalyticsConfiguration,NlpConfiguration}', 'but no structure of which nothing was given') FROM updates();
SELECT lives_ok(format('SELECT healthlake_update_datastore(%L, idp_lambda_arn => ''arn:aws:lambda:us-east-1:123456789012:function:another'')', :'smart_id'), 'its function');
SELECT lives_ok(format('SELECT healthlake_update_datastore(%L, fine_grained_authorization_enabled => false)', :'smart_id'), 'a switch');
SELECT lives_ok(format('SELECT healthlake_update_datastore(%L, backup_retention_period_in_days => 7)', :'smart_id'), 'how long backups are kept');
SELECT lives_ok(format('SELECT healthlake_update_datastore(%L, more => ''{"BackupConfiguration": {"BackupTagsEnabled": false, "BackupType": null}}'')', :'smart_id'), 'a member in more');
SELECT is(configured(:'smart_id'), 'SMART_ON_FHIR f {"issuer": "b"} another {us-core} ENABLED CONTINUOUS 7 f', 'each of them alone');
SELECT lives_ok(format('SELECT healthlake_call(''UpdateFHIRDatastore'', %L)', jsonb_build_object('DatastoreId', :'smart_id',
	'IdentityProviderConfiguration', '{"AuthorizationStrategy": "SMART_ON_FHIR"}'::jsonb)), 'AWS''s own words');
SELECT is(configured(:'smart_id'), 'SMART_ON_FHIR {us-core} ENABLED CONTINUOUS 7 f', 'replace the structure');
SELECT lives_ok(format('SELECT healthlake_update_datastore(%L, identity_provider_metadata => ''{"issuer": "c"}'')', :'smart_id'), 'what has little');
SELECT is(body -> 'IdentityProviderConfiguration', '{"AuthorizationStrategy": "SMART_ON_FHIR", "Metadata": "{\"issuer\":\"c\"}"}', 'is completed by that') FROM updates();

SELECT max(n) AS since FROM emulator_log() \gset
SELECT healthlake_update_datastore(:'smart_id', 'renamed', analytics_status => 'PAUSED', nlp_status => 'ENABLED', default_profiles => '{a,b}') IS NOT NULL \g /dev/null
SELECT healthlake_update_datastore(:'smart_id', backup_status => 'ENABLED', backup_type => 'CONTINUOUS', backup_retention_period_in_days => 1,
	backup_tags_enabled => true) IS NOT NULL \g /dev/null
SELECT is(asked(:since), 'Update Update', 'nothing is read where nothing would be lost');
SELECT healthlake_update_datastore(:'smart_id', backup_retention_period_in_days => 2) IS NOT NULL \g /dev/null
SELECT is(asked(:since), 'Update Update Describe Update', 'and once where something would');

SELECT emulator_reset() \g /dev/null
SELECT is(sqlstate, '22023', 'a fault is told first') FROM raised('SELECT healthlake_update_datastore(''x'', backup_retention_period_in_days => 0)');
SELECT is(detail, 'BackupConfiguration.RetentionPeriodInDays (argument "backup_retention_period_in_days"): "BackupConfiguration.RetentionPeriodInDays" must be at least 1, not 0.', 'alone, though a member is missing')
  FROM raised('SELECT healthlake_update_datastore(''x'', idp_lambda_arn => repeat(''f'', 49), backup_retention_period_in_days => 0)');
SELECT is(sqlstate, '22004', 'no id') FROM raised('SELECT healthlake_update_datastore(NULL, backup_retention_period_in_days => 1)');
BEGIN READ ONLY;
SELECT is(sqlstate, '25006', 'a transaction that is read-only') FROM raised('SELECT healthlake_update_datastore(''x'', backup_retention_period_in_days => 1)');
COMMIT;
SELECT is(asked(), NULL, 'and nothing is sent for these');
SELECT is(sqlstate, '42704', 'a data store that is not there') FROM raised('SELECT healthlake_update_datastore(''x'', backup_retention_period_in_days => 1)');
SELECT is(asked(), 'Describe', 'is not updated');

SELECT emulator_tell('stores', jsonb_build_object('DatastoreId', md5('new'), 'DatastoreName', 'new', 'IdentityProviderConfiguration',
	'{"AuthorizationStrategy": "SMART_ON_FHIR", "Tomorrow": {"a": [1.0]}}'::jsonb)) \g /dev/null
SELECT is(says(format('SELECT healthlake_update_datastore(%L, idp_lambda_arn => repeat(''f'', 49))', md5('new'))),
	'55000 the update would remove IdentityProviderConfiguration.Tomorrow of the data store | AWS replaces IdentityProviderConfiguration as a whole, and this version does not know that member. | With healthlake.unknown_members = send, the update keeps it.',
	'a member that is not known here is not lost');
SET healthlake.unknown_members = send;
SET client_min_messages = error;
SELECT lives_ok(format('SELECT healthlake_update_datastore(%L, fine_grained_authorization_enabled => true)', md5('new')), 'where it may be sent');
SET client_min_messages = warning;
RESET healthlake.unknown_members;
SELECT is(body -> 'IdentityProviderConfiguration' -> 'Tomorrow', '{"a": [1.0]}', 'it is') FROM updates();

-- Restored: warnings of what is not copied

SELECT emulator_reset() \g /dev/null
SELECT emulator_tell('stores', jsonb_build_array(
	jsonb_build_object('DatastoreId', md5('plain'), 'DatastoreName', 'plain', 'BackupConfiguration', '{"Status": "ENABLED"}'::jsonb),
	jsonb_build_object('DatastoreId', md5('smart'), 'DatastoreName', 'smart', 'BackupConfiguration', '{"Status": "ENABLED"}'::jsonb,
	'SseConfiguration', '{"KmsEncryptionConfig": {"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/1"}}'::jsonb,
	'IdentityProviderConfiguration', '{"AuthorizationStrategy": "SMART_ON_FHIR", "FineGrainedAuthorizationEnabled": true, "Metadata": "{\"b\":1,\"a\":2}", "IdpLambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:introspect"}'::jsonb))) \g /dev/null
SELECT is_row(ROW(id ~ '^[0-9a-f]{32}$', status), ROW(true, 'CREATING'::text), 'a restored data store is a new one')
  FROM healthlake_restore_datastore(md5('plain'), 'copy', '2026-01-02 03:04:05.678+00');
SELECT is((SELECT body - 'ClientToken' FROM emulator_log() WHERE operation = 'RestoreFHIRDatastore'),
	jsonb_build_object('SourceDatastoreId', md5('plain'), 'DatastoreName', 'copy',
	'RestoreConfiguration', '{"ContinuousBackupRestoreConfiguration": {"RestorePointTime": 1767323045.678}}'::jsonb), 'of that time');
SELECT lives_ok($$ SELECT healthlake_restore_datastore(md5('plain'), 'latest') $$, 'without a time it is the latest one');
SELECT is((SELECT body -> 'RestoreConfiguration' FROM emulator_log() WHERE operation = 'RestoreFHIRDatastore' ORDER BY n DESC LIMIT 1),
	'{"ContinuousBackupRestoreConfiguration": {}}', 'which an empty structure requests');
SELECT is(sqlstate, '42704', 'a source that is not there') FROM raised('SELECT healthlake_restore_datastore(''x'', ''y'')');
SELECT is(says('SELECT healthlake_restore_datastore(NULL, ''y'')') ~ '^22004 .*argument "source_datastore_id"', true, 'no source');
SELECT is(says('SELECT healthlake_restore_datastore(''x'', NULL)') ~ '^22004 argument "name"', true, 'no name');
SELECT lives_ok(format('SELECT healthlake_restore_datastore(NULL, ''in more'', more => ''{"SourceDatastoreId": "%s"}'')', md5('plain')), 'a source in more');

-- Deleted, if the name is confirmed

CREATE FUNCTION deletions() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM emulator_log() WHERE operation = 'DeleteFHIRDatastore' $$;
SELECT is(says(format('SELECT healthlake_delete_datastore(%L, ''Plain'')', md5('plain'))),
	format('22023 data store "%s" is not named "Plain" | Nothing was deleted. | Pass its current name as "confirm_name".', md5('plain')), 'another name');
SELECT is(says(format('SELECT healthlake_delete_datastore(%L, NULL)', md5('plain'))), '22004 argument "confirm_name" must not be null', 'no name');
SELECT is(says('SELECT healthlake_delete_datastore(NULL, ''plain'')') ~ '^22004 .*argument "id"', true, 'no id');
SELECT is(sqlstate, '42704', 'a data store that is not there') FROM raised('SELECT healthlake_delete_datastore(''x'', ''plain'')');
SELECT is(deletions(), 0::bigint, 'nothing was deleted');
SELECT is(status, 'DELETING', 'its name') FROM healthlake_delete_datastore(md5('plain'), 'plain');
SELECT is(deletions(), 1::bigint, 'deletes it');
SELECT is(status, 'DELETED', 'and then it is') FROM healthlake_wait_datastore(md5('plain'), 'DELETED', poll_interval => '10 ms');
SELECT is(says(format('SELECT healthlake_delete_datastore(%L, ''plain'')', md5('plain'))) ~ '^42704 ', true, 'once');
SELECT is(status, 'DELETING', 'healthlake_call asks for no name')
  FROM (SELECT healthlake_call('DeleteFHIRDatastore', jsonb_build_object('DatastoreId', md5('smart'))) ->> 'DatastoreStatus') AS c (status);
BEGIN READ ONLY;
SELECT is(sqlstate, '25006', 'in a READ ONLY transaction nothing is deleted') FROM raised('SELECT healthlake_delete_datastore(md5(''smart''), ''smart'')');
SELECT is(sqlstate, '25006', 'nor updated') FROM raised('SELECT healthlake_update_datastore(md5(''smart''), ''x'')');
SELECT is(sqlstate, '25006', 'nor restored') FROM raised('SELECT healthlake_restore_datastore(md5(''smart''), ''x'')');
SELECT is(sqlstate, '25006', 'nor ensured') FROM raised('SELECT healthlake_ensure_datastore(''smart'')');
SELECT is(sqlstate, '25006', 'nor called') FROM raised('SELECT healthlake_call(''DeleteFHIRDatastore'', ''{"DatastoreId": "x"}'')');
SELECT is(sqlstate, NULL, 'but described') FROM raised('SELECT healthlake_describe_datastore(md5(''smart''))');
SELECT is(sqlstate, NULL, 'and previewed') FROM raised('SELECT healthlake_preview(''DeleteFHIRDatastore'', ''{"DatastoreId": "x"}'')');
COMMIT;

SELECT * FROM finish();
