/*
 * load_record.h
 *	  Writes healthlake_fhir_load_progress and healthlake_fhir_load_error, as
 *	  their owner: the progress of loads and the rejected rows. SPI must be
 *	  connected. A record lives in the context in which it was begun.
 */
#ifndef HL_FHIR_LOAD_RECORD_H
#define HL_FHIR_LOAD_RECORD_H

#include "postgres.h"

#include "fhir/load_row.h"

/* One load of one table into one data store by one role. */
typedef struct HlLoadRecord
{
	int64 id;
	Oid relation;
	int pass;           /* from 0 */
	const char *looked; /* what the pass before had seen; NULL: send all */
	const char *seeing; /* what this one has seen at its beginning */
	int64 files;
	HlLoadPlace place; /* all up to here is done */
	int64 sent;
	int64 refused; /* in this pass */
	bool finished;
	MemoryContext memory;
} HlLoadRecord;

/* A row that was refused, by AWS or here. */
typedef struct HlLoadRefusal
{
	const HlLoadResource *resource;
	int status; /* 0: it was not sent */
	const char *code;
	const char *expression;
} HlLoadRefusal;

/* Finds the record of an earlier load, or begins one. */
extern HlLoadRecord *hl_load_record_find(Oid relation, const char *column,
										 const char *datastore_id);

/* Deletes the errors behind its place, since those rows are sent again. */
extern void hl_load_record_take_back(const HlLoadRecord *record);

/* Resets the progress of an earlier load and deletes its errors. */
extern void hl_load_record_forget(HlLoadRecord *record);

/* Begins a pass over the rows that are newer than the last one's snapshot. */
extern void hl_load_record_pass(HlLoadRecord *record, const char *seeing,
								int64 files);

/* Returns to the beginning of the same pass, since rows have moved. */
extern void hl_load_record_restart(HlLoadRecord *record, int64 files);

/*
 * Deletes the errors of earlier passes about these, or about rows without id.
 */
extern void hl_load_record_forgive(HlLoadRecord *record,
								   HlLoadResource *const *resources, int count);
extern void hl_load_record_forgive_nameless(HlLoadRecord *record);

/* Records rejected rows and the progress of the load. */
extern void hl_load_record_refuse(HlLoadRecord *record,
								  const HlLoadRefusal *refusal);
extern void hl_load_record_advance(HlLoadRecord *record, HlLoadPlace place,
								   int64 sent);

/* Records the end; returns the number of rows with errors. */
extern int64 hl_load_record_finish(HlLoadRecord *record);

#endif
