-- Invalid requests are refused with all their faults at once, and nothing is sent.

\ir setup.sql
SELECT no_plan();

-- The paths in an error's detail, one on each line.
CREATE FUNCTION paths(detail text) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(regexp_replace(line, ' \(argument "[a-z_]+"\)', '') ORDER BY n)
	  FROM (SELECT n, split_part(line, ': ', 1) AS line
			  FROM regexp_split_to_table(detail, '\n') WITH ORDINALITY AS t (line, n)) AS lines
$$;

-- Whether a call is refused with that SQLSTATE, for faults at these paths.
CREATE FUNCTION refuses(call text, sqlstate text, paths text[], what text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	raised record := raised('SELECT ' || call);
BEGIN
	RETURN NEXT is_row(ROW(raised.sqlstate, paths(raised.detail)), ROW(sqlstate, paths), what);
	IF raised.sqlstate IS DISTINCT FROM sqlstate THEN
		RETURN NEXT diag(coalesce(raised.sqlstate || ' ' || raised.message, 'nothing raised'));
	END IF;
END
$$;

-- The same for the form that takes jsonb.
CREATE FUNCTION refuses_request(request text, sqlstate text, paths text[], what text)
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT refuses(format('healthlake_create_datastore(%L::jsonb)', request), sqlstate, paths, what)
$$;

-- The error of a call: SQLSTATE, message, detail and hint.
CREATE FUNCTION call_says(call text, OUT said text) LANGUAGE plpgsql AS $$
DECLARE
	raised record := raised('SELECT ' || call);
BEGIN
	said := concat_ws(' | ', raised.sqlstate, raised.message, nullif(raised.detail, ''),
		nullif(raised.hint, ''));
END
$$;

SELECT emulator_reset() \g /dev/null

-- Missing members

SELECT refuses_request('{}', '22004', '{DatastoreTypeVersion}', 'a required member is missing');
SELECT is((raised($$ SELECT healthlake_create_datastore('{}'::jsonb) $$)).hint,
	'"DatastoreTypeVersion": "R4"', 'with a hint what to write');
SELECT refuses_request('{"DatastoreTypeVersion": null}', '22004', '{DatastoreTypeVersion}',
	'a JSON null is as good as missing');
SELECT refuses_request('{"SseConfiguration": {}, "PreloadDataConfig": {}, "Tags": [{}],
	"IdentityProviderConfiguration": {}}', '22004',
	'{DatastoreTypeVersion,SseConfiguration.KmsEncryptionConfig,PreloadDataConfig.PreloadDataType,Tags[0].Key,Tags[0].Value,IdentityProviderConfiguration.AuthorizationStrategy}',
	'all that is missing, in the order of the members');
SELECT refuses_request('{"DatastoreTypeVersion": "R4", "SseConfiguration": {"KmsEncryptionConfig": {}}}',
	'22004', '{SseConfiguration.KmsEncryptionConfig.CmkType}', 'a missing nested member');
SELECT refuses_request('{"Colour": 1}', '22023', '{DatastoreTypeVersion,Colour}',
	'missing and unknown: 22023');

-- Unknown members

SELECT refuses_request('{"DatastoreTypeVersion": "R4", "datastoreName": "x"}', '22023',
	'{datastoreName}', 'names are matched letter for letter');
SELECT matches((raised($$ SELECT healthlake_create_datastore(
	'{"DatastoreTypeVersion": "R4", "datastore_name": "x"}'::jsonb) $$)).hint,
	'DatastoreName', 'with a hint at the one that was meant');
SELECT matches((raised($$ SELECT healthlake_create_datastore(
	'{"DatastoreTypeVersion": "R4", "DatastoreNmae": "x"}'::jsonb) $$)).hint,
	'DatastoreName', 'so it is with a slip of the pen');
SELECT refuses_request('{"DatastoreTypeVersion": "R4",
	"BackupConfiguration": {"Days": 1}, "Tags": [{"Key": "a", "Value": "b", "Colour": 1}]}',
	'22023', '{Tags[0].Colour,BackupConfiguration.Days}', 'unknown members further down');

-- Types and bounds

SELECT refuses_request('{"DatastoreTypeVersion": 4, "DatastoreName": ["x"], "SseConfiguration": "aws",
	"Tags": {"Key": "a"}, "NlpConfiguration": null, "AnalyticsConfiguration": true,
	"ProfileConfiguration": {"DefaultProfiles": "x"},
	"BackupConfiguration": {"RetentionPeriodInDays": "7", "BackupTagsEnabled": "true", "Status": 1}}',
	'22023',
	'{DatastoreName,DatastoreTypeVersion,SseConfiguration,Tags,AnalyticsConfiguration,ProfileConfiguration.DefaultProfiles,BackupConfiguration.Status,BackupConfiguration.RetentionPeriodInDays,BackupConfiguration.BackupTagsEnabled}',
	'wrong types');
SELECT refuses_request('{"DatastoreTypeVersion": "R4", "Tags": [null, 1, {"Key": null, "Value": 2}],
	"ProfileConfiguration": {"DefaultProfiles": ["a", null]}}', '22023',
	'{Tags[0],Tags[1],Tags[2].Key,Tags[2].Value,ProfileConfiguration.DefaultProfiles[1]}',
	'wrong types in lists; null is one there');
SELECT refuses_request('{"DatastoreTypeVersion": "R4", "DatastoreName": "", "ClientToken": "",
	"Tags": [{"Key": "", "Value": ""}], "SseConfiguration": {"KmsEncryptionConfig":
		{"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": ""}},
	"IdentityProviderConfiguration": {"AuthorizationStrategy": "AWS_AUTH", "IdpLambdaArn": "short"},
	"BackupConfiguration": {"RetentionPeriodInDays": 0}}', '22023',
	'{DatastoreName,SseConfiguration.KmsEncryptionConfig.KmsKeyId,ClientToken,Tags[0].Key,IdentityProviderConfiguration.IdpLambdaArn,BackupConfiguration.RetentionPeriodInDays}',
	'below the minimum');
SELECT refuses_request(format('{"DatastoreTypeVersion": "R4", "BackupConfiguration":
	{"RetentionPeriodInDays": %s}}', number), '22023', '{BackupConfiguration.RetentionPeriodInDays}',
	number || ' is no integer')
  FROM unnest('{1.5,1e400,99999999999999999999,true,-1}'::text[]) AS number;

-- The typed form

SELECT is(call_says($$ healthlake_create_datastore(NULL::text) $$),
	'22004 | argument "name" must not be null | To create a data store without a name, pass a request in jsonb.',
	'a name must be given');
SELECT is((raised($$ SELECT healthlake_create_datastore(NULL::jsonb) $$)).sqlstate, '22004',
	'so must a request');
SELECT refuses($$ healthlake_create_datastore('x', NULL) $$, '22004', '{DatastoreTypeVersion}',
	'and a type version');
SELECT refuses($$ healthlake_create_datastore('') $$, '22023', '{DatastoreName}', 'an empty name');
SELECT matches((raised($$ SELECT healthlake_create_datastore('') $$)).detail, '\(argument "name"\)',
	'the detail names the argument too');
SELECT is(said ~ '^22004 \| argument "kms_key_id" must not be null when "cmk_type" is CUSTOMER_MANAGED_KMS_KEY',
	true, 'a key of the customer''s without the key') FROM call_says($$ healthlake_create_datastore('x',
	cmk_type => 'CUSTOMER_MANAGED_KMS_KEY') $$);
SELECT refuses($$ healthlake_create_datastore('x', kms_key_id => '') $$, '22023',
	'{SseConfiguration.KmsEncryptionConfig.KmsKeyId}', 'an empty key');
SELECT refuses($$ healthlake_create_datastore('x', idp_lambda_arn => repeat('a', 49)) $$, '22004',
	'{IdentityProviderConfiguration.AuthorizationStrategy}', 'an identity provider without a strategy');
SELECT refuses($$ healthlake_create_datastore('x', client_token => '') $$, '22023', '{ClientToken}',
	'an empty token');
SELECT refuses($$ healthlake_create_datastore('x', backup_retention_period_in_days => 0) $$, '22023',
	'{BackupConfiguration.RetentionPeriodInDays}', 'a retention period of nothing');
SELECT refuses($$ healthlake_create_datastore('x', default_profiles => '{a,NULL}') $$, '22004',
	'{ProfileConfiguration.DefaultProfiles[1]}', 'a profile that is NULL');
SELECT refuses($$ healthlake_create_datastore('x', tags => '{"": "v", "a": 1, "b": null}') $$, '22023',
	'{Tags[0].Key,Tags[1].Value,Tags[2].Value}', 'tags that are none');
SELECT refuses($$ healthlake_create_datastore('x', tags => '"env"') $$, '22023', '{Tags}',
	'tags that are no object and no list');
SELECT refuses($$ healthlake_create_datastore('x', tags => '["env"]') $$, '22023', '{Tags[0]}',
	'tags that are a list of words');
SELECT refuses($$ healthlake_create_datastore('x', authorization_strategy => 'AWS_AUTH',
	identity_provider_metadata => '[1]') $$, '22023', '{IdentityProviderConfiguration.Metadata}',
	'metadata that is neither an object nor a string');
SELECT refuses($$ healthlake_create_datastore('', 'R4', kms_key_id => '', client_token => '',
	backup_retention_period_in_days => 0, more => '{"Colour": 1}') $$, '22023',
	'{Colour,DatastoreName,SseConfiguration.KmsEncryptionConfig.KmsKeyId,ClientToken,BackupConfiguration.RetentionPeriodInDays}',
	'all faults of all arguments at once');
SELECT refuses_request('{"DatastoreTypeVersion": "R4", "IdentityProviderConfiguration":
	{"AuthorizationStrategy": "AWS_AUTH", "Metadata": [1]}}', '22023',
	'{IdentityProviderConfiguration.Metadata}', 'metadata that is a list, in jsonb');

-- More

SELECT matches(call_says($$ healthlake_create_datastore('x', more => '{"DatastoreName": "y"}') $$),
	'^22023 \| member DatastoreName is given twice', 'a member as an argument and in more');
SELECT matches(call_says($$ healthlake_create_datastore('x', backup_status => 'ENABLED',
	more => '{"BackupConfiguration": {"Status": "DISABLED"}}') $$),
	'^22023 \| member BackupConfiguration.Status is given twice', 'and further down');
SELECT matches(call_says($$ healthlake_create_datastore('x', more => '{"DatastoreTypeVersion": "R4"}') $$),
	'^22023 \| member DatastoreTypeVersion is given twice', 'also where the argument has its default');
SELECT matches(call_says(format('healthlake_create_datastore(''x'', more => %L)', more)),
	'^22023 \| argument "more" must be a JSON object', 'more must be an object, not ' || more)
  FROM unnest(ARRAY['[]', '1', 'true', '"x"']) AS more;

-- Values that are no request

SELECT is(call_says(format('healthlake_create_datastore(%L::jsonb)', request)),
	'22023 | request must be a JSON object', 'a request must be an object, not ' || request)
  FROM unnest(ARRAY['[]', '1', 'true', 'null', '"x"', '[{}]']) AS request;
SELECT matches(call_says(format('healthlake_create_datastore(%L)', literal)),
	'^22023 \| argument "name" looks like a request in JSON \| .*::jsonb.*request =>',
	'an uncast literal is refused with a hint: ' || literal)
  FROM unnest(ARRAY['{"DatastoreName": "x"}', '{}', '[]', E' \n\t{"a": 1}', '{', '[ward]']) AS literal;
SELECT throws_ok($$ SELECT healthlake_create_datastore(json_build_object('DatastoreTypeVersion', 'R4')) $$,
	'42883', NULL, 'json needs a cast');

-- JSON at its edges: one clean error, or AWS's own

SELECT throws_ok($$ SELECT healthlake_create_datastore('{"DatastoreName": "\u0000"}'::jsonb) $$,
	'22P05', NULL, 'a zero character is refused by jsonb');
SELECT throws_ok($$ SELECT healthlake_create_datastore('{"DatastoreName": "\ud83d"}'::jsonb) $$,
	'22P02', NULL, 'half a surrogate pair too');
SELECT matches(call_says($$ healthlake_create_datastore(format('{"DatastoreTypeVersion": "R4",
	"IdentityProviderConfiguration": {"AuthorizationStrategy": "AWS_AUTH", "Metadata": %s}}',
	repeat('{"a":', 200) || '1' || repeat('}', 200))::jsonb) $$),
	'^22023 \| request cannot be read', 'nesting of 200 levels');
SELECT matches((raised($$ SELECT healthlake_create_datastore((repeat('[', 1000000) || repeat(']', 1000000))::jsonb) $$)).sqlstate,
	'^(54001|22023)$', 'nesting of a million levels');
SELECT refuses_request('{"DatastoreTypeVersion": 1' || repeat('0', 1000) || '}', '22023',
	'{DatastoreTypeVersion}', 'a number of a thousand digits');
SELECT ok(length(detail) < 100000 AND sqlstate = '22023' AND detail ~ 'more\.$', 'ten thousand faults are cut short')
  FROM raised($$ SELECT healthlake_create_datastore(jsonb_build_object('DatastoreTypeVersion', 'R4',
	'Tags', (SELECT jsonb_agg(1) FROM generate_series(1, 10000)))) $$);
SELECT ok(length(message) < 1000 AND sqlstate = '22023', 'a long name of a member is cut short')
  FROM raised($$ SELECT healthlake_create_datastore(jsonb_build_object('DatastoreTypeVersion', 'R4',
	repeat('é', 100000), 1)) $$);

-- Invalid regions

SELECT is((raised(format('SELECT healthlake_create_datastore(''x'', region => %L)', region))).sqlstate,
	'22023', 'no region: ' || region)
  FROM unnest(ARRAY['us east 1', 'us-east-1.example.com', 'us-east-1/', 'x@y', '-', 'é', 'a#b',
	repeat('a', 64)]) AS region;

-- Size: a body over healthlake.max_request_size is refused by every function, before a fault that would quote it

CREATE TEMPORARY TABLE large AS SELECT repeat('é', 15000000) AS name;
SELECT is_row(ROW(r.sqlstate, r.message), ROW('22023', 'request for ' || operation || ' is too large'), what)
  FROM (VALUES
	('CreateFHIRDatastore', 'create', 'healthlake_create_datastore(name)'),
	('CreateFHIRDatastore', 'create with more', 'healthlake_create_datastore(''x'', more => jsonb_build_object(''Colour'', name))'),
	('CreateFHIRDatastore', 'create in jsonb', 'healthlake_create_datastore(jsonb_build_object(''DatastoreName'', name, ''DatastoreTypeVersion'', ''R4''))'),
	('CreateFHIRDatastore', 'an unknown member', 'healthlake_create_datastore(jsonb_build_object(name, 1))'),
	('CreateFHIRDatastore', 'metadata', 'healthlake_create_datastore(''x'', authorization_strategy => ''AWS_AUTH'', identity_provider_metadata => to_jsonb(name))'),
	('CreateFHIRDatastore', 'ensure', 'healthlake_ensure_datastore(name)'),
	('RestoreFHIRDatastore', 'restore', 'healthlake_restore_datastore(''x'', name)'),
	('UpdateFHIRDatastore', 'update', 'healthlake_update_datastore(''x'', name => name)'),
	('TagResource', 'tag', 'healthlake_tag_resource(''x'', jsonb_build_object(''k'', name))'),
	('ListFHIRDatastores', 'list', 'healthlake_list_datastores(name)'),
	('CreateFHIRDatastore', 'call', 'healthlake_call(''CreateFHIRDatastore'', jsonb_build_object(''DatastoreName'', name, ''DatastoreTypeVersion'', ''R4''))'),
	('CreateFHIRDatastore', 'preview', 'healthlake_preview(''CreateFHIRDatastore'', jsonb_build_object(''DatastoreName'', name, ''DatastoreTypeVersion'', ''R4''))'),
	('CreateFHIRDatastore', 'enqueue', 'healthlake_enqueue(''CreateFHIRDatastore'', jsonb_build_object(''DatastoreName'', name, ''DatastoreTypeVersion'', ''R4''))'),
	('CreateFHIRDatastore', 'enqueue a creation', 'healthlake_enqueue_create_datastore(name)'))
	AS v (operation, what, call), raised('SELECT ' || call || ' FROM large') AS r;
SELECT is((raised('SELECT healthlake_create_datastore(''x'', tags => jsonb_build_object(''k'', repeat(''v'', 1048576)))')).detail,
	'Its body would have 1048657 bytes; healthlake.max_request_size allows 1048576.', 'and the detail says by how much');

SELECT peak() AS peak \gset
SELECT is(says('SELECT ' || call), '22023 request for ' || operation || ' is too large | Its body would have more bytes than the 1048576 that healthlake.max_request_size allows.', call) FROM (VALUES
	('CreateFHIRDatastore', 'healthlake_create_datastore(''x'', more => digits())'),
	('CreateFHIRDatastore', 'healthlake_create_datastore(digits())'),
	('CreateFHIRDatastore', 'healthlake_create_datastore(''x'', authorization_strategy => ''AWS_AUTH'', identity_provider_metadata => digits())'),
	('CreateFHIRDatastore', 'healthlake_ensure_datastore(''x'', more => digits())'),
	('UpdateFHIRDatastore', 'healthlake_update_datastore(''x'', more => digits())'),
	('TagResource', 'healthlake_tag_resource(''x'', digits())'),
	('ListFHIRDatastores', 'healthlake_list_datastores(more => digits())'),
	('CreateFHIRDatastore', 'healthlake_call(''CreateFHIRDatastore'', digits())'),
	('CreateFHIRDatastore', 'healthlake_preview(''CreateFHIRDatastore'', digits())'),
	('CreateFHIRDatastore', 'healthlake_enqueue(''CreateFHIRDatastore'', digits())'),
	('CreateFHIRDatastore', 'healthlake_enqueue_create_datastore(''x'', more => digits())')) AS v (operation, call);
SELECT is(says('SELECT * FROM healthlake_call_many(''CreateFHIRDatastore'', ARRAY[digits(), ''{}''])')
	~ '^22023 2 of 2 requests for CreateFHIRDatastore cannot be sent . Request 1: request for CreateFHIRDatastore is too large\nIts body would .*\nRequest 2: ', true, 'in one of many');
SELECT cmp_ok(peak() - :peak, '<', 100, 'numbers with many digits are not written before they are refused');
SET healthlake.max_request_size = '1kB';
CREATE FUNCTION with_name(bytes integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('DatastoreTypeVersion', 'R4', 'ClientToken', 't', 'DatastoreName',
		repeat('x', bytes - octet_length('{"DatastoreName":"","DatastoreTypeVersion":"R4","ClientToken":"t"}')))
$$;
SELECT sent('healthlake_call(''CreateFHIRDatastore'', with_name(1024))') IS NOT NULL \g /dev/null
SELECT is(octet_length(body_text), 1024, 'a body of just that size is sent') FROM emulator_log();
SELECT is((raised('SELECT healthlake_call(''CreateFHIRDatastore'', with_name(1025))')).detail,
	'Its body would have 1025 bytes; healthlake.max_request_size allows 1024.', 'one byte more is not');
RESET healthlake.max_request_size;
SELECT emulator_reset() \g /dev/null

-- Members without a definition

SET healthlake.unknown_members = send;
SELECT is(sent($$ healthlake_create_datastore('x', more => '{"Colour": {"a": [1, "b"]}}') $$) -> 'Colour',
	'{"a": [1, "b"]}', 'unknown members can be sent');
SELECT emulator_reset() \g /dev/null
SELECT refuses_request('{"Colour": 1, "Tags": 1}', '22023', '{DatastoreTypeVersion,Tags}',
	'known members are still checked');
RESET healthlake.unknown_members;

SELECT is(count(*), 0::bigint, 'nothing was sent for any of these') FROM emulator_log();
SELECT is(operation, 'CreateFHIRDatastore', 'the last call is the one that was sent')
  FROM healthlake_last_call();

SELECT * FROM finish();
