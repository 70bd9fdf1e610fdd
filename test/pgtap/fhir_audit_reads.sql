-- Auditing of reads: healthlake.audit_reads = off, log and on. "durable", and the lines in
-- the server's log, are tested in test/behaviour/fhir_audit_reads.py.

\ir fhir_setup.sql
SELECT no_plan();

CREATE FUNCTION last_row() RETURNS healthlake_event LANGUAGE sql AS $$
	SELECT e FROM healthlake_event AS e ORDER BY id DESC LIMIT 1 $$;

-- The rows that a statement inserts.
CREATE FUNCTION rows_of(statement text) RETURNS TABLE (operation text, request jsonb, resource_count bigint, resources text[], patients text[])
LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT coalesce(max(id), 0) FROM healthlake_event);
BEGIN
	EXECUTE statement;
	RETURN QUERY SELECT e.operation, e.request, e.resource_count, e.resources, e.patients FROM healthlake_event AS e WHERE e.id > before ORDER BY e.id;
END
$$;
CREATE FUNCTION resource(kind text, id text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('resourceType', kind, 'id', resource.id) || more $$;
CREATE FUNCTION subject(id text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('subject', jsonb_build_object('reference', 'Patient/' || id)) $$;
SELECT healthlake_fhir_update(resource('Patient', 'p' || i, '{"gender": "male", "name": [{"family": "Marked"}]}')) FROM generate_series(1, 5) AS i \g /dev/null
SELECT healthlake_fhir_update(resource('Observation', 'o' || i, '{"status": "final"}' || subject('p' || i))) FROM generate_series(1, 5) AS i \g /dev/null

-- Off

SELECT is(current_setting('healthlake.audit_reads'), 'off', 'it is off by default');
SELECT is(count(*), 0::bigint, 'then a read leaves no row') FROM rows_of($$ SELECT healthlake_fhir_read('Patient', 'p1') $$);
SELECT is_row(ROW(resource_count, resources, patients), ROW(NULL::bigint, NULL::text[], NULL::text[]), 'and a change names nothing that was disclosed')
  FROM rows_of($$ SELECT healthlake_fhir_patch('Patient', 'p1', '[{"op": "replace", "path": "/gender", "value": "female"}]') $$);
SELECT results_eq($$ SELECT resources FROM rows_of($r$ SET LOCAL healthlake.audit_reads = log; SELECT healthlake_fhir_read('Patient', 'p1') $r$) $$,
	'SELECT NULL::text[] WHERE false', 'log leaves no row either');

-- On

SET healthlake.audit_reads = on;
SELECT is_row(ROW(operation, request, resource_count, resources, patients),
	ROW('ReadResource'::text, '{"method": "GET", "path": "Patient/p1", "resource": "Patient/p1"}'::jsonb, 1::bigint, '{Patient/p1}'::text[], '{p1}'::text[]), 'a read')
  FROM rows_of($$ SELECT healthlake_fhir_read('Patient', 'p1') $$);
SELECT is_row(ROW(event, origin, kind, outcome, attempts, session_role, outer_role, "current_role", datastore_id, region),
	ROW('replied'::text, 'call'::text, 'read'::text, 'succeeded'::text, 1, SESSION_USER::text, CURRENT_USER::text, CURRENT_USER::text, current_setting('healthlake.datastore_id'), 'us-east-1'::text),
	'is an event like others, with those who read') FROM last_row();
SELECT is(aws_request_id, (SELECT aws_request_id FROM healthlake_last_call()), 'and AWS''s request id') FROM last_row();
SELECT is(pg_xact_status(transaction), 'committed', 'in the reader''s transaction') FROM last_row();
SELECT is_row(ROW(operation, request ->> 'path', resources), ROW('VersionReadResource'::text, 'Patient/p1/_history/1'::text, '{Patient/p1}'::text[]), 'a version')
  FROM rows_of($$ SELECT healthlake_fhir_read('Patient', 'p1', '1') $$);
SELECT is_row(ROW(resources, patients), ROW('{Observation/o2}'::text[], '{p2}'::text[]), 'a resource of a patient')
  FROM rows_of($$ SELECT healthlake_fhir_read('Observation', 'o2') $$);
SELECT is_row(ROW(resource_count, resources, patients), ROW(0::bigint, NULL::text[], '{nobody}'::text[]), 'one that is not there')
  FROM rows_of($$ SELECT healthlake_fhir_read('Patient', 'nobody') $$);
SELECT is_row(ROW(outcome, error_code), ROW('failed'::text, 'not-found'::text), 'whose row says so') FROM last_row();
SELECT results_eq($$ SELECT request ->> 'resource', resource_count, resources FROM rows_of($r$ SELECT * FROM healthlake_fhir_read_many('Patient', ARRAY['p1', 'nobody', 'p3']) $r$) ORDER BY 1 $$,
	$$ VALUES ('Patient/nobody', 0::bigint, NULL), ('Patient/p1', 1, '{Patient/p1}'::text[]), ('Patient/p3', 1, '{Patient/p3}') $$, 'read_many has a row for each read');
SELECT is_row(ROW(operation, request, resource_count, resources, patients),
	ROW('SearchWithPost'::text, '{"method": "POST", "path": "Patient/_search", "resource": "Patient", "parameters": ["gender", "birthdate", "family:exact"]}'::jsonb, 0::bigint, NULL::text[], NULL::text[]),
	'a search has the names of parameters, and no value')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_search('Patient', '{"family:exact": "Marked", "gender": "other", "birthdate": ["ge1980", "lt1990"]}') $$);
SELECT is_row(ROW(request -> 'parameters', resource_count, resources, patients), ROW('["_id", "_include"]'::jsonb, 2::bigint, '{Observation/o1,Patient/p1}'::text[], '{p1}'::text[]),
	'and what came along')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_search('Observation', '{"_id": "o1", "_include": "Observation:patient"}') $$);
SELECT is(request -> 'parameters', '["?", "gender"]', 'what cannot be a name is not repeated')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_search('Patient', '{"Zaphod = 7": "x", "gender": "male", "päd": "x"}', strict => false) $$);
SELECT is(jsonb_array_length(request -> 'parameters'), 100, 'nor are more than a hundred')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_search('Patient', (SELECT jsonb_object_agg('n' || i, 'x') FROM generate_series(1, 20000) AS i), strict => false) $$);
SELECT results_eq($$ SELECT request ->> 'method', request ->> 'path', request -> 'parameters', resource_count FROM rows_of($r$ SELECT * FROM healthlake_fhir_search('Patient', '{"gender": "male,female"}', page_size => 2) $r$) $$,
	$$ VALUES ('POST', 'Patient/_search', '["gender"]'::jsonb, 2::bigint), ('GET', 'Patient/_search', '["gender"]', 2), ('GET', 'Patient/_search', '["gender"]', 1) $$,
	'each page has a row, and what its link says has none');
SELECT arrived() AS arrived \gset
SELECT is_row(ROW(count(*), arrived() - :arrived), ROW(1::bigint, 1::bigint), 'a page that nobody wants is not asked for') FROM rows_of($$ SELECT healthlake_fhir_search('Patient', page_size => 2) LIMIT 2 $$);
SELECT is_row(ROW(request -> 'total', resource_count, resources), ROW('true'::jsonb, 0::bigint, NULL::text[]), 'of a count nobody sees a resource')
  FROM rows_of($$ SELECT healthlake_fhir_count('Patient', '{"gender": "male"}') $$);
SELECT is_row(ROW(operation, request ->> 'resource', request -> 'parameters', resources, patients),
	ROW('SearchEverything'::text, 'Patient/p1'::text, '["_type"]'::jsonb, '{Observation/o1,Patient/p1}'::text[], '{p1}'::text[]), 'everything')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_everything('p1', types => ARRAY['Patient', 'Observation']) $$);
SELECT healthlake_fhir_delete('Observation', 'o5') \g /dev/null
SELECT is_row(ROW(operation, resource_count, resources, patients), ROW('GetHistoryByResourceId'::text, 2::bigint, '{Observation/o5}'::text[], '{p5}'::text[]),
	'a history counts versions, a deletion too, and names each resource once')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_history('Observation', 'o5') $$);
SELECT is_row(ROW(operation, request ->> 'path', resource_count), ROW('ValidateResource'::text, 'Patient/$validate'::text, 0::bigint), 'a validation discloses nothing')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_validate(resource('Patient', 'x')) $$);
SELECT is_row(ROW(operation, resources), ROW('FHIRQueryOperation'::text, '{Observation/o2,Patient/p2}'::text[]), 'an operation that reads')
  FROM rows_of($$ SELECT healthlake_fhir_operation('Patient/p2/$everything', method => 'GET') $$);
SELECT is(count(*), 0::bigint, 'what the server can do is nothing of a patient''s') FROM rows_of($$ SELECT * FROM healthlake_fhir_capabilities() $$);
SELECT is_row(ROW(operation, request -> 'entries', resource_count, resources, patients), ROW('ReadBundle'::text, '["GET Patient/p1", "GET Observation"]'::jsonb, 2::bigint, '{Patient/p1,Observation/o2}'::text[], '{p1,p2}'::text[]),
	'a bundle that reads, with the page in it')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_bundle('[{"method": "GET", "url": "Patient/p1"}, {"method": "GET", "url": "Observation?_id=o2"}]', 'batch') $$);

-- Changes that also disclose

SELECT is_row(ROW(operation, kind, resource_count, resources), ROW('PatchResource'::text, 'fhir'::text, 1::bigint, '{Patient/p3}'::text[]), 'a patch shows a resource')
  FROM (SELECT (rows_of).* , (last_row()).kind FROM (SELECT rows_of($$ SELECT healthlake_fhir_patch('Patient', 'p3', '[{"op": "replace", "path": "/gender", "value": "female"}]') $$)) AS r) AS s;
SELECT is_row(ROW(operation, resource_count), ROW('UpdateResource'::text, NULL::bigint), 'an update shows what was given')
  FROM rows_of($$ SELECT healthlake_fhir_update(resource('Patient', 'p4')) $$);
SET healthlake.audit = off;
SELECT is(count(*), 0::bigint, 'a change that is not recorded') FROM rows_of($$ SELECT healthlake_fhir_update(resource('Patient', 'p4')) $$);
SELECT is_row(ROW(operation, resources), ROW('PatchResource'::text, '{Patient/p3}'::text[]), 'is, where it shows something')
  FROM rows_of($$ SELECT healthlake_fhir_patch('Patient', 'p3', '[{"op": "replace", "path": "/gender", "value": "male"}]') $$);
SELECT is_row(ROW(operation, request ->> 'resource', resources), ROW('ProcessBundle'::text, 'batch of 1 GET, 1 DELETE'::text, '{Patient/p1}'::text[]), 'and so is a bundle that reads among other things')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_bundle('[{"method": "GET", "url": "Patient/p1"}, {"method": "DELETE", "url": "Observation/o4"}]', 'batch') $$);
SELECT is(count(*), 0::bigint, 'one that only writes is not') FROM rows_of($$ SELECT * FROM healthlake_fhir_bundle('[{"method": "DELETE", "url": "Observation/o3"}]', 'batch') $$);
SELECT emulator_next('{"operation": "fhir:bundle", "status": 200, "body": {"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": {"status": "200"}, "resource": {"resourceType": "Patient", "id": "p5"}},
	{"response": {"status": "412", "outcome": {"resourceType": "Patient", "id": "p5"}}, "resource": {"resourceType": "Patient", "id": "p5"}}]}}') \g /dev/null
SELECT is(array_agg(concat(outcome, resource))::text, '{"",""}', 'nor shows it a resource, whatever the reply has')
  FROM healthlake_fhir_bundle(jsonb_build_array('{"method": "DELETE", "url": "Patient/p5"}'::jsonb, jsonb_build_object('method', 'PUT', 'url', 'Patient/p5', 'resource', resource('Patient', 'p5'))), 'batch');
RESET healthlake.audit;
SELECT gen_random_uuid() AS key \gset
SELECT id AS made FROM healthlake_fhir_create('{"resourceType": "Patient", "name": [{"family": "Another''s"}]}', :'key') \gset
SELECT results_eq(format($$ SELECT operation, resources FROM rows_of($r$ SELECT healthlake_fhir_create('{"resourceType": "Patient"}', %L) $r$) $$, :'key'),
	format($$ VALUES ('CreateResource', NULL::text[]), ('ReadResource', ARRAY[%L]) $$, 'Patient/' || :'made'), 'a creation with a used key shows the resource created with it');

-- Hostile replies: only valid names are recorded

SELECT emulator_next(jsonb_build_object('status', 200, 'body', jsonb_build_object('resourceType', 'Bundle', 'type', 'searchset', 'entry', jsonb_build_array(
	jsonb_build_object('resource', '{"resourceType": "Patient", "id": "Zaphod Beeblebrox"}'::jsonb),
	jsonb_build_object('resource', '{"resourceType": "Zaphod B.", "id": "x"}'::jsonb),
	jsonb_build_object('resource', '{"resourceType": "Observation", "id": "null", "subject": {"reference": "Patient/null"}}'::jsonb),
	jsonb_build_object('resource', '{"resourceType": "Observation", "id": "a\"},{\"b", "subject": {"reference": "Patient/Zaphod Beeblebrox"}}'::jsonb),
	jsonb_build_object('resource', '{"resourceType": "Group", "id": "g", "member": [{"entity": {"reference": "https://x.example/r4/Patient/q1/_history/2"}}, {"entity": {"reference": "Practitioner/q2"}},
		{"entity": {"reference": "NotPatient/q3"}}, {"entity": {"reference": "Patient/q4|x"}}, {"entity": {"reference": "Patient/q5Zaphod!"}}], "contained": [{"resourceType": "Patient", "id": "c"}]}'::jsonb),
	jsonb_build_object('resource', jsonb_build_object('resourceType', 'Patient', 'id', repeat('Z', 65))),
	'{"resource": {"resourceType": 7, "id": []}}'::jsonb, '{"resource": 7}'::jsonb, '7'::jsonb,
	jsonb_build_object('resource', '{"resourceType": "OperationOutcome", "id": "oo"}'::jsonb))))) \g /dev/null
SELECT is_row(ROW(resource_count, resources, patients), ROW(7::bigint, '{Observation/null,Group/g}'::text[], '{"null",q1,q4,p1}'::text[]), 'only names are kept')
  FROM rows_of($$ SELECT healthlake_fhir_operation('Patient/p1/$everything', method => 'GET') $$);
SELECT is((last_row()).resources[1], 'Observation/null', 'null is a name like any other');
SELECT emulator_next(jsonb_build_object('status', 200, 'body', jsonb_build_object('resourceType', 'Bundle', 'type', 'searchset', 'entry',
	(SELECT jsonb_agg(jsonb_build_object('resource', resource('Observation', 'm' || i, subject('n' || i)))) FROM generate_series(1, 1500) AS i)))) \g /dev/null
SELECT is_row(ROW(resource_count, cardinality(resources), cardinality(patients), resources[1000], patients[1000]), ROW(1500::bigint, 1000, 1500, 'Observation/m1000'::text, 'n1000'::text),
	'the first 1,000 are named, and the patients of all') FROM rows_of($$ SELECT count(*) FROM healthlake_fhir_search('Observation') $$);
SELECT emulator_next(jsonb_build_object('status', 200, 'body', jsonb_build_object('resourceType', 'Bundle', 'type', 'searchset', 'entry', jsonb_build_array(jsonb_build_object('resource',
	resource('Group', 'all', jsonb_build_object('member', (SELECT jsonb_agg(jsonb_build_object('entity', jsonb_build_object('reference', 'Patient/n' || i))) FROM generate_series(1, 11000) AS i)))))))) \g /dev/null
SELECT is(cardinality(patients), 11000, 'or of one') FROM rows_of($$ SELECT count(*) FROM healthlake_fhir_search('Group') $$);
SELECT emulator_next(jsonb_build_object('status', 200, 'body', jsonb_build_object('resourceType', 'Bundle', 'type', 'batch-response', 'entry',
	(SELECT jsonb_agg(jsonb_build_object('response', '{"status": "200"}'::jsonb, 'resource', CASE WHEN i < 1200 THEN resource('Observation', 'same') ELSE resource('Patient', 'hidden') END)) FROM generate_series(1, 1200) AS i)))) \g /dev/null
SELECT is_row(ROW(resource_count, resources, patients), ROW(1200::bigint, '{Observation/same,Patient/hidden}'::text[], '{hidden}'::text[]), 'repeated resources hide nobody')
  FROM rows_of($$ SELECT healthlake_fhir_operation('Observation/$lastn', method => 'GET') $$);
CREATE FUNCTION next_with_many_names(n int) RETURNS void LANGUAGE sql AS $$
	SELECT emulator_next(jsonb_build_object('status', 200, 'body', resource('Group', 'all', jsonb_build_object('member', (SELECT jsonb_agg(jsonb_build_object('reference', 'Patient/' || i)) FROM generate_series(1, n) AS i))))) $$;
SELECT next_with_many_names(100000) \g /dev/null
SELECT is(cardinality(patients), 100000, 'a reply with as many names as can be recorded') FROM rows_of($$ SELECT healthlake_fhir_read('Group', 'all') $$);
SELECT next_with_many_names(100001) \g /dev/null
SELECT is_row(ROW(sqlstate, message, detail, hint), ROW('54000'::text, 'the reply to ReadResource names more than 100000 patients'::text,
	'It is withheld: healthlake.audit_reads requires that each is recorded.'::text, 'Ask for fewer resources at once.'::text), 'a reply with more names than can be recorded is withheld')
  FROM raised($$ SELECT healthlake_fhir_read('Group', 'all') $$);
SELECT next_with_many_names(100001) \g /dev/null
SET healthlake.audit_reads = log;
SELECT is(healthlake_fhir_read('Group', 'all') ->> 'id', 'all', 'unless only a line is left');
SET healthlake.audit_reads = on;
SELECT emulator_next(jsonb_build_object('status', 200, 'body', '{"resourceType": "Parameters", "parameter": [{"name": "a", "resource": {"resourceType": "Patient", "id": "p9"}},
	{"name": "b", "part": [{"name": "c", "resource": {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Observation", "id": "o9"}}]}}, {"name": "d", "valueReference": {"reference": "Patient/p8"}}]}]}'::jsonb)) \g /dev/null
SELECT is_row(ROW(operation, resources, patients), ROW('FHIROperation'::text, '{Patient/p9,Observation/o9}'::text[], '{p9,p8}'::text[]), 'the output of an operation')
  FROM rows_of($$ SELECT healthlake_fhir_operation('Patient/$member-match', '{"resourceType": "Parameters"}') $$);

-- What was asked counts, whatever the reply has

SELECT healthlake_fhir_update(resource('Observation', 'vo', '{"status": "final", "valueString": "x"}' || subject('vip'))) \g /dev/null
CREATE FUNCTION asked(type text, parameters jsonb) RETURNS SETOF text[] LANGUAGE sql AS $$
	SELECT emulator_next('{"status": 200, "body": {"resourceType": "Bundle", "type": "searchset"}}');
	SELECT patients FROM rows_of(format('SELECT * FROM healthlake_fhir_search(%L, %L, strict => false)', type, parameters)) $$;
SELECT emulator_next('{"status": 200, "body": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": {"resourceType": "Observation", "id": "vo", "valueString": "x"}}]}}') \g /dev/null
SELECT is_row(ROW(resources, patients), ROW('{Observation/vo}'::text[], '{vip}'::text[]), 'a search by patient without references in the reply')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_search('Observation', '{"subject": "Patient/vip", "_elements": "valueString"}') $$);
SELECT is((SELECT asked(t, p::jsonb)), wanted::text[], format('%s %s', t, p)) FROM (VALUES
	('Observation', '{"subject": "Patient/none"}', '{none}'), ('Observation', '{"subject": "none"}', '{none}'), ('Observation', '{"patient": "n1,Patient/n2"}', '{n1,n2}'),
	('Observation', '{"patient": ["n1", "n2"]}', '{n1,n2}'), ('Observation', '{"subject:Patient": "none"}', '{none}'), ('Observation', '{"performer:Patient": "none"}', '{none}'),
	('Observation', '{"performer": "Patient/none"}', '{none}'), ('Observation', '{"subject": "https://x.example/r4/Patient/none"}', '{none}'), ('Coverage', '{"beneficiary": "none"}', '{none}'),
	('Patient', '{"_id": "n1,n2"}', '{n1,n2}'), ('Observation', '{"subject:Patient._id": "none"}', '{none}'), ('Observation', '{"patient._id": "none"}', '{none}'),
	('Observation', '{"encounter.subject": "none"}', '{none}'), ('Practitioner', '{"_has:Observation:performer:patient": "none"}', '{none}'),
	('Patient', '{"_has:Observation:patient:_id": "o"}', NULL), ('Observation', '{"_id": "o"}', NULL), ('Observation', '{"subject:Group": "g"}', NULL), ('Observation', '{"subject:missing": "true"}', NULL),
	('Observation', '{"subject:identifier": "7"}', NULL), ('Observation', '{"performer": "Practitioner/d"}', NULL), ('Observation', '{"subject:Group._id": "g"}', NULL), ('Patient', '{"_id:not": "n1"}', NULL)) AS v(t, p, wanted);
SELECT is(asked, '{n1}', 'only ids are taken from parameters') FROM asked('Observation', jsonb_build_object('patient', 'Zaphod Beeblebrox,n1,Patient/Zaphod Beeblebrox,a"b,{x,' || repeat('Z', 65)));
SELECT is_row(ROW(request -> 'total', resource_count, patients), ROW('true'::jsonb, 0::bigint, '{vip}'::text[]), 'a count') FROM rows_of($$ SELECT healthlake_fhir_count('Observation', '{"subject": "Patient/vip"}') $$);
SELECT healthlake_fhir_update(resource('Observation', 'vo' || i, '{"status": "final"}' || subject('vip'))) FROM generate_series(1, 4) AS i \g /dev/null
SELECT results_eq($$ SELECT patients FROM rows_of($r$ SELECT * FROM healthlake_fhir_search('Observation', '{"subject": "Patient/vip,Patient/other"}', page_size => 3) $r$) $$,
	$$ VALUES ('{vip,other}'::text[]), ('{vip,other}') $$, 'also of each further page');
SELECT is(patients, '{vip,other,vap,vup}', 'URLs of a bundle''s entries')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_bundle('[{"method": "GET", "url": "Observation?subject=Patient/vip"}, {"method": "GET", "url": "Observation?patient%3APatient=other"}, {"method": "GET", "url": "Patient/vap"},
	{"method": "GET", "url": "Patient?_id=vup"}, {"method": "DELETE", "url": "Patient/gone"}]', 'batch') $$);
SELECT is(patients, '{n1,n2,n3}', 'and what follows an escape that is none')
  FROM rows_of($$ SELECT * FROM healthlake_fhir_bundle('[{"method": "GET", "url": "Patient?_id=%00,%6E1"}, {"method": "GET", "url": "Patient?_id=%zz,n2"}, {"method": "GET", "url": "Observation?patient=n3,%4"}]', 'batch') $$);
SELECT emulator_next('{"status": 200, "body": {"resourceType": "Bundle", "type": "searchset"}}') \g /dev/null
SELECT is(patients, '{vip,none,some,more}', 'the input of an operation')
  FROM rows_of($$ SELECT healthlake_fhir_operation('Patient/vip/$lookalike', '{"resourceType": "Parameters", "parameter": [{"name": "patient", "valueId": "none"}, {"name": "for", "valueReference": {"reference": "Patient/some"}},
	{"name": "a", "part": [{"name": "subject", "valueString": "Patient/more"}]}, {"name": "code", "valueString": "Zaphod"}, {"name": "own", "resource": {"resourceType": "Coverage", "beneficiary": {"reference": "Patient/mine"}}}]}') $$);
SELECT emulator_next('{"status": 200, "body": {"resourceType": "Bundle", "type": "searchset"}}') \g /dev/null
SELECT is(patients, '{vip}', 'and its query') FROM rows_of($$ SELECT healthlake_fhir_operation('Observation/$lastn?patient=vip', method => 'GET') $$);

-- Errors

SELECT emulator_next('{"status": 400, "body": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid", "diagnostics": "Zaphod"}]}}') \g /dev/null
SELECT is(count(*), 0::bigint, 'an error takes its row') FROM (SELECT raised($$ SELECT healthlake_fhir_read('Patient', 'p1') $$)) AS r, rows_of('SELECT 1') WHERE raised IS NULL;
SELECT emulator_next('{"status": 500, "body": ""}') \g /dev/null
SELECT is_row(ROW(operation, resource_count), ROW('ReadResource'::text, 0::bigint), 'unless it is a row') FROM rows_of($$ SELECT * FROM healthlake_fhir_read_many('Patient', '{p1}') $$);
SELECT is_row(ROW(outcome, error_code IS NOT NULL, error_message ~ 'ReadResource'), ROW('failed'::text, true, true), 'which says what it was') FROM last_row();
SELECT is(count(*), 0::bigint, 'no row has a value') FROM healthlake_event AS e WHERE e::text ~ 'Marked|Zaphod|ge1980';

-- It is part of the transaction

CREATE TEMPORARY TABLE before AS SELECT count(*) AS n FROM healthlake_event;
BEGIN;
SELECT healthlake_fhir_read('Patient', 'p1') \g /dev/null
ROLLBACK;
SELECT is(count(*) - n, 0::bigint, 'a rollback takes the row') FROM healthlake_event, before GROUP BY n;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT healthlake_fhir_search('Patient', page_size => 2);
FETCH 1 FROM c \g /dev/null
COMMIT;
SELECT is(count(*) - n, 3::bigint, 'a cursor that is held has all its rows') FROM healthlake_event, before GROUP BY n;
CLOSE c;
CREATE MATERIALIZED VIEW kept AS SELECT id FROM healthlake_fhir_search('Patient');
SELECT is((last_row()).resource_count > 4, true, 'a materialized view');
REFRESH MATERIALIZED VIEW kept;
SELECT is(count(*) - n, 5::bigint, 'is read again when it is refreshed') FROM healthlake_event, before GROUP BY n;
CREATE ROLE healthlake_keeper;
GRANT CREATE ON SCHEMA public TO healthlake_keeper;
SELECT healthlake_grant('healthlake_keeper', 'read', 'fhir_read') \g /dev/null
ALTER MATERIALIZED VIEW kept OWNER TO healthlake_keeper;
SELECT arrived() AS arrived \gset
SELECT is_row(ROW(sqlstate, message, detail, hint), ROW('0A000'::text, 'SearchWithPost cannot be sent within a security-restricted operation of another role'::text,
	'What is set for role "healthlake_keeper", such as healthlake.audit_reads, is not set in this session.'::text, 'Refresh a materialized view as its owner, who logs in or is set by SET ROLE.'::text),
	'but not by a session with other settings') FROM raised('REFRESH MATERIALIZED VIEW kept');
SELECT is((raised(statement)).sqlstate, '0A000', statement)
  FROM unnest(ARRAY['healthlake_fhir_count(''Patient'')', 'healthlake_fhir_read(''Patient'', ''p1'')', 'healthlake_list_datastores()']) AS call,
	LATERAL format('DO $do$ BEGIN CREATE MATERIALIZED VIEW m AS SELECT * FROM %s WITH NO DATA; ALTER MATERIALIZED VIEW m OWNER TO healthlake_keeper; REFRESH MATERIALIZED VIEW m; END $do$', call) AS statement;
SELECT is(arrived(), :arrived::bigint, 'nothing is sent');
SET SESSION AUTHORIZATION healthlake_keeper;
SELECT is((raised('REFRESH MATERIALIZED VIEW kept')).sqlstate, NULL, 'its owner refreshes it');
RESET SESSION AUTHORIZATION;
DROP MATERIALIZED VIEW kept;

-- Nothing is sent if nothing can be written

SELECT arrived() AS arrived \gset
BEGIN READ ONLY;
SELECT is_row(ROW(sqlstate, message, detail, hint), ROW('25006'::text, 'ReadResource cannot be recorded in a read-only transaction'::text, 'Nothing was sent: healthlake.audit_reads requires a row in the audit trail.'::text,
	'With healthlake.audit_reads = durable the row is written by another process.'::text), 'a read-only transaction') FROM raised($$ SELECT healthlake_fhir_read('Patient', 'p1') $$);
SELECT is(message_of(statement), '25006 SearchWithPost cannot be recorded in a read-only transaction', 'also ' || statement)
  FROM unnest(ARRAY['SELECT * FROM healthlake_fhir_search(''Patient'')', 'SELECT healthlake_fhir_count(''Patient'')']) AS statement;
SELECT is(message_of($$ SELECT * FROM healthlake_fhir_read_many('Patient', '{p1}') $$), '25006 ReadResource cannot be recorded in a read-only transaction', 'and many');
ROLLBACK;
SELECT is(arrived(), :arrived::bigint, 'sends nothing');
BEGIN READ ONLY;
SET LOCAL healthlake.audit_reads = log;
SELECT is(healthlake_fhir_read('Patient', 'p1') ->> 'id', 'p1', 'with log it reads');
ROLLBACK;
ALTER TABLE healthlake_event ADD CONSTRAINT closed CHECK (operation <> 'ReadResource') NOT VALID;
SELECT matches(message_of($$ SELECT healthlake_fhir_read('Patient', 'p1') $$), '^23514 ', 'a row that the table refuses');
ALTER TABLE healthlake_event DROP CONSTRAINT closed;
SELECT is(healthlake_fhir_read('Patient', 'p1') ->> 'id', 'p1', 'and one that it takes');

-- Roles

CREATE ROLE healthlake_reader;
CREATE ROLE healthlake_other;
GRANT healthlake_reader, healthlake_other TO CURRENT_USER;
SELECT healthlake_grant('healthlake_reader', 'fhir_read') \g /dev/null
GRANT SELECT ON healthlake_event TO healthlake_reader, healthlake_other;
SET ROLE healthlake_reader;
SELECT is(message_of('SET healthlake.audit_reads = off'), '42501 permission denied to set parameter "healthlake.audit_reads"', 'who is to be accounted for cannot end it');
SELECT is(healthlake_fhir_read('Patient', 'p2') ->> 'id', 'p2', 'who may read leaves a row, without a right to the table');
SELECT is(message_of($$ INSERT INTO healthlake_event (home, event, origin, session_role, "current_role") VALUES ('', 'replied', 'call', '', '') $$) ~ '^42501', true, 'no other role adds rows');
SELECT is(string_agg(resources::text, ' '), '{Patient/p2}', 'and sees the own ones') FROM healthlake_event WHERE resources IS NOT NULL AND "current_role" = 'healthlake_reader';
RESET ROLE;
SET ROLE healthlake_other;
SELECT is(count(*), 0::bigint, 'another role sees nothing of it') FROM healthlake_event WHERE "current_role" = 'healthlake_reader';
RESET ROLE;
SELECT is(count(*), 1::bigint, 'the view of all has it') FROM healthlake_audit WHERE "current_role" = 'healthlake_reader' AND patients @> '{p2}';
SET enable_seqscan = off;
CREATE FUNCTION plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	told text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
		told := told || line;
	END LOOP;
	RETURN told;
END
$$;
SELECT matches(plan_of($$ SELECT * FROM healthlake_event WHERE patients @> '{p2}' $$), 'healthlake_event_patients', 'an index finds who has seen a patient''s resources');
RESET enable_seqscan;
SELECT is(message_of($$ UPDATE healthlake_event SET resources = NULL $$), '55000 the history cannot be altered', 'no role alters the rows');

SELECT * FROM finish();
DROP OWNED BY healthlake_reader, healthlake_other, healthlake_keeper;
DROP ROLE healthlake_reader, healthlake_other, healthlake_keeper;
