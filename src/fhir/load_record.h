/*
 * load_record.h
 *	  Writes healthlake_fhir_load_progress and healthlake_fhir_load_error, as
 *	  their owner: the progress of loads, and the rows with issues. SPI must be
 *	  connected. A record lives in the CurrentMemoryContext of
 *	  hl_load_record_find().
 */
#ifndef HL_FHIR_LOAD_RECORD_H
#define HL_FHIR_LOAD_RECORD_H

#include "postgres.h"

#include "fhir/load_row.h"

/* A load of a table into a data store by a role. */
typedef struct HlLoadRecord
{
	int64 id;
	Oid relation;
	AttrNumber column;
	int pass;           /* from 0 */
	const char *looked; /* snapshot of the previous pass; NULL: send all */
	HlLoadFiles *looked_files;
	const char *seeing; /* snapshot of this pass; NULL: there was none */
	HlLoadFiles *seeing_files;
	HlLoadPlace place; /* all rows up to here are done */
	int64 sent;
	int64 refused; /* these two are set at the end */
	int64 issues;  /* stored with validation issues */
	bool finished;
	MemoryContext memory;
} HlLoadRecord;

/*
 * A row that was refused, by AWS or by the extension, or that AWS has stored
 * with a validation issue.
 */
typedef struct HlLoadIssue
{
	const HlLoadResource *resource;
	int status; /* 0: it was not sent; 2xx: stored */
	const char *code;
	const char *expression;
} HlLoadIssue;

/* Finds the record of an earlier load, or creates one. */
extern HlLoadRecord *hl_load_record_find(Oid relation, const char *column,
										 const char *datastore_id);

/* Deletes the errors of rows after its place, since they are sent again. */
extern void hl_load_record_take_back(const HlLoadRecord *record);

/* Resets the progress of an earlier load and deletes its errors. */
extern void hl_load_record_forget(HlLoadRecord *record, AttrNumber column);

/*
 * Begins a pass over the rows that the previous one did not see. The files must
 * live as long as the record, as for the next function.
 */
extern void hl_load_record_pass(HlLoadRecord *record, const char *seeing,
								HlLoadFiles *files);

/* Restarts the pass, since rows have moved. */
extern void hl_load_record_restart(HlLoadRecord *record, HlLoadFiles *files);

/* Whether the previous pass has seen a row; looked is its snapshot. */
extern bool hl_load_record_has_seen(const HlLoadRecord *record,
									const HlLoadSeen *looked,
									const HlLoadRow *row);

/*
 * Deletes the errors of earlier passes about these resources, or about rows
 * without an id.
 */
extern void hl_load_record_forgive(HlLoadRecord *record,
								   HlLoadResource *const *resources, int count);
extern void hl_load_record_forgive_nameless(HlLoadRecord *record);

/* Records rows with issues and the progress of the load. */
extern void hl_load_record_issue(HlLoadRecord *record,
								 const HlLoadIssue *issue);
extern void hl_load_record_advance(HlLoadRecord *record, HlLoadPlace place,
								   int64 sent);

/* Records the end; sets the numbers of rows with issues. */
extern void hl_load_record_finish(HlLoadRecord *record);

#endif
