-- Writing FHIR resources: requests, versions, and each write exactly once.

\ir fhir_setup.sql
SELECT no_plan();
SET healthlake.max_attempts = 3;

-- The SQLSTATE of a call with this answer of the emulator.
CREATE FUNCTION says(call text, step jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM emulator_next(step);
	RETURN (raised('SELECT healthlake_fhir_' || call)).sqlstate;
END $$;

-- The row of a write, after these answers of the emulator.
CREATE FUNCTION wrote(call text, VARIADIC steps jsonb[]) RETURNS healthlake_fhir_result LANGUAGE plpgsql AS $$
DECLARE
	r healthlake_fhir_result;
BEGIN
	PERFORM emulator_next(to_jsonb(array_remove(steps, NULL)));
	EXECUTE 'SELECT * FROM healthlake_fhir_' || call INTO r;
	RETURN r;
END $$;

-- creation

SELECT * FROM healthlake_fhir_create('{"resourceType": "Patient", "name": [{"family": "Aalto"}]}', 'c0ffee00-0000-4000-8000-000000000001') \gset one_
SELECT is_row(ROW(:'one_type', :'one_version_id', :'one_existed', :'one_last_updated'::timestamptz > now() - interval '1 day'), ROW('Patient', '1', 'f', true), 'a creation returns what is stored');
SELECT is_row(ROW(method, path ~ '/r4/Patient$', signature, headers ->> 'content-type', headers ->> 'x-amz-fhir-idempotency-key', body ->> 'resourceType'),
	ROW('POST', true, 'ok', 'application/fhir+json', 'c0ffee00-0000-4000-8000-000000000001', 'Patient'), 'and has a key') FROM last_sent();
SELECT is_row(ROW(id, existed, resource #>> '{name,0,family}'), ROW(:'one_id', true, 'Aalto'), 'the same key creates nothing twice')
  FROM healthlake_fhir_create('{"resourceType": "Patient"}', 'c0ffee00-0000-4000-8000-000000000001');
SELECT is_row(ROW(operation, outcome, client_token), ROW('CreateResource', 'succeeded', 'c0ffee00-0000-4000-8000-000000000001'), 'which is a success') FROM healthlake_last_call();
SELECT emulator_next('{"operation": "fhir:create", "apply": true, "reset": true}') \g /dev/null
SELECT is_row(ROW(existed, version_id), ROW(true, '1'), 'a creation whose reply is lost is found by its second attempt')
  FROM healthlake_fhir_create('{"resourceType": "Patient", "id": "x"}');
SET healthlake.max_attempts = 1;
SELECT emulator_next('{"operation": "fhir:create", "apply": true, "status": 500, "body": ""}') \g /dev/null
SELECT * FROM raised($$SELECT healthlake_fhir_create('{"resourceType": "Patient", "birthDate": "1977-07-07"}')$$) \gset lost_
SELECT is_row(ROW(:'lost_sqlstate', position(client_token in :'lost_detail') > 0, position(client_token in :'lost_hint') > 0, outcome), ROW('38M01', true, true, 'unknown'), 'where nobody knows, the key is told')
  FROM healthlake_last_call();
SELECT is_row(ROW(existed, resource ->> 'birthDate'), ROW(true, '1977-07-07'), 'and leads to what was created')
  FROM healthlake_last_call() AS l, healthlake_fhir_create('{"resourceType": "Patient"}', l.client_token::uuid);
SELECT is(says($$create('{"resourceType": "Patient"}')$$, jsonb_build_object('operation', 'fhir:create', 'status', 409, 'headers', jsonb_build_object('Location', location),
	'body', '{"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "duplicate"}]}')), '38M01', 'a duplicate of no use: ' || location)
  FROM unnest(ARRAY['https://evil.example/datastore/x/r4/Patient/1', 'Observation/1', 'Patient/..', 'Patient/a/b', '']) AS location;
SET healthlake.max_attempts = 3;

-- updates

SELECT is_row(ROW(version_id, existed, resource ->> 'gender'), ROW('2', false, 'female'), 'an update makes a version')
  FROM healthlake_fhir_update(jsonb_build_object('resourceType', 'Patient', 'id', :'one_id', 'gender', 'female'));
SELECT is_row(ROW(method, path LIKE '%/Patient/' || :'one_id', headers ? 'if-match', signature), ROW('PUT', true, false, 'ok'), 'by PUT') FROM last_sent();
SELECT is(version_id, '3', 'if it has the version') FROM healthlake_fhir_update(jsonb_build_object('resourceType', 'Patient', 'id', :'one_id'), '2');
SELECT is(headers ->> 'if-match', 'W/"2"', 'as an ETag') FROM last_sent();
SELECT is(version_id, '4', 'which may be given as one') FROM healthlake_fhir_update(jsonb_build_object('resourceType', 'Patient', 'id', :'one_id'), 'W/"3"');
SELECT is_row(ROW(sqlstate, hint ~ 'read it again'), ROW('38V01', true), 'a stale version is refused')
  FROM raised(format('SELECT healthlake_fhir_update(%L, ''2'')', jsonb_build_object('resourceType', 'Patient', 'id', :'one_id')));
SELECT is(version_id, '1', 'only_new creates under an id') FROM healthlake_fhir_update('{"resourceType": "Patient", "id": "p1", "active": true}', only_new => true);
SELECT is((raised($$SELECT healthlake_fhir_update('{"resourceType": "Patient", "id": "p1"}', only_new => true)$$)).sqlstate, '38V01', 'and nothing that is there');

-- lost replies

SELECT emulator_next('{"operation": "fhir:update", "apply": true, "reset": true}') \g /dev/null
SELECT is_row(ROW(version_id, existed), ROW('1', true), 'with only_new a second attempt finds the first')
  FROM healthlake_fhir_update('{"resourceType": "Patient", "id": "p2", "multipleBirthInteger": 2, "meta": {"tag": [{"code": "x"}]}}', only_new => true);
SELECT is(outcome, 'succeeded', 'and the last call is a success') FROM healthlake_last_call();
SELECT emulator_next('{"operation": "fhir:update", "apply": true, "reset": true}') \g /dev/null
SELECT is_row(ROW(version_id, existed), ROW('2', true), 'with if_match too') FROM healthlake_fhir_update('{"resourceType": "Patient", "id": "p2", "active": false}', '1');
SELECT emulator_next('[{"operation": "fhir:update", "reset": true}, {"operation": "fhir:update", "status": 412, "body": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "conflict"}]}}]') \g /dev/null
SELECT is_row(ROW(sqlstate, message ~ '^outcome of UpdateResource is unknown'), ROW('38M01', true), 'another''s version is not taken for ours')
  FROM raised($$SELECT healthlake_fhir_update('{"resourceType": "Patient", "id": "p2", "active": true}', '1')$$);
SELECT count(*) AS before FROM emulator_log() WHERE operation = 'fhir:update' \gset
SELECT emulator_next('{"operation": "fhir:update", "reset": true}') \g /dev/null
SELECT is((raised($$SELECT healthlake_fhir_update('{"resourceType": "Patient", "id": "p2"}')$$)).sqlstate, '38M01', 'a plain update is not repeated');
SELECT is(count(*), :before::bigint + 1, 'it was sent once') FROM emulator_log() WHERE operation = 'fhir:update';
SELECT emulator_next('{"operation": "fhir:patch", "apply": true, "reset": true}') \g /dev/null
SELECT is((raised($$SELECT healthlake_fhir_patch('Patient', 'p2', '[{"op": "add", "path": "/active", "value": true}]', '2')$$)).sqlstate, '38M01', 'the result of a patch cannot be determined');
SELECT is(says(call, format('[{"operation": "fhir:%1$s", "reset": true}, {"operation": "fhir:%1$s", "status": 400, "body": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}}]', split_part(call, '(', 1))::jsonb),
	sqlstate, 'not valid the second time: ' || call)
  FROM (VALUES ($$patch('Patient', 'p2', '[]', '3')$$, '38M01'), ($$update('{"resourceType": "Patient", "id": "p2"}', '3')$$, '22023')) AS v (call, sqlstate);
SELECT emulator_next('{"operation": "fhir:delete", "apply": true, "reset": true}') \g /dev/null
SELECT is(healthlake_fhir_delete('Patient', 'p2', '3'), true, 'a deletion is found by its version');
SELECT emulator_next('{"operation": "fhir:delete", "apply": true, "reset": true}') \g /dev/null
SELECT is((raised($$SELECT healthlake_fhir_delete('Patient', 'p1')$$)).sqlstate, '38M01', 'a plain one is not repeated');

-- an old version with the same content is not the one of the call

SELECT emulator_tell('versions', jsonb_agg(jsonb_build_object('store', current_setting('healthlake.datastore_id'), 'ago', ago, 'resource', jsonb_build_object('resourceType', 'Patient', 'id', id, 'active', active)) ORDER BY id, ago DESC))
  FROM (VALUES ('o1', 3600, true), ('o1', 1800, false), ('o2', 3600, false), ('o2', 1800, true), ('o2', 900, false), ('o3', 3600, true), ('o4', -60, true), ('o5', 3600, true)) AS v (id, ago, active) \g /dev/null
SELECT healthlake_fhir_update('{"resourceType": "Patient", "id": "o4", "active": false}'), healthlake_fhir_delete('Patient', 'o5') \g /dev/null
SELECT is(says(call, '[{"operation": "fhir:update", "reset": true}, {"operation": "fhir:update", "status": 412, "body": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "conflict"}]}}]'), sqlstate, what)
  FROM (VALUES ($$update('{"resourceType": "Patient", "id": "o1", "active": true}', only_new => true)$$, '38M01', 'the version is old, and overwritten'),
	($$update('{"resourceType": "Patient", "id": "o2", "active": true}', '1')$$, '38M01', 'the version after that of if_match is'),
	($$update('{"resourceType": "Patient", "id": "o3", "active": true}', only_new => true)$$, '38M01', 'it is old, and current'),
	($$update('{"resourceType": "Patient", "id": "o5", "active": true}', only_new => true)$$, '38M01', 'it is old, and deleted'),
	($$update('{"resourceType": "Patient", "id": "o4", "active": true}', only_new => true)$$, NULL, 'it is new, and overwritten since')) AS v (call, sqlstate, what);
SELECT is(says($$update('{"resourceType": "Patient", "id": "o4", "active": true}', only_new => true)$$, '[{"operation": "fhir:update", "reset": true},
	{"operation": "fhir:vread", "status": 200, "body": {"resourceType": "Patient", "id": "o4", "active": true, "meta": {"versionId": "1"}}}]'), '38M01', 'it has no time, and is overwritten');
SELECT is(says($$update('{"resourceType": "Patient", "id": "o3", "active": true}', only_new => true)$$, '[{"operation": "fhir:update", "reset": true},
	{"operation": "fhir:read", "status": 200, "body": {"resourceType": "Patient", "id": "o3", "active": true, "meta": {"versionId": "1"}}}]'), NULL, 'it has no time, and is current');
SELECT healthlake_fhir_update('{"resourceType": "Patient", "id": "o5", "active": true}') \g /dev/null
SELECT is(says($$delete('Patient', 'o5', '1')$$, '{"operation": "fhir:delete", "reset": true}'), '38M01', 'nor is a deletion of long ago');

-- stored with issues: the reply has an OperationOutcome, or a header says so

SET healthlake.max_attempts = 1;
CREATE FUNCTION issues(status int, headers jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('status', status, 'headers', headers, 'body', '{"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "code-invalid", "diagnostics": "Kivi"}]}'::jsonb) $$;
CREATE FUNCTION known(id text, version text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('operation', 'fhir:read', 'status', 200, 'body', jsonb_build_object('resourceType', 'Patient', 'id', id, 'active', true, 'meta', jsonb_build_object('versionId', version))) $$;
SELECT is_row(ROW(r.id, r.version_id, r.existed, r.issues #>> '{issue,0,code}', r.resource -> 'active', r.last_updated), ROW(v.id, version, false, 'code-invalid', active::jsonb, at::timestamptz), what)
  FROM (VALUES ('an update', $$update('{"resourceType": "Patient", "id": "i1"}')$$, issues(200, '{"ETag": "W/\"7\""}'), known('i1', '7'), 'i1', '7', 'true', NULL),
	('a patch', $$patch('Patient', 'i1', '[]')$$, issues(200, '{"ETag": "W/\"7\""}'), known('i1', '7'), 'i1', '7', 'true', NULL),
	('what is another version is not given', $$update('{"resourceType": "Patient", "id": "i1"}')$$, issues(201, '{"ETag": "W/\"7\"", "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT"}'), known('i1', '8'), 'i1', '7', NULL, '2024-01-02 03:04:05Z'),
	('nor one without a version', $$update('{"resourceType": "Patient", "id": "i1"}')$$, issues(200, '{}'), NULL, 'i1', NULL, NULL, NULL),
	('a creation', $$create('{"resourceType": "Patient"}')$$, issues(201, '{"Location": "Patient/i2/_history/1"}'), known('i2', '1'), 'i2', '1', 'true', NULL),
	('a conditional update', $$update_where('{"resourceType": "Patient"}', '{"gender": "x"}')$$, issues(200, '{"Location": "Patient/i3", "ETag": "W/\"2\""}'), known('i3', '2'), 'i3', '2', 'true', NULL)) AS v (what, call, step, look, id, version, active, at),
	LATERAL wrote(call, step, look) AS r;
SELECT is(says(call, step), '38M01', what)
  FROM (VALUES ('the id is not told', $$create('{"resourceType": "Patient"}')$$, issues(201, '{}')), ('another type', $$create('{"resourceType": "Patient"}')$$, issues(201, '{"Location": "Group/i2"}')),
	('another id', $$update('{"resourceType": "Patient", "id": "i1"}')$$, issues(200, '{"Location": "Patient/other"}'))) AS v (what, call, step);
SELECT emulator_next('{"operation": "fhir:update", "apply": true, "headers": {"x-amzn-healthlake-validation-issues": "true"}}') \g /dev/null
SELECT is_row(ROW(issues, resource ->> 'id'), ROW(NULL::jsonb, 'i4'), 'the header alone') FROM healthlake_fhir_update('{"resourceType": "Patient", "id": "i4"}');
SELECT emulator_next('{"status": 200, "headers": {"ETag": "W/\"3\"", "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT"}, "body": {"resourceType": "Patient", "id": "i4"}}') \g /dev/null
SELECT is_row(ROW(version_id, last_updated), ROW('3', '2024-01-02 03:04:05Z'::timestamptz), 'version and time of the headers') FROM healthlake_fhir_update('{"resourceType": "Patient", "id": "i4"}');
SET healthlake.max_attempts = 3;

-- patches, deletions and conditional updates

SELECT is_row(ROW(version_id, resource -> 'active'), ROW('5', 'true'::jsonb), 'a JSON Patch')
  FROM healthlake_fhir_patch('Patient', :'one_id', '[{"op": "add", "path": "/active", "value": true}]', '4');
SELECT is_row(ROW(method, headers ->> 'content-type', headers ->> 'if-match'), ROW('PATCH', 'application/json-patch+json', 'W/"4"'), 'by PATCH') FROM last_sent();
SELECT is((raised($$SELECT healthlake_fhir_patch('Patient', 'nobody', '[]')$$)).sqlstate, '42704', 'of nothing');
SELECT is((raised($$SELECT healthlake_fhir_patch('Patient', 'x', '{"op": "add"}')$$)).sqlstate, '22023', 'an invalid patch is refused');
SELECT is(healthlake_fhir_delete('Patient', :'one_id'), true, 'a deletion');
SELECT is_row(ROW(method, coalesce(body_text, '-') IN ('', '-'), headers ? 'content-type', signature), ROW('DELETE', true, false, 'ok'), 'by DELETE, without a body') FROM last_sent();
SELECT is(healthlake_fhir_read('Patient', :'one_id'), NULL, 'then it is gone');
SELECT emulator_set('{"fhir_delete_missing": 404}') \g /dev/null
SELECT is(healthlake_fhir_delete('Patient', 'nobody'), false, 'where there was none');
SELECT is(existed, false, 'a conditional update of nothing creates') FROM healthlake_fhir_update_where('{"resourceType": "Patient", "gender": "other"}', '{"gender": "other"}');
SELECT is_row(ROW(method, path ~ '/r4/Patient[?]gender=other$', signature, headers ->> 'prefer'), ROW('PUT', true, 'ok', 'handling=strict'), 'by a query, all of which must be known') FROM last_sent();
SELECT is((raised($$SELECT healthlake_fhir_update_where('{"resourceType": "Patient", "gender": "other"}', '{"gender": "other", "fmaily": "x"}')$$)).sqlstate, '38U01', 'a mistyped parameter is refused');
SELECT is(version_id, '2', 'of one updates') FROM healthlake_fhir_update_where('{"resourceType": "Patient", "gender": "other"}', '{"gender": "other"}');
SELECT healthlake_fhir_create('{"resourceType": "Patient", "gender": "other"}') \g /dev/null
SELECT is((raised($$SELECT healthlake_fhir_update_where('{"resourceType": "Patient", "gender": "other"}', '{"gender": "other"}')$$)).sqlstate, '21000', 'of several is refused');

-- refusals before anything is sent

SELECT count(*) AS before FROM emulator_log() \gset
SELECT is((raised('SELECT healthlake_fhir_' || call)).sqlstate, '22023', call)
  FROM unnest(ARRAY[$$create('{}')$$, $$create('[]')$$, $$create('{"resourceType": "Ward"}')$$, $$create('{"resourceType": 1}')$$,
	$$create('{"resourceType": "Patient", "id": ".."}')$$, $$create('{"resourceType": "Patient", "id": 1}')$$,
	$$create('{"resourceType": "Patient", "meta": {"tag": [{"code": "x"}, {"code": "SUBSETTED"}]}}')$$,
	$$create('{"resourceType": "Patient"}', validation => 'lax')$$,
	$$update('{"resourceType": "Patient"}')$$, $$update('{"resourceType": "Patient", "id": "x"}', '1', true)$$,
	$$update('{"resourceType": "Patient", "id": "x"}', '"')$$, $$update('{"resourceType": "Patient", "id": "x"}', E'1"\r\nX: y')$$,
	$$update_where('{"resourceType": "Patient"}', '{}')$$, $$update_where('{"resourceType": "Patient"}', '{"_sort": "x"}')$$,
	$$update_where('{"resourceType": "Patient"}', '{"gender": ","}')$$, $$update_where('{"resourceType": "Patient"}', '{"gender": ["x", "x,"]}')$$,
	$$update_where('{"resourceType": "Patient"}', '{"gender": null}')$$, $$delete('Patient', '..')$$]) AS call;
SELECT is((raised($$SELECT healthlake_fhir_create(jsonb_build_object('resourceType', 'Patient', 'x', repeat('x', 5 * 1024 * 1024)))$$)).sqlstate, '54000', 'more than 5 MB');
SELECT peak() AS peak \gset
SELECT is(says('SELECT healthlake_fhir_' || call), said, call) FROM (VALUES
	('create(digits())', 'body of CreateResource is too large | It has more than 5242880 bytes; HealthLake accepts 5242880.'),
	('update(digits())', 'body of UpdateResource is too large | It has more than 5242880 bytes; HealthLake accepts 5242880.'),
	('update_where(digits(), ''{"identifier": "x"}'')', 'body of UpdateResource is too large | It has more than 5242880 bytes; HealthLake accepts 5242880.'),
	('patch(''Patient'', ''x'', jsonb_build_array(digits()))', 'body of PatchResource is too large | It has more than 5242880 bytes; HealthLake accepts 5242880.'),
	('validate(digits())', 'body of ValidateResource is too large | It has more than 5242880 bytes; HealthLake accepts 5242880.'),
	('validate(digits(), ''http://example.com/p'')', 'body of ValidateResource is too large | It has more than 5242880 bytes; HealthLake accepts 5242880.'),
	('operation(''Patient/$lastn'', digits())', 'body of FHIROperation is too large | It has more than 5242880 bytes; HealthLake accepts 5242880.'),
	('operation(''Patient/$lastn'', digits(), method => ''GET'')', 'search parameters are too large | They have more than 5242880 bytes as JSON.'),
	('update_where(''{"resourceType": "Patient"}'', digits())', 'search parameters are too large | They have more than 5242880 bytes as JSON.'),
	('search(''Patient'', digits())', 'search parameters are too large | They have more than 5242880 bytes as JSON.'),
	('count(''Patient'', digits())', 'search parameters are too large | They have more than 5242880 bytes as JSON.'),
	('delete_where(''Patient'', digits(), 1)', 'search parameters are too large | They have more than 5242880 bytes as JSON.'),
	('bundle(jsonb_build_array(jsonb_build_object(''method'', ''PUT'', ''url'', ''Patient/digits'', ''resource'', digits())))', 'body of ProcessBundle is too large | It has more than 20971520 bytes; HealthLake accepts 5242880.'),
	('enqueue_create(digits())', 'body of UpdateResource is too large | It has more than 5242880 bytes; HealthLake accepts 5242880.'),
	('enqueue_update(digits())', 'body of UpdateResource is too large | It has more than 5242880 bytes; HealthLake accepts 5242880.'),
	('enqueue_patch(''Patient'', ''x'', jsonb_build_array(digits()))', 'body of PatchResource is too large | It has more than 5242880 bytes; HealthLake accepts 5242880.'),
	('enqueue_bundle(jsonb_build_array(digits()))', 'body of ProcessBundle is too large | It has more than 20971520 bytes; HealthLake accepts 5242880.'),
	('enqueue(''PUT'', ''Patient/digits'', digits())', 'body of UpdateResource is too large | It has more than 5242880 bytes; HealthLake accepts 5242880.'),
	('enqueue(''PUT'', ''Patient/x'', ''{"resourceType": "Patient", "id": "x"}'', digits())', 'argument "headers" is too large')) AS v (call, what),
	LATERAL concat(CASE WHEN what ~ 'headers' THEN '22023 ' ELSE '54000 ' END, what) AS said;
SELECT cmp_ok(peak() - :peak, '<', 100, 'what is too large is not written before it is refused');
-- a body that no reply could be read with

SELECT is(says('SELECT healthlake_fhir_' || call), '54001 body of ' || operation || ' is nested too deeply | It has 129 levels of objects and arrays; a resource can have 128.'
	|| ' | A FHIR resource has few levels: look for a loop in what builds it.', call)
  FROM (VALUES ('create(nested(129))', 'CreateResource'), ('update(nested(129))', 'UpdateResource'), ('update_where(nested(129), ''{"identifier": "x"}'')', 'UpdateResource'),
	($$patch('Patient', 'deep', jsonb_build_array(nested(128)))$$, 'PatchResource'), ('validate(nested(129))', 'ValidateResource')) AS v (call, operation);
SELECT is((raised($$SELECT healthlake_fhir_create(NULL)$$)).sqlstate, '22004', 'null');
BEGIN READ ONLY;
SELECT is((raised('SELECT healthlake_fhir_' || call)).sqlstate, '25006', 'in a transaction that only reads: ' || call)
  FROM unnest(ARRAY[$$create('{"resourceType": "Patient"}')$$, $$update('{"resourceType": "Patient", "id": "x"}')$$, $$delete('Patient', 'x')$$,
	$$patch('Patient', 'x', '[]')$$, $$update_where('{"resourceType": "Patient"}', '{"gender": "x"}')$$]) AS call;
COMMIT;
SELECT is(count(*), :before::bigint, 'nothing was sent') FROM emulator_log();

-- What has the most levels is stored and can be read

SELECT is(created.existed, false, 'created') FROM healthlake_fhir_create(nested(128) - 'id') AS created;
SELECT is(id, 'deep', 'replaced') FROM healthlake_fhir_update(nested(128));
SELECT is(healthlake_fhir_read('Patient', 'deep') - 'meta', nested(128), 'read');
SELECT is(count(*), 2::bigint, 'found') FROM healthlake_fhir_search('Patient') AS found WHERE found.resource -> 'x' = nested(128) -> 'x';
SELECT is(b.resource #> '{entry,0,resource,x}', nested(128) -> 'x', 'and found in a batch') FROM healthlake_fhir_bundle('[{"method": "GET", "url": "Patient?_id=deep"}]', 'batch') AS b;

-- the SQLSTATE of each status

SET healthlake.max_attempts = 1;
SELECT is(says(call, jsonb_build_object('status', status, 'body', jsonb_build_object('resourceType', 'OperationOutcome',
	'issue', jsonb_build_array(jsonb_build_object('severity', 'error', 'code', code))))), sqlstate, format('%s %s: %s', status, code, call))
  FROM (VALUES (400, 'invalid', 1, '22023'), (422, 'invariant', 1, '22023'), (401, 'login', 1, '38X01'), (403, 'forbidden', 1, '42501'),
	(409, 'conflict', 1, '55006'), (412, 'conflict', 1, '38V01'), (412, 'multiple-matches', 1, '21000'), (413, 'too-long', 1, '54000'),
	(405, 'not-supported', 1, '38U01'), (415, 'invalid', 1, '38U01'), (501, 'invalid', 1, '38U01'), (400, 'not-supported', 1, '38U01'),
	(429, 'throttled', 1, '38T01'), (404, 'not-found', 2, '42704'), (410, 'deleted', 2, '42704'), (500, 'exception', 2, '38M01'),
	(503, 'transient', 2, '38M01'), (500, 'exception', 3, '38S01'), (404, 'not-found', 3, NULL), (410, 'deleted', 3, NULL)) AS v (status, code, which, sqlstate),
	LATERAL (SELECT unnest((ARRAY[ARRAY[$$update('{"resourceType": "Patient", "id": "p1"}', '1')$$, $$read('Patient', 'p1')$$],
		ARRAY[$$update('{"resourceType": "Patient", "id": "p1"}', '1')$$, $$patch('Patient', 'p1', '[]')$$],
		ARRAY[$$read('Patient', 'p1')$$, $$read('Patient', 'p1', '1')$$]])[which:which])) AS c (call);
SELECT is(says($$read('Patient', 'p1')$$, jsonb_build_object('error', code, 'status', status)), sqlstate, code)
  FROM (VALUES ('AccessDeniedException', 403, '42501'), ('ExpiredTokenException', 403, '38X01'), ('SignatureDoesNotMatch', 403, '38X01'),
	('ResourceNotFoundException', 404, '42704'), ('ThrottlingException', 429, '38T01')) AS v (code, status, sqlstate);

-- text quoted in a reply is only shown to the session itself

SELECT emulator_next('{"status": 400, "body": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid", "diagnostics": "Zaphod", "details": {"text": "Zaphod"}, "expression": ["Patient.birthDate"]}]}}') \g /dev/null
SELECT is_row(ROW(sqlstate, message, detail ~ 'resource Patient/p1, issue code invalid, expression Patient.birthDate, HTTP status 400', hint ~ 'healthlake_last_call', concat(message, detail, hint) ~ 'Zaphod'),
	ROW('22023', 'AWS refused UpdateResource: invalid', true, true, false), 'an error tells where, and not what')
  FROM raised($$SELECT healthlake_fhir_update('{"resourceType": "Patient", "id": "p1"}')$$);
SELECT is(reply #>> '{issue,0,diagnostics}', 'Zaphod', 'the last call has it') FROM healthlake_last_call();

SELECT is(substring((raised($$SELECT healthlake_fhir_create('{"resourceType": "Patient"}')$$)).detail, 'issue code .*, HTTP'), want, step::text)
  FROM (VALUES ('Patient.name[0].extension(''x'')', 'invalid', 'issue code invalid, HTTP'), (E'Patient.name\nSmith', 'invalid', 'issue code invalid, HTTP'), ('Patient.name.where(family=Smith)', 'invalid', 'issue code invalid, HTTP'),
	('Patient.ofType(x).$this[0]:a-b_c', 'Mr. Smith', 'issue code unknown, expression Patient.ofType(x).$this[0]:a-b_c, HTTP')) AS v (expression, code, want),
	LATERAL jsonb_build_object('status', 400, 'body', jsonb_build_object('resourceType', 'OperationOutcome', 'issue', jsonb_build_array(jsonb_build_object('severity', 'error', 'code', code, 'expression', jsonb_build_array(expression))))) AS step,
	emulator_next(step) AS told;

-- many

SELECT healthlake_fhir_update(jsonb_build_object('resourceType', 'Patient', 'id', 'm' || n)) FROM generate_series(1, 20) AS n \g /dev/null
SELECT healthlake_fhir_delete('Patient', 'm7') \g /dev/null
SELECT is(count(*), 22::bigint, 'many at once, in order') FROM healthlake_fhir_read_many('Patient',
	ARRAY(SELECT 'm' || n FROM generate_series(1, 22) AS n)) AS r
 WHERE id = 'm' || ordinal AND sqlstate IS NULL AND message IS NULL AND status = CASE WHEN ordinal = 7 THEN 410 WHEN ordinal > 20 THEN 404 ELSE 200 END
   AND (resource ->> 'id' = id) IS NOT DISTINCT FROM CASE WHEN status = 200 THEN true END;
SELECT emulator_next('{"status": 500, "body": ""}') \g /dev/null
SELECT is(count(*) FILTER (WHERE sqlstate = '38S01'), 1::bigint, 'one that fails is a row') FROM healthlake_fhir_read_many('Patient', '{m1,m2,m3}');
SELECT is((raised($$SELECT * FROM healthlake_fhir_read_many('Patient', '{m1,..}')$$)).sqlstate, '22023', 'all ids are checked first');
SELECT is(count(*), 0::bigint, 'of no ids there are no rows') FROM healthlake_fhir_read_many('Patient', '{}');

-- privileges

SET healthlake.allowed_datastores = '00000000000000000000000000000000';
SELECT is((raised($$SELECT healthlake_fhir_read('Patient', 'p1')$$)).sqlstate, '42501', 'a data store that is not allowed');
RESET healthlake.allowed_datastores;
SET healthlake.require_bearer_token = on;
SELECT is((raised($$SELECT healthlake_fhir_read('Patient', 'p1')$$)).sqlstate, '42501', 'a token is required');
SET healthlake.bearer_token = 'abc.DEF-123~_+/==';
SELECT emulator_next('{"status": 200, "body": {"resourceType": "Patient", "id": "p1"}}') \g /dev/null
SELECT is(healthlake_fhir_read('Patient', 'p1') ->> 'id', 'p1', 'and given');
SELECT is_row(ROW(headers ->> 'authorization', headers ? 'x-amz-date'), ROW('Bearer abc.DEF-123~_+/==', false), 'it is sent in place of a signature') FROM last_sent();
SELECT is(current_setting('healthlake.bearer_token'), '****************', 'and masked');
SELECT is((raised(format('SET healthlake.bearer_token = %L', token))).sqlstate, '22023', 'what is no token is refused')
  FROM unnest(ARRAY['a b', '=', 'a=b', E'a\nb', 'ä', 'a"', '****************']) AS token;
RESET healthlake.bearer_token;
RESET healthlake.require_bearer_token;

-- who may write sees no resource of others without the right to read

SELECT gen_random_uuid() AS key \gset
SELECT id AS made FROM healthlake_fhir_create('{"resourceType": "Patient"}', :'key') \gset
SELECT healthlake_fhir_update(jsonb_build_object('resourceType', 'Patient', 'id', id, 'gender', 'other')) FROM unnest(ARRAY['secret', :'made']) AS id \g /dev/null
CREATE ROLE fhir_blind;
CREATE ROLE fhir_both;
SELECT healthlake_grant('fhir_blind', 'fhir_write'), healthlake_grant('fhir_both', 'fhir_write', 'fhir_read') \g /dev/null
SELECT arrived('fhir:read') AS reads \gset
SET healthlake.audit_reads = on;
SET ROLE fhir_blind;
SELECT type, id, version_id, last_updated IS NOT NULL AS dated, resource IS NULL AS hidden FROM healthlake_fhir_patch('Patient', 'secret', '[]') \gset patched_
SELECT id, existed, resource IS NULL AS hidden FROM healthlake_fhir_create('{"resourceType": "Patient"}', :'key') \gset again_
SELECT id, version_id, resource ->> 'id' AS own FROM healthlake_fhir_update('{"resourceType": "Patient", "id": "blind"}') \gset updated_
SELECT resource ->> 'gender' AS own FROM healthlake_fhir_update_where('{"resourceType": "Patient", "gender": "unknown"}', '{"gender": "unknown"}') \gset where_
SELECT string_agg(concat(status, id, version_id, resource ->> 'id'), ' ' ORDER BY ordinal) AS all FROM healthlake_fhir_bundle('[{"method": "PATCH", "url": "Patient/secret", "resource": []},
	{"method": "PUT", "url": "Patient/blind", "resource": {"resourceType": "Patient", "id": "blind"}}]', 'batch') \gset bundle_
RESET ROLE;
RESET healthlake.audit_reads;
SELECT is_row(ROW(:'patched_type', :'patched_id', :'patched_version_id', :'patched_dated', :'patched_hidden'), ROW('Patient', 'secret', '2', 't', 't'), 'a patch shows nothing to who may not read');
SELECT is_row(ROW(:'again_id', :'again_existed', :'again_hidden', arrived('fhir:read') - :reads), ROW(:'made', 't', 't', 0::bigint), 'nor is what a key has created read for them');
SELECT is_row(ROW(:'updated_id', :'updated_version_id', :'updated_own', :'where_own'), ROW('blind', '1', 'blind', 'unknown'), 'an update gives what was written');
SELECT is(:'bundle_all'::text, '200secret3 200blind2blind', 'as do the entries of a bundle');
SELECT is(count(*), 0::bigint, 'so nothing is to be accounted for') FROM healthlake_event WHERE "current_role" = 'fhir_blind' AND resource_count IS NOT NULL;
SET ROLE fhir_both;
SELECT resource ->> 'gender' AS gender FROM healthlake_fhir_patch('Patient', 'secret', '[]') \gset patched_
SELECT version_id, resource ->> 'gender' AS gender FROM healthlake_fhir_create('{"resourceType": "Patient"}', :'key') \gset again_
SELECT resource ->> 'gender' AS gender FROM healthlake_fhir_bundle('[{"method": "PATCH", "url": "Patient/secret", "resource": []}]', 'batch') \gset bundle_
RESET ROLE;
SELECT is_row(ROW(:'patched_gender', :'again_version_id', :'again_gender', :'bundle_gender'), ROW('other', '2', 'other', 'other'), 'who may read as well is given all of it');
DROP OWNED BY fhir_blind, fhir_both;
DROP ROLE fhir_blind, fhir_both;

-- what a key has created, and the reply does not tell

SELECT emulator_next(jsonb_build_object('operation', 'fhir:create', 'status', 409, 'headers', jsonb_build_object('Location', 'https://evil.example/Patient/1'), 'body',
	'{"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "duplicate"}]}'::jsonb)) \g /dev/null
SELECT is_row(ROW(sqlstate, hint), ROW('38M01'::text, 'The resource exists: search for it. A call with another idempotency key would create a second one.'::text), 'is searched for, since a repetition tells no more')
  FROM raised($$ SELECT healthlake_fhir_create('{"resourceType": "Patient"}') $$);

-- data stores

SELECT is(says(format('SELECT healthlake_fhir_read(''Patient'', ''p1'', datastore_id => %L)', id)), '22023 invalid data store id "' || id || '" | A data store id has 32 lower-case hexadecimal digits.', 'a data store ' || id)
  FROM unnest(ARRAY['', 'x', repeat('G', 32)]) AS id;
SELECT finish();
