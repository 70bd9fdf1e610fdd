-- Refusals of the functions that enqueue FHIR requests, and the functions for users.

\ir queue_setup.sql
-- a data store that does not exist: requests fail permanently
\set store 0123456789abcdef0123456789abcdef
ALTER DATABASE :"DBNAME" SET healthlake.datastore_id = :'store';
\c
\ir emulator.sql
SELECT no_plan();

-- Rows

SELECT healthlake_fhir_enqueue_create('{"resourceType": "Patient", "active": true}') AS id \gset
SELECT ok((resource_id ~ '^[0-9a-f-]{36}$' AND body ->> 'id' = resource_id), 'a resource without an id is given one')
  FROM healthlake_request WHERE id = :id;
SELECT is(request - 'path', '{"method": "PUT", "headers": {"If-None-Match": "*"}}', 'it is put where there is none') FROM healthlake_request WHERE id = :id;
SELECT is((operation, kind, resource_type, datastore_id)::text, ('UpdateResource', 'fhir', 'Patient', :'store')::text, 'the row says what it is') FROM healthlake_request WHERE id = :id;
SELECT is(body_sha256, sha256(convert_to(body::text, 'UTF8')), 'and has the hash of the body') FROM healthlake_request WHERE id = :id;
SELECT ok(NOT EXISTS (SELECT FROM healthlake_event AS e WHERE e::text ~ 'active'), 'the history has no body');
SELECT is(request ->> 'path', 'Patient/' || resource_id, 'but the place') FROM healthlake_request WHERE id = :id;
SELECT healthlake_fhir_enqueue_create('{"resourceType": "AuditEvent", "id": "x"}') AS audit \gset
SELECT is((operation, resource_id, request ->> 'method', request ->> 'path')::text, ('CreateResource', NULL::text, 'POST', 'AuditEvent')::text, 'an AuditEvent is posted') FROM healthlake_request WHERE id = :audit;
SELECT ok(client_token IS NOT NULL, 'with a key') FROM healthlake_request WHERE id = :audit;
SELECT healthlake_fhir_enqueue('PATCH', 'Patient/1', '[{"op": "remove", "path": "/active"}]', '{"if-match": "3"}') AS patch \gset
SELECT is(request, '{"path": "Patient/1", "method": "PATCH", "headers": {"If-Match": "W/\"3\""}}', 'headers are written as FHIR has them') FROM healthlake_request WHERE id = :patch;
SELECT healthlake_fhir_enqueue('POST', 'Patient', '{"resourceType": "Patient", "id": "posted"}') AS post \gset
SELECT is(request ->> 'method', 'PUT', 'a POST of a resource is a creation under an id, too') FROM healthlake_request WHERE id = :post;
SELECT healthlake_fhir_enqueue('POST', '', '{"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "DELETE", "url": "Patient/gone"}}, {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}}]}') AS bundle \gset
SELECT is((operation, resource_id, cardinality(resources), resources[1], request #>> '{entries,0}')::text, ('ProcessBundle', NULL::text, 2, 'Patient/gone', 'DELETE Patient/gone')::text, 'a bundle says what it writes') FROM healthlake_request WHERE id = :bundle;

-- Refusals

SELECT is(r.sqlstate, wanted, left(call, 120)) FROM (VALUES
	($$SELECT healthlake_fhir_enqueue_create('{"resourceType": "Patien", "active": 1}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_create('{"active": 1}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_create('[]')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_create(NULL)$$, '22004'),
	($$SELECT healthlake_fhir_enqueue_create('{"resourceType": "Patient", "id": "../x"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_create('{"resourceType": "Patient", "id": 1}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_create('{"resourceType": "Patient", "meta": {"tag": [{"code": "SUBSETTED"}]}}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_create('{"resourceType": "Patient"}', validation => 'none')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_create('{"resourceType": "Patient"}', datastore_id => 'x')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_create('{"resourceType": "Patient"}', run_after => 'infinity')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_update('{"resourceType": "AuditEvent", "id": "1"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "1"}', if_match => '1', only_new => true)$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "1"}', if_match => 'a b')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_patch('Patient', '1', '{}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_patch('Patient', '', '[]')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_delete('Patient', NULL)$$, '22004'),
	($$SELECT healthlake_fhir_enqueue_delete('Patient', '..')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_delete('AuditEvent', '1')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_bundle('[{"method": "GET", "url": "Patient/1"}]')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_bundle('[{"method": "DELETE", "url": "Patient?name=x"}]')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('GET', 'Patient/1')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('PUT', 'Patient?name=x', '{"resourceType": "Patient"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('PUT', 'Patient/1', '{"resourceType": "Patient", "id": "2"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('PUT', 'Patient/1', '{"resourceType": "Observation", "id": "1"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('PUT', 'Patient/1')$$, '22004'),
	($$SELECT healthlake_fhir_enqueue('DELETE', 'Patient/1', '{}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('DELETE', 'Patient/1', headers => '{"If-None-Match": "*"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('POST', 'Patient', '{"resourceType": "Patient"}', '{"If-Match": "1"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('PUT', 'Patient/1', '{"resourceType": "Patient", "id": "1"}', '{"If-Match": "1", "if-match": "2"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('PUT', 'Patient/1', '{"resourceType": "Patient", "id": "1"}', '{"If-None-Match": "*", "IF-NONE-MATCH": "*"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('POST', 'Patient/1/$purge', '{}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('PUT', 'Patient/1', '{"resourceType": "Patient", "id": "1"}', '{"Authorization": "x"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_create(jsonb_build_object('resourceType', 'Patient', 'language', repeat('x', 5300000)))$$, '54000'),
	('SELECT healthlake_fhir_enqueue_create(nested(129))', '54001'), ('SELECT healthlake_fhir_enqueue_update(nested(129))', '54001'),
	($$SELECT healthlake_fhir_enqueue_patch('Patient', 'deep', jsonb_build_array(nested(128)))$$, '54001'),
	($$SELECT healthlake_fhir_enqueue_bundle(jsonb_build_array(jsonb_build_object('method', 'PUT', 'url', 'Patient/deep', 'resource', nested(129))))$$, '54001')
) AS t (call, wanted), LATERAL raised(call) AS r;

-- Privileges

SET healthlake.bearer_token = 'abc.def';
SELECT is(says($$SELECT healthlake_fhir_enqueue_delete('Patient', '1')$$), '55000 a FHIR request cannot be enqueued while healthlake.bearer_token is set | It would be sent with the privileges of the server, not with those of the token. | A trigger function of a trusted role can have SET healthlake.bearer_token TO ''''.', 'with a token nothing is enqueued');
CREATE FUNCTION trusted() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET healthlake.bearer_token TO '' AS $$ SELECT healthlake_fhir_enqueue_delete('Patient', 'trusted') $$;
SELECT ok(trusted() > 0, 'but by a function that takes it away');
RESET healthlake.bearer_token;
SET healthlake.allowed_datastores = 'ffffffffffffffffffffffffffffffff';
SELECT is((raised($$SELECT healthlake_fhir_enqueue_delete('Patient', '1')$$)).sqlstate, '42501', 'nor for a data store that is not allowed');
RESET healthlake.allowed_datastores;
CREATE ROLE healthlake_writer;
CREATE ROLE healthlake_deleter;
SELECT healthlake_grant('healthlake_writer', 'fhir_write'), healthlake_grant('healthlake_deleter', 'fhir_delete') \g /dev/null
SET SESSION AUTHORIZATION healthlake_writer;
SELECT is((raised($$SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "1"}')$$)).sqlstate, NULL, 'fhir_write lets a role write');
SELECT is((raised($$SELECT healthlake_fhir_enqueue_delete('Patient', '1')$$)).sqlstate, '42501', 'and not delete');
SELECT is((raised($$SELECT healthlake_fhir_enqueue('DELETE', 'Patient/1')$$)).sqlstate, '42501', 'by no door');
SELECT is((raised($$SELECT healthlake_fhir_enqueue_bundle('[{"method": "DELETE", "url": "Patient/1"}]')$$)).sqlstate, '42501', 'by no bundle');
SET SESSION AUTHORIZATION healthlake_deleter;
SELECT is((raised($$SELECT healthlake_fhir_enqueue_delete('Patient', '1')$$)).sqlstate, NULL, 'fhir_delete lets a role delete');
SELECT is((raised($$SELECT healthlake_fhir_enqueue('PUT', 'Patient/1', '{"resourceType": "Patient", "id": "1"}')$$)).sqlstate, '42501', 'and not write');
RESET SESSION AUTHORIZATION;
SET healthlake.require_bearer_token = on;
SET ROLE healthlake_writer;
SELECT is((raised($$SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "1"}')$$)).sqlstate, '42501', 'if a token is required, no role can enqueue');
RESET ROLE;
CREATE ROLE healthlake_trusted;
CREATE ROLE healthlake_hand;
CREATE ROLE healthlake_crew NOINHERIT;
GRANT healthlake_writer TO healthlake_crew;
GRANT healthlake_crew TO healthlake_hand;
SELECT healthlake_grant('healthlake_trusted', 'fhir_write') \g /dev/null
CREATE FUNCTION of_trusted() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "1"}') $$;
ALTER FUNCTION of_trusted() OWNER TO healthlake_trusted;
SET SESSION AUTHORIZATION healthlake_writer;
SELECT is((raised('SELECT of_trusted()')).sqlstate, NULL, 'but by a function of another role');
CREATE FUNCTION pg_temp.of_writer() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT public.healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "1"}') $$;
SELECT is((raised('SELECT pg_temp.of_writer()')).sqlstate, '42501', 'not by its own');
SET SESSION AUTHORIZATION healthlake_hand;
SET ROLE healthlake_writer;
CREATE FUNCTION pg_temp.of_group() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT public.healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "1"}') $$;
RESET ROLE;
SELECT is((raised('SELECT pg_temp.of_group()')).sqlstate, '42501', 'nor by one of a role that it is a member of');
SET ROLE healthlake_crew;
SELECT is((raised('SELECT pg_temp.of_group()')).sqlstate, '42501', 'whichever role is set');
RESET SESSION AUTHORIZATION;
GRANT healthlake_trusted TO healthlake_hand;
SET SESSION AUTHORIZATION healthlake_hand;
SET ROLE healthlake_crew;
SELECT is((raised('SELECT of_trusted()')).sqlstate, '42501', 'as long as the login is a member');
RESET SESSION AUTHORIZATION;
SELECT is((raised('SELECT of_trusted()')).sqlstate, NULL, 'a superuser is a member of none');
RESET healthlake.require_bearer_token;

-- Cancel, retry, resolve

SELECT healthlake_cancel_request(:id) \g /dev/null
SELECT is((state, body IS NULL, body_sha256 IS NULL)::text, '(cancelled,t,f)', 'what is cancelled has no body any more') FROM healthlake_request WHERE id = :id;
SELECT is(says(format('SELECT healthlake_retry_request(%s)', :id)), format('55000 request %s cannot be retried: its body was removed | The body is kept until a request has succeeded or was cancelled, resolved or retried.', :id), 'and cannot be retried');
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "failing"}') AS first \gset
CALL drain(:first);
SELECT is((state, error_sqlstate, body IS NULL)::text, '(failed,42704,f)', 'what has failed keeps its body') FROM healthlake_request WHERE id = :first;
SELECT emulator_next('{"operation": "fhir:delete", "status": 404, "headers": {"x-amzn-ErrorType": "ResourceNotFoundException"}, "body": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]}}') \g /dev/null
SELECT healthlake_fhir_enqueue_delete('Patient', 'kept') AS delete \gset
CALL drain(:delete);
SELECT is((state, error_sqlstate)::text, '(failed,42704)', 'where there is no data store nothing was deleted') FROM healthlake_request WHERE id = :delete;
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "failing"}', if_match => '1') AS second \gset
SELECT is(says(format('SELECT healthlake_retry_request(%s)', :first)), format('55000 request %s cannot be retried: the later request %s writes the same resource | A retry would replace newer data by older. | Enqueue the current state of the resource instead.', :first, :second), 'it is not retried after a later one of its resource');
SELECT healthlake_cancel_request(:second) \g /dev/null
SELECT healthlake_fhir_enqueue_bundle('[{"method": "DELETE", "url": "Patient/failing"}]') AS second \gset
SELECT is((raised(format('SELECT healthlake_retry_request(%s)', :first))).sqlstate, '55000', 'nor after a bundle that writes it');
SELECT healthlake_cancel_request(:second) \g /dev/null
SELECT healthlake_retry_request(:first) AS again \gset
SELECT is((old.body, new.body ->> 'id', new.body_sha256 = old.body_sha256, new.resource_id, new.datastore_id)::text, (NULL::jsonb, 'failing', true, 'failing', :'store')::text, 'a retry takes the body over') FROM healthlake_request AS old, healthlake_request AS new WHERE old.id = :first AND new.id = :again;
CALL drain(:again);
SELECT is(count(*), 0::bigint, 'none is under way') FROM healthlake_request WHERE finished_at IS NULL;
SELECT is((raised(format('SELECT healthlake_retry_request(%s)', :first))).sqlstate, '55000', 'what was retried is not retried again');

-- Stored with validation issues

\set outcome '{"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "code-invalid", "diagnostics": "Kivi", "details": {"text": "Kivi"}, "expression": ["Patient.gender", "x"]}, {"severity": "Kivi", "code": "Ki vi", "expression": ["Patient.where(name=''Kivi'')"]}]}'
SELECT emulator_next(jsonb_build_array(jsonb_build_object('operation', 'fhir:update', 'status', 200, 'headers', '{"ETag": "W/\"4\"", "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT"}'::jsonb, 'body', :'outcome'::jsonb),
	jsonb '{"operation": "fhir:create", "status": 201, "headers": {"Location": "AuditEvent/a1/_history/1", "x-amzn-healthlake-validation-issues": "true"}, "body": {"resourceType": "OperationOutcome"}}',
	jsonb '{"operation": "fhir:bundle", "status": 200, "body": {"resourceType": "Bundle", "type": "transaction-response", "entry": [{"response": {"status": "200", "outcome": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "invariant"}]}}}]}}')) \g /dev/null
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "issues"}') AS put, healthlake_fhir_enqueue_create('{"resourceType": "AuditEvent"}') AS post,
	healthlake_fhir_enqueue_bundle('[{"method": "PUT", "url": "Patient/x", "resource": {"resourceType": "Patient", "id": "x"}}]') AS sent \gset
CALL drain(:sent);
SELECT is((state, version_id, response)::text, ('succeeded', '4', '{"resourceType": "Patient", "id": "issues", "versionId": "4", "lastUpdated": "2024-01-02T03:04:05+00:00", "issues": [{"severity": "warning", "code": "code-invalid", "expression": "Patient.gender"}, {}]}'::jsonb)::text, 'the issues, without a value') FROM healthlake_request WHERE id = :put;
SELECT is((state, resource_id, version_id, response -> 'issues')::text, ('succeeded', 'a1', '1', '[]'::jsonb)::text, 'the id that HealthLake has assigned') FROM healthlake_request WHERE id = :post;
SELECT is(array_agg(note)::text, '{"stored with validation issues"}', 'and the note of the header') FROM healthlake_event WHERE request_id = :post AND note ~ 'validation';
SELECT is(response #>> '{entry,0,issues,0,code}', 'invariant', 'those of an entry') FROM healthlake_request WHERE id = :sent;

-- Another fence

SET healthlake.fence = 'old';
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "fenced"}') AS old \gset
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "fenced", "active": true}') AS older \gset
RESET healthlake.fence;
SELECT healthlake_fhir_enqueue_bundle('[{"method": "DELETE", "url": "Patient/fenced"}]') AS bundle \gset
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "fenced"}') AS new \gset
SELECT is(says(format('SELECT healthlake_retry_request(%s)', :old)), format('55000 request %s cannot be retried: the later request %s writes the same resource | A retry would replace newer data by older. | Enqueue the current state of the resource instead.', :old, :bundle), 'a request of another fence is not taken over after a later one of its resource');
CALL drain(:new);
SELECT is(count(*), 2::bigint, 'and does not hold it back') FROM healthlake_request WHERE id IN (:bundle, :new) AND finished_at IS NOT NULL;
SELECT is((raised(format('SELECT healthlake_retry_request(%s)', :old))).sqlstate, NULL, 'what waits behind it in its own fence does not keep it from being taken over');
SELECT is((raised(format('SELECT healthlake_retry_request(%s)', :older))).sqlstate, NULL, 'and follows it');
UPDATE healthlake_request SET run_after = now() - interval '10 minutes' WHERE id IN (:old, :older);
SELECT is(array_agg(reason ORDER BY id), ARRAY['nobody takes it: no worker runs, and nobody calls healthlake_run_queue()', format('it waits for request %s of the same resource', :old)], 'what is stuck for its turn says so') FROM healthlake_stuck_requests WHERE id IN (:old, :older);
SELECT healthlake_cancel_request(id) FROM unnest(ARRAY[:old, :older]::bigint[]) AS id \g /dev/null

-- A success with another resource

SELECT emulator_next('{"operation": "fhir:update", "about": "Patient/q2", "status": 200, "body": {"resourceType": "Patient", "id": "SOMEBODY-ELSE"}}') \g /dev/null
SELECT emulator_next('{"operation": "fhir:bundle", "about": "Patient/q3", "status": 200, "body": {"resourceType": "Bundle", "type": "transaction-response"}}') \g /dev/null
SELECT emulator_next('{"operation": "fhir:bundle", "about": "Patient/q4", "status": 200, "body": {"resourceType": "Bundle", "type": "transaction-response", "entry": [{"response": {"status": "422"}}]}}') \g /dev/null
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "q2"}') AS q2,
	healthlake_fhir_enqueue_bundle('[{"method": "PUT", "url": "Patient/q3", "resource": {"resourceType": "Patient", "id": "q3"}}]') AS q3,
	healthlake_fhir_enqueue_bundle('[{"method": "PUT", "url": "Patient/q4", "resource": {"resourceType": "Patient", "id": "q4"}}]') AS q4 \gset
CALL healthlake_run_queue();
SELECT is_row(ROW(state = 'succeeded', body IS NULL, response), ROW(false, false, NULL::jsonb), operation || ' that is not answered has not succeeded, and keeps its body')
  FROM healthlake_request WHERE id IN (:q2, :q3, :q4) ORDER BY id;


-- Rows whose request cannot have been enqueued, although its hash is right

CREATE TEMPORARY TABLE altered AS
SELECT row_number() OVER () AS n, what, path, value, NULL::bigint AS id FROM (VALUES
	('3000 headers', '{headers}', (SELECT jsonb_object_agg('X-' || n, 'v') FROM generate_series(1, 3000) AS n)),
	('nine headers, of which four are allowed', '{headers}', '{"If-Match": "W/\"1\"", "If-None-Match": "*", "x-amzn-healthlake-fhir-validation-level": "strict", "x-amz-fhir-history-consistency-level": "strong", "A": "", "B": "", "C": "", "D": "", "E": ""}'),
	('a header that is not allowed', '{headers,Host}', '"elsewhere"'),
	('an allowed header in other letters', '{headers,IF-MATCH}', '"*"'),
	('a header that is a number', '{headers,If-Match}', '1'),
	('a header that is an object', '{headers,If-Match}', '{}'),
	('headers in a list', '{headers}', '["*"]'),
	('headers that are a text', '{headers}', '"*"'),
	('a method that is a number', '{method}', '1'),
	('a method that is not known', '{method}', '"BREW"'),
	('a method that is null', '{method}', 'null'),
	('a path that is a number', '{path}', '1'),
	('the path of another resource', '{path}', '"Patient/other"'),
	('a path that leads elsewhere', '{path}', '"../x"'),
	('no object', '{}', '[]')
) AS t (what, path, value);
UPDATE altered SET id = healthlake_fhir_enqueue_update(jsonb_build_object('resourceType', 'Patient', 'id', 'altered' || n));
SELECT count(*) AS before FROM emulator_log() \gset
UPDATE healthlake_request AS r SET request = CASE a.path WHEN '{}' THEN a.value ELSE jsonb_set(r.request, a.path::text[], a.value) END FROM altered AS a WHERE a.id = r.id;
UPDATE healthlake_request AS r SET request_hash = sha256(convert_to(request::text, 'UTF8')) FROM altered AS a WHERE a.id = r.id;
CALL healthlake_run_queue();
SELECT is_row(ROW(r.state, r.error_sqlstate, r.error_message, r.first_sent_at), ROW('failed', '55000', 'the request is not what was enqueued', NULL::timestamptz), a.what || ' is not sent')
  FROM healthlake_request AS r JOIN altered AS a ON a.id = r.id ORDER BY a.n;
SELECT is(count(*), :before::bigint, 'and nothing else in their place') FROM emulator_log();
SELECT healthlake_fhir_enqueue('PUT', 'Patient/all', '{"resourceType": "Patient", "id": "all"}', '{"If-Match": "1", "x-amzn-healthlake-fhir-validation-level": "strict", "x-amz-fhir-history-consistency-level": "strong"}') AS all \gset
CALL drain(:all);
SELECT isnt(error_message, 'the request is not what was enqueued', 'all headers that are allowed') FROM healthlake_request WHERE id = :all;

-- What another role has put off comes first all the same: sent later, it would replace what is newer

SET SESSION AUTHORIZATION healthlake_writer;
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "held"}', run_after => now() + interval '10 minutes') AS far \gset
RESET SESSION AUTHORIZATION;
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "held"}') AS mine \gset
UPDATE healthlake_request SET run_after = now() - interval '10 minutes' WHERE id = :mine;
CALL healthlake_run_queue();
SELECT is(state, 'queued', 'a request waits for one of another role that is not due') FROM healthlake_request WHERE id = :mine;
SELECT matches(reason, '^it waits for request ' || :far, 'of which those are told who look for stuck requests') FROM healthlake_stuck_requests WHERE id = :mine;
SELECT healthlake_cancel_request(:far) \g /dev/null
CALL drain(:mine);
SELECT is(state, 'failed', 'until it is cancelled') FROM healthlake_request WHERE id = :mine;

SELECT * FROM finish();
ALTER DATABASE :"DBNAME" RESET healthlake.datastore_id;
DROP FUNCTION trusted();
DROP OWNED BY healthlake_writer, healthlake_deleter, healthlake_trusted, healthlake_hand, healthlake_crew;
DROP ROLE healthlake_writer, healthlake_deleter, healthlake_trusted, healthlake_hand, healthlake_crew;
