-- Calls for rows that PostgreSQL would drop: by UPDATE ... FROM, OFFSET, WITH TIES, LIMIT after a sort by
-- the call, DISTINCT, GROUP BY and set operations. They are refused before anything is sent.

\ir setup.sql
SELECT no_plan();

-- Whether a statement is refused, with this in the detail and in the hint, before anything is sent.
CREATE FUNCTION refuses(statement text, detail text, hint text DEFAULT 'for its rows') RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT is(ARRAY[sqlstate, message, (r.detail ~ refuses.detail)::text, (r.hint ~ refuses.hint)::text, requests::text],
		ARRAY['0A000', 'function healthlake_create_datastore would be called for rows that are dropped', 'true', 'true', '0'],
		'refused: ' || statement)
	  FROM raised_anew(statement) AS r
$$;

-- Whether a statement creates this number of data stores.
CREATE FUNCTION creates(statement text, stores bigint) RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT is(ARRAY[sqlstate, emulator_stores()::text], ARRAY[NULL, stores::text], 'creates ' || stores || ': ' || statement)
	  FROM raised_anew(statement)
$$;

CREATE TABLE ward (id integer PRIMARY KEY, name text, floor integer, ds text);
CREATE TABLE bed (ward integer, name text);
INSERT INTO ward SELECT g, 'ward ' || g, g % 2 FROM generate_series(1, 4) g;
INSERT INTO bed SELECT g % 2 + 1, 'bed ' || g FROM generate_series(1, 4) g;
CREATE VIEW made AS SELECT id, name, healthlake_create_datastore(name) AS store FROM ward;
CREATE FUNCTION inlined(name text) RETURNS text LANGUAGE sql AS $$
	SELECT (healthlake_create_datastore(name)).id $$;
CREATE FUNCTION slowly(integer) RETURNS integer LANGUAGE plpgsql COST 100000 AS 'BEGIN RETURN $1; END';

-- UPDATE ... FROM computes the new row for each joined row

SELECT refuses(statement, 'UPDATE ... FROM', 'materialized CTE')
  FROM unnest(ARRAY[
	$$ UPDATE ward SET ds = (healthlake_create_datastore(ward.name)).id FROM bed WHERE bed.ward = ward.id $$,
	$$ UPDATE ward SET ds = (healthlake_create_datastore(bed.name)).id FROM bed WHERE bed.ward = ward.id $$,
	$$ UPDATE ward SET ds = (healthlake_create_datastore(ward.name)).id FROM bed LEFT JOIN bed b ON true WHERE bed.ward = ward.id $$,
	$$ UPDATE ward SET ds = (SELECT id FROM healthlake_create_datastore(ward.name)) FROM bed WHERE bed.ward = ward.id $$,
	$$ UPDATE ward SET (ds, name) = (SELECT id, arn FROM healthlake_create_datastore(ward.name)) FROM bed WHERE bed.ward = ward.id $$,
	$$ UPDATE ward SET ds = inlined(ward.name) FROM bed WHERE bed.ward = ward.id $$,
	$$ UPDATE ward SET ds = (healthlake_create_datastore(ward.name)).id FROM bed WHERE bed.ward = ward.id
		AND ward.id IN (SELECT ward FROM bed) $$,
	$$ WITH u AS (UPDATE ward SET ds = (healthlake_create_datastore(ward.name)).id FROM bed WHERE bed.ward = ward.id RETURNING 1)
		SELECT * FROM u $$,
	$$ DO $do$ BEGIN UPDATE ward SET ds = (healthlake_create_datastore(ward.name)).id FROM bed WHERE bed.ward = ward.id; END $do$ $$
	]) AS statement;
SELECT creates(statement, stores)
  FROM (VALUES ($$ UPDATE ward SET ds = (healthlake_create_datastore(name)).id $$, 4),
	($$ UPDATE ward SET ds = (healthlake_create_datastore(name)).id WHERE id IN (SELECT ward FROM bed) $$, 2),
	($$ UPDATE ward SET ds = (healthlake_create_datastore(name)).id WHERE EXISTS (SELECT FROM bed WHERE bed.ward = ward.id) $$, 2),
	($$ UPDATE ward SET ds = (healthlake_create_datastore(name)).id WHERE NOT EXISTS (SELECT FROM bed WHERE bed.ward = ward.id) $$, 2),
	($$ UPDATE ward SET ds = (healthlake_create_datastore(v.name)).id FROM (VALUES ('x')) AS v (name) WHERE id = 1 $$, 1),
	($$ UPDATE ward SET ds = inlined(name) WHERE id IN (SELECT ward FROM bed) $$, 2),
	($$ UPDATE ward SET ds = s.id FROM healthlake_create_datastore('x') AS s WHERE ward.id = 1 $$, 1),
	($$ UPDATE ward SET ds = s.id FROM (SELECT (healthlake_create_datastore('x')).id) AS s $$, 1),
	($$ UPDATE ward SET ds = bed.name FROM bed WHERE bed.ward = ward.id
		RETURNING (healthlake_create_datastore(ward.name)).id $$, 2),
	($$ WITH m AS MATERIALIZED (SELECT id, (healthlake_create_datastore(name)).id AS ds FROM ward
			WHERE id IN (SELECT ward FROM bed))
		UPDATE ward SET ds = m.ds FROM m WHERE m.id = ward.id $$, 2),
	($$ WITH m AS MATERIALIZED (SELECT w.id, s.id AS ds FROM ward AS w, LATERAL healthlake_create_datastore(w.name) AS s)
		UPDATE ward SET ds = m.ds FROM m WHERE m.id = ward.id $$, 4),
	($$ DELETE FROM bed USING ward WHERE bed.ward = ward.id AND ward.id = 9
		RETURNING (healthlake_create_datastore(bed.name)).id $$, 0)) AS v (statement, stores);

-- Functions that enqueue, and those of the data plane

SELECT is((raised(format('UPDATE ward SET ds = %s::text FROM bed WHERE bed.ward = ward.id', call))).message,
	format('function %s would be called for rows that are dropped', substring(call, '\w+')), call)
  FROM unnest(ARRAY['healthlake_enqueue_create_datastore(ward.name)', 'healthlake_fhir_enqueue_create(to_jsonb(ward))',
	'healthlake_fhir_create(to_jsonb(ward))', 'healthlake_retry_request(ward.id)']) AS call;

-- OFFSET, WITH TIES, and LIMIT after a sort

SELECT refuses(statement, detail)
  FROM (VALUES ($$ SELECT (healthlake_create_datastore(name)).id FROM ward ORDER BY name OFFSET 3 LIMIT 1 $$, 'OFFSET'),
	($$ SELECT (healthlake_create_datastore(name)).* FROM ward OFFSET 3 $$, 'OFFSET'),
	($$ SELECT (SELECT id FROM healthlake_create_datastore(ward.name)) FROM ward OFFSET 3 $$, 'OFFSET'),
	($$ SELECT inlined(name) FROM ward OFFSET 3 $$, 'OFFSET'),
	($$ SELECT (healthlake_create_datastore(name)).id FROM ward OFFSET (SELECT 3) $$, 'OFFSET'),
	($$ INSERT INTO bed SELECT id, (healthlake_create_datastore(name)).id FROM ward OFFSET 3 $$, 'OFFSET'),
	($$ SELECT (healthlake_create_datastore(name)).id FROM ward ORDER BY floor FETCH FIRST 1 ROW WITH TIES $$, 'WITH TIES'),
	($$ SELECT (healthlake_create_datastore(name)).id FROM ward ORDER BY id LIMIT 1 $$, 'LIMIT'),
	($$ SELECT (healthlake_create_datastore(name)).id FROM ward ORDER BY 1 LIMIT 1 $$, 'LIMIT'),
	($$ SELECT name FROM ward ORDER BY (healthlake_create_datastore(name)).id LIMIT 1 $$, 'LIMIT'),
	($$ SELECT inlined(name) AS id FROM ward ORDER BY id LIMIT 1 $$, 'LIMIT'),
	($$ SELECT (SELECT id FROM healthlake_create_datastore(ward.name)) AS id FROM ward ORDER BY id LIMIT 1 $$, 'LIMIT'),
	($$ SELECT * FROM (SELECT (healthlake_create_datastore(name)).id FROM ward ORDER BY id LIMIT 1) AS s $$, 'LIMIT')) AS v (statement, detail);
SELECT creates(statement, stores)
  FROM (VALUES ($$ SELECT (healthlake_create_datastore(name)).id FROM ward LIMIT 1 $$, 1),
	($$ SELECT (healthlake_create_datastore(name)).id FROM ward ORDER BY name LIMIT 1 $$, 1),
	($$ SELECT (healthlake_create_datastore(name)).id FROM ward ORDER BY ward.id DESC LIMIT 1 $$, 1),
	($$ SELECT (healthlake_create_datastore(name)).id FROM ward ORDER BY slowly(floor), name LIMIT 1 $$, 1),
	($$ SELECT (SELECT id FROM healthlake_create_datastore(ward.name)) FROM ward ORDER BY name LIMIT 1 $$, 1),
	($$ SELECT inlined(name) FROM ward ORDER BY name LIMIT 1 $$, 1),
	($$ SELECT (healthlake_create_datastore(name)).id FROM ward ORDER BY id $$, 4),
	($$ SELECT (healthlake_create_datastore(name)).id FROM ward OFFSET 0 $$, 4),
	($$ SELECT (healthlake_create_datastore(name)).id FROM ward ORDER BY name LIMIT 2 OFFSET NULL $$, 2),
	($$ SELECT (healthlake_create_datastore(name)).id, rank() OVER (ORDER BY name) FROM ward LIMIT 1 $$, 1),
	($$ SELECT (healthlake_create_datastore(floor::text)).id, count(*) FROM ward GROUP BY floor ORDER BY floor LIMIT 1 $$, 1),
	($$ INSERT INTO bed SELECT id, (healthlake_create_datastore(name)).id FROM ward ORDER BY name LIMIT 1 $$, 1),
	($$ SELECT * FROM (SELECT (healthlake_create_datastore(name)).id FROM ward) AS s LIMIT 1 $$, 1),
	($$ SELECT * FROM healthlake_create_datastore('x') ORDER BY id LIMIT 1 $$, 1),
	($$ SELECT s.id FROM ward, LATERAL healthlake_create_datastore(ward.name) AS s LIMIT 1 $$, 1),
	($$ SELECT s.id FROM ward, LATERAL healthlake_create_datastore(ward.name) AS s ORDER BY floor $$, 4),
	($$ SELECT s.id FROM ward, healthlake_create_datastore('x') AS s ORDER BY floor LIMIT 1 $$, 1),
	($$ SELECT s.id FROM (SELECT * FROM ward ORDER BY name LIMIT 1) AS w, LATERAL healthlake_create_datastore(w.name) AS s $$, 1),
	($$ SELECT name, (SELECT count(*) FROM bed) FROM made ORDER BY name LIMIT 1 $$, 4),
	($$ SELECT name FROM made ORDER BY name LIMIT ALL OFFSET 0 $$, 4),
	($$ SELECT name FROM ward WHERE (healthlake_create_datastore(name)).id <> '' ORDER BY name LIMIT 1 $$, 4),
	($$ WITH c AS MATERIALIZED (SELECT name FROM ward ORDER BY name OFFSET 3 LIMIT 1)
		SELECT (healthlake_create_datastore(name)).id FROM c $$, 1),
	($$ WITH c AS MATERIALIZED (SELECT (healthlake_create_datastore(name)).id FROM ward)
		SELECT id FROM c ORDER BY id LIMIT 1 $$, 4)) AS v (statement, stores);

-- In FROM

SELECT refuses(statement, 'in FROM')
  FROM unnest(ARRAY[$$ SELECT s.id FROM ward, LATERAL healthlake_create_datastore(ward.name) AS s ORDER BY floor LIMIT 1 $$,
	$$ SELECT s.id FROM ward, LATERAL healthlake_create_datastore(ward.name) AS s ORDER BY s.id LIMIT 1 $$,
	$$ SELECT s.id FROM ward, LATERAL healthlake_create_datastore(ward.name) AS s OFFSET 1 $$,
	$$ SELECT s.id FROM ward, LATERAL (SELECT * FROM healthlake_create_datastore(ward.name)) AS s ORDER BY floor LIMIT 1 $$,
	$$ SELECT s FROM ward, LATERAL inlined(ward.name) AS s ORDER BY floor LIMIT 1 $$]) AS statement;

-- DISTINCT, GROUP BY, and set operations other than UNION ALL

SELECT refuses(statement, 'DISTINCT, GROUP BY')
  FROM unnest(ARRAY[$$ SELECT DISTINCT (healthlake_create_datastore(name)).status FROM ward $$,
	$$ SELECT DISTINCT ON (floor) floor, (healthlake_create_datastore(name)).id FROM ward $$,
	$$ SELECT DISTINCT ON (floor) floor, (SELECT id FROM healthlake_create_datastore(ward.name)) FROM ward ORDER BY floor $$,
	$$ SELECT DISTINCT (SELECT status FROM healthlake_create_datastore(ward.name)) FROM ward $$,
	$$ SELECT DISTINCT inlined(name) FROM ward $$,
	$$ SELECT (healthlake_create_datastore(name)).status, count(*) FROM ward GROUP BY 1 $$,
	$$ SELECT count(*) FROM ward GROUP BY (healthlake_create_datastore(name)).status $$,
	$$ SELECT (healthlake_create_datastore(name)).status, count(*) FROM ward GROUP BY ROLLUP (1) $$,
	$$ SELECT (healthlake_create_datastore(name)).status FROM ward UNION SELECT 'x' $$,
	$$ SELECT 'x' UNION ALL SELECT (healthlake_create_datastore(name)).status FROM ward EXCEPT ALL SELECT 'y' $$,
	$$ SELECT (healthlake_create_datastore(name)).status FROM ward INTERSECT SELECT 'x' $$,
	$$ SELECT inlined(name) FROM ward EXCEPT SELECT 'x' $$,
	$$ SELECT * FROM (SELECT (healthlake_create_datastore(name)).status FROM ward UNION SELECT 'x') AS s $$]) AS statement;
SELECT creates(statement, stores)
  FROM (VALUES ($$ SELECT (healthlake_create_datastore(name)).status FROM ward UNION ALL SELECT 'x' $$, 4),
	($$ SELECT (healthlake_create_datastore(name)).status FROM ward UNION ALL SELECT 'x' ORDER BY 1 $$, 4),
	($$ SELECT (healthlake_create_datastore(name)).status FROM (SELECT DISTINCT floor::text AS name FROM ward) AS w $$, 2),
	($$ SELECT (healthlake_create_datastore(name)).status
		FROM (SELECT name FROM ward UNION SELECT name FROM ward) AS w $$, 4),
	($$ SELECT floor, (healthlake_create_datastore(floor::text)).id FROM ward GROUP BY floor $$, 2),
	($$ SELECT DISTINCT ON (floor) floor, (healthlake_create_datastore(name)).id FROM ward ORDER BY floor, name DESC $$, 2),
	($$ SELECT status, count(*) FROM ward, LATERAL healthlake_create_datastore(name) GROUP BY 1 $$, 4),
	($$ SELECT count(*), count(DISTINCT (healthlake_create_datastore(name)).status) FROM ward $$, 4),
	($$ SELECT DISTINCT status FROM healthlake_create_datastore('x') $$, 1),
	($$ SELECT id FROM healthlake_create_datastore('x') UNION SELECT 'x' $$, 1),
	($$ WITH m AS MATERIALIZED (SELECT (healthlake_create_datastore(name)).status FROM ward)
		SELECT status FROM m UNION SELECT status FROM m $$, 4),
	($$ SELECT DISTINCT floor FROM ward WHERE (healthlake_create_datastore(name)).id <> '' $$, 4)) AS v (statement, stores);

-- What only looks like it: another function that may be inlined, a view's trigger, a parameter

CREATE FUNCTION shown(text) RETURNS text LANGUAGE sql AS 'SELECT upper($1)';
CREATE FUNCTION twice(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT coalesce($1, $1)';
CREATE VIEW wards AS SELECT id, name, ds FROM ward LIMIT 10;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
	'BEGIN UPDATE ward SET ds = NEW.ds WHERE id = NEW.id; RETURN NEW; END';
CREATE TRIGGER kept INSTEAD OF UPDATE ON wards FOR EACH ROW EXECUTE FUNCTION keep();
CREATE FUNCTION page(most bigint, skipped bigint) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN
	RETURN QUERY SELECT (healthlake_create_datastore(name)).id FROM ward ORDER BY name LIMIT most OFFSET skipped;
END $$;
SELECT creates(statement, stores)
  FROM (VALUES ($$ WITH c AS MATERIALIZED (SELECT id, inlined(name) AS store FROM ward)
		UPDATE ward SET ds = shown(c.store) FROM c WHERE c.id = ward.id $$, 4),
	($$ WITH c AS MATERIALIZED (SELECT inlined(name) AS store FROM ward) SELECT DISTINCT shown(store) FROM c $$, 4),
	($$ UPDATE wards SET ds = (healthlake_create_datastore(name)).id WHERE id = 1 $$, 1),
	($$ SELECT twice((healthlake_create_datastore('x')).id) $$, 1),
	($$ SELECT page(2, 0) $$, 2),
	($$ SELECT page(NULL, NULL) $$, 4)) AS v (statement, stores);
SELECT refuses(' SELECT page(2, 1) ', 'OFFSET');

SELECT * FROM finish();
