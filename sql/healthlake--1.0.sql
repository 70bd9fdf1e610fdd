/* healthlake 1.0: AWS HealthLake from SQL */

\echo Use "CREATE EXTENSION healthlake" to load this file. \quit

--
-- Every name below is schema-qualified, every object is new, and nothing is
-- granted to PUBLIC: whoever may EXECUTE a function uses the credentials of
-- the server. The functions of FHIRPath at the end, which use none, are the
-- exception.
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

CREATE TYPE @extschema@.healthlake_agent_event AS (
	event pg_catalog.text,
	message pg_catalog.text,
	options pg_catalog.text[],
	conversation_id pg_catalog.text
);

COMMENT ON TYPE @extschema@.healthlake_agent_event IS
'An event of what the agent for data transformation profiles answers';

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
'Changes a data store (AWS UpdateFHIRDatastore); an argument that is null changes nothing. AWS replaces the configuration of identity provider, profiles or backup as a whole, so one that is given in part is read first and sent whole: what somebody else changes in it in between is overwritten. To remove a member, send the structure without it by healthlake_call()';

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
	input_message pg_catalog.text,
	input_message_type pg_catalog.text DEFAULT 'normal',
	conversation_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL,
	more pg_catalog.jsonb DEFAULT NULL
) RETURNS SETOF @extschema@.healthlake_agent_event
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 10
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_update_profile_with_agent';

REVOKE ALL ON FUNCTION @extschema@.healthlake_update_profile_with_agent
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_update_profile_with_agent IS
'Talks to the agent that edits a data transformation profile (AWS UpdateProfileWithAgent): a row for each event, texts and progress also as NOTICE while they come; not to be repeated blindly, since it has no client token';

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

CREATE FUNCTION @extschema@.healthlake_call_many(
	operation pg_catalog.text,
	requests pg_catalog.jsonb[],
	region pg_catalog.text DEFAULT NULL
) RETURNS TABLE (
	ordinal pg_catalog.int4,
	response pg_catalog.jsonb,
	client_token pg_catalog.text,
	sqlstate pg_catalog.text,
	error_code pg_catalog.text,
	message pg_catalog.text,
	attempts pg_catalog.int4,
	aws_request_id pg_catalog.text
)
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_call_many';

REVOKE ALL ON FUNCTION @extschema@.healthlake_call_many
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_call_many IS
'Performs an operation once for each request, up to healthlake.max_concurrency at a time; a row each, in order, where sqlstate is null for a success. A request that cannot be sent is an error before anything is sent; what AWS or the network refuses is a row. Needs EXECUTE on the function of the operation too';

CREATE FUNCTION @extschema@.healthlake_describe_datastores(
	ids pg_catalog.text[],
	region pg_catalog.text DEFAULT NULL
) RETURNS TABLE (
	ordinal pg_catalog.int4,
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
	properties pg_catalog.jsonb,
	sqlstate pg_catalog.text,
	message pg_catalog.text
)
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_describe_datastores';

REVOKE ALL ON FUNCTION @extschema@.healthlake_describe_datastores
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_describe_datastores IS
'Tells all that AWS knows of several data stores, a row each, in order; up to healthlake.max_concurrency requests are in flight';

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
	VARIADIC what pg_catalog.text[]
) RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_grant';

REVOKE ALL ON FUNCTION @extschema@.healthlake_grant
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_grant IS
'Grants a role USAGE on the schema, EXECUTE on the functions that read, create, manage, delete or audit, and SELECT on the tables and views that go with them';

CREATE FUNCTION @extschema@.healthlake_revoke(
	from_role pg_catalog.regrole,
	VARIADIC what pg_catalog.text[]
) RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_revoke';

REVOKE ALL ON FUNCTION @extschema@.healthlake_revoke
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_revoke IS
'Revokes from a role what healthlake_grant() has granted, except what another word that the role was granted needs too';

CREATE FUNCTION @extschema@.healthlake_version() RETURNS pg_catalog.text
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'healthlake_version';

REVOKE ALL ON FUNCTION @extschema@.healthlake_version() FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_version() IS
'The version of the library that is loaded, which ALTER EXTENSION healthlake UPDATE brings the functions up to';

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
'What became of the last call to AWS of this session by this role, also after its transaction was aborted: succeeded, failed or unknown';

--
-- Requests that are kept first and sent later. Nobody is granted DML on this
-- table, nor on the history below; the extension's C code acts as the owner,
-- step by step.
--

CREATE FUNCTION @extschema@.healthlake_home() RETURNS pg_catalog.text
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'healthlake_home';

REVOKE ALL ON FUNCTION @extschema@.healthlake_home() FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_home() IS
'The home of requests that are made in this database: the system identifier of the cluster and the OID of the database';

CREATE TABLE @extschema@.healthlake_request (
	id pg_catalog.int8 GENERATED ALWAYS AS IDENTITY,
	operation pg_catalog.text NOT NULL,
	request pg_catalog.jsonb NOT NULL,
	client_token pg_catalog.text,
	request_hash pg_catalog.bytea NOT NULL,
	state pg_catalog.text NOT NULL CHECK (state OPERATOR(pg_catalog.=) ANY
		('{queued,running,succeeded,failed,cancelled,unknown}'::pg_catalog.text[])),
	origin pg_catalog.text NOT NULL DEFAULT 'queue'
		CHECK (origin OPERATOR(pg_catalog.=) 'queue'),
	retry_of pg_catalog.int8,
	reference pg_catalog.jsonb,
	until pg_catalog.text,
	attempts pg_catalog.int4 NOT NULL DEFAULT 0,
	response pg_catalog.jsonb,
	datastore_id pg_catalog.text,
	job_id pg_catalog.text,
	error_sqlstate pg_catalog.text,
	error_code pg_catalog.text,
	error_message pg_catalog.text,
	aws_request_id pg_catalog.text,
	account pg_catalog.text,
	region pg_catalog.text NOT NULL,
	endpoint pg_catalog.text,
	session_role pg_catalog.text NOT NULL,
	outer_role pg_catalog.text,
	"current_role" pg_catalog.text NOT NULL,
	client_addr pg_catalog.inet,
	application_name pg_catalog.text,
	requested_at pg_catalog.timestamptz NOT NULL
		DEFAULT pg_catalog.clock_timestamp(),
	run_after pg_catalog.timestamptz,
	first_sent_at pg_catalog.timestamptz,
	unsettled_since pg_catalog.timestamptz,
	looked_at pg_catalog.timestamptz,
	lease_until pg_catalog.timestamptz,
	lease_holder pg_catalog.int8,
	finished_at pg_catalog.timestamptz,
	duration pg_catalog."interval",
	fence pg_catalog.text NOT NULL DEFAULT '',
	timeline pg_catalog.int4 NOT NULL DEFAULT 0,
	home pg_catalog.text NOT NULL DEFAULT @extschema@.healthlake_home(),
	kind pg_catalog.text NOT NULL DEFAULT '',
	note pg_catalog.text,
	resolved_by pg_catalog.text,
	resolved_at pg_catalog.timestamptz,
	resource_type pg_catalog.text,
	resource_id pg_catalog.text,
	resources pg_catalog.text[],
	version_id pg_catalog.text,
	body pg_catalog.jsonb,
	body_sha256 pg_catalog.bytea,
	guard pg_catalog.text,
	PRIMARY KEY (home, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
	autovacuum_vacuum_threshold = 200);

COMMENT ON TABLE @extschema@.healthlake_request IS
'The queue: requests to AWS HealthLake that are sent after their transaction has committed; healthlake_event has their history';
COMMENT ON COLUMN @extschema@.healthlake_request.id IS
'What healthlake_enqueue() gave; the payload of the notification on channel healthlake';
COMMENT ON COLUMN @extschema@.healthlake_request.operation IS
'The operation, by its AWS name';
COMMENT ON COLUMN @extschema@.healthlake_request.request IS
'The members of the request, without the client token; requests with sensitive members are refused';
COMMENT ON COLUMN @extschema@.healthlake_request.client_token IS
'The token with which every sending of this request names the same thing';
COMMENT ON COLUMN @extschema@.healthlake_request.request_hash IS
'SHA-256 of the request, compared before it is sent';
COMMENT ON COLUMN @extschema@.healthlake_request.state IS
'queued; running (sent, or waiting for the status that "until" names); succeeded, failed, cancelled; or unknown, which a person resolves';
COMMENT ON COLUMN @extschema@.healthlake_request.origin IS
'queue: it was enqueued';
COMMENT ON COLUMN @extschema@.healthlake_request.retry_of IS
'The request of which this one is a retry';
COMMENT ON COLUMN @extschema@.healthlake_request.reference IS
'The key of whoever enqueued it, for writing the result back';
COMMENT ON COLUMN @extschema@.healthlake_request.until IS
'The status that the data store or job must reach for the request to have succeeded';
COMMENT ON COLUMN @extschema@.healthlake_request.attempts IS
'How many times sending it was begun';
COMMENT ON COLUMN @extschema@.healthlake_request.response IS
'The reply of AWS; with "until", the last description; sensitive members are masked';
COMMENT ON COLUMN @extschema@.healthlake_request.datastore_id IS
'The data store that the request created, or speaks of';
COMMENT ON COLUMN @extschema@.healthlake_request.job_id IS
'The job that the request started';
COMMENT ON COLUMN @extschema@.healthlake_request.error_sqlstate IS
'SQLSTATE of the last failure, as a call in a session would have raised it';
COMMENT ON COLUMN @extschema@.healthlake_request.error_code IS
'Error code of AWS of the last failure';
COMMENT ON COLUMN @extschema@.healthlake_request.error_message IS
'What the last failure said';
COMMENT ON COLUMN @extschema@.healthlake_request.aws_request_id IS
'Request id that AWS gave the last attempt';
COMMENT ON COLUMN @extschema@.healthlake_request.account IS
'Number of the AWS account, once an answer has told it';
COMMENT ON COLUMN @extschema@.healthlake_request.region IS
'The AWS region that was in force when it was requested';
COMMENT ON COLUMN @extschema@.healthlake_request.endpoint IS
'Where it goes: a server that would send it elsewhere does not send it';
COMMENT ON COLUMN @extschema@.healthlake_request.session_role IS
'The role that had logged in';
COMMENT ON COLUMN @extschema@.healthlake_request.outer_role IS
'The role that SET ROLE had set, else the one that had logged in, as is meant by null; the request belongs to it and to "current_role"';
COMMENT ON COLUMN @extschema@.healthlake_request."current_role" IS
'The role that was in force, whose privileges are checked again before sending';
COMMENT ON COLUMN @extschema@.healthlake_request.client_addr IS
'Address of the client; null for a Unix-domain socket or a job of the server';
COMMENT ON COLUMN @extschema@.healthlake_request.application_name IS
'What the client called itself';
COMMENT ON COLUMN @extschema@.healthlake_request.requested_at IS
'When it was enqueued';
COMMENT ON COLUMN @extschema@.healthlake_request.run_after IS
'Not before this time is it sent, sent again or looked after';
COMMENT ON COLUMN @extschema@.healthlake_request.first_sent_at IS
'From this time on AWS may have it';
COMMENT ON COLUMN @extschema@.healthlake_request.unsettled_since IS
'Since this time a sending is without a certain outcome; null: there is none such';
COMMENT ON COLUMN @extschema@.healthlake_request.looked_at IS
'When AWS was last searched for what the request may have created';
COMMENT ON COLUMN @extschema@.healthlake_request.lease_until IS
'Until then it is left to whoever holds it';
COMMENT ON COLUMN @extschema@.healthlake_request.lease_holder IS
'The worker or session that holds it; one that is gone holds nothing';
COMMENT ON COLUMN @extschema@.healthlake_request.finished_at IS
'When it was over';
COMMENT ON COLUMN @extschema@.healthlake_request.duration IS
'From the first sending to the end';
COMMENT ON COLUMN @extschema@.healthlake_request.fence IS
'healthlake.fence of the server that it belongs to; one with another fence never sends it';
COMMENT ON COLUMN @extschema@.healthlake_request.timeline IS
'Timeline of the server when it was enqueued, or looked for; on a later one it is looked for first; 0: taken over from another fence';
COMMENT ON COLUMN @extschema@.healthlake_request.home IS
'Cluster and database in which it was made, as healthlake_home() names them; elsewhere it is searched for and never sent';
COMMENT ON COLUMN @extschema@.healthlake_request.kind IS
'What the operation means: create, update, delete, tag, import, export, transformation, fhir or read';
COMMENT ON COLUMN @extschema@.healthlake_request.note IS
'What there is to say of its end: how it was found, or what the person who resolved it wrote';
COMMENT ON COLUMN @extschema@.healthlake_request.resolved_by IS
'The role that resolved it';
COMMENT ON COLUMN @extschema@.healthlake_request.resolved_at IS
'When it was resolved';
COMMENT ON COLUMN @extschema@.healthlake_request.resource_type IS
'Type of the FHIR resource; null for a bundle and for what is no FHIR request';
COMMENT ON COLUMN @extschema@.healthlake_request.resource_id IS
'Id of the FHIR resource, known when it is enqueued, except for types that HealthLake gives an id';
COMMENT ON COLUMN @extschema@.healthlake_request.resources IS
'Of a bundle, the resources that it writes, as type/id';
COMMENT ON COLUMN @extschema@.healthlake_request.version_id IS
'Version of the FHIR resource that the request has made';
COMMENT ON COLUMN @extschema@.healthlake_request.body IS
'The body of a FHIR request; null once it has succeeded, was cancelled, resolved or retried';
COMMENT ON COLUMN @extschema@.healthlake_request.body_sha256 IS
'SHA-256 of the body as it is sent, compared before that, and kept';
COMMENT ON COLUMN @extschema@.healthlake_request.guard IS
'After an unknown outcome, the version that the resource had before, or * for none: it is sent again for that version only';

-- what is to be sent, by role and kind; what is asked after, by role
CREATE INDEX healthlake_request_due ON @extschema@.healthlake_request
	(fence, (coalesce(outer_role, session_role)), kind, run_after, id)
	WHERE state OPERATOR(pg_catalog.=) ANY
			('{queued,running}'::pg_catalog.text[])
		AND run_after IS NOT NULL AND response IS NULL;
CREATE INDEX healthlake_request_polled ON @extschema@.healthlake_request
	(fence, (coalesce(outer_role, session_role)), run_after, id)
	WHERE state OPERATOR(pg_catalog.=) ANY
			('{queued,running}'::pg_catalog.text[])
		AND run_after IS NOT NULL AND response IS NOT NULL;
-- what needs a person
CREATE INDEX healthlake_request_tried ON @extschema@.healthlake_request
	(attempts, run_after)
	WHERE state OPERATOR(pg_catalog.=) ANY
			('{queued,running}'::pg_catalog.text[])
		AND run_after IS NOT NULL AND response IS NULL;
CREATE INDEX healthlake_request_unknown ON @extschema@.healthlake_request
	(finished_at) WHERE state OPERATOR(pg_catalog.=) 'unknown';
CREATE INDEX healthlake_request_finished ON @extschema@.healthlake_request
	(finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX healthlake_request_datastore ON @extschema@.healthlake_request
	(datastore_id) WHERE datastore_id IS NOT NULL;
CREATE INDEX healthlake_request_job ON @extschema@.healthlake_request
	(job_id) WHERE job_id IS NOT NULL;
CREATE UNIQUE INDEX healthlake_request_retry ON @extschema@.healthlake_request
	(home, retry_of) WHERE retry_of IS NOT NULL;
-- which requests of a FHIR resource come before one; bundles write several
CREATE INDEX healthlake_request_turn ON @extschema@.healthlake_request
	(resource_id, resource_type, datastore_id, id)
	WHERE state OPERATOR(pg_catalog.=) ANY
			('{queued,running}'::pg_catalog.text[])
		AND resource_id IS NOT NULL;
CREATE INDEX healthlake_request_turns ON @extschema@.healthlake_request
	USING gin (resources) WITH (fastupdate = off)
	WHERE state OPERATOR(pg_catalog.=) ANY
			('{queued,running}'::pg_catalog.text[])
		AND resources IS NOT NULL;
CREATE INDEX healthlake_request_resource ON @extschema@.healthlake_request
	(resource_id, id) WHERE resource_id IS NOT NULL;
CREATE INDEX healthlake_request_resources ON @extschema@.healthlake_request
	USING gin (resources) WHERE resources IS NOT NULL;

REVOKE ALL ON TABLE @extschema@.healthlake_request FROM PUBLIC;
-- a column of this type would keep others from altering or dropping the table
REVOKE ALL ON TYPE @extschema@.healthlake_request FROM PUBLIC;

--
-- What was done, and by whom: rows are inserted by the extension's C code,
-- altered by nobody, and deleted by healthlake_purge_requests() alone. Ids of
-- different homes do not collide, so that replicated rows fit in.
--

CREATE TABLE @extschema@.healthlake_event (
	id pg_catalog.int8 GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	home pg_catalog.text NOT NULL,
	request_id pg_catalog.int8,
	at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	event pg_catalog.text NOT NULL CHECK (event OPERATOR(pg_catalog.=) ANY
		('{enqueued,sent,replied,interrupted,rolled_back,retried,cancelled,resolved,adopted,purged}'::pg_catalog.text[])),
	origin pg_catalog.text NOT NULL CHECK (origin OPERATOR(pg_catalog.=) ANY
		('{queue,call}'::pg_catalog.text[])),
	operation pg_catalog.text,
	kind pg_catalog.text,
	request pg_catalog.jsonb,
	client_token pg_catalog.text,
	region pg_catalog.text,
	endpoint pg_catalog.text,
	account pg_catalog.text,
	datastore_id pg_catalog.text,
	job_id pg_catalog.text,
	transaction pg_catalog.xid8,
	session_role pg_catalog.text NOT NULL,
	outer_role pg_catalog.text,
	"current_role" pg_catalog.text NOT NULL,
	client_addr pg_catalog.inet,
	application_name pg_catalog.text,
	outcome pg_catalog.text,
	aws_request_id pg_catalog.text,
	error_code pg_catalog.text,
	error_message pg_catalog.text,
	attempts pg_catalog.int4,
	duration pg_catalog."interval",
	note pg_catalog.text
);

COMMENT ON TABLE @extschema@.healthlake_event IS
'The history of queued requests and of calls that change something: append-only, deleted by healthlake_purge_requests() once healthlake.audit_retention allows it';
COMMENT ON COLUMN @extschema@.healthlake_event.id IS
'Rises within one home';
COMMENT ON COLUMN @extschema@.healthlake_event.home IS
'Home of the request, or of the call: the cluster and database in which it was made, as healthlake_home() names them';
COMMENT ON COLUMN @extschema@.healthlake_event.request_id IS
'The queued request; of a durable call, the id of its event "sent"; else null';
COMMENT ON COLUMN @extschema@.healthlake_event.at IS
'When it was written';
COMMENT ON COLUMN @extschema@.healthlake_event.event IS
'enqueued, sent, replied, retried, cancelled, resolved, adopted, purged; of a durable call also interrupted and rolled_back';
COMMENT ON COLUMN @extschema@.healthlake_event.origin IS
'queue: of a queued request; call: of a call that a session made';
COMMENT ON COLUMN @extschema@.healthlake_event.operation IS
'The operation, by its AWS name';
COMMENT ON COLUMN @extschema@.healthlake_event.kind IS
'What the operation means: create, update, delete, tag, import, export, transformation, fhir or read';
COMMENT ON COLUMN @extschema@.healthlake_event.request IS
'The members of the request, without the client token; sensitive ones are masked';
COMMENT ON COLUMN @extschema@.healthlake_event.client_token IS
'The token with which every attempt names the same thing';
COMMENT ON COLUMN @extschema@.healthlake_event.region IS
'The AWS region';
COMMENT ON COLUMN @extschema@.healthlake_event.endpoint IS
'Where it was sent';
COMMENT ON COLUMN @extschema@.healthlake_event.account IS
'Number of the AWS account, where it is known';
COMMENT ON COLUMN @extschema@.healthlake_event.datastore_id IS
'The data store that was created, or that the request names';
COMMENT ON COLUMN @extschema@.healthlake_event.job_id IS
'The job that was started';
COMMENT ON COLUMN @extschema@.healthlake_event.transaction IS
'Transaction, or subtransaction, of a call';
COMMENT ON COLUMN @extschema@.healthlake_event.session_role IS
'The role that had logged in';
COMMENT ON COLUMN @extschema@.healthlake_event.outer_role IS
'The role that SET ROLE had set, else the one that had logged in, as is meant by null; the event belongs to it and to "current_role"';
COMMENT ON COLUMN @extschema@.healthlake_event."current_role" IS
'The role that was in force, such as the owner of a SECURITY DEFINER function';
COMMENT ON COLUMN @extschema@.healthlake_event.client_addr IS
'Address of the client; null for a Unix-domain socket or a job of the server';
COMMENT ON COLUMN @extschema@.healthlake_event.application_name IS
'What the client called itself';
COMMENT ON COLUMN @extschema@.healthlake_event.outcome IS
'succeeded, failed or unknown; of "resolved", the state that was given';
COMMENT ON COLUMN @extschema@.healthlake_event.aws_request_id IS
'Request id of AWS''s reply';
COMMENT ON COLUMN @extschema@.healthlake_event.error_code IS
'AWS''s error code; the SQLSTATE where AWS has given none';
COMMENT ON COLUMN @extschema@.healthlake_event.error_message IS
'What the failure said';
COMMENT ON COLUMN @extschema@.healthlake_event.attempts IS
'How many times sending it was begun';
COMMENT ON COLUMN @extschema@.healthlake_event.duration IS
'How long the call took; of a queued request, the attempt';
COMMENT ON COLUMN @extschema@.healthlake_event.note IS
'What else there is to say: how a data store was found, which request is a retry of which, what the person who resolved it wrote';

CREATE INDEX healthlake_event_request ON @extschema@.healthlake_event
	(request_id) WHERE request_id IS NOT NULL;
CREATE INDEX healthlake_event_datastore ON @extschema@.healthlake_event
	(datastore_id) WHERE datastore_id IS NOT NULL;
CREATE INDEX healthlake_event_job ON @extschema@.healthlake_event
	(job_id) WHERE job_id IS NOT NULL;
CREATE INDEX healthlake_event_rolled_back ON @extschema@.healthlake_event
	(at) WHERE event OPERATOR(pg_catalog.=) 'rolled_back';
CREATE INDEX healthlake_event_at ON @extschema@.healthlake_event
	USING brin (at) WITH (autosummarize = on);

REVOKE ALL ON TABLE @extschema@.healthlake_event FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_event FROM PUBLIC;

CREATE VIEW @extschema@.healthlake_audit WITH (security_barrier = true) AS
	SELECT e.* FROM @extschema@.healthlake_event AS e;

REVOKE ALL ON TABLE @extschema@.healthlake_audit FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_audit FROM PUBLIC;

COMMENT ON VIEW @extschema@.healthlake_audit IS
'The whole history; SELECT on this view is the right to see the events and requests of every role, in healthlake_event and healthlake_request too';
COMMENT ON COLUMN @extschema@.healthlake_audit.id IS
'Rises within one home';
COMMENT ON COLUMN @extschema@.healthlake_audit.home IS
'Home of the request, or of the call: the cluster and database in which it was made, as healthlake_home() names them';
COMMENT ON COLUMN @extschema@.healthlake_audit.request_id IS
'The queued request; of a durable call, the id of its event "sent"; else null';
COMMENT ON COLUMN @extschema@.healthlake_audit.at IS
'When it was written';
COMMENT ON COLUMN @extschema@.healthlake_audit.event IS
'enqueued, sent, replied, retried, cancelled, resolved, adopted, purged; of a durable call also interrupted and rolled_back';
COMMENT ON COLUMN @extschema@.healthlake_audit.origin IS
'queue: of a queued request; call: of a call that a session made';
COMMENT ON COLUMN @extschema@.healthlake_audit.operation IS
'The operation, by its AWS name';
COMMENT ON COLUMN @extschema@.healthlake_audit.kind IS
'What the operation means: create, update, delete, tag, import, export, transformation, fhir or read';
COMMENT ON COLUMN @extschema@.healthlake_audit.request IS
'The members of the request, without the client token; sensitive ones are masked';
COMMENT ON COLUMN @extschema@.healthlake_audit.client_token IS
'The token with which every attempt names the same thing';
COMMENT ON COLUMN @extschema@.healthlake_audit.region IS
'The AWS region';
COMMENT ON COLUMN @extschema@.healthlake_audit.endpoint IS
'Where it was sent';
COMMENT ON COLUMN @extschema@.healthlake_audit.account IS
'Number of the AWS account, where it is known';
COMMENT ON COLUMN @extschema@.healthlake_audit.datastore_id IS
'The data store that was created, or that the request names';
COMMENT ON COLUMN @extschema@.healthlake_audit.job_id IS
'The job that was started';
COMMENT ON COLUMN @extschema@.healthlake_audit.transaction IS
'Transaction, or subtransaction, of a call';
COMMENT ON COLUMN @extschema@.healthlake_audit.session_role IS
'The role that had logged in';
COMMENT ON COLUMN @extschema@.healthlake_audit.outer_role IS
'The role that SET ROLE had set, else the one that had logged in, as is meant by null; the event belongs to it and to "current_role"';
COMMENT ON COLUMN @extschema@.healthlake_audit."current_role" IS
'The role that was in force, such as the owner of a SECURITY DEFINER function';
COMMENT ON COLUMN @extschema@.healthlake_audit.client_addr IS
'Address of the client; null for a Unix-domain socket or a job of the server';
COMMENT ON COLUMN @extschema@.healthlake_audit.application_name IS
'What the client called itself';
COMMENT ON COLUMN @extschema@.healthlake_audit.outcome IS
'succeeded, failed or unknown; of "resolved", the state that was given';
COMMENT ON COLUMN @extschema@.healthlake_audit.aws_request_id IS
'Request id of AWS''s reply';
COMMENT ON COLUMN @extschema@.healthlake_audit.error_code IS
'AWS''s error code; the SQLSTATE where AWS has given none';
COMMENT ON COLUMN @extschema@.healthlake_audit.error_message IS
'What the failure said';
COMMENT ON COLUMN @extschema@.healthlake_audit.attempts IS
'How many times sending it was begun';
COMMENT ON COLUMN @extschema@.healthlake_audit.duration IS
'How long the call took; of a queued request, the attempt';
COMMENT ON COLUMN @extschema@.healthlake_audit.note IS
'What else there is to say: how a data store was found, which request is a retry of which, what the person who resolved it wrote';

ALTER TABLE @extschema@.healthlake_request ENABLE ROW LEVEL SECURITY;

CREATE POLICY healthlake_request_own ON @extschema@.healthlake_request
	FOR SELECT USING (
		coalesce(outer_role, session_role) OPERATOR(pg_catalog.=)
			CASE WHEN pg_catalog.current_setting('role')
					OPERATOR(pg_catalog.=) 'none'
				THEN (SESSION_USER)::pg_catalog.text
				ELSE pg_catalog.current_setting('role')
			END
		OR "current_role" OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR pg_catalog.has_table_privilege(
			'@extschema@.healthlake_audit'::pg_catalog.regclass, 'SELECT'));

COMMENT ON POLICY healthlake_request_own ON @extschema@.healthlake_request IS
'A role sees its own requests; whoever may read healthlake_audit, all';

ALTER TABLE @extschema@.healthlake_event ENABLE ROW LEVEL SECURITY;

CREATE POLICY healthlake_event_own ON @extschema@.healthlake_event
	FOR SELECT USING (
		coalesce(outer_role, session_role) OPERATOR(pg_catalog.=)
			CASE WHEN pg_catalog.current_setting('role')
					OPERATOR(pg_catalog.=) 'none'
				THEN (SESSION_USER)::pg_catalog.text
				ELSE pg_catalog.current_setting('role')
			END
		OR "current_role" OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR pg_catalog.has_table_privilege(
			'@extschema@.healthlake_audit'::pg_catalog.regclass, 'SELECT'));

COMMENT ON POLICY healthlake_event_own ON @extschema@.healthlake_event IS
'A role sees its own events; whoever may read healthlake_audit, all';

CREATE FUNCTION @extschema@.healthlake_protect_event()
RETURNS pg_catalog.trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'healthlake_protect_event';

REVOKE ALL ON FUNCTION @extschema@.healthlake_protect_event() FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_protect_event() IS
'Keeps the history from being altered or deleted';

CREATE TRIGGER healthlake_event_protect
	BEFORE UPDATE OR DELETE ON @extschema@.healthlake_event
	FOR EACH ROW EXECUTE FUNCTION @extschema@.healthlake_protect_event();
CREATE TRIGGER healthlake_event_protect_all
	BEFORE TRUNCATE ON @extschema@.healthlake_event
	FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.healthlake_protect_event();

COMMENT ON TRIGGER healthlake_event_protect ON @extschema@.healthlake_event IS
'Nobody alters the history; healthlake_purge_requests() alone deletes';
COMMENT ON TRIGGER healthlake_event_protect_all
	ON @extschema@.healthlake_event IS
'Nobody alters the history; healthlake_purge_requests() alone deletes';

SELECT pg_catalog.pg_extension_config_dump(
	'@extschema@.healthlake_event', '');
SELECT pg_catalog.pg_extension_config_dump(
	'@extschema@.healthlake_event_id_seq', '');

CREATE FUNCTION @extschema@.healthlake_holds_leases(holder pg_catalog.int8)
RETURNS pg_catalog.bool
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_holds_leases';

REVOKE ALL ON FUNCTION @extschema@.healthlake_holds_leases FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_holds_leases IS
'Whether the worker or session with this number is still there, so that its leases count; for the statements of the queue';

CREATE FUNCTION @extschema@.healthlake_protect_request()
RETURNS pg_catalog.trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'healthlake_protect_request';

REVOKE ALL ON FUNCTION @extschema@.healthlake_protect_request() FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_protect_request() IS
'Keeps finished requests from being altered or deleted';

CREATE TRIGGER healthlake_request_protect
	BEFORE UPDATE OR DELETE ON @extschema@.healthlake_request
	FOR EACH ROW EXECUTE FUNCTION @extschema@.healthlake_protect_request();
CREATE TRIGGER healthlake_request_protect_all
	BEFORE TRUNCATE ON @extschema@.healthlake_request
	FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.healthlake_protect_request();

COMMENT ON TRIGGER healthlake_request_protect
	ON @extschema@.healthlake_request IS
'Finished requests are altered by the functions of the extension alone';
COMMENT ON TRIGGER healthlake_request_protect_all
	ON @extschema@.healthlake_request IS
'Finished requests are altered by the functions of the extension alone';

-- a dump carries what is finished: restored elsewhere, nothing is sent
SELECT pg_catalog.pg_extension_config_dump(
	'@extschema@.healthlake_request', 'WHERE finished_at IS NOT NULL');
SELECT pg_catalog.pg_extension_config_dump(
	'@extschema@.healthlake_request_id_seq', '');

CREATE VIEW @extschema@.healthlake_created_datastores
	WITH (security_barrier = true) AS
	SELECT (pg_catalog.date_trunc('day', e.at))::pg_catalog.date AS day,
		e.session_role,
		e."current_role",
		e.region,
		pg_catalog.count(*) AS datastores,
		pg_catalog.count(r.id) AS rolled_back,
		pg_catalog.array_agg(e.datastore_id ORDER BY e.at) AS datastore_ids
	  FROM @extschema@.healthlake_event AS e
	  LEFT JOIN @extschema@.healthlake_event AS r
		ON r.request_id OPERATOR(pg_catalog.=) e.request_id
	   AND r.home OPERATOR(pg_catalog.=) e.home
	   AND r.origin OPERATOR(pg_catalog.=) 'call'
	   AND r.event OPERATOR(pg_catalog.=) 'rolled_back'
	   AND e.origin OPERATOR(pg_catalog.=) 'call'
	 WHERE e.event OPERATOR(pg_catalog.=) ANY
			('{replied,adopted,resolved}'::pg_catalog.text[])
	   AND e.kind OPERATOR(pg_catalog.=) 'create'
	   AND e.outcome OPERATOR(pg_catalog.=) 'succeeded'
	   AND e.datastore_id IS NOT NULL
	 GROUP BY 1, 2, 3, 4;

REVOKE ALL ON TABLE @extschema@.healthlake_created_datastores FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_created_datastores FROM PUBLIC;

COMMENT ON VIEW @extschema@.healthlake_created_datastores IS
'Data stores that were created, by day and role';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores.day IS
'Day of the event, in the session''s time zone';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores.session_role IS
'The role that had logged in';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores."current_role" IS
'The role that was in force, such as the owner of a SECURITY DEFINER function';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores.region IS
'The AWS region';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores.datastores IS
'How many data stores were created';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores.rolled_back IS
'How many of them were created by calls whose transaction was rolled back';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores.datastore_ids IS
'Their ids, the oldest first';

CREATE VIEW @extschema@.healthlake_stuck_requests
	WITH (security_barrier = true) AS
	SELECT r.id, r.operation, r.state, r.origin, r.session_role,
		r.reference, r.client_token, r.datastore_id, r.requested_at,
		r.run_after, r.attempts, r.error_sqlstate, r.error_code,
		r.error_message, r.fence,
		CASE
			WHEN r.state OPERATOR(pg_catalog.=) 'unknown'
				THEN 'its outcome is unknown: look, then call healthlake_resolve_request()'
			WHEN r.fence OPERATOR(pg_catalog.<>)
				coalesce(pg_catalog.current_setting('healthlake.fence', true), '')
				THEN 'it belongs to a server with another fence'
			WHEN r.attempts OPERATOR(pg_catalog.=) 0
				THEN coalesce(
					(SELECT pg_catalog.format(
								'it waits for request %s of the same resource', o.id)
					   FROM @extschema@.healthlake_request AS o
					  WHERE o.resource_id OPERATOR(pg_catalog.=) r.resource_id
						AND o.resource_type OPERATOR(pg_catalog.=) r.resource_type
						AND o.datastore_id OPERATOR(pg_catalog.=) r.datastore_id
						AND o.home OPERATOR(pg_catalog.=) r.home
						AND o.fence OPERATOR(pg_catalog.=) r.fence
						AND o.id OPERATOR(pg_catalog.<) r.id
						AND o.state OPERATOR(pg_catalog.=) ANY
							('{queued,running}'::pg_catalog.text[])
					  ORDER BY o.id LIMIT 1),
					'nobody takes it: no worker runs, and nobody calls healthlake_run_queue()')
			ELSE 'it fails again and again'
		END AS reason
	  FROM @extschema@.healthlake_request AS r
	-- each alternative has an index: a table of a million rows is not read
	 WHERE (r.state OPERATOR(pg_catalog.=) 'unknown'
			-- not EXISTS, for which all rows might be hashed
			AND (SELECT n.id FROM @extschema@.healthlake_request AS n
				 WHERE n.home OPERATOR(pg_catalog.=) r.home
				   AND n.retry_of OPERATOR(pg_catalog.=) r.id) IS NULL)
		OR (r.state OPERATOR(pg_catalog.=) ANY
				('{queued,running}'::pg_catalog.text[])
			AND r.run_after IS NOT NULL
			AND r.response IS NULL
			AND (r.fence OPERATOR(pg_catalog.<)
					coalesce(pg_catalog.current_setting('healthlake.fence', true), '')
				OR r.fence OPERATOR(pg_catalog.>)
					coalesce(pg_catalog.current_setting('healthlake.fence', true), '')))
		OR (r.state OPERATOR(pg_catalog.=) ANY
				('{queued,running}'::pg_catalog.text[])
			AND r.run_after IS NOT NULL
			AND r.response IS NULL
			AND r.attempts OPERATOR(pg_catalog.=) 0
			AND r.run_after OPERATOR(pg_catalog.<)
				(pg_catalog.now() OPERATOR(pg_catalog.-)
					'5 minutes'::pg_catalog."interval")
			AND coalesce(r.lease_until, '-infinity')
				OPERATOR(pg_catalog.<) pg_catalog.now())
		OR (r.state OPERATOR(pg_catalog.=) ANY
				('{queued,running}'::pg_catalog.text[])
			AND r.run_after IS NOT NULL
			AND r.response IS NULL
			AND r.attempts OPERATOR(pg_catalog.>) 0
			AND ((r.run_after OPERATOR(pg_catalog.<)
					(pg_catalog.now() OPERATOR(pg_catalog.-)
						'5 minutes'::pg_catalog."interval")
				AND coalesce(r.lease_until, '-infinity')
					OPERATOR(pg_catalog.<) pg_catalog.now())
				OR (r.attempts OPERATOR(pg_catalog.>) 2
					AND r.requested_at OPERATOR(pg_catalog.<)
						(pg_catalog.now() OPERATOR(pg_catalog.-)
							'15 minutes'::pg_catalog."interval"))));

REVOKE ALL ON TABLE @extschema@.healthlake_stuck_requests FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_stuck_requests FROM PUBLIC;

COMMENT ON VIEW @extschema@.healthlake_stuck_requests IS
'Requests that need a person: of unknown outcome, of another server, or not getting anywhere';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.id IS
'What healthlake_enqueue() gave; the payload of the notification on channel healthlake';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.operation IS
'The operation, by its AWS name';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.state IS
'queued; running (sent, or waiting for the status that "until" names); succeeded, failed, cancelled; or unknown, which a person resolves';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.origin IS
'queue: it was enqueued';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.session_role IS
'The role that had logged in';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.reference IS
'The key of whoever enqueued it, for writing the result back';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.client_token IS
'The token with which every sending of this request names the same thing';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.datastore_id IS
'The data store that the request created, or speaks of';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.requested_at IS
'When it was enqueued';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.run_after IS
'Not before this time is it sent, sent again or looked after';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.attempts IS
'How many times sending it was begun';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.error_sqlstate IS
'SQLSTATE of the last failure, as a call in a session would have raised it';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.error_code IS
'Error code of AWS of the last failure';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.error_message IS
'What the last failure said';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.fence IS
'healthlake.fence of the server that it belongs to; one with another fence never sends it';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.reason IS
'Why the request needs a person';

CREATE VIEW @extschema@.healthlake_left_behind
	WITH (security_barrier = true) AS
	SELECT e.request_id AS id, e.operation, e.datastore_id, e.job_id,
		e.request OPERATOR(pg_catalog.->>) 'DatastoreName' AS name,
		e.region, e.account, e.client_token, e.session_role,
		e."current_role", (SELECT s.at FROM @extschema@.healthlake_event AS s
			 WHERE s.id OPERATOR(pg_catalog.=) e.request_id) AS requested_at
	  FROM @extschema@.healthlake_event AS e
	 WHERE e.event OPERATOR(pg_catalog.=) 'rolled_back'
	   AND e.kind OPERATOR(pg_catalog.=) 'create'
	   AND NOT EXISTS (
			SELECT FROM @extschema@.healthlake_event AS d
			 WHERE d.kind OPERATOR(pg_catalog.=) 'delete'
			   AND d.datastore_id OPERATOR(pg_catalog.=) e.datastore_id
			   AND d.event OPERATOR(pg_catalog.=) ANY
					('{replied,resolved}'::pg_catalog.text[])
			   AND d.outcome OPERATOR(pg_catalog.=) 'succeeded');

REVOKE ALL ON TABLE @extschema@.healthlake_left_behind FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_left_behind FROM PUBLIC;

COMMENT ON VIEW @extschema@.healthlake_left_behind IS
'Data stores that rolled-back transactions have left behind, as far as healthlake.audit = durable kept them, less those deleted since';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.id IS
'Id of the event "sent" of the call';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.operation IS
'The operation, by its AWS name';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.datastore_id IS
'The data store that was created, or that the request names';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.job_id IS
'The job that was started';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.name IS
'Name of the data store';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.region IS
'The AWS region';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.account IS
'Number of the AWS account, where it is known';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.client_token IS
'The token with which every attempt names the same thing';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.session_role IS
'The role that had logged in';
COMMENT ON COLUMN @extschema@.healthlake_left_behind."current_role" IS
'The role that was in force, such as the owner of a SECURITY DEFINER function';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.requested_at IS
'When the event "sent" was written';

CREATE FUNCTION @extschema@.healthlake_enqueue(
	operation pg_catalog.text,
	request pg_catalog.jsonb,
	run_after pg_catalog.timestamptz DEFAULT NULL,
	until pg_catalog.text DEFAULT NULL,
	reference pg_catalog.jsonb DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'healthlake_enqueue';

REVOKE ALL ON FUNCTION @extschema@.healthlake_enqueue FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_enqueue IS
'Keeps a request that is sent after this transaction commits, once in effect, whatever crashes meanwhile; gives its id in healthlake_request';

CREATE FUNCTION @extschema@.healthlake_enqueue_create_datastore(
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
	more pg_catalog.jsonb DEFAULT NULL,
	run_after pg_catalog.timestamptz DEFAULT NULL,
	until pg_catalog.text DEFAULT NULL,
	reference pg_catalog.jsonb DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'healthlake_enqueue_create_datastore';

REVOKE ALL ON FUNCTION @extschema@.healthlake_enqueue_create_datastore
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_enqueue_create_datastore IS
'Keeps a request for a FHIR data store, with the arguments of healthlake_create_datastore(), which is sent after this transaction commits; gives its id in healthlake_request';

CREATE FUNCTION @extschema@.healthlake_fhir_enqueue(
	method pg_catalog.text,
	path pg_catalog.text,
	body pg_catalog.jsonb DEFAULT NULL,
	headers pg_catalog.jsonb DEFAULT NULL,
	run_after pg_catalog.timestamptz DEFAULT NULL,
	reference pg_catalog.jsonb DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue IS
'Keeps a FHIR request that is sent after this transaction commits, once in effect: POST, PUT, PATCH or DELETE of type/id, POST of a type, or POST of a bundle to an empty path; gives its id in healthlake_request';

CREATE FUNCTION @extschema@.healthlake_fhir_enqueue_create(
	resource pg_catalog.jsonb,
	validation pg_catalog.text DEFAULT NULL,
	run_after pg_catalog.timestamptz DEFAULT NULL,
	reference pg_catalog.jsonb DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue_create';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue_create
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue_create IS
'Keeps a FHIR resource that is created after this transaction commits, once, whatever crashes meanwhile; gives its id in healthlake_request, where resource_id is the id that the resource has or was given';

CREATE FUNCTION @extschema@.healthlake_fhir_enqueue_update(
	resource pg_catalog.jsonb,
	if_match pg_catalog.text DEFAULT NULL,
	only_new pg_catalog.bool DEFAULT false,
	validation pg_catalog.text DEFAULT NULL,
	run_after pg_catalog.timestamptz DEFAULT NULL,
	reference pg_catalog.jsonb DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue_update';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue_update
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue_update IS
'Keeps a FHIR resource that replaces its former version after this transaction commits; with if_match only that version, with only_new none; gives its id in healthlake_request';

CREATE FUNCTION @extschema@.healthlake_fhir_enqueue_patch(
	type pg_catalog.text,
	id pg_catalog.text,
	patch pg_catalog.jsonb,
	if_match pg_catalog.text DEFAULT NULL,
	run_after pg_catalog.timestamptz DEFAULT NULL,
	reference pg_catalog.jsonb DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue_patch';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue_patch
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue_patch IS
'Keeps a patch of a FHIR resource, a JSON Patch or a Parameters resource, that is sent after this transaction commits; gives its id in healthlake_request';

CREATE FUNCTION @extschema@.healthlake_fhir_enqueue_delete(
	type pg_catalog.text,
	id pg_catalog.text,
	if_match pg_catalog.text DEFAULT NULL,
	run_after pg_catalog.timestamptz DEFAULT NULL,
	reference pg_catalog.jsonb DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue_delete';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue_delete
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue_delete IS
'Keeps the deletion of a FHIR resource, which is sent after this transaction commits; gives its id in healthlake_request';

CREATE FUNCTION @extschema@.healthlake_fhir_enqueue_bundle(
	entries pg_catalog.jsonb,
	run_after pg_catalog.timestamptz DEFAULT NULL,
	reference pg_catalog.jsonb DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue_bundle';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue_bundle
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue_bundle IS
'Keeps a FHIR transaction that is sent after this transaction commits, whole or not at all, and once; each POST in it becomes a PUT under an id of its own; gives its id in healthlake_request';

CREATE PROCEDURE @extschema@.healthlake_run_queue(
	max_requests pg_catalog.int4 DEFAULT NULL
)
LANGUAGE C
AS 'MODULE_PATHNAME', 'healthlake_run_queue';

REVOKE ALL ON PROCEDURE @extschema@.healthlake_run_queue FROM PUBLIC;

COMMENT ON PROCEDURE @extschema@.healthlake_run_queue IS
'Sends the requests that are due, at most so many, and commits as it goes; ends with a notice of what became of them';

CREATE FUNCTION @extschema@.healthlake_cancel_request(id pg_catalog.int8)
RETURNS pg_catalog.bool
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_cancel_request';

REVOKE ALL ON FUNCTION @extschema@.healthlake_cancel_request FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_cancel_request IS
'Cancels a request of which certainly nothing was sent; raises 55000 where that is not so';

CREATE FUNCTION @extschema@.healthlake_retry_request(id pg_catalog.int8)
RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_retry_request';

REVOKE ALL ON FUNCTION @extschema@.healthlake_retry_request FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_retry_request IS
'Enqueues a new request in place of one that failed, was cancelled or is of unknown outcome, and gives its id; AWS is searched first for what one of unknown outcome has created. Takes over one of a server with another fence as it is';

CREATE FUNCTION @extschema@.healthlake_resolve_request(
	id pg_catalog.int8,
	state pg_catalog.text,
	note pg_catalog.text,
	response pg_catalog.jsonb DEFAULT NULL
) RETURNS pg_catalog.bool
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_resolve_request';

REVOKE ALL ON FUNCTION @extschema@.healthlake_resolve_request FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_resolve_request IS
'Says what became of a request of unknown outcome: succeeded, failed or cancelled, with a note of how that is known';

CREATE FUNCTION @extschema@.healthlake_wait_request(
	id pg_catalog.int8,
	timeout pg_catalog."interval" DEFAULT '1 hour'
) RETURNS @extschema@.healthlake_request
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_wait_request';

REVOKE ALL ON FUNCTION @extschema@.healthlake_wait_request FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_wait_request IS
'Waits until a committed request is finished, whatever its end, and gives it; pins the snapshot of its statement meanwhile';

CREATE FUNCTION @extschema@.healthlake_adopt_requests(home pg_catalog.text)
RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_adopt_requests';

REVOKE ALL ON FUNCTION @extschema@.healthlake_adopt_requests FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_adopt_requests IS
'Makes the requests of another cluster or database this one''s, after pg_upgrade or a move, so that those that wait are sent from here; gives how many; for superusers';

CREATE FUNCTION @extschema@.healthlake_purge_requests(
	older_than pg_catalog."interval"
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_purge_requests';

REVOKE ALL ON FUNCTION @extschema@.healthlake_purge_requests FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_purge_requests IS
'Deletes requests that were finished so long ago, except those of unknown outcome, and events that are as old and that healthlake.audit_retention does not keep; gives how many requests';

--
-- How often operations were called, how they ended, how long they took
--

CREATE FUNCTION @extschema@.healthlake_operation_statistics() RETURNS TABLE (
	scope pg_catalog.text,
	operation pg_catalog.text,
	calls pg_catalog.int8,
	errors pg_catalog.int8,
	unknown pg_catalog.int8,
	retries pg_catalog.int8,
	throttles pg_catalog.int8,
	total_time pg_catalog.float8,
	mean_time pg_catalog.float8,
	max_time pg_catalog.float8
)
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 20
AS 'MODULE_PATHNAME', 'healthlake_operation_statistics';

REVOKE ALL ON FUNCTION @extschema@.healthlake_operation_statistics
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_operation_statistics IS
'The rows of the view healthlake_statistics';

CREATE VIEW @extschema@.healthlake_statistics AS
	SELECT s.scope, s.operation, s.calls, s.errors, s.unknown, s.retries,
		s.throttles, s.total_time, s.mean_time, s.max_time
	  FROM @extschema@.healthlake_operation_statistics() AS s;

REVOKE ALL ON TABLE @extschema@.healthlake_statistics FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_statistics FROM PUBLIC;

COMMENT ON VIEW @extschema@.healthlake_statistics IS
'Calls of each operation and their times in milliseconds: of this session, and of the cluster since it was started, where the library is in shared_preload_libraries; to read it takes EXECUTE on healthlake_operation_statistics() too';
COMMENT ON COLUMN @extschema@.healthlake_statistics.scope IS
'session: calls of this session; cluster: of all sessions and workers, where the library is preloaded';
COMMENT ON COLUMN @extschema@.healthlake_statistics.operation IS
'The operation, by its AWS name';
COMMENT ON COLUMN @extschema@.healthlake_statistics.calls IS
'Calls that were begun and are over, whatever their end';
COMMENT ON COLUMN @extschema@.healthlake_statistics.errors IS
'Those that did not succeed, cancelled ones among them';
COMMENT ON COLUMN @extschema@.healthlake_statistics.unknown IS
'Those of the errors of which nobody knows whether AWS has carried them out';
COMMENT ON COLUMN @extschema@.healthlake_statistics.retries IS
'Attempts beyond the first of each call';
COMMENT ON COLUMN @extschema@.healthlake_statistics.throttles IS
'Attempts that AWS throttled, also where a later one succeeded';
COMMENT ON COLUMN @extschema@.healthlake_statistics.total_time IS
'Time of all these calls, rests between attempts included, in milliseconds';
COMMENT ON COLUMN @extschema@.healthlake_statistics.mean_time IS
'Time of a call on average, in milliseconds';
COMMENT ON COLUMN @extschema@.healthlake_statistics.max_time IS
'Time of the longest call, in milliseconds';

CREATE FUNCTION @extschema@.healthlake_reset_statistics()
RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_reset_statistics';

REVOKE ALL ON FUNCTION @extschema@.healthlake_reset_statistics
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_reset_statistics IS
'Lets the statistics of this session, and those of the cluster where they are kept, begin anew';

--
-- FHIR resources: HealthLake's data plane. Every function sends requests to the
-- data store that its argument or healthlake.datastore_id names.
--

CREATE FUNCTION @extschema@.healthlake_fhir_operations() RETURNS TABLE (
	function pg_catalog.text,
	method pg_catalog.text,
	path pg_catalog.text,
	iam_action pg_catalog.text,
	changes_something pg_catalog.bool
)
LANGUAGE C STABLE PARALLEL SAFE ROWS 40
AS 'MODULE_PATHNAME', 'healthlake_fhir_operations';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_operations
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_operations IS
'Lists the requests that the FHIR functions make: method, path below the data store''s base, and the IAM action that allows it';

CREATE TYPE @extschema@.healthlake_fhir_result AS (
	type pg_catalog.text,
	id pg_catalog.text,
	version_id pg_catalog.text,
	last_updated pg_catalog.timestamptz,
	existed pg_catalog.bool,
	issues pg_catalog.jsonb,
	resource pg_catalog.jsonb
);

COMMENT ON TYPE @extschema@.healthlake_fhir_result IS
'A resource as a write has left it; existed says that a repetition found what the first request had made';

CREATE FUNCTION @extschema@.healthlake_fhir_read(
	type pg_catalog.text,
	id pg_catalog.text,
	version_id pg_catalog.text DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_fhir_read';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_read
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_read IS
'Reads a FHIR resource, or a version of it; null where there is none, or none any more';

CREATE FUNCTION @extschema@.healthlake_fhir_create(
	resource pg_catalog.jsonb,
	idempotency_key pg_catalog.uuid DEFAULT NULL,
	validation pg_catalog.text DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS @extschema@.healthlake_fhir_result
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_create';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_create
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_create IS
'Creates a FHIR resource whose id HealthLake makes; repeated with the same idempotency key it creates nothing twice. A rollback does not delete it';

CREATE FUNCTION @extschema@.healthlake_fhir_bundle(
	entries pg_catalog.jsonb,
	type pg_catalog.text DEFAULT 'transaction',
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL)
RETURNS TABLE (
	ordinal pg_catalog.int4,
	status pg_catalog.int4,
	type pg_catalog.text,
	id pg_catalog.text,
	version_id pg_catalog.text,
	last_updated pg_catalog.timestamptz,
	outcome pg_catalog.jsonb,
	resource pg_catalog.jsonb)
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_fhir_bundle';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_bundle FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_bundle IS
'Sends requests for resources together: a transaction is done whole or not at all, a batch entry by entry. Entries are an array of objects with method, url, resource, ifMatch and ifNoneMatch, or a Bundle of that type';

CREATE TABLE @extschema@.healthlake_fhir_load_progress (
	id pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	source pg_catalog.regclass NOT NULL,
	resource_column pg_catalog.name NOT NULL,
	datastore_id pg_catalog.text NOT NULL,
	outer_role pg_catalog.text NOT NULL,
	"current_role" pg_catalog.text NOT NULL,
	pass pg_catalog.int4 NOT NULL DEFAULT 0,
	sent pg_catalog.int8 NOT NULL DEFAULT 0,
	started_at pg_catalog.timestamptz NOT NULL
		DEFAULT pg_catalog.clock_timestamp(),
	at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	finished_at pg_catalog.timestamptz,
	place pg_catalog.tid,
	part pg_catalog.regclass,
	looked pg_catalog.pg_snapshot,
	seeing pg_catalog.pg_snapshot,
	files pg_catalog.int8 NOT NULL DEFAULT 0,
	UNIQUE (source, resource_column, datastore_id, "current_role")
);

REVOKE ALL ON TABLE @extschema@.healthlake_fhir_load_progress FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_fhir_load_progress FROM PUBLIC;
REVOKE ALL ON SEQUENCE @extschema@.healthlake_fhir_load_progress_id_seq
	FROM PUBLIC;

COMMENT ON TABLE @extschema@.healthlake_fhir_load_progress IS
'How far healthlake_fhir_load() has come, a row for each table, data store and role; another CALL goes on from there';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.id IS
'Number of the load';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.source IS
'The table';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.resource_column IS
'Its column of resources';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.datastore_id IS
'The data store that the resources are put into';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.outer_role IS
'The role that called, as SET ROLE had it, else as it had logged in';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress."current_role" IS
'The current role of that call';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.pass IS
'0 while all rows are sent; then one more for each look at what came since';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.sent IS
'How many resources AWS has taken in all passes; of a batch whose end was not recorded, those of its repetition count';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.started_at IS
'When the first call was';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.at IS
'When the row was changed';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.finished_at IS
'When nothing was left; null: the load is under way, or was interrupted';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.place IS
'The ctid up to which all rows are done in this pass; null: none is';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.part IS
'The table or partition of that ctid';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.looked IS
'What the pass before had seen: this one sends what is newer; null: all';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.seeing IS
'What this pass had seen when it began';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.files IS
'A number of the files that hold the rows: where they are others, the pass begins again';

CREATE TABLE @extschema@.healthlake_fhir_load_error (
	source pg_catalog.regclass NOT NULL,
	type pg_catalog.text,
	id pg_catalog.text,
	status pg_catalog.int4,
	code pg_catalog.text,
	expression pg_catalog.text,
	at pg_catalog.timestamptz NOT NULL,
	datastore_id pg_catalog.text NOT NULL,
	part pg_catalog.regclass NOT NULL,
	place pg_catalog.tid NOT NULL,
	load pg_catalog.int8 NOT NULL
		REFERENCES @extschema@.healthlake_fhir_load_progress (id)
		ON DELETE CASCADE,
	pass pg_catalog.int4 NOT NULL,
	outer_role pg_catalog.text NOT NULL,
	"current_role" pg_catalog.text NOT NULL
);

CREATE INDEX healthlake_fhir_load_error_place
	ON @extschema@.healthlake_fhir_load_error (load, pass, place);
CREATE INDEX healthlake_fhir_load_error_resource
	ON @extschema@.healthlake_fhir_load_error
	(load, (type OPERATOR(pg_catalog.||) '/' OPERATOR(pg_catalog.||) id));

REVOKE ALL ON TABLE @extschema@.healthlake_fhir_load_error FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_fhir_load_error FROM PUBLIC;

COMMENT ON TABLE @extschema@.healthlake_fhir_load_error IS
'The rows that healthlake_fhir_load() could not store: refused by AWS, or not sent at all';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.source IS
'The table that was loaded';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.type IS
'The resource''s type; null: it has none that is valid';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.id IS
'The resource''s id; null: it has none that is valid';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.status IS
'The HTTP status that AWS answered for it; null: it was not sent';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.code IS
'The code of the first issue, such as invalid, required or too-long';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.expression IS
'The element that the issue is about';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.at IS
'When it was refused';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.datastore_id IS
'The data store that it was for';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.part IS
'The table or partition that has the row';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.place IS
'The row''s ctid when it was read';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.load IS
'The load, in healthlake_fhir_load_progress';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.pass IS
'The pass that found it';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.outer_role IS
'The role that called, as SET ROLE had it, else as it had logged in';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error."current_role" IS
'The current role of that call';

ALTER TABLE @extschema@.healthlake_fhir_load_progress
	ENABLE ROW LEVEL SECURITY;

CREATE POLICY healthlake_fhir_load_progress_own
	ON @extschema@.healthlake_fhir_load_progress
	FOR SELECT USING (
		outer_role OPERATOR(pg_catalog.=)
			CASE WHEN pg_catalog.current_setting('role')
					OPERATOR(pg_catalog.=) 'none'
				THEN (SESSION_USER)::pg_catalog.text
				ELSE pg_catalog.current_setting('role')
			END
		OR "current_role" OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR pg_catalog.has_table_privilege(
			'@extschema@.healthlake_audit'::pg_catalog.regclass, 'SELECT'));

COMMENT ON POLICY healthlake_fhir_load_progress_own
	ON @extschema@.healthlake_fhir_load_progress IS
'A role sees its own loads; whoever may read healthlake_audit, all';

ALTER TABLE @extschema@.healthlake_fhir_load_error ENABLE ROW LEVEL SECURITY;

CREATE POLICY healthlake_fhir_load_error_own
	ON @extschema@.healthlake_fhir_load_error
	FOR SELECT USING (
		outer_role OPERATOR(pg_catalog.=)
			CASE WHEN pg_catalog.current_setting('role')
					OPERATOR(pg_catalog.=) 'none'
				THEN (SESSION_USER)::pg_catalog.text
				ELSE pg_catalog.current_setting('role')
			END
		OR "current_role" OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR pg_catalog.has_table_privilege(
			'@extschema@.healthlake_audit'::pg_catalog.regclass, 'SELECT'));

COMMENT ON POLICY healthlake_fhir_load_error_own
	ON @extschema@.healthlake_fhir_load_error IS
'A role sees what its own loads refused; whoever may read healthlake_audit, all';

CREATE PROCEDURE @extschema@.healthlake_fhir_load(
	source pg_catalog.regclass,
	resource_column pg_catalog.name DEFAULT 'resource',
	batch_size pg_catalog.int4 DEFAULT 100,
	restart pg_catalog.bool DEFAULT false,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL)
LANGUAGE C
AS 'MODULE_PATHNAME', 'healthlake_fhir_load';

REVOKE ALL ON PROCEDURE @extschema@.healthlake_fhir_load FROM PUBLIC;

COMMENT ON PROCEDURE @extschema@.healthlake_fhir_load IS
'Puts the resources of a table into a data store, in batches of which each is committed; another CALL goes on after an interruption, and sends what is new or changed after the end. healthlake_fhir_load_error has what was refused';

CREATE FUNCTION @extschema@.healthlake_fhir_read_many(
	type pg_catalog.text,
	ids pg_catalog.text[],
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS TABLE (
	ordinal pg_catalog.int4,
	id pg_catalog.text,
	status pg_catalog.int4,
	resource pg_catalog.jsonb,
	sqlstate pg_catalog.text,
	message pg_catalog.text
)
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_fhir_read_many';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_read_many
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_read_many IS
'Reads FHIR resources by their ids, up to healthlake.max_concurrency at a time: a row for each id, in order; one that is not there has neither resource nor sqlstate';

CREATE FUNCTION @extschema@.healthlake_fhir_update(
	resource pg_catalog.jsonb,
	if_match pg_catalog.text DEFAULT NULL,
	only_new pg_catalog.bool DEFAULT false,
	validation pg_catalog.text DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS @extschema@.healthlake_fhir_result
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_update';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_update
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_update IS
'Stores a FHIR resource under the id that it has; only if it still has the version if_match, or with only_new only if there is none';

CREATE FUNCTION @extschema@.healthlake_fhir_update_where(
	resource pg_catalog.jsonb,
	parameters pg_catalog.jsonb,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS @extschema@.healthlake_fhir_result
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_update_where';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_update_where
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_update_where IS
'Updates the FHIR resource that a search finds, or creates one where it finds none; the values of the search travel in the URL, and searches lag behind writes';

CREATE FUNCTION @extschema@.healthlake_fhir_patch(
	type pg_catalog.text,
	id pg_catalog.text,
	patch pg_catalog.jsonb,
	if_match pg_catalog.text DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS @extschema@.healthlake_fhir_result
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_patch';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_patch
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_patch IS
'Changes parts of a FHIR resource: an array is a JSON Patch, a Parameters resource a FHIRPath Patch';

CREATE FUNCTION @extschema@.healthlake_fhir_delete(
	type pg_catalog.text,
	id pg_catalog.text,
	if_match pg_catalog.text DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.bool
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_delete';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_delete
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_delete IS
'Deletes a FHIR resource; false where HealthLake says that there is none';

--
-- FHIRPath and ViewDefinitions over jsonb. These functions read nothing but
-- their arguments, so that everybody may execute them; the one that creates
-- a view has no more rights than its caller.
--

CREATE FUNCTION @extschema@.healthlake_fhirpath(
	resource pg_catalog.jsonb,
	path pg_catalog.text,
	constants pg_catalog.jsonb DEFAULT NULL
) RETURNS SETOF pg_catalog.jsonb
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 ROWS 2
AS 'MODULE_PATHNAME', 'healthlake_fhirpath';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath IS
'All values that a FHIRPath expression gives for a resource; constants are values for %name, as an object or as a ViewDefinition has them';

CREATE FUNCTION @extschema@.healthlake_fhirpath_text(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_text';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_text IS
'The first value that a FHIRPath expression gives, as text; NULL where there is none or it is complex';

CREATE FUNCTION @extschema@.healthlake_fhirpath_boolean(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.bool
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_boolean';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_boolean IS
'The first value that a FHIRPath expression gives, as boolean; NULL where there is none or it is no boolean';

CREATE FUNCTION @extschema@.healthlake_fhirpath_integer(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.int4
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_integer';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_integer IS
'The first value that a FHIRPath expression gives, as integer; NULL where there is none or it is no integer';

CREATE FUNCTION @extschema@.healthlake_fhirpath_numeric(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_numeric';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_numeric IS
'The first value that a FHIRPath expression gives, as numeric; NULL where there is none or it is no number';

CREATE FUNCTION @extschema@.healthlake_fhirpath_date(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.date
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_date';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_date IS
'The first value that a FHIRPath expression gives, as date; NULL where there is none or it is no date with a day';

CREATE FUNCTION @extschema@.healthlake_fhirpath_timestamptz(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_timestamptz';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_timestamptz IS
'The first value that a FHIRPath expression gives, as timestamptz: UTC where it has no zone, midnight where it has no time; NULL where there is none or it has no day';

CREATE FUNCTION @extschema@.healthlake_fhirpath_exists(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.bool
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_exists';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_exists IS
'Whether a FHIRPath expression gives any value for a resource';

CREATE FUNCTION @extschema@.healthlake_fhir_view(
	view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 2
AS 'MODULE_PATHNAME', 'healthlake_fhir_view';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_view IS
'The rows that a ViewDefinition makes of a resource; the list of columns is that of healthlake_fhir_view_columns()';

CREATE FUNCTION @extschema@.healthlake_fhir_view_rows(
	view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS SETOF pg_catalog.jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 2
AS 'MODULE_PATHNAME', 'healthlake_fhir_view_rows';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_view_rows IS
'The rows that a ViewDefinition makes of a resource, as jsonb objects';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.anyelement, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.anyelement
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column IS
'The value of a ViewDefinition''s only column, of the type of the first argument; for views that healthlake_fhir_create_view() makes';

CREATE FUNCTION @extschema@.healthlake_fhir_view_columns(view pg_catalog.jsonb)
RETURNS TABLE (
	name pg_catalog.text,
	type pg_catalog.text,
	collection pg_catalog.bool,
	path pg_catalog.text
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10
AS 'MODULE_PATHNAME', 'healthlake_fhir_view_columns';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_view_columns IS
'The columns of a ViewDefinition, in order, with their SQL types; raises all that is wrong with the view';

CREATE FUNCTION @extschema@.healthlake_fhir_create_view(
	name pg_catalog.text,
	view pg_catalog.jsonb,
	source pg_catalog.regclass,
	resource_column pg_catalog.name DEFAULT 'resource'
) RETURNS pg_catalog.regclass
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_fhir_create_view';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_create_view IS
'Creates an SQL view that makes the rows of a ViewDefinition of all resources of a table';

CREATE TYPE @extschema@.healthlake_fhir_entry AS (
	resource pg_catalog.jsonb,
	type pg_catalog.text,
	id pg_catalog.text,
	version_id pg_catalog.text,
	last_updated pg_catalog.timestamptz,
	mode pg_catalog.text
);

COMMENT ON TYPE @extschema@.healthlake_fhir_entry IS
'A resource that a search has found (mode match), or that came along (mode include)';

CREATE TYPE @extschema@.healthlake_fhir_version AS (
	resource pg_catalog.jsonb,
	type pg_catalog.text,
	id pg_catalog.text,
	version_id pg_catalog.text,
	last_updated pg_catalog.timestamptz,
	mode pg_catalog.text,
	deleted pg_catalog.bool
);

COMMENT ON TYPE @extschema@.healthlake_fhir_version IS
'A version of a resource; one that deleted it has no resource';

CREATE FUNCTION @extschema@.healthlake_fhir_search(
	type pg_catalog.text,
	parameters pg_catalog.jsonb DEFAULT '{}',
	max_rows pg_catalog.int8 DEFAULT NULL,
	page_size pg_catalog.int4 DEFAULT 100,
	strict pg_catalog.bool DEFAULT true,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS SETOF @extschema@.healthlake_fhir_entry
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_fhir_search';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_search
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_search IS
'Searches resources of a type, page after page; max_rows, or a LIMIT on a call in the target list, stops the fetching';

CREATE FUNCTION @extschema@.healthlake_fhir_count(
	type pg_catalog.text,
	parameters pg_catalog.jsonb DEFAULT '{}',
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_fhir_count';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_count
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_count IS
'Counts the resources that a search would find';

CREATE FUNCTION @extschema@.healthlake_fhir_escape(value pg_catalog.text)
RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'healthlake_fhir_escape';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_escape
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_escape IS
'A value for a search parameter, with a backslash before each \ $ , and | so that it means itself';

CREATE FUNCTION @extschema@.healthlake_fhir_everything(
	patient_id pg_catalog.text,
	start_date pg_catalog.date DEFAULT NULL,
	end_date pg_catalog.date DEFAULT NULL,
	since pg_catalog.timestamptz DEFAULT NULL,
	types pg_catalog.text[] DEFAULT NULL,
	max_rows pg_catalog.int8 DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS SETOF @extschema@.healthlake_fhir_entry
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_fhir_everything';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_everything
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_everything IS
'Lists a patient and all that refers to the patient (operation $everything), page after page';

CREATE FUNCTION @extschema@.healthlake_fhir_history(
	type pg_catalog.text DEFAULT NULL,
	id pg_catalog.text DEFAULT NULL,
	since pg_catalog.timestamptz DEFAULT NULL,
	max_rows pg_catalog.int8 DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS SETOF @extschema@.healthlake_fhir_version
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_fhir_history';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_history
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_history IS
'Lists versions of a resource, of all resources of a type, or of the data store, page after page';

CREATE FUNCTION @extschema@.healthlake_fhir_delete_where(
	type pg_catalog.text,
	parameters pg_catalog.jsonb,
	max_rows pg_catalog.int4,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_delete_where';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_delete_where
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_delete_where IS
'Deletes the resources that a search finds, each by itself, and counts them; nothing where it finds more than max_rows';

CREATE FUNCTION @extschema@.healthlake_fhir_operation(
	path pg_catalog.text,
	parameters pg_catalog.jsonb DEFAULT NULL,
	method pg_catalog.text DEFAULT 'POST',
	timeout pg_catalog.interval DEFAULT '10 min',
	poll_interval pg_catalog.interval DEFAULT '2 s',
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_operation';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_operation
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_operation IS
'Performs a FHIR operation by its path, such as Patient/$member-match, and waits for one that AWS performs asynchronously';

CREATE FUNCTION @extschema@.healthlake_fhir_validate(
	resource pg_catalog.jsonb,
	profile pg_catalog.text DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS TABLE (
	severity pg_catalog.text,
	code pg_catalog.text,
	path pg_catalog.text,
	diagnostics pg_catalog.text
)
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 10
AS 'MODULE_PATHNAME', 'healthlake_fhir_validate';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_validate
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_validate IS
'Lists what HealthLake finds wrong with a resource (operation $validate); stores nothing';

CREATE FUNCTION @extschema@.healthlake_fhir_capabilities(
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS TABLE (
	type pg_catalog.text,
	interactions pg_catalog.text[],
	search_parameters pg_catalog.jsonb
)
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'healthlake_fhir_capabilities';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_capabilities
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_capabilities IS
'Lists the resource types of a data store, what can be done with each, and its search parameters with their types';
