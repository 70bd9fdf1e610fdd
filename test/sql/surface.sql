-- The objects of CREATE EXTENSION.
CREATE EXTENSION healthlake;
\d healthlake_datastore
\df healthlake_last_call
SELECT pronargs, unnest(string_to_array(pg_get_function_arguments(oid), ', ')) AS argument
  FROM pg_proc WHERE proname = 'healthlake_create_datastore' ORDER BY pronargs;
SELECT pg_get_function_result(oid) AS result, provolatile, proparallel, procost, proisstrict, prosupport, proacl IS NULL AS public
  FROM pg_proc WHERE proname = 'healthlake_create_datastore' ORDER BY pronargs;
SELECT obj_description(oid, 'pg_proc') AS comment
  FROM pg_proc WHERE proname IN ('healthlake_create_datastore', 'healthlake_last_call') ORDER BY proname, pronargs;
SELECT name, boot_val, unit, context FROM pg_settings WHERE name LIKE 'healthlake.%' ORDER BY name;
SET healthlake.secret_access_key = 'wJalrXUtnFEMI';
SHOW healthlake.secret_access_key;
SET healthlake.access_key_id = 'AKIDEXAMPLE';
SHOW healthlake.access_key_id;
SET healthlake.no_such_setting = 1;
DROP EXTENSION healthlake;
