-- FHIRPath and ViewDefinitions in SQL: types, errors, views, and privileges.
-- The results of paths are tested in test/fhir/cases.
-- It needs UTF8.

\ir setup.sql
SELECT no_plan();

CREATE FUNCTION state(path text, document jsonb DEFAULT '{"resourceType": "Patient", "id": "p", "name": [{"given": ["a", "b"]}]}')
RETURNS text LANGUAGE sql AS $$
	SELECT sqlstate FROM raised(format('SELECT count(*) FROM healthlake_fhirpath(%L, %L)', document, path)) $$;

-- Values of SQL types

\set patient '\'{"resourceType": "Patient", "id": "p1", "active": true, "birthDate": "1980-02", "deceasedDateTime": "2020-01-01T10:00:00", "multipleBirthInteger": 3, "name": [{"family": "A", "given": ["x", "y"]}, {"family": "B"}]}\'::jsonb'
SELECT is(array_agg(v)::text, '{"\"x\"","\"y\""}', 'all values as jsonb') FROM healthlake_fhirpath(:patient, 'name.given') AS v;
SELECT is(array_agg(v)::text, NULL, 'of nothing, no row') FROM healthlake_fhirpath(:patient, 'photo') AS v;
SELECT is(healthlake_fhirpath_text(:patient, 'name.family'), 'A', 'the first value');
SELECT is(healthlake_fhirpath_text(:patient, 'name'), NULL, 'a complex value is no text');
SELECT is(healthlake_fhirpath_text(:patient, 'multipleBirth'), '3', 'a number is text if asked');
SELECT is(healthlake_fhirpath_text('{"a": [null, "x"], "_a": [{"id": "i"}, null]}', 'a'), 'x', 'an element without a value is not the first one');
SELECT is(pg_column_size(v) + 3, pg_column_size(v::text::jsonb), 'a value at an odd position has no bytes of others') FROM healthlake_fhirpath('{"a": ["x", {"b": "y"}, {"b": "zz"}]}', 'a.where(b.exists())') AS v;
SELECT is(healthlake_fhirpath_integer(:patient, 'multipleBirth'), 3, 'an integer');
SELECT is(healthlake_fhirpath_integer(:patient, 'name.family'), NULL, 'a text is no integer');
SELECT is(healthlake_fhirpath_integer(:patient, '3000000000'), NULL, 'nor what does not fit');
SELECT is(healthlake_fhirpath_integer(:patient, '1.5'), NULL, 'nor a fraction');
SELECT is(healthlake_fhirpath_numeric(:patient, '1.50')::text, '1.50', 'a numeric has its digits');
SELECT is(healthlake_fhirpath_boolean(:patient, 'active'), true, 'a boolean');
SELECT is(healthlake_fhirpath_boolean(:patient, 'id'), NULL, 'a text is no boolean');
SELECT is(healthlake_fhirpath_date(:patient, 'birthDate'), NULL, 'a month is no date');
SELECT is(healthlake_fhirpath_date(:patient, 'birthDate.highBoundary()'), '1980-02-29'::date, 'its last day is one');
SELECT is(healthlake_fhirpath_date(:patient, 'deceased'), '2020-01-01'::date, 'a dateTime has a date');
SELECT is(healthlake_fhirpath_date('{"d": "2023-02-29"}', 'd'), NULL, 'a day that there is not');
SELECT is(healthlake_fhirpath_exists(:patient, 'name.where(family = ''B'')'), true, 'exists');
SELECT is(healthlake_fhirpath_exists(:patient, 'photo'), false, 'exists not');
SET timezone = 'America/New_York';
SELECT is(healthlake_fhirpath_timestamptz(:patient, 'deceased'), '2020-01-01 10:00:00+00'::timestamptz, 'without a zone it is UTC');
SELECT is(healthlake_fhirpath_timestamptz('{"d": "2020-07-01"}', 'd'), '2020-07-01 00:00:00+00'::timestamptz, 'a day is its midnight');
SELECT is(healthlake_fhirpath_timestamptz('{"d": "2020-07-01T01:00:00.1234567+02:00"}', 'd'), '2020-06-30 23:00:00.123457+00'::timestamptz, 'with a zone and a fraction');
SELECT is(healthlake_fhirpath_timestamptz('{"d": "2020-07"}', 'd'), NULL, 'a month is no moment');
SELECT is(healthlake_fhirpath_boolean('{"a": "2020-01-01T00:00:00", "b": "2020-01-01T00:00:00Z"}', 'a = b'), true, 'nor does the session''s zone compare');
RESET timezone;
SELECT is(healthlake_fhirpath_text(NULL, 'id'), NULL, 'of NULL, NULL');
SELECT is(count(*), 0::bigint, 'no rows of NULL') FROM healthlake_fhirpath(NULL, 'id');
SELECT is(healthlake_fhirpath_text('[1]', '$this'), NULL, 'an array is no resource');
SELECT is(healthlake_fhirpath_text('"x"', '$this'), 'x', 'a scalar is itself');
SELECT is(healthlake_fhirpath_text('{}', '$this'), NULL, 'an empty object');
SELECT is(healthlake_fhirpath_text('{"a": [], "b": null, "": 1}', 'a | b'), NULL, 'nothing in arrays and nulls');

-- Constants

SELECT is(v, '"x"', 'a constant by its name') FROM healthlake_fhirpath(:patient, 'name.given.where($this = %k)', '{"k": "x"}') AS v;
SELECT is(count(*), 2::bigint, 'a constant that is an array') FROM healthlake_fhirpath(:patient, '%k', '{"k": [1, 2]}');
SELECT is(v, '7', 'a constant that is an object') FROM healthlake_fhirpath(:patient, '%k.a', '{"k": {"a": 7}}') AS v;
SELECT is(v, 'true', 'a constant as a view has it') FROM healthlake_fhirpath(:patient, 'birthDate < %k', '[{"name": "k", "valueDate": "2000-01-01"}]') AS v;
SELECT is(sqlstate, '42704', 'one that is not defined') FROM raised($$SELECT healthlake_fhirpath('{}', '%k', '{"j": 1}')$$);
SELECT is(sqlstate, '22023', 'constants that are none') FROM raised($$SELECT healthlake_fhirpath('{}', '%k', '1')$$);

-- What functions and operators give, as FHIRPath's specification has it

SELECT is((SELECT jsonb_agg(v) FROM healthlake_fhirpath('{"n": [1, 2, 2, 3], "t": [true, true], "f": [false, false], "m": [true, false], "e": [],
	"o": [{"a": 1}, {"a": 1}, {"a": 2}]}', path) AS v), wanted::jsonb, path) FROM (VALUES
	('t.allTrue()', '[true]'), ('m.allTrue()', '[false]'), ('e.allTrue()', '[true]'), ('m.anyTrue()', '[true]'), ('f.anyTrue()', '[false]'),
	('e.anyTrue()', '[false]'), ('f.allFalse()', '[true]'), ('m.allFalse()', '[false]'), ('m.anyFalse()', '[true]'), ('t.anyFalse()', '[false]'),
	('n.isDistinct()', '[false]'), ('n.distinct().isDistinct()', '[true]'), ('e.isDistinct()', '[true]'), ('n.distinct()', '[1, 2, 3]'),
	('n.subsetOf(1 | 2 | 3 | 4)', '[true]'), ('(n | 9).subsetOf(1 | 2 | 3)', '[false]'), ('e.subsetOf(n)', '[true]'), ('n.supersetOf(2 | 3)', '[true]'),
	('n.supersetOf(2 | 9)', '[false]'), ('n.supersetOf(e)', '[true]'), ('n.intersect(2 | 3 | 9)', '[2, 3]'), ('n.exclude(2)', '[1, 3]'),
	('n.union(3 | 4)', '[1, 2, 3, 4]'), ('n.combine(3)', '[1, 2, 2, 3, 3]'), ('n.tail()', '[2, 2, 3]'), ('n.last()', '[3]'),
	('n.where($this = 3).single()', '[3]'), (''' a b ''.trim()', '["a b"]'), ('''a,b,,c''.split('','')', '["a", "b", "", "c"]'),
	('''abc''.split('''')', '["a", "b", "c"]'), ('''abcdef''.indexOf(''cd'')', '[2]'), ('''abc''.indexOf(''x'')', '[-1]'),
	('''äöc''.indexOf(''c'')', '[2]'), ('''abc''.indexOf('''')', '[0]'), ('''abc''.contains(''b'')', '[true]'), ('''abc''.contains(''x'')', '[false]'),
	('''äöü''.substring(1, 1)', '["ö"]'), ('''abc''.substring(3)', NULL), ('''abc''.replace(''b'', ''x'')', '["axc"]'),
	('''abc''.replace('''', ''x'')', '["xaxbxcx"]'), ('''abc''.replace(''c'', '''')', '["ab"]'), ('1.5.round()', '[2]'), ('3.14159.round(3)', '[3.142]'),
	('(-1.5).floor()', '[-2]'), ('(-1.5).ceiling()', '[-1]'), ('(-1.5).truncate()', '[-1]'), ('(-5).abs()', '[5]'),
	('(''true'' | ''T'' | ''yes'' | ''1'' | ''1.0'').select(toBoolean())', '[true, true, true, true, true]'), ('''no''.toBoolean()', '[false]'),
	('''maybe''.toBoolean()', NULL), ('1.toBoolean()', '[true]'), ('2.toBoolean()', NULL), ('true.toBoolean()', '[true]'), ('''12''.toInteger()', '[12]'),
	('''1.5''.toInteger()', NULL), ('true.toInteger()', '[1]'), ('''x''.toInteger()', NULL), ('''3000000000''.toInteger()', NULL),
	('''1.50''.toDecimal()', '[1.50]'), ('false.toDecimal()', '[0]'), ('1.toString()', '["1"]'), ('true.toString()', '["true"]'),
	('''2020-01-31''.toDate()', '["2020-01-31"]'), ('''2020-01-31T10:00:00Z''.toDate()', '["2020-01-31"]'), ('''x''.toDate()', NULL),
	('''2020-01''.toDateTime()', '["2020-01"]'), ('''10:30''.toTime()', '["10:30"]'), ('1.toDate()', NULL), ('''12''.convertsToInteger()', '[true]'),
	('''1.5''.convertsToInteger()', '[false]'), ('''1.5''.convertsToDecimal()', '[true]'), ('''yes''.convertsToBoolean()', '[true]'),
	('''x''.convertsToDate()', '[false]'), ('''10:30''.convertsToTime()', '[true]'), ('1.convertsToString()', '[true]'), ('e.convertsToInteger()', NULL),
	('1 is Integer', '[true]'), ('1.5 is Decimal', '[true]'), ('1.5 is Integer', '[false]'), ('''a'' is String', '[true]'),
	('true is System.Boolean', '[true]'), ('1 is String', '[false]'), ('(1 | 2) ~ (2 | 1)', '[true]'), ('(1 | 2) = (2 | 1)', '[false]'),
	('1.01 ~ 1.0', '[true]'), ('1.1 ~ 1.0', '[true]'), ('1.6 ~ 1.0', '[false]'), ('1.50 ~ 1.54', '[true]'), ('1.500 ~ 1.504', '[true]'),
	('1.50 ~ 1.56', '[false]'), ('1.54 ~ 1.5000', '[true]'), ('1.51 ~ 1.54', '[false]'), ('100 ~ 149', '[false]'), ('2.0 !~ 2.4', '[false]'),
	('(4.0 / 2) is Decimal', '[true]'), ('(4 / 2) is Decimal', '[true]'), ('(4 / 2) is Integer', '[false]'), ('(4.0 + 1) is Decimal', '[true]'), ('(1 + 4.0) is Decimal', '[true]'),
	('(1.5 + 1.5) is Decimal', '[true]'), ('(1 + 4) is Integer', '[true]'), ('(2.0 * 3) is Decimal', '[true]'), ('(2.5 - 0.5) is Integer', '[false]'), ('(5.0 div 2) is Decimal', '[true]'),
	('(5 div 2) is Integer', '[true]'), ('(5.0 mod 2) is Decimal', '[true]'), ('(5 mod 2) is Integer', '[true]'), ('(-2.0).abs() is Decimal', '[true]'), ('(-2).abs() is Integer', '[true]'),
	('(-(4.0 / 2)) is Decimal', '[true]'), ('2.5.round(0) is Decimal', '[true]'), ('2.round() is Decimal', '[true]'), ('2.5.ceiling() is Integer', '[true]'), ('2.5.truncate() is Integer', '[true]'),
	('2.toDecimal() is Decimal', '[true]'), ('2.0.toInteger() is Integer', '[true]'), ('n.count() is Integer', '[true]'), ('(n[0] + 1.0) is Decimal', '[true]'), ('(4.0 / 2) = 2', '[true]'),
	('(4.0 / 2).toString()', '["2"]'), ('(1.5 + 0.5).toInteger()', '[2]'), ('1.0.lowBoundary(0) is Decimal', '[true]'), ('''A b'' ~ ''a B''', '[true]'), ('''a'' !~ ''b''', '[true]'), ('e ~ e', '[true]'),
	('o[0] = o[1]', '[true]'), ('o[0] = o[2]', '[false]'), ('o.distinct().count()', '[2]'), ('@T10:30 < @T11:00', '[true]'), ('n[0].getValue()', '[1]'),
	('(@2020-01-01 | @2020-01-02 | @2020-01-01).count()', '[2]'), ('(@2020-01-01T10:00:00Z | @2020-01-01T11:00:00+01:00).count()', '[1]'),
	('''a'' < ''b''', '[true]'), ('''b'' <= ''a''', '[false]'), ('''abc'' > ''abcd''', '[false]'), ('o[0] ~ o[1]', '[true]'), ('o[0] = 1', '[false]'), ('true = ''true''', '[false]'),
	('@2020 = @2020', '[true]'), ('@2020-01 = @2020', NULL), ('(n | ''1'').count()', '[4]'), ('1.round(-1)', NULL), ('''abc''.round()', NULL)) AS c (path, wanted);
SELECT is((SELECT jsonb_agg(v) FROM healthlake_fhirpath('{"resourceType": "Patient", "id": "p", "name": [{"id": "n", "family": "A", "url": "x"}], "extension": [{"id": "e", "url": "u", "valueUri": "v"}]}', path) AS v), wanted::jsonb, path) FROM (VALUES
	('id is System.String', '[true]'), ('id is String', '[true]'), ('id.ofType(String)', '["p"]'), ('name.id as System.String', '["n"]'), ('extension.url is String', '[true]'), ('id is System.Any', '[true]'),
	('id is Integer', '[false]'), ('id is FHIR.String', '[false]'), ('name.family is System.String', '[false]'), ('name.url is System.String', '[false]'), ('extension.value is System.String', '[false]'),
	('name.is(System.String)', '[false]'), ('children().ofType(System.String)', '["p"]'), ('descendants().ofType(System.String).count()', '[4]')) AS c (path, wanted);
SELECT is((SELECT jsonb_agg(v) FROM healthlake_fhirpath('{"resourceType": "Patient", "active": true, "multipleBirthInteger": 2, "name": [{"_given": [null, {"extension": [{"url": "u", "valueCode": "masked"}]}]}],
	"_birthDate": {"extension": [{"url": "u", "valueString": "x"}]}}', path) AS v), wanted::jsonb, path) FROM (VALUES
	('active is boolean', '[true]'), ('active is string', '[false]'), ('multipleBirth is integer', '[true]'), ('multipleBirth is decimal', '[false]'),
	('name.given.extension.value', '["masked"]'), ('birthDate.extension.value', '["x"]'), ('birthDate.exists() and birthDate.hasValue().not()', '[true]'),
	('(multipleBirth + 1) is Integer', '[true]'), ('(multipleBirth / 1) is Decimal', '[true]'), ('children().extension.value', '["x"]'), ('descendants().where($this = ''masked'')', '["masked"]')) AS c (path, wanted);
SELECT is(state(path, '{"q": [{"value": 1, "unit": "kg"}, {"value": 2, "unit": "kg"}, {"value": 1000, "unit": "g"}]}'), wanted, path)
  FROM (VALUES ('q[0] = q[1]', NULL), ('q[0] = q[2]', '0A000'), ('q[0] < q[1]', '0A000'), ('q[0] ~ q[1]', '0A000')) AS c (path, wanted);
SELECT is(healthlake_fhirpath_boolean('{"q": [{"value": 1, "unit": "kg"}, {"value": 2, "unit": "kg"}]}', 'q[0] = q[1]'), false, 'two quantities of one unit');

-- Errors

SELECT is(state(path), '42601', path || ' is a syntax error') FROM unnest(ARRAY['', '.', 'a.', 'a..b', 'a b', '(a', 'a)', 'a[', 'a[1', '''a', '`a', '@2', '@2020-13', '@T25', '''\', '''\''', '''a\\\''', '''\udddd''', '''\ud800x''', '''\u0000''', '1 +', 'and', 'a and', 'a.1', '%', '$', '{', 'a in', 'a is', 'name.where()', 'name.first(1)', 'iif(true)', '/* a', '#', 'a is FHIR.']) AS path;
SELECT is(state(path), '0A000', path || ' is not supported') FROM unnest(ARRAY['now()', 'today()', 'timeOfDay()', 'name.foo()', 'id.matches(''a'')', 'resolve()', 'memberOf(''x'')', '4 ''mg''', '4 days', '$total', 'name.ofType(HumanName)', 'name.first() is HumanName', 'id is code', 'trace(''x'')', 'name.aggregate($this)']) AS path;
SELECT is(state(path), '21000', path || ' wants one value') FROM unnest(ARRAY['name.given + ''x''', 'name.given < ''x''', 'name.given and true', 'name.given.single()', 'name.given.startsWith(''a'')', 'name.given.toInteger()', 'name[name.given.select(1)]']) AS path;
SELECT is(state(path), NULL, path || ' is empty, not an error') FROM unnest(ARRAY['''a'' < 1', '1 / 0', '1 mod 0', '1 div 0', '''a'' * 2', '-id', 'id.abs()', '{} + 1', 'name[''a'']', 'name[-1]', 'name.first() < 1']) AS path;
SELECT is(state(path), '42601', path || ' is no character') FROM unnest(ARRAY['''\udc00''', '''\ud800''', '''\ud83d\u0041''', '''\ude00\ud83d''', '''\u0000''']) AS path;
SELECT is(healthlake_fhirpath_text('{}', '''\ud83d\ude00'''), U&'\+01F600', 'two halves are one');
SELECT is(healthlake_fhirpath_text('{"p": "m", "u00e": "n"}', path), wanted, path || ': a backslash before what is no escape is ignored')
  FROM (VALUES ('''\q''', 'q'), ('''\\q''', '\q'), ('''\3''', '3'), ('''\ ''', ' '), ('''\u12''', 'u12'), ('''\u''', 'u'), ('''\u00e''', 'u00e'), ('''a\u00e\''''', 'au00e'''), ('''\uD83G''', 'uD83G'),
	('''\ä\😀''', 'ä😀'), ('''\u12\u0041''', 'u12A'), ('`\p`', 'm'), ('`\u00e`', 'n')) AS c (path, wanted);
SELECT matches(message, 'at or near "\)"', 'a syntax error tells what is there') FROM raised($$SELECT healthlake_fhirpath_text('{}', '''ä'' + )')$$);
SELECT matches(detail, 'character 7', 'and the character') FROM raised($$SELECT healthlake_fhirpath_text('{}', '''ä'' + )')$$);
SELECT is(state(repeat('a', 65537)), '54000', 'a path that is too long');
SELECT is(state(repeat('1', 101)), '54000', 'a number that is too long');
SELECT is(state('1 & ' || repeat('(', 50000)), '54001', 'a path that is too deep');
SELECT is(state(repeat('-', 60000) || '1'), '54001', 'signs that are too many');
SELECT is(state('''a''' || repeat('.combine($this)', 3)), NULL, 'a few items');
SELECT is(state('id' || repeat('.combine(%resource.descendants()).combine($this)', 1)), NULL, 'some more');
SELECT is(state('(1|2|3|4|5|6|7|8|9|10)' || repeat('.select(1.combine(2).combine(3).combine(4).combine(5).combine(6).combine(7).combine(8))', 9)), '54000', 'items that are too many');
SELECT is(state('''' || repeat('a', 20000) || '''' || repeat('.replace(''a'', ''aaaaaaaaaaaaaaaa'')', 4)), '54000', 'a string that is too long');
SELECT is(state('id.repeat($this & ' || quote_literal(repeat('a', 60000)) || ')'), '54000', 'a string that grows and grows');
SELECT is(sqlstate, '54000', 'repeat that finds itself') FROM raised($$SELECT healthlake_fhir_view_rows('{"resource": "Patient", "select": [{"repeat": ["$this"], "column": [{"name": "a", "path": "id"}]}]}', '{"resourceType": "Patient"}')$$);
SELECT is(state('a * a', format('{"a": %s}', repeat('9', 5000))::jsonb), '54000', 'a number that is too large to calculate with');
SELECT is(healthlake_fhirpath_text(format('{"a": %s}', repeat('9', 5000))::jsonb, 'a'), repeat('9', 5000), 'but not to be read');
SELECT is(sqlstate, '0A000', 'records without a list of columns') FROM raised($$SELECT healthlake_fhir_view('{}', '{}')$$);

-- ViewDefinitions

\set view '\'{"resource": "Patient", "select": [{"column": [{"name": "id", "path": "id", "type": "id"}, {"name": "n", "path": "multipleBirth.ofType(integer)", "type": "positiveInt"}, {"name": "given", "path": "name.given", "type": "string", "collection": true}, {"name": "born", "path": "birthDate", "type": "date", "tag": [{"name": "ansi/type", "value": "date"}]}, {"name": "short", "path": "id", "tags": [{"name": "other", "value": "x"}, {"name": "ansi/type", "value": "Character  Varying ( 20 )"}]}, {"name": "m", "path": "meta", "type": "Meta"}, {"name": "i", "path": "meta.lastUpdated", "type": "http://hl7.org/fhir/StructureDefinition/instant"}, {"name": "d", "path": "1.0", "type": "decimal", "collection": true}, {"name": "u", "path": "id"}, {"name": "b", "path": "name.exists()"}, {"name": "c", "path": "name.count()"}]}]}\'::jsonb'
SELECT is(array_agg(name || ' ' || type || ' ' || collection)::text,
	'{"id text false","n integer false","given text[] true","born date false","short character varying(20) false","m jsonb false","i timestamp with time zone false","d numeric[] true","u text false","b boolean false","c integer false"}', 'the columns and their types')
  FROM healthlake_fhir_view_columns(:view);
SELECT is_row(v.*, ROW('p1', 3, '{x,y}'::text[], NULL::date, 'p1', NULL::jsonb, NULL::timestamptz, '{1.0}'::numeric[], 'p1', true, 2), 'a row')
  FROM healthlake_fhir_view(:view, :patient) AS v(id text, n integer, given text[], born date, short varchar(20), m jsonb, i timestamptz, d numeric[], u text, b boolean, c integer);
SELECT is(v::text, '{"b": true, "c": 2, "d": [1.0], "i": null, "m": null, "n": 3, "u": "p1", "id": "p1", "born": null, "given": ["x", "y"], "short": "p1"}', 'the same as jsonb')
  FROM healthlake_fhir_view_rows(:view, :patient) AS v;
SELECT is(type, want, tag) FROM (VALUES ('BIGINT', 'bigint'), ('CHAR', 'character(1)'), ('DECIMAL(10)', 'numeric(10,0)'), ('NUMERIC(10,2)', 'numeric(10,2)'), ('double precision', 'double precision'), ('TIMESTAMP', 'timestamp without time zone'), ('TIME', 'time without time zone'), ('SMALLINT', 'smallint'), ('REAL', 'real')) AS t (tag, want),
	healthlake_fhir_view_columns(format('{"resource": "A", "select": [{"column": [{"name": "a", "path": "b", "tag": [{"name": "ansi/type", "value": %s}]}]}]}', to_jsonb(tag))::jsonb);
SELECT is(v::text, want, tag || ' of ' || value) FROM (VALUES ('VARCHAR(2)', '"ab"', '{"a": "ab"}'), ('VARCHAR(2)', '"abc"', '{"a": null}'), ('NUMERIC(3,1)', '99.94', '{"a": 99.9}'), ('NUMERIC(3,1)', '99.95', '{"a": null}'), ('SMALLINT', '40000', '{"a": null}'), ('REAL', '1e300', format('{"a": null}')), ('BIGINT', '9223372036854775807', '{"a": 9223372036854775807}'), ('BIGINT', '9223372036854775808', '{"a": null}'), ('TIME', '"12:30"', '{"a": "12:30"}'), ('TIME', '"25:30"', '{"a": null}'), ('TIMESTAMP', '"2020-01-01"', '{"a": "2020-01-01"}'), ('TIMESTAMP', '"2020-01"', '{"a": null}')) AS t (tag, value, want),
	healthlake_fhir_view_rows(format('{"resource": "A", "select": [{"column": [{"name": "a", "path": "b", "tag": [{"name": "ansi/type", "value": %s}]}]}]}', to_jsonb(tag))::jsonb,
		format('{"resourceType": "A", "b": %s}', value)::jsonb) AS v;
SELECT is_row(ROW(sqlstate, hint), ROW('42804', 'healthlake_fhir_view_columns() returns the columns of a view.'), what)
  FROM (VALUES ('id int, short text', 'other types'), ('id text', 'too few columns'), ('a text, short varchar(20)', 'another name'), ('id text, short varchar', 'another length')) AS t (list, what),
	raised(format($$SELECT * FROM healthlake_fhir_view('{"resource": "A", "select": [{"column": [{"name": "id", "path": "id"}, {"name": "short", "path": "id", "tag": [{"name": "ansi/type", "value": "VARCHAR(20)"}]}]}]}', '{}') AS v(%s)$$, list));

SELECT is_row(ROW(sqlstate, message), ROW('22023', 'invalid ViewDefinition: 6 faults'), 'all faults at once') FROM raised($$SELECT healthlake_fhir_view_columns('{"select": [{"column": [{"path": "a b", "name": "x"}, {"name": "1"}]}, {"forEach": "%c", "unionAll": 1}]}')$$);
SELECT is(detail, E'resource: is missing\nselect[0].column[0].path: character 3: syntax error at or near "b"\nselect[0].column[1].name: must be letters, digits and underscores, the first one a letter\nselect[0].column[1].path: is missing\nselect[1].forEach: constant "%c" is not defined\nselect[1].unionAll: must be an array', 'with their places')
  FROM raised($$SELECT healthlake_fhir_view_columns('{"select": [{"column": [{"path": "a b", "name": "x"}, {"name": "1"}]}, {"forEach": "%c", "unionAll": 1}]}')$$);
SELECT is(sqlstate, want, what) FROM (VALUES ('a b', '42601', 'a syntax error keeps its SQLSTATE'), ('now()', '0A000', 'so does what is not supported'), ('%x', '42704', 'and a constant that is not defined')) AS t (path, want, what),
	raised(format('SELECT healthlake_fhir_view_columns(%L)', format('{"resource": "A", "select": [{"column": [{"name": "a", "path": %s}]}]}', to_jsonb(path))));
SELECT is(sqlstate, '21000', 'several values in a column') FROM raised(format($$SELECT healthlake_fhir_view_rows('{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "name.family"}]}]}', %L)$$, :patient));
SELECT is_row(ROW(r.sqlstate, r.message), ROW('22023'::text, 'column "c" of the ViewDefinition has a complex value and no type'::text), 'a complex value without a type: ' || call)
  FROM unnest(ARRAY['SELECT * FROM healthlake_fhir_view(%s, %L) AS v(c text)', 'SELECT healthlake_fhir_view_rows(%s, %L)', 'SELECT healthlake_fhir_column(NULL::text, %s, %L)']) AS call,
	raised(format(call, $$'{"resource": "Patient", "select": [{"column": [{"name": "c", "path": "name.first()"}]}]}'$$, :patient)) AS r;
SELECT is(sqlstate, '22023', 'also in a collection') FROM raised(format($$SELECT * FROM healthlake_fhir_view('{"resource": "Patient", "select": [{"column": [{"name": "c", "path": "name | id", "collection": true}]}]}', %L) AS v(c text[])$$, :patient));
SELECT is(healthlake_fhir_view_rows('{"resource": "Patient", "select": [{"column": [{"name": "c", "path": "name.last()", "type": "HumanName"}, {"name": "d", "path": "name.first()", "tag": [{"name": "ansi/type", "value": "TEXT"}]}]}]}', :patient), '{"c": {"family": "B"}, "d": null}', 'with a type it is jsonb, with that of a primitive NULL');
SELECT is(array_agg(v)::text, want, what) FROM (VALUES
	('{"forEach": "contained", "column": [{"name": "c", "path": "%context.id"}, {"name": "r", "path": "%resource.id"}, {"name": "w", "path": "%rootResource.id"}]}', '{"{\"c\": \"c1\", \"r\": \"c1\", \"w\": \"p\"}","{\"c\": \"c2\", \"r\": \"c2\", \"w\": \"p\"}"}', 'contained resources'),
	('{"forEach": "contained.name", "column": [{"name": "c", "path": "%context.family"}, {"name": "r", "path": "%resource.id"}, {"name": "w", "path": "%rootResource.id"}]}', '{"{\"c\": \"F\", \"r\": \"c2\", \"w\": \"p\"}"}', 'their elements'),
	('{"forEach": "contained.name.given", "column": [{"name": "c", "path": "%context"}, {"name": "r", "path": "%resource.id"}, {"name": "w", "path": "%rootResource.id"}]}', '{"{\"c\": \"g\", \"r\": \"c2\", \"w\": \"p\"}"}', 'primitive elements'),
	('{"forEach": "name", "column": [{"name": "c", "path": "%context.family"}, {"name": "r", "path": "%resource.id"}, {"name": "w", "path": "where(family = %context.family).count()"}]}', '{"{\"c\": \"A\", \"r\": \"p\", \"w\": 1}","{\"c\": \"B\", \"r\": \"p\", \"w\": 1}"}', 'elements of the resource'),
	('{"forEach": "name.where(family = %context.name.last().family)", "column": [{"name": "c", "path": "family"}]}', '{"{\"c\": \"B\"}"}', 'in the path of the iteration it is the one outside'),
	('{"forEach": "name.select(family.upper())", "column": [{"name": "c", "path": "%context"}, {"name": "r", "path": "%resource.id"}]}', '{"{\"c\": \"A\", \"r\": \"p\"}","{\"c\": \"B\", \"r\": \"p\"}"}', 'computed values'),
	('{"column": [{"name": "c", "path": "%context.id"}, {"name": "r", "path": "name.select(%resource.id).first()"}, {"name": "w", "path": "%rootResource.id"}]}', '{"{\"c\": \"p\", \"r\": \"p\", \"w\": \"p\"}"}', 'the resource'),
	('{"forEachOrNull": "photo", "column": [{"name": "c", "path": "%context.exists() or %rowIndex > 0"}]}', '{"{\"c\": false}"}', 'nothing')) AS t ("select", want, what),
	healthlake_fhir_view_rows(format('{"resource": "Patient", "select": [%s]}', "select")::jsonb, '{"resourceType": "Patient", "id": "p", "x": "odd", "contained": [{"resourceType": "Organization", "id": "c1", "n": "12"}, {"resourceType": "Patient", "id": "c2", "name": [{"family": "F", "given": ["g"]}]}], "name": [{"family": "A"}, {"family": "B"}]}') AS v
 GROUP BY want, what;
SELECT is(v::text, '(p,,,{0})', 'an iteration over nothing is NULL in typed columns, too')
  FROM healthlake_fhir_view('{"resource": "Patient", "select": [{"column": [{"name": "id", "path": "id"}]}, {"forEachOrNull": "contact", "column": [
	{"name": "g", "path": "name.given", "type": "string", "collection": true}, {"name": "n", "path": "name", "type": "HumanName", "collection": true}, {"name": "at", "path": "%rowIndex", "type": "integer", "collection": true}]}]}',
	'{"resourceType": "Patient", "id": "p"}') AS v (id text, g text[], n jsonb[], at integer[]);
SELECT is(v, '{"c": "e", "r": "e", "w": "e"}', 'a resource in a Bundle is contained in no other') FROM healthlake_fhir_view_rows('{"resource": "Bundle", "select": [{"forEach": "entry.resource.name", "column": [{"name": "c", "path": "%resource.id"}, {"name": "r", "path": "%rootResource.id"}, {"name": "w", "path": "%context.select(%resource.id)"}]}]}',
	'{"resourceType": "Bundle", "id": "b", "entry": [{"fullUrl": "u"}, {"resource": {"resourceType": "Patient", "id": "e", "name": [{"family": "F"}]}}]}') AS v;
SELECT is(count(*), 0::bigint, 'a column cannot fail where there is no row') FROM healthlake_fhir_view('{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "name.family", "type": "string"}]}, {"forEach": "photo", "column": [{"name": "b", "path": "title", "type": "string"}]}]}', :patient) AS v(a text, b text);
SELECT is(sqlstate, '22023', 'a where that is no boolean') FROM raised(format($$SELECT healthlake_fhir_view_rows('{"resource": "Patient", "where": [{"path": "id"}], "select": [{"column": [{"name": "a", "path": "id"}]}]}', %L)$$, :patient));
SELECT is(sqlstate, '54011', 'too many columns') FROM raised((SELECT format('SELECT healthlake_fhir_view_columns(%L)', jsonb_build_object('resource', 'A', 'select', jsonb_build_array(jsonb_build_object('column', jsonb_agg(jsonb_build_object('name', 'c' || n, 'path', 'id')))))) FROM generate_series(1, 1601) AS n));

-- SQL views

CREATE TABLE patient (resource jsonb, "re""source" jsonb, other text);
INSERT INTO patient VALUES (:patient, :patient, 'x'), ('{"resourceType": "Patient", "id": "p2", "birthDate": "1990-05-06"}', NULL, 'y'), ('{"resourceType": "Group", "id": "g"}', NULL, 'z'), (NULL, NULL, NULL), ('[]', NULL, NULL);
SELECT is(healthlake_fhir_create_view('patients', :view, 'patient')::text, 'patients', 'the view that is made');
SELECT is(array_agg(attname || ' ' || format_type(atttypid, atttypmod) ORDER BY attnum)::text, (SELECT array_agg(name || ' ' || type)::text FROM healthlake_fhir_view_columns(:view)), 'its columns have the types')
  FROM pg_attribute WHERE attrelid = 'patients'::regclass AND attnum > 0;
SELECT is(obj_description('patients'::regclass)::jsonb, :view, 'its comment is the ViewDefinition');
SELECT is(reloptions::text, CASE WHEN current_setting('server_version_num')::int >= 150000 THEN '{security_invoker=true}' END, 'it has its caller''s rights') FROM pg_class WHERE oid = 'patients'::regclass;
SELECT is(array_agg(p ORDER BY id)::text, array_agg(v ORDER BY id)::text, 'its rows are those of the view')
  FROM (SELECT p.id, to_jsonb(p) AS p FROM patients AS p) AS p
  FULL JOIN (SELECT v ->> 'id' AS id, v FROM patient, healthlake_fhir_view_rows(:view, resource) AS v) AS v USING (id);
CREATE INDEX ON patient (healthlake_fhirpath_text(resource, 'id'));
SET enable_seqscan = off;
CREATE FUNCTION plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan jsonb; BEGIN EXECUTE 'EXPLAIN (FORMAT json, COSTS off) ' || statement INTO plan; RETURN plan::text; END $$;
SELECT matches(plan_of($$SELECT born FROM patients WHERE id = 'p2'$$), 'Index Cond', 'an expression index serves it');
RESET enable_seqscan;
SELECT healthlake_fhir_create_view('keys', '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "getResourceKey()"}, {"name": "b", "path": "id.first()", "type": "id"}, {"name": "c", "path": "Patient.getResourceKey()"}]}]}', 'patient') \g /dev/null
SELECT ok(pg_get_viewdef('keys'::regclass) NOT LIKE '%single()%' AND pg_get_viewdef('keys'::regclass) NOT LIKE '%fhir_column%', 'a path that cannot have several values is left alone');
SELECT unalike(plan_of('SELECT id FROM patients'), '%healthlake_fhir_view%', 'an unused column costs nothing');
SELECT is(healthlake_fhir_create_view('public."odd ""name"', '{"resource": "Patient", "constant": [{"name": "k", "valueString": "a''\\b\"\nc"}, {"name": "n", "valueInteger": -1}, {"name": "t", "valueDateTime": "2020-01-01"}], "where": [{"path": "active"}, {"path": "%k.exists()"}], "select": [{"column": [{"name": "select", "path": "%k", "description": "It''s \"this\""}, {"name": "N", "path": "3-%n", "type": "integer"}, {"name": "t", "path": "deceased > %t"}], "unionAll": [{"forEach": "name", "column": [{"name": "user", "path": "family & %k"}]}, {"column": [{"name": "user", "path": "%rowIndex.toString()"}]}]}]}'::jsonb, 'patient', 're"source')::text, '"odd ""name"', 'odd names and constants');
SELECT is(array_agg(v::text)::text, (SELECT array_agg(ROW(E'a''\\b"\nc', 4, NULL::boolean, u)::text)::text FROM unnest(ARRAY[E'Aa''\\b"\nc', E'Ba''\\b"\nc', '0']) AS u), 'make rows') FROM "odd ""name" AS v;
SELECT is(col_description('"odd ""name"'::regclass, 1), 'It''s "this"', 'a column''s description');
SELECT healthlake_fhir_create_view('several', '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "name.family", "type": "string"}]}]}', 'patient') \g /dev/null
SELECT is(sqlstate, '21000', 'several values in a column of an SQL view') FROM raised('SELECT * FROM several');
SELECT healthlake_fhir_create_view('nowhere', '{"resource": "Patient", "where": [{"path": "id"}], "select": [{"column": [{"name": "a", "path": "id", "type": "id"}]}]}', 'patient') \g /dev/null
SELECT is(sqlstate, '22023', 'a where that is no boolean in an SQL view') FROM raised('SELECT * FROM nowhere');

SELECT is(healthlake_fhir_column(NULL::text[], '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "name.given", "type": "string", "collection": true}]}]}', :patient)::text, '{x,y}', 'a column by itself');
SELECT is(healthlake_fhir_column(NULL::text, '{"resource": "Group", "select": [{"column": [{"name": "a", "path": "id"}]}]}', :patient), NULL, 'of another resource, nothing');
SELECT is(sqlstate, '42804', 'of another type') FROM raised($$SELECT healthlake_fhir_column(NULL::int, '{"resource": "Group", "select": [{"column": [{"name": "a", "path": "id"}]}]}', '{}')$$);
SELECT is(sqlstate, '22023', 'more than one column') FROM raised($$SELECT healthlake_fhir_column(NULL::text, '{"resource": "Group", "select": [{"column": [{"name": "a", "path": "id"}, {"name": "b", "path": "id"}]}]}', '{}')$$);

SELECT is(sqlstate, want, what) FROM (VALUES
	($$'patients', '{"resource": "A", "select": [{"column": [{"name": "a", "path": "id"}]}]}', 'patient'$$, '42P07', 'a view that is there'),
	($$'x', '{}', 'patient'$$, '22023', 'no ViewDefinition'),
	($$'x', '{"resource": "A", "select": [{"column": [{"name": "a", "path": "id"}]}]}', 'patient', 'no'$$, '42703', 'a column that is not there'),
	($$'x', '{"resource": "A", "select": [{"column": [{"name": "a", "path": "id"}]}]}', 'patient', 'other'$$, '42804', 'a column that has no jsonb'),
	($$'x', '{"resource": "A", "select": [{"column": [{"name": "a", "path": "id"}]}]}', 4000000000$$, '42P01', 'a table that is not there'),
	($$'x y', '{"resource": "A", "select": [{"column": [{"name": "a", "path": "id"}]}]}', 'patient'$$, '42602', 'a name that is none'),
	($$NULL, '{}', 'patient'$$, '22004', 'no name')) AS t (arguments, want, what),
	raised(format('SELECT healthlake_fhir_create_view(%s)', arguments));

-- Rights

CREATE ROLE healthlake_reader;
GRANT CREATE ON SCHEMA public TO healthlake_reader;
SET ROLE healthlake_reader;
SELECT is(healthlake_fhirpath_text('{"id": "x"}', 'id'), 'x', 'everybody may evaluate');
SELECT is(says($$SELECT healthlake_fhir_create_view('large', jsonb_build_object('resource', 'Patient', 'extension', digits(), 'select', '[{"column": [{"name": "a", "path": "id"}]}]'::jsonb), 'patient')$$),
	'54000 the ViewDefinition is too large for an SQL view | At most 1048576 bytes are allowed.', 'a view that is too large');
SELECT is(sqlstate, '42501', 'nobody makes a view of what he may not read') FROM raised($$SELECT healthlake_fhir_create_view('mine', '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}]}]}', 'public.patient')$$);
SELECT is(sqlstate, '42501', 'nor reads a table through another''s view') FROM raised('SELECT * FROM patients') WHERE current_setting('server_version_num')::int >= 150000;
RESET ROLE;
GRANT SELECT (resource) ON patient TO healthlake_reader;
SET ROLE healthlake_reader;
SELECT is(healthlake_fhir_create_view('mine', '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}]}]}', 'patient')::text, 'mine', 'but of what he may');
SELECT is(relowner::regrole::text, 'healthlake_reader', 'and it is his') FROM pg_class WHERE oid = 'mine'::regclass;
RESET ROLE;
DROP OWNED BY healthlake_reader;
DROP ROLE healthlake_reader;
SET default_transaction_read_only = on;
SELECT is(sqlstate, '25006', 'not in READ ONLY') FROM raised($$SELECT healthlake_fhir_create_view('ro', '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}]}]}', 'patient')$$);
RESET default_transaction_read_only;

-- A hostile search_path

CREATE SCHEMA hostile;
CREATE DOMAIN hostile.text AS integer;
CREATE DOMAIN hostile.jsonb AS integer;
CREATE FUNCTION hostile.healthlake_fhirpath_text(pg_catalog.jsonb, pg_catalog.text) RETURNS pg_catalog.text LANGUAGE sql AS $$ SELECT 'hostile' $$;
CREATE FUNCTION hostile.yes(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR hostile.= (FUNCTION = hostile.yes, LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text);
CREATE TABLE hostile.patient (resource pg_catalog.jsonb);
SET search_path = hostile, pg_catalog, public;
SELECT healthlake_fhir_create_view('hostile.v', '{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id", "type": "id"}]}, {"forEach": "name", "column": [{"name": "b", "path": "family"}, {"name": "m", "path": "period", "type": "Period"}]}]}', 'public.patient') \g /dev/null
RESET search_path;
SELECT is(count(*), 0::bigint, 'a view uses nothing of a hostile schema') FROM pg_depend AS d JOIN pg_rewrite AS r ON d.objid = r.oid
  LEFT JOIN pg_proc AS p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid LEFT JOIN pg_operator AS o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
  LEFT JOIN pg_type AS t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
 WHERE r.ev_class = 'hostile.v'::regclass AND 'hostile'::regnamespace IN (p.pronamespace, o.oprnamespace, t.typnamespace);
SELECT is(array_agg(v::pg_catalog.text)::pg_catalog.text, '{"(p1,A,)","(p1,B,)"}', 'and gives what it should') FROM hostile.v;

-- Data that is kept for a statement

SELECT is(array_agg(healthlake_fhirpath_text(:patient, path))::text, '{p1,A,NULL,p1}', 'another path in each row') FROM unnest(ARRAY['id', 'name.family', 'photo', 'id']) AS path;
SELECT is(array_agg(v)::text, '{"{\"a\": \"p1\"}","{\"b\": \"x\"}"}', 'another view in each row') FROM unnest(ARRAY['{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}]}]}', '{"resource": "Patient", "select": [{"column": [{"name": "b", "path": "name.given.first()"}]}]}']::jsonb[]) AS d,
	healthlake_fhir_view_rows(d, :patient) AS v;
CREATE TABLE large (n int, resource jsonb);
INSERT INTO large SELECT n, jsonb_build_object('resourceType', 'Patient', 'id', n::text, 'text', (SELECT string_agg(md5((n * m)::text), ' ') FROM generate_series(1, k) AS m)) FROM generate_series(1, 20) AS n, (VALUES (200), (2000)) AS s (k);
INSERT INTO large SELECT n, jsonb_build_object('resourceType', 'Patient', 'id', n::text, 'text', repeat(n::text, 5000)) FROM generate_series(21, 40) AS n;
SELECT is(count(*), 0::bigint, 'large resources are themselves, whatever is kept of the last one') FROM large
 WHERE (healthlake_fhirpath_text(resource, 'id'), healthlake_fhirpath_text(resource, 'text')) IS DISTINCT FROM (n::text, resource ->> 'text');
SELECT is(count(*), 0::bigint, 'also side by side') FROM large AS a, large AS b
 WHERE healthlake_fhirpath_text(a.resource, 'id') <> a.n::text OR healthlake_fhirpath_text(b.resource, 'id') <> b.n::text;
UPDATE large SET resource = resource || '{"id": "new"}';
SELECT is(count(*), 60::bigint, 'also after a change in the same transaction') FROM large WHERE healthlake_fhirpath_text(resource, 'id') = 'new';

-- Numbers that FHIR's JSON writes as strings

\set file '\'{"resourceType": "Observation", "id": "f", "valueInteger64": "9007199254740993", "size": "9007199254740993", "n": "x"}\'::jsonb'
SELECT is(array_agg(v)::text, '{9007199254740993,true,true,9007199254740994}', 'an integer64 is a number') FROM unnest(ARRAY['value', 'value is integer64', 'value.ofType(integer64) > 9007199254740992', 'value + 1']) AS path, healthlake_fhirpath(:file, path) AS v;
\set sizes '\'{"resource": "Observation", "constant": [{"name": "k", "valueInteger64": "9007199254740993"}], "select": [{"column": [{"name": "size", "path": "size", "type": "integer64"}, {"name": "same", "path": "value = %k"}, {"name": "none", "path": "n", "type": "integer64"}]}]}\'::jsonb'
SELECT is(v::text, '(9007199254740993,t,)', 'and a bigint in a view') FROM healthlake_fhir_view(:sizes, :file) AS v(size bigint, same boolean, none bigint);
SELECT is(v, '{"size": 9007199254740993, "same": true, "none": null}', 'as JSON, a number') FROM healthlake_fhir_view_rows(:sizes, :file) AS v;

-- Long paths that differ at their ends

SET statement_timeout = '30s';
SELECT is(sqlstate, NULL, 'columns with long paths that begin alike take no time') FROM raised(format('SELECT healthlake_fhir_view_rows(%L, %L)',
	(SELECT jsonb_build_object('resource', 'Patient', 'select', jsonb_build_array(jsonb_build_object('column', jsonb_agg(jsonb_build_object('name', 'c' || n, 'path', 'a' || repeat('.a', 1500) || '.b' || n))))) FROM generate_series(1, 40) AS n), '{"resourceType": "Patient"}'));
RESET statement_timeout;

-- Faults and names of created views

SELECT is(message, 'invalid ViewDefinition: select[0].unionAll[1]: has other columns than the first branch', 'a branch in another order is one fault')
  FROM raised($$SELECT healthlake_fhir_view_columns('{"resource": "Patient", "select": [{"unionAll": [{"column": [{"name": "a", "path": "id"}, {"name": "b", "path": "id"}]}, {"column": [{"name": "b", "path": "id"}, {"name": "a", "path": "id"}]}]}]}')$$);
SELECT healthlake_fhir_create_view('words', '{"resource": "Patient", "constant": [{"name": "k", "valueBoolean": true}, {"name": "d", "valueDate": "2020"}, {"name": "n", "valueInteger": -5}], "where": [{"path": "id = ''p1'' and%k"}], "select": [{"column": [{"name": "a", "path": "1 = 1 and%k"}, {"name": "b", "path": "%d.toString()&''-1''", "type": "string"}, {"name": "c", "path": "3-%n", "type": "integer"}]}]}', 'patient') \g /dev/null
SELECT is(array_agg(w)::text, '{"(t,2020-1,8)"}', 'constants stand where words would touch') FROM words AS w;
CREATE TEMPORARY TABLE temporary (resource jsonb);
SELECT is(relpersistence::text, 't', 'a view of a temporary table is temporary') FROM healthlake_fhir_create_view('words', '{"resource": "Patient", "select": [{"column": [{"name": "t", "path": "id", "type": "id"}]}]}', 'temporary') AS made JOIN pg_class ON pg_class.oid = made;
SELECT is(healthlake_fhir_create_view('public.words2', '{"resource": "Patient", "select": [{"column": [{"name": "t", "path": "id", "type": "id"}]}]}', 'patient')::text, 'words2', 'one in a schema');
CREATE VIEW pg_temp.words3 AS SELECT 1;
SELECT is(healthlake_fhir_create_view('words3', '{"resource": "Patient", "select": [{"column": [{"name": "t", "path": "id", "type": "id"}]}]}', 'patient')::text, 'public.words3', 'the view that was made, not one before it in the search path');
SELECT isnt(obj_description('public.words3'::regclass), NULL, 'and it has the comment');

SELECT * FROM finish();
