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

/*
 * As a form, percent-encoded, palloc'd. paged: a search sets _count and page
 * itself. Throws 22023 for invalid parameters.
 */
extern char *hl_parameters_form(const HlJson *parameters, bool paged);

/*
 * Throws 22023 for a criterion with an empty alternative, such as ",", which
 * may select everything.
 */
extern void hl_parameters_refuse_unselective(const HlJson *parameters);

/* Returns a copy of the form with one more pair, palloc'd. */
extern char *hl_parameters_add(const char *form, const char *name,
							   const char *value);

/* The distinct names in a form, as a JSON array; palloc'd. */
extern char *hl_parameters_names(const char *form);

/* A value with FHIR's special characters escaped: healthlake_fhir_escape(). */
extern text *hl_parameters_escape(const text *value);

#endif
