-- Functions that take an operation's name: healthlake_call, _operations, _preview; and grants.

\ir setup.sql
SELECT no_plan();
-- healthlake_call

SELECT is(healthlake_call('CreateFHIRDatastore', '{"DatastoreName": "ward", "DatastoreTypeVersion": "R4"}') ->> 'DatastoreStatus', 'CREATING', 'any operation by its name');
SELECT is(jsonb_array_length(healthlake_call('ListFHIRDatastores') -> 'DatastorePropertiesList'), 1, 'an empty request');
SELECT is(jsonb_array_length(healthlake_call('ListFHIRDatastores', NULL) -> 'DatastorePropertiesList'), 1, 'none');
SELECT is(jsonb_array_length(healthlake_call('ListFHIRDatastores', region => 'us-west-2') -> 'DatastorePropertiesList'), 0, 'another region');
SELECT is(healthlake_call('TagResource', jsonb_build_object('ResourceARN', arn, 'Tags', '[]'::jsonb)), '{}', 'an empty reply') FROM healthlake_list_datastores();
SELECT is(says('SELECT healthlake_call(NULL)'), '22004 argument "operation" must not be null', 'no operation');
SELECT is(says('SELECT healthlake_call(''createfhirdatastore'')') ~ '^22023 operation "createfhirdatastore" does not exist .*healthlake_operations', true, 'in another case');
SELECT is(says('SELECT healthlake_call('''')') ~ '^22023 operation "" does not exist', true, 'an empty one');
SELECT is(says(format('SELECT healthlake_call(%L, %L)', 'DescribeFHIRDatastore', request)) ~ expected, true, request)
  FROM (VALUES ('[]', '^22023 .*must be a JSON object'), ('null', '^22023 .*must be a JSON object'), ('"x"', '^22023 .*must be a JSON object'), ('7', '^22023 '),
	('{}', '^22004 .*"DatastoreId"'), ('{"DatastoreId": null}', '^22004 .*"DatastoreId"'), ('{"DatastoreId": ""}', '^22023 .*DatastoreId'),
	('{"DatastoreId": "x", "Id": "y"}', '^22023 .*Id'), ('{"datastoreId": "x"}', '^22023 .*datastoreId.*DatastoreId')) AS r (request, expected);
SELECT is(says('SELECT healthlake_call(''DescribeFHIRDatastore'', ''{}'')') ~ 'argument "id"', false, 'faults are told in AWS''s words');
SELECT is(count(*), 3::bigint, 'each row has its call') FROM (SELECT healthlake_call('CreateFHIRDatastore', jsonb_build_object('DatastoreName', 'many', 'DatastoreTypeVersion', 'R4')) FROM generate_series(1, 3)) AS c;
SELECT is(count(*), 3::bigint, 'and its data store') FROM healthlake_list_datastores('many');
SELECT is(operation, 'ListFHIRDatastores', 'the last call is the door''s') FROM (SELECT healthlake_call('ListFHIRDatastores') OFFSET 0) AS c, LATERAL healthlake_last_call();
SELECT is(healthlake_call('ListFHIRDatastores', '{"MaxResults": 1}') ? 'NextToken', true, 'a page is a page');

-- healthlake_operations

SELECT is_row(ROW(function::text ~ '^healthlake_create_datastore\(text,', cli_option, required, changes_something, idempotent, sensitive),
	ROW(true, '--sse-configuration'::text, false, true, true, false), 'an argument, its member and the option of AWS''s CLI')
  FROM healthlake_operations() WHERE operation = 'CreateFHIRDatastore' AND member = 'SseConfiguration.KmsEncryptionConfig.KmsKeyId' AND argument = 'kms_key_id';
SELECT is_row(ROW(required, argument), ROW(true, 'id'::text), 'a required one') FROM healthlake_operations() WHERE operation = 'DeleteFHIRDatastore';
SELECT is(array_agg(argument || ' ' || member)::text, '{"job_id JobId"}', 'one that has few') FROM healthlake_operations() WHERE operation = 'DescribeDataTransformationJob';
SELECT is(cli_option, '--resource-arn', 'capitals in a row are a word') FROM healthlake_operations() WHERE operation = 'ListTagsForResource';
SELECT set_eq('SELECT operation || '' '' || argument FROM healthlake_operations() WHERE sensitive',
	ARRAY['CreateDataTransformationProfile profile_mapping', 'UpdateDataTransformationProfile profile_mapping', 'UpdateProfileWithAgent input_message'], 'sensitive members');
SELECT is(count(*), count(DISTINCT (operation, member)), 'every member once') FROM healthlake_operations();

-- healthlake_preview

SELECT emulator_reset() \g /dev/null
SET healthlake.session_token = 'FwoGsecrettoken';
CREATE TEMPORARY TABLE seen AS SELECT * FROM healthlake_preview('CreateFHIRDatastore', '{"DatastoreName": "ward", "DatastoreTypeVersion": "R4"}');
SELECT is(url, :'emulator_url' || '/', 'where it would go') FROM seen;
SELECT is(body - 'ClientToken', '{"DatastoreName": "ward", "DatastoreTypeVersion": "R4"}', 'what would be sent') FROM seen;
SELECT is(body ->> 'ClientToken' ~ '^[0-9a-f-]{36}$', true, 'with a token') FROM seen;
SELECT is(headers ->> 'X-Amz-Target', 'HealthLake.CreateFHIRDatastore', 'in what headers') FROM seen;
SELECT is(headers ->> 'Authorization' ~ '^AWS4-HMAC-SHA256 Credential=\*+MPLE/\d{8}/us-east-1/healthlake/aws4_request, SignedHeaders=[a-z0-9;-]+, Signature=\*+$', true,
	'the signature is masked, the key id but for its end') FROM seen;
SELECT is(seen::text ~ 'FwoG|AKID|wJalr', false, 'no secret is shown') FROM seen;
SELECT is(headers ->> 'X-Amz-Security-Token' ~ '^\*+$', true, 'but that there is a token') FROM seen;
RESET healthlake.session_token;
SELECT is(body, '{"ProfileId": "0123456789abcdef0123456789abcdef", "InputMessage": {"Body": "****************", "Type": "normal"}}', 'sensitive members are masked')
  FROM (SELECT replace(:'emulator_url', '127.0.0.1', 'localhost') AS url) AS u, set_config('healthlake.endpoint_url', url, false),
	LATERAL healthlake_preview('UpdateProfileWithAgent', '{"ProfileId": "0123456789abcdef0123456789abcdef", "InputMessage": {"Body": "my name is", "Type": "normal"}}');
SELECT is(body #>> '{Source,ProfileMapping}', '****************', 'whole structures of them, too')
  FROM healthlake_preview('CreateDataTransformationProfile', '{"ProfileName": "p", "SourceFormat": "CCDA", "Source": {"ProfileMapping": {"ProfileMapping": {"Patient": "secret"}}}}');
SELECT is(url ~ '^http://datatransformation\.localhost:', true, 'a host prefix is shown') FROM healthlake_preview('ListDataTransformationJobs');
SET healthlake.endpoint_url = :'emulator_url';
SELECT is(says('SELECT healthlake_preview(''CreateFHIRDatastore'')') ~ '^22004 .*DatastoreTypeVersion', true, 'a wrong request is refused as it would be');
SELECT is(says('SELECT healthlake_preview(NULL)'), '22004 argument "operation" must not be null', 'no operation');
SELECT is(says('SELECT healthlake_preview(''ListFHIRDatastores'', region => ''x.example.com'')') ~ '^22023 invalid AWS region', true, 'an invalid region');
SELECT is(count(*), 0::bigint, 'nothing was sent') FROM emulator_log();
RESET healthlake.endpoint_url;
SELECT is(url, 'https://healthlake.eu-west-2.amazonaws.com/', 'AWS''s own address') FROM healthlake_preview('ListFHIRDatastores', region => 'eu-west-2');
SELECT is(url, 'https://datatransformation.healthlake.eu-west-2.amazonaws.com/', 'with the prefix') FROM healthlake_preview('ListDataTransformationJobs', region => 'eu-west-2');
SET healthlake.endpoint_url = :'emulator_url';

-- EXECUTE on the operation's own function

CREATE ROLE healthlake_reader;
CREATE ROLE healthlake_maker;
GRANT EXECUTE ON FUNCTION healthlake_call, healthlake_preview, healthlake_operations TO healthlake_reader;
GRANT EXECUTE ON FUNCTION healthlake_describe_datastore TO healthlake_reader;
GRANT CREATE ON SCHEMA public TO healthlake_reader;
SET ROLE healthlake_reader;
SELECT is(says('SELECT healthlake_call(''ListFHIRDatastores'')'), '42501 permission denied for operation ListFHIRDatastores | EXECUTE on function healthlake_list_datastores is also required.', 'the door alone is not enough');
SELECT is(says('SELECT healthlake_preview(''ListFHIRDatastores'')') ~ '^42501 ', true, 'not to preview, either');
SELECT is(says('SELECT healthlake_call(''DescribeFHIRDatastore'', ''{"DatastoreId": "x"}'')') ~ '^42704 ', true, 'with the function it is');
CREATE FUNCTION public.healthlake_list_datastores(integer) RETURNS void LANGUAGE sql AS '';
SELECT is(says('SELECT healthlake_call(''ListFHIRDatastores'')') ~ '^42501 ', true, 'a function of one''s own with that name opens nothing');
SELECT is(function::text, 'healthlake_list_datastores(text,text,timestamp with time zone,timestamp with time zone,integer,text,jsonb)', 'nor is it taken for the operation''s')
  FROM healthlake_operations() WHERE operation = 'ListFHIRDatastores' AND argument = 'name';
RESET ROLE;
SELECT lives_ok('SELECT healthlake_grant(''healthlake_maker'', ''read'')', 'nor is it granted');
SELECT is(has_function_privilege('public', 'public.healthlake_list_datastores(integer)', 'EXECUTE'), true, 'but by its owner');
DROP FUNCTION public.healthlake_list_datastores(integer);

-- healthlake_grant

CREATE FUNCTION may(who text, OUT functions text[]) LANGUAGE sql AS $$
	SELECT coalesce(array_agg(DISTINCT replace(p.proname, 'healthlake_', '') ORDER BY replace(p.proname, 'healthlake_', '')), '{}')
	  FROM pg_proc AS p, pg_depend AS d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND p.proname ~ '^healthlake_'
	   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'healthlake') AND has_function_privilege(who, p.oid, 'EXECUTE') $$;
SELECT lives_ok(format('CREATE ROLE healthlake_%s; SELECT healthlake_grant(%L, %L)', 'to_' || what, 'healthlake_to_' || what, what), what)
  FROM unnest(ARRAY['read', 'create', 'manage', 'delete', 'audit']) AS what;
CREATE TEMPORARY TABLE everybody AS SELECT ARRAY['call', 'call_many', 'last_call', 'operations', 'preview', 'version'] || may('public') AS functions;
CREATE FUNCTION pg_temp.beyond(what text) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(f ORDER BY f) FROM unnest(may('healthlake_to_' || what)) AS f WHERE f <> ALL (SELECT unnest(functions) FROM everybody) $$;
SELECT is(f <@ may('healthlake_to_' || what), true, what || ' has the doors') FROM everybody AS e (f), unnest(ARRAY['read', 'create', 'manage', 'delete']) AS what;
SELECT is(pg_temp.beyond('create'), '{cancel_request,create_datastore,enqueue,enqueue_create_datastore,ensure_datastore,restore_datastore,retry_request,wait_request}', 'create: billed objects, and their queue');
SELECT is(pg_temp.beyond('delete') @> '{delete_datastore,delete_transformation_profile}', true, 'delete');
SELECT is(pg_temp.beyond('manage') @> '{create_transformation_profile,publish_transformation_profile,start_export_job,start_import_job,start_transformation_job,tag_resource,untag_resource,update_datastore,update_profile_with_agent,update_transformation_profile}',
	true, 'manage: what changes and is not paid for by the hour');
SELECT is(pg_temp.beyond('read') @> '{describe_datastore,describe_export_job,describe_import_job,describe_transformation_job,get_transformation_profile,list_datastores,list_export_jobs,list_import_jobs,list_tags,list_transformation_jobs,list_transformation_profile_versions,list_transformation_profiles,wait_datastore,wait_export_job,wait_import_job,wait_transformation_job,await_datastore,await_export_job,await_import_job,await_transformation_job}',
	true, 'read: describing, listing, waiting');
SELECT is(pg_temp.beyond('read') && (pg_temp.beyond('create') || pg_temp.beyond('manage') || pg_temp.beyond('delete')), false, 'no two words have a function in common');
SELECT is(count(*), 26::bigint, 'together they have every operation') FROM
	(SELECT DISTINCT operation FROM healthlake_operations() WHERE EXISTS (SELECT FROM unnest(ARRAY['read', 'create', 'manage', 'delete']) AS w
	  WHERE has_function_privilege('healthlake_to_' || w, function, 'EXECUTE'))) AS o;
SELECT is(says('SELECT healthlake_grant(''healthlake_maker'', ''all'')'), '22023 argument "what" must be read, create, manage, delete, audit, fhir_read, fhir_write or fhir_delete', 'another word');
SELECT is(says('SELECT healthlake_grant(''healthlake_maker'', NULL)'), '22004 argument "what" must not be null', 'none');
SELECT is(says('SELECT healthlake_grant(NULL, ''read'')'), '22004 argument "to_role" must not be null', 'a role that does not exist');
SELECT is(says('SELECT healthlake_grant(''nobody_there'', ''read'')') ~ '^42704 ', true, 'who is not there');
CREATE ROLE "healthlake; odd ""name""";
SELECT lives_ok($$SELECT healthlake_grant('"healthlake; odd ""name"""', 'read')$$, 'a name that must be quoted');
SELECT is(has_function_privilege('healthlake; odd "name"', 'healthlake_list_tags(text,text,jsonb)', 'EXECUTE'), true, 'is');
GRANT EXECUTE ON FUNCTION healthlake_grant TO healthlake_reader;
SET ROLE healthlake_reader;
SELECT is(sqlstate, '42501', 'who may not grant cannot grant by it') FROM raised('SELECT healthlake_grant(''healthlake_reader'', ''delete'')');
RESET ROLE;
SELECT is(has_function_privilege('healthlake_reader', 'healthlake_delete_datastore(text,text,text,jsonb)', 'EXECUTE'), false, 'and has not');

-- healthlake_revoke revokes what was granted, except what other words need

CREATE FUNCTION pg_temp.rights(who text) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (SELECT proacl AS acl FROM pg_proc UNION ALL SELECT relacl FROM pg_class UNION ALL SELECT nspacl FROM pg_namespace) AS o,
		aclexplode(acl) AS a WHERE a.grantee = who::regrole $$;
CREATE ROLE healthlake_two;
SELECT lives_ok('SELECT healthlake_grant(''healthlake_two'', ''read'', ''create'')', 'several words at once');
SELECT is(may('healthlake_two') @> (SELECT may('healthlake_to_read')), true, 'one');
SELECT is(may('healthlake_two') @> (SELECT may('healthlake_to_create')), true, 'and the other');
SELECT lives_ok('SELECT healthlake_revoke(''healthlake_two'', ''create'')', 'one is taken back');
SELECT is(may('healthlake_two'), may('healthlake_to_read'), 'and the other is whole');
SELECT is(has_table_privilege('healthlake_two', 'healthlake_request', 'SELECT'), false, 'without the table that went with it');
SELECT lives_ok('SELECT healthlake_revoke(''healthlake_two'', VARIADIC ARRAY[''read'', ''create'', ''audit''])', 'all of it, and more');
SELECT is(pg_temp.rights('healthlake_two'), 0::bigint, 'nothing is left, on functions, tables and schemas');
SELECT lives_ok(format('SELECT healthlake_grant(''healthlake_two'', %1$L); SELECT healthlake_revoke(''healthlake_two'', %1$L)', what), what)
  FROM unnest(ARRAY['read', 'create', 'manage', 'delete', 'audit']) AS what;
SELECT is(pg_temp.rights('healthlake_two'), 0::bigint, 'whatever it was');
SELECT is(says('SELECT healthlake_revoke(''healthlake_two'', ''all'')'), '22023 argument "what" must be read, create, manage, delete, audit, fhir_read, fhir_write or fhir_delete', 'another word to revoke');
SELECT is(says('SELECT healthlake_revoke(NULL, ''read'')'), '22004 argument "from_role" must not be null', 'from a role that does not exist');
SELECT is(says('SELECT healthlake_grant(''healthlake_two'', ''read'', NULL)'), '22004 argument "what" must not be null', 'a null among words');
SELECT is(says('SELECT healthlake_grant(''healthlake_two'', VARIADIC ''{}'')'), '22023 argument "what" must not be empty', 'no word');
DROP ROLE healthlake_two;
SELECT is(healthlake_version(), extversion, 'the library is as old as the functions') FROM pg_extension WHERE extname = 'healthlake';

-- The resulting privileges of a role

SET ROLE healthlake_to_read;
SELECT lives_ok('SELECT * FROM healthlake_list_datastores()', 'a reader lists');
SELECT lives_ok('SELECT healthlake_call(''ListFHIRDatastores'')', 'by the door, too');
SELECT is(sqlstate, '42501', 'and creates nothing') FROM raised('SELECT healthlake_create_datastore(''x'')');
SELECT is(sqlstate, '42501', 'by no door') FROM raised('SELECT healthlake_call(''CreateFHIRDatastore'', ''{"DatastoreTypeVersion": "R4"}'')');
RESET ROLE;
SET ROLE healthlake_to_create;
SELECT lives_ok('SELECT healthlake_create_datastore(''x'')', 'a maker creates');
SELECT lives_ok('SELECT healthlake_ensure_datastore(''y'')', 'and ensures, without the right to list');
RESET ROLE;

-- Untyped literals resolve to the right function

SELECT lives_ok('SELECT healthlake_create_datastore(''x'', ''R4'', tags => ''{"a": "b"}'')', 'a name');
SELECT is(says('SELECT healthlake_create_datastore(''{"DatastoreTypeVersion": "R4"}'')') ~ '^22023 argument "name" looks like a request', true, 'a request that looks like a name');
SELECT lives_ok('SELECT healthlake_create_datastore(request => ''{"DatastoreTypeVersion": "R4"}'')', 'a request by its name');
SELECT lives_ok('SELECT * FROM healthlake_list_datastores(''x'', ''ACTIVE'', ''2026-01-01'', ''2027-01-01'', 5, ''us-east-1'', ''{}'')', 'a list''s');
SELECT lives_ok('SELECT healthlake_call(''ListFHIRDatastores'', ''{}'', ''us-east-1'')', 'a call''s');

-- In a schema of its own

DROP EXTENSION healthlake;
CREATE SCHEMA aws;
CREATE EXTENSION healthlake SCHEMA aws;
CREATE ROLE healthlake_apart;
SET ROLE healthlake_apart;
SELECT is(says('SELECT aws.healthlake_version()'), '42501 permission denied for schema aws', 'a role that was granted nothing does not even see the schema');
RESET ROLE;
SELECT aws.healthlake_grant('healthlake_apart', 'read') \g /dev/null
SET ROLE healthlake_apart;
SELECT lives_ok('SELECT * FROM aws.healthlake_list_datastores()', 'a word grants USAGE on the schema');
RESET ROLE;
SELECT aws.healthlake_revoke('healthlake_apart', 'read') \g /dev/null
SELECT is(has_schema_privilege('healthlake_apart', 'aws', 'USAGE'), false, 'and goes with it');

SELECT DISTINCT format('DROP OWNED BY %I; DROP ROLE %I', rolname, rolname) FROM pg_roles WHERE rolname ~ '^healthlake[_;]' \gexec

SELECT * FROM finish();
