/*
 * disclosed.h
 *	  Lists the resources in a reply, their patients, and the patients in the
 *	  request, for the accounting of disclosures. Only texts in the form of a type or an id are listed, so
 *	  that no other part of a reply gets into the audit trail.
 */
#ifndef HL_AUDIT_DISCLOSED_H
#define HL_AUDIT_DISCLOSED_H

#include "postgres.h"

#include "base/json.h"
#include "model/request.h"

/* How many distinct resources are named; their patients are, of all of them. */
#define HL_DISCLOSED_MOST 1000

/* Array literals of text[], palloc'd; NULL: none. */
typedef struct HlDisclosed
{
	int64 count;           /* of all resources */
	bool overflow;         /* patients are missing: see HL_NAMES_MOST */
	const char *resources; /* type/id, of the first HL_DISCLOSED_MOST */
	const char *patients;  /* ids: asked for, returned, or referred to */
} HlDisclosed;

/* Reads a request to the data plane and its reply; NULL: it shows nothing. */
extern HlDisclosed hl_disclosed_read(const HlRequest *request,
									 const HlJson *reply);

#endif
