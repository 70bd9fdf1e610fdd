-- Event streams as rows: events, errors, and malformed streams.
-- It needs UTF8.

\ir setup.sql
SELECT no_plan();
SELECT replace(:'emulator_url', '127.0.0.1', 'localhost') AS local_url \gset
SET healthlake.endpoint_url = :'local_url';
SET healthlake.max_attempts = 3;
SELECT profile_id FROM healthlake_create_transformation_profile('p', 'CCDA', starter_profile_name => 's') \gset
SELECT format('SELECT * FROM healthlake_update_profile_with_agent(%L, ''secret words'')', :'profile_id') AS talk \gset
SELECT jsonb_build_object('ProfileId', :'profile_id', 'InputMessage', '{"Body": "secret words", "Type": "normal"}'::jsonb) AS request \gset

-- Scripts an answer with these messages.
CREATE FUNCTION answer(VARIADIC events jsonb[]) RETURNS void LANGUAGE sql AS $$
	SELECT emulator_next(jsonb_build_object('operation', 'UpdateProfileWithAgent', 'events', to_jsonb(events))) $$;
CREATE FUNCTION event(name text, payload jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('event', name, 'payload', payload) $$;
CREATE FUNCTION text_event(message text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT event('TextMessageEvent', jsonb_build_object('Message', message)) $$;
CREATE FUNCTION the_end() RETURNS jsonb LANGUAGE sql AS $$
	SELECT event('EndOfOutputEvent', '{"FinalResponseMessage": "done", "Options": ["a", "b"], "ConversationId": "c"}') $$;
-- The error of a call with this stream, and the number of requests.
CREATE FUNCTION talk(statement text, what text, OUT said text, OUT asked bigint) LANGUAGE plpgsql AS $$
DECLARE
	before bigint := emulator_state() -> 'requests';
BEGIN
	said := says(statement);
	asked := (emulator_state() -> 'requests')::bigint - before;
END
$$;

-- Rows

SELECT answer(event('initial-response'), text_event('one'), event('HeartbeatEvent'), event('NewEvent', '{"Message": "unknown"}'),
	event('ProgressEvent', '{"Message": "two", "New": 1}'), event('initial-response', '{"AgentResponse": 1}'), the_end()) \g /dev/null
SELECT results_eq(:'talk', $$ VALUES ('TextMessageEvent', 'one', NULL::text[], NULL), ('ProgressEvent', 'two', NULL, NULL),
	('EndOfOutputEvent', 'done', '{a,b}', 'c') $$, 'a row for each event, without heartbeats and unknown ones');
SELECT answer(text_event('one'), the_end()) \g /dev/null
SELECT is(count(*), 2::bigint, 'an initial response may be missing') FROM healthlake_update_profile_with_agent(:'profile_id', 'x');
SELECT answer(text_event('one'), the_end(), text_event('two')) \g /dev/null
SELECT is(count(*), 2::bigint, 'nothing comes after the end') FROM healthlake_update_profile_with_agent(:'profile_id', 'x');
SELECT answer(text_event('one'), the_end()) \g /dev/null
SELECT is(count(*), 1::bigint, 'a limit') FROM (SELECT healthlake_update_profile_with_agent(:'profile_id', 'x') LIMIT 1) AS s;
SELECT answer('{"event": "HeartbeatEvent", "payload": ""}', the_end()) \g /dev/null
SELECT is(count(*), 1::bigint, 'a payload may be empty') FROM healthlake_update_profile_with_agent(:'profile_id', 'x');

-- One call for all columns

SELECT max(n) AS before FROM emulator_log() \gset
SELECT count(*) FROM (SELECT (healthlake_update_profile_with_agent(:'profile_id', 'x')).*) AS s \g /dev/null
SELECT (healthlake_update_profile_with_agent(:'profile_id', 'x')).* \g /dev/null
SELECT is(count(*), 2::bigint, '(f(…)).* is one call') FROM emulator_log(:before);
SELECT max(n) AS before FROM emulator_log() \gset
SELECT is((SELECT array_agg((e).event) FROM (SELECT healthlake_update_profile_with_agent(:'profile_id', i::text) AS e FROM generate_series(1, 2) AS i) AS s),
	ARRAY['ProgressEvent', 'TextMessageEvent', 'EndOfOutputEvent', 'ProgressEvent', 'TextMessageEvent', 'EndOfOutputEvent'], 'for each row a set');
SELECT is(count(*), 2::bigint, 'of a call each') FROM emulator_log(:before);

-- As jsonb

SELECT answer(event('initial-response', '{"New": {"a": 1}, "AgentResponse": "x"}'), text_event('ü "\'), event('HeartbeatEvent'), event('NewEvent'), the_end()) \g /dev/null
SELECT is(healthlake_call('UpdateProfileWithAgent', :'request'), jsonb_build_object('New', '{"a": 1}'::jsonb, 'AgentResponse', jsonb_build_array(
	'{"TextMessageEvent": {"Message": "ü \"\\"}}'::jsonb, '{"HeartbeatEvent": {}}'::jsonb,
	'{"EndOfOutputEvent": {"FinalResponseMessage": "done", "Options": ["a", "b"], "ConversationId": "c"}}'::jsonb)), 'any operation, by name');
SELECT is_row(ROW(outcome, sqlstate, reply #>> '{AgentResponse,0,TextMessageEvent,Message}', reply #>> '{AgentResponse,2,EndOfOutputEvent,FinalResponseMessage}',
	reply #>> '{AgentResponse,2,EndOfOutputEvent,Options,0}', reply #>> '{AgentResponse,2,EndOfOutputEvent,ConversationId}'),
	ROW('succeeded'::text, '00000'::text, '****************'::text, '****************'::text, '****************'::text, 'c'::text), 'the last call has what is not sensitive') FROM healthlake_last_call();

-- Errors in the stream

CREATE TEMPORARY TABLE failure (code text, want text);
INSERT INTO failure VALUES ('InternalServerException', '^38M01 outcome of UpdateProfileWithAgent is unknown: InternalServerException .*attempts 1.*SQLSTATE 38S01'),
	('ThrottlingException', '^38T01 AWS refused UpdateProfileWithAgent: ThrottlingException .*attempts 1'), ('ValidationException', '^22023 .*attempts 1'),
	('AccessDeniedException', '^42501 .*attempts 1'), ('ResourceNotFoundException', '^42704 .*attempts 1'),
	('TomorrowsException', '^38M01 .*AWS error code TomorrowsException.*attempts 1');
SELECT answer(text_event('secret one'), event('ErrorEvent', jsonb_build_object('Error', code, 'Message', 'secret two')), the_end()) FROM failure \g /dev/null
SELECT is_row(ROW(said ~ want, asked, said ~ 'secret'), ROW(true, 1, false), 'ErrorEvent: ' || code) FROM failure, LATERAL talk(:'talk', code);
SELECT is_row(ROW(outcome, reply), ROW('unknown'::text, NULL::jsonb), 'the last call has no part of the stream') FROM healthlake_last_call();
SELECT answer(text_event('secret one'), jsonb_build_object('exception', lower(left(code, 1)) || substr(code, 2), 'payload', '{"Message": "because"}'::jsonb)) FROM failure \g /dev/null
SELECT is_row(ROW(said ~ replace(want, ': ' || code || ' ', ': because'), asked), ROW(true, 1), 'exception: ' || code) FROM failure, LATERAL talk(:'talk', code);
SELECT answer(text_event('secret one'), jsonb_build_object('error', code, 'message', 'because' || chr(10) || 'of')) FROM failure \g /dev/null
SELECT is_row(ROW(said ~ replace(want, ': ' || code || ' ', ': because of'), asked), ROW(true, 1), 'error: ' || code) FROM failure, LATERAL talk(:'talk', code);
SELECT answer('{"exception": "throttlingException", "payload": "no JSON"}') \g /dev/null
SELECT is(said ~ '^38T01 AWS refused UpdateProfileWithAgent: ThrottlingException', true, 'an exception that explains nothing') FROM talk(:'talk', '');
SELECT answer(event('ErrorEvent', '{"Message": "secret"}')) \g /dev/null
SELECT is(said ~ '^38M01 .*UnknownError', true, 'an error without a code') FROM talk(:'talk', '');
SELECT emulator_next(jsonb_build_object('operation', 'UpdateProfileWithAgent', 'error', code)) FROM failure WHERE code = 'ThrottlingException' \g /dev/null
SELECT is_row(ROW(said, asked), ROW(''::text, 2), 'what AWS throttles before the stream is asked again') FROM talk(:'talk', '');

-- No stream, or a truncated one

CREATE TEMPORARY TABLE broken (what text, step jsonb, want text);
INSERT INTO broken VALUES
	('no event at all', jsonb_build_object('events', '[]'::jsonb), 'cut off.*SQLSTATE 38N02'),
	('no end', jsonb_build_object('events', jsonb_build_array(text_event('secret'))), 'cut off.*SQLSTATE 38N02'),
	('a cut message', jsonb_build_object('events', jsonb_build_array(text_event('secret'), the_end() || '{"cut": 40}')), 'cut off.*SQLSTATE 38N02'),
	('a cut connection', jsonb_build_object('events', jsonb_build_array(text_event('secret'), text_event('secret')), 'cut', 300), 'SQLSTATE 38N02'),
	('a wrong checksum', jsonb_build_object('events', jsonb_build_array(text_event('secret'), text_event('secret') || '{"spoil": "message"}', the_end())), 'checksum of a message is wrong.*SQLSTATE 38P01'),
	('a prelude''s wrong checksum', jsonb_build_object('events', jsonb_build_array(text_event('secret'), the_end() || '{"spoil": "prelude"}')), 'prelude is wrong.*SQLSTATE 38P01'),
	('the end''s wrong checksum', jsonb_build_object('events', jsonb_build_array(the_end() || '{"spoil": "message"}')), 'checksum.*SQLSTATE 38P01'),
	('a payload that is none', jsonb_build_object('events', jsonb_build_array('{"event": "TextMessageEvent", "payload": "secret"}'::jsonb, the_end())), 'not a JSON object.*SQLSTATE 38P01'),
	('a payload that is a list', jsonb_build_object('events', jsonb_build_array('{"event": "TextMessageEvent", "payload": ["secret"]}'::jsonb, the_end())), 'not a JSON object.*SQLSTATE 38P01'),
	('a payload with a zero', jsonb_build_object('events', jsonb_build_array('{"event": "TextMessageEvent", "payload": "{\"Message\": \"secret\\u0000\"}"}'::jsonb, the_end())), 'SQLSTATE 38P01'),
	('a member that is missing', jsonb_build_object('events', jsonb_build_array(event('TextMessageEvent', '{"Other": "secret"}'), the_end())), 'Message.*SQLSTATE 38P01'),
	('a member of another type', jsonb_build_object('events', jsonb_build_array(event('TextMessageEvent', '{"Message": ["secret"]}'), the_end())), 'Message.*SQLSTATE 38P01'),
	('bytes after an event', jsonb_build_object('events', jsonb_build_array(text_event('secret'), '{"bytes_base64": "c2VjcmV0IHNlY3JldCBzZWNyZXQ="}'::jsonb)), 'checksum of a message''s prelude.*SQLSTATE 38P01'),
	('a reply that is JSON', '{"body": {"AgentResponse": {"Message": "secret"}}}', 'not an event stream.*SQLSTATE 38P01'),
	('a reply that is empty', '{"body": ""}', 'cut off.*SQLSTATE 38N02'),
	('a message that is too large', jsonb_build_object('events', jsonb_build_array(text_event(repeat('secret', 180000)), the_end())), 'larger than allowed.*SQLSTATE 38P01'),
	('a silent server', '{"silence": true}', 'no event for 1000 ms.*SQLSTATE 38N02'),
	('a reply that drips', jsonb_build_object('events', jsonb_build_array(text_event('secret'), the_end()), 'drip', '{"bytes": 1, "seconds": 0.05}'::jsonb), 'no event for 1000 ms.*SQLSTATE 38N02');
SET healthlake.request_timeout = '1 s';
SELECT emulator_next(step || '{"operation": "UpdateProfileWithAgent"}') FROM broken \g /dev/null
SELECT is_row(ROW(said ~ ('^38M01 outcome of UpdateProfileWithAgent is unknown: .*attempts 1.*' || want || '.*Check the current state'), asked, said ~ 'secret'), ROW(true, 1, false), what || coalesce(CASE WHEN said ~ want THEN NULL ELSE ': ' || said END, ''))
  FROM broken, LATERAL talk(:'talk', what);
RESET healthlake.request_timeout;

-- The size limit of replies

SET healthlake.max_response_size = '64kB';
SELECT answer(text_event(repeat('x', 40000)), text_event(repeat('x', 40000)), the_end()) \g /dev/null
SELECT is(said ~ '^38M01 .*larger than allowed.*SQLSTATE 38P01', true, 'a stream that is too large') FROM talk(:'talk', '');
RESET healthlake.max_response_size;
SELECT answer(text_event(repeat('ü', 20000)), the_end()) \g /dev/null
SELECT is(length(message), 20000, 'a message that is large') FROM healthlake_update_profile_with_agent(:'profile_id', 'x') WHERE event = 'TextMessageEvent';
SELECT answer('{"event": "HeartbeatEvent", "times": 20000}', the_end()) \g /dev/null
SELECT is(count(*), 1::bigint, 'many heartbeats') FROM healthlake_update_profile_with_agent(:'profile_id', 'x');
SELECT answer(text_event('x') || '{"times": 20000}', the_end()) \g /dev/null
SELECT is(count(*), 20001::bigint, 'many messages') FROM healthlake_update_profile_with_agent(:'profile_id', 'x');

-- The final event ends the stream, regardless of the connection

SELECT emulator_next(jsonb_build_object('operation', 'UpdateProfileWithAgent', 'cut', -1, 'events', jsonb_build_array(text_event('one'), the_end()))) \g /dev/null
SELECT is(count(*), 2::bigint, 'a connection that is cut after the end') FROM healthlake_update_profile_with_agent(:'profile_id', 'x');
SELECT answer(the_end(), event('HeartbeatEvent') || '{"pause": 30}') \g /dev/null
SELECT clock_timestamp() AS began \gset
SELECT is(count(*), 1::bigint, 'a connection that stays open after the end') FROM healthlake_update_profile_with_agent(:'profile_id', 'x');
SELECT ok(clock_timestamp() - :'began' < interval '10 s', 'which is not waited for');

-- In read-only transactions

SET default_transaction_read_only = on;
SELECT sqlstate AS refused FROM raised(:'talk') \gset
RESET default_transaction_read_only;
SELECT is(:'refused'::text, '25006', 'not in a transaction that only reads');

SELECT * FROM finish();
