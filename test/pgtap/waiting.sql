-- Waiting: what ends a wait, and how. What is seen while it lasts is in test/behaviour/waiting.py.

\ir setup.sql
SELECT no_plan();
SELECT replace(:'emulator_url', '127.0.0.1', 'localhost') AS local_url \gset
SET healthlake.endpoint_url = :'local_url';
CREATE FUNCTION place(name text, status text, more jsonb DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
	SELECT emulator_tell('stores', jsonb_build_object('DatastoreName', name, 'DatastoreId', name, 'DatastoreStatus', status) || more) $$;

-- Defaults that fit reality

SELECT is(pg_get_function_arguments(oid),
	CASE WHEN proname ~ 'datastore' THEN 'id text, status text DEFAULT ''ACTIVE''::text, timeout interval DEFAULT ''00:45:00''::interval, poll_interval interval DEFAULT ''00:00:15''::interval'
	     ELSE CASE WHEN proname ~ 'transformation' THEN '' ELSE 'datastore_id text, ' END || 'job_id text, timeout interval DEFAULT ''12:00:00''::interval, poll_interval interval DEFAULT ''00:00:30''::interval'
	END || ', region text DEFAULT NULL::text, more jsonb DEFAULT NULL::jsonb', proname)
  FROM pg_proc WHERE proname ~ '^healthlake_a?wait_' AND prokind = 'f' AND proname <> 'healthlake_wait_request' ORDER BY proname;
SELECT is(array_agg(proname ORDER BY proname)::text, '{healthlake_await_datastore,healthlake_await_export_job,healthlake_await_import_job,healthlake_await_transformation_job}',
	'a procedure for each wait') FROM pg_proc WHERE proname ~ '^healthlake_await_' AND prokind = 'p';
SELECT is(obj_description(oid, 'pg_proc') ~ ('holds the snapshot of its statement.*' || replace(proname, '_wait_', '_await_')), true, proname || ' says what it holds')
  FROM pg_proc WHERE proname ~ '^healthlake_wait_' AND proname <> 'healthlake_wait_request' ORDER BY proname;

SELECT is_row(ROW(provolatile, proparallel, procost, proisstrict), ROW('v'::"char", 'u'::"char", CASE prokind WHEN 'f' THEN 1000000 ELSE 1 END::real, false),
	proname || ' is declared as what calls AWS') FROM pg_proc WHERE proname ~ '^healthlake_(a?wait_.*(datastore|job)|ensure_datastore|call|check)$' ORDER BY proname;

-- Of data stores

SELECT id FROM healthlake_create_datastore('ward') \gset
SELECT is_row(ROW(id, status, name), ROW(:'id', 'ACTIVE'::text, 'ward'::text), 'the latest row') FROM healthlake_wait_datastore(:'id', poll_interval => '10 ms');
SELECT is(count(*), 2::bigint, 'after two polls') FROM emulator_log() WHERE operation = 'DescribeFHIRDatastore';
SELECT is((w).status, 'ACTIVE', 'expanded it waits once') FROM (SELECT (healthlake_wait_datastore(:'id')) AS w OFFSET 0) AS x;
SELECT place('failed', 'CREATE_FAILED', '{"ErrorCause": {"ErrorMessage": "The key is disabled.", "ErrorCategory": "NON_RETRYABLE_ERROR"}}'),
	place('mute', 'CREATE_FAILED'), place('unchanged', 'UPDATE_FAILED', '{"ErrorCause": {"ErrorMessage": "No."}}'), place('going', 'DELETING'), place('gone', 'DELETED') \g /dev/null
SELECT is(says('SELECT healthlake_wait_datastore(''failed'')'),
	'55000 data store "failed" is CREATE_FAILED: The key is disabled. | AWS error category NON_RETRYABLE_ERROR.', 'AWS''s cause');
SELECT is(says('SELECT healthlake_wait_datastore(''mute'')'), '55000 data store "mute" is CREATE_FAILED', 'no cause');
SELECT is(says('SELECT healthlake_wait_datastore(''unchanged'')'), '55000 data store "unchanged" is UPDATE_FAILED: No.', 'an update that failed');
SELECT is(says('SELECT healthlake_wait_datastore(''going'')'), '55000 data store "going" is DELETING', 'on its way out');
SELECT is(says('SELECT healthlake_wait_datastore(''gone'')'), '55000 data store "gone" is DELETED', 'deleted');
SELECT is(status, 'DELETED', 'which may be what is waited for') FROM healthlake_wait_datastore('gone', 'DELETED');
SELECT is(says('SELECT healthlake_wait_datastore(''nobody'')') ~ '^42704 ', true, 'one that is not there');
SELECT is(says('SELECT healthlake_wait_datastore(''nobody'', ''DELETED'')') ~ '^42704 ', true, 'nor was is not deleted');
SELECT emulator_next(jsonb_build_array('{"operation": "DescribeFHIRDatastore", "apply": true, "delay": 0}'::jsonb,
	'{"operation": "DescribeFHIRDatastore", "error": "ResourceNotFoundException"}'::jsonb)) \g /dev/null
SELECT is_row(ROW(id, name, status, properties ->> 'DatastoreStatus'), ROW('going'::text, 'going'::text, 'DELETED'::text, 'DELETED'::text), 'what AWS forgets is deleted')
  FROM healthlake_wait_datastore('going', 'DELETED', poll_interval => '10 ms');
SELECT is(says('SELECT healthlake_wait_datastore(''gone'', ''DELETING'')'), '22023 argument "status" must be ACTIVE or DELETED', 'another status');
SELECT is(says('SELECT healthlake_wait_datastore(''gone'', ''active'')'), '22023 argument "status" must be ACTIVE or DELETED', 'in small letters');
SELECT is(says('SELECT healthlake_wait_datastore(''gone'', NULL)'), '22004 argument "status" must not be null', 'none');
SELECT is(says('SELECT healthlake_wait_datastore(NULL)') ~ '^22004 .*argument "id"', true, 'no id');
SELECT is(says('SELECT healthlake_wait_datastore(''gone'', timeout => NULL)'), '22004 argument "timeout" must not be null', 'no timeout');
SELECT is(says('SELECT healthlake_wait_datastore(''gone'', poll_interval => NULL)'), '22004 argument "poll_interval" must not be null', 'no interval');
SELECT is(says(format('SELECT healthlake_wait_datastore(''gone'', timeout => %L)', t)) ~ '^22023 argument "timeout" must be at least', true, t)
  FROM unnest(ARRAY['0', '-1 s', '1000 years', '1 day -1 s']) AS t WHERE t <> '1 day -1 s';
SELECT is(status, 'DELETED', 'more is sent, too') FROM healthlake_wait_datastore(NULL, 'DELETED', more => '{"DatastoreId": "gone"}');
SELECT is(says('SELECT healthlake_wait_datastore(''gone'', region => ''us-west-2'')') ~ '^42704 ', true, 'and region');

-- Its end by time, and what passes before

SELECT place('slow', 'CREATING') \g /dev/null
SELECT emulator_set('{"settle_after_describes": null}') \g /dev/null
SELECT is(says('SELECT healthlake_wait_datastore(''slow'', timeout => ''60 ms'', poll_interval => ''10 ms'')'),
	'38W01 data store "slow" is still CREATING after the time allowed | Increase "timeout", or wait again.', 'the time is over');
SELECT emulator_next('{"operation": "DescribeFHIRDatastore", "error": "ThrottlingException", "message": "Slow down.", "times": "always"}') \g /dev/null
SELECT is(says('SELECT healthlake_wait_datastore(''slow'', timeout => ''60 ms'', poll_interval => ''10 ms'')'),
	'38W01 data store "slow" is still unknown after the time allowed | The last poll failed with SQLSTATE 38T01: Slow down. | Increase "timeout", or wait again.', 'with the last failure');
SELECT emulator_reset(), place('soon', 'ACTIVE') \g /dev/null
SELECT emulator_next(jsonb_build_array('{"operation": "DescribeFHIRDatastore", "error": "ThrottlingException"}'::jsonb,
	'{"operation": "DescribeFHIRDatastore", "error": "InternalServerException"}'::jsonb, '{"operation": "DescribeFHIRDatastore", "cut": 0, "status": 200}'::jsonb)) \g /dev/null
SELECT is(status, 'ACTIVE', 'a throttle, a fault and a lost reply pass') FROM healthlake_wait_datastore('soon', poll_interval => '10 ms');
SELECT emulator_next('{"operation": "DescribeFHIRDatastore", "error": "AccessDeniedException", "message": "No."}') \g /dev/null
SELECT is(says('SELECT healthlake_wait_datastore(''soon'')') ~ '^42501 ', true, 'a refusal does not');
SELECT emulator_next('{"operation": "DescribeFHIRDatastore", "body": "{}"}') \g /dev/null
SELECT is(says('SELECT healthlake_wait_datastore(''soon'')') ~ '^38P01 ', true, 'nor what is no reply');
SELECT emulator_next(jsonb_build_object('operation', 'DescribeFHIRDatastore', 'status', 200, 'body', '{"DatastoreProperties": {"DatastoreId": "i", "DatastoreArn": "a", "DatastoreStatus": "' || status
	|| '", "DatastoreTypeVersion": "R4", "DatastoreEndpoint": "e", "Odd": 1e400000}}')) FROM unnest(ARRAY['ACTIVE', 'DELETING']) AS status \g /dev/null
SELECT is_row(ROW(sqlstate, message, detail ~ '^Operation DescribeFHIRDatastore, HTTP status 200, request id'),
	ROW('38P01', 'unusable reply to DescribeFHIRDatastore: it has a value that the database cannot hold', true), 'nor what the database cannot hold')
  FROM raised('SELECT healthlake_wait_datastore(''soon'')');
SELECT emulator_next('{"operation": "DescribeFHIRDatastore", "error": "ResourceNotFoundException"}') \g /dev/null
SELECT is_row(ROW(sqlstate, message, detail ~ '^Operation DescribeFHIRDatastore, request id'),
	ROW('38P01', 'unusable reply to DescribeFHIRDatastore: it has a value that the database cannot hold', true), 'nor what it could not hold when it was last seen')
  FROM raised('SELECT healthlake_wait_datastore(''soon'', ''DELETED'', poll_interval => ''10 ms'')');
SET healthlake.endpoint_url = 'http://127.0.0.1:9';
SELECT is(sqlstate, '38N01', 'what was never reached is an error at once') FROM raised('SELECT healthlake_wait_datastore(''soon'')');
SET healthlake.endpoint_url = :'local_url';

-- Of jobs

SELECT emulator_reset() \g /dev/null
SELECT emulator_set('{"settle_after_seconds": 0}') \g /dev/null
SELECT id FROM healthlake_create_datastore('ward') \gset
SELECT profile_id FROM healthlake_create_transformation_profile('p', 'CCDA', starter_profile_name => 's') \gset
SELECT emulator_set('{"settle_after_seconds": null}') \g /dev/null
CREATE TABLE start (kind text, call text);
INSERT INTO start VALUES
	('import', format('healthlake_start_import_job(%L, ''s3://bucket/in/'', ''s3://bucket/out/'', ''alias/health'', ''arn:aws:iam::123456789012:role/import'')', :'id')),
	('export', format('healthlake_start_export_job(%L, ''s3://bucket/out/'', ''alias/health'', ''arn:aws:iam::123456789012:role/export'')', :'id')),
	('transformation', format('healthlake_start_transformation_job(%L, ''s3://bucket/in/'', ''s3://bucket/out/'', ''alias/health'', ''arn:aws:iam::123456789012:role/transform'')', :'profile_id'));

-- Starts a job and waits for it; its row, or what is raised.
CREATE FUNCTION outcome(kind text, outcome text, message text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	job text;
	found record;
BEGIN
	PERFORM emulator_set(jsonb_build_object('job_outcome', outcome, 'job_message', message));
	EXECUTE (SELECT format('SELECT job_id FROM %s', call) FROM start WHERE start.kind = outcome.kind) INTO job;
	EXECUTE format('SELECT * FROM healthlake_wait_%s_job(%s%L, poll_interval => ''5 ms'')', kind,
		CASE WHEN kind <> 'transformation' THEN (SELECT quote_literal(id) || ', ' FROM healthlake_list_datastores() LIMIT 1) ELSE '' END, job) INTO found;
	RETURN concat_ws(' ', found.status, CASE WHEN found.job_id = job THEN 'the job' END, found.end_time IS NOT NULL, found.message);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || replace(SQLERRM, job, 'J');
END
$$;
SELECT is(outcome(kind, 'COMPLETED'), 'COMPLETED the job t', kind || ' that is complete') FROM start;
SELECT is(outcome(kind, 'COMPLETED_WITH_ERRORS', 'one is odd'), 'COMPLETED_WITH_ERRORS the job t one is odd', kind || ' with errors') FROM start;
SELECT is(outcome(kind, 'FAILED', 'AWS''s cause'), format('55000 %s job "J" is FAILED: AWS''s cause', kind), kind || ' that failed') FROM start;
SELECT is(outcome(kind, 'CANCEL_COMPLETED'), format('55000 %s job "J" is CANCEL_COMPLETED', kind), kind || ' that was cancelled') FROM start;
SELECT is(outcome(kind, 'CANCEL_FAILED'), format('55000 %s job "J" is CANCEL_FAILED', kind), kind || ' whose cancel failed') FROM start;
SELECT is(says(format('SELECT healthlake_wait_import_job(%L, NULL)', :'id')) ~ '^22004 .*argument "job_id"', true, 'no job');
SELECT is(says('SELECT healthlake_wait_import_job(NULL, ''x'')') ~ '^22004 .*argument "datastore_id"', true, 'no data store');
SELECT is(says('SELECT healthlake_wait_transformation_job(''x'')') ~ '^42704 ', true, 'no such job');

-- Procedures may not be within a transaction

SELECT is(says('CALL healthlake_await_datastore(''x'')') ~ '^2D000 a procedure that waits cannot be called within a transaction block', true, 'called in a block with an exception');
BEGIN;
SAVEPOINT s;
\set ON_ERROR_STOP 0
CALL healthlake_await_datastore('x');
\set ON_ERROR_STOP 1
ROLLBACK TO s;
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '2D000', 'or in a transaction');
COMMIT;
SELECT is(count(*), 0::bigint, 'nothing was asked') FROM emulator_log() WHERE body ->> 'DatastoreId' = 'x';
CALL healthlake_await_datastore(:'id');
DO $$ DECLARE store text := (SELECT id FROM healthlake_list_datastores()); BEGIN CALL healthlake_await_datastore(store); END $$;
SELECT pass('on its own, and in a block without one');

SELECT * FROM finish();
