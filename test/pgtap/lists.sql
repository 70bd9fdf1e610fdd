-- Lists: pages, filters, limits, and invalid pages.

\ir setup.sql
SELECT no_plan();

-- The number of requests, after this many have arrived or after ten seconds.
CREATE FUNCTION arrived(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	until timestamptz := clock_timestamp() + interval '10 s';
BEGIN
	WHILE (SELECT count(*) FROM emulator_log()) < wanted AND clock_timestamp() < until LOOP
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN (SELECT count(*) FROM emulator_log());
END
$$;

SELECT emulator_tell('stores', jsonb_agg(jsonb_build_object('DatastoreName', 'ward ' || lpad(i::text, 3, '0'),
	'DatastoreId', md5(i::text), 'CreatedAt', 1700000000 + i,
	'DatastoreStatus', CASE WHEN i % 10 = 0 THEN 'DELETED' ELSE 'ACTIVE' END)))
  FROM generate_series(1, 250) AS i \g /dev/null

-- All of them

SELECT is_row(ROW(count(*), count(DISTINCT id), min(name), max(name)), ROW(250::bigint, 250::bigint, 'ward 001'::text, 'ward 250'::text),
	'every row comes once') FROM healthlake_list_datastores();
SELECT is(requests_of('SELECT count(*) FROM healthlake_list_datastores()'), 3::bigint, 'in as many requests as there are pages');
SELECT is(array_agg(id)::text, (SELECT array_agg(md5(i::text))::text FROM generate_series(1, 250) AS i), 'in the order of AWS''s')
  FROM healthlake_list_datastores();
SELECT is(count(*), 250::bigint, 'by a call in the target list too') FROM (SELECT healthlake_list_datastores()) AS rows;
SELECT is(count(*), 500::bigint, 'a set is asked for anew for each row of another')
  FROM generate_series(1, 2), LATERAL healthlake_list_datastores();
SELECT is(requests_of('SELECT (healthlake_list_datastores()).id LIMIT 50'), 1::bigint, 'a LIMIT on it stops the fetching');
SELECT ok(requests_of('SELECT healthlake_list_datastores() LIMIT 101') BETWEEN 2 AND 3, 'at the page that is needed, or the one in flight');
SELECT is(requests_of('SELECT * FROM healthlake_list_datastores(max_rows => 100)'), 1::bigint, 'max_rows does before a page that is not needed');
SELECT is(count(*), 5::bigint, 'it limits the rows') FROM healthlake_list_datastores(max_rows => 5);
SELECT is((SELECT body FROM emulator_log() ORDER BY n DESC LIMIT 1), '{"MaxResults": 5}', 'and the page');
SELECT is(count(*), 250::bigint, 'more rows than there are') FROM healthlake_list_datastores(max_rows => 2147483647);
SELECT is(count(*), 250::bigint, 'or just as many') FROM healthlake_list_datastores(max_rows => 250);
SELECT is(message_of('SELECT healthlake_list_datastores(max_rows => 0)'), '22023 argument "max_rows" must be at least 1', 'no rows are no list');
SELECT is(message_of('SELECT healthlake_list_datastores(max_rows => -1)'), '22023 argument "max_rows" must be at least 1', 'nor fewer');
SELECT is(requests_of('SELECT * FROM healthlake_list_datastores(more => ''{"MaxResults": 50}'')'), 5::bigint, 'more names the size of a page');
SELECT is(requests_of('SELECT * FROM healthlake_list_datastores(max_rows => 60, more => ''{"MaxResults": 50}'')'), 2::bigint,
	'and keeps it beside max_rows');
SELECT is(message_of('SELECT healthlake_list_datastores(more => ''{"NextToken": "x"}'')'),
	'22023 member NextToken is not allowed in a list of all pages', 'but no page to begin with');

-- Filters

SELECT is(array_agg(name)::text, '{"ward 007"}', 'by name') FROM healthlake_list_datastores('ward 007');
SELECT is(count(*), 25::bigint, 'by status') FROM healthlake_list_datastores(status => 'DELETED');
SELECT is(count(*), 11::bigint, 'by time') FROM healthlake_list_datastores(created_after => to_timestamp(1700000010),
	created_before => to_timestamp(1700000020));
SELECT is((SELECT body FROM emulator_log() ORDER BY n DESC LIMIT 1),
	'{"Filter": {"CreatedAfter": 1700000010.000, "CreatedBefore": 1700000020.000}}', 'in seconds since 1970');
SELECT is(message_of('SELECT healthlake_list_datastores(created_after => ''infinity'')'),
	'22023 argument "created_after" must be a finite time', 'an invalid time is refused');
SELECT is(message_of('SELECT healthlake_list_datastores(name => '''')') ~ '^22023 .*DatastoreName', true, 'an empty name, too');
SELECT is(count(*), 0::bigint, 'nothing is an empty set') FROM healthlake_list_datastores('nobody');
SELECT is(count(*), 0::bigint, 'in another region') FROM healthlake_list_datastores(region => 'us-west-2');

-- Unusual pages

SELECT emulator_next('[{"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": [], "NextToken": "MA=="}}]') \g /dev/null
SELECT is(count(*), 250::bigint, 'an empty page is not the end') FROM healthlake_list_datastores();
SELECT emulator_next('[{"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": [], "NextToken": ""}}]') \g /dev/null
SELECT is(count(*), 0::bigint, 'an empty token is') FROM healthlake_list_datastores();
SELECT emulator_next('[{"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": [], "NextToken": null}}]') \g /dev/null
SELECT is(count(*), 0::bigint, 'so is none') FROM healthlake_list_datastores();
SELECT emulator_next('[{"operation": "ListFHIRDatastores", "times": 2, "body": {"DatastorePropertiesList": [], "NextToken": "x"}}]') \g /dev/null
SELECT is(message_of('SELECT * FROM healthlake_list_datastores()'),
	'38P01 unusable reply to ListFHIRDatastores: the token of the next page has been used before', 'a token that repeats ends the list');
SELECT emulator_next('{"operation": "@none"}') \g /dev/null
SELECT emulator_reset() \g /dev/null
SELECT emulator_next(jsonb_agg(jsonb_build_object('operation', 'ListFHIRDatastores',
	'body', jsonb_build_object('DatastorePropertiesList', '[]'::jsonb, 'NextToken', CASE WHEN i < 4 THEN i ELSE 4 + i % 3 END::text))))
  FROM generate_series(1, 100) AS i \g /dev/null
SELECT is(message_of('SELECT * FROM healthlake_list_datastores()'),
	'38P01 unusable reply to ListFHIRDatastores: the token of the next page has been used before', 'so does a circle of tokens');
SELECT cmp_ok(count(*), '<', 20::bigint, 'after a few laps') FROM emulator_log();

-- Errors after the first page

SELECT emulator_reset() \g /dev/null
SELECT emulator_tell('stores', jsonb_agg(jsonb_build_object('DatastoreName', 'x'))) FROM generate_series(1, 250) \g /dev/null
SELECT emulator_next('[{"operation": "ListFHIRDatastores", "apply": true, "delay": 0}, {"operation": "ListFHIRDatastores", "error": "AccessDeniedException", "message": "no"}]') \g /dev/null
SELECT is(message_of('SELECT count(*) FROM healthlake_list_datastores()') ~ '^42501 ', true, 'a page that is refused is an error');
SELECT is(count(*), 250::bigint, 'the next list is whole') FROM healthlake_list_datastores();
SET healthlake.max_attempts = 3;
SELECT emulator_next('[{"operation": "ListFHIRDatastores", "apply": true, "delay": 0}, {"operation": "ListFHIRDatastores", "error": "ThrottlingException"}]') \g /dev/null
SELECT is(count(*), 250::bigint, 'a page that is throttled is asked for again') FROM healthlake_list_datastores();
SET healthlake.max_attempts = 1;
SELECT emulator_next('[{"operation": "ListFHIRDatastores", "apply": true, "delay": 0}, {"operation": "ListFHIRDatastores", "times": 2, "error": "ThrottlingException"}]') \g /dev/null
SELECT is(message_of('SELECT count(*) FROM healthlake_list_datastores()') ~ '^38T01 ', true, 'within the limits of a call');
SELECT emulator_next('{"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": [{"DatastoreId": "x"}]}}') \g /dev/null
SELECT is(message_of('SELECT healthlake_list_datastores()') ~ '^38P01 .*DatastorePropertiesList\[0\]', true, 'an item that lacks a member is an error that names it');
SELECT emulator_next('{"operation": "ListFHIRDatastores", "body": {"NextToken": "x"}}') \g /dev/null
SELECT is(message_of('SELECT healthlake_list_datastores()') ~ '^38P01 .*DatastorePropertiesList', true, 'so is a page without its list');

-- A cursor fetches the necessary pages and one ahead, whose arrival is awaited

BEGIN;
DECLARE c CURSOR FOR SELECT (healthlake_list_datastores()).id;
SELECT emulator_reset() \g /dev/null
SELECT emulator_tell('stores', jsonb_agg(jsonb_build_object('DatastoreName', 'x'))) FROM generate_series(1, 250) \g /dev/null
FETCH 50 FROM c \g /dev/null
SELECT is(arrived(1), 1::bigint, 'half of the first page is read without another');
FETCH 1 FROM c \g /dev/null
SELECT is(arrived(2), 2::bigint, 'then the second one is on its way');
MOVE 50 FROM c \g /dev/null
SELECT is(arrived(3), 3::bigint, 'as the third is when that is read');
MOVE 99 FROM c \g /dev/null
SELECT is(arrived(3), 3::bigint, 'and no further one');
CLOSE c;
COMMIT;

-- Warnings of unknown members are given once

SET healthlake.unknown_members = send;
SELECT is(requests_of('SELECT * FROM healthlake_list_datastores(more => ''{"Colour": "red"}'')'), 3::bigint, 'unknown members are sent');
SELECT is(count(*), 3::bigint, 'with every page') FROM emulator_log() WHERE body ->> 'Colour' = 'red';
RESET healthlake.unknown_members;

-- Two interleaved lists are independent

SELECT is(count(*), 62500::bigint, 'a list within a list') FROM (SELECT healthlake_list_datastores()) AS a, (SELECT healthlake_list_datastores()) AS b;

SELECT * FROM finish();
