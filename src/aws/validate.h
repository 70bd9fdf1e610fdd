/*
 * validate.h
 *	  Whether a request has the form that its operation takes, by the rules
 *	  of AWS's own Python client: members that are required, unknown or of
 *	  another type, what is too short or too small, unions. Patterns, enums
 *	  and maxima are the service's to judge. All faults are found at once.
 *	  Whoever declares an HlFaults (zeroed) frees it: hl_faults_free().
 */
#ifndef HL_AWS_VALIDATE_H
#define HL_AWS_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/shape.h"
#include "base/json.h"

#define HL_FAULTS_KEPT 1000 /* the others are counted */

typedef enum HlFaultKind
{
	HL_FAULT_MISSING, /* a required member */
	HL_FAULT_NULL,    /* where no member can be left out: in a list or map */
	HL_FAULT_UNKNOWN, /* a member that the shape does not have */
	HL_FAULT_TYPE,
	HL_FAULT_MINIMUM, /* of a number, or of a length */
	HL_FAULT_UNION    /* not exactly one member of a union */
} HlFaultKind;

typedef struct HlFault
{
	HlFaultKind kind;
	char *path;       /* Tags[0].Key; input: the request itself */
	char *member;     /* that is missing or unknown in path, else NULL */
	char *suggestion; /* what an unknown member may have meant, or NULL */
	char *text; /* one sentence that names the path and ends in no period */
} HlFault;

typedef struct HlFaults
{
	HlFault *list;
	size_t count;
	size_t room; /* for so many in list */
	size_t more; /* found and not kept */
	bool failed; /* out of memory: the list is not whole */
} HlFaults;

/*
 * Adds what is wrong with the request; true if that is nothing. A member that
 * is null counts as left out. Unknown members are no faults where they are
 * allowed.
 */
extern bool hl_validate(HlFaults *faults, const HlJson *request,
						const HlShape *shape, bool allow_unknown);

/*
 * Adds what is wrong with a reply: required members that are missing, and
 * types. Anything else that AWS sends is taken as it is.
 */
extern bool hl_validate_reply(HlFaults *faults, const HlJson *reply,
							  const HlShape *shape);

extern void hl_faults_free(HlFaults *faults);

#endif
