/*
 * resource.h
 *	  A resource that SQL passes, as far as a request depends on it. A refused
 *	  resource was not sent; errors quote no part of a resource. Everything
 *	  lives in CurrentMemoryContext.
 */
#ifndef HL_FHIR_RESOURCE_H
#define HL_FHIR_RESOURCE_H

#include "postgres.h"

#include "model/arguments.h"
#include "utils/jsonb.h"

typedef struct HlFhirResource
{
	Jsonb *json;
	const char *type;
	const char *id; /* NULL: none */
} HlFhirResource;

/*
 * The resource in an argument. Throws 22004 for NULL, 22023 without a type,
 * with an invalid id, and for a partial resource (SUBSETTED), since writing it
 * would lose the rest.
 */
extern HlFhirResource *hl_fhir_resource(const HlArguments *arguments,
										const char *argument);

/* The same for a value; "what" names it in errors: argument "resource". */
extern HlFhirResource *hl_fhir_resource_of(Jsonb *json, const char *what);

/* A string member of an object; NULL: missing, or not a string. */
extern char *hl_fhir_member(JsonbContainer *object, const char *name);

/* The argument of that name; throws 22004 if it is NULL. */
extern const char *hl_fhir_needed(const HlArguments *arguments,
								  const char *argument);

#endif
