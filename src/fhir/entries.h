/*
 * entries.h
 *	  The entries of a batch or a transaction: read from jsonb, validated
 *	  before anything is sent, rewritten for the queue, and written as a
 *	  Bundle. Strings are UTF-8 and live in the CurrentMemoryContext of
 *	  hl_entries_read(). Errors name an entry as Bundle.entry[n] and quote only
 *	  its method.
 */
#ifndef HL_FHIR_ENTRIES_H
#define HL_FHIR_ENTRIES_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "base/json.h"
#include "fhir/rights.h"

#define HL_ENTRIES_MOST_BATCH 500
#define HL_ENTRIES_MOST_TRANSACTION 100

/* One request of a Bundle. Missing strings are NULL. */
typedef struct HlFhirEntry
{
	const char *method; /* GET, POST, PUT, PATCH or DELETE */
	const char *url;    /* type[/id[/_history[/version]]][?query] */
	const char *type;
	const char *id;
	const char *version;
	const char *query;
	const char *full_url;
	const char *if_match; /* W/"2" */
	const char *if_none_match;
	const HlJson *resource;
	bool given_id; /* it was a POST: add "id" to the resource */
} HlFhirEntry;

typedef struct HlFhirEntries
{
	bool transaction; /* else a batch */
	int count;
	HlFhirEntry *entries;
	bool settled; /* see hl_entries_settle() */
} HlFhirEntries;

/*
 * Reads an array of entries, or a Bundle of the given type ("batch" or
 * "transaction"). Throws 22023 if it is invalid and 54000 if there are more
 * entries than AWS accepts.
 */
extern HlFhirEntries *hl_entries_read(Jsonb *entries, const char *type);

/*
 * The right that an entry requires, and those that all require (HlFhirWord,
 * or'ed).
 */
extern HlFhirWord hl_entry_word(const HlFhirEntry *entry);
extern int hl_entries_words(const HlFhirEntries *entries);

/*
 * Whether the Bundle may be sent again after an unknown outcome: each entry
 * reads, or writes or deletes an id of the client. A condition in a batch
 * prevents this, since the repetition could fail it.
 */
extern bool hl_entries_are_repeatable(const HlFhirEntries *entries);

/*
 * Prepares the Bundle for the queue: each POST becomes a PUT with a new id and
 * If-None-Match: *, and links to such entries are replaced: see links.h.
 * Throws 22023 for a type whose ids HealthLake assigns, and for a fullUrl of
 * two entries.
 */
extern void hl_entries_settle(HlFhirEntries *entries);

/*
 * The Bundle as JSON. Throws 54000 if it is larger than AWS accepts, and 22023
 * if a link cannot be replaced.
 */
extern char *hl_entries_write(const HlFhirEntries *entries);

/* The number of entries with each method, for messages: "2 POST, 1 PUT". */
extern char *hl_entries_methods(const HlFhirEntries *entries);

#endif
