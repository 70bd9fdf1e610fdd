-- Many calls in one statement: healthlake_call_many and healthlake_describe_datastores.

\ir setup.sql
SELECT no_plan();
CREATE TEMPORARY TABLE made AS SELECT * FROM healthlake_call_many('CreateFHIRDatastore',
	ARRAY(SELECT jsonb_build_object('DatastoreName', 'ward ' || i, 'DatastoreTypeVersion', 'R4') FROM generate_series(1, 40) i));
SELECT is(array_agg(ordinal), ARRAY(SELECT generate_series(1, 40)), 'rows are in order') FROM made;
SELECT is(count(DISTINCT client_token), 40::bigint, 'each has a token of its own') FROM made;
SELECT is(count(*), 40::bigint, 'all succeed') FROM made
 WHERE sqlstate IS NULL AND error_code IS NULL AND message IS NULL AND attempts = 1 AND aws_request_id IS NOT NULL AND response ->> 'DatastoreStatus' = 'CREATING';
SELECT is(count(*), 40::bigint, 'one data store each') FROM healthlake_list_datastores();
SELECT is(name, 'ward ' || ordinal, 'row ' || ordinal || ' is that of its request')
  FROM made, LATERAL healthlake_describe_datastore(response ->> 'DatastoreId') WHERE ordinal IN (1, 17, 40);
SELECT is(count(*), 40::bigint, 'each is in the audit trail') FROM healthlake_event WHERE event = 'replied' AND outcome = 'succeeded' AND client_token IN (SELECT client_token FROM made);

SELECT is(says('SELECT * FROM healthlake_call_many(''DescribeFHIRDatastore'', ARRAY[''{"DatastoreId": "x"}'', ''{}'', NULL, ''{"DatastoreID": "x"}'']::jsonb[])')
	~ '^22023 3 of 4 requests for DescribeFHIRDatastore cannot be sent .*Request 2: .*Request 3: .*Request 4: ', true, 'every fault is reported with its ordinal');
SELECT is((raised('SELECT * FROM healthlake_call_many(''DescribeFHIRDatastore'', ARRAY[''{}'']::jsonb[])')).sqlstate, '22004', 'only missing members: 22004');
SELECT is((raised('SELECT * FROM healthlake_call_many(''DescribeFHIRDatastore'', NULL)')).sqlstate, '22004', 'no requests at all');
SELECT is((raised('SELECT * FROM healthlake_call_many(''DescribeFHIRDatastore'', ARRAY[[''{}''], [''{}'']]::jsonb[])')).sqlstate, '22023', 'two dimensions');
SELECT is((raised('SELECT (healthlake_call_many(''CreateFHIRDatastore'', ARRAY[''{"DatastoreTypeVersion": "R4"}'']::jsonb[])).*')).sqlstate, '0A000', 'a change in a SELECT list');
SELECT is(count(*), 0::bigint, 'an empty array') FROM healthlake_call_many('DescribeFHIRDatastore', '{}');
SELECT is(count(*), 40::bigint, 'none of these was sent') FROM healthlake_list_datastores();

CREATE TEMPORARY TABLE seen AS SELECT * FROM healthlake_describe_datastores(ARRAY(
	SELECT CASE WHEN ordinal = 7 THEN md5('nobody') ELSE response ->> 'DatastoreId' END FROM made ORDER BY ordinal));
SELECT is(array_agg(ordinal), ARRAY(SELECT generate_series(1, 40)), 'descriptions are in order') FROM seen;
SELECT is(array_agg(ordinal), ARRAY[7], 'what AWS refuses is a row') FROM seen WHERE sqlstate IS NOT NULL;
SELECT is_row(ROW(sqlstate, id, message ~ '^AWS refused DescribeFHIRDatastore: '), ROW('42704'::text, NULL::text, true), 'with what it says') FROM seen WHERE ordinal = 7;
SELECT is(count(*), 39::bigint, 'the others have their columns') FROM seen JOIN made USING (ordinal)
 WHERE name = 'ward ' || ordinal AND id = response ->> 'DatastoreId' AND properties ->> 'DatastoreId' = id;

-- A reply that the database cannot hold is an error of its row

CREATE FUNCTION odd() RETURNS void LANGUAGE sql AS $$
	SELECT emulator_next('{"operation": "DescribeFHIRDatastore", "status": 200, "body": "{\"DatastoreProperties\": {\"DatastoreId\": \"i\", \"DatastoreArn\": \"a\", \"DatastoreStatus\": \"ACTIVE\", \"DatastoreTypeVersion\": \"R4\", \"DatastoreEndpoint\": \"e\", \"Odd\": 1e400000}}"}') $$;
SET healthlake.max_concurrency = 1;
SELECT odd() \g /dev/null
SELECT is(array_agg(ROW(ordinal, id IS NULL, status IS NULL, sqlstate, message)::text ORDER BY ordinal),
	ARRAY['(1,t,t,38P01,"unusable reply to DescribeFHIRDatastore: it has a value that the database cannot hold")', '(2,f,f,,)'], 'of a description')
  FROM healthlake_describe_datastores(ARRAY(SELECT response ->> 'DatastoreId' FROM made WHERE ordinal <= 2));
SELECT odd() \g /dev/null
SELECT is(array_agg(ROW(ordinal, response IS NULL, sqlstate, error_code, message)::text ORDER BY ordinal),
	ARRAY['(1,t,38P01,,"unusable reply to DescribeFHIRDatastore: it has a value that the database cannot hold")', '(2,f,,,)'], 'and of any operation that reads')
  FROM healthlake_call_many('DescribeFHIRDatastore', ARRAY(SELECT jsonb_build_object('DatastoreId', response ->> 'DatastoreId') FROM made WHERE ordinal <= 2));
RESET healthlake.max_concurrency;

BEGIN;
SELECT is(says('SELECT * FROM healthlake_call_many(''CreateFHIRDatastore'', ARRAY[''{"DatastoreTypeVersion": "R4"}'']::jsonb[])'), '', 'in a transaction');
SET TRANSACTION READ ONLY;
SELECT is((raised('SELECT * FROM healthlake_call_many(''CreateFHIRDatastore'', ARRAY[''{"DatastoreTypeVersion": "R4"}'']::jsonb[])')).sqlstate, '25006', 'nothing changes where nothing may');
COMMIT;

SELECT finish();
