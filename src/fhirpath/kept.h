/*
 * kept.h
 *	  What a function call keeps in fn_extra for the next one of the same
 *	  statement: a parsed path with its constants, or a view. It lives in
 *	  fn_mcxt, and is rebuilt when an argument changes.
 */
#ifndef HL_FHIRPATH_KEPT_H
#define HL_FHIRPATH_KEPT_H

#include "postgres.h"

#include "fmgr.h"

#include "fhirpath/flatten.h"

typedef struct HlKeptPath
{
	MemoryContext memory;
	text *text;      /* NULL: no path yet */
	Jsonb *document; /* of the constants, or NULL */
	HlPath *path;
	HlConstants *constants;
} HlKeptPath;

typedef struct HlKeptView
{
	MemoryContext memory;
	Jsonb *document; /* NULL: no view yet */
	HlView *view;
	HlFlattening *flattening;
	bool is_checked; /* the caller's columns match those of the view */
} HlKeptView;

/* The path of argument 1, with the constants of argument 2, if there is one. */
extern const HlKeptPath *hl_kept_path(FunctionCallInfo fcinfo);

/* The view of an argument. */
extern HlKeptView *hl_kept_view(FunctionCallInfo fcinfo, int argument);

#endif
