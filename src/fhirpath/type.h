/*
 * type.h
 *	  The names of FHIR's types, as far as paths need them without
 *	  StructureDefinitions: those that a choice element may end with, and those
 *	  that are subtypes of others. All returned names are static.
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

/* A static name that is equal to one in a path or document, or NULL. */
extern const char *hl_type_known(const char *name, int len);

/* Whether a known type is a primitive: begins with a small letter. */
extern bool hl_type_is_primitive(const char *type);

/* What kind a type's string is: date, dateTime (instant too), time, string. */
extern HlKind hl_type_text_kind(const char *type);

/* Whether an element of this name has whole dates, never dateTimes. */
extern bool hl_type_is_date_name(const char *name, int len);

/*
 * Whether an item is of a type, or of one derived from it; unknown if only
 * a StructureDefinition could tell.
 */
extern HlTruth hl_type_matches(const HlItem *item, const HlTypeName *type);

#endif
