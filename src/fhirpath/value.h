/*
 * value.h
 *	  Values of FHIRPath: scalars and objects of a jsonb document, in place,
 *	  and computed values. An item owns nothing: it points into the document,
 *	  the parsed path or the memory of the evaluation, which all outlive it. A
 *	  collection may own its array: hl_items_free().
 */
#ifndef HL_FHIRPATH_VALUE_H
#define HL_FHIRPATH_VALUE_H

#include "postgres.h"

#include "utils/jsonb.h"

typedef enum HlKind
{
	HL_KIND_NOTHING, /* an element with extensions but no value */
	HL_KIND_BOOLEAN,
	HL_KIND_NUMBER,
	HL_KIND_STRING,
	HL_KIND_DATE, /* has text, like the next two */
	HL_KIND_DATETIME,
	HL_KIND_TIME,
	HL_KIND_OBJECT
} HlKind;

typedef struct HlItem
{
	JsonbValue value;
	JsonbContainer *parent; /* the object with this member; or NULL */
	const char *key;        /* the name of the member */
	const char *owner;      /* the type or name of the parent; or NULL */
	const char *type;       /* the FHIR type if the name shows it; or NULL */
	int keylen;
	int ownerlen;
	int index; /* in the member's array, or -1 */
	HlKind kind;
	bool is_system;  /* a literal or computed: has a System type */
	bool is_decimal; /* of a number of a System type: Decimal, not Integer */
} HlItem;

typedef struct HlItems
{
	HlItem *items;
	int count;
	int size;
	HlItem few[2]; /* the array if it is small */
} HlItems;

#endif
