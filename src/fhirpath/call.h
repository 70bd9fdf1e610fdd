/*
 * call.h
 *	  FHIRPath's functions as a table: names, arguments, and what each does
 *	  with a collection. The table is static.
 */
#ifndef HL_FHIRPATH_CALL_H
#define HL_FHIRPATH_CALL_H

#include "postgres.h"

#include "fhirpath/evaluate.h"
#include "fhirpath/parse.h"

/* What a call's result is, whatever its input is. */
typedef enum HlCallGives
{
	HL_GIVES_ITEMS,  /* several, perhaps */
	HL_GIVES_SAME,   /* at most as many as its input has */
	HL_GIVES_ITEM,   /* one at most */
	HL_GIVES_BOOLEAN /* one boolean at most */
} HlCallGives;

/* A call that is made: of what, and $this of its arguments. */
typedef struct HlInvocation
{
	const HlNode *node;
	const HlItem *focus;
	const HlItems *input;
} HlInvocation;

/* Appends what a function makes of its input to a collection. */
typedef void (*HlCallBody)(HlEvaluation *evaluation,
						   const HlInvocation *invocation, HlItems *out);

typedef struct HlCall
{
	const char *name;
	int least; /* arguments */
	int most;
	HlCallGives gives;
	bool takes_type; /* its argument is a type's name */
	HlCallBody body; /* NULL: known and not supported */
	int variant;     /* for bodies that several functions share */
} HlCall;

/* A function by its name; NULL if FHIRPath has none. */
extern const HlCall *hl_call_find(const char *name, int len);

/* Appends the value of an argument that is no criterion. */
extern void hl_call_argument(HlEvaluation *evaluation,
							 const HlInvocation *invocation, int at,
							 HlItems *out);

/* The text of an argument; false if it is empty. */
extern bool hl_call_text_argument(HlEvaluation *evaluation,
								  const HlInvocation *invocation, int at,
								  HlItem *text);

/* The whole number that an argument is; false if it is empty. */
extern bool hl_call_integer_argument(HlEvaluation *evaluation,
									 const HlInvocation *invocation, int at,
									 int64 *value);

#endif
