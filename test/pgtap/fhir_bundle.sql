-- healthlake_fhir_bundle: refusals before sending, batches, transactions, and their results.

\ir fhir_setup.sql
SELECT no_plan();

-- The error of a bundle, without values that differ in each run.
CREATE FUNCTION refusal(entries jsonb, type text DEFAULT 'transaction') RETURNS text LANGUAGE sql AS $$
	SELECT sqlstate || ' ' || message FROM raised(format('SELECT * FROM healthlake_fhir_bundle(%L, %L)', entries, type)) $$;
-- The same for one entry, whose number is 0.
CREATE FUNCTION refusal_of(entry jsonb, type text DEFAULT 'batch') RETURNS text LANGUAGE sql AS $$
	SELECT replace(refusal(jsonb_build_array(entry), type), '22023 Bundle.entry[0] cannot be sent: ', '') $$;
CREATE FUNCTION patient(id text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('resourceType', 'Patient', 'id', id) || more $$;
CREATE FUNCTION put(id text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('method', 'PUT', 'url', 'Patient/' || id, 'resource', patient(id)) || more $$;

-- refusals before anything is sent

SELECT count(*) AS before FROM emulator_log() \gset
SELECT is(refusal_of(entry), message, entry::text) FROM (VALUES
	('1'::jsonb, 'it is not an object'),
	('{"url": "Patient"}', 'its method is none'),
	('{"method": "get", "url": "Patient/1"}', 'its method is none'),
	('{"method": "HEAD", "url": "Patient/1"}', 'its method is none'),
	('{"method": "GET"}', 'it has no url'),
	('{"method": "GET", "url": ""}', 'its URL does not begin with a resource type'),
	('{"method": "GET", "url": "/Patient/1"}', 'its URL does not begin with a resource type'),
	('{"method": "GET", "url": "https://elsewhere.example/Patient/1"}', 'its URL does not begin with a resource type'),
	('{"method": "GET", "url": "$purge"}', 'its URL does not begin with a resource type'),
	('{"method": "GET", "url": "Patient/.."}', 'the id in its URL is not valid'),
	('{"method": "GET", "url": "Patient/$everything"}', 'the id in its URL is not valid'),
	('{"method": "GET", "url": "Patient/1/$everything"}', 'its URL leads to no resource'),
	('{"method": "GET", "url": "Patient/1/_history/1/2"}', 'its URL leads to no resource'),
	('{"method": "GET", "url": "Patient/1/_history/.."}', 'its URL leads to no resource'),
	('{"method": "GET", "url": "Patient?name=a b"}', 'the query of its URL is not valid'),
	('{"method": "GET", "url": "Patient?name=a#b"}', 'the query of its URL is not valid'),
	('{"method": "GET", "url": "Patient/1", "resource": {}}', 'GET and DELETE have no resource'),
	('{"method": "DELETE", "url": "Patient"}', 'a DELETE needs type and id'),
	('{"method": "DELETE", "url": "Patient?gender=male"}', 'a DELETE needs type and id'),
	('{"method": "DELETE", "url": "Patient/1?gender=male"}', 'a URL with an id has no query'),
	('{"method": "DELETE", "url": "Patient/1/_history/1"}', 'a version can only be read'),
	('{"method": "PATCH", "url": "Patient?gender=male", "resource": []}', 'a PATCH needs type and id'),
	('{"method": "PATCH", "url": "Patient/1", "resource": {"resourceType": "Patient"}}', 'its patch is not valid'),
	('{"method": "POST", "url": "Patient/1", "resource": {"resourceType": "Patient"}}', 'the URL of a POST must be a resource type'),
	('{"method": "POST", "url": "Patient?x=y", "resource": {"resourceType": "Patient"}}', 'the URL of a POST must be a resource type'),
	('{"method": "POST", "url": "Patient"}', 'it has no resource'),
	('{"method": "POST", "url": "Patient", "resource": []}', 'its resource is not an object'),
	('{"method": "POST", "url": "Patient", "resource": {}}', 'its resource has no resourceType'),
	('{"method": "POST", "url": "Patient", "resource": {"resourceType": "Observation"}}', 'its resource is of another type than its URL'),
	('{"method": "POST", "url": "Patient", "resource": {"resourceType": "Patient", "id": "a/b"}}', 'the id of its resource is not valid'),
	('{"method": "POST", "url": "Patient", "resource": {"resourceType": "Patient", "meta": {"tag": [{"code": "x"}, {"code": "SUBSETTED"}]}}}', 'its resource is tagged SUBSETTED'),
	('{"method": "PUT", "url": "Patient", "resource": {"resourceType": "Patient"}}', 'a PUT needs type and id'),
	('{"method": "PUT", "url": "Patient/1", "resource": {"resourceType": "Patient", "id": "2"}}', 'its resource has not the id of its URL'),
	('{"method": "PUT", "url": "Patient/1", "resource": {"resourceType": "Patient"}}', 'its resource has not the id of its URL'),
	(put('1', '{"ifMatch": "a b"}'), 'ifMatch is not a version'),
	(put('1', '{"ifMatch": []}'), 'ifMatch is not a version'),
	(put('1', '{"ifNoneMatch": "1"}'), 'ifNoneMatch is * and for PUT with an id'),
	('{"method": "GET", "url": "Patient/1", "ifMatch": "1"}', 'ifMatch is for PUT, PATCH and DELETE'),
	('{"method": "POST", "url": "Patient", "ifNoneExist": "identifier=x", "resource": {"resourceType": "Patient"}}', 'HealthLake knows no ifNoneExist'),
	('{"method": "GET", "url": "Patient/1", "ifModifiedSince": "2024"}', 'HealthLake knows no ifModifiedSince'),
	('{"method": "GET", "url": "Patient/1", "if_match": "1"}', 'it has a member that has no meaning'),
	('{"method": "GET", "url": "Ward/1"}', 'its URL does not begin with a resource type')) AS v (entry, message);
SELECT is(refusal_of(format('{"method": "PUT", "url": "Patient?%s", "resource": {"resourceType": "Patient"}}', query)::jsonb),
	'the query of a PUT must have criteria, each with a value', format('a conditional PUT by "%s"', query))
FROM unnest('{"identifier=%2C",identifier=x&active=,_count=1}'::text[]) AS query;
SELECT is(refusal_of('{"method": "PUT", "url": "Patient?identifier=x", "resource": {"resourceType": "Patient"}}', 'transaction'),
	'HealthLake does not support a conditional PUT in a transaction', 'a conditional PUT in a transaction');
SELECT is(refusal(jsonb_build_array(put('1'), put('2'), put('3', '{"url": "Patient/4"}'))),
	'22023 Bundle.entry[2] cannot be sent: its resource has not the id of its URL', 'the entry is named by its number');
SELECT is(refusal('{}'), '22023 argument "entries" is neither an array nor a Bundle', 'an object that is no Bundle');
SELECT is(refusal('{"resourceType": "Bundle", "type": "batch"}'), '22023 the Bundle is not of type transaction', 'a Bundle of another type');
SELECT is(refusal('{"resourceType": "Bundle", "type": "searchset"}', 'batch'), '22023 the Bundle is not of type batch', 'what a search found');
SELECT is(refusal('[]', 'collection'), '22023 argument "type" must be batch or transaction', 'an invalid type');
SELECT is(refusal('{"resourceType": "Bundle", "type": "batch", "entry": [{"resource": {}}]}', 'batch'), '22023 Bundle.entry[0] cannot be sent: it has no request', 'an entry of a Bundle without request');
SELECT is((raised('SELECT * FROM healthlake_fhir_bundle(NULL)')).sqlstate, '22004', 'no entries');
SELECT is((raised('SELECT * FROM healthlake_fhir_bundle(''[]'', NULL)')).sqlstate, '22004', 'no type');
SELECT is(refusal((SELECT jsonb_agg(put(i::text)) FROM generate_series(1, 101) i)), '54000 a transaction has at most 100 entries, not 101', 'too many entries of a transaction');
SELECT is(refusal((SELECT jsonb_agg(put(i::text)) FROM generate_series(1, 501) i), 'batch'), '54000 a batch has at most 500 entries, not 501', 'and of a batch');
SELECT is(refusal(jsonb_build_array(put('1', jsonb_build_object('resource', patient('1', jsonb_build_object('text', repeat('x', 5300000))))))), '54000 the Bundle is larger than 5 MB', 'a body that is too large');
SELECT is(refusal(jsonb_build_array(put('deep', jsonb_build_object('resource', nested(129))))), '54001 body of ProcessBundle is nested too deeply', 'a resource that is nested too deeply');
SELECT is((raised($$SELECT (healthlake_fhir_bundle('[{"method": "DELETE", "url": "Patient/1"}]')).*$$)).sqlstate, '0A000', 'changes in a SELECT list');
SELECT is(count(*), 0::bigint, 'no entries, no rows') FROM healthlake_fhir_bundle('[]');
SELECT is(count(*), :'before', 'nothing of this was sent') FROM emulator_log();

-- a transaction

CREATE TEMPORARY TABLE made AS SELECT * FROM healthlake_fhir_bundle(jsonb_build_array(
	jsonb_build_object('method', 'POST', 'url', 'Patient', 'fullUrl', 'urn:uuid:1', 'resource', '{"resourceType": "Patient", "birthDate": "1980-01-01"}'::jsonb),
	jsonb_build_object('method', 'POST', 'url', 'Observation', 'resource', '{"resourceType": "Observation", "status": "final", "subject": {"reference": "urn:uuid:1"}, "valueQuantity": {"value": 1.50}}'::jsonb),
	put('mine', '{"ifNoneMatch": "*"}')));
SELECT is(array_agg(ROW(ordinal, status, type, version_id, outcome IS NULL, resource ->> 'resourceType')::text ORDER BY ordinal),
	ARRAY['(1,201,Patient,1,t,Patient)', '(2,201,Observation,1,t,Observation)', '(3,201,Patient,1,t,Patient)'], 'a row for each entry') FROM made;
SELECT ok(bool_and(last_updated > now() - interval '1 minute' AND last_updated < now() + interval '1 minute' AND id = resource ->> 'id'), 'with times and ids') FROM made;
SELECT is((SELECT resource #>> '{subject,reference}' FROM made WHERE ordinal = 2), (SELECT 'Patient/' || id FROM made WHERE ordinal = 1), 'references within are real');
SELECT is_row(ROW(operation, method, path, headers ->> 'content-type', body ->> 'type', body #> '{entry,2,request}'),
	ROW('fhir:bundle', 'POST', format('/datastore/%s/r4/', current_setting('healthlake.datastore_id')), 'application/fhir+json', 'transaction',
		'{"method": "PUT", "url": "Patient/mine", "ifNoneMatch": "*"}'::jsonb), 'one request to the base') FROM last_sent();
SELECT ok(body_text LIKE '%"value":1.50%' OR body_text LIKE '%"value": 1.50%', 'a number keeps its zeros') FROM last_sent();
SELECT is_row(ROW(sqlstate, message, detail ~ 'issue code conflict.*expression Bundle\.entry\[1\], HTTP status 412', healthlake_fhir_read('Patient', 'other')),
	ROW('38V01', 'AWS refused ProcessBundle: conflict', true, NULL::jsonb), 'an entry that fails is named, and nothing is done')
  FROM raised(format('SELECT * FROM healthlake_fhir_bundle(%L)', jsonb_build_array(put('other'), put('mine', '{"ifNoneMatch": "*"}'))));
SELECT is(array_agg(status || ' ' || version_id), ARRAY['200 2', '200 3', '200 4'], 'ifMatch is a version, with or without its quotation marks')
  FROM (SELECT (healthlake_fhir_bundle.*) FROM healthlake_fhir_bundle(jsonb_build_array(put('mine', '{"ifMatch": "1"}'), put('mine', '{"ifMatch": 2}'), put('mine', '{"ifMatch": "W/\"3\""}')))) AS b;

-- a batch

CREATE TEMPORARY TABLE did AS SELECT * FROM healthlake_fhir_bundle('{"resourceType": "Bundle", "type": "batch", "entry": [
	{"request": {"method": "GET", "url": "Patient/mine"}},
	{"request": {"method": "GET", "url": "Patient/mine/_history/1"}},
	{"request": {"method": "GET", "url": "Patient/nobody"}},
	{"request": {"method": "GET", "url": "Patient?birthdate=1980-01-01"}},
	{"request": {"method": "PATCH", "url": "Patient/mine"}, "resource": [{"op": "add", "path": "/active", "value": true}]},
	{"request": {"method": "PUT", "url": "Patient?birthdate=1980-01-01"}, "resource": {"resourceType": "Patient", "birthDate": "1980-01-02"}},
	{"request": {"method": "DELETE", "url": "Patient/mine", "ifMatch": "1"}},
	{"request": {"method": "DELETE", "url": "Patient/mine"}}]}', 'batch');
SELECT is(array_agg(concat_ws(' ', ordinal, status, type, version_id, outcome #>> '{issue,0,code}') ORDER BY ordinal), ARRAY['1 200 Patient 4', '2 200 Patient 1', '3 404 Patient not-found',
	'4 200 Patient', '5 200 Patient 5', '6 200 Patient 2', '7 412 Patient conflict', '8 204 Patient'], 'each entry by itself') FROM did;
SELECT is(headers ->> 'prefer', 'handling=strict', 'the parameters of a conditional PUT must be known') FROM last_sent();
SELECT is((SELECT resource ->> 'active' FROM did WHERE ordinal = 5), 'true', 'a JSON Patch is an array');
SELECT is((SELECT id FROM did WHERE ordinal = 8), 'mine', 'deletions are reported');
SELECT is(healthlake_fhir_read('Patient', 'mine'), NULL, 'it is gone');
SELECT is_row(ROW(status, outcome #>> '{issue,0,code}'), ROW(400, 'not-supported'), 'a mistyped one is refused')
  FROM healthlake_fhir_bundle('[{"method": "PUT", "url": "Patient?birthdate=1980-01-02&fmaily=x", "resource": {"resourceType": "Patient"}}]', 'batch');
SELECT is(count(*), 1::bigint, 'a read in a SELECT list') FROM (SELECT healthlake_fhir_bundle('[{"method": "GET", "url": "Patient/nobody"}]', 'batch')) AS r;
SELECT is(headers ->> 'prefer', NULL, 'of which nothing is asked') FROM last_sent();

-- read-only transactions, and rollbacks

BEGIN READ ONLY;
SELECT is((raised(format('SELECT * FROM healthlake_fhir_bundle(%L)', jsonb_build_array(put('1'))))).sqlstate, '25006', 'READ ONLY refuses a change');
SELECT is(status, 404, 'and no read') FROM healthlake_fhir_bundle('[{"method": "GET", "url": "Patient/nobody"}]', 'batch');
COMMIT;

-- repetitions

SET healthlake.max_attempts = 3;
SELECT begin_anew() \g /dev/null
SELECT emulator_next('{"operation": "fhir:bundle", "apply": true, "reset": true}') \g /dev/null
SELECT is(array_agg(status || ' ' || coalesce(version_id, '')), ARRAY['200 2', '204 '], 'PUTs and DELETEs under own ids are sent again')
  FROM healthlake_fhir_bundle(jsonb_build_array(put('a'), '{"method": "DELETE", "url": "Patient/b"}'::jsonb));
SELECT is(arrived('fhir:bundle'), 2::bigint, 'twice');
SELECT emulator_next('{"operation": "fhir:bundle", "apply": true, "reset": true}') \g /dev/null
SELECT is_row(ROW(sqlstate, arrived('fhir:bundle')), ROW('38M01', 3::bigint), 'what has a POST is sent once')
  FROM raised($$SELECT * FROM healthlake_fhir_bundle('[{"method": "POST", "url": "Patient", "resource": {"resourceType": "Patient"}}]')$$);
SELECT emulator_next('{"operation": "fhir:bundle", "apply": true, "reset": true}') \g /dev/null
SELECT is((raised(format('SELECT * FROM healthlake_fhir_bundle(%L)', jsonb_build_array(put('c', '{"ifNoneMatch": "*"}'))))).sqlstate, '38M01', 'a refusal after an attempt of unknown outcome is not conclusive');
SELECT emulator_next('{"operation": "fhir:bundle", "apply": true, "reset": true}') \g /dev/null
SELECT is((raised(format('SELECT * FROM healthlake_fhir_bundle(%L, ''batch'')', jsonb_build_array(put('d', '{"ifNoneMatch": "*"}'))))).sqlstate, '38M01', 'a batch with a condition is sent once');
SELECT emulator_next('{"operation": "fhir:bundle", "apply": true, "reset": true}') \g /dev/null
SELECT arrived('fhir:bundle') AS before \gset
SELECT is_row(ROW(sqlstate, arrived('fhir:bundle') - :before), ROW('38M01', 1::bigint), 'a batch with a DELETE is sent once')
  FROM raised($$SELECT * FROM healthlake_fhir_bundle('[{"method": "DELETE", "url": "Patient/a"}]', 'batch')$$);
SELECT emulator_next('[{"operation": "fhir:bundle", "apply": true, "reset": true}, {"operation": "fhir:bundle", "status": 400, "body": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}}]') \g /dev/null
SELECT is((raised(format('SELECT * FROM healthlake_fhir_bundle(%L)', jsonb_build_array(put('a'), put('c'))))).sqlstate, '38M01', 'nor is one for what is not valid');
SELECT emulator_next('{"operation": "fhir:bundle", "status": 200, "body": {"resourceType": "Bundle", "type": "batch-response", "entry": []}}') \g /dev/null
SELECT is_row(ROW(sqlstate, message), ROW('38M01', 'outcome of ProcessBundle is unknown: the reply does not answer every entry'), 'a reply that lacks answers')
  FROM raised(format('SELECT * FROM healthlake_fhir_bundle(%L, ''batch'')', jsonb_build_array(put('e'))));

-- replies in other forms

SELECT emulator_next('{"operation": "fhir:bundle", "status": 200, "body": {"resourceType": "Bundle", "type": "batch-response", "entry": [
	{"response": {"status": "201 Created", "location": "https://elsewhere.example/x/Patient/f/_history/7", "lastModified": "2024-01-02T03:04:05.678Z"}}]}}') \g /dev/null
SELECT is_row(ROW(status, type, id, version_id, last_updated), ROW(201, 'Patient', 'f', '7', '2024-01-02 03:04:05.678+00'::timestamptz), 'a status with a reason, and a location elsewhere')
  FROM healthlake_fhir_bundle(jsonb_build_array(put('f')), 'batch');

-- replies about something else

-- The result of a bundle with one entry for a reply with one.
CREATE FUNCTION told(entry jsonb, reply jsonb, type text DEFAULT 'batch') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM emulator_next(jsonb_build_object('operation', 'fhir:bundle', 'status', 200, 'body', jsonb_build_object('resourceType', 'Bundle', 'type', type || '-response', 'entry', jsonb_build_array(reply))));
	RETURN (SELECT concat_ws(' ', b.status, b.type, b.id, b.version_id, b.outcome ->> 'resourceType', b.resource ->> 'resourceType', b.resource ->> 'id') FROM healthlake_fhir_bundle(jsonb_build_array(entry), type) AS b);
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate;
END
$$;
CREATE FUNCTION reply(status text, location text DEFAULT NULL, resource jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('response', jsonb_build_object('status', status, 'location', location), 'resource', resource)) $$;
SELECT is(told(entry, reply), want, entry::text || ' is answered by ' || reply::text) FROM (VALUES
	('{"method": "GET", "url": "Patient/meier"}'::jsonb, reply('200', NULL, patient('meier')), '200 Patient meier Patient meier'),
	('{"method": "GET", "url": "Patient/meier"}', reply('200', NULL, patient('WRONG')), '38P01'),
	('{"method": "GET", "url": "Patient/meier"}', reply('200', NULL, '{"resourceType": "Patient"}'), '38P01'),
	('{"method": "GET", "url": "Patient/meier"}', reply('200', NULL, '{"resourceType": "Observation", "id": "meier"}'), '38P01'),
	('{"method": "GET", "url": "Patient/meier"}', reply('200', NULL, '7'), '38P01'),
	('{"method": "GET", "url": "Patient/meier"}', reply('200', 'Patient/WRONG'), '38P01'),
	('{"method": "GET", "url": "Patient/meier?_elements=name"}', reply('200', NULL, patient('WRONG')), '38P01'),
	('{"method": "GET", "url": "Patient/meier/_history/2"}', reply('200', NULL, patient('meier', '{"meta": {"versionId": "2"}}')), '200 Patient meier 2 Patient meier'),
	('{"method": "GET", "url": "Patient/meier/_history/2"}', reply('200', NULL, patient('meier', '{"meta": {"versionId": "3"}}')), '38P01'),
	('{"method": "GET", "url": "Patient/meier/_history"}', reply('200', NULL, '{"resourceType": "Bundle", "id": "b", "type": "history"}'), '200 Patient meier Bundle b'),
	('{"method": "GET", "url": "Patient/meier/_history?_count=1"}', reply('200', NULL, patient('meier')), '38P01'),
	('{"method": "GET", "url": "Patient?name=x"}', reply('200', NULL, '{"resourceType": "Bundle", "type": "searchset"}'), '200 Patient Bundle'),
	('{"method": "GET", "url": "Patient?name=x"}', reply('200', NULL, patient('meier')), '38P01'),
	('{"method": "GET", "url": "Patient/x"}', reply('200', NULL, '{"resourceType": "OperationOutcome"}'), '38P01'),
	(put('x'), reply('200', 'Patient/x/_history/2', '{"resourceType": "OperationOutcome"}'), '200 Patient x 2 OperationOutcome'),
	(put('x'), reply('400', NULL, '{"resourceType": "OperationOutcome"}'), '400 Patient x OperationOutcome'),
	(put('x'), reply('200', 'Observation/else/_history/1'), '38M01'),
	(put('x'), reply('200', 'Observation/x'), '38M01'),
	(put('x'), reply('200', 'Patient/else/_history/1'), '38M01'),
	(put('x'), reply('200', '/Patient/x/_history/2'), '200 Patient x 2'),
	(put('x'), reply('200', NULL, patient('else')), '38M01'),
	(put('x'), reply('200', NULL, patient('x', '{"meta": {"versionId": "a b"}}')), '200 Patient x Patient x'),
	('{"method": "PUT", "url": "Patient?name=x", "resource": {"resourceType": "Patient"}}', reply('200', 'Patient/any/_history/1'), '200 Patient any 1'),
	('{"method": "PUT", "url": "Patient?name=x", "resource": {"resourceType": "Patient"}}', reply('200', 'Observation/any/_history/1'), '38M01'),
	('{"method": "POST", "url": "Patient", "resource": {"resourceType": "Patient"}}', reply('201', 'Patient/any/_history/1', patient('any')), '201 Patient any 1 Patient any'),
	('{"method": "POST", "url": "Patient", "resource": {"resourceType": "Patient"}}', reply('201', 'Patient/any/_history/1', patient('other')), '38M01'),
	('{"method": "POST", "url": "Patient", "resource": {"resourceType": "Patient"}}', reply('201', NULL, patient('a b')), '38M01'),
	('{"method": "DELETE", "url": "Patient/x"}', reply('200', NULL, patient('x')), '200 Patient x'),
	('{"method": "DELETE", "url": "Patient/x"}', reply('200', 'Patient/else/_history/2'), '38M01'),
	(put('x'), reply('412', 'Patient/else/_history/2', patient('else')), '412 Patient x'),
	('{"method": "GET", "url": "Patient/x"}', reply('404', NULL, patient('else')), '404 Patient x'),
	('{"method": "GET", "url": "Patient/x"}', '{"response": {"status": "404", "outcome": {"resourceType": "Patient", "id": "else"}}}', '404 Patient x'),
	(put('x'), reply('302', 'Patient/x', patient('x')), '302 Patient x'),
	(put('x'), reply('199'), '199 Patient x')) AS v (entry, reply, want);
SELECT is(told(put('x'), reply('422'), 'transaction'), '38M01', 'a transaction that is done has no entry that failed');
SELECT is(told(put('x'), reply('302'), 'transaction'), '38M01', 'or that is elsewhere');
SELECT is(told('{"method": "GET", "url": "Patient/meier"}', reply('200', NULL, patient('WRONG'))), '38P01', 'a reply that is refused');
SELECT is(reply, NULL, 'is not shown by healthlake_last_call()') FROM healthlake_last_call();
SET healthlake.audit = on;
SELECT is(told(put('x'), reply('302', 'Patient/else')), '302 Patient x', 'nor does a location');
SELECT is(request -> 'entries', '["PUT Patient/x"]', 'become what the history tells') FROM healthlake_event ORDER BY id DESC LIMIT 1;
RESET healthlake.audit;

-- rights: the word of each entry

CREATE FUNCTION as_role(role text, entries jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	told text;
BEGIN
	EXECUTE format('SET ROLE %I', role);
	told := coalesce((SELECT sqlstate FROM raised(format('SELECT * FROM healthlake_fhir_bundle(%L, ''batch'')', entries))), 'ok');
	RESET ROLE;
	RETURN told;
END
$$;
CREATE ROLE hl_reader; CREATE ROLE hl_writer; CREATE ROLE hl_deleter; CREATE ROLE hl_nobody;
SELECT healthlake_grant('hl_reader', 'fhir_read'), healthlake_grant('hl_writer', 'fhir_write'), healthlake_grant('hl_deleter', 'fhir_delete') \g /dev/null
SELECT is(ARRAY[as_role(role, '[{"method": "GET", "url": "Patient/a"}]'), as_role(role, jsonb_build_array(put('a'))),
		as_role(role, '[{"method": "DELETE", "url": "Patient/none"}]'), as_role(role, jsonb_build_array(put('a')) || '[{"method": "DELETE", "url": "Patient/none"}]')], want, role)
  FROM (VALUES ('hl_reader', ARRAY['ok', '42501', '42501', '42501']), ('hl_writer', ARRAY['42501', 'ok', '42501', '42501']),
	('hl_deleter', ARRAY['42501', '42501', CASE WHEN to_regproc('healthlake_fhir_delete') IS NULL THEN '42501' ELSE 'ok' END, '42501']), ('hl_nobody', ARRAY['42501', '42501', '42501', '42501'])) AS v (role, want);

SELECT finish();
DROP OWNED BY hl_reader, hl_writer, hl_deleter, hl_nobody;
DROP ROLE hl_reader, hl_writer, hl_deleter, hl_nobody;
