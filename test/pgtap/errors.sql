-- The errors of failed calls: SQLSTATE, message, detail and hint, for every reply.
-- It needs UTF8.

\ir setup.sql
SELECT no_plan();
SET healthlake.connect_timeout = '2s';
SET healthlake.request_timeout = '5s';

-- The error of a creation with this answer of the emulator.
CREATE FUNCTION told(step jsonb, OUT sqlstate text, OUT message text, OUT detail text,
	OUT hint text, OUT context text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM emulator_reset();
	PERFORM emulator_next(step);
	SELECT * FROM raised('SELECT healthlake_create_datastore(''x'')')
	  INTO sqlstate, message, detail, hint, context;
END
$$;

-- Whether a creation fails with an unknown outcome, with all that is known:
-- the token of the request that was sent is in the detail and in the hint.
CREATE FUNCTION leaves_unknown(step jsonb, cause text, what text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	told record := told(step);
	token text := (SELECT body ->> 'ClientToken' FROM emulator_log() ORDER BY n DESC LIMIT 1);
	call record;
BEGIN
	SELECT * FROM healthlake_last_call() INTO call;
	RETURN NEXT ok(coalesce(told.sqlstate = '38M01'
		AND told.message ~ '^outcome of CreateFHIRDatastore is unknown: '
		AND told.message || told.detail ~* cause
		AND position(token in told.detail) > 0 AND position(token in told.hint) > 0
		AND ROW(call.outcome, call.sqlstate, call.client_token) = ROW('unknown', '38M01', token), false),
		what);
	RETURN NEXT diag(concat_ws(' | ', told.sqlstate, told.message, told.detail));
END
$$;

-- AWS's errors: code, SQLSTATE, and whether there is a hint

CREATE TEMPORARY TABLE refusal (code text, sqlstate text, hint boolean);
INSERT INTO refusal VALUES
	('ValidationException', '22023', false),
	('AccessDeniedException', '42501', true),
	('AccessDenied', '42501', true),
	('UnauthorizedException', '42501', true),
	('ResourceNotFoundException', '42704', true),
	('ConflictException', '55006', false),
	('FailedDependencyException', '55000', false),
	('ServiceQuotaExceededException', '38Q01', true),
	('UnrecognizedClientException', '38X01', true),
	('InvalidClientTokenId', '38X01', true),
	('InvalidAccessKeyId', '38X01', true),
	('AuthFailure', '38X01', true),
	('InvalidToken', '38X01', true),
	('ExpiredTokenException', '38X01', true),
	('ExpiredToken', '38X01', true),
	('TokenRefreshRequired', '38X01', true),
	('InvalidSignatureException', '38X01', true),
	('SignatureDoesNotMatch', '38X01', true),
	('RequestTimeTooSkewed', '38X01', true),
	('RequestExpired', '38X01', true),
	('RequestInTheFuture', '38X01', true),
	('MissingAuthenticationToken', '38X01', true),
	('MissingAuthenticationTokenException', '38X01', true),
	('IncompleteSignature', '38X01', true),
	('IncompleteSignatureException', '38X01', true),
	('ThrottlingException', '38T01', true),
	('TooManyRequestsException', '38T01', true),
	('RequestLimitExceeded', '38T01', true),
	('SerializationException', '38000', false),
	('SomethingNewException', '38000', false);

SELECT is_row(ROW(told.sqlstate, told.message, told.hint <> ''),
	ROW(refusal.sqlstate, 'AWS refused CreateFHIRDatastore: No, because of "ü".', refusal.hint),
	refusal.code || ' is ' || refusal.sqlstate)
  FROM refusal, told(jsonb_build_object('error', code, 'message', 'No, because of "ü".'));
SELECT matches(detail, '^Operation CreateFHIRDatastore, AWS error code ' || code
	|| ', HTTP status 400, request id [0-9a-f-]{36}, attempts 1\.$', 'the detail of ' || code)
  FROM refusal, told(jsonb_build_object('error', code, 'message', 'No.'));
SELECT is_row(ROW(outcome, sqlstate, operation), ROW('failed', '38000', 'CreateFHIRDatastore'),
	'the last call failed') FROM healthlake_last_call();
SELECT is((told('{"error": "ConflictException"}')).message,
	'AWS refused CreateFHIRDatastore: ConflictException', 'without a message the code is shown');
SELECT is((told('{"status": 400, "body": {"__type": "com.amazonaws.healthlake#ConflictException", "message": "m"}}')).sqlstate,
	'55006', 'a code in the body, with its name space');
SELECT is((told('{"status": 400, "body": {"message": "m"}, "headers": {"x-amzn-ErrorType": "ConflictException:http://internal.example/"}}')).sqlstate,
	'55006', 'a code in the header');
SELECT matches((told(jsonb_build_object('error', 'ValidationException', 'message', repeat('é', 100000)))).message,
	'^AWS refused CreateFHIRDatastore: é{100}', 'a very long message');
SELECT ok(message ~ 'one' AND message !~ '[\x01-\x08\x0b-\x1f]', 'a message with control characters')
  FROM told('{"error": "ValidationException", "message": "one\u001b[2Jtwo\u0007\u007f"}');
SELECT is((told('{"status": 400, "body": "{\"__type\":\"ConflictException\",\"message\":\"a\\u0000b\"}"}')).sqlstate,
	'55006', 'a message with a zero character');
SELECT is((told('{"status": 400, "body_base64": "eyJfX3R5cGUiOiJDb25mbGljdEV4Y2VwdGlvbiIsIm1lc3NhZ2UiOiJh/2IifQ=="}')).sqlstate,
	'55006', 'a message that is not UTF-8');

-- Unknown outcomes. After a kept connection that ends without a byte of a reply libcurl repeats
-- the request, with the same token, so it must end like that twice.

SELECT leaves_unknown('{"error": "InternalServerException", "message": "Oops."}', 'Oops', 'InternalServerException');
SELECT leaves_unknown('{"error": "NotImplementedOperationException"}', 'NotImplemented', 'NotImplementedOperationException, by its status 501');
SELECT leaves_unknown('{"status": 503, "body": "<html>busy</html>"}', '503', '503 that is not AWS''s');
SELECT leaves_unknown('{"error": "InternalServerException", "apply": true}', '500', '500 after it was carried out');
SELECT leaves_unknown('{"reset": true, "times": 2}', 'connection|recv', 'a reset instead of a reply');
SELECT leaves_unknown('{"apply": true, "cut": 0, "times": 2}', 'connection|empty|server|reply', 'no byte of a reply');
SELECT leaves_unknown('{"apply": true, "cut": 40}', 'cut off', 'a head that is cut');
SELECT leaves_unknown('{"apply": true, "cut": -1}', 'transfer|closed|bytes', 'a body that is cut');
SELECT leaves_unknown('{"http_garbage": "SSH-2.0-OpenSSH_9.2\r\n"}', 'HTTP', 'no HTTP');
SELECT leaves_unknown('{"status": 200, "body": "<html></html>"}', 'JSON', 'no JSON');
SELECT leaves_unknown('{"status": 200, "body": "[1]"}', 'JSON|object', 'JSON that is no object');
SELECT leaves_unknown('{"status": 200, "body": ""}', 'DatastoreId|JSON|empty', 'an empty body');
SELECT leaves_unknown('{"status": 200, "body": {"DatastoreId": "a", "DatastoreArn": "b", "DatastoreStatus": "c"}}',
	'DatastoreEndpoint', 'a member is missing');
SELECT leaves_unknown('{"status": 200, "body": {"DatastoreId": "a", "DatastoreArn": "b", "DatastoreStatus": "c", "DatastoreEndpoint": null}}',
	'DatastoreEndpoint', 'a member is null');
SELECT leaves_unknown('{"status": 200, "body": {"DatastoreId": 7, "DatastoreArn": "b", "DatastoreStatus": "c", "DatastoreEndpoint": "d"}}',
	'DatastoreId', 'a member is of another type');
SELECT leaves_unknown('{"status": 200, "body": "{\"DatastoreId\":\"\\u0000\",\"DatastoreArn\":\"b\",\"DatastoreStatus\":\"c\",\"DatastoreEndpoint\":\"d\"}"}',
	'u0000|zero|null', 'a zero character');
SELECT leaves_unknown('{"status": 200, "body_base64": "eyJEYXRhc3RvcmVJZCI6Iv8iLCJEYXRhc3RvcmVBcm4iOiJiIiwiRGF0YXN0b3JlU3RhdHVzIjoiYyIsIkRhdGFzdG9yZUVuZHBvaW50IjoiZCJ9"}',
	'UTF-8', 'a string that is not UTF-8');
SELECT leaves_unknown(jsonb_build_object('status', 200, 'body', repeat('[', 100000)), 'deep|nest|JSON',
	'nesting of a hundred thousand levels');
SELECT leaves_unknown('{"status": 200, "body": "0123456789", "repeat": 1000000}', 'large|limit|size', 'ten megabytes');
SELECT leaves_unknown(jsonb_build_object('status', 200, 'body', '{}', 'headers', jsonb_build_object('X-Large', repeat('x', 70000))),
	'large|header|limit', 'a very large header');
SELECT leaves_unknown(jsonb_build_object('http_garbage', 'HTTP/1.1 200 OK' || E'\r\n' || line || repeat('b', 200000), 'close', true),
	'headers are too many', what)
  FROM (VALUES ('X-A: ', 'a header without end'), ('HTTP/1.1 200 ', 'a status line without end')) AS t (line, what);
SELECT leaves_unknown(jsonb_build_object('http_garbage', E'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
		|| size || E'\r\n{}\r\n0\r\n\r\n', 'close', true), 'SQLSTATE 38P01', 'a chunk of the size ' || size)
  FROM unnest(ARRAY['zz', '-5', 'fffffffffffffffff']) AS size;
SELECT leaves_unknown(jsonb_build_object('status', status, 'body', '', 'headers',
		'{"Location": "http://127.0.0.1:1/"}'::jsonb), status::text, 'a redirect is not followed: ' || status)
  FROM unnest(ARRAY[301, 302, 307, 308]) AS status;
SELECT leaves_unknown('{"status": 404, "body": "<html>not here</html>"}', '404', '404 that is not AWS''s');
SET healthlake.request_timeout = '1s';
SELECT leaves_unknown('{"silence": true}', 'time|1000', 'silence');
SELECT leaves_unknown('{"apply": true, "drip": {"bytes": 1, "seconds": 0.05}}', 'time|1000', 'a body that drips');
SET healthlake.request_timeout = '5s';
SET healthlake.max_response_size = '1kB';
SELECT leaves_unknown(jsonb_build_object('status', 200, 'body', repeat('x', 2000)), 'large|limit|size',
	'more than healthlake.max_response_size');
RESET healthlake.max_response_size;

-- An earlier attempt may have been carried out, regardless of the last one

SET healthlake.max_attempts = 2;
SELECT leaves_unknown(jsonb_build_array('{"error": "InternalServerException", "apply": true}'::jsonb, last), '', what)
  FROM (VALUES ('{"error": "AccessDeniedException"}'::jsonb, 'then a refusal'), ('{"error": "ThrottlingException"}', 'then throttling'),
	('{"status": 200, "body": "{}"}', 'then a reply without members')) AS t (last, what);
SET healthlake.max_attempts = 1;

-- Reads have other SQLSTATEs for that

CREATE FUNCTION told_reading(step jsonb) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	raised record;
BEGIN
	PERFORM emulator_reset();
	PERFORM emulator_next(step);
	raised := raised('SELECT healthlake_describe_datastore(''00112233445566778899aabbccddeeff'')');
	RETURN ARRAY[raised.sqlstate, substring(raised.message FROM '^[^:]*'), (SELECT sqlstate FROM healthlake_last_call()),
		(SELECT outcome FROM healthlake_last_call()), (raised.hint <> '')::text];
END
$$;
SELECT is(told_reading(step), ARRAY[state, message || ' DescribeFHIRDatastore', state, 'failed', hint], what)
  FROM (VALUES ('{"error": "InternalServerException"}'::jsonb, '38S01', 'AWS failed at', 'true', 'reading: InternalServerException'),
	('{"status": 502, "body": "<html>"}', '38S01', 'AWS failed at', 'false', 'reading: 502 that is not AWS''s'),
	('{"error": "NotImplementedOperationException"}', '38U01', 'AWS failed at', 'false', 'reading: NotImplementedOperationException'),
	('{"error": "ServiceUnavailable"}', '38S01', 'AWS failed at', 'false', 'reading: ServiceUnavailable'),
	('{"cut": 0, "times": 2}', '38N02', 'no reply to', 'true', 'reading: no byte of a reply'),
	('{"reset": true, "times": 2}', '38N02', 'no reply to', 'true', 'reading: a reset'),
	('{"http_garbage": "SSH-2.0-OpenSSH_9.2\r\n"}', '38P01', 'unusable reply to', 'true', 'reading: no HTTP'),
	('{"http_garbage": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "close": true}', '38P01', 'unusable reply to', 'true', 'reading: a chunk of the size zz'),
	('{"http_garbage": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n-5\r\n", "close": true}', '38P01', 'unusable reply to', 'true', 'reading: a chunk of the size -5'),
	(jsonb_build_object('http_garbage', E'HTTP/1.1 200 OK\r\nX-A: ' || repeat('b', 200000), 'close', true), '38P01', 'unusable reply to', 'true', 'reading: a header without end'),
	(jsonb_build_object('http_garbage', E'HTTP/1.1 200 ' || repeat('b', 200000), 'close', true), '38P01', 'unusable reply to', 'true', 'reading: a status line without end'),
	('{"status": 429, "body": "<html>busy</html>"}', '38T01', 'AWS refused', 'true', 'reading: 429 of anyone'),
	('{"status": 429, "body": ""}', '38T01', 'AWS refused', 'true', 'reading: 429 without a body'),
	('{"status": 429, "body_base64": "AP97"}', '38T01', 'AWS refused', 'true', 'reading: 429 with a body of nonsense'),
	('{"status": 200, "body": "[]"}', '38P01', 'unusable reply to', 'true', 'reading: no JSON object'),
	('{"status": 200, "body": "{}"}', '38P01', 'unusable reply to', 'true', 'reading: a member is missing'),
	('{"status": 200, "body": {"DatastoreProperties": []}}', '38P01', 'unusable reply to', 'true', 'reading: a member is of another type'),
	('{"status": 200, "body": "0123456789", "repeat": 1000000}', '38P01', 'unusable reply to', 'true', 'reading: too large'),
	('{"status": 302, "body": ""}', '38P01', 'unusable reply to', 'true', 'reading: a redirect')) AS t (step, state, message, hint, what);
SET healthlake.request_timeout = '1s';
SELECT is(told_reading('{"silence": true}'), ARRAY['38N02', 'no reply to DescribeFHIRDatastore', '38N02', 'failed', 'true'],
	'reading: silence');
SET healthlake.request_timeout = '5s';
SELECT is((raised('SELECT healthlake_describe_datastore(''00112233445566778899aabbccddeeff'')')).sqlstate, '42704',
	'reading: a missing object');

-- healthlake_last_call() omits a reply that jsonb cannot store

SELECT is_row(ROW(told.sqlstate, l.outcome, l.reply, l.client_token), ROW('38M01', 'unknown', NULL::jsonb, body ->> 'ClientToken'),
	'a reply with a number beyond all bounds')
  FROM told('{"status": 200, "body": "{\"DatastoreId\": 1e999999}"}'), healthlake_last_call() AS l, emulator_log();

-- A repetition with the token of the error

SELECT emulator_reset() \g /dev/null
SELECT emulator_next('{"apply": true, "cut": 0, "times": 2}') \g /dev/null
SELECT is((raised($$ SELECT healthlake_create_datastore('x') $$)).sqlstate, '38M01', 'the reply is lost');
SELECT is(emulator_stores(), 1::bigint, 'though there is a data store');
SELECT is(s.id, (SELECT e ->> 'DatastoreId' FROM emulator_store() AS e), 'the repeat gives it')
  FROM healthlake_last_call() AS c,
	LATERAL healthlake_create_datastore('x', client_token => c.client_token) AS s;
SELECT is(emulator_stores(), 1::bigint, 'and creates no second one');
SELECT is_row(ROW(operation, outcome, sqlstate, reply ->> 'DatastoreStatus'),
	ROW('CreateFHIRDatastore', 'succeeded', '00000', 'CREATING'), 'the last call succeeded')
  FROM healthlake_last_call();

-- Attempts

SET healthlake.max_attempts = 3;
SELECT emulator_reset() \g /dev/null
SELECT emulator_next('[{"error": "ThrottlingException"}, {"error": "InternalServerException", "apply": true}]') \g /dev/null
SELECT isnt((healthlake_create_datastore('x')).id, NULL, 'the third attempt succeeds');
SELECT is_row(ROW(count(*), count(DISTINCT body_text), emulator_stores()), ROW(3::bigint, 1::bigint, 1::bigint),
	'three times the same request, one data store') FROM emulator_log();
SELECT is(count(DISTINCT headers ->> 'amz-sdk-invocation-id'), 1::bigint, 'of one invocation') FROM emulator_log();
SELECT is(string_agg(headers ->> 'amz-sdk-request', ', ' ORDER BY n),
	'attempt=1; max=3, attempt=2; max=3, attempt=3; max=3', 'the attempts are numbered')
  FROM emulator_log();
SELECT matches((told('{"error": "ThrottlingException", "message": "Slow down.", "times": 3}')).detail,
	'attempts 3\.$', 'throttled at every attempt');
SELECT is((raised('SELECT healthlake_create_datastore(''x'')')).sqlstate, NULL, 'and not any more');
SELECT is((told('{"error": "AccessDeniedException", "message": "Insufficient Lake Formation permission(s): Required Create Database on Catalog"}')).hint,
	'In AWS Lake Formation, make the IAM role or user an administrator of the data lake.', 'what Lake Formation has to allow is no matter of policies');
SELECT is((told('{"error": "AccessDeniedException"}')).detail ~ 'attempts 1\.$', true, 'a refusal is final');
SET healthlake.max_attempts = 1;

-- Keys

SELECT emulator_reset() \g /dev/null
SET healthlake.secret_access_key = 'a wrong secret';
SELECT is_row(ROW(sqlstate, hint <> ''), ROW('38X01', true), 'a wrong secret') FROM raised('SELECT healthlake_create_datastore(''x'')');
SET healthlake.access_key_id = 'AKIDUNKNOWN';
SELECT is_row(ROW(sqlstate, hint <> ''), ROW('38X01', true), 'an unknown key') FROM raised('SELECT healthlake_create_datastore(''x'')');
SELECT ok(message || detail || hint || context !~ 'a wrong secret', 'the secret is not told')
  FROM raised('SELECT healthlake_create_datastore(''x'')');
RESET healthlake.secret_access_key;
SELECT is_row(ROW(sqlstate, message), ROW('38X01', 'could not send CreateFHIRDatastore: healthlake.secret_access_key is not set'),
	'half of the keys') FROM raised('SELECT healthlake_create_datastore(''x'')');
RESET healthlake.access_key_id;
SELECT is_row(ROW(sqlstate, hint <> ''), ROW('38X01', true), 'no keys') FROM raised('SELECT healthlake_create_datastore(''x'')');
SET healthlake.access_key_id = 'AKIDEXAMPLE';
SET healthlake.secret_access_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
SET healthlake.session_token = 'a token that has expired';
SELECT emulator_set('{"expired_tokens": ["a token that has expired"]}') \g /dev/null
SELECT is_row(ROW(sqlstate, hint <> ''), ROW('38X01', true), 'an expired token') FROM raised('SELECT healthlake_create_datastore(''x'')');
RESET healthlake.session_token;
SELECT is(emulator_stores(), 0::bigint, 'none of these created anything');

-- Nothing was sent

SET healthlake.endpoint_url = 'http://127.0.0.1:1';
SELECT is_row(ROW(sqlstate, hint <> '', detail), ROW('38N01', true, 'Operation CreateFHIRDatastore, attempts 1.'),
	'connection refused') FROM raised('SELECT healthlake_create_datastore(''x'')');
SELECT is_row(ROW(outcome, sqlstate), ROW('failed', '38N01'), 'the last call failed, for certain') FROM healthlake_last_call();
\getenv tls HEALTHLAKE_EMULATOR_TLS
\getenv ca HEALTHLAKE_EMULATOR_CA
SET healthlake.endpoint_url = :'tls';
SELECT is_row(ROW(sqlstate, hint <> ''), ROW('38N01', true), 'a certificate that nobody trusts') FROM raised('SELECT healthlake_create_datastore(''x'')');
SET healthlake.ca_bundle = '/nonexistent';
SELECT is_row(ROW(sqlstate, hint <> ''), ROW('38N01', true), 'a CA bundle that is not there') FROM raised('SELECT healthlake_create_datastore(''x'')');
SET healthlake.ca_bundle = :'ca';
SELECT isnt((healthlake_create_datastore('x')).id, NULL, 'with the CA it is trusted');
SELECT emulator_next('{"operation": "@connect", "reset": true}') \g /dev/null
RESET healthlake.ca_bundle;
SET healthlake.endpoint_url = :'emulator_url';

-- Missing settings

RESET healthlake.region;
SELECT is_row(ROW(sqlstate, hint <> ''), ROW('55000', true), 'no region') FROM raised('SELECT healthlake_create_datastore(''x'')');
SET healthlake.region = 'us-east-1';
SET healthlake.use_fips_endpoint = on;
SELECT is((raised('SELECT healthlake_create_datastore(''x'')')).sqlstate, '55000', 'FIPS and an endpoint of one''s own');
RESET healthlake.use_fips_endpoint;
SET healthlake.use_dualstack_endpoint = on;
SELECT is((raised('SELECT healthlake_create_datastore(''x'')')).sqlstate, '55000', 'dual stack and an endpoint of one''s own');
RESET healthlake.use_dualstack_endpoint;

-- An ARN instead of an id

SELECT is((raised($$SELECT healthlake_describe_datastore('arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/' || md5('x'))$$)).hint,
	'Give the id, which is the last part of the ARN.', 'an ARN for an id');
SELECT isnt((raised($$SELECT healthlake_describe_datastore('not an id')$$)).hint,
	'Give the id, which is the last part of the ARN.', 'no ARN, no such hint');
SELECT isnt((raised($$SELECT healthlake_create_datastore('x', kms_key_id => 'arn:aws:kms:wrong')$$)).hint,
	'Give the id, which is the last part of the ARN.', 'a key may be given by its ARN');
SELECT is((raised(format('SELECT healthlake_fhir_read(''Patient'', ''p'', datastore_id => ''arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/%s'')', md5('x')))).hint,
	'Give the id, which is the last part of the ARN.', 'an ARN for the id of a FHIR function');
SELECT is((raised('SELECT healthlake_fhir_read(''Patient'', ''p'', datastore_id => ''x'')')).hint, '', 'no ARN, no hint there');
SELECT is((raised(format('SET healthlake.%s = ''arn:aws:healthlake:us-east-1:123456789012:datastore/fhir/%s''', name, md5('x')))).hint,
	'Give the id, which is the last part of the ARN.', 'an ARN in healthlake.' || name) FROM unnest('{datastore_id,allowed_datastores}'::text[]) AS name;
SELECT is((raised(format('SET healthlake.%s = ''x''', name))).hint, '', 'no ARN in healthlake.' || name) FROM unnest('{datastore_id,allowed_datastores}'::text[]) AS name;
SELECT is((raised(format('SELECT healthlake_tag_resource(%L, ''{}'')', md5('x')))).hint,
	'Give the ARN: healthlake_describe_datastore() returns that of a data store.', 'an id for an ARN');
SELECT isnt((raised('SELECT healthlake_tag_resource(''arn:aws:kms:wrong'', ''{}'')')).hint,
	'Give the ARN: healthlake_describe_datastore() returns that of a data store.', 'an ARN, no such hint');

-- No SQLSTATE is in the classes of a broken database

SELECT is(count(*), 0::bigint, 'no SQLSTATE of classes 08, 28, 53, 57, 58')
  FROM refusal WHERE sqlstate ~ '^(08|28|53|57|58)';

SELECT * FROM finish();
