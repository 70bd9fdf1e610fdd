-- Every test of pg_regress begins with this, without output: a session that calls only the emulator,
-- with its keys.

\ir closed.sql
\ir emulator.sql
SET healthlake.endpoint_url = :'emulator_url';
SET healthlake.region = 'us-east-1';
SET healthlake.access_key_id = 'AKIDEXAMPLE';
SET healthlake.secret_access_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
SET healthlake.max_attempts = 1;
