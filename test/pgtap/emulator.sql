-- Functions to script and query the emulator: \ir emulator.sql
-- The address comes from HEALTHLAKE_EMULATOR. To be included as a superuser, before
-- the file's transaction begins or in it; any role can call the functions afterwards.

\getenv emulator_url HEALTHLAKE_EMULATOR
\if :{?emulator_url}
\else
	-- \quit would end only this file, and the rest would use the server's settings
	\set ON_ERROR_STOP 1
	DO $$ BEGIN RAISE EXCEPTION 'HEALTHLAKE_EMULATOR is not set: start the tests with test/run'; END $$;
\endif

CREATE TEMPORARY TABLE emulator_said (n bigint GENERATED ALWAYS AS IDENTITY, line text);
CREATE TEMPORARY TABLE emulator_address (url text);
INSERT INTO emulator_address VALUES (:'emulator_url');
SELECT format('GRANT ALL ON SCHEMA %s TO PUBLIC', nspname)
  FROM pg_namespace WHERE oid = pg_my_temp_schema() \gexec

-- GETs from the emulator.
CREATE OR REPLACE FUNCTION emulator_ask(door text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	said text;
BEGIN
	DELETE FROM pg_temp.emulator_said;
	EXECUTE format('COPY pg_temp.emulator_said (line) FROM PROGRAM %L'
		' (FORMAT csv, QUOTE e''\x01'', DELIMITER e''\x02'')',
		format('curl -sS -m 60 "%s/_emulator/%s"',
			(SELECT url FROM pg_temp.emulator_address), door));
	SELECT string_agg(line, '' ORDER BY n) INTO said FROM pg_temp.emulator_said;
	RETURN said;
END
$$;

-- POSTs to the emulator.
CREATE OR REPLACE FUNCTION emulator_tell(door text, said jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	EXECUTE format('COPY (SELECT %L) TO PROGRAM %L'
		' (FORMAT csv, QUOTE e''\x01'', DELIMITER e''\x02'')', said,
		format('curl -sS -f -m 60 -o /dev/null --data-binary @- "%s/_emulator/%s"',
			(SELECT url FROM pg_temp.emulator_address), door));
END
$$;

-- Scripts what the emulator answers next: a step, or an array of steps.
CREATE OR REPLACE FUNCTION emulator_next(step jsonb) RETURNS void
LANGUAGE sql AS $$ SELECT emulator_tell('next', step) $$;

-- Resets data stores, steps, settings and the log.
CREATE OR REPLACE FUNCTION emulator_reset() RETURNS void
LANGUAGE sql AS $$ SELECT emulator_tell('reset', '{}') $$;

-- Changes settings of the emulator.
CREATE OR REPLACE FUNCTION emulator_set(settings jsonb) RETURNS void
LANGUAGE sql AS $$ SELECT emulator_tell('state', settings) $$;

-- Counts and settings.
CREATE OR REPLACE FUNCTION emulator_state() RETURNS jsonb
LANGUAGE sql AS $$ SELECT emulator_ask('state')::jsonb $$;

-- The number of data stores.
CREATE OR REPLACE FUNCTION emulator_stores() RETURNS bigint
LANGUAGE sql AS $$ SELECT (emulator_state() ->> 'stores')::bigint $$;

-- Every data store in the emulator's form.
CREATE OR REPLACE FUNCTION emulator_store() RETURNS SETOF jsonb
LANGUAGE sql AS $$ SELECT jsonb_array_elements(emulator_ask('stores')::jsonb) $$;

-- Text as jsonb; NULL if it is malformed.
CREATE OR REPLACE FUNCTION emulator_jsonb(said text) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
	RETURN said::jsonb;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;

-- The requests that arrived; header names are in lower case here.
CREATE OR REPLACE FUNCTION emulator_log(since bigint DEFAULT 0,
	OUT n bigint, OUT operation text, OUT attempt integer, OUT headers jsonb,
	OUT body jsonb, OUT body_text text, OUT signature text, OUT status integer,
	OUT code text, OUT connection bigint, OUT entry jsonb) RETURNS SETOF record
LANGUAGE sql AS $$
	SELECT (e ->> 'n')::bigint, e ->> 'operation', (e ->> 'attempt')::integer,
		(SELECT jsonb_object_agg(lower(h ->> 0), h -> 1)
		   FROM jsonb_array_elements(e -> 'headers') AS h),
		emulator_jsonb(e ->> 'body'), e ->> 'body', e ->> 'signature', (e -> 'answer' ->> 'status')::integer,
		e -> 'answer' ->> 'code', (e ->> 'connection')::bigint, e
	  FROM jsonb_array_elements(emulator_ask('log?since=' || since)::jsonb) AS e
	 ORDER BY 1
$$;
