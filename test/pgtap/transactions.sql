-- What a transaction can and cannot do about data stores. The texts of the warnings are in
-- test/sql/rollback.sql; here is what holds whatever they say.

\ir setup.sql
SELECT no_plan();

-- A READ ONLY transaction changes nothing, in AWS either

BEGIN READ ONLY;
SELECT is_row(ROW(sqlstate, message), ROW('25006', 'cannot execute healthlake_create_datastore in a read-only transaction'),
	'refused in a read-only transaction') FROM raised('SELECT healthlake_create_datastore(''x'')');
SELECT is((raised('SELECT healthlake_create_datastore(''{"DatastoreTypeVersion": "R4"}''::jsonb)')).sqlstate,
	'25006', 'in both forms');
SELECT is((raised('SELECT * FROM healthlake_create_datastore(''x'')')).sqlstate, '25006', 'in FROM too');
SELECT is((raised('SELECT * FROM healthlake_last_call()')).sqlstate, NULL, 'reading is not');
COMMIT;
BEGIN;
SET TRANSACTION READ ONLY;
SELECT is((raised('SELECT healthlake_create_datastore(''x'')')).sqlstate, '25006', 'SET TRANSACTION READ ONLY');
COMMIT;
SET default_transaction_read_only = on;
SELECT is((raised('SELECT healthlake_create_datastore(''x'')')).sqlstate, '25006', 'default_transaction_read_only');
RESET default_transaction_read_only;
SELECT is(count(*), 0::bigint, 'nothing was sent') FROM emulator_log();

-- Nor does a parallel operation, whatever somebody has declared the function to be

SELECT format('ALTER FUNCTION %s PARALLEL SAFE', oid::regprocedure) FROM pg_proc WHERE proname = 'healthlake_create_datastore' \gexec
SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \g /dev/null
SELECT is_row(ROW(sqlstate, message), ROW('25000', 'cannot execute healthlake_create_datastore during a parallel operation'),
	'not in a parallel operation') FROM raised('SELECT healthlake_create_datastore(''x'')');
SELECT set_config(name, 'off', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \g /dev/null
SELECT format('ALTER FUNCTION %s PARALLEL UNSAFE', oid::regprocedure) FROM pg_proc WHERE proname = 'healthlake_create_datastore' \gexec
SELECT is(count(*), 0::bigint, 'and nothing was sent') FROM emulator_log();

-- PREPARE TRANSACTION

BEGIN;
SELECT healthlake_create_datastore('x') \g /dev/null
\set ON_ERROR_STOP 0
SET client_min_messages = error;
PREPARE TRANSACTION 'healthlake';
\set state :SQLSTATE
ROLLBACK;
\set ON_ERROR_STOP 1
SELECT is(:'state'::text, '0A000', 'a transaction that created a data store cannot be prepared');
SELECT is(count(*), 0::bigint, 'nor is it') FROM pg_prepared_xacts WHERE gid = 'healthlake';
SELECT is(emulator_stores(), 1::bigint, 'the data store is there');
BEGIN;
SAVEPOINT a;
SELECT healthlake_create_datastore('x') \g /dev/null
ROLLBACK TO a;
SELECT current_setting('max_prepared_transactions')::integer > 0 AS prepares \gset
\if :prepares
	PREPARE TRANSACTION 'healthlake';
	\set state :SQLSTATE
	ROLLBACK PREPARED 'healthlake';
\else
	\set state 00000
	ROLLBACK;
\endif
SET client_min_messages = warning;
SELECT is(:'state'::text, '00000', 'one whose savepoint was rolled back can: it has said what stays');

-- The last call, also when its transaction is gone

SELECT emulator_reset() \g /dev/null
SET client_min_messages = error;
BEGIN;
SELECT healthlake_create_datastore('x', client_token => 'told') \g /dev/null
ROLLBACK;
SET client_min_messages = warning;
SELECT is_row(ROW(operation, client_token, outcome, sqlstate, reply ->> 'DatastoreId'),
	ROW('CreateFHIRDatastore', 'told', 'succeeded', '00000', (SELECT e ->> 'DatastoreId' FROM emulator_store() AS e)),
	'the last call is known after a rollback') FROM healthlake_last_call();
SELECT ok(at BETWEEN now() - interval '1 minute' AND clock_timestamp(), 'with its time') FROM healthlake_last_call();
SELECT matches(aws_request_id, '^[0-9a-f-]{36}$', 'and the id of the request') FROM healthlake_last_call();
SELECT is((raised('SELECT healthlake_create_datastore('''')')).sqlstate, '22023', 'a request that is not sent');
SELECT is(client_token, 'told', 'is no call') FROM healthlake_last_call();
SELECT emulator_next('{"error": "ConflictException"}') \g /dev/null
BEGIN;
SET LOCAL client_min_messages = error;
\set ON_ERROR_STOP 0
\o /dev/null
SELECT healthlake_create_datastore('x', client_token => 'failed');
\o
\set ON_ERROR_STOP 1
ROLLBACK;
SELECT is_row(ROW(operation, client_token, outcome, sqlstate), ROW('CreateFHIRDatastore', 'failed', 'failed', '55006'),
	'a call that failed is known after the abort') FROM healthlake_last_call();
SELECT is(count(*), 1::bigint, 'it is one row') FROM healthlake_last_call();

-- A cancel tells the token in its context

SET healthlake.request_timeout = '30s';
SELECT emulator_reset() \g /dev/null
SELECT emulator_next('{"silence": true}') \g /dev/null
SET statement_timeout = '3s';
CREATE TEMPORARY TABLE cancelled AS SELECT * FROM raised('SELECT healthlake_create_datastore(''x'')');
RESET statement_timeout;
SELECT is_row(ROW(sqlstate, message), ROW('57014', 'canceling statement due to statement timeout'),
	'a cancel has PostgreSQL''s own message') FROM cancelled;
SELECT ok(position('client token "' || (body ->> 'ClientToken') || '"' in context) > 0, 'its context has the token')
  FROM cancelled, emulator_log();
SELECT matches(context, 'outcome is unknown', 'and says what it means') FROM cancelled;
SELECT is_row(ROW(l.outcome, l.sqlstate, l.client_token), ROW('unknown', '57014', body ->> 'ClientToken'),
	'the last call too') FROM healthlake_last_call() AS l, emulator_log();
SELECT is((raised('SELECT healthlake_create_datastore(''x'')')).sqlstate, NULL, 'the next call works');
RESET healthlake.request_timeout;

-- A savepoint, a loop with its exceptions, a commit in between

SELECT emulator_reset() \g /dev/null
SET client_min_messages = error;
DO $$
BEGIN
	FOR i IN 1..3 LOOP
		PERFORM healthlake_create_datastore('x' || i);
		COMMIT;
	END LOOP;
	BEGIN
		PERFORM healthlake_create_datastore('x4');
		RAISE EXCEPTION 'rolled back';
	EXCEPTION WHEN raise_exception THEN
		PERFORM healthlake_create_datastore('x5');
	END;
END $$;
SET client_min_messages = warning;
SELECT is(emulator_stores(), 5::bigint, 'nothing is deleted behind the user''s back');

-- Many changes in one transaction, and many savepoints

BEGIN;
DO $$
BEGIN
	FOR i IN 1..50 LOOP
		BEGIN
			PERFORM healthlake_create_datastore('x' || i);
		EXCEPTION WHEN division_by_zero THEN
		END;
	END LOOP;
END $$;
COMMIT;
SELECT is(emulator_stores(), 55::bigint, 'fifty subtransactions, committed');

SELECT * FROM finish();
