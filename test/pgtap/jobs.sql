-- Imports and exports as rows, from start to end.

\ir setup.sql
SELECT no_plan();
SELECT emulator_set('{"settle_after_seconds": 0}') \g /dev/null
SELECT id FROM healthlake_create_datastore('ward') \gset
SELECT 'arn:aws:iam::123456789012:role/hl' AS role \gset
SELECT emulator_set('{"settle_after_seconds": null}') \g /dev/null

-- Requests

SELECT is(sent($$healthlake_start_import_job('d', 's3://b/i', 's3://b/o', 'k', 'arn:aws:iam::123456789012:role/r', 'n', 'tok', 'strict', 'p', 'f', true, false)$$),
	'{"JobName": "n", "InputDataConfig": {"S3Uri": "s3://b/i"}, "JobOutputDataConfig": {"S3Configuration": {"S3Uri": "s3://b/o", "KmsKeyId": "k"}}, "DatastoreId": "d", "DataAccessRoleArn": "arn:aws:iam::123456789012:role/r", "ValidationLevel": "strict", "ProfileId": "p", "InputFormat": "f", "DriftDetectionEnabled": true, "ProvenanceEnabled": false}',
	'every argument of an import has its place');
SELECT is(sent($$healthlake_start_export_job('d', 's3://b/o', 'k', 'arn:aws:iam::123456789012:role/r', 'n', 'tok')$$),
	'{"JobName": "n", "OutputDataConfig": {"S3Configuration": {"S3Uri": "s3://b/o", "KmsKeyId": "k"}}, "DatastoreId": "d", "DataAccessRoleArn": "arn:aws:iam::123456789012:role/r"}',
	'and of an export');
SELECT emulator_reset(), emulator_set('{"settle_after_seconds": 0}') \g /dev/null
SELECT id FROM healthlake_create_datastore('ward') \gset
SELECT emulator_set('{"settle_after_seconds": null}') \g /dev/null
SELECT lives_ok(format($$SELECT * FROM healthlake_list_%s_jobs(%L, 'n', 'COMPLETED', '2026-01-01+00', '2026-01-02+00', 7)$$, kind, :'id'), kind || ' jobs are listed')
  FROM (VALUES ('import'), ('export')) AS k (kind);
SELECT is(body, jsonb_build_object('MaxResults', 7, 'DatastoreId', :'id', 'JobName', 'n', 'JobStatus', 'COMPLETED', 'SubmittedAfter', 1767225600.000, 'SubmittedBefore', 1767312000.000),
	operation || ': every filter has its place') FROM emulator_log() WHERE operation ~ '^List' ORDER BY 1;

-- An import

SELECT * FROM healthlake_start_import_job(:'id', 's3://bucket/in/', 's3://bucket/out/', 'alias/health', :'role', job_name => 'first', validation_level => 'strict') \gset import_
SELECT is_row(ROW(:'import_status', :'import_datastore_id'), ROW('SUBMITTED', :'id'), 'an import is submitted');
SELECT is_row(ROW(job_id, job_name, status, datastore_id, input_s3_uri, output_s3_uri, kms_key_id, data_access_role_arn, validation_level, end_time),
	ROW(:'import_job_id', 'first', 'SUBMITTED', :'id', 's3://bucket/in/', 's3://bucket/out/', 'alias/health', :'role', 'strict', NULL::timestamptz), 'described')
  FROM healthlake_describe_import_job(:'id', :'import_job_id');
SELECT is_row(ROW(status, total_number_of_resources_scanned, total_number_of_resources_imported, total_size_of_scanned_files_in_mb, throughput),
	ROW('IN_PROGRESS'::text, 1000::bigint, 500::bigint, 12.5::float8, 250.5::float8), 'with its progress') FROM healthlake_describe_import_job(:'id', :'import_job_id');
SELECT is_row(ROW(status, end_time >= submit_time, total_number_of_resources_imported), ROW('COMPLETED'::text, true, 1000::bigint), 'waited for')
  FROM healthlake_wait_import_job(:'id', :'import_job_id', poll_interval => '5 ms');
SELECT is((SELECT array_agg(job_id) FROM healthlake_list_import_jobs(:'id')), ARRAY[:'import_job_id'], 'listed');
SELECT is((SELECT count(*) FROM healthlake_list_import_jobs(:'id', 'second')), 0::bigint, 'by name');
SELECT is((SELECT count(*) FROM healthlake_list_import_jobs(:'id', job_status => 'COMPLETED')), 1::bigint, 'by status');
SELECT is((SELECT count(*) FROM healthlake_list_import_jobs(:'id', submitted_after => now() + interval '1 day')), 0::bigint, 'by time');
SELECT is(count(*), 0::bigint, 'it is no export') FROM healthlake_list_export_jobs(:'id');

-- An export

SELECT * FROM healthlake_start_export_job(:'id', 's3://bucket/out/', 'alias/health', :'role', job_name => 'first') \gset export_
SELECT is_row(ROW(:'export_status', :'export_datastore_id'), ROW('SUBMITTED', :'id'), 'an export is submitted');
SELECT is_row(ROW(job_id, job_name, status, datastore_id, output_s3_uri, kms_key_id, data_access_role_arn, end_time),
	ROW(:'export_job_id', 'first', 'SUBMITTED', :'id', 's3://bucket/out/', 'alias/health', :'role', NULL::timestamptz), 'described')
  FROM healthlake_describe_export_job(:'id', :'export_job_id');
SELECT is(status, 'COMPLETED', 'waited for') FROM healthlake_wait_export_job(:'id', :'export_job_id', poll_interval => '5 ms');
SELECT is((SELECT array_agg(job_id) FROM healthlake_list_export_jobs(:'id', 'first', 'COMPLETED')), ARRAY[:'export_job_id'], 'listed');

-- Tokens: a new one for each job, the same one for a repetition

SELECT is(count(DISTINCT job_id), 3::bigint, 'three rows, three jobs') FROM
	(SELECT (healthlake_start_export_job(:'id', 's3://bucket/out/', 'alias/health', :'role')).job_id FROM generate_series(1, 3)) AS j;
SELECT is(count(DISTINCT job_id), 1::bigint, 'one token, one job') FROM
	(SELECT (healthlake_start_export_job(:'id', 's3://bucket/out/', 'alias/health', :'role', client_token => 'tok')).job_id FROM generate_series(1, 3)) AS j;
SELECT is(count(*), 1::bigint, 'expanded it is one') FROM (SELECT (healthlake_start_import_job(:'id', 's3://bucket/in/', 's3://bucket/out/', 'alias/health', :'role', 'expanded')).*) AS e,
	LATERAL healthlake_list_import_jobs(:'id', 'expanded');

-- Refused

SELECT is(says('SELECT healthlake_start_import_job(NULL, NULL, NULL, NULL, NULL)') ~ ('^22004 .*InputDataConfig \(argument "input_s3_uri"\).*'
	|| 'JobOutputDataConfig \(arguments "output_s3_uri", "kms_key_id"\).*DatastoreId \(argument "datastore_id"\).*DataAccessRoleArn \(argument "data_access_role_arn"\)'), true, 'every argument that is missing is named');
SELECT is(says(format('SELECT healthlake_start_export_job(''d'', ''s3://b/o'', NULL, %L)', :'role')) ~ '^22004 .*S3Configuration\.KmsKeyId \(argument "kms_key_id"\)', true, 'a key that is missing');
SELECT is(says('SELECT healthlake_start_export_job(''d'', ''s3://b/o'', ''k'', ''arn'')') ~ '^22023 .*DataAccessRoleArn \(argument "data_access_role_arn"\)', true, 'a role that is too short');
SELECT is(sqlstate, '42704', 'a data store that is not there') FROM raised('SELECT * FROM healthlake_list_import_jobs(''nobody'')');
SELECT is(sqlstate, '42704', 'a job that is not there') FROM raised(format('SELECT healthlake_describe_export_job(%L, ''nobody'')', :'id'));
SELECT is(says('SELECT healthlake_describe_import_job(NULL, NULL)') ~ '^22004 .*argument "datastore_id".*argument "job_id"', true, 'no job');
SELECT is(says('SELECT * FROM healthlake_list_export_jobs(NULL)') ~ '^22004 .*argument "datastore_id"', true, 'jobs of nothing');
SELECT emulator_next('{"operation": "StartFHIRExportJob", "silence": true}') \g /dev/null
SET healthlake.request_timeout = '1s';
SELECT is(says(format('SELECT healthlake_start_export_job(%L, ''s3://b/o'', ''k'', %L, client_token => ''tok-2'')', :'id', :'role')) ~ '^38M01 .*tok-2', true, 'an unknown outcome has the token');

SELECT * FROM finish();
