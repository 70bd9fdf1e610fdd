/*
 * view.h
 *	  A ViewDefinition, read and validated. It is palloc'd in the current
 *	  memory context and points into the document, which must live as long.
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
	bool is_typed;    /* the view, the path or another branch has the type */
	bool is_inferred; /* it is the path that has */
	bool is_adopted;  /* it is another branch of the union that has */
	bool is_collection;
	HlSqlType type;        /* of an element if it is a collection */
	Oid sql_type;          /* of the column */
	int at;                /* position in a row, from 0 */
	char *place;           /* path in the document, for messages */
	HlItem source;         /* the column in the document */
	struct HlColumn *twin; /* a ring: the same column in a union's branches */
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
	int nslots;    /* number of values that its columns share */
	int first;     /* position of its first column in a row */
	int width;     /* number of columns, with all nested selects */
	bool is_plain; /* of the resource: outside of iterations and unions */
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
	HlColumn **columns; /* in row order; of a union, those of the first */
	int ncolumns;
} HlView;

/* Reads a view; throws one error with all its faults. */
extern HlView *hl_view_read(Jsonb *document);

/* Whether a resource has the view's type. */
extern bool hl_view_is_about(const HlView *view, const HlItem *resource);

#endif
