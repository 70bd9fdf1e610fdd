/* healthlake 1.0: AWS HealthLake from SQL */

\echo Use "CREATE EXTENSION healthlake" to load this file. \quit

--
-- Every name below is schema-qualified, every object is new, and nothing is
-- granted to PUBLIC: whoever may EXECUTE a function uses the credentials of
-- the server.
--

CREATE TYPE @extschema@.healthlake_datastore AS (
	id pg_catalog.text,
	arn pg_catalog.text,
	status pg_catalog.text,
	endpoint pg_catalog.text
);

COMMENT ON TYPE @extschema@.healthlake_datastore IS
'A data store as AWS CreateFHIRDatastore answers it';

CREATE FUNCTION @extschema@.healthlake_support(pg_catalog.internal)
RETURNS pg_catalog.internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'healthlake_support';

REVOKE ALL ON FUNCTION @extschema@.healthlake_support(pg_catalog.internal)
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_support(pg_catalog.internal) IS
'Planner support: refuses statements that would call one creation apart from itself';

CREATE FUNCTION @extschema@.healthlake_create_datastore(
	name pg_catalog.text,
	type_version pg_catalog.text DEFAULT 'R4',
	kms_key_id pg_catalog.text DEFAULT NULL,
	cmk_type pg_catalog.text DEFAULT NULL,
	preload_data_type pg_catalog.text DEFAULT NULL,
	client_token pg_catalog.text DEFAULT NULL,
	tags pg_catalog.jsonb DEFAULT NULL,
	authorization_strategy pg_catalog.text DEFAULT NULL,
	fine_grained_authorization_enabled pg_catalog.bool DEFAULT NULL,
	identity_provider_metadata pg_catalog.jsonb DEFAULT NULL,
	idp_lambda_arn pg_catalog.text DEFAULT NULL,
	analytics_status pg_catalog.text DEFAULT NULL,
	nlp_status pg_catalog.text DEFAULT NULL,
	default_profiles pg_catalog.text[] DEFAULT NULL,
	backup_status pg_catalog.text DEFAULT NULL,
	backup_type pg_catalog.text DEFAULT NULL,
	backup_retention_period_in_days pg_catalog.int4 DEFAULT NULL,
	backup_tags_enabled pg_catalog.bool DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_datastore
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_create_datastore';

REVOKE ALL ON FUNCTION @extschema@.healthlake_create_datastore(
	pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text,
	pg_catalog.text, pg_catalog.text, pg_catalog.jsonb, pg_catalog.text,
	pg_catalog.bool, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text,
	pg_catalog.text, pg_catalog.text[], pg_catalog.text, pg_catalog.text,
	pg_catalog.int4, pg_catalog.bool, pg_catalog.text, pg_catalog.jsonb)
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_create_datastore(
	pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text,
	pg_catalog.text, pg_catalog.text, pg_catalog.jsonb, pg_catalog.text,
	pg_catalog.bool, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text,
	pg_catalog.text, pg_catalog.text[], pg_catalog.text, pg_catalog.text,
	pg_catalog.int4, pg_catalog.bool, pg_catalog.text, pg_catalog.jsonb) IS
'Creates a FHIR data store (AWS CreateFHIRDatastore), billed by the hour until it is deleted; a rollback does not delete it';

CREATE FUNCTION @extschema@.healthlake_create_datastore(
	request pg_catalog.jsonb
) RETURNS @extschema@.healthlake_datastore
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_create_datastore_jsonb';

REVOKE ALL ON FUNCTION
	@extschema@.healthlake_create_datastore(pg_catalog.jsonb) FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_create_datastore(pg_catalog.jsonb) IS
'Creates a FHIR data store from a request with the members of AWS CreateFHIRDatastore; billed by the hour until it is deleted';

CREATE FUNCTION @extschema@.healthlake_last_call(
	OUT operation pg_catalog.text,
	OUT client_token pg_catalog.text,
	OUT aws_request_id pg_catalog.text,
	OUT outcome pg_catalog.text,
	OUT sqlstate pg_catalog.text,
	OUT reply pg_catalog.jsonb,
	OUT at pg_catalog.timestamptz
)
LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'healthlake_last_call';

REVOKE ALL ON FUNCTION @extschema@.healthlake_last_call() FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_last_call() IS
'What became of the last call to AWS of this session, also after its transaction was aborted: succeeded, failed or unknown';
