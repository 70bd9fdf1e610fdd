-- What the topics about the queue begin with: \ir queue_setup.sql
-- The emulator's address and keys are the database's own, since what a session has SET does not
-- count for a queue, and no worker starts: CALL healthlake_run_queue() is what sends.

\ir setup.sql
ALTER DATABASE :"DBNAME" SET client_min_messages = error;
SELECT replace(:'emulator_url', '127.0.0.1', 'localhost') AS named_url \gset
ALTER DATABASE :"DBNAME" SET healthlake.endpoint_url = :'named_url';
ALTER DATABASE :"DBNAME" SET healthlake.region = 'us-east-1';
ALTER DATABASE :"DBNAME" SET healthlake.access_key_id = 'AKIDEXAMPLE';
ALTER DATABASE :"DBNAME" SET healthlake.secret_access_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
ALTER DATABASE :"DBNAME" SET healthlake.max_attempts = 1;
ALTER DATABASE :"DBNAME" SET healthlake.autostart_worker = off;
ALTER DATABASE :"DBNAME" SET healthlake.audit = off;
\c
\ir emulator.sql

-- What a statement raises, in a line.
CREATE FUNCTION says(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' | ', sqlstate || ' ' || message, nullif(detail, ''), nullif(hint, '')) FROM raised(statement) $$;

-- A request of the queue, or what keeps it from being one.
CREATE FUNCTION enqueued(name text, OUT id bigint) LANGUAGE sql AS $$ SELECT healthlake_enqueue_create_datastore(name) $$;

-- Sends what is due until a request is finished, for ten seconds at most.
CREATE PROCEDURE drain(awaited bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN 1 .. 50 LOOP
		CALL healthlake_run_queue();
		EXIT WHEN (SELECT finished_at IS NOT NULL FROM healthlake_request AS r WHERE r.id = awaited);
		PERFORM pg_sleep(0.2);
	END LOOP;
END
$$;
