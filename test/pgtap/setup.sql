-- Every topic begins with \ir setup.sql. It creates the extension, a session that calls the
-- emulator with its keys, and functions that return what a statement raised or sent.
-- Nothing here runs in a transaction.

\set ON_ERROR_STOP 1
\set ON_ERROR_ROLLBACK off
\set QUIET 1
\pset format unaligned
\pset tuples_only on
\pset pager off
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS healthlake;
\ir closed.sql
\ir emulator.sql
RESET healthlake.sts_endpoint_url;
RESET healthlake.proxy;
RESET healthlake.role_arn;
RESET healthlake.profile;
RESET healthlake.credential_sources;
RESET healthlake.autostart_worker;
RESET healthlake.allowed_regions;
RESET healthlake.required_tags;
RESET healthlake.require_customer_key;
RESET healthlake.unknown_members;

SET healthlake.endpoint_url = :'emulator_url';
SET healthlake.region = 'us-east-1';
SET healthlake.access_key_id = 'AKIDEXAMPLE';
SET healthlake.secret_access_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
SET healthlake.max_attempts = 1;

-- The error of a statement; all columns are NULL if it succeeds.
CREATE FUNCTION raised(statement text,
	OUT sqlstate text, OUT message text, OUT detail text, OUT hint text, OUT context text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS OR query_canceled THEN
	GET STACKED DIAGNOSTICS raised.sqlstate = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
		context = PG_EXCEPTION_CONTEXT;
END
$$;

-- The same with the emulator reset before, and the number of requests that it got.
CREATE FUNCTION raised_anew(statement text, OUT sqlstate text, OUT message text, OUT detail text,
	OUT hint text, OUT requests bigint)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM emulator_reset();
	SELECT r.sqlstate, r.message, r.detail, r.hint INTO sqlstate, message, detail, hint
	  FROM raised(statement) AS r;
	requests := (SELECT count(*) FROM emulator_log());
END
$$;

-- SQLSTATE, message, detail and hint of a statement's error in one line; '' if it succeeds.
CREATE FUNCTION says(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' | ', sqlstate || ' ' || message, nullif(detail, ''), nullif(hint, ''))
	  FROM raised(statement)
$$;

-- SQLSTATE and message of a statement's error; NULL if it succeeds.
CREATE FUNCTION message_of(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT sqlstate || ' ' || message FROM raised(statement)
$$;

-- The number of requests that a statement sends.
CREATE FUNCTION requests_of(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT coalesce(max(n), 0) FROM emulator_log());
BEGIN
	EXECUTE statement;
	RETURN (SELECT count(*) FROM emulator_log(before));
END
$$;

-- The body that a call sends, without the generated client token. The call may fail.
CREATE FUNCTION sent(call text) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM emulator_reset();
	BEGIN
		EXECUTE 'SELECT ' || call;
	EXCEPTION WHEN invalid_parameter_value OR undefined_object THEN
	END;
	RETURN (SELECT body - 'ClientToken' FROM emulator_log());
END
$$;

-- An object of a few kilobytes that is 131 MB as JSON.
CREATE FUNCTION digits() RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('resourceType', 'Patient', 'id', 'digits', 'x', ('[1' || repeat(', 1e131000', 1000) || ']')::jsonb)
$$;

-- The most memory that the session has had, in MB.
CREATE FUNCTION peak() RETURNS integer LANGUAGE sql AS $$
	SELECT substring(pg_read_file('/proc/self/status', 0, 10000) FROM 'VmHWM:\s+(\d+)')::integer / 1024
$$;

-- pgTAP's is() for records.
CREATE FUNCTION is_row(have record, want record, what text) RETURNS text
LANGUAGE plpgsql AS $$ BEGIN RETURN is(have::text, want::text, what); END $$;
-- A Patient with so many levels of objects and arrays.
CREATE FUNCTION nested(levels int, id text DEFAULT 'deep') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('resourceType', 'Patient', 'id', id, 'x', (repeat('[', levels - 1) || repeat(']', levels - 1))::jsonb) $$;
SELECT emulator_reset() \g /dev/null
