-- What every topic begins with: \ir setup.sql
-- The extension, a session that calls the emulator with its keys, and functions that
-- say what a statement raised or sent. Nothing here is in a transaction.

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

-- What a statement raises; all NULL where it succeeds.
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

-- The body that a call sends, less the token that is made for it; whatever AWS makes of it.
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

-- pgTAP's is() for several values in a row.
CREATE FUNCTION is_row(have record, want record, what text) RETURNS text
LANGUAGE plpgsql AS $$ BEGIN RETURN is(have::text, want::text, what); END $$;
SELECT emulator_reset() \g /dev/null
