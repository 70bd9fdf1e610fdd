-- Warnings of a rollback: one for each data store that remains. (If the rollback follows
-- an error, psql shows the two in either order, so that is not tested here.)
\set ECHO none
\getenv tests PG_ABS_SRCDIR
\set session :tests '/pgtap/session.sql'
\i :session
CREATE FUNCTION reply_with(id text) RETURNS void LANGUAGE sql AS $$
	SELECT emulator_next(jsonb_build_object('status', 200, 'body', jsonb_build_object('DatastoreId', id,
		'DatastoreArn', 'arn:' || id, 'DatastoreStatus', 'CREATING', 'DatastoreEndpoint', 'https://' || id))) $$;
\set ECHO all
CREATE EXTENSION healthlake;
SELECT reply_with(id) FROM unnest('{a1,a2,b1,b2,c1,c2,d1,e1,f1}'::text[]) AS id \g /dev/null
-- a transaction
BEGIN;
SELECT id FROM healthlake_create_datastore('ward 1', client_token => 'token-1');
SELECT id FROM healthlake_create_datastore('ward 2', client_token => 'token-2');
ROLLBACK;
-- a savepoint: the warning is immediate, and not repeated
BEGIN;
SELECT id FROM healthlake_create_datastore('ward 1', client_token => 'token-1');
SAVEPOINT a;
SELECT id FROM healthlake_create_datastore('ward 2', client_token => 'token-2');
ROLLBACK TO a;
COMMIT;
-- changes of a released savepoint belong to its transaction
BEGIN;
SAVEPOINT a;
SELECT id FROM healthlake_create_datastore('ward 1', client_token => 'token-1');
RELEASE a;
ROLLBACK;
-- or to the savepoint around it
BEGIN;
SAVEPOINT a;
SAVEPOINT b;
SELECT id FROM healthlake_create_datastore('ward 1', client_token => 'token-1');
RELEASE b;
ROLLBACK TO a;
ROLLBACK;
-- exceptions of PL/pgSQL
DO $$
BEGIN
	PERFORM healthlake_create_datastore('ward 1', client_token => 'token-1');
	RAISE EXCEPTION 'changed my mind';
EXCEPTION WHEN raise_exception THEN
	RAISE NOTICE 'caught';
END $$;
-- a commit gives no warning
BEGIN;
SELECT id FROM healthlake_create_datastore('ward 1', client_token => 'token-1');
COMMIT;
ROLLBACK;
-- without warnings
SET client_min_messages = error;
BEGIN;
SELECT id FROM healthlake_create_datastore('ward 1', client_token => 'token-1');
ROLLBACK;
SELECT operation, client_token, outcome, reply ->> 'DatastoreId' AS id FROM healthlake_last_call();
