/*
 * model.c
 *	  HealthLake's operations and shapes.
 *
 *	  A row of a structure is wire name, SQL name, shape, and what is special
 *	  about it. A structure whose row has no SQL name is flattened: its own
 *	  members are the arguments.
 */
#include "api/model.h"

#include <stddef.h>
#include <string.h>

#define LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))

#define STRUCTURE(shape, rows)                                                 \
	static const HlShape shape = {.name = #shape,                              \
								  .kind = HL_KIND_STRUCTURE,                   \
								  .members = rows,                             \
								  .nmembers = LENGTH(rows)}

#define UNION(shape, rows)                                                     \
	static const HlShape shape = {.name = #shape,                              \
								  .kind = HL_KIND_UNION,                       \
								  .members = rows,                             \
								  .nmembers = LENGTH(rows)}

#define EMPTY(shape)                                                           \
	static const HlShape shape = {.name = #shape, .kind = HL_KIND_STRUCTURE}

#define LIST(shape, of)                                                        \
	static const HlShape shape = {                                             \
		.name = #shape, .kind = HL_KIND_LIST, .element = &of}

#define STRING(shape, least, most)                                             \
	static const HlShape shape = {.name = #shape,                              \
								  .kind = HL_KIND_STRING,                      \
								  .has_min = true,                             \
								  .min = (least),                              \
								  .has_max = true,                             \
								  .max = (most)}

#define SENSITIVE_STRING(shape, least, most)                                   \
	static const HlShape shape = {.name = #shape,                              \
								  .kind = HL_KIND_STRING,                      \
								  .sensitive = true,                           \
								  .has_min = true,                             \
								  .min = (least),                              \
								  .has_max = true,                             \
								  .max = (most)}

#define PLAIN_STRING(shape)                                                    \
	static const HlShape shape = {.name = #shape, .kind = HL_KIND_STRING}

#define INTEGER(shape, least, most)                                            \
	static const HlShape shape = {.name = #shape,                              \
								  .kind = HL_KIND_INTEGER,                     \
								  .has_min = true,                             \
								  .min = (least),                              \
								  .has_max = true,                             \
								  .max = (most)}

/* What has neither bounds nor parts */
#define SCALAR(shape, of)                                                      \
	static const HlShape shape = {.name = #shape, .kind = HL_KIND_##of}

/* Scalars of data stores, and what jobs share with them */

STRING(DatastoreName, 1, 256);
STRING(DatastoreId, 1, 32);
PLAIN_STRING(DatastoreArn);
PLAIN_STRING(DatastoreStatus);
STRING(BoundedLengthString, 1, 5000);
STRING(HealthLakeString, 0, 10000);
PLAIN_STRING(FHIRVersion);
PLAIN_STRING(CmkType);
STRING(EncryptionKeyID, 1, 400);
PLAIN_STRING(PreloadDataType);
STRING(ClientTokenString, 1, 64);
STRING(TagKey, 1, 128);
STRING(TagValue, 0, 256);
PLAIN_STRING(AuthorizationStrategy);
PLAIN_STRING(ConfigurationMetadata);
STRING(LambdaArn, 49, 256);
PLAIN_STRING(AnalyticsStatus);
PLAIN_STRING(NlpStatus);
PLAIN_STRING(BackupStatus);
PLAIN_STRING(BackupType);

SCALAR(HealthLakeTimestamp, TIMESTAMP);
STRING(ErrorMessage, 1, 4096);
PLAIN_STRING(ErrorCategory);
STRING(NextToken, 0, 8192);
INTEGER(MaxResultsInteger, 1, 500);
STRING(AmazonResourceName, 1, 1011);
SCALAR(HealthLakeBoolean, BOOLEAN);

INTEGER(BackupRetentionPeriodInDays, 1, 30);

/* What data stores are made of */

static const HlMember kms_encryption_config[] = {
	{"CmkType", "cmk_type", &CmkType, .required = true,
	 .implied = "CUSTOMER_MANAGED_KMS_KEY", .implied_by = "KmsKeyId"},
	{"KmsKeyId", "kms_key_id", &EncryptionKeyID},
};
STRUCTURE(KmsEncryptionConfig, kms_encryption_config);

static const HlMember sse_configuration[] = {
	{"KmsEncryptionConfig", NULL, &KmsEncryptionConfig, .required = true},
};
STRUCTURE(SseConfiguration, sse_configuration);

static const HlMember preload_data_config[] = {
	{"PreloadDataType", "preload_data_type", &PreloadDataType,
	 .required = true},
};
STRUCTURE(PreloadDataConfig, preload_data_config);

static const HlMember tag[] = {
	{"Key", "key", &TagKey, .required = true},
	{"Value", "value", &TagValue, .required = true},
};
STRUCTURE(Tag, tag);

static const HlShape TagList = {.name = "TagList",
								.kind = HL_KIND_LIST,
								.has_min = true,
								.min = 0,
								.has_max = true,
								.max = 200,
								.element = &Tag};

static const HlMember identity_provider_configuration[] = {
	{"AuthorizationStrategy", "authorization_strategy", &AuthorizationStrategy,
	 .required = true},
	{"FineGrainedAuthorizationEnabled", "fine_grained_authorization_enabled",
	 &HealthLakeBoolean},
	{"Metadata", "identity_provider_metadata", &ConfigurationMetadata,
	 .form = HL_FORM_JSON_TEXT},
	{"IdpLambdaArn", "idp_lambda_arn", &LambdaArn},
};
STRUCTURE(IdentityProviderConfiguration, identity_provider_configuration);

static const HlMember analytics_configuration[] = {
	{"Status", "analytics_status", &AnalyticsStatus},
};
STRUCTURE(AnalyticsConfiguration, analytics_configuration);

static const HlMember nlp_configuration[] = {
	{"Status", "nlp_status", &NlpStatus},
};
STRUCTURE(NlpConfiguration, nlp_configuration);

LIST(DefaultProfiles, HealthLakeString);

static const HlMember profile_configuration[] = {
	{"DefaultProfiles", "default_profiles", &DefaultProfiles},
};
STRUCTURE(ProfileConfiguration, profile_configuration);

static const HlMember backup_configuration[] = {
	{"Status", "backup_status", &BackupStatus},
	{"BackupType", "backup_type", &BackupType},
	{"RetentionPeriodInDays", "backup_retention_period_in_days",
	 &BackupRetentionPeriodInDays},
	{"BackupTagsEnabled", "backup_tags_enabled", &HealthLakeBoolean},
};
STRUCTURE(BackupConfiguration, backup_configuration);

/* CreateFHIRDatastore */

static const HlMember create_fhir_datastore_request[] = {
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
STRUCTURE(CreateFHIRDatastoreRequest, create_fhir_datastore_request);

static const HlMember create_fhir_datastore_response[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
	{"DatastoreArn", "arn", &DatastoreArn, .required = true},
	{"DatastoreStatus", "status", &DatastoreStatus, .required = true},
	{"DatastoreEndpoint", "endpoint", &BoundedLengthString, .required = true},
};
STRUCTURE(CreateFHIRDatastoreResponse, create_fhir_datastore_response);

/* The other operations on data stores */

static const HlMember update_fhir_datastore_request[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
	{"DatastoreName", "name", &DatastoreName},
	{"AnalyticsConfiguration", NULL, &AnalyticsConfiguration},
	{"NlpConfiguration", NULL, &NlpConfiguration},
	{"ProfileConfiguration", NULL, &ProfileConfiguration},
	{"IdentityProviderConfiguration", NULL, &IdentityProviderConfiguration},
	{"BackupConfiguration", NULL, &BackupConfiguration},
};
STRUCTURE(UpdateFHIRDatastoreRequest, update_fhir_datastore_request);

static const HlMember error_cause[] = {
	{"ErrorMessage", "error_message", &ErrorMessage},
	{"ErrorCategory", "error_category", &ErrorCategory},
};
STRUCTURE(ErrorCause, error_cause);

static const HlMember datastore_backup_status[] = {
	{"Configuration", NULL, &BackupConfiguration},
	{"BackupEnabledAt", "backup_enabled_at", &HealthLakeTimestamp},
	{"EarliestRestorePoint", "earliest_restore_point", &HealthLakeTimestamp},
	{"LatestRestorePoint", "latest_restore_point", &HealthLakeTimestamp},
	{"ScheduledPermanentDeletionTime", "scheduled_permanent_deletion_time",
	 &HealthLakeTimestamp},
};
STRUCTURE(DatastoreBackupStatus, datastore_backup_status);

static const HlMember datastore_properties[] = {
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
STRUCTURE(DatastoreProperties, datastore_properties);

static const HlMember update_fhir_datastore_response[] = {
	{"DatastoreProperties", NULL, &DatastoreProperties, .required = true},
};
STRUCTURE(UpdateFHIRDatastoreResponse, update_fhir_datastore_response);

static const HlMember continuous_backup_restore_configuration[] = {
	{"RestorePointTime", "restore_point_time", &HealthLakeTimestamp},
};
STRUCTURE(ContinuousBackupRestoreConfiguration,
		  continuous_backup_restore_configuration);

static const HlMember restore_configuration[] = {
	{"ContinuousBackupRestoreConfiguration", NULL,
	 &ContinuousBackupRestoreConfiguration},
};
UNION(RestoreConfiguration, restore_configuration);

static const HlMember restore_fhir_datastore_request[] = {
	{"SourceDatastoreId", "source_datastore_id", &DatastoreId,
	 .required = true},
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
STRUCTURE(RestoreFHIRDatastoreRequest, restore_fhir_datastore_request);

static const HlMember restore_fhir_datastore_response[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
	{"DatastoreArn", "arn", &DatastoreArn, .required = true},
	{"DatastoreStatus", "status", &DatastoreStatus, .required = true},
	{"DatastoreEndpoint", "endpoint", &BoundedLengthString, .required = true},
};
STRUCTURE(RestoreFHIRDatastoreResponse, restore_fhir_datastore_response);

static const HlMember delete_fhir_datastore_request[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
};
STRUCTURE(DeleteFHIRDatastoreRequest, delete_fhir_datastore_request);

static const HlMember delete_fhir_datastore_response[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
	{"DatastoreArn", "arn", &DatastoreArn, .required = true},
	{"DatastoreStatus", "status", &DatastoreStatus, .required = true},
	{"DatastoreEndpoint", "endpoint", &BoundedLengthString, .required = true},
};
STRUCTURE(DeleteFHIRDatastoreResponse, delete_fhir_datastore_response);

static const HlMember describe_fhir_datastore_request[] = {
	{"DatastoreId", "id", &DatastoreId, .required = true},
};
STRUCTURE(DescribeFHIRDatastoreRequest, describe_fhir_datastore_request);

static const HlMember describe_fhir_datastore_response[] = {
	{"DatastoreProperties", NULL, &DatastoreProperties, .required = true},
};
STRUCTURE(DescribeFHIRDatastoreResponse, describe_fhir_datastore_response);

static const HlMember datastore_filter[] = {
	{"DatastoreName", "name", &DatastoreName},
	{"DatastoreStatus", "status", &DatastoreStatus},
	{"CreatedBefore", "created_before", &HealthLakeTimestamp},
	{"CreatedAfter", "created_after", &HealthLakeTimestamp},
};
STRUCTURE(DatastoreFilter, datastore_filter);

static const HlMember list_fhir_datastores_request[] = {
	{"Filter", NULL, &DatastoreFilter},
	{"NextToken", NULL, &NextToken},
	{"MaxResults", NULL, &MaxResultsInteger},
};
STRUCTURE(ListFHIRDatastoresRequest, list_fhir_datastores_request);

LIST(DatastorePropertiesList, DatastoreProperties);

static const HlMember list_fhir_datastores_response[] = {
	{"DatastorePropertiesList", NULL, &DatastorePropertiesList,
	 .required = true},
	{"NextToken", NULL, &NextToken},
};
STRUCTURE(ListFHIRDatastoresResponse, list_fhir_datastores_response);

/* Tags */

static const HlMember tag_resource_request[] = {
	{"ResourceARN", "resource_arn", &AmazonResourceName, .required = true},
	{"Tags", "tags", &TagList, .required = true, .form = HL_FORM_TAGS},
};
STRUCTURE(TagResourceRequest, tag_resource_request);

EMPTY(TagResourceResponse);

static const HlShape TagKeyList = {.name = "TagKeyList",
								   .kind = HL_KIND_LIST,
								   .has_min = true,
								   .min = 0,
								   .has_max = true,
								   .max = 200,
								   .element = &TagKey};

static const HlMember untag_resource_request[] = {
	{"ResourceARN", "resource_arn", &AmazonResourceName, .required = true},
	{"TagKeys", "tag_keys", &TagKeyList, .required = true},
};
STRUCTURE(UntagResourceRequest, untag_resource_request);

EMPTY(UntagResourceResponse);

static const HlMember list_tags_for_resource_request[] = {
	{"ResourceARN", "resource_arn", &AmazonResourceName, .required = true},
};
STRUCTURE(ListTagsForResourceRequest, list_tags_for_resource_request);

static const HlMember list_tags_for_resource_response[] = {
	{"Tags", NULL, &TagList},
};
STRUCTURE(ListTagsForResourceResponse, list_tags_for_resource_response);

/* Scalars of import and export jobs */

STRING(JobName, 1, 64);
STRING(S3Uri, 0, 1024);
STRING(IamRoleArn, 20, 2048);
PLAIN_STRING(ValidationLevel);
SCALAR(DefaultEnabledBoolean, BOOLEAN);
STRING(JobId, 1, 32);
PLAIN_STRING(JobStatus);
SCALAR(GenericLong, LONG);
SCALAR(GenericDouble, DOUBLE);
STRING(Message, 1, 2048);

/* Import and export jobs */

static const HlMember input_data_config[] = {
	{"S3Uri", "input_s3_uri", &S3Uri},
};
UNION(InputDataConfig, input_data_config);

static const HlMember s3_configuration[] = {
	{"S3Uri", "output_s3_uri", &S3Uri, .required = true},
	{"KmsKeyId", "kms_key_id", &EncryptionKeyID, .required = true},
};
STRUCTURE(S3Configuration, s3_configuration);

static const HlMember output_data_config[] = {
	{"S3Configuration", NULL, &S3Configuration},
};
UNION(OutputDataConfig, output_data_config);

static const HlMember start_fhir_import_job_request[] = {
	{"JobName", "job_name", &JobName},
	{"InputDataConfig", NULL, &InputDataConfig, .required = true},
	{"JobOutputDataConfig", NULL, &OutputDataConfig, .required = true},
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"DataAccessRoleArn", "data_access_role_arn", &IamRoleArn,
	 .required = true},
	{"ClientToken", "client_token", &ClientTokenString,
	 .idempotency_token = true},
	{"ValidationLevel", "validation_level", &ValidationLevel},
	{"ProfileId", "profile_id", &BoundedLengthString},
	{"InputFormat", "input_format", &BoundedLengthString},
	{"DriftDetectionEnabled", "drift_detection_enabled", &HealthLakeBoolean},
	{"ProvenanceEnabled", "provenance_enabled", &DefaultEnabledBoolean},
};
STRUCTURE(StartFHIRImportJobRequest, start_fhir_import_job_request);

static const HlMember start_fhir_import_job_response[] = {
	{"JobId", "job_id", &JobId, .required = true},
	{"JobStatus", "status", &JobStatus, .required = true},
	{"DatastoreId", "datastore_id", &DatastoreId},
};
STRUCTURE(StartFHIRImportJobResponse, start_fhir_import_job_response);

static const HlMember describe_fhir_import_job_request[] = {
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"JobId", "job_id", &JobId, .required = true},
};
STRUCTURE(DescribeFHIRImportJobRequest, describe_fhir_import_job_request);

static const HlMember job_progress_report[] = {
	{"TotalNumberOfScannedFiles", "total_number_of_scanned_files",
	 &GenericLong},
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
STRUCTURE(JobProgressReport, job_progress_report);

static const HlMember import_job_properties[] = {
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
STRUCTURE(ImportJobProperties, import_job_properties);

static const HlMember describe_fhir_import_job_response[] = {
	{"ImportJobProperties", NULL, &ImportJobProperties, .required = true},
};
STRUCTURE(DescribeFHIRImportJobResponse, describe_fhir_import_job_response);

static const HlMember list_fhir_import_jobs_request[] = {
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"NextToken", NULL, &NextToken},
	{"MaxResults", NULL, &MaxResultsInteger},
	{"JobName", "job_name", &JobName},
	{"JobStatus", "job_status", &JobStatus},
	{"SubmittedBefore", "submitted_before", &HealthLakeTimestamp},
	{"SubmittedAfter", "submitted_after", &HealthLakeTimestamp},
};
STRUCTURE(ListFHIRImportJobsRequest, list_fhir_import_jobs_request);

LIST(ImportJobPropertiesList, ImportJobProperties);

static const HlMember list_fhir_import_jobs_response[] = {
	{"ImportJobPropertiesList", NULL, &ImportJobPropertiesList,
	 .required = true},
	{"NextToken", NULL, &NextToken},
};
STRUCTURE(ListFHIRImportJobsResponse, list_fhir_import_jobs_response);

static const HlMember start_fhir_export_job_request[] = {
	{"JobName", "job_name", &JobName},
	{"OutputDataConfig", NULL, &OutputDataConfig, .required = true},
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"DataAccessRoleArn", "data_access_role_arn", &IamRoleArn,
	 .required = true},
	{"ClientToken", "client_token", &ClientTokenString,
	 .idempotency_token = true},
};
STRUCTURE(StartFHIRExportJobRequest, start_fhir_export_job_request);

static const HlMember start_fhir_export_job_response[] = {
	{"JobId", "job_id", &JobId, .required = true},
	{"JobStatus", "status", &JobStatus, .required = true},
	{"DatastoreId", "datastore_id", &DatastoreId},
};
STRUCTURE(StartFHIRExportJobResponse, start_fhir_export_job_response);

static const HlMember describe_fhir_export_job_request[] = {
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"JobId", "job_id", &JobId, .required = true},
};
STRUCTURE(DescribeFHIRExportJobRequest, describe_fhir_export_job_request);

static const HlMember export_job_properties[] = {
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
STRUCTURE(ExportJobProperties, export_job_properties);

static const HlMember describe_fhir_export_job_response[] = {
	{"ExportJobProperties", NULL, &ExportJobProperties, .required = true},
};
STRUCTURE(DescribeFHIRExportJobResponse, describe_fhir_export_job_response);

static const HlMember list_fhir_export_jobs_request[] = {
	{"DatastoreId", "datastore_id", &DatastoreId, .required = true},
	{"NextToken", NULL, &NextToken},
	{"MaxResults", NULL, &MaxResultsInteger},
	{"JobName", "job_name", &JobName},
	{"JobStatus", "job_status", &JobStatus},
	{"SubmittedBefore", "submitted_before", &HealthLakeTimestamp},
	{"SubmittedAfter", "submitted_after", &HealthLakeTimestamp},
};
STRUCTURE(ListFHIRExportJobsRequest, list_fhir_export_jobs_request);

LIST(ExportJobPropertiesList, ExportJobProperties);

static const HlMember list_fhir_export_jobs_response[] = {
	{"ExportJobPropertiesList", NULL, &ExportJobPropertiesList,
	 .required = true},
	{"NextToken", NULL, &NextToken},
};
STRUCTURE(ListFHIRExportJobsResponse, list_fhir_export_jobs_response);

/* Scalars of data transformation */

PLAIN_STRING(SourceFormat);
PLAIN_STRING(String);
SCALAR(Integer, INTEGER);
STRING(SampleDataS3Uri, 1, 1024);
STRING(KmsKeyId, 1, 2048);
STRING(ProfileDescription, 0, 1000);
STRING(ProfileNameString, 1, 256);
STRING(DataTransformationTagKey, 1, 128);
STRING(DataTransformationTagValue, 0, 256);
STRING(ClientToken, 1, 64);
STRING(ProfileIdString, 32, 32);
INTEGER(ProfileVersion, 0, 99);
PLAIN_STRING(TargetFormat);
SCALAR(DateTime, TIMESTAMP);
STRING(ProfileMappingKey, 1, 500);
STRING(ProfileMappingValue, 0, 102400);
STRING(ChangeDescription, 0, 1000);
INTEGER(MaxResults, 1, 100);
STRING(DataTransformationNextToken, 1, 2048);
SENSITIVE_STRING(AgentMessageString, 1, 40960);
PLAIN_STRING(AgentInputMessageType);
STRING(ConversationIdString, 1, 36);
PLAIN_STRING(AgentOutputMessageType);
SENSITIVE_STRING(DataTransformationChatOptionString, 1, 1024);
STRING(DataTransformationS3Uri, 8, 2048);
STRING(DataTransformationIamRoleArn, 20, 2048);
STRING(DataTransformationJobName, 1, 64);
SCALAR(Boolean, BOOLEAN);
STRING(DataTransformationJobId, 1, 32);
PLAIN_STRING(TransformationJobStatus);
STRING(BoundedString, 1, 2048);
SCALAR(Long, LONG);

/* Data transformation profiles */

static const HlMember starter_profile_source[] = {
	{"StarterProfileName", "starter_profile_name", &String, .required = true},
};
STRUCTURE(StarterProfileSource, starter_profile_source);

static const HlMember existing_versioned_profile_source[] = {
	{"ProfileId", "existing_profile_id", &String, .required = true},
	{"Version", "existing_profile_version", &Integer, .required = true},
};
STRUCTURE(ExistingVersionedProfileSource, existing_versioned_profile_source);

static const HlShape StringMap = {.name = "StringMap",
								  .kind = HL_KIND_MAP,
								  .key = &String,
								  .element = &String};

static const HlMember profile_mapping_source[] = {
	{"ProfileMapping", "profile_mapping", &StringMap, .required = true},
};
static const HlShape ProfileMappingSource = {
	.name = "ProfileMappingSource",
	.kind = HL_KIND_STRUCTURE,
	.sensitive = true,
	.members = profile_mapping_source,
	.nmembers = LENGTH(profile_mapping_source)};

static const HlMember sample_data_source[] = {
	{"S3Uri", "sample_data_s3_uri", &SampleDataS3Uri, .required = true},
};
STRUCTURE(SampleDataSource, sample_data_source);

static const HlMember create_data_transformation_profile_source[] = {
	{"StarterProfile", NULL, &StarterProfileSource},
	{"ExistingVersionedProfileId", NULL, &ExistingVersionedProfileSource},
	{"ProfileMapping", NULL, &ProfileMappingSource},
	{"SampleData", NULL, &SampleDataSource},
};
UNION(CreateDataTransformationProfileSource,
	  create_data_transformation_profile_source);

static const HlShape TagMap = {.name = "TagMap",
							   .kind = HL_KIND_MAP,
							   .has_min = true,
							   .min = 0,
							   .has_max = true,
							   .max = 50,
							   .key = &DataTransformationTagKey,
							   .element = &DataTransformationTagValue};

static const HlMember create_data_transformation_profile_request[] = {
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"Source", NULL, &CreateDataTransformationProfileSource, .required = true},
	{"KmsKeyId", "kms_key_id", &KmsKeyId},
	{"ProfileDescription", "profile_description", &ProfileDescription},
	{"ProfileName", "profile_name", &ProfileNameString, .required = true},
	{"Tags", "tags", &TagMap, .form = HL_FORM_TAGS},
	{"ClientToken", "client_token", &ClientToken, .idempotency_token = true},
};
STRUCTURE(CreateDataTransformationProfileRequest,
		  create_data_transformation_profile_request);

static const HlMember create_data_transformation_profile_response[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"Version", "version", &ProfileVersion, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"TargetFormat", "target_format", &TargetFormat, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString, .required = true},
	{"LastUpdatedAt", "last_updated_at", &DateTime, .required = true},
};
STRUCTURE(CreateDataTransformationProfileResponse,
		  create_data_transformation_profile_response);

static const HlMember get_data_transformation_profile_request[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"ProfileVersion", "profile_version", &ProfileVersion},
};
STRUCTURE(GetDataTransformationProfileRequest,
		  get_data_transformation_profile_request);

static const HlShape ProfileMapping = {.name = "ProfileMapping",
									   .kind = HL_KIND_MAP,
									   .sensitive = true,
									   .has_min = true,
									   .min = 1,
									   .has_max = true,
									   .max = 500,
									   .key = &ProfileMappingKey,
									   .element = &ProfileMappingValue};

static const HlMember get_data_transformation_profile_response[] = {
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
STRUCTURE(GetDataTransformationProfileResponse,
		  get_data_transformation_profile_response);

static const HlMember list_data_transformation_profiles_request[] = {
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"MaxResults", NULL, &MaxResults},
	{"NextToken", NULL, &DataTransformationNextToken},
};
STRUCTURE(ListDataTransformationProfilesRequest,
		  list_data_transformation_profiles_request);

static const HlMember data_transformation_profile_summary[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"Version", "version", &ProfileVersion, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"TargetFormat", "target_format", &TargetFormat, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"ProfileDescription", "profile_description", &ProfileDescription},
	{"LastUpdatedAt", "last_updated_at", &DateTime},
};
STRUCTURE(DataTransformationProfileSummary,
		  data_transformation_profile_summary);

LIST(DataTransformationProfileSummaryList, DataTransformationProfileSummary);

static const HlMember list_data_transformation_profiles_response[] = {
	{"Items", NULL, &DataTransformationProfileSummaryList, .required = true},
	{"NextToken", NULL, &DataTransformationNextToken},
};
STRUCTURE(ListDataTransformationProfilesResponse,
		  list_data_transformation_profiles_response);

static const HlMember list_data_transformation_profile_versions_request[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"MaxResults", NULL, &MaxResults},
	{"NextToken", NULL, &DataTransformationNextToken},
};
STRUCTURE(ListDataTransformationProfileVersionsRequest,
		  list_data_transformation_profile_versions_request);

static const HlMember data_transformation_profile_version_summary[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"Version", "version", &ProfileVersion, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"TargetFormat", "target_format", &TargetFormat, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"ChangeDescription", "change_description", &ChangeDescription},
	{"LastUpdatedAt", "last_updated_at", &DateTime},
};
STRUCTURE(DataTransformationProfileVersionSummary,
		  data_transformation_profile_version_summary);

LIST(DataTransformationProfileVersionSummaryList,
	 DataTransformationProfileVersionSummary);

static const HlMember list_data_transformation_profile_versions_response[] = {
	{"Items", NULL, &DataTransformationProfileVersionSummaryList,
	 .required = true},
	{"NextToken", NULL, &DataTransformationNextToken},
};
STRUCTURE(ListDataTransformationProfileVersionsResponse,
		  list_data_transformation_profile_versions_response);

static const HlMember publish_data_transformation_profile_request[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"FromExistingVersion", "from_existing_version", &ProfileVersion},
	{"ChangeDescription", "change_description", &ChangeDescription},
};
STRUCTURE(PublishDataTransformationProfileRequest,
		  publish_data_transformation_profile_request);

static const HlMember publish_data_transformation_profile_response[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"Version", "version", &ProfileVersion, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"TargetFormat", "target_format", &TargetFormat, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"LastUpdatedAt", "last_updated_at", &DateTime, .required = true},
};
STRUCTURE(PublishDataTransformationProfileResponse,
		  publish_data_transformation_profile_response);

static const HlMember update_data_transformation_profile_request[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"ProfileMapping", "profile_mapping", &ProfileMapping, .required = true},
	{"ChangeDescription", "change_description", &ChangeDescription},
};
STRUCTURE(UpdateDataTransformationProfileRequest,
		  update_data_transformation_profile_request);

static const HlMember update_data_transformation_profile_response[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"TargetFormat", "target_format", &TargetFormat, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"LastUpdatedAt", "last_updated_at", &DateTime, .required = true},
};
STRUCTURE(UpdateDataTransformationProfileResponse,
		  update_data_transformation_profile_response);

static const HlMember agent_input_message[] = {
	{"Body", "input_message_body", &AgentMessageString, .required = true},
	{"Type", "input_message_type", &AgentInputMessageType, .required = true},
};
STRUCTURE(AgentInputMessage, agent_input_message);

static const HlMember update_profile_with_agent_request[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"SourceFormat", "source_format", &SourceFormat, .required = true},
	{"InputMessage", NULL, &AgentInputMessage, .required = true},
	{"ConversationId", "conversation_id", &ConversationIdString},
};
STRUCTURE(UpdateProfileWithAgentRequest, update_profile_with_agent_request);

LIST(DataTransformationChatOptionsList, DataTransformationChatOptionString);

static const HlMember agent_output_message[] = {
	{"Body", "agent_response_body", &AgentMessageString, .required = true},
	{"Type", "agent_response_type", &AgentOutputMessageType, .required = true},
	{"OptionsList", "agent_response_options",
	 &DataTransformationChatOptionsList},
};
STRUCTURE(AgentOutputMessage, agent_output_message);

static const HlMember update_profile_with_agent_response[] = {
	{"AgentResponse", NULL, &AgentOutputMessage, .required = true},
	{"ConversationId", "conversation_id", &ConversationIdString,
	 .required = true},
};
STRUCTURE(UpdateProfileWithAgentResponse, update_profile_with_agent_response);

static const HlMember delete_data_transformation_profile_request[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
};
STRUCTURE(DeleteDataTransformationProfileRequest,
		  delete_data_transformation_profile_request);

static const HlMember delete_data_transformation_profile_response[] = {
	{"ProfileId", "profile_id", &ProfileIdString, .required = true},
	{"ProfileName", "profile_name", &ProfileNameString},
	{"DeletionTime", "deletion_time", &DateTime, .required = true},
};
STRUCTURE(DeleteDataTransformationProfileResponse,
		  delete_data_transformation_profile_response);

/* Data transformation jobs */

static const HlMember transformation_input_data_config[] = {
	{"S3Uri", "input_s3_uri", &DataTransformationS3Uri, .required = true},
	{"SourceFormat", "source_format", &SourceFormat},
};
STRUCTURE(TransformationInputDataConfig, transformation_input_data_config);

static const HlMember data_transformation_s3_configuration[] = {
	{"S3Uri", "output_s3_uri", &DataTransformationS3Uri, .required = true},
	{"KmsKeyId", "kms_key_id", &KmsKeyId, .required = true},
};
STRUCTURE(DataTransformationS3Configuration,
		  data_transformation_s3_configuration);

static const HlMember transformation_output_data_config[] = {
	{"S3Configuration", NULL, &DataTransformationS3Configuration,
	 .required = true},
};
STRUCTURE(TransformationOutputDataConfig, transformation_output_data_config);

static const HlMember start_data_transformation_job_request[] = {
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
STRUCTURE(StartDataTransformationJobRequest,
		  start_data_transformation_job_request);

static const HlMember start_data_transformation_job_response[] = {
	{"JobId", "job_id", &DataTransformationJobId, .required = true},
	{"JobStatus", "status", &TransformationJobStatus, .required = true},
};
STRUCTURE(StartDataTransformationJobResponse,
		  start_data_transformation_job_response);

static const HlMember describe_data_transformation_job_request[] = {
	{"JobId", "job_id", &DataTransformationJobId, .required = true},
};
STRUCTURE(DescribeDataTransformationJobRequest,
		  describe_data_transformation_job_request);

static const HlMember transformation_job_progress_report[] = {
	{"TotalFilesScanned", "total_files_scanned", &Long, .required = true},
	{"TotalFilesConverted", "total_files_converted", &Long, .required = true},
	{"TotalFilesFailed", "total_files_failed", &Long, .required = true},
	{"TotalResourcesGenerated", "total_resources_generated", &Long,
	 .required = true},
};
STRUCTURE(TransformationJobProgressReport, transformation_job_progress_report);

static const HlMember transformation_job_properties[] = {
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
STRUCTURE(TransformationJobProperties, transformation_job_properties);

static const HlMember describe_data_transformation_job_response[] = {
	{"TransformationJobProperties", NULL, &TransformationJobProperties,
	 .required = true},
};
STRUCTURE(DescribeDataTransformationJobResponse,
		  describe_data_transformation_job_response);

static const HlMember list_data_transformation_jobs_request[] = {
	{"MaxResults", NULL, &MaxResults},
	{"NextToken", NULL, &DataTransformationNextToken},
	{"JobStatus", "job_status", &TransformationJobStatus},
	{"JobName", "job_name", &DataTransformationJobName},
	{"SubmittedAfter", "submitted_after", &DateTime},
	{"SubmittedBefore", "submitted_before", &DateTime},
};
STRUCTURE(ListDataTransformationJobsRequest,
		  list_data_transformation_jobs_request);

static const HlMember transformation_job_summary[] = {
	{"JobId", "job_id", &DataTransformationJobId, .required = true},
	{"JobStatus", "status", &TransformationJobStatus, .required = true},
	{"SubmitTime", "submit_time", &DateTime, .required = true},
	{"JobName", "job_name", &DataTransformationJobName},
	{"EndTime", "end_time", &DateTime},
	{"SourceFormat", "source_format", &SourceFormat},
};
STRUCTURE(TransformationJobSummary, transformation_job_summary);

LIST(TransformationJobSummaryList, TransformationJobSummary);

static const HlMember list_data_transformation_jobs_response[] = {
	{"Items", NULL, &TransformationJobSummaryList, .required = true},
	{"NextToken", NULL, &DataTransformationNextToken},
};
STRUCTURE(ListDataTransformationJobsResponse,
		  list_data_transformation_jobs_response);

/* Operations */

#define TRANSFORMATION "datatransformation."

/* A structure of a single member has nothing that could be left out. */
static const HlReplaced update_fhir_datastore_replaces[] = {
	{"ProfileConfiguration", "ProfileConfiguration"},
	{"IdentityProviderConfiguration", "IdentityProviderConfiguration"},
	{"BackupConfiguration", "BackupStatusInfo.Configuration"},
	{NULL, NULL},
};

/*
 * Repeating is harmless with a token, for what only reads, and where the
 * second time finds what the first time left (deleting, updating, tagging).
 */
const HlOperation hl_operations[] = {
	{"CreateFHIRDatastore", "healthlake_create_datastore",
	 &CreateFHIRDatastoreRequest, &CreateFHIRDatastoreResponse,
	 .changes_something = true, .kind = "create", .idempotent = true,
	 .creates = "data store"},
	{"RestoreFHIRDatastore", "healthlake_restore_datastore",
	 &RestoreFHIRDatastoreRequest, &RestoreFHIRDatastoreResponse,
	 .changes_something = true, .kind = "create", .idempotent = true,
	 .creates = "data store"},
	{"UpdateFHIRDatastore", "healthlake_update_datastore",
	 &UpdateFHIRDatastoreRequest, &UpdateFHIRDatastoreResponse,
	 .changes_something = true, .kind = "update", .idempotent = true,
	 .replaces = update_fhir_datastore_replaces},
	{"DeleteFHIRDatastore", "healthlake_delete_datastore",
	 &DeleteFHIRDatastoreRequest, &DeleteFHIRDatastoreResponse,
	 .changes_something = true, .kind = "delete", .idempotent = true},
	{"DescribeFHIRDatastore", "healthlake_describe_datastore",
	 &DescribeFHIRDatastoreRequest, &DescribeFHIRDatastoreResponse,
	 .idempotent = true},
	{"ListFHIRDatastores", "healthlake_list_datastores",
	 &ListFHIRDatastoresRequest, &ListFHIRDatastoresResponse,
	 .idempotent = true, .pages = "DatastorePropertiesList"},
	{"TagResource", "healthlake_tag_resource", &TagResourceRequest,
	 &TagResourceResponse, .changes_something = true, .kind = "tag",
	 .idempotent = true},
	{"UntagResource", "healthlake_untag_resource", &UntagResourceRequest,
	 &UntagResourceResponse, .changes_something = true, .kind = "tag",
	 .idempotent = true},
	{"ListTagsForResource", "healthlake_list_tags", &ListTagsForResourceRequest,
	 &ListTagsForResourceResponse, .idempotent = true},
	{"StartFHIRImportJob", "healthlake_start_import_job",
	 &StartFHIRImportJobRequest, &StartFHIRImportJobResponse,
	 .changes_something = true, .kind = "import", .idempotent = true},
	{"DescribeFHIRImportJob", "healthlake_describe_import_job",
	 &DescribeFHIRImportJobRequest, &DescribeFHIRImportJobResponse,
	 .idempotent = true},
	{"ListFHIRImportJobs", "healthlake_list_import_jobs",
	 &ListFHIRImportJobsRequest, &ListFHIRImportJobsResponse,
	 .idempotent = true, .pages = "ImportJobPropertiesList"},
	{"StartFHIRExportJob", "healthlake_start_export_job",
	 &StartFHIRExportJobRequest, &StartFHIRExportJobResponse,
	 .changes_something = true, .kind = "export", .idempotent = true},
	{"DescribeFHIRExportJob", "healthlake_describe_export_job",
	 &DescribeFHIRExportJobRequest, &DescribeFHIRExportJobResponse,
	 .idempotent = true},
	{"ListFHIRExportJobs", "healthlake_list_export_jobs",
	 &ListFHIRExportJobsRequest, &ListFHIRExportJobsResponse,
	 .idempotent = true, .pages = "ExportJobPropertiesList"},
	{"CreateDataTransformationProfile",
	 "healthlake_create_transformation_profile",
	 &CreateDataTransformationProfileRequest,
	 &CreateDataTransformationProfileResponse, .host_prefix = TRANSFORMATION,
	 .changes_something = true, .kind = "transformation", .idempotent = true},
	{"GetDataTransformationProfile", "healthlake_get_transformation_profile",
	 &GetDataTransformationProfileRequest,
	 &GetDataTransformationProfileResponse, .host_prefix = TRANSFORMATION,
	 .idempotent = true},
	{"ListDataTransformationProfiles",
	 "healthlake_list_transformation_profiles",
	 &ListDataTransformationProfilesRequest,
	 &ListDataTransformationProfilesResponse, .host_prefix = TRANSFORMATION,
	 .idempotent = true, .pages = "Items"},
	{"ListDataTransformationProfileVersions",
	 "healthlake_list_transformation_profile_versions",
	 &ListDataTransformationProfileVersionsRequest,
	 &ListDataTransformationProfileVersionsResponse,
	 .host_prefix = TRANSFORMATION, .idempotent = true, .pages = "Items"},
	{"PublishDataTransformationProfile",
	 "healthlake_publish_transformation_profile",
	 &PublishDataTransformationProfileRequest,
	 &PublishDataTransformationProfileResponse, .host_prefix = TRANSFORMATION,
	 .changes_something = true, .kind = "transformation"},
	{"UpdateDataTransformationProfile",
	 "healthlake_update_transformation_profile",
	 &UpdateDataTransformationProfileRequest,
	 &UpdateDataTransformationProfileResponse, .host_prefix = TRANSFORMATION,
	 .changes_something = true, .kind = "transformation", .idempotent = true},
	{"UpdateProfileWithAgent", "healthlake_update_profile_with_agent",
	 &UpdateProfileWithAgentRequest, &UpdateProfileWithAgentResponse,
	 .host_prefix = TRANSFORMATION, .changes_something = true,
	 .kind = "transformation"},
	{"DeleteDataTransformationProfile",
	 "healthlake_delete_transformation_profile",
	 &DeleteDataTransformationProfileRequest,
	 &DeleteDataTransformationProfileResponse, .host_prefix = TRANSFORMATION,
	 .changes_something = true, .kind = "transformation", .idempotent = true},
	{"StartDataTransformationJob", "healthlake_start_transformation_job",
	 &StartDataTransformationJobRequest, &StartDataTransformationJobResponse,
	 .host_prefix = TRANSFORMATION, .changes_something = true,
	 .kind = "transformation", .idempotent = true},
	{"DescribeDataTransformationJob", "healthlake_describe_transformation_job",
	 &DescribeDataTransformationJobRequest,
	 &DescribeDataTransformationJobResponse, .host_prefix = TRANSFORMATION,
	 .idempotent = true},
	{"ListDataTransformationJobs", "healthlake_list_transformation_jobs",
	 &ListDataTransformationJobsRequest, &ListDataTransformationJobsResponse,
	 .host_prefix = TRANSFORMATION, .idempotent = true, .pages = "Items"},
};

const int hl_operations_count = LENGTH(hl_operations);

/* Finds an operation by AWS's name. */
const HlOperation *
hl_operation_find(const char *name)
{
	for (int i = 0; i < hl_operations_count; i++)
		if (strcmp(hl_operations[i].name, name) == 0)
			return &hl_operations[i];
	return NULL;
}

/* Says what an operation means. */
const char *
hl_operation_kind(const HlOperation *operation)
{
	return operation->kind == NULL ? "read" : operation->kind;
}

/* Finds the member that makes a repeated request the same request. */
const HlMember *
hl_operation_token(const HlOperation *operation)
{
	for (int i = 0; i < operation->input->nmembers; i++)
		if (operation->input->members[i].idempotency_token)
			return &operation->input->members[i];
	return NULL;
}
