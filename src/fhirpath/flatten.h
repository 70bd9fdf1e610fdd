/*
 * flatten.h
 *	  Makes the rows of a view for a resource. An HlFlattening lives as long as
 *	  the view; its memory is reset for each resource, and a row is valid until
 *	  the next one is made.
 */
#ifndef HL_FHIRPATH_FLATTEN_H
#define HL_FHIRPATH_FLATTEN_H

#include "postgres.h"

#include "utils/tuplestore.h"

#include "fhirpath/view.h"

typedef struct HlFlattening HlFlattening;

/* Prepares a view, in the current memory context. */
extern HlFlattening *hl_flatten_begin(const HlView *view);

/* Puts the rows of a resource into a store, with the columns of the view. */
extern void hl_flatten_rows(HlFlattening *flattening, Jsonb *resource,
							Tuplestorestate *store, TupleDesc row);

/* The same with each row as a jsonb object. */
extern void hl_flatten_objects(HlFlattening *flattening, Jsonb *resource,
							   Tuplestorestate *store, TupleDesc row);

/*
 * The value of a view of one column and one row, copied into the current
 * memory context; false if it is NULL or the view excludes the resource.
 */
extern bool hl_flatten_value(HlFlattening *flattening, Jsonb *resource,
							 Datum *value);

#endif
