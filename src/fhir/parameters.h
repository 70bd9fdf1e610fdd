/*
 * parameters.h
 *	  Search parameters as SQL passes them. Errors name a parameter and never a
 *	  value. Results live in CurrentMemoryContext.
 */
#ifndef HL_FHIR_PARAMETERS_H
#define HL_FHIR_PARAMETERS_H

#include "postgres.h"

#include "base/bytes.h"
#include "base/json.h"
#include "utils/jsonb.h"

/* The parameters as JSON; an object without members for NULL. */
extern const HlJson *hl_parameters_read(Jsonb *parameters);

/* As a form, percent-encoded. Throws 22023 for invalid parameters. */
extern char *hl_parameters_form(const HlJson *parameters);

/* Adds a pair to such a form, which is palloc'd anew. */
extern char *hl_parameters_add(const char *form, const char *name,
							   const char *value);

/* The names in such a form, each once, as a JSON array; palloc'd. */
extern char *hl_parameters_names(const char *form);

/* A value with FHIR's special characters escaped: healthlake_fhir_escape(). */
extern text *hl_parameters_escape(const text *value);

#endif
