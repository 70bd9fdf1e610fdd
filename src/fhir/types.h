/*
 * types.h
 *	  Names of types and ids of resources: they become parts of a path, so all
 *	  are checked here before anything is sent. With healthlake.unknown_members
 *	  = send, any name in the form of a type is accepted.
 */
#ifndef HL_FHIR_TYPES_H
#define HL_FHIR_TYPES_H

#include "postgres.h"

/* Whether FHIR R4 has a type of exactly this name. */
extern bool hl_fhir_is_listed(const char *type);
/* The same, ignoring case. */
extern bool hl_fhir_is_listed_as(const char *type);

/* Whether a type, or an id, may be sent. */
extern bool hl_fhir_is_type(const char *type);
extern bool hl_fhir_is_id(const char *id);

/* Throw 22023 if it may not. A version has the form of an id. */
extern void hl_fhir_check_type(const char *type);
extern void hl_fhir_check_id(const char *id);
extern void hl_fhir_check_version(const char *version);

/* Whether HealthLake does not permit to change resources of a type. */
extern bool hl_fhir_is_written_once(const char *type);

#endif
