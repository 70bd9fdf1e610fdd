/*
 * arrays.c
 *	  Arrays of text and int8, whose storage construct_array() must be told.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "server/arrays.h"

ArrayType *
hl_arrays_text(Datum *texts, int count)
{
	return construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT);
}

ArrayType *
hl_arrays_int8(Datum *numbers, int count)
{
	return construct_array(numbers, count, INT8OID, sizeof(int64),
						   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}
