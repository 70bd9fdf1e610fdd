/*
 * evaluate.h
 *	  Evaluates parsed paths over a document in place. Memory is allocated in
 *	  the current memory context, which the caller resets; items of the result
 *	  may point into it.
 */
#ifndef HL_FHIRPATH_EVALUATE_H
#define HL_FHIRPATH_EVALUATE_H

#include "postgres.h"

#include "fhirpath/item.h"
#include "fhirpath/parse.h"

/* The value of %name, a collection. */
typedef struct HlConstant
{
	const char *name;
	int len;
	HlItems items;
} HlConstant;

typedef struct HlConstants
{
	HlConstant *all;
	int count;
} HlConstants;

/* Results that a view keeps for paths with a common beginning. */
typedef struct HlSlots
{
	HlItems *values;
	bool *known;
	int count;
} HlSlots;

typedef struct HlEvaluation
{
	HlItem resource; /* the whole document */
	const HlConstants *constants;
	int64 row_index;       /* %rowIndex */
	int64 index;           /* $index */
	HlSlots *slots;        /* or NULL */
	const HlItem *context; /* %context, for which the slots are valid */
} HlEvaluation;

/* Evaluates a node and appends the results; the focus is $this, or NULL. */
extern void hl_evaluate(HlEvaluation *evaluation, const HlNode *node,
						const HlItem *focus, HlItems *out);

/* The truth of a collection as one boolean; throws 21000 for several items. */
extern HlTruth hl_evaluate_truth(const HlItems *items);

/* Evaluates a criterion for an item. */
extern HlTruth hl_evaluate_criterion(HlEvaluation *evaluation,
									 const HlNode *node, const HlItem *focus);

/* The only item of a collection; NULL: empty; throws 21000 for several. */
extern const HlItem *hl_evaluate_single(const HlItems *items, const char *what);

/* The value of a constant; NULL if it is not defined. */
extern const HlConstant *hl_constant_find(const HlConstants *constants,
										  const char *name, int len);

/* Throws 42704 if a path names a constant that is not defined. */
extern void hl_constants_check(const HlConstants *constants,
							   const HlPath *path);

#endif
