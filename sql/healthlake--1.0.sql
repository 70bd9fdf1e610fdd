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

CREATE TYPE @extschema@.healthlake_datastore_properties AS (
	id pg_catalog.text,
	arn pg_catalog.text,
	name pg_catalog.text,
	status pg_catalog.text,
	created_at pg_catalog.timestamptz,
	type_version pg_catalog.text,
	endpoint pg_catalog.text,
	cmk_type pg_catalog.text,
	kms_key_id pg_catalog.text,
	preload_data_type pg_catalog.text,
	authorization_strategy pg_catalog.text,
	fine_grained_authorization_enabled pg_catalog.bool,
	identity_provider_metadata pg_catalog.jsonb,
	idp_lambda_arn pg_catalog.text,
	analytics_status pg_catalog.text,
	nlp_status pg_catalog.text,
	default_profiles pg_catalog.text[],
	backup_status pg_catalog.text,
	backup_type pg_catalog.text,
	backup_retention_period_in_days pg_catalog.int4,
	backup_tags_enabled pg_catalog.bool,
	backup_enabled_at pg_catalog.timestamptz,
	earliest_restore_point pg_catalog.timestamptz,
	latest_restore_point pg_catalog.timestamptz,
	scheduled_permanent_deletion_time pg_catalog.timestamptz,
	error_category pg_catalog.text,
	error_message pg_catalog.text,
	properties pg_catalog.jsonb
);

COMMENT ON TYPE @extschema@.healthlake_datastore_properties IS
'All that AWS tells of a data store; properties has the whole of it, also what this version has no column for';

CREATE TYPE @extschema@.healthlake_ensured_datastore AS (
	id pg_catalog.text,
	arn pg_catalog.text,
	status pg_catalog.text,
	endpoint pg_catalog.text,
	created pg_catalog.bool
);

COMMENT ON TYPE @extschema@.healthlake_ensured_datastore IS
'A data store that is there, and whether it was created just now';

CREATE TYPE @extschema@.healthlake_job AS (
	job_id pg_catalog.text,
	status pg_catalog.text,
	datastore_id pg_catalog.text
);

COMMENT ON TYPE @extschema@.healthlake_job IS
'A job that has been started';

CREATE TYPE @extschema@.healthlake_import_job_properties AS (
	job_id pg_catalog.text,
	job_name pg_catalog.text,
	status pg_catalog.text,
	submit_time pg_catalog.timestamptz,
	end_time pg_catalog.timestamptz,
	datastore_id pg_catalog.text,
	input_s3_uri pg_catalog.text,
	output_s3_uri pg_catalog.text,
	kms_key_id pg_catalog.text,
	total_number_of_scanned_files pg_catalog.int8,
	total_size_of_scanned_files_in_mb pg_catalog.float8,
	total_number_of_imported_files pg_catalog.int8,
	total_number_of_resources_scanned pg_catalog.int8,
	total_number_of_resources_imported pg_catalog.int8,
	total_number_of_resources_with_customer_error pg_catalog.int8,
	total_number_of_files_read_with_customer_error pg_catalog.int8,
	total_number_of_scanned_non_fhir_files pg_catalog.int8,
	total_size_of_scanned_non_fhir_files_in_mb pg_catalog.float8,
	total_number_of_imported_non_fhir_files pg_catalog.int8,
	total_number_of_non_fhir_resources_scanned pg_catalog.int8,
	total_number_of_non_fhir_resources_imported pg_catalog.int8,
	total_number_of_non_fhir_resources_with_customer_error pg_catalog.int8,
	total_number_of_non_fhir_files_read_with_customer_error pg_catalog.int8,
	throughput pg_catalog.float8,
	total_files_converted pg_catalog.int8,
	total_resources_generated pg_catalog.int8,
	data_access_role_arn pg_catalog.text,
	message pg_catalog.text,
	validation_level pg_catalog.text,
	properties pg_catalog.jsonb
);

COMMENT ON TYPE @extschema@.healthlake_import_job_properties IS
'All that AWS tells of an import';

CREATE TYPE @extschema@.healthlake_export_job_properties AS (
	job_id pg_catalog.text,
	job_name pg_catalog.text,
	status pg_catalog.text,
	submit_time pg_catalog.timestamptz,
	end_time pg_catalog.timestamptz,
	datastore_id pg_catalog.text,
	output_s3_uri pg_catalog.text,
	kms_key_id pg_catalog.text,
	data_access_role_arn pg_catalog.text,
	message pg_catalog.text,
	properties pg_catalog.jsonb
);

COMMENT ON TYPE @extschema@.healthlake_export_job_properties IS
'All that AWS tells of an export';

CREATE TYPE @extschema@.healthlake_transformation_job_properties AS (
	job_id pg_catalog.text,
	status pg_catalog.text,
	input_s3_uri pg_catalog.text,
	source_format pg_catalog.text,
	output_s3_uri pg_catalog.text,
	kms_key_id pg_catalog.text,
	data_access_role_arn pg_catalog.text,
	submit_time pg_catalog.timestamptz,
	job_name pg_catalog.text,
	profile_id pg_catalog.text,
	profile_name pg_catalog.text,
	profile_version pg_catalog.int4,
	end_time pg_catalog.timestamptz,
	drift_detection_enabled pg_catalog.bool,
	provenance_enabled pg_catalog.bool,
	message pg_catalog.text,
	total_files_scanned pg_catalog.int8,
	total_files_converted pg_catalog.int8,
	total_files_failed pg_catalog.int8,
	total_resources_generated pg_catalog.int8,
	properties pg_catalog.jsonb
);

COMMENT ON TYPE @extschema@.healthlake_transformation_job_properties IS
'All that AWS tells of a data transformation job';

CREATE TYPE @extschema@.healthlake_transformation_profile AS (
	profile_id pg_catalog.text,
	version pg_catalog.int4,
	source_format pg_catalog.text,
	target_format pg_catalog.text,
	profile_name pg_catalog.text,
	profile_description pg_catalog.text,
	change_description pg_catalog.text,
	last_updated_at pg_catalog.timestamptz,
	profile_mapping pg_catalog.jsonb,
	properties pg_catalog.jsonb
);

COMMENT ON TYPE @extschema@.healthlake_transformation_profile IS
'A data transformation profile, as far as the operation tells of it';

CREATE TYPE @extschema@.healthlake_deleted_transformation_profile AS (
	profile_id pg_catalog.text,
	profile_name pg_catalog.text,
	deletion_time pg_catalog.timestamptz,
	properties pg_catalog.jsonb
);

COMMENT ON TYPE @extschema@.healthlake_deleted_transformation_profile IS
'A data transformation profile that has been deleted';

CREATE TYPE @extschema@.healthlake_agent_reply AS (
	conversation_id pg_catalog.text,
	agent_response_body pg_catalog.text,
	agent_response_type pg_catalog.text,
	agent_response_options pg_catalog.text[],
	properties pg_catalog.jsonb
);

COMMENT ON TYPE @extschema@.healthlake_agent_reply IS
'What the agent for data transformation profiles has answered';

CREATE FUNCTION @extschema@.healthlake_update_datastore(
	id pg_catalog.text,
	name pg_catalog.text DEFAULT NULL,
	analytics_status pg_catalog.text DEFAULT NULL,
	nlp_status pg_catalog.text DEFAULT NULL,
	default_profiles pg_catalog.text[] DEFAULT NULL,
	authorization_strategy pg_catalog.text DEFAULT NULL,
	fine_grained_authorization_enabled pg_catalog.bool DEFAULT NULL,
	identity_provider_metadata pg_catalog.jsonb DEFAULT NULL,
	idp_lambda_arn pg_catalog.text DEFAULT NULL,
	backup_status pg_catalog.text DEFAULT NULL,
	backup_type pg_catalog.text DEFAULT NULL,
	backup_retention_period_in_days pg_catalog.int4 DEFAULT NULL,
	backup_tags_enabled pg_catalog.bool DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_datastore_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_update_datastore';

REVOKE ALL ON FUNCTION @extschema@.healthlake_update_datastore
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_update_datastore IS
'Changes a data store (AWS UpdateFHIRDatastore); an argument that is null changes nothing';

CREATE FUNCTION @extschema@.healthlake_restore_datastore(
	source_datastore_id pg_catalog.text,
	name pg_catalog.text,
	restore_point_time pg_catalog.timestamptz DEFAULT NULL,
	kms_key_id pg_catalog.text DEFAULT NULL,
	cmk_type pg_catalog.text DEFAULT NULL,
	client_token pg_catalog.text DEFAULT NULL,
	tags pg_catalog.jsonb DEFAULT NULL,
	authorization_strategy pg_catalog.text DEFAULT NULL,
	fine_grained_authorization_enabled pg_catalog.bool DEFAULT NULL,
	identity_provider_metadata pg_catalog.jsonb DEFAULT NULL,
	idp_lambda_arn pg_catalog.text DEFAULT NULL,
	analytics_status pg_catalog.text DEFAULT NULL,
	nlp_status pg_catalog.text DEFAULT NULL,
	default_profiles pg_catalog.text[] DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_datastore
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_restore_datastore';

REVOKE ALL ON FUNCTION @extschema@.healthlake_restore_datastore
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_restore_datastore IS
'Creates a data store from a restore point of another one (AWS RestoreFHIRDatastore), billed by the hour until it is deleted; key and SMART configuration are not inherited from the source';

CREATE FUNCTION @extschema@.healthlake_delete_datastore(
	id pg_catalog.text,
	confirm_name pg_catalog.text,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_datastore
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_delete_datastore';

REVOKE ALL ON FUNCTION @extschema@.healthlake_delete_datastore
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_delete_datastore IS
'Deletes a data store with all its data (AWS DeleteFHIRDatastore); confirm_name must be its present name';

CREATE FUNCTION @extschema@.healthlake_describe_datastore(
	id pg_catalog.text,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_datastore_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_describe_datastore';

REVOKE ALL ON FUNCTION @extschema@.healthlake_describe_datastore
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_describe_datastore IS
'Tells all that AWS knows of a data store (AWS DescribeFHIRDatastore)';

CREATE FUNCTION @extschema@.healthlake_list_datastores(
	name pg_catalog.text DEFAULT NULL,
	status pg_catalog.text DEFAULT NULL,
	created_after pg_catalog.timestamptz DEFAULT NULL,
	created_before pg_catalog.timestamptz DEFAULT NULL,
	max_rows pg_catalog.int4 DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS SETOF @extschema@.healthlake_datastore_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_list_datastores';

REVOKE ALL ON FUNCTION @extschema@.healthlake_list_datastores
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_list_datastores IS
'Lists data stores (AWS ListFHIRDatastores), page after page; max_rows, or a LIMIT on a call in the target list, stops the fetching';

CREATE FUNCTION @extschema@.healthlake_tag_resource(
	resource_arn pg_catalog.text,
	tags pg_catalog.jsonb,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_tag_resource';

REVOKE ALL ON FUNCTION @extschema@.healthlake_tag_resource
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_tag_resource IS
'Sets tags of a data store or profile (AWS TagResource), as {"key": "value"} or as a list of keys and values';

CREATE FUNCTION @extschema@.healthlake_untag_resource(
	resource_arn pg_catalog.text,
	tag_keys pg_catalog.text[],
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_untag_resource';

REVOKE ALL ON FUNCTION @extschema@.healthlake_untag_resource
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_untag_resource IS
'Takes tags away from a data store or profile (AWS UntagResource)';

CREATE FUNCTION @extschema@.healthlake_list_tags(
	resource_arn pg_catalog.text,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS TABLE (
	key pg_catalog.text,
	value pg_catalog.text
)
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_list_tags';

REVOKE ALL ON FUNCTION @extschema@.healthlake_list_tags
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_list_tags IS
'Lists the tags of a data store or profile (AWS ListTagsForResource)';

CREATE FUNCTION @extschema@.healthlake_start_import_job(
	datastore_id pg_catalog.text,
	input_s3_uri pg_catalog.text,
	output_s3_uri pg_catalog.text,
	kms_key_id pg_catalog.text,
	data_access_role_arn pg_catalog.text,
	job_name pg_catalog.text DEFAULT NULL,
	client_token pg_catalog.text DEFAULT NULL,
	validation_level pg_catalog.text DEFAULT NULL,
	profile_id pg_catalog.text DEFAULT NULL,
	input_format pg_catalog.text DEFAULT NULL,
	drift_detection_enabled pg_catalog.bool DEFAULT NULL,
	provenance_enabled pg_catalog.bool DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_job
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_start_import_job';

REVOKE ALL ON FUNCTION @extschema@.healthlake_start_import_job
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_start_import_job IS
'Starts to import FHIR data from S3 into a data store (AWS StartFHIRImportJob)';

CREATE FUNCTION @extschema@.healthlake_describe_import_job(
	datastore_id pg_catalog.text,
	job_id pg_catalog.text,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_import_job_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_describe_import_job';

REVOKE ALL ON FUNCTION @extschema@.healthlake_describe_import_job
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_describe_import_job IS
'Tells the state and the progress of an import (AWS DescribeFHIRImportJob)';

CREATE FUNCTION @extschema@.healthlake_list_import_jobs(
	datastore_id pg_catalog.text,
	job_name pg_catalog.text DEFAULT NULL,
	job_status pg_catalog.text DEFAULT NULL,
	submitted_after pg_catalog.timestamptz DEFAULT NULL,
	submitted_before pg_catalog.timestamptz DEFAULT NULL,
	max_rows pg_catalog.int4 DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS SETOF @extschema@.healthlake_import_job_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_list_import_jobs';

REVOKE ALL ON FUNCTION @extschema@.healthlake_list_import_jobs
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_list_import_jobs IS
'Lists the imports of a data store (AWS ListFHIRImportJobs), page after page';

CREATE FUNCTION @extschema@.healthlake_start_export_job(
	datastore_id pg_catalog.text,
	output_s3_uri pg_catalog.text,
	kms_key_id pg_catalog.text,
	data_access_role_arn pg_catalog.text,
	job_name pg_catalog.text DEFAULT NULL,
	client_token pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_job
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_start_export_job';

REVOKE ALL ON FUNCTION @extschema@.healthlake_start_export_job
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_start_export_job IS
'Starts to export a data store to S3 (AWS StartFHIRExportJob)';

CREATE FUNCTION @extschema@.healthlake_describe_export_job(
	datastore_id pg_catalog.text,
	job_id pg_catalog.text,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_export_job_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_describe_export_job';

REVOKE ALL ON FUNCTION @extschema@.healthlake_describe_export_job
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_describe_export_job IS
'Tells the state of an export (AWS DescribeFHIRExportJob)';

CREATE FUNCTION @extschema@.healthlake_list_export_jobs(
	datastore_id pg_catalog.text,
	job_name pg_catalog.text DEFAULT NULL,
	job_status pg_catalog.text DEFAULT NULL,
	submitted_after pg_catalog.timestamptz DEFAULT NULL,
	submitted_before pg_catalog.timestamptz DEFAULT NULL,
	max_rows pg_catalog.int4 DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS SETOF @extschema@.healthlake_export_job_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_list_export_jobs';

REVOKE ALL ON FUNCTION @extschema@.healthlake_list_export_jobs
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_list_export_jobs IS
'Lists the exports of a data store (AWS ListFHIRExportJobs), page after page';

CREATE FUNCTION @extschema@.healthlake_create_transformation_profile(
	profile_name pg_catalog.text,
	source_format pg_catalog.text,
	starter_profile_name pg_catalog.text DEFAULT NULL,
	existing_profile_id pg_catalog.text DEFAULT NULL,
	existing_profile_version pg_catalog.int4 DEFAULT NULL,
	profile_mapping pg_catalog.jsonb DEFAULT NULL,
	sample_data_s3_uri pg_catalog.text DEFAULT NULL,
	kms_key_id pg_catalog.text DEFAULT NULL,
	profile_description pg_catalog.text DEFAULT NULL,
	tags pg_catalog.jsonb DEFAULT NULL,
	client_token pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_transformation_profile
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_create_transformation_profile';

REVOKE ALL ON FUNCTION @extschema@.healthlake_create_transformation_profile
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_create_transformation_profile IS
'Creates a data transformation profile (AWS CreateDataTransformationProfile) from a starter profile, an existing one, a mapping, or sample data: exactly one of them';

CREATE FUNCTION @extschema@.healthlake_get_transformation_profile(
	profile_id pg_catalog.text,
	profile_version pg_catalog.int4 DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_transformation_profile
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_get_transformation_profile';

REVOKE ALL ON FUNCTION @extschema@.healthlake_get_transformation_profile
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_get_transformation_profile IS
'Gives a data transformation profile with its mapping (AWS GetDataTransformationProfile)';

CREATE FUNCTION @extschema@.healthlake_list_transformation_profiles(
	source_format pg_catalog.text,
	max_rows pg_catalog.int4 DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS SETOF @extschema@.healthlake_transformation_profile
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_list_transformation_profiles';

REVOKE ALL ON FUNCTION @extschema@.healthlake_list_transformation_profiles
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_list_transformation_profiles IS
'Lists data transformation profiles (AWS ListDataTransformationProfiles), page after page';

CREATE FUNCTION @extschema@.healthlake_list_transformation_profile_versions(
	profile_id pg_catalog.text,
	max_rows pg_catalog.int4 DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS SETOF @extschema@.healthlake_transformation_profile
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_list_transformation_profile_versions';

REVOKE ALL ON FUNCTION @extschema@.healthlake_list_transformation_profile_versions
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_list_transformation_profile_versions IS
'Lists the versions of a data transformation profile (AWS ListDataTransformationProfileVersions), page after page';

CREATE FUNCTION @extschema@.healthlake_publish_transformation_profile(
	profile_id pg_catalog.text,
	source_format pg_catalog.text,
	from_existing_version pg_catalog.int4 DEFAULT NULL,
	change_description pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_transformation_profile
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_publish_transformation_profile';

REVOKE ALL ON FUNCTION @extschema@.healthlake_publish_transformation_profile
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_publish_transformation_profile IS
'Publishes a version of a data transformation profile (AWS PublishDataTransformationProfile); not to be repeated blindly, since it has no client token';

CREATE FUNCTION @extschema@.healthlake_update_transformation_profile(
	profile_id pg_catalog.text,
	profile_mapping pg_catalog.jsonb,
	change_description pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_transformation_profile
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_update_transformation_profile';

REVOKE ALL ON FUNCTION @extschema@.healthlake_update_transformation_profile
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_update_transformation_profile IS
'Changes the mapping of a data transformation profile (AWS UpdateDataTransformationProfile)';

CREATE FUNCTION @extschema@.healthlake_update_profile_with_agent(
	profile_id pg_catalog.text,
	source_format pg_catalog.text,
	input_message_body pg_catalog.text,
	input_message_type pg_catalog.text,
	conversation_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_agent_reply
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_update_profile_with_agent';

REVOKE ALL ON FUNCTION @extschema@.healthlake_update_profile_with_agent
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_update_profile_with_agent IS
'Talks to the agent that edits a data transformation profile (AWS UpdateProfileWithAgent); not to be repeated blindly, since it has no client token';

CREATE FUNCTION @extschema@.healthlake_delete_transformation_profile(
	profile_id pg_catalog.text,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_deleted_transformation_profile
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_delete_transformation_profile';

REVOKE ALL ON FUNCTION @extschema@.healthlake_delete_transformation_profile
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_delete_transformation_profile IS
'Deletes a data transformation profile (AWS DeleteDataTransformationProfile)';

CREATE FUNCTION @extschema@.healthlake_start_transformation_job(
	profile_id pg_catalog.text,
	input_s3_uri pg_catalog.text,
	output_s3_uri pg_catalog.text,
	kms_key_id pg_catalog.text,
	data_access_role_arn pg_catalog.text,
	source_format pg_catalog.text DEFAULT NULL,
	job_name pg_catalog.text DEFAULT NULL,
	client_token pg_catalog.text DEFAULT NULL,
	drift_detection_enabled pg_catalog.bool DEFAULT NULL,
	provenance_enabled pg_catalog.bool DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_job
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_start_transformation_job';

REVOKE ALL ON FUNCTION @extschema@.healthlake_start_transformation_job
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_start_transformation_job IS
'Starts a data transformation job (AWS StartDataTransformationJob); a client token that is null is filled in here, which AWS itself does not do';

CREATE FUNCTION @extschema@.healthlake_describe_transformation_job(
	job_id pg_catalog.text,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_transformation_job_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_describe_transformation_job';

REVOKE ALL ON FUNCTION @extschema@.healthlake_describe_transformation_job
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_describe_transformation_job IS
'Tells the state of a data transformation job (AWS DescribeDataTransformationJob)';

CREATE FUNCTION @extschema@.healthlake_list_transformation_jobs(
	job_status pg_catalog.text DEFAULT NULL,
	job_name pg_catalog.text DEFAULT NULL,
	submitted_after pg_catalog.timestamptz DEFAULT NULL,
	submitted_before pg_catalog.timestamptz DEFAULT NULL,
	max_rows pg_catalog.int4 DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS SETOF @extschema@.healthlake_transformation_job_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_list_transformation_jobs';

REVOKE ALL ON FUNCTION @extschema@.healthlake_list_transformation_jobs
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_list_transformation_jobs IS
'Lists data transformation jobs (AWS ListDataTransformationJobs), page after page';

CREATE FUNCTION @extschema@.healthlake_wait_datastore(
	id pg_catalog.text,
	status pg_catalog.text DEFAULT 'ACTIVE',
	timeout pg_catalog.interval DEFAULT '45 min',
	poll_interval pg_catalog.interval DEFAULT '15 s',
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_datastore_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_wait_datastore';

REVOKE ALL ON FUNCTION @extschema@.healthlake_wait_datastore
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_wait_datastore IS
'Waits until a data store is ACTIVE or DELETED, and gives the last row; like every function it pins the snapshot of its statement, which CALL healthlake_await_datastore does not';

CREATE PROCEDURE @extschema@.healthlake_await_datastore(
	id pg_catalog.text,
	status pg_catalog.text DEFAULT 'ACTIVE',
	timeout pg_catalog.interval DEFAULT '45 min',
	poll_interval pg_catalog.interval DEFAULT '15 s',
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
)
LANGUAGE C
AS 'MODULE_PATHNAME', 'healthlake_await_datastore';

REVOKE ALL ON PROCEDURE @extschema@.healthlake_await_datastore
FROM PUBLIC;

COMMENT ON PROCEDURE @extschema@.healthlake_await_datastore IS
'Waits until a data store is ACTIVE or DELETED; commits before each sleep, so that no snapshot is held';

CREATE FUNCTION @extschema@.healthlake_wait_import_job(
	datastore_id pg_catalog.text,
	job_id pg_catalog.text,
	timeout pg_catalog.interval DEFAULT '12 hours',
	poll_interval pg_catalog.interval DEFAULT '30 s',
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_import_job_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_wait_import_job';

REVOKE ALL ON FUNCTION @extschema@.healthlake_wait_import_job
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_wait_import_job IS
'Waits until an import is complete, and gives the last row; like every function it pins the snapshot of its statement, which CALL healthlake_await_import_job does not';

CREATE PROCEDURE @extschema@.healthlake_await_import_job(
	datastore_id pg_catalog.text,
	job_id pg_catalog.text,
	timeout pg_catalog.interval DEFAULT '12 hours',
	poll_interval pg_catalog.interval DEFAULT '30 s',
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
)
LANGUAGE C
AS 'MODULE_PATHNAME', 'healthlake_await_import_job';

REVOKE ALL ON PROCEDURE @extschema@.healthlake_await_import_job
FROM PUBLIC;

COMMENT ON PROCEDURE @extschema@.healthlake_await_import_job IS
'Waits until an import is complete; commits before each sleep, so that no snapshot is held';

CREATE FUNCTION @extschema@.healthlake_wait_export_job(
	datastore_id pg_catalog.text,
	job_id pg_catalog.text,
	timeout pg_catalog.interval DEFAULT '12 hours',
	poll_interval pg_catalog.interval DEFAULT '30 s',
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_export_job_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_wait_export_job';

REVOKE ALL ON FUNCTION @extschema@.healthlake_wait_export_job
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_wait_export_job IS
'Waits until an export is complete, and gives the last row; like every function it pins the snapshot of its statement, which CALL healthlake_await_export_job does not';

CREATE PROCEDURE @extschema@.healthlake_await_export_job(
	datastore_id pg_catalog.text,
	job_id pg_catalog.text,
	timeout pg_catalog.interval DEFAULT '12 hours',
	poll_interval pg_catalog.interval DEFAULT '30 s',
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
)
LANGUAGE C
AS 'MODULE_PATHNAME', 'healthlake_await_export_job';

REVOKE ALL ON PROCEDURE @extschema@.healthlake_await_export_job
FROM PUBLIC;

COMMENT ON PROCEDURE @extschema@.healthlake_await_export_job IS
'Waits until an export is complete; commits before each sleep, so that no snapshot is held';

CREATE FUNCTION @extschema@.healthlake_wait_transformation_job(
	job_id pg_catalog.text,
	timeout pg_catalog.interval DEFAULT '12 hours',
	poll_interval pg_catalog.interval DEFAULT '30 s',
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS @extschema@.healthlake_transformation_job_properties
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_wait_transformation_job';

REVOKE ALL ON FUNCTION @extschema@.healthlake_wait_transformation_job
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_wait_transformation_job IS
'Waits until a data transformation job is complete, and gives the last row; like every function it pins the snapshot of its statement, which CALL healthlake_await_transformation_job does not';

CREATE PROCEDURE @extschema@.healthlake_await_transformation_job(
	job_id pg_catalog.text,
	timeout pg_catalog.interval DEFAULT '12 hours',
	poll_interval pg_catalog.interval DEFAULT '30 s',
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
)
LANGUAGE C
AS 'MODULE_PATHNAME', 'healthlake_await_transformation_job';

REVOKE ALL ON PROCEDURE @extschema@.healthlake_await_transformation_job
FROM PUBLIC;

COMMENT ON PROCEDURE @extschema@.healthlake_await_transformation_job IS
'Waits until a data transformation job is complete; commits before each sleep, so that no snapshot is held';

CREATE FUNCTION @extschema@.healthlake_ensure_datastore(
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
) RETURNS @extschema@.healthlake_ensured_datastore
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_ensure_datastore';

REVOKE ALL ON FUNCTION @extschema@.healthlake_ensure_datastore
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_ensure_datastore IS
'Gives the one live data store of that name, or creates it where there is none; sessions of this database take turns, those of other databases and machines do not';

CREATE FUNCTION @extschema@.healthlake_call(
	operation pg_catalog.text,
	request pg_catalog.jsonb DEFAULT '{}',
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_call';

REVOKE ALL ON FUNCTION @extschema@.healthlake_call
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_call IS
'Performs any operation by its AWS name, with a request and a reply in AWS members; needs EXECUTE on the function of the operation too';

CREATE FUNCTION @extschema@.healthlake_operations() RETURNS TABLE (
	operation pg_catalog.text,
	function pg_catalog.regprocedure,
	argument pg_catalog.text,
	member pg_catalog.text,
	cli_option pg_catalog.text,
	required pg_catalog.bool,
	changes_something pg_catalog.bool,
	idempotent pg_catalog.bool,
	sensitive pg_catalog.bool
)
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 200
AS 'MODULE_PATHNAME', 'healthlake_operations';

REVOKE ALL ON FUNCTION @extschema@.healthlake_operations
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_operations IS
'Lists the operations and their members: a row for each argument, with the names that SQL, AWS and the AWS CLI have for it';

CREATE FUNCTION @extschema@.healthlake_preview(
	operation pg_catalog.text,
	request pg_catalog.jsonb DEFAULT '{}',
	region pg_catalog.text DEFAULT NULL
) RETURNS TABLE (
	url pg_catalog.text,
	headers pg_catalog.jsonb,
	body pg_catalog.jsonb
)
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1
AS 'MODULE_PATHNAME', 'healthlake_preview';

REVOKE ALL ON FUNCTION @extschema@.healthlake_preview
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_preview IS
'Shows what a call would send, and sends nothing; signature, session token and sensitive members are masked';

CREATE FUNCTION @extschema@.healthlake_check() RETURNS TABLE (
	item pg_catalog.text,
	ok pg_catalog.bool,
	detail pg_catalog.text
)
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 20
AS 'MODULE_PATHNAME', 'healthlake_check';

REVOKE ALL ON FUNCTION @extschema@.healthlake_check
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_check IS
'Checks what a call needs: region, endpoint, name lookup, TLS, clock, credentials, and where secrets are exposed';

CREATE FUNCTION @extschema@.healthlake_grant(
	to_role pg_catalog.regrole,
	what pg_catalog.text
) RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'healthlake_grant';

REVOKE ALL ON FUNCTION @extschema@.healthlake_grant
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_grant IS
'Grants a role EXECUTE on the functions that read, create, manage, delete or audit';

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
