/*
 * fhir_operations.c
 *	  The operations of the data plane.
 *
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awshealthlake.html
 */
#include "model/fhir_operations.h"

/* Of resources only the id is modelled. */
static const HlShape id_shape = {"id", HL_KIND_STRING};
static const HlMember resource_members[] = {{"id", "id", &id_shape}};
static const HlShape resource_shape = {
	"Resource", HL_KIND_STRUCTURE, .members = resource_members, .nmembers = 1};
static const HlShape nothing = {"Nothing", HL_KIND_STRUCTURE};

#define READS(name, function)                                                  \
	{                                                                          \
		name, function, &nothing, &resource_shape, .rest = true,               \
												   .idempotent = true          \
	}
#define CHANGES(name, function)                                                \
	{                                                                          \
		name, function, &nothing, &resource_shape,                             \
			.rest = true, .changes_something = true, .kind = "fhir"            \
	}

const HlOperation hl_fhir_operations[HL_FHIR_OPERATIONS] = {
	[HL_FHIR_READ_RESOURCE] = READS("ReadResource", "healthlake_fhir_read"),
	[HL_FHIR_VERSION_READ_RESOURCE] =
		READS("VersionReadResource", "healthlake_fhir_read"),
	[HL_FHIR_GET_HISTORY_BY_RESOURCE_ID] =
		READS("GetHistoryByResourceId", "healthlake_fhir_history"),
	[HL_FHIR_GET_HISTORY_BY_RESOURCE_TYPE] =
		READS("GetHistoryByResourceType", "healthlake_fhir_history"),
	[HL_FHIR_GET_FULL_HISTORY] =
		READS("GetFullHistory", "healthlake_fhir_history"),
	[HL_FHIR_SEARCH_WITH_POST] =
		READS("SearchWithPost", "healthlake_fhir_search"),
	[HL_FHIR_SEARCH_WITH_GET] =
		READS("SearchWithGet", "healthlake_fhir_search"),
	[HL_FHIR_SEARCH_EVERYTHING] =
		READS("SearchEverything", "healthlake_fhir_everything"),
	[HL_FHIR_GET_CAPABILITIES] =
		READS("GetCapabilities", "healthlake_fhir_capabilities"),
	[HL_FHIR_VALIDATE_RESOURCE] =
		READS("ValidateResource", "healthlake_fhir_validate"),
	[HL_FHIR_QUERY_OPERATION] =
		READS("FHIRQueryOperation", "healthlake_fhir_operation"),
	[HL_FHIR_READ_BUNDLE] = READS("ReadBundle", "healthlake_fhir_bundle"),
	[HL_FHIR_CREATE_RESOURCE] =
		CHANGES("CreateResource", "healthlake_fhir_create"),
	[HL_FHIR_UPDATE_RESOURCE] =
		CHANGES("UpdateResource", "healthlake_fhir_update"),
	[HL_FHIR_PATCH_RESOURCE] =
		CHANGES("PatchResource", "healthlake_fhir_patch"),
	[HL_FHIR_DELETE_RESOURCE] =
		CHANGES("DeleteResource", "healthlake_fhir_delete"),
	[HL_FHIR_PROCESS_BUNDLE] =
		CHANGES("ProcessBundle", "healthlake_fhir_bundle"),
	[HL_FHIR_CHANGE_OPERATION] =
		CHANGES("FHIROperation", "healthlake_fhir_operation"),
};

#define RESOURCE "[type]/[id]"

const HlFhirUse hl_fhir_uses[] = {
	{"healthlake_fhir_read", "GET", RESOURCE, HL_FHIR_READ_RESOURCE},
	{"healthlake_fhir_read", "GET", RESOURCE "/_history/[version]",
	 HL_FHIR_VERSION_READ_RESOURCE},
	{"healthlake_fhir_read_many", "GET", RESOURCE, HL_FHIR_READ_RESOURCE},
	{"healthlake_fhir_create", "POST", "[type]", HL_FHIR_CREATE_RESOURCE},
	{"healthlake_fhir_create", "GET", RESOURCE, HL_FHIR_READ_RESOURCE},
	{"healthlake_fhir_update", "PUT", RESOURCE, HL_FHIR_UPDATE_RESOURCE},
	{"healthlake_fhir_update", "GET", RESOURCE, HL_FHIR_READ_RESOURCE},
	{"healthlake_fhir_update", "GET", RESOURCE "/_history/[version]",
	 HL_FHIR_VERSION_READ_RESOURCE},
	{"healthlake_fhir_update_where", "PUT", "[type]?[search]",
	 HL_FHIR_UPDATE_RESOURCE},
	{"healthlake_fhir_patch", "PATCH", RESOURCE, HL_FHIR_PATCH_RESOURCE},
	{"healthlake_fhir_delete", "DELETE", RESOURCE, HL_FHIR_DELETE_RESOURCE},
	{"healthlake_fhir_delete", "GET", RESOURCE "/_history/[version]",
	 HL_FHIR_VERSION_READ_RESOURCE},
	{"healthlake_fhir_search", "POST", "[type]/_search",
	 HL_FHIR_SEARCH_WITH_POST},
	{"healthlake_fhir_search", "GET", "[type]?[page]", HL_FHIR_SEARCH_WITH_GET},
	{"healthlake_fhir_count", "POST", "[type]/_search",
	 HL_FHIR_SEARCH_WITH_POST},
	{"healthlake_fhir_everything", "GET", "Patient/[id]/$everything",
	 HL_FHIR_SEARCH_EVERYTHING},
	{"healthlake_fhir_history", "GET", RESOURCE "/_history",
	 HL_FHIR_GET_HISTORY_BY_RESOURCE_ID},
	{"healthlake_fhir_history", "GET", "[type]/_history",
	 HL_FHIR_GET_HISTORY_BY_RESOURCE_TYPE},
	{"healthlake_fhir_history", "GET", "_history", HL_FHIR_GET_FULL_HISTORY},
	{"healthlake_fhir_delete_where", "POST", "[type]/_search",
	 HL_FHIR_SEARCH_WITH_POST},
	{"healthlake_fhir_delete_where", "GET", "[type]?[page]",
	 HL_FHIR_SEARCH_WITH_GET},
	{"healthlake_fhir_delete_where", "DELETE", RESOURCE,
	 HL_FHIR_DELETE_RESOURCE},
	{"healthlake_fhir_operation", "GET, POST", "[path]/$[operation]",
	 HL_FHIR_QUERY_OPERATION},
	{"healthlake_fhir_operation", "GET, POST", "[path]/$[operation]",
	 HL_FHIR_CHANGE_OPERATION},
	{"healthlake_fhir_validate", "POST", "[type]/$validate",
	 HL_FHIR_VALIDATE_RESOURCE},
	{"healthlake_fhir_capabilities", "GET", "metadata",
	 HL_FHIR_GET_CAPABILITIES},
	{"healthlake_fhir_bundle", "POST", "", HL_FHIR_READ_BUNDLE,
	 "ProcessBundle"},
	{"healthlake_fhir_bundle", "POST", "", HL_FHIR_PROCESS_BUNDLE},
	{"healthlake_fhir_load", "POST", "", HL_FHIR_PROCESS_BUNDLE},
	{NULL}};
