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

/*
 * Reads the SQL type of an ansi/type tag. Returns 0, or the SQLSTATE of the
 * fault: 0A000 for ANSI types that are not supported, 22023 for all else.
 */
extern int hl_cast_type_of_tag(const char *tag, int len, HlSqlType *type);

/* Converts an item; false if the result is NULL. */
extern bool hl_cast_item(const HlItem *item, HlSqlType type, Datum *value);

/* The same as an item, for JSON; false if the result is NULL. */
extern bool hl_cast_to_item(const HlItem *item, HlSqlType type, HlItem *result);

/* The array type of a type. */
extern Oid hl_cast_array_of(Oid type);

/* An array of the items of a collection; items that cannot be cast are NULL. */
extern Datum hl_cast_array(const HlItems *items, HlSqlType type);

#endif
