/*
 * load_read.h
 *	  The statement that reads a part of a table. Between two statements the
 *	  transaction may have ended, and what has a name may be something else by
 *	  then: a table is known by its OID, and a column by its number, too. Each
 *	  statement is made anew under a lock, and its analysis is checked before
 *	  anything of it is executed.
 */
#ifndef HL_FHIR_LOAD_READ_H
#define HL_FHIR_LOAD_READ_H

#include "postgres.h"

#include "access/attnum.h"
#include "storage/block.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

#include "fhir/load_source.h"

/* What a load reads, as it was found at the beginning. */
typedef struct HlLoadTable
{
	Oid relation;
	AttrNumber column;
	const char *column_name;
} HlLoadTable;

/* The rows of a part; all of it is in a memory of its own. */
typedef struct HlLoadPart
{
	MemoryContext memory;
	HlLoadRow *rows;
	int count;
	int room;
} HlLoadPart;

/* Opens a relation, which may be dropped during a load. */
extern Relation hl_load_read_open(Oid relation, LOCKMODE lock);

/* Refuses relations without rows of their own. */
extern void hl_load_read_check_kind(Relation relation);

/*
 * Finds table and column, in CurrentMemoryContext, and locks the table until
 * the transaction ends; returns the table's qualified and quoted name.
 */
extern const char *hl_load_read_find(HlLoadTable *table, Oid relation,
									 const char *column);

/*
 * The rows from the first block until before the end, not sorted, in a child
 * of CurrentMemoryContext. A snapshot must be active. Throws what a SELECT by
 * the caller throws, and 55000 if it would not read that column of that table.
 */
extern HlLoadPart *hl_load_read(const HlLoadTable *table, BlockNumber first,
								BlockNumber end);

#endif
