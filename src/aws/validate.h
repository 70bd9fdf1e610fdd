/*
 * validate.h
 *	  Checks a request against its shape, by the rules of AWS's own Python
 *	  client: required, unknown and mistyped members, minimum lengths and
 *	  values, unions. Patterns, enums and maxima are left to the service. All
 *	  faults are collected. An HlFaults starts zeroed and ends in
 *	  hl_faults_free().
 */
#ifndef HL_AWS_VALIDATE_H
#define HL_AWS_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/shape.h"
#include "base/json.h"

#define HL_FAULTS_KEPT 1000 /* further ones are only counted */

typedef enum HlFaultKind
{
	HL_FAULT_MISSING, /* a required member */
	HL_FAULT_NULL,    /* null in a list or map */
	HL_FAULT_UNKNOWN, /* a member that the shape does not have */
	HL_FAULT_TYPE,
	HL_FAULT_MINIMUM, /* too small or too short */
	HL_FAULT_UNION    /* not exactly one member of a union */
} HlFaultKind;

typedef struct HlFault
{
	HlFaultKind kind;
	char *path;       /* "Tags[0].Key"; "input": the request itself */
	char *member;     /* missing or unknown in path; else NULL */
	char *suggestion; /* for an unknown member; or NULL */
	char *text;       /* a sentence with the path, without a period */
} HlFault;

typedef struct HlFaults
{
	HlFault *list;
	size_t count;
	size_t room; /* allocated elements */
	size_t more; /* found, not kept */
	bool failed; /* out of memory: the list is incomplete */
} HlFaults;

/*
 * Adds the faults of a request; true if there are none. A null member counts
 * as missing. With allow_unknown unknown members are no faults.
 */
extern bool hl_validate(HlFaults *faults, const HlJson *request,
						const HlShape *shape, bool allow_unknown);

/*
 * Adds the faults of a reply: missing required members and wrong types. Other
 * differences from the model are accepted.
 */
extern bool hl_validate_reply(HlFaults *faults, const HlJson *reply,
							  const HlShape *shape);

extern void hl_faults_free(HlFaults *faults);

#endif
