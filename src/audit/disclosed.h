/*
 * disclosed.h
 *	  Which resources a reply has, and of which patients: for those who must
 *	  account for disclosures. Only what has the form of a type or an id is
 *	  listed, so that nothing else of a reply gets into the audit trail.
 */
#ifndef HL_AUDIT_DISCLOSED_H
#define HL_AUDIT_DISCLOSED_H

#include "postgres.h"

#include "base/json.h"

/* The number of resources that are named, with their patients. */
#define HL_DISCLOSED_RESOURCES 1000
#define HL_DISCLOSED_PATIENTS 10000

/* Arrays of text as SQL writes them, palloc'd; NULL: there is none. */
typedef struct HlDisclosed
{
	int64 count;           /* of all resources */
	const char *resources; /* type/id */
	const char *patients;  /* ids of patients, also of referred ones */
} HlDisclosed;

/* Reads a reply of the data plane. */
extern HlDisclosed hl_disclosed_read(const HlJson *reply);

#endif
