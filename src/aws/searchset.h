/*
 * searchset.h
 *	  A page of a FHIR search or history: a Bundle, read entry by entry.
 *	  Results point into the document of the page.
 */
#ifndef HL_AWS_SEARCHSET_H
#define HL_AWS_SEARCHSET_H

#include "base/json.h"

typedef enum HlEntryMode
{
	HL_ENTRY_MATCH,
	HL_ENTRY_INCLUDE, /* requested by _include or _revinclude */
	HL_ENTRY_OUTCOME  /* an OperationOutcome about the search */
} HlEntryMode;

#define HL_ENTRY_WORD 65 /* of a type, an id or a version, with the zero */

/* Missing strings are "". Some strings are stored in the entry itself. */
typedef struct HlEntry
{
	HlEntryMode mode;
	const HlJson *resource; /* NULL: deleted, or only a URL */
	const char *type;
	const char *id;
	const char *version_id;
	const HlJson *last_updated; /* or NULL */
	bool deleted;               /* in a history: this version is the deletion */

	/* storage of type, id and version */
	char words[3][HL_ENTRY_WORD];
} HlEntry;

/* The state of reading a page. */
typedef struct HlSearchset
{
	const char *next;  /* the link to the next page; "": none */
	int64_t total;     /* Bundle.total; -1: missing */
	const char *fault; /* why the page is invalid; static; or NULL */
	const char *type;  /* that was searched for; NULL: any. For the caller to
						  set: it decides the mode of entries without one */
	HlJsonEach each;
} HlSearchset;

/* Begins a page; false if the document is not a valid one: see fault. */
extern bool hl_searchset_read(HlSearchset *set, const HlJson *page);

/* Reads the next entry; false at the end. */
extern bool hl_searchset_step(HlSearchset *set, HlEntry *entry);

#endif
