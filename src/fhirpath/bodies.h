/*
 * bodies.h
 *	  The implementations of FHIRPath's functions, used only by their table.
 *	  Shared functions are in call.h. Each implementation appends to its third
 *	  argument.
 */
#ifndef HL_FHIRPATH_BODIES_H
#define HL_FHIRPATH_BODIES_H

#include "fhirpath/call.h"

#define BODY(name)                                                             \
	extern void name(HlEvaluation *evaluation, const HlInvocation *invocation, \
					 HlItems *out)

/* Collections: collection.c */
BODY(hl_body_where);
BODY(hl_body_select);
BODY(hl_body_repeat);
BODY(hl_body_exists);
BODY(hl_body_empty);
BODY(hl_body_all);
BODY(hl_body_all_are);
BODY(hl_body_any_is);
BODY(hl_body_count);
BODY(hl_body_slice);
BODY(hl_body_single);
BODY(hl_body_distinct);
BODY(hl_body_is_distinct);
BODY(hl_body_union);
BODY(hl_body_combine);
BODY(hl_body_intersect);
BODY(hl_body_subset);
BODY(hl_body_children);
BODY(hl_body_descendants);
BODY(hl_body_iif);
BODY(hl_body_not);

enum
{
	HL_SLICE_FIRST,
	HL_SLICE_LAST,
	HL_SLICE_TAIL,
	HL_SLICE_SKIP,
	HL_SLICE_TAKE
};

/* Text: string.c */
BODY(hl_body_join);
BODY(hl_body_test_text);
BODY(hl_body_index_of);
BODY(hl_body_substring);
BODY(hl_body_change_case);
BODY(hl_body_length);
BODY(hl_body_replace);
BODY(hl_body_trim);
BODY(hl_body_split);

enum
{
	HL_TEST_STARTS,
	HL_TEST_ENDS,
	HL_TEST_CONTAINS
};

/* Numbers, boundaries, conversions: conversion.c */
BODY(hl_body_number);
BODY(hl_body_round);
BODY(hl_body_boundary);
BODY(hl_body_convert);
BODY(hl_body_converts);

enum
{
	HL_NUMBER_ABS,
	HL_NUMBER_CEILING,
	HL_NUMBER_FLOOR,
	HL_NUMBER_TRUNCATE
};

/* Types and what FHIR adds: element.c */
BODY(hl_body_of_type);
BODY(hl_body_as);
BODY(hl_body_is);
BODY(hl_body_extension);
BODY(hl_body_has_value);
BODY(hl_body_get_value);
BODY(hl_body_resource_key);
BODY(hl_body_reference_key);

#endif
