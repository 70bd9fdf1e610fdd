-- The audit trail of a session's calls: healthlake.audit = on and off. "durable" is tested in
-- test/behaviour/audit.py.

\ir setup.sql
SELECT no_plan();

CREATE ROLE healthlake_auditee;
GRANT healthlake_auditee TO CURRENT_USER;
CREATE FUNCTION last_row() RETURNS healthlake_event LANGUAGE sql AS $$
	SELECT e FROM healthlake_event AS e ORDER BY id DESC LIMIT 1 $$;
SET application_name = 'the ward''s';

-- A creation

SELECT is(current_setting('healthlake.audit'), 'on', 'it is on by default');
SELECT id AS store FROM healthlake_create_datastore('ward 7', tags => '{"cost": "7"}', client_token => 'token-7') \gset
SELECT is(count(*), 1::bigint, 'one call is one event') FROM healthlake_event;
SELECT is(count(*), 0::bigint, 'and no row of the queue') FROM healthlake_request;
SELECT is_row(ROW(operation, kind, event, outcome, origin, client_token, attempts), ROW('CreateFHIRDatastore'::text, 'create'::text, 'replied'::text, 'succeeded'::text, 'call'::text, 'token-7'::text, 1),
	'what was called, and how it ended') FROM last_row();
SELECT is(request, '{"DatastoreName": "ward 7", "DatastoreTypeVersion": "R4", "Tags": [{"Key": "cost", "Value": "7"}]}',
	'its members, less the token') FROM last_row();
SELECT is_row(ROW(datastore_id, job_id, error_code, error_message, note), ROW(:'store'::text, NULL::text, NULL::text, NULL::text, NULL::text), 'what was created, without an error') FROM last_row();
SELECT is(aws_request_id, (SELECT aws_request_id FROM healthlake_last_call()), 'AWS''s request id') FROM last_row();
SELECT is(account, '123456789012', 'the account, out of the ARN') FROM last_row();
SELECT is_row(ROW(region, endpoint), ROW('us-east-1'::text, :'emulator_url' || '/'), 'where it went') FROM last_row();
SELECT is_row(ROW(session_role, outer_role, "current_role", client_addr, application_name), ROW(SESSION_USER::text, CURRENT_USER::text, CURRENT_USER::text, inet_client_addr(), 'the ward''s'::text),
	'who called') FROM last_row();
SELECT ok(at BETWEEN now() - interval '1 minute' AND clock_timestamp(), 'when') FROM last_row();
SELECT ok(duration BETWEEN interval '1 us' AND interval '1 minute', 'how long') FROM last_row();
SELECT is(pg_xact_status(transaction), 'committed', 'in which transaction') FROM last_row();
SELECT is_row(ROW(home, request_id), ROW(healthlake_home(), NULL::int8), 'and where') FROM last_row();

-- Other calls

SELECT count(*) FROM healthlake_list_datastores() \g /dev/null
SELECT healthlake_describe_datastore(:'store') \g /dev/null
SELECT is(count(*), 1::bigint, 'what only reads is no event') FROM healthlake_event;
SELECT is((raised('SELECT healthlake_create_datastore('''')')).sqlstate, '22023', 'nor is a request');
SELECT is(count(*), 1::bigint, 'that is refused before it is sent') FROM healthlake_event;
SELECT emulator_tell('stores', jsonb_build_array(jsonb_build_object('DatastoreId', :'store', 'DatastoreStatus', 'ACTIVE'))) \g /dev/null
SELECT job_id FROM healthlake_start_export_job(:'store', 's3://bucket/out/', 'arn:aws:kms:us-east-1:123456789012:key/k', 'arn:aws:iam::123456789012:role/r') \gset
SELECT is_row(ROW(operation, job_id, datastore_id), ROW('StartFHIRExportJob'::text, :'job_id'::text, :'store'::text), 'a job') FROM last_row();
SELECT healthlake_delete_datastore(:'store', 'ward 7') \g /dev/null
SELECT is_row(ROW(operation, datastore_id, outcome, client_token), ROW('DeleteFHIRDatastore'::text, :'store'::text, 'succeeded'::text, NULL::text), 'a deletion') FROM last_row();
SELECT is(request, jsonb_build_object('DatastoreId', :'store'), 'of that data store') FROM last_row();
DO $$
BEGIN
	EXECUTE (SELECT string_agg(format('GRANT EXECUTE ON FUNCTION %s TO healthlake_auditee', oid::regprocedure), ';')
		FROM pg_proc WHERE proname = 'healthlake_create_datastore');
END $$;
SET ROLE healthlake_auditee;
SELECT healthlake_create_datastore('by another') \g /dev/null
RESET ROLE;
SELECT is_row(ROW(session_role, "current_role"), ROW(SESSION_USER::text, 'healthlake_auditee'::text), 'the current role, where that is another') FROM last_row();
SELECT is((SELECT count(*) FROM healthlake_audit), (SELECT count(*) FROM healthlake_event), 'the view of all has all');
SET healthlake.endpoint_url = 'http://127.0.0.1:1';
SELECT is((raised('SELECT healthlake_create_datastore(''x'')')).sqlstate, '38N01', 'a call that reaches no server');
SET healthlake.endpoint_url = :'emulator_url';

-- It is part of the transaction

CREATE TEMPORARY TABLE before AS SELECT count(*) AS n FROM healthlake_event;
SET client_min_messages = error;
SELECT emulator_next('{"error": "ConflictException"}') \g /dev/null
SELECT is((raised('SELECT healthlake_create_datastore(''x'')')).sqlstate, '55006', 'a call that fails');
BEGIN;
SAVEPOINT a;
SELECT healthlake_create_datastore('x') \g /dev/null
SELECT is(count(*) - n, 1::bigint, 'a call in a savepoint') FROM healthlake_event, before GROUP BY n;
ROLLBACK TO a;
COMMIT;
BEGIN;
SELECT healthlake_create_datastore('x') \g /dev/null
ROLLBACK;
DO $$
BEGIN
	PERFORM healthlake_create_datastore('x');
	RAISE EXCEPTION 'rolled back';
EXCEPTION WHEN raise_exception THEN
END $$;
SET client_min_messages = warning;
SELECT is(count(*) - n, 0::bigint, 'rows go with what they belong to') FROM healthlake_event, before GROUP BY n;
DO $$
BEGIN
	FOR i IN 1..3 LOOP
		BEGIN
			PERFORM healthlake_create_datastore('loop ' || i);
		EXCEPTION WHEN division_by_zero THEN
		END;
	END LOOP;
END $$;
SELECT is(count(*) - n, 3::bigint, 'and stay with it') FROM healthlake_event, before GROUP BY n;
SELECT set_eq('SELECT outcome FROM healthlake_event', ARRAY['succeeded'], 'each with its end');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT healthlake_create_datastore('serializable') \g /dev/null
COMMIT;
SELECT is(request ->> 'DatastoreName', 'serializable', 'SERIALIZABLE, too') FROM last_row();
CREATE TEMPORARY TABLE wards AS SELECT w.name, (healthlake_create_datastore(w.name)).* FROM (VALUES ('w1'), ('w2')) AS w (name);
SELECT results_eq('SELECT request ->> ''DatastoreName'', datastore_id FROM healthlake_event ORDER BY healthlake_event.id DESC LIMIT 2',
	'SELECT name, id FROM wards ORDER BY name DESC', 'a row for each call of a statement');
DECLARE held CURSOR WITH HOLD FOR SELECT (healthlake_create_datastore('held')).id;
SELECT is(request ->> 'DatastoreName', 'held', 'a cursor that is held') FROM last_row();
CLOSE held;

-- Nothing sensitive

SELECT set_config('healthlake.endpoint_url', replace(:'emulator_url', '127.0.0.1', 'localhost'), false) \g /dev/null
SELECT * FROM healthlake_create_transformation_profile('ccda', 'CCDA', profile_mapping => '{"Patient": "secret words"}') \gset
SELECT is(request #>> '{Source,ProfileMapping}', '****************', 'sensitive members are masked') FROM last_row();
SELECT is_row(ROW(request ->> 'ProfileName', operation, outcome), ROW('ccda'::text, 'CreateDataTransformationProfile'::text, 'succeeded'::text), 'the others are there') FROM last_row();
SELECT healthlake_update_profile_with_agent(:'profile_id', 'secret words') \g /dev/null
SELECT is_row(ROW(request #>> '{InputMessage,Body}', request #>> '{InputMessage,Type}'), ROW('****************'::text, 'normal'::text), 'in what is said to the agent') FROM last_row();
SELECT is(count(*), 0::bigint, 'no event has it') FROM healthlake_event AS e WHERE e::text ~ 'secret';
SET healthlake.endpoint_url = :'emulator_url';

-- A reply that jsonb cannot hold

SELECT emulator_next('{"body": "{\"DatastoreId\": \"00000000000000000000000000000000\", \"DatastoreArn\": \"arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/0\", \"DatastoreStatus\": \"CREATING\", \"DatastoreEndpoint\": \"https://x\", \"Odd\": 1e999999999}", "status": 200, "apply": true}') \g /dev/null
SELECT is((raised('SELECT healthlake_create_datastore(''odd'')')).sqlstate, NULL, 'a reply with a number beyond numeric');
SELECT is_row(ROW(outcome, datastore_id), ROW('succeeded'::text, repeat('0', 32)), 'does not keep the event from being written') FROM last_row();

-- Altered tables

-- alters it, creates a data store, and reverts the change
CREATE FUNCTION with_change(ddl text, look text DEFAULT 'request ->> ''DatastoreName'' || '' '' || outcome') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	told text;
	detail text;
	before bigint := (SELECT count(*) FROM healthlake_event);
BEGIN
	EXECUTE ddl;
	PERFORM healthlake_create_datastore('changed', client_token => 'token-changed');
	IF (SELECT count(*) FROM healthlake_event) <> before + 1 THEN
		RAISE 'no event was added' USING ERRCODE = 'P0001';
	END IF;
	EXECUTE 'SELECT ' || look || ' FROM healthlake_event ORDER BY healthlake_event.id DESC LIMIT 1' INTO told;
	RAISE '%', told USING ERRCODE = 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN
		RETURN SQLERRM;
	WHEN query_canceled THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_CONTEXT;
		RETURN SQLSTATE || ' ' || detail;
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
		RETURN SQLSTATE || ' ' || SQLERRM || ' ' || detail;
END $$;
CREATE FUNCTION sent_by(ddl text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT count(*) FROM emulator_log());
BEGIN
	PERFORM with_change(ddl);
	RETURN (SELECT count(*) FROM emulator_log()) - before;
END $$;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.note := concat_ws(' ', TG_WHEN, CURRENT_USER, current_setting('search_path'));
	RETURN NEW;
END $$;
CREATE FUNCTION dropped() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION failing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today' USING ERRCODE = '40001'; END $$;
CREATE FUNCTION cancelled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NEW; END $$;
CREATE TABLE noted_after (id int8, text text);
CREATE FUNCTION noted_after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.noted_after SELECT n.id, concat_ws(' ', TG_WHEN, CURRENT_USER, current_setting('search_path')) FROM added AS n;
	RETURN NULL;
END $$;
CREATE FUNCTION own_lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
CREATE DOMAIN never_null AS text CHECK (VALUE IS NOT NULL);
SET client_min_messages = error;

SELECT is(with_change('SELECT'), 'changed succeeded', 'the table as it is');
SELECT is(with_change('CREATE TRIGGER t BEFORE INSERT ON healthlake_event FOR EACH ROW EXECUTE FUNCTION noted()', 'note'),
	'BEFORE ' || (SELECT relowner::regrole FROM pg_class WHERE oid = 'healthlake_event'::regclass) || ' pg_catalog, pg_temp',
	'a trigger on its rows runs as the owner, with a fixed search_path');
SELECT is(with_change('CREATE TRIGGER t AFTER INSERT ON healthlake_event REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION noted_after()',
	'(SELECT text FROM noted_after AS n WHERE n.id = healthlake_event.id)'),
	'AFTER ' || (SELECT relowner::regrole FROM pg_class WHERE oid = 'healthlake_event'::regclass) || ' pg_catalog, pg_temp',
	'so does one on statements');
SELECT is(with_change('CREATE TRIGGER t BEFORE INSERT ON healthlake_event FOR EACH ROW EXECUTE FUNCTION dropped()'),
	'38M01 AWS has carried out CreateFHIRDatastore, but it could not be recorded: could not insert the event of a call into the history Operation CreateFHIRDatastore, client token token-changed, id '
	|| (SELECT reply ->> 'DatastoreId' FROM healthlake_last_call()) || '. Reason: could not insert the event of a call into the history (SQLSTATE 09000).',
	'one that drops the row is an error, with token and id');
SELECT matches(with_change('CREATE RULE r AS ON INSERT TO healthlake_event WHERE NEW.event = ''replied'' DO INSTEAD NOTHING'), '^0A000 ', 'so is a rule');
SELECT is(sent_by('CREATE RULE r AS ON INSERT TO healthlake_event WHERE NEW.event = ''replied'' DO INSTEAD NOTHING'), 0::bigint, 'which is found before anything is sent');
SELECT matches(with_change('CREATE TRIGGER t AFTER INSERT ON healthlake_event FOR EACH ROW EXECUTE FUNCTION failing()'), '^38M01 .*: not today Operation .*token-changed, id .*SQLSTATE 40001',
	'what says that it may be repeated does not say so after AWS has acted');
SELECT matches(with_change('CREATE TRIGGER t BEFORE INSERT ON healthlake_event FOR EACH ROW EXECUTE FUNCTION cancelled()'), '^57014 .*HealthLake operation CreateFHIRDatastore, client token token-changed, id [0-9a-f]{32}, which AWS has carried out',
	'a cancel says what has been done');
SELECT is(with_change('CREATE INDEX ON healthlake_event (client_token)'), 'changed succeeded', 'a further index');
SELECT is(with_change('CREATE INDEX i ON healthlake_event (client_token) WHERE client_token IS NOT NULL; SET LOCAL enable_seqscan = off',
	'(SELECT count(*) FROM healthlake_event AS e WHERE e.client_token = ''token-changed'')'), '1', 'has the row');
SELECT is(with_change('CREATE INDEX ON healthlake_event (own_lower(client_token)) WHERE own_lower(kind) = ''create''; SET LOCAL enable_seqscan = off',
	'(SELECT count(*) FROM healthlake_event AS e WHERE own_lower(e.client_token) = ''token-changed'' AND own_lower(kind) = ''create'')'), '1', 'so has one by a function of its owner''s');
SELECT matches(with_change('CREATE UNIQUE INDEX u ON healthlake_event (operation) WHERE client_token = ''token-changed''; SELECT healthlake_create_datastore(''changed'', client_token => ''token-changed'')'), '^38M01 .*duplicate key.*token-changed, id .*SQLSTATE 23505',
	'a unique index that is violated');
SELECT is(with_change('ALTER TABLE healthlake_event ADD UNIQUE (id, home) DEFERRABLE INITIALLY DEFERRED'), 'changed succeeded', 'a constraint that is deferred');
SELECT is(with_change('ALTER TABLE healthlake_event ADD EXCLUDE (note WITH =)'), 'changed succeeded', 'an exclusion');
SELECT matches(with_change('ALTER TABLE healthlake_event ADD CHECK (event <> ''replied'') NOT VALID'), '^38M01 .*violates check constraint.*SQLSTATE 23514', 'a CHECK of what all events of calls say');
SELECT matches(with_change('ALTER TABLE healthlake_event ADD CHECK (operation <> ''CreateFHIRDatastore'') NOT VALID'), '^38M01 .*token-changed, id .*SQLSTATE 23514', 'a CHECK of another column');
SELECT is(with_change('ALTER TABLE healthlake_event ADD CHECK (operation <> ''x'' AND own_lower(event) <> ''x'') NOT VALID'), 'changed succeeded', 'a CHECK that is met');
SELECT is(with_change('ALTER TABLE healthlake_event ADD more text DEFAULT ''given''', 'more'), 'given', 'a further column with a default');
SELECT is(with_change('ALTER TABLE healthlake_event ADD more text', 'coalesce(more, ''null'')'), 'null', 'one without');
SELECT is(with_change('ALTER TABLE healthlake_event ADD more text GENERATED ALWAYS AS (upper(outcome)) STORED', 'more'), 'SUCCEEDED', 'one that is generated');
SELECT is(with_change('ALTER TABLE healthlake_event ADD more int GENERATED ALWAYS AS IDENTITY (START 1000000)', 'more >= 1000000'), 'true', 'an identity');
SELECT matches(with_change('ALTER TABLE healthlake_event ADD more never_null DEFAULT ''x''; ALTER TABLE healthlake_event ALTER more DROP DEFAULT'), '^38M01 .*never_null', 'one of a domain');
SELECT matches(with_change('ALTER TABLE healthlake_event ADD more text NOT NULL DEFAULT ''x''; ALTER TABLE healthlake_event ALTER more DROP DEFAULT'), '^23502 column "more" of the history must have a value',
	'one that has no value');
SELECT is(sent_by('ALTER TABLE healthlake_event ADD more text NOT NULL DEFAULT ''x''; ALTER TABLE healthlake_event ALTER more DROP DEFAULT'), 0::bigint, 'as is this');
SELECT matches(with_change('ALTER TABLE healthlake_event RENAME note TO remark'), '^42703 ', 'a column that is gone');
SELECT is(sent_by('ALTER TABLE healthlake_event RENAME note TO remark'), 0::bigint, 'as is that');
SELECT is(sent_by('ALTER TABLE healthlake_event ALTER id SET GENERATED ALWAYS'), 0::bigint, 'and an id that cannot be specified');
SELECT is(sent_by('SELECT'), 1::bigint, '(where nothing is wrong, it is sent)');
SELECT is(with_change('ALTER TABLE healthlake_event RENAME note TO remark; ALTER TABLE healthlake_event ADD note text'), 'changed succeeded', 'one that is made again, and so is elsewhere');
SELECT is(with_change('ALTER TABLE healthlake_event RENAME application_name TO client; ALTER TABLE healthlake_event ADD application_name varchar(100)', 'application_name'), 'the ward''s', 'one of another type');
SELECT is(with_change('ALTER TABLE healthlake_event ALTER at SET DEFAULT ''2001-01-01 00:00+00''', 'extract(year FROM at)'), '2001', 'another default of the time');
SELECT is(with_change('ALTER TABLE healthlake_event ALTER outer_role SET NOT NULL'), 'changed succeeded', 'a column that must not be null');
SELECT is(with_change('ALTER TABLE healthlake_event FORCE ROW LEVEL SECURITY'), 'changed succeeded', 'row security for the owner, too');
SELECT is(with_change('ALTER TABLE healthlake_event REPLICA IDENTITY FULL; CREATE PUBLICATION p FOR TABLE healthlake_event WHERE (event = ''replied'')'), 'changed succeeded', 'a publication');
SELECT is(with_change('CREATE TABLE kinds (kind text PRIMARY KEY); INSERT INTO kinds SELECT DISTINCT kind FROM healthlake_event; ALTER TABLE healthlake_event ADD FOREIGN KEY (kind) REFERENCES kinds'), 'changed succeeded', 'a foreign key');
SELECT matches(with_change('CREATE TABLE kinds (kind text PRIMARY KEY); ALTER TABLE healthlake_event ADD FOREIGN KEY (kind) REFERENCES kinds NOT VALID'), '^38M01 .*violates foreign key', 'one that is violated');
SELECT is(with_change('ALTER TABLE healthlake_event SET UNLOGGED'), 'changed succeeded', 'unlogged');
SELECT is(with_change('CREATE ROLE healthlake_historian; GRANT CREATE, USAGE ON SCHEMA public TO healthlake_historian; ALTER TABLE healthlake_event OWNER TO healthlake_historian; GRANT ALL ON healthlake_event TO CURRENT_USER'), 'changed succeeded', 'another owner');
SELECT matches(with_change('CREATE ROLE healthlake_historian; GRANT CREATE, USAGE ON SCHEMA public TO healthlake_historian; ALTER TABLE healthlake_request OWNER TO healthlake_historian'), '^42501 permission denied for table healthlake_event', 'an owner who may not insert');
SELECT is(sent_by('CREATE ROLE healthlake_historian; GRANT CREATE, USAGE ON SCHEMA public TO healthlake_historian; ALTER TABLE healthlake_request OWNER TO healthlake_historian'), 0::bigint, 'does so before anything is sent');
SELECT is(with_change('CREATE ROLE healthlake_historian; GRANT CREATE, USAGE ON SCHEMA public TO healthlake_historian; ALTER TABLE healthlake_request OWNER TO healthlake_historian; GRANT INSERT, SELECT ON healthlake_event TO healthlake_historian; GRANT USAGE ON SEQUENCE healthlake_event_id_seq TO healthlake_historian'), 'changed succeeded', 'one who may');
SELECT is(with_change('SELECT'), 'changed succeeded', 'and it is as it was');
SET client_min_messages = warning;

-- The history is append-only

SELECT is(message_of('UPDATE healthlake_event SET note = ''x'''), '55000 the history cannot be altered', 'no event can be altered');
SELECT is(message_of('DELETE FROM healthlake_event'), '55000 the history cannot be altered', 'nor deleted');
SELECT is(message_of('TRUNCATE healthlake_event'), '55000 the history cannot be altered', 'nor all of them');

-- By day and role

SELECT is_row(ROW(datastores, rolled_back, cardinality(datastore_ids)), ROW(1::bigint, 0::bigint, 1), 'who has created what')
  FROM healthlake_created_datastores WHERE "current_role" = 'healthlake_auditee' AND region = 'us-east-1' AND day = current_date;
SELECT is(count(*), 0::bigint, 'what was rolled back is known by durable rows alone') FROM healthlake_left_behind;

-- Roles

SELECT is(message_of('SET ROLE healthlake_auditee; SELECT * FROM healthlake_audit'), '42501 permission denied for view healthlake_audit', 'a role may not read it');
RESET ROLE;
SELECT is(message_of('SET ROLE healthlake_auditee; SET healthlake.audit = off'), '42501 permission denied to set parameter "healthlake.audit"', 'nor set it off');
RESET ROLE;

-- Off

CREATE TEMPORARY TABLE count_off AS SELECT count(*) AS n FROM healthlake_event;
SET healthlake.audit = off;
SELECT healthlake_create_datastore('unseen') \g /dev/null
SELECT is(count(*), n, 'off: no event') FROM healthlake_event, count_off GROUP BY n;
RESET healthlake.audit;
DROP OWNED BY healthlake_auditee;
DROP ROLE healthlake_auditee;

SELECT * FROM finish();
