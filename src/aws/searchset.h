/*
 * searchset.h
 *	  A page of a FHIR search or history: a Bundle, read entry by entry. What
 *	  is found belongs to the document of the page and goes with it.
 */
#ifndef HL_AWS_SEARCHSET_H
#define HL_AWS_SEARCHSET_H

#include "base/json.h"

typedef enum HlEntryMode
{
	HL_ENTRY_MATCH,
	HL_ENTRY_INCLUDE, /* _include or _revinclude asked for it */
	HL_ENTRY_OUTCOME  /* an OperationOutcome about the search */
} HlEntryMode;

#define HL_ENTRY_WORD 65 /* a type, an id or a version, and its zero */

/* Strings are "" where there are none; some are in the entry itself. */
typedef struct HlEntry
{
	HlEntryMode mode;
	const HlJson *resource; /* NULL: a deleted one, or only its place is told */
	const char *type;
	const char *id;
	const char *version_id;
	const HlJson *last_updated; /* NULL if it is not told */
	bool deleted;               /* by this version, in a history */

	/* where type, id and version may be kept */
	char words[3][HL_ENTRY_WORD];
} HlEntry;

/* A page at hand. */
typedef struct HlSearchset
{
	const char *next;  /* the link to the next page; "": this is the last */
	int64_t total;     /* what the server counts; -1: it does not tell */
	const char *fault; /* why it is no page; NULL: it is one */
	HlJsonEach each;
} HlSearchset;

/* Begins a page; false if the document is none: see its fault. */
extern bool hl_searchset_read(HlSearchset *set, const HlJson *page);

/* Returns the next entry; false: there is none. */
extern bool hl_searchset_step(HlSearchset *set, HlEntry *entry);

#endif
