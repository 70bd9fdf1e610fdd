-- Creating a data store, in both forms: the request, and the row.
-- It needs UTF8.

\ir setup.sql
SELECT no_plan();

-- The row

CREATE TEMPORARY TABLE first AS SELECT * FROM healthlake_create_datastore('ward 7');

SELECT is(count(*), 1::bigint, 'one row') FROM first;
SELECT is(array_agg(attname ORDER BY attnum)::text, '{id,arn,status,endpoint}', 'its columns')
  FROM pg_attribute WHERE attrelid = 'first'::regclass AND attnum > 0;
SELECT matches(id, '^[0-9a-f]{32}$', 'id') FROM first;
SELECT is(arn, 'arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/' || id, 'arn') FROM first;
SELECT is(status, 'CREATING', 'status') FROM first;
SELECT matches(endpoint, id || '/r4/$', 'endpoint') FROM first;

-- The request

SELECT is(count(*), 1::bigint, 'one request') FROM emulator_log();
SELECT is(signature, 'ok', 'signed') FROM emulator_log();
SELECT is(operation, 'CreateFHIRDatastore', 'operation') FROM emulator_log();
SELECT is(headers ->> 'content-type', 'application/x-amz-json-1.0', 'content type')
  FROM emulator_log();
SELECT is(headers ->> 'amz-sdk-request', 'attempt=1; max=1', 'attempt') FROM emulator_log();
SELECT matches(headers ->> 'user-agent', 'healthlake', 'user agent') FROM emulator_log();
SELECT matches(body ->> 'ClientToken',
	'^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
	'the client token is a UUID of version 4') FROM emulator_log();
SELECT is(body - 'ClientToken', '{"DatastoreName": "ward 7", "DatastoreTypeVersion": "R4"}',
	'members without a value are not sent') FROM emulator_log();

-- Every argument

SELECT is(sent($$ healthlake_create_datastore('a', 'R4', NULL, NULL, NULL, NULL, NULL, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) $$),
	'{"DatastoreName": "a", "DatastoreTypeVersion": "R4"}', 'every argument NULL that can be');
SELECT is(sent($$ healthlake_create_datastore('a', kms_key_id => 'alias/ward') $$)
		-> 'SseConfiguration',
	'{"KmsEncryptionConfig": {"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "alias/ward"}}',
	'kms_key_id alone implies a key of the customer''s');
SELECT is(sent($$ healthlake_create_datastore('a', kms_key_id => 'alias/ward',
		cmk_type => 'CUSTOMER_MANAGED_KMS_KEY') $$) -> 'SseConfiguration',
	'{"KmsEncryptionConfig": {"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "alias/ward"}}',
	'kms_key_id and cmk_type');
SELECT is(sent($$ healthlake_create_datastore('a', cmk_type => 'AWS_OWNED_KMS_KEY') $$)
		-> 'SseConfiguration',
	'{"KmsEncryptionConfig": {"CmkType": "AWS_OWNED_KMS_KEY"}}', 'cmk_type alone');
SELECT is(sent($$ healthlake_create_datastore('a', preload_data_type => 'SYNTHEA') $$)
		-> 'PreloadDataConfig', '{"PreloadDataType": "SYNTHEA"}', 'preload_data_type');
SELECT is(sent($$ healthlake_create_datastore('a', tags => '{"env": "prod", "team": ""}') $$)
		-> 'Tags', '[{"Key": "env", "Value": "prod"}, {"Key": "team", "Value": ""}]',
	'tags as an object');
SELECT is(sent($$ healthlake_create_datastore('a',
		tags => '[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}]') $$) -> 'Tags',
	'[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}]', 'tags as AWS''s list, in its order');
SELECT is(sent($$ healthlake_create_datastore('a', tags => '{}') $$) -> 'Tags', '[]', 'no tags');
SELECT is(sent($$ healthlake_create_datastore('a', tags => '[]') $$) -> 'Tags', '[]',
	'no tags, as a list');
SELECT is(sent($$ healthlake_create_datastore('a', tags => 'null') $$) -> 'Tags', NULL,
	'tags that are a JSON null are not sent');
SELECT is(sent($$ healthlake_create_datastore('a', authorization_strategy => 'SMART_ON_FHIR_V1',
		fine_grained_authorization_enabled => true,
		identity_provider_metadata => '{"issuer": "https://id.example.org", "scopes": ["a", "b"]}',
		idp_lambda_arn => 'arn:aws:lambda:us-east-1:123456789012:function:identify') $$)
		-> 'IdentityProviderConfiguration',
	jsonb_build_object('AuthorizationStrategy', 'SMART_ON_FHIR_V1',
		'FineGrainedAuthorizationEnabled', true,
		'Metadata', '{"issuer":"https://id.example.org","scopes":["a","b"]}',
		'IdpLambdaArn', 'arn:aws:lambda:us-east-1:123456789012:function:identify'),
	'an identity provider, its metadata as compact text');
SELECT is(sent($$ healthlake_create_datastore('a', authorization_strategy => 'AWS_AUTH',
		identity_provider_metadata => '"{ \"issuer\" : 1 }"') $$)
		#>> '{IdentityProviderConfiguration,Metadata}',
	'{ "issuer" : 1 }', 'metadata as a string is sent as it is');
SELECT is(sent($$ healthlake_create_datastore('a', authorization_strategy => 'AWS_AUTH',
		fine_grained_authorization_enabled => false) $$) -> 'IdentityProviderConfiguration',
	'{"AuthorizationStrategy": "AWS_AUTH", "FineGrainedAuthorizationEnabled": false}',
	'false is a value');
SELECT is((raised($$ SELECT healthlake_create_datastore('a', analytics_status => 'DISABLED') $$)).sqlstate, '22023',
	'AWS refuses to create without analytics');
SELECT is(sent($$ healthlake_create_datastore('a', analytics_status => 'ENABLED') $$)
		-> 'AnalyticsConfiguration', '{"Status": "ENABLED"}', 'analytics_status');
SELECT is(sent($$ healthlake_create_datastore('a', nlp_status => 'DISABLED') $$)
		-> 'NlpConfiguration', '{"Status": "DISABLED"}', 'nlp_status');
SELECT is(sent($$ healthlake_create_datastore('a',
		default_profiles => ARRAY['http://a.example/p|1', 'ü']) $$) -> 'ProfileConfiguration',
	'{"DefaultProfiles": ["http://a.example/p|1", "ü"]}', 'default_profiles');
SELECT is(sent($$ healthlake_create_datastore('a', default_profiles => '{}') $$)
		-> 'ProfileConfiguration', '{"DefaultProfiles": []}', 'no default profiles');
SELECT is(sent($$ healthlake_create_datastore('a', backup_status => 'ENABLED',
		backup_type => 'CONTINUOUS', backup_retention_period_in_days => 30,
		backup_tags_enabled => true) $$) -> 'BackupConfiguration',
	'{"Status": "ENABLED", "BackupType": "CONTINUOUS", "RetentionPeriodInDays": 30,
	  "BackupTagsEnabled": true}', 'a backup');
SELECT is(sent($$ healthlake_create_datastore('a', backup_tags_enabled => false) $$)
		-> 'BackupConfiguration', '{"BackupTagsEnabled": false}', 'one member of a structure alone');
SELECT emulator_reset() \g /dev/null
SELECT is((healthlake_create_datastore('a', client_token => 'my-token')).id,
	(healthlake_create_datastore('a', client_token => 'my-token')).id,
	'the same token twice returns the same data store');
SELECT is(array_agg(body ->> 'ClientToken')::text, '{my-token,my-token}', 'client_token is sent')
  FROM emulator_log();
SELECT is(emulator_stores(), 1::bigint, 'and there is one data store');

-- Another region, for one call

SELECT emulator_reset() \g /dev/null
SELECT matches((healthlake_create_datastore('a', region => 'eu-west-2')).arn,
	'^arn:aws:healthlake:eu-west-2:', 'region is that of the call');
SELECT matches(headers ->> 'authorization', '/eu-west-2/healthlake/aws4_request',
	'and the one that is signed for') FROM emulator_log();
SELECT matches((healthlake_create_datastore('a')).arn, '^arn:aws:healthlake:us-east-1:',
	'the next call is back at the setting''s');

-- Members that this version does not have as arguments

SELECT is(sent($$ healthlake_create_datastore('a', more =>
		'{"PreloadDataConfig": {"PreloadDataType": "SYNTHEA"}}') $$) -> 'PreloadDataConfig',
	'{"PreloadDataType": "SYNTHEA"}', 'more adds a member by AWS''s name');
SELECT is(sent($$ healthlake_create_datastore('a', backup_status => 'ENABLED',
		more => '{"BackupConfiguration": {"BackupTagsEnabled": true}}') $$) -> 'BackupConfiguration',
	'{"Status": "ENABLED", "BackupTagsEnabled": true}', 'more adds to a structure');
SELECT is(sent($$ healthlake_create_datastore('a', more => '{"Tags": null}') $$),
	'{"DatastoreName": "a", "DatastoreTypeVersion": "R4"}', 'a JSON null in more is absent');

-- Names

SELECT is(sent($$ healthlake_create_datastore('Kinderklinik Süd 小児科 😀') $$) ->> 'DatastoreName',
	'Kinderklinik Süd 小児科 😀', 'a name beyond ASCII');
SELECT is(sent($$ healthlake_create_datastore(E'a"b\\c\td/<é>\u2028') $$) ->> 'DatastoreName',
	E'a"b\\c\td/<é>\u2028', 'a name with what JSON escapes');
SELECT is(sent($$ healthlake_create_datastore(repeat('é', 256)) $$) ->> 'DatastoreName',
	repeat('é', 256), 'a name of 256 characters');

-- jsonb

CREATE FUNCTION all_members() RETURNS jsonb LANGUAGE sql AS $$ SELECT '{
	"DatastoreName": "everything", "DatastoreTypeVersion": "R4",
	"SseConfiguration": {"KmsEncryptionConfig":
		{"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "alias/ward"}},
	"PreloadDataConfig": {"PreloadDataType": "SYNTHEA"}, "ClientToken": "everything",
	"Tags": [{"Key": "env", "Value": "prod"}],
	"IdentityProviderConfiguration": {"AuthorizationStrategy": "SMART_ON_FHIR_V1",
		"FineGrainedAuthorizationEnabled": true, "Metadata": "{}",
		"IdpLambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:identify"},
	"AnalyticsConfiguration": {"Status": "ENABLED"}, "NlpConfiguration": {"Status": "ENABLED"},
	"ProfileConfiguration": {"DefaultProfiles": ["http://a.example/p"]},
	"BackupConfiguration": {"Status": "ENABLED", "BackupType": "CONTINUOUS",
		"RetentionPeriodInDays": 7, "BackupTagsEnabled": false}}'::jsonb $$;

SELECT is(sent($$ healthlake_create_datastore('{"DatastoreTypeVersion": "R4"}'::jsonb) $$),
	'{"DatastoreTypeVersion": "R4"}', 'a data store without a name');
SELECT is(sent($$ healthlake_create_datastore(request =>
		'{"DatastoreName": "a", "DatastoreTypeVersion": "R4"}') $$),
	'{"DatastoreName": "a", "DatastoreTypeVersion": "R4"}', 'a literal for the argument request');
SELECT is(sent($$ healthlake_create_datastore('{"DatastoreName": null, "DatastoreTypeVersion": "R4",
		"Tags": null, "ClientToken": null, "BackupConfiguration": {"Status": null}}'::jsonb) $$),
	'{"DatastoreTypeVersion": "R4", "BackupConfiguration": {}}', 'a JSON null is an absent member');
SELECT is(sent($$ healthlake_create_datastore('a', more => '{"DatastoreName": null, "DatastoreTypeVersion": null, "Tags": null}') $$) ->> 'DatastoreName', 'a',
	'also beside an argument');
SELECT is(sent($$ healthlake_create_datastore(all_members()) $$), all_members() - 'ClientToken',
	'every member of AWS''s');
SELECT is(sent($$ healthlake_create_datastore(jsonb_set(all_members(),
		'{IdentityProviderConfiguration,Metadata}', '{"a": {"b": [1, 2.50, true, null, "c"]}}')) $$)
		#>> '{IdentityProviderConfiguration,Metadata}',
	'{"a":{"b":[1,2.50,true,null,"c"]}}', 'Metadata as an object is sent as its text, nulls and all');
SELECT is(sent($$ healthlake_create_datastore('{"DatastoreTypeVersion": "R4",
		"DatastoreName": "a", "DatastoreName": "b"}'::jsonb) $$) ->> 'DatastoreName', 'b',
	'of a member given twice jsonb keeps the last');
SELECT is(sent($$ healthlake_create_datastore('{"DatastoreTypeVersion": "R4",
		"ClientToken": "my-token"}'::jsonb) $$),
	'{"DatastoreTypeVersion": "R4"}', 'with a token of the caller''s');
SELECT is(body ->> 'ClientToken', 'my-token', 'which is sent') FROM emulator_log();
SELECT is(array_agg(DISTINCT ok), '{t}', 'whatever the form, the row is the same one')
  FROM (SELECT (s = healthlake_create_datastore('{"DatastoreName": "a", "DatastoreTypeVersion": "R4",
			"ClientToken": "t"}'::jsonb)) AS ok
		  FROM healthlake_create_datastore('a', client_token => 't') AS s) AS forms;

-- In a user's notation

SELECT emulator_reset() \g /dev/null
SELECT healthlake_create_datastore(name => 'named') IS NOT NULL \g /dev/null
SELECT (healthlake_create_datastore(jsonb_build_object('DatastoreTypeVersion', 'R4'))).id
	\g /dev/null
SELECT s.id FROM (VALUES ('a'), ('b')) AS ward (name), healthlake_create_datastore(ward.name) AS s
	\g /dev/null
SELECT is(emulator_stores(), 4::bigint, 'in SELECT, in FROM, for each row');
SELECT is(count(DISTINCT body ->> 'ClientToken'), 4::bigint, 'each with a token of its own')
  FROM emulator_log();

SELECT * FROM finish();
