-- Every function of the data plane with every kind of error: one SQLSTATE by the table of errors.

\ir fhir_setup.sql
SELECT no_plan();
SET healthlake.max_attempts = 1;

-- An OperationOutcome with that issue code, and an error of AWS's own.
CREATE FUNCTION outcome(status int, code text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('status', status, 'body', jsonb_build_object('resourceType', 'OperationOutcome',
		'issue', jsonb_build_array(jsonb_build_object('severity', 'error', 'code', code)))) $$;
CREATE FUNCTION refusal(status int, code text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('status', status, 'error', code, 'message', 'no') $$;

-- The functions: whether a lost reply is an unknown outcome, and whether a missing resource is an error.
CREATE TEMPORARY TABLE door (call text, changes boolean, missing text);
INSERT INTO door VALUES
	($$read('Patient', 'p1')$$, false, NULL), ($$read('Patient', 'p1', '1')$$, false, NULL),
	($$search('Patient', '{"active": true}')$$, false, '42704'), ($$count('Patient')$$, false, '42704'),
	($$everything('p1')$$, false, '42704'), ($$history('Patient', 'p1')$$, false, '42704'), ($$history()$$, false, '42704'),
	($$capabilities()$$, false, '42704'), ($$validate('{"resourceType": "Patient"}')$$, false, '42704'),
	($$operation('ValueSet/$expand', '{"url": "x"}', 'GET')$$, false, '42704'),
	($$create('{"resourceType": "Patient"}')$$, true, '42704'),
	($$update('{"resourceType": "Patient", "id": "p1"}')$$, true, '42704'),
	($$update('{"resourceType": "Patient", "id": "p1"}', '1')$$, true, '42704'),
	($$update('{"resourceType": "Patient", "id": "p1"}', only_new => true)$$, true, '42704'),
	($$update_where('{"resourceType": "Patient"}', '{"active": true}')$$, true, '42704'),
	($$patch('Patient', 'p1', '[]')$$, true, '42704'), ($$patch('Patient', 'p1', '[]', '1')$$, true, '42704'),
	($$delete('Patient', 'p1')$$, true, NULL), ($$delete('Patient', 'p1', '1')$$, true, NULL),
	($$delete_where('Patient', '{"active": true}', 5)$$, false, '42704'),
	($$bundle('[{"method": "PUT", "url": "Patient/p1", "resource": {"resourceType": "Patient", "id": "p1"}}]')$$, true, '42704'),
	($$bundle('[{"method": "GET", "url": "Patient/p1"}]', 'batch')$$, false, '42704'),
	($$operation('Patient/$member-match', '{}')$$, true, '42704');

-- The replies; "lost" and "missing" depend on the function.
CREATE TEMPORARY TABLE answer (what text, step jsonb, sqlstate text);
INSERT INTO answer VALUES
	('400', outcome(400, 'invalid'), '22023'), ('422', outcome(422, 'invariant'), '22023'), ('413', outcome(413, 'too-long'), '54000'),
	('401', outcome(401, 'login'), '38X01'), ('401 of AWS', refusal(401, 'UnauthorizedException'), '38X01'),
	('an expired token', refusal(403, 'ExpiredTokenException'), '38X01'), ('a signature', refusal(403, 'SignatureDoesNotMatch'), '38X01'),
	('403', outcome(403, 'forbidden'), '42501'), ('403 of AWS', refusal(403, 'AccessDeniedException'), '42501'),
	('404 of the data store', refusal(404, 'ResourceNotFoundException'), '42704'),
	('404 with a message alone', '{"status": 404, "body": "{\"message\": \"no\"}"}', '42704'),
	('404 of AWS with an OperationOutcome', outcome(404, 'not-found') || '{"headers": {"x-amzn-ErrorType": "ResourceNotFoundException"}}', '42704'),
	('404 with both', '{"status": 404, "body": {"resourceType": "OperationOutcome", "message": "no", "issue": [{"severity": "error", "code": "not-found"}]}}', '42704'),
	('expired, with an OperationOutcome', outcome(403, 'forbidden') || '{"headers": {"x-amzn-ErrorType": "ExpiredTokenException:http://x/"}}', '38X01'),
	('404 of a resource', outcome(404, 'not-found'), 'missing'), ('410', outcome(410, 'deleted'), 'missing'),
	('409', outcome(409, 'conflict'), '55006'), ('412', outcome(412, 'conflict'), '38V01'), ('412 of several', outcome(412, 'multiple-matches'), '21000'),
	('405', outcome(405, 'not-supported'), '38U01'), ('415', outcome(415, 'invalid'), '38U01'), ('501', outcome(501, 'invalid'), '38U01'),
	('a parameter', outcome(400, 'not-supported'), '38U01'), ('429', outcome(429, 'throttled'), '38T01'), ('429 of AWS', refusal(429, 'ThrottlingException'), '38T01'),
	('500', outcome(500, 'exception'), '38S01 or unknown'), ('503 without a word', '{"status": 503, "body": ""}', '38S01 or unknown'),
	('no JSON', '{"status": 200, "body": "<html>"}', '38P01 or unknown'),
	('a reply that is cut', '{"status": 200, "body": "{\"resourceType\": ", "cut": -1}', '38N02 or unknown');

-- The SQLSTATE in the table for a reply to that function.
CREATE FUNCTION wanted(door, answer) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(CASE WHEN $2.sqlstate = 'missing' THEN $1.missing
		-- for this function it means several matches, regardless of the issue
		WHEN $2.what = '412' AND $1.call LIKE 'update\_where(%' THEN '21000'
		WHEN $2.sqlstate LIKE '% or unknown' AND $1.changes THEN '38M01'
		ELSE left($2.sqlstate, 5) END, 'none') $$;

-- The SQLSTATEs of a function for all replies, one after the other.
CREATE FUNCTION met(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	told text[];
	a answer;
BEGIN
	PERFORM emulator_next(jsonb_agg(step ORDER BY what)) FROM answer;
	FOR a IN SELECT * FROM answer ORDER BY what LOOP
		told := told || concat(a.what, ' ', coalesce((raised('SELECT * FROM healthlake_fhir_' || call)).sqlstate, 'none'));
	END LOOP;
	RETURN array_to_string(told, ', ');
END $$;

SELECT is(met(call), (SELECT string_agg(what || ' ' || wanted(door, answer), ', ' ORDER BY what) FROM answer), call) FROM door;

-- a link in a reply to another place is not followed or signed

-- The result of a call with each of these links, in a reply of that form, and the number of requests.
CREATE FUNCTION led(call text, form text, OUT states text[], OUT requests bigint) LANGUAGE plpgsql AS $$
DECLARE
	before bigint = arrived();
BEGIN
	PERFORM emulator_next(jsonb_agg(replace(form, '"LINK"', to_json(link)::text)::jsonb)) FROM link;
	states := ARRAY(SELECT DISTINCT (raised('SELECT * FROM healthlake_fhir_' || call)).sqlstate FROM link);
	requests := arrived() - before;
END $$;
CREATE TEMPORARY TABLE link AS SELECT replace(text, 'STORE', current_setting('healthlake.datastore_id')) AS link FROM unnest(ARRAY[
	'https://evil.example/datastore/STORE/r4/export/1', 'http://127.0.0.1:1/datastore/STORE/r4/export/1', '//evil.example/datastore/STORE/r4/export/1',
	'https://healthlake.us-east-2.amazonaws.com/datastore/STORE/r4/export/1', 'https://u@healthlake.us-east-1.amazonaws.com/datastore/STORE/r4/export/1',
	'https://healthlake.us-east-1.amazonaws.com@evil.example/datastore/STORE/r4/export/1', 'https://healthlake.us-east-1.amazonaws.com:1/datastore/STORE/r4/export/1',
	'/datastore/00000000000000000000000000000000/r4/export/1', '/datastore/STORE/r4/../../x', '/datastore/STORE/r4/%2e%2e/x', '/datastore/STORE/r4/%2E./x',
	'/datastore/STORE/r4/export\1', 'export/1#x', 'export/1?a b', 'javascript:1', 'export/a b']) AS text;
\set page '{"status": 200, "body": {"resourceType": "Bundle", "type": "searchset", "total": 9, "link": [{"relation": "next", "url": "LINK"}]}}'
SELECT is_row(ROW(states, requests), ROW(ARRAY['38P01'], 16::bigint), 'no status of an operation is there')
  FROM led($$operation('Patient/$export', '{}')$$, '{"status": 202, "body": "", "headers": {"Content-Location": "LINK"}}');
SELECT is_row(ROW(states, requests), ROW(ARRAY['38P01'], 16::bigint), 'nor a page') FROM led($$search('Patient')$$, :'page');

-- a SMART bearer token instead of keys

SET healthlake.bearer_token = 'abc.DEF';
SELECT is(met($$read('Patient', 'p1')$$), (SELECT string_agg(what || ' ' || wanted(door, answer), ', ' ORDER BY what) FROM answer), 'the same with a bearer token: ' || call)
  FROM door WHERE call LIKE 'read(%p1'')';
SELECT is_row(ROW(states, requests), ROW(ARRAY['38P01'], 16::bigint), 'nor does a token go there') FROM led($$search('Patient')$$, :'page');
RESET healthlake.bearer_token;

SELECT finish();
