-- A database with encoding SQL_ASCII: bytes that are not UTF-8 are not sent.

\ir setup.sql
SELECT current_database() AS home, current_database() || '_sql_ascii' AS other \gset
CREATE DATABASE :"other" TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C';
\c :"other"
\ir setup.sql
SELECT no_plan();
SELECT is(sent($$ healthlake_create_datastore('ward 7') $$) ->> 'DatastoreName', 'ward 7', 'a name');
SELECT is(sent($$ healthlake_create_datastore(E'S\303\274d') $$) ->> 'DatastoreName', E'S\303\274d', 'bytes that are UTF-8 are sent');
SELECT emulator_reset() \g /dev/null
SELECT is(sqlstate, '22023', 'bytes that are not are refused') FROM raised($$ SELECT healthlake_create_datastore(E'S\374d') $$);
SELECT is(sqlstate, '22023', 'in jsonb, too') FROM raised($$ SELECT healthlake_create_datastore(E'{"DatastoreName": "S\374d", "DatastoreTypeVersion": "R4"}'::jsonb) $$);
SELECT is(sqlstate, '22023', 'in tags, too') FROM raised($$ SELECT healthlake_create_datastore('x', tags => E'{"\374": "a"}') $$);
SELECT is(sqlstate, '22023', 'in a token, too') FROM raised($$ SELECT healthlake_create_datastore('x', client_token => E'\374') $$);
SELECT is(count(*), 0::bigint, 'and not sent') FROM emulator_log();
SELECT emulator_next('{"error": "ConflictException", "message": "Süd"}') \g /dev/null
SELECT is(sqlstate, '55006', 'a message beyond ASCII') FROM raised($$ SELECT healthlake_create_datastore('x') $$);

-- A load continues after a row that is not UTF-8

SELECT emulator_tell('stores', jsonb_build_object('DatastoreId', md5('ascii'), 'DatastoreName', 'ascii')) \g /dev/null
SELECT set_config('healthlake.datastore_id', md5('ascii'), false) \g /dev/null
CREATE TABLE given (resource jsonb);
INSERT INTO given SELECT jsonb_build_object('resourceType', 'Patient', 'id', id, 'name', jsonb_build_array(jsonb_build_object('family', family)))
  FROM (VALUES ('a', E'S\303\274d'), ('b', E'S\374d'), ('c', 'Sud')) AS v (id, family);
SET client_min_messages = warning;
CALL healthlake_fhir_load('given');
SELECT results_eq('SELECT type, id, status, code FROM healthlake_fhir_load_error', $$ VALUES ('Patient', 'b', NULL::int, 'structure') $$, 'a row that is not UTF-8 is reported');
SELECT is(array_agg(r.id || ' ' || (r.resource #>> '{name,0,family}') ORDER BY r.id)::text, E'{"a S\303\274d","c Sud"}', 'and the others are loaded')
  FROM healthlake_fhir_read_many('Patient', '{a,b,c}') AS r WHERE r.resource IS NOT NULL;
SELECT * FROM finish();

\c :"home"
DROP DATABASE :"other";
