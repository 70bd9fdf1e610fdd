-- What a test of pg_regress begins with, unseen: a session that calls the emulator, and
-- nobody else, with its keys.

\ir closed.sql
\ir emulator.sql
SET healthlake.endpoint_url = :'emulator_url';
SET healthlake.region = 'us-east-1';
SET healthlake.access_key_id = 'AKIDEXAMPLE';
SET healthlake.secret_access_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
SET healthlake.max_attempts = 1;
