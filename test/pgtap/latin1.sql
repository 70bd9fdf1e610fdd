-- A database with encoding LATIN1: AWS gets UTF-8, the database what it can store,
-- or a clean error.

\ir setup.sql
SELECT current_database() AS home, current_database() || '_latin1' AS other \gset
CREATE DATABASE :"other" TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
\c :"other"
\ir fhir_setup.sql
SET client_encoding = 'UTF8';
SELECT no_plan();
SELECT is(sent($$ healthlake_create_datastore('Süd') $$) ->> 'DatastoreName', 'Süd', 'a name');
SELECT is(encode(convert_to(body_text, 'UTF8'), 'escape') ~ 'S\\303\\274d', true, 'is UTF-8 on the wire') FROM emulator_log();
SELECT is(sent($$ healthlake_create_datastore('{"DatastoreName": "Süd", "DatastoreTypeVersion": "R4"}'::jsonb) $$) ->> 'DatastoreName',
	'Süd', 'so it is in jsonb');
SELECT is(sent($$ healthlake_create_datastore('x', tags => '{"ä": "ö"}') $$) -> 'Tags', '[{"Key": "ä", "Value": "ö"}]', 'and in tags');
SELECT emulator_next('{"status": 400, "body_base64": "eyJfX3R5cGUiOiJDb25mbGljdEV4Y2VwdGlvbiIsIm1lc3NhZ2UiOiJTw7xkIOWwjyJ9"}') \g /dev/null
SELECT is_row(ROW(sqlstate, message), ROW('55006', 'AWS refused CreateFHIRDatastore: Süd ?'),
	'a message with a character that LATIN1 lacks') FROM raised($$ SELECT healthlake_create_datastore('x') $$);
SELECT emulator_next('{"error": "ConflictException", "message": "Süd"}') \g /dev/null
SELECT is((raised($$ SELECT healthlake_create_datastore('x') $$)).message, 'AWS refused CreateFHIRDatastore: Süd',
	'a message that LATIN1 can hold');
SELECT emulator_next('{"status": 200, "body_base64": "eyJEYXRhc3RvcmVJZCI6ICLlsI8iLCAiRGF0YXN0b3JlQXJuIjogImIiLCAiRGF0YXN0b3JlU3RhdHVzIjogImMiLCAiRGF0YXN0b3JlRW5kcG9pbnQiOiAiZCJ9"}') \g /dev/null
SELECT is_row(ROW(sqlstate, message ~ '^AWS has carried out CreateFHIRDatastore, but its reply could not be given: character with byte sequence', detail ~ 'client token latin, id \?\. Reason: .*\(SQLSTATE 22P05\)', hint),
	ROW('38M01', true, true, 'Check the current state before you repeat the call.'), 'a value that LATIN1 lacks is not changed into another, and hides no change')
  FROM raised($$ SELECT healthlake_create_datastore('x', client_token => 'latin') $$);
SELECT is_row(ROW(outcome, client_token, reply), ROW('succeeded', 'latin', NULL::jsonb), 'the last call has its token') FROM healthlake_last_call();

SELECT is_row(ROW(sqlstate, detail ~ what), ROW('38P01', true), call)
  FROM (VALUES ('healthlake_list_datastores()', '^Operation ListFHIRDatastores, HTTP status 200, request id', '{"DatastorePropertiesList": [{"DatastoreId": "i", "DatastoreArn": "a", "DatastoreStatus": "ACTIVE", "DatastoreTypeVersion": "R4", "DatastoreEndpoint": "e", "DatastoreName": "\u5c0f"}]}'),
	('healthlake_describe_datastore(repeat(''a'', 32))', '^Operation DescribeFHIRDatastore, HTTP status 200, request id', '{"DatastoreProperties": {"DatastoreId": "i", "DatastoreArn": "a", "DatastoreStatus": "ACTIVE", "DatastoreTypeVersion": "R4", "DatastoreEndpoint": "e", "DatastoreName": "\u5c0f"}}'),
	('healthlake_call(''ListFHIRDatastores'')', '^Operation ListFHIRDatastores, HTTP status 200, request id', '{"DatastorePropertiesList": [], "x": "\u5c0f"}')) AS v (call, what, body),
	LATERAL emulator_next(jsonb_build_object('status', 200, 'body_base64', encode(convert_to(body, 'UTF8'), 'base64'))), LATERAL raised('SELECT * FROM ' || call);

-- Data stores found by name, and those to be deleted or restored
CREATE FUNCTION listed(store jsonb) RETURNS void LANGUAGE sql AS $$
	SELECT emulator_next(jsonb_build_object('operation', 'ListFHIRDatastores', 'status', 200, 'body_base64', encode(convert_to(replace(jsonb_build_object('DatastorePropertiesList', jsonb_build_array(
		'{"DatastoreId": "i", "DatastoreArn": "a", "DatastoreStatus": "ACTIVE", "DatastoreTypeVersion": "R4", "DatastoreEndpoint": "e", "DatastoreName": "x"}'::jsonb || store))::text, 'LACKING', '\u5c0f'), 'UTF8'), 'base64'))) $$;
SELECT listed('{"DatastoreEndpoint": "LACKING"}') \g /dev/null
SELECT is_row(ROW(sqlstate, message, detail ~ '^Operation ListFHIRDatastores, HTTP status 200, request id'),
	ROW('38P01', 'unusable reply to ListFHIRDatastores: it has a value that the database cannot hold', true), 'the data store of a name')
  FROM raised('SELECT healthlake_ensure_datastore(''x'')');
SELECT listed('{"SseConfiguration": {"KmsEncryptionConfig": {"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "LACKING"}}}') \g /dev/null
SELECT is(says('SELECT healthlake_ensure_datastore(''x'', kms_key_id => ''?'')'), '55000 data store "i" of that name is not as requested | kms_key_id is ?, requested was ?.', 'no text here equals what it lacks');
CREATE FUNCTION described(store jsonb) RETURNS void LANGUAGE sql AS $$
	SELECT emulator_next(jsonb_build_object('operation', 'DescribeFHIRDatastore', 'status', 200, 'body_base64', encode(convert_to(replace(jsonb_build_object('DatastoreProperties',
		'{"DatastoreId": "i", "DatastoreArn": "a", "DatastoreStatus": "ACTIVE", "DatastoreTypeVersion": "R4", "DatastoreEndpoint": "e", "DatastoreName": "x"}'::jsonb || store)::text, 'LACKING', '\u5c0f'), 'UTF8'), 'base64'))) $$;
SELECT described('{"DatastoreName": "LACKING"}') \g /dev/null
SELECT is(says('SELECT healthlake_delete_datastore(repeat(''a'', 32), ''?'')') ~ '^22023 data store "a+" is not named "\?" \| Nothing was deleted', true, 'a name that no text here equals');
SELECT described('{"DatastoreName": "Süd"}') \g /dev/null
SELECT is((raised('SELECT healthlake_delete_datastore(repeat(''a'', 32), ''Süd'')')).message ~ '^AWS refused DeleteFHIRDatastore', true, 'a name that one equals');
SELECT described('{"SseConfiguration": {"KmsEncryptionConfig": {"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "LACKING"}}}') \g /dev/null
SELECT is((raised('SELECT healthlake_restore_datastore(repeat(''a'', 32), ''x'')')).message ~ '^AWS refused RestoreFHIRDatastore', true, 'a restore is sent, with a warning');
SELECT described('{"DatastoreName": "LACKING"}') \g /dev/null
SELECT is((raised('SELECT healthlake_wait_datastore(repeat(''a'', 32))')).sqlstate, '38P01', 'a wait fails');
SELECT described('{"DatastoreName": "LACKING"}') \g /dev/null
SELECT is_row(ROW(id, sqlstate), ROW(NULL::text, '38P01'), 'one of many is a row') FROM healthlake_describe_datastores(ARRAY[repeat('a', 32)]);

-- Generic calls, many calls, and the texts of an agent
SET client_min_messages = error;
CREATE FUNCTION lacking() RETURNS void LANGUAGE sql AS $$
	SELECT emulator_next('{"status": 200, "body_base64": "eyJEYXRhc3RvcmVJZCI6ICLlsI8iLCAiRGF0YXN0b3JlQXJuIjogImIiLCAiRGF0YXN0b3JlU3RhdHVzIjogImMiLCAiRGF0YXN0b3JlRW5kcG9pbnQiOiAiZCJ9"}') $$;
SELECT lacking() \g /dev/null
SELECT ok(healthlake_call('CreateFHIRDatastore', '{"DatastoreTypeVersion": "R4"}') IS NULL, 'the reply to a change by name is null');
SELECT lacking() \g /dev/null
SELECT is(array_agg(ROW(response IS NULL, sqlstate)::text ORDER BY response IS NULL), ARRAY['(f,)', '(t,)'], 'and that to one of many, whichever comes first')
  FROM healthlake_call_many('CreateFHIRDatastore', ARRAY['{"DatastoreTypeVersion": "R4", "ClientToken": "one"}', '{"DatastoreTypeVersion": "R4", "ClientToken": "two"}']::jsonb[]);
SET client_min_messages = warning;
-- Scripts an answer that jsonb cannot store here, as text.
CREATE FUNCTION tell_text(door text, said text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (SELECT %L) TO PROGRAM %L (FORMAT csv, QUOTE e''\x01'', DELIMITER e''\x02'')', said,
		format('curl -sS -f -m 60 -o /dev/null --data-binary @- "%s/_emulator/%s"', (SELECT url FROM emulator_address), door));
END
$$;
SELECT set_config('healthlake.endpoint_url', replace(:'emulator_url', '127.0.0.1', 'localhost'), false) \g /dev/null
SELECT profile_id FROM healthlake_create_transformation_profile('p', 'CCDA', starter_profile_name => 's') \gset
SELECT tell_text('next', '{"operation": "UpdateProfileWithAgent", "events": [{"event": "TextMessageEvent", "payload": {"Message": "one"}}, {"event": "EndOfOutputEvent", "payload": {"FinalResponseMessage": "\u0141", "Options": [], "ConversationId": "c"}}]}') \g /dev/null
SELECT is_row(ROW(sqlstate, message ~ '^AWS has carried out UpdateProfileWithAgent, but its reply could not be given: '), ROW('38M01', true), 'what cannot be held in a later row hides no change')
  FROM raised(format('SELECT * FROM healthlake_update_profile_with_agent(%L, ''x'')', :'profile_id'));
SET healthlake.endpoint_url = :'emulator_url';

-- A resource with a character that LATIN1 lacks: a change is carried out, with a warning.
SELECT begin_anew() \g /dev/null
CREATE FUNCTION place(name text) RETURNS void LANGUAGE sql AS $$
	SELECT tell_text('versions', format('[{"store": "%s", "resource": {"resourceType": "Patient", "id": "%s", "name": [{"given": ["%s"]}]}}]',
		current_setting('healthlake.datastore_id'), name, '\u0141ukasz')) $$;
SELECT place(name) FROM unnest(ARRAY['p1', 'p2']) AS name \g /dev/null
-- The version in the data store.
CREATE FUNCTION version_of(name text) RETURNS text LANGUAGE sql AS $$
	SELECT substring(emulator_ask('resources?store=' || current_setting('healthlake.datastore_id')),
		'"Patient/' || name || '": \{"version": ([0-9]+)') $$;
SELECT is(version_of('p1'), '1', 'a resource is there');
SELECT is_row(ROW(r.type, r.id, r.version_id, r.resource), ROW('Patient', 'p1', '2', NULL::jsonb), 'a patch has its row')
  FROM healthlake_fhir_patch('Patient', 'p1', '[{"op": "add", "path": "/active", "value": true}]') AS r;
SELECT is(version_of('p1'), '2', 'and is made once');
SELECT is(array_agg(ROW(status, id, version_id, resource)::text ORDER BY ordinal), ARRAY['(200,p2,2,)', '(200,p1,2,)'], 'so do the entries of a batch')
  FROM healthlake_fhir_bundle('[{"method": "PATCH", "url": "Patient/p2", "resource": [{"op": "add", "path": "/active", "value": true}]},
	{"method": "GET", "url": "Patient/p1"}]', 'batch');
SELECT is(version_of('p2'), '2', 'whose change is made once');
SELECT is((raised($$ SELECT healthlake_fhir_read('Patient', 'p1') $$)).sqlstate, '38P01', 'a read fails');
SELECT is(array_agg(ROW(ordinal, status, resource IS NULL, sqlstate)::text ORDER BY ordinal), ARRAY['(1,200,t,38P01)', '(2,404,t,)'],
	'of many the row has the error') FROM healthlake_fhir_read_many('Patient', ARRAY['p1', 'other']);

-- A load sends UTF-8, too
SELECT begin_anew() \g /dev/null
CREATE TABLE given (resource jsonb);
INSERT INTO given VALUES ('{"resourceType": "Patient", "id": "p3", "name": [{"family": "Süd"}]}');
CALL healthlake_fhir_load('given');
SELECT is(encode(convert_to(body_text, 'UTF8'), 'escape') ~ 'S\\303\\274d', true, 'a load sends UTF-8')
  FROM emulator_log() WHERE operation LIKE 'fhir:%' ORDER BY n DESC LIMIT 1;
SELECT is(healthlake_fhir_read('Patient', 'p3') #>> '{name,0,family}', 'Süd', 'and what was loaded is read as it was');
SELECT * FROM finish();

\c :"home"
DROP DATABASE :"other";
