/*
 * call.h
 *	  The table of FHIRPath's functions: names, arguments, and implementations.
 *	  It is const.
 */
#ifndef HL_FHIRPATH_CALL_H
#define HL_FHIRPATH_CALL_H

#include "postgres.h"

#include "fhirpath/evaluate.h"
#include "fhirpath/parse.h"

/* The result of a call for any input. */
typedef enum HlCallGives
{
	HL_GIVES_ITEMS,  /* any number of items */
	HL_GIVES_SAME,   /* at most as many as the input */
	HL_GIVES_ITEM,   /* at most one item */
	HL_GIVES_BOOLEAN /* at most one boolean */
} HlCallGives;

/* An invocation: its node, and $this of its arguments. */
typedef struct HlInvocation
{
	const HlNode *node;
	const HlItem *focus;
	const HlItems *input;
} HlInvocation;

/* Evaluates a function and appends its results. */
typedef void (*HlCallBody)(HlEvaluation *evaluation,
						   const HlInvocation *invocation, HlItems *out);

typedef struct HlCall
{
	const char *name;
	int least; /* minimum and maximum number of arguments */
	int most;
	HlCallGives gives;
	bool takes_type; /* its argument is the name of a type */
	HlCallBody body; /* NULL: known, but not supported */
	int variant;     /* for implementations of several functions */
} HlCall;

/* Finds a function by its name; NULL: FHIRPath has none. */
extern const HlCall *hl_call_find(const char *name, int len);

/* Evaluates an argument that is not a criterion, and appends the results. */
extern void hl_call_argument(HlEvaluation *evaluation,
							 const HlInvocation *invocation, int at,
							 HlItems *out);

/* The text of an argument; false if it is empty. */
extern bool hl_call_text_argument(HlEvaluation *evaluation,
								  const HlInvocation *invocation, int at,
								  HlItem *text);

/* The integer in an argument; false if it is empty. */
extern bool hl_call_integer_argument(HlEvaluation *evaluation,
									 const HlInvocation *invocation, int at,
									 int64 *value);

#endif
