/*
 * entries.h
 *	  The entries of a batch or a transaction: read from jsonb, validated
 *	  before anything is sent, rewritten for the queue, and written as a
 *	  Bundle. Strings are UTF-8 and live in the CurrentMemoryContext of the
 *	  reading. Errors name an entry as Bundle.entry[n] and quote only its
 *	  method.
 */
#ifndef HL_FHIR_ENTRIES_H
#define HL_FHIR_ENTRIES_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "base/json.h"
#include "fhir/rights.h"

#define HL_ENTRIES_MOST_BATCH 500
#define HL_ENTRIES_MOST_TRANSACTION 100

/* One request of a Bundle; NULL if there is none of it. */
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
	bool given_id; /* in place of a POST: the resource gets "id" */
} HlFhirEntry;

typedef struct HlFhirEntries
{
	bool transaction; /* else a batch */
	int count;
	HlFhirEntry *entries;
	bool settled; /* see hl_entries_settle() */
} HlFhirEntries;

/*
 * Reads an array of entries, or a Bundle, which must be of the type that is
 * named ("batch" or "transaction"). Throws 22023 for what is wrong with it and
 * 54000 if there are more entries than AWS takes.
 */
extern HlFhirEntries *hl_entries_read(Jsonb *entries, const char *type);

/* What an entry does, and what all of them do: HlFhirWord, or'ed. */
extern HlFhirWord hl_entry_word(const HlFhirEntry *entry);
extern int hl_entries_words(const HlFhirEntries *entries);

/*
 * Whether the Bundle may be sent again when its outcome is unknown: each entry
 * reads, or writes or deletes under an id of the client's. A condition in a
 * batch is against it, since the second answer to that could be another one.
 */
extern bool hl_entries_are_repeatable(const HlFhirEntries *entries);

/*
 * Makes the Bundle fit to be kept and sent later: each POST becomes a PUT with
 * a new id and If-None-Match: *, and references to fullUrls of such entries
 * become theirs. Throws 22023 for a type that cannot be written so.
 */
extern void hl_entries_settle(HlFhirEntries *entries);

/* The Bundle as JSON. Throws 54000 if it is larger than AWS takes. */
extern char *hl_entries_write(const HlFhirEntries *entries);

/* How often each method comes, for people: "2 POST, 1 PUT". */
extern char *hl_entries_methods(const HlFhirEntries *entries);

#endif
