-- Every topic of FHIR begins with \ir fhir_setup.sql
-- The session of setup.sql, with an active data store.

\ir setup.sql
RESET healthlake.datastore_id;
RESET healthlake.bearer_token;
RESET healthlake.require_bearer_token;
RESET healthlake.allowed_datastores;

-- Resets the emulator, and creates one active data store.
CREATE FUNCTION begin_anew() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	store text;
BEGIN
	PERFORM emulator_reset();
	SELECT id INTO store FROM healthlake_create_datastore('ward');
	PERFORM healthlake_describe_datastore(store);
	PERFORM healthlake_describe_datastore(store);
	PERFORM set_config('healthlake.datastore_id', store, false);
END
$$;

-- The last request that arrived: its method, its path with the query, and more.
CREATE FUNCTION last_sent(OUT operation text, OUT method text, OUT path text,
	OUT headers jsonb, OUT body jsonb, OUT body_text text, OUT signature text)
LANGUAGE sql AS $$
	SELECT l.operation, l.entry ->> 'method', l.entry ->> 'path', l.headers,
		l.body, l.body_text, l.signature
	  FROM emulator_log() AS l ORDER BY n DESC LIMIT 1
$$;

-- The number of requests of an interaction that have arrived.
CREATE FUNCTION arrived(interaction text DEFAULT NULL) RETURNS bigint
LANGUAGE sql AS $$
	SELECT count(*) FROM emulator_log()
	 WHERE operation = coalesce(interaction, operation) AND operation LIKE 'fhir:%'
$$;
SELECT begin_anew() \g /dev/null
