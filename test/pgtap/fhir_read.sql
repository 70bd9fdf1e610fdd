-- Reading FHIR resources: paths, versions, missing resources, refusals.
-- It needs UTF8.

\ir fhir_setup.sql
SELECT no_plan();

SELECT id AS patient FROM healthlake_fhir_create('{"resourceType": "Patient", "birthDate": "1980-02-29", "name": [{"family": "Aalto"}]}') \gset

SELECT is(healthlake_fhir_read('Patient', :'patient') #>> '{name,0,family}', 'Aalto', 'a resource is read by its id');
SELECT is_row(ROW(operation, method, path, signature, headers ->> 'accept', headers ? 'content-type'),
	ROW('fhir:read', 'GET', format('/datastore/%s/r4/Patient/%s', current_setting('healthlake.datastore_id'), :'patient'), 'ok', 'application/fhir+json', false),
	'by a signed GET that says what it takes')
  FROM last_sent();
SELECT is(healthlake_fhir_read('Patient', :'patient', '1') #>> '{meta,versionId}', '1', 'a version is read');
SELECT ok(path LIKE '%/Patient/' || :'patient' || '/_history/1', 'from the history') FROM last_sent();
SELECT is(healthlake_fhir_read('Patient', 'nobody'), NULL, 'a missing resource is null');
SELECT is_row(ROW(operation, outcome, sqlstate, reply #>> '{issue,0,code}'), ROW('ReadResource', 'failed', '42704', 'not-found'), 'and the last call tells why')
  FROM healthlake_last_call();
SELECT is(healthlake_fhir_read('Patient', :'patient', '9'), NULL, 'a version that is not there, too');

-- other missing things

SELECT is_row(ROW(sqlstate, message), ROW('42704', 'AWS refused ReadResource: ResourceNotFoundException'), 'a data store that is not there is an error')
  FROM raised($$SELECT healthlake_fhir_read('Patient', 'x', datastore_id => repeat('0', 32))$$);
SET healthlake.unknown_members = send;
SELECT is((raised($$SELECT healthlake_fhir_read('Ward', 'x')$$)).sqlstate, '42704', 'a type that HealthLake does not know, too');
RESET healthlake.unknown_members;

-- refusals before anything is sent

SELECT count(*) AS before FROM emulator_log() \gset
SELECT is((raised(format('SELECT healthlake_fhir_read(%L, %L, %L)', type, id, version))).sqlstate, sqlstate,
	format('%s of %s is refused', coalesce(id, 'null'), coalesce(type, 'null')))
  FROM (VALUES ('Patient', '..', NULL, '22023'), ('Patient', '.', NULL, '22023'), ('Patient', 'a/b', NULL, '22023'),
	('Patient', '', NULL, '22023'), ('Patient', 'a%2e', NULL, '22023'), ('Patient', repeat('a', 65), NULL, '22023'),
	('Patient', 'ä', NULL, '22023'), ('Patient', 'a_b', NULL, '22023'), ('Patient', 'a?b', NULL, '22023'),
	('patient', 'x', NULL, '22023'), ('Ward', 'x', NULL, '22023'), ('', 'x', NULL, '22023'), ('Patient/x', 'x', NULL, '22023'),
	('Patient', 'x', '../1', '22023'), ('Patient', 'x', '', '22023'), (NULL, 'x', NULL, '22004'), ('Patient', NULL, NULL, '22004')
	) AS v (type, id, version, sqlstate);
SELECT is((raised(format('SELECT healthlake_fhir_read(''Patient'', ''x'', datastore_id => %L)', id))).sqlstate, '22023', 'no data store: ' || id)
  FROM unnest(ARRAY['x', '..', repeat('A', 32), repeat('0', 31) || '/', repeat('0', 33)]) AS id;
SET healthlake.unknown_members = send;
SELECT is((raised(format('SELECT healthlake_fhir_read(%L, ''x'')', type))).sqlstate, '22023', 'no type, whatever is known: ' || type)
  FROM unnest(ARRAY['patient', 'Pat/ient', 'Pat-ient', '$x', 'P' || repeat('a', 64)]) AS type;
RESET healthlake.unknown_members;
SELECT set_config('healthlake.datastore_id', '', false) AS none, current_setting('healthlake.datastore_id') AS store \gset
SELECT is_row(ROW(sqlstate, hint ~ 'healthlake.datastore_id'), ROW('55000', true), 'without a data store there is none')
  FROM raised($$SELECT healthlake_fhir_read('Patient', 'x')$$);
SELECT is(count(*), :before::bigint, 'nothing was sent') FROM emulator_log();
SELECT begin_anew() \g /dev/null

-- replies without a resource

SELECT is((raised($$SELECT healthlake_fhir_read('Patient', 'x')$$)).sqlstate, '38P01', step::text)
  FROM (VALUES ('{"status": 200, "body": "{\"resourceType\": \"Observation\"}"}'::jsonb),
	('{"status": 200, "body": "{\"resourceType\": \"Patient\"}"}'), ('{"status": 200, "body": "{\"resourceType\": \"Patient\", \"id\": \"y\"}"}'),
	('{"status": 200, "body": "[]"}'), ('{"status": 200, "body": ""}'), ('{"status": 204, "body": ""}'), ('{"status": 200, "body": "<html>"}'),
	('{"status": 302, "body": "", "headers": {"Location": "http://127.0.0.1:1/"}}'),
	('{"status": 404, "body": "<html>"}')) AS v (step), emulator_next(step);
SELECT is((raised($$SELECT healthlake_fhir_read('Patient', 'x', '1')$$)).sqlstate, sqlstate, step::text)
  FROM (VALUES ('{"status": 200, "body": {"resourceType": "Patient", "id": "x", "meta": {"versionId": "2"}}}'::jsonb, '38P01'),
	('{"status": 200, "body": {"resourceType": "Patient", "id": "x", "meta": {"versionId": "1"}}}', NULL),
	('{"status": 200, "body": {"resourceType": "Patient", "id": "x"}}', NULL)) AS v (step, sqlstate), emulator_next(step);
SELECT emulator_next('{"status": 200, "body": {"resourceType": "Patient", "id": "y"}}') \g /dev/null
SELECT is_row(ROW(sqlstate, resource), ROW('38P01', NULL::jsonb), 'nor is another one of many read') FROM healthlake_fhir_read_many('Patient', ARRAY['x']);

-- a reply becomes the same jsonb as its text

\set odd '{"resourceType": "Patient", "id": "x", "z": [1.0, 1.50, -0, 0.10, 1E2, -1.5e-7, 12345678901234567890.5, [], {}, [[{"a": null}]], true, false], "": {"b": 1, "b": {"c": "last"}, "a": "\\u00e4\\ud83e\\uddea\\n\\"\\\\/"}, "text": "äö", "aa": "", "ab": [null]}'
SELECT emulator_next(jsonb_build_object('status', 200, 'body', :'odd'::text)) \g /dev/null
SELECT is(healthlake_fhir_read('Patient', 'x')::text, :'odd'::jsonb::text, 'of all kinds');
SELECT is((raised($$SELECT healthlake_fhir_read('Patient', 'x')$$)).sqlstate, sqlstate, body)
  FROM (VALUES ('{"resourceType": "Patient", "id": "x", "n": 1e400000}', '38P01'), ('{"resourceType": "Patient", "id": "x", "n": "\u0000"}', '38P01')) AS v (body, sqlstate),
	LATERAL (SELECT emulator_next(jsonb_build_object('status', 200, 'body', body))) AS told;
SELECT emulator_next('{"status": 200, "body": "{\"resourceType\": \"Patient\", \"id\": \"x\", \"n\": 1e400000}"}') \g /dev/null
SELECT is_row(ROW(status, resource, sqlstate), ROW(200, NULL::jsonb, '38P01'), 'of many it is a row') FROM healthlake_fhir_read_many('Patient', ARRAY['x']);
-- a value that the database cannot hold: the error has the place of the reply, whatever reads it

SELECT is_row(ROW(sqlstate, detail ~ what, position('1e40000' in raised::text)), ROW('38P01', true, 0), 'a number that is too large, in ' || name)
  FROM (VALUES ('a resource', $$read('Patient', 'x')$$, '{"resourceType": "Patient", "id": "x", "n": [NUMBER]}', '^Operation ReadResource, resource Patient/x, HTTP status 200, request id [^,]+, attempts 1'),
	('a page', $$search('Patient')$$, '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "x", "n": NUMBER}}]}', '^Operation SearchWithPost, resource Patient, HTTP status 200, request id'),
	('all of a patient', $$everything('x')$$, '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "x", "n": NUMBER}}]}', '^Operation SearchEverything, resource Patient/x, HTTP status 200, request id'),
	('a history', $$history('Patient', 'x')$$, '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "x", "n": NUMBER}}]}', '^Operation GetHistoryByResourceId, resource Patient/x, HTTP status 200, request id'),
	('an operation', $$operation('Patient/x/$everything', method => 'GET')$$, '{"resourceType": "Bundle", "n": NUMBER}', '^Operation [A-Za-z]+, resource Patient/x/.everything, HTTP status 200, request id'),
	('the capabilities', $$capabilities()$$, '{"resourceType": "CapabilityStatement", "rest": [{"resource": [{"type": "Patient", "searchParam": [{"name": "x", "type": NUMBER}]}]}]}', '^Operation GetCapabilities, HTTP status 200, request id'),
	('a batch', $$bundle('[{"method": "GET", "url": "Patient/x"}]', 'batch')$$, '{"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": {"status": "200"}, "resource": {"resourceType": "Patient", "id": "x", "n": NUMBER}}]}', 'HTTP status 200, request id')) AS v (name, call, body, what),
	LATERAL (SELECT emulator_next(jsonb_build_object('status', 200, 'body', replace(body, 'NUMBER', '1e400000')))) AS told, LATERAL raised('SELECT * FROM healthlake_fhir_' || call);
SELECT finish();
