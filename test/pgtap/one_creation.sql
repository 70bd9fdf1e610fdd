-- The number of data stores that a statement creates: one for (f(...)).*, however it is expanded,
-- and otherwise as many as the SQL suggests.

\ir setup.sql
SELECT no_plan();

-- Whether a statement creates this number of data stores, each with one request and its own token.
CREATE FUNCTION creates(statement text, stores bigint, what text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	tokens bigint;
	requests bigint;
BEGIN
	PERFORM emulator_reset();
	EXECUTE statement;
	SELECT count(*), count(DISTINCT body ->> 'ClientToken') INTO requests, tokens
	  FROM emulator_log();
	RETURN NEXT is(ARRAY[emulator_stores(), requests, tokens], ARRAY[stores, stores, stores], what);
END
$$;

-- Whether a statement is refused, with a hint, before anything is sent.
CREATE FUNCTION refuses(statement text, what text) RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT is(ARRAY[sqlstate, (detail <> '')::text, (hint ~ 'in FROM')::text, requests::text],
		ARRAY['0A000', 'true', 'true', '0'], what)
	  FROM raised_anew(statement)
$$;

CREATE TABLE ward (name text, id text, arn text, status text, endpoint text);
CREATE FUNCTION f(name text) RETURNS healthlake_datastore LANGUAGE plpgsql AS $$
BEGIN
	RETURN healthlake_create_datastore(name);
END $$;

-- The expanded row

SELECT creates($$ SELECT (healthlake_create_datastore('x')).* $$, 1, 'one row');
SELECT creates($$ SELECT (healthlake_create_datastore('{"DatastoreTypeVersion": "R4"}'::jsonb)).* $$, 1,
	'the form that takes jsonb');
SELECT creates($$ SELECT (healthlake_create_datastore('x')).* FROM generate_series(1, 3) $$, 3,
	'three rows');
SELECT creates($$ SELECT (healthlake_create_datastore('x' || g)).*, g FROM generate_series(1, 3) g $$, 3,
	'three rows with an argument of their own');
SELECT creates($$ SELECT s FROM (SELECT (healthlake_create_datastore('x')).*) AS s $$, 1, 'a subquery');
SELECT creates($$ SELECT (s.store).* FROM (SELECT healthlake_create_datastore('x') AS store) AS s $$, 1,
	'the row of a subquery''s column');
SELECT creates($$ SELECT (healthlake_create_datastore('x' || gen_random_uuid())).* $$, 1,
	'an argument that differs in each copy');
SELECT creates($$ SELECT (healthlake_create_datastore(
		(healthlake_create_datastore('x')).id)).* $$, 2, 'a call in the argument of a call');
SELECT creates($$ SELECT (CASE WHEN g <> 2 THEN healthlake_create_datastore('x') END).*
	FROM generate_series(1, 3) g $$, 2, 'CASE');
SELECT creates($$ SELECT (coalesce(NULL, healthlake_create_datastore('x'))).* $$, 1, 'COALESCE');
SELECT creates($$ SELECT ROW((healthlake_create_datastore('x')).*) $$, 1, 'ROW');
SELECT creates($$ VALUES ((healthlake_create_datastore('x')).*), ((healthlake_create_datastore('y')).*) $$,
	2, 'VALUES');
SELECT creates($$ SELECT (healthlake_create_datastore('x')).* UNION ALL
	SELECT (healthlake_create_datastore('x')).* $$, 2, 'UNION ALL');
SELECT creates($$ SELECT (healthlake_create_datastore('x')).* UNION ALL
	SELECT (healthlake_create_datastore('x')).* ORDER BY id $$, 2, 'UNION ALL, in order');
SELECT creates($$ WITH s AS (SELECT (healthlake_create_datastore('x')).*) SELECT * FROM s, s AS t $$, 1,
	'a CTE that is read twice');
SELECT creates($$ WITH s AS MATERIALIZED (SELECT healthlake_create_datastore('x') AS store)
	SELECT (store).* FROM s ORDER BY id $$, 1, 'a materialized CTE');
SELECT creates($$ WITH s AS NOT MATERIALIZED (SELECT healthlake_create_datastore('x') AS store)
	SELECT (store).* FROM s ORDER BY id $$, 1, 'one that need not be materialized');
SELECT creates($$ SELECT (healthlake_create_datastore(max(g)::text)).*, count(*)
	FROM generate_series(1, 3) g $$, 1, 'an aggregate in the argument');
SELECT creates($$ SELECT (healthlake_create_datastore('x')).*, rank() OVER () $$, 1,
	'beside a window function');
SELECT creates($$ SELECT (jsonb_populate_record(NULL::healthlake_datastore,
	to_jsonb(healthlake_create_datastore('x')))).* $$, 1, 'the row of a function of the call');
SELECT creates($$ CREATE TABLE copy AS SELECT (healthlake_create_datastore('x')).* $$, 1,
	'CREATE TABLE AS');
SELECT creates($$ SELECT (healthlake_create_datastore('x' || g)).* FROM generate_series(1, 9) g LIMIT 2 $$,
	2, 'LIMIT');

-- In order, and grouped

SELECT creates($$ SELECT (healthlake_create_datastore('x' || g)).* FROM generate_series(1, 3) g
	ORDER BY g DESC $$, 3, 'in the order of something else');
SELECT creates($$ SELECT (healthlake_create_datastore('x' || g)).* FROM generate_series(1, 3) g
	ORDER BY g DESC LIMIT 2 $$, 2, 'the first of them');
SELECT creates($$ SELECT (healthlake_create_datastore('x')).* ORDER BY 1, 2, 3, 4 $$, 1,
	'in the order of all columns');
SELECT creates($$ SELECT (healthlake_create_datastore(g::text)).*, count(*)
	FROM generate_series(1, 3) g GROUP BY g ORDER BY count(*) $$, 3, 'GROUP BY something else');
SELECT creates($$ SELECT * FROM healthlake_create_datastore('x') ORDER BY id $$, 1, 'in FROM, in order');
SELECT creates($$ SELECT s.* FROM generate_series(1, 3) g,
	LATERAL healthlake_create_datastore('x' || g) AS s ORDER BY s.id $$, 3, 'LATERAL, in order');

SELECT refuses($$ SELECT (healthlake_create_datastore('x')).* ORDER BY id $$, 'ORDER BY a column is refused');
SELECT refuses($$ SELECT (healthlake_create_datastore('x')).* FROM generate_series(1, 3) ORDER BY arn, id $$,
	'ORDER BY two columns is refused');
SELECT refuses($$ SELECT (healthlake_create_datastore('{"DatastoreTypeVersion": "R4"}'::jsonb)).*
	ORDER BY id $$, 'so it is with jsonb');
SELECT refuses($$ SELECT (healthlake_create_datastore('x' || g)).* FROM generate_series(1, 3) g
	GROUP BY g, 1 $$, 'GROUP BY a column is refused');
SELECT refuses($$ SELECT DISTINCT ON (id) (healthlake_create_datastore('x')).* ORDER BY id $$,
	'DISTINCT ON a column is refused');
SELECT refuses($$ SELECT (healthlake_create_datastore('x')).*,
	rank() OVER (ORDER BY (healthlake_create_datastore('x')).id) $$, 'a window over a column is refused');
SELECT refuses($$ SELECT healthlake_create_datastore('x') AS a, healthlake_create_datastore('x') AS b
	ORDER BY a $$, 'two calls that PostgreSQL would make one of are refused');
SELECT refuses($$ SELECT (SELECT healthlake_create_datastore('x')).* $$,
	'a subquery that is expanded is refused');
SELECT refuses($$ SELECT (healthlake_create_datastore((SELECT 'x'))).* $$,
	'a subquery in the argument is refused');
SELECT refuses($$ VALUES ((healthlake_create_datastore((SELECT 'x'))).*), ('a', 'b', 'c', 'd') $$,
	'in VALUES, too');
SELECT refuses($$ VALUES (((SELECT healthlake_create_datastore('x'))).*), ('a', 'b', 'c', 'd') $$,
	'so is a subquery there');
SELECT refuses($$ UPDATE ward SET name = 'n' RETURNING (healthlake_create_datastore((SELECT 'x'))).* $$,
	'and in RETURNING');
SELECT refuses($$ SELECT healthlake_create_datastore('x'), generate_series(1, 3) $$,
	'a set-returning function beside the call is refused');
SELECT is((raised($$ SELECT (healthlake_create_datastore('x')).* ORDER BY id $$)).message,
	'function healthlake_create_datastore would be called more than once for a row', 'in these words');

-- Several calls

SELECT creates($$ SELECT healthlake_create_datastore('x'), healthlake_create_datastore('x') $$, 2,
	'two calls');
SELECT creates($$ SELECT (healthlake_create_datastore('x')).id, (healthlake_create_datastore('x')).arn $$, 2,
	'two calls, a column of each');
SELECT creates($$ SELECT (healthlake_create_datastore('x')).id || (healthlake_create_datastore('x')).arn $$,
	2, 'two calls in an expression');
SELECT creates($$ SELECT ARRAY[healthlake_create_datastore('x'), healthlake_create_datastore('x')] $$, 2,
	'two calls in an array');
SELECT creates($$ SELECT (SELECT healthlake_create_datastore('x')), (SELECT healthlake_create_datastore('x')) $$,
	2, 'two subqueries');
SELECT creates($$ SELECT healthlake_create_datastore((SELECT 'x')) $$, 1, 'a subquery as the argument');
SELECT creates($$ SELECT healthlake_create_datastore((SELECT 'x')), healthlake_create_datastore((SELECT 'x')) $$,
	2, 'the same subquery as the argument of two calls');
SELECT creates($$ WITH s AS (SELECT (healthlake_create_datastore('x')).*),
	t AS (SELECT (healthlake_create_datastore('x')).*) SELECT * FROM s, t $$, 2, 'two CTEs');
SELECT creates($$ SELECT * FROM healthlake_create_datastore('x') a, healthlake_create_datastore('x') b $$, 2,
	'two in FROM');
SELECT creates($$ SELECT * FROM ROWS FROM (healthlake_create_datastore('x'), healthlake_create_datastore('x')) $$,
	2, 'ROWS FROM');
SELECT creates($$ SELECT count(*) FROM generate_series(1, 2)
	WHERE (healthlake_create_datastore('x')).id IS NOT NULL $$, 2, 'WHERE');
SELECT creates($$ SELECT (healthlake_create_datastore('x')).id FROM generate_series(1, 2)
	WHERE (healthlake_create_datastore('x')).id IS NOT NULL ORDER BY id $$, 4, 'WHERE, and in order');
SELECT creates($$ SELECT healthlake_create_datastore(unnest(ARRAY['a', 'b'])) $$, 2,
	'a set-returning function in the argument');
SELECT creates($$ SELECT healthlake_create_datastore('x') FROM generate_series(1, 3) $$, 3,
	'the row unexpanded, three times');
SELECT creates($$ SELECT s.* FROM generate_series(1, 3) g, healthlake_create_datastore('x') AS s $$, 1,
	'in FROM without a column of the other table: once');

-- Statements that write

SELECT creates($$ INSERT INTO ward (id, arn, status, endpoint) VALUES
	((healthlake_create_datastore('x')).*) $$, 1, 'INSERT VALUES');
SELECT creates($$ INSERT INTO ward (id, arn, status, endpoint) VALUES
	((healthlake_create_datastore('x')).*), ((healthlake_create_datastore('x')).*) $$, 2,
	'INSERT VALUES of two rows');
SELECT creates($$ INSERT INTO ward (id, arn, status, endpoint)
	SELECT (healthlake_create_datastore('x' || g)).* FROM generate_series(1, 2) g ORDER BY g $$, 2,
	'INSERT SELECT');
SELECT creates($$ UPDATE ward SET (id, arn, status, endpoint) = ROW((healthlake_create_datastore('x')).*)
	WHERE ctid = '(0,1)' $$, 1, 'UPDATE');
SELECT creates($$ UPDATE ward SET (id, arn, status, endpoint) = (SELECT (healthlake_create_datastore(ward.id)).*) $$,
	5, 'UPDATE by a subquery of each row');
SELECT creates($$ UPDATE ward SET name = 'n' RETURNING (healthlake_create_datastore(name)).* $$, 5,
	'RETURNING of an UPDATE');
SELECT creates($$ INSERT INTO ward (name) VALUES ('a'), ('b') RETURNING (healthlake_create_datastore(name)).* $$,
	2, 'RETURNING of an INSERT');
SELECT creates($$ DELETE FROM ward RETURNING (healthlake_create_datastore(name)).* $$, 7,
	'RETURNING of a DELETE');

-- PL/pgSQL

SELECT creates($$ DO $do$ DECLARE a healthlake_datastore; b healthlake_datastore; BEGIN
	a := healthlake_create_datastore('x'); b := healthlake_create_datastore('x');
	END $do$ $$, 2, 'two assignments');
SELECT creates($$ DO $do$ DECLARE a healthlake_datastore; BEGIN
	FOR i IN 1..3 LOOP a := healthlake_create_datastore('x'); END LOOP; END $do$ $$, 3, 'a loop');
SELECT creates($$ DO $do$ DECLARE a healthlake_datastore; BEGIN
	FOR i IN 1..3 LOOP SELECT (healthlake_create_datastore('x')).* INTO a; END LOOP; END $do$ $$, 3,
	'SELECT INTO in a loop');
SELECT creates($$ DO $do$ DECLARE r record; BEGIN
	FOR r IN SELECT (healthlake_create_datastore('x')).* FROM generate_series(1, 3) LOOP END LOOP;
	END $do$ $$, 3, 'a loop over a query');
SELECT creates($$ DO $do$ BEGIN
	IF (healthlake_create_datastore('x')).id = (healthlake_create_datastore('x')).id THEN END IF;
	END $do$ $$, 2, 'a condition with two calls');
SELECT creates($$ DO $do$ BEGIN PERFORM healthlake_create_datastore('x'); END $do$ $$, 1, 'PERFORM');
SELECT creates($$ DO $do$ DECLARE a healthlake_datastore; BEGIN
	FOR i IN 1..2 LOOP
		BEGIN
			a := healthlake_create_datastore('x');
			PERFORM 1 / 0;
		EXCEPTION WHEN division_by_zero THEN
			a := healthlake_create_datastore('x');
		END;
	END LOOP; END $do$ $$, 4, 'exceptions');
SELECT creates($$ SELECT f('x') $$, 1, 'a function');
SELECT creates($$ SELECT (s).* FROM (SELECT f('x') AS s) AS t $$, 1, 'a function, its row from a subquery');
SELECT creates($$ SELECT * FROM f('x') $$, 1, 'a function in FROM');

CREATE FUNCTION again(n integer) RETURNS healthlake_datastore LANGUAGE plpgsql AS $$
DECLARE
	a healthlake_datastore;
BEGIN
	a := healthlake_create_datastore('x');
	IF n > 1 THEN
		PERFORM (again(n - 1)).id;
	END IF;
	RETURN a;
END $$;
SELECT creates($$ SELECT again(3) $$, 3, 'recursion');

CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	SELECT (healthlake_create_datastore(NEW.name)).* INTO NEW.id, NEW.arn, NEW.status, NEW.endpoint;
	RETURN NEW;
END $$;
CREATE TRIGGER fill BEFORE INSERT ON ward FOR EACH ROW EXECUTE FUNCTION fill();
SELECT creates($$ INSERT INTO ward (name) SELECT 'x' FROM generate_series(1, 3) $$, 3, 'a trigger');
SELECT is(count(DISTINCT id), 3::bigint, 'whose rows have a data store each') FROM ward;
DROP TABLE ward;
CREATE FUNCTION fill_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.id := (healthlake_create_datastore(NEW.name)).id;
	RETURN NEW;
END $$;

-- Every other function that calls AWS

SELECT emulator_reset() \g /dev/null
SELECT id FROM healthlake_create_datastore('x') \gset

-- Whether a statement makes this number of requests.
CREATE FUNCTION requests(statement text, requests bigint, what text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT max(n) FROM emulator_log());
BEGIN
	EXECUTE statement;
	RETURN NEXT is((SELECT count(*) FROM emulator_log(before)), requests, what);
END
$$;

SELECT requests(format('SELECT (healthlake_describe_datastore(%L)).*', :'id'), 1, 'a description, expanded');
SELECT requests(format('SELECT (healthlake_describe_datastore(%L)).id, (healthlake_describe_datastore(%1$L)).arn', :'id'),
	2, 'two descriptions');
SELECT requests(format('SELECT (healthlake_describe_datastore(%L)).* FROM generate_series(1, 3)', :'id'), 3,
	'a description for each row');
SELECT requests(format('SELECT (healthlake_update_datastore(%L, name => ''y'')).*', :'id'), 1, 'an update');
SELECT requests(format('SELECT (jsonb_populate_record(NULL::healthlake_datastore, healthlake_call(''CreateFHIRDatastore'', %L))).*',
	'{"DatastoreTypeVersion": "R4"}'), 1, 'healthlake_call(), its reply expanded');
SELECT requests(format('SELECT (healthlake_delete_datastore(%L, ''y'')).*', :'id'), 2,
	'a deletion, which asks for the name first');

-- A failed copy shares nothing: each of these fails at the second call, and another call follows.

SELECT emulator_reset() \g /dev/null
SELECT emulator_next('[{"times": 1, "status": 200, "apply": true,
	"body": "{}"}, {"error": "ConflictException"}]') \g /dev/null
SELECT is((raised($$ SELECT (healthlake_create_datastore('x')).* $$)).sqlstate, '38M01',
	'a call whose reply is of no use');
SELECT is((raised($$ SELECT (healthlake_create_datastore('x')).* $$)).sqlstate, '55006',
	'is made again by the next statement');
SELECT isnt((healthlake_create_datastore('x')).id, NULL, 'and again');
SELECT is(count(*), 3::bigint, 'by one request each') FROM emulator_log();

-- Cached plans, and rows that are fetched one by one

SET plan_cache_mode = force_generic_plan;
PREPARE expanded(text) AS SELECT (healthlake_create_datastore($1)).*;
SELECT emulator_reset() \g /dev/null
EXECUTE expanded('x') \g /dev/null
EXECUTE expanded('x') \g /dev/null
EXECUTE expanded('y') \g /dev/null
SELECT is(emulator_stores(), 3::bigint, 'a generic plan creates one for each execution');
SELECT is(array_agg(body ->> 'DatastoreName' ORDER BY n)::text, '{x,x,y}', 'with its own arguments')
  FROM emulator_log();
RESET plan_cache_mode;

SELECT emulator_reset() \g /dev/null
BEGIN;
DECLARE wards CURSOR FOR SELECT (healthlake_create_datastore('x' || g)).* FROM generate_series(1, 5) g;
FETCH 2 FROM wards \g /dev/null
SELECT is(emulator_stores(), 2::bigint, 'a cursor creates those that are fetched');
FETCH 1 FROM wards \g /dev/null
SELECT is(emulator_stores(), 3::bigint, 'and the next one when it is fetched');
COMMIT;

-- Cursors: PostgreSQL runs a scrollable one again at COMMIT if it is WITH HOLD, and for backward fetches

-- The names of the data stores created since the reset, in order.
CREATE FUNCTION created() RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg(body ->> 'DatastoreName', ' ' ORDER BY n) FROM emulator_log()
$$;

-- Declares a cursor over five creations and fetches two of them.
CREATE PROCEDURE declare_held(declaration text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM emulator_reset();
	EXECUTE format('DECLARE held %s FOR
		SELECT (healthlake_create_datastore(''x'' || g)).* FROM generate_series(1, 5) g', declaration);
	EXECUTE 'MOVE 2 FROM held';
END
$$;

-- The data stores created after that and another FETCH, with its error.
CREATE FUNCTION fetched(declaration text, move text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	error text;
BEGIN
	CALL declare_held(declaration);
	BEGIN
		EXECUTE move;
	EXCEPTION WHEN OTHERS THEN
		error := sqlerrm;
	END;
	EXECUTE 'CLOSE held';
	RETURN concat_ws(': ', created(), error);
END
$$;

SELECT is(fetched(declaration, move), 'x1 x2: cursor can only scan forward', declaration || ': ' || move)
  FROM (VALUES ('CURSOR'), ('SCROLL CURSOR'), ('NO SCROLL CURSOR'), ('CURSOR WITH HOLD'),
		('SCROLL CURSOR WITH HOLD'), ('NO SCROLL CURSOR WITH HOLD')) AS d (declaration),
	   (VALUES ('FETCH PRIOR FROM held'), ('FETCH FIRST FROM held'), ('FETCH RELATIVE 0 FROM held'),
		('MOVE BACKWARD ALL FROM held')) AS f (move);

BEGIN;
CALL declare_held('CURSOR WITH HOLD');
COMMIT;
SELECT is(created(), 'x1 x2 x3 x4 x5', 'CURSOR WITH HOLD: COMMIT computes the rest');
FETCH 1 FROM held \gset held_
SELECT is(:'held_id', (SELECT id FROM healthlake_list_datastores('x3')), 'CURSOR WITH HOLD: which comes next');
CLOSE held;

BEGIN;
CALL declare_held('SCROLL CURSOR WITH HOLD');
COMMIT;
SELECT is(created(), 'x1 x2 x3 x4 x5', 'SCROLL CURSOR WITH HOLD: COMMIT computes the rest');
FETCH 1 FROM held \gset held_
SELECT is(:'held_id', (SELECT id FROM healthlake_list_datastores('x3')), 'SCROLL CURSOR WITH HOLD: which comes next');
CLOSE held;

BEGIN;
CALL declare_held('NO SCROLL CURSOR WITH HOLD');
COMMIT;
SELECT is(created(), 'x1 x2 x3 x4 x5', 'NO SCROLL CURSOR WITH HOLD: COMMIT computes the rest');
FETCH 1 FROM held \gset held_
SELECT is(:'held_id', (SELECT id FROM healthlake_list_datastores('x3')), 'NO SCROLL CURSOR WITH HOLD: which comes next');
CLOSE held;

-- A cursor that was not fetched before COMMIT, or whose creation is late, has its rows stored
SELECT emulator_reset() \g /dev/null
BEGIN;
DECLARE unread SCROLL CURSOR WITH HOLD FOR
	SELECT healthlake_create_datastore('x' || g) FROM generate_series(1, 3) g;
COMMIT;
SELECT is(created(), 'x1 x2 x3', 'a cursor that was not fetched: COMMIT computes all');
MOVE LAST FROM unread;
MOVE FIRST FROM unread;
CLOSE unread;
SELECT is(created(), 'x1 x2 x3', 'a held cursor can be scrolled');

SELECT emulator_reset() \g /dev/null
BEGIN;
DECLARE late SCROLL CURSOR WITH HOLD FOR
	SELECT g, CASE WHEN g > 2 THEN (healthlake_create_datastore('x' || g)).id END AS id FROM generate_series(1, 4) g;
FETCH 2 FROM late \g /dev/null
COMMIT;
SELECT is(created(), 'x3 x4', 'a creation in a later row');
FETCH 1 FROM late \gset late_
SELECT is(:late_g, 3, 'the cursor stands where it stood');
FETCH PRIOR FROM late \gset late_
SELECT is(:late_g, 2, 'and backward within the held rows');
CLOSE late;
SELECT is(emulator_stores(), 2::bigint, 'without another call');

-- Cursors of PL/pgSQL, and a loop whose body commits, which holds its query
SELECT creates($$ DO $do$ DECLARE c CURSOR FOR SELECT healthlake_create_datastore('x' || g) FROM generate_series(1, 3) g;
	BEGIN FOR r IN c LOOP END LOOP; END $do$ $$, 3, 'a loop over a cursor');
SELECT creates($$ DO $do$ DECLARE c refcursor; r record; BEGIN
	OPEN c SCROLL FOR SELECT healthlake_create_datastore('x' || g) FROM generate_series(1, 3) g;
	FETCH c INTO r;
	FETCH c INTO r;
	BEGIN FETCH PRIOR FROM c INTO r; EXCEPTION WHEN object_not_in_prerequisite_state THEN END;
	END $do$ $$, 2, 'a scrollable cursor of PL/pgSQL does not go back');
SELECT emulator_reset() \g /dev/null
DO $$ DECLARE r record; BEGIN
	FOR r IN SELECT (healthlake_create_datastore('x' || g)).* FROM generate_series(1, 12) g LOOP
		COMMIT;
	END LOOP;
END $$;
SELECT is(created(), 'x1 x2 x3 x4 x5 x6 x7 x8 x9 x10 x11 x12', 'a loop that commits');
SELECT is(count(DISTINCT body ->> 'ClientToken'), 12::bigint, 'with one token for each') FROM emulator_log();

-- Cursors over functions that create by their own statements and cursors
CREATE FUNCTION by_loop(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT (healthlake_create_datastore(name)).* LOOP RETURN r.id; END LOOP;
END $$;
CREATE FUNCTION by_cursor(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c CURSOR FOR SELECT (healthlake_create_datastore(name)).*;
	r record;
BEGIN
	OPEN c;
	FETCH c INTO r;
	CLOSE c;
	RETURN r.id;
END $$;
CREATE FUNCTION by_sql(name text) RETURNS text LANGUAGE sql SET search_path FROM CURRENT AS $$
	SELECT by_loop(name)
$$;
CREATE FUNCTION by_enqueueing(name text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN healthlake_enqueue_create_datastore(name, run_after => 'tomorrow');
END $$;

SELECT emulator_reset() \g /dev/null
BEGIN;
DECLARE loops SCROLL CURSOR WITH HOLD FOR SELECT by_loop('x' || g) FROM generate_series(1, 3) g;
DECLARE cursors CURSOR WITH HOLD FOR SELECT by_cursor('y' || g) FROM generate_series(1, 3) g;
DECLARE statements SCROLL CURSOR WITH HOLD FOR SELECT by_sql('z' || g) FROM generate_series(1, 3) g;
FETCH 2 FROM loops \g /dev/null
FETCH 2 FROM cursors \g /dev/null
FETCH 2 FROM statements \g /dev/null
COMMIT;
SELECT is(string_agg(name, ' ' ORDER BY name), 'x1 x2 x3 y1 y2 y3 z1 z2 z3',
	'a cursor over functions with loops and cursors is not run again')
  FROM string_to_table(created(), ' ') AS name;
CLOSE ALL;

-- Enqueueing, which sends nothing
RESET healthlake.endpoint_url;
RESET healthlake.access_key_id;
RESET healthlake.secret_access_key;
SET healthlake.autostart_worker = off;
BEGIN;
DECLARE queued SCROLL CURSOR WITH HOLD FOR
	SELECT healthlake_enqueue_create_datastore('q' || g, run_after => 'tomorrow') FROM generate_series(1, 3) g;
DECLARE called CURSOR WITH HOLD FOR SELECT by_enqueueing('q' || g) FROM generate_series(4, 6) g;
DECLARE named CURSOR WITH HOLD FOR SELECT healthlake_enqueue('CreateFHIRDatastore',
	jsonb_build_object('DatastoreName', 'q' || g, 'DatastoreTypeVersion', 'R4'), run_after => 'tomorrow')
	FROM generate_series(7, 9) g;
FETCH 2 FROM queued \g /dev/null
FETCH 2 FROM called \g /dev/null
FETCH 2 FROM named \g /dev/null
COMMIT;
SELECT is(string_agg(name, ' ' ORDER BY name), 'q1 q2 q3 q4 q5 q6 q7 q8 q9', 'a held cursor enqueues once')
  FROM healthlake_request, coalesce(request ->> 'DatastoreName') AS name WHERE state = 'queued';
CLOSE ALL;
SELECT healthlake_cancel_request(id) FROM healthlake_request WHERE state = 'queued' \g /dev/null
RESET healthlake.autostart_worker;
SET healthlake.endpoint_url = :'emulator_url';
SET healthlake.access_key_id = 'AKIDEXAMPLE';
SET healthlake.secret_access_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

-- Reads may be repeated
SELECT id FROM healthlake_create_datastore('x') \gset
BEGIN;
DECLARE reads SCROLL CURSOR FOR SELECT (healthlake_describe_datastore(:'id')).name FROM generate_series(1, 2);
FETCH 1 FROM reads \g /dev/null
FETCH 1 FROM reads \g /dev/null
FETCH PRIOR FROM reads \gset read_
SELECT is(:'read_name'::text, 'x', 'a cursor that describes can go back');
COMMIT;

-- A security-restricted operation would be repeated by REFRESH or ANALYZE
SELECT is((raised($$ CREATE MATERIALIZED VIEW made AS SELECT (healthlake_create_datastore('x')).* $$)).sqlstate, '0A000',
	'CREATE MATERIALIZED VIEW is refused');
CREATE MATERIALIZED VIEW later AS SELECT (healthlake_create_datastore('x')).* WITH NO DATA;
SELECT emulator_reset() \g /dev/null
SELECT is((raised('REFRESH MATERIALIZED VIEW later')).sqlstate, '0A000', 'and so is REFRESH');
SELECT is((raised('REFRESH MATERIALIZED VIEW later')).message,
	'healthlake_create_datastore() cannot be called within a security-restricted operation', 'in these words');
CREATE MATERIALIZED VIEW enqueued AS SELECT healthlake_enqueue_create_datastore('x') WITH NO DATA;
SELECT is((raised('REFRESH MATERIALIZED VIEW enqueued')).sqlstate, '0A000', 'enqueueing, too');
SELECT is(emulator_stores(), 0::bigint, 'nothing was sent');

PREPARE sorted AS SELECT (healthlake_create_datastore('x')).* ORDER BY id;
SELECT refuses('EXECUTE sorted', 'a prepared statement is refused when it is planned');
SELECT refuses('EXPLAIN SELECT (healthlake_create_datastore(''x'')).* ORDER BY id', 'and so is EXPLAIN');

-- JIT compilation, and parallel plans

SET jit = on;
SET jit_above_cost = 0;
SET jit_inline_above_cost = 0;
SET jit_optimize_above_cost = 0;
SELECT creates($$ SELECT (healthlake_create_datastore('x' || g)).* FROM generate_series(1, 2) g $$, 2,
	'compiled' || CASE WHEN pg_jit_available() THEN '' ELSE ' # SKIP no JIT here' END);
RESET jit_above_cost;
RESET jit_inline_above_cost;
RESET jit_optimize_above_cost;
RESET jit;
SELECT set_config(name, 'on', false) FROM pg_settings
 WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \g /dev/null
SELECT creates($$ SELECT (healthlake_create_datastore('x')).* $$, 1, 'where parallel plans are forced');
SELECT set_config(name, 'off', false) FROM pg_settings
 WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \g /dev/null

-- Remaining cases of doc/transactions.md: wrappers, and stored expressions

CREATE FUNCTION inlined(name text) RETURNS healthlake_datastore LANGUAGE sql AS $$
	SELECT healthlake_create_datastore(name) $$;
CREATE FUNCTION kept(name text) RETURNS healthlake_datastore LANGUAGE sql SECURITY DEFINER AS $$
	SELECT healthlake_create_datastore(name) $$;
CREATE VIEW expanded AS SELECT (healthlake_create_datastore('x')).*;
CREATE VIEW twice AS SELECT healthlake_create_datastore('x') AS a, healthlake_create_datastore('x') AS b;
CREATE VIEW sorted AS SELECT (healthlake_create_datastore('x')).* ORDER BY 1;
CREATE TABLE filled (a text DEFAULT (healthlake_create_datastore('x')).id,
	b text DEFAULT (healthlake_create_datastore('x')).id);

SELECT creates('SELECT (inlined(''x'')).*', 1, 'an SQL function that is inlined');
SELECT creates('SELECT inlined(''x''), inlined(''y'')', 2, 'two of its calls');
SELECT creates('SELECT inlined(''x''), inlined(''x'')', 1, 'two of its calls that are equal share one');
SELECT refuses('SELECT (inlined(''x'')).* ORDER BY id', 'ORDER BY one of its columns is refused');
SELECT refuses('SELECT (inlined((SELECT ''x''))).*', 'a subquery in its argument is refused');
SELECT refuses('SELECT (SELECT inlined(''x'')).*', 'its call in a subquery that is expanded is refused');
SELECT refuses('SELECT inlined(''x''), generate_series(1, 3)',
	'a set-returning function beside it is refused');
SELECT creates('SELECT (kept(''x'')).*', 4, 'an SQL function that is not inlined is expanded itself');
SELECT creates('SELECT * FROM kept(''x'')', 1, 'but not in FROM');
SELECT creates('SELECT (f(''x'')).*', 4, 'so it is with PL/pgSQL');
SELECT creates('SELECT * FROM expanded', 1, 'a view');
SELECT creates('SELECT * FROM expanded ORDER BY id', 1, 'a view, in order');
SELECT creates('SELECT * FROM expanded, expanded AS again', 2, 'a view that is read twice');
SELECT creates('SELECT * FROM twice', 1, 'equal calls in a row of a view share one');
SELECT refuses('SELECT * FROM sorted', 'a view with ORDER BY a column is refused');
SELECT creates('INSERT INTO filled DEFAULT VALUES', 1, 'equal defaults of a row share one');

-- ON CONFLICT, partitions and constraints

CREATE TABLE arbitrated (name text PRIMARY KEY, id text);
CREATE TRIGGER fill BEFORE INSERT ON arbitrated FOR EACH ROW EXECUTE FUNCTION fill_id();
ALTER TABLE arbitrated DISABLE TRIGGER fill;
INSERT INTO arbitrated VALUES ('x', 'old');
ALTER TABLE arbitrated ENABLE TRIGGER fill;
SELECT creates('INSERT INTO arbitrated VALUES (''x'') ON CONFLICT DO NOTHING', 1,
	'ON CONFLICT: a BEFORE trigger creates for a row that is not inserted');
SELECT creates('INSERT INTO arbitrated VALUES (''x'') ON CONFLICT (name) DO UPDATE SET id = arbitrated.id', 1,
	'and for one that is updated instead');
SELECT creates('INSERT INTO arbitrated SELECT ''x'' WHERE NOT EXISTS (SELECT FROM arbitrated WHERE name = ''x'')', 0,
	'WHERE NOT EXISTS holds');
SELECT creates('MERGE INTO arbitrated AS a USING (VALUES (''x''), (''y'')) AS v (name) ON a.name = v.name
	WHEN NOT MATCHED THEN INSERT VALUES (v.name)', 1, 'MERGE holds')
 WHERE current_setting('server_version_num')::integer >= 150000;
DROP TRIGGER fill ON arbitrated;
CREATE FUNCTION fill_after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE arbitrated SET id = (healthlake_create_datastore(NEW.name)).id WHERE name = NEW.name;
	RETURN NULL;
END $$;
CREATE TRIGGER fill AFTER INSERT ON arbitrated FOR EACH ROW WHEN (NEW.id IS NULL) EXECUTE FUNCTION fill_after();
SELECT creates('INSERT INTO arbitrated VALUES (''x''), (''z''), (''z'') ON CONFLICT DO NOTHING', 1, 'an AFTER trigger holds');
SELECT creates('INSERT INTO arbitrated VALUES (''x''), (''z2'') ON CONFLICT (name) DO UPDATE SET id = arbitrated.id', 1,
	'with DO UPDATE, too');

CREATE TABLE moved (name text, year integer, id text) PARTITION BY LIST (year);
CREATE TABLE moved_1 PARTITION OF moved FOR VALUES IN (1);
CREATE TABLE moved_2 PARTITION OF moved FOR VALUES IN (2);
CREATE TRIGGER fill BEFORE INSERT ON moved FOR EACH ROW EXECUTE FUNCTION fill_id();
SELECT creates('INSERT INTO moved VALUES (''x'', 1)', 1, 'a row of a partition');
SELECT creates('UPDATE moved SET year = 2', 1, 'that moves to another one creates once more');
DROP TRIGGER fill ON moved;
CREATE TRIGGER fill BEFORE INSERT ON moved FOR EACH ROW WHEN (NEW.id IS NULL) EXECUTE FUNCTION fill_id();
SELECT creates('UPDATE moved SET year = 1', 0, 'but not where the trigger asks first');

CREATE TABLE constrained (name text CHECK ((healthlake_create_datastore(name)).id IS NOT NULL));
SELECT creates('INSERT INTO constrained VALUES (''x'')', 1, 'a CHECK constraint is computed');
SELECT creates('UPDATE constrained SET name = name', 1, 'at every write');
SELECT creates('ALTER TABLE constrained ALTER COLUMN name TYPE varchar(9)', 1, 'and when the table is rewritten');

-- Stored expressions have no location in a text, and may be evaluated more than once for a row

CREATE DOMAIN checked AS text CHECK ((healthlake_create_datastore(VALUE)).id IS NOT NULL
	AND (healthlake_create_datastore(VALUE)).arn IS NOT NULL);
CREATE DOMAIN half_checked AS text CHECK ((VALUE <> 'a' OR (healthlake_create_datastore('x')).id IS NOT NULL)
	AND (healthlake_create_datastore('x')).arn IS NOT NULL);
SELECT creates($$ SELECT ARRAY(SELECT unnest('{a,b}'::text[]))::checked[] $$, 2,
	'a domain''s check, for each element');
SELECT creates($$ SELECT ARRAY(SELECT unnest('{a,b}'::text[]))::half_checked[] $$, 2,
	'a reply that was given is not given again');

CREATE VIEW beside AS SELECT (healthlake_create_datastore('x')).id, s.arn
	FROM healthlake_create_datastore('x') AS s;
SELECT creates('SELECT * FROM beside', 2, 'a view: a call in FROM is not shared');

CREATE TABLE copied (n text, id text DEFAULT (healthlake_create_datastore('x')).id);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER nothing BEFORE INSERT ON copied FOR EACH ROW
	WHEN ((healthlake_create_datastore('x')).id IS NOT NULL) EXECUTE FUNCTION nothing();
SELECT creates($$ COPY copied (n) FROM PROGRAM 'echo a' $$, 2,
	'COPY: a default and a trigger''s condition are two calls');

SELECT * FROM finish();
