/*
 * view.h
 *	  A ViewDefinition, read and validated as a whole. It is palloc'd in the
 *	  current memory context and points into the document, which must live as
 *	  long.
 */
#ifndef HL_FHIRPATH_VIEW_H
#define HL_FHIRPATH_VIEW_H

#include "postgres.h"

#include "fhirpath/cast.h"
#include "fhirpath/evaluate.h"
#include "fhirpath/parse.h"

typedef struct HlColumn
{
	char *name;
	HlPath *path;
	bool is_typed; /* the view tells the type, or the path does */
	bool is_collection;
	HlSqlType type; /* of an element, where it is a collection */
	Oid sql_type;   /* of the column */
	int at;         /* its place in a row, from 0 */
	char *place;    /* in the document, for messages */
	HlItem source;  /* there */
} HlColumn;

typedef enum HlIteration
{
	HL_ITERATION_NONE,
	HL_ITERATION_EACH,         /* forEach */
	HL_ITERATION_EACH_OR_NULL, /* forEachOrNull */
	HL_ITERATION_REPEAT
} HlIteration;

typedef struct HlSelect
{
	HlIteration iteration;
	HlPath **paths; /* one, or those of repeat */
	int npaths;
	HlColumn **columns;
	int ncolumns;
	struct HlSelect **selects;
	int nselects;
	struct HlSelect **unions;
	int nunions;
	int nslots;    /* values that its columns share */
	int first;     /* the place of its first column in a row */
	int width;     /* how many columns it has, with all below it */
	HlItem source; /* in the document */
} HlSelect;

typedef struct HlView
{
	HlItem root;
	const char *resource;
	int resourcelen;
	HlConstants constants;
	HlPath **wheres;
	int nwheres;
	HlSelect **selects;
	int nselects;
	HlColumn **columns; /* in the order of the row; of a union, the first's */
	int ncolumns;
} HlView;

/* Reads a view; throws all that is wrong with it. */
extern HlView *hl_view_read(Jsonb *document);

/* Whether a resource is of the view's type. */
extern bool hl_view_is_about(const HlView *view, const HlItem *resource);

#endif
