/*
 * load_files.h
 *	  The files that a pass of a load reads: what tells whether rows have moved
 *	  since, and whether the pass could see a row.
 */
#ifndef HL_FHIR_LOAD_FILES_H
#define HL_FHIR_LOAD_FILES_H

#include "postgres.h"

#include "storage/block.h"

typedef struct HlLoadFiles
{
	bool filtered;      /* row security may hide rows of them */
	BlockNumber blocks; /* of the largest */
	int count;
	uint64 files[FLEXIBLE_ARRAY_MEMBER]; /* see hl_load_files_look(); sorted */
} HlLoadFiles;

/*
 * Finds the tables and partitions with rows, in CurrentMemoryContext, and locks
 * them until the transaction ends. Each is a number of two halves: the OID, and
 * the file. A snapshot must be active.
 */
extern HlLoadFiles *hl_load_files_look(Oid relation);

/* Whether a row may have moved, appeared behind a pass, or be hidden now. */
extern bool hl_load_files_moved(const HlLoadFiles *was, const HlLoadFiles *now);

/* Whether a table or partition is one of them, in whichever file. */
extern bool hl_load_files_have(const HlLoadFiles *files, Oid relation);

/* As a column of healthlake_fhir_load_progress: an int8[]. */
extern Datum hl_load_files_array(const HlLoadFiles *files);
extern HlLoadFiles *hl_load_files_read(Datum array);

#endif
