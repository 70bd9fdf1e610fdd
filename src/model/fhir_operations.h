/*
 * fhir_operations.h
 *	  HealthLake's data plane as data: FHIR's interactions as operations, named
 *	  by the IAM actions that allow them, and the SQL functions that perform
 *	  them. They are in this room since statistics, grants and the audit trail
 *	  treat them like those of the control plane. Everything is const and free
 *	  of PostgreSQL.
 *
 *	  A function that sends has a row in hl_fhir_uses for each request that it
 *	  may make, and one in call/grant.c.
 */
#ifndef HL_MODEL_FHIR_OPERATIONS_H
#define HL_MODEL_FHIR_OPERATIONS_H

#include "model/model.h"

typedef enum HlFhirName
{
	HL_FHIR_READ_RESOURCE,
	HL_FHIR_VERSION_READ_RESOURCE,
	HL_FHIR_GET_HISTORY_BY_RESOURCE_ID,
	HL_FHIR_GET_HISTORY_BY_RESOURCE_TYPE,
	HL_FHIR_GET_FULL_HISTORY,
	HL_FHIR_SEARCH_WITH_POST,
	HL_FHIR_SEARCH_WITH_GET,
	HL_FHIR_SEARCH_EVERYTHING,
	HL_FHIR_GET_CAPABILITIES,
	HL_FHIR_VALIDATE_RESOURCE,
	HL_FHIR_QUERY_OPERATION, /* any $operation that changes nothing */
	HL_FHIR_CREATE_RESOURCE,
	HL_FHIR_UPDATE_RESOURCE,
	HL_FHIR_PATCH_RESOURCE,
	HL_FHIR_DELETE_RESOURCE,
	HL_FHIR_PROCESS_BUNDLE,
	HL_FHIR_READ_BUNDLE,      /* a Bundle of GETs only */
	HL_FHIR_CHANGE_OPERATION, /* any other $operation */
	HL_FHIR_OPERATIONS
} HlFhirName;

/* "idempotent" is set if all requests are; else see HlRest.repeatable. */
extern const HlOperation hl_fhir_operations[HL_FHIR_OPERATIONS];

/* A request that an SQL function makes. */
typedef struct HlFhirUse
{
	const char *function;
	const char *method;
	const char *path; /* below .../r4/, with placeholders in [] */
	HlFhirName operation;
	const char *action; /* IAM action; NULL: the operation's name */
} HlFhirUse;

extern const HlFhirUse hl_fhir_uses[]; /* ends with a NULL function */

#endif
