-- FHIR calls whose role cannot be assumed: errors, and nothing is sent.

\ir fhir_setup.sql
SELECT no_plan();
SELECT pg_backend_pid() AS pid \gset
SET healthlake.sts_endpoint_url = :'emulator_url';
SET healthlake.role_arn = 'arn:aws:iam::210987654321:role/auditor';
SELECT emulator_set('{"denied_roles": ["arn:aws:iam::210987654321:role/auditor"]}') \g /dev/null
SELECT arrived() AS before \gset

-- another session name: STS is asked again
SELECT is_row(ROW(sqlstate, message ~ 'could not assume role "arn:[^"]*": AccessDenied'), ROW('38X01', true), format('%s, time %s', call, n))
  FROM unnest(ARRAY[$$create('{"resourceType": "Patient"}')$$, $$update('{"resourceType": "Patient", "id": "x"}')$$,
	$$update('{"resourceType": "Patient", "id": "x"}', '1')$$, $$update('{"resourceType": "Patient", "id": "x"}', only_new => true)$$,
	$$update_where('{"resourceType": "Patient"}', '{"gender": "other"}')$$, $$patch('Patient', 'x', '[]')$$, $$delete('Patient', 'x')$$,
	$$delete('Patient', 'x', '1')$$, $$read('Patient', 'x')$$, $$search('Patient')$$, $$delete_where('Patient', '{"gender": "other"}', 1)$$,
	$$operation('Patient/$validate', '{"resourceType": "Parameters"}')$$, $$operation('Patient/x/$everything', method => 'GET')$$]) AS call,
	generate_series(1, 2) AS n, set_config('healthlake.role_session_name', format('n%s-%s', n, md5(call)), false) AS fresh,
	raised('SELECT healthlake_fhir_' || call || substr(fresh, 1, 0));
SELECT is_row(ROW(sqlstate, message ~ 'could not assume role'), ROW('38X01', true), format('a %s, time %s', type, n))
  FROM unnest(ARRAY['batch', 'transaction']) AS type, generate_series(1, 2) AS n,
	raised(format($$SELECT * FROM healthlake_fhir_bundle('[{"method": "PUT", "url": "Patient/x", "resource": {"resourceType": "Patient", "id": "x"}}]', %L)$$, type));
SET healthlake.role_session_name = 'many';
SELECT is_row(ROW(count(*), min(sqlstate), max(sqlstate)), ROW(2::bigint, '38X01', '38X01'), 'reads of many')
  FROM healthlake_fhir_read_many('Patient', ARRAY['x', 'y']);
SELECT is(arrived(), :before::bigint, 'nothing was sent');
SELECT is(pg_backend_pid(), :pid, 'it is the same backend still');

-- with the role permitted again

SELECT emulator_set('{"denied_roles": []}') \g /dev/null
SET healthlake.role_session_name = 'again';
SELECT is(version_id, '1', 'a creation') FROM healthlake_fhir_create('{"resourceType": "Patient"}');
SELECT * FROM finish();
