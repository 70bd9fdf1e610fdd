-- The types of a view's columns, and that rows as jsonb have the values of those of SQL.

\ir setup.sql
SELECT no_plan();

-- Branches of a union

CREATE FUNCTION union_of(VARIADIC branches jsonb[], OUT view jsonb, OUT type text, OUT rows text) LANGUAGE plpgsql AS $$
BEGIN
	SELECT jsonb_build_object('resource', 'Patient', 'select', jsonb_build_array(jsonb_build_object('unionAll', jsonb_agg(
		CASE WHEN branch ? 'unionAll' THEN branch ELSE jsonb_build_object('column', jsonb_build_array('{"name": "x"}' || branch)) END ORDER BY n))))
	  INTO view FROM unnest(branches) WITH ORDINALITY AS b (branch, n);
	SELECT string_agg(c.type, ' ') INTO type FROM healthlake_fhir_view_columns(view) AS c;
	SELECT string_agg(v ->> 'x', ' ') INTO rows FROM healthlake_fhir_view_rows(view, '{"resourceType": "Patient", "active": false, "birthDate": "2020-01-02", "name": [{"family": "a"}, {}], "telecom": [{"rank": 3}]}') AS v;
END $$;
SELECT is(type || ': ' || rows, want, array_to_string(branches, ' beside ')) FROM (VALUES
	(ARRAY['{"path": "active"}', '{"path": "true"}']::jsonb[], 'boolean: false true'),
	(ARRAY['{"path": "true"}', '{"path": "active"}']::jsonb[], 'boolean: true false'),
	(ARRAY['{"path": "name.count()"}', '{"path": "{}"}']::jsonb[], 'integer: 2'),
	(ARRAY['{"path": "{}"}', '{"path": "name.count()"}']::jsonb[], 'integer: 2'),
	(ARRAY['{"path": "%rowIndex"}', '{"path": "0"}']::jsonb[], 'integer: 0 0'),
	(ARRAY['{"path": "1", "type": "integer"}', '{"path": "telecom.rank.first()"}']::jsonb[], 'integer: 1 3'),
	(ARRAY['{"path": "telecom.rank.first()"}', '{"path": "{}"}', '{"path": "-1.5"}']::jsonb[], 'numeric: 3 -1.5'),
	(ARRAY['{"path": "1"}', '{"path": "1.5"}']::jsonb[], 'numeric: 1 1.5'),
	(ARRAY['{"path": "1", "type": "integer64"}', '{"path": "2"}']::jsonb[], 'bigint: 1 2'),
	(ARRAY['{"path": "birthDate"}', '{"path": "birthDate", "tag": [{"name": "ansi/type", "value": "DATE"}]}']::jsonb[], 'date: 2020-01-02 2020-01-02'),
	(ARRAY['{"unionAll": [{"column": [{"name": "x", "path": "active"}]}, {"column": [{"name": "x", "path": "{}"}]}]}', '{"unionAll": [{"column": [{"name": "x", "path": "active"}]}, {"column": [{"name": "x", "path": "true"}]}]}']::jsonb[], 'boolean: false false true'),
	(ARRAY['{"path": "active"}', '{"path": "birthDate"}']::jsonb[], 'text: false 2020-01-02')) AS t (branches, want), union_of(VARIADIC branches);
SELECT is(sqlstate, '22023', array_to_string(branches, ' beside ')) FROM (VALUES
	(ARRAY['{"path": "1"}', '{"path": "true"}']::jsonb[]),
	(ARRAY['{"path": "1", "type": "integer"}', '{"path": "1.5"}']::jsonb[]),
	(ARRAY['{"path": "1", "type": "integer"}', '{"path": "1", "type": "string"}']::jsonb[]),
	(ARRAY['{"path": "active"}', '{"path": "true"}', '{"path": "1"}']::jsonb[]),
	(ARRAY['{"path": "active"}', '{"path": "active", "collection": true}']::jsonb[])) AS t (branches),
	raised(format('SELECT union_of(VARIADIC %L)', branches));
SELECT is_row(ROW(r.sqlstate, r.message), ROW('22023'::text, 'column "x" of the ViewDefinition has a value that is not of type integer'::text), 'a value is not lost by the type of another branch: ' || call)
  FROM unnest(ARRAY['SELECT union_of(''{"path": "1", "type": "integer"}'', ''{"path": "birthDate"}'')',
	'SELECT * FROM healthlake_fhir_view(''{"resource": "Patient", "select": [{"unionAll": [{"column": [{"name": "x", "path": "1", "type": "integer"}]}, {"column": [{"name": "x", "path": "gender"}]}]}]}'', ''{"resourceType": "Patient", "gender": "male"}'') AS v(x integer)']) AS call, raised(call) AS r;
CREATE TABLE patient (resource jsonb);
INSERT INTO patient VALUES ('{"resourceType": "Patient", "active": false}');
SELECT healthlake_fhir_create_view('united', (union_of('{"path": "active"}', '{"path": "true"}')).view, 'patient') \g /dev/null
SELECT is(array_agg(x)::text, '{f,t}', 'a created view has the same type') FROM united;
SELECT is(c.type, want, t.path || ' is ' || want) FROM (VALUES ('1', 'integer'), ('-1', 'integer'), ('1.0', 'numeric'), ('3000000000', 'numeric'), ('active', 'text')) AS t (path, want),
	healthlake_fhir_view_columns(jsonb_build_object('resource', 'A', 'select', jsonb_build_array(jsonb_build_object('column', jsonb_build_array(jsonb_build_object('name', 'a', 'path', t.path)))))) AS c;

-- Tags

CREATE FUNCTION tagged(tag text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT format('{"resource": "A", "select": [{"column": [{"name": "x", "path": "b", "tag": [{"name": "ansi/type", "value": %s}]}]}]}', to_jsonb(tag))::jsonb $$;
CREATE FUNCTION of_view(view jsonb, value jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	EXECUTE (SELECT format('SELECT coalesce(to_jsonb(x), ''null'') FROM healthlake_fhir_view(%L, %L) AS v(x %s)', view, jsonb_build_object('resourceType', 'A', 'b', value), type) FROM healthlake_fhir_view_columns(view)) INTO answer;
	RETURN answer;
END $$;
SELECT is_row(ROW(type, v -> 'x', of_view(tagged(tag), value::jsonb)), ROW(want, rows::jsonb, rows::jsonb), tag || ' of ' || left(value, 50)) FROM (VALUES
	('TIMESTAMP(3)', 'timestamp(3) without time zone', '"2020-01-01T00:00:00.12345Z"', '"2020-01-01T00:00:00.123"'),
	('TIMESTAMP(3) WITH TIME ZONE', 'timestamp(3) with time zone', '"2020-01-01T00:00:00.1235+01:00"', '"2019-12-31T23:00:00.124+00:00"'),
	('timestamp (9) without time zone', 'timestamp(6) without time zone', '"2020-01-01T00:00:00.1234567"', '"2020-01-01T00:00:00.123457"'),
	('TIME(3)', 'time(3) without time zone', '"12:00:00.12345"', '"12:00:00.123"'),
	('TIME(3)', 'time(3) without time zone', '"23:59:60"', '"24:00:00"'),
	('TIME(0)', 'time(0) without time zone', '"23:59:59.7"', '"24:00:00"'),
	('TIME(0)', 'time(0) without time zone', '"23:59:60.4"', 'null'),
	('TIME', 'time without time zone', '"23:59:60.9"', 'null'),
	('TIMESTAMP(0)', 'timestamp(0) without time zone', '"9999-12-31T23:59:60.9-14:00"', '"10000-01-01T14:00:01"'),
	('TIMESTAMP(0)', 'timestamp(0) without time zone', '"0001-01-01T00:00:00+14:00"', '"0001-12-31T10:00:00 BC"'),
	('DATE', 'date', '"0001-01-01T00:00:00+14:00"', '"0001-01-01"'),
	('DATE', 'date', '"9999-12-31T23:59:60.9-14:00"', '"9999-12-31"'),
	('FLOAT(24)', 'real', '123.456789012', '123.45679'),
	('FLOAT(25)', 'double precision', '0.5', '0.5'),
	('REAL', 'real', '123.456789012', '123.45679'),
	('NUMERIC(4,1)', 'numeric(4,1)', '123.456789012', '123.5'),
	('DECIMAL(10,2)', 'numeric(10,2)', repeat('9', 1300), 'null'),
	('DECIMAL(10,2)', 'numeric(10,2)', '-' || repeat('9', 131000), 'null'),
	('DECIMAL(10,2)', 'numeric(10,2)', '0.' || repeat('3', 1300), '0.33'),
	('DECIMAL(10,2)', 'numeric(10,2)', '99999999.994', '99999999.99'),
	('DECIMAL(10,2)', 'numeric(10,2)', '-99999999.995', 'null'),
	('DECIMAL(10,2)', 'numeric(10,2)', '100000000', 'null'),
	('BIGINT', 'bigint', repeat('9', 1300), 'null'),
	('REAL', 'real', repeat('9', 1300), 'null'),
	('VARCHAR(3)', 'character varying(3)', repeat('9', 1300), 'null'),
	('SMALLINT', 'smallint', '3.0', '3'),
	('DATE', 'date', '"2020-01-01T10:00:00Z"', '"2020-01-01"'),
	('CHAR(5)', 'character(5)', '"abc"', '"abc  "'),
	('NCHAR(3)', 'character(3)', '"abc"', '"abc"'),
	('NATIONAL CHARACTER VARYING(3)', 'character varying(3)', '"abc"', '"abc"'),
	('CLOB(2)', 'character varying(2)', '"abc"', 'null'),
	('CLOB(1M)', 'character varying(1048576)', '"abc"', '"abc"'),
	('CLOB(1G)', 'text', '"abc"', '"abc"'),
	('BINARY VARYING', 'text', '"YWJj"', '"YWJj"'),
	('VARBINARY(2)', 'text', '"YWJj"', '"YWJj"'),
	('BLOB', 'text', '"YWJj"', '"YWJj"')) AS t (tag, want, value, rows),
	healthlake_fhir_view_columns(tagged(tag)), healthlake_fhir_view_rows(tagged(tag), jsonb_build_object('resourceType', 'A', 'b', value::jsonb)) AS v;
SELECT is(type, 'time with time zone', 'a time with a zone is one') FROM healthlake_fhir_view_columns(tagged('TIME WITH TIME ZONE'));
SELECT is(x, '12:00:00+00'::timetz, 'at UTC') FROM healthlake_fhir_view(tagged('TIME WITH TIME ZONE'), '{"resourceType": "A", "b": "12:00"}') AS v(x timetz);
SELECT is(x, NULL, 'none is after 24:00') FROM healthlake_fhir_view(tagged('TIME WITH TIME ZONE'), '{"resourceType": "A", "b": "23:59:60.000001"}') AS v(x timetz);
SELECT is(sqlstate, want, tag) FROM (VALUES ('INTERVAL', '0A000'), ('INTERVAL DAY TO SECOND', '0A000'), ('XML', '0A000'), ('DECFLOAT(16)', '0A000'),
	('INTERVALS', '22023'), ('TIMESTAMP(3', '22023'), ('TIMESTAMP)', '22023'), ('DATE(3)', '22023'), ('VARCHAR(0)', '22023'), ('FLOAT(54)', '22023'), ('FLOAT(0)', '22023'), ('CHAR(20000000)', '22023'), ('CLOB(1X)', '22023'), ('NUMERIC(2,3)', '22023')) AS t (tag, want),
	raised(format('SELECT healthlake_fhir_view_columns(%L)', tagged(tag)));

-- Leap seconds, and more digits than PostgreSQL has

SELECT is(healthlake_fhirpath_timestamptz(jsonb_build_object('d', value), 'd'), want::timestamptz, value) FROM (VALUES
	('2016-12-31T23:59:60Z', '2017-01-01 00:00:00+00'),
	('2016-12-31T23:59:60.5+01:00', '2016-12-31 23:00:00.5+00'),
	('2020-01-01T00:00:00.1234567890123Z', '2020-01-01 00:00:00.123457+00'),
	('2020-01-01T00:00:00.' || repeat('1', 100) || 'Z', '2020-01-01 00:00:00.111111+00'),
	('2016-12-31T23:59:61Z', NULL)) AS t (value, want);
SELECT is(array_agg(v)::text, '{true}', path) FROM unnest(ARRAY['a >= @2016-12-31T00:00:00Z', 'a = @2017-01-01T00:00:00Z', 'a > @2016-12-31T23:59:59.999Z', 'b < @2020-01-02T00:00:00Z', '@T23:59:60 > @T23:59:59']) AS path,
	healthlake_fhirpath('{"a": "2016-12-31T23:59:60Z", "b": "2020-01-01T00:00:00.1234567890123Z"}', path) AS v GROUP BY path;

SELECT * FROM finish();
