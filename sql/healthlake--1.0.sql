/* healthlake 1.0: AWS HealthLake from SQL */

\echo Use "CREATE EXTENSION healthlake" to load this file. \quit

--
-- Every name below is schema-qualified, and every object is new. Nothing is
-- granted to PUBLIC, since a role that may EXECUTE a function uses the
-- credentials of the server. The FHIRPath functions at the end are the
-- exception: they use no credentials.
--

CREATE TYPE @extschema@.healthlake_datastore AS (
	id pg_catalog.text,
	arn pg_catalog.text,
	status pg_catalog.text,
	endpoint pg_catalog.text
);

REVOKE ALL ON TYPE @extschema@.healthlake_datastore FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_datastore IS
'A data store, with the members of the reply to AWS CreateFHIRDatastore';

CREATE FUNCTION @extschema@.healthlake_support(pg_catalog.internal)
RETURNS pg_catalog.internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'healthlake_support';

REVOKE ALL ON FUNCTION @extschema@.healthlake_support(pg_catalog.internal)
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_support(pg_catalog.internal) IS
'Planner support function: rejects statements whose plan would execute one changing call several times, or for a row that is dropped';

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

REVOKE ALL ON TYPE @extschema@.healthlake_datastore_properties FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_datastore_properties IS
'The description of a data store; the column properties is the complete reply, including members that have no column in this version';

CREATE TYPE @extschema@.healthlake_ensured_datastore AS (
	id pg_catalog.text,
	arn pg_catalog.text,
	status pg_catalog.text,
	endpoint pg_catalog.text,
	created pg_catalog.bool
);

REVOKE ALL ON TYPE @extschema@.healthlake_ensured_datastore FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_ensured_datastore IS
'An existing data store, and whether this call created it';

CREATE TYPE @extschema@.healthlake_job AS (
	job_id pg_catalog.text,
	status pg_catalog.text,
	datastore_id pg_catalog.text
);

REVOKE ALL ON TYPE @extschema@.healthlake_job FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_job IS
'A job that was started';

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

REVOKE ALL ON TYPE @extschema@.healthlake_import_job_properties FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_import_job_properties IS
'The description of an import job';

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

REVOKE ALL ON TYPE @extschema@.healthlake_export_job_properties FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_export_job_properties IS
'The description of an export job';

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

REVOKE ALL ON TYPE @extschema@.healthlake_transformation_job_properties FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_transformation_job_properties IS
'The description of a data transformation job';

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

REVOKE ALL ON TYPE @extschema@.healthlake_transformation_profile FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_transformation_profile IS
'A data transformation profile; members that the operation does not return are null';

CREATE TYPE @extschema@.healthlake_deleted_transformation_profile AS (
	profile_id pg_catalog.text,
	profile_name pg_catalog.text,
	deletion_time pg_catalog.timestamptz,
	properties pg_catalog.jsonb
);

REVOKE ALL ON TYPE @extschema@.healthlake_deleted_transformation_profile FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_deleted_transformation_profile IS
'A data transformation profile that was deleted';

CREATE TYPE @extschema@.healthlake_agent_event AS (
	event pg_catalog.text,
	message pg_catalog.text,
	options pg_catalog.text[],
	conversation_id pg_catalog.text
);

REVOKE ALL ON TYPE @extschema@.healthlake_agent_event FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_agent_event IS
'An event in the reply of the agent that edits data transformation profiles';

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
'Changes a data store (AWS UpdateFHIRDatastore); a null argument changes nothing. AWS replaces the configuration of identity provider, profiles or backup as a whole, so a partly given one is completed from the current one, which is read first; a concurrent change to it is overwritten. To remove a member, send the structure without it by healthlake_call()';

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
'Creates a data store from a restore point of another one (AWS RestoreFHIRDatastore), billed by the hour until it is deleted; the encryption key and the SMART configuration are not copied from the source';

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
'Deletes a data store with all its data (AWS DeleteFHIRDatastore); confirm_name must be its current name';

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
'Describes a data store (AWS DescribeFHIRDatastore)';

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
'Lists data stores (AWS ListFHIRDatastores), page by page; max_rows, or a LIMIT on a call in the target list, stops the fetching';

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
'Sets tags of a data store or profile (AWS TagResource), given as {"key": "value"} or as a list of keys and values';

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
'Removes tags from a data store or profile (AWS UntagResource)';

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
'Starts an import of FHIR data from S3 into a data store (AWS StartFHIRImportJob)';

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
'Describes an import job with its status and progress (AWS DescribeFHIRImportJob)';

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
'Lists the import jobs of a data store (AWS ListFHIRImportJobs), page by page';

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
'Starts an export of a data store to S3 (AWS StartFHIRExportJob)';

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
'Describes an export job with its status (AWS DescribeFHIRExportJob)';

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
'Lists the export jobs of a data store (AWS ListFHIRExportJobs), page by page';

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
'Creates a data transformation profile (AWS CreateDataTransformationProfile) from exactly one of a starter profile, an existing profile, a mapping, and sample data';

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
'Returns a data transformation profile with its mapping (AWS GetDataTransformationProfile)';

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
'Lists data transformation profiles (AWS ListDataTransformationProfiles), page by page';

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
'Lists the versions of a data transformation profile (AWS ListDataTransformationProfileVersions), page by page';

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
'Publishes a version of a data transformation profile (AWS PublishDataTransformationProfile); has no client token, so check its outcome before you repeat it';

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
'Sends a message to the agent that edits a data transformation profile (AWS UpdateProfileWithAgent) and returns a row for each event of its reply; texts and progress are also reported as NOTICE when they arrive. Has no client token, so check its outcome before you repeat it';

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
'Starts a data transformation job (AWS StartDataTransformationJob); a null client token is replaced by a generated one, which AWS itself does not do';

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
'Describes a data transformation job with its status (AWS DescribeDataTransformationJob)';

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
'Lists data transformation jobs (AWS ListDataTransformationJobs), page by page';

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
'Waits until a data store is ACTIVE or DELETED, and returns the last description; holds the snapshot of its statement meanwhile, which CALL healthlake_await_datastore does not';

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
'Waits until an import is complete, and returns the last description; holds the snapshot of its statement meanwhile, which CALL healthlake_await_import_job does not';

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
'Waits until an export is complete, and returns the last description; holds the snapshot of its statement meanwhile, which CALL healthlake_await_export_job does not';

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
'Waits until a data transformation job is complete, and returns the last description; holds the snapshot of its statement meanwhile, which CALL healthlake_await_transformation_job does not';

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
'Returns the one live data store of that name, or creates it if there is none, neither in AWS''s list nor in the recent history; sessions of this database are serialized, those of other databases and machines are not';

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
'Performs any operation by its AWS name, with a request and a reply in AWS members; also requires EXECUTE on the function of the operation';

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
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_call_many';

REVOKE ALL ON FUNCTION @extschema@.healthlake_call_many
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_call_many IS
'Performs an operation once for each request, up to healthlake.max_concurrency at a time, and returns a row for each, in order; sqlstate is null for a success. An invalid request is an error before anything is sent; a failure of AWS or the network is a row. Also requires EXECUTE on the function of the operation';

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
'Describes several data stores, a row for each, in order; up to healthlake.max_concurrency requests are in flight';

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
'Lists the operations and their members: a row for each argument, with its names in SQL, in AWS and in the AWS CLI';

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
'Shows what a call would send, without sending it; signature, session token and sensitive members are masked';

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
'Checks what a call requires (region, endpoint, name lookup, TLS, clock, credentials) and reports where secrets are exposed';

CREATE FUNCTION @extschema@.healthlake_grant(
	to_role pg_catalog.regrole,
	VARIADIC what pg_catalog.text[]
) RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_grant';

REVOKE ALL ON FUNCTION @extschema@.healthlake_grant
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_grant IS
'Grants a role USAGE on the schema, EXECUTE on the functions that read, create, manage, delete or audit, and SELECT on the related tables and views';

CREATE FUNCTION @extschema@.healthlake_revoke(
	from_role pg_catalog.regrole,
	VARIADIC what pg_catalog.text[]
) RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_revoke';

REVOKE ALL ON FUNCTION @extschema@.healthlake_revoke
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_revoke IS
'Revokes from a role what healthlake_grant() granted, except what another privilege word that the role still has includes too';

CREATE FUNCTION @extschema@.healthlake_version() RETURNS pg_catalog.text
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'healthlake_version';

REVOKE ALL ON FUNCTION @extschema@.healthlake_version() FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_version() IS
'The version of the loaded library; ALTER EXTENSION healthlake UPDATE updates the functions to it';

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
'The last call to AWS by this role in this session and its outcome: succeeded, failed or unknown; also available after its transaction was aborted';

--
-- The queue: requests that are stored first and sent later. No role is granted
-- DML on this table or on the history below; the extension's C code switches
-- to the owner for each statement.
--

CREATE FUNCTION @extschema@.healthlake_home() RETURNS pg_catalog.text
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'healthlake_home';

REVOKE ALL ON FUNCTION @extschema@.healthlake_home() FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_home() IS
'The home of requests that are made in this database: the system identifier of the cluster and the OID of the database';

-- lanes are found in an order that no upgrade of a locale changes
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
	session_role pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
	outer_role pg_catalog.text COLLATE pg_catalog."C",
	"current_role" pg_catalog.text NOT NULL,
	client_addr pg_catalog.inet,
	application_name pg_catalog.text,
	requested_at pg_catalog.timestamptz NOT NULL
		DEFAULT pg_catalog.clock_timestamp(),
	run_after pg_catalog.timestamptz,
	first_sent_at pg_catalog.timestamptz,
	unsettled_since pg_catalog.timestamptz,
	looked_at pg_catalog.timestamptz,
	looked pg_catalog.bool NOT NULL DEFAULT false,
	failed_looks pg_catalog.int4 NOT NULL DEFAULT 0,
	unusable_looks pg_catalog.int4 NOT NULL DEFAULT 0,
	announced pg_catalog.bool NOT NULL DEFAULT false,
	lease_until pg_catalog.timestamptz,
	lease_holder pg_catalog.int8,
	claim pg_catalog.int8,
	finished_at pg_catalog.timestamptz,
	duration pg_catalog."interval",
	fence pg_catalog.text COLLATE pg_catalog."C" NOT NULL DEFAULT '',
	timeline pg_catalog.int4 NOT NULL DEFAULT 0,
	home pg_catalog.text COLLATE pg_catalog."C" NOT NULL DEFAULT @extschema@.healthlake_home(),
	kind pg_catalog.text COLLATE pg_catalog."C" NOT NULL DEFAULT '',
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

COMMENT ON SEQUENCE @extschema@.healthlake_request_id_seq IS
'Ids of the requests in healthlake_request';
COMMENT ON TABLE @extschema@.healthlake_request IS
'The queue: requests to AWS HealthLake that are sent after their transaction has committed; healthlake_event has their history';
COMMENT ON COLUMN @extschema@.healthlake_request.id IS
'Id as returned by healthlake_enqueue(); the payload of the notification on channel healthlake';
COMMENT ON COLUMN @extschema@.healthlake_request.operation IS
'AWS name of the operation';
COMMENT ON COLUMN @extschema@.healthlake_request.request IS
'The members of the request, without the client token; requests with sensitive members are refused';
COMMENT ON COLUMN @extschema@.healthlake_request.client_token IS
'Client token; it is the same in every attempt, so that AWS recognizes repetitions';
COMMENT ON COLUMN @extschema@.healthlake_request.request_hash IS
'SHA-256 of the request; checked before it is sent';
COMMENT ON COLUMN @extschema@.healthlake_request.state IS
'queued; running (sent, or waiting for the status in "until"); succeeded, failed or cancelled; or unknown, to be resolved by a person';
COMMENT ON COLUMN @extschema@.healthlake_request.origin IS
'queue: the request was enqueued';
COMMENT ON COLUMN @extschema@.healthlake_request.retry_of IS
'Id of the request that this one retries';
COMMENT ON COLUMN @extschema@.healthlake_request.reference IS
'Key of your own, for writing the result back to your tables';
COMMENT ON COLUMN @extschema@.healthlake_request.until IS
'Status that the data store or job must reach before the request counts as succeeded';
COMMENT ON COLUMN @extschema@.healthlake_request.attempts IS
'Number of attempts to send it that were begun';
COMMENT ON COLUMN @extschema@.healthlake_request.response IS
'Reply of AWS, or with "until" the last description; sensitive members are masked';
COMMENT ON COLUMN @extschema@.healthlake_request.datastore_id IS
'Data store that the request created or refers to';
COMMENT ON COLUMN @extschema@.healthlake_request.job_id IS
'Job that the request started';
COMMENT ON COLUMN @extschema@.healthlake_request.error_sqlstate IS
'SQLSTATE of the last failure, the same that a call in a session raises';
COMMENT ON COLUMN @extschema@.healthlake_request.error_code IS
'AWS error code of the last failure';
COMMENT ON COLUMN @extschema@.healthlake_request.error_message IS
'Message of the last failure';
COMMENT ON COLUMN @extschema@.healthlake_request.aws_request_id IS
'AWS request id of the last attempt';
COMMENT ON COLUMN @extschema@.healthlake_request.account IS
'AWS account number, once a reply has contained it';
COMMENT ON COLUMN @extschema@.healthlake_request.region IS
'AWS region in effect when the request was made';
COMMENT ON COLUMN @extschema@.healthlake_request.endpoint IS
'Endpoint of the request; a server that is configured for another endpoint does not send it';
COMMENT ON COLUMN @extschema@.healthlake_request.session_role IS
'The role that logged in (session_user)';
COMMENT ON COLUMN @extschema@.healthlake_request.outer_role IS
'Role set by SET ROLE; null means session_role. The request belongs to it and to "current_role"';
COMMENT ON COLUMN @extschema@.healthlake_request."current_role" IS
'Role in effect (current_user); its privileges are checked again before the request is sent';
COMMENT ON COLUMN @extschema@.healthlake_request.client_addr IS
'Address of the client; null for a Unix-domain socket or a background worker';
COMMENT ON COLUMN @extschema@.healthlake_request.application_name IS
'application_name of the session';
COMMENT ON COLUMN @extschema@.healthlake_request.requested_at IS
'Time at which the request was enqueued';
COMMENT ON COLUMN @extschema@.healthlake_request.run_after IS
'Earliest time of the next send, retry or poll';
COMMENT ON COLUMN @extschema@.healthlake_request.first_sent_at IS
'Time of the first attempt; AWS may have received the request since';
COMMENT ON COLUMN @extschema@.healthlake_request.unsettled_since IS
'Time since which the outcome of an attempt is uncertain; null if none is';
COMMENT ON COLUMN @extschema@.healthlake_request.looked_at IS
'Time of the last search of AWS for what the request may have created';
COMMENT ON COLUMN @extschema@.healthlake_request.looked IS
'Whether AWS was searched after the last attempt of unknown outcome';
COMMENT ON COLUMN @extschema@.healthlake_request.failed_looks IS
'Number of searches of AWS for it that have failed, since the last one that has not';
COMMENT ON COLUMN @extschema@.healthlake_request.unusable_looks IS
'Number of these, the last ones in succession, whose reply could not be used';
COMMENT ON COLUMN @extschema@.healthlake_request.announced IS
'Whether the last attempt was throttled or has not left the server; its event "sent" counts for the next one';
COMMENT ON COLUMN @extschema@.healthlake_request.lease_until IS
'Time at which the lease of lease_holder ends';
COMMENT ON COLUMN @extschema@.healthlake_request.lease_holder IS
'Worker or session that has claimed the request; the lease ends with its process';
COMMENT ON COLUMN @extschema@.healthlake_request.claim IS
'Number of the last claim of the request; only what that claim has sent is recorded';
COMMENT ON COLUMN @extschema@.healthlake_request.finished_at IS
'Time at which the request was finished';
COMMENT ON COLUMN @extschema@.healthlake_request.duration IS
'Time from the first attempt to the end';
COMMENT ON COLUMN @extschema@.healthlake_request.fence IS
'healthlake.fence of the server that the request belongs to; a server with another fence never sends it';
COMMENT ON COLUMN @extschema@.healthlake_request.timeline IS
'Timeline of the server when the request was enqueued or last searched for; on a later timeline AWS is searched before it is sent. 0 if it was taken over from another fence';
COMMENT ON COLUMN @extschema@.healthlake_request.home IS
'Cluster and database in which the request was made, as returned by healthlake_home(); elsewhere it is only searched for, never sent';
COMMENT ON COLUMN @extschema@.healthlake_request.kind IS
'What the operation means: create, update, delete, tag, import, export, transformation, fhir or read';
COMMENT ON COLUMN @extschema@.healthlake_request.note IS
'Remark on the outcome: how it was determined, or the note of the person who resolved the request';
COMMENT ON COLUMN @extschema@.healthlake_request.resolved_by IS
'Role that resolved the request';
COMMENT ON COLUMN @extschema@.healthlake_request.resolved_at IS
'Time at which the request was resolved';
COMMENT ON COLUMN @extschema@.healthlake_request.resource_type IS
'Type of the FHIR resource; null for a bundle and for requests that are not FHIR requests';
COMMENT ON COLUMN @extschema@.healthlake_request.resource_id IS
'Id of the FHIR resource; null until the request has succeeded if HealthLake assigns ids of this type';
COMMENT ON COLUMN @extschema@.healthlake_request.resources IS
'Resources that a bundle writes, as type/id';
COMMENT ON COLUMN @extschema@.healthlake_request.version_id IS
'Version of the FHIR resource that the request created';
COMMENT ON COLUMN @extschema@.healthlake_request.body IS
'Body of a FHIR request; removed when the request succeeds or is cancelled, resolved or retried';
COMMENT ON COLUMN @extschema@.healthlake_request.body_sha256 IS
'SHA-256 of the body; checked before it is sent, and kept when the body is removed';
COMMENT ON COLUMN @extschema@.healthlake_request.guard IS
'After an attempt of unknown outcome, the version that the resource had before it, or * for none; the request is repeated only for that version';

-- requests to be sent, by role and kind; requests to be polled, by role
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
-- requests that need attention
CREATE INDEX healthlake_request_tried ON @extschema@.healthlake_request
	(attempts, run_after)
	WHERE state OPERATOR(pg_catalog.=) ANY
			('{queued,running}'::pg_catalog.text[])
		AND run_after IS NOT NULL AND response IS NULL;
CREATE INDEX healthlake_request_sought ON @extschema@.healthlake_request
	(failed_looks) WHERE state OPERATOR(pg_catalog.=) ANY
			('{queued,running}'::pg_catalog.text[])
		AND failed_looks OPERATOR(pg_catalog.>) 2;
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
-- the order of the requests of a FHIR resource; a bundle writes several
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
-- a user's column of the row type would block ALTER and DROP of the table
REVOKE ALL ON TYPE @extschema@.healthlake_request FROM PUBLIC;

--
-- The history. Rows are inserted by the extension's C code, never updated, and
-- deleted only by healthlake_purge_requests(). Ids of different homes do not
-- collide, so that rows can be replicated.
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
	note pg_catalog.text,
	resource_count pg_catalog.int8,
	resources pg_catalog._text,
	patients pg_catalog._text
);

COMMENT ON SEQUENCE @extschema@.healthlake_event_id_seq IS
'Ids of the events in healthlake_event';
COMMENT ON TABLE @extschema@.healthlake_event IS
'The history of queued requests, of calls that change something, and of what healthlake.audit_reads accounts for: append-only, deleted by healthlake_purge_requests() once healthlake.audit_retention allows it';
COMMENT ON COLUMN @extschema@.healthlake_event.id IS
'Id of the event; ascending within one home';
COMMENT ON COLUMN @extschema@.healthlake_event.home IS
'Cluster and database in which the request or call was made, as returned by healthlake_home()';
COMMENT ON COLUMN @extschema@.healthlake_event.request_id IS
'Id of the queued request; for a durable call, the id of its event "sent"; otherwise null';
COMMENT ON COLUMN @extschema@.healthlake_event.at IS
'Time at which the event was written';
COMMENT ON COLUMN @extschema@.healthlake_event.event IS
'enqueued, sent, replied, retried, cancelled, resolved, adopted or purged; for a durable call also interrupted or rolled_back';
COMMENT ON COLUMN @extschema@.healthlake_event.origin IS
'queue for a queued request, call for a call made by a session';
COMMENT ON COLUMN @extschema@.healthlake_event.operation IS
'AWS name of the operation';
COMMENT ON COLUMN @extschema@.healthlake_event.kind IS
'What the operation means: create, update, delete, tag, import, export, transformation, fhir or read';
COMMENT ON COLUMN @extschema@.healthlake_event.request IS
'The members of the request, without the client token; sensitive ones are masked; of a FHIR request method, path, resource and names of search parameters, never a value';
COMMENT ON COLUMN @extschema@.healthlake_event.client_token IS
'Client token; it is the same in every attempt';
COMMENT ON COLUMN @extschema@.healthlake_event.region IS
'AWS region';
COMMENT ON COLUMN @extschema@.healthlake_event.endpoint IS
'Endpoint';
COMMENT ON COLUMN @extschema@.healthlake_event.account IS
'AWS account number, if known';
COMMENT ON COLUMN @extschema@.healthlake_event.datastore_id IS
'Data store that was created or that the request names';
COMMENT ON COLUMN @extschema@.healthlake_event.job_id IS
'Job that was started';
COMMENT ON COLUMN @extschema@.healthlake_event.transaction IS
'Transaction or subtransaction of a call; null for a durable record of a read';
COMMENT ON COLUMN @extschema@.healthlake_event.session_role IS
'The role that logged in (session_user)';
COMMENT ON COLUMN @extschema@.healthlake_event.outer_role IS
'Role set by SET ROLE; null means session_role. The event belongs to it and to "current_role"';
COMMENT ON COLUMN @extschema@.healthlake_event."current_role" IS
'Role in effect (current_user), such as the owner of a SECURITY DEFINER function';
COMMENT ON COLUMN @extschema@.healthlake_event.client_addr IS
'Address of the client; null for a Unix-domain socket or a background worker';
COMMENT ON COLUMN @extschema@.healthlake_event.application_name IS
'application_name of the session';
COMMENT ON COLUMN @extschema@.healthlake_event.outcome IS
'succeeded, failed or unknown; for "resolved", the state that was set';
COMMENT ON COLUMN @extschema@.healthlake_event.aws_request_id IS
'AWS request id of the reply';
COMMENT ON COLUMN @extschema@.healthlake_event.error_code IS
'AWS error code, or the SQLSTATE if there is none';
COMMENT ON COLUMN @extschema@.healthlake_event.error_message IS
'What the failure said';
COMMENT ON COLUMN @extschema@.healthlake_event.attempts IS
'Number of attempts to send it that were begun';
COMMENT ON COLUMN @extschema@.healthlake_event.duration IS
'Time that the call took, or the attempt of a queued request';
COMMENT ON COLUMN @extschema@.healthlake_event.note IS
'Remark: how a data store was found, which request this one retries, or the note of the person who resolved the request';
COMMENT ON COLUMN @extschema@.healthlake_event.resource_count IS
'How many FHIR resources the reply had, where healthlake.audit_reads requires it';
COMMENT ON COLUMN @extschema@.healthlake_event.resources IS
'Type and id of them, each once, at most 1,000';
COMMENT ON COLUMN @extschema@.healthlake_event.patients IS
'Ids of the patients among all of them, of those to whom they refer, and of those whom the request names, each once';

CREATE INDEX healthlake_event_request ON @extschema@.healthlake_event
	(request_id) WHERE request_id IS NOT NULL;
CREATE INDEX healthlake_event_datastore ON @extschema@.healthlake_event
	(datastore_id) WHERE datastore_id IS NOT NULL;
CREATE INDEX healthlake_event_job ON @extschema@.healthlake_event
	(job_id) WHERE job_id IS NOT NULL;
CREATE INDEX healthlake_event_rolled_back ON @extschema@.healthlake_event
	(at) WHERE event OPERATOR(pg_catalog.=) 'rolled_back';
CREATE INDEX healthlake_event_created ON @extschema@.healthlake_event
	(at) WHERE kind OPERATOR(pg_catalog.=) ANY
			('{create,delete}'::pg_catalog.text[]);
CREATE INDEX healthlake_event_patients ON @extschema@.healthlake_event
	USING gin (patients) WHERE patients IS NOT NULL;
CREATE INDEX healthlake_event_at ON @extschema@.healthlake_event
	USING brin (at) WITH (autosummarize = on);

REVOKE ALL ON TABLE @extschema@.healthlake_event FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_event FROM PUBLIC;

CREATE VIEW @extschema@.healthlake_audit WITH (security_barrier = true) AS
	SELECT e.* FROM @extschema@.healthlake_event AS e;

REVOKE ALL ON TABLE @extschema@.healthlake_audit FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_audit FROM PUBLIC;

COMMENT ON VIEW @extschema@.healthlake_audit IS
'The complete history; SELECT on this view also allows a role to see the events and requests of all roles in healthlake_event and healthlake_request';
COMMENT ON COLUMN @extschema@.healthlake_audit.id IS
'Id of the event; ascending within one home';
COMMENT ON COLUMN @extschema@.healthlake_audit.home IS
'Cluster and database in which the request or call was made, as returned by healthlake_home()';
COMMENT ON COLUMN @extschema@.healthlake_audit.request_id IS
'Id of the queued request; for a durable call, the id of its event "sent"; otherwise null';
COMMENT ON COLUMN @extschema@.healthlake_audit.at IS
'Time at which the event was written';
COMMENT ON COLUMN @extschema@.healthlake_audit.event IS
'enqueued, sent, replied, retried, cancelled, resolved, adopted or purged; for a durable call also interrupted or rolled_back';
COMMENT ON COLUMN @extschema@.healthlake_audit.origin IS
'queue for a queued request, call for a call made by a session';
COMMENT ON COLUMN @extschema@.healthlake_audit.operation IS
'AWS name of the operation';
COMMENT ON COLUMN @extschema@.healthlake_audit.kind IS
'What the operation means: create, update, delete, tag, import, export, transformation, fhir or read';
COMMENT ON COLUMN @extschema@.healthlake_audit.request IS
'The members of the request, without the client token; sensitive ones are masked; of a FHIR request method, path, resource and names of search parameters, never a value';
COMMENT ON COLUMN @extschema@.healthlake_audit.client_token IS
'Client token; it is the same in every attempt';
COMMENT ON COLUMN @extschema@.healthlake_audit.region IS
'AWS region';
COMMENT ON COLUMN @extschema@.healthlake_audit.endpoint IS
'Endpoint';
COMMENT ON COLUMN @extschema@.healthlake_audit.account IS
'AWS account number, if known';
COMMENT ON COLUMN @extschema@.healthlake_audit.datastore_id IS
'Data store that was created or that the request names';
COMMENT ON COLUMN @extschema@.healthlake_audit.job_id IS
'Job that was started';
COMMENT ON COLUMN @extschema@.healthlake_audit.transaction IS
'Transaction or subtransaction of a call; null for a durable record of a read';
COMMENT ON COLUMN @extschema@.healthlake_audit.session_role IS
'The role that logged in (session_user)';
COMMENT ON COLUMN @extschema@.healthlake_audit.outer_role IS
'Role set by SET ROLE; null means session_role. The event belongs to it and to "current_role"';
COMMENT ON COLUMN @extschema@.healthlake_audit."current_role" IS
'Role in effect (current_user), such as the owner of a SECURITY DEFINER function';
COMMENT ON COLUMN @extschema@.healthlake_audit.client_addr IS
'Address of the client; null for a Unix-domain socket or a background worker';
COMMENT ON COLUMN @extschema@.healthlake_audit.application_name IS
'application_name of the session';
COMMENT ON COLUMN @extschema@.healthlake_audit.outcome IS
'succeeded, failed or unknown; for "resolved", the state that was set';
COMMENT ON COLUMN @extschema@.healthlake_audit.aws_request_id IS
'AWS request id of the reply';
COMMENT ON COLUMN @extschema@.healthlake_audit.error_code IS
'AWS error code, or the SQLSTATE if there is none';
COMMENT ON COLUMN @extschema@.healthlake_audit.error_message IS
'What the failure said';
COMMENT ON COLUMN @extschema@.healthlake_audit.attempts IS
'Number of attempts to send it that were begun';
COMMENT ON COLUMN @extschema@.healthlake_audit.duration IS
'Time that the call took, or the attempt of a queued request';
COMMENT ON COLUMN @extschema@.healthlake_audit.note IS
'Remark: how a data store was found, which request this one retries, or the note of the person who resolved the request';
COMMENT ON COLUMN @extschema@.healthlake_audit.resource_count IS
'How many FHIR resources the reply had, where healthlake.audit_reads requires it';
COMMENT ON COLUMN @extschema@.healthlake_audit.resources IS
'Type and id of them, each once, at most 1,000';
COMMENT ON COLUMN @extschema@.healthlake_audit.patients IS
'Ids of the patients among all of them, of those to whom they refer, and of those whom the request names, each once';

ALTER TABLE @extschema@.healthlake_request ENABLE ROW LEVEL SECURITY;

CREATE POLICY healthlake_request_own ON @extschema@.healthlake_request
	FOR SELECT USING (
		coalesce(outer_role, session_role) OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR "current_role" OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR pg_catalog.has_table_privilege(
			'@extschema@.healthlake_audit'::pg_catalog.regclass, 'SELECT'));

COMMENT ON POLICY healthlake_request_own ON @extschema@.healthlake_request IS
'A role sees its own requests, and all requests if it may read healthlake_audit';

ALTER TABLE @extschema@.healthlake_event ENABLE ROW LEVEL SECURITY;

CREATE POLICY healthlake_event_own ON @extschema@.healthlake_event
	FOR SELECT USING (
		coalesce(outer_role, session_role) OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR "current_role" OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR pg_catalog.has_table_privilege(
			'@extschema@.healthlake_audit'::pg_catalog.regclass, 'SELECT'));

COMMENT ON POLICY healthlake_event_own ON @extschema@.healthlake_event IS
'A role sees its own events, and all events if it may read healthlake_audit';

CREATE FUNCTION @extschema@.healthlake_protect_event()
RETURNS pg_catalog.trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'healthlake_protect_event';

REVOKE ALL ON FUNCTION @extschema@.healthlake_protect_event() FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_protect_event() IS
'Prevents changes to the history';

CREATE TRIGGER healthlake_event_protect
	BEFORE UPDATE OR DELETE ON @extschema@.healthlake_event
	FOR EACH ROW EXECUTE FUNCTION @extschema@.healthlake_protect_event();
CREATE TRIGGER healthlake_event_protect_all
	BEFORE TRUNCATE ON @extschema@.healthlake_event
	FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.healthlake_protect_event();

COMMENT ON TRIGGER healthlake_event_protect ON @extschema@.healthlake_event IS
'Prevents changes to the history, except deletion by healthlake_purge_requests()';
COMMENT ON TRIGGER healthlake_event_protect_all
	ON @extschema@.healthlake_event IS
'Prevents changes to the history, except deletion by healthlake_purge_requests()';

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
'Whether the worker or session with this number is still running, so that its leases are valid; used by the statements of the queue';

CREATE FUNCTION @extschema@.healthlake_protect_request()
RETURNS pg_catalog.trigger
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'healthlake_protect_request';

REVOKE ALL ON FUNCTION @extschema@.healthlake_protect_request() FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_protect_request() IS
'Prevents changes to finished requests';

CREATE TRIGGER healthlake_request_protect
	BEFORE UPDATE OR DELETE ON @extschema@.healthlake_request
	FOR EACH ROW EXECUTE FUNCTION @extschema@.healthlake_protect_request();
CREATE TRIGGER healthlake_request_protect_all
	BEFORE TRUNCATE ON @extschema@.healthlake_request
	FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.healthlake_protect_request();

COMMENT ON TRIGGER healthlake_request_protect
	ON @extschema@.healthlake_request IS
'Allows only the functions of the extension to change finished requests';
COMMENT ON TRIGGER healthlake_request_protect_all
	ON @extschema@.healthlake_request IS
'Allows only the functions of the extension to change finished requests';

-- a dump contains only finished requests, so that a restored copy sends nothing
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
'Day of the event in the time zone of the session';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores.session_role IS
'The role that logged in (session_user)';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores."current_role" IS
'Role in effect (current_user), such as the owner of a SECURITY DEFINER function';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores.region IS
'AWS region';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores.datastores IS
'Number of data stores that were created';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores.rolled_back IS
'Number of them whose transaction was rolled back';
COMMENT ON COLUMN @extschema@.healthlake_created_datastores.datastore_ids IS
'Their ids, oldest first';

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
			WHEN r.failed_looks OPERATOR(pg_catalog.>) 2
				THEN 'what has become of it cannot be found out: see its error, or look, then call healthlake_resolve_request()'
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
							'15 minutes'::pg_catalog."interval"))))
		OR (r.state OPERATOR(pg_catalog.=) ANY
				('{queued,running}'::pg_catalog.text[])
			AND r.failed_looks OPERATOR(pg_catalog.>) 2
			AND r.requested_at OPERATOR(pg_catalog.<)
				(pg_catalog.now() OPERATOR(pg_catalog.-)
					'15 minutes'::pg_catalog."interval"));

REVOKE ALL ON TABLE @extschema@.healthlake_stuck_requests FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_stuck_requests FROM PUBLIC;

COMMENT ON VIEW @extschema@.healthlake_stuck_requests IS
'Requests that need attention: of unknown outcome, of another server, or making no progress';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.id IS
'Id as returned by healthlake_enqueue(); the payload of the notification on channel healthlake';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.operation IS
'AWS name of the operation';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.state IS
'queued; running (sent, or waiting for the status in "until"); succeeded, failed or cancelled; or unknown, to be resolved by a person';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.origin IS
'queue: the request was enqueued';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.session_role IS
'The role that logged in (session_user)';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.reference IS
'Key of your own, for writing the result back to your tables';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.client_token IS
'Client token; it is the same in every attempt, so that AWS recognizes repetitions';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.datastore_id IS
'Data store that the request created or refers to';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.requested_at IS
'Time at which the request was enqueued';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.run_after IS
'Earliest time of the next send, retry or poll';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.attempts IS
'Number of attempts to send it that were begun';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.error_sqlstate IS
'SQLSTATE of the last failure, the same that a call in a session raises';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.error_code IS
'AWS error code of the last failure';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.error_message IS
'Message of the last failure';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.fence IS
'healthlake.fence of the server that the request belongs to; a server with another fence never sends it';
COMMENT ON COLUMN @extschema@.healthlake_stuck_requests.reason IS
'Why the request needs attention';

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
'Data stores left behind by transactions that were rolled back, without those deleted since; contains calls made with healthlake.audit = durable';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.id IS
'Id of the event "sent" of the call';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.operation IS
'AWS name of the operation';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.datastore_id IS
'Data store that was created or that the request names';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.job_id IS
'Job that was started';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.name IS
'Name of the data store';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.region IS
'AWS region';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.account IS
'AWS account number, if known';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.client_token IS
'Client token; it is the same in every attempt';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.session_role IS
'The role that logged in (session_user)';
COMMENT ON COLUMN @extschema@.healthlake_left_behind."current_role" IS
'Role in effect (current_user), such as the owner of a SECURITY DEFINER function';
COMMENT ON COLUMN @extschema@.healthlake_left_behind.requested_at IS
'Time at which the event "sent" was written';

CREATE FUNCTION @extschema@.healthlake_enqueue(
	operation pg_catalog.text,
	request pg_catalog.jsonb,
	run_after pg_catalog.timestamptz DEFAULT NULL,
	until pg_catalog.text DEFAULT NULL,
	reference pg_catalog.jsonb DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_enqueue';

REVOKE ALL ON FUNCTION @extschema@.healthlake_enqueue FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_enqueue IS
'Enqueues a request, which is sent after this transaction commits and takes effect once, even after a crash; returns its id in healthlake_request';

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
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_enqueue_create_datastore';

REVOKE ALL ON FUNCTION @extschema@.healthlake_enqueue_create_datastore
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_enqueue_create_datastore IS
'Enqueues the creation of a FHIR data store, with the arguments of healthlake_create_datastore(), which is sent after this transaction commits; returns the id of the request in healthlake_request';

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
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue IS
'Enqueues a FHIR request, which is sent after this transaction commits and takes effect once: POST, PUT, PATCH or DELETE of type/id, POST of a type, or POST of a bundle to an empty path; returns its id in healthlake_request';

CREATE FUNCTION @extschema@.healthlake_fhir_enqueue_create(
	resource pg_catalog.jsonb,
	validation pg_catalog.text DEFAULT NULL,
	run_after pg_catalog.timestamptz DEFAULT NULL,
	reference pg_catalog.jsonb DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue_create';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue_create
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue_create IS
'Enqueues the creation of a FHIR resource, which is created once after this transaction commits, even after a crash; returns the id of the request in healthlake_request, whose resource_id is the id of the resource';

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
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue_update';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue_update
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue_update IS
'Enqueues the update of a FHIR resource, which is sent after this transaction commits; with if_match it replaces only that version, with only_new it only creates; returns the id of the request in healthlake_request';

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
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue_patch';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue_patch
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue_patch IS
'Enqueues a patch of a FHIR resource, a JSON Patch or a Parameters resource, which is sent after this transaction commits; returns the id of the request in healthlake_request';

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
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue_delete';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue_delete
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue_delete IS
'Enqueues the deletion of a FHIR resource, which is sent after this transaction commits; returns the id of the request in healthlake_request';

CREATE FUNCTION @extschema@.healthlake_fhir_enqueue_bundle(
	entries pg_catalog.jsonb,
	run_after pg_catalog.timestamptz DEFAULT NULL,
	reference pg_catalog.jsonb DEFAULT NULL,
	datastore_id pg_catalog.text DEFAULT NULL,
	region pg_catalog.text DEFAULT NULL
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_enqueue_bundle';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_enqueue_bundle
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_enqueue_bundle IS
'Enqueues a FHIR transaction, which is sent after this transaction commits and takes effect once, as a whole or not at all; each POST in it becomes a PUT with an id of its own; returns the id of the request in healthlake_request';

CREATE PROCEDURE @extschema@.healthlake_run_queue(
	max_requests pg_catalog.int4 DEFAULT NULL
)
LANGUAGE C
AS 'MODULE_PATHNAME', 'healthlake_run_queue';

REVOKE ALL ON PROCEDURE @extschema@.healthlake_run_queue FROM PUBLIC;

COMMENT ON PROCEDURE @extschema@.healthlake_run_queue IS
'Sends the requests that are due, at most max_requests, and commits as it goes; reports their outcomes in a notice at the end';

CREATE FUNCTION @extschema@.healthlake_cancel_request(id pg_catalog.int8)
RETURNS pg_catalog.bool
LANGUAGE C VOLATILE PARALLEL UNSAFE
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_cancel_request';

REVOKE ALL ON FUNCTION @extschema@.healthlake_cancel_request FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_cancel_request IS
'Cancels a request of which certainly nothing was sent; otherwise raises 55000';

CREATE FUNCTION @extschema@.healthlake_retry_request(id pg_catalog.int8)
RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_retry_request';

REVOKE ALL ON FUNCTION @extschema@.healthlake_retry_request FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_retry_request IS
'Enqueues a new request in place of one that failed, was cancelled or is of unknown outcome, and returns its id; for one of unknown outcome, AWS is first searched for what it may have created. A request of a server with another fence is taken over unchanged';

CREATE FUNCTION @extschema@.healthlake_resolve_request(
	id pg_catalog.int8,
	state pg_catalog.text,
	note pg_catalog.text,
	response pg_catalog.jsonb DEFAULT NULL
) RETURNS pg_catalog.bool
LANGUAGE C VOLATILE PARALLEL UNSAFE
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_resolve_request';

REVOKE ALL ON FUNCTION @extschema@.healthlake_resolve_request FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_resolve_request IS
'Sets the outcome of a request of unknown outcome, or of an open one whose last search or poll has failed, to succeeded, failed or cancelled, with a note on how it was determined';

CREATE FUNCTION @extschema@.healthlake_wait_request(
	id pg_catalog.int8,
	timeout pg_catalog."interval" DEFAULT '1 hour'
) RETURNS @extschema@.healthlake_request
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000
AS 'MODULE_PATHNAME', 'healthlake_wait_request';

REVOKE ALL ON FUNCTION @extschema@.healthlake_wait_request FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_wait_request IS
'Waits until a committed request is finished, whatever its outcome, and returns it; the snapshot of the statement is held meanwhile';

CREATE FUNCTION @extschema@.healthlake_adopt_requests(home pg_catalog.text)
RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_adopt_requests';

REVOKE ALL ON FUNCTION @extschema@.healthlake_adopt_requests FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_adopt_requests IS
'Assigns the requests of another cluster or database to this one after pg_upgrade or a move, so that this server sends those that are waiting; returns their number; superuser only';

CREATE FUNCTION @extschema@.healthlake_purge_requests(
	older_than pg_catalog."interval"
) RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_purge_requests';

REVOKE ALL ON FUNCTION @extschema@.healthlake_purge_requests FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_purge_requests IS
'Deletes requests that were finished before this interval, except those of unknown outcome, and events of that age that healthlake.audit_retention does not keep; returns the number of requests';

--
-- Statistics of operations: calls, outcomes, times
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
'Returns the rows of the view healthlake_statistics';

CREATE VIEW @extschema@.healthlake_statistics AS
	SELECT s.scope, s.operation, s.calls, s.errors, s.unknown, s.retries,
		s.throttles, s.total_time, s.mean_time, s.max_time
	  FROM @extschema@.healthlake_operation_statistics() AS s;

REVOKE ALL ON TABLE @extschema@.healthlake_statistics FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_statistics FROM PUBLIC;

COMMENT ON VIEW @extschema@.healthlake_statistics IS
'Number and times of the calls of each operation, in this session and, if the library is in shared_preload_libraries, in the cluster since its start; reading it also requires EXECUTE on healthlake_operation_statistics()';
COMMENT ON COLUMN @extschema@.healthlake_statistics.scope IS
'session for calls of this session; cluster for calls of all sessions and workers, if the library is preloaded';
COMMENT ON COLUMN @extschema@.healthlake_statistics.operation IS
'AWS name of the operation';
COMMENT ON COLUMN @extschema@.healthlake_statistics.calls IS
'Number of finished calls, whatever their outcome';
COMMENT ON COLUMN @extschema@.healthlake_statistics.errors IS
'Number of calls that did not succeed, including cancelled ones';
COMMENT ON COLUMN @extschema@.healthlake_statistics.unknown IS
'Number of errors after which it is unknown whether AWS performed the operation';
COMMENT ON COLUMN @extschema@.healthlake_statistics.retries IS
'Number of attempts after the first of each call';
COMMENT ON COLUMN @extschema@.healthlake_statistics.throttles IS
'Number of attempts that AWS throttled, including those followed by a successful one';
COMMENT ON COLUMN @extschema@.healthlake_statistics.total_time IS
'Total time of these calls, including the time between attempts, in milliseconds';
COMMENT ON COLUMN @extschema@.healthlake_statistics.mean_time IS
'Mean time of a call, in milliseconds';
COMMENT ON COLUMN @extschema@.healthlake_statistics.max_time IS
'Maximum time of a call, in milliseconds';

CREATE FUNCTION @extschema@.healthlake_reset_statistics()
RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_reset_statistics';

REVOKE ALL ON FUNCTION @extschema@.healthlake_reset_statistics
FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_reset_statistics IS
'Resets the statistics of this session, and those of the cluster if they are kept';

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

REVOKE ALL ON TYPE @extschema@.healthlake_fhir_result FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_fhir_result IS
'A resource after a write; existed is true if a repeated request found what the first one had created';

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
'Reads a FHIR resource, or a version of it; null if it does not exist or was deleted';

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
'Creates a FHIR resource with an id assigned by HealthLake; repeated with the same idempotency key, it is not created again. A rollback does not delete it';

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
SUPPORT @extschema@.healthlake_support
AS 'MODULE_PATHNAME', 'healthlake_fhir_bundle';

REVOKE ALL ON FUNCTION @extschema@.healthlake_fhir_bundle FROM PUBLIC;

COMMENT ON FUNCTION @extschema@.healthlake_fhir_bundle IS
'Sends a bundle of requests: a transaction takes effect as a whole or not at all, a batch entry by entry. entries is an array of objects with method, url, resource, ifMatch and ifNoneMatch, or a Bundle of that type';

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
	column_number pg_catalog.int2 NOT NULL DEFAULT 0,
	looked pg_catalog.pg_snapshot,
	looked_files pg_catalog.int8[],
	seeing pg_catalog.pg_snapshot,
	seeing_files pg_catalog.int8[],
	UNIQUE (source, resource_column, datastore_id, "current_role")
);

REVOKE ALL ON TABLE @extschema@.healthlake_fhir_load_progress FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.healthlake_fhir_load_progress FROM PUBLIC;
REVOKE ALL ON SEQUENCE @extschema@.healthlake_fhir_load_progress_id_seq
	FROM PUBLIC;

COMMENT ON SEQUENCE @extschema@.healthlake_fhir_load_progress_id_seq IS
'Ids of the loads in healthlake_fhir_load_progress';
COMMENT ON TABLE @extschema@.healthlake_fhir_load_progress IS
'Progress of healthlake_fhir_load(), a row for each table, data store and role; another CALL continues from there';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.id IS
'Number of the load';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.source IS
'Table that is loaded';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.resource_column IS
'Column that contains the resources';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.datastore_id IS
'Data store that the resources are stored in';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.outer_role IS
'Role of the call: set by SET ROLE, otherwise the one that logged in';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress."current_role" IS
'Role in effect (current_user) in that call';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.pass IS
'0 for the pass over all rows; incremented for each further pass over rows that changed since';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.sent IS
'Number of resources that AWS accepted in all passes; a batch whose outcome was not recorded is counted when it is repeated';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.started_at IS
'Time of the first call';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.at IS
'Time at which the row was last changed';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.finished_at IS
'Time at which nothing was left to load; null while the load is running or after it was interrupted';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.place IS
'ctid up to which the rows of this pass are done; null if none are';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.part IS
'Table or partition of that ctid';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.column_number IS
'Number of the column, whose name may be another column''s later';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.looked IS
'Snapshot of the previous pass; this pass sends rows that are newer. Null: all rows';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.looked_files IS
'Tables and partitions of the previous pass; this pass sends all rows of others. Numbers: OID times 2^32, plus the file';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.seeing IS
'Snapshot of this pass at its start; null under row security, where a CALL does not rely on an earlier one';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_progress.seeing_files IS
'Tables and partitions of this pass; if one is rewritten or detached, the pass starts again';

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

-- under a publication of all tables PostgreSQL refuses the deletion of rows that it
-- cannot identify
ALTER TABLE @extschema@.healthlake_fhir_load_error REPLICA IDENTITY FULL;

COMMENT ON TABLE @extschema@.healthlake_fhir_load_error IS
'Rows that healthlake_fhir_load() could not store, rejected by AWS or not sent at all, and those that AWS has stored with validation issues (status 200 to 299)';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.source IS
'Table that was loaded';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.type IS
'Type of the resource; null if it has no valid one';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.id IS
'Id of the resource; null if it has no valid one';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.status IS
'HTTP status of AWS''s reply; null if the resource was not sent';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.code IS
'Code of the first issue that is more than an information, such as invalid, required or too-long';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.expression IS
'Element that the issue refers to';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.at IS
'Time of the reply, or at which it was rejected';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.datastore_id IS
'Data store that the resource was sent to';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.part IS
'Table or partition that contains the row';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.place IS
'ctid of the row when it was read';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.load IS
'Id of the load in healthlake_fhir_load_progress';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.pass IS
'Pass in which it was found';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error.outer_role IS
'Role of the call: set by SET ROLE, otherwise the one that logged in';
COMMENT ON COLUMN @extschema@.healthlake_fhir_load_error."current_role" IS
'Role in effect (current_user) in that call';

ALTER TABLE @extschema@.healthlake_fhir_load_progress
	ENABLE ROW LEVEL SECURITY;

CREATE POLICY healthlake_fhir_load_progress_own
	ON @extschema@.healthlake_fhir_load_progress
	FOR SELECT USING (
		outer_role OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR "current_role" OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR pg_catalog.has_table_privilege(
			'@extschema@.healthlake_audit'::pg_catalog.regclass, 'SELECT'));

COMMENT ON POLICY healthlake_fhir_load_progress_own
	ON @extschema@.healthlake_fhir_load_progress IS
'A role sees its own loads, and all loads if it may read healthlake_audit';

ALTER TABLE @extschema@.healthlake_fhir_load_error ENABLE ROW LEVEL SECURITY;

CREATE POLICY healthlake_fhir_load_error_own
	ON @extschema@.healthlake_fhir_load_error
	FOR SELECT USING (
		outer_role OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR "current_role" OPERATOR(pg_catalog.=)
			(CURRENT_USER)::pg_catalog.text
		OR pg_catalog.has_table_privilege(
			'@extschema@.healthlake_audit'::pg_catalog.regclass, 'SELECT'));

COMMENT ON POLICY healthlake_fhir_load_error_own
	ON @extschema@.healthlake_fhir_load_error IS
'A role sees the errors of its own loads, and all errors if it may read healthlake_audit';

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
'Loads the resources of a table into a data store in batches, each of which is committed; another CALL continues after an interruption, and after the end sends new and changed rows. Rejected rows are in healthlake_fhir_load_error';

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
'Reads FHIR resources by their ids, up to healthlake.max_concurrency at a time: a row for each id, in order; both resource and sqlstate are null if it does not exist';

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
'Stores a FHIR resource under its id; with if_match only if it still has that version, with only_new only if it does not exist';

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
'Updates the FHIR resource that a search finds, or creates one if it finds none; the search values are part of the URL, and searches lag behind writes';

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
'Deletes a FHIR resource; returns false if HealthLake reports that it does not exist';

--
-- FHIRPath and ViewDefinitions over jsonb. These functions read only their
-- arguments, so PUBLIC may execute them; the one that creates a view runs with
-- the privileges of its caller.
--

CREATE FUNCTION @extschema@.healthlake_fhirpath(
	resource pg_catalog.jsonb,
	path pg_catalog.text,
	constants pg_catalog.jsonb DEFAULT NULL
) RETURNS SETOF pg_catalog.jsonb
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 ROWS 2
AS 'MODULE_PATHNAME', 'healthlake_fhirpath';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath IS
'Returns all values of a FHIRPath expression for a resource; constants are values for %name, given as an object or as in a ViewDefinition';

CREATE FUNCTION @extschema@.healthlake_fhirpath_text(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_text';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_text IS
'Returns the first value of a FHIRPath expression as text; null if there is none or it is complex';

CREATE FUNCTION @extschema@.healthlake_fhirpath_boolean(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.bool
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_boolean';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_boolean IS
'Returns the first value of a FHIRPath expression as boolean; null if there is none or it is no boolean';

CREATE FUNCTION @extschema@.healthlake_fhirpath_integer(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.int4
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_integer';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_integer IS
'Returns the first value of a FHIRPath expression as integer; null if there is none or it is no integer';

CREATE FUNCTION @extschema@.healthlake_fhirpath_numeric(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.numeric
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_numeric';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_numeric IS
'Returns the first value of a FHIRPath expression as numeric; null if there is none or it is no number';

CREATE FUNCTION @extschema@.healthlake_fhirpath_date(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.date
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_date';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_date IS
'Returns the first value of a FHIRPath expression as date; null if there is none or it is no date with a day';

CREATE FUNCTION @extschema@.healthlake_fhirpath_timestamptz(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.timestamptz
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_timestamptz';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_timestamptz IS
'Returns the first value of a FHIRPath expression as timestamptz, in UTC if it has no zone and at midnight if it has no time; null if there is none or it has no day';

CREATE FUNCTION @extschema@.healthlake_fhirpath_exists(
	resource pg_catalog.jsonb, path pg_catalog.text
) RETURNS pg_catalog.bool
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhirpath_exists';

COMMENT ON FUNCTION @extschema@.healthlake_fhirpath_exists IS
'Whether a FHIRPath expression returns any value for a resource';

CREATE FUNCTION @extschema@.healthlake_fhir_view(
	view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 2
AS 'MODULE_PATHNAME', 'healthlake_fhir_view';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_view IS
'Returns the rows of a ViewDefinition for a resource; the column definition list is that of healthlake_fhir_view_columns()';

CREATE FUNCTION @extschema@.healthlake_fhir_view_rows(
	view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS SETOF pg_catalog.jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 2
AS 'MODULE_PATHNAME', 'healthlake_fhir_view_rows';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_view_rows IS
'Returns the rows of a ViewDefinition for a resource as jsonb objects';

-- One for each type that a column may have: a polymorphic function would give
-- way to another role's function of exactly these types, which a view would
-- call even though it names the schema.

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.text, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.text, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.bool, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.bool
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.bool, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.int2, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.int2
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.int2, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.int4, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.int4
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.int4, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.int8, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.int8
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.int8, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.numeric, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.numeric
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.numeric, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.float4, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.float4
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.float4, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.float8, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.float8
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.float8, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.date, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.date
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.date, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.time, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.time
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.time, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.timetz, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.timetz
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.timetz, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.timestamp, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.timestamp
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.timestamp, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.timestamptz, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.timestamptz
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.timestamptz, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.varchar, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.varchar
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.varchar, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.bpchar, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.bpchar
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.bpchar, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.jsonb, view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.jsonb
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.jsonb, pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.text[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.text[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.text[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.bool[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.bool[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.bool[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.int2[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.int2[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.int2[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.int4[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.int4[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.int4[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.int8[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.int8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.int8[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.numeric[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.numeric[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.numeric[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.float4[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.float4[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.float4[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.float8[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.float8[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.date[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.date[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.date[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.time[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.time[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.time[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.timetz[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.timetz[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.timetz[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.timestamp[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.timestamp[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.timestamp[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.timestamptz[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.timestamptz[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.timestamptz[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.varchar[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.varchar[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.varchar[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.bpchar[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.bpchar[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.bpchar[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

CREATE FUNCTION @extschema@.healthlake_fhir_column(
	type pg_catalog.jsonb[], view pg_catalog.jsonb, resource pg_catalog.jsonb
) RETURNS pg_catalog.jsonb[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'healthlake_fhir_column';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_column(
	pg_catalog.jsonb[], pg_catalog.jsonb, pg_catalog.jsonb) IS
'Returns the value of the only column of a ViewDefinition, with the type of the first argument; used by views that healthlake_fhir_create_view() creates';

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
'Returns the columns of a ViewDefinition, in order, with their SQL types; raises an error that lists all faults of the view';

CREATE FUNCTION @extschema@.healthlake_fhir_create_view(
	name pg_catalog.text,
	view pg_catalog.jsonb,
	source pg_catalog.regclass,
	resource_column pg_catalog.name DEFAULT 'resource'
) RETURNS pg_catalog.regclass
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'healthlake_fhir_create_view';

COMMENT ON FUNCTION @extschema@.healthlake_fhir_create_view IS
'Creates an SQL view with the rows of a ViewDefinition for all resources of a table';

CREATE TYPE @extschema@.healthlake_fhir_entry AS (
	resource pg_catalog.jsonb,
	type pg_catalog.text,
	id pg_catalog.text,
	version_id pg_catalog.text,
	last_updated pg_catalog.timestamptz,
	mode pg_catalog.text
);

REVOKE ALL ON TYPE @extschema@.healthlake_fhir_entry FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_fhir_entry IS
'A resource found by a search (mode match), or included with one (mode include)';

CREATE TYPE @extschema@.healthlake_fhir_version AS (
	resource pg_catalog.jsonb,
	type pg_catalog.text,
	id pg_catalog.text,
	version_id pg_catalog.text,
	last_updated pg_catalog.timestamptz,
	mode pg_catalog.text,
	deleted pg_catalog.bool
);

REVOKE ALL ON TYPE @extschema@.healthlake_fhir_version FROM PUBLIC;

COMMENT ON TYPE @extschema@.healthlake_fhir_version IS
'A version of a resource; resource is null for the version that deleted it';

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
'Searches resources of a type, page by page; max_rows, or a LIMIT on a call in the target list, stops the fetching';

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
'Escapes a value for a search parameter by a backslash before each \ $ , and |';

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
'Lists a patient and all resources related to the patient (operation $everything), page by page';

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
'Lists versions of a resource, of all resources of a type, or of the data store, page by page';

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
'Deletes the resources that a search finds, one by one, and returns their number; deletes nothing if it finds more than max_rows';

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
'Lists the issues that HealthLake finds in a resource (operation $validate), without storing it';

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
'Lists the resource types of a data store, with the interactions and the search parameters of each';
