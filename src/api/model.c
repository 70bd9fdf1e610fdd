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

#define STRING(shape, least, most)                                             \
	static const HlShape shape = {.name = #shape,                              \
								  .kind = HL_KIND_STRING,                      \
								  .has_min = true,                             \
								  .min = (least),                              \
								  .has_max = true,                             \
								  .max = (most)}

#define PLAIN_STRING(shape)                                                    \
	static const HlShape shape = {.name = #shape, .kind = HL_KIND_STRING}

/* Scalars */

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

static const HlShape HealthLakeBoolean = {.name = "HealthLakeBoolean",
										  .kind = HL_KIND_BOOLEAN};

static const HlShape BackupRetentionPeriodInDays = {
	.name = "BackupRetentionPeriodInDays",
	.kind = HL_KIND_INTEGER,
	.has_min = true,
	.min = 1,
	.has_max = true,
	.max = 30};

/* Structures and lists */

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
	{"Key", NULL, &TagKey, .required = true},
	{"Value", NULL, &TagValue, .required = true},
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

static const HlShape DefaultProfiles = {.name = "DefaultProfiles",
										.kind = HL_KIND_LIST,
										.element = &HealthLakeString};

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

/* Operations */

const HlOperation hl_operations[] = {
	{"CreateFHIRDatastore", "healthlake_create_datastore",
	 &CreateFHIRDatastoreRequest, &CreateFHIRDatastoreResponse,
	 .changes_something = true, .idempotent = true, .creates = "data store"},
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

/* Finds the member that makes a repeated request the same request. */
const HlMember *
hl_operation_token(const HlOperation *operation)
{
	for (int i = 0; i < operation->input->nmembers; i++)
		if (operation->input->members[i].idempotency_token)
			return &operation->input->members[i];
	return NULL;
}
