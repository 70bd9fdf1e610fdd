-- healthlake_ensure_datastore() while AWS's list does not yet have a new data store.

\ir queue_setup.sql
SELECT no_plan();
SET healthlake.audit = on;

CREATE FUNCTION creations() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM emulator_log() WHERE operation = 'CreateFHIRDatastore' $$;

-- The error of an ensure() whose list is empty; or the id, and whether it was created.
CREATE FUNCTION late(name text, arguments text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ensure text := format('SELECT id || '' '' || created FROM public.healthlake_ensure_datastore(%L%s)', name, arguments);
	said text;
BEGIN
	PERFORM public.emulator_next('{"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": []}}');
	EXECUTE ensure INTO said;
	RETURN said;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || said;
END
$$;

-- Records an event of a call in another session, as it would be written.
CREATE FUNCTION recorded(name text, event text, outcome text, datastore_id text DEFAULT NULL, age interval DEFAULT '1 s',
	call bigint DEFAULT NULL, role text DEFAULT current_user, region text DEFAULT 'us-east-1') RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO public.healthlake_event (id, home, request_id, at, event, origin, operation, kind, request, client_token, region, endpoint,
		datastore_id, session_role, "current_role", outcome)
	SELECT i, public.healthlake_home(), coalesce(call, i), clock_timestamp() - age, event, 'call', 'CreateFHIRDatastore', 'create', jsonb_build_object('DatastoreName', name),
		'token-of-' || translate(name, ' ', '-'), region, current_setting('healthlake.endpoint_url') || '/', datastore_id, role, role, outcome
	  FROM (SELECT -1 - count(*) FROM public.healthlake_event) AS n (i) RETURNING id $$;

-- Created before, and not listed

SELECT id AS ens1, created FROM healthlake_ensure_datastore('ens1') \gset
SELECT is(:'created', 't'::text, 'it is created');
SELECT is(late('ens1'), :'ens1' || ' false', 'a data store that AWS does not list yet is found');
SELECT is(late('ens1'), :'ens1' || ' false', 'however often');
SELECT is(creations(), 1::bigint, 'it was created once');
SELECT is(late('Ens1') ~ ' true$', true, 'names are exact');
SELECT is(late('ens1', ', region => ''us-west-2''') ~ ' true$', true, 'another region has none');
SELECT is_row(ROW(e.id, e.arn, e.endpoint, e.status, e.created), ROW(d.id, d.arn, d.endpoint, d.status, false), 'its row is complete')
  FROM emulator_next('{"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": []}}'), LATERAL healthlake_ensure_datastore('ens1') AS e,
	LATERAL healthlake_describe_datastore(e.id) AS d;
SELECT is(late('ens1', ', type_version => ''R5'''), format('55000 data store "%s" of that name is not as requested | type_version is R4, requested was R5.', :'ens1'),
	'it must be as requested, too');
SET healthlake.endpoint_url = :'emulator_url';
SELECT is(late('ens1') ~ ' true$', true, 'another endpoint has none');
RESET healthlake.endpoint_url;

-- By the other functions, and in the same transaction

SELECT id AS source FROM healthlake_create_datastore('source', backup_status => 'ENABLED', backup_type => 'CONTINUOUS', backup_retention_period_in_days => 7) \gset
SELECT emulator_tell('stores', jsonb_build_object('DatastoreId', :'source', 'DatastoreStatus', 'ACTIVE')) \g /dev/null
SELECT id AS copy FROM healthlake_restore_datastore(:'source', 'copy') \gset
SELECT is(late('copy'), :'copy' || ' false', 'a restored one is found');
SELECT emulator_reset() \g /dev/null
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT id AS inner FROM healthlake_call('CreateFHIRDatastore', '{"DatastoreName": "inner", "DatastoreTypeVersion": "R4"}') AS r (reply),
	LATERAL (SELECT reply ->> 'DatastoreId') AS i (id) \gset
SELECT is(late('inner'), :'inner' || ' false', 'one of the same transaction is found');
COMMIT;

-- No longer there, or renamed

SELECT emulator_tell('stores', jsonb_build_object('DatastoreId', :'inner', 'DatastoreStatus', 'ACTIVE')) \g /dev/null
SELECT healthlake_delete_datastore(:'inner', 'inner') \g /dev/null
SELECT is(requests_of('SELECT late(''inner'')'), 2::bigint, 'one that was deleted need not be described');
SELECT is(creations(), 2::bigint, 'and another is created');
SELECT emulator_tell('stores', jsonb_build_object('DatastoreName', 'dying', 'DatastoreId', md5('dying'), 'DatastoreStatus', 'DELETING')),
	emulator_tell('stores', jsonb_build_object('DatastoreName', 'renamed', 'DatastoreId', md5('once named'), 'DatastoreStatus', 'ACTIVE')),
	recorded('dying', 'replied', 'succeeded', md5('dying')), recorded('once named', 'replied', 'succeeded', md5('once named')) \g /dev/null
SELECT is(late(name) ~ ' true$', true, name || ': another is created') FROM unnest('{dying,once named}'::text[]) AS name;

-- Not known to any of AWS's readers

SELECT recorded('young', 'replied', 'succeeded', md5('young')), recorded('old', 'replied', 'succeeded', md5('old'), '6 min'), recorded('ancient', 'sent', NULL, NULL, '61 min') \g /dev/null
SELECT is(late('young'), format('55006 AWS does not yet describe data store "%s", which was created with the name "young" | Nothing was created.', md5('young')), 'one that AWS does not describe yet is waited for');
SELECT is(late('old') ~ ' true$', true, 'but not for more than five minutes');
SELECT is(late('ancient') ~ ' true$', true, 'nor is a call of more than an hour ago');
SELECT emulator_next('{"operation": "DescribeFHIRDatastore", "error": "AccessDeniedException"}') \g /dev/null
SELECT is(late('ens1') ~ '^42501 ', true, 'what cannot be described is not created');

-- Of unknown outcome

SELECT recorded('lost', 'sent', NULL) AS call \gset
SELECT recorded('lost', 'interrupted', 'unknown', call => :call), recorded('sent', 'sent', NULL) \g /dev/null
SELECT is(late(name), format('38M01 outcome of an earlier creation of a data store named "%s" is unknown | Nothing was created by this call. The earlier one has the client token "token-of-%1$s".', name), name)
  FROM unnest('{lost,sent}'::text[]) AS name;
SELECT is(hint, 'Repeat with client_token => ''token-of-sent'': AWS then returns what that call has created, if anything.', 'the token makes it safe')
  FROM emulator_next('{"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": []}}'), raised('SELECT healthlake_ensure_datastore(''sent'')');
SELECT matches(late('sent', ', client_token => ''token-of-sent'''), ' true$', 'with the token it goes on');
SELECT matches(late('sent'), ' false$', 'then the outcome is known');
SELECT recorded('refused', 'sent', NULL) AS call \gset
SELECT recorded('refused', 'replied', 'failed', call => :call) \g /dev/null
SELECT is(late('refused') ~ ' true$', true, 'a call that has failed has created nothing');
SELECT recorded('replied', 'sent', NULL) AS call \gset
SELECT recorded('replied', 'interrupted', 'unknown', call => :call), recorded('replied', 'replied', 'failed', call => :call) \g /dev/null
SELECT is(late('replied') ~ ' true$', true, 'nor has one whose reply came after it was recorded as interrupted');

-- Of other roles

CREATE ROLE healthlake_ensures;
DO $$ BEGIN EXECUTE (SELECT format('GRANT EXECUTE ON FUNCTION %s TO healthlake_ensures', oid::regprocedure) FROM pg_proc WHERE proname = 'healthlake_ensure_datastore'); END $$;
SELECT enqueued('theirs') AS theirs \gset
SELECT id AS other FROM healthlake_create_datastore('others') \gset
SELECT recorded('hidden', 'replied', 'succeeded', md5('hidden')) \g /dev/null
SET ROLE healthlake_ensures;
SELECT is(late('hidden'), '55006 AWS does not yet describe a data store that was created with the name "hidden" | Nothing was created. The data store belongs to another role.', 'another''s that AWS does not describe is told without its id');
SELECT is(message_of('SELECT * FROM healthlake_event'), '42501 permission denied for table healthlake_event', 'a role that may not read the history');
SELECT is(late('others'), :'other' || ' false', 'finds what AWS does not list');
SELECT is(late('lost'), '38M01 outcome of an earlier creation of a data store named "lost" is unknown | Nothing was created by this call. The earlier one belongs to another role.', 'and is told of another''s call, without its token');
SELECT is(late('theirs'), '55006 a request to create a data store named "theirs" is open | Nothing was created. The request belongs to another role.', 'and of another''s request');
RESET ROLE;

-- In the queue

SELECT enqueued('queued') AS queued \gset
SELECT is(late('queued'), format('55006 a request to create a data store named "queued" is open | Nothing was created. It is request %s.', :queued), 'an open request is not overtaken');
SELECT is(hint, format('Wait for it with healthlake_wait_request(%s), or cancel it with healthlake_cancel_request(%1$s), and call again.', :queued), 'it can be waited for, or cancelled')
  FROM emulator_next('{"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": []}}'), raised('SELECT healthlake_ensure_datastore(''queued'')');
CALL drain(:queued);
SELECT is(late('queued'), datastore_id || ' false', 'and its data store is found') FROM healthlake_request WHERE id = :queued;
SELECT healthlake_purge_requests('0') \g /dev/null
SELECT is(late('queued') ~ ' false$', true, 'also when the request was purged');
SELECT enqueued('dropped') AS dropped \gset
SELECT healthlake_cancel_request(:dropped) \g /dev/null
SELECT is(late('dropped') ~ ' true$', true, 'a cancelled one creates nothing');
SELECT enqueued('doubtful') AS doubtful \gset
UPDATE healthlake_request SET state = 'unknown', finished_at = clock_timestamp() WHERE id = :doubtful;
SELECT is(late('doubtful'), format('38M01 outcome of an earlier creation of a data store named "doubtful" is unknown | Nothing was created by this call. The earlier one is request %s.', :doubtful), 'one of unknown outcome');
SELECT is(hint, format('Call healthlake_retry_request(%s), which looks for what it has created, or healthlake_resolve_request(%1$s, ...).', :doubtful), 'can be searched for')
  FROM emulator_next('{"operation": "ListFHIRDatastores", "body": {"DatastorePropertiesList": []}}'), raised('SELECT healthlake_ensure_datastore(''doubtful'')');
SELECT healthlake_resolve_request(:doubtful, 'failed', 'not there') \g /dev/null
SELECT is(late('doubtful') ~ ' true$', true, 'until it is resolved');

-- Not recorded, but remembered by the server, or by the session

SET healthlake.audit = off;
SELECT late('unrecorded') AS made \gset
SELECT is(late('unrecorded'), replace(:'made', 'true', 'false'), 'without an audit trail it is remembered');
SELECT healthlake_delete_datastore(split_part(:'made', ' ', 1), 'unrecorded') \g /dev/null
SELECT matches(late('unrecorded'), ' true$', 'until it is deleted');
SET healthlake.audit = on;
BEGIN;
SELECT late('undone') AS made \gset
ROLLBACK;
SELECT is(late('undone'), replace(:'made', 'true', 'false'), 'a data store that a rollback left is found');
SELECT emulator_next('{"operation": "CreateFHIRDatastore", "apply": true, "status": 502, "body": "x"}') \g /dev/null
SELECT matches(late('garbled'), '^38M01 outcome of CreateFHIRDatastore is unknown', 'an outcome is unknown');
SELECT client_token AS token FROM healthlake_last_call() \gset
SELECT is(late('garbled'), format('38M01 outcome of an earlier creation of a data store named "garbled" is unknown | Nothing was created by this call. The earlier one has the client token "%s".', :'token'),
	'nothing is created by a plain repetition');
SET ROLE healthlake_ensures;
SELECT matches(late('garbled'), '^38M01 .* The earlier one belongs to another role.$', 'nor by another role');
RESET ROLE;
SELECT matches(late('garbled', format(', client_token => %L', :'token')), ' true$', 'with its token it goes on');
SELECT matches(late('garbled'), ' false$', 'and is known');
SELECT emulator_next('{"operation": "CreateFHIRDatastore", "error": "ConflictException"}') \g /dev/null
SELECT matches(late('conflict'), '^55006 ', 'a creation that AWS refuses');
SELECT matches(late('conflict'), ' true$', 'is not remembered');
SELECT emulator_next('{"operation": "CreateFHIRDatastore", "apply": true, "status": 502, "body": "x"}') \g /dev/null
SELECT matches(late('tokens', ', client_token => ''twice'''), '^38M01 ', 'with a token of its own');
SELECT emulator_next('{"operation": "CreateFHIRDatastore", "error": "ConflictException"}') \g /dev/null
SELECT matches(late('tokens', ', client_token => ''twice'', region => ''us-west-2'''), '^55006 AWS refused', 'a token that was used in another region');
SELECT matches(late('tokens'), '^38M01 .*"twice"', 'does not have the first use forgotten');

-- In other accounts

SET healthlake.audit = off;
SET healthlake.sts_endpoint_url = :'emulator_url';
SET healthlake.role_arn = 'arn:aws:iam::111111111111:role/one';
SELECT emulator_next('{"operation": "CreateFHIRDatastore", "apply": true, "status": 502, "body": "x"}') \g /dev/null
SELECT matches(late('accounts'), '^38M01 outcome of CreateFHIRDatastore is unknown', 'an unknown outcome in one account');
SET healthlake.role_arn = 'arn:aws:iam::222222222222:role/two';
SELECT matches(late('accounts'), ' true$', 'does not concern another');
SET healthlake.role_arn = 'arn:aws:iam::111111111111:role/three';
SELECT matches(late('accounts'), '^38M01 outcome of an earlier creation', 'but other roles of it');
RESET healthlake.role_arn;
SELECT matches(late('accounts'), ' false$', 'where no account is known, every one counts');

SELECT * FROM finish();
