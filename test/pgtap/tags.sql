-- Tags in both notations, as rows, on data stores and profiles.

\ir setup.sql
SELECT no_plan();
SELECT replace(:'emulator_url', '127.0.0.1', 'localhost') AS local_url \gset
SET healthlake.endpoint_url = :'local_url';
SELECT emulator_set('{"settle_after_seconds": 0}') \g /dev/null
SELECT arn FROM healthlake_create_datastore('ward', tags => '{"env": "prod", "team": "7"}') \gset

SELECT results_eq(format('SELECT key, value FROM healthlake_list_tags(%L) ORDER BY key', :'arn'),
	$$ VALUES ('env', 'prod'), ('team', '7') $$, 'tags are rows');
SELECT results_eq('SELECT d.name, t.value FROM healthlake_list_datastores() AS d, LATERAL healthlake_list_tags(d.arn) AS t WHERE t.key = ''env''',
	$$ VALUES ('ward', 'prod') $$, 'which join');
SELECT is((SELECT (healthlake_list_tags(:'arn')).value LIMIT 1), 'prod', 'also in the target list');
SELECT lives_ok(format('SELECT healthlake_tag_resource(%L, ''{"env": "test", "ключ": "значение"}'')', :'arn'), 'as an object');
SELECT lives_ok(format('SELECT healthlake_tag_resource(%L, ''[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]'')', :'arn'), 'as AWS''s list');
SELECT results_eq(format('SELECT key, value FROM healthlake_list_tags(%L) ORDER BY key COLLATE "C"', :'arn'),
	$$ VALUES ('a', '1'), ('b', ''), ('env', 'test'), ('team', '7'), ('ключ', 'значение') $$, 'they are there');
SELECT lives_ok(format('SELECT healthlake_untag_resource(%L, ARRAY[''a'', ''b'', ''ключ'', ''nobody''])', :'arn'), 'taken away');
SELECT results_eq(format('SELECT key FROM healthlake_list_tags(%L) ORDER BY key', :'arn'), $$ VALUES ('env'), ('team') $$, 'they are gone');
SELECT is((SELECT body FROM emulator_log() WHERE operation = 'UntagResource'),
	jsonb_build_object('ResourceARN', :'arn', 'TagKeys', '["a", "b", "ключ", "nobody"]'::jsonb), 'in one request');
SELECT is(pg_typeof(healthlake_tag_resource(:'arn', '{}'))::text, 'void', 'it returns nothing');
SELECT is((SELECT body -> 'Tags' FROM emulator_log() WHERE operation = 'TagResource' ORDER BY n DESC LIMIT 1), '[]', 'no tags are an empty list');

-- Refused here

SELECT is(says(format('SELECT healthlake_tag_resource(%L, NULL)', :'arn')) ~ '^22004 .*\(argument "tags"\)', true, 'no tags');
SELECT is(says('SELECT healthlake_tag_resource(NULL, ''{}'')') ~ '^22004 .*\(argument "resource_arn"\)', true, 'no resource');
SELECT is(says('SELECT healthlake_untag_resource(''x'', NULL)') ~ '^22004 .*\(argument "tag_keys"\)', true, 'no keys');
SELECT is(says('SELECT healthlake_untag_resource(''x'', ARRAY[NULL])') ~ '^22004 .*TagKeys\[0\]', true, 'a key that is NULL');
SELECT is(says('SELECT healthlake_untag_resource(''x'', ARRAY[''''])') ~ '^22023 .*TagKeys\[0\]', true, 'an empty one');
SELECT is(says('SELECT * FROM healthlake_list_tags(NULL)') ~ '^22004 .*\(argument "resource_arn"\)', true, 'tags of nothing');
SELECT is(says('SELECT healthlake_tag_resource(''x'', ''{"a": 1}'')') ~ '^22023 .*Tags\[0\]\.Value', true, 'a value that is a number');
SELECT is(says('SELECT healthlake_tag_resource(''x'', ''["a"]'')') ~ '^22023 .*Tags\[0\]', true, 'a list of strings');
SELECT is(says('SELECT healthlake_tag_resource(''x'', ''{"a": null}'')') ~ '^22004 .*Tags\[0\]\.Value', true, 'a value that is null');
SELECT is(sqlstate, '42704', 'a resource that is not there') FROM raised('SELECT * FROM healthlake_list_tags(''arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/00000000000000000000000000000000'')');

-- Profiles have a map of tags: both notations become one

CREATE TEMPORARY TABLE made AS SELECT sent($$healthlake_create_transformation_profile('p', 'CCDA', starter_profile_name => 's', tags => '{"env": "prod"}')$$) -> 'Tags' AS tags;
SELECT is(tags, '{"env": "prod"}', 'an object') FROM made;
SELECT is(sent($$healthlake_create_transformation_profile('p', 'CCDA', starter_profile_name => 's', tags => '[{"Key": "env", "Value": "prod"}, {"Key": "b", "Value": ""}]')$$) -> 'Tags',
	'{"env": "prod", "b": ""}', 'a list');
SELECT is(says($$SELECT healthlake_create_transformation_profile('p', 'CCDA', starter_profile_name => 's', tags => '[{"Value": "prod"}]')$$) ~ '^22023 .*Tags', true, 'a list without a key');
SELECT is(says($$SELECT healthlake_create_transformation_profile('p', 'CCDA', starter_profile_name => 's', tags => '"env"')$$) ~ '^22023 .*Tags', true, 'no tags at all');

SELECT * FROM finish();
