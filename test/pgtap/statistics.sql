-- The statistics of a session's calls, by operation.

\ir setup.sql
SELECT no_plan();

CREATE ROLE healthlake_clerk;
-- The session's sums of an operation, without times; NULL if there is no row.
CREATE FUNCTION sums(operation text) RETURNS text LANGUAGE sql AS $$
	SELECT format('calls %s, errors %s, unknown %s, retries %s, throttles %s', calls, errors, unknown, retries, throttles)
	  FROM healthlake_statistics AS s WHERE s.scope = 'session' AND s.operation = sums.operation $$;

-- The view

SELECT is(array_agg(format('%s %s', attname, atttypid::regtype) ORDER BY attnum)::text,
	'{"scope text","operation text","calls bigint","errors bigint","unknown bigint","retries bigint","throttles bigint",'
	'"total_time double precision","mean_time double precision","max_time double precision"}', 'its columns')
  FROM pg_attribute WHERE attrelid = 'healthlake_statistics'::regclass AND attnum > 0;
SELECT is(array_agg(attname)::text, NULL, 'each with a comment')
  FROM pg_attribute WHERE attrelid = 'healthlake_statistics'::regclass AND attnum > 0
   AND col_description(attrelid, attnum) IS NULL;
SELECT is(count(*), 0::bigint, 'a session that has called nothing has no row') FROM healthlake_statistics WHERE scope = 'session';

-- Counts

SELECT healthlake_create_datastore('x') IS NOT NULL FROM generate_series(1, 3) \g /dev/null
SELECT is(sums('CreateFHIRDatastore'), 'calls 3, errors 0, unknown 0, retries 0, throttles 0', 'successes');
SELECT emulator_next('{"error": "ConflictException"}') \g /dev/null
SELECT is((raised($$ SELECT healthlake_create_datastore('x') $$)).sqlstate, '55006', 'a refusal');
SELECT is(sums('CreateFHIRDatastore'), 'calls 4, errors 1, unknown 0, retries 0, throttles 0', 'is an error');
SELECT emulator_next('{"error": "InternalServerException"}') \g /dev/null
SELECT is((raised($$ SELECT healthlake_create_datastore('x') $$)).sqlstate, '38M01', 'an unknown outcome');
SELECT is(sums('CreateFHIRDatastore'), 'calls 5, errors 2, unknown 1, retries 0, throttles 0', 'is an error, and unknown');
SELECT is((raised($$ SELECT healthlake_create_datastore('') $$)).sqlstate, '22023', 'a request that is not sent');
SELECT is(sums('CreateFHIRDatastore'), 'calls 5, errors 2, unknown 1, retries 0, throttles 0', 'is no call');
SELECT count(*) FROM healthlake_list_datastores() \g /dev/null
SELECT is(sums('ListFHIRDatastores'), 'calls 1, errors 0, unknown 0, retries 0, throttles 0', 'a page of a list is a call');
SELECT is(string_agg(operation, ', ' ORDER BY operation), 'CreateFHIRDatastore, ListFHIRDatastores', 'other operations have no row')
  FROM healthlake_statistics WHERE scope = 'session';
SELECT emulator_next('{"silence": true}') \g /dev/null
SET statement_timeout = '1s';
CREATE TEMPORARY TABLE cancelled AS SELECT * FROM raised('SELECT healthlake_describe_datastore(''00112233445566778899aabbccddeeff'')');
RESET statement_timeout;
SELECT is(sqlstate, '57014', 'a cancelled call') FROM cancelled;
SELECT is(sums('DescribeFHIRDatastore'), 'calls 1, errors 1, unknown 0, retries 0, throttles 0', 'is an error, too');
BEGIN;
SET client_min_messages = error;
SELECT healthlake_create_datastore('x') IS NOT NULL \g /dev/null
ROLLBACK;
SET client_min_messages = warning;
SELECT is(sums('CreateFHIRDatastore'), 'calls 6, errors 2, unknown 1, retries 0, throttles 0', 'rolled-back calls count, too');

-- Reset

SELECT lives_ok('SELECT healthlake_reset_statistics()', 'the statistics can begin anew');
SELECT is(count(*), 0::bigint, 'without a row') FROM healthlake_statistics;

-- Attempts

SET healthlake.max_attempts = 3;
SELECT emulator_next('{"error": "ThrottlingException"}') \g /dev/null
SELECT healthlake_create_datastore('x') IS NOT NULL \g /dev/null
SELECT is(sums('CreateFHIRDatastore'), 'calls 1, errors 0, unknown 0, retries 1, throttles 1', 'a throttle that passed is a throttle and a retry');
SELECT emulator_next('{"error": "ThrottlingException", "times": 3}') \g /dev/null
SELECT is((raised($$ SELECT healthlake_create_datastore('x') $$)).sqlstate, '38T01', 'throttled to the end');
SELECT is(sums('CreateFHIRDatastore'), 'calls 2, errors 1, unknown 0, retries 3, throttles 4', 'is two retries and three throttles');
SELECT emulator_next('[{"error": "InternalServerException", "apply": true}, {"error": "ThrottlingException", "times": 2}]') \g /dev/null
SELECT is((raised($$ SELECT healthlake_create_datastore('x') $$)).sqlstate, '38M01', 'a fault, then throttled');
SELECT is(sums('CreateFHIRDatastore'), 'calls 3, errors 2, unknown 1, retries 5, throttles 6', 'is two of them');
SET healthlake.max_attempts = 1;

-- Time

SELECT healthlake_reset_statistics() \g /dev/null
SELECT emulator_next('{"delay": 0.3}') \g /dev/null
SELECT count(*) FROM healthlake_list_datastores() \g /dev/null
SELECT ok(total_time BETWEEN 300 AND 5000, 'time is in milliseconds')
  FROM healthlake_statistics WHERE scope = 'session';
SELECT is_row(ROW(mean_time, max_time), ROW(total_time, total_time), 'of one call it is the mean and the longest, too')
  FROM healthlake_statistics WHERE scope = 'session';
SELECT total_time AS slow FROM healthlake_statistics WHERE scope = 'session' \gset
SELECT count(*) FROM healthlake_list_datastores() \g /dev/null
SELECT ok(total_time > max_time AND mean_time = total_time / 2, 'a second call adds to it') FROM healthlake_statistics WHERE scope = 'session';
SELECT is(max_time, :'slow'::double precision, 'and the longest stays the longest') FROM healthlake_statistics WHERE scope = 'session';

-- Privileges to see and reset them

SET ROLE healthlake_clerk;
SELECT is(message_of('SELECT * FROM healthlake_statistics'), '42501 permission denied for view healthlake_statistics', 'a new role may not read the view');
SELECT is(message_of('SELECT * FROM healthlake_operation_statistics()'),
	'42501 permission denied for function healthlake_operation_statistics', 'nor call its function');
SELECT is(message_of('SELECT healthlake_reset_statistics()'),
	'42501 permission denied for function healthlake_reset_statistics', 'nor let them begin anew');
RESET ROLE;
GRANT SELECT ON healthlake_statistics TO healthlake_clerk;
SET ROLE healthlake_clerk;
SELECT is(message_of('SELECT * FROM healthlake_statistics'),
	'42501 permission denied for function healthlake_operation_statistics', 'with the view alone it may not, either');
RESET ROLE;
GRANT EXECUTE ON FUNCTION healthlake_operation_statistics() TO healthlake_clerk;
SET ROLE healthlake_clerk;
SELECT is(sums('ListFHIRDatastores'), 'calls 2, errors 0, unknown 0, retries 0, throttles 0', 'with both it may');
SELECT matches(message_of('SELECT healthlake_reset_statistics()'), '^42501', 'read, but not let them begin anew');
RESET ROLE;
GRANT EXECUTE ON FUNCTION healthlake_reset_statistics() TO healthlake_clerk;
SET ROLE healthlake_clerk;
SELECT is(message_of('SELECT healthlake_reset_statistics()'), NULL, 'until that is granted, too');
RESET ROLE;
SELECT is(sums('ListFHIRDatastores'), NULL, 'as it then has');
REVOKE ALL ON healthlake_statistics FROM healthlake_clerk;
REVOKE ALL ON FUNCTION healthlake_operation_statistics(), healthlake_reset_statistics() FROM healthlake_clerk;
DROP ROLE healthlake_clerk;

SELECT * FROM finish();
