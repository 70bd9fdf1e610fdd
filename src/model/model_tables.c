/*
 * model_tables.c
 *	  HealthLake's operations and shapes. Made by test/model-generate of AWS's
 *	  service model and model.toml: change those.
 */
/* clang-format off */
#include "model/model.h"
#include "model/target_states.h"

#include <stddef.h>

#define LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))

static const HlShape DatastoreName = {
	.name = "DatastoreName", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 256
};

static const HlShape FHIRVersion = {
	.name = "FHIRVersion", .kind = HL_KIND_STRING
};

static const HlShape CmkType = {
	.name = "CmkType", .kind = HL_KIND_STRING
};

static const HlShape EncryptionKeyID = {
	.name = "EncryptionKeyID", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 400
};

static const HlMember kms_encryption_config_members[] = {
	{"CmkType", "cmk_type", &CmkType, .required = true,
		.implied = "CUSTOMER_MANAGED_KMS_KEY", .implied_by = "KmsKeyId"},
	{"KmsKeyId", "kms_key_id", &EncryptionKeyID},
};
static const HlShape KmsEncryptionConfig = {
	.name = "KmsEncryptionConfig", .kind = HL_KIND_STRUCTURE,
		.members = kms_encryption_config_members,
		.nmembers = LENGTH(kms_encryption_config_members)
};

static const HlMember sse_configuration_members[] = {
	{"KmsEncryptionConfig", NULL, &KmsEncryptionConfig, .required = true},
};
static const HlShape SseConfiguration = {
	.name = "SseConfiguration", .kind = HL_KIND_STRUCTURE,
		.members = sse_configuration_members,
		.nmembers = LENGTH(sse_configuration_members)
};

static const HlShape PreloadDataType = {
	.name = "PreloadDataType", .kind = HL_KIND_STRING
};

static const HlMember preload_data_config_members[] = {
	{"PreloadDataType", "preload_data_type", &PreloadDataType, .required = true},
};
static const HlShape PreloadDataConfig = {
	.name = "PreloadDataConfig", .kind = HL_KIND_STRUCTURE,
		.members = preload_data_config_members,
		.nmembers = LENGTH(preload_data_config_members)
};

static const HlShape ClientTokenString = {
	.name = "ClientTokenString", .kind = HL_KIND_STRING, .has_min = true,
		.min = 1, .has_max = true, .max = 64
};

static const HlShape TagKey = {
	.name = "TagKey", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 128
};

static const HlShape TagValue = {
	.name = "TagValue", .kind = HL_KIND_STRING, .has_min = true, .min = 0,
		.has_max = true, .max = 256
};

static const HlMember tag_members[] = {
	{"Key", "key", &TagKey, .required = true},
	{"Value", "value", &TagValue, .required = true},
};
static const HlShape Tag = {
	.name = "Tag", .kind = HL_KIND_STRUCTURE, .members = tag_members,
		.nmembers = LENGTH(tag_members)
};

static const HlShape TagList = {
	.name = "TagList", .kind = HL_KIND_LIST, .has_min = true, .min = 0,
		.has_max = true, .max = 200, .element = &Tag
};

static const HlShape AuthorizationStrategy = {
	.name = "AuthorizationStrategy", .kind = HL_KIND_STRING
};

static const HlShape HealthLakeBoolean = {
	.name = "HealthLakeBoolean", .kind = HL_KIND_BOOLEAN
};

static const HlShape ConfigurationMetadata = {
	.name = "ConfigurationMetadata", .kind = HL_KIND_STRING
};

static const HlShape LambdaArn = {
	.name = "LambdaArn", .kind = HL_KIND_STRING, .has_min = true, .min = 49,
		.has_max = true, .max = 256
};

static const HlMember identity_provider_configuration_members[] = {
	{"AuthorizationStrategy", "authorization_strategy", &AuthorizationStrategy,
		.required = true},
	{"FineGrainedAuthorizationEnabled", "fine_grained_authorization_enabled",
		&HealthLakeBoolean},
	{"Metadata", "identity_provider_metadata", &ConfigurationMetadata,
		.form = HL_FORM_JSON_TEXT},
	{"IdpLambdaArn", "idp_lambda_arn", &LambdaArn},
};
static const HlShape IdentityProviderConfiguration = {
	.name = "IdentityProviderConfiguration", .kind = HL_KIND_STRUCTURE,
		.members = identity_provider_configuration_members,
		.nmembers = LENGTH(identity_provider_configuration_members)
};

static const HlShape AnalyticsStatus = {
	.name = "AnalyticsStatus", .kind = HL_KIND_STRING
};

static const HlMember analytics_configuration_members[] = {
	{"Status", "analytics_status", &AnalyticsStatus},
};
static const HlShape AnalyticsConfiguration = {
	.name = "AnalyticsConfiguration", .kind = HL_KIND_STRUCTURE,
		.members = analytics_configuration_members,
		.nmembers = LENGTH(analytics_configuration_members)
};

static const HlShape NlpStatus = {
	.name = "NlpStatus", .kind = HL_KIND_STRING
};

static const HlMember nlp_configuration_members[] = {
	{"Status", "nlp_status", &NlpStatus},
};
static const HlShape NlpConfiguration = {
	.name = "NlpConfiguration", .kind = HL_KIND_STRUCTURE,
		.members = nlp_configuration_members,
		.nmembers = LENGTH(nlp_configuration_members)
};

static const HlShape HealthLakeString = {
	.name = "HealthLakeString", .kind = HL_KIND_STRING, .has_min = true,
		.min = 0, .has_max = true, .max = 10000
};

static const HlShape DefaultProfiles = {
	.name = "DefaultProfiles", .kind = HL_KIND_LIST, .element = &HealthLakeString
};

static const HlMember profile_configuration_members[] = {
	{"DefaultProfiles", "default_profiles", &DefaultProfiles},
};
static const HlShape ProfileConfiguration = {
	.name = "ProfileConfiguration", .kind = HL_KIND_STRUCTURE,
		.members = profile_configuration_members,
		.nmembers = LENGTH(profile_configuration_members)
};

static const HlShape BackupStatus = {
	.name = "BackupStatus", .kind = HL_KIND_STRING
};

static const HlShape BackupType = {
	.name = "BackupType", .kind = HL_KIND_STRING
};

static const HlShape BackupRetentionPeriodInDays = {
	.name = "BackupRetentionPeriodInDays", .kind = HL_KIND_INTEGER,
		.has_min = true, .min = 1, .has_max = true, .max = 30
};

static const HlMember backup_configuration_members[] = {
	{"Status", "backup_status", &BackupStatus},
	{"BackupType", "backup_type", &BackupType},
	{"RetentionPeriodInDays", "backup_retention_period_in_days",
		&BackupRetentionPeriodInDays},
	{"BackupTagsEnabled", "backup_tags_enabled", &HealthLakeBoolean},
};
static const HlShape BackupConfiguration = {
	.name = "BackupConfiguration", .kind = HL_KIND_STRUCTURE,
		.members = backup_configuration_members,
		.nmembers = LENGTH(backup_configuration_members)
};

static const HlMember create_fhir_datastore_request_members[] = {
	{"DatastoreName", "name", &DatastoreName},
	{"DatastoreTypeVersion", "type_version", &FHIRVersion, .required = true,
		.example = "\"R4\""},
	{"SseConfiguration", NULL, &SseConfiguration},
	{"PreloadDataConfig", NULL, &PreloadDataConfig},
	{"ClientToken", "client_token", &ClientTokenString,
		.idempotency_token = true},
	{"Tags", "tags", &TagList, .form = HL_FORM_TAGS},
	{"IdentityProviderConfiguration", NULL, &IdentityProviderConfiguration},
	{"AnalyticsConfiguration", NULL, &AnalyticsConfiguration},
	{"NlpConfiguration", NULL, &NlpConfiguration},
	{"ProfileConfiguration", NULL, &ProfileConfiguration},
	{"BackupConfiguration", NULL, &BackupConfiguration},
};
static const HlShape CreateFHIRDatastoreRequest = {
	.name = "CreateFHIRDatastoreRequest", .kind = HL_KIND_STRUCTURE,
		.members = create_fhir_datastore_request_members,
		.nmembers = LENGTH(create_fhir_datastore_request_members)
};

static const HlShape DatastoreId = {
	.name = "DatastoreId", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 32
};

static const HlShape DatastoreArn = {
	.name = "DatastoreArn", .kind = HL_KIND_STRING
};

static const HlShape DatastoreStatus = {
	.name = "DatastoreStatus", .kind = HL_KIND_STRING
};

static const HlShape BoundedLengthString = {
	.name = "BoundedLengthString", .kind = HL_KIND_STRING, .has_min = true,
		.min = 1, .has_max = true, .max = 5000
};

static const HlMember create_fhir_datastore_response_members[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
	{"DatastoreArn", "arn", &DatastoreArn, .required = true},
	{"DatastoreStatus", "status", &DatastoreStatus, .required = true},
	{"DatastoreEndpoint", "endpoint", &BoundedLengthString, .required = true},
};
static const HlShape CreateFHIRDatastoreResponse = {
	.name = "CreateFHIRDatastoreResponse", .kind = HL_KIND_STRUCTURE,
		.members = create_fhir_datastore_response_members,
		.nmembers = LENGTH(create_fhir_datastore_response_members)
};

static const HlShape HealthLakeTimestamp = {
	.name = "HealthLakeTimestamp", .kind = HL_KIND_TIMESTAMP
};

static const HlMember continuous_backup_restore_configuration_members[] = {
	{"RestorePointTime", "restore_point_time", &HealthLakeTimestamp},
};
static const HlShape ContinuousBackupRestoreConfiguration = {
	.name = "ContinuousBackupRestoreConfiguration", .kind = HL_KIND_STRUCTURE,
		.members = continuous_backup_restore_configuration_members,
		.nmembers = LENGTH(continuous_backup_restore_configuration_members)
};

static const HlMember restore_configuration_members[] = {
	{"ContinuousBackupRestoreConfiguration", NULL,
		&ContinuousBackupRestoreConfiguration},
};
static const HlShape RestoreConfiguration = {
	.name = "RestoreConfiguration", .kind = HL_KIND_UNION,
		.members = restore_configuration_members,
		.nmembers = LENGTH(restore_configuration_members)
};

static const HlMember restore_fhir_datastore_request_members[] = {
	{"SourceDatastoreId", "source_datastore_id", &DatastoreId, .required = true},
	{"RestoreConfiguration", NULL, &RestoreConfiguration, .required = true},
	{"DatastoreName", "name", &DatastoreName},
	{"SseConfiguration", NULL, &SseConfiguration},
	{"ClientToken", "client_token", &ClientTokenString,
		.idempotency_token = true},
	{"Tags", "tags", &TagList, .form = HL_FORM_TAGS},
	{"IdentityProviderConfiguration", NULL, &IdentityProviderConfiguration},
	{"AnalyticsConfiguration", NULL, &AnalyticsConfiguration},
	{"NlpConfiguration", NULL, &NlpConfiguration},
	{"ProfileConfiguration", NULL, &ProfileConfiguration},
};
static const HlShape RestoreFHIRDatastoreRequest = {
	.name = "RestoreFHIRDatastoreRequest", .kind = HL_KIND_STRUCTURE,
		.members = restore_fhir_datastore_request_members,
		.nmembers = LENGTH(restore_fhir_datastore_request_members)
};

static const HlMember restore_fhir_datastore_response_members[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
	{"DatastoreArn", "arn", &DatastoreArn, .required = true},
	{"DatastoreStatus", "status", &DatastoreStatus, .required = true},
	{"DatastoreEndpoint", "endpoint", &BoundedLengthString, .required = true},
};
static const HlShape RestoreFHIRDatastoreResponse = {
	.name = "RestoreFHIRDatastoreResponse", .kind = HL_KIND_STRUCTURE,
		.members = restore_fhir_datastore_response_members,
		.nmembers = LENGTH(restore_fhir_datastore_response_members)
};

static const HlMember update_fhir_datastore_request_members[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
	{"DatastoreName", "name", &DatastoreName},
	{"AnalyticsConfiguration", NULL, &AnalyticsConfiguration},
	{"NlpConfiguration", NULL, &NlpConfiguration},
	{"ProfileConfiguration", NULL, &ProfileConfiguration},
	{"IdentityProviderConfiguration", NULL, &IdentityProviderConfiguration},
	{"BackupConfiguration", NULL, &BackupConfiguration},
};
static const HlShape UpdateFHIRDatastoreRequest = {
	.name = "UpdateFHIRDatastoreRequest", .kind = HL_KIND_STRUCTURE,
		.members = update_fhir_datastore_request_members,
		.nmembers = LENGTH(update_fhir_datastore_request_members)
};

static const HlShape ErrorMessage = {
	.name = "ErrorMessage", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 4096
};

static const HlShape ErrorCategory = {
	.name = "ErrorCategory", .kind = HL_KIND_STRING
};

static const HlMember error_cause_members[] = {
	{"ErrorMessage", "error_message", &ErrorMessage},
	{"ErrorCategory", "error_category", &ErrorCategory},
};
static const HlShape ErrorCause = {
	.name = "ErrorCause", .kind = HL_KIND_STRUCTURE,
		.members = error_cause_members, .nmembers = LENGTH(error_cause_members)
};

static const HlMember datastore_backup_status_members[] = {
	{"Configuration", NULL, &BackupConfiguration},
	{"BackupEnabledAt", "backup_enabled_at", &HealthLakeTimestamp},
	{"EarliestRestorePoint", "earliest_restore_point", &HealthLakeTimestamp},
	{"LatestRestorePoint", "latest_restore_point", &HealthLakeTimestamp},
	{"ScheduledPermanentDeletionTime", "scheduled_permanent_deletion_time",
		&HealthLakeTimestamp},
};
static const HlShape DatastoreBackupStatus = {
	.name = "DatastoreBackupStatus", .kind = HL_KIND_STRUCTURE,
		.members = datastore_backup_status_members,
		.nmembers = LENGTH(datastore_backup_status_members)
};

static const HlMember datastore_properties_members[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
	{"DatastoreArn", "arn", &DatastoreArn, .required = true},
	{"DatastoreName", "name", &DatastoreName},
	{"DatastoreStatus", "status", &DatastoreStatus, .required = true},
	{"CreatedAt", "created_at", &HealthLakeTimestamp},
	{"DatastoreTypeVersion", "type_version", &FHIRVersion, .required = true},
	{"DatastoreEndpoint", "endpoint", &HealthLakeString, .required = true},
	{"SseConfiguration", NULL, &SseConfiguration},
	{"PreloadDataConfig", NULL, &PreloadDataConfig},
	{"IdentityProviderConfiguration", NULL, &IdentityProviderConfiguration},
	{"ErrorCause", NULL, &ErrorCause},
	{"NlpConfiguration", NULL, &NlpConfiguration},
	{"AnalyticsConfiguration", NULL, &AnalyticsConfiguration},
	{"ProfileConfiguration", NULL, &ProfileConfiguration},
	{"BackupStatusInfo", NULL, &DatastoreBackupStatus},
};
static const HlShape DatastoreProperties = {
	.name = "DatastoreProperties", .kind = HL_KIND_STRUCTURE,
		.members = datastore_properties_members,
		.nmembers = LENGTH(datastore_properties_members)
};

static const HlMember update_fhir_datastore_response_members[] = {
	{"DatastoreProperties", NULL, &DatastoreProperties, .required = true},
};
static const HlShape UpdateFHIRDatastoreResponse = {
	.name = "UpdateFHIRDatastoreResponse", .kind = HL_KIND_STRUCTURE,
		.members = update_fhir_datastore_response_members,
		.nmembers = LENGTH(update_fhir_datastore_response_members)
};

static const HlMember delete_fhir_datastore_request_members[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
};
static const HlShape DeleteFHIRDatastoreRequest = {
	.name = "DeleteFHIRDatastoreRequest", .kind = HL_KIND_STRUCTURE,
		.members = delete_fhir_datastore_request_members,
		.nmembers = LENGTH(delete_fhir_datastore_request_members)
};

static const HlMember delete_fhir_datastore_response_members[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
	{"DatastoreArn", "arn", &DatastoreArn, .required = true},
	{"DatastoreStatus", "status", &DatastoreStatus, .required = true},
	{"DatastoreEndpoint", "endpoint", &BoundedLengthString, .required = true},
};
static const HlShape DeleteFHIRDatastoreResponse = {
	.name = "DeleteFHIRDatastoreResponse", .kind = HL_KIND_STRUCTURE,
		.members = delete_fhir_datastore_response_members,
		.nmembers = LENGTH(delete_fhir_datastore_response_members)
};

static const HlMember describe_fhir_datastore_request_members[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
};
static const HlShape DescribeFHIRDatastoreRequest = {
	.name = "DescribeFHIRDatastoreRequest", .kind = HL_KIND_STRUCTURE,
		.members = describe_fhir_datastore_request_members,
		.nmembers = LENGTH(describe_fhir_datastore_request_members)
};

static const HlMember describe_fhir_datastore_response_members[] = {
	{"DatastoreProperties", NULL, &DatastoreProperties, .required = true},
};
static const HlShape DescribeFHIRDatastoreResponse = {
	.name = "DescribeFHIRDatastoreResponse", .kind = HL_KIND_STRUCTURE,
		.members = describe_fhir_datastore_response_members,
		.nmembers = LENGTH(describe_fhir_datastore_response_members)
};

static const HlMember datastore_filter_members[] = {
	{"DatastoreName", "name", &DatastoreName},
	{"DatastoreStatus", "status", &DatastoreStatus},
	{"CreatedBefore", "created_before", &HealthLakeTimestamp},
	{"CreatedAfter", "created_after", &HealthLakeTimestamp},
};
static const HlShape DatastoreFilter = {
	.name = "DatastoreFilter", .kind = HL_KIND_STRUCTURE,
		.members = datastore_filter_members,
		.nmembers = LENGTH(datastore_filter_members)
};

static const HlShape NextToken = {
	.name = "NextToken", .kind = HL_KIND_STRING, .has_min = true, .min = 0,
		.has_max = true, .max = 8192
};

static const HlShape MaxResultsInteger = {
	.name = "MaxResultsInteger", .kind = HL_KIND_INTEGER, .has_min = true,
		.min = 1, .has_max = true, .max = 500
};

static const HlMember list_fhir_datastores_request_members[] = {
	{"Filter", NULL, &DatastoreFilter},
	{"NextToken", NULL, &NextToken},
	{"MaxResults", NULL, &MaxResultsInteger},
};
static const HlShape ListFHIRDatastoresRequest = {
	.name = "ListFHIRDatastoresRequest", .kind = HL_KIND_STRUCTURE,
		.members = list_fhir_datastores_request_members,
		.nmembers = LENGTH(list_fhir_datastores_request_members)
};

static const HlShape DatastorePropertiesList = {
	.name = "DatastorePropertiesList", .kind = HL_KIND_LIST,
		.element = &DatastoreProperties
};

static const HlMember list_fhir_datastores_response_members[] = {
	{"DatastorePropertiesList", NULL, &DatastorePropertiesList,
		.required = true},
	{"NextToken", NULL, &NextToken},
};
static const HlShape ListFHIRDatastoresResponse = {
	.name = "ListFHIRDatastoresResponse", .kind = HL_KIND_STRUCTURE,
		.members = list_fhir_datastores_response_members,
		.nmembers = LENGTH(list_fhir_datastores_response_members)
};

static const HlShape AmazonResourceName = {
	.name = "AmazonResourceName", .kind = HL_KIND_STRING, .has_min = true,
		.min = 1, .has_max = true, .max = 1011
};

static const HlMember tag_resource_request_members[] = {
	{"ResourceARN", "resource_arn", &AmazonResourceName, .required = true},
	{"Tags", "tags", &TagList, .required = true, .form = HL_FORM_TAGS},
};
static const HlShape TagResourceRequest = {
	.name = "TagResourceRequest", .kind = HL_KIND_STRUCTURE,
		.members = tag_resource_request_members,
		.nmembers = LENGTH(tag_resource_request_members)
};

static const HlShape TagResourceResponse = {
	.name = "TagResourceResponse", .kind = HL_KIND_STRUCTURE
};

static const HlShape TagKeyList = {
	.name = "TagKeyList", .kind = HL_KIND_LIST, .has_min = true, .min = 0,
		.has_max = true, .max = 200, .element = &TagKey
};

static const HlMember untag_resource_request_members[] = {
	{"ResourceARN", "resource_arn", &AmazonResourceName, .required = true},
	{"TagKeys", "tag_keys", &TagKeyList, .required = true},
};
static const HlShape UntagResourceRequest = {
	.name = "UntagResourceRequest", .kind = HL_KIND_STRUCTURE,
		.members = untag_resource_request_members,
		.nmembers = LENGTH(untag_resource_request_members)
};

static const HlShape UntagResourceResponse = {
	.name = "UntagResourceResponse", .kind = HL_KIND_STRUCTURE
};

static const HlMember list_tags_for_resource_request_members[] = {
	{"ResourceARN", "resource_arn", &AmazonResourceName, .required = true},
};
static const HlShape ListTagsForResourceRequest = {
	.name = "ListTagsForResourceRequest", .kind = HL_KIND_STRUCTURE,
		.members = list_tags_for_resource_request_members,
		.nmembers = LENGTH(list_tags_for_resource_request_members)
};

static const HlMember list_tags_for_resource_response_members[] = {
	{"Tags", NULL, &TagList},
};
static const HlShape ListTagsForResourceResponse = {
	.name = "ListTagsForResourceResponse", .kind = HL_KIND_STRUCTURE,
		.members = list_tags_for_resource_response_members,
		.nmembers = LENGTH(list_tags_for_resource_response_members)
};

static const HlShape JobName = {
	.name = "JobName", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 64
};

static const HlShape S3Uri = {
	.name = "S3Uri", .kind = HL_KIND_STRING, .has_min = true, .min = 0,
		.has_max = true, .max = 1024
};

static const HlMember input_data_config_members[] = {
	{"S3Uri", "input_s3_uri", &S3Uri},
};
static const HlShape InputDataConfig = {
	.name = "InputDataConfig", .kind = HL_KIND_UNION,
		.members = input_data_config_members,
		.nmembers = LENGTH(input_data_config_members)
};

static const HlMember s3_configuration_members[] = {
	{"S3Uri", "output_s3_uri", &S3Uri, .required = true},
	{"KmsKeyId", "kms_key_id", &EncryptionKeyID, .required = true},
};
static const HlShape S3Configuration = {
	.name = "S3Configuration", .kind = HL_KIND_STRUCTURE,
		.members = s3_configuration_members,
		.nmembers = LENGTH(s3_configuration_members)
};

static const HlMember output_data_config_members[] = {
	{"S3Configuration", NULL, &S3Configuration},
};
static const HlShape OutputDataConfig = {
	.name = "OutputDataConfig", .kind = HL_KIND_UNION,
		.members = output_data_config_members,
		.nmembers = LENGTH(output_data_config_members)
};

static const HlShape IamRoleArn = {
	.name = "IamRoleArn", .kind = HL_KIND_STRING, .has_min = true, .min = 20,
		.has_max = true, .max = 2048
};

static const HlShape ValidationLevel = {
	.name = "ValidationLevel", .kind = HL_KIND_STRING
};

static const HlShape DefaultEnabledBoolean = {
	.name = "DefaultEnabledBoolean", .kind = HL_KIND_BOOLEAN
};

static const HlMember start_fhir_import_job_request_members[] = {
	{"JobName", "job_name", &JobName},
	{"InputDataConfig", NULL, &InputDataConfig, .required = true},
	{"JobOutputDataConfig", NULL, &OutputDataConfig, .required = true},
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"DataAccessRoleArn", "data_access_role_arn", &IamRoleArn, .required = true},
	{"ClientToken", "client_token", &ClientTokenString,
		.idempotency_token = true},
	{"ValidationLevel", "validation_level", &ValidationLevel},
	{"ProfileId", "profile_id", &BoundedLengthString},
	{"InputFormat", "input_format", &BoundedLengthString},
	{"DriftDetectionEnabled", "drift_detection_enabled", &HealthLakeBoolean},
	{"ProvenanceEnabled", "provenance_enabled", &DefaultEnabledBoolean},
};
static const HlShape StartFHIRImportJobRequest = {
	.name = "StartFHIRImportJobRequest", .kind = HL_KIND_STRUCTURE,
		.members = start_fhir_import_job_request_members,
		.nmembers = LENGTH(start_fhir_import_job_request_members)
};

static const HlShape JobId = {
	.name = "JobId", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 32
};

static const HlShape JobStatus = {
	.name = "JobStatus", .kind = HL_KIND_STRING
};

static const HlMember start_fhir_import_job_response_members[] = {
	{"JobId", "job_id", &JobId, .required = true},
	{"JobStatus", "status", &JobStatus, .required = true},
	{"DatastoreId", "datastore_id", &DatastoreId},
};
static const HlShape StartFHIRImportJobResponse = {
	.name = "StartFHIRImportJobResponse", .kind = HL_KIND_STRUCTURE,
		.members = start_fhir_import_job_response_members,
		.nmembers = LENGTH(start_fhir_import_job_response_members)
};

static const HlMember describe_fhir_import_job_request_members[] = {
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"JobId", "job_id", &JobId, .required = true},
};
static const HlShape DescribeFHIRImportJobRequest = {
	.name = "DescribeFHIRImportJobRequest", .kind = HL_KIND_STRUCTURE,
		.members = describe_fhir_import_job_request_members,
		.nmembers = LENGTH(describe_fhir_import_job_request_members)
};

static const HlShape GenericLong = {
	.name = "GenericLong", .kind = HL_KIND_LONG
};

static const HlShape GenericDouble = {
	.name = "GenericDouble", .kind = HL_KIND_DOUBLE
};

static const HlMember job_progress_report_members[] = {
	{"TotalNumberOfScannedFiles", "total_number_of_scanned_files", &GenericLong},
	{"TotalSizeOfScannedFilesInMB", "total_size_of_scanned_files_in_mb",
		&GenericDouble},
	{"TotalNumberOfImportedFiles", "total_number_of_imported_files",
		&GenericLong},
	{"TotalNumberOfResourcesScanned", "total_number_of_resources_scanned",
		&GenericLong},
	{"TotalNumberOfResourcesImported", "total_number_of_resources_imported",
		&GenericLong},
	{"TotalNumberOfResourcesWithCustomerError",
		"total_number_of_resources_with_customer_error", &GenericLong},
	{"TotalNumberOfFilesReadWithCustomerError",
		"total_number_of_files_read_with_customer_error", &GenericLong},
	{"TotalNumberOfScannedNonFhirFiles",
		"total_number_of_scanned_non_fhir_files", &GenericLong},
	{"TotalSizeOfScannedNonFhirFilesInMB",
		"total_size_of_scanned_non_fhir_files_in_mb", &GenericDouble},
	{"TotalNumberOfImportedNonFhirFiles",
		"total_number_of_imported_non_fhir_files", &GenericLong},
	{"TotalNumberOfNonFhirResourcesScanned",
		"total_number_of_non_fhir_resources_scanned", &GenericLong},
	{"TotalNumberOfNonFhirResourcesImported",
		"total_number_of_non_fhir_resources_imported", &GenericLong},
	{"TotalNumberOfNonFhirResourcesWithCustomerError",
		"total_number_of_non_fhir_resources_with_customer_error", &GenericLong},
	{"TotalNumberOfNonFhirFilesReadWithCustomerError",
		"total_number_of_non_fhir_files_read_with_customer_error", &GenericLong},
	{"Throughput", "throughput", &GenericDouble},
	{"TotalFilesConverted", "total_files_converted", &GenericLong},
	{"TotalResourcesGenerated", "total_resources_generated", &GenericLong},
};
static const HlShape JobProgressReport = {
	.name = "JobProgressReport", .kind = HL_KIND_STRUCTURE,
		.members = job_progress_report_members,
		.nmembers = LENGTH(job_progress_report_members)
};

static const HlShape Message = {
	.name = "Message", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 2048
};

static const HlMember import_job_properties_members[] = {
	{"JobId", "job_id", &JobId, .required = true},
	{"JobName", "job_name", &JobName},
	{"JobStatus", "status", &JobStatus, .required = true},
	{"SubmitTime", "submit_time", &HealthLakeTimestamp, .required = true},
	{"EndTime", "end_time", &HealthLakeTimestamp},
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"InputDataConfig", NULL, &InputDataConfig, .required = true},
	{"JobOutputDataConfig", NULL, &OutputDataConfig},
	{"JobProgressReport", NULL, &JobProgressReport},
	{"DataAccessRoleArn", "data_access_role_arn", &IamRoleArn},
	{"Message", "message", &Message},
	{"ValidationLevel", "validation_level", &ValidationLevel},
};
static const HlShape ImportJobProperties = {
	.name = "ImportJobProperties", .kind = HL_KIND_STRUCTURE,
		.members = import_job_properties_members,
		.nmembers = LENGTH(import_job_properties_members)
};

static const HlMember describe_fhir_import_job_response_members[] = {
	{"ImportJobProperties", NULL, &ImportJobProperties, .required = true},
};
static const HlShape DescribeFHIRImportJobResponse = {
	.name = "DescribeFHIRImportJobResponse", .kind = HL_KIND_STRUCTURE,
		.members = describe_fhir_import_job_response_members,
		.nmembers = LENGTH(describe_fhir_import_job_response_members)
};

static const HlMember list_fhir_import_jobs_request_members[] = {
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"NextToken", NULL, &NextToken},
	{"MaxResults", NULL, &MaxResultsInteger},
	{"JobName", "job_name", &JobName},
	{"JobStatus", "job_status", &JobStatus},
	{"SubmittedBefore", "submitted_before", &HealthLakeTimestamp},
	{"SubmittedAfter", "submitted_after", &HealthLakeTimestamp},
};
static const HlShape ListFHIRImportJobsRequest = {
	.name = "ListFHIRImportJobsRequest", .kind = HL_KIND_STRUCTURE,
		.members = list_fhir_import_jobs_request_members,
		.nmembers = LENGTH(list_fhir_import_jobs_request_members)
};

static const HlShape ImportJobPropertiesList = {
	.name = "ImportJobPropertiesList", .kind = HL_KIND_LIST,
		.element = &ImportJobProperties
};

static const HlMember list_fhir_import_jobs_response_members[] = {
	{"ImportJobPropertiesList", NULL, &ImportJobPropertiesList,
		.required = true},
	{"NextToken", NULL, &NextToken},
};
static const HlShape ListFHIRImportJobsResponse = {
	.name = "ListFHIRImportJobsResponse", .kind = HL_KIND_STRUCTURE,
		.members = list_fhir_import_jobs_response_members,
		.nmembers = LENGTH(list_fhir_import_jobs_response_members)
};

static const HlMember start_fhir_export_job_request_members[] = {
	{"JobName", "job_name", &JobName},
	{"OutputDataConfig", NULL, &OutputDataConfig, .required = true},
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"DataAccessRoleArn", "data_access_role_arn", &IamRoleArn, .required = true},
	{"ClientToken", "client_token", &ClientTokenString,
		.idempotency_token = true},
};
static const HlShape StartFHIRExportJobRequest = {
	.name = "StartFHIRExportJobRequest", .kind = HL_KIND_STRUCTURE,
		.members = start_fhir_export_job_request_members,
		.nmembers = LENGTH(start_fhir_export_job_request_members)
};

static const HlMember start_fhir_export_job_response_members[] = {
	{"JobId", "job_id", &JobId, .required = true},
	{"JobStatus", "status", &JobStatus, .required = true},
	{"DatastoreId", "datastore_id", &DatastoreId},
};
static const HlShape StartFHIRExportJobResponse = {
	.name = "StartFHIRExportJobResponse", .kind = HL_KIND_STRUCTURE,
		.members = start_fhir_export_job_response_members,
		.nmembers = LENGTH(start_fhir_export_job_response_members)
};

static const HlMember describe_fhir_export_job_request_members[] = {
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"JobId", "job_id", &JobId, .required = true},
};
static const HlShape DescribeFHIRExportJobRequest = {
	.name = "DescribeFHIRExportJobRequest", .kind = HL_KIND_STRUCTURE,
		.members = describe_fhir_export_job_request_members,
		.nmembers = LENGTH(describe_fhir_export_job_request_members)
};

static const HlMember export_job_properties_members[] = {
	{"JobId", "job_id", &JobId, .required = true},
	{"JobName", "job_name", &JobName},
	{"JobStatus", "status", &JobStatus, .required = true},
	{"SubmitTime", "submit_time", &HealthLakeTimestamp, .required = true},
	{"EndTime", "end_time", &HealthLakeTimestamp},
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"OutputDataConfig", NULL, &OutputDataConfig, .required = true},
	{"DataAccessRoleArn", "data_access_role_arn", &IamRoleArn},
	{"Message", "message", &Message},
};
static const HlShape ExportJobProperties = {
	.name = "ExportJobProperties", .kind = HL_KIND_STRUCTURE,
		.members = export_job_properties_members,
		.nmembers = LENGTH(export_job_properties_members)
};

static const HlMember describe_fhir_export_job_response_members[] = {
	{"ExportJobProperties", NULL, &ExportJobProperties, .required = true},
};
static const HlShape DescribeFHIRExportJobResponse = {
	.name = "DescribeFHIRExportJobResponse", .kind = HL_KIND_STRUCTURE,
		.members = describe_fhir_export_job_response_members,
		.nmembers = LENGTH(describe_fhir_export_job_response_members)
};

static const HlMember list_fhir_export_jobs_request_members[] = {
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"NextToken", NULL, &NextToken},
	{"MaxResults", NULL, &MaxResultsInteger},
	{"JobName", "job_name", &JobName},
	{"JobStatus", "job_status", &JobStatus},
	{"SubmittedBefore", "submitted_before", &HealthLakeTimestamp},
	{"SubmittedAfter", "submitted_after", &HealthLakeTimestamp},
};
static const HlShape ListFHIRExportJobsRequest = {
	.name = "ListFHIRExportJobsRequest", .kind = HL_KIND_STRUCTURE,
		.members = list_fhir_export_jobs_request_members,
		.nmembers = LENGTH(list_fhir_export_jobs_request_members)
};

static const HlShape ExportJobPropertiesList = {
	.name = "ExportJobPropertiesList", .kind = HL_KIND_LIST,
		.element = &ExportJobProperties
};

static const HlMember list_fhir_export_jobs_response_members[] = {
	{"ExportJobPropertiesList", NULL, &ExportJobPropertiesList,
		.required = true},
	{"NextToken", NULL, &NextToken},
};
static const HlShape ListFHIRExportJobsResponse = {
	.name = "ListFHIRExportJobsResponse", .kind = HL_KIND_STRUCTURE,
		.members = list_fhir_export_jobs_response_members,
		.nmembers = LENGTH(list_fhir_export_jobs_response_members)
};

static const HlShape SourceFormat = {
	.name = "SourceFormat", .kind = HL_KIND_STRING
};

static const HlShape String = {
	.name = "String", .kind = HL_KIND_STRING
};

static const HlMember starter_profile_source_members[] = {
	{"StarterProfileName", "starter_profile_name", &String, .required = true},
};
static const HlShape StarterProfileSource = {
	.name = "StarterProfileSource", .kind = HL_KIND_STRUCTURE,
		.members = starter_profile_source_members,
		.nmembers = LENGTH(starter_profile_source_members)
};

static const HlShape Integer = {
	.name = "Integer", .kind = HL_KIND_INTEGER
};

static const HlMember existing_versioned_profile_source_members[] = {
	{"ProfileId", "existing_profile_id", &String, .required = true},
	{"Version", "existing_profile_version", &Integer, .required = true},
};
static const HlShape ExistingVersionedProfileSource = {
	.name = "ExistingVersionedProfileSource", .kind = HL_KIND_STRUCTURE,
		.members = existing_versioned_profile_source_members,
		.nmembers = LENGTH(existing_versioned_profile_source_members)
};

static const HlShape StringMap = {
	.name = "StringMap", .kind = HL_KIND_MAP, .element = &String, .key = &String
};

static const HlMember profile_mapping_source_members[] = {
	{"ProfileMapping", "profile_mapping", &StringMap, .required = true},
};
static const HlShape ProfileMappingSource = {
	.name = "ProfileMappingSource", .kind = HL_KIND_STRUCTURE, .sensitive = true,
		.members = profile_mapping_source_members,
		.nmembers = LENGTH(profile_mapping_source_members)
};

static const HlShape SampleDataS3Uri = {
	.name = "SampleDataS3Uri", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 1024
};

static const HlMember sample_data_source_members[] = {
	{"S3Uri", "sample_data_s3_uri", &SampleDataS3Uri, .required = true},
};
static const HlShape SampleDataSource = {
	.name = "SampleDataSource", .kind = HL_KIND_STRUCTURE,
		.members = sample_data_source_members,
		.nmembers = LENGTH(sample_data_source_members)
};

static const HlMember create_data_transformation_profile_source_members[] = {
	{"StarterProfile", NULL, &StarterProfileSource},
	{"ExistingVersionedProfileId", NULL, &ExistingVersionedProfileSource},
	{"ProfileMapping", NULL, &ProfileMappingSource},
	{"SampleData", NULL, &SampleDataSource},
};
static const HlShape CreateDataTransformationProfileSource = {
	.name = "CreateDataTransformationProfileSource", .kind = HL_KIND_UNION,
		.members = create_data_transformation_profile_source_members,
		.nmembers = LENGTH(create_data_transformation_profile_source_members)
};

static const HlShape KmsKeyId = {
	.name = "KmsKeyId", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 2048
};

static const HlShape ProfileDescription = {
	.name = "ProfileDescription", .kind = HL_KIND_STRING, .has_min = true,
		.min = 0, .has_max = true, .max = 1000
};

static const HlShape ProfileNameString = {
	.name = "ProfileNameString", .kind = HL_KIND_STRING, .has_min = true,
		.min = 1, .has_max = true, .max = 256
};

static const HlShape DataTransformationTagKey = {
	.name = "DataTransformationTagKey", .kind = HL_KIND_STRING, .has_min = true,
		.min = 1, .has_max = true, .max = 128
};

static const HlShape DataTransformationTagValue = {
	.name = "DataTransformationTagValue", .kind = HL_KIND_STRING,
		.has_min = true, .min = 0, .has_max = true, .max = 256
};

static const HlShape TagMap = {
	.name = "TagMap", .kind = HL_KIND_MAP, .has_min = true, .min = 0,
		.has_max = true, .max = 50, .element = &DataTransformationTagValue,
		.key = &DataTransformationTagKey
};

static const HlShape ClientToken = {
	.name = "ClientToken", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 64
};

static const HlMember create_data_transformation_profile_request_members[] = {
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"Source", NULL, &CreateDataTransformationProfileSource, .required = true},
	{"KmsKeyId", "kms_key_id", &KmsKeyId},
	{"ProfileDescription", "profile_description", &ProfileDescription},
	{"ProfileName", "profile_name", &ProfileNameString, .required = true},
	{"Tags", "tags", &TagMap, .form = HL_FORM_TAGS},
	{"ClientToken", "client_token", &ClientToken, .idempotency_token = true},
};
static const HlShape CreateDataTransformationProfileRequest = {
	.name = "CreateDataTransformationProfileRequest", .kind = HL_KIND_STRUCTURE,
		.members = create_data_transformation_profile_request_members,
		.nmembers = LENGTH(create_data_transformation_profile_request_members)
};

static const HlShape ProfileIdString = {
	.name = "ProfileIdString", .kind = HL_KIND_STRING, .has_min = true,
		.min = 32, .has_max = true, .max = 32
};

static const HlShape ProfileVersion = {
	.name = "ProfileVersion", .kind = HL_KIND_INTEGER, .has_min = true, .min = 0,
		.has_max = true, .max = 99
};

static const HlShape TargetFormat = {
	.name = "TargetFormat", .kind = HL_KIND_STRING
};

static const HlShape DateTime = {
	.name = "DateTime", .kind = HL_KIND_TIMESTAMP
};

static const HlMember create_data_transformation_profile_response_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"Version", "version", &ProfileVersion, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"TargetFormat", "target_format", &TargetFormat, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString, .required = true},
	{"LastUpdatedAt", "last_updated_at", &DateTime, .required = true},
};
static const HlShape CreateDataTransformationProfileResponse = {
	.name = "CreateDataTransformationProfileResponse", .kind = HL_KIND_STRUCTURE,
		.members = create_data_transformation_profile_response_members,
		.nmembers = LENGTH(create_data_transformation_profile_response_members)
};

static const HlMember get_data_transformation_profile_request_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"ProfileVersion", "profile_version", &ProfileVersion},
};
static const HlShape GetDataTransformationProfileRequest = {
	.name = "GetDataTransformationProfileRequest", .kind = HL_KIND_STRUCTURE,
		.members = get_data_transformation_profile_request_members,
		.nmembers = LENGTH(get_data_transformation_profile_request_members)
};

static const HlShape ProfileMappingKey = {
	.name = "ProfileMappingKey", .kind = HL_KIND_STRING, .has_min = true,
		.min = 1, .has_max = true, .max = 500
};

static const HlShape ProfileMappingValue = {
	.name = "ProfileMappingValue", .kind = HL_KIND_STRING, .has_min = true,
		.min = 0, .has_max = true, .max = 102400
};

static const HlShape ProfileMapping = {
	.name = "ProfileMapping", .kind = HL_KIND_MAP, .sensitive = true,
		.has_min = true, .min = 1, .has_max = true, .max = 500,
		.element = &ProfileMappingValue, .key = &ProfileMappingKey
};

static const HlShape ChangeDescription = {
	.name = "ChangeDescription", .kind = HL_KIND_STRING, .has_min = true,
		.min = 0, .has_max = true, .max = 1000
};

static const HlMember get_data_transformation_profile_response_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"Version", "version", &ProfileVersion, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"TargetFormat", "target_format", &TargetFormat, .required = true},
	{"ProfileMapping", "profile_mapping", &ProfileMapping, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"ProfileDescription", "profile_description", &ProfileDescription},
	{"ChangeDescription", "change_description", &ChangeDescription},
	{"LastUpdatedAt", "last_updated_at", &DateTime, .required = true},
};
static const HlShape GetDataTransformationProfileResponse = {
	.name = "GetDataTransformationProfileResponse", .kind = HL_KIND_STRUCTURE,
		.members = get_data_transformation_profile_response_members,
		.nmembers = LENGTH(get_data_transformation_profile_response_members)
};

static const HlShape MaxResults = {
	.name = "MaxResults", .kind = HL_KIND_INTEGER, .has_min = true, .min = 1,
		.has_max = true, .max = 100
};

static const HlShape DataTransformationNextToken = {
	.name = "DataTransformationNextToken", .kind = HL_KIND_STRING,
		.has_min = true, .min = 1, .has_max = true, .max = 2048
};

static const HlMember list_data_transformation_profiles_request_members[] = {
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"MaxResults", NULL, &MaxResults},
	{"NextToken", NULL, &DataTransformationNextToken},
};
static const HlShape ListDataTransformationProfilesRequest = {
	.name = "ListDataTransformationProfilesRequest", .kind = HL_KIND_STRUCTURE,
		.members = list_data_transformation_profiles_request_members,
		.nmembers = LENGTH(list_data_transformation_profiles_request_members)
};

static const HlMember data_transformation_profile_summary_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"Version", "version", &ProfileVersion, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"TargetFormat", "target_format", &TargetFormat, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"ProfileDescription", "profile_description", &ProfileDescription},
	{"LastUpdatedAt", "last_updated_at", &DateTime},
};
static const HlShape DataTransformationProfileSummary = {
	.name = "DataTransformationProfileSummary", .kind = HL_KIND_STRUCTURE,
		.members = data_transformation_profile_summary_members,
		.nmembers = LENGTH(data_transformation_profile_summary_members)
};

static const HlShape DataTransformationProfileSummaryList = {
	.name = "DataTransformationProfileSummaryList", .kind = HL_KIND_LIST,
		.element = &DataTransformationProfileSummary
};

static const HlMember list_data_transformation_profiles_response_members[] = {
	{"Items", NULL, &DataTransformationProfileSummaryList, .required = true},
	{"NextToken", NULL, &DataTransformationNextToken},
};
static const HlShape ListDataTransformationProfilesResponse = {
	.name = "ListDataTransformationProfilesResponse", .kind = HL_KIND_STRUCTURE,
		.members = list_data_transformation_profiles_response_members,
		.nmembers = LENGTH(list_data_transformation_profiles_response_members)
};

static const HlMember list_data_transformation_profile_versions_request_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"MaxResults", NULL, &MaxResults},
	{"NextToken", NULL, &DataTransformationNextToken},
};
static const HlShape ListDataTransformationProfileVersionsRequest = {
	.name = "ListDataTransformationProfileVersionsRequest",
		.kind = HL_KIND_STRUCTURE,
		.members = list_data_transformation_profile_versions_request_members,
		.nmembers = LENGTH(list_data_transformation_profile_versions_request_members)
};

static const HlMember data_transformation_profile_version_summary_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"Version", "version", &ProfileVersion, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"TargetFormat", "target_format", &TargetFormat, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"ChangeDescription", "change_description", &ChangeDescription},
	{"LastUpdatedAt", "last_updated_at", &DateTime},
};
static const HlShape DataTransformationProfileVersionSummary = {
	.name = "DataTransformationProfileVersionSummary", .kind = HL_KIND_STRUCTURE,
		.members = data_transformation_profile_version_summary_members,
		.nmembers = LENGTH(data_transformation_profile_version_summary_members)
};

static const HlShape DataTransformationProfileVersionSummaryList = {
	.name = "DataTransformationProfileVersionSummaryList", .kind = HL_KIND_LIST,
		.element = &DataTransformationProfileVersionSummary
};

static const HlMember list_data_transformation_profile_versions_response_members[] = {
	{"Items", NULL, &DataTransformationProfileVersionSummaryList,
		.required = true},
	{"NextToken", NULL, &DataTransformationNextToken},
};
static const HlShape ListDataTransformationProfileVersionsResponse = {
	.name = "ListDataTransformationProfileVersionsResponse",
		.kind = HL_KIND_STRUCTURE,
		.members = list_data_transformation_profile_versions_response_members,
		.nmembers = LENGTH(list_data_transformation_profile_versions_response_members)
};

static const HlMember publish_data_transformation_profile_request_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"FromExistingVersion", "from_existing_version", &ProfileVersion},
	{"ChangeDescription", "change_description", &ChangeDescription},
};
static const HlShape PublishDataTransformationProfileRequest = {
	.name = "PublishDataTransformationProfileRequest", .kind = HL_KIND_STRUCTURE,
		.members = publish_data_transformation_profile_request_members,
		.nmembers = LENGTH(publish_data_transformation_profile_request_members)
};

static const HlMember publish_data_transformation_profile_response_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"Version", "version", &ProfileVersion, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"TargetFormat", "target_format", &TargetFormat, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"LastUpdatedAt", "last_updated_at", &DateTime, .required = true},
};
static const HlShape PublishDataTransformationProfileResponse = {
	.name = "PublishDataTransformationProfileResponse",
		.kind = HL_KIND_STRUCTURE,
		.members = publish_data_transformation_profile_response_members,
		.nmembers = LENGTH(publish_data_transformation_profile_response_members)
};

static const HlMember update_data_transformation_profile_request_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"ProfileMapping", "profile_mapping", &ProfileMapping, .required = true},
	{"ChangeDescription", "change_description", &ChangeDescription},
};
static const HlShape UpdateDataTransformationProfileRequest = {
	.name = "UpdateDataTransformationProfileRequest", .kind = HL_KIND_STRUCTURE,
		.members = update_data_transformation_profile_request_members,
		.nmembers = LENGTH(update_data_transformation_profile_request_members)
};

static const HlMember update_data_transformation_profile_response_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"TargetFormat", "target_format", &TargetFormat, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"LastUpdatedAt", "last_updated_at", &DateTime, .required = true},
};
static const HlShape UpdateDataTransformationProfileResponse = {
	.name = "UpdateDataTransformationProfileResponse", .kind = HL_KIND_STRUCTURE,
		.members = update_data_transformation_profile_response_members,
		.nmembers = LENGTH(update_data_transformation_profile_response_members)
};

static const HlShape AgentMessageString = {
	.name = "AgentMessageString", .kind = HL_KIND_STRING, .sensitive = true,
		.has_min = true, .min = 1, .has_max = true, .max = 40960
};

static const HlShape AgentInputMessageType = {
	.name = "AgentInputMessageType", .kind = HL_KIND_STRING
};

static const HlMember agent_input_message_members[] = {
	{"Body", "input_message", &AgentMessageString, .required = true},
	{"Type", "input_message_type", &AgentInputMessageType, .required = true},
};
static const HlShape AgentInputMessage = {
	.name = "AgentInputMessage", .kind = HL_KIND_STRUCTURE,
		.members = agent_input_message_members,
		.nmembers = LENGTH(agent_input_message_members)
};

static const HlShape ConversationIdString = {
	.name = "ConversationIdString", .kind = HL_KIND_STRING, .has_min = true,
		.min = 1, .has_max = true, .max = 36
};

static const HlMember update_profile_with_agent_request_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"InputMessage", NULL, &AgentInputMessage, .required = true},
	{"ConversationId", "conversation_id", &ConversationIdString},
};
static const HlShape UpdateProfileWithAgentRequest = {
	.name = "UpdateProfileWithAgentRequest", .kind = HL_KIND_STRUCTURE,
		.members = update_profile_with_agent_request_members,
		.nmembers = LENGTH(update_profile_with_agent_request_members)
};

static const HlMember text_message_event_members[] = {
	{"Message", "message", &AgentMessageString, .required = true},
};
static const HlShape TextMessageEvent = {
	.name = "TextMessageEvent", .kind = HL_KIND_STRUCTURE,
		.members = text_message_event_members,
		.nmembers = LENGTH(text_message_event_members)
};

static const HlMember progress_event_members[] = {
	{"Message", "message", &AgentMessageString, .required = true},
};
static const HlShape ProgressEvent = {
	.name = "ProgressEvent", .kind = HL_KIND_STRUCTURE,
		.members = progress_event_members,
		.nmembers = LENGTH(progress_event_members)
};

static const HlShape HeartbeatEvent = {
	.name = "HeartbeatEvent", .kind = HL_KIND_STRUCTURE
};

static const HlShape AgentErrorType = {
	.name = "AgentErrorType", .kind = HL_KIND_STRING
};

static const HlMember error_event_members[] = {
	{"Error", "error", &AgentErrorType, .required = true},
	{"Message", "message", &AgentMessageString, .required = true},
};
static const HlShape ErrorEvent = {
	.name = "ErrorEvent", .kind = HL_KIND_STRUCTURE,
		.members = error_event_members, .nmembers = LENGTH(error_event_members)
};

static const HlShape DataTransformationChatOptionString = {
	.name = "DataTransformationChatOptionString", .kind = HL_KIND_STRING,
		.sensitive = true, .has_min = true, .min = 1, .has_max = true, .max = 1024
};

static const HlShape DataTransformationChatOptionsList = {
	.name = "DataTransformationChatOptionsList", .kind = HL_KIND_LIST,
		.element = &DataTransformationChatOptionString
};

static const HlMember end_of_output_event_members[] = {
	{"FinalResponseMessage", "message", &AgentMessageString, .required = true},
	{"Options", "options", &DataTransformationChatOptionsList},
	{"ConversationId", "conversation_id", &ConversationIdString},
};
static const HlShape EndOfOutputEvent = {
	.name = "EndOfOutputEvent", .kind = HL_KIND_STRUCTURE,
		.members = end_of_output_event_members,
		.nmembers = LENGTH(end_of_output_event_members)
};

static const HlMember agent_output_message_stream_members[] = {
	{"TextMessageEvent", NULL, &TextMessageEvent},
	{"ProgressEvent", NULL, &ProgressEvent},
	{"HeartbeatEvent", NULL, &HeartbeatEvent},
	{"ErrorEvent", NULL, &ErrorEvent},
	{"EndOfOutputEvent", NULL, &EndOfOutputEvent},
};
static const HlShape AgentOutputMessageStreamEvent = {
	.name = "AgentOutputMessageStreamEvent", .kind = HL_KIND_UNION,
		.members = agent_output_message_stream_members,
		.nmembers = LENGTH(agent_output_message_stream_members)
};

static const HlShape AgentOutputMessageStream = {
	.name = "AgentOutputMessageStream", .kind = HL_KIND_LIST, .stream = true,
		.element = &AgentOutputMessageStreamEvent
};

static const HlMember update_profile_with_agent_response_members[] = {
	{"AgentResponse", NULL, &AgentOutputMessageStream, .required = true},
};
static const HlShape UpdateProfileWithAgentResponse = {
	.name = "UpdateProfileWithAgentResponse", .kind = HL_KIND_STRUCTURE,
		.members = update_profile_with_agent_response_members,
		.nmembers = LENGTH(update_profile_with_agent_response_members)
};

static const HlMember delete_data_transformation_profile_request_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
};
static const HlShape DeleteDataTransformationProfileRequest = {
	.name = "DeleteDataTransformationProfileRequest", .kind = HL_KIND_STRUCTURE,
		.members = delete_data_transformation_profile_request_members,
		.nmembers = LENGTH(delete_data_transformation_profile_request_members)
};

static const HlMember delete_data_transformation_profile_response_members[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"DeletionTime", "deletion_time", &DateTime, .required = true},
};
static const HlShape DeleteDataTransformationProfileResponse = {
	.name = "DeleteDataTransformationProfileResponse", .kind = HL_KIND_STRUCTURE,
		.members = delete_data_transformation_profile_response_members,
		.nmembers = LENGTH(delete_data_transformation_profile_response_members)
};

static const HlShape DataTransformationS3Uri = {
	.name = "DataTransformationS3Uri", .kind = HL_KIND_STRING, .has_min = true,
		.min = 8, .has_max = true, .max = 2048
};

static const HlMember transformation_input_data_config_members[] = {
	{"S3Uri", "input_s3_uri", &DataTransformationS3Uri, .required = true},
	{"SourceFormat", "source_format", &SourceFormat},
};
static const HlShape TransformationInputDataConfig = {
	.name = "TransformationInputDataConfig", .kind = HL_KIND_STRUCTURE,
		.members = transformation_input_data_config_members,
		.nmembers = LENGTH(transformation_input_data_config_members)
};

static const HlMember data_transformation_s3_configuration_members[] = {
	{"S3Uri", "output_s3_uri", &DataTransformationS3Uri, .required = true},
	{"KmsKeyId", "kms_key_id", &KmsKeyId, .required = true},
};
static const HlShape DataTransformationS3Configuration = {
	.name = "DataTransformationS3Configuration", .kind = HL_KIND_STRUCTURE,
		.members = data_transformation_s3_configuration_members,
		.nmembers = LENGTH(data_transformation_s3_configuration_members)
};

static const HlMember transformation_output_data_config_members[] = {
	{"S3Configuration", NULL, &DataTransformationS3Configuration,
		.required = true},
};
static const HlShape TransformationOutputDataConfig = {
	.name = "TransformationOutputDataConfig", .kind = HL_KIND_STRUCTURE,
		.members = transformation_output_data_config_members,
		.nmembers = LENGTH(transformation_output_data_config_members)
};

static const HlShape DataTransformationIamRoleArn = {
	.name = "DataTransformationIamRoleArn", .kind = HL_KIND_STRING,
		.has_min = true, .min = 20, .has_max = true, .max = 2048
};

static const HlShape DataTransformationJobName = {
	.name = "DataTransformationJobName", .kind = HL_KIND_STRING, .has_min = true,
		.min = 1, .has_max = true, .max = 64
};

static const HlShape Boolean = {
	.name = "Boolean", .kind = HL_KIND_BOOLEAN
};

static const HlMember start_data_transformation_job_request_members[] = {
	{"InputDataConfig", NULL, &TransformationInputDataConfig, .required = true},
	{"OutputDataConfig", NULL, &TransformationOutputDataConfig,
		.required = true},
	{"DataAccessRoleArn", "data_access_role_arn", &DataTransformationIamRoleArn,
		.required = true},
	{"ClientToken", "client_token", &ClientToken, .required = true,
		.idempotency_token = true},
	{"JobName", "job_name", &DataTransformationJobName},
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"DriftDetectionEnabled", "drift_detection_enabled", &Boolean},
	{"ProvenanceEnabled", "provenance_enabled", &Boolean},
};
static const HlShape StartDataTransformationJobRequest = {
	.name = "StartDataTransformationJobRequest", .kind = HL_KIND_STRUCTURE,
		.members = start_data_transformation_job_request_members,
		.nmembers = LENGTH(start_data_transformation_job_request_members)
};

static const HlShape DataTransformationJobId = {
	.name = "DataTransformationJobId", .kind = HL_KIND_STRING, .has_min = true,
		.min = 1, .has_max = true, .max = 32
};

static const HlShape TransformationJobStatus = {
	.name = "TransformationJobStatus", .kind = HL_KIND_STRING
};

static const HlMember start_data_transformation_job_response_members[] = {
	{"JobId", "job_id", &DataTransformationJobId, .required = true},
	{"JobStatus", "status", &TransformationJobStatus, .required = true},
};
static const HlShape StartDataTransformationJobResponse = {
	.name = "StartDataTransformationJobResponse", .kind = HL_KIND_STRUCTURE,
		.members = start_data_transformation_job_response_members,
		.nmembers = LENGTH(start_data_transformation_job_response_members)
};

static const HlMember describe_data_transformation_job_request_members[] = {
	{"JobId", "job_id", &DataTransformationJobId, .required = true},
};
static const HlShape DescribeDataTransformationJobRequest = {
	.name = "DescribeDataTransformationJobRequest", .kind = HL_KIND_STRUCTURE,
		.members = describe_data_transformation_job_request_members,
		.nmembers = LENGTH(describe_data_transformation_job_request_members)
};

static const HlShape BoundedString = {
	.name = "BoundedString", .kind = HL_KIND_STRING, .has_min = true, .min = 1,
		.has_max = true, .max = 2048
};

static const HlShape Long = {
	.name = "Long", .kind = HL_KIND_LONG
};

static const HlMember transformation_job_progress_report_members[] = {
	{"TotalFilesScanned", "total_files_scanned", &Long, .required = true},
	{"TotalFilesConverted", "total_files_converted", &Long, .required = true},
	{"TotalFilesFailed", "total_files_failed", &Long, .required = true},
	{"TotalResourcesGenerated", "total_resources_generated", &Long,
		.required = true},
};
static const HlShape TransformationJobProgressReport = {
	.name = "TransformationJobProgressReport", .kind = HL_KIND_STRUCTURE,
		.members = transformation_job_progress_report_members,
		.nmembers = LENGTH(transformation_job_progress_report_members)
};

static const HlMember transformation_job_properties_members[] = {
	{"JobId", "job_id", &DataTransformationJobId, .required = true},
	{"JobStatus", "status", &TransformationJobStatus, .required = true},
	{"InputDataConfig", NULL, &TransformationInputDataConfig, .required = true},
	{"OutputDataConfig", NULL, &TransformationOutputDataConfig,
		.required = true},
	{"DataAccessRoleArn", "data_access_role_arn", &DataTransformationIamRoleArn,
		.required = true},
	{"SubmitTime", "submit_time", &DateTime, .required = true},
	{"JobName", "job_name", &DataTransformationJobName},
	{"ProfileId", "profile_id", &ProfileIdString},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"ProfileVersion", "profile_version", &Integer},
	{"EndTime", "end_time", &DateTime},
	{"DriftDetectionEnabled", "drift_detection_enabled", &Boolean},
	{"ProvenanceEnabled", "provenance_enabled", &Boolean},
	{"Message", "message", &BoundedString},
	{"JobProgressReport", NULL, &TransformationJobProgressReport},
};
static const HlShape TransformationJobProperties = {
	.name = "TransformationJobProperties", .kind = HL_KIND_STRUCTURE,
		.members = transformation_job_properties_members,
		.nmembers = LENGTH(transformation_job_properties_members)
};

static const HlMember describe_data_transformation_job_response_members[] = {
	{"TransformationJobProperties", NULL, &TransformationJobProperties,
		.required = true},
};
static const HlShape DescribeDataTransformationJobResponse = {
	.name = "DescribeDataTransformationJobResponse", .kind = HL_KIND_STRUCTURE,
		.members = describe_data_transformation_job_response_members,
		.nmembers = LENGTH(describe_data_transformation_job_response_members)
};

static const HlMember list_data_transformation_jobs_request_members[] = {
	{"MaxResults", NULL, &MaxResults},
	{"NextToken", NULL, &DataTransformationNextToken},
	{"JobStatus", "job_status", &TransformationJobStatus},
	{"JobName", "job_name", &DataTransformationJobName},
	{"SubmittedAfter", "submitted_after", &DateTime},
	{"SubmittedBefore", "submitted_before", &DateTime},
};
static const HlShape ListDataTransformationJobsRequest = {
	.name = "ListDataTransformationJobsRequest", .kind = HL_KIND_STRUCTURE,
		.members = list_data_transformation_jobs_request_members,
		.nmembers = LENGTH(list_data_transformation_jobs_request_members)
};

static const HlMember transformation_job_summary_members[] = {
	{"JobId", "job_id", &DataTransformationJobId, .required = true},
	{"JobStatus", "status", &TransformationJobStatus, .required = true},
	{"SubmitTime", "submit_time", &DateTime, .required = true},
	{"JobName", "job_name", &DataTransformationJobName},
	{"EndTime", "end_time", &DateTime},
	{"SourceFormat", "source_format", &SourceFormat},
};
static const HlShape TransformationJobSummary = {
	.name = "TransformationJobSummary", .kind = HL_KIND_STRUCTURE,
		.members = transformation_job_summary_members,
		.nmembers = LENGTH(transformation_job_summary_members)
};

static const HlShape TransformationJobSummaryList = {
	.name = "TransformationJobSummaryList", .kind = HL_KIND_LIST,
		.element = &TransformationJobSummary
};

static const HlMember list_data_transformation_jobs_response_members[] = {
	{"Items", NULL, &TransformationJobSummaryList, .required = true},
	{"NextToken", NULL, &DataTransformationNextToken},
};
static const HlShape ListDataTransformationJobsResponse = {
	.name = "ListDataTransformationJobsResponse", .kind = HL_KIND_STRUCTURE,
		.members = list_data_transformation_jobs_response_members,
		.nmembers = LENGTH(list_data_transformation_jobs_response_members)
};

static const HlListing create_fhir_datastore_search = {
	&hl_operations[HL_OPERATION_LIST_FHIR_DATASTORES], "DatastoreName",
		"DatastoreId", "CreatedAfter", "CreatedAt", "Filter"
};

static const HlListing restore_fhir_datastore_search = {
	&hl_operations[HL_OPERATION_LIST_FHIR_DATASTORES], "DatastoreName",
		"DatastoreId", "CreatedAfter", "CreatedAt", "Filter"
};

static const HlReplaced update_fhir_datastore_replaces[] = {
	{"ProfileConfiguration", "ProfileConfiguration"},
	{"IdentityProviderConfiguration", "IdentityProviderConfiguration"},
	{"BackupConfiguration", "BackupStatusInfo.Configuration"},
	{NULL, NULL},
};

static const char *const describe_fhir_datastore_good_0[] = {
	"ACTIVE", NULL
};
static const char *const describe_fhir_datastore_bad_0[] = {
	"CREATE_FAILED", "UPDATE_FAILED", "DELETING", "DELETED", NULL
};
static const char *const describe_fhir_datastore_good_1[] = {
	"DELETED", NULL
};
static const char *const describe_fhir_datastore_bad_1[] = {
	NULL
};
static const HlTargetStates describe_fhir_datastore_goals[] = {
	{&hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE], "data store",
		"ACTIVE", describe_fhir_datastore_good_0, describe_fhir_datastore_bad_0},
	{&hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE], "data store",
		"DELETED", describe_fhir_datastore_good_1, describe_fhir_datastore_bad_1,
		.gone_is_good = true},
};

static const HlListing start_fhir_import_job_search = {
	&hl_operations[HL_OPERATION_LIST_FHIR_IMPORT_JOBS], "JobName", "JobId",
		"SubmittedAfter", "SubmitTime", NULL
};

static const char *const describe_fhir_import_job_good_0[] = {
	"COMPLETED", "COMPLETED_WITH_ERRORS", NULL
};
static const char *const describe_fhir_import_job_bad_0[] = {
	"FAILED", "CANCEL_COMPLETED", "CANCEL_FAILED", NULL
};
static const HlProgress describe_fhir_import_job_progress_0 = {
	"resources", "imported", "total_number_of_resources_scanned",
		"total_number_of_resources_imported",
		"total_number_of_resources_with_customer_error"
};
static const HlTargetStates describe_fhir_import_job_goals[] = {
	{&hl_operations[HL_OPERATION_DESCRIBE_FHIR_IMPORT_JOB], "import job", NULL,
		describe_fhir_import_job_good_0, describe_fhir_import_job_bad_0,
		.progress = &describe_fhir_import_job_progress_0},
};

static const HlListing start_fhir_export_job_search = {
	&hl_operations[HL_OPERATION_LIST_FHIR_EXPORT_JOBS], "JobName", "JobId",
		"SubmittedAfter", "SubmitTime", NULL
};

static const char *const describe_fhir_export_job_good_0[] = {
	"COMPLETED", "COMPLETED_WITH_ERRORS", NULL
};
static const char *const describe_fhir_export_job_bad_0[] = {
	"FAILED", "CANCEL_COMPLETED", "CANCEL_FAILED", NULL
};
static const HlTargetStates describe_fhir_export_job_goals[] = {
	{&hl_operations[HL_OPERATION_DESCRIBE_FHIR_EXPORT_JOB], "export job", NULL,
		describe_fhir_export_job_good_0, describe_fhir_export_job_bad_0},
};

static const char *const update_profile_with_agent_refusals[] = {
	"AccessDeniedException", "ResourceNotFoundException", "ThrottlingException",
		"ValidationException", NULL
};
static const char *const update_profile_with_agent_idle[] = {
	"HeartbeatEvent", NULL
};
static const HlEventText update_profile_with_agent_told[] = {
	{"TextMessageEvent", "Message"},
	{"ProgressEvent", "Message"},
	{"ErrorEvent", "Message"},
	{NULL, NULL},
};
static const HlStream update_profile_with_agent_stream = {
	"AgentResponse", &AgentOutputMessageStreamEvent, "EndOfOutputEvent",
		"ErrorEvent", "Error", update_profile_with_agent_refusals,
		update_profile_with_agent_told, update_profile_with_agent_idle
};

static const HlListing start_data_transformation_job_search = {
	&hl_operations[HL_OPERATION_LIST_DATA_TRANSFORMATION_JOBS], "JobName",
		"JobId", "SubmittedAfter", "SubmitTime", NULL
};

static const char *const describe_data_transformation_job_good_0[] = {
	"COMPLETED", "COMPLETED_WITH_ERRORS", NULL
};
static const char *const describe_data_transformation_job_bad_0[] = {
	"FAILED", "CANCEL_COMPLETED", "CANCEL_FAILED", NULL
};
static const HlProgress describe_data_transformation_job_progress_0 = {
	"files", "converted", "total_files_scanned", "total_files_converted",
		"total_files_failed"
};
static const HlTargetStates describe_data_transformation_job_goals[] = {
	{&hl_operations[HL_OPERATION_DESCRIBE_DATA_TRANSFORMATION_JOB],
		"transformation job", NULL, describe_data_transformation_job_good_0,
		describe_data_transformation_job_bad_0,
		.progress = &describe_data_transformation_job_progress_0},
};

const HlOperation hl_operations[] = {
	[HL_OPERATION_CREATE_FHIR_DATASTORE] = {"CreateFHIRDatastore",
		"healthlake_create_datastore", &CreateFHIRDatastoreRequest,
		&CreateFHIRDatastoreResponse, .changes_something = true, .idempotent = true,
		.creates = "data store", .kind = "create",
		.describe = &hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE],
		.until = "ACTIVE", .search = &create_fhir_datastore_search},
	[HL_OPERATION_RESTORE_FHIR_DATASTORE] = {"RestoreFHIRDatastore",
		"healthlake_restore_datastore", &RestoreFHIRDatastoreRequest,
		&RestoreFHIRDatastoreResponse, .changes_something = true,
		.idempotent = true, .creates = "data store", .kind = "create",
		.describe = &hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE],
		.until = "ACTIVE", .search = &restore_fhir_datastore_search},
	[HL_OPERATION_UPDATE_FHIR_DATASTORE] = {"UpdateFHIRDatastore",
		"healthlake_update_datastore", &UpdateFHIRDatastoreRequest,
		&UpdateFHIRDatastoreResponse, .changes_something = true, .idempotent = true,
		.kind = "update",
		.describe = &hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE],
		.until = "ACTIVE", .replaces = update_fhir_datastore_replaces},
	[HL_OPERATION_DELETE_FHIR_DATASTORE] = {"DeleteFHIRDatastore",
		"healthlake_delete_datastore", &DeleteFHIRDatastoreRequest,
		&DeleteFHIRDatastoreResponse, .changes_something = true, .idempotent = true,
		.kind = "delete",
		.describe = &hl_operations[HL_OPERATION_DESCRIBE_FHIR_DATASTORE],
		.until = "DELETED"},
	[HL_OPERATION_DESCRIBE_FHIR_DATASTORE] = {"DescribeFHIRDatastore",
		"healthlake_describe_datastore", &DescribeFHIRDatastoreRequest,
		&DescribeFHIRDatastoreResponse, .idempotent = true,
		.goals = describe_fhir_datastore_goals,
		.ngoals = LENGTH(describe_fhir_datastore_goals)},
	[HL_OPERATION_LIST_FHIR_DATASTORES] = {"ListFHIRDatastores",
		"healthlake_list_datastores", &ListFHIRDatastoresRequest,
		&ListFHIRDatastoresResponse, .idempotent = true,
		.pages = "DatastorePropertiesList"},
	[HL_OPERATION_TAG_RESOURCE] = {"TagResource", "healthlake_tag_resource",
		&TagResourceRequest, &TagResourceResponse, .changes_something = true,
		.idempotent = true, .kind = "tag"},
	[HL_OPERATION_UNTAG_RESOURCE] = {"UntagResource",
		"healthlake_untag_resource", &UntagResourceRequest, &UntagResourceResponse,
		.changes_something = true, .idempotent = true, .kind = "tag"},
	[HL_OPERATION_LIST_TAGS_FOR_RESOURCE] = {"ListTagsForResource",
		"healthlake_list_tags", &ListTagsForResourceRequest,
		&ListTagsForResourceResponse, .idempotent = true},
	[HL_OPERATION_START_FHIR_IMPORT_JOB] = {"StartFHIRImportJob",
		"healthlake_start_import_job", &StartFHIRImportJobRequest,
		&StartFHIRImportJobResponse, .changes_something = true, .idempotent = true,
		.kind = "import",
		.describe = &hl_operations[HL_OPERATION_DESCRIBE_FHIR_IMPORT_JOB],
		.until = "COMPLETED", .search = &start_fhir_import_job_search},
	[HL_OPERATION_DESCRIBE_FHIR_IMPORT_JOB] = {"DescribeFHIRImportJob",
		"healthlake_describe_import_job", &DescribeFHIRImportJobRequest,
		&DescribeFHIRImportJobResponse, .idempotent = true,
		.goals = describe_fhir_import_job_goals,
		.ngoals = LENGTH(describe_fhir_import_job_goals)},
	[HL_OPERATION_LIST_FHIR_IMPORT_JOBS] = {"ListFHIRImportJobs",
		"healthlake_list_import_jobs", &ListFHIRImportJobsRequest,
		&ListFHIRImportJobsResponse, .idempotent = true,
		.pages = "ImportJobPropertiesList"},
	[HL_OPERATION_START_FHIR_EXPORT_JOB] = {"StartFHIRExportJob",
		"healthlake_start_export_job", &StartFHIRExportJobRequest,
		&StartFHIRExportJobResponse, .changes_something = true, .idempotent = true,
		.kind = "export",
		.describe = &hl_operations[HL_OPERATION_DESCRIBE_FHIR_EXPORT_JOB],
		.until = "COMPLETED", .search = &start_fhir_export_job_search},
	[HL_OPERATION_DESCRIBE_FHIR_EXPORT_JOB] = {"DescribeFHIRExportJob",
		"healthlake_describe_export_job", &DescribeFHIRExportJobRequest,
		&DescribeFHIRExportJobResponse, .idempotent = true,
		.goals = describe_fhir_export_job_goals,
		.ngoals = LENGTH(describe_fhir_export_job_goals)},
	[HL_OPERATION_LIST_FHIR_EXPORT_JOBS] = {"ListFHIRExportJobs",
		"healthlake_list_export_jobs", &ListFHIRExportJobsRequest,
		&ListFHIRExportJobsResponse, .idempotent = true,
		.pages = "ExportJobPropertiesList"},
	[HL_OPERATION_CREATE_DATA_TRANSFORMATION_PROFILE] = {"CreateDataTransformationProfile",
		"healthlake_create_transformation_profile",
		&CreateDataTransformationProfileRequest,
		&CreateDataTransformationProfileResponse,
		.host_prefix = "datatransformation.", .changes_something = true,
		.idempotent = true, .kind = "transformation"},
	[HL_OPERATION_GET_DATA_TRANSFORMATION_PROFILE] = {"GetDataTransformationProfile",
		"healthlake_get_transformation_profile",
		&GetDataTransformationProfileRequest, &GetDataTransformationProfileResponse,
		.host_prefix = "datatransformation.", .idempotent = true},
	[HL_OPERATION_LIST_DATA_TRANSFORMATION_PROFILES] = {"ListDataTransformationProfiles",
		"healthlake_list_transformation_profiles",
		&ListDataTransformationProfilesRequest,
		&ListDataTransformationProfilesResponse,
		.host_prefix = "datatransformation.", .idempotent = true, .pages = "Items"},
	[HL_OPERATION_LIST_DATA_TRANSFORMATION_PROFILE_VERSIONS] = {"ListDataTransformationProfileVersions",
		"healthlake_list_transformation_profile_versions",
		&ListDataTransformationProfileVersionsRequest,
		&ListDataTransformationProfileVersionsResponse,
		.host_prefix = "datatransformation.", .idempotent = true, .pages = "Items"},
	[HL_OPERATION_PUBLISH_DATA_TRANSFORMATION_PROFILE] = {"PublishDataTransformationProfile",
		"healthlake_publish_transformation_profile",
		&PublishDataTransformationProfileRequest,
		&PublishDataTransformationProfileResponse,
		.host_prefix = "datatransformation.", .changes_something = true,
		.kind = "transformation"},
	[HL_OPERATION_UPDATE_DATA_TRANSFORMATION_PROFILE] = {"UpdateDataTransformationProfile",
		"healthlake_update_transformation_profile",
		&UpdateDataTransformationProfileRequest,
		&UpdateDataTransformationProfileResponse,
		.host_prefix = "datatransformation.", .changes_something = true,
		.idempotent = true, .kind = "transformation"},
	[HL_OPERATION_UPDATE_PROFILE_WITH_AGENT] = {"UpdateProfileWithAgent",
		"healthlake_update_profile_with_agent", &UpdateProfileWithAgentRequest,
		&UpdateProfileWithAgentResponse, .host_prefix = "datatransformation.",
		.changes_something = true, .kind = "transformation",
		.stream = &update_profile_with_agent_stream},
	[HL_OPERATION_DELETE_DATA_TRANSFORMATION_PROFILE] = {"DeleteDataTransformationProfile",
		"healthlake_delete_transformation_profile",
		&DeleteDataTransformationProfileRequest,
		&DeleteDataTransformationProfileResponse,
		.host_prefix = "datatransformation.", .changes_something = true,
		.idempotent = true, .kind = "transformation"},
	[HL_OPERATION_START_DATA_TRANSFORMATION_JOB] = {"StartDataTransformationJob",
		"healthlake_start_transformation_job", &StartDataTransformationJobRequest,
		&StartDataTransformationJobResponse, .host_prefix = "datatransformation.",
		.changes_something = true, .idempotent = true, .kind = "transformation",
		.describe = &hl_operations[HL_OPERATION_DESCRIBE_DATA_TRANSFORMATION_JOB],
		.until = "COMPLETED", .search = &start_data_transformation_job_search},
	[HL_OPERATION_DESCRIBE_DATA_TRANSFORMATION_JOB] = {"DescribeDataTransformationJob",
		"healthlake_describe_transformation_job",
		&DescribeDataTransformationJobRequest,
		&DescribeDataTransformationJobResponse,
		.host_prefix = "datatransformation.", .idempotent = true,
		.goals = describe_data_transformation_job_goals,
		.ngoals = LENGTH(describe_data_transformation_job_goals)},
	[HL_OPERATION_LIST_DATA_TRANSFORMATION_JOBS] = {"ListDataTransformationJobs",
		"healthlake_list_transformation_jobs", &ListDataTransformationJobsRequest,
		&ListDataTransformationJobsResponse, .host_prefix = "datatransformation.",
		.idempotent = true, .pages = "Items"},
};

const int hl_operations_count = LENGTH(hl_operations);
