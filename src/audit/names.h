/*
 * names.h
 *	  A list of distinct ids, or of type/id, as an array literal. Only texts in
 *	  the form of a type or an id are added, so that no other text gets into
 *	  the audit trail. Starts zeroed, in CurrentMemoryContext.
 */
#ifndef HL_AUDIT_NAMES_H
#define HL_AUDIT_NAMES_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/hsearch.h"

/* The maximum length; a reply that needs a longer list is withheld. */
#define HL_NAMES_MOST 100000

typedef struct HlNames
{
	HTAB *known; /* NULL: none added yet */
	StringInfoData array;
	int count;
	bool overflow; /* the list was full */
} HlNames;

/* Whether a text is an id of FHIR, or the name of a type. */
extern bool hl_names_is_id(const char *text);
extern bool hl_names_is_type(const char *text);

/* Adds type/id. Both must have been checked. */
extern void hl_names_add_resource(HlNames *names, const char *type,
								  const char *id);
/* Adds an id, which must have been checked. */
extern void hl_names_add(HlNames *names, const char *id);

/*
 * Adds the id in a reference to a patient: Patient/1, or a URL that ends so,
 * possibly with a version. Returns whether it is one.
 */
extern bool hl_names_add_referred(HlNames *patients, const char *reference);

/*
 * The array literal of the list; NULL: empty. Nothing can be added afterwards.
 */
extern const char *hl_names_finish(HlNames *names);

#endif
