/*
 * type.h
 *	  The names of FHIR's types that paths need without StructureDefinitions:
 *	  types at the end of choice elements, and subtypes of others. All returned
 *	  names are static.
 */
#ifndef HL_FHIRPATH_TYPE_H
#define HL_FHIRPATH_TYPE_H

#include "postgres.h"

#include "fhirpath/item.h"

/* A type as a path names it: Quantity, FHIR.Quantity, System.String. */
typedef struct HlTypeName
{
	const char *name;
	int len;
	bool is_system; /* System. was written */
	bool is_fhir;   /* FHIR. was written */
} HlTypeName;

/* The type that a choice element's name ends in ("DateTime"), or NULL. */
extern const char *hl_type_of_choice(const char *suffix, int len);

/* The static name that equals one in a path or document, or NULL. */
extern const char *hl_type_known(const char *name, int len);

/* Whether a known type is primitive: its name begins in lower case. */
extern bool hl_type_is_primitive(const char *type);

/* The kind of a type's strings: date, dateTime (and instant), time, string. */
extern HlKind hl_type_text_kind(const char *type);

/*
 * Whether an item has a type, or one derived from it; unknown if only a
 * StructureDefinition could tell.
 */
extern HlTruth hl_type_matches(const HlItem *item, const HlTypeName *type);

#endif
