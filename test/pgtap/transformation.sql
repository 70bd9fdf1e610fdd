-- Data transformation: profiles, their versions, the agent, and jobs; on a host of its own.

\ir setup.sql
SELECT no_plan();
SELECT replace(:'emulator_url', '127.0.0.1', 'localhost') AS local_url \gset
SET healthlake.endpoint_url = :'local_url';
-- The four sources of a profile, exactly one

SELECT is(sent(format($$healthlake_create_transformation_profile('p', 'CCDA', %s)$$, arguments)) -> 'Source', source, arguments)
  FROM (VALUES ('starter_profile_name => ''s''', '{"StarterProfile": {"StarterProfileName": "s"}}'::jsonb),
	('existing_profile_id => ''e'', existing_profile_version => 0', '{"ExistingVersionedProfileId": {"ProfileId": "e", "Version": 0}}'),
	('profile_mapping => ''{"Patient": "{}", "ü": ""}''', '{"ProfileMapping": {"ProfileMapping": {"Patient": "{}", "ü": ""}}}'),
	('sample_data_s3_uri => ''s3://b/s''', '{"SampleData": {"S3Uri": "s3://b/s"}}')) AS s (arguments, source);
SELECT is(says(format($$SELECT healthlake_create_transformation_profile('p', 'CCDA'%s)$$, arguments)) ~ expected, true, 'not: ' || arguments)
  FROM (VALUES ('', '^22004 .*Source \(arguments "starter_profile_name", "existing_profile_id", "existing_profile_version", "profile_mapping", "sample_data_s3_uri"\)'),
	(', starter_profile_name => ''s'', sample_data_s3_uri => ''s3://b/s''', '^22023 .*Source'),
	(', existing_profile_id => ''e''', '^22004 .*Source\.ExistingVersionedProfileId\.Version \(argument "existing_profile_version"\)'),
	(', profile_mapping => ''[]''', '^22023 .*ProfileMapping'), (', profile_mapping => ''{"a": 1}''', '^22023 .*ProfileMapping')) AS s (arguments, expected);
SELECT is(says('SELECT healthlake_create_transformation_profile(NULL, NULL, starter_profile_name => ''s'')') ~ '^22004 .*argument "source_format".*argument "profile_name"', true, 'no name, no format');

-- A profile's life

SELECT emulator_reset() \g /dev/null
SELECT * FROM healthlake_create_transformation_profile('ccda', 'CCDA', profile_mapping => '{"Patient": "{}"}', kms_key_id => 'k', profile_description => 'd') \gset
SELECT is_row(ROW(:'version', :'source_format', :'target_format', :'profile_name'), ROW('0', 'CCDA', 'FHIR_R4', 'ccda'), 'a new profile is a draft');
SELECT is_row(ROW(version, profile_mapping, profile_description), ROW(0, '{"Patient": "{}"}'::jsonb, 'd'::text), 'with its mapping')
  FROM healthlake_get_transformation_profile(:'profile_id');
SELECT is(profile_id, :'profile_id', 'which is changed') FROM healthlake_update_transformation_profile(:'profile_id', '{"Patient": "{\"a\": 1}"}', 'a change');
SELECT is(version, 1, 'and published') FROM healthlake_publish_transformation_profile(:'profile_id', 'CCDA', change_description => 'first');
SELECT is(version, 2, 'again, from an older one') FROM healthlake_publish_transformation_profile(:'profile_id', 'CCDA', 0, 'second');
SELECT is((SELECT body FROM emulator_log() WHERE operation = 'PublishDataTransformationProfile' ORDER BY n DESC LIMIT 1),
	jsonb_build_object('ProfileId', :'profile_id', 'SourceFormat', 'CCDA', 'FromExistingVersion', 0, 'ChangeDescription', 'second'), 'a zero is sent');
SELECT results_eq(format('SELECT version, change_description FROM healthlake_list_transformation_profile_versions(%L)', :'profile_id'),
	$$ VALUES (0, 'a change'), (1, 'first'), (2, 'second') $$, 'all versions');
SELECT is((SELECT array_agg(version) FROM healthlake_list_transformation_profile_versions(:'profile_id', max_rows => 2)), ARRAY[0, 1], 'some of them');
SELECT is_row(ROW(profile_name, version, profile_description), ROW('ccda'::text, 2, 'd'::text), 'all profiles of a format') FROM healthlake_list_transformation_profiles('CCDA');
SELECT is(count(*), 0::bigint, 'of another one') FROM healthlake_list_transformation_profiles('CSV');
SELECT is(profile_mapping, '{"Patient": "{\"a\": 1}"}', 'a version') FROM healthlake_get_transformation_profile(:'profile_id', 1);
SELECT is_row(ROW(reply -> 'ProfileMapping', reply ->> 'ProfileName'), ROW('"****************"'::jsonb, 'ccda'::text), 'whose mapping is masked in the last call') FROM healthlake_last_call();
SELECT is(says(format('SELECT healthlake_get_transformation_profile(%L, 7)', :'profile_id')) ~ '^42704 ', true, 'one that is not there');
SELECT is(says('SELECT healthlake_get_transformation_profile(''short'')') ~ '^22023 .*ProfileId \(argument "profile_id"\)', true, 'an id that is too short');

-- The agent

CREATE TEMPORARY TABLE said AS SELECT * FROM healthlake_update_profile_with_agent(:'profile_id', 'secret words') WITH ORDINALITY;
SELECT results_eq('SELECT event, message, options FROM said ORDER BY ordinality', $$ VALUES ('ProgressEvent', 'Reading the profile', NULL::text[]),
	('TextMessageEvent', 'You said: secret words', NULL), ('EndOfOutputEvent', 'What next?', '{"Go on",Stop}') $$, 'the agent answers, a row an event');
SELECT conversation_id AS conversation FROM said WHERE event = 'EndOfOutputEvent' \gset
SELECT is(array_agg(conversation_id), ARRAY[NULL, NULL, :'conversation'], 'in one conversation') FROM healthlake_update_profile_with_agent(:'profile_id', 'yes', 'confirmation_response', :'conversation');
SELECT is(body, jsonb_build_object('ProfileId', :'profile_id', 'InputMessage', '{"Body": "yes", "Type": "confirmation_response"}'::jsonb, 'ConversationId', :'conversation'), 'which the request names')
  FROM emulator_log() WHERE operation = 'UpdateProfileWithAgent' ORDER BY n DESC LIMIT 1;
SELECT is(sqlstate, '42704', 'another one is not found') FROM raised(format('SELECT healthlake_update_profile_with_agent(%L, ''x'', conversation_id => ''c'')', :'profile_id'));
SELECT is(says('SELECT healthlake_update_profile_with_agent(NULL, NULL, NULL)') ~ '^22004 .*InputMessage \(arguments "input_message", "input_message_type"\)', true, 'what is missing is named');
SELECT emulator_next('{"operation": "UpdateProfileWithAgent", "error": "InternalServerException", "times": 3}') \g /dev/null
SET healthlake.max_attempts = 3;
SELECT is(says(format('SELECT healthlake_update_profile_with_agent(%L, ''secret words'')', :'profile_id')) ~ '^38M01 .*attempts 1', true, 'it is not asked twice');
SELECT is(says(format('SELECT healthlake_update_profile_with_agent(%L, ''secret words'')', :'profile_id')) ~ 'secret', false, 'no message of its errors has what was said');
SET healthlake.max_attempts = 1;
SELECT emulator_reset() \g /dev/null

-- Jobs

SELECT profile_id FROM healthlake_create_transformation_profile('ccda', 'CCDA', starter_profile_name => 's') \gset
SELECT * FROM healthlake_start_transformation_job(:'profile_id', 's3://bucket/in/', 's3://bucket/out/', 'alias/health', 'arn:aws:iam::123456789012:role/t',
	'CCDA', 'nightly', drift_detection_enabled => true, provenance_enabled => false) \gset job_
SELECT is(body - 'ClientToken', jsonb_build_object('InputDataConfig', '{"S3Uri": "s3://bucket/in/", "SourceFormat": "CCDA"}'::jsonb,
	'OutputDataConfig', '{"S3Configuration": {"S3Uri": "s3://bucket/out/", "KmsKeyId": "alias/health"}}'::jsonb, 'DataAccessRoleArn', 'arn:aws:iam::123456789012:role/t',
	'JobName', 'nightly', 'ProfileId', :'profile_id', 'DriftDetectionEnabled', true, 'ProvenanceEnabled', false), 'every argument has its place')
  FROM emulator_log() WHERE operation = 'StartDataTransformationJob';
SELECT is(body ->> 'ClientToken' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-4', true, 'the required token is filled in') FROM emulator_log() WHERE operation = 'StartDataTransformationJob';
SELECT is(obj_description('healthlake_start_transformation_job'::regproc, 'pg_proc') ~ 'replaced by a generated one', true, 'which its comment says');
SELECT is(:'job_status'::text, 'SUBMITTED', 'a job is submitted');
SELECT is_row(ROW(status, input_s3_uri, source_format, output_s3_uri, kms_key_id, job_name, profile_id, profile_name, profile_version, drift_detection_enabled, provenance_enabled, total_files_scanned, total_files_converted),
	ROW('SUBMITTED'::text, 's3://bucket/in/', 'CCDA', 's3://bucket/out/', 'alias/health', 'nightly', :'profile_id', 'ccda', 0, true, false, 10::bigint, 0::bigint), 'described')
  FROM healthlake_describe_transformation_job(:'job_job_id');
SELECT is_row(ROW(status, total_files_converted, total_resources_generated), ROW('COMPLETED'::text, 10::bigint, 1000::bigint), 'waited for')
  FROM healthlake_wait_transformation_job(:'job_job_id', poll_interval => '5 ms');
SELECT is_row(ROW(job_id, status, job_name, source_format), ROW(:'job_job_id', 'COMPLETED', 'nightly', 'CCDA'), 'listed')
  FROM healthlake_list_transformation_jobs('COMPLETED', 'nightly', now() - interval '1 day', now() + interval '1 day');
SELECT is(says('SELECT healthlake_start_transformation_job(NULL, NULL, NULL, NULL, NULL)') ~ ('^22004 .*InputDataConfig \(argument "input_s3_uri"\)'
	|| '.*OutputDataConfig \(arguments "output_s3_uri", "kms_key_id"\).*"data_access_role_arn".*"profile_id"'), true, 'what is missing is named');

-- Deleted

SELECT is_row(ROW(profile_id, profile_name, deletion_time > '2026-01-01'), ROW(:'profile_id', 'ccda'::text, true), 'a profile is deleted') FROM healthlake_delete_transformation_profile(:'profile_id');
SELECT is(sqlstate, '42704', 'once') FROM raised(format('SELECT healthlake_delete_transformation_profile(%L)', :'profile_id'));

-- Its host

SELECT is(array_agg(DISTINCT split_part(headers ->> 'host', ':', 1))::text, '{datatransformation.localhost}', 'its host has a prefix') FROM emulator_log();
SET healthlake.endpoint_url = :'emulator_url';
SELECT is(says('SELECT * FROM healthlake_list_transformation_jobs()'), '22023 invalid endpoint: the operation''s host prefix cannot be put before an address'
	' | The operation''s requests go to a host whose name begins with "datatransformation."; AWS_DISABLE_HOST_PREFIX_INJECTION=true in the server''s environment leaves that out.',
	'which an address cannot have');

SELECT * FROM finish();
