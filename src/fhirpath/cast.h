/*
 * cast.h
 *	  Converts items to SQL values. An item of another type is not an error: it
 *	  becomes NULL, so that no resource blocks an index or a generated column.
 *	  Results are palloc'd.
 */
#ifndef HL_FHIRPATH_CAST_H
#define HL_FHIRPATH_CAST_H

#include "postgres.h"

#include "fhirpath/item.h"

typedef struct HlSqlType
{
	Oid oid;
	int32 typmod;
} HlSqlType;

/* The SQL type of a FHIR type, by its name or URI. */
extern HlSqlType hl_cast_type_of(const char *name, int len);

/* The SQL type that an ansi/type tag names; false if it is none of ours. */
extern bool hl_cast_type_of_tag(const char *tag, int len, HlSqlType *type);

/* An item as a value of a type; false if it is NULL. */
extern bool hl_cast_item(const HlItem *item, HlSqlType type, Datum *value);

/* The type of arrays of a type. */
extern Oid hl_cast_array_of(Oid type);

/* An array of a collection's items; those that cannot be cast are NULL. */
extern Datum hl_cast_array(const HlItems *items, HlSqlType type);

#endif
