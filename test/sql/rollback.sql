-- What a rollback says: a warning for each data store that stays. (Where the rollback follows
-- an error, psql shows the two in either order, as they arrive: no test for here.)
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
-- a savepoint: said at once, and not again
BEGIN;
SELECT id FROM healthlake_create_datastore('ward 1', client_token => 'token-1');
SAVEPOINT a;
SELECT id FROM healthlake_create_datastore('ward 2', client_token => 'token-2');
ROLLBACK TO a;
COMMIT;
-- a savepoint that is released belongs to its transaction
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
-- what is committed says nothing
BEGIN;
SELECT id FROM healthlake_create_datastore('ward 1', client_token => 'token-1');
COMMIT;
ROLLBACK;
-- who does not want to see it
SET client_min_messages = error;
BEGIN;
SELECT id FROM healthlake_create_datastore('ward 1', client_token => 'token-1');
ROLLBACK;
SELECT operation, client_token, outcome, reply ->> 'DatastoreId' AS id FROM healthlake_last_call();
