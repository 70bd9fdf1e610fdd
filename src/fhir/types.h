/*
 * types.h
 *	  Names of types and ids of resources: they become parts of a path, so all
 *	  are checked here before anything is sent. With healthlake.unknown_members
 *	  = send, any name that looks like a type's is one.
 */
#ifndef HL_FHIR_TYPES_H
#define HL_FHIR_TYPES_H

#include "postgres.h"

/* Whether FHIR R4 has the type, letter for letter. */
extern bool hl_fhir_is_listed(const char *type);

/* Whether a type, or an id, may be sent. */
extern bool hl_fhir_is_type(const char *type);
extern bool hl_fhir_is_id(const char *id);

/* Throw 22023 if it may not. A version has the form of an id. */
extern void hl_fhir_check_type(const char *type);
extern void hl_fhir_check_id(const char *id);
extern void hl_fhir_check_version(const char *version);

/* Whether HealthLake takes no second version of a type. */
extern bool hl_fhir_is_written_once(const char *type);

#endif
