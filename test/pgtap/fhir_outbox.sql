-- What the functions that enqueue FHIR requests refuse, and what a person can do about one.

\ir queue_setup.sql
-- a data store that does not exist: what is sent is refused for good
\set store 0123456789abcdef0123456789abcdef
ALTER DATABASE :"DBNAME" SET healthlake.datastore_id = :'store';
\c
\ir emulator.sql
SELECT no_plan();

-- What is enqueued

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
	($$SELECT healthlake_fhir_enqueue('POST', 'Patient/1/$purge', '{}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue('PUT', 'Patient/1', '{"resourceType": "Patient", "id": "1"}', '{"Authorization": "x"}')$$, '22023'),
	($$SELECT healthlake_fhir_enqueue_create(jsonb_build_object('resourceType', 'Patient', 'language', repeat('x', 5300000)))$$, '54000')
) AS t (call, wanted), LATERAL raised(call) AS r;

-- Who may, and with whose rights

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
SELECT is((raised($$SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "1"}')$$)).sqlstate, '42501', 'where a token is required, no role enqueues by itself');
RESET ROLE;
RESET healthlake.require_bearer_token;

-- Cancel, retry, resolve

SELECT healthlake_cancel_request(:id) \g /dev/null
SELECT is((state, body IS NULL, body_sha256 IS NULL)::text, '(cancelled,t,f)', 'what is cancelled has no body any more') FROM healthlake_request WHERE id = :id;
SELECT is(says(format('SELECT healthlake_retry_request(%s)', :id)), format('55000 request %s cannot be retried: its body was removed | The body is kept until a request has succeeded or was cancelled, resolved or retried.', :id), 'and cannot be retried');
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "failing"}') AS first \gset
CALL drain(:first);
SELECT is((state, error_sqlstate, body IS NULL)::text, '(failed,42704,f)', 'what has failed keeps its body') FROM healthlake_request WHERE id = :first;
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

-- Another fence

SET healthlake.fence = 'old';
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "fenced"}') AS old \gset
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "fenced", "active": true}') AS older \gset
RESET healthlake.fence;
SELECT healthlake_fhir_enqueue_bundle('[{"method": "DELETE", "url": "Patient/fenced"}]') AS bundle \gset
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "fenced"}') AS new \gset
SELECT is(says(format('SELECT healthlake_retry_request(%s)', :old)), format('55000 request %s cannot be retried: the later request %s writes the same resource | A retry would replace newer data by older. | Enqueue the current state of the resource instead.', :old, :bundle), 'what is of another fence is not taken over after a later one of its resource');
CALL drain(:new);
SELECT is(count(*), 2::bigint, 'and does not hold it back') FROM healthlake_request WHERE id IN (:bundle, :new) AND finished_at IS NOT NULL;
SELECT is((raised(format('SELECT healthlake_retry_request(%s)', :old))).sqlstate, NULL, 'what waits behind it in its own fence does not keep it from being taken over');
SELECT is((raised(format('SELECT healthlake_retry_request(%s)', :older))).sqlstate, NULL, 'and follows it');
UPDATE healthlake_request SET run_after = now() - interval '10 minutes' WHERE id IN (:old, :older);
SELECT is(array_agg(reason ORDER BY id), ARRAY['nobody takes it: no worker runs, and nobody calls healthlake_run_queue()', format('it waits for request %s of the same resource', :old)], 'what is stuck for its turn says so') FROM healthlake_stuck_requests WHERE id IN (:old, :older);
SELECT healthlake_cancel_request(id) FROM unnest(ARRAY[:old, :older]::bigint[]) AS id \g /dev/null

-- A success that does not answer the request

SELECT emulator_next('{"operation": "fhir:update", "about": "Patient/q2", "status": 200, "body": {"resourceType": "Patient", "id": "SOMEBODY-ELSE"}}') \g /dev/null
SELECT emulator_next('{"operation": "fhir:bundle", "about": "Patient/q3", "status": 200, "body": {"resourceType": "Bundle", "type": "transaction-response"}}') \g /dev/null
SELECT emulator_next('{"operation": "fhir:bundle", "about": "Patient/q4", "status": 200, "body": {"resourceType": "Bundle", "type": "transaction-response", "entry": [{"response": {"status": "422"}}]}}') \g /dev/null
SELECT healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "q2"}') AS q2,
	healthlake_fhir_enqueue_bundle('[{"method": "PUT", "url": "Patient/q3", "resource": {"resourceType": "Patient", "id": "q3"}}]') AS q3,
	healthlake_fhir_enqueue_bundle('[{"method": "PUT", "url": "Patient/q4", "resource": {"resourceType": "Patient", "id": "q4"}}]') AS q4 \gset
CALL healthlake_run_queue();
SELECT is_row(ROW(state = 'succeeded', body IS NULL, response), ROW(false, false, NULL::jsonb), operation || ' that is not answered has not succeeded, and keeps its body')
  FROM healthlake_request WHERE id IN (:q2, :q3, :q4) ORDER BY id;

SELECT * FROM finish();
ALTER DATABASE :"DBNAME" RESET healthlake.datastore_id;
DROP FUNCTION trusted();
DROP OWNED BY healthlake_writer, healthlake_deleter;
DROP ROLE healthlake_writer, healthlake_deleter;
