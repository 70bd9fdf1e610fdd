-- The data store of a name, found or created.

\ir setup.sql
SELECT no_plan();
CREATE FUNCTION creations() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM emulator_log() WHERE operation = 'CreateFHIRDatastore' $$;

-- Creates a data store with that name and status.
CREATE FUNCTION place(name text, status text, more jsonb DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
	SELECT emulator_tell('stores', jsonb_build_object('DatastoreName', name, 'DatastoreId', md5(name || status), 'DatastoreStatus', status) || more) $$;

-- Created, then found

CREATE TEMPORARY TABLE first AS SELECT * FROM healthlake_ensure_datastore('ward', tags => '{"env": "prod"}');
SELECT is_row(ROW(status, created), ROW('CREATING'::text, true), 'the first time it is created') FROM first;
SELECT is_row(ROW(second.id, second.arn, second.endpoint, second.status, second.created), ROW(first.id, first.arn, first.endpoint, 'ACTIVE'::text, false), 'then it is found')
  FROM first, (SELECT 1 FROM healthlake_describe_datastore((SELECT id FROM first))) AS settled,
  LATERAL (SELECT 1 FROM healthlake_describe_datastore((SELECT id FROM first))) AS again,
  LATERAL healthlake_ensure_datastore('ward') AS second;
SELECT is(creations(), 1::bigint, 'by one creation');
SELECT is((SELECT body FROM emulator_log() WHERE operation = 'ListFHIRDatastores' LIMIT 1), '{"Filter": {"DatastoreName": "ward"}}', 'by its name');
SELECT is_row(ROW((e).id, (e).created), ROW(first.id, false), 'expanded, too') FROM first, (SELECT (healthlake_ensure_datastore('ward')) AS e OFFSET 0) AS x;
SELECT is(count(*), 2::bigint, 'names are exact') FROM
	(SELECT id FROM healthlake_ensure_datastore('Ward') UNION SELECT id FROM first) AS two;

-- Live statuses

SELECT place('creating', 'CREATING'), place('updating', 'UPDATING'), place('failed', 'UPDATE_FAILED'), place('gone', 'DELETED'),
	place('going', 'DELETING'), place('never', 'CREATE_FAILED') \g /dev/null
SELECT is_row(ROW(e.id = md5(want.name || upper(want.status)), e.created), ROW(NOT want.new, want.new), want.status)
  FROM (VALUES ('creating', 'CREATING', false), ('updating', 'UPDATING', false), ('failed', 'UPDATE_FAILED', false),
	('gone', 'DELETED', true), ('going', 'DELETING', true), ('never', 'CREATE_FAILED', true)) AS want (name, status, new),
	LATERAL healthlake_ensure_datastore(want.name) AS e;

-- Several

SELECT place('twice', 'ACTIVE'), place('twice', 'CREATING') \g /dev/null
SELECT is(says('SELECT healthlake_ensure_datastore(''twice'')'),
	format('21000 2 data stores are named "twice" | They are %s, %s.', md5('twiceACTIVE'), md5('twiceCREATING')), 'two are one too many');
SELECT place('once', 'ACTIVE'), place('once', 'DELETED') \g /dev/null
SELECT is(id, md5('onceACTIVE'), 'one that is deleted does not count') FROM healthlake_ensure_datastore('once');

-- With and without the requested properties

SELECT place('smart', 'ACTIVE', '{"SseConfiguration": {"KmsEncryptionConfig": {"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/1234"}},
	"IdentityProviderConfiguration": {"AuthorizationStrategy": "SMART_ON_FHIR", "FineGrainedAuthorizationEnabled": true, "Metadata": "{\"b\": 1, \"a\": [2]}",
	"IdpLambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:introspect"}}'), place('plain', 'ACTIVE') \g /dev/null
SELECT is(created, false, 'as asked: ' || coalesce(kms_key_id, '')) FROM (VALUES ('arn:aws:kms:us-east-1:123456789012:key/1234'), ('1234'), ('key/1234'), (NULL)) AS k (kms_key_id),
	LATERAL healthlake_ensure_datastore('smart', kms_key_id => k.kms_key_id, authorization_strategy => 'SMART_ON_FHIR',
	fine_grained_authorization_enabled => true, identity_provider_metadata => '{"a": [2], "b": 1}', idp_lambda_arn => 'arn:aws:lambda:us-east-1:123456789012:function:introspect');
SELECT place('digits', 'ACTIVE', jsonb_build_object('IdentityProviderConfiguration', jsonb_build_object('AuthorizationStrategy', 'SMART_ON_FHIR', 'Metadata', '{"x":[1' || repeat(',1e131000', 1000) || ']}'))) \g /dev/null
SELECT peak() AS peak \gset
SELECT is(says('SELECT healthlake_ensure_datastore(''digits'', authorization_strategy => ''SMART_ON_FHIR'', identity_provider_metadata => ''{"a": 1}'')') ~ 'identity_provider_metadata is {"x":.1,1e131000,', true, 'JSON with many digits is compared as it is');
SELECT cmp_ok(peak() - :peak, '<', 100, 'and not written anew');
SELECT is(created, false, 'what is not asked for may be anything') FROM healthlake_ensure_datastore('smart');
SELECT is(created, false, 'what AWS makes of nothing may be asked for') FROM healthlake_ensure_datastore('plain',
	authorization_strategy => 'AWS_AUTH', fine_grained_authorization_enabled => false, cmk_type => 'AWS_OWNED_KMS_KEY');
SELECT is(says('SELECT healthlake_ensure_datastore(''plain'', kms_key_id => ''alias/health'', type_version => ''R5'')'),
	format('55000 data store "%s" of that name is not as requested | type_version is R4, requested was R5; kms_key_id is not set, requested was alias/health; cmk_type is AWS_OWNED_KMS_KEY, requested was CUSTOMER_MANAGED_KMS_KEY.', md5('plainACTIVE')),
	'all differences are reported');
SELECT is(says(format('SELECT healthlake_ensure_datastore(''smart'', authorization_strategy => ''SMART_ON_FHIR'', %s)', argument)),
	format('55000 data store "%s" of that name is not as requested | %s.', md5('smartACTIVE'), detail), argument)
  FROM (VALUES ('kms_key_id => ''234''', 'kms_key_id is arn:aws:kms:us-east-1:123456789012:key/1234, requested was 234'),
	('fine_grained_authorization_enabled => false', 'fine_grained_authorization_enabled is true, requested was false'),
	('identity_provider_metadata => ''{"a": [2]}''', 'identity_provider_metadata is {"a": [2], "b": 1}, requested was {"a": [2]}'),
	('idp_lambda_arn => ''arn:aws:lambda:us-east-1:123456789012:function:other-one''',
	 'idp_lambda_arn is arn:aws:lambda:us-east-1:123456789012:function:introspect, requested was arn:aws:lambda:us-east-1:123456789012:function:other-one'))
	AS other (argument, detail);
SELECT is(says('SELECT healthlake_ensure_datastore(''smart'', authorization_strategy => ''AWS_AUTH'')') ~ '^55000 .*authorization_strategy is SMART_ON_FHIR, requested was AWS_AUTH', true, 'another strategy');

-- Metadata that jsonb cannot hold differs from any that it can

SELECT place('odd', 'ACTIVE', '{"IdentityProviderConfiguration": {"AuthorizationStrategy": "SMART_ON_FHIR", "Metadata": "{\"a\": 1e400000}"}}') \g /dev/null
SELECT is(says('SELECT healthlake_ensure_datastore(''odd'', authorization_strategy => ''SMART_ON_FHIR'', identity_provider_metadata => ''{"a": 2}'')'),
	format('55000 data store "%s" of that name is not as requested | identity_provider_metadata is {"a": 1e400000}, requested was {"a": 2}.', md5('oddACTIVE')), 'other metadata');

-- Refused before a request

SELECT emulator_reset() \g /dev/null
SELECT is(says('SELECT healthlake_ensure_datastore(NULL)') ~ '^22004 argument "name"', true, 'no name');
SELECT is(says('SELECT healthlake_ensure_datastore(''x'', cmk_type => ''CUSTOMER_MANAGED_KMS_KEY'')') ~ '^22004 ', true, 'no key');
SELECT is(says('SELECT healthlake_ensure_datastore(''x'', more => ''{"Colour": 1}'')') ~ '^22023 ', true, 'what AWS does not know');
SELECT is(count(*), 0::bigint, 'nothing was sent') FROM emulator_log();
SELECT emulator_next('{"operation": "ListFHIRDatastores", "error": "AccessDeniedException"}') \g /dev/null
SELECT is(says('SELECT healthlake_ensure_datastore(''x'')') ~ '^42501 ', true, 'what cannot be looked for is not created');
SELECT is(creations(), 0::bigint, 'not at all');

-- Beyond the first page, and through pages without the name

SELECT emulator_tell('stores', jsonb_agg(jsonb_build_object('DatastoreName', CASE WHEN i = 240 THEN 'far' ELSE 'x' || i END,
	'DatastoreId', md5(i::text)))) FROM generate_series(1, 250) AS i \g /dev/null
SELECT emulator_next(jsonb_agg(jsonb_build_object('operation', 'ListFHIRDatastores', 'body',
	'{"DatastorePropertiesList": [{"DatastoreId": "other", "DatastoreArn": "a", "DatastoreName": "far too", "DatastoreStatus": "ACTIVE", "DatastoreTypeVersion": "R4", "DatastoreEndpoint": "e"}]}'::jsonb
	|| jsonb_build_object('NextToken', encode((i * 0)::text::bytea, 'base64') || repeat('=', 0)))))
  FROM generate_series(1, 1) AS i \g /dev/null
SELECT is(id, md5('240'), 'it is found on another page') FROM healthlake_ensure_datastore('far');
SELECT emulator_next('{"operation": "ListFHIRDatastores", "times": 2, "body": {"DatastorePropertiesList": [], "NextToken": "x"}}') \g /dev/null
SELECT is(says('SELECT healthlake_ensure_datastore(''far'')') ~ '^38P01 ', true, 'a token that repeats');

-- In a region of its own

SELECT is(created, true, 'another region has none') FROM healthlake_ensure_datastore('far', region => 'us-west-2');
SELECT is(created, false, 'until it has') FROM healthlake_ensure_datastore('far', region => 'us-west-2');

SELECT * FROM finish();
