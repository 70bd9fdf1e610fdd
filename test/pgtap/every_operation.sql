-- Each of the 26 operations, called from SQL: with the replies that AWS usually gives, with
-- every member there is, and with the required ones alone. An operation without a typed
-- function, a comment or a statement here fails.

\ir setup.sql
SELECT no_plan();
SELECT replace(:'emulator_url', '127.0.0.1', 'localhost') AS local_url \gset
SET healthlake.endpoint_url = :'local_url';

-- The calls. {words} stand for values that earlier calls returned; "keep" names that of this one.
-- lacks: the columns without a member in the operation's reply.
CREATE TEMPORARY TABLE statement (n integer GENERATED ALWAYS AS IDENTITY, operation text,
	call text, keep text, field text, lacks text[] DEFAULT '{}');
INSERT INTO statement (operation, call, keep, field, lacks) VALUES
	('CreateFHIRDatastore', 'healthlake_create_datastore(''ward'', backup_status => ''ENABLED'')', 'store', 'id', '{}'),
	('CreateFHIRDatastore', 'healthlake_create_datastore(''{"DatastoreName": "ward", "DatastoreTypeVersion": "R4"}''::jsonb)', 'arn', 'arn', '{}'),
	('DescribeFHIRDatastore', 'healthlake_describe_datastore({store})', NULL, NULL, '{}'),
	('ListFHIRDatastores', 'healthlake_list_datastores(max_rows => 1)', NULL, NULL, '{}'),
	('UpdateFHIRDatastore', 'healthlake_update_datastore({store}, nlp_status => ''ENABLED'')', NULL, NULL, '{}'),
	('RestoreFHIRDatastore', 'healthlake_restore_datastore({store}, ''again'')', 'second', 'id', '{}'),
	('TagResource', 'healthlake_tag_resource({arn}, ''{"env": "prod"}'')', NULL, NULL, NULL),
	('ListTagsForResource', 'healthlake_list_tags({arn})', NULL, NULL, '{}'),
	('UntagResource', 'healthlake_untag_resource({arn}, ARRAY[''env''])', NULL, NULL, NULL),
	('StartFHIRImportJob', 'healthlake_start_import_job({store}, ''s3://bucket/in/'', ''s3://bucket/out/'', ''alias/health'', ''arn:aws:iam::123456789012:role/import'')', 'import', 'job_id', '{}'),
	('DescribeFHIRImportJob', 'healthlake_describe_import_job({store}, {import})', NULL, NULL, '{}'),
	('ListFHIRImportJobs', 'healthlake_list_import_jobs({store}, max_rows => 1)', NULL, NULL, '{}'),
	('StartFHIRExportJob', 'healthlake_start_export_job({store}, ''s3://bucket/out/'', ''alias/health'', ''arn:aws:iam::123456789012:role/export'')', 'export', 'job_id', '{}'),
	('DescribeFHIRExportJob', 'healthlake_describe_export_job({store}, {export})', NULL, NULL, '{}'),
	('ListFHIRExportJobs', 'healthlake_list_export_jobs({store}, max_rows => 1)', NULL, NULL, '{}'),
	('CreateDataTransformationProfile', 'healthlake_create_transformation_profile(''ccda'', ''CCDA'', starter_profile_name => ''basic'', tags => ''{"env": "prod"}'')', 'profile', 'profile_id', '{profile_description,change_description,profile_mapping}'),
	('GetDataTransformationProfile', 'healthlake_get_transformation_profile({profile})', NULL, NULL, '{}'),
	('UpdateDataTransformationProfile', 'healthlake_update_transformation_profile({profile}, ''{"Patient": "{}"}'')', NULL, NULL, '{version,profile_description,change_description,profile_mapping}'),
	('PublishDataTransformationProfile', 'healthlake_publish_transformation_profile({profile}, ''CCDA'')', NULL, NULL, '{profile_description,change_description,profile_mapping}'),
	('ListDataTransformationProfiles', 'healthlake_list_transformation_profiles(''CCDA'', max_rows => 1)', NULL, NULL, '{change_description,profile_mapping}'),
	('ListDataTransformationProfileVersions', 'healthlake_list_transformation_profile_versions({profile}, max_rows => 1)', NULL, NULL, '{profile_description,profile_mapping}'),
	('UpdateProfileWithAgent', 'healthlake_update_profile_with_agent({profile}, ''hello'')', NULL, NULL, '{options,conversation_id}'),
	('StartDataTransformationJob', 'healthlake_start_transformation_job({profile}, ''s3://bucket/in/'', ''s3://bucket/out/'', ''alias/health'', ''arn:aws:iam::123456789012:role/transform'')', 'job', 'job_id', '{datastore_id}'),
	('DescribeDataTransformationJob', 'healthlake_describe_transformation_job({job})', NULL, NULL, '{}'),
	('ListDataTransformationJobs', 'healthlake_list_transformation_jobs(max_rows => 1)', NULL, NULL, '{input_s3_uri,output_s3_uri,kms_key_id,data_access_role_arn,profile_id,profile_name,profile_version,drift_detection_enabled,provenance_enabled,message,total_files_scanned,total_files_converted,total_files_failed,total_resources_generated}'),
	('DeleteDataTransformationProfile', 'healthlake_delete_transformation_profile({profile})', NULL, NULL, '{}'),
	('DeleteFHIRDatastore', 'healthlake_delete_datastore({store}, {name})', NULL, NULL, '{}');

CREATE TEMPORARY TABLE known (word text PRIMARY KEY, value text);
CREATE TEMPORARY TABLE told (n integer, row_told jsonb, problem text);

-- Runs every statement in turn, with this form of replies.
CREATE FUNCTION call_all(members text, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	s statement;
	said text;
	told_row jsonb;
BEGIN
	PERFORM emulator_reset();
	PERFORM emulator_set(jsonb_build_object('members', members, 'settle_after_seconds', 0));
	TRUNCATE known, told;
	INSERT INTO known VALUES ('name', name);
	FOR s IN SELECT * FROM statement ORDER BY statement.n LOOP
		said := s.call;
		SELECT coalesce(string_agg(replace(said, '{' || k.word || '}', quote_literal(k.value)), ''), said)
		  INTO said FROM known AS k WHERE position('{' || k.word || '}' IN said) > 0
		   AND k.word = substring(said FROM '\{(\w+)\}');
		SELECT coalesce(string_agg(replace(said, '{' || k.word || '}', quote_literal(k.value)), ''), said)
		  INTO said FROM known AS k WHERE position('{' || k.word || '}' IN said) > 0
		   AND k.word = substring(said FROM '\{(\w+)\}');
		told_row := NULL;
		BEGIN
			IF s.lacks IS NULL THEN
				EXECUTE 'SELECT ' || said;
			ELSE
				EXECUTE 'SELECT to_jsonb(r) FROM ' || said || ' AS r LIMIT 1' INTO told_row;
			END IF;
			INSERT INTO told VALUES (s.n, told_row, NULL);
			INSERT INTO known SELECT s.keep, told_row ->> s.field WHERE s.keep IS NOT NULL;
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO told VALUES (s.n, NULL, said || ': ' || SQLSTATE || ' ' || SQLERRM);
		END;
	END LOOP;
END
$$;

-- Replies of every form

SET client_min_messages = error; -- a restore's comparison
SELECT call_all('usual', 'ward') \g /dev/null
SELECT is(problem, NULL, operation || ' is called') FROM statement JOIN told USING (n) ORDER BY n;
SELECT is(status, 200, operation || ' is understood') FROM
	(SELECT operation, max(status) AS status FROM emulator_log() GROUP BY operation) AS log ORDER BY operation;
CREATE TEMPORARY TABLE seen AS SELECT DISTINCT operation, headers ->> 'host' AS host FROM emulator_log();

SELECT call_all('all', 'ward') \g /dev/null
SELECT is(problem, NULL, operation || ' with every member') FROM statement JOIN told USING (n) ORDER BY n;
SELECT is((SELECT array_agg(key ORDER BY key) FROM jsonb_each(row_told) WHERE value = 'null'),
	(SELECT array_agg(l ORDER BY l) FROM unnest(lacks) AS l), operation || ': every column has a value')
  FROM statement JOIN told USING (n) WHERE lacks IS NOT NULL ORDER BY n;
SELECT is(row_told #>> '{properties,ErrorCause,ErrorMessage}', row_told ->> 'error_message', 'properties has it all')
  FROM statement JOIN told USING (n) WHERE operation = 'DescribeFHIRDatastore';

SELECT call_all('required', '') \g /dev/null
SELECT is(problem, NULL, operation || ' with the required members alone') FROM statement JOIN told USING (n) ORDER BY n;
SELECT is(row_told -> 'created_at', 'null', 'what is not there is null') FROM statement JOIN told USING (n)
 WHERE operation = 'DescribeFHIRDatastore';
RESET client_min_messages;
SET client_min_messages = warning;

-- The table

CREATE TEMPORARY TABLE operation AS
	SELECT o.operation, o.function, array_agg(argument) FILTER (WHERE argument IS NOT NULL) AS arguments
	  FROM healthlake_operations() AS o GROUP BY 1, 2;
SELECT is(count(*), 26::bigint, 'there are 26 operations') FROM operation;
SELECT ok(function IS NOT NULL, operation || ' has a function') FROM operation ORDER BY operation;
SELECT ok(obj_description(function, 'pg_proc') ~ ('AWS ' || operation || '\M'), operation || ' has a comment that names it')
  FROM operation ORDER BY operation;
SELECT ok(EXISTS (SELECT FROM seen WHERE seen.operation = o.operation), o.operation || ' has a test') FROM operation AS o ORDER BY 1;
SELECT is((SELECT array_agg(a ORDER BY a) FROM unnest(arguments) AS a),
	(SELECT array_agg(a ORDER BY a) FROM pg_proc, unnest(proargnames[1:pronargs]) AS a WHERE oid = function
	    AND a <> ALL (ARRAY['region', 'more', 'max_rows', 'confirm_name'])), operation || ': its arguments are in the table')
  FROM operation ORDER BY operation;
SELECT is((SELECT proargnames[pronargs - 1:pronargs]::text FROM pg_proc WHERE oid = function), '{region,more}',
	operation || ' ends with region and more') FROM operation ORDER BY operation;
SELECT is_row(ROW(provolatile, proparallel, procost, proisstrict), ROW('v'::"char", 'u'::"char", 1000000::real, false),
	operation || ' is declared as what calls AWS') FROM operation JOIN pg_proc ON oid = function ORDER BY operation;
SELECT is(proretset, prorows > 0, operation || ' has rows if it is a set') FROM operation JOIN pg_proc ON oid = function ORDER BY 1;
SELECT is(p.prosupport <> 0, changes_something, o.operation || ' has a support function if it changes something')
  FROM (SELECT DISTINCT operation, function, changes_something FROM healthlake_operations()) AS o
  JOIN pg_proc AS p ON p.oid = o.function ORDER BY 1;

-- Endpoints

SELECT is(seen.host ~ '^datatransformation\.localhost:', operation ~ 'Transformation|Agent', operation || ' goes to its host')
  FROM seen ORDER BY operation;

-- Repeating

SELECT set_eq('SELECT DISTINCT operation FROM healthlake_operations() WHERE NOT idempotent',
	ARRAY['PublishDataTransformationProfile', 'UpdateProfileWithAgent'], 'two operations are not to be repeated');
SELECT set_eq('SELECT operation FROM healthlake_operations() WHERE argument = ''client_token''',
	ARRAY['CreateFHIRDatastore', 'RestoreFHIRDatastore', 'StartFHIRImportJob', 'StartFHIRExportJob',
		'CreateDataTransformationProfile', 'StartDataTransformationJob'], 'six have a client token');
SELECT emulator_reset(), emulator_set('{"settle_after_seconds": 0}') \g /dev/null
SET healthlake.max_attempts = 2;
SELECT call_all('usual', 'ward') \g /dev/null
CREATE FUNCTION attempts_of(n integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	said text := (SELECT call FROM statement AS s WHERE s.n = attempts_of.n);
	asked text := (SELECT operation FROM statement AS s WHERE s.n = attempts_of.n);
	k known;
	before bigint := (SELECT coalesce(max(l.n), 0) FROM emulator_log() AS l);
BEGIN
	FOR k IN SELECT * FROM known LOOP
		said := replace(said, '{' || k.word || '}', quote_literal(k.value));
	END LOOP;
	PERFORM emulator_next(jsonb_build_object('operation', asked, 'times', 2, 'error', 'InternalServerException'));
	BEGIN
		EXECUTE 'SELECT ' || said;
	EXCEPTION WHEN OTHERS THEN
	END;
	RETURN (SELECT count(*) FROM emulator_log(before) WHERE operation = asked);
END
$$;
SET client_min_messages = error;
SELECT is(attempts_of(n), CASE WHEN operation IN ('PublishDataTransformationProfile', 'UpdateProfileWithAgent')
	THEN 1 ELSE 2 END::bigint, operation || ': after a fault of AWS''s it is repeated if that does no harm')
  FROM statement WHERE operation !~ '^Delete' ORDER BY n;
SELECT is(count(*), 0::bigint, 'a repeated request has the token of the first') FROM
	(SELECT operation FROM emulator_log() WHERE attempt IS NOT NULL AND body ? 'ClientToken'
	  GROUP BY operation, headers ->> 'amz-sdk-invocation-id' HAVING count(DISTINCT body ->> 'ClientToken') > 1) AS other;

SELECT * FROM finish();
