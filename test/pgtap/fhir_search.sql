-- Searches: parameters, pages, included rows, links, restarts, histories, deletions.

\ir setup.sql
SELECT no_plan();

-- Creates resources without a request.
CREATE FUNCTION put(resources jsonb) RETURNS void LANGUAGE sql AS $$
	SELECT emulator_tell('versions', jsonb_agg(jsonb_build_object('store', md5('fhir'), 'resource', resource)))
	  FROM jsonb_array_elements(resources) AS resource
$$;

-- Creates a data store with 250 patients, each with an observation.
CREATE FUNCTION place() RETURNS void LANGUAGE sql AS $$
	SELECT emulator_reset();
	SELECT emulator_tell('stores', jsonb_build_object('DatastoreId', md5('fhir'), 'DatastoreName', 'fhir'));
	SELECT put((jsonb_agg(jsonb_build_object(
			'resourceType', 'Patient', 'id', 'p' || lpad(i::text, 3, '0'), 'active', i % 2 = 0, 'birthDate', '19' || lpad((i % 100)::text, 2, '0'),
			'gender', CASE WHEN i % 5 = 0 THEN 'female' ELSE 'male' END,
			'name', jsonb_build_array(jsonb_build_object('family', 'Smith, ' || i))))))
	  FROM generate_series(1, 250) AS i;
	SELECT put((jsonb_agg(jsonb_build_object(
			'resourceType', 'Observation', 'id', 'o' || i, 'status', 'final', 'subject', jsonb_build_object('reference', 'Patient/p' || lpad(i::text, 3, '0'))))))
	  FROM generate_series(1, 250) AS i;
$$;

SET healthlake.datastore_id = '';
SELECT is(message_of('SELECT * FROM healthlake_fhir_search(''Patient'')'), '55000 no data store is set', 'a search needs a data store');
SELECT set_config('healthlake.datastore_id', md5('fhir'), false) \g /dev/null
SELECT place() \g /dev/null

-- All of them

SELECT is_row(ROW(count(*), count(DISTINCT id), min(id), max(id)), ROW(250::bigint, 250::bigint, 'p001'::text, 'p250'::text),
	'every resource comes once') FROM healthlake_fhir_search('Patient');
SELECT is(array_agg(n || ' ' || operation || ' ' || status || ' ' || signature ORDER BY n)::text,
	'{"1 fhir:search 200 ok","2 fhir:search 200 ok","3 fhir:search 200 ok"}', 'in three requests, all signed') FROM emulator_log();
SELECT is(array_agg(entry ->> 'method' ORDER BY n)::text, '{POST,GET,GET}', 'a POST, and then the links') FROM emulator_log();
SELECT is(array_agg(headers ->> 'prefer' ORDER BY n)::text, '{handling=strict,NULL,NULL}', 'strict handling is asked for') FROM emulator_log();
SELECT is(body_text, '_count=100', 'the size of the pages is in the form') FROM emulator_log() WHERE n = 1;
SELECT ok(entry ->> 'path' ~ 'page=[A-Za-z0-9%.~_-]+%3D%3D$', 'a token''s padding is sent encoded') FROM emulator_log() WHERE n = 2;
SELECT is_row(ROW(resource ->> 'birthDate', type, version_id, mode, last_updated > now() - interval '1 hour'),
	ROW('1907'::text, 'Patient'::text, '1'::text, 'match'::text, true), 'a row has it all') FROM healthlake_fhir_search('Patient', '{"_id": "p007"}');
SELECT is(count(*), 250::bigint, 'by a call in the target list too') FROM (SELECT healthlake_fhir_search('Patient')) AS rows;
SELECT is(count(*), 0::bigint, 'nothing is an empty set') FROM healthlake_fhir_search('Patient', '{"_id": "x"}');
SELECT is(count(*), 500::bigint, 'a set is asked for anew for each row of another') FROM generate_series(1, 2), LATERAL healthlake_fhir_search('Patient');

-- Limits

SELECT is(requests_of('SELECT healthlake_fhir_search(''Patient'') LIMIT 5'), 1::bigint, 'a LIMIT on it stops the fetching');
SELECT is(requests_of('SELECT healthlake_fhir_search(''Patient'') LIMIT 70'), 2::bigint, 'the next page is on its way when the first is half read');
SELECT is(requests_of('SELECT * FROM healthlake_fhir_search(''Patient'', max_rows => 5)'), 1::bigint, 'max_rows stops it');
SELECT is((SELECT body_text FROM emulator_log() ORDER BY n DESC LIMIT 1), '_count=5', 'and limits the page');
SELECT is(requests_of('SELECT * FROM healthlake_fhir_search(''Patient'', max_rows => 150)'), 2::bigint, 'no page more than needed');
SELECT is(count(*), 150::bigint, 'and no row') FROM healthlake_fhir_search('Patient', max_rows => 150);
SELECT is(requests_of('SELECT * FROM healthlake_fhir_search(''Patient'', page_size => 50)'), 5::bigint, 'pages have the size that is wanted');
SELECT is(message_of('SELECT healthlake_fhir_search(''Patient'', page_size => 101)'), '22023 argument "page_size" must be between 1 and 100', 'which has a limit');
SELECT is(message_of('SELECT healthlake_fhir_search(''Patient'', page_size => 0)'), '22023 argument "page_size" must be between 1 and 100', 'and another');
SELECT is(message_of('SELECT healthlake_fhir_search(''Patient'', max_rows => 0)'), '22023 argument "max_rows" must be at least 1', 'no rows are no search');
BEGIN;
DECLARE c CURSOR FOR SELECT healthlake_fhir_search('Patient');
FETCH 10 FROM c \g /dev/null
SELECT is(requests_of('FETCH 10 FROM c'), 0::bigint, 'a cursor reads on in the page at hand');
MOVE 200 FROM c \g /dev/null
CLOSE c;
COMMIT;

-- Parameters

SELECT is(count(*), 50::bigint, 'a criterion') FROM healthlake_fhir_search('Patient', '{"gender": "female"}');
SELECT is(count(*), 25::bigint, 'two') FROM healthlake_fhir_search('Patient', '{"gender": "female", "active": true}');
SELECT is(count(*), 20::bigint, 'an array is AND') FROM healthlake_fhir_search('Patient', '{"birthdate": ["ge1980", "lt1990"]}');
SELECT is(count(*), 250::bigint, 'a comma is OR') FROM healthlake_fhir_search('Patient', '{"gender": "female,male"}');
SELECT is(count(*), 1::bigint, 'unless it is escaped')
  FROM healthlake_fhir_search('Patient', jsonb_build_object('family:exact', healthlake_fhir_escape('Smith, 7')));
SELECT is((SELECT body_text FROM emulator_log() ORDER BY n DESC LIMIT 1), 'family%3Aexact=Smith%5C%2C%207&_count=100', 'which is sent as a form');
SELECT is(array_agg(id)::text, '{p250,p249,p248}', 'keys to sort by are joined')
  FROM (SELECT id FROM healthlake_fhir_search('Patient', '{"_sort": ["-_id", "gender"]}', max_rows => 3)) AS rows;
SELECT is(healthlake_fhir_escape('a\b,c|d$e'), 'a\\b\,c\|d\$e', 'what means something is escaped');
SELECT is(message_of($$ SELECT healthlake_fhir_search('Patient', '{"gender": null}') $$), '22023 search parameter "gender" must not be null', 'null is invalid');
SELECT is(message_of($$ SELECT healthlake_fhir_search('Patient', '{"gender": []}') $$), '22023 search parameter "gender" must not be an empty array', 'nor an empty array');
SELECT is(message_of($$ SELECT healthlake_fhir_search('Patient', '{"gender": ""}') $$), '22023 search parameter "gender" must not be an empty string', 'nor an empty string');
SELECT is(message_of($$ SELECT healthlake_fhir_search('Patient', '{"gender": {"a": 1}}') $$),
	'22023 search parameter "gender" must be a string, a number, a boolean or an array of them', 'nor an object');
SELECT is(message_of($$ SELECT healthlake_fhir_search('Patient', '[1]') $$), '22023 search parameters must be a JSON object', 'parameters are an object');
SELECT is(message_of($$ SELECT healthlake_fhir_search('Patient', '{"_count": 5}') $$), '22023 search parameter "_count" cannot be given', '_count is not the caller''s');
SELECT is(message_of($$ SELECT healthlake_fhir_search('Patient', '{"page": "x"}') $$), '22023 search parameter "page" cannot be given', 'nor is page');
SELECT matches(message_of($$ SELECT healthlake_fhir_search('Patient/1') $$), '^22023 ', 'a type is checked before anything is sent');
SELECT matches(message_of($$ SELECT healthlake_fhir_search(NULL) $$), '^22004 ', 'it must be there');
SELECT is(message_of($$ SELECT healthlake_fhir_search('Patient', '{"colour": "SECRET"}') $$) ~ '^38U01 ', true, 'a parameter that is unknown is an error');
SELECT is(count(*), 250::bigint, 'unless that is not wanted') FROM healthlake_fhir_search('Patient', '{"colour": "red"}', strict => false);
SELECT ok(NOT (sqlstate || message || coalesce(detail, '') || coalesce(hint, '') || coalesce(context, '')) LIKE '%marked%', 'an error quotes no value')
  FROM raised($$ SELECT healthlake_fhir_search('Patient', (SELECT jsonb_build_object('colour', 'mar' || 'ked'))) $$);

-- Included resources

SELECT is_row(ROW(count(*) FILTER (WHERE mode = 'match'), count(*) FILTER (WHERE mode = 'include'), min(type) FILTER (WHERE mode = 'include')),
	ROW(250::bigint, 250::bigint, 'Patient'::text), 'rows that were asked for come along') FROM healthlake_fhir_search('Observation', '{"_include": "Observation:patient"}');
SELECT is_row(ROW(count(*) FILTER (WHERE mode = 'match'), count(*) FILTER (WHERE mode = 'include')), ROW(5::bigint, 5::bigint), 'max_rows counts matches')
  FROM healthlake_fhir_search('Observation', '{"_include": "Observation:patient"}', max_rows => 5);
SELECT is(count(*), 10::bigint, '_revinclude likewise') FROM healthlake_fhir_search('Patient', '{"_revinclude": "Observation:patient"}', max_rows => 5);

-- Counting

SELECT is(healthlake_fhir_count('Patient'), 250::bigint, 'resources are counted');
SELECT is((SELECT body_text FROM emulator_log() ORDER BY n DESC LIMIT 1), '_total=accurate&_count=1', 'by a page of one');
SELECT is(healthlake_fhir_count('Patient', '{"gender": "female"}'), 50::bigint, 'those that a search finds');
SELECT is(message_of($$ SELECT healthlake_fhir_count('Patient', '{"_total": "none"}') $$), '22023 search parameter "_total" cannot be given', 'a total is what it is for');
SELECT emulator_next('{"operation": "fhir:search", "body": {"resourceType": "Bundle"}}') \g /dev/null
SELECT is(message_of('SELECT healthlake_fhir_count(''Patient'')'), '38P01 unusable reply to SearchWithPost: it has no total', 'a reply without one is invalid');

-- Links

CREATE FUNCTION link_says(link text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM emulator_next(jsonb_build_object('operation', 'fhir:search', 'body', jsonb_build_object('resourceType', 'Bundle',
		'link', jsonb_build_array(jsonb_build_object('relation', 'next', 'url', link)))));
	RETURN message_of('SELECT * FROM healthlake_fhir_search(''Patient'')');
END
$$;
SELECT emulator_tell('state', '{"fhir_link_base": "https://healthlake.us-east-1.amazonaws.com"}') \g /dev/null
SELECT is(count(*), 250::bigint, 'links to AWS''s own endpoint are followed here') FROM healthlake_fhir_search('Patient');
SELECT emulator_tell('state', '{"fhir_link_base": null}') \g /dev/null
SELECT is(requests_of(format('SELECT link_says(%L)', link)), 1::bigint, link) FROM unnest(ARRAY[
	'https://evil.example/datastore/' || md5('fhir') || '/r4/Patient?page=x', 'http://127.0.0.1:1/datastore/' || md5('fhir') || '/r4/Patient?page=x',
	'https://healthlake.us-east-2.amazonaws.com/datastore/' || md5('fhir') || '/r4/Patient?page=x', '//evil.example/Patient?page=x',
	'https://u@healthlake.us-east-1.amazonaws.com/datastore/' || md5('fhir') || '/r4/Patient?page=x', '../../x/r4/Patient?page=x', 'Patient/%2e%2e/x',
	'https://healthlake.us-east-1.amazonaws.com/datastore/' || md5('other') || '/r4/Patient?page=x', 'Patient?page=a b', 'Patient\x?page=x']) AS link;
SELECT is(link_says('https://evil.example/'), '38P01 unusable reply to SearchWithPost: the link to the next page cannot be followed: it leads out of the data store',
	'what leads elsewhere is an error');
SELECT is(message_of('SELECT * FROM healthlake_fhir_search(''Patient'')'), '38P01 unusable reply to SearchWithGet: the link to the next page has been used before', 'so is a circle')
  FROM emulator_next(jsonb_build_object('operation', 'fhir:search', 'times', 3, 'body', jsonb_build_object('resourceType', 'Bundle',
	'link', '[{"relation": "next", "url": "Patient?page=x"}]'::jsonb)));
SELECT place() \g /dev/null
SELECT is(message_of('SELECT * FROM healthlake_fhir_search(''Patient'')'), NULL, 'a link with the same query on another path is none')
  FROM emulator_next((SELECT jsonb_agg(jsonb_build_object('body', jsonb_build_object('resourceType', 'Bundle',
	'link', CASE WHEN link <> '' THEN jsonb_build_array(jsonb_build_object('relation', 'next', 'url', link)) ELSE '[]' END)) ORDER BY n)
	FROM unnest(ARRAY['Patient?page=x', 'Patient/page?page=x', '']) WITH ORDINALITY AS u (link, n)));

-- Unusual pages

SELECT is(array_agg(concat(type, ' ', mode) ORDER BY type)::text, '{"Group include","Patient match"}', 'without a mode, an outcome is no row, and another type is included')
  FROM emulator_next('{"operation": "fhir:search", "body": {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "OperationOutcome", "issue": [{"code": "informational"}]}},
	{"resource": {"resourceType": "Patient", "id": "1"}}, {"resource": {"resourceType": "Group", "id": "1"}}]}}'), LATERAL healthlake_fhir_search('Patient', max_rows => 9);
SELECT is(message_of('SELECT * FROM healthlake_fhir_search(''Patient'')'), '38P01 unusable reply to SearchWithPost: it is not a Bundle', 'another resource is no page')
  FROM emulator_next('{"operation": "fhir:search", "body": {"resourceType": "Patient"}}');
SELECT is(count(*), 0::bigint, 'a page without entries is empty')
  FROM emulator_next('{"operation": "fhir:search", "body": {"resourceType": "Bundle"}}'), LATERAL healthlake_fhir_search('Patient');
SELECT is(count(*), 1::bigint, 'a resource that comes twice is given once') FROM emulator_next('{"operation": "fhir:search", "body": {"resourceType": "Bundle", "entry": [
	{"resource": {"resourceType": "Patient", "id": "1"}}, {"resource": {"resourceType": "Patient", "id": "1"}}]}}'), LATERAL healthlake_fhir_search('Patient');

-- Restarts

CREATE FUNCTION leave(pages int) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('operation', 'fhir:search', 'times', pages, 'delay', 0) $$;
SELECT emulator_next(jsonb_build_array(leave(1), '{"operation": "fhir:search", "status": 400, "error": "invalid", "message": "Invalid pagination token"}'::jsonb)) \g /dev/null
SELECT is_row(ROW(count(*), count(DISTINCT id)), ROW(250::bigint, 250::bigint), 'a token that is refused has the search begin again') FROM healthlake_fhir_search('Patient');
SELECT is(array_agg(entry ->> 'method' ORDER BY n)::text, '{POST,GET,POST,GET,GET}', 'with another POST') FROM emulator_log() WHERE n > (SELECT max(n) - 5 FROM emulator_log());
SELECT emulator_next(jsonb_build_array(leave(1), '{"operation": "fhir:search", "times": 9, "status": 400, "error": "invalid", "message": "Invalid pagination token"}'::jsonb)) \g /dev/null
SELECT is(message_of('SELECT * FROM healthlake_fhir_search(''Patient'')') ~ '^22023 ', true, 'not without an end');
SELECT place() \g /dev/null
SET healthlake.max_response_size = '16kB';
SELECT is_row(ROW(count(*), count(DISTINCT id)), ROW(250::bigint, 250::bigint), 'a page that is too large has it begin again') FROM healthlake_fhir_search('Patient');
SELECT is(array_agg(body_text ORDER BY n)::text, '{_count=100,_count=50,_count=25}', 'with half the size, and half of that') FROM emulator_log() WHERE entry ->> 'method' = 'POST';
SELECT put((jsonb_build_array(jsonb_build_object('resourceType', 'Patient', 'id', 'p0000',
	'text', jsonb_build_object('div', repeat('x', 20000)))))) \g /dev/null
SELECT is(message_of('SELECT * FROM healthlake_fhir_search(''Patient'')'), '38P01 a page of one resource is larger than healthlake.max_response_size', 'a resource that is too large is an error');
RESET healthlake.max_response_size;

-- $everything and histories

SELECT place() \g /dev/null
SELECT is(array_agg(type || '/' || id ORDER BY id)::text, '{Observation/o7,Patient/p007}', 'a patient and all there is') FROM healthlake_fhir_everything('p007');
SELECT is(array_agg(type)::text, '{Observation}', 'of types') FROM healthlake_fhir_everything('p007', types => ARRAY['Observation', 'Condition']);
SELECT is((SELECT entry ->> 'path' FROM emulator_log() ORDER BY n DESC LIMIT 1),
	'/datastore/' || md5('fhir') || '/r4/Patient/p007/$everything?_type=Observation%2CCondition&_count=100', 'which are parameters');
SELECT is(count(*), 0::bigint, 'within a time') FROM healthlake_fhir_everything('p007', '2020-01-01', '2020-12-31', now() + interval '1 day');
SELECT ok(entry ->> 'path' ~ 'start=2020-01-01&end=2020-12-31&_since=\d{4}-\d\d-\d\dT[0-9A-F%.]+Z&_count=100$', 'in UTC') FROM emulator_log() ORDER BY n DESC LIMIT 1;
SELECT matches(message_of('SELECT * FROM healthlake_fhir_everything(''../x'')'), '^22023 ', 'an id is checked before anything is sent');
SELECT matches(message_of('SELECT * FROM healthlake_fhir_everything(''nobody'')'), '^42704 ', 'nobody is an error');
SELECT is(message_of('SELECT * FROM healthlake_fhir_everything(''p007'', since => ''infinity'')'), '22023 argument "since" must be a finite time', 'so is no time');
SELECT put(('[{"resourceType": "Patient", "id": "p007"}]'::jsonb)) \g /dev/null
SELECT is(array_agg(version_id || ' ' || deleted ORDER BY version_id)::text, '{"1 false","2 false"}', 'the versions of a resource') FROM healthlake_fhir_history('Patient', 'p007');
SELECT is(count(*), 251::bigint, 'those of a type') FROM healthlake_fhir_history('Patient');
SELECT is(count(*), 501::bigint, 'all there are') FROM healthlake_fhir_history();
SELECT is(count(*), 7::bigint, 'or some') FROM healthlake_fhir_history(max_rows => 7);
SELECT matches(message_of('SELECT * FROM healthlake_fhir_history(id => ''p007'')'), '^22004 ', 'an id needs a type');

-- Deletions by a search

SELECT is(message_of($$ SELECT healthlake_fhir_delete_where('Patient', '{}', 10) $$), '22023 search parameters must have a criterion', 'not everything');
SELECT is(message_of($$ SELECT healthlake_fhir_delete_where('Patient', '{"_sort": "_id", "_include": "Patient:organization"}', 10) $$), '22023 search parameters must have a criterion',
	'parameters that select nothing are not enough');
SELECT is(message_of($$ SELECT healthlake_fhir_delete_where('Patient', '{"gender": "female", "_summary": "count"}', 10) $$), '22023 search parameter "_summary" cannot be given', 'no summary has ids');
SELECT is(message_of($$ SELECT healthlake_fhir_delete_where('Patient', '{"gender": "female", "_elements": "id"}', 10) $$), '22023 search parameter "_elements" cannot be given', 'and some elements no version');
SELECT is(message_of(format('SELECT healthlake_fhir_delete_where(''Patient'', %L, 10)', jsonb_build_object('gender', value))), '22023 search parameter "gender" has an empty alternative', 'nor an empty alternative: ' || value)
  FROM unnest('{",",",female","female,","female,,male"," "}'::text[]) AS value;
SELECT is(healthlake_fhir_delete_where('Patient', '{"name": "no such\\,name"}', 10), 0::bigint, 'an escaped comma is a part of the value');
SELECT is(message_of($$ SELECT healthlake_fhir_delete_where('Patient', NULL, 10) $$), '22023 search parameters must have a criterion', 'nor is nothing');
SELECT is(message_of($$ SELECT healthlake_fhir_delete_where('Patient', '{"gender": "female"}', 49) $$), '21000 more than 49 resources of type Patient match', 'no more than that');
SELECT is(count(*), 0::bigint, 'then nothing is deleted') FROM emulator_log() WHERE operation = 'fhir:delete';
SELECT matches(message_of($$ SELECT healthlake_fhir_delete_where('Patient', '{"gender": "female"}', NULL) $$), '^22004 ', 'a number must be given');
SELECT is(message_of($$ SELECT healthlake_fhir_delete_where('Patient', '{"gender": "female"}', 0) $$), '22023 argument "max_rows" must be at least 1', 'and be one');
SELECT is(healthlake_fhir_delete_where('Patient', '{"gender": "female"}', 50), 50::bigint, 'so many are deleted');
SELECT is_row(ROW(count(*), array_agg(DISTINCT headers ->> 'if-match')::text), ROW(50::bigint, '{"W/\"1\""}'::text), 'each by itself, as it was found') FROM emulator_log() WHERE operation = 'fhir:delete';
SELECT is(healthlake_fhir_count('Patient'), 200::bigint, 'and no other');
SELECT is_row(ROW(type, id, version_id, resource IS NULL, deleted), ROW('Patient'::text, 'p005'::text, '2'::text, true, true), 'a deletion is a version')
  FROM healthlake_fhir_history('Patient', 'p005') WHERE deleted;
SELECT is(healthlake_fhir_delete_where('Patient', '{"gender": "female"}', 50), 0::bigint, 'none are none');
SET healthlake.max_concurrency = 1;
SELECT emulator_next('[{"operation": "fhir:delete", "times": 2, "delay": 0}, {"operation": "fhir:delete", "error": "AccessDeniedException", "message": "no"}]') \g /dev/null
SELECT is_row(ROW(sqlstate, context ~ 'deleting resources of type Patient: 2 of 16 had been deleted'), ROW('42501'::text, true), 'an error in the middle tells how far it came')
  FROM raised($$ SELECT healthlake_fhir_delete_where('Patient', '{"birthdate": ["ge1980", "lt1990"], "gender": "male"}', 100) $$);
RESET healthlake.max_concurrency;
SELECT healthlake_fhir_update(jsonb_build_object('resourceType', 'Patient', 'id', 'many' || i, 'gender', 'other')) FROM generate_series(1, 30) AS i \g /dev/null
SET healthlake.max_concurrency = 4;
SELECT emulator_next('[{"operation": "fhir:delete", "times": 5, "delay": 0}, {"operation": "fhir:delete", "error": "AccessDeniedException", "message": "no"}]') \g /dev/null
SELECT max(n) AS before FROM emulator_log() \gset
SELECT sqlstate, substring(context FROM '(\d+) of 30 had been deleted')::int AS told FROM raised($$ SELECT healthlake_fhir_delete_where('Patient', '{"gender": "other"}', 100) $$) \gset
-- how many others end before the error arrives is a matter of the machine
SELECT is_row(ROW(:'sqlstate', :told BETWEEN 5 AND 20, count(*)), ROW('42501', true, (:told + 1)::bigint), 'after a failure none is begun, and what is in flight is awaited and counted')
  FROM emulator_log(:before) WHERE operation = 'fhir:delete';
SELECT is(healthlake_fhir_count('Patient', '{"gender": "other"}'), (30 - :told)::bigint, 'as many are left');
-- a resource that another client changes after the search
SELECT emulator_next('[{"operation": "fhir:delete", "status": 412, "error": "conflict"}]') \g /dev/null
SET client_min_messages = error;
SELECT is(healthlake_fhir_delete_where('Patient', '{"gender": "other"}', 100), (30 - :told - 1)::bigint, 'what has changed since the search is left');
SET client_min_messages = warning;
RESET healthlake.max_concurrency;
SELECT is(healthlake_fhir_count('Patient', '{"gender": "other"}'), 1::bigint, 'and still there');
BEGIN READ ONLY;
SELECT is((SELECT count(*) FROM healthlake_fhir_search('Patient', max_rows => 3)), 3::bigint, 'READ ONLY searches');
COMMIT;
SELECT is(message_of($$ SET LOCAL transaction_read_only = on; SELECT healthlake_fhir_delete_where('Patient', '{"_id": "p001"}', 1) $$),
	'25006 cannot execute healthlake_fhir_delete_where in a read-only transaction', 'and deletes nothing');

-- Operations

SELECT is(healthlake_fhir_operation('Patient/$member-match', '{"resourceType": "Parameters", "parameter": []}'),
	'{"resourceType": "Parameters", "parameter": []}'::jsonb, 'an operation');
SELECT is((healthlake_fhir_operation('$export', '{"JobName": "x"}', poll_interval => '10 ms') -> 'output')::text, '[]', 'an asynchronous one, to its end');
SELECT is(array_agg((entry ->> 'method') || ' ' || status ORDER BY n)::text, '{"POST 202","GET 202","GET 200"}', 'whose status is asked for')
  FROM emulator_log() WHERE n > (SELECT max(n) - 3 FROM emulator_log());
SELECT is_row(ROW(sqlstate, message ~ '^the operation at "export/[0-9a-f-]{36}" is still in progress$', hint ~ '^To continue waiting, call healthlake_fhir_operation\(''export/'),
	ROW('38W01'::text, true, true), 'when time is over the status is named')
  FROM emulator_next('{"operation": "fhir:job", "times": 9, "status": 202, "body": ""}'),
	raised('SELECT healthlake_fhir_operation(''$export'', ''{}'', timeout => ''60 ms'', poll_interval => ''20 ms'')');
SELECT emulator_tell('state', '{"clock": 0}') \g /dev/null
SELECT is(message_of('SELECT healthlake_fhir_operation(''Patient/1'')'), '22023 invalid path of an operation: it has no operation', 'a path has an operation');
SELECT is(message_of('SELECT healthlake_fhir_operation(''Patient/1'', method => ''GET'')'), '22023 invalid path of an operation: it is that of a resource', 'or is a status''');
SELECT is(message_of('SELECT healthlake_fhir_operation(''Patient/1'', method => ''DELETE'')'), '22023 invalid path of an operation: it is that of a resource', 'which no resource is');
SELECT is(message_of(format('SELECT healthlake_fhir_operation(%L, method => %L)', path, method)), '22023 invalid path of an operation: it is that of a resource', method || ' ' || path || ' is no status either')
  FROM unnest(ARRAY['ActorDefinition/x', 'ActorDefinition', 'Actor%44efinition/x', 'ActorDefinition/x/_history/1', 'ActorDefinition?name=x']) AS path, unnest(ARRAY['GET', 'DELETE']) AS method;
SET healthlake.unknown_members = send;
SELECT is(message_of('SELECT healthlake_fhir_operation(''ActorDefinition/x'', method => ''DELETE'')'), '22023 invalid path of an operation: it is that of a resource', 'whatever else is sent');
RESET healthlake.unknown_members;
SELECT is(message_of('SELECT healthlake_fhir_operation(''Transaction/x'', method => ''DELETE'')'), '22023 invalid path of an operation: it is that of a resource', 'nor is a transaction''s status deleted');
SELECT is(message_of(format('SELECT healthlake_fhir_operation(%L, method => ''delete'')', path)), '22023 invalid path of an operation: it is that of a resource', path || ' is not deleted in any case')
  FROM unnest(ARRAY['patient/p001', 'PATIENT/p001', 'pAtient/p001', '%70atient/p001', 'patient/%70001', 'patient', 'patient?name=x', 'patient/p001/_history/1', 'observation/x']) AS path;
SELECT matches(message_of(format('SELECT healthlake_fhir_operation(%L, method => ''DELETE'')', path)), '^22023 invalid path of an operation: its path is malformed$', path || ' is malformed')
  FROM unnest(ARRAY['./patient/x', 'export/../patient/x', 'export/%2e%2e/patient/x', 'patient%2Fx', 'patient//x', 'patient/x/', 'patient;a=b/x', 'export%2F..%2Fpatient/x', 'patient%00/x', '%2570atient/x']) AS path;
SELECT is(message_of(format('SELECT healthlake_fhir_operation(%L, %s)', path, more)), '22023 invalid path of an operation: its query has a method', 'there is one method: ' || path)
  FROM (VALUES ('Patient/$validate?_method=DELETE', $$'{}'$$), ('Patient/$validate?a=b&%5fMethod=delete', $$'{}'$$), ('Patient/$lastn?_method', $$method => 'GET'$$), ('$x', $$'{"_method": "DELETE"}', 'GET'$$)) AS v (path, more);
SELECT doesnt_match(message_of('SELECT healthlake_fhir_operation(''Transaction/x'', method => ''GET'')'), '^22023 invalid path', 'but it is read');
SELECT is(message_of('SELECT healthlake_fhir_operation(''Patient/$x/y'')'), '22023 invalid path of an operation: an operation is the last part of it', 'at its end');
SELECT matches(message_of(format('SELECT healthlake_fhir_operation(%L)', path)), '^22023 ', path) FROM unnest(ARRAY['/$x', 'https://evil.example/$x', '../$x', 'Patient/../$x', 'Patient/%2e%2e/$x',
	'patient/$x', 'Patient/a_b/$x', 'a/b/c/$x', '', '$x y', 'Patient//$x']) AS path;
SELECT is(message_of('SELECT healthlake_fhir_operation(''$x'', method => ''PUT'')'), '22023 argument "method" must be POST, GET or DELETE', 'three methods');
SELECT emulator_reset() \g /dev/null
SELECT place() \g /dev/null
BEGIN READ ONLY;
SELECT is(healthlake_fhir_operation('Patient/$validate', '{"resourceType": "Patient"}') ->> 'resourceType', 'OperationOutcome', 'READ ONLY does what changes nothing');
COMMIT;
SELECT matches(message_of($$ SET LOCAL transaction_read_only = on; SELECT healthlake_fhir_operation('Patient/$member-match', '{}') $$), '^25006 ', 'and nothing else');
SELECT matches(message_of($$ SET LOCAL transaction_read_only = on; SELECT healthlake_fhir_operation('Patient/$export', method => 'GET') $$), '^25006 ', 'a job by GET is a change, too');

SELECT is((healthlake_fhir_operation('Patient/p001/$everything', '{"_count": 7}', 'GET') ->> 'resourceType')::text, 'Bundle', 'an operation may have the size of a page');
SELECT matches(path, '\?_count=7$', 'which is sent') FROM (SELECT entry ->> 'path' AS path FROM emulator_log() ORDER BY n DESC LIMIT 1) AS l;
SELECT is(message_of(call), '22023 argument "' || name || '" must be within the years 1 to 9999', call) FROM (VALUES
	('SELECT healthlake_fhir_everything(''p001'', start_date => ''0044-01-01 BC'')', 'start_date'), ('SELECT healthlake_fhir_everything(''p001'', end_date => ''10000-01-01'')', 'end_date'),
	('SELECT healthlake_fhir_everything(''p001'', since => ''0001-12-31 23:59:59.999999+00 BC'')', 'since'), ('SELECT healthlake_fhir_history(''Patient'', since => ''10000-01-01 00:00+00'')', 'since'),
	('SELECT healthlake_fhir_history(''Patient'', since => ''4713-01-01 BC'')', 'since')) AS v (call, name);
SELECT is(count(*), 0::bigint, 'the first and the last are sent') FROM healthlake_fhir_everything('p001', start_date => '0001-01-01', end_date => '0001-01-02', since => '9999-12-31 23:59:59.999999+00', types => '{Observation}');

-- Privileges

CREATE ROLE fhir_reader;
CREATE ROLE fhir_writer;
CREATE ROLE fhir_deleter;
SELECT healthlake_grant('fhir_reader', 'fhir_read') \g /dev/null
SELECT healthlake_grant('fhir_writer', 'fhir_write') \g /dev/null
SELECT healthlake_grant('fhir_deleter', 'fhir_delete') \g /dev/null
CREATE FUNCTION says_as(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	EXECUTE format('SET ROLE %I', role);
	said := message_of(statement);
	RESET ROLE;
	RETURN left(said, 5);
END
$$;
GRANT EXECUTE ON FUNCTION raised, says, says_as TO PUBLIC;
SELECT is_row(ROW(says_as('fhir_reader', s), says_as('fhir_writer', s), says_as('fhir_deleter', s)), ROW(reader, writer, deleter), s)
  FROM (VALUES ('SELECT healthlake_fhir_search(''Patient'', max_rows => 1)', NULL::text, '42501'::text, '42501'::text),
	('SELECT healthlake_fhir_count(''Patient'')', NULL, '42501', '42501'),
	('SELECT healthlake_fhir_history(max_rows => 1)', NULL, '42501', '42501'),
	('SELECT healthlake_fhir_everything(''p001'')', NULL, '42501', '42501'),
	('SELECT healthlake_fhir_capabilities()', NULL, '42501', '42501'),
	('SELECT healthlake_fhir_validate(''{"resourceType": "Patient"}'')', NULL, '42501', '42501'),
	('SELECT healthlake_fhir_operation(''Patient/$validate'', ''{"resourceType": "Patient"}'')', NULL, '42501', '42501'),
	('SELECT healthlake_fhir_operation(''Patient/$Validate'', ''{"resourceType": "Patient"}'')', '38U01', '42501', '42501'),
	('SELECT healthlake_fhir_operation(''Patient/$member-match'', ''{}'')', '42501', NULL, '42501'),
	('SELECT healthlake_fhir_operation(''Patient/$Everything'', ''{}'')', '38U01', '42501', '42501'),
	('SELECT healthlake_fhir_operation(''export/none'', method => ''GET'')', '42704', '42704', '42704'),
	('SELECT healthlake_fhir_operation(''Transaction/none'', method => ''GET'')', '42704', '42501', '42501'),
	('SELECT healthlake_fhir_operation(''_history'', method => ''GET'')', NULL, '42501', '42501'),
	('SELECT healthlake_fhir_operation(''patient/p001'', method => ''GET'')', '42704', '42501', '42501'),
	('SELECT healthlake_fhir_operation(''Patient/$lastn'', method => ''GET'')', '38U01', '42501', '42501'),
	('SELECT healthlake_fhir_operation(''Patient/p250/$purge'')', '42501', '42501', NULL),
	('SELECT healthlake_fhir_operation(''Patient/p250/$Purge'', method => ''DELETE'')', '42501', '42501', '38U01'),
	('SELECT healthlake_fhir_operation(''Patient/p250/%24%70urge'')', '42501', '42501', '42704'),
	('SELECT healthlake_fhir_operation(''Patient/p250/$validate'', method => ''DELETE'')', '42501', '42501', '38U01'),
	('SELECT healthlake_fhir_operation(''Patient/p250/$x'', method => ''DELETE'')', '42501', '42501', '38U01'),
	('SELECT healthlake_fhir_operation(''actordefinition/x'', method => ''DELETE'')', '42501', '42501', '42704'),
	('SELECT healthlake_fhir_operation(''Patient.json/x'', method => ''DELETE'')', '42501', '42501', '42704'),
	('SELECT healthlake_fhir_operation(''_history'', method => ''DELETE'')', '42501', '42501', '38U01'),
	('SELECT healthlake_fhir_operation(''eXport/none'', method => ''DELETE'')', '42501', '42501', '42704'),
	('SELECT healthlake_fhir_operation(''export'', method => ''DELETE'')', '42501', '42501', '42704'),
	('SELECT healthlake_fhir_operation(''export/none'', method => ''DELETE'')', '42501', '42704', '42501'),
	('SELECT healthlake_fhir_delete_where(''Patient'', ''{"_id": "p249"}'', 1)', '42501', '42501', NULL)) AS v (s, reader, writer, deleter);
GRANT EXECUTE ON FUNCTION emulator_next TO PUBLIC;
SELECT is(says_as('fhir_writer', 'SELECT healthlake_fhir_operation(''$export'', ''{"JobName": "y"}'', timeout => ''1 ms'', poll_interval => ''1 ms'')'), '38W01', 'who has started a job by the right to write');
SELECT (regexp_match(message, 'export/[0-9a-f-]+'))[1] AS job FROM emulator_next('{"operation": "fhir:job", "times": 9, "status": 202, "body": ""}'), raised('SELECT healthlake_fhir_operation(''$export'', ''{"JobName": "z"}'', timeout => ''20 ms'', poll_interval => ''10 ms'')') \gset
SELECT emulator_tell('state', '{"clock": 0}') \g /dev/null
SELECT is(says_as('fhir_writer', format('SELECT healthlake_fhir_operation(%L, method => ''GET'', poll_interval => ''10 ms'')', :'job')), NULL, 'awaits it');
DROP OWNED BY fhir_reader, fhir_writer, fhir_deleter;
DROP ROLE fhir_reader, fhir_writer, fhir_deleter;

-- Capabilities and validation

SELECT is_row(ROW(interactions @> '{read,create,search-type}', search_parameters ->> 'birthdate', search_parameters ->> 'family'), ROW(true, 'date'::text, 'string'::text),
	'what can be done with a type') FROM healthlake_fhir_capabilities() WHERE type = 'Patient';
SELECT is_row(ROW(severity, code, path, diagnostics), ROW('information'::text, 'informational'::text, NULL::text, 'All OK'::text), 'a resource that is valid')
  FROM healthlake_fhir_validate('{"resourceType": "Patient"}');
SELECT healthlake_fhir_validate('{"resourceType": "Patient"}', 'http://x/y"z') \g /dev/null
SELECT is((SELECT body -> 'parameter' -> 1 FROM emulator_log() ORDER BY n DESC LIMIT 1), '{"name": "profile", "valueUri": "http://x/y\"z"}',
	'a profile is named beside the resource');
SELECT is_row(ROW(severity, path), ROW('error'::text, 'Patient.name'::text), 'what is wrong with one')
  FROM emulator_next('{"operation": "fhir:operation", "body": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "value", "expression": ["Patient.name"]}]}}'),
	LATERAL healthlake_fhir_validate('{"resourceType": "Patient"}');

SELECT * FROM finish();
