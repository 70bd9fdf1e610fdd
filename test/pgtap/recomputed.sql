-- Calls that PostgreSQL would make for a row that it may drop, or compute again: under SELECT FOR UPDATE,
-- in WHEN MATCHED of MERGE, and in the actions of a rule; and functions that enqueue, once for a row. Two
-- sessions are in test/behaviour/concurrent.py.

\ir setup.sql
SELECT no_plan();

-- Whether a statement is refused, with this in the hint, before anything is sent.
CREATE FUNCTION refuses(statement text, hint text, what text) RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT is(ARRAY[sqlstate, (r.hint ~ refuses.hint)::text, requests::text], ARRAY['0A000', 'true', '0'], what)
	  FROM raised_anew(statement) AS r
$$;

-- Whether a statement creates this number of data stores.
CREATE FUNCTION creates(statement text, stores bigint, what text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM emulator_reset();
	EXECUTE statement;
	RETURN NEXT is(emulator_stores(), stores, what);
END
$$;

CREATE TABLE ward (name text, id text);
INSERT INTO ward VALUES ('a'), ('b');
CREATE VIEW made AS SELECT name, healthlake_create_datastore(name) AS store FROM ward;

-- SELECT FOR UPDATE locks its rows last

SELECT refuses($$ SELECT healthlake_create_datastore(name) FROM ward FOR $$ || strength,
	'materialized CTE', 'FOR ' || strength || ' is refused')
  FROM unnest('{UPDATE,NO KEY UPDATE,SHARE,KEY SHARE,UPDATE SKIP LOCKED,SHARE NOWAIT}'::text[]) AS strength;
SELECT refuses(statement || ' SKIP LOCKED', 'materialized CTE', 'so is ' || statement)
  FROM unnest(ARRAY[
	$$ SELECT (healthlake_create_datastore(name)).* FROM ward ORDER BY ward.name LIMIT 1 FOR UPDATE $$,
	$$ SELECT s.id FROM ward, LATERAL healthlake_create_datastore(ward.name) AS s FOR UPDATE OF ward $$,
	$$ SELECT s.id FROM ward, healthlake_create_datastore('x') AS s FOR UPDATE OF ward $$,
	$$ SELECT s.id FROM ward, (SELECT * FROM healthlake_create_datastore('x')) AS s FOR UPDATE OF ward $$,
	$$ SELECT s.id FROM ward, LATERAL (SELECT * FROM healthlake_create_datastore(ward.name)) AS s FOR UPDATE OF ward $$,
	$$ SELECT (SELECT id FROM healthlake_create_datastore(ward.name)) FROM ward FOR UPDATE $$,
	$$ SELECT name FROM ward WHERE (healthlake_create_datastore(name)).id IS NOT NULL FOR UPDATE $$,
	$$ SELECT name FROM ward WHERE EXISTS (SELECT FROM healthlake_create_datastore(ward.name)) FOR UPDATE $$,
	$$ SELECT s FROM (SELECT healthlake_create_datastore(name) FROM ward) AS s FOR UPDATE $$,
	$$ SELECT s FROM ward, LATERAL (SELECT healthlake_create_datastore(ward.name) UNION ALL SELECT NULL) AS s FOR UPDATE OF ward $$,
	$$ SELECT * FROM made FOR UPDATE $$,
	$$ SELECT s.ordinal FROM ward, LATERAL healthlake_call_many('CreateFHIRDatastore', ARRAY[to_jsonb(ward)]) AS s FOR UPDATE OF ward $$,
	$$ SELECT s.id FROM ward, LATERAL healthlake_fhir_bundle(to_jsonb(ward)) AS s FOR UPDATE OF ward $$,
	$$ SELECT healthlake_fhir_create(to_jsonb(ward)) FROM ward FOR UPDATE $$]) AS statement;
SELECT refuses($$ DO $do$ DECLARE r record; BEGIN
	FOR r IN SELECT healthlake_create_datastore(name) FROM ward FOR UPDATE SKIP LOCKED LOOP END LOOP; END $do$ $$,
	'materialized CTE', 'so is a loop of PL/pgSQL');
SELECT is((raised('SELECT healthlake_create_datastore(name) FROM ward FOR UPDATE')).message,
	'function healthlake_create_datastore would be called before the row is locked', 'in these words');
SELECT creates($$ WITH w AS MATERIALIZED (SELECT name FROM ward LIMIT 1 FOR UPDATE SKIP LOCKED)
	SELECT s.id FROM w, LATERAL healthlake_create_datastore(w.name) AS s $$, 1, 'rows that a CTE has locked');
SELECT creates($$ SELECT healthlake_create_datastore(w.name)
	FROM (SELECT name FROM ward LIMIT 1 FOR UPDATE SKIP LOCKED) AS w $$, 1, 'rows that a subquery has locked');
SELECT creates($$ DO $do$ DECLARE r record; BEGIN
	FOR r IN SELECT name FROM ward FOR UPDATE SKIP LOCKED LOOP PERFORM healthlake_create_datastore(r.name); END LOOP;
	END $do$ $$, 2, 'a loop over locked rows');

-- MERGE computes the action of a row again that was updated meanwhile

SELECT current_setting('server_version_num')::integer >= 150000 AS has_merge \gset
\if :has_merge
SELECT refuses($$ MERGE INTO ward AS w USING (VALUES ('a')) AS v (name) ON w.name = v.name WHEN MATCHED $$ || action,
	'or use UPDATE', 'MERGE is refused: ' || action)
  FROM unnest(ARRAY[$$ THEN UPDATE SET id = (healthlake_create_datastore(v.name)).id $$,
	$$ THEN UPDATE SET id = (SELECT id FROM healthlake_create_datastore(v.name)) $$,
	$$ AND (healthlake_create_datastore(v.name)).id <> '' THEN DELETE $$]) AS action;
SELECT creates($$ MERGE INTO ward AS w
	USING (SELECT 'a' AS name, s.id FROM healthlake_create_datastore('x') AS s) AS v ON w.name = v.name
	WHEN MATCHED THEN UPDATE SET id = v.id $$, 1, 'MERGE: a call in the data source');
SELECT creates($$ MERGE INTO ward AS w USING (VALUES ('a'), ('c')) AS v (name) ON w.name = v.name
	WHEN MATCHED THEN UPDATE SET id = 'kept'
	WHEN NOT MATCHED THEN INSERT (name, id) VALUES (v.name, (healthlake_create_datastore(v.name)).id) $$, 1,
	'MERGE: a row that is inserted');
-- round(numeric) is a function in SQL, too, but none that could be inlined with a call in it
CREATE FUNCTION stored(name text) RETURNS text LANGUAGE sql AS 'SELECT (healthlake_create_datastore(name)).id';
SELECT creates($$ MERGE INTO ward AS w USING (VALUES ('a'), ('d')) AS v (name) ON w.name = v.name
	WHEN MATCHED THEN UPDATE SET id = round(1.5)::text
	WHEN NOT MATCHED THEN INSERT (name, id) VALUES (v.name, stored(v.name)) $$, 1,
	'MERGE: another function in SQL');
\endif

-- The actions of a rule have copies of what the statement computes

CREATE TABLE ruled (name text, id text);
CREATE TABLE noted (id text);
CREATE RULE note AS ON INSERT TO ruled DO ALSO INSERT INTO noted VALUES (NEW.id);
SELECT refuses(statement, 'trigger', 'a rule is refused: ' || statement)
  FROM unnest(ARRAY[$$ INSERT INTO ruled VALUES ('x', (healthlake_create_datastore('x')).id) $$,
	$$ INSERT INTO ruled SELECT 'x', (healthlake_create_datastore('x')).id $$,
	$$ INSERT INTO ruled SELECT 'x', id FROM healthlake_create_datastore('x') $$,
	$$ INSERT INTO ruled VALUES ('x', (healthlake_create_datastore('x')).id), ('y', 'z') $$,
	$$ INSERT INTO ruled VALUES ('x', (SELECT id FROM healthlake_create_datastore('x'))) $$,
	$$ DO $do$ BEGIN INSERT INTO ruled SELECT 'x', id FROM healthlake_create_datastore('x'); END $do$ $$]) AS statement;
ALTER TABLE ruled ALTER COLUMN id SET DEFAULT (healthlake_create_datastore('x')).id;
SELECT refuses($$ INSERT INTO ruled VALUES ('x') $$, 'trigger', 'a default, too');
ALTER TABLE ruled ALTER COLUMN id DROP DEFAULT;
SELECT is(count(*), 0::bigint, 'nothing was inserted') FROM ruled;
SELECT creates($$ SELECT s.id FROM healthlake_create_datastore('x') AS s LEFT JOIN ruled ON true $$, 1,
	'a query of such a table');
DROP RULE note ON ruled;
INSERT INTO ruled VALUES ('x');
CREATE RULE note AS ON UPDATE TO ruled WHERE NEW.id IS NOT NULL DO INSTEAD INSERT INTO noted VALUES (NEW.id);
SELECT refuses($$ UPDATE ruled SET id = (healthlake_create_datastore(name)).id $$, 'trigger', 'a conditional rule, too');

-- Each function that changes the queue, once for a row; nothing is sent

RESET healthlake.endpoint_url;
RESET healthlake.access_key_id;
RESET healthlake.secret_access_key;
SET healthlake.autostart_worker = off;
SET healthlake.datastore_id = '0123456789abcdef0123456789abcdef';
CREATE FUNCTION enqueues(statement text, requests bigint, what text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT count(*) FROM healthlake_request);
BEGIN
	EXECUTE statement;
	RETURN NEXT is((SELECT count(*) FROM healthlake_request) - before, requests, what);
END
$$;
CREATE TEMPORARY TABLE enqueuing (call) AS VALUES
	($$ healthlake_enqueue('CreateFHIRDatastore', '{"DatastoreTypeVersion": "R4"}') $$),
	($$ healthlake_enqueue_create_datastore('q') $$),
	($$ healthlake_fhir_enqueue('POST', 'Patient', '{"resourceType": "Patient"}') $$),
	($$ healthlake_fhir_enqueue_create('{"resourceType": "Patient"}') $$),
	($$ healthlake_fhir_enqueue_update('{"resourceType": "Patient", "id": "q"}') $$),
	($$ healthlake_fhir_enqueue_patch('Patient', 'q', '[{"op": "remove", "path": "/gender"}]') $$),
	($$ healthlake_fhir_enqueue_delete('Patient', 'q') $$),
	($$ healthlake_fhir_enqueue_bundle('[{"method": "DELETE", "url": "Patient/q"}]') $$);
SELECT is(count(*), 8::bigint, 'eight enqueue') FROM pg_proc WHERE proname ~ '^healthlake_(fhir_)?enqueue';
SELECT enqueues(format('SELECT %s BETWEEN SYMMETRIC 1000000 AND 1', call), 1, 'BETWEEN SYMMETRIC:' || call) FROM enqueuing;
SELECT enqueues(format('SELECT %s, %1$s FROM generate_series(1, 2)', call), 4, 'two calls for a row:' || call) FROM enqueuing;
INSERT INTO enqueuing VALUES ('healthlake_cancel_request(1)'), ('healthlake_retry_request(1)'),
	('healthlake_resolve_request(1, ''failed'', ''x'')'), ('healthlake_purge_requests(''1 year'')'),
	('healthlake_adopt_requests(''x'')');
SELECT refuses(format('SELECT %s, generate_series(1, 3)', call), 'in FROM', 'beside a set-returning function: ' || call) FROM enqueuing;
SELECT refuses(format('SELECT %s FROM ward FOR UPDATE SKIP LOCKED', call), 'materialized CTE', 'FOR UPDATE: ' || call) FROM enqueuing;

SELECT * FROM finish();
