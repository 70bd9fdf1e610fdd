-- Topics about the queue begin with \ir queue_setup.sql
-- The emulator's address and keys are set for the database, since values that a session has SET do not
-- count for a queue. No worker starts; CALL healthlake_run_queue() sends.

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

-- Enqueues a request.
CREATE FUNCTION enqueued(name text, OUT id bigint) LANGUAGE sql AS $$ SELECT healthlake_enqueue_create_datastore(name) $$;

-- Sends due requests until one is finished, for at most ten seconds.
CREATE PROCEDURE drain(awaited bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN 1 .. 50 LOOP
		CALL healthlake_run_queue();
		EXIT WHEN (SELECT finished_at IS NOT NULL FROM healthlake_request AS r WHERE r.id = awaited);
		PERFORM pg_sleep(0.2);
	END LOOP;
END
$$;
