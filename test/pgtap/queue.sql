-- Queued requests: refusals, rows, and outcomes, with
-- healthlake_run_queue() and the functions for users.

\ir queue_setup.sql
SELECT no_plan();

-- All faults at once, by the paths of a call, when it is enqueued

CREATE FUNCTION paths(detail text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(regexp_replace(split_part(line, ': ', 1), ' \(argument "[a-z_]+"\)', ''), ' ' ORDER BY n)
	  FROM regexp_split_to_table(detail, '\n') WITH ORDINALITY AS t (line, n) $$;
SELECT is_row(ROW(q.sqlstate, q.message, q.detail, q.hint), ROW(c.sqlstate, c.message, c.detail, c.hint), format('refused as a call is: %s %s', c.sqlstate, paths(c.detail)))
  FROM (VALUES ('CreateFHIRDatastore', '{}'), ('CreateFHIRDatastore', '{"Colour": "green", "Tags": [{"Key": "", "Value": 7}]}'),
		('CreateFHIRDatastore', '{"DatastoreTypeVersion": "R4", "SseConfiguration": {"KmsEncryptionConfig": {}}}'), ('CreateFHIRDatastore', '[]'),
		('StartFHIRImportJob', '{"InputDataConfig": {}, "DatastoreId": 7}'), ('DeleteFHIRDatastore', '{}'), ('TagResource', NULL)) AS r (operation, request),
	raised(format('SELECT healthlake_call(%L, %L)', operation, request)) AS c, raised(format('SELECT healthlake_enqueue(%L, %L)', operation, request)) AS q;
SELECT is(says('SELECT healthlake_enqueue(''CreateFHIRDatastore'', ''{}'')'),
	'22004 invalid request for CreateFHIRDatastore: required member "DatastoreTypeVersion" is missing | DatastoreTypeVersion: required member "DatastoreTypeVersion" is missing. | "DatastoreTypeVersion": "R4"', 'only missing: 22004');
SELECT is(sqlstate, '22023', 'mixed: 22023') FROM raised('SELECT healthlake_enqueue(''CreateFHIRDatastore'', ''{"Colour": 1}'')');
SELECT is_row(ROW(q.sqlstate, q.message, q.detail, q.hint), ROW(c.sqlstate, c.message, c.detail, c.hint), format('refused as the function is: %s', c.message))
  FROM unnest(ARRAY['NULL', '''{"DatastoreTypeVersion": "R4"}''', '''x'', cmk_type => ''CUSTOMER_MANAGED_KMS_KEY''', '''x'', tags => ''{"": 7}''', '''x'', more => ''{"Colour": 1}''',
		'''x'', more => ''{"DatastoreName": "y"}''', '''x'', region => ''a.b''']) AS arguments,
	raised(format('SELECT healthlake_create_datastore(%s)', arguments)) AS c, raised(format('SELECT healthlake_enqueue_create_datastore(%s)', arguments)) AS q;
SELECT is(says('SELECT healthlake_enqueue(''CreateDatastore'', ''{}'')'),
	'22023 operation "CreateDatastore" does not exist | healthlake_operations() lists the operations by their AWS names, such as CreateFHIRDatastore.', 'an operation that does not exist');
SELECT is(says('SELECT healthlake_enqueue(NULL, ''{}'')'), '22004 argument "operation" must not be null', 'none');
SELECT is(says('SELECT healthlake_enqueue(''ListFHIRDatastores'', ''{}'', region => ''x.example.com'')') ~ '^22023 invalid AWS region', true, 'a region that is none');
SELECT is(says('SELECT healthlake_enqueue_create_datastore(''x'', run_after => ''infinity'')'), '22023 argument "run_after" must not be infinite', 'an infinite time');
CREATE TEMPORARY TABLE outcome AS SELECT operation, until, r.*
  FROM (VALUES ('CreateFHIRDatastore', '{"DatastoreTypeVersion": "R4"}'), ('DeleteFHIRDatastore', '{"DatastoreId": "0123456789abcdef0123456789abcdef"}'),
		('UpdateFHIRDatastore', '{"DatastoreId": "0123456789abcdef0123456789abcdef", "DatastoreName": "y"}'), ('TagResource', '{"ResourceARN": "arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/x", "Tags": []}'),
		('StartFHIRExportJob', '{"OutputDataConfig": {"S3Configuration": {"S3Uri": "s3://b/", "KmsKeyId": "k"}}, "DatastoreId": "0123456789abcdef0123456789abcdef", "DataAccessRoleArn": "arn:aws:iam::123456789012:role/r"}')) AS o (operation, request),
	unnest(ARRAY['ACTIVE', 'DELETED', 'COMPLETED', 'active', 'CREATING', '']) AS until,
	raised(format('SELECT healthlake_enqueue(%L, %L, run_after => ''2999-01-01'', until => %L)', operation, request, until)) AS r;
SELECT set_eq('SELECT operation, until FROM outcome WHERE sqlstate IS NULL',
	$$ VALUES ('CreateFHIRDatastore', 'ACTIVE'), ('UpdateFHIRDatastore', 'ACTIVE'), ('DeleteFHIRDatastore', 'DELETED'), ('StartFHIRExportJob', 'COMPLETED') $$, 'what "until" may be');
SELECT set_eq('SELECT DISTINCT sqlstate FROM outcome WHERE sqlstate IS NOT NULL', '{22023}'::text[], 'and what else is refused');
SELECT is(concat_ws(' | ', message, hint), 'TagResource has no status "ACTIVE" to wait for | It is ACTIVE after creating, restoring or updating a data store, DELETED after deleting it, COMPLETED for a job.', 'with its reason')
  FROM outcome WHERE operation = 'TagResource' AND until = 'ACTIVE';
SELECT is(count(*), 4::bigint, 'what is refused leaves no row') FROM healthlake_request;
SELECT is(count(*) FILTER (WHERE healthlake_cancel_request(id)), 4::bigint, 'these are for nobody to send') FROM healthlake_request;

-- Refusals regardless of the contents

SET healthlake.access_key_id = 'AKIDEXAMPLE';
SELECT is(says('SELECT enqueued(''x'')'), '55000 a queued request cannot use the session''s own setting of "healthlake.access_key_id" | Queued requests use the credentials and endpoints of the server or the database.'
	' | Set it in a configuration file that only the server''s user can read, with the library in shared_preload_libraries, or use another source of credentials; RESET it here.'
	' Every role can read the settings of roles and databases.', 'keys of the session');
RESET healthlake.access_key_id;
SELECT is(r.sqlstate, '55000', 'as well as ' || setting) FROM unnest(ARRAY['secret_access_key = x', 'session_token = x', 'profile = x', 'role_arn = ''arn:aws:iam::123456789012:role/r''', 'endpoint_url = ''https://example.org''',
	'use_fips_endpoint = on', 'proxy = ''http://example.org:1''', 'ca_bundle = x']) AS setting, raised('SET healthlake.' || setting || '; SELECT enqueued(''x'')') AS r;
SELECT is(says(format('SELECT healthlake_enqueue(%L, %L)', 'UpdateProfileWithAgent',
	'{"ProfileId": "0123456789abcdef0123456789abcdef", "InputMessage": {"Body": "a patient", "Type": "normal"}}')),
	'22023 a request for UpdateProfileWithAgent with sensitive members cannot be enqueued | They would get into the server''s write-ahead log and backups. | Call function healthlake_update_profile_with_agent.', 'sensitive members');
BEGIN READ ONLY;
SELECT is(says('SELECT enqueued(''x'')'), '25006 cannot execute healthlake_enqueue_create_datastore in a read-only transaction', 'a READ ONLY transaction');
SELECT is(sqlstate, '25006', 'by every function: ' || call) FROM unnest(ARRAY['enqueue(''CreateFHIRDatastore'', ''{"DatastoreTypeVersion": "R4"}'')', 'cancel_request(1)', 'retry_request(1)',
	'resolve_request(1, ''failed'', ''x'')', 'purge_requests(''1 day'')']) AS call, raised('SELECT healthlake_' || call);
COMMIT;
SET healthlake.allowed_regions = 'eu-west-2';
SELECT is(says('SELECT enqueued(''x'')') ~ '^42501 AWS region "us-east-1" is not allowed', true, 'a region that is not allowed');
RESET healthlake.allowed_regions;
SET healthlake.required_tags = 'env';
SELECT is(says('SELECT enqueued(''x'')') ~ '^42501 tag "env" is required', true, 'without a tag that is required');
RESET healthlake.required_tags;
SET healthlake.region = '';
SELECT is(sqlstate, '55000', 'without a region') FROM raised('SELECT enqueued(''x'')');
RESET healthlake.region;
SELECT is(count(*), 4::bigint, 'no row of that, either') FROM healthlake_request;
SELECT is(count(*), 0::bigint, 'and nothing was sent') FROM emulator_log();

-- The privilege to enqueue

CREATE ROLE healthlake_q_maker;
GRANT EXECUTE ON FUNCTION healthlake_enqueue, healthlake_cancel_request TO healthlake_q_maker;
SET ROLE healthlake_q_maker;
SELECT is(says('SELECT healthlake_enqueue(''CreateFHIRDatastore'', ''{"DatastoreTypeVersion": "R4"}'')'),
	'42501 permission denied for operation CreateFHIRDatastore | EXECUTE on function healthlake_create_datastore is also required.', 'EXECUTE on the door alone');
SELECT is(sqlstate, '42501', 'and none on the other') FROM raised('SELECT enqueued(''x'')');
RESET ROLE;
SELECT healthlake_grant('healthlake_q_maker', 'create') \g /dev/null

-- Rows

SET application_name = 'ward round';
SET healthlake.region = 'us-west-2';
SET ROLE healthlake_q_maker;
SELECT healthlake_enqueue_create_datastore('ward 7', tags => '{"env": "prod"}', kms_key_id => 'alias/k', until => 'ACTIVE', reference => '{"ward": 7}',
	run_after => '2999-12-31 23:00+00', client_token => 'a token of mine') AS id \gset
RESET ROLE;
RESET healthlake.region;
SELECT is_row(ROW(operation, request, client_token, state, origin, reference, until, attempts, response, datastore_id, job_id),
	ROW('CreateFHIRDatastore', '{"DatastoreName": "ward 7", "DatastoreTypeVersion": "R4", "Tags": [{"Key": "env", "Value": "prod"}], "SseConfiguration": {"KmsEncryptionConfig": {"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "alias/k"}}}'::jsonb,
	'a token of mine', 'queued', 'queue', '{"ward": 7}'::jsonb, 'ACTIVE', 0, NULL::jsonb, NULL::text, NULL::text), 'the request') FROM healthlake_request WHERE id = :id;
SELECT is_row(ROW(account, region, endpoint, session_role, "current_role", client_addr, application_name, run_after),
	ROW(NULL::text, 'us-west-2', :'named_url' || '/', session_user::text, 'healthlake_q_maker', inet_client_addr(), 'ward round', '2999-12-31 23:00+00'::timestamptz), 'who, where and when') FROM healthlake_request WHERE id = :id;
SELECT is_row(ROW(first_sent_at, unsettled_since, looked_at, lease_until, lease_holder, finished_at, duration, error_sqlstate, error_code, error_message, aws_request_id, note, resolved_by, resolved_at),
	ROW(NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::interval, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::timestamptz),
	'nothing of what has not happened') FROM healthlake_request WHERE id = :id;
SELECT is_row(ROW(fence, timeline, outer_role, retry_of), ROW('', (SELECT timeline_id FROM pg_control_checkpoint()), 'healthlake_q_maker'::text, NULL::bigint), 'the server, and whose it is') FROM healthlake_request WHERE id = :id;
SELECT ok(now() - requested_at BETWEEN '0' AND '1 minute', 'the time') FROM healthlake_request WHERE id = :id;
SELECT is(request_hash, sha256(convert_to(request::text, 'UTF8')), 'the hash of the request') FROM healthlake_request WHERE id = :id;
RESET application_name;
SELECT enqueued('one') AS one, enqueued('two') AS two \gset
SELECT is(:two - :one, 1, 'ids count up');
SELECT is(count(DISTINCT client_token) FILTER (WHERE client_token ~ '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'), 2::bigint, 'a token of its own for each')
  FROM healthlake_request WHERE id IN (:one, :two);
SELECT healthlake_enqueue('TagResource', '{"ResourceARN": "arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/x", "Tags": []}') AS three,
	healthlake_enqueue('CreateFHIRDatastore', '{"DatastoreTypeVersion": "R4", "ClientToken": "given", "DatastoreName": null}', region => 'eu-west-2', reference => '7') AS four \gset
SELECT is(client_token, NULL, 'none where the operation takes none') FROM healthlake_request WHERE id = :three;
SELECT is_row(ROW(client_token, request, region, reference, until), ROW('given', '{"DatastoreTypeVersion": "R4"}'::jsonb, 'eu-west-2', '7'::jsonb, NULL::text), 'one that is given; a null is absent')
  FROM healthlake_request WHERE id = :four;
SELECT ok(run_after BETWEEN requested_at - interval '1 second' AND requested_at, 'at once, where no time is given') FROM healthlake_request WHERE id = :four;
SET healthlake.tag_requests = on;
SELECT healthlake_enqueue_create_datastore('tagged', tags => '{"env": "prod"}') AS five, healthlake_enqueue('CreateFHIRDatastore', '{"DatastoreTypeVersion": "R4"}') AS six,
	healthlake_enqueue('UntagResource', '{"ResourceARN": "arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/x", "TagKeys": ["a"]}') AS seven \gset
RESET healthlake.tag_requests;
SELECT is(request -> 'Tags', jsonb_build_array('{"Key": "env", "Value": "prod"}'::jsonb, jsonb_build_object('Key', 'healthlake:request', 'Value', client_token)), 'with tag_requests a tag beside the others')
  FROM healthlake_request WHERE id = :five;
SELECT is(request -> 'Tags', jsonb_build_array(jsonb_build_object('Key', 'healthlake:request', 'Value', client_token)), 'or alone') FROM healthlake_request WHERE id = :six;
SELECT is(request ? 'Tags', false, 'for what creates something') FROM healthlake_request WHERE id = :seven;

-- Transactions

BEGIN;
SELECT enqueued('rolled back') \g /dev/null
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT enqueued('rolled back to') \g /dev/null
ROLLBACK TO s;
SELECT enqueued('after that') AS after \gset
COMMIT;
SELECT is(array_agg(request ->> 'DatastoreName')::text, '{"after that"}', 'what is rolled back was never there') FROM healthlake_request WHERE request ->> 'DatastoreName' ~ 'rolled|after';
SELECT is((raised('SELECT enqueued(''in a block''), 1/0')).sqlstate, '22012', 'a block that catches an error');
BEGIN;
SELECT enqueued('prepared') AS prepared \gset
PREPARE TRANSACTION 'healthlake_queue';
SELECT is(count(*), 0::bigint, 'one that is prepared is not there yet') FROM healthlake_request WHERE id = :prepared;
COMMIT PREPARED 'healthlake_queue';
SELECT is(state, 'queued', 'but then') FROM healthlake_request WHERE id = :prepared;
SELECT is(count(*), 0::bigint, 'an error takes its row with it') FROM healthlake_request WHERE request ->> 'DatastoreName' = 'in a block';

-- Cancelling

SELECT is(healthlake_cancel_request(id), true, 'what waits can be cancelled: ' || id) FROM healthlake_request WHERE state = 'queued' AND id NOT IN (:one, :two, :three) ORDER BY id;
SELECT is_row(ROW(state, finished_at IS NOT NULL, first_sent_at), ROW('cancelled', true, NULL::timestamptz), 'which is an end') FROM healthlake_request WHERE id = :id;
SELECT is(says('SELECT healthlake_cancel_request(' || :id || ')'), format('55000 request %s is finished: its state is cancelled | Only a request of which certainly nothing was sent can be cancelled.', :id), 'not twice');
SELECT is(says('SELECT healthlake_cancel_request(-1)'), '42704 request -1 does not exist', 'a request that does not exist');
SELECT is(says('SELECT healthlake_cancel_request(NULL)'), '22004 argument "id" must not be null', 'nor is NULL');

-- Sending

SELECT emulator_reset() \g /dev/null
CALL healthlake_run_queue(1);
SELECT is(array_agg(state ORDER BY id)::text, '{succeeded,queued,queued}', 'one, if one is asked for') FROM healthlake_request WHERE id IN (:one, :two, :three);
CALL healthlake_run_queue();
SELECT is(array_agg(state ORDER BY id)::text, '{succeeded,succeeded,failed}', 'and all') FROM healthlake_request WHERE id IN (:one, :two, :three);
SELECT is_row(ROW(attempts, datastore_id, response ->> 'DatastoreStatus', account, duration > '0' AND duration < '1 minute', duration <= finished_at - first_sent_at, aws_request_id IS NOT NULL),
	ROW(1, response ->> 'DatastoreId', 'CREATING', '123456789012', true, true, true), 'what AWS has answered') FROM healthlake_request WHERE id = :one;
SELECT is_row(ROW(lease_until, lease_holder, unsettled_since, error_sqlstate, error_message), ROW(NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::text, NULL::text), 'nothing is open') FROM healthlake_request WHERE id = :one;
SELECT is_row(ROW(error_sqlstate, error_code IS NOT NULL, error_message ~ '^AWS ', attempts), ROW('22023', true, true, 1), 'what AWS has refused, by the SQLSTATE of a call') FROM healthlake_request WHERE id = :three;
SELECT is_row(ROW(l.body ->> 'DatastoreName', l.body ->> 'ClientToken'), ROW('one', r.client_token), 'sent with its token') FROM emulator_log() AS l, healthlake_request AS r WHERE r.id = :one AND l.n = 1;
SELECT is(emulator_stores(), 2::bigint, 'a data store for each creation');
SELECT is(says('CALL healthlake_run_queue()'), '2D000 healthlake_run_queue() cannot be called within a transaction block | CALL it on its own.', 'not within a transaction');
\set ON_ERROR_STOP 0
CALL healthlake_run_queue(0);
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '22023', 'not for no request');
SET healthlake.profile = 'x';
CALL healthlake_run_queue();
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '55000', 'not with settings of one''s own');
RESET healthlake.profile;
SET default_transaction_read_only = on;
CALL healthlake_run_queue();
\set state :LAST_ERROR_SQLSTATE
RESET default_transaction_read_only;
SELECT is(:'state'::text, '25006', 'not in a READ ONLY transaction');
\set ON_ERROR_STOP 1

-- run_after

SELECT emulator_set('{"create_fails": {"ErrorMessage": "no room", "ErrorCategory": "NON_RETRYABLE_ERROR"}}') \g /dev/null
SELECT healthlake_enqueue_create_datastore('in vain', until => 'ACTIVE') AS vain \gset
CALL drain(:vain);
SELECT emulator_set('{"create_fails": null}') \g /dev/null
SELECT is(array_agg(concat_ws(' ', event, outcome, error_code, error_message) ORDER BY id)::text,
	'{enqueued,sent,"replied succeeded","replied failed 55000 data store is CREATE_FAILED: no room"}',
	'the history has the failure that came after a reply') FROM healthlake_event WHERE request_id = :vain;
SELECT healthlake_enqueue_create_datastore('slow', until => 'ACTIVE') AS slow, healthlake_enqueue('CreateFHIRDatastore', '{"DatastoreTypeVersion": "R4", "DatastoreName": "lost"}', until => 'ACTIVE') AS lost \gset
CALL healthlake_run_queue();
SELECT is_row(ROW(state, response ->> 'DatastoreStatus', finished_at, datastore_id IS NOT NULL), ROW('running', 'CREATING', NULL::timestamptz, true), 'it is there, and not there yet') FROM healthlake_request WHERE id = :slow;
SELECT is(says('SELECT healthlake_cancel_request(' || :slow || ')') ~ '^55000 request \d+ may have been sent', true, 'too late to cancel');
SELECT is(says('SELECT healthlake_retry_request(' || :slow || ')') ~ '^55000 request \d+ cannot be retried: its state is running', true, 'or to retry');
SELECT emulator_next(jsonb_build_object('operation', 'DescribeFHIRDatastore', 'body', jsonb_build_object('DatastoreProperties', jsonb_build_object('DatastoreId', datastore_id, 'DatastoreArn', response ->> 'DatastoreArn',
	'DatastoreStatus', 'CREATE_FAILED', 'DatastoreTypeVersion', 'R4', 'DatastoreEndpoint', 'https://x/', 'ErrorCause', '{"ErrorMessage": "no room", "ErrorCategory": "RETRYABLE_ERROR"}'::jsonb)))) FROM healthlake_request WHERE id = :lost \g /dev/null
UPDATE healthlake_request SET run_after = now() + interval '20 seconds' WHERE id = :slow;
CALL drain(:lost);
SELECT is_row(ROW(state, error_sqlstate, error_message, datastore_id IS NOT NULL), ROW('failed', '55000', 'data store is CREATE_FAILED: no room', true), 'it cannot come any more') FROM healthlake_request WHERE id = :lost;
UPDATE healthlake_request SET run_after = now() WHERE id = :slow;
CALL drain(:slow);
SELECT is_row(ROW(state, response -> 'DatastoreProperties' ->> 'DatastoreStatus', attempts, datastore_id), ROW('succeeded', 'ACTIVE', 1, response -> 'DatastoreProperties' ->> 'DatastoreId'), 'it is there') FROM healthlake_request WHERE id = :slow;
SELECT healthlake_enqueue('DeleteFHIRDatastore', jsonb_build_object('DatastoreId', datastore_id), until => 'DELETED') AS deleted FROM healthlake_request WHERE id = :slow \gset
CALL drain(:deleted);
SELECT is_row(ROW(d.state, d.datastore_id), ROW('succeeded', s.datastore_id), 'and deleted') FROM healthlake_request AS d, healthlake_request AS s WHERE d.id = :deleted AND s.id = :slow;

-- Looking after it fails: that says nothing of a data store, unless AWS does not know it

SELECT d.id AS kept FROM healthlake_create_datastore('kept') AS d, LATERAL healthlake_wait_datastore(d.id, poll_interval => '10 ms') \gset
SELECT d.id AS doomed FROM healthlake_create_datastore('doomed') AS d, LATERAL healthlake_wait_datastore(d.id, poll_interval => '10 ms') \gset
SELECT healthlake_enqueue('UpdateFHIRDatastore', jsonb_build_object('DatastoreId', :'kept', 'DatastoreName', 'renamed'), until => 'ACTIVE') AS renamed \gset
-- Sends, and looks at once, until a request is finished or its last look has ended so.
CREATE PROCEDURE look(id bigint, sqlstate text DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN 1 .. 50 LOOP
		CALL healthlake_run_queue();
		UPDATE healthlake_request AS r SET run_after = now() WHERE r.id = look.id AND finished_at IS NULL;
		EXIT WHEN NOT FOUND OR (SELECT error_sqlstate = look.sqlstate FROM healthlake_request AS r WHERE r.id = look.id);
		COMMIT;
	END LOOP;
END
$$;
SELECT count(*) AS before FROM emulator_log() WHERE operation = 'DescribeFHIRDatastore' \gset
SELECT emulator_next('[{"operation": "DescribeFHIRDatastore", "error": "AccessDeniedException"}, {"operation": "DescribeFHIRDatastore", "error": "ResourceNotFoundException", "times": "always"}]') \g /dev/null
CALL look(:renamed, '42704');
SELECT is_row(ROW(state, error_sqlstate, finished_at, attempts), ROW('running', '42704', NULL::timestamptz, 1), 'what is not seen may be new') FROM healthlake_request WHERE id = :renamed;
SELECT ok(count(*) >= :before + 2, 'and who may not look looks again') FROM emulator_log() WHERE operation = 'DescribeFHIRDatastore';
UPDATE healthlake_request SET first_sent_at = first_sent_at - interval '6 minutes' WHERE id = :renamed;
CALL look(:renamed);
SELECT is_row(ROW(state, error_sqlstate, error_code), ROW('failed', '42704', 'ResourceNotFoundException'), 'for five minutes') FROM healthlake_request WHERE id = :renamed;
SELECT healthlake_enqueue('DeleteFHIRDatastore', jsonb_build_object('DatastoreId', :'doomed'), until => 'DELETED') AS gone \gset
CALL look(:gone);
SELECT is_row(ROW(state, note, error_sqlstate, error_code, error_message), ROW('succeeded', 'AWS no longer knows it', NULL::text, NULL::text, NULL::text), 'what was to be deleted is gone') FROM healthlake_request WHERE id = :gone;

-- Later

SELECT healthlake_enqueue_create_datastore('later', run_after => now() + interval '0.7 s') AS later, healthlake_enqueue_create_datastore('past', run_after => '-infinity') AS past \gset
CALL healthlake_run_queue();
SELECT is(array_agg(state ORDER BY id)::text, '{queued,succeeded}', 'not before its time') FROM healthlake_request WHERE id IN (:later, :past);
CALL drain(:later);
SELECT is(state, 'succeeded', 'but then') FROM healthlake_request WHERE id = :later;

-- Temporary errors are repeated

SELECT emulator_reset() \g /dev/null
-- an import, with a quota of 25 a second: creations would be sent once a minute from here on
SELECT healthlake_enqueue('StartFHIRImportJob', jsonb_build_object('DatastoreId', d.id, 'JobName', 'throttled', 'InputDataConfig', '{"S3Uri": "s3://bucket/in/"}'::jsonb,
	'DataAccessRoleArn', 'arn:aws:iam::123456789012:role/import', 'JobOutputDataConfig', '{"S3Configuration": {"S3Uri": "s3://bucket/out/", "KmsKeyId": "alias/health"}}'::jsonb)) AS throttled
  FROM healthlake_create_datastore('there') AS d, LATERAL healthlake_wait_datastore(d.id, poll_interval => '10 ms') \gset
SELECT emulator_next('{"operation": "StartFHIRImportJob", "error": "ThrottlingException"}') \g /dev/null
CALL healthlake_run_queue();
SELECT is_row(ROW(state, error_sqlstate, error_code, attempts, unsettled_since, run_after > now() - interval '1 s'), ROW('queued', '38T01', 'ThrottlingException', 1, NULL::timestamptz, true), 'throttled: it waits')
  FROM healthlake_request WHERE id = :throttled;
CALL drain(:throttled);
SELECT is_row(ROW(state, attempts, error_sqlstate, error_code), ROW('succeeded', 2, NULL::text, NULL::text), 'and goes out again') FROM healthlake_request WHERE id = :throttled;
SELECT is(count(DISTINCT body ->> 'ClientToken'), 1::bigint, 'with the same token') FROM emulator_log() WHERE operation = 'CreateFHIRDatastore';
SELECT enqueued('lost reply') AS unknown \gset
SELECT emulator_next('{"operation": "CreateFHIRDatastore", "apply": true, "error": "InternalServerException"}') \g /dev/null
CALL healthlake_run_queue();
SELECT is_row(ROW(state, error_sqlstate, unsettled_since IS NOT NULL, finished_at), ROW('running', '38M01', true, NULL::timestamptz), 'nobody knows: it is not over') FROM healthlake_request WHERE id = :unknown;
SELECT is(says('SELECT healthlake_cancel_request(' || :unknown || ')') ~ '^55000 request \d+ may have been sent', true, 'nor can it be cancelled');
CALL drain(:unknown);
SELECT is(state, 'succeeded', 'its token tells') FROM healthlake_request WHERE id = :unknown;
SELECT is(emulator_stores(), 2::bigint, 'and it is one data store');

-- Privileges and settings are checked again before sending

CREATE TEMPORARY TABLE before AS SELECT coalesce(max(n), 0) AS n FROM emulator_log();
SELECT enqueued('guarded') AS guarded \gset
SET healthlake.required_tags = 'env';
\set ON_ERROR_STOP 0
CALL healthlake_run_queue();
\set ON_ERROR_STOP 1
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '55000', 'what this session has set does not decide about others'' requests');
RESET healthlake.required_tags;
ALTER DATABASE :"DBNAME" SET healthlake.required_tags = 'env';
\! psql -Xqc "CALL healthlake_run_queue()"
ALTER DATABASE :"DBNAME" RESET healthlake.required_tags;
SELECT is_row(ROW(state, error_sqlstate, error_message, first_sent_at), ROW('failed', '42501', 'tag "env" is required', NULL::timestamptz), 'a guard rail has come down') FROM healthlake_request WHERE id = :guarded;
SELECT enqueued('region') AS region \gset
ALTER DATABASE :"DBNAME" SET healthlake.allowed_regions = 'eu-west-2';
\! psql -Xqc "CALL healthlake_run_queue()"
ALTER DATABASE :"DBNAME" RESET healthlake.allowed_regions;
SELECT is_row(ROW(state, error_sqlstate, error_message), ROW('failed', '42501', 'AWS region "us-east-1" is not allowed'), 'a region is closed') FROM healthlake_request WHERE id = :region;
CREATE ROLE healthlake_q_gone;
SELECT healthlake_grant('healthlake_q_gone', 'create') \g /dev/null
SET ROLE healthlake_q_maker;
SELECT enqueued('revoked') AS revoked \gset
SET ROLE healthlake_q_gone;
SELECT healthlake_enqueue('CreateFHIRDatastore', '{"DatastoreTypeVersion": "R4"}') AS dropped \gset
RESET ROLE;
SELECT format('REVOKE ALL ON FUNCTION %s FROM healthlake_q_maker', oid::regprocedure) FROM pg_proc WHERE proname ~ '^healthlake_(enqueue_)?create_datastore' \gexec
DROP OWNED BY healthlake_q_gone;
DROP ROLE healthlake_q_gone;
CALL healthlake_run_queue();
SELECT is_row(ROW(state, error_sqlstate, error_message, first_sent_at), ROW('failed', '42501', 'role "healthlake_q_maker" may no longer perform CreateFHIRDatastore', NULL::timestamptz), 'the right is revoked')
  FROM healthlake_request WHERE id = :revoked;
SELECT is_row(ROW(state, error_sqlstate, error_message), ROW('failed', '42501', 'role "healthlake_q_gone" may no longer perform CreateFHIRDatastore'), 'the role is dropped') FROM healthlake_request WHERE id = :dropped;
SELECT enqueued('moved') AS moved \gset
ALTER DATABASE :"DBNAME" SET healthlake.endpoint_url = 'http://localhost:1';
\! psql -Xqc 'CALL healthlake_run_queue()'
ALTER DATABASE :"DBNAME" SET healthlake.endpoint_url = :'named_url';
SELECT is_row(ROW(state, error_sqlstate, error_message, first_sent_at), ROW('failed', '55000', format('it was enqueued for endpoint "%s/", and this server would send it to "http://localhost:1/"', :'named_url'), NULL::timestamptz),
	'the endpoint is another one') FROM healthlake_request WHERE id = :moved;
SELECT enqueued('tampered') AS tampered, enqueued('renamed') AS renamed \gset
UPDATE healthlake_request SET request = jsonb_set(request, '{DatastoreName}', '"another"') WHERE id = :tampered;
UPDATE healthlake_request SET operation = 'DeleteEverything' WHERE id = :renamed;
CALL healthlake_run_queue();
SELECT is_row(ROW(state, error_sqlstate, error_message, first_sent_at), ROW('failed', '55000', 'the request is not what was enqueued', NULL::timestamptz), 'the request was altered') FROM healthlake_request WHERE id = :tampered;
SELECT is_row(ROW(state, error_sqlstate, error_message), ROW('failed', '22023', 'operation "DeleteEverything" does not exist'), 'an operation that this version does not know') FROM healthlake_request WHERE id = :renamed;
SELECT is(max(l.n), b.n, 'nothing of that was sent') FROM emulator_log() AS l, before AS b GROUP BY b.n;

-- Requests of another server

SET healthlake.fence = 'old';
SELECT enqueued('fenced') AS fenced \gset
RESET healthlake.fence;
CALL healthlake_run_queue();
SELECT is_row(ROW(state, fence, attempts), ROW('queued', 'old', 0), 'another fence: not sent') FROM healthlake_request WHERE id = :fenced;
SELECT is_row(ROW(reason, fence), ROW('it belongs to a server with another fence', 'old'), 'and it is told') FROM healthlake_stuck_requests WHERE id = :fenced;
SELECT is(healthlake_retry_request(:fenced), :fenced::bigint, 'a person takes it over');
CALL healthlake_run_queue();
SELECT is_row(ROW(state, fence), ROW('succeeded', ''), 'and it is sent') FROM healthlake_request WHERE id = :fenced;

-- Finished rows cannot be changed

SELECT is(sqlstate || ' ' || message, '55000 finished requests cannot be altered', statement) FROM unnest(ARRAY['UPDATE healthlake_request SET note = ''x'' WHERE id = ' || :one, 'UPDATE healthlake_request SET finished_at = NULL WHERE id = ' || :one,
	'DELETE FROM healthlake_request WHERE id = ' || :one, 'TRUNCATE healthlake_request']) AS statement, raised(statement);
SELECT throws_ok('INSERT INTO healthlake_request (id, operation, request, request_hash, state, origin, region, session_role, "current_role", timeline) VALUES (1, ''x'', ''{}'', '''', ''queued'', ''queue'', '''', '''', '''', 1)', '428C9', NULL, 'ids are made, not given');

-- Retrying

SELECT client_token AS old_token FROM healthlake_request WHERE id = :guarded \gset
SELECT to_jsonb(r) AS guarded_row FROM healthlake_request AS r WHERE id = :guarded \gset
SELECT healthlake_retry_request(:guarded) AS again \gset
SELECT is(retry_of, :guarded::bigint, 'what has failed can be tried again') FROM healthlake_request WHERE id = :again;
SELECT is_row(ROW(state, attempts, finished_at, error_sqlstate, error_message, client_token <> :'old_token', endpoint), ROW('queued', 0, NULL::timestamptz, NULL::text, NULL::text, true, NULL::text), 'as a new request') FROM healthlake_request WHERE id = :again;
SELECT is(to_jsonb(r), :'guarded_row', 'the old one stays as it was') FROM healthlake_request AS r WHERE id = :guarded;
SELECT is(says('SELECT healthlake_retry_request(' || :guarded || ')'), format('55000 request %s has been retried as request %s | Retry that one, if it has failed.', :guarded, :again), 'once');
SELECT healthlake_retry_request(:moved) AS moved_again \gset
SELECT isnt(healthlake_retry_request(:id), :id::bigint, 'what was cancelled, too');
CALL healthlake_run_queue();
SELECT is(array_agg(state)::text, '{succeeded,succeeded}', 'it goes out') FROM healthlake_request WHERE id IN (:again, :moved_again);
SELECT is(endpoint, :'named_url' || '/', 'also to another endpoint') FROM healthlake_request WHERE id = :moved_again;
SELECT is(says('SELECT healthlake_retry_request(' || :one || ')') ~ '^55000 request \d+ cannot be retried: its state is succeeded', true, 'what has succeeded is not made twice');
SELECT is(says('SELECT healthlake_retry_request(-1)'), '42704 request -1 does not exist', 'a missing request cannot be retried');
SELECT healthlake_retry_request(:tampered) AS tampered_again \gset
CALL healthlake_run_queue();
SELECT is(error_message, 'the request is not what was enqueued', 'what was altered is no better') FROM healthlake_request WHERE id = :tampered_again;

-- Resolving

SELECT enqueued('unknown') AS unknown, healthlake_enqueue('PublishDataTransformationProfile', '{"ProfileId": "0123456789abcdef0123456789abcdef", "SourceFormat": "CCDA"}') AS published \gset
SELECT emulator_next('[{"operation": "PublishDataTransformationProfile", "cut": 0}, {"operation": "CreateFHIRDatastore", "apply": true, "error": "InternalServerException"}]') \g /dev/null
CALL healthlake_run_queue();
SELECT is_row(ROW(state, error_sqlstate, finished_at IS NOT NULL, attempts), ROW('unknown', '38M01', true, 1), 'what cannot be repeated is unknown') FROM healthlake_request WHERE id = :published;
SELECT is(reason, 'its outcome is unknown: look, then call healthlake_resolve_request()', 'which is told') FROM healthlake_stuck_requests WHERE id = :published;
SELECT is(says('SELECT healthlake_cancel_request(' || :published || ')') ~ '^55000 request \d+ is finished: its state is unknown', true, 'it cannot be cancelled');
SELECT is(says(format('SELECT healthlake_resolve_request(%s)', arguments)), said, arguments) FROM (VALUES
	('NULL, ''failed'', ''x''', '22004 argument "id" must not be null'), ('1, NULL, ''x''', '22004 argument "state" must not be null'), ('1, ''failed'', NULL', '22004 argument "note" must not be null'),
	('1, ''queued'', ''x''', '22023 argument "state" must be succeeded, failed or cancelled'), ('1, ''failed'', ''x'', ''[]''', '22023 argument "response" must be a JSON object')) AS c (arguments, said);
SELECT is(says(format('SELECT healthlake_resolve_request(%s, ''failed'', ''x'')', :one)) ~ '^55000 request \d+ cannot be resolved: its state is succeeded', true, 'what is known is not resolved');
SELECT is(says('SELECT healthlake_resolve_request(-1, ''failed'', ''x'')'), '42704 request -1 does not exist', 'nor a missing request');
SELECT matches(says($$SELECT healthlake_enqueue_create_datastore('big', reference => jsonb_build_object('x', repeat('x', 1048577)))$$), '^22023 argument "reference" is too large', 'a reference has a limit');
SELECT cmp_ok(length(message), '<', 500, what) FROM (VALUES ($$SELECT healthlake_enqueue_create_datastore('u', until => repeat('x', 3000000))$$, 'a status is cut in the message'),
	($$SELECT healthlake_enqueue(repeat('x', 3000000), '{}')$$, 'so is an operation'), ($$SELECT healthlake_enqueue_create_datastore('u', region => repeat('x', 3000000))$$, 'so is a region')) AS v (statement, what), raised(statement);
SELECT matches(says(format('SELECT healthlake_resolve_request(%s, ''failed'', %s)', :published, arguments)), said, 'nor told at such length')
  FROM (VALUES ('repeat(''x'', 1048577)', '^22023 argument "note" is too large \| It has 1048577 bytes; .* allows 1048576'),
	('''x'', jsonb_build_object(''x'', repeat(''x'', 1048577))', '^22023 argument "response" is too large \| It has ')) AS v (arguments, said);
SELECT is(healthlake_resolve_request(:published, 'succeeded', 'the console shows it', '{"ProfileId": "0123456789abcdef0123456789abcdef"}'), true, 'a person has looked');
SELECT is_row(ROW(state, note, resolved_by, resolved_at IS NOT NULL, response), ROW('succeeded', 'the console shows it', session_user::text, true, '{"ProfileId": "0123456789abcdef0123456789abcdef"}'::jsonb), 'and said so')
  FROM healthlake_request WHERE id = :published;
SELECT is(sqlstate, '55000', 'once') FROM raised(format('SELECT healthlake_resolve_request(%s, ''failed'', ''x'')', :published));
UPDATE healthlake_request SET unsettled_since = now() - interval '2 hours', first_sent_at = now() - interval '2 hours', run_after = now() WHERE id = :unknown;
CALL healthlake_run_queue();
SELECT is_row(ROW(state, note, attempts), ROW('succeeded', 'found by its name and time', 1), 'after an hour it is looked for instead of sent') FROM healthlake_request WHERE id = :unknown;
SELECT is(count(*), 1::bigint, 'and there is one') FROM emulator_store() AS s WHERE s ->> 'DatastoreName' = 'unknown';
SELECT is(datastore_id, (SELECT s ->> 'DatastoreId' FROM emulator_store() AS s WHERE s ->> 'DatastoreName' = 'unknown'), 'it is that one') FROM healthlake_request WHERE id = :unknown;

-- The history

SELECT is(string_agg(event || coalesce(' ' || outcome, ''), ', ' ORDER BY id), want, what) FROM healthlake_event AS e,
	(VALUES (:one, 'enqueued, sent, replied succeeded', 'one event for each step'), (:id, 'enqueued, cancelled, retried', 'a cancel and a retry'),
		(:guarded, 'enqueued, sent, replied failed, retried', 'what fails before it is sent'), (:again, 'enqueued, sent, replied succeeded', 'its retry'),
		(:slow, 'enqueued, sent, replied succeeded', 'polls are left out'), (:throttled, 'enqueued, sent, replied succeeded', 'an attempt that was throttled counts in the next'),
		(:published, 'enqueued, sent, replied unknown, resolved succeeded', 'a person''s word'), (:unknown, 'enqueued, sent, replied unknown, adopted succeeded', 'a search that finds it')) AS w (wanted, want, what)
 WHERE request_id = wanted GROUP BY what, want ORDER BY what;
SELECT is_row(ROW(attempts, error_code), ROW(2, NULL::text), 'with the number of attempts') FROM healthlake_event WHERE request_id = :throttled AND event = 'replied';
SELECT is_row(ROW(error_code, error_message), ROW('42501'::text, 'tag "env" is required'::text), 'with the error') FROM healthlake_event WHERE request_id = :guarded AND event = 'replied';
SELECT is(array_agg(note ORDER BY id)::text, format('{"retry of request %s"}', :guarded), 'with the request that is retried') FROM healthlake_event WHERE request_id = :again AND note IS NOT NULL;
SELECT is_row(ROW(kind, session_role, outer_role, "current_role", application_name, home = healthlake_home(), datastore_id IS NOT NULL, duration > '0'), ROW('create'::text, session_user::text, session_user::text, session_user::text, current_setting('application_name'), true, true, true),
	'with whose it is, and what it was') FROM healthlake_event WHERE request_id = :one AND event = 'replied';

-- Waiting

SELECT is((healthlake_wait_request(:one)).state, 'succeeded', 'a finished request is returned');
SELECT is((healthlake_wait_request(:tampered)).state, 'failed', 'whatever its end');
SELECT is(says('SELECT healthlake_wait_request(-1)'), '42704 request -1 does not exist', 'one that does not exist');
SELECT is(says('SELECT healthlake_wait_request(NULL)'), '22004 argument "id" must not be null', 'none');
SELECT is(says(format('SELECT healthlake_wait_request(%s, NULL)', :one)), '22004 argument "timeout" must not be null', 'no time');
SELECT enqueued('waited for') AS waited \gset
SELECT is(says(format('SELECT healthlake_wait_request(%s, ''0.1 s'')', :waited)), format('38W01 request %s is not finished after the time allowed | Increase "timeout", or wait again.', :waited), 'no process sends it');
BEGIN;
SELECT enqueued('not committed') AS mine \gset
SELECT is(says(format('SELECT healthlake_wait_request(%s)', :mine)), format('55000 request %s is not sent before this transaction commits | Commit, and then wait.', :mine), 'no process can send it');
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT is(says(format('SELECT healthlake_wait_request(%s)', :waited)), '55000 cannot wait for a request in a transaction of this isolation level | Wait in a READ COMMITTED transaction.', 'nor could it be seen');
ROLLBACK;
\! psql -Xqc 'SELECT pg_sleep(0.7)' -c 'CALL healthlake_run_queue()' >/dev/null &
SELECT is((healthlake_wait_request(:waited, '10 s')).state, 'succeeded', 'a worker sends it');

-- Purging

SELECT is(says('SELECT healthlake_purge_requests(NULL)'), '22004 argument "older_than" must not be null', 'how old?');
SELECT is(says(format('SELECT healthlake_purge_requests(%L)', age)), '22023 argument "older_than" must be at most 4000 years', 'older than ' || age) FROM unnest(ARRAY['1000000 years', '1000000 years -300000000 days', '4001 years']) AS age;
SELECT is(says(format('SELECT healthlake_wait_request(1, %L)', timeout)), '22023 argument "timeout" must be at least a millisecond and at most 24000 days', 'a wait of ' || timeout) FROM unnest(ARRAY['0', '-1 s']) AS timeout;
SELECT is(says('SELECT healthlake_purge_requests(''-1 day'')'), '22023 argument "older_than" must not be negative', 'a slip of the sign deletes nothing');
SELECT enqueued('still waits') AS waits, healthlake_enqueue('PublishDataTransformationProfile', '{"ProfileId": "0123456789abcdef0123456789abcdef", "SourceFormat": "CCDA"}') AS unknown \gset
UPDATE healthlake_request SET state = 'unknown', finished_at = now() - interval '1 second' WHERE id = :unknown;
ALTER TABLE healthlake_request DISABLE TRIGGER healthlake_request_protect;
UPDATE healthlake_request SET finished_at = finished_at - interval '7 years' WHERE id IN (:one, :two, :unknown);
ALTER TABLE healthlake_request ENABLE TRIGGER healthlake_request_protect;
CREATE TEMPORARY TABLE history AS SELECT count(*) AS n FROM healthlake_event;
SELECT is(healthlake_purge_requests('8 years'), 0::bigint, 'requests that are not so old stay');
SELECT is(healthlake_purge_requests('1 day'), 2::bigint, 'older ones go');
SELECT is(count(*) - n, 2::bigint, 'their history stays, and has each purge') FROM healthlake_event, history GROUP BY n;
SELECT is_row(ROW(event, note, session_role), ROW('purged'::text, '2 requests, 0 events'::text, session_user::text), 'with who did it') FROM healthlake_event ORDER BY id DESC LIMIT 1;
-- six calendar years are more than 2,160 days, which are 72 months of thirty days
INSERT INTO healthlake_event (home, request_id, at, event, origin, session_role, "current_role") SELECT healthlake_home(), n, at, 'sent', 'queue', 'x', 'x'
  FROM (VALUES (-1, now() - interval '2161 days'), (-2, now() - interval '6 years' + interval '1 hour'), (-3, now() - interval '6 years' - interval '1 hour')) AS v (n, at);
SELECT healthlake_purge_requests('1 day') \g /dev/null
SELECT is(array_agg(request_id ORDER BY request_id)::text, '{-2,-1}', 'events are kept for six years, counted on the calendar') FROM healthlake_event WHERE request_id < 0;
SET healthlake.audit_retention = '0 days';
SELECT healthlake_purge_requests('6 years') \g /dev/null
SELECT is(count(*), 2::bigint, 'or as long as whoever purges wants') FROM healthlake_event WHERE request_id < 0;
SELECT healthlake_purge_requests('0') \g /dev/null
RESET healthlake.audit_retention;
SELECT is(array_agg(event)::text, '{purged}', 'and no longer') FROM healthlake_event;
SELECT is(array_agg(state ORDER BY state)::text, '{queued,unknown}', 'all requests but what is open or unknown') FROM healthlake_request;

DROP OWNED BY healthlake_q_maker;
DROP ROLE healthlake_q_maker;

SELECT * FROM finish();
